//! What a device supplies to Kedge: the ports. Traits and plain types only, no logic.
//!
//! # Porting guide
//!
//! Ten things to supply, each with what happens without it. Begin with the first four: they make sessions and updates work.
//!
//! | | port | trait | without it |
//! |---:|---|---|---|
//! | 1 | [`flash`] | [`NorFlash`](flash::NorFlash) of `embedded-storage`, with the power-loss contract written there; or [`NandFlash`](nand::NandFlash), of which the update agent makes one | nothing works |
//! | 2 | [`http`] | [`Connection`](http::Connection) of `embedded-svc`: one exchange at a time, redirects not followed | no sessions |
//! | 3 | [`clock`] | [`Clock`](clock::Clock): a monotonic clock and sleep | no timeouts, so no sessions |
//! | 4 | [`identity`] | [`Identity`](identity::Identity): hardware id, make, model, version | no sessions |
//! | 5 | [`entropy`] | [`Entropy`](entropy::Entropy): random octets for nonces and back-off | back-off is not spread |
//! | 6 | pushes | no trait: each WSP PDU that arrives by SMS is handed to `Agent::push` of `kedge-agent` | the network cannot begin |
//! | 7 | secrets | no trait: what is secret is a record of the store, so its region is what must be protected, by the chip or by a [`cipher`] | who reads the flash reads them |
//! | 8 | [`radio`] | [`Radio`](radio::Radio): data call, network registration, "the NAM changed" | Wi-Fi devices return `Ok` |
//! | 9 | [`ui`] | [`Ui`](ui::Ui): show a text, ask yes or no; show a page of the network in a browser | every question is answered "later", every page left |
//! | 10 | [`power`] | [`Power`](power::Power): restart, into the update agent or not | updates wait for the next start |
//!
//! Where the default does not do:
//!
//! | port | trait | default |
//! |---|---|---|
//! | [`flash`] | [`Sectors`](flash::Sectors): the table of a part with sectors of different sizes | all sectors are equal |
//! | [`cipher`] | [`FlashCipher`](cipher::FlashCipher): encryption by address; in software: `kedge-platform-crypto` | images are stored plain |
//! | [`loader`] | [`Loader`](loader::Loader): the OEM's boot loader, for devices that keep theirs | Kedge's own boot stage decides |
//! | [`connection`] | [`Connections`](connection::Connections): the access points that were provisioned | they are in the store, and nobody uses them |
//! | [`crypto`] | [`Crypto`](crypto::Crypto): SHA-256, Ed25519 verification | `kedge-platform-crypto`, in software |
//! | [`license`] | [`LicenseStore`](license::LicenseStore), [`DeviceKey`](license::DeviceKey): where a license is kept, and what binds it | licenses on NOR flash, bound to the identity at most |
//!
//! Fast local ports (flash, identity, entropy, crypto) are called directly. Slow or remote ones (network, user, power)
//! are called only by the runner of `kedge-agent`; a device with its own event loop feeds the agent directly instead.
//!
//! # Is the port right?
//!
//! The feature `conformance` has a kit that is run on the device itself and says in words what is wrong, and where: wrong erase
//! sizes, unaligned programs, writing twice, stale caches, missing read-back, bad geometry, and more. Run it before anything
//! of Kedge is built on a port; then cut the power between `nor_leave` and `nor_find`, which no program can do by itself.
#![no_std]
#![forbid(unsafe_code)]
#![cfg_attr(
    not(test),
    deny(
        clippy::unwrap_used,
        clippy::expect_used,
        clippy::panic,
        clippy::indexing_slicing,
        clippy::arithmetic_side_effects,
        clippy::cast_possible_truncation
    )
)]

pub mod cipher;
pub mod clock;
#[cfg(feature = "conformance")]
pub mod conformance;
pub mod connection;
pub mod crypto;
pub mod entropy;
pub mod flash;
pub mod http;
pub mod identity;
pub mod license;
pub mod loader;
pub mod nand;
pub mod power;
pub mod radio;
pub mod ui;

//! What a device supplies to Kedge: the ports. Traits and plain types only, no logic.
//!
//! # Porting guide
//!
//! | port | trait | what happens without it |
//! |---|---|---|
//! | [`flash`] | [`NorFlash`](flash::NorFlash) of `embedded-storage`, with the power-loss contract written there | nothing works |
//! | [`flash`] | [`Sectors`](flash::Sectors): the table of a part with sectors of different sizes | all sectors are equal |
//! | [`cipher`] | [`FlashCipher`](cipher::FlashCipher): encryption by address; in software: `kedge-platform-crypto` | images are stored plain |
//! | [`nand`] | [`NandFlash`](nand::NandFlash): pages, blocks, bad blocks; the update agent makes a `NorFlash` of it | NOR only |
//! | [`loader`] | [`Loader`](loader::Loader): the OEM's boot loader, for devices that keep theirs | Kedge's own boot stage decides |
//! | [`http`] | [`Connection`](http::Connection) of `embedded-svc`: one exchange at a time, redirects not followed | no sessions |
//! | [`clock`] | [`Clock`](clock::Clock): a monotonic clock and sleep | no timeouts, so no sessions |
//! | [`identity`] | [`Identity`](identity::Identity): hardware id, make, model, version | no sessions |
//! | [`entropy`] | [`Entropy`](entropy::Entropy): random octets for nonces and back-off | back-off is not spread |
//! | [`radio`] | [`Radio`](radio::Radio): data call, network registration, "the NAM changed" | Wi-Fi devices return `Ok` |
//! | [`ui`] | [`Ui`](ui::Ui): show a text, ask yes or no | every question is answered "later" |
//! | [`power`] | [`Power`](power::Power): restart, into the update agent or not | updates wait for the next start |
//! | [`crypto`] | [`Crypto`](crypto::Crypto): SHA-256, Ed25519 verification; in software: `kedge-platform-crypto` | no updates |
//! | [`license`] | [`LicenseStore`](license::LicenseStore), [`DeviceKey`](license::DeviceKey): where a licence is kept, and what binds it | licences on NOR flash, bound to the identity at most |
//!
//! Fast local ports (flash, identity, entropy, crypto) are called directly. Slow or remote ones (network, user, power)
//! are called only by the runner of `kedge-agent`; a device with its own event loop feeds the agent directly instead.
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

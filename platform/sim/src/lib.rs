//! A whole simulated device: strict flash, clock, radio, user, identity, network bearer; deterministic.
//!
//! | module | simulates | unkindness |
//! |---|---|---|
//! | [`nor`] | NOR flash | refuses what real parts only forgive; loses power before, inside or after any operation |
//! | [`nand`] | NAND flash | bad blocks from the factory and on the way, wrong bits, torn pages; the power as above |
//! | [`bearer`] | HTTP, in-process | refuses sloppy requests; loses requests and replies, also those of real connections |
//! | [`clock`] | time | passes only by sleep and by stated cost |
//! | [`radio`] | the modem | refuses when told, and broken NAMs always |
//! | [`ui`] | the user | answers by script, remembers what was shown |
//! | [`identity`], [`power`] | who the device is; its restart line | – |
//! | [`random`] | noise, and the entropy port | one seed, the same octets on every host |
//! | [`device`] | all local parts of one device | – |
//!
//! Two devices built alike and given the same seed do the same, octet for octet: a failing case is replayed by its seed
//! and its list of cuts and faults. Nothing here reads the host's clock or its random source.

pub mod bearer;
pub mod clock;
mod cut;
pub mod device;
pub mod identity;
pub mod nand;
pub mod nor;
pub mod power;
pub mod radio;
pub mod random;
pub mod ui;

//! A whole simulated device: strict flash, clock, radio, user, identity, network bearer; deterministic.
//!
//! | module | simulates | unkindness |
//! |---|---|---|
//! | [`nor`] | NOR flash | refuses what real parts only forgive; loses power before, inside or after any operation |
//! | [`random`] | the noise of the world, and the entropy port | one seed, the same octets on every host |
//!
//! Two devices built alike and given the same seed do the same, octet for octet: a failing case is replayed by its seed
//! and its list of cuts and faults. Nothing here reads the host's clock or its random source.

pub mod nor;
pub mod random;

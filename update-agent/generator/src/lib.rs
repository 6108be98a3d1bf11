//! Makes and signs update packages, on a desk or a build server.
//!
//! ```
//! use kedge_generator::{Installed, Layout, Release, Signer, Target, delta};
//!
//! let old: Vec<u8> = (0..20_000_u32).flat_map(|n| n.to_le_bytes()).collect();
//! let mut new = old.clone();
//! new.splice(1000..1000, *b"something new");
//! let release = Release { product: "clock", version: "1.1", security_counter: 1, description: "", notes: "", image: &new };
//! let installed = Installed { version: "1.0", image: &old };
//! let target = Target { layout: Layout::InPlace, block_size: 4096 };
//! let package = delta(&release, &installed, target, &Signer::test_key()).unwrap();
//! assert!(package.len() < 1000);
//! ```
//! Every package is applied to a flash model by the device's own code before it is returned ([`rehearse`]), and the same
//! input gives the same octets.
//!
//! Deltas are coded by `kedge_delta`: what stands where is found out ([`image`]), copies are searched with suffix arrays of
//! the old image, as it is and with its addresses masked, and for a device that overwrites its image the blocks are put in
//! order. [`plain`] makes the older kind without entropy coding. The suffix arrays come from `libsais`, bindings to the C
//! library of that name: linear time whatever the image looks like, and it builds with the C compiler that `ring` needs
//! anyway.

mod check;
mod coder;
mod crypto;
mod delta;
mod encode;
mod error;
pub mod image;
mod matcher;
mod order;
mod package;
mod search;
mod signer;
mod suit;
mod unpack;

pub use check::{NEEDS_MOST, Rehearsal, Trip, forecast, rehearse};
pub use coder::Encoder;
pub use crypto::{RingCrypto, RingSha256};
pub use error::Error;
pub use kedge_package::Layout;
pub use package::{Coding, Installed, Made, Release, Report, Target, create, delta, full, plain};
pub use signer::Signer;
pub use suit::{suit, suit_envelope};
pub use unpack::{Carried, Encoding, Format, Stream};

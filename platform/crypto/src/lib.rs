//! The crypto ports in software, for devices without an accelerator: no heap, no clock, no unsafe code of its own.
//!
//! ```
//! use kedge_platform::crypto::{Crypto, Sha256};
//! use kedge_platform_crypto::{SoftCrypto, SoftSha256};
//!
//! let mut hash = SoftSha256::default();
//! hash.update(b"abc");
//! assert_eq!(hash.finish()[..4], [0xba, 0x78, 0x16, 0xbf]);
//! assert!(!SoftCrypto.verify_ed25519(&[0; 32], &[b"abc"], &[0; 64]));
//! ```
//!
//! With the feature `xts`, `xts::AesXts` is the cipher of flash whose images are kept encrypted, made of `aes` (0.9, pure Rust, constant time without
//! tables) and thirty lines of its own: the mode's crate takes whole sectors only, a device reads single blocks.
//!
//! With the feature `a-key`, `a_key::power` is the arithmetic of the CDMA A-key exchange, made of `crypto-bigint` (0.7, pure Rust,
//! no heap, constant time): the only thing here that needs numbers of that size, and the one crate for it that is well kept and
//! works without a heap.
//!
//! # What it is made of, and why
//!
//! Flash octets that a program grows by when it verifies one signature or hashes once (`opt-level = "s"`, fat LTO):
//!
//! | part | crate | riscv32imc | thumbv7em | remarks |
//! |---|---|---|---|---|
//! | SHA-256 | `sha2` 0.11 | 14,450 | 8,360 | no reachable panic; uses the processor's SHA instructions on a desk |
//! | SHA-256 | `hmac-sha256` 1.1, `opt_size` | 3,400 | 2,870 | has reachable bounds checks |
//! | Ed25519 | **[`ed25519`] here, on `salty` 0.3** | **14,980** | **10,720** | strict, in pieces; pure Rust |
//! | Ed25519 | `salty` 0.3 alone | 14,530 | 10,390 | lax, message in one piece |
//! | Ed25519 | `salty` 0.3 with its assembler | – | 10,690 | links a prebuilt object file into the device |
//! | Ed25519 | `ed25519-dalek` 3 | 75,460 | 42,780 | strict verification of its own |
//!
//! With `--cfg sha2_backend_soft="compact"` in the flags of the compiler the rounds of SHA-256 are loops instead of one long
//! run of code, as devices want it that hash little: with that, and with frames that do not add up ([`ed25519`]), license documents
//! are parsed and verified in 24,430 octets on thumbv7em where it took 31,300, with a stack of 8.5 instead of 11.3 KB. The
//! measurements of this repository have the flag since; the table was made without.
//!
//! So salty does the arithmetic on the curve, and [`ed25519`] does the verification, to the rules of dalek's
//! `verify_strict`, with which the tests compare it. Salty's feature `slow-motion` keeps the prebuilt object out of
//! devices: an update verifies one signature (1.6 ms on a desk), so speed matters less than being able to read the code.
//!
//! Salty has bounds checks that the compiler cannot remove, so a link-time proof that no panic is reachable can cover the
//! callers of this port and the hash, but not the verifier; the tests feed it arbitrary keys and signatures instead.
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

#[cfg(test)]
extern crate std;

#[cfg(feature = "a-key")]
pub mod a_key;
pub mod ed25519;
mod key;
#[cfg(feature = "xts")]
pub mod xts;

use kedge_platform::crypto::{Crypto, Sha256};
pub use key::{MESSAGE_MAX, SoftKey};
use sha2::Digest;

/// The crypto port in software.
#[derive(Clone, Copy, Debug, Default)]
pub struct SoftCrypto;

impl Crypto for SoftCrypto {
    type Sha256 = SoftSha256;

    fn verify_ed25519(&self, public_key: &[u8; 32], message: &[&[u8]], signature: &[u8; 64]) -> bool {
        ed25519::verify(public_key, message, signature)
    }
}

/// A SHA-256 computation in software.
#[derive(Clone, Debug, Default)]
pub struct SoftSha256(sha2::Sha256);

impl Sha256 for SoftSha256 {
    fn update(&mut self, data: &[u8]) {
        self.0.update(data);
    }

    fn finish(self) -> [u8; 32] {
        self.0.finalize().into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// FIPS 180-4 example messages, in one piece and in two.
    #[test]
    fn sha256_of_the_standard_examples() {
        let long = b"abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq";
        for (message, expected) in [
            (&b""[..], "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"),
            (b"abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"),
            (long, "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"),
        ] {
            let (head, tail) = message.split_at(message.len() / 2);
            let mut hash = SoftSha256::default();
            hash.update(head);
            hash.update(tail);
            let digest = hash.finish();
            let expected: std::vec::Vec<u8> = (0..32)
                .map(|at| u8::from_str_radix(&expected[2 * at..2 * at + 2], 16).expect("hex"))
                .collect();
            assert_eq!(digest[..], expected);
        }
    }
}

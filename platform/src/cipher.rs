//! Encryption of flash by address, for images that nobody shall read from the part.
//!
//! A delta is made between plain images, and so is every check value in a package: ciphertexts of two images have nothing in
//! common, a delta between them would be as large as the image. Where the flash holds images encrypted (external flash behind
//! a cipher that takes the address: AES-XTS in software or in an engine of the chip), the update agent decrypts what it reads
//! of the old image and encrypts what it writes of the new one. That is what this port is for where an image reaches the part
//! as ciphertext and only the device has the key: the vendor makes packages from plain images, and each device keeps the
//! result under its own key. The package itself is not encrypted, only signed; whoever must hide its octets sends it through
//! an encrypted session and lists the region it is received in. The wrapper that puts a [`FlashCipher`] between the agent and
//! a flash device is `kedge_update_agent::encrypted`; a software cipher is in `kedge-platform-crypto`.
//!
//! # What Kedge relies on
//!
//! 1. Ciphertext is as long as the plain octets, in units of [`UNIT`] octets. Offsets and lengths in calls are whole units.
//! 2. What a unit becomes depends on nothing but its offset, its octets and the key: not on its neighbours, on the pieces in
//!    which calls come, or on what was there before. So any unit is read alone, and a step that is repeated after a power
//!    cut writes the same ciphertext again.
//! 3. Decryption undoes encryption at the same offset. Any octets can be decrypted; erased or torn flash gives noise.
//!
//! Encryption is no integrity: that the image is right is for the package's signature and hashes to say, which are taken over
//! plain octets. A key stream by address (AES-CTR) fulfils the rules and is weak: an update writes other octets at the same
//! offset under the same key stream, and who reads the flash before and after learns both images' difference. Use XTS.
//!
//! Where the chip decrypts what it reads by itself (a memory-mapped engine) and the flash driver reads through that,
//! [`FlashCipher::decrypt`] has nothing left to do.

use core::fmt;

/// Octets of a unit: the block of AES.
pub const UNIT: usize = 16;

/// A cipher that takes the address.
pub trait FlashCipher {
    /// Why an engine can fail; [`Infallible`](core::convert::Infallible) in software.
    type Error: fmt::Debug;

    /// Encrypts `octets`, whole units that belong at offset `at` of the device. After an error they may be anything.
    fn encrypt(&mut self, at: u32, octets: &mut [u8]) -> Result<(), Self::Error>;

    /// Decrypts `octets`, whole units that were read at offset `at` of the device. After an error they may be anything.
    fn decrypt(&mut self, at: u32, octets: &mut [u8]) -> Result<(), Self::Error>;
}

impl<C: FlashCipher> FlashCipher for &mut C {
    type Error = C::Error;

    fn encrypt(&mut self, at: u32, octets: &mut [u8]) -> Result<(), C::Error> {
        C::encrypt(self, at, octets)
    }

    fn decrypt(&mut self, at: u32, octets: &mut [u8]) -> Result<(), C::Error> {
        C::decrypt(self, at, octets)
    }
}

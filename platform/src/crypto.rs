//! Cryptographic primitives: hardware where the chip has it, `kedge-platform-crypto` where it has not.

/// A SHA-256 computation in progress.
pub trait Sha256: Default {
    /// Adds `data` to the message.
    fn update(&mut self, data: &[u8]);
    /// Ends the message.
    fn finish(self) -> [u8; 32];
}

/// What the update agent needs of cryptography.
pub trait Crypto {
    /// The hash.
    type Sha256: Sha256;

    /// Whether `signature` over `message` was made with the key behind `public_key` (Ed25519, RFC 8032). Must refuse
    /// non-canonical signatures and keys of small order.
    fn verify_ed25519(&self, public_key: &[u8; 32], message: &[&[u8]], signature: &[u8; 64]) -> bool;
}

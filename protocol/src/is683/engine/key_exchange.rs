//! The A-key exchange (Diffie-Hellman), between MS Key and Key Generation.
//!
//! ```text
//!  nothing ── MS Key: P and G in range ──► terms ── Key Generation: BS_RESULT in range ──► A-key, staged ── Commit ──► Phone
//!               the same again: the same terms        the same again: the same answer
//! ```
//! Each side sends its base to the power of a private number; the A-key is the last 64 bits of the number both can then make.
//! The arithmetic is the device's ([`Power`]). What the A-key is for afterwards (SSD update, Re-Authenticate) needs the CAVE
//! algorithm, which is not public: that is not here, and not advertised.
use super::phone::Phone;
use crate::is683::ResultCode;

/// The revision of the exchange that is done here: the one that carries its parameters. From 3 on the standard fixes them, and
/// the values were not found.
pub const A_KEY_P_REV: u8 = 2;

/// Result of messages that need key exchange or Secure Mode where the device does not have them.
pub const NO_KEY_EXCHANGE: ResultCode = ResultCode::PROTOCOL_VERSION_MISMATCH;

/// Octets of the modulus, and of every number below it, as revision 2 has them.
pub const NUMBER: usize = 64;

/// A number, most significant octet first.
pub type Number = [u8; NUMBER];

/// `base` to the power of `exponent`, modulo `modulus`, which is odd; `None` if it cannot be done. The exponent is secret: the
/// time this takes must not tell of it.
pub type Power = fn(base: &Number, exponent: &Number, modulus: &Number) -> Option<Number>;

const ONE: Number = {
    let mut one = [0; NUMBER];
    one[NUMBER - 1] = 1;
    one
};

/// An authentication key. Prints nothing of itself and is overwritten when dropped.
#[derive(Clone, PartialEq, Eq)]
pub struct AKey([u8; 8]);

impl AKey {
    /// The octets, for the store that keeps them.
    pub const fn octets(&self) -> &[u8; 8] {
        &self.0
    }
}

impl core::fmt::Debug for AKey {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("AKey(..)")
    }
}

impl Drop for AKey {
    fn drop(&mut self) {
        self.0 = [0; 8];
        // Without a use afterwards the compiler may leave the store out.
        core::hint::black_box(&self.0);
    }
}

/// An exchange, as far as it has come.
pub(super) struct KeyExchange {
    terms: Option<Terms>,
    key: Option<AKey>,
}

/// What the network proposed, and our private number.
struct Terms {
    modulus: Number,
    base: Number,
    private: Number,
}

impl KeyExchange {
    pub(super) const fn new() -> Self {
        Self { terms: None, key: None }
    }

    /// Forgets everything.
    pub(super) fn clear(&mut self) {
        (self.terms, self.key) = (None, None);
    }

    /// The key that waits for the commit.
    pub(super) const fn key(&self) -> Option<&AKey> {
        self.key.as_ref()
    }

    /// MS Key Request: draws a private number, unless this is a repeat.
    pub(super) fn begin(
        &mut self,
        phone: &mut impl Phone,
        a_key_p_rev: u8,
        parameters: Option<(&[u8], &[u8])>,
    ) -> ResultCode {
        let Some((p, g)) = parameters.filter(|_| a_key_p_rev == A_KEY_P_REV && phone.power().is_some())
        else {
            return NO_KEY_EXCHANGE;
        };
        let (Some(modulus), Some(base)) = (number(p), number(g)) else {
            return ResultCode::DATA_SIZE_MISMATCH;
        };
        if !is_modulus(&modulus) || !is_public(&base, &modulus) {
            return ResultCode::INVALID_PARAMETER;
        }
        let repeated = |terms: &Terms| terms.modulus == modulus && terms.base == base;
        if !self.terms.as_ref().is_some_and(repeated) {
            let mut private = [0; NUMBER];
            phone.random(&mut private);
            self.terms = Some(Terms { modulus, base, private });
            self.key = None;
        }
        ResultCode::ACCEPTED
    }

    /// Key Generation Request: makes the key, and MS_RESULT; the error is the result that refuses it.
    pub(super) fn finish(&mut self, phone: &impl Phone, bs_result: &[u8]) -> Result<Number, ResultCode> {
        let power = phone.power().ok_or(NO_KEY_EXCHANGE)?;
        let Terms { modulus, base, private } = self.terms.as_ref().ok_or(ResultCode::UNEXPECTED_MESSAGE)?;
        let theirs = number(bs_result).ok_or(ResultCode::DATA_SIZE_MISMATCH)?;
        if !is_public(&theirs, modulus) {
            return Err(ResultCode::INVALID_PARAMETER);
        }
        let ours = power(base, private, modulus).filter(|ours| is_public(ours, modulus));
        let shared = power(&theirs, private, modulus);
        let (ours, shared) = ours.zip(shared).ok_or(ResultCode::REJECTED)?;
        self.key = shared.last_chunk().copied().map(AKey);
        Ok(ours)
    }
}

impl core::fmt::Debug for KeyExchange {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        let mut shown = f.debug_struct("KeyExchange");
        shown.field("begun", &self.terms.is_some()).field("key", &self.key).finish_non_exhaustive()
    }
}

impl Drop for Terms {
    fn drop(&mut self) {
        self.private = [0; NUMBER];
        core::hint::black_box(&self.private);
    }
}

/// Octets as a number, with zeros before them; `None` if there are too many.
fn number(octets: &[u8]) -> Option<Number> {
    let zeros = NUMBER.checked_sub(octets.len())?;
    let mut number = [0; NUMBER];
    number.iter_mut().skip(zeros).zip(octets).for_each(|(to, from)| *to = *from);
    Some(number)
}

/// Whether it can be a modulus: of full length, and odd.
fn is_modulus(number: &Number) -> bool {
    let (first, last) = (number.first().copied().unwrap_or(0), number.last().copied().unwrap_or(0));
    first & 0x80 != 0 && last & 1 != 0
}

/// Whether a number can be a base or a public result: one that does not give the key away (0, 1, P - 1) and is below P.
fn is_public(number: &Number, modulus: &Number) -> bool {
    let mut highest = *modulus;
    if let Some(last) = highest.last_mut() {
        // P is odd.
        *last &= !1;
    }
    *number > ONE && *number < highest
}

use core::fmt;

/// Why a document was not accepted: the codes of the specification's section 6, of which the first failure counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Code {
    /// Larger than what is taken.
    TooBig,
    /// Another media type, or none.
    WrongType,
    /// No signed document, or its payload is not deterministic or has claims that are not well-formed.
    Malformed,
    /// The protected header is not the one that is expected.
    BadHeader,
    /// Another algorithm.
    BadAlg,
    /// A signed thing of another kind.
    WrongTyp,
    /// The key is not known, or revoked.
    UnknownKey,
    /// The signature is wrong.
    BadSignature,
    /// The key does not belong to that issuer, or may not sign what the document says.
    Role,
    /// For another product.
    WrongProduct,
    /// For another device.
    WrongDevice,
    /// Not the answer to the request that is outstanding.
    StaleNonce,
    /// Not newer than what was accepted before.
    Replayed,
    /// It takes rights away and does not say why: only a refund or a withdrawal may (section 7.1). Ours: the
    /// specification names the guard, but no code.
    Downgrade,
    /// Its times contradict each other, the clock, or what the device can measure.
    BadTime,
    /// A configuration that is not understood, or that its handler does not take.
    BadConfig,
    /// It could not be kept.
    Storage,
}

impl Code {
    /// All codes, in the order of the checks.
    pub const ALL: [Self; 17] = [
        Self::TooBig,
        Self::WrongType,
        Self::Malformed,
        Self::BadHeader,
        Self::BadAlg,
        Self::WrongTyp,
        Self::UnknownKey,
        Self::BadSignature,
        Self::Role,
        Self::WrongProduct,
        Self::WrongDevice,
        Self::StaleNonce,
        Self::Replayed,
        Self::Downgrade,
        Self::BadTime,
        Self::BadConfig,
        Self::Storage,
    ];

    /// The name that the specification gives it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::TooBig => "too-big",
            Self::WrongType => "wrong-type",
            Self::Malformed => "malformed",
            Self::BadHeader => "bad-header",
            Self::BadAlg => "bad-alg",
            Self::WrongTyp => "wrong-typ",
            Self::UnknownKey => "unknown-key",
            Self::BadSignature => "bad-signature",
            Self::Role => "role",
            Self::WrongProduct => "wrong-product",
            Self::WrongDevice => "wrong-device",
            Self::StaleNonce => "stale-nonce",
            Self::Replayed => "replayed",
            Self::Downgrade => "downgrade",
            Self::BadTime => "bad-time",
            Self::BadConfig => "bad-config",
            Self::Storage => "storage",
        }
    }
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A document that was not accepted. Nothing has changed but the nonce, which counts as used from step 11 on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// Why.
    pub code: Code,
    /// The step of the acceptance, 1 to 15.
    pub step: u8,
    /// The octet of the document where it was noticed; 0 where no single octet is wrong.
    pub at: usize,
}

impl Refusal {
    pub(super) const fn new(code: Code, step: u8, at: usize) -> Self {
        Self { code, step, at }
    }

    /// A sealed document, which nobody asked for: no key can open it.
    pub const NOT_ASKED: Self = Self { code: Code::WrongType, step: 1, at: 0 };

    /// A sealed document that cannot be opened with the key of the request: of its frame, what is inside is not known.
    pub const SEALED: Self = Self { code: Code::Malformed, step: 2, at: 0 };

    /// It was in order, but could not be kept (step 15, which is the caller's).
    pub const STORAGE: Self = Self { code: Code::Storage, step: 15, at: 0 };
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} (step {}, octet {})", self.code, self.step, self.at)
    }
}

impl core::error::Error for Refusal {}

//! Acceptance of a document (section 6): fourteen steps in their order, of which the first that fails ends it. The
//! fifteenth, keeping it, is the cache's; nothing is written before.
//!
//! The signature is checked before the claims are read, so what an attacker reaches is the frame and its header only.

use super::claims::License;
use super::envelope::{self, Envelope, KeyId, Verifier};
use super::limits::NOT_BEFORE_TOLERANCE;
use super::{Claims, Code, Configuration, Kind, Level, Reason, Refusal, Serial, State, roles};
use crate::mime::MediaType;
use crate::wire::Error;

/// A key that documents may be signed with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct IssuerKey<'a> {
    /// The public key.
    pub key: [u8; 32],
    /// What it may sign; see [`roles`].
    pub roles: u8,
    /// The issuer whose documents it signs.
    pub issuer: &'a str,
}

/// The keys that are trusted.
pub trait KeyStore {
    /// The key of that name; `None` if it is not known, or revoked.
    fn find(&self, id: &KeyId) -> Option<IssuerKey<'_>>;
}

/// A fixed list of keys, as a product has them in its image.
impl KeyStore for [(KeyId, IssuerKey<'_>)] {
    fn find(&self, id: &KeyId) -> Option<IssuerKey<'_>> {
        self.iter().find(|(known, _)| known == id).map(|(_, key)| *key)
    }
}

/// What a product decides once.
#[derive(Clone, Copy, Debug)]
pub struct Policy<'a> {
    /// The vendor in the media types.
    pub vendor: &'a str,
    /// The product, as in the claim `aud`.
    pub product: &'a str,
    /// Largest document, in octets.
    pub max_document: usize,
    /// What documents are bound to.
    pub level: Level,
    /// When the image was built, in seconds since 1970: nothing is older.
    pub build_time: u64,
    /// Take documents without a nonce, when they come in an authenticated session of another protocol.
    pub allow_unsolicited: bool,
    /// Also take the deprecated number of the algorithm.
    pub allow_eddsa: bool,
}

/// The device, to which a document must belong.
#[derive(Clone, Copy, Debug)]
pub struct Device<'a> {
    /// Its identity (RFC 9711 form).
    pub ueid: &'a [u8],
    /// Its public key, from L2 on.
    pub key: Option<&'a [u8; 32]>,
}

/// What holds at the moment when a document comes.
#[derive(Clone, Copy, Debug)]
pub struct Situation<'a> {
    /// The nonce of the outstanding request.
    pub nonce: Option<&'a [u8; 16]>,
    /// It came in an authenticated session of another protocol.
    pub in_session: bool,
    /// The greatest serial accepted so far.
    pub floor: Serial,
    /// State and SHA-256 of the document that is held.
    pub held: Option<(State, [u8; 32])>,
    /// The greatest signed time so far.
    pub auth_floor: u64,
    /// The time, as far as the device knows it.
    pub now: u64,
    /// Whether the device has a clock.
    pub has_clock: bool,
}

/// What became of a document that was not refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Accepted<'a> {
    /// It is to be kept, and replaces what is held.
    New(Claims<'a>),
    /// It is the one that is held: a success, and nothing to write.
    AlreadyInstalled(Claims<'a>),
}

/// Ports and decisions for acceptance.
#[derive(Clone, Copy)]
pub struct Acceptance<'a> {
    /// What the product decided.
    pub policy: Policy<'a>,
    /// The device.
    pub device: Device<'a>,
    /// The keys that are trusted.
    pub keys: &'a dyn KeyStore,
    /// Signatures and hashes.
    pub verifier: &'a dyn Verifier,
}

impl Acceptance<'_> {
    /// Steps 1 to 14 for `document`, which came as `media_type`. `dry_run` says whether everything a configuration would
    /// change can be done; it must not do it. From step 11 on the nonce counts as used, also if the document is refused:
    /// [`consumes_nonce`].
    pub fn accept<'d>(
        &self,
        document: &'d [u8],
        media_type: Option<&str>,
        situation: &Situation<'_>,
        dry_run: &mut dyn FnMut(&Configuration<'d>) -> bool,
    ) -> Result<Accepted<'d>, Refusal> {
        if document.len() > self.policy.max_document {
            return Err(Refusal::new(Code::TooBig, 1, self.policy.max_document));
        }
        let kind = media_type.and_then(|text| MediaType::parse(text).ok());
        if !kind.is_some_and(|kind| Kind::Provisioning.is_type(self.policy.vendor, &kind)) {
            return Err(Refusal::new(Code::WrongType, 1, 0));
        }
        let claims = self.verify(document)?;
        self.fresh(&claims, situation)?;
        if self.compare(document, &claims, situation)? {
            return Ok(Accepted::AlreadyInstalled(claims));
        }
        self.timely(&claims, situation)?;
        if let Some(configuration) = &claims.configuration {
            let bad = |at| Refusal::new(Code::BadConfig, 14, at);
            configuration.check().map_err(|error| bad(error.at))?;
            if !dry_run(configuration) {
                return Err(bad(0));
            }
        }
        Ok(Accepted::New(claims))
    }

    /// Steps 2 to 10: what is as true of a document at every start as when it came.
    pub fn verify<'d>(&self, document: &'d [u8]) -> Result<Claims<'d>, Refusal> {
        let fault = |code, step| move |error: Error| Refusal::unreadable(code, step, error);
        let envelope = Envelope::parse(document).map_err(fault(Code::Malformed, 2))?;
        let header = envelope.header().map_err(fault(Code::BadHeader, 3))?;
        match header.algorithm {
            envelope::ED25519 => {}
            envelope::EDDSA if self.policy.allow_eddsa => {}
            _ => return Err(Refusal::new(Code::BadAlg, 4, 0)),
        }
        if !Kind::Provisioning.is_named(self.policy.vendor, header.kind) {
            return Err(Refusal::new(Code::WrongTyp, 4, 0));
        }
        let key = self.keys.find(header.key_id).ok_or(Refusal::new(Code::UnknownKey, 5, 0))?;
        if !envelope.is_signed_by(&key.key, self.verifier) {
            return Err(Refusal::new(Code::BadSignature, 6, 0));
        }
        let claims = Claims::parse(envelope.payload, envelope.payload_at());
        let claims = claims.map_err(fault(Code::Malformed, 7))?;
        if claims.issuer != key.issuer || needed_roles(&claims) & !key.roles != 0 {
            return Err(Refusal::new(Code::Role, 8, 0));
        }
        if claims.audience != self.policy.product {
            return Err(Refusal::new(Code::WrongProduct, 9, 0));
        }
        if !self.is_for_device(&claims) {
            return Err(Refusal::new(Code::WrongDevice, 10, 0));
        }
        Ok(claims)
    }

    /// Step 10: the identity counts from L1 on, the key from L2 on.
    fn is_for_device(&self, claims: &Claims<'_>) -> bool {
        let (level, device) = (self.policy.level, &self.device);
        let identity = level < Level::Identity || claims.ueid == Some(device.ueid);
        let key = level < Level::Key || (claims.key.is_some() && claims.key == device.key);
        identity && key
    }

    /// Step 11.
    fn fresh(&self, claims: &Claims<'_>, situation: &Situation<'_>) -> Result<(), Refusal> {
        let fresh = match claims.nonce {
            Some(nonce) => situation.nonce == Some(nonce),
            None => situation.in_session && self.policy.allow_unsolicited,
        };
        if fresh { Ok(()) } else { Err(Refusal::new(Code::StaleNonce, 11, 0)) }
    }

    /// Step 12; whether the document is the one that is held. A configuration alone has no serial: its time stands for it.
    fn compare(
        &self,
        document: &[u8],
        claims: &Claims<'_>,
        situation: &Situation<'_>,
    ) -> Result<bool, Refusal> {
        let replayed = Err(Refusal::new(Code::Replayed, 12, 0));
        let Some(license) = &claims.license else {
            return if claims.issued_at < situation.auth_floor { replayed } else { Ok(false) };
        };
        let held = situation.held;
        if license.serial <= situation.floor {
            let digest = held.map(|(_, digest)| digest);
            let same = license.serial == situation.floor && digest == Some(self.verifier.sha256(document));
            return if same { Ok(true) } else { replayed };
        }
        let state = held.map(|(state, _)| state).unwrap_or_default();
        if license.state < state && !matches!(license.reason, Some(Reason::REFUND | Reason::WITHDRAWN)) {
            return Err(Refusal::new(Code::Downgrade, 12, 0));
        }
        Ok(false)
    }

    /// Step 13. A signed time is believed: it is never earlier than the document's own `iat`.
    fn timely(&self, claims: &Claims<'_>, situation: &Situation<'_>) -> Result<(), Refusal> {
        let now = situation.now.max(claims.issued_at);
        let begun = claims.not_before.is_none_or(|begin| begin <= now.saturating_add(NOT_BEFORE_TOLERANCE));
        let young = claims.issued_at >= self.policy.build_time;
        let alive = claims.expires.is_none_or(|end| end > claims.issued_at);
        let bounded = claims.license.as_ref().is_none_or(|license| {
            license.state != State::Trial
                || license.usage_budget.is_some()
                || (claims.expires.is_some() && situation.has_clock)
        });
        if begun && young && alive && bounded { Ok(()) } else { Err(Refusal::new(Code::BadTime, 13, 0)) }
    }
}

/// Whether a document that ended so has used up the nonce: every one that came as far as step 11.
pub fn consumes_nonce(result: &Result<Accepted<'_>, Refusal>) -> bool {
    result.as_ref().err().is_none_or(|refusal| refusal.step >= 11)
}

/// What a key must be allowed to sign for these claims.
fn needed_roles(claims: &Claims<'_>) -> u8 {
    let license = claims.license.as_ref().map_or(0, |_: &License| roles::LICENSE);
    let configuration = claims.configuration.as_ref().map_or(0, |configuration| {
        let (trust, other) = configuration.covers();
        let other = if other || !trust { roles::CONFIGURATION } else { 0 };
        other | if trust { roles::TRUST } else { 0 }
    });
    license | configuration
}

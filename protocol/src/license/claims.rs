//! What a document says: its claims (section 5 of the specification; RFC 8392 for the form).

use super::limits::{MAX_FEATURE, MAX_NAME, UEID};
use super::{Configuration, Reason, Serial, State};
use crate::cbor::{Decoder, Encoder};
use crate::wire::{Error, ErrorKind};

/// Key of the license.
const LICENSE: i64 = -70_001;
/// Key of the configuration.
const CONFIGURATION: i64 = -70_002;
/// Our own space: what is not known in it is refused.
const OWN: core::ops::RangeInclusive<i64> = -70_999..=-70_001;

/// The claims of a document.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Claims<'a> {
    /// 1: who issued it.
    pub issuer: &'a str,
    /// 2: the account.
    pub subject: Option<&'a str>,
    /// 3: the product it is for.
    pub audience: &'a str,
    /// 4: when it expires, in seconds since 1970; `None`: never.
    pub expires: Option<u64>,
    /// 5: when it begins to count.
    pub not_before: Option<u64>,
    /// 6: the server's time when it was issued.
    pub issued_at: u64,
    /// 7: the document's own id.
    pub id: &'a [u8; 16],
    /// 8: the public key of the device it is for.
    pub key: Option<&'a [u8; 32]>,
    /// 10: the nonce of the request that it answers.
    pub nonce: Option<&'a [u8; 16]>,
    /// 256: the identity of the device it is for.
    pub ueid: Option<&'a [u8]>,
    /// -70001.
    pub license: Option<License>,
    /// -70002.
    pub configuration: Option<Configuration<'a>>,
}

/// The license in a document.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct License {
    /// 1.
    pub state: State,
    /// 2.
    pub serial: Serial,
    /// 3: when to ask for a newer one, in seconds since 1970.
    pub refresh_at: Option<u64>,
    /// 4: seconds of grace behind the end.
    pub grace: u32,
    /// 5: whether configurations of any service provider are admitted, not only of the one it is bound to.
    pub any_service: bool,
    /// 6: features by number, as bits.
    pub features: u64,
    /// 7: seconds the device may be on.
    pub usage_budget: Option<u32>,
    /// 8: how often it may start.
    pub boot_budget: Option<u32>,
    /// 9.
    pub reason: Option<Reason>,
}

impl<'a> Claims<'a> {
    /// Step 7: reads a payload whose first octet stands at `at` in the document. The configuration is not looked into.
    pub fn parse(payload: &'a [u8], at: usize) -> Result<Self, Error> {
        let mut whole = Decoder::with_base(payload, at);
        let missing = whole.error(ErrorKind::Truncated);
        whole.skip()?;
        whole.finish()?;
        let mut d = Decoder::with_base(payload, at);
        let mut found = Found::default();
        for _ in 0..d.map()? {
            found.claim(&mut d)?;
        }
        found.whole().ok_or(missing)
    }

    /// Writes the claims to the front of `out`.
    pub fn emit<'o>(&self, out: &'o mut [u8]) -> Result<&'o [u8], Error> {
        let optional = [
            self.subject.is_some(),
            self.expires.is_some(),
            self.not_before.is_some(),
            self.key.is_some(),
            self.nonce.is_some(),
            self.ueid.is_some(),
            self.license.is_some(),
            self.configuration.is_some(),
        ];
        let pairs = optional.into_iter().map(u64::from).fold(4, u64::saturating_add);
        let mut e = Encoder::new(out);
        e.map(pairs)?.unsigned(1)?.text(self.issuer)?;
        if let Some(subject) = self.subject {
            e.unsigned(2)?.text(subject)?;
        }
        e.unsigned(3)?.text(self.audience)?;
        for (key, time) in [(4, self.expires), (5, self.not_before), (6, Some(self.issued_at))] {
            if let Some(time) = time {
                e.unsigned(key)?.unsigned(time)?;
            }
        }
        e.unsigned(7)?.bytes(self.id)?;
        if let Some(key) = self.key {
            e.unsigned(8)?.map(1)?.unsigned(1)?;
            e.map(3)?.unsigned(1)?.unsigned(1)?.integer(-1)?.unsigned(6)?.integer(-2)?.bytes(key)?;
        }
        if let Some(nonce) = self.nonce {
            e.unsigned(10)?.bytes(nonce)?;
        }
        if let Some(ueid) = self.ueid {
            e.unsigned(256)?.bytes(ueid)?;
        }
        if let Some(license) = &self.license {
            e.integer(LICENSE)?;
            license.emit(&mut e)?;
        }
        if let Some(configuration) = &self.configuration {
            e.integer(CONFIGURATION)?.raw(configuration.octets())?;
        }
        Ok(e.finish())
    }
}

/// The claims found so far.
#[derive(Default)]
struct Found<'a> {
    issuer: Option<&'a str>,
    subject: Option<&'a str>,
    audience: Option<&'a str>,
    expires: Option<u64>,
    not_before: Option<u64>,
    issued_at: Option<u64>,
    id: Option<&'a [u8; 16]>,
    key: Option<&'a [u8; 32]>,
    nonce: Option<&'a [u8; 16]>,
    ueid: Option<&'a [u8]>,
    license: Option<License>,
    configuration: Option<Configuration<'a>>,
}

impl<'a> Found<'a> {
    /// One pair. Keys that are not known count for nothing, but for those of our own space.
    fn claim(&mut self, d: &mut Decoder<'a>) -> Result<(), Error> {
        let unknown = d.error(ErrorKind::Unsupported);
        if d.is_text() || d.is_bytes() {
            d.skip()?;
            return d.skip().map(drop);
        }
        match d.integer()? {
            1 => self.issuer = Some(name(d)?),
            2 => self.subject = Some(name(d)?),
            3 => self.audience = Some(name(d)?),
            4 => self.expires = Some(d.unsigned()?),
            5 => self.not_before = Some(d.unsigned()?),
            6 => self.issued_at = Some(d.unsigned()?),
            7 => self.id = Some(d.array_of()?),
            8 => self.key = Some(confirmation(d)?),
            10 => self.nonce = Some(d.array_of()?),
            256 => {
                let bad = d.error(ErrorKind::BadLength);
                self.ueid = Some(d.bytes()?);
                if !self.ueid.is_some_and(|ueid| UEID.contains(&ueid.len())) {
                    return Err(bad);
                }
            }
            LICENSE => self.license = Some(License::parse(d)?),
            CONFIGURATION => self.configuration = Some(Configuration::take(d)?),
            own if OWN.contains(&own) => return Err(unknown),
            _ => d.skip().map(drop)?,
        }
        Ok(())
    }

    /// All that must be there.
    fn whole(self) -> Option<Claims<'a>> {
        if self.license.is_none() && self.configuration.is_none() {
            return None;
        }
        Some(Claims {
            issuer: self.issuer?,
            subject: self.subject,
            audience: self.audience?,
            expires: self.expires,
            not_before: self.not_before,
            issued_at: self.issued_at?,
            id: self.id?,
            key: self.key,
            nonce: self.nonce,
            ueid: self.ueid,
            license: self.license,
            configuration: self.configuration,
        })
    }
}

/// A name of 1 to 64 octets.
pub(super) fn name<'a>(d: &mut Decoder<'a>) -> Result<&'a str, Error> {
    let bad = d.error(ErrorKind::BadLength);
    let text = d.text()?;
    if text.is_empty() || text.len() > MAX_NAME { Err(bad) } else { Ok(text) }
}

/// `{1: {1: 1, -1: 6, -2: key}}`: an Ed25519 key (RFC 8747 §3.1, RFC 9053 §7.2).
fn confirmation<'a>(d: &mut Decoder<'a>) -> Result<&'a [u8; 32], Error> {
    let bad = d.error(ErrorKind::BadValue);
    let fixed = |d: &mut Decoder<'a>, pairs, numbers: &[i64]| {
        let same = d.map()? == pairs;
        let all = numbers.iter().try_fold(same, |all, number| Ok(d.integer()? == *number && all))?;
        if all { Ok(()) } else { Err(bad) }
    };
    fixed(d, 1, &[1])?;
    fixed(d, 3, &[1, 1, -1, 6, -2])?;
    d.array_of()
}

impl License {
    /// Reads the map; unknown keys are refused: our own space is versioned by new claims.
    fn parse(d: &mut Decoder<'_>) -> Result<Self, Error> {
        let missing = d.error(ErrorKind::Truncated);
        let (mut state, mut serial) = (None, None);
        let mut license = Self::EMPTY;
        for _ in 0..d.map()? {
            let unknown = d.error(ErrorKind::Unsupported);
            match d.integer()? {
                1 => state = Some(State::from_number(d.unsigned()?).ok_or(unknown)?),
                2 => serial = Some(Serial::parse(d)?),
                3 => license.refresh_at = Some(d.unsigned()?),
                4 => license.grace = d.u32()?,
                5 => license.any_service = bit(d)?,
                6 => license.features = features(d)?,
                7 => license.usage_budget = Some(d.u32()?),
                8 => license.boot_budget = Some(d.u32()?),
                9 => license.reason = Some(Reason(u8::try_from(d.u32()?).map_err(|_| unknown)?)),
                _ => return Err(unknown),
            }
        }
        license.state = state.ok_or(missing)?;
        license.serial = serial.ok_or(missing)?;
        Ok(license)
    }

    /// State unknown, and nothing granted.
    pub const EMPTY: Self = Self {
        state: State::Unknown,
        serial: Serial::NONE,
        refresh_at: None,
        grace: 0,
        any_service: false,
        features: 0,
        usage_budget: None,
        boot_budget: None,
        reason: None,
    };

    fn emit(&self, e: &mut Encoder<'_>) -> Result<(), Error> {
        let numbers = [
            (3, self.refresh_at),
            (4, (self.grace > 0).then_some(self.grace.into())),
            (5, self.any_service.then_some(1)),
            (7, self.usage_budget.map(u64::from)),
            (8, self.boot_budget.map(u64::from)),
            (9, self.reason.map(|reason| reason.0.into())),
        ];
        let pairs = numbers.iter().filter(|(_, value)| value.is_some()).count();
        let pairs = u64::try_from(pairs).unwrap_or_default();
        e.map(pairs.saturating_add(2).saturating_add((self.features != 0).into()))?;
        e.unsigned(1)?.unsigned(self.state as u64)?.unsigned(2)?;
        self.serial.emit(e)?;
        for (key, value) in numbers {
            if key == 7 && self.features != 0 {
                self.emit_features(e)?;
            }
            if let Some(value) = value {
                e.unsigned(key)?.unsigned(value)?;
            }
        }
        Ok(())
    }

    fn emit_features(&self, e: &mut Encoder<'_>) -> Result<(), Error> {
        e.unsigned(6)?.array(self.features.count_ones().into())?;
        for number in (0..=MAX_FEATURE).filter(|number| self.features >> number & 1 == 1) {
            e.unsigned(number)?;
        }
        Ok(())
    }
}

/// 0 or 1.
fn bit(d: &mut Decoder<'_>) -> Result<bool, Error> {
    let bad = d.error(ErrorKind::BadValue);
    match d.unsigned()? {
        0 => Ok(false),
        1 => Ok(true),
        _ => Err(bad),
    }
}

/// Numbers of features as bits; one above 63 is `LimitExceeded`.
fn features(d: &mut Decoder<'_>) -> Result<u64, Error> {
    let mut bits = 0;
    for _ in 0..d.array()? {
        let over = d.error(ErrorKind::LimitExceeded);
        let number = d.u32()?;
        bits |= 1_u64.checked_shl(number).ok_or(over)?;
    }
    Ok(bits)
}

impl Serial {
    pub(super) fn parse(d: &mut Decoder<'_>) -> Result<Self, Error> {
        d.array_with(2)?;
        let over = d.error(ErrorKind::LimitExceeded);
        let epoch = u16::try_from(d.u32()?).map_err(|_| over)?;
        Ok(Self { epoch, seq: d.u32()? })
    }

    pub(super) fn emit(self, e: &mut Encoder<'_>) -> Result<(), Error> {
        e.array(2)?.unsigned(self.epoch.into())?.unsigned(self.seq.into())?;
        Ok(())
    }
}

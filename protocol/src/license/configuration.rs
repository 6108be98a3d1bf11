//! The configuration in a document (claim -70002).

use super::claims::name;
use super::envelope::KeyId;
use crate::cbor::Decoder;
use crate::wire::{Error, ErrorKind};

/// Key of the documents for the content dispatcher.
const EMBEDDED: u64 = 3;
/// Key of the trust update.
const TRUST: u64 = 4;
/// Key of the settings.
const SETTINGS: u64 = 5;

/// A configuration as it stands in its document; [`Self::check`] tells whether it is one.
#[derive(Clone, Copy, Debug)]
pub struct Configuration<'a> {
    octets: &'a [u8],
    /// Where it stands in its document; two that say the same are equal wherever they stand.
    at: usize,
}

impl PartialEq for Configuration<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.octets == other.octets
    }
}

impl Eq for Configuration<'_> {}

/// Where requests go from now on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Endpoint<'a> {
    /// Host name.
    pub host: &'a str,
    /// Port; 443 if the document names none.
    pub port: u16,
    /// Path; `/` if the document names none.
    pub path: &'a str,
}

/// Who the device is to the service.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct ServiceIdentity<'a> {
    /// Network access identifier.
    pub nai: &'a str,
    /// Its secret.
    pub secret: Option<&'a [u8]>,
}

impl core::fmt::Debug for ServiceIdentity<'_> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        let secret = if self.secret.is_some() { "with a secret" } else { "without secret" };
        write!(f, "ServiceIdentity({}, {secret})", self.nai)
    }
}

/// A document of another protocol, for the content dispatcher.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Embedded<'a> {
    /// Its media type.
    pub media_type: &'a str,
    /// Its octets.
    pub body: &'a [u8],
}

/// A setting's value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Value<'a> {
    /// A number.
    Integer(i64),
    /// A text.
    Text(&'a str),
    /// Octets.
    Bytes(&'a [u8]),
    /// Yes or no.
    Bool(bool),
}

/// One thing that a configuration says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part<'a> {
    /// 1.
    Endpoint(Endpoint<'a>),
    /// 2.
    Identity(ServiceIdentity<'a>),
    /// One of 3.
    Embedded(Embedded<'a>),
    /// 4.
    Trust(TrustUpdate<'a>),
    /// One of 5.
    Setting(&'a str, Value<'a>),
}

impl<'a> Configuration<'a> {
    /// A configuration of these octets; nothing is checked.
    pub const fn new(octets: &'a [u8]) -> Self {
        Self { octets, at: 0 }
    }

    /// The item that comes next, which must be a map.
    pub(super) fn take(d: &mut Decoder<'a>) -> Result<Self, Error> {
        let at = d.at();
        d.clone().map()?;
        Ok(Self { octets: d.skip()?, at })
    }

    /// The map as it was encoded.
    pub const fn octets(&self) -> &'a [u8] {
        self.octets
    }

    /// Whether it changes which keys are trusted, and whether it says anything else.
    pub fn covers(&self) -> (bool, bool) {
        let (mut trust, mut other) = (false, false);
        let mut d = self.decoder();
        for _ in 0..d.map().unwrap_or_default() {
            let is_trust = d.unsigned() == Ok(TRUST);
            trust |= is_trust;
            other |= !is_trust;
            if d.skip().is_err() {
                break;
            }
        }
        (trust, other)
    }

    /// Whether it is what the grammar says; unknown keys are refused.
    pub fn check(&self) -> Result<(), Error> {
        self.visit(&mut |_| Ok(()))
    }

    /// Calls `each` with everything it says, in order; the first error ends that.
    pub fn visit(&self, each: &mut dyn FnMut(Part<'a>) -> Result<(), Error>) -> Result<(), Error> {
        let mut d = self.decoder();
        for _ in 0..d.map()? {
            let unknown = d.error(ErrorKind::Unsupported);
            match d.unsigned()? {
                1 => each(Part::Endpoint(endpoint(&mut d)?))?,
                2 => each(Part::Identity(identity(&mut d)?))?,
                EMBEDDED => {
                    for _ in 0..d.array()? {
                        d.array_with(2)?;
                        each(Part::Embedded(Embedded { media_type: name(&mut d)?, body: d.bytes()? }))?;
                    }
                }
                TRUST => {
                    let at = d.at();
                    each(Part::Trust(TrustUpdate::parse(d.bytes()?, at)?))?;
                }
                SETTINGS => {
                    for _ in 0..d.map()? {
                        let key = name(&mut d)?;
                        each(Part::Setting(key, value(&mut d)?))?;
                    }
                }
                _ => return Err(unknown),
            }
        }
        d.finish()
    }

    const fn decoder(&self) -> Decoder<'a> {
        Decoder::with_base(self.octets, self.at)
    }
}

fn endpoint<'a>(d: &mut Decoder<'a>) -> Result<Endpoint<'a>, Error> {
    let missing = d.error(ErrorKind::Truncated);
    let (mut host, mut port, mut path) = (None, 443, "/");
    for _ in 0..d.map()? {
        let bad = d.error(ErrorKind::BadValue);
        match d.unsigned()? {
            1 => host = Some(name(d)?),
            2 => port = u16::try_from(d.unsigned()?).map_err(|_| bad)?,
            3 => path = d.text()?,
            _ => return Err(bad),
        }
    }
    Ok(Endpoint { host: host.ok_or(missing)?, port, path })
}

fn identity<'a>(d: &mut Decoder<'a>) -> Result<ServiceIdentity<'a>, Error> {
    let missing = d.error(ErrorKind::Truncated);
    let (mut nai, mut secret) = (None, None);
    for _ in 0..d.map()? {
        let bad = d.error(ErrorKind::BadValue);
        match d.unsigned()? {
            1 => nai = Some(name(d)?),
            2 => secret = Some(d.bytes()?),
            _ => return Err(bad),
        }
    }
    Ok(ServiceIdentity { nai: nai.ok_or(missing)?, secret })
}

fn value<'a>(d: &mut Decoder<'a>) -> Result<Value<'a>, Error> {
    if d.is_text() {
        d.text().map(Value::Text)
    } else if d.is_bytes() {
        d.bytes().map(Value::Bytes)
    } else if d.is_simple() {
        d.boolean().map(Value::Bool)
    } else {
        d.integer().map(Value::Integer)
    }
}

/// Keys that are trusted from now on, or no longer: `{? 1: [* [key, roles, issuer]], ? 2: [* key id]}`.
///
/// The specification has a byte string here and does not say what is in it: this is ours. The document's signature, made
/// with a key that may do so (role 4), covers it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TrustUpdate<'a> {
    octets: &'a [u8],
    at: usize,
}

/// One change of a trust update.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TrustChange<'a> {
    /// Trust this key.
    Add {
        /// The public key.
        key: &'a [u8; 32],
        /// What it may sign; see [`super::roles`].
        roles: u8,
        /// For which issuer.
        issuer: &'a str,
    },
    /// Trust the key of this name no longer.
    Revoke(&'a KeyId),
}

impl<'a> TrustUpdate<'a> {
    fn parse(octets: &'a [u8], at: usize) -> Result<Self, Error> {
        let update = Self { octets, at };
        let mut d = Decoder::with_base(octets, at);
        d.skip()?;
        d.finish()?;
        update.visit(&mut |_| {})?;
        Ok(update)
    }

    /// Calls `each` with each change, in order.
    pub fn visit(&self, each: &mut dyn FnMut(TrustChange<'a>)) -> Result<(), Error> {
        let mut d = Decoder::with_base(self.octets, self.at);
        for _ in 0..d.map()? {
            let bad = d.error(ErrorKind::BadValue);
            match d.unsigned()? {
                1 => {
                    for _ in 0..d.array()? {
                        d.array_with(3)?;
                        let key = d.array_of()?;
                        let roles = u8::try_from(d.unsigned()?).map_err(|_| bad)?;
                        each(TrustChange::Add { key, roles, issuer: name(&mut d)? });
                    }
                }
                2 => {
                    for _ in 0..d.array()? {
                        each(TrustChange::Revoke(d.array_of()?));
                    }
                }
                _ => return Err(bad),
            }
        }
        Ok(())
    }
}

//! Credentials and challenges (`oma-dm.md` section 8).
//!
//! With H for MD5 and B64 for base64:
//! ```text
//! basic: B64(name ":" secret)
//! md5:   B64(H(B64(H(name ":" secret)) ":" nonce))
//! MAC:   B64(H(B64(H(name ":" secret)) ":" nonce ":" B64(H(body))))          in the header x-syncml-hmac
//! ```
//! Despite its name the MAC is not that of RFC 2104; the specification says so and has a vector.

use crate::wire::{Error, Writer};
use crate::xml::base64;

/// Characters of a digest in base64.
pub const DIGEST: usize = 24;
/// Longest nonce, in octets: twice what the specification recommends.
pub const MAX_NONCE: usize = 32;
/// The scheme of plain credentials.
pub const BASIC: &str = "syncml:auth-basic";
/// The scheme of credentials by digest.
pub const MD5: &str = "syncml:auth-md5";
/// The scheme of credentials in the HTTP header.
pub const MAC: &str = "syncml:auth-MAC";
/// The HTTP header of [`MAC`].
pub const MAC_HEADER: &str = "x-syncml-hmac";

/// The cryptography of device management, a port: whoever runs sessions supplies it.
pub trait Crypto {
    /// MD5 (RFC 1321) of the concatenated `parts`.
    fn md5(&mut self, parts: &[&[u8]]) -> [u8; 16];

    /// Fills `out` with octets that nobody can foresee.
    fn random(&mut self, out: &mut [u8]);
}

/// A password. It shows nothing when it is formatted.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Secret<'a>(&'a [u8]);

impl<'a> Secret<'a> {
    /// A password in UTF-8.
    pub const fn new(octets: &'a [u8]) -> Self {
        Self(octets)
    }
}

impl core::fmt::Debug for Secret<'_> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("Secret(..)")
    }
}

/// How a peer shows who it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Scheme {
    /// Name and password, only encoded.
    Basic,
    /// Digest.
    #[default]
    Md5,
    /// Digest over every message, in an HTTP header.
    Mac,
}

impl Scheme {
    /// The word in Meta Type.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Basic => BASIC,
            Self::Md5 => MD5,
            Self::Mac => MAC,
        }
    }

    /// The scheme that a word names, in upper or lower case.
    pub fn from_name(name: &str) -> Option<Self> {
        [Self::Basic, Self::Md5, Self::Mac]
            .into_iter()
            .find(|scheme| scheme.name().eq_ignore_ascii_case(name))
    }
}

/// Name and password of one side, as its account has them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Credentials<'a> {
    /// The user name, or the ServerID of a server.
    pub name: &'a str,
    /// The password.
    pub secret: Secret<'a>,
}

/// A nonce, as octets.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Nonce {
    octets: [u8; MAX_NONCE],
    len: usize,
}

impl Nonce {
    /// No octets: what counts before a peer told another.
    pub const EMPTY: Self = Self { octets: [0; MAX_NONCE], len: 0 };

    /// The nonce with these octets; `None` if there are too many.
    pub fn new(octets: &[u8]) -> Option<Self> {
        let mut nonce = Self::EMPTY;
        let mut w = Writer::new(&mut nonce.octets);
        w.put(octets).ok()?;
        nonce.len = octets.len();
        Some(nonce)
    }

    /// The nonce that base64 text on the wire stands for.
    pub fn from_base64(text: &str) -> Option<Self> {
        let mut octets = [0; MAX_NONCE];
        base64::decode(text.as_bytes(), &mut octets).ok().and_then(Self::new)
    }

    /// 16 fresh octets.
    pub fn random(crypto: &mut dyn Crypto) -> Self {
        let mut octets = [0; 16];
        crypto.random(&mut octets);
        Self::new(&octets).unwrap_or(Self::EMPTY)
    }

    /// The octets.
    pub fn octets(&self) -> &[u8] {
        self.octets.get(..self.len).unwrap_or_default()
    }

    /// The text on the wire.
    pub fn base64<'o>(&self, out: &'o mut [u8; base64::encoded_len(MAX_NONCE)]) -> &'o str {
        let mut w = Writer::new(out);
        // It is as long as the longest.
        let _ = base64::encode(self.octets(), &mut w);
        str::from_utf8(w.finish()).unwrap_or_default()
    }
}

impl core::fmt::Debug for Nonce {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "Nonce({} octets)", self.len)
    }
}

/// A digest as base64 text.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Digest([u8; DIGEST]);

impl Digest {
    fn of(digest: [u8; 16]) -> Self {
        let mut text = [b'='; DIGEST];
        let mut w = Writer::new(&mut text);
        // 16 octets are 24 characters.
        let _ = base64::encode(&digest, &mut w);
        Self(text)
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        str::from_utf8(&self.0).unwrap_or_default()
    }

    /// Whether `text` is this, in a time that does not tell where they differ.
    pub fn is(&self, text: &[u8]) -> bool {
        same(&self.0, text)
    }
}

/// Whether two texts are the same, in a time that depends on their lengths only.
pub fn same(a: &[u8], b: &[u8]) -> bool {
    let differing = a.iter().zip(b).fold(0, |all, (a, b)| all | (a ^ b));
    a.len() == b.len() && differing == 0
}

impl core::fmt::Debug for Digest {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("Digest(..)")
    }
}

impl Credentials<'_> {
    /// `B64(H(name ":" secret))`, from which every digest is made.
    fn base(&self, crypto: &mut dyn Crypto) -> Digest {
        Digest::of(crypto.md5(&[self.name.as_bytes(), b":", self.secret.0]))
    }

    /// The data of `syncml:auth-md5`.
    pub fn md5(&self, nonce: &[u8], crypto: &mut dyn Crypto) -> Digest {
        let base = self.base(crypto);
        Digest::of(crypto.md5(&[&base.0, b":", nonce]))
    }

    /// The `mac` of `syncml:auth-MAC` over `body`.
    pub fn mac(&self, nonce: &[u8], body: &[u8], crypto: &mut dyn Crypto) -> Digest {
        Digest::of(self.keyed(nonce, body, crypto))
    }

    /// `H(B64(H(name ":" secret)) ":" nonce ":" B64(H(body)))`: also the digest of a notification, whose body is its
    /// trigger (`oma-dm.md` section 12).
    pub fn keyed(&self, nonce: &[u8], body: &[u8], crypto: &mut dyn Crypto) -> [u8; 16] {
        let (base, body) = (self.base(crypto), Digest::of(crypto.md5(&[body])));
        crypto.md5(&[&base.0, b":", nonce, b":", &body.0])
    }

    /// Writes the data of `syncml:auth-basic` to `out`.
    pub fn basic<'o>(&self, out: &'o mut [u8]) -> Result<&'o str, Error> {
        let mut plain = [0; MAX_BASIC];
        let mut w = Writer::new(&mut plain);
        for part in [self.name.as_bytes(), b":", self.secret.0] {
            w.put(part)?;
        }
        let len = w.at();
        let mut w = Writer::new(out);
        let encoded = base64::encode(plain.get(..len).unwrap_or_default(), &mut w);
        plain.fill(0);
        encoded?;
        Ok(str::from_utf8(w.finish()).unwrap_or_default())
    }
}

/// Longest name and password together, in octets, for which basic credentials can be made.
pub const MAX_BASIC: usize = 128;

/// The header `x-syncml-hmac` of a message, taken apart. Unknown parameters are passed over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MacHeader<'a> {
    /// Whose password it was made with.
    pub username: &'a str,
    /// The digest, base64.
    pub mac: &'a str,
}

impl<'a> MacHeader<'a> {
    /// Reads a header's value; `None` if the name or the digest is missing or the algorithm is not MD5.
    pub fn parse(value: &'a str) -> Option<Self> {
        let (mut username, mut mac) = (None, None);
        for parameter in value.split(|c| c == ',') {
            let (key, value) = parameter.split_once(|c| c == '=')?;
            let value = value.trim_ascii();
            let bare = value.strip_prefix('"').and_then(|value| value.strip_suffix('"')).unwrap_or(value);
            match key.trim_ascii() {
                "algorithm" if !bare.eq_ignore_ascii_case("MD5") => return None,
                "username" => username = Some(bare),
                "mac" => mac = Some(bare),
                _ => {}
            }
        }
        Some(Self { username: username?, mac: mac? })
    }
}

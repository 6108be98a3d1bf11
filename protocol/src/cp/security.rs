//! Who may send a provisioning document: SEC and MAC of the push, and the secrets they are checked with
//! (`oma-cp.md` section 7).
//!
//! ```text
//! MAC = HMAC-SHA1(key, document)          NETWPIN: identity     USERPIN: PIN digits     USERNETWPIN: identity, PIN digits
//! USERPINMAC: the user types PIN and check digits, halves of one number; no MAC in the push
//! ```

use hmac::{Hmac, KeyInit as _, Mac as _};
use sha1::Sha1;

use crate::wap::{ContentType, ParameterCode, SecurityMethod};
use crate::wire::Writer;

/// Octets of a MAC.
pub const MAC: usize = 20;
/// How often the user may try before the document is dropped. Other implementations agree on it.
pub const PIN_TRIES: u8 = 3;
/// Most digits that a user may have to type.
pub const MAX_PIN: usize = 16;
/// Digits of an IMSI.
const MAX_IMSI: usize = 15;

/// What a push says about its authenticity.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Protection {
    /// The method.
    pub method: SecurityMethod,
    /// The MAC; with USERPINMAC there is none.
    pub mac: Option<[u8; MAC]>,
}

/// Why a push's security parameters are of no use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Unusable {
    /// Neither SEC nor MAC.
    Unsigned,
    /// A MAC without a method.
    NoMethod,
    /// A method that is not one of the four.
    UnknownMethod,
    /// The method needs a MAC and there is none, or it is not 40 hexadecimal digits.
    BadMac,
}

impl core::fmt::Display for Unusable {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str(match self {
            Self::Unsigned => "no security parameters",
            Self::NoMethod => "MAC without SEC",
            Self::UnknownMethod => "unknown security method",
            Self::BadMac => "no MAC of 40 hexadecimal digits",
        })
    }
}

impl core::error::Error for Unusable {}

impl Protection {
    /// The parameters of a push's content type.
    pub fn of(content_type: &ContentType<'_>) -> Result<Self, Unusable> {
        let method = content_type.parameters.get(ParameterCode::SEC).map(|value| value.integer());
        let mac = content_type.parameters.get(ParameterCode::MAC).map(|value| value.text());
        let method = match (method, mac) {
            (None, None) => return Err(Unusable::Unsigned),
            (None, Some(_)) => return Err(Unusable::NoMethod),
            (Some(number), _) => {
                let number = number.and_then(|number| u8::try_from(number).ok());
                SecurityMethod(number.ok_or(Unusable::UnknownMethod)?)
            }
        };
        if method.name().is_none() {
            return Err(Unusable::UnknownMethod);
        }
        let mac = mac.map(|text| text.and_then(mac_of_hex).ok_or(Unusable::BadMac)).transpose()?;
        if mac.is_none() && method != SecurityMethod::USERPINMAC {
            return Err(Unusable::BadMac);
        }
        Ok(Self { method, mac })
    }

    /// Whether the user has to type a PIN.
    pub fn needs_pin(&self) -> bool {
        self.method != SecurityMethod::NETWPIN
    }
}

/// What network and device both know.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum NetworkKey<'k> {
    /// The subscriber's identity, 6 to 15 decimal digits (GSM).
    Imsi(&'k str),
    /// The device's serial number (CDMA).
    Esn(u32),
}

/// An identity is personal: it is not shown.
impl core::fmt::Debug for NetworkKey<'_> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str(match self {
            Self::Imsi(_) => "Imsi(***)",
            Self::Esn(_) => "Esn(***)",
        })
    }
}

/// In which form the network key fitted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyForm {
    /// The IMSI as in the card's file: half octets, parity first.
    SemiOctets,
    /// The IMSI as plain digits, which some servers use.
    Digits,
    /// The ESN as eight hexadecimal digits.
    Esn,
}

/// How a document was proved to be genuine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Proof {
    /// By the network key.
    Network(KeyForm),
    /// By the PIN.
    User,
    /// By both.
    Both(KeyForm),
    /// By a PIN with check digits.
    PinWithCheck,
}

/// Why it was not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Denied {
    /// The device has no network key of the form that is needed.
    NoNetworkKey,
    /// The user must type a PIN first.
    PinNeeded,
    /// What was typed cannot be a PIN: not digits, too many, or no two equal halves where that is needed.
    NotAPin,
    /// It does not fit: another secret, or another document.
    Wrong,
}

impl core::fmt::Display for Denied {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str(match self {
            Self::NoNetworkKey => "no network key",
            Self::PinNeeded => "PIN needed",
            Self::NotAPin => "not a PIN",
            Self::Wrong => "authenticator does not fit",
        })
    }
}

impl core::error::Error for Denied {}

/// Checks that `document` comes from whom knows the secrets. Takes the same time wherever a MAC differs.
pub fn verify(
    protection: &Protection,
    document: &[u8],
    network: Option<NetworkKey<'_>>,
    pin: Option<&str>,
) -> Result<Proof, Denied> {
    let user = match pin {
        _ if protection.method == SecurityMethod::NETWPIN => "",
        None => return Err(Denied::PinNeeded),
        Some(pin) => digits(pin, MAX_PIN).ok_or(Denied::NotAPin)?,
    };
    let fits = |key: &[u8]| protection.mac.is_some_and(|mac| is_same(&mac, &sign(key, document)));
    match protection.method {
        SecurityMethod::USERPIN => {
            if fits(user.as_bytes()) {
                Ok(Proof::User)
            } else {
                Err(Denied::Wrong)
            }
        }
        SecurityMethod::NETWPIN | SecurityMethod::USERNETWPIN => {
            let network = network.ok_or(Denied::NoNetworkKey)?;
            let mut usable = false;
            for form in [KeyForm::SemiOctets, KeyForm::Digits, KeyForm::Esn] {
                let mut buf = [0; MAX_IMSI + MAX_PIN];
                let Some(key) = joined_key(network, form, user, &mut buf) else { continue };
                usable = true;
                if fits(key) {
                    let both = protection.method == SecurityMethod::USERNETWPIN;
                    return Ok(if both { Proof::Both(form) } else { Proof::Network(form) });
                }
            }
            Err(if usable { Denied::Wrong } else { Denied::NoNetworkKey })
        }
        SecurityMethod::USERPINMAC => {
            let half = user.len().checked_div(2).unwrap_or(0);
            let (key, check) = user.split_at_checked(half).ok_or(Denied::NotAPin)?;
            if key.is_empty() || key.len() != check.len() {
                return Err(Denied::NotAPin);
            }
            let mut expected = [0; MAX_PIN];
            let expected = check_digits(key, document, &mut expected);
            if is_same(check.as_bytes(), expected) { Ok(Proof::PinWithCheck) } else { Err(Denied::Wrong) }
        }
        _ => Err(Denied::Wrong),
    }
}

/// The MAC of a document under a key: the operator's side of all methods but USERPINMAC.
pub fn sign(key: &[u8], document: &[u8]) -> [u8; MAC] {
    let Ok(mut mac) = Hmac::<Sha1>::new_from_slice(key) else {
        // HMAC takes keys of any length.
        return [0; MAC];
    };
    mac.update(document);
    mac.finalize().into_bytes().into()
}

/// The digits that follow the PIN `key` with USERPINMAC, as many as it has: the operator's side.
pub fn check_digits<'o>(key: &str, document: &[u8], out: &'o mut [u8; MAX_PIN]) -> &'o [u8] {
    let mac = sign(key.as_bytes(), document);
    for (to, from) in out.iter_mut().zip(mac) {
        *to = b'0'.wrapping_add(from % 10);
    }
    out.get(..key.len()).unwrap_or_default()
}

/// The octets of a network key in one of its forms; `None` where the form does not suit it.
pub fn network_key<'b>(network: NetworkKey<'_>, form: KeyForm, out: &'b mut [u8]) -> Option<&'b [u8]> {
    joined_key(network, form, "", out)
}

/// The 40 hexadecimal digits that a push carries.
pub fn hex_of_mac(mac: &[u8; MAC]) -> [u8; MAC * 2] {
    let digit =
        |half: u8| if half < 10 { b'0'.wrapping_add(half) } else { b'A'.wrapping_add(half.wrapping_sub(10)) };
    let mut halves = mac.iter().flat_map(|octet| [digit(octet >> 4), digit(octet & 0xF)]);
    core::array::from_fn(|_| halves.next().unwrap_or_default())
}

fn mac_of_hex(text: &str) -> Option<[u8; MAC]> {
    let mut mac = [0; MAC];
    if text.len() != MAC * 2 {
        return None;
    }
    let mut halves = text.chars().map(|digit| digit.to_digit(16).and_then(|half| u8::try_from(half).ok()));
    for octet in &mut mac {
        *octet = halves.next()?? << 4 | halves.next()??;
    }
    Some(mac)
}

/// Network key, then PIN.
fn joined_key<'b>(network: NetworkKey<'_>, form: KeyForm, pin: &str, out: &'b mut [u8]) -> Option<&'b [u8]> {
    let mut w = Writer::new(out);
    match (network, form) {
        (NetworkKey::Imsi(imsi), KeyForm::SemiOctets) => semi_octets(digits(imsi, MAX_IMSI)?, &mut w)?,
        (NetworkKey::Imsi(imsi), KeyForm::Digits) => w.put(digits(imsi, MAX_IMSI)?.as_bytes()).ok()?,
        (NetworkKey::Esn(esn), KeyForm::Esn) => {
            let mut halves = esn.to_be_bytes().into_iter().flat_map(|octet| [octet >> 4, octet & 0xF]);
            halves.try_for_each(|half| {
                let digit = char::from_digit(half.into(), 16).and_then(|c| u8::try_from(c).ok());
                digit.and_then(|digit| w.u8(digit.to_ascii_uppercase()).ok())
            })?;
        }
        _ => return None,
    }
    w.put(pin.as_bytes()).ok()?;
    Some(w.finish())
}

/// The IMSI as GSM 11.11 stores it: a parity half octet (9 for an odd number of digits, 1 for an even one), the digits, and
/// F to fill the last octet; the first of two in the low half.
fn semi_octets(imsi: &str, out: &mut Writer<'_>) -> Option<()> {
    let parity = if imsi.len() % 2 == 1 { 9 } else { 1 };
    let values = imsi.bytes().map(|digit| digit.wrapping_sub(b'0'));
    let mut halves = core::iter::once(parity).chain(values);
    while let Some(low) = halves.next() {
        out.u8(halves.next().unwrap_or(0xF) << 4 | low).ok()?;
    }
    Some(())
}

/// Decimal digits, at least one and at most `max`; leading zeros count.
fn digits(text: &str, max: usize) -> Option<&str> {
    let fits = !text.is_empty() && text.len() <= max && text.bytes().all(|digit| digit.is_ascii_digit());
    fits.then_some(text)
}

/// Compares without stopping at the first difference.
fn is_same(a: &[u8], b: &[u8]) -> bool {
    a.len() == b.len() && a.iter().zip(b).fold(0, |differing, (a, b)| differing | (a ^ b)) == 0
}

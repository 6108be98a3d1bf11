//! Bootstrap: how the account of a server comes to a device that does not have one (OMA-TS-DM_Bootstrap, OMA-TS-DM_Security
//! 5.1.7; `oma-dm.md` section 13).
//!
//! A bootstrap makes its server master of the device, so its origin decides. [`decide`] is the whole rule:
//!
//! | comes by | no account of that server yet | its account is there |
//! |---|---|---|
//! | factory data | apply | keep what is there |
//! | smart card | apply | replace |
//! | push, proven with PIN and network identifier, or PIN alone | ask, then apply | ask, then replace |
//! | push, proven with the network identifier alone | ask, then apply | refuse |
//! | push, not proven | refuse | refuse |
//! | an authenticated management session | apply | replace, if it is that server's own |
//!
//! The network identifier is no secret (its digits can be learnt), so it may bring a new server, which the user sees, but
//! never redirect one that is trusted. Where a policy switches push bootstrap off, everything by push is refused. The facts
//! do not say more of re-bootstrap than that a device has rules for it.
//!
//! A document of the DM profile is a [`Document`]; [`process`] applies it by the rule. One of the CP profile is settings as all
//! others; its w7 application becomes an account by [`super::account::DmAccountSettings`].

mod document;

pub use document::{Document, Processed, process};

use core::fmt;

use crate::cp::security::sign;
use crate::mime::MediaType;
use crate::wire::Writer;

/// Octets of a MAC.
const MAC: usize = 20;
/// Longest key, in octets: a PIN and a network identifier of 15 digits are far below.
const MAX_KEY: usize = 64;
/// How often a PIN may be wrong before the message is dropped (`oma-cp.md` section 7: the usual number).
pub const PIN_TRIES: u8 = 3;
/// Whether the PIN stands before the network identifier in a key of both, with a colon between them (`oma-dm.md` section 13).
const PIN_FIRST: bool = true;

/// What the key of a MAC is made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Method {
    /// The network identifier: digits of the IMSI or the ESN, as the network has it.
    NetworkId,
    /// A PIN that the user knows.
    UserPin,
    /// Both.
    UserPinNetworkId,
}

impl Method {
    const ALL: [Self; 3] = [Self::NetworkId, Self::UserPin, Self::UserPinNetworkId];

    /// Its word in the parameter SEC.
    pub const fn name(self) -> &'static str {
        match self {
            Self::NetworkId => "NETWORKID",
            Self::UserPin => "USERPIN",
            Self::UserPinNetworkId => "USERPIN_NETWORKID",
        }
    }

    /// Its number: that of the same method of client provisioning, as which the parameter SEC may also have it.
    pub const fn number(self) -> u8 {
        match self {
            Self::NetworkId => 0,
            Self::UserPin => 1,
            Self::UserPinNetworkId => 2,
        }
    }

    /// The method with this number.
    pub fn from_number(number: u8) -> Option<Self> {
        Self::ALL.into_iter().find(|method| method.number() == number)
    }

    /// Whether the user must enter a PIN.
    pub const fn needs_pin(self) -> bool {
        !matches!(self, Self::NetworkId)
    }
}

/// The proof that travels with a bootstrap of the DM profile, in the parameters of its content type.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Security {
    /// What the key is made of.
    pub method: Method,
    /// The MAC.
    mac: [u8; MAC],
}

/// Why there is no proof.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Unproven {
    /// The parameter SEC or MAC is missing.
    Missing,
    /// SEC names a method that is not known.
    Method,
    /// MAC is not 40 hexadecimal digits.
    Mac,
    /// The key for this method is not known.
    NoKey,
    /// The MAC is another one: wrong key, or changed content.
    Wrong,
}

impl fmt::Display for Unproven {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Missing => "no proof",
            Self::Method => "unknown security method",
            Self::Mac => "malformed MAC",
            Self::NoKey => "no key for this method",
            Self::Wrong => "wrong MAC",
        })
    }
}

impl core::error::Error for Unproven {}

/// What the device knows to make keys of.
#[derive(Clone, Copy, Default)]
pub struct Keys<'k> {
    /// The network identifier.
    pub network_id: Option<&'k [u8]>,
    /// What the user has entered.
    pub pin: Option<&'k [u8]>,
}

impl Security {
    /// Reads the parameters of a content type.
    pub fn read(media: &MediaType<'_>) -> Result<Self, Unproven> {
        let value = |name| media.parameter(name).and_then(|value| value.plain()).ok_or(Unproven::Missing);
        Self::of(value("SEC")?, value("MAC")?)
    }

    /// The proof by this method with this MAC.
    pub const fn new(method: Method, mac: [u8; MAC]) -> Self {
        Self { method, mac }
    }

    /// The proof that the two parameters make.
    pub fn of(method: &str, mac: &str) -> Result<Self, Unproven> {
        let method = Method::ALL.into_iter().find(|known| known.name() == method).ok_or(Unproven::Method)?;
        let mut octets = [0; MAC];
        if mac.len() != 2 * MAC {
            return Err(Unproven::Mac);
        }
        for (octet, pair) in octets.iter_mut().zip(mac.as_bytes().chunks(2)) {
            *octet = pair
                .iter()
                .try_fold(0_u8, |value, digit| {
                    let digit = char::from(*digit).to_digit(16).and_then(|digit| u8::try_from(digit).ok())?;
                    Some(value << 4 | digit)
                })
                .ok_or(Unproven::Mac)?;
        }
        Ok(Self { method, mac: octets })
    }

    /// The proof of `body` with `keys`: the server's side.
    pub fn make(method: Method, body: &[u8], keys: &Keys<'_>) -> Result<Self, Unproven> {
        Ok(Self { method, mac: mac(method, body, keys)? })
    }

    /// The MAC, as upper-case hexadecimal digits in the parameter.
    pub const fn mac(&self) -> &[u8; MAC] {
        &self.mac
    }

    /// Whether `body`, the whole document as it came, is proven.
    pub fn verify(&self, body: &[u8], keys: &Keys<'_>) -> Result<(), Unproven> {
        let expected = mac(self.method, body, keys)?;
        // As many steps whatever differs.
        let differs = expected.iter().zip(&self.mac).fold(0, |all, (a, b)| all | (a ^ b));
        if differs == 0 { Ok(()) } else { Err(Unproven::Wrong) }
    }
}

/// HMAC-SHA1 of the document.
fn mac(method: Method, body: &[u8], keys: &Keys<'_>) -> Result<[u8; MAC], Unproven> {
    let network_id = keys.network_id.ok_or(Unproven::NoKey);
    let pin = keys.pin.ok_or(Unproven::NoKey);
    let parts: [&[u8]; 3] = match method {
        Method::NetworkId => [network_id?, &[], &[]],
        Method::UserPin => [pin?, &[], &[]],
        Method::UserPinNetworkId if PIN_FIRST => [pin?, b":", network_id?],
        Method::UserPinNetworkId => [network_id?, b":", pin?],
    };
    let mut key = [0; MAX_KEY];
    let mut w = Writer::new(&mut key);
    for part in parts {
        w.put(part).map_err(|_| Unproven::NoKey)?;
    }
    Ok(sign(w.finish(), body))
}

/// Where a bootstrap comes from, as far as its right depends on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// The device's factory data.
    Factory,
    /// A file of the smart card that is in the device.
    SmartCard,
    /// A push whose proof was checked.
    Push(Method),
    /// A push without proof, or with a wrong one.
    UnprovenPush,
    /// The management session of this authenticated server, by its identifier.
    Session(Owner),
}

/// Whether the server of a session is the one whose account is at stake.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Owner {
    /// It is.
    Same,
    /// It is another one.
    Other,
}

/// What becomes of a bootstrap.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Decision {
    /// It is applied.
    Apply,
    /// It is applied if the user agrees, who is shown the server.
    Ask,
    /// Nothing changes, because what is there counts.
    Keep,
    /// It is refused.
    Refuse,
}

/// The rule of the [module](self) page. `known`: an account of the same server identifier exists; `by_push`: the device's
/// policy allows bootstrap by push at all.
pub const fn decide(origin: Origin, known: bool, by_push: bool) -> Decision {
    match (origin, known) {
        (Origin::UnprovenPush, _)
        | (Origin::Push(Method::NetworkId) | Origin::Session(Owner::Other), true) => Decision::Refuse,
        (Origin::Push(_), _) if !by_push => Decision::Refuse,
        (Origin::Push(_), _) => Decision::Ask,
        (Origin::Factory, true) => Decision::Keep,
        (Origin::Factory | Origin::SmartCard | Origin::Session(_), _) => Decision::Apply,
    }
}

/// The tries of one message that needs a PIN.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PinTries {
    left: u8,
}

impl Default for PinTries {
    fn default() -> Self {
        Self { left: PIN_TRIES }
    }
}

impl PinTries {
    /// A PIN was wrong; whether the user may try another one.
    pub const fn wrong(&mut self) -> bool {
        self.left = self.left.saturating_sub(1);
        self.left > 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The document of the vectors, which is no whole one.
    const BODY: [u8; 6] = [0x02, 0xA4, 0x01, 0x6A, 0x00, 0x6D];
    const IMSI: &[u8] = b"244050123456789";
    const NETWORK: &str = "470E916928ECAAC85948D670799D144118E32FA0";
    const BOTH: &str = "C6709CF326DAF534CCDC4DD075F8FA3319A56484";

    #[test]
    fn the_vectors_prove() {
        let keys = Keys { network_id: Some(IMSI), pin: Some(b"1234") };
        for (method, mac) in [("NETWORKID", NETWORK), ("USERPIN_NETWORKID", BOTH)] {
            let proof = Security::of(method, mac).unwrap();
            assert_eq!(proof.verify(&BODY, &keys), Ok(()), "{method}");
            assert_eq!(Security::make(proof.method, &BODY, &keys), Ok(proof));
            assert_eq!(Method::from_number(proof.method.number()), Some(proof.method));
            assert_eq!(Security::new(proof.method, *proof.mac()), proof);
            assert_eq!(Security::of(method, &mac.to_lowercase()), Ok(proof));
            assert_eq!(proof.verify(&BODY[1..], &keys), Err(Unproven::Wrong));
            let other = Keys { network_id: Some(b"244050123456780"), ..keys };
            assert_eq!(proof.verify(&BODY, &other), Err(Unproven::Wrong));
            assert_eq!(proof.verify(&BODY, &Keys::default()), Err(Unproven::NoKey));
        }
        let pin = Security::make(Method::UserPin, &BODY, &keys).unwrap();
        assert_eq!(pin.verify(&BODY, &Keys { network_id: None, pin: Some(b"1234") }), Ok(()));
        assert_eq!(pin.verify(&BODY, &Keys { network_id: None, pin: Some(b"1235") }), Err(Unproven::Wrong));
        let long = Keys { pin: Some(&[b'1'; MAX_KEY + 1]), ..keys };
        assert_eq!(pin.verify(&BODY, &long), Err(Unproven::NoKey));
    }

    #[test]
    fn the_parameters_of_a_content_type() {
        let read = |text| Security::read(&MediaType::parse(text).unwrap());
        let whole =
            "application/vnd.syncml.dm+wbxml; SEC=NETWORKID; MAC=470E916928ECAAC85948D670799D144118E32FA0";
        assert_eq!(read(whole), Security::of("NETWORKID", NETWORK));
        assert_eq!(read("a/b; MAC=00"), Err(Unproven::Missing));
        assert_eq!(read("a/b; SEC=USERPIN"), Err(Unproven::Missing));
        assert_eq!(read("a/b; SEC=PIN; MAC=00"), Err(Unproven::Method));
        assert_eq!(read("a/b; SEC=USERPIN; MAC=00"), Err(Unproven::Mac));
        assert_eq!(Security::of("USERPIN", &NETWORK.replace('F', "g")), Err(Unproven::Mac));
    }

    /// The table of the module page, cell by cell.
    #[test]
    fn every_origin_with_and_without_an_account() {
        use Decision::{Apply, Ask, Keep, Refuse};
        let rows = [
            (Origin::Factory, Apply, Keep, Apply, Keep),
            (Origin::SmartCard, Apply, Apply, Apply, Apply),
            (Origin::Push(Method::UserPinNetworkId), Ask, Ask, Refuse, Refuse),
            (Origin::Push(Method::UserPin), Ask, Ask, Refuse, Refuse),
            (Origin::Push(Method::NetworkId), Ask, Refuse, Refuse, Refuse),
            (Origin::UnprovenPush, Refuse, Refuse, Refuse, Refuse),
            (Origin::Session(Owner::Same), Apply, Apply, Apply, Apply),
            (Origin::Session(Owner::Other), Apply, Refuse, Apply, Refuse),
        ];
        for (origin, unknown, known, unknown_off, known_off) in rows {
            let decided = [
                decide(origin, false, true),
                decide(origin, true, true),
                decide(origin, false, false),
                decide(origin, true, false),
            ];
            assert_eq!(decided, [unknown, known, unknown_off, known_off], "{origin:?}");
        }
    }

    #[test]
    fn a_pin_has_three_tries() {
        let mut tries = PinTries::default();
        assert_eq!([tries.wrong(), tries.wrong(), tries.wrong(), tries.wrong()], [true, true, false, false]);
    }
}

//! The request token (section 4.2): what the device says of itself and what it wants, signed by the device.

use super::envelope::{self, Header, KeyId, emit, frame_len};
use super::{Kind, Level, MediaName, Op, Serial, State};
use crate::cbor::Encoder;
use crate::wire::{Error, ErrorKind, Writer};
use crate::xml::base64;

/// Key of what the device says for itself.
const OWN: i64 = -70_003;
/// Largest payload: all fields, names at their longest.
const PAYLOAD_MAX: usize = 384;
/// Longest token, in octets; its text in a URL takes a third more.
pub const TOKEN_MAX: usize = 640;

/// What a device can do, as bits.
pub mod capabilities {
    /// It can show an address and a short code.
    pub const USER_ACTION: u32 = 1;
    /// It has a browser.
    pub const BROWSER: u32 = 2;
    /// It takes sealed documents.
    pub const SEALED: u32 = 4;
    /// It has a hardware counter (L3).
    pub const COUNTER: u32 = 8;
    /// It has no clock.
    pub const NO_CLOCK: u32 = 16;
    /// Its clock is set by nobody in particular.
    pub const LOOSE_CLOCK: u32 = 32;
    /// Two bits with the level of the build. Ours: the specification sends the level in the capabilities but assigns
    /// no bits.
    pub const LEVEL_SHIFT: u32 = 8;

    /// The bits of a level.
    pub const fn level(level: super::Level) -> u32 {
        (level as u32) << LEVEL_SHIFT
    }
}

/// What is asked for, and by whom.
#[derive(Clone, Copy, Debug)]
pub struct Request<'a> {
    /// The device's time; 0 if it has no clock.
    pub issued_at: u64,
    /// The nonce that the answer must echo.
    pub nonce: &'a [u8; 16],
    /// The device's identity.
    pub ueid: &'a [u8],
    /// Seconds since it started.
    pub uptime: u64,
    /// How often it started.
    pub boots: u32,
    /// What it wants.
    pub op: Op,
    /// The serial of the license it holds.
    pub held: Serial,
    /// The state it holds.
    pub state: State,
    /// Its model.
    pub model: &'a str,
    /// The client's version.
    pub version: &'a str,
    /// What it can do; see [`capabilities`].
    pub capabilities: u32,
    /// Which account it belongs to, if it knows.
    pub account: Option<&'a str>,
    /// Its ephemeral X25519 key, if it takes sealed documents.
    pub ephemeral: Option<&'a [u8; 32]>,
    /// The greatest serial it ever accepted, if that survived what the license did not.
    pub floor: Option<Serial>,
}

impl Request<'_> {
    /// Writes the token, signed under the name `key_id`, to the front of `out`. `NoRoom` if it does not fit, or its texts
    /// are too long.
    pub fn emit<'o>(
        &self,
        vendor: &str,
        key_id: &KeyId,
        sign: impl FnOnce(&[&[u8]]) -> [u8; 64],
        out: &'o mut [u8],
    ) -> Result<&'o [u8], Error> {
        let mut room = [0; PAYLOAD_MAX];
        let payload = self.payload(&mut room)?;
        frame(Kind::Request, vendor, *key_id, payload, sign, out)
    }

    /// Writes the parameters that say the same for a device without a key (levels L0 and L1, section 4.1), as they stand
    /// behind `v` and `op` in the entry URL: identity, nonce, state, serial held, model, client version.
    pub fn emit_plain(&self, out: &mut Writer<'_>) -> Result<(), Error> {
        out.put(b"&d=")?;
        base64::encode_url(self.ueid, out)?;
        out.put(b"&n=")?;
        base64::encode_url(self.nonce, out)?;
        out.put(b"&s=")?;
        decimal(u32::from(self.state as u8), out)?;
        out.put(b"&q=")?;
        decimal(self.held.epoch.into(), out)?;
        out.put(b".")?;
        decimal(self.held.seq, out)?;
        out.put(b"&m=")?;
        escaped(self.model, out)?;
        out.put(b"&c=")?;
        escaped(self.version, out)
    }

    fn payload<'o>(&self, out: &'o mut [u8]) -> Result<&'o [u8], Error> {
        let mut e = Encoder::new(out);
        e.map(6)?.unsigned(6)?.unsigned(self.issued_at)?.unsigned(10)?.bytes(self.nonce)?;
        e.unsigned(256)?.bytes(self.ueid)?.unsigned(261)?.unsigned(self.uptime)?;
        e.unsigned(267)?.unsigned(self.boots.into())?.integer(OWN)?;
        let optional = [self.account.is_some(), self.ephemeral.is_some(), self.floor.is_some()];
        e.map(optional.into_iter().map(u64::from).fold(6, u64::saturating_add))?;
        e.unsigned(1)?.unsigned(self.op.0.into())?.unsigned(2)?;
        self.held.emit(&mut e)?;
        e.unsigned(3)?.unsigned(self.state as u64)?.unsigned(4)?.text(self.model)?;
        e.unsigned(5)?.text(self.version)?.unsigned(6)?.unsigned(self.capabilities.into())?;
        if let Some(account) = self.account {
            e.unsigned(7)?.text(account)?;
        }
        if let Some(key) = self.ephemeral {
            e.unsigned(8)?.bytes(key)?;
        }
        if let Some(floor) = self.floor {
            e.unsigned(9)?;
            floor.emit(&mut e)?;
        }
        Ok(e.finish())
    }
}

/// A number in decimal digits.
fn decimal(number: u32, out: &mut Writer<'_>) -> Result<(), Error> {
    let mut digits = [b'0'; 10];
    let mut rest = number;
    for digit in digits.iter_mut().rev() {
        let [low, ..] = (rest % 10).to_le_bytes();
        *digit = b'0'.wrapping_add(low);
        rest /= 10;
    }
    let zeros = digits.iter().take(9).take_while(|digit| **digit == b'0').count();
    out.put(digits.get(zeros..).unwrap_or_default())
}

/// A text as the value of a query's parameter: what is not unreserved (RFC 3986 §2.3) by its octets.
fn escaped(text: &str, out: &mut Writer<'_>) -> Result<(), Error> {
    for octet in text.bytes() {
        if octet.is_ascii_alphanumeric() || matches!(octet, b'-' | b'.' | b'_' | b'~') {
            out.u8(octet)?;
        } else {
            out.put(&[b'%', hex_digit(octet >> 4), hex_digit(octet & 15)])?;
        }
    }
    Ok(())
}

/// A digit of base 16.
const fn hex_digit(nibble: u8) -> u8 {
    if nibble < 10 { b'0'.wrapping_add(nibble) } else { b'A'.wrapping_add(nibble.wrapping_sub(10)) }
}

/// Signs `payload` as a thing of `kind`.
pub(super) fn frame<'o>(
    kind: Kind,
    vendor: &str,
    key_id: KeyId,
    payload: &[u8],
    sign: impl FnOnce(&[&[u8]]) -> [u8; 64],
    out: &'o mut [u8],
) -> Result<&'o [u8], Error> {
    let no_room = Error::new(ErrorKind::NoRoom, out.len());
    let name: MediaName = kind.name(vendor).ok_or(no_room)?;
    let kind = name.as_str();
    if frame_len(kind.len(), payload.len()) > out.len() {
        return Err(no_room);
    }
    emit(&Header { algorithm: envelope::ED25519, key_id: &key_id, kind }, payload, sign, out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_parameters_say_what_a_token_does() {
        let request = Request {
            issued_at: 0,
            nonce: &[0xFF; 16],
            ueid: &[3, 3, 5, 6, 9, 3, 8, 0, 3, 5, 6, 4, 3, 8, 0],
            uptime: 0,
            boots: 0,
            op: Op::REFRESH,
            held: Serial::new(1, 4_294_967_295),
            state: State::Trial,
            model: "Mo del&x=1/\u{e9}",
            version: "1.4-b_2~",
            capabilities: 0,
            account: None,
            ephemeral: None,
            floor: None,
        };
        let mut out = [0; 160];
        let mut w = Writer::new(&mut out);
        request.emit_plain(&mut w).unwrap();
        let expected = "&d=AwMFBgkDCAADBQYEAwgA&n=_____________________w&s=1&q=1.4294967295\
                        &m=Mo%20del%26x%3D1%2F%C3%A9&c=1.4-b_2~";
        assert_eq!(core::str::from_utf8(w.finish()), Ok(expected));
        let none = Request { held: Serial::NONE, state: State::Unknown, model: "", ..request };
        let mut w = Writer::new(&mut out);
        none.emit_plain(&mut w).unwrap();
        assert!(w.finish().windows(11).any(|part| part == b"&s=0&q=0.0&"));
        assert!(none.emit_plain(&mut Writer::new(&mut [0; 40])).is_err(), "no room");
    }
}

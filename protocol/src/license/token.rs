//! The request token (section 4.2): what the device says of itself and what it wants, signed by the device.

use super::envelope::{self, Header, KeyId, emit, frame_len};
use super::{Kind, Level, MediaName, Op, Serial, State};
use crate::cbor::Encoder;
use crate::wire::{Error, ErrorKind};

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

//! Package 0, the notification by which a server asks for a session (OMA-TS-DM_Notification; `oma-dm.md` section 12).
//!
//! ```text
//! digest(16) version(10 bits) ui-mode(2) initiator(1) reserved(27) session(16) length(8) server-id(length) vendor(rest)
//!            └───────────────────────────── trigger: what the digest proves ───────────────────────────────────────┘
//! ```
//! A notification changes nothing by itself: it makes the device call a server that it has an account with, and the session
//! authenticates that server again. What is to be prevented is that anybody can make it call:
//! - the digest is checked against the account's server credentials, and what does not fit is dropped without a trace on
//!   the air ([`Notification::verify`]);
//! - what was accepted once is not accepted again, and too many are not looked at ([`Guard`]).

use core::time::Duration;

use super::auth::{Credentials, Crypto, Secret};
use crate::wap::{ApplicationCode, MediaCode, Push};
use crate::wire::{Error, ErrorKind, Reader, Writer};

/// Shortest notification, in octets: digest and the fixed part of the trigger.
pub const MIN_LEN: usize = DIGEST + FIXED;
/// Octets of the digest.
const DIGEST: usize = 16;
/// Octets of the trigger before the server's identifier.
const FIXED: usize = 8;
/// Octets of the trigger that are reserved, behind the three reserved bits of its second octet.
const RESERVED: usize = 3;

/// The nonces that stand for "no nonce": the text of the specification is read both ways in the field.
const SPECIAL: [&[u8]; 2] = [&[0; 4], b"0x00000000"];

/// Where the fields of a notification lie, judging nothing beyond that.
#[derive(Clone, Copy, Debug)]
pub struct Packet<'a> {
    /// The proof.
    pub digest: [u8; DIGEST],
    /// What is proven.
    pub trigger: &'a [u8],
}

impl<'a> Packet<'a> {
    /// Finds the fields; `Truncated` below [`MIN_LEN`] octets.
    pub fn new(bytes: &'a [u8]) -> Result<Self, Error> {
        let mut input = Reader::new(bytes);
        let digest = input.array()?;
        let trigger = input.take_rest();
        if trigger.len() < FIXED {
            return Err(Error::new(ErrorKind::Truncated, bytes.len()));
        }
        Ok(Self { digest, trigger })
    }
}

/// How the user is to be involved.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UiMode {
    /// Not specified.
    Unspecified,
    /// In the background.
    Background,
    /// The user is told.
    Informative,
    /// The user is asked before the session.
    Interaction,
}

impl UiMode {
    const ALL: [Self; 4] = [Self::Unspecified, Self::Background, Self::Informative, Self::Interaction];
}

/// A request for a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Notification<'a> {
    /// The version times ten: 11 in the version that DM 1.2 uses.
    pub version: u16,
    /// How the user is to be involved.
    pub ui_mode: UiMode,
    /// Whether the server began it, else the user. Either way the session begins with alert 1200.
    pub by_server: bool,
    /// The session's number, 1 to 65535.
    pub session: u16,
    /// The identifier of the server, that of its account.
    pub server: &'a str,
    /// What the vendor added.
    pub vendor: &'a [u8],
}

impl<'a> Notification<'a> {
    /// Reads the trigger of `packet`; offsets count from the notification's first octet. `BadValue` for session 0,
    /// `BadText` for a server identifier that is no text, `Truncated` for one that is shorter than it says. The version is
    /// not judged: every known one has this form.
    pub fn parse(packet: &Packet<'a>) -> Result<Self, Error> {
        let mut input = Reader::with_base(packet.trigger, DIGEST);
        let head = input.u16()?;
        input.take(RESERVED)?;
        let at = input.at();
        let session = input.u16()?;
        if session == 0 {
            return Err(Error::new(ErrorKind::BadValue, at));
        }
        let length = usize::from(input.u8()?);
        let at = input.at();
        let server = str::from_utf8(input.take(length)?).map_err(|_| Error::new(ErrorKind::BadText, at))?;
        let mode = usize::from(head >> 4 & 3);
        Ok(Self {
            version: head >> 6,
            ui_mode: UiMode::ALL.get(mode).copied().unwrap_or(UiMode::Unspecified),
            by_server: head & 8 != 0,
            session,
            server,
            vendor: input.take_rest(),
        })
    }

    /// How many octets [`Self::emit`] writes.
    pub fn buffer_len(&self) -> usize {
        [MIN_LEN, self.server.len(), self.vendor.len()].into_iter().fold(0, usize::saturating_add)
    }

    /// Writes the notification with its proof into `out`: the server's side. `BadValue` for a server identifier of more
    /// than 255 octets.
    pub fn emit<'b>(
        &self,
        password: Secret<'_>,
        nonce: &[u8],
        crypto: &mut dyn Crypto,
        out: &'b mut [u8],
    ) -> Result<&'b [u8], Error> {
        let mut w = Writer::new(out);
        w.put(&[0; DIGEST])?;
        let mode = UiMode::ALL.iter().zip(0_u16..).find(|(mode, _)| **mode == self.ui_mode);
        let mode = mode.map_or(0, |(_, number)| number);
        w.u16(self.version << 6 | mode << 4 | u16::from(self.by_server) << 3)?;
        w.put(&[0; RESERVED])?;
        w.u16(self.session)?;
        let length = u8::try_from(self.server.len()).map_err(|_| Error::new(ErrorKind::BadValue, w.at()))?;
        w.u8(length)?;
        w.put(self.server.as_bytes())?;
        w.put(self.vendor)?;
        let trigger = w.written().get(DIGEST..).unwrap_or_default();
        let digest = self.digest(password, nonce, trigger, crypto);
        for (at, octet) in digest.iter().enumerate() {
            w.patch(at, *octet)?;
        }
        Ok(w.finish())
    }

    /// Checks the proof of `packet` against the server's password and the nonce that the device gave it.
    pub fn verify(
        &self,
        packet: &Packet<'_>,
        password: Secret<'_>,
        nonce: &[u8],
        crypto: &mut dyn Crypto,
    ) -> Option<Proof> {
        let mut fits = |nonce: &[u8]| {
            let expected = self.digest(password, nonce, packet.trigger, crypto);
            // As many steps whatever differs.
            expected.iter().zip(&packet.digest).fold(0, |all, (a, b)| all | (a ^ b)) == 0
        };
        if fits(nonce) {
            Some(Proof::Nonce)
        } else if SPECIAL.iter().any(|special| fits(special)) {
            Some(Proof::SpecialNonce)
        } else {
            None
        }
    }

    fn digest(
        &self,
        password: Secret<'_>,
        nonce: &[u8],
        trigger: &[u8],
        crypto: &mut dyn Crypto,
    ) -> [u8; DIGEST] {
        Credentials { name: self.server, secret: password }.keyed(nonce, trigger, crypto)
    }
}

/// What proves a notification.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Proof {
    /// The nonce that the device gave the server.
    Nonce,
    /// The special nonce: the server has lost the device's. It can be replayed, so [`Guard`] lets few of these pass; the
    /// session that follows gives both sides fresh nonces.
    SpecialNonce,
}

/// Whether a push is a notification, by its content type or, for a device without more of WAP, by its application.
pub fn is_notification(push: &Push<'_>) -> bool {
    let application = push.headers.application_id();
    push.content_type.media.is(MediaCode::DM_NOTIFICATION)
        && application.is_none_or(|id| id.is(ApplicationCode::SYNCML_DM))
}

/// How many accepted notifications are remembered against replays.
pub const REMEMBERED: usize = 8;
/// How many notifications are looked at in a burst: a server that repeats a lost push a few times is served.
pub const BURST: u8 = 6;
/// How long until one more may be looked at.
pub const REFILL: Duration = Duration::from_secs(10 * 60);
/// How long after a notification with the special nonce the next one of that kind is refused. The facts name no number.
pub const SPECIAL_PAUSE: Duration = Duration::from_secs(3600);

/// Why a notification is dropped although it may be genuine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Dropped {
    /// The same one was accepted before.
    Replayed,
    /// There were too many.
    Flood,
    /// Its session is being held.
    Running,
}

impl core::fmt::Display for Dropped {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str(match self {
            Self::Replayed => "notification was accepted before",
            Self::Flood => "too many notifications",
            Self::Running => "session is running",
        })
    }
}

impl core::error::Error for Dropped {}

/// Keeps replays and floods out. It forgets with a restart: then the nonces protect alone, which change with each session.
#[derive(Clone, Debug)]
pub struct Guard {
    /// Digests of what was accepted, the oldest first to be overwritten.
    accepted: [Option<[u8; DIGEST]>; REMEMBERED],
    next: usize,
    left: u8,
    /// Uptime in whole seconds, as the next one.
    refilled: u64,
    special_after: u64,
}

impl Default for Guard {
    fn default() -> Self {
        Self::new()
    }
}

impl Guard {
    /// Nothing was accepted yet.
    pub const fn new() -> Self {
        Self { accepted: [None; REMEMBERED], next: 0, left: BURST, refilled: 0, special_after: 0 }
    }

    /// Before a notification is verified: whether to look at it at all. Each call counts.
    pub fn admit(&mut self, now: Duration, packet: &Packet<'_>) -> Result<(), Dropped> {
        let now = now.as_secs();
        let earned = now.saturating_sub(self.refilled).checked_div(REFILL.as_secs()).unwrap_or_default();
        self.left = self.left.saturating_add(u8::try_from(earned).unwrap_or(BURST)).min(BURST);
        self.refilled = self.refilled.saturating_add(earned.saturating_mul(REFILL.as_secs()));
        if self.left == BURST {
            self.refilled = now;
        }
        self.left = self.left.checked_sub(1).ok_or(Dropped::Flood)?;
        if self.accepted.contains(&Some(packet.digest)) { Err(Dropped::Replayed) } else { Ok(()) }
    }

    /// After it was verified: whether it counts. `running` is the number of the session that is being held.
    pub fn accept(
        &mut self,
        now: Duration,
        packet: &Packet<'_>,
        notification: &Notification<'_>,
        proof: Proof,
        running: Option<u16>,
    ) -> Result<(), Dropped> {
        if running == Some(notification.session) {
            return Err(Dropped::Running);
        }
        if proof == Proof::SpecialNonce {
            let now = now.as_secs();
            if now < self.special_after {
                return Err(Dropped::Flood);
            }
            self.special_after = now.saturating_add(SPECIAL_PAUSE.as_secs());
        }
        if let Some(slot) = self.accepted.get_mut(self.next) {
            *slot = Some(packet.digest);
        }
        self.next = self.next.wrapping_add(1).checked_rem(REMEMBERED).unwrap_or(0);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use md5::{Digest as _, Md5};
    use std::string::String;
    use std::vec::Vec;

    /// Real MD5.
    struct Hash;

    impl Crypto for Hash {
        fn md5(&mut self, parts: &[&[u8]]) -> [u8; 16] {
            let mut md5 = Md5::new();
            for part in parts {
                md5.update(part);
            }
            md5.finalize().into()
        }

        fn random(&mut self, out: &mut [u8]) {
            out.fill(7);
        }
    }

    fn octets(hex: &str) -> Vec<u8> {
        (0..hex.len()).step_by(2).map(|i| u8::from_str_radix(&hex[i..i + 2], 16).unwrap()).collect()
    }

    /// Notification, password, the device's nonce, what it says, what proves it.
    type Vector = (Vec<u8>, &'static str, Vec<u8>, Notification<'static>, Proof);

    /// The trigger of the first three is the example of the specification's text.
    fn vectors() -> [Vector; 4] {
        let first = Notification {
            version: 11,
            ui_mode: UiMode::Background,
            by_server: false,
            session: 0x1234,
            server: "com.mgmtsrv.manage",
            vendor: &[],
        };
        let trigger = "02d0000000123412636f6d2e6d676d747372762e6d616e616765";
        let whole = |digest: &str| octets(&(String::from(digest) + trigger));
        [
            (whole("10369e83e3fc7103a4a21acce6e242ae"), "srvpwd", b"Nonce".to_vec(), first, Proof::Nonce),
            (whole("e37fdc0f8e9070fc31b0967910b921af"), "srvpwd", b"N".to_vec(), first, Proof::SpecialNonce),
            (whole("633b4d8fedca624711b33e36de5aaafb"), "srvpwd", Vec::new(), first, Proof::SpecialNonce),
            (
                octets("234a820770aa8d5cd7ba2ed1b24e5ecf0288000000ffff0e7365727665722e6578616d706c65010203"),
                "pw",
                b"n".to_vec(),
                Notification {
                    version: 10,
                    ui_mode: UiMode::Unspecified,
                    by_server: true,
                    session: 0xFFFF,
                    server: "server.example",
                    vendor: &[1, 2, 3],
                },
                Proof::Nonce,
            ),
        ]
    }

    #[test]
    fn the_vectors_read_prove_and_come_back() {
        for (bytes, password, nonce, expected, proof) in vectors() {
            let packet = Packet::new(&bytes).unwrap();
            let read = Notification::parse(&packet).unwrap();
            assert_eq!(read, expected);
            assert_eq!(
                read.verify(&packet, Secret::new(password.as_bytes()), &nonce, &mut Hash),
                Some(proof)
            );
            assert_eq!(read.verify(&packet, Secret::new(b"other"), &nonce, &mut Hash), None);
            let nonce: &[u8] = match proof {
                Proof::Nonce => &nonce,
                Proof::SpecialNonce if nonce.is_empty() => b"0x00000000",
                Proof::SpecialNonce => &[0; 4],
            };
            let mut out = [0; 64];
            assert_eq!(
                read.emit(Secret::new(password.as_bytes()), nonce, &mut Hash, &mut out),
                Ok(&bytes[..])
            );
            assert_eq!(read.buffer_len(), bytes.len());
        }
    }

    #[test]
    fn every_changed_bit_is_noticed() {
        let (bytes, password, nonce, ..) = vectors()[0].clone();
        for bit in 0..bytes.len() * 8 {
            let mut changed = bytes.clone();
            changed[bit / 8] ^= 1 << (bit % 8);
            let packet = Packet::new(&changed).unwrap();
            if let Ok(read) = Notification::parse(&packet) {
                assert_eq!(
                    read.verify(&packet, Secret::new(password.as_bytes()), &nonce, &mut Hash),
                    None,
                    "bit {bit}"
                );
            }
        }
    }

    #[test]
    fn what_is_malformed_is_named() {
        let (bytes, ..) = vectors()[0].clone();
        for cut in 0..bytes.len() {
            let error =
                Packet::new(&bytes[..cut]).and_then(|packet| Notification::parse(&packet)).unwrap_err();
            assert_eq!(error.kind, ErrorKind::Truncated, "{cut}");
        }
        let mut none = bytes.clone();
        none[21] = 0;
        none[22] = 0;
        let parse = |bytes: &[u8]| Notification::parse(&Packet::new(bytes)?).map(|_| ());
        assert_eq!(parse(&none), Err(Error::new(ErrorKind::BadValue, 21)));
        let mut text = bytes.clone();
        text[24] = 0xFF;
        assert_eq!(parse(&text), Err(Error::new(ErrorKind::BadText, 24)));
    }

    #[test]
    fn replays_and_floods_are_dropped() {
        let (bytes, ..) = vectors()[0].clone();
        let packet = Packet::new(&bytes).unwrap();
        let read = Notification::parse(&packet).unwrap();
        let hour = Duration::from_secs(3600);
        let mut guard = Guard::new();
        assert_eq!(guard.admit(hour, &packet), Ok(()));
        let running = Some(0x1234);
        assert_eq!(guard.accept(hour, &packet, &read, Proof::Nonce, running), Err(Dropped::Running));
        assert_eq!(guard.accept(hour, &packet, &read, Proof::Nonce, None), Ok(()));
        for _ in 1..BURST {
            assert_eq!(guard.admit(hour, &packet), Err(Dropped::Replayed));
        }
        assert_eq!(guard.admit(hour, &packet), Err(Dropped::Flood));
        assert_eq!(guard.admit(hour + REFILL / 2, &packet), Err(Dropped::Flood));
        let later = Packet { digest: [7; 16], ..packet };
        assert_eq!(guard.admit(hour + REFILL, &later), Ok(()));
        assert_eq!(guard.admit(hour + REFILL, &later), Err(Dropped::Flood));
        assert_eq!(guard.accept(2 * hour, &later, &read, Proof::SpecialNonce, None), Ok(()));
        assert_eq!(guard.accept(2 * hour, &later, &read, Proof::SpecialNonce, None), Err(Dropped::Flood));
        assert_eq!(guard.accept(3 * hour, &later, &read, Proof::SpecialNonce, None), Ok(()));
        for digest in 10..18 {
            let other = Packet { digest: [digest; 16], ..packet };
            guard.accept(4 * hour, &other, &read, Proof::Nonce, None).unwrap();
        }
        assert_eq!(guard.admit(9 * hour, &packet), Ok(()), "forgotten after eight others");
    }
}

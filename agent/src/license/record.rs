//! The journal's records (section 8 of the license specification): 32 octets, little-endian.
//!
//! `type 1, boots 4, time 8, usage 4, epoch 2, seq 4, flags 1, mac 8`. Boots and usage count from the first start of the
//! device, so that they survive a license and a factory reset. The last valid record of each type counts:
//!
//! | type | written | boots, usage | time | epoch, seq |
//! |---|---|---|---|---|
//! | 1 state | at each start, every six hours, at each change | now | soft floor | floor |
//! | 2 installed | with each document | when it was installed | floor of signed times | the document's |
//! | 3 stand-in | when an older document begins to stand in for a damaged one | then | 0 | the floor that it stands below |
//!
//! Types 2 and 3 are ours: budgets count from the installation, signed times need a floor of their own, and the allowance of
//! 72 hours is given once for each floor; one type has no room for all that.
//!
//! The MAC is the first 8 octets of HMAC-SHA-256 over the other 24 and the hardware counter, with the device's secret; below
//! level L2 a CRC-32 and four zeros.

use kedge_platform::license::{RECORD, Record};
use kedge_protocol::license::{Serial, Verifier};

/// The check value of records and of slots: CRC-32 as of Ethernet.
pub(super) const CHECK: crc::Crc<u32, crc::Table<1>> =
    crc::Crc::<u32, crc::Table<1>>::new(&crc::CRC_32_ISO_HDLC);

/// Octets before the check value.
const BODY: usize = 24;
/// Block of SHA-256.
const BLOCK: usize = 64;

/// What a record tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(super) enum Kind {
    State = 1,
    Installed = 2,
    StandIn = 3,
}

impl Kind {
    pub(super) const ALL: [Self; 3] = [Self::State, Self::Installed, Self::StandIn];
}

/// The configuration of the document is applied.
pub(super) const APPLIED: u8 = 1;
/// What became of the document is still to be reported.
pub(super) const REPORT_DUE: u8 = 2;
/// A signed time has shown that the clock is wrong.
pub(super) const REFUTED: u8 = 4;

/// A record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Entry {
    pub(super) kind: Kind,
    pub(super) boots: u32,
    pub(super) time: u64,
    pub(super) usage: u32,
    pub(super) serial: Serial,
    pub(super) flags: u8,
}

/// How records are sealed.
#[derive(Clone, Copy)]
pub(super) enum Seal<'a> {
    /// Anybody can write one (L0, L1).
    Check,
    /// Only this device, and at this count (L2, L3).
    Mac { secret: [u8; 32], counter: u64, verifier: &'a dyn Verifier },
}

impl Entry {
    /// Before the first start.
    pub(super) const FIRST: Self =
        Self { kind: Kind::State, boots: 0, time: 0, usage: 0, serial: Serial::NONE, flags: APPLIED };

    /// The record, sealed.
    pub(super) fn to_record(self, seal: &Seal<'_>) -> Record {
        let body = self.body();
        let mut record = [0; RECORD];
        for (to, from) in record.iter_mut().zip(body.iter().chain(&seal.of(&body))) {
            *to = *from;
        }
        record
    }

    /// What a record says; `None` if its seal is not right.
    pub(super) fn of(record: &Record, seal: &Seal<'_>) -> Option<Self> {
        let (body, rest) = record.split_first_chunk::<BODY>()?;
        if rest != seal.of(body) {
            return None;
        }
        let (&[kind], rest) = body.split_first_chunk()?;
        let (boots, rest) = rest.split_first_chunk()?;
        let (time, rest) = rest.split_first_chunk()?;
        let (usage, rest) = rest.split_first_chunk()?;
        let (epoch, rest) = rest.split_first_chunk()?;
        let (seq, rest) = rest.split_first_chunk()?;
        Some(Self {
            kind: Kind::ALL.into_iter().find(|known| *known as u8 == kind)?,
            boots: u32::from_le_bytes(*boots),
            time: u64::from_le_bytes(*time),
            usage: u32::from_le_bytes(*usage),
            serial: Serial::new(u16::from_le_bytes(*epoch), u32::from_le_bytes(*seq)),
            flags: *rest.first()?,
        })
    }

    fn body(self) -> [u8; BODY] {
        let octets = [self.kind as u8].into_iter().chain(self.boots.to_le_bytes());
        let octets = octets.chain(self.time.to_le_bytes()).chain(self.usage.to_le_bytes());
        let octets = octets.chain(self.serial.epoch.to_le_bytes()).chain(self.serial.seq.to_le_bytes());
        let mut body = [0; BODY];
        for (to, from) in body.iter_mut().zip(octets.chain([self.flags])) {
            *to = from;
        }
        body
    }
}

impl Seal<'_> {
    pub(super) fn of(&self, body: &[u8; BODY]) -> [u8; 8] {
        let mut seal = [0; 8];
        let (crc, mac);
        let octets: &[u8] = match self {
            Self::Check => {
                crc = CHECK.checksum(body).to_le_bytes();
                &crc
            }
            Self::Mac { secret, counter, verifier } => {
                mac = hmac(secret, body, *counter, *verifier);
                &mac
            }
        };
        for (to, from) in seal.iter_mut().zip(octets) {
            *to = *from;
        }
        seal
    }
}

/// HMAC-SHA-256 (RFC 2104) of a record's body and the counter.
fn hmac(secret: &[u8; 32], body: &[u8; BODY], counter: u64, verifier: &dyn Verifier) -> [u8; 32] {
    let padded = |pad: u8| {
        let mut block = [pad; BLOCK];
        block.iter_mut().zip(secret).for_each(|(to, from)| *to ^= from);
        block
    };
    let mut inner = [0; BLOCK + BODY + 8];
    let message = padded(0x36).into_iter().chain(*body).chain(counter.to_le_bytes());
    inner.iter_mut().zip(message).for_each(|(to, from)| *to = from);
    let mut outer = [0; BLOCK + 32];
    let message = padded(0x5C).into_iter().chain(verifier.sha256(&inner));
    outer.iter_mut().zip(message).for_each(|(to, from)| *to = from);
    verifier.sha256(&outer)
}

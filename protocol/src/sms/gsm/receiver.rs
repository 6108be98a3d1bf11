use core::time::Duration;

use super::super::{Counts, Ports, Progress, Reassembly, Refused, Segment};
use super::address::Address;
use super::deliver::Deliver;
use super::segments::USER_DATA;

/// What all parts of a datagram share.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sender {
    from: Address,
    reference: u16,
    wide: bool,
    ports: Ports,
}

/// A datagram for an application on the device.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Datagram<'o> {
    /// Who sent it, as the network says.
    pub from: Address,
    /// Where it goes, and where it says it comes from.
    pub ports: Ports,
    /// Its octets: on port 2948 a WSP push, on others whatever the application there expects.
    pub payload: &'o [u8],
}

/// What a message led to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome<'o> {
    /// A whole datagram.
    Datagram(Datagram<'o>),
    /// One part of a datagram; so many more are to come.
    Part(u8),
    /// A part that had come before.
    Duplicate,
}

/// Why a message is not for applications on the device, or of no use to them. It changed nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Ignored {
    /// It has no ports: it is for people.
    NoPorts,
    /// Its user data is characters, not octets.
    NotOctets,
    /// It does not fit what came before, or into memory.
    Refused(Refused),
}

impl core::fmt::Display for Ignored {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self {
            Self::NoPorts => f.write_str("message without ports"),
            Self::NotOctets => f.write_str("user data is not octets"),
            Self::Refused(why) => why.fmt(f),
        }
    }
}

impl core::error::Error for Ignored {}

/// Receives messages and hands out datagrams, of at most `PARTS` parts, `DATAGRAMS` at a time.
///
/// The sheet's limits are 8 and 64 (`wap-push.md` section 10, item 8: a push of 8 KiB), which takes 10 KiB of memory.
#[derive(Clone, Debug, Default)]
pub struct Receiver<const DATAGRAMS: usize, const PARTS: usize> {
    parts: Reassembly<Sender, DATAGRAMS, PARTS, USER_DATA>,
}

impl<const DATAGRAMS: usize, const PARTS: usize> Receiver<DATAGRAMS, PARTS> {
    /// Nothing has come yet.
    pub const fn new() -> Self {
        Self { parts: Reassembly::new() }
    }

    /// Takes a message that came at uptime `now`; `out` takes the datagram when it is whole.
    pub fn receive<'o>(
        &mut self,
        now: Duration,
        message: &Deliver<'_>,
        out: &'o mut [u8],
    ) -> Result<Outcome<'o>, Ignored> {
        let ports = message.header.ports.ok_or(Ignored::NoPorts)?;
        if !message.coding.is_octets() {
            return Err(Ignored::NotOctets);
        }
        let from = message.from;
        let Some(part) = message.header.concatenation else {
            let missing = message.data.len().saturating_sub(out.len());
            let mut w = crate::wire::Writer::new(out);
            w.put(message.data).map_err(|_| Ignored::Refused(Refused::NoRoom(missing)))?;
            return Ok(Outcome::Datagram(Datagram { from, ports, payload: w.finish() }));
        };
        let segment = Segment {
            key: Sender { from, reference: part.reference, wide: part.wide, ports },
            total: part.total,
            number: part.number.wrapping_sub(1),
            octets: message.data,
        };
        match self.parts.add(now, &segment, out).map_err(Ignored::Refused)? {
            Progress::Missing(more) => Ok(Outcome::Part(more)),
            Progress::Duplicate => Ok(Outcome::Duplicate),
            Progress::Whole(payload) => Ok(Outcome::Datagram(Datagram { from, ports, payload })),
        }
    }

    /// Gives up datagrams whose parts did not come in time; returns how many.
    pub fn expire(&mut self, now: Duration) -> u32 {
        self.parts.expire(now)
    }

    /// When [`Self::expire`] next has something to give up.
    pub fn deadline(&self) -> Option<Duration> {
        self.parts.deadline()
    }

    /// What happened so far.
    pub const fn counts(&self) -> Counts {
        self.parts.counts()
    }
}

//! A message as it came: the view judges nothing but that there is a message type.
use super::fields::{Fields, Silent, Trace};
use super::{Direction, Forward, MsgType, Reverse};
use crate::wire::{Error, ErrorKind};

/// The octets of one OTASP Data Message and who sent them. `Display` explains it in one line, as far as it can be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Packet<T: AsRef<[u8]>> {
    direction: Direction,
    bytes: T,
}

/// FRESH, the 15-bit value of the trailer that Secure Mode uses.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Fresh(u16);

/// A message of either direction as a value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Message<'a> {
    /// A request of the network.
    Forward(Forward<'a>),
    /// A response of the handset.
    Reverse(Reverse<'a>),
}

impl<T: AsRef<[u8]>> Packet<T> {
    /// A view of `bytes`; refuses only emptiness.
    pub fn new_checked(direction: Direction, bytes: T) -> Result<Self, Error> {
        if bytes.as_ref().is_empty() {
            return Err(Error::new(ErrorKind::Truncated, 0));
        }
        Ok(Self { direction, bytes })
    }

    /// Who sent it.
    pub const fn direction(&self) -> Direction {
        self.direction
    }

    /// OTASP_MSG_TYPE.
    pub fn msg_type(&self) -> MsgType {
        MsgType(self.bytes.as_ref().first().copied().unwrap_or(u8::MAX))
    }

    /// Everything behind the message type.
    pub fn body(&self) -> &[u8] {
        self.bytes.as_ref().get(1..).unwrap_or_default()
    }

    /// The whole message.
    pub fn bytes(&self) -> &[u8] {
        self.bytes.as_ref()
    }
}

impl Fresh {
    /// A value of at most 15 bits.
    pub const fn new(value: u16) -> Option<Self> {
        if value < 1 << 15 { Some(Self(value)) } else { None }
    }

    /// The number.
    pub const fn get(self) -> u16 {
        self.0
    }

    /// Reads the trailer that ends messages marked "F". Handsets and networks older than Secure Mode leave it out
    /// altogether, which is taken as "not included" (see DEVIATIONS.md).
    pub(crate) fn read<T: Trace>(f: &mut Fields<'_, '_, T>) -> Result<Option<Self>, Error> {
        if f.left() == 0 {
            return Ok(None);
        }
        if f.flag("FRESH_INCL")? {
            return f.u16("FRESH", 15).map(|v| Some(Self(v & 0x7FFF)));
        }
        f.reserved(7)?;
        Ok(None)
    }

    /// The trailer's value and how many bits it has.
    pub(crate) const fn bits(fresh: Option<Self>) -> (u64, u32) {
        match fresh {
            Some(fresh) => (0x8000 | fresh.0 as u64, 16),
            None => (0, 8),
        }
    }
}

impl<'a> Message<'a> {
    /// Reads a message of either direction.
    pub fn parse(packet: &Packet<&'a [u8]>) -> Result<Self, Error> {
        read_message(packet, &mut Silent)
    }

    /// Octets that [`Message::emit`] writes.
    pub fn buffer_len(&self) -> usize {
        match self {
            Self::Forward(message) => message.buffer_len(),
            Self::Reverse(message) => message.buffer_len(),
        }
    }

    /// Writes the message.
    pub fn emit<'b>(&self, out: &'b mut [u8]) -> Result<&'b [u8], Error> {
        match self {
            Self::Forward(message) => message.emit(out),
            Self::Reverse(message) => message.emit(out),
        }
    }
}

/// Reads a whole message, reporting its fields to `trace`.
pub(crate) fn read_message<'a, T: Trace>(
    packet: &Packet<&'a [u8]>,
    trace: &mut T,
) -> Result<Message<'a>, Error> {
    let bytes = packet.bytes;
    match packet.direction {
        Direction::Forward => {
            let mut f = Fields::new(bytes, 0, trace);
            let message = Forward::read(&mut f)?;
            f.finish()?;
            Ok(Message::Forward(message))
        }
        Direction::Reverse => Reverse::read_whole(bytes, trace).map(Message::Reverse),
    }
}

impl Direction {
    /// "Request" or "Response", as the specification ends its message names.
    pub const fn suffix(self) -> &'static str {
        match self {
            Self::Forward => "Request",
            Self::Reverse => "Response",
        }
    }
}

use core::time::Duration;

use super::wdp::{self, MAX_SEGMENT, PORTS, Segment};
use super::{Address, BearerData, Encoding, Message, MessageType, Teleservice};
use crate::sms::{Ports, Progress, Reassembly, Refused, Segment as Piece};
use crate::wire::Error;

/// Longest datagram that is put together, its ports included. Service indications and loadings have at most 1 KiB; the 8 KiB
/// of a document would take some sixty short messages, which no network sends.
pub const MAX_DATAGRAM: usize = CELLS * (MAX_SEGMENT + PORTS);

/// Segments that wait at a time, over all datagrams.
const CELLS: usize = 12;

/// Datagrams that wait for segments at a time (`wap-push.md` section 10, item 8).
const DATAGRAMS: usize = 8;

/// What the segments of one datagram share: originator and MESSAGE_ID.
type Key = (Address, u16);

/// Where segments wait.
pub type Cells = Reassembly<Key, DATAGRAMS, CELLS, { MAX_SEGMENT + PORTS }>;

/// What a message led to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Received<'o> {
    /// A segment was kept; so many more are to come.
    Waiting(u8),
    /// The segment was here already.
    Duplicate,
    /// A datagram is whole.
    Datagram {
        /// Where it says it comes from.
        from: Address,
        /// Its ports.
        ports: Ports,
        /// Its octets.
        octets: &'o [u8],
    },
    /// A text for the user.
    Text {
        /// Where it says it comes from.
        from: Address,
        /// The text, cut at the size of the buffer.
        text: &'o str,
    },
}

/// Why a message was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum RefusedMessage {
    /// It is malformed, or has a form that is not taken.
    Malformed(Error),
    /// It is for a teleservice that nobody handles here.
    Teleservice(Teleservice),
    /// It is not a message to the device.
    NotDelivered(MessageType),
    /// It has no user data, user data with a header, or in an encoding that is not read here.
    Content(Encoding),
    /// Its segment does not fit the others.
    Segment(Refused),
}

impl From<Error> for RefusedMessage {
    fn from(error: Error) -> Self {
        Self::Malformed(error)
    }
}

impl core::fmt::Display for RefusedMessage {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self {
            Self::Malformed(e) => write!(f, "malformed short message: {e}"),
            Self::Teleservice(t) => write!(f, "teleservice {} ({t}) is not handled", t.0),
            Self::NotDelivered(t) => write!(f, "message type {t} is not for a device"),
            Self::Content(e) => write!(f, "user data missing, with a header, or in encoding {e}"),
            Self::Segment(e) => write!(f, "short message: {e}"),
        }
    }
}

impl core::error::Error for RefusedMessage {
    fn source(&self) -> Option<&(dyn core::error::Error + 'static)> {
        match self {
            Self::Malformed(e) => Some(e),
            Self::Segment(e) => Some(e),
            _ => None,
        }
    }
}

/// The device's side: messages in, datagrams and texts out.
#[derive(Clone, Debug, Default)]
pub struct Receiver {
    cells: Cells,
    repeated_ports: bool,
}

impl Receiver {
    /// Nothing has come yet.
    pub const fn new() -> Self {
        Self { cells: Cells::new(), repeated_ports: false }
    }

    /// Quirk of some networks (`wap-push.md` section 7): the four octets of the ports stand twice in segment 0. With this, a
    /// second copy that is the same is skipped.
    #[must_use]
    pub const fn with_repeated_ports(mut self) -> Self {
        self.repeated_ports = true;
        self
    }

    /// Takes a transport layer message that came at uptime `now`. A whole datagram or text is written into `out`;
    /// [`MAX_DATAGRAM`] octets are enough.
    pub fn receive<'o>(
        &mut self,
        now: Duration,
        message: &[u8],
        out: &'o mut [u8],
    ) -> Result<Received<'o>, RefusedMessage> {
        let message = Message::parse(message)?;
        if !matches!(message.teleservice, Teleservice::WAP | Teleservice::MESSAGING) {
            return Err(RefusedMessage::Teleservice(message.teleservice));
        }
        let bearer = BearerData::parse(message.bearer_data, message.bearer_data_at)?;
        if bearer.message_type != MessageType::DELIVER {
            return Err(RefusedMessage::NotDelivered(bearer.message_type));
        }
        let data =
            bearer.user_data.filter(|_| !bearer.header).ok_or(RefusedMessage::Content(Encoding::OCTET))?;
        let from = message.from;
        if message.teleservice == Teleservice::MESSAGING {
            let text = data.text(out).ok_or(RefusedMessage::Content(data.encoding))?;
            return Ok(Received::Text { from, text });
        }
        if data.encoding != Encoding::OCTET {
            return Err(RefusedMessage::Content(data.encoding));
        }
        let mut buf = [0; MAX_SEGMENT + PORTS];
        let Segment { total, number, carried } = Segment::read(&data, message.bearer_data_at, &mut buf)?;
        let piece = Piece { key: (from, bearer.message_id), total, number, octets: carried };
        let datagram = match self.cells.add(now, &piece, out) {
            Ok(Progress::Missing(segments)) => return Ok(Received::Waiting(segments)),
            Ok(Progress::Duplicate) => return Ok(Received::Duplicate),
            Ok(Progress::Whole(datagram)) => datagram,
            Err(refused) => return Err(RefusedMessage::Segment(refused)),
        };
        // Segment 0 was refused if it had no ports.
        let (ports, octets) = wdp::split(datagram).ok_or(RefusedMessage::Content(Encoding::OCTET))?;
        let octets = match wdp::split(octets) {
            Some((again, rest)) if self.repeated_ports && again == ports => rest,
            _ => octets,
        };
        Ok(Received::Datagram { from, ports, octets })
    }

    /// Where segments wait, for their time limit and their counts.
    pub const fn cells(&mut self) -> &mut Cells {
        &mut self.cells
    }
}

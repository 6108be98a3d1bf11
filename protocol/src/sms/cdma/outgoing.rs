use super::{Address, BearerData, MAX_SEGMENT, Message, Segment, Teleservice, UserData};
use crate::sms::Ports;
use crate::wire::{Error, ErrorKind};

/// Octets of the longest message written here: 255 of bearer data, an address of 32 digits, the teleservice.
pub const MAX_MESSAGE: usize = 288;

/// A message to a device, as a network sends it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Outgoing {
    /// The originator; a telephone number, or [`Address::NONE`].
    pub from: Address,
    /// MESSAGE_ID: the segments of a datagram share it, two datagrams at a time do not.
    pub message_id: u16,
}

impl Outgoing {
    /// How many messages a datagram takes with segments of at most `segment` octets (1..=[`MAX_SEGMENT`]).
    pub const fn segments(datagram: &[u8], segment: usize) -> usize {
        let segment = if segment > MAX_SEGMENT { MAX_SEGMENT } else { segment };
        let count = datagram.len().div_ceil(if segment == 0 { 1 } else { segment });
        if count == 0 { 1 } else { count }
    }

    /// Writes the message with segment `number`, from 0, of a datagram.
    pub fn segment<'b>(
        &self,
        ports: Ports,
        datagram: &[u8],
        (number, segment): (usize, usize),
        out: &'b mut [u8],
    ) -> Result<&'b [u8], Error> {
        let refuse = Error::new(ErrorKind::BadValue, 0);
        let total = u8::try_from(Self::segments(datagram, segment)).map_err(|_| refuse)?;
        let place = u8::try_from(number).ok().filter(|place| *place < total).ok_or(refuse)?;
        let each = segment.clamp(1, MAX_SEGMENT);
        let rest = datagram.get(number.saturating_mul(each)..).unwrap_or_default();
        let octets = rest.get(..each).unwrap_or(rest);
        let mut value = [0; MAX_SEGMENT + 16];
        let value = Segment::emit((place, total), ports, octets, &mut value)?;
        self.message(Teleservice::WAP, value, out)
    }

    /// Writes the message with a text.
    pub fn text<'b>(&self, text: &str, out: &'b mut [u8]) -> Result<&'b [u8], Error> {
        let mut value = [0; 255];
        let value = UserData::emit_text(text, &mut value)?;
        self.message(Teleservice::MESSAGING, value, out)
    }

    fn message<'b>(
        &self,
        teleservice: Teleservice,
        user_data: &[u8],
        out: &'b mut [u8],
    ) -> Result<&'b [u8], Error> {
        let mut bearer_data = [0; 255];
        let bearer_data = BearerData::emit(self.message_id, user_data, &mut bearer_data)?;
        Message { teleservice, from: self.from, bearer_data, bearer_data_at: 0 }.emit(out)
    }
}

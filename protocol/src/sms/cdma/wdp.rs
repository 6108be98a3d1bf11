use super::UserData;
use crate::sms::{Port, Ports};
use crate::wire::{Error, ErrorKind, Writer};

/// Most octets of a datagram in one segment. Real segments are shorter, because a message has to fit a paging channel slot
/// (about 140 octets of user data); the field could say 252.
pub const MAX_SEGMENT: usize = 160;

/// Octets of the ports that segment 0 begins with.
pub(super) const PORTS: usize = 4;

/// MESSAGE_TYPE of a WDP segment; others are discarded (`wap-push.md` section 7).
const WDP: u8 = 0;

/// Room for what a segment carries: the ports too, in segment 0.
pub(super) type Carried = [u8; MAX_SEGMENT + PORTS];

/// One segment of a datagram of the WAP teleservice: `MESSAGE_TYPE 8, TOTAL_SEGMENTS 8, SEGMENT_NUMBER 8`, in segment 0
/// `SOURCE_PORT 16, DESTINATION_PORT 16`, then octets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Segment<'a> {
    /// How many segments, at least 1.
    pub total: u8,
    /// Which one, from 0.
    pub number: u8,
    /// What follows the numbers: the ports and octets in segment 0, octets in the others.
    pub carried: &'a [u8],
}

impl<'a> Segment<'a> {
    /// Reads the segment out of user data that lie at octet `at` of the whole; what it carries is shifted into `buf`.
    pub(super) fn read(data: &UserData<'_>, at: usize, buf: &'a mut Carried) -> Result<Self, Error> {
        let mut octets = data.octets();
        let mut next = || octets.next().ok_or(Error::new(ErrorKind::Truncated, at));
        let (message_type, total, number) = (next()?, next()?, next()?);
        if message_type != WDP {
            return Err(Error::new(ErrorKind::Unsupported, at));
        }
        if number >= total {
            return Err(Error::new(ErrorKind::BadValue, at));
        }
        let mut writer = Writer::new(buf);
        octets
            .try_for_each(|octet| writer.u8(octet))
            .map_err(|_| Error::new(ErrorKind::LimitExceeded, at))?;
        let carried = writer.finish();
        if number == 0 && carried.len() < PORTS {
            return Err(Error::new(ErrorKind::Truncated, at));
        }
        Ok(Self { total, number, carried })
    }

    /// Writes the segment of `octets` as the value of a user data parameter.
    pub(super) fn emit<'b>(
        (number, total): (u8, u8),
        ports: Ports,
        octets: &[u8],
        out: &'b mut [u8],
    ) -> Result<&'b [u8], Error> {
        let mut plain = [0; MAX_SEGMENT + PORTS + 3];
        let mut writer = Writer::new(&mut plain);
        writer.put(&[WDP, total, number])?;
        if number == 0 {
            writer.u16(ports.source.0)?;
            writer.u16(ports.destination.0)?;
        }
        writer.put(octets)?;
        UserData::emit(writer.written().iter().copied(), out)
    }
}

/// The ports that a datagram of several segments begins with, and its octets.
pub(super) fn split(datagram: &[u8]) -> Option<(Ports, &[u8])> {
    let ([source_high, source_low, high, low], octets) = datagram.split_first_chunk::<PORTS>()?;
    let source = Port(u16::from_be_bytes([*source_high, *source_low]));
    let destination = Port(u16::from_be_bytes([*high, *low]));
    Some((Ports { destination, source }, octets))
}

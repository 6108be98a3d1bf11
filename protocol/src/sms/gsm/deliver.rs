use super::address::Address;
use super::user_data::UserDataHeader;
use crate::wire::{Error, ErrorKind, Reader, Writer};

/// First octet: what kind of PDU it is. SMS-DELIVER is 0.
const KIND: u8 = 0x03;
/// First octet: no more messages wait at the service centre.
const NO_MORE: u8 = 0x04;
/// First octet: the user data begins with a header.
const HEADER: u8 = 0x40;
/// Half octets of a time stamp: year, month, day, hour, minute, second, zone.
const TIME: usize = 7;

/// How the user data is coded (TS 23.038 section 4).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DataCoding(pub u8);

impl DataCoding {
    /// Octets, without a message class.
    pub const OCTETS: Self = Self(0x04);

    /// Whether the user data is octets, not compressed: 0x04, 0x06 and 0xF5 occur.
    pub const fn is_octets(self) -> bool {
        match self.0 >> 4 {
            // General, compressed or not; with bit 4 a message class follows.
            0x0..=0x7 => self.0 & 0x20 == 0 && self.0 & 0x0C == 0x04,
            0xF => self.0 & 0x04 != 0,
            _ => false,
        }
    }

    /// Whether the user data's length counts 7-bit characters: everything that is neither octets nor 16-bit characters.
    const fn counts_septets(self) -> bool {
        match self.0 >> 4 {
            0x0..=0x7 => self.0 & 0x20 == 0 && matches!(self.0 & 0x0C, 0x00 | 0x0C),
            0xE => false,
            0xF => self.0 & 0x04 == 0,
            _ => true,
        }
    }
}

/// When the service centre took the message, as it travels: seven octets of swapped decimal digits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TimeStamp(pub [u8; TIME]);

/// An SMS-DELIVER transport PDU (TS 23.040 section 9.2.2.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Deliver<'a> {
    /// Who sent it.
    pub from: Address,
    /// Protocol identifier; 0 for ordinary messages.
    pub protocol: u8,
    /// How the user data is coded.
    pub coding: DataCoding,
    /// When the service centre took it.
    pub time: TimeStamp,
    /// Whether more messages wait at the service centre.
    pub more: bool,
    /// What the user data header tells; empty if there is none.
    pub header: UserDataHeader,
    /// The user data behind its header, still coded.
    pub data: &'a [u8],
}

impl<'a> Deliver<'a> {
    /// Reads a PDU without the service centre's address (see [`without_service_centre`]).
    ///
    /// `Unsupported` for other kinds of PDU, `BadLength` for an address or user data longer than the standard allows,
    /// `Trailing` for octets after the user data.
    pub fn parse(bytes: &'a [u8]) -> Result<Self, Error> {
        let mut r = Reader::new(bytes);
        let first = r.u8()?;
        if first & KIND != 0 {
            return Err(Error::new(ErrorKind::Unsupported, 0));
        }
        let from = Address::read(&mut r)?;
        let protocol = r.u8()?;
        let coding = DataCoding(r.u8()?);
        let time = TimeStamp(r.array()?);
        let at = r;
        let count = usize::from(r.u8()?);
        let len = if coding.counts_septets() { count.saturating_mul(7).div_ceil(8) } else { count };
        if len > super::USER_DATA {
            return Err(at.error(ErrorKind::BadLength));
        }
        let mut data = r.sub(len)?;
        r.finish()?;
        let header =
            if first & HEADER == 0 { UserDataHeader::default() } else { UserDataHeader::read(&mut data)? };
        Ok(Self { from, protocol, coding, time, more: first & NO_MORE == 0, header, data: data.rest() })
    }

    /// How many octets [`Self::emit`] writes.
    pub fn buffer_len(&self) -> usize {
        let fixed = 1_usize.saturating_add(self.from.buffer_len()).saturating_add(2 + TIME + 1);
        fixed.saturating_add(self.header.buffer_len()).saturating_add(self.data.len())
    }

    /// Writes the PDU. Refuses user data that is not octets (`Unsupported`) or longer than 140 octets with its header
    /// (`LimitExceeded`).
    pub fn emit<'b>(&self, out: &'b mut [u8]) -> Result<&'b [u8], Error> {
        if !self.coding.is_octets() {
            return Err(Error::new(ErrorKind::Unsupported, 0));
        }
        let header = self.header.buffer_len();
        let len = header.saturating_add(self.data.len());
        let len = u8::try_from(len).ok().filter(|len| usize::from(*len) <= super::USER_DATA);
        let mut w = Writer::new(out);
        let more = if self.more { 0 } else { NO_MORE };
        w.u8(more | if header > 0 { HEADER } else { 0 })?;
        self.from.write(&mut w)?;
        w.put(&[self.protocol, self.coding.0])?;
        w.put(&self.time.0)?;
        w.u8(len.ok_or(Error::new(ErrorKind::LimitExceeded, w.at()))?)?;
        self.header.write(&mut w)?;
        w.put(self.data)?;
        Ok(w.finish())
    }
}

/// The PDU behind the service centre's address, with which modems hand messages over (TS 27.005).
pub fn without_service_centre(bytes: &[u8]) -> Result<&[u8], Error> {
    let mut r = Reader::new(bytes);
    let len = r.u8()?;
    r.take(usize::from(len))?;
    Ok(r.rest())
}

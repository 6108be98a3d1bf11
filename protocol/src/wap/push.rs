use super::content_type::ContentType;
use super::header::Headers;
use super::value::uintvar_len;
use crate::wire::{Error, ErrorKind, Reader, Writer, open_code};

open_code! {
    /// The type of a WSP PDU.
    pub struct PduType(u8) {
        /// Unconfirmed push.
        PUSH = 0x06, "Push";
        /// Confirmed push; exists only in connection mode.
        CONFIRMED_PUSH = 0x07, "ConfirmedPush";
    }
}

/// Where the fields of a connectionless PDU lie, judging nothing beyond that.
///
/// `TID(1) TYPE(1) HEADERS_LEN(uintvar) CONTENT_TYPE HEADERS DATA`
#[derive(Clone, Copy, Debug)]
pub struct Packet<'a> {
    /// Transaction id; any octet.
    pub tid: u8,
    /// PDU type.
    pub pdu_type: PduType,
    /// Content type and headers.
    pub(super) headers: Reader<'a>,
    /// The body.
    pub(super) body: Reader<'a>,
}

impl<'a> Packet<'a> {
    /// Finds the fields; fails only if `bytes` is shorter than it says (`Truncated`) or the length is no uintvar.
    pub fn new(bytes: &'a [u8]) -> Result<Self, Error> {
        let mut input = Reader::new(bytes);
        let tid = input.u8()?;
        let pdu_type = PduType(input.u8()?);
        let start = input;
        let length = usize::try_from(input.mb_u32()?).map_err(|_| start.error(ErrorKind::BadLength))?;
        let headers = input.sub(length)?;
        Ok(Self { tid, pdu_type, headers, body: input })
    }

    /// The body, unread.
    pub const fn body(&self) -> &'a [u8] {
        self.body.rest()
    }
}

/// A connectionless push (`wap-push.md` section 1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Push<'a> {
    /// Transaction id; not checked by anyone, may be 0.
    pub tid: u8,
    /// The type of the body.
    pub content_type: ContentType<'a>,
    /// The other headers, none of them required.
    pub headers: Headers<'a>,
    /// The body.
    pub body: &'a [u8],
}

impl<'a> Push<'a> {
    /// Reads a whole push. Refuses other PDU types (`Unsupported`).
    pub fn parse(packet: &Packet<'a>) -> Result<Self, Error> {
        if packet.pdu_type != PduType::PUSH {
            return Err(Error::new(ErrorKind::Unsupported, 1));
        }
        let mut headers = packet.headers;
        let content_type = ContentType::read(&mut headers)?;
        Ok(Self { tid: packet.tid, content_type, headers: Headers::read(headers)?, body: packet.body() })
    }

    /// How many octets [`Self::emit`] writes.
    pub fn buffer_len(&self) -> usize {
        let headers = self.headers_len();
        [2, uintvar_len(headers), headers, self.body.len()].into_iter().fold(0, usize::saturating_add)
    }

    /// Writes the push, and nothing more, into `out`.
    pub fn emit<'b>(&self, out: &'b mut [u8]) -> Result<&'b [u8], Error> {
        let mut w = Writer::new(out);
        let length =
            u32::try_from(self.headers_len()).map_err(|_| Error::new(ErrorKind::LimitExceeded, 2))?;
        w.u8(self.tid)?;
        w.u8(PduType::PUSH.0)?;
        w.mb_u32(length)?;
        self.content_type.write(&mut w)?;
        w.put(self.headers.octets())?;
        w.put(self.body)?;
        Ok(w.finish())
    }

    fn headers_len(&self) -> usize {
        self.content_type.buffer_len().saturating_add(self.headers.octets().len())
    }
}

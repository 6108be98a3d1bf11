//! The answer to a document: results collected one by one, then composed into the body of the next POST.
//!
//! ```text
//! tx while executing   | free ............................................. | record n | ... | record 1 | record 0 |
//! tx when composed     | multipart, if there are parts | ... | document | records |
//! ```
//! Every result reserves room for its share of all of these when it is taken, and for the bare results still to come, so
//! that composing cannot fail; a value that does not fit is left out and its code becomes `TOO_BIG`.

use super::io::Value;
use crate::iota::limits::{MAX_BODY, MAX_DOCUMENT, MAX_VALUE};
use crate::iota::{Answer, Codec, Content, IS683_RESPONSE, ResultCode, ResultWriter};
use crate::mime::{Boundary, MAX_PARTS, OCTET_STREAM, OWN_BOUNDARY, Piece, RelatedWriter};
use crate::wire::{Decimal, Error, ErrorKind, Reader, Text, Writer};

/// A record's octets beside the value: length (4), id (2), code, kind.
const RECORD: usize = 8;
/// A part without its content: framing, the longest media type used here, a Content-ID, the boundary.
const PART: usize = RelatedWriter::PIECE_OVERHEAD + 28 + 3 + OWN_BOUNDARY;
/// The end of a multipart body.
const CLOSING: usize = RelatedWriter::CLOSING_OVERHEAD + OWN_BOUNDARY;

/// The send buffer that the answer to so many commands needs, if no result has a value.
pub(super) const fn min_room<C: Codec>(commands: usize) -> usize {
    let result = C::RESULT.saturating_add(RECORD);
    C::EMPTY.saturating_add(result.saturating_mul(commands))
}

/// Longest Content-Type of a multipart answer.
pub(super) type ContentType = Text<128>;

/// How a result's value travels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Nothing,
    Text,
    Inline,
    Is683Part,
    OctetPart,
}

impl Kind {
    const ALL: [Self; 5] = [Self::Nothing, Self::Text, Self::Inline, Self::Is683Part, Self::OctetPart];

    const fn is_part(self) -> bool {
        matches!(self, Self::Is683Part | Self::OctetPart)
    }
}

/// How the request of a result asked for its value.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Form {
    /// The command's own value came as a body part.
    pub(super) by_reference: bool,
    /// The value is an IS-683 message.
    pub(super) is683: bool,
}

/// The results of a document, collected in the send buffer.
#[derive(Clone, Copy, Debug)]
pub(super) struct Answers<C> {
    coding: C,
    /// Results still to come.
    remaining: usize,
    /// Octets of records at the end of the buffer.
    records: usize,
    /// Octets that the document will need at most.
    document: usize,
    /// How many parts beside the document there will be.
    parts: usize,
    /// Octets that these parts will need at most.
    part_octets: usize,
}

/// A composed body: where it is in the send buffer, and its Content-Type.
#[derive(Clone, Copy, Debug)]
pub(super) struct Body {
    pub(super) start: usize,
    pub(super) end: usize,
    pub(super) content_type: ContentType,
}

impl<C: Codec> Answers<C> {
    /// Before the first of `results`, for which the send buffer has [`min_room`].
    pub(super) const fn new(coding: C, results: usize) -> Self {
        Self { coding, remaining: results, records: 0, document: C::EMPTY, parts: 0, part_octets: 0 }
    }

    /// Takes the next result. A value that cannot travel is left out, and the code changed to say so.
    ///
    /// Fails only if `tx` is smaller than [`min_room`] says or there are more results than announced.
    pub(super) fn push(
        &mut self,
        tx: &mut [u8],
        id: u16,
        code: ResultCode,
        value: Option<Value<'_>>,
        form: Form,
    ) -> Result<(), Error> {
        self.remaining = self.remaining.saturating_sub(1);
        let kept = match value {
            None => Ok((Kind::Nothing, &[][..])),
            Some(Value::Text(text)) => self.place_text(tx.len(), text),
            Some(Value::Data(octets)) => self.place_octets(tx.len(), octets, form),
        };
        let (code, kind, octets) = match kept {
            Ok((kind, octets)) => (code, kind, octets),
            Err(code) => (code, Kind::Nothing, &[][..]),
        };
        if kind == Kind::Nothing {
            self.document = self.document.saturating_add(C::RESULT);
        }
        self.record(tx, id, code, kind, octets)
    }

    fn place_text<'v>(&mut self, room: usize, text: &'v str) -> Result<(Kind, &'v [u8]), ResultCode> {
        let cost = self.coding.text_cost(text).ok_or(ResultCode::BAD_VALUE)?;
        let document = C::RESULT.saturating_add(cost);
        let fits = text.len() <= MAX_VALUE && self.reserve(room, text.len(), document, None);
        if fits { Ok((Kind::Text, text.as_bytes())) } else { Err(ResultCode::TOO_BIG) }
    }

    fn place_octets<'v>(
        &mut self,
        room: usize,
        octets: &'v [u8],
        form: Form,
    ) -> Result<(Kind, &'v [u8]), ResultCode> {
        let inline = C::RESULT.saturating_add(self.coding.octets_cost(octets.len()));
        if !form.by_reference && self.reserve(room, octets.len(), inline, None) {
            return Ok((Kind::Inline, octets));
        }
        let kind = if form.is683 { Kind::Is683Part } else { Kind::OctetPart };
        let part = PART.saturating_add(octets.len());
        if self.reserve(room, octets.len(), C::RESULT, Some(part)) {
            Ok((kind, octets))
        } else {
            Err(ResultCode::TOO_BIG)
        }
    }

    /// Reserves room for a value of `len` octets that adds so much to the document and, if it is one, as a part.
    fn reserve(&mut self, room: usize, len: usize, document: usize, part: Option<usize>) -> bool {
        let document = self.document.saturating_add(document);
        let parts = self.parts.saturating_add(usize::from(part.is_some()));
        let part_octets = self.part_octets.saturating_add(part.unwrap_or(0));
        let whole = document.saturating_add(self.remaining.saturating_mul(C::RESULT));
        // With parts the document exists twice: by itself and in the body.
        let bodies = if parts > 0 {
            [whole, whole, PART, part_octets, CLOSING].into_iter().fold(0, usize::saturating_add)
        } else {
            whole
        };
        let records = [self.records, RECORD, len, self.remaining.saturating_mul(RECORD)];
        let all = records.into_iter().fold(bodies, usize::saturating_add);
        let fits = whole <= MAX_DOCUMENT && parts < MAX_PARTS && all <= room.min(MAX_BODY);
        if fits {
            *self = Self { document, parts, part_octets, ..*self };
        }
        fits
    }

    /// Writes a record below the ones before it.
    fn record(
        &mut self,
        tx: &mut [u8],
        id: u16,
        code: ResultCode,
        kind: Kind,
        octets: &[u8],
    ) -> Result<(), Error> {
        let no_room = Error::new(ErrorKind::NoRoom, 0);
        let len = octets.len().saturating_add(RECORD);
        let end = tx.len().saturating_sub(self.records);
        let (free, _) = tx.split_at_mut_checked(end).ok_or(no_room)?;
        let start = free.len().checked_sub(len).ok_or(no_room)?;
        let (_, target) = free.split_at_mut_checked(start).ok_or(no_room)?;
        let mut out = Writer::new(target);
        out.put(octets)?;
        out.u32(u32::try_from(octets.len()).map_err(|_| no_room)?)?;
        out.u16(id)?;
        out.u8(code.0)?;
        out.u8(Kind::ALL.iter().zip(0..).find(|(one, _)| **one == kind).map_or(0, |(_, number)| number))?;
        self.records = self.records.saturating_add(len);
        Ok(())
    }

    /// Composes the body that answers document `re` of `session`.
    pub(super) fn compose(&self, tx: &mut [u8], session: &str, re: u16) -> Result<Body, Error> {
        let no_room = Error::new(ErrorKind::NoRoom, 0);
        let end = tx.len().saturating_sub(self.records);
        let (free, records) = tx.split_at_mut_checked(end).ok_or(no_room)?;
        let records = Records { rest: records };
        let start = free.len().checked_sub(self.document).ok_or(no_room)?;
        let (front, target) = free.split_at_mut_checked(start).ok_or(no_room)?;
        let document = write_document(self.coding, target, session, re, records.clone())?;
        let len = document.len();
        if self.parts == 0 {
            let content_type = ContentType::of(&[self.coding.media_type()]).ok_or(no_room)?;
            let body = Body { start, end: start.saturating_add(len), content_type };
            return Ok(body);
        }
        let mut storage = [0; OWN_BOUNDARY];
        let contents = records.clone().map(|record| record.octets).chain(core::iter::once(document));
        let boundary = Boundary::avoiding(contents, &mut storage)?;
        let root = Piece { media_type: self.coding.media_type(), content_id: C::ROOT_ID, content: document };
        let mut body = RelatedWriter::new(front, boundary);
        body.piece(&root)?;
        for (number, record) in part_numbers(records) {
            let media_type = if record.kind == Kind::Is683Part { IS683_RESPONSE } else { OCTET_STREAM };
            let content_id = part_id(number);
            body.piece(&Piece { media_type, content_id: content_id.as_str(), content: record.octets })?;
        }
        let end = body.finish()?.len();
        let mut header = [0; 128];
        let mut out = Writer::new(&mut header);
        boundary.content_type(&root, &mut out)?;
        let content_type = str::from_utf8(out.finish()).ok().and_then(|text| ContentType::of(&[text]));
        Ok(Body { start: 0, end, content_type: content_type.ok_or(no_room)? })
    }
}

fn write_document<'t, C: Codec>(
    coding: C,
    target: &'t mut [u8],
    session: &str,
    re: u16,
    records: Records<'_>,
) -> Result<&'t [u8], Error> {
    let mut writer = coding.writer(target, session, re)?;
    let mut parts = 0_u16;
    for record in records {
        let reference: Text<10>;
        let value = match record.kind {
            Kind::Nothing => None,
            Kind::Text => str::from_utf8(record.octets).ok().map(Content::Text),
            Kind::Inline => Some(Content::Data(record.octets)),
            Kind::Is683Part | Kind::OctetPart => {
                parts = parts.saturating_add(1);
                reference = Text::of(&["cid:", part_id(parts).as_str()]).unwrap_or(Text::EMPTY);
                Some(Content::Reference(reference.as_str()))
            }
        };
        writer.answer(&Answer { id: record.id, code: record.code, value })?;
    }
    writer.finish()
}

/// The Content-ID of the part `number`, counted from 1: `r1`, `r2`, ...
fn part_id(number: u16) -> Text<6> {
    Text::of(&["r", Decimal::new(number.into()).as_str()]).unwrap_or(Text::EMPTY)
}

/// The records that travel as parts, with their numbers.
fn part_numbers(records: Records<'_>) -> impl Iterator<Item = (u16, Record<'_>)> {
    (1..).zip(records.filter(|record| record.kind.is_part()))
}

/// One stored result.
#[derive(Clone, Copy, Debug)]
struct Record<'t> {
    id: u16,
    code: ResultCode,
    kind: Kind,
    octets: &'t [u8],
}

/// Reads the records, first to last, which is from the end of the buffer to its front.
#[derive(Clone, Debug)]
struct Records<'t> {
    rest: &'t [u8],
}

impl<'t> Iterator for Records<'t> {
    type Item = Record<'t>;

    fn next(&mut self) -> Option<Record<'t>> {
        let (rest, header) = self.rest.split_last_chunk::<RECORD>()?;
        let mut header = Reader::new(header);
        let len = usize::try_from(header.u32().ok()?).ok()?;
        let (id, code, kind) = (header.u16().ok()?, header.u8().ok()?, header.u8().ok()?);
        let (rest, octets) = rest.split_at_checked(rest.len().checked_sub(len)?)?;
        self.rest = rest;
        let kind = Kind::ALL.get(usize::from(kind)).copied()?;
        Some(Record { id, code: ResultCode(code), kind, octets })
    }
}

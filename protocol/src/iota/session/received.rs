//! The body that was received: where its document is, and what its commands' values are.

use super::io::{Command, Value};
use crate::iota::limits::{MAX_BODY, MAX_IS683};
use crate::iota::{self, Checked, Codec, Content, EndReason, Fault, IS683, IS683_OBJECT, ResultCode, Verb};
use crate::mime::{self, Boundary, MULTIPART_RELATED, MediaType, Part, Related, TransferEncoding};
use crate::wire::{ErrorKind, Text};
use crate::xml::base64;

/// Why a session ends: reason and error code.
pub(super) type Ending = (EndReason, u16);

/// The ending for a reason with a result code.
pub(super) const fn ending(reason: EndReason, code: ResultCode) -> Ending {
    (reason, code.0 as u16)
}

/// A received body. The octets are in the receive buffer, behind them is work space.
#[derive(Clone, Copy, Debug)]
pub(super) struct Received<C> {
    len: usize,
    coding: C,
    /// Where the document is.
    start: usize,
    end: usize,
    /// Where the content of the root part is, which is no value.
    root: usize,
    /// The boundary of a body of several parts.
    boundary: Text<{ mime::MAX_BOUNDARY }>,
}

impl<C: Codec> Received<C> {
    /// How much of a buffer of `len` octets may hold a body: all but the work space, which in a small one is its half.
    pub(super) fn capacity(len: usize) -> usize {
        len.saturating_sub(C::SCRATCH.min(len >> 1)).min(MAX_BODY)
    }

    /// Finds the document in the first `len` octets of `rx`. If it travels as base64, it is decoded behind the body.
    pub(super) fn locate(content_type: Option<&str>, rx: &mut [u8], len: usize) -> Result<Self, Ending> {
        const MIME: Ending = ending(EndReason::MIME, ResultCode::INVALID_CONTENT);
        const TOO_BIG: Ending = ending(EndReason::MIME, ResultCode::TOO_BIG);
        if len > Self::capacity(rx.len()) {
            return Err(TOO_BIG);
        }
        let (body, free) = rx.split_at_mut_checked(len).ok_or(TOO_BIG)?;
        let media = content_type.and_then(|text| MediaType::parse(text).ok()).ok_or(MIME)?;
        if let Some(coding) = C::of(&media) {
            return Ok(Self { len, coding, start: 0, end: len, root: 0, boundary: Text::EMPTY });
        }
        if !media.is(MULTIPART_RELATED) {
            return Err(MIME);
        }
        let related = Related::new(&media, body).map_err(|_| MIME)?;
        let shape = related.check().map_err(|_| MIME)?;
        let boundary = Text::of(&[related.boundary().as_str()]).ok_or(MIME)?;
        let root = related.parts().flatten().nth(shape.root).ok_or(MIME)?;
        let coding = root.media_type.and_then(|media| C::of(&media)).ok_or(MIME)?;
        let (start, octets) = match root.encoding {
            TransferEncoding::Binary => (root.at, root.content.len()),
            TransferEncoding::Base64 => {
                let decoded = base64::decode(root.content, free);
                let octets = decoded.map_err(|e| if e.kind == ErrorKind::NoRoom { TOO_BIG } else { MIME })?;
                (len, octets.len())
            }
        };
        Ok(Self { len, coding, start, end: start.saturating_add(octets), root: root.at, boundary })
    }

    /// Splits the receive buffer into what was received (and decoded), and the work space.
    fn split<'r>(&self, rx: &'r mut [u8]) -> (&'r [u8], &'r mut [u8]) {
        match rx.split_at_mut_checked(self.len.max(self.end)) {
            Some((content, work)) => (content, work),
            None => (&[], &mut []),
        }
    }

    /// Checks the document as a whole.
    pub(super) fn check<'r>(&self, rx: &'r mut [u8]) -> Result<Checked<'r>, Fault> {
        let (content, work) = self.split(rx);
        self.coding.check(self.octets(content), work)
    }

    /// How the document is coded.
    pub(super) const fn coding(&self) -> C {
        self.coding
    }

    /// The command `number` without octets in it and nothing resolved; `None` behind the last. The document was
    /// checked before.
    pub(super) fn outline<'r>(&self, rx: &'r mut [u8], number: usize) -> Option<iota::Command<'r>> {
        let (content, work) = self.split(rx);
        self.coding.outline(self.octets(content), number, work).ok().flatten()
    }

    /// The command `number` with its value resolved; the code with which it fails if that is impossible.
    pub(super) fn fetch<'r>(&self, rx: &'r mut [u8], number: usize) -> Result<Command<'r>, ResultCode> {
        let by_reference = self.outline(rx, number).is_some_and(|command| is_reference(&command));
        let (content, work) = self.split(rx);
        // Texts first; a part that must be decoded goes behind them.
        let at = if by_reference { C::SCRATCH.min(work.len()) } else { work.len() };
        let (texts, more) = work.split_at_mut_checked(at).ok_or(ResultCode::TOO_BIG)?;
        let command = match self.coding.command(self.octets(content), number, texts) {
            Ok(Some(command)) => command,
            Ok(None) => return Err(ResultCode::UNKNOWN_ERROR),
            Err(fault) => return Err(code(fault.error().kind)),
        };
        if !command.has_object_name() {
            return Err(ResultCode::BAD_OBJECT);
        }
        let value = match command.value {
            None => None,
            Some(Content::Text(text)) => Some(Value::Text(text)),
            Some(Content::Data(octets)) => Some(Value::Data(octets)),
            Some(reference @ Content::Reference(_)) => {
                let token = reference.part().unwrap_or(Err(ResultCode::INVALID_VALUEREF))?;
                Some(Value::Data(self.part(content, token, command.object, more)?))
            }
        };
        let command = Command { id: command.id, verb: command.verb, object: command.object, value };
        if command.verb == Verb::Exec && command.object == Some(IS683_OBJECT) {
            judge_is683(&command)?;
        }
        Ok(command)
    }

    /// The content of the part `token`, decoded to `scratch` if need be.
    fn part<'r>(
        &self,
        content: &'r [u8],
        token: &str,
        object: Option<&str>,
        scratch: &'r mut [u8],
    ) -> Result<&'r [u8], ResultCode> {
        let boundary = Boundary::new(self.boundary.as_str()).map_err(|_| ResultCode::CID_MISSING)?;
        let body = content.get(..self.len).unwrap_or_default();
        let mut parts = Related::with_boundary(boundary, body).parts().flatten();
        let named = |part: &Part<'_>| part.content_id == Some(token) && part.at != self.root;
        let part = parts.find(named).ok_or(ResultCode::CID_MISSING)?;
        if object == Some(IS683_OBJECT) && !part.media_type.is_some_and(|media| media.is(IS683)) {
            return Err(ResultCode::INVALID_CONTENT);
        }
        let (at, encoding) = (part.at, part.encoding);
        let octets = content.get(at..at.saturating_add(part.content.len())).unwrap_or_default();
        let part = Part { media_type: None, content_id: None, encoding, content: octets, at };
        part.decode(scratch).map_err(|error| code(error.kind))
    }

    fn octets<'r>(&self, content: &'r [u8]) -> &'r [u8] {
        content.get(self.start..self.end).unwrap_or_default()
    }
}

/// Whether the command's value is that of a body part.
pub(super) const fn is_reference(command: &iota::Command<'_>) -> bool {
    matches!(command.value, Some(Content::Reference(_)))
}

/// A forward message is octets, at most 2048 of them.
fn judge_is683(command: &Command<'_>) -> Result<(), ResultCode> {
    match command.value {
        Some(Value::Data(message)) if message.len() > MAX_IS683 => Err(ResultCode::TOO_BIG),
        Some(Value::Data(_)) => Ok(()),
        Some(Value::Text(_)) | None => Err(ResultCode::INVALID_CONTENT),
    }
}

/// Why octets could not be decoded: no room for them, or bad ones.
const fn code(kind: ErrorKind) -> ResultCode {
    match kind {
        ErrorKind::NoRoom => ResultCode::TOO_BIG,
        _ => ResultCode::BAD_DATA,
    }
}

use super::document::Ahead;
use crate::wbxml::{Event, Joined, Pull};
use crate::wire::{Error, ErrorKind};
use crate::xml::base64;

/// Where the values of a document are put together from their fragments: the caller's buffer, used front to back.
#[derive(Debug)]
pub(crate) struct Values<'s> {
    free: &'s mut [u8],
    limit: usize,
}

/// A value that was put together.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Whole<'s> {
    /// Its octets.
    pub(crate) octets: &'s [u8],
    /// Whether they came as octets rather than text.
    pub(crate) opaque: bool,
    /// The offset of the attribute or element in the document.
    pub(crate) at: usize,
}

impl<'s> Whole<'s> {
    /// The value as text; `BadText` for octets and for what is no UTF-8.
    pub(crate) fn text(&self) -> Result<&'s str, Error> {
        let error = Error::new(ErrorKind::BadText, self.at);
        if self.opaque { Err(error) } else { str::from_utf8(self.octets).map_err(|_| error) }
    }
}

impl<'s> Values<'s> {
    pub(crate) const fn new(scratch: &'s mut [u8]) -> Self {
        Self { free: scratch, limit: usize::MAX }
    }

    /// Takes attribute values of at most `limit` octets; longer ones are `NoRoom`.
    pub(crate) const fn limited(scratch: &'s mut [u8], limit: usize) -> Self {
        Self { free: scratch, limit }
    }

    /// The value of the attribute that was just handed out.
    pub(crate) fn attribute<'a>(&mut self, pull: &mut impl Pull<'a>) -> Result<Whole<'s>, Error> {
        let at = pull.at();
        let (len, opaque) = self.with_attribute(pull, |whole| Ok((whole.octets.len(), whole.opaque)))?;
        self.keep(len, at).map(|octets| Whole { octets, opaque, at })
    }

    /// Passes over the value of the attribute that was just handed out; its limit holds.
    pub(crate) fn skip_attribute<'a>(&mut self, pull: &mut impl Pull<'a>) -> Result<(), Error> {
        self.with_attribute(pull, |_| Ok(()))
    }

    /// What `judge` finds in the value of the attribute that was just handed out, which is not kept.
    pub(crate) fn with_attribute<'a, T>(
        &mut self,
        pull: &mut impl Pull<'a>,
        judge: impl FnOnce(Whole<'_>) -> Result<T, Error>,
    ) -> Result<T, Error> {
        let at = pull.at();
        let room = self.free.len().min(self.limit);
        let Joined { octets, opaque } =
            Joined::attribute(pull, self.free.get_mut(..room).unwrap_or_default())?;
        judge(Whole { octets, opaque, at })
    }

    /// The content of the innermost open element, which began at `at`, to its end.
    pub(crate) fn content<'a>(&mut self, pull: &mut impl Pull<'a>, at: usize) -> Result<Whole<'s>, Error> {
        let joined = Joined::content(pull, self.free)?;
        let (len, opaque) = (joined.octets.len(), joined.opaque);
        self.keep(len, at).map(|octets| Whole { octets, opaque, at })
    }

    /// The same, lent from the document if it stands there in one piece.
    pub(crate) fn lend<'a: 's>(&mut self, pull: &mut impl Pull<'a>, at: usize) -> Result<Whole<'s>, Error> {
        let first = pull.next()?;
        let lent = match first {
            Some(Event::End) => return Ok(Whole { octets: &[], opaque: false, at }),
            Some(Event::Text(text)) => Some(Whole { octets: text.as_bytes(), opaque: false, at }),
            Some(Event::Opaque(octets)) => Some(Whole { octets, opaque: true, at }),
            _ => None,
        };
        let second = if lent.is_some() { pull.next()? } else { None };
        match lent {
            Some(whole) if matches!(second, Some(Event::End)) => Ok(whole),
            _ => self.content(&mut Ahead::new([first, second], pull), at),
        }
    }

    /// The octets that the base64 `text`, which began at `at`, stands for.
    pub(crate) fn base64(&mut self, text: &[u8], at: usize) -> Result<&'s [u8], Error> {
        let decoded = base64::decode(text, self.free).map_err(|fault| Error::new(fault.kind, at))?;
        let len = decoded.len();
        self.keep(len, at)
    }

    /// Takes the first `len` octets out of what is free.
    fn keep(&mut self, len: usize, at: usize) -> Result<&'s [u8], Error> {
        let (kept, free) = core::mem::take(&mut self.free)
            .split_at_mut_checked(len)
            .ok_or(Error::new(ErrorKind::NoRoom, at))?;
        self.free = free;
        Ok(kept)
    }
}

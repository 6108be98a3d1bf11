//! The answer to a request, while it comes in.

use super::Head;
use crate::event::{Event, LinkError};
use crate::limits;

/// What of an answer is kept until it is whole; the body is in the buffer it is received in.
#[derive(Debug, Default)]
pub(super) struct Answering {
    pub(super) status: u16,
    pub(super) content_type: heapless::String<{ limits::CONTENT_TYPE }>,
    pub(super) location: heapless::String<{ limits::URL }>,
    pub(super) retry_after: Option<u32>,
    /// The code of [`crate::feature::RESULT`].
    pub(super) result: Option<u16>,
    /// Octets of the body; the largest number: more than there is room for.
    pub(super) len: usize,
}

impl Answering {
    /// Takes the head; an inner error abandons the answer, whose body is to go into `room` octets.
    pub(super) fn head(&mut self, head: &Head<'_>, room: usize) -> Result<(), LinkError> {
        self.status = head.status;
        self.retry_after = head.retry_after;
        self.result = head.result;
        // What is too long to keep is no type or URL that a session could take.
        let _ = self.content_type.push_str(head.content_type.unwrap_or_default());
        let _ = self.location.push_str(head.location.unwrap_or_default());
        let announced = head.content_length.and_then(|n| usize::try_from(n).ok());
        if announced.is_some_and(|n| n > room) {
            self.len = usize::MAX;
            return Err(LinkError::TooLarge);
        }
        Ok(())
    }

    /// Takes a part of the body into `buffer`; an inner error abandons the rest.
    pub(super) fn part(&mut self, buffer: &mut [u8], part: &[u8]) -> Result<(), LinkError> {
        let free = buffer.get_mut(self.len..).unwrap_or_default();
        let Some(to) = free.get_mut(..part.len()) else {
            self.len = usize::MAX;
            return Err(LinkError::TooLarge);
        };
        to.iter_mut().zip(part).for_each(|(to, from)| *to = *from);
        self.len = self.len.saturating_add(part.len());
        Ok(())
    }

    /// The answer as it is shown, with its body.
    pub(super) fn event<'a>(&'a self, body: &'a [u8]) -> Event<'a> {
        let (content_type, location) = (&self.content_type, &self.location);
        Event::Reply { status: self.status, content_type, location, body }
    }
}

//! Judging the head of an answer.

use core::time::Duration;

use super::io::{Head, SessionError, Stored, Take};
use super::{Exchange, Purpose, Session, State, Verdict, starts_with};
use crate::dlota::limits::{MAX_REDIRECTS, MAX_RETRY_AFTER, MAX_URL};
use crate::dlota::{DESCRIPTOR, DESCRIPTOR_2, Failure};
use crate::iota::resolve;
use crate::mime::{MediaType, split_at_octet};
use crate::wire::Text;

impl Session<'_> {
    /// The head of the answer has arrived: what to do with its body.
    ///
    /// After [`Take::Object`] first drop what is stored, then keep [`Session::memo`], then store. Where the device finds
    /// that it cannot store the object, [`super::Input::NotStored`] tells, and the exchange is to be ended.
    pub fn head(&mut self, head: &Head<'_>) -> Result<Take, SessionError> {
        let State::Exchange(exchange @ Exchange { to_send: false, verdict: Verdict::Silent, .. }) =
            self.state
        else {
            return Err(SessionError::Misuse);
        };
        let (verdict, take) = self.judge(exchange, head);
        self.state = State::Exchange(Exchange { verdict, due: Duration::MAX, ..exchange });
        Ok(take)
    }

    fn judge(&mut self, exchange: Exchange, head: &Head<'_>) -> (Verdict, Take) {
        let verdict = match (head.status, exchange.purpose) {
            (200..=299, Purpose::Report) => Verdict::Reported,
            (200, Purpose::First) if has_type(head, DESCRIPTOR) => {
                return (Verdict::Descriptor, Take::Descriptor);
            }
            (200 | 206, Purpose::First) if has_type(head, DESCRIPTOR_2) => Verdict::Failed(Failure::Version),
            (200, Purpose::First | Purpose::Object) => match self.whole(head) {
                Ok(total) => return (Verdict::Object, Take::Object(total)),
                Err(failure) => Verdict::Failed(failure),
            },
            (206, Purpose::First | Purpose::Object) => match self.part(head) {
                Ok(true) => return (Verdict::Object, Take::Rest),
                Ok(false) => self.start_over(Failure::Http(206)),
                Err(failure) => Verdict::Failed(failure),
            },
            // The range lies behind the end: the entity is another one.
            (416, Purpose::First | Purpose::Object) if self.offset().is_some() => {
                self.start_over(Failure::Http(416))
            }
            (301..=303, Purpose::First | Purpose::Object) | (307 | 308, _) => self.redirect(exchange, head),
            (408 | 429 | 500..=599, _) => match head.retry_after.unwrap_or(0) {
                seconds @ 0..=MAX_RETRY_AFTER => Verdict::Again(Failure::Http(head.status), seconds),
                _ => Verdict::Failed(Failure::Http(head.status)),
            },
            (status, _) => Verdict::Failed(Failure::Http(status)),
        };
        (verdict, Take::Nothing)
    }

    /// The whole object is to come: its size.
    fn whole(&mut self, head: &Head<'_>) -> Result<u32, Failure> {
        self.check_type(head)?;
        let total = match (head.content_length, self.size) {
            (Some(length), Some(size)) if length != u64::from(size) => return Err(Failure::Mismatch),
            (Some(length), _) => u32::try_from(length).map_err(|_| Failure::NoRoom)?,
            (None, size) => size.ok_or(Failure::NoRoom)?,
        };
        if total > self.config.room {
            return Err(Failure::NoRoom);
        }
        self.stored = Some(Stored { have: 0, total });
        // A weak tag (W/"...") says that the content means the same, not that it is the same.
        self.etag = head.etag.filter(|tag| tag.starts_with('"')).map_or(Text::EMPTY, whole_text);
        let reliable = head.modified.filter(|modified| head.date.is_some_and(|date| date != *modified));
        self.modified = reliable.map_or(Text::EMPTY, whole_text);
        self.unsaved = true;
        Ok(total)
    }

    /// Whether a part goes on where the stored octets end.
    fn part(&mut self, head: &Head<'_>) -> Result<bool, Failure> {
        self.check_type(head)?;
        let Some(from) = self.offset() else { return Ok(false) };
        let expected = self.stored.map(|stored| (from, stored.total));
        Ok(expected.is_some() && content_range(head.content_range) == expected)
    }

    /// The next request is for the whole object.
    fn start_over(&mut self, failure: Failure) -> Verdict {
        self.etag = Text::EMPTY;
        self.modified = Text::EMPTY;
        self.unsaved = true;
        Verdict::Again(failure, 0)
    }

    /// An object behind a descriptor has one of its types.
    fn check_type(&self, head: &Head<'_>) -> Result<(), Failure> {
        let one_of = |types: &str| types.split(|c| c == ' ').any(|name| has_type(head, name));
        if self.types.non_empty().is_none_or(one_of) { Ok(()) } else { Err(Failure::Mismatch) }
    }

    fn redirect(&mut self, exchange: Exchange, head: &Head<'_>) -> Verdict {
        let mut absolute = [0; MAX_URL];
        let secure = starts_with(self.target.as_str(), "https://");
        let next = head
            .location
            .filter(|_| exchange.redirects < MAX_REDIRECTS)
            .and_then(|location| resolve(self.target.as_str(), location, &mut absolute))
            .filter(|url| starts_with(url, "https://") || !secure && starts_with(url, "http://"))
            .and_then(|url| Text::of(&[url]));
        match next {
            Some(url) => {
                self.target = url;
                Verdict::Redirected
            }
            None => Verdict::Failed(Failure::Url),
        }
    }
}

/// The text, or nothing if it is too long to be kept whole.
fn whole_text<const N: usize>(text: &str) -> Text<N> {
    Text::of(&[text]).unwrap_or(Text::EMPTY)
}

fn has_type(head: &Head<'_>, essence: &str) -> bool {
    head.content_type.and_then(|text| MediaType::parse(text).ok()).is_some_and(|media| media.is(essence))
}

/// Start and total of `bytes START-END/TOTAL`, where END is the entity's last octet.
fn content_range(text: Option<&str>) -> Option<(u32, u32)> {
    let (range, total) = split_at_octet(text?.trim_ascii().strip_prefix("bytes ")?, b'/')?;
    let (start, end) = split_at_octet(range, b'-')?;
    let (start, end, total): (u32, u32, u32) = (start.parse().ok()?, end.parse().ok()?, total.parse().ok()?);
    (end.checked_add(1)? == total && start <= end).then_some((start, total))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn content_ranges() {
        assert_eq!(content_range(Some("bytes 100-999/1000")), Some((100, 1000)));
        for bad in ["bytes 100-998/1000", "bytes 5-4/5", "bytes */1000", "bytes 0-9/*", "octets 0-9/10", ""] {
            assert_eq!(content_range(Some(bad)), None, "{bad}");
        }
        assert_eq!(content_range(None), None);
    }
}

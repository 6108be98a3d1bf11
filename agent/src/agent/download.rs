//! Fetching a package into the update agent's inbox, within a session (`fota/download`): by ranges, from where it stopped.
//!
//! ```text
//!  Ready ──request──► Waiting for the answer ──200/206──► Receiving ──all there──► verified or refused
//!    ▲                                          other          │ link down
//!    └───────────── Pausing ◄── 5xx ────────────┘◄─────────────┘
//! ```
//! A `206` goes on only if it starts exactly where the flash ends and belongs to the same entity (`If-Range` with its
//! tag); a `200` starts from the beginning. A body larger than the package region is refused before it is read.

use core::fmt::Write as _;
use core::time::Duration;

use kedge_platform::crypto::Crypto;
use kedge_platform::flash::NorFlash;
use kedge_protocol::iota::ResultCode;
use kedge_update_agent::{Device, Error as UpdateError, Job, Update};

use super::{Context, Head, HttpRequest, MAX_HEADERS};
use crate::error::AgentError;
use crate::event::{Event, LinkError};
use crate::limits;
use crate::store::{Fetch, Store};

/// Longest entity tag that is kept; with a longer one a download is not resumed after a restart.
const ETAG: usize = 64;

/// What a download does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    /// A request is to be sent.
    Ready,
    /// The answer's head or body is being handed in.
    Receiving {
        /// The answer is of use: its body goes to flash.
        wanted: bool,
    },
    /// Not before this uptime.
    Pausing(Duration),
}

/// What comes after an exchange.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Next {
    /// Go on: poll again.
    More,
    /// The download is over: the result of the command.
    Over(ResultCode),
}

/// A download under way.
#[derive(Debug)]
pub(super) struct Download {
    url: heapless::String<{ limits::URL }>,
    etag: heapless::String<ETAG>,
    range: heapless::String<24>,
    phase: Phase,
    tries: u8,
    /// A refusal of the last answer's head that ends the download.
    failed: Option<ResultCode>,
}

impl Download {
    /// Begins, or goes on with what an earlier session left in flash from the same place. `None` if that is the whole
    /// package, verified: a session that was lost after the download does not cost another one.
    pub(super) fn start<F: NorFlash>(
        store: &Store,
        update: &Update,
        flash: &mut F,
        url: &str,
    ) -> Result<Option<Self>, AgentError<F::Error>> {
        let mut buf = [0; limits::RECORD];
        let known = store.get::<Fetch<'_>, F>(flash, &mut buf)?.filter(|fetch| fetch.url == url);
        if known.is_some() && matches!(update.job(), Job::Verified { .. }) {
            return Ok(None);
        }
        let etag = known.and_then(|fetch| heapless::String::try_from(fetch.etag).ok()).unwrap_or_default();
        Ok(Some(Self {
            url: heapless::String::try_from(url).map_err(|_| AgentError::Config("package URL"))?,
            etag,
            range: heapless::String::new(),
            phase: Phase::Ready,
            tries: 0,
            failed: None,
        }))
    }

    /// The request to send, or the time until when to wait.
    pub(super) fn poll<'r>(
        &'r mut self,
        now: Duration,
        update: &Update,
    ) -> Result<HttpRequest<'r>, Duration> {
        if let Phase::Pausing(until) = self.phase
            && now < until
        {
            return Err(until);
        }
        self.phase = Phase::Receiving { wanted: false };
        self.range.clear();
        let offset = self.offset(update);
        let mut headers = heapless::Vec::<(&str, &str), MAX_HEADERS>::new();
        if offset > 0 && write!(self.range, "bytes={offset}-").is_ok() {
            let _ = headers.push(("Range", self.range.as_str()));
            let _ = headers.push(("If-Range", self.etag.as_str()));
        }
        Ok(HttpRequest { post: false, url: &self.url, headers, body: &[] })
    }

    /// Where the flash ends; 0 if what is there cannot be told to belong to this entity.
    fn offset(&self, update: &Update) -> u32 {
        match update.resume() {
            Some((offset, size)) if offset < size && !self.etag.is_empty() => offset,
            _ => 0,
        }
    }

    /// Judges an answer's head; an inner error abandons it.
    pub(super) fn head<F: NorFlash, C: Crypto>(
        &mut self,
        update: &mut Update,
        store: &mut Store,
        context: &mut Context<'_, F, C>,
        head: &Head<'_>,
    ) -> Result<Result<(), LinkError>, AgentError<F::Error>> {
        let offset = self.offset(update);
        let wanted = match head.status {
            206 => {
                let fits =
                    content_range(head.content_range) == update.resume().filter(|(at, _)| *at == offset);
                if !fits {
                    // Not what was asked for: start over, without a range.
                    self.etag.clear();
                }
                fits && offset > 0
            }
            200 => self.begin(update, store, context, head, offset)?,
            // The range lies behind the end: the entity is another one.
            416 => {
                self.etag.clear();
                false
            }
            500..=599 => false,
            _ => {
                self.failed = Some(ResultCode::DOWNLOAD_FAILED);
                false
            }
        };
        self.phase = Phase::Receiving { wanted };
        Ok(if wanted { Ok(()) } else { Err(LinkError::Abandoned) })
    }

    /// Makes ready for a whole package.
    fn begin<F: NorFlash, C: Crypto>(
        &mut self,
        update: &mut Update,
        store: &mut Store,
        context: &mut Context<'_, F, C>,
        head: &Head<'_>,
        offset: u32,
    ) -> Result<bool, AgentError<F::Error>> {
        let size = head.content_length.and_then(|n| u32::try_from(n).ok()).unwrap_or(u32::MAX);
        if offset > 0 {
            context.event(&Event::DownloadRestarted);
        }
        self.etag.clear();
        let etag = head.etag.filter(|tag| tag.starts_with('"')).unwrap_or_default();
        let _ = self.etag.push_str(etag);
        store.put(context.flash, &Fetch { url: &self.url, etag: &self.etag })?;
        match update.begin(context.flash, size) {
            Ok(()) => Ok(true),
            Err(UpdateError::TooLarge { .. }) => {
                self.failed = Some(ResultCode::TOO_BIG);
                Ok(false)
            }
            Err(UpdateError::OutcomePending | UpdateError::NotNow) => {
                self.failed = Some(ResultCode::DEVICE_BUSY);
                Ok(false)
            }
            Err(e) => Err(e.into()),
        }
    }

    /// Takes a part of the body; an inner error abandons the rest.
    pub(super) fn body<F: NorFlash, C: Crypto>(
        &mut self,
        update: &mut Update,
        context: &mut Context<'_, F, C>,
        part: &[u8],
    ) -> Result<Result<(), LinkError>, AgentError<F::Error>> {
        if self.phase != (Phase::Receiving { wanted: true }) {
            return Err(AgentError::Misuse);
        }
        match update.write(context.flash, part) {
            Ok(()) => {}
            Err(UpdateError::TooLarge { .. }) => return Ok(Err(LinkError::TooLarge)),
            Err(e) => return Err(e.into()),
        }
        if let Some((have, total)) = update.resume() {
            context.event(&Event::Downloading { have, total });
        }
        Ok(Ok(()))
    }

    /// The exchange has ended: with the body's end, or because the link broke or was abandoned.
    pub(super) fn ended<F: NorFlash, C: Crypto>(
        &mut self,
        update: &mut Update,
        device: &Device<'_>,
        context: &mut Context<'_, F, C>,
        work: &mut [u8],
    ) -> Result<Next, AgentError<F::Error>> {
        if let Some(code) = self.failed {
            return Ok(Next::Over(code));
        }
        if update.resume().is_some_and(|(have, total)| have == total) {
            return verify(update, device, context, work).map(Next::Over);
        }
        self.tries = self.tries.saturating_add(1);
        if self.tries >= limits::DOWNLOAD_TRIES {
            return Ok(Next::Over(ResultCode::DOWNLOAD_FAILED));
        }
        let pause = context.backoff(self.tries);
        self.phase = Phase::Pausing(context.now.saturating_add(pause));
        context.event(&Event::RetryIn(pause));
        Ok(Next::More)
    }
}

/// Verifies the package that is complete.
fn verify<F: NorFlash, C: Crypto>(
    update: &mut Update,
    device: &Device<'_>,
    context: &mut Context<'_, F, C>,
    work: &mut [u8],
) -> Result<ResultCode, AgentError<F::Error>> {
    match update.verify(context.flash, device, context.crypto, work) {
        Ok(()) => {
            let len = if let Job::Verified { size, .. } = update.job() { size } else { 0 };
            let manifest = update.manifest(context.flash, work)?;
            let event = Event::PackageVerified { version: manifest.version, len };
            context.events.event(context.now, &event);
            Ok(ResultCode::SUCCESS)
        }
        Err(UpdateError::Refused(refusal)) => {
            context.event(&Event::PackageRefused(refusal));
            Ok(ResultCode::INVALID_CONTENT)
        }
        Err(e) => Err(e.into()),
    }
}

/// Start and total of `bytes START-END/TOTAL`, where END is the entity's last octet.
fn content_range(text: Option<&str>) -> Option<(u32, u32)> {
    let (range, total) = text?.trim().strip_prefix("bytes ")?.split_once(|c| c == '/')?;
    let (start, end) = range.split_once(|c| c == '-')?;
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

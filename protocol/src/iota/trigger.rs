//! Which pushes may start a session (`iota.md` B11).

use super::TrustedDomain;
use super::limits::MAX_DOCUMENT;
use crate::wap::{ApplicationCode, Coding, Indication, Loading, Media, MediaCode, Push, Signal, Urgency};
use crate::wire::{Error, ErrorKind};

/// What a push asks for.
///
/// A push proves nothing about its sender; the session that follows must.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trigger<'s> {
    /// Ask the user, with the indication's text; on yes, start a session at its URL. Dates and the id are there for
    /// whoever keeps several of them: the newer of one id counts.
    Ask(Indication<'s>, &'s str),
    /// Start a session at the URL when the device is idle.
    WhenIdle(&'s str),
    /// Start a session at the URL at once.
    AtOnce(&'s str),
    /// Start a session with this document as its first.
    Document(Coding, &'s [u8]),
}

/// Why a push starts nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Refused {
    /// It is for another application, or for none.
    NotIota,
    /// Its body is neither SI nor SL nor an MMC document.
    OtherContent,
    /// The body cannot be read; the offset counts from its first octet.
    Malformed(Error),
    /// The URL is outside the trusted domain.
    NotTrusted,
    /// It has no URL, withdraws an indication, is not to be shown, or only fills a cache.
    NothingToDo,
}

impl core::fmt::Display for Refused {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self {
            Self::NotIota => f.write_str("not for IOTA"),
            Self::OtherContent => f.write_str("no trigger content"),
            Self::Malformed(error) => write!(f, "malformed content: {error}"),
            Self::NotTrusted => f.write_str("URL outside the trusted domain"),
            Self::NothingToDo => f.write_str("nothing to do"),
        }
    }
}

impl core::error::Error for Refused {}

/// Decides about a push; `scratch` takes the texts of its document and should have [`crate::wap::SCRATCH`] octets.
pub fn filter<'a: 's, 's>(
    push: &Push<'a>,
    trust: &TrustedDomain<'_>,
    scratch: &'s mut [u8],
) -> Result<Trigger<'s>, Refused> {
    if !push.headers.application_id().is_some_and(|id| id.is(ApplicationCode::IOTA)) {
        return Err(Refused::NotIota);
    }
    let (kind, coding) = kind(&push.content_type.media).ok_or(Refused::OtherContent)?;
    match kind {
        Kind::Indication => {
            let si = Indication::read(coding, push.body, scratch).map_err(Refused::Malformed)?;
            match (si.href, si.action) {
                (Some(url), Signal::Low | Signal::Medium | Signal::High) => {
                    trusted(url, trust).map(|url| Trigger::Ask(si, url))
                }
                _ => Err(Refused::NothingToDo),
            }
        }
        Kind::Loading => {
            let sl = Loading::read(coding, push.body, scratch).map_err(Refused::Malformed)?;
            let url = trusted(sl.href, trust)?;
            match sl.action {
                Urgency::Low => Ok(Trigger::WhenIdle(url)),
                Urgency::High => Ok(Trigger::AtOnce(url)),
                Urgency::Cache => Err(Refused::NothingToDo),
            }
        }
        Kind::Mmc if push.body.len() > MAX_DOCUMENT => {
            Err(Refused::Malformed(Error::new(ErrorKind::LimitExceeded, MAX_DOCUMENT)))
        }
        Kind::Mmc => Ok(Trigger::Document(coding, push.body)),
    }
}

#[derive(Clone, Copy)]
enum Kind {
    Indication,
    Loading,
    Mmc,
}

fn kind(media: &Media<'_>) -> Option<(Kind, Coding)> {
    let known = [
        (MediaCode::SI, Kind::Indication, Coding::Wbxml),
        (MediaCode::SI_XML, Kind::Indication, Coding::Xml),
        (MediaCode::SL, Kind::Loading, Coding::Wbxml),
        (MediaCode::SL_XML, Kind::Loading, Coding::Xml),
        (MediaCode::MMC, Kind::Mmc, Coding::Wbxml),
        (MediaCode::MMC_XML, Kind::Mmc, Coding::Xml),
    ];
    known.into_iter().find(|(code, ..)| media.is(*code)).map(|(_, kind, coding)| (kind, coding))
}

fn trusted<'s>(url: &'s str, trust: &TrustedDomain<'_>) -> Result<&'s str, Refused> {
    if trust.allows(url) { Ok(url) } else { Err(Refused::NotTrusted) }
}

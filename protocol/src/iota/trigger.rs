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
    /// Withdraws the indications with this one's id: those of the user who was not asked yet are not to be asked.
    Withdraw(Indication<'s>),
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
    /// It has no URL, is not to be shown, or only fills a cache.
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
                (_, Signal::Delete) => Ok(Trigger::Withdraw(si)),
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wap::{ContentType, Header, HeaderCode, HeaderName, Headers, Parameters, SCRATCH, Value};
    use crate::wire::Writer;
    use std::format;
    use std::string::String;

    /// What becomes of a push with this content type, application and body.
    fn outcome(media: &str, application: Option<Value<'_>>, body: &[u8]) -> String {
        let mut buf = [0; 64];
        let mut w = Writer::new(&mut buf);
        if let Some(value) = application {
            Header::Field(HeaderName::Code(HeaderCode::APPLICATION_ID), value).write(&mut w).unwrap();
        }
        let headers = Headers::new(w.finish()).unwrap();
        let content_type = ContentType { media: Media::Text(media), parameters: Parameters::default() };
        let push = Push { tid: 0, content_type, headers, body };
        let trust = TrustedDomain::new("example.com", "");
        match filter(&push, &trust, &mut [0; SCRATCH]) {
            Ok(Trigger::Ask(si, url)) => format!("ask {:?} {url}", si.text),
            Ok(Trigger::Withdraw(si)) => format!("withdraw {}", si.id().unwrap_or_default()),
            Ok(Trigger::WhenIdle(url)) => format!("idle {url}"),
            Ok(Trigger::AtOnce(url)) => format!("now {url}"),
            Ok(Trigger::Document(coding, body)) => format!("{coding:?} {}", body.len()),
            Err(refused) => format!("{refused}"),
        }
    }

    #[test]
    fn only_iota_pushes_with_a_trusted_url_or_a_document_start_something() {
        let iota = Some(Value::Octets(&[0x80, 0x10]));
        let sl = |rest: &str| format!("<sl href='http://a.example.com/' {rest}/>");
        let si =
            |rest: &str| format!("<si><indication href='http://example.com/' {rest}>New</indication></si>");
        let (sl_type, si_type) = ("text/vnd.wap.sl", "text/vnd.wap.si");
        let cases = [
            (sl_type, iota, sl(""), "idle http://a.example.com/"),
            (
                sl_type,
                Some(Value::Text(b"x-wap-application:iota.ua")),
                sl("action='execute-high'"),
                "now http://a.example.com/",
            ),
            (sl_type, iota, sl("action='cache'"), "nothing to do"),
            (sl_type, Some(Value::Short(2)), sl(""), "not for IOTA"),
            (sl_type, None, sl(""), "not for IOTA"),
            (sl_type, iota, "<sl href='http://example.org/'/>".into(), "URL outside the trusted domain"),
            (sl_type, iota, "<sl".into(), "malformed content: input ends inside a field at octet 3"),
            (si_type, iota, si(""), "ask \"New\" http://example.com/"),
            (si_type, iota, si("action='delete'"), "withdraw http://example.com/"),
            (si_type, iota, si("action='signal-none'"), "nothing to do"),
            (si_type, iota, "<si><indication>x</indication></si>".into(), "nothing to do"),
            ("application/iota.mmc-xml", iota, "<mmc/>".into(), "Xml 6"),
            ("application/iota.mmc-wbxml", iota, String::new(), "Wbxml 0"),
            (
                "application/iota.mmc-xml",
                iota,
                " ".repeat(8193),
                "malformed content: limit exceeded at octet 8192",
            ),
            ("text/plain", iota, "x".into(), "no trigger content"),
        ];
        for (media, application, body, expected) in cases {
            assert_eq!(outcome(media, application, body.as_bytes()), expected, "{media} {body}");
        }
    }
}

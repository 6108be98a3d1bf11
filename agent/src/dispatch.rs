//! Content by media type: what arrived, how it came, and what handles it.
//!
//! Everything that reaches the agent from outside (a push, an HTTP answer, a part of another protocol's message) passes here,
//! so that one table decides what is understood and from whom it is accepted. Content that travels inside another document
//! has that document's origin: it gains no rights by being wrapped.

mod charset;
mod leaves;
mod oem;
mod rules;

pub use charset::{is_readable, is_readable_push};
use kedge_protocol::cp::security::Unusable;
use kedge_protocol::mime::{MULTIPART_MIXED, MULTIPART_RELATED, MediaType};
pub use leaves::{Leaf, Leaves};
pub use oem::{Content, OemType, Unfit, check_types, offer};
pub use rules::{Decision, ORIGINS, Table, decide, totals};

/// How content came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// By a push message: nobody is authenticated by that alone.
    Push,
    /// As an answer in an HTTP session that the device opened.
    Http {
        /// Over TLS, with a server certificate that the device trusts.
        authenticated: bool,
    },
    /// As a file that the user opened.
    File,
    /// In another protocol's message.
    Tunnel {
        /// Of a session whose server proved who it is.
        authenticated: bool,
    },
}

/// What handles a kind of content.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Handler {
    /// Service indication: ask the user, then open an IOTA session at its URL.
    ServiceIndication,
    /// Service loading: open an IOTA session at its URL without asking.
    ServiceLoading,
    /// Cache operation: the device is told what of its caches is out of date.
    Cache,
    /// E-mail notification: the device is told that there is mail.
    Mail,
    /// An MMC document, alone or in a multipart: the IOTA session.
    Mmc,
    /// An IS-683 message: the IS-683 engine.
    Is683,
    /// A client provisioning document: settings, after proof and consent.
    Provisioning,
    /// A bootstrap by the DM profile of OMA-DM: the account of a management server, after proof and consent.
    Bootstrap,
    /// A multipart: taken apart, and each part looked up for itself, with the same origin.
    Parts,
    /// A page: the browser, while a feature is activated.
    Page,
    /// A license document: acceptance, which decides by its signature and its freshness, not by the way it came.
    License,
}

/// Why content is not handled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// No handler for its media type.
    UnknownType,
    /// The handler does not take content that came this way.
    Origin,
    /// A push for another application, outside the trusted domain, or without anything to do.
    NotWanted,
    /// A whole MMC document by push while something else goes on or waits, or one that does not fit: there is no place for it.
    PushedDocument,
    /// A provisioning document whose sender cannot be proved, because its security parameters are missing or broken.
    Unproven(Unusable),
    /// A provisioning document waits already for the user.
    Waiting,
    /// A provisioning document that is not sound: what is wrong with it, and where.
    Settings(kedge_protocol::cp::Fault),
    /// There is no room to keep it.
    NoRoom,
    /// More pushes than are looked at: how many were not, since the start.
    Flood(u32),
    /// Its time is over.
    Expired,
    /// Another source of settings has closed the device to further ones (CONTEXT-ALLOW).
    Closed,
    /// Its text is in a character set that is not read.
    Charset,
    /// A multipart that is broken, too deep, or has too many parts.
    Multipart(kedge_protocol::wire::Error),
    /// A license document that was not accepted.
    License(kedge_protocol::license::Refusal),
}

impl core::fmt::Display for Refusal {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str(match self {
            Self::UnknownType => "unknown media type",
            Self::Origin => "not taken from there",
            Self::NotWanted => "nothing to do with it",
            Self::PushedDocument => "no place for a document by push",
            Self::Unproven(why) => return write!(f, "sender not proved: {why}"),
            Self::Waiting => "another document waits for the user",
            Self::Settings(fault) => return fault.fmt(f),
            Self::NoRoom => "too large",
            Self::Flood(count) => return write!(f, "too many pushes, {count} not looked at"),
            Self::Expired => "expired",
            Self::Closed => "closed to further sources of settings",
            Self::Charset => "character set not read",
            Self::Multipart(error) => return write!(f, "multipart: {error}"),
            Self::License(why) => return write!(f, "license: {why}"),
        })
    }
}

impl core::error::Error for Refusal {}

/// The media types understood, without parameters, and their handlers.
const TYPES: [(&str, Handler); 25] = [
    ("application/vnd.wap.sic", Handler::ServiceIndication),
    ("text/vnd.wap.si", Handler::ServiceIndication),
    ("application/vnd.wap.slc", Handler::ServiceLoading),
    ("text/vnd.wap.sl", Handler::ServiceLoading),
    ("application/vnd.wap.coc", Handler::Cache),
    ("text/vnd.wap.co", Handler::Cache),
    ("application/vnd.wap.emn+wbxml", Handler::Mail),
    ("application/iota.mmc-wbxml", Handler::Mmc),
    ("application/iota.mmc-xml", Handler::Mmc),
    ("application/x-is683", Handler::Is683),
    ("application/octet-stream", Handler::Is683),
    ("application/vnd.wap.connectivity-wbxml", Handler::Provisioning),
    ("text/vnd.wap.connectivity-xml", Handler::Provisioning),
    ("application/vnd.syncml.dm+wbxml", Handler::Bootstrap),
    (MULTIPART_MIXED, Handler::Parts),
    (MULTIPART_RELATED, Handler::Parts),
    ("application/vnd.wap.multipart.mixed", Handler::Parts),
    ("application/vnd.wap.multipart.related", Handler::Parts),
    ("application/vnd.wap.multipart.form-data", Handler::Parts),
    ("application/vnd.wap.multipart.alternative", Handler::Parts),
    ("text/html", Handler::Page),
    ("application/xhtml+xml", Handler::Page),
    ("application/vnd.wap.xhtml+xml", Handler::Page),
    ("text/vnd.wap.wml", Handler::Page),
    ("application/vnd.wap.wmlc", Handler::Page),
];

/// License documents, whatever the vendor: whether it is the right one is the first step of their acceptance.
const LICENSE: (&str, &str) = ("application/vnd.", ".provisioning+cbor");

fn is_license(media_type: &MediaType<'_>) -> bool {
    let name = media_type.essence();
    let ends = |at: usize, part: &str| {
        name.get(at..)
            .and_then(|name| name.get(..part.len()))
            .is_some_and(|found| found.eq_ignore_ascii_case(part))
    };
    let (first, last) = LICENSE;
    let behind = name.len().checked_sub(last.len()).filter(|at| *at > first.len());
    ends(0, first) && behind.is_some_and(|at| ends(at, last))
}

/// Finds the handler of content that came by `origin`.
pub fn handler(media_type: &MediaType<'_>, origin: Origin) -> Result<Handler, Refusal> {
    let own = TYPES.iter().find(|(name, _)| media_type.is(name)).map(|(_, handler)| *handler);
    let own = own.or_else(|| is_license(media_type).then_some(Handler::License));
    let handler = own.ok_or(Refusal::UnknownType)?;
    if rules::decide(handler, origin) == Decision::Refuse {
        Err(Refusal::Origin)
    } else if handler != Handler::Page && !is_readable(media_type) {
        // What the browser reads, it knows itself.
        Err(Refusal::Charset)
    } else {
        Ok(handler)
    }
}

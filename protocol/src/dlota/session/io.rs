//! What goes into a download and comes out of it.

use core::time::Duration;

use crate::dlota::{Failure, Plan};

/// What a download needs to know beforehand.
#[derive(Clone, Copy, Debug)]
pub struct Config<'c> {
    /// The media types of objects that the device takes behind a descriptor. What comes without one may have any type.
    pub accepts: &'c [&'c str],
    /// The largest object there is room for, in octets.
    pub room: u32,
    /// Whether the user is asked before an object behind a descriptor is fetched.
    pub confirm: bool,
    /// When to try again.
    pub plan: Plan,
    /// How long the head of an answer may take.
    pub patience: Duration,
}

/// What must survive a restart; made by [`super::Session::memo`]. The object's octets are the device's own to keep.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Memo<'a> {
    /// The URL the download began at.
    pub url: &'a str,
    /// Where the object is; empty: not known yet, or at `url` itself.
    pub object: &'a str,
    /// Where to report; empty: nowhere.
    pub notify: &'a str,
    /// The types the object may have, with one space between two; empty: any.
    pub types: &'a str,
    /// Its size by the descriptor; `None`: there is none.
    pub size: Option<u32>,
    /// Its entity tag; empty: none that can be relied on.
    pub etag: &'a str,
    /// When it was changed last, as an HTTP date; empty: not known for certain.
    pub modified: &'a str,
    /// The status that is still to be reported; 0: none yet.
    pub status: u16,
}

/// How much of the object the device holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stored {
    /// Octets from its beginning.
    pub have: u32,
    /// Octets in all.
    pub total: u32,
}

/// What of an answer's head a download looks at.
#[derive(Clone, Copy, Debug, Default)]
pub struct Head<'h> {
    /// HTTP status.
    pub status: u16,
    /// `Content-Type`.
    pub content_type: Option<&'h str>,
    /// `Content-Length`.
    pub content_length: Option<u64>,
    /// `Content-Range`.
    pub content_range: Option<&'h str>,
    /// `ETag`.
    pub etag: Option<&'h str>,
    /// `Last-Modified`.
    pub modified: Option<&'h str>,
    /// `Date`.
    pub date: Option<&'h str>,
    /// `Location`.
    pub location: Option<&'h str>,
    /// `Retry-After`, if it is a number of seconds.
    pub retry_after: Option<u32>,
}

/// What to do with the body of an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Take {
    /// Read it into memory: it is a descriptor. Then [`super::Session::descriptor`].
    Descriptor,
    /// Drop what is stored and store this as the object, of so many octets.
    Object(u32),
    /// Append it to what is stored.
    Rest,
    /// Do not read it.
    Nothing,
}

/// What happened outside.
#[derive(Clone, Copy, Debug)]
pub enum Input {
    /// Start.
    Start,
    /// The exchange has ended: with the end of the body, by a broken link, or because the body was not wanted.
    Ended {
        /// What is stored now.
        stored: Option<Stored>,
        /// A random octet, for the pause before another try.
        random: u8,
    },
    /// The object is not stored, because of this: no room after all, or not now.
    NotStored(Failure),
    /// The user has answered.
    Answered(Choice),
    /// The object was checked: whether it is accepted.
    Checked(bool),
    /// Time has passed.
    Tick,
    /// Stop.
    Abort,
}

/// What the user says to an offer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Choice {
    /// Fetch it.
    Yes,
    /// Never.
    No,
    /// Ask again another time: the download ends and can be taken up from its [`Memo`].
    Later,
}

/// What to do outside.
#[derive(Clone, Copy, Debug)]
pub enum Output<'s> {
    /// Send this request; then [`super::Session::head`] and [`Input::Ended`].
    Send(Request<'s>),
    /// Ask the user; then [`Input::Answered`].
    Confirm(Offer<'s>),
    /// Check the object that is stored whole: signature, hashes, fit. Then [`Input::Checked`].
    Check,
    /// Nothing until an input; at this uptime at the latest [`Input::Tick`].
    Wait(Duration),
    /// It is over.
    End(Outcome),
}

/// An HTTP request. Redirects must not be followed: the session does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Request<'s> {
    /// A POST of `body`, else a GET.
    pub post: bool,
    /// Its absolute URL.
    pub url: &'s str,
    /// Header Accept.
    pub accept: Option<&'s str>,
    /// Header Range.
    pub range: Option<&'s str>,
    /// Header If-Range, along with Range.
    pub if_range: Option<&'s str>,
    /// Header Content-Type.
    pub content_type: Option<&'s str>,
    /// The body of a POST.
    pub body: &'s [u8],
}

/// What the user is asked about: as much of the descriptor as was kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Offer<'s> {
    /// Its name; empty: none.
    pub name: &'s str,
    /// Who made it; empty: unknown.
    pub vendor: &'s str,
    /// What it is; empty: unknown.
    pub description: &'s str,
    /// Octets to be fetched.
    pub size: u32,
}

/// How a download ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Outcome {
    /// What became of it.
    pub end: End,
    /// Whether the report arrived; `None` if nobody wanted one.
    pub reported: Option<bool>,
}

/// What became of a download.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// The object is stored and accepted.
    Complete,
    /// It came to nothing.
    Failed(Failure),
    /// The user wants to be asked again.
    Deferred,
}

/// Why a call to a session is refused; its state is unchanged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum SessionError {
    /// A URL or another text of the memo is longer than its limit.
    TooLong,
    /// The input makes no sense in this state.
    Misuse,
}

impl core::fmt::Display for SessionError {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str(match self {
            Self::TooLong => "text longer than its limit",
            Self::Misuse => "input out of order",
        })
    }
}

impl core::error::Error for SessionError {}

//! How documents are written: the one place where a session meets a vocabulary.
//!
//! ```text
//! HTTP body ──► Codec::of(media type) ──► check ──► outline, command ──► session ──► Output::Execute
//!                                                                          │
//! next POST ◄── finish ◄── result, one by one ◄── Codec::writer ◄──────────┘
//! ```
//! The real document type of C.S0040 is not public (`iota.md` A6). Whoever has it writes one type that implements [`Codec`],
//! and holds `Session<'_, ThatType>`; numbering, repeats, redirects, parts, trust and timers are the session's and stay as
//! they are. [`super::mmc::Mmc`] is the project's own profile 1.

use super::command::{Answer, Command};
use super::fault::Fault;
use crate::mime::MediaType;
use crate::wire::Error;

/// A vocabulary in one of its codings: the value says in which, and an answer uses that of its document.
///
/// Nothing here keeps state: a document is read anew for each of its commands, so that a session needs no room for what was
/// decoded. Bounds are those of [`super::limits`].
pub trait Codec: Copy + core::fmt::Debug {
    /// What a session accepts as an answer, for header `Accept`: its documents, and `multipart/related`, which the session
    /// takes apart itself.
    const ACCEPT: &'static str;
    /// Octets of work space that hold the texts of any legal command; for inline octets more may be needed.
    const SCRATCH: usize;
    /// The Content-ID of an answer's document among its parts.
    const ROOT_ID: &'static str;
    /// Most octets of a document of the device without results.
    const EMPTY: usize;
    /// Most octets of a result without value, and of one whose value is the reference to a part.
    const RESULT: usize;
    /// Writes documents of the device.
    type Writer<'b>: ResultWriter<'b>;

    /// The coding that a media type tells; `None` if no document of this vocabulary has it.
    fn of(media: &MediaType<'_>) -> Option<Self>;

    /// The media type of documents in this coding.
    fn media_type(self) -> &'static str;

    /// Reads a document of the server as a whole, so that nothing is executed of a malformed one; what a device would write
    /// is `Ungrammatical`. Whether inline octets can be decoded is left to [`Self::command`].
    ///
    /// `scratch` has [`Self::SCRATCH`] octets.
    fn check<'s>(self, bytes: &'s [u8], scratch: &'s mut [u8]) -> Result<Checked<'s>, Fault>;

    /// Command `number`, counted from 0, of a document that passed [`Self::check`]; `None` behind the last.
    ///
    /// Faults are `NoRoom` for too little scratch, and those of the coding of inline octets.
    fn command<'s>(
        self,
        bytes: &'s [u8],
        number: usize,
        scratch: &'s mut [u8],
    ) -> Result<Option<Command<'s>>, Fault>;

    /// The same without inline octets: tells what the command is also when they are illegal or do not fit.
    fn outline<'s>(
        self,
        bytes: &'s [u8],
        number: usize,
        scratch: &'s mut [u8],
    ) -> Result<Option<Command<'s>>, Fault>;

    /// Begins the answer to document `re` of `session`.
    fn writer<'b>(self, out: &'b mut [u8], session: &str, re: u16) -> Result<Self::Writer<'b>, Error>;

    /// Octets that `text` as a value adds to a result at most; `None` if it has characters that cannot be written.
    fn text_cost(self, text: &str) -> Option<usize>;

    /// Octets that `len` inline octets as a value add to a result at most.
    fn octets_cost(self, len: usize) -> usize;
}

/// The second half of a [`Codec`]: results go in, in the order of their commands, and a document comes out.
pub trait ResultWriter<'b> {
    /// Appends a result. Errors: no room, an illegal id, a value against the vocabulary.
    fn answer(&mut self, answer: &Answer<'_>) -> Result<(), Error>;

    /// Ends the document and returns it.
    fn finish(self) -> Result<&'b [u8], Error>;
}

/// What a session wants to know of a document before it looks at its commands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Checked<'s> {
    /// The session's token, 1 to 32 characters `[A-Za-z0-9._-]`.
    pub session: &'s str,
    /// The document's number, 1..=65535.
    pub doc: u16,
    /// Where to POST the answer; the URL this came from if absent.
    pub next: Option<&'s str>,
    /// How many commands it has.
    pub commands: usize,
    /// The document announces another vocabulary than this one, so that its sender may mean something else by it.
    pub foreign: bool,
}

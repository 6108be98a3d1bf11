//! What [`crate::wap::DocumentWriter`] needs of both its writers; [`crate::wap`] has stand-ins for builds without feature `xml`.

use super::{Octets, Writer};
use crate::wire::{self, Error};

/// See [`crate::wap::Coding::is_supported`].
pub(crate) const SUPPORTED: bool = true;

/// A place in a document to which its writer can go back.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Mark<const DEPTH: usize> {
    at: usize,
    octets: Octets,
    stack: [(usize, usize); DEPTH],
    depth: usize,
    root_seen: bool,
    open: bool,
}

impl<'b, const DEPTH: usize> Writer<'b, DEPTH> {
    /// A writer with octets as base64, as every document type has it that also has a binary coding. Only its stand-in fails.
    #[expect(clippy::unnecessary_wraps, reason = "its stand-in fails")]
    pub(crate) const fn with_base64(buf: &'b mut [u8]) -> Result<Self, Error> {
        Ok(Self::new(buf, Octets::Base64))
    }

    /// How many octets were written.
    pub(crate) const fn at(&self) -> usize {
        self.out.at()
    }

    /// How many octets still fit.
    pub(crate) const fn room(&self) -> usize {
        self.out.room()
    }

    /// This place.
    pub(crate) const fn mark(&self) -> Mark<DEPTH> {
        let Self { octets, stack, depth, root_seen, open, .. } = *self;
        Mark { at: self.out.at(), octets, stack, depth, root_seen, open }
    }

    /// Goes on at `mark` in the document whose octets `buf` holds; what was written behind it is given up.
    pub(crate) fn resume(buf: &'b mut [u8], mark: &Mark<DEPTH>) -> Result<Self, Error> {
        let Mark { at, octets, stack, depth, root_seen, open } = *mark;
        Ok(Self { out: wire::Writer::resume(buf, at)?, octets, stack, depth, root_seen, open })
    }
}

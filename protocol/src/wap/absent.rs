//! What stands for XML in a build without it (feature `xml`): a reader and a writer that cannot be made, so that the compiler
//! knows that there are none and leaves out what would deal with them.

use core::convert::Infallible;
use core::marker::PhantomData;

use crate::wbxml::{Event, Pull, Sink};
use crate::wire::{Error, ErrorKind};

/// See [`super::Coding::is_supported`].
pub(crate) const SUPPORTED: bool = false;

const UNSUPPORTED: Error = Error::new(ErrorKind::Unsupported, 0);

/// In place of [`crate::xml::Reader`].
#[derive(Clone, Debug)]
pub struct Reader<'a, const DEPTH: usize> {
    never: Infallible,
    document: PhantomData<&'a ()>,
}

impl<const DEPTH: usize> Reader<'_, DEPTH> {
    pub(crate) const fn new(_: &[u8]) -> Result<Self, Error> {
        Err(UNSUPPORTED)
    }
}

impl<'a, const DEPTH: usize> Pull<'a> for Reader<'a, DEPTH> {
    fn next(&mut self) -> Result<Option<Event<'a>>, Error> {
        match self.never {}
    }

    fn at(&self) -> usize {
        match self.never {}
    }
}

/// In place of [`crate::xml::Writer`].
#[derive(Debug)]
pub struct Writer<'b, const DEPTH: usize> {
    never: Infallible,
    document: PhantomData<&'b ()>,
}

/// In place of its mark.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Mark<const DEPTH: usize> {
    never: Infallible,
}

impl<'b, const DEPTH: usize> Writer<'b, DEPTH> {
    pub(crate) const fn with_base64(_: &'b mut [u8]) -> Result<Self, Error> {
        Err(UNSUPPORTED)
    }

    pub(crate) const fn at(&self) -> usize {
        match self.never {}
    }

    pub(crate) const fn room(&self) -> usize {
        match self.never {}
    }

    pub(crate) const fn mark(&self) -> Mark<DEPTH> {
        match self.never {}
    }

    pub(crate) const fn resume(_: &'b mut [u8], mark: &Mark<DEPTH>) -> Result<Self, Error> {
        match mark.never {}
    }

    pub(crate) const fn finish(self) -> Result<&'b [u8], Error> {
        match self.never {}
    }
}

impl<const DEPTH: usize> Sink for Writer<'_, DEPTH> {
    fn start(&mut self, _: &str) -> Result<(), Error> {
        match self.never {}
    }

    fn attribute(&mut self, _: &str, _: &str) -> Result<(), Error> {
        match self.never {}
    }

    fn attribute_opaque(&mut self, _: &str, _: &[u8]) -> Result<(), Error> {
        match self.never {}
    }

    fn text(&mut self, _: &str) -> Result<(), Error> {
        match self.never {}
    }

    fn opaque(&mut self, _: &[u8]) -> Result<(), Error> {
        match self.never {}
    }

    fn end(&mut self) -> Result<(), Error> {
        match self.never {}
    }
}

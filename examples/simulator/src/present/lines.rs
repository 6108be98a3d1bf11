//! Where live presenters write: the first failure is kept, so that watching never stops a run.

use std::io::{self, Write};

use crate::feed::Observer;

/// A presenter that writes while the run goes on.
pub trait Live: Observer {
    /// Ends the presentation: the first error of writing, if there was one.
    fn finish(self: Box<Self>) -> io::Result<()>;
}

/// Lines to `W`; after the first failure nothing more is written.
#[derive(Debug)]
pub(super) struct Lines<W> {
    out: W,
    failure: Option<io::Error>,
}

impl<W: Write> Lines<W> {
    pub(super) fn new(out: W) -> Self {
        Self { out, failure: None }
    }

    /// Writes a line and flushes it, so that a pipe sees it at once.
    pub(super) fn line(&mut self, line: &str) {
        if self.failure.is_none() {
            self.failure = writeln!(self.out, "{line}").and_then(|()| self.out.flush()).err();
        }
    }

    pub(super) fn finish(self) -> io::Result<()> {
        self.failure.map_or(Ok(()), Err)
    }
}

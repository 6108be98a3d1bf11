//! One JSON object per item and line.

use std::io::{self, Write};

use super::lines::{Lines, Live};
use crate::feed::{Feed, Observer};

/// Writes each item of the feed as a line of JSON; the object's `event` names its kind.
#[derive(Debug)]
pub struct Json<W> {
    lines: Lines<W>,
}

impl<W: Write> Json<W> {
    /// A presenter that writes to `out`.
    pub fn new(out: W) -> Self {
        Self { lines: Lines::new(out) }
    }
}

impl<W: Write> Observer for Json<W> {
    fn feed(&mut self, feed: &Feed) {
        match serde_json::to_string(feed) {
            Ok(line) => self.lines.line(&line),
            // Strings, numbers and lists always have a JSON form; the type of the function does not know that.
            Err(error) => self.lines.line(&serde_json::json!({ "error": error.to_string() }).to_string()),
        }
    }
}

impl<W: Write> Live for Json<W> {
    fn finish(self: Box<Self>) -> io::Result<()> {
        self.lines.finish()
    }
}

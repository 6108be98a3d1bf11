//! What a document codec writes to, once for both codings.

use super::Name;
use crate::wire::Error;

/// Takes a document in order: `start`, its attributes, its content, `end`.
///
/// Names are text; the WBXML writer chooses the tokens. Errors are [`crate::wire::ErrorKind::NoRoom`] when the
/// buffer is full, `LimitExceeded` beyond the writer's depth, `BadValue` when the order is broken (an attribute after
/// content, an `end` too many), `BadText` for characters that XML cannot carry, `Unsupported` for what the coding
/// has no form for.
pub trait Sink {
    /// Opens an element.
    fn start(&mut self, name: &str) -> Result<(), Error>;

    /// Opens an element of which the token may be known already.
    fn start_tag(&mut self, name: Name<'_>) -> Result<(), Error> {
        self.start(name.text().unwrap_or_default())
    }

    /// Adds an attribute to the element that was just opened.
    fn attribute(&mut self, name: &str, value: &str) -> Result<(), Error>;

    /// Adds an attribute whose value is octets in WBXML. XML writes them as base64 or refuses them, as it was made.
    fn attribute_opaque(&mut self, name: &str, octets: &[u8]) -> Result<(), Error>;

    /// Adds characters to the content of the innermost open element.
    fn text(&mut self, text: &str) -> Result<(), Error>;

    /// Adds octets to the content. XML writes them as base64 or refuses them, as it was made.
    fn opaque(&mut self, octets: &[u8]) -> Result<(), Error>;

    /// Closes the innermost open element.
    fn end(&mut self) -> Result<(), Error>;
}

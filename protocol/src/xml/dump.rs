//! Any text, decoded as far as it goes.

use core::fmt::{self, Write};

use super::Reader;
use crate::wbxml::{DUMP_DEPTH, conclude, dump_events, tell_fault};
use crate::wire::Error;

/// Writes one line per event, with the offset of its first octet in hexadecimal, indented by depth; then the
/// tolerated deviations; then the fault, if the text is broken, which is returned too. The counterpart of [`crate::wbxml::dump()`] for text.
pub fn dump(bytes: &[u8], out: &mut impl Write) -> Result<Option<Error>, fmt::Error> {
    let mut reader = match Reader::<DUMP_DEPTH>::new(bytes) {
        Ok(reader) => reader,
        Err(fault) => return tell_fault(fault, out),
    };
    let fault = dump_events(&mut reader, out)?;
    conclude(reader.quirks(), fault, out)
}

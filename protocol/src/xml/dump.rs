//! Any text, decoded as far as it goes.

use core::fmt::{self, Write};

use super::Reader;
use crate::wbxml::{DUMP_DEPTH, dump_events, tell_fault};
use crate::wire::Error;

/// Writes one line per event, with the offset of its first octet in hexadecimal, indented by depth; then the fault, if
/// the text is broken, which is returned too. The twin of [`crate::wbxml::dump()`] for text.
pub fn dump(bytes: &[u8], out: &mut impl Write) -> Result<Option<Error>, fmt::Error> {
    let fault = match Reader::<DUMP_DEPTH>::new(bytes) {
        Ok(mut reader) => dump_events(&mut reader, out)?,
        Err(fault) => Some(fault),
    };
    fault.map_or(Ok(None), |fault| tell_fault(fault, out))
}

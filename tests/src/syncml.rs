//! A device-management message that is read and written again.

use kedge_protocol::syncml::limits::SCRATCH;
use kedge_protocol::syncml::{Dialect, Element, Format, Header, Item, Message, Part, Writer};
use kedge_protocol::wap::Coding;
use kedge_protocol::wire::Error;

/// Octets of the largest message, which is more than any of its texts takes.
pub const ROOM: usize = 64 * 1024;

/// The message written anew.
///
/// # Errors
///
/// Those of reading it, and of writing what a message may say but ours never do.
pub fn rewritten(from: Coding, bytes: &[u8], to: Coding) -> Result<Vec<u8>, Error> {
    let (mut scratch, mut more, mut out) = (vec![0; ROOM], vec![0; ROOM], vec![0; ROOM]);
    let message = Message::check(from, bytes, &mut scratch)?;
    let is_final = message.is_final();
    // What VerDTD says need not fit what VerProto says in a message that is read.
    let header = message.header(&mut scratch)?;
    let header = Header { dtd: header.dialect().unwrap_or(Dialect::V1_2).dtd(), ..header };
    let mut writer = Writer::new(to, &mut out, &header)?;
    let mut body = message.body()?;
    let mut scratch = vec![0; SCRATCH];
    while let Some(element) = body.next(&mut scratch)? {
        match element {
            Element::Begin(head) => writer.begin(&head)?,
            Element::End(_) => writer.end()?,
            Element::Command(head, mut parts) => {
                let mut command = writer.command(&head)?;
                while let Some(part) = parts.next(&mut more)? {
                    command = match part {
                        Part::TargetRef(uri) => command.target_ref(uri)?,
                        Part::SourceRef(uri) => command.source_ref(uri)?,
                        Part::Item(item) => command.item(&in_coding(item, to))?,
                    };
                }
                command.end()?;
            }
        }
    }
    Ok(writer.finish(is_final)?.to_vec())
}

/// XML has text where WBXML may have it as octets (`C3`), as libdmclient writes all data.
fn in_coding(item: Item<'_>, to: Coding) -> Item<'_> {
    match item.data.and_then(|data| data.text()) {
        Some(text) if to == Coding::Xml && item.meta.format() != Some(Format::Bin) => item.text(text),
        _ => item,
    }
}

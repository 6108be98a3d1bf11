use core::fmt;

use super::{Element, Head, Item, Message, Part, Parts};
use crate::wap::Coding;
use crate::wire::Error;

/// Octets of work space: longer texts are shown only where the document has them in one piece.
const SCRATCH: usize = 4096;

/// Shows a message of either coding line by line, a broken one up to its fault.
///
/// The fault is written and returned. Credentials and the data of items are shown: this is for developers, not for logs of
/// products.
pub fn dump(coding: Coding, bytes: &[u8], out: &mut dyn fmt::Write) -> Result<Option<Error>, fmt::Error> {
    let message = Message::of_checked(coding, bytes);
    match show(&message, out)? {
        Ok(()) => Ok(None),
        Err(fault) => {
            writeln!(out, "!! {fault}")?;
            Ok(Some(fault))
        }
    }
}

fn show(message: &Message<'_>, out: &mut dyn fmt::Write) -> Result<Result<(), Error>, fmt::Error> {
    let mut scratch = [0; SCRATCH];
    match message.header(&mut scratch) {
        Ok(header) => writeln!(
            out,
            "{} session {} message {} from {} to {}",
            header.protocol, header.session, header.message, header.source.uri, header.target.uri
        )?,
        Err(fault) => return Ok(Err(fault)),
    }
    let mut body = match message.body() {
        Ok(body) => body,
        Err(fault) => return Ok(Err(fault)),
    };
    let mut depth = 1_usize;
    loop {
        match body.next(&mut scratch) {
            Ok(None) => break,
            Ok(Some(Element::Begin(head))) => {
                line(&head, depth, out)?;
                depth = depth.saturating_add(1);
            }
            Ok(Some(Element::End(_))) => depth = depth.saturating_sub(1),
            Ok(Some(Element::Command(head, parts))) => {
                line(&head, depth, out)?;
                if let Err(fault) = show_parts(parts, depth.saturating_add(1), out)? {
                    return Ok(Err(fault));
                }
            }
            Err(fault) => return Ok(Err(fault)),
        }
    }
    if body.is_final() {
        writeln!(out, "  final")?;
    }
    Ok(Ok(()))
}

fn line(head: &Head<'_>, depth: usize, out: &mut dyn fmt::Write) -> fmt::Result {
    write!(out, "{:1$}", "", depth.saturating_mul(2))?;
    write!(out, "{} {}", head.name, head.id)?;
    if let (Some(message), Some(command)) = (head.msg_ref, head.cmd_ref) {
        write!(out, " of {message}.{command}")?;
    }
    if let Some(cmd) = head.cmd {
        write!(out, " {cmd}")?;
    }
    if let Some(code) = head.code() {
        write!(out, ": {} {code}", code.0)?;
    }
    if let Some(code) = head.alert_code() {
        write!(out, ": {} {code}", code.0)?;
    }
    if let Some(correlator) = head.correlator {
        write!(out, " correlator {correlator}")?;
    }
    if let Some(chal) = head.chal {
        write!(out, " challenge {}", chal.scheme)?;
    }
    writeln!(out)
}

fn show_parts(
    mut parts: Parts<'_>,
    depth: usize,
    out: &mut dyn fmt::Write,
) -> Result<Result<(), Error>, fmt::Error> {
    let mut scratch = [0; SCRATCH];
    loop {
        match parts.next(&mut scratch) {
            Ok(None) => return Ok(Ok(())),
            Ok(Some(part)) => {
                write!(out, "{:1$}", "", depth.saturating_mul(2))?;
                match part {
                    Part::TargetRef(uri) => writeln!(out, "target {uri}")?,
                    Part::SourceRef(uri) => writeln!(out, "source {uri}")?,
                    Part::Item(item) => show_item(&item, out)?,
                }
            }
            Err(fault) => return Ok(Err(fault)),
        }
    }
}

fn show_item(item: &Item<'_>, out: &mut dyn fmt::Write) -> fmt::Result {
    write!(out, "item")?;
    for location in [item.source, item.target].into_iter().flatten() {
        write!(out, " {}", location.uri)?;
    }
    if let Some(format) = item.meta.format {
        write!(out, " {format}")?;
    }
    if let Some(media_type) = item.meta.media_type {
        write!(out, " {media_type}")?;
    }
    if let Some(data) = item.data {
        match data.text() {
            Some(text) => write!(out, " = {text:?}")?,
            None => write!(out, " = {} octets", data.octets().len())?,
        }
    }
    writeln!(out, "{}", if item.more_data { " .." } else { "" })
}

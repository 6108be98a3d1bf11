//! protocol: MMC documents and the IOTA session, with its full receive buffer in RAM.

use crate::opaque::{any, octets, text, used};
use crate::session;
use kedge_protocol::iota::limits::{MAX_BODY, MAX_DOCUMENT};
use kedge_protocol::iota::mmc::{Command, Content, Document, Element, Fault, Head, SCRATCH, Verb, Writer};
use kedge_protocol::iota::resolve;
use kedge_protocol::wap::Coding;
use kedge_protocol::wire::Error;

#[inline(never)]
pub fn run() {
    used(read()).ok();
    used(write()).ok();
    used(session::push()).ok();
    used(session::converse(crate::room!(MAX_BODY), crate::room!(MAX_DOCUMENT))).ok();
    used(resolve(text(), text(), crate::room!(255)));
}

#[inline(never)]
fn read() -> Result<(), Fault> {
    let scratch = crate::room!(SCRATCH);
    let document = Document::check(any(Coding::Wbxml), octets(), scratch)?;
    used((document.coding(), document.len(), document.claims_iota()));
    used(document.head(scratch)?);
    used(document.element(any(3), scratch)?.map(|element| element.id()));
    used(document.outline(any(3), scratch)?.map(|element| element.id()));
    let mut elements = document.elements(scratch)?;
    while let Some(element) = elements.next(scratch)? {
        if let Element::Command(command) = element {
            used((command.has_object_name(), command.verb.name()));
        }
    }
    Ok(())
}

#[inline(never)]
fn write() -> Result<(), Error> {
    let head = any(Head::Device { session: text(), re: any(1) });
    let mut writer = Writer::new(any(Coding::Xml), crate::room!(MAX_DOCUMENT), &head)?;
    while any(true) {
        writer.command(&any(Command::new(any(1), Verb::Write).on(text()).with(Content::Text(text()))))?;
    }
    used(writer.finish()?);
    Ok(())
}

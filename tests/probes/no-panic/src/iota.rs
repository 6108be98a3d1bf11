//! protocol: MMC documents and the IOTA session, with its full receive buffer in RAM.

use crate::opaque::{any, octets, text, used};
use core::time::Duration;
use kedge_protocol::iota::limits::{MAX_BODY, MAX_DOCUMENT};
use kedge_protocol::iota::mmc::{Command, Content, Document, Element, Fault, Head, SCRATCH, Session, Verb, Writer};
use kedge_protocol::iota::session::{CommandResult, Config, Input, Output, Reason, Reply, SessionError, Value};
use kedge_protocol::iota::{ResultCode, TrustedDomain, resolve, trigger};
use kedge_protocol::wap::{self, Coding, Packet, Push};
use kedge_protocol::wire::Error;

#[inline(never)]
pub fn run() {
    used(read()).ok();
    used(write()).ok();
    used(push()).ok();
    used(session()).ok();
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

#[inline(never)]
fn push() -> Result<(), Error> {
    let push = Push::parse(&Packet::new(octets())?)?;
    let trust = TrustedDomain::new(text(), text());
    used(trust.allows(text()));
    used(trigger::filter(&push, &trust, crate::room!(wap::SCRATCH))).ok();
    Ok(())
}

#[inline(never)]
fn session() -> Result<(), SessionError> {
    let config = any(Config {
        start_url: text(),
        reason: Reason::Push,
        make: text(),
        model: text(),
        version: text(),
        esn: Some(1),
        meid: None,
        trusted_domain: text(),
        boot_url: text(),
        connection_timeout: Duration::from_secs(30),
        session_timeout: Duration::from_secs(300),
    });
    let mut session = Session::new(&config, crate::room!(MAX_BODY), crate::room!(MAX_DOCUMENT))?;
    while any(true) {
        used(session.receive_buffer());
        let reply = Reply {
            status: any(200),
            content_type: any(Some(text())),
            location: any(Some(text())),
            retry_after: any(Some(7)),
            len: any(100),
        };
        let result = CommandResult { code: any(ResultCode::SUCCESS), value: any(Some(Value::Data(octets()))) };
        let input = match any(0_u8) {
            0 => Input::Start,
            1 => Input::Pushed { content_type: text(), len: any(100) },
            2 => Input::Reply(reply),
            3 => Input::LinkDown,
            4 => Input::Tick,
            5 => Input::Done(result),
            _ => Input::Abort,
        };
        used(session.handle(any(Duration::from_secs(1)), input)).ok();
        match session.poll(any(Duration::from_secs(1))) {
            Output::Send(request) => _ = used((request.url, request.headers.as_slice(), request.body)),
            output => _ = used(output),
        }
    }
    used(session.into_buffers());
    Ok(())
}

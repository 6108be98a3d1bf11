//! protocol: what may start an IOTA session, and the session.

use crate::opaque::{any, octets, text, used};
use core::time::Duration;
use kedge_protocol::iota::mmc::Session;
use kedge_protocol::iota::session::{
    CommandResult, Config, Input, Output, Reason, Reply, SessionError, Value,
};
use kedge_protocol::iota::{ResultCode, TrustedDomain, trigger};
use kedge_protocol::wap::{self, Packet, Push};
use kedge_protocol::wire::Error;

#[inline(never)]
pub fn push() -> Result<(), Error> {
    let push = Push::parse(&Packet::new(octets())?)?;
    let trust = TrustedDomain::new(text(), text());
    used(trust.allows(text()));
    used(trigger::filter(&push, &trust, crate::room!(wap::SCRATCH))).ok();
    Ok(())
}

/// A session in buffers of the device's choice.
#[inline(never)]
pub fn converse(receive: &mut [u8], send: &mut [u8]) -> Result<(), SessionError> {
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
    let mut session = Session::new(&config, receive, send)?;
    while any(true) {
        used(session.receive_buffer());
        let reply = Reply {
            status: any(200),
            content_type: any(Some(text())),
            location: any(Some(text())),
            retry_after: any(Some(7)),
            len: any(100),
        };
        let result =
            CommandResult { code: any(ResultCode::SUCCESS), value: any(Some(Value::Data(octets()))) };
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

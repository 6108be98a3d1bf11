//! protocol: short messages of GSM, from PDUs to datagrams and back.

use core::time::Duration;

use crate::opaque::{any, octets, used};
use kedge_protocol::sms::Ports;
use kedge_protocol::sms::gsm::{Deliver, Receiver, Segments, without_service_centre};
use kedge_protocol::wire::Error;

#[inline(never)]
pub fn run() {
    used(receive()).ok();
    used(send()).ok();
}

#[inline(never)]
fn receive() -> Result<(), Error> {
    let [receiver] = crate::room!(Receiver<8, 64>, [const { Receiver::new() }; 1]);
    let message = Deliver::parse(without_service_centre(octets())?)?;
    let now = Duration::from_secs(any(5));
    used(receiver.receive(now, &message, crate::room!(1024)).is_ok());
    used((receiver.expire(now), receiver.deadline(), receiver.counts()));
    Ok(())
}

#[inline(never)]
fn send() -> Result<(), Error> {
    let Some(segments) = Segments::new(octets(), Ports::PUSH, any(7)) else { return Ok(()) };
    let like = Deliver::parse(octets())?;
    for (header, data) in segments {
        let message = Deliver { header, data, ..like };
        used(message.buffer_len());
        used(message.emit(crate::room!(180))?);
    }
    Ok(())
}

//! protocol: short messages of CDMA, read, put together and written.

use core::time::Duration;

use crate::opaque::{any, octets, text, used};
use kedge_protocol::sms::Ports;
use kedge_protocol::sms::cdma::{Address, MAX_DATAGRAM, MAX_MESSAGE, Outgoing, Receiver};
use kedge_protocol::wire::Error;

#[inline(never)]
pub fn run() {
    receive();
    used(send()).ok();
}

#[inline(never)]
fn receive() {
    let [receiver] = crate::room!(Receiver, [const { Receiver::new() }; 1]);
    while any(true) {
        used(receiver.receive(Duration::from_secs(any(1)), octets(), crate::room!(MAX_DATAGRAM))).ok();
        used((receiver.cells().expire(Duration::from_secs(any(2))), receiver.cells().deadline()));
    }
}

#[inline(never)]
fn send() -> Result<(), Error> {
    let outgoing = Outgoing { from: Address::new(text()).unwrap_or(Address::NONE), message_id: any(1) };
    used(Outgoing::segments(octets(), any(1)));
    used(outgoing.segment(Ports::PUSH, octets(), (any(0), any(1)), crate::room!(MAX_MESSAGE))?);
    used(outgoing.text(text(), crate::room!(MAX_MESSAGE))?);
    Ok(())
}

//! Short messages of either bearer: put together to datagrams, which go by their ports.
//!
//! ```text
//!  short message ─► Messages ─┬─ datagram to port 2948 ─► push
//!                             ├─ datagram to another port ─► handed back, for whoever listens there
//!                             └─ text ─► shown, if the user waits for an activation that he dialled for
//! ```

use core::time::Duration;

use kedge_platform::crypto::Crypto;
use kedge_platform::flash::NorFlash;
use kedge_protocol::sms::cdma::{self, Received};
use kedge_protocol::sms::gsm::{self, Deliver, Outcome};
use kedge_protocol::sms::{Port, Ports};

use super::{Agent, Context};
use crate::error::AgentError;
use crate::event::Event;
use crate::limits;
use crate::store::Key;

/// What kind of modem a short message comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Bearer {
    /// CDMA: an IS-637 transport layer message.
    Cdma,
    /// GSM and its successors: an SMS-DELIVER PDU, without the service centre's address.
    Gsm,
}

/// What became of a short message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Arrived<'d> {
    /// It was the agent's, or a part of something that may be.
    Taken,
    /// A whole datagram that is not the agent's: for whoever listens at its port.
    Datagram {
        /// Where it goes, and where it says it comes from.
        ports: Ports,
        /// Its octets.
        octets: &'d [u8],
    },
    /// It belongs to the device's other applications, or is malformed, which was shown as an event.
    NotOurs,
}

/// Where the parts of GSM datagrams wait for each other.
pub type GsmReceiver = gsm::Receiver<{ limits::GSM_DATAGRAMS }, { limits::GSM_PARTS }>;

/// Where the parts of datagrams wait for each other: of the bearers that the device has. Messages of another bearer are not the
/// agent's.
#[derive(Debug, Default)]
pub struct Messages<'b> {
    /// CDMA.
    pub cdma: Option<&'b mut cdma::Receiver>,
    /// GSM.
    pub gsm: Option<&'b mut GsmReceiver>,
}

impl<'b> Messages<'b> {
    /// Of a CDMA device.
    pub const fn cdma(receiver: &'b mut cdma::Receiver) -> Self {
        Self { cdma: Some(receiver), gsm: None }
    }

    /// Of a GSM device.
    pub const fn gsm(receiver: &'b mut GsmReceiver) -> Self {
        Self { cdma: None, gsm: Some(receiver) }
    }

    /// Takes a message; `buffer` is for a whole datagram or text.
    fn take<'d, F, C>(
        &mut self,
        context: &mut Context<'_, F, C>,
        bearer: Bearer,
        message: &[u8],
        buffer: &'d mut [u8],
    ) -> Found<'d> {
        let now = context.now;
        match (bearer, &mut self.cdma, &mut self.gsm) {
            (Bearer::Cdma, Some(receiver), _) => {
                let received = receiver.receive(now, message, buffer);
                context.event(&Event::ShortMessage { octets: message, received });
                match received {
                    Ok(Received::Waiting(_) | Received::Duplicate) => Found::Part,
                    Ok(Received::Datagram { ports, octets, .. }) => Found::Datagram(ports, octets),
                    Ok(Received::Text { text, .. }) => Found::Text(text),
                    Err(_) => Found::Nothing,
                }
            }
            (Bearer::Gsm, _, Some(receiver)) => gsm_message(receiver, context, now, message, buffer),
            (Bearer::Cdma | Bearer::Gsm, ..) => Found::Nothing,
        }
    }
}

/// What a short message held.
enum Found<'d> {
    Datagram(Ports, &'d [u8]),
    Text(&'d str),
    Part,
    Nothing,
}

fn gsm_message<'d, F, C>(
    receiver: &mut GsmReceiver,
    context: &mut Context<'_, F, C>,
    now: Duration,
    pdu: &[u8],
    buffer: &'d mut [u8],
) -> Found<'d> {
    let message = match Deliver::parse(pdu) {
        Ok(message) => message,
        Err(error) => {
            context.event(&Event::MessageMalformed(error));
            return Found::Nothing;
        }
    };
    match receiver.receive(now, &message, buffer) {
        Ok(Outcome::Datagram(datagram)) => return Found::Datagram(datagram.ports, datagram.payload),
        Ok(Outcome::Part(missing)) => context.event(&Event::MessagePart { missing: Some(missing) }),
        Ok(Outcome::Duplicate) => context.event(&Event::MessagePart { missing: None }),
        Err(why) => {
            context.event(&Event::MessageIgnored(why));
            return Found::Nothing;
        }
    }
    Found::Part
}

impl<const PRL: usize> Agent<'_, PRL> {
    /// Takes a short message as the modem has it. `buffer` takes a datagram that is whole: [`cdma::MAX_DATAGRAM`] octets are
    /// enough for CDMA, [`limits::GSM_DATAGRAM`] for GSM.
    ///
    /// A push is handled like [`Agent::push`]. What is malformed is shown as an event and changes nothing.
    pub fn message<'d, F: NorFlash, C: Crypto>(
        &mut self,
        context: &mut Context<'_, F, C>,
        bearer: Bearer,
        message: &[u8],
        buffer: &'d mut [u8],
    ) -> Result<Arrived<'d>, AgentError<F::Error>> {
        match self.messages.take(context, bearer, message, buffer) {
            Found::Datagram(ports, octets) if ports.destination == Port::PUSH => {
                self.push(context, octets)?;
                Ok(Arrived::Taken)
            }
            Found::Datagram(ports, octets) => Ok(Arrived::Datagram { ports, octets }),
            Found::Text(text) if self.desk.store.len(Key::Dialled as u8).is_some() => {
                // The newer of two texts counts.
                self.text = Some(super::push::shortened(text));
                Ok(Arrived::Taken)
            }
            Found::Part => Ok(Arrived::Taken),
            Found::Text(_) | Found::Nothing => Ok(Arrived::NotOurs),
        }
    }
}

//! Short messages: put together to datagrams, which go by their ports.

use kedge_platform::crypto::Crypto;
use kedge_platform::flash::NorFlash;
use kedge_protocol::sms::Port;
use kedge_protocol::sms::gsm::{Datagram, Deliver, Outcome, Receiver};

use super::{Agent, Context};
use crate::error::AgentError;
use crate::event::Event;

impl<const PRL: usize> Agent<'_, PRL> {
    /// Takes an SMS-DELIVER PDU, without the service centre's address. `receiver` keeps the parts of datagrams; `buffer`
    /// takes one that is whole.
    ///
    /// A push is handled like [`Agent::push`]; a datagram for another port is handed back, for whoever listens there.
    pub fn message<'d, F: NorFlash, C: Crypto, const DATAGRAMS: usize, const PARTS: usize>(
        &mut self,
        context: &mut Context<'_, F, C>,
        receiver: &mut Receiver<DATAGRAMS, PARTS>,
        pdu: &[u8],
        buffer: &'d mut [u8],
    ) -> Result<Option<Datagram<'d>>, AgentError<F::Error>> {
        let message = match Deliver::parse(pdu) {
            Ok(message) => message,
            Err(error) => {
                context.event(&Event::MessageMalformed(error));
                return Ok(None);
            }
        };
        match receiver.receive(context.now, &message, buffer) {
            Ok(Outcome::Datagram(datagram)) if datagram.ports.destination == Port::PUSH => {
                self.push(context, datagram.payload)?;
            }
            Ok(Outcome::Datagram(datagram)) => return Ok(Some(datagram)),
            Ok(Outcome::Part(missing)) => context.event(&Event::MessagePart { missing: Some(missing) }),
            Ok(Outcome::Duplicate) => context.event(&Event::MessagePart { missing: None }),
            Err(why) => context.event(&Event::MessageIgnored(why)),
        }
        Ok(None)
    }
}

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
use kedge_protocol::sms::cdma::{self, Received, RefusedMessage};
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

    /// Takes a message; `buffer` is for a whole datagram or text. `None` if it led to nothing.
    fn take<'d, F, C>(
        &mut self,
        context: &mut Context<'_, F, C>,
        bearer: Bearer,
        message: &[u8],
        buffer: &'d mut [u8],
    ) -> Option<Contents<'d>> {
        let now = context.now;
        let contents = match (bearer, &mut self.cdma, &mut self.gsm) {
            (Bearer::Cdma, Some(receiver), _) => from_cdma(receiver, now, message, buffer),
            (Bearer::Gsm, _, Some(receiver)) => from_gsm(receiver, now, message, buffer),
            (Bearer::Cdma | Bearer::Gsm, ..) => Err(Unusable::Bearer),
        };
        context.event(&Event::ShortMessage { bearer, octets: message, contents });
        contents.ok()
    }
}

/// What a short message held, whatever network brought it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Contents<'d> {
    /// A part of a datagram; so many more are to come.
    Part(u8),
    /// A part that had come before.
    Duplicate,
    /// The last part of this datagram, or all of it.
    Datagram {
        /// Where it goes, and where it says it comes from.
        ports: Ports,
        /// Its octets.
        octets: &'d [u8],
    },
    /// A text for the user.
    Text(&'d str),
}

/// Why a short message led to nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Unusable {
    /// The device has no receiver for messages of this bearer.
    Bearer,
    /// A message of CDMA was refused.
    Cdma(RefusedMessage),
    /// A message of GSM is malformed.
    Malformed(kedge_protocol::wire::Error),
    /// A message of GSM is not for applications, or does not fit what came before.
    Ignored(gsm::Ignored),
}

impl core::fmt::Display for Unusable {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self {
            Self::Bearer => f.write_str("no receiver for this bearer"),
            Self::Cdma(why) => why.fmt(f),
            Self::Malformed(error) => write!(f, "malformed message: {error}"),
            Self::Ignored(why) => why.fmt(f),
        }
    }
}

impl core::error::Error for Unusable {}

fn from_cdma<'d>(
    receiver: &mut cdma::Receiver,
    now: Duration,
    message: &[u8],
    buffer: &'d mut [u8],
) -> Result<Contents<'d>, Unusable> {
    Ok(match receiver.receive(now, message, buffer).map_err(Unusable::Cdma)? {
        Received::Waiting(missing) => Contents::Part(missing),
        Received::Duplicate => Contents::Duplicate,
        Received::Datagram { ports, octets, .. } => Contents::Datagram { ports, octets },
        Received::Text { text, .. } => Contents::Text(text),
    })
}

fn from_gsm<'d>(
    receiver: &mut GsmReceiver,
    now: Duration,
    pdu: &[u8],
    buffer: &'d mut [u8],
) -> Result<Contents<'d>, Unusable> {
    let message = Deliver::parse(pdu).map_err(Unusable::Malformed)?;
    Ok(match receiver.receive(now, &message, buffer).map_err(Unusable::Ignored)? {
        Outcome::Part(missing) => Contents::Part(missing),
        Outcome::Duplicate => Contents::Duplicate,
        Outcome::Datagram(datagram) => Contents::Datagram { ports: datagram.ports, octets: datagram.payload },
    })
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
            Some(Contents::Datagram { ports, octets }) if ports.destination == Port::PUSH => {
                self.push(context, octets)?;
                Ok(Arrived::Taken)
            }
            Some(Contents::Datagram { ports, octets }) => Ok(Arrived::Datagram { ports, octets }),
            Some(Contents::Text(text)) if self.desk.store.len(Key::Dialled as u8).is_some() => {
                // The newer of two texts counts.
                self.text = Some(super::push::shortened(text));
                Ok(Arrived::Taken)
            }
            Some(Contents::Part(_) | Contents::Duplicate) => Ok(Arrived::Taken),
            Some(Contents::Text(_)) | None => Ok(Arrived::NotOurs),
        }
    }
}

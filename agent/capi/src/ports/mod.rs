//! The ports, as structures of function pointers.
//!
//! Each has a `context`, which is handed to its functions as the first argument and not looked at. Functions marked optional
//! may be null; where any other is null, the agent does not start ([`KedgeStatus::Port`]).
//!
//! [`KedgeStatus::Port`]: crate::status::KedgeStatus::Port

mod flash;
mod http;
mod local;
mod network;

pub use flash::{KedgeFlash, kedge_flash_erase_size, kedge_flash_write_size};
pub use http::{KedgeHeader, KedgeHttp, KedgeLink};
pub use local::{KedgeClock, KedgeEntropy, KedgeIdentity, KedgePower, KedgeRestart};
pub use network::{
    KEDGE_PIN_ROOM, KedgeAnswer, KedgePrompt, KedgePromptKind, KedgeRadio, KedgeRadioResult, KedgeUi,
};

pub(crate) use flash::{Flash, FlashFailed};
pub(crate) use http::Http;
pub(crate) use local::{Clock, Entropy, Identity, Power, milliseconds};
pub(crate) use network::{Radio, Ui};

use kedge_agent::runner::Board;
use kedge_platform_crypto::SoftCrypto;

use crate::event::KedgeEvents;
use crate::status::KedgeStatus;

/// All ports of a device. They are copied when an agent starts; what their contexts lead to is not.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
#[allow(missing_docs, reason = "each field is the port of its type")]
pub struct KedgePorts {
    pub flash: KedgeFlash,
    pub identity: KedgeIdentity,
    pub entropy: KedgeEntropy,
    pub clock: KedgeClock,
    pub http: KedgeHttp,
    pub radio: KedgeRadio,
    pub ui: KedgeUi,
    pub power: KedgePower,
    /// Optional: where events go.
    pub events: KedgeEvents,
}

/// The types of the ports.
#[derive(Debug)]
pub(crate) struct InC;

impl Board for InC {
    type Flash = Flash;
    type Crypto = SoftCrypto;
    type Identity = Identity;
    type Entropy = Entropy;
    type Clock = Clock;
    type Http = Http;
    type Radio = Radio;
    type Ui = Ui;
    type Power = Power;
}

/// The ports with every function there is to be; the events are the agent's own affair.
pub(crate) type Checked = kedge_agent::runner::Ports<InC>;

impl KedgePorts {
    /// The ports as the agent wants them.
    ///
    /// # Safety
    /// The functions and texts do what [`KedgePorts`] says of them, for as long as the result is used.
    pub(crate) unsafe fn check(&self) -> Result<Checked, KedgeStatus> {
        // SAFETY: as the caller promises.
        let identity = unsafe { Identity::check(&self.identity) }?;
        Ok(Checked {
            flash: Flash::check(&self.flash)?,
            crypto: SoftCrypto,
            identity,
            entropy: Entropy::check(&self.entropy)?,
            clock: Clock::check(&self.clock)?,
            http: Http::check(&self.http)?,
            radio: Radio::check(&self.radio)?,
            ui: Ui::check(&self.ui)?,
            power: Power::check(&self.power)?,
        })
    }
}

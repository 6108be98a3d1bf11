//! Identity, random octets, time, restarts.

use core::ffi::{c_char, c_void};
use core::time::Duration;

use kedge_platform::identity::HardwareId;
use kedge_platform::power::Restart;

use crate::status::KedgeStatus;
use crate::text::text;

/// Who the device is. Texts are printable ASCII without `;`, at most 64 octets, and stay where they are.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct KedgeIdentity {
    /// Whether `meid` counts, else `esn`.
    pub has_meid: bool,
    /// Electronic serial number.
    pub esn: u32,
    /// Mobile equipment identifier, most significant octet first.
    pub meid: [u8; 7],
    /// Manufacturer.
    pub make: *const c_char,
    /// Model.
    pub model: *const c_char,
    /// Version of the firmware that is running.
    pub version: *const c_char,
    /// The subscriber's identity (IMSI) in decimal digits. Optional: null without a card.
    pub subscriber: *const c_char,
}

/// The same with texts that were checked.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Identity {
    hardware: HardwareId,
    make: &'static str,
    model: &'static str,
    version: &'static str,
    subscriber: Option<&'static str>,
}

impl Identity {
    /// # Safety
    /// The texts end with a zero octet and stay as they are while the result is used.
    pub(crate) unsafe fn check(identity: &KedgeIdentity) -> Result<Self, KedgeStatus> {
        // SAFETY: as the caller promises.
        let needed = |from| unsafe { text(from) }.ok_or(KedgeStatus::Text);
        let subscriber = match identity.subscriber {
            absent if absent.is_null() => None,
            there => Some(needed(there)?),
        };
        let hardware =
            if identity.has_meid { HardwareId::Meid(identity.meid) } else { HardwareId::Esn(identity.esn) };
        let (make, model) = (needed(identity.make)?, needed(identity.model)?);
        Ok(Self { hardware, make, model, version: needed(identity.version)?, subscriber })
    }
}

impl kedge_platform::identity::Identity for Identity {
    fn hardware_id(&self) -> HardwareId {
        self.hardware
    }

    fn make(&self) -> &str {
        self.make
    }

    fn model(&self) -> &str {
        self.model
    }

    fn version(&self) -> &str {
        self.version
    }

    fn subscriber(&self) -> Option<&str> {
        self.subscriber
    }
}

/// Random octets, good enough for nonces.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct KedgeEntropy {
    /// For the functions.
    pub context: *mut c_void,
    /// Fills all of `out`, each time anew.
    pub fill: Option<unsafe extern "C" fn(context: *mut c_void, out: *mut u8, len: usize)>,
}

/// The same with its function there.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Entropy {
    context: *mut c_void,
    fill: unsafe extern "C" fn(*mut c_void, *mut u8, usize),
}

impl Entropy {
    pub(crate) fn check(entropy: &KedgeEntropy) -> Result<Self, KedgeStatus> {
        Ok(Self { context: entropy.context, fill: entropy.fill.ok_or(KedgeStatus::Port)? })
    }
}

impl kedge_platform::entropy::Entropy for Entropy {
    fn fill(&mut self, buf: &mut [u8]) {
        // SAFETY: the function takes that much room, as its type says.
        unsafe { (self.fill)(self.context, buf.as_mut_ptr(), buf.len()) }
    }
}

/// Time, in milliseconds since some moment that means nothing; it never runs backwards.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct KedgeClock {
    /// For the functions.
    pub context: *mut c_void,
    /// The time now.
    pub uptime_ms: Option<unsafe extern "C" fn(context: *mut c_void) -> u64>,
    /// Waits until then, never less.
    pub sleep_until_ms: Option<unsafe extern "C" fn(context: *mut c_void, deadline: u64)>,
}

/// The same with its functions there.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Clock {
    context: *mut c_void,
    uptime_ms: unsafe extern "C" fn(*mut c_void) -> u64,
    sleep_until_ms: unsafe extern "C" fn(*mut c_void, u64),
}

impl Clock {
    pub(crate) fn check(clock: &KedgeClock) -> Result<Self, KedgeStatus> {
        let (Some(uptime_ms), Some(sleep_until_ms)) = (clock.uptime_ms, clock.sleep_until_ms) else {
            return Err(KedgeStatus::Port);
        };
        Ok(Self { context: clock.context, uptime_ms, sleep_until_ms })
    }
}

impl kedge_platform::clock::Clock for Clock {
    fn uptime(&self) -> Duration {
        // SAFETY: the function has no needs.
        Duration::from_millis(unsafe { (self.uptime_ms)(self.context) })
    }

    fn sleep_until(&mut self, deadline: Duration) {
        // SAFETY: the function has no needs.
        unsafe { (self.sleep_until_ms)(self.context, milliseconds(deadline)) }
    }
}

/// Milliseconds, rounded up: who waits for less comes too early.
pub(crate) fn milliseconds(time: Duration) -> u64 {
    let whole = u64::try_from(time.as_millis()).unwrap_or(u64::MAX);
    let rest = time.subsec_nanos().checked_rem(1_000_000).unwrap_or(0);
    whole.saturating_add(u64::from(rest != 0))
}

/// Why the device restarts.
#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KedgeRestart {
    /// To use newly committed settings.
    Settings = 0,
    /// Into the boot stage, which finds its orders in flash.
    Update = 1,
}

impl From<Restart> for KedgeRestart {
    fn from(why: Restart) -> Self {
        match why {
            Restart::Settings => Self::Settings,
            Restart::UpdateAgent => Self::Update,
        }
    }
}

/// Restarting the device.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct KedgePower {
    /// For the functions.
    pub context: *mut c_void,
    /// Restarts. If it returns, so does `kedge_agent_poll`, and the agent must be started anew.
    pub restart: Option<unsafe extern "C" fn(context: *mut c_void, why: KedgeRestart)>,
}

/// The same with its function there.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Power {
    context: *mut c_void,
    restart: unsafe extern "C" fn(*mut c_void, KedgeRestart),
}

impl Power {
    pub(crate) fn check(power: &KedgePower) -> Result<Self, KedgeStatus> {
        Ok(Self { context: power.context, restart: power.restart.ok_or(KedgeStatus::Port)? })
    }
}

impl kedge_platform::power::Power for Power {
    fn restart(&mut self, why: Restart) {
        // SAFETY: the function has no needs.
        unsafe { (self.restart)(self.context, why.into()) }
    }
}

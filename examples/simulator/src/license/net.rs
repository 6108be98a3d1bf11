//! The provisioning server as everybody reaches it, and the truth about the date.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use kedge_network::provisioning::{Policy, Provisioning};
use kedge_network::{Request, Response};
use kedge_platform::clock::{Clock as _, TimeOfDay};
use kedge_platform_sim::bearer::Server;
use kedge_platform_sim::clock::Clock;

use super::{ISSUER_SEED, NAMES};

/// When the flows begin, in seconds since 1970.
pub const START: u64 = 1_893_456_000;
/// Seconds of a day.
const DAY: u64 = 86_400;

/// Changes documents on their way; `None`: leaves this response as it is.
pub type Forger = Box<dyn FnMut(&Response) -> Option<Response> + Send>;

/// The server, with the truth about the time. Clones are the same one.
#[derive(Clone)]
pub struct Net {
    server: Arc<Mutex<Provisioning>>,
    base: Arc<AtomicU64>,
    clock: Clock,
    forger: Arc<Mutex<Option<Forger>>>,
}

impl Net {
    /// A server with this policy, and a clock at [`START`].
    pub(super) fn new(policy: Policy) -> Self {
        let server = Provisioning::new(NAMES, policy, ISSUER_SEED);
        Self {
            server: Arc::new(Mutex::new(server)),
            base: Arc::new(AtomicU64::new(START)),
            clock: Clock::new(),
            forger: Arc::default(),
        }
    }

    /// The date, in seconds since 1970.
    pub fn now(&self) -> u64 {
        self.base.load(Ordering::Relaxed) + self.clock.uptime().as_secs()
    }

    /// Days pass that no device is on.
    pub(super) fn skip(&self, days: u64) {
        self.base.fetch_add(days * DAY, Ordering::Relaxed);
    }

    /// The clock that the devices share.
    pub(super) const fn clock(&self) -> &Clock {
        &self.clock
    }

    /// The server, for its staff and for what a flow wants to know.
    pub fn server(&self) -> MutexGuard<'_, Provisioning> {
        self.server.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The same, for real servers.
    pub(super) fn shared(&self) -> Arc<Mutex<Provisioning>> {
        Arc::clone(&self.server)
    }

    /// Responses are changed on their way from now on, or no longer.
    pub fn forge(&self, forger: Option<Forger>) {
        *self.forger.lock().unwrap_or_else(PoisonError::into_inner) = forger;
    }
}

/// The server, called in process; a forged response is what the device gets.
impl Server for Net {
    fn exchange(&mut self, request: &Request) -> Response {
        let now = self.now();
        let response = self.server().exchange(now, request);
        let mut forger = self.forger.lock().unwrap_or_else(PoisonError::into_inner);
        forger.as_mut().and_then(|forger| forger(&response)).unwrap_or(response)
    }
}

/// The clock of a device.
pub(super) struct Calendar {
    pub(super) net: Net,
    /// What it is wrong by, in days; `None`: it is not set.
    pub(super) days: Option<i64>,
}

impl TimeOfDay for Calendar {
    fn seconds(&self) -> Option<u64> {
        self.days.map(|days| self.net.now().saturating_add_signed(days * 86_400))
    }
}

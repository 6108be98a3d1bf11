//! The operator without sockets: behind the simulated device's bearer, in virtual time.

use crate::operator::Operator;
use kedge_platform::clock::Clock as _;
use kedge_platform_sim::bearer::{Request, Response, Server};
use kedge_platform_sim::clock::Clock;
use std::sync::{Arc, Mutex, PoisonError};

/// An operator as the other end of a [`kedge_platform_sim::bearer::Bearer`]. An `https` URL counts as an authenticated
/// transport.
#[derive(Clone, Debug)]
pub struct InProcess {
    operator: Arc<Mutex<Operator>>,
    clock: Clock,
}

impl InProcess {
    /// `operator`, which reads the time off the device's `clock`.
    pub fn new(operator: Arc<Mutex<Operator>>, clock: Clock) -> Self {
        Self { operator, clock }
    }
}

impl Server for InProcess {
    fn exchange(&mut self, request: &Request) -> Response {
        let tls = request.url.starts_with("https:");
        let mut operator = self.operator.lock().unwrap_or_else(PoisonError::into_inner);
        operator.exchange(self.clock.uptime(), tls, request)
    }
}

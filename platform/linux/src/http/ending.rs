//! The end of a TLS connection, which must be announced.
//!
//! A body without a length goes on to the end of the connection. ureq takes any end for that, also one that TLS did not
//! announce (`close_notify`), which anybody on the way can bring about; so here such an end becomes an error that ureq hands on.

use ureq::Error;
use ureq::unversioned::transport::{Buffers, ConnectionDetails, Connector, NextTimeout, Transport};

/// By this an end that was not announced is known again.
pub(super) const NOT_ANNOUNCED: &str = "the TLS connection ended without close_notify";

/// The last link of a chain of connectors.
#[derive(Debug)]
pub(super) struct Announced;

impl<In: Transport> Connector<In> for Announced {
    type Out = Watched<In>;

    fn connect(&self, _: &ConnectionDetails<'_>, chained: Option<In>) -> Result<Option<Watched<In>>, Error> {
        Ok(chained.map(Watched))
    }
}

/// A connection whose end is watched.
#[derive(Debug)]
pub(super) struct Watched<T>(T);

impl<T: Transport> Transport for Watched<T> {
    fn buffers(&mut self) -> &mut dyn Buffers {
        self.0.buffers()
    }

    fn transmit_output(&mut self, amount: usize, timeout: NextTimeout) -> Result<(), Error> {
        self.0.transmit_output(amount, timeout)
    }

    fn await_input(&mut self, timeout: NextTimeout) -> Result<bool, Error> {
        self.0.await_input(timeout).map_err(|error| match error {
            Error::Io(error) if is_not_announced(&error) => Error::Tls(NOT_ANNOUNCED),
            other => other,
        })
    }

    fn is_open(&mut self) -> bool {
        self.0.is_open()
    }

    fn is_tls(&self) -> bool {
        self.0.is_tls()
    }
}

/// rustls has no value for this, only its words.
fn is_not_announced(error: &std::io::Error) -> bool {
    error.kind() == std::io::ErrorKind::UnexpectedEof && error.to_string().contains("close_notify")
}

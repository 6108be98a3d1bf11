//! How a client is set up.

use core::fmt;
use core::time::Duration;
use std::net::SocketAddr;

use ureq::tls::{Certificate, PemItem, RootCerts, parse_pem};

use super::lookup::Lookup;

/// How a client is set up. The defaults fit a device: built-in roots, names by the system's resolver.
#[derive(Clone, Debug)]
pub struct Options {
    pub(super) timeout: Duration,
    pub(super) roots: RootCerts,
    pub(super) lookup: Lookup,
}

/// The PEM text holds no certificate, or a broken one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BadRoots;

impl fmt::Display for BadRoots {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("no readable certificate in the PEM text")
    }
}

impl core::error::Error for BadRoots {}

impl Options {
    /// A client that gives up when any one step takes longer than `timeout`: finding an address, connecting, sending the
    /// request, waiting for the head of the response, waiting for more of its body. The whole of a download may take longer.
    pub fn new(timeout: Duration) -> Self {
        Self { timeout, roots: RootCerts::WebPki, lookup: Lookup::default() }
    }

    /// Trusts the certificates in `pem` (one or more, as text) and none else, instead of the built-in roots.
    pub fn trust_only(mut self, pem: &str) -> Result<Self, BadRoots> {
        let mut roots: Vec<Certificate<'static>> = Vec::new();
        for item in parse_pem(pem.as_bytes()) {
            match item {
                Ok(PemItem::Certificate(certificate)) => roots.push(certificate),
                Ok(_) => {}
                Err(_) => return Err(BadRoots),
            }
        }
        if roots.is_empty() {
            return Err(BadRoots);
        }
        self.roots = RootCerts::new_with_certs(&roots);
        Ok(self)
    }

    /// Connects to `address` for this host and port, whatever DNS says, as `curl --resolve` does. URL, `Host` header and
    /// certificate check keep the host's name; the port is the URL's, or its scheme's default (80, 443).
    #[must_use]
    pub fn resolve(mut self, host: &str, port: u16, address: SocketAddr) -> Self {
        self.lookup.add(host, port, address);
        self
    }

    /// Knows no other hosts than those given to [`Options::resolve`]: nothing leaves the desk by mistake.
    #[must_use]
    pub fn without_dns(mut self) -> Self {
        self.lookup.without_dns();
        self
    }
}

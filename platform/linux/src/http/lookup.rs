//! From host names to addresses: a fixed table first, then the system.

use std::net::SocketAddr;

use ureq::config::Config;
use ureq::http::Uri;
use ureq::unversioned::resolver::{DefaultResolver, ResolvedSocketAddrs, Resolver};
use ureq::unversioned::transport::NextTimeout;

/// The table, and whether the system may be asked for names that are not in it.
#[derive(Clone, Debug, Default)]
pub(super) struct Lookup {
    fixed: Vec<(String, u16, SocketAddr)>,
    fixed_only: bool,
}

impl Lookup {
    pub(super) fn add(&mut self, host: &str, port: u16, address: SocketAddr) {
        self.fixed.push((host.to_owned(), port, address));
    }

    pub(super) fn without_dns(&mut self) {
        self.fixed_only = true;
    }

    /// The latest entry for host and port.
    fn find(&self, host: &str, port: u16) -> Option<SocketAddr> {
        let entry = self.fixed.iter().rev().find(|(h, p, _)| h.eq_ignore_ascii_case(host) && *p == port);
        entry.map(|(_, _, address)| *address)
    }
}

impl Resolver for Lookup {
    fn resolve(
        &self,
        uri: &Uri,
        config: &Config,
        timeout: NextTimeout,
    ) -> Result<ResolvedSocketAddrs, ureq::Error> {
        let default_port = if uri.scheme_str() == Some("https") { 443 } else { 80 };
        let port = uri.port_u16().unwrap_or(default_port);
        if let Some(address) = uri.host().and_then(|host| self.find(host, port)) {
            let mut addresses = self.empty();
            addresses.push(address);
            Ok(addresses)
        } else if self.fixed_only {
            Err(ureq::Error::HostNotFound)
        } else {
            DefaultResolver::default().resolve(uri, config, timeout)
        }
    }
}

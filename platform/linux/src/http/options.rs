//! How a client is set up.

use core::fmt;
use core::time::Duration;
use std::net::SocketAddr;

use std::sync::Arc;

use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use ureq::Proxy;
use ureq::tls::{Certificate, ClientCert, PemItem, PrivateKey, RootCerts, parse_pem};

use super::lookup::Lookup;

/// How a client is set up. The defaults fit a device: built-in roots, names by the system's resolver.
#[derive(Clone, Debug)]
pub struct Options {
    pub(super) timeout: Duration,
    pub(super) roots: RootCerts,
    pub(super) identity: Option<ClientCert>,
    pub(super) proxy: Option<Proxy>,
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

/// The PEM texts do not hold a certificate chain and the key that belongs to its first certificate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BadIdentity;

impl fmt::Display for BadIdentity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("no certificate in the PEM texts, or not the private key that belongs to it")
    }
}

impl core::error::Error for BadIdentity {}

/// Not the URL of an HTTP proxy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BadProxy;

impl fmt::Display for BadProxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("not the URL of an HTTP proxy: http://[USER:PASSWORD@]HOST:PORT")
    }
}

impl core::error::Error for BadProxy {}

impl Options {
    /// A client that gives up when any one step takes longer than `timeout`: finding an address, connecting, sending the
    /// request, waiting for the head of the response, waiting for more of its body. The whole of a download may take longer.
    pub fn new(timeout: Duration) -> Self {
        Self { timeout, roots: RootCerts::WebPki, identity: None, proxy: None, lookup: Lookup::default() }
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

    /// Shows servers that ask for one the client certificate in `chain`, its issuers behind it, and signs with `key`; both are
    /// PEM texts, the key in PKCS #8, PKCS #1 or SEC 1 form.
    pub fn identify(mut self, chain: &str, key: &str) -> Result<Self, BadIdentity> {
        let mut certificates = Vec::new();
        for item in parse_pem(chain.as_bytes()) {
            if let PemItem::Certificate(certificate) = item.map_err(|_| BadIdentity)? {
                certificates.push(certificate);
            }
        }
        let key_pem = PrivateKey::from_pem(key.as_bytes()).map_err(|_| BadIdentity)?;
        // ureq finds out only when it connects, and panics then
        let der =
            certificates.iter().map(|certificate| CertificateDer::from(certificate.der().to_vec())).collect();
        let key_der = PrivateKeyDer::try_from(key_pem.der().to_vec()).map_err(|_| BadIdentity)?;
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        rustls::ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .and_then(|builder| {
                builder
                    .with_root_certificates(rustls::RootCertStore::empty())
                    .with_client_auth_cert(der, key_der)
            })
            .map_err(|_| BadIdentity)?;
        if certificates.is_empty() {
            return Err(BadIdentity);
        }
        self.identity = Some(ClientCert::new_with_certs(&certificates, key_pem));
        Ok(self)
    }

    /// Goes through this HTTP proxy, which is asked to connect (`CONNECT`) to host and port of every URL, `http` ones too, and
    /// looks up their names itself. [`Options::resolve`] is for the proxy's own name then.
    pub fn proxy(mut self, url: &str) -> Result<Self, BadProxy> {
        // SOCKS is another build of ureq, and TLS to the proxy hides nothing that TLS to the server does not
        if !url.starts_with("http://") {
            return Err(BadProxy);
        }
        self.proxy = Some(Proxy::new(url).map_err(|_| BadProxy)?);
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

//! HTTP and HTTPS over ureq: the [`Connection`] port.
//!
//! As the port demands, redirects are not followed, certificates are checked, each step has a time limit, and a status
//! of 400 or above is a response like any other. On top:
//!
//! - Nothing is added to the caller's headers but `Host` and the length; in particular no `User-Agent` and no `Accept`.
//! - Connections are kept alive between exchanges when the response was read to its end.
//! - Proxies from the environment are not used.
//! - The body of a request is held in memory until the response is asked for, at most [`MAX_REQUEST_BODY`] octets; the
//!   body of a response is streamed.

mod ending;
mod error;
mod lookup;
mod options;
mod reply;

use ending::Announced;
pub use error::Error;
use kedge_platform::http::{Connection, ErrorType, Headers, Method, Read, Status, Write};
pub use options::{BadIdentity, BadProxy, BadRoots, Options};
pub use reply::{Head, Incoming};
use ureq::config::AutoHeaderValue;
use ureq::http::header::{CONNECTION, CONTENT_LENGTH, HOST, TRANSFER_ENCODING};
use ureq::http::{self, HeaderName, HeaderValue, Request, Uri};
use ureq::tls::TlsConfig;
use ureq::unversioned::transport::{Connector as _, DefaultConnector};
use ureq::{Agent, http::request::Builder};

/// Longest body of a request: device reports and provisioning messages are below 64 KiB, so this leaves room for what a
/// desk tool may send, and bounds the memory.
pub const MAX_REQUEST_BODY: usize = 1 << 20;

/// Longest head of a response, status line and headers: as much as common servers allow for a request.
pub const MAX_RESPONSE_HEAD: usize = 16 << 10;

/// An HTTP client; see the [module](self).
#[derive(Debug)]
pub struct HttpClient {
    agent: Agent,
    request: Option<Outgoing>,
    head: Head,
    incoming: Incoming,
}

/// A request that is being written.
#[derive(Debug)]
struct Outgoing {
    request: Request<()>,
    has_body: bool,
    length: usize,
    body: Vec<u8>,
}

impl HttpClient {
    /// A client without open connections.
    pub fn new(options: Options) -> Self {
        let limit = Some(options.timeout);
        let config = Agent::config_builder()
            .http_status_as_error(false)
            .max_redirects(0)
            .proxy(options.proxy)
            .user_agent(AutoHeaderValue::None)
            .accept(AutoHeaderValue::None)
            .accept_encoding(AutoHeaderValue::None)
            .max_response_header_size(MAX_RESPONSE_HEAD)
            .timeout_resolve(limit)
            .timeout_connect(limit)
            .timeout_send_request(limit)
            .timeout_send_body(limit)
            .timeout_recv_response(limit)
            .timeout_per_read(limit)
            .tls_config(TlsConfig::builder().root_certs(options.roots).client_cert(options.identity).build())
            .build();
        let connector = DefaultConnector::default().chain(Announced);
        let agent = Agent::with_parts(config, connector, options.lookup);
        Self { agent, request: None, head: Head::default(), incoming: Incoming::default() }
    }

    /// Abandons whatever is left of the last exchange.
    fn reset(&mut self) {
        self.request = None;
        self.head = Head::default();
        self.incoming = Incoming::default();
    }
}

impl Connection for HttpClient {
    type Headers = Head;
    type Read = Incoming;
    type RawConnectionError = Error;
    type RawConnection = Self;

    /// Checks and keeps the request; nothing is sent yet.
    fn initiate_request<'a>(
        &'a mut self,
        method: Method,
        uri: &'a str,
        headers: &'a [(&'a str, &'a str)],
    ) -> Result<(), Error> {
        self.reset();
        self.request = Some(Outgoing::new(method, uri, headers)?);
        Ok(())
    }

    fn is_request_initiated(&self) -> bool {
        self.request.is_some()
    }

    /// Sends the request and waits for the head of the response.
    fn initiate_response(&mut self) -> Result<(), Error> {
        let outgoing = self.request.take().ok_or(Error::OutOfOrder)?;
        if outgoing.body.len() != outgoing.length {
            return Err(Error::Length);
        }
        let response = if outgoing.has_body {
            self.agent.run(outgoing.request.map(|()| outgoing.body))?
        } else {
            self.agent.run(outgoing.request)?
        };
        (self.head, self.incoming) = Incoming::of(response);
        Ok(())
    }

    fn is_response_initiated(&self) -> bool {
        self.head.status() != 0
    }

    fn split(&mut self) -> (&Head, &mut Incoming) {
        (&self.head, &mut self.incoming)
    }

    fn raw_connection(&mut self) -> Result<&mut Self, Error> {
        Err(Error::Raw)
    }
}

impl ErrorType for HttpClient {
    type Error = Error;
}

impl Read for HttpClient {
    fn read(&mut self, buf: &mut [u8]) -> Result<usize, Error> {
        self.incoming.read(buf)
    }
}

impl Write for HttpClient {
    fn write(&mut self, buf: &[u8]) -> Result<usize, Error> {
        let outgoing = self.request.as_mut().ok_or(Error::OutOfOrder)?;
        if buf.len() > outgoing.length - outgoing.body.len() {
            return Err(Error::Length);
        }
        outgoing.body.extend_from_slice(buf);
        Ok(buf.len())
    }

    fn flush(&mut self) -> Result<(), Error> {
        if self.is_request_initiated() { Ok(()) } else { Err(Error::OutOfOrder) }
    }
}

impl Status for HttpClient {
    fn status(&self) -> u16 {
        self.head.status()
    }

    fn status_message(&self) -> Option<&str> {
        self.head.status_message()
    }
}

impl Headers for HttpClient {
    fn header(&self, name: &str) -> Option<&str> {
        self.head.header(name)
    }
}

impl Outgoing {
    /// The request without its body.
    fn new(method: Method, url: &str, headers: &[(&str, &str)]) -> Result<Self, Error> {
        let (method, has_body) = match method {
            Method::Get => (http::Method::GET, false),
            Method::Head => (http::Method::HEAD, false),
            Method::Post => (http::Method::POST, true),
            Method::Put => (http::Method::PUT, true),
            _ => return Err(Error::Method),
        };
        let mut builder = Request::builder().method(method).uri(absolute(url)?);
        let mut length = None;
        for (name, value) in headers {
            let name = HeaderName::try_from(*name).map_err(|_| Error::Header)?;
            let value = HeaderValue::try_from(*value).map_err(|_| Error::Header)?;
            if [HOST, CONNECTION, TRANSFER_ENCODING].contains(&name)
                || (name == CONTENT_LENGTH && length.is_some())
            {
                return Err(Error::Header);
            }
            if name == CONTENT_LENGTH {
                length = Some(parse_length(&value)?);
            } else {
                builder = builder.header(name, value);
            }
        }
        Self::with_length(builder, has_body, length)
    }

    /// A method with a body needs its length, one without has none.
    fn with_length(builder: Builder, has_body: bool, length: Option<usize>) -> Result<Self, Error> {
        let length = match (has_body, length) {
            (true, Some(length)) if length > MAX_REQUEST_BODY => return Err(Error::TooLong),
            (true, Some(length)) => length,
            (false, None | Some(0)) => 0,
            (true, None) | (false, Some(_)) => return Err(Error::Length),
        };
        let request = builder.body(()).map_err(|_| Error::Header)?;
        Ok(Self { request, has_body, length, body: Vec::new() })
    }
}

fn absolute(url: &str) -> Result<Uri, Error> {
    let uri = Uri::try_from(url).map_err(|_| Error::Url)?;
    let known = matches!(uri.scheme_str(), Some("http" | "https"));
    let host = uri.host().is_some_and(|host| !host.is_empty());
    let plain = uri.authority().is_some_and(|authority| !authority.as_str().contains('@'));
    if known && host && plain && !url.contains('#') { Ok(uri) } else { Err(Error::Url) }
}

fn parse_length(value: &HeaderValue) -> Result<usize, Error> {
    value.to_str().ok().and_then(|text| text.parse().ok()).ok_or(Error::Length)
}

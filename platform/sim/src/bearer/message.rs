//! HTTP messages as a server sees them: owned, whole.

/// A request as it arrived.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    /// Method in upper case.
    pub method: String,
    /// Absolute URL.
    pub url: String,
    /// Headers in the order they were given.
    pub headers: Vec<(String, String)>,
    /// Body.
    pub body: Vec<u8>,
}

impl Request {
    /// The first header of that name, whatever its case.
    pub fn header(&self, name: &str) -> Option<&str> {
        find(&self.headers, name)
    }
}

/// A response before it is sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Response {
    /// Status code.
    pub status: u16,
    /// Headers. Where `Content-Length` is missing the bearer adds it, as HTTP servers do.
    pub headers: Vec<(String, String)>,
    /// Body. If `Content-Length` says more, the client sees the connection end early; if less, the rest is not sent.
    pub body: Vec<u8>,
}

impl Response {
    /// A response without headers and body.
    pub fn new(status: u16) -> Self {
        Self { status, headers: Vec::new(), body: Vec::new() }
    }

    /// The same response with one more header.
    #[must_use]
    pub fn with_header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    /// The same response with this body.
    #[must_use]
    pub fn with_body(self, content_type: &str, body: Vec<u8>) -> Self {
        Self { body, ..self.with_header("Content-Type", content_type) }
    }

    /// The first header of that name, whatever its case.
    pub fn header(&self, name: &str) -> Option<&str> {
        find(&self.headers, name)
    }
}

/// The operator's side of the bearer: answers one exchange at a time.
pub trait Server {
    /// The response to `request`.
    fn exchange(&mut self, request: &Request) -> Response;
}

impl<F: FnMut(&Request) -> Response> Server for F {
    fn exchange(&mut self, request: &Request) -> Response {
        self(request)
    }
}

pub(super) fn find<'h>(headers: &'h [(String, String)], name: &str) -> Option<&'h str> {
    headers.iter().find(|(given, _)| given.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
}

//! HTTP messages as the operator sees them: owned, whole, without a transport.

/// A request as it arrived.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HttpRequest {
    /// Method, upper case.
    pub method: String,
    /// Absolute URL (scheme and `Host` header included).
    pub url: String,
    /// Headers in the order they arrived.
    pub headers: Vec<(String, String)>,
    /// Body, whole.
    pub body: Vec<u8>,
}

impl HttpRequest {
    /// A request without headers and body.
    pub fn new(method: &str, url: &str) -> Self {
        Self { method: method.to_owned(), url: url.to_owned(), headers: Vec::new(), body: Vec::new() }
    }

    /// The same request with one more header.
    #[must_use]
    pub fn with(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    /// The first header of that name, whatever its case.
    pub fn header(&self, name: &str) -> Option<&str> {
        find(&self.headers, name)
    }

    /// Scheme, host and path of the URL; `None` if it is not an absolute http or https URL without user info.
    pub fn target(&self) -> Option<Target<'_>> {
        Target::parse(&self.url)
    }
}

/// A response before it is sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HttpResponse {
    /// Status code.
    pub status: u16,
    /// Headers; `Content-Length` is among them once the operator has finished the response.
    pub headers: Vec<(String, String)>,
    /// Body, whole.
    pub body: Vec<u8>,
    /// A fault to play: the transport announces the whole body, sends so many octets of it and drops the connection.
    pub cut_after: Option<usize>,
}

impl HttpResponse {
    /// A response without headers and body.
    pub fn new(status: u16) -> Self {
        Self { status, headers: Vec::new(), body: Vec::new(), cut_after: None }
    }

    /// The same response with one more header.
    #[must_use]
    pub fn with(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    /// The same response with this body.
    #[must_use]
    pub fn with_body(self, content_type: &str, body: Vec<u8>) -> Self {
        Self { body, ..self.with("Content-Type", content_type) }
    }

    /// The first header of that name, whatever its case.
    pub fn header(&self, name: &str) -> Option<&str> {
        find(&self.headers, name)
    }
}

/// The parts of an absolute URL that a server decides by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Target<'a> {
    /// Whether the scheme is https.
    pub tls: bool,
    /// Host without port.
    pub host: &'a str,
    /// Path with query, `/` at least.
    pub path: &'a str,
}

impl<'a> Target<'a> {
    /// Splits an absolute URL (RFC 3986 §3); `None` if it is anything else, or carries user info.
    pub fn parse(url: &'a str) -> Option<Self> {
        let (scheme, rest) = url.split_once("://")?;
        let tls = match scheme.to_ascii_lowercase().as_str() {
            "http" => false,
            "https" => true,
            _ => return None,
        };
        let (authority, path) = match rest.find('/') {
            Some(at) => rest.split_at(at),
            None => (rest, "/"),
        };
        let host = authority.split_once(':').map_or(authority, |(host, _)| host);
        (!host.is_empty() && !authority.contains('@')).then_some(Self { tls, host, path })
    }
}

fn find<'h>(headers: &'h [(String, String)], name: &str) -> Option<&'h str> {
    headers.iter().find(|(n, _)| n.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls_are_split_or_refused() {
        let target = |url| Target::parse(url).map(|t| (t.tls, t.host, t.path));
        assert_eq!(target("http://a.example"), Some((false, "a.example", "/")));
        assert_eq!(target("HTTPS://a.example:8443/b/c?d=e"), Some((true, "a.example", "/b/c?d=e")));
        for bad in ["/b/c", "ftp://a.example/", "http:///x", "http://user@a.example/", ""] {
            assert_eq!(target(bad), None, "{bad}");
        }
    }
}

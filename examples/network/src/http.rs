//! HTTP messages as the operator sees them: owned and whole, the types of the simulated bearer.
//!
//! A response whose `Content-Length` says more than its body has is a fault being played: the transport announces that
//! length, sends the body and drops the connection.

pub use kedge_platform_sim::bearer::{Request, Response};

/// The parts of an absolute URL that a server decides by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Target<'a> {
    /// Whether the scheme is https.
    pub(crate) tls: bool,
    /// Host without port.
    pub(crate) host: &'a str,
    /// Path with query, `/` at least.
    pub(crate) path: &'a str,
}

impl<'a> Target<'a> {
    /// Splits an absolute URL (RFC 3986 §3); `None` if it is anything else, or carries user info.
    pub(crate) fn parse(url: &'a str) -> Option<Self> {
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

/// An empty body with this status.
pub(crate) fn status(status: u16) -> Response {
    Response::new(status)
}

/// Adds the headers every response of the operator ends with.
pub(crate) fn finish(response: Response) -> Response {
    if response.header("Content-Length").is_some() || response.status == 204 {
        return response;
    }
    let length = response.body.len().to_string();
    response.with_header("Content-Length", &length)
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

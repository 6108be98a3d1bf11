//! What HTTP goes over.

use kedge_platform::http::Error;

/// The far end of a connection, as a URL names it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Target<'a> {
    /// `https`: the connection must be encrypted, and the server proved to be `host`.
    pub secure: bool,
    /// A name, or an address in digits.
    pub host: &'a str,
    /// The port: that of the URL, else 80 or 443.
    pub port: u16,
}

impl<'a> Target<'a> {
    /// The far end that an absolute URL names, and the path with its query; `None` for other schemes, user names, and what is no
    /// URL. A fragment stays at home.
    pub fn of(url: &'a str) -> Option<(Self, &'a str)> {
        let (scheme, rest) = url.split_once("://")?;
        let secure = match scheme {
            "http" => false,
            "https" => true,
            _ => return None,
        };
        let rest = rest.split('#').next().unwrap_or_default();
        let end = rest.find(|c| matches!(c, '/' | '?')).unwrap_or(rest.len());
        let (authority, path) = rest.split_at_checked(end)?;
        let (host, port) = match authority.rsplit_once(':') {
            Some((host, digits)) => (host, digits.parse().ok()?),
            None => (authority, if secure { 443 } else { 80 }),
        };
        let legal = !host.is_empty()
            && host.bytes().all(|c| c.is_ascii_alphanumeric() || matches!(c, b'.' | b'-' | b'_'));
        legal.then_some((Self { secure, host, port }, path))
    }
}

/// Connections that carry octets, one at a time. Every call gives up after a time of the implementation's own.
pub trait Stream {
    /// Why a call can fail. The connection is over then.
    type Error: Error;

    /// Connects. What was connected before is dropped.
    fn connect(&mut self, target: &Target<'_>) -> Result<(), Self::Error>;

    /// Sends all of `octets`, or keeps them for [`Stream::flush`].
    fn send(&mut self, octets: &[u8]) -> Result<(), Self::Error>;

    /// Sends what was kept.
    fn flush(&mut self) -> Result<(), Self::Error>;

    /// Takes what has come, waiting for it; 0: the other side has ended it as its protocol wants it. `octets` is not empty.
    fn receive(&mut self, octets: &mut [u8]) -> Result<usize, Self::Error>;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls_name_their_far_end() {
        let of = |url| Target::of(url).map(|(target, path)| (target.secure, target.host, target.port, path));
        assert_eq!(of("http://a.example"), Some((false, "a.example", 80, "")));
        assert_eq!(of("https://a.example/x?y=1"), Some((true, "a.example", 443, "/x?y=1")));
        assert_eq!(of("http://10.0.0.1:8080/x#part"), Some((false, "10.0.0.1", 8080, "/x")));
        assert_eq!(of("https://a.example?y"), Some((true, "a.example", 443, "?y")));
        for url in
            ["", "a.example/x", "ftp://a.example", "http:///x", "http://a:b@c.example", "http://a:70000/"]
        {
            assert_eq!(of(url), None, "{url}");
        }
        assert_eq!(of("http://a\r\nb.example/"), None, "no way into the head of the request");
    }
}

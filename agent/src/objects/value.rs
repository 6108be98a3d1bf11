//! What values an object takes.
//!
//! Texts are searched with closures: core's search for a character or a text keeps a path to a panic, closures do not.

use kedge_protocol::iota::ResultCode;

/// The form of an object's value; lengths are octets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// Printable text of at most this length.
    Text(u16),
    /// An absolute http or https URL of at most this length.
    Url(u16),
    /// A DNS suffix without leading dot, or nothing.
    Domain(u16),
    /// `host:port`.
    HostPort(u16),
    /// A decimal number in this range, without sign or leading zeros.
    Number(u16, u16),
    /// Any octets.
    Octets(u16),
}

impl Form {
    /// Checks a value; the error is the result code that the profile has for it (`spec/iota.md` B3).
    pub fn check(self, value: &[u8]) -> Result<(), ResultCode> {
        let limit = match self {
            Self::Text(n) | Self::Url(n) | Self::Domain(n) | Self::HostPort(n) | Self::Octets(n) => n,
            Self::Number(..) => 5,
        };
        if value.len() > usize::from(limit) {
            return Err(ResultCode::INVALID_SIZE);
        }
        if matches!(self, Self::Octets(_)) {
            return if value.is_empty() { Err(ResultCode::BAD_DATA) } else { Ok(()) };
        }
        let text = core::str::from_utf8(value).map_err(|_| ResultCode::BAD_VALUE)?;
        let good = match self {
            Self::Url(_) => is_url(text),
            Self::Domain(_) => text.is_empty() || is_host(text),
            Self::HostPort(_) => text
                .rsplit_once(|c| c == ':')
                .is_some_and(|(host, port)| is_host(host) && number(port).is_some_and(|p| p > 0)),
            Self::Number(least, most) => number(text).is_some_and(|n| (least..=most).contains(&n)),
            Self::Text(_) | Self::Octets(_) => !text.chars().any(char::is_control),
        };
        if good { Ok(()) } else { Err(ResultCode::BAD_VALUE) }
    }
}

fn number(text: &str) -> Option<u16> {
    let digits = text.bytes().all(|b| b.is_ascii_digit());
    let plain = text == "0" || !text.starts_with('0');
    if digits && plain { text.parse().ok() } else { None }
}

fn is_host(text: &str) -> bool {
    let label = |l: &str| {
        !l.is_empty()
            && l.len() <= 63
            && l.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
            && !l.starts_with('-')
            && !l.ends_with('-')
    };
    text.split(|c| c == '.').all(label)
}

fn is_url(text: &str) -> bool {
    let rest = text.strip_prefix("http://").or_else(|| text.strip_prefix("https://"));
    let Some(rest) = rest else { return false };
    let authority = rest.split(|c| matches!(c, '/' | '?' | '#')).next().unwrap_or_default();
    let (host, port) = authority.rsplit_once(|c| c == ':').unwrap_or((authority, "80"));
    is_host(host) && number(port).is_some_and(|p| p > 0) && text.bytes().all(|b| b.is_ascii_graphic())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_checked_against_their_form() {
        let cases: [(Form, &[&str], &[&str]); 5] = [
            (
                Form::Url(40),
                &["http://a/", "https://a.b-c.example:8443/x?y=1"],
                &[
                    "ftp://a/",
                    "http://",
                    "http://u@a/",
                    "http://a b/",
                    "http://a:0/",
                    "http://-a/",
                    "http:///x",
                ],
            ),
            (Form::Number(5, 300), &["5", "300"], &["4", "301", "05", "-5", "", "99999"]),
            (Form::Number(0, 1), &["0", "1"], &["2", "00"]),
            (Form::HostPort(64), &["proxy.example:8080"], &["proxy.example", "proxy.example:", ":80"]),
            (Form::Domain(64), &["", "operator.example"], &[".example", "a..b"]),
        ];
        for (form, good, bad) in cases {
            for value in good {
                assert_eq!(form.check(value.as_bytes()), Ok(()), "{form:?} {value}");
            }
            for value in bad {
                assert_eq!(form.check(value.as_bytes()), Err(ResultCode::BAD_VALUE), "{form:?} {value}");
            }
        }
        assert_eq!(Form::Url(10).check(b"http://abcd"), Err(ResultCode::INVALID_SIZE));
        assert_eq!(Form::Text(9).check(b"a\nb"), Err(ResultCode::BAD_VALUE));
        assert_eq!(Form::Text(9).check(b"\xFF"), Err(ResultCode::BAD_VALUE));
    }
}

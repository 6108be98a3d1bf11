//! Where requests may go, and where redirects lead (section 4.3; RFC 3986 §5.2 for relative references).

use super::limits::MAX_URL;
use crate::iota::TrustedDomain;
use crate::mime::split_at_octet;
use crate::wire::Writer;

/// Which URLs are allowed.
#[derive(Clone, Copy, Debug)]
pub struct Allowed<'a> {
    /// Hosts: exact names, or `*.suffix` for everything below a name.
    pub hosts: &'a [&'a str],
    /// Whether http is allowed too: for test networks.
    pub http: bool,
}

/// Why a URL is not used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum UrlFault {
    /// It is malformed, or carries user information.
    Malformed,
    /// It is longer than 2,048 octets.
    TooLong,
    /// Not https, or http after https.
    Scheme,
    /// Its host is not in the list.
    Host,
}

impl core::fmt::Display for UrlFault {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str(match self {
            Self::Malformed => "malformed URL",
            Self::TooLong => "URL too long",
            Self::Scheme => "scheme not allowed",
            Self::Host => "host not allowed",
        })
    }
}

impl core::error::Error for UrlFault {}

impl Allowed<'_> {
    /// Whether a request may go to `url`, which for the first request of a transaction has no URL `before`.
    pub fn check(&self, url: &str, before: Option<&str>) -> Result<(), UrlFault> {
        if url.len() > MAX_URL {
            return Err(UrlFault::TooLong);
        }
        let secure = is_https(url).ok_or(UrlFault::Malformed)?;
        let was_secure = before.and_then(is_https) == Some(true);
        if !secure && (was_secure || !self.http) {
            return Err(UrlFault::Scheme);
        }
        let host = host_of(url).ok_or(UrlFault::Malformed)?;
        if self.hosts.iter().any(|pattern| is_match(pattern, host, url)) {
            Ok(())
        } else {
            Err(UrlFault::Host)
        }
    }
}

/// Whether the host of `url` is meant by `pattern`. [`TrustedDomain`] looks at the characters of the URL too, so that no
/// two readers of it can disagree about where its host ends.
fn is_match(pattern: &str, host: &str, url: &str) -> bool {
    match pattern.strip_prefix("*.") {
        Some(suffix) => {
            !host.eq_ignore_ascii_case(suffix) && TrustedDomain::from_parts(suffix, true).allows(url)
        }
        None => TrustedDomain::from_parts(pattern, false).allows(url),
    }
}

/// Whether the scheme is https; `None` if it is neither that nor http.
pub(super) fn is_https(url: &str) -> Option<bool> {
    let (scheme, _) = split_at_octet(url, b':')?;
    let is = |name| scheme.eq_ignore_ascii_case(name);
    if is("https") { Some(true) } else { is("http").then_some(false) }
}

/// The host, if there is no user information in front of it.
pub(super) fn host_of(url: &str) -> Option<&str> {
    let (_, authority, _) = split(url)?;
    let host = split_at_octet(authority, b':').map_or(authority, |(host, _)| host);
    let plain = !host.is_empty() && !authority.bytes().any(|octet| octet == b'@' || octet == b'\\');
    plain.then_some(host)
}

/// Scheme, authority, and the rest with its path.
fn split(url: &str) -> Option<(&str, &str, &str)> {
    let (scheme, rest) = split_at_octet(url, b':')?;
    let rest = rest.strip_prefix("//")?;
    let end = rest.bytes().position(|octet| matches!(octet, b'/' | b'?' | b'#')).unwrap_or(rest.len());
    let (authority, rest) = rest.split_at_checked(end)?;
    Some((scheme, authority, rest))
}

/// The absolute URL that the reference `location` means in an answer from `base`, without its fragment, written to the
/// front of `out`. `None` if it is none, or does not fit.
pub fn resolve<'o>(base: &str, location: &str, out: &'o mut [u8]) -> Option<&'o str> {
    let location = split_at_octet(location, b'#').map_or(location, |(url, _)| url);
    let (scheme, authority, rest) = split(base)?;
    let base_path = split_at_octet(rest, b'?').map_or(rest, |(path, _)| path);
    let base_path = split_at_octet(base_path, b'#').map_or(base_path, |(path, _)| path);
    let mut w = Writer::new(out);
    let mut put = |parts: &[&str]| parts.iter().try_for_each(|part| w.put(part.as_bytes())).ok();
    let colon = location.bytes().position(|octet| matches!(octet, b':' | b'/' | b'?'));
    if colon.and_then(|at| location.as_bytes().get(at)) == Some(&b':') {
        split(location)?;
        put(&[location])?;
    } else if location.starts_with("//") {
        put(&[scheme, ":", location])?;
    } else if location.starts_with('/') {
        put(&[scheme, "://", authority, location])?;
    } else if location.is_empty() || location.starts_with('?') {
        put(&[scheme, "://", authority, if base_path.is_empty() { "/" } else { base_path }, location])?;
    } else {
        let folder = base_path.bytes().rposition(|octet| octet == b'/').map_or(0, |at| at.saturating_add(1));
        let folder = base_path.split_at_checked(folder)?.0;
        put(&[scheme, "://", authority, if folder.is_empty() { "/" } else { folder }, location])?;
    }
    let len = w.at();
    let start = str::from_utf8(out.get(..len)?).ok().and_then(|url| {
        let (scheme, authority, _) = split(url)?;
        scheme.len().checked_add(3)?.checked_add(authority.len())
    })?;
    let len = without_dots(out.get_mut(..len)?, start)?;
    str::from_utf8(out.get(..len)?).ok()
}

/// Takes the segments `.` and `..` out of the path that begins at `start`, up to the query (RFC 3986 §5.2.4); returns the
/// new length.
fn without_dots(url: &mut [u8], start: usize) -> Option<usize> {
    let path_end = url.iter().position(|octet| *octet == b'?').unwrap_or(url.len());
    let (mut read, mut write) = (start, start);
    while read < path_end {
        let segment = url.get(read.saturating_add(1)..path_end)?;
        let len = segment.iter().position(|octet| *octet == b'/').unwrap_or(segment.len());
        let next = read.saturating_add(1).saturating_add(len);
        let last = next >= path_end;
        match segment.get(..len)? {
            b"." | b".." => {
                if segment.get(..len)? == b".." {
                    let kept = url.get(start..write)?;
                    let before = kept.iter().rposition(|octet| *octet == b'/').unwrap_or_default();
                    write = start.saturating_add(before);
                }
                if last {
                    *url.get_mut(write)? = b'/';
                    write = write.saturating_add(1);
                }
            }
            _ => {
                write = shift(url, read, next, write)?;
            }
        }
        read = next;
    }
    let end = url.len();
    shift(url, path_end, end, write)
}

/// Copies the octets from `from` up to `end` down to `to`; returns where they end there.
fn shift(url: &mut [u8], from: usize, end: usize, to: usize) -> Option<usize> {
    for (from, to) in (from..end).zip(to..) {
        let octet = *url.get(from)?;
        *url.get_mut(to)? = octet;
    }
    to.checked_add(end.checked_sub(from)?)
}

/// A hash of a request, to notice when it comes again: FNV-1a. One that collides by intent ends its own transaction.
pub(super) fn hash(method: u8, url: &str) -> u64 {
    let octets = core::iter::once(method).chain(url.bytes());
    octets.fold(0xCBF2_9CE4_8422_2325, |hash: u64, octet| {
        (hash ^ u64::from(octet)).wrapping_mul(0x0100_0000_01B3)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIST: Allowed<'_> = Allowed { hosts: &["a.example", "*.b.example"], http: false };

    #[test]
    fn only_hosts_of_the_list_pass() {
        for good in [
            "https://a.example",
            "https://A.example:8443/x",
            "https://x.b.example/?y",
            "HTTPS://y.x.b.example",
        ] {
            assert_eq!(LIST.check(good, None), Ok(()), "{good}");
        }
        for (bad, why) in [
            ("https://b.example/", UrlFault::Host),
            ("https://xa.example/", UrlFault::Host),
            ("https://xb.example/", UrlFault::Host),
            ("https://a.example.evil/", UrlFault::Host),
            ("https://a.example@evil/", UrlFault::Malformed),
            ("https://user@a.example/", UrlFault::Malformed),
            ("https://evil\\.b.example/", UrlFault::Malformed),
            ("http://a.example/", UrlFault::Scheme),
            ("ftp://a.example/", UrlFault::Malformed),
            ("https:a.example", UrlFault::Malformed),
            ("a.example", UrlFault::Malformed),
            ("", UrlFault::Malformed),
        ] {
            assert_eq!(LIST.check(bad, None), Err(why), "{bad}");
        }
        let long = std::format!("https://a.example/{}", "x".repeat(MAX_URL));
        assert_eq!(LIST.check(&long, None), Err(UrlFault::TooLong));
    }

    #[test]
    fn http_needs_leave_and_never_follows_https() {
        let loose = Allowed { http: true, ..LIST };
        assert_eq!(loose.check("http://a.example/", None), Ok(()));
        assert_eq!(loose.check("http://a.example/", Some("http://a.example/x")), Ok(()));
        assert_eq!(loose.check("https://a.example/", Some("http://a.example/x")), Ok(()));
        assert_eq!(loose.check("http://a.example/", Some("https://a.example/x")), Err(UrlFault::Scheme));
    }

    #[test]
    fn references_are_resolved_as_the_rfc_has_it() {
        // RFC 3986 §5.4, where the base is an http URL
        let base = "http://a/b/c/d;p?q";
        for (location, expected) in [
            ("g:h", None),
            ("g", Some("http://a/b/c/g")),
            ("./g", Some("http://a/b/c/g")),
            ("g/", Some("http://a/b/c/g/")),
            ("/g", Some("http://a/g")),
            ("//g", Some("http://g")),
            ("?y", Some("http://a/b/c/d;p?y")),
            ("g?y", Some("http://a/b/c/g?y")),
            ("#s", Some("http://a/b/c/d;p")),
            ("g#s", Some("http://a/b/c/g")),
            (";x", Some("http://a/b/c/;x")),
            (".", Some("http://a/b/c/")),
            ("./", Some("http://a/b/c/")),
            ("..", Some("http://a/b/")),
            ("../g", Some("http://a/b/g")),
            ("../..", Some("http://a/")),
            ("../../g", Some("http://a/g")),
            ("../../../g", Some("http://a/g")),
            ("/./g", Some("http://a/g")),
            ("/../g", Some("http://a/g")),
            ("g.", Some("http://a/b/c/g.")),
            ("..g", Some("http://a/b/c/..g")),
            ("./../g", Some("http://a/b/g")),
            ("g/./h", Some("http://a/b/c/g/h")),
            ("g/../h", Some("http://a/b/c/h")),
            ("g?y/../x", Some("http://a/b/c/g?y/../x")),
            ("https://other/x#y", Some("https://other/x")),
        ] {
            let mut out = [0; 64];
            let found = resolve(base, location, &mut out);
            assert_eq!(found, expected, "{location}");
        }
        let mut out = [0; 64];
        assert_eq!(resolve("https://a", "g", &mut out), Some("https://a/g"));
        assert_eq!(resolve("https://a?x", "?y", &mut out), Some("https://a/?y"));
        assert_eq!(resolve("nothing", "g", &mut out), None);
        assert_eq!(resolve(base, &"x".repeat(64), &mut out), None, "no room");
    }

    #[test]
    fn any_reference_returns() {
        use proptest::prelude::*;
        proptest!(|(base in "https?://[a-z]{1,8}[/.?#a-z]{0,20}", location in "[/.?#a-z:]{0,30}")| {
            let mut out = [0; 128];
            if let Some(url) = resolve(&base, &location, &mut out) {
                prop_assert!(split(url).is_some());
                prop_assert!(!url.contains('#'));
                let path = split(url).unwrap().2.split('?').next().unwrap();
                prop_assert!(!path.split('/').any(|segment| matches!(segment, "." | "..")), "{}", url);
            }
        });
    }
}

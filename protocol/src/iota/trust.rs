//! Which URLs a session may use (`iota.md` B6.2).

use crate::mime::split_at_octet;
use crate::wire::Writer;

/// A domain whose hosts are trusted, or a single host.
///
/// A URL passes if its scheme is http or https, it has no user information, and its host equals the domain or ends in
/// a dot and the domain, without regard to case. Without a domain only the host of the boot URL passes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TrustedDomain<'a> {
    domain: &'a str,
    subdomains: bool,
}

impl<'a> TrustedDomain<'a> {
    /// The trust that `domain` (`iota/trusted-domain`) gives, or, if that is empty, `boot_url` (`iota/boot-url`).
    /// If that has no host either, nothing is trusted.
    pub fn new(domain: &'a str, boot_url: &'a str) -> Self {
        if domain.is_empty() {
            Self { domain: host(boot_url).unwrap_or_default(), subdomains: false }
        } else {
            Self { domain, subdomains: true }
        }
    }

    /// Whether `url` passes.
    pub fn allows(&self, url: &str) -> bool {
        let Some(host) = host(url) else { return false };
        if self.domain.is_empty() {
            return false;
        }
        if host.eq_ignore_ascii_case(self.domain) {
            return true;
        }
        let split = host.len().checked_sub(self.domain.len()).and_then(|n| host.split_at_checked(n));
        split.is_some_and(|(head, tail)| {
            self.subdomains && head.ends_with('.') && tail.eq_ignore_ascii_case(self.domain)
        })
    }

    /// The domain or host.
    pub const fn as_str(&self) -> &'a str {
        self.domain
    }

    /// Whether hosts below the domain are trusted too.
    pub const fn covers_subdomains(&self) -> bool {
        self.subdomains
    }

    /// The same trust, as it was taken apart by [`Self::as_str`] and [`Self::covers_subdomains`].
    pub const fn from_parts(domain: &'a str, subdomains: bool) -> Self {
        Self { domain, subdomains }
    }
}

/// The absolute URL that the Location `location` means in an answer from `base`, written to the front of `out`: itself
/// if it is absolute, below the origin of `base` if it begins with one slash (RFC 9110 section 10.2.2; other relative
/// forms are not taken). `None` otherwise or if it does not fit.
pub fn resolve<'o>(base: &str, location: &str, out: &'o mut [u8]) -> Option<&'o str> {
    let origin = if location.starts_with('/') && !location.starts_with("//") {
        let authority = authority(base)?;
        base.split_at_checked(base.len().checked_sub(authority.1.len())?)?.0
    } else {
        ""
    };
    let mut w = Writer::new(out);
    w.put(origin.as_bytes()).ok()?;
    w.put(location.as_bytes()).ok()?;
    str::from_utf8(w.finish()).ok()
}

/// The host of an http or https URL without user information and with legal characters only.
///
/// The URL as a whole must be printable ASCII without space, `"`, `<`, `>` and `\`, so that no two readers of it can
/// disagree about where its host ends.
fn host(url: &str) -> Option<&str> {
    let odd = |octet: u8| !octet.is_ascii_graphic() || matches!(octet, b'"' | b'<' | b'>' | b'\\');
    if url.bytes().any(odd) {
        return None;
    }
    let (authority, _) = authority(url)?;
    let (host, port) = split_at_octet(authority, b':').unwrap_or((authority, ""));
    let legal = |octet: u8| octet.is_ascii_alphanumeric() || matches!(octet, b'.' | b'-');
    let good =
        !host.is_empty() && host.bytes().all(legal) && port.bytes().all(|octet| octet.is_ascii_digit());
    good.then_some(host)
}

/// `http[s]://authority` and what follows it.
fn authority(url: &str) -> Option<(&str, &str)> {
    let rest = ["http://", "https://"].into_iter().find_map(|scheme| {
        let (head, rest) = url.split_at_checked(scheme.len())?;
        head.eq_ignore_ascii_case(scheme).then_some(rest)
    })?;
    let end = rest.bytes().position(|octet| matches!(octet, b'/' | b'?' | b'#')).unwrap_or(rest.len());
    rest.split_at_checked(end)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_domain_and_hosts_below_it_pass() {
        let trust = TrustedDomain::new("Example.com", "");
        let good = [
            "http://example.com",
            "https://prov.example.COM:8443/iota?s=42",
            "HTTP://a.b.example.com?x",
            "https://example.com#f",
            "http://example.com:",
        ];
        let bad = [
            "",
            "example.com",
            "ftp://example.com/",
            "http://badexample.com/",
            "http://example.com.evil.org/",
            "http://example.com@evil.org/",
            "http://user@example.com/",
            "http://evil.org/example.com",
            "http://evil.org\\.example.com",
            "http://evil.org?.example.com",
            "http://evil.org#.example.com",
            "http://example.com:80x/",
            "http://exa mple.com/",
            "http:///example.com",
            "http://.example.com\u{e9}/",
            "//example.com/",
        ];
        for url in good {
            assert!(trust.allows(url), "{url}");
        }
        for url in bad {
            assert!(!trust.allows(url), "{url}");
        }
    }

    #[test]
    fn without_a_domain_only_the_boot_host_passes() {
        let trust = TrustedDomain::new("", "http://boot.example.com/start");
        assert!(trust.allows("https://boot.example.com/other"));
        assert!(!trust.allows("https://x.boot.example.com/"));
        assert!(!TrustedDomain::new("", "no url").allows("http://example.com/"));
    }

    #[test]
    fn relative_locations_are_resolved_against_the_origin() {
        let mut out = [0; 40];
        let base = "https://a.example:8443/x?y";
        assert_eq!(resolve(base, "/next?z", &mut out), Some("https://a.example:8443/next?z"));
        assert_eq!(resolve(base, "http://b.example/", &mut out), Some("http://b.example/"));
        assert_eq!(resolve(base, "//b.example/", &mut out), Some("//b.example/"));
        assert_eq!(resolve("a.example", "/x", &mut out), None);
        assert_eq!(resolve(base, "/0123456789abcdefgh", &mut out), None);
    }
}

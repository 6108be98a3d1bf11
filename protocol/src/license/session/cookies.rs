//! Cookies of one transaction (section 4.3): in memory only, for the host that set them and no other, eight at most.
//!
//! A device keeps them if it lends memory for them, else none are sent back. Of a cookie's attributes (RFC 6265) `Max-Age` of
//! nothing and less removes it, and `Secure` keeps it off connections without TLS; the others change nothing for a transaction of
//! half an hour at one host: `Domain` never widens to other hosts, `Path` and `Expires` are not looked at.

use super::super::url::{host_of, is_https};
use crate::mime::split_at_octet;

/// Most cookies that are kept, of all hosts.
pub const MAX_COOKIES: usize = 8;
/// Most octets that are used of the memory that is lent.
pub const COOKIE_OCTETS: usize = 4096;

/// The cookies: `host LF pair *("; " pair) LF` for each host, one behind the other, so that what a request sends is there as it
/// is sent.
#[derive(Debug)]
pub(super) struct Jar<'b> {
    room: &'b mut [u8],
    len: usize,
    count: usize,
}

/// Where a host's cookies stand.
#[derive(Clone, Copy, Debug)]
struct Place {
    start: usize,
    end: usize,
}

impl<'b> Jar<'b> {
    /// An empty jar.
    pub(super) const fn new(room: &'b mut [u8]) -> Self {
        Self { room, len: 0, count: 0 }
    }

    /// The memory back.
    pub(super) const fn into_room(self) -> &'b mut [u8] {
        self.room
    }

    /// The header Cookie of a request to `url`.
    pub(super) fn header(&self, url: &str) -> Option<&str> {
        let place = self.find(host_of(url)?)?;
        let pairs = self.text().get(place.start..place.end)?;
        (!pairs.is_empty()).then_some(pairs)
    }

    /// Takes a header Set-Cookie of an answer from `url`. What is malformed, or does not fit, is passed over.
    pub(super) fn hear(&mut self, url: &str, set_cookie: &str) {
        let (pair, attributes) = split_at_octet(set_cookie, b';').unwrap_or((set_cookie, ""));
        let pair = pair.trim();
        let Some((name, _)) = split_at_octet(pair, b'=').filter(|(name, _)| is_good(name.trim(), pair))
        else {
            return;
        };
        let (Some(host), mut attributes) = (host_of(url), attributes.split(|c| c == ';')) else { return };
        let is = |text: &str, name: &str| text.trim().eq_ignore_ascii_case(name);
        if attributes.clone().any(|own| is(own, "Secure")) && is_https(url) != Some(true) {
            return;
        }
        let over = attributes.any(|own| {
            let age = split_at_octet(own, b'=').filter(|(name, _)| is(name, "Max-Age"));
            age.and_then(|(_, age)| age.trim().parse::<i64>().ok()).is_some_and(|age| age <= 0)
        });
        self.remove(host, name.trim());
        if !over && self.count < MAX_COOKIES && self.add(host, pair).is_some() {
            self.count = self.count.saturating_add(1);
        }
    }

    fn text(&self) -> &str {
        self.room.get(..self.len).and_then(|octets| str::from_utf8(octets).ok()).unwrap_or_default()
    }

    /// Where the cookies of a host stand.
    fn find(&self, host: &str) -> Option<Place> {
        let (mut rest, mut at) = (self.text(), 0_usize);
        while let Some((own, behind)) = split_at_octet(rest, b'\n') {
            let (pairs, next) = split_at_octet(behind, b'\n')?;
            let start = at.checked_add(own.len())?.checked_add(1)?;
            let end = start.checked_add(pairs.len())?;
            if own.eq_ignore_ascii_case(host) {
                return Some(Place { start, end });
            }
            (rest, at) = (next, end.checked_add(1)?);
        }
        None
    }

    /// Forgets a host's cookie of this name, if there is one.
    fn remove(&mut self, host: &str, name: &str) {
        let Some(Place { start, end }) = self.find(host) else { return };
        let mut at = start;
        while at < end {
            let rest = self.text().get(at..end).unwrap_or_default();
            let pair = split_at_octet(rest, b';').map_or(rest, |(pair, _)| pair);
            let len = pair.len();
            let is_own = split_at_octet(pair, b'=').is_some_and(|(own, _)| own.trim() == name);
            // with the separator behind it, or, of the last one, before it
            let next = at.saturating_add(len).saturating_add(SEPARATOR.len());
            if is_own {
                let (from, to) = if next <= end {
                    (at, next)
                } else {
                    (at.saturating_sub(SEPARATOR.len()).max(start), end)
                };
                self.close(from, to);
                self.count = self.count.saturating_sub(1);
                return;
            }
            at = next;
        }
    }

    /// Adds a pair to a host's cookies; `None`: there is no room.
    fn add(&mut self, host: &str, pair: &str) -> Option<()> {
        match self.find(host) {
            Some(Place { start, end }) if start == end => self.open(end, &[pair]),
            Some(Place { end, .. }) => self.open(end, &[SEPARATOR, pair]),
            None => self.open(self.len, &[host, "\n", pair, "\n"]),
        }
    }

    /// Takes the octets `from..to` out.
    fn close(&mut self, from: usize, to: usize) {
        for (to, from) in (from..).zip(to..self.len) {
            let octet = self.room.get(from).copied();
            if let (Some(octet), Some(place)) = (octet, self.room.get_mut(to)) {
                *place = octet;
            }
        }
        self.len = self.len.saturating_sub(to.saturating_sub(from));
    }

    /// Puts texts in at `at`.
    fn open(&mut self, at: usize, texts: &[&str]) -> Option<()> {
        let added = texts.iter().fold(0_usize, |len, text| len.saturating_add(text.len()));
        let len = self.len.checked_add(added).filter(|len| *len <= self.room.len().min(COOKIE_OCTETS))?;
        for from in (at..self.len).rev() {
            let octet = self.room.get(from).copied()?;
            *self.room.get_mut(from.checked_add(added)?)? = octet;
        }
        let octets = texts.iter().flat_map(|text| text.bytes());
        self.room.get_mut(at..)?.iter_mut().zip(octets).for_each(|(to, octet)| *to = octet);
        self.len = len;
        Some(())
    }
}

/// Between two pairs.
const SEPARATOR: &str = "; ";

/// Whether this may stand in a header: a name that is a token, and a value that is visible.
fn is_good(name: &str, pair: &str) -> bool {
    let token = |octet: u8| octet.is_ascii_graphic() && !b"\"(),/:;<=>?@[\\]{}".contains(&octet);
    !name.is_empty() && name.bytes().all(token) && pair.bytes().all(|octet| (b' '..=b'~').contains(&octet))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeMap;
    use std::format;
    use std::string::{String, ToString};
    use std::vec::Vec;

    const A: &str = "https://a.example/entry?x";
    const B: &str = "https://b.example:8443/";

    fn jar<'b>(room: &'b mut [u8], heard: &[(&str, &str)]) -> Jar<'b> {
        let mut jar = Jar::new(room);
        for (url, cookie) in heard {
            jar.hear(url, cookie);
        }
        jar
    }

    #[test]
    fn cookies_go_back_to_their_host_alone() {
        let mut room = [0; 256];
        let jar = jar(
            &mut room,
            &[
                (A, "s=1; Path=/; HttpOnly"),
                (B, "t=2"),
                (A, "u=x=y; Domain=example"),
                (A, " v = 3 ;Max-Age=60"),
            ],
        );
        assert_eq!(jar.header(A), Some("s=1; u=x=y; v = 3"));
        assert_eq!(jar.header("https://A.EXAMPLE/other"), Some("s=1; u=x=y; v = 3"));
        assert_eq!(jar.header(B), Some("t=2"));
        for other in ["https://x.a.example/", "https://example/", "https://a.example.evil/", "nothing"] {
            assert_eq!(jar.header(other), None, "{other}");
        }
    }

    #[test]
    fn a_cookie_is_replaced_and_removed_by_its_name() {
        let mut room = [0; 256];
        let mut jar = jar(&mut room, &[(A, "a=1"), (A, "b=2"), (A, "c=3"), (B, "a=4")]);
        jar.hear(A, "b=5");
        assert_eq!(jar.header(A), Some("a=1; c=3; b=5"));
        jar.hear(A, "a=; Max-Age=0");
        assert_eq!((jar.header(A), jar.header(B)), (Some("c=3; b=5"), Some("a=4")));
        jar.hear(A, "b=; max-age = -1");
        jar.hear(A, "c=; Max-Age=0");
        assert_eq!((jar.header(A), jar.count), (None, 1));
        jar.hear(A, "d=6");
        assert_eq!((jar.header(A), jar.header(B)), (Some("d=6"), Some("a=4")));
    }

    #[test]
    fn what_is_no_cookie_or_too_much_is_passed_over() {
        let mut room = [0; 8192];
        let mut jar = jar(&mut room, &[]);
        for bad in ["", "a", "=1", "a b=1", "a=\u{7}", "a=1\nX: y", "a=\u{e9}", "; a=1", "a;b=1"] {
            jar.hear(A, bad);
            assert_eq!(jar.header(A), None, "{bad:?}");
        }
        jar.hear("http://a.example/", "a=1; Secure");
        assert_eq!(jar.header(A), None, "a secret that came in the open");
        jar.hear(A, &format!("a={}", "x".repeat(COOKIE_OCTETS)));
        assert_eq!(jar.header(A), None);
        for number in 0..=MAX_COOKIES {
            jar.hear([A, B][number % 2], &format!("n{number}={number}"));
        }
        let kept = |url| jar.header(url).unwrap_or_default().split("; ").count();
        assert_eq!(kept(A) + kept(B), MAX_COOKIES);
        let mut small = [0; 16];
        let mut jar = Jar::new(&mut small);
        jar.hear(A, "abc=12");
        assert_eq!(jar.header(A), None, "sixteen octets do not hold it");
        jar.hear(A, "abc=1");
        assert_eq!(jar.header(A), Some("abc=1"), "they are just enough for this");
        assert_eq!(jar.into_room().len(), 16);
    }

    proptest! {
        /// Against a map of maps in the order of arrival.
        #[test]
        fn it_is_a_map_for_each_host(steps in proptest::collection::vec((0_usize..2, 0_usize..4, "[a-z ]{0,6}", any::<bool>()), 0..40)) {
            let mut room = [0; 512];
            let mut jar = Jar::new(&mut room);
            let mut model: BTreeMap<usize, Vec<(usize, String)>> = BTreeMap::new();
            for (host, name, value, remove) in steps {
                let value = value.trim().to_string();
                let over = if remove { "; Max-Age=0" } else { "" };
                jar.hear([A, B][host], &format!("n{name}={value}{over}"));
                let own = model.entry(host).or_default();
                own.retain(|(known, _)| *known != name);
                if !remove {
                    own.push((name, value));
                }
                for (host, url) in [A, B].into_iter().enumerate() {
                    let pairs = model.get(&host).into_iter().flatten().map(|(name, value)| format!("n{name}={value}"));
                    let expected = pairs.collect::<Vec<_>>().join("; ");
                    prop_assert_eq!(jar.header(url).unwrap_or_default(), expected);
                }
            }
        }
    }
}

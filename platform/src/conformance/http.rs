//! HTTP: what a session needs of a connection, against a server that answers as told.

use super::finding::{Evidence, Fault};
use super::{Checked, Report, make, pattern};
use crate::http::{Connection, ErrorKind, Headers as _, Method};

/// The name of the port in findings.
const PORT: &str = "HTTP";
/// Octets of the body that is posted.
const POSTED: usize = 300;
/// Octets read at once: odd, so that pieces of the transport and of the reader do not agree.
const READ: usize = 61;
/// Reads after which a body counts as endless.
const READS: u32 = 10_000;

/// The server that the kit talks to: absolute URLs, and what each is answered with. `body` is a text of at least 200 octets,
/// octet *n* being 20 + (*n* mod 64) hexadecimal.
#[derive(Clone, Copy, Debug)]
pub struct Site<'a> {
    /// GET: 200, `Content-Length`, header `X-Kedge: yes`, and `body`.
    pub whole: &'a str,
    /// GET: 200, `Transfer-Encoding: chunked`, and `body` in pieces.
    pub chunked: &'a str,
    /// GET with `Range: bytes=100-`: 206, `Content-Range`, and `body` from octet 100 on.
    pub part: &'a str,
    /// POST: 200, and the octets it was sent.
    pub echo: &'a str,
    /// GET: 302 to anywhere, with `Location: http://elsewhere.invalid/`.
    pub redirect: &'a str,
    /// GET: 404 without a body.
    pub missing: &'a str,
    /// GET: as `whole`, but the connection ends in the middle of the body.
    pub cut: &'a str,
    /// GET: nothing is ever answered. Empty: not tried, which saves the wait for the timeout.
    pub silent: &'a str,
    /// An `https` URL whose certificate nobody vouches for. Empty: a device without TLS.
    pub untrusted: &'a str,
    /// Octets of `body`.
    pub len: usize,
}

/// Goes through exchanges with the server at `site`, one by one on the same connection.
pub fn http<C: Connection>(connection: &mut C, site: &Site<'_>, report: &mut impl Report) {
    let mut bench = Bench { connection, len: site.len };
    make(report, PORT, "whole body", bench.whole(site.whole));
    make(report, PORT, "chunked body", bench.body(site.chunked, &[], 200, 0));
    make(report, PORT, "range", bench.part(site.part));
    make(report, PORT, "post", bench.echo(site.echo));
    make(report, PORT, "redirect", bench.redirect(site.redirect));
    make(report, PORT, "missing", bench.status_only(site.missing, 404));
    make(report, PORT, "abandoned exchange", bench.abandoned(site.whole));
    make(report, PORT, "cut body", bench.cut(site.cut));
    if !site.silent.is_empty() {
        make(
            report,
            PORT,
            "silence",
            bench.fails(site.silent, Fault::NoTimeout, |kind| kind == ErrorKind::TimedOut),
        );
    }
    if !site.untrusted.is_empty() {
        make(report, PORT, "trust", bench.fails(site.untrusted, Fault::Trusting, |_| true));
    }
    make(report, PORT, "whole body again", bench.whole(site.whole));
}

struct Bench<'c, C> {
    connection: &'c mut C,
    len: usize,
}

impl<C: Connection> Bench<'_, C> {
    fn get(&mut self, url: &str, headers: &[(&str, &str)]) -> Checked {
        self.connection.initiate_request(Method::Get, url, headers).map_err(|error| failed(&error))?;
        self.connection.initiate_response().map_err(|error| failed(&error))
    }

    fn expect_status(&mut self, must: u16) -> Checked {
        match self.connection.status() {
            status if status == must => Ok(()),
            status => Err((Fault::Status, Evidence::Number(status.into()))),
        }
    }

    /// The body from octet `first` on.
    fn body(&mut self, url: &str, headers: &[(&str, &str)], status: u16, first: usize) -> Checked {
        self.get(url, headers)?;
        self.expect_status(status)?;
        let len = self.len;
        self.compare(len.saturating_sub(first), |at| text(at.saturating_add(first)))
    }

    /// Reads to the end: `len` octets as `expected`.
    fn compare(&mut self, len: usize, expected: impl Fn(usize) -> u8) -> Checked {
        let (mut at, mut piece) = (0_usize, [0; READ]);
        for _ in 0..READS {
            let n = self.connection.read(&mut piece).map_err(|error| failed(&error))?;
            if n == 0 {
                let whole = at == len;
                return if whole { Ok(()) } else { Err((Fault::Body, Evidence::Number(at as u64))) };
            }
            for read in piece.iter().take(n) {
                if at >= len || *read != expected(at) {
                    return Err((Fault::Body, Evidence::Place { octet: at, read: *read }));
                }
                at = at.saturating_add(1);
            }
        }
        Err((Fault::Body, Evidence::Number(at as u64)))
    }

    fn whole(&mut self, url: &str) -> Checked {
        self.get(url, &[])?;
        self.expect_status(200)?;
        let (headers, _) = self.connection.split();
        // names of headers have no case
        if headers.header("x-kedge") != Some("yes") {
            return Err((Fault::Header, Evidence::None));
        }
        let len = self.len;
        self.compare(len, text)
    }

    fn part(&mut self, url: &str) -> Checked {
        self.body(url, &[("Range", "bytes=100-")], 206, 100)?;
        match self.connection.header("Content-Range") {
            Some(_) => Ok(()),
            None => Err((Fault::Header, Evidence::None)),
        }
    }

    /// A body is sent in pieces, with every value an octet can have, and once.
    fn echo(&mut self, url: &str) -> Checked {
        let mut posted = [0; POSTED];
        pattern::fill(&mut posted, 0, 1);
        posted.iter_mut().enumerate().for_each(|(at, octet)| *octet ^= if at % 2 == 0 { 0x80 } else { 0 });
        let headers = [("Content-Length", "300"), ("Content-Type", "application/octet-stream")];
        self.connection.initiate_request(Method::Post, url, &headers).map_err(|error| failed(&error))?;
        for piece in posted.chunks(READ) {
            let mut rest = piece;
            while !rest.is_empty() {
                let n = self.connection.write(rest).map_err(|error| failed(&error))?;
                rest = match n {
                    0 => return Err((Fault::Body, Evidence::Number(0))),
                    n => rest.get(n..).unwrap_or_default(),
                };
            }
        }
        self.connection.flush().map_err(|error| failed(&error))?;
        self.connection.initiate_response().map_err(|error| failed(&error))?;
        self.expect_status(200)?;
        self.compare(POSTED, |at| posted.get(at).copied().unwrap_or_default())
    }

    fn redirect(&mut self, url: &str) -> Checked {
        self.get(url, &[]).map_err(|(_, evidence)| (Fault::Redirected, evidence))?;
        let status = self.connection.status();
        let location = self.connection.header("Location");
        if status == 302 && location == Some("http://elsewhere.invalid/") {
            Ok(())
        } else {
            Err((Fault::Redirected, Evidence::Number(status.into())))
        }
    }

    fn status_only(&mut self, url: &str, status: u16) -> Checked {
        self.get(url, &[])?;
        self.expect_status(status)?;
        self.compare(0, |_| 0)
    }

    /// What is left of an exchange that was given up does not come back in the next one.
    fn abandoned(&mut self, url: &str) -> Checked {
        self.get(url, &[])?;
        self.connection.read(&mut [0; 5]).map_err(|error| failed(&error))?;
        self.whole(url)
    }

    fn cut(&mut self, url: &str) -> Checked {
        self.get(url, &[])?;
        let mut piece = [0; READ];
        for _ in 0..READS {
            match self.connection.read(&mut piece) {
                Ok(0) => return Err((Fault::CutTaken, Evidence::None)),
                Ok(_) => {}
                Err(_) => return Ok(()),
            }
        }
        Err((Fault::CutTaken, Evidence::None))
    }

    /// The exchange must fail, and in the right way.
    fn fails(&mut self, url: &str, fault: Fault, right: impl Fn(ErrorKind) -> bool) -> Checked {
        match self.get(url, &[]) {
            Err((_, Evidence::Link(kind))) if right(kind) => Ok(()),
            Err((_, evidence)) => Err((Fault::OtherError, evidence)),
            Ok(()) => Err((fault, Evidence::Number(self.connection.status().into()))),
        }
    }
}

/// Octet `at` of the server's text.
fn text(at: usize) -> u8 {
    u8::try_from(at % 64).unwrap_or_default().saturating_add(0x20)
}

fn failed<E: crate::http::Error>(error: &E) -> (Fault, Evidence) {
    (Fault::Failed, Evidence::Link(error.kind()))
}

//! The response side of the bearer: its head, and its body as it is read.

use kedge_platform::http::{self, ErrorType, Headers, Read, Status};

use super::error::Error;
use super::message::{Response, find};

/// The header that may not be one list.
const SET_COOKIE: &str = "Set-Cookie";

/// Status line and headers; status 0 and no headers while there is no response.
#[derive(Clone, Debug, Default)]
pub struct Head {
    status: u16,
    headers: Vec<(String, String)>,
    /// Every header Set-Cookie, a line each.
    cookies: Option<String>,
}

impl Status for Head {
    fn status(&self) -> u16 {
        self.status
    }

    fn status_message(&self) -> Option<&str> {
        None
    }
}

impl Headers for Head {
    fn header(&self, name: &str) -> Option<&str> {
        if name.eq_ignore_ascii_case(SET_COOKIE) {
            return self.cookies.as_deref();
        }
        find(&self.headers, name)
    }
}

/// A body as it is read: octets, and a failure where the proper end would be, if something went wrong.
#[derive(Clone, Debug)]
pub struct Body<E> {
    octets: Vec<u8>,
    read: usize,
    failure: Option<E>,
}

impl<E> Body<E> {
    /// A body of which `octets` arrive, and then its end or a failure.
    pub(super) fn new(octets: Vec<u8>, failure: Option<E>) -> Self {
        Self { octets, read: 0, failure }
    }

    /// No body at all: each read fails.
    pub(super) fn failed(failure: E) -> Self {
        Self::new(Vec::new(), Some(failure))
    }
}

impl<E: http::Error> ErrorType for Body<E> {
    type Error = E;
}

impl<E: http::Error + Clone> Read for Body<E> {
    fn read(&mut self, buf: &mut [u8]) -> Result<usize, E> {
        let rest = &self.octets[self.read..];
        let len = rest.len().min(buf.len());
        if rest.is_empty() && !buf.is_empty() {
            return self.failure.clone().map_or(Ok(0), Err);
        }
        buf[..len].copy_from_slice(&rest[..len]);
        self.read += len;
        Ok(len)
    }
}

/// Sends `response` to a request that allows a body or not (HEAD): what the client will see of it.
pub(super) fn receive(response: Response, with_body: bool) -> (Head, Body<Error>) {
    let Response { status, mut headers, body: mut octets } = response;
    let with_body = with_body && !matches!(status, 204 | 304);
    let given = find(&headers, "Content-Length").and_then(|length| length.parse::<usize>().ok());
    let length = given.unwrap_or(octets.len());
    if given.is_none() && status != 204 {
        headers.push(("Content-Length".to_owned(), length.to_string()));
    }
    octets.truncate(if with_body { length } else { 0 });
    let early = with_body && octets.len() < length;
    let cookies = headers.iter().filter(|(name, _)| name.eq_ignore_ascii_case(SET_COOKIE));
    let cookies = cookies.map(|(_, value)| value.clone()).reduce(|all, line| all + "\n" + &line);
    (Head { status, headers, cookies }, Body::new(octets, early.then_some(Error::Truncated)))
}

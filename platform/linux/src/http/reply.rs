//! The response side of an exchange: its head, and its body as it arrives.

use core::fmt;
use std::io::Read as _;

use kedge_platform::http::{ErrorType, Headers, Read, Status};
use ureq::http::header::SET_COOKIE;
use ureq::http::{HeaderMap, Response, StatusCode};
use ureq::{Body, BodyReader};

use super::error::Error;

/// Status line and headers; status 0 and no headers while there is no response.
#[derive(Debug, Default)]
pub struct Head {
    line: Option<StatusCode>,
    headers: HeaderMap,
    /// Every header Set-Cookie, a line each.
    cookies: Option<String>,
}

impl Status for Head {
    fn status(&self) -> u16 {
        self.line.map_or(0, |status| status.as_u16())
    }

    /// The usual phrase for the status; what the server wrote is not kept.
    fn status_message(&self) -> Option<&str> {
        self.line.and_then(|status| status.canonical_reason())
    }
}

impl Headers for Head {
    /// The first header of that name, and all Set-Cookie, a line each; those that are not visible ASCII are not shown.
    fn header(&self, name: &str) -> Option<&str> {
        if name.eq_ignore_ascii_case(SET_COOKIE.as_str()) {
            return self.cookies.as_deref();
        }
        self.headers.get(name).and_then(|value| value.to_str().ok())
    }
}

/// A body as it arrives.
#[derive(Default)]
pub struct Incoming(State);

#[derive(Default)]
enum State {
    /// There is no response.
    #[default]
    Nothing,
    /// There may be more.
    Open(Box<BodyReader<'static>>),
    /// It has failed, and will not recover.
    Failed(Error),
}

impl Incoming {
    /// Takes a response apart.
    pub(super) fn of(response: Response<Body>) -> (Head, Self) {
        let (parts, body) = response.into_parts();
        let lines = parts.headers.get_all(SET_COOKIE).iter().filter_map(|value| value.to_str().ok());
        let cookies = lines.map(str::to_owned).reduce(|all, line| all + "\n" + &line);
        let head = Head { line: Some(parts.status), headers: parts.headers, cookies };
        (head, Self(State::Open(Box::new(body.into_reader()))))
    }
}

impl fmt::Debug for Incoming {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.0 {
            State::Nothing => "Incoming(nothing)",
            State::Open(_) => "Incoming(open)",
            State::Failed(_) => "Incoming(failed)",
        })
    }
}

impl ErrorType for Incoming {
    type Error = Error;
}

impl Read for Incoming {
    fn read(&mut self, buf: &mut [u8]) -> Result<usize, Error> {
        match &mut self.0 {
            State::Nothing => Err(Error::OutOfOrder),
            State::Failed(error) => Err(*error),
            State::Open(reader) => reader.read(buf).map_err(|error| {
                let error = Error::from(error);
                self.0 = State::Failed(error);
                error
            }),
        }
    }
}

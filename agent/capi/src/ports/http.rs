//! HTTP, one exchange at a time; what it must and must not do is said at [`kedge_platform::http`].

use core::ffi::c_void;
use core::fmt;

use kedge_platform::http::{Connection, Error, ErrorKind, ErrorType, Headers, Method, Read, Status, Write};

use crate::status::KedgeStatus;
use crate::text::{KedgeText, octets};

/// How a step of an exchange went.
#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KedgeLink {
    /// Well.
    Ok = 0,
    /// No connection, or it broke.
    Broken = -1,
    /// No answer in time.
    TimedOut = -2,
}

/// A header of a request.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct KedgeHeader {
    /// Its name.
    pub name: KedgeText,
    /// Its value.
    pub value: KedgeText,
}

/// HTTP(S): `request`, `write` the body, `answer`, `status`, `header`, `read` until 0. Redirects are not followed, certificates
/// are checked. Functions that return a number return a `KedgeLink` if it is negative.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct KedgeHttp {
    /// For the functions.
    pub context: *mut c_void,
    /// Begins a request, POST or GET; drops what is left of the exchange before.
    pub request: Option<
        unsafe extern "C" fn(
            context: *mut c_void,
            post: bool,
            url: KedgeText,
            headers: *const KedgeHeader,
            count: usize,
        ) -> i32,
    >,
    /// Sends a part of the body; returns how many octets were taken, at least 1.
    pub write: Option<unsafe extern "C" fn(context: *mut c_void, octets: *const u8, len: usize) -> i32>,
    /// Ends the request, and waits for the head of the answer.
    pub answer: Option<unsafe extern "C" fn(context: *mut c_void) -> i32>,
    /// The status of the answer.
    pub status: Option<unsafe extern "C" fn(context: *mut c_void) -> u16>,
    /// The value of a header of the answer, by its name in any case: its first octet and, in `len`, its length; null if there
    /// is none. It stays as it is until the body is read.
    pub header:
        Option<unsafe extern "C" fn(context: *mut c_void, name: KedgeText, len: *mut usize) -> *const u8>,
    /// Reads on in the body; returns how many octets were read, 0 at its end.
    pub read: Option<unsafe extern "C" fn(context: *mut c_void, out: *mut u8, len: usize) -> i32>,
}

/// Most headers of a request: what the agent sends, and a length.
const HEADERS: usize = 16;

type Request = unsafe extern "C" fn(*mut c_void, bool, KedgeText, *const KedgeHeader, usize) -> i32;
type Header = unsafe extern "C" fn(*mut c_void, KedgeText, *mut usize) -> *const u8;

/// The link failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct LinkFailed(ErrorKind);

impl fmt::Display for LinkFailed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.0 == ErrorKind::TimedOut { "no answer in time" } else { "the link broke" })
    }
}

impl core::error::Error for LinkFailed {}

impl Error for LinkFailed {
    fn kind(&self) -> ErrorKind {
        self.0
    }
}

/// The head of an answer: the part of the port that is read while the body is too.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Head {
    context: *mut c_void,
    status: unsafe extern "C" fn(*mut c_void) -> u16,
    header: Header,
}

/// The same with every function there.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Http {
    head: Head,
    body: Body,
    request: Request,
    answer: unsafe extern "C" fn(*mut c_void) -> i32,
    /// How far the exchange is: nothing, request, answer.
    begun: bool,
    answered: bool,
}

/// The bodies.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Body {
    context: *mut c_void,
    write: unsafe extern "C" fn(*mut c_void, *const u8, usize) -> i32,
    read: unsafe extern "C" fn(*mut c_void, *mut u8, usize) -> i32,
}

impl Http {
    pub(crate) fn check(http: &KedgeHttp) -> Result<Self, KedgeStatus> {
        let KedgeHttp { context, request, write, answer, status, header, read } = *http;
        let (Some(request), Some(write), Some(answer)) = (request, write, answer) else {
            return Err(KedgeStatus::Port);
        };
        let (Some(status), Some(header), Some(read)) = (status, header, read) else {
            return Err(KedgeStatus::Port);
        };
        let (head, body) = (Head { context, status, header }, Body { context, write, read });
        Ok(Self { head, body, request, answer, begun: false, answered: false })
    }
}

/// How many octets, or why not.
fn octets_or_failure(number: i32) -> Result<usize, LinkFailed> {
    match usize::try_from(number) {
        Ok(count) => Ok(count),
        Err(_) if number == KedgeLink::TimedOut as i32 => Err(LinkFailed(ErrorKind::TimedOut)),
        Err(_) => Err(LinkFailed(ErrorKind::Other)),
    }
}

impl ErrorType for Http {
    type Error = LinkFailed;
}

impl ErrorType for Body {
    type Error = LinkFailed;
}

impl Read for Body {
    fn read(&mut self, buf: &mut [u8]) -> Result<usize, LinkFailed> {
        // SAFETY: the function takes that much room, as its type says.
        let read = octets_or_failure(unsafe { (self.read)(self.context, buf.as_mut_ptr(), buf.len()) })?;
        // A driver that claims more than there is room for cannot be believed in anything.
        if read > buf.len() { Err(LinkFailed(ErrorKind::Other)) } else { Ok(read) }
    }
}

impl Write for Body {
    fn write(&mut self, buf: &[u8]) -> Result<usize, LinkFailed> {
        // SAFETY: the function reads that many octets, as its type says.
        octets_or_failure(unsafe { (self.write)(self.context, buf.as_ptr(), buf.len()) })
    }

    fn flush(&mut self) -> Result<(), LinkFailed> {
        Ok(())
    }
}

impl Read for Http {
    fn read(&mut self, buf: &mut [u8]) -> Result<usize, LinkFailed> {
        self.body.read(buf)
    }
}

impl Write for Http {
    fn write(&mut self, buf: &[u8]) -> Result<usize, LinkFailed> {
        self.body.write(buf)
    }

    fn flush(&mut self) -> Result<(), LinkFailed> {
        Ok(())
    }
}

impl Status for Head {
    fn status(&self) -> u16 {
        // SAFETY: the function has no needs.
        unsafe { (self.status)(self.context) }
    }

    fn status_message(&self) -> Option<&'_ str> {
        None
    }
}

impl Headers for Head {
    fn header(&self, name: &str) -> Option<&'_ str> {
        let mut len = 0;
        // SAFETY: the name is there during the call, and `len` is ours.
        let value = unsafe { (self.header)(self.context, name.into(), &raw mut len) };
        if value.is_null() {
            return None;
        }
        // SAFETY: the value stays as it is until the body is read, as the type of the function says.
        core::str::from_utf8(unsafe { octets(value, len) }?).ok()
    }
}

impl Status for Http {
    fn status(&self) -> u16 {
        self.head.status()
    }

    fn status_message(&self) -> Option<&'_ str> {
        None
    }
}

impl Headers for Http {
    fn header(&self, name: &str) -> Option<&'_ str> {
        self.head.header(name)
    }
}

impl Connection for Http {
    type Headers = Head;
    type Read = Body;
    type RawConnectionError = LinkFailed;
    type RawConnection = Body;

    fn initiate_request<'a>(
        &'a mut self,
        method: Method,
        uri: &'a str,
        headers: &'a [(&'a str, &'a str)],
    ) -> Result<(), LinkFailed> {
        (self.begun, self.answered) = (false, false);
        let mut list = heapless::Vec::<KedgeHeader, HEADERS>::new();
        for (name, value) in headers {
            let header = KedgeHeader { name: (*name).into(), value: (*value).into() };
            list.push(header).map_err(|_| LinkFailed(ErrorKind::Other))?;
        }
        let post = method == Method::Post;
        // SAFETY: URL and headers are there during the call.
        let begun = unsafe { (self.request)(self.head.context, post, uri.into(), list.as_ptr(), list.len()) };
        octets_or_failure(begun)?;
        self.begun = true;
        Ok(())
    }

    fn is_request_initiated(&self) -> bool {
        self.begun
    }

    fn initiate_response(&mut self) -> Result<(), LinkFailed> {
        // SAFETY: the function has no needs.
        octets_or_failure(unsafe { (self.answer)(self.head.context) })?;
        self.answered = true;
        Ok(())
    }

    fn is_response_initiated(&self) -> bool {
        self.answered
    }

    fn split(&mut self) -> (&Head, &mut Body) {
        (&self.head, &mut self.body)
    }

    fn raw_connection(&mut self) -> Result<&mut Body, LinkFailed> {
        Err(LinkFailed(ErrorKind::Other))
    }
}

//! One transaction with the provisioning server, over the HTTP and clock ports: the only loop here that waits.
//!
//! A device with its own event loop drives [`Session`] itself; this is what it would do.

use core::time::Duration;

use kedge_platform::clock::Clock;
use kedge_platform::http::{Connection, Headers, Method, Read};
use kedge_platform::license::{LicenseStore, Unsealer};
use kedge_protocol::license::Op;
use kedge_protocol::license::answer::UserAction;
use kedge_protocol::license::limits::MAX_URL;
use kedge_protocol::license::report::REPORT_MAX;
use kedge_protocol::license::session::{self, Input, Outcome, Output, Reply, Request, Session, SessionError};

pub use super::request::Server;
pub use super::request::retry_in;
use super::request::{entry, misfit, signed_report};
use super::unseal::unseal;
use super::{LicenseError, Licensing, Now, Ports};

/// What the user and the log are told meanwhile.
pub trait Watch {
    /// A request goes out. The query of its URL is left out: it may hold what should not be logged.
    fn asked(&mut self, _method: Method, _url: &str) {}
    /// An answer came.
    fn answered(&mut self, _status: u16, _media_type: Option<&str>, _octets: usize) {}
    /// The user has to open an address and enter a code.
    fn show(&mut self, action: &UserAction<'_>);
    /// The browser goes on at this address.
    fn browse(&mut self, url: &str);
    /// A document of another protocol, for the content dispatcher.
    fn dispatch(&mut self, media_type: &str, body: &[u8]);
}

/// What a transaction works with.
pub struct Line<'t, S, C, T> {
    /// Where the license is kept.
    pub store: &'t mut S,
    /// The connection.
    pub http: &'t mut C,
    /// The time.
    pub clock: &'t mut T,
    /// What the device's clock shows, in seconds since 1970.
    pub rtc: &'t dyn Fn() -> Option<u64>,
    /// Takes answers: as many octets as the largest document.
    pub receive: &'t mut [u8],
    /// At least [`session::URL_BUFFER`] octets.
    pub urls: &'t mut [u8],
    /// Opens sealed documents; none: they are not asked for.
    pub unsealer: Option<&'t mut dyn Unsealer>,
    /// For cookies, [`session::COOKIE_OCTETS`] at most; empty: none are kept.
    pub cookies: &'t mut [u8],
    /// Who is told.
    pub watch: &'t mut dyn Watch,
}

impl<S: LicenseStore, C: Connection, T: Clock> Line<'_, S, C, T> {
    /// Asks for `op` with this nonce, installs the document that answers, and reports. A report that an earlier transaction
    /// could not deliver goes first; if it cannot go now either, the transaction ends with that.
    pub fn transact(
        &mut self,
        licensing: &mut Licensing<'_>,
        op: Op,
        nonce: [u8; 16],
        server: &Server<'_>,
        ports: &mut Ports<'_>,
    ) -> Result<Outcome, LicenseError<S::Error>> {
        let outcome = self.report(licensing, server, ports)?;
        if !matches!(outcome, None | Some(Outcome::Reported)) {
            return Ok(outcome.unwrap_or(Outcome::LinkDown));
        }
        let mut room = [0; MAX_URL];
        let now = Now { uptime: self.clock.uptime(), rtc: (self.rtc)() };
        let ephemeral = self.unsealer.as_mut().and_then(|unsealer| unsealer.renew());
        let asked = (op, nonce, ephemeral.as_ref());
        let entry = entry(licensing, asked, now, server.entry, ports, &mut room)?;
        self.hold(licensing, ports, |now, receive, urls| {
            Session::request(server.session, entry, now, receive, urls)
        })
    }

    /// Delivers the report that is due, if one is.
    pub fn report(
        &mut self,
        licensing: &mut Licensing<'_>,
        server: &Server<'_>,
        ports: &mut Ports<'_>,
    ) -> Result<Option<Outcome>, LicenseError<S::Error>> {
        let mut room = [0; REPORT_MAX];
        let report = signed_report(licensing, ports, &mut room);
        if report.is_empty() {
            return Ok(None);
        }
        let held = self.hold(licensing, ports, |now, receive, urls| {
            Session::report(server.session, server.entry, report, now, receive, urls)
        });
        held.map(Some)
    }

    /// Holds the session that `begin` makes of the uptime and the buffers, to its end.
    fn hold<'s>(
        &'s mut self,
        licensing: &mut Licensing<'_>,
        ports: &mut Ports<'_>,
        begin: impl FnOnce(Duration, &'s mut [u8], &'s mut [u8]) -> Begun<'s>,
    ) -> Result<Outcome, LicenseError<S::Error>> {
        let Self { store, http, clock, rtc, receive, urls, unsealer, cookies, watch } = self;
        let mut session = begin(clock.uptime(), receive, urls).map_err(|(error, _)| misfit(error))?;
        session.keep_cookies(cookies);
        Wires::<S, C, T> { store, http, clock, rtc, unsealer, watch: *watch }.drive(session, licensing, ports)
    }
}

/// A session, or why there is none, and the buffers that it was to have.
type Begun<'s> = Result<Session<'s>, (SessionError, (&'s mut [u8], &'s mut [u8]))>;

/// A line without what the session borrows of it.
struct Wires<'s, 't, S, C, T> {
    store: &'s mut S,
    http: &'s mut C,
    clock: &'s mut T,
    rtc: &'s dyn Fn() -> Option<u64>,
    unsealer: &'s mut Option<&'t mut dyn Unsealer>,
    watch: &'s mut dyn Watch,
}

impl<S: LicenseStore, C: Connection, T: Clock> Wires<'_, '_, S, C, T> {
    /// Runs a session to its end.
    fn drive(
        self,
        mut session: Session<'_>,
        licensing: &mut Licensing<'_>,
        ports: &mut Ports<'_>,
    ) -> Result<Outcome, LicenseError<S::Error>> {
        let Self { store, http, clock, rtc, unsealer, watch } = self;
        loop {
            // An input out of order cannot be: each answers what was just handed out.
            match session.poll(clock.uptime()) {
                Output::Send(request) => {
                    let sent = send(http, &request, watch).is_ok();
                    let answered = sent && receive(http, &mut session, clock, watch).is_ok();
                    if !answered {
                        session.handle(clock.uptime(), Input::LinkDown).unwrap_or_default();
                    }
                }
                Output::Install { media_type, document } => {
                    let now = Now { uptime: clock.uptime(), rtc: rtc() };
                    let mut room = [0; REPORT_MAX];
                    let input = match licensing.install(document, Some(media_type), false, now, store, ports)
                    {
                        Ok(state) => {
                            Input::Installed { state, report: signed_report(licensing, ports, &mut room) }
                        }
                        Err(LicenseError::Refused(refusal)) => Input::Refused(refusal),
                        Err(error) => return Err(error),
                    };
                    session.handle(clock.uptime(), input).unwrap_or_default();
                }
                Output::Unseal { sealed } => {
                    let len = sealed.len();
                    let nonce = licensing.nonce(Now { uptime: clock.uptime(), rtc: rtc() });
                    let input = match unseal(unsealer, nonce, session.receive_buffer().get_mut(..len)) {
                        Ok(content) => Input::Unsealed { at: content.start, len: content.len() },
                        Err(refusal) => Input::Refused(refusal),
                    };
                    session.handle(clock.uptime(), input).unwrap_or_default();
                }
                Output::Show(action) => watch.show(&action),
                Output::Browse(url) => watch.browse(url),
                Output::Dispatch { media_type, body } => watch.dispatch(media_type, body),
                Output::Wait(until) => clock.sleep_until(until),
                Output::End(outcome) => {
                    if matches!(outcome, Outcome::Installed { reported: true, .. } | Outcome::Reported) {
                        licensing.reported(store, ports)?;
                    }
                    return Ok(outcome);
                }
            }
        }
    }
}

/// Sends a request, up to the head of its answer.
fn send<C: Connection>(http: &mut C, request: &Request<'_>, watch: &mut dyn Watch) -> Result<(), C::Error> {
    let mut digits = heapless::String::<20>::new();
    let mut headers = heapless::Vec::<(&str, &str), 6>::new();
    let pairs = [
        ("Accept", Some(request.accept)),
        ("User-Agent", Some(request.user_agent)),
        ("Accept-Language", request.language),
        ("Cookie", request.cookies),
        ("Content-Type", request.content_type),
    ];
    headers.extend(pairs.into_iter().filter_map(|(name, value)| Some((name, value?))));
    let method = match request.method {
        session::Method::Get => Method::Get,
        session::Method::Post => {
            use core::fmt::Write as _;
            // twenty digits hold every length, and six headers fit
            write!(digits, "{}", request.body.len()).unwrap_or_default();
            headers.push(("Content-Length", &digits)).unwrap_or_default();
            Method::Post
        }
    };
    watch.asked(method, request.url.split('?').next().unwrap_or_default());
    http.initiate_request(method, request.url, &headers)?;
    let mut rest = request.body;
    while !rest.is_empty() {
        let n = http.write(rest)?;
        rest = rest.get(n.max(1)..).unwrap_or_default();
    }
    http.flush()?;
    http.initiate_response()
}

/// Reads an answer into the session.
fn receive<C: Connection>(
    http: &mut C,
    session: &mut Session<'_>,
    clock: &impl Clock,
    watch: &mut dyn Watch,
) -> Result<(), <C::Read as kedge_platform::http::ErrorType>::Error> {
    let status = http.status();
    let (headers, body) = http.split();
    let number = |name| headers.header(name).and_then(|text| text.trim().parse::<usize>().ok());
    for cookie in headers.header("Set-Cookie").unwrap_or_default().split(|c| c == '\n') {
        session.cookie(cookie);
    }
    let room = session.receive_buffer();
    let announced = number("Content-Length").filter(|len| *len > room.len());
    let len = match announced {
        Some(len) => len,
        None => read_all(body, room)?,
    };
    let content_type = headers.header("Content-Type");
    watch.answered(status, content_type, len);
    let reply = Reply {
        status,
        content_type,
        encoded: headers.header("Content-Encoding").is_some(),
        location: headers.header("Location"),
        retry_after: number("Retry-After").and_then(|seconds| u32::try_from(seconds).ok()),
        len,
    };
    session.handle(clock.uptime(), Input::Reply(reply)).unwrap_or_default();
    Ok(())
}

/// Reads a body to its end; more octets than `room` has, if it has more.
fn read_all<R: Read>(body: &mut R, room: &mut [u8]) -> Result<usize, R::Error> {
    let mut len = 0_usize;
    loop {
        let free = room.get_mut(len..).unwrap_or_default();
        let mut one = [0];
        let (part, full) = if free.is_empty() { (&mut one[..], true) } else { (free, false) };
        match body.read(part)? {
            0 => return Ok(len),
            n => len = len.saturating_add(n),
        }
        if full {
            return Ok(len);
        }
    }
}

//! What happens in a license flow, as arrows and notes of the feed.
//!
//! The messages are taken from the server's side of the line, where they are whole; when they are drawn, the device's side
//! tells. A request whose answer never came is drawn when the next one goes out, or at the end.

use std::collections::VecDeque;
use std::fmt::Write as _;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use kedge_agent::license::runner::Watch;
use kedge_network::{Request, Response};
use kedge_platform::http::Method;
use kedge_protocol::license::answer::{Problem, UserAction};
use kedge_protocol::license::envelope::Envelope;
use kedge_protocol::license::{Claims, Op};

use super::explain;
use crate::feed::{Arrow, Feed, Lane, Note, Observer};
use crate::hex;

/// What went over the line, as the server saw it, oldest first.
pub type Tap = Arc<Mutex<VecDeque<(Request, Response)>>>;

/// Draws a flow.
pub struct Picture<'o> {
    observer: &'o mut dyn Observer,
    tap: Tap,
    /// What the device asks for.
    op: Op,
    /// Polls in a row that were answered with "not yet"; the first is drawn.
    polls: u64,
    /// Messages over the air, both ways, and octets of their bodies.
    pub messages: u64,
    /// Octets of their bodies.
    pub octets: u64,
}

impl<'o> Picture<'o> {
    /// A picture of what `tap` sees.
    pub fn new(observer: &'o mut dyn Observer, tap: Tap) -> Self {
        Self { observer, tap, op: Op::ACTIVATE, polls: 0, messages: 0, octets: 0 }
    }

    /// The device asks for this from now on.
    pub fn begin(&mut self, op: Op) {
        self.op = op;
    }

    /// Something inside one party.
    pub fn note(&mut self, now: Duration, lane: Lane, text: impl Into<String>) {
        let note = Note { at_ms: ms(now), lane, step: None, text: text.into() };
        self.observer.feed(&Feed::Note(note));
    }

    /// Something between two parties that is no message of the device.
    pub fn arrow(&mut self, now: Duration, from: Lane, to: Lane, text: impl Into<String>, title: &str) {
        self.draw(now, from, to, text.into(), Wire { title: title.to_owned(), ..Wire::default() });
    }

    /// The power failed.
    pub fn power_cut(&mut self, now: Duration, operation: u64) {
        self.observer.feed(&Feed::PowerCut { at_ms: ms(now), operation });
    }

    /// Anything else.
    pub fn feed(&mut self, feed: &Feed) {
        self.observer.feed(feed);
    }

    /// Draws what went over the line and is not drawn yet.
    pub fn catch_up(&mut self, now: Duration) {
        let seen: Vec<_> = self.tap.lock().unwrap_or_else(PoisonError::into_inner).drain(..).collect();
        for (request, response) in seen {
            self.messages += 2;
            self.octets += (request.body.len() + response.body.len()) as u64;
            if response.status == 202 {
                self.polls += 1;
                if self.polls > 1 {
                    continue;
                }
            } else if self.polls > 0 {
                let more = core::mem::take(&mut self.polls) - 1;
                if more > 0 {
                    self.note(now, Lane::Handset, format!("asks {more} times more"));
                }
            }
            self.request(now, &request);
            self.response(now, &response);
        }
    }

    fn draw(&mut self, now: Duration, from: Lane, to: Lane, text: String, wire: Wire) {
        let Wire { title, decoded, hex } = wire;
        let arrow = Arrow { at_ms: ms(now), from, to, step: None, text, title, decoded, hex };
        self.observer.feed(&Feed::Arrow(arrow));
    }

    fn request(&mut self, now: Duration, request: &Request) {
        let path = path(&request.url);
        let text = match path.split('?').next().unwrap_or_default() {
            "/v1/entry" => format!("asks the server: {}", self.op),
            "/v1/device" => "follows to what the user must do".to_owned(),
            "/v1/poll" => "asks whether the user has acted".to_owned(),
            "/v1/download" => "fetches the document".to_owned(),
            "/v1/entry/ack" => "reports that the document is installed".to_owned(),
            "/activate" | "/pay" | "/account" => "looks what is there: a page, for its browser".to_owned(),
            other => format!("asks for {other}"),
        };
        let mut decoded = format!("{} {}\n", request.method, request.url);
        for (name, value) in &request.headers {
            let _ = writeln!(decoded, "{name}: {value}");
        }
        if !request.body.is_empty() {
            let _ = write!(decoded, "\n{}", explain::document(&request.body));
        }
        let title = format!("{} {}", request.method, path.split('?').next().unwrap_or_default());
        let wire = Wire { title, decoded, hex: hex::encode(&request.body) };
        self.draw(now, Lane::Handset, Lane::Network, text, wire);
    }

    fn response(&mut self, now: Duration, response: &Response) {
        let kind = response.header("Content-Type").unwrap_or_default();
        let mut decoded = format!("HTTP status {}\n", response.status);
        for (name, value) in &response.headers {
            let _ = writeln!(decoded, "{name}: {value}");
        }
        let (text, body) = meaning(response, kind);
        if !body.is_empty() {
            let _ = write!(decoded, "\n{body}");
        }
        let title = match response.body.len() {
            0 => response.status.to_string(),
            len => format!("{}, {len} octets", response.status),
        };
        let wire = Wire { title, decoded, hex: hex::encode(&response.body) };
        self.draw(now, Lane::Network, Lane::Handset, text, wire);
    }
}

/// What a message is on the wire; nothing for what has none.
#[derive(Default)]
struct Wire {
    title: String,
    decoded: String,
    hex: String,
}

/// An answer in words, and its body decoded.
fn meaning(response: &Response, kind: &str) -> (String, String) {
    let body = &response.body;
    if let (300..=399, Some(location)) = (response.status, response.header("Location")) {
        return (
            format!("leads on to {}", path(location).split('?').next().unwrap_or_default()),
            String::new(),
        );
    }
    if kind.ends_with(".provisioning+cbor") {
        return (document(body), explain::document(body));
    }
    if let Some(action) = UserAction::parse(body).ok().filter(|_| kind.ends_with(".user-action+cbor")) {
        return (format!("the user must act: code {}", action.code), format!("{action:#?}\n"));
    }
    if let Some(problem) = Problem::parse(body).ok().filter(|_| kind.ends_with("problem-details+cbor")) {
        let code = problem.code.map(|code| code.to_string()).unwrap_or_default();
        return (format!("refuses: {code}"), format!("{problem:#?}\n"));
    }
    let text = match response.status {
        200 if kind.starts_with("text/html") => "shows a page".to_owned(),
        200 if body.is_empty() => "has noted it".to_owned(),
        200 => format!("sends {kind}"),
        202 => "not yet".to_owned(),
        204 => "nothing to do".to_owned(),
        410 => "does not know this any more".to_owned(),
        status => format!("refuses with HTTP status {status}"),
    };
    (text, String::new())
}

/// A document in a few words.
fn document(octets: &[u8]) -> String {
    let envelope = Envelope::parse(octets).ok();
    let claims = envelope.and_then(|frame| Claims::parse(frame.payload, frame.payload_at()).ok());
    let license = claims.and_then(|claims| claims.license);
    license.map_or_else(
        || "sends a document that cannot be read".to_owned(),
        |license| format!("signs a license: {}", explain::license(&license)),
    )
}

/// What the session tells while it runs, drawn; and the user, who acts when asked.
pub struct Drawing<'d, 'o> {
    /// Where it is drawn.
    pub picture: &'d mut Picture<'o>,
    /// When it is.
    pub now: &'d dyn Fn() -> Duration,
    /// What the user does with a page's address and a code, in words; empty: nothing.
    pub user: &'d mut dyn FnMut(&str, &str) -> String,
    /// Where the browser went on.
    pub browsed: Option<String>,
}

impl Watch for Drawing<'_, '_> {
    fn asked(&mut self, _: Method, _: &str) {
        self.picture.catch_up((self.now)());
    }

    fn answered(&mut self, _: u16, _: Option<&str>, _: usize) {
        self.picture.catch_up((self.now)());
    }

    fn show(&mut self, action: &UserAction<'_>) {
        let text = format!("shows {} and the code {}", action.url, action.code);
        self.picture.arrow((self.now)(), Lane::Handset, Lane::User, text, "");
        let done = (self.user)(action.url, action.code);
        if done.is_empty() {
            self.picture.note((self.now)(), Lane::User, "does nothing");
        } else {
            self.picture.arrow((self.now)(), Lane::User, Lane::Network, done, path(action.url));
        }
    }

    fn browse(&mut self, url: &str) {
        self.picture.arrow(
            (self.now)(),
            Lane::Handset,
            Lane::User,
            "opens the page in the browser",
            path(url),
        );
        self.browsed = Some(url.to_owned());
    }

    fn dispatch(&mut self, media_type: &str, body: &[u8]) {
        let text = format!("hands {media_type}, {} octets, to the content dispatcher", body.len());
        self.picture.note((self.now)(), Lane::Handset, text);
    }
}

/// The part of a URL behind its host.
fn path(url: &str) -> &str {
    let behind_scheme = url.find("://").map_or(url, |at| &url[at + 3..]);
    behind_scheme.find('/').map_or("/", |at| &behind_scheme[at..])
}

fn ms(now: Duration) -> u64 {
    u64::try_from(now.as_millis()).unwrap_or(u64::MAX)
}

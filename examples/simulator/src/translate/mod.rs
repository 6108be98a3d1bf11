//! From the agent's events to the [feed](crate::feed): an arrow for each message, with what it means in plain words and
//! the step of the call flow it belongs to.
//!
//! What a message means is found in the message itself, by the protocol codecs; nothing here knows what a scenario is
//! about to do. The words are one table, the steps one table per flow.

mod body;
mod happening;
mod license;
mod log;
mod management;
mod story;
mod topic;

use std::fmt::Write;
use std::time::Duration;

use kedge_agent::agent::{Contents, Unusable};
use kedge_agent::event::{Event, Events};
use kedge_agent::trigger::Kind;
use kedge_platform::power::Restart;
use kedge_protocol::is683::engine::Mode;
use kedge_protocol::is683::{self, Direction, MsgType};

use crate::feed::{Arrow, Feed, Lane, Note, Observer, Progress};
use crate::hex;
use body::{Asked, Body, Phrase};
use happening::shown;
use license::Talk;
use story::Story;
use topic::{Shown, Topic};

/// The header that only session requests have (`iota.md` B6): others fetch a package.
const SESSION_HEADER: &str = "X-IOTA-Version";

/// Makes the feed of one flow from the agent's events; lives as long as the flow, restarts included.
pub struct Translator<'o> {
    observer: &'o mut dyn Observer,
    story: &'static Story,
    /// Why the last session is or was held.
    session: Option<Kind>,
    /// Whether a request of this session was sent; the first one starts it.
    begun: bool,
    /// Whether the last answer was a redirect.
    redirected: bool,
    /// Who answers the last request.
    peer: Lane,
    asked: Asked,
    /// An OTASP call is up.
    in_call: bool,
    question: Option<Shown>,
    /// The conversation about the license, while it is held.
    talk: Option<Talk>,
}

impl<'o> Translator<'o> {
    /// A translator for the scenario `name`, which tells `observer` everything.
    pub fn new(name: &str, observer: &'o mut dyn Observer) -> Self {
        Self {
            observer,
            story: Story::of(name),
            session: None,
            begun: false,
            redirected: false,
            peer: Lane::Network,
            asked: Asked::default(),
            in_call: false,
            question: None,
            talk: None,
        }
    }

    /// Tells the observer something that is no event of the agent.
    pub fn feed(&mut self, feed: &Feed) {
        self.observer.feed(feed);
    }

    fn arrow(&mut self, now: Duration, from: Lane, to: Lane, phrase: Phrase, wire: Wire) {
        self.observer.feed(&Feed::Arrow(Arrow {
            at_ms: ms(now),
            from,
            to,
            step: self.step(&phrase),
            text: phrase.text,
            title: wire.title,
            decoded: wire.decoded,
            hex: wire.hex,
        }));
    }

    fn note(&mut self, now: Duration, lane: Lane, phrase: Phrase) {
        let step = self.step(&phrase);
        self.observer.feed(&Feed::Note(Note { at_ms: ms(now), lane, step, text: phrase.text }));
    }

    /// The step to show: in the session that reports, everything belongs to the reporting.
    fn step(&self, phrase: &Phrase) -> Option<String> {
        match self.story.report.filter(|_| self.session == Some(Kind::Status)) {
            Some(report) => Some(report.into()),
            None => (!phrase.steps.is_empty()).then(|| phrase.steps.join(", ")),
        }
    }

    fn phrase(&self, topic: Topic<'_>) -> Phrase {
        Phrase::new(self.story, topic, None)
    }

    fn request(&mut self, now: Duration, request: &Request<'_>) {
        let header = |name: &str| {
            request
                .headers
                .iter()
                .find(|(known, _)| known.eq_ignore_ascii_case(name))
                .map(|(_, value)| *value)
        };
        let content_type = header("Content-Type").unwrap_or_default();
        let is_management = management::is_message(content_type);
        let of_session = header(SESSION_HEADER).is_some() || is_management;
        let of_page = !of_session && (header("X-IOTA-ESN").is_some() || header("X-IOTA-MEID").is_some());
        self.peer = if of_session || of_page { Lane::Network } else { Lane::Repository };
        let body = Body { content_type, octets: request.body };
        let phrase = if of_page {
            self.phrase(Topic::PageAsked)
        } else if !of_session {
            Phrase::new(self.story, Topic::PackageAsked, header("Range"))
        } else if request.method == "GET" {
            let kind = self.session.unwrap_or(Kind::Push);
            let follows = self.begun && self.redirected;
            self.phrase(if follows { Topic::Follow } else { Topic::Get(kind) })
        } else {
            let phrases = body.phrases(self.story, &mut self.asked);
            join(phrases).unwrap_or_else(|| self.phrase(Topic::Post))
        };
        if of_session {
            (self.begun, self.redirected) = (true, false);
        }
        let mut decoded = format!("{} {}\n", request.method, request.url);
        for (name, value) in request.headers {
            let _ = writeln!(decoded, "{name}: {value}");
        }
        let wire = Wire {
            title: format!("{} {}", request.method, path(request.url)),
            decoded: with_body(decoded, body),
            hex: hex::encode(request.body),
        };
        self.arrow(now, Lane::Handset, self.peer, phrase, wire);
    }

    fn reply(&mut self, now: Duration, status: u16, location: &str, body: Body<'_>) {
        let phrase = match (status, self.peer) {
            (300..=399, _) => {
                self.redirected = true;
                self.phrase(Topic::Redirect)
            }
            (200, Lane::Repository) => self.phrase(Topic::PackageWhole),
            (206, Lane::Repository) => self.phrase(Topic::PackageRest),
            (200, _) if is_page(body.content_type) => {
                Phrase::new(self.story, Topic::PageSent, Some(body.content_type))
            }
            (200, _) if !body.octets.is_empty() => {
                let phrases = body.phrases(self.story, &mut self.asked);
                let unread = || Phrase { text: "sends what cannot be read".into(), steps: vec![] };
                join(phrases).unwrap_or_else(unread)
            }
            (200 | 204, _) => self.phrase(Topic::Nothing),
            _ => Phrase {
                text: format!("refuses with HTTP status {status}"),
                steps: self.story.steps(Topic::Status),
            },
        };
        let mut decoded = format!("HTTP status {status}\n");
        for (name, value) in [("Content-Type", body.content_type), ("Location", location)] {
            if !value.is_empty() {
                let _ = writeln!(decoded, "{name}: {value}");
            }
        }
        let size = match body.octets.len() {
            0 => String::new(),
            octets => format!(", {octets} octets"),
        };
        let wire = Wire {
            title: format!("{status}{size}"),
            decoded: with_body(decoded, body),
            hex: hex::encode(body.octets),
        };
        self.arrow(now, self.peer, Lane::Handset, phrase, wire);
    }

    fn triggered(&mut self, now: Duration, kind: Kind) {
        let phrase = self.phrase(Topic::Trigger(kind));
        match kind {
            Kind::Activation | Kind::UpdateCheck => {
                self.arrow(now, Lane::User, Lane::Handset, phrase, Wire::default());
            }
            Kind::Push | Kind::Invited | Kind::Document => {
                self.arrow(now, Lane::Network, Lane::Handset, phrase, Wire::default());
            }
            Kind::Status => self.note(now, Lane::Handset, phrase),
        }
    }

    fn short_message(&mut self, now: Duration, octets: &[u8], contents: Result<Contents<'_>, Unusable>) {
        let (topic, detail) = match contents {
            Ok(Contents::Text(text)) => (Topic::Text, Some(text.to_owned())),
            Ok(Contents::Part(_) | Contents::Duplicate) => (Topic::Segment, None),
            Ok(Contents::Datagram { .. }) => (Topic::PushWhole, None),
            Err(why) => (Topic::OddMessage, Some(why.to_string())),
        };
        let phrase = Phrase::new(self.story, topic, detail.as_deref());
        let title = format!("short message, {} octets", octets.len());
        let wire = Wire { title, decoded: hex::dump(octets), hex: hex::encode(octets) };
        self.arrow(now, Lane::Network, Lane::Handset, phrase, wire);
    }

    /// An IS-683 message that travels by itself.
    fn raw(&mut self, now: Duration, direction: Direction, octets: &[u8]) {
        let kind = MsgType(octets.first().copied().unwrap_or_default());
        let phrase = self.phrase(Topic::Is683(direction, kind));
        let mut decoded = String::new();
        // What cannot be read is shown up to its fault.
        let _ = is683::dump(direction, octets, &mut decoded);
        let title = format!("data burst, {} octets", octets.len());
        let wire = Wire { title, decoded, hex: hex::encode(octets) };
        match direction {
            Direction::Forward => self.arrow(now, Lane::Network, Lane::Handset, phrase, wire),
            Direction::Reverse => self.arrow(now, Lane::Handset, Lane::Network, phrase, wire),
        }
    }

    fn restarting(&mut self, now: Duration, why: Restart) {
        match why {
            Restart::Settings => {
                self.note(now, Lane::Handset, self.phrase(Topic::RestartForSettings));
            }
            Restart::UpdateAgent => {
                let phrase = self.phrase(Topic::RestartIntoUpdateAgent);
                self.arrow(now, Lane::Handset, Lane::UpdateAgent, phrase, Wire::default());
            }
        }
    }

    /// What is a message or has a bar; everything else is [`happening`]'s.
    fn show(&mut self, now: Duration, event: &Event<'_>) {
        match *event {
            Event::Triggered { kind, .. } => self.triggered(now, kind),
            Event::ShortMessage { octets, contents, .. } => self.short_message(now, octets, contents),
            Event::OtaspBegun(Mode::UserInitiated) => {
                self.in_call = true;
                let phrase = self.phrase(Topic::CallBegun);
                self.arrow(now, Lane::User, Lane::Handset, phrase, Wire::default());
            }
            Event::OtaspBegun(Mode::NetworkInitiated) => {
                self.in_call = true;
                let phrase = self.phrase(Topic::BurstsBegun);
                self.arrow(now, Lane::Network, Lane::Handset, phrase, Wire::default());
            }
            Event::OtaspEnded { .. } => {
                self.in_call = false;
                let phrase = self.phrase(Topic::OtaspEnded);
                self.arrow(now, Lane::Network, Lane::Handset, phrase, Wire::default());
            }
            // In a session the documents show them.
            Event::Is683 { forward, reverse } if self.in_call => {
                self.raw(now, Direction::Forward, forward);
                if let Some(reverse) = reverse {
                    self.raw(now, Direction::Reverse, reverse);
                }
            }
            Event::SessionStarted { kind, .. } => {
                self.session = Some(kind);
                (self.begun, self.redirected) = (false, false);
            }
            Event::DataCall(Ok(())) => self.radio(now, Topic::CallOpened),
            Event::DataCallClosed => self.radio(now, Topic::CallClosed),
            Event::Registered(Ok(())) => self.radio(now, Topic::Registered),
            Event::Request { method, url, headers, body } => {
                let request = Request { method, url, headers, body };
                match self.talk {
                    Some(talk) => self.license_request(now, talk, &request),
                    None => self.request(now, &request),
                }
            }
            Event::Reply { status, content_type, location, body } => {
                let body = Body { content_type, octets: body };
                match self.talk {
                    Some(_) => self.license_reply(now, status, location, body),
                    None => self.reply(now, status, location, body),
                }
            }
            Event::License(ref event) => self.license(now, event),
            Event::Downloading { have, total } => self.observer.feed(&Feed::Progress(Progress {
                at_ms: ms(now),
                task: "download".into(),
                unit: "octets".into(),
                have: have.into(),
                total: total.into(),
            })),
            Event::ServiceFailed { feature, error, .. } => {
                let detail = format!("{feature}: {error}");
                let phrase = Phrase::new(self.story, Topic::FeatureOpened, Some(&detail));
                self.arrow(now, Lane::User, Lane::Handset, phrase, Wire::default());
            }
            Event::PageShown(page) => {
                let phrase = Phrase::new(self.story, Topic::PageShown, Some(path(page.url)));
                self.arrow(now, Lane::Handset, Lane::User, phrase, Wire::default());
            }
            Event::LinkFollowed(link) => {
                let phrase = Phrase::new(self.story, Topic::LinkFollowed, Some(link));
                self.arrow(now, Lane::User, Lane::Handset, phrase, Wire::default());
            }
            Event::Prompted(prompt) => {
                let (what, detail) = shown(prompt);
                self.question = Some(what);
                let phrase = Phrase::new(self.story, Topic::Prompt(what), detail.as_deref());
                self.arrow(now, Lane::Handset, Lane::User, phrase, Wire::default());
            }
            Event::Answered(answer) => {
                if let Some(question) = self.question.take().filter(|question| question.is_question()) {
                    let steps = self.story.steps(Topic::Prompt(question));
                    let phrase = Phrase { text: happening::answer(answer).into(), steps };
                    self.arrow(now, Lane::User, Lane::Handset, phrase, Wire::default());
                }
            }
            Event::Restarting(why) => self.restarting(now, why),
            _ => {
                if let Some(phrase) = happening::phrase(self.story, event) {
                    self.note(now, Lane::Handset, phrase);
                }
            }
        }
    }

    fn radio(&mut self, now: Duration, topic: Topic<'_>) {
        let phrase = self.phrase(topic);
        self.arrow(now, Lane::Handset, Lane::Network, phrase, Wire::default());
    }
}

impl Events for Translator<'_> {
    fn event(&mut self, now: Duration, event: &Event<'_>) {
        let (level, text) = log::line(event);
        self.observer.feed(&Feed::Log { at_ms: ms(now), level, text });
        self.show(now, event);
    }
}

/// An HTTP request as the event shows it.
struct Request<'a> {
    method: &'a str,
    url: &'a str,
    headers: &'a [(&'a str, &'a str)],
    body: &'a [u8],
}

/// What a message is on the wire; nothing for what has none.
#[derive(Default)]
struct Wire {
    title: String,
    decoded: String,
    hex: String,
}

/// Head and body of a message as one text.
fn with_body(head: String, body: Body<'_>) -> String {
    if body.octets.is_empty() { head } else { format!("{head}\n{}", body.decoded()) }
}

/// Phrases as one: repeated ones are counted, the steps listed; `None` if there are none.
fn join(phrases: Vec<Phrase>) -> Option<Phrase> {
    let mut counted: Vec<(Phrase, usize)> = Vec::new();
    for phrase in phrases {
        match counted.iter_mut().find(|(known, _)| *known == phrase) {
            Some((_, count)) => *count += 1,
            None => counted.push((phrase, 1)),
        }
    }
    let mut steps = Vec::new();
    for step in counted.iter().flat_map(|(phrase, _)| &phrase.steps) {
        if !steps.contains(step) {
            steps.push(step);
        }
    }
    let texts: Vec<_> = counted
        .iter()
        .map(|(phrase, count)| match count {
            1 => phrase.text.clone(),
            _ => format!("{} ({count} times)", phrase.text),
        })
        .collect();
    (!texts.is_empty()).then(|| Phrase { text: texts.join("; "), steps })
}

/// Whether an answer is for the browser: a page, or a multipart with one.
fn is_page(content_type: &str) -> bool {
    ["text/html", "text/vnd.wap.wml", "multipart/mixed"].iter().any(|own| content_type.starts_with(own))
}

/// The part of a URL behind its host.
fn path(url: &str) -> &str {
    let behind_scheme = url.find("://").map_or(url, |at| &url[at + 3..]);
    behind_scheme.find('/').map_or("/", |at| &behind_scheme[at..])
}

fn ms(now: Duration) -> u64 {
    u64::try_from(now.as_millis()).unwrap_or(u64::MAX)
}

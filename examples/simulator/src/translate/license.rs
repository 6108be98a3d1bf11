//! The license's conversations with its server, in plain words.
//!
//! While the user does something elsewhere the device asks again and again whether it is done: the first time is shown, the
//! others are counted.

use std::fmt::Write as _;
use std::time::Duration;

use kedge_agent::license::{Boot, Change, LicenseError, LicenseEvent};
use kedge_protocol::license::answer::{Problem, UserAction};
use kedge_protocol::license::envelope::Envelope;
use kedge_protocol::license::session::Outcome;
use kedge_protocol::license::{Claims, Op};

use super::body::{Body, Phrase};
use super::{Request, Translator, Wire, path};
use crate::feed::Lane;
use crate::hex;
use crate::license::explain;

/// A conversation that is held.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Talk {
    /// What is asked for; `None`: a report goes out.
    op: Option<Op>,
    /// Answers in a row that said "not yet".
    polls: u64,
}

impl Translator<'_> {
    /// What happens to the license.
    pub(super) fn license(&mut self, now: Duration, event: &LicenseEvent<'_>) {
        match *event {
            LicenseEvent::Asked { op } => self.talk = Some(Talk { op: Some(op), ..Talk::default() }),
            LicenseEvent::Reporting => self.talk = Some(Talk::default()),
            LicenseEvent::Elsewhere { url, code } => {
                let (text, title) = match code {
                    "" => ("opens the page in the browser".to_owned(), path(url)),
                    code => (format!("shows {url} and the code {code}"), ""),
                };
                let wire = Wire { title: title.to_owned(), ..Wire::default() };
                self.arrow(now, Lane::Handset, Lane::User, plain(text), wire);
            }
            LicenseEvent::Ended(outcome) => {
                self.count_polls(now);
                self.talk = None;
                if let Some(text) = ended(&outcome) {
                    self.note(now, Lane::Handset, plain(text));
                }
            }
            ref other => {
                if let Some(text) = happened(other) {
                    self.note(now, Lane::Handset, plain(text));
                }
            }
        }
    }

    /// A request of the conversation.
    pub(super) fn license_request(&mut self, now: Duration, talk: Talk, request: &Request<'_>) {
        let path = path(request.url);
        let text = match (path, talk.op) {
            ("/v1/device", _) => "follows to what the user must do".to_owned(),
            ("/v1/poll", _) if talk.polls > 0 => return,
            ("/v1/poll", _) => "asks whether the user has acted".to_owned(),
            ("/v1/download", _) => "fetches the document".to_owned(),
            ("/activate" | "/pay" | "/account", _) => {
                "looks what is there: a page, for its browser".to_owned()
            }
            (_, _) if request.method == "POST" => "reports that the document is installed".to_owned(),
            (_, Some(op)) => format!("asks the server: {op}"),
            (other, None) => format!("asks for {other}"),
        };
        let mut decoded = format!("{} {}\n", request.method, request.url);
        for (name, value) in request.headers {
            let _ = writeln!(decoded, "{name}: {value}");
        }
        if !request.body.is_empty() {
            let _ = write!(decoded, "\n{}", explain::document(request.body));
        }
        let title = format!("{} {path}", request.method);
        let wire = Wire { title, decoded, hex: hex::encode(request.body) };
        self.arrow(now, Lane::Handset, Lane::Network, plain(text), wire);
    }

    /// An answer in it.
    pub(super) fn license_reply(&mut self, now: Duration, status: u16, location: &str, body: Body<'_>) {
        if let (202, Some(talk)) = (status, &mut self.talk) {
            talk.polls += 1;
            if talk.polls > 1 {
                return;
            }
        } else {
            self.count_polls(now);
        }
        let (text, more) = meaning(status, location, body);
        let mut decoded = format!("HTTP status {status}\n");
        for (name, value) in [("Content-Type", body.content_type), ("Location", location)] {
            if !value.is_empty() {
                let _ = writeln!(decoded, "{name}: {value}");
            }
        }
        if !more.is_empty() {
            let _ = write!(decoded, "\n{more}");
        }
        let title = match body.octets.len() {
            0 => status.to_string(),
            len => format!("{status}, {len} octets"),
        };
        let wire = Wire { title, decoded, hex: hex::encode(body.octets) };
        self.arrow(now, Lane::Network, Lane::Handset, plain(text), wire);
    }

    /// Tells of the questions that were not drawn.
    fn count_polls(&mut self, now: Duration) {
        let polls = self.talk.as_mut().map_or(0, |talk| core::mem::take(&mut talk.polls));
        if polls > 1 {
            self.note(now, Lane::Handset, plain(format!("asks {} times more", polls - 1)));
        }
    }
}

/// Words without a step: the license's flows have no numbers.
fn plain(text: String) -> Phrase {
    Phrase { text, steps: Vec::new() }
}

/// What happens inside the device.
fn happened(event: &LicenseEvent<'_>) -> Option<String> {
    Some(match event {
        LicenseEvent::Found(Boot::Nothing) => "finds no license".to_owned(),
        LicenseEvent::Found(Boot::Whole) => "finds its license whole".to_owned(),
        LicenseEvent::Found(Boot::Recovered) => {
            "finds a new license that a power cut had nearly undone".to_owned()
        }
        LicenseEvent::Found(Boot::StandIn) => "finds its license damaged; an older one stands in".to_owned(),
        LicenseEvent::Found(Boot::Foreign) => "finds the license of another device".to_owned(),
        LicenseEvent::Changed(Change::Verdict { to, .. }) => format!("the license's verdict: {to}"),
        LicenseEvent::Changed(Change::Clock(Some(doubt))) => format!("doubts its clock: {doubt:?}"),
        LicenseEvent::Changed(Change::Clock(None)) => "believes its clock again".to_owned(),
        LicenseEvent::Document(Ok(state)) => format!("takes the document; the license is {state}"),
        LicenseEvent::Document(Err(LicenseError::Refused(refusal))) => {
            format!("refuses the document: {}", explain::told(refusal))
        }
        LicenseEvent::Document(Err(fault)) | LicenseEvent::Trouble(fault) => {
            format!("trouble with the license: {fault}")
        }
        _ => return None,
    })
}

/// How a conversation ended, if the messages do not tell.
fn ended(outcome: &Outcome) -> Option<String> {
    match outcome {
        Outcome::Installed { .. }
        | Outcome::Reported
        | Outcome::Refused(_)
        | Outcome::Problem { .. }
        | Outcome::LinkDown => None,
        Outcome::TimedOut => Some("nobody has acted in time".to_owned()),
        Outcome::HandedOver => Some("waits for what the browser brings".to_owned()),
        other => Some(format!("the conversation ended: {other:?}")),
    }
}

/// An answer in words, and its body decoded.
fn meaning(status: u16, location: &str, Body { content_type: kind, octets }: Body<'_>) -> (String, String) {
    let is = |suffix: &str| kind.ends_with(suffix);
    if (300..400).contains(&status) {
        return (format!("leads on to {}", path(location)), String::new());
    }
    if is(".provisioning+cbor") {
        return (document(octets), explain::document(octets));
    }
    if let Some(action) = UserAction::parse(octets).ok().filter(|_| is(".user-action+cbor")) {
        return (format!("the user must act: code {}", action.code), format!("{action:#?}\n"));
    }
    if let Some(problem) = Problem::parse(octets).ok().filter(|_| is("problem-details+cbor")) {
        let code = problem.code.map(|code| code.to_string()).unwrap_or_default();
        return (format!("refuses: {code}"), format!("{problem:#?}\n"));
    }
    let text = match status {
        200 if kind.starts_with("text/html") => "shows a page".to_owned(),
        200 if is(".sealed+cbor") => "sends a document that only this device can open".to_owned(),
        200 if octets.is_empty() => "has noted it".to_owned(),
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

//! The user of a device, who does what its screen says, at another computer or in its browser; and what is seen meanwhile.

use std::time::Duration;

use kedge_agent::agent::LicenseFault;
use kedge_agent::event::{Event, Events};
use kedge_agent::license::LicenseEvent;
use kedge_network::provisioning::Visitor;
use kedge_protocol::license::session::Outcome;
use kedge_protocol::license::{Op, State};
use kedge_update_agent::{Progress, Slot};

use super::net::Net;
use crate::feed::{Arrow, Feed, Lane, Note};
use crate::handset::{Files, Fuse, Watch};

/// The password that users of the flows have.
pub(super) const PASSWORD: &str = "correct horse";

/// What the user does when a page is to be opened.
#[derive(Clone, Copy, Debug)]
pub struct User {
    /// The account that is named at sign-up.
    pub account: &'static str,
    /// The number of the card that is paid with; `None`: nothing is paid.
    pub card: Option<&'static str>,
}

/// A user who pays.
pub const ALICE: User = User { account: "alice", card: Some("4242 4242 4242 4242") };

/// What became of the license in a life of a device.
#[derive(Clone, Debug, Default)]
pub(super) struct Seen {
    /// What is being asked for.
    asked: Option<Op>,
    /// What was asked for, and how that ended.
    ended: Vec<(Op, Outcome)>,
    /// The documents that came.
    pub(super) documents: Vec<Result<State, LicenseFault>>,
    /// Where the browser went on.
    pub(super) browsed: Option<String>,
}

impl Seen {
    /// How the last request for `op` ended. What the browser brought afterwards counts as its answer.
    pub(super) fn outcome(&self, op: Op) -> Option<Outcome> {
        let (_, outcome) = self.ended.iter().rfind(|(asked, _)| *asked == op)?;
        if *outcome != Outcome::HandedOver {
            return Some(*outcome);
        }
        Some(self.documents.last().map_or(*outcome, opened))
    }
}

/// What became of a document that came by file.
pub(super) fn opened(document: &Result<State, LicenseFault>) -> Outcome {
    match document {
        Ok(state) => Outcome::Installed { state: *state, reported: false },
        Err(LicenseFault::Refused(refusal)) => Outcome::Refused(*refusal),
        Err(_) => Outcome::Aborted,
    }
}

/// Watches a device and acts for its user.
pub(super) struct Onlooker<'w> {
    pub(super) watch: &'w mut dyn Watch,
    pub(super) net: Net,
    pub(super) user: User,
    /// Nothing is seen of what a device without power thinks it does.
    pub(super) fuse: Fuse,
    /// Where the browser puts what it downloads.
    pub(super) files: Files,
    pub(super) seen: Seen,
}

impl Onlooker<'_> {
    /// The user at the page behind `url`; without a code it is the device's own browser that opened it.
    fn acts(&mut self, now: Duration, url: &str, code: &str) {
        let in_browser = code.is_empty();
        let code = if in_browser { url.rsplit("c=").next().unwrap_or_default() } else { code };
        let page = url.rsplit('/').next().unwrap_or_default().split('?').next().unwrap_or_default();
        let page = format!("/{page}");
        if in_browser {
            self.seen.browsed = Some(url.to_owned());
        }
        let Some((done, document)) = self.fills(&page, code) else {
            let text = "does nothing".to_owned();
            let note = Note { at_ms: ms(now), lane: Lane::User, step: None, text };
            return self.watch.aside(&Feed::Note(note));
        };
        self.watch.aside(&Feed::Arrow(Arrow {
            at_ms: ms(now),
            from: Lane::User,
            to: Lane::Network,
            step: None,
            text: done,
            title: format!("POST {page}"),
            decoded: String::new(),
            hex: String::new(),
        }));
        if let Some(document) = document.filter(|_| in_browser) {
            let text = "the browser hands the file to the client, which registered the type".to_owned();
            self.watch.aside(&Feed::Note(Note { at_ms: ms(now), lane: Lane::User, step: None, text }));
            self.files.put(document);
        }
    }

    /// Fills the form of a page: what that was in words, and the document that came back. `None`: nothing, or it is refused.
    fn fills(&self, page: &str, code: &str) -> Option<(String, Option<Vec<u8>>)> {
        let mut fields = vec![("code", code)];
        let done = match (page, self.user.card) {
            ("/activate", _) => {
                fields.extend([("account", self.user.account), ("password", PASSWORD)]);
                format!("enters the code and signs in as {}", self.user.account)
            }
            ("/pay", Some(card)) => {
                fields.extend([("holder", "A. Liddell"), ("card", card)]);
                "enters the code and pays".to_owned()
            }
            ("/account", _) => "enters the code, looks at the account, and is done".to_owned(),
            _ => return None,
        };
        let now = self.net.now();
        let address = format!("{page}?c={code}");
        let shown = Visitor::new().fill(&mut self.net.server(), now, &address, page, &fields);
        let is_refused = shown.status != 200 || String::from_utf8_lossy(&shown.body).contains("id=\"wrong\"");
        let is_document =
            shown.header("Content-Type").is_some_and(|kind| kind.ends_with(".provisioning+cbor"));
        (!is_refused).then(|| (done, is_document.then_some(shown.body)))
    }
}

impl Events for Onlooker<'_> {
    fn event(&mut self, now: Duration, event: &Event<'_>) {
        if !self.fuse.is_whole() {
            return;
        }
        self.watch.event(now, event);
        let Event::License(event) = event else { return };
        match *event {
            LicenseEvent::Asked { op } => self.seen.asked = Some(op),
            LicenseEvent::Elsewhere { url, code } => self.acts(now, url, code),
            LicenseEvent::Document(result) => self.seen.documents.push(result),
            LicenseEvent::Ended(outcome) => {
                self.seen.ended.extend(self.seen.asked.take().map(|op| (op, outcome)));
            }
            _ => {}
        }
    }
}

impl Watch for Onlooker<'_> {
    fn updating(&mut self, now: Duration, progress: Progress) {
        self.watch.updating(now, progress);
    }

    fn booted(&mut self, now: Duration, slot: Slot, version: &str) {
        self.watch.booted(now, slot, version);
    }

    fn power_failed(&mut self, now: Duration, operation: u64) {
        self.seen.asked = None;
        self.watch.power_failed(now, operation);
    }

    fn aside(&mut self, feed: &Feed) {
        self.watch.aside(feed);
    }
}

fn ms(now: Duration) -> u64 {
    u64::try_from(now.as_millis()).unwrap_or(u64::MAX)
}

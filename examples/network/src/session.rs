//! IOTA sessions: tokens, document numbers, repeats, results in order (profile B2, B5, B6). What is said is a
//! [`Script`]'s business.

use crate::activation::Activation;
use crate::body::{self, Coding};
use crate::caller::Caller;
use crate::errand::{ListSession, SettingSession};
use crate::http::{Request, Response, status};
use crate::log::{Rule, Step};
use crate::operator::Books;
use crate::order::{Answer, DeviceDocument, Order, ServerDocument, Verb, code};
use crate::script::{Scene, Script, Turn};
use crate::update::{Report, Update};
use core::time::Duration;

/// First part of the path that answers are posted to; the session's token follows.
pub(crate) const POST_PATH: &str = "/session/";
/// A device gives a session up after this time (`iota/session-timeout`, factory value; profile B6.6).
pub(crate) const SESSION_TIMEOUT: Duration = Duration::from_secs(900);
/// How often a device repeats a POST at most (profile B6.5).
const REPEATS: u32 = 2;

/// The conversations the operator knows.
#[derive(Clone, Debug)]
pub(crate) enum Play {
    Activation(Activation),
    Update(Update),
    Report(Report),
    List(ListSession),
    Setting(SettingSession),
}

impl Play {
    fn script(&mut self) -> &mut dyn Script {
        match self {
            Self::Activation(script) => script,
            Self::Update(script) => script,
            Self::Report(script) => script,
            Self::List(script) => script,
            Self::Setting(script) => script,
        }
    }
}

/// What one request led to.
#[derive(Debug)]
pub(crate) struct Outcome {
    pub(crate) asked_in: Step,
    pub(crate) asked: String,
    pub(crate) response: Response,
    pub(crate) told_in: Step,
    pub(crate) told: String,
}

impl Outcome {
    /// An answer without a document.
    pub(crate) fn plain(
        step: Step,
        asked: impl Into<String>,
        response: Response,
        told: impl Into<String>,
    ) -> Self {
        Self { asked_in: step, asked: asked.into(), response, told_in: step, told: told.into() }
    }
}

/// One session.
#[derive(Clone, Debug)]
pub(crate) struct Session {
    token: String,
    post_url: String,
    /// Whether the first document says where answers go; otherwise to where it came from.
    named: bool,
    coding: Coding,
    caller: Caller,
    play: Play,
    started: Duration,
    document: u16,
    orders: Vec<Order>,
    step: Step,
    answered: Option<Answered>,
    over: Over,
}

/// How a session begins.
pub(crate) struct Start<'a> {
    pub(crate) token: String,
    /// Where answers are to be posted to.
    pub(crate) url: &'a str,
    /// Whether the first document says so (`next`); otherwise it is the URL it came from.
    pub(crate) named: bool,
    pub(crate) coding: Coding,
}

/// The last answer that was taken, and what was said to it.
#[derive(Clone, Debug)]
struct Answered {
    re: u16,
    body: Vec<u8>,
    response: Response,
    repeats: u32,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Over {
    /// It goes on.
    No,
    /// The operator has said its last; results of that document may still come.
    Released,
    /// Nothing new is accepted; the last answer may be repeated.
    Closed,
    /// The device has begun another session: nothing at all is accepted.
    Superseded,
}

impl Session {
    pub(crate) fn new(start: Start<'_>, caller: Caller, play: Play, now: Duration) -> Self {
        let Start { token, url, named, coding } = start;
        Self {
            token,
            post_url: url.to_owned(),
            named,
            coding,
            caller,
            play,
            started: now,
            document: 0,
            orders: Vec::new(),
            step: Step::STRAY,
            answered: None,
            over: Over::No,
        }
    }

    /// Whether answers of this session are to be posted to `url` by `caller`.
    pub(crate) fn takes(&self, url: &str, caller: &Caller) -> bool {
        self.post_url == url && (self.named || self.caller.hardware == caller.hardware)
    }

    /// Where in its flow an answer belongs now.
    pub(crate) fn step(&self) -> Step {
        self.orders.last().map_or(self.step, |order| order.answered_in)
    }

    pub(crate) fn caller(&self) -> &Caller {
        &self.caller
    }

    /// The device has begun another session: this one must not go on.
    pub(crate) fn supersede(&mut self) {
        self.over = Over::Superseded;
    }

    /// The first document, in answer to a GET that means `asked`.
    pub(crate) fn open(&mut self, scene_of: &mut dyn SceneSource, asked: String, asked_in: Step) -> Outcome {
        let turn = self.play.script().open(&mut scene_of.scene(&self.caller));
        self.step = asked_in;
        let (response, told) = self.say(turn);
        Outcome { asked_in, asked, response, told_in: self.step, told }
    }

    /// The next document, in answer to a POST.
    pub(crate) fn post(
        &mut self,
        request: &Request,
        now: Duration,
        scene_of: &mut dyn SceneSource,
    ) -> Outcome {
        let step = self.step();
        let refuse = |outcome_of: &str, code| Outcome::plain(step, outcome_of, status(code), "refused");
        if now.saturating_sub(self.started) > SESSION_TIMEOUT {
            self.over = Over::Closed;
            scene_of.scene(&self.caller).violate(step, Rule::Session, "goes on after its timeout");
            return refuse("an answer too late", 410);
        }
        let document = match body::decode(request, self.coding) {
            Ok(document) => document,
            Err((rule, fault)) => {
                self.over = Over::Closed;
                scene_of.scene(&self.caller).violate(step, rule, fault);
                return refuse("an unreadable answer", 400);
            }
        };
        if let Some(outcome) = self.repeated(&document, request, scene_of) {
            return outcome;
        }
        if let Err((code, rule, fault)) = self.admit(&document) {
            self.over = Over::Closed;
            scene_of.scene(&self.caller).violate(step, rule, fault);
            return refuse("an answer out of place", code);
        }
        self.check_codes(&document.answers, scene_of);
        let orders = core::mem::take(&mut self.orders);
        let (turn, asked) = if self.over == Over::Released {
            (Turn::Hang, "the results of the last document".to_owned())
        } else {
            self.play.script().answered(&orders, &document.answers, &mut scene_of.scene(&self.caller))
        };
        let (response, told) = self.say(turn);
        self.answered = Some(Answered {
            re: document.re,
            body: request.body.clone(),
            response: response.clone(),
            repeats: 0,
        });
        Outcome { asked_in: step, asked, response, told_in: self.step, told }
    }

    /// An answer that was taken before is given the same document again (profile B6.5).
    fn repeated(
        &mut self,
        document: &DeviceDocument,
        request: &Request,
        scene_of: &mut dyn SceneSource,
    ) -> Option<Outcome> {
        let step = self.step();
        let over = self.over == Over::Superseded;
        let answered = self.answered.as_mut().filter(|answered| answered.re == document.re && !over)?;
        let mut scene = scene_of.scene(&self.caller);
        answered.repeats += 1;
        if answered.repeats > REPEATS {
            scene.violate(step, Rule::Numbering, format!("answer {} repeated too often", document.re));
        }
        if answered.body != request.body {
            scene.violate(
                step,
                Rule::Numbering,
                format!("answer {} repeated with other octets", document.re),
            );
        }
        let response = answered.response.clone();
        Some(Outcome::plain(step, "the same answer again", response, "the same document again"))
    }

    /// Whether the document is the answer that is due.
    fn admit(&self, document: &DeviceDocument) -> Result<(), (u16, Rule, String)> {
        if matches!(self.over, Over::Closed | Over::Superseded) {
            return Err((410, Rule::Session, "goes on after its end".to_owned()));
        }
        if document.session != self.token {
            return Err((
                400,
                Rule::Numbering,
                format!("session {:?} at the address of {:?}", document.session, self.token),
            ));
        }
        if document.re != self.document {
            let fault = format!("answers document {}, but {} is the last", document.re, self.document);
            return Err((409, Rule::Numbering, fault));
        }
        let due = self.due();
        let given: Vec<u16> = document.answers.iter().map(|answer| answer.id).collect();
        if given != due {
            return Err((400, Rule::Results, format!("results {given:?} where {due:?} are due")));
        }
        if due.is_empty() {
            return Err((410, Rule::Results, "a disconnect is not answered".to_owned()));
        }
        Ok(())
    }

    /// The ids of the commands that are answered: all but a disconnect.
    fn due(&self) -> Vec<u16> {
        (1..)
            .zip(&self.orders)
            .filter(|(_, order)| order.verb != Verb::Disconnect)
            .map(|(id, _)| id)
            .collect()
    }

    /// After a failure nothing more is executed (`onerror` is `stop` in every document here), and only then.
    fn check_codes(&self, answers: &[Answer], scene_of: &mut dyn SceneSource) {
        let mut failed = false;
        for answer in answers {
            let skipped = answer.code == code::NOT_EXECUTED;
            if skipped != failed {
                let fault =
                    format!("code {} of command {} after a {}", answer.code, answer.id, outcome(failed));
                scene_of.scene(&self.caller).violate(self.step(), Rule::Results, fault);
            }
            failed |= answer.code != code::SUCCESS;
        }
    }

    /// Sends the next turn.
    fn say(&mut self, turn: Turn) -> (Response, String) {
        let Turn::Say(orders) = turn else {
            self.over = Over::Closed;
            return (status(204), "nothing more".to_owned());
        };
        self.document += 1;
        if let Some(first) = orders.first() {
            self.step = first.step;
        }
        if orders.last().is_some_and(|order| order.verb == Verb::Disconnect) {
            self.over = Over::Released;
        }
        self.orders = orders;
        let document = ServerDocument {
            session: &self.token,
            number: self.document,
            next: (self.named && self.document == 1).then_some(&*self.post_url),
            orders: &self.orders,
        };
        let told: Vec<&str> = self.orders.iter().map(|order| &*order.meaning).collect();
        match body::encode(&document, self.coding) {
            Ok((content_type, octets)) => (status(200).with_body(&content_type, octets), told.join(", ")),
            Err(fault) => (status(500), format!("a document that cannot be written: {fault}")),
        }
    }
}

/// Lends a script its surroundings.
pub(crate) trait SceneSource {
    fn scene<'s>(&'s mut self, caller: &'s Caller) -> Scene<'s>;
}

impl SceneSource for (&mut Books, &mut crate::log::Log) {
    fn scene<'s>(&'s mut self, caller: &'s Caller) -> Scene<'s> {
        Scene { books: self.0, log: self.1, caller }
    }
}

fn outcome(failed: bool) -> &'static str {
    if failed { "failure" } else { "success" }
}

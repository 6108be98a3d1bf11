//! The management server: sessions over HTTP, each by its script.

use super::credentials::DmCredentials;
use super::fault::DmFault;
use super::message::{DmEvent, Message};
use super::order::{DmAnswer, DmSay};
use super::script::{DmPackage, DmScript};
use super::session::{DmRule, DmViolation, Heard, Place, Session};
use crate::http::{Request, Response};
use kedge_protocol::mime::MediaType;
use kedge_protocol::syncml::{WBXML, XML};
use kedge_protocol::wap::Coding;
use std::collections::VecDeque;

/// A copy of a conversation, whatever its type.
pub trait DmBoxed {
    /// The copy.
    fn boxed(&self) -> Box<dyn DmConversation>;
}

impl<T: DmConversation + Clone + 'static> DmBoxed for T {
    fn boxed(&self) -> Box<dyn DmConversation> {
        Box::new(self.clone())
    }
}

impl Clone for Box<dyn DmConversation> {
    fn clone(&self) -> Self {
        (**self).boxed()
    }
}

/// What the server says in a session, package by package.
pub trait DmConversation: core::fmt::Debug + Send + DmBoxed {
    /// How the device and the server prove themselves.
    fn credentials(&self) -> (DmCredentials, DmCredentials);

    /// The next package, after what became of the one before; `None` ends the session.
    fn next(&mut self, answers: &[(DmSay, DmAnswer)], events: &[DmEvent]) -> Option<DmPackage>;

    /// What the session lacks at its end: nothing, if all went as it should.
    fn missing(&self, events: &[DmEvent]) -> Vec<String>;
}

/// A script that is being played.
#[derive(Clone, Debug)]
struct Played {
    script: DmScript,
    next: usize,
}

impl DmConversation for Played {
    fn credentials(&self) -> (DmCredentials, DmCredentials) {
        (self.script.device.clone(), self.script.server.clone())
    }

    fn next(&mut self, _: &[(DmSay, DmAnswer)], _: &[DmEvent]) -> Option<DmPackage> {
        let package = self.script.packages.get(self.next).cloned();
        self.next += 1;
        package
    }

    fn missing(&self, events: &[DmEvent]) -> Vec<String> {
        let came = |(kind, data): &&(String, String)| {
            events.iter().any(|event| event.kind == *kind && event.data == *data)
        };
        let missing = self.script.events.iter().filter(|event| !came(event));
        missing.map(|(kind, data)| format!("no alert {kind} with {data:?}")).collect()
    }
}

/// A session that was held, for whoever looks at it afterwards.
#[derive(Clone, Debug, Default)]
pub struct DmHeld {
    /// Its number.
    pub session: String,
    /// The device, as it names itself.
    pub device: String,
    /// Whether it came to its end.
    pub complete: bool,
    /// What became of each command.
    pub answers: Vec<(DmSay, DmAnswer)>,
    /// What the device told of its own accord.
    pub events: Vec<DmEvent>,
    /// Rules the device broke.
    pub violations: Vec<DmViolation>,
}

/// A management server.
#[derive(Clone, Debug, Default)]
pub struct DmServer {
    waiting: VecDeque<Box<dyn DmConversation>>,
    /// The conversation that is held when nothing else waits.
    expected: Option<Box<dyn DmConversation>>,
    running: Option<(Session, Box<dyn DmConversation>)>,
    /// What of the package is still to be said, message by message.
    rest: VecDeque<Vec<DmSay>>,
    /// The package to be said again, because the device has asked for credentials.
    unsaid: Option<DmPackage>,
    /// The last message of the session before, and its answer: it may have been lost.
    parting: Option<(Vec<u8>, Vec<u8>)>,
    held: Vec<DmHeld>,
    /// How the two sides of the last session prove themselves in the next one.
    credentials: Option<(DmCredentials, DmCredentials)>,
    answers: Vec<(DmSay, DmAnswer)>,
}

impl DmServer {
    /// A server with nothing to say.
    pub fn new() -> Self {
        Self::default()
    }

    /// Plays `script` in the next session.
    pub fn play(&mut self, script: DmScript) {
        self.converse(Played { script, next: 0 });
    }

    /// Holds this conversation in the next session.
    pub fn converse(&mut self, conversation: impl DmConversation + 'static) {
        self.waiting.push_back(Box::new(conversation));
    }

    /// Holds this conversation in the next session if no other waits for it, in place of the one that was expected before.
    pub fn expect(&mut self, conversation: impl DmConversation + 'static) {
        self.expected = Some(Box::new(conversation));
    }

    /// Gives up the session that is running, if there is one: its device has gone away.
    pub fn hang_up(&mut self) {
        self.close();
    }

    /// How the device and the server prove themselves after the last session: with the nonces they told.
    pub fn credentials(&self) -> Option<(DmCredentials, DmCredentials)> {
        self.credentials.clone()
    }

    /// The sessions that were held, first to last.
    pub fn held(&self) -> &[DmHeld] {
        &self.held
    }

    /// Answers a request. A lost reply is a response that announces more than it has: the transport drops the connection.
    pub fn exchange(&mut self, request: &Request) -> Response {
        let media = request.header("Content-Type").and_then(|text| MediaType::parse(text).ok());
        let coding = match media {
            Some(media) if media.is(WBXML) => Coding::Wbxml,
            Some(media) if media.is(XML) => Coding::Xml,
            _ => return Response::new(415),
        };
        if request.method != "POST" {
            return Response::new(405).with_header("Allow", "POST");
        }
        let mut faults = Vec::new();
        let message = match Message::read(coding, &request.body, &mut |fault| faults.push(fault)) {
            Ok(message) => message,
            Err(fault) => {
                self.stray(fault);
                return Response::new(400);
            }
        };
        let media = if coding == Coding::Wbxml { WBXML } else { XML };
        if let Some((heard, said)) = &self.parting
            && *heard == request.body
        {
            return Response { body: said.clone(), ..Response::new(200).with_header("Content-Type", media) };
        }
        // A device that has restarted begins the same session anew.
        let known = self.running.as_ref().is_some_and(|(session, _)| {
            session.id == message.session && (message.number > 1 || session.has_heard(&request.body))
        });
        if !known {
            self.close();
            let Some(conversation) = self.waiting.pop_front().or_else(|| self.expected.take()) else {
                self.stray(format!("session {} of nobody's", message.session));
                return Response::new(503);
            };
            let (client, server) = conversation.credentials();
            let session = Session::new(&request.url, coding, &message, client, server);
            self.running = Some((session, conversation));
        }
        let body = self.turn(&request.body, &message, faults);
        match body {
            Some((body, false)) => Response { body, ..Response::new(200).with_header("Content-Type", media) },
            // Announced, and never sent.
            Some((body, true)) => {
                let length = body.len().to_string();
                Response::new(200).with_header("Content-Type", media).with_header("Content-Length", &length)
            }
            None => Response::new(200),
        }
    }

    /// What to say to a message, and whether that is lost on its way.
    fn turn(&mut self, heard: &[u8], message: &Message, faults: Vec<String>) -> Option<(Vec<u8>, bool)> {
        let (session, conversation) = self.running.as_mut()?;
        for fault in faults {
            session.violate(DmRule::Header, fault);
        }
        let before = session.last_said();
        let (said, lost) = match session.hear(heard, message) {
            Heard::Repeated(answer) => return Some((answer, false)),
            Heard::Aborted => {
                self.close();
                return None;
            }
            Heard::Refused(statuses) => (session.say(statuses, &[], Place::Last, None), false),
            Heard::More(statuses) => match self.rest.pop_front() {
                Some(says) => {
                    let place = if self.rest.is_empty() { Place::Last } else { Place::Within };
                    (session.say(statuses, &says, place, None), false)
                }
                None => (session.say(statuses, &[], Place::Asking, None), false),
            },
            Heard::Package(statuses) => {
                let refused = session.is_refused();
                let answers = session.take_answers();
                let package = self.unsaid.take().filter(|_| refused).or_else(|| {
                    self.answers.extend(answers.iter().cloned());
                    conversation.next(&answers, &session.events)
                });
                let over = package.is_none();
                let DmPackage { mut says, fault } = package.unwrap_or_default();
                self.unsaid = Some(DmPackage { says: says.clone(), fault: None });
                if fault == Some(DmFault::UnknownCommand) {
                    says.push(DmSay::new(super::order::DmOrder::Unknown("Put".to_owned())));
                }
                self.rest = messages(says);
                let says = self.rest.pop_front().unwrap_or_default();
                let place = if self.rest.is_empty() { Place::Last } else { Place::Within };
                let said = session.say(statuses, &says, place, fault);
                session.over |= over;
                match (fault, before) {
                    (Some(DmFault::Duplicate), Some(before)) => (before, false),
                    _ => (said, fault == Some(DmFault::LostReply)),
                }
            }
        };
        session.remember(heard, &said);
        if session.over {
            self.parting = Some((heard.to_vec(), said.clone()));
            self.close();
        }
        Some((said, lost))
    }

    /// Writes down the session that is running, if there is one.
    fn close(&mut self) {
        let Some((mut session, conversation)) = self.running.take() else { return };
        for missing in conversation.missing(&session.events) {
            session.violate(DmRule::Event, missing);
        }
        self.unsaid = None;
        self.rest.clear();
        self.credentials = Some(session.next_credentials());
        self.held.push(DmHeld {
            complete: session.over && !session.aborted,
            session: session.id,
            device: session.device,
            answers: core::mem::take(&mut self.answers),
            events: session.events,
            violations: session.violations,
        });
    }

    /// Something that belongs to no session.
    fn stray(&mut self, detail: String) {
        let violation = DmViolation { message: 0, rule: DmRule::Document, detail };
        match &mut self.running {
            Some((session, _)) => session.violations.push(violation),
            None => self.held.push(DmHeld { violations: vec![violation], ..DmHeld::default() }),
        }
    }
}

/// The messages of a package: a large value takes several, and nothing stands between its pieces.
fn messages(says: Vec<DmSay>) -> VecDeque<Vec<DmSay>> {
    let mut messages = VecDeque::from([Vec::new()]);
    for say in says {
        for (number, piece) in say.pieces().into_iter().enumerate() {
            if number > 0 {
                messages.push_back(Vec::new());
            }
            if let Some(message) = messages.back_mut() {
                message.push(piece);
            }
        }
    }
    messages
}

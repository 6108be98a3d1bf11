//! One management session, the server's side: what was sent waits for its statuses, what comes is judged.

use super::credentials::{DmCredentials, DmScheme, decode};
use super::element::Element;
use super::fault::DmFault;
use super::message::{DmEvent, Message, events};
use super::order::{DmAnswer, DmSay};
use kedge_protocol::wap::Coding;
use std::collections::BTreeMap;

/// The namespace of messages.
const NAMESPACE: &str = "SYNCML:SYNCML1.2";
/// Largest message the server takes, in octets; it says so.
pub(crate) const MAX_MESSAGE: usize = 8192;
/// Largest object the server takes, in octets.
const MAX_OBJECT: usize = 256 * 1024;
/// The nodes of DevInfo that package 1 must bring.
const DEV_INFO: [&str; 5] =
    ["./DevInfo/DevId", "./DevInfo/Man", "./DevInfo/Mod", "./DevInfo/DmV", "./DevInfo/Lang"];

/// A rule the device broke in a management session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum DmRule {
    /// The document or the order in it.
    Document,
    /// Versions, session and message numbers, addresses.
    Header,
    /// Package 1: alert and DevInfo.
    Start,
    /// A status that is missing, that answers nothing, or that came twice.
    Status,
    /// Results without their Get, or before its status.
    Results,
    /// A command that a device may not send.
    Command,
    /// A message larger than the server takes.
    Size,
    /// A status other than the script expects, or a value.
    Expected,
    /// Generic alerts: their form, or one that was expected and did not come.
    Event,
}

/// A rule the device broke, and how.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DmViolation {
    /// The message, from 1.
    pub message: u32,
    /// The rule.
    pub rule: DmRule,
    /// What was seen instead.
    pub detail: String,
}

impl core::fmt::Display for DmViolation {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "message {}: {:?}: {}", self.message, self.rule, self.detail)
    }
}

/// A command that was sent.
#[derive(Clone, Debug)]
struct Sent {
    message: u32,
    id: String,
    /// `None` for the header and for what the server says of its own accord.
    say: Option<DmSay>,
    name: String,
    answer: DmAnswer,
    answered: bool,
}

/// A session.
#[derive(Clone, Debug)]
pub(crate) struct Session {
    pub(crate) id: String,
    pub(crate) device: String,
    address: String,
    coding: Coding,
    /// The number of the last message of each side.
    last_in: u32,
    last_out: u32,
    /// The last message, and the answer to it.
    repeated: Option<(Vec<u8>, Vec<u8>)>,
    sent: Vec<Sent>,
    pub(crate) events: Vec<DmEvent>,
    /// What DevInfo said.
    pub(crate) info: BTreeMap<String, String>,
    client: DmCredentials,
    server: DmCredentials,
    authenticated: bool,
    /// The largest message that the device takes.
    most: Option<usize>,
    pub(crate) aborted: bool,
    pub(crate) over: bool,
    pub(crate) violations: Vec<DmViolation>,
}

/// Where in its package a message of the server stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    /// It is the last one.
    Last,
    /// More of it follows.
    Within,
    /// It asks for the rest of the device's package.
    Asking,
}

/// What a message leads to.
pub(crate) enum Heard {
    /// The device has repeated its message: the same answer once more.
    Repeated(Vec<u8>),
    /// The package goes on: the rest is to be asked for.
    More(Vec<Element>),
    /// Credentials are missing or wrong: only statuses are sent.
    Refused(Vec<Element>),
    /// The package is complete; these are the statuses it gets.
    Package(Vec<Element>),
    /// The device has ended it.
    Aborted,
}

impl Session {
    pub(crate) fn new(
        address: &str,
        coding: Coding,
        message: &Message,
        client: DmCredentials,
        server: DmCredentials,
    ) -> Self {
        Self {
            id: message.session.clone(),
            device: message.source.clone(),
            address: address.to_owned(),
            coding,
            last_in: 0,
            last_out: 0,
            repeated: None,
            sent: Vec::new(),
            events: Vec::new(),
            info: BTreeMap::new(),
            authenticated: client.scheme == DmScheme::None,
            client,
            server,
            most: None,
            aborted: false,
            over: false,
            violations: Vec::new(),
        }
    }

    pub(crate) fn violate(&mut self, rule: DmRule, detail: impl Into<String>) {
        self.violations.push(DmViolation { message: self.last_in, rule, detail: detail.into() });
    }

    /// Takes a message.
    pub(crate) fn hear(&mut self, body: &[u8], message: &Message) -> Heard {
        if let Some((known, answer)) = &self.repeated
            && message.number == self.last_in
        {
            if known == body {
                return Heard::Repeated(answer.clone());
            }
            self.violate(DmRule::Header, format!("message {} once more, with other content", message.number));
        }
        let first = self.last_in == 0;
        if message.number != self.last_in + 1 {
            self.violate(DmRule::Header, format!("message {} after {}", message.number, self.last_in));
        }
        self.last_in = message.number;
        if message.target != self.address {
            self.violate(DmRule::Header, format!("addressed to {:?}", message.target));
        }
        if message.source != self.device {
            self.violate(DmRule::Header, format!("from {:?}", message.source));
        }
        if body.len() > MAX_MESSAGE {
            self.violate(DmRule::Size, format!("{} octets", body.len()));
        }
        self.most = message.most.or(self.most);
        let status = self.judge_credentials(message);
        if first || !self.authenticated {
            self.start(message);
        }
        let accepted = matches!(status.1, 200 | 212);
        let mut statuses = vec![self.status_of_header(&status)];
        for command in &message.commands {
            self.command(command, accepted, &mut statuses, status.1);
        }
        if !accepted {
            return Heard::Refused(statuses);
        }
        if self.aborted {
            self.over = true;
            return Heard::Aborted;
        }
        if !message.is_final {
            return Heard::More(statuses);
        }
        for sent in self.sent.iter().filter(|sent| !sent.answered).cloned().collect::<Vec<_>>() {
            self.violate(DmRule::Status, format!("no status for {} {}", sent.name, sent.id));
        }
        Heard::Package(statuses)
    }

    /// The chal element and code that the header gets.
    fn judge_credentials(&mut self, message: &Message) -> (Option<Element>, u16) {
        if self.authenticated {
            return (None, 200);
        }
        match self.client.judge(message.cred.as_ref()) {
            Some(true) => {
                self.authenticated = true;
                (None, 212)
            }
            Some(false) => (Some(self.client.chal()), 401),
            None => (Some(self.client.chal()), 407),
        }
    }

    /// Package 1 (`oma-dm.md` 4.1).
    fn start(&mut self, message: &Message) {
        let first = message.commands.iter().find(|command| command.name != "Status");
        if !first.is_some_and(|alert| matches!(&*alert.at(&["Data"]), "1200" | "1201")) {
            self.violate(DmRule::Start, "package 1 does not begin with alert 1200 or 1201");
        }
        for item in message.all("Replace").flat_map(|replace| replace.all("Item")) {
            self.info.insert(item.at(&["Source", "LocURI"]), item.at(&["Data"]));
        }
        for node in DEV_INFO {
            if self.info.get(node).is_none_or(String::is_empty) {
                self.violate(DmRule::Start, format!("package 1 without {node}"));
            }
        }
    }

    fn command(&mut self, command: &Element, accepted: bool, statuses: &mut Vec<Element>, refusal: u16) {
        match &*command.name {
            "Status" => return self.status(command),
            "Results" => return self.results(command),
            "Alert" if accepted => self.alert(command),
            "Alert" | "Replace" => {}
            other => self.violate(DmRule::Command, format!("a device that says {other}")),
        }
        let code = if accepted { 200 } else { refusal };
        statuses.push(
            Element::new("Status")
                .with(Element::text("MsgRef", self.last_in.to_string()))
                .with(Element::text("CmdRef", command.at(&["CmdID"])))
                .with(Element::text("Cmd", &*command.name))
                .with(Element::text("Data", code.to_string())),
        );
    }

    fn alert(&mut self, alert: &Element) {
        match &*alert.at(&["Data"]) {
            "1200" | "1201" | "1222" => {}
            "1223" => self.aborted = true,
            "1226" => match events(alert) {
                Ok(events) => self.events.extend(events),
                Err(fault) => self.violate(DmRule::Event, fault),
            },
            other => self.violate(DmRule::Command, format!("alert {other:?}")),
        }
    }

    fn status(&mut self, status: &Element) {
        let (message, id) = (status.at(&["MsgRef"]), status.at(&["CmdRef"]));
        let (name, code) = (status.at(&["Cmd"]), status.at(&["Data"]));
        let Ok(code) = code.parse::<u16>() else {
            return self.violate(DmRule::Status, format!("status {code:?}"));
        };
        let found = self.sent.iter_mut().find(|sent| sent.message.to_string() == message && sent.id == id);
        let Some(sent) = found else {
            return self.violate(
                DmRule::Status,
                format!("status {code} for {name} {id} of {message}, which was not sent"),
            );
        };
        if sent.name != name {
            let fault = format!("status for {name} {id}, which was {}", sent.name);
            return self.violate(DmRule::Status, fault);
        }
        let twice = core::mem::replace(&mut sent.answered, true);
        sent.answer.status = code;
        sent.answer.texts = status.all("Item").map(|item| item.at(&["Data"])).collect();
        let expected =
            sent.say.as_ref().filter(|say| !say.statuses.is_empty() && !say.statuses.contains(&code));
        // Refused credentials are another matter: then the package is said again.
        let expected = expected
            .filter(|_| !matches!(code, 401 | 407))
            .map(|say| (say.order.meaning(), say.statuses.clone()));
        if id == "0" && (matches!(code, 401 | 407) || status.child("Chal").is_some()) {
            self.challenged(status);
        }
        if twice {
            self.violate(DmRule::Status, format!("a second status for {name} {id}"));
        }
        if let Some((meaning, expected)) = expected {
            self.violate(DmRule::Expected, format!("{meaning}: status {code}, expected {expected:?}"));
        }
    }

    /// The device wants the server's credentials, or others.
    fn challenged(&mut self, status: &Element) {
        let Some(chal) = status.child("Chal") else {
            return self.violate(DmRule::Status, "refused credentials without a challenge");
        };
        if chal.at(&["Meta", "Type"]) == self.server.scheme.name() {
            self.server.nonce = decode(&chal.at(&["Meta", "NextNonce"]));
        } else {
            self.violate(DmRule::Status, format!("a challenge for {:?}", chal.at(&["Meta", "Type"])));
        }
    }

    fn results(&mut self, results: &Element) {
        let (message, id) = (results.at(&["MsgRef"]), results.at(&["CmdRef"]));
        let found = self.sent.iter_mut().find(|sent| {
            (message.is_empty() || sent.message.to_string() == message) && sent.id == id && sent.name == "Get"
        });
        let Some(sent) = found else {
            return self.violate(DmRule::Results, format!("results for {id} of {message}, which is no Get"));
        };
        let late = sent.answered;
        let format = results.at(&["Meta", "Format"]);
        for item in results.all("Item") {
            let own = item.at(&["Meta", "Format"]);
            let format = if own.is_empty() { format.clone() } else { own };
            let value = item.child("Data").map(|data| data.value.clone()).unwrap_or_default();
            sent.answer.results.push((item.at(&["Source", "LocURI"]), format, value));
        }
        let wrong = sent
            .say
            .as_ref()
            .and_then(|say| say.value.clone())
            .filter(|value| *value != sent.answer.octets());
        let (text, octets) = (sent.answer.text(), sent.answer.octets());
        if !late {
            self.violate(DmRule::Results, format!("results before the status of Get {id}"));
        }
        if let Some(value) = wrong {
            let told = str::from_utf8(&value).map_or_else(
                |_| format!("{octets:02x?}, expected {value:02x?}"),
                |value| format!("{text:?}, expected {value:?}"),
            );
            self.violate(DmRule::Expected, format!("Get {id} brought {told}"));
        }
    }

    fn status_of_header(&self, (chal, code): &(Option<Element>, u16)) -> Element {
        Element::new("Status")
            .with(Element::text("MsgRef", self.last_in.to_string()))
            .with(Element::text("CmdRef", "0"))
            .with(Element::text("Cmd", "SyncHdr"))
            .with_all(chal.clone())
            .with(Element::text("Data", code.to_string()))
    }

    /// Whether the device has refused the server's credentials in its last message.
    pub(crate) fn is_refused(&self) -> bool {
        self.sent.iter().any(|sent| sent.name == "SyncHdr" && matches!(sent.answer.status, 401 | 407))
    }

    /// What became of the commands of the last package; they are done with.
    pub(crate) fn take_answers(&mut self) -> Vec<(DmSay, DmAnswer)> {
        let sent = core::mem::take(&mut self.sent);
        sent.into_iter().filter_map(|sent| sent.say.map(|say| (say, sent.answer))).collect()
    }

    /// Makes the next message out of statuses and commands.
    pub(crate) fn say(
        &mut self,
        statuses: Vec<Element>,
        says: &[DmSay],
        place: Place,
        fault: Option<DmFault>,
    ) -> Vec<u8> {
        self.last_out += 1;
        let mut ids = 0;
        let mut body = Element::new("SyncBody");
        for status in statuses {
            ids += 1;
            let mut numbered = Element::new("Status").with(Element::text("CmdID", ids.to_string()));
            numbered.children.extend(status.children);
            body.children.push(numbered);
        }
        let mut sent = Vec::new();
        for say in says {
            body.children.push(say.order.element(&mut ids, &mut sent, say));
        }
        let message = self.last_out;
        self.sent.push(Sent {
            message,
            id: "0".to_owned(),
            say: None,
            name: "SyncHdr".to_owned(),
            answer: DmAnswer::default(),
            answered: false,
        });
        self.sent.extend(sent.into_iter().map(|(id, say)| Sent {
            message,
            id,
            name: say.order.name().to_owned(),
            say: Some(say),
            answer: DmAnswer::default(),
            answered: false,
        }));
        if place == Place::Asking {
            ids += 1;
            self.own(&mut body, ids, "1222");
        }
        if fault == Some(DmFault::EarlyClose) {
            ids += 1;
            self.own(&mut body, ids, "1223");
            self.over = true;
        }
        if place == Place::Last || fault == Some(DmFault::EarlyClose) {
            body.children.push(Element::new("Final"));
        }
        self.coded(body, fault)
    }

    /// An alert of the server itself, which gets a status, too.
    fn own(&mut self, body: &mut Element, id: u32, code: &str) {
        let alert = Element::new("Alert").with(Element::text("CmdID", id.to_string()));
        body.children.push(alert.with(Element::text("Data", code)));
        self.sent.push(Sent {
            message: self.last_out,
            id: id.to_string(),
            say: None,
            name: "Alert".to_owned(),
            answer: DmAnswer::default(),
            answered: false,
        });
    }

    fn coded(&self, mut body: Element, fault: Option<DmFault>) -> Vec<u8> {
        if fault == Some(DmFault::Garbage) {
            return b"not a document".to_vec();
        }
        let mut server = self.server.clone();
        if fault == Some(DmFault::WrongDigest) {
            server.password.push('?');
        }
        let cred = (server.scheme != DmScheme::None).then(|| server.cred());
        let location = |name, uri: &str| Element::new(name).with(Element::text("LocURI", uri));
        let meta = Element::new("Meta")
            .with(Element::text("MaxMsgSize", MAX_MESSAGE.to_string()))
            .with(Element::text("MaxObjSize", MAX_OBJECT.to_string()));
        let header = Element::new("SyncHdr")
            .with(Element::text("VerDTD", "1.2"))
            .with(Element::text("VerProto", "DM/1.2"))
            .with(Element::text("SessionID", &*self.id))
            .with(Element::text("MsgID", self.last_out.to_string()))
            .with(location("Target", &self.device))
            .with(location("Source", &self.address))
            .with_all(cred)
            .with(meta);
        if fault == Some(DmFault::WrongOrder) {
            body.children.iter_mut().for_each(|command| command.children.reverse());
        }
        if fault == Some(DmFault::Oversized) {
            let padding = "x".repeat(self.most.unwrap_or(16 * 1024));
            body.children.insert(0, Element::new("Status").with(Element::text("Data", padding)));
        }
        if self.coding == Coding::Xml {
            spell_octets(&mut body);
        }
        Element::new("SyncML").with(header).with(body).write(self.coding, NAMESPACE)
    }

    /// Remembers an exchange, in case the device repeats its message.
    pub(crate) fn remember(&mut self, heard: &[u8], said: &[u8]) {
        self.repeated = Some((heard.to_vec(), said.to_vec()));
    }

    /// Whether this is the last message that was heard.
    pub(crate) fn has_heard(&self, body: &[u8]) -> bool {
        self.repeated.as_ref().is_some_and(|(heard, _)| heard == body)
    }

    /// How both sides prove themselves in the next session.
    pub(crate) fn next_credentials(&self) -> (DmCredentials, DmCredentials) {
        (self.client.clone(), self.server.clone())
    }

    /// What was said last.
    pub(crate) fn last_said(&self) -> Option<Vec<u8>> {
        self.repeated.as_ref().map(|(_, said)| said.clone())
    }
}

/// In XML octets travel as base64, and their format says so.
fn spell_octets(element: &mut Element) {
    let has_octets = element.children.iter().any(|child| child.name == "Data" && child.opaque);
    if element.name == "Item" && has_octets {
        let metas = element.children.iter_mut().filter(|child| child.name == "Meta");
        for format in metas.flat_map(|meta| &mut meta.children).filter(|child| child.name == "Format") {
            format.value = b"b64".to_vec();
        }
    }
    element.children.iter_mut().for_each(spell_octets);
}

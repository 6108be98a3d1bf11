//! The session and its caller, for the tests below.

mod laws;
mod rules;
mod vocabulary;

use super::*;
use crate::iota::limits::MAX_COMMANDS;
use crate::iota::mmc::{self, Content, Document, Element, Head, Session};
use crate::mime::{Boundary, MediaType, Piece, Related, RelatedWriter};
use std::format;
use std::string::{String, ToString};
use std::vec;
use std::vec::Vec;

const URL: &str = "http://boot.example.com/start";
/// For all commands that a document may have.
const MIN_ROOM: usize = min_room::<mmc::Mmc>(MAX_COMMANDS);
const SECOND: Duration = Duration::from_secs(1);

fn config() -> Config<'static> {
    Config {
        start_url: URL,
        reason: Reason::User,
        make: "Acme",
        model: "DevKit",
        version: "1.4.2",
        esn: Some(0x8012_ABCD),
        meid: None,
        trusted_domain: "example.com",
        boot_url: URL,
        connection_timeout: 30 * SECOND,
        session_timeout: 900 * SECOND,
    }
}

/// What a session wants, in owned form.
#[derive(Clone, Debug, PartialEq)]
enum Want {
    Send(Method, String, Vec<(String, String)>, Vec<u8>),
    Execute(u16, Verb, Option<String>, Option<Owned>),
    Wait(Duration),
    End(Outcome),
}

#[derive(Clone, Debug, PartialEq)]
enum Owned {
    Text(String),
    Data(Vec<u8>),
}

impl Want {
    fn of(output: &Output<'_>) -> Self {
        match output {
            Output::Send(request) => {
                let headers = request.headers.as_slice().iter();
                let headers = headers.map(|(name, value)| (name.to_string(), value.to_string())).collect();
                Self::Send(request.method, request.url.to_string(), headers, request.body.to_vec())
            }
            Output::Execute(command) => {
                let value = command.value.map(|value| match value {
                    Value::Text(text) => Owned::Text(text.to_string()),
                    Value::Data(octets) => Owned::Data(octets.to_vec()),
                });
                Self::Execute(command.id, command.verb, command.object.map(str::to_string), value)
            }
            Output::Wait(until) => Self::Wait(*until),
            Output::End(outcome) => Self::End(*outcome),
        }
    }

    fn ending(&self) -> (EndReason, u16) {
        match self {
            Self::End(outcome) => (outcome.reason, outcome.error),
            other => panic!("no end but {other:?}"),
        }
    }

    fn header(&self, name: &str) -> Option<&str> {
        let Self::Send(_, _, headers, _) = self else { panic!("no request but {self:?}") };
        headers.iter().find(|(n, _)| n == name).map(|(_, value)| value.as_str())
    }

    fn url(&self) -> &str {
        let Self::Send(_, url, ..) = self else { panic!("no request but {self:?}") };
        url
    }

    /// Codes and values of the answer in a POST, values of parts resolved.
    fn results(&self) -> Vec<(u16, ResultCode, Option<Owned>)> {
        let Self::Send(Method::Post, _, _, body) = self else { panic!("no POST but {self:?}") };
        results(self.header("Content-Type").unwrap(), body)
    }
}

fn results(content_type: &str, body: &[u8]) -> Vec<(u16, ResultCode, Option<Owned>)> {
    let media = MediaType::parse(content_type).unwrap();
    let parts: Vec<_> = match Related::new(&media, body) {
        Ok(related) => {
            related.check().unwrap();
            related.parts().map(Result::unwrap).collect()
        }
        Err(_) => Vec::new(),
    };
    let (media, document) =
        parts.first().map_or((media, body), |root| (root.media_type.unwrap(), root.content));
    let mut scratch = vec![0; 40_000];
    let document = Document::check(mmc::coding_of(&media).unwrap(), document, &mut scratch).unwrap();
    assert!(matches!(document.head(&mut scratch).unwrap(), Head::Device { .. }));
    let mut all = Vec::new();
    for number in 0..document.len() {
        let Some(Element::Answer(answer)) = document.element(number, &mut scratch).unwrap() else { panic!() };
        let value = answer.value.map(|value| match value {
            Content::Text(text) => Owned::Text(text.to_string()),
            Content::Data(octets) => Owned::Data(octets.to_vec()),
            reference @ Content::Reference(_) => {
                let id = reference.part().unwrap().unwrap();
                Owned::Data(parts.iter().find(|part| part.content_id == Some(id)).unwrap().content.to_vec())
            }
        });
        all.push((answer.id, answer.code, value));
    }
    all
}

/// A session with its caller.
struct Talk {
    session: Session<'static>,
    now: Duration,
}

impl Talk {
    fn with(config: &Config<'_>, rx: usize, tx: usize) -> Self {
        let (rx, tx) = (vec![0; rx].leak(), vec![0; tx].leak());
        Self { session: Session::new(config, rx, tx).unwrap(), now: 10 * SECOND }
    }

    fn new() -> Self {
        Self::with(&config(), 64 * 1024, 16 * 1024)
    }

    /// A session whose GET is out.
    fn started() -> Self {
        let mut talk = Self::new();
        talk.input(Input::Start);
        talk.wait();
        talk
    }

    fn input(&mut self, input: Input<'_>) -> Want {
        self.session.handle(self.now, input).unwrap();
        self.poll()
    }

    fn poll(&mut self) -> Want {
        Want::of(&self.session.poll(self.now))
    }

    fn wait(&mut self) -> Duration {
        match self.poll() {
            Want::Wait(until) => until,
            other => panic!("no wait but {other:?}"),
        }
    }

    fn status(&mut self, status: u16, location: Option<&str>, retry_after: Option<u32>) -> Want {
        self.input(Input::Reply(Reply { status, content_type: None, location, retry_after, len: 0 }))
    }

    fn body(&mut self, content_type: &str, body: &[u8]) -> Want {
        let buffer = self.session.receive_buffer();
        if let Some(target) = buffer.get_mut(..body.len()) {
            target.copy_from_slice(body);
        }
        let content_type = Some(content_type);
        self.input(Input::Reply(Reply {
            status: 200,
            content_type,
            location: None,
            retry_after: None,
            len: body.len(),
        }))
    }

    fn xml(&mut self, doc: u16, content: &str) -> Want {
        self.body("application/iota.mmc-xml", document(doc, "", content).as_bytes())
    }

    fn done(&mut self, code: ResultCode, value: Option<Value<'_>>) -> Want {
        self.input(Input::Done(CommandResult { code, value }))
    }

    fn ok(&mut self) -> Want {
        self.done(ResultCode::SUCCESS, None)
    }
}

fn document(doc: u16, attributes: &str, content: &str) -> String {
    format!("<mmc version='1.0' session='S' doc='{doc}' {attributes}>{content}</mmc>")
}

const fn end(reason: EndReason, code: ResultCode) -> (EndReason, u16) {
    ending(reason, code)
}

/// A body of several parts: the document, and parts of the given types and contents under p0, p1, ...
fn multipart(root: &str, parts: &[(&str, &[u8])]) -> (String, Vec<u8>) {
    related(&Piece { media_type: mmc::XML, content_id: "mmc", content: root.as_bytes() }, parts)
}

/// The same with a document of any kind.
fn related(root: &Piece<'_>, parts: &[(&str, &[u8])]) -> (String, Vec<u8>) {
    let boundary = Boundary::new("=b").unwrap();
    let mut out = vec![0; 100_000];
    let mut header = [0; 128];
    let mut writer = RelatedWriter::new(&mut out, boundary);
    writer.piece(root).unwrap();
    for (number, (media_type, content)) in parts.iter().enumerate() {
        writer.piece(&Piece { media_type, content_id: &format!("p{number}"), content }).unwrap();
    }
    let body = writer.finish().unwrap().to_vec();
    let mut w = crate::wire::Writer::new(&mut header);
    boundary.content_type(root, &mut w).unwrap();
    (String::from_utf8(w.finish().to_vec()).unwrap(), body)
}

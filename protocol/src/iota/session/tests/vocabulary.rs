//! Another vocabulary than MMC: a session speaks what its codec speaks. A document is lines of text:
//! ```text
//! S 1 http://example.com/next          session, document, where the answer goes
//! 1 read dev/make                      id, verb, object
//! 2 exec is683/msg @p0                 a value: @part, =text or #octets
//! ```
//! and an answer has its own session and number, then id, code and value of each result.

use super::*;
use crate::iota::{Answer, Codec, Command, Content, Fault, ResultWriter};
use crate::wire::{Decimal, Error, ErrorKind, Writer};

#[derive(Clone, Copy, Debug)]
struct Lines;

const TYPE: &str = "text/x-lines";
const BAD: Fault = Fault::Ungrammatical(Error::new(ErrorKind::BadValue, 0));

impl Codec for Lines {
    const ACCEPT: &'static str = "text/x-lines, multipart/related";
    const SCRATCH: usize = 256;
    const ROOT_ID: &'static str = "lines";
    const EMPTY: usize = 40;
    const RESULT: usize = 16;
    type Writer<'b> = LineWriter<'b>;

    fn of(media: &MediaType<'_>) -> Option<Self> {
        media.is(TYPE).then_some(Self)
    }

    fn media_type(self) -> &'static str {
        TYPE
    }

    fn check<'s>(self, bytes: &'s [u8], _: &'s mut [u8]) -> Result<Checked<'s>, Fault> {
        let mut lines = lines(bytes)?;
        let mut head = lines.next().ok_or(BAD)?.split(' ');
        let (session, doc) = (head.next().ok_or(BAD)?, head.next().ok_or(BAD)?);
        let doc = doc.parse().map_err(|_| BAD)?;
        let mut commands = 0;
        for line in lines {
            command(line, None)?;
            commands += 1;
        }
        Ok(Checked { session, doc, next: head.next(), commands, foreign: false })
    }

    fn command<'s>(
        self,
        bytes: &'s [u8],
        number: usize,
        scratch: &'s mut [u8],
    ) -> Result<Option<Command<'s>>, Fault> {
        lines(bytes)?.nth(number + 1).map(|line| command(line, Some(scratch))).transpose()
    }

    fn outline<'s>(
        self,
        bytes: &'s [u8],
        number: usize,
        _: &'s mut [u8],
    ) -> Result<Option<Command<'s>>, Fault> {
        lines(bytes)?.nth(number + 1).map(|line| command(line, None)).transpose()
    }

    fn writer<'b>(self, out: &'b mut [u8], session: &str, re: u16) -> Result<LineWriter<'b>, Error> {
        let mut out = Writer::new(out);
        for text in [session, " ", Decimal::new(re.into()).as_str(), "\n"] {
            out.put(text.as_bytes())?;
        }
        Ok(LineWriter(out))
    }

    fn text_cost(self, text: &str) -> Option<usize> {
        (!text.contains(['\n', ' '])).then_some(text.len())
    }

    fn octets_cost(self, len: usize) -> usize {
        2 * len
    }
}

struct LineWriter<'b>(Writer<'b>);

impl<'b> ResultWriter<'b> for LineWriter<'b> {
    fn answer(&mut self, answer: &Answer<'_>) -> Result<(), Error> {
        let value = match answer.value {
            None => String::new(),
            Some(Content::Text(text)) => format!(" ={text}"),
            Some(Content::Reference(cid)) => format!(" @{}", cid.trim_start_matches("cid:")),
            Some(Content::Data(octets)) => {
                octets.iter().fold(" #".to_string(), |text, octet| format!("{text}{octet:02x}"))
            }
        };
        self.0.put(format!("{} {}{value}\n", answer.id, answer.code.0).as_bytes())
    }

    fn finish(self) -> Result<&'b [u8], Error> {
        Ok(self.0.finish())
    }
}

fn lines(bytes: &[u8]) -> Result<core::str::Lines<'_>, Fault> {
    str::from_utf8(bytes).map(str::lines).map_err(|_| BAD)
}

/// `id verb [object] [value]`, `disconnect!` restarts; without scratch octets are left out.
fn command<'s>(line: &'s str, scratch: Option<&'s mut [u8]>) -> Result<Command<'s>, Fault> {
    let mut words = line.split(' ');
    let id = words.next().and_then(|id| id.parse().ok()).ok_or(BAD)?;
    let verb = words.next().ok_or(BAD)?;
    let (name, reboot) = verb.strip_suffix('!').map_or((verb, false), |name| (name, true));
    let mut command = Command { reboot, ..Command::new(id, Verb::from_name(name)) };
    command.object = words.next();
    command.value = match words.next().and_then(|value| value.split_at_checked(1)) {
        None => None,
        Some(("=", text)) => Some(Content::Text(text)),
        Some(("@", _)) => Some(Content::Reference("cid:p0")),
        Some(("#", digits)) => {
            Some(Content::Data(scratch.map_or(Ok(&[][..]), |scratch| octets(digits, scratch))?))
        }
        Some(_) => return Err(BAD),
    };
    Ok(command)
}

fn octets<'s>(digits: &str, scratch: &'s mut [u8]) -> Result<&'s [u8], Fault> {
    let len = digits.len() / 2;
    for (i, slot) in scratch.iter_mut().take(len).enumerate() {
        let digits = digits.get(2 * i..2 * i + 2).ok_or(BAD)?;
        *slot = u8::from_str_radix(digits, 16).map_err(|_| BAD)?;
    }
    scratch.get(..len).ok_or(BAD)
}

/// Plays documents to a session and executes its commands; what it wanted.
fn play<C: Codec>(documents: &[(String, Vec<u8>)]) -> Vec<Want> {
    let (mut rx, mut tx) = (vec![0; 8192], vec![0; 8192]);
    let mut session = crate::iota::session::Session::<C>::new(&config(), &mut rx, &mut tx).unwrap();
    let mut documents = documents.iter();
    let mut all = Vec::new();
    session.handle(SECOND, Input::Start).unwrap();
    loop {
        let want = Want::of(&session.poll(SECOND));
        all.push(want.clone());
        match want {
            Want::Send(..) => {
                let (content_type, body) = documents.next().expect("one document more");
                session.receive_buffer()[..body.len()].copy_from_slice(body);
                let reply = Reply {
                    status: 200,
                    content_type: Some(content_type),
                    location: None,
                    retry_after: None,
                    len: body.len(),
                };
                session.handle(SECOND, Input::Reply(reply)).unwrap();
            }
            Want::Execute(_, verb, ..) => {
                let value = match verb {
                    Verb::Read => Some(Value::Text("Acme")),
                    Verb::Exec => Some(Value::Data(&[5, 0])),
                    _ => None,
                };
                session
                    .handle(SECOND, Input::Done(CommandResult { code: ResultCode::SUCCESS, value }))
                    .unwrap();
            }
            Want::Wait(_) => panic!("nothing to wait for"),
            Want::End(_) => return all,
        }
    }
}

/// What is executed and how it ends, and where answers go; not how they are written.
fn deeds(all: &[Want]) -> Vec<String> {
    let deed = |want: &Want| match want {
        Want::Send(method, url, ..) => format!("{method:?} {url}"),
        want => format!("{want:?}"),
    };
    all.iter().map(deed).collect()
}

const MESSAGE: [u8; 2] = [0x06, 0x00];

#[test]
fn the_same_conversation_in_two_vocabularies() {
    let first = "<read id='1' object='dev/make'/><exec id='2' object='is683/msg' valueref='cid:p0'/>\
                 <write id='3' object='phn/homepage' value='http://a.example/'/><dance id='4'/><commit id='5'/>";
    let first = document(1, "next='http://example.com/next'", first);
    let second = document(2, "", "<exec id='1' object='is683/msg'><data>BQ==</data></exec><commit id='2'/>");
    let last = document(3, "", "<disconnect id='1' reboot='1'/>");
    let xml = |text: String| (mmc::XML.to_string(), text.into_bytes());
    let in_mmc =
        play::<mmc::Mmc>(&[multipart(&first, &[("application/x-is683", &MESSAGE)]), xml(second), xml(last)]);

    let first = "S 1 http://example.com/next\n1 read dev/make\n2 exec is683/msg @p0\n\
                 3 write phn/homepage =http://a.example/\n4 dance\n5 commit\n";
    let root = Piece { media_type: TYPE, content_id: "lines", content: first.as_bytes() };
    let lines = |text: &str| (TYPE.to_string(), text.as_bytes().to_vec());
    let in_lines = play::<Lines>(&[
        related(&root, &[("application/x-is683", &MESSAGE)]),
        lines("S 2\n1 exec is683/msg #05\n2 commit\n"),
        lines("S 3\n1 disconnect!\n"),
    ]);

    assert_eq!(deeds(&in_lines), deeds(&in_mmc));
    assert_eq!(in_lines[0].header("Accept"), Some(Lines::ACCEPT));
    let answers: Vec<&Want> =
        in_lines.iter().filter(|want| matches!(want, Want::Send(Method::Post, ..))).collect();
    let [first, second] = answers[..] else { panic!("{answers:?}") };
    assert!(first.header("Content-Type").unwrap().contains("type=\"text/x-lines\"; start=\"<lines>\""));
    let Want::Send(_, _, _, body) = first else { unreachable!() };
    let text = String::from_utf8_lossy(body);
    assert!(text.contains("\r\n\r\nS 1\n1 0 =Acme\n2 0 @r1\n3 0\n4 128\n5 129\n\r\n--"), "{text}");
    let Want::Send(_, _, _, body) = second else { unreachable!() };
    assert_eq!(body, b"S 2\n1 0 #0500\n2 0\n");
    assert_eq!(second.header("Content-Type"), Some(TYPE));
    let Some(Want::End(outcome)) = in_lines.last() else { panic!("{in_lines:?}") };
    assert!(outcome.mmc_committed && outcome.reboot && outcome.last_doc == 3);
}

#[test]
fn what_another_vocabulary_refuses_ends_the_session_as_in_mmc() {
    let end_of = |documents: &[(String, Vec<u8>)]| play::<Lines>(documents).last().unwrap().ending();
    let lines = |text: &str| (TYPE.to_string(), text.as_bytes().to_vec());
    assert_eq!(end_of(&[lines("S 1\n1\n")]), end(EndReason::MMC, ResultCode::BAD_VALUE));
    assert_eq!(
        end_of(&[lines("S 1\n1 commit\n"), lines("S 3\n")]),
        end(EndReason::MMC, ResultCode::NEW_DOC_ARRIVED)
    );
    let mmc = (mmc::XML.to_string(), document(1, "", "").into_bytes());
    assert_eq!(end_of(&[mmc]), end(EndReason::MIME, ResultCode::INVALID_CONTENT));
}

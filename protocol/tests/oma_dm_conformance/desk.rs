//! A device with a small tree, and a server that says what a test tells it to.

use core::time::Duration;

use kedge_protocol::dm::auth::{Credentials, Crypto, Nonce, Scheme, Secret};
use kedge_protocol::dm::objects::{Accounts, DevDetail, DeviceFacts, Inbox};
use kedge_protocol::dm::session::{
    Account, Answer, Config, Conversation, Initiator, Input, Notice, Outcome, Output, Reply, Session,
};
use kedge_protocol::dm::{
    Access, Call, Caller, Chunk, New, Nodes, Object, Rule, Store, StoreError, Tree, UriLimits,
};
use kedge_protocol::syncml::{
    Code, Dialect, Element, Format, Header, Message, Part, Writer, dump, media_type,
};
use kedge_protocol::wap::Coding;
use kedge_protocol::wire;
use md5::{Digest, Md5};

/// RustCrypto's MD5, and random octets that are not.
pub(crate) struct TestCrypto(pub(crate) u8);

impl Crypto for TestCrypto {
    fn md5(&mut self, parts: &[&[u8]]) -> [u8; 16] {
        let mut md5 = Md5::new();
        for part in parts {
            md5.update(part);
        }
        md5.finalize().into()
    }

    fn random(&mut self, out: &mut [u8]) {
        self.0 += 1;
        out.fill(self.0);
    }
}

/// What DevDetail tells.
const FACTS: DeviceFacts<'_> = DeviceFacts {
    id: "IMEI:490154203237518",
    manufacturer: "Maker & Sons",
    model: "One",
    language: "en",
    device_type: "phone",
    oem: "Maker",
    firmware: "1.0",
    software: "1.1",
    hardware: "A",
};

/// DevInfo, as every device has it.
pub(crate) struct DevInfo;

impl Object for DevInfo {
    fn rules(&self) -> &'static [Rule] {
        const RULES: &[Rule] = &[
            Rule::interior("DevInfo", "urn:oma:mo:oma-dm-devinfo:1.0"),
            Rule::kept("DevInfo/DevId", Format::Chr, Access::GET).preset("IMEI:490154203237518"),
            Rule::kept("DevInfo/Man", Format::Chr, Access::GET).preset("Maker & Sons"),
            Rule::kept("DevInfo/Mod", Format::Chr, Access::GET).preset("One"),
            Rule::kept("DevInfo/DmV", Format::Chr, Access::GET).preset("1.2"),
            Rule::kept("DevInfo/Lang", Format::Chr, Access::GET).preset("en"),
        ];
        RULES
    }
}

/// Something to be managed, with a node of every kind.
#[derive(Default)]
pub(crate) struct Lamp {
    /// What `Lamp/Sink` was given and is not committed, and is.
    pub(crate) staged: Vec<u8>,
    pub(crate) sunk: Vec<u8>,
    /// Every Exec: path, argument, correlator.
    pub(crate) runs: Vec<String>,
    pub(crate) commits: usize,
}

/// May be read, overwritten, copied.
const CHANGE: Access = Access::GET.and(Access::REPLACE).and(Access::COPY);

impl Object for Lamp {
    fn rules(&self) -> &'static [Rule] {
        const RULES: &[Rule] = &[
            Rule::interior("Lamp", "org.example.lamp:1.0"),
            Rule::kept("Lamp/Colour", Format::Chr, CHANGE).limited(40),
            Rule::kept("Lamp/Count", Format::Int, CHANGE).preset("1"),
            Rule::kept("Lamp/Blob", Format::Bin, CHANGE).typed("application/octet-stream"),
            Rule::computed("Lamp/Kelvin", Format::Int, Access::GET),
            Rule::computed("Lamp/Sink", Format::Bin, Access::REPLACE),
            Rule::kept("Lamp/Switch", Format::Null, Access::EXEC),
            Rule::interior("Set", ""),
            Rule::dynamic("Set/*", "org.example.scene:1.0"),
            Rule::optional("Set/*/Name", Format::Chr, Access::FULL),
            Rule::optional("Set/*/Data", Format::Bin, Access::FULL),
            Rule::kept("Set/*/Fixed", Format::Chr, CHANGE).preset("always"),
        ];
        RULES
    }

    fn get(&mut self, path: &str, _nodes: &Nodes<'_>, out: &mut wire::Writer<'_>) -> Result<(), Code> {
        assert_eq!(path, "Lamp/Kelvin");
        out.put(b"2700").map_err(|_| Code::TOO_LARGE)
    }

    fn check(&mut self, _path: &str, value: &[u8], _nodes: &Nodes<'_>) -> Result<(), Code> {
        if value == b"forbidden" { Err(Code::FORBIDDEN) } else { Ok(()) }
    }

    fn put(&mut self, path: &str, chunk: &Chunk<'_>) -> Result<(), Code> {
        assert_eq!(path, "Lamp/Sink");
        if chunk.offset == 0 {
            self.staged.clear();
        }
        assert_eq!(self.staged.len(), chunk.offset as usize);
        self.staged.extend_from_slice(chunk.octets);
        Ok(())
    }

    fn exec(&mut self, call: &Call<'_>, _nodes: &Nodes<'_>) -> Result<Code, Code> {
        let argument = String::from_utf8_lossy(call.argument);
        self.runs.push(format!("{} {argument} {:?} {}", call.path, call.correlator, call.server));
        Ok(if call.correlator.is_some() { Code::ACCEPTED } else { Code::OK })
    }

    fn commit(&mut self, _nodes: &Nodes<'_>) -> Result<(), Code> {
        self.sunk.append(&mut self.staged);
        self.commits += 1;
        Ok(())
    }

    fn roll_back(&mut self) {
        self.staged.clear();
    }
}

/// Storage that can be told to fail.
#[derive(Default)]
pub(crate) struct Memory {
    pub(crate) image: Vec<u8>,
    pub(crate) saves: usize,
    /// The save that fails, counted from 1.
    pub(crate) failing: Option<usize>,
}

impl Store for Memory {
    fn load(&mut self, buffer: &mut [u8]) -> Result<usize, StoreError> {
        buffer[..self.image.len()].copy_from_slice(&self.image);
        Ok(self.image.len())
    }

    fn save(&mut self, image: &[u8]) -> Result<(), StoreError> {
        self.saves += 1;
        if self.failing == Some(self.saves) {
            return Err(StoreError::Failed);
        }
        self.image = image.to_vec();
        Ok(())
    }
}

/// What the other side does.
#[derive(Clone)]
pub(crate) enum Step {
    /// A message; `{m}` is the number of the client's last.
    Say(String),
    /// The last message again.
    Again,
    /// No answer.
    Lost,
    /// An HTTP status.
    Http(u16),
    /// Octets, whatever they are.
    Octets(Vec<u8>),
}

/// Everything about a conversation that a test may choose.
pub(crate) struct Desk {
    pub(crate) steps: Vec<Step>,
    pub(crate) answers: Vec<Answer<'static>>,
    pub(crate) coding: Coding,
    pub(crate) dialect: Dialect,
    pub(crate) initiator: Initiator,
    pub(crate) client: Option<Credentials<'static>>,
    pub(crate) scheme: Option<Scheme>,
    pub(crate) client_nonce: Nonce,
    pub(crate) server: Option<Credentials<'static>>,
    pub(crate) server_scheme: Scheme,
    pub(crate) server_nonce: Nonce,
    pub(crate) mac: Option<String>,
    pub(crate) notices: Vec<Notice<'static>>,
    pub(crate) has_user: bool,
    pub(crate) max_object: u32,
    pub(crate) rx: usize,
    pub(crate) tx: usize,
    pub(crate) work: usize,
    pub(crate) acl: &'static str,
    pub(crate) memory: Memory,
    pub(crate) limits: UriLimits,
    pub(crate) msg_id: u32,
    /// The number of the session.
    pub(crate) session: u16,
    /// DevDetail, the accounts and the inbox are in the tree too.
    pub(crate) standard: bool,
    /// Ends the session from this side when so many messages were sent.
    pub(crate) abort_after: Option<usize>,
}

/// What came of it.
pub(crate) struct Talk {
    /// The client's messages, as `dump` shows them, without the line of the header.
    pub(crate) sent: Vec<String>,
    pub(crate) raw: Vec<Vec<u8>>,
    pub(crate) urls: Vec<String>,
    pub(crate) macs: Vec<Option<(String, String)>>,
    pub(crate) prompts: Vec<String>,
    pub(crate) outcome: Outcome,
    pub(crate) memory: Memory,
    pub(crate) lamp: Lamp,
}

pub(crate) const CLIENT: Credentials<'static> =
    Credentials { name: "Bruce2", secret: Secret::new(b"OhBehave") };
pub(crate) const SERVER: Credentials<'static> = Credentials { name: "srv", secret: Secret::new(b"srvpwd") };

/// The Status of the client's header, with `code`.
pub(crate) fn header_status(code: u16) -> String {
    format!(
        "<Status><CmdID>1</CmdID><MsgRef>{{m}}</MsgRef><CmdRef>0</CmdRef><Cmd>SyncHdr</Cmd><Data>{code}</Data></Status>"
    )
}

/// The same with a challenge.
pub(crate) fn challenge(code: u16, scheme: &str, nonce: &str) -> String {
    let meta =
        format!("<Meta><Format>b64</Format><Type>{scheme}</Type><NextNonce>{nonce}</NextNonce></Meta>");
    header_status(code).replace("<Data>", &format!("<Chal>{meta}</Chal><Data>"))
}

/// A Status of the client's command `id` in its last message.
pub(crate) fn status(id: u32, cmd: &str, code: u16) -> String {
    format!(
        "<Status><CmdID>9{id}</CmdID><MsgRef>{{m}}</MsgRef><CmdRef>{id}</CmdRef><Cmd>{cmd}</Cmd><Data>{code}</Data></Status>"
    )
}

impl Desk {
    pub(crate) fn new() -> Self {
        Self {
            steps: Vec::new(),
            answers: Vec::new(),
            coding: Coding::Xml,
            dialect: Dialect::V1_2,
            initiator: Initiator::Client,
            client: None,
            scheme: None,
            client_nonce: Nonce::EMPTY,
            server: None,
            server_scheme: Scheme::Md5,
            server_nonce: Nonce::EMPTY,
            mac: None,
            notices: Vec::new(),
            has_user: true,
            max_object: 0,
            rx: 6000,
            tx: 4096,
            work: 4096,
            acl: "Add=*&Delete=*&Exec=*&Get=*&Replace=*",
            memory: Memory::default(),
            limits: UriLimits::OWN,
            msg_id: 0,
            session: 0x1F,
            standard: false,
            abort_after: None,
        }
    }

    /// The server accepts the client's message and says `commands` with Final.
    pub(crate) fn say(self, commands: &str) -> Self {
        self.part(&format!("{commands}<Final/>"))
    }

    /// The same without Final.
    pub(crate) fn part(self, commands: &str) -> Self {
        let body = header_status(212) + commands;
        self.step(Step::Say(body))
    }

    /// The server has nothing more.
    pub(crate) fn end(self) -> Self {
        self.say("")
    }

    pub(crate) fn step(mut self, step: Step) -> Self {
        self.steps.push(step);
        self
    }

    pub(crate) fn with(mut self, change: impl FnOnce(&mut Self)) -> Self {
        change(&mut self);
        self
    }

    fn message(&mut self, body: &str, client: &str, extra: &str) -> Vec<u8> {
        self.msg_id += 1;
        let namespace = if self.dialect == Dialect::V1_2 { "1.2" } else { "1.1" };
        let body = body.replace("{m}", client);
        let text = format!(
            "<SyncML xmlns='SYNCML:SYNCML{namespace}'><SyncHdr><VerDTD>{namespace}</VerDTD><VerProto>DM/{namespace}\
             </VerProto><SessionID>1F</SessionID><MsgID>{}</MsgID><Target><LocURI>IMEI:490154203237518</LocURI></Target>\
             <Source><LocURI>http://dm.example.test/</LocURI></Source>{extra}</SyncHdr><SyncBody>{body}</SyncBody></SyncML>",
            self.msg_id
        );
        if self.coding == Coding::Xml { text.into_bytes() } else { to_wbxml(text.as_bytes()) }
    }

    /// The octets of the first thing that the server says.
    pub(crate) fn bytes_of_first(mut self) -> Vec<u8> {
        match self.steps.remove(0) {
            Step::Say(body) => self.message(&body, "1", ""),
            _ => Vec::new(),
        }
    }

    #[expect(clippy::too_many_lines, reason = "one loop over what a session may want, case by case")]
    pub(crate) fn talk(mut self) -> Talk {
        let (mut rx, mut tx, mut work) = (vec![0; self.rx], vec![0; self.tx], vec![0; self.work]);
        let (notices, mac) = (self.notices.clone(), self.mac.clone());
        let account = Account {
            server_id: "srv",
            url: "http://dm.example.test/start",
            client: self.client,
            scheme: self.scheme,
            client_nonce: self.client_nonce,
            nonce_is_text: false,
            server: self.server,
            server_scheme: self.server_scheme,
            server_nonce: self.server_nonce,
        };
        let config = Config {
            account,
            device: "IMEI:490154203237518",
            session_id: self.session,
            initiator: self.initiator,
            dialect: self.dialect,
            coding: self.coding,
            notices: &notices,
            has_user: self.has_user,
            max_object: self.max_object,
            exchange_timeout: Duration::from_secs(30),
            prompt_timeout: Duration::from_secs(60),
            session_timeout: Duration::from_secs(3600),
        };
        let mut own = Conversation::NONE;
        let mut session = Session::new(&config, &mut own, &mut rx, &mut tx, &mut work).unwrap();
        let (mut dev_info, mut lamp, mut memory) =
            (DevInfo, Lamp::default(), core::mem::take(&mut self.memory));
        let mut image = vec![0; 4096];
        let mut crypto = TestCrypto(0x40);
        let (mut sent, mut raw, mut urls, mut macs, mut prompts) =
            (Vec::new(), Vec::<Vec<u8>>::new(), Vec::new(), Vec::new(), Vec::new());
        let outcome = {
            let (mut detail, mut accounts, mut inbox) =
                (DevDetail::new(&FACTS, self.limits), Accounts, Inbox);
            let mut objects: Vec<&mut dyn Object> = vec![&mut dev_info, &mut lamp];
            if self.standard {
                objects.push(&mut detail);
                objects.push(&mut accounts);
                objects.push(&mut inbox);
            }
            let mut tree = Tree::open(&mut image, &mut objects, &mut memory, self.limits).unwrap();
            tree.set_time(Some("20260102T030405Z"));
            if memory_is_new(&tree) {
                tree.replace(Caller::Device, ".?prop=ACL", &New::value(self.acl.as_bytes())).unwrap();
                tree.commit().unwrap();
            }
            let mut now = Duration::from_secs(1);
            let mut last = Vec::new();
            session.handle(now, Input::Start, &mut tree, &mut crypto).unwrap();
            loop {
                now += Duration::from_millis(10);
                let mut request = None;
                let mut wait = None;
                let mut asked = None;
                match session.poll() {
                    Output::Send(out) => {
                        assert!(out.body.len() <= self.tx);
                        urls.push(out.url.to_string());
                        macs.push(out.mac.map(|(name, mac)| (name.to_string(), mac.to_string())));
                        request = Some(out.body.to_vec());
                    }
                    Output::Ask(prompt) => {
                        let mut scratch = [0; 256];
                        let choices: Vec<String> = (1..=prompt.choices)
                            .map(|n| prompt.choice(n, &mut scratch).unwrap().to_string())
                            .collect();
                        prompts.push(format!("{} {} {choices:?}", prompt.code.0, prompt.text));
                        asked = Some(());
                    }
                    Output::Wait(until) => wait = Some(until),
                    Output::End(outcome) => break outcome,
                }
                let input = if let Some(body) = request {
                    sent.push(shown(self.coding, &body));
                    raw.push(body);
                    if self.abort_after == Some(sent.len()) {
                        session.handle(now, Input::Abort, &mut tree, &mut crypto).unwrap();
                        continue;
                    }
                    let id = client_id(self.coding, raw.last().unwrap());
                    let step = if self.steps.is_empty() { Step::Http(599) } else { self.steps.remove(0) };
                    let bytes = match step {
                        Step::Lost => {
                            session.handle(now, Input::LinkDown, &mut tree, &mut crypto).unwrap();
                            continue;
                        }
                        Step::Http(code) => {
                            let reply = Reply { status: code, content_type: None, mac: None, len: 0 };
                            session.handle(now, Input::Reply(reply), &mut tree, &mut crypto).unwrap();
                            continue;
                        }
                        Step::Again => last.clone(),
                        Step::Octets(octets) => octets,
                        Step::Say(body) => {
                            let (extra, body) = body.split_once("|||").unwrap_or(("", &body));
                            let (extra, body) = (extra.to_string(), body.to_string());
                            self.message(&body, &id, &extra)
                        }
                    };
                    last.clone_from(&bytes);
                    let room = session.receive_buffer();
                    let len = bytes.len();
                    room[..len].copy_from_slice(&bytes);
                    Input::Reply(Reply {
                        status: 200,
                        content_type: Some(media_type(self.coding)),
                        mac: mac.as_deref(),
                        len,
                    })
                } else if asked.is_some() {
                    let answer =
                        if self.answers.is_empty() { Answer::TimedOut } else { self.answers.remove(0) };
                    Input::Answered(answer)
                } else {
                    now = now.max(wait.unwrap());
                    Input::Tick
                };
                session.handle(now, input, &mut tree, &mut crypto).unwrap();
            }
        };
        Talk { sent, raw, urls, macs, prompts, outcome, memory, lamp }
    }
}

fn memory_is_new(tree: &Tree<'_, '_>) -> bool {
    tree.nodes().image().len() <= 1
}

/// A message as text, without its first line.
pub(crate) fn shown(coding: Coding, bytes: &[u8]) -> String {
    let mut text = String::new();
    dump(coding, bytes, &mut text).unwrap();
    text.split_once('\n').map_or(String::new(), |(_, rest)| rest.to_string())
}

/// The header of a message.
pub(crate) fn with_header<T>(coding: Coding, bytes: &[u8], look: impl FnOnce(&Header<'_>) -> T) -> T {
    let mut scratch = vec![0; 4096];
    look(&Message::of_checked(coding, bytes).header(&mut scratch).unwrap())
}

fn client_id(coding: Coding, bytes: &[u8]) -> String {
    with_header(coding, bytes, |header| header.message.to_string())
}

/// The same message in WBXML.
fn to_wbxml(text: &[u8]) -> Vec<u8> {
    let (mut scratch, mut more, mut out) = (vec![0; 65536], vec![0; 65536], vec![0; 65536]);
    let message = Message::check(Coding::Xml, text, &mut scratch).unwrap();
    let is_final = message.is_final();
    let mut body = message.body().unwrap();
    let header = message.header(&mut scratch).unwrap();
    let mut writer = Writer::new(Coding::Wbxml, &mut out, &header).unwrap();
    let mut head_work = vec![0; 4096];
    while let Some(element) = body.next(&mut head_work).unwrap() {
        match element {
            Element::Begin(head) => writer.begin(&head).unwrap(),
            Element::End(_) => writer.end().unwrap(),
            Element::Command(head, mut parts) => {
                let mut command = writer.command(&head).unwrap();
                while let Some(part) = parts.next(&mut more).unwrap() {
                    command = match part {
                        Part::TargetRef(uri) => command.target_ref(uri),
                        Part::SourceRef(uri) => command.source_ref(uri),
                        Part::Item(item) => command.item(&item),
                    }
                    .unwrap();
                }
                command.end().unwrap();
            }
        }
    }
    writer.finish(is_final).unwrap().to_vec()
}

/// The value that the stored image has for `path`.
pub(crate) fn stored(memory: &Memory, path: &str) -> Option<Vec<u8>> {
    let (mut dev_info, mut lamp) = (DevInfo, Lamp::default());
    let mut copy = Memory { image: memory.image.clone(), ..Memory::default() };
    let mut image = vec![0; 4096];
    let objects: &mut [&mut dyn Object] = &mut [&mut dev_info, &mut lamp];
    let tree = Tree::open(&mut image, objects, &mut copy, UriLimits::OWN).unwrap();
    tree.nodes().value(path).map(<[u8]>::to_vec)
}

/// A command with one item.
pub(crate) fn command(verb: &str, id: u32, target: &str, rest: &str) -> String {
    format!(
        "<{verb}><CmdID>{id}</CmdID><Item><Target><LocURI>{target}</LocURI></Target>{rest}</Item></{verb}>"
    )
}

/// Replace with a value.
pub(crate) fn replace(id: u32, target: &str, value: &str) -> String {
    command("Replace", id, target, &format!("<Data>{value}</Data>"))
}

/// The Status commands of a message but that of the header: command and code.
pub(crate) fn codes(sent: &str) -> Vec<String> {
    let status = |line: &str| {
        let rest = line.trim_start().strip_prefix("Status ")?;
        let (front, code) = rest.split_once(": ")?;
        let cmd = front.rsplit(' ').next()?;
        (cmd != "SyncHdr").then(|| format!("{cmd} {}", code.split(' ').next().unwrap_or_default()))
    };
    sent.lines().filter_map(status).collect()
}

/// The codes with which one message of commands is answered, when all of the answer fits one message.
pub(crate) fn answered(commands: &str) -> Vec<String> {
    let talk = Desk::new().say(commands).end().talk();
    codes(&talk.sent[1])
}

//! Sessions, message after message from a server that wants nothing good: each input is an octet that says what happens,
//! and for an answer its length and its octets. Whatever comes, a session says what to do next, within bounded steps, and
//! ends; GSM short messages are put together in bounded memory.

use std::time::Duration;

use kedge_protocol::dlota::session::{
    Choice, Config as Fetch, Head, Input as Fetched, Output as ToFetch, Session as Download, Stored,
    Take as Body,
};
use kedge_protocol::dlota::{Failure, Plan};
use kedge_protocol::dm::auth::{Credentials, Nonce, Scheme, Secret};
use kedge_protocol::dm::session::{
    Account, Answer, Config, Conversation, End, Initiator, Input, Output, Reply, Session,
};
use kedge_protocol::dm::{Access, Object, Rule, Store, StoreError, Tree, UriLimits};
use kedge_protocol::iota::session as iota;
use kedge_protocol::iota::{ResultCode, limits as iota_limits, mmc};
use kedge_protocol::license::session as license;
use kedge_protocol::license::url::Allowed;
use kedge_protocol::license::{Refusal, State};
use kedge_protocol::sms::Ports;
use kedge_protocol::sms::gsm::{Deliver, Outcome, Receiver, Segments};
use kedge_protocol::syncml::{Dialect, Format, media_type};
use kedge_protocol::wap::Coding;

use super::documents::{Mixed, server};
use super::take::Take;
use super::{Depth, documents};

/// Requests, questions and commands between two inputs: what a session may want at most before it waits.
const STEPS: usize = 8;
/// Octets of each buffer.
const ROOM: usize = 4096;

/// GSM short messages one after the other, each behind its length; time runs between them.
pub(super) fn short_messages(octets: &[u8]) -> Depth {
    let mut take = Take(octets);
    let mut receiver = Receiver::<2, 12>::new();
    let (mut now, mut depth, mut waiting) = (Duration::ZERO, Depth::Unread, 0);
    while !take.is_empty() {
        let len = usize::from(take.octet());
        now += Duration::from_secs(u64::from(take.octet()));
        waiting -= receiver.expire(now).min(waiting);
        let Ok(message) = Deliver::parse(take.octets(len)) else { continue };
        let mut out = [0; 12 * 140];
        match receiver.receive(now, &message, &mut out) {
            Ok(Outcome::Datagram(datagram)) => {
                assert!(datagram.payload.len() <= 12 * 140);
                depth = Depth::Taken;
            }
            Ok(_) => {
                waiting += 1;
                depth = depth.max(Depth::Refused);
            }
            Err(_) => {}
        }
        assert!(receiver.deadline().is_none_or(|deadline| deadline > now), "time is not up");
    }
    depth
}

/// A datagram in one message, one in three, and both mixed with each other.
pub(super) fn short_message_rows() -> Vec<Vec<u8>> {
    let rows = |datagram: &[u8], reference| -> Vec<Vec<u8>> {
        let message = |(header, data)| {
            let like = Deliver::parse(PLAIN).expect("a message of the sheet's form");
            let mut room = [0; 180];
            let octets = Deliver { header, data, ..like }.emit(&mut room).expect("room").to_vec();
            [vec![u8::try_from(octets.len()).expect("a short message"), 1], octets].concat()
        };
        Segments::new(datagram, Ports::PUSH, reference).expect("few enough").map(message).collect()
    };
    let (one, three) = (rows(&[7; 50], 1), rows(&[9; 300], 2));
    let (mut turned, mut mixed) = (three.clone(), three.clone());
    turned.reverse();
    mixed.insert(1, one[0].clone());
    vec![one.concat(), three.concat(), turned.concat(), mixed.concat()]
}

/// A message of one octet: SMS-DELIVER from "123", eight-bit data.
const PLAIN: &[u8] = &[0x04, 3, 0x81, 0x21, 0xF3, 0, 0x04, 0x62, 0x50, 0x01, 0x00, 0x32, 0x04, 0x00, 1, 0x41];

/// A tree in RAM.
struct Ram(Vec<u8>);

impl Store for Ram {
    fn load(&mut self, buffer: &mut [u8]) -> Result<usize, StoreError> {
        buffer[..self.0.len()].copy_from_slice(&self.0);
        Ok(self.0.len())
    }

    fn save(&mut self, image: &[u8]) -> Result<(), StoreError> {
        self.0 = image.to_vec();
        Ok(())
    }
}

/// A sub-tree of every kind of node.
struct Set;

impl Object for Set {
    fn rules(&self) -> &'static [Rule] {
        const RULES: &[Rule] = &[
            Rule::interior("DevInfo", "urn:oma:mo:oma-dm-devinfo:1.0"),
            Rule::kept("DevInfo/Man", Format::Chr, Access::GET).preset("Maker"),
            Rule::interior("Set", ""),
            Rule::dynamic("Set/*", ""),
            Rule::optional("Set/*/Value", Format::Bin, Access::FULL),
        ];
        RULES
    }
}

/// A session of device management. The first octet: coding and credentials.
pub(super) fn management(octets: &[u8]) -> Depth {
    let mut take = Take(octets);
    let first = take.octet();
    let coding = if first & 1 == 0 { Coding::Wbxml } else { Coding::Xml };
    let known = Credentials { name: "server", secret: Secret::new(b"word") };
    let account = Account {
        server_id: "server",
        url: "http://dm.example",
        client: Some(Credentials { name: "device", secret: Secret::new(b"pass") }),
        scheme: Some(if first & 2 == 0 { Scheme::Md5 } else { Scheme::Basic }),
        client_nonce: Nonce::EMPTY,
        nonce_is_text: false,
        server: (first & 4 != 0).then_some(known),
        server_scheme: Scheme::Md5,
        server_nonce: Nonce::EMPTY,
    };
    let config = Config {
        account,
        device: "IMEI:1",
        session_id: 7,
        initiator: Initiator::Client,
        dialect: Dialect::V1_2,
        coding,
        notices: &[],
        has_user: true,
        max_object: 0,
        exchange_timeout: Duration::from_secs(30),
        prompt_timeout: Duration::from_secs(60),
        session_timeout: Duration::from_secs(600),
    };
    let (mut image, mut store, mut set) = ([0; 2048], Ram(Vec::new()), Set);
    let mut objects: [&mut dyn Object; 1] = [&mut set];
    let mut tree = Tree::open(&mut image, &mut objects, &mut store, UriLimits::OWN).expect("an empty store");
    let (mut own, mut rx, mut tx, mut work) = (Conversation::NONE, [0; ROOM], [0; ROOM], [0; 2048]);
    let mut session = Session::new(&config, &mut own, &mut rx, &mut tx, &mut work).expect("room");
    let (mut crypto, mut now, mut ticks) = (Mixed(first), Duration::ZERO, 0);
    session.handle(now, Input::Start, &mut tree, &mut crypto).expect("a start");
    let mut depth = Depth::Unread;
    loop {
        for polled in 0.. {
            assert!(polled < STEPS, "a session that never waits");
            match session.poll() {
                Output::Send(request) => assert!(!request.body.is_empty() && request.body.len() <= ROOM),
                Output::Ask(prompt) => _ = prompt.choice(0, &mut [0; 64]),
                Output::Wait(_) => break,
                Output::End(outcome) if outcome.end == End::Done => return Depth::Taken,
                Output::End(_) => return depth,
            }
        }
        let what = take.octet_or(TICK);
        ticks += usize::from(take.is_empty());
        assert!(ticks < LAST, "a session that never ends");
        now += Duration::from_secs(u64::from(what >> 4));
        let input = match what & 0x0F {
            0..=9 => {
                let len = fill(&mut take, session.receive_buffer());
                depth = Depth::Refused;
                Input::Reply(Reply { status: 200, content_type: Some(media_type(coding)), mac: None, len })
            }
            10 => Input::Reply(Reply { status: 500, content_type: None, mac: None, len: 0 }),
            11 => Input::LinkDown,
            12 => Input::Answered(Answer::Accepted),
            13 => Input::Answered(Answer::Text("words")),
            14 => Input::Abort,
            _ => {
                now += PATIENCE;
                Input::Tick
            }
        };
        // The wrong input for this state is refused, and nothing has changed.
        let _ = session.handle(now, input, &mut tree, &mut crypto);
    }
}

/// Answers to [`management`]: everything a server may want, in the order in which it may, in both codings.
pub(super) fn managements() -> Vec<Vec<u8>> {
    let mut seeds = Vec::new();
    for (first, coding) in [(0, Coding::Wbxml), (1, Coding::Xml)] {
        let wants = answer(0, &server(coding, "1", true));
        let done = answer(0, &server(coding, "2", false));
        seeds.push([vec![first], wants.clone(), vec![12], done.clone()].concat());
        seeds.push([vec![first | 4], wants.clone(), vec![11], wants.clone(), vec![13], done].concat());
        seeds.push([vec![first | 2], vec![11, 11], wants, vec![14]].concat());
    }
    seeds
}

/// An IOTA session; pushed to by the first octet, or started.
pub(super) fn provisioning(octets: &[u8]) -> Depth {
    let mut take = Take(octets);
    let config = iota::Config {
        start_url: "http://iota.example/a",
        reason: iota::Reason::User,
        make: "Maker",
        model: "Model",
        version: "1",
        esn: Some(0x8016_B128),
        meid: None,
        trusted_domain: "iota.example",
        boot_url: "http://iota.example/boot",
        connection_timeout: Duration::from_secs(30),
        session_timeout: Duration::from_secs(300),
    };
    let (mut rx, mut tx) = (vec![0; iota_limits::MAX_BODY], vec![0; iota_limits::MAX_DOCUMENT]);
    let mut session = mmc::Session::new(&config, &mut rx, &mut tx).expect("room");
    let (mut now, mut depth, mut ticks) = (Duration::ZERO, Depth::Unread, 0);
    let pushed = take.octet() & 1 == 1;
    let first = if pushed {
        let (len, content_type) = receive(&mut take, session.receive_buffer());
        iota::Input::Pushed { content_type, len }
    } else {
        iota::Input::Start
    };
    let _ = session.handle(now, first);
    loop {
        for polled in 0.. {
            assert!(polled < STEPS, "a session that never waits");
            match session.poll(now) {
                iota::Output::Send(request) => assert!(request.body.len() <= iota_limits::MAX_DOCUMENT),
                iota::Output::Execute(command) => {
                    assert!(command.object.is_none_or(|name| !name.is_empty()));
                    depth = Depth::Taken;
                }
                iota::Output::Wait(_) => break,
                iota::Output::End(_) => return depth,
            }
        }
        let what = take.octet_or(TICK);
        ticks += usize::from(take.is_empty());
        assert!(ticks < LAST, "a session that never ends");
        now += Duration::from_secs(u64::from(what >> 4));
        let reply = |status, location, (len, content_type)| {
            let (content_type, retry_after) = (Some(content_type), (status == 503).then_some(5));
            iota::Input::Reply(iota::Reply { status, content_type, location, retry_after, len })
        };
        let input = match what & 0x0F {
            0..=4 => {
                depth = depth.max(Depth::Refused);
                reply(200, None, receive(&mut take, session.receive_buffer()))
            }
            5 => reply(302, Some("/b"), (0, mmc::XML)),
            6 => reply(503, None, (0, mmc::XML)),
            7 => iota::Input::LinkDown,
            8 => iota::Input::Abort,
            9 => done(ResultCode::SUCCESS, Some(iota::Value::Text("7"))),
            10 => done(ResultCode::SUCCESS, Some(iota::Value::Data(&[1; 300]))),
            11..=12 => done(ResultCode::SUCCESS, None),
            13 => done(ResultCode(take.octet()), None),
            _ => {
                now += PATIENCE;
                iota::Input::Tick
            }
        };
        let _ = session.handle(now, input);
    }
}

fn done(code: ResultCode, value: Option<iota::Value<'_>>) -> iota::Input<'_> {
    iota::Input::Done(iota::CommandResult { code, value })
}

/// Answers to [`provisioning`]: the documents of the fact sheet.
pub(super) fn provisionings() -> Vec<Vec<u8>> {
    let documents = super::cdma::documents();
    let mut seeds: Vec<_> =
        documents.iter().map(|document| [vec![0], answer(0, document), vec![9, 11, 11]].concat()).collect();
    seeds.extend(documents.iter().map(|document| [vec![1], framed(document), vec![11, 9, 10]].concat()));
    let parts = b"--b\r\nContent-Type: application/iota.mmc-wbxml\r\n\r\n";
    let multipart = [&parts[..], &documents[1], b"\r\n--b--\r\n"].concat();
    seeds.push([vec![0], answer(0, &multipart), vec![9, 11]].concat());
    seeds.push([vec![0, 5], answer(0, &documents[0]), vec![11], vec![6], vec![15]].concat());
    seeds
}

/// A session with a license server.
pub(super) fn licensing(octets: &[u8]) -> Depth {
    let mut take = Take(octets);
    let config = license::Config {
        vendor: "example",
        user_agent: "agent",
        language: Some("en"),
        allowed: Allowed { hosts: &["a.example", "*.b.example"], http: true },
        browser: true,
    };
    let (mut rx, mut urls) = (vec![0; ROOM], vec![0; license::URL_BUFFER]);
    let (mut now, mut depth, mut ticks) = (Duration::ZERO, Depth::Unread, 0);
    let entry = "https://a.example/entry?t=1";
    let mut session = if take.octet() & 1 == 0 {
        license::Session::request(config, entry, now, &mut rx, &mut urls)
    } else {
        license::Session::report(config, entry, b"report", now, &mut rx, &mut urls)
    }
    .expect("room");
    loop {
        for polled in 0.. {
            assert!(polled < STEPS, "a session that never waits");
            match session.poll(now) {
                license::Output::Send(request) => {
                    // Schemes are the same in either case (RFC 3986, 3.1).
                    let scheme = request.url.split(':').next().unwrap_or_default().to_lowercase();
                    assert!(scheme == "http" || scheme == "https", "{}", request.url);
                }
                license::Output::Install { .. } => depth = Depth::Taken,
                license::Output::Wait(_) => break,
                license::Output::End(_) => return depth,
                _ => depth = depth.max(Depth::Refused),
            }
        }
        // An installation is the device's own matter and takes as long as it takes.
        let what = take.octet_or(ABORT);
        ticks += usize::from(take.is_empty());
        assert!(ticks < LAST, "a session that never ends");
        now += Duration::from_secs(u64::from(what >> 4));
        let input = match what & 0x0F {
            0..=7 => {
                let status = STATUSES[usize::from(take.octet()) % STATUSES.len()];
                let content_type = Some(TYPES[usize::from(take.octet()) % TYPES.len()]);
                let retry_after = (status == 503).then_some(5);
                let mut place = [0; 64];
                let len = fill(&mut take, &mut place);
                let location = str::from_utf8(&place[..len]).ok().filter(|text| !text.is_empty());
                let len = fill(&mut take, session.receive_buffer());
                let reply =
                    license::Reply { status, content_type, encoded: false, location, retry_after, len };
                let _ = session.handle(now, license::Input::Reply(reply));
                continue;
            }
            8 => license::Input::Installed { state: State::Trial, report: b"" },
            9..=10 => license::Input::Installed { state: State::Full, report: b"signed" },
            11 => license::Input::Refused(Refusal::STORAGE),
            12 => license::Input::LinkDown,
            ABORT => license::Input::Abort,
            _ => {
                now += PATIENCE;
                license::Input::Tick
            }
        };
        let _ = session.handle(now, input);
    }
}

/// Answers to [`licensing`]: a document, one behind redirects, and one for which the user is needed.
pub(super) fn licensings() -> Vec<Vec<u8>> {
    let reply = |status, kind, location: &str, body: &[u8]| {
        [vec![0, status, kind], framed(location.as_bytes()), framed(body)].concat()
    };
    let document = reply(0, 0, "", &[7; 40]);
    let text = |text: &str| [&[0x60 | u8::try_from(text.len()).expect("below 24")], text.as_bytes()].concat();
    let (page, poll) = (text("https://b.example/p"), text("https://a.example/p"));
    let action = [vec![0xA5, 1], page, vec![2], text("AB12"), vec![3, 5, 4, 0x19, 2, 0x58, 5], poll].concat();
    vec![
        [vec![0], document.clone(), vec![9], reply(1, 0, "", b"")].concat(),
        [
            vec![0],
            reply(2, 2, "https://x.b.example/next", b""),
            reply(2, 2, "/again?x=1", b""),
            document.clone(),
            vec![8],
        ]
        .concat(),
        [vec![0], reply(3, 1, "", &action), vec![15], document, vec![11], reply(1, 0, "", b"")].concat(),
        [vec![1], reply(4, 2, "", b""), vec![12], reply(1, 0, "", b"")].concat(),
    ]
}

/// A download by OMA Download, its object of any length.
pub(super) fn download(octets: &[u8]) -> Depth {
    let mut take = Take(octets);
    let first = take.octet();
    let plan = Plan { first: Duration::from_secs(2), longest: Duration::from_secs(60), tries: 4 };
    let config = Fetch {
        accepts: &["application/octet-stream"],
        room: 1 << 20,
        confirm: first & 1 == 1,
        plan,
        patience: Duration::from_secs(30),
    };
    let mut session = Download::new(&config, "http://p.example/dd").expect("a URL");
    let (mut now, mut depth, mut stored, mut ticks) = (Duration::ZERO, Depth::Unread, None, 0);
    session.handle(now, Fetched::Start).expect("a start");
    let mut scratch = [0; 1024];
    loop {
        for polled in 0.. {
            assert!(polled < STEPS, "a download that never waits");
            match session.poll(now) {
                ToFetch::Check => depth = Depth::Taken,
                ToFetch::Wait(_) => break,
                ToFetch::End(_) => return depth,
                _ => {}
            }
        }
        // What must survive a restart can be taken up again.
        if session.unsaved() {
            assert!(Download::resume(&config, &session.memo(), None).is_ok());
        }
        // A user who is asked may take any time.
        let what = take.octet_or(ABORT);
        ticks += usize::from(take.is_empty());
        assert!(ticks < LAST, "a download that never ends");
        now += Duration::from_secs(u64::from(what >> 4));
        let input = match what & 0x0F {
            0..=6 => {
                let status = STATUSES[usize::from(take.octet()) % STATUSES.len()];
                let content_type =
                    Some(["application/vnd.oma.dd+xml", "application/octet-stream"][usize::from(what & 1)]);
                let length = take.around(1000);
                let head = Head {
                    status,
                    content_type,
                    content_length: Some(u64::from(length)),
                    content_range: (status == 206).then_some("bytes 500-999/1000"),
                    etag: Some("\"1\""),
                    location: Some("/next"),
                    ..Head::default()
                };
                match session.head(&head) {
                    Ok(Body::Descriptor) => {
                        let mut body = [0; 1024];
                        let len = fill(&mut take, &mut body);
                        depth = depth.max(Depth::Refused);
                        let _ = session.descriptor(now, &body[..len], &mut scratch);
                    }
                    Ok(Body::Object(total)) => {
                        stored = Some(Stored { have: take.around(total).min(total), total });
                    }
                    Ok(Body::Rest) => {
                        stored = stored.map(|old| Stored { have: old.total, ..old });
                    }
                    _ => {}
                }
                Fetched::Ended { stored, random: what }
            }
            7 => Fetched::Ended { stored, random: what },
            8 => Fetched::NotStored(Failure::NoRoom),
            9 => Fetched::Answered(Choice::Yes),
            10 => Fetched::Answered(if what & 0x10 == 0 { Choice::No } else { Choice::Later }),
            11..=12 => Fetched::Checked(what & 1 == 1),
            ABORT => Fetched::Abort,
            _ => {
                now += PATIENCE;
                Fetched::Tick
            }
        };
        let _ = session.handle(now, input);
    }
}

/// A descriptor and its object whole, and an object in two pieces without one.
pub(super) fn downloads() -> Vec<Vec<u8>> {
    let [descriptor, ..] = &documents::descriptors()[..] else { unreachable!("there are some") };
    let described = [vec![0, 0, 0], framed(descriptor)].concat();
    let object = vec![1, 0, 0, 0];
    vec![
        [vec![0], described.clone(), object.clone(), vec![11], vec![0, 0, 0]].concat(),
        [vec![1], described, vec![9], object.clone(), vec![12], vec![0, 1, 0]].concat(),
        [vec![0, 1, 0, 0, 200, 10], vec![15], vec![1, 5, 0], vec![11]].concat(),
        [vec![0, 1, 2, 0], object, vec![8]].concat(),
    ]
}

/// HTTP statuses that servers answer with.
const STATUSES: [u16; 8] = [200, 204, 302, 202, 503, 206, 404, 401];
/// Media types that license servers answer with.
const TYPES: [&str; 4] = [
    "application/vnd.example.provisioning+cbor",
    "application/vnd.example.user-action+cbor",
    "text/html",
    "application/concise-problem-details+cbor",
];
/// The octet for "nothing comes, and time passes": what is read behind the end of the input.
const TICK: u8 = 15;
/// The octet for giving up what waits for the user, or for the device itself.
const ABORT: u8 = 13;
/// Inputs behind the last octet until a session must have ended.
const LAST: usize = 500;
/// How much time passes then: longer than any single wait.
const PATIENCE: Duration = Duration::from_secs(60);

/// Copies octets that stand behind their length into a buffer, as many as fit; how many these are.
fn fill(take: &mut Take<'_>, buffer: &mut [u8]) -> usize {
    let len = take.below(u32::from(u16::MAX)) as usize;
    let octets = take.octets(len.min(buffer.len()));
    buffer[..octets.len()].copy_from_slice(octets);
    octets.len()
}

/// The same for a document or a multipart body, and its type.
fn receive(take: &mut Take<'_>, buffer: &mut [u8]) -> (usize, &'static str) {
    let len = fill(take, buffer);
    let content_type = match (mmc::guess(buffer), buffer.first()) {
        (_, Some(b'-')) => "multipart/related; boundary=b",
        (Coding::Xml, _) => mmc::XML,
        (Coding::Wbxml, _) => mmc::WBXML,
    };
    (len, content_type)
}

/// Octets behind their length.
fn framed(octets: &[u8]) -> Vec<u8> {
    [&u16::try_from(octets.len()).expect("a short document").to_le_bytes()[..], octets].concat()
}

/// What happens, and a body.
fn answer(what: u8, body: &[u8]) -> Vec<u8> {
    [vec![what], framed(body)].concat()
}

//! Sessions between the device's client and the simulated management server, in both codings, with everything that the server
//! and the link can do wrong.

use kedge_network::{
    DmFault, DmHeld, DmOrder, DmPackage, DmSay, DmScript, DmServer, DmValue, Request, Response,
};
use kedge_protocol::dm::auth::{Credentials, Crypto, Nonce, Scheme, Secret};
use kedge_protocol::dm::objects::{
    Accounts, Delivered, DevDetail, DevInfo, DeviceFacts, Dispatch, Inbox, Passage, Tunnel,
};
use kedge_protocol::dm::session::{
    Account, Answer, Config, Conversation, End, Initiator, Input, Notice, Outcome, Output, Reply, Session,
};
use kedge_protocol::dm::{Caller, Chunk, New, Object, Store, StoreError, Tree, UriLimits};
use kedge_protocol::fumo::{self, Fumo, Machine, Memo, Operation, State};
use kedge_protocol::scomo::{self, Scomo};
use kedge_protocol::syncml::{AlertCode, Code, Dialect, Format};
use kedge_protocol::wap::Coding;
use kedge_protocol::wire::Writer;
use md5::{Digest as _, Md5};
use std::time::Duration;

const URL: &str = "https://dm.operator.example/dm";
const PACKAGE: &str = "https://repo.operator.example/packages/p1";
/// More exchanges than any session here takes.
const BOUND: usize = 60;

const FACTS: DeviceFacts<'_> = DeviceFacts {
    id: "IMEI:490154203237518",
    manufacturer: "Kedge",
    model: "Sim-1",
    language: "en",
    device_type: "phone",
    oem: "Kedge",
    firmware: "1.0.0",
    software: "1.0.0",
    hardware: "A",
};

/// Real MD5, and random octets that are always the same.
struct Numbers(u8);

impl Crypto for Numbers {
    fn md5(&mut self, parts: &[&[u8]]) -> [u8; 16] {
        let mut md5 = Md5::new();
        for part in parts {
            md5.update(part);
        }
        md5.finalize().into()
    }

    fn random(&mut self, out: &mut [u8]) {
        for octet in out {
            self.0 = self.0.wrapping_add(1);
            *octet = self.0;
        }
    }
}

/// The tree's image in RAM.
#[derive(Clone, Default)]
struct Ram(Vec<u8>);

impl Store for Ram {
    fn load(&mut self, buffer: &mut [u8]) -> Result<usize, StoreError> {
        buffer.get_mut(..self.0.len()).ok_or(StoreError::Failed)?.copy_from_slice(&self.0);
        Ok(self.0.len())
    }

    fn save(&mut self, image: &[u8]) -> Result<(), StoreError> {
        self.0 = image.to_vec();
        Ok(())
    }
}

/// A package store that counts.
#[derive(Clone, Default)]
struct Packages {
    stored: Vec<u8>,
    kept: u32,
}

impl fumo::Port for Packages {
    fn store(&mut self, chunk: &Chunk<'_>) -> Result<(), Code> {
        if chunk.offset == 0 {
            self.stored.clear();
        }
        self.stored.extend_from_slice(chunk.octets);
        Ok(())
    }

    fn discard(&mut self) -> Result<(), Code> {
        self.stored.clear();
        Ok(())
    }

    fn keep(&mut self, _: &Memo<'_>) -> Result<(), Code> {
        self.kept += 1;
        Ok(())
    }
}

/// Answers a message of IS-683 with its octets backwards; other content waits for its handler.
#[derive(Clone, Default)]
struct Backwards(Vec<Vec<u8>>);

impl Dispatch for Backwards {
    fn accepts(&mut self, media_type: &str) -> Result<(), Code> {
        let known = matches!(media_type, "application/x-is683" | "text/vnd.wap.connectivity-xml");
        known.then_some(()).ok_or(Code::UNSUPPORTED_FORMAT)
    }

    fn deliver(&mut self, media_type: &str, content: &[u8], answer: &mut [u8]) -> Result<Delivered, Code> {
        if media_type != "application/x-is683" {
            return Ok(Delivered::Later);
        }
        self.0.push(content.to_vec());
        answer.iter_mut().zip(content.iter().rev()).for_each(|(to, from)| *to = *from);
        Ok(Delivered::Done(content.len()))
    }
}

/// Software components of which nothing is stored.
#[derive(Clone, Default)]
struct Components(u32);

impl scomo::Port for Components {
    fn store(&mut self, _: &str, _: &Chunk<'_>) -> Result<(), Code> {
        Err(Code::UNSUPPORTED_FORMAT)
    }

    fn keep(&mut self, _: &scomo::Memo<'_>) -> Result<(), Code> {
        self.0 += 1;
        Ok(())
    }
}

/// What a device keeps between sessions.
#[derive(Clone)]
struct Device {
    store: Ram,
    machine: Machine,
    packages: Packages,
    answer: bool,
    passage: Passage<64>,
    desk: Backwards,
    component: scomo::Machine,
    components: Components,
}

/// How a session is held.
#[derive(Clone, Copy)]
struct Way<'w> {
    coding: Coding,
    /// The server proves itself with this password.
    server: Option<&'w str>,
    notices: &'w [Notice<'w>],
    /// At this exchange the request is lost, or the answer.
    cut: Option<(usize, bool)>,
}

const PLAIN: Way<'_> = Way { coding: Coding::Wbxml, server: None, notices: &[], cut: None };

impl Device {
    fn new() -> Self {
        let mut device = Self {
            store: Ram::default(),
            machine: Machine::IDLE,
            packages: Packages::default(),
            answer: true,
            passage: Passage::EMPTY,
            desk: Backwards::default(),
            component: scomo::Machine::IDLE,
            components: Components::default(),
        };
        device.with_tree(|tree| {
            let all = New::value(b"Add=*&Delete=*&Exec=*&Get=*&Replace=*");
            tree.replace(Caller::Device, ".?prop=ACL", &all).unwrap();
            tree.commit().unwrap();
        });
        device
    }

    fn with_tree<T>(&mut self, work: impl FnOnce(&mut Tree<'_, '_>) -> T) -> T {
        let (mut info, mut detail) = (DevInfo::new(&FACTS), DevDetail::new(&FACTS, UriLimits::OWN));
        let (mut accounts, mut staged) = (Accounts, fumo::Staged::default());
        let mut fumo = Fumo::new(&mut self.machine, &mut staged, &mut self.packages);
        let mut tunnel = Tunnel::new(&mut self.passage, &mut self.desk);
        let mut begun = scomo::Staged::NOTHING;
        let mut scomo = Scomo::new(&mut self.component, &mut begun, &mut self.components);
        let mut inbox = Inbox;
        let mut objects: [&mut dyn Object; 7] =
            [&mut info, &mut detail, &mut accounts, &mut fumo, &mut tunnel, &mut scomo, &mut inbox];
        let mut buffer = [0; 4096];
        let mut tree = Tree::open(&mut buffer, &mut objects, &mut self.store, UriLimits::OWN).unwrap();
        work(&mut tree)
    }

    fn get(&mut self, uri: &str) -> String {
        self.with_tree(|tree| {
            let mut buf = [0; 512];
            let mut out = Writer::new(&mut buf);
            match tree.get(Caller::Device, uri, &mut out) {
                Ok(_) => String::from_utf8_lossy(out.written()).into_owned(),
                Err(code) => code.0.to_string(),
            }
        })
    }

    /// Holds one session.
    fn session(&mut self, server: &mut DmServer, way: Way<'_>) -> Outcome {
        let (mut rx, mut tx, mut work) = ([0; 6144], [0; 4096], [0; 4096]);
        let client = Credentials { name: "device", secret: Secret::new(b"device-password") };
        let proof =
            way.server.map(|password| Credentials { name: "dms", secret: Secret::new(password.as_bytes()) });
        let config = Config {
            account: Account {
                server_id: "dms",
                url: URL,
                client: Some(client),
                scheme: None,
                client_nonce: Nonce::EMPTY,
                nonce_is_text: false,
                server: proof,
                server_scheme: Scheme::Md5,
                server_nonce: Nonce::EMPTY,
            },
            device: FACTS.id,
            session_id: 7,
            initiator: Initiator::Client,
            dialect: Dialect::V1_2,
            coding: way.coding,
            notices: way.notices,
            has_user: true,
            max_object: 0,
            exchange_timeout: Duration::from_secs(30),
            prompt_timeout: Duration::from_secs(60),
            session_timeout: Duration::from_secs(900),
        };
        let answer = self.answer;
        let (mut crypto, mut own) = (Numbers(0), Conversation::NONE);
        self.with_tree(|tree| {
            let mut session = Session::new(&config, &mut own, &mut rx, &mut tx, &mut work).unwrap();
            let mut now = Duration::ZERO;
            let mut exchanges = 0;
            session.handle(now, Input::Start, tree, &mut crypto).unwrap();
            loop {
                now += Duration::from_millis(100);
                let response = match session.poll() {
                    Output::Send(request) => {
                        assert!(exchanges < BOUND, "the session does not end");
                        let headers = vec![("Content-Type".to_owned(), request.content_type.to_owned())];
                        let (method, url) = ("POST".to_owned(), request.url.to_owned());
                        let request = Request { method, url, headers, body: request.body.to_vec() };
                        let response = link(way.cut, exchanges, || server.exchange(&request));
                        exchanges += 1;
                        response
                    }
                    Output::Ask(_) => {
                        let answer = if answer { Answer::Accepted } else { Answer::Rejected };
                        session.handle(now, Input::Answered(answer), tree, &mut crypto).unwrap();
                        continue;
                    }
                    Output::Wait(until) => {
                        now = now.max(until);
                        session.handle(now, Input::Tick, tree, &mut crypto).unwrap();
                        continue;
                    }
                    Output::End(outcome) => return outcome,
                };
                let Some(response) = response else {
                    session.handle(now, Input::LinkDown, tree, &mut crypto).unwrap();
                    continue;
                };
                let buffer = session.receive_buffer();
                let len = response.body.len();
                if let Some(room) = buffer.get_mut(..len) {
                    room.copy_from_slice(&response.body);
                }
                let content_type = response.header("Content-Type");
                let reply = Reply { status: response.status, content_type, mac: None, len };
                session.handle(now, Input::Reply(reply), tree, &mut crypto).unwrap();
            }
        })
    }
}

/// What comes of an exchange over a link that is cut once; `None` if no answer comes.
fn link(cut: Option<(usize, bool)>, number: usize, exchange: impl FnOnce() -> Response) -> Option<Response> {
    let at = cut.filter(|(at, _)| *at == number);
    if matches!(at, Some((_, true))) {
        return None;
    }
    let response = exchange();
    let announced = response.header("Content-Length").and_then(|length| length.parse().ok());
    let whole = announced.is_none_or(|length: usize| length == response.body.len());
    (at.is_none() && whole).then_some(response)
}

fn server(script: &str) -> DmServer {
    let mut server = DmServer::new();
    server.play(DmScript::parse(script).unwrap());
    server
}

fn held(server: &DmServer) -> &DmHeld {
    let [held] = server.held() else { panic!("one session, not {:?}", server.held()) };
    held
}

/// What a server asks of a device to find out what it is, and then of its settings.
const TOUR: &str = "
package
  get ./DevDetail/FwV = 1.0.0 200
  get ./DevInfo = DevId/Man/Mod/DmV/Lang 200
  get ./DevInfo/Nothing 404
  get ./DMAcc 200
  replace ./DevInfo/Man x 405
  node ./DMAcc/new 200
  add ./DMAcc/new/ServerID other 200
  add ./DMAcc/new/ServerID other 418
package
  replace ./DMAcc/new/ServerID third 200
  get ./DMAcc/new/ServerID = third 200
  atomic 507
    replace ./DMAcc/new/ServerID fourth 216
    replace ./DMAcc/none/ServerID fourth 404
  end
  get ./DMAcc/new/ServerID = third 200
  sequence 200
    replace ./DMAcc/new/ServerID fifth 200
    get ./DMAcc/new/ServerID = fifth 200
  end
  alert 1101 MINDT=1 \"Go on?\" -> 200
  delete ./DMAcc/new 200
";

#[test]
fn a_tour_through_the_tree_in_both_codings() {
    for coding in [Coding::Wbxml, Coding::Xml] {
        let (mut device, mut server) = (Device::new(), server(TOUR));
        let outcome = device.session(&mut server, Way { coding, ..PLAIN });
        assert_eq!(outcome.end, End::Done, "{coding:?}: {:?}", server.held());
        assert!(
            held(&server).complete && held(&server).violations.is_empty(),
            "{:?}",
            held(&server).violations
        );
        assert_eq!(device.get("./DMAcc"), "");
    }
}

#[test]
fn both_sides_prove_themselves() {
    let script = format!("device md5 device device-password\nserver md5 dms server-password old\n{TOUR}");
    let (mut device, mut server) = (Device::new(), server(&script));
    let outcome = device.session(&mut server, Way { server: Some("server-password"), ..PLAIN });
    assert_eq!(outcome.end, End::Done, "{:?}", server.held());
    assert!(held(&server).violations.is_empty(), "{:?}", held(&server).violations);
}

#[test]
fn a_server_with_a_wrong_password_reaches_nothing() {
    let script = format!("server md5 dms wrong\n{TOUR}");
    let (mut device, mut server) = (Device::new(), server(&script));
    let before = device.store.0.clone();
    let outcome = device.session(&mut server, Way { server: Some("server-password"), ..PLAIN });
    assert_eq!(outcome.end, End::ServerNotAuthenticated);
    assert!(device.store.0 == before, "nothing was changed");
}

#[test]
fn a_device_with_a_wrong_password_gives_up() {
    let script = format!("device md5 device other-password\n{TOUR}");
    let (mut device, mut server) = (Device::new(), server(&script));
    assert_eq!(device.session(&mut server, PLAIN).end, End::NotAuthenticated);
}

/// The link is cut at every message, before it and behind it: the session goes on, and nothing is done twice.
#[test]
fn the_link_may_fail_at_every_message() {
    let mut cases = 0;
    for at in 0..4 {
        for before in [true, false] {
            let (mut device, mut server) = (Device::new(), server(TOUR));
            let outcome = device.session(&mut server, Way { cut: Some((at, before)), ..PLAIN });
            assert_eq!(outcome.end, End::Done, "{at} {before}: {:?}", server.held());
            assert!(held(&server).violations.is_empty(), "{at} {before}: {:?}", held(&server).violations);
            cases += 1;
        }
    }
    assert_eq!(cases, 8);
}

const UPDATE: &str = "
package
  get ./FUMO/State = 10 200
  replace ./FUMO/DownloadAndUpdate/PkgURL https://repo.operator.example/packages/p1 200
  exec ./FUMO/DownloadAndUpdate correlator c-1 202
  get ./FUMO/State = 30 200
  exec ./FUMO/Update 405
";

#[test]
fn an_update_is_ordered_and_its_result_told_once() {
    let (mut device, mut first) = (Device::new(), server(UPDATE));
    assert_eq!(device.session(&mut first, PLAIN).end, End::Done, "{:?}", first.held());
    assert!(held(&first).violations.is_empty(), "{:?}", held(&first).violations);
    assert_eq!(device.machine.pending(), fumo::Action::Download(PACKAGE));
    // The device fetches, checks and installs; a restart lies between each two steps.
    for event in [
        fumo::Event::Downloaded,
        fumo::Event::Accepted,
        fumo::Event::Updated { result: fumo::ResultCode::SUCCESS, kept: false },
    ] {
        let mut again = Machine::resume(&device.machine.memo()).unwrap();
        let action = again.handle(event).unwrap();
        if let fumo::Action::Report(done) = action {
            let data = done.result.0.to_string();
            let notice = Notice {
                code: AlertCode::GENERIC,
                correlator: done.correlator,
                source: Some("./FUMO"),
                kind: done.operation.alert_type(),
                format: Format::Int,
                mark: Some(done.mark()),
                data: &data,
            };
            let kind = Operation::DownloadAndUpdate.alert_type();
            let mut second = server(&format!("event {kind} 200\n"));
            let outcome = device.session(&mut second, Way { notices: &[notice], ..PLAIN });
            assert_eq!((outcome.end, outcome.acknowledged), (End::Done, 1));
            let told = held(&second);
            assert!(told.violations.is_empty(), "{:?}", told.violations);
            let [event] = &told.events[..] else { panic!("one event, not {:?}", told.events) };
            assert_eq!(
                (event.correlator.as_deref(), &*event.source, &*event.format),
                (Some("c-1"), "./FUMO", "int")
            );
        }
        device.machine = again;
    }
    assert_eq!(device.machine.state(), State::SUCCESSFUL);
}

/// A server that sends a package of `size` octets into the tree and orders its installation.
fn pusher(package: &[u8]) -> DmServer {
    let value = DmValue {
        uri: "./FUMO/Update/PkgData".to_owned(),
        format: "bin".to_owned(),
        data: package.to_vec(),
        ..DmValue::default()
    };
    let exec = DmOrder::Exec { uri: "./FUMO/Update".to_owned(), correlator: None, data: None };
    let says = vec![
        DmSay::new(DmOrder::Replace(value)).expecting(200),
        DmSay::new(DmOrder::Get("./FUMO/State".to_owned())).expecting(200),
        DmSay::new(exec).expecting(202),
    ];
    let mut server = DmServer::new();
    server.play(DmScript { packages: vec![DmPackage { says, fault: None }], ..DmScript::default() });
    server
}

/// A package larger than any message comes in the tree, in pieces, and the link may fail at each of them.
#[test]
fn a_package_comes_as_a_large_object() {
    let package: Vec<u8> = (0..5000_u32).map(|n| n.to_le_bytes()[0] ^ 0x5A).collect();
    let cuts = (0..8).flat_map(|at| [Some((at, true)), Some((at, false))]);
    for cut in cuts.chain([None]) {
        let (mut device, mut server) = (Device::new(), pusher(&package));
        let outcome = device.session(&mut server, Way { cut, ..PLAIN });
        assert_eq!(outcome.end, End::Done, "{cut:?}: {:?}", server.held());
        assert!(held(&server).violations.is_empty(), "{cut:?}: {:?}", held(&server).violations);
        assert!(device.packages.stored == package, "{cut:?}: whole and once");
        assert_eq!(device.machine.state(), State::UPDATING, "{cut:?}");
    }
}

/// Messages of another protocol inside a session: each is answered, in both codings, and none is executed twice, wherever the
/// link fails.
#[test]
fn a_conversation_goes_through_the_tunnel() {
    const SCRIPT: &str = "
package
  get ./Tunnel/Result = 0 200
  tunnel application/x-is683 0601 200
  octets ./Tunnel/Answer 0106 200
  tunnel application/x-is683 000102ff 200
  octets ./Tunnel/Answer ff020100 200
  tunnel application/x-unknown 00 415
  get ./Tunnel/Result = 415 200
package
  tunnel text/vnd.wap.connectivity-xml 3c782f3e 202
  tunnel application/x-is683 05 403
  get ./Tunnel/Message 405
";
    let cuts = (0..3).flat_map(|at| [Some((at, true)), Some((at, false))]);
    for (coding, cut) in [Coding::Wbxml, Coding::Xml]
        .into_iter()
        .flat_map(|coding| cuts.clone().chain([None]).map(move |cut| (coding, cut)))
    {
        let (mut device, mut server) = (Device::new(), server(SCRIPT));
        let outcome = device.session(&mut server, Way { coding, cut, ..PLAIN });
        assert_eq!(outcome.end, End::Done, "{coding:?} {cut:?}: {:?}", server.held());
        assert!(held(&server).violations.is_empty(), "{coding:?} {cut:?}: {:?}", held(&server).violations);
        assert_eq!(device.desk.0, [vec![6, 1], vec![0, 1, 2, 0xFF]], "{coding:?} {cut:?}: each once");
        let mut waited = Vec::new();
        device.passage.take_waiting(|media_type, content| {
            waited.push((media_type.to_owned(), content.to_vec()));
            Code::ACCEPTED
        });
        assert_eq!(waited, [("text/vnd.wap.connectivity-xml".to_owned(), b"<x/>".to_vec())]);
    }
}

/// A component is offered, fetched, installed, told of in a later session, activated and removed.
#[test]
fn a_component_is_managed_over_sessions() {
    use scomo::{Action, Event, ResultCode};
    const FETCH: &str = "
package
  node ./SCOMO/Download/x 200
  replace ./SCOMO/Download/x/PkgID lamp-2 200
  replace ./SCOMO/Download/x/PkgURL https://repo.operator.example/packages/p1 200
  exec ./SCOMO/Download/x/Operations/DownloadInstallInactive correlator c-7 202
  get ./SCOMO/Download/x/Status = 30 200
  exec ./SCOMO/Download/x/Operations/Download 405
";
    let (mut device, mut first) = (Device::new(), server(FETCH));
    assert_eq!(device.session(&mut first, PLAIN).end, End::Done);
    assert!(held(&first).violations.is_empty(), "{:?}", held(&first).violations);
    assert_eq!((device.component.pending(), device.components.0), (Action::Download(PACKAGE), 1));
    device.component.handle(Event::Downloaded).unwrap();
    device.component.handle(Event::Accepted).unwrap();
    let Action::Report(done) = device.component.handle(Event::Done).unwrap() else { panic!("a report") };
    device.with_tree(|tree| {
        scomo::record(tree, &done).unwrap();
        tree.commit().unwrap();
    });
    let (mut source, mut data) = ([0; 255], [0; scomo::Completion::DATA]);
    let notice = Notice {
        code: AlertCode::GENERIC,
        correlator: done.correlator(),
        source: done.source(&mut source),
        kind: scomo::COMPLETE,
        format: Format::Xml,
        mark: Some(done.mark()),
        data: done.data(&mut data).unwrap(),
    };
    assert_eq!(done.result, ResultCode::SUCCESS);
    let told = "<ResultCode>1200</ResultCode><Identifier>lamp-2</Identifier>";
    let mut second = server(&format!(
        "event {} {told}\npackage\n  get ./SCOMO/Inventory/Deployed/x/State = 10 200\n  exec \
         ./SCOMO/Inventory/Deployed/x/Operations/Activate 202\n",
        scomo::COMPLETE
    ));
    let outcome = device.session(&mut second, Way { notices: &[notice], ..PLAIN });
    assert_eq!((outcome.end, outcome.acknowledged), (End::Done, 1));
    assert!(held(&second).violations.is_empty(), "{:?}", held(&second).violations);
    let [event] = &held(&second).events[..] else { panic!("one event, not {:?}", held(&second).events) };
    assert_eq!(event.correlator.as_deref(), Some("c-7"));
    assert_eq!(event.source, "./SCOMO/Download/x/Operations/DownloadInstallInactive");
    let Action::Report(done) = device.component.handle(Event::Done).unwrap() else { panic!("a report") };
    device.with_tree(|tree| {
        scomo::record(tree, &done).unwrap();
        tree.commit().unwrap();
    });
    assert_eq!(device.get("./SCOMO/Inventory/Deployed/x/State"), "20");
}

/// Whatever the server does wrong, the session ends, an Exec runs at most once, and the tree stays readable.
#[test]
fn a_server_that_misbehaves_is_borne() {
    for fault in DmFault::ALL {
        for package in 0..2 {
            let spoiled = format!("fault {}\n", fault.name());
            let texts = if package == 0 { [&*spoiled, ""] } else { ["", &*spoiled] };
            let script = format!(
                "server md5 dms server-password\npackage\n{}get ./DevInfo/Man = Kedge 200\npackage\n{}\
                 replace ./FUMO/Download/PkgURL {PACKAGE}\nexec ./FUMO/Download\n",
                texts[0], texts[1]
            );
            let (mut device, mut server) = (Device::new(), server(&script));
            let outcome = device.session(&mut server, Way { server: Some("server-password"), ..PLAIN });
            let begun = device.machine.state() == State::DOWNLOADING;
            assert!(
                device.packages.kept <= 1,
                "{fault:?} {package}: executed {} times",
                device.packages.kept
            );
            assert_eq!(begun, device.packages.kept == 1, "{fault:?} {package}");
            assert_eq!(device.get("./DevInfo/Man"), "Kedge", "{fault:?} {package}");
            let expected = match fault {
                DmFault::EarlyClose => End::ServerAborted,
                // What is done wrong does not keep the rest from being done.
                DmFault::LostReply | DmFault::UnknownCommand | DmFault::WrongOrder => End::Done,
                _ => outcome.end,
            };
            assert_eq!(outcome.end, expected, "{fault:?} {package}: {:?}", server.held());
            let done = matches!(outcome.end, End::Done);
            assert!(
                !done || begun || fault == DmFault::Duplicate,
                "{fault:?} {package}: done, but nothing begun"
            );
        }
    }
}

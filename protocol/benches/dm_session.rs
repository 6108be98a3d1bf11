//! What a whole management session costs the device: three round trips with twenty commands, both sides proving themselves by
//! digest, on a tree with the standard objects. `cargo bench -p kedge-protocol --bench dm_session`.
//!
//! The server's messages are made beforehand; the time is that of the device alone: reading, authentication, the tree with its
//! commits, writing. Nothing is allocated by the session. Stack and flash: `cargo xtask size`.

mod clock;

use std::time::Duration;

use clock::seconds;
use kedge_protocol::dm::auth::{Credentials, Crypto, Nonce, Scheme, Secret};
use kedge_protocol::dm::objects::{Accounts, DevDetail, DevInfo, DeviceFacts};
use kedge_protocol::dm::session::{
    Account, Config, Conversation, End, Initiator, Input, Output, Reply, Session,
};
use kedge_protocol::dm::{Caller, New, Object, Store, StoreError, Tree, UriLimits};
use kedge_protocol::syncml::{
    Chal, Code, Cred, Data, Dialect, Format, Head, Header, Item, Location, Meta, Verb, Writer, media_type,
};
use kedge_protocol::wap::Coding;
use md5::{Digest as _, Md5};

/// How long each measurement runs, in seconds of processor time.
const PATIENCE: f64 = 2.0;
const URL: &str = "https://dm.example/dm";
const DEVICE: &str = "IMEI:490154203237518";
const NONCE: &[u8] = b"0123456789abcdef";

/// Ten commands for each of two packages; the third message of the server ends the session.
const GETS: [&str; 6] = [
    "./DevDetail/FwV",
    "./DevDetail/SwV",
    "./DevDetail/HwV",
    "./DevInfo/Man",
    "./DevDetail/DevTyp",
    "./DMAcc",
];
const REPLACES: [(&str, &str); 4] = [
    ("./DMAcc/1/Name", "Operator"),
    ("./DMAcc/1/PrefConRef", "internet"),
    ("./DMAcc/1/AppAddr/1/Addr", "https://dm.example/dm"),
    ("./DMAcc/1/AppAddr/1/AddrType", "URI"),
];

const FACTS: DeviceFacts<'_> = DeviceFacts {
    id: DEVICE,
    manufacturer: "Kedge",
    model: "Sim-1",
    language: "en",
    device_type: "phone",
    oem: "Kedge",
    firmware: "1.0.0",
    software: "1.0.0",
    hardware: "A",
};

/// MD5 in software, and no randomness at all.
struct Numbers;

impl Crypto for Numbers {
    fn md5(&mut self, parts: &[&[u8]]) -> [u8; 16] {
        let mut md5 = Md5::new();
        for part in parts {
            md5.update(part);
        }
        md5.finalize().into()
    }

    fn random(&mut self, out: &mut [u8]) {
        out.fill(7);
    }
}

/// The image in RAM: what flash costs is another matter.
struct Ram {
    image: [u8; 4096],
    len: usize,
}

impl Store for Ram {
    fn load(&mut self, buffer: &mut [u8]) -> Result<usize, StoreError> {
        let image = &self.image[..self.len];
        buffer.get_mut(..self.len).ok_or(StoreError::Failed)?.copy_from_slice(image);
        Ok(self.len)
    }

    fn save(&mut self, image: &[u8]) -> Result<(), StoreError> {
        self.image.get_mut(..image.len()).ok_or(StoreError::Failed)?.copy_from_slice(image);
        self.len = image.len();
        Ok(())
    }
}

/// One message of the server.
fn message(coding: Coding, number: usize, commands: bool) -> Vec<u8> {
    let secret = Credentials { name: "dms", secret: Secret::new(b"server-password") };
    let digest = secret.md5(NONCE, &mut Numbers);
    let text = number.to_string();
    let header = Header {
        cred: Some(Cred {
            scheme: Scheme::Md5.name(),
            format: Some("b64"),
            data: Data::Text(digest.as_str()),
        }),
        ..Header::new(Dialect::V1_2, "7", &text, Location::new(DEVICE), Location::new(URL))
    };
    let mut out = vec![0; 8192];
    let mut writer = Writer::new(coding, &mut out, &header).unwrap();
    let code = if number == 1 { Code::AUTHENTICATED } else { Code::OK };
    let chal = Chal {
        scheme: Scheme::Md5.name(),
        format: Some("b64"),
        next_nonce: Some("MDEyMzQ1Njc4OWFiY2RlZg=="),
    };
    let status =
        Head { chal: (number == 1).then_some(chal), ..Head::status("1", &text, "0", "SyncHdr", code) };
    writer.command(&status).unwrap().target_ref(URL).unwrap().end().unwrap();
    if number == 1 {
        for (id, about, name) in [("2", "1", "Alert"), ("3", "2", "Replace")] {
            writer.command(&Head::status(id, "1", about, name, Code::OK)).unwrap().end().unwrap();
        }
    }
    if commands {
        let ids: Vec<String> = (10..20).map(|id: u32| id.to_string()).collect();
        let (gets, replaces) = ids.split_at(GETS.len());
        for (id, uri) in gets.iter().zip(GETS) {
            let head = Head::new(Verb::Get, id);
            writer.command(&head).unwrap().item(&Item::target(uri)).unwrap().end().unwrap();
        }
        for (id, (uri, value)) in replaces.iter().zip(REPLACES) {
            let item = Item::target(uri).meta(Meta::of(Format::Chr)).text(value);
            writer.command(&Head::new(Verb::Replace, id)).unwrap().item(&item).unwrap().end().unwrap();
        }
    }
    writer.finish(true).unwrap().to_vec()
}

/// Holds the session once; octets each way.
fn session(
    coding: Coding,
    messages: &[Vec<u8>],
    tree: &mut Tree<'_, '_>,
    room: &mut (Conversation, Vec<u8>, Vec<u8>, Vec<u8>),
) -> (usize, usize) {
    let client = Credentials { name: "device", secret: Secret::new(b"device-password") };
    let server = Credentials { name: "dms", secret: Secret::new(b"server-password") };
    let nonce = Nonce::new(NONCE).unwrap();
    let config = Config {
        account: Account {
            server_id: "dms",
            url: URL,
            client: Some(client),
            scheme: Some(Scheme::Md5),
            client_nonce: nonce,
            nonce_is_text: false,
            server: Some(server),
            server_scheme: Scheme::Md5,
            server_nonce: nonce,
        },
        device: DEVICE,
        session_id: 7,
        initiator: Initiator::Client,
        dialect: Dialect::V1_2,
        coding,
        notices: &[],
        has_user: false,
        max_object: 0,
        exchange_timeout: Duration::from_secs(30),
        prompt_timeout: Duration::from_secs(60),
        session_timeout: Duration::from_secs(900),
    };
    let (own, rx, tx, work) = room;
    let mut session = Session::new(&config, own, rx, tx, work).unwrap();
    let (mut crypto, now) = (Numbers, Duration::ZERO);
    let (mut sent, mut received) = (0, 0);
    session.handle(now, Input::Start, tree, &mut crypto).unwrap();
    let mut messages = messages.iter();
    loop {
        match session.poll() {
            Output::Send(request) => sent += request.body.len(),
            Output::End(outcome) => {
                assert_eq!(outcome.end, End::Done);
                assert!(messages.next().is_none(), "the session ended early");
                return (sent, received);
            }
            output => panic!("{output:?}"),
        }
        let message = messages.next().expect("the session goes on and on");
        session.receive_buffer()[..message.len()].copy_from_slice(message);
        received += message.len();
        let content_type = Some(media_type(coding));
        let reply = Reply { status: 200, content_type, mac: None, len: message.len() };
        session.handle(now, Input::Reply(reply), tree, &mut crypto).unwrap();
    }
}

fn main() {
    for coding in [Coding::Wbxml, Coding::Xml] {
        let messages = [message(coding, 1, true), message(coding, 2, true), message(coding, 3, false)];
        let mut store = Ram { image: [0; 4096], len: 0 };
        let (mut info, mut detail) = (DevInfo::new(&FACTS), DevDetail::new(&FACTS, UriLimits::OWN));
        let mut accounts = Accounts;
        let mut objects: [&mut dyn Object; 3] = [&mut info, &mut detail, &mut accounts];
        let mut buffer = [0; 4096];
        let mut tree = Tree::open(&mut buffer, &mut objects, &mut store, UriLimits::OWN).unwrap();
        let all = New::value(b"Add=*&Delete=*&Exec=*&Get=*&Replace=*");
        tree.replace(Caller::Device, ".?prop=ACL", &all).unwrap();
        tree.add(Caller::Device, "./DMAcc/1", &New::INTERIOR).unwrap();
        for (uri, value) in REPLACES {
            tree.add(Caller::Device, uri, &New::value(value.as_bytes())).unwrap();
        }
        tree.commit().unwrap();
        let mut room = (Conversation::NONE, vec![0; 4096], vec![0; 4096], vec![0; 4096]);
        let (sent, received) = session(coding, &messages, &mut tree, &mut room);
        let (start, mut count) = (seconds(), 0_u32);
        while seconds() - start < PATIENCE {
            session(coding, &messages, &mut tree, &mut room);
            count += 1;
        }
        let each = (seconds() - start) / f64::from(count);
        println!(
            "{coding:?}: 3 round trips, {} commands, {sent} octets sent, {received} received: {:.1} us a session",
            2 * (GETS.len() + REPLACES.len()),
            each * 1e6
        );
    }
    println!("session memory: {} octets", size_of::<Conversation>());
}

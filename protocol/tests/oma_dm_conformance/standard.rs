//! The standard objects, the inbox, notifications and bootstrap.

use crate::desk::*;
use core::time::Duration;
use kedge_protocol::dm::auth::Secret;
use kedge_protocol::dm::bootstrap::{Document, Keys, Method, Origin, Processed, Security, Unproven, process};
use kedge_protocol::dm::notification::{Dropped, Guard, Notification, Packet, Proof, UiMode};
use kedge_protocol::dm::objects::{Accounts, DevDetail, Inbox};
use kedge_protocol::dm::session::{End, Initiator};
use kedge_protocol::dm::{Object, Tree, UriLimits};
use kedge_protocol::mime::MediaType;
use kedge_protocol::wap::Coding;

/// A device with every standard object in its tree.
fn whole() -> Desk {
    Desk::new().with(|desk| desk.standard = true)
}

fn get(id: u32, uri: &str) -> String {
    command("Get", id, uri, "")
}

/// An account as a sub-tree for the inbox.
fn account(server: &str) -> String {
    let leaf = |name: &str, value: &str| {
        format!(
            "<Node><NodeName>{name}</NodeName><RTProperties><Type><MIME>text/plain</MIME></Type></RTProperties><Value>{value}</Value></Node>"
        )
    };
    let inner = leaf("AppID", "w7") + &leaf("ServerID", server);
    let address = format!(
        "<Node><NodeName>AppAddr</NodeName><Node><NodeName>1</NodeName>{}</Node></Node>",
        leaf("Addr", "https://dm.example/")
    );
    format!(
        "<MgmtTree><VerDTD>1.2</VerDTD><Node><NodeName/><RTProperties><Format><node/></Format><Type><DDFName>{}</DDFName>\
         </Type></RTProperties>{inner}{address}</Node></MgmtTree>",
        Accounts::IDENTIFIER
    )
}

fn tnds(verb: &str, id: u32, target: &str, document: &str) -> String {
    let escaped = document.replace('&', "&amp;").replace('<', "&lt;");
    let meta = "<Meta><Format>xml</Format><Type>application/vnd.syncml.dmtnds+xml</Type></Meta>";
    command(verb, id, target, &format!("{meta}<Data>{escaped}</Data>"))
}

#[test]
fn dm_19_devdetail_tells_limits_versions_and_large_objects() {
    let leaves =
        ["URI/MaxDepth", "URI/MaxTotLen", "URI/MaxSegLen", "DevTyp", "OEM", "FwV", "SwV", "HwV", "LrgObj"];
    let gets: String =
        leaves.iter().zip(1..).map(|(leaf, id)| get(id, &format!("./DevDetail/{leaf}"))).collect();
    let talk = whole()
        .say(&(gets + &replace(20, "./DevDetail/FwV", "x") + &get(21, "./DevDetail?prop=Type")))
        .end()
        .talk();
    let sent = &talk.sent[1];
    for (leaf, value) in [
        ("URI/MaxDepth", "16"),
        ("URI/MaxTotLen", "255"),
        ("URI/MaxSegLen", "63"),
        ("DevTyp", "phone"),
        ("OEM", "Maker"),
        ("FwV", "1.0"),
        ("SwV", "1.1"),
        ("HwV", "A"),
    ] {
        assert!(sent.contains(&format!("item ./DevDetail/{leaf} = \"{value}\"")), "{leaf}: {sent}");
    }
    assert!(sent.contains("item ./DevDetail/LrgObj bool = \"true\""), "{sent}");
    assert!(sent.contains(DevDetail::IDENTIFIER));
    assert_eq!(codes(sent)[9..], ["Replace 405", "Get 200"]);
}

#[test]
fn dm_19_an_account_is_set_up_and_its_secrets_are_not_told() {
    let node = |id, uri: &str| command("Add", id, uri, "<Meta><Format>node</Format></Meta>");
    let leaf = |id, uri: &str, value: &str| command("Add", id, uri, &format!("<Data>{value}</Data>"));
    let commands = node(1, "./DMAcc/a")
        + &leaf(2, "./DMAcc/a/ServerID", "other")
        + &leaf(3, "./DMAcc/a/AppAuth/1/AAuthLevel", "CLCRED")
        + &leaf(4, "./DMAcc/a/AppAuth/1/AAuthSecret", "pw")
        + &leaf(5, "./DMAcc/a/AppAuth/1/AAuthType", "NONSENSE")
        + &get(6, "./DMAcc/a/AppAuth/1/AAuthSecret")
        + &get(7, "./DMAcc/a/AppAuth/1/AAuthLevel")
        + &get(8, "./DMAcc/a?list=StructData");
    let talk = whole().say(&commands).end().talk();
    assert_eq!(
        codes(&talk.sent[1]),
        ["Add 200", "Add 200", "Add 200", "Add 200", "Add 400", "Get 405", "Get 200", "Get 200"]
    );
    assert!(!talk.sent[1].contains("\"pw\""), "{}", talk.sent[1]);
    assert_eq!(stored(&talk.memory, "DMAcc/a/AppAuth/1/AAuthSecret").unwrap(), b"pw");
}

#[test]
fn dm_25_an_object_put_into_the_inbox_goes_where_it_belongs() {
    let talk = whole().say(&(tnds("Add", 1, "./Inbox", &account("one")) + &get(2, "./DMAcc"))).end().talk();
    assert_eq!(codes(&talk.sent[1]), ["Add 200", "Get 200"]);
    assert!(talk.sent[1].contains("item ./DMAcc node = \"x1\""), "{}", talk.sent[1]);
    assert_eq!(stored(&talk.memory, "DMAcc/x1/ServerID").unwrap(), b"one");
}

#[test]
fn dm_25_the_inbox_is_not_read_changed_or_removed() {
    let unknown = account("one").replace(Accounts::IDENTIFIER, "urn:example:unknown:1.0");
    let commands = get(1, "./Inbox")
        + &get(2, "./Inbox/x1")
        + &get(3, "./Inbox?list=Struct")
        + &replace(4, "./Inbox", "x")
        + &command("Delete", 5, "./Inbox", "")
        + &tnds("Replace", 6, "./Inbox", &account("one"))
        + &tnds("Add", 7, "./Inbox", &unknown)
        + &get(8, "./DMAcc");
    let talk = whole().say(&commands).end().talk();
    assert_eq!(
        codes(&talk.sent[1]),
        ["Get 405", "Get 405", "Get 405", "Replace 405", "Delete 405", "Replace 405", "Add 415", "Get 200"]
    );
    assert!(talk.sent[1].contains("item ./DMAcc node = \"\""), "{}", talk.sent[1]);
}

fn octets(hex: &str) -> Vec<u8> {
    let octet = |at| u8::from_str_radix(&hex[at..at + 2], 16).unwrap();
    (0..hex.len()).step_by(2).map(octet).collect()
}

/// The trigger that the specification prints, with the digest for password `srvpwd` and nonce `Nonce`.
const TRIGGER: &str = "10369e83e3fc7103a4a21acce6e242ae02d0000000123412636f6d2e6d676d747372762e6d616e616765";

#[test]
fn dm_26_a_notification_is_read_and_its_proof_checked() {
    let bytes = octets(TRIGGER);
    let packet = Packet::new(&bytes).unwrap();
    let read = Notification::parse(&packet).unwrap();
    assert_eq!(
        (read.ui_mode, read.by_server, read.session, read.server),
        (UiMode::Background, false, 0x1234, "com.mgmtsrv.manage")
    );
    let mut crypto = TestCrypto(0);
    let mut verify = |password, nonce| read.verify(&packet, Secret::new(password), nonce, &mut crypto);
    assert_eq!(verify(b"srvpwd", b"Nonce"), Some(Proof::Nonce));
    assert_eq!((verify(b"srvpwd", b"nonce"), verify(b"other", b"Nonce")), (None, None));
    for at in 0..bytes.len() {
        let mut changed = bytes.clone();
        changed[at] ^= 4;
        let packet = Packet::new(&changed).unwrap();
        let proven = Notification::parse(&packet)
            .ok()
            .and_then(|read| read.verify(&packet, Secret::new(b"srvpwd"), b"Nonce", &mut TestCrypto(0)));
        assert_eq!(proven, None, "octet {at}");
    }
}

#[test]
fn dm_26_the_special_nonce_replays_and_a_running_session_have_their_rules() {
    // Both readings of the special nonce: four zero octets, and its digits as text.
    for digest in ["e37fdc0f8e9070fc31b0967910b921af", "633b4d8fedca624711b33e36de5aaafb"] {
        let bytes = octets(&(digest.to_owned() + &TRIGGER[32..]));
        let packet = Packet::new(&bytes).unwrap();
        let read = Notification::parse(&packet).unwrap();
        let proof = read.verify(&packet, Secret::new(b"srvpwd"), b"Nonce", &mut TestCrypto(0)).unwrap();
        assert_eq!(proof, Proof::SpecialNonce);
        let (mut guard, now) = (Guard::new(), Duration::from_secs(5));
        assert_eq!(guard.admit(now, &packet), Ok(()));
        assert_eq!(guard.accept(now, &packet, &read, proof, Some(0x1234)), Err(Dropped::Running));
        assert_eq!(guard.accept(now, &packet, &read, proof, None), Ok(()));
        assert_eq!(guard.admit(now, &packet), Err(Dropped::Replayed));
    }
}

#[test]
fn dm_26_what_is_no_notification_is_an_error() {
    let whole = octets(TRIGGER);
    for len in 0..whole.len() {
        let read = Packet::new(&whole[..len])
            .and_then(|packet| Notification::parse(&packet).map(|read| read.session));
        assert!(read.is_err(), "{len} octets");
    }
}

#[test]
fn dm_03_a_session_that_a_server_asked_for_says_so() {
    let talk = Desk::new().with(|desk| desk.initiator = Initiator::Server).end().talk();
    assert!(talk.sent[0].starts_with("  Alert 1: 1200 server-initiated management\n"), "{}", talk.sent[0]);
}

/// The document of a bootstrap, as a server would send it.
fn bootstrap() -> Vec<u8> {
    let add = tnds("Add", 1, "./Inbox", &account("dms"));
    let commands = add.clone() + "<Final/>";
    Desk::new().with(|desk| desk.coding = Coding::Wbxml).step(Step::Say(commands)).bytes_of_first()
}

fn with_tree<T>(work: impl FnOnce(&mut Tree<'_, '_>) -> T) -> T {
    let (mut inbox, mut accounts) = (Inbox, Accounts);
    let mut objects: [&mut dyn Object; 2] = [&mut inbox, &mut accounts];
    let (mut image, mut memory) = (vec![0; 2048], Memory::default());
    work(&mut Tree::open(&mut image, &mut objects, &mut memory, UriLimits::OWN).unwrap())
}

#[test]
fn dm_27_a_bootstrap_must_be_proven_by_networkid_or_userpin() {
    let body = bootstrap();
    let keys = Keys { network_id: Some(b"244050123456789"), pin: Some(b"1234") };
    for method in [Method::NetworkId, Method::UserPin, Method::UserPinNetworkId] {
        let made = Security::make(method, &body, &keys).unwrap();
        let mac = made.mac().iter().fold(String::new(), |mac, octet| mac + &format!("{octet:02X}"));
        let header = format!("application/vnd.syncml.dm+wbxml; SEC={}; MAC={mac}", method.name());
        let read = Security::read(&MediaType::parse(&header).unwrap()).unwrap();
        assert_eq!(read.verify(&body, &keys), Ok(()));
        let wrong = Keys { network_id: Some(b"244050123456780"), pin: Some(b"1235") };
        assert_eq!(read.verify(&body, &wrong), Err(Unproven::Wrong));
    }
    let bare = MediaType::parse("application/vnd.syncml.dm+wbxml").unwrap();
    assert_eq!(Security::read(&bare), Err(Unproven::Missing));
}

#[test]
fn dm_27_a_bootstrap_brings_an_account_and_no_answer() {
    let body = bootstrap();
    with_tree(|tree| {
        let mut work = vec![0; 8192];
        let document = Document::read(Coding::Wbxml, &body, &mut work).unwrap();
        let mut take = |tree: &mut Tree<'_, '_>, origin, consent| {
            process(tree, &document, (origin, true, consent), &mut work).unwrap()
        };
        let by_pin = Origin::Push(Method::UserPin);
        assert_eq!(take(tree, Origin::UnprovenPush, true), Processed::Refused);
        assert_eq!(take(tree, by_pin, false), Processed::Ask);
        assert_eq!(take(tree, by_pin, true), Processed::Applied);
        assert_eq!(take(tree, Origin::Factory, true), Processed::Kept, "it is there");
        assert_eq!(
            take(tree, Origin::Push(Method::NetworkId), true),
            Processed::Refused,
            "no re-bootstrap by that alone"
        );
        let mut path = [0; 64];
        let root = Accounts::find(tree.nodes(), "dms", &mut path).unwrap();
        let account = Accounts::read(tree.nodes(), root).unwrap();
        assert_eq!(account.of_session().unwrap().url, "https://dm.example/");
    });
}

/// What a session brings may be a new server, but no other account of one that is there.
#[test]
fn dm_27_a_session_does_not_redirect_a_server() {
    let account = account("one");
    let leaf = command("Add", 3, "./DMAcc/other/ServerID", "<Data>one</Data>");
    let own = replace(4, "./DMAcc/x1/ServerID", "one");
    let commands = tnds("Add", 1, "./Inbox", &account) + &tnds("Add", 2, "./Inbox", &account) + &leaf + &own;
    let talk = whole().say(&commands).end().talk();
    assert_eq!(codes(&talk.sent[1]), ["Add 200", "Add 418", "Add 418", "Replace 200"]);
}

/// A session refused for its version is begun once more in the older one, and then given up.
#[test]
fn dm_01_an_unknown_version_is_told_and_the_older_one_tried_once() {
    let refused = || Step::Say(header_status(513) + "<Final/>");
    let talk = Desk::new().step(refused()).step(refused()).talk();
    assert!(matches!(talk.outcome.end, End::Refused(_)), "{:?}", talk.outcome.end);
    assert_eq!(talk.raw.len(), 2);
    with_header(Coding::Xml, &talk.raw[1], |header| {
        assert_eq!((header.dtd, header.protocol), ("1.1", "DM/1.1"));
    });
}

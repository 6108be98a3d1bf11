//! `kedge tree` on an image as a device keeps it, and on sub-tree documents.

mod sample;

use kedge::command::Exit;
use kedge_protocol::dm::account::{Address, Credentials, DmAccountSettings, Hidden, Level, Scheme};
use kedge_protocol::dm::objects::{Accounts, Inbox};
use kedge_protocol::dm::{Object, Store, StoreError, Tree, UriLimits};
use sample::kedge;
use std::path::PathBuf;

/// Storage in memory.
struct Memory(Vec<u8>);

impl Store for Memory {
    fn load(&mut self, _: &mut [u8]) -> Result<usize, StoreError> {
        Ok(0)
    }

    fn save(&mut self, image: &[u8]) -> Result<(), StoreError> {
        self.0 = image.to_vec();
        Ok(())
    }
}

/// The image of a device that has one account.
fn image() -> Vec<u8> {
    let (mut accounts, mut inbox, mut memory) = (Accounts, Inbox, Memory(Vec::new()));
    let mut objects: [&mut dyn Object; 2] = [&mut accounts, &mut inbox];
    let mut room = [0; 2048];
    let mut tree = Tree::open(&mut room, &mut objects, &mut memory, UriLimits::OWN).unwrap();
    let client = Credentials {
        level: Level::Client,
        scheme: Scheme::Digest,
        name: "device",
        secret: Hidden(b"hush-hush"),
        data: Hidden(b"nonce"),
    };
    let account = DmAccountSettings {
        server: "dms",
        name: Some("The server"),
        addresses: [Some(Address { address: "https://dm.example/", ..Address::default() }), None, None],
        credentials: [Some(client), None, None],
        ..DmAccountSettings::default()
    };
    Accounts::write(&mut tree, "one", &account).unwrap();
    tree.commit().unwrap();
    memory.0
}

fn file(name: &str, octets: &[u8]) -> String {
    let path = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(name);
    std::fs::write(&path, octets).unwrap();
    path.to_str().unwrap().to_owned()
}

/// What is printed; the code on the error output where there is one.
fn tree(arguments: &[&str]) -> String {
    let mut all = vec!["tree"];
    all.extend(arguments);
    let answer = kedge(&all);
    if answer.exit == Exit::Passed { answer.out } else { answer.err }
}

#[test]
fn an_image_is_listed_without_its_secrets() {
    let path = file("listed.bin", &image());
    let shown = tree(&["show", &path, "./DMAcc"]);
    for line in [
        "./DMAcc/one  node  urn:oma:mo:oma-dm-dmacc:1.0  [Delete=dms&Get=dms&Replace=dms]\n",
        "./DMAcc/one/ServerID  chr  = \"dms\"\n",
        "./DMAcc/one/AppAddr/1/Addr  chr  = \"https://dm.example/\"\n",
        "./DMAcc/one/AppAuth/1/AAuthSecret  chr\n",
    ] {
        assert!(shown.contains(line), "{line:?} is not in\n{shown}");
    }
    assert!(!shown.contains("hush-hush") && !shown.contains("nonce"), "{shown}");
    // Every object of the client is there, and what a device computes is not told.
    let whole = tree(&["show", &path]);
    for line in
        ["./DevInfo/Man  chr\n", "./FUMO/PkgName  chr  = \"\"\n", "./SCOMO/Inventory", "./Tunnel/Message"]
    {
        assert!(whole.contains(line), "{line:?} is not in\n{whole}");
    }
}

#[test]
fn a_value_of_an_image_is_read_set_and_judged() {
    let path = file("changed.bin", &image());
    assert_eq!(tree(&["get", &path, "./DMAcc/one/ServerID"]), "dms\n");
    assert_eq!(tree(&["get", &path, "./DMAcc"]), "one\n");
    assert_eq!(tree(&["get", &path, "./DMAcc/one?prop=Type"]), "urn:oma:mo:oma-dm-dmacc:1.0\n");
    assert_eq!(tree(&["set", &path, "./DMAcc/one/Name", "Another"]), "");
    assert_eq!(tree(&["set", &path, "./DMAcc/two/ServerID", "new"]), "");
    assert_eq!(tree(&["set", &path, "./DMAcc/one?prop=ACL", "Get=*"]), "");
    assert_eq!(tree(&["get", &path, "./DMAcc/one/Name"]), "Another\n");
    assert_eq!(tree(&["get", &path, "./DMAcc"]), "one/two\n");
    assert_eq!(tree(&["get", &path, "./DMAcc/one?prop=ACL"]), "Get=*\n");
    let before = std::fs::read(&path).unwrap();
    for (arguments, said) in [
        (["set", &path, "./DMAcc/one/AppAddr/1/AddrType", "carrier pigeon"], "kedge: 400 bad request\n"),
        (["set", &path, "./DevInfo/Man", "x"], "kedge: 503 service unavailable\n"),
        (["set", &path, "./Nowhere/Leaf", "x"], "kedge: 404 not found\n"),
    ] {
        assert_eq!(tree(&arguments), said, "{arguments:?}");
    }
    assert_eq!(tree(&["get", &path, "./DMAcc/three"]), "kedge: 404 not found\n");
    assert!(std::fs::read(&path).unwrap() == before, "nothing was changed");
}

const DOCUMENT: &str = "<?xml version=\"1.0\"?><MgmtTree xmlns=\"syncml:dmddf1.2\"><VerDTD>1.2</VerDTD>
  <Node><NodeName>Lamp</NodeName><RTProperties><ACL>Get=*</ACL><Format><node/></Format><Type><DDFName>org.example.lamp:1.0</DDFName>
  </Type></RTProperties><Node><NodeName>Colour</NodeName><RTProperties><Format><chr/></Format><Type><MIME>text/plain</MIME></Type>
  </RTProperties><Value>red &amp; blue</Value></Node></Node>
  <Node><NodeName>Count</NodeName><Path>Lamp</Path><RTProperties><Format><int/></Format></RTProperties><Value>7</Value></Node>
</MgmtTree>";

#[test]
fn a_document_is_listed_read_and_written_anew() {
    let path = file("document.xml", DOCUMENT.as_bytes());
    assert_eq!(
        tree(&["show", &path]),
        "./Lamp  node  org.example.lamp:1.0  [Get=*]\n./Lamp/Colour  chr  = \"red & blue\"\n./Lamp/Count  int  = \"7\"\n"
    );
    assert_eq!(tree(&["get", &path, "./Lamp/Colour"]), "red & blue\n");
    assert_eq!(tree(&["get", &path, "./Lamp"]), "Colour/Count\n");
    assert_eq!(tree(&["get", &path, "./Lamp?prop=ACL"]), "Get=*\n");
    assert_eq!(tree(&["set", &path, "./Lamp/Colour", "<green>"]), "");
    assert_eq!(tree(&["set", &path, "./Lamp/Shade", "dark"]), "");
    assert_eq!(tree(&["get", &path, "./Lamp/Colour"]), "<green>\n");
    assert_eq!(tree(&["show", &path, "./Lamp/Shade"]), "./Lamp/Shade  chr  = \"dark\"\n");
    assert_eq!(tree(&["set", &path, "./Lamp", "x"]), "kedge: 405 command not allowed\n");
    assert_eq!(tree(&["set", &path, "./Other/Leaf", "x"]), "kedge: 404 not found\n");
    assert_eq!(
        tree(&["get", &path, "./Lamp/Colour?prop=VerNo"]),
        "kedge: 406 optional feature not supported\n"
    );
}

#[test]
fn what_is_neither_image_nor_document_is_named() {
    for octets in [&b""[..], b"<html/>", b"\x01\x01\x00", b"nonsense"] {
        let path = file("neither", octets);
        let answer = kedge(&["tree", "show", &path]);
        assert_eq!(answer.exit, Exit::Usage, "{octets:?}: {}", answer.out);
        assert!(answer.err.contains("neither"), "{}", answer.err);
    }
    let path = file("asked.xml", DOCUMENT.as_bytes());
    assert_eq!(kedge(&["tree", "get", &path, "/Lamp"]).exit, Exit::Usage);
}

use super::*;
use crate::dm::account::{Address, Credentials, DmAccountSettings, Hidden, Level, Scheme};
use crate::dm::{Caller, Chunk, New, Object, Store, StoreError, Tree, UriLimits};
use crate::fumo::{Fumo, IDENTIFIER, Machine, Memo, Port, Staged, State};
use crate::syncml::{Code, Format};
use crate::wire::Writer;
use std::string::{String, ToString as _};
use std::vec::Vec;

const FACTS: DeviceFacts<'_> = DeviceFacts {
    id: "IMEI:490154203237518",
    manufacturer: "Maker",
    model: "M1",
    language: "en",
    device_type: "phone",
    oem: "Maker",
    firmware: "1.0",
    software: "1.0",
    hardware: "A",
};

/// Storage in RAM.
#[derive(Default)]
pub(crate) struct Ram(pub(crate) Vec<u8>);

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

/// A device's package in RAM.
#[derive(Default)]
struct Packages {
    stored: Vec<u8>,
    discarded: u32,
    kept: Option<(u8, u8, String)>,
}

impl Port for Packages {
    fn store(&mut self, chunk: &Chunk<'_>) -> Result<(), Code> {
        if chunk.offset == 0 {
            self.stored.clear();
        }
        self.stored.extend_from_slice(chunk.octets);
        if chunk.last && self.stored.starts_with(b"bad") { Err(Code::UNSUPPORTED_FORMAT) } else { Ok(()) }
    }

    fn discard(&mut self) -> Result<(), Code> {
        self.discarded += 1;
        self.stored.clear();
        Ok(())
    }

    fn keep(&mut self, memo: &Memo<'_>) -> Result<(), Code> {
        self.kept = Some((memo.state.0, memo.operation, memo.url.to_string()));
        Ok(())
    }
}

/// Runs `work` on a tree with the objects in it, as a session would, and commits.
fn with_tree<T>(
    store: &mut Ram,
    machine: &mut Machine,
    packages: &mut Packages,
    work: impl FnOnce(&mut Tree<'_, '_>) -> T,
) -> T {
    let (mut info, mut detail) = (DevInfo::new(&FACTS), DevDetail::new(&FACTS, UriLimits::OWN));
    let mut staged = Staged::default();
    let (mut accounts, mut fumo) = (Accounts, Fumo::new(machine, &mut staged, packages));
    let mut objects: [&mut dyn Object; 4] = [&mut info, &mut detail, &mut accounts, &mut fumo];
    let mut buffer = [0; 4096];
    let mut tree = Tree::open(&mut buffer, &mut objects, store, UriLimits::OWN).unwrap();
    let result = work(&mut tree);
    tree.commit().unwrap();
    result
}

pub(crate) fn get(tree: &mut Tree<'_, '_>, uri: &str) -> Result<(String, Format), Code> {
    let mut buf = [0; 512];
    let mut out = Writer::new(&mut buf);
    let format = tree.get(Caller::Server("dms"), uri, &mut out)?;
    Ok((String::from_utf8(out.written().to_vec()).unwrap(), format))
}

pub(crate) fn text(tree: &mut Tree<'_, '_>, uri: &str) -> String {
    get(tree, uri).map_or_else(|code| code.0.to_string(), |(text, _)| text)
}

#[test]
fn the_device_tells_what_it_is() {
    let (mut store, mut machine, mut packages) = (Ram::default(), Machine::IDLE, Packages::default());
    with_tree(&mut store, &mut machine, &mut packages, |tree| {
        for (uri, expected) in [
            ("./DevInfo", "DevId/Man/Mod/DmV/Lang"),
            ("./DevInfo/DevId", "IMEI:490154203237518"),
            ("./DevInfo/DmV", "1.2"),
            ("./DevDetail/FwV", "1.0"),
            ("./DevDetail/URI/MaxDepth", "16"),
            ("./DevDetail/LrgObj", "true"),
            ("./DevDetail?prop=Type", DevDetail::IDENTIFIER),
            ("./FUMO/State", "10"),
            ("./FUMO?prop=Type", IDENTIFIER),
            ("./DevInfo/Nothing", "404"),
        ] {
            assert_eq!(text(tree, uri), expected, "{uri}");
        }
        let server = Caller::Server("dms");
        assert_eq!(tree.replace(server, "./DevInfo/Man", &New::value(b"x")), Err(Code::NOT_ALLOWED));
        assert_eq!(tree.delete(server, "./DevInfo"), Err(Code::NOT_ALLOWED));
    });
}

fn account() -> DmAccountSettings<'static> {
    let client = Credentials {
        level: Level::Client,
        scheme: Scheme::Digest,
        name: "device",
        secret: Hidden(b"pw"),
        data: Hidden(&[0, 255]),
    };
    DmAccountSettings {
        server: "dms",
        name: Some("The server"),
        connection: None,
        preferred: Some(Scheme::Digest),
        addresses: [
            Some(Address { address: "https://dm.example/dm", port: Some(8443), ..Address::default() }),
            None,
            None,
        ],
        credentials: [Some(client), Some(Credentials { level: Level::Server, ..client }), None],
    }
}

#[test]
fn an_account_survives_the_tree_and_hides_its_secrets() {
    let (mut store, mut machine, mut packages) = (Ram::default(), Machine::IDLE, Packages::default());
    with_tree(&mut store, &mut machine, &mut packages, |tree| {
        Accounts::write(tree, "one", &account()).unwrap();
        // Once more: it is replaced.
        Accounts::write(tree, "one", &account()).unwrap();
    });
    with_tree(&mut store, &mut machine, &mut packages, |tree| {
        let mut path = [0; 64];
        assert_eq!(Accounts::find(tree.nodes(), "dms", &mut path), Some("DMAcc/one"));
        assert_eq!(Accounts::find(tree.nodes(), "other", &mut [0; 64]), None);
        assert_eq!(Accounts::read(tree.nodes(), "DMAcc/one"), Some(account()));
        assert_eq!(Accounts::read(tree.nodes(), "DMAcc/two"), None);
        assert_eq!(text(tree, "./DMAcc/one/ServerID"), "dms");
        assert_eq!(text(tree, "./DMAcc/one/AppAuth/1/AAuthSecret"), "405");
        assert_eq!(text(tree, "./DMAcc/one/AppAuth/1/AAuthData"), "405");
        assert_eq!(text(tree, "./DMAcc/one?prop=ACL"), "Delete=dms&Get=dms&Replace=dms");
        let (own, other) = (Caller::Server("dms"), Caller::Server("other"));
        let replace = |tree: &mut Tree<'_, '_>, by, leaf: &str, value: &str| {
            tree.replace(by, &std::format!("./DMAcc/one/{leaf}"), &New::value(value.as_bytes()))
        };
        assert_eq!(replace(tree, other, "Name", "x"), Err(Code::PERMISSION_DENIED));
        assert_eq!(replace(tree, own, "Name", "x"), Ok(()));
        assert_eq!(replace(tree, own, "AppAuth/1/AAuthType", "MD5"), Err(Code::BAD_REQUEST));
        assert_eq!(replace(tree, own, "ServerID", "a b"), Err(Code::BAD_REQUEST));
        assert_eq!(replace(tree, own, "AppAddr/1/Port/1/PortNbr", "99999"), Err(Code::BAD_REQUEST));
    });
}

#[test]
fn the_flat_layout_of_1_1_is_read_too() {
    let (mut store, mut machine, mut packages) = (Ram::default(), Machine::IDLE, Packages::default());
    with_tree(&mut store, &mut machine, &mut packages, |tree| {
        tree.add(Caller::Device, "./SyncML/DMAcc/old", &New::INTERIOR).unwrap();
        for (leaf, value) in [
            ("Addr", "https://dm.example/dm"),
            ("PortNbr", "8443"),
            ("ServerId", "dms"),
            ("UserName", "device"),
            ("ClientPW", "pw"),
            ("AuthPref", "DIGEST"),
            ("Name", "The server"),
        ] {
            let uri = std::format!("./SyncML/DMAcc/old/{leaf}");
            tree.add(Caller::Device, &uri, &New::value(value.as_bytes())).unwrap();
        }
        let mut path = [0; 64];
        assert_eq!(Accounts::find(tree.nodes(), "dms", &mut path), Some("SyncML/DMAcc/old"));
        let expected = DmAccountSettings {
            credentials: [
                account().credentials[0].map(|client| Credentials { data: Hidden(&[]), ..client }),
                None,
                None,
            ],
            ..account()
        };
        assert_eq!(Accounts::read(tree.nodes(), "SyncML/DMAcc/old"), Some(expected));
    });
}

#[test]
fn url_and_exec_in_one_message_begin_a_download_with_the_commit() {
    let (mut store, mut machine, mut packages) = (Ram::default(), Machine::IDLE, Packages::default());
    let server = Caller::Server("dms");
    with_tree(&mut store, &mut machine, &mut packages, |tree| {
        tree.replace(Caller::Device, ".?prop=ACL", &New::value(b"Add=*&Get=*&Replace=*&Exec=*")).unwrap();
        let url = New::value(b"https://repo.example/p");
        assert_eq!(
            tree.exec(server, "./FUMO/DownloadAndUpdate", &New::default(), None),
            Err(Code::FAILED),
            "no URL"
        );
        tree.replace(server, "./FUMO/DownloadAndUpdate/PkgURL", &url).unwrap();
        let accepted = tree.exec(server, "./FUMO/DownloadAndUpdate", &New::default(), Some("c1"));
        assert_eq!(accepted, Ok(Code::ACCEPTED));
        assert_eq!(text(tree, "./FUMO/State"), "30");
        assert_eq!(tree.exec(server, "./FUMO/Update", &New::default(), None), Err(Code::NOT_ALLOWED));
        assert_eq!(tree.replace(server, "./FUMO/Download/PkgURL", &url), Err(Code::NOT_ALLOWED));
        assert_eq!(tree.exec(server, "./FUMO/State", &New::default(), None), Err(Code::NOT_ALLOWED));
    });
    assert_eq!(packages.kept, Some((30, 3, "https://repo.example/p".to_string())));
    assert_eq!(machine.memo().correlator, Some("c1"));
}

#[test]
fn what_is_rolled_back_has_not_begun() {
    let (mut store, mut machine, mut packages) = (Ram::default(), Machine::IDLE, Packages::default());
    with_tree(&mut store, &mut machine, &mut packages, |tree| {
        let url = New::value(b"https://repo.example/p");
        tree.replace(Caller::Device, "./FUMO/Download/PkgURL", &url).unwrap();
        tree.exec(Caller::Device, "./FUMO/Download", &New::default(), None).unwrap();
        tree.roll_back().unwrap();
        assert_eq!(
            (text(tree, "./FUMO/State"), text(tree, "./FUMO/Download/PkgURL")),
            ("10".into(), String::new())
        );
    });
    assert_eq!((machine.state(), packages.kept), (State::IDLE, None));
}

#[test]
fn a_package_in_the_tree_is_stored_checked_and_replaced() {
    let (mut store, mut machine, mut packages) = (Ram::default(), Machine::IDLE, Packages::default());
    let data = "./FUMO/Update/PkgData";
    with_tree(&mut store, &mut machine, &mut packages, |tree| {
        let bad = tree.replace(Caller::Device, data, &New::value(b"bad package"));
        assert_eq!(bad, Err(Code::UNSUPPORTED_FORMAT));
        tree.replace(Caller::Device, data, &New::value(b"package")).unwrap();
        assert_eq!(text(tree, data), "405", "it cannot be read");
    });
    assert_eq!((machine.state(), &packages.stored[..]), (State::READY, &b"package"[..]));
    with_tree(&mut store, &mut machine, &mut packages, |tree| {
        tree.replace(Caller::Device, "./FUMO/Download/PkgURL", &New::value(b"u")).unwrap();
    });
    assert_eq!((machine.state(), packages.discarded), (State::IDLE, 1));
}

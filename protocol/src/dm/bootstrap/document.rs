//! The document of a bootstrap by the DM profile: a message whose commands bring an account, as leaves or as a sub-tree into the
//! inbox. It is processed like a message, but nobody is answered (`oma-dm.md` section 13).

use super::{Decision, Origin, decide};
use crate::dm::limits::MAX_URI;
use crate::dm::objects::{ACCOUNTS, ACCOUNTS_1_1, Accounts};
use crate::dm::{Caller, New, Nodes, Tree, Uri, tnds};
use crate::syncml::limits::SCRATCH;
use crate::syncml::{Code, Data, Element, Format, Inline, Item, Message, Parts, Verb};
use crate::wap::Coding;
use crate::wbxml::{Event, Joined, Pull};
use crate::wire::{Error, Writer};
use crate::xml::base64;

/// A document that was read to its end.
#[derive(Clone, Debug)]
pub struct Document<'a> {
    message: Message<'a>,
}

/// What became of a document.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Processed {
    /// Its account is in the tree, committed.
    Applied,
    /// The user must agree first; nothing has changed.
    Ask,
    /// The account that is there counts; nothing has changed.
    Kept,
    /// It may not do what it wants; nothing has changed.
    Refused,
}

/// Processes a document by the rule of [`decide`]. What it is from was proven before; `consent`: the user has agreed.
///
/// The account of the same server is replaced, everything else stays, and objects that the device does not have are passed
/// over. `INCOMPLETE` for a document without a usable account, `ALREADY_EXISTS` for one that reaches into the account of another
/// server, other codes as its commands have them; then nothing has changed. `work` takes at least [`SCRATCH`] octets, twice the longest item, and twice the longest value.
pub fn process(
    tree: &mut Tree<'_, '_>,
    document: &Document<'_>,
    (origin, by_push, consent): (Origin, bool, bool),
    work: &mut [u8],
) -> Result<Processed, Code> {
    let mut name = [0; MAX_URI];
    let server = document.server(work, &mut name)?.ok_or(Code::INCOMPLETE)?;
    let mut path = [0; MAX_URI];
    let known = Accounts::find(tree.nodes(), server, &mut path).is_some();
    match decide(origin, known, by_push) {
        Decision::Refuse => return Ok(Processed::Refused),
        Decision::Keep => return Ok(Processed::Kept),
        Decision::Ask if !consent => return Ok(Processed::Ask),
        Decision::Ask | Decision::Apply => {}
    }
    tree.commit()?;
    let done = document.replace_account(tree, server, work).and_then(|()| tree.commit());
    if done.is_err() {
        tree.roll_back()?;
    }
    done.map(|()| Processed::Applied)
}

impl<'a> Document<'a> {
    /// Reads a document; errors as those of [`Message::check`]. By push the coding is WBXML.
    pub fn read(coding: Coding, bytes: &'a [u8], work: &mut [u8]) -> Result<Self, Error> {
        Ok(Self { message: Message::check(coding, bytes, work)? })
    }

    /// The ServerID of the account that it brings, written to `out`, for the rule and for the user; `None` if it brings none.
    pub fn server<'o>(&self, work: &mut [u8], out: &'o mut [u8]) -> Result<Option<&'o str>, Code> {
        let mut found = Writer::new(out);
        self.items(work, |item, parts, work| {
            if found.at() > 0 {
                return Ok(());
            }
            match (sub_tree(item), item.data) {
                (Some(coding), _) => {
                    let (mut document, rest) = tnds::of_item(coding, item, parts, work)?;
                    server_of(&mut document, rest, &mut found)
                }
                (None, Some(Data::Text(text))) if is_server(item) => put(&mut found, text),
                _ => Ok(()),
            }
        })?;
        Ok(str::from_utf8(found.finish()).ok().filter(|server| !server.is_empty()))
    }

    /// Puts everything that the document brings into the tree, in place of the server's account of before.
    fn replace_account(&self, tree: &mut Tree<'_, '_>, server: &str, work: &mut [u8]) -> Result<(), Code> {
        let mut path = [0; MAX_URI];
        while let Some(old) = Accounts::find(tree.nodes(), server, &mut path) {
            tree.delete(Caller::Device, old)?;
        }
        self.items(work, |item, parts, work| {
            let Some(target) = item.target else { return Err(Code::INCOMPLETE) };
            let path = Uri::parse(target.uri, tree.limits())?.path;
            if is_foreign(tree.nodes(), path, sub_tree(item).is_some(), server) {
                return Err(Code::ALREADY_EXISTS);
            }
            if let Some(coding) = sub_tree(item) {
                let (mut document, rest) = tnds::of_item(coding, item, parts, work)?;
                return tnds::apply(tree, Caller::Device, Verb::Add, target.uri, &mut document, rest);
            }
            set(tree, target.uri, item, work)
        })?;
        let mut path = [0; MAX_URI];
        let root = Accounts::find(tree.nodes(), server, &mut path).ok_or(Code::INCOMPLETE)?;
        let account = Accounts::read(tree.nodes(), root).ok_or(Code::INCOMPLETE)?;
        account.check().map_err(|_| Code::INCOMPLETE)?;
        Accounts::own(tree, root, server)
    }

    /// Hands every item of a command that brings something to `take`, with the rest of the work space.
    fn items(
        &self,
        work: &mut [u8],
        mut take: impl FnMut(&Item<'_>, &Parts<'_>, &mut [u8]) -> Result<(), Code>,
    ) -> Result<(), Code> {
        let (head, rest) = work.split_at_mut_checked(SCRATCH).ok_or(Code::TOO_LARGE)?;
        let half = rest.len() / 2;
        let (texts, value) = rest.split_at_mut_checked(half).ok_or(Code::TOO_LARGE)?;
        let mut body = self.message.body().map_err(tnds::code_of)?;
        while let Some(element) = body.next(&mut *head).map_err(tnds::code_of)? {
            let Element::Command(command, mut parts) = element else { continue };
            if !matches!(command.verb, Verb::Add | Verb::Replace) {
                continue;
            }
            while let Some(item) = parts.item(&mut *texts).map_err(tnds::code_of)? {
                let item = Item { meta: item.meta.or(&command.meta), ..item };
                take(&item, &parts, &mut *value)?;
            }
        }
        Ok(())
    }
}

/// Whether an item is for the account of another server, or a sub-tree for a place above accounts, which may hold one.
fn is_foreign(nodes: &Nodes<'_>, path: &str, is_tree: bool, server: &str) -> bool {
    let above = |root: &str| {
        let below = root.strip_prefix(path);
        path.is_empty() || below.is_some_and(|below| below.is_empty() || below.starts_with(|c| c == '/'))
    };
    is_tree && (above(ACCOUNTS) || above(ACCOUNTS_1_1))
        || Accounts::owner(nodes, path).is_some_and(|owner| owner != server)
}

/// A node by itself; what no object of the device has is passed over.
fn set(tree: &mut Tree<'_, '_>, uri: &str, item: &Item<'_>, work: &mut [u8]) -> Result<(), Code> {
    let format = item.meta.format.and_then(Format::from_name);
    let octets = item.data.map_or(&[][..], |data| data.octets());
    let octets = match format {
        Some(Format::B64) => base64::decode(octets, work).map_err(tnds::code_of)?,
        _ => octets,
    };
    let new = New { format, media_type: item.meta.media_type, octets };
    match tree.add(Caller::Device, uri, &new) {
        Err(Code::ALREADY_EXISTS) if format == Some(Format::Node) => Ok(()),
        Err(Code::ALREADY_EXISTS) => tree.replace(Caller::Device, uri, &new),
        Err(Code::NOT_ALLOWED | Code::NOT_FOUND) => Ok(()),
        done => done,
    }
}

/// The coding of the sub-tree that an item brings; `None` if it brings something else.
fn sub_tree(item: &Item<'_>) -> Option<Coding> {
    item.meta.media_type.and_then(tnds::coding_of)
}

fn is_server(item: &Item<'_>) -> bool {
    item.target.is_some_and(|target| {
        let uri = target.uri;
        uri.ends_with("/ServerID") || uri.ends_with("/ServerId")
    })
}

/// Finds the value of the first node called ServerID.
fn server_of(document: &mut Inline<'_>, work: &mut [u8], found: &mut Writer<'_>) -> Result<(), Code> {
    let mut here = false;
    while let Some(event) = document.next().map_err(tnds::code_of)? {
        match event {
            Event::Start(name) if name.text() == Some("NodeName") => {
                let name = Joined::content(document, work).map_err(tnds::code_of)?;
                here = matches!(name.octets, b"ServerID" | b"ServerId");
            }
            Event::Start(name) if name.text() == Some("Value") && here => {
                let value = Joined::content(document, work).map_err(tnds::code_of)?;
                return put(found, value.text().ok_or(Code::BAD_REQUEST)?);
            }
            _ => {}
        }
    }
    Ok(())
}

fn put(found: &mut Writer<'_>, text: &str) -> Result<(), Code> {
    found.put(text.as_bytes()).map_err(|_| Code::TOO_LARGE)
}

#[cfg(test)]
mod tests {
    use super::super::{Keys, Method, Owner, Security};
    use super::*;
    use crate::dm::objects::tests::{Ram, get};
    use crate::dm::objects::{DevDetail, DeviceFacts, Inbox};
    use crate::dm::{Object, UriLimits};
    use crate::syncml::{Dialect, Head, Header, Location, Meta, Writer as MessageWriter};
    use std::format;
    use std::string::{String, ToString as _};
    use std::vec::Vec;

    /// A message with these items, each an Add: target, type, data.
    fn message(items: &[(&str, Option<&'static str>, &str)]) -> Vec<u8> {
        let mut out = [0; 4096];
        let header = Header::new(
            Dialect::V1_2,
            "0",
            "1",
            Location::new("IMEI:1"),
            Location::new("https://dm.example/"),
        );
        let mut writer = MessageWriter::new(Coding::Wbxml, &mut out, &header).unwrap();
        for (number, (target, media_type, data)) in (1..).zip(items) {
            let number = number.to_string();
            let meta = Meta { media_type: *media_type, ..Meta::EMPTY };
            let item = Item { data: Some(Data::Text(data)), meta, ..Item::target(target) };
            writer.command(&Head::new(Verb::Add, &number)).unwrap().item(&item).unwrap().end().unwrap();
        }
        writer.finish(true).unwrap().to_vec()
    }

    /// An account as a sub-tree, with an object beside it that no device has.
    fn by_inbox(server: &str, address: &str) -> Vec<u8> {
        let node = |name: &str, inner: &str| {
            format!("<Node><NodeName>{name}</NodeName><RTProperties><Type/></RTProperties>{inner}</Node>")
        };
        let leaf = |name: &str, value: &str| node(name, &format!("<Value>{value}</Value>"));
        let address = node("AppAddr", &node("1", &leaf("Addr", address)));
        let document = format!(
            "<MgmtTree><VerDTD>1.2</VerDTD><Node><NodeName>odd</NodeName><RTProperties><Type><DDFName>urn:odd:1</DDFName>\
             </Type></RTProperties>{}</Node><Node><NodeName>acc</NodeName><RTProperties><Format><node/></Format><Type>\
             <DDFName>{}</DDFName></Type></RTProperties>{}{}{}</Node></MgmtTree>",
            leaf("Name", "x"),
            Accounts::IDENTIFIER,
            leaf("AppID", "w7"),
            leaf("ServerID", server),
            address,
        );
        message(&[("./Inbox", Some(tnds::XML), &document)])
    }

    fn by_leaves(server: &str, address: &str) -> Vec<u8> {
        message(&[
            ("./DMAcc/new/AppID", None, "w7"),
            ("./DMAcc/new/ServerID", None, server),
            ("./DMAcc/new/AppAddr/1/Addr", None, address),
            ("./Unknown/Thing", None, "x"),
        ])
    }

    const FACTS: DeviceFacts<'_> = DeviceFacts {
        id: "IMEI:1",
        manufacturer: "M",
        model: "X",
        language: "en",
        device_type: "phone",
        oem: "",
        firmware: "1",
        software: "",
        hardware: "",
    };

    fn with_tree<T>(work: impl FnOnce(&mut Tree<'_, '_>) -> T) -> T {
        let (mut store, mut image) = (Ram::default(), [0; 2048]);
        let (mut inbox, mut accounts) = (Inbox, Accounts);
        let mut detail = DevDetail::new(&FACTS, UriLimits::OWN);
        let mut objects: [&mut dyn Object; 3] = [&mut inbox, &mut accounts, &mut detail];
        let mut tree = Tree::open(&mut image, &mut objects, &mut store, UriLimits::OWN).unwrap();
        work(&mut tree)
    }

    fn take(tree: &mut Tree<'_, '_>, bytes: &[u8], terms: (Origin, bool, bool)) -> Result<Processed, Code> {
        let mut work = [0; 8192];
        let document = Document::read(Coding::Wbxml, bytes, &mut work).unwrap();
        process(tree, &document, terms, &mut work)
    }

    fn address(tree: &mut Tree<'_, '_>, server: &str) -> Option<String> {
        let mut path = [0; 64];
        let root = Accounts::find(tree.nodes(), server, &mut path)?;
        Some(Accounts::read(tree.nodes(), root)?.addresses[0]?.address.to_string())
    }

    #[test]
    fn an_account_comes_by_inbox_or_by_leaves() {
        for bytes in [by_inbox("dms", "https://one.example/"), by_leaves("dms", "https://one.example/")] {
            with_tree(|tree| {
                assert_eq!(take(tree, &bytes, (Origin::Factory, true, false)), Ok(Processed::Applied));
                assert_eq!(address(tree, "dms").as_deref(), Some("https://one.example/"));
                assert!(!tree.is_dirty());
                let mut path = [0; 64];
                let root = Accounts::find(tree.nodes(), "dms", &mut path).unwrap();
                let acl = get(tree, &format!("{root}?prop=ACL")).unwrap().0;
                assert_eq!(acl, "Delete=dms&Get=dms&Replace=dms");
            });
        }
    }

    /// What each origin may do, first without and then with an account of the same server; see [`decide`].
    #[test]
    fn the_rules_of_re_bootstrap_hold() {
        use Processed::{Applied, Ask, Kept, Refused};
        for (origin, first, second) in [
            (Origin::Factory, Applied, Kept),
            (Origin::SmartCard, Applied, Applied),
            (Origin::Push(Method::UserPin), Ask, Ask),
            (Origin::Push(Method::NetworkId), Ask, Refused),
            (Origin::UnprovenPush, Refused, Refused),
            (Origin::Session(Owner::Same), Applied, Applied),
        ] {
            with_tree(|tree| {
                let old = by_leaves("dms", "https://old.example/");
                assert_eq!(take(tree, &old, (origin, true, false)), Ok(first), "{origin:?}");
                if first == Ask {
                    assert_eq!(address(tree, "dms"), None);
                    assert_eq!(take(tree, &old, (origin, true, true)), Ok(Applied), "{origin:?}");
                    assert_eq!(take(tree, &old, (origin, false, true)), Ok(Refused), "{origin:?}");
                }
                let new = by_inbox("dms", "https://new.example/");
                assert_eq!(take(tree, &new, (origin, true, false)), Ok(second), "{origin:?}");
                let expected =
                    if second == Applied { "https://new.example/" } else { "https://old.example/" };
                let expected = (first != Refused).then_some(expected);
                assert_eq!(address(tree, "dms").as_deref(), expected, "{origin:?}");
                let other = by_inbox("other", "https://other.example/");
                assert_eq!(take(tree, &other, (Origin::SmartCard, true, false)), Ok(Applied));
                assert_eq!(address(tree, "dms").as_deref(), expected, "another server's account stays");
            });
        }
    }

    #[test]
    fn what_makes_no_account_changes_nothing() {
        with_tree(|tree| {
            let good = by_leaves("dms", "https://old.example/");
            take(tree, &good, (Origin::Factory, true, false)).unwrap();
            let nobody = message(&[("./DMAcc/new/AppID", None, "w7")]);
            let nowhere = message(&[("./DMAcc/new/ServerID", None, "dms")]);
            let wrong = message(&[
                ("./DMAcc/odd/AppID", None, "w7"),
                ("./DMAcc/odd/ServerID", None, "a b"),
                ("./DMAcc/odd/AppAddr/1/Addr", None, "https://new.example/"),
            ]);
            let odd = message(&[("./Inbox", Some(tnds::XML), "<MgmtTree><Node>")]);
            for bytes in [nobody, nowhere, wrong, odd] {
                let done = take(tree, &bytes, (Origin::SmartCard, true, false));
                assert!(matches!(done, Err(Code::INCOMPLETE | Code::BAD_REQUEST)), "{done:?}");
                assert_eq!(address(tree, "dms").as_deref(), Some("https://old.example/"));
            }
        });
    }

    /// Whoever may bring a new server must not get at those that are there by naming their nodes.
    #[test]
    fn no_document_reaches_into_the_account_of_another_server() {
        let into = format!(
            "<MgmtTree><VerDTD>1.2</VerDTD><Node><NodeName>new</NodeName><RTProperties><Type/></RTProperties>{}</Node></MgmtTree>",
            "<Node><NodeName>Name</NodeName><RTProperties><Type/></RTProperties><Value>x</Value></Node>"
        );
        with_tree(|tree| {
            let good = by_leaves("dms", "https://old.example/");
            take(tree, &good, (Origin::Factory, true, false)).unwrap();
            let account = ("./DMAcc/2/ServerID", None, "other");
            let documents = [
                by_leaves("other", "https://new.example/"),
                message(&[account, ("./DMAcc/new/AppAddr/1/Addr", None, "https://new.example/")]),
                message(&[account, ("./DMAcc", Some(tnds::XML), &into)]),
                message(&[account, ("./DMAcc/new", Some(tnds::XML), &into)]),
                message(&[account, (".", Some(tnds::XML), &into)]),
            ];
            for (number, bytes) in documents.iter().enumerate() {
                let done = take(tree, bytes, (Origin::SmartCard, true, false));
                assert_eq!(done, Err(Code::ALREADY_EXISTS), "document {number}");
                assert_eq!(address(tree, "dms").as_deref(), Some("https://old.example/"));
                assert_eq!(address(tree, "other"), None);
            }
        });
    }

    #[test]
    fn the_proof_is_over_the_document_as_it_came() {
        let bytes = by_inbox("dms", "https://one.example/");
        let keys = Keys { network_id: Some(b"244050123456789"), pin: Some(b"1234") };
        for method in [Method::NetworkId, Method::UserPin, Method::UserPinNetworkId] {
            let proof = Security::make(method, &bytes, &keys).unwrap();
            assert_eq!(proof.verify(&bytes, &keys), Ok(()));
            let changed = by_inbox("dms", "https://two.example/");
            assert!(proof.verify(&changed, &keys).is_err());
        }
    }

    /// Cut anywhere, and with octets changed: an error or an account, never more.
    #[test]
    fn a_broken_document_is_refused_or_harmless() {
        let whole = by_inbox("dms", "https://one.example/");
        let mut refused = 0;
        for seed in 0..600_usize {
            let mut bytes = whole.clone();
            let at = seed.wrapping_mul(7919) % bytes.len();
            match seed % 3 {
                0 => bytes.truncate(at),
                1 => bytes[at] ^= 1 << (seed / 3 % 8),
                _ => drop(bytes.remove(at)),
            }
            let mut work = [0; 8192];
            with_tree(|tree| {
                let applied = Document::read(Coding::Wbxml, &bytes, &mut work).ok().and_then(|document| {
                    process(tree, &document, (Origin::Factory, true, false), &mut work).ok()
                });
                refused += usize::from(applied != Some(Processed::Applied));
                assert!(!tree.is_dirty());
            });
        }
        assert!(refused > 200, "{refused}");
    }
}

//! The inbox (`oma-dm.md` section 11): servers, and bootstraps of the DM profile, put whole objects there without knowing where
//! the device keeps them.

use crate::dm::{Object, Rule};

/// The object. All of its behaviour is its rule's.
#[derive(Clone, Copy, Debug, Default)]
pub struct Inbox;

impl Inbox {
    /// The identifier of the object.
    pub const IDENTIFIER: &'static str = "urn:oma:mo:oma-dm-inbox:1.0";
}

impl Object for Inbox {
    fn rules(&self) -> &'static [Rule] {
        const RULES: &[Rule] = &[Rule::inbox("Inbox", Inbox::IDENTIFIER)];
        RULES
    }
}

#[cfg(test)]
mod tests {
    use super::super::Accounts;
    use super::super::tests::{Ram, text};
    use super::*;
    use crate::dm::{Caller, New, Tree, UriLimits, tnds};
    use crate::syncml::{Code, Verb};
    use crate::wap::Coding;
    use std::format;
    use std::string::String;

    /// An account as a document, with this name and identifier.
    fn account(name: &str, identifier: &str, server: &str) -> String {
        let leaf = |name: &str, value: &str| {
            format!(
                "<Node><NodeName>{name}</NodeName><RTProperties><Type><MIME>text/plain</MIME></Type></RTProperties><Value>{value}</Value></Node>"
            )
        };
        format!(
            "<MgmtTree><VerDTD>1.2</VerDTD><Node><NodeName>{name}</NodeName><RTProperties><Format><node/></Format><Type>\
             <DDFName>{identifier}</DDFName></Type></RTProperties>{}{}</Node></MgmtTree>",
            leaf("AppID", "w7"),
            leaf("ServerID", server)
        )
    }

    fn with_tree(work: impl FnOnce(&mut Tree<'_, '_>)) {
        let (mut store, mut image) = (Ram::default(), [0; 2048]);
        let (mut inbox, mut accounts) = (Inbox, Accounts);
        let mut objects: [&mut dyn Object; 2] = [&mut inbox, &mut accounts];
        let mut tree = Tree::open(&mut image, &mut objects, &mut store, UriLimits::OWN).unwrap();
        work(&mut tree);
    }

    fn put(tree: &mut Tree<'_, '_>, by: Caller<'_>, target: &str, document: &str) -> Result<(), Code> {
        tnds::read(tree, by, Verb::Add, target, Coding::Xml, document.as_bytes(), &mut [0; 512])
    }

    const SERVER: Caller<'_> = Caller::Server("dms");

    #[test]
    fn an_object_goes_where_its_identifier_belongs() {
        with_tree(|tree| {
            for (name, target, at) in [
                ("one", "./Inbox", "one"),
                ("", "./Inbox", "x1"),
                ("", "./Inbox", "x2"),
                ("", "./Inbox/two", "two"),
            ] {
                put(tree, SERVER, target, &account(name, Accounts::IDENTIFIER, at)).unwrap();
                assert_eq!(text(tree, &format!("./DMAcc/{at}/ServerID")), at);
            }
            assert_eq!(text(tree, "./DMAcc"), "one/x1/x2/two");
            let again = put(tree, SERVER, "./Inbox", &account("one", Accounts::IDENTIFIER, "three"));
            assert_eq!(again, Err(Code::ALREADY_EXISTS));
        });
    }

    #[test]
    fn nothing_of_it_can_be_read_and_unknown_objects_do_not_stay() {
        with_tree(|tree| {
            let unknown = account("one", "urn:oma:mo:oma-dm-dmacc:9.0", "s");
            assert_eq!(put(tree, SERVER, "./Inbox", &unknown), Err(Code::UNSUPPORTED_FORMAT));
            // A bootstrap passes over what it does not know.
            assert_eq!(put(tree, Caller::Device, "./Inbox", &unknown), Ok(()));
            for uri in ["./Inbox", "./Inbox/one", "./Inbox/one/ServerID", "./Inbox?list=Struct"] {
                assert_eq!(text(tree, uri), "405", "{uri}");
            }
            assert_eq!(text(tree, "./DMAcc"), "");
            assert_eq!(tree.add(SERVER, "./Inbox/leaf", &New::value(b"x")), Err(Code::NOT_ALLOWED));
            assert_eq!(tree.delete(SERVER, "./Inbox"), Err(Code::NOT_ALLOWED));
        });
    }

    #[test]
    fn the_rights_of_the_place_count_and_those_of_the_inbox() {
        with_tree(|tree| {
            let acl = |tree: &mut Tree<'_, '_>, uri, list: &str| {
                tree.replace(Caller::Device, uri, &New::value(list.as_bytes())).unwrap();
            };
            let document = account("one", Accounts::IDENTIFIER, "s");
            acl(tree, "./DMAcc?prop=ACL", "Add=other&Get=*");
            assert_eq!(put(tree, SERVER, "./Inbox", &document), Err(Code::PERMISSION_DENIED));
            acl(tree, "./DMAcc?prop=ACL", "Add=dms&Get=*");
            acl(tree, "./Inbox?prop=ACL", "Add=other");
            assert_eq!(put(tree, SERVER, "./Inbox", &document), Err(Code::PERMISSION_DENIED));
            acl(tree, "./Inbox?prop=ACL", "Add=*");
            assert_eq!(put(tree, SERVER, "./Inbox", &document), Ok(()));
        });
    }

    /// What is there already is not the document's: it needs the rights that single commands need.
    #[test]
    fn a_document_does_not_reach_into_what_was_there() {
        with_tree(|tree| {
            put(tree, SERVER, "./DMAcc", &account("one", Accounts::IDENTIFIER, "s")).unwrap();
            let again = put(tree, SERVER, "./DMAcc", &account("one", Accounts::IDENTIFIER, "thief"));
            assert_eq!(again, Err(Code::ALREADY_EXISTS));
            let acl = New::value(b"Get=*&Replace=owner");
            tree.replace(Caller::Device, "./DMAcc/one?prop=ACL", &acl).unwrap();
            let more = "<MgmtTree><Node><NodeName>one</NodeName><Node><NodeName>Name</NodeName><Value>n</Value></Node></Node>\
                        </MgmtTree>";
            assert_eq!(put(tree, SERVER, "./DMAcc", more), Err(Code::PERMISSION_DENIED));
            let list = more.replace(
                "<Node><NodeName>Name",
                "<RTProperties><ACL>Get=dms</ACL></RTProperties><Node><NodeName>Name",
            );
            assert_eq!(put(tree, SERVER, "./DMAcc", &list), Err(Code::PERMISSION_DENIED));
        });
    }
}

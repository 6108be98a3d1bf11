//! Objects, properties, rights, limits, lists.

use crate::desk::*;
use kedge_protocol::dm::UriLimits;

fn get(id: u32, uri: &str) -> String {
    command("Get", id, uri, "")
}

fn told(commands: &str) -> String {
    Desk::new().say(commands).end().talk().sent[1].clone()
}

#[test]
fn dm_19_devinfo_is_in_the_tree() {
    let sent = told(&(get(1, "./DevInfo") + &get(2, "./DevInfo/Man") + &replace(3, "./DevInfo/Man", "x")));
    assert!(sent.contains("item ./DevInfo node = \"DevId/Man/Mod/DmV/Lang\""));
    assert!(sent.contains("item ./DevInfo/Man = \"Maker & Sons\""));
    assert_eq!(codes(&sent), ["Get 200", "Get 200", "Replace 405"]);
}

#[test]
fn dm_20_properties_are_told_and_only_some_may_be_changed() {
    let add = command("Add", 1, "./Set/a/Name", "<Data>n</Data>");
    let gets: String = ["ACL", "Format", "Name", "Size", "Title", "TStamp", "Type", "VerNo"]
        .iter()
        .zip(10..)
        .map(|(name, id)| get(id, &format!("./Set/a/Name?prop={name}")))
        .collect();
    let sent = told(&(add.clone() + &replace(2, "./Set/a/Name?prop=Title", "My scene") + &gets));
    for (name, value) in [
        ("ACL", ""),
        ("Format", "chr"),
        ("Name", "Name"),
        ("Size", "1"),
        ("Title", "My scene"),
        ("TStamp", "20260102T030405Z"),
        ("Type", "text/plain"),
        ("VerNo", "1"),
    ] {
        assert!(sent.contains(&format!("item ./Set/a/Name?prop={name} = \"{value}\"\n")), "{name} {sent}");
    }
    let changes: String = ["Format", "Size", "TStamp", "Type", "VerNo"]
        .iter()
        .zip(20..)
        .map(|(name, id)| replace(id, &format!("./Set/a/Name?prop={name}"), "x"))
        .collect();
    let rest =
        get(30, "./Lamp?prop=Size") + &get(31, "./Lamp?prop=Colour") + &replace(32, "./Lamp?prop=Name", "L");
    let sent = told(&(add + &changes + &rest));
    let expected =
        ["Replace 405"; 5].into_iter().chain(["Get 405", "Get 406", "Replace 405"]).collect::<Vec<_>>();
    assert_eq!(codes(&sent)[1..], expected);
}

#[test]
fn dm_20_a_dynamic_node_is_renamed_with_what_is_below_it() {
    let commands = command("Add", 1, "./Set/a/Name", "<Data>n</Data>")
        + &command("Add", 2, "./Set/b", "<Meta><Format>node</Format></Meta>")
        + &replace(3, "./Set/a?prop=Name", "b")
        + &replace(4, "./Set/a?prop=Name", "x/y")
        + &replace(5, "./Set/a?prop=Name", "c")
        + &get(6, "./Set/c/Name")
        + &get(7, "./Set");
    let sent = told(&commands);
    assert_eq!(codes(&sent)[2..], ["Replace 418", "Replace 400", "Replace 200", "Get 200", "Get 200"]);
    assert!(sent.contains("item ./Set/c/Name = \"n\"") && sent.contains("item ./Set node = \"c/b\""));
}

#[test]
fn dm_21_lists_are_inherited_as_a_whole() {
    let desk = |acl: &'static str, commands: &str| {
        codes(&Desk::new().with(|desk| desk.acl = acl).say(commands).end().talk().sent[1])
    };
    let commands = get(1, "./Lamp/Colour")
        + &replace(2, "./Lamp/Colour", "red")
        + &command("Exec", 3, "./Lamp/Switch", "");
    assert_eq!(desk("Add=*&Get=*", &commands), ["Get 200", "Replace 425", "Exec 425"]);
    assert_eq!(desk("Add=*&Get=other&Replace=srv", &commands), ["Get 425", "Replace 200", "Exec 425"]);
    // A list of its own ends inheritance, for every command.
    let own =
        replace(1, "./Lamp?prop=ACL", "Get=*") + &get(2, "./Lamp/Colour") + &replace(3, "./Lamp/Colour", "x");
    assert_eq!(desk("Add=*&Get=*&Replace=*", &own), ["Replace 200", "Get 200", "Replace 425"]);
}

#[test]
fn dm_21_who_may_replace_the_parent_may_change_the_list() {
    let desk = |commands: &str| {
        codes(
            &Desk::new().with(|desk| desk.acl = "Add=*&Get=*&Replace=srv").say(commands).end().talk().sent[1],
        )
    };
    // Replace on the leaf alone is not enough for its list; on its parent it is.
    let commands = replace(1, "./Lamp/Colour?prop=ACL", "Replace=srv")
        + &replace(2, "./Lamp?prop=ACL", "Get=*")
        + &replace(3, "./Lamp/Colour?prop=ACL", "Replace=*")
        + &replace(4, "./Lamp/Colour", "red")
        + &replace(5, "./Lamp?prop=ACL", "")
        + &replace(6, "./Lamp/Colour?prop=ACL", "Copy=*")
        + &replace(7, ".?prop=ACL", "Get=*")
        + &replace(8, ".?prop=ACL", "Add=*&amp;Get=*");
    assert_eq!(
        desk(&commands),
        [
            "Replace 200",
            "Replace 200",
            "Replace 425",
            "Replace 200",
            "Replace 200",
            "Replace 400",
            "Replace 405",
            "Replace 200"
        ]
    );
}

#[test]
fn dm_21_who_adds_without_the_right_to_replace_gets_rights_on_the_new_node() {
    let node = "<Meta><Format>node</Format></Meta>";
    let commands = command("Add", 1, "./Set/a", node)
        + &get(2, "./Set/a?prop=ACL")
        + &command("Add", 3, "./Set/a/Name", "<Data>n</Data>")
        + &replace(4, "./Set/a/Name", "m")
        + &command("Delete", 5, "./Set/a", "");
    let talk = Desk::new().with(|desk| desk.acl = "Add=*&Get=*").say(&commands).end().talk();
    assert_eq!(codes(&talk.sent[1]), ["Add 200", "Get 200", "Add 200", "Replace 200", "Delete 200"]);
    assert!(talk.sent[1].contains("= \"Add=srv&Delete=srv&Get=srv&Replace=srv\""));
}

#[test]
fn dm_22_addresses_beyond_the_limits_are_414() {
    let limits = UriLimits { depth: 3, total: 20, segment: 8 };
    let commands = get(1, "./Lamp/Colour")
        + &get(2, "./a/b/c/d")
        + &get(3, "./longsegment")
        + &get(4, "./aaaaaaaa/bbbbbbbb/cccc");
    let talk = Desk::new().with(|desk| desk.limits = limits).say(&commands).end().talk();
    assert_eq!(codes(&talk.sent[1]), ["Get 200", "Get 414", "Get 414", "Get 414"]);
}

#[test]
fn dm_23_a_sub_tree_is_listed_with_and_without_data() {
    let sent = told(&get(1, "./Lamp?list=Struct"));
    let expected = "  Results 3 of 1.1\n    item ./Lamp node org.example.lamp:1.0\n  Results 4 of 1.1\n    item \
                    ./Lamp/Colour\n  Results 5 of 1.1\n    item ./Lamp/Count int\n";
    assert!(sent.contains(expected), "{sent}");
    let sent = told(&get(1, "./Lamp?list=StructData"));
    assert!(
        sent.contains("item ./Lamp/Count int = \"1\"\n")
            && sent.contains("item ./Lamp/Kelvin int = \"2700\"\n")
    );
    assert!(!sent.contains("Switch") && !sent.contains("Sink"), "what may not be read is not listed");
    assert_eq!(
        codes(&told(&(get(1, "./No?list=Struct") + &get(2, "./Lamp?list=Everything")))),
        ["Get 404", "Get 406"]
    );
}

#[test]
fn dm_24_a_sub_tree_is_told_and_taken_as_a_document() {
    let add = command("Add", 1, "./Set/a/Name", "<Data>n &amp; m</Data>");
    let sent = told(
        &(add.clone()
            + &get(2, "./Set/a?list=TNDS+Value")
            + &get(3, "./Set/a?list=TNDS+Value-ACL")
            + &get(4, "./Set/a?list=TNDS+Colour")),
    );
    assert_eq!(codes(&sent)[1..], ["Get 200", "Get 406", "Get 406"]);
    let document = "<MgmtTree xmlns=\\\"syncml:dmddf1.2\\\"><VerDTD>1.2</VerDTD><Node><NodeName>a</NodeName>\
                    <RTProperties><Type><DDFName>org.example.scene:1.0</DDFName></Type></RTProperties><Node>\
                    <NodeName>Fixed</NodeName><RTProperties><Type><MIME>text/plain</MIME></Type></RTProperties>\
                    <Value>always</Value></Node><Node><NodeName>Name</NodeName><RTProperties><Type><MIME>text/plain\
                    </MIME></Type></RTProperties><Value>n &amp; m</Value></Node></Node></MgmtTree>";
    assert!(sent.contains(&format!("xml application/vnd.syncml.dmtnds+xml = \"{document}\"")), "{sent}");
}

fn tnds(verb: &str, id: u32, target: &str, document: &str) -> String {
    let escaped = document.replace('&', "&amp;").replace('<', "&lt;");
    let meta = "<Meta><Format>xml</Format><Type>application/vnd.syncml.dmtnds+xml</Type></Meta>";
    command(verb, id, target, &format!("{meta}<Data>{escaped}</Data>"))
}

fn leaf(name: &str, format: &str, value: &str) -> String {
    format!(
        "<Node><NodeName>{name}</NodeName><RTProperties><Format><{format}/></Format><Type><MIME>text/plain</MIME></Type>\
         </RTProperties><Value>{value}</Value></Node>"
    )
}

fn scene(name: &str, inner: &str) -> String {
    format!(
        "<MgmtTree><VerDTD>1.2</VerDTD><Node><NodeName>{name}</NodeName><RTProperties><ACL>Get=*&amp;Replace=srv</ACL>\
         <Format><node/></Format><Type><DDFName>org.example.scene:1.0</DDFName></Type></RTProperties>{inner}</Node></MgmtTree>"
    )
}

#[test]
fn dm_24_add_creates_a_sub_tree_and_replace_makes_it_that_one() {
    let first = scene(
        "a",
        &(leaf("Name", "chr", "one") + &leaf("Data", "b64", "AP8=") + &leaf("Fixed", "chr", "set")),
    );
    let second = scene("a", &leaf("Name", "chr", "two"));
    let talk = Desk::new().say(&tnds("Add", 1, "./Set/a", &first)).end().talk();
    assert_eq!(codes(&talk.sent[1]), ["Add 200"]);
    assert_eq!(stored(&talk.memory, "Set/a/Name").unwrap(), b"one");
    assert_eq!(stored(&talk.memory, "Set/a/Data").unwrap(), [0, 0xFF]);
    assert_eq!(stored(&talk.memory, "Set/a/Fixed").unwrap(), b"set");
    let commands = tnds("Add", 1, "./Set/a", &first)
        + &tnds("Replace", 2, "./Set/a", &second)
        + &get(3, "./Set/a?prop=ACL");
    let talk = Desk::new().say(&commands).end().talk();
    assert_eq!(codes(&talk.sent[1]), ["Add 200", "Replace 200", "Get 200"]);
    assert!(talk.sent[1].contains("\"Get=*&Replace=srv\""));
    assert_eq!(stored(&talk.memory, "Set/a/Name").unwrap(), b"two");
    assert_eq!((stored(&talk.memory, "Set/a/Data"), stored(&talk.memory, "Set/a/Fixed")), (None, None));
}

#[test]
fn dm_24_a_sub_tree_fails_as_a_whole() {
    let bad = scene("a", &(leaf("Name", "chr", "one") + &leaf("Unheard", "chr", "x")));
    let before = replace(9, "./Lamp/Colour", "kept");
    let talk = Desk::new().say(&(before + &tnds("Add", 1, "./Set/a", &bad))).end().talk();
    assert_eq!(codes(&talk.sent[1]), ["Replace 200", "Add 405"]);
    assert_eq!(
        (stored(&talk.memory, "Set/a/Name"), stored(&talk.memory, "Lamp/Colour").unwrap()),
        (None, b"kept".to_vec())
    );
    let broken = tnds("Add", 1, "./Set/a", "<MgmtTree><Node>");
    assert_eq!(answered(&broken), ["Add 400"]);
}

#[test]
fn dm_24_elements_inside_data_and_nodes_elsewhere_are_taken_too() {
    let inner = leaf("Name", "chr", "inline");
    let document = scene("", &inner);
    let meta = "<Meta><Type>application/vnd.syncml.dmtnds+xml</Type></Meta>";
    let inline = command("Add", 1, "./Set/a", &format!("{meta}<Data>{document}</Data>"));
    let talk = Desk::new().say(&inline).end().talk();
    assert_eq!(codes(&talk.sent[1]), ["Add 200"]);
    assert_eq!(stored(&talk.memory, "Set/a/Name").unwrap(), b"inline");
    let placed = "<MgmtTree><VerDTD>1.2</VerDTD><Node><NodeName>b</NodeName><RTProperties><Format><node/></Format><Type>\
                  <DDFName/></Type></RTProperties></Node><Node><NodeName>Name</NodeName><Path>b</Path><RTProperties><Type>\
                  <MIME>text/plain</MIME></Type></RTProperties><Value>placed</Value></Node></MgmtTree>";
    let talk = Desk::new().say(&tnds("Replace", 1, "./Set", placed)).end().talk();
    assert_eq!(codes(&talk.sent[1]), ["Replace 405"], "Set may not be replaced");
}

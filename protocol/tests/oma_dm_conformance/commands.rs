//! Add, Replace, Delete, Get, Copy, Exec, Sequence, Atomic.

use crate::desk::*;
use kedge_protocol::dm::session::End;

fn add(id: u32, target: &str, rest: &str) -> String {
    command("Add", id, target, rest)
}

const NODE: &str = "<Meta><Format>node</Format></Meta>";

#[test]
fn dm_07_add_creates_nodes_and_says_why_not() {
    let commands = add(1, "./Set/a", NODE)
        + &add(2, "./Set/a", NODE)
        + &add(3, "./Set/a/Name", "<Data>evening</Data>")
        + &add(4, "./Set/a/Unheard", "<Data>x</Data>")
        + &add(5, "./Lamp/Colour/below", "<Data>x</Data>")
        + &add(6, "./Nowhere/x", "<Data>x</Data>")
        + &add(7, "./Set/b/Name", "<Data>implicit parent</Data>")
        + &add(8, "./Set/c", "<Meta><Format>int</Format></Meta><Data>1</Data>")
        + &add(9, "./Lamp/Colour", "<Data>x</Data>")
        + &add(10, "./Set/a/Name/", "<Data>x</Data>");
    let talk = Desk::new().say(&commands).end().talk();
    let expected = ["200", "418", "200", "405", "405", "404", "200", "415", "418", "400"];
    assert_eq!(codes(&talk.sent[1]), expected.map(|code| format!("Add {code}")));
    assert_eq!(stored(&talk.memory, "Set/a/Name").unwrap(), b"evening");
    assert_eq!(stored(&talk.memory, "Set/b/Name").unwrap(), b"implicit parent");
}

#[test]
fn dm_07_replace_overwrites_and_never_creates() {
    let commands = replace(1, "./Lamp/Colour", "red")
        + &replace(2, "./Set/a", "x")
        + &replace(3, "./Lamp", "x")
        + &replace(4, "./Lamp/Kelvin", "5000")
        + &replace(5, "./Lamp/Count", "many")
        + &replace(6, "./Lamp/Colour", &"x".repeat(41))
        + &replace(7, "./Lamp/Colour", "forbidden")
        + &command("Replace", 8, "./Lamp/Count", "<Meta><Format>bool</Format></Meta><Data>true</Data>")
        + &command("Replace", 9, "./Lamp/Count", "<Meta><Format>colour</Format></Meta><Data>1</Data>")
        + &replace(10, "./Lamp/Count", "-7");
    let talk = Desk::new().say(&commands).end().talk();
    let expected = ["200", "404", "405", "405", "400", "413", "403", "415", "415", "200"];
    assert_eq!(codes(&talk.sent[1]), expected.map(|code| format!("Replace {code}")));
    assert_eq!(stored(&talk.memory, "Lamp/Colour").unwrap(), b"red");
    assert_eq!(stored(&talk.memory, "Lamp/Count").unwrap(), b"-7");
}

#[test]
fn dm_07_delete_takes_a_sub_tree_but_nothing_permanent() {
    let commands = add(1, "./Set/a/Name", "<Data>x</Data>")
        + &command("Delete", 2, "./Set/a", "")
        + &command("Delete", 3, "./Set/a/Name", "")
        + &command("Delete", 4, ".", "")
        + &command("Delete", 5, "./Lamp", "")
        + &command("Delete", 6, "./Nothing", "");
    assert_eq!(
        answered(&commands)[1..],
        ["Delete 200", "Delete 404", "Delete 405", "Delete 405", "Delete 404"]
    );
}

#[test]
fn dm_07_get_tells_leaves_children_and_octets() {
    let blob = "<Meta><Format>b64</Format></Meta><Data>AP8Q</Data>";
    let commands = command("Replace", 1, "./Lamp/Blob", blob)
        + &command("Get", 2, "./Lamp/Blob", "")
        + &command("Get", 3, "./Set", "")
        + &command("Get", 4, ".", "")
        + &command("Get", 5, "./Lamp/Switch", "")
        + &command("Get", 6, "./Lamp/Nothing", "");
    let talk = Desk::new().say(&commands).end().talk();
    assert_eq!(codes(&talk.sent[1])[1..], ["Get 200", "Get 200", "Get 200", "Get 405", "Get 404"]);
    assert!(talk.sent[1].contains("item ./Lamp/Blob b64 application/octet-stream = \"AP8Q\"\n"));
    assert!(talk.sent[1].contains("item ./Set node = \"\"\n"));
    assert!(talk.sent[1].contains("item . node = \"DevInfo/Lamp/Set\"\n"));
    assert_eq!(stored(&talk.memory, "Lamp/Blob").unwrap(), [0, 0xFF, 0x10]);
}

#[test]
fn dm_07_a_sequence_runs_in_order_and_has_a_status_of_its_own() {
    let inner = replace(2, "./Lamp/Colour", "red") + &command("Get", 3, "./Lamp/Colour", "");
    let talk = Desk::new().say(&format!("<Sequence><CmdID>1</CmdID>{inner}</Sequence>")).end().talk();
    assert_eq!(codes(&talk.sent[1]), ["Sequence 200", "Replace 200", "Get 200"]);
    assert!(talk.sent[1].contains("item ./Lamp/Colour = \"red\""));
    let nested = format!("<Sequence><CmdID>1</CmdID><Sequence><CmdID>2</CmdID>{inner}</Sequence></Sequence>");
    assert_eq!(answered(&nested), ["Sequence 200", "Sequence 400", "Replace 215", "Get 215"]);
}

fn atomic(inner: &str) -> String {
    format!("<Atomic><CmdID>1</CmdID>{inner}</Atomic>")
}

#[test]
fn dm_08_an_atomic_does_all_of_it() {
    let inner = replace(2, "./Lamp/Colour", "red") + &add(3, "./Set/a/Name", "<Data>n</Data>");
    let talk = Desk::new().say(&atomic(&inner)).end().talk();
    assert_eq!(codes(&talk.sent[1]), ["Atomic 200", "Replace 200", "Add 200"]);
    assert_eq!(stored(&talk.memory, "Lamp/Colour").unwrap(), b"red");
}

#[test]
fn dm_08_an_atomic_that_fails_does_none_of_it() {
    let before = replace(9, "./Lamp/Colour", "before");
    let inner = replace(2, "./Lamp/Colour", "red")
        + &command("Replace", 3, "./Lamp/Sink", "<Data>staged</Data>")
        + &replace(4, "./No/Such", "x")
        + &replace(5, "./Lamp/Count", "3");
    let after = replace(10, "./Lamp/Count", "4");
    let talk = Desk::new().say(&(before + &atomic(&inner) + &after)).end().talk();
    assert_eq!(
        codes(&talk.sent[1]),
        [
            "Replace 200",
            "Atomic 507",
            "Replace 216",
            "Replace 216",
            "Replace 404",
            "Replace 215",
            "Replace 200"
        ]
    );
    assert_eq!(stored(&talk.memory, "Lamp/Colour").unwrap(), b"before");
    assert_eq!(stored(&talk.memory, "Lamp/Count").unwrap(), b"4");
    assert_eq!(talk.lamp.sunk, b"");
}

#[test]
fn dm_08_what_an_atomic_cannot_hold_makes_it_fail() {
    for (inner, cmd) in [
        (command("Get", 3, "./Lamp/Colour", ""), "Get"),
        (command("Exec", 3, "./Lamp/Switch", ""), "Exec"),
        (format!("<Atomic><CmdID>3</CmdID>{}</Atomic>", replace(4, "./Lamp/Colour", "x")), "Atomic"),
    ] {
        let talk = Desk::new().say(&atomic(&(replace(2, "./Lamp/Colour", "red") + &inner))).end().talk();
        let codes = codes(&talk.sent[1]);
        assert_eq!(
            codes[..3],
            ["Atomic 507".to_string(), "Replace 216".into(), format!("{cmd} 500")],
            "{cmd}"
        );
        assert_eq!((stored(&talk.memory, "Lamp/Colour"), talk.lamp.runs.len()), (None, 0));
    }
}

#[test]
fn dm_08_a_commit_that_fails_undoes_the_atomic() {
    let talk = Desk::new()
        .with(|desk| desk.memory.failing = Some(2))
        .say(&atomic(&replace(2, "./Lamp/Colour", "red")))
        .end()
        .talk();
    assert_eq!(codes(&talk.sent[1]), ["Atomic 507", "Replace 216"]);
    assert_eq!(stored(&talk.memory, "Lamp/Colour"), None);
}

#[test]
fn dm_08_an_atomic_in_a_sequence_is_one_step_of_it() {
    let inner = atomic(&(replace(2, "./Lamp/Colour", "red") + &replace(3, "./No", "x")));
    let commands = format!("<Sequence><CmdID>7</CmdID>{inner}{}</Sequence>", replace(8, "./Lamp/Count", "2"));
    assert_eq!(
        answered(&commands),
        ["Sequence 200", "Atomic 507", "Replace 216", "Replace 404", "Replace 200"]
    );
}

#[test]
fn dm_09_copy_overwrites_a_leaf() {
    let copy = |id: u32, from: &str, to: &str| {
        let source = format!("<Source><LocURI>{from}</LocURI></Source>");
        command("Copy", id, to, &source)
    };
    let commands = replace(1, "./Lamp/Colour", "red")
        + &add(2, "./Set/a/Name", "<Data>n</Data>")
        + &copy(3, "./Lamp/Colour", "./Set/a/Name")
        + &copy(4, "./Lamp/Kelvin", "./Lamp/Count")
        + &copy(5, "./Lamp/Colour", "./Lamp/Nothing")
        + &copy(6, "./Lamp/Nothing", "./Lamp/Colour")
        + &copy(7, "./Lamp/Colour", "./Lamp/Count")
        + &command("Copy", 8, "./Lamp/Colour", "");
    let talk = Desk::new().say(&commands).end().talk();
    assert_eq!(
        codes(&talk.sent[1])[2..],
        ["Copy 200", "Copy 405", "Copy 404", "Copy 404", "Copy 415", "Copy 412"]
    );
    assert_eq!(stored(&talk.memory, "Set/a/Name").unwrap(), b"red");
}

#[test]
fn dm_09_exec_runs_once_with_argument_and_correlator() {
    let exec = |id: u32, rest: &str, item: &str| {
        let target = "<Target><LocURI>./Lamp/Switch</LocURI></Target>";
        format!("<Exec><CmdID>{id}</CmdID>{rest}<Item>{target}{item}</Item></Exec>")
    };
    let twice = exec(3, "", "")
        .replace("</Exec>", "<Item><Target><LocURI>./Lamp/Switch</LocURI></Target></Item></Exec>");
    let commands = exec(1, "<Correlator>c7</Correlator>", "<Data>on</Data>")
        + &exec(2, "", "<Meta><Format>b64</Format></Meta><Data>b2Zm</Data>")
        + &twice
        + &command("Exec", 4, "./Lamp/Colour", "")
        + "<Exec><CmdID>5</CmdID></Exec>";
    let talk = Desk::new().say(&commands).end().talk();
    assert_eq!(
        codes(&talk.sent[1]),
        ["Exec 202", "Exec 200", "Exec 200", "Exec 412", "Exec 405", "Exec 412"]
    );
    assert_eq!(
        talk.lamp.runs,
        ["Lamp/Switch on Some(\"c7\") srv", "Lamp/Switch off None srv", "Lamp/Switch  None srv"]
    );
}

/// Everything that was told as done is on flash before it is told.
#[test]
fn what_was_answered_is_stored_and_what_failed_to_store_is_not_answered() {
    let talk = Desk::new().say(&replace(4, "./Lamp/Colour", "red")).step(Step::Http(500)).talk();
    assert_eq!(stored(&talk.memory, "Lamp/Colour").unwrap(), b"red");
    let talk = Desk::new()
        .with(|desk| desk.memory.failing = Some(2))
        .say(&replace(4, "./Lamp/Colour", "red"))
        .talk();
    assert_eq!((talk.sent.len(), stored(&talk.memory, "Lamp/Colour")), (1, None));
    assert!(matches!(talk.outcome.end, End::Storage(_)));
}

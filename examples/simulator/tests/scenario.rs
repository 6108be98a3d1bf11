//! Scenario files: those of the project, and what is said of wrong ones.

mod sample;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use kedge::command::Exit;
use kedge::scenario::file::Written;
use kedge::scenario::{FILES, FLOWS, scripts};
use sample::kedge;

fn files(folder: &Path, found: &mut BTreeSet<PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files(&path, found);
        } else {
            found.insert(path);
        }
    }
}

#[test]
fn every_file_is_read_is_played_and_bears_its_name() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("scenarios");
    for (name, text) in &FILES {
        let written = Written::read(text).unwrap_or_else(|wrong| panic!("{name}.toml:{wrong}"));
        assert_eq!(written.name, *name);
        assert!(text.lines().count() <= 40, "{name}: more than a page");
        assert!(scripts().iter().any(|script| script.name == *name), "{name} is not played");
    }
    let mut there = BTreeSet::new();
    files(&folder, &mut there);
    let named = FILES.iter().map(|(name, _)| folder.join(format!("{name}.toml"))).collect();
    assert_eq!(there, named, "files that are there, and files that are played");
}

#[test]
fn names_are_those_of_the_call_flows_and_none_is_there_twice() {
    let names: BTreeSet<_> = scripts().iter().map(|script| script.name).collect();
    assert_eq!(names.len(), scripts().len());
    let stray = scripts().iter().find(|script| !FLOWS.contains(&script.flow()));
    assert!(stray.is_none(), "{stray:?}");
}

const GOOD: &str =
    "name = \"one-button\"\ntitle = \"x\"\n[given]\npress = \"activate\"\n[expect]\nend = \"activated\"\n";

/// Each line of a good file, changed: the error names that line.
#[test]
fn what_is_wrong_is_told_with_its_line() {
    assert!(Written::read(GOOD).is_ok());
    let cases = [
        ("name = \"one-button\"", "name = \"no-button\"", "no call flow"),
        ("name = \"one-button\"", "name = 7", "invalid type"),
        ("name = \"one-button\"", "nam = \"one-button\"", "unknown field"),
        ("[given]", "[give]", "unknown field"),
        ("press = \"activate\"", "press = \"actuate\"", "means nothing here"),
        ("press = \"activate\"", "press = \"dial 911\"", "means nothing here"),
        ("press = \"activate\"", "press = \"activate\"\nspc = \"12345x\"", "means nothing here"),
        ("[expect]", "hardware = \"meid A1\"\n[expect]", "means nothing here"),
        ("[expect]", "[network]\npackage = \"half\"\n[expect]", "means nothing here"),
        (
            "[expect]",
            "[faults]\nlink = [\n  \"0 reply-lost\",\n  \"one reply-lost\",\n]\n[expect]",
            "means nothing",
        ),
        ("end = \"activated\"", "end = \"happily\"", "unknown variant"),
        ("end = \"activated\"", "", "nothing is expected"),
    ];
    for (from, to, why) in cases {
        let wrong = Written::read(&GOOD.replace(from, to)).expect_err(to);
        assert!(wrong.what.contains(why), "{to}: {wrong}");
        let first = GOOD[..GOOD.find(from).unwrap()].lines().count() + 1;
        let last = first + to.lines().count().max(1);
        assert!((first..=last).contains(&wrong.line), "{to}: {wrong}, changed from line {first} on");
    }
}

#[test]
fn a_file_is_checked_by_its_path() {
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join("own.toml");
    std::fs::write(&path, GOOD).unwrap();
    let name = path.to_str().unwrap();
    let answer = kedge(&["scenario", "check", name]);
    assert_eq!((answer.exit, answer.err.as_str()), (Exit::Passed, ""));
    assert_eq!(answer.out, format!("{name}: one-button: x\n"));

    std::fs::write(&path, GOOD.replace("activate\"", "actuate\"")).unwrap();
    let answer = kedge(&["scenario", "check", name]);
    assert_eq!((answer.exit, answer.out.as_str()), (Exit::Failed, ""));
    assert_eq!(answer.err, format!("{name}:4: \"actuate\" means nothing here\n"));

    let answer = kedge(&["scenario", "check", "no-such.toml"]);
    assert_eq!(answer.exit, Exit::Usage);
    assert!(answer.err.contains("no-such.toml"), "{}", answer.err);
}

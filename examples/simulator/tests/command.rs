//! The command line: what it accepts, what it answers, with which exit code.

mod sample;

use kedge::command::Exit;
use sample::kedge;

fn scratch(name: &str) -> std::path::PathBuf {
    std::path::Path::new(env!("CARGO_TARGET_TMPDIR")).join(name)
}

#[test]
fn without_arguments_the_default_flows_are_played() {
    let answer = kedge(&[]);
    assert_eq!((answer.exit, answer.err.as_str()), (Exit::Passed, ""));
    assert!(answer.out.contains("one-button passed"));
    assert!(answer.out.ends_with("1 of 1 flows passed\n"), "{}", answer.out);
}

#[test]
fn a_failed_flow_fails_the_run() {
    let answer = kedge(&["simulate", "one-button", "fota-client"]);
    assert_eq!(answer.exit, Exit::Failed);
    assert!(answer.out.ends_with("1 of 2 flows passed\n"), "{}", answer.out);
}

#[test]
fn what_cannot_be_played_is_told_apart_from_what_failed() {
    let answer = kedge(&["simulate", "all"]);
    assert_eq!(answer.exit, Exit::Usage);
    assert_eq!(answer.err, "kedge: unplayable cannot be played: there is no radio\n");
    assert!(answer.out.contains("not played"), "{}", answer.out);
}

#[test]
fn list_names_everything_and_plays_nothing() {
    let answer = kedge(&["simulate", "--list"]);
    assert_eq!(answer.exit, Exit::Passed);
    sample::golden("list.txt", &answer.out);
}

#[test]
fn json_is_the_only_thing_on_the_output() {
    let answer = kedge(&["simulate", "one-button", "--json"]);
    assert_eq!(answer.exit, Exit::Passed);
    let lines =
        answer.out.lines().map(serde_json::from_str::<::kedge::feed::Feed>).collect::<Result<Vec<_>, _>>();
    assert_eq!(lines.unwrap(), sample::activation());
}

#[test]
fn files_are_written_where_asked() {
    let (junit, report) = (scratch("run.xml"), scratch("run.html"));
    let answer = kedge(&[
        "simulate",
        "fota-client",
        "--junit",
        junit.to_str().unwrap(),
        "--report",
        report.to_str().unwrap(),
    ]);
    assert_eq!(answer.exit, Exit::Failed, "written for a failed run too: {}", answer.err);
    assert!(
        std::fs::read_to_string(junit).unwrap().contains("<failure message=\"the new image does not start\"")
    );
    assert!(std::fs::read_to_string(report).unwrap().starts_with("<!DOCTYPE html>"));
}

#[test]
fn wrong_use_is_named() {
    let directory = env!("CARGO_TARGET_TMPDIR");
    let cases: [(&[&str], &str); 9] = [
        (&["simulate", "two-button"], "there is no flow \"two-button\""),
        (&["simulate", "--seed", "x"], "invalid digit"),
        (&["simulate", "--power-cut", "sometimes"], "expected `every`"),
        (&["simulate", "--old", "a"], "--new <FILE>"),
        (&["simulate", "--old", "no-such-file", "--new", "b"], "firmware image no-such-file"),
        (&["simulate", "--old", directory, "--new", directory], "not a file with content"),
        (&["simulate", "--report", "no-such-directory/x.html"], "no-such-directory/x.html cannot be written"),
        (&["inspect", "is683", "05"], "needs --forward"),
        (&["inspect", "gif", "05"], "invalid value 'gif'"),
    ];
    for (arguments, expected) in cases {
        let answer = kedge(arguments);
        assert_eq!((answer.exit, answer.out.as_str()), (Exit::Usage, ""), "{arguments:?}");
        assert!(answer.err.contains(expected), "{arguments:?}: {}", answer.err);
    }
}

#[test]
fn packages_are_made_and_can_be_looked_into() {
    let (old, new, package) = (scratch("old.img"), scratch("new.img"), scratch("update.kdg"));
    let image: Vec<u8> = (0..3000_u32).flat_map(|number| (number * number).to_le_bytes()).collect();
    std::fs::write(&old, &image).unwrap();
    let mut changed = image.clone();
    changed.splice(500..500, *b"some new text");
    std::fs::write(&new, &changed).unwrap();
    let path = |path: &std::path::PathBuf| path.to_str().unwrap().to_owned();
    let (old, new, package) = (path(&old), path(&new), path(&package));
    let made = kedge(&["package", "create", &old, &new, "-o", &package, "--to", "1.2.3"]);
    assert_eq!(made.exit, Exit::Passed, "{}", made.err);
    assert!(made.err.contains("test key"), "{}", made.err);
    assert!(std::fs::metadata(&package).unwrap().len() < 2000, "{}", made.out);

    let whole = kedge(&["inspect", "package", &package]);
    assert_eq!((whole.exit, whole.err.as_str()), (Exit::Passed, ""));
    assert!(whole.out.contains("\"1.2.3\"") && whole.out.contains("payload: Coded"), "{}", whole.out);

    let octets = std::fs::read(&package).unwrap();
    std::fs::write(&package, &octets[..octets.len() - 1]).unwrap();
    let broken = kedge(&["inspect", "package", &package]);
    assert_eq!(broken.exit, Exit::Failed);
    let end = format!("at octet {0} ({0:#x}) of {0}", octets.len() - 1);
    assert!(broken.err.contains(&end), "{}", broken.err);
}

#[test]
fn help_is_no_error_and_its_examples_are_understood() {
    let answer = kedge(&["--help"]);
    assert_eq!((answer.exit, answer.err.as_str()), (Exit::Passed, ""));
    let example = kedge(&["inspect", "is683", "--forward", "0101001123640ac068e36f00c4721dc04815ffff8000"]);
    assert!(answer.out.contains("inspect is683 --forward 0101001123640ac068e36f00c4721dc04815ffff8000"));
    assert_eq!(example.exit, Exit::Passed, "{}", example.err);
}

//! `kedge explain`: families, codes, numbers without a family, and what there is not.

mod sample;

use kedge::command::Exit;
use sample::kedge;

fn explain(arguments: &[&str]) -> (Exit, String, String) {
    let sample::Answer { exit, out, err } = kedge(&[&["explain"], arguments].concat());
    (exit, out, err)
}

#[test]
fn one_code() {
    for (arguments, meaning) in [
        (["fumo", "404"], "package validation failed"),
        (["is683", "0x02"], "data size mismatch"),
        (["update", "23"], "security counter too low"),
    ] {
        let (exit, out, err) = explain(&arguments);
        assert_eq!((exit, err.as_str()), (Exit::Passed, ""), "{arguments:?}");
        assert!(out.to_lowercase().contains(meaning), "{arguments:?}: {out}");
    }
}

/// Every family that is listed can be listed itself, and each of its codes explained.
#[test]
fn families_and_their_codes() {
    let (_, families, _) = explain(&[]);
    assert!(families.lines().count() >= 10, "{families}");
    for name in families.lines().filter_map(|line| line.split_whitespace().next()) {
        let (exit, codes, _) = explain(&[name]);
        assert_eq!(exit, Exit::Passed);
        assert!(codes.lines().count() > 3, "{name}: {codes}");
        for line in codes.lines().skip(1) {
            let (code, meaning) = line.trim().split_once("  ").unwrap();
            assert_eq!(explain(&[name, code]).1.trim_end(), meaning);
        }
    }
}

#[test]
fn a_number_alone_is_looked_for_everywhere() {
    let (exit, out, _) = explain(&["404"]);
    assert!(exit == Exit::Passed && out.contains("fumo") && out.contains("syncml"), "{out}");
}

#[test]
fn what_there_is_not() {
    assert_eq!(explain(&["fumo", "299"]).0, Exit::Failed);
    assert_eq!(explain(&["60000"]).0, Exit::Failed);
    assert_eq!(explain(&["70000"]).0, Exit::Usage);
    assert_eq!(explain(&["weather"]).0, Exit::Usage);
    assert_eq!(explain(&["weather", "1"]).0, Exit::Usage);
    assert_eq!(explain(&["fumo", "x"]).0, Exit::Usage);
}

/// The page for device makers is what the tables say now; `KEDGE_BLESS=1` writes it anew.
#[test]
fn the_page_of_all_codes_is_up_to_date() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../agent/CODES.md");
    let (exit, made, _) = explain(&["--all"]);
    assert_eq!(exit, Exit::Passed);
    if std::env::var_os("KEDGE_BLESS").is_some() {
        std::fs::write(path, &made).unwrap();
    }
    let committed = std::fs::read_to_string(path).unwrap_or_default();
    for (number, (committed, made)) in committed.lines().zip(made.lines()).enumerate() {
        assert_eq!(committed, made, "line {} of agent/CODES.md", number + 1);
    }
    assert_eq!(committed.len(), made.len(), "agent/CODES.md is made by kedge explain --all");
    assert_eq!(explain(&["--all", "fumo"]).0, Exit::Usage);
}

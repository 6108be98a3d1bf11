//! The tables of what is done and tested (`protocol/IS683.md`, `protocol/IOTA.md`): the files that they name are there, and so are the
//! tests.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

/// Where code and tests are, below the root.
const PLACES: [&str; 5] = ["protocol", "agent", "examples", "tests/src", "tests/tests"];

/// The names of all tests below `folder`: functions behind `#[test]`, and those of `proptest!`.
fn collect(folder: &Path, names: &mut BTreeSet<String>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            collect(&path, names);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            let text = fs::read_to_string(&path).unwrap();
            let lines: Vec<_> = text.lines().map(str::trim).collect();
            for pair in lines.windows(2) {
                if pair[0] == "#[test]"
                    && let Some(name) = pair[1].strip_prefix("fn ")
                {
                    names.insert(name.split('(').next().unwrap().to_owned());
                }
            }
        }
    }
}

/// What stands between backquotes.
fn quoted(text: &str) -> impl Iterator<Item = &str> {
    text.split('`').skip(1).step_by(2)
}

#[test]
fn every_named_file_and_test_is_there() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let mut tests = BTreeSet::new();
    for place in PLACES {
        collect(&root.join(place), &mut tests);
    }
    for table in ["IS683", "IOTA"] {
        let text = fs::read_to_string(root.join(format!("protocol/{table}.md"))).unwrap();
        let rows = text.lines().filter(|line| line.starts_with('|') && line.contains('`'));
        let (mut count, mut named) = (0, BTreeSet::new());
        for row in rows {
            let last = row.trim_end_matches('|').rsplit('|').next().unwrap();
            let test = quoted(last).next().unwrap_or_else(|| panic!("{table}: no test in {row}"));
            assert!(tests.contains(test), "{table}: there is no test {test}");
            named.insert(test);
            count += 1;
        }
        for name in quoted(&text) {
            let is_rust = Path::new(name).extension().is_some_and(|extension| extension == "rs");
            let (is_file, is_test) = (is_rust && name.contains('/'), name.contains('_'));
            assert!(!is_file || root.join(name).is_file(), "{table}: there is no file {name}");
            assert!(is_file || !is_test || tests.contains(name), "{table}: there is no test {name}");
        }
        assert!(count > 25 && named.len() > 15, "{table}: {count} rows, {} tests", named.len());
        kedge_tests::figure!("{table}: {count} rows, {} tests named, all of them there", named.len());
    }
}

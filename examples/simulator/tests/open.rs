//! `kedge open`: files by their type, by their first octets, broken, and of types that no device takes from a file.

mod sample;

use std::path::{Path, PathBuf};

use kedge::command::Exit;
use sample::kedge;

const DOCUMENT: &str = r#"<wap-provisioningdoc><characteristic type="NAPDEF"><parm name="NAPID" value="N1"/>
    <characteristic type="NAPAUTHINFO"><parm name="AUTHTYPE" value="PAP"/><parm name="AUTHSECRET" value="hush"/></characteristic>
    </characteristic></wap-provisioningdoc>"#;

/// A file of this test process with this content.
fn file(name: &str, content: &[u8]) -> PathBuf {
    let path = std::env::temp_dir().join(format!("kedge-open-{}-{name}", std::process::id()));
    std::fs::write(&path, content).unwrap();
    path
}

fn open(path: &Path, more: &[&str]) -> (Exit, String, String) {
    let path = path.to_string_lossy();
    let sample::Answer { exit, out, err } = kedge(&[&["open", path.as_ref()], more].concat());
    (exit, out, err)
}

#[test]
fn settings_are_shown_without_their_secrets() {
    let path = file("a.prov", DOCUMENT.as_bytes());
    for more in [&[][..], &["--type", "text/vnd.wap.connectivity-xml; charset=utf-8"]] {
        let (exit, out, err) = open(&path, more);
        assert_eq!((exit, err.as_str()), (Exit::Passed, ""));
        assert!(out.contains("from a file: ask") && out.contains("NAPID=\"N1\""), "{out}");
        assert!(out.contains("AUTHSECRET=***") && !out.contains("hush"), "{out}");
    }
    std::fs::remove_file(path).unwrap();
}

#[test]
fn what_cannot_be_taken_is_said_and_fails() {
    let path = file("b.prov", DOCUMENT.replace("NAPID", "NOID").as_bytes());
    let (exit, _, err) = open(&path, &[]);
    assert!(exit == Exit::Failed && err.contains("NAPDEF without NAPID at octet"), "{err}");
    let (exit, _, err) = open(&path, &["--type", "application/vnd.wap.slc"]);
    assert!(exit == Exit::Failed && err.contains("from a file: not taken from there"), "{err}");
    let (exit, _, err) = open(&path, &["--type", "text/plain"]);
    assert!(exit == Exit::Failed && err.contains("unknown media type"), "{err}");
    std::fs::remove_file(path).unwrap();
    let path = file("c", b"nothing known");
    assert_eq!(open(&path, &[]).0, Exit::Usage);
    assert_eq!(open(&path, &["--type", "nonsense"]).0, Exit::Usage);
    std::fs::remove_file(path).unwrap();
}

#[test]
fn packages_are_opened_by_their_first_octets() {
    let golden = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/data/packages/1-full-slot.kdgp");
    let (exit, out, err) = open(&golden, &[]);
    assert!(exit == Exit::Passed && !out.is_empty(), "{err}");
    let cut = file("cut.kdgp", &std::fs::read(&golden).unwrap()[..40]);
    assert_eq!(open(&cut, &[]).0, Exit::Failed);
    std::fs::remove_file(cut).unwrap();
}

/// What the desktop files promise is what the command takes.
#[test]
fn the_desktop_files_name_the_same_types() {
    let entry = include_str!("../desktop/kedge.desktop");
    let info = include_str!("../desktop/kedge.xml");
    let line = entry.lines().find_map(|line| line.strip_prefix("MimeType=")).unwrap();
    let types: Vec<_> = line.split_terminator(';').collect();
    assert_eq!(types.len(), info.matches("<mime-type ").count());
    for name in types {
        assert!(info.contains(&format!("<mime-type type=\"{name}\">")), "{name}");
        let path = file("empty", b"");
        let (exit, _, err) = open(&path, &["--type", name]);
        std::fs::remove_file(path).unwrap();
        assert!(exit == Exit::Failed && !err.contains("refuses"), "{name}: {err}");
    }
}

/// The desktop's own tool takes what `--register` writes, and knows the types afterwards.
#[test]
fn the_desktop_takes_the_types() {
    let folder = std::env::temp_dir().join(format!("kedge-register-{}", std::process::id()));
    let (exit, out, err) = open(&folder, &[]);
    assert_eq!(exit, Exit::Usage, "{out}{err}");
    let sample::Answer { exit, out, .. } = kedge(&["open", "--register", folder.to_str().unwrap()]);
    assert!(exit == Exit::Passed && out.contains("kedge.desktop"), "{out}");
    let mut update = std::process::Command::new("update-mime-database");
    let done = update.env("XDG_DATA_HOME", &folder).arg(folder.join("mime")).output();
    match done {
        Err(e) => println!("skipped: update-mime-database: {e}"),
        Ok(done) => {
            assert!(done.status.success() && done.stderr.is_empty(), "{done:?}");
            let types = std::fs::read_to_string(folder.join("mime/types")).unwrap();
            for name in ["application/vnd.kedge.package", "text/vnd.wap.connectivity-xml"] {
                assert!(types.lines().any(|line| line == name), "{types}");
            }
        }
    }
    std::fs::remove_dir_all(&folder).unwrap();
}

/// A multipart is taken apart; a part that no device takes from a file refuses the whole.
#[test]
fn parts_are_looked_up_one_by_one() {
    let document = "<wap-provisioningdoc/>";
    let part = |media_type: &str| format!("--b\r\nContent-Type: {media_type}\r\n\r\n{document}\r\n");
    let good = part("text/vnd.wap.connectivity-xml");
    let path = file("parts", format!("{good}{good}--b--").as_bytes());
    let mixed = "multipart/mixed; boundary=b";
    let (exit, out, err) = open(&path, &["--type", mixed]);
    assert!(exit == Exit::Passed && out.matches("from a file: ask").count() == 2, "{out}{err}");
    let page = part("text/html");
    std::fs::write(&path, format!("{good}{page}--b--")).unwrap();
    let (exit, _, err) = open(&path, &["--type", mixed]);
    assert!(exit == Exit::Failed && err.contains("refuses text/html"), "{err}");
    std::fs::remove_file(path).unwrap();
}

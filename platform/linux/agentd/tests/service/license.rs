//! A service that cares for a license: it says so, takes orders for it, and works on whatever becomes of it.

use std::fs::OpenOptions;
use std::io::Write as _;

use kedge_agentd::protocol::Doing;

use crate::field::Field;

/// A table for a server that cannot be reached.
fn license(field: &Field) -> String {
    let key = field.folder.join("license.key");
    std::fs::write(&key, [7; 32]).unwrap();
    format!(
        "[license]\nentry = \"https://nowhere.invalid/v1/entry\"\nvendor = \"example\"\nproduct = \"example-client\"\n\
         issuers = [{{ name = \"prov.example\", public = \"{}\" }}]\ndevice-key = \"{}\"\n",
        "0f".repeat(32),
        key.display()
    )
}

#[test]
fn a_license_is_cared_for_and_holds_up_nothing() {
    let mut field = Field::new("license", "ask");
    field.start();
    field.until("idle", |_, status| status.is_some_and(|status| status.doing == Doing::Idle));
    let refused = field.kedgectl(&["license", "request", "activate"]);
    assert_eq!(refused.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&refused.stderr).contains("[license]"), "{refused:?}");
    field.kill();

    let mut config = OpenOptions::new().append(true).open(field.folder.join("agentd.toml")).unwrap();
    config.write_all(license(&field).as_bytes()).unwrap();
    field.start();
    let denied = |status: &kedge_agentd::protocol::Status| {
        status.license.as_ref().is_some_and(|license| license.verdict.contains("unknown"))
    };
    field.until("a verdict", |_, status| status.is_some_and(denied));
    let shown = field.kedgectl(&["license"]);
    assert!(String::from_utf8_lossy(&shown.stdout).contains("verdict"), "{shown:?}");
    assert_eq!(field.kedgectl(&["license", "request", "my-account"]).status.code(), Some(0));
    let document = field.folder.join("document.prv");
    std::fs::write(&document, b"no document").unwrap();
    let document = document.to_str().unwrap();
    assert_eq!(field.kedgectl(&["license", "open", document]).status.code(), Some(0));
    assert_eq!(field.kedgectl(&["license", "open", "/nowhere"]).status.code(), Some(2));

    // the license's server cannot be reached: the device is activated all the same
    field.tell("activate");
    field.until("activated", |_, status| status.is_some_and(|status| status.activation.confirmed));
    field.kill();
    let journal = field.folder.join("license").join("journal");
    assert!(journal.metadata().unwrap().len() >= 32, "the starts were counted");
}

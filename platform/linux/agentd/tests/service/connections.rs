//! Settings that came as a file: the user is asked, and what he agrees to is with NetworkManager, also after a kill in between.

use std::fs::{self, OpenOptions, Permissions};
use std::io::Write as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use kedge_agentd::protocol::{Doing, Question, Status};
use kedge_network::client_provisioning::Settings;

use crate::field::Field;

/// Stands in for `nmcli`: counts its calls, and fails while the file `broken` is there.
const RELOAD: &str =
    "#!/bin/sh\ncd \"$(dirname \"$0\")\" || exit 1\n[ ! -e broken ] && echo \"$*\" >>reloads\n";

/// A service with the table `[connections]`, and the folder of the keyfiles.
fn field() -> (Field, PathBuf) {
    let field = Field::new("connections", "ask");
    let folder = field.folder.join("system-connections");
    fs::create_dir(&folder).unwrap();
    let reload = field.folder.join("reload");
    fs::write(&reload, RELOAD).unwrap();
    fs::set_permissions(&reload, Permissions::from_mode(0o755)).unwrap();
    let mut config = OpenOptions::new().append(true).open(field.folder.join("agentd.toml")).unwrap();
    let (keyfiles, reload) = (folder.display(), reload.display());
    writeln!(config, "[connections]\nfolder = \"{keyfiles}\"\nreload = [\"{reload}\", \"now\"]").unwrap();
    (field, folder)
}

/// The access points' names, as NetworkManager would read them.
fn names(folder: &Path) -> Vec<String> {
    let files = fs::read_dir(folder).unwrap().map(|file| fs::read_to_string(file.unwrap().path()).unwrap());
    let apn = |text: String| text.lines().find_map(|line| line.strip_prefix("apn=").map(str::to_owned));
    files.filter_map(apn).collect()
}

fn open(field: &Field, settings: &Settings) {
    let file = field.folder.join("settings.provbin");
    fs::write(&file, settings.document().unwrap()).unwrap();
    let output = field.kedgectl(&["open", file.to_str().unwrap()]);
    assert!(output.status.success(), "{output:?}");
}

fn asked(_: &Field, status: Option<&Status>) -> bool {
    status.is_some_and(|status| matches!(status.question, Some(Question::Network { .. })))
}

fn idle(_: &Field, status: Option<&Status>) -> bool {
    status.is_some_and(|status| status.doing == Doing::Idle)
}

#[test]
fn access_points_go_to_network_manager() {
    let (mut field, folder) = field();
    field.start();
    field.until("idle", idle);
    let unknown = field.kedgectl(&["open", "/nowhere.bin"]);
    assert_eq!(unknown.status.code(), Some(2), "{unknown:?}");
    // settings that are not sound: who opened them finds out why
    let unsound = field.folder.join("unsound.prov");
    fs::write(&unsound, "<wap-provisioningdoc><characteristic type='NAPDEF'/></wap-provisioningdoc>")
        .unwrap();
    assert!(field.kedgectl(&["open", unsound.to_str().unwrap()]).status.success());
    let file = |status: Option<&Status>| status.and_then(|status| status.file.clone()).unwrap_or_default();
    field.until("the refusal", |_, status| {
        file(status).starts_with("refused: NAPDEF without NAPID at octet ")
    });
    open(&field, &Settings::bootstrap().unwrap());
    field.until("a question", asked);
    assert!(names(&folder).is_empty(), "nothing changes before the user agrees");
    assert!(field.kedgectl(&["answer", "yes"]).status.success());
    field.until("the keyfile", |_, _| names(&folder) == ["internet.example"]);
    field.until("idle", idle);
    let reloads = field.read("reloads");
    assert!(reloads.lines().count() >= 2 && reloads.lines().all(|line| line == "now"), "{reloads:?}");

    // NetworkManager cannot be told: the file is there, and it is told at the next start
    fs::write(field.folder.join("broken"), "").unwrap();
    open(&field, &Settings::update().unwrap());
    field.until("a question", asked);
    assert!(field.kedgectl(&["answer", "yes"]).status.success());
    field.until("the new keyfile", |_, _| names(&folder) == ["fast.example"]);
    field.until("the complaint", |field, _| field.read("log").contains("connections: "));
    assert_eq!(field.read("reloads"), reloads);
    field.kill();

    // killed, and the file lost: each start makes them anew
    fs::remove_file(field.folder.join("broken")).unwrap();
    for file in fs::read_dir(&folder).unwrap() {
        fs::remove_file(file.unwrap().path()).unwrap();
    }
    field.start();
    field.until("the keyfile again", |_, _| names(&folder) == ["fast.example"]);
    field.until("NetworkManager is told", |field, _| field.read("reloads") != reloads);
    field.assert_lawful();
}

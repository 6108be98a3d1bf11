//! What the service is for: activation and a firmware update, as `kedgectl` asks for them.

use kedge_agentd::protocol::{Doing, Question};
use kedge_network::{AccountState, TransactionState};

use crate::field::{Field, NEW, OLD};

#[test]
fn one_button_activates_the_device() {
    let mut field = Field::new("one-button", "ask");
    field.start();
    field.tell("activate");
    field.until("activation", |_, status| {
        status.is_some_and(|s| s.activation.registered && s.doing == Doing::Idle)
    });
    field.attend();
    assert_eq!(field.account(), AccountState::Activated);
    let shown = String::from_utf8(field.kedgectl(&["status"]).stdout).unwrap();
    assert!(shown.contains("activation    committed, confirmed, registered\n"), "{shown}");
    field.assert_lawful();
}

#[test]
fn an_update_waits_for_the_user_and_is_installed_and_reported_once() {
    let mut field = Field::new("update", "ask");
    field.start();
    let early = field.until_refused("install");
    assert!(
        early.contains("no update waits for an answer") && early.contains("fix: kedgectl check-update"),
        "{early}"
    );
    field.tell("check-update");
    let wanted = Question::Install { version: NEW.to_owned() };
    field.until("question", |_, status| status.is_some_and(|s| s.question.as_ref() == Some(&wanted)));
    assert!(field.until_refused("check-update").contains("a question waits"));
    // later means later, and asking again brings it back
    field.tell("defer");
    field.until("deferral", |_, status| status.is_some_and(|s| s.doing == Doing::Idle));
    let waits = field.status().unwrap();
    assert_eq!((waits.update.as_str(), waits.version.as_str()), ("a package waits to be installed", OLD));
    assert!(waits.acts_in.is_some_and(|seconds| (14_000..=14_400).contains(&seconds)), "{waits:?}");
    field.tell("check-update");
    while field
        .status()
        .is_none_or(|status| status.version != NEW || status.reports > 0 || status.doing != Doing::Idle)
    {
        field.attend();
    }
    assert_eq!(field.reports(), (1, TransactionState::Reported(100)));
    assert_eq!(
        (field.read("cmdline").trim(), field.read("record").trim()),
        ("quiet kedge.slot=B", "settled")
    );
    field.assert_lawful();
    field.assert_bootable();
}

impl Field {
    /// What kedgectl says when it is refused.
    fn until_refused(&self, word: &str) -> String {
        self.until("listening", |_, status| status.is_some());
        let output = self.kedgectl(&[word]);
        assert_eq!(output.status.code(), Some(1));
        String::from_utf8(output.stderr).unwrap()
    }
}

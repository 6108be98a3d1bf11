//! Client provisioning: settings by short message, in each way they can be protected.

use kedge_network::client_provisioning::{PIN, Protected, Settings, messages, typed};
use kedge_platform::ui::{Answer, Pin};
use kedge_platform_sim::ui::PromptKind;
use kedge_protocol::wap::SecurityMethod;

use super::{Scenario, Setup, require};
use crate::world::Facts;

/// The flows `cp-bootstrap` and `cp-update`.
pub(super) const FLOWS: [Scenario; 10] = [
    Scenario {
        name: "cp-bootstrap",
        title: "settings come by push; the user types the PIN and agrees",
        set: |s| bootstrap(s, SecurityMethod::USERPIN),
        check: |f| {
            require(f.shown.iter().any(|s| s.kind == PromptKind::EnterPin), "no PIN was asked for")?;
            applied(f)
        },
    },
    Scenario {
        name: "cp-bootstrap/netwpin",
        title: "the subscriber's card proves the sender; the user agrees",
        set: |s| bootstrap(s, SecurityMethod::NETWPIN),
        check: |f| {
            require(!f.shown.iter().any(|s| s.kind == PromptKind::EnterPin), "a PIN was asked for")?;
            applied(f)
        },
    },
    Scenario {
        name: "cp-bootstrap/usernetwpin",
        title: "card and PIN together prove the sender",
        set: |s| bootstrap(s, SecurityMethod::USERNETWPIN),
        check: applied,
    },
    Scenario {
        name: "cp-bootstrap/userpinmac",
        title: "the PIN carries its own check digits, the push has no MAC",
        set: |s| bootstrap(s, SecurityMethod::USERPINMAC),
        check: applied,
    },
    Scenario {
        name: "cp-bootstrap/mistyped",
        title: "the user mistypes the PIN once",
        set: |s| {
            bootstrap(s, SecurityMethod::USERPIN);
            s.answers =
                Pin::new("4321").map(|pin| (PromptKind::EnterPin, Answer::Pin(pin))).into_iter().collect();
        },
        check: applied,
    },
    Scenario {
        name: "cp-bootstrap/wrong-pin",
        title: "the user types a wrong PIN three times, and the settings are dropped",
        set: |s| {
            bootstrap(s, SecurityMethod::USERPIN);
            s.pin = Some("4321".to_owned());
        },
        check: |f| {
            let tries = f.shown.iter().filter(|s| s.kind == PromptKind::EnterPin).count();
            require(tries >= 3, &format!("the PIN was asked for {tries} times"))?;
            dropped(f)
        },
    },
    Scenario {
        name: "cp-bootstrap/tampered",
        title: "the document was changed on its way: no PIN fits, and it is dropped",
        set: |s| send(s, &[(bootstrap_settings(), Protected::Tampered)]),
        check: dropped,
    },
    Scenario {
        name: "cp-bootstrap/unsigned",
        title: "settings without any protection are refused unseen",
        set: |s| send(s, &[(bootstrap_settings(), Protected::Not)]),
        check: |f| {
            require(f.settings.is_empty(), "settings were stored")?;
            require(f.shown.is_empty(), "the user was disturbed")
        },
    },
    Scenario {
        name: "cp-bootstrap/disorder",
        title: "the messages come in reverse, and each of them twice",
        set: |s| {
            bootstrap(s, SecurityMethod::USERPIN);
            for group in &mut s.messages {
                let copies = group.clone();
                group.extend(copies);
                group.reverse();
            }
        },
        check: applied,
    },
    Scenario {
        name: "cp-update",
        title: "a second document replaces the access point of the first, and nothing else",
        set: |s| {
            let pin = Protected::By(SecurityMethod::USERPIN);
            send(s, &[(bootstrap_settings(), pin), (Settings::update().unwrap_or_default(), pin)]);
        },
        check: |f| {
            let expected = bootstrap_settings().updated(&Settings::update().unwrap_or_default());
            has(f, expected)
        },
    },
];

pub(super) fn bootstrap_settings() -> Settings {
    Settings::bootstrap().unwrap_or_default()
}

fn bootstrap(setup: &mut Setup, method: SecurityMethod) {
    send(setup, &[(bootstrap_settings(), Protected::By(method))]);
    setup.pin = typed(&bootstrap_settings(), method).ok();
}

/// The documents arrive one after the other, the user has the PIN.
fn send(setup: &mut Setup, documents: &[(Settings, Protected)]) {
    let numbered = documents.iter().zip(1..);
    setup.messages = numbered
        .map(|((settings, protected), reference)| {
            messages(settings, *protected, reference).unwrap_or_default()
        })
        .collect();
    setup.pin = Some(PIN.to_owned());
}

pub(super) fn applied(f: &Facts) -> Result<(), String> {
    has(f, bootstrap_settings())
}

fn has(f: &Facts, Settings(mut expected): Settings) -> Result<(), String> {
    expected.sort();
    require(!expected.is_empty() && f.settings == expected, "the handset has other settings")?;
    require(f.shown.iter().any(|s| s.kind == PromptKind::SettingsApplied), "the user was not told")
}

fn dropped(f: &Facts) -> Result<(), String> {
    require(f.settings.is_empty(), "settings were stored")?;
    require(f.shown.iter().any(|s| s.kind == PromptKind::SettingsRefused), "the user was not told")
}

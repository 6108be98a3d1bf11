//! Client provisioning: settings by short message, in each way they can be protected.

use kedge_network::client_provisioning::{PIN, Protected, Settings, messages, typed};
use kedge_platform_sim::ui::PromptKind;
use kedge_protocol::wap::SecurityMethod;

use super::{Setup, require};
use crate::world::Facts;

/// A document that is sent: which settings, protected how.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Document {
    update: bool,
    protected: Protected,
}

impl Document {
    /// Reads `bootstrap METHOD` or `update METHOD`.
    pub(super) fn read(words: &str) -> Option<Self> {
        let (which, how) = words.split_once(' ')?;
        let update = match which {
            "bootstrap" => false,
            "update" => true,
            _ => return None,
        };
        let protected = match how {
            "none" => Protected::Not,
            "tampered" => Protected::Tampered,
            "netwpin" => Protected::By(SecurityMethod::NETWPIN),
            "userpin" => Protected::By(SecurityMethod::USERPIN),
            "usernetwpin" => Protected::By(SecurityMethod::USERNETWPIN),
            "userpinmac" => Protected::By(SecurityMethod::USERPINMAC),
            _ => return None,
        };
        Some(Self { update, protected })
    }

    fn settings(self) -> Settings {
        if self.update { Settings::update().unwrap_or_default() } else { bootstrap_settings() }
    }
}

/// The documents arrive one after the other; in `disorder` the messages of each come in reverse, and each of them twice. The
/// user has the PIN that fits the first.
pub(super) fn send(setup: &mut Setup, documents: &[Document], disorder: bool) {
    let numbered = documents.iter().zip(1..);
    setup.messages = numbered
        .map(|(document, reference)| {
            let group = messages(&document.settings(), document.protected, reference).unwrap_or_default();
            let copies = if disorder { group.clone() } else { Vec::new() };
            let group = group.into_iter().chain(copies);
            if disorder { group.rev().collect() } else { group.collect() }
        })
        .collect();
    let fitting = documents.first().and_then(|document| match document.protected {
        Protected::By(method) => typed(&document.settings(), method).ok(),
        _ => None,
    });
    setup.pin = Some(fitting.unwrap_or_else(|| PIN.to_owned()));
}

/// The settings of the first document are in use.
pub(super) fn applied(f: &Facts) -> Result<(), String> {
    has(f, bootstrap_settings())
}

/// So are those of the second, where it says something else.
pub(super) fn replaced(f: &Facts) -> Result<(), String> {
    has(f, bootstrap_settings().updated(&Settings::update().unwrap_or_default()))
}

/// Nothing was stored, and the user was told.
pub(super) fn dropped(f: &Facts) -> Result<(), String> {
    require(f.settings.is_empty(), "settings were stored")?;
    require(f.shown.iter().any(|s| s.kind == PromptKind::SettingsRefused), "the user was not told")
}

pub(super) fn bootstrap_settings() -> Settings {
    Settings::bootstrap().unwrap_or_default()
}

fn has(f: &Facts, Settings(mut expected): Settings) -> Result<(), String> {
    expected.sort();
    require(!expected.is_empty() && f.settings == expected, "the handset has other settings")?;
    require(f.shown.iter().any(|s| s.kind == PromptKind::SettingsApplied), "the user was not told")
}

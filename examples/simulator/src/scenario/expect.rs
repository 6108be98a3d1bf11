//! How a scenario must end, as its file says it.

use std::collections::BTreeMap;

use kedge_platform_sim::ui::PromptKind;
use serde::Deserialize;

use super::provisioning::{applied, dropped, replaced};
use super::{
    activated, already_activated, brew_url_set, list_updated, locked_out, no_update, refused, reported,
    require, unprogrammed, updated,
};
use crate::world::Facts;

/// What must hold at the end; what is not named is not looked at.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct Expect {
    /// The end as a whole.
    pub end: Option<End>,
    /// The operator did not send the roaming list again.
    pub list_not_sent: bool,
    /// The roaming list has more octets than this.
    pub list_over: Option<usize>,
    /// The handset holds this many packet data profiles and user zones, as they were sent.
    pub blocks: Option<usize>,
    /// Exchanges with the operator's servers.
    pub exchanges: Option<u64>,
    /// So many pushes were sent for what the network wants.
    pub pushes: Option<u32>,
    /// Whether the legacy bearer was used for it.
    pub legacy: Option<bool>,
    /// The least number of answers with a part of the package.
    pub ranges: Option<u32>,
    /// What was reported last of a download behind a descriptor.
    pub reported: Option<String>,
    /// The user was shown a text.
    pub text: Option<String>,
    /// How often the user was shown or asked what.
    pub shown: BTreeMap<String, usize>,
    /// The same, more often than this.
    pub shown_over: BTreeMap<String, usize>,
    /// No settings of client provisioning are stored.
    pub no_settings: bool,
    /// Nothing was shown.
    pub shown_nothing: bool,
}

/// The ends that scenarios have.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum End {
    /// Committed, registered and reported once.
    Activated,
    /// Told that it was activated before, and nothing stored.
    AlreadyActivated,
    /// The service programming lock stayed closed.
    LockedOut,
    /// Nothing stored.
    Unprogrammed,
    /// The list that the network wanted is in use; nobody was shown anything.
    ListUpdated,
    /// So is the BREW URL.
    BrewUrlSet,
    /// The new firmware runs, is confirmed, and was reported once.
    Updated,
    /// The settings that were sent are in use.
    SettingsApplied,
    /// Those of the second document have replaced those of the first.
    SettingsReplaced,
    /// They were dropped, and the user was told.
    SettingsDropped,
    /// The subscription is another phone's now: told so, and nothing changed.
    Replaced,
    /// A copy of another phone's storage, and not activated.
    NotActivated,
    /// Told that there is no update.
    NoUpdate,
    /// The package was refused before anything was erased.
    Refused,
}

impl Expect {
    /// The first name of a prompt that is none.
    pub fn stray(&self) -> Option<&str> {
        let names = self.shown.keys().chain(self.shown_over.keys());
        names.map(String::as_str).find(|name| prompt(name).is_none())
    }

    /// Whether anything is expected at all.
    pub fn is_something(&self) -> bool {
        *self != Self::default()
    }

    /// Whether it holds; the error says what does not.
    pub fn check(&self, f: &Facts) -> Result<(), String> {
        self.end.map_or(Ok(()), |end| end.check(f))?;
        require(!self.list_not_sent || f.account.prl_current, "the operator sent the roaming list again")?;
        let list = self.list_over.is_none_or(|least| f.prl.len() > least);
        require(list, &format!("the list has {} octets", f.prl.len()))?;
        let profile = &f.account.profile;
        let kept = |(id, data): &(u8, Vec<u8>)| f.blocks.iter().any(|(_, i, d)| (i, d) == (id, data));
        let whole = profile.packet_data.iter().chain(&profile.zones).all(kept);
        let blocks = self.blocks.is_none_or(|count| whole && f.blocks.len() == count);
        require(blocks, "the handset holds other blocks")?;
        equal(self.exchanges, f.exchanges, "exchanges")?;
        equal(self.pushes, f.errand.as_ref().map_or(0, |errand| errand.pages), "pushes")?;
        let legacy = f.errand.as_ref().is_some_and(|errand| errand.legacy);
        require(self.legacy.is_none_or(|wanted| wanted == legacy), "the other bearer was used")?;
        require(self.ranges.is_none_or(|least| f.partial >= least), "no range was asked for")?;
        self.reported.as_deref().map_or(Ok(()), |report| reported(f, report))?;
        let told = |text: &String| f.shown.iter().any(|shown| shown.texts.contains(text));
        require(self.text.as_ref().is_none_or(told), "the text was not shown")?;
        require(!self.shown_nothing || f.shown.is_empty(), &format!("the user was shown {:?}", f.shown))?;
        require(!self.no_settings || f.settings.is_empty(), "settings were stored")?;
        let count = |name: &String| {
            let kind = prompt(name).ok_or_else(|| format!("{name:?} is nothing that can be shown"))?;
            Ok::<_, String>(f.shown.iter().filter(|shown| shown.kind == kind).count())
        };
        self.shown.iter().try_for_each(|(name, wanted)| equal(Some(*wanted), count(name)?, name))?;
        self.shown_over.iter().try_for_each(|(name, least)| {
            let is = count(name)?;
            require(is > *least, &format!("{name}: {is}, not more than {least}"))
        })
    }
}

impl End {
    fn check(self, f: &Facts) -> Result<(), String> {
        match self {
            Self::Activated => activated(f),
            Self::AlreadyActivated => already_activated(f),
            Self::LockedOut => locked_out(f),
            Self::Unprogrammed => unprogrammed(f),
            Self::ListUpdated => list_updated(f),
            Self::BrewUrlSet => brew_url_set(f),
            Self::Updated => updated(f),
            Self::SettingsApplied => applied(f),
            Self::SettingsReplaced => replaced(f),
            Self::SettingsDropped => dropped(f),
            Self::Replaced => {
                let (moved, served) = (f.account.new_hardware.is_some(), f.account.activations > 0);
                require(moved && !served, "the old phone was served")?;
                require(f.shown.iter().any(|s| s.kind == PromptKind::Notice), "the user was not told")?;
                require(f.nam == f.account.nam_blocks() && f.registrations == 0, "its settings changed")
            }
            Self::NotActivated => {
                require(!f.activation.committed, "the copy counts as activated")?;
                require(f.registrations == 0, "the copy has registered")?;
                require(f.shown.iter().any(|s| s.kind == PromptKind::Notice), "the user was not told")
            }
            Self::NoUpdate => no_update(f),
            Self::Refused => refused(f),
        }
    }
}

fn equal<T: PartialEq + core::fmt::Display + Copy>(
    wanted: Option<T>,
    is: T,
    what: &str,
) -> Result<(), String> {
    match wanted {
        Some(wanted) if wanted != is => Err(format!("{what}: {is} instead of {wanted}")),
        _ => Ok(()),
    }
}

/// The prompt of that name.
pub(super) fn prompt(name: &str) -> Option<PromptKind> {
    Some(match name {
        "notice" => PromptKind::Notice,
        "confirm" => PromptKind::Confirm,
        "install-update" => PromptKind::InstallUpdate,
        "release-notes" => PromptKind::ReleaseNotes,
        "disclaimer" => PromptKind::Disclaimer,
        "no-update" => PromptKind::NoUpdate,
        "update-refused" => PromptKind::UpdateRefused,
        "activated" => PromptKind::Activated,
        "enter-pin" => PromptKind::EnterPin,
        "apply-settings" => PromptKind::ApplySettings,
        "settings-applied" => PromptKind::SettingsApplied,
        "settings-refused" => PromptKind::SettingsRefused,
        "failed" => PromptKind::Failed,
        _ => return None,
    })
}

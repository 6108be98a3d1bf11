//! Settings made permanent: a document's objects into the context of its source, in one commit with all that belongs to it.

use kedge_platform::crypto::Crypto;
use kedge_platform::flash::NorFlash;
use kedge_protocol::cp::model::{Application, Napdef};
use kedge_protocol::cp::{Coded, MAX_OBJECTS, MAX_VALUE, Object, Objects, check};
use kedge_update_agent::banklog::Change;

use super::Context;
use super::desk::Desk;
use super::enrol::feature_key;
use crate::error::AgentError;
use crate::event::{Committed, Event};
use crate::feature::Feature;
use crate::store::{Contexts, Enrolment, Key, Record as _, SETTINGS, Source, StoredSettings};

/// Most records that change beside the objects: the contexts, the mark for device management, and three of whatever the
/// document came with.
const BESIDE: usize = 5;

/// Changes of one commit.
type Changes<'c> = heapless::Vec<Change<'c>, { MAX_OBJECTS + BESIDE }>;

/// What a document comes from, and what changes with it.
pub(super) struct Commit<'c> {
    pub(super) source: Source,
    /// At most three.
    pub(super) beside: &'c [Change<'c>],
}

impl<const PRL: usize> Desk<'_, PRL> {
    /// Makes every object of a sound document permanent, with what changes beside them. `false`, and nothing changes: it is not
    /// sound any more, or there is no room for so many objects. The octets are made in `out`.
    pub(super) fn commit_objects<F: NorFlash, C: Crypto>(
        &mut self,
        context: &mut Context<'_, F, C>,
        document: &Coded<'_>,
        commit: &Commit<'_>,
        out: &mut [u8],
    ) -> Result<bool, AgentError<F::Error>> {
        let mut stored = StoredSettings::new(&self.store, context.flash, commit.source);
        let sound = match check(document, &mut stored, &mut self.answer) {
            Ok(_) => true,
            Err(fault) => {
                context.events.event(context.now, &Event::SettingsRefused(fault));
                false
            }
        };
        let mut contexts = stored.contexts;
        let mut record = [0; Contexts::MAX];
        let changes = if sound { changes(document, &mut stored, &mut contexts, out) } else { None };
        if let Some(error) = stored.error {
            return Err(error.into());
        }
        let Some(mut changes) = changes else { return Ok(false) };
        let record = contexts.to_octets(&mut record).ok_or(AgentError::Config("settings"))?;
        changes.push(Change::put(Key::Contexts as u8, record)).map_err(|_| AgentError::Misuse)?;
        // Accounts of management servers may be among them; device management takes those over.
        changes.push(Change::put(Key::NewAccounts as u8, &[])).map_err(|_| AgentError::Misuse)?;
        changes.extend_from_slice(commit.beside).map_err(|_| AgentError::Misuse)?;
        self.store.commit(context.flash, &changes)?;
        context.event(&Event::Committed(Committed::Settings));
        Ok(true)
    }

    /// Makes a feature permanent: its settings, if any came, and its NAI; the activation goes on with that. `false`: the settings
    /// are refused, and nothing changes.
    pub(super) fn commit_feature<F: NorFlash, C: Crypto>(
        &mut self,
        context: &mut Context<'_, F, C>,
        feature: Feature,
        settings: &Coded<'_>,
        out: &mut [u8],
    ) -> Result<bool, AgentError<F::Error>> {
        let nai = service_nai(settings, feature, &mut self.answer).unwrap_or_default();
        let mut record = [0; 16];
        let enrolment = Enrolment { feature: feature as u8, url: "", tries: 0 };
        let enrolment = enrolment.to_octets(&mut record).ok_or(AgentError::Misuse)?;
        let beside =
            [Change::put(feature_key(feature), nai.as_bytes()), Change::put(Key::Enrolment as u8, enrolment)];
        if settings.bytes.is_empty() {
            self.store.commit(context.flash, &beside)?;
            return Ok(true);
        }
        let commit = Commit { source: Source::Server, beside: &beside };
        self.commit_objects(context, settings, &commit, out)
    }
}

/// The changes that put every object of `document` into the store, in place of those with the same keys; `None` if there is
/// no room. The octets are made in `out`.
fn changes<'o, F: NorFlash>(
    document: &Coded<'_>,
    stored: &mut StoredSettings<'_, F>,
    contexts: &mut Contexts,
    out: &'o mut [u8],
) -> Option<Changes<'o>> {
    let mut changes = Changes::new();
    let mut free = out;
    let mut objects = Objects::new(document).ok()?;
    loop {
        // The kind stands before the items, which are made behind it.
        let (first, rest) = free.split_first_mut()?;
        let Some(object) = objects.next(rest).ok()? else { break };
        *first = object.kind().number();
        let key = object.key();
        // What has no key replaces nothing, but the same again is not kept twice.
        let twin = stored.find(|old| if key.is_some() { old.key() == key } else { *old == object });
        let taken = |slot: &u8| changes.iter().any(|change| change.key == *slot);
        let slot = match twin {
            Some(slot) => slot,
            None => SETTINGS.into_iter().find(|slot| !taken(slot) && !stored.has_record(*slot))?,
        };
        let len = object.buffer_len();
        let (value, rest) = free.split_at_mut_checked(len)?;
        changes.push(Change::put(slot, value)).ok()?;
        contexts.give(stored.source, slot);
        free = rest;
    }
    Some(changes)
}

/// The NAI that a document has for a feature: the login of the access point that the feature's application uses, else of the
/// first access point that has one.
fn service_nai(
    document: &Coded<'_>,
    feature: Feature,
    scratch: &mut [u8],
) -> Option<heapless::String<MAX_VALUE>> {
    let text = |text: &str| heapless::String::try_from(text).ok();
    let point = first(document, scratch, |object| {
        let application = Application::of(*object).filter(|own| feature.application() == Some(own.app_id()));
        application?.access_points().next().and_then(text)
    });
    first(document, scratch, |object| {
        let wanted = |nap: &Napdef<'_>| point.as_deref().is_none_or(|id: &str| id == nap.id());
        let nap = Napdef::of(*object).filter(wanted)?;
        nap.logins().find_map(|login| login.name).and_then(text)
    })
}

/// What the first object of a document that has it has.
fn first<T>(document: &Coded<'_>, scratch: &mut [u8], pick: impl Fn(&Object<'_>) -> Option<T>) -> Option<T> {
    let mut objects = Objects::new(document).ok()?;
    while let Ok(Some(object)) = objects.next(scratch) {
        if let Some(found) = pick(&object) {
            return Some(found);
        }
    }
    None
}

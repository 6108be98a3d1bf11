//! What happens inside the handset, in words.

use kedge_agent::event::{Committed, Event};
use kedge_platform::ui::{Answer, Prompt};
use kedge_protocol::dm::session::End;
use kedge_protocol::iota::EndReason;

use super::body::Phrase;
use super::story::Story;
use super::topic::{Shown, Topic};

/// What an event means that is no message; `None`: it is shown nowhere but in the log.
pub(super) fn phrase(story: &Story, event: &Event<'_>) -> Option<Phrase> {
    let topic = |topic| Some(Phrase::new(story, topic, None));
    let words = |text: String, topic| Some(Phrase { text, steps: story.steps(topic) });
    let plain = |text: String| Some(Phrase { text, steps: Vec::new() });
    match *event {
        Event::Committed(Committed::Is683) => topic(Topic::CommittedIs683),
        Event::Committed(Committed::Objects) => topic(Topic::CommittedObjects),
        Event::Committed(Committed::Settings) => {
            words("makes the settings permanent".into(), Topic::Settings)
        }
        Event::SettingsWaiting { objects } => {
            words(format!("keeps a provisioning document of {objects} objects"), Topic::Settings)
        }
        Event::SettingsRefused(fault) => {
            words(format!("refuses a provisioning document: {fault}"), Topic::Settings)
        }
        Event::SettingsProved(Ok(proof)) => {
            words(format!("knows who sent the document: {proof:?}"), Topic::Settings)
        }
        Event::SettingsProved(Err(why)) => {
            words(format!("does not know who sent the document: {why}"), Topic::Settings)
        }
        Event::FeatureResult { feature, code } => {
            Some(Phrase::new(story, Topic::FeatureResult, Some(&format!("{feature}: {code}"))))
        }
        Event::FeatureActive(feature) => Some(Phrase::new(story, Topic::FeatureActive, Some(feature.name()))),
        Event::PackageVerified { version, len } => {
            Some(Phrase::new(story, Topic::Verified, Some(&format!("{len} octets, to version {version}"))))
        }
        Event::PackageRefused(refusal) => {
            words(format!("refuses the package, nothing was erased: {refusal}"), Topic::Refused)
        }
        Event::DownloadRestarted => {
            words("the server does not resume: the download starts again".into(), Topic::PackageAsked)
        }
        Event::ReportQueued { state } => {
            Some(Phrase::new(story, Topic::ReportQueued, Some(&format!("state {state}"))))
        }
        Event::Reported { state } => {
            Some(Phrase::new(story, Topic::Reported, Some(&format!("state {state}"))))
        }
        Event::Notified { server, session } => {
            plain(format!("{server:?} proves itself and wants session {session:X}"))
        }
        Event::NotNotified(why) => plain(format!("ignores a notification: {why:?}")),
        Event::ManagementImpossible { server } => plain(format!("has no account for the server {server:?}")),
        Event::ManagementEnded(end) if end != End::Done => plain(format!("the session ended: {end:?}")),
        Event::Operation(state) => plain(format!("firmware update object: {state}")),
        Event::AlertQueued(result) => plain(format!("keeps the result for the server: {result}")),
        Event::AlertDelivered => plain("the server has been told".into()),
        Event::DataCall(Err(error)) => words(format!("no data call: {error:?}"), Topic::CallOpened),
        Event::Registered(Err(error)) => words(format!("cannot register: {error:?}"), Topic::Registered),
        Event::LinkDown(error) => words(format!("the exchange failed: {error:?}"), Topic::Status),
        Event::RetryIn(pause) => words(format!("tries again in {} s", pause.as_secs_f32()), Topic::Status),
        Event::GaveUp { reason, error } => {
            words(format!("gives up until it is asked again: {reason}, code {error}"), Topic::Status)
        }
        Event::SessionEnded { reason, error } if !reason.is_normal() => {
            words(format!("the session ended early: {reason}, code {error}"), Topic::Status)
        }
        _ => None,
    }
}

/// What the user is shown, and the text that comes from elsewhere.
pub(super) fn shown(prompt: Prompt<'_>) -> (Shown, Option<String>) {
    match prompt {
        Prompt::Notice(text) => (Shown::Notice, Some(text.into())),
        Prompt::Confirm(text) | Prompt::EnterText { text, .. } => (Shown::Confirm, Some(text.into())),
        Prompt::InstallUpdate { version } => (Shown::Install, Some(version.into())),
        Prompt::ReleaseNotes { description, .. } => (Shown::Notes, Some(description.into())),
        Prompt::Disclaimer => (Shown::Disclaimer, None),
        Prompt::NoUpdate => (Shown::NoUpdate, None),
        Prompt::UpdateRefused => (Shown::UpdateRefused, None),
        Prompt::Activated => (Shown::Activated, None),
        Prompt::EnterPin { summary, tries_left } => {
            (Shown::EnterPin, Some(format!("{summary} ({tries_left} tries left)")))
        }
        Prompt::ApplySettings { summary } => (Shown::ApplySettings, Some(summary.into())),
        Prompt::SettingsApplied => (Shown::SettingsApplied, None),
        Prompt::SettingsRefused => (Shown::SettingsRefused, None),
        Prompt::ActivateFeature { feature } => (Shown::ActivateFeature, Some(feature.into())),
        Prompt::FeatureActive { feature } => (Shown::FeatureActive, Some(feature.into())),
        Prompt::FeatureFailed { feature, code } => {
            (Shown::FeatureFailed, Some(format!("{feature} (code {code})")))
        }
        Prompt::Choose { text, choices, .. } => {
            let choices: Vec<_> = choices.iter().collect();
            (Shown::Confirm, Some(format!("{text}: {}", choices.join(", "))))
        }
        Prompt::Failed(code) => {
            let reason = u8::try_from(code).map_or(EndReason::UNKNOWN, EndReason);
            (Shown::Failed, Some(format!("{reason} ({code})")))
        }
        other => (Shown::Notice, Some(format!("{other:?}"))),
    }
}

/// What the user says.
pub(super) const fn answer(answer: Answer) -> &'static str {
    match answer {
        Answer::Yes => "yes",
        Answer::No => "no",
        Answer::Later => "later",
        Answer::Pin(_) => "a PIN",
        Answer::Text(_) => "a text",
        Answer::Chosen(_) => "a choice",
    }
}

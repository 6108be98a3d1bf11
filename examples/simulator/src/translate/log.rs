//! One line of log per event.

use kedge_agent::event::Event;

use super::happening::{answer, shown};
use crate::feed::Level;

/// How much an event matters, and its line.
///
/// `Warning` is only for what nothing else shows: live presenters repeat those lines.
pub(super) fn line(event: &Event<'_>) -> (Level, String) {
    match *event {
        Event::Request { method, url, body, .. } => {
            (Level::Debug, format!("{method} {url}, {} octets", body.len()))
        }
        Event::Reply { status, content_type, body, .. } => {
            (Level::Debug, format!("HTTP {status} {content_type}, {} octets", body.len()))
        }
        Event::Command { id, verb, object, code } => {
            (Level::Debug, format!("command {id} {verb} {object}: {code}"))
        }
        Event::Is683 { forward, reverse } => {
            let answer = reverse.map_or("none".into(), |octets| format!("{} octets", octets.len()));
            (Level::Debug, format!("IS-683 message of {} octets, answer: {answer}", forward.len()))
        }
        Event::ShortMessage { octets, contents: Ok(_), .. } => {
            (Level::Debug, format!("short message of {} octets", octets.len()))
        }
        Event::ShortMessage { octets, contents: Err(why), .. } => {
            (Level::Info, format!("short message of {} octets refused: {why}", octets.len()))
        }
        Event::Downloading { have, total } => (Level::Debug, format!("package: {have} of {total} octets")),
        Event::ContentRefused { media_type, origin, why } => {
            (Level::Warning, format!("content {media_type:?} from {origin:?} refused: {why:?}"))
        }
        Event::ContentMalformed { media_type, error } => {
            (Level::Warning, format!("content {media_type:?} is malformed: {error}"))
        }
        Event::Prompted(prompt) => {
            let (what, detail) = shown(prompt);
            (Level::Info, format!("prompt {what:?}: {}", detail.unwrap_or_default()))
        }
        Event::Answered(said) => (Level::Info, format!("the user says {}", answer(said))),
        Event::PackageRefused(refusal) => (Level::Info, format!("package refused: {refusal}")),
        Event::SessionEnded { reason, error } => {
            (Level::Info, format!("session ended: {reason}, code {error}"))
        }
        Event::GaveUp { reason, error } => (Level::Info, format!("gave up: {reason}, code {error}")),
        Event::RetryIn(pause) => (Level::Info, format!("retry in {} ms", pause.as_millis())),
        ref other => (Level::Info, format!("{other:?}")),
    }
}

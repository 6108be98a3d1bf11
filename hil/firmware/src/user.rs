//! The user, at the other end of the console.
//!
//! `ask KIND CODE TEXT ...` goes out, texts in hexadecimal and `-` for what there is none of; a line comes back: `answer yes`,
//! `answer no`, `answer later` or `pin DIGITS`.

use kedge_platform::ui::{Answer, Pin, Prompt, Ui};
use virt::say;
use virt::uart::{Hex, Uart};

/// Longest answer.
const LINE: usize = 64;

/// The user.
#[derive(Clone, Copy, Debug)]
pub struct User;

impl Ui for User {
    fn prompt(&mut self, prompt: Prompt<'_>) -> Answer {
        let (kind, code, texts) = parts(prompt);
        let [first, second] = texts.map(|text| Hex(text.as_bytes()));
        match code {
            Some(code) => say!("ask {kind} {code} {first} {second}"),
            None => say!("ask {kind} - {first} {second}"),
        }
        let mut line = [0; LINE];
        match Uart.line(&mut line).split_once(' ').unwrap_or_default() {
            ("pin", digits) => Pin::new(digits).map_or(Answer::Later, Answer::Pin),
            ("answer", "yes") => Answer::Yes,
            ("answer", "no") => Answer::No,
            _ => Answer::Later,
        }
    }
}

/// A prompt as the console tells it: name, number, texts.
fn parts(prompt: Prompt<'_>) -> (&'static str, Option<u16>, [&str; 2]) {
    match prompt {
        Prompt::Notice(text) => ("notice", None, [text, ""]),
        Prompt::Confirm(text) => ("confirm", None, [text, ""]),
        Prompt::InstallUpdate { version } => ("install-update", None, [version, ""]),
        Prompt::ReleaseNotes { description, notes } => ("release-notes", None, [description, notes]),
        Prompt::Disclaimer => ("disclaimer", None, [""; 2]),
        Prompt::NoUpdate => ("no-update", None, [""; 2]),
        Prompt::UpdateRefused => ("update-refused", None, [""; 2]),
        Prompt::Activated => ("activated", None, [""; 2]),
        Prompt::EnterPin { summary, tries_left } => ("enter-pin", Some(tries_left.into()), [summary, ""]),
        Prompt::ApplySettings { summary } => ("apply-settings", None, [summary, ""]),
        Prompt::SettingsApplied => ("settings-applied", None, [""; 2]),
        Prompt::SettingsRefused => ("settings-refused", None, [""; 2]),
        Prompt::Elsewhere { url, code, .. } => ("elsewhere", None, [url, code]),
        Prompt::Failed(code) => ("failed", Some(code), [""; 2]),
        _ => ("unknown", None, [""; 2]),
    }
}

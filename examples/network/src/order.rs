//! MMC documents as the operator thinks of them: orders to the device, answers from it. No coding here.

use crate::log::Step;

/// Result codes of the profile (B3) that the operator tells apart.
pub(crate) mod code {
    pub(crate) const SUCCESS: u16 = 0;
    pub(crate) const DOWNLOAD_FAILED: u16 = 3;
    pub(crate) const NOT_EXECUTED: u16 = 129;
}

/// What is asked for (profile B2; the operator has no use for `delete` and `check`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verb {
    Read,
    Write,
    Exec,
    Display,
    Commit,
    Disconnect,
}

impl Verb {
    /// The element's name.
    pub(crate) const fn element(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Write => "write",
            Self::Exec => "exec",
            Self::Display => "display",
            Self::Commit => "commit",
            Self::Disconnect => "disconnect",
        }
    }
}

/// A value that travels with a command or a result.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Payload {
    /// No value.
    None,
    /// Attribute `value`.
    Text(String),
    /// Inline `data`, or a body part.
    Octets(Vec<u8>),
}

/// One command.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Order {
    pub(crate) verb: Verb,
    pub(crate) object: Option<&'static str>,
    pub(crate) payload: Payload,
    pub(crate) reboot: bool,
    /// The flow's step in which the order is given.
    pub(crate) step: Step,
    /// The flow's step in which its result comes.
    pub(crate) answered_in: Step,
    pub(crate) meaning: String,
}

impl Order {
    fn new(verb: Verb, object: Option<&'static str>, payload: Payload, step: Step, meaning: String) -> Self {
        Self { verb, object, payload, reboot: false, step, answered_in: step, meaning }
    }

    pub(crate) fn read(object: &'static str, step: Step) -> Self {
        Self::new(Verb::Read, Some(object), Payload::None, step, format!("read {object}"))
    }

    pub(crate) fn write(object: &'static str, value: String, step: Step) -> Self {
        let meaning = format!("write {object} {value}");
        Self::new(Verb::Write, Some(object), Payload::Text(value), step, meaning)
    }

    pub(crate) fn exec(object: &'static str, step: Step) -> Self {
        Self::new(Verb::Exec, Some(object), Payload::None, step, format!("run {object}"))
    }

    pub(crate) fn is683(message: Vec<u8>, step: Step, meaning: String) -> Self {
        Self::new(Verb::Exec, Some("is683/msg"), Payload::Octets(message), step, meaning)
    }

    pub(crate) fn display(text: &str, step: Step) -> Self {
        Self::new(Verb::Display, None, Payload::Text(text.to_owned()), step, format!("show {text:?}"))
    }

    pub(crate) fn commit(step: Step) -> Self {
        Self::new(Verb::Commit, None, Payload::None, step, "commit the settings".to_owned())
    }

    pub(crate) fn disconnect(reboot: bool, step: Step) -> Self {
        let meaning = if reboot { "end of session, restart" } else { "end of session" };
        Self { reboot, ..Self::new(Verb::Disconnect, None, Payload::None, step, meaning.to_owned()) }
    }

    /// The same order, with its result belonging to another step.
    pub(crate) fn answered_in(self, step: Step) -> Self {
        Self { answered_in: step, ..self }
    }

    /// Shows a text and ends the session: how every refusal is told.
    pub(crate) fn farewell(text: &str, step: Step) -> Vec<Self> {
        vec![Self::display(text, step), Self::disconnect(false, step)]
    }
}

/// One result.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Answer {
    pub(crate) id: u16,
    pub(crate) code: u16,
    pub(crate) payload: Payload,
    /// Media type of the body part that carried the payload, lower case without parameters; `None` when inline.
    pub(crate) part_type: Option<String>,
}

/// What the operator sends.
#[derive(Clone, Debug)]
pub(crate) struct ServerDocument<'a> {
    pub(crate) session: &'a str,
    pub(crate) number: u16,
    pub(crate) next: Option<&'a str>,
    pub(crate) orders: &'a [Order],
}

/// What the device sends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct DeviceDocument {
    pub(crate) session: String,
    pub(crate) re: u16,
    pub(crate) answers: Vec<Answer>,
}

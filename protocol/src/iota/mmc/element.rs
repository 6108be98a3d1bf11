use crate::iota::command::{Answer, Command};

/// An element below the root.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Element<'s> {
    /// Of a server document.
    Command(Command<'s>),
    /// Of a device document.
    Answer(Answer<'s>),
}

impl Element<'_> {
    /// The id of the command or of the one that is answered.
    pub const fn id(&self) -> u16 {
        match self {
            Self::Command(command) => command.id,
            Self::Answer(answer) => answer.id,
        }
    }
}

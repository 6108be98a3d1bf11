//! What the server does wrong on purpose.

/// A fault in one message of the server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DmFault {
    /// Its credentials are wrong.
    WrongDigest,
    /// It says what it said in the message before.
    Duplicate,
    /// It is lost on its way: the device gets no answer.
    LostReply,
    /// It is larger than the device takes.
    Oversized,
    /// Its elements stand in another order than the document type has them.
    WrongOrder,
    /// It has a command that does not exist.
    UnknownCommand,
    /// It ends the session in the middle.
    EarlyClose,
    /// It is no document at all.
    Garbage,
}

impl DmFault {
    /// All of them.
    pub const ALL: [Self; 8] = [
        Self::WrongDigest,
        Self::Duplicate,
        Self::LostReply,
        Self::Oversized,
        Self::WrongOrder,
        Self::UnknownCommand,
        Self::EarlyClose,
        Self::Garbage,
    ];

    /// Its name in scripts.
    pub const fn name(self) -> &'static str {
        match self {
            Self::WrongDigest => "wrong-digest",
            Self::Duplicate => "duplicate",
            Self::LostReply => "lost-reply",
            Self::Oversized => "oversized",
            Self::WrongOrder => "wrong-order",
            Self::UnknownCommand => "unknown-command",
            Self::EarlyClose => "early-close",
            Self::Garbage => "garbage",
        }
    }
}

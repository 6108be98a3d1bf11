//! What can go wrong in the agent itself. What a peer does wrong ends a session, not the agent.

use core::fmt;

use kedge_protocol::iota::session::SessionError;

use crate::store::StoreError;

/// Why the agent could not go on; `E` is the flash driver's error.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum AgentError<E> {
    /// The store.
    Store(StoreError<E>),
    /// The update agent's journal.
    Update(kedge_update_agent::Error<E>),
    /// The management tree: its image, or the objects in it.
    Tree(kedge_protocol::dm::TreeError),
    /// A buffer or a configured value is outside its limits: which one.
    Config(&'static str),
    /// The caller answered something that was not asked.
    Misuse,
}

impl<E> From<StoreError<E>> for AgentError<E> {
    fn from(e: StoreError<E>) -> Self {
        Self::Store(e)
    }
}

impl<E> From<SessionError> for AgentError<E> {
    fn from(e: SessionError) -> Self {
        match e {
            SessionError::BadConfig => Self::Config("identity, trusted domain or URL"),
            SessionError::NoRoom { .. } => Self::Config("session buffers"),
            _ => Self::Misuse,
        }
    }
}

impl<E> From<kedge_protocol::dm::session::SessionError> for AgentError<E> {
    fn from(e: kedge_protocol::dm::session::SessionError) -> Self {
        match e {
            kedge_protocol::dm::session::SessionError::BadConfig => Self::Config("management account"),
            kedge_protocol::dm::session::SessionError::NoRoom { .. } => Self::Config("management buffers"),
            _ => Self::Misuse,
        }
    }
}

impl<E> From<kedge_protocol::dlota::session::SessionError> for AgentError<E> {
    fn from(e: kedge_protocol::dlota::session::SessionError) -> Self {
        match e {
            kedge_protocol::dlota::session::SessionError::TooLong => Self::Config("package URL"),
            _ => Self::Misuse,
        }
    }
}

impl<E> From<kedge_update_agent::Error<E>> for AgentError<E> {
    fn from(e: kedge_update_agent::Error<E>) -> Self {
        Self::Update(e)
    }
}

impl<E: fmt::Debug> fmt::Display for AgentError<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Store(e) => e.fmt(f),
            Self::Update(e) => e.fmt(f),
            Self::Tree(e) => e.fmt(f),
            Self::Config(what) => write!(f, "configuration: {what}"),
            Self::Misuse => f.write_str("an answer to nothing that was asked"),
        }
    }
}

impl<E: fmt::Debug> core::error::Error for AgentError<E> {}

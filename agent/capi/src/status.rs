//! What a call came to.

use core::ffi::{CStr, c_char};

use kedge_agent::error::AgentError;

/// What a call came to.
#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub enum KedgeStatus {
    /// Done.
    Ok = 0,
    /// A pointer is null that must not be, or leads to something that is not aligned.
    Pointer = 1,
    /// The memory for the agent is too small or not aligned: see `KEDGE_AGENT_SIZE` and `KEDGE_AGENT_ALIGN`.
    Memory = 2,
    /// A function of a port is missing.
    Port = 3,
    /// A text is not UTF-8, or missing.
    Text = 4,
    /// A table of the configuration has more entries than `KEDGE_MAX_KEYS` or `KEDGE_MAX_SETTINGS`.
    TooMany = 5,
    /// The flash port's sizes are not those that the library was built for: see `kedge_flash_erase_size`.
    Geometry = 6,
    /// The configuration cannot be used. Once the agent has started, `kedge_agent_fault` says what of it.
    Config = 7,
    /// The store, or the flash under it.
    Store = 8,
    /// The update agent, or the flash under it.
    Update = 9,
    /// The call does not fit what the agent is doing.
    Misuse = 10,
    /// The room for the result is too small.
    Room = 11,
}

impl KedgeStatus {
    const ALL: [Self; 12] = [
        Self::Ok,
        Self::Pointer,
        Self::Memory,
        Self::Port,
        Self::Text,
        Self::TooMany,
        Self::Geometry,
        Self::Config,
        Self::Store,
        Self::Update,
        Self::Misuse,
        Self::Room,
    ];

    /// The words for it.
    pub const fn text(self) -> &'static CStr {
        match self {
            Self::Ok => c"done",
            Self::Pointer => c"a pointer is null or not aligned",
            Self::Memory => c"the memory for the agent is too small or not aligned",
            Self::Port => c"a function of a port is missing",
            Self::Text => c"a text is missing or not UTF-8",
            Self::TooMany => c"a table has too many entries",
            Self::Geometry => c"the flash has other sizes than the library was built for",
            Self::Config => c"the configuration cannot be used",
            Self::Store => c"the store or its flash failed",
            Self::Update => c"the update agent or its flash failed",
            Self::Misuse => c"the call does not fit what the agent is doing",
            Self::Room => c"the room for the result is too small",
        }
    }
}

impl<E> From<&AgentError<E>> for KedgeStatus {
    fn from(error: &AgentError<E>) -> Self {
        match error {
            AgentError::Store(_) => Self::Store,
            AgentError::Update(_) => Self::Update,
            AgentError::Config(_) => Self::Config,
            _ => Self::Misuse,
        }
    }
}

/// The words for a status, or for any other number: English, ending with a zero octet, always there.
#[unsafe(no_mangle)]
pub extern "C" fn kedge_status_text(status: i32) -> *const c_char {
    let known = KedgeStatus::ALL.iter().find(|known| **known as i32 == status);
    known.map_or(c"no status of Kedge", |known| known.text()).as_ptr()
}

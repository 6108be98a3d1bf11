use super::tag::Tag;
use crate::wbxml::Name;
use crate::wbxml::pages::syncml_element as element;
use crate::wire::open_code;

open_code! {
    /// What became of a command (`oma-dm.md` section 7); travels in Status as decimal digits.
    pub struct Code(u16) {
        /// Done.
        OK = 200, "ok";
        /// Accepted; the result follows in a generic alert.
        ACCEPTED = 202, "accepted for processing";
        /// Authenticated for the session.
        AUTHENTICATED = 212, "authenticated for the session";
        /// A chunk of a large object was taken.
        CHUNK_ACCEPTED = 213, "chunk accepted and buffered";
        /// The user cancelled.
        CANCELLED = 214, "operation cancelled";
        /// Skipped.
        NOT_EXECUTED = 215, "not executed";
        /// Was done and is undone: a child of an Atomic that failed.
        ROLLED_BACK = 216, "atomic roll back ok";
        /// The user said no.
        NOT_MODIFIED = 304, "not modified";
        /// Malformed.
        BAD_REQUEST = 400, "bad request";
        /// Wrong credentials.
        INVALID_CREDENTIALS = 401, "invalid credentials";
        /// Forbidden, but not by an access control list.
        FORBIDDEN = 403, "forbidden";
        /// No such node.
        NOT_FOUND = 404, "not found";
        /// The node or property does not take the command.
        NOT_ALLOWED = 405, "command not allowed";
        /// An optional feature that is not there.
        NOT_SUPPORTED = 406, "optional feature not supported";
        /// Credentials are missing.
        MISSING_CREDENTIALS = 407, "missing credentials";
        /// The user did not answer in time.
        TIMEOUT = 408, "request timeout";
        /// Something is missing in the command.
        INCOMPLETE = 412, "incomplete command";
        /// The object is too large.
        TOO_LARGE = 413, "request entity too large";
        /// The URI is too long or too deep.
        URI_TOO_LONG = 414, "uri too long";
        /// The format or type is not supported.
        UNSUPPORTED_FORMAT = 415, "unsupported media type or format";
        /// Too much to be shown.
        TOO_BIG = 416, "requested size too big";
        /// The node exists.
        ALREADY_EXISTS = 418, "already exists";
        /// No room.
        DEVICE_FULL = 420, "device full";
        /// The chunks do not make up the announced size.
        SIZE_MISMATCH = 424, "size mismatch";
        /// An access control list forbids it.
        PERMISSION_DENIED = 425, "permission denied";
        /// It failed for another reason.
        FAILED = 500, "command failed";
        /// Not implemented.
        NOT_IMPLEMENTED = 501, "command not implemented";
        /// Busy or out of service.
        UNAVAILABLE = 503, "service unavailable";
        /// The Atomic failed; its children tell why.
        ATOMIC_FAILED = 507, "atomic failed";
        /// Data store failure.
        STORE_FAILURE = 510, "data store failure";
        /// The version of the protocol is not supported.
        VERSION = 513, "protocol version not supported";
        /// Cancelled by the server.
        SERVER_CANCELLED = 514, "operation cancelled by the server";
        /// A child of an Atomic could not be undone.
        ROLL_BACK_FAILED = 516, "atomic roll back failed";
        /// The answer to an Atomic does not fit a message.
        ATOMIC_TOO_LARGE = 517, "atomic response too large";
    }
}

impl Code {
    /// Whether it tells success, also the preliminary kinds: 2xx without those that say that nothing was done.
    pub const fn is_success(self) -> bool {
        matches!(self.0, 200..=213)
    }
}

open_code! {
    /// What an Alert is about (`oma-dm.md` section 6.1).
    pub struct AlertCode(u16) {
        /// Show a text.
        DISPLAY = 1100, "display";
        /// Ask yes or no.
        CONFIRM = 1101, "confirm or reject";
        /// Ask for a text.
        TEXT_INPUT = 1102, "text input";
        /// Ask for one of several.
        SINGLE_CHOICE = 1103, "single choice";
        /// Ask for any of several.
        MULTIPLE_CHOICE = 1104, "multiple choice";
        /// The session was started by the server.
        SERVER_INITIATED = 1200, "server-initiated management";
        /// The session was started by the client.
        CLIENT_INITIATED = 1201, "client-initiated management";
        /// Ask for the next message of the package.
        NEXT_MESSAGE = 1222, "next message";
        /// End the session.
        ABORT = 1223, "session abort";
        /// An event of the client.
        CLIENT_EVENT = 1224, "client event";
        /// A large object was interrupted.
        NO_END_OF_DATA = 1225, "no end of data";
        /// An event with type, format and mark; since 1.2.
        GENERIC = 1226, "generic alert";
    }
}

/// A command's element (`oma-dm.md` sections 2.1, 5).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verb {
    /// Creates a node.
    Add,
    /// Tells or asks something.
    Alert,
    /// All of its commands or none.
    Atomic,
    /// Copies a value.
    Copy,
    /// Removes a node.
    Delete,
    /// Runs the process behind a node.
    Exec,
    /// Asks for a value.
    Get,
    /// Overwrites a value.
    Replace,
    /// Carries what a Get asked for.
    Results,
    /// Its commands in order.
    Sequence,
    /// Tells what became of a command.
    Status,
    /// Of data synchronisation: Map, Move, Put, Search, Sync. Cannot be written.
    Foreign,
    /// An element that SyncML has not, or not there. Cannot be written.
    Unknown,
}

impl Verb {
    /// The element's name; empty for [`Verb::Foreign`] and [`Verb::Unknown`].
    pub const fn name(self) -> &'static str {
        match self {
            Self::Add => "Add",
            Self::Alert => "Alert",
            Self::Atomic => "Atomic",
            Self::Copy => "Copy",
            Self::Delete => "Delete",
            Self::Exec => "Exec",
            Self::Get => "Get",
            Self::Replace => "Replace",
            Self::Results => "Results",
            Self::Sequence => "Sequence",
            Self::Status => "Status",
            Self::Foreign | Self::Unknown => "",
        }
    }

    /// The element, with its token.
    pub(super) const fn element(self) -> Name<'static> {
        match self {
            Self::Add => const { element("Add") },
            Self::Alert => const { element("Alert") },
            Self::Atomic => const { element("Atomic") },
            Self::Copy => const { element("Copy") },
            Self::Delete => const { element("Delete") },
            Self::Exec => const { element("Exec") },
            Self::Get => const { element("Get") },
            Self::Replace => const { element("Replace") },
            Self::Results => const { element("Results") },
            Self::Sequence => const { element("Sequence") },
            Self::Status => const { element("Status") },
            Self::Foreign | Self::Unknown => Name::Literal(""),
        }
    }

    /// Whether it holds other commands.
    pub const fn is_container(self) -> bool {
        matches!(self, Self::Atomic | Self::Sequence)
    }

    /// The command whose element is `tag`. Those of data synchronisation are foreign (section 2.2, last paragraph).
    pub(super) const fn of(tag: Tag) -> Self {
        match tag {
            Tag::Add => Self::Add,
            Tag::Alert => Self::Alert,
            Tag::Atomic => Self::Atomic,
            Tag::Copy => Self::Copy,
            Tag::Delete => Self::Delete,
            Tag::Exec => Self::Exec,
            Tag::Get => Self::Get,
            Tag::Replace => Self::Replace,
            Tag::Results => Self::Results,
            Tag::Sequence => Self::Sequence,
            Tag::Status => Self::Status,
            Tag::Map | Tag::Move | Tag::Put | Tag::Search | Tag::Sync => Self::Foreign,
            _ => Self::Unknown,
        }
    }
}

impl core::fmt::Display for Verb {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str(match self {
            Self::Foreign => "foreign command",
            Self::Unknown => "unknown command",
            named => named.name(),
        })
    }
}

/// The format of a value (`oma-dm.md` section 2.4).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Format {
    /// Base64 text.
    B64,
    /// Octets.
    Bin,
    /// `true` or `false`.
    Bool,
    /// Text; the default.
    #[default]
    Chr,
    /// A signed number of 32 bits.
    Int,
    /// An interior node.
    Node,
    /// No value.
    Null,
    /// Markup.
    Xml,
    /// A date, ISO 8601; since 1.2.
    Date,
    /// A time, ISO 8601; since 1.2.
    Time,
    /// A floating-point number; since 1.2.
    Float,
}

impl Format {
    /// All of them.
    pub const ALL: [Self; 11] = [
        Self::B64,
        Self::Bin,
        Self::Bool,
        Self::Chr,
        Self::Int,
        Self::Node,
        Self::Null,
        Self::Xml,
        Self::Date,
        Self::Time,
        Self::Float,
    ];

    /// The word.
    pub const fn name(self) -> &'static str {
        match self {
            Self::B64 => "b64",
            Self::Bin => "bin",
            Self::Bool => "bool",
            Self::Chr => "chr",
            Self::Int => "int",
            Self::Node => "node",
            Self::Null => "null",
            Self::Xml => "xml",
            Self::Date => "date",
            Self::Time => "time",
            Self::Float => "float",
        }
    }

    /// The format that a word names.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|format| format.name() == name)
    }
}

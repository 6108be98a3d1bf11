use crate::wire::open_code;

open_code! {
    /// The outcome of a command, and the error code of a session's end (`iota.md` A3, B3).
    pub struct ResultCode(u8) {
        /// Done; as a session's end: normal release.
        SUCCESS = 0, "SUCCESS";
        /// The value reference is not `cid:` with a token.
        INVALID_VALUEREF = 1, "INVALID_VALUEREF";
        /// There is no body part of that name.
        CID_MISSING = 2, "CID_MISSING";
        /// A download did not finish.
        DOWNLOAD_FAILED = 3, "DOWNLOAD_FAILED";
        /// Content of the wrong kind, or not decodable.
        INVALID_CONTENT = 5, "INVALID_CONTENT";
        /// The user said no.
        USER_DENIED = 6, "USER_DENIED";
        /// A text, number or URL that the object does not take.
        BAD_VALUE = 7, "BAD_VALUE";
        /// Not done in time.
        TIMEOUT = 8, "TIMEOUT";
        /// Another document came than the one expected.
        NEW_DOC_ARRIVED = 9, "NEW_DOC_ARRIVED";
        /// The value could not be removed.
        DELETE_FAILED = 10, "DELETE_FAILED";
        /// Octets that the object does not take.
        BAD_DATA = 11, "BAD_DATA";
        /// This device or policy shows no texts.
        DISPLAY_DISABLED = 12, "DISPLAY_DISABLED";
        /// The object cannot be read.
        WRITE_ONLY = 13, "WRITE_ONLY";
        /// Ended from this side.
        ABORT = 14, "ABORT";
        /// No such object.
        BAD_OBJECT = 16, "BAD_OBJECT";
        /// Anything else.
        UNKNOWN_ERROR = 17, "UNKNOWN_ERROR";
        /// The file is locked.
        FILE_LOCKED = 18, "FILE_LOCKED";
        /// The file is open.
        FILE_OPEN = 19, "FILE_OPEN";
        /// The value is another one.
        CHECK_FAILED = 20, "CHECK_FAILED";
        /// A size that does not fit the object.
        INVALID_SIZE = 21, "INVALID_SIZE";
        /// An offset that does not fit the object.
        INVALID_OFFSET = 22, "INVALID_OFFSET";
        /// Not now.
        DEVICE_BUSY = 23, "DEVICE_BUSY";
        /// Project range: no such command.
        UNKNOWN_COMMAND = 128, "UNKNOWN_COMMAND";
        /// Project range: an earlier command failed and said stop.
        NOT_EXECUTED = 129, "NOT_EXECUTED";
        /// Project range: forbidden by policy or the programming lock.
        LOCKED = 130, "LOCKED";
        /// Project range: more than this device takes.
        TOO_BIG = 131, "TOO_BIG";
        /// Project range: the store failed.
        STORAGE_FAILED = 132, "STORAGE_FAILED";
        /// Project range: the object cannot be written.
        READ_ONLY = 133, "READ_ONLY";
        /// Project range: this session is not trusted enough.
        NOT_TRUSTED = 134, "NOT_TRUSTED";
    }
}

open_code! {
    /// Why a session ended (`iota.md` A3).
    pub struct EndReason(u8) {
        /// The server had nothing more to say (204 or an empty 200).
        SUCCESS = 0, "success";
        /// The server sent `disconnect`.
        DISCONNECT = 1, "disconnect";
        /// Not allowed now.
        NOT_ALLOWED = 2, "not allowed";
        /// Another session is active.
        ALREADY_ACTIVE = 3, "already active";
        /// Ended from this side.
        CLIENT_ABORT = 4, "client abort";
        /// An HTTP status that ends it, or no answer in time (error code 0).
        HTTP = 5, "HTTP";
        /// A body of the wrong type, or a broken multipart.
        MIME = 6, "MIME";
        /// A document that cannot be decoded.
        XML = 7, "XML";
        /// A document against the grammar, or the wrong one.
        MMC = 8, "MMC";
        /// A URL outside the trusted domain.
        NOT_TRUSTED_DOMAIN = 9, "not trusted domain";
        /// The session timeout.
        SESSION_TIMEOUT = 10, "session timeout";
        /// Anything else.
        UNKNOWN = 11, "unknown";
        /// A fault of this device.
        INTERNAL = 12, "internal";
        /// No link to the network.
        NO_SERVICE = 13, "no service";
        /// A data call is active.
        ACTIVE_DATA_CALL = 14, "active data call";
        /// A voice call is active.
        ACTIVE_VOICE_CALL = 15, "active voice call";
        /// No digital service.
        NO_DIGITAL_SERVICE = 16, "no digital service";
    }
}

impl EndReason {
    /// Whether the server ended the session because all was said.
    pub const fn is_normal(self) -> bool {
        matches!(self, Self::SUCCESS | Self::DISCONNECT)
    }
}

//! The numbers and names of the object.

use crate::dlota::Failure;
use crate::wire::open_code;

open_code! {
    /// Value of the node State (FUMO 10.2).
    pub struct State(u8) {
        /// Nothing is going on.
        IDLE = 10, "Idle";
        /// The package could not be downloaded.
        DOWNLOAD_FAILED = 20, "Download Failed";
        /// The package is coming in.
        DOWNLOADING = 30, "Download Progressing";
        /// The package is here, not checked yet.
        DOWNLOADED = 40, "Download Complete";
        /// The package is here and can be installed.
        READY = 50, "Ready to Update";
        /// The update is at work, or waits for the user.
        UPDATING = 60, "Update Progressing";
        /// The update failed; the package is still here.
        FAILED_WITH_DATA = 70, "Update Failed with data";
        /// The update failed; the package is gone.
        FAILED = 80, "Update Failed";
        /// The update succeeded; the package is still here.
        SUCCESSFUL_WITH_DATA = 90, "Update Successful with data";
        /// The update succeeded; the package is gone.
        SUCCESSFUL = 100, "Update Successful";
    }
}

impl State {
    /// Whether an operation has ended here.
    pub const fn is_final(self) -> bool {
        matches!(
            self,
            Self::DOWNLOAD_FAILED
                | Self::FAILED_WITH_DATA
                | Self::FAILED
                | Self::SUCCESSFUL_WITH_DATA
                | Self::SUCCESSFUL
        )
    }
}

open_code! {
    /// The result of an operation, in its completion (FUMO 10.2.2, `fumo-dlota.md` 1.4).
    pub struct ResultCode(u16) {
        /// It succeeded.
        SUCCESS = 200, "success";
        /// The device or its user prevented it: no power, not now.
        CLIENT_ERROR = 400, "client error";
        /// The user said no.
        USER_CANCELLED = 401, "user cancelled";
        /// The package is corrupt.
        CORRUPTED = 402, "corrupted package";
        /// The package is for another device or version.
        MISMATCH = 403, "package does not match the device";
        /// The package's signature is not good.
        NOT_VALIDATED = 404, "package validation failed";
        /// The package is of a kind that the device does not take.
        NOT_ACCEPTABLE = 405, "package not acceptable";
        /// The download server wants credentials, or refuses these.
        AUTHENTICATION = 406, "download authentication failed";
        /// The download server did not answer in time.
        TIMED_OUT = 407, "download timed out";
        /// The operation is not supported.
        NOT_IMPLEMENTED = 408, "not implemented";
        /// Anything else.
        UNDEFINED = 409, "undefined error";
        /// The update failed in the device.
        UPDATE_FAILED = 410, "update failed";
        /// The URL is none, or nothing is there.
        BAD_URL = 411, "bad URL";
        /// The download server cannot be reached (seen in independent code; missing in the text at hand).
        UNAVAILABLE = 412, "download server unavailable";
        /// The download server failed (seen in independent code; the text at hand is damaged here).
        SERVER_ERROR = 500, "download server error";
        /// No room to download the package.
        NO_ROOM_TO_DOWNLOAD = 501, "no room for the download";
        /// No room to install the package.
        NO_ROOM_TO_UPDATE = 502, "no room for the update";
        /// The network failed during the download.
        NETWORK = 503, "network failed";
    }
}

impl ResultCode {
    /// Whether the operation succeeded.
    pub const fn is_success(self) -> bool {
        matches!(self.0, 200..=299)
    }
}

/// The result of an operation whose download failed (`fumo-dlota.md` 2.3, its own proposal, with the HTTP statuses of 1.4).
pub const fn download_failed(failure: Failure) -> ResultCode {
    match failure {
        Failure::Descriptor | Failure::Type => ResultCode::NOT_ACCEPTABLE,
        Failure::Version => ResultCode::NOT_IMPLEMENTED,
        Failure::NoRoom => ResultCode::NO_ROOM_TO_DOWNLOAD,
        Failure::UserCancelled => ResultCode::USER_CANCELLED,
        Failure::LinkDown => ResultCode::NETWORK,
        Failure::TimedOut => ResultCode::TIMED_OUT,
        Failure::Http(401 | 403 | 407) => ResultCode::AUTHENTICATION,
        Failure::Url | Failure::Http(400..=499) => ResultCode::BAD_URL,
        Failure::Http(503) => ResultCode::UNAVAILABLE,
        Failure::Http(_) => ResultCode::SERVER_ERROR,
        Failure::Mismatch => ResultCode::CORRUPTED,
        // The device's own check knows better which; this is for who does not ask it.
        Failure::Refused => ResultCode::NOT_VALIDATED,
        Failure::Aborted => ResultCode::CLIENT_ERROR,
    }
}

/// What a server can execute on the object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operation {
    /// Fetch the package.
    Download,
    /// Install what was fetched.
    Update,
    /// Fetch the package and install it.
    DownloadAndUpdate,
}

impl Operation {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Download, Self::Update, Self::DownloadAndUpdate];

    /// The name of its node below the object's root.
    pub const fn node(self) -> &'static str {
        match self {
            Self::Download => "Download",
            Self::Update => "Update",
            Self::DownloadAndUpdate => "DownloadAndUpdate",
        }
    }

    /// The type of its completion alert.
    pub const fn alert_type(self) -> &'static str {
        match self {
            Self::Download => "org.openmobilealliance.dm.firmwareupdate.download",
            Self::Update => "org.openmobilealliance.dm.firmwareupdate.update",
            Self::DownloadAndUpdate => "org.openmobilealliance.dm.firmwareupdate.downloadandupdate",
        }
    }

    /// Its number in a [`super::Memo`].
    pub const fn number(self) -> u8 {
        match self {
            Self::Download => 1,
            Self::Update => 2,
            Self::DownloadAndUpdate => 3,
        }
    }

    /// The operation with this number.
    pub fn from_number(number: u8) -> Option<Self> {
        Self::ALL.into_iter().find(|operation| operation.number() == number)
    }
}

/// The type of the alert by which the device asks for an update.
pub const DEVICE_REQUEST: &str = "org.openmobilealliance.dm.firmwareupdate.devicerequest";
/// The type of the alert by which the user asks for an update.
pub const USER_REQUEST: &str = "org.openmobilealliance.dm.firmwareupdate.userrequest";

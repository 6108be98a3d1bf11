//! The numbers and names of the object.

use crate::dlota::Failure;
use crate::fumo;
use crate::wire::open_code;

/// Root of the object; where it stands is free, this is the usual place.
pub(super) const ROOT: &str = "SCOMO";

/// Status of a delivered package whose installation failed and that is gone. Two implementations agree on all other numbers; one
/// has 70 here and the other 60.
pub const DELIVERED_FAILED: Status = Status(70);

open_code! {
    /// Value of a node Status below Download. The nodes Status below Inventory have numbers of their own.
    pub struct Status(u8) {
        /// Nothing is going on.
        IDLE = 10, "idle";
        /// The package could not be downloaded.
        DOWNLOAD_FAILED = 20, "download failed";
        /// The package is coming in.
        DOWNLOADING = 30, "download progressing";
        /// The package is here.
        DOWNLOADED = 40, "download completed";
        /// It is being installed.
        INSTALLING = 50, "install progressing";
        /// It could not be installed and is still here.
        FAILED_WITH_DATA = 60, "install failed with data";
        /// It could not be installed and is gone.
        FAILED = 70, "install failed without data";
    }
}

open_code! {
    /// Value of a node State below Inventory.
    pub struct State(u8) {
        /// A package: delivered. A component: inactive.
        LOW = 10, "delivered, inactive";
        /// A package: installed. A component: active.
        HIGH = 20, "installed, active";
    }
}

open_code! {
    /// The result of an operation, in its completion. Success is 12xx, 1250 to 1299, 1450 to 1499 and 1550 to 1599 are the
    /// vendor's; the numbers are those of one deployed implementation.
    pub struct ResultCode(u16) {
        /// It succeeded.
        SUCCESS = 1200, "success";
        /// The device or its user prevented it.
        CLIENT_ERROR = 1400, "client error";
        /// The user said no.
        USER_CANCELLED = 1401, "user cancelled";
        /// The package could not be downloaded.
        DOWNLOAD_FAILED = 1402, "download failed";
        /// The download server wants credentials, or refuses these.
        AUTHENTICATION = 1403, "download authentication failed";
        /// No room to download the package.
        NO_ROOM_TO_DOWNLOAD = 1404, "no room for the download";
        /// The package could not be installed.
        INSTALL_FAILED = 1405, "install failed";
        /// No room to install the package.
        NO_ROOM_TO_INSTALL = 1406, "no room to install";
        /// The package's signature is not good.
        NOT_VALIDATED = 1407, "package validation failed";
        /// It could not be removed.
        REMOVE_FAILED = 1408, "remove failed";
        /// The component could not be activated.
        ACTIVATE_FAILED = 1409, "activate failed";
        /// The component could not be deactivated.
        DEACTIVATE_FAILED = 1410, "deactivate failed";
        /// The device does not do this.
        NOT_IMPLEMENTED = 1411, "not implemented";
        /// Anything else.
        UNDEFINED = 1412, "undefined error";
        /// The package is for something that the device does not have.
        UNSUPPORTED = 1413, "unsupported target";
        /// The download server failed.
        SERVER_ERROR = 1500, "download server error";
        /// The download server cannot be reached.
        UNAVAILABLE = 1501, "download server unavailable";
    }
}

impl ResultCode {
    /// Whether the operation succeeded.
    pub const fn is_success(self) -> bool {
        matches!(self.0, 1200..=1299)
    }
}

/// The result of an operation whose download failed.
pub const fn download_failed(failure: Failure) -> ResultCode {
    match failure {
        Failure::NoRoom => ResultCode::NO_ROOM_TO_DOWNLOAD,
        Failure::UserCancelled => ResultCode::USER_CANCELLED,
        Failure::Http(401 | 403 | 407) => ResultCode::AUTHENTICATION,
        Failure::Http(503) | Failure::TimedOut => ResultCode::UNAVAILABLE,
        Failure::Http(500..=599) => ResultCode::SERVER_ERROR,
        Failure::Refused => ResultCode::NOT_VALIDATED,
        Failure::Aborted => ResultCode::CLIENT_ERROR,
        _ => ResultCode::DOWNLOAD_FAILED,
    }
}

/// The result of an installation by the update agent, whose results are told as those of firmware updates.
pub const fn installed(result: fumo::ResultCode) -> ResultCode {
    use fumo::ResultCode as Update;
    match result {
        result if result.is_success() => ResultCode::SUCCESS,
        Update::CLIENT_ERROR => ResultCode::CLIENT_ERROR,
        Update::USER_CANCELLED => ResultCode::USER_CANCELLED,
        Update::CORRUPTED | Update::NOT_VALIDATED => ResultCode::NOT_VALIDATED,
        Update::MISMATCH | Update::NOT_ACCEPTABLE => ResultCode::UNSUPPORTED,
        Update::NOT_IMPLEMENTED => ResultCode::NOT_IMPLEMENTED,
        Update::NO_ROOM_TO_UPDATE => ResultCode::NO_ROOM_TO_INSTALL,
        _ => ResultCode::INSTALL_FAILED,
    }
}

/// Where an operation is executed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Folder {
    /// What can be fetched.
    Download,
    /// The packages that are on the device.
    Delivered,
    /// The components that are installed.
    Deployed,
}

impl Folder {
    /// Its path.
    pub const fn path(self) -> &'static str {
        match self {
            Self::Download => "SCOMO/Download",
            Self::Delivered => "SCOMO/Inventory/Delivered",
            Self::Deployed => "SCOMO/Inventory/Deployed",
        }
    }

    /// The status of an item of this folder after an operation that failed, and during one.
    pub(super) const fn status(self, operation: Operation, step: Step, data: bool) -> Status {
        let failed = matches!(step, Step::Over);
        match (self, operation, failed) {
            (Self::Download, ..) => match (step, data) {
                (Step::Downloading, _) => Status::DOWNLOADING,
                (Step::Checking, _) => Status::DOWNLOADED,
                (Step::Working, _) => Status::INSTALLING,
                (Step::Over, true) => Status::FAILED_WITH_DATA,
                (Step::Over, false) => Status::FAILED,
            },
            (_, Operation::RemovePackage | Operation::RemoveComponent, true) => Status(20),
            (_, Operation::RemovePackage | Operation::RemoveComponent, false) => Status(30),
            (Self::Deployed, Operation::Activate, true) | (Self::Delivered, _, false) => Status(40),
            (Self::Deployed, Operation::Activate, false) => Status(50),
            (Self::Deployed, _, true) => Status(60),
            (Self::Deployed, _, false) => Status(70),
            (Self::Delivered, _, true) if data => Status(50),
            (Self::Delivered, _, true) => DELIVERED_FAILED,
        }
    }
}

/// How far an operation has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// The package is coming in.
    Downloading,
    /// It is here and is being checked.
    Checking,
    /// It is being installed or removed; a component is being activated, deactivated or removed.
    Working,
    /// The operation has ended.
    Over,
}

impl Step {
    const ALL: [Self; 4] = [Self::Downloading, Self::Checking, Self::Working, Self::Over];

    /// Its number in a [`super::Memo`].
    pub const fn number(self) -> u8 {
        match self {
            Self::Downloading => 1,
            Self::Checking => 2,
            Self::Working => 3,
            Self::Over => 0,
        }
    }

    /// The step with this number.
    pub fn from_number(number: u8) -> Option<Self> {
        Self::ALL.into_iter().find(|step| step.number() == number)
    }
}

/// What a server can execute on the object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operation {
    /// Fetch a package.
    Download,
    /// Fetch it, install it, activate what is in it.
    DownloadInstall,
    /// Fetch it and install it.
    DownloadInstallInactive,
    /// Install a package that is here, and activate what is in it.
    Install,
    /// Install it.
    InstallInactive,
    /// Remove a package that is here.
    RemovePackage,
    /// Activate a component.
    Activate,
    /// Deactivate it.
    Deactivate,
    /// Remove it.
    RemoveComponent,
}

impl Operation {
    /// All of them.
    pub const ALL: [Self; 9] = [
        Self::Download,
        Self::DownloadInstall,
        Self::DownloadInstallInactive,
        Self::Install,
        Self::InstallInactive,
        Self::RemovePackage,
        Self::Activate,
        Self::Deactivate,
        Self::RemoveComponent,
    ];

    /// Where it is executed.
    pub const fn folder(self) -> Folder {
        match self {
            Self::Download | Self::DownloadInstall | Self::DownloadInstallInactive => Folder::Download,
            Self::Install | Self::InstallInactive | Self::RemovePackage => Folder::Delivered,
            Self::Activate | Self::Deactivate | Self::RemoveComponent => Folder::Deployed,
        }
    }

    /// The name of its node below Operations.
    pub const fn node(self) -> &'static str {
        match self {
            Self::Download => "Download",
            Self::DownloadInstall => "DownloadInstall",
            Self::DownloadInstallInactive => "DownloadInstallInactive",
            Self::Install => "Install",
            Self::InstallInactive => "InstallInactive",
            Self::RemovePackage | Self::RemoveComponent => "Remove",
            Self::Activate => "Activate",
            Self::Deactivate => "Deactivate",
        }
    }

    /// Whether what it installs is active afterwards.
    pub const fn activates(self) -> bool {
        matches!(self, Self::DownloadInstall | Self::Install | Self::Activate)
    }

    /// Its number in a [`super::Memo`].
    pub const fn number(self) -> u8 {
        match self {
            Self::Download => 1,
            Self::DownloadInstall => 2,
            Self::DownloadInstallInactive => 3,
            Self::Install => 4,
            Self::InstallInactive => 5,
            Self::RemovePackage => 6,
            Self::Activate => 7,
            Self::Deactivate => 8,
            Self::RemoveComponent => 9,
        }
    }

    /// The operation with this number.
    pub fn from_number(number: u8) -> Option<Self> {
        Self::ALL.into_iter().find(|operation| operation.number() == number)
    }

    /// The operation behind a node, and the name of the item that it is about.
    pub fn of_node(path: &str) -> Option<(Self, &str)> {
        Self::ALL.into_iter().find_map(|operation| {
            let below = path.strip_prefix(operation.folder().path())?.strip_prefix('/')?;
            let (name, rest) = below.split_once(|c| c == '/')?;
            (rest.strip_prefix("Operations/")? == operation.node()).then_some((operation, name))
        })
    }
}

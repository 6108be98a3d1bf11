//! What `fota/state` says: the states of the firmware update management object (OMA-TS-DM_FUMO, State), which the MMC profile
//! leaves open.

use kedge_update_agent::{Job, UpdateResult};

/// Nothing is going on.
pub const IDLE: u8 = 10;
/// The download failed.
pub const DOWNLOAD_FAILED: u8 = 20;
/// The package is coming in.
pub const DOWNLOADING: u8 = 30;
/// The package is in flash and verified; the user has not agreed yet.
pub const READY: u8 = 50;
/// The update agent has its orders.
pub const UPDATING: u8 = 60;
/// The update failed; the old firmware runs, and the package is gone.
pub const FAILED: u8 = 80;
/// The new firmware runs, and the package is gone.
pub const SUCCESSFUL: u8 = 100;

/// The state while a job is under way.
pub const fn of_job(job: Job) -> u8 {
    match job {
        Job::Idle => IDLE,
        Job::Receiving { .. } | Job::Opening { .. } | Job::Streaming { .. } => DOWNLOADING,
        Job::Verified { .. } => READY,
        Job::Ordered { .. } | Job::Applying { .. } | Job::Trial { .. } | Job::Reverting { .. } => UPDATING,
    }
}

/// The final state of a result.
pub const fn of_result(result: UpdateResult) -> u8 {
    match result {
        UpdateResult::Installed => SUCCESSFUL,
        _ => FAILED,
    }
}

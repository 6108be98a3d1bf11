//! The sizes that bound the agent, in one place. All are octets unless said otherwise.

use core::time::Duration;

/// Longest URL the agent keeps: an MMC `fota/package-url` (`spec/iota.md` B4).
pub const URL: usize = 255;

/// Longest media type with its parameters that the agent looks at; a boundary of RFC 2046 has up to 70 octets.
pub const CONTENT_TYPE: usize = 160;

/// Largest IS-683 message, forward or reverse (`spec/is683.md` section 15).
pub const IS683_MESSAGE: usize = 2048;

/// What one session may stage of MMC objects before its commit: four full-length URLs and some short values.
pub const STAGED_OBJECTS: usize = 1536;

/// How many MMC objects one session may stage before its commit.
pub const STAGED_COUNT: usize = 16;

/// Largest record of the store other than the preferred roaming list.
pub const RECORD: usize = 512;

/// How much the user is told about settings that came; the last item may be cut off beyond it.
pub const SUMMARY: usize = 320;

/// How many service indications the agent tells apart; of more, the oldest are forgotten.
pub const INDICATIONS: usize = 4;

/// How much of a service indication's text the user is shown.
pub const INVITATION: usize = 160;

/// How many triggers may wait while a session runs: one (`spec/iota.md` B6 rule 7), merged when it repeats.
pub const WAITING_TRIGGERS: usize = 1;

/// How often a session that failed without the peer's say is started again before the agent gives up until the next
/// trigger or restart.
pub const SESSION_TRIES: u8 = 5;

/// How often a download that was interrupted goes on within one session before it counts as failed.
pub const DOWNLOAD_TRIES: u8 = 8;

/// The first pause before trying again; it doubles each time, and a random part of up to a quarter is added.
pub const BACKOFF: Duration = Duration::from_secs(2);

/// How long an answer "later" to an update prompt lasts before the agent asks again.
pub const ASK_AGAIN: Duration = Duration::from_secs(4 * 3600);

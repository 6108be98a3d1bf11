//! The sizes that bound the agent, in one place. All are octets unless said otherwise.

use core::time::Duration;

use kedge_protocol::dlota::Plan;

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

/// Largest record of a download: four texts of a URL's length, two short ones, and what CBOR adds.
pub const FETCH: usize = 1200;

/// Largest record of a component's operation: an address, five names of 64 octets, two identities, and what CBOR adds.
pub const SOFTWARE: usize = 768;

/// Largest record of an alert: the longest is that of a component whose identifier is made of characters that have to be
/// escaped.
pub const ALERT: usize = 768;

/// How many service indications the agent tells apart; of more, the oldest are forgotten.
pub const INDICATIONS: usize = 4;

/// How much of a service indication's text the user is shown.
pub const INVITATION: usize = 160;

/// How many GSM datagrams may be incomplete at a time (`wap-push.md` section 10, item 8).
pub const GSM_DATAGRAMS: usize = 8;

/// How many parts the incomplete GSM datagrams may have in all: a push of 8 KiB.
pub const GSM_PARTS: usize = 64;

/// Largest GSM datagram.
pub const GSM_DATAGRAM: usize = GSM_PARTS * 140;

/// How many triggers may wait while a session runs: one (`spec/iota.md` B6 rule 7), merged when it repeats.
pub const WAITING_TRIGGERS: usize = 1;

/// How often a session that failed without the peer's say is started again before the agent gives up until the next
/// trigger or restart.
pub const SESSION_TRIES: u8 = 5;

/// When exchanges are tried again: the first pause doubles each time up to the longest, and a random part of up to a quarter
/// is added. A download that was interrupted goes on so often within one session before it counts as failed.
pub const RETRIES: Plan = Plan { first: Duration::from_secs(2), longest: Duration::from_secs(256), tries: 8 };

/// How long the head of an answer may take in a download, whatever the bearer's own patience.
pub const DOWNLOAD_PATIENCE: Duration = Duration::from_secs(300);

/// How long an answer "later" to an update prompt lasts before the agent asks again.
pub const ASK_AGAIN: Duration = Duration::from_secs(4 * 3600);

/// How long after a star code was dialled the pushes that follow count as the user's own: what a carrier's session takes is one
/// to three minutes, a queue at the operator included it is less than a quarter of an hour.
pub const DIALLED: Duration = Duration::from_secs(900);

/// How many pushes are looked at when they come at once: a bootstrap, its triggers and some indications.
pub const PUSHES: u8 = 12;

/// After which time one more push is looked at: no operator has more to say, and a flood costs nothing but its messages.
pub const PUSH_PAUSE: Duration = Duration::from_secs(10);

/// How long one exchange of a management session may take.
pub const MANAGEMENT_EXCHANGE: Duration = Duration::from_secs(60);

/// How long the user may take over a question of a management server that names no time.
pub const MANAGEMENT_PROMPT: Duration = Duration::from_secs(300);

/// How long a management session may take: a package that comes in the tree takes long over a slow link.
pub const MANAGEMENT_SESSION: Duration = Duration::from_secs(3600);

/// How long an OTASP call or a conversation by data bursts may be silent before it counts as over.
pub const OTASP: Duration = Duration::from_secs(300);

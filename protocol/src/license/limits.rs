//! Every bound of this protocol, with its reason.

use core::time::Duration;

/// Largest document a small device takes, in octets: fits a flash sector of 4 KiB with its header and commit words.
pub const MAX_DOCUMENT: usize = 3584;
/// Longest name: issuer, subject, product, host (`text64` of the grammar).
pub const MAX_NAME: usize = 64;
/// Shortest and longest `ueid`: a type octet, and 6 to 32 octets (an EUI-48 is the shortest of RFC 9711).
pub const UEID: core::ops::RangeInclusive<usize> = 7..=33;
/// Highest number of a feature, for all fit a word.
pub const MAX_FEATURE: u64 = 63;
/// Longest URL, of requests and of Locations, in octets.
pub const MAX_URL: usize = 2048;
/// Most redirects that one transaction follows.
pub const MAX_HOPS: usize = 8;
/// A document may begin to count so many seconds in the future: clocks differ.
pub const NOT_BEFORE_TOLERANCE: u64 = 300;
/// A clock so many seconds behind the floor is doubted.
pub const CLOCK_TOLERANCE: u64 = 300;
/// A clock so many seconds ahead of the floor is evaluated, but not written down: 400 days.
pub const CLOCK_JUMP: u64 = 400 * DAY;
/// A clock so many seconds ahead of a signed time is refuted by it: it is not used until it agrees again.
///
/// Ours: the specification tells what to do with the floor, not with a clock that still stands in 2038 after the contact
/// that shows it wrong. A day is more than any time zone confusion, and less than any license that is sold.
pub const CLOCK_REFUTED: u64 = DAY;
/// Seconds of a day.
pub const DAY: u64 = 86_400;
/// How long the configuration and license of an older document may stand in for a damaged one, in seconds of uptime.
pub const STORAGE_GRACE: u32 = 72 * 3600;
/// How often the soft floor is written down while the device is on.
pub const SAVE_EVERY: Duration = Duration::from_secs(6 * 3600);
/// How long a request's nonce is good for.
pub const NONCE_LIFE: Duration = Duration::from_secs(30 * 60);
/// How long the head of an answer may take.
pub const ANSWER: Duration = Duration::from_secs(30);
/// How long a transaction without a user may take.
pub const TRANSACTION: Duration = Duration::from_secs(120);
/// How long one with a user may take.
pub const USER_SESSION: Duration = Duration::from_secs(30 * 60);
/// Shortest pause between two polls.
pub const MIN_POLL: u32 = 5;
/// First pause before a request is repeated; it doubles.
pub const RETRY_FIRST: Duration = Duration::from_secs(30);
/// Longest pause, by its own rule.
pub const RETRY_MOST: Duration = Duration::from_secs(6 * 3600);
/// Longest pause that a server may ask for.
pub const RETRY_AFTER_MOST: Duration = Duration::from_secs(24 * 3600);
/// When to ask again after "nothing to do".
pub const NEXT_REFRESH: Duration = Duration::from_secs(24 * 3600);
/// Most requests that timers start within a day.
pub const DAILY_REQUESTS: u8 = 24;
/// Shortest pause between two requests of the user.
pub const USER_PAUSE: Duration = Duration::from_secs(2);

//! What a server answers instead of a document (section 4.4): what the user has to do, or what is wrong.

use core::time::Duration;

use super::limits::MIN_POLL;
use crate::cbor::Decoder;
use crate::wire::{Error, ErrorKind, open_code};

/// Media type of [`Problem`] (RFC 9290).
pub const PROBLEM: &str = "application/concise-problem-details+cbor";

/// What the user has to do elsewhere, for devices without a browser (as in RFC 8628).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UserAction<'a> {
    /// 1: the address to open.
    pub url: &'a str,
    /// 2: the short code to enter there.
    pub code: &'a str,
    /// 3: how long to wait between polls; 5 s at least.
    pub interval: Duration,
    /// 4: how long the code is good for.
    pub lifetime: Duration,
    /// 5: where to poll.
    pub poll_url: &'a str,
    /// 6: what to show.
    pub text: Option<&'a str>,
}

impl<'a> UserAction<'a> {
    /// Reads the map; keys that are not known count for nothing.
    pub fn parse(body: &'a [u8]) -> Result<Self, Error> {
        let mut d = whole(body)?;
        let missing = d.error(ErrorKind::Truncated);
        let (mut url, mut code, mut interval, mut lifetime) = (None, None, MIN_POLL, None);
        let (mut poll_url, mut text) = (None, None);
        for _ in 0..d.map()? {
            match d.integer()? {
                1 => url = Some(d.text()?),
                2 => code = Some(d.text()?),
                3 => interval = d.u32()?.max(MIN_POLL),
                4 => lifetime = Some(d.u32()?),
                5 => poll_url = Some(d.text()?),
                6 => text = Some(d.text()?),
                _ => d.skip().map(drop)?,
            }
        }
        let seconds = |n: u32| Duration::from_secs(n.into());
        Ok(Self {
            url: url.ok_or(missing)?,
            code: code.ok_or(missing)?,
            interval: seconds(interval),
            lifetime: seconds(lifetime.ok_or(missing)?),
            poll_url: poll_url.ok_or(missing)?,
            text,
        })
    }
}

open_code! {
    /// What is wrong, by the server's table (section 9). It is not signed, so it never changes a license.
    pub struct ProblemCode(u32) {
        /// The device had its trial.
        TRIAL_USED = 1, "trial-used";
        /// The device belongs to another account.
        ACCOUNT_MISMATCH = 2, "account-mismatch";
        /// The license was moved too often.
        MOVES_EXHAUSTED = 3, "moves-exhausted";
        /// It has to be paid first.
        PAYMENT_REQUIRED = 4, "payment-required";
        /// The device or the account is blocked.
        BLOCKED = 5, "blocked";
        /// The server does not know the product.
        UNKNOWN_PRODUCT = 6, "unknown-product";
        /// Later.
        BUSY = 7, "busy";
        /// The request token is not in order.
        BAD_TOKEN = 8, "bad-token";
        /// The client is too old.
        CLIENT_TOO_OLD = 9, "client-too-old";
        /// The device cannot keep a license well enough.
        LEVEL_TOO_LOW = 10, "level-too-low";
    }
}

/// What is wrong (RFC 9290).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Problem<'a> {
    /// The code; `None` for a problem of another kind.
    pub code: Option<ProblemCode>,
    /// Key -1: a title to show.
    pub title: Option<&'a str>,
    /// Key -2: more of it.
    pub detail: Option<&'a str>,
}

/// The key of the code. Ours: the specification has the codes but not their key; this is the one of the request token, in
/// the same private space. The keys -1 and -2 are [memory] in the specification.
const CODE: i64 = -70_003;

impl<'a> Problem<'a> {
    /// Reads the map; keys that are not known count for nothing.
    pub fn parse(body: &'a [u8]) -> Result<Self, Error> {
        let mut d = whole(body)?;
        let mut problem = Self { code: None, title: None, detail: None };
        for _ in 0..d.map()? {
            if d.is_text() {
                d.skip()?;
                d.skip()?;
                continue;
            }
            match d.integer()? {
                -1 if d.is_text() => problem.title = Some(d.text()?),
                -2 if d.is_text() => problem.detail = Some(d.text()?),
                CODE => problem.code = Some(ProblemCode(d.u32()?)),
                _ => d.skip().map(drop)?,
            }
        }
        Ok(problem)
    }
}

/// A decoder of a body that is one deterministic item.
fn whole(body: &[u8]) -> Result<Decoder<'_>, Error> {
    let mut all = Decoder::new(body);
    all.skip()?;
    all.finish()?;
    Ok(Decoder::new(body))
}

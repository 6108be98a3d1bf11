//! What the server decides: the table of section 9, row by row.
//!
//! | # | here |
//! |---|---|
//! | 1, 2, 3 | [`Policy::trial`], and the reason in [`reason`] |
//! | 4 | [`other_account`] |
//! | 5, 6, 7 | [`Policy::place`] |
//! | 8 | [`Policy::suspicion`] |
//! | 9 | the beginning of [`Policy::decide`] |
//! | 10 | [`super::Provisioning::lose_serials`], and the number of a new database |
//!
//! Row 8 compares with what a device reported, not with what was issued: else two documents lost on their way would block it.

use super::books::{Account, DAY, Device, YEAR};

/// What the operator sets.
#[derive(Clone, Debug)]
pub struct Policy {
    /// Days of a trial.
    pub trial_days: u64,
    /// Days of a full license before it must be renewed, with the day of its refresh and the days of grace; `None`: for good.
    pub lease: Option<(u64, u64, u64)>,
    /// Most moves of a license in 365 days.
    pub moves: usize,
    /// Most re-activations of a device that lost its license in 365 days.
    pub reactivations: usize,
    /// Lowest level of a device that gets a trial.
    pub trial_level: u32,
    /// The oldest version of the client that is served, as numbers between dots; `None`: any.
    pub oldest_client: Option<&'static str>,
    /// What a full license costs, as the payment page shows it.
    pub price: &'static str,
}

impl Default for Policy {
    /// Section 7.3 and 9: 14 days, no lease, three moves, ten re-activations, any level.
    fn default() -> Self {
        Self {
            trial_days: 14,
            lease: None,
            moves: 3,
            reactivations: 10,
            trial_level: 0,
            oldest_client: None,
            price: "29.00 EUR",
        }
    }
}

/// What a device tells in its request.
#[derive(Clone, Debug, Default)]
pub(super) struct Asked {
    pub(super) op: u64,
    pub(super) ueid: Vec<u8>,
    pub(super) nonce: Vec<u8>,
    /// `None`: it does not say (requests that are not signed).
    pub(super) boots: Option<u64>,
    pub(super) held: (u64, u64),
    pub(super) capabilities: u64,
    pub(super) model: String,
    pub(super) version: String,
    /// Its ephemeral X25519 key, if it takes sealed documents.
    pub(super) ephemeral: Option<Vec<u8>>,
}

impl Asked {
    pub(super) const fn has(&self, capability: u64) -> bool {
        self.capabilities & capability != 0
    }

    /// Two bits of the capabilities.
    const fn level(&self) -> u64 {
        self.capabilities >> 8 & 3
    }
}

/// Capabilities (section 4.2).
pub(super) mod capability {
    pub(in super::super) const USER_ACTION: u64 = 1;
    pub(in super::super) const BROWSER: u64 = 2;
    pub(in super::super) const SEALED: u64 = 4;
    pub(in super::super) const NO_CLOCK: u64 = 16;
    pub(in super::super) const IDENTITY_LEVEL: u64 = 1 << 8;
}

/// A license to be issued.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Grant {
    pub(super) state: u64,
    pub(super) reason: u64,
    pub(super) expires: Option<u64>,
    pub(super) refresh_at: Option<u64>,
    pub(super) grace: u64,
    /// Seconds of use, for trials.
    pub(super) usage: Option<u64>,
}

/// What becomes of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Decision {
    /// Nobody knows whose device it is: the user has to say.
    SignUp,
    /// The user has to pay.
    Pay,
    /// The user wants to see the account.
    Account,
    Issue(Grant),
    /// A problem, by its code.
    Refuse(u64),
}

/// Problem codes of section 9.
pub(super) mod problem {
    pub(in super::super) const TRIAL_USED: u64 = 1;
    pub(in super::super) const ACCOUNT_MISMATCH: u64 = 2;
    pub(in super::super) const MOVES_EXHAUSTED: u64 = 3;
    pub(in super::super) const PAYMENT_REQUIRED: u64 = 4;
    pub(in super::super) const BLOCKED: u64 = 5;
    pub(in super::super) const BUSY: u64 = 7;
    pub(in super::super) const BAD_TOKEN: u64 = 8;
    pub(in super::super) const CLIENT_TOO_OLD: u64 = 9;
    pub(in super::super) const LEVEL_TOO_LOW: u64 = 10;
}

/// States and reasons of licenses (section 5).
pub(super) const NONE: u64 = 0;
pub(super) const TRIAL: u64 = 1;
pub(super) const FULL: u64 = 2;
const FIRST_TRIAL: u64 = 1;
const PAID: u64 = 2;
const REACTIVATION: u64 = 3;
const TRANSFER: u64 = 4;
const RENEWAL: u64 = 5;
const REFUND: u64 = 6;
const WITHDRAWN: u64 = 7;
/// Operations (section 4.1).
pub(super) const ACTIVATE: u64 = 1;
pub(super) const MY_ACCOUNT: u64 = 2;
pub(super) const RELEASE: u64 = 4;

impl Policy {
    /// The decision about what `device` asks for the account `owner`. Both are changed as if it were carried out; nothing of
    /// that counts unless a license is issued, but what is known of the device.
    pub(super) fn decide(
        &self,
        asked: &Asked,
        device: &mut Device,
        owner: Option<(&str, &mut Account)>,
        again: bool,
        now: u64,
    ) -> Decision {
        let too_old = self.oldest_client.is_some_and(|oldest| numbers(&asked.version) < numbers(oldest));
        if too_old {
            return Decision::Refuse(problem::CLIENT_TOO_OLD);
        }
        (device.seen, device.model) = (now, asked.model.clone());
        if let Some(refused) = self.suspicion(device, asked, again, now) {
            return refused;
        }
        let Some((name, account)) = owner else {
            // nothing is there to be given back
            return if asked.op == RELEASE { Decision::Issue(nothing(WITHDRAWN)) } else { Decision::SignUp };
        };
        if account.withdrawn {
            return Decision::Issue(nothing(WITHDRAWN));
        }
        if account.blocked || device.blocked {
            return Decision::Refuse(problem::BLOCKED);
        }
        if asked.op == RELEASE {
            if account.device.as_ref() == Some(&asked.ueid) {
                account.device = None;
            }
            device.account = None;
            return Decision::Issue(nothing(WITHDRAWN));
        }
        if asked.op == MY_ACCOUNT && !again {
            return Decision::Account;
        }
        self.serve(asked, device, name, account, now)
    }

    /// Rows 1 to 7.
    fn serve(
        &self,
        asked: &Asked,
        device: &mut Device,
        name: &str,
        account: &mut Account,
        now: u64,
    ) -> Decision {
        if let Some(refused) = other_account(device, name, account) {
            return refused;
        }
        let elsewhere = account.device.as_ref().is_some_and(|place| *place != asked.ueid);
        if let Some(decided) = self.place(asked, account, elsewhere, now) {
            return decided;
        }
        let begun = account.trial_end.is_none();
        if let Some(decided) = self.trial(asked, device, account, now) {
            return decided;
        }
        let reason = reason(asked, account, elsewhere, begun);
        if elsewhere {
            account.moves.push(now);
        }
        account.paid_told |= account.paid;
        account.refunded = false;
        device.trial_used |= !account.paid;
        device.account = Some(name.to_owned());
        account.device = Some(asked.ueid.clone());
        Decision::Issue(self.grant(account, reason, now))
    }

    /// Rows 5 to 7: the license is on another device. `None`: this one may have it.
    fn place(&self, asked: &Asked, account: &mut Account, elsewhere: bool, now: u64) -> Option<Decision> {
        if !elsewhere {
            return None;
        }
        // an old device that only refreshes does not take the license back
        if asked.op != ACTIVATE {
            return Some(if self.lease.is_some() || !account.paid {
                Decision::Refuse(problem::ACCOUNT_MISMATCH)
            } else {
                Decision::Issue(self.grant(account, RENEWAL, now))
            });
        }
        account.moves.retain(|moved| now.saturating_sub(*moved) < YEAR);
        (account.moves.len() >= self.moves).then_some(Decision::Refuse(problem::MOVES_EXHAUSTED))
    }

    /// Rows 1 to 3: an account that has not paid. `None`: its trial runs, or it has paid.
    fn trial(&self, asked: &Asked, device: &Device, account: &mut Account, now: u64) -> Option<Decision> {
        if account.paid || account.trial_end.is_some_and(|end| now < end) {
            return None;
        }
        if account.refunded {
            // whoever had the money back does not begin with a trial
            account.refunded = false;
            account.trial_end.get_or_insert(now);
            return Some(Decision::Issue(nothing(REFUND)));
        }
        if account.trial_end.is_some() {
            return Some(Decision::Pay);
        }
        if device.trial_used {
            return Some(Decision::Refuse(problem::TRIAL_USED));
        }
        if asked.level() < u64::from(self.trial_level) {
            return Some(Decision::Refuse(problem::LEVEL_TOO_LOW));
        }
        account.trial_end = Some(now + self.trial_days * DAY);
        None
    }

    /// Row 8: a device that shows less than it was given, or whose boot counts go back, is let through once; one that shows
    /// nothing at all has lost its storage, which is allowed, but not every day.
    fn suspicion(&self, device: &mut Device, asked: &Asked, again: bool, now: u64) -> Option<Decision> {
        if again {
            return None;
        }
        let lost = asked.held == (0, 0) && device.installed > (0, 0) && asked.op == ACTIVATE;
        if lost {
            // its boot count is lost with the rest
            device.boots = asked.boots.unwrap_or_default();
            device.losses.retain(|loss| now.saturating_sub(*loss) < YEAR);
            device.losses.push(now);
            let often = device.losses.len() > self.reactivations;
            return often.then_some(Decision::Refuse(problem::BLOCKED));
        }
        let older = asked.held != (0, 0) && asked.held < device.installed;
        let back = asked.boots.is_some_and(|boots| boots < device.boots);
        device.boots = device.boots.max(asked.boots.unwrap_or_default());
        if !older && !back {
            return None;
        }
        device.suspicions += 1;
        (device.suspicions > 1).then_some(Decision::Refuse(problem::BLOCKED))
    }

    fn grant(&self, account: &Account, reason: u64, now: u64) -> Grant {
        let full = Grant { state: FULL, ..nothing(reason) };
        match (account.paid, self.lease) {
            (true, None) => full,
            (true, Some((days, refresh, grace))) => Grant {
                expires: Some(now + days * DAY),
                refresh_at: Some(now + refresh * DAY),
                grace: grace * DAY,
                ..full
            },
            (false, _) => {
                let end = account.trial_end.unwrap_or(now);
                Grant {
                    state: TRIAL,
                    expires: Some(end),
                    refresh_at: Some(end.saturating_sub(DAY)),
                    usage: Some(end.saturating_sub(now)),
                    ..full
                }
            }
        }
    }
}

/// Row 4: another account does not give the device another trial.
fn other_account(device: &Device, name: &str, account: &Account) -> Option<Decision> {
    let other = device.account.as_ref().is_some_and(|before| before != name);
    let code = if device.trial_used { problem::TRIAL_USED } else { problem::ACCOUNT_MISMATCH };
    (other && !account.paid).then_some(Decision::Refuse(code))
}

/// Why a license is issued; `begun`: the trial begins with it.
fn reason(asked: &Asked, account: &Account, elsewhere: bool, begun: bool) -> u64 {
    if elsewhere {
        TRANSFER
    } else if account.refunded {
        REFUND
    } else if account.paid && !account.paid_told {
        PAID
    } else if !account.paid && begun {
        FIRST_TRIAL
    } else if asked.op == ACTIVATE {
        REACTIVATION
    } else {
        RENEWAL
    }
}

/// State unknown: given back, withdrawn or refunded.
const fn nothing(reason: u64) -> Grant {
    Grant { state: NONE, reason, expires: None, refresh_at: None, grace: 0, usage: None }
}

/// The numbers of a version.
fn numbers(version: &str) -> Vec<u64> {
    version.split('.').map(|part| part.parse().unwrap_or_default()).collect()
}

//! What the server knows of accounts and devices, and what it decides: the table of section 9, row by row.

use std::collections::BTreeMap;

/// Seconds of a day, and of the year in which moves are counted.
pub(super) const DAY: u64 = 86_400;
const YEAR: u64 = 365 * DAY;

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
}

impl Default for Policy {
    /// Section 7.3 and 9: 14 days, no lease, three moves, ten re-activations, any level.
    fn default() -> Self {
        Self { trial_days: 14, lease: None, moves: 3, reactivations: 10, trial_level: 0 }
    }
}

/// An account.
#[derive(Clone, Debug, Default)]
pub struct Account {
    /// It has paid.
    pub paid: bool,
    /// End of its trial, once it had one.
    pub trial_end: Option<u64>,
    /// The device that its license is on.
    pub device: Option<Vec<u8>>,
    /// When it was moved.
    pub moves: Vec<u64>,
    /// Nothing is issued to it.
    pub blocked: bool,
    /// Its license is taken away at the next contact.
    pub withdrawn: bool,
}

/// A device.
#[derive(Clone, Debug, Default)]
pub struct Device {
    /// The account it was activated for.
    pub account: Option<String>,
    /// It had its trial.
    pub trial_used: bool,
    /// The greatest serial that it reported to have installed: one that was only issued may have been lost on its way.
    pub installed: (u64, u64),
    /// The greatest boot count it told.
    pub boots: u64,
    /// When it came without a license although it had installed one.
    pub losses: Vec<u64>,
    /// How often it showed an older license, or an older boot count, than it should have.
    pub suspicions: u32,
    /// The account that the license on it was moved away from it by.
    pub moved_away: bool,
}

/// What a device tells in its request.
#[derive(Clone, Debug, Default)]
pub(super) struct Asked {
    pub(super) op: u64,
    pub(super) ueid: Vec<u8>,
    pub(super) nonce: Vec<u8>,
    pub(super) boots: u64,
    pub(super) held: (u64, u64),
    pub(super) capabilities: u64,
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
    Issue(Grant),
    /// A problem, by its code.
    Refuse(u64),
}

/// Problem codes of section 9.
pub(super) mod problem {
    pub(in super::super) const TRIAL_USED: u64 = 1;
    pub(in super::super) const ACCOUNT_MISMATCH: u64 = 2;
    pub(in super::super) const MOVES_EXHAUSTED: u64 = 3;
    pub(in super::super) const BLOCKED: u64 = 5;
    pub(in super::super) const BAD_TOKEN: u64 = 8;
    pub(in super::super) const LEVEL_TOO_LOW: u64 = 10;
}

/// States and reasons of licenses (section 5).
const TRIAL: u64 = 1;
const FULL: u64 = 2;
const FIRST_TRIAL: u64 = 1;
const PAID: u64 = 2;
const REACTIVATION: u64 = 3;
const TRANSFER: u64 = 4;
const RENEWAL: u64 = 5;
const WITHDRAWN: u64 = 7;
/// Operations (section 4.1).
const ACTIVATE: u64 = 1;
const RELEASE: u64 = 4;

/// Accounts by name, devices by identity.
#[derive(Clone, Debug, Default)]
pub(super) struct Books {
    pub(super) policy: Policy,
    pub(super) accounts: BTreeMap<String, Account>,
    pub(super) devices: BTreeMap<Vec<u8>, Device>,
}

impl Books {
    /// The decision about a device's request; `told` is the account that the user has named meanwhile.
    pub(super) fn decide(&mut self, asked: &Asked, told: Option<&str>, now: u64) -> Decision {
        let device = self.devices.entry(asked.ueid.clone()).or_default();
        if let Some(refused) = suspicion(device, asked, told.is_some(), &self.policy, now) {
            return refused;
        }
        let Some(name) = told.map(str::to_owned).or_else(|| device.account.clone()) else {
            return Decision::SignUp;
        };
        let account = self.accounts.entry(name.clone()).or_default();
        if account.withdrawn || asked.op == RELEASE {
            if asked.op == RELEASE {
                (account.device, device.account) = (None, None);
            }
            return Decision::Issue(nothing());
        }
        if account.blocked {
            return Decision::Refuse(problem::BLOCKED);
        }
        // row 4: another account does not give the device another trial
        let other = device.account.as_ref().is_some_and(|before| *before != name);
        if other && !account.paid {
            return Decision::Refuse(if device.trial_used {
                problem::TRIAL_USED
            } else {
                problem::ACCOUNT_MISMATCH
            });
        }
        let elsewhere = account.device.as_ref().is_some_and(|place| *place != asked.ueid);
        if elsewhere {
            // an old device that only refreshes does not take the license back
            if asked.op != ACTIVATE {
                return if self.policy.lease.is_some() || !account.paid {
                    Decision::Refuse(problem::ACCOUNT_MISMATCH)
                } else {
                    Decision::Issue(self.policy.grant(account, RENEWAL, now))
                };
            }
            account.moves.retain(|moved| now.saturating_sub(*moved) < YEAR);
            if account.moves.len() >= self.policy.moves {
                return Decision::Refuse(problem::MOVES_EXHAUSTED);
            }
        }
        let running = account.trial_end.is_some_and(|end| now < end);
        if !account.paid && !running {
            if account.trial_end.is_some() {
                return Decision::Pay;
            }
            if device.trial_used {
                return Decision::Refuse(problem::TRIAL_USED);
            }
            if (asked.capabilities >> 8 & 3) < u64::from(self.policy.trial_level) {
                return Decision::Refuse(problem::LEVEL_TOO_LOW);
            }
            account.trial_end = Some(now + self.policy.trial_days * DAY);
        }
        let reason = if elsewhere {
            account.moves.push(now);
            TRANSFER
        } else if account.device.is_none() {
            if account.paid { PAID } else { FIRST_TRIAL }
        } else if asked.op == ACTIVATE {
            REACTIVATION
        } else if account.paid && asked.held != (0, 0) && device.trial_used && !device.moved_away {
            // the first document behind the payment says so
            device.moved_away = true;
            PAID
        } else {
            RENEWAL
        };
        device.trial_used |= !account.paid;
        device.account = Some(name);
        account.device = Some(asked.ueid.clone());
        Decision::Issue(self.policy.grant(account, reason, now))
    }
}

/// Row 8: a device that shows less than it was given, or whose boot counts go back, is let through once; one that shows
/// nothing at all has lost its storage, which is allowed, but not every day.
fn suspicion(device: &mut Device, asked: &Asked, again: bool, policy: &Policy, now: u64) -> Option<Decision> {
    let lost = asked.held == (0, 0) && device.installed > (0, 0) && asked.op == ACTIVATE;
    let older = asked.held != (0, 0) && asked.held < device.installed;
    let back = asked.boots < device.boots && !lost;
    device.boots = device.boots.max(asked.boots);
    if again {
        return None;
    }
    if lost {
        device.losses.retain(|loss| now.saturating_sub(*loss) < YEAR);
        device.losses.push(now);
        return (device.losses.len() > policy.reactivations).then_some(Decision::Refuse(problem::BLOCKED));
    }
    if older || back {
        device.suspicions += 1;
    }
    (device.suspicions > 1 && (older || back)).then_some(Decision::Refuse(problem::BLOCKED))
}

/// State unknown: given back or withdrawn.
const fn nothing() -> Grant {
    Grant { state: 0, reason: WITHDRAWN, expires: None, refresh_at: None, grace: 0, usage: None }
}

impl Policy {
    fn grant(&self, account: &Account, reason: u64, now: u64) -> Grant {
        let none = Grant { state: FULL, reason, ..nothing() };
        match (account.paid, self.lease) {
            (true, None) => none,
            (true, Some((days, refresh, grace))) => Grant {
                expires: Some(now + days * DAY),
                refresh_at: Some(now + refresh * DAY),
                grace: grace * DAY,
                ..none
            },
            (false, _) => {
                let end = account.trial_end.unwrap_or(now);
                Grant {
                    state: TRIAL,
                    expires: Some(end),
                    refresh_at: Some(end.saturating_sub(DAY)),
                    usage: Some(end.saturating_sub(now)),
                    ..none
                }
            }
        }
    }
}

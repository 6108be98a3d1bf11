//! What a license permits (section 7.3): a pure function, the same inputs giving the same answer.

use core::fmt;

use super::{Claims, Serial, State};

/// What is kept of an accepted document to judge by: its license without texts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Terms {
    /// Its state.
    pub state: State,
    /// Its number.
    pub serial: Serial,
    /// When it expires; `None`: never.
    pub expires: Option<u64>,
    /// When to ask for a newer one.
    pub refresh_at: Option<u64>,
    /// Seconds of grace behind the end.
    pub grace: u32,
    /// Seconds the device may be on.
    pub usage_budget: Option<u32>,
    /// How often it may start.
    pub boot_budget: Option<u32>,
    /// Whether other service providers' configurations are admitted.
    pub any_service: bool,
    /// Features, as bits.
    pub features: u64,
    /// When it was issued.
    pub issued_at: u64,
}

impl Terms {
    /// No license.
    pub const NONE: Self = Self {
        state: State::Unknown,
        serial: Serial::NONE,
        expires: None,
        refresh_at: None,
        grace: 0,
        usage_budget: None,
        boot_budget: None,
        any_service: false,
        features: 0,
        issued_at: 0,
    };

    /// Those of a document; `None` if it has no license.
    pub fn of(claims: &Claims<'_>) -> Option<Self> {
        let license = claims.license.as_ref()?;
        Some(Self {
            state: license.state,
            serial: license.serial,
            expires: claims.expires,
            refresh_at: license.refresh_at,
            grace: license.grace,
            usage_budget: license.usage_budget,
            boot_budget: license.boot_budget,
            any_service: license.any_service,
            features: license.features,
            issued_at: claims.issued_at,
        })
    }
}

/// What the verdict depends on besides the terms.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Facts {
    /// The effective time; see [`super::time`].
    pub now: u64,
    /// Whether the device has a clock: without one the end is not evaluated, the budgets are.
    pub has_clock: bool,
    /// Powered-on seconds since the document was installed.
    pub usage: u32,
    /// Starts since then.
    pub boots: u32,
    /// The newest document is damaged and an older one stands in: whether it still may.
    pub stand_in: Option<bool>,
}

/// What the license permits now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Yes.
    Allowed,
    /// Yes, and a newer one should be asked for.
    RefreshDue,
    /// Yes, for a while.
    Grace(Grace),
    /// No.
    Denied(Denial),
}

/// Why there is grace.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Grace {
    /// The newest document is damaged.
    Storage,
    /// It has expired.
    Expired,
}

/// Why it is denied.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Denial {
    /// There is no license.
    Unknown,
    /// What it allowed is used up.
    Budget,
    /// It has expired.
    Expired,
}

impl Verdict {
    /// Whether what is licensed may be used.
    pub const fn permits(self) -> bool {
        !matches!(self, Self::Denied(_))
    }

    /// Whether the server should be asked (operation 3; operation 1 for an unknown license).
    pub const fn calls_for_contact(self) -> bool {
        !matches!(self, Self::Allowed)
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Allowed => "allowed",
            Self::RefreshDue => "allowed(refresh-due)",
            Self::Grace(Grace::Storage) => "grace(storage)",
            Self::Grace(Grace::Expired) => "grace(expired)",
            Self::Denied(Denial::Unknown) => "denied(unknown)",
            Self::Denied(Denial::Budget) => "denied(budget)",
            Self::Denied(Denial::Expired) => "denied(expired)",
        })
    }
}

/// The table of section 7.3, first match. An older document whose time as a stand-in is over counts as none: it may grant
/// what the damaged one took away.
pub fn verdict(terms: &Terms, facts: &Facts) -> Verdict {
    if terms.state == State::Unknown {
        return Verdict::Denied(Denial::Unknown);
    }
    match facts.stand_in {
        Some(true) => return Verdict::Grace(Grace::Storage),
        Some(false) => return Verdict::Denied(Denial::Unknown),
        None => {}
    }
    let spent = |budget: Option<u32>, used| budget.is_some_and(|budget| used >= budget);
    if spent(terms.usage_budget, facts.usage) || spent(terms.boot_budget, facts.boots) {
        return Verdict::Denied(Denial::Budget);
    }
    let due = terms.refresh_at.is_some_and(|at| facts.now >= at);
    let allowed = if due { Verdict::RefreshDue } else { Verdict::Allowed };
    match terms.expires.filter(|_| facts.has_clock) {
        None => allowed,
        Some(end) if facts.now < end => allowed,
        Some(end) if facts.now < end.saturating_add(terms.grace.into()) => Verdict::Grace(Grace::Expired),
        Some(_) => Verdict::Denied(Denial::Expired),
    }
}

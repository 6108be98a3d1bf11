//! The time a license is judged by (section 7.2): two floors, and a clock that is used as far as it can be believed.
//!
//! The floor of signed times never goes down. The soft floor, the greatest time seen, goes down only to the time of a newer
//! accepted document: so one contact repairs a device whose clock once stood in the far future.

use core::time::Duration;

use super::limits::{CLOCK_JUMP, CLOCK_REFUTED, CLOCK_TOLERANCE};

/// What of the time survives a restart.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Floors {
    /// The greatest signed time that was accepted, in seconds since 1970; at first, when the image was built.
    pub auth: u64,
    /// The greatest effective time seen.
    pub soft: u64,
    /// A signed time has shown that the clock is far ahead.
    pub refuted: bool,
}

/// The floors, and when the soft one was set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Timekeeper {
    floors: Floors,
    /// Uptime at which the soft floor was the time.
    since: Duration,
}

/// What the clock shows, and what is thought of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reading {
    /// The effective time: never below the floors.
    pub now: u64,
    /// What is wrong with the clock, if anything.
    pub doubt: Option<Doubt>,
}

/// What is wrong with a clock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Doubt {
    /// It was set back (`clock-doubt`): not used.
    Behind,
    /// It is more than 400 days ahead: used, but not written down.
    Ahead,
    /// It is ahead of what a signed time has shown: not used.
    Refuted,
}

impl Timekeeper {
    /// From what survived, at uptime `now`.
    pub const fn new(floors: Floors, now: Duration) -> Self {
        Self { floors, since: now }
    }

    /// The time at uptime `now` on a device whose clock shows `rtc`, in seconds since 1970; `None`: no clock, or not set.
    pub fn read(&self, now: Duration, rtc: Option<u64>) -> Reading {
        let known = self.known(now);
        let Some(rtc) = rtc else { return Reading { now: known, doubt: None } };
        let doubt = if rtc < self.floors.soft.max(self.floors.auth).saturating_sub(CLOCK_TOLERANCE) {
            Some(Doubt::Behind)
        } else if self.floors.refuted && rtc > known.saturating_add(CLOCK_REFUTED) {
            Some(Doubt::Refuted)
        } else if rtc > known.saturating_add(CLOCK_JUMP) {
            Some(Doubt::Ahead)
        } else {
            None
        };
        let used = if doubt == Some(Doubt::Refuted) { 0 } else { rtc };
        Reading { now: known.max(used), doubt }
    }

    /// Writes down the time: what to keep now.
    pub fn save(&mut self, now: Duration, rtc: Option<u64>) -> Floors {
        let reading = self.read(now, rtc);
        let seen = if reading.doubt == Some(Doubt::Ahead) { self.known(now) } else { reading.now };
        if rtc.is_some() && reading.doubt.is_none() {
            self.floors.refuted = false;
        }
        self.floors.soft = seen;
        self.since = now;
        self.floors
    }

    /// A newer document was accepted, signed at `issued_at`: the floors to keep with it.
    pub fn confirm(&mut self, now: Duration, rtc: Option<u64>, issued_at: u64) -> Floors {
        self.floors.auth = self.floors.auth.max(issued_at);
        self.floors.soft = issued_at;
        self.since = now;
        self.floors.refuted = rtc.is_some_and(|rtc| rtc > issued_at.saturating_add(CLOCK_REFUTED));
        self.floors
    }

    /// What is kept at present.
    pub const fn floors(&self) -> Floors {
        self.floors
    }

    /// The time without a clock: the floors and the uptime since.
    fn known(&self, now: Duration) -> u64 {
        // whole seconds of each: the difference of two durations keeps a path to a panic
        let up = now.as_secs().saturating_sub(self.since.as_secs());
        self.floors.soft.saturating_add(up).max(self.floors.auth)
    }
}

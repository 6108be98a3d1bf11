//! When to ask again (section 4.4): retries that back off, refreshes that are spread, and a bound of the day.

use core::time::Duration;

use super::limits::{DAILY_REQUESTS, DAY, RETRY_AFTER_MOST, RETRY_FIRST, RETRY_MOST, USER_PAUSE};

/// The pause before try number `tries` (from 1): 30 s, doubling, at most 6 h, a fifth more or less as `random` decides.
pub fn pause(tries: u8, random: u8) -> Duration {
    let doubled = RETRY_FIRST.saturating_mul(1_u32 << tries.saturating_sub(1).min(10)).min(RETRY_MOST);
    let fifth = doubled.as_secs().saturating_mul(1000).checked_div(5).unwrap_or_default();
    let drawn = fifth.saturating_mul(2).saturating_mul(random.into()).checked_div(255).unwrap_or_default();
    Duration::from_millis(fifth.saturating_mul(4).saturating_add(drawn))
}

/// What a server asked for, as far as it is obeyed.
pub fn retry_after(seconds: u32) -> Duration {
    Duration::from_secs(seconds.into()).min(RETRY_AFTER_MOST)
}

/// When a device with this `spread` (its own number, always the same) refreshes a license of `issued_at`: 0 to 10 % of the
/// interval behind `refresh_at`, so that a fleet does not come at once.
pub fn refresh_at(issued_at: u64, refresh_at: u64, spread: u8) -> u64 {
    let tenth = refresh_at.saturating_sub(issued_at).checked_div(10).unwrap_or_default();
    let offset = tenth.checked_mul(spread.into()).and_then(|n| n.checked_div(255));
    refresh_at.saturating_add(offset.unwrap_or(tenth))
}

/// A device's own number for [`refresh_at`]: any hash of its identity.
pub fn spread_of(ueid: &[u8]) -> u8 {
    ueid.iter().fold(0x5B, |hash: u8, octet| hash.rotate_left(3).wrapping_mul(5) ^ octet)
}

/// Counts requests, so that timers start at most 24 a day, and the user one in two seconds.
#[derive(Clone, Copy, Debug, Default)]
pub struct Pace {
    /// When the day of [`Self::asked`] began.
    day: Duration,
    asked: u8,
    last: Option<Duration>,
}

impl Pace {
    /// Whether a timer may start a request at `now`; counts it.
    pub fn timer(&mut self, now: Duration) -> bool {
        if now >= self.day_ends() {
            *self = Self { day: now, asked: 0, last: self.last };
        }
        let may = self.asked < DAILY_REQUESTS;
        if may {
            self.asked = self.asked.saturating_add(1);
            self.last = Some(now);
        }
        may
    }

    /// When timers may start requests again, after [`Self::timer`] has refused.
    pub fn day_ends(&self) -> Duration {
        self.day.saturating_add(Duration::from_secs(DAY))
    }

    /// Whether the user may.
    pub fn user(&mut self, now: Duration) -> bool {
        let may = self.last.is_none_or(|last| now >= last.saturating_add(USER_PAUSE));
        if may {
            self.last = Some(now);
        }
        may
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_double_up_to_six_hours_a_fifth_more_or_less() {
        for (tries, seconds) in
            [(0, 30), (1, 30), (2, 60), (5, 480), (10, 15_360), (11, 21_600), (255, 21_600)]
        {
            let (least, most) = (pause(tries, 0), pause(tries, 255));
            assert_eq!(least, Duration::from_secs(seconds) * 4 / 5, "{tries}");
            assert_eq!(most, Duration::from_secs(seconds) * 6 / 5, "{tries}");
            assert!((0..255).all(|random| pause(tries, random) <= pause(tries, random + 1)));
        }
        assert_eq!(retry_after(7), Duration::from_secs(7));
        assert_eq!(retry_after(u32::MAX), RETRY_AFTER_MOST);
    }

    #[test]
    fn a_fleet_is_spread_over_a_tenth_of_the_interval() {
        assert_eq!(refresh_at(1000, 2000, 0), 2000);
        assert_eq!(refresh_at(1000, 2000, 255), 2100);
        assert_eq!(refresh_at(2000, 1000, 255), 1000, "no interval, no offset");
        assert_eq!(refresh_at(0, u64::MAX, 255), u64::MAX);
        let mut seen = [false; 256];
        for device in 0_u16..2000 {
            let [high, low] = device.to_be_bytes();
            seen[usize::from(spread_of(&[3, 3, 5, 6, 9, 3, high, low]))] = true;
        }
        assert!(seen.iter().filter(|seen| **seen).count() > 200);
    }

    #[test]
    fn timers_start_at_most_24_requests_a_day() {
        let mut pace = Pace::default();
        let asked = (0..3 * DAY / 60).filter(|minute| pace.timer(Duration::from_secs(minute * 60)));
        assert_eq!(asked.count(), 3 * 24);
        assert_eq!(pace.day_ends(), Duration::from_secs(3 * DAY));
        let mut pace = Pace::default();
        let asked = (0..100).filter(|tenth| pace.user(Duration::from_millis(tenth * 100)));
        assert_eq!(asked.count(), 5, "in ten seconds");
    }
}

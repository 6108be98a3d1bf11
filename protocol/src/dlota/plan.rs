//! When to try again.

use core::time::Duration;

/// The pauses between tries: doubling from the first to the longest, each with a random part of up to a quarter so that
/// devices that failed together do not come back together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Plan {
    /// The pause before the second try.
    pub first: Duration,
    /// The longest pause, without its random part.
    pub longest: Duration,
    /// Tries in all; after so many failed ones the download is given up.
    pub tries: u8,
}

impl Plan {
    /// The pause after `failures` failed tries (1 or more); `random` is one random octet.
    pub fn pause(&self, failures: u8, random: u8) -> Duration {
        let doubled =
            self.first.saturating_mul(1_u32 << failures.saturating_sub(1).min(16)).min(self.longest);
        let part = doubled.saturating_mul(u32::from(random)).checked_div(1024).unwrap_or_default();
        doubled.saturating_add(part)
    }

    /// Whether there is no further try after `failures` failed ones.
    pub const fn is_over(&self, failures: u8) -> bool {
        failures >= self.tries
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_double_up_to_the_longest() {
        let seconds = Duration::from_secs;
        let plan = Plan { first: seconds(2), longest: seconds(60), tries: 8 };
        let pauses = [1, 2, 3, 4, 5, 6, 255].map(|failures| plan.pause(failures, 0).as_secs());
        assert_eq!(pauses, [2, 4, 8, 16, 32, 60, 60]);
        assert_eq!(plan.pause(1, 255), Duration::from_nanos(2_498_046_875), "a quarter at most");
        assert!(!plan.is_over(7) && plan.is_over(8));
        let endless = Plan { first: Duration::MAX, longest: Duration::MAX, tries: 0 };
        assert_eq!(endless.pause(9, 9), Duration::MAX);
    }
}

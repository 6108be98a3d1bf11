//! How many pushes are looked at: anybody can send them, and each costs the device time and perhaps the user a question.

use core::time::Duration;

use kedge_platform::clock::between;

use crate::limits;

/// What may still come, and what was too much.
#[derive(Clone, Copy, Debug)]
pub(super) struct Flood {
    /// So many more at once.
    left: u8,
    /// When the last one was added to them.
    since: Duration,
    /// How many were not looked at since the start.
    refused: u32,
}

impl Flood {
    /// None has come.
    pub(super) const fn new() -> Self {
        Self { left: limits::PUSHES, since: Duration::ZERO, refused: 0 }
    }

    /// Whether one more is looked at now; the error is how many were not.
    pub(super) fn admit(&mut self, now: Duration) -> Result<(), u32> {
        while self.left < limits::PUSHES && between(self.since, now) >= limits::PUSH_PAUSE {
            self.left = self.left.saturating_add(1);
            self.since = self.since.saturating_add(limits::PUSH_PAUSE);
        }
        if self.left == limits::PUSHES {
            self.since = now;
        }
        if let Some(left) = self.left.checked_sub(1) {
            self.left = left;
            Ok(())
        } else {
            self.refused = self.refused.saturating_add(1);
            Err(self.refused)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_burst_is_taken_and_a_flood_is_counted() {
        let mut flood = Flood::new();
        let at = |pauses: u32| Duration::from_secs(5) + limits::PUSH_PAUSE * pauses;
        for _ in 0..limits::PUSHES {
            assert_eq!(flood.admit(at(0)), Ok(()));
        }
        assert_eq!((flood.admit(at(0)), flood.admit(at(0))), (Err(1), Err(2)));
        assert_eq!((flood.admit(at(1)), flood.admit(at(1))), (Ok(()), Err(3)), "one for each pause");
        // After a long silence there are as many as at the start, and no more.
        let taken = (0..255).filter(|_| flood.admit(at(1000)).is_ok()).count();
        assert_eq!(taken, usize::from(limits::PUSHES));
        assert_eq!((flood.admit(Duration::ZERO).is_err(), flood.admit(at(1001))), (true, Ok(())));
    }
}

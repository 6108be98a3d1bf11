//! The restart line of the simulated device.

use kedge_platform::power::{self, Restart};

/// Remembers restarts; whoever plays the device carries them out.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Power {
    restarts: Vec<Restart>,
    pending: Option<Restart>,
}

impl Power {
    /// A device that was not restarted yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// All restarts asked for, first to last.
    pub fn restarts(&self) -> &[Restart] {
        &self.restarts
    }

    /// The restart that was asked for since the last call, if any; the first wins, as it would have ended the program.
    pub fn take(&mut self) -> Option<Restart> {
        self.pending.take()
    }
}

impl power::Power for Power {
    fn restart(&mut self, why: Restart) {
        self.restarts.push(why);
        self.pending.get_or_insert(why);
    }
}

#[cfg(test)]
mod tests {
    use kedge_platform::power::Power as _;

    use super::*;

    #[test]
    fn restarts_are_remembered_and_taken_once() {
        let mut power = Power::new();
        assert_eq!(power.take(), None);
        power.restart(Restart::UpdateAgent);
        power.restart(Restart::Settings);
        assert_eq!(power.take(), Some(Restart::UpdateAgent));
        assert_eq!(power.take(), None);
        assert_eq!(power.restarts(), [Restart::UpdateAgent, Restart::Settings]);
    }
}

//! What makes the agent act: a button, a push, a timer, its own outbox.
//!
//! A trigger that repeats while it waits or runs is merged into one. While a session runs, one other trigger may wait
//! (`spec/iota.md` B6 rule 7); a second one is refused, which its source must be able to bear.

use kedge_protocol::is683::engine::Mode;

use crate::limits;

/// Why a session is to be held.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Kind {
    /// The activation button, or the first start: go to the activation URL.
    Activation = 0,
    /// A push named the URL.
    Push = 1,
    /// The user asked for a software update.
    UpdateCheck = 2,
    /// A result waits in the outbox.
    Status = 3,
    /// A push named the URL, and the user waits for it: he dialled a star code, or agreed to a service indication.
    Invited = 4,
    /// A push brought the session's first document instead of a URL.
    Document = 5,
}

impl Kind {
    /// Whether the user began it, and is told how it ended.
    pub const fn is_users(self) -> bool {
        matches!(self, Self::Activation | Self::UpdateCheck | Self::Invited)
    }

    /// Who began an IS-683 session of this kind. What the network begins without the user (a silent push) may only go on as
    /// over-the-air parameter administration: OTAPA Request "start" first, and nobody is shown anything.
    pub const fn mode(self) -> Mode {
        match self {
            Self::Push | Self::Document => Mode::NetworkInitiated,
            Self::Activation | Self::UpdateCheck | Self::Status | Self::Invited => Mode::UserInitiated,
        }
    }

    /// The kind with this number in a [`crate::store::Resume`] record.
    pub const fn from_number(n: u8) -> Option<Self> {
        match n {
            0 => Some(Self::Activation),
            1 => Some(Self::Push),
            2 => Some(Self::UpdateCheck),
            3 => Some(Self::Status),
            4 => Some(Self::Invited),
            5 => Some(Self::Document),
            _ => None,
        }
    }
}

/// A request for a session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trigger {
    /// Why.
    pub kind: Kind,
    /// Where the session starts; empty for [`Kind::Document`].
    pub url: heapless::String<{ limits::URL }>,
}

impl Trigger {
    /// A trigger; `None` if the URL is longer than [`limits::URL`].
    pub fn new(kind: Kind, url: &str) -> Option<Self> {
        heapless::String::try_from(url).ok().map(|url| Self { kind, url })
    }
}

/// What became of a trigger.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Accepted {
    /// It will start a session.
    Queued,
    /// The same one is running or waiting.
    Merged,
    /// Another one is waiting already.
    Refused,
}

/// The triggers that wait.
#[derive(Clone, Debug, Default)]
pub struct Queue {
    waiting: heapless::Deque<Trigger, { limits::WAITING_TRIGGERS }>,
}

impl Queue {
    /// Nothing waits.
    pub const fn new() -> Self {
        Self { waiting: heapless::Deque::new() }
    }

    /// Adds `trigger`, unless it is the one that is `running` or waits already.
    pub fn offer(&mut self, trigger: Trigger, running: Option<&Trigger>) -> Accepted {
        if running == Some(&trigger) || self.waiting.iter().any(|t| *t == trigger) {
            return Accepted::Merged;
        }
        match self.waiting.push_back(trigger) {
            Ok(()) => Accepted::Queued,
            Err(_) => Accepted::Refused,
        }
    }

    /// The next one.
    pub fn take(&mut self) -> Option<Trigger> {
        self.waiting.pop_front()
    }

    /// Whether nothing waits.
    pub fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn repeats_merge_and_a_second_one_is_refused() {
        let trigger = |url| Trigger::new(Kind::Push, url).unwrap();
        let running = trigger("http://a/");
        let mut queue = Queue::new();
        assert_eq!(queue.offer(trigger("http://a/"), Some(&running)), Accepted::Merged);
        assert_eq!(queue.offer(trigger("http://b/"), Some(&running)), Accepted::Queued);
        assert_eq!(queue.offer(trigger("http://b/"), Some(&running)), Accepted::Merged);
        assert_eq!(queue.offer(trigger("http://c/"), Some(&running)), Accepted::Refused);
        assert_eq!(queue.take(), Some(trigger("http://b/")));
        assert!(queue.is_empty());
    }
}

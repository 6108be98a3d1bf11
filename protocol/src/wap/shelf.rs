use super::{Date, Indication, Signal};

/// Longest id that tells service indications apart; of a longer one the beginning counts.
const ID: usize = 64;

/// What becomes of a service indication.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shelved {
    /// It is a new one: to be announced as its action says.
    New,
    /// It takes the place of an older one with the same id, which is no longer to be shown.
    Replaces,
    /// It is not to be announced: `signal-none`.
    Silent,
    /// One of the same id that is not older is there already.
    OutOfDate,
    /// It has expired.
    Expired,
    /// It withdraws others: so many were there.
    Withdraws(usize),
}

/// The service indications that a device keeps, `N` at most, by the rules of WAP-167 (`wap-push.md` section 5): one of each
/// id, the newest; a withdrawal removes; what has expired is dropped. When there is no room, the one that was shelved first
/// gives way.
#[derive(Clone, Debug)]
pub struct Shelf<const N: usize> {
    /// Oldest first; the free places are behind.
    entries: [Option<Entry>; N],
}

#[derive(Clone, Copy, Debug)]
struct Entry {
    id: [u8; ID],
    created: Option<Date>,
    expires: Option<Date>,
}

impl<const N: usize> Shelf<N> {
    /// Nothing is kept.
    pub const fn new() -> Self {
        Self { entries: [None; N] }
    }

    /// Takes an indication at the time `now`, if the device knows it; without that nothing expires.
    ///
    /// One without an id (no `si-id`, no `href`) only informs: it is always new and not kept.
    pub fn offer(&mut self, now: Option<Date>, indication: &Indication<'_>) -> Shelved {
        self.expire(now);
        if is_over(indication.expires, now) {
            return Shelved::Expired;
        }
        let id = indication.id().map(shortened);
        if indication.action == Signal::Delete {
            return Shelved::Withdraws(id.map_or(0, |id| self.remove(|entry| entry.id == id)));
        }
        let Some(id) = id else { return announced(indication, Shelved::New) };
        let newest = self.entries.iter().flatten().find(|entry| entry.id == id);
        if let (Some(Some(old)), Some(new)) = (newest.map(|entry| entry.created), indication.created)
            && new <= old
        {
            return Shelved::OutOfDate;
        }
        let replaced = self.remove(|entry| entry.id == id) > 0;
        self.keep(Entry { id, created: indication.created, expires: indication.expires });
        announced(indication, if replaced { Shelved::Replaces } else { Shelved::New })
    }

    /// Drops what has expired; returns how many.
    pub fn expire(&mut self, now: Option<Date>) -> usize {
        self.remove(|entry| is_over(entry.expires, now))
    }

    /// How many are kept.
    pub fn len(&self) -> usize {
        self.entries.iter().flatten().count()
    }

    /// Whether none is kept.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    fn keep(&mut self, entry: Entry) {
        if self.len() == N {
            let mut rest = self.entries.into_iter().skip(1);
            self.entries = core::array::from_fn(|_| rest.next().flatten());
        }
        if let Some(free) = self.entries.iter_mut().find(|slot| slot.is_none()) {
            *free = Some(entry);
        }
    }

    fn remove(&mut self, unwanted: impl Fn(&Entry) -> bool) -> usize {
        let before = self.len();
        let mut kept = self.entries.into_iter().flatten().filter(|entry| !unwanted(entry));
        self.entries = core::array::from_fn(|_| kept.next());
        before.saturating_sub(self.len())
    }
}

impl<const N: usize> Default for Shelf<N> {
    fn default() -> Self {
        Self::new()
    }
}

fn announced(indication: &Indication<'_>, shelved: Shelved) -> Shelved {
    if indication.action == Signal::None { Shelved::Silent } else { shelved }
}

fn is_over(expires: Option<Date>, now: Option<Date>) -> bool {
    matches!((expires, now), (Some(expires), Some(now)) if expires <= now)
}

fn shortened(id: &str) -> [u8; ID] {
    let mut octets = id.bytes();
    core::array::from_fn(|_| octets.next().unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn si(id: &str, day: u8, action: Signal) -> Indication<'_> {
        let created = Date::new(2026, 11, day, 0, 0, 0);
        Indication { href: Some("http://a/"), si_id: Some(id), action, created, expires: None, text: "" }
    }

    #[test]
    fn the_newest_of_one_id_counts() {
        let mut shelf = Shelf::<2>::new();
        assert_eq!(shelf.offer(None, &si("a", 2, Signal::Medium)), Shelved::New);
        assert_eq!(shelf.offer(None, &si("a", 1, Signal::High)), Shelved::OutOfDate);
        assert_eq!(shelf.offer(None, &si("a", 2, Signal::High)), Shelved::OutOfDate);
        assert_eq!(shelf.offer(None, &si("a", 3, Signal::Low)), Shelved::Replaces);
        assert_eq!(shelf.offer(None, &si("b", 1, Signal::None)), Shelved::Silent);
        assert_eq!(shelf.len(), 2);
        // Full: the one that was shelved first gives way, so that its id is new again.
        assert_eq!(shelf.offer(None, &si("c", 1, Signal::Low)), Shelved::New);
        assert_eq!(shelf.offer(None, &si("a", 1, Signal::Low)), Shelved::New);
    }

    #[test]
    fn a_withdrawal_removes_and_without_an_id_nothing_is_kept() {
        let mut shelf = Shelf::<4>::new();
        shelf.offer(None, &si("a", 1, Signal::Medium));
        assert_eq!(shelf.offer(None, &si("a", 1, Signal::Delete)), Shelved::Withdraws(1));
        assert_eq!(shelf.offer(None, &si("a", 1, Signal::Delete)), Shelved::Withdraws(0));
        assert!(shelf.is_empty());
        // The URL is the id where there is no other.
        let by_url = Indication { si_id: None, ..si("", 1, Signal::Medium) };
        assert_eq!(shelf.offer(None, &by_url), Shelved::New);
        assert_eq!(shelf.offer(None, &by_url), Shelved::OutOfDate);
        let notice = Indication { href: None, ..by_url };
        assert_eq!(shelf.offer(None, &notice), Shelved::New);
        assert_eq!(shelf.offer(None, &notice), Shelved::New);
        assert_eq!(shelf.len(), 1);
    }

    #[test]
    fn what_has_expired_is_dropped() {
        let mut shelf = Shelf::<4>::new();
        let (early, late) = (Date::new(2026, 11, 2, 0, 0, 0), Date::new(2026, 11, 9, 0, 0, 0));
        let short = Indication { expires: early, ..si("a", 1, Signal::Medium) };
        assert_eq!(shelf.offer(late, &short), Shelved::Expired);
        assert_eq!(shelf.offer(None, &short), Shelved::New);
        assert_eq!((shelf.expire(None), shelf.expire(early), shelf.len()), (0, 1, 0));
    }
}

use core::time::Duration;

use crate::wire::{Slot, Writer};

/// How long the segments of a datagram are waited for, counted from the first (`wap-push.md` section 10, item 8).
pub const LIFETIME: Duration = Duration::from_secs(5 * 60);

/// One segment of a datagram.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Segment<'a, K> {
    /// What all segments of one datagram share and no other datagram has: originator, reference number, and the like.
    pub key: K,
    /// How many segments there are, at least 1.
    pub total: u8,
    /// Which one this is, from 0.
    pub number: u8,
    /// Its octets.
    pub octets: &'a [u8],
}

/// What a segment led to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Progress<'o> {
    /// So many more are to come.
    Missing(u8),
    /// The same segment was here already; nothing changed.
    Duplicate,
    /// The datagram.
    Whole(&'o [u8]),
}

/// Why a segment was refused. It changed nothing, except that with [`Refused::NoRoom`] its datagram is given up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Refused {
    /// No segments at all, or a number that is not below their total.
    BadNumber,
    /// The segment is so many octets longer than a cell.
    TooLong(usize),
    /// The datagram has so many segments more than there are cells.
    TooMany(usize),
    /// Another total, or other octets under the same number, than came before.
    Contradiction,
    /// The datagram is so many octets longer than the caller's buffer.
    NoRoom(usize),
}

impl core::fmt::Display for Refused {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self {
            Self::BadNumber => f.write_str("segment number outside its total"),
            Self::TooLong(excess) => write!(f, "segment {excess} octets too long"),
            Self::TooMany(excess) => write!(f, "{excess} segments too many"),
            Self::Contradiction => f.write_str("segment contradicts an earlier one"),
            Self::NoRoom(missing) => write!(f, "datagram does not fit, {missing} octets missing"),
        }
    }
}

impl core::error::Error for Refused {}

/// What happened so far; each count stops at its largest value.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Datagrams that became whole.
    pub whole: u32,
    /// Segments that had come before.
    pub duplicates: u32,
    /// Segments that were refused.
    pub refused: u32,
    /// Datagrams that did not become whole within [`LIFETIME`].
    pub expired: u32,
    /// Incomplete datagrams that had to give way to newer ones.
    pub displaced: u32,
}

/// Puts segments together: any order, duplicates, lost ones, floods; in bounded memory and time.
///
/// Memory is `CELLS` cells of `CELL` octets, one segment each, shared by at most `DATAGRAMS` datagrams (below 256). When
/// either runs out, the datagrams that are already whole give way first, then the oldest incomplete one: a sender who
/// never finishes cannot shut out the others.
///
/// A datagram that became whole stays remembered until its lifetime ends, so that a segment repeated by the network is not
/// taken for the beginning of a new one. A *different* segment under the same key then begins a new datagram: reference
/// numbers are used again, by some senders at once.
///
/// ```
/// use core::time::Duration;
/// use kedge_protocol::sms::{Progress, Reassembly, Segment};
///
/// let mut datagrams = Reassembly::<u8, 2, 4, 140>::new();
/// let segment = |number, octets| Segment { key: 7, total: 2, number, octets };
/// let mut out = [0; 16];
/// assert_eq!(datagrams.add(Duration::ZERO, &segment(1, b"lo"), &mut out), Ok(Progress::Missing(1)));
/// assert_eq!(datagrams.add(Duration::ZERO, &segment(0, b"hel"), &mut out), Ok(Progress::Whole(b"hello")));
/// ```
#[derive(Clone, Debug)]
pub struct Reassembly<K, const DATAGRAMS: usize, const CELLS: usize, const CELL: usize> {
    datagrams: [Slot<Datagram<K>>; DATAGRAMS],
    cells: [Cell<CELL>; CELLS],
    counts: Counts,
}

/// A datagram of which at least one segment came.
#[derive(Clone, Copy, Debug)]
struct Datagram<K> {
    key: K,
    total: u8,
    /// The end of its lifetime.
    until: Duration,
    whole: bool,
}

/// One segment's octets.
#[derive(Clone, Copy, Debug)]
struct Cell<const CELL: usize> {
    /// The place of its datagram; `None`: the cell is free.
    owner: Option<usize>,
    number: u8,
    len: usize,
    octets: [u8; CELL],
}

impl<const CELL: usize> Cell<CELL> {
    fn octets(&self) -> &[u8] {
        self.octets.get(..self.len).unwrap_or_default()
    }
}

impl<K: Copy + Eq, const DATAGRAMS: usize, const CELLS: usize, const CELL: usize>
    Reassembly<K, DATAGRAMS, CELLS, CELL>
{
    /// Nothing has come yet.
    pub const fn new() -> Self {
        const { assert!(DATAGRAMS > 0 && CELLS > 0 && CELL > 0) };
        Self {
            datagrams: [Slot::Empty; DATAGRAMS],
            cells: [Cell { owner: None, number: 0, len: 0, octets: [0; CELL] }; CELLS],
            counts: Counts { whole: 0, duplicates: 0, refused: 0, expired: 0, displaced: 0 },
        }
    }

    /// Takes a segment that came at uptime `now`; when it is the last of its datagram, `out` takes the whole.
    pub fn add<'o>(
        &mut self,
        now: Duration,
        segment: &Segment<'_, K>,
        out: &'o mut [u8],
    ) -> Result<Progress<'o>, Refused> {
        self.expire(now);
        let done = self.take(now, segment, out);
        let count = match done {
            Ok(Progress::Missing(_)) => return done,
            Ok(Progress::Duplicate) => &mut self.counts.duplicates,
            Ok(Progress::Whole(_)) => &mut self.counts.whole,
            Err(_) => &mut self.counts.refused,
        };
        *count = count.saturating_add(1);
        done
    }

    /// Gives up what is older than [`LIFETIME`]; returns how many incomplete datagrams that were.
    pub fn expire(&mut self, now: Duration) -> u32 {
        let before = self.counts.expired;
        for place in 0..DATAGRAMS {
            let Some(datagram) = self.at(place) else { continue };
            if now >= datagram.until {
                self.release(place);
                if !datagram.whole {
                    self.counts.expired = self.counts.expired.saturating_add(1);
                }
            }
        }
        self.counts.expired.wrapping_sub(before)
    }

    /// When [`Self::expire`] next has something to give up; `None`: nothing is held.
    pub fn deadline(&self) -> Option<Duration> {
        self.held().map(|datagram| datagram.until).min()
    }

    /// How many datagrams are incomplete.
    pub fn incomplete(&self) -> usize {
        self.held().filter(|datagram| !datagram.whole).count()
    }

    /// How many cells are in use.
    pub fn cells_in_use(&self) -> usize {
        self.cells.iter().filter(|cell| cell.owner.is_some()).count()
    }

    /// What happened so far.
    pub const fn counts(&self) -> Counts {
        self.counts
    }

    fn take<'o>(
        &mut self,
        now: Duration,
        segment: &Segment<'_, K>,
        out: &'o mut [u8],
    ) -> Result<Progress<'o>, Refused> {
        if segment.number >= segment.total {
            return Err(Refused::BadNumber);
        }
        match usize::from(segment.total).checked_sub(CELLS) {
            None | Some(0) => {}
            Some(excess) => return Err(Refused::TooMany(excess)),
        }
        match segment.octets.len().checked_sub(CELL) {
            None | Some(0) => {}
            Some(excess) => return Err(Refused::TooLong(excess)),
        }
        let place = match self.find(segment.key) {
            Some(place) => match self.known(place, segment)? {
                Known::New => place,
                Known::Repeated => return Ok(Progress::Duplicate),
                Known::Another => {
                    self.release(place);
                    self.open(now, segment)
                }
            },
            None => self.open(now, segment),
        };
        self.keep(place, segment);
        let missing = segment.total.saturating_sub(self.count(place));
        if missing > 0 {
            return Ok(Progress::Missing(missing));
        }
        self.join(place, segment.total, out).map(Progress::Whole)
    }

    /// What a segment is to the datagram of its key.
    fn known(&self, place: usize, segment: &Segment<'_, K>) -> Result<Known, Refused> {
        let Some(datagram) = self.at(place) else { return Ok(Known::New) };
        let earlier = self.cell(place, segment.number).map(Cell::octets);
        if datagram.total == segment.total && earlier == Some(segment.octets) {
            return Ok(Known::Repeated);
        }
        if datagram.whole {
            return Ok(Known::Another);
        }
        if datagram.total != segment.total || earlier.is_some() {
            return Err(Refused::Contradiction);
        }
        Ok(Known::New)
    }

    /// A place for a new datagram.
    fn open(&mut self, now: Duration, segment: &Segment<'_, K>) -> usize {
        let free = self.datagrams.iter().position(Slot::is_empty);
        let place = free.unwrap_or_else(|| self.displace(None));
        if let Some(slot) = self.datagrams.get_mut(place) {
            let until = now.saturating_add(LIFETIME);
            *slot = Slot::Held(Datagram { key: segment.key, total: segment.total, until, whole: false });
        }
        place
    }

    /// Copies the segment into a free cell; there is always one to be had, since a datagram has at most as many segments
    /// as there are cells.
    fn keep(&mut self, place: usize, segment: &Segment<'_, K>) {
        if self.cells.iter().all(|cell| cell.owner.is_some()) {
            self.displace(Some(place));
        }
        if let Some(cell) = self.cells.iter_mut().find(|cell| cell.owner.is_none()) {
            cell.owner = Some(place);
            cell.number = segment.number;
            cell.len = segment.octets.len();
            for (to, from) in cell.octets.iter_mut().zip(segment.octets) {
                *to = *from;
            }
        }
    }

    /// Gives up the datagram that can best be spared, other than that at `kept`; returns its place.
    fn displace(&mut self, kept: Option<usize>) -> usize {
        let others = self.datagrams.iter().enumerate().filter(|(place, _)| Some(*place) != kept);
        let spared = others
            .filter_map(|(place, datagram)| datagram.as_ref().map(|d| (!d.whole, d.until, place)))
            .min()
            .map_or((false, 0), |(incomplete, _, place)| (incomplete, place));
        if spared.0 {
            self.counts.displaced = self.counts.displaced.saturating_add(1);
        }
        self.release(spared.1);
        spared.1
    }

    /// Joins the segments of a datagram that has them all.
    fn join<'o>(&mut self, place: usize, total: u8, out: &'o mut [u8]) -> Result<&'o [u8], Refused> {
        let owned = self.cells.iter().filter(|cell| cell.owner == Some(place));
        let len = owned.map(|cell| cell.len).fold(0, usize::saturating_add);
        let mut w = Writer::new(out);
        let missing = len.saturating_sub(w.room());
        let all = (0..total).try_for_each(|number| w.put(self.cell(place, number).map_or(&[], Cell::octets)));
        if missing > 0 || all.is_err() {
            self.release(place);
            return Err(Refused::NoRoom(missing));
        }
        if let Some(datagram) = self.datagrams.get_mut(place).and_then(Slot::as_mut) {
            datagram.whole = true;
        }
        Ok(w.finish())
    }

    fn held(&self) -> impl Iterator<Item = &Datagram<K>> {
        self.datagrams.iter().filter_map(Slot::as_ref)
    }

    fn at(&self, place: usize) -> Option<Datagram<K>> {
        self.datagrams.get(place).and_then(Slot::get)
    }

    fn find(&self, key: K) -> Option<usize> {
        self.datagrams.iter().position(|datagram| datagram.as_ref().is_some_and(|d| d.key == key))
    }

    fn cell(&self, place: usize, number: u8) -> Option<&Cell<CELL>> {
        self.cells.iter().find(|cell| cell.owner == Some(place) && cell.number == number)
    }

    /// How many segments of the datagram are here; at most 255, the largest total.
    fn count(&self, place: usize) -> u8 {
        self.cells.iter().filter(|cell| cell.owner == Some(place)).fold(0, |n, _| u8::saturating_add(n, 1))
    }

    fn release(&mut self, place: usize) {
        if let Some(slot) = self.datagrams.get_mut(place) {
            *slot = Slot::Empty;
        }
        for cell in self.cells.iter_mut().filter(|cell| cell.owner == Some(place)) {
            cell.owner = None;
        }
    }
}

/// What a segment is to a datagram that is already there.
enum Known {
    /// One that was missing.
    New,
    /// One that is there, also when the datagram is whole by now.
    Repeated,
    /// The first of another datagram, after one that is whole.
    Another,
}

impl<K: Copy + Eq, const DATAGRAMS: usize, const CELLS: usize, const CELL: usize> Default
    for Reassembly<K, DATAGRAMS, CELLS, CELL>
{
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::vec::Vec;

    type Small = Reassembly<u8, 2, 4, 8>;

    fn segment(key: u8, total: u8, number: u8, octets: &[u8]) -> Segment<'_, u8> {
        Segment { key, total, number, octets }
    }

    const fn at(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    #[test]
    fn what_the_network_repeats_changes_nothing() {
        let mut small = Small::new();
        let mut out = [0; 32];
        assert_eq!(small.add(at(0), &segment(1, 2, 1, b"b"), &mut out), Ok(Progress::Missing(1)));
        assert_eq!(small.add(at(1), &segment(1, 2, 1, b"b"), &mut out), Ok(Progress::Duplicate));
        assert_eq!(small.add(at(2), &segment(1, 2, 0, b"a"), &mut out), Ok(Progress::Whole(b"ab")));
        for number in [0, 1] {
            let again = segment(1, 2, number, if number == 0 { b"a" } else { b"b" });
            assert_eq!(small.add(at(3), &again, &mut out), Ok(Progress::Duplicate));
        }
        assert_eq!((small.incomplete(), small.cells_in_use()), (0, 2));
        // The reference number comes again with other content: a new datagram.
        assert_eq!(small.add(at(4), &segment(1, 2, 1, b"B"), &mut out), Ok(Progress::Missing(1)));
        assert_eq!(small.add(at(5), &segment(1, 2, 0, b"A"), &mut out), Ok(Progress::Whole(b"AB")));
        let expected = Counts { whole: 2, duplicates: 3, ..Counts::default() };
        assert_eq!(small.counts(), expected);
    }

    #[test]
    fn segments_that_cannot_be_right_are_refused_with_their_reason() {
        let mut small = Small::new();
        let mut out = [0; 3];
        let mut refuse = |segment: Segment<'_, u8>, why| {
            assert_eq!(small.add(at(0), &segment, &mut out), Err(why));
        };
        refuse(segment(1, 0, 0, b""), Refused::BadNumber);
        refuse(segment(1, 2, 2, b""), Refused::BadNumber);
        refuse(segment(1, 5, 0, b""), Refused::TooMany(1));
        refuse(segment(1, 2, 0, b"123456789"), Refused::TooLong(1));
        assert_eq!(small.cells_in_use(), 0);
        small.add(at(0), &segment(1, 3, 0, b"a"), &mut out).unwrap();
        assert_eq!(small.add(at(0), &segment(1, 3, 0, b"x"), &mut out), Err(Refused::Contradiction));
        assert_eq!(small.add(at(0), &segment(1, 2, 1, b"b"), &mut out), Err(Refused::Contradiction));
        small.add(at(0), &segment(1, 3, 1, b"b"), &mut out).unwrap();
        assert_eq!(small.add(at(0), &segment(1, 3, 2, b"cd"), &mut out), Err(Refused::NoRoom(1)));
        assert_eq!((small.cells_in_use(), small.counts().refused), (0, 7));
    }

    #[test]
    fn nothing_is_held_after_the_lifetime() {
        let mut small = Small::new();
        let mut out = [0; 32];
        small.add(at(10), &segment(1, 2, 0, b"a"), &mut out).unwrap();
        small.add(at(20), &segment(2, 1, 0, b"whole"), &mut out).unwrap();
        assert_eq!(small.deadline(), Some(at(310)));
        assert_eq!(small.expire(at(309)), 0);
        assert_eq!((small.expire(at(310)), small.deadline()), (1, Some(at(320))));
        assert_eq!((small.expire(at(320)), small.deadline(), small.cells_in_use()), (0, None, 0));
        // What comes too late begins anew.
        assert_eq!(small.add(at(321), &segment(1, 2, 1, b"b"), &mut out), Ok(Progress::Missing(1)));
    }

    #[test]
    fn a_flood_displaces_the_oldest_and_is_counted() {
        let mut small = Small::new();
        let mut out = [0; 32];
        for key in 0..100 {
            small.add(at(key.into()), &segment(key, 4, 0, b"x"), &mut out).unwrap();
            assert!(small.incomplete() <= 2 && small.cells_in_use() <= 4);
        }
        assert_eq!(small.counts().displaced, 98);
        // A datagram that needs every cell still gets through.
        for number in 0..3 {
            let progress = small.add(at(200), &segment(200, 4, number, b"yz"), &mut out).unwrap();
            assert_eq!(progress, Progress::Missing(3 - number));
        }
        assert_eq!(
            small.add(at(200), &segment(200, 4, 3, b"yz"), &mut out),
            Ok(Progress::Whole(b"yzyzyzyz"))
        );
    }

    proptest! {
        /// Shuffled and repeated segments of two datagrams always give exactly these two, once each.
        #[test]
        fn any_order_gives_the_datagrams(
            parts in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 1..8), 1..6),
            order in proptest::collection::vec(any::<prop::sample::Index>(), 0..40),
        ) {
            let mut datagrams = Reassembly::<u8, 2, 12, 8>::new();
            let total = u8::try_from(parts.len()).unwrap();
            let all: Vec<_> = [1_u8, 2].into_iter().flat_map(|key| {
                parts.iter().zip(0..).map(move |(octets, number)| segment(key, total, number, octets))
            }).collect();
            let mut out = [0; 64];
            let mut whole = Vec::new();
            let shuffled = order.iter().map(|index| index.get(&all)).chain(&all);
            for piece in shuffled {
                if let Progress::Whole(octets) = datagrams.add(Duration::ZERO, piece, &mut out).unwrap() {
                    whole.push((piece.key, octets.to_vec()));
                }
            }
            whole.sort();
            prop_assert_eq!(whole, [(1, parts.concat()), (2, parts.concat())]);
        }

        /// Whatever comes: memory stays within its bounds and is free after the lifetime.
        #[test]
        fn anything_returns_within_bounds(
            events in proptest::collection::vec((0..4_u8, 0..6_u8, 0..6_u8, proptest::collection::vec(0..2_u8, 0..9), 0..200_u64), 0..60),
        ) {
            let mut small = Small::new();
            let mut now = Duration::ZERO;
            for (key, total, number, octets, pause) in &events {
                now += at(*pause);
                let _ = small.add(now, &segment(*key, *total, *number, octets), &mut [0; 16]);
                prop_assert!(small.cells_in_use() <= 4 && small.incomplete() <= 2);
            }
            small.expire(now + LIFETIME);
            prop_assert_eq!((small.cells_in_use(), small.incomplete(), small.deadline()), (0, 0, None));
        }
    }
}

//! The cheapest way through the new image.
//!
//! The way is found from the front to the back, all that is worth it side by side: one literal, and a copy for each shift
//! that a [candidate](super::candidates) proposed and that is not yet hopeless. A copy that is behind the best way by more
//! than the price of starting it again is given up.
use super::addresses::{Addresses, Trail};
use super::arena::Arena;
use super::candidates::Candidate;
use super::changes::Changes;
use super::prices::{BIT, Prices, size};
use super::sweep::Mark;
use super::{Segment, small};

/// Copies that are followed side by side.
const COPIES: usize = 24;
/// How much more than a new start a copy may be behind.
const PATIENCE: u32 = 30 * BIT;
/// Shifts the command coder remembers.
const RECENT: usize = 4;
/// Octets that must agree for going back to one of them.
const RETURN: usize = 2;
/// From this length on a copy's length costs more.
const LONG: u32 = 16;
/// The predicted units after which a way is not left for a shift of before.
const SETTLED: u8 = 8;

/// What the way leads through.
pub(super) struct Ground<'a> {
    pub(super) old: &'a [u8],
    pub(super) new: &'a [u8],
    /// The units of the old image.
    pub(super) marks: &'a [Mark],
    pub(super) candidates: &'a [Candidate],
    pub(super) addresses: Addresses<'a>,
    pub(super) changes: Changes,
    /// Whether the octet of a new offset can be copied from an old one.
    pub(super) allowed: &'a (dyn Fn(u32, u32) -> bool + Sync),
}

/// Where the command coder stands.
#[derive(Clone, Copy, Debug)]
struct Commands {
    /// The last shifts, the newest first.
    recent: [i32; RECENT],
    /// Where in the old image the last copy ended.
    end: u32,
}

/// A literal, the end of a way.
#[derive(Clone, Copy, Debug)]
struct Literal {
    cost: u64,
    turn: u32,
    commands: Commands,
    since: u8,
}

/// A copy, the end of a way.
#[derive(Clone, Copy, Debug)]
struct Copy {
    cost: u64,
    turn: u32,
    commands: Commands,
    /// Units since the last that was not as predicted.
    since: u8,
    shift: i32,
    /// Where it started.
    start: u32,
    /// The next reference.
    reference: usize,
    trail: Trail,
    /// Octets of a reference that are paid for.
    paid: u8,
    /// Whether the unit under way has missed.
    missed: bool,
}

/// Finds the way; `steps` counts the work.
pub(super) fn segments(ground: &Ground<'_>, prices: &Prices, steps: &mut u64) -> Vec<Segment> {
    let mut search = Search::new(ground, prices);
    for at in 0..small(ground.new.len()) {
        search.enter(at);
        search.octet(at);
        *steps += 1 + search.copies.len() as u64;
    }
    search.finish()
}

struct Search<'a> {
    ground: &'a Ground<'a>,
    prices: &'a Prices,
    arena: Arena,
    literal: Literal,
    copies: Vec<Copy>,
    /// The next candidate.
    next: usize,
    /// Shifts of candidates that are inside a unit, and wait for the next.
    waiting: Vec<i32>,
}

impl<'a> Search<'a> {
    fn new(ground: &'a Ground<'a>, prices: &'a Prices) -> Self {
        let commands = Commands { recent: [0; RECENT], end: 0 };
        let literal = Literal { cost: 0, turn: 0, commands, since: SETTLED };
        Self {
            ground,
            prices,
            arena: Arena::new(),
            literal,
            copies: Vec::new(),
            next: 0,
            waiting: Vec::new(),
        }
    }

    /// The cheapest way so far, if it is a copy.
    fn best(&self) -> Option<&Copy> {
        let best = self.copies.iter().min_by_key(|copy| copy.cost)?;
        (best.cost < self.literal.cost).then_some(best)
    }

    /// Starts what could start at `at`.
    fn enter(&mut self, at: u32) {
        let best = match self.best() {
            Some(copy) => {
                let commands = Commands { end: place(at, copy.shift).unwrap_or(0), ..copy.commands };
                Literal { cost: copy.cost, turn: copy.turn, commands, since: copy.since }
            }
            None => self.literal,
        };
        if best.since < SETTLED || best.turn == self.literal.turn {
            for shift in best.commands.recent {
                if self.agrees(at, shift) {
                    self.start(at, shift, &best);
                }
            }
        }
        let mut waiting = std::mem::take(&mut self.waiting);
        while let Some(candidate) = self.ground.candidates.get(self.next).filter(|next| next.at == at) {
            waiting.push(candidate.from.wrapping_sub(at).cast_signed());
            self.next += 1;
        }
        waiting.retain(|shift| {
            let mark = place(at, *shift).and_then(|from| self.ground.marks.get(from as usize));
            if mark.is_some_and(|mark| mark.enters()) {
                self.start(at, *shift, &best);
                return false;
            }
            mark.is_some()
        });
        self.waiting = waiting;
        let cost = best.cost + u64::from(self.prices.literal_start);
        if best.turn != self.literal.turn && cost < self.literal.cost {
            let turn = self.arena.turn(at, None, best.turn);
            self.literal = Literal { cost, turn, ..best };
        }
    }

    /// Whether a copy can start, and is right for a while.
    fn agrees(&self, at: u32, shift: i32) -> bool {
        let Some(from) = place(at, shift).map(|from| from as usize) else { return false };
        let Some(old) = self.ground.old.get(from..from.saturating_add(RETURN)) else { return false };
        self.ground.new[at as usize..].starts_with(old) && self.ground.marks[from].enters()
    }

    /// Starts a copy where the way `from` has come to, unless the same copy is there and cheaper.
    fn start(&mut self, at: u32, shift: i32, from: &Literal) {
        let cost = from.cost + u64::from(self.start_price(at, shift, &from.commands));
        let same = self.copies.iter_mut().find(|copy| copy.shift == shift);
        if same.as_ref().is_some_and(|copy| copy.cost <= cost) {
            return;
        }
        let source = at.wrapping_add_signed(shift);
        let mut recent = from.commands.recent;
        let place = recent.iter().position(|known| *known == shift).unwrap_or(RECENT - 1);
        recent[..=place].rotate_right(1);
        recent[0] = shift;
        let copy = Copy {
            cost,
            turn: self.arena.turn(at, Some(shift), from.turn),
            commands: Commands { recent, end: source },
            since: from.since,
            shift,
            start: at,
            reference: self.ground.addresses.first_from(source),
            trail: Trail::default(),
            paid: 0,
            missed: false,
        };
        match same {
            Some(same) => *same = copy,
            None => self.copies.push(copy),
        }
    }

    fn start_price(&self, at: u32, shift: i32, commands: &Commands) -> u32 {
        if commands.recent.contains(&shift) {
            return self.prices.copy_recent;
        }
        let distance = at.wrapping_add_signed(shift).abs_diff(commands.end);
        self.prices.copy_new + self.prices.copy_distance * size(distance)
    }

    /// Pays for the octet at `at`, and gives up what is too far behind.
    fn octet(&mut self, at: u32) {
        let Self { ground, prices, .. } = *self;
        self.literal.cost += u64::from(prices.literal);
        let mut least = self.literal.cost;
        self.copies.retain_mut(|copy| {
            let alive = ground.pay(copy, at, prices);
            if alive {
                least = least.min(copy.cost);
            }
            alive
        });
        let limit = least + u64::from(prices.copy_new + 16 * prices.copy_distance + PATIENCE);
        self.copies.retain(|copy| copy.cost < limit);
        if self.copies.len() > COPIES {
            self.copies.sort_unstable_by_key(|copy| (copy.cost, copy.shift));
            self.copies.truncate(COPIES);
        }
        let turns = self.copies.iter_mut().map(|copy| &mut copy.turn);
        self.arena.tidy(turns.chain([&mut self.literal.turn]));
    }

    fn finish(self) -> Vec<Segment> {
        let end = self.best().map_or(self.literal.turn, |copy| copy.turn);
        let way = self.arena.way(end);
        let ends = way.iter().skip(1).map(|turn| turn.at).chain([small(self.ground.new.len())]);
        let mut segments: Vec<Segment> = Vec::new();
        let mut literal = 0;
        for (turn, end) in way.iter().zip(ends) {
            let len = end - turn.at;
            let Some(shift) = turn.shift.filter(|_| len > 0) else {
                literal += len;
                continue;
            };
            let source = turn.at.wrapping_add_signed(shift);
            match segments.last_mut() {
                Some(last) if literal == 0 && last.source + last.copy == source => last.copy += len,
                _ => segments.push(Segment { literal, copy: len, source }),
            }
            literal = 0;
        }
        if literal > 0 {
            segments.push(Segment { literal, copy: 0, source: 0 });
        }
        segments
    }
}

impl Ground<'_> {
    /// Pays for the octet at `at`; false if it cannot be copied.
    fn pay(&self, copy: &mut Copy, at: u32, prices: &Prices) -> bool {
        let from = at.wrapping_add_signed(copy.shift);
        let Some(mark) = self.marks.get(from as usize) else { return false };
        if !(self.allowed)(at, from) {
            return false;
        }
        let len = at - copy.start;
        if len >= LONG && len.is_power_of_two() {
            copy.cost += u64::from(prices.copy_double);
        }
        if copy.paid > 0 {
            copy.paid -= 1;
            return true;
        }
        if mark.starts() {
            copy.missed = false;
            copy.cost += u64::from(prices.hit[hits(copy.since)]);
            copy.since = copy.since.saturating_add(1);
        }
        if mark.refers() {
            return self.pay_reference(copy, at, from, prices);
        }
        if mark.starts()
            && let Some(len) = self.changes.again(self.old, self.new, self.marks, from as usize, at as usize)
        {
            copy.cost += u64::from(prices.again);
            copy.paid = u8::try_from(len - 1).unwrap_or(0);
            copy.since = 0;
            return true;
        }
        if self.old[from as usize] != self.new[at as usize] {
            copy.cost += u64::from(if copy.missed { prices.miss_more } else { prices.miss });
            copy.missed = true;
            copy.since = 0;
        }
        true
    }

    fn pay_reference(&self, copy: &mut Copy, at: u32, from: u32, prices: &Prices) -> bool {
        let references = &self.addresses.references[copy.reference..];
        copy.reference += references.iter().take_while(|reference| reference.at < from).count();
        let Some(reference) = self.addresses.references.get(copy.reference).filter(|next| next.at == from)
        else {
            return true;
        };
        if at as usize + usize::from(reference.len) > self.new.len() {
            return true;
        }
        let price = self.addresses.price(copy.reference, at, &mut copy.trail, prices);
        copy.cost += u64::from(price);
        copy.paid = reference.len - 1;
        if price > 0 {
            copy.since = 0;
        }
        true
    }
}

/// The price class of a unit after `since` that were as predicted.
fn hits(since: u8) -> usize {
    match since {
        0 => 0,
        1 => 1,
        2..4 => 2,
        4..8 => 3,
        8.. => 4,
    }
}

/// Where a copy at `at` comes from.
fn place(at: u32, shift: i32) -> Option<u32> {
    at.checked_add_signed(shift)
}

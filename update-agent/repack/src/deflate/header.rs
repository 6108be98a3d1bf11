//! The start of a dynamic block: code lengths, in runs, and the code of these.
use super::tree::Forest;
use super::{CODES, LENGTHS, LITERALS, at, change, put};

/// The order in which the lengths of the codes for code lengths are sent.
pub const ORDER: [usize; LENGTHS] = [16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15];
/// The longest code for a code length.
const LIMIT: u8 = 7;
/// The fewest lengths that are sent of it.
pub const SENT: usize = 4;

/// A symbol of the code lengths, and for how many codes it stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Run {
    /// 0 to 15: a length; 16: the last length again; 17 and 18: no code.
    pub symbol: u8,
    /// Codes.
    pub count: u8,
}

impl Run {
    /// How many extra bits there are, and what they say.
    pub fn extra(self) -> (u32, u32) {
        let count = u32::from(self.count);
        match self.symbol {
            16 => (2, count.wrapping_sub(3)),
            17 => (3, count.wrapping_sub(3)),
            18 => (7, count.wrapping_sub(11)),
            _ => (0, 0),
        }
    }

    /// The fewest and the most codes that a symbol stands for.
    pub const fn range(symbol: u8) -> (u8, u8) {
        match symbol {
            16 => (3, 6),
            17 => (3, 10),
            18 => (11, 138),
            _ => (1, 1),
        }
    }
}

/// The code of a block, and how it is sent.
#[derive(Debug)]
pub struct Header<'m> {
    /// The lengths of all literal and length codes, and behind them of all distance codes.
    lengths: &'m mut [u8],
    /// How many of each are sent.
    pub literals: usize,
    /// The same of the distance codes.
    pub distances: usize,
    /// Two octets for each run.
    runs: &'m mut [u8],
    count: usize,
    /// The lengths of the codes for code lengths, by symbol.
    pub of_lengths: [u8; LENGTHS],
    /// How many of them are sent.
    pub sent: usize,
}

/// Words of memory that a header takes.
pub const WORDS: usize = CODES / 4 + CODES / 2;

impl<'m> Header<'m> {
    /// An empty header in these words, [`WORDS`] of them.
    pub fn new(words: &'m mut [u32]) -> Option<Self> {
        let (lengths, rest) = words.split_at_mut_checked(CODES / 4)?;
        let (runs, _) = rest.split_at_mut_checked(CODES / 2)?;
        Some(Self {
            lengths: bytemuck::try_cast_slice_mut(lengths).ok()?,
            literals: 0,
            distances: 0,
            runs: bytemuck::try_cast_slice_mut(runs).ok()?,
            count: 0,
            of_lengths: [0; LENGTHS],
            sent: SENT,
        })
    }

    /// The lengths of literals and of distances.
    pub fn lengths(&self) -> (&[u8], &[u8]) {
        self.lengths.split_at_checked(LITERALS).unwrap_or_default()
    }

    /// The same, to be changed.
    pub fn lengths_mut(&mut self) -> (&mut [u8], &mut [u8]) {
        self.lengths.split_at_mut_checked(LITERALS).unwrap_or_default()
    }

    /// Where the length of the code number `n` among those that are sent is kept.
    pub const fn place(&self, n: usize) -> usize {
        if n < self.literals { n } else { n.wrapping_sub(self.literals).wrapping_add(LITERALS) }
    }

    /// Takes the lengths away that are not sent.
    pub fn trim(&mut self) {
        let (literals, distances) = (self.literals, self.distances);
        let (of_literals, of_distances) = self.lengths_mut();
        of_literals.iter_mut().skip(literals).for_each(|length| *length = 0);
        of_distances.iter_mut().skip(distances).for_each(|length| *length = 0);
    }

    /// How many lengths are sent.
    pub const fn len(&self) -> usize {
        self.literals.saturating_add(self.distances)
    }

    /// Whether no length is sent.
    pub const fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The length of the code number `n` among those that are sent.
    pub fn length(&self, n: usize) -> u8 {
        at(self.lengths, self.place(n))
    }

    /// Sets it.
    pub fn set_length(&mut self, n: usize, length: u8) {
        let place = self.place(n);
        put(self.lengths, place, length);
    }

    /// The runs.
    pub fn runs(&self) -> impl Iterator<Item = Run> {
        let runs = self.runs.as_chunks::<2>().0.iter().take(self.count);
        runs.map(|[symbol, count]| Run { symbol: *symbol, count: *count })
    }

    /// A run.
    pub fn run(&self, n: usize) -> Option<Run> {
        let [symbol, count] = self.runs.as_chunks::<2>().0.get(n).filter(|_| n < self.count)?;
        Some(Run { symbol: *symbol, count: *count })
    }

    /// Forgets the runs.
    pub const fn clear_runs(&mut self) {
        self.count = 0;
    }

    /// One run more.
    pub fn push_run(&mut self, run: Run) {
        if let Some(place) = self.runs.as_chunks_mut::<2>().0.get_mut(self.count) {
            *place = [run.symbol, run.count];
            self.count = self.count.wrapping_add(1);
        }
    }

    /// The run in which zlib sends the length number `n` and those behind it.
    pub fn next_run(&self, n: usize) -> Run {
        let start = if n < self.literals { 0 } else { self.literals };
        let end = if n < self.literals { self.literals } else { self.len() };
        let length = self.length(n);
        let same = (n..end).take_while(|n| self.length(*n) == length).take(138).count();
        let same = u8::try_from(same).unwrap_or(138);
        let again = n > start && self.length(n.wrapping_sub(1)) == length;
        match (length, same) {
            (0, 11..) => Run { symbol: 18, count: same },
            (0, 3..) => Run { symbol: 17, count: same },
            (1.., 3..) if again => Run { symbol: 16, count: same.min(6) },
            _ => Run { symbol: length, count: 1 },
        }
    }

    /// Chooses the runs as zlib does.
    pub fn predict_runs(&mut self) {
        self.clear_runs();
        let mut n = 0usize;
        while n < self.len() {
            let run = self.next_run(n);
            self.push_run(run);
            n = n.wrapping_add(usize::from(run.count.max(1)));
        }
    }

    /// Chooses the code of the runs as zlib does.
    pub fn predict_code(&mut self, forest: &mut Forest<'_>) {
        let mut counts = [0u32; LENGTHS];
        for run in self.runs.as_chunks::<2>().0.iter().take(self.count) {
            let [symbol, _] = run;
            let symbol = usize::from(*symbol);
            change(&mut counts, symbol, |count: u32| count.wrapping_add(1));
        }
        forest.lengths(&counts, LIMIT, &mut self.of_lengths);
        self.sent = self.least_sent();
    }

    /// How many lengths of codes for code lengths have to be sent.
    pub fn least_sent(&self) -> usize {
        let used = ORDER.iter().rposition(|symbol| at::<u8>(&self.of_lengths, *symbol) > 0);
        used.map_or(SENT, |last| last.wrapping_add(1).max(SENT))
    }

    /// Bits that sending it takes.
    pub fn bits(&self) -> u32 {
        let start = u32::try_from(self.sent).unwrap_or(0).wrapping_mul(3).wrapping_add(14);
        self.runs().fold(start, |bits, run| {
            let length = u32::from(at::<u8>(&self.of_lengths, usize::from(run.symbol)));
            bits.wrapping_add(length).wrapping_add(run.extra().0)
        })
    }
}

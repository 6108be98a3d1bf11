//! What came out, and what follows from it.

use super::ours::MAIN;
use super::pairs::Pair;
use super::peers::Missing;

/// Above this share of the image, the best compressor finds nothing: the image is compressed already.
const COMPRESSED: f64 = 0.9;
/// What the compressors are called that tell so.
const FULL: &str = "full-";

/// What a tool did with a pair.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Cell {
    /// A patch that makes the new image.
    Made {
        /// Octets of the patch; of ours: of the payload.
        bytes: usize,
        /// How long it took to make.
        seconds: f64,
    },
    /// It cannot be used on this pair.
    NotHere(String),
    /// It made no patch, or one that does not make the new image.
    Failed(String),
}

impl Cell {
    /// The size of the patch.
    pub(super) const fn bytes(&self) -> Option<usize> {
        match self {
            Self::Made { bytes, .. } => Some(*bytes),
            _ => None,
        }
    }
}

/// A tool and its results, one for each pair in the order of the pairs.
#[derive(Clone, Debug)]
pub(super) struct Row {
    pub(super) name: String,
    pub(super) ours: bool,
    pub(super) cells: Vec<Option<Cell>>,
}

impl Row {
    /// The size of the patch for a pair.
    pub(super) fn bytes(&self, pair: usize) -> Option<usize> {
        self.cells.get(pair).and_then(Option::as_ref).and_then(Cell::bytes)
    }

    /// All patches together; `None` if one is missing.
    pub(super) fn total(&self) -> Option<usize> {
        (0..self.cells.len()).map(|pair| self.bytes(pair)).sum()
    }

    /// How long all of them took to make.
    pub(super) fn seconds(&self) -> f64 {
        let made = self.cells.iter().flatten();
        made.map(|cell| if let Cell::Made { seconds, .. } = cell { *seconds } else { 0.0 }).sum()
    }
}

/// A pair without its images.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct PairSize {
    pub(super) name: String,
    pub(super) old: usize,
    pub(super) new: usize,
}

/// All that came out.
#[derive(Clone, Debug)]
pub(super) struct Results {
    pub(super) pairs: Vec<PairSize>,
    pub(super) rows: Vec<Row>,
    pub(super) missing: Vec<Missing>,
}

/// The geometric mean of ratios, and over how many pairs it goes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Mean {
    pub(super) ratio: f64,
    pub(super) pairs: usize,
}

impl Results {
    pub(super) fn new(pairs: &[Pair], missing: &[Missing]) -> Self {
        let size =
            |pair: &Pair| PairSize { name: pair.name.clone(), old: pair.old.len(), new: pair.new.len() };
        Self { pairs: pairs.iter().map(size).collect(), rows: Vec::new(), missing: missing.to_vec() }
    }

    /// Notes what a tool did with a pair.
    pub(super) fn add(&mut self, tool: &str, ours: bool, pair: &Pair, cell: Cell) {
        let Some(column) = self.pairs.iter().position(|known| known.name == pair.name) else { return };
        let row = self.rows.iter().position(|row| row.name == tool).unwrap_or_else(|| {
            self.rows.push(Row { name: tool.to_owned(), ours, cells: vec![None; self.pairs.len()] });
            self.rows.len() - 1
        });
        self.rows[row].cells[column] = Some(cell);
    }

    /// Whether this generator made all it was asked for.
    pub(super) fn ours_all_made(&self) -> bool {
        self.rows.iter().filter(|row| row.ours).all(|row| row.total().is_some())
    }

    /// The row of a tool.
    pub(super) fn row(&self, name: &str) -> Option<&Row> {
        self.rows.iter().find(|row| row.name == name)
    }

    /// The peer with the smallest patch for a pair.
    pub(super) fn best(&self, pair: usize) -> Option<(&str, usize)> {
        let peers = self.rows.iter().filter(|row| !row.ours);
        peers.filter_map(|row| Some((row.name.as_str(), row.bytes(pair)?))).min_by_key(|(_, bytes)| *bytes)
    }

    /// Whether the new image is compressed already; `None`: no compressor ran.
    pub(super) fn is_compressed(&self, pair: usize) -> Option<bool> {
        let full = self.rows.iter().filter(|row| row.name.starts_with(FULL));
        let smallest = full.filter_map(|row| row.bytes(pair)).min()?;
        Some(ratio(smallest, self.pairs[pair].new) > COMPRESSED)
    }

    /// The pairs on which sizes are comparable: those not compressed already, as far as that is known.
    fn plain_pairs(&self) -> impl Iterator<Item = usize> + '_ {
        (0..self.pairs.len()).filter(|pair| self.is_compressed(*pair) != Some(true))
    }

    /// A row against the best peer of each pair.
    pub(super) fn to_best(&self, row: &Row) -> Option<Mean> {
        mean(self.plain_pairs().filter_map(|pair| Some(ratio(row.bytes(pair)?, self.best(pair)?.1))))
    }

    /// One row against another.
    pub(super) fn to_row(&self, row: &Row, other: &Row) -> Option<Mean> {
        mean(self.plain_pairs().filter_map(|pair| Some(ratio(row.bytes(pair)?, other.bytes(pair)?))))
    }

    /// A row against the smallest of some others on each pair.
    pub(super) fn to_smallest(&self, row: &Row, others: &[&Row]) -> Option<Mean> {
        let smallest = |pair| others.iter().filter_map(|other| other.bytes(pair)).min();
        mean(self.plain_pairs().filter_map(|pair| Some(ratio(row.bytes(pair)?, smallest(pair)?))))
    }

    /// The pair on which a row is worst against the best peer.
    pub(super) fn worst(&self, row: &Row) -> Option<(&str, f64)> {
        let ratios = self.plain_pairs().filter_map(|pair| {
            Some((self.pairs[pair].name.as_str(), ratio(row.bytes(pair)?, self.best(pair)?.1)))
        });
        ratios.max_by(|(_, a), (_, b)| a.total_cmp(b))
    }

    /// The row that the figures to reach are about.
    pub(super) fn main(&self) -> Option<&Row> {
        self.row(MAIN)
    }
}

#[expect(clippy::cast_precision_loss, reason = "sizes are far below 2^52")]
pub(super) fn ratio(part: usize, whole: usize) -> f64 {
    part as f64 / whole.max(1) as f64
}

fn mean(ratios: impl Iterator<Item = f64>) -> Option<Mean> {
    let (mut sum, mut pairs) = (0.0, 0_usize);
    for ratio in ratios {
        sum += ratio.ln();
        pairs += 1;
    }
    let count = f64::from(u32::try_from(pairs).ok().filter(|pairs| *pairs > 0)?);
    Some(Mean { ratio: (sum / count).exp(), pairs })
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// Three pairs, ours and two peers; the last pair is compressed, and one peer cannot be used on the second.
    pub(in super::super) fn example() -> Results {
        let pair = |name: &str| Pair { name: name.into(), old: vec![0; 900], new: vec![0; 1000], base: None };
        let pairs = [pair("a"), pair("b"), pair("c")];
        let mut results =
            Results::new(&pairs, &[Missing { name: "two".into(), install: "pip install two".into() }]);
        let made = |bytes| Cell::Made { bytes, seconds: 0.5 };
        let rows: [(&str, bool, [Cell; 3]); 4] = [
            (MAIN, true, [made(10), made(40), made(990)]),
            ("full-one", false, [made(500), made(600), made(999)]),
            ("peer", false, [made(40), Cell::NotHere("too large".into()), made(1100)]),
            ("other", false, [made(50), made(80), Cell::Failed("crash".into())]),
        ];
        for (name, ours, cells) in rows {
            for (pair, cell) in pairs.iter().zip(cells) {
                results.add(name, ours, pair, cell);
            }
        }
        results
    }

    #[test]
    fn the_best_peer_is_the_smallest_that_made_the_image() {
        let results = example();
        assert_eq!(results.best(0), Some(("peer", 40)));
        assert_eq!(results.best(1), Some(("other", 80)));
        assert_eq!(results.best(2), Some(("full-one", 999)));
        assert_eq!(results.row("other").unwrap().total(), None);
        assert_eq!(results.main().unwrap().total(), Some(1040));
        assert!(results.ours_all_made());
    }

    #[test]
    fn means_leave_compressed_pairs_out() {
        let results = example();
        assert_eq!([0, 1, 2].map(|pair| results.is_compressed(pair)), [Some(false), Some(false), Some(true)]);
        let main = results.main().unwrap();
        let Mean { ratio, pairs } = results.to_best(main).unwrap();
        // the square root of 10/40 times 40/80
        assert!((ratio - 0.125_f64.sqrt()).abs() < 1e-9 && pairs == 2, "{ratio} over {pairs}");
        assert_eq!(results.worst(main), Some(("b", 0.5)));
        assert_eq!(results.to_row(main, results.row("peer").unwrap()), Some(Mean { ratio: 0.25, pairs: 1 }));
        let both = ["peer", "other"].map(|name| results.row(name).unwrap());
        assert_eq!(results.to_smallest(main, &both), results.to_best(main));
    }
}

//! The decisions of several old streams.
use super::decisions::{Decisions, Noting};

/// Words that tell about a stream: the octets it holds, its tokens.
const ENTRY: usize = 2;

/// The decisions of old streams, by number.
#[derive(Clone, Copy, Debug, Default)]
pub struct Archive<'m> {
    table: &'m [u32],
    notes: &'m [u32],
}

/// Builds an [`Archive`].
#[derive(Debug)]
pub struct Archiving<'m> {
    table: &'m mut [u32],
    notes: &'m mut [u32],
    count: usize,
    used: usize,
}

impl<'m> Archiving<'m> {
    /// Words that are needed for `streams` streams whose decisions take `notes` words.
    pub fn words(streams: u32, notes: u32) -> usize {
        let table = usize::try_from(streams).unwrap_or(usize::MAX).saturating_mul(ENTRY);
        table.saturating_add(usize::try_from(notes).unwrap_or(usize::MAX))
    }

    /// Nothing yet; `None` if `words` are less than [`words`](Self::words).
    pub fn new(words: &'m mut [u32], streams: u32, notes: u32) -> Option<Self> {
        let (table, rest) = words.split_at_mut_checked(Self::words(streams, 0))?;
        let notes = rest.get_mut(..usize::try_from(notes).ok()?)?;
        Some(Self { table, notes, count: 0, used: 0 })
    }

    /// Room for the next stream's decisions; `None` if there is not enough.
    pub fn next(&mut self, plain: u32, tokens: u32) -> Option<Noting<'_>> {
        let (entries, _) = self.table.as_chunks_mut::<ENTRY>();
        let entry = entries.get_mut(self.count)?;
        let rest = self.notes.get_mut(self.used..)?;
        let words = Decisions::words(plain, tokens);
        *entry = [plain, tokens];
        self.count = self.count.saturating_add(1);
        self.used = self.used.saturating_add(words);
        Noting::new(rest, plain, tokens)
    }

    /// All that was noted.
    pub fn finish(self) -> Archive<'m> {
        let Self { table, notes, .. } = self;
        Archive { table, notes }
    }
}

impl<'m> Archive<'m> {
    /// The decisions of a stream.
    pub fn get(&self, number: u32) -> Option<Decisions<'m>> {
        let (entries, _) = self.table.as_chunks::<ENTRY>();
        let (before, rest) = entries.split_at_checked(usize::try_from(number).ok()?)?;
        let [plain, tokens] = rest.first()?;
        let words = before.iter().map(|[plain, tokens]| Decisions::words(*plain, *tokens));
        let start = words.fold(0, usize::saturating_add);
        Decisions::new(self.notes.get(start..)?, *plain, *tokens)
    }
}

#[cfg(test)]
mod tests {
    use super::{Archive, Archiving, Decisions};
    use crate::lzma::stream::Witness;
    use crate::lzma::token::Token;
    use std::vec;

    #[test]
    fn each_stream_has_its_own() {
        let notes = u32::try_from(Decisions::words(500, 3) + Decisions::words(9, 9)).unwrap();
        let mut words = vec![0; Archiving::words(2, notes)];
        assert!(Archiving::new(&mut words[1..], 2, notes).is_none());
        let mut archiving = Archiving::new(&mut words, 2, notes).unwrap();
        for (plain, places) in [(500, vec![0, 100, 400]), (9, (0..9).collect())] {
            let mut noting = archiving.next(plain, u32::try_from(places.len()).unwrap()).unwrap();
            for at in places {
                noting.token(at, Token::LITERAL);
            }
            noting.finish().unwrap();
        }
        assert!(archiving.next(1, 1).is_none());
        let archive = archiving.finish();
        let starts = |number| {
            let decisions: Decisions<'_> = archive.get(number).unwrap();
            (0..600).filter(|at| decisions.at(*at).is_some()).collect::<vec::Vec<_>>()
        };
        assert_eq!(starts(0), [0, 100, 400]);
        assert_eq!(starts(1), (0..9).collect::<vec::Vec<_>>());
        assert!(archive.get(2).is_none());
        assert!(Archive::default().get(0).is_none());
    }
}

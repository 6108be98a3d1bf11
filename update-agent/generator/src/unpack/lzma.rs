//! LZMA and XZ: streams found, and their recipes.
//!
//! `kedge_repack::lzma` makes a stream again from its octets and its encoder's decisions. Here the streams are taken apart,
//! and their decisions are told to the same code that the device runs, with an encoder where the device has a decoder.
mod align;
mod container;

use std::convert::Infallible;

use kedge_delta::bits::{Bits, Octets};
use kedge_repack::lzma::{
    CELLS, Chunk, Decisions, Filter, Framing, From, Maker, Noting, Script, Stream, Token, Turn, Way, Witness,
    unpack,
};

pub(crate) use container::streams;

/// A stream, taken apart.
#[derive(Clone, Debug)]
pub(crate) struct Parsed {
    /// Its parameters and sizes.
    pub(crate) stream: Stream,
    /// The octets it holds, as they were before the filter.
    pub(crate) plain: Vec<u8>,
    taken: Taken,
}

/// What a stream is made of.
#[derive(Clone, Debug, Default)]
struct Taken {
    chunks: Vec<Chunk>,
    tokens: Vec<Token>,
}

impl Witness for Taken {
    fn chunk(&mut self, chunk: Chunk) {
        self.chunks.push(chunk);
    }

    fn token(&mut self, _: u32, token: Token) {
        self.tokens.push(token);
    }
}

/// Tells a stream's decisions, one after the other.
struct Told<'t> {
    chunks: std::slice::Iter<'t, Chunk>,
    tokens: std::slice::Iter<'t, Token>,
    turns: std::vec::IntoIter<Turn>,
}

impl Script for Told<'_> {
    fn chunk(&mut self) -> Chunk {
        self.chunks.next().copied().unwrap_or_default()
    }

    fn token(&mut self) -> Token {
        self.tokens.next().copied().unwrap_or_default()
    }

    fn turn(&mut self) -> Turn {
        self.turns.next().unwrap_or_default()
    }
}

/// Octets in memory.
struct Feed<'a>(std::slice::Iter<'a, u8>);

impl Octets for Feed<'_> {
    type Error = Infallible;

    fn next(&mut self) -> Result<u8, Infallible> {
        Ok(self.0.next().copied().unwrap_or(0))
    }
}

impl Parsed {
    /// The stream that starts with the first of `octets`, if there is one that holds at most `most` octets.
    fn read(octets: &[u8], framing: Framing, filter: Filter, most: usize) -> Option<Self> {
        let mut plain = vec![0; most];
        let mut taken = Taken::default();
        let mut cells = vec![0; CELLS];
        let extent = unpack(framing, &mut Feed(octets.iter()), &mut plain, &mut cells, &mut taken).ok()?;
        plain.truncate(usize::try_from(extent.plain).ok()?);
        plain.shrink_to_fit();
        filter.run(&mut plain, Way::Undo);
        let whole = usize::try_from(extent.packed).is_ok_and(|len| len <= octets.len());
        let tokens = u32::try_from(taken.tokens.len()).ok()?;
        let stream = Stream { framing, filter, packed: extent.packed, plain: extent.plain, tokens };
        whole.then_some(Self { stream, plain, taken })
    }

    /// Its octets.
    fn len(&self) -> usize {
        usize::try_from(self.stream.packed).expect("a part of an image")
    }

    /// Its octets as LZMA saw them.
    fn filtered(&self) -> Vec<u8> {
        let mut plain = self.plain.clone();
        self.stream.filter.run(&mut plain, Way::Apply);
        plain
    }

    /// Codes what the device needs to make the stream again beside its octets; `old` is the stream that it is likely a new
    /// version of. What was taken apart is always made again: a range coder makes one stream of the same decisions, and
    /// unpacking refuses those that end otherwise.
    pub(crate) fn code<B: Bits<Error = Infallible>>(
        &self,
        maker: &mut Maker<'_>,
        bits: &mut B,
        packed: &[u8],
        old: Option<&Self>,
    ) {
        let plain = self.filtered();
        let turns = old.map(|old| align::turns(&old.filtered(), &plain, &self.taken.tokens));
        let words = old.map(Self::notes).unwrap_or_default();
        let decisions = old.and_then(|old| Decisions::new(&words, old.stream.plain, old.stream.tokens));
        let from = From { plain: &plain, old: decisions };
        let mut told = Told {
            chunks: self.taken.chunks.iter(),
            tokens: self.taken.tokens.iter(),
            turns: turns.unwrap_or_default().into_iter(),
        };
        maker.start(self.stream).expect("room for the largest stream");
        let mut made = vec![0; packed.len() + 1];
        let n = maker.fill(bits, from, &mut told, &mut made).expect("what was taken apart can be made again");
        assert!(made[..n] == *packed, "one range coder makes what another made");
    }

    /// About how many octets [`code`](Self::code) takes, as seen with kernels.
    pub(crate) fn likely_cost(&self, old: Option<&Self>) -> usize {
        self.taken.tokens.len() / if old.is_some() { 12 } else { 5 }
    }

    /// The decisions as the device notes them.
    fn notes(&self) -> Vec<u32> {
        let Stream { plain, tokens, .. } = self.stream;
        let mut words = vec![0; Decisions::words(plain, tokens)];
        let mut noting = Noting::new(&mut words, plain, tokens).expect("as many words as it wants");
        let mut at = 0;
        let mut tokens = self.taken.tokens.iter();
        for chunk in &self.taken.chunks {
            let end = at + chunk.plain;
            while chunk.control.has_tokens() && at < end {
                let Some(token) = tokens.next() else { break };
                noting.token(at, *token);
                at += token.len;
            }
            at = end;
        }
        noting.finish().expect("as many tokens as it said");
        words
    }
}

#[cfg(test)]
mod tests;

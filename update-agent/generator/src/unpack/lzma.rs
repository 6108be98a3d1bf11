//! LZMA and XZ: streams found, and their recipes.
//!
//! `kedge_repack::lzma` makes a stream again from its octets and its encoder's decisions. Here the streams are taken apart,
//! and their decisions are told to the same code that the device runs, with an encoder where the device has a decoder.
mod align;
mod container;

use std::convert::Infallible;

use kedge_delta::bits::{Bits, Octets};
use kedge_repack::lzma::{
    CELLS, Chunk, Decisions, Error, Filter, Framing, From, Maker, Noting, Script, Stream, Token, Turn, Way,
    Witness, unpack,
};

pub(crate) use container::find;

/// A stream in an image.
#[derive(Clone, Debug)]
pub(crate) struct Found {
    /// The offset of its first octet, behind all headers.
    pub(crate) at: usize,
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

impl Found {
    /// The stream at `at` of an image, if there is one that holds at most `most` octets.
    fn take(image: &[u8], at: usize, framing: Framing, filter: Filter, most: usize) -> Option<Self> {
        let packed = image.get(at..)?;
        let mut plain = vec![0; most];
        let mut taken = Taken::default();
        let mut cells = vec![0; CELLS];
        let extent = unpack(framing, &mut Feed(packed.iter()), &mut plain, &mut cells, &mut taken).ok()?;
        plain.truncate(usize::try_from(extent.plain).ok()?);
        plain.shrink_to_fit();
        filter.run(&mut plain, Way::Undo);
        let whole = usize::try_from(extent.packed).is_ok_and(|len| len <= packed.len());
        let tokens = u32::try_from(taken.tokens.len()).ok()?;
        let stream = Stream { framing, filter, packed: extent.packed, plain: extent.plain, tokens };
        whole.then_some(Self { at, stream, plain, taken })
    }

    /// Where it ends in its image.
    pub(crate) fn end(&self) -> usize {
        self.at + usize::try_from(self.stream.packed).expect("a part of the image")
    }

    /// Its octets as LZMA saw them.
    fn filtered(&self) -> Vec<u8> {
        let mut plain = self.plain.clone();
        self.stream.filter.run(&mut plain, Way::Apply);
        plain
    }

    /// Codes what the device needs to make the stream again beside its octets; `old` is the stream that it is likely a new
    /// version of. `false` if it cannot be made again, because its encoder ends chunks like no other.
    pub(crate) fn code<B: Bits<Error = Infallible>>(
        &self,
        maker: &mut Maker<'_>,
        bits: &mut B,
        packed: &[u8],
        old: Option<&Self>,
    ) -> bool {
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
        let mut left = packed;
        let mut out = vec![0; 1 << 16];
        loop {
            let n = match maker.fill(bits, from, &mut told, &mut out) {
                Ok(n) => n,
                Err(Error::Fault(_)) => return false,
                Err(Error::Input(never)) => match never {},
            };
            match left.strip_prefix(&out[..n]) {
                Some(rest) => left = rest,
                None => return false,
            }
            if n < out.len() {
                return left.is_empty();
            }
        }
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

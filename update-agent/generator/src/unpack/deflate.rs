//! What a stream was made by: its tokens read, and the encoder found whose decisions need the fewest corrections.
use std::collections::BTreeSet;
use std::convert::Infallible;

use kedge_delta::bits::{Bits, Octets};
use kedge_repack::deflate::correct::{self, Facts, Model, Side};
use kedge_repack::deflate::header::{self, Header, ORDER, Run};
use kedge_repack::deflate::inflate::{self, Sink, inflate};
use kedge_repack::deflate::make::{Maker, Room};
use kedge_repack::deflate::predict::Extent;
use kedge_repack::deflate::{Coding, Fault, Manner, Token};

use crate::coder::{COST, Encoder};

/// A stream, taken apart.
#[derive(Clone, Debug, Default)]
pub(crate) struct Parsed {
    /// What it holds.
    pub(crate) plain: Vec<u8>,
    /// Octets of the stream.
    pub(crate) len: usize,
    blocks: Vec<Block>,
    tokens: Vec<Token>,
    /// Plain octets beyond this are refused.
    limit: usize,
}

#[derive(Clone, Debug)]
struct Block {
    coding: Coding,
    last: bool,
    /// The place of its first token, and of the first behind it.
    tokens: (usize, usize),
    /// The same of its plain octets.
    plain: (usize, usize),
    head: Option<Head>,
}

/// How the code of a dynamic block is sent.
#[derive(Clone, Debug, Default)]
struct Head {
    literals: usize,
    distances: usize,
    of_lengths: Vec<u8>,
    runs: Vec<Run>,
}

/// Octets with zeros behind them.
struct Feed<'a>(&'a [u8]);

impl Octets for Feed<'_> {
    type Error = Infallible;

    fn next(&mut self) -> Result<u8, Infallible> {
        let (octet, rest) = self.0.split_first().unwrap_or((&0, &[]));
        self.0 = rest;
        Ok(*octet)
    }
}

impl Parsed {
    /// Takes the stream apart that starts with the first of `octets` and holds at most `limit` plain octets; none if that
    /// is no stream, or one that cannot be told.
    pub(crate) fn read(octets: &[u8], limit: usize) -> Option<Self> {
        let mut parsed = Self { limit, ..Self::default() };
        let mut words = [0; inflate::WORDS];
        let room = u32::try_from(octets.len()).unwrap_or(u32::MAX);
        let len = inflate(&mut Feed(octets), room, &mut words, &mut parsed).ok()?;
        parsed.len = len as usize;
        parsed.close();
        Some(parsed)
    }

    fn close(&mut self) {
        if let Some(block) = self.blocks.last_mut() {
            block.tokens.1 = self.tokens.len();
            block.plain.1 = self.plain.len();
        }
    }
}

impl Sink for Parsed {
    fn block(&mut self, coding: Coding, last: bool) {
        self.close();
        let (tokens, plain) = (self.tokens.len(), self.plain.len());
        self.blocks.push(Block { coding, last, tokens: (tokens, tokens), plain: (plain, plain), head: None });
    }

    fn counts(&mut self, literals: usize, distances: usize, lengths: &[u8]) {
        if let Some(block) = self.blocks.last_mut() {
            let of_lengths = lengths.to_vec();
            block.head = Some(Head { literals, distances, of_lengths, runs: Vec::new() });
        }
    }

    fn run(&mut self, symbol: u8, count: usize) {
        if let Some(head) = self.blocks.last_mut().and_then(|block| block.head.as_mut()) {
            head.runs.push(Run { symbol, count: u8::try_from(count).expect("at most 138 codes in a run") });
        }
    }

    fn token(&mut self, token: Token) -> Result<(), Fault> {
        let length = token.length() as usize;
        if self.plain.len() + length > self.limit {
            return Err(Fault::Size);
        }
        self.tokens.push(token);
        if token.is_literal() {
            self.plain.push(token.value);
            return Ok(());
        }
        let from = self.plain.len().checked_sub(token.distance.into()).ok_or(Fault::Distance)?;
        for at in from..from + length {
            self.plain.push(self.plain[at]);
        }
        Ok(())
    }

    fn stored(&mut self, octet: u8) -> Result<(), Fault> {
        if self.plain.len() >= self.limit {
            return Err(Fault::Size);
        }
        self.plain.push(octet);
        Ok(())
    }
}

/// Codes the corrections of a stream.
struct Author<'a> {
    stream: &'a Parsed,
    bits: &'a mut Encoder,
    /// Stored blocks in which no tokens are foreseen.
    raw: &'a BTreeSet<usize>,
    ends: &'a [Option<u32>],
    /// The block at hand, its next token, and its code.
    block: Option<usize>,
    token: usize,
    header: Header<'a>,
    /// Plain octets given.
    given: usize,
    /// A stored block that would have had another length.
    missed: Option<usize>,
}

impl Bits for Author<'_> {
    type Error = Infallible;

    fn bit(&mut self, p: u32, bit: bool) -> Result<bool, Infallible> {
        self.bits.bit(p, bit)
    }
}

impl Side for Author<'_> {
    fn plain(&mut self, out: &mut [u8]) -> Result<(), Infallible> {
        out.copy_from_slice(&self.stream.plain[self.given..self.given + out.len()]);
        self.given += out.len();
        Ok(())
    }

    fn block(&mut self) -> Facts {
        let number = self.block.map_or(0, |block| block + 1);
        self.block = Some(number);
        // once a block came out otherwise, what follows does not matter any more
        let Some(block) = self.stream.blocks.get(number) else { return Facts::default() };
        self.token = block.tokens.0;
        if let Some(head) = &block.head {
            fill(&mut self.header, head);
        }
        let raw = self.raw.contains(&number).then(|| small(block.plain.1 - block.plain.0));
        Facts { coding: block.coding, last: block.last, raw, tokens: self.ends[number] }
    }

    fn token(&mut self, foreseen: Token) -> Token {
        let block = self.block.and_then(|block| self.stream.blocks.get(block));
        let known = block.filter(|block| block.coding != Coding::Stored);
        let token = known.and_then(|_| self.stream.tokens.get(self.token)).copied().unwrap_or(foreseen);
        self.token += 1;
        token
    }

    fn stored(&mut self, octets: u32) {
        let Some(number) = self.block else { return };
        let right = self
            .stream
            .blocks
            .get(number)
            .is_some_and(|block| block.plain.1 - block.plain.0 == octets as usize);
        if !right && self.missed.is_none() {
            self.missed = Some(number);
        }
    }

    fn header(&mut self) -> Option<&Header<'_>> {
        Some(&self.header)
    }
}

fn fill(header: &mut Header<'_>, head: &Head) {
    header.literals = head.literals;
    header.distances = head.distances;
    header.sent = head.of_lengths.len();
    header.of_lengths.fill(0);
    for (symbol, length) in ORDER.iter().zip(&head.of_lengths) {
        header.of_lengths[*symbol] = *length;
    }
    header.clear_runs();
    let (mut n, mut last) = (0, 0);
    for run in &head.runs {
        header.push_run(*run);
        last = match run.symbol {
            16 => last,
            17 | 18 => 0,
            length => length,
        };
        for _ in 0..run.count {
            header.set_length(n, last);
            n += 1;
        }
    }
}

fn small(n: usize) -> u32 {
    u32::try_from(n).expect("images are below 1 GiB")
}

/// How a stream is made again.
#[derive(Clone, Debug)]
pub(crate) struct Recipe {
    /// The encoder.
    pub(crate) manner: Manner,
    /// Octets that its corrections take, rounded up.
    pub(crate) cost: usize,
    raw: BTreeSet<usize>,
}

/// Plain octets of which a trial is about.
const TRIAL: u32 = 1 << 15;
/// Corrections of fewer bits than this are none: flags and counts of what was right.
const NOTHING: u64 = 100;
/// Stored blocks that may turn out not to be those of the encoder, before all are taken for that.
const RETRIES: usize = 8;
/// Encoders that are tried on the whole stream.
const FINALISTS: usize = 3;

impl Recipe {
    /// Finds the encoder; `window_bits` is what the container says. None if the stream cannot be made again.
    pub(crate) fn find(stream: &Parsed, octets: &[u8], window_bits: u8) -> Option<Self> {
        let mut trials: Vec<(u64, Manner)> = Vec::new();
        let mut best: Option<(u64, Self)> = None;
        let mut whole = |manner: Manner| {
            let settled = Self::settle(stream, octets, manner, u32::MAX);
            if let Some((recipe, cost)) =
                settled.filter(|(_, cost)| best.as_ref().is_none_or(|(least, _)| cost < least))
            {
                best = Some((cost, recipe));
            }
            best.as_ref().is_some_and(|(cost, _)| *cost <= NOTHING * COST)
        };
        for manner in manners(stream, window_bits) {
            let Some((_, cost)) = Self::settle(stream, octets, manner, TRIAL) else { continue };
            if cost > NOTHING * COST {
                trials.push((cost, manner));
            } else if whole(manner) {
                return best.map(|(_, recipe)| recipe);
            }
        }
        trials.sort_by_key(|(cost, _)| *cost);
        for (_, manner) in trials.into_iter().take(FINALISTS) {
            whole(manner);
        }
        best.map(|(_, recipe)| recipe)
    }

    /// The recipe with this encoder, and what it costs in bits for about the first `trial` octets.
    fn settle(stream: &Parsed, octets: &[u8], manner: Manner, trial: u32) -> Option<(Self, u64)> {
        let stored = || {
            let blocks = stream.blocks.iter().enumerate();
            blocks.filter(|(_, block)| block.coding == Coding::Stored)
        };
        let all = || stored().map(|(number, _)| number).collect::<BTreeSet<usize>>();
        // an empty one is what a flush leaves behind
        let empty = stored().filter(|(_, block)| block.plain.0 == block.plain.1).map(|(number, _)| number);
        let mut raw: BTreeSet<usize> = if manner.level == 0 { all() } else { empty.collect() };
        let mut retries = 0;
        loop {
            let mut recipe = Self { manner: fitted(stream, &raw, manner), cost: 0, raw };
            let mut bits = Encoder::new();
            let mut words = vec![0; correct::WORDS];
            let mut model = Model::new(&mut words).expect("the memory is as large as it says");
            let (made, missed) = recipe.run(stream, &mut bits, &mut model, trial);
            if let Some(missed) = missed {
                raw = if retries < RETRIES { recipe.raw } else { all() };
                raw.insert(missed);
                retries += 1;
                continue;
            }
            let cost = bits.cost();
            recipe.cost = usize::try_from(cost.div_ceil(8 * COST)).unwrap_or(usize::MAX);
            let right = trial < u32::MAX || made == octets[..stream.len];
            return if right && octets.starts_with(&made) { Some((recipe, cost)) } else { None };
        }
    }

    /// Codes the corrections of the stream.
    pub(crate) fn code(&self, stream: &Parsed, bits: &mut Encoder, model: &mut Model<'_>) {
        let (made, missed) = self.run(stream, bits, model, u32::MAX);
        assert!(missed.is_none() && made.len() == stream.len, "the recipe was tried before");
    }

    /// Makes the stream, until at least so many plain octets have been looked at.
    fn run(
        &self,
        stream: &Parsed,
        bits: &mut Encoder,
        model: &mut Model<'_>,
        until: u32,
    ) -> (Vec<u8>, Option<usize>) {
        let plain = small(stream.plain.len());
        let ends: Vec<Option<u32>> =
            stream.blocks.iter().map(|block| end(stream, block, &self.manner)).collect();
        let room = Room::new(&self.manner, plain);
        let mut words = vec![0; room.words()];
        let mut maker = Maker::new(room, &mut words).expect("the memory is as large as it says");
        maker.start(self.manner, plain).expect("the memory is as large as it says");
        let mut words = vec![0; header::WORDS];
        let header = Header::new(&mut words).expect("the memory is as large as it says");
        let mut author = Author {
            stream,
            bits,
            raw: &self.raw,
            ends: &ends,
            block: None,
            token: 0,
            header,
            given: 0,
            missed: None,
        };
        let mut made = Vec::new();
        let mut out = [0; 4096];
        // what is made does not end early, but a wrong guess about a stored block may make it go wrong
        while let Ok(n) = maker.fill(&mut author, model, &mut out) {
            made.extend(&out[..n]);
            if n < out.len() || author.missed.is_some() || maker.done() >= until {
                break;
            }
        }
        (made, author.missed)
    }
}

/// Where a block ends, if not where it is foreseen.
fn end(stream: &Parsed, block: &Block, manner: &Manner) -> Option<u32> {
    if block.coding == Coding::Stored {
        return None;
    }
    let tokens = &stream.tokens[block.tokens.0..block.tokens.1];
    let mut extent = Extent::new(manner);
    let foreseen = tokens.iter().position(|token| extent.push(*token)).map(|last| last + 1);
    let right = match foreseen {
        Some(foreseen) => foreseen == tokens.len(),
        None => block.plain.1 == stream.plain.len(),
    };
    if right { None } else { Some(small(tokens.len())) }
}

/// The encoder with the room that the stream needs.
fn fitted(stream: &Parsed, raw: &BTreeSet<usize>, manner: Manner) -> Manner {
    let blocks = || stream.blocks.iter().enumerate().filter(|(number, _)| !raw.contains(number));
    let stored = blocks().filter(|(_, block)| block.coding == Coding::Stored);
    let stored = stored.map(|(_, block)| small(block.plain.1 - block.plain.0)).max().unwrap_or(0);
    let tokens = blocks().map(|(_, block)| small(block.tokens.1 - block.tokens.0)).max().unwrap_or(0);
    // of a stored block nobody knows how many tokens it had
    let tried = if stored > 0 { manner.limit } else { 0 };
    Manner { stored, tokens: tokens.max(tried), ..manner }
}

/// The encoders that may have made a stream, the likeliest first.
fn manners(stream: &Parsed, window_bits: u8) -> Vec<Manner> {
    let coded = || stream.blocks.iter().filter(|block| block.coding != Coding::Stored);
    let count = |block: &Block| block.tokens.1 - block.tokens.0;
    let full = coded().filter(|block| !block.last).map(count).max().unwrap_or(0);
    let memories: Vec<u8> = match (1..=9).find(|memory| full == (1 << (memory + 6)) - 1) {
        Some(memory) => vec![memory],
        None if full == 0 => vec![8, 9],
        None => vec![8],
    };
    let gzip = full == 0 || full == 0x7FFF || full.is_multiple_of(0x1000);
    let mut manners = Vec::new();
    if coded().next().is_none() {
        manners.push(Manner::zlib(0, 8));
    }
    for memory in memories {
        for level in [6, 9, 8, 7, 5, 4, 1, 3, 2] {
            manners.push(Manner::zlib(level, memory));
        }
    }
    if gzip {
        manners.extend([6, 9, 8, 7, 5, 4, 1, 3, 2].map(Manner::gzip));
    }
    let filtered: Vec<Manner> = manners
        .iter()
        .filter(|manner| manner.level >= 4 && !manner.gzip)
        .map(|manner| Manner { filtered: true, ..*manner })
        .collect();
    manners.extend(filtered);
    manners.into_iter().map(|manner| Manner { window_bits, ..manner }).collect()
}

#[cfg(test)]
mod tests;

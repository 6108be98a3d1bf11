//! Reading a stream: its tokens, its blocks, its codes, and where it ends.
use kedge_delta::bits::Octets;

use super::huffman::{FIXED_DISTANCE, Huffman, fixed};
use super::{CODES, Coding, DISTANCES, END, Error, Fault, LENGTHS, LITERALS, Token, put};

/// Is told what a stream holds. The device needs the tokens; the generator, which has to foresee what [`make`](super::make)
/// will do, wants to know the rest too.
pub trait Sink {
    /// A block begins.
    fn block(&mut self, _coding: Coding, _last: bool) {}
    /// The counts at the start of a dynamic block: literal and length codes, distance codes, and the lengths of the codes for
    /// code lengths, as many as were sent.
    fn counts(&mut self, _literals: usize, _distances: usize, _lengths: &[u8]) {}
    /// A symbol of the code lengths, and for how many codes it stands.
    fn run(&mut self, _symbol: u8, _count: usize) {}
    /// A token.
    fn token(&mut self, token: Token) -> Result<(), Fault>;
    /// An octet of a stored block.
    fn stored(&mut self, octet: u8) -> Result<(), Fault> {
        self.token(Token::literal(octet))
    }
}

/// The plain octets of a stream, in lent memory.
#[derive(Debug)]
pub struct Plain<'a> {
    out: &'a mut [u8],
    len: usize,
}

impl<'a> Plain<'a> {
    /// Nothing yet.
    pub const fn new(out: &'a mut [u8]) -> Self {
        Self { out, len: 0 }
    }

    /// Octets so far.
    pub const fn len(&self) -> usize {
        self.len
    }

    /// Whether there are none so far.
    pub const fn is_empty(&self) -> bool {
        self.len == 0
    }

    fn put(&mut self, octet: u8) -> Result<(), Fault> {
        *self.out.get_mut(self.len).ok_or(Fault::Size)? = octet;
        self.len = self.len.saturating_add(1);
        Ok(())
    }
}

impl Sink for Plain<'_> {
    fn token(&mut self, token: Token) -> Result<(), Fault> {
        if token.is_literal() {
            return self.put(token.value);
        }
        let from = self.len.checked_sub(usize::from(token.distance)).ok_or(Fault::Distance)?;
        for at in (from..).take(usize::try_from(token.length()).unwrap_or(0)) {
            let octet = self.out.get(at).copied().ok_or(Fault::Size)?;
            self.put(octet)?;
        }
        Ok(())
    }
}

/// Words of memory that [`inflate`] works with.
pub const WORDS: usize = CODES / 2 + CODES / 4;

/// Reads a stream from its first octet to its end, of at most `limit` octets; returns how many it had. `words` are at least
/// [`WORDS`].
pub fn inflate<O: Octets, S: Sink>(
    octets: &mut O,
    limit: u32,
    words: &mut [u32],
    sink: &mut S,
) -> Result<u32, Error<O::Error>> {
    let (symbols, rest) = words
        .split_at_mut_checked(CODES / 2)
        .filter(|(_, rest)| rest.len() >= CODES / 4)
        .ok_or(Fault::Memory { words: WORDS })?;
    let symbols: &mut [u16] = bytemuck::try_cast_slice_mut(symbols).unwrap_or_default();
    let lengths: &mut [u8] = bytemuck::try_cast_slice_mut(rest).unwrap_or_default();
    let mut bits = Reader { octets, used: 0, limit, held: 0, count: 0 };
    loop {
        let last = bits.take(1)? == 1;
        match bits.take(2)? {
            0 => {
                sink.block(Coding::Stored, last);
                bits.stored(sink)?;
            }
            1 => {
                sink.block(Coding::Fixed, last);
                for (symbol, length) in lengths.iter_mut().take(LITERALS).enumerate() {
                    *length = fixed(symbol);
                }
                lengths.iter_mut().skip(LITERALS).for_each(|length| *length = FIXED_DISTANCE);
                bits.tokens(lengths, (LITERALS, DISTANCES), symbols, sink)?;
            }
            2 => {
                sink.block(Coding::Dynamic, last);
                let counts = bits.header(lengths, symbols, sink)?;
                bits.tokens(lengths, counts, symbols, sink)?;
            }
            _ => return Err(Fault::Block.into()),
        }
        if last {
            return if bits.held == 0 { Ok(bits.used) } else { Err(Fault::Unusual.into()) };
        }
    }
}

/// Bits, the lowest of each octet first.
struct Reader<'o, O> {
    octets: &'o mut O,
    used: u32,
    limit: u32,
    held: u32,
    count: u32,
}

impl<O: Octets> Reader<'_, O> {
    /// The next bits, at most 16.
    fn take(&mut self, count: u32) -> Result<u32, Error<O::Error>> {
        while self.count < count {
            if self.used >= self.limit {
                return Err(Fault::Truncated.into());
            }
            let octet = self.octets.next().map_err(Error::Input)?;
            self.used = self.used.wrapping_add(1);
            self.held |= u32::from(octet).wrapping_shl(self.count);
            self.count = self.count.wrapping_add(8);
        }
        let bits = self.held & 1u32.wrapping_shl(count).wrapping_sub(1);
        self.held = self.held.wrapping_shr(count);
        self.count = self.count.wrapping_sub(count);
        Ok(bits)
    }

    fn stored<S: Sink>(&mut self, sink: &mut S) -> Result<(), Error<O::Error>> {
        if self.held != 0 {
            return Err(Fault::Unusual.into());
        }
        self.count = 0;
        let len = self.take(16)?;
        if self.take(16)? != len ^ 0xFFFF {
            return Err(Fault::Block.into());
        }
        for _ in 0..len {
            let [octet, ..] = self.take(8)?.to_le_bytes();
            sink.stored(octet)?;
        }
        Ok(())
    }

    /// The code lengths of a dynamic block; returns how many literal and distance codes there are.
    fn header<S: Sink>(
        &mut self,
        lengths: &mut [u8],
        symbols: &mut [u16],
        sink: &mut S,
    ) -> Result<(usize, usize), Error<O::Error>> {
        let small = |n: u32| usize::try_from(n).unwrap_or(0);
        let literals = small(self.take(5)?).wrapping_add(257);
        let distances = small(self.take(5)?).wrapping_add(1);
        let sent = small(self.take(4)?).wrapping_add(4);
        let mut of_lengths = [0; LENGTHS];
        let mut in_order = [0; LENGTHS];
        for (place, length) in super::header::ORDER.iter().zip(&mut in_order).take(sent) {
            let [bits, ..] = self.take(3)?.to_le_bytes();
            *length = bits;
            put(&mut of_lengths, *place, bits);
        }
        sink.counts(literals, distances, in_order.get(..sent).unwrap_or_default());
        if literals > 286 || distances > 30 {
            return Err(Fault::Code.into());
        }
        let code = Huffman::new(&of_lengths, symbols)?;
        let mut places = lengths.iter_mut().take(literals.wrapping_add(distances));
        let mut before = None;
        while places.len() > 0 {
            let symbol = code.symbol(|| self.take(1))?;
            let [value, ..] = symbol.to_le_bytes();
            let (length, count) = match symbol {
                0..=15 => (value, 1),
                16 => (before.ok_or(Fault::Code)?, self.take(2)?.wrapping_add(3)),
                17 => (0, self.take(3)?.wrapping_add(3)),
                _ => (0, self.take(7)?.wrapping_add(11)),
            };
            let count = small(count);
            if count > places.len() {
                return Err(Fault::Code.into());
            }
            sink.run(value, count);
            places.by_ref().take(count).for_each(|place| *place = length);
            before = Some(length);
        }
        Ok((literals, distances))
    }

    /// The tokens of a block whose code lengths stand one behind the other.
    fn tokens<S: Sink>(
        &mut self,
        lengths: &[u8],
        (literals, distances): (usize, usize),
        symbols: &mut [u16],
        sink: &mut S,
    ) -> Result<(), Error<O::Error>> {
        let (of_literals, rest) = lengths.split_at_checked(literals).ok_or(Fault::Code)?;
        let of_distances = rest.get(..distances).ok_or(Fault::Code)?;
        let (left, right) = symbols.split_at_mut_checked(LITERALS).ok_or(Fault::Code)?;
        let code = Huffman::new(of_literals, left)?;
        let distance_code = Huffman::new(of_distances, right)?;
        loop {
            let symbol = code.symbol(|| self.take(1))?;
            let token = match symbol {
                0..END => {
                    let [value, ..] = symbol.to_le_bytes();
                    Token::literal(value)
                }
                END => return Ok(()),
                _ => {
                    let value = self.length(symbol)?;
                    let symbol = distance_code.symbol(|| self.take(1))?;
                    Token { value, distance: self.distance(symbol)? }
                }
            };
            sink.token(token)?;
        }
    }

    /// A copy's length less 3.
    fn length(&mut self, symbol: usize) -> Result<u8, Error<O::Error>> {
        let code = u32::try_from(symbol.wrapping_sub(257)).unwrap_or(u32::MAX);
        let value = match code {
            0..8 => code,
            8..28 => {
                let count = (code >> 2).wrapping_sub(1);
                let value = (4 | code & 3).wrapping_shl(count) | self.take(count)?;
                if value == 255 {
                    return Err(Fault::Unusual.into());
                }
                value
            }
            28 => 255,
            _ => return Err(Fault::Code.into()),
        };
        let [value, ..] = value.to_le_bytes();
        Ok(value)
    }

    fn distance(&mut self, symbol: usize) -> Result<u16, Error<O::Error>> {
        let code = u32::try_from(symbol).unwrap_or(u32::MAX);
        let value = match code {
            0..4 => code,
            4..30 => {
                let count = (code >> 1).wrapping_sub(1);
                (2 | code & 1).wrapping_shl(count) | self.take(count)?
            }
            _ => return Err(Fault::Code.into()),
        };
        u16::try_from(value.wrapping_add(1)).map_err(|_| Fault::Code.into())
    }
}

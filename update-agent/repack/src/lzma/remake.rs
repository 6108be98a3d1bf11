//! Making a stream again from its octets and its encoder's decisions.
use core::ops::Range;

use kedge_delta::bits::Bits;

use super::Fault;
use super::choose::{Chooser, Number, Spot};
use super::decisions::Decisions;
use super::finder::Finder;
use super::range::{Encoder, Full, Output, Writer};
use super::stream::{Chunk, Control, Error, Framing, Stream};
use super::token::{CELLS, LONGEST, Lzma, Props, Token};

/// The most octets of a chunk, without its header.
const CHUNK: usize = 1 << 16;
/// The most octets of its header.
const HEADER: usize = 6;
/// Words of what is made at a time.
const ROOM: usize = (CHUNK + HEADER).div_ceil(4);
/// Octets that are kept free for a token: its bits, each of which may cost six.
const TOKEN: usize = 64;

/// What is to be coded: known to who makes a recipe, and what a device reads from it.
pub trait Script {
    /// The next chunk.
    fn chunk(&mut self) -> Chunk;
    /// The next token.
    fn token(&mut self) -> Token;
    /// What changes now, and when something changes next.
    fn turn(&mut self) -> Turn;
}

/// Where the corresponding place in the old stream's octets goes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Turn {
    /// How much further behind the place in the new stream it is, as the 32 bits of a two's complement.
    pub shift: u32,
    /// For how many tokens; 0 for all that follow.
    pub run: u32,
}

/// What a device is given: nothing.
#[derive(Clone, Copy, Debug)]
pub struct Unknown;

impl Script for Unknown {
    fn chunk(&mut self) -> Chunk {
        Chunk::default()
    }

    fn token(&mut self) -> Token {
        Token::default()
    }

    fn turn(&mut self) -> Turn {
        Turn::default()
    }
}

/// What is going on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    /// A chunk comes, or the end.
    Between,
    /// In the only chunk of a bare stream.
    Inside,
    Over,
}

/// What making streams takes: the most of each.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Room {
    /// Octets that a stream holds.
    pub plain: u32,
    /// Tokens of a stream.
    pub tokens: u32,
}

impl Room {
    /// Room for one stream.
    pub const fn of(stream: &Stream) -> Self {
        Self { plain: stream.plain, tokens: stream.tokens }
    }

    /// Room for either.
    #[must_use]
    pub fn or(self, other: Self) -> Self {
        Self { plain: self.plain.max(other.plain), tokens: self.tokens.max(other.tokens) }
    }

    /// Words that a [`Maker`] takes; nothing if no stream has an octet.
    pub fn words(&self) -> usize {
        if self.plain == 0 {
            return 0;
        }
        let tables = (CELLS / 2).saturating_add(ROOM);
        tables.saturating_add(Chooser::words(self.tokens)).saturating_add(Finder::words(self.plain))
    }
}

/// Makes streams, one after the other.
#[derive(Debug)]
pub struct Maker<'m> {
    stream: Stream,
    lzma: Lzma<'m>,
    chooser: Chooser<'m>,
    finder: Finder<'m>,
    encoder: Encoder,
    out: &'m mut [u8],
    /// What is in `out` and was not given yet.
    ready: Range<usize>,
    phase: Phase,
    /// Where distances end, the next octet, the end of the chunk.
    base: usize,
    at: usize,
    end: usize,
    /// Octets made so far.
    made: u32,
    /// From a place to the corresponding one in the old stream's octets.
    shift: u32,
    /// Tokens until that changes, this one counted; `None` before the first.
    run: Option<u32>,
}

/// What a stream is made from. It has to be the same from its first octet to its last.
#[derive(Clone, Copy, Debug)]
pub struct From<'a> {
    /// All its octets, filtered.
    pub plain: &'a [u8],
    /// The decisions of the old stream.
    pub old: Option<Decisions<'a>>,
}

impl<'m> Maker<'m> {
    /// Takes memory for streams, none yet; needs [`Room::words`], else [`Fault::Memory`]. Both ends have to take the same
    /// room.
    pub fn new(room: Room, words: &'m mut [u32]) -> Result<Self, Fault> {
        Self::carved(room, words).ok_or(Fault::Memory { words: room.words() })
    }

    fn carved(room: Room, words: &'m mut [u32]) -> Option<Self> {
        let (words, _) = words.split_at_mut_checked(room.words())?;
        let none = words.is_empty();
        let part = |len: usize| if none { 0 } else { len };
        let (cells, rest) = words.split_at_mut_checked(part(CELLS / 2))?;
        let (out, rest) = rest.split_at_mut_checked(part(ROOM))?;
        let (chooser, rest) = rest.split_at_mut_checked(part(Chooser::words(room.tokens)))?;
        Some(Self {
            stream: Stream::NONE,
            lzma: Lzma::new(bytemuck::try_cast_slice_mut(cells).ok()?),
            chooser: Chooser::new(chooser)?,
            finder: Finder::new(rest, room.plain)?,
            encoder: Encoder::start(),
            out: bytemuck::try_cast_slice_mut(out).ok()?,
            ready: 0..0,
            phase: Phase::Over,
            base: 0,
            at: 0,
            end: 0,
            made: 0,
            shift: 0,
            run: None,
        })
    }

    /// Begins a stream. Refused: one for which there is not room ([`Fault::Memory`]), or without an octet.
    pub fn start(&mut self, stream: Stream) -> Result<(), Fault> {
        if !self.finder.has_room(stream.plain) {
            return Err(Fault::Memory { words: Room::of(&stream).words() });
        }
        if stream.plain == 0 {
            return Err(Fault::Stream);
        }
        self.stream = stream;
        self.lzma.reset(None);
        self.chooser.reset();
        self.finder.forget();
        self.ready = 0..0;
        self.phase = Phase::Between;
        (self.base, self.at, self.end, self.made) = (0, 0, 0, 0);
        self.shift = 0;
        self.run = None;
        Ok(())
    }

    /// Fills `out` with the next octets of the stream and returns how many; less than `out` holds only at the end. Works on
    /// a chunk at a time, at most 2 MiB of plain octets.
    pub fn fill<B: Bits>(
        &mut self,
        bits: &mut B,
        from: From<'_>,
        script: &mut impl Script,
        out: &mut [u8],
    ) -> Result<usize, Error<B::Error>> {
        let mut rest = out.iter_mut();
        let mut given = 0usize;
        loop {
            let ready = self.out.get(self.ready.clone()).unwrap_or_default();
            let n = rest.by_ref().take(ready.len()).zip(ready).map(|(to, from)| *to = *from).count();
            given = given.saturating_add(n);
            self.ready.start = self.ready.start.saturating_add(n);
            if rest.len() == 0 || self.phase == Phase::Over {
                return Ok(given);
            }
            self.ready = self.more(bits, from, script)?;
        }
    }

    /// Makes octets.
    fn more<B: Bits>(
        &mut self,
        bits: &mut B,
        from: From<'_>,
        script: &mut impl Script,
    ) -> Result<Range<usize>, Error<B::Error>> {
        let made = match self.stream.framing {
            Framing::Bare { props, marked } => {
                if self.phase == Phase::Between {
                    self.start_chunk(Control::First, Some(props), self.stream.plain)?;
                }
                self.bare(bits, from, script, marked)?
            }
            Framing::Chunks => self.chunk(bits, from, script)?,
        };
        let count = u32::try_from(made.len()).unwrap_or(u32::MAX);
        self.made = self.made.saturating_add(count);
        let whole = self.made == self.stream.packed && self.at == from.plain.len();
        if self.made > self.stream.packed || self.phase == Phase::Over && !whole {
            return Err(Fault::Stream.into());
        }
        Ok(made)
    }

    /// Enters a chunk.
    fn start_chunk(&mut self, control: Control, props: Option<Props>, plain: u32) -> Result<(), Fault> {
        let end = usize::try_from(plain).ok().and_then(|plain| self.at.checked_add(plain));
        let whole = usize::try_from(self.stream.plain).unwrap_or(0);
        self.end = end.filter(|end| *end <= whole).ok_or(Fault::Stream)?;
        if control.first() {
            self.base = self.at;
            self.finder.forget();
        }
        if control.has_tokens() && control != Control::Tokens {
            self.lzma.reset(props);
        }
        self.encoder = Encoder::start();
        self.phase = Phase::Inside;
        Ok(())
    }

    /// The next octets of a stream that is one chunk.
    fn bare<B: Bits>(
        &mut self,
        bits: &mut B,
        from: From<'_>,
        script: &mut impl Script,
        marked: bool,
    ) -> Result<Range<usize>, Error<B::Error>> {
        let (held, whole) = self.tokens(bits, from, script, 0)?;
        if !whole {
            return Ok(0..held);
        }
        let mut output = Output::behind(self.out, held);
        if marked {
            let before = from.plain.get(self.base..self.at).unwrap_or_default();
            let mut writer = Writer { encoder: &mut self.encoder, output: &mut output };
            self.lzma.token(&mut writer, before, Token::END, 0).map_err(full)?;
        }
        self.encoder.finish(&mut output).map_err(full)?;
        self.phase = Phase::Over;
        Ok(0..output.held())
    }

    /// A chunk of LZMA2, or the octet behind the last.
    fn chunk<B: Bits>(
        &mut self,
        bits: &mut B,
        from: From<'_>,
        script: &mut impl Script,
    ) -> Result<Range<usize>, Error<B::Error>> {
        let chunk = self.header(bits, script.chunk())?;
        if chunk.control == Control::End {
            self.phase = Phase::Over;
            return self.put(0, &[0]).map_err(Error::Fault);
        }
        self.start_chunk(chunk.control, chunk.props, chunk.plain)?;
        self.phase = Phase::Between;
        let [_, size_top, size_high, size_low] = chunk.plain.wrapping_sub(1).to_be_bytes();
        if !chunk.control.has_tokens() {
            self.put(0, &[chunk.control.octet(), size_high, size_low])?;
            let octets = from.plain.get(self.at..self.end).ok_or(Fault::Stream)?;
            let made = self.put(3, octets)?;
            self.at = self.end;
            return Ok(0..made.end);
        }
        let (held, whole) = self.tokens(bits, from, script, HEADER)?;
        let mut output = Output::behind(self.out, held);
        self.encoder.finish(&mut output).map_err(full)?;
        let end = output.held();
        let packed = end.wrapping_sub(HEADER);
        if !whole || packed > CHUNK {
            return Err(Fault::Stream.into());
        }
        let [packed_low, packed_high, ..] = packed.wrapping_sub(1).to_le_bytes();
        let control = chunk.control.octet() | size_top & 0x1F;
        let sizes = [control, size_high, size_low, packed_high, packed_low];
        let start = match chunk.props {
            Some(props) => {
                self.put(HEADER - 1, &[props.to_octet()])?;
                0
            }
            None => 1,
        };
        self.put(start, &sizes)?;
        Ok(start..end)
    }

    /// Codes what a chunk's header says.
    fn header<B: Bits>(&mut self, bits: &mut B, chunk: Chunk) -> Result<Chunk, Error<B::Error>> {
        let mut number = |what, value| self.chooser.number(bits, what, value).map_err(Error::Input);
        let which = Control::ALL.iter().position(|control| *control == chunk.control);
        let which = number(Number::Control, which.and_then(|which| u32::try_from(which).ok()).unwrap_or(0))?;
        let control = usize::try_from(which).ok().and_then(|which| Control::ALL.get(which));
        let control = *control.ok_or(Fault::Stream)?;
        if control == Control::End {
            return Ok(Chunk::default());
        }
        let plain = number(Number::Plain, chunk.plain.wrapping_sub(1))?;
        let most = if control.has_tokens() { 1 << 21 } else { 1 << 16 };
        if plain >= most {
            return Err(Fault::Stream.into());
        }
        let props = if control.has_props() {
            let octet = number(Number::Props, u32::from(chunk.props.unwrap_or_default().to_octet()))?;
            Some(u8::try_from(octet).ok().and_then(Props::from_octet).ok_or(Fault::Stream)?)
        } else {
            None
        };
        Ok(Chunk { control, props, plain: plain.wrapping_add(1) })
    }

    /// Puts octets to what is made; where they are.
    fn put(&mut self, at: usize, octets: &[u8]) -> Result<Range<usize>, Fault> {
        let end = at.saturating_add(octets.len());
        let room = self.out.get_mut(at..end).ok_or(Fault::Stream)?;
        for (to, from) in room.iter_mut().zip(octets) {
            *to = *from;
        }
        Ok(at..end)
    }

    /// Codes tokens behind the `held` octets that are made, to the end of the chunk, or for as long as there is room. How
    /// many octets are made, and whether it is the end.
    fn tokens<B: Bits>(
        &mut self,
        bits: &mut B,
        from: From<'_>,
        script: &mut impl Script,
        held: usize,
    ) -> Result<(usize, bool), Error<B::Error>> {
        let mut held = held;
        while self.at < self.end {
            let waiting = usize::try_from(self.encoder.waiting()).unwrap_or(usize::MAX);
            if held.saturating_add(waiting).saturating_add(TOKEN) > self.out.len() {
                return Ok((held, false));
            }
            let plain = from.plain.get(self.base..).ok_or(Fault::Stream)?;
            let at = self.at.wrapping_sub(self.base);
            let old = match from.old {
                Some(old) => {
                    self.turn(bits, script).map_err(Error::Input)?;
                    old.at(u32::try_from(self.at).unwrap_or(u32::MAX).wrapping_add(self.shift))
                }
                None => None,
            };
            self.finder.advance(plain, at);
            let left = u32::try_from(self.end.wrapping_sub(self.at)).unwrap_or(u32::MAX);
            let spot = Spot { plain, at, most: left.min(LONGEST), old };
            let token = self.chooser.token(bits, &spot, &self.lzma, &self.finder, script.token());
            let token = token.map_err(Error::Input)?;
            if token.len > left {
                return Err(Fault::Stream.into());
            }
            let (before, rest) = plain.split_at_checked(at).ok_or(Fault::Stream)?;
            let octet = *rest.first().ok_or(Fault::Stream)?;
            let mut output = Output::behind(self.out, held);
            let mut writer = Writer { encoder: &mut self.encoder, output: &mut output };
            self.lzma.token(&mut writer, before, token, octet).map_err(full)?;
            held = output.held();
            self.at = self.at.saturating_add(usize::try_from(token.len).unwrap_or(usize::MAX));
        }
        Ok((held, true))
    }

    /// Codes where the corresponding place goes, when it is time for it.
    fn turn<B: Bits>(&mut self, bits: &mut B, script: &mut impl Script) -> Result<(), B::Error> {
        let run = match self.run {
            Some(run @ (0 | 2..)) => run.saturating_sub(1),
            first => {
                let turn = script.turn();
                if first.is_some() {
                    let by = self.chooser.signed(bits, Number::Shift, turn.shift)?;
                    self.shift = self.shift.wrapping_add(by);
                }
                self.chooser.number(bits, Number::Run, turn.run)?
            }
        };
        self.run = Some(run);
        Ok(())
    }
}

/// More octets than a chunk holds.
fn full(_: Full) -> Fault {
    Fault::Stream
}

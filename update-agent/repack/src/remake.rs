//! The device's side: a new image from an old one, the compressed streams of both unpacked in between.
//!
//! ```text
//!  payload:  length of the recipe (varint) │ recipe │ coded delta
//!
//!  open      old streams ─ inflate ─► lent memory                          (reads recipe, old image)
//!  fill      coded delta + expanded old image ─► expanded new image        (reads delta, old image)
//!                 what is no stream ─────────────────────────► new image
//!                 what is one ─ maker, corrections ─ check ──► new image   (reads recipe)
//! ```
//! The old image has to stay as it is meanwhile, so this is for slots. Nothing can be kept of a state in between: after a
//! power cut the new image is made again from its start, and what is there is not written again.
use core::fmt;

use kedge_delta::bits::{Bits, Decoder, Octets, Position};
use kedge_delta::map::Region;
use kedge_delta::plan::Step;
use kedge_delta::rebuild::{self, Input, Outline, Rebuild};

use crate::deflate::correct::{self, Model, Side};
use crate::deflate::inflate::{self, Plain, inflate};
use crate::deflate::make::Maker;
use crate::deflate::{self, Manner};
use crate::lzma::{self, Opening, Workshop};
use crate::recipe::{self, Check, Checksum, Coder, Expanding, Expansion, Head, New, Old, Piece, STREAMS_MAX};

/// What is wrong with a payload.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Fault {
    /// It needs so many words of memory.
    Memory {
        /// How many.
        words: usize,
    },
    /// The coded delta.
    Delta(rebuild::Fault),
    /// The recipe, or a stream of the old image.
    Recipe(deflate::Fault),
    /// An LZMA stream of either image.
    Lzma(lzma::Fault),
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Memory { words } => write!(f, "{words} words of memory are needed"),
            Self::Delta(fault) => write!(f, "the delta is broken: {fault:?}"),
            Self::Recipe(fault) => write!(f, "the recipe is broken: {fault}"),
            Self::Lzma(fault) => write!(f, "the recipe is broken: {fault}"),
        }
    }
}

impl core::error::Error for Fault {}

/// Why a new image cannot be made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Error<E> {
    /// Reading failed.
    Input(E),
    /// The payload is not one.
    Fault(Fault),
}

impl<E> From<deflate::Fault> for Error<E> {
    fn from(fault: deflate::Fault) -> Self {
        Self::Fault(Fault::Recipe(fault))
    }
}

impl<E> From<lzma::Fault> for Error<E> {
    fn from(fault: lzma::Fault) -> Self {
        Self::Fault(Fault::Lzma(fault))
    }
}

impl<E> From<lzma::Error<E>> for Error<E> {
    fn from(error: lzma::Error<E>) -> Self {
        match error {
            lzma::Error::Input(error) => Self::Input(error),
            lzma::Error::Fault(fault) => fault.into(),
        }
    }
}

impl<E> From<Fault> for Error<E> {
    fn from(fault: Fault) -> Self {
        Self::Fault(fault)
    }
}

impl<E> From<rebuild::Error<E>> for Error<E> {
    fn from(error: rebuild::Error<E>) -> Self {
        match error {
            rebuild::Error::Input(error) => Self::Input(error),
            rebuild::Error::Fault(fault) => Self::Fault(Fault::Delta(fault)),
        }
    }
}

fn flat<E>(error: deflate::Error<Error<E>>) -> Error<E> {
    match error {
        deflate::Error::Input(error) => error,
        deflate::Error::Fault(fault) => fault.into(),
    }
}

/// Octets read at a time.
const CHUNK: usize = 32;
const CHUNK_LEN: u32 = 32;

/// A stretch of what is read, octet by octet.
#[derive(Clone, Copy, Debug)]
struct Tape {
    at: u32,
    end: u32,
    chunk: [u8; CHUNK],
    given: usize,
    held: usize,
}

impl Tape {
    const fn new(at: u32, end: u32) -> Self {
        Self { at, end, chunk: [0; CHUNK], given: 0, held: 0 }
    }

    /// The next octet; zeros behind the end.
    fn next<E>(&mut self, mut read: impl FnMut(u32, &mut [u8]) -> Result<(), E>) -> Result<u8, E> {
        if self.given >= self.held {
            let len = self.end.saturating_sub(self.at).min(CHUNK_LEN);
            if len == 0 {
                return Ok(0);
            }
            let out = usize::try_from(len).ok().and_then(|len| self.chunk.get_mut(..len)).unwrap_or_default();
            read(self.at, out)?;
            self.at = self.at.wrapping_add(len);
            self.held = out.len();
            self.given = 0;
        }
        let octet = self.chunk.get(self.given).copied().unwrap_or(0);
        self.given = self.given.wrapping_add(1);
        Ok(octet)
    }
}

/// The recipe on its way through the decoder.
#[derive(Clone, Copy, Debug)]
struct Script {
    position: Position,
    tape: Tape,
}

/// Its octets.
struct FromPayload<'a, I> {
    input: &'a mut I,
    tape: &'a mut Tape,
}

impl<I: Input> Octets for FromPayload<'_, I> {
    type Error = I::Error;

    fn next(&mut self) -> Result<u8, I::Error> {
        self.tape.next(|at, out| self.input.payload(at, out))
    }
}

/// The octets of a stream of the old image.
struct FromOld<'a, I> {
    input: &'a mut I,
    tape: Tape,
}

impl<I: Input> Octets for FromOld<'_, I> {
    type Error = Error<I::Error>;

    fn next(&mut self) -> Result<u8, Error<I::Error>> {
        self.tape.next(|at, out| self.input.old(at, out)).map_err(Error::Input)
    }
}

impl Script {
    fn start<I: Input>(input: &mut I, at: u32, end: u32) -> Result<Self, I::Error> {
        let mut tape = Tape::new(at, end);
        let position = Position::start(&mut FromPayload { input, tape: &mut tape })?;
        Ok(Self { position, tape })
    }

    fn bits<'a, I: Input>(&'a mut self, input: &'a mut I) -> Decoder<'a, FromPayload<'a, I>> {
        Decoder::new(&mut self.position, FromPayload { input, tape: &mut self.tape })
    }
}

/// The payload's delta, and the expanded old image.
struct Inner<'a, 'm, I> {
    input: &'a mut I,
    /// Where in the payload the delta starts.
    at: u32,
    expansion: Expansion<'m>,
}

impl<I: Input> Input for Inner<'_, '_, I> {
    type Error = I::Error;

    fn payload(&mut self, at: u32, out: &mut [u8]) -> Result<(), I::Error> {
        self.input.payload(self.at.saturating_add(at), out)
    }

    fn old(&mut self, at: u32, out: &mut [u8]) -> Result<(), I::Error> {
        let (mut at, mut rest) = (at, out);
        while !rest.is_empty() {
            let most = u32::try_from(rest.len()).unwrap_or(u32::MAX);
            let n = match self.expansion.piece(at, most) {
                Piece::Image(from, len) => {
                    let len = usize::try_from(len).unwrap_or(0);
                    let (front, behind) = rest.split_at_mut_checked(len).unwrap_or_default();
                    self.input.old(from, front)?;
                    rest = behind;
                    len
                }
                Piece::Plain(octets) => {
                    let n = rest.iter_mut().zip(octets).map(|(to, from)| *to = *from).count();
                    rest = rest.get_mut(n..).unwrap_or_default();
                    n
                }
            };
            if n == 0 {
                // the table was checked; this only bounds the loop
                return Ok(());
            }
            at = at.saturating_add(u32::try_from(n).unwrap_or(u32::MAX));
        }
        Ok(())
    }

    fn saved(&mut self, at: u32, out: &mut [u8]) -> Result<(), I::Error> {
        self.old(at, out)
    }
}

/// How far a block of the expanded new image is read.
#[derive(Clone, Copy, Debug, Default)]
struct Reading {
    left: u32,
    /// The block is kept: its octets come from there in the old image.
    keep: Option<u32>,
}

impl Reading {
    /// The next octets of the expanded new image.
    fn read<I: Input>(
        &mut self,
        rebuild: &mut Rebuild<'_>,
        inner: &mut I,
        out: &mut [u8],
    ) -> Result<(), rebuild::Error<I::Error>> {
        let mut rest = out;
        while !rest.is_empty() {
            if self.left == 0 {
                let (block, keep) = match rebuild.step(inner)? {
                    Step::Make(block) => (block, false),
                    Step::Keep(block) => (block, true),
                    Step::Save(_) => return Err(rebuild::Fault::Order.into()),
                };
                let (start, len) = rebuild.outline().extent(block);
                self.left = len;
                self.keep = keep.then_some(start);
                if len == 0 {
                    return Err(rebuild::Fault::Order.into());
                }
            }
            let n = usize::try_from(self.left).unwrap_or(usize::MAX).min(rest.len());
            let (front, behind) = rest.split_at_mut_checked(n).unwrap_or_default();
            let len = u32::try_from(n).unwrap_or(u32::MAX);
            match &mut self.keep {
                Some(at) => {
                    inner.old(*at, front).map_err(rebuild::Error::Input)?;
                    *at = at.saturating_add(len);
                }
                None if rebuild.fill(inner, front)? == n => {}
                None => return Err(rebuild::Fault::Segment.into()),
            }
            rest = behind;
            self.left = self.left.saturating_sub(len);
        }
        Ok(())
    }
}

/// What making a stream works with.
struct Source<'a, 'm, I> {
    inner: Inner<'a, 'm, I>,
    rebuild: &'a mut Rebuild<'m>,
    reading: &'a mut Reading,
    script: &'a mut Script,
    checksum: &'a mut Checksum,
}

impl<I: Input> Bits for Source<'_, '_, I> {
    type Error = Error<I::Error>;

    fn bit(&mut self, p: u32, bit: bool) -> Result<bool, Error<I::Error>> {
        self.script.bits(self.inner.input).bit(p, bit).map_err(Error::Input)
    }
}

impl<I: Input> Side for Source<'_, '_, I> {
    fn plain(&mut self, out: &mut [u8]) -> Result<(), Error<I::Error>> {
        self.reading.read(self.rebuild, &mut self.inner, out)?;
        self.checksum.update(out);
        Ok(())
    }
}

/// What of the new image is made.
#[derive(Clone, Copy, Debug)]
enum Part {
    /// Octets that are no stream, and whether a stream comes behind them.
    Gap(u32, Option<New>),
    /// A stream of DEFLATE.
    Stream,
    /// A stream of LZMA.
    Lzma,
    /// The check value behind it, from this octet on.
    Check(usize),
}

/// A new image on its way.
#[derive(Debug)]
pub struct Remake<'m> {
    outline: Outline,
    head: Head,
    /// Where in the payload the recipe and the delta start.
    recipe_at: u32,
    delta_at: u32,
    rebuild: Rebuild<'m>,
    expansion: Expansion<'m>,
    model: Model<'m>,
    maker: Maker<'m>,
    workshop: Workshop<'m>,
    script: Script,
    reading: Reading,
    checksum: Checksum,
    part: Part,
    /// Streams that did not begin yet.
    streams: u32,
    /// Octets of the expanded image that stand before the next stream's gap.
    expanded: u32,
    /// Octets between the gap and what the stream holds.
    filling: u32,
    /// Octets made.
    made: u32,
}

/// Words that are needed beside those of the coded delta.
pub fn words(head: &Head) -> usize {
    let deflate = correct::WORDS.saturating_add(head.room.words());
    deflate.saturating_add(head.lzma.words()).saturating_add(Expanding::words(head))
}

impl<'m> Remake<'m> {
    /// Takes up a payload: unpacks the streams of the old image and goes through the plan of the delta.
    pub fn open<I: Input>(
        outline: Outline,
        words: &'m mut [u32],
        regions: &'m mut [Region],
        input: &mut I,
    ) -> Result<Self, Error<I::Error>> {
        let (recipe_at, delta_at) = parts(&outline, input)?;
        let mut script = Script::start(input, recipe_at, delta_at).map_err(Error::Input)?;
        let mut model;
        let (part, rest) =
            words.split_at_mut_checked(correct::WORDS).ok_or(Fault::Memory { words: correct::WORDS })?;
        model = Model::new(part).ok_or(Fault::Memory { words: correct::WORDS })?;
        let head =
            recipe::head(&mut model, &mut script.bits(input), Head::default()).map_err(Error::Input)?;
        if head.old > STREAMS_MAX || head.new > STREAMS_MAX || outline.in_place {
            return Err(deflate::Fault::Size.into());
        }
        let short = Fault::Memory { words: self::words(&head) };
        let (part, rest) = rest.split_at_mut_checked(head.room.words()).ok_or(short)?;
        let maker = Maker::new(head.room, part)?;
        let (part, rest) = rest.split_at_mut_checked(Expanding::words(&head)).ok_or(short)?;
        let mut expanding = Expanding::new(&head, part)?;
        let (part, rest) = rest.split_at_mut_checked(head.lzma.words()).ok_or(short)?;
        let mut opening = Opening::new(&head.lzma, part)?;
        for _ in 0..head.old {
            let stream =
                recipe::old(&mut model, &mut script.bits(input), Old::default()).map_err(Error::Input)?;
            unpack(&stream, (&mut expanding, &mut opening), outline.old_size, rest, input)?;
        }
        let (expansion, old_size) = expanding.finish(outline.old_size)?;
        let payload = outline.payload.saturating_sub(delta_at);
        let inner_outline = Outline { payload, old_size, new_size: head.expanded, ..outline };
        let mut inner = Inner { input, at: delta_at, expansion };
        let opened = Rebuild::open(inner_outline, rest, regions, &mut inner);
        let rebuild = opened.map_err(|error| match error {
            rebuild::Error::Fault(rebuild::Fault::Memory { words }) => {
                Error::Fault(Fault::Memory { words: words.saturating_add(self::words(&head)) })
            }
            other => other.into(),
        })?;
        let mut remake = Self {
            outline,
            head,
            recipe_at,
            delta_at,
            rebuild,
            expansion,
            model,
            maker,
            workshop: opening.finish(),
            script,
            reading: Reading::default(),
            checksum: Checksum::new(Check::None),
            part: Part::Gap(0, None),
            streams: head.new,
            expanded: 0,
            filling: 0,
            made: 0,
        };
        remake.advance(input)?;
        Ok(remake)
    }

    /// Goes back to the start of the new image.
    pub fn restart<I: Input>(&mut self, input: &mut I) -> Result<(), Error<I::Error>> {
        self.model.reset();
        self.script = Script::start(input, self.recipe_at, self.delta_at).map_err(Error::Input)?;
        let bits = &mut self.script.bits(input);
        recipe::head(&mut self.model, bits, self.head).map_err(Error::Input)?;
        for _ in 0..self.head.old {
            recipe::old(&mut self.model, bits, Old::default()).map_err(Error::Input)?;
        }
        self.rebuild.restart();
        self.reading = Reading::default();
        self.streams = self.head.new;
        self.expanded = 0;
        self.made = 0;
        self.advance(input)
    }

    /// The delta between the expanded images.
    pub const fn rebuild(&self) -> &Rebuild<'m> {
        &self.rebuild
    }

    /// What is known of the recipe before its streams.
    pub const fn head(&self) -> &Head {
        &self.head
    }

    /// What is known of the images.
    pub const fn outline(&self) -> &Outline {
        &self.outline
    }

    /// Octets of the new image made so far.
    pub const fn made(&self) -> u32 {
        self.made
    }

    /// Fills `out` with the next octets of the new image. With its last octet, everything has to be used up.
    pub fn fill<I: Input>(&mut self, input: &mut I, out: &mut [u8]) -> Result<(), Error<I::Error>> {
        self.made = self.made.saturating_add(u32::try_from(out.len()).unwrap_or(u32::MAX));
        let mut rest = out;
        while !rest.is_empty() {
            let n = self.some(input, rest)?;
            rest = rest.get_mut(n..).unwrap_or_default();
            if rest.is_empty() {
                break;
            }
            self.next(input)?;
        }
        if self.made < self.outline.new_size {
            return Ok(());
        }
        // what may follow is no octet
        while !matches!(self.part, Part::Gap(_, None)) {
            if self.some(input, &mut [0])? > 0 {
                return Err(deflate::Fault::Size.into());
            }
            self.next(input)?;
        }
        match self.part {
            Part::Gap(0, None) => Ok(()),
            _ => Err(deflate::Fault::Size.into()),
        }
    }

    /// Makes octets of this part; fewer than `out` holds only at its end.
    fn some<I: Input>(&mut self, input: &mut I, out: &mut [u8]) -> Result<usize, Error<I::Error>> {
        let Self { part, maker, workshop, model, checksum, rebuild, reading, script, .. } = self;
        let inner = Inner { input, at: self.delta_at, expansion: self.expansion };
        match part {
            Part::Gap(left, _) => {
                let n = usize::try_from(*left).unwrap_or(usize::MAX).min(out.len());
                let mut inner = inner;
                reading.read(rebuild, &mut inner, out.get_mut(..n).unwrap_or_default())?;
                *left = left.saturating_sub(u32::try_from(n).unwrap_or(u32::MAX));
                Ok(n)
            }
            Part::Stream => {
                let mut source = Source { inner, rebuild, reading, script, checksum };
                maker.fill(&mut source, model, out).map_err(flat)
            }
            Part::Lzma => Ok(workshop.fill(&mut script.bits(inner.input), out)?),
            Part::Check(at) => {
                let octets = (*at..).map_while(|at| checksum.octet(at));
                let n = out.iter_mut().zip(octets).map(|(to, from)| *to = from).count();
                *at = at.saturating_add(n);
                Ok(n)
            }
        }
    }

    /// Goes on behind a part that has no octet left.
    fn next<I: Input>(&mut self, input: &mut I) -> Result<(), Error<I::Error>> {
        if let Part::Gap(_, Some(_)) = self.part {
            let mut inner = Inner { input, at: self.delta_at, expansion: self.expansion };
            for _ in 0..core::mem::take(&mut self.filling) {
                self.reading.read(&mut self.rebuild, &mut inner, &mut [0])?;
            }
        }
        match self.part {
            Part::Gap(_, None) => Err(deflate::Fault::Size.into()),
            Part::Gap(_, Some(New { plain, coder: Coder::Deflate { check, manner }, .. })) => {
                self.checksum = Checksum::new(check);
                self.maker.start(manner, plain)?;
                self.part = Part::Stream;
                Ok(())
            }
            Part::Gap(_, Some(New { coder: Coder::Lzma { stream, like }, .. })) => {
                // decisions look ahead, so all that the stream holds has to be there first
                let mut inner = Inner { input, at: self.delta_at, expansion: self.expansion };
                let plain = self.workshop.start(&stream, like)?;
                self.reading.read(&mut self.rebuild, &mut inner, plain)?;
                self.workshop.filter(&stream);
                self.part = Part::Lzma;
                Ok(())
            }
            Part::Stream => {
                self.part = Part::Check(0);
                Ok(())
            }
            Part::Lzma | Part::Check(_) => self.advance(input),
        }
    }

    /// Learns what comes behind a stream.
    fn advance<I: Input>(&mut self, input: &mut I) -> Result<(), Error<I::Error>> {
        let coder = Coder::Deflate { check: Check::None, manner: Manner::zlib(0, 1) };
        let blank = New { gap: 0, plain: 0, coder };
        let left = self.head.expanded.checked_sub(self.expanded).ok_or(deflate::Fault::Size)?;
        let Some(streams) = self.streams.checked_sub(1) else {
            self.part = Part::Gap(left, None);
            return Ok(());
        };
        self.streams = streams;
        let bits = &mut self.script.bits(input);
        let stream = recipe::new(&mut self.model, bits, blank).map_err(Error::Input)?;
        let gap_end = self.expanded.saturating_add(stream.gap);
        let start = stream.start(self.expanded).ok_or(deflate::Fault::Size)?;
        let end = start.checked_add(stream.plain).filter(|end| *end <= self.head.expanded);
        self.expanded = end.ok_or(deflate::Fault::Size)?;
        self.filling = start.wrapping_sub(gap_end);
        self.part = Part::Gap(stream.gap, Some(stream));
        Ok(())
    }
}

/// What a payload tells without the old image.
#[derive(Clone, Copy, Debug)]
pub struct Contents {
    /// The start of the recipe.
    pub head: Head,
    /// Octets of the payload before the delta.
    pub delta_at: u32,
    /// The delta between the expanded images.
    pub outline: Outline,
}

/// Looks into a payload, with [`correct::WORDS`] words of memory, to show what is in it.
pub fn contents<I: Input>(
    outline: Outline,
    words: &mut [u32],
    input: &mut I,
) -> Result<Contents, Error<I::Error>> {
    let (recipe_at, delta_at) = parts(&outline, input)?;
    let mut script = Script::start(input, recipe_at, delta_at).map_err(Error::Input)?;
    let mut model = Model::new(words).ok_or(Fault::Memory { words: correct::WORDS })?;
    let bits = &mut script.bits(input);
    let head = recipe::head(&mut model, bits, Head::default()).map_err(Error::Input)?;
    let (mut image, mut expanded) = (0u32, 0u32);
    for _ in 0..head.old.min(STREAMS_MAX) {
        let stream = recipe::old(&mut model, bits, Old::default()).map_err(Error::Input)?;
        image = image.wrapping_add(stream.gap).wrapping_add(stream.len);
        let start = stream.start(expanded).ok_or(deflate::Fault::Size)?;
        expanded = start.wrapping_add(stream.plain);
    }
    let old_size = expanded.wrapping_add(outline.old_size.wrapping_sub(image));
    let payload = outline.payload.saturating_sub(delta_at);
    Ok(Contents {
        head,
        delta_at,
        outline: Outline { payload, old_size, new_size: head.expanded, ..outline },
    })
}

/// Unpacks a stream of the old image; `work` is lent for the time.
fn unpack<I: Input>(
    stream: &Old,
    (expanding, opening): (&mut Expanding<'_>, &mut Opening<'_>),
    old_size: u32,
    work: &mut [u32],
    input: &mut I,
) -> Result<(), Error<I::Error>> {
    if work.len() < inflate::WORDS {
        return Err(Fault::Memory { words: inflate::WORDS }.into());
    }
    let (at, place) = expanding.next(stream)?;
    let end = at.checked_add(stream.len).filter(|end| *end <= old_size).ok_or(deflate::Fault::Size)?;
    let mut octets = FromOld { input, tape: Tape::new(at, end) };
    if let Some(lzma) = stream.lzma {
        let of = lzma.stream(stream.len, stream.plain);
        opening.unpack(&of, &mut octets, place).map_err(|error| match error {
            lzma::Error::Input(error) => error,
            lzma::Error::Fault(fault) => fault.into(),
        })?;
    } else {
        let whole = place.len();
        let mut plain = Plain::new(place);
        inflate(&mut octets, stream.len, work, &mut plain).map_err(flat)?;
        if plain.len() != whole {
            return Err(deflate::Fault::Size.into());
        }
    }
    expanding.push(stream)?;
    Ok(())
}

/// Where the recipe and the delta start.
fn parts<I: Input>(outline: &Outline, input: &mut I) -> Result<(u32, u32), Error<I::Error>> {
    let (mut len, mut at) = (0u32, 0u32);
    loop {
        let mut octet = [0];
        if at >= outline.payload || at >= 5 {
            return Err(deflate::Fault::Size.into());
        }
        input.payload(at, &mut octet).map_err(Error::Input)?;
        let [octet] = octet;
        len |= u32::from(octet & 0x7F).wrapping_shl(at.wrapping_mul(7));
        at = at.wrapping_add(1);
        if octet & 0x80 == 0 {
            break;
        }
    }
    let delta = at.checked_add(len).filter(|delta| *delta < outline.payload).ok_or(deflate::Fault::Size)?;
    Ok((at, delta))
}

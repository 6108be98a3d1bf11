//! Rebuilding the new image on the device.
//!
//! ```text
//!  payload:  length of the plan (varint) │ plan │ content
//!
//!  open      goes through the plan: regions, map, bounds                 (reads the plan)
//!  step      which block is next, or what is to be saved                 (reads the plan again, in step)
//!  fill      its octets                                                  (reads plan, content and the old image)
//!  keep      the state, to go on from after a power cut
//! ```
//! The plan has to be there as a whole, the content need not: [`Rebuild::arrived`] says how much of it is, and `fill` stops
//! where more is needed.
pub use self::dump::{Summary, dump};
use self::survey::Survey;
use crate::bits::{Bits, Decoder, Octets, Position};
use crate::map::{Region, Regions};
use crate::model::{Made, Model, Sizes, State, UNIT_OCTETS};
use crate::numbers::Numbers;
use crate::plan::{self, Cursor, HEAD_COUNTERS, Head, Segment, Step};
use crate::seam::{self, Seam};
use crate::walk::{Done, Old, Walk};

/// Where the octets come from. On a device all of it is flash.
pub trait Input {
    /// Why reading can fail.
    type Error;
    /// Fills `out` with the payload's octets from offset `at` on.
    fn payload(&mut self, at: u32, out: &mut [u8]) -> Result<(), Self::Error>;
    /// Fills `out` with octets of the old image that stand in their place.
    fn old(&mut self, at: u32, out: &mut [u8]) -> Result<(), Self::Error>;
    /// Fills `out` with octets of the old image whose place was overwritten; a step of the plan saved them.
    fn saved(&mut self, at: u32, out: &mut [u8]) -> Result<(), Self::Error>;
}

/// What is known of a delta from outside.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Outline {
    /// Octets of the payload.
    pub payload: u32,
    /// Octets of the old image.
    pub old_size: u32,
    /// Octets of the new image.
    pub new_size: u32,
    /// Octets of a block, at least one.
    pub block: u32,
    /// Blocks overwrite the old image.
    pub in_place: bool,
}

impl Outline {
    /// How many blocks there are.
    pub fn blocks(&self) -> u32 {
        self.new_size.div_ceil(self.block.max(1))
    }

    /// The octets of a block: where they start, and how many they are.
    pub fn extent(&self, block: u32) -> (u32, u32) {
        let start = block.saturating_mul(self.block);
        (start, self.new_size.saturating_sub(start).min(self.block))
    }

    /// Words that are needed with tables of these sizes.
    pub fn words(&self, sizes: Sizes) -> usize {
        let done = if self.in_place { Done::words(self.blocks()) } else { Done::words(1) };
        (sizes.plan() / 2).saturating_add(done).saturating_add(sizes.words())
    }
}

/// What is wrong with a delta.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Fault {
    /// It needs so many words of memory more than it was lent.
    Memory {
        /// How many are missing.
        words: usize,
    },
    /// More regions than there is room for, out of order, or of an instruction set that this build leaves out.
    Regions,
    /// Its map has more pieces than it said.
    Map,
    /// A block does not exist or comes twice.
    Order,
    /// A segment leaves the block or the old image.
    Segment,
    /// What is saved is not there.
    Save,
    /// Its plan asks for more work than images of these sizes take: see [`SAVED_MOST`] and [`SEARCHED_MOST`].
    Work,
}

/// Why the new image cannot be rebuilt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Error<E> {
    /// Reading failed.
    Input(E),
    /// The delta is not one.
    Fault(Fault),
}

impl<E> From<Fault> for Error<E> {
    fn from(fault: Fault) -> Self {
        Self::Fault(fault)
    }
}

/// One of the two streams of a payload.
#[derive(Clone, Copy, Debug)]
struct Stream {
    position: Position,
    /// The next octet, and the end.
    at: u32,
    end: u32,
    chunk: [u8; CHUNK],
    /// The offset of the chunk.
    chunk_at: u32,
    held: u32,
}

const CHUNK: usize = 32;
const CHUNK_LEN: u32 = 32;

/// Octets that a decoder reads before the first bit.
const PRIMING: u32 = 4;

/// So many octets of content must have arrived behind the last one that was used, or all there are, before `fill` goes on:
/// what a unit may use, the octets before the first, and those of one reading, which are read in advance.
pub const AHEAD: u32 = UNIT_OCTETS + PRIMING + CHUNK_LEN;

/// Octets of a stream, and the rest of the input.
struct Feed<'a, I> {
    input: &'a mut I,
    at: &'a mut u32,
    end: u32,
    chunk: &'a mut [u8; CHUNK],
    chunk_at: &'a mut u32,
    held: &'a mut u32,
}

impl<I: Input> Octets for Feed<'_, I> {
    type Error = I::Error;

    /// Behind the end there are zeros: an encoder leaves them out.
    fn next(&mut self) -> Result<u8, I::Error> {
        if *self.at >= self.end {
            return Ok(0);
        }
        if self.at.wrapping_sub(*self.chunk_at) >= *self.held {
            let len = self.end.saturating_sub(*self.at).min(CHUNK_LEN);
            let out = usize::try_from(len).ok().and_then(|len| self.chunk.get_mut(..len)).unwrap_or_default();
            self.input.payload(*self.at, out)?;
            *self.chunk_at = *self.at;
            *self.held = len;
        }
        let place = usize::try_from(self.at.wrapping_sub(*self.chunk_at)).unwrap_or(usize::MAX);
        *self.at = self.at.wrapping_add(1);
        Ok(self.chunk.get(place).copied().unwrap_or(0))
    }
}

/// A decoder with the input beside it.
struct Reader<'a, I> {
    bits: Decoder<'a, Feed<'a, I>>,
}

impl<I: Input> Bits for Reader<'_, I> {
    type Error = I::Error;

    fn bit(&mut self, p: u32, bit: bool) -> Result<bool, I::Error> {
        self.bits.bit(p, bit)
    }
}

impl<I: Input> Old for Reader<'_, I> {
    fn old(&mut self, at: u32, out: &mut [u8]) -> Result<(), I::Error> {
        self.bits.octets().input.old(at, out)
    }

    fn saved(&mut self, at: u32, out: &mut [u8]) -> Result<(), I::Error> {
        self.bits.octets().input.saved(at, out)
    }
}

impl Stream {
    /// The stream from `at` to `end`, of which nothing was read.
    const fn blank(at: u32, end: u32) -> Self {
        Self { position: Position::BLANK, at, end, chunk: [0; CHUNK], chunk_at: 0, held: 0 }
    }

    /// The stream from `at` to `end`, at its start.
    fn start<I: Input>(input: &mut I, at: u32, end: u32) -> Result<Self, I::Error> {
        let mut stream = Self::blank(at, end);
        let (position, mut feed) = stream.feed(input);
        *position = Position::start(&mut feed)?;
        Ok(stream)
    }

    fn feed<'a, I>(&'a mut self, input: &'a mut I) -> (&'a mut Position, Feed<'a, I>) {
        let Self { position, at, end, chunk, chunk_at, held } = self;
        (position, Feed { input, at, end: *end, chunk, chunk_at, held })
    }

    fn reader<'a, I: Input>(&'a mut self, input: &'a mut I) -> Reader<'a, I> {
        let (position, feed) = self.feed(input);
        Reader { bits: Decoder::new(position, feed) }
    }

    const fn to_words(self) -> [u32; 4] {
        [self.position.interval.low, self.position.interval.high, self.position.value, self.at]
    }

    fn resume(&mut self, words: [u32; 4]) {
        let [low, high, value, at] = words;
        self.position = Position { interval: crate::bits::Interval { low, high }, value };
        self.at = at;
        self.held = 0;
    }
}

/// What a saved piece counts beside its octets: who saves it has to note where it comes from.
pub const PIECE: u32 = 8;

/// How often, on average, a plan may save each octet of both images, its pieces counted with [`PIECE`]. A plan that saves
/// what it needs once or twice stays far below; a hostile one could ask for the whole old image before every block.
pub const SAVED_MOST: u64 = 4;
/// How many saved pieces, on average, may be looked at for each octet of both images: for every segment, and every 32
/// octets of it, all the pieces that are saved then. It bounds what finding saved octets takes.
pub const SEARCHED_MOST: u64 = 32;

/// What the steps of a plan need.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Needs {
    /// Blocks that are made; the others stay as they are.
    pub made: u32,
    /// How often something is saved.
    pub saves: u32,
    /// The most pieces that one save has.
    pub pieces: u32,
    /// The most octets that one save has, [`PIECE`] more for each of its pieces.
    pub octets: u32,
}

/// A delta at work.
#[derive(Debug)]
pub struct Rebuild<'m> {
    outline: Outline,
    sizes: Sizes,
    least: u32,
    needs: Needs,
    walk: Walk<'m>,
    numbers: Numbers<'m>,
    cursor: Cursor,
    plan: Stream,
    content: Stream,
    /// Where in the plan the first step stands.
    steps: [u32; 4],
    /// The end of the content that is there.
    arrived: u32,
    /// Octets of the block that no segment has given yet.
    left: u32,
    /// Octets that were coded and not given out yet.
    pending: Made,
    given: u8,
    /// The octets that the block ends with, if a neighbour had them.
    tail: Made,
    /// Octets of the block that were not given out yet.
    room: u32,
    /// The end of the last piece of a save, and how many are left.
    piece: (u32, u32),
    /// Octets of the pieces of this save so far.
    saving: u32,
    /// Blocks whose step was taken.
    passed: u32,
}

/// Words of the scalars that are kept.
const KEPT: usize = Cursor::WORDS + State::WORDS + Seam::WORDS + 8 + 2;

impl<'m> Rebuild<'m> {
    /// Takes up a delta: goes through all of its plan. `words` and `regions` are lent for the time of the work.
    pub fn open<I: Input>(
        outline: Outline,
        words: &'m mut [u32],
        regions: &'m mut [Region],
        input: &mut I,
    ) -> Result<Self, Error<I::Error>> {
        let (plan_at, content_at) = parts(&outline, input)?;
        let mut plan = Stream::start(input, plan_at, content_at).map_err(Error::Input)?;
        let available = words.len();
        let short = |sizes: Sizes| Fault::Memory { words: outline.words(sizes).saturating_sub(available) };
        let (head, list) = read_head(&mut plan, &outline, regions, input)?;
        if outline.words(head.sizes) > available {
            return Err(short(head.sizes).into());
        }
        let (cells, rest) = words.split_at_mut_checked(head.sizes.plan() / 2).ok_or(short(head.sizes))?;
        let mut numbers = Numbers::new(bytemuck::try_cast_slice_mut(cells).unwrap_or_default());
        numbers.reset();
        let blocks = if outline.in_place { outline.blocks() } else { 1 };
        let (bits, rest) = rest.split_at_mut_checked(Done::words(blocks)).ok_or(short(head.sizes))?;
        let (model, map) = Model::new(rest, head.sizes).ok_or(short(head.sizes))?;
        let regions = Regions { list, old_size: outline.old_size, new_size: outline.new_size, ram: head.ram };
        let done = Done::new(bits, if outline.in_place { outline.block } else { 0 });
        // the first step follows here, after the survey too
        let steps = plan.to_words();
        let mut survey = Survey {
            outline,
            cursor: Cursor::START,
            needs: Needs::default(),
            map,
            done,
            least: head.least,
            listed: 0,
            saved: 0,
            searched: 0,
        };
        survey.run(&mut numbers, &mut plan, input)?;
        let Survey { needs, map, mut done, .. } = survey;
        done.reset();
        numbers.reset();
        plan.resume(steps);
        // not moved about: it is the largest of all that stands on the stack
        let content = Stream::blank(content_at, outline.payload);
        Ok(Self {
            outline,
            sizes: head.sizes,
            least: head.least,
            needs,
            walk: Walk::new(model, map, regions, done),
            numbers,
            cursor: Cursor::START,
            plan,
            content,
            steps,
            arrived: u32::MAX,
            left: 0,
            pending: Made::NONE,
            given: 0,
            tail: Made::NONE,
            room: 0,
            piece: (0, 0),
            saving: 0,
            passed: 0,
        })
    }

    /// Goes back to the first step, as freshly opened.
    pub fn restart(&mut self) {
        let content_at = self.plan.end;
        self.walk.reset();
        self.cursor = Cursor::START;
        self.left = 0;
        self.pending.len = 0;
        self.tail.len = 0;
        self.room = 0;
        self.piece = (0, 0);
        self.passed = 0;
        self.content = Stream::blank(content_at, self.outline.payload);
        self.plan.resume(self.steps);
        self.numbers.reset();
    }

    /// What is known of it from outside.
    pub const fn outline(&self) -> &Outline {
        &self.outline
    }

    /// What the steps need.
    pub const fn needs(&self) -> Needs {
        self.needs
    }

    /// The sizes of its tables.
    pub const fn sizes(&self) -> Sizes {
        self.sizes
    }

    /// What stands where.
    pub const fn regions(&self) -> &Regions<'m> {
        &self.walk.regions
    }

    /// What is done next. After [`Step::Make`] the block's octets come from [`fill`](Self::fill), after [`Step::Save`] the
    /// pieces from [`piece`](Self::piece); when the block is in place, [`placed`](Self::placed) has to be told.
    pub fn step<I: Input>(&mut self, input: &mut I) -> Result<Step, Error<I::Error>> {
        let mut reader = self.plan.reader(input);
        let step = self.cursor.step(&mut self.numbers, &mut reader, self.outline.block, Step::Save(0));
        let step = step.map_err(Error::Input)?;
        // the plan was good when it was opened, but storage may change
        match step {
            Step::Make(block) | Step::Keep(block) if block >= self.outline.blocks() => {
                return Err(Fault::Order.into());
            }
            Step::Save(pieces) if pieces > self.needs.pieces => return Err(Fault::Save.into()),
            Step::Make(block) => {
                let (start, len) = self.outline.extent(block);
                (self.pending, self.tail) = self.walk.enter(block, (start, start.wrapping_add(len)));
                self.left = len;
                self.room = len;
                self.given = 0;
            }
            Step::Save(pieces) => {
                self.piece = (0, pieces);
                self.saving = 0;
            }
            Step::Keep(_) => {}
        }
        self.passed = self.passed.saturating_add(u32::from(!matches!(step, Step::Save(_))));
        Ok(step)
    }

    /// Blocks whose step was taken.
    pub const fn passed(&self) -> u32 {
        self.passed
    }

    /// Pieces of the last save that were not given yet: also of one whose step was taken before the state was kept.
    pub const fn owed(&self) -> u32 {
        self.piece.1
    }

    /// Notes that a block that was made is in place: its old octets are gone. Not for one that stays as it is.
    pub fn placed(&mut self, block: u32) {
        if self.outline.in_place {
            self.walk.done.set(block);
        }
    }

    /// The next piece to save: its offset in the old image and its octets; none when all were given.
    pub fn piece<I: Input>(&mut self, input: &mut I) -> Result<Option<(u32, u32)>, Error<I::Error>> {
        let (end, left) = self.piece;
        let Some(left) = left.checked_sub(1) else { return Ok(None) };
        let piece = Cursor::piece(&mut self.numbers, &mut self.plan.reader(input), end, (0, 0));
        let (at, len) = piece.map_err(Error::Input)?;
        let end = at.checked_add(len).filter(|end| *end <= self.outline.old_size).ok_or(Fault::Save)?;
        self.saving = self.saving.saturating_add(len).saturating_add(PIECE);
        if self.saving > self.needs.octets {
            return Err(Fault::Save.into());
        }
        self.piece = (end, left);
        Ok(Some((at, len)))
    }

    /// Says that the payload is there up to the offset `end`; until then all of it is.
    pub const fn arrived(&mut self, end: u32) {
        self.arrived = end;
    }

    /// The offset in the payload of the first octet of content that is not used up: a decoder whose state is kept here
    /// goes on with it.
    pub const fn content_at(&self) -> u32 {
        self.content.at
    }

    /// Whether the next unit might need content that is not there.
    const fn is_starved(&self) -> bool {
        self.arrived < self.content.end && self.content.at.saturating_add(AHEAD) > self.arrived
    }

    /// Fills the front of `out` with the next octets of the block and returns how many: less than `out` holds only at the
    /// end of the block, and where content has not [arrived](Self::arrived).
    pub fn fill<I: Input>(&mut self, input: &mut I, out: &mut [u8]) -> Result<usize, Error<I::Error>> {
        let room = usize::try_from(self.room).unwrap_or(usize::MAX);
        let mut rest = out.iter_mut().take(room);
        let mut made = 0u32;
        while rest.len() > 0 {
            let pending = self.pending.as_slice().get(usize::from(self.given)..).unwrap_or_default();
            let n = rest.by_ref().take(pending.len()).zip(pending).map(|(to, from)| *to = *from).count();
            made = made.wrapping_add(u32::try_from(n).unwrap_or(0));
            self.given = self.given.saturating_add(u8::try_from(n).unwrap_or(0));
            if self.given < self.pending.len {
                break;
            }
            self.given = 0;
            self.pending.len = 0;
            if self.is_starved() {
                break;
            }
            self.prime(input)?;
            if let Some(octets) =
                self.walk.code(&mut self.content.reader(input), [0; 8]).map_err(Error::Input)?
            {
                self.pending = octets;
            } else if self.left > 0 {
                self.next_segment(input)?;
            } else {
                self.pending = core::mem::replace(&mut self.tail, Made::NONE);
                if self.pending.len == 0 && rest.len() > 0 {
                    return Err(Fault::Segment.into());
                }
            }
        }
        self.room = self.room.saturating_sub(made);
        // what the neighbours had is told all the same
        while self.room == 0 && self.left > 0 {
            self.next_segment(input)?;
        }
        Ok(usize::try_from(made).unwrap_or(0))
    }

    /// Starts the content, before its first bit.
    fn prime<I: Input>(&mut self, input: &mut I) -> Result<(), Error<I::Error>> {
        let (at, end) = (self.content.at, self.content.end);
        if at == self.plan.end && at < end {
            self.content = Stream::start(input, at, end).map_err(Error::Input)?;
        }
        Ok(())
    }

    fn next_segment<I: Input>(&mut self, input: &mut I) -> Result<Segment, Error<I::Error>> {
        let expected = self.cursor.expected();
        let mut reader = self.plan.reader(input);
        let segment = self.cursor.segment(
            &mut self.numbers,
            &mut reader,
            self.outline.block,
            self.left,
            self.least,
            Segment::default(),
        );
        let segment = segment.map_err(Error::Input)?;
        self.left = fits(&self.outline, &segment, self.left)?;
        self.walk.start(segment, expected, self.left == 0);
        Ok(segment)
    }

    /// Words that [`keep`](Self::keep) gives with tables of these sizes.
    pub fn kept_words(sizes: Sizes) -> usize {
        sizes.words().saturating_sub(sizes.map_words()).saturating_add(sizes.plan() / 2).saturating_add(KEPT)
    }

    /// Gives everything that is needed to go on from here to `put`: from the end of a block, or from a save of which no
    /// piece was given yet.
    pub fn keep<E>(&mut self, mut put: impl FnMut(&[u32]) -> Result<(), E>) -> Result<(), E> {
        put(&[self.passed, self.owed()])?;
        put(&self.cursor.to_words())?;
        put(&self.walk.model.state.to_words())?;
        put(&self.walk.seam.to_words())?;
        put(&self.plan.to_words())?;
        put(&self.content.to_words())?;
        put(bytemuck::try_cast_slice_mut(self.numbers.cells()).unwrap_or_default())?;
        for table in self.walk.model.tables() {
            put(table)?;
        }
        Ok(())
    }

    /// Passes over the rest of the block, without its octets, and tells `each` its segments. Only the plan is read.
    pub fn pass<I: Input>(
        &mut self,
        input: &mut I,
        mut each: impl FnMut(&Segment),
    ) -> Result<(), Error<I::Error>> {
        while self.left > 0 {
            each(&self.next_segment(input)?);
        }
        Ok(())
    }

    /// Goes through the steps until `blocks` blocks are done and `ready` more are made; tells `each` which those are. Only
    /// the plan is read: the state has to be given back by [`go_on`](Self::go_on). The delta must be freshly opened.
    pub fn skip<I: Input>(
        &mut self,
        input: &mut I,
        blocks: u32,
        ready: u32,
        mut each: impl FnMut(u32),
    ) -> Result<(), Error<I::Error>> {
        let mut left = ready;
        while self.passed < blocks || left > 0 {
            if self.passed >= self.outline.blocks() {
                return Err(Fault::Order.into());
            }
            let before = self.passed;
            match self.step(input)? {
                Step::Make(block) => {
                    self.pass(input, |_| ())?;
                    self.placed(block);
                    if before >= blocks {
                        each(block);
                        left = left.saturating_sub(1);
                    }
                }
                Step::Keep(_) => {}
                Step::Save(_) => while self.piece(input)?.is_some() {},
            }
        }
        Ok(())
    }

    /// Goes on where `keep` gave what `get` gives, in place after [`skip`](Self::skip) went there.
    pub fn go_on<I: Input>(
        &mut self,
        input: &mut I,
        mut get: impl FnMut(&mut I, &mut [u32]) -> Result<(), I::Error>,
    ) -> Result<(), Error<I::Error>> {
        let mut words = |input: &mut I, out: &mut [u32]| get(input, out).map_err(Error::Input);
        let (mut cursor, mut state, mut seam) = ([0; Cursor::WORDS], [0; State::WORDS], [0; Seam::WORDS]);
        let (mut plan, mut content, mut steps) = ([0; 4], [0; 4], [0; 2]);
        words(input, &mut steps)?;
        words(input, &mut cursor)?;
        words(input, &mut state)?;
        words(input, &mut seam)?;
        words(input, &mut plan)?;
        words(input, &mut content)?;
        self.cursor = Cursor::from_words(cursor);
        self.walk.model.state = State::from_words(state);
        self.walk.seam = Seam::from_words(seam);
        self.plan.resume(plan);
        self.content.resume(content);
        words(input, bytemuck::try_cast_slice_mut(self.numbers.cells()).unwrap_or_default())?;
        for table in self.walk.model.tables() {
            words(input, table)?;
        }
        self.left = 0;
        self.room = 0;
        let [passed, owed] = steps;
        if passed > self.outline.blocks() {
            return Err(Fault::Order.into());
        }
        if owed > self.needs.pieces {
            return Err(Fault::Save.into());
        }
        self.passed = passed;
        self.piece = (0, owed);
        self.saving = 0;
        Ok(())
    }
}

/// Where the plan and the content start.
fn parts<I: Input>(outline: &Outline, input: &mut I) -> Result<(u32, u32), Error<I::Error>> {
    let mut octets = [0; LENGTH_MAX];
    let mut seen = 0usize;
    loop {
        let at = u32::try_from(seen).ok().filter(|at| *at < outline.payload).ok_or(Fault::Segment)?;
        let octet = octets.get_mut(seen..=seen).ok_or(Fault::Segment)?;
        input.payload(at, octet).map_err(Error::Input)?;
        seen = seen.saturating_add(1);
        let plan_end = plan_end(octets.get(..seen).unwrap_or_default(), outline.payload)?;
        if let Some(plan_end) = plan_end {
            return Ok((at.saturating_add(1), plan_end));
        }
    }
}

/// Most octets of the length of a plan.
pub const LENGTH_MAX: usize = 5;

/// Where in a payload of `payload` octets the plan ends and the content starts; none if that takes more than the `first`
/// octets of the payload, at most [`LENGTH_MAX`].
pub fn plan_end(first: &[u8], payload: u32) -> Result<Option<u32>, Fault> {
    let mut len = 0u32;
    for (octet, at) in first.iter().zip(0u32..).take(LENGTH_MAX) {
        len |= u32::from(octet & 0x7F).wrapping_shl(at.wrapping_mul(7));
        if octet & 0x80 == 0 {
            let end = at.wrapping_add(1).checked_add(len).filter(|end| *end <= payload);
            return end.ok_or(Fault::Segment).map(Some);
        }
    }
    let most = usize::try_from(payload).unwrap_or(LENGTH_MAX).min(LENGTH_MAX);
    if first.len() < most { Ok(None) } else { Err(Fault::Segment) }
}

const BLANK_HEAD: Head = Head { sizes: Sizes::NONE, least: 0, ram: (0, 0), regions: 0 };
fn read_head<'m, I: Input>(
    plan: &mut Stream,
    outline: &Outline,
    memory: &'m mut [Region],
    input: &mut I,
) -> Result<(Head, &'m [Region]), Error<I::Error>> {
    let mut cells = [0; HEAD_COUNTERS];
    let numbers = &mut Numbers::new(&mut cells);
    numbers.reset();
    let head = plan::head(numbers, &mut plan.reader(input), BLANK_HEAD).map_err(Error::Input)?;
    let count = usize::try_from(head.regions).ok().filter(|count| *count > 0);
    let list = count.and_then(|count| memory.get_mut(..count)).ok_or(Fault::Regions)?;
    let mut before: Option<Region> = None;
    for place in list.iter_mut() {
        let region = plan::region(numbers, &mut plan.reader(input), before.as_ref(), Region::BLANK);
        let region = region.map_err(Error::Input)?;
        let ascends =
            before.is_none_or(|b| b.old_start <= region.old_start && b.new_start <= region.new_start);
        if !ascends
            || !region.arch.is_known()
            || region.old_start > outline.old_size
            || region.new_start > outline.new_size
        {
            return Err(Fault::Regions.into());
        }
        *place = region;
        before = Some(region);
    }
    Ok((head, list))
}

/// Checks a segment; returns what is left of the block.
fn fits(outline: &Outline, segment: &Segment, left: u32) -> Result<u32, Fault> {
    let rest = left.checked_sub(segment.literal).and_then(|rest| rest.checked_sub(segment.copy));
    let end = segment.source.checked_add(segment.copy);
    let early = segment.early < seam::MAX && segment.early <= segment.source;
    match (rest, end) {
        (Some(rest), Some(end)) if early && end <= outline.old_size => Ok(rest),
        _ => Err(Fault::Segment),
    }
}

mod dump;
mod survey;
#[cfg(test)]
mod tests;

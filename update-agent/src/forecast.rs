//! What an update is going to do to the flash, and how long that takes, before anything is done.
//!
//! A forecast is of the whole way that one start makes undisturbed, from behind the order to the trial (or, on the way back,
//! to the old image): verifying, going through the delta, making the blocks, checking the image. It follows from the plan of
//! the package; the images are not read for it.
//!
//! Erases and what is programmed are exact for image, scratch block, saved pieces and state, and for the journal if nothing
//! else is written to it meanwhile; a restart between forecast and update costs one bank of it more. What is read is
//! estimated: how often the decoder looks at octets of the old image depends on what it finds there.
//! [`Metered`](crate::Metered) tells what was really done.
use kedge_delta::plan::Step;
use kedge_package::{Content, Kind, Layout as Place};
use kedge_platform::crypto::Crypto;
use kedge_platform::flash::{NorFlash, Region};

use crate::beside::Beside;
use crate::coded::{Coded, Memory, list_len, refusal};
use crate::flash_io::{Stored, padded, sectors};
use crate::meter::Work;
use crate::record::{Job, RECORD_LEN};
use crate::verify::{Accepted, Way};
use crate::{Error, Mode, Refusal, Update};

/// What an update takes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Forecast {
    /// Blocks of the image that is made.
    pub blocks: u32,
    /// Blocks that are written; in place the others stay as they are.
    pub written: u32,
    /// How often something is saved.
    pub saves: u32,
    /// The image, or the other slot.
    pub image: Work,
    /// The blocks that are made in the spare region, in place.
    pub scratch: Work,
    /// What is saved behind it.
    pub saved: Work,
    /// The package, which is read, and behind it the decoder's state and more blocks that are made there.
    pub package: Work,
    /// The journal.
    pub journal: Work,
    /// Erases of the sector that is erased most; the journal takes turns in its own.
    pub most_worn: u32,
    /// Octets that are hashed.
    pub hashed: u32,
    /// Octets that the decoder makes, the rehearsal included.
    pub decoded: u32,
}

/// How fast a device is. Zero stands for no time at all.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Speed {
    /// Microseconds to erase a sector.
    pub erase: u32,
    /// Microseconds to program 1024 octets.
    pub program: u32,
    /// Microseconds to read 1024 octets.
    pub read: u32,
    /// Microseconds to hash 1024 octets.
    pub hash: u32,
    /// Microseconds in which the decoder makes 1024 octets.
    pub decode: u32,
}

impl Speed {
    /// A serial NOR part and a Cortex-M4 of 100 MHz: 45 ms for a sector of 4 KiB, 100 KiB/s programmed, 5 MiB/s read;
    /// 2 MiB/s hashed; 1,000 instructions for an octet decoded.
    pub const TYPICAL: Self = Self { erase: 45_000, program: 10_000, read: 195, hash: 488, decode: 10_240 };
}

impl Forecast {
    /// All that is done to the flash.
    #[must_use]
    pub const fn total(&self) -> Work {
        self.image.and(self.scratch).and(self.saved).and(self.package).and(self.journal)
    }

    /// How many microseconds it takes.
    #[must_use]
    pub fn micros(&self, speed: &Speed) -> u64 {
        let total = self.total();
        let kib = |octets: u32, micros: u32| u64::from(octets).saturating_mul(u64::from(micros)) >> 10;
        [
            u64::from(total.erases).saturating_mul(u64::from(speed.erase)),
            kib(total.programmed, speed.program),
            kib(total.read, speed.read),
            kib(self.hashed, speed.hash),
            kib(self.decoded, speed.decode),
        ]
        .into_iter()
        .fold(0, u64::saturating_add)
    }
}

impl Update {
    /// What applying the package takes that came in completely, waits, or is at work, from the start of its way; during the
    /// trial of a revertible package and after it, what the way back takes. `memory` is lent as to an
    /// [`Applier`](crate::Applier). A package that was not verified may forecast anything.
    pub fn forecast<F: NorFlash, C: Crypto>(
        &self,
        flash: &mut F,
        mut memory: Memory<'_>,
    ) -> Result<Forecast, Error<F::Error>> {
        let (size, way) = match self.job() {
            Job::Receiving { size, received } if size == received => (size, Way::There),
            Job::Verified { size, .. } | Job::Ordered { size, .. } | Job::Applying { size, .. } => {
                (size, Way::There)
            }
            Job::Trial { way_back: size @ 1.., .. } | Job::Reverting { size, .. } => (size, Way::Back),
            _ => return Err(Error::NotNow),
        };
        let accepted = self.accepted::<F, C>(flash, memory.octets(), size, way)?;
        let mut estimate = Estimate::new::<F>(self, &accepted);
        if accepted.payload.kind == Kind::Coded {
            let ground = self.ground::<F>(&accepted);
            let coded = Coded::open(flash, &accepted.payload, accepted.sizes(), ground, memory);
            let walked = coded.and_then(|mut coded| {
                estimate.state = coded.kept_octets();
                coded.steps(flash, |step, octets, looks| estimate.step::<F>(step, octets, looks))
            });
            walked.map_err(|error| refusal(error, accepted.payload_at))?;
        } else {
            for step in 0..accepted.plan.blocks() {
                let mut input = Stored { flash, package: self.layout.package, image: None };
                let block = accepted.plan.block(step, &mut input);
                let block =
                    block.map_err(|_| Error::Refused(Refusal::Malformed { at: accepted.payload_at }))?;
                estimate.block::<F>(block.len, accepted.payload.kind, block.content);
            }
        }
        Ok(estimate.finish::<F>(self, &accepted))
    }
}

/// A forecast in the making.
struct Estimate {
    forecast: Forecast,
    in_place: bool,
    image: Region,
    /// The spare region, and how much of it is the block that is made.
    spare: Region,
    block: u32,
    package: Region,
    /// Octets of the decoder's state, and of a place for it.
    state: u32,
    state_place: u32,
    /// Room for blocks of a batch, how many the one at work has, and how many batches ended.
    beside: Beside,
    batch: u8,
    batches: u32,
    commits: u32,
}

impl Estimate {
    fn new<F: NorFlash>(update: &Update, accepted: &Accepted) -> Self {
        let ground = update.ground::<F>(accepted);
        let spare = match update.layout.mode {
            Mode::InPlace { scratch } => scratch,
            Mode::Slot { .. } => Region::new(0, 0),
        };
        Self {
            forecast: Forecast { blocks: accepted.plan.blocks(), ..Forecast::default() },
            in_place: accepted.payload.layout == Place::InPlace,
            image: update.new_region(),
            spare,
            package: update.layout.package,
            block: accepted.payload.block_size,
            state: 0,
            state_place: ground.state.1,
            beside: ground.beside,
            batch: 0,
            batches: 0,
            // the last one ends the way, the first one begins it: back, that is the order
            commits: if update.job().is_reverting() { 1 } else { 2 },
        }
    }

    /// A step of a coded delta.
    fn step<F: NorFlash>(&mut self, step: Step, octets: u32, looks: u32) {
        match step {
            Step::Save(pieces) => {
                self.end_batch::<F>();
                self.save::<F>(pieces, octets);
            }
            Step::Make(_) => {
                // in the rehearsal and in earnest
                self.forecast.decoded = self.forecast.decoded.saturating_add(octets.saturating_mul(2));
                self.forecast.image = self.forecast.image.and(read(looks.saturating_mul(2)));
                if self.in_place {
                    self.make_beside::<F>(octets);
                } else {
                    self.make::<F>(octets);
                }
            }
            Step::Keep(_) if self.in_place => {}
            Step::Keep(_) => {
                self.copy::<F>(octets);
                self.commits = self.commits.saturating_add(1);
                self.forecast.written = self.forecast.written.saturating_add(1);
            }
        }
    }

    /// A block of another payload.
    fn block<F: NorFlash>(&mut self, octets: u32, kind: Kind, content: Content) {
        if kind == Kind::Unpacked {
            self.forecast.decoded = self.forecast.decoded.saturating_add(octets.saturating_mul(2));
        }
        if !self.in_place || content != Content::Unchanged {
            self.make::<F>(octets);
            let copied = if let Content::Stored(_) = content { 0 } else { octets };
            self.forecast.image = self.forecast.image.and(read(copied));
        }
    }

    /// A block is made in place by a coded delta, in a batch.
    fn make_beside<F: NorFlash>(&mut self, octets: u32) {
        self.forecast.written = self.forecast.written.saturating_add(1);
        let (region, work) = match self.batch {
            0 => (self.spare, &mut self.forecast.scratch),
            _ => (self.package, &mut self.forecast.package),
        };
        *work = work.and(written::<F>(octets, sectors::<F>(region, octets))).and(read(octets));
        let placed = written::<F>(octets, sectors::<F>(self.image, octets));
        self.forecast.image = self.forecast.image.and(placed);
        self.batch = self.batch.saturating_add(1);
        if self.batch >= self.beside.places() {
            self.end_batch::<F>();
        }
    }

    /// The state is kept, and two records are written.
    fn end_batch<F: NorFlash>(&mut self) {
        if self.batch == 0 {
            return;
        }
        let erases = sectors::<F>(self.package, self.state_place);
        self.forecast.package = self.forecast.package.and(written::<F>(self.state, erases));
        self.commits = self.commits.saturating_add(2);
        self.batches = self.batches.saturating_add(1);
        self.batch = 0;
    }

    /// A block is made: in a slot where it belongs, in place in the scratch block, and copied.
    fn make<F: NorFlash>(&mut self, octets: u32) {
        self.forecast.written = self.forecast.written.saturating_add(1);
        self.commits = self.commits.saturating_add(1);
        let block = |region| written::<F>(octets, sectors::<F>(region, octets));
        if self.in_place {
            self.forecast.scratch = self.forecast.scratch.and(block(self.spare)).and(read(octets));
            self.commits = self.commits.saturating_add(1);
        }
        self.forecast.image = self.forecast.image.and(block(self.image));
    }

    /// A block of the old image is copied to the other slot.
    fn copy<F: NorFlash>(&mut self, octets: u32) {
        let block = written::<F>(octets, sectors::<F>(self.image, octets));
        self.forecast.image = self.forecast.image.and(block).and(read(octets));
    }

    fn save<F: NorFlash>(&mut self, pieces: u32, octets: u32) {
        let erases = sectors::<F>(self.spare, self.spare.len.saturating_sub(self.block));
        let saved = written::<F>(list_len(pieces), 0).and(written::<F>(octets, erases));
        self.forecast.saved = self.forecast.saved.and(saved);
        // the pieces are read from the image, and again when blocks are made from them; the list is gone through for each
        self.forecast.image = self.forecast.image.and(read(octets));
        self.forecast.saves = self.forecast.saves.saturating_add(1);
    }

    fn finish<F: NorFlash>(mut self, update: &Update, accepted: &Accepted) -> Forecast {
        self.end_batch::<F>();
        let (old, new) = accepted.sizes();
        let (package, payload) = (accepted.size, accepted.payload.forward());
        let base = if accepted.base.is_some() { old } else { 0 };
        let forecast = &mut self.forecast;
        forecast.hashed = package.saturating_add(base).saturating_add(new);
        forecast.image = forecast.image.and(read(base)).and(read(new));
        let times = match accepted.payload.kind {
            // applied, after a rehearsal
            Kind::Full => 1,
            Kind::Delta | Kind::Coded | Kind::Unpacked => 2,
        };
        forecast.package = forecast.package.and(read(package)).and(read(payload.saturating_mul(times)));
        let (erases, programmed) = update.journal_work::<F>(self.commits, RECORD_LEN);
        forecast.journal = Work { erases, programmed, read: update.layout.journal.len };
        // the first place of every batch is the scratch block; other payloads take turns in the spare region
        let turns = self.spare.len.checked_div(self.block).unwrap_or(1).max(1);
        let scratch = match accepted.payload.kind {
            Kind::Coded => self.batches,
            _ if self.in_place => forecast.written.div_ceil(turns),
            _ => 0,
        };
        let state = self.batches.div_ceil(2);
        let image = u32::from(forecast.written > 0);
        forecast.most_worn = [scratch, state, forecast.saves].into_iter().fold(image, u32::max);
        self.forecast
    }
}

/// Octets are written and read back.
fn written<F: NorFlash>(octets: u32, erases: u32) -> Work {
    Work { erases, programmed: padded::<F>(octets), read: octets }
}

const fn read(octets: u32) -> Work {
    Work { erases: 0, programmed: 0, read: octets }
}

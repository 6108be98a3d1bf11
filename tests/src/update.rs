//! A device with nothing but flash, the update agent and an outbox, and its whole life as one function: what the tests of
//! power failures, altered packages and real firmware pairs share.
use kedge_delta::map::Region as Understood;
use kedge_delta::rebuild::plan_end;
use kedge_generator::image::MOST_REGIONS;
use kedge_generator::{
    Coding, Installed, Layout as PackageLayout, Release, RingCrypto, Signer, Target, create, full, plain,
};
use kedge_package::limits::{ENVELOPE_MAX, HEADER_LEN};
use kedge_package::{Envelope, Header, Kind, Manifest};
use kedge_platform::flash::{NorFlash, ReadNorFlash, Region};
use kedge_platform_sim::nand::Error as NandError;
use kedge_platform_sim::nor::{Error as NorError, Nor};
use kedge_platform_sim::random::Seeded;
use kedge_update_agent::nand::Error as VolumeError;
use kedge_update_agent::{
    Applier, BootDecision, Device, Error, Job, Key, Layout, Memory, Mode, Outcome, Progress, Site, Streaming,
    Update, UpdateResult, WORDS_SMALL, Workspace,
};

/// The product all test packages are for.
pub const PRODUCT: &str = "kedge-test";
/// Starts a new image gets: more than any test cuts.
pub const TRIAL_ATTEMPTS: u8 = 9;

/// The memory that the applier is lent.
pub type Room = Workspace<WORDS_SMALL, MOST_REGIONS>;
/// Octets behind a package that the state of the smallest decoder takes, with room to spare.
const STATE: usize = 2560;
/// Blocks of the spare region, unless a case says otherwise: the fewest that a device can have.
const SPARE: usize = 2;

/// What a call of the update agent on the flash model can fail with.
pub type Fault = Error<NorError>;

/// An old image, a new one, the package between them and a layout that holds it all.
#[derive(Clone, Debug)]
pub struct Case {
    /// The image at the start.
    pub old: Vec<u8>,
    /// The image at the end.
    pub new: Vec<u8>,
    /// What takes one to the other.
    pub package: Vec<u8>,
    /// Where things are.
    pub layout: Layout,
    /// Sectors of the device.
    pub sectors: usize,
    /// The package is used while it comes in: how seldom the decoder's state is kept ([`Site::share`]).
    pub streamed: Option<u32>,
    /// What becomes of the new image.
    pub fate: Fate,
    keys: Vec<(Vec<u8>, [u8; 32])>,
    /// Words of memory that the applier is lent.
    words: usize,
}

/// What kind of package a case uses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Content {
    /// The whole image.
    Full,
    /// The differences, coded for the smallest device.
    Delta,
    /// The differences, not entropy coded.
    Plain,
    /// The differences both ways, coded for the smallest device; only in place.
    Revertible,
    /// The coded differences, used while they come in.
    Streamed,
    /// The whole image, used while it comes in.
    StreamedFull,
}

impl Content {
    /// Whether the package is used while it comes in.
    pub const fn is_streamed(self) -> bool {
        matches!(self, Self::Streamed | Self::StreamedFull)
    }
}

/// What becomes of a new image once it runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// It confirms itself.
    Confirmed,
    /// It starts and does nothing, until its attempts are used up.
    Unconfirmed,
    /// It finds a fault in itself and asks for the old image.
    Rejected,
}

impl Fate {
    /// How an update ends then.
    pub const fn result(self) -> UpdateResult {
        match self {
            Self::Confirmed => UpdateResult::Installed,
            Self::Unconfirmed | Self::Rejected => UpdateResult::RolledBack,
        }
    }

    /// Starts that the new image gets: one that confirms itself more than any test cuts.
    const fn attempts(self) -> u8 {
        if matches!(self, Self::Confirmed) { TRIAL_ATTEMPTS } else { 2 }
    }
}

/// In which pieces a device works.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shape {
    /// Octets of a sector.
    pub erase: usize,
    /// Octets of a block: whole sectors.
    pub block: usize,
    /// Blocks of the spare region, in place.
    pub spare: usize,
    /// Blocks that the package region has room for behind package and states, in place.
    pub beside: usize,
}

impl Case {
    /// A case whose package is made for blocks of `block` octets, on sectors of `erase` octets.
    ///
    /// # Panics
    ///
    /// If no package can be made.
    pub fn new(
        old: &[u8],
        new: &[u8],
        content: Content,
        layout: PackageLayout,
        block: usize,
        erase: usize,
    ) -> Self {
        Self::shaped(old, new, content, layout, Shape { erase, block, spare: SPARE, beside: 0 })
    }

    /// The same for any shape.
    ///
    /// # Panics
    ///
    /// If no package can be made.
    pub fn shaped(old: &[u8], new: &[u8], content: Content, layout: PackageLayout, shape: Shape) -> Self {
        let release = Release {
            product: PRODUCT,
            version: "2",
            security_counter: 2,
            description: "Test",
            notes: "",
            image: new,
        };
        let installed = Installed { version: "1", image: old };
        let target = Target { layout, block_size: u32::try_from(shape.block).unwrap() };
        let signer = Signer::test_key();
        let package = match content {
            Content::Full | Content::StreamedFull => full(&release, None, target, &signer),
            Content::Delta | Content::Streamed | Content::Revertible => {
                let spare = u32::try_from(shape.spare).unwrap();
                let reverse = content == Content::Revertible;
                let coding = Coding { ram: 4096, spare, reverse, ..Coding::default() };
                create(&release, &installed, target, &coding, &signer).map(|made| made.package)
            }
            Content::Plain => plain(&release, &installed, target, &signer),
        };
        let case = Self::laid_out(old, new, package.unwrap(), layout, shape);
        if content.is_streamed() { case.streaming(shape.erase, 0) } else { case }
    }

    /// The same package used while it comes in, on a device with room for no more of it than that takes.
    ///
    /// # Panics
    ///
    /// If it is no package.
    #[must_use]
    pub fn streaming(mut self, erase: usize, share: u32) -> Self {
        let front = Front::of(&self.package);
        let room = front.len.next_multiple_of(erase) + 2 * front.state.next_multiple_of(erase);
        self.layout.package.len = u32::try_from(room).unwrap();
        self.sectors = self.sectors.max((self.layout.package.start as usize + room) / erase);
        let journal = u32::try_from(self.sectors * erase).unwrap();
        // the package region may have grown into the journal behind it
        if self.layout.journal.start < self.layout.package.start + self.layout.package.len {
            self.layout.journal.start = journal;
            self.sectors += self.layout.journal.len as usize / erase;
        }
        self.streamed = Some(share);
        self
    }

    /// A case with any octets as the package.
    ///
    /// # Panics
    ///
    /// If the device would be larger than 4 GiB.
    pub fn with_package(
        old: &[u8],
        new: &[u8],
        package: Vec<u8>,
        layout: PackageLayout,
        block: usize,
        erase: usize,
    ) -> Self {
        Self::laid_out(old, new, package, layout, Shape { erase, block, spare: SPARE, beside: 0 })
    }

    fn laid_out(old: &[u8], new: &[u8], package: Vec<u8>, layout: PackageLayout, shape: Shape) -> Self {
        let erase = shape.erase;
        let mut end = 0;
        let mut region = |octets: usize| {
            let start = end;
            end += octets.next_multiple_of(erase);
            Region::new(u32::try_from(start).unwrap(), u32::try_from(end - start).unwrap())
        };
        let image = region(old.len().max(new.len()));
        let mode = match layout {
            PackageLayout::Slot => Mode::Slot { standby: region(new.len()) },
            PackageLayout::InPlace => Mode::InPlace { scratch: region(shape.spare * shape.block) },
        };
        let half = 1024_usize.next_multiple_of(erase);
        let state = STATE.next_multiple_of(erase);
        let package_len = package.len().next_multiple_of(erase) + 2 * state + shape.beside * shape.block;
        let layout = Layout { image, mode, package: region(package_len), journal: region(2 * half) };
        let signer = Signer::test_key();
        let keys = vec![(signer.id().to_vec(), signer.public_key())];
        let (old, new, sectors) = (old.to_vec(), new.to_vec(), end / erase);
        let (streamed, fate, words) = (None, Fate::Confirmed, WORDS_SMALL);
        Self { old, new, package, layout, sectors, streamed, fate, keys, words }
    }

    /// The same on a device that lends so many octets of memory.
    #[must_use]
    pub fn with_memory(self, octets: u32) -> Self {
        Self { words: octets.div_ceil(4) as usize, ..self }
    }

    /// The same case with another fate of the new image.
    #[must_use]
    pub fn with_fate(self, fate: Fate) -> Self {
        Self { fate, ..self }
    }

    /// A device as it leaves the factory.
    ///
    /// # Panics
    ///
    /// If the layout was made for other sectors.
    pub fn device<const WRITE: usize, const ERASE: usize>(&self, seed: u64) -> Nor<WRITE, ERASE> {
        let mut flash = Nor::new(self.sectors).with_seed(seed);
        flash.load(self.layout.image.start, &self.old).unwrap();
        flash
    }

    /// Lets `body` have what a package is measured against.
    ///
    /// # Panics
    ///
    /// If the memory is 4 GiB.
    pub fn with_measure<R>(&self, version: Option<&str>, body: impl FnOnce(&Device<'_>) -> R) -> R {
        let keys: Vec<Key<'_>> = self.keys.iter().map(|(id, public)| Key { id, public: *public }).collect();
        body(&Device {
            product: PRODUCT,
            version,
            security_counter: 0,
            keys: &keys,
            trial_attempts: self.fate.attempts(),
            memory: u32::try_from(4 * self.words).unwrap(),
        })
    }

    /// Receives the package as far as it is missing, in pieces of `piece` octets, and orders it.
    ///
    /// # Errors
    ///
    /// What the update agent says.
    ///
    /// # Panics
    ///
    /// If the update agent asks for octets that the package does not have.
    pub fn receive<F: NorFlash>(
        &self,
        update: &mut Update,
        flash: &mut F,
        piece: usize,
    ) -> Result<(), Error<F::Error>> {
        if matches!(update.job(), Job::Idle) {
            update.begin(flash, u32::try_from(self.package.len()).unwrap())?;
        }
        if let Some((at, _)) = update.resume() {
            for octets in self.package[at as usize..].chunks(piece) {
                update.write(flash, octets)?;
            }
            self.with_measure(Some("1"), |device| {
                update.verify(flash, device, &RingCrypto, &mut [0; ENVELOPE_MAX])
            })?;
        }
        update.order(flash)
    }

    /// Applies the ordered package to its end.
    ///
    /// # Errors
    ///
    /// What the update agent says.
    pub fn apply<F: NorFlash>(
        &self,
        update: &mut Update,
        flash: &mut F,
    ) -> Result<Progress, Error<F::Error>> {
        self.with_measure(None, |device| {
            let mut words = vec![0; self.words];
            let mut regions = [Understood::BLANK; MOST_REGIONS];
            let memory = Memory { words: &mut words, regions: &mut regions };
            let mut applier = Applier::resume(update, flash, device, &RingCrypto, memory)?;
            loop {
                let progress = applier.step(flash)?;
                if matches!(progress, Progress::Complete | Progress::Ended(_)) {
                    return Ok(progress);
                }
            }
        })
    }

    /// Fetches the package in pieces of `piece` octets and uses it at once, from where that stopped to its end.
    ///
    /// # Errors
    ///
    /// What the update agent says.
    pub fn stream<F: NorFlash>(
        &self,
        update: &mut Update,
        flash: &mut F,
        piece: usize,
    ) -> Result<Progress, Error<F::Error>> {
        let share = self.streamed.unwrap_or_default();
        self.with_measure(Some("1"), |device| {
            let mut room = Box::new(Room::new());
            let mut site = Site { update, flash, device, crypto: &RingCrypto, share };
            let mut streaming = match site.update.job() {
                Job::Opening { .. } | Job::Streaming { .. } => Streaming::resume(&mut site, room.lend())?,
                _ => Streaming::begin(&mut site, room.lend())?,
            };
            let mut octets = &[][..];
            loop {
                if let (Some(at), true) = (streaming.needs_from(), octets.is_empty()) {
                    octets = self.package[at as usize..].chunks(piece).next().unwrap_or_default();
                }
                let progress = streaming.push(&mut site, &mut octets)?;
                if matches!(progress, Progress::Complete | Progress::Ended(_)) {
                    return Ok(progress);
                }
            }
        })
    }

    /// One start of the device: the boot stage's part, then the firmware's. True when the update is done and reported;
    /// otherwise the device restarts itself. `outbox` keeps what was reported, and as an agent does it, takes a package's
    /// result once.
    ///
    /// # Errors
    ///
    /// What stopped it: a power cut, or a violation, told in words.
    pub fn start<F: NorFlash>(&self, flash: &mut F, outbox: &mut Vec<Outcome>) -> Result<bool, Stop>
    where
        F::Error: Interruption,
    {
        let mut update = Update::mount(flash, self.layout)?;
        let slot = match update.boot(flash)? {
            BootDecision::Run(slot) => slot,
            BootDecision::Update => {
                self.apply(&mut update, flash)?;
                return Ok(false);
            }
            BootDecision::Broken => return Err(Stop::Violation("no image is left".into())),
        };
        let start = self.layout.slot(slot).start;
        let runs_new = holds(flash, start, &self.new).map_err(|error| Stop::flash(&error))?;
        if !runs_new && !holds(flash, start, &self.old).map_err(|error| Stop::flash(&error))? {
            return Err(Stop::Violation(format!("{slot:?} is started and holds neither image")));
        }
        match self.fate {
            Fate::Confirmed if runs_new => update.confirm(flash)?,
            Fate::Unconfirmed if runs_new => return Ok(false),
            Fate::Rejected if runs_new => {
                update.roll_back(flash)?;
                return Ok(false);
            }
            Fate::Unconfirmed | Fate::Rejected if update.security_counter() != 0 => {
                return Err(Stop::Violation("an image that was not confirmed raised the counter".into()));
            }
            _ => {}
        }
        if let Some(outcome) = update.outcome() {
            if !outbox.contains(&outcome) {
                outbox.push(outcome);
            }
            update.clear_outcome(flash)?;
        }
        // an image that was given up is not fetched again
        if outbox.iter().any(|outcome| outcome.result == UpdateResult::RolledBack) {
            return Ok(true);
        }
        if !runs_new && self.streamed.is_some() {
            self.stream(&mut update, flash, 200)?;
        } else if !runs_new {
            self.receive(&mut update, flash, 200)?;
        }
        Ok(runs_new)
    }
}

/// What has to be there of a package before its content is used.
#[derive(Clone, Copy, Debug)]
pub struct Front {
    /// Octets up to the end of the plan.
    pub len: usize,
    /// Octets of the decoder's state.
    pub state: usize,
}

impl Front {
    /// The front of a package. Of a plan whose length makes no sense nothing is counted.
    ///
    /// # Panics
    ///
    /// If header or manifest are none.
    pub fn of(package: &[u8]) -> Self {
        let header = Header::parse(package.first_chunk().unwrap()).unwrap();
        let (envelope, payload) = package.split_at(header.payload_at() as usize);
        let envelope = Envelope::parse(&envelope[HEADER_LEN..]).unwrap();
        let manifest = Manifest::parse(envelope.manifest, envelope.manifest_at).unwrap();
        let plan = match manifest.payload.kind {
            Kind::Coded => plan_end(payload, header.payload).ok().flatten().unwrap_or_default(),
            _ => 0,
        };
        let len = (header.payload_at() + plan) as usize;
        let state = match manifest.payload.needs.state as usize {
            // the first generators did not say it for slots
            0 if manifest.payload.kind == Kind::Coded => STATE,
            said => said,
        };
        Self { len, state }
    }
}

/// Whether `image` stands at `start`.
///
/// # Errors
///
/// What the flash says.
pub fn holds<F: ReadNorFlash>(flash: &mut F, start: u32, image: &[u8]) -> Result<bool, F::Error> {
    let mut found = vec![0; image.len()];
    flash.read(start, &mut found)?;
    Ok(found == image)
}

/// Errors of a flash model, among them the lost power.
pub trait Interruption: core::fmt::Debug {
    /// Whether the power failed, which is nobody's fault.
    fn is_power_cut(&self) -> bool;
}

impl Interruption for NorError {
    fn is_power_cut(&self) -> bool {
        *self == Self::PowerLost
    }
}

impl Interruption for VolumeError<NandError> {
    fn is_power_cut(&self) -> bool {
        *self == Self::Nand(NandError::PowerLost)
    }
}

/// Why a device's life stopped.
#[derive(Debug)]
pub enum Stop {
    /// The power went off.
    PowerCut,
    /// Something happened that must not.
    Violation(String),
}

impl Stop {
    /// What an error of the flash means.
    pub fn flash(error: &impl Interruption) -> Self {
        if error.is_power_cut() { Self::PowerCut } else { Self::Violation(format!("{error:?}")) }
    }
}

impl<E: Interruption> From<Error<E>> for Stop {
    fn from(error: Error<E>) -> Self {
        match error {
            Error::Flash(error) => Self::flash(&error),
            other => Self::Violation(format!("{other:?}")),
        }
    }
}

/// A pair of images of `size` octets or a bit more, in which everything happens that a block can be made of: equal blocks,
/// moved code with changed references, new code, erased space and an end that is no whole block.
pub fn image_pair(size: usize, block: usize, seed: u64) -> (Vec<u8>, Vec<u8>) {
    let mut noise = Seeded::new(seed);
    let mut old: Vec<u8> = (0..size).map(|n| if n % 4 == 3 { 0xE5 } else { noise.octet() & 0x3F }).collect();
    let erased = size / 2..size / 2 + block / 4;
    old[erased].fill(0xFF);
    let mut new = old.clone();
    let insertion: Vec<u8> = (0..block / 8).map(|_| noise.octet()).collect();
    let at = block + block / 3;
    new.splice(at..at, insertion);
    for at in (at + block / 4..new.len()).step_by(37) {
        new[at] = new[at].wrapping_add(0x10);
    }
    (old, new)
}

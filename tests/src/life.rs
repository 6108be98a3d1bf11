//! The life of a device whose power fails, whatever flash it has: it goes on until the update is done, and is judged.
use kedge_platform::flash::{NorFlash as _, Region};
use kedge_platform::nand::Geometry;
use kedge_platform_sim::nand::Nand;
use kedge_platform_sim::nor::{Cut, Nor};
use kedge_update_agent::nand::{Options, RING_BLOCKS, Volume};
use kedge_update_agent::{Mode, Outcome};

use crate::update::{Case, Stop};

/// Starts after which a device that is not done never will be: receiving, applying and confirming take three, and an image
/// that is not confirmed five more.
const STARTS_MAX: usize = 10;

/// A device that can be started, and whose power can be made to fail. A clone is a device of its own in the same state.
pub trait Device: Clone + Send {
    /// Switches the power on, which ends a cut and counts operations from 0 again.
    fn power_on(&mut self);
    /// Lets the power fail in an operation, counted from the power-on.
    fn cut_at(&mut self, operation: u64, cut: Cut);
    /// Forgets the cuts that have not struck.
    fn clear_cuts(&mut self);
    /// Operations since the power-on.
    fn operations(&self) -> u64;
    /// The first mistake in the use of the flash.
    fn misuse(&self) -> Option<String>;
    /// Erases of each sector so far, where a sector of the device is one of the flash.
    fn wear(&self) -> &[u32];
    /// One start, see [`Case::start`].
    ///
    /// # Errors
    ///
    /// What stopped it.
    fn start(&mut self, case: &Case, outbox: &mut Vec<Outcome>) -> Result<bool, Stop>;
}

impl<const WRITE: usize, const ERASE: usize> Device for Nor<WRITE, ERASE> {
    fn power_on(&mut self) {
        Nor::power_on(self);
    }

    fn cut_at(&mut self, operation: u64, cut: Cut) {
        Nor::cut_at(self, operation, cut);
    }

    fn clear_cuts(&mut self) {
        Nor::clear_cuts(self);
    }

    fn operations(&self) -> u64 {
        self.operations_since_power_on()
    }

    fn misuse(&self) -> Option<String> {
        self.misuses().first().map(|misuse| format!("{misuse:?}"))
    }

    fn wear(&self) -> &[u32] {
        Nor::wear(self)
    }

    fn start(&mut self, case: &Case, outbox: &mut Vec<Outcome>) -> Result<bool, Stop> {
        case.start(self, outbox)
    }
}

/// Blocks of a NAND part that stand by: some are bad from the factory, the rest for what goes bad in a case and for packing.
pub const RESERVE: usize = 6;

/// A device with NAND flash, mounted anew at each start.
#[derive(Clone, Debug)]
pub struct NandDevice<const PAGE: usize, const BLOCK: usize> {
    /// The part.
    pub flash: Nand,
    streams: [Region; 3],
}

impl<const PAGE: usize, const BLOCK: usize> NandDevice<PAGE, BLOCK> {
    /// A device as it leaves the factory: formatted around bad blocks, the old image in place.
    ///
    /// # Panics
    ///
    /// If the part does not suit the volume, or the case was made for other sectors.
    pub fn new(case: &Case, seed: u64) -> Self {
        let blocks = RING_BLOCKS as usize + case.sectors + RESERVE;
        let geometry = Geometry {
            page: PAGE,
            spare: 16,
            pages_per_block: u32::try_from(BLOCK / PAGE).unwrap(),
            blocks: u32::try_from(blocks).unwrap(),
        };
        let bad_home = RING_BLOCKS + 1;
        let mut flash = Nand::new(geometry).with_seed(seed).with_bad_block(2).with_bad_block(bad_home);
        flash = flash.with_bad_block(u32::try_from(blocks).unwrap() - 2);
        let other = match case.layout.mode {
            Mode::Slot { standby } => standby,
            Mode::InPlace { scratch } => scratch,
        };
        let streams = [case.layout.image, other, case.layout.package];
        let mut buffer = vec![0; 2 * PAGE];
        let options = Options { streams: &streams, refresh_from: REFRESH_FROM };
        let mut volume = Volume::<_, BLOCK, RESERVE>::format(&mut flash, options, &mut buffer).unwrap();
        let mut old = case.old.clone();
        old.resize(old.len().next_multiple_of(16), 0xFF);
        volume.write(case.layout.image.start, &old).unwrap();
        volume.flush().unwrap();
        flash.power_on();
        Self { flash, streams }
    }
}

/// The model's code corrects four bits.
const REFRESH_FROM: u32 = 3;

impl<const PAGE: usize, const BLOCK: usize> Device for NandDevice<PAGE, BLOCK> {
    fn power_on(&mut self) {
        self.flash.power_on();
    }

    fn cut_at(&mut self, operation: u64, cut: Cut) {
        self.flash.cut_at(operation, cut);
    }

    fn clear_cuts(&mut self) {
        self.flash.clear_cuts();
    }

    fn operations(&self) -> u64 {
        self.flash.operations_since_power_on()
    }

    fn misuse(&self) -> Option<String> {
        self.flash.misuses().first().map(|misuse| format!("{misuse:?}"))
    }

    /// Nothing: the volume moves blocks about.
    fn wear(&self) -> &[u32] {
        &[]
    }

    fn start(&mut self, case: &Case, outbox: &mut Vec<Outcome>) -> Result<bool, Stop> {
        let mut buffer = vec![0; 2 * PAGE];
        let options = Options { streams: &self.streams, refresh_from: REFRESH_FROM };
        let mut volume = Volume::<_, BLOCK, RESERVE>::mount(&mut self.flash, options, &mut buffer)
            .map_err(|error| Stop::flash(&error))?;
        case.start(&mut volume, outbox)
    }
}

/// A device in the middle of its life.
#[derive(Clone, Debug)]
pub struct Life<D> {
    /// The device.
    pub device: D,
    /// What was reported.
    pub outbox: Vec<Outcome>,
}

impl<D: Device> Life<D> {
    /// A device that has reported nothing yet.
    pub const fn new(device: D) -> Self {
        Self { device, outbox: Vec::new() }
    }

    /// From a power-on until the update is done and reported, or the power fails.
    fn live(&mut self, case: &Case) -> Result<(), Stop> {
        for _ in 0..STARTS_MAX {
            if self.device.start(case, &mut self.outbox)? {
                return Ok(());
            }
        }
        Err(Stop::Violation("the device starts over and over".into()))
    }

    /// Lives on, with the power failing as said in operation `at` from now on. True if it failed.
    ///
    /// # Errors
    ///
    /// What happened that must not.
    pub fn cut(&mut self, case: &Case, at: u64, cut: Cut) -> Result<bool, String> {
        self.device.power_on();
        self.device.cut_at(at, cut);
        match self.live(case) {
            Ok(()) => {
                self.device.clear_cuts();
                Ok(false)
            }
            Err(Stop::PowerCut) => Ok(true),
            Err(Stop::Violation(what)) => Err(what),
        }
    }

    /// Lives to the end undisturbed, and judges: the image runs that the case's fate says, how the update ended was reported
    /// once, the flash was never misused. Returns how many operations that took.
    ///
    /// # Errors
    ///
    /// What is not so.
    pub fn finish(&mut self, case: &Case) -> Result<u64, String> {
        self.device.power_on();
        self.live(case).map_err(|stop| format!("{stop:?}"))?;
        match self.outbox[..] {
            [Outcome { result, .. }] if result == case.fate.result() => {}
            ref other => return Err(format!("reported {other:?}")),
        }
        match self.device.misuse() {
            Some(misuse) => Err(misuse),
            None => Ok(self.device.operations()),
        }
    }

    /// How much more a sector was erased than in `other`, at most.
    pub fn extra_wear(&self, other: &Self) -> u32 {
        let pairs = self.device.wear().iter().zip(other.device.wear());
        pairs.map(|(more, less)| more.saturating_sub(*less)).max().unwrap_or_default()
    }
}

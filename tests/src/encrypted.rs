//! A device whose images, scratch and package are encrypted on NOR flash.
use core::convert::Infallible;

use kedge_platform::cipher::FlashCipher as _;
use kedge_platform::flash::Region;
use kedge_platform_crypto::xts::AesXts128;
use kedge_platform_sim::nor::{Cut, Error as NorError, Nor};
use kedge_update_agent::encrypted::{Encrypted, EncryptedError};
use kedge_update_agent::{Mode, Outcome};

use crate::life::Device;
use crate::update::{Case, Interruption, Stop};

/// The device's own key for data.
pub const DATA_KEY: [u8; 16] = *b"data key of test";
/// And for tweaks.
pub const TWEAK_KEY: [u8; 16] = *b"tweak key, tests";

impl Interruption for EncryptedError<NorError, Infallible> {
    fn is_power_cut(&self) -> bool {
        *self == Self::Flash(NorError::PowerLost)
    }
}

/// A device with encrypted flash; the cipher is set up anew at each start.
#[derive(Clone, Debug)]
pub struct EncryptedDevice<const WRITE: usize, const ERASE: usize> {
    /// The part.
    pub flash: Nor<WRITE, ERASE>,
    /// What is encrypted: all but the journal.
    pub regions: [Region; 3],
}

impl<const WRITE: usize, const ERASE: usize> EncryptedDevice<WRITE, ERASE> {
    /// A device as it leaves the factory, with the old image encrypted.
    ///
    /// # Panics
    ///
    /// If the case was made for other sectors.
    pub fn new(case: &Case, seed: u64) -> Self {
        let layout = &case.layout;
        let (Mode::Slot { standby: other } | Mode::InPlace { scratch: other }) = layout.mode;
        let mut old = case.old.clone();
        old.resize(old.len().next_multiple_of(16), 0xFF);
        let Ok(()) = cipher().encrypt(layout.image.start, &mut old);
        let mut flash = Nor::new(case.sectors).with_seed(seed);
        flash.load(layout.image.start, &old).unwrap();
        Self { flash, regions: [layout.image, other, layout.package] }
    }
}

fn cipher() -> AesXts128 {
    AesXts128::new(&DATA_KEY, &TWEAK_KEY).expect("two keys")
}

impl<const WRITE: usize, const ERASE: usize> Device for EncryptedDevice<WRITE, ERASE> {
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
        Device::operations(&self.flash)
    }

    fn misuse(&self) -> Option<String> {
        Device::misuse(&self.flash)
    }

    fn wear(&self) -> &[u32] {
        self.flash.wear()
    }

    fn start(&mut self, case: &Case, outbox: &mut Vec<Outcome>) -> Result<bool, Stop> {
        let mut flash = Encrypted::new(&mut self.flash, cipher(), &self.regions)
            .map_err(|error| Stop::Violation(error.to_string()))?;
        case.start(&mut flash, outbox)
    }
}

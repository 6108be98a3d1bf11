//! The parts of one simulated device, together.

use crate::clock::Clock;
use crate::identity::Identity;
use crate::nor::Nor;
use crate::power::Power;
use crate::radio::Radio;
use crate::random::Seeded;
use crate::ui::Ui;

/// The purposes that the device's seed is spread over.
const FLASH_NOISE: u64 = 1;
const ENTROPY: u64 = 2;

/// A device with all its local parts, each open to the test that drives it. The bearer is apart, as it belongs half to the
/// network.
#[derive(Debug)]
pub struct Device<const WRITE: usize, const ERASE: usize> {
    /// Flash.
    pub flash: Nor<WRITE, ERASE>,
    /// Clock.
    pub clock: Clock,
    /// Modem.
    pub radio: Radio,
    /// User.
    pub ui: Ui,
    /// Who it is.
    pub identity: Identity,
    /// Random octets.
    pub entropy: Seeded,
    /// Restart line.
    pub power: Power,
}

impl<const WRITE: usize, const ERASE: usize> Device<WRITE, ERASE> {
    /// A new device with erased flash of `sectors` sectors; all its noise comes from `seed`.
    ///
    /// # Panics
    ///
    /// If the flash would be larger than 32-bit offsets reach.
    pub fn new(identity: Identity, sectors: usize, seed: u64) -> Self {
        Self {
            flash: Nor::new(sectors).with_seed(Seeded::for_purpose(seed, FLASH_NOISE).word()),
            clock: Clock::new(),
            radio: Radio::new(),
            ui: Ui::new(),
            identity,
            entropy: Seeded::for_purpose(seed, ENTROPY),
            power: Power::new(),
        }
    }

    /// The device as it is now, to start another case from; the two have nothing in common any more, also no clock.
    #[must_use]
    pub fn snapshot(&self) -> Self {
        Self {
            flash: self.flash.clone(),
            clock: self.clock.fork(),
            radio: self.radio.clone(),
            ui: self.ui.clone(),
            identity: self.identity.clone(),
            entropy: self.entropy,
            power: self.power.clone(),
        }
    }

    /// Switches the device off and on: the data call and any restart asked for are gone, the flash works again. The
    /// clock goes on; whoever wants another uptime after the start gives the device a new one.
    pub fn power_cycle(&mut self) {
        self.radio.drop_data_call();
        self.power.take();
        self.flash.power_on();
    }
}

#[cfg(test)]
mod tests {
    use core::time::Duration;

    use kedge_platform::clock::Clock as _;
    use kedge_platform::entropy::Entropy as _;
    use kedge_platform::flash::NorFlash as _;
    use kedge_platform::identity::HardwareId;
    use kedge_platform::radio::Radio as _;

    use super::*;
    use crate::nor::{Cut, Error};

    fn device(seed: u64) -> Device<4, 4096> {
        let identity = Identity::new(HardwareId::Esn(1), "Acme", "A1", "1.0").expect("fit texts");
        Device::new(identity, 4, seed)
    }

    #[test]
    fn a_power_cycle_ends_the_cut_and_the_call() {
        let mut device = device(1);
        device.radio.open_data_call("a").unwrap();
        device.flash.cut_at(0, Cut::Before);
        assert_eq!(device.flash.write(0, &[0; 4]), Err(Error::PowerLost));
        device.power_cycle();
        device.flash.write(0, &[0; 4]).unwrap();
        assert_eq!(device.radio.data_call(), None);
    }

    #[test]
    fn a_snapshot_goes_its_own_way() {
        let original = device(1);
        let mut copy = original.snapshot();
        copy.flash.write(0, &[0; 4]).unwrap();
        copy.clock.advance(Duration::from_secs(1));
        assert_eq!(original.flash.work().operations(), 0);
        assert_eq!(original.clock.uptime(), Duration::ZERO);
    }

    #[test]
    fn the_seed_decides_all_noise() {
        let noise = |seed| {
            let mut octets = [0; 16];
            device(seed).entropy.fill(&mut octets);
            octets
        };
        assert_eq!(noise(3), noise(3));
        assert_ne!(noise(3), noise(4));
    }
}

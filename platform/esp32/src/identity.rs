//! Who the chip is: the MAC address that Espressif burnt into its fuses.

use esp_hal::efuse::base_mac_address;
use kedge_platform::identity::{HardwareId, Identity};

/// What comes before the six octets of the address, so that they make seven: no MEID of a phone begins like that, since an
/// issuer's code is A0 to FE. The chip has neither ESN nor MEID; this is the project's choice.
pub const PREFIX: u8 = 0xFF;

/// The identity port.
#[derive(Clone, Copy, Debug)]
pub struct Chip {
    /// Manufacturer of the device.
    pub make: &'static str,
    /// Its model.
    pub model: &'static str,
    /// The version that runs.
    pub version: &'static str,
}

impl Identity for Chip {
    fn hardware_id(&self) -> HardwareId {
        let mut id = [PREFIX; 7];
        for (to, from) in id.iter_mut().skip(1).zip(base_mac_address().as_bytes()) {
            *to = *from;
        }
        HardwareId::Meid(id)
    }

    fn make(&self) -> &str {
        self.make
    }

    fn model(&self) -> &str {
        self.model
    }

    fn version(&self) -> &str {
        self.version
    }
}

//! Who the simulated device is.

use core::fmt;

use kedge_platform::identity::{self, HardwareId};

/// Longest text the identity port allows, in octets.
const MAX_TEXT: usize = 64;

/// An identity given at construction.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    hardware_id: HardwareId,
    make: String,
    model: String,
    version: String,
    subscriber: Option<String>,
}

/// A text that the identity port does not allow: not printable ASCII, with `;`, or longer than 64 octets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UnfitText;

impl fmt::Display for UnfitText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("identity texts are at most 64 octets of printable ASCII without ';'")
    }
}

impl core::error::Error for UnfitText {}

impl Identity {
    /// A device with this hardware identity, manufacturer, model and firmware version.
    pub fn new(hardware_id: HardwareId, make: &str, model: &str, version: &str) -> Result<Self, UnfitText> {
        Ok(Self {
            hardware_id,
            make: fit(make)?,
            model: fit(model)?,
            version: fit(version)?,
            subscriber: None,
        })
    }

    /// Puts in the card of the subscriber with this IMSI.
    pub fn insert_card(&mut self, imsi: &str) {
        self.subscriber = Some(imsi.to_owned());
    }

    /// Changes the firmware version, as an update does.
    pub fn set_version(&mut self, version: &str) -> Result<(), UnfitText> {
        self.version = fit(version)?;
        Ok(())
    }
}

impl identity::Identity for Identity {
    fn hardware_id(&self) -> HardwareId {
        self.hardware_id
    }

    fn make(&self) -> &str {
        &self.make
    }

    fn model(&self) -> &str {
        &self.model
    }

    fn version(&self) -> &str {
        &self.version
    }

    fn subscriber(&self) -> Option<&str> {
        self.subscriber.as_deref()
    }
}

fn fit(text: &str) -> Result<String, UnfitText> {
    let printable = text.bytes().all(|octet| matches!(octet, b' '..=b'~') && octet != b';');
    if printable && text.len() <= MAX_TEXT { Ok(text.to_owned()) } else { Err(UnfitText) }
}

#[cfg(test)]
mod tests {
    use kedge_platform::identity::Identity as _;

    use super::*;

    #[test]
    fn texts_are_kept_and_the_version_can_change() {
        let mut device = Identity::new(HardwareId::Esn(0x8000_0001), "Acme", "A1", "1.0").unwrap();
        assert_eq!(device.hardware_id(), HardwareId::Esn(0x8000_0001));
        assert_eq!((device.make(), device.model(), device.version()), ("Acme", "A1", "1.0"));
        device.set_version("2.0").unwrap();
        assert_eq!(device.version(), "2.0");
    }

    #[test]
    fn texts_that_the_port_forbids_are_refused() {
        let longest = "v".repeat(64);
        for (text, fits) in [(longest.as_str(), true), (&"v".repeat(65), false), ("a;b", false), ("ü", false)]
        {
            let made = Identity::new(HardwareId::Meid([0xA1, 0, 0, 0, 0, 0, 1]), "Acme", "A1", text);
            assert_eq!(made.is_ok(), fits, "{text}");
        }
    }
}

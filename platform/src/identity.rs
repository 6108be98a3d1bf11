//! Who the device is.

/// The hardware identity burnt into the device.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HardwareId {
    /// Electronic serial number, 32 bits.
    Esn(u32),
    /// Mobile equipment identifier, 56 bits, most significant octet first.
    Meid([u8; 7]),
}

/// What a device knows of itself. Texts are printable ASCII without `;`, at most 64 octets each.
pub trait Identity {
    /// The hardware identity.
    fn hardware_id(&self) -> HardwareId;
    /// Manufacturer.
    fn make(&self) -> &str;
    /// Model.
    fn model(&self) -> &str;
    /// Version of the firmware that is running.
    fn version(&self) -> &str;
    /// The subscriber's identity (IMSI), 6 to 15 decimal digits; `None`: there is none, or no card.
    fn subscriber(&self) -> Option<&str> {
        None
    }
}

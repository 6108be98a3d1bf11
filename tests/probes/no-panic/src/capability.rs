//! What the parts with an IS-683 engine say of the device.

use crate::opaque::any;
use kedge_protocol::is683::engine::{Capability, Carried};
use kedge_protocol::is683::{Esn, HardwareId};

/// What no device is: anything.
pub fn capability() -> Capability {
    any(Capability {
        firmware_rev: 1,
        model: 1,
        band_mode: 1,
        max_prl_size: 1,
        extended_prl: true,
        max_sid_nid: 1,
        scm: 1,
        mob_p_rev: 1,
        hardware: HardwareId::Esn(Esn(1)),
        packet_data: None,
        carried: Carried::ALL,
    })
}

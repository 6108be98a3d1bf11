//! What a device maker sets at build time: where things are in flash, factory settings, capabilities.

use kedge_platform::flash::Region;
use kedge_protocol::is683::engine::{Capability, Power};
use kedge_update_agent::{Device, Layout};

use crate::objects::Stored;

/// Product release instructions: the factory settings, used where the store has no value of its own.
#[derive(Clone, Copy, Debug)]
pub struct Pri<'c> {
    /// Names and values of stored MMC objects. The activation needs `iota/boot-url`, `iota/boot-nai` and
    /// `iota/trusted-domain`; the update check needs `x/kedge/fota-url`, the activation of a feature
    /// [`Feature::bootstrap`](crate::feature::Feature::bootstrap).
    pub objects: &'c [(&'static str, &'c str)],
    /// The service programming code, six ASCII digits; `000000` leaves the phone unlocked.
    pub spc: [u8; 6],
}

impl<'c> Pri<'c> {
    /// The factory value of an object.
    pub fn object(&self, name: &str) -> Option<&'c str> {
        self.objects.iter().find(|(known, _)| *known == name).map(|(_, value)| *value)
    }
}

/// The security procedures of IS-683 that a device can do; see [`crate::agent::Agent::set_security`].
#[derive(Clone, Copy, Debug, Default)]
pub struct Security<'c> {
    /// The arithmetic of the A-key exchange, such as `kedge_platform_crypto::a_key::power`. The private number comes from the
    /// device's entropy, which must then be fit for keys.
    pub power: Option<Power>,
    /// What signs challenges; without it nobody can prove himself to a protected number assignment.
    pub auth_otapa: Option<&'c dyn Authentication>,
}

/// What signs a challenge of parameter administration. The algorithm is not public, so it is the modem's or the card's.
pub trait Authentication {
    /// AUTH_OTAPA (18 bits) over a RAND_OTAPA, as the device's own CAVE and shared secret data make it; `None`: not now.
    fn auth_otapa(&self, rand_otapa: u32) -> Option<u32>;
}

impl<F: Fn(u32) -> Option<u32>> Authentication for F {
    fn auth_otapa(&self, rand_otapa: u32) -> Option<u32> {
        self(rand_otapa)
    }
}

impl core::fmt::Debug for dyn Authentication + '_ {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("Authentication")
    }
}

/// The agent's configuration.
#[derive(Clone, Copy, Debug)]
pub struct Config<'c> {
    /// Where the store is: two banks of whole sectors.
    pub store: Region,
    /// Where the update agent works.
    pub update: Layout,
    /// What packages are measured against; the version is the one of the identity port, whatever stands here.
    pub device: Device<'c>,
    /// Factory settings.
    pub pri: Pri<'c>,
    /// What the phone reports of itself by IS-683; the hardware is that of the identity port, whatever stands here.
    pub capability: Capability,
    /// The device maker's own MMC objects, names under `x/<vendor>/`; at most 13. Their order is their place in the store:
    /// append only.
    pub objects: &'static [Stored],
}

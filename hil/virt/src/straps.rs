//! What the board is told at power-on, as by straps and fuses: arguments of the emulator, `name=value`.
//!
//! | argument | meaning | without it |
//! |---|---|---|
//! | `http=PORT`, `https=PORT` | where the host answers for `http` and `https` URLs | no network |
//! | `hardware=esn:HEX`, `hardware=meid:HEX` | the hardware identity | ESN 80B02913 |
//! | `spc=DIGITS` | the service programming code | 000000 |
//! | `card=DIGITS` | the subscriber's identity | no card |
//! | `updates=managed` | updates are looked for by device management alone: the factory settings name no server for them | they do |
//! | `layout=in-place` | one image region, rewritten in place | two slots |
//! | `seed=HEX` | where "random" octets come from: a run can be repeated | 0 |
//! | `cut=OPERATION:before`, `:torn`, `:after` | the flash operation, from 0, in which the power fails | none |

use kedge_platform::entropy::Entropy;
use kedge_platform::identity::HardwareId;

/// Octets of all arguments together.
const ROOM: usize = 512;
/// Most digits of a subscriber's identity.
const CARD: usize = 15;

/// Where in an operation the power fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum When {
    /// Nothing of it is done.
    Before,
    /// A part of it is done; where it stops, cells are neither old nor new.
    Torn,
    /// All of it is done, and nobody was told.
    After,
}

/// The arguments.
#[derive(Clone, Copy, Debug)]
pub struct Straps {
    /// The host's port for `http` URLs.
    pub http: Option<u16>,
    /// The host's port for `https` URLs.
    pub https: Option<u16>,
    /// Who the device is.
    pub hardware: HardwareId,
    /// Its service programming code.
    pub spc: [u8; 6],
    /// Updates are looked for by device management alone.
    pub managed_updates: bool,
    /// One image region instead of two slots.
    pub in_place: bool,
    /// Where random octets come from.
    pub seed: u32,
    /// Where the power fails.
    pub cut: Option<(u32, When)>,
    card: ([u8; CARD], usize),
}

impl Default for Straps {
    fn default() -> Self {
        Self {
            http: None,
            https: None,
            hardware: HardwareId::Esn(0x80B0_2913),
            spc: *b"000000",
            managed_updates: false,
            in_place: false,
            seed: 0,
            cut: None,
            card: ([0; CARD], 0),
        }
    }
}

impl Straps {
    /// Reads them; the error is the argument that is none.
    pub fn read() -> Result<Self, &'static str> {
        let mut straps = Self::default();
        let Ok(args) = semihosting::experimental::env::args::<ROOM>() else { return Err("too many") };
        for arg in (&args).into_iter().skip(1) {
            let (name, value) = arg.ok().and_then(|arg| arg.split_once('=')).ok_or("name=value")?;
            straps.set(name, value)?;
        }
        Ok(straps)
    }

    /// The subscriber's identity, if there is a card.
    pub fn card(&self) -> Option<&str> {
        let (digits, len) = &self.card;
        core::str::from_utf8(&digits[..*len]).ok().filter(|digits| !digits.is_empty())
    }

    fn set(&mut self, name: &str, value: &str) -> Result<(), &'static str> {
        match name {
            "http" => self.http = Some(value.parse().map_err(|_| "http")?),
            "https" => self.https = Some(value.parse().map_err(|_| "https")?),
            "hardware" => self.hardware = hardware(value).ok_or("hardware")?,
            "spc" => self.spc = value.as_bytes().try_into().map_err(|_| "spc")?,
            "card" => {
                let (digits, len) = &mut self.card;
                *len = value.len();
                digits.get_mut(..*len).ok_or("card")?.copy_from_slice(value.as_bytes());
            }
            "updates" => self.managed_updates = value == "managed",
            "layout" => self.in_place = value == "in-place",
            "seed" => self.seed = u32::from_str_radix(value, 16).map_err(|_| "seed")?,
            "cut" => self.cut = Some(cut(value).ok_or("cut")?),
            _ => return Err("an unknown argument"),
        }
        Ok(())
    }
}

fn hardware(text: &str) -> Option<HardwareId> {
    match text.split_once(':')? {
        ("esn", hex) => u32::from_str_radix(hex, 16).ok().map(HardwareId::Esn),
        ("meid", hex) if hex.len() == 14 => {
            let [_, octets @ ..] = u64::from_str_radix(hex, 16).ok()?.to_be_bytes();
            Some(HardwareId::Meid(octets))
        }
        _ => None,
    }
}

fn cut(text: &str) -> Option<(u32, When)> {
    let (operation, when) = text.split_once(':')?;
    let when = match when {
        "before" => When::Before,
        "torn" => When::Torn,
        "after" => When::After,
        _ => return None,
    };
    Some((operation.parse().ok()?, when))
}

/// The emulated board has no source of noise: octets follow from the seed (a linear congruential generator). Good enough for
/// pauses between tries, which is all that this board draws; a product takes its processor's generator.
#[derive(Clone, Copy, Debug)]
pub struct Seeded(u32);

impl Seeded {
    /// Starts from `seed`.
    pub const fn new(seed: u32) -> Self {
        Self(seed)
    }
}

impl Entropy for Seeded {
    fn fill(&mut self, buf: &mut [u8]) {
        for octet in buf {
            self.0 = self.0.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            *octet = self.0.to_be_bytes()[0];
        }
    }
}

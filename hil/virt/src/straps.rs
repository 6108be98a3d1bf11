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
//! | `issuer=HEX` | the public key that licenses are signed with | no license |
//! | `time=SECONDS` | what the clock shows at power-on, since 1970 | 0 |
//! | `seed=HEX` | where "random" octets come from: a run can be repeated | 0 |
//! | `cut=OPERATION:before`, `:torn`, `:after` | the flash operation, from 0, in which the power fails | none |

use kedge_platform::identity::HardwareId;
use observed::console::from_hex;
use observed::fuse::Fuse;

/// Octets of all arguments together.
const ROOM: usize = 512;
/// Most digits of a subscriber's identity.
const CARD: usize = 15;

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
    /// The issuer of licenses.
    pub issuer: Option<[u8; 32]>,
    /// What the clock shows at power-on, in seconds since 1970.
    pub time: u64,
    /// Where random octets come from.
    pub seed: u32,
    /// Where the power fails.
    pub cut: Fuse,
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
            issuer: None,
            time: 0,
            seed: 0,
            cut: Fuse::default(),
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
            "issuer" => {
                let mut key = [0; 32];
                from_hex(value, &mut key).filter(|octets| octets.len() == 32).ok_or("issuer")?;
                self.issuer = Some(key);
            }
            "time" => self.time = value.parse().map_err(|_| "time")?,
            "seed" => self.seed = u32::from_str_radix(value, 16).map_err(|_| "seed")?,
            "cut" => self.cut = Fuse::parse(value).ok_or("cut")?,
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

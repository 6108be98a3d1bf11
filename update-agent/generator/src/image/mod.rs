//! What a firmware file is: its form, and which parts of it are code of which architecture, at which addresses.
//!
//! ```text
//! file ─ read ─► Firmware (octets of the flash, address) ─ regions ─► Region, Region, ..     ─ ram ─► the device's RAM
//!        Intel HEX, UF2                   containers: ELF, ESP, MCUboot, U-Boot, FIT, Linux
//!        anything else as it is           else calls that agree, texture, votes on the address
//! ```
//! ```
//! use kedge_generator::image::{self, Hint};
//!
//! let file = b":020000040800F2\n:0400000001020304F2\n:00000001FF\n";
//! let firmware = image::read(file).unwrap();
//! assert_eq!(*firmware.octets, [1, 2, 3, 4]);
//! let regions = image::regions(&firmware.octets, Hint { base: firmware.base, ..Hint::default() });
//! assert_eq!((regions[0].len, regions[0].address), (4, 0x0800_0000));
//! ```
//! Nothing here has to be right for a package to be right: a wrong answer makes a larger delta, never a wrong image. The same
//! octets give the same answer on every machine.

mod address;
mod boot;
mod calls;
mod detect;
mod elf;
mod error;
mod esp;
mod fields;
mod hex;
mod pairs;
mod path;
mod pieces;
mod ram;
mod regions;
mod span;
#[cfg(test)]
mod tests;
mod texture;
mod uf2;
mod vectors;

pub use error::{Error, HexFault, Uf2Fault};
pub use pairs::pairs;
pub use ram::ram;
pub use regions::{MOST_REGIONS, regions};

use kedge_delta::arch::Arch;
use std::borrow::Cow;

/// The largest image: what the package format can tell, and a suffix array of 31-bit offsets.
pub const MAX_LEN: usize = 1 << 30;

/// The content of flash that a file describes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Firmware<'a> {
    /// The octets, gaps as erased flash (0xff). At least one, at most [`MAX_LEN`].
    pub octets: Cow<'a, [u8]>,
    /// The address of the first octet, if the file tells.
    pub base: Option<u32>,
    /// What the file was.
    pub form: Form,
    /// Addresses and lengths of what the file holds for places far from the image: option words, fuses. It is not in `octets`.
    pub left_out: Vec<(u32, u32)>,
}

/// The form of a firmware file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Form {
    /// The octets themselves: a raw image, an ELF file, or one with a header for a boot loader.
    Raw,
    /// Intel HEX.
    Hex,
    /// UF2.
    Uf2,
}

/// What the caller knows about an image.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Hint {
    /// Code is of this architecture; one without instructions: there is no code. `None`: find out.
    pub arch: Option<Arch>,
    /// The address of the first octet, as in [`Firmware::base`]; ELF files and ESP images tell better. `None`: find out.
    pub base: Option<u32>,
}

/// A part of an image.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Region {
    /// The offset of its first octet in the image.
    pub start: u32,
    /// How many octets it has, at least one.
    pub len: u32,
    /// The low 32 bits of the address of its first octet.
    pub address: u32,
    /// The upper 32 bits of its addresses.
    pub high: u32,
    /// What it holds.
    pub arch: Arch,
}

/// Reads a firmware file. Intel HEX and UF2 become the flash content that they describe; everything else is taken as it is.
pub fn read(file: &[u8]) -> Result<Firmware<'_>, Error> {
    let (pieces, form) = if hex::is(file) {
        (hex::read(file)?, Form::Hex)
    } else if uf2::is(file) {
        (uf2::read(file)?, Form::Uf2)
    } else {
        return match file.len() {
            0 => Err(Error::Empty),
            1..=MAX_LEN => Ok(Firmware {
                octets: Cow::Borrowed(file),
                base: None,
                form: Form::Raw,
                left_out: Vec::new(),
            }),
            _ => Err(Error::TooLarge),
        };
    };
    let flat = pieces.flatten()?;
    Ok(Firmware { octets: Cow::Owned(flat.octets), base: Some(flat.address), form, left_out: flat.left_out })
}

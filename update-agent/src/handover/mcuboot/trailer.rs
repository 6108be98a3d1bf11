//! The trailer at the end of a slot: five words, each in write units of its own.
//!
//! ```text
//!  … swap status │ swap size │ swap info │ copy done │ image ok │ (FF…) magic │ end of the slot
//!                │ align     │ align     │ align     │ align    │ 16, up to a multiple of align
//! ```
//! `align` is [`MaxAlign`]. The swap status (3 write units per sector) and the swap size are MCUboot's own.
use kedge_platform::flash::{NorFlash, Region};

use crate::flash_io::{erase, read, write_padded};

/// `MCUBOOT_BOOT_MAX_ALIGN`: what the words of the trailer are aligned to; at least the write unit. It chooses the magic.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MaxAlign {
    /// 8 octets: the format of MCUboot 1.x and the default since.
    A8,
    /// 16 octets.
    A16,
    /// 32 octets.
    A32,
}

/// Octets of the magic.
const MAGIC_LEN: usize = 16;
const MAGIC_8: [u8; MAGIC_LEN] =
    [0x77, 0xC2, 0x95, 0xF3, 0x60, 0xD2, 0xEF, 0x7F, 0x35, 0x52, 0x50, 0x0F, 0x2C, 0xB6, 0x79, 0x80];
/// The value of a flag that is set.
const SET: u8 = 1;
/// The largest word: a magic at 32 octets' alignment.
const WORD_MAX: usize = 32;

impl MaxAlign {
    /// The alignment in octets.
    pub const fn octets(self) -> usize {
        match self {
            Self::A8 => 8,
            Self::A16 => 16,
            Self::A32 => 32,
        }
    }

    const fn step(self) -> u32 {
        match self {
            Self::A8 => 8,
            Self::A16 => 16,
            Self::A32 => 32,
        }
    }

    /// Octets from the start of the magic's padding to the end of the slot.
    const fn magic_len(self) -> u32 {
        match self {
            Self::A8 | Self::A16 => 16,
            Self::A32 => 32,
        }
    }

    /// Octets of the five words.
    pub(super) const fn fields_len(self) -> u32 {
        self.magic_len().saturating_add(self.step().saturating_mul(4))
    }

    const fn magic(self) -> [u8; MAGIC_LEN] {
        let low = match self {
            Self::A8 => return MAGIC_8,
            Self::A16 => 16,
            Self::A32 => 32,
        };
        // the alignment, little-endian, then a constant
        [low, 0, 0x2D, 0xE1, 0x5D, 0x29, 0x41, 0x0B, 0x8D, 0x77, 0x67, 0x9C, 0x11, 0x0F, 0x1F, 0x8A]
    }

    /// Offset of the word that is `nth` before the magic: 1 image ok, 2 copy done, 3 swap info, 4 swap size.
    const fn word(self, slot: Region, nth: u32) -> u32 {
        slot.end().saturating_sub(self.magic_len()).saturating_sub(self.step().saturating_mul(nth))
    }
}

/// How a magic reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Magic {
    /// All erased.
    Unset,
    /// The value for this alignment.
    Good,
    /// Anything else.
    Bad,
}

/// How a flag reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Flag {
    /// Erased.
    Unset,
    /// 1.
    Set,
    /// Anything else.
    Bad,
}

/// What a swap is for: the low four bits of the swap info.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SwapType {
    /// No swap.
    None,
    /// The image of the secondary slot is tried.
    Test,
    /// It is taken for good.
    Permanent,
    /// The images go back where they were.
    Revert,
}

/// The words of a trailer as they read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Trailer {
    /// Whether there is a trailer.
    pub magic: Magic,
    /// Whether the image was confirmed.
    pub image_ok: Flag,
    /// Whether the swap that brought the image was finished.
    pub copy_done: Flag,
    /// What swap was last begun; only tells how to resume one.
    pub swap: SwapType,
}

impl Trailer {
    /// An erased trailer.
    pub const BLANK: Self =
        Self { magic: Magic::Unset, image_ok: Flag::Unset, copy_done: Flag::Unset, swap: SwapType::None };

    /// Reads the trailer at the end of `slot`. What the driver cannot read is bad: parts with error-correcting codes say
    /// so of a torn unit.
    pub fn read<F: NorFlash>(flash: &mut F, slot: Region, align: MaxAlign) -> Self {
        let mut magic = [0; MAGIC_LEN];
        let magic = match read(flash, slot.end().saturating_sub(16), &mut magic) {
            Ok(()) if magic == [0xFF; MAGIC_LEN] => Magic::Unset,
            Ok(()) if magic == align.magic() => Magic::Good,
            _ => Magic::Bad,
        };
        let mut octet = |nth| {
            let mut octet = [0];
            let [found] = read(flash, align.word(slot, nth), &mut octet).map_or([0], |()| octet);
            found
        };
        let (image_ok, copy_done, swap) = (Flag::of(octet(1)), Flag::of(octet(2)), SwapType::of(octet(3)));
        Self { magic, image_ok, copy_done, swap }
    }
}

impl Flag {
    const fn of(octet: u8) -> Self {
        match octet {
            0xFF => Self::Unset,
            SET => Self::Set,
            _ => Self::Bad,
        }
    }
}

impl SwapType {
    /// Of a swap info octet. Image numbers other than 0, in the high bits, are of devices with several images; each has
    /// slots of its own.
    const fn of(info: u8) -> Self {
        match info & 0x0F {
            2 => Self::Test,
            3 => Self::Permanent,
            4 => Self::Revert,
            _ => Self::None,
        }
    }
}

/// What MCUboot does at the next start, as far as the trailers decide it: the three states of its design document in their
/// order, otherwise nothing. An image that does not verify is not swapped in, whatever the trailers say.
pub const fn next_swap(primary: &Trailer, secondary: &Trailer) -> SwapType {
    match (secondary.magic, secondary.image_ok) {
        (Magic::Good, Flag::Unset) => return SwapType::Test,
        (Magic::Good, Flag::Set) => return SwapType::Permanent,
        _ => {}
    }
    match (primary.magic, secondary.magic, primary.image_ok, primary.copy_done) {
        (Magic::Good, Magic::Unset, Flag::Unset, Flag::Set) => SwapType::Revert,
        _ => SwapType::None,
    }
}

/// Asks for a swap: erases the trailer's sectors, writes swap info and, for a permanent one, image ok; the magic last, for
/// it is what makes the others count.
pub(super) fn request<F: NorFlash>(
    flash: &mut F,
    slot: Region,
    align: MaxAlign,
    permanent: bool,
) -> Result<(), F::Error> {
    clear(flash, slot, align)?;
    write_octet(flash, align.word(slot, 3), if permanent { 3 } else { 2 })?;
    if permanent {
        confirm(flash, slot, align)?;
    }
    let mut word = [0xFF; WORD_MAX];
    let padding = align.magic_len().saturating_sub(16);
    for (to, from) in word.iter_mut().skip(usize::try_from(padding).unwrap_or_default()).zip(align.magic()) {
        *to = from;
    }
    write_magic(flash, slot, align, &mut word)
}

/// Gives the slot a magic that is neither unset nor good.
pub(super) fn seal<F: NorFlash>(flash: &mut F, slot: Region, align: MaxAlign) -> Result<(), F::Error> {
    clear(flash, slot, align)?;
    write_magic(flash, slot, align, &mut [0; WORD_MAX])
}

/// Erases the sectors that hold the words.
fn clear<F: NorFlash>(flash: &mut F, slot: Region, align: MaxAlign) -> Result<(), F::Error> {
    let first = align.word(slot, 4);
    let from = first.saturating_sub(first.checked_rem(slot.sector_on::<F>()).unwrap_or_default());
    erase(flash, slot, from, slot.end().saturating_sub(from))
}

fn write_magic<F: NorFlash>(
    flash: &mut F,
    slot: Region,
    align: MaxAlign,
    word: &mut [u8; WORD_MAX],
) -> Result<(), F::Error> {
    let len = usize::try_from(align.magic_len()).unwrap_or(WORD_MAX);
    write_padded(flash, align.word(slot, 0), word, len)
}

/// Sets image ok.
pub(super) fn confirm<F: NorFlash>(flash: &mut F, slot: Region, align: MaxAlign) -> Result<(), F::Error> {
    write_octet(flash, align.word(slot, 1), SET)
}

fn write_octet<F: NorFlash>(flash: &mut F, at: u32, octet: u8) -> Result<(), F::Error> {
    let mut word = [0xFF; WORD_MAX];
    if let Some(first) = word.first_mut() {
        *first = octet;
    }
    write_padded(flash, at, &mut word, 1)
}

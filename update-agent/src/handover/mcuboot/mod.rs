//! Hand-over to MCUboot, in its swap modes (scratch, move, offset), and overwrite-only.
//!
//! The layout's first slot is MCUboot's primary slot, the second its secondary slot. Kedge makes the new image there, with
//! its MCUboot header and TLVs: to Kedge these are octets of the image, so the package is made from what `imgtool sign`
//! wrote. Before it is staged, [`Checking`] looks at it as MCUboot will; then [`McuBoot`], which is the
//! [`Loader`], writes the trailer that asks for a test swap, and after the restart confirms.
//! Facts: MCUboot, `docs/design.md`, "Image Format", "Image Trailer" and "Swap types".
//!
//! # What the trailer gives against torn writes
//!
//! | word | octets | how it is written here | what a cut leaves |
//! |---|---:|---|---|
//! | magic, secondary | 16 | last, into a sector that this call erased | good or not good: a test swap or none. Reads good by chance only if all of it was programmed already; and MCUboot verifies the image before it swaps |
//! | image_ok, primary | 1 | once, after the journal noted it | unset: MCUboot goes back; set or bad: the image stays |
//!
//! So a cut leaves the old or the new decision. But one octet without a check value may read as set today and as unset
//! tomorrow when its unit was torn, and a unit must not be programmed twice. So when a confirmation may have been cut off,
//! Kedge *seals* instead: it erases the trailer of the secondary slot and programs a magic of zeros there. MCUboot goes back
//! only while that magic is unset, so from then on image_ok does not matter; and as that sector holds nothing else, sealing
//! can be repeated until it returned. The next [`stage`](Loader::stage) erases the seal. Until it does, MCUboot's own
//! `boot_set_pending` would find a bad magic, erase the slot and ask for the image again.
//!
//! On parts whose driver reports a torn unit as an error, MCUboot's flash driver must give an error in the primary slot's
//! trailer as octets that are not erased, or MCUboot itself stops there.

mod image;
mod trailer;

use core::fmt;

pub use image::{Checking, ImageInfo, Version, WrongImage};
use kedge_platform::flash::{NorFlash, Region};
pub use trailer::{Flag, Magic, MaxAlign, SwapType, Trailer, next_swap};

use super::{Loader, Standing};

/// Why a trailer could not be read or written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Error<E> {
    /// The flash driver failed.
    Flash(E),
    /// The slots are not whole sectors, the write unit is larger than [`MaxAlign`], or the trailer fills a slot.
    Geometry,
    /// The image reaches into the sectors that the trailer needs.
    NoRoom {
        /// Octets an image may have.
        room: u32,
    },
    /// The primary slot's trailer is none that MCUboot writes: it was not started by an MCUboot configured like this.
    NoTrailer,
}

impl<E: fmt::Debug> fmt::Display for Error<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Flash(error) => write!(f, "flash: {error:?}"),
            Self::Geometry => f.write_str("slots or write units do not suit MCUboot's trailer"),
            Self::NoRoom { room } => write!(f, "image reaches into the trailer, it may have {room} octets"),
            Self::NoTrailer => f.write_str("no MCUboot trailer in the primary slot"),
        }
    }
}

impl<E: fmt::Debug> core::error::Error for Error<E> {}

/// A device with MCUboot, as its MCUboot was configured.
#[derive(Clone, Copy, Debug)]
pub struct McuBoot {
    /// The slot that is started.
    pub primary: Region,
    /// The slot that new images come in.
    pub secondary: Region,
    /// `MCUBOOT_BOOT_MAX_ALIGN`.
    pub align: MaxAlign,
    /// `MCUBOOT_MAX_IMG_SECTORS`, for the room that the swap status takes; 0 with overwrite-only.
    pub max_sectors: u32,
    /// Octets of the image in the secondary slot, header and TLVs included.
    pub image_len: u32,
    /// Whether the next swap shall be permanent: no trial, no way back. False unless there is a reason.
    pub permanent: bool,
}

impl McuBoot {
    /// Octets an image may have: what is left of the smaller slot below the sectors of the trailer.
    pub fn room<F: NorFlash>(&self) -> Option<u32> {
        let unit = u32::try_from(F::WRITE_SIZE).ok()?;
        let status = self.max_sectors.checked_mul(3)?.checked_mul(unit)?;
        let trailer = status.checked_add(self.align.fields_len())?;
        let slot = self.primary.len.min(self.secondary.len);
        let below = slot.checked_sub(trailer)?;
        let sector = self.primary.sector_on::<F>().max(self.secondary.sector_on::<F>());
        Some(below.saturating_sub(below.checked_rem(sector)?)).filter(|room| *room > 0)
    }

    fn check<F: NorFlash>(&self) -> Result<u32, Error<F::Error>> {
        let slots = [self.primary, self.secondary];
        let slots_ok = slots.iter().all(|slot| {
            let sector = slot.sector_on::<F>();
            [slot.start, slot.len].iter().all(|n| n.checked_rem(sector) == Some(0))
        });
        if !slots_ok || F::WRITE_SIZE > self.align.octets() {
            return Err(Error::Geometry);
        }
        self.room::<F>().ok_or(Error::Geometry)
    }
}

impl<F: NorFlash> Loader<F> for McuBoot {
    type Error = Error<F::Error>;
    const SWAPS: bool = true;

    fn standing(&mut self, flash: &mut F) -> Result<Standing, Self::Error> {
        self.check::<F>()?;
        let [primary, secondary] =
            [self.primary, self.secondary].map(|slot| Trailer::read(flash, slot, self.align));
        Ok(match next_swap(&primary, &secondary) {
            SwapType::None => Standing::Settled,
            SwapType::Test | SwapType::Permanent => Standing::Pending,
            SwapType::Revert => Standing::OnTrial,
        })
    }

    fn stage(&mut self, flash: &mut F) -> Result<(), Self::Error> {
        let room = self.check::<F>()?;
        if self.image_len > room {
            return Err(Error::NoRoom { room });
        }
        trailer::request(flash, self.secondary, self.align, self.permanent).map_err(Error::Flash)
    }

    fn confirm(&mut self, flash: &mut F, again: bool) -> Result<(), Self::Error> {
        self.check::<F>()?;
        if again {
            return trailer::seal(flash, self.secondary, self.align).map_err(Error::Flash);
        }
        let primary = Trailer::read(flash, self.primary, self.align);
        match (primary.magic, primary.image_ok) {
            (Magic::Good, Flag::Unset) => {
                trailer::confirm(flash, self.primary, self.align).map_err(Error::Flash)
            }
            // set already, or nothing was ever swapped
            (Magic::Good, Flag::Set) | (Magic::Unset, _) => Ok(()),
            (Magic::Good, Flag::Bad) | (Magic::Bad, _) => Err(Error::NoTrailer),
        }
    }

    /// Nothing to do: MCUboot goes back when the image was not confirmed.
    fn reject(&mut self, _flash: &mut F) -> Result<(), Self::Error> {
        Ok(())
    }
}

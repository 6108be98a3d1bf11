//! Hand-over to ESP-IDF's second-stage boot loader through the `otadata` partition.
//!
//! Two sectors of 4 KiB hold one entry of 32 octets each (little-endian; ESP-IDF `esp_flash_partitions.h`):
//!
//! | offset | octets | field |
//! |---:|---:|---|
//! | 0 | 4 | sequence number, FFFFFFFF: none |
//! | 4 | 20 | label, unused |
//! | 24 | 4 | state: 0 new, 1 pending verify, 2 valid, 3 invalid, 4 aborted, FFFFFFFF undefined |
//! | 28 | 4 | CRC-32 of the sequence number |
//!
//! An entry counts if it has a number, its CRC is right and it is neither invalid nor aborted. Of two that count, the
//! higher number does, of equal ones the first. Number `n` means slot `(n - 1) % slots`. If none counts, the loader starts
//! the factory application, or the first slot that verifies. With `CONFIG_BOOTLOADER_APP_ROLLBACK_ENABLE`, which Kedge
//! needs for a trial, the loader first turns *pending verify* into *aborted* (the image had its start and was not
//! confirmed), and after choosing a *new* entry turns it into *pending verify*; each time it erases and writes that sector.
//!
//! # What the format gives against torn writes
//!
//! Here an entry is written front to back into the sector that is *not* the one in force: until its last word, the CRC, is
//! right, it does not count, and when that is right the words before it were finished. The state in force is changed the
//! way ESP-IDF changes it, in its own sector: a cut then loses the entry, and the other one, the old image, counts. So a
//! cut leaves the old or the new decision, and a confirmation that may have been torn is made again, sector and all, before
//! the journal ends the trial. Two weaknesses are the format's own: the CRC does not cover the state, so with
//! write units of 32 octets a torn entry could pass with a wrong state; and on a device that never updated and has no
//! factory application, losing the only entry leaves the choice to "the first slot that verifies".
use core::fmt;

use kedge_platform::flash::{NorFlash, Region};

use super::{Loader, Standing, take};
use crate::flash_io::{erase, read, write_padded};

/// Octets of an entry.
const ENTRY_LEN: usize = 32;
/// Most slots of a partition table.
const SLOTS_MAX: u8 = 16;
/// As `esp_rom_crc32_le` computes it when it is started with FFFFFFFF, which that function inverts.
const CHECK: crc::Crc<u32, crc::Table<1>> = crc::Crc::<u32, crc::Table<1>>::new(&crc::Algorithm {
    width: 32,
    poly: 0x04C1_1DB7,
    init: 0,
    refin: true,
    refout: true,
    xorout: 0xFFFF_FFFF,
    check: 0,
    residue: 0,
});

/// The state of an image in its entry; an open code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ImageState(pub u32);

impl ImageState {
    /// Not started yet.
    pub const NEW: Self = Self(0);
    /// Started once and not confirmed.
    pub const PENDING_VERIFY: Self = Self(1);
    /// Confirmed.
    pub const VALID: Self = Self(2);
    /// Refused by itself.
    pub const INVALID: Self = Self(3);
    /// Not confirmed in time.
    pub const ABORTED: Self = Self(4);
    /// Written without roll-back in mind.
    pub const UNDEFINED: Self = Self(u32::MAX);
}

/// An entry as it reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Entry {
    /// The sequence number.
    pub sequence: u32,
    /// The label.
    pub label: [u8; 20],
    /// The state of the image.
    pub state: ImageState,
    /// The CRC, right or wrong.
    pub crc: u32,
}

impl Entry {
    /// An entry with the right CRC and no label.
    pub fn new(sequence: u32, state: ImageState) -> Self {
        Self { sequence, label: [0xFF; 20], state, crc: CHECK.checksum(&sequence.to_le_bytes()) }
    }

    /// Reads the octets of an entry; any will do.
    pub fn parse(octets: &[u8; ENTRY_LEN]) -> Self {
        let mut rest = octets.as_slice();
        let sequence = u32::from_le_bytes(take(&mut rest));
        let label = take(&mut rest);
        let state = ImageState(u32::from_le_bytes(take(&mut rest)));
        let crc = u32::from_le_bytes(take(&mut rest));
        Self { sequence, label, state, crc }
    }

    /// The entry as octets.
    pub fn emit(&self) -> [u8; ENTRY_LEN] {
        let mut octets = [0; ENTRY_LEN];
        let fields: [&[u8]; 4] =
            [&self.sequence.to_le_bytes(), &self.label, &self.state.0.to_le_bytes(), &self.crc.to_le_bytes()];
        for (to, from) in octets.iter_mut().zip(fields.into_iter().flatten()) {
            *to = *from;
        }
        octets
    }

    /// Whether the loader would choose it.
    pub fn counts(&self) -> bool {
        self.sequence != u32::MAX
            && !matches!(self.state, ImageState::INVALID | ImageState::ABORTED)
            && self.crc == CHECK.checksum(&self.sequence.to_le_bytes())
    }
}

/// Which of the two sectors is meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Which {
    /// The first.
    First,
    /// The second.
    Second,
}

impl Which {
    const fn other(self) -> Self {
        match self {
            Self::First => Self::Second,
            Self::Second => Self::First,
        }
    }
}

/// The entry in force, as the loader chooses it: none, one, or the one with the higher number.
pub fn in_force(first: &Entry, second: &Entry) -> Option<Which> {
    match (first.counts(), second.counts()) {
        (true, true) if first.sequence < second.sequence => Some(Which::Second),
        (true, _) => Some(Which::First),
        (false, true) => Some(Which::Second),
        (false, false) => None,
    }
}

/// Why the `otadata` partition could not be read or changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Error<E> {
    /// The flash driver failed.
    Flash(E),
    /// The partition is not two sectors, the write unit is larger than an entry, there are no 2 to 16 slots, or the
    /// target is none of them.
    Geometry,
    /// The slot to be staged is the one in force.
    InForce,
    /// There is no entry to confirm or reject.
    NoEntry,
    /// There is no higher sequence number.
    Exhausted,
}

impl<E: fmt::Debug> fmt::Display for Error<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Flash(error) => write!(f, "flash: {error:?}"),
            Self::Geometry => f.write_str("partition or slots do not suit otadata"),
            Self::InForce => f.write_str("the slot is the one in force"),
            Self::NoEntry => f.write_str("no entry is in force"),
            Self::Exhausted => f.write_str("sequence numbers are used up"),
        }
    }
}

impl<E: fmt::Debug> core::error::Error for Error<E> {}

/// A device with ESP-IDF's boot loader.
#[derive(Clone, Copy, Debug)]
pub struct OtaData {
    /// The `otadata` partition: two sectors.
    pub partition: Region,
    /// How many `ota_n` slots the partition table has.
    pub slots: u8,
    /// The slot that the new image was made in, from 0.
    pub target: u8,
}

impl OtaData {
    /// Both entries. A sector that the driver cannot read has none.
    pub fn entries<F: NorFlash>(&self, flash: &mut F) -> Result<(Entry, Entry), Error<F::Error>> {
        let whole = self.partition.start.checked_rem(self.partition.sector_on::<F>()) == Some(0);
        let fits = self.partition.len == self.partition.sector_on::<F>().saturating_mul(2)
            && F::WRITE_SIZE <= ENTRY_LEN;
        if !(whole && fits && (2..=SLOTS_MAX).contains(&self.slots) && self.target < self.slots) {
            return Err(Error::Geometry);
        }
        let first = self.entry(flash, Which::First);
        let second = self.entry(flash, Which::Second);
        match (first, second) {
            (Err(error), Err(_)) => Err(Error::Flash(error)),
            (first, second) => Ok((first.unwrap_or(BLANK), second.unwrap_or(BLANK))),
        }
    }

    /// The slot that the entry in force means; none if the loader has to choose without one.
    pub fn slot<F: NorFlash>(&self, flash: &mut F) -> Result<Option<u8>, Error<F::Error>> {
        Ok(self.current(flash)?.map(|(_, entry)| self.slot_of(entry.sequence)))
    }

    fn slot_of(&self, sequence: u32) -> u8 {
        let slot = sequence.wrapping_sub(1).checked_rem(u32::from(self.slots)).unwrap_or_default();
        u8::try_from(slot).unwrap_or_default()
    }

    fn current<F: NorFlash>(&self, flash: &mut F) -> Result<Option<(Which, Entry)>, Error<F::Error>> {
        let (first, second) = self.entries(flash)?;
        Ok(in_force(&first, &second).map(|which| match which {
            Which::First => (which, first),
            Which::Second => (which, second),
        }))
    }

    const fn at(&self, which: Which) -> u32 {
        match which {
            Which::First => self.partition.start,
            Which::Second => self.partition.start.saturating_add(self.partition.len / 2),
        }
    }

    fn entry<F: NorFlash>(&self, flash: &mut F, which: Which) -> Result<Entry, F::Error> {
        let mut octets = [0; ENTRY_LEN];
        read(flash, self.at(which), &mut octets)?;
        Ok(Entry::parse(&octets))
    }

    fn put<F: NorFlash>(&self, flash: &mut F, which: Which, entry: &Entry) -> Result<(), Error<F::Error>> {
        let at = self.at(which);
        erase(flash, self.partition, at, 1).map_err(Error::Flash)?;
        write_padded(flash, at, &mut entry.emit(), ENTRY_LEN).map_err(Error::Flash)
    }

    fn mark<F: NorFlash>(&self, flash: &mut F, state: ImageState) -> Result<(), Error<F::Error>> {
        let (which, entry) = self.current(flash)?.ok_or(Error::NoEntry)?;
        self.put(flash, which, &Entry { state, ..entry })
    }
}

const BLANK: Entry =
    Entry { sequence: u32::MAX, label: [0xFF; 20], state: ImageState::UNDEFINED, crc: u32::MAX };

impl<F: NorFlash> Loader<F> for OtaData {
    type Error = Error<F::Error>;
    const SWAPS: bool = false;

    fn standing(&mut self, flash: &mut F) -> Result<Standing, Self::Error> {
        Ok(match self.current(flash)?.map(|(_, entry)| entry.state) {
            Some(ImageState::NEW) => Standing::Pending,
            Some(ImageState::PENDING_VERIFY) => Standing::OnTrial,
            _ => Standing::Settled,
        })
    }

    fn stage(&mut self, flash: &mut F) -> Result<(), Self::Error> {
        let (which, floor) = match self.current(flash)? {
            Some((_, entry)) if self.slot_of(entry.sequence) == self.target => {
                return if entry.state == ImageState::NEW { Ok(()) } else { Err(Error::InForce) };
            }
            Some((which, entry)) => (which.other(), entry.sequence),
            None => (Which::First, 0),
        };
        let above = (1..=u32::from(self.slots)).map(|step| floor.checked_add(step));
        let sequence = above
            .map_while(|n| n.filter(|n| *n != u32::MAX))
            .find(|n| self.slot_of(*n) == self.target)
            .ok_or(Error::Exhausted)?;
        self.put(flash, which, &Entry::new(sequence, ImageState::NEW))
    }

    fn confirm(&mut self, flash: &mut F, _again: bool) -> Result<(), Self::Error> {
        self.mark(flash, ImageState::VALID)
    }

    fn reject(&mut self, flash: &mut F) -> Result<(), Self::Error> {
        self.mark(flash, ImageState::INVALID)
    }
}

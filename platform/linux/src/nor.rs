//! NOR flash made of files and block devices: where a Linux device keeps journal, store, packages and images.
//!
//! ```text
//!  offset 0            64 KiB                 16 MiB + 64 KiB
//!  ┌───────────────────┬──────────────────────┬──────────────────────┬──────────────────────┐
//!  │ state             │ package              │ first slot           │ second slot          │
//!  │ /var/lib/..       │ /var/lib/..          │ /dev/mmcblk0p2       │ /dev/mmcblk0p3       │
//!  └───────────────────┴──────────────────────┴──────────────────────┴──────────────────────┘
//! ```
//! Each part is a file or a block device of whole sectors, one behind the other in one address space. Reading, programming and
//! erasing are those of [`kedge_platform::flash`]; erased octets are FF.
//!
//! # Why a power cut finds old or new
//!
//! What a bank log needs is rules 2 to 5 of the flash contract, and this is how files keep them:
//!
//! | rule | by |
//! |---|---|
//! | a unit is programmed once | a unit that is not erased is refused before anything is written |
//! | finished when the call returns | `fdatasync` before it does ([`Sync::AtOnce`]) |
//! | in order | parts with [`Sync::InOrder`] are synced before the next change of any other part; so are their octets on the medium before a record that vouches for them |
//! | a cut tears only the unit at work | octets are overwritten in place and no file changes its length, so the file system moves and allocates nothing; the block around a unit is written again with the octets it had |
//! | a cut erase may read as anything | the same |
//!
//! That holds on storage that writes its smallest block (512 or 4096 octets) wholly or not at all, as disks, eMMC and UFS do,
//! and on file systems that overwrite in place (ext4, XFS, FAT, F2FS for pinned files). On file systems that copy on write
//! (Btrfs, ZFS) it holds too, but a full disk can then fail a write: the caller gets the error, and the old state stays.
//!
//! A file is made whole, with its length, under another name, synced and only then renamed, and its folder is synced. So it
//! is there wholly or not at all, and a full disk is noticed when the service first starts, not in an update.
//!
//! After `fdatasync` has failed nobody can tell what is on the medium: every later change is refused ([`Error::InDoubt`])
//! until somebody takes the files up as they are ([`FileNor::take_up`], or a new start), and looks at what they hold.

use core::fmt;
use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, Seek, SeekFrom};
use std::os::unix::fs::{FileExt, FileTypeExt, OpenOptionsExt};
use std::path::Path;

use kedge_platform::flash::{ErrorType, NorFlash, NorFlashError, NorFlashErrorKind, ReadNorFlash, Region};

/// Octets of a sector: a page of memory, and the block of common file systems.
pub const SECTOR: u32 = 4096;
/// Octets of a write unit.
pub const UNIT: u32 = 16;
const ERASED: u8 = 0xFF;
/// Octets written at once when a file is made.
const FILL: usize = 64 << 10;

/// When a change of a part is on its medium.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sync {
    /// When the call returns: journal and store.
    AtOnce,
    /// Before the next change of any other part, or at [`FileNor::flush`]: packages and images, of which nothing counts until
    /// a record says so.
    InOrder,
}

/// Why the files did not do as told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Error {
    /// The system refused; the number is its `errno`.
    System(i32),
    /// Not whole units or sectors.
    NotAligned,
    /// Beyond the end.
    OutOfBounds,
    /// The unit at this offset was programmed since its sector was erased.
    NotErased(u32),
    /// The file is not as long as it must be: its octets.
    Length(u64),
    /// Another process has it open.
    InUse,
    /// Writing to the medium failed before: what the files hold must be looked at anew, after [`FileNor::take_up`].
    InDoubt,
    /// The parts together are longer than 4 GiB.
    TooLarge,
}

impl From<io::Error> for Error {
    fn from(error: io::Error) -> Self {
        Self::System(error.raw_os_error().unwrap_or_default())
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::System(number) => io::Error::from_raw_os_error(*number).fmt(f),
            Self::NotAligned => f.write_str("not aligned to the write unit or sector"),
            Self::OutOfBounds => f.write_str("outside the flash"),
            Self::NotErased(at) => write!(f, "unit at {at:#x} is programmed already"),
            Self::Length(octets) => {
                write!(f, "{octets} octets long, which is another length, or not whole sectors of {SECTOR}")
            }
            Self::InUse => f.write_str("another process has it open"),
            Self::InDoubt => f.write_str("the medium failed before, what it holds is in doubt"),
            Self::TooLarge => f.write_str("all parts together are longer than 4 GiB"),
        }
    }
}

impl core::error::Error for Error {}

impl NorFlashError for Error {
    fn kind(&self) -> NorFlashErrorKind {
        match self {
            Self::NotAligned => NorFlashErrorKind::NotAligned,
            Self::OutOfBounds => NorFlashErrorKind::OutOfBounds,
            _ => NorFlashErrorKind::Other,
        }
    }
}

#[derive(Debug)]
struct Part {
    file: File,
    region: Region,
    sync: Sync,
    /// Changed since it was last synced.
    dirty: bool,
}

/// Files and block devices as one NOR flash device; see the [module](self).
#[derive(Debug, Default)]
pub struct FileNor {
    parts: Vec<Part>,
    in_doubt: bool,
}

impl FileNor {
    /// A device without octets.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a file of `len` octets, erased if it is made now. Only one process may have it.
    pub fn add_file(&mut self, path: &Path, len: u32, sync: Sync) -> Result<Region, Error> {
        if len == 0 || !len.is_multiple_of(SECTOR) {
            return Err(Error::Length(len.into()));
        }
        if !path.try_exists()? {
            create(path, len)?;
        }
        let file = OpenOptions::new().read(true).write(true).open(path)?;
        match file.metadata()?.len() {
            found if found == u64::from(len) => self.add(file, len, sync),
            found => Err(Error::Length(found)),
        }
    }

    /// Adds a file or block device that must be there, in its own length. Only one process may have it. Where it
    /// can only be read, changes fail.
    pub fn add_existing(&mut self, path: &Path, sync: Sync) -> Result<Region, Error> {
        let open = OpenOptions::new().read(true).write(true).open(path);
        // a slot that is mounted may be there for reading only
        let mut file = open.or_else(|_| File::open(path))?;
        // the metadata of a block device does not tell its length
        let len = file.seek(SeekFrom::End(0))?;
        let whole = len > 0 && len.is_multiple_of(SECTOR.into());
        match u32::try_from(len) {
            Ok(len) if whole => self.add(file, len, sync),
            Err(_) if file.metadata()?.file_type().is_block_device() => Err(Error::TooLarge),
            _ => Err(Error::Length(len)),
        }
    }

    fn add(&mut self, file: File, len: u32, sync: Sync) -> Result<Region, Error> {
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(Error::InUse),
            Err(TryLockError::Error(error)) => return Err(error.into()),
        }
        let start = self.end();
        start.checked_add(len).ok_or(Error::TooLarge)?;
        let region = Region::new(start, len);
        self.parts.push(Part { file, region, sync, dirty: false });
        Ok(region)
    }

    /// Takes up work again after [`Error::InDoubt`]: what the files hold counts from now on, whatever it is.
    pub fn take_up(&mut self) {
        self.in_doubt = false;
    }

    /// Puts everything on its medium.
    pub fn flush(&mut self) -> Result<(), Error> {
        self.sync_all_but(usize::MAX)
    }

    fn end(&self) -> u32 {
        self.parts.last().map_or(0, |part| part.region.end())
    }

    /// The piece of a range that lies in one part: the part, where in it, and how many octets.
    fn piece(&self, at: u32, len: u32) -> Option<(usize, u64, u32)> {
        let number = self.parts.iter().position(|part| part.region.start <= at && at < part.region.end())?;
        let region = self.parts[number].region;
        Some((number, u64::from(at - region.start), len.min(region.end() - at)))
    }

    fn admit(&self, at: u32, len: usize, align: u32) -> Result<u32, Error> {
        let len = u32::try_from(len).map_err(|_| Error::OutOfBounds)?;
        if at.checked_add(len).is_none_or(|end| end > self.end()) {
            return Err(Error::OutOfBounds);
        }
        if at.is_multiple_of(align) && len.is_multiple_of(align) { Ok(len) } else { Err(Error::NotAligned) }
    }

    /// Before part `number` is changed: what was changed in others is on its medium.
    fn sync_all_but(&mut self, number: usize) -> Result<(), Error> {
        if self.in_doubt {
            return Err(Error::InDoubt);
        }
        for (n, part) in self.parts.iter_mut().enumerate() {
            if part.dirty && n != number {
                self.in_doubt = true;
                part.file.sync_data()?;
                (part.dirty, self.in_doubt) = (false, false);
            }
        }
        Ok(())
    }

    /// Overwrites octets of one part.
    fn change(&mut self, number: usize, at: u64, octets: &[u8]) -> Result<(), Error> {
        self.sync_all_but(number)?;
        let part = &mut self.parts[number];
        part.dirty = true;
        part.file.write_all_at(octets, at)?;
        match part.sync {
            Sync::AtOnce => self.sync_all_but(usize::MAX),
            Sync::InOrder => Ok(()),
        }
    }
}

impl ErrorType for FileNor {
    type Error = Error;
}

impl ReadNorFlash for FileNor {
    const READ_SIZE: usize = 1;

    fn read(&mut self, offset: u32, bytes: &mut [u8]) -> Result<(), Error> {
        let (mut len, mut at, mut rest) = (self.admit(offset, bytes.len(), 1)?, offset, bytes);
        while len > 0 {
            let (number, start, n) = self.piece(at, len).ok_or(Error::OutOfBounds)?;
            let (now, later) = rest.split_at_mut(n as usize);
            self.parts[number].file.read_exact_at(now, start)?;
            (rest, at, len) = (later, at + n, len - n);
        }
        Ok(())
    }

    fn capacity(&self) -> usize {
        self.end() as usize
    }
}

impl NorFlash for FileNor {
    const WRITE_SIZE: usize = UNIT as usize;
    const ERASE_SIZE: usize = SECTOR as usize;

    fn erase(&mut self, from: u32, to: u32) -> Result<(), Error> {
        let len = to.checked_sub(from).ok_or(Error::OutOfBounds)?;
        let (mut len, mut at) = (self.admit(from, len as usize, SECTOR)?, from);
        while len > 0 {
            let (number, start, n) = self.piece(at, len.min(SECTOR)).ok_or(Error::OutOfBounds)?;
            self.change(number, start, &[ERASED; SECTOR as usize][..n as usize])?;
            (at, len) = (at + n, len - n);
        }
        Ok(())
    }

    fn write(&mut self, offset: u32, bytes: &[u8]) -> Result<(), Error> {
        let (mut len, mut at, mut rest) = (self.admit(offset, bytes.len(), UNIT)?, offset, bytes);
        let mut there = vec![0; bytes.len()];
        self.read(offset, &mut there)?;
        let mut units = there.chunks(UNIT as usize).zip((offset..).step_by(UNIT as usize));
        let blank = |unit: &[u8]| unit.iter().all(|octet| *octet == ERASED);
        if let Some((_, at)) = units.find(|(unit, _)| !blank(unit)) {
            return Err(Error::NotErased(at));
        }
        while len > 0 {
            let (number, start, n) = self.piece(at, len).ok_or(Error::OutOfBounds)?;
            let (now, later) = rest.split_at(n as usize);
            self.change(number, start, now)?;
            (rest, at, len) = (later, at + n, len - n);
        }
        Ok(())
    }
}

/// Makes an erased file: there wholly, or not at all. Nobody else may read it: it holds what the network provisions.
fn create(path: &Path, len: u32) -> Result<(), Error> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let mut unfinished = path.as_os_str().to_owned();
    unfinished.push(".new");
    let file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&unfinished)?;
    let fill = vec![ERASED; FILL];
    for start in (0..len).step_by(FILL) {
        let n = fill.len().min((len - start) as usize);
        file.write_all_at(&fill[..n], start.into())?;
    }
    file.sync_all()?;
    std::fs::rename(&unfinished, path)?;
    Ok(File::open(folder)?.sync_all()?)
}

//! NOR flash. What it must do when the power fails is said at [`kedge_platform::flash`]; the conformance kit tries it.

use core::ffi::c_void;
use core::fmt;

use kedge_platform::flash::{ErrorType, NorFlash, NorFlashError, NorFlashErrorKind, ReadNorFlash};

use crate::status::KedgeStatus;

/// Octets that are programmed at once, and their alignment. Set when the library is built, by the environment variable
/// `KEDGE_FLASH_WRITE_SIZE`; 4 without it.
const WRITE_SIZE: usize = size(option_env!("KEDGE_FLASH_WRITE_SIZE"), 4);

/// Octets that are erased at once: the smallest sector of the part. Set when the library is built, by the environment variable
/// `KEDGE_FLASH_ERASE_SIZE`; 4096 without it.
const ERASE_SIZE: usize = size(option_env!("KEDGE_FLASH_ERASE_SIZE"), 4096);

const _: () = assert!(
    WRITE_SIZE.is_power_of_two() && WRITE_SIZE <= 64 && ERASE_SIZE.is_power_of_two() && ERASE_SIZE >= 512,
    "KEDGE_FLASH_WRITE_SIZE is a power of two up to 64, KEDGE_FLASH_ERASE_SIZE a power of two from 512 on"
);

/// The decimal number in a variable of the build, 0 if it is none.
const fn size(variable: Option<&str>, default: usize) -> usize {
    let Some(text) = variable else { return default };
    match usize::from_str_radix(text, 10) {
        Ok(size) => size,
        Err(_) => 0,
    }
}

/// The write unit that the library was built for, in octets.
#[unsafe(no_mangle)]
pub extern "C" fn kedge_flash_write_size() -> usize {
    WRITE_SIZE
}

/// The smallest sector that the library was built for, in octets.
#[unsafe(no_mangle)]
pub extern "C" fn kedge_flash_erase_size() -> usize {
    ERASE_SIZE
}

/// NOR flash. Each function returns 0 when it is done, and any other number of the driver's when it is not.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct KedgeFlash {
    /// For the functions.
    pub context: *mut c_void,
    /// Octets of the part.
    pub capacity: u32,
    /// The driver's write unit in octets; must be what `kedge_flash_write_size` returns.
    pub write_size: u32,
    /// The smallest sector in octets; must be what `kedge_flash_erase_size` returns.
    pub erase_size: u32,
    /// Reads `len` octets from `offset` on; any offset and length.
    pub read:
        Option<unsafe extern "C" fn(context: *mut c_void, offset: u32, out: *mut u8, len: usize) -> i32>,
    /// Programs whole write units, which were erased before.
    pub write:
        Option<unsafe extern "C" fn(context: *mut c_void, offset: u32, octets: *const u8, len: usize) -> i32>,
    /// Erases the whole sectors from offset `from` to before offset `to`.
    pub erase: Option<unsafe extern "C" fn(context: *mut c_void, from: u32, to: u32) -> i32>,
}

/// The driver could not do it; the number is its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum FlashFailed {
    Driver(i32),
    Bounds,
    Alignment,
}

impl fmt::Display for FlashFailed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Driver(number) => write!(f, "the flash driver returned {number}"),
            Self::Bounds => f.write_str("beyond the end of the flash"),
            Self::Alignment => f.write_str("not whole units of the flash"),
        }
    }
}

impl NorFlashError for FlashFailed {
    fn kind(&self) -> NorFlashErrorKind {
        match self {
            Self::Driver(_) => NorFlashErrorKind::Other,
            Self::Bounds => NorFlashErrorKind::OutOfBounds,
            Self::Alignment => NorFlashErrorKind::NotAligned,
        }
    }
}

type Read = unsafe extern "C" fn(*mut c_void, u32, *mut u8, usize) -> i32;
type Write = unsafe extern "C" fn(*mut c_void, u32, *const u8, usize) -> i32;
type Erase = unsafe extern "C" fn(*mut c_void, u32, u32) -> i32;

/// The same with every function there.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Flash {
    context: *mut c_void,
    capacity: u32,
    read: Read,
    write: Write,
    erase: Erase,
}

impl Flash {
    pub(crate) fn check(flash: &KedgeFlash) -> Result<Self, KedgeStatus> {
        let KedgeFlash { context, capacity, write_size, erase_size, read, write, erase } = *flash;
        let (Some(read), Some(write), Some(erase)) = (read, write, erase) else {
            return Err(KedgeStatus::Port);
        };
        let is = |given: u32, built: usize| usize::try_from(given) == Ok(built);
        if !is(write_size, WRITE_SIZE) || !is(erase_size, ERASE_SIZE) {
            return Err(KedgeStatus::Geometry);
        }
        Ok(Self { context, capacity, read, write, erase })
    }

    /// Whether `len` octets from `offset` on are on the part, in whole `unit`s.
    fn fits(&self, offset: u32, len: usize, unit: usize) -> Result<(), FlashFailed> {
        let (Ok(start), Ok(end)) = (usize::try_from(offset), usize::try_from(self.capacity)) else {
            return Err(FlashFailed::Bounds);
        };
        if start.checked_add(len).is_none_or(|last| last > end) {
            return Err(FlashFailed::Bounds);
        }
        let whole = |n: usize| n.checked_rem(unit) == Some(0);
        if whole(start) && whole(len) { Ok(()) } else { Err(FlashFailed::Alignment) }
    }
}

const fn result(number: i32) -> Result<(), FlashFailed> {
    match number {
        0 => Ok(()),
        number => Err(FlashFailed::Driver(number)),
    }
}

impl ErrorType for Flash {
    type Error = FlashFailed;
}

impl ReadNorFlash for Flash {
    const READ_SIZE: usize = 1;

    fn read(&mut self, offset: u32, bytes: &mut [u8]) -> Result<(), FlashFailed> {
        self.fits(offset, bytes.len(), 1)?;
        // SAFETY: the function takes that much room, as its type says.
        result(unsafe { (self.read)(self.context, offset, bytes.as_mut_ptr(), bytes.len()) })
    }

    fn capacity(&self) -> usize {
        usize::try_from(self.capacity).unwrap_or(usize::MAX)
    }
}

impl NorFlash for Flash {
    const WRITE_SIZE: usize = WRITE_SIZE;
    const ERASE_SIZE: usize = ERASE_SIZE;

    fn write(&mut self, offset: u32, bytes: &[u8]) -> Result<(), FlashFailed> {
        self.fits(offset, bytes.len(), WRITE_SIZE)?;
        // SAFETY: the function reads that many octets, as its type says.
        result(unsafe { (self.write)(self.context, offset, bytes.as_ptr(), bytes.len()) })
    }

    fn erase(&mut self, from: u32, to: u32) -> Result<(), FlashFailed> {
        let len =
            to.checked_sub(from).and_then(|len| usize::try_from(len).ok()).ok_or(FlashFailed::Bounds)?;
        self.fits(from, len, ERASE_SIZE)?;
        // SAFETY: the function has no other needs than a range on the part.
        result(unsafe { (self.erase)(self.context, from, to) })
    }
}

//! The calls of an MTD character device (`linux/include/uapi/mtd/mtd-abi.h`), and all unsafe code of this crate.
#![allow(unsafe_code)]

use core::ffi::c_void;
use core::mem::size_of;
use std::fs::File;

use rustix::io::{Errno, Result};
use rustix::ioctl::{Ioctl, IoctlOutput, Opcode, ioctl, opcode};

/// Data goes through the error-correcting code, spare octets to where the code leaves room.
const MTD_OPS_AUTO_OOB: u8 = 1;
const GROUP: u8 = b'M';

/// What the kernel says of a device.
#[derive(Clone, Copy, Debug, Default)]
#[repr(C)]
pub(super) struct MtdInfo {
    /// 4 and 8 are raw NAND.
    pub(super) kind: u8,
    flags: u32,
    /// Octets.
    pub(super) size: u32,
    /// Octets of a block.
    pub(super) erase_size: u32,
    /// Octets of a page.
    pub(super) write_size: u32,
    oob_size: u32,
    padding: u64,
}

/// Where the error-correcting code leaves room in the spare area.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub(super) struct EccLayout {
    ecc_bytes: u32,
    ecc_pos: [u32; 64],
    /// Octets left to users.
    pub(super) oob_avail: u32,
    oob_free: [[u32; 2]; 8],
}

#[derive(Clone, Copy, Debug, Default)]
#[repr(C)]
struct Erase {
    start: u64,
    len: u64,
}

#[derive(Clone, Copy, Debug, Default)]
#[repr(C)]
struct Write {
    start: u64,
    len: u64,
    oob_len: u64,
    data: u64,
    oob: u64,
    mode: u8,
    padding: [u8; 7],
}

#[derive(Clone, Copy, Debug, Default)]
#[repr(C)]
struct Read {
    start: u64,
    len: u64,
    oob_len: u64,
    data: u64,
    oob: u64,
    mode: u8,
    padding: [u8; 7],
    stats: EccStats,
}

/// What had to be corrected in one read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(C)]
pub(super) struct EccStats {
    /// Codewords that could not be corrected.
    pub(super) uncorrectable: u32,
    /// Bits corrected.
    pub(super) corrected: u32,
    /// Most bits corrected in one codeword.
    pub(super) most: u32,
}

const MEMGETINFO: Opcode = opcode::read::<MtdInfo>(GROUP, 1);
const MEMGETBADBLOCK: Opcode = opcode::write::<i64>(GROUP, 11);
const MEMSETBADBLOCK: Opcode = opcode::write::<i64>(GROUP, 12);
const ECCGETLAYOUT: Opcode = opcode::read::<EccLayout>(GROUP, 17);
const MEMERASE64: Opcode = opcode::write::<Erase>(GROUP, 20);
const MEMWRITE: Opcode = opcode::read_write::<Write>(GROUP, 24);
const MEMREAD: Opcode = opcode::read_write::<Read>(GROUP, 26);

// The kernel's structures have these sizes on every machine.
const _: () =
    assert!(size_of::<MtdInfo>() == 32 && size_of::<EccLayout>() == 328 && size_of::<Erase>() == 16);
const _: () = assert!(size_of::<Write>() == 48 && size_of::<Read>() == 64);

/// A call whose argument is a `T`, which the kernel reads, writes or both; answers the number that the call returns.
struct Call<'a, T> {
    opcode: Opcode,
    argument: &'a mut T,
}

// SAFETY: the opcode of each call below is made for the size of its argument, whose layout is the kernel's (`repr(C)`,
// checked above); any bits the kernel writes to it are a valid value, since all fields are integers. IS_MUTATING is true,
// so nothing is assumed about the argument across the call. The output is the return value alone.
unsafe impl<T> Ioctl for Call<'_, T> {
    type Output = i32;

    const IS_MUTATING: bool = true;

    fn opcode(&self) -> Opcode {
        self.opcode
    }

    fn as_ptr(&mut self) -> *mut c_void {
        core::ptr::from_mut(self.argument).cast()
    }

    unsafe fn output_from_ptr(out: IoctlOutput, _: *mut c_void) -> Result<i32> {
        Ok(out)
    }
}

/// The shape of the device.
pub(super) fn info(file: &File) -> Result<MtdInfo> {
    let mut info = MtdInfo::default();
    // SAFETY: the kernel writes one `MtdInfo`.
    unsafe { ioctl(file, Call { opcode: MEMGETINFO, argument: &mut info }) }?;
    Ok(info)
}

/// The layout of the spare area.
pub(super) fn layout(file: &File) -> Result<EccLayout> {
    let mut layout = EccLayout { ecc_bytes: 0, ecc_pos: [0; 64], oob_avail: 0, oob_free: [[0; 2]; 8] };
    // SAFETY: the kernel writes one `EccLayout`.
    unsafe { ioctl(file, Call { opcode: ECCGETLAYOUT, argument: &mut layout }) }?;
    Ok(layout)
}

/// Whether the block at `start` is bad.
pub(super) fn is_bad(file: &File, start: u64) -> Result<bool> {
    let mut start = i64::try_from(start).map_err(|_| Errno::INVAL)?;
    // SAFETY: the kernel reads one `i64`.
    Ok(unsafe { ioctl(file, Call { opcode: MEMGETBADBLOCK, argument: &mut start }) }? > 0)
}

/// Marks the block at `start` bad.
pub(super) fn mark_bad(file: &File, start: u64) -> Result<()> {
    let mut start = i64::try_from(start).map_err(|_| Errno::INVAL)?;
    // SAFETY: the kernel reads one `i64`.
    unsafe { ioctl(file, Call { opcode: MEMSETBADBLOCK, argument: &mut start }) }.map(drop)
}

/// Erases `len` octets from `start` on.
pub(super) fn erase(file: &File, start: u64, len: u64) -> Result<()> {
    // SAFETY: the kernel reads one `Erase`.
    unsafe { ioctl(file, Call { opcode: MEMERASE64, argument: &mut Erase { start, len } }) }.map(drop)
}

/// Writes a page at `start` with the beginning of its spare octets.
pub(super) fn write(file: &File, start: u64, data: &[u8], oob: &[u8]) -> Result<()> {
    let (len, oob_len) = (data.len() as u64, oob.len() as u64);
    let (data, oob) = (address(data.as_ptr(), len), address(oob.as_ptr(), oob_len));
    let mut request = Write { start, len, oob_len, data, oob, mode: MTD_OPS_AUTO_OOB, padding: [0; 7] };
    // SAFETY: the kernel reads one `Write`, and `len` and `oob_len` octets from two slices that outlive the call.
    unsafe { ioctl(file, Call { opcode: MEMWRITE, argument: &mut request }) }.map(drop)
}

/// Reads a page at `start`, its spare octets, or both; what had to be corrected, also with an error of the code (`EBADMSG`)
/// or its warning (`EUCLEAN`).
pub(super) fn read(file: &File, start: u64, data: &mut [u8], oob: &mut [u8]) -> (Result<()>, EccStats) {
    let (len, oob_len) = (data.len() as u64, oob.len() as u64);
    let (data, oob) = (address(data.as_mut_ptr(), len), address(oob.as_mut_ptr(), oob_len));
    let stats = EccStats::default();
    let mut request = Read { start, len, oob_len, data, oob, mode: MTD_OPS_AUTO_OOB, padding: [0; 7], stats };
    // SAFETY: the kernel reads and writes one `Read`, and writes at most `len` and `oob_len` octets to two slices that are
    // borrowed exclusively for longer than the call.
    let done = unsafe { ioctl(file, Call { opcode: MEMREAD, argument: &mut request }) };
    (done.map(drop), request.stats)
}

/// An address as the kernel takes it: 0 for "not wanted". Exposed, because the kernel uses it as a pointer.
fn address(start: *const u8, len: u64) -> u64 {
    if len == 0 { 0 } else { start.expose_provenance() as u64 }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The numbers that the kernel's header gives on x86 and Arm, computed by hand from its macros.
    #[test]
    #[cfg(any(
        target_arch = "x86_64",
        target_arch = "aarch64",
        target_arch = "arm",
        target_arch = "riscv64"
    ))]
    fn the_calls_have_the_kernels_numbers() {
        let numbers = [
            (MEMGETINFO, 0x8020_4D01_u32),
            (MEMGETBADBLOCK, 0x4008_4D0B),
            (MEMSETBADBLOCK, 0x4008_4D0C),
            (ECCGETLAYOUT, 0x8148_4D11),
            (MEMERASE64, 0x4010_4D14),
            (MEMWRITE, 0xC030_4D18),
            (MEMREAD, 0xC040_4D1A),
        ];
        for (opcode, number) in numbers {
            assert_eq!(u64::from(opcode), u64::from(number));
        }
    }
}

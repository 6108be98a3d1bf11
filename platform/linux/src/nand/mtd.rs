//! A raw NAND part behind the kernel's MTD layer.

use std::fs::{File, OpenOptions};
use std::io;
use std::path::Path;

use kedge_platform::nand::{Ecc, Geometry, NandFlash, PageAddress};
use rustix::io::Errno;

use super::{Error, admit, ioctl};

/// `MTD_NANDFLASH` and `MTD_MLCNANDFLASH`.
const NAND_KINDS: [u8; 2] = [4, 8];

/// An MTD character device (`/dev/mtdX`) of a raw NAND part or a partition of one. Needs `MEMREAD`, which Linux has since
/// 6.1, and a device that nothing else (UBI, a file system) writes to.
#[derive(Debug)]
pub struct MtdNand {
    file: File,
    geometry: Geometry,
}

impl MtdNand {
    /// Opens the device.
    pub fn open(path: &Path) -> Result<Self, Error> {
        let file = OpenOptions::new().read(true).write(true).open(path)?;
        let info = match ioctl::info(&file) {
            Ok(info) => info,
            Err(Errno::NOTTY) => return Err(Error::NotNand),
            Err(error) => return Err(io::Error::from(error).into()),
        };
        let whole =
            |octets: u32, unit: u32| octets.checked_div(unit).filter(|n| n.checked_mul(unit) == Some(octets));
        let pages_per_block = whole(info.erase_size, info.write_size);
        let (Some(blocks), Some(pages_per_block)) = (whole(info.size, info.erase_size), pages_per_block)
        else {
            return Err(Error::NotNand);
        };
        if !NAND_KINDS.contains(&info.kind) {
            return Err(Error::NotNand);
        }
        let spare = ioctl::layout(&file).map_err(io::Error::from)?.oob_avail as usize;
        let geometry = Geometry { page: info.write_size as usize, spare, pages_per_block, blocks };
        Ok(Self { file, geometry })
    }

    fn offset(&self, at: PageAddress) -> u64 {
        let page = u64::from(at.block) * u64::from(self.geometry.pages_per_block) + u64::from(at.page);
        page * self.geometry.page as u64
    }

    fn block_start(&self, block: u32) -> Result<u64, Error> {
        let at = PageAddress { block, page: 0 };
        admit(&self.geometry, at, 0, 0)?;
        Ok(self.offset(at))
    }
}

impl NandFlash for MtdNand {
    type Error = Error;

    fn geometry(&self) -> Geometry {
        self.geometry
    }

    fn read_page(&mut self, at: PageAddress, data: &mut [u8], spare: &mut [u8]) -> Result<Ecc, Error> {
        admit(&self.geometry, at, data.len(), spare.len())?;
        let (done, stats) = ioctl::read(&self.file, self.offset(at), data, spare);
        match done {
            Ok(()) | Err(Errno::UCLEAN) if stats.uncorrectable == 0 => {}
            Ok(()) | Err(Errno::UCLEAN | Errno::BADMSG) => return Err(Error::Uncorrectable(at)),
            Err(error) => return Err(io::Error::from(error).into()),
        }
        // a driver that does not tell the worst codeword still tells the sum
        match if stats.most > 0 { stats.most } else { stats.corrected } {
            0 => Ok(Ecc::Clean),
            bits => Ok(Ecc::Corrected(bits)),
        }
    }

    fn program_page(&mut self, at: PageAddress, data: &[u8], spare: &[u8]) -> Result<(), Error> {
        admit(&self.geometry, at, data.len(), spare.len())?;
        if data.is_empty() {
            return Err(Error::OutOfBounds);
        }
        match ioctl::write(&self.file, self.offset(at), data, spare) {
            Ok(()) => Ok(()),
            Err(Errno::IO) => Err(Error::ProgramFailed(at)),
            Err(error) => Err(io::Error::from(error).into()),
        }
    }

    fn erase_block(&mut self, block: u32) -> Result<(), Error> {
        let start = self.block_start(block)?;
        // the kernel refuses to erase a bad block with the same error as one that fails
        if ioctl::is_bad(&self.file, start).map_err(io::Error::from)? {
            return Err(Error::MarkedBad(block));
        }
        match ioctl::erase(&self.file, start, self.geometry.block() as u64) {
            Ok(()) => Ok(()),
            Err(Errno::IO) => Err(Error::EraseFailed(block)),
            Err(error) => Err(io::Error::from(error).into()),
        }
    }

    fn is_bad(&mut self, block: u32) -> Result<bool, Error> {
        let start = self.block_start(block)?;
        Ok(ioctl::is_bad(&self.file, start).map_err(io::Error::from)?)
    }

    fn mark_bad(&mut self, block: u32) -> Result<(), Error> {
        let start = self.block_start(block)?;
        Ok(ioctl::mark_bad(&self.file, start).map_err(io::Error::from)?)
    }
}

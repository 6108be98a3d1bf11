//! update-agent: NAND flash of unknown content, whose every operation may fail, as NOR flash.

use kedge_platform::flash::{NorFlash, ReadNorFlash, Region};
use kedge_platform::nand::{Ecc, Geometry, NandError, NandErrorKind, NandFlash, PageAddress};
use kedge_update_agent::nand::{Error, Options, Volume};

use crate::opaque::{any, octets, used};

/// A common part: pages of 2 KiB, blocks of 128 KiB.
struct Part;

/// Its error: any kind.
#[derive(Debug)]
struct Fault(NandErrorKind);

impl NandError for Fault {
    fn kind(&self) -> NandErrorKind {
        self.0
    }
}

/// Success or any error.
fn outcome() -> Result<(), Fault> {
    let kinds = [NandErrorKind::Uncorrectable, NandErrorKind::ProgramFailed, NandErrorKind::EraseFailed];
    match kinds.get(any(3_usize)) {
        Some(kind) => Err(Fault(*kind)),
        None if any(false) => Err(Fault(NandErrorKind::Other)),
        None => Ok(()),
    }
}

impl NandFlash for Part {
    type Error = Fault;

    fn geometry(&self) -> Geometry {
        any(Geometry { page: 2048, spare: 24, pages_per_block: 64, blocks: 1024 })
    }

    #[inline(never)]
    fn read_page(&mut self, at: PageAddress, data: &mut [u8], spare: &mut [u8]) -> Result<Ecc, Fault> {
        used((at, data, spare));
        outcome().map(|()| Ecc::Corrected(any(0)))
    }

    #[inline(never)]
    fn program_page(&mut self, at: PageAddress, data: &[u8], spare: &[u8]) -> Result<(), Fault> {
        used((at, data, spare));
        outcome()
    }

    #[inline(never)]
    fn erase_block(&mut self, block: u32) -> Result<(), Fault> {
        used(block);
        outcome()
    }

    #[inline(never)]
    fn is_bad(&mut self, block: u32) -> Result<bool, Fault> {
        used(block);
        outcome().map(|()| any(true))
    }

    #[inline(never)]
    fn mark_bad(&mut self, block: u32) -> Result<(), Fault> {
        used(block);
        outcome()
    }
}

#[inline(never)]
pub fn run() {
    used(volume()).ok();
}

#[inline(never)]
fn volume() -> Result<(), Error<Fault>> {
    let streams = [Region::new(any(0), any(1 << 20))];
    let options = Options { streams: &streams, refresh_from: any(3) };
    let buffer = crate::room!(4096);
    let mut volume = if any(true) {
        Volume::<_, { 64 * 2048 }, 20>::mount(Part, options, buffer)?
    } else {
        Volume::format(Part, options, buffer)?
    };
    used((volume.capacity(), volume.spares()));
    volume.erase(any(0), any(1 << 17))?;
    volume.write(any(0), octets())?;
    volume.read(any(0), crate::room!(256))?;
    volume.flush()?;
    used(volume.refresh()?);
    Ok(())
}

//! The kinds of flash that an update is cut on.
use super::bench::{Bench, Prepared};
use super::mixed;
use crate::encrypted::EncryptedDevice;
use crate::life::NandDevice;
use crate::update::Case;
use kedge_platform_sim::nor::Nor;

/// A kind of flash, and the blocks that images on it are made of.
#[derive(Clone, Copy, Debug)]
pub struct Flash {
    /// NOR or NAND, and its sizes.
    pub kind: Kind,
    /// Octets of an erase unit.
    pub erase: usize,
    /// Octets of a block of a package.
    pub block: usize,
    /// Whether a torn unit fails on reading.
    pub ecc: bool,
    prepare: fn(Case, bool) -> Result<Box<dyn Bench>, String>,
}

/// What kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// NOR.
    Nor {
        /// Octets of a program unit.
        write: usize,
    },
    /// NAND, with bad blocks from the factory.
    Nand {
        /// Octets of a page.
        page: usize,
    },
    /// NOR with sectors of three sizes, the journal in the small ones.
    Mixed {
        /// Octets of a program unit.
        write: usize,
        /// Octets of a small sector.
        small: usize,
    },
    /// NOR on which images, scratch and package are encrypted.
    Encrypted {
        /// Octets of a program unit of the part.
        write: usize,
    },
}

/// Every program unit from 1 to 32 octets, small sectors and large ones, blocks of one sector and of several, torn units
/// that read as anything and such that do not read at all; four shapes of NAND; mixed sectors; encrypted images. The order is
/// part of the case numbers.
pub const FLASHES: [Flash; 24] = [
    nor::<1, 256>(256, false),
    nor::<1, 4096>(4096, false),
    nor::<2, 256>(256, false),
    nor::<2, 1024>(1024, true),
    nor::<4, 256>(256, false),
    nor::<4, 256>(1024, true),
    nor::<4, 1024>(1024, false),
    nor::<4, 4096>(4096, true),
    nor::<8, 256>(512, false),
    nor::<8, 512>(512, true),
    nor::<8, 2048>(2048, true),
    nor::<16, 512>(512, false),
    nor::<16, 1024>(1024, true),
    nor::<16, 4096>(4096, true),
    nor::<32, 256>(256, true),
    nor::<32, 2048>(2048, false),
    nand::<512, 2048>(),
    nand::<512, 8192>(),
    nand::<2048, 8192>(),
    nand::<2048, 16384>(),
    mixed::<8, 256, 2048>(false),
    mixed::<4, 512, 4096>(true),
    encrypted::<4, 256>(false),
    encrypted::<32, 1024>(true),
];

impl Flash {
    /// Its name.
    pub fn name(&self) -> String {
        let Self { erase, block, .. } = self;
        let ecc = if self.ecc { ", torn units unreadable" } else { "" };
        match self.kind {
            Kind::Nor { write } => {
                format!("NOR, units of {write}, sectors of {erase}, blocks of {block}{ecc}")
            }
            Kind::Nand { page } => format!("NAND, pages of {page}, blocks of {block}"),
            Kind::Mixed { write, small } => {
                let middle = erase / 2;
                format!("NOR, units of {write}, mixed sectors of {small}, {middle} and {erase}{ecc}")
            }
            Kind::Encrypted { write } => format!("NOR, units of {write}, sectors of {erase}, encrypted{ecc}"),
        }
    }

    /// Lives through `case` undisturbed.
    ///
    /// # Errors
    ///
    /// What went wrong.
    pub fn prepare(&self, case: Case) -> Result<Box<dyn Bench>, String> {
        (self.prepare)(case, self.ecc)
    }
}

const fn nor<const WRITE: usize, const ERASE: usize>(block: usize, ecc: bool) -> Flash {
    let prepare = |case: Case, ecc| -> Result<Box<dyn Bench>, String> {
        let flash: Nor<WRITE, ERASE> = case.device(1);
        let flash = if ecc { flash.with_ecc() } else { flash };
        Ok(Box::new(Prepared::new(case, flash)?))
    };
    Flash { kind: Kind::Nor { write: WRITE }, erase: ERASE, block, ecc, prepare }
}

const fn mixed<const WRITE: usize, const SMALL: usize, const LARGE: usize>(ecc: bool) -> Flash {
    let prepare = |mut case: Case, ecc| -> Result<Box<dyn Bench>, String> {
        let flash: Nor<WRITE, SMALL> = mixed::device(&mut case, LARGE);
        let flash = if ecc { flash.with_ecc() } else { flash };
        Ok(Box::new(Prepared::new(case, flash)?))
    };
    Flash { kind: Kind::Mixed { write: WRITE, small: SMALL }, erase: LARGE, block: LARGE, ecc, prepare }
}

const fn encrypted<const WRITE: usize, const ERASE: usize>(ecc: bool) -> Flash {
    let prepare = |case: Case, ecc| -> Result<Box<dyn Bench>, String> {
        let mut device = EncryptedDevice::<WRITE, ERASE>::new(&case, 1);
        if ecc {
            device.flash = device.flash.with_ecc();
        }
        Ok(Box::new(Prepared::new(case, device)?))
    };
    Flash { kind: Kind::Encrypted { write: WRITE }, erase: ERASE, block: ERASE, ecc, prepare }
}

const fn nand<const PAGE: usize, const BLOCK: usize>() -> Flash {
    let prepare = |case: Case, _| -> Result<Box<dyn Bench>, String> {
        let device = NandDevice::<PAGE, BLOCK>::new(&case, 1);
        Ok(Box::new(Prepared::new(case, device)?))
    };
    Flash { kind: Kind::Nand { page: PAGE }, erase: BLOCK, block: BLOCK, ecc: false, prepare }
}

//! The kinds of flash that an update is cut on.
use super::bench::{Bench, Prepared};
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
    prepare: fn(Case, bool) -> Result<Box<dyn Bench>, String>,
}

/// What kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// NOR.
    Nor {
        /// Octets of a program unit.
        write: usize,
        /// Whether a torn unit fails on reading.
        ecc: bool,
    },
    /// NAND, with bad blocks from the factory.
    Nand {
        /// Octets of a page.
        page: usize,
    },
}

/// Every program unit from 1 to 32 octets, small sectors and large ones, blocks of one sector and of several, torn units
/// that read as anything and such that do not read at all; four shapes of NAND. The order is part of the case numbers.
pub const FLASHES: [Flash; 20] = [
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
];

impl Flash {
    /// Its name.
    pub fn name(&self) -> String {
        let Self { erase, block, .. } = self;
        match self.kind {
            Kind::Nor { write, ecc } => {
                let ecc = if ecc { ", torn units unreadable" } else { "" };
                format!("NOR, units of {write}, sectors of {erase}, blocks of {block}{ecc}")
            }
            Kind::Nand { page } => format!("NAND, pages of {page}, blocks of {block}"),
        }
    }

    /// Lives through `case` undisturbed.
    ///
    /// # Errors
    ///
    /// What went wrong.
    pub fn prepare(&self, case: Case) -> Result<Box<dyn Bench>, String> {
        (self.prepare)(case, matches!(self.kind, Kind::Nor { ecc: true, .. }))
    }
}

const fn nor<const WRITE: usize, const ERASE: usize>(block: usize, ecc: bool) -> Flash {
    let prepare = |case: Case, ecc| -> Result<Box<dyn Bench>, String> {
        let flash: Nor<WRITE, ERASE> = case.device(1);
        let flash = if ecc { flash.with_ecc() } else { flash };
        Ok(Box::new(Prepared::new(case, flash)?))
    };
    Flash { kind: Kind::Nor { write: WRITE, ecc }, erase: ERASE, block, prepare }
}

const fn nand<const PAGE: usize, const BLOCK: usize>() -> Flash {
    let prepare = |case: Case, _| -> Result<Box<dyn Bench>, String> {
        let device = NandDevice::<PAGE, BLOCK>::new(&case, 1);
        Ok(Box::new(Prepared::new(case, device)?))
    };
    Flash { kind: Kind::Nand { page: PAGE }, erase: BLOCK, block: BLOCK, prepare }
}

//! Where the sectors of a device are.

use std::sync::Arc;

use kedge_platform::flash::Sectors;

/// The sectors of a device, in order.
#[derive(Clone, Debug)]
pub(super) enum Map<const ERASE: usize> {
    /// All of `ERASE` octets.
    Equal,
    /// The offset of each, and of the device's end.
    Mixed(Arc<[usize]>),
}

impl<const ERASE: usize> Map<ERASE> {
    /// The sectors of a part, each of which is whole units of `unit` octets.
    ///
    /// # Panics
    ///
    /// If one is not, or the part has none.
    pub(super) fn mixed(sectors: Sectors<'_>, unit: usize) -> Self {
        let mut borders = vec![0];
        while let Some((start, len)) = u32::try_from(borders[borders.len() - 1])
            .ok()
            .filter(|end| *end < sectors.octets())
            .and_then(|end| sectors.sector_at(end))
        {
            assert!((len as usize).is_multiple_of(unit), "sectors are whole units");
            borders.push(start as usize + len as usize);
        }
        assert!(borders.len() > 1, "a part has sectors");
        Self::Mixed(borders.into())
    }

    /// The sector that an octet is in, and where in it.
    pub(super) fn locate(&self, at: usize) -> (usize, usize) {
        match self {
            Self::Equal => (at / ERASE, at % ERASE),
            Self::Mixed(borders) => {
                let sector = borders.partition_point(|border| *border <= at) - 1;
                (sector, at - borders[sector])
            }
        }
    }

    /// Where a sector starts; of the one behind the last: where the device ends.
    pub(super) fn start(&self, sector: usize) -> usize {
        match self {
            Self::Equal => sector * ERASE,
            Self::Mixed(borders) => borders[sector],
        }
    }

    /// Octets of a sector.
    pub(super) fn len(&self, sector: usize) -> usize {
        match self {
            Self::Equal => ERASE,
            Self::Mixed(borders) => borders[sector + 1] - borders[sector],
        }
    }

    /// Whether a sector starts here, or the device ends.
    pub(super) fn is_border(&self, at: usize) -> bool {
        match self {
            Self::Equal => at.is_multiple_of(ERASE),
            Self::Mixed(borders) => borders.binary_search(&at).is_ok(),
        }
    }

    /// `bytes` at `offset`, cut at the borders: sector number, offset in the sector, piece.
    pub(super) fn pieces<'a>(
        &'a self,
        offset: usize,
        bytes: &'a [u8],
    ) -> impl Iterator<Item = (usize, usize, &'a [u8])> {
        let (mut at, mut rest) = (offset, bytes);
        core::iter::from_fn(move || {
            if rest.is_empty() {
                return None;
            }
            let (sector, start) = self.locate(at);
            let (piece, behind) = rest.split_at(rest.len().min(self.len(sector) - start));
            (at, rest) = (at + piece.len(), behind);
            Some((sector, start, piece))
        })
    }
}

use super::{Error, MAX_LEN, fields::index};

/// The fill of octets that no record describes: erased flash.
const ERASED: u8 = 0xff;

/// Pieces of flash that stand farther apart than this are not one image: what comes with a firmware file but lies far away are
/// option words and fuses (nRF UICR 256 MiB away, STM32 option bytes, external flash windows).
pub(super) const GAP_LIMIT: u32 = 4 << 20;

/// The flash content that the records of a file describe, in the order of the file.
#[derive(Default)]
pub(super) struct Pieces {
    list: Vec<Piece>,
    len: usize,
}

struct Piece {
    address: u32,
    octets: Vec<u8>,
}

/// A run of flash, flattened.
pub(super) struct Flat {
    pub(super) address: u32,
    pub(super) octets: Vec<u8>,
    /// Addresses and lengths of what stood too far away.
    pub(super) left_out: Vec<(u32, u32)>,
}

impl Pieces {
    /// Adds octets; false if they pass the end of the address space.
    pub(super) fn push(&mut self, address: u32, octets: &[u8]) -> bool {
        let fits = u64::from(address) + octets.len() as u64 <= 1 << 32;
        if fits && !octets.is_empty() {
            self.len += octets.len();
            match self.list.last_mut() {
                Some(last) if last.end() == u64::from(address) => last.octets.extend_from_slice(octets),
                _ => self.list.push(Piece { address, octets: octets.to_vec() }),
            }
        }
        fits
    }

    /// Puts the pieces in order and keeps the longest run without a gap of more than [`GAP_LIMIT`].
    pub(super) fn flatten(mut self) -> Result<Flat, Error> {
        if self.len > MAX_LEN {
            return Err(Error::TooLarge);
        }
        self.list.sort_by_key(|piece| piece.address);
        for pair in self.list.windows(2) {
            if let [one, next] = pair
                && one.end() > u64::from(next.address)
            {
                return Err(Error::Overlap { address: next.address });
            }
        }
        let near = |one: &Piece, next: &Piece| u64::from(next.address) - one.end() <= u64::from(GAP_LIMIT);
        let runs: Vec<&[Piece]> = self.list.chunk_by(near).collect();
        let span = |run: &[Piece]| match run {
            [first, .., last] => last.end() - u64::from(first.address),
            [only] => only.octets.len() as u64,
            [] => 0,
        };
        let kept = runs.iter().enumerate().max_by_key(|(at, run)| (span(run), usize::MAX - at));
        let Some((kept_at, [first, rest @ ..])) = kept.map(|(at, run)| (at, *run)) else {
            return Err(Error::Empty);
        };
        let mut octets = first.octets.clone();
        for piece in rest {
            let at = index(piece.address - first.address);
            if at + piece.octets.len() > MAX_LEN {
                return Err(Error::TooLarge);
            }
            octets.resize(at, ERASED);
            octets.extend_from_slice(&piece.octets);
        }
        let others = runs.iter().enumerate().filter(|(at, _)| *at != kept_at);
        let left_out = others
            .filter_map(|(_, run)| Some((run.first()?.address, u32::try_from(span(run)).unwrap_or(u32::MAX))))
            .collect();
        Ok(Flat { address: first.address, octets, left_out })
    }
}

impl Piece {
    fn end(&self) -> u64 {
        u64::from(self.address) + self.octets.len() as u64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pieces(list: &[(u32, &[u8])]) -> Result<Flat, Error> {
        let mut pieces = Pieces::default();
        for (address, octets) in list {
            assert!(pieces.push(*address, octets));
        }
        pieces.flatten()
    }

    #[test]
    fn gaps_are_erased_flash() {
        let flat = pieces(&[(0x0800_0008, &[5, 6]), (0x0800_0000, &[1, 2, 3, 4])]).unwrap();
        assert_eq!(flat.address, 0x0800_0000);
        assert_eq!(flat.octets, [1, 2, 3, 4, 0xff, 0xff, 0xff, 0xff, 5, 6]);
        assert!(flat.left_out.is_empty());
    }

    #[test]
    fn what_stands_far_away_is_named_not_kept() {
        let flat = pieces(&[(0, &[1; 100]), (0x1000_1000, &[2; 16])]).unwrap();
        assert_eq!((flat.address, flat.octets.len()), (0, 100));
        assert_eq!(flat.left_out, [(0x1000_1000, 16)]);
        assert!(pieces(&[(0, &[1]), (GAP_LIMIT + 1, &[2])]).unwrap().left_out.is_empty());
        assert_eq!(pieces(&[(0, &[1]), (GAP_LIMIT + 2, &[2, 3])]).unwrap().left_out, [(0, 1)]);
    }

    #[test]
    fn octets_come_once_and_inside_the_address_space() {
        assert_eq!(pieces(&[(0, &[1, 2]), (1, &[3])]).err(), Some(Error::Overlap { address: 1 }));
        assert_eq!(pieces(&[]).err(), Some(Error::Empty));
        assert!(Pieces::default().push(0xffff_ffff, &[1]));
        assert!(!Pieces::default().push(0xffff_ffff, &[1, 2]));
        assert_eq!(pieces(&[(0xffff_fffe, &[1, 2])]).unwrap().octets.len(), 2);
    }
}

//! The journal's one record: everything the update agent knows across power cuts.
//!
//! | offset | octets | field (integers little-endian) |
//! |---:|---:|---|
//! | 0 | 1 | record version, 1 |
//! | 1 | 1 | bit 0: the second slot is active; bit 1: the image is broken |
//! | 2 | 1 | job: 0 idle, 1 receiving, 2 verified, 3 ordered, 4 applying, 5 trial, 6 streaming, 7 reverting |
//! | 3 | 1 | applying, reverting: bits 0 to 5 the blocks that stand ready, bits 6 and 7 which place holds the state, 0 none; trial: attempts left; streaming: which place holds the state, 0 none, 255: only the front comes in |
//! | 4 | 4 | security counter |
//! | 8 | 16 | package id of the job |
//! | 24 | 4 | size of the package; trial: 0 if it holds no way back |
//! | 28 | 4 | receiving, a front that comes in: octets safe; applying, streaming, reverting: blocks done; trial: security counter of the new image |
//! | 32 | 4 | outcome: detail |
//! | 36 | 2 | outcome: code, FFFF for none |
//! | 38 | 2 | reserved, 0 |
//! | 40 | 16 | outcome: package id |
//!
//! A later version of the update agent must go on reading version 1: an update may replace the agent itself. An earlier one
//! reads a trial whatever its size, and refuses job 7.
use crate::beside::Standing;
use crate::{Outcome, PackageId, Slot, UpdateResult};

/// Octets of the record.
pub(crate) const RECORD_LEN: usize = 56;
const VERSION: u8 = 1;
const NO_OUTCOME: u16 = 0xFFFF;
/// Stands for the front of a package, where else is said which place holds the state.
const FRONT: u8 = 255;
/// Most places for the state.
pub(crate) const PLACES_MAX: u8 = FRONT - 1;
/// Bits of the number of blocks that stand ready, and the largest.
const READY_BITS: u32 = 6;
pub(crate) const READY_MAX: u8 = (1 << READY_BITS) - 1;
/// Places for the state while an image is made in place.
const KEPT_MAX: u8 = 2;

/// What the journal says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Record {
    /// The slot whose image is known to be good.
    pub(crate) active: Slot,
    /// False after an in-place update that failed half-way.
    pub(crate) sound: bool,
    pub(crate) security_counter: u32,
    pub(crate) job: Job,
    pub(crate) outcome: Option<Outcome>,
}

/// What is going on. The crate documentation has the diagram.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Job {
    /// Nothing.
    Idle,
    /// A package comes in.
    Receiving {
        /// Its octets.
        size: u32,
        /// How many are safely stored.
        received: u32,
    },
    /// A package is there and good, and waits for [`order`](crate::Update::order).
    Verified {
        /// Which.
        package: PackageId,
        /// Its octets.
        size: u32,
    },
    /// The next start applies the package.
    Ordered {
        /// Which.
        package: PackageId,
        /// Its octets.
        size: u32,
    },
    /// The new image is being made.
    Applying {
        /// From which package.
        package: PackageId,
        /// Its octets.
        size: u32,
        /// Blocks that are in place.
        done: u32,
        /// How many of the next blocks stand complete beside the image.
        ready: u8,
        /// Which of two places holds the decoder's state after all of these, counted from 1; 0 if none does.
        kept: u8,
    },
    /// The front of a package comes in, all that must be there before its content is used as it comes
    /// ([`Streaming`](crate::Streaming)).
    Opening {
        /// Octets of the whole package.
        size: u32,
        /// How many are safely stored.
        received: u32,
    },
    /// The new image is being made in the other slot while its package comes in.
    Streaming {
        /// From which package.
        package: PackageId,
        /// Its octets.
        size: u32,
        /// Blocks that are in place, as of the last record.
        done: u32,
        /// Which place of the package region holds the decoder's state after these, counted from 1; 0 if none does.
        kept: u8,
    },
    /// The new image is complete and waits for [`confirm`](crate::Update::confirm).
    Trial {
        /// Where it came from.
        package: PackageId,
        /// Its octets if it leads back to the old image, which is then kept for that; 0 if not.
        way_back: u32,
        /// Its security counter.
        counter: u32,
        /// How many more starts it gets (in slots, or with a way back).
        attempts: u8,
    },
    /// In place, the old image is being made from the new one. Until the first block is ready the new one is whole.
    Reverting {
        /// From which package.
        package: PackageId,
        /// Its octets.
        size: u32,
        /// Blocks that are in place.
        done: u32,
        /// How many of the next blocks stand complete beside the image.
        ready: u8,
        /// Which of two places holds the decoder's state after all of these, counted from 1; 0 if none does.
        kept: u8,
    },
}

/// An image that is being made, whichever.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct AtWork {
    pub(crate) package: PackageId,
    pub(crate) size: u32,
    pub(crate) done: u32,
    pub(crate) ready: u8,
    pub(crate) kept: u8,
}

impl Job {
    /// How far the making of an image is.
    pub(crate) const fn work(self) -> Option<AtWork> {
        match self {
            Self::Applying { package, size, done, ready, kept }
            | Self::Reverting { package, size, done, ready, kept } => {
                Some(AtWork { package, size, done, ready, kept })
            }
            _ => None,
        }
    }

    /// The same job further on; any other stays as it is.
    pub(crate) const fn at(self, standing: Standing) -> Self {
        let Standing { done, ready, kept } = standing;
        match self {
            Self::Applying { package, size, .. } => Self::Applying { package, size, done, ready, kept },
            Self::Reverting { package, size, .. } => Self::Reverting { package, size, done, ready, kept },
            other => other,
        }
    }

    /// Whether the way back is being gone.
    pub(crate) const fn is_reverting(self) -> bool {
        matches!(self, Self::Reverting { .. })
    }
}

impl Record {
    /// A device that never updated.
    pub(crate) const FACTORY: Self =
        Self { active: Slot::First, sound: true, security_counter: 0, job: Job::Idle, outcome: None };

    #[inline(never)]
    pub(crate) fn emit(&self) -> [u8; RECORD_LEN] {
        let flags = u8::from(self.active == Slot::Second) | u8::from(!self.sound) << 1;
        let (job, extra, package, size, count) = match self.job {
            Job::Idle => (0, 0, PackageId::default(), 0, 0),
            Job::Receiving { size, received } => (1, 0, PackageId::default(), size, received),
            Job::Verified { package, size } => (2, 0, package, size, 0),
            Job::Ordered { package, size } => (3, 0, package, size, 0),
            Job::Applying { package, size, done, ready, kept } => {
                (4, beside(ready, kept), package, size, done)
            }
            Job::Trial { package, way_back, counter, attempts } => (5, attempts, package, way_back, counter),
            Job::Reverting { package, size, done, ready, kept } => {
                (7, beside(ready, kept), package, size, done)
            }
            Job::Streaming { package, size, done, kept } => (6, kept, package, size, done),
            Job::Opening { size, received } => (6, FRONT, PackageId::default(), size, received),
        };
        let (detail, code, of) = self.outcome.map_or((0, NO_OUTCOME, PackageId::default()), |outcome| {
            (outcome.result.detail(), outcome.result.code(), outcome.package)
        });
        let mut octets = [0; RECORD_LEN];
        let fields = [
            &[VERSION, flags, job, extra][..],
            &self.security_counter.to_le_bytes(),
            &package.0,
            &size.to_le_bytes(),
            &count.to_le_bytes(),
            &detail.to_le_bytes(),
            &code.to_le_bytes(),
            &[0, 0],
            &of.0,
        ];
        for (to, from) in octets.iter_mut().zip(fields.into_iter().flatten()) {
            *to = *from;
        }
        octets
    }

    /// None if the octets are not a record of a known version.
    pub(crate) fn parse(octets: &[u8]) -> Option<Self> {
        let mut rest = octets;
        let [version, flags, job, extra] = field(&mut rest)?;
        let security_counter = u32::from_le_bytes(field(&mut rest)?);
        let package = PackageId(field(&mut rest)?);
        let size = u32::from_le_bytes(field(&mut rest)?);
        let count = u32::from_le_bytes(field(&mut rest)?);
        let detail = u32::from_le_bytes(field(&mut rest)?);
        let code = u16::from_le_bytes(field(&mut rest)?);
        let reserved: [u8; 2] = field(&mut rest)?;
        let of = PackageId(field(&mut rest)?);
        if version != VERSION || flags > 3 || reserved != [0, 0] || !rest.is_empty() {
            return None;
        }
        let job = match (job, extra) {
            (0, 0) => Job::Idle,
            (1, 0) if count <= size => Job::Receiving { size, received: count },
            (2, 0) => Job::Verified { package, size },
            (3, 0) => Job::Ordered { package, size },
            (4, beside) if beside >> READY_BITS <= KEPT_MAX => {
                let (ready, kept) = (beside & READY_MAX, beside >> READY_BITS);
                Job::Applying { package, size, done: count, ready, kept }
            }
            (5, attempts) => Job::Trial { package, way_back: size, counter: count, attempts },
            (7, beside) if beside >> READY_BITS <= KEPT_MAX => {
                let (ready, kept) = (beside & READY_MAX, beside >> READY_BITS);
                Job::Reverting { package, size, done: count, ready, kept }
            }
            (6, FRONT) if count <= size => Job::Opening { size, received: count },
            (6, kept @ ..FRONT) => Job::Streaming { package, size, done: count, kept },
            _ => return None,
        };
        let outcome = match code {
            NO_OUTCOME => None,
            code => Some(Outcome { package: of, result: UpdateResult::from_code(code, detail)? }),
        };
        let active = if flags & 1 == 1 { Slot::Second } else { Slot::First };
        Some(Self { active, sound: flags & 2 == 0, security_counter, job, outcome })
    }
}

/// Blocks that stand ready and the place of the state, in one octet.
const fn beside(ready: u8, kept: u8) -> u8 {
    ready & READY_MAX | kept << READY_BITS
}

fn field<const N: usize>(rest: &mut &[u8]) -> Option<[u8; N]> {
    let (field, behind) = rest.split_first_chunk::<N>()?;
    *rest = behind;
    Some(*field)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Failure, Refusal};

    #[test]
    fn parse_is_the_inverse_of_emit() {
        let (package, size) = (PackageId([7; 16]), 0x1_2345);
        let jobs = [
            Job::Idle,
            Job::Receiving { size, received: 0x1_0000 },
            Job::Verified { package, size },
            Job::Ordered { package, size },
            Job::Applying { package, size, done: 3, ready: 0, kept: 0 },
            Job::Applying { package, size, done: 3, ready: READY_MAX, kept: 2 },
            Job::Trial { package, way_back: 0, counter: 9, attempts: 2 },
            Job::Trial { package, way_back: size, counter: 9, attempts: 2 },
            Job::Reverting { package, size, done: 3, ready: 1, kept: 0 },
            Job::Reverting { package, size, done: 3, ready: 0, kept: 1 },
            Job::Opening { size, received: 0x1_0000 },
            Job::Streaming { package, size, done: 7, kept: 0 },
            Job::Streaming { package, size, done: 7, kept: PLACES_MAX },
        ];
        let results = [
            UpdateResult::Installed,
            UpdateResult::RolledBack,
            UpdateResult::Refused(Refusal::Malformed { at: 77 }),
            UpdateResult::Failed(Failure::WrongImage),
        ];
        let outcomes = results.map(|result| Some(Outcome { package: PackageId([1; 16]), result }));
        for job in jobs {
            for outcome in outcomes.into_iter().chain([None]) {
                for (active, sound) in [(Slot::First, true), (Slot::Second, true), (Slot::First, false)] {
                    let record = Record { active, sound, security_counter: 0xA1B2_C3D4, job, outcome };
                    assert_eq!(Record::parse(&record.emit()), Some(record));
                }
            }
        }
    }

    #[test]
    fn the_octets_of_version_1_stay() {
        let record = Record {
            active: Slot::Second,
            sound: true,
            security_counter: 0x0403_0201,
            job: Job::Applying { package: PackageId([0xAA; 16]), size: 0x0102, done: 5, ready: 1, kept: 2 },
            outcome: Some(Outcome { package: PackageId([0xBB; 16]), result: UpdateResult::RolledBack }),
        };
        let mut expected = std::vec![1, 1, 4, 0x81, 1, 2, 3, 4];
        expected.extend([0xAA; 16]);
        expected.extend([2, 1, 0, 0, 5, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0]);
        expected.extend([0xBB; 16]);
        assert_eq!(record.emit()[..], expected);
    }

    #[test]
    fn other_records_are_refused() {
        let good = Record::FACTORY.emit();
        for (at, value) in [(0, 2), (1, 4), (2, 8), (3, 1), (36, 2), (38, 1)] {
            let mut bad = good;
            bad[at] = value;
            if at == 36 {
                bad[37] = 0;
            }
            assert_eq!(Record::parse(&bad), None, "octet {at} = {value}");
        }
        assert_eq!(Record::parse(&good[..55]), None);
        assert_eq!(Record::parse(&[&good[..], &[0]].concat()), None);
    }
}

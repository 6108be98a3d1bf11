//! Documents and journal on NOR flash (section 8 of the license specification).
//!
//! Four sectors at least: two for documents, the others for the journal, which uses them in turn.
//! ```text
//! document: header 64 | document, padded | ... erased ... | commit word, in a unit of its own
//!   header: "LCD1" 4, generation 4, length 4, flags 4, SHA-256 of the document 32, CRC-32 of these 48, zeros 12
//! journal:  header | copies of what counts | open | record | record | ... erased
//!   header: "LCJ1" 4, sequence 4, number of copies 4, 0 12, CRC-32 4, zeros 4;  open: the same with "LCO1"
//! ```
//! All numbers are little-endian. A slot is whole if header, length and digest are right; it is committed if its commit word
//! is `"LCD1" xor generation`. The sector of the journal with the highest sequence counts, if its header is right.
//!
//! A unit that the power failed on may read differently each time ([`kedge_platform::flash`]), also as if it were erased. So
//! no unit is programmed that an earlier power session may have begun:
//!
//! 1. The first record after a start begins the next sector: erase it, write copies of what counts, then the header, then
//!    the open mark; records follow within that power session.
//! 2. While neither the open mark nor anything behind it reads well, the header may be torn; then the sector before is still
//!    there, and this one is made again. Once the mark read well the header is certain, and the sector before may go.
//! 3. A commit word may be torn. What it commits is complete, and so the journal, once it names the document, commits it too.
//!
//! The price is one erase for each start that writes. The specification counts one for each 128 records, and no scheme on such
//! parts can do that: what a start appends behind the records it finds may be torn and read as erased, and the next start,
//! which finds the same records, would program the same unit again. A place that no start before can have begun is only one
//! that this start has erased itself. So wear is spread instead: with `n` sectors for the journal each is erased at every
//! `n`-th start. At 20 starts a day that is ten times a day with two (100,000 erases last 27 years), and 0.7 times a day
//! with thirty.

use core::fmt;
use core::marker::PhantomData;

use kedge_platform::crypto::Sha256;
use kedge_platform::flash::{NorFlash, Region};
use kedge_platform::license::{LicenseStore, RECORD, Record, Slot, Stored};

use super::record::CHECK;

/// Octets of a slot's header.
const HEADER: usize = 64;
/// Octets that its check value covers.
const CHECKED: usize = 48;
/// Octets of a journal header that its check value covers.
const JOURNAL_CHECKED: usize = 24;
/// Largest write unit.
const UNIT_MAX: usize = 64;
/// Octets of [`HEADER`], for offsets.
const HEADER_LEN: u32 = 64;
/// Sectors for documents.
const DOCUMENTS: u32 = 2;
/// Most sectors of a store: at more, a start would read flash for long to find the one that counts.
pub const SECTORS_MAX: u32 = 64;
/// Most records that a log of the journal begins with.
const COPIES_MAX: u32 = 3;

const DOCUMENT_MAGIC: u32 = u32::from_le_bytes(*b"LCD1");
const JOURNAL_MAGIC: u32 = u32::from_le_bytes(*b"LCJ1");
const OPEN_MAGIC: u32 = u32::from_le_bytes(*b"LCO1");

/// Why the flash does not do what it should.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum NorError<E> {
    /// The driver failed.
    Flash(E),
    /// The region is not four to [`SECTORS_MAX`] sectors, or its units are too large.
    Geometry,
    /// The document does not fit a sector.
    NoRoom {
        /// Octets that do.
        room: usize,
    },
    /// What was written does not read back.
    ReadBack,
}

impl<E: fmt::Debug> fmt::Display for NorError<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Flash(e) => write!(f, "flash: {e:?}"),
            Self::Geometry => f.write_str("the region is not four sectors or some more with small units"),
            Self::NoRoom { room } => write!(f, "the document has more than {room} octets"),
            Self::ReadBack => f.write_str("what was written does not read back"),
        }
    }
}

impl<E: fmt::Debug> core::error::Error for NorError<E> {}

/// A license's place on NOR flash. `H` hashes documents.
#[derive(Debug)]
pub struct NorStore<F, H> {
    flash: F,
    region: Region,
    sector: u32,
    /// Sectors of the journal.
    logs: u32,
    journal: Known,
    hash: PhantomData<H>,
}

/// What a store knows of its journal since the power came on, for a store that is made anew for each use of the flash. It
/// must not outlive a restart.
#[derive(Clone, Copy, Debug, Default)]
pub struct Known {
    /// The log that counts, and the other one if it could; once they are known.
    logs: Option<[Option<Log>; 2]>,
}

/// One of the sectors that the journal uses in turn.
#[derive(Clone, Copy, Debug)]
struct Log {
    /// Its place among the journal's sectors.
    number: u32,
    start: u32,
    sequence: u32,
    /// Copies of records behind the header.
    copies: u32,
    /// Its header is certain.
    proven: bool,
    /// Where the next record goes; `None` until this power session has made the log.
    next: Option<u32>,
}

impl<F: NorFlash, H: Sha256> NorStore<F, H> {
    /// The store in `region` of `flash`: four sectors at least, [`SECTORS_MAX`] at most.
    pub fn new(flash: F, region: Region) -> Result<Self, NorError<F::Error>> {
        Self::resume(flash, region, Known::default())
    }

    /// The store in `region` of `flash`, going on from what another one knew in the same power session.
    pub fn resume(flash: F, region: Region, known: Known) -> Result<Self, NorError<F::Error>> {
        let sector = region.sector_on::<F>();
        let unit = u32::try_from(F::WRITE_SIZE).unwrap_or(u32::MAX);
        let sectors = region.len.checked_div(sector).unwrap_or_default();
        let fits = sector.checked_mul(sectors) == Some(region.len)
            && (4..=SECTORS_MAX).contains(&sectors)
            && sector.checked_rem(HEADER_LEN) == Some(0)
            && F::WRITE_SIZE <= UNIT_MAX
            && HEADER_LEN.checked_rem(unit) == Some(0)
            && RECORD.checked_rem(F::READ_SIZE) == Some(0)
            && sector >= 1024;
        if fits {
            let logs = sectors.saturating_sub(DOCUMENTS);
            Ok(Self { flash, region, sector, logs, journal: known, hash: PhantomData })
        } else {
            Err(NorError::Geometry)
        }
    }

    /// What it knows, for [`Self::resume`].
    pub const fn known(&self) -> Known {
        self.journal
    }

    /// The flash again.
    pub fn into_flash(self) -> F {
        self.flash
    }

    /// The flash, for what else is on it; the region is this store's.
    pub const fn flash(&mut self) -> &mut F {
        &mut self.flash
    }

    /// Largest document.
    pub fn capacity(&self) -> usize {
        usize::try_from(self.word_at().saturating_sub(HEADER_LEN)).unwrap_or_default()
    }

    /// Octets of the commit word with its padding.
    const fn word_len() -> u32 {
        match F::WRITE_SIZE {
            8 => 8,
            16 => 16,
            32 => 32,
            64 => 64,
            _ => 4,
        }
    }

    /// Octets of a place for a record.
    const fn place_len() -> u32 {
        if F::WRITE_SIZE > RECORD { 64 } else { 32 }
    }

    /// Offset of the commit word in its sector.
    const fn word_at(&self) -> u32 {
        self.sector.saturating_sub(Self::word_len())
    }

    const fn slot_at(&self, slot: Slot) -> u32 {
        match slot {
            Slot::First => self.region.start,
            Slot::Second => self.region.start.saturating_add(self.sector),
        }
    }

    const fn log_at(&self, number: u32) -> u32 {
        self.region.start.saturating_add(self.sector.saturating_mul(number.saturating_add(DOCUMENTS)))
    }

    fn read<const N: usize>(&mut self, at: u32) -> Option<[u8; N]> {
        let mut octets = [0; N];
        self.flash.read(at, &mut octets).ok()?;
        Some(octets)
    }

    /// Writes `octets`, at most 64, padded to the unit with octets FF.
    fn write(&mut self, at: u32, octets: &[u8]) -> Result<(), NorError<F::Error>> {
        let mut padded = [0xFF; UNIT_MAX];
        for (to, from) in padded.iter_mut().zip(octets) {
            *to = *from;
        }
        let len = octets.len().checked_next_multiple_of(F::WRITE_SIZE).unwrap_or_default();
        self.flash.write(at, padded.get(..len).unwrap_or_default()).map_err(NorError::Flash)
    }

    fn erase(&mut self, at: u32) -> Result<(), NorError<F::Error>> {
        self.flash.erase(at, at.saturating_add(self.sector)).map_err(NorError::Flash)
    }

    /// Reads the header of a slot: generation, length and digest, if it is in order.
    fn header(&mut self, start: u32) -> Option<(u32, usize, [u8; 32])> {
        let octets: [u8; HEADER] = self.read(start)?;
        let (checked, rest) = octets.split_first_chunk::<CHECKED>()?;
        let (check, _) = rest.split_first_chunk()?;
        let (magic, fields) = checked.split_first_chunk()?;
        let (generation, fields) = fields.split_first_chunk()?;
        let (len, fields) = fields.split_first_chunk()?;
        let digest = fields.last_chunk::<32>()?;
        let good = u32::from_le_bytes(*magic) == DOCUMENT_MAGIC
            && u32::from_le_bytes(*check) == CHECK.checksum(checked);
        let len = usize::try_from(u32::from_le_bytes(*len)).ok()?;
        good.then_some((u32::from_le_bytes(*generation), len, *digest))
    }

    /// Reads `len` octets of a document to the front of `out`; their digest.
    fn body(&mut self, start: u32, len: usize, out: &mut [u8]) -> Option<[u8; 32]> {
        let mut hash = H::default();
        let mut at = start.saturating_add(HEADER_LEN);
        for piece in out.get_mut(..len)?.chunks_mut(RECORD) {
            let octets: [u8; RECORD] = self.read(at)?;
            for (to, from) in piece.iter_mut().zip(octets) {
                *to = from;
            }
            hash.update(piece);
            at = at.saturating_add(Self::RECORD_LEN);
        }
        Some(hash.finish())
    }

    /// The digest of a document as it reads, without keeping it.
    fn digest(&mut self, start: u32, len: usize) -> Option<[u8; 32]> {
        let mut hash = H::default();
        let (mut at, mut left) = (start.saturating_add(HEADER_LEN), len);
        while left > 0 {
            let octets: [u8; RECORD] = self.read(at)?;
            let n = left.min(RECORD);
            hash.update(octets.get(..n)?);
            left = left.saturating_sub(n);
            at = at.saturating_add(Self::RECORD_LEN);
        }
        Some(hash.finish())
    }

    /// [`RECORD`], for offsets.
    const RECORD_LEN: u32 = 32;

    /// The log of the journal that counts, and the other one if it could count.
    fn mount(&mut self) -> [Option<Log>; 2] {
        if let Some(known) = self.journal.logs {
            return known;
        }
        let is_later = |log: &Log, than: &Option<Log>| {
            than.is_none_or(|than| log.sequence.wrapping_sub(than.sequence) < u32::MAX / 2)
        };
        let [mut last, mut before] = [None; 2];
        for number in 0..self.logs {
            let Some(log) = self.log(number) else { continue };
            if is_later(&log, &last) {
                (last, before) = (Some(log), last);
            } else if is_later(&log, &before) {
                before = Some(log);
            }
        }
        self.journal.logs = Some([last, before]);
        [last, before]
    }

    /// A log, if it could count.
    fn log(&mut self, number: u32) -> Option<Log> {
        let start = self.log_at(number);
        let (sequence, copies) = self.mark(start, JOURNAL_MAGIC)?;
        let open = Self::open_at(start, copies);
        let mut behind = self.places(open.saturating_add(Self::place_len()));
        let proven =
            self.mark(open, OPEN_MAGIC) == Some((sequence, copies)) || behind.any(|at| !self.is_blank(at));
        Some(Log { number, start, sequence, copies, proven, next: None })
    }

    /// Where the open mark of a log stands.
    const fn open_at(start: u32, copies: u32) -> u32 {
        start.saturating_add(copies.saturating_add(1).saturating_mul(Self::place_len()))
    }

    /// A header or an open mark: sequence and number of copies.
    fn mark(&mut self, at: u32, magic: u32) -> Option<(u32, u32)> {
        let octets: Record = self.read(at)?;
        let (checked, rest) = octets.split_first_chunk::<JOURNAL_CHECKED>()?;
        let (check, _) = rest.split_first_chunk()?;
        let (found, fields) = checked.split_first_chunk()?;
        let (sequence, fields) = fields.split_first_chunk()?;
        let (copies, _) = fields.split_first_chunk()?;
        let copies = u32::from_le_bytes(*copies);
        let good = u32::from_le_bytes(*found) == magic
            && u32::from_le_bytes(*check) == CHECK.checksum(checked)
            && copies <= COPIES_MAX;
        good.then_some((u32::from_le_bytes(*sequence), copies))
    }

    fn write_mark(
        &mut self,
        at: u32,
        magic: u32,
        sequence: u32,
        copies: u32,
    ) -> Result<(), NorError<F::Error>> {
        let mut checked = [0; JOURNAL_CHECKED];
        let fields = [magic, sequence, copies].into_iter().flat_map(u32::to_le_bytes);
        checked.iter_mut().zip(fields).for_each(|(to, from)| *to = from);
        let mut octets = [0; RECORD];
        let all = checked.into_iter().chain(CHECK.checksum(&checked).to_le_bytes());
        octets.iter_mut().zip(all).for_each(|(to, from)| *to = from);
        self.write(at, &octets)
    }

    /// The places from `at` to the end of its log.
    fn places(&self, at: u32) -> impl Iterator<Item = u32> + use<F, H> {
        let len = Self::place_len();
        let log = at.saturating_sub(self.region.start).checked_div(self.sector).unwrap_or_default();
        let end = self.region.start.saturating_add(log.saturating_add(1).saturating_mul(self.sector));
        let count = end.saturating_sub(at).checked_div(len).unwrap_or_default();
        (0..count).map(move |n| at.saturating_add(n.saturating_mul(len)))
    }

    fn is_blank(&mut self, at: u32) -> bool {
        let padding = Self::place_len() == Self::RECORD_LEN || {
            let behind: Option<[u8; RECORD]> = self.read(at.saturating_add(Self::RECORD_LEN));
            behind == Some([0xFF; RECORD])
        };
        padding && self.read(at) == Some([0xFF; RECORD])
    }

    /// Begins a log with these records: the one that does not count, or again the one that is not certain.
    fn turn_over(&mut self, keep: &[Record]) -> Result<Log, NorError<F::Error>> {
        let (number, sequence) = match self.mount() {
            [Some(log), Some(other)] if !log.proven && other.proven => (log.number, log.sequence),
            [Some(log), _] => {
                let next = log.number.saturating_add(1);
                (if next < self.logs { next } else { 0 }, log.sequence.wrapping_add(1))
            }
            _ => (0, 1),
        };
        let start = self.log_at(number);
        self.journal.logs = None;
        self.erase(start)?;
        let mut copies = 0;
        for (record, number) in keep.iter().zip(1_u32..=COPIES_MAX) {
            self.write(start.saturating_add(number.saturating_mul(Self::place_len())), record)?;
            copies = number;
        }
        self.write_mark(start, JOURNAL_MAGIC, sequence, copies)?;
        let open = Self::open_at(start, copies);
        self.write_mark(open, OPEN_MAGIC, sequence, copies)?;
        let next = Some(open.saturating_add(Self::place_len()));
        Ok(Log { number, start, sequence, copies, proven: true, next })
    }
}

impl<F: NorFlash, H: Sha256> LicenseStore for NorStore<F, H> {
    type Error = NorError<F::Error>;

    fn document(&mut self, slot: Slot, out: &mut [u8]) -> Result<Option<Stored>, Self::Error> {
        let start = self.slot_at(slot);
        let Some((generation, len, digest)) = self.header(start) else { return Ok(None) };
        let whole = len <= self.capacity() && self.body(start, len, out) == Some(digest);
        let word = self.read(start.saturating_add(self.word_at())).map(u32::from_le_bytes);
        let committed = word == Some(DOCUMENT_MAGIC ^ generation);
        Ok(whole.then_some(Stored { generation, len, committed }))
    }

    fn put_document(&mut self, slot: Slot, generation: u32, document: &[u8]) -> Result<(), Self::Error> {
        let room = self.capacity();
        let len = u32::try_from(document.len()).ok().filter(|_| document.len() <= room);
        let len = len.ok_or(NorError::NoRoom { room })?;
        let start = self.slot_at(slot);
        self.erase(start)?;
        let mut hash = H::default();
        let mut at = start.saturating_add(HEADER_LEN);
        for piece in document.chunks(UNIT_MAX) {
            hash.update(piece);
            self.write(at, piece)?;
            at = at.saturating_add(HEADER_LEN);
        }
        let digest = hash.finish();
        let mut checked = [0; CHECKED];
        let fields = [DOCUMENT_MAGIC, generation, len, 0].into_iter().flat_map(u32::to_le_bytes);
        checked.iter_mut().zip(fields.chain(digest)).for_each(|(to, from)| *to = from);
        let mut header = [0; HEADER];
        let all = checked.into_iter().chain(CHECK.checksum(&checked).to_le_bytes());
        header.iter_mut().zip(all).for_each(|(to, from)| *to = from);
        self.write(start, &header)?;
        let same = self.header(start).is_some_and(|(_, _, written)| written == digest)
            && self.digest(start, document.len()) == Some(digest);
        if !same {
            return Err(NorError::ReadBack);
        }
        let word = (DOCUMENT_MAGIC ^ generation).to_le_bytes();
        self.write(start.saturating_add(self.word_at()), &word)
    }

    fn discard_documents(&mut self) -> Result<(), Self::Error> {
        Slot::ALL.into_iter().try_for_each(|slot| self.erase(self.slot_at(slot)))
    }

    fn records(&mut self, each: &mut dyn FnMut(&Record)) -> Result<(), Self::Error> {
        let [Some(log), _] = self.mount() else { return Ok(()) };
        let open = Self::open_at(log.start, log.copies);
        for at in self.places(log.start).skip(1).filter(|at| *at != open) {
            if let Some(record) = self.read(at).filter(|record| *record != [0xFF; RECORD]) {
                each(&record);
            }
        }
        Ok(())
    }

    fn append(&mut self, record: &Record, keep: &[Record]) -> Result<(), Self::Error> {
        let (sector, place) = (self.sector, Self::place_len());
        let [known, _] = self.mount();
        let made = known.and_then(|log| Some((log, log.next?)));
        let room = made.filter(|(log, next)| next.saturating_add(place) <= log.start.saturating_add(sector));
        let (log, next) = if let Some(room) = room {
            room
        } else {
            let log = self.turn_over(keep)?;
            (log, log.next.unwrap_or_default())
        };
        // if this fails, what is there is as uncertain as after a start
        self.journal.logs = None;
        self.write(next, record)?;
        self.journal.logs = Some([Some(Log { next: Some(next.saturating_add(place)), ..log }), None]);
        Ok(())
    }
}

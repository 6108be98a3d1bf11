//! A small transactional record store on two banks of NOR flash, shared by the update journal and the agent's store.
//!
//! There are `KEYS` records, numbered from 0. A commit replaces or removes any set of them, all or nothing, also when the
//! power fails at any point, any number of times, under the contract of [`kedge_platform::flash`].
//!
//! # Layout of a bank (half of the region)
//! ```text
//! +--------+----------+------+------+---------------------+------+------+---
//! | Header | snapshot | Open | Mark | values of a commit  |Commit| Mark | ...   then erased
//! +--------+----------+------+------+---------------------+------+------+---
//! ```
//! Every entry is `key 1, kind 1, length 2, CRC-32 4` (little-endian; the CRC covers the other four octets, the bank's
//! sequence number and the payload), then the payload, padded to the write unit with octets FF. The payload of the header is
//! `sequence number 4, end of the snapshot 4`; its CRC takes 0 for the sequence number. Only the header is written out of
//! order: after the snapshot, before `Open`.
//!
//! # Why nothing is lost
//! A unit that the power failed on may read differently each time. So reading it proves nothing, but a *later* entry that
//! reads well proves that the earlier one was finished. From that follow the rules:
//!
//! 1. The first commit after a mount, and any commit that finds the bank full, first moves to the other bank: erase it, copy
//!    the records (snapshot), write `Header`, then `Open`, then `Mark`. So everything is appended to units that this very
//!    power session has erased; units of unknown condition are never programmed.
//! 2. A bank counts if its `Open` reads well (then its header and snapshot are certain), the higher sequence number first.
//!    If no bank has one, the bank with a good header counts: then its `Open` was torn, and the other bank was already
//!    given up; nothing was decided on either since.
//! 3. A commit counts if its `Commit` entry reads well. If the last entry is anything but a `Mark`, something after it may
//!    have been torn: then the mount itself moves to the other bank before it returns, so that what was read stays true.
//! 4. A unit that the driver cannot read (error-correcting parts say so of a torn unit) is one that does not read well. Only
//!    if neither bank's header can be read the error is passed on: that is a driver out of order, not a power failure.
//!
//! Nobody acts on a record before mount or commit returned, so the answer of rule 2 and 3 is free until then, and certain
//! afterwards. The price is one bank erased per power session that writes.
//!
//! `KEYS` records cost 8 octets of RAM each; a record is at most [`MAX_VALUE`] octets; a bank must hold the snapshot of all
//! live records and the largest commit at the same time.

mod entry;
#[cfg(test)]
mod tests;

use core::fmt;

use entry::{Appender, Entry, Kind};
use kedge_platform::flash::{NorFlash, ReadNorFlash, Region};

use crate::flash_io::{read, sectors};

/// Largest value, in octets: what the length field holds.
pub const MAX_VALUE: usize = u16::MAX as usize;

/// Largest write unit (and read unit) supported: the log works through one buffer of this many octets.
pub const MAX_UNIT: usize = 64;

/// One change of a commit: a new value for the record `key`, or its removal.
#[derive(Clone, Copy, Debug)]
pub struct Change<'a> {
    /// The record, below `KEYS`.
    pub key: u8,
    /// Its new value, or `None` to remove it.
    pub value: Option<&'a [u8]>,
}

impl<'a> Change<'a> {
    /// Sets record `key` to `value`.
    pub const fn put(key: u8, value: &'a [u8]) -> Self {
        Self { key, value: Some(value) }
    }

    /// Removes record `key`.
    pub const fn remove(key: u8) -> Self {
        Self { key, value: None }
    }
}

/// What a mount found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mounted {
    /// Records, finished properly.
    Clean,
    /// Records, whose last commit was interrupted: it now counts wholly or not at all.
    Recovered,
    /// No records: blank or foreign flash. It is formatted by the first commit.
    Empty,
}

/// Why the log could not be mounted, read or changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum LogError<E> {
    /// The flash driver failed.
    Flash(E),
    /// The region is not two banks of whole sectors within the device, or a unit is larger than [`MAX_UNIT`].
    Geometry,
    /// A key is not below the number of records, or occurs twice in one commit.
    Key(u8),
    /// The records do not fit a bank.
    NoRoom {
        /// Octets that one bank would need.
        needed: u32,
    },
    /// The caller's buffer is smaller than the record.
    Buffer {
        /// Octets that the record has.
        needed: usize,
    },
    /// A record that was good at mount no longer reads well.
    Damaged(u8),
    /// A finished bank holds a snapshot that does not read well: flash that lost bits, or was written by something else.
    /// [`BankLog::format`] starts afresh, without the records.
    DamagedBank,
}

impl<E: fmt::Debug> fmt::Display for LogError<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Flash(e) => write!(f, "flash: {e:?}"),
            Self::Geometry => f.write_str("the region is not two banks of whole sectors"),
            Self::Key(key) => write!(f, "no record {key}"),
            Self::NoRoom { needed } => write!(f, "a bank would need {needed} octets"),
            Self::Buffer { needed } => write!(f, "the record has {needed} octets, the buffer fewer"),
            Self::Damaged(key) => write!(f, "record {key} no longer reads well"),
            Self::DamagedBank => f.write_str("a finished bank no longer reads well"),
        }
    }
}

impl<E: fmt::Debug> core::error::Error for LogError<E> {}

/// Where a record's entry stands in the live bank.
#[derive(Clone, Copy, Debug, Default)]
struct Place {
    /// Offset of the entry in the bank; 0 (the header) means: no such record.
    at: u32,
    len: u16,
}

/// The mounted log. It borrows no flash: each call gets the device.
#[derive(Clone, Debug)]
pub struct BankLog<const KEYS: usize> {
    region: Region,
    /// Offset of the live bank in the device.
    bank: u32,
    sequence: u32,
    index: [Place; KEYS],
    /// Where the next entry goes; `None` until this power session has a bank of its own.
    tail: Option<u32>,
}

impl<const KEYS: usize> BankLog<KEYS> {
    /// Reads the log in `region`; moves it to the other bank if its last commit is not certain.
    pub fn mount<F: NorFlash>(flash: &mut F, region: Region) -> Result<(Self, Mounted), LogError<F::Error>> {
        let bank_len = check_geometry(flash, region)?;
        let first = Scan::<KEYS>::read(flash, region.start, bank_len);
        let second = Scan::<KEYS>::read(flash, region.start.saturating_add(bank_len), bank_len);
        let best = match (first, second) {
            (Err(LogError::Flash(e)), Err(LogError::Flash(_))) => return Err(LogError::Flash(e)),
            (Err(LogError::DamagedBank), _) | (_, Err(LogError::DamagedBank)) => {
                return Err(LogError::DamagedBank);
            }
            (first, second) => {
                let (first, second) = (first.ok().flatten(), second.ok().flatten());
                if first.as_ref().map(Scan::rank) >= second.as_ref().map(Scan::rank) { first } else { second }
            }
        };
        let Some(scan) = best else { return Ok((Self::empty(region), Mounted::Empty)) };
        let mut log =
            Self { region, bank: scan.bank, sequence: scan.sequence, index: scan.index, tail: None };
        if scan.clean {
            return Ok((log, Mounted::Clean));
        }
        log.move_bank(flash, 0)?;
        Ok((log, Mounted::Recovered))
    }

    /// Gives up all records: erases both banks. If the power fails meanwhile, mount and format again.
    pub fn format<F: NorFlash>(flash: &mut F, region: Region) -> Result<Self, LogError<F::Error>> {
        check_geometry(flash, region)?;
        flash.erase(region.start, region.end()).map_err(LogError::Flash)?;
        Ok(Self::empty(region))
    }

    const fn empty(region: Region) -> Self {
        Self { region, bank: region.start, sequence: 0, index: [Place { at: 0, len: 0 }; KEYS], tail: None }
    }

    /// The length of record `key` in octets, `None` if there is none.
    pub fn len(&self, key: u8) -> Option<usize> {
        self.place(key).map(|p| usize::from(p.len))
    }

    /// Whether there is no record at all.
    pub fn is_empty(&self) -> bool {
        self.index.iter().all(|p| p.at == 0)
    }

    /// Reads record `key` to the front of `out`; `None` if there is none.
    pub fn read<'b, F: ReadNorFlash>(
        &self,
        flash: &mut F,
        key: u8,
        out: &'b mut [u8],
    ) -> Result<Option<&'b [u8]>, LogError<F::Error>> {
        let Some(place) = self.place(key) else { return Ok(None) };
        let needed = usize::from(place.len);
        let out = out.get_mut(..needed).ok_or(LogError::Buffer { needed })?;
        let entry = Entry::read(flash, self.bank, place.at, self.region.end(), self.sequence)?
            .filter(|e| e.len == place.len && e.key == key)
            .ok_or(LogError::Damaged(key))?;
        read(flash, entry.payload_at(), out).map_err(LogError::Flash)?;
        // Between the check and the copy the bits could differ again on a dying part: check what is handed out.
        if entry.matches(out) { Ok(Some(out)) } else { Err(LogError::Damaged(key)) }
    }

    /// Reads the octets of record `key` from `offset` on, as many as there are and `out` holds; returns how many. They were
    /// checked when the log was mounted or the record written, and are not checked again.
    pub fn read_part<F: ReadNorFlash>(
        &self,
        flash: &mut F,
        key: u8,
        offset: usize,
        out: &mut [u8],
    ) -> Result<usize, LogError<F::Error>> {
        let Some(place) = self.place(key) else { return Ok(0) };
        let n = usize::from(place.len).saturating_sub(offset).min(out.len());
        let out = out.get_mut(..n).unwrap_or_default();
        let skip = u32::try_from(offset).unwrap_or(u32::MAX);
        let at = entry::payload_of(self.bank.saturating_add(place.at)).saturating_add(skip);
        if n > 0 {
            read(flash, at, out).map_err(LogError::Flash)?;
        }
        Ok(n)
    }

    /// Makes all `changes` at once. On an error none of them counts, but the flash may have been written; the next commit
    /// starts a fresh bank.
    pub fn commit<F: NorFlash>(
        &mut self,
        flash: &mut F,
        changes: &[Change<'_>],
    ) -> Result<(), LogError<F::Error>> {
        for (i, change) in changes.iter().enumerate() {
            let twice = changes.iter().take(i).any(|c| c.key == change.key);
            if twice || usize::from(change.key) >= KEYS {
                return Err(LogError::Key(change.key));
            }
            if change.value.is_some_and(|v| v.len() > MAX_VALUE) {
                return Err(LogError::NoRoom { needed: u32::MAX });
            }
        }
        let mark = entry::span::<F>(0);
        let need = changes
            .iter()
            .map(|c| entry::span::<F>(c.value.map_or(0, <[u8]>::len)))
            .fold(mark.saturating_mul(2), u32::saturating_add);
        let fits = |tail: &u32| tail.saturating_add(need) <= self.bank_len();
        let start = match self.tail.filter(fits) {
            Some(tail) => tail,
            None => self.move_bank(flash, need)?,
        };
        // Whatever fails from here on leaves the tail in doubt: then the next commit moves.
        self.tail = None;
        let mut index = self.index;
        let mut out = Appender::new(self.bank, start, self.sequence);
        for change in changes {
            let kind = if change.value.is_some() { Kind::Value } else { Kind::Removal };
            let value = change.value.unwrap_or_default();
            let at = out.append(flash, kind, change.key, value)?;
            if let Some(place) = index.get_mut(usize::from(change.key)) {
                let len = u16::try_from(value.len()).unwrap_or_default();
                *place = if change.value.is_some() { Place { at, len } } else { Place::default() };
            }
        }
        out.append(flash, Kind::Commit, 0, &[])?;
        out.append(flash, Kind::Mark, 0, &[])?;
        self.index = index;
        self.tail = Some(out.at());
        Ok(())
    }

    /// What `commits` commits of a value of `len` octets for a record that is there already take from now on: sectors
    /// erased and octets programmed. If the bank holds no commit, all of them.
    pub(crate) fn work<F: NorFlash>(&self, commits: u32, len: usize) -> (u32, u32) {
        let (header, mark) = (entry::header_span::<F>(), entry::span::<F>(0));
        let live = self.index.iter().filter(|p| p.at != 0).map(|p| entry::span::<F>(usize::from(p.len)));
        let start = live.fold(header.saturating_add(mark.saturating_mul(2)), u32::saturating_add);
        let commit = entry::span::<F>(len).saturating_add(mark.saturating_mul(2));
        let hold = |room: u32| room.checked_div(commit).unwrap_or(u32::MAX);
        let first = self.tail.map_or(0, |tail| hold(self.bank_len().saturating_sub(tail)));
        let each = hold(self.bank_len().saturating_sub(start)).max(1);
        let banks = commits.saturating_sub(first).div_ceil(each);
        let erases = banks.saturating_mul(sectors::<F>(self.region, self.bank_len()));
        (erases, banks.saturating_mul(start).saturating_add(commits.saturating_mul(commit)))
    }

    fn place(&self, key: u8) -> Option<Place> {
        self.index.get(usize::from(key)).copied().filter(|p| p.at != 0)
    }

    const fn bank_len(&self) -> u32 {
        self.region.len / 2
    }

    /// Moves the log to the other bank, which must keep `room` octets for entries. Returns the new tail.
    fn move_bank<F: NorFlash>(&mut self, flash: &mut F, room: u32) -> Result<u32, LogError<F::Error>> {
        let (header, mark) = (entry::header_span::<F>(), entry::span::<F>(0));
        let live = self.index.iter().filter(|p| p.at != 0).map(|p| entry::span::<F>(usize::from(p.len)));
        let needed = live
            .fold(header.saturating_add(mark.saturating_mul(2)).saturating_add(room), u32::saturating_add);
        let bank_len = self.bank_len();
        if needed > bank_len {
            return Err(LogError::NoRoom { needed });
        }
        self.tail = None;
        let to = if self.bank == self.region.start {
            self.region.start.saturating_add(bank_len)
        } else {
            self.region.start
        };
        flash.erase(to, to.saturating_add(bank_len)).map_err(LogError::Flash)?;
        let sequence = self.sequence.wrapping_add(1);
        let mut out = Appender::new(to, header, sequence);
        let mut index = [Place::default(); KEYS];
        for (key, (from, place)) in (0_u8..).zip(self.index.iter().zip(index.iter_mut())) {
            if from.at != 0 {
                let entry = Entry::read(flash, self.bank, from.at, self.region.end(), self.sequence)?
                    .filter(|e| e.key == key && e.len == from.len)
                    .ok_or(LogError::Damaged(key))?;
                *place = Place { at: out.copy(flash, &entry)?, len: from.len };
            }
        }
        entry::append_header(flash, to, sequence, out.at())?;
        out.append(flash, Kind::Open, 0, &[])?;
        out.append(flash, Kind::Mark, 0, &[])?;
        self.bank = to;
        self.sequence = sequence;
        self.index = index;
        self.tail = Some(out.at());
        Ok(out.at())
    }
}

/// What one bank holds.
struct Scan<const KEYS: usize> {
    bank: u32,
    sequence: u32,
    index: [Place; KEYS],
    /// `Open` reads well, so header and snapshot are certain (rule 2).
    open: bool,
    /// The last entry is a `Mark` (rule 3).
    clean: bool,
}

impl<const KEYS: usize> Scan<KEYS> {
    /// Which of two banks counts: an open one before one that is not, then the later one.
    const fn rank(&self) -> (bool, u32) {
        (self.open, self.sequence)
    }

    fn read<F: NorFlash>(
        flash: &mut F,
        bank: u32,
        bank_len: u32,
    ) -> Result<Option<Self>, LogError<F::Error>> {
        let end = bank.saturating_add(bank_len);
        let Some((sequence, snapshot_end)) = entry::read_header(flash, bank, end)? else { return Ok(None) };
        let mut scan = Self { bank, sequence, index: [Place::default(); KEYS], open: false, clean: false };
        scan.open = scan.entry(flash, snapshot_end, end).is_some_and(|e| e.kind == Kind::Open);
        let mut at = entry::header_span::<F>();
        while at < snapshot_end {
            match scan.entry(flash, at, end) {
                Some(entry) if entry.kind == Kind::Value && set(&mut scan.index, &entry, at) => {
                    at = at.saturating_add(entry::span::<F>(usize::from(entry.len)));
                }
                _ if scan.open => return Err(LogError::DamagedBank),
                _ => return Ok(None),
            }
        }
        if scan.open {
            scan.read_commits(flash, at.saturating_add(entry::span::<F>(0)), end);
        }
        Ok(Some(scan))
    }

    /// Follows `Mark`, then values and `Commit` and `Mark`, and so on, to the first entry that does not read well.
    fn read_commits<F: NorFlash>(&mut self, flash: &mut F, mut at: u32, end: u32) {
        let mut staged = self.index;
        let mut expect_mark = true;
        while let Some(entry) = self.entry(flash, at, end) {
            match entry.kind {
                Kind::Mark if expect_mark => {}
                Kind::Value | Kind::Removal if !expect_mark && set(&mut staged, &entry, at) => {}
                Kind::Commit if !expect_mark => self.index = staged,
                _ => break,
            }
            self.clean = entry.kind == Kind::Mark;
            expect_mark = entry.kind == Kind::Commit;
            at = at.saturating_add(entry::span::<F>(usize::from(entry.len)));
        }
    }

    /// The entry at offset `at` of this bank, `None` if it does not read well (rule 4).
    fn entry<F: NorFlash>(&self, flash: &mut F, at: u32, end: u32) -> Option<Entry> {
        Entry::read(flash, self.bank, at, end, self.sequence).ok().flatten()
    }
}

/// Puts a value or removal entry into `index`; false if there is no such key.
fn set<const KEYS: usize>(index: &mut [Place; KEYS], entry: &Entry, at: u32) -> bool {
    let Some(place) = index.get_mut(usize::from(entry.key)) else { return false };
    *place = if entry.kind == Kind::Value { Place { at, len: entry.len } } else { Place::default() };
    true
}

/// Checks that the region is two banks of whole sectors of a device this log can work with; returns a bank's length.
fn check_geometry<F: NorFlash>(flash: &F, region: Region) -> Result<u32, LogError<F::Error>> {
    let bank_len = region.len / 2;
    let sector = region.sector_on::<F>();
    let whole = |n: u32| n.checked_rem(sector) == Some(0);
    let unit_ok = |unit: usize| unit != 0 && MAX_UNIT.checked_rem(unit) == Some(0);
    let inside = u32::try_from(flash.capacity()).is_ok_and(|capacity| region.end() <= capacity);
    let least = entry::header_span::<F>().saturating_add(entry::span::<F>(0).saturating_mul(4));
    if whole(region.start)
        && whole(bank_len)
        && region.len & 1 == 0
        && bank_len >= least
        && unit_ok(F::WRITE_SIZE)
        && unit_ok(F::READ_SIZE)
        && inside
    {
        Ok(bank_len)
    } else {
        Err(LogError::Geometry)
    }
}

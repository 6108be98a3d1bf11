//! Entries of the log: reading, checking, appending.

use crc::Crc;
use kedge_platform::flash::{NorFlash, ReadNorFlash};

use super::{LogError, MAX_UNIT};
use crate::flash_io::read;

/// The check of entries: the one that packages use too, so that its table is in flash once.
const CRC: Crc<u32> = kedge_package::BLOCK_CHECK;

/// Octets of an entry before its payload.
const HEAD: usize = 8;

/// Octets of a header's payload.
const HEADER_PAYLOAD: usize = 8;

/// What an entry is. The codes have at least two zero and two one bits, so that neither erased nor overwritten flash looks
/// like one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Header,
    Open,
    Mark,
    Value,
    Removal,
    Commit,
}

impl Kind {
    const fn code(self) -> u8 {
        match self {
            Self::Header => 0x4B,
            Self::Open => 0x4F,
            Self::Mark => 0x6D,
            Self::Value => 0x56,
            Self::Removal => 0x52,
            Self::Commit => 0x43,
        }
    }

    fn from_code(code: u8) -> Option<Self> {
        [Self::Header, Self::Open, Self::Mark, Self::Value, Self::Removal, Self::Commit]
            .into_iter()
            .find(|k| k.code() == code)
    }
}

/// Octets that an entry with `len` octets of payload occupies: whole write units.
pub(super) fn span<F: NorFlash>(len: usize) -> u32 {
    let octets = HEAD.saturating_add(len).checked_next_multiple_of(F::WRITE_SIZE);
    octets.and_then(|n| u32::try_from(n).ok()).unwrap_or(u32::MAX)
}

/// Octets that the header occupies at the start of a bank.
pub(super) fn header_span<F: NorFlash>() -> u32 {
    span::<F>(HEADER_PAYLOAD)
}

/// The head of an entry that read well.
#[derive(Clone, Copy, Debug)]
pub(super) struct Entry {
    pub(super) key: u8,
    pub(super) kind: Kind,
    pub(super) len: u16,
    sequence: u32,
    crc: u32,
    /// Offset of the entry in the device.
    at: u32,
}

impl Entry {
    /// The entry at offset `at` of the bank from `bank` to `end` in the device, `None` if it does not read well.
    pub(super) fn read<F: ReadNorFlash>(
        flash: &mut F,
        bank: u32,
        at: u32,
        end: u32,
        sequence: u32,
    ) -> Result<Option<Self>, LogError<F::Error>> {
        let at = bank.saturating_add(at);
        let mut head = [0; HEAD];
        if at.saturating_add(octets(HEAD)) > end {
            return Ok(None);
        }
        read(flash, at, &mut head).map_err(LogError::Flash)?;
        let [key, kind, l0, l1, crc @ ..] = head;
        let Some(kind) = Kind::from_code(kind) else { return Ok(None) };
        let len = u16::from_le_bytes([l0, l1]);
        let entry = Self { key, kind, len, sequence, crc: u32::from_le_bytes(crc), at };
        if entry.payload_at().saturating_add(u32::from(len)) > end {
            return Ok(None);
        }
        let mut crc = entry.digest();
        each_part(flash, &entry, |_, part| {
            crc.update(part);
            Ok(())
        })?;
        Ok((crc.finalize() == entry.crc).then_some(entry))
    }

    /// Offset of the payload in the device.
    pub(super) fn payload_at(&self) -> u32 {
        payload_of(self.at)
    }

    /// Whether `payload` is what the entry was written with.
    pub(super) fn matches(&self, payload: &[u8]) -> bool {
        let mut crc = self.digest();
        crc.update(payload);
        crc.finalize() == self.crc
    }

    /// The CRC of what stands before the payload.
    fn digest(&self) -> crc::Digest<'static, u32> {
        let mut crc = CRC.digest();
        let [l0, l1] = self.len.to_le_bytes();
        crc.update(&[self.key, self.kind.code(), l0, l1]);
        crc.update(&self.sequence.to_le_bytes());
        crc
    }

    fn head(&self) -> [u8; HEAD] {
        let ([l0, l1], [c0, c1, c2, c3]) = (self.len.to_le_bytes(), self.crc.to_le_bytes());
        [self.key, self.kind.code(), l0, l1, c0, c1, c2, c3]
    }
}

/// Offset of the payload of the entry at offset `at`.
pub(super) fn payload_of(at: u32) -> u32 {
    at.saturating_add(octets(HEAD))
}

/// Reads the header of the bank from `bank` to `end`: sequence number and end of the snapshot, `None` if it does not read
/// well.
pub(super) fn read_header<F: ReadNorFlash>(
    flash: &mut F,
    bank: u32,
    end: u32,
) -> Result<Option<(u32, u32)>, LogError<F::Error>> {
    let header = Entry::read(flash, bank, 0, end, 0)?;
    let Some(header) = header.filter(|e| e.kind == Kind::Header && usize::from(e.len) == HEADER_PAYLOAD)
    else {
        return Ok(None);
    };
    let mut payload = [0; HEADER_PAYLOAD];
    read(flash, header.payload_at(), &mut payload).map_err(LogError::Flash)?;
    let [s0, s1, s2, s3, snapshot_end @ ..] = payload;
    let snapshot_end = u32::from_le_bytes(snapshot_end);
    let good = header.matches(&payload) && bank.saturating_add(snapshot_end) <= end;
    Ok(good.then_some((u32::from_le_bytes([s0, s1, s2, s3]), snapshot_end)))
}

/// Writes the header of the bank at `bank`.
pub(super) fn append_header<F: NorFlash>(
    flash: &mut F,
    bank: u32,
    sequence: u32,
    snapshot_end: u32,
) -> Result<(), LogError<F::Error>> {
    let ([s0, s1, s2, s3], [e0, e1, e2, e3]) = (sequence.to_le_bytes(), snapshot_end.to_le_bytes());
    let payload = [s0, s1, s2, s3, e0, e1, e2, e3];
    Appender::new(bank, 0, 0).append(flash, Kind::Header, 0, &payload).map(|_| ())
}

/// Appends entries to a bank, each unit programmed once.
pub(super) struct Appender {
    bank: u32,
    at: u32,
    sequence: u32,
    buf: [u8; MAX_UNIT],
    fill: usize,
}

impl Appender {
    /// Appends from offset `at` of the bank on.
    pub(super) const fn new(bank: u32, at: u32, sequence: u32) -> Self {
        Self { bank, at, sequence, buf: [0xFF; MAX_UNIT], fill: 0 }
    }

    /// Offset in the bank of the next entry.
    pub(super) const fn at(&self) -> u32 {
        self.at
    }

    /// Appends one entry; returns its offset in the bank.
    pub(super) fn append<F: NorFlash>(
        &mut self,
        flash: &mut F,
        kind: Kind,
        key: u8,
        payload: &[u8],
    ) -> Result<u32, LogError<F::Error>> {
        let start = self.at;
        let mut entry = self.entry(kind, key, u16::try_from(payload.len()).unwrap_or(u16::MAX));
        let mut crc = entry.digest();
        crc.update(payload);
        entry.crc = crc.finalize();
        self.write(flash, &entry.head())?;
        self.write(flash, payload)?;
        self.flush(flash)?;
        Ok(start)
    }

    /// Appends a value that stands elsewhere in the device; returns its offset in the bank.
    pub(super) fn copy<F: NorFlash>(
        &mut self,
        flash: &mut F,
        from: &Entry,
    ) -> Result<u32, LogError<F::Error>> {
        let start = self.at;
        let mut entry = self.entry(Kind::Value, from.key, from.len);
        let mut crc = entry.digest();
        each_part(flash, from, |_, part| {
            crc.update(part);
            Ok(())
        })?;
        entry.crc = crc.finalize();
        self.write(flash, &entry.head())?;
        // A payload that reads differently now than for the CRC makes an entry that does not read well: checked below.
        each_part(flash, from, |flash, part| self.write(flash, part))?;
        self.flush(flash)?;
        let end = self.bank.saturating_add(self.at);
        let good = Entry::read(flash, self.bank, start, end, self.sequence)?.is_some();
        if good { Ok(start) } else { Err(LogError::Damaged(from.key)) }
    }

    const fn entry(&self, kind: Kind, key: u8, len: u16) -> Entry {
        Entry { key, kind, len, sequence: self.sequence, crc: 0, at: 0 }
    }

    fn write<F: NorFlash>(&mut self, flash: &mut F, mut bytes: &[u8]) -> Result<(), LogError<F::Error>> {
        while !bytes.is_empty() {
            let free = self.buf.get_mut(self.fill..).unwrap_or_default();
            let n = free.len().min(bytes.len());
            let (now, later) = bytes.split_at_checked(n).unwrap_or((bytes, &[]));
            for (to, from) in free.iter_mut().zip(now) {
                *to = *from;
            }
            self.fill = self.fill.saturating_add(n);
            bytes = later;
            if self.fill >= MAX_UNIT {
                self.program(flash, MAX_UNIT)?;
            }
        }
        Ok(())
    }

    /// Pads to a whole write unit and programs what is left.
    fn flush<F: NorFlash>(&mut self, flash: &mut F) -> Result<(), LogError<F::Error>> {
        match self.fill.checked_next_multiple_of(F::WRITE_SIZE) {
            Some(0) | None => Ok(()),
            Some(n) => self.program(flash, n),
        }
    }

    fn program<F: NorFlash>(&mut self, flash: &mut F, n: usize) -> Result<(), LogError<F::Error>> {
        let part = self.buf.get(..n).unwrap_or_default();
        flash.write(self.bank.saturating_add(self.at), part).map_err(LogError::Flash)?;
        self.at = self.at.saturating_add(octets(n));
        self.buf = [0xFF; MAX_UNIT];
        self.fill = 0;
        Ok(())
    }
}

/// Reads the payload of `entry` in parts.
fn each_part<F: ReadNorFlash>(
    flash: &mut F,
    entry: &Entry,
    mut take: impl FnMut(&mut F, &[u8]) -> Result<(), LogError<F::Error>>,
) -> Result<(), LogError<F::Error>> {
    let mut buf = [0; MAX_UNIT];
    let mut left = usize::from(entry.len);
    let mut at = entry.payload_at();
    while left > 0 {
        let n = left.min(MAX_UNIT);
        let part = buf.get_mut(..n).unwrap_or_default();
        read(flash, at, part).map_err(LogError::Flash)?;
        take(flash, part)?;
        left = left.saturating_sub(n);
        at = at.saturating_add(octets(n));
    }
    Ok(())
}

/// A length as the flash traits count.
fn octets(n: usize) -> u32 {
    u32::try_from(n).unwrap_or(u32::MAX)
}

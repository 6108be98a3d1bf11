//! The license on files: two documents and a journal in a folder, each replaced as a whole.
//!
//! ```text
//! document.1, document.2   "LCD1" 4, generation 4, length 4, SHA-256 of these 12 and the document 32, document
//! journal                  records of 32 octets, appended
//! *.new                    a file in the making; what a power cut has left of one is written over
//! ```
//! All numbers are little-endian. A document, and a journal that begins anew, are written under another name, synced, and
//! renamed, and their folder is synced: so they are there wholly or not at all. A record is appended and synced; what a
//! power cut has left of one fails its check value, and nothing is ever appended behind it, because the first record after a
//! start begins the journal anew.
//!
//! [`FileStore`] works on any [`Disk`]: [`Folder`] is the real one, and a test brings one that loses power.

mod folder;
mod unseal;

use std::io;

pub use folder::Folder;
use kedge_platform::license::{LicenseStore, RECORD, Record, Slot, Stored};
use ring::digest::{SHA256, digest};
pub use unseal::RingUnsealer;

/// Octets at which the journal begins anew: as much as half the journal on flash has.
const JOURNAL_MOST: usize = 4096;
/// The journal's name.
const JOURNAL: &str = "journal";
const MAGIC: [u8; 4] = *b"LCD1";
/// Magic, generation, length.
const HEAD: usize = 12;
/// The head and the digest.
const BEFORE: usize = HEAD + 32;

/// Files with short names. Each call is on the medium when it returns; a power cut during a call leaves the files as the
/// call found them or as it was to leave them, but for what each says of itself.
pub trait Disk {
    /// The octets of a file; `None` if there is none.
    fn read(&mut self, name: &str) -> io::Result<Option<Vec<u8>>>;
    /// Makes or replaces a file. A power cut may leave anything in it.
    fn write(&mut self, name: &str, octets: &[u8]) -> io::Result<()>;
    /// Gives a file another name, from which the file that had it goes.
    fn rename(&mut self, from: &str, to: &str) -> io::Result<()>;
    /// Appends to a file. A power cut may leave any part of `octets`, or others of the same number, behind what was there.
    fn append(&mut self, name: &str, octets: &[u8]) -> io::Result<()>;
    /// Removes a file, if it is there.
    fn remove(&mut self, name: &str) -> io::Result<()>;
}

/// Documents and journal on a [`Disk`].
#[derive(Debug)]
pub struct FileStore<D> {
    disk: D,
    /// Octets of the journal, once this store has begun it.
    begun: Option<usize>,
}

impl<D: Disk> FileStore<D> {
    /// The store on `disk`. Only one may be there at a time.
    pub const fn new(disk: D) -> Self {
        Self { disk, begun: None }
    }

    /// The disk again.
    pub fn into_disk(self) -> D {
        self.disk
    }

    /// Replaces a file so that it is old or new, whatever happens.
    fn replace(&mut self, name: &str, octets: &[u8]) -> io::Result<()> {
        let new = format!("{name}.new");
        self.disk.write(&new, octets)?;
        self.disk.rename(&new, name)
    }
}

impl<D: Disk> LicenseStore for FileStore<D> {
    type Error = io::Error;

    fn document(&mut self, slot: Slot, out: &mut [u8]) -> io::Result<Option<Stored>> {
        let Some(octets) = self.disk.read(name(slot))? else { return Ok(None) };
        let Some((generation, document)) = whole(&octets) else { return Ok(None) };
        let Some(to) = out.get_mut(..document.len()) else { return Ok(None) };
        to.copy_from_slice(document);
        // the name alone commits it
        Ok(Some(Stored { generation, len: document.len(), committed: true }))
    }

    fn put_document(&mut self, slot: Slot, generation: u32, document: &[u8]) -> io::Result<()> {
        let too_long = |_| io::Error::from(io::ErrorKind::FileTooLarge);
        let len = u32::try_from(document.len()).map_err(too_long)?;
        let mut octets = MAGIC.to_vec();
        octets.extend(generation.to_le_bytes());
        octets.extend(len.to_le_bytes());
        let digest = digest(&SHA256, &[&octets[..], document].concat());
        octets.extend_from_slice(digest.as_ref());
        octets.extend_from_slice(document);
        self.replace(name(slot), &octets)
    }

    fn discard_documents(&mut self) -> io::Result<()> {
        Slot::ALL.into_iter().try_for_each(|slot| self.disk.remove(name(slot)))
    }

    fn records(&mut self, each: &mut dyn FnMut(&Record)) -> io::Result<()> {
        let octets = self.disk.read(JOURNAL)?.unwrap_or_default();
        octets.chunks_exact(RECORD).filter_map(|record| record.try_into().ok()).for_each(each);
        Ok(())
    }

    fn append(&mut self, record: &Record, keep: &[Record]) -> io::Result<()> {
        // if this fails, the journal is as uncertain as after a start
        let begun = self.begun.take().filter(|len| len + RECORD <= JOURNAL_MOST);
        let len = if let Some(len) = begun {
            self.disk.append(JOURNAL, record)?;
            len + RECORD
        } else {
            let octets = [keep.concat(), record.to_vec()].concat();
            self.replace(JOURNAL, &octets)?;
            octets.len()
        };
        self.begun = Some(len);
        Ok(())
    }
}

/// The file of a slot.
const fn name(slot: Slot) -> &'static str {
    match slot {
        Slot::First => "document.1",
        Slot::Second => "document.2",
    }
}

/// Generation and document of a file that is whole.
fn whole(octets: &[u8]) -> Option<(u32, &[u8])> {
    let (before, document) = octets.split_at_checked(BEFORE)?;
    let (head, hash) = before.split_at_checked(HEAD)?;
    let (magic, numbers) = head.split_first_chunk::<4>()?;
    let (generation, len) = numbers.split_first_chunk::<4>()?;
    let len = usize::try_from(u32::from_le_bytes(len.try_into().ok()?)).ok()?;
    let same = digest(&SHA256, &[head, document].concat()).as_ref() == hash;
    let good = *magic == MAGIC && len == document.len() && same;
    good.then_some((u32::from_le_bytes(*generation), document))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn store(folder: &std::path::Path) -> FileStore<Folder> {
        FileStore::new(Folder::open(folder).expect("a folder"))
    }

    #[test]
    fn what_was_put_is_there_after_a_start() {
        let place = std::env::temp_dir().join(format!("kedge-license-{}", std::process::id()));
        let _ = std::fs::remove_dir_all(&place);
        let mut first = store(&place);
        first.put_document(Slot::Second, 7, b"document").expect("written");
        first.append(&[1; RECORD], &[]).expect("written");
        first.append(&[2; RECORD], &[]).expect("written");
        assert!(Folder::open(&place).is_err(), "one at a time");
        drop(first);

        let mut again = store(&place);
        let mut out = [0; 16];
        let found = again.document(Slot::Second, &mut out).expect("read");
        assert_eq!(found, Some(Stored { generation: 7, len: 8, committed: true }));
        assert_eq!(&out[..8], b"document");
        assert_eq!(again.document(Slot::First, &mut out).expect("read"), None);
        assert_eq!(again.document(Slot::Second, &mut [0; 7]).expect("read"), None, "no room");
        let records = |store: &mut FileStore<Folder>| {
            let mut records = Vec::new();
            store.records(&mut |record| records.push(record[0])).expect("read");
            records
        };
        assert_eq!(records(&mut again), [1, 2]);
        again.append(&[3; RECORD], &[[2; RECORD]]).expect("written");
        assert_eq!(records(&mut again), [2, 3], "the first record of a life begins it anew");
        for n in 0..200_u8 {
            again.append(&[n; RECORD], &[[9; RECORD]]).expect("written");
        }
        let kept = records(&mut again);
        assert_eq!((kept[0], kept.last()), (9, Some(&199)));
        assert!(kept.len() <= JOURNAL_MOST / RECORD + 1);

        // a document of which one bit has turned
        let path = place.join("document.2");
        let mut octets = std::fs::read(&path).expect("there");
        *octets.last_mut().expect("octets") ^= 1;
        std::fs::write(&path, octets).expect("written");
        assert_eq!(again.document(Slot::Second, &mut out).expect("read"), None);
        again.discard_documents().expect("removed");
        assert!(!path.exists());
        std::fs::remove_dir_all(&place).expect("removed");
    }
}

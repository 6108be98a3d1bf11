//! What a session has written but not committed.

use crate::limits;

/// Why a value could not be staged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StageError {
    /// More than [`limits::STAGED_OBJECTS`] octets or [`limits::STAGED_COUNT`] objects in one session.
    Full,
}

#[derive(Clone, Copy, Debug)]
struct Entry {
    key: u8,
    start: usize,
    /// `None`: the value is to be removed.
    len: Option<usize>,
}

/// Values waiting for the commit, the last one of each object counting.
#[derive(Clone, Debug)]
pub struct Staged {
    entries: heapless::Vec<Entry, { limits::STAGED_COUNT }>,
    octets: heapless::Vec<u8, { limits::STAGED_OBJECTS }>,
}

impl Default for Staged {
    fn default() -> Self {
        Self::new()
    }
}

impl Staged {
    /// Nothing staged.
    pub const fn new() -> Self {
        Self { entries: heapless::Vec::new(), octets: heapless::Vec::new() }
    }

    /// Stages `value` for the object at `key`, `None` to remove it.
    pub fn set(&mut self, key: u8, value: Option<&[u8]>) -> Result<(), StageError> {
        let start = self.octets.len();
        let len = match value {
            Some(value) => {
                self.octets.extend_from_slice(value).map_err(|_| StageError::Full)?;
                Some(value.len())
            }
            None => None,
        };
        let entry = Entry { key, start, len };
        if let Some(known) = self.entries.iter_mut().find(|e| e.key == key) {
            *known = entry;
            return Ok(());
        }
        self.entries.push(entry).map_err(|_| {
            self.octets.truncate(start);
            StageError::Full
        })
    }

    /// What is staged for `key`: nothing (`None`), its removal (`Some(None)`), or a value.
    pub fn get(&self, key: u8) -> Option<Option<&[u8]>> {
        self.entries.iter().find(|e| e.key == key).map(|e| self.value(e))
    }

    /// Everything staged: key and value, `None` for a removal.
    pub fn iter(&self) -> impl Iterator<Item = (u8, Option<&[u8]>)> {
        self.entries.iter().map(|e| (e.key, self.value(e)))
    }

    /// Whether nothing is staged.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// Forgets everything.
    pub fn clear(&mut self) {
        self.entries.clear();
        self.octets.clear();
    }

    fn value(&self, entry: &Entry) -> Option<&[u8]> {
        let end = entry.start.checked_add(entry.len?)?;
        self.octets.get(entry.start..end)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_value_counts_and_nothing_overflows() {
        let mut staged = Staged::new();
        staged.set(3, Some(b"old")).unwrap();
        staged.set(4, None).unwrap();
        staged.set(3, Some(b"new!")).unwrap();
        assert_eq!(staged.get(3), Some(Some(&b"new!"[..])));
        assert_eq!(staged.get(4), Some(None));
        assert_eq!(staged.get(5), None);
        assert_eq!(staged.set(5, Some(&[0; limits::STAGED_OBJECTS])), Err(StageError::Full));
        for key in 10..24 {
            staged.set(key, Some(b"")).unwrap();
        }
        assert_eq!(staged.set(30, Some(b"x")), Err(StageError::Full));
        assert_eq!(staged.iter().count(), limits::STAGED_COUNT);
        staged.clear();
        assert!(staged.is_empty());
    }
}

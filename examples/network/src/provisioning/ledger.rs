//! Where the server's books are kept: rows of octets in named tables, changed in whole batches.
//!
//! [`Database`] is the default: one file, in which every batch is there after a crash or not at all. [`InMemory`] is for
//! flows that are played and forgotten.

use std::collections::BTreeMap;
use std::fmt;
use std::io;
use std::path::Path;

use redb::{ReadableDatabase as _, ReadableTable as _, TableDefinition, TableError};

/// A table.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Table {
    /// How far serials and codes are; one row.
    Counters,
    /// Accounts by name.
    Accounts,
    /// Devices by identity.
    Devices,
    /// Documents by id.
    Documents,
    /// Public keys of devices by their names.
    Keys,
}

impl Table {
    const fn definition(self) -> TableDefinition<'static, &'static [u8], &'static [u8]> {
        TableDefinition::new(match self {
            Self::Counters => "counters",
            Self::Accounts => "accounts",
            Self::Devices => "devices",
            Self::Documents => "documents",
            Self::Keys => "keys",
        })
    }
}

/// A row that is to be written, or, without octets, removed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// Where.
    pub table: Table,
    /// Its key.
    pub key: Vec<u8>,
    /// Its octets.
    pub row: Option<Vec<u8>>,
}

/// A place for the books.
pub trait Ledger: fmt::Debug + Send {
    /// All rows of a table, by key.
    fn rows(&self, table: Table) -> io::Result<Vec<(Vec<u8>, Vec<u8>)>>;

    /// Writes all changes, or none: after a crash as well. When this returns they are permanent.
    fn commit(&mut self, changes: &[Change]) -> io::Result<()>;
}

/// Books that end with the program.
#[derive(Clone, Debug, Default)]
pub struct InMemory(BTreeMap<(Table, Vec<u8>), Vec<u8>>);

impl Ledger for InMemory {
    fn rows(&self, table: Table) -> io::Result<Vec<(Vec<u8>, Vec<u8>)>> {
        let rows = self.0.iter().filter(|((of, _), _)| *of == table);
        Ok(rows.map(|((_, key), row)| (key.clone(), row.clone())).collect())
    }

    fn commit(&mut self, changes: &[Change]) -> io::Result<()> {
        for Change { table, key, row } in changes {
            let place = (*table, key.clone());
            match row {
                Some(row) => _ = self.0.insert(place, row.clone()),
                None => _ = self.0.remove(&place),
            }
        }
        Ok(())
    }
}

/// Books in a file (redb).
pub struct Database(redb::Database);

impl Database {
    /// Opens the file, or begins it. One that is open elsewhere, or is no such file, is an error.
    pub fn open(path: &Path) -> io::Result<Self> {
        redb::Database::create(path).map(Self).map_err(io::Error::other)
    }
}

impl fmt::Debug for Database {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Database")
    }
}

impl Ledger for Database {
    fn rows(&self, table: Table) -> io::Result<Vec<(Vec<u8>, Vec<u8>)>> {
        let reading = self.0.begin_read().map_err(io::Error::other)?;
        let table = match reading.open_table(table.definition()) {
            Ok(table) => table,
            Err(TableError::TableDoesNotExist(_)) => return Ok(Vec::new()),
            Err(error) => return Err(io::Error::other(error)),
        };
        let rows = table.iter().map_err(io::Error::other)?;
        rows.map(|row| {
            let (key, row) = row.map_err(io::Error::other)?;
            Ok((key.value().to_vec(), row.value().to_vec()))
        })
        .collect()
    }

    fn commit(&mut self, changes: &[Change]) -> io::Result<()> {
        let writing = self.0.begin_write().map_err(io::Error::other)?;
        for Change { table, key, row } in changes {
            let mut table = writing.open_table(table.definition()).map_err(io::Error::other)?;
            match row {
                Some(row) => _ = table.insert(key.as_slice(), row.as_slice()).map_err(io::Error::other)?,
                None => _ = table.remove(key.as_slice()).map_err(io::Error::other)?,
            }
        }
        writing.commit().map_err(io::Error::other)
    }
}

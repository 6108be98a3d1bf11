//! A table of the books: read whole at the start, and written row by row when a batch is committed.

use std::collections::{BTreeMap, BTreeSet};
use std::io;

use minicbor::{Decode, Encode};

use super::ledger::{Change, Ledger, Table};

/// What rows are made of.
pub(super) trait Row: Clone + Default + Encode<()> + for<'b> Decode<'b, ()> {}

impl<T: Clone + Default + Encode<()> + for<'b> Decode<'b, ()>> Row for T {}

/// The rows of one table.
#[derive(Clone, Debug)]
pub(super) struct Rows<V> {
    table: Table,
    held: BTreeMap<Vec<u8>, V>,
    changed: BTreeSet<Vec<u8>>,
}

impl<V: Row> Rows<V> {
    /// Reads the table. A row that cannot be read is an error: the server does not decide on half of its books.
    pub(super) fn load(table: Table, ledger: &dyn Ledger) -> io::Result<Self> {
        let rows = ledger.rows(table)?.into_iter().map(|(key, row)| {
            let row = minicbor::decode(&row).map_err(|error| {
                let text = format!("a row of the table {table:?} cannot be read: {error}");
                io::Error::new(io::ErrorKind::InvalidData, text)
            })?;
            Ok((key, row))
        });
        Ok(Self { table, held: rows.collect::<io::Result<_>>()?, changed: BTreeSet::new() })
    }

    pub(super) fn get(&self, key: &[u8]) -> Option<&V> {
        self.held.get(key)
    }

    /// The row, to be changed; a new one if there is none.
    pub(super) fn edit(&mut self, key: &[u8]) -> &mut V {
        self.changed.insert(key.to_vec());
        self.held.entry(key.to_vec()).or_default()
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (&Vec<u8>, &V)> {
        self.held.iter()
    }

    pub(super) fn len(&self) -> usize {
        self.held.len()
    }

    /// What is not committed yet.
    pub(super) fn changes(&self) -> impl Iterator<Item = Change> {
        self.changed.iter().map(|key| {
            let row = self.held.get(key).and_then(|row| minicbor::to_vec(row).ok());
            Change { table: self.table, key: key.clone(), row }
        })
    }

    /// It is committed.
    pub(super) fn settle(&mut self) {
        self.changed.clear();
    }
}

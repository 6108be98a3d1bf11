//! The server's books: in memory and in a file, and what a crash leaves of them.

mod desk;

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use desk::{Answer, Desk, START};
use kedge_network::provisioning::{Change, Database, InMemory, Ledger, Policy, Table};

fn scratch(name: &str) -> PathBuf {
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("{name}-{}.redb", std::process::id()));
    let _ = std::fs::remove_file(&path); // of an earlier run
    path
}

fn change(key: &str, row: Option<&str>) -> Change {
    Change { table: Table::Accounts, key: key.into(), row: row.map(Into::into) }
}

fn keeps_rows(ledger: &mut dyn Ledger) {
    assert_eq!(ledger.rows(Table::Accounts).unwrap(), []);
    ledger.commit(&[change("b", Some("2")), change("a", Some("1"))]).unwrap();
    ledger.commit(&[change("b", None), change("a", Some("3")), change("c", None)]).unwrap();
    assert_eq!(ledger.rows(Table::Accounts).unwrap(), [(b"a".to_vec(), b"3".to_vec())]);
    assert_eq!(ledger.rows(Table::Devices).unwrap(), []);
}

#[test]
fn both_ledgers_keep_rows() {
    keeps_rows(&mut InMemory::default());
    let path = scratch("rows");
    keeps_rows(&mut Database::open(&path).unwrap());
    let again = Database::open(&path).unwrap();
    assert_eq!(again.rows(Table::Accounts).unwrap().len(), 1, "from the file");
    assert!(Database::open(&path).is_err(), "it is open");
    drop(again);
    std::fs::remove_file(path).unwrap();
}

#[test]
fn a_server_goes_on_from_its_file() {
    let path = scratch("goes-on");
    let open = || Desk::with(Policy::default(), Box::new(Database::open(&path).unwrap()), 1);
    let mut desk = open();
    let mut a = desk.activated(1, "alice");
    desk.server.account("alice").paid = true;
    // changes of the staff are kept with the next exchange, as every change is
    let end = desk.ask(&mut a, 3);
    assert_eq!(end, Answer::Document { state: 2, reason: 2, end: None });
    drop(desk);
    let mut desk = open();
    assert_eq!(desk.ask(&mut a, 3), Answer::Document { state: 2, reason: 5, end: None });
    assert_eq!(a.issued, (1, 3), "serials go on");
    assert_eq!(desk.server.reports(), (vec![1, 1, 1], 3));
    drop(desk);
    // the file is lost: a new epoch, above every serial of the old one
    std::fs::remove_file(&path).unwrap();
    let mut desk = Desk::with(Policy::default(), Box::new(Database::open(&path).unwrap()), 2);
    let mut b = desk.activated(1, "alice");
    assert!(b.issued > a.issued, "{:?}", b.issued);
    b.forget();
    drop(desk);
    std::fs::remove_file(path).unwrap();
}

#[test]
fn a_row_that_cannot_be_read_stops_the_server() {
    let mut ledger = InMemory::default();
    ledger.commit(&[change("alice", Some("\u{1}"))]).unwrap();
    let policy = Policy::default();
    let opened =
        kedge_network::provisioning::Provisioning::open(desk::NAMES, policy, [1; 32], Box::new(ledger), 1);
    assert!(opened.unwrap_err().to_string().contains("Accounts"));
}

/// Fails to write while it is told to.
#[derive(Debug)]
struct Failing(InMemory, Arc<AtomicBool>);

impl Ledger for Failing {
    fn rows(&self, table: Table) -> io::Result<Vec<(Vec<u8>, Vec<u8>)>> {
        self.0.rows(table)
    }

    fn commit(&mut self, changes: &[Change]) -> io::Result<()> {
        if self.1.load(Ordering::Relaxed) {
            Err(io::Error::other("disk full"))
        } else {
            self.0.commit(changes)
        }
    }
}

#[test]
fn what_cannot_be_written_has_not_happened() {
    let full = Arc::new(AtomicBool::new(false));
    let ledger = Failing(InMemory::default(), Arc::clone(&full));
    let mut desk = Desk::with(Policy::default(), Box::new(ledger), 1);
    let mut a = desk.activated(1, "alice");
    full.store(true, Ordering::Relaxed);
    assert_eq!(desk.ask(&mut a, 3), Answer::Later(30));
    assert_eq!(desk.server.reports(), (vec![1], 1), "nothing was issued");
    full.store(false, Ordering::Relaxed);
    assert_eq!(
        desk.ask(&mut a, 3),
        Answer::Document { state: 1, reason: 5, end: Some(START + 14 * desk::DAY) }
    );
}

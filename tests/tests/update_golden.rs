//! Packages as they were written when their format was made: they must stay readable, octet for octet the same file.
//!
//! `KEDGE_BLESS=1` writes those that are missing; one that is there is never written again.
use std::path::PathBuf;

use kedge_generator::Layout::{self, InPlace, Slot};
use kedge_tests::update::{Case, Content, image_pair};

const GOLDEN: [(&str, Content, Layout); 7] = [
    ("1-full-slot", Content::Full, Slot),
    ("1-full-in-place", Content::Full, InPlace),
    ("1-plain-slot", Content::Plain, Slot),
    ("1-plain-in-place", Content::Plain, InPlace),
    ("1-coded-slot", Content::Delta, Slot),
    ("1-coded-in-place", Content::Delta, InPlace),
    ("1-revertible-in-place", Content::Revertible, InPlace),
];
const BLOCK: usize = 256;

fn path(name: &str) -> PathBuf {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("data/packages");
    folder.join(name).with_extension("kdgp")
}

#[test]
fn packages_of_every_version_stay_readable() {
    let (old, new) = image_pair(5000, BLOCK, 23);
    for (name, content, layout) in GOLDEN {
        let path = path(name);
        if !path.exists() && std::env::var_os("KEDGE_BLESS").is_some() {
            let fresh = Case::new(&old, &new, content, layout, BLOCK, BLOCK);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(&path, fresh.package).unwrap();
        }
        let package = std::fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        let case = Case::with_package(&old, &new, package, layout, BLOCK, BLOCK);
        applies(name, &case);
        if layout == Slot && content != Content::Plain {
            applies(name, &case.streaming(BLOCK, 0));
        }
    }
    kedge_tests::figure!("golden packages read: {}", GOLDEN.len());
}

fn applies(name: &str, case: &Case) {
    let mut flash = case.device::<4, BLOCK>(1);
    let mut outbox = Vec::new();
    let done =
        (0..8).any(|_| case.start(&mut flash, &mut outbox).unwrap_or_else(|stop| panic!("{name}: {stop:?}")));
    assert!(done && outbox.len() == 1, "{name}: {outbox:?}");
    assert_eq!(flash.misuses(), [], "{name}");
}

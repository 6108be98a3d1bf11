//! Every real firmware pair of the corpus, in both layouts, applied by the device's own code on the flash model.
use std::path::{Path, PathBuf};
use std::time::Instant;

use kedge_generator::{Installed, Layout, Release, Signer, Target, delta, rehearse};

/// The corpus stands beside the workspace; it is not part of it.
fn corpus() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/corpus/firmware")
}

#[test]
fn every_pair_applies_in_both_layouts() {
    let Ok(folders) = std::fs::read_dir(corpus()) else {
        kedge_tests::figure!("skipped: no firmware corpus at ../shared/corpus/firmware beside the workspace");
        return;
    };
    let mut folders: Vec<PathBuf> =
        folders.map(|entry| entry.unwrap().path()).filter(|path| path.is_dir()).collect();
    folders.sort();
    assert!(!folders.is_empty(), "the corpus holds pairs");
    kedge_tests::figure!(
        "{:<20} {:>9} {:>9} {:>9} {:>9} {:>6}",
        "pair",
        "old",
        "new",
        "slot",
        "in place",
        "s"
    );
    let mut pairs = 0;
    for folder in folders {
        let read = |name| std::fs::read(folder.join(name)).unwrap();
        let (old, new) = (read("old.bin"), read("new.bin"));
        let started = Instant::now();
        let sizes = [Layout::Slot, Layout::InPlace].map(|layout| package_size(&old, &new, layout));
        kedge_tests::figure!(
            "{:<20} {:>9} {:>9} {:>9} {:>9} {:>6.1}",
            folder.file_name().unwrap_or_default().to_string_lossy(),
            old.len(),
            new.len(),
            sizes[0],
            sizes[1],
            started.elapsed().as_secs_f64(),
        );
        pairs += 1;
    }
    kedge_tests::figure!("firmware pairs applied in both layouts: {pairs}");
}

fn package_size(old: &[u8], new: &[u8], layout: Layout) -> usize {
    let release = Release {
        product: "corpus",
        version: "2",
        security_counter: 0,
        description: "",
        notes: "",
        image: new,
    };
    let installed = Installed { version: "1", image: old };
    let signer = Signer::test_key();
    // the generator rehearses each package; once more here, so that the test does not rest on that
    let package = delta(&release, &installed, Target { layout, block_size: 4096 }, &signer)
        .unwrap_or_else(|error| panic!("{layout:?} {} {error}", old.len()));
    rehearse(&package, old, new, &signer, 3).unwrap();
    assert!(package.len() < new.len() + new.len() / 100 + 1000, "a delta is not larger than the image");
    package.len()
}

//! Files as NOR flash keep to the port's rules, over a restart too, and refuse what would break them.

use std::fs;
use std::path::PathBuf;

use kedge_platform::conformance::{Tally, clock, entropy, nand, nor, nor_find, nor_leave, nor_twice};
use kedge_platform::flash::{NorFlash, ReadNorFlash, Region};
use kedge_platform::nand::Geometry;
use kedge_platform_linux::clock::SystemClock;
use kedge_platform_linux::entropy::SystemEntropy;
use kedge_platform_linux::nand::FileNand;
use kedge_platform_linux::nor::{Error, FileNor, SECTOR, Sync};

/// A folder of its own, removed at the end.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("kedge-nor-{name}-{}", std::process::id()));
        drop(fs::remove_dir_all(&path));
        fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    fn file(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }

    /// State and package, as a service has them.
    fn flash(&self) -> FileNor {
        let mut flash = FileNor::new();
        flash.add_file(&self.file("state"), 4 * SECTOR, Sync::AtOnce).unwrap();
        flash.add_file(&self.file("package"), 4 * SECTOR, Sync::InOrder).unwrap();
        flash
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        drop(fs::remove_dir_all(&self.0));
    }
}

#[test]
fn files_pass_the_conformance_kit() {
    let folder = Folder::new("kit");
    // within a part, in the other, and over the border between the two
    for lent in
        [Region::new(0, 3 * SECTOR), Region::new(4 * SECTOR, 4 * SECTOR), Region::new(2 * SECTOR, 3 * SECTOR)]
    {
        for seed in [1, 2] {
            let (mut tally, mut flash) = (Tally::default(), folder.flash());
            nor(&mut flash, lent, seed, &mut tally);
            nor_twice(&mut flash, lent, seed, &mut tally);
            nor_leave(&mut flash, lent, seed, &mut tally);
            drop(flash);
            nor_find(&mut folder.flash(), lent, seed, &mut tally);
            assert_eq!((tally.found, tally.passed), (0, 11), "{}", tally.first.unwrap());
        }
    }
}

#[test]
fn the_other_ports_pass_it_too() {
    let folder = Folder::new("others");
    let mut tally = Tally::default();
    clock(&mut SystemClock::new(), &mut tally);
    entropy(&mut SystemEntropy::open().unwrap(), &mut tally);
    let geometry = Geometry { page: 512, spare: 16, pages_per_block: 8, blocks: 4 };
    let mut part = FileNand::create(&folder.file("nand"), geometry).unwrap();
    nand(&mut part, 1, &mut [0; 1024], 3, &mut tally);
    assert_eq!((tally.found, tally.passed), (0, 10), "{}", tally.first.unwrap());
}

#[test]
fn parts_lie_one_behind_the_other_and_keep_their_octets() {
    let folder = Folder::new("parts");
    fs::write(folder.file("slot"), vec![7; 2 * SECTOR as usize]).unwrap();
    let mut flash = folder.flash();
    let slot = flash.add_existing(&folder.file("slot"), Sync::InOrder).unwrap();
    assert_eq!((slot, flash.capacity()), (Region::new(8 * SECTOR, 2 * SECTOR), 10 * SECTOR as usize));
    let mut octet = [0];
    flash.read(slot.start, &mut octet).unwrap();
    assert_eq!(octet, [7]);
    assert_eq!(flash.write(slot.start, &[0; 16]), Err(Error::NotErased(slot.start)));
    flash.erase(slot.start, slot.end()).unwrap();
    flash.write(slot.start + 16, &[1; 32]).unwrap();
    assert_eq!(flash.write(slot.start, &[2; 32]), Err(Error::NotErased(slot.start + 16)));
    flash.flush().unwrap();
    let kept = fs::read(folder.file("slot")).unwrap();
    assert_eq!(
        (&kept[..16], &kept[16..48], kept.len()),
        (&[0xFF; 16][..], &[1; 32][..], 2 * SECTOR as usize)
    );
    assert!(!folder.file("state.new").exists(), "no unfinished file is left");
}

#[test]
fn what_does_not_fit_is_refused() {
    let folder = Folder::new("refused");
    let first = folder.flash();
    let mut flash = FileNor::new();
    let state = folder.file("state");
    assert_eq!(flash.add_file(&state, 4 * SECTOR, Sync::AtOnce), Err(Error::InUse));
    drop(first);
    assert_eq!(flash.add_file(&state, 8 * SECTOR, Sync::AtOnce), Err(Error::Length(4 * u64::from(SECTOR))));
    assert_eq!(flash.add_file(&folder.file("odd"), 100, Sync::AtOnce), Err(Error::Length(100)));
    assert_eq!(flash.add_file(&folder.file("none"), 0, Sync::AtOnce), Err(Error::Length(0)));
    assert!(!folder.file("odd").exists() && !folder.file("none").exists(), "nothing is made for them");
    fs::write(folder.file("short"), [0; 100]).unwrap();
    assert_eq!(flash.add_existing(&folder.file("short"), Sync::AtOnce), Err(Error::Length(100)));
    let missing = flash.add_existing(&folder.file("missing"), Sync::AtOnce).unwrap_err();
    assert_eq!(missing.to_string(), "No such file or directory (os error 2)");
    let nowhere = flash.add_file(&folder.file("no/folder"), SECTOR, Sync::AtOnce).unwrap_err();
    assert_eq!(nowhere, missing);
    // a file that was being made when the power failed is made again
    fs::write(folder.file("late.new"), "half").unwrap();
    assert_eq!(flash.add_file(&folder.file("late"), SECTOR, Sync::AtOnce), Ok(Region::new(0, SECTOR)));
    assert_eq!(fs::read(folder.file("late")).unwrap(), vec![0xFF; SECTOR as usize]);
}

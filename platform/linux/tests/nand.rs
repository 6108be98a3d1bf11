//! The file that stands for a NAND part keeps to the port's rules, also over a restart. An MTD device needs a kernel with
//! one: what can be tested without is that other files are refused.
use std::fs;
use std::path::PathBuf;

use kedge_platform::nand::{Ecc, Geometry, NandError, NandErrorKind, NandFlash, PageAddress};
use kedge_platform_linux::nand::{Error, FileNand, MtdNand};

const GEOMETRY: Geometry = Geometry { page: 512, spare: 16, pages_per_block: 4, blocks: 6 };

/// A path that no other test uses; what stood there before is gone.
fn path(name: &str) -> PathBuf {
    let path = std::env::temp_dir().join(format!("kedge-nand-{}-{name}", std::process::id()));
    drop(fs::remove_file(&path));
    path
}

const fn at(block: u32, page: u32) -> PageAddress {
    PageAddress { block, page }
}

#[test]
fn pages_marks_and_rules_survive_a_restart() {
    let path = path("rules");
    let mut nand = FileNand::create(&path, GEOMETRY).unwrap();
    assert!(FileNand::create(&path, GEOMETRY).is_err(), "an existing part is not overwritten");
    nand.program_page(at(2, 0), &[0x5A; 512], b"tag").unwrap();
    nand.program_page(at(2, 2), &[0xFF; 512], b"").unwrap();
    nand.program_page(at(2, 1), &[0x11; 512], b"in a gap").unwrap();
    let again = nand.program_page(at(2, 0), &[0; 512], b"");
    assert!(matches!(again, Err(Error::Order(place)) if place == at(2, 0)));
    assert_eq!(again.unwrap_err().kind(), NandErrorKind::Misuse);
    nand.mark_bad(4).unwrap();
    drop(nand);

    let mut nand = FileNand::open(&path, GEOMETRY).unwrap();
    let (mut data, mut spare) = ([0; 512], [0; 16]);
    assert_eq!(nand.read_page(at(2, 0), &mut data, &mut spare).unwrap(), Ecc::Clean);
    assert_eq!((data, &spare[..4]), ([0x5A; 512], &b"tag\xFF"[..]));
    nand.read_page(at(2, 1), &mut [], &mut spare).unwrap();
    assert_eq!(&spare[..8], b"in a gap");
    nand.read_page(at(3, 3), &mut data, &mut spare).unwrap();
    assert_eq!((data, spare), ([0xFF; 512], [0xFF; 16]));
    assert_eq!([0, 4, 5].map(|block| nand.is_bad(block).unwrap()), [false, true, false]);
    assert!(matches!(nand.erase_block(4), Err(Error::MarkedBad(4))));
    assert!(matches!(nand.program_page(at(4, 0), &[0; 512], b""), Err(Error::MarkedBad(4))));
    nand.erase_block(2).unwrap();
    nand.read_page(at(2, 0), &mut data, &mut []).unwrap();
    assert_eq!(data, [0xFF; 512]);
    nand.program_page(at(2, 0), &[1; 512], b"").unwrap();
    for outside in [
        nand.read_page(at(6, 0), &mut data, &mut []).map(drop),
        nand.read_page(at(0, 4), &mut data, &mut []).map(drop),
        nand.read_page(at(0, 0), &mut data[1..], &mut []).map(drop),
        nand.program_page(at(0, 0), &[], b""),
        nand.program_page(at(0, 0), &[0; 512], &[0; 17]),
        nand.erase_block(6),
        nand.is_bad(6).map(drop),
        nand.mark_bad(6),
    ] {
        assert!(matches!(outside, Err(Error::OutOfBounds)), "{outside:?}");
    }
    fs::remove_file(&path).unwrap();
}

#[test]
fn files_of_another_length_are_refused() {
    let path = path("length");
    drop(FileNand::create(&path, GEOMETRY).unwrap());
    let other = Geometry { blocks: 7, ..GEOMETRY };
    assert!(matches!(FileNand::open(&path, other), Err(Error::NotNand)));
    assert!(matches!(MtdNand::open(&path), Err(Error::NotNand)), "a file is no MTD device");
    fs::remove_file(&path).unwrap();
    assert!(matches!(MtdNand::open(&path), Err(Error::Io(_))));
}

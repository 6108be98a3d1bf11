//! What this firmware is, and where things are in its flash.

use crate::cfi_nor::SECTOR;
use kedge_platform::flash::Region;
use kedge_update_agent::{Device, Key, Layout, Mode, WORDS_SMALL, Workspace};

/// The memory that the applier is lent; images of one part.
pub type Room = Workspace<WORDS_SMALL, 8>;

/// The product that packages must name.
pub const NAME: &str = "kedge-virt";

/// The release.
pub const VERSION: &str = if cfg!(feature = "v2") { "2.0" } else { "1.0" };

/// The security counter this release was built with.
const SECURITY_COUNTER: u32 = if cfg!(feature = "v2") { 2 } else { 1 };

/// Octets of one sector, as offsets count.
const SECTOR_LEN: u32 = SECTOR as u32;

/// The flash, in sectors: image 0 and 1, scratch 2 and 3, package 4 to 7, journal 8 and 9, driver check 10.
pub const LAYOUT: Layout = Layout {
    image: sectors(0, 2),
    mode: Mode::InPlace { scratch: sectors(2, 2) },
    package: sectors(4, 4),
    journal: sectors(8, 2),
};

/// The sector that the console's flash check may use.
pub const CHECK: Region = sectors(10, 1);

/// Whose packages are taken: the test key, which is no secret. A product has keys of its own.
const KEYS: [Key<'static>; 1] = [Key { id: TEST_KEY_ID, public: TEST_KEY }];
const TEST_KEY_ID: &[u8] = b"kedge-test";
/// The public half of `kedge_generator::Signer::test_key`.
const TEST_KEY: [u8; 32] = [
    0x5d, 0xb9, 0x6a, 0xd4, 0x80, 0x33, 0x8d, 0xd8, 0xb9, 0x50, 0xa3, 0x64, 0x50, 0xe0, 0xfa, 0xec, 0x16,
    0x72, 0x16, 0xcd, 0x00, 0xfb, 0xfd, 0xdb, 0xa5, 0xd3, 0x58, 0x92, 0x5e, 0x90, 0x2b, 0xdc,
];

/// What packages are measured against; the boot stage does not know which version is installed.
pub const fn device(version: Option<&'static str>) -> Device<'static> {
    Device {
        product: NAME,
        version,
        security_counter: SECURITY_COUNTER,
        keys: &KEYS,
        trial_attempts: 3,
        memory: Room::MEMORY,
    }
}

const fn sectors(first: u32, count: u32) -> Region {
    Region::new(first * SECTOR_LEN, count * SECTOR_LEN)
}

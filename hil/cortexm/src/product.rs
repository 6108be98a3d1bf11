//! What this device is, and where things are in its flash. The host includes this file too.

use kedge_platform::flash::Region;
use kedge_update_agent::{Device, Key, Layout, Mode, WORDS_SMALL, Workspace};

/// The memory that the applier is lent: images of a few parts.
pub type Room = Workspace<WORDS_SMALL, 16>;

/// The product that packages must name.
pub const NAME: &str = "kedge-mps2";
/// Its model, for the license.
pub const MODEL: &str = "MPS2-1";
/// The least security counter that its firmware takes.
pub const SECURITY_COUNTER: u32 = 1;

/// Octets erased at once.
pub const SECTOR: u32 = 4096;
/// The slot that the device is sold with, or the only image region.
pub const IMAGE: Region = sectors(0, 64);
/// The license: two documents, two halves of the journal.
pub const LICENSE: Region = sectors(194, 4);
/// Octets of the flash.
pub const FLASH: u32 = 198 * SECTOR;

/// The update agent's part of the flash, in sectors: image 0 to 63, second slot or scratch 64 to 127, package 128 to 191,
/// journal 192 and 193.
pub const fn layout(in_place: bool) -> Layout {
    let other = sectors(64, 64);
    Layout {
        image: IMAGE,
        mode: if in_place { Mode::InPlace { scratch: other } } else { Mode::Slot { standby: other } },
        package: sectors(128, 64),
        journal: sectors(192, 2),
    }
}

/// What packages are measured against. The version that is installed is the image's to tell.
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

/// Whose packages are taken: the test key, which is no secret. A product has keys of its own.
const KEYS: [Key<'static>; 1] = [Key { id: b"kedge-test", public: TEST_KEY }];
/// The public half of `kedge_generator::Signer::test_key`.
const TEST_KEY: [u8; 32] = [
    0x5d, 0xb9, 0x6a, 0xd4, 0x80, 0x33, 0x8d, 0xd8, 0xb9, 0x50, 0xa3, 0x64, 0x50, 0xe0, 0xfa, 0xec, 0x16,
    0x72, 0x16, 0xcd, 0x00, 0xfb, 0xfd, 0xdb, 0xa5, 0xd3, 0x58, 0x92, 0x5e, 0x90, 0x2b, 0xdc,
];

/// The device's identity (RFC 9711: a MEID) and the seed of its key. A product keeps the key where nobody reads it.
pub const UEID: [u8; 15] = [3, 3, 5, 6, 9, 3, 8, 0, 3, 5, 6, 4, 3, 8, 9];
/// See [`UEID`].
pub const DEVICE_SEED: [u8; 32] = *b"an emulated board, no secret key";
/// When the image was built, in seconds since 1970: no document is older.
pub const BUILT: u64 = 1_700_000_000;
/// The texts that client and server agree on: vendor, product, issuer.
pub const LICENSED: [&str; 3] = ["example", "example-client", "prov.example"];

const fn sectors(first: u32, count: u32) -> Region {
    Region::new(first * SECTOR, count * SECTOR)
}

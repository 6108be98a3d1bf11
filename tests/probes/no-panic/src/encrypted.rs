//! update-agent: flash of which regions go through a cipher that may fail.

use kedge_platform::cipher::FlashCipher;
use kedge_platform::flash::{NorFlash, ReadNorFlash, Region, Run, Sectors};
use kedge_update_agent::LayoutError;
use kedge_update_agent::encrypted::{Encrypted, EncryptedError};

use crate::flash::{Failed, Flash};
use crate::opaque::{any, octets, used};

/// An engine.
struct Engine;

impl FlashCipher for Engine {
    type Error = u8;

    #[inline(never)]
    fn encrypt(&mut self, at: u32, octets: &mut [u8]) -> Result<(), u8> {
        used((at, octets));
        any(Ok(()))
    }

    #[inline(never)]
    fn decrypt(&mut self, at: u32, octets: &mut [u8]) -> Result<(), u8> {
        used((at, octets));
        any(Ok(()))
    }
}

#[inline(never)]
pub fn run() {
    used(sectors());
    if let Ok(done) = used(flash()) {
        used(done).ok();
    }
}

/// A part with sectors of different sizes.
#[inline(never)]
fn sectors() -> Option<Region> {
    let runs = [Run::new(any(4), any(16 << 10)), Run::new(any(7), any(128 << 10))];
    let part = Sectors(any(&runs[..]));
    used((part.octets(), part.is_border(any(0))));
    part.region(any(0), any(1 << 17))
}

#[inline(never)]
fn flash() -> Result<Result<(), EncryptedError<Failed, u8>>, LayoutError> {
    let regions = [Region::new(any(0), any(4096)), Region::new(any(8192), any(4096))];
    let mut flash = Encrypted::new(Flash, Engine, any(&regions[..]))?;
    Ok(flash
        .erase(any(0), any(4096))
        .and_then(|()| flash.write(any(0), octets()))
        .and_then(|()| flash.read(any(0), crate::room!(256))))
}

//! update-agent: hand-over to an OEM's boot loader, MCUboot and ESP-IDF.

use crate::crypto::Fake;
use crate::flash::{Failed, Flash};
use crate::opaque::{any, used};
use kedge_package::Image;
use kedge_platform::flash::Region;
use kedge_update_agent::handover::mcuboot::{Checking, MaxAlign, McuBoot, WrongImage};
use kedge_update_agent::handover::otadata::OtaData;
use kedge_update_agent::handover::{Fault, Loader, Runs, holds};
use kedge_update_agent::{Slot, Update};

#[inline(never)]
pub fn run() {
    let region = || Region::new(any(0), any(65536));
    let mut mcuboot = McuBoot {
        primary: region(),
        secondary: region(),
        align: any(MaxAlign::A32),
        max_sectors: any(128),
        image_len: any(1000),
        permanent: any(false),
    };
    used(live(&mut mcuboot)).ok();
    let mut otadata = OtaData { partition: region(), slots: any(2), target: any(1) };
    used(live(&mut otadata)).ok();
    used(otadata.slot(&mut Flash)).ok();
    used(check(region())).ok();
    used(holds::<_, Fake>(&mut Flash, region(), &Image { size: any(1000), sha256: any([0; 32]) })).ok();
}

#[inline(never)]
fn live<L: Loader<Flash>>(loader: &mut L) -> Result<(), Fault<L::Error, Failed>> {
    let flash = &mut Flash;
    let mut update = Update::mount(flash, crate::update::layout())?;
    while any(true) {
        let runs = if any(true) { Runs::Old } else { Runs::New };
        match any(0_u8) {
            0 => _ = used(update.follow(flash, loader, runs)?),
            1 => update.prove(flash, loader)?,
            2 => loader.reject(flash).map_err(Fault::Loader)?,
            _ => _ = used(update.active() == Slot::First),
        }
    }
    Ok(())
}

#[inline(never)]
fn check(slot: Region) -> Result<(), WrongImage<Failed>> {
    let mut checking = Checking::<Fake>::begin(&mut Flash, slot)?;
    while used(checking.step(&mut Flash)?).is_none() {}
    Ok(())
}

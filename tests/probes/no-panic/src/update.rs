//! update-agent: inbox, verification, applier, boot decision, in a slot and in place, with fake cryptography.

use crate::crypto::Fake;
use crate::flash::{Failed, Flash};
use crate::opaque::{any, octets, text, used};
use kedge_package::limits::ENVELOPE_MAX;
use kedge_platform::flash::Region;
use kedge_update_agent::{Applier, Device, Error, Key, Layout, Memory, Mode, Update};

#[inline(never)]
pub fn run() {
    used(life(layout())).ok();
}

#[inline(never)]
pub fn layout() -> Layout {
    let region = || Region::new(any(0), any(65536));
    let mode = if any(true) { Mode::Slot { standby: region() } } else { Mode::InPlace { scratch: region() } };
    Layout { image: region(), mode, package: region(), journal: region() }
}

#[inline(never)]
pub fn memory() -> Memory<'static> {
    Memory { words: any(&mut []), regions: any(&mut []) }
}

#[inline(never)]
fn life(layout: Layout) -> Result<(), Error<Failed>> {
    let flash = &mut Flash;
    let keys = [Key { id: octets(), public: any([0; 32]) }];
    let device =
        Device { product: text(), version: any(Some(text())), security_counter: any(1), keys: any(&keys[..]), trial_attempts: any(3), memory: any(1) };
    let work = crate::room!(ENVELOPE_MAX);
    let mut update = if any(true) { Update::mount(flash, layout)? } else { Update::format(flash, layout)? };
    while any(true) {
        used((update.job(), update.active(), update.is_sound(), update.security_counter(), update.resume()));
        match any(0_u8) {
            0 => update.begin(flash, any(1000))?,
            1 => update.write(flash, octets())?,
            2 => update.verify(flash, &device, &Fake, work)?,
            3 => _ = used(update.manifest(flash, work)?),
            4 => update.order(flash)?,
            5 => update.abandon(flash)?,
            6 => _ = used(update.boot(flash)?),
            7 => update.confirm(flash)?,
            8 => update.roll_back(flash)?,
            9 => update.clear_outcome(flash)?,
            10 => _ = used(update.outcome().map(|outcome| outcome.result.code())),
            _ => {
                let mut applier = Applier::resume(&mut update, flash, &device, &Fake, memory())?;
                while any(true) {
                    used(applier.step(flash)?);
                }
            }
        }
    }
    Ok(())
}

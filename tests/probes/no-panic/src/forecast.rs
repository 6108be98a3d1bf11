//! update-agent: what an update is going to take, and what it took.

use crate::crypto::Fake;
use crate::flash::{Failed, Flash};
use crate::opaque::{any, octets, used};
use kedge_platform::flash::{NorFlash, ReadNorFlash};
use kedge_update_agent::{Error, Memory, Metered, Speed, Update};

#[inline(never)]
pub fn run() {
    used(foretold()).ok();
    used(counted()).ok();
}

#[inline(never)]
fn foretold() -> Result<u64, Error<Failed>> {
    let flash = &mut Flash;
    let update = Update::mount(flash, crate::update::layout())?;
    let memory = Memory { words: any(&mut []), regions: any(&mut []) };
    let forecast = update.forecast::<_, Fake>(flash, memory)?;
    let speed = Speed { erase: any(1), program: any(1), read: any(1), hash: any(1), decode: any(1) };
    Ok(forecast.micros(&speed))
}

#[inline(never)]
fn counted() -> Result<u32, Failed> {
    let mut flash = Metered::new(Flash, crate::update::layout());
    while any(true) {
        flash.read(any(1), any(&mut []))?;
        flash.write(any(1), octets())?;
        flash.erase(any(0), any(1))?;
    }
    Ok(flash.tally().total().erases)
}

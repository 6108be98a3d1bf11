//! update-agent: a package used while it comes in, beside the stored ones.

use crate::crypto::Fake;
use crate::flash::{Failed, Flash};
use crate::opaque::{any, octets, text, used};
use crate::update::{layout, memory};
use kedge_update_agent::{Device, Error, Key, Site, Streaming, Update};

#[inline(never)]
pub fn run() {
    used(life()).ok();
}

#[inline(never)]
fn life() -> Result<(), Error<Failed>> {
    let flash = &mut Flash;
    let keys = [Key { id: octets(), public: any([0; 32]) }];
    let device = Device {
        product: text(),
        version: any(None),
        security_counter: any(1),
        keys: any(&keys[..]),
        trial_attempts: any(3),
        memory: any(1),
    };
    let mut update = Update::mount(flash, layout())?;
    let mut site = Site { update: &mut update, flash, device: &device, crypto: &Fake, share: any(8) };
    let begins = any(true);
    let mut streaming =
        if begins { Streaming::begin(&mut site, memory())? } else { Streaming::resume(&mut site, memory())? };
    while any(true) {
        used(streaming.needs_from());
        let mut rest = octets();
        used(streaming.push(&mut site, &mut rest)?);
        used(rest);
    }
    Ok(())
}

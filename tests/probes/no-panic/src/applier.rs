//! update-agent: what a boot stage holds, journal, verification, applier and boot decision, for the instructions of the
//! processor it runs on. With fake cryptography, or with what a device without an accelerator takes.

#[cfg(not(feature = "applier-signed"))]
use crate::crypto::Fake as Cryptography;
use crate::flash::{Failed, Flash};
use crate::opaque::{any, octets, text, used};
use kedge_platform::flash::Region;
#[cfg(feature = "applier-signed")]
use kedge_platform_crypto::SoftCrypto as Cryptography;
use kedge_update_agent::{Applier, BootDecision, Device, Error, Key, Layout, Memory, Mode, Progress, Update};

#[inline(never)]
pub fn run() {
    used(boot()).ok();
}

fn layout() -> Layout {
    let region = || Region::new(any(0), any(65536));
    let mode = if any(true) { Mode::Slot { standby: region() } } else { Mode::InPlace { scratch: region() } };
    Layout { image: region(), mode, package: region(), journal: region() }
}

/// The whole of a boot stage's part: carries an update through, and says what to start.
#[inline(never)]
fn boot() -> Result<BootDecision, Error<Failed>> {
    let flash = &mut Flash;
    let keys = [Key { id: octets(), public: any([0; 32]) }];
    let device =
        Device { product: text(), version: None, security_counter: any(1), keys: any(&keys[..]), trial_attempts: any(3), memory: any(1) };
    let mut update = Update::mount(flash, layout())?;
    loop {
        match update.boot(flash)? {
            BootDecision::Update => {
                let memory = Memory { words: any(&mut []), regions: any(&mut []) };
                let mut applier = Applier::resume(&mut update, flash, &device, &Cryptography, memory)?;
                while !matches!(used(applier.step(flash)?), Progress::Complete | Progress::Ended(_)) {}
            }
            decision => return Ok(decision),
        }
    }
}

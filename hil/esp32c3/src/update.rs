//! Journal and boot loader: what there is to do before the agent starts.

use crate::product::{DEVICE, Room};
use esp_println::println;
use kedge_platform_crypto::SoftCrypto;
use kedge_platform_esp32::flash::{Flash, FlashError};
use kedge_platform_esp32::power;
use kedge_platform_esp32::slots::Map;
use kedge_update_agent::handover::otadata;
use kedge_update_agent::handover::{Fault, Next, Runs};
use kedge_update_agent::{Applier, Error, Progress, Update};
use static_cell::ConstStaticCell;

/// Why it did not come to its end.
pub type Broken = Fault<otadata::Error<FlashError>, FlashError>;

/// Makes the image that was ordered, tells the boot loader, restarts for it; whatever is due. When it returns, the agent may start.
pub fn follow(flash: &mut Flash, map: &Map) -> Result<(), Broken> {
    loop {
        let mut journal = Update::mount(flash, map.update)?;
        let active = journal.active();
        let runs = if map.runs == active { Runs::Old } else { Runs::New };
        let mut loader = map.loader(active);
        match journal.follow(flash, &mut loader, runs)? {
            Next::Run => return Ok(()),
            Next::Update => apply(&mut journal, flash)?,
            // the boot loader starts images that are new at most once: one that runs and is still new has no trial
            Next::Restart if runs == Runs::New => {
                println!("the boot loader gives no trial: it was built without roll-back");
                journal.prove(flash, &mut loader)?;
            }
            Next::Restart => power::now(),
            Next::Prove => {
                println!("version {} is on trial and has come this far: it stays", crate::VERSION);
                journal.prove(flash, &mut loader)?;
            }
        }
    }
}

fn apply(journal: &mut Update, flash: &mut Flash) -> Result<(), Error<FlashError>> {
    static ROOM: ConstStaticCell<Room> = ConstStaticCell::new(Room::new());
    // once a start: after it the device restarts, or there is nothing more to apply
    let Some(room) = ROOM.try_take() else { power::now() };
    let mut applier = Applier::resume(journal, flash, &DEVICE, &SoftCrypto, room.lend())?;
    loop {
        match applier.step(flash)? {
            Progress::Verifying { done, total } => println!("verifying, {done} of {total} octets"),
            Progress::Applying { done, total } => println!("making the image, {done} of {total} blocks"),
            Progress::Checking { done, total } => println!("checking the image, {done} of {total} octets"),
            Progress::Complete => {
                println!("the new image is whole");
                return Ok(());
            }
            Progress::Ended(outcome) => {
                println!("the update ended: {}", outcome.result);
                return Ok(());
            }
        }
    }
}

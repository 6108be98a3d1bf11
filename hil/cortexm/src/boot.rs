//! The boot stage: carries updates through with the update agent alone, decides which image to start, loads it and jumps.

use kedge_platform_crypto::SoftCrypto;
use kedge_update_agent::{Applier, BootDecision, Error, Outcome, Progress, Slot, Update};
use observed::black_box::Stage;

use crate::board::{Exit, LARGE, Straps, uptime};
use crate::flash::{FlashError, Nor};
use crate::product::{self, Room};
use crate::say;
use crate::stack::Mark;

/// Who runs, for the black box.
pub const STAGE: Stage = Stage::Boot;
/// Where images are linked to.
const LOADED: usize = 0x0010_0000;

/// Decides and starts an image; returns if there is none.
pub fn run(straps: &Straps) -> Exit {
    match choose(&mut Nor::new(straps.cut), straps.in_place) {
        Ok(Some(slot)) => {
            say!("boot: run {slot:?}");
            start(product::layout(straps.in_place).slot(slot).start as usize)
        }
        Ok(None) => say!("boot: no whole image"),
        Err(error) => say!("boot: {error:?}"),
    }
    Exit::Failed
}

/// Goes on with an update if there is one, and decides; `None`: there is no whole image.
fn choose(flash: &mut Nor, in_place: bool) -> Result<Option<Slot>, Error<FlashError>> {
    let mut update = Update::mount(flash, product::layout(in_place))?;
    say!("boot: {:?}", update.job());
    loop {
        match update.boot(flash)? {
            BootDecision::Run(slot) => return Ok(Some(slot)),
            BootDecision::Broken => return Ok(None),
            BootDecision::Update => {
                let (mark, begun) = (Mark::set(), uptime());
                apply(&mut update, flash)?;
                let instructions = (uptime() - begun).as_nanos();
                say!("measured apply instructions={instructions} stack={}", mark.depth());
            }
        }
    }
}

#[inline(never)]
fn apply(update: &mut Update, flash: &mut Nor) -> Result<(), Error<FlashError>> {
    static mut ROOM: Room = Room::new();
    // SAFETY: one thread; the applier that had it before is gone.
    let room = unsafe { (&raw mut ROOM).as_mut_unchecked() };
    let mut applier = Applier::resume(update, flash, &product::device(None), &SoftCrypto, room.lend())?;
    loop {
        match applier.step(flash)? {
            Progress::Complete => {
                say!("boot: image complete");
                return Ok(());
            }
            Progress::Ended(Outcome { result, .. }) => {
                say!("boot: update ended, {result}");
                return Ok(());
            }
            _ => {}
        }
    }
}

/// Loads the image at this offset of the flash, and starts it as the processor starts a program.
fn start(offset: usize) -> ! {
    let from = core::ptr::with_exposed_provenance::<u32>(LARGE + offset);
    let to = core::ptr::with_exposed_provenance_mut::<u32>(LOADED);
    for word in 0..product::IMAGE.len as usize / 4 {
        // SAFETY: the slot lies in the large RAM; nothing of this program lies where images do.
        unsafe { to.add(word).write_volatile(from.add(word).read_volatile()) }
    }
    cortex_m::asm::dsb();
    cortex_m::asm::isb();
    // SAFETY: an image begins with its stack pointer and its first instruction, and needs nothing from this program.
    unsafe {
        (*cortex_m::peripheral::SCB::PTR).vtor.write(LOADED as u32);
        cortex_m::asm::bootload(to)
    }
}

//! The boot stage: carries updates through with the update agent alone, decides which image to start, loads it and jumps.
#![no_std]
#![no_main]

use kedge_platform_crypto::SoftCrypto;
use kedge_update_agent::{Applier, BootDecision, Error, Outcome, Progress, Slot, Update};
use observed::black_box::Stage;
use riscv_rt::entry;
use virt::cfi_nor::CfiError;
use virt::power::{self, Exit};
use virt::product::{self, Room};
use virt::{CfiNor, NOTED, Straps, say};

/// Where images are linked to.
const LOADED: usize = 0x8000_0000;
/// Words that are loaded: the whole slot.
const WORDS: usize = product::IMAGE.len as usize / 4;

#[entry]
fn main() -> ! {
    NOTED.enter(Stage::Boot);
    let straps = match Straps::read() {
        Ok(straps) => straps,
        Err(what) => {
            say!("boot: argument: {what}");
            power::leave(Exit::Failed)
        }
    };
    // SAFETY: the only one as long as this program runs; main is entered once.
    let mut flash = unsafe { CfiNor::new() }.with_fuse(straps.cut);
    match choose(&mut flash, straps.in_place) {
        Ok(Some(slot)) => {
            say!("boot: run {slot:?}");
            start(product::layout(straps.in_place).slot(slot).start as usize)
        }
        Ok(None) => say!("boot: no whole image"),
        Err(error) => say!("boot: {error:?}"),
    }
    power::leave(Exit::Failed)
}

/// Goes on with an update if there is one, and decides; `None`: there is no whole image.
fn choose(flash: &mut CfiNor, in_place: bool) -> Result<Option<Slot>, Error<CfiError>> {
    let mut update = Update::mount(flash, product::layout(in_place))?;
    say!("boot: {:?}", update.job());
    loop {
        match update.boot(flash)? {
            BootDecision::Run(slot) => return Ok(Some(slot)),
            BootDecision::Broken => return Ok(None),
            BootDecision::Update => apply(&mut update, flash)?,
        }
    }
}

fn apply(update: &mut Update, flash: &mut CfiNor) -> Result<(), Error<CfiError>> {
    let mut room = Room::new();
    let mut applier = Applier::resume(update, flash, &product::device(), &SoftCrypto, room.lend())?;
    loop {
        match applier.step(flash)? {
            Progress::Applying { done, total } => say!("boot: {done} of {total} blocks"),
            Progress::Complete => {
                say!("boot: image complete");
                return Ok(());
            }
            Progress::Ended(Outcome { result, .. }) => {
                say!("boot: update ended, {result}");
                return Ok(());
            }
            Progress::Verifying { .. } | Progress::Checking { .. } => {}
        }
    }
}

/// Loads the image at this offset of the flash, and starts it.
fn start(offset: usize) -> ! {
    let from = core::ptr::with_exposed_provenance::<u32>(virt::cfi_nor::BASE + offset);
    let to = core::ptr::with_exposed_provenance_mut::<u32>(LOADED);
    for word in 0..WORDS {
        // SAFETY: the flash is in read-array mode, and the slot lies in it; nothing of this program lies where images do.
        unsafe { to.add(word).write_volatile(from.add(word).read_volatile()) }
    }
    riscv::asm::fence_i();
    // SAFETY: an image begins with its first instruction, and needs nothing from this program.
    let image: extern "C" fn() -> ! = unsafe { core::mem::transmute(LOADED) };
    image()
}

#[panic_handler]
fn panic(info: &core::panic::PanicInfo<'_>) -> ! {
    say!("boot: {info}");
    power::leave(Exit::Failed)
}

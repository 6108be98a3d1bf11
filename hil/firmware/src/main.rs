//! Bare-metal firmware on which the core of Kedge runs: an update agent on real flash commands, the codecs, a console.
//!
//! It plays two roles, told apart by its first semihosting argument, as a product would have two programs: `boot` is the
//! boot stage, which only carries updates through and hands over; `image` is the firmware that an update replaces, which
//! fetches packages, and confirms itself once its self-check passed.
//!
//! It ends with an exit code that tells the host, in the place of the board's ROM, what to start next: [`Exit`].
#![no_std]
#![no_main]

mod cfi_nor;
mod console;
mod product;
mod self_check;
mod uart;
mod updates;

use cfi_nor::CfiNor;
use riscv_rt::entry;

/// What is to happen after the program ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    /// Nothing: all is well.
    Done = 0,
    /// Nothing: something failed, as the console says.
    Failed = 1,
    /// Start the boot stage.
    Restart = 10,
    /// Start the image in flash.
    StartImage = 11,
}

#[entry]
fn main() -> ! {
    say!("kedge firmware {} ({})", product::VERSION, product::NAME);
    // SAFETY: the only one; main is entered once.
    let mut flash = unsafe { CfiNor::new() };
    let exit = if is_boot_stage() { updates::carry_through(&mut flash) } else { run(&mut flash) };
    say!("exit {exit:?}");
    semihosting::process::exit(exit as i32)
}

/// What the firmware does after a start.
fn run(flash: &mut CfiNor) -> Exit {
    if !self_check::all() {
        return Exit::Failed;
    }
    match updates::settle_and_fetch(flash) {
        Exit::Done => console::run(flash),
        exit => exit,
    }
}

fn is_boot_stage() -> bool {
    semihosting::experimental::env::args::<64>()
        .is_ok_and(|args| (&args).into_iter().any(|arg| arg == Ok("boot")))
}

#[panic_handler]
fn panic(info: &core::panic::PanicInfo<'_>) -> ! {
    say!("{info}");
    semihosting::process::exit(Exit::Failed as i32)
}

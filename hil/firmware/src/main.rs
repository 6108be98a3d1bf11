//! Bare-metal firmware with the whole agent: sessions over a virtio network card, state and slots on NOR flash, and a console
//! over which the host plays modem and user.
//!
//! | file | what |
//! |---|---|
//! | `phone` | the ports put together, and the agent's life between two restarts |
//! | `license` | the license, if the board has one |
//! | `management` | the account of the management server |
//! | `modem` | data call, registration, short messages and calls, over the console |
//! | `user` | prompts and answers, over the console |
//! | `console` | its commands |
//! | `self_check` | whether the code that was loaded still decodes what it should |
#![no_std]
#![no_main]

mod console;
mod license;
mod management;
mod modem;
mod phone;
mod self_check;
mod user;

use observed::black_box::Stage;
use riscv_rt::entry;
use virt::power::{self, Exit};
use virt::{NOTED, Straps, product, say};

/// The release.
pub const VERSION: &str = if cfg!(feature = "v2") { "2.0" } else { "1.0" };

#[entry]
fn main() -> ! {
    NOTED.enter(Stage::Image);
    say!("kedge firmware {VERSION} ({})", product::NAME);
    let exit = match Straps::read() {
        // An image that fails its own check is not confirmed, so it does not stay.
        Ok(_) if !self_check::all() => Exit::Failed,
        Ok(straps) => phone::live(&straps),
        Err(what) => {
            say!("argument: {what}");
            Exit::Failed
        }
    };
    say!("exit {exit:?}");
    power::leave(exit)
}

#[panic_handler]
fn panic(info: &core::panic::PanicInfo<'_>) -> ! {
    say!("{info}");
    power::leave(Exit::Failed)
}

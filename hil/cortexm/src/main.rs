//! A Cortex-M4 board with the update agent and the license cache, built three times: the boot stage without a feature, the
//! image with `image`, its next release with `v2`.
//!
//! | file | what |
//! |---|---|
//! | `board` | the machine: console, restart, straps, where memory is |
//! | `flash` | NOR flash, kept in a file of the host |
//! | `product` | what the device is, and where things are in its flash |
//! | `boot` | the boot stage: carries updates through, decides, loads, jumps |
//! | `image` | the image: starts with its license, confirms itself, takes packages and documents over the console |
//! | `license` | the license cache, its keys and its requests |
//! | `timer`, `stack` | instructions and stack, as the counting probe takes them |
#![no_std]
#![no_main]

#[cfg_attr(not(feature = "image"), allow(dead_code, reason = "the boot stage uses a part of it"))]
mod board;
#[cfg(not(feature = "image"))]
mod boot;
mod flash;
#[cfg(feature = "image")]
mod image;
#[cfg(feature = "image")]
mod license;
#[cfg_attr(not(feature = "image"), allow(dead_code, reason = "the boot stage uses a part of it"))]
mod product;
#[path = "../../../tests/probes/instructions/src/stack.rs"]
mod stack;
#[path = "../../../tests/probes/instructions/src/board/timer.rs"]
mod timer;

#[cfg(not(feature = "image"))]
use boot as program;
use cortex_m_rt::entry;
#[cfg(feature = "image")]
use image as program;

#[entry]
fn main() -> ! {
    timer::start();
    board::Uart::start();
    board::NOTED.enter(program::STAGE);
    let exit = match board::Straps::read() {
        Ok(straps) => program::run(&straps),
        Err(what) => {
            say!("argument: {what}");
            board::Exit::Failed
        }
    };
    say!("exit {exit:?}");
    board::leave(exit)
}

#[panic_handler]
fn panic(info: &core::panic::PanicInfo<'_>) -> ! {
    say!("{info}");
    say!("exit Failed");
    board::leave(board::Exit::Failed)
}

//! Applies an update on an emulated board, as a boot stage does, and counts the instructions; before that, those of a start
//! with a license.
//!
//! The emulator puts the old image and the package into RAM ([`loaded`]). The flash is RAM too ([`flash::Ram`]), so that the
//! driver costs next to nothing; what the cryptography takes is counted apart. The applier itself compares what comes out,
//! by its SHA-256.
//!
//! It prints lines of `name=value` pairs, and ends with exit code 0 only if the new image stands in its place.
#![no_std]
#![no_main]

#[cfg_attr(target_arch = "arm", path = "board/mps2.rs")]
#[cfg_attr(target_arch = "riscv32", path = "board/virt.rs")]
mod board;
mod count;
mod crypto;
mod decoder;
mod flash;
mod license;
mod loaded;
mod stack;
mod update;

use semihosting::{println, process};

fn run() -> ! {
    let Some(license) = license::run() else {
        println!("failed: the license");
        process::exit(1)
    };
    println!(
        "license_boot={} license_cryptography={} license_verdict={} license_stack={}",
        license.boot, license.cryptography, license.verdict, license.stack,
    );
    count::reset();
    let Some((decoder, update)) = decoder::run().zip(update::run()) else {
        println!("failed");
        process::exit(1)
    };
    println!(
        "octets={} decoder={} verify={} apply={} check={} hash={} signature={} read={} written={} erased={} stack_verify={} stack_apply={}",
        decoder.octets,
        decoder.instructions,
        update.verify,
        update.apply,
        update.check,
        count::get(count::Of::Hash),
        count::get(count::Of::Signature),
        update.moved.read,
        update.moved.written,
        update.moved.erased,
        update.stack_verify,
        update.stack_apply,
    );
    process::exit(0)
}

#[panic_handler]
fn panic(info: &core::panic::PanicInfo<'_>) -> ! {
    println!("{info}");
    process::exit(1)
}

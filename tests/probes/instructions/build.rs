//! Tells the linker where the board's memory is.

use std::path::PathBuf;
use std::{env, fs};

/// QEMU's `virt`: loaded to the start of RAM.
const VIRT: &str = "
MEMORY
{
    IMAGE : ORIGIN = 0x80000000, LENGTH = 1M
    WORK  : ORIGIN = 0x80100000, LENGTH = 1M
}
REGION_ALIAS(\"REGION_TEXT\", IMAGE);
REGION_ALIAS(\"REGION_RODATA\", IMAGE);
REGION_ALIAS(\"REGION_DATA\", WORK);
REGION_ALIAS(\"REGION_BSS\", WORK);
REGION_ALIAS(\"REGION_HEAP\", WORK);
REGION_ALIAS(\"REGION_STACK\", WORK);
";

/// QEMU's `mps2-an386`: two static RAMs, the first of them where a Cortex-M starts.
const MPS2: &str = "
MEMORY
{
    FLASH : ORIGIN = 0x00000000, LENGTH = 1M
    RAM   : ORIGIN = 0x20000000, LENGTH = 1M
}
";

fn main() {
    let arm = env::var("CARGO_CFG_TARGET_ARCH").is_ok_and(|arch| arch == "arm");
    let out = PathBuf::from(env::var_os("OUT_DIR").expect("cargo sets OUT_DIR"));
    fs::write(out.join("memory.x"), if arm { MPS2 } else { VIRT }).expect("OUT_DIR can be written");
    println!("cargo:rustc-link-search={}", out.display());
    if !arm {
        println!("cargo:rustc-link-arg=-Tmemory.x");
    }
    println!("cargo:rustc-link-arg=-Tlink.x");
    println!("cargo:rerun-if-changed=build.rs");
}

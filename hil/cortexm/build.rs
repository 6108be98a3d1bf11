//! Tells the linker where memory is: the boot stage where the processor starts, images where the boot stage loads them.

use std::path::PathBuf;
use std::{env, fs};

fn main() {
    let out = PathBuf::from(env::var_os("OUT_DIR").expect("cargo sets OUT_DIR"));
    let image = env::var_os("CARGO_FEATURE_IMAGE").is_some();
    let (start, len) = if image { ("0x00100000", "256K") } else { ("0x00000000", "256K") };
    let memory = format!(
        "MEMORY\n{{\n    FLASH : ORIGIN = {start}, LENGTH = {len}\n    RAM : ORIGIN = 0x20000000, LENGTH = 128K\n}}\n"
    );
    fs::write(out.join("memory.x"), memory).expect("OUT_DIR can be written");
    println!("cargo:rustc-link-search={}", out.display());
    println!("cargo:rustc-link-arg=-Tlink.x");
    println!("cargo:rerun-if-changed=build.rs");
}

//! Takes the operator's root certificate in, and has the linker use the chip's script.

use std::path::PathBuf;
use std::{env, fs};

fn main() {
    let out = PathBuf::from(env::var_os("OUT_DIR").expect("cargo sets OUT_DIR"));
    println!("cargo:rerun-if-env-changed=KEDGE_ROOT");
    let root = env::var_os("KEDGE_ROOT").map(PathBuf::from);
    let octets = root.as_ref().map(|path| {
        println!("cargo:rerun-if-changed={}", path.display());
        fs::read(path).unwrap_or_else(|why| panic!("KEDGE_ROOT={}: {why}", path.display()))
    });
    // none: nobody is trusted
    fs::write(out.join("root.der"), octets.unwrap_or_default()).expect("OUT_DIR can be written");
    println!("cargo:rustc-link-arg=-Tlinkall.x");
}

//! `package OLD NEW PACKAGE`: makes the update from one release of the board's firmware to the next, as a delta in place,
//! signed with the test key. Product, versions and block size are those of `hil/firmware/src/product.rs`.

use anyhow::{Context, Result, bail};
use kedge_generator::{Installed, Layout, Release, Signer, Target, delta};
use std::env::args_os;

/// One erase sector of the board.
const BLOCK_SIZE: u32 = 256 << 10;

fn main() -> Result<()> {
    let arguments: Vec<_> = args_os().skip(1).collect();
    let [old, new, package] = arguments.as_slice() else { bail!("usage: package OLD NEW PACKAGE") };
    let read =
        |path| std::fs::read(path).with_context(|| format!("{}", std::path::Path::new(path).display()));
    let (old, new) = (read(old)?, read(new)?);
    let release = Release {
        product: "kedge-virt",
        version: "2.0",
        security_counter: 2,
        description: "Decodes WBXML documents and pushes",
        notes: "New console commands: wbxml, push.",
        image: &new,
    };
    let installed = Installed { version: "1.0", image: &old };
    let target = Target { layout: Layout::InPlace, block_size: BLOCK_SIZE };
    let octets = delta(&release, &installed, target, &Signer::test_key())?;
    println!("package: {} octets for an image of {}", octets.len(), new.len());
    Ok(std::fs::write(package, octets)?)
}

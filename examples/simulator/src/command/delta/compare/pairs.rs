//! The images that are compared on.

use std::fs;
use std::path::Path;

use anyhow::{Context, bail};

use crate::command::delta::firmware;
use crate::command::input;

/// An old and a new image, as they stand on the flash.
#[derive(Clone, Debug)]
pub(super) struct Pair {
    pub(super) name: String,
    pub(super) old: Vec<u8>,
    pub(super) new: Vec<u8>,
    /// The address that a file told.
    pub(super) base: Option<u32>,
}

impl Pair {
    /// Reads two files.
    pub(super) fn read(name: &str, old: &Path, new: &Path) -> anyhow::Result<Self> {
        let (old_file, new_file) = (input::file(old)?, input::file(new)?);
        let (old, new) = (firmware(old, &old_file)?, firmware(new, &new_file)?);
        let base = new.base.or(old.base);
        Ok(Self { name: name.to_owned(), old: old.octets.into_owned(), new: new.octets.into_owned(), base })
    }
}

/// Every folder of `directory` that holds `old.bin` and `new.bin`, the smallest new image first.
pub(super) fn corpus(directory: &Path) -> anyhow::Result<Vec<Pair>> {
    let mut pairs = Vec::new();
    for entry in fs::read_dir(directory).with_context(|| directory.display().to_string())? {
        let folder = entry?.path();
        let (old, new) = (folder.join("old.bin"), folder.join("new.bin"));
        if old.is_file() && new.is_file() {
            let name = folder.file_name().unwrap_or_default().to_string_lossy();
            pairs.push(Pair::read(&name, &old, &new)?);
        }
    }
    if pairs.is_empty() {
        bail!("{}: no folder in it holds old.bin and new.bin", directory.display());
    }
    pairs.sort_by(|a, b| (a.new.len(), &a.name).cmp(&(b.new.len(), &b.name)));
    Ok(pairs)
}

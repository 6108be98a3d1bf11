//! Files that are whole or not there.

use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};

use anyhow::Context;

/// A file in the making. Dropped without [`finish`](Self::finish), it leaves nothing behind and what stood at its path as
/// it was; an interrupted program leaves at most a file of another name.
#[derive(Debug)]
pub(super) struct Output {
    path: PathBuf,
    partial: PathBuf,
    file: File,
}

impl Output {
    /// Begins it, in the same directory under another name: nobody wants to learn after a long run that its result has
    /// no place.
    pub(super) fn begin(path: &Path) -> anyhow::Result<Self> {
        let cannot = || format!("{} cannot be written", path.display());
        let name = path.file_name().with_context(cannot)?;
        let mut partial = std::ffi::OsString::from(".");
        partial.push(name);
        partial.push(format!(".{}.part", std::process::id()));
        let partial = path.with_file_name(partial);
        let file = File::create(&partial).with_context(cannot)?;
        Ok(Self { path: path.to_owned(), partial, file })
    }

    /// Writes the content and gives the file its name.
    pub(super) fn finish(mut self, content: &[u8]) -> anyhow::Result<()> {
        let cannot = || format!("{} cannot be written", self.path.display());
        self.file.write_all(content).with_context(cannot)?;
        self.file.sync_all().with_context(cannot)?;
        fs::rename(&self.partial, &self.path).with_context(cannot)
    }
}

impl Drop for Output {
    fn drop(&mut self) {
        // Gone already when it was finished.
        let _ = fs::remove_file(&self.partial);
    }
}

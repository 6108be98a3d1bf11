//! The documents of the shared corpus.

use std::fs;
use std::path::{Path, PathBuf};

/// One file of the corpus.
#[derive(Debug)]
pub struct Sample {
    /// Its path below the corpus.
    pub name: String,
    /// Its octets.
    pub bytes: Vec<u8>,
}

impl Sample {
    /// Whether it is XML rather than WBXML.
    pub fn is_xml(&self) -> bool {
        Path::new(&self.name).extension().is_none_or(|end| end != "wbxml")
    }
}

/// Every WBXML and XML document below `wbxml` and `syncml` of the corpus beside the workspace, in the order of their
/// names; says so and returns none when the corpus is not there.
///
/// # Panics
/// If a file of the corpus cannot be read.
pub fn samples() -> Vec<Sample> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/corpus");
    let mut paths = Vec::new();
    for folder in ["wbxml", "syncml"] {
        collect(&root.join(folder), &mut paths);
    }
    if paths.is_empty() {
        println!("SKIPPED: no documents under ../shared/corpus");
    }
    paths.sort();
    let name = |path: &Path| path.strip_prefix(&root).unwrap_or(path).to_string_lossy().into_owned();
    paths
        .iter()
        .map(|path| Sample { name: name(path), bytes: fs::read(path).expect("a corpus file can be read") })
        .collect()
}

fn collect(folder: &Path, into: &mut Vec<PathBuf>) {
    let Ok(entries) = fs::read_dir(folder) else { return };
    for path in entries.filter_map(|entry| entry.ok().map(|entry| entry.path())) {
        if path.is_dir() {
            collect(&path, into);
        } else if path
            .extension()
            .is_some_and(|end| ["wbxml", "xml", "ddf"].iter().any(|known| end == *known))
        {
            into.push(path);
        }
    }
}

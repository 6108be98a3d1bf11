//! The firmware pairs that the benchmarks run over, and how they average.

use std::fs;
use std::path::{Path, PathBuf};

/// An old image and a new one.
pub(crate) struct Pair {
    pub(crate) name: String,
    #[allow(dead_code, reason = "not every benchmark runs other tools on the files")]
    pub(crate) folder: PathBuf,
    pub(crate) old: Vec<u8>,
    pub(crate) new: Vec<u8>,
}

/// All pairs of the developer set, or those named as arguments, the smallest first; without any, says so.
pub(crate) fn pairs() -> Option<Vec<Pair>> {
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/corpus/firmware");
    let mut pairs = read(&corpus);
    let wanted: Vec<String> =
        std::env::args().skip(1).filter(|argument| !argument.starts_with("--")).collect();
    pairs.retain(|pair| wanted.is_empty() || wanted.contains(&pair.name));
    if pairs.is_empty() {
        println!("skipped: there are no firmware pairs in {}", corpus.display());
        return None;
    }
    Some(pairs)
}

fn read(corpus: &Path) -> Vec<Pair> {
    let folders = fs::read_dir(corpus).into_iter().flatten().flatten().map(|entry| entry.path());
    let pair = |folder: PathBuf| {
        let name = folder.file_name()?.to_string_lossy().into_owned();
        let (old, new) = (fs::read(folder.join("old.bin")).ok()?, fs::read(folder.join("new.bin")).ok()?);
        Some(Pair { name, folder, old, new })
    };
    let mut pairs: Vec<Pair> = folders.filter_map(pair).collect();
    pairs.sort_by_key(|pair| pair.new.len());
    pairs
}

/// Of any ratios.
pub(crate) fn geometric_mean(ratios: impl Iterator<Item = f64>) -> Option<f64> {
    let logarithms: Vec<f64> = ratios.map(f64::ln).collect();
    let count = u32::try_from(logarithms.len()).ok().filter(|count| *count > 0)?;
    Some((logarithms.iter().sum::<f64>() / f64::from(count)).exp())
}

/// A ratio in a table.
pub(crate) fn cell(ratio: Option<f64>) -> String {
    ratio.map_or("-".to_owned(), |ratio| format!("{ratio:.3}"))
}

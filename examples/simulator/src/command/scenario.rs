//! `kedge scenario`: scenario files.

use std::path::{Path, PathBuf};

use anyhow::Context as _;
use clap::{Args, Subcommand};

use super::{Exit, Surroundings};
use crate::scenario::file::Written;

#[derive(Args, Clone, Debug)]
pub(super) struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Clone, Debug, Subcommand)]
enum Command {
    /// Read scenario files, and say what is wrong with them and where
    Check {
        /// The files; folders stand for all files in them that end with .toml
        #[arg(required = true)]
        files: Vec<PathBuf>,
    },
}

pub(super) fn run(arguments: &Arguments, surroundings: &mut Surroundings<'_>) -> anyhow::Result<Exit> {
    let Command::Check { files } = &arguments.command;
    let mut found = Vec::new();
    for path in files {
        collect(path, &mut found).with_context(|| path.display().to_string())?;
    }
    let mut exit = Exit::Passed;
    for path in &found {
        let text = std::fs::read_to_string(path).with_context(|| path.display().to_string())?;
        match Written::read(&text) {
            Ok(written) => {
                writeln!(surroundings.out, "{}: {}: {}", path.display(), written.name, written.title)?;
            }
            Err(wrong) => {
                exit = Exit::Failed;
                writeln!(surroundings.err, "{}:{wrong}", path.display())?;
            }
        }
    }
    Ok(exit)
}

/// The file, or all that are below the folder.
fn collect(path: &Path, found: &mut Vec<PathBuf>) -> std::io::Result<()> {
    if !path.is_dir() {
        found.push(path.to_owned());
        return Ok(());
    }
    let mut entries = std::fs::read_dir(path)?.collect::<Result<Vec<_>, _>>()?;
    entries.sort_by_key(std::fs::DirEntry::path);
    for entry in entries {
        let path = entry.path();
        if path.is_dir() || path.extension().is_some_and(|extension| extension == "toml") {
            collect(&path, found)?;
        }
    }
    Ok(())
}

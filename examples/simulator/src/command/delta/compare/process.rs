//! Other programs, each with its time limit, and the directory they work in.

use std::ffi::OsString;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::Context;

use super::pairs::Pair;

/// How often a running program is looked at.
const PAUSE: Duration = Duration::from_millis(5);

/// The files in a workplace: the images, what a peer made of them, and what that made.
pub(super) const OLD: &str = "old";
pub(super) const NEW: &str = "new";
pub(super) const PATCH: &str = "patch";
pub(super) const MADE: &str = "made";
/// What a program wrote.
const OUTPUT: &str = "output";
const ERRORS: &str = "errors";

/// A directory of its own for the images and patches of peers; it goes away with this value.
#[derive(Debug)]
pub(super) struct Workplace(PathBuf);

impl Workplace {
    pub(super) fn new() -> anyhow::Result<Self> {
        let path = std::env::temp_dir().join(format!("kedge-compare-{}", std::process::id()));
        fs::create_dir_all(&path).with_context(|| path.display().to_string())?;
        Ok(Self(path))
    }

    /// Puts the images of a pair there.
    pub(super) fn put(&self, pair: &Pair) -> anyhow::Result<()> {
        fs::write(self.path(OLD), &pair.old).context("the work directory cannot be written")?;
        fs::write(self.path(NEW), &pair.new).context("the work directory cannot be written")
    }

    /// Where a file of it stands.
    pub(super) fn path(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }

    /// Takes away what the last peer left.
    pub(super) fn clear(&self) {
        for name in [PATCH, MADE, OUTPUT, ERRORS] {
            let _ = fs::remove_file(self.path(name));
        }
    }
}

impl Drop for Workplace {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// How a program ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Ended {
    /// With exit code 0, after this time.
    Well(Duration),
    /// With another code, if it had one, and the last line that it wrote.
    Badly(Option<i32>, String),
    /// It was ended, because it took too long.
    Late,
}

/// Runs a program, its arguments behind it, in the workplace to its end. If no argument names the file `result`, that is
/// what the program writes to its standard output.
pub(super) fn run(
    line: &[OsString],
    result: &str,
    limit: Duration,
    workplace: &Workplace,
) -> std::io::Result<Ended> {
    let Some((program, arguments)) = line.split_first() else {
        return Err(std::io::ErrorKind::InvalidInput.into());
    };
    let named = arguments.iter().any(|argument| argument == result);
    let output = workplace.path(if named { OUTPUT } else { result });
    let mut command = Command::new(program);
    command.args(arguments).current_dir(&workplace.0).stdin(Stdio::null());
    command.stdout(File::create(output)?).stderr(File::create(workplace.path(ERRORS))?);
    let start = Instant::now();
    let mut child = command.spawn()?;
    let status = loop {
        if let Some(status) = child.try_wait()? {
            break status;
        }
        if start.elapsed() > limit {
            child.kill()?;
            child.wait()?;
            return Ok(Ended::Late);
        }
        std::thread::sleep(PAUSE);
    };
    let took = start.elapsed();
    if status.success() {
        return Ok(Ended::Well(took));
    }
    let said = [ERRORS, OUTPUT].iter().find_map(|name| last_line(&workplace.path(name)));
    Ok(Ended::Badly(status.code(), said.unwrap_or_default()))
}

fn last_line(path: &Path) -> Option<String> {
    let text = fs::read(path).ok()?;
    let text = String::from_utf8_lossy(&text).into_owned();
    text.lines().rev().map(str::trim).find(|line| !line.is_empty()).map(str::to_owned)
}

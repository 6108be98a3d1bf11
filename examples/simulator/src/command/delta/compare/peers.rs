//! The other tools: which are there, and how each is called.
//!
//! Programs from Debian are called as they are. Libraries (PyPI, crates) stand behind a driver of one shape, see
//! `tests/peers/peer.py`: `list`, `make NAME OLD NEW PATCH ARCH`, `apply NAME OLD PATCH OUT`; exit code 3 says that a
//! tool cannot be used on a pair.

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::bail;
use serde::Serialize;

use super::pairs::Pair;
use super::process::{Ended, MADE, NEW, OLD, PATCH, Workplace, run};
use super::results::Cell;

/// The driver of the libraries from PyPI.
const DRIVER: &str = include_str!("../../../../../../tests/peers/peer.py");
/// The driver of the crates, built from `tests/peers/rust`.
const CRATES: &str = "kedge-peers";
/// What a driver ends with where a tool cannot be used.
const NOT_HERE: i32 = 3;

/// A program and how it is called, in the [`Workplace`]. A result whose file is not named is what the program writes to
/// its standard output.
#[derive(Debug)]
struct Program {
    name: &'static str,
    package: &'static str,
    make: &'static [&'static str],
    apply: &'static [&'static str],
}

const PROGRAMS: [Program; 5] = [
    Program {
        name: "full-xz9e",
        package: "xz-utils",
        make: &["xz", "-9e", "-k", "-c", NEW],
        apply: &["xz", "-d", "-c", "--format=xz", PATCH],
    },
    Program {
        name: "full-zstd19",
        package: "zstd",
        make: &["zstd", "-q", "-19", "-c", NEW],
        apply: &["zstd", "-q", "-d", "-c", PATCH],
    },
    Program {
        name: "xdelta3-9",
        package: "xdelta3",
        make: &["xdelta3", "-e", "-9", "-S", "lzma", "-f", "-s", OLD, NEW, PATCH],
        apply: &["xdelta3", "-d", "-f", "-s", OLD, PATCH, MADE],
    },
    Program {
        name: "zstd-patch19",
        package: "zstd",
        make: &["zstd", "-q", "-f", "-19", "--long=30", "--patch-from", OLD, NEW, "-o", PATCH],
        apply: &["zstd", "-q", "-f", "-d", "--long=30", "--patch-from", OLD, PATCH, "-o", MADE],
    },
    Program {
        name: "bsdiff",
        package: "bsdiff",
        make: &["bsdiff", OLD, NEW, PATCH],
        apply: &["bspatch", OLD, MADE, PATCH],
    },
];

/// Tools that were compared with once and that no package archive has: named, so that the best of the peers here is not
/// taken for the best of all.
const ELSEWHERE: [(&str, &str); 3] = [
    ("hdiffz (5 variants)", "in no archive: https://github.com/sisong/HDiffPatch"),
    ("hdiffi in place (4 variants)", "in no archive: https://github.com/sisong/HPatchLite"),
    ("mcuboot-delta", "not released: MCUboot pull request 2743"),
];

/// A tool that can be run.
#[derive(Clone, Debug)]
pub(super) struct Peer {
    pub(super) name: String,
    call: Call,
}

#[derive(Clone, Debug)]
enum Call {
    /// The programs that make and apply.
    Program { program: &'static Program, make: PathBuf, apply: PathBuf },
    /// The driver's program and what stands before its own arguments.
    Driver { program: PathBuf, before: Vec<OsString> },
}

/// The tools.
#[derive(Debug)]
pub(super) struct Peers {
    pub(super) ready: Vec<Peer>,
    /// What is not there.
    pub(super) missing: Vec<Missing>,
    limit: Duration,
}

/// A tool that is not there.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(super) struct Missing {
    pub(super) name: String,
    /// What to install.
    pub(super) install: String,
}

impl Peers {
    /// Looks for all of them in `directory` and in the search path.
    pub(super) fn find(directory: &Path, limit: Duration) -> Self {
        // programs are started in another directory
        let directory = fs::canonicalize(directory).unwrap_or_else(|_| directory.to_owned());
        let mut peers = Self { ready: Vec::new(), missing: Vec::new(), limit };
        for program in &PROGRAMS {
            let found = |arguments: &[&str]| find(&directory, arguments.first().copied().unwrap_or_default());
            match (found(program.make), found(program.apply)) {
                (Some(make), Some(apply)) => {
                    let call = Call::Program { program, make, apply };
                    peers.ready.push(Peer { name: program.name.to_owned(), call });
                }
                _ => peers.miss(program.name, &format!("apt-get install {}", program.package)),
            }
        }
        match find(&directory, "python3") {
            Some(python) => peers.add_driver(&python, &["-c".into(), DRIVER.into()], "pip install"),
            None => peers.miss("the tools from PyPI", "apt-get install python3"),
        }
        match find(&directory, CRATES) {
            Some(crates) => peers.add_driver(&crates, &[], "cargo install"),
            None => peers.miss("the Rust crates", "tests/peers/install.sh"),
        }
        for (name, where_from) in ELSEWHERE {
            peers.miss(name, where_from);
        }
        peers
    }

    fn miss(&mut self, name: &str, install: &str) {
        self.missing.push(Missing { name: name.to_owned(), install: install.to_owned() });
    }

    /// Asks a driver for the tools behind it.
    fn add_driver(&mut self, program: &Path, before: &[OsString], installer: &str) {
        let listed = Command::new(program).args(before).arg("list").output();
        let text = match &listed {
            Ok(output) if output.status.success() => String::from_utf8_lossy(&output.stdout),
            _ => return self.miss(&program.display().to_string(), "it does not list its tools"),
        };
        for line in text.lines() {
            match line.split_whitespace().collect::<Vec<_>>()[..] {
                [name, "ready"] => {
                    let call = Call::Driver { program: program.to_owned(), before: before.to_owned() };
                    self.ready.push(Peer { name: name.to_owned(), call });
                }
                [name, "missing", package] => self.miss(name, &format!("{installer} {package}")),
                _ => {}
            }
        }
    }

    /// Keeps the peers with these names; `none`: no peers; no names: all.
    pub(super) fn keep_only(&mut self, names: &[String]) -> anyhow::Result<()> {
        if names.is_empty() {
            return Ok(());
        }
        for name in names.iter().filter(|name| *name != "none") {
            if !self.ready.iter().any(|peer| peer.name == *name) {
                let known: Vec<&str> = self.ready.iter().map(|peer| peer.name.as_str()).collect();
                bail!("there is no peer {name:?}; these can be run: {}", known.join(" "));
            }
        }
        self.ready.retain(|peer| names.contains(&peer.name));
        self.missing.clear();
        Ok(())
    }

    /// Makes a patch for the pair in the workplace, applies it, and compares.
    pub(super) fn run(&self, peer: &Peer, pair: &Pair, arch: &str, workplace: &Workplace) -> Cell {
        workplace.clear();
        let seconds = match self.call(&peer.make(arch), PATCH, workplace) {
            Ok(took) => took.as_secs_f64(),
            Err(cell) => return cell,
        };
        let Ok(patch) = fs::metadata(workplace.path(PATCH)) else {
            return Cell::Failed("it made no patch".into());
        };
        match self.call(&peer.apply(), MADE, workplace) {
            Ok(_) => {}
            Err(Cell::NotHere(why) | Cell::Failed(why)) => return Cell::Failed(format!("applying: {why}")),
            Err(cell) => return cell,
        }
        match fs::read(workplace.path(MADE)) {
            Ok(made) if made == pair.new => {
                Cell::Made { bytes: usize::try_from(patch.len()).unwrap_or(usize::MAX), seconds }
            }
            _ => Cell::Failed("its patch makes another image".into()),
        }
    }

    /// Runs a program with its arguments; returns how long it took, or what there is to say instead of a result.
    fn call(&self, arguments: &[OsString], result: &str, workplace: &Workplace) -> Result<Duration, Cell> {
        match run(arguments, result, self.limit, workplace) {
            Ok(Ended::Well(took)) => Ok(took),
            Ok(Ended::Badly(Some(NOT_HERE), why)) => Err(Cell::NotHere(why)),
            Ok(Ended::Badly(_, why)) => Err(Cell::Failed(why)),
            Ok(Ended::Late) => Err(Cell::NotHere(format!("takes more than {} s", self.limit.as_secs()))),
            Err(error) => Err(Cell::Failed(error.to_string())),
        }
    }
}

impl Peer {
    /// The command line that makes a patch.
    fn make(&self, arch: &str) -> Vec<OsString> {
        match &self.call {
            Call::Program { program, make, .. } => line(make, program.make),
            Call::Driver { .. } => self.driver(&["make", &self.name, OLD, NEW, PATCH, arch]),
        }
    }

    /// The command line that applies it.
    fn apply(&self) -> Vec<OsString> {
        match &self.call {
            Call::Program { program, apply, .. } => line(apply, program.apply),
            Call::Driver { .. } => self.driver(&["apply", &self.name, OLD, PATCH, MADE]),
        }
    }

    fn driver(&self, arguments: &[&str]) -> Vec<OsString> {
        match &self.call {
            Call::Driver { program, before } => {
                let front = std::iter::once(program.into()).chain(before.iter().cloned());
                front.chain(arguments.iter().map(OsString::from)).collect()
            }
            Call::Program { .. } => Vec::new(),
        }
    }
}

/// The command line of a template, with the program that was found.
fn line(program: &Path, template: &[&str]) -> Vec<OsString> {
    std::iter::once(program.into()).chain(template.iter().skip(1).map(OsString::from)).collect()
}

/// A program in `directory/bin` or the search path.
fn find(directory: &Path, name: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let places = std::iter::once(directory.join("bin")).chain(std::env::split_paths(&path));
    places.map(|place| place.join(name)).find(|program| program.is_file())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn peers() -> Peers {
        let call = Call::Driver { program: "driver".into(), before: vec!["first".into()] };
        let ready = vec![Peer { name: "one".into(), call: call.clone() }, Peer { name: "two".into(), call }];
        Peers { ready, missing: Vec::new(), limit: Duration::from_secs(1) }
    }

    #[test]
    fn peers_are_chosen_by_name() {
        let mut peers = peers();
        peers.keep_only(&["two".into()]).unwrap();
        assert_eq!(peers.ready.len(), 1);
        let error = peers.keep_only(&["one".into()]).unwrap_err().to_string();
        assert!(error.contains("\"one\"") && error.contains("two"), "{error}");
        peers.keep_only(&["none".into()]).unwrap();
        assert!(peers.ready.is_empty());
    }

    #[test]
    fn a_driver_is_told_the_files_and_the_instructions() {
        let line = peers().ready[0].make("thumb");
        assert_eq!(line, ["driver", "first", "make", "one", OLD, NEW, PATCH, "thumb"]);
        assert_eq!(peers().ready[1].apply(), ["driver", "first", "apply", "two", OLD, PATCH, MADE]);
    }

    #[test]
    fn every_program_names_its_inputs() {
        for Program { name, make, apply, .. } in &PROGRAMS {
            assert!(make.contains(&NEW) && apply.contains(&PATCH), "{name}");
        }
    }
}

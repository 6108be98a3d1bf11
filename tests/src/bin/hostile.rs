//! Hostile input without libFuzzer: what targets there are, their seeds, and mutated seeds.
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand};
use kedge_tests::hostile::{Target, sample};

/// Gives hostile input to what reads packages, plans and flash.
#[derive(Parser)]
struct Arguments {
    #[command(subcommand)]
    what: What,
}

#[derive(Subcommand)]
enum What {
    /// The names of the targets
    List,
    /// Write the seeds of a target
    Seeds { target: String, directory: PathBuf },
    /// Run mutated seeds of a target
    Sample { target: String, cases: usize },
}

fn main() -> ExitCode {
    match run(&Arguments::parse().what) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

fn run(what: &What) -> Result<(), String> {
    match what {
        What::List => {
            for target in Target::ALL {
                println!("{}", target.name());
            }
        }
        What::Seeds { target, directory } => {
            std::fs::create_dir_all(directory)
                .map_err(|error| format!("{}: {error}", directory.display()))?;
            for (n, seed) in find(target)?.seeds().iter().enumerate() {
                let path = directory.join(format!("seed-{n:03}"));
                std::fs::write(&path, seed).map_err(|error| format!("{}: {error}", path.display()))?;
            }
        }
        What::Sample { target, cases } => println!("{target}: {:?}", sample(find(target)?, *cases)),
    }
    Ok(())
}

fn find(name: &str) -> Result<Target, String> {
    let found = Target::ALL.into_iter().find(|target| target.name() == name);
    found.ok_or_else(|| format!("there is no target {name:?}"))
}

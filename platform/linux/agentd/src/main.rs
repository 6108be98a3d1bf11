//! `kedge-agentd [--config FILE] [--check]`

use std::path::PathBuf;
use std::process::ExitCode;

use kedge_agentd::config::Config;

const USAGE: &str = "\
usage: kedge-agentd [--config FILE] [--check]

  --config FILE   the configuration; /etc/kedge/agentd.toml without it
  --check         read the configuration, say what is wrong with it, and end
  --version       print the version

Exit codes: 0 stopped when asked, 1 could not start, 2 wrong command line or configuration.";

/// Where the configuration is unless said otherwise.
const CONFIG: &str = "/etc/kedge/agentd.toml";

fn main() -> ExitCode {
    let (mut path, mut check) = (PathBuf::from(CONFIG), false);
    let mut arguments = std::env::args_os().skip(1);
    while let Some(argument) = arguments.next() {
        match (argument.to_str(), &mut arguments) {
            (Some("--config"), rest) => match rest.next() {
                Some(file) => path = file.into(),
                None => return wrong("--config needs the name of a file"),
            },
            (Some("--check"), _) => check = true,
            (Some("--help" | "-h"), _) => {
                println!("{USAGE}");
                return ExitCode::SUCCESS;
            }
            (Some("--version" | "-V"), _) => {
                println!("kedge-agentd {}", env!("CARGO_PKG_VERSION"));
                return ExitCode::SUCCESS;
            }
            _ => return wrong(&format!("unknown argument {}", argument.display())),
        }
    }
    let config = match Config::read(&path) {
        Ok(config) => config,
        Err(fault) => {
            eprintln!("{fault}");
            return ExitCode::from(2);
        }
    };
    if check {
        println!("{}: good", path.display());
        return ExitCode::SUCCESS;
    }
    kedge_agentd::console::start(config.log);
    match kedge_agentd::serve(&config) {
        Ok(never) => match never {},
        Err(error) => {
            log::error!("{error:#}");
            ExitCode::FAILURE
        }
    }
}

fn wrong(what: &str) -> ExitCode {
    eprintln!("kedge-agentd: {what}\n\n{USAGE}");
    ExitCode::from(2)
}

//! The desktop command `kedge`: see the library for what it does.

use std::io::{self, IsTerminal};
use std::process::ExitCode;

use kedge::command::{Surroundings, run};
use kedge::player::Player;

fn main() -> ExitCode {
    let terminal = io::stdout().is_terminal();
    let set = |name: &str| std::env::var_os(name).is_some_and(|value| !value.is_empty());
    let colour = terminal && !set("NO_COLOR") && std::env::var_os("TERM").is_none_or(|term| term != "dumb");
    let mut surroundings = Surroundings {
        out: &mut io::stdout(),
        err: &mut io::stderr(),
        term: terminal.then(console::Term::stderr),
        colour,
    };
    run(std::env::args_os(), &Player, &mut surroundings).into()
}

//! `kedge prl`: preferred roaming lists of CDMA handsets, shown, checked and made.

mod show;
mod text;

use std::path::PathBuf;

use anyhow::{Context, bail};
use clap::{Args, Subcommand, ValueEnum};
use kedge_protocol::is683::prl::{Prl, PrlError, PrlFormat, check_in_place};

use super::{Exit, Surroundings, input};

#[derive(Args, Clone, Debug)]
pub(super) struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand, Clone, Debug)]
enum Command {
    /// Show a list as tables, or as the text that `make` takes
    Show {
        /// A file, hexadecimal digits, or - for the standard input
        #[arg(value_name = "FILE|HEX|-")]
        source: String,
        /// The text that `make` takes
        #[arg(long)]
        text: bool,
        #[command(flatten)]
        format: FormatChoice,
    },
    /// Check length, check value and every record, as a handset does before it takes the list
    Check {
        /// A file, hexadecimal digits, or - for the standard input
        #[arg(value_name = "FILE|HEX|-")]
        source: String,
        /// The longest list that the handset takes, in octets
        #[arg(long, value_name = "OCTETS", default_value_t = u16::MAX)]
        max: u16,
        #[command(flatten)]
        format: FormatChoice,
    },
    /// Make a list from its text
    Make {
        /// The text; `show --text` writes one
        text: PathBuf,
        /// The list
        #[arg(short, long, value_name = "FILE")]
        output: PathBuf,
    },
}

#[derive(Args, Clone, Copy, Debug)]
struct FormatChoice {
    /// The format, if it is not to be found out
    #[arg(long, value_enum)]
    format: Option<Format>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Format {
    /// SSPR_P_REV 1
    Classic,
    /// SSPR_P_REV 3
    Extended,
}

impl From<Format> for PrlFormat {
    fn from(format: Format) -> Self {
        match format {
            Format::Classic => Self::Classic,
            Format::Extended => Self::Extended,
        }
    }
}

pub(super) fn run(arguments: &Arguments, surroundings: &mut Surroundings<'_>) -> anyhow::Result<Exit> {
    match &arguments.command {
        Command::Show { source, text, format } => {
            let octets = input::octets(source)?;
            match Prl::parse(format.or_guess(&octets), &octets) {
                Ok(prl) => {
                    let shown = if *text { text::write(&prl) } else { show::tables(&prl) };
                    surroundings.out.write_all(shown.as_bytes())?;
                    Ok(Exit::Passed)
                }
                Err(error) => broken(&octets, error, surroundings),
            }
        }
        Command::Check { source, max, format } => check(source, *max, *format, surroundings),
        Command::Make { text, output } => {
            let lines = std::fs::read_to_string(text).with_context(|| text.display().to_string())?;
            let list = text::read(&lines).with_context(|| text.display().to_string())?;
            std::fs::write(output, &list).with_context(|| output.display().to_string())?;
            writeln!(surroundings.err, "{}: {} octets", output.display(), list.len())?;
            Ok(Exit::Passed)
        }
    }
}

impl FormatChoice {
    /// The format asked for, else the one in which the list makes sense. An extended list says 3 in its fifth octet; in a
    /// classic one that would be a rare default indicator.
    fn or_guess(self, octets: &[u8]) -> PrlFormat {
        let extended = octets.get(4) == Some(&3) && Prl::parse(PrlFormat::Extended, octets).is_ok();
        let guess = if extended { PrlFormat::Extended } else { PrlFormat::Classic };
        match self.format {
            Some(format) => format.into(),
            None if !extended && octets.get(4) == Some(&3) && Prl::parse(guess, octets).is_err() => {
                PrlFormat::Extended
            }
            None => guess,
        }
    }
}

fn check(
    source: &str,
    max: u16,
    format: FormatChoice,
    surroundings: &mut Surroundings<'_>,
) -> anyhow::Result<Exit> {
    let octets = input::octets(source)?;
    let format = format.or_guess(&octets);
    // The pass that a handset makes over its flash, and the one over its RAM, must say the same.
    let in_place = check_in_place(format, octets.len(), |at, out| {
        let here = octets.get(at..).unwrap_or_default();
        let n = here.len().min(out.len());
        out.iter_mut().zip(here).for_each(|(to, from)| *to = *from);
        n
    });
    match (Prl::parse(format, &octets), in_place) {
        (Ok(prl), Ok(header)) if prl.header() == header => {
            if octets.len() > usize::from(max) {
                writeln!(surroundings.err, "kedge: the list has {} octets, {max} are allowed", octets.len())?;
                return Ok(Exit::Failed);
            }
            writeln!(
                surroundings.out,
                "{} list {}, {} octets: {} acquisition records, {} systems, check value right",
                show::format_name(format),
                header.id,
                octets.len(),
                header.num_acq_recs,
                header.num_sys_recs,
            )?;
            Ok(Exit::Passed)
        }
        (Err(error), Err(_)) => broken(&octets, error, surroundings),
        (parsed, in_place) => {
            bail!("the two passes disagree: {:?}, {in_place:?}", parsed.map(|prl| prl.header()))
        }
    }
}

fn broken(octets: &[u8], error: PrlError, surroundings: &mut Surroundings<'_>) -> anyhow::Result<Exit> {
    writeln!(surroundings.err, "kedge: broken roaming list of {} octets: {error}", octets.len())?;
    Ok(Exit::Failed)
}

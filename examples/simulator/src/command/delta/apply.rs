//! `kedge delta apply` and `kedge delta verify`.

use std::path::PathBuf;

use anyhow::Context;
use clap::Args;
use kedge_generator::{Signer, Trip, forecast, rehearse, suit};
use kedge_update_agent::UpdateResult;

use super::decode::decode;
use super::opened::Opened;
use super::output::Output;
use super::speed::{Part, TYPICAL};
use super::stream::streamed;
use super::{Exit, Surroundings, firmware};
use crate::command::input;
use crate::command::signing::Trust;

#[derive(Args, Clone, Debug)]
pub(super) struct Apply {
    /// The package; with --stream, - is the standard input
    package: PathBuf,
    /// Use the package while it is read, as a device does that has no room to store it
    #[arg(long)]
    stream: bool,
    /// The image that is installed
    #[arg(long, value_name = "FILE")]
    old: PathBuf,
    /// Where to write the new image
    #[arg(short, long, value_name = "FILE")]
    output: PathBuf,
    #[command(flatten)]
    trust: Trust,
    /// How fast a device is, for the forecast: milliseconds to erase a sector, then KiB a second
    #[arg(long, value_name = "SPEED", default_value = TYPICAL)]
    speed: Part,
}

#[derive(Args, Clone, Debug)]
pub(super) struct Verify {
    /// The package
    package: PathBuf,
    /// The image that is installed
    #[arg(long, value_name = "FILE")]
    old: PathBuf,
    /// The image that must come out
    #[arg(long, value_name = "FILE")]
    new: PathBuf,
    #[command(flatten)]
    trust: Trust,
    /// How fast a device is, for the forecast: milliseconds to erase a sector, then KiB a second
    #[arg(long, value_name = "SPEED", default_value = TYPICAL)]
    speed: Part,
}

pub(super) fn apply(arguments: &Apply, surroundings: &mut Surroundings<'_>) -> anyhow::Result<Exit> {
    if arguments.stream {
        return apply_streamed(arguments, surroundings);
    }
    let package = input::file(&arguments.package)?;
    let old = input::file(&arguments.old)?;
    let old = firmware(&arguments.old, &old)?.octets;
    match made(&package, &old, &arguments.trust)? {
        Ok(new) => {
            Output::begin(&arguments.output)?.finish(&new)?;
            writeln!(surroundings.out, "{}: {} octets", arguments.output.display(), new.len())?;
            if let Ok(forecast) = forecast(&package, 0) {
                arguments.speed.print(&forecast, "on a device", surroundings.out)?;
            }
            Ok(Exit::Passed)
        }
        Err(why) => failed(&why, surroundings),
    }
}

fn apply_streamed(arguments: &Apply, surroundings: &mut Surroundings<'_>) -> anyhow::Result<Exit> {
    let old = input::file(&arguments.old)?;
    let old = firmware(&arguments.old, &old)?.octets;
    let name = arguments.package.display();
    let made = if arguments.package.as_os_str() == "-" {
        streamed(&mut std::io::stdin().lock(), &old, &arguments.trust)
    } else {
        let mut file = std::fs::File::open(&arguments.package).with_context(|| name.to_string())?;
        streamed(&mut file, &old, &arguments.trust)
    };
    match made.with_context(|| name.to_string())? {
        Ok(made) => {
            Output::begin(&arguments.output)?.finish(&made.new)?;
            writeln!(
                surroundings.out,
                "{}: {} octets, from a package of {} with {} octets of flash beside the slot, {} erases",
                arguments.output.display(),
                made.new.len(),
                made.package,
                made.stash,
                made.erases
            )?;
            Ok(Exit::Passed)
        }
        Err(why) => failed(&why, surroundings),
    }
}

pub(super) fn verify(arguments: &Verify, surroundings: &mut Surroundings<'_>) -> anyhow::Result<Exit> {
    let package = input::file(&arguments.package)?;
    let (old, new) = (input::file(&arguments.old)?, input::file(&arguments.new)?);
    let (old, new) = (firmware(&arguments.old, &old)?.octets, firmware(&arguments.new, &new)?.octets);
    match made(&package, &old, &arguments.trust)? {
        Ok(made) if *made != *new => return failed(&different(&made, &new), surroundings),
        Ok(_) => {}
        Err(why) => return failed(&why, surroundings),
    }
    // The device on the flash model trusts the test key. The signature was checked above; all else is as it was.
    let tester = Signer::test_key();
    let resigned = if Opened::new(&package)?.envelope.key_id.octets() == tester.id() {
        None
    } else {
        Some(suit(&package, &tester)?)
    };
    match rehearse(resigned.as_deref().unwrap_or(&package), &old, &new, &tester, 0) {
        Ok(work) => {
            writeln!(
                surroundings.out,
                "{}: makes exactly {} ({} octets) on the flash model: {} erases, {} writes, at most {} erases of a sector",
                arguments.package.display(),
                arguments.new.display(),
                new.len(),
                work.erases,
                work.programs,
                work.most_worn
            )?;
            tell(&work.there, "way there", arguments.speed, surroundings)?;
            writeln!(
                surroundings.out,
                "{:13} {} sectors of the image change, {} were erased",
                "", work.changed, work.there.tally.image.erases
            )?;
            if let Some(back) = &work.back {
                tell(back, "way back", arguments.speed, surroundings)?;
            }
            Ok(Exit::Passed)
        }
        Err(error) => failed(&error.to_string(), surroundings),
    }
}

/// What was foreseen, and what was counted.
fn tell(trip: &Trip, what: &str, part: Part, surroundings: &mut Surroundings<'_>) -> anyhow::Result<()> {
    part.print(&trip.forecast, what, surroundings.out)?;
    let (tally, total) = (&trip.tally, trip.tally.total());
    writeln!(
        surroundings.out,
        "{:13} counted: {} erases: image {}, spare {}, state {}, journal {}; {} octets programmed, {} read",
        "",
        total.erases,
        tally.image.erases,
        tally.spare.erases,
        tally.package.erases,
        tally.journal.erases,
        total.programmed,
        total.read
    )?;
    Ok(())
}

/// The new image, or why there is none.
fn made(package: &[u8], old: &[u8], trust: &Trust) -> anyhow::Result<Result<Vec<u8>, String>> {
    let opened = match Opened::new(package) {
        Ok(opened) => opened,
        Err(error) => return Ok(Err(format!("broken update package: {error}"))),
    };
    let key = trust.public_key(opened.envelope.key_id.octets())?;
    Ok(decode(&opened, old, key)
        .map_err(|result: UpdateResult| format!("{result} (result {})", result.code())))
}

fn different(made: &[u8], wanted: &[u8]) -> String {
    match made.iter().zip(wanted).position(|(made, wanted)| made != wanted) {
        Some(at) => format!("the package makes another image: it differs from octet {at} ({at:#x}) on"),
        None => format!("the package makes another image: {} octets, not {}", made.len(), wanted.len()),
    }
}

fn failed(why: &str, surroundings: &mut Surroundings<'_>) -> anyhow::Result<Exit> {
    writeln!(surroundings.err, "kedge: {why}")?;
    Ok(Exit::Failed)
}

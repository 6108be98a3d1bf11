//! What `kedge license` shows: the device, how a session ended, a document step by step.

use std::io::{self, Write};
use std::path::Path;

use anyhow::{anyhow, bail};
use kedge_agent::license::{LicenseError, Now};
use kedge_platform::clock::Clock as _;
use kedge_platform_linux::clock::SystemClock;
use kedge_platform_sim::nor::Nor;
use kedge_protocol::license::session::Outcome;

use super::directory::{Directory, wall_clock};
use super::document_type;
use crate::command::{Exit, input};
use crate::hex;
use crate::license::device::{Licensed, Profile};
use crate::license::explain::{document, sealed, steps, told};

/// What a device is.
pub(super) fn profile(profile: &Profile, out: &mut dyn Write) -> io::Result<()> {
    writeln!(out, "identity        {}", hex::encode(&profile.ueid))?;
    writeln!(out, "public key      {}", hex::encode(&profile.public_key()))?;
    writeln!(out, "level           L2, the key in a file: whoever copies the directory copies the device")?;
    writeln!(out, "server          {}", profile.entry)
}

/// How a session ended, with the code that it ended with.
pub(super) fn outcome(outcome: &Outcome, out: &mut dyn Write) -> io::Result<()> {
    match outcome {
        Outcome::Installed { state, reported } => {
            let report = if *reported { "reported" } else { "the report is still due" };
            writeln!(out, "installed: {state}, {report}")
        }
        Outcome::Refused(refusal) => writeln!(out, "refused in step {}: {}", refusal.step, told(refusal)),
        Outcome::Problem { code, status, retry_after } => {
            let code = code.map_or_else(|| "no code".to_owned(), |code| format!("problem {} {code}", code.0));
            let later =
                retry_after.map_or_else(String::new, |pause| format!(", again in {} s", pause.as_secs()));
            writeln!(out, "the server refuses: {code} (HTTP {status}){later}")
        }
        Outcome::Http { status, .. } => writeln!(out, "the server answers with HTTP {status}"),
        Outcome::NothingToDo => writeln!(out, "there is nothing to do"),
        Outcome::HandedOver => writeln!(out, "the browser goes on; open what it downloads"),
        Outcome::Dispatched => {
            writeln!(out, "a document of another protocol came; the license is not concerned")
        }
        Outcome::LinkDown => writeln!(out, "no connection to the server, or it broke"),
        Outcome::TimedOut => writeln!(out, "no answer in time"),
        other => writeln!(out, "the session ended: {other:?}"),
    }
}

/// A document, and what the device would make of it: on a copy of its flash, so that nothing changes.
pub(super) fn explain(place: &Path, path: &Path, out: &mut dyn Write) -> anyhow::Result<Exit> {
    let octets = input::file(path)?;
    write!(out, "{}", document(&octets))?;
    if sealed(&octets).is_some() {
        return Ok(Exit::Failed);
    }
    let Ok(directory) = Directory::open(place) else {
        writeln!(out, "{}: no device, so nothing is checked", place.display())?;
        return Ok(Exit::Failed);
    };
    let mut flash = Nor::<16, 4096>::new(4);
    if let Some(image) = directory.flash()? {
        flash.load(0, &image).map_err(|error| anyhow!("the device's flash: {error:?}"))?;
    }
    let now = Now { uptime: SystemClock::new().uptime(), rtc: Some(wall_clock()) };
    let started = Licensed::start(&directory.profile, flash, now);
    let (mut device, _) = started.map_err(|(error, _)| anyhow!("{error}"))?;
    if let Some(nonce) = directory.outstanding()? {
        device.restore_nonce(nonce, now);
    }
    let refusal = match device.install(&octets, &document_type(), now) {
        Ok(_) => None,
        Err(LicenseError::Refused(refusal)) => Some(refusal),
        Err(error) => bail!("{error}"),
    };
    writeln!(out, "acceptance, on a copy of the device:")?;
    write!(out, "{}", steps(refusal))?;
    Ok(if refusal.is_none() { Exit::Passed } else { Exit::Failed })
}

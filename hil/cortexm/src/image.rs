//! The image: it starts with its license, confirms itself, and does what the host asks for over the console, a line each.
//!
//! ```text
//!  kedge firmware VERSION (PRODUCT)
//!  license FOUND, verdict VERDICT  every start, before anything else
//!  confirmed, or not confirmed     the trial of a new image is over: storage and license are in order
//!  report PACKAGE RESULT      ──►  reported       how the last update ended, until the host has it
//!  idle                       ──►  package        it lies in a file of the host: stored, verified, ordered, restart
//!                                  license        request HEX comes back
//!                                  document HEX   installed STATE, or refused WHY; verdict VERDICT
//!                                  status         (release 2.0) how the device stands, for people
//!                                  off
//! ```

use core::fmt::Debug;

use kedge_platform_crypto::SoftCrypto;
use kedge_protocol::license::token::TOKEN_MAX;
use kedge_update_agent::{Error, Job, Update};
use observed::black_box::Stage;
use observed::console::{self, Hex, from_hex};
use semihosting::fs::File;
use semihosting::io::Read as _;

use crate::board::{Exit, Straps, Uart, uptime};
use crate::flash::{FlashError, Nor};
use crate::license::{DOCUMENT, License};
use crate::product;
use crate::say;
use crate::stack::Mark;

/// Who runs, for the black box.
pub const STAGE: Stage = Stage::Image;
/// The release.
const VERSION: &str = if cfg!(feature = "v2") { "2.0" } else { "1.0" };
/// Where the host keeps the package, and how many of its octets are taken at once.
const PACKAGE: &core::ffi::CStr = c"package.kdg";
const PIECE: usize = 1024;
/// Octets of a package's envelope, and of a line: a document in hexadecimal, and a word before it.
const ENVELOPE: usize = 4096;
const LINE: usize = 2 * DOCUMENT + 16;

/// What later releases know besides.
const MORE: &[(&str, fn(&License, &Update))] = &[
    #[cfg(feature = "v2")]
    ("status", status::tell),
];

/// Lives until the device restarts or is switched off.
pub fn run(straps: &Straps) -> Exit {
    say!("kedge firmware {VERSION} ({})", product::NAME);
    try_run(straps).unwrap_or(Exit::Failed)
}

/// What went wrong has been said.
struct Said;

fn or_said<T, E: Debug>(what: &str, done: Result<T, E>) -> Result<T, Said> {
    done.map_err(|error| say!("{what}: {error:?}")).map_err(|()| Said)
}

fn try_run(straps: &Straps) -> Result<Exit, Said> {
    let key = License::device_key();
    let (mark, begun) = (Mark::set(), uptime());
    let started = License::begin(straps, key, VERSION);
    let (instructions, stack) = ((uptime() - begun).as_nanos(), mark.depth());
    let (mut license, found) = or_said("license", started)?;
    say!("license {found:?}");
    say!("verdict {}", license.verdict());
    say!("measured start instructions={instructions} stack={stack}");
    let mut flash = Nor::new(straps.cut);
    let mut update = or_said("update", Update::mount(&mut flash, product::layout(straps.in_place)))?;
    let mut line = [0; LINE];
    if let Job::Trial { .. } = update.job() {
        if straps.faulty {
            say!("not confirmed");
            return Ok(Exit::Restart);
        }
        or_said("confirm", update.confirm(&mut flash))?;
        say!("confirmed");
    }
    if let Some(outcome) = update.outcome() {
        say!("report {} {}", outcome.package, outcome.result);
        while console::line(&mut Uart, &mut line) != "reported" {}
        or_said("outcome", update.clear_outcome(&mut flash))?;
    }
    loop {
        say!("idle");
        let line = console::line(&mut Uart, &mut line);
        match line.split_once(' ').unwrap_or((line, "")) {
            ("off", _) => return Ok(Exit::Off),
            ("license", _) => ask(&mut license)?,
            ("document", hex) => install(&mut license, hex),
            ("package", _) => {
                let (mark, begun) = (Mark::set(), uptime());
                fetch(&mut update, &mut flash)?;
                let instructions = (uptime() - begun).as_nanos();
                say!("measured package instructions={instructions} stack={}", mark.depth());
                return Ok(Exit::Restart);
            }
            (name, _) => match MORE.iter().find(|more| more.0 == name) {
                Some((_, run)) => run(&license, &update),
                None => say!("package, license, document HEX, or off"),
            },
        }
    }
}

#[inline(never)]
fn ask(license: &mut License) -> Result<(), Said> {
    let mut token = [0; TOKEN_MAX];
    let token = or_said("request", license.request(&mut token))?;
    say!("request {}", Hex(token));
    Ok(())
}

#[inline(never)]
fn install(license: &mut License, hex: &str) {
    let mut room = [0; DOCUMENT];
    let document = from_hex(hex, &mut room).unwrap_or_default();
    let (mark, begun) = (Mark::set(), uptime());
    let installed = license.install(document);
    let (instructions, stack) = ((uptime() - begun).as_nanos(), mark.depth());
    match installed {
        Ok(state) => say!("installed {state}"),
        Err(why) => say!("refused {why:?}"),
    }
    say!("verdict {}", license.verdict());
    say!("measured install instructions={instructions} stack={stack}");
}

/// Stores the package, from where it was when the power failed, makes sure of it, and orders the update.
#[inline(never)]
fn fetch(update: &mut Update, flash: &mut Nor) -> Result<(), Said> {
    let mut file = or_said("package", File::open(PACKAGE))?;
    let size = or_said("package", file.metadata())?.len() as u32;
    if let Job::Verified { .. } = update.job() {
        return or_said("order", update.order(flash));
    }
    if update.resume().is_none_or(|(_, announced)| announced != size) {
        or_said("begin", update.begin(flash, size))?;
    }
    let mut skip = update.resume().map_or(0, |(at, _)| at as usize);
    let mut piece = [0; PIECE];
    loop {
        let octets = match or_said("package", file.read(&mut piece))? {
            0 => break,
            n => &piece[..n],
        };
        let new = octets.get(skip.min(octets.len())..).unwrap_or_default();
        skip -= octets.len() - new.len();
        or_said("write", update.write(flash, new))?;
    }
    let mut envelope = [0; ENVELOPE];
    let device = product::device(Some(VERSION));
    match update.verify(flash, &device, &SoftCrypto, &mut envelope) {
        Err(Error::<FlashError>::Refused(refusal)) => {
            say!("package refused: {refusal}");
            Err(Said)
        }
        verified => or_said("verify", verified),
    }?;
    or_said("order", update.order(flash))
}

/// How the device stands, for people.
#[cfg(feature = "v2")]
mod status {
    use super::{License, Update, say};

    pub(super) fn tell(license: &License, update: &Update) {
        say!("license: {:?}", license.terms());
        say!("update: {:?}, security counter {}", update.job(), update.security_counter());
        if let Some(outcome) = update.outcome() {
            say!("last update: {} {}", outcome.package, outcome.result);
        }
    }
}

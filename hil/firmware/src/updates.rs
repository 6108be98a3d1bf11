//! Carrying updates through (boot stage), fetching and confirming them (firmware).

use crate::cfi_nor::{CfiError, CfiNor};
use crate::product::Room;
use crate::{Exit, product, say};
use kedge_package::limits::ENVELOPE_MAX;
use kedge_platform_crypto::SoftCrypto;
use kedge_update_agent::{Applier, BootDecision, Error, Job, Progress, Update};
use semihosting::fs::File;
use semihosting::io::Read;

/// Where the host puts a package, in the place of a server.
const PACKAGE: &core::ffi::CStr = c"update.kedge";

/// Octets fetched at once.
const PIECE: usize = 1024;

type Result<T> = core::result::Result<T, Error<CfiError>>;

/// The boot stage: goes on with an update that was ordered, and says what to start.
pub fn carry_through(flash: &mut CfiNor) -> Exit {
    match try_carry_through(flash) {
        Ok(exit) => exit,
        Err(error) => failed("boot", error),
    }
}

fn try_carry_through(flash: &mut CfiNor) -> Result<Exit> {
    let mut update = Update::mount(flash, product::LAYOUT)?;
    say!("boot: {:?}", update.job());
    loop {
        match update.boot(flash)? {
            BootDecision::Run(slot) => {
                say!("boot: run {slot:?}");
                return Ok(Exit::StartImage);
            }
            BootDecision::Update => apply(&mut update, flash)?,
            BootDecision::Broken => {
                say!("boot: no whole image");
                return Ok(Exit::Failed);
            }
        }
    }
}

fn apply(update: &mut Update, flash: &mut CfiNor) -> Result<()> {
    let mut room = Room::new();
    let mut applier = Applier::resume(update, flash, &product::device(None), &SoftCrypto, room.lend())?;
    loop {
        match applier.step(flash)? {
            Progress::Applying { done, total } => say!("boot: {done} of {total} blocks in place"),
            Progress::Complete => {
                say!("boot: image complete");
                return Ok(());
            }
            Progress::Ended(outcome) => {
                say!("boot: update ended, {}", outcome.result);
                return Ok(());
            }
            Progress::Verifying { .. } | Progress::Checking { .. } => {}
        }
    }
}

/// The firmware: confirms itself, reports how the last update ended, and fetches the next package if there is one.
/// `Done` means that there is nothing more to do.
pub fn settle_and_fetch(flash: &mut CfiNor) -> Exit {
    match try_settle_and_fetch(flash) {
        Ok(exit) => exit,
        Err(error) => failed("update", error),
    }
}

fn try_settle_and_fetch(flash: &mut CfiNor) -> Result<Exit> {
    let mut update = Update::mount(flash, product::LAYOUT)?;
    if let Job::Trial { .. } = update.job() {
        update.confirm(flash)?;
        say!("update: confirmed, security counter {}", update.security_counter());
    }
    if let Some(outcome) = update.outcome() {
        say!("update: package {} {}", outcome.package, outcome.result);
        update.clear_outcome(flash)?;
        return Ok(Exit::Done);
    }
    let Ok(mut file) = File::open(PACKAGE) else { return Ok(Exit::Done) };
    fetch(&mut update, flash, &mut file)?;
    let mut work = [0; ENVELOPE_MAX];
    if !matches!(update.job(), Job::Verified { .. } | Job::Ordered { .. }) {
        update.verify(flash, &product::device(Some(product::VERSION)), &SoftCrypto, &mut work)?;
    }
    update.order(flash)?;
    say!("update: ordered");
    Ok(Exit::Restart)
}

/// Fetches what is missing of the package.
fn fetch(update: &mut Update, flash: &mut CfiNor, file: &mut File) -> Result<()> {
    if let Job::Idle = update.job() {
        let size = file.metadata().map_or(0, |metadata| metadata.len());
        update.begin(flash, u32::try_from(size).unwrap_or(u32::MAX))?;
    }
    let Some((from, size)) = update.resume() else { return Ok(()) };
    say!("update: fetching from {from} of {size}");
    let mut piece = [0; PIECE];
    let mut at = 0;
    while at < size {
        let wanted = PIECE.min((size - at) as usize);
        if file.read_exact(&mut piece[..wanted]).is_err() {
            say!("update: the package ends early");
            return Ok(());
        }
        // what is stored already is read over: the host's file has no ranges
        let skip = (from.saturating_sub(at) as usize).min(wanted);
        update.write(flash, &piece[skip..wanted])?;
        at += wanted as u32;
    }
    Ok(())
}

fn failed(what: &str, error: Error<CfiError>) -> Exit {
    say!("{what}: {error:?}");
    Exit::Failed
}

//! Journal and boot loader: what there is to do before the agent starts.

use std::process::Command;
use std::time::Duration;

use anyhow::{Context as _, anyhow, bail};
use kedge_platform_crypto::SoftCrypto;
use kedge_platform_linux::handover::Hook;
use kedge_update_agent::handover::{Next, Runs};
use kedge_update_agent::{Applier, Device, Progress, Slot, WORDS_LARGE, Workspace};

use crate::config::{Config, Update};
use crate::machine::{FlashMap, Guarded};
use crate::protocol::Doing;
use crate::watch::Shared;

/// How long a hook may take: the slow ones write an environment to NOR.
const HOOK_TIME: Duration = Duration::from_secs(60);
/// The memory that the applier works with.
pub(crate) type Room = Workspace<{ WORDS_LARGE + 8192 }, 256>;

/// What comes next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Then {
    /// The agent.
    Start,
    /// A restart of the machine, which was ordered.
    Restarting,
}

/// Makes the image that was ordered, tells the boot loader, ends a trial; whatever is due.
pub(crate) fn follow(
    config: &Config,
    update: &Update,
    flash: &mut Guarded,
    map: FlashMap,
    device: &Device<'_>,
    shared: &Shared,
) -> anyhow::Result<Then> {
    let runs = running(update)?;
    loop {
        let mut journal = kedge_update_agent::Update::mount(flash, map.update).map_err(|e| anyhow!("{e}"))?;
        let active = journal.active();
        let (runs, target) = match active {
            Slot::First => (if runs == Slot::First { Runs::Old } else { Runs::New }, &update.slots[1].0),
            Slot::Second => (if runs == Slot::Second { Runs::Old } else { Runs::New }, &update.slots[0].0),
        };
        let mut hook =
            Hook::new(&update.hook, target, HOOK_TIME).with_context(|| format!("slot {target}"))?;
        match journal.follow(flash, &mut hook, runs).map_err(|e| anyhow!("{e}"))? {
            Next::Run => return Ok(Then::Start),
            Next::Update => apply(&mut journal, flash, device, shared)?,
            Next::Restart => {
                shared.tell(|status| status.doing = Doing::Restarting);
                restart(update)?;
                return Ok(Then::Restarting);
            }
            Next::Prove => {
                log::info!("version {} is on trial and has come this far: it stays", version(config));
                journal.prove(flash, &mut hook).map_err(|e| anyhow!("{e}"))?;
            }
        }
    }
}

fn version(config: &Config) -> &str {
    kedge_platform::identity::Identity::version(&config.identity)
}

/// Makes the new image.
fn apply(
    journal: &mut kedge_update_agent::Update,
    flash: &mut Guarded,
    device: &Device<'_>,
    shared: &Shared,
) -> anyhow::Result<()> {
    log::info!("the new image is being made");
    let mut room = Box::new(Room::new());
    let mut applier =
        Applier::resume(journal, flash, device, &SoftCrypto, room.lend()).map_err(|e| anyhow!("{e}"))?;
    loop {
        let progress = applier.step(flash).map_err(|e| anyhow!("{e}"))?;
        let (text, over) = match progress {
            Progress::Verifying { done, total } => (format!("verifying, {done} of {total} octets"), false),
            Progress::Applying { done, total } => {
                (format!("making the image, {done} of {total} blocks"), false)
            }
            Progress::Checking { done, total } => {
                (format!("checking the image, {done} of {total} octets"), false)
            }
            Progress::Complete => ("the new image is whole".to_owned(), true),
            Progress::Ended(outcome) => (format!("{}", outcome.result), true),
        };
        if over {
            log::info!("{text}");
        }
        shared.tell(|status| (status.doing, status.update) = (Doing::Updating, text));
        if over {
            return Ok(());
        }
    }
}

/// The slot that runs, by the kernel's command line.
fn running(update: &Update) -> anyhow::Result<Slot> {
    let path = &update.cmdline;
    let text = std::fs::read_to_string(path).with_context(|| format!("{}", path.display()))?;
    let words = text.split_ascii_whitespace();
    let name = words
        .filter_map(|word| word.strip_prefix("kedge.slot=").or(word.strip_prefix("rauc.slot=")))
        .next_back();
    match name {
        Some(name) if name == update.slots[0].0 => Ok(Slot::First),
        Some(name) if name == update.slots[1].0 => Ok(Slot::Second),
        Some(name) => bail!("{} says that slot {name} runs, which is none of [update] slots", path.display()),
        None => bail!("{} does not say which slot runs: kedge.slot=NAME is missing", path.display()),
    }
}

fn restart(update: &Update) -> anyhow::Result<()> {
    let (program, arguments) = update.reboot.split_first().context("no command to restart")?;
    log::info!("the machine restarts");
    let status = Command::new(program).args(arguments).status().with_context(|| program.clone())?;
    if status.success() { Ok(()) } else { bail!("{program}: {status}") }
}

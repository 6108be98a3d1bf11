//! Hand-over to the A/B scheme of a Linux device, through a program of the OEM.
//!
//! RAUC, SWUpdate and U-Boot each keep their own record of which slot starts next and which one is on trial. Kedge does not
//! write any of them: it calls one program, the *hook*, with a verb. `platform/linux/handover` has hooks for RAUC
//! (`rauc.sh`) and for a U-Boot environment, alone or below SWUpdate (`uboot-env.sh`).
//!
//! # The contract of a hook
//!
//! Called as `PROGRAM [ARGUMENTS...] VERB`, in `/`, without standard input, in a process group of its own:
//!
//! | verb | does | prints |
//! |---|---|---|
//! | `status` | nothing | `standing=settled`, `standing=pending` or `standing=on-trial` on a line; other lines `key=value` are ignored |
//! | `stage` | has the next start try the slot `KEDGE_SLOT`, falling back by itself if that start is not confirmed | ignored |
//! | `confirm` | the running slot stays; with `KEDGE_AGAIN=1` an earlier call may have been cut off | ignored |
//! | `reject` | the running slot, which is on trial, is not started again | ignored |
//!
//! The environment is only what is listed here and what [`Hook::env`] adds:
//!
//! | variable | value |
//! |---|---|
//! | `KEDGE_HOOK` | version of this contract, 1 |
//! | `KEDGE_SLOT` | name of the slot that the new image was made in, as [`Hook::new`] was given it |
//! | `KEDGE_AGAIN` | 1 or 0 |
//! | `PATH`, `LC_ALL` | `/usr/sbin:/usr/bin:/sbin:/bin`, `C` |
//!
//! It exits with 0 only when the change is on its medium. It is safe to cut off: every verb may be called again. Standard
//! error goes to the log. No shell is involved on Kedge's side: the program is started directly, and the slot's name, the
//! only variable part, must be of letters, digits, `.`, `_` and `-`.
//!
//! A hook that takes longer than its time is killed together with all that it started.

use core::fmt;
use std::ffi::{OsStr, OsString};
use std::io::{self, Read};
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{self, Receiver};
use std::thread;
use std::time::{Duration, Instant};

use kedge_platform::loader::{Loader, Standing};

/// Most octets taken of what a hook prints.
const OUTPUT_MAX: usize = 4096;
/// Longest name of a slot.
const SLOT_MAX: usize = 64;
/// How often a running hook is looked at.
const LOOK: Duration = Duration::from_millis(5);

/// Why a hook did not do what it was asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum HookError {
    /// The slot's name is empty, longer than 64 octets, or has other characters than letters, digits, `.`, `_` and `-`.
    SlotName,
    /// The program could not be started.
    Start(io::ErrorKind),
    /// It did not end in time, and was killed.
    TimedOut,
    /// It ended with this code.
    Exit(i32),
    /// It was ended by this signal.
    Signal(i32),
    /// It printed more than 4096 octets.
    TooLong,
    /// `status` did not print exactly one line that tells the standing.
    Unclear,
    /// The system failed.
    System(io::ErrorKind),
}

impl fmt::Display for HookError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::SlotName => f.write_str("not a slot's name"),
            Self::Start(kind) => write!(f, "hook could not be started: {kind}"),
            Self::TimedOut => f.write_str("hook did not end in time"),
            Self::Exit(code) => write!(f, "hook ended with code {code}"),
            Self::Signal(signal) => write!(f, "hook was ended by signal {signal}"),
            Self::TooLong => f.write_str("hook printed too much"),
            Self::Unclear => f.write_str("hook did not tell the standing"),
            Self::System(kind) => write!(f, "hook could not be followed: {kind}"),
        }
    }
}

impl core::error::Error for HookError {}

/// The OEM's program.
#[derive(Clone, Debug)]
pub struct Hook {
    program: PathBuf,
    arguments: Vec<OsString>,
    environment: Vec<(OsString, OsString)>,
    slot: String,
    timeout: Duration,
}

impl Hook {
    /// The hook `program` for an image made in `slot`, which gets `timeout` for each verb.
    pub fn new(program: impl Into<PathBuf>, slot: &str, timeout: Duration) -> Result<Self, HookError> {
        let allowed = |octet: u8| octet.is_ascii_alphanumeric() || b"._-".contains(&octet);
        if slot.is_empty() || slot.len() > SLOT_MAX || !slot.bytes().all(allowed) {
            return Err(HookError::SlotName);
        }
        Ok(Self {
            program: program.into(),
            arguments: Vec::new(),
            environment: Vec::new(),
            slot: slot.into(),
            timeout,
        })
    }

    /// Adds an argument before the verb.
    #[must_use]
    pub fn arg(mut self, argument: impl Into<OsString>) -> Self {
        self.arguments.push(argument.into());
        self
    }

    /// Adds a variable to the environment, or changes one.
    #[must_use]
    pub fn env(mut self, name: impl Into<OsString>, value: impl Into<OsString>) -> Self {
        self.environment.push((name.into(), value.into()));
        self
    }

    /// Calls it; returns what it printed.
    fn call(&self, verb: &str, again: bool) -> Result<String, HookError> {
        let deadline = Instant::now() + self.timeout;
        let mut child = self.command(verb, again).spawn().map_err(|error| HookError::Start(error.kind()))?;
        let printed = child.stdout.take().map(collect);
        let complaints = child.stderr.take().map(collect);
        let status = match wait(&mut child, deadline) {
            Ok(Some(status)) => status,
            outcome => {
                kill(&mut child);
                return Err(outcome
                    .err()
                    .map_or(HookError::TimedOut, |error| HookError::System(error.kind())));
            }
        };
        let printed = receive(printed.as_ref(), deadline);
        let complaints = receive(complaints.as_ref(), Instant::now() + LOOK);
        for line in String::from_utf8_lossy(&complaints.unwrap_or_default()).lines() {
            log::warn!("{} {verb}: {line}", self.program.display());
        }
        let Some(printed) = printed else {
            // something it started still holds its output
            kill(&mut child);
            return Err(HookError::TimedOut);
        };
        if printed.len() > OUTPUT_MAX {
            return Err(HookError::TooLong);
        }
        match (status.code(), status.signal()) {
            (Some(0), _) => Ok(String::from_utf8_lossy(&printed).into_owned()),
            (Some(code), _) => Err(HookError::Exit(code)),
            (None, signal) => Err(HookError::Signal(signal.unwrap_or_default())),
        }
    }

    fn command(&self, verb: &str, again: bool) -> Command {
        let mut command = Command::new(&self.program);
        command
            .args(&self.arguments)
            .arg(verb)
            .env_clear()
            .env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin")
            .env("LC_ALL", "C")
            .env("KEDGE_HOOK", "1")
            .env("KEDGE_SLOT", OsStr::new(&self.slot))
            .env("KEDGE_AGAIN", if again { "1" } else { "0" })
            .envs(self.environment.iter().map(|(name, value)| (name, value)))
            .current_dir("/")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .process_group(0);
        command
    }
}

/// The journal is elsewhere; any flash will do.
impl<F> Loader<F> for Hook {
    type Error = HookError;
    const SWAPS: bool = false;

    fn standing(&mut self, _flash: &mut F) -> Result<Standing, HookError> {
        let printed = self.call("status", false)?;
        let mut told = printed.lines().filter_map(|line| line.strip_prefix("standing="));
        match (told.next(), told.next()) {
            (Some("settled"), None) => Ok(Standing::Settled),
            (Some("pending"), None) => Ok(Standing::Pending),
            (Some("on-trial"), None) => Ok(Standing::OnTrial),
            _ => Err(HookError::Unclear),
        }
    }

    fn stage(&mut self, _flash: &mut F) -> Result<(), HookError> {
        self.call("stage", false).map(drop)
    }

    fn confirm(&mut self, _flash: &mut F, again: bool) -> Result<(), HookError> {
        self.call("confirm", again).map(drop)
    }

    fn reject(&mut self, _flash: &mut F) -> Result<(), HookError> {
        self.call("reject", false).map(drop)
    }
}

/// Reads in a thread of its own, because a process that the hook left behind may hold the pipe open.
fn collect(pipe: impl Read + Send + 'static) -> Receiver<Vec<u8>> {
    let (send, receive) = mpsc::channel();
    thread::spawn(move || {
        let mut octets = Vec::new();
        // what came before an error counts; nobody may be listening any more
        let _ = pipe.take(OUTPUT_MAX as u64 + 1).read_to_end(&mut octets);
        let _ = send.send(octets);
    });
    receive
}

fn receive(from: Option<&Receiver<Vec<u8>>>, deadline: Instant) -> Option<Vec<u8>> {
    from?.recv_timeout(deadline.saturating_duration_since(Instant::now())).ok()
}

/// The status, or nothing when the time is over.
fn wait(child: &mut Child, deadline: Instant) -> io::Result<Option<ExitStatus>> {
    loop {
        if let Some(status) = child.try_wait()? {
            return Ok(Some(status));
        }
        if Instant::now() >= deadline {
            return Ok(None);
        }
        thread::sleep(LOOK);
    }
}

/// Ends the hook and all that it started.
fn kill(child: &mut Child) {
    if let Some(group) = i32::try_from(child.id()).ok().and_then(rustix::process::Pid::from_raw) {
        // none left is what is wanted
        let _ = rustix::process::kill_process_group(group, rustix::process::Signal::KILL);
    }
    if let Err(error) = child.wait() {
        log::warn!("a hook cannot be ended: {error}");
    }
}

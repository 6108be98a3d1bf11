//! The states of one update package (FUMO figure 10.2).
//!
//! ```text
//!            Exec Download,                fails
//!            Exec DownloadAndUpdate   ┌───────────► 20 ──┐
//!   10 ──────────────────────────► 30 ┤                  │
//!    │ PkgData                        └─► 40 ─► 50       │ clean-up, new work
//!    └──────────────────────────────────────► 50         ├──────────────────────► 10
//!   50 ── Exec Update; at once after DownloadAndUpdate ─► 60 ─┬─► 90 ─► 100 ──┤
//!   50 ── another URL or package ─► 10                        └─► 70 ─►  80 ──┘
//! ```
//! Points that the text leaves open are decided so:
//! - A package that is refused by its check goes from 40 to 20: the check belongs to the download.
//! - In a final state new work first cleans up: what is commanded is judged as in 10.
//! - Exec DownloadAndUpdate in 50 installs what is there (from memory).
//! - The user is asked in 60; "no" ends the operation there.

use super::{MAX_CORRELATOR, MAX_SERVER, MAX_URL, Operation, ResultCode, State};
use crate::wire::Text;

/// What happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Event<'a> {
    /// A PkgURL was replaced.
    Url,
    /// PkgData was replaced: the package is stored whole and checked.
    Data,
    /// Exec.
    Exec {
        /// Of what.
        operation: Operation,
        /// The PkgURL below the operation's node; empty: there is none.
        url: &'a str,
        /// To be returned with the result.
        correlator: Option<&'a str>,
        /// The identifier of the server, to which the result goes.
        server: &'a str,
    },
    /// The download has stored the package whole.
    Downloaded,
    /// The package was checked and can be installed.
    Accepted,
    /// Download or check came to nothing.
    DownloadFailed(ResultCode),
    /// The update has ended, or did not take place.
    Updated {
        /// How.
        result: ResultCode,
        /// Whether the package is still stored.
        kept: bool,
    },
    /// The package was removed, or the result was taken note of.
    CleanedUp,
}

/// What to do next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action<'m> {
    /// Nothing.
    None,
    /// Remove the package that is stored, if there is one.
    Discard,
    /// Fetch the package from here.
    Download(&'m str),
    /// Check the package that is stored.
    Check,
    /// Install the package; the user may be asked first.
    Update,
    /// Tell the server.
    Report(Completion<'m>),
}

/// The result of an operation, to be sent as a generic alert (FUMO 10.2.2) exactly once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Completion<'m> {
    /// What was executed.
    pub operation: Operation,
    /// The correlator of the Exec; `None` if it had none, and then none may be sent.
    pub correlator: Option<&'m str>,
    /// The server that commanded it.
    pub server: &'m str,
    /// The result.
    pub result: ResultCode,
}

impl Completion<'_> {
    /// Meta/Mark of the alert: errors must not be `informational`.
    pub const fn mark(&self) -> &'static str {
        match self.result {
            result if result.is_success() => "informational",
            ResultCode::USER_CANCELLED => "warning",
            _ => "critical",
        }
    }
}

/// Why an event is refused; the machine is unchanged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Refused {
    /// Not in this state.
    NotNow,
    /// There is no URL to download from.
    NoUrl,
    /// A text is longer than its limit.
    TooLong,
}

impl Refused {
    /// The status of the command (`fumo-dlota.md` 1.1, 1.2; which of the several codes it allows is decided here).
    pub const fn status(self) -> u16 {
        match self {
            Self::NotNow => 405,
            Self::NoUrl => 500,
            Self::TooLong => 413,
        }
    }
}

impl core::fmt::Display for Refused {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str(match self {
            Self::NotNow => "not in this state",
            Self::NoUrl => "no package URL",
            Self::TooLong => "text longer than its limit",
        })
    }
}

impl core::error::Error for Refused {}

/// What must survive a restart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Memo<'a> {
    /// The state.
    pub state: State,
    /// The operation under way, [`Operation::number`]; 0: none.
    pub operation: u8,
    /// Its correlator.
    pub correlator: Option<&'a str>,
    /// Who commanded it.
    pub server: &'a str,
    /// Where the package is fetched from.
    pub url: &'a str,
}

impl Default for Memo<'_> {
    fn default() -> Self {
        Self { state: State::IDLE, operation: 0, correlator: None, server: "", url: "" }
    }
}

/// One update package; see the module's diagram.
#[derive(Clone, Debug)]
pub struct Machine {
    state: State,
    operation: Option<Operation>,
    correlator: Option<Text<MAX_CORRELATOR>>,
    server: Text<MAX_SERVER>,
    url: Text<MAX_URL>,
}

impl Machine {
    /// A machine at rest.
    pub const IDLE: Self =
        Self { state: State::IDLE, operation: None, correlator: None, server: Text::EMPTY, url: Text::EMPTY };

    /// The machine that `memo` tells of; `TooLong` if it holds more than a machine does.
    pub fn resume(memo: &Memo<'_>) -> Result<Self, Refused> {
        Ok(Self {
            state: memo.state,
            operation: Operation::from_number(memo.operation),
            correlator: memo.correlator.map(kept).transpose()?,
            server: kept(memo.server)?,
            url: kept(memo.url)?,
        })
    }

    /// What must survive a restart.
    pub fn memo(&self) -> Memo<'_> {
        Memo {
            state: self.state,
            operation: self.operation.map_or(0, Operation::number),
            correlator: self.correlator.as_ref().map(Text::as_str),
            server: self.server.as_str(),
            url: self.url.as_str(),
        }
    }

    /// The state.
    pub const fn state(&self) -> State {
        self.state
    }

    /// What is to be done in this state, after a restart.
    pub fn pending(&self) -> Action<'_> {
        match self.state {
            State::DOWNLOADING => Action::Download(self.url.as_str()),
            State::DOWNLOADED => Action::Check,
            State::UPDATING => Action::Update,
            _ => Action::None,
        }
    }

    /// Takes what happened; what to do next. Refused events change nothing.
    pub fn handle(&mut self, event: Event<'_>) -> Result<Action<'_>, Refused> {
        match event {
            Event::Url | Event::Data => self.replaced(event == Event::Data),
            Event::Exec { operation, url, correlator, server } => {
                self.execute(operation, url, correlator, server)
            }
            Event::Downloaded if self.state == State::DOWNLOADING => {
                self.state = State::DOWNLOADED;
                Ok(Action::Check)
            }
            Event::Accepted if self.state == State::DOWNLOADED => {
                if self.operation == Some(Operation::DownloadAndUpdate) {
                    self.state = State::UPDATING;
                    return Ok(Action::Update);
                }
                Ok(self.over(State::READY, ResultCode::SUCCESS))
            }
            Event::DownloadFailed(result) if matches!(self.state, State::DOWNLOADING | State::DOWNLOADED) => {
                Ok(self.over(State::DOWNLOAD_FAILED, result))
            }
            Event::Updated { result, kept } if self.state == State::UPDATING => {
                let state = match (result.is_success(), kept) {
                    (true, true) => State::SUCCESSFUL_WITH_DATA,
                    (true, false) => State::SUCCESSFUL,
                    (false, true) => State::FAILED_WITH_DATA,
                    (false, false) => State::FAILED,
                };
                Ok(self.over(state, result))
            }
            Event::CleanedUp => {
                self.state = match self.state {
                    State::FAILED_WITH_DATA => State::FAILED,
                    State::SUCCESSFUL_WITH_DATA => State::SUCCESSFUL,
                    state if state.is_final() => State::IDLE,
                    _ => return Err(Refused::NotNow),
                };
                Ok(Action::None)
            }
            _ => Err(Refused::NotNow),
        }
    }

    /// Whether the package may be replaced now: by another URL, or by data.
    pub const fn is_replaceable(&self) -> bool {
        matches!(self.state, State::IDLE | State::READY) || self.state.is_final()
    }

    /// The server has replaced the package, or where it comes from.
    fn replaced(&mut self, with_data: bool) -> Result<Action<'_>, Refused> {
        if !self.is_replaceable() {
            return Err(Refused::NotNow);
        }
        let had_data =
            matches!(self.state, State::READY | State::FAILED_WITH_DATA | State::SUCCESSFUL_WITH_DATA);
        self.state = if with_data { State::READY } else { State::IDLE };
        Ok(if had_data && !with_data { Action::Discard } else { Action::None })
    }

    fn execute(
        &mut self,
        operation: Operation,
        url: &str,
        correlator: Option<&str>,
        server: &str,
    ) -> Result<Action<'_>, Refused> {
        let ready = self.state == State::READY;
        let idle = self.state == State::IDLE || self.state.is_final();
        let next = match operation {
            Operation::Download | Operation::DownloadAndUpdate if idle => State::DOWNLOADING,
            Operation::Update | Operation::DownloadAndUpdate if ready => State::UPDATING,
            _ => return Err(Refused::NotNow),
        };
        if next == State::DOWNLOADING && url.is_empty() {
            return Err(Refused::NoUrl);
        }
        let (url, correlator, server) = (kept(url)?, correlator.map(kept).transpose()?, kept(server)?);
        self.url = url;
        self.correlator = correlator;
        self.server = server;
        self.operation = Some(operation);
        self.state = next;
        Ok(self.pending())
    }

    /// The operation has ended in `state`. A package that a server put here without an operation has nobody to tell.
    fn over(&mut self, state: State, result: ResultCode) -> Action<'_> {
        self.state = state;
        match self.operation.take() {
            Some(operation) => Action::Report(Completion {
                operation,
                correlator: self.correlator.as_ref().map(Text::as_str),
                server: self.server.as_str(),
                result,
            }),
            None => Action::None,
        }
    }
}

fn kept<const N: usize>(text: &str) -> Result<Text<N>, Refused> {
    Text::of(&[text]).ok_or(Refused::TooLong)
}

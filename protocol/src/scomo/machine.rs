//! One operation, from the server's command to its result.
//!
//! ```text
//!            Exec Download..            stored             good
//!   at rest ────────────────► loading ────────► checking ──┬──────────────► at rest, report     (Download)
//!      │                         │ fails            │ bad  └─► working ─┐   (the others)
//!      │ Exec of anything else   └──────────────────┴──► report         │
//!      └────────────────────────────────────────────────► working ──────┴─► at rest, report
//! ```
//! While an operation is under way no other is taken (405): the facts say one at a time for firmware, and nothing here.

use super::MAX_PACKAGE_ID;
use super::codes::{Folder, Operation, ResultCode, Step};
use crate::dm::limits::{MAX_SEGMENT, MAX_URI};
use crate::fumo::{MAX_CORRELATOR, MAX_SERVER, MAX_URL, Refused};
use crate::wire::{Decimal, Text, Writer};

/// What happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Event<'a> {
    /// Exec.
    Exec {
        /// Of what.
        operation: Operation,
        /// The name of the item's node.
        name: &'a str,
        /// Its PkgID or ID.
        id: &'a str,
        /// Its PkgURL; empty: there is none.
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
    /// What was to be done is done.
    Done,
    /// The operation came to nothing.
    Failed {
        /// Why.
        result: ResultCode,
        /// Whether the package is still stored.
        kept: bool,
    },
}

/// What to do next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action<'m> {
    /// Nothing.
    None,
    /// Fetch the package from here.
    Download(&'m str),
    /// Check the package that was fetched.
    Check,
    /// Do what is left of this operation to the item of this name: install or remove the package; activate, deactivate or remove
    /// the component.
    Do(Operation, &'m str),
    /// Record it in the tree, and tell the server.
    Report(Completion),
}

/// The result of an operation, to be sent as a generic alert exactly once.
#[derive(Clone, Copy, Debug)]
pub struct Completion {
    /// What was executed.
    pub operation: Operation,
    /// The result.
    pub result: ResultCode,
    /// Whether the package is still stored.
    pub kept: bool,
    /// How far it had come.
    pub(super) step: Step,
    pub(super) name: Text<MAX_SEGMENT>,
    id: Text<MAX_PACKAGE_ID>,
    correlator: Option<Text<MAX_CORRELATOR>>,
    server: Text<MAX_SERVER>,
}

impl PartialEq for Completion {
    fn eq(&self, other: &Self) -> bool {
        let facts = |one: &Self| (one.operation, one.result, one.kept, one.step);
        facts(self) == facts(other)
            && (self.name(), self.id(), self.correlator(), self.server())
                == (other.name(), other.id(), other.correlator(), other.server())
    }
}

impl Eq for Completion {}

impl Completion {
    /// The name of the item's node.
    pub fn name(&self) -> &str {
        self.name.as_str()
    }

    /// The identifier of the package or component.
    pub fn id(&self) -> &str {
        self.id.as_str()
    }

    /// The correlator of the Exec; `None` if it had none, and then none may be sent.
    pub fn correlator(&self) -> Option<&str> {
        self.correlator.as_ref().map(Text::as_str)
    }

    /// The server that commanded it.
    pub fn server(&self) -> &str {
        self.server.as_str()
    }

    /// Meta/Mark of the alert.
    pub const fn mark(&self) -> &'static str {
        match self.result {
            result if result.is_success() => "informational",
            ResultCode::USER_CANCELLED => "warning",
            _ => "critical",
        }
    }

    /// Source/LocURI of the alert: the node that was executed. `None`: it does not fit `buffer`.
    pub fn source<'b>(&self, buffer: &'b mut [u8]) -> Option<&'b str> {
        let folder = self.operation.folder().path();
        write(buffer, &["./", folder, "/", self.name(), "/Operations/", self.operation.node()])
    }

    /// The data of the alert: the result and the identifier as elements. `None`: it does not fit `buffer`, which
    /// [`Self::DATA`] octets always do.
    pub fn data<'b>(&self, buffer: &'b mut [u8]) -> Option<&'b str> {
        let code = Decimal::new(self.result.0.into());
        let mut w = Writer::new(buffer);
        let mut put = |text: &str| w.put(text.as_bytes()).ok();
        for text in ["<ResultCode>", code.as_str(), "</ResultCode><Identifier>"] {
            put(text)?;
        }
        for part in self.id().split_inclusive(|c| matches!(c, '&' | '<' | '>')) {
            let plain = part.trim_end_matches(|c| matches!(c, '&' | '<' | '>'));
            put(plain)?;
            match part.get(plain.len()..) {
                Some("&") => put("&amp;")?,
                Some("<") => put("&lt;")?,
                Some(">") => put("&gt;")?,
                _ => {}
            }
        }
        put("</Identifier>")?;
        str::from_utf8(w.finish()).ok()
    }

    /// Octets for the longest [`Self::data`].
    pub const DATA: usize = 64 + 5 * MAX_PACKAGE_ID;
    /// Octets for the longest [`Self::source`].
    pub const SOURCE: usize = MAX_URI + 2;
}

fn write<'b>(buffer: &'b mut [u8], parts: &[&str]) -> Option<&'b str> {
    let mut w = Writer::new(buffer);
    parts.iter().try_for_each(|part| w.put(part.as_bytes())).ok()?;
    str::from_utf8(w.finish()).ok()
}

/// What must survive a restart.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Memo<'a> {
    /// The operation under way, [`Operation::number`]; 0: none.
    pub operation: u8,
    /// How far it has come, [`Step::number`].
    pub step: u8,
    /// The name of its item.
    pub name: &'a str,
    /// The identifier of its package or component.
    pub id: &'a str,
    /// Where the package is fetched from.
    pub url: &'a str,
    /// Its correlator.
    pub correlator: Option<&'a str>,
    /// Who commanded it.
    pub server: &'a str,
}

/// An operation under way.
#[derive(Clone, Debug)]
struct Task {
    step: Step,
    url: Text<MAX_URL>,
    completion: Completion,
}

/// The operation under way, if there is one; see the module's diagram.
#[derive(Clone, Debug, Default)]
pub struct Machine {
    task: Option<Task>,
}

impl Machine {
    /// A machine at rest.
    pub const IDLE: Self = Self { task: None };

    /// The machine that `memo` tells of; `TooLong` if it holds more than a machine does.
    pub fn resume(memo: &Memo<'_>) -> Result<Self, Refused> {
        let Some(operation) = Operation::from_number(memo.operation) else { return Ok(Self::IDLE) };
        let step = Step::from_number(memo.step).filter(|step| *step != Step::Over);
        let Some(step) = step else { return Ok(Self::IDLE) };
        Ok(Self { task: Some(Task::new(operation, step, memo)?) })
    }

    /// What must survive a restart.
    pub fn memo(&self) -> Memo<'_> {
        let Some(Task { step, url, completion }) = &self.task else { return Memo::default() };
        Memo {
            operation: completion.operation.number(),
            step: step.number(),
            name: completion.name(),
            id: completion.id(),
            url: url.as_str(),
            correlator: completion.correlator(),
            server: completion.server(),
        }
    }

    /// The operation under way, how far it has come, and the name of its item.
    pub fn under_way(&self) -> Option<(Operation, Step, &str)> {
        self.task.as_ref().map(|task| (task.completion.operation, task.step, task.completion.name()))
    }

    /// What is to be done, after a restart too.
    pub fn pending(&self) -> Action<'_> {
        match &self.task {
            Some(Task { step: Step::Downloading, url, .. }) => Action::Download(url.as_str()),
            Some(Task { step: Step::Checking, .. }) => Action::Check,
            Some(Task { step: Step::Working, completion, .. }) => {
                Action::Do(completion.operation, completion.name())
            }
            _ => Action::None,
        }
    }

    /// Takes what happened; what to do next. Refused events change nothing.
    pub fn handle(&mut self, event: Event<'_>) -> Result<Action<'_>, Refused> {
        match (event, &mut self.task) {
            (Event::Exec { operation, name, id, url, correlator, server }, None) => {
                let loads = operation.folder() == Folder::Download;
                if loads && url.is_empty() {
                    return Err(Refused::NoUrl);
                }
                let step = if loads { Step::Downloading } else { Step::Working };
                let memo = Memo { name, id, url, correlator, server, ..Memo::default() };
                self.task = Some(Task::new(operation, step, &memo)?);
                Ok(self.pending())
            }
            (Event::Downloaded, Some(task)) if task.step == Step::Downloading => {
                task.step = Step::Checking;
                Ok(Action::Check)
            }
            (Event::Accepted, Some(task)) if task.step == Step::Checking => {
                if task.completion.operation == Operation::Download {
                    return Ok(self.over(ResultCode::SUCCESS, true));
                }
                task.step = Step::Working;
                Ok(self.pending())
            }
            (Event::Done, Some(task)) if task.step == Step::Working => {
                Ok(self.over(ResultCode::SUCCESS, true))
            }
            (Event::Failed { result, kept }, Some(_)) if !result.is_success() => Ok(self.over(result, kept)),
            _ => Err(Refused::NotNow),
        }
    }

    fn over(&mut self, result: ResultCode, kept: bool) -> Action<'static> {
        match self.task.take() {
            Some(Task { step, completion, .. }) => {
                Action::Report(Completion { result, kept, step, ..completion })
            }
            None => Action::None,
        }
    }
}

impl Task {
    fn new(operation: Operation, step: Step, memo: &Memo<'_>) -> Result<Self, Refused> {
        Ok(Self {
            step,
            url: kept(memo.url)?,
            completion: Completion {
                operation,
                result: ResultCode::UNDEFINED,
                kept: false,
                step,
                name: kept(memo.name)?,
                id: kept(memo.id)?,
                correlator: memo.correlator.map(kept).transpose()?,
                server: kept(memo.server)?,
            },
        })
    }
}

fn kept<const N: usize>(text: &str) -> Result<Text<N>, Refused> {
    Text::of(&[text]).ok_or(Refused::TooLong)
}

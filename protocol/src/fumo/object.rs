//! The object in the management tree.
//!
//! Names, versions and URLs are the tree's to keep; the machine has the rest. What an Exec begins, begins with the commit of
//! its message: the device then looks at [`Machine::pending`]. A message that replaces the URL and executes at once, as
//! servers do, is taken in that order.

use super::{Event, IDENTIFIER, MAX_URL, Machine, Memo, Operation, Refused};
use crate::dm::{Access, Call, Chunk, Nodes, Object, Rule};
use crate::syncml::{Code, Format};
use crate::wire::{Decimal, Writer};

/// How often the user may defer an update that was commanded; where it was never set, he may also decline. The project's own
/// node: the flow `fota-network` wants such a number, the object has no place for it.
pub const MAX_DEFERRALS: &str = "FUMO/Ext/MaxDeferrals";

/// What the object needs of the device.
pub trait Port {
    /// Takes a piece of a package that comes in the tree (PkgData). With the last one the package is checked, and refused
    /// by an error: `DEVICE_FULL`, `UNSUPPORTED_FORMAT` for one that is not for this device, `FAILED`.
    fn store(&mut self, chunk: &Chunk<'_>) -> Result<(), Code>;

    /// Drops the package that is stored, if there is one.
    fn discard(&mut self) -> Result<(), Code>;

    /// Keeps what must survive a restart.
    fn keep(&mut self, memo: &Memo<'_>) -> Result<(), Code>;
}

/// What the object was told since the last transaction. It is kept beside the machine where the object itself is made anew
/// for every input of a session.
#[derive(Clone, Debug, Default)]
pub struct Staged {
    /// The machine before the transaction, if anything has happened in it.
    before: Option<Machine>,
    /// A PkgURL is about to be replaced.
    url: bool,
    /// PkgData has come whole.
    data: bool,
    discard: bool,
}

impl Staged {
    /// Nothing.
    pub const NOTHING: Self = Self { before: None, url: false, data: false, discard: false };
}

/// The firmware update object at `./FUMO`.
pub struct Fumo<'m> {
    machine: &'m mut Machine,
    staged: &'m mut Staged,
    port: &'m mut dyn Port,
}

impl core::fmt::Debug for Fumo<'_> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Fumo").field("state", &self.machine.state()).finish_non_exhaustive()
    }
}

impl<'m> Fumo<'m> {
    /// The object of this machine.
    pub const fn new(machine: &'m mut Machine, staged: &'m mut Staged, port: &'m mut dyn Port) -> Self {
        Self { machine, staged, port }
    }

    /// Tells the machine what came before this.
    fn settle(&mut self) -> Result<(), Code> {
        let replaced = [(self.staged.url, Event::Url), (self.staged.data, Event::Data)];
        self.staged.url = false;
        self.staged.data = false;
        for (happened, event) in replaced {
            if happened {
                self.touch();
                let action = self.machine.handle(event).map_err(code)?;
                self.staged.discard |= action == super::Action::Discard;
            }
        }
        Ok(())
    }

    fn touch(&mut self) {
        if self.staged.before.is_none() {
            self.staged.before = Some(self.machine.clone());
        }
    }
}

impl Object for Fumo<'_> {
    fn rules(&self) -> &'static [Rule] {
        const SET: Access = Access::GET.and(Access::REPLACE);
        const RUN: Access = Access::GET.and(Access::EXEC);
        const fn operation(path: &'static str) -> Rule {
            Rule { access: RUN, ..Rule::interior(path, "") }
        }
        const fn text(path: &'static str) -> Rule {
            Rule::kept(path, Format::Chr, SET)
        }
        #[expect(clippy::cast_possible_truncation, reason = "the limit is small")]
        const URL: u32 = MAX_URL as u32;
        const RULES: &[Rule] = &[
            Rule::interior("FUMO", IDENTIFIER),
            text("FUMO/PkgName"),
            text("FUMO/PkgVersion"),
            operation("FUMO/Download"),
            text("FUMO/Download/PkgURL").limited(URL),
            operation("FUMO/Update"),
            Rule::computed("FUMO/Update/PkgData", Format::Bin, Access::REPLACE)
                .typed("application/octet-stream"),
            operation("FUMO/DownloadAndUpdate"),
            text("FUMO/DownloadAndUpdate/PkgURL").limited(URL),
            Rule::computed("FUMO/State", Format::Int, Access::GET),
            Rule::interior("FUMO/Ext", ""),
            Rule::kept(MAX_DEFERRALS, Format::Int, SET).limited(5),
        ];
        RULES
    }

    fn get(&mut self, path: &str, _: &Nodes<'_>, out: &mut Writer<'_>) -> Result<(), Code> {
        if path != "FUMO/State" {
            return Err(Code::NOT_FOUND);
        }
        let state = Decimal::new(u32::from(self.machine.state().0));
        out.put(state.as_str().as_bytes()).map_err(|_| Code::TOO_LARGE)
    }

    fn check(&mut self, path: &str, _: &[u8], _: &Nodes<'_>) -> Result<(), Code> {
        if path.ends_with("/PkgURL") {
            if !self.machine.is_replaceable() {
                return Err(code(Refused::NotNow));
            }
            self.staged.url = true;
        }
        Ok(())
    }

    fn put(&mut self, path: &str, chunk: &Chunk<'_>) -> Result<(), Code> {
        if path != "FUMO/Update/PkgData" || !self.machine.is_replaceable() {
            return Err(code(Refused::NotNow));
        }
        self.port.store(chunk)?;
        self.staged.data = chunk.last;
        Ok(())
    }

    fn exec(&mut self, call: &Call<'_>, nodes: &Nodes<'_>) -> Result<Code, Code> {
        let name = call.path.strip_prefix("FUMO/").unwrap_or_default();
        let operation = Operation::ALL.into_iter().find(|operation| operation.node() == name);
        let operation = operation.ok_or(Code::NOT_ALLOWED)?;
        let url = match operation {
            Operation::Download => nodes.text("FUMO/Download/PkgURL"),
            Operation::DownloadAndUpdate => nodes.text("FUMO/DownloadAndUpdate/PkgURL"),
            Operation::Update => None,
        };
        self.settle()?;
        self.touch();
        let Call { correlator, server, .. } = *call;
        let event = Event::Exec { operation, url: url.unwrap_or_default(), correlator, server };
        self.machine.handle(event).map_err(code)?;
        Ok(Code::ACCEPTED)
    }

    fn commit(&mut self, _: &Nodes<'_>) -> Result<(), Code> {
        self.settle()?;
        if self.staged.before.take().is_some() {
            self.port.keep(&self.machine.memo())?;
        }
        if core::mem::take(&mut self.staged.discard) { self.port.discard() } else { Ok(()) }
    }

    fn roll_back(&mut self) {
        if self.staged.data {
            // Whoever finds it there afterwards must not take it for a package that was wanted; if it cannot be removed now,
            // the next one that comes in replaces it.
            let _ = self.port.discard();
        }
        if let Some(before) = self.staged.before.take() {
            *self.machine = before;
        }
        self.staged.url = false;
        self.staged.data = false;
        self.staged.discard = false;
    }
}

/// The status of a refusal.
const fn code(refused: Refused) -> Code {
    Code(refused.status())
}

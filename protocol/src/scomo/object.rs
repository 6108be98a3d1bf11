//! The object in the management tree.

use super::codes::{Folder, Operation, ROOT, Status};
use super::machine::{Event, Machine, Memo};
use super::{IDENTIFIER, MAX_PACKAGE_ID};
use crate::dm::{Access, Call, Chunk, MAX_WHOLE, Nodes, Object, Rule};
use crate::fumo::{MAX_URL, Refused};
use crate::syncml::{Code, Format};
use crate::wire::{Decimal, Text, Writer};

/// What the object needs of the device.
pub trait Port {
    /// Takes a piece of a package that comes in the tree, for the delivered package of this name. With the last one it is
    /// checked, and refused by an error: `DEVICE_FULL`, `UNSUPPORTED_FORMAT` for one that is not for this device, `FAILED`.
    fn store(&mut self, name: &str, chunk: &Chunk<'_>) -> Result<(), Code>;

    /// Keeps what must survive a restart.
    fn keep(&mut self, memo: &Memo<'_>) -> Result<(), Code>;
}

/// The machine before the transaction, if anything has happened in it. It is kept beside the machine where the object itself is
/// made anew for every input of a session.
#[derive(Clone, Debug, Default)]
pub struct Staged(Option<Machine>);

impl Staged {
    /// Nothing has happened.
    pub const NOTHING: Self = Self(None);
}

/// The software component management object at `./SCOMO`. What an Exec begins, begins with the commit of its message: the device
/// then looks at [`Machine::pending`].
pub struct Scomo<'m> {
    machine: &'m mut Machine,
    staged: &'m mut Staged,
    port: &'m mut dyn Port,
}

impl core::fmt::Debug for Scomo<'_> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Scomo").field("under_way", &self.machine.under_way()).finish_non_exhaustive()
    }
}

impl<'m> Scomo<'m> {
    /// The object of this machine.
    pub const fn new(machine: &'m mut Machine, staged: &'m mut Staged, port: &'m mut dyn Port) -> Self {
        Self { machine, staged, port }
    }

    /// The status of the item whose node Status is at `path`, while an operation on it is under way.
    fn status(&self, path: &str) -> Option<Status> {
        let (operation, step, name) = self.machine.under_way()?;
        let folder = operation.folder();
        let own = path.strip_prefix(folder.path())?.strip_prefix('/')?.strip_suffix("/Status")?;
        (own == name).then(|| folder.status(operation, step, true))
    }
}

impl Object for Scomo<'_> {
    fn rules(&self) -> &'static [Rule] {
        const RUN: Access = Access::GET.and(Access::EXEC);
        const SET: Access = Access::GET.and(Access::REPLACE);
        const fn text(path: &'static str) -> Rule {
            Rule::kept(path, Format::Chr, SET).limited(MAX_WHOLE)
        }
        #[expect(clippy::cast_possible_truncation, reason = "the limits are small")]
        const fn id(path: &'static str) -> Rule {
            Rule::kept(path, Format::Chr, SET).limited(MAX_PACKAGE_ID as u32)
        }
        const fn number(path: &'static str) -> Rule {
            Rule::kept(path, Format::Int, Access::GET).preset("10")
        }
        const fn operation(path: &'static str) -> Rule {
            Rule { access: RUN, ..Rule::interior(path, "") }
        }
        /// What goes by the operation Remove only; components also come by an operation only.
        const fn item(path: &'static str, access: Access) -> Rule {
            Rule { access, ..Rule::dynamic(path, "") }
        }
        const fn told(path: &'static str) -> Rule {
            Rule::kept(path, Format::Chr, Access::GET)
        }
        #[expect(clippy::cast_possible_truncation, reason = "the limit is small")]
        const RULES: &[Rule] = &[
            Rule::interior(ROOT, IDENTIFIER),
            Rule::interior("SCOMO/Download", ""),
            Rule::dynamic("SCOMO/Download/*", ""),
            id("SCOMO/Download/*/PkgID"),
            text("SCOMO/Download/*/Name"),
            text("SCOMO/Download/*/Version"),
            text("SCOMO/Download/*/PkgURL").limited(MAX_URL as u32),
            number("SCOMO/Download/*/Status").covered(),
            Rule::interior("SCOMO/Download/*/Operations", ""),
            operation("SCOMO/Download/*/Operations/Download"),
            operation("SCOMO/Download/*/Operations/DownloadInstall"),
            operation("SCOMO/Download/*/Operations/DownloadInstallInactive"),
            Rule::interior("SCOMO/Inventory", ""),
            Rule::interior("SCOMO/Inventory/Delivered", ""),
            item("SCOMO/Inventory/Delivered/*", Access::GET.and(Access::ADD)),
            id("SCOMO/Inventory/Delivered/*/PkgID"),
            text("SCOMO/Inventory/Delivered/*/Name"),
            text("SCOMO/Inventory/Delivered/*/Version"),
            Rule::computed("SCOMO/Inventory/Delivered/*/Data", Format::Bin, Access::REPLACE)
                .typed("application/octet-stream"),
            number("SCOMO/Inventory/Delivered/*/Status").covered(),
            number("SCOMO/Inventory/Delivered/*/State"),
            Rule::interior("SCOMO/Inventory/Delivered/*/Operations", ""),
            operation("SCOMO/Inventory/Delivered/*/Operations/Install"),
            operation("SCOMO/Inventory/Delivered/*/Operations/InstallInactive"),
            operation("SCOMO/Inventory/Delivered/*/Operations/Remove"),
            Rule::interior("SCOMO/Inventory/Deployed", ""),
            item("SCOMO/Inventory/Deployed/*", Access::GET),
            told("SCOMO/Inventory/Deployed/*/ID"),
            told("SCOMO/Inventory/Deployed/*/Name"),
            told("SCOMO/Inventory/Deployed/*/Version"),
            number("SCOMO/Inventory/Deployed/*/Status").covered(),
            number("SCOMO/Inventory/Deployed/*/State"),
            Rule::interior("SCOMO/Inventory/Deployed/*/Operations", ""),
            operation("SCOMO/Inventory/Deployed/*/Operations/Activate"),
            operation("SCOMO/Inventory/Deployed/*/Operations/Deactivate"),
            operation("SCOMO/Inventory/Deployed/*/Operations/Remove"),
            Rule::interior("SCOMO/Ext", ""),
        ];
        RULES
    }

    fn get(&mut self, path: &str, _: &Nodes<'_>, out: &mut Writer<'_>) -> Result<(), Code> {
        let status = self.status(path).ok_or(Code::NOT_FOUND)?;
        out.put(Decimal::new(status.0.into()).as_str().as_bytes()).map_err(|_| Code::TOO_LARGE)
    }

    fn check(&mut self, path: &str, _: &[u8], _: &Nodes<'_>) -> Result<(), Code> {
        // What an operation has been given does not change under it.
        let busy = self.machine.under_way().is_some_and(|(operation, _, name)| {
            let below =
                path.strip_prefix(operation.folder().path()).and_then(|below| below.strip_prefix('/'));
            let item = below.and_then(|below| below.split(|c| c == '/').next());
            item == Some(name) && !path.ends_with("/Status") && !path.ends_with("/State")
        });
        if busy { Err(Code::FORBIDDEN) } else { Ok(()) }
    }

    fn put(&mut self, path: &str, chunk: &Chunk<'_>) -> Result<(), Code> {
        let name = path.strip_prefix(Folder::Delivered.path()).and_then(|below| below.strip_prefix('/'));
        let name = name.and_then(|below| below.strip_suffix("/Data")).ok_or(Code::NOT_ALLOWED)?;
        if self.machine.under_way().is_some() {
            return Err(code(Refused::NotNow));
        }
        self.port.store(name, chunk)
    }

    fn exec(&mut self, call: &Call<'_>, nodes: &Nodes<'_>) -> Result<Code, Code> {
        let (operation, name) = Operation::of_node(call.path).ok_or(Code::NOT_ALLOWED)?;
        let folder = operation.folder();
        let leaf = |leaf| {
            let path: Text<{ crate::dm::limits::MAX_URI }> = Text::of(&[folder.path(), "/", name, leaf])?;
            nodes.text(path.as_str())
        };
        let id = leaf(if folder == Folder::Deployed { "/ID" } else { "/PkgID" }).unwrap_or_default();
        let url = leaf("/PkgURL").unwrap_or_default();
        if !is_possible(operation, leaf("/State")) {
            return Err(code(Refused::NotNow));
        }
        if self.staged.0.is_none() {
            self.staged.0 = Some(self.machine.clone());
        }
        let Call { correlator, server, .. } = *call;
        let event = Event::Exec { operation, name, id, url, correlator, server };
        self.machine.handle(event).map_err(code)?;
        Ok(Code::ACCEPTED)
    }

    fn commit(&mut self, _: &Nodes<'_>) -> Result<(), Code> {
        if self.staged.0.take().is_some() { self.port.keep(&self.machine.memo()) } else { Ok(()) }
    }

    fn roll_back(&mut self) {
        if let Some(before) = self.staged.0.take() {
            *self.machine = before;
        }
    }
}

/// Whether an operation makes sense in the state of its item: a component that is active is not activated once more.
fn is_possible(operation: Operation, state: Option<&str>) -> bool {
    let high = state == Some("20");
    match operation {
        Operation::Activate => !high,
        Operation::Deactivate => high,
        _ => true,
    }
}

/// The status of a refusal.
const fn code(refused: Refused) -> Code {
    Code(refused.status())
}

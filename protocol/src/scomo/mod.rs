//! The software component management object (OMA SCOMO 1.0; `fumo-dlota.md` section 3).
//!
//! ```text
//! SCOMO/Download/<x>/              PkgID Name Version PkgURL Status   Operations/{Download, DownloadInstall, DownloadInstallInactive}
//! SCOMO/Inventory/Delivered/<x>/   PkgID Name Version Data Status State   Operations/{Install, InstallInactive, Remove}
//! SCOMO/Inventory/Deployed/<x>/    ID Name Version Status State           Operations/{Activate, Deactivate, Remove}
//! ```
//! A package brings one component, which has its name; it keeps it on its way from folder to folder.
//!
//! | item | what |
//! |---|---|
//! | [`Machine`] | one operation at a time, from the server's command to the result |
//! | [`Scomo`], [`Staged`], [`Port`] | the object in the management tree, what it was told, and what it needs of the device |
//! | [`record`] | what an operation that has ended changes in the tree |
//! | [`Completion`] | the generic alert that ends an operation |
//! | [`Status`], [`State`], [`ResultCode`], [`Operation`] | the codes and names of the object |
//!
//! It works as [`crate::fumo`] does: the machine has no time and no flash, what it answers is the next [`Action`], and its
//! [`Memo`] is kept together with the [`Completion`]. [`record`] comes before that: after a power cut in between, the step is
//! done once more, and the same is recorded again.

mod codes;
mod machine;
mod object;
mod record;
#[cfg(test)]
mod tests;

pub use codes::{
    DELIVERED_FAILED, Folder, Operation, ResultCode, State, Status, Step, download_failed, installed,
};
pub use machine::{Action, Completion, Event, Machine, Memo};
pub use object::{Port, Scomo, Staged};
pub use record::record;

/// The object's identifier, the Type property of its root.
pub const IDENTIFIER: &str = "urn:oma:mo:oma-scomo:1.0";
/// The type of the alert that ends an operation.
pub const COMPLETE: &str = "urn:oma:at:scomo:1.0:OperationComplete";
/// Longest identifier of a package or component, in octets.
pub const MAX_PACKAGE_ID: usize = 64;

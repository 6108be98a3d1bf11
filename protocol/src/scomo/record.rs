//! What an operation that has ended changes in the tree.

use super::codes::{Folder, Operation, State, Status, Step};
use super::machine::Completion;
use crate::dm::limits::MAX_URI;
use crate::dm::{Caller, New, Tree};
use crate::syncml::Code;
use crate::wire::{Decimal, Text, Writer};

/// What of a package's description goes on with it: the leaf of the package, and that of the component.
const DESCRIPTION: [(&str, &str); 3] = [("PkgID", "ID"), ("Name", "Name"), ("Version", "Version")];

/// Records what `done` tells, to be committed, or rolled back on an error, by the caller. Once more changes nothing.
///
/// | operation | success | failure |
/// |---|---|---|
/// | Download | package delivered; Download/Status 40 | Status 20 |
/// | DownloadInstall, DownloadInstallInactive | package installed, component deployed; Status 40 | 20; 60 and delivered; 70 |
/// | Install, InstallInactive | package installed, component deployed | Status 50, or 70 if it is gone |
/// | Remove of a package | it is gone | Status 20 |
/// | Activate, Deactivate | State | Status 40, 60 |
/// | Remove of a component | it is gone, its package is delivered only | Status 20 |
pub fn record(tree: &mut Tree<'_, '_>, done: &Completion) -> Result<(), Code> {
    let folder = done.operation.folder();
    if !done.result.is_success() {
        return failed(tree, done, folder);
    }
    match done.operation {
        Operation::Download => {
            describe(tree, done.name(), Folder::Download, Folder::Delivered)?;
            set(tree, Folder::Download, done.name(), "Status", Status::DOWNLOADED.0)
        }
        Operation::DownloadInstall | Operation::DownloadInstallInactive => {
            describe(tree, done.name(), Folder::Download, Folder::Delivered)?;
            set(tree, Folder::Download, done.name(), "Status", Status::DOWNLOADED.0)?;
            deploy(tree, done)
        }
        Operation::Install | Operation::InstallInactive => deploy(tree, done),
        Operation::RemovePackage => {
            set(tree, Folder::Download, done.name(), "Status", Status::IDLE.0)?;
            remove(tree, folder, done.name())
        }
        Operation::Activate | Operation::Deactivate => {
            let state = if done.operation.activates() { State::HIGH } else { State::LOW };
            set(tree, folder, done.name(), "Status", Status::IDLE.0)?;
            set(tree, folder, done.name(), "State", state.0)
        }
        Operation::RemoveComponent => {
            set(tree, Folder::Delivered, done.name(), "State", State::LOW.0)?;
            remove(tree, folder, done.name())
        }
    }
}

fn failed(tree: &mut Tree<'_, '_>, done: &Completion, folder: Folder) -> Result<(), Code> {
    let working = done.step == Step::Working;
    let status = match folder {
        Folder::Download if !working => Status::DOWNLOAD_FAILED,
        _ => folder.status(done.operation, Step::Over, done.kept),
    };
    if folder == Folder::Download && working && done.kept {
        describe(tree, done.name(), Folder::Download, Folder::Delivered)?;
    }
    set(tree, folder, done.name(), "Status", status.0)
}

/// The package is installed, and its component there.
fn deploy(tree: &mut Tree<'_, '_>, done: &Completion) -> Result<(), Code> {
    describe(tree, done.name(), Folder::Delivered, Folder::Deployed)?;
    set(tree, Folder::Delivered, done.name(), "State", State::HIGH.0)?;
    set(tree, Folder::Delivered, done.name(), "Status", Status::IDLE.0)?;
    let state = if done.operation.activates() { State::HIGH } else { State::LOW };
    set(tree, Folder::Deployed, done.name(), "Status", Status::IDLE.0)?;
    set(tree, Folder::Deployed, done.name(), "State", state.0)
}

/// Makes the item of `to`, described as that of `from`.
fn describe(tree: &mut Tree<'_, '_>, name: &str, from: Folder, to: Folder) -> Result<(), Code> {
    if !exists(tree, to, name) {
        tree.add(Caller::Device, item(to, name, "")?.as_str(), &New::INTERIOR)?;
    }
    for (of_package, of_component) in DESCRIPTION {
        let mut value = [0; MAX_URI];
        let mut out = Writer::new(&mut value);
        match tree.get(Caller::Device, item(from, name, of_package)?.as_str(), &mut out) {
            // The server may have removed what it described once it was delivered.
            Err(Code::NOT_FOUND) => continue,
            told => told?,
        };
        let leaf = if to == Folder::Deployed { of_component } else { of_package };
        tree.replace(Caller::Device, item(to, name, leaf)?.as_str(), &New::value(out.written()))?;
    }
    Ok(())
}

fn exists(tree: &Tree<'_, '_>, folder: Folder, name: &str) -> bool {
    item(folder, name, "").is_ok_and(|path| tree.format(path.as_str()).is_some())
}

fn set(tree: &mut Tree<'_, '_>, folder: Folder, name: &str, leaf: &str, number: u8) -> Result<(), Code> {
    // The server may have removed what it had fetched.
    if !exists(tree, folder, name) {
        return Ok(());
    }
    let number = Decimal::new(number.into());
    let value = New::value(number.as_str().as_bytes());
    tree.replace(Caller::Device, item(folder, name, leaf)?.as_str(), &value)
}

fn remove(tree: &mut Tree<'_, '_>, folder: Folder, name: &str) -> Result<(), Code> {
    match tree.delete(Caller::Device, item(folder, name, "")?.as_str()) {
        Err(Code::NOT_FOUND) => Ok(()),
        done => done,
    }
}

fn item(folder: Folder, name: &str, leaf: &str) -> Result<Text<MAX_URI>, Code> {
    let between = if leaf.is_empty() { "" } else { "/" };
    Text::of(&[folder.path(), "/", name, between, leaf]).ok_or(Code::URI_TOO_LONG)
}

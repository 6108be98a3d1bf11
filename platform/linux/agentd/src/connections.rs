//! Access points that were provisioned, handed to NetworkManager: the table `[connections]`.
//!
//! The keyfiles are those of [`kedge_platform_linux::connection`]; here is decided when they are written (at each start, and
//! after each commit of settings), and NetworkManager is told when one has changed. Neither holds up the service: what fails
//! is logged, and tried again when the agent rests next.

use std::path::PathBuf;
use std::process::{Command, Stdio};

use anyhow::{Context as _, anyhow, ensure};
use kedge_agent::settings::hand_over;
use kedge_agent::store::Store;
use kedge_platform::flash::NorFlash;
use kedge_platform_linux::connection::{FOLDER, Keyfiles};
use serde::Deserialize;
use toml::Spanned;

use crate::config::{Fault, Source};
use crate::watch::Shared;

/// What tells NetworkManager to look at its folder: it gives up by itself when nobody answers.
const RELOAD: [&str; 5] = ["/usr/bin/nmcli", "--wait", "10", "connection", "reload"];

/// The table `[connections]`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct Written {
    folder: Option<Spanned<PathBuf>>,
    reload: Option<Spanned<Vec<String>>>,
}

/// Where connections go.
#[derive(Clone, Debug)]
pub struct Connections {
    /// The folder of the keyfiles.
    pub folder: PathBuf,
    /// The command after a change; empty: none.
    pub reload: Vec<String>,
}

impl Connections {
    /// From the table.
    pub(crate) fn new(source: &Source<'_>, written: Written) -> Result<Self, Fault> {
        let folder = match written.folder {
            Some(folder) if !folder.as_ref().is_dir() => {
                let what = format!("{} is no folder", folder.as_ref().display());
                return Err(source.bad(&folder, what, format!("a folder that is there, like {FOLDER}")));
            }
            folder => folder.map_or_else(|| FOLDER.into(), Spanned::into_inner),
        };
        let reload = written.reload.map_or_else(|| RELOAD.map(str::to_owned).into(), Spanned::into_inner);
        Ok(Self { folder, reload })
    }
}

/// The connections of one life of the agent.
#[derive(Debug)]
pub(crate) struct HandOver<'c> {
    keyfiles: Keyfiles,
    reload: &'c [String],
    /// The settings may be others than the keyfiles.
    settings: bool,
    /// The keyfiles may be others than NetworkManager knows.
    untold: bool,
}

impl<'c> HandOver<'c> {
    /// At a start everything is handed over, as the last life may have ended in between.
    pub(crate) fn new(connections: &'c Connections) -> Self {
        let keyfiles = Keyfiles::new(&connections.folder);
        Self { keyfiles, reload: &connections.reload, settings: true, untold: true }
    }

    /// Does what is due.
    pub(crate) fn follow<F: NorFlash>(&mut self, store: &Store, flash: &mut F, shared: &Shared) {
        self.settings |= shared.take_new_settings();
        if let Err(error) = self.bring_up(store, flash) {
            log::error!("connections: {error:#}; again when the agent rests next");
        }
    }

    fn bring_up<F: NorFlash>(&mut self, store: &Store, flash: &mut F) -> anyhow::Result<()> {
        if self.settings {
            let done = hand_over(store, flash, &mut self.keyfiles);
            self.untold |= self.keyfiles.take_changed();
            let done = done.map_err(|error| anyhow!("{error}"))?;
            self.settings = false;
            if done.points > 0 {
                log::info!("connections: {} access points are with NetworkManager", done.points);
            }
        }
        if let (true, Some((program, arguments))) = (self.untold, self.reload.split_first()) {
            let mut command = Command::new(program);
            command.args(arguments).stdin(Stdio::null()).stdout(Stdio::null());
            let status = command.status().with_context(|| program.clone())?;
            ensure!(status.success(), "{program}: {status}");
        }
        self.untold = false;
        Ok(())
    }
}

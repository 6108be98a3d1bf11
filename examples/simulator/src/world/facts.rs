//! What a scenario is judged by.

use std::time::Duration;

use kedge_agent::store::Activation;
use kedge_network::{Account, Errand, FeatureOrder, Management, Transaction};
use kedge_platform_sim::radio::Registration;
use kedge_platform_sim::ui::Shown;
use kedge_protocol::dm::{Nodes, StoreError};
use kedge_protocol::is683::engine::Shelf;

use crate::handset::Fading;

/// What can be seen when all is over.
#[derive(Clone, Debug)]
pub struct Facts {
    /// The operator's account of the handset, or of the subscription that it had.
    pub account: Account,
    /// What the network wanted of the handset, if anything.
    pub errand: Option<Errand>,
    /// What the network wanted by device management, if anything.
    pub management: Option<Management>,
    /// What its questions to the user came to, one list of texts each.
    pub told: Vec<Vec<String>>,
    /// The image of the management tree; empty: there is none.
    pub tree: Vec<u8>,
    /// The committed BREW URL.
    pub brew_url: String,
    /// The value of the handset maker's own object.
    pub own_object: String,
    /// How often the radio registered in the scenario.
    pub registrations: usize,
    /// The update transaction, if one was opened.
    pub transaction: Option<Transaction>,
    /// How often the repository was asked for a package.
    pub package_requests: u32,
    /// How many of its answers were partial.
    pub partial: u32,
    /// What was reported of downloads behind a descriptor.
    pub download_reports: Vec<String>,
    /// What the user was shown and answered in the scenario.
    pub shown: Vec<Shown>,
    /// The version that runs.
    pub version: String,
    /// The versions of the pair.
    pub versions: [&'static str; 2],
    /// How far the handset's activation came.
    pub activation: Activation,
    /// The committed number assignment, block after block.
    pub nam: Vec<u8>,
    /// The blocks of the number assignment that is not used.
    pub other_nam: Vec<u8>,
    /// The committed A-key of the one that is.
    pub a_key: Option<[u8; 8]>,
    /// Further committed blocks: 3GPD, then PUZL, each with its download number.
    pub blocks: Vec<(Shelf, u8, Vec<u8>)>,
    /// The handset's history of commits, oldest first, a line each.
    pub history: Vec<String>,
    /// The committed roaming list.
    pub prl: Vec<u8>,
    /// The settings of client provisioning, one object each, sorted.
    pub settings: Vec<Vec<u8>>,
    /// The order of the feature that the scenario is about.
    pub order: Option<FeatureOrder>,
    /// The handset holds that feature as activated.
    pub feature_active: bool,
    /// The gateway lets the handset use it, with the NAI that it holds.
    pub feature_works: bool,
    /// The NAI of every data call in the scenario.
    pub calls: Vec<String>,
    /// What the radio is registered with.
    pub registration: Option<Registration>,
    /// Reports that wait in the outbox.
    pub reports_left: usize,
    /// No trial is under way.
    pub confirmed: bool,
    /// Erase operations in the regions that hold firmware.
    pub image_erases: u64,
    /// Flash operations in all.
    pub operations: u64,
    /// Sectors erased in all.
    pub erases: u64,
    /// Exchanges with the operator's servers.
    pub exchanges: u64,
    /// What the radio sent in the scenario.
    pub fading: Fading,
    /// How often each sector was erased.
    pub wear: Vec<u32>,
    /// The handset's uptime at the end.
    pub took: Duration,
    /// Rules that the handset broke: of the protocols, the flash, the bearer.
    pub violations: Vec<String>,
}

impl Facts {
    /// The text of a leaf that the management tree itself keeps.
    pub fn leaf(&self, path: &str) -> Option<String> {
        let mut buf = vec![0; self.tree.len()];
        let nodes = Nodes::read(&mut buf, &mut Image(&self.tree)).ok()?;
        nodes.text(path).map(str::to_owned)
    }
}

/// An image of the management tree, to be read.
struct Image<'i>(&'i [u8]);

impl kedge_protocol::dm::Store for Image<'_> {
    fn load(&mut self, buffer: &mut [u8]) -> Result<usize, StoreError> {
        buffer.get_mut(..self.0.len()).ok_or(StoreError::Failed)?.copy_from_slice(self.0);
        Ok(self.0.len())
    }

    fn save(&mut self, _: &[u8]) -> Result<(), StoreError> {
        Err(StoreError::Failed)
    }
}

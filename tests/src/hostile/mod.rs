//! What a device does with input that somebody made up: each [`Target`] takes any octets and panics if the code under it
//! does, or if it takes more time, memory or flash operations than the documentation of the update agent allows.
//!
//! `cargo test` runs a fixed sample of mutated [seeds](Target::seeds); `cargo xtask fuzz` gives the same functions to
//! libFuzzer (`tests/fuzz`). Signatures are not checked here, and hashes are put right: what is behind them is looked at.
//!
//! ```text
//!  envelope   header, COSE_Sign1 or SUIT envelope, manifest, and the text that shows them
//!  received   a package octet by octet as it came in
//!  package    manifest and payload of kind 0, 1 or 2 in an envelope that is in order, applied in a slot and in place
//!  plan       a coded delta whose plan is well-formed and absurd: far jumps, saves of everything, blocks twice
//!  journal    a NOR journal with any content, at any moment of an update
//!  nand       tables, tags and journal of a NAND volume, overwritten in places
//!  is683      an IS-683 message in either direction: read, shown, written again
//!  prl        a roaming list with a right check value: read in RAM and in place, made again from its records
//!  sms-cdma   CDMA short messages one after the other, time between them
//!  otasp      an IS-683 engine, message after message, on a store that fails now and then
//!  mmc        an MMC document in either coding
//!  iota       an IOTA session, answer after answer
//!  sms-gsm    GSM short messages one after the other, time between them
//!  push       a WSP push, its security, and its SI or SL
//!  cp         a provisioning document in either coding: read, written again, checked
//!  syncml     a message of device management in either coding: read, written again
//!  dm         a session of device management on a tree, answer after answer
//!  notified   a notification and its proof
//!  multipart  a multipart body behind its Content-Type
//!  descriptor a download descriptor
//!  download   a download, answer after answer
//!  license    a license document whose signature is taken for right
//!  licensing  a session with a license server, answer after answer
//! ```

mod bounds;
mod cdma;
mod conversations;
mod counted;
mod documents;
mod mutate;
mod package;
mod plan;
mod storage;
mod take;

use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};

use kedge_platform_sim::random::Seeded;

use crate::oracle_iota::hex;

/// What is given hostile input.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Target {
    /// Header, envelope and manifest.
    Envelope,
    /// A whole package, as it came in.
    Received,
    /// Manifest and payload.
    Package,
    /// A plan of steps.
    Plan,
    /// The journal on NOR flash.
    Journal,
    /// A NAND volume.
    Nand,
    /// An IS-683 message.
    Is683,
    /// A roaming list.
    Prl,
    /// CDMA short messages.
    SmsCdma,
    /// An IS-683 session.
    Otasp,
    /// An MMC document.
    Mmc,
    /// An IOTA session.
    Iota,
    /// GSM short messages.
    SmsGsm,
    /// A WSP push.
    Push,
    /// A provisioning document.
    Cp,
    /// A SyncML message.
    Syncml,
    /// A session of device management.
    Dm,
    /// A notification.
    Notified,
    /// A multipart body.
    Multipart,
    /// A download descriptor.
    Descriptor,
    /// A download.
    Download,
    /// A license document.
    License,
    /// A session with a license server.
    Licensing,
}

/// How far the code under a target went.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Depth {
    /// It said no before anything was looked at that a signature covers.
    Unread,
    /// It was refused before the first erase of an image.
    Refused,
    /// It was applied, and ended without the image that it promised.
    Failed,
    /// It was taken to its end.
    Taken,
}

impl Target {
    /// All of them.
    pub const ALL: [Self; 23] = [
        Self::Envelope,
        Self::Received,
        Self::Package,
        Self::Plan,
        Self::Journal,
        Self::Nand,
        Self::Is683,
        Self::Prl,
        Self::SmsCdma,
        Self::Otasp,
        Self::Mmc,
        Self::Iota,
        Self::SmsGsm,
        Self::Push,
        Self::Cp,
        Self::Syncml,
        Self::Dm,
        Self::Notified,
        Self::Multipart,
        Self::Descriptor,
        Self::Download,
        Self::License,
        Self::Licensing,
    ];

    /// What it is called, here and as a fuzz target.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Envelope => "envelope",
            Self::Received => "received",
            Self::Package => "package",
            Self::Plan => "plan",
            Self::Journal => "journal",
            Self::Nand => "nand",
            Self::Is683 => "is683",
            Self::Prl => "prl",
            Self::SmsCdma => "sms-cdma",
            Self::Otasp => "otasp",
            Self::Mmc => "mmc",
            Self::Iota => "iota",
            Self::SmsGsm => "sms-gsm",
            Self::Push => "push",
            Self::Cp => "cp",
            Self::Syncml => "syncml",
            Self::Dm => "dm",
            Self::Notified => "notified",
            Self::Multipart => "multipart",
            Self::Descriptor => "descriptor",
            Self::Download => "download",
            Self::License => "license",
            Self::Licensing => "licensing",
        }
    }

    /// Gives it some octets.
    ///
    /// # Panics
    ///
    /// If what is under test panics, or takes more than it may.
    pub fn run(self, octets: &[u8]) -> Depth {
        match self {
            Self::Envelope => package::read(octets),
            Self::Received => package::receive(octets),
            Self::Package => package::apply(octets),
            Self::Plan => plan::apply(octets),
            Self::Journal => storage::journal(octets),
            Self::Nand => storage::nand(octets),
            Self::Is683 => cdma::message(octets),
            Self::Prl => cdma::list(octets),
            Self::SmsCdma => cdma::short_messages(octets),
            Self::Otasp => cdma::session(octets),
            Self::Mmc => cdma::document(octets),
            Self::Iota => conversations::provisioning(octets),
            Self::SmsGsm => conversations::short_messages(octets),
            Self::Push => documents::push(octets),
            Self::Cp => documents::provisioning(octets),
            Self::Syncml => documents::message(octets),
            Self::Dm => conversations::management(octets),
            Self::Notified => documents::notification(octets),
            Self::Multipart => documents::multipart(octets),
            Self::Descriptor => documents::descriptor(octets),
            Self::Download => conversations::download(octets),
            Self::License => documents::license(octets),
            Self::Licensing => conversations::licensing(octets),
        }
    }

    /// Good input to start from.
    pub fn seeds(self) -> Vec<Vec<u8>> {
        match self {
            Self::Envelope => package::whole(),
            Self::Received => package::whole().into_iter().flat_map(|octets| both_layouts(&octets)).collect(),
            Self::Package => package::parts(),
            Self::Plan => plan::scripts(),
            Self::Journal => storage::journals(),
            Self::Nand => storage::edits(),
            Self::Is683 => cdma::messages(),
            Self::Prl => cdma::lists(),
            Self::SmsCdma => cdma::conversations(),
            Self::Otasp => cdma::sessions(),
            Self::Mmc => cdma::documents(),
            Self::Iota => conversations::provisionings(),
            Self::SmsGsm => conversations::short_message_rows(),
            Self::Push => documents::pushes(),
            Self::Cp => documents::provisionings(),
            Self::Syncml => documents::messages(),
            Self::Dm => conversations::managements(),
            Self::Notified => documents::notifications(),
            Self::Multipart => documents::multiparts(),
            Self::Descriptor => documents::descriptors(),
            Self::Download => conversations::downloads(),
            Self::License => documents::licenses(),
            Self::Licensing => conversations::licensings(),
        }
    }
}

/// Runs the seeds of a target, then mutated ones, `cases` altogether; how deep they went. The same cases for every run.
///
/// # Panics
///
/// With the input in hexadecimal digits if [`Target::run`] does.
pub fn sample(target: Target, cases: usize) -> BTreeMap<Depth, usize> {
    let seeds = target.seeds();
    let mut depths = BTreeMap::new();
    for case in 0..cases {
        let mut noise = Seeded::for_purpose(case as u64, target as u64);
        let seed = &seeds[case % seeds.len()];
        let other = &seeds[noise.below(seeds.len())];
        let octets = if case < seeds.len() { seed.clone() } else { mutate::mutated(seed, other, &mut noise) };
        let depth = catch_unwind(AssertUnwindSafe(|| target.run(&octets)));
        let depth = depth.unwrap_or_else(|_| panic!("{}, case {case}: {}", target.name(), hex(&octets)));
        *depths.entry(depth).or_insert(0) += 1;
    }
    depths
}

/// The same input for a device with slots and for one that overwrites its image.
fn both_layouts(octets: &[u8]) -> [Vec<u8>; 2] {
    [0, 1].map(|layout| [&[layout], octets].concat())
}

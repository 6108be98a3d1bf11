//! The probe: a program that calls what the core crates offer, one feature per part.

use crate::target::{Build, Target, Toolchain};
use anyhow::{Result, bail};
use std::path::PathBuf;

/// Its folder below the root.
const PACKAGE: &str = "tests/probes/no-panic";

/// The parts, each proven and measured by itself: feature name, and what it covers.
pub(crate) const PARTS: &[(&str, &str)] = &[
    ("wire", "protocol: readers and writers"),
    ("wbxml", "protocol: WBXML reader and writer, every vocabulary"),
    ("xml", "protocol: XML and WBXML readers and writers"),
    ("mime", "protocol: media types, multipart bodies"),
    ("wap", "protocol: WSP push, service indication and loading"),
    ("sms", "protocol: GSM short messages, eight datagrams of 8 KiB in all"),
    (
        "download",
        "protocol: OMA Download, FUMO and standard objects in a tree of 4 KiB, notification, bootstrap",
    ),
    ("cp", "protocol: WSP push and client provisioning in WBXML, document of 4 KiB, with its MACs"),
    ("is683", "protocol: IS-683 messages, blocks, roaming lists"),
    ("engine", "protocol: IS-683 engine, roaming list of 16 KiB"),
    ("iota", "protocol: MMC documents, triggers, IOTA session with 128 KiB body"),
    (
        "handset",
        "protocol: the IS-683 engine, roaming list of 16 KiB, and IOTA sessions in WBXML with buffers of 5.5 KiB",
    ),
    ("sms-cdma", "protocol: short messages of CDMA, segments put together"),
    ("cdma", "protocol: the IS-683 engine, IOTA sessions and CDMA short messages together"),
    ("dm", "protocol: SyncML, management tree, session with messages of 4 KiB"),
    (
        "objects",
        "protocol: inbox, tunnel, settings and software components in a tree of 4 KiB, bootstrap documents",
    ),
    ("package", "update-agent/package: envelope, manifest, blocks"),
    ("delta", "update-agent/delta: the decoder of coded deltas, small profile"),
    (
        "repack",
        "update-agent/repack: the above with deflate streams unpacked and made again, 224 KiB of memory",
    ),
    ("lzma", "update-agent/repack: the above, streams of LZMA and xz too"),
    ("bank-log", "update-agent: the record store on two banks of flash"),
    ("nand", "update-agent: NAND flash as NOR flash, pages of 2 KiB"),
    ("encrypted", "update-agent: regions of flash behind a cipher; tables of mixed sectors"),
    ("update", "update-agent: inbox, verification, applier, boot decision"),
    ("applier", "update-agent: a boot stage's part, for the instructions of its own processor"),
    ("streaming", "update-agent: the above, and packages used while they come in"),
    ("forecast", "update-agent: stored packages, forecasts and counting"),
    ("handover", "update-agent: stored packages, and hand-over to MCUboot and ESP-IDF"),
    ("license", "documents, license sessions, and the license cache on NOR flash"),
    ("license-document", "protocol: license documents parsed, verified and judged, document of 3.5 KiB"),
    ("licensing", "agent as below, which owns its license"),
    ("agent", "agent with all of the above, roaming list of 16 KiB, body of 128 KiB"),
];

/// What is measured, but not proven: the cryptography's crates have panics of their own.
pub(crate) const MEASURED_ONLY: &[(&str, &str)] = &[
    ("applier-signed", "a boot stage's part with Ed25519 and SHA-256 in software"),
    ("license-document-signed", "license documents with Ed25519 and SHA-256 in software"),
];

/// The function the probe's panic handler calls; defined nowhere, so that a reachable panic does not link.
pub(crate) const MUST_NOT_PANIC: &str = "kedge_must_not_panic";

/// How to build the probe.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Probe<'a> {
    /// The parts.
    pub(crate) features: &'a [&'a str],
    /// For which processor.
    pub(crate) target: Target,
    /// `s` or `z`.
    pub(crate) opt_level: &'a str,
}

impl Probe<'_> {
    /// Builds it as the proof does: a reachable panic is a link error, returned as `None`.
    pub(crate) fn link(&self) -> Result<Option<PathBuf>> {
        match self.build(&[])? {
            Ok(elf) => Ok(Some(elf)),
            Err(messages) if messages.contains(MUST_NOT_PANIC) => Ok(None),
            Err(messages) => bail!("the probe does not compile:\n{messages}"),
        }
    }

    /// Builds it with the undefined function put at address 0, to look at who calls it.
    pub(crate) fn link_anyway(&self) -> Result<PathBuf> {
        match self.build(&[format!("--defsym={MUST_NOT_PANIC}=0")])? {
            Ok(elf) => Ok(elf),
            Err(messages) => bail!("the probe does not link:\n{messages}"),
        }
    }

    fn build(&self, more_link_args: &[String]) -> Result<Result<PathBuf, String>> {
        let mut link_args = vec!["--emit-relocs".to_owned()];
        link_args.extend_from_slice(more_link_args);
        Toolchain::find(self.target)?.build(&Build {
            package: PACKAGE,
            features: self.features,
            opt_level: self.opt_level,
            link_args: &link_args,
            stack_sizes: true,
        })
    }
}

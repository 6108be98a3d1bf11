//! `cargo xtask deps`: dependencies between our crates go one way, and the core crates keep their source rules.

use crate::places;
use crate::source_rules;
use anyhow::{Context, Result, bail};
use serde_json::Value;
use std::path::Path;

/// What a crate of ours may depend on, of ours.
enum May {
    /// Only on these.
    Use(&'static [&'static str]),
    /// On anything: programs and tests, on which nothing may depend but programs and tests.
    UseAll,
}

/// The rule: `agent -> protocol, update-agent, platform`, `update-agent -> platform, delta, package, repack`, `repack -> delta`,
/// `platform/* -> platform`, `protocol`, `delta` and `package` on nothing of ours. Development dependencies are free.
const RULES: &[(&str, May)] = &[
    ("kedge-protocol", May::Use(&[])),
    ("kedge-platform", May::Use(&[])),
    ("kedge-delta", May::Use(&[])),
    ("kedge-package", May::Use(&[])),
    ("kedge-repack", May::Use(&["kedge-delta"])),
    ("kedge-update-agent", May::Use(&["kedge-platform", "kedge-delta", "kedge-package", "kedge-repack"])),
    ("kedge-agent", May::Use(&["kedge-protocol", "kedge-update-agent", "kedge-package", "kedge-platform"])),
    (
        "kedge-capi",
        May::Use(&[
            "kedge-protocol",
            "kedge-update-agent",
            "kedge-agent",
            "kedge-platform",
            "kedge-platform-crypto",
        ]),
    ),
    ("kedge-platform-crypto", May::Use(&["kedge-platform"])),
    ("kedge-platform-linux", May::Use(&["kedge-platform"])),
    ("kedge-platform-net", May::Use(&["kedge-platform"])),
    ("kedge-platform-sim", May::Use(&["kedge-platform"])),
    // makes packages on a desk, and tries each on the simulated flash before it hands it out
    (
        "kedge-generator",
        May::Use(&[
            "kedge-delta",
            "kedge-package",
            "kedge-platform",
            "kedge-platform-crypto",
            "kedge-platform-sim",
            "kedge-repack",
            "kedge-update-agent",
        ]),
    ),
    ("kedge-agentd", May::UseAll),
    ("kedge-network", May::UseAll),
    ("kedge", May::UseAll),
    ("kedge-tests", May::UseAll),
    ("xtask", May::Use(&[])),
    ("kedge-hil", May::UseAll),
];

/// The crates that run on the device without an operating system: `no_std`, no heap, no I/O.
const CORE: &[&str] = &[
    "kedge-protocol",
    "kedge-platform",
    "kedge-delta",
    "kedge-package",
    "kedge-repack",
    "kedge-update-agent",
    "kedge-agent",
];

/// Runs the command.
pub(crate) fn run() -> Result<()> {
    let metadata = places::metadata()?;
    let packages = packages(&metadata)?;
    let mut faults = edges(&packages);
    for package in packages.iter().filter(|package| CORE.contains(&package.name)) {
        faults.extend(source_rules::check(package.folder)?);
    }
    if faults.is_empty() {
        println!(
            "deps: {} crates, every dependency goes the allowed way; {} core crates keep their rules",
            packages.len(),
            CORE.len()
        );
        return Ok(());
    }
    for fault in &faults {
        eprintln!("{fault}");
    }
    bail!("{} faults", faults.len())
}

struct Package<'a> {
    name: &'a str,
    folder: &'a Path,
    /// Names, development dependencies left out.
    uses: Vec<&'a str>,
}

fn packages(metadata: &Value) -> Result<Vec<Package<'_>>> {
    let list = metadata["packages"].as_array().context("cargo metadata lists no packages")?;
    list.iter()
        .map(|package| read(package).context("cargo metadata has another shape than expected"))
        .collect()
}

fn read(package: &Value) -> Option<Package<'_>> {
    let uses = package["dependencies"].as_array()?.iter().filter(|dependency| dependency["kind"] != "dev");
    Some(Package {
        name: package["name"].as_str()?,
        folder: Path::new(package["manifest_path"].as_str()?).parent()?,
        uses: uses.map(|dependency| dependency["name"].as_str()).collect::<Option<_>>()?,
    })
}

/// The edges that break the rule.
fn edges(packages: &[Package<'_>]) -> Vec<String> {
    let mut faults = Vec::new();
    for package in packages {
        let Some((_, may)) = RULES.iter().find(|(name, _)| *name == package.name) else {
            faults.push(format!("{}: not in the table of rules", package.name));
            continue;
        };
        for used in package.uses.iter().filter(|used| RULES.iter().any(|(name, _)| name == *used)) {
            let allowed = match may {
                May::Use(names) => names.contains(used),
                May::UseAll => true,
            };
            if !allowed {
                faults.push(format!("{} -> {used}: this dependency goes the wrong way", package.name));
            }
        }
    }
    faults
}

#[cfg(test)]
mod tests {
    use super::*;

    fn package<'a>(name: &'a str, uses: &[&'a str]) -> Package<'a> {
        Package { name, folder: Path::new(""), uses: uses.to_vec() }
    }

    #[test]
    fn a_forbidden_edge_is_named() {
        let faults = edges(&[package("kedge-protocol", &["minicbor", "kedge-platform"])]);
        assert_eq!(faults, ["kedge-protocol -> kedge-platform: this dependency goes the wrong way"]);
    }

    #[test]
    fn allowed_edges_pass() {
        assert!(
            edges(&[package("kedge-agent", &["kedge-protocol", "log"]), package("kedge", &["kedge-agent"])])
                .is_empty()
        );
    }

    #[test]
    fn a_crate_without_a_rule_is_a_fault() {
        assert_eq!(edges(&[package("kedge-new", &[])]), ["kedge-new: not in the table of rules"]);
    }

    #[test]
    fn nothing_below_a_program_may_use_it() {
        let programs: Vec<_> =
            RULES.iter().filter(|(_, may)| matches!(may, May::UseAll)).map(|(name, _)| *name).collect();
        for (name, may) in RULES {
            if let May::Use(uses) = may {
                assert!(!uses.iter().any(|used| programs.contains(used)), "{name}");
            }
        }
    }
}

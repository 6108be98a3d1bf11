//! `kedge air`: what the CDMA flows cost on the air, in either coding of MMC documents and as IS-683 messages alone.

use anyhow::{Context, anyhow};
use clap::Args;
use kedge_network::Coding;

use super::{Exit, Surroundings};
use crate::player::{SECTOR, UNIT, built_in_pair};
use crate::scenario::find;
use crate::traffic::Traffic;
use crate::world::{Prepared, Trouble};

/// The flows whose settings travel as MMC documents or IS-683 messages.
const FLOWS: [&str; 5] = ["one-button", "star-code", "prl-update", "brew-url", "esn-change"];

#[derive(Args, Clone, Debug)]
pub(super) struct Air {
    /// Flows or variants, by name [default: one-button star-code prl-update brew-url esn-change]
    flows: Vec<String>,
    /// Where everything random comes from
    #[arg(long, value_name = "N", default_value_t = 1)]
    seed: u64,
}

pub(super) fn run(arguments: &Air, surroundings: &mut Surroundings<'_>) -> anyhow::Result<Exit> {
    let named: Vec<&str> = arguments.flows.iter().map(String::as_str).collect();
    let flows = if named.is_empty() { &FLOWS[..] } else { &named };
    writeln!(surroundings.out, "{HEAD}")?;
    for name in flows {
        let [binary, text] = [Coding::Wbxml, Coding::Xml].map(|coding| play(name, coding, arguments.seed));
        let (binary, text) = (binary?, text?);
        writeln!(
            surroundings.out,
            "| {name} | {} | {} | {} | {} | {} |",
            binary.exchanges, binary.bodies, text.bodies, binary.is683, binary.short_messages
        )?;
    }
    Ok(Exit::Passed)
}

const HEAD: &str = "\
| flow | exchanges | MMC in WBXML | MMC in XML | IS-683 alone | short messages |
|---|---:|---:|---:|---:|---:|";

/// One play in process, with the operator's documents in that coding.
fn play(name: &str, coding: Coding, seed: u64) -> anyhow::Result<Traffic> {
    let scenario =
        find(name).ok_or_else(|| anyhow!("no flow {name:?}; `kedge simulate --list` shows all"))?;
    let sector = u32::try_from(SECTOR)?;
    let prepared = Prepared::new(scenario, &built_in_pair(), sector, seed)?.speaking(coding);
    let mut traffic = Traffic::default();
    prepared.play::<UNIT, SECTOR>(&Trouble::default(), &mut traffic).with_context(|| name.to_owned())?;
    Ok(traffic)
}

//! `kedge delta compare`: this generator and the other tools that are installed, on the same pairs, in one run.
//!
//! ```text
//!  pairs ──► ours (every layout and profile) ──┐
//!        └─► peers: made, applied, compared ───┴──► results ──► table and summary, or JSON
//! ```

mod ours;
mod pairs;
mod peers;
mod process;
mod results;
mod table;

use std::path::PathBuf;
use std::time::Duration;

use anyhow::bail;
use clap::Args;

use self::pairs::Pair;
use self::peers::Peers;
use self::process::Workplace;
use self::results::{Cell, Results};
use super::output::Output;
use super::{Exit, Surroundings};

/// Where `tests/peers/install.sh` puts what it installs.
const PEERS: &str = "target/peers";

#[derive(Args, Clone, Debug)]
pub(super) struct Compare {
    /// The old image
    #[arg(requires = "new")]
    old: Option<PathBuf>,
    /// The new image
    new: Option<PathBuf>,
    /// Compare on every folder in here that holds old.bin and new.bin
    #[arg(long, value_name = "DIR", conflicts_with = "old")]
    corpus: Option<PathBuf>,
    /// Write all results as JSON
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
    /// Where tests/peers/install.sh put the peers; programs are also looked for in the search path
    #[arg(long, value_name = "DIR", default_value = PEERS)]
    peers: PathBuf,
    /// Run only these peers, by name; `none`: none of them
    #[arg(long, value_name = "NAME", value_delimiter = ',')]
    only: Vec<String>,
    /// How long a peer may take to make or apply a patch
    #[arg(long, value_name = "SECONDS", default_value_t = 300)]
    timeout: u64,
}

pub(super) fn run(arguments: &Compare, surroundings: &mut Surroundings<'_>) -> anyhow::Result<Exit> {
    let pairs = match (&arguments.corpus, &arguments.old, &arguments.new) {
        (Some(directory), _, _) => pairs::corpus(directory)?,
        (None, Some(old), Some(new)) => vec![Pair::read("pair", old, new)?],
        _ => bail!("two images, or --corpus"),
    };
    let json = arguments.json.as_deref().map(Output::begin).transpose()?;
    let mut peers = Peers::find(&arguments.peers, Duration::from_secs(arguments.timeout));
    peers.keep_only(&arguments.only)?;
    let workplace = Workplace::new()?;
    let mut results = Results::new(&pairs, &peers.missing);
    for pair in &pairs {
        writeln!(surroundings.err, "kedge: {} ({} octets)", pair.name, pair.new.len())?;
        let arch = compare_ours(pair, &mut results, surroundings.err)?;
        workplace.put(pair)?;
        for peer in &peers.ready {
            let cell = peers.run(peer, pair, arch, &workplace);
            // some take minutes: what is known already must not be lost if the rest is given up
            writeln!(surroundings.err, "  {:<30}  {}", peer.name, table::cell(Some(&cell)))?;
            results.add(&peer.name, false, pair, cell);
        }
    }
    write!(surroundings.out, "{}", table::text(&results))?;
    if let Some(output) = json {
        output.finish(format!("{}\n", serde_json::to_string_pretty(&table::json(&results))?).as_bytes())?;
    }
    Ok(if results.ours_all_made() { Exit::Passed } else { Exit::Failed })
}

/// Runs this generator in every way; returns what most of the image is, for peers that want to be told.
fn compare_ours(
    pair: &Pair,
    results: &mut Results,
    err: &mut dyn std::io::Write,
) -> anyhow::Result<&'static str> {
    let mut arch = "data";
    for way in ours::WAYS {
        let cell = match way.make(pair) {
            Ok(made) => {
                arch = made.arch;
                made.cell
            }
            Err(why) => Cell::Failed(why),
        };
        writeln!(err, "  {:<30}  {}", way.name, table::cell(Some(&cell)))?;
        results.add(way.name, true, pair, cell);
    }
    Ok(arch)
}

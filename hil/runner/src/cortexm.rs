//! The Cortex-M board with its scenarios: a license by file, and firmware packages. The [owner](crate::owner) plays the rest.

use std::path::Path;
use std::time::Duration;

use kedge::world::Pair;
use kedge_generator::{Installed, Layout, Release, Signer, Target, delta};

use crate::board::{Board, Trouble};
use crate::cortexm_product as product;
use crate::cuts::{Life, Lives};
use crate::flash::sold_with;
use crate::owner::{License, Owner, VERSIONS, Wish};
use crate::phone::Kill;

/// A scenario: its name, what happens in it, where the firmware is updated to, and what the owner wants of that.
struct Scenario(&'static str, &'static str, Option<Layout>, Wish);

const SCENARIOS: [Scenario; 4] = [
    Scenario("license", "a license is asked for and installed by file", None, Wish::License),
    Scenario("update", "the same, then an update into the other slot", Some(Layout::Slot), Wish::Update),
    Scenario("update/in-place", "the same, then an update in place", Some(Layout::InPlace), Wish::Update),
    Scenario(
        "update/faulty",
        "the new image is never confirmed: the boot stage goes back",
        Some(Layout::Slot),
        Wish::RollBack,
    ),
];
/// Their names.
pub(crate) const NAMED: [&str; 4] = [SCENARIOS[0].0, SCENARIOS[1].0, SCENARIOS[2].0, SCENARIOS[3].0];

/// The board, the firmware pair and its packages.
pub(crate) struct Cortexm<'b> {
    board: &'b mut dyn Board,
    folder: &'b Path,
    pair: Pair,
    /// For the other slot, and in place.
    packages: [Vec<u8>; 2],
    seed: u64,
    patience: Duration,
}

impl<'b> Cortexm<'b> {
    /// A bench; `folder` is where the board finds packages.
    pub(crate) fn new(
        board: &'b mut dyn Board,
        folder: &'b Path,
        pair: Pair,
        (seed, patience): (u64, Duration),
    ) -> anyhow::Result<Self> {
        let package = |layout| {
            let release = Release {
                product: product::NAME,
                version: VERSIONS[1],
                security_counter: product::SECURITY_COUNTER,
                description: "the next release",
                notes: "",
                image: &pair.new,
            };
            let installed = Installed { version: VERSIONS[0], image: &pair.old };
            let target = Target { layout, block_size: product::SECTOR };
            delta(&release, &installed, target, &Signer::test_key())
        };
        let packages = [package(Layout::Slot)?, package(Layout::InPlace)?];
        Ok(Self { board, folder, pair, packages, seed, patience })
    }
}

/// What happens in a scenario; the error names those that there are.
pub(crate) fn title(name: &str) -> anyhow::Result<&'static str> {
    scenario(name).map(|scenario| scenario.1)
}

fn scenario(name: &str) -> anyhow::Result<&'static Scenario> {
    let known = || Trouble::Script(format!("the board plays {}, not {name}", NAMED.join(", ")));
    Ok(SCENARIOS.iter().find(|scenario| scenario.0 == name).ok_or_else(known)?)
}

impl Lives for Cortexm<'_> {
    fn scenarios(&self) -> &'static [&'static str] {
        &NAMED
    }

    fn seed(&self) -> u64 {
        self.seed
    }

    fn place(&self, offset: u32) -> &'static str {
        let layout = product::layout(false);
        match offset {
            _ if offset < product::IMAGE.end() => "image",
            _ if offset < layout.package.start => "slot",
            _ if offset < layout.package.end() => "package",
            _ if offset < layout.journal.end() => "journal",
            _ => "license",
        }
    }

    fn live(&mut self, name: &'static str, kills: &[Kill]) -> anyhow::Result<Life> {
        let Scenario(_, _, update, wanted) = scenario(name)?;
        let in_place = *update == Some(Layout::InPlace);
        if let Some(layout) = update {
            std::fs::write(
                self.folder.join("package.kdg"),
                &self.packages[usize::from(*layout == Layout::InPlace)],
            )?;
        }
        self.board.write_flash(&sold_with(&self.pair.old, product::FLASH as usize)?)?;
        let key = &product::DEVICE_SEED;
        let owner = Owner::new((License::ByFile, key), *wanted, (kills, self.patience));
        let mut straps = owner.straps(self.seed);
        if *wanted == Wish::RollBack {
            straps.push("new=faulty".to_owned());
        }
        if in_place {
            straps.push("layout=in-place".to_owned());
        }
        let slots = product::layout(in_place);
        owner.live(self.board, &straps, (&self.pair, slots, product::FLASH as usize))
    }
}

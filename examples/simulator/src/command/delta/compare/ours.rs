//! This generator, in every layout and profile.

use std::collections::BTreeMap;
use std::time::Instant;

use kedge_delta::arch::Arch;
use kedge_generator::image::Hint;
use kedge_generator::{Coding, Installed, Layout, Release, Report, Signer, Target, create};

use super::pairs::Pair;
use super::results::Cell;
use crate::command::delta::info::arch_name;
use crate::command::delta::quantity::Geometry;

/// The way that the figures to reach are about.
pub(super) const MAIN: &str = "kedge in-place small";

/// A layout and a profile.
#[derive(Clone, Copy, Debug)]
pub(super) struct Way {
    pub(super) name: &'static str,
    layout: Layout,
    ram: u32,
}

/// All of them: slot and in place next to each other.
pub(super) const WAYS: [Way; 6] = [
    Way { name: "kedge in-place tiny", layout: Layout::InPlace, ram: 4 << 10 },
    Way { name: "kedge slot tiny", layout: Layout::Slot, ram: 4 << 10 },
    Way { name: MAIN, layout: Layout::InPlace, ram: 16 << 10 },
    Way { name: "kedge slot small", layout: Layout::Slot, ram: 16 << 10 },
    Way { name: "kedge in-place large", layout: Layout::InPlace, ram: 128 << 10 },
    Way { name: "kedge slot large", layout: Layout::Slot, ram: 128 << 10 },
];

/// A payload that was made, and applied on the flash model.
#[derive(Debug)]
pub(super) struct Made {
    pub(super) cell: Cell,
    /// What most of the new image is.
    pub(super) arch: &'static str,
}

impl Way {
    /// Makes a package; the generator applies it on the strict flash model before it gives it out.
    pub(super) fn make(&self, pair: &Pair) -> Result<Made, String> {
        let release = Release {
            product: "compare",
            version: "2",
            security_counter: 0,
            description: "",
            notes: "",
            image: &pair.new,
        };
        let installed = Installed { version: "1", image: &pair.old };
        let geometry = Geometry::default();
        let target =
            Target { layout: self.layout, block_size: geometry.block(self.layout == Layout::InPlace) };
        let coding = Coding {
            ram: self.ram,
            spare: geometry.spare,
            hint: Hint { arch: None, base: pair.base },
            progress: &|_, _| (),
        };
        let start = Instant::now();
        let made = create(&release, &installed, target, &coding, &Signer::test_key());
        let seconds = start.elapsed().as_secs_f64();
        let report = made.map_err(|error| error.to_string())?.report;
        Ok(Made {
            cell: Cell::Made { bytes: report.payload, seconds },
            arch: arch_name(main_arch(&report, pair.new.len())),
        })
    }
}

/// The instructions that most octets of the new image belong to.
fn main_arch(report: &Report, size: usize) -> Arch {
    let starts = report.regions.iter().map(|region| region.new_start as usize);
    let ends = starts.skip(1).chain([size]);
    let mut octets = BTreeMap::new();
    for (region, end) in report.regions.iter().zip(ends) {
        if !matches!(region.arch, Arch::Data | Arch::Data64 | Arch::Offsets | Arch::Relative) {
            let so_far: &mut (usize, Arch) = octets.entry(arch_name(region.arch)).or_insert((0, region.arch));
            so_far.0 += end.saturating_sub(region.new_start as usize);
        }
    }
    octets.into_values().max_by_key(|(octets, _)| *octets).map_or(Arch::Data, |(_, arch)| arch)
}

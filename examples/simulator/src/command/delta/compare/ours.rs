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
    /// The way with the same profile in a slot, for a way in place.
    pub(super) slot: Option<&'static str>,
    /// Octets of RAM.
    ram: u32,
    /// Spare sectors, in place.
    spare: u32,
}

/// All of them: what is made in place stands before the same in a slot, then with a third spare sector.
pub(super) const WAYS: [Way; 9] = [
    Way::in_place("kedge in-place tiny", 4 << 10, 2, "kedge slot tiny"),
    Way::slot("kedge slot tiny", 4 << 10),
    Way::in_place("kedge in-place tiny, 3 spare", 4 << 10, 3, "kedge slot tiny"),
    Way::in_place(MAIN, 16 << 10, 2, "kedge slot small"),
    Way::slot("kedge slot small", 16 << 10),
    Way::in_place("kedge in-place small, 3 spare", 16 << 10, 3, "kedge slot small"),
    Way::in_place("kedge in-place large", 128 << 10, 2, "kedge slot large"),
    Way::slot("kedge slot large", 128 << 10),
    Way::in_place("kedge in-place large, 3 spare", 128 << 10, 3, "kedge slot large"),
];

/// A payload that was made, and applied on the flash model.
#[derive(Debug)]
pub(super) struct Made {
    pub(super) cell: Cell,
    /// What most of the new image is.
    pub(super) arch: &'static str,
}

impl Way {
    const fn in_place(name: &'static str, ram: u32, spare: u32, slot: &'static str) -> Self {
        Self { name, slot: Some(slot), ram, spare }
    }

    const fn slot(name: &'static str, ram: u32) -> Self {
        Self { name, slot: None, ram, spare: 0 }
    }

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
        let layout = if self.slot.is_some() { Layout::InPlace } else { Layout::Slot };
        let target = Target { layout, block_size: geometry.block(layout == Layout::InPlace) };
        let coding = Coding {
            ram: self.ram,
            spare: self.spare,
            hint: Hint { arch: None, base: pair.base },
            reverse: false,
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

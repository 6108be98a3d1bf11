//! What stands on the flash itself, overwritten: journals on NOR, tables, tags and journals on NAND. Their check values
//! keep most of it out; what is left must not make a device panic, run on forever or wear its flash down.
use std::sync::LazyLock;

use kedge_generator::Layout::{InPlace, Slot};
use kedge_platform::nand::{NandFlash as _, PageAddress};
use kedge_platform_sim::nor::{Cut, Nor};

use super::Depth;
use super::bounds;
use super::counted::{Counted, Work};
use super::package::manifest_of;
use super::take::Take;
use crate::life::{Device as _, Life, NandDevice};
use crate::update::{Case, Content, Stop, image_pair};

const SECTOR: usize = 256;
type Flash = Nor<8, SECTOR>;
type Part = NandDevice<512, 2048>;

/// Starts of a device, after which nobody is patient any more.
const STARTS: u64 = 6;
/// At how many moments of an update something is overwritten.
const MOMENTS: u64 = 12;
/// How much more a NAND part may do than in an update without faults: its tables may have to be looked for, and written
/// anew, at every start.
const MORE: u64 = 20;

/// An update, and the device at moments of it.
struct Story<D> {
    case: Case,
    moments: Vec<D>,
}

fn story<D: crate::life::Device>(case: Case, factory: &D) -> Story<D> {
    let life = Life::new(factory.clone());
    let operations = life.clone().finish(&case).unwrap_or_else(|error| panic!("{error}"));
    let moment = |n: u64| {
        let mut life = life.clone();
        let at = operations * n / MOMENTS;
        life.cut(&case, at, Cut::After).unwrap_or_else(|error| panic!("{at}: {error}"));
        life.device.power_on();
        life.device
    };
    let moments = (0..MOMENTS).map(moment).collect();
    Story { case, moments }
}

static NOR: LazyLock<[Story<Flash>; 2]> = LazyLock::new(|| {
    [Slot, InPlace].map(|layout| {
        let (old, new) = image_pair(900, SECTOR, 11);
        let case = Case::new(&old, &new, Content::Delta, layout, SECTOR, SECTOR);
        let factory = case.device(1);
        story(case, &factory)
    })
});

static NAND: LazyLock<Story<Part>> = LazyLock::new(|| {
    let (old, new) = image_pair(5 * 2048 - 700, 2048, 7);
    let case = Case::new(&old, &new, Content::Delta, InPlace, 2048, 2048);
    let factory = NandDevice::new(&case, 1);
    story(case, &factory)
});

/// Whether the octets are the journal's whole content, and whether the layout is in place.
const WHOLE: u8 = 0x80;
const OVER: u8 = 0x40;

/// A NOR journal with any content, at a moment of an update.
pub(super) fn journal(octets: &[u8]) -> Depth {
    let mut take = Take(octets);
    let flags = take.octet();
    let Story { case, moments } = &NOR[usize::from(flags & OVER != 0)];
    let mut flash = moments[usize::from(flags & 0x3F) % moments.len()].clone();
    let region = case.layout.journal;
    let place = region.start as usize..(region.start + region.len) as usize;
    let mut content = flash.dump()[place].to_vec();
    if flags & WHOLE == 0 {
        while !take.is_empty() {
            let at = take.below(region.len) as usize;
            content[at] = take.octet();
        }
    } else {
        let len = content.len();
        let given = take.octets(len);
        content[..given.len()].copy_from_slice(given);
    }
    flash.load(region.start, &content).unwrap_or_else(|error| panic!("{error}"));
    let mut flash = Counted::new(flash);
    let Work { read, written, erased } = allowed(case);
    flash.limit(Work { read: STARTS * read, written: STARTS * written, erased: STARTS * erased });
    ended((0..STARTS).find_map(|_| match case.start(&mut flash, &mut Vec::new()) {
        Ok(false) => None,
        Ok(true) => Some(Ok(())),
        Err(stop) => Some(Err(stop)),
    }))
}

/// What one start may take: receiving the package, and applying it.
fn allowed(case: &Case) -> Work {
    let manifest = manifest_of(&case.package).unwrap_or_else(|| panic!("the package is good"));
    let Work { read, written, erased } =
        bounds::applying(&case.layout, u32::try_from(SECTOR).unwrap_or_default(), &manifest);
    let received = u64::from(case.layout.package.len);
    Work { read: read + received, written: written + 2 * received, erased: erased + received }
}

fn ended(last: Option<Result<(), Stop>>) -> Depth {
    match last {
        Some(Ok(())) => Depth::Taken,
        Some(Err(_)) => Depth::Failed,
        None => Depth::Refused,
    }
}

/// A NAND volume with some of its octets overwritten.
pub(super) fn nand(octets: &[u8]) -> Depth {
    let Story { case, moments } = &*NAND;
    let mut take = Take(octets);
    let mut device = moments[usize::from(take.octet()) % moments.len()].clone();
    while !take.is_empty() {
        overwrite(&mut device, &mut take);
    }
    let before = device.flash.work();
    let clean = moments.last().map(|device| device.flash.work()).unwrap_or_default();
    let last = (0..STARTS).find_map(|_| {
        device.power_on();
        match device.start(case, &mut Vec::new()) {
            Ok(false) => None,
            Ok(true) => Some(Ok(())),
            Err(stop) => Some(Err(stop)),
        }
    });
    let after = device.flash.work();
    assert!(after.reads - before.reads <= MORE * clean.reads, "{} pages read", after.reads - before.reads);
    let changes = after.operations() - before.operations();
    assert!(changes <= MORE * clean.operations(), "{changes} pages programmed and blocks erased");
    ended(last)
}

/// Overwrites some octets of a page, or fills or erases it; the block is programmed anew as the part wants it.
fn overwrite(device: &mut Part, take: &mut Take<'_>) {
    let flash = &mut device.flash;
    let geometry = flash.geometry();
    let block = u32::from(take.octet()) % geometry.blocks;
    let page = u32::from(take.octet()) % geometry.pages_per_block;
    if flash.is_bad(block).unwrap_or(true) {
        return;
    }
    let mut pages: Vec<(Vec<u8>, Vec<u8>)> = Vec::new();
    for page in 0..geometry.pages_per_block {
        let (mut data, mut spare) = (vec![0xFF; geometry.page], vec![0xFF; geometry.spare]);
        // what cannot be read is blank then
        let _ = flash.read_page(PageAddress { block, page }, &mut data, &mut spare);
        pages.push((data, spare));
    }
    let (data, spare) = &mut pages[page as usize];
    let ways = take.octet();
    for _ in 0..1 + (ways & 7) {
        let at = take.below(u32::try_from(data.len() + spare.len()).unwrap_or(1)) as usize;
        let value = take.octet();
        match at.checked_sub(data.len()) {
            _ if ways & 0x40 != 0 => spare[at % 16] = value,
            Some(at) => spare[at] = value,
            None => data[at] = value,
        }
    }
    if ways & 0x80 != 0 {
        (data.fill(0xFF), spare.fill(0xFF));
    }
    let _ = flash.erase_block(block);
    for (page, (data, spare)) in (0..).zip(&pages) {
        if data.iter().chain(spare).any(|octet| *octet != 0xFF) {
            let _ = flash.program_page(PageAddress { block, page }, data, spare);
        }
    }
}

/// Journals as they are at the moments of an update.
pub(super) fn journals() -> Vec<Vec<u8>> {
    let mut seeds = Vec::new();
    for (story, over) in NOR.iter().zip([0, OVER]) {
        for (moment, flash) in (0..).zip(&story.moments) {
            let region = story.case.layout.journal;
            let content = flash.dump()[region.start as usize..][..region.len as usize].to_vec();
            seeds.push([&[WHOLE | over | moment], &content[..]].concat());
            seeds.push(vec![over | moment, 0, 0, content[0]]);
        }
    }
    seeds
}

/// A change in each block that holds tables or the journal, at each moment.
pub(super) fn edits() -> Vec<Vec<u8>> {
    let blocks = (0..u8::try_from(MOMENTS).unwrap_or(0)).map(|moment| (moment, moment % 8));
    blocks.flat_map(|(moment, block)| [vec![moment], vec![moment, block, 0, 0x40, 3, 0, 0x55]]).collect()
}

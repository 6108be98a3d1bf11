use super::{
    Region, elf,
    fields::{index, le32},
};
use kedge_delta::arch::{AHEAD, Arch, BEHIND, Place, Window, scale, unit};
use std::ops::Range;

/// Addresses are counted by pages of this size.
const PAGE: u32 = 0x1000;
/// Pages of one RAM without an address in it: large buffers.
const GAP: u32 = 16;
/// A page with fewer addresses may be chance.
const LEAST: usize = 3;
/// One more for every so many addresses: packed octets have them everywhere, up to one in a page for a million.
const CHANCE: usize = 1 << 16;
/// So many addresses show that there is RAM, if they are this share of all.
const ENOUGH: usize = 12;
const SHARE: usize = 32;
/// Octets of variables behind a 64-bit image.
const MOST_VARIABLES: u32 = 64 << 20;

/// Guesses where the device has its RAM: the start and the length of the stretch outside the image to which most different
/// addresses in it lead; for an ELF file, what it says. `None` if no stretch stands out.
pub fn ram(octets: &[u8], regions: &[Region]) -> Option<(u32, u32)> {
    if let Some(variables) = elf::variables(octets) {
        return Some(variables);
    }
    let mut addresses: Vec<u32> =
        regions.iter().flat_map(|region| addresses(octets, region, regions)).collect();
    addresses.sort_unstable();
    addresses.dedup();
    let least = LEAST + addresses.len() / CHANCE;
    let pages: Vec<Page> = addresses
        .chunk_by(|one, next| one / PAGE == next / PAGE)
        .filter(|run| run.len() >= least)
        .filter_map(|run| Some(Page { number: run.first()? / PAGE, addresses: run.len() }))
        .collect();
    let near = |one: &Page, next: &Page| next.number - one.number <= GAP;
    let best = pages.chunk_by(near).max_by_key(|stretch| worth(stretch, regions))?;
    let (first, last) = (best.first()?.number, best.last()?.number);
    let enough = ENOUGH.max(addresses.len() / SHARE);
    let found = best.iter().map(|page| page.addresses).sum::<usize>() >= enough;
    found.then(|| (first * PAGE, (last - first + 1).saturating_mul(PAGE)))
}

/// A page with addresses.
struct Page {
    number: u32,
    /// How many different ones.
    addresses: usize,
}

/// How much a stretch of pages looks like RAM: initialised data of the image nearby say that it is not ROM.
fn worth(stretch: &[Page], regions: &[Region]) -> usize {
    const WITH_DATA: usize = 16;
    let addresses: usize = stretch.iter().map(|page| page.addresses).sum();
    let (Some(first), Some(last)) = (stretch.first(), stretch.last()) else { return 0 };
    let near = first.number.saturating_sub(GAP)..=last.number.saturating_add(GAP);
    let data = |region: &Region| region.arch == Arch::Data && near.contains(&(region.address / PAGE));
    if regions.iter().any(data) { addresses * WITH_DATA } else { addresses }
}

/// The addresses in a region that may be of RAM.
fn addresses(octets: &[u8], region: &Region, regions: &[Region]) -> Vec<u32> {
    let possible = possible(regions);
    let outside = |address: &u32| possible.contains(address) && offset(*address, regions).is_none();
    match region.arch {
        Arch::Data => {
            let words = places(region, 4).map_while(|at| le32(octets, at));
            words.filter(|word| outside(word) && !is_text(*word)).collect()
        }
        Arch::Data64 => {
            let words = places(region, 8).map_while(|at| Some((le32(octets, at)?, le32(octets, at + 4)?)));
            words.filter(|(low, high)| *high == region.high && outside(low)).map(|(low, _)| low).collect()
        }
        Arch::Offsets | Arch::Relative => Vec::new(),
        // What instructions lead to outside the image is RAM only where they can load an address by parts; where they take it
        // from a word nearby, the word tells.
        Arch::Thumb | Arch::Xtensa | Arch::Arm => {
            let word_scale = if region.arch == Arch::Arm { 0 } else { 2 };
            references(octets, region, |target, scale| match offset(target, regions) {
                Some(at) if scale == word_scale && target % 4 == 0 => le32(octets, at).filter(outside),
                Some(_) => None,
                None => Some(target).filter(|target| region.arch == Arch::Thumb && outside(target)),
            })
        }
        _ => references(octets, region, |target, _| Some(target).filter(outside)),
    }
}

/// What `choose(target, scale)` makes of every reference in a region of code.
fn references(octets: &[u8], region: &Region, choose: impl Fn(u32, u8) -> Option<u32>) -> Vec<u32> {
    let Range { start, end } = range(region);
    let mut found = Vec::new();
    let mut at = start;
    while at < end {
        let (Some(behind), Some(ahead)) =
            (octets.get(at.saturating_sub(BEHIND).max(start)..at), octets.get(at..(at + AHEAD).min(end)))
        else {
            break;
        };
        let address = region.address.wrapping_add(u32::try_from(at - start).unwrap_or_default());
        let place = Place { arch: region.arch, address, origin: region.address, high: region.high };
        let unit = unit(&place, &Window { behind, ahead, address }, |_| false);
        if let Some(reference) = unit.reference {
            found.extend(choose(reference.target, scale(region.arch, reference.form)));
        }
        at += usize::from(unit.len.max(1));
    }
    found
}

/// Where the RAM of a device with such code can be at all.
fn possible(regions: &[Region]) -> Range<u32> {
    let has = |arch| regions.iter().any(|region| region.arch == arch);
    if has(Arch::Thumb) && !has(Arch::Arm) {
        0x1000_0000..0x4000_0000 // Arm ARM v7-M §B3.1, and the core-coupled memories below the SRAM region
    } else if has(Arch::Xtensa) {
        0x3c00_0000..0x4000_0000 // the data bus of the ESP chips
    } else if has(Arch::Data64) {
        // Variables without a value stand behind the image.
        let end = |region: &Region| region.address.saturating_add(region.len);
        let end = regions.iter().map(end).max().unwrap_or_default();
        end..end.saturating_add(MOST_VARIABLES)
    } else if has(Arch::X86) || has(Arch::X86_16) {
        0x0010_0000..0xf000_0000 // below stand the BIOS and its devices
    } else {
        0x0001_0000..0xf000_0000
    }
}

/// The places of aligned words in a region.
fn places(region: &Region, word: u32) -> impl Iterator<Item = usize> {
    let Range { start, end } = range(region);
    (start + index(region.address.wrapping_neg() & (word - 1))..end).step_by(index(word))
}

fn range(region: &Region) -> Range<usize> {
    index(region.start)..index(region.start).saturating_add(index(region.len))
}

fn is_text(word: u32) -> bool {
    word.to_le_bytes().iter().all(|octet| matches!(octet, b' '..=b'~'))
}

/// Where in the image an address is.
fn offset(address: u32, regions: &[Region]) -> Option<usize> {
    regions.iter().find_map(|region| {
        let offset = address.wrapping_sub(region.address);
        (offset < region.len).then(|| index(region.start) + index(offset))
    })
}

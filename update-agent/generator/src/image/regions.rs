//! From what containers tell and what is found in between to a short list of regions.

use super::{
    Hint, Region,
    address::address,
    boot,
    detect::detect,
    elf, esp,
    fields::index,
    span::{ANY, Content, Span, cover, is_code, only},
    vectors::Vectors,
};
use kedge_delta::arch::Arch;
use std::ops::Range;

/// Most regions of an image: each costs some octets in every package.
pub const MOST_REGIONS: usize = 24;

/// A region with fewer octets is not worth its description: headers, trailers, small sections.
const LEAST: u32 = 512;

/// Divides an image into at most [`MOST_REGIONS`] regions: in order, without a gap, none empty. Octets past 4 GiB do not count.
pub fn regions(octets: &[u8], hint: Hint) -> Vec<Region> {
    let octets = octets.get(..index(u32::MAX)).unwrap_or(octets);
    let mut parts = Vec::new();
    for span in spans(octets, hint) {
        parts.extend(resolve(octets, &span, hint));
    }
    inherit(&mut parts);
    let regions: Vec<Region> = parts.iter().filter_map(Part::region).collect();
    few(without_fill(octets, regions))
}

/// The parts that the container tells, if any.
fn spans(octets: &[u8], hint: Hint) -> Vec<Span> {
    let mixed = |range: Range<usize>| {
        let address = hint.base.map(|base| u64::from(base) + range.start as u64);
        Span::mixed(range, address, ANY)
    };
    let mut spans = match elf::spans(octets).or_else(|| esp::spans(octets)) {
        Some(spans) => return narrow(cover(spans, octets.len(), Span::data), hint),
        None => boot::spans(octets)
            .map_or_else(|| vec![mixed(0..octets.len())], |spans| cover(spans, octets.len(), mixed)),
    };
    for tree in boot::trees(octets) {
        spans = spans.into_iter().flat_map(|span| without(span, &tree)).collect();
        spans.push(Span::data(tree));
        spans.sort_by_key(|span| span.range.start);
    }
    if let Some(base) = hint.base {
        for span in &mut spans {
            span.address = Some(u64::from(base) + span.range.start as u64);
        }
    }
    narrow(spans, hint)
}

/// What remains of a span outside a device tree.
fn without(span: Span, tree: &Range<usize>) -> Vec<Span> {
    if span.content == Content::Known(Arch::Data)
        || span.range.end <= tree.start
        || tree.end <= span.range.start
    {
        return vec![span];
    }
    let part = |range: Range<usize>| {
        let address = span.address.map(|address| address + (range.start - span.range.start) as u64);
        Span { range, address, content: span.content }
    };
    let before = span.range.start..tree.start.max(span.range.start);
    let behind = tree.end.min(span.range.end)..span.range.end;
    [before, behind].into_iter().filter(|range| !range.is_empty()).map(part).collect()
}

/// What the caller knows about the architecture counts more than what a container says.
fn narrow(mut spans: Vec<Span>, hint: Hint) -> Vec<Span> {
    for span in &mut spans {
        match (hint.arch, span.content) {
            (Some(arch), _) if !is_code(arch) => span.content = Content::Known(arch),
            (Some(arch), Content::Mixed(_)) => span.content = Content::Mixed(only(arch)),
            (Some(arch), Content::Known(known)) if is_code(known) => span.content = Content::Known(arch),
            _ => {}
        }
    }
    spans
}

/// A region in the making.
struct Part {
    range: Range<usize>,
    address: Option<u64>,
    arch: Arch,
}

/// Finds out what a span holds.
fn resolve(octets: &[u8], span: &Span, hint: Hint) -> Vec<Part> {
    let among = match span.content {
        Content::Known(arch) => return vec![Part { range: span.range.clone(), address: span.address, arch }],
        Content::Mixed(among) => among,
    };
    let inside = octets.get(span.range.clone()).unwrap_or_default();
    let mut found = detect(inside, among);
    if let Some(arch) =
        certain(inside, hint, among).filter(|_| !found.parts.iter().any(|(_, arch)| is_code(*arch)))
    {
        found.parts = vec![(0..inside.len(), arch)];
    }
    let main = found
        .parts
        .iter()
        .filter(|(_, arch)| is_code(*arch))
        .max_by_key(|(range, _)| range.len())
        .map(|(_, arch)| *arch);
    let base = span.address.or_else(|| address(inside, &found.functions, main.unwrap_or(Arch::Data)));
    let data = match main {
        Some(Arch::AArch64 | Arch::X86_64) => Arch::Data64,
        _ => Arch::Data,
    };
    let part = |(range, arch): (Range<usize>, Arch)| Part {
        address: base.map(|base| base.wrapping_add(range.start as u64)),
        range: span.range.start + range.start..span.range.start + range.end,
        arch: if arch == Arch::Data { data } else { arch },
    };
    found.parts.into_iter().map(part).collect()
}

/// The architecture of octets too few to tell by themselves: what the caller says, or Thumb with a vector table.
fn certain(octets: &[u8], hint: Hint, among: &[Arch]) -> Option<Arch> {
    hint.arch
        .or_else(|| (among.contains(&Arch::Thumb) && Vectors::find(octets).is_some()).then_some(Arch::Thumb))
}

/// Gives parts without an address the one that continues their neighbour's: the part's behind them, else before them.
fn inherit(parts: &mut [Part]) {
    let mut known: Option<u64> = None;
    for part in parts.iter_mut().rev() {
        let start = part.range.start as u64;
        match part.address {
            Some(address) => known = Some(address.wrapping_sub(start)),
            None => part.address = known.map(|shift| shift.wrapping_add(start)),
        }
    }
    for part in parts {
        let start = part.range.start as u64;
        match part.address {
            Some(address) => known = Some(address.wrapping_sub(start)),
            None => part.address = Some(known.unwrap_or_default().wrapping_add(start)),
        }
    }
}

impl Part {
    fn region(&self) -> Option<Region> {
        let address = self.address.unwrap_or_default();
        Some(Region {
            start: u32::try_from(self.range.start).ok()?,
            len: u32::try_from(self.range.len()).ok().filter(|len| *len > 0)?,
            address: u32::try_from(address & 0xffff_ffff).ok()?,
            high: u32::try_from(address >> 32).ok()?,
            arch: self.arch,
        })
    }
}

/// Gives regions of nothing but fill to a neighbour.
fn without_fill(octets: &[u8], mut regions: Vec<Region>) -> Vec<Region> {
    let fill = |region: &Region| {
        let start = index(region.start);
        let inside = octets.get(start..start + index(region.len)).unwrap_or_default();
        inside.iter().all(|octet| Some(octet) == inside.first())
    };
    let mut at = regions.len();
    while let Some(before) = at.checked_sub(1) {
        at = before;
        if regions.len() > 1 && regions.get(at).is_some_and(fill) {
            absorb(&mut regions, at);
        }
    }
    regions
}

/// Joins regions until each is worth its description and they are not too many.
fn few(mut regions: Vec<Region>) -> Vec<Region> {
    loop {
        let mut joined: Vec<Region> = Vec::with_capacity(regions.len());
        for region in regions {
            match joined.last_mut() {
                Some(last) if last.arch == region.arch && shift(last) == shift(&region) => {
                    last.len += region.len;
                }
                _ => joined.push(region),
            }
        }
        regions = joined;
        let Some(at) = least(&regions) else { return regions };
        absorb(&mut regions, at);
    }
}

/// The region that has to go.
fn least(regions: &[Region]) -> Option<usize> {
    let (at, region) = regions.iter().enumerate().min_by_key(|(_, region)| region.len)?;
    (regions.len() > 1 && (region.len < LEAST || regions.len() > MOST_REGIONS)).then_some(at)
}

/// Gives a region to a neighbour: one with the same addresses, else one that holds the same, else the larger. Not, if it can be
/// helped, to one behind it whose words count from its start.
pub(super) fn absorb(regions: &mut Vec<Region>, at: usize) {
    let region = regions.remove(at);
    let worth = |neighbour: &Region| {
        (shift(neighbour) == shift(&region), neighbour.arch == region.arch, neighbour.len)
    };
    let start_moves = |neighbour: &&Region| at > 0 && neighbour.arch == Arch::Offsets;
    let before = at.checked_sub(1).and_then(|before| regions.get(before)).map(worth);
    let behind = regions.get(at).filter(|behind| !start_moves(behind)).map(worth);
    if before >= behind {
        if let Some(before) = at.checked_sub(1).and_then(|before| regions.get_mut(before)) {
            before.len += region.len;
        }
    } else if let Some(behind) = regions.get_mut(at) {
        let address =
            (u64::from(behind.high) << 32 | u64::from(behind.address)).wrapping_sub(u64::from(region.len));
        behind.start = region.start;
        behind.len += region.len;
        behind.address = (address & 0xffff_ffff) as u32;
        behind.high = (address >> 32) as u32;
    }
}

/// What is to add to a place in the image for its address.
fn shift(region: &Region) -> u64 {
    (u64::from(region.high) << 32 | u64::from(region.address)).wrapping_sub(u64::from(region.start))
}

//! Headers that boot loaders read: MCUboot ("Image format" in its design document), U-Boot legacy images (include/image.h),
//! flattened device trees (Devicetree Specification v0.4 §5) and what they carry (FIT), and Linux for ARM and AArch64
//! (Documentation/arch/arm64/booting.rst; the zImage magic of arch/arm/boot/compressed/head.S).

use super::{
    fields::{be32, index, le16, le32},
    span::{ANY, Content, Span, only},
};
use kedge_delta::arch::Arch;
use std::ops::Range;

/// The parts of an image with one of the headers. What they do not describe is not told.
pub(super) fn spans(octets: &[u8]) -> Option<Vec<Span>> {
    mcuboot(octets).or_else(|| legacy(octets)).or_else(|| fit(octets)).or_else(|| linux(octets))
}

/// The flattened device trees inside an image.
pub(super) fn trees(octets: &[u8]) -> Vec<Range<usize>> {
    let mut found = Vec::new();
    let mut at = 0;
    while at < octets.len() {
        match tree(octets, at) {
            Some(end) => {
                found.push(at..end);
                at = end.next_multiple_of(4);
            }
            None => at += 4,
        }
    }
    found
}

fn mcuboot(octets: &[u8]) -> Option<Vec<Span>> {
    const MAGIC: u32 = 0x96f3_b83d;
    if le32(octets, 0)? != MAGIC {
        return None;
    }
    let header = usize::from(le16(octets, 8)?);
    let end =
        header.checked_add(index(le32(octets, 12)?)).filter(|end| header >= 32 && *end <= octets.len())?;
    Some(vec![Span::data(0..header), Span::mixed(header..end, None, ANY), Span::data(end..octets.len())])
}

fn legacy(octets: &[u8]) -> Option<Vec<Span>> {
    const MAGIC: u32 = 0x2705_1956;
    const HEADER: usize = 64;
    if be32(octets, 0)? != MAGIC {
        return None;
    }
    let end = HEADER.checked_add(index(be32(octets, 12)?)).filter(|end| *end <= octets.len())?;
    let load = be32(octets, 16)?;
    let [arch, _kind, compression] = octets.get(29..)?.first_chunk()?;
    let among: &[Arch] = match arch {
        2 => &[Arch::Arm, Arch::Thumb],
        3 => &[Arch::X86, Arch::X86_16],
        20 => only(Arch::Xtensa),
        22 => only(Arch::AArch64),
        24 => only(Arch::X86_64),
        26 => only(Arch::RiscV),
        _ => &[],
    };
    let payload = match compression {
        0 if !among.is_empty() => Span::mixed(HEADER..end, Some(u64::from(load)), among),
        _ => Span::data(HEADER..end),
    };
    Some(vec![Span::data(0..HEADER), payload, Span::data(end..octets.len())])
}

/// A device tree that carries images: its large properties.
fn fit(octets: &[u8]) -> Option<Vec<Span>> {
    const LARGE: usize = 4096;
    let end = tree(octets, 0)?;
    let blob = octets.get(..end)?;
    let mut spans = vec![Span::data(0..0)];
    let mut at = index(be32(blob, 8)?);
    loop {
        let token = be32(blob, at)?;
        at += 4;
        match token {
            1 => {
                let name = blob.get(at..)?.iter().position(|octet| *octet == 0)?;
                at = (at + name + 1).next_multiple_of(4);
            }
            3 => {
                let start = at + 8;
                let len = index(be32(blob, at)?);
                let end = start.checked_add(len).filter(|end| *end <= blob.len())?;
                if len >= LARGE {
                    spans.push(Span::mixed(start..end, None, ANY));
                }
                at = end.next_multiple_of(4);
            }
            2 | 4 => {}
            _ => break,
        }
    }
    // What lies beside the properties, up to the end of the blob, is no code.
    let rest = super::span::cover(spans, end, Span::data);
    (end == octets.len() || rest.len() > 1).then_some(rest)
}

/// The end of a device tree that starts here.
fn tree(octets: &[u8], at: usize) -> Option<usize> {
    const MAGIC: u32 = 0xd00d_feed;
    const HEADER: u32 = 40;
    if be32(octets, at)? != MAGIC {
        return None;
    }
    let (total, structs, strings) = (be32(octets, at + 4)?, be32(octets, at + 8)?, be32(octets, at + 12)?);
    let (version, oldest) = (be32(octets, at + 20)?, be32(octets, at + 24)?);
    let end = at.checked_add(index(total)).filter(|end| *end <= octets.len())?;
    let sane = structs >= HEADER && structs < total && strings >= HEADER && strings <= total;
    (sane && oldest <= version && (16..=32).contains(&version)).then_some(end)
}

fn linux(octets: &[u8]) -> Option<Vec<Span>> {
    const ARM64: u32 = 0x644d_5241;
    const ZIMAGE: u32 = 0x016f_2818;
    let among: &[Arch] = if le32(octets, 56) == Some(ARM64) {
        only(Arch::AArch64)
    } else if le32(octets, 36) == Some(ZIMAGE) {
        &[Arch::Arm, Arch::Thumb]
    } else {
        return None;
    };
    Some(vec![Span { range: 0..octets.len(), address: None, content: Content::Mixed(among) }])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(words: &[u32]) -> Vec<u8> {
        words.iter().flat_map(|word| word.to_be_bytes()).collect()
    }

    #[test]
    fn mcuboot_headers_and_trailers_are_data() {
        let mut octets = vec![0; 0x200 + 100 + 40];
        octets[..4].copy_from_slice(&0x96f3_b83d_u32.to_le_bytes());
        octets[8..10].copy_from_slice(&0x200_u16.to_le_bytes());
        octets[12..16].copy_from_slice(&100_u32.to_le_bytes());
        let expected = [Span::data(0..0x200), Span::mixed(0x200..0x264, None, ANY), Span::data(0x264..0x28c)];
        assert_eq!(spans(&octets).unwrap(), expected);
        assert_eq!(spans(&octets[..0x230]), None);
    }

    #[test]
    fn legacy_images_tell_address_and_architecture() {
        let mut octets = words(&[0x2705_1956, 0, 0, 32, 0x8000_8000, 0x8000_8000, 0, 0]);
        octets[29] = 22;
        octets.resize(64 + 32, 0);
        assert_eq!(spans(&octets).unwrap()[1], Span::mixed(64..96, Some(0x8000_8000), only(Arch::AArch64)));
        octets[31] = 1;
        assert_eq!(spans(&octets).unwrap()[1], Span::data(64..96));
    }

    #[test]
    fn device_trees_are_found_and_their_large_properties_are_images() {
        let mut tree = words(&[0xd00d_feed, 0, 40, 0, 40, 17, 16, 0, 0, 0, 1, 0, 3, 5000, 0]);
        let start = tree.len();
        tree.resize(start + 5000, 0xaa);
        tree.extend(words(&[2, 9]));
        let total = u32::try_from(tree.len()).unwrap().to_be_bytes();
        tree[4..8].copy_from_slice(&total);
        tree[12..16].copy_from_slice(&total);
        let expected = [
            Span::data(0..start),
            Span::mixed(start..start + 5000, None, ANY),
            Span::data(start + 5000..tree.len()),
        ];
        assert_eq!(spans(&tree).unwrap(), expected);
        let inside = [vec![0; 12], tree.clone(), vec![0; 7]].concat();
        assert_eq!(trees(&inside), vec![12..12 + tree.len(); 1]);
        assert_eq!(trees(&inside[..500]), []);
    }
}

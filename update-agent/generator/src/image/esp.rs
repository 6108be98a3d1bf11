//! Application images of the ESP32 family and of the ESP8266 ("Firmware Image Format" in the esptool documentation).
//!
//! A header, then segments: an address, a length and the octets each. The address tells what a segment holds. A flash image
//! can hold several of them (boot loader, application), each at the start of a flash sector.

use super::{
    fields::{index, le16, le32},
    span::{Content, Span, only},
};
use kedge_delta::arch::Arch;

/// Images start at multiples of this.
const SECTOR: usize = 0x1000;
/// Most segments of an image.
const MOST_SEGMENTS: u8 = 16;

/// The parts of an image; `None` if none is there. What is beside the images is not told.
pub(super) fn spans(octets: &[u8]) -> Option<Vec<Span>> {
    let mut spans = Vec::new();
    let mut at = 0;
    let mut esp8266 = false;
    while at < octets.len() {
        match image(octets, at) {
            Some(image) if at == 0 || image.checked => {
                esp8266 |= image.family == Family::Esp8266;
                spans.extend(image.spans);
                at = image.end.next_multiple_of(SECTOR);
            }
            _ => at += SECTOR,
        }
    }
    if esp8266 {
        spans.extend(flash_of_esp8266(octets.len(), &spans));
    }
    (!spans.is_empty()).then_some(spans)
}

/// How the chips of a family place code and data.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Family {
    Esp8266,
    /// Xtensa; all code above 0x4000_0000.
    Xtensa,
    /// RISC-V; all code above 0x4000_0000.
    RiscV,
    /// RISC-V; code and data share one address space.
    Unified,
}

struct Image {
    family: Family,
    spans: Vec<Span>,
    end: usize,
    /// The checksum is right.
    checked: bool,
}

fn image(octets: &[u8], at: usize) -> Option<Image> {
    let head = octets.get(at..)?;
    if head.first() == Some(&0xea) {
        return second_version(octets, at);
    }
    let family = match le16(head, 12)? {
        0 | 2 | 9 => Some(Family::Xtensa),
        5 | 12 => Some(Family::RiscV),
        13 | 16 | 18 | 20 | 23 | 25 | 28 => Some(Family::Unified),
        _ => None,
    };
    let newer = family.and_then(|family| segments(octets, at, 24, family));
    newer.or_else(|| segments(octets, at, 8, Family::Esp8266))
}

/// The second version for the ESP8266: code for the flash stands in front of an image of the first.
fn second_version(octets: &[u8], at: usize) -> Option<Image> {
    const HEADER: usize = 16;
    /// Where the boot loader maps the sector after its own.
    const FLASH: u64 = 0x4020_1000;
    let head = octets.get(at..)?;
    let len = index(le32(head, 12)?);
    let start = at + HEADER;
    let end = start.checked_add(len).filter(|_| head.get(1) == Some(&4) && le32(head, 8) == Some(0))?;
    let mut image = segments(octets, end, 8, Family::Esp8266)?;
    image.spans.push(Span::data(at..start));
    image.spans.push(Span::mixed(start..end, Some(FLASH + HEADER as u64), only(Arch::Xtensa)));
    Some(image)
}

fn segments(octets: &[u8], start: usize, header: usize, family: Family) -> Option<Image> {
    let [0xe9, count, ..] = octets.get(start..)? else { return None };
    if !(1..=MOST_SEGMENTS).contains(count) {
        return None;
    }
    let mut at = start + header;
    let mut spans = vec![Span::data(start..at)];
    let mut sum = 0xef_u8;
    for _ in 0..*count {
        let (address, len) = (le32(octets, at)?, index(le32(octets, at + 4)?));
        let content = family.content(address)?;
        let begin = at + 8;
        let end = begin.checked_add(len)?;
        sum = octets.get(begin..end)?.iter().fold(sum, |sum, octet| sum ^ octet);
        spans.push(Span { range: at..begin, address: None, content: Content::Known(Arch::Data) });
        spans.push(Span { range: begin..end, address: Some(u64::from(address)), content });
        at = end;
    }
    let checksum = start + ((at - start) | 15); // the last octet of sixteen
    let digest = if header == 24 && octets.get(start + 23) == Some(&1) { 32 } else { 0 };
    let end = (checksum + 1 + digest).min(octets.len());
    spans.push(Span::data(at..end.max(at)));
    Some(Image { family, spans, end, checked: octets.get(checksum) == Some(&sum) })
}

impl Family {
    /// What a segment for this address holds; `None` if the chips have nothing there.
    fn content(self, address: u32) -> Option<Content> {
        let code = (0x4000_0000..0x5000_0000).contains(&address);
        let data =
            (0x3c00_0000..0x4000_0000).contains(&address) || (0x5000_0000..0x6000_0000).contains(&address);
        match self {
            Self::Esp8266 if (0x4020_0000..0x4030_0000).contains(&address) => {
                Some(Content::Mixed(only(Arch::Xtensa)))
            }
            Self::Xtensa | Self::Esp8266 if code => Some(Content::Known(Arch::Xtensa)),
            Self::RiscV if code => Some(Content::Known(Arch::RiscV)),
            Self::Unified if code => Some(Content::Mixed(only(Arch::RiscV))),
            _ if data => Some(Content::Known(Arch::Data)),
            _ => None,
        }
    }
}

/// The ESP8266 maps its flash as it is: what stands beside the images is code and data at the address of its place.
fn flash_of_esp8266(len: usize, images: &[Span]) -> Vec<Span> {
    const FLASH: u64 = 0x4020_0000;
    let taken = super::span::cover(images.to_vec(), len, |range| {
        let address = FLASH + range.start as u64;
        Span::mixed(range, Some(address), only(Arch::Xtensa))
    });
    taken.into_iter().filter(|span| !images.contains(span)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn image_of(chip: u16, segments: &[(u32, &[u8])]) -> Vec<u8> {
        let mut image = vec![0xe9, u8::try_from(segments.len()).unwrap(), 2, 0x20, 0, 0, 0, 0x40, 0, 0, 0, 0];
        image.extend(chip.to_le_bytes());
        image.resize(24, 0);
        for (address, octets) in segments {
            image.extend(address.to_le_bytes());
            image.extend(u32::try_from(octets.len()).unwrap().to_le_bytes());
            image.extend(*octets);
        }
        let sum = segments.iter().flat_map(|(_, octets)| *octets).fold(0xef, |sum, octet| sum ^ octet);
        image.resize((image.len() + 1).next_multiple_of(16) - 1, 0);
        image.push(sum);
        image
    }

    fn parts(octets: &[u8]) -> Vec<(std::ops::Range<usize>, Option<u64>, Content)> {
        let spans = spans(octets).unwrap().into_iter().filter(|span| span.range.len() >= 32);
        spans.map(|span| (span.range, span.address, span.content)).collect()
    }

    #[test]
    fn the_address_tells_what_a_segment_holds() {
        let octets = image_of(0, &[(0x3f40_0020, &[1; 64]), (0x4008_0000, &[2; 128])]);
        let expected = [
            (32..96, Some(0x3f40_0020), Content::Known(Arch::Data)),
            (104..232, Some(0x4008_0000), Content::Known(Arch::Xtensa)),
        ];
        assert_eq!(parts(&octets), expected);
        let octets = image_of(5, &[(0x3c00_0020, &[1; 64]), (0x4038_0000, &[2; 128])]);
        assert_eq!(parts(&octets).last().unwrap().2, Content::Known(Arch::RiscV));
        let octets = image_of(13, &[(0x4200_0020, &[1; 64])]);
        assert_eq!(parts(&octets).last().unwrap().2, Content::Mixed(only(Arch::RiscV)));
    }

    #[test]
    fn images_inside_a_flash_image_are_found_by_their_checksum() {
        let mut flash = vec![0xff; 0x1000];
        flash.extend(image_of(9, &[(0x4037_0000, &[7; 256])]));
        assert_eq!(parts(&flash), [(0x1020..0x1120, Some(0x4037_0000), Content::Known(Arch::Xtensa))]);
        *flash.last_mut().unwrap() ^= 1;
        assert_eq!(spans(&flash), None);
    }

    #[test]
    fn the_second_version_for_the_esp8266() {
        let mut octets = vec![0xea, 4, 0, 0, 0, 0, 0, 0x40, 0, 0, 0, 0, 64, 0, 0, 0];
        octets.extend([5; 64]);
        octets.extend([0xe9, 1, 0, 0, 0, 0, 0, 0x40, 0, 0, 0x10, 0x40, 32, 0, 0, 0]);
        octets.extend([6; 32]);
        octets.extend([0; 15]);
        octets.push(0xef);
        let expected = [
            (96..128, Some(0x4010_0000), Content::Known(Arch::Xtensa)),
            (16..80, Some(0x4020_1010), Content::Mixed(only(Arch::Xtensa))),
        ];
        assert_eq!(parts(&octets), expected);
    }

    #[test]
    fn other_files_are_not_taken_for_it() {
        assert_eq!(spans(&[]), None);
        assert_eq!(spans(&[0xe9]), None);
        assert_eq!(spans(&[0xe9; 4096]), None);
        let octets = image_of(0, &[(0x3f40_0020, &[1; 64]), (0x4008_0000, &[2; 128])]);
        assert_eq!(spans(&octets[..200]), None);
        assert_eq!(spans(&image_of(0, &[(0x1000_0000, &[1; 64])])), None);
    }
}

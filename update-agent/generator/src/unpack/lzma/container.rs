//! Where streams are: the containers that hold them.
//!
//! - xz: the blocks of a stream, each behind a header that tells the filter. Header checks have to be right.
//! - `.lzma`: a header of 13 octets without a mark that tells it, so it has to look like what encoders write.
use kedge_package::BLOCK_CHECK;
use kedge_repack::lzma::{Filter, Framing, Props};

use super::Parsed;
use crate::unpack::find::{Content, Format, Found};

/// The streams whose headers start at `at` of an image, each of which holds at most `limit` octets.
pub(crate) fn streams(image: &[u8], at: usize, limit: usize) -> Vec<Found> {
    match image[at] {
        0xFD => blocks(image, at, limit),
        0..225 => alone(image, at, limit).into_iter().collect(),
        _ => Vec::new(),
    }
}

/// A stream in its place.
fn found(format: Format, at: usize, parsed: Parsed) -> Found {
    Found { format, body: at..at + parsed.len(), content: Content::Lzma(parsed) }
}

/// What an xz stream starts with.
const MAGIC: &[u8] = b"\xFD7zXZ\0";
/// Its header, and the least of a block.
const STREAM_HEADER: usize = 12;
/// Octets of a check by its number.
const CHECKS: [usize; 16] = [0, 4, 4, 4, 8, 8, 8, 16, 16, 16, 32, 32, 32, 64, 64, 64];
/// The number of LZMA2 among filters.
const LZMA2: u64 = 0x21;

/// The blocks of an xz stream.
fn blocks(image: &[u8], start: usize, limit: usize) -> Vec<Found> {
    let mut blocks = Vec::new();
    let Some(header) = image.get(start..start + STREAM_HEADER) else { return blocks };
    let flags = &header[6..8];
    if !header.starts_with(MAGIC) || header[8..] != BLOCK_CHECK.checksum(flags).to_le_bytes() {
        return blocks;
    }
    let check = CHECKS[usize::from(flags[1] & 15)];
    let mut at = start + STREAM_HEADER;
    while let Some((body, parsed)) = block(image, at, limit) {
        // padded to four octets
        at = body + parsed.len().next_multiple_of(4) + check;
        blocks.push(found(Format::Xz, body, parsed));
    }
    blocks
}

/// The block whose header is at `at`, and where its stream starts.
fn block(image: &[u8], at: usize, limit: usize) -> Option<(usize, Parsed)> {
    // a zero starts the index
    let size = usize::from(*image.get(at).filter(|size| **size != 0)?);
    let header = image.get(at..at + (size + 1) * 4)?;
    let filter = filter(header)?;
    let octets = &image[at + header.len()..];
    let plain = plain_size(octets).filter(|plain| (LEAST..=limit).contains(plain))?;
    Some((at + header.len(), Parsed::read(octets, Framing::Chunks, filter, plain)?))
}

/// The filter before LZMA2 in a block's header; `None` if there is one that is not known, or more than one.
fn filter(header: &[u8]) -> Option<Filter> {
    let (header, check) = header.split_last_chunk::<4>()?;
    if *check != BLOCK_CHECK.checksum(header).to_le_bytes() {
        return None;
    }
    let (flags, mut rest) = header.get(1..)?.split_first()?;
    for present in [0x40, 0x80] {
        if flags & present != 0 {
            number(&mut rest)?;
        }
    }
    let mut before = Filter::None;
    for left in (0..=flags & 3).rev() {
        let id = number(&mut rest)?;
        let len = usize::try_from(number(&mut rest)?).ok()?;
        rest = rest.get(len..)?;
        match left {
            0 => return (id == LZMA2).then_some(before),
            // a start other than 0 would be told in its octets
            1 if len == 0 => before = Filter::from_id(id).filter(|filter| *filter != Filter::None)?,
            _ => return None,
        }
    }
    None
}

/// A number, seven bits to an octet.
fn number(rest: &mut &[u8]) -> Option<u64> {
    let mut number = 0;
    for shift in (0..63).step_by(7) {
        let (octet, behind) = rest.split_first()?;
        *rest = behind;
        number |= u64::from(octet & 0x7F) << shift;
        if octet & 0x80 == 0 {
            return Some(number);
        }
    }
    None
}

/// How many octets the chunks at the front of `packed` hold, by their headers.
fn plain_size(packed: &[u8]) -> Option<usize> {
    let mut at = 0;
    let mut size = 0;
    loop {
        let two = |at: usize| -> Option<usize> {
            Some(usize::from(u16::from_be_bytes(*packed.get(at..)?.first_chunk()?)) + 1)
        };
        match *packed.get(at)? {
            0 => return Some(size),
            1 | 2 => {
                size += two(at + 1)?;
                at += 3 + two(at + 1)?;
            }
            control @ 0x80.. => {
                size += (usize::from(control & 0x1F) << 16) + two(at + 1)?;
                at += if control >= 0xC0 { 6 } else { 5 } + two(at + 3)?;
            }
            _ => return None,
        }
    }
}

/// Octets of a `.lzma` header.
const ALONE: usize = 13;
/// A size that is not told.
const UNTOLD: u64 = u64::MAX;
/// The fewest octets that are worth a try: by chance a header is found where there is none.
const LEAST: usize = 64;

/// The stream behind a `.lzma` header.
fn alone(image: &[u8], start: usize, limit: usize) -> Option<Found> {
    let (header, packed) = image.get(start..)?.split_first_chunk::<ALONE>()?;
    let (octet, rest) = header.split_first()?;
    let (window, size) = rest.split_first_chunk()?;
    let (window, size) = (u32::from_le_bytes(*window), u64::from_le_bytes(*size.first_chunk()?));
    // encoders take windows of 2^n, or half more
    let half_more = window.is_multiple_of(3) && (window / 3 * 2).is_power_of_two();
    let likely = window >= 1 << 12 && (window.is_power_of_two() || half_more);
    let props = Props::from_octet(*octet).filter(|_| likely && packed.first() == Some(&0))?;
    let read = |marked, len| Parsed::read(packed, Framing::Bare { props, marked }, Filter::None, len);
    let parsed = if size == UNTOLD {
        // more room, until it fits; nothing is packed better than 1 : 7000
        let rooms =
            (20..=30).step_by(2).map(|bits| 1usize << bits).take_while(|room| *room >> 13 <= packed.len());
        rooms.map(|room| room.min(limit)).find_map(|room| read(true, room))
    } else {
        let len = usize::try_from(size).ok().filter(|len| *len <= limit)?;
        // it may have a mark nevertheless
        [false, true]
            .into_iter()
            .filter_map(|marked| read(marked, len))
            .find(|parsed| parsed.plain.len() == len)
    }?;
    // zeros unpack to zeros
    let right = parsed.plain.len() >= LEAST && packed[..parsed.len()].iter().any(|octet| *octet != 0);
    right.then(|| found(Format::Lzma, start + ALONE, parsed))
}

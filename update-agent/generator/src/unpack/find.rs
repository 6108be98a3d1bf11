//! Finding streams in an image: by what stands before and behind them.
//!
//! A stream is one only if it unpacks without a fault and its check value is right, so nothing is found by chance.
use std::ops::Range;

use kedge_repack::recipe::{Check, Checksum};

use super::deflate::Parsed;
use super::lzma;

/// What a stream stands in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Format {
    /// gzip (RFC 1952).
    Gzip,
    /// zlib (RFC 1950), also in PNG and file systems.
    Zlib,
    /// An entry of a ZIP archive.
    Zip,
    /// A block of xz.
    Xz,
    /// LZMA behind the header of a `.lzma` file.
    Lzma,
}

/// A stream of an image.
#[derive(Clone, Debug)]
pub(crate) struct Found {
    pub(crate) format: Format,
    /// The compressed octets, without header and check value.
    pub(crate) body: Range<usize>,
    pub(crate) content: Content,
}

/// A stream, taken apart.
#[derive(Clone, Debug)]
pub(crate) enum Content {
    Deflate {
        /// What stands behind it and can be computed.
        check: Check,
        window_bits: u8,
        parsed: Parsed,
    },
    Lzma(lzma::Parsed),
}

impl Found {
    /// The octets that unpacking replaces.
    pub(crate) fn range(&self) -> Range<usize> {
        let check = match &self.content {
            Content::Deflate { check, .. } => check.len(),
            Content::Lzma(_) => 0,
        };
        self.body.start..self.body.end + check
    }

    /// What it holds.
    pub(crate) fn plain(&self) -> &[u8] {
        match &self.content {
            Content::Deflate { parsed, .. } => &parsed.plain,
            Content::Lzma(parsed) => &parsed.plain,
        }
    }

    /// The stream, if it is one of LZMA.
    pub(crate) fn lzma(&self) -> Option<&lzma::Parsed> {
        match &self.content {
            Content::Deflate { .. } => None,
            Content::Lzma(parsed) => Some(parsed),
        }
    }
}

/// Streams that hold less are left alone: they would not pay for their place in a recipe.
const LEAST: usize = 64;

/// The streams of an image, in order, that hold at most `limit` octets each.
pub(crate) fn streams(image: &[u8], limit: usize) -> Vec<Found> {
    let mut found = Vec::new();
    let mut at = 0;
    while at < image.len() {
        let here = match stream(image, at, limit) {
            Some(stream) => vec![stream],
            None => lzma::streams(image, at, limit),
        };
        at = here.last().map_or(at + 1, |last| last.range().end);
        found.extend(here);
    }
    found
}

/// What stands before a stream: how long it is, and what else it tells.
struct Lead {
    format: Format,
    len: usize,
    check: Check,
    window_bits: u8,
    /// Octets of the stream and CRC-32 of its content.
    told: Option<(usize, u32)>,
}

fn stream(image: &[u8], at: usize, limit: usize) -> Option<Found> {
    let octets = &image[at..];
    let lead = match octets {
        [0x1F, 0x8B, 8, ..] => gzip(octets)?,
        [b'P', b'K', 3, 4, ..] => zip(octets)?,
        [method, flags, ..] => zlib(*method, *flags)?,
        _ => return None,
    };
    let parsed = Parsed::read(octets.get(lead.len..)?, limit)?;
    let start = at + lead.len;
    let body = start..start + parsed.len;
    let mut sum = Checksum::new(if lead.format == Format::Zlib { Check::Adler } else { Check::Crc });
    sum.update(&parsed.plain);
    let right = if let Some((len, crc)) = lead.told {
        len == parsed.len && (0..).zip(crc.to_le_bytes()).all(|(n, octet)| sum.octet(n) == Some(octet))
    } else {
        let behind = image.get(body.end..body.end + lead.check.len())?;
        (0..).zip(behind).all(|(n, octet)| sum.octet(n) == Some(*octet))
    };
    let Lead { format, check, window_bits, .. } = lead;
    let large = parsed.plain.len() >= LEAST;
    let content = Content::Deflate { check, window_bits, parsed };
    (right && large).then_some(Found { format, body, content })
}

/// RFC 1952 §2.3.
fn gzip(octets: &[u8]) -> Option<Lead> {
    let flags = *octets.get(3)?;
    let mut len = 10;
    if flags & 4 != 0 {
        len += 2 + usize::from(u16::from_le_bytes(octets.get(len..len + 2)?.try_into().ok()?));
    }
    for text in [8, 16] {
        if flags & text != 0 {
            len += octets.get(len..)?.iter().position(|octet| *octet == 0)? + 1;
        }
    }
    if flags & 2 != 0 {
        len += 2;
    }
    (flags & 0xE0 == 0).then_some(Lead {
        format: Format::Gzip,
        len,
        check: Check::Crc,
        window_bits: 15,
        told: None,
    })
}

/// RFC 1950 §2.2.
fn zlib(method: u8, flags: u8) -> Option<Lead> {
    let window = method >> 4;
    let right = method & 15 == 8 && (1..=7).contains(&window) && flags & 0x20 == 0;
    let lead =
        Lead { format: Format::Zlib, len: 2, check: Check::Adler, window_bits: window + 8, told: None };
    (right && u16::from_be_bytes([method, flags]).is_multiple_of(31)).then_some(lead)
}

/// The header of an entry in a ZIP archive. One whose sizes stand behind it is left alone.
fn zip(octets: &[u8]) -> Option<Lead> {
    let two = |at: usize| octets.get(at..at + 2)?.try_into().ok().map(u16::from_le_bytes);
    let four = |at: usize| octets.get(at..at + 4)?.try_into().ok().map(u32::from_le_bytes);
    let (flags, method, crc, packed) = (two(6)?, two(8)?, four(14)?, four(18)?);
    let len = 30 + usize::from(two(26)?) + usize::from(two(28)?);
    let told = Some((packed as usize, crc));
    (method == 8 && flags & 9 == 0 && packed > 0).then_some(Lead {
        format: Format::Zip,
        len,
        check: Check::None,
        window_bits: 15,
        told,
    })
}

#[cfg(test)]
mod tests;

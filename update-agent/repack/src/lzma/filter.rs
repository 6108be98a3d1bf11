//! The filters that xz can put before LZMA: calls get the address they go to instead of the way there, so that calls of one
//! function look alike.
//!
//! Addresses count from the start of the stream. A filter changes octets in their place and can be undone.

/// A filter; the numbers are those of an xz header.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(u8)]
pub enum Filter {
    /// No filter.
    #[default]
    None = 0,
    /// x86 with 32 or 64 bits: CALL and JMP.
    X86 = 4,
    /// PowerPC, big-endian: BL.
    PowerPc = 5,
    /// ARM: BL.
    Arm = 7,
    /// Thumb: BL.
    Thumb = 8,
    /// SPARC: CALL.
    Sparc = 9,
    /// AArch64: BL and ADRP.
    Aarch64 = 10,
}

/// Which way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// As an encoder does: from the way to the address.
    Apply,
    /// As a decoder does.
    Undo,
}

impl Filter {
    /// The filter of a number in an xz header.
    pub const fn from_id(id: u64) -> Option<Self> {
        Some(match id {
            0 => Self::None,
            4 => Self::X86,
            5 => Self::PowerPc,
            7 => Self::Arm,
            8 => Self::Thumb,
            9 => Self::Sparc,
            10 => Self::Aarch64,
            _ => return None,
        })
    }

    /// Filters a whole stream.
    pub fn run(self, octets: &mut [u8], way: Way) {
        match self {
            Self::None => {}
            Self::X86 => x86(octets, way),
            Self::PowerPc => words(octets, way, big, power_pc),
            Self::Arm => words(octets, way, little, arm),
            Self::Thumb => thumb(octets, way),
            Self::Sparc => words(octets, way, big, sparc),
            Self::Aarch64 => words(octets, way, little, aarch64),
        }
    }
}

impl Way {
    /// The address of what stands at `at` and goes to, or by, `value`.
    const fn moved(self, value: u32, at: u32) -> u32 {
        match self {
            Self::Apply => value.wrapping_add(at),
            Self::Undo => value.wrapping_sub(at),
        }
    }
}

/// The order of the octets in a word; its own inverse.
type Order = fn([u8; 4]) -> u32;

const fn little(octets: [u8; 4]) -> u32 {
    u32::from_le_bytes(octets)
}

const fn big(octets: [u8; 4]) -> u32 {
    u32::from_be_bytes(octets)
}

/// Filters words that each stand for themselves.
fn words(octets: &mut [u8], way: Way, order: Order, filtered: fn(u32, u32, Way) -> Option<u32>) {
    let mut at = 0u32;
    let (words, _) = octets.as_chunks_mut::<4>();
    for word in words {
        if let Some(new) = filtered(order(*word), at, way) {
            *word = order(new.to_ne_bytes()).to_ne_bytes();
        }
        at = at.wrapping_add(4);
    }
}

/// BL, always.
const fn arm(word: u32, at: u32, way: Way) -> Option<u32> {
    if word >> 24 != 0xEB {
        return None;
    }
    // two words ahead
    let target = way.moved(word << 2, at.wrapping_add(8));
    Some(word & 0xFF00_0000 | target >> 2 & 0x00FF_FFFF)
}

/// Branch and link, relative.
const fn power_pc(word: u32, at: u32, way: Way) -> Option<u32> {
    if word & 0xFC00_0003 != 0x4800_0001 {
        return None;
    }
    Some(0x4800_0001 | way.moved(word & 0x03FF_FFFC, at) & 0x03FF_FFFC)
}

/// CALL with a way of at most 23 bits, either sign.
const fn sparc(word: u32, at: u32, way: Way) -> Option<u32> {
    if !matches!(word >> 22, 0b01_0000_0000 | 0b01_1111_1111) {
        return None;
    }
    let target = way.moved(word << 2, at) >> 2;
    let sign = 0u32.wrapping_sub(target >> 22 & 1) << 22 & 0x3FFF_FFFF;
    Some(sign | target & 0x003F_FFFF | 0x4000_0000)
}

/// BL, and ADRP that goes less than 512 MiB.
const fn aarch64(word: u32, at: u32, way: Way) -> Option<u32> {
    if word >> 26 == 0x25 {
        return Some(0x9400_0000 | way.moved(word, at >> 2) & 0x03FF_FFFF);
    }
    if word & 0x9F00_0000 != 0x9000_0000 {
        return None;
    }
    let pages = word >> 29 & 3 | word >> 3 & 0x001F_FFFC;
    if pages.wrapping_add(0x0002_0000) & 0x001C_0000 != 0 {
        return None;
    }
    let target = way.moved(pages, at >> 12);
    let sign = 0u32.wrapping_sub(target & 0x0002_0000) & 0x00E0_0000;
    Some(word & 0x9000_001F | (target & 3) << 29 | (target & 0x0003_FFFC) << 3 | sign)
}

/// BL, two halves.
fn thumb(octets: &mut [u8], way: Way) {
    let mut start = 0usize;
    let mut at = 0u32;
    while let Some([low, high, low2, high2]) =
        octets.get_mut(start..).and_then(|rest| rest.first_chunk_mut::<4>())
    {
        let mut len = 2;
        if *high & 0xF8 == 0xF0 && *high2 & 0xF8 == 0xF8 {
            let half = |low: u8, high: u8| u32::from(high & 7) << 8 | u32::from(low);
            let by = half(*low, *high) << 12 | half(*low2, *high2) << 1;
            let target = way.moved(by, at.wrapping_add(4)) >> 1;
            let [low_now, high_now, ..] = (target >> 11 & 0x7FF).to_le_bytes();
            let [low2_now, high2_now, ..] = (target & 0x7FF).to_le_bytes();
            (*low, *high, *low2, *high2) = (low_now, 0xF0 | high_now, low2_now, 0xF8 | high2_now);
            len = 4;
        }
        at = at.wrapping_add(len);
        start = start.wrapping_add(len as usize);
    }
}

/// CALL and JMP whose operand has a first octet of all zeros or all ones, unless octets shortly before look like the start
/// of another one: `seen` has a bit for how far each of them is back, four higher if it has such an octet too.
fn x86(octets: &mut [u8], way: Way) {
    let mut seen = 0u32;
    // from the last octet that looked like a start
    let mut since = 5u32;
    let mut at = 0usize;
    while let Some([opcode, operand @ ..]) = octets.get_mut(at..).and_then(|rest| rest.first_chunk_mut::<5>())
    {
        at = at.wrapping_add(1);
        if *opcode & 0xFE != 0xE8 {
            since = since.saturating_add(1);
            continue;
        }
        seen = if since > 5 { 0 } else { (0..since).fold(seen, |seen, _| (seen & 0x77) << 1) };
        since = 1;
        let [.., top] = *operand;
        let likely = extended(top);
        if likely && let Some(back) = x86_back(seen) {
            at = at.wrapping_add(4);
            // addresses wrap as operands do
            let [a, b, c, d, ..] = at.to_le_bytes();
            let next = u32::from_le_bytes([a, b, c, d]);
            *operand = x86_target(u32::from_le_bytes(*operand), next, back, way).to_le_bytes();
            since = 5;
            seen = 0;
        } else {
            seen |= if likely { 0x11 } else { 1 };
        }
    }
}

/// Whether an operand's first octet is nothing but its sign.
const fn extended(octet: u8) -> bool {
    matches!(octet, 0 | 0xFF)
}

/// How far back the one octet is that looks like a start, 0 if there is none; `None` if there are more, or it is one that
/// has an operand.
const fn x86_back(seen: u32) -> Option<u32> {
    match seen {
        0 => Some(0),
        0b10 => Some(1),
        0b100 => Some(2),
        0b1000 => Some(3),
        _ => None,
    }
}

/// The new operand. It must not make the start `back` octets before a likely one, so that undoing meets the same; then it
/// is turned over and moved again.
fn x86_target(operand: u32, next: u32, back: u32, way: Way) -> u32 {
    let mut target = way.moved(operand, next);
    let below = back << 3;
    // turned twice it is back where it was
    for _ in 0..2 {
        let [octet, ..] = target.wrapping_shl(below).to_be_bytes();
        if back == 0 || !extended(octet) {
            break;
        }
        target = way.moved(target ^ u32::MAX.wrapping_shr(below), next);
    }
    0u32.wrapping_sub(target >> 24 & 1) << 24 | target & 0x00FF_FFFF
}

//! Thumb-1 and Thumb-2 (ARM DDI 0403, Armv7-M, chapters A5 and A7; the encodings named T1 to T4 are its).
//!
//! | class | instructions | | class | instructions |
//! |---|---|---|---|---|
//! | 0 | BL | | 16 | PUSH, POP, LDM, STM, ADD/SUB SP |
//! | 1 | BLX to ARM code | | 17 | BX, BLX, MOV, ADD, CMP of high registers |
//! | 2 | B.W | | 18 | shifts, ADD, SUB of low registers |
//! | 3 | B.W with condition | | 19 | MOV, CMP, ADD, SUB with 8 bits |
//! | 4 | B | | 20 | register ALU |
//! | 5 | B with condition | | 21 | load, store with register offset |
//! | 6 | CBZ, CBNZ | | 22 | load, store of words with offset |
//! | 7 | LDR literal | | 23 | load, store of octets and halves with offset |
//! | 8 | LDR.W, LDRB.W.. literal | | 24 | load, store on the stack, its addresses |
//! | 9 | ADR | | 25 | other: IT, extend, reverse, SVC, system |
//! | 10 | ADR.W | | 26 | LDM.W, STM.W, LDRD, STRD, exclusive, TBB, TBH |
//! | 11 | MOVW of a pair | | 27 | register ALU, 32-bit |
//! | 12 | MOVT of a pair | | 28 | ALU with immediate, 32-bit |
//! | 13 | VLDR literal | | 29 | load, store, 32-bit |
//! | 14 | LDRD literal | | 30 | shifts by register, multiply, divide |
//! | 15 | nothing whole | | 31 | coprocessor, floating point |
//!
//! The classes below 15 are also the kinds of [`Form`]. Table branches (TBB, TBH) hold no address; their tables are data.
use super::bits::{fits, nearest, signed};
use super::{Form, Reference, Unit, Window};

const BL: u8 = 0;
const BLX: u8 = 1;
const B_WIDE: u8 = 2;
const B_COND_WIDE: u8 = 3;
const B: u8 = 4;
const B_COND: u8 = 5;
const CBZ: u8 = 6;
const LDR: u8 = 7;
const LDR_WIDE: u8 = 8;
const ADR: u8 = 9;
const ADR_WIDE: u8 = 10;
const MOVW: u8 = 11;
const MOVT: u8 = 12;
const VLDR: u8 = 13;
const LDRD: u8 = 14;
const TRUNCATED: u8 = 15;
const MULTIPLE: u8 = 16;
const HIGH: u8 = 17;
const SHIFT_ADD: u8 = 18;
const IMMEDIATE: u8 = 19;
const ALU: u8 = 20;
const LOAD_INDEXED: u8 = 21;
const LOAD_WORD: u8 = 22;
const LOAD_PART: u8 = 23;
const STACK: u8 = 24;
const OTHER: u8 = 25;
const MULTIPLE_WIDE: u8 = 26;
const ALU_WIDE: u8 = 27;
const IMMEDIATE_WIDE: u8 = 28;
const LOAD_WIDE: u8 = 29;
const MULTIPLY: u8 = 30;
const COPROCESSOR: u8 = 31;

/// How many instructions the search for the other half of a pair looks at.
const PAIR_SEARCH: usize = 6;

/// From here on a first half word announces a second. An instruction is held as one word, its first half word on top; below
/// is the second, or zero.
const WIDE: u32 = 0xe800_0000;
/// What is the same in MOVW and MOVT of one register, and what tells the two apart.
const HALVES: u32 = 0xfb70_8f00;
const TOP_HALF: u32 = 0x0080_0000;
/// The bit that says that an offset is added; in ADR.W, those that say that it is subtracted.
const UP: u32 = 0x0080_0000;
const DOWN: u32 = 0x00a0_0000;

pub(super) fn unit(window: &Window<'_>) -> Unit {
    let Some(code) = first(window.ahead) else {
        let len = u8::try_from(window.ahead.len().min(2)).unwrap_or(1);
        return Unit { len, class: TRUNCATED, reference: None };
    };
    let (len, class) = (length(code), class(code));
    let found = match class {
        TRUNCATED.. => return Unit { len, class, reference: None },
        MOVW | MOVT => other_half(window, code),
        _ => offset(class, code).map(|offset| (base(class, window.address).wrapping_add(offset), 0)),
    };
    match found {
        Some((target, partner)) => {
            Unit { len, class, reference: Some(Reference { form: Form { kind: class, partner }, target }) }
        }
        None => Unit { len, class: without_reference(class), reference: None },
    }
}

/// Puts `target` into the operand of the unit `octets` standing at `address`; false, and nothing changed, if it cannot.
pub(super) fn emit(form: Form, octets: &mut [u8], address: u32, target: u32) -> bool {
    let Some(code) = first(octets) else { return false };
    let coded = match form.kind {
        MOVW => Some(with_half(code, target)),
        MOVT => Some(with_half(code, target.wrapping_shr(16))),
        kind => with_offset(kind, code, target.wrapping_sub(base(kind, address))),
    };
    coded.is_some_and(|coded| store(coded, octets))
}

/// The address in the operand of `octets` at `address`, if they are of this form.
pub(super) fn read(form: Form, octets: &[u8], address: u32, near: u32) -> Option<u32> {
    let code = first(octets).filter(|code| class(*code) == form.kind)?;
    match form.kind {
        MOVW => Some(nearest(near, half(code), 16)),
        MOVT => Some(half(code).wrapping_shl(16) | (near & 0xffff)),
        kind => Some(base(kind, address).wrapping_add(offset(kind, code)?)),
    }
}

/// The logarithm of the step in which targets of this form move.
pub(super) fn scale(form: Form) -> u8 {
    match form.kind {
        BL | B_WIDE | B_COND_WIDE | B | B_COND | CBZ => 1,
        BLX | LDR | ADR | VLDR | LDRD => 2,
        MOVT => 16,
        _ => 0,
    }
}

/// The class of what looks like a reference and is none.
fn without_reference(class: u8) -> u8 {
    match class {
        LDR_WIDE => LOAD_WIDE,
        VLDR => COPROCESSOR,
        LDRD => MULTIPLE_WIDE,
        _ => IMMEDIATE_WIDE,
    }
}

/// What an offset counts from: the place plus 4, at a word for literals and ARM code.
fn base(kind: u8, address: u32) -> u32 {
    let ahead = address.wrapping_add(4);
    if matches!(kind, BLX | LDR | LDR_WIDE | ADR | ADR_WIDE | VLDR | LDRD) { ahead & !3 } else { ahead }
}

/// The instruction at the start of `octets`, if it is whole.
fn first(octets: &[u8]) -> Option<u32> {
    let (first, rest) = octets.split_first_chunk()?;
    let first = u32::from(u16::from_le_bytes(*first)).wrapping_shl(16);
    if first < WIDE {
        return Some(first);
    }
    let second = u16::from_le_bytes(*rest.first_chunk()?);
    Some(first | u32::from(second))
}

fn length(code: u32) -> u8 {
    if code < WIDE { 2 } else { 4 }
}

/// Writes an instruction over the start of `octets`; false if they are too few.
fn store(code: u32, octets: &mut [u8]) -> bool {
    let halves = code.rotate_left(16).to_le_bytes();
    let place = if code < WIDE {
        let [low, high, ..] = halves;
        octets.first_chunk_mut().map(|place| *place = [low, high])
    } else {
        octets.first_chunk_mut().map(|place| *place = halves)
    };
    place.is_some()
}

/// The address that a MOVW and a MOVT together make, and how far the other one is.
fn other_half(window: &Window<'_>, code: u32) -> Option<(u32, i8)> {
    let (other, distance) = ahead(window, code).or_else(|| behind(window, code))?;
    let (low, high) = if code & TOP_HALF == 0 { (code, other) } else { (other, code) };
    Some((half(high).wrapping_shl(16) | half(low), distance))
}

/// The next instruction that sets the other half of the register, if none sets this half before.
fn ahead(window: &Window<'_>, code: u32) -> Option<(u32, i8)> {
    let mut at = 4_u8;
    for _ in 0..PAIR_SEARCH {
        let next = first(window.ahead.get(usize::from(at)..)?)?;
        if (next ^ code) & HALVES == 0 {
            return Some((next, at.cast_signed())).filter(|_| (next ^ code) & TOP_HALF != 0);
        }
        at = at.saturating_add(length(next));
    }
    None
}

/// The nearest instruction before that sets the other half of the register. Backwards the borders of instructions are
/// unknown, so every half word is tried: as far as that many instructions of 32 bits reach.
fn behind(window: &Window<'_>, code: u32) -> Option<(u32, i8)> {
    let mut at = window.behind.len().checked_sub(4)?;
    let mut distance = -4_i8;
    for _ in 0..2 * PAIR_SEARCH {
        let before = first(window.behind.get(at..)?)?;
        if (before ^ code) & HALVES == 0 {
            return Some((before, distance)).filter(|_| (before ^ code) & TOP_HALF != 0);
        }
        at = at.checked_sub(2)?;
        distance = distance.wrapping_sub(2);
    }
    None
}

fn class(code: u32) -> u8 {
    if code >= WIDE {
        return wide_class(code);
    }
    let misc = code.wrapping_shr(24) & 7;
    match code.wrapping_shr(27) {
        0..=3 => SHIFT_ADD,
        4..=7 => IMMEDIATE,
        8 if misc < 4 => ALU,
        8 => HIGH,
        9 => LDR,
        10 | 11 => LOAD_INDEXED,
        12 | 13 => LOAD_WORD,
        14..=17 => LOAD_PART,
        20 => ADR,
        18 | 19 | 21 => STACK,
        22 if misc == 0 => MULTIPLE,
        22 | 23 if misc & 5 == 1 => CBZ,
        22 | 23 if misc & 6 == 4 => MULTIPLE,
        24 | 25 => MULTIPLE,
        26 | 27 if code & 0x0e00_0000 != 0x0e00_0000 => B_COND,
        28 => B,
        _ => OTHER,
    }
}

fn wide_class(code: u32) -> u8 {
    match code.wrapping_shr(25) & 0xf {
        0b0100 if code & 0xff7f_0000 == 0xe95f_0000 => LDRD,
        0b0100 => MULTIPLE_WIDE,
        0b0101 => ALU_WIDE,
        0b0110 if code & 0xff3f_0e00 == 0xed1f_0a00 => VLDR,
        0b1000..=0b1011 if code & 0x8000 != 0 => branch_class(code),
        0b1000..=0b1011 => immediate_class(code),
        0b1100 if code & 0x001f_0000 == 0x001f_0000 && code & 0x0060_0000 != 0x0060_0000 => LDR_WIDE,
        0b1100 => LOAD_WIDE,
        0b1101 => MULTIPLY,
        _ => COPROCESSOR,
    }
}

fn branch_class(code: u32) -> u8 {
    match code & 0x5001 {
        0x5000 | 0x5001 => BL,
        0x4000 => BLX,
        0x1000 | 0x1001 => B_WIDE,
        0x0000 | 0x0001 if code & 0x0380_0000 != 0x0380_0000 => B_COND_WIDE,
        _ => OTHER,
    }
}

fn immediate_class(code: u32) -> u8 {
    match code & 0xfbf0_0000 {
        0xf200_0000 | 0xf2a0_0000 if code & 0x000f_0000 == 0x000f_0000 => ADR_WIDE,
        0xf240_0000 => MOVW,
        0xf2c0_0000 => MOVT,
        _ => IMMEDIATE_WIDE,
    }
}

/// The offset in the operand of an instruction of this kind; none if it is coded otherwise than [`with_offset`] would (zero,
/// subtracted).
fn offset(kind: u8, code: u32) -> Option<u32> {
    let narrow = code.wrapping_shr(16);
    let (amount, add) = match kind {
        BL | BLX | B_WIDE => {
            let sign = signed(code.wrapping_shr(26), 1);
            let i1 = (code.wrapping_shr(13) ^ !sign) & 1;
            let i2 = (code.wrapping_shr(11) ^ !sign) & 1;
            let high = sign.wrapping_shl(24) | i1.wrapping_shl(23) | i2.wrapping_shl(22);
            return Some(high | (code & 0x03ff_0000).wrapping_shr(4) | (code & 0x07ff).wrapping_shl(1));
        }
        B_COND_WIDE => {
            let sign = signed(code.wrapping_shr(26), 1).wrapping_shl(20);
            let j = (code & 0x0800).wrapping_shl(8) | (code & 0x2000).wrapping_shl(5);
            return Some(sign | j | (code & 0x003f_0000).wrapping_shr(4) | (code & 0x07ff).wrapping_shl(1));
        }
        B => return Some(signed(narrow.wrapping_shl(1), 12)),
        B_COND => return Some(signed(narrow.wrapping_shl(1), 9)),
        CBZ => return Some((narrow.wrapping_shr(3) & 0x40) | (narrow.wrapping_shr(2) & 0x3e)),
        LDR | ADR => return Some(narrow.wrapping_shl(2) & 0x3fc),
        ADR_WIDE => (immediate12(code), code & DOWN == 0),
        LDR_WIDE => (code & 0xfff, code & UP != 0),
        _ => ((code & 0xff).wrapping_shl(2), code & UP != 0),
    };
    match (add, amount) {
        (true, _) => Some(amount),
        (false, 0) => None,
        (false, _) => Some(amount.wrapping_neg()),
    }
}

/// The instruction with another offset, if that can be coded.
fn with_offset(kind: u8, code: u32, offset: u32) -> Option<u32> {
    let sign = offset.wrapping_shr(31);
    let (amount, up, down) = if sign == 0 { (offset, UP, 0) } else { (offset.wrapping_neg(), 0, DOWN) };
    // Which bits are the operand's, what they become, whether the offset fits, and the bits of it that must be zero.
    let (operand, coded, holds, between) = match kind {
        BL | BLX | B_WIDE => {
            let j1 = (offset.wrapping_shr(23) ^ !sign) & 1;
            let j2 = (offset.wrapping_shr(22) ^ !sign) & 1;
            let high = sign.wrapping_shl(26) | (offset & 0x003f_f000).wrapping_shl(4);
            let low = j1.wrapping_shl(13) | j2.wrapping_shl(11) | (offset & 0x0ffe).wrapping_shr(1);
            (0x07ff_2fff, high | low, fits(offset, 25), if kind == BLX { 3 } else { 1 })
        }
        B_COND_WIDE => {
            let j = (offset & 0x0008_0000).wrapping_shr(8) | (offset & 0x0004_0000).wrapping_shr(5);
            let high = sign.wrapping_shl(26) | (offset & 0x0003_f000).wrapping_shl(4);
            (0x043f_2fff, high | j | (offset & 0x0ffe).wrapping_shr(1), fits(offset, 21), 1)
        }
        B => (0x07ff_0000, offset.wrapping_shl(15), fits(offset, 12), 1),
        B_COND => (0x00ff_0000, offset.wrapping_shl(15), fits(offset, 9), 1),
        CBZ => {
            let coded = (offset & 0x40).wrapping_shl(19) | (offset & 0x3e).wrapping_shl(18);
            (0x02f8_0000, coded, offset < 0x80, 1)
        }
        LDR | ADR => (0x00ff_0000, offset.wrapping_shl(14), offset < 0x400, 3),
        ADR_WIDE => (DOWN | 0x0400_70ff, down | with_immediate12(amount), amount < 0x1000, 0),
        LDR_WIDE => (UP | 0x0fff, up | amount, amount < 0x1000, 0),
        _ => (UP | 0x00ff, up | amount.wrapping_shr(2), amount < 0x400, 3),
    };
    Some((code & !operand) | (coded & operand)).filter(|_| holds && offset & between == 0)
}

/// The 16 bits that a MOVW or MOVT sets.
fn half(code: u32) -> u32 {
    (code.wrapping_shr(4) & 0xf000) | immediate12(code)
}

fn with_half(code: u32, half: u32) -> u32 {
    (code & !0x040f_70ff) | (half & 0xf000).wrapping_shl(4) | with_immediate12(half)
}

/// The field i:imm3:imm8.
fn immediate12(code: u32) -> u32 {
    (code.wrapping_shr(15) & 0x0800) | (code.wrapping_shr(4) & 0x0700) | (code & 0x00ff)
}

fn with_immediate12(immediate: u32) -> u32 {
    (immediate & 0x0800).wrapping_shl(15) | (immediate & 0x0700).wrapping_shl(4) | (immediate & 0x00ff)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use std::vec::Vec;

    use super::super::laws::{Laws, Region, corpus_image};
    use super::*;

    const LAWS: Laws = Laws { unit, emit, read, scale };

    fn octets(code: &[u16]) -> Vec<u8> {
        code.iter().flat_map(|half| half.to_le_bytes()).collect()
    }

    /// Kind and target of an instruction standing alone.
    fn target(code: &[u16], address: u32) -> Option<(u8, u32)> {
        let ahead = octets(code);
        let unit = LAWS.check(&Window { behind: &[], ahead: &ahead, address });
        unit.reference.map(|reference| (reference.form.kind, reference.target))
    }

    #[test]
    fn branches_are_as_assembled() {
        // llvm-mc 14, thumbv7em and (BLX) thumbv7a.
        let cases: [(&[u16], u32, u8, u32); 16] = [
            (&[0xf000, 0xfffe], 0x0, BL, 0x1000),
            (&[0xf6dc, 0xfdd3], 0x4, BL, 0xffed_cbae),
            (&[0xf3ff, 0xd7fd], 0x8, BL, 0x0100_0006),
            (&[0xf001, 0xeffe], 0x0, BLX, 0x2000),
            (&[0xf7fd, 0xeffe], 0x4, BLX, 0xffff_e004),
            (&[0xf000, 0xe9fe], 0x8, BLX, 0x408),
            (&[0xf7ff, 0xbff6], 0xc, B_WIDE, 0xffff_fffc),
            (&[0xf012, 0x99a0], 0x10, B_WIDE, 0x0081_2354),
            (&[0xf43f, 0xaee4], 0x14, B_COND_WIDE, 0xffff_fde0), // beq.w
            (&[0xf314, 0xa18e], 0x18, B_COND_WIDE, 0x0005_4338), // bgt.w
            (&[0xf6c0, 0x807e], 0x1c, B_COND_WIDE, 0xfff0_011c), // blt.w
            (&[0xe7fe], 0x20, B, 0x20),
            (&[0xd126], 0x28, B_COND, 0x78),        // bne
            (&[0xd8d6], 0x2a, B_COND, 0xffff_ffda), // bhi
            (&[0xb373], 0x2c, CBZ, 0x8c),           // cbz r3
            (&[0xbbf9], 0x2e, CBZ, 0xb0),           // cbnz r1
        ];
        for (code, address, kind, to) in cases {
            assert_eq!(target(code, address), Some((kind, to)), "{code:04x?}");
        }
    }

    #[test]
    fn literals_are_as_assembled() {
        let cases: [(&[u16], u32, u8, u32); 11] = [
            (&[0x4a12], 0x30, LDR, 0x7c),                     // ldr r2, [pc, #72]
            (&[0x4a12], 0x32, LDR, 0x7c),                     // the same from between two words
            (&[0xf85f, 0x9124], 0x32, LDR_WIDE, 0xffff_ff10), // ldr.w r9, [pc, #-292]
            (&[0xf89f, 0x4345], 0x36, LDR_WIDE, 0x37d),       // ldrb.w r4, [pc, #837]
            (&[0xf9bf, 0x4345], 0x3a, LDR_WIDE, 0x381),       // ldrsh.w r4, [pc, #837]
            (&[0xa120], 0x3e, ADR, 0xc0),                     // adr r1, #128
            (&[0xf20f, 0x3845], 0x40, ADR_WIDE, 0x389),       // adr.w r8, #837
            (&[0xf2af, 0x0881], 0x44, ADR_WIDE, 0xffff_ffc7), // adr.w r8, #-129
            (&[0xeddf, 0x7a12], 0x58, VLDR, 0xa4),            // vldr s15, [pc, #72]
            (&[0xed1f, 0x7b12], 0x5c, VLDR, 0x18),            // vldr d7, [pc, #-72]
            (&[0xe95f, 0x2312], 0x60, LDRD, 0x1c),            // ldrd r2, r3, [pc, #-72]
        ];
        for (code, address, kind, to) in cases {
            assert_eq!(target(code, address), Some((kind, to)), "{code:04x?}");
        }
    }

    #[test]
    fn what_holds_no_address_has_a_class_of_its_own() {
        let cases: [(&[u16], u8); 18] = [
            (&[0xe8df, 0xf003], MULTIPLE_WIDE),  // tbb [pc, r3]
            (&[0xe8df, 0xf013], MULTIPLE_WIDE),  // tbh [pc, r3, lsl #1]
            (&[0xf85f, 0x9000], LOAD_WIDE),      // ldr.w r9, [pc, #-0]
            (&[0xf2af, 0x0800], IMMEDIATE_WIDE), // subw r8, pc, #0
            (&[0xf241, 0x2734], IMMEDIATE_WIDE), // movw without its movt
            (&[0xdf03], OTHER),                  // svc #3
            (&[0xbd10], MULTIPLE),               // pop {r4, pc}
            (&[0xb004], MULTIPLE),               // add sp, #16
            (&[0xf3bf, 0x8f5f], OTHER),          // dmb sy
            (&[0x4770], HIGH),                   // bx lr
            (&[0x0049], SHIFT_ADD),              // lsls r1, r1, #1
            (&[0x2001], IMMEDIATE),              // movs r0, #1
            (&[0x4048], ALU),                    // eors r0, r1
            (&[0x6801], LOAD_WORD),              // ldr r1, [r0]
            (&[0x7801], LOAD_PART),              // ldrb r1, [r0]
            (&[0x9801], STACK),                  // ldr r0, [sp, #4]
            (&[0xfb02, 0xf101], MULTIPLY),       // mul r1, r2, r1
            (&[0xea42, 0x0101], ALU_WIDE),       // orr.w r1, r2, r1
        ];
        for (code, class) in cases {
            let ahead = octets(code);
            let unit = LAWS.check(&Window { behind: &[], ahead: &ahead, address: 0 });
            assert_eq!((unit.class, unit.reference), (class, None), "{code:04x?}");
            assert_eq!(usize::from(unit.len), ahead.len());
        }
    }

    #[test]
    fn halves_of_pairs_find_each_other() {
        // movw r7, #0x1234; movw r12, #0xfeed; ldr r2, [r0]; movt r12, #0x0807; movt r7, #0x2000
        let code = octets(&[0xf241, 0x2734, 0xf64f, 0x6ced, 0x6802, 0xf6c0, 0x0c07, 0xf2c2, 0x0700]);
        for (at, kind, partner, target) in [
            (0, MOVW, 14, 0x2000_1234),
            (4, MOVW, 6, 0x0807_feed),
            (10, MOVT, -6, 0x0807_feed),
            (14, MOVT, -14, 0x2000_1234),
        ] {
            let (behind, ahead) = code.split_at(at);
            let unit = LAWS.check(&Window { behind, ahead, address: 0x8000 });
            assert_eq!(unit.reference, Some(Reference { form: Form { kind, partner }, target }), "{at}");
        }
    }

    #[test]
    fn a_register_set_anew_parts_a_pair() {
        // movw r7, #0x1234; movw r7, #0x1235; movt r7, #0x2000
        let code = octets(&[0xf241, 0x2734, 0xf241, 0x2735, 0xf2c2, 0x0700]);
        let unit = LAWS.check(&Window { behind: &[], ahead: &code, address: 0 });
        assert_eq!((unit.class, unit.reference), (IMMEDIATE_WIDE, None));
    }

    #[test]
    fn halves_are_coded_each_by_itself() {
        let (low, high) = (Form { kind: MOVW, partner: 4 }, Form { kind: MOVT, partner: -4 });
        let mut movw = octets(&[0xf241, 0x2734]);
        let mut movt = octets(&[0xf2c2, 0x0700]);
        assert!(emit(low, &mut movw, 0, 0x0807_feed) && emit(high, &mut movt, 4, 0x0807_feed));
        assert_eq!((movw, movt), (octets(&[0xf64f, 0x67ed]), octets(&[0xf6c0, 0x0707])));
        assert_eq!(read(low, &octets(&[0xf64f, 0x67ed]), 0, 0x0808_0001), Some(0x0807_feed));
        assert_eq!(read(high, &octets(&[0xf6c0, 0x0707]), 4, 0x1234_5678), Some(0x0807_5678));
    }

    #[test]
    fn another_instruction_is_not_of_the_form() {
        let form = |kind| Form { kind, partner: 0 };
        assert_eq!(read(form(BL), &octets(&[0xf7ff, 0xbff6]), 0, 0), None); // b.w
        assert_eq!(read(form(B_COND), &octets(&[0xdf03]), 0, 0), None); // svc
        assert_eq!(read(form(LDR), &octets(&[0xf85f, 0x9124]), 0, 0), None); // ldr.w
        assert_eq!(read(form(LDR_WIDE), &octets(&[0xf85f, 0x9000]), 0, 0), None); // subtracts zero
        assert_eq!(read(form(BL), &octets(&[0xf000]), 0, 0), None); // the first half alone
        assert_eq!(read(form(B_COND), &octets(&[0xd826]), 0x28, 0), Some(0x78)); // another condition
    }

    #[test]
    fn what_is_out_of_reach_or_between_steps_is_refused() {
        let cases: [(&[u16], u32); 12] = [
            (&[0xf000, 0xf800], 0x0100_2004), // bl
            (&[0xf000, 0xf800], 0x1001),
            (&[0xf000, 0xe800], 0x1002),      // blx
            (&[0xf000, 0x8000], 0x0010_1004), // beq.w
            (&[0xe7fe], 0x1804),              // b
            (&[0xd0fe], 0x1104),              // beq
            (&[0xb100], 0x1002),              // cbz
            (&[0xb100], 0x1084),
            (&[0x4800], 0x1404), // ldr
            (&[0x4800], 0x1006),
            (&[0xf8df, 0x0000], 0x2004), // ldr.w
            (&[0xed9f, 0x0a00], 0x1006), // vldr
        ];
        for (code, to) in cases {
            let ahead = octets(code);
            let window = Window { behind: &[], ahead: &ahead, address: 0x1000 };
            assert!(LAWS.check(&window).reference.is_some());
            assert!(!LAWS.check_other(&window, 0x1000, to, 0), "{code:04x?}");
        }
    }

    #[test]
    fn a_cut_instruction_is_no_instruction() {
        for (ahead, len) in [(&[0x00_u8, 0xf0, 0xfe][..], 2), (&[0x00, 0xf0], 2), (&[0x00], 1)] {
            let unit = LAWS.check(&Window { behind: &[], ahead, address: 0 });
            assert_eq!(unit, Unit { len, class: TRUNCATED, reference: None });
        }
    }

    #[test]
    fn every_halfword_keeps_the_laws() {
        let mut coded = 0;
        for half in 0..=u16::MAX {
            let ahead = half.to_le_bytes();
            for (address, to) in
                [(0, 0x20), (0x0800_0102, 0x0800_0154), (0x8_0000, 0x7_ff80), (0xffff_fffe, 0x40)]
            {
                let window = Window { behind: &[], ahead: &ahead, address };
                coded += u32::from(LAWS.check_other(&window, address, to, !to));
            }
        }
        // B and B<c> reach all four targets; CBZ, LDR and ADR the three ahead.
        assert_eq!(coded, 4 * (2048 + 14 * 256) + 3 * (1024 + 2 * 2048));
    }

    /// Value and mask of the forms of 32 bits.
    const WIDE: [(u32, u32); 10] = [
        (0xf000_d000, 0xf800_d000),
        (0xf000_c000, 0xf800_d001),
        (0xf000_9000, 0xf800_d000),
        (0xf000_8000, 0xf800_d000),
        (0xf81f_0000, 0xfe1f_0000),
        (0xf20f_0000, 0xfb5f_8000),
        (0xf240_0700, 0xfb70_8f00),
        (0xed1f_0a00, 0xff3f_0e00),
        (0xe95f_0000, 0xff7f_0000),
        (0xe800_0000, 0xe800_0000),
    ];

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(20_000))]

        #[test]
        fn every_word_keeps_the_laws(
            mut octets in any::<[u8; 64]>(),
            (value, mask) in prop::sample::select(&WIDE[..]),
            other in (any::<bool>(), 0..3_usize, any::<u32>()),
            (address, offset, near, shift) in (any::<u32>(), any::<i32>(), any::<u32>(), 0..32_u32),
        ) {
            let random = u32::from_le_bytes([octets[32], octets[33], octets[34], octets[35]]);
            let code = random & !mask | value;
            octets[32..36].copy_from_slice(&code.rotate_left(16).to_le_bytes());
            // A MOVW or MOVT of r7 somewhere near.
            let at = if other.0 { 28 } else { 36 } - 4 * other.1 * usize::from(other.0);
            let partner = other.2 & !0xfb70_8f00 | 0xf240_0700;
            octets[at..at + 4].copy_from_slice(&partner.rotate_left(16).to_le_bytes());
            let address = address & !1;
            let window = Window { behind: &octets[..32], ahead: &octets[32..], address };
            LAWS.check_other(&window, address, address.wrapping_add_signed(offset >> shift), near);
        }
    }

    #[test]
    fn real_code_is_covered_and_refers_into_its_image() {
        // The image of the STM32F4 is the second part of its flash and calls into the first (1 % of its references).
        for (name, address, floor) in
            [("simba-sam3x", 0x8_0000, 999), ("mpy-stm32f4", 0x0802_0000, 985), ("mpy-microbit", 0, 990)]
        {
            let Some(image) = corpus_image(name) else { continue };
            let tally = LAWS.walk(&image, &[Region { place: 0..image.len(), address }]);
            std::println!("{name}: {} units, by class {:?}", tally.units, tally.classes);
            for (kind, (all, inside)) in tally.references.iter().enumerate() {
                std::println!("kind {kind}: {all} references, {inside} into the image");
            }
            let branches =
                tally.plausible(&[BL, B_WIDE, B_COND_WIDE, B, B_COND, CBZ, LDR, LDR_WIDE, ADR, ADR_WIDE]);
            std::println!("{name}: {branches} of 1000 into the image");
            assert!(branches >= floor, "{name}: {branches}");
        }
    }
}

//! AArch64 (ARM DDI 0487, chapter C4 for the groups, C6 for the instructions).
//!
//! | class | instructions | | class | instructions |
//! |---|---|---|---|---|
//! | 0 | BL | | 16 | BR, BLR, RET |
//! | 1 | B | | 17 | system, exceptions, hints |
//! | 2 | B with condition | | 18 | ADD, SUB with immediate |
//! | 3 | CBZ, CBNZ | | 19 | logical with immediate, MOVZ, MOVN, MOVK |
//! | 4 | TBZ, TBNZ | | 20 | bit fields, extract |
//! | 5 | ADR | | 21 | load, store of pairs |
//! | 6 | ADRP of a pair | | 22 | the same on the stack |
//! | 7 | ADD of the low 12 bits | | 23 | load, store with scaled offset |
//! | 8 to 12 | load, store at the low 12 bits, of 1, 2, 4, 8, 16 octets | | 24 | the same on the stack |
//! | 13 | LDR literal | | 25 | load, store with other addressing |
//! | 14 | ADRP alone | | 26 | logical with registers, MOV |
//! | 15 | unknown, truncated | | 27 | ADD, SUB with registers |
//! | | | | 28 | conditional select and compare, carry |
//! | | | | 29 | multiply, divide, shift by register |
//! | | | | 30 | SIMD and floating point |
//! | | | | 31 | SIMD structures, exclusive load, store |
//!
//! The classes below 15 are also the kinds of [`Form`]. Addresses are modulo 2^32 here, so an ADRP that reaches further than
//! 2 GiB is no reference.
use super::bits::{fits, nearest, signed};
use super::{Form, Reference, Unit, Window, word};

const BL: u8 = 0;
const B: u8 = 1;
const B_COND: u8 = 2;
const CBZ: u8 = 3;
const TBZ: u8 = 4;
const ADR: u8 = 5;
const ADRP: u8 = 6;
const ADD_LOW: u8 = 7;
const MEMORY_LOW: u8 = 8;
const MEMORY_LOW_LAST: u8 = 12;
const LDR: u8 = 13;
const ADRP_ALONE: u8 = 14;
const UNKNOWN: u8 = 15;
const BRANCH_REGISTER: u8 = 16;
const SYSTEM: u8 = 17;
const ADD_IMMEDIATE: u8 = 18;
const MOVE_IMMEDIATE: u8 = 19;
const BIT_FIELD: u8 = 20;
const PAIR: u8 = 21;
const PAIR_STACK: u8 = 22;
const MEMORY: u8 = 23;
const MEMORY_STACK: u8 = 24;
const MEMORY_OTHER: u8 = 25;
const LOGICAL: u8 = 26;
const ADD_REGISTER: u8 = 27;
const CONDITIONAL: u8 = 28;
const MULTIPLY: u8 = 29;
const SIMD: u8 = 30;
const STRUCTURE: u8 = 31;

/// How many instructions the search for the other half of a pair looks at: all that the window holds.
const PAIR_SEARCH: usize = 8;
/// The number of the stack pointer as a base register.
const SP: u32 = 31;
/// Registers below this do not survive a call.
const FIRST_SAVED: u32 = 19;

pub(super) fn unit(window: &Window<'_>) -> Unit {
    let Some(code) = word(window.ahead, 0) else {
        let len = u8::try_from(window.ahead.len()).unwrap_or(1);
        return Unit { len, class: UNKNOWN, reference: None };
    };
    let class = class(code);
    let (kind, found) = match class {
        UNKNOWN.. => return Unit { len: 4, class, reference: None },
        ADRP => match low_half(window, code) {
            None => (ADRP_ALONE, page_target(code, window.address).map(|page| (page, 0))),
            pair => (ADRP, pair),
        },
        ADD_LOW..=MEMORY_LOW_LAST => (class, page_half(window, code, class)),
        _ => (class, Some((window.address.wrapping_add(offset(class, code)), 0))),
    };
    match found {
        Some((target, partner)) => {
            Unit { len: 4, class: kind, reference: Some(Reference { form: Form { kind, partner }, target }) }
        }
        None => Unit { len: 4, class: without_reference(code, kind), reference: None },
    }
}

/// Puts `target` into the operand of the unit `octets` standing at `address`; false, and nothing changed, if it cannot.
pub(super) fn emit(form: Form, octets: &mut [u8], address: u32, target: u32) -> bool {
    let Some(place) = octets.first_chunk_mut() else { return false };
    let code = u32::from_le_bytes(*place);
    let coded = match form.kind {
        ADRP | ADRP_ALONE => {
            let pages = target.wrapping_shr(12).wrapping_sub(address.wrapping_shr(12));
            Some(with_immediate21(code, signed(pages, 20)))
        }
        ADD_LOW..=MEMORY_LOW_LAST => {
            let scale = low_scale(form.kind);
            let low = (target & 0xfff).wrapping_shr(scale);
            let coded = (code & !0x003f_fc00) | low.wrapping_shl(10);
            Some(coded).filter(|_| low.wrapping_shl(scale) == target & 0xfff)
        }
        kind => with_offset(kind, code, target.wrapping_sub(address)),
    };
    coded.map(|coded| *place = coded.to_le_bytes()).is_some()
}

/// The address in the operand of `octets` at `address`, if they are of this form.
pub(super) fn read(form: Form, octets: &[u8], address: u32, near: u32) -> Option<u32> {
    let code = word(octets, 0)?;
    let kind = if form.kind == ADRP_ALONE { ADRP } else { form.kind };
    if class(code) != kind {
        return None;
    }
    match form.kind {
        ADRP | ADRP_ALONE => page_target(code, address).map(|page| page | (near & 0xfff)),
        ADD_LOW..=MEMORY_LOW_LAST => low_bits(code, kind).map(|low| nearest(near, low, 12)),
        _ => Some(address.wrapping_add(offset(kind, code))),
    }
}

/// The logarithm of the step in which targets of this form move.
pub(super) fn scale(form: Form) -> u8 {
    match form.kind {
        ADRP | ADRP_ALONE => 12,
        MEMORY_LOW..=MEMORY_LOW_LAST => form.kind.wrapping_sub(MEMORY_LOW),
        ADR | ADD_LOW => 0,
        _ => 2,
    }
}

/// The address that an ADRP makes together with the next instruction that uses its register as a base, and how far that
/// one is.
fn low_half(window: &Window<'_>, code: u32) -> Option<(u32, i8)> {
    let page = page_target(code, window.address)?;
    let register = code & 31;
    let mut distance = 0_i8;
    for octets in window.ahead.chunks_exact(4).skip(1).take(PAIR_SEARCH) {
        let next = word(octets, 0)?;
        distance = distance.wrapping_add(4);
        let class = class(next);
        if base_register(next) == register && matches!(class, ADD_LOW..=MEMORY_LOW_LAST) {
            return Some((page | low_bits(next, class)?, distance));
        }
        if ends_pair(next, class, register) {
            return None;
        }
    }
    None
}

/// The address that an instruction with an offset makes together with the ADRP that set its base register, and how far
/// that one is.
fn page_half(window: &Window<'_>, code: u32, class: u8) -> Option<(u32, i8)> {
    let register = Some(base_register(code)).filter(|register| *register != SP)?;
    let low = low_bits(code, class)?;
    let mut distance = 0_i8;
    for octets in window.behind.rchunks_exact(4).take(PAIR_SEARCH) {
        let before = word(octets, 0)?;
        distance = distance.wrapping_sub(4);
        if is_adrp(before) && before & 31 == register {
            let page = page_target(before, window.address.wrapping_add_signed(i32::from(distance)))?;
            return Some((page | low, distance));
        }
        if ends_pair(before, self::class(before), register) {
            return None;
        }
    }
    None
}

/// Whether `register` may hold something else on the other side of the instruction.
fn ends_pair(code: u32, class: u8, register: u32) -> bool {
    let sets = code & 31 == register;
    match class {
        B => true,
        BRANCH_REGISTER => code & 0x0020_0000 == 0 || register < FIRST_SAVED, // all but BLR go away for good
        BL => register < FIRST_SAVED,
        ADR..=ADD_LOW | ADD_IMMEDIATE..=BIT_FIELD | LOGICAL..=MULTIPLY => sets,
        MEMORY_LOW..=LDR | PAIR..=MEMORY_OTHER => sets && is_load(code),
        _ => false,
    }
}

/// Whether it loads a general register.
fn is_load(code: u32) -> bool {
    let single = code & 0x1000_0000 != 0;
    let loads = if single { 0x00c0_0000 } else { 0x0040_0000 };
    code & 0x0400_0000 == 0 && (code & loads != 0 || code & 0x3b00_0000 == 0x1800_0000)
}

fn class(code: u32) -> u8 {
    match code.wrapping_shr(25) & 0xf {
        0b1000 | 0b1001 => immediate_class(code),
        0b1010 | 0b1011 => branch_class(code),
        0b0100 | 0b0110 | 0b1100 | 0b1110 => memory_class(code),
        0b0101 | 0b1101 => register_class(code),
        0b0111 | 0b1111 => SIMD,
        _ => UNKNOWN,
    }
}

fn immediate_class(code: u32) -> u8 {
    match code.wrapping_shr(23) & 7 {
        0 | 1 if is_adrp(code) => ADRP,
        0 | 1 => ADR,
        2 if code & 0xffc0_0000 == 0x9100_0000 => ADD_LOW,
        2 | 3 => ADD_IMMEDIATE,
        4 | 5 => MOVE_IMMEDIATE,
        _ => BIT_FIELD,
    }
}

fn branch_class(code: u32) -> u8 {
    match code.wrapping_shr(29) {
        0 => B,
        4 => BL,
        1 | 5 if code & 0x0200_0000 == 0 => CBZ,
        1 | 5 => TBZ,
        2 if code & 0x0300_0010 == 0 => B_COND,
        6 if code & 0x0300_0000 >= 0x0200_0000 => BRANCH_REGISTER,
        6 => SYSTEM,
        _ => UNKNOWN,
    }
}

fn memory_class(code: u32) -> u8 {
    let scaled = code & 0x0100_0000 != 0;
    match code.wrapping_shr(28) & 3 {
        0 => STRUCTURE,
        1 if !scaled => LDR,
        2 if base_register(code) == SP => PAIR_STACK,
        2 => PAIR,
        3 if scaled => match size(code) {
            size @ 0..=4 => MEMORY_LOW.wrapping_add(size),
            _ => UNKNOWN,
        },
        _ => MEMORY_OTHER,
    }
}

fn register_class(code: u32) -> u8 {
    match code.wrapping_shr(24) & 0x1f {
        0b01010 => LOGICAL,
        0b01011 => ADD_REGISTER,
        0b11010 if code & 0x00c0_0000 != 0x00c0_0000 => CONDITIONAL,
        _ => MULTIPLY,
    }
}

/// The class of what looks like a reference and is none: no ADRP near, or one that reaches too far.
fn without_reference(code: u32, class: u8) -> u8 {
    match class {
        ADRP_ALONE => UNKNOWN,
        ADD_LOW => ADD_IMMEDIATE,
        _ if base_register(code) == SP => MEMORY_STACK,
        _ => MEMORY,
    }
}

fn is_adrp(code: u32) -> bool {
    code & 0x9f00_0000 == 0x9000_0000
}

fn base_register(code: u32) -> u32 {
    code.wrapping_shr(5) & 31
}

/// The logarithm of the octets that a load or store with scaled offset moves; above 4 there is no such instruction.
fn size(code: u32) -> u8 {
    let vector = code.wrapping_shr(26) & 1 != 0;
    let quad = vector && code & 0x0080_0000 != 0;
    match code.wrapping_shr(30) {
        0 if quad => 4,
        _ if quad => 5,
        0 => 0,
        1 => 1,
        2 => 2,
        _ => 3,
    }
}

fn low_scale(kind: u8) -> u32 {
    u32::from(kind.saturating_sub(MEMORY_LOW))
}

/// The low 12 bits of an address in the operand, if its offset stays inside a page.
fn low_bits(code: u32, kind: u8) -> Option<u32> {
    let low = (code.wrapping_shr(10) & 0xfff).wrapping_shl(low_scale(kind));
    Some(low).filter(|low| *low < 0x1000)
}

/// The page that an ADRP means, if the distance is one that [`emit`] codes.
fn page_target(code: u32, address: u32) -> Option<u32> {
    let pages = immediate21(code);
    Some(pages)
        .filter(|pages| fits(*pages, 20))
        .map(|pages| (address & !0xfff).wrapping_add(pages.wrapping_shl(12)))
}

fn immediate21(code: u32) -> u32 {
    signed((code.wrapping_shr(3) & 0x001f_fffc) | (code.wrapping_shr(29) & 3), 21)
}

fn with_immediate21(code: u32, immediate: u32) -> u32 {
    let high = immediate.wrapping_shl(3) & 0x00ff_ffe0;
    (code & 0x9f00_001f) | high | (immediate & 3).wrapping_shl(29)
}

fn offset(kind: u8, code: u32) -> u32 {
    match kind {
        BL | B => signed(code.wrapping_shl(2), 28),
        TBZ => signed(code.wrapping_shr(3) & 0xfffc, 16),
        ADR => immediate21(code),
        _ => signed(code.wrapping_shr(3) & 0x001f_fffc, 21),
    }
}

fn with_offset(kind: u8, code: u32, offset: u32) -> Option<u32> {
    let words = offset.wrapping_shr(2);
    let aligned = offset & !3 == offset;
    let (coded, holds) = match kind {
        BL | B => ((code & 0xfc00_0000) | (words & 0x03ff_ffff), aligned && fits(offset, 28)),
        TBZ => ((code & 0xfff8_001f) | (words & 0x3fff).wrapping_shl(5), aligned && fits(offset, 16)),
        ADR => (with_immediate21(code, offset), fits(offset, 21)),
        _ => ((code & 0xff00_001f) | (words & 0x0007_ffff).wrapping_shl(5), aligned && fits(offset, 21)),
    };
    Some(coded).filter(|_| holds)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::laws::{Laws, Region, corpus_image};
    use super::*;

    const LAWS: Laws = Laws { unit, emit, read, scale };

    #[test]
    fn operands_are_as_assembled() {
        // llvm-mc 14, aarch64.
        for (code, address, kind, to) in [
            (0x9400_0400_u32, 0x0, BL, 0x1000),
            (0x97fb_72ea, 0x4, BL, 0xffed_cbac),
            (0x17ff_fffe, 0x8, B, 0x0),
            (0x5400_07a1, 0xc, B_COND, 0x100),        // b.ne
            (0x54ff_f78a, 0x10, B_COND, 0xffff_ff00), // b.ge
            (0x3400_0f63, 0x14, CBZ, 0x200),          // cbz w3
            (0xb5ff_ef43, 0x18, CBZ, 0xffff_fe00),    // cbnz x3
            (0x3618_1f23, 0x1c, TBZ, 0x400),          // tbz w3, #3
            (0xb76f_df03, 0x20, TBZ, 0xffff_fc00),    // tbnz x3, #45
            (0x3009_1905, 0x24, ADR, 0x1_2345),       // adr x5, #74529
            (0x70ff_fea5, 0x28, ADR, 0xffff_ffff),    // adr x5, #-41
            (0xb009_1a25, 0x30, ADRP_ALONE, 0x1234_5000),
            (0xf0ff_ffc5, 0x34, ADRP_ALONE, 0xffff_b000),
            (0x5800_0561, 0x54, LDR, 0x100),       // ldr x1
            (0x98ff_f541, 0x58, LDR, 0xffff_ff00), // ldrsw x1
            (0x9c00_0521, 0x5c, LDR, 0x100),       // ldr q1
        ] {
            let reference = Some(Reference { form: Form { kind, partner: 0 }, target: to });
            assert_eq!(LAWS.alone(code, address).reference, reference, "{code:08x}");
        }
    }

    #[test]
    fn what_holds_no_address_has_a_class_of_its_own() {
        for (code, class) in [
            (0xd65f_03c0_u32, BRANCH_REGISTER), // ret
            (0xd61f_0060, BRANCH_REGISTER),     // br x3
            (0xd63f_0060, BRANCH_REGISTER),     // blr x3
            (0xd503_201f, SYSTEM),              // nop
            (0xd400_0001, SYSTEM),              // svc #0
            (0x9104_8ca5, ADD_IMMEDIATE),       // add x5, x5, #291 without its adrp
            (0xf100_083f, ADD_IMMEDIATE),       // cmp x1, #2
            (0xd280_0020, MOVE_IMMEDIATE),      // mov x0, #1
            (0x9240_1c00, MOVE_IMMEDIATE),      // and x0, x0, #0xff
            (0xd344_fc00, BIT_FIELD),           // lsr x0, x0, #4
            (0xa940_0801, PAIR),                // ldp x1, x2, [x0]
            (0xa9be_7bfd, PAIR_STACK),          // stp x29, x30, [sp, #-32]!
            (0xf940_0401, MEMORY),              // ldr x1, [x0, #8]
            (0xf940_07e1, MEMORY_STACK),        // ldr x1, [sp, #8]
            (0xf840_8401, MEMORY_OTHER),        // ldr x1, [x0], #8
            (0xaa01_03e0, LOGICAL),             // mov x0, x1
            (0x8b02_0020, ADD_REGISTER),        // add x0, x1, x2
            (0x9a9f_07e0, CONDITIONAL),         // cset x0, ne
            (0x9b02_7c20, MULTIPLY),            // mul x0, x1, x2
            (0x9ac2_0820, MULTIPLY),            // udiv x0, x1, x2
            (0x1e62_2820, SIMD),                // fadd d0, d1, d2
            (0xc85f_7c20, STRUCTURE),           // ldxr x0, [x1]
            (0, UNKNOWN),
        ] {
            assert_eq!(LAWS.alone(code, 0), Unit { len: 4, class, reference: None }, "{code:08x}");
        }
    }

    /// The references of instructions that stand one after another from `address` on.
    fn references(code: &[u32], address: u32) -> std::vec::Vec<Option<(u8, i8, u32)>> {
        let octets: std::vec::Vec<u8> = code.iter().flat_map(|code| code.to_le_bytes()).collect();
        let unit = |at: usize| {
            let (behind, ahead) = octets.split_at(at);
            let window = Window { behind, ahead, address: address + u32::try_from(at).unwrap() };
            LAWS.check(&window).reference.map(|it| (it.form.kind, it.form.partner, it.target))
        };
        (0..octets.len()).step_by(4).map(unit).collect()
    }

    #[test]
    fn halves_of_pairs_find_each_other() {
        // adrp x5, 0x12345000 at 0x30, and every use of its low half.
        for (code, kind, low) in [
            (0x9104_8ca5_u32, ADD_LOW, 0x123),     // add x5, x5, #291
            (0x3944_8ca1, MEMORY_LOW, 0x123),      // ldrb w1, [x5, #291]
            (0x7902_44a1, 9, 0x122),               // strh w1, [x5, #290]
            (0xb981_24a1, 10, 0x124),              // ldrsw x1, [x5, #292]
            (0xbd01_24a1, 10, 0x124),              // str s1, [x5, #292]
            (0xf940_94a1, 11, 0x128),              // ldr x1, [x5, #296]
            (0x3dc0_48a1, MEMORY_LOW_LAST, 0x120), // ldr q1, [x5, #288]
        ] {
            let target = 0x1234_5000 | low;
            let pair = [Some((ADRP, 8, target)), None, Some((kind, -8, target))];
            assert_eq!(references(&[0xb009_1a25, 0xd503_201f, code], 0x30), pair, "{code:08x}");
        }
    }

    #[test]
    fn what_may_change_the_register_parts_a_pair() {
        let (adrp, ldr) = (0xb009_1a25, 0xf940_94a1);
        for between in [
            0xd280_0005, // mov x5, #0
            0xf940_0005, // ldr x5, [x0]
            0x9400_0000, // bl: x5 is lost
            0x1400_0000, // b
            0xd65f_03c0, // ret
        ] {
            let expected = [Some((ADRP_ALONE, 0, 0x1234_5000)), None];
            let found = references(&[adrp, between, ldr], 0x30);
            assert_eq!([found[0], found[2]], expected, "{between:08x}");
        }
        // str x5, [x0]; str x5, [sp]
        for between in [0xf900_0005, 0xf900_03e5] {
            assert_eq!(
                references(&[adrp, between, ldr], 0x30)[2],
                Some((11, -8, 0x1234_5128)),
                "{between:08x}"
            );
        }
        // A saved register outlives a call: adrp x19; bl; ldr x1, [x19, #296]
        let saved = references(&[0xb009_1a33, 0x9400_0000, 0xf940_9661], 0x30);
        assert_eq!(saved[2], Some((11, -8, 0x1234_5128)));
    }

    #[test]
    fn halves_are_coded_each_by_itself() {
        let (page, low) = (Form { kind: ADRP, partner: 4 }, Form { kind: 11, partner: -4 });
        let (mut adrp, mut ldr) = (0xb009_1a25_u32.to_le_bytes(), 0xf940_94a1_u32.to_le_bytes());
        assert!(emit(page, &mut adrp, 0x30, 0xffff_bff8) && emit(low, &mut ldr, 0x34, 0xffff_bff8));
        assert_eq!((u32::from_le_bytes(adrp), u32::from_le_bytes(ldr)), (0xf0ff_ffc5, 0xf947_fca1));
        assert_eq!(read(page, &adrp, 0x30, 0x1234_5678), Some(0xffff_b678));
        assert_eq!(read(low, &ldr, 0x34, 0xffff_c008), Some(0xffff_bff8));
        assert!(!emit(low, &mut ldr, 0x34, 0xffff_bff4));
    }

    #[test]
    fn what_is_out_of_reach_or_between_steps_is_refused() {
        for (code, to) in [
            (0x9400_0400_u32, 0x0800_1000), // bl
            (0x9400_0400, 0x1002),
            (0x5400_07a1, 0x0010_1000), // b.ne
            (0x3618_1f23, 0x9000),      // tbz
            (0x3009_1905, 0x0010_1000), // adr
            (0x5800_0561, 0x1002),      // ldr
        ] {
            let ahead = code.to_le_bytes();
            let window = Window { behind: &[], ahead: &ahead, address: 0x1000 };
            assert!(LAWS.check(&window).reference.is_some());
            assert!(!LAWS.check_other(&window, 0x1000, to, 0), "{code:08x}");
        }
        // An ADRP beyond 2 GiB: its address is not known modulo 2^32 alone.
        assert_eq!(LAWS.alone(0x9040_0005, 0).reference, None);
    }

    #[test]
    fn a_cut_instruction_is_no_instruction() {
        let unit = LAWS.check(&Window { behind: &[], ahead: &[0, 0, 0], address: 0 });
        assert_eq!(unit, Unit { len: 3, class: UNKNOWN, reference: None });
    }

    /// Value and mask of the forms; the register of a pair is x5.
    const FORMS: [(u32, u32); 10] = [
        (0x1400_0000, 0x7c00_0000),
        (0x5400_0000, 0xff00_0010),
        (0x3400_0000, 0x7e00_0000),
        (0x3600_0000, 0x7e00_0000),
        (0x1000_0000, 0x9f00_0000),
        (0x9000_0005, 0x9f00_001f),
        (0x9100_00a0, 0xffc0_03e0),
        (0x3900_00a0, 0x3b00_03e0),
        (0x1800_0000, 0x3b00_0000),
        (0, 0),
    ];

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(20_000))]

        #[test]
        fn every_word_keeps_the_laws(
            mut octets in any::<[u8; 64]>(),
            (value, mask) in prop::sample::select(&FORMS[..]),
            other in (prop::sample::select(&[20_usize, 24, 28, 36, 40, 44][..]), 5..8_usize, any::<u32>()),
            (address, offset, near, shift) in (any::<u32>(), any::<i32>(), any::<u32>(), 0..32_u32),
        ) {
            let random = u32::from_le_bytes([octets[32], octets[33], octets[34], octets[35]]);
            octets[32..36].copy_from_slice(&(random & !mask | value).to_le_bytes());
            // The other half of a pair somewhere near.
            let (value, mask) = FORMS[other.1];
            octets[other.0..other.0 + 4].copy_from_slice(&(other.2 & !mask | value).to_le_bytes());
            // What is predicted for a scaled operand lies on its step.
            let (address, near) = (address & !3, near & !15);
            let window = Window { behind: &octets[..32], ahead: &octets[32..], address };
            LAWS.check_other(&window, address, address.wrapping_add_signed(offset >> shift), near);
        }
    }

    #[test]
    fn real_code_is_covered_and_refers_into_its_image() {
        // Strings and tables look like code here and there, which is what is missing to 1000.
        for (name, address, zeroed, floor) in
            [("uboot-rpi4", 0x8_0000, 0x2_0000, 995), ("libcrypto-arm64", 0, 0x2_0000, 950)]
        {
            let Some(mut image) = corpus_image(name) else { continue };
            image.resize(image.len() + zeroed, 0); // variables, which the file does not hold
            let tally = LAWS.walk(&image, &[Region { place: 0..image.len(), address }]);
            std::println!("{name}: {} units, by class {:?}", tally.units, tally.classes);
            for (kind, (all, inside)) in tally.references.iter().enumerate() {
                std::println!("kind {kind}: {all} references, {inside} into the image");
            }
            let share = tally.plausible(&[BL, B, B_COND, CBZ, TBZ, ADRP, ADD_LOW, 8, 9, 10, 11, 12]);
            std::println!("{name}: {share} of 1000 into the image");
            assert!(share >= floor, "{name}: {share}");
        }
    }
}

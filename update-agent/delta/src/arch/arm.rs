//! ARM, the 32-bit instructions (ARM DDI 0406, Armv7-A, chapter A5; the encodings named A1 and A2 are its).
//!
//! | class | instructions | | class | instructions |
//! |---|---|---|---|---|
//! | 0 | BL | | 16 | TST, TEQ, CMP, CMN with registers |
//! | 1 | B | | 17 | other ALU with registers |
//! | 2 | B with condition | | 18 | ALU with shift by register |
//! | 3 | BLX to Thumb code | | 19 | multiply, swap, exclusive |
//! | 4 | LDR, LDRB literal | | 20 | BX, BLX, CLZ, status |
//! | 5 | LDRH, LDRSB, LDRSH, LDRD literal | | 21 | load of words with offset |
//! | 6 | VLDR literal | | 22 | store of words with offset |
//! | 7 | ADR | | 23 | load, store of octets with offset |
//! | 8 | MOVW of a pair | | 24 | load, store on the stack |
//! | 9 | MOVT of a pair | | 25 | load, store with register offset |
//! | 10 | unconditional space, truncated | | 26 | load, store of halves and doubles |
//! | 11 | MOV, MVN with immediate | | 27 | PUSH, POP |
//! | 12 | TST, TEQ, CMP, CMN with immediate | | 28 | LDM, STM |
//! | 13 | ADD, SUB with immediate | | 29 | media: extend, bit fields |
//! | 14 | other ALU with immediate | | 30 | coprocessor, floating point |
//! | 15 | MOV between registers | | 31 | SVC, MOVW and MOVT alone |
//!
//! The classes below 10 are also the kinds of [`Form`].
use super::bits::{fits, nearest, signed};
use super::{Form, Reference, Unit, Window, word};

const BL: u8 = 0;
const B: u8 = 1;
const B_COND: u8 = 2;
const BLX: u8 = 3;
const LDR: u8 = 4;
const LDR_HALF: u8 = 5;
const VLDR: u8 = 6;
const ADR: u8 = 7;
const MOVW: u8 = 8;
const MOVT: u8 = 9;
const UNCONDITIONAL: u8 = 10;
const MOVE_IMMEDIATE: u8 = 11;
const COMPARE_IMMEDIATE: u8 = 12;
const ADD_IMMEDIATE: u8 = 13;
const ALU_IMMEDIATE: u8 = 14;
const MOVE: u8 = 15;
const COMPARE: u8 = 16;
const ALU: u8 = 17;
const ALU_SHIFT: u8 = 18;
const MULTIPLY: u8 = 19;
const STATUS: u8 = 20;
const LOAD_WORD: u8 = 21;
const STORE_WORD: u8 = 22;
const OCTET: u8 = 23;
const STACK: u8 = 24;
const INDEXED: u8 = 25;
const HALF: u8 = 26;
const PUSH_POP: u8 = 27;
const MULTIPLE: u8 = 28;
const MEDIA: u8 = 29;
const COPROCESSOR: u8 = 30;
const OTHER: u8 = 31;

/// How many instructions the search for the other half of a pair looks at.
const PAIR_SEARCH: usize = 6;
/// The bit that says that an offset is added.
const UP: u32 = 0x0080_0000;
/// The field of the base register, and the program and stack pointers in it.
const BASE: u32 = 0x000f_0000;
const PC: u32 = 0x000f_0000;
const SP: u32 = 0x000d_0000;
/// The operation of ADD and SUB with immediate: what tells them apart.
const OPERATION: u32 = 0x00c0_0000;
const ADD: u32 = 0x0080_0000;
const SUB: u32 = 0x0040_0000;

pub(super) fn unit(window: &Window<'_>) -> Unit {
    let Some(code) = word(window.ahead, 0) else {
        let len = u8::try_from(window.ahead.len()).unwrap_or(1);
        return Unit { len, class: UNCONDITIONAL, reference: None };
    };
    let class = class(code);
    let found = match class {
        UNCONDITIONAL.. => return Unit { len: 4, class, reference: None },
        MOVW | MOVT => other_half(window, code, class),
        _ => offset(class, code).map(|offset| (base(window.address).wrapping_add(offset), 0)),
    };
    match found {
        Some((target, partner)) => {
            Unit { len: 4, class, reference: Some(Reference { form: Form { kind: class, partner }, target }) }
        }
        None => Unit { len: 4, class: without_reference(class), reference: None },
    }
}

/// Puts `target` into the operand of the unit `octets` standing at `address`; false, and nothing changed, if it cannot.
pub(super) fn emit(form: Form, octets: &mut [u8], address: u32, target: u32) -> bool {
    let Some(place) = octets.first_chunk_mut() else { return false };
    let code = u32::from_le_bytes(*place);
    let coded = match form.kind {
        MOVW => Some(with_half(code, target)),
        MOVT => Some(with_half(code, target.wrapping_shr(16))),
        kind => with_offset(kind, code, target.wrapping_sub(base(address))),
    };
    coded.map(|coded| *place = coded.to_le_bytes()).is_some()
}

/// The address in the operand of `octets` at `address`, if they are of this form.
pub(super) fn read(form: Form, octets: &[u8], address: u32, near: u32) -> Option<u32> {
    let code = word(octets, 0).filter(|code| class(*code) == form.kind)?;
    match form.kind {
        MOVW => Some(nearest(near, half(code), 16)),
        MOVT => Some(half(code).wrapping_shl(16) | (near & 0xffff)),
        kind => Some(base(address).wrapping_add(offset(kind, code)?)),
    }
}

/// The logarithm of the step in which targets of this form move.
pub(super) fn scale(form: Form) -> u8 {
    match form.kind {
        BL | B | B_COND | VLDR => 2,
        BLX => 1,
        MOVT => 16,
        _ => 0,
    }
}

/// The class of what looks like a reference and is none.
fn without_reference(class: u8) -> u8 {
    match class {
        LDR => LOAD_WORD,
        LDR_HALF => HALF,
        VLDR => COPROCESSOR,
        ADR => ADD_IMMEDIATE,
        _ => OTHER,
    }
}

/// What an offset counts from: the place plus 8.
fn base(address: u32) -> u32 {
    address.wrapping_add(8)
}

/// The address that a MOVW and a MOVT together make, and how far the other one is.
fn other_half(window: &Window<'_>, code: u32, class: u8) -> Option<(u32, i8)> {
    let ahead = search(window.ahead.chunks_exact(4).skip(1), code, class, 4);
    let (other, distance) = ahead.or_else(|| search(window.behind.rchunks_exact(4), code, class, -4))?;
    let (low, high) = if class == MOVW { (code, other) } else { (other, code) };
    Some((half(high).wrapping_shl(16) | half(low), distance))
}

/// The nearest of `places` that sets the other half of the same register under the same condition.
fn search<'a>(places: impl Iterator<Item = &'a [u8]>, code: u32, own: u8, step: i8) -> Option<(u32, i8)> {
    let mut distance = 0_i8;
    for octets in places.take(PAIR_SEARCH) {
        let other = word(octets, 0)?;
        distance = distance.wrapping_add(step);
        let found = class(other);
        if matches!(found, MOVW | MOVT) && (other ^ code) & 0xf000_f000 == 0 {
            return Some((other, distance)).filter(|_| found != own);
        }
    }
    None
}

fn class(code: u32) -> u8 {
    if code >= 0xf000_0000 {
        return if code & 0x0e00_0000 == 0x0a00_0000 { BLX } else { UNCONDITIONAL };
    }
    match code.wrapping_shr(25) & 7 {
        0 => register_class(code),
        1 => immediate_class(code),
        2 => offset_class(code),
        3 if code & 0x10 != 0 => MEDIA,
        3 => INDEXED,
        4 if code & BASE == SP => PUSH_POP,
        4 => MULTIPLE,
        5 if code & 0x0100_0000 != 0 => BL,
        5 if code >= 0xe000_0000 => B,
        5 => B_COND,
        6 if code & 0x0f3f_0e00 == 0x0d1f_0a00 => VLDR,
        7 if code & 0x0100_0000 != 0 => OTHER,
        _ => COPROCESSOR,
    }
}

fn register_class(code: u32) -> u8 {
    let operation = code.wrapping_shr(21) & 15;
    let sets_flags = code & 0x0010_0000 != 0;
    match code.wrapping_shr(4) & 0xf {
        0b1001 => MULTIPLY,
        0b1011 | 0b1101 | 0b1111 => half_class(code),
        _ if (8..12).contains(&operation) && !sets_flags => STATUS,
        shift if shift & 1 != 0 => ALU_SHIFT,
        _ if (8..12).contains(&operation) => COMPARE,
        _ if operation == 13 && code & 0x0ff0 == 0 => MOVE,
        _ => ALU,
    }
}

/// Loads and stores of halves and doubles: literal if the base is PC and the offset immediate, without write-back.
fn half_class(code: u32) -> u8 {
    let loads = code & 0x0010_0000 != 0 || code & 0xf0 == 0xd0;
    if code & (0x0160_0000 | BASE) == 0x0140_0000 | PC && loads { LDR_HALF } else { HALF }
}

fn immediate_class(code: u32) -> u8 {
    let sets_flags = code & 0x0010_0000 != 0;
    match code.wrapping_shr(21) & 15 {
        2 | 4 if code & BASE == PC && !sets_flags => ADR,
        2 | 4 => ADD_IMMEDIATE,
        8 if !sets_flags => MOVW,
        10 if !sets_flags => MOVT,
        9 | 11 if !sets_flags => STATUS,
        8..=11 => COMPARE_IMMEDIATE,
        13 | 15 => MOVE_IMMEDIATE,
        _ => ALU_IMMEDIATE,
    }
}

fn offset_class(code: u32) -> u8 {
    let loads = code & 0x0010_0000 != 0;
    match code & BASE {
        PC if loads && code & 0x0120_0000 == 0x0100_0000 => LDR,
        SP => STACK,
        _ if code & 0x0040_0000 != 0 => OCTET,
        _ if loads => LOAD_WORD,
        _ => STORE_WORD,
    }
}

/// The 16 bits that a MOVW or MOVT sets.
fn half(code: u32) -> u32 {
    (code.wrapping_shr(4) & 0xf000) | (code & 0x0fff)
}

fn with_half(code: u32, half: u32) -> u32 {
    (code & 0xfff0_f000) | (half & 0xf000).wrapping_shl(4) | (half & 0x0fff)
}

/// The offset in the operand; none if it is coded otherwise than [`with_offset`] would.
fn offset(kind: u8, code: u32) -> Option<u32> {
    let (amount, add) = match kind {
        BL | B | B_COND => return Some(signed(code.wrapping_shl(2), 26)),
        BLX => return Some(signed(code.wrapping_shl(2), 26) | (code.wrapping_shr(23) & 2)),
        ADR => {
            let offset = adr_offset(code);
            return Some(offset).filter(|offset| with_adr_offset(code, *offset) == Some(code));
        }
        LDR => (code & 0x0fff, code & UP != 0),
        LDR_HALF => ((code.wrapping_shr(4) & 0xf0) | (code & 0x0f), code & UP != 0),
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
    let words = offset.wrapping_shr(2) & 0x00ff_ffff;
    let negative = offset >= 0x8000_0000;
    let (amount, up) = if negative { (offset.wrapping_neg(), 0) } else { (offset, UP) };
    let (coded, holds) = match kind {
        BL | B | B_COND => ((code & 0xff00_0000) | words, fits(offset, 26) && offset & !3 == offset),
        BLX => {
            let half = (offset & 2).wrapping_shl(23);
            ((code & 0xfe00_0000) | half | words, fits(offset, 26) && offset & 1 == 0)
        }
        ADR => return with_adr_offset(code, offset),
        LDR => ((code & !(UP | 0x0fff)) | up | (amount & 0x0fff), amount < 0x1000),
        LDR_HALF => {
            let coded = (amount & 0xf0).wrapping_shl(4) | (amount & 0x0f);
            ((code & !(UP | 0x0f0f)) | up | coded, amount < 0x100)
        }
        _ => ((code & !(UP | 0x00ff)) | up | (amount.wrapping_shr(2) & 0xff), amount & !0x3fc == 0),
    };
    Some(coded).filter(|_| holds)
}

fn adr_offset(code: u32) -> u32 {
    let amount = (code & 0xff).rotate_right(code.wrapping_shr(7) & 0x1e);
    if code & OPERATION == ADD { amount } else { amount.wrapping_neg() }
}

/// ADR with this offset: 8 bits rotated right by an even number, the smallest that does; ADD before SUB.
fn with_adr_offset(code: u32, offset: u32) -> Option<u32> {
    let rest = code & !(OPERATION | 0x0fff);
    let added = rotated(offset).map(|immediate| rest | ADD | immediate);
    added.or_else(|| rotated(offset.wrapping_neg()).map(|immediate| rest | SUB | immediate))
}

fn rotated(value: u32) -> Option<u32> {
    let rotation = (0..16_u32).find(|rotation| value.rotate_left(rotation.wrapping_shl(1)) < 0x100)?;
    Some(rotation.wrapping_shl(8) | value.rotate_left(rotation.wrapping_shl(1)))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::laws::Laws;
    use super::*;

    const LAWS: Laws = Laws { unit, emit, read, scale };

    #[test]
    fn operands_are_as_assembled() {
        // llvm-mc 14, armv7a.
        for (code, address, kind, to) in [
            (0xeb00_0ffe_u32, 0x0, BL, 0x4000),
            (0x0bfb_72e9, 0x4, BL, 0xffed_cbb0), // bleq
            (0xeaff_fffc, 0x8, B, 0x0),
            (0x1a00_003b, 0xc, B_COND, 0x100), // bne
            (0xfa00_07fe, 0x10, BLX, 0x2010),
            (0xfb00_07fe, 0x10, BLX, 0x2012),
            (0xfbff_fffe, 0x10, BLX, 0x12),
            (0xe59f_2048, 0x14, LDR, 0x64),             // ldr r2, [pc, #72]
            (0x155f_2048, 0x18, LDR, 0xffff_ffd8),      // ldrbne r2, [pc, #-72]
            (0xe51f_f004, 0x1c, LDR, 0x20),             // ldr pc, [pc, #-4]
            (0xe15f_24b8, 0x20, LDR_HALF, 0xffff_ffe0), // ldrh r2, [pc, #-72]
            (0xe1df_27df, 0x24, LDR_HALF, 0xab),        // ldrsb r2, [pc, #127]
            (0xe1cf_2fdc, 0x28, LDR_HALF, 0x12c),       // ldrd r2, r3, [pc, #252]
            (0xe28f_1fff, 0x2c, ADR, 0x430),            // add r1, pc, #1020
            (0xe24f_1a01, 0x30, ADR, 0xffff_f038),      // sub r1, pc, #4096
            (0xb28f_1eff, 0x34, ADR, 0x102c),           // addlt r1, pc, #4080
            (0xeddf_7a12, 0x40, VLDR, 0x90),            // vldr s15, [pc, #72]
            (0xed1f_7b12, 0x44, VLDR, 0x4),             // vldr d7, [pc, #-72]
        ] {
            let reference = Some(Reference { form: Form { kind, partner: 0 }, target: to });
            assert_eq!(LAWS.alone(code, address).reference, reference, "{code:08x}");
        }
    }

    #[test]
    fn what_holds_no_address_has_a_class_of_its_own() {
        for (code, class) in [
            (0xe51f_2000_u32, LOAD_WORD),     // ldr r2, [pc, #-0]
            (0xe15f_20b0, HALF),              // ldrh r2, [pc, #-0]
            (0xed1f_7a00, COPROCESSOR),       // vldr s14, [pc, #-0]
            (0xe24f_1000, ADD_IMMEDIATE),     // sub r1, pc, #0
            (0xe28f_1004, ADR),               // add r1, pc, #4
            (0xe28f_1e10, ADD_IMMEDIATE),     // the same value of 256 with another rotation than the smallest
            (0xe14f_2fb8, HALF),              // strh r2, [pc, #-248]
            (0xe58f_2000, STORE_WORD),        // str r2, [pc]
            (0xe301_7234, OTHER),             // movw without its movt
            (0xe3a0_0001, MOVE_IMMEDIATE),    // mov r0, #1
            (0xe350_0001, COMPARE_IMMEDIATE), // cmp r0, #1
            (0xe200_0001, ALU_IMMEDIATE),     // and r0, r0, #1
            (0xe1a0_0001, MOVE),              // mov r0, r1
            (0xe150_0001, COMPARE),           // cmp r0, r1
            (0xe080_0001, ALU),               // add r0, r0, r1
            (0xe080_0211, ALU_SHIFT),         // add r0, r0, r1, lsl r2
            (0xe000_0291, MULTIPLY),          // mul r0, r1, r2
            (0xe12f_ff1e, STATUS),            // bx lr
            (0xe5d0_1001, OCTET),             // ldrb r1, [r0, #1]
            (0xe59d_1004, STACK),             // ldr r1, [sp, #4]
            (0xe790_1002, INDEXED),           // ldr r1, [r0, r2]
            (0xe92d_4010, PUSH_POP),          // push {r4, lr}
            (0xe890_000c, MULTIPLE),          // ldm r0, {r2, r3}
            (0xe6ef_0070, MEDIA),             // uxtb r0, r0
            (0xef00_0000, OTHER),             // svc #0
            (0xf57f_f05f, UNCONDITIONAL),     // dmb sy
        ] {
            let unit = LAWS.alone(code, 0x100);
            assert_eq!((unit.class, unit.reference.is_some()), (class, class == ADR), "{code:08x}");
        }
    }

    #[test]
    fn halves_of_pairs_find_each_other() {
        // movw r7, #0x1234; movwne r7, #1; movt r7, #0x2000; movt r8, #3
        let code = [0xe301_7234_u32, 0x1300_7001, 0xe342_7000, 0xe340_8003].map(u32::to_le_bytes);
        let target = 0x2000_1234;
        let pair = |kind, partner| Some(Reference { form: Form { kind, partner }, target });
        for (index, reference) in [pair(MOVW, 8), None, pair(MOVT, -8), None].into_iter().enumerate() {
            let (behind, ahead) = code.as_flattened().split_at(index * 4);
            assert_eq!(LAWS.check(&Window { behind, ahead, address: 0 }).reference, reference, "{index}");
        }
    }

    #[test]
    fn halves_are_coded_each_by_itself() {
        let (low, high) = (Form { kind: MOVW, partner: 4 }, Form { kind: MOVT, partner: -4 });
        let (mut movw, mut movt) = (0xe301_7234_u32.to_le_bytes(), 0xe342_7000_u32.to_le_bytes());
        assert!(emit(low, &mut movw, 0, 0x8765_feed) && emit(high, &mut movt, 4, 0x8765_feed));
        assert_eq!((u32::from_le_bytes(movw), u32::from_le_bytes(movt)), (0xe30f_7eed, 0xe348_7765));
        assert_eq!(read(low, &movw, 0, 0x8766_0001), Some(0x8765_feed));
        assert_eq!(read(high, &movt, 4, 0x1234_5678), Some(0x8765_5678));
    }

    #[test]
    fn what_is_out_of_reach_or_between_steps_is_refused() {
        for (code, to) in [
            (0xeb00_0000_u32, 0x0200_1008), // bl
            (0xeb00_0000, 0x100a),
            (0xfa00_0000, 0x1009), // blx
            (0xe59f_2048, 0x2008), // ldr
            (0xe1df_20b0, 0x1108), // ldrh
            (0xeddf_7a12, 0x100a), // vldr
            (0xeddf_7a12, 0x1408),
            (0xe28f_1fff, 0x1109), // adr
        ] {
            let ahead = code.to_le_bytes();
            let window = Window { behind: &[], ahead: &ahead, address: 0x1000 };
            assert!(LAWS.check(&window).reference.is_some());
            assert!(!LAWS.check_other(&window, 0x1000, to, 0), "{code:08x}");
        }
    }

    #[test]
    fn every_rotated_immediate_is_coded() {
        let form = Form { kind: ADR, partner: 0 };
        for (rotation, octet) in (0..16).flat_map(|rotation| (0..256_u32).map(move |octet| (rotation, octet)))
        {
            let offset = octet.rotate_right(2 * rotation);
            for to in [base(0x1000).wrapping_add(offset), base(0x1000).wrapping_sub(offset)] {
                let mut code = 0xe28f_1000_u32.to_le_bytes();
                assert!(emit(form, &mut code, 0x1000, to), "{offset:x}");
                assert_eq!(read(form, &code, 0x1000, 0), Some(to), "{offset:x}");
            }
        }
    }

    #[test]
    fn a_cut_instruction_is_no_instruction() {
        let unit = LAWS.check(&Window { behind: &[], ahead: &[0xfe, 0xff, 0xff], address: 0 });
        assert_eq!(unit, Unit { len: 3, class: UNCONDITIONAL, reference: None });
    }

    /// Value and mask of the forms.
    const FORMS: [(u32, u32); 9] = [
        (0x0a00_0000, 0x0e00_0000),
        (0xea00_0000, 0xfe00_0000),
        (0xfa00_0000, 0xfe00_0000),
        (0x051f_0000, 0x0f3f_0000),
        (0x015f_0090, 0x0f7f_0090),
        (0x0d1f_0a00, 0x0f3f_0e00),
        (0x020f_0000, 0x0f3f_0000),
        (0xe300_7000, 0xffb0_f000),
        (0, 0),
    ];

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(20_000))]

        #[test]
        fn every_word_keeps_the_laws(
            mut octets in any::<[u8; 64]>(),
            (value, mask) in prop::sample::select(&FORMS[..]),
            other in (prop::sample::select(&[16_usize, 20, 24, 28, 36, 40, 44][..]), any::<u32>()),
            (address, offset, near, shift) in (any::<u32>(), any::<i32>(), any::<u32>(), 0..32_u32),
        ) {
            let random = u32::from_le_bytes([octets[32], octets[33], octets[34], octets[35]]);
            octets[32..36].copy_from_slice(&(random & !mask | value).to_le_bytes());
            // A MOVW or MOVT of r7 somewhere near.
            let partner = other.1 & !0xffb0_f000 | 0xe300_7000;
            octets[other.0..other.0 + 4].copy_from_slice(&partner.to_le_bytes());
            let window = Window { behind: &octets[..32], ahead: &octets[32..], address };
            LAWS.check_other(&window, address, address.wrapping_add_signed(offset >> shift), near);
        }
    }
}

//! Xtensa, little-endian, with 16-bit density instructions: LX106, LX6, LX7 (Xtensa ISA Reference Manual, chapters 3 and 7).
//!
//! Units are instructions of two or three octets; wide instructions of newer cores (four octets) hold no reference.
//! References, by form:
//!
//! | kind | instructions | what the operand holds | step |
//! |---|---|---|---|
//! | 0 | L32R | distance down from the next word, 18 bits: the address of the literal | 4 |
//! | 1 | CALL0, CALL4, CALL8, CALL12 | distance in words from the next word, 20 bits | 4 |
//! | 2 | J | distance, 18 bits | 1 |
//! | 3 | BEQZ, BNEZ, BLTZ, BGEZ | distance, 12 bits | 1 |
//! | 4 | all other conditional branches of three octets | distance, 8 bits | 1 |
//! | 5 | LOOP, LOOPNEZ, LOOPGTZ | distance forward, 8 bits: the end of the loop | 1 |
//! | 6 | BEQZ.N, BNEZ.N | distance forward, 6 bits | 1 |
//!
//! The literals themselves are words, which the caller finds. Distances of kinds 2 to 6 count from the address plus 4.
//!
//! Classes: see the constants below. The classes below 7 are also the kinds of [`Form`].
use super::bits::{fits, signed};
use super::{Form, Reference, Unit, Window};

const L32R: u8 = 0;
const CALL: u8 = 1;
const JUMP: u8 = 2;
const BRANCH_12: u8 = 3;
const BRANCH_8: u8 = 4;
const LOOP: u8 = 5;
const BRANCH_NARROW: u8 = 6;
/// The first class without a reference: ENTRY.
const ENTRY: u8 = 7;
const MOVI: u8 = 8;
/// ADDI and ADDMI.
const ADDI: u8 = 9;
const LOAD: u8 = 10;
const STORE: u8 = 11;
/// Loads and stores relative to the stack pointer.
const STACK: u8 = 12;
/// Other memory instructions: caches, atomics, floating point.
const MEMORY: u8 = 13;
/// RET, JX, CALLX, synchronisation: all of the group ST0.
const CONTROL: u8 = 14;
/// AND, OR (also as a move), XOR.
const LOGIC: u8 = 15;
const ADD: u8 = 16;
const SHIFT: u8 = 17;
const EXTUI: u8 = 18;
/// Special and user registers.
const SPECIAL: u8 = 19;
const MULTIPLY: u8 = 20;
/// Minimum, maximum, conditional moves.
const SELECT: u8 = 21;
/// Floating point and MAC16.
const ARITHMETIC: u8 = 22;
const LOAD_NARROW: u8 = 23;
const STORE_NARROW: u8 = 24;
/// L32I.N and S32I.N relative to the stack pointer.
const STACK_NARROW: u8 = 25;
const ADD_NARROW: u8 = 26;
const ADDI_NARROW: u8 = 27;
const MOVI_NARROW: u8 = 28;
const MOV_NARROW: u8 = 29;
/// RET.N, RETW.N, NOP.N, BREAK.N, ILL.N.
const CONTROL_NARROW: u8 = 30;
/// A wide instruction, one cut by the end of the image, or none.
const NONE: u8 = 31;

/// The instruction at the place of `window`.
pub(super) fn unit(window: &Window<'_>) -> Unit {
    let len = length(window.ahead);
    let Some(word) = window.ahead.get(..len.into()).and_then(load) else {
        let len = u8::try_from(window.ahead.len()).unwrap_or(len).clamp(1, len);
        return Unit { len, class: NONE, reference: None };
    };
    let class = class(word);
    let reference = target(class, word, window.address)
        .map(|target| Reference { form: Form { kind: class, partner: 0 }, target });
    Unit { len, class, reference }
}

/// Puts `target` into the operand of `octets` standing at `address`.
pub(super) fn emit(form: Form, octets: &mut [u8], address: u32, target: u32) -> bool {
    let Some(word) = load(octets) else { return false };
    let offset = target.wrapping_sub(base(form.kind, address));
    let (possible, kept, operand) = match form.kind {
        L32R => (offset.is_multiple_of(4) && offset >> 18 == 0x3fff, 0xff, offset << 6),
        CALL => (offset.is_multiple_of(4) && fits(offset, 20), 0x3f, offset << 4),
        JUMP => (fits(offset, 18), 0x3f, offset << 6),
        BRANCH_12 => (fits(offset, 12), 0xfff, offset << 12),
        BRANCH_8 => (fits(offset, 8), 0xffff, offset << 16),
        LOOP => (offset < 1 << 8, 0xffff, offset << 16),
        _ => (offset < 1 << 6, 0x0fcf, offset & 0x30 | (offset & 15) << 12),
    };
    if possible {
        for (place, octet) in octets.iter_mut().zip((word & kept | operand).to_le_bytes()) {
            *place = octet;
        }
    }
    possible
}

/// The address in the operand of `octets` standing at `address`, if they are of this form.
pub(super) fn read(form: Form, octets: &[u8], address: u32, _near: u32) -> Option<u32> {
    let word = load(octets).filter(|word| class(*word) == form.kind)?;
    target(form.kind, word, address)
}

/// The logarithm of the step in which targets of this form move.
pub(super) fn scale(form: Form) -> u8 {
    if matches!(form.kind, L32R | CALL) { 2 } else { 0 }
}

/// How many octets the instruction has that starts with `octets`.
fn length(octets: &[u8]) -> u8 {
    match octets.first().map_or(0, |first| first & 15) {
        0..=7 => 3,
        8..=13 => 2,
        _ => 4,
    }
}

/// The instruction that `octets` are, if they are one of two or three octets.
fn load(octets: &[u8]) -> Option<u32> {
    let word = match *octets {
        [a, b] => u32::from_le_bytes([a, b, 0, 0]),
        [a, b, c] => u32::from_le_bytes([a, b, c, 0]),
        _ => return None,
    };
    (usize::from(length(octets)) == octets.len()).then_some(word)
}

/// What the operand of an instruction standing at `address` counts from.
fn base(kind: u8, address: u32) -> u32 {
    match kind {
        L32R => address.wrapping_add(3) & !3,
        CALL => (address & !3).wrapping_add(4),
        _ => address.wrapping_add(4),
    }
}

/// The address in an instruction of this kind; `None` if the kind has none.
fn target(kind: u8, word: u32, address: u32) -> Option<u32> {
    let offset = match kind {
        L32R => word >> 6 & 0x3_fffc | 0xfffc_0000,
        CALL => signed(word >> 4 & 0xf_fffc, 20),
        JUMP => signed(word >> 6, 18),
        BRANCH_12 => signed(word >> 12, 12),
        BRANCH_8 => signed(word >> 16, 8),
        LOOP => word >> 16,
        BRANCH_NARROW => word & 0x30 | word >> 12 & 15,
        _ => return None,
    };
    Some(base(kind, address).wrapping_add(offset))
}

/// The class of an instruction of two or three octets.
fn class(word: u32) -> u8 {
    let (s, r) = (word >> 8 & 15, word >> 12 & 15);
    match word & 15 {
        0 => registers(word),
        1 => L32R,
        2 => match r {
            0..=2 | 4..=6 | 9 if s == 1 => STACK,
            0..=2 | 9 => LOAD,
            4..=6 => STORE,
            10 => MOVI,
            12 | 13 => ADDI,
            _ => MEMORY,
        },
        3 => MEMORY,
        4 => ARITHMETIC,
        5 => CALL,
        6 => match word >> 4 & 15 {
            0 | 4 | 8 | 12 => JUMP,
            1 | 5 | 9 | 13 => BRANCH_12,
            3 => ENTRY,
            7 => match r {
                0 | 1 => BRANCH_8,
                8..=10 => LOOP,
                _ => NONE,
            },
            _ => BRANCH_8,
        },
        7 => BRANCH_8,
        8 | 9 if s == 1 => STACK_NARROW,
        8 => LOAD_NARROW,
        9 => STORE_NARROW,
        10 => ADD_NARROW,
        11 => ADDI_NARROW,
        12 if word & 0x80 != 0 => BRANCH_NARROW,
        12 => MOVI_NARROW,
        13 if r == 0 => MOV_NARROW,
        13 => CONTROL_NARROW,
        _ => NONE,
    }
}

/// The class of an instruction of the group QRST, by its fields op1 and op2.
fn registers(word: u32) -> u8 {
    match (word >> 16 & 15, word >> 20) {
        (0, 0) => CONTROL,
        (0, 1..=3) => LOGIC,
        (0, 6 | 8..) => ADD,
        (0, 4) | (1, 0..=4 | 8..=11) => SHIFT,
        (4 | 5, _) => EXTUI,
        (1, 6 | 7 | 15) | (3, 0..=1 | 14..) => SPECIAL,
        (1 | 2, _) => MULTIPLY,
        (3, _) => SELECT,
        (6..=7 | 10..=11, _) => ARITHMETIC,
        (8 | 9, _) => MEMORY,
        _ => NONE,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::laws::{Laws, Region, corpus_image, esp_segments};
    use super::*;

    const LAWS: Laws = Laws { unit, emit, read, scale };

    /// The kind and the target of the reference of one unit, standing alone.
    fn target(octets: &[u8], address: u32) -> Option<(u8, u32)> {
        let unit = LAWS.check(&Window { behind: &[], ahead: octets, address });
        assert_eq!(usize::from(unit.len), octets.len());
        unit.reference.map(|reference| (reference.form.kind, reference.target))
    }

    #[test]
    fn references_are_as_assembled() {
        // GNU as 2.40 for LX106, but for CALL8, LOOP, LOOPGTZ and BT, which it lacks: by the manual's figures.
        for (octets, address, kind, to) in [
            (&[0x05, 0x10, 0x00][..], 0x1000, CALL, 0x1104), // call0 .+0x104
            (&[0x05, 0x10, 0x00], 0x1003, CALL, 0x1104),     // the same from within the word
            (&[0xe5, 0xff, 0xff], 0x1000, CALL, 0x1000),     // call8 .
            (&[0x21, 0x00, 0x00], 0x4_1000, L32R, 0x1000),   // l32r a2, .-0x40000
            (&[0x21, 0xff, 0xff], 0x1001, L32R, 0x1000),     // l32r a2, .-1
            (&[0x21, 0xfe, 0xff], 0x1000, L32R, 0xff8),      // l32r a2, .-8
            (&[0xc6, 0xe6, 0xff], 0x1003, JUMP, 0xfa2),      // j .-97
            (&[0x06, 0xe1, 0x04], 0x1006, JUMP, 0x238e),     // j .+5000
            (&[0x16, 0x43, 0x3e], 0x1009, BRANCH_12, 0x13f1), // beqz a3, .+1000
            (&[0xd6, 0x43, 0xc1], 0x100c, BRANCH_12, 0xc24), // bgez a3, .-1000
            (&[0x26, 0x53, 0x10], 0x100f, BRANCH_8, 0x1023), // beqi a3, 5, .+20
            (&[0xf6, 0x53, 0xe8], 0x1012, BRANCH_8, 0xffe),  // bgeui a3, 5, .-20
            (&[0x47, 0xb3, 0x60], 0x1015, BRANCH_8, 0x1079), // bgeu a3, a4, .+100
            (&[0x47, 0x83, 0x98], 0x1018, BRANCH_8, 0xfb4),  // bany a3, a4, .-100
            (&[0x76, 0x10, 0x10], 0x1000, BRANCH_8, 0x1014), // bt b0, .+20
            (&[0x76, 0x83, 0xff], 0x1000, LOOP, 0x1103),     // loop a3, .+259
            (&[0x76, 0xa3, 0x05], 0x1000, LOOP, 0x1009),     // loopgtz a3, .+9
            (&[0x9c, 0x03], 0x101b, BRANCH_NARROW, 0x102f),  // beqz.n a3, .+20
            (&[0xfc, 0x83], 0x101d, BRANCH_NARROW, 0x1059),  // bnez.n a3, .+60
        ] {
            assert_eq!(target(octets, address), Some((kind, to)), "{octets:02x?}");
        }
    }

    #[test]
    fn other_instructions_refer_to_nothing() {
        for (octets, expected) in [
            (&[0x36, 0x41, 0x00][..], ENTRY), // entry a1, 32
            (&[0x22, 0xa0, 0x01], MOVI),      // movi a2, 1
            (&[0x22, 0x21, 0x04], STACK),     // l32i a2, a1, 16
            (&[0x22, 0x23, 0x04], LOAD),      // l32i a2, a3, 16
            (&[0x22, 0x63, 0x04], STORE),     // s32i a2, a3, 16
            (&[0x80, 0x00, 0x00], CONTROL),   // ret
            (&[0x40, 0x34, 0x20], LOGIC),     // or a3, a4, a4
            (&[0x50, 0x34, 0x80], ADD),       // add a3, a4, a5
            (&[0x00, 0x33, 0x11], SHIFT),     // slli a3, a3, 16
            (&[0x70, 0x30, 0x04], EXTUI),     // extui a3, a7, 0, 1
            (&[0x30, 0x03, 0x03], SPECIAL),   // rsr a3, sar
            (&[0x50, 0x34, 0x82], MULTIPLY),  // mull a3, a4, a5
            (&[0x48, 0x13], LOAD_NARROW),     // l32i.n a4, a3, 4
            (&[0x49, 0x11], STACK_NARROW),    // s32i.n a4, a1, 4
            (&[0x0c, 0x12], MOVI_NARROW),     // movi.n a2, 1
            (&[0x3d, 0x04], MOV_NARROW),      // mov.n a3, a4
            (&[0x0d, 0xf0], CONTROL_NARROW),  // ret.n
        ] {
            let unit = unit(&Window { behind: &[], ahead: octets, address: 0 });
            assert_eq!(
                unit,
                Unit { len: u8::try_from(octets.len()).unwrap(), class: expected, reference: None }
            );
        }
    }

    #[test]
    fn what_is_out_of_reach_or_misaligned_is_refused() {
        for (octets, target) in [
            (&[0x05, 0, 0][..], 0x1002),
            (&[0x05, 0, 0], 0x8_1004),
            (&[0x21, 0, 0], 0x1000),
            (&[0x21, 0, 0], 0xffe),
            (&[0x06, 0, 0], 0x2_1004),
            (&[0x16, 0x03, 0], 0x1804),
            (&[0x26, 0x53, 0], 0x1084),
            (&[0x76, 0x83, 0], 0x1003),
            (&[0x76, 0x83, 0], 0x1104),
            (&[0x8c, 0x03], 0x1044),
            (&[0x8c, 0x03], 0x1003),
        ] {
            let window = Window { behind: &[], ahead: octets, address: 0x1000 };
            assert!(!LAWS.check_other(&window, 0x1000, target, 0), "{octets:02x?}");
        }
    }

    #[test]
    fn a_cut_instruction_is_no_instruction() {
        for (octets, len) in
            [(&[0x05_u8][..], 1), (&[0x05, 0], 2), (&[0x8c], 1), (&[0x0e, 0, 0], 3), (&[0xff], 1)]
        {
            let unit = LAWS.check(&Window { behind: &[], ahead: octets, address: 0 });
            assert_eq!(unit, Unit { len, class: NONE, reference: None });
        }
    }

    #[test]
    fn every_halfword_keeps_the_laws() {
        let mut references = 0;
        for halfword in 0..=u16::MAX {
            let octets = halfword.to_le_bytes();
            for (address, target) in
                [(0, 4), (0x4010_0021, 0x4010_0064), (0xffff_fffe, 0x12), (0x1000, 0x1003)]
            {
                let window = Window { behind: &[], ahead: &octets, address };
                references += usize::from(LAWS.check_other(&window, address, target, !target));
            }
        }
        // BEQZ.N and BNEZ.N with 16 registers and 64 distances each; three of the targets are within reach.
        assert_eq!(references, 3 * 2 * 16 * 64);
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(50_000))]

        #[test]
        fn every_window_keeps_the_laws(
            octets in any::<[u8; 8]>(),
            (address, offset, near) in any::<(u32, i32, u32)>(),
            shift in 0..32_u32,
        ) {
            let window = Window { behind: &[], ahead: &octets, address };
            LAWS.check_other(&window, address, address.wrapping_add_signed(offset >> shift), near);
        }
    }

    #[test]
    fn real_code_is_covered_and_refers_into_its_image() {
        // The literals between the functions are walked as code here, so not all is plausible.
        let Some(image) = corpus_image("st7789-esp32") else { return };
        let mut regions = esp_segments(&image, 24, 8);
        regions.retain(|region| matches!(region.address >> 16, 0x400d | 0x4008));
        let tally = LAWS.walk(&image, &regions);
        std::println!("{tally}");
        assert!(tally.plausible(&[L32R, CALL, JUMP]) >= 950, "{tally}");

        let Some(image) = corpus_image("mpy-esp8266") else { return };
        let code = Region { place: 0x9000..0x9_3000, address: 0x4020_9000 };
        let tally = LAWS.walk(&image, &[code]);
        std::println!("{tally}");
        assert!(tally.plausible(&[L32R, CALL, JUMP]) >= 900, "{tally}");
    }
}

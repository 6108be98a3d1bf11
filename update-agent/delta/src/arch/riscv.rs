//! RISC-V, 32 bits, with compressed instructions: RV32IMC with A, F and D (RISC-V Unprivileged ISA, "RV32I" and "C").
//!
//! Units are instructions of two or four octets. References, by form:
//!
//! | kind | instructions | what the operand holds | step |
//! |---|---|---|---|
//! | 0 | JAL | distance, 21 bits | 2 |
//! | 1 | BEQ..BGEU | distance, 13 bits | 2 |
//! | 2 | C.J, C.JAL | distance, 12 bits | 2 |
//! | 3 | C.BEQZ, C.BNEZ | distance, 9 bits | 2 |
//! | 4 | AUIPC with a lower half ahead | upper 20 bits of the distance, rounded | 4096 |
//! | 5 | LUI with a lower half ahead | upper 20 bits of the address, rounded | 4096 |
//! | 6 | lower half of an AUIPC | lower 12 bits of the distance from the AUIPC | 1 |
//! | 7 | lower half of a LUI | lower 12 bits of the address | 1 |
//!
//! A lower half is ADDI, JALR, a load or a store whose base is the register that the upper half writes. The halves are at
//! most 28 octets apart, and nothing between them writes the register; jumps between them are not looked at. The lower 12
//! bits are signed, so the upper half is rounded to the nearest multiple of 4096: its target is known only with its lower
//! half, but then both halves are coded each by itself.
//!
//! Classes: see the constants below.
use super::bits::{fits, nearest, signed};
use super::{AHEAD, Form, Reference, Unit, Window};

const JAL: u8 = 0;
const BRANCH: u8 = 1;
const C_JUMP: u8 = 2;
const C_BRANCH: u8 = 3;
const HIGH_PC: u8 = 4;
const HIGH_ABSOLUTE: u8 = 5;
const LOW_PC: u8 = 6;
const LOW_ABSOLUTE: u8 = 7;

/// How many halfwords before a lower half its upper half may start: so that the upper half finds it in its window.
const FARTHEST_HALF: usize = (AHEAD - 4) / 2;

/// The classes. Those of references come first; a "low" is a lower half.
mod class {
    pub(super) const CALL: u8 = 0;
    pub(super) const JUMP: u8 = 1;
    pub(super) const BRANCH: u8 = 2;
    pub(super) const C_CALL: u8 = 3;
    pub(super) const C_JUMP: u8 = 4;
    pub(super) const C_BRANCH: u8 = 5;
    pub(super) const HIGH_PC: u8 = 6;
    pub(super) const HIGH_ABSOLUTE: u8 = 7;
    pub(super) const LOW_JALR: u8 = 8;
    pub(super) const LOW_ADDI: u8 = 9;
    pub(super) const LOW_LOAD: u8 = 10;
    pub(super) const LOW_STORE: u8 = 11;
    /// LUI or AUIPC without a lower half.
    pub(super) const HIGH_ALONE: u8 = 12;
    /// ADDI, load or store relative to the global pointer: moves with the data.
    pub(super) const GLOBAL: u8 = 13;
    pub(super) const JALR: u8 = 14;
    pub(super) const ADDI: u8 = 15;
    pub(super) const LOAD: u8 = 16;
    pub(super) const STORE: u8 = 17;
    /// Other operations with an immediate.
    pub(super) const IMMEDIATE: u8 = 18;
    /// Operations on registers.
    pub(super) const REGISTERS: u8 = 19;
    /// Everything else of four octets: fences, CSR, atomics, floating point.
    pub(super) const OTHER: u8 = 20;
    pub(super) const C_LOAD: u8 = 21;
    pub(super) const C_STORE: u8 = 22;
    pub(super) const C_STACK_LOAD: u8 = 23;
    pub(super) const C_STACK_STORE: u8 = 24;
    /// C.LI and C.LUI.
    pub(super) const C_LOAD_IMMEDIATE: u8 = 25;
    /// C.ADDI, C.ADDI16SP.
    pub(super) const C_ADD_IMMEDIATE: u8 = 26;
    /// C.ADDI4SPN.
    pub(super) const C_ADDRESS: u8 = 27;
    /// C.SUB..C.AND, C.ANDI and the shifts.
    pub(super) const C_LOGIC: u8 = 28;
    /// C.MV and C.ADD.
    pub(super) const C_MOVE: u8 = 29;
    /// C.JR and C.JALR, C.EBREAK.
    pub(super) const C_JUMP_REGISTER: u8 = 30;
    /// An instruction cut by the end of the image, or no instruction.
    pub(super) const NONE: u8 = 31;
}

/// The opcode field of a four-octet instruction.
mod opcode {
    pub(super) const MASK: u32 = 0x7f;
    pub(super) const LOAD: u32 = 0x03;
    pub(super) const LOAD_FP: u32 = 0x07;
    pub(super) const OP_IMM: u32 = 0x13;
    pub(super) const AUIPC: u32 = 0x17;
    pub(super) const STORE: u32 = 0x23;
    pub(super) const STORE_FP: u32 = 0x27;
    pub(super) const OP: u32 = 0x33;
    pub(super) const LUI: u32 = 0x37;
    pub(super) const BRANCH: u32 = 0x63;
    pub(super) const JALR: u32 = 0x67;
    pub(super) const JAL: u32 = 0x6f;
}

/// The instruction at the place of `window`.
pub(super) fn unit(window: &Window<'_>) -> Unit {
    let Some((word, rest)) = next(window.ahead) else {
        let len = if window.ahead.len() < 2 { 1 } else { 2 };
        return Unit { len, class: class::NONE, reference: None };
    };
    let (class, reference) =
        if word & 3 == 3 { wide(word, rest, window) } else { compressed(word, window.address) };
    Unit { len: length(word), class, reference }
}

/// Puts `target` into the operand of `octets` standing at `address`.
pub(super) fn emit(form: Form, octets: &mut [u8], address: u32, target: u32) -> bool {
    let Some(word) = load(form, octets) else { return false };
    let offset = target.wrapping_sub(base(form, address));
    let word = match fields(form.kind) {
        Some((bits, fields)) if offset & 1 == 0 && fits(offset, bits) => {
            word & !scatter(fields, u32::MAX) | scatter(fields, offset)
        }
        Some(_) => return false,
        None if scale(form) == 12 => word & 0xfff | rounded(offset),
        None if is_store(word) => word & !scatter(&STORE, u32::MAX) | scatter(&STORE, offset),
        None => word & 0x000f_ffff | offset << 20,
    };
    for (place, octet) in octets.iter_mut().zip(word.to_le_bytes()) {
        *place = octet;
    }
    true
}

/// The address in the operand of `octets` standing at `address`. The part that a half lacks is that of `near`.
pub(super) fn read(form: Form, octets: &[u8], address: u32, near: u32) -> Option<u32> {
    let word = load(form, octets)?;
    let base = base(form, address);
    let (mask, of_form) = match form.kind {
        JAL => (opcode::MASK, opcode::JAL),
        BRANCH => (opcode::MASK, opcode::BRANCH),
        C_JUMP => (0x6003, 0x2001),
        C_BRANCH => (0xc003, 0xc001),
        HIGH_PC => (opcode::MASK, opcode::AUIPC),
        HIGH_ABSOLUTE => (opcode::MASK, opcode::LUI),
        _ => return Some(nearest(near, base.wrapping_add(low_half(word)?.offset), 12)),
    };
    if word & mask != of_form {
        return None;
    }
    Some(match fields(form.kind) {
        Some(_) => base.wrapping_add(distance(form.kind, word)),
        None => near.wrapping_add((word & !0xfff).wrapping_sub(rounded(near.wrapping_sub(base)))),
    })
}

/// The logarithm of the step in which targets of this form move.
pub(super) fn scale(form: Form) -> u8 {
    match form.kind {
        HIGH_PC | HIGH_ABSOLUTE => 12,
        LOW_PC | LOW_ABSOLUTE => 0,
        _ => 1,
    }
}

/// The instruction at the start of `octets`, and what follows it.
fn next(octets: &[u8]) -> Option<(u32, &[u8])> {
    match *octets {
        [a, b, ref rest @ ..] if a & 3 != 3 => Some((u32::from(u16::from_le_bytes([a, b])), rest)),
        [a, b, c, d, ref rest @ ..] => Some((u32::from_le_bytes([a, b, c, d]), rest)),
        _ => None,
    }
}

/// How many octets an instruction has.
fn length(word: u32) -> u8 {
    if word & 3 == 3 { 4 } else { 2 }
}

/// The instruction that `octets` are, if it has as many octets as the instructions of `form`.
fn load(form: Form, octets: &[u8]) -> Option<u32> {
    let (word, rest) = next(octets)?;
    (rest.is_empty() && (length(word) == 2) == matches!(form.kind, C_JUMP | C_BRANCH)).then_some(word)
}

/// What the operand of an instruction standing at `address` counts from.
fn base(form: Form, address: u32) -> u32 {
    match form.kind {
        HIGH_ABSOLUTE | LOW_ABSOLUTE => 0,
        LOW_PC => address.wrapping_add_signed(form.partner.into()),
        _ => address,
    }
}

/// The class and the reference of an instruction of four octets; `rest` follows it.
fn wide(word: u32, rest: &[u8], window: &Window<'_>) -> (u8, Option<Reference>) {
    let address = window.address;
    match word & opcode::MASK {
        opcode::JAL => {
            let class = if word & 0xf80 == 0 { class::JUMP } else { class::CALL };
            (class, Some(jump(JAL, word, address)))
        }
        opcode::BRANCH => (class::BRANCH, Some(jump(BRANCH, word, address))),
        opcode::AUIPC => high(word, rest, class::HIGH_PC, HIGH_PC, address),
        opcode::LUI => high(word, rest, class::HIGH_ABSOLUTE, HIGH_ABSOLUTE, 0),
        opcode::OP => (class::REGISTERS, None),
        _ => match low_half(word) {
            Some(low) => lower(&low, window),
            None if word & opcode::MASK == opcode::OP_IMM => (class::IMMEDIATE, None),
            None => (class::OTHER, None),
        },
    }
}

/// The reference of a jump or branch.
fn jump(kind: u8, word: u32, address: u32) -> Reference {
    reference(kind, 0, address.wrapping_add(distance(kind, word)))
}

fn reference(kind: u8, partner: i8, target: u32) -> Reference {
    Reference { form: Form { kind, partner }, target }
}

/// An upper half; `base` is what it counts from.
fn high(word: u32, mut rest: &[u8], class: u8, kind: u8, base: u32) -> (u8, Option<Reference>) {
    let register = word >> 7 & 31;
    let mut distance = 4_i8;
    while let Some((other, after)) = next(rest) {
        if let Some(low) = low_half(other).filter(|low| low.register == register) {
            let target = base.wrapping_add(word & !0xfff).wrapping_add(low.offset);
            return (class, Some(reference(kind, distance, target)));
        }
        if written(other) == register {
            break;
        }
        distance = distance.saturating_add_unsigned(length(other));
        rest = after;
    }
    (class::HIGH_ALONE, None)
}

/// What can be a lower half.
struct LowHalf {
    /// The base.
    register: u32,
    /// The immediate, its sign extended.
    offset: u32,
    /// Its class with an upper half, and without.
    class: (u8, u8),
}

fn low_half(word: u32) -> Option<LowHalf> {
    let class = match word & opcode::MASK {
        opcode::OP_IMM if word & 0x7000 == 0 => (class::LOW_ADDI, class::ADDI),
        opcode::LOAD | opcode::LOAD_FP => (class::LOW_LOAD, class::LOAD),
        opcode::STORE | opcode::STORE_FP => (class::LOW_STORE, class::STORE),
        opcode::JALR => (class::LOW_JALR, class::JALR),
        _ => return None,
    };
    let offset = if is_store(word) { gather(&STORE, word) } else { word >> 20 };
    Some(LowHalf { register: word >> 15 & 31, offset: signed(offset, 12), class })
}

/// A lower half, if its upper half is behind it.
fn lower(low: &LowHalf, window: &Window<'_>) -> (u8, Option<Reference>) {
    match low.register {
        // zero, sp, tp: never the base of an address
        0 | 2 | 4 => return (low.class.1, None),
        3 => return (class::GLOBAL, None),
        _ => (),
    }
    // AUIPC and LUI differ in one bit of the opcode; the first half of the octets holds opcode and register.
    let upper = opcode::AUIPC | low.register << 7;
    let mut distance = 0_u8;
    for half in window.behind.rchunks_exact(2).take(FARTHEST_HALF) {
        distance = distance.wrapping_add(2);
        let is_upper =
            half.first_chunk().is_some_and(|half| u32::from(u16::from_le_bytes(*half)) & 0xfdf == upper);
        if is_upper && let Some(word) = upper_half(window.behind, distance, low.register) {
            let kind = if word & opcode::MASK == opcode::AUIPC { LOW_PC } else { LOW_ABSOLUTE };
            let form = Form { kind, partner: 0_i8.saturating_sub_unsigned(distance) };
            let target = base(form, window.address).wrapping_add(word & !0xfff).wrapping_add(low.offset);
            return (low.class.0, Some(Reference { form, target }));
        }
    }
    (low.class.1, None)
}

/// The instruction `distance` octets before the end of `behind`, if from there on whole instructions follow of which none
/// writes `register`.
fn upper_half(behind: &[u8], distance: u8, register: u32) -> Option<u32> {
    let (_, tail) = behind.split_at_checked(behind.len().checked_sub(distance.into())?)?;
    let (word, mut between) = next(tail)?;
    while let Some((other, rest)) = next(between) {
        if written(other) == register {
            return None;
        }
        between = rest;
    }
    between.is_empty().then_some(word)
}

/// The integer register that an instruction writes; zero for none.
fn written(word: u32) -> u32 {
    let (full, short_low, short_high) = (word >> 7 & 31, word >> 2 & 7 | 8, word >> 7 & 7 | 8);
    match (word & 3, word >> 13 & 7) {
        (3, _) => match word & opcode::MASK {
            opcode::STORE | opcode::STORE_FP | opcode::BRANCH | opcode::LOAD_FP => 0,
            _ => full,
        },
        (0, 0 | 2) => short_low,
        (1, 1) => 1,
        (1, 4) => short_high,
        (1, 0 | 2 | 3) | (2, 0 | 2 | 4) => full,
        _ => 0,
    }
}

/// The class and the reference of an instruction of two octets.
fn compressed(word: u32, address: u32) -> (u8, Option<Reference>) {
    let class = match (word & 3, word >> 13 & 7) {
        (0, 0) if word == 0 => class::NONE,
        (0, 0) => class::C_ADDRESS,
        (0, 1..=3) => class::C_LOAD,
        (0, 5..) => class::C_STORE,
        (1, 0) => class::C_ADD_IMMEDIATE,
        (1, 1) => class::C_CALL,
        (1, 3) if word >> 7 & 31 == 2 => class::C_ADD_IMMEDIATE,
        (1, 2 | 3) => class::C_LOAD_IMMEDIATE,
        (1, 4) | (2, 0) => class::C_LOGIC,
        (1, 5) => class::C_JUMP,
        (1, _) => class::C_BRANCH,
        (2, 1..=3) => class::C_STACK_LOAD,
        (2, 4) if word & 0x7c == 0 => class::C_JUMP_REGISTER,
        (2, 4) => class::C_MOVE,
        (2, _) => class::C_STACK_STORE,
        _ => class::NONE,
    };
    let reference = match class {
        class::C_CALL | class::C_JUMP => Some(jump(C_JUMP, word, address)),
        class::C_BRANCH => Some(jump(C_BRANCH, word, address)),
        _ => None,
    };
    (class, reference)
}

/// The upper 20 bits, such that the signed lower 12 bits complete them.
fn rounded(value: u32) -> u32 {
    value.wrapping_add(0x800) & !0xfff
}

/// Whether an instruction with an immediate of 12 bits is a store.
fn is_store(word: u32) -> bool {
    word & 0x60 == 0x20
}

/// The distance of a jump or branch; zero for other kinds.
fn distance(kind: u8, word: u32) -> u32 {
    fields(kind).map_or(0, |(bits, fields)| signed(gather(fields, word), bits))
}

/// How many bits the distance of a jump or branch has, and where they are.
fn fields(kind: u8) -> Option<(u32, &'static [Field])> {
    match kind {
        JAL => Some((21, &J)),
        BRANCH => Some((13, &B)),
        C_JUMP => Some((12, &CJ)),
        C_BRANCH => Some((9, &CB)),
        _ => None,
    }
}

/// A run of bits of a scattered immediate: its lowest bit in the instruction, its lowest bit in the value, its mask there.
type Field = (u8, u8, u8);

// The immediates' formats, by their names in the manual.
const J: [Field; 5] = [(12, 12, 0xff), (20, 11, 1), (21, 1, 0xff), (29, 9, 3), (31, 20, 1)];
const B: [Field; 4] = [(7, 11, 1), (8, 1, 0xf), (25, 5, 0x3f), (31, 12, 1)];
const CJ: [Field; 8] =
    [(2, 5, 1), (3, 1, 7), (6, 7, 1), (7, 6, 1), (8, 10, 1), (9, 8, 3), (11, 4, 1), (12, 11, 1)];
const CB: [Field; 5] = [(2, 5, 1), (3, 1, 3), (5, 6, 3), (10, 3, 3), (12, 8, 1)];
const STORE: [Field; 2] = [(7, 0, 0x1f), (25, 5, 0x7f)];

/// The value of a scattered immediate.
#[inline(never)] // once for all formats: the code size counts
fn gather(fields: &[Field], word: u32) -> u32 {
    fields.iter().fold(0, |value, &(from, to, mask)| {
        value | (word.wrapping_shr(from.into()) & u32::from(mask)).wrapping_shl(to.into())
    })
}

/// The bits of an instruction whose immediate is `value`; all other bits are zero.
#[inline(never)] // once for all formats: the code size counts
fn scatter(fields: &[Field], value: u32) -> u32 {
    fields.iter().fold(0, |word, &(to, from, mask)| {
        word | (value.wrapping_shr(from.into()) & u32::from(mask)).wrapping_shl(to.into())
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::laws::{Laws, corpus_image, esp_segments};
    use super::*;

    const LAWS: Laws = Laws { unit, emit, read, scale };

    /// One unit, standing alone.
    fn alone(octets: &[u8], address: u32) -> Unit {
        LAWS.check(&Window { behind: &[], ahead: octets, address })
    }

    /// The target and the kind of the unit's reference.
    fn target(unit: Unit) -> Option<(u8, u32)> {
        unit.reference.map(|reference| (reference.form.kind, reference.target))
    }

    #[test]
    fn jumps_and_branches_are_as_assembled() {
        // GNU as 2.40, -march=rv32imafc; each line stands at 0x1000.
        for (word, kind, to) in [
            (0x0010_00ef_u32, JAL, 0x1800),  // jal ra, .+0x800
            (0x801f_f0ef, JAL, 0x800),       // jal ra, .-0x800
            (0x7fff_f06f, JAL, 0x10_0ffe),   // j .+0xffffe
            (0x8000_00ef, JAL, 0xfff0_1000), // jal ra, .-0x100000
            (0xfeb5_08e3, BRANCH, 0xff0),    // beq a0, a1, .-16
            (0x7eb5_1fe3, BRANCH, 0x1ffe),   // bne a0, a1, .+0xffe
            (0x80b5_7063, BRANCH, 0),        // bgeu a0, a1, .-0x1000
        ] {
            assert_eq!(target(alone(&word.to_le_bytes(), 0x1000)), Some((kind, to)), "{word:08x}");
        }
        for (word, kind, to) in [
            (0xaffd_u16, C_JUMP, 0x17fe), // c.j .+0x7fe
            (0xb001, C_JUMP, 0x800),      // c.j .-0x800
            (0x2025, C_JUMP, 0x1028),     // c.jal .+0x28
            (0xcd7d, C_BRANCH, 0x10fe),   // c.beqz a0, .+0xfe
            (0xf101, C_BRANCH, 0xf00),    // c.bnez a0, .-0x100
        ] {
            assert_eq!(target(alone(&word.to_le_bytes(), 0x1000)), Some((kind, to)), "{word:04x}");
        }
    }

    #[test]
    fn halves_of_pairs_find_each_other() {
        // lui a0, 0x42001; addi a0, a0, -2048; lui a5, 0x3fc80; lw a4, 0x7fc(a5); sw a4, -4(a5); auipc ra, 0x12;
        // jalr ra, -16(ra)
        let code =
            [0x4200_1537_u32, 0x8005_0513, 0x3fc8_07b7, 0x7fc7_a703, 0xfee7_ae23, 0x0001_2097, 0xff00_80e7]
                .map(u32::to_le_bytes);
        let expected = [
            (HIGH_ABSOLUTE, 4, 0x4200_0800),
            (LOW_ABSOLUTE, -4, 0x4200_0800),
            (HIGH_ABSOLUTE, 4, 0x3fc8_07fc),
            (LOW_ABSOLUTE, -4, 0x3fc8_07fc),
            (LOW_ABSOLUTE, -8, 0x3fc7_fffc),
            (HIGH_PC, 4, 0x1_3004),
            (LOW_PC, -4, 0x1_3004),
        ];
        let octets = code.as_flattened();
        for (index, (kind, partner, target)) in expected.into_iter().enumerate() {
            let (behind, ahead) = octets.split_at(index * 4);
            let address = 0x1000 + u32::try_from(index * 4).unwrap();
            let unit = LAWS.check(&Window { behind, ahead, address });
            assert_eq!(unit.reference, Some(reference(kind, partner, target)), "{index}");
        }
    }

    #[test]
    fn a_register_written_in_between_parts_a_pair() {
        // lui a5, 0x3fc80; li a5, 0; lw a4, 0x7fc(a5)
        let octets = [0xb7, 0x07, 0xc8, 0x3f, 0x81, 0x47, 0x03, 0xa7, 0xc7, 0x7f];
        assert_eq!(alone(&octets, 0x1000).class, class::HIGH_ALONE);
        let (behind, ahead) = octets.split_at(6);
        assert_eq!(LAWS.check(&Window { behind, ahead, address: 0x1006 }).class, class::LOAD);
    }

    #[test]
    fn halves_are_coded_each_by_itself() {
        let (high, low) = (Form { kind: HIGH_PC, partner: 4 }, Form { kind: LOW_PC, partner: -4 });
        let (mut auipc, mut jalr) = (0x0001_2097_u32.to_le_bytes(), 0xff00_80e7_u32.to_le_bytes());
        assert!(emit(high, &mut auipc, 0x4200_0000, 0x4200_0ffc));
        assert!(emit(low, &mut jalr, 0x4200_0004, 0x4200_0ffc));
        assert_eq!((u32::from_le_bytes(auipc), u32::from_le_bytes(jalr)), (0x0000_1097, 0xffc0_80e7));
        assert_eq!(read(high, &auipc, 0x4200_0000, 0x4200_2ffc), Some(0x4200_0ffc));
        assert_eq!(read(low, &jalr, 0x4200_0004, 0x4200_2f00), Some(0x4200_2ffc));
    }

    #[test]
    fn what_is_out_of_reach_or_odd_is_refused() {
        for (octets, target) in [
            (&0x0000_00ef_u32.to_le_bytes()[..], 0x10_1000),
            (&0x0000_00ef_u32.to_le_bytes(), 0x1001),
            (&0x00b5_0063_u32.to_le_bytes(), 0x2000),
            (&0xa001_u16.to_le_bytes(), 0x1800),
            (&0xc101_u16.to_le_bytes(), 0x1100),
        ] {
            assert!(!LAWS.check_other(
                &Window { behind: &[], ahead: octets, address: 0x1000 },
                0x1000,
                target,
                0
            ));
        }
    }

    #[test]
    fn a_cut_instruction_is_no_instruction() {
        for (octets, len) in [(&[0xef_u8][..], 1), (&[0xef, 0], 2), (&[0xef, 0, 0x10], 2), (&[1], 1)] {
            assert_eq!(alone(octets, 0), Unit { len, class: class::NONE, reference: None });
        }
    }

    #[test]
    fn every_halfword_keeps_the_laws() {
        let mut references = 0;
        for halfword in 0..=u16::MAX {
            let octets = halfword.to_le_bytes();
            for (address, target) in
                [(0, 0), (0x4200_0020, 0x4200_001e), (0xffff_fffe, 0x7c), (0x1000, 0x1800)]
            {
                let window = Window { behind: &[], ahead: &octets, address };
                references += usize::from(LAWS.check_other(&window, address, target, !target));
            }
        }
        // C.J, C.JAL, C.BEQZ and C.BNEZ have 2^11 distances each; three of the four targets are near enough for all.
        assert_eq!(references, 4 * 3 * (1 << 11));
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(20_000))]

        #[test]
        fn every_window_keeps_the_laws(
            mut octets in any::<[u8; 64]>(),
            opcode in prop::sample::select(&[0x6f_u8, 0x63, 0x17, 0x37, 0x13, 0x03, 0x23, 0x67, 0xff][..]),
            upper in any::<bool>(),
            (address, offset, near) in any::<(u32, i32, u32)>(),
            shift in 0..32_u32,
        ) {
            if opcode != 0xff {
                octets[32] = octets[32] & 0x80 | opcode;
            }
            if upper {
                // lui with the base of the instruction at 32
                let base = octets[33] >> 7 | octets[34] << 1 & 0x1e;
                octets[28..30].copy_from_slice(&(u16::from(base) << 7 | 0x37).to_le_bytes());
            }
            let window = Window { behind: &octets[..32], ahead: &octets[32..], address };
            LAWS.check_other(&window, address, address.wrapping_add_signed(offset >> shift), near);
        }
    }

    #[test]
    fn real_code_is_covered_and_refers_into_its_image() {
        let Some(image) = corpus_image("st7789-esp32c3") else { return };
        let mut regions = esp_segments(&image, 24, 6);
        regions.retain(|region| matches!(region.address >> 16, 0x4200 | 0x4038));
        let tally = LAWS.walk(&image, &regions);
        std::println!("{tally}");
        assert!(tally.plausible(&[JAL, BRANCH, C_JUMP, C_BRANCH]) >= 995, "{tally}");
        let pairs = tally.count(&[HIGH_PC, HIGH_ABSOLUTE, LOW_PC, LOW_ABSOLUTE]);
        let alone = tally.classes[usize::from(class::HIGH_ALONE)];
        assert!(pairs > 15 * alone, "{tally}");
    }
}

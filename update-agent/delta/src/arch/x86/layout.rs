//! How x86 instructions are made up: lengths, operands and classes.
//!
//! An instruction is prefixes, an opcode of one of the maps, ModRM and SIB, a displacement, an immediate. Only what tells
//! the length is understood; opcodes that no processor knows have one, too.
use super::{ABSOLUTE, Mode, NEAR_8, NEAR_16, NEAR_32, RIP};

/// The classes.
pub(super) mod class {
    pub(in super::super) const CALL: u8 = 0;
    pub(in super::super) const JUMP: u8 = 1;
    pub(in super::super) const BRANCH: u8 = 2;
    pub(in super::super) const JUMP_SHORT: u8 = 3;
    pub(in super::super) const BRANCH_SHORT: u8 = 4;
    /// LEA of a fixed place: one relative to RIP, or absolute.
    pub(in super::super) const FIXED_ADDRESS: u8 = 5;
    /// MOV from or to a fixed place.
    pub(in super::super) const FIXED_MOVE: u8 = 6;
    /// CALL and JMP through a fixed place.
    pub(in super::super) const FIXED_INDIRECT: u8 = 7;
    /// Other instructions with an operand at a fixed place.
    pub(in super::super) const FIXED: u8 = 8;
    /// PUSH and POP of registers.
    pub(in super::super) const PUSH: u8 = 9;
    pub(in super::super) const PUSH_IMMEDIATE: u8 = 10;
    pub(in super::super) const MOVE_IMMEDIATE: u8 = 11;
    /// MOV of an immediate to memory.
    pub(in super::super) const STORE_IMMEDIATE: u8 = 12;
    pub(in super::super) const MOVE: u8 = 13;
    pub(in super::super) const LOAD: u8 = 14;
    pub(in super::super) const STORE: u8 = 15;
    pub(in super::super) const LEA: u8 = 16;
    /// ADD..CMP, TEST of registers.
    pub(in super::super) const ALU: u8 = 17;
    /// The same with memory.
    pub(in super::super) const ALU_MEMORY: u8 = 18;
    /// The same with an immediate.
    pub(in super::super) const ALU_IMMEDIATE: u8 = 19;
    pub(in super::super) const SHIFT: u8 = 20;
    /// INC, DEC, NOT, NEG, MUL, DIV.
    pub(in super::super) const UNARY: u8 = 21;
    /// CALL and JMP through a register or memory.
    pub(in super::super) const INDIRECT: u8 = 22;
    /// RET, LEAVE, INT, far jumps.
    pub(in super::super) const RETURN: u8 = 23;
    /// MOVZX, MOVSX, SETcc, CMOVcc.
    pub(in super::super) const EXTEND: u8 = 24;
    /// NOP of any length.
    pub(in super::super) const NOP: u8 = 25;
    /// Other instructions of one opcode octet: strings, flags, ports.
    pub(in super::super) const OTHER: u8 = 26;
    /// Floating point, SSE and other instructions of two opcode octets.
    pub(in super::super) const VECTOR: u8 = 27;
    /// VEX and EVEX.
    pub(in super::super) const VECTOR_EXTENDED: u8 = 28;
    /// A prefix by itself.
    pub(in super::super) const PREFIX: u8 = 29;
    /// The immediate of a cut instruction.
    pub(in super::super) const REST: u8 = 30;
    /// Cut by the end of the image.
    pub(in super::super) const NONE: u8 = 31;
}

/// The most octets of an instruction.
const LONGEST: u8 = 15;

/// How an instruction is made up.
pub(super) struct Layout {
    pub(super) class: u8,
    /// The form of its reference.
    pub(super) kind: Option<u8>,
    /// Where its displacement starts: after prefixes, opcode, ModRM and SIB.
    pub(super) displacement: u8,
    /// Where its immediate starts.
    pub(super) immediate: u8,
    /// All its octets.
    pub(super) total: u8,
}

/// Reads the beginning of an instruction; its displacement and immediate need not be there.
pub(super) fn decode(octets: &[u8], mode: Mode) -> Option<Layout> {
    let mut cursor = Cursor { rest: octets, at: 0 };
    let (prefixes, first) = prefixes(&mut cursor, mode)?;
    let (map, opcode) = opcode(&mut cursor, first, mode)?;
    let (has_operand, mut immediate) = if map == 0 { one_octet(opcode) } else { two_octets(map, opcode) };
    let mut operand = Operand { mod_rm: 0xc0, displacement: 0, fixed: false };
    if has_operand {
        operand = memory(&mut cursor, prefixes.wide_address, mode)?;
        // TEST is the only one of its group with an immediate.
        if map == 0 && opcode & 0xfe == 0xf6 && operand.mod_rm & 0x30 == 0 {
            immediate = if opcode == 0xf6 { Immediate::Octet } else { Immediate::Full };
        }
    }
    let displacement = cursor.at;
    let immediate_at = displacement.checked_add(operand.displacement)?;
    let size = prefixes.size(immediate, mode);
    let total = immediate_at.checked_add(size).filter(|total| *total <= LONGEST)?;
    let class = class(map, opcode, &operand);
    let kind = match class {
        class::CALL | class::JUMP | class::BRANCH => Some(if size == 2 { NEAR_16 } else { NEAR_32 }),
        class::JUMP_SHORT | class::BRANCH_SHORT => Some(NEAR_8),
        _ => operand.fixed.then_some(if mode == Mode::Bits64 { RIP } else { ABSOLUTE }),
    };
    Some(Layout { class, kind, displacement, immediate: immediate_at, total })
}

/// A place in an instruction.
struct Cursor<'a> {
    rest: &'a [u8],
    at: u8,
}

impl Cursor<'_> {
    fn octet(&mut self) -> Option<u8> {
        let (first, rest) = self.rest.split_first()?;
        self.rest = rest;
        self.at = self.at.checked_add(1).filter(|at| *at < LONGEST)?;
        Some(*first)
    }
}

/// What the prefixes say.
struct Prefixes {
    wide_operand: bool,
    wide_address: bool,
    /// Operands of eight octets.
    rex_w: bool,
}

impl Prefixes {
    /// How many octets an immediate has.
    fn size(&self, immediate: Immediate, mode: Mode) -> u8 {
        let full = if self.wide_operand { 4 } else { 2 };
        match immediate {
            Immediate::Nothing => 0,
            Immediate::Octet => 1,
            Immediate::TwoOctets => 2,
            Immediate::ThreeOctets => 3,
            Immediate::Far if self.wide_operand => 6,
            Immediate::Near if mode == Mode::Bits64 => 4,
            Immediate::Whole if self.rex_w => 8,
            Immediate::Full if self.rex_w => 4,
            Immediate::Full | Immediate::Whole | Immediate::Near => full,
            Immediate::Address if !self.wide_address => 2,
            Immediate::Address if mode == Mode::Bits64 => 8,
            Immediate::Far | Immediate::Address => 4,
        }
    }
}

/// The prefixes, and the octet after them.
fn prefixes(cursor: &mut Cursor<'_>, mode: Mode) -> Option<(Prefixes, u8)> {
    let wide = mode != Mode::Bits16;
    let mut prefixes = Prefixes { wide_operand: wide, wide_address: wide, rex_w: false };
    loop {
        let octet = cursor.octet()?;
        match octet {
            _ if !is_prefix(octet, mode) => return Some((prefixes, octet)),
            0x66 => prefixes.wide_operand = !wide,
            0x67 => prefixes.wide_address = mode != Mode::Bits32,
            0x40..=0x4f => prefixes.rex_w = octet & 8 != 0,
            _ => (),
        }
    }
}

/// Marks the maps of VEX and EVEX.
const VEX: u8 = 0x80;

/// The opcode map and the opcode.
fn opcode(cursor: &mut Cursor<'_>, first: u8, mode: Mode) -> Option<(u8, u8)> {
    if first == 0x0f {
        return Some(match cursor.octet()? {
            0x38 => (2, cursor.octet()?),
            0x3a => (3, cursor.octet()?),
            second => (1, second),
        });
    }
    let extended = mode == Mode::Bits64 || cursor.rest.first().is_some_and(|next| *next >= 0xc0);
    if !extended || !matches!(first, 0x62 | 0xc4 | 0xc5) {
        return Some((0, first));
    }
    let payload = cursor.octet()?;
    let map = match first {
        0xc5 => 1,
        0xc4 => cursor.octet().map(|_| payload & 0x1f)?,
        _ => cursor.octet().and_then(|_| cursor.octet()).map(|_| payload & 7)?,
    };
    Some((map | VEX, cursor.octet()?))
}

/// What ModRM says.
struct Operand {
    mod_rm: u8,
    /// How many octets of displacement there are.
    displacement: u8,
    /// Whether it is at a fixed place: no register but RIP is involved.
    fixed: bool,
}

impl Operand {
    fn is_register(&self) -> bool {
        self.mod_rm >= 0xc0
    }
}

/// Reads ModRM and SIB.
fn memory(cursor: &mut Cursor<'_>, wide_address: bool, mode: Mode) -> Option<Operand> {
    let mod_rm = cursor.octet()?;
    let (mode_field, register) = (mod_rm >> 6, mod_rm & 7);
    let has_index = wide_address && mode_field < 3 && register == 4;
    let base = if has_index { cursor.octet()? & 7 } else { register };
    let displacement = match (mode_field, wide_address) {
        (0, true) if base == 5 => 4,
        (0, false) if base == 6 => 2,
        (1, _) => 1,
        (2, true) => 4,
        (2, false) => 2,
        _ => 0,
    };
    let fixed = mode != Mode::Bits16 && wide_address && mod_rm & 0xc7 == 5;
    Some(Operand { mod_rm, displacement, fixed })
}

/// What follows the operand that ModRM describes.
#[derive(Clone, Copy)]
enum Immediate {
    Nothing,
    Octet,
    TwoOctets,
    /// ENTER.
    ThreeOctets,
    /// As wide as the operand, but not more than four octets.
    Full,
    /// As wide as the operand: MOV of eight octets.
    Whole,
    /// The distance of a jump.
    Near,
    /// A far pointer.
    Far,
    /// As wide as an address.
    Address,
}

/// Whether an opcode of one octet has ModRM, and its immediate.
fn one_octet(opcode: u8) -> (bool, Immediate) {
    match opcode {
        0x00..=0x3f => match opcode & 7 {
            0..=3 => (true, Immediate::Nothing),
            4 => (false, Immediate::Octet),
            5 => (false, Immediate::Full),
            _ => (false, Immediate::Nothing),
        },
        0x62 | 0x63 | 0x84..=0x8f | 0xc4 | 0xc5 | 0xd0..=0xd3 | 0xd8..=0xdf | 0xf6 | 0xf7 | 0xfe | 0xff => {
            (true, Immediate::Nothing)
        }
        0x69 | 0x81 | 0xc7 => (true, Immediate::Full),
        0x6b | 0x80 | 0x82 | 0x83 | 0xc0 | 0xc1 | 0xc6 => (true, Immediate::Octet),
        0x6a | 0x70..=0x7f | 0xa8 | 0xb0..=0xb7 | 0xcd | 0xd4 | 0xd5 | 0xe0..=0xe7 | 0xeb => {
            (false, Immediate::Octet)
        }
        0x68 | 0xa9 => (false, Immediate::Full),
        0xb8..=0xbf => (false, Immediate::Whole),
        0xe8 | 0xe9 => (false, Immediate::Near),
        0x9a | 0xea => (false, Immediate::Far),
        0xa0..=0xa3 => (false, Immediate::Address),
        0xc2 | 0xca => (false, Immediate::TwoOctets),
        0xc8 => (false, Immediate::ThreeOctets),
        _ => (false, Immediate::Nothing),
    }
}

/// The same for the opcodes of the maps 0F, 0F 38 and 0F 3A, also under VEX and EVEX.
fn two_octets(map: u8, opcode: u8) -> (bool, Immediate) {
    match (map & !VEX, opcode) {
        (3, _) | (1, 0x70..=0x73 | 0xa4 | 0xac | 0xba | 0xc2 | 0xc4..=0xc6) => (true, Immediate::Octet),
        (1, 0x80..=0x8f) if map & VEX == 0 => (false, Immediate::Near),
        (1, 0x05..=0x09 | 0x0b | 0x30..=0x37 | 0x77 | 0xa0..=0xa2 | 0xa8..=0xaa | 0xc8..=0xcf) => {
            (false, Immediate::Nothing)
        }
        _ => (true, Immediate::Nothing),
    }
}

/// The class of an instruction.
fn class(map: u8, opcode: u8, operand: &Operand) -> u8 {
    let by_place = |memory, register| if operand.is_register() { register } else { memory };
    // In the group of FF, after INC and DEC.
    let jumps = matches!(operand.mod_rm >> 3 & 7, 2..=5);
    if operand.fixed {
        return match (map, opcode) {
            (0, 0x8d) => class::FIXED_ADDRESS,
            (0, 0x88..=0x8b) => class::FIXED_MOVE,
            (0, 0xff) if jumps => class::FIXED_INDIRECT,
            _ => class::FIXED,
        };
    }
    match (map, opcode) {
        (0, 0x00..=0x3f) if opcode & 7 < 4 => by_place(class::ALU_MEMORY, class::ALU),
        (0, 0x00..=0x3f) if opcode & 7 < 6 => class::ALU_IMMEDIATE,
        (0, 0x50..=0x5f) => class::PUSH,
        (0, 0x68 | 0x6a) => class::PUSH_IMMEDIATE,
        (0, 0x69 | 0x6b | 0x80..=0x83 | 0xa8 | 0xa9) => class::ALU_IMMEDIATE,
        (0, 0x70..=0x7f | 0xe0..=0xe3) => class::BRANCH_SHORT,
        (0, 0x84..=0x87) => by_place(class::ALU_MEMORY, class::ALU),
        (0, 0x88 | 0x89) => by_place(class::STORE, class::MOVE),
        (0, 0x8a | 0x8b) => by_place(class::LOAD, class::MOVE),
        (0, 0x8d) => class::LEA,
        (0, 0x90) | (1, 0x1f) => class::NOP,
        (0, 0xa0 | 0xa1) => class::LOAD,
        (0, 0xa2 | 0xa3) => class::STORE,
        (0, 0xb0..=0xbf) => class::MOVE_IMMEDIATE,
        (0, 0xc0 | 0xc1 | 0xd0..=0xd3) => class::SHIFT,
        (0, 0xc6 | 0xc7) => class::STORE_IMMEDIATE,
        (0, 0x9a | 0xc2 | 0xc3 | 0xc8..=0xcf | 0xea) => class::RETURN,
        (0, 0xd8..=0xdf) => class::VECTOR,
        (0, 0xe8) => class::CALL,
        (0, 0xe9) => class::JUMP,
        (0, 0xeb) => class::JUMP_SHORT,
        (0, 0xff) if jumps => class::INDIRECT,
        (0, 0x40..=0x4f | 0xf6 | 0xf7 | 0xfe | 0xff) => class::UNARY,
        (0, _) => class::OTHER,
        (1, 0x80..=0x8f) => class::BRANCH,
        (1, 0x40..=0x4f | 0x90..=0x9f | 0xb6 | 0xb7 | 0xbe | 0xbf) => class::EXTEND,
        (1..VEX, _) => class::VECTOR,
        _ => class::VECTOR_EXTENDED,
    }
}

/// Whether an octet is a prefix, REX among them.
pub(super) fn is_prefix(octet: u8, mode: Mode) -> bool {
    matches!(octet, 0x26 | 0x2e | 0x36 | 0x3e | 0x64..=0x67 | 0xf0 | 0xf2 | 0xf3)
        || (mode == Mode::Bits64 && octet >> 4 == 4)
}

//! x86 in its three modes (Intel 64 and IA-32 Architectures Software Developer's Manual, volume 2, chapter 2 and appendix A).
//!
//! Units are whole instructions, their length being decoded: prefixes, opcode map, ModRM and SIB, displacement, immediate.
//! References, by form:
//!
//! | kind | instructions | what the operand holds |
//! |---|---|---|
//! | 0 | JMP, Jcc, LOOPcc, JCXZ of two octets | distance, 8 bits |
//! | 1 | CALL, JMP, Jcc with 16 bits | distance, 16 bits |
//! | 2 | CALL, JMP, Jcc with 32 bits | distance |
//! | 3 | in 64-bit mode: any with an operand relative to RIP | distance, 32 bits |
//! | 4 | in 32-bit mode: any with ModRM whose operand is an address alone | address |
//!
//! All distances count from the end of the instruction and move in steps of 1. Those of kinds 0 to 2 are the last octets of
//! the unit. Immediates and displacements from registers may be addresses too; the caller, who knows the ranges, finds them.
//!
//! A unit has at most eight octets, an instruction up to fifteen. A longer one loses its leading prefixes, each a unit of its
//! own, as long as this does not change how the rest is understood; then it is cut before its immediate. Since the walk keeps
//! no state, the unit of the immediate is known by the opcodes that can stand before it.
//!
//! How long an instruction is, and its class: see [`layout`].
mod layout;

use layout::{Layout, class, decode, is_prefix};

use super::bits::{fits, signed};
use super::{Form, Reference, Unit, Window};

/// How wide operands and addresses are by default.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Mode {
    Bits16,
    Bits32,
    Bits64,
}

const NEAR_8: u8 = 0;
const NEAR_16: u8 = 1;
const NEAR_32: u8 = 2;
const RIP: u8 = 3;
const ABSOLUTE: u8 = 4;

/// The most octets of a unit.
const LONGEST_UNIT: u8 = 8;

/// The instruction at the place of `window`.
pub(super) fn unit_in(window: &Window<'_>, mode: Mode) -> Unit {
    let there = u8::try_from(window.ahead.len()).unwrap_or(u8::MAX);
    if let Some(len) = rest_of_cut(window.behind, mode) {
        return Unit { len: len.min(there), class: class::REST, reference: None };
    }
    let Some(layout) = decode(window.ahead, mode).filter(|layout| layout.total <= there) else {
        return Unit { len: 1, class: class::NONE, reference: None };
    };
    if layout.total > LONGEST_UNIT && loses_prefix(window.ahead, &layout, mode) {
        return Unit { len: 1, class: class::PREFIX, reference: None };
    }
    let len = first_unit(&layout);
    let reference = layout.kind.and_then(|kind| {
        let form = Form { kind, partner: 0 };
        let target = read(form, window.ahead.get(..len.into())?, window.address, 0)?;
        Some(Reference { form, target })
    });
    Unit { len, class: layout.class, reference }
}

/// Puts `target` into the operand of `octets` standing at `address`.
pub(super) fn emit(form: Form, octets: &mut [u8], address: u32, target: u32) -> bool {
    let bits = width(form).wrapping_mul(8);
    let Some((at, end)) = operand(form, octets) else { return false };
    let value = target.wrapping_sub(base(form, address, end));
    if !fits(value, bits.into()) {
        return false;
    }
    let operand = octets.iter_mut().skip(at).take(width(form).into());
    for (place, octet) in operand.zip(value.to_le_bytes()) {
        *place = octet;
    }
    true
}

/// The address in the operand of `octets` standing at `address`, if they are of this form.
pub(super) fn read(form: Form, octets: &[u8], address: u32, _near: u32) -> Option<u32> {
    let bits = width(form).wrapping_mul(8);
    let (at, end) = operand(form, octets)?;
    let operand = octets.iter().skip(at).take(width(form).into());
    let value = operand.rev().fold(0, |high, octet| high << 8 | u32::from(*octet));
    Some(base(form, address, end).wrapping_add(signed(value, bits.into())))
}

/// What the operand of an instruction counts from, which stands at `address` and has `len` octets.
fn base(form: Form, address: u32, len: u32) -> u32 {
    if form.kind == ABSOLUTE { 0 } else { address.wrapping_add(len) }
}

/// The logarithm of the step in which targets of this form move.
pub(super) fn scale(_form: Form) -> u8 {
    0
}

/// How many octets the operand has.
fn width(form: Form) -> u8 {
    match form.kind {
        NEAR_8 => 1,
        NEAR_16 => 2,
        _ => 4,
    }
}

/// Where the operand of this form starts in `octets`, and where the instruction ends; `None` if they are of another form.
fn operand(form: Form, octets: &[u8]) -> Option<(usize, u32)> {
    let last = octets.len().checked_sub(width(form).into())?;
    if form.kind >= RIP {
        let mode = if form.kind == RIP { Mode::Bits64 } else { Mode::Bits32 };
        let layout = decode(octets, mode).filter(|layout| layout.kind == Some(form.kind))?;
        let at = layout.displacement.into();
        return (at <= last).then_some((at, layout.total.into()));
    }
    let of_form = match octets.get(..last)? {
        [.., 0x0f, 0x80..=0x8f] | [.., 0xe8 | 0xe9] => form.kind != NEAR_8,
        [.., 0x70..=0x7f | 0xe0..=0xe3 | 0xeb] => form.kind == NEAR_8,
        _ => false,
    };
    of_form.then_some((last, u32::try_from(octets.len()).ok()?))
}

/// How many octets the unit of an instruction has.
fn first_unit(layout: &Layout) -> u8 {
    if layout.total <= LONGEST_UNIT {
        layout.total
    } else if layout.immediate <= LONGEST_UNIT && layout.immediate > layout.displacement {
        layout.immediate
    } else {
        LONGEST_UNIT
    }
}

/// Whether the first octet is a prefix that the rest can do without.
fn loses_prefix(octets: &[u8], layout: &Layout, mode: Mode) -> bool {
    let Some((&first, rest)) = octets.split_first() else { return false };
    is_prefix(first, mode)
        && decode(rest, mode).is_some_and(|rest| rest.total.wrapping_add(1) == layout.total)
}

/// If an instruction was cut just before the place: how many octets are left of it.
fn rest_of_cut(behind: &[u8], mode: Mode) -> Option<u8> {
    let mut head = behind.get(behind.len().saturating_sub(LONGEST_UNIT.into())..)?;
    while head.len() >= SHORTEST_HEAD {
        if let 0x40..=0x4f | 0x66 | 0x67 | 0x69 | 0x81 | 0xb8..=0xbf | 0xc7 | 0xf7 = head.first()?
            && let Some(left) = left_of_cut(head, mode)
        {
            return Some(left);
        }
        head = head.split_first()?.1;
    }
    None
}

/// Prefix, opcode, ModRM, SIB and displacement of an instruction with an immediate of four octets that has nine.
const SHORTEST_HEAD: usize = 5;

/// If `head` is all of an instruction up to the cut: how many octets are left.
fn left_of_cut(head: &[u8], mode: Mode) -> Option<u8> {
    let mut start = head;
    while let [0x66 | 0x67 | 0x40..=0x4f, rest @ ..] = start {
        start = rest;
    }
    // Only these have an immediate of more than one octet and, but for the last, a displacement.
    let may_be_cut = match *start {
        [0xc7 | 0xf7, mod_rm, ..] => mod_rm & 0x38 == 0 && mod_rm < 0xc0,
        [0x81 | 0x69, mod_rm, ..] => mod_rm < 0xc0,
        [0xb8..=0xbf, ..] => mode == Mode::Bits64 && head.len() == usize::from(LONGEST_UNIT),
        _ => false,
    };
    let layout = Some(head).filter(|_| may_be_cut).and_then(|head| decode(head, mode))?;
    let cut = layout.total > LONGEST_UNIT
        && usize::from(first_unit(&layout)) == head.len()
        && !loses_prefix(head, &layout, mode);
    cut.then_some(layout.total.wrapping_sub(first_unit(&layout)))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::laws::{Laws, Region, corpus_image};
    use super::*;

    const BITS_16: Laws = Laws { unit: |window| unit_in(window, Mode::Bits16), emit, read, scale };
    const BITS_32: Laws = Laws { unit: |window| unit_in(window, Mode::Bits32), emit, read, scale };
    const BITS_64: Laws = Laws { unit: |window| unit_in(window, Mode::Bits64), emit, read, scale };

    fn laws(mode: Mode) -> Laws {
        match mode {
            Mode::Bits16 => BITS_16,
            Mode::Bits32 => BITS_32,
            Mode::Bits64 => BITS_64,
        }
    }

    /// The units from the start of `octets` on: length, and kind and target of the reference.
    fn walk(mode: Mode, octets: &[u8], address: u32) -> std::vec::Vec<(u8, Option<(u8, u32)>)> {
        let mut units = std::vec::Vec::new();
        let mut at = 0;
        while at < octets.len() {
            let (behind, ahead) = octets.split_at(at);
            let address = address.wrapping_add(u32::try_from(at).unwrap());
            let unit = laws(mode).check(&Window { behind, ahead, address });
            units.push((unit.len, unit.reference.map(|reference| (reference.form.kind, reference.target))));
            at += usize::from(unit.len);
        }
        units
    }

    #[test]
    fn references_are_as_disassembled() {
        use Mode::{Bits16, Bits32, Bits64};
        // GNU objdump 2.40 gives these targets.
        for (mode, octets, kind, to) in [
            (Bits32, &[0x74, 0xfe][..], NEAR_8, 0x1000),                // je .
            (Bits32, &[0xe3, 0x7f], NEAR_8, 0x1081),                    // jecxz .+0x81
            (Bits32, &[0xeb, 0x80], NEAR_8, 0xf82),                     // jmp .-0x7e
            (Bits32, &[0xe8, 0x00, 0x01, 0x00, 0x00], NEAR_32, 0x1105), // call .+0x105
            (Bits32, &[0x0f, 0x84, 0xfa, 0xff, 0xff, 0xff], NEAR_32, 0x1000), // je .
            (Bits16, &[0xe9, 0x00, 0x10], NEAR_16, 0x2003),             // jmp .+0x1003
            (Bits16, &[0x0f, 0x85, 0x00, 0xf0], NEAR_16, 0x4),          // jne .-0xffc
            (Bits16, &[0x66, 0xe8, 0xfa, 0xff, 0x00, 0x00], NEAR_32, 0x1_1000), // calll .+0x10000
            (Bits32, &[0x83, 0x3d, 0xe0, 0x53, 0x0f, 0x00, 0x00], ABSOLUTE, 0xf_53e0), // cmpl $0, 0xf53e0
            (Bits32, &[0x8b, 0x15, 0xe0, 0x53, 0x0f, 0x80], ABSOLUTE, 0x800f_53e0), // mov 0x800f53e0, %edx
            (Bits64, &[0x66, 0x66, 0x48, 0xe8, 0, 0, 0, 0x10], NEAR_32, 0x1000_1008), // data16 rex.W call
            (Bits64, &[0x48, 0x8d, 0x35, 0xf9, 0xff, 0xff, 0xff], RIP, 0x1000), // lea -7(%rip), %rsi
            (Bits64, &[0xff, 0x25, 0x10, 0x00, 0x00, 0x00], RIP, 0x1016), // jmp *0x10(%rip)
            (Bits64, &[0x80, 0x3d, 0x01, 0x00, 0x00, 0x00, 0x05], RIP, 0x1008), // cmpb $5, 1(%rip)
            (Bits64, &[0xf6, 0x05, 0x01, 0x00, 0x00, 0x00, 0x05], RIP, 0x1008), // testb $5, 1(%rip)
            (Bits64, &[0xf7, 0x15, 0x01, 0x00, 0x00, 0x00], RIP, 0x1007), // notl 1(%rip)
            (Bits64, &[0xc5, 0xf8, 0x28, 0x05, 0x08, 0x00, 0x00, 0x00], RIP, 0x1010), // vmovaps 8(%rip), %xmm0
        ] {
            let len = u8::try_from(octets.len()).unwrap();
            assert_eq!(walk(mode, octets, 0x1000), [(len, Some((kind, to)))], "{octets:02x?}");
        }
    }

    #[test]
    fn lengths_follow_mode_and_prefixes() {
        let lengths = |mode, octets: &[u8]| -> std::vec::Vec<u8> {
            walk(mode, octets, 0).into_iter().map(|(len, _)| len).collect()
        };
        // mov with an immediate, then ret
        assert_eq!(lengths(Mode::Bits16, &[0xb8, 1, 2, 0xc3]), [3, 1]);
        assert_eq!(lengths(Mode::Bits16, &[0x66, 0xb8, 1, 2, 3, 4, 0xc3]), [6, 1]);
        assert_eq!(lengths(Mode::Bits32, &[0x66, 0xb8, 1, 2, 0xc3]), [4, 1]);
        // mov from memory: 16-bit addressing, and through SIB without a base
        assert_eq!(lengths(Mode::Bits16, &[0x8b, 0x06, 1, 2, 0xc3]), [4, 1]);
        assert_eq!(lengths(Mode::Bits32, &[0x67, 0x8b, 0x86, 1, 2, 0xc3]), [5, 1]);
        assert_eq!(lengths(Mode::Bits32, &[0x8b, 0x04, 0x85, 1, 2, 3, 4, 0xc3]), [7, 1]);
        assert_eq!(lengths(Mode::Bits32, &[0xa1, 1, 2, 3, 4, 0xc3]), [5, 1]);
        // enter, far call, les and its VEX neighbour
        assert_eq!(lengths(Mode::Bits32, &[0xc8, 1, 2, 3, 0xc3]), [4, 1]);
        assert_eq!(lengths(Mode::Bits32, &[0x9a, 1, 2, 3, 4, 5, 6, 0xc3]), [7, 1]);
        assert_eq!(lengths(Mode::Bits32, &[0xc4, 0x45, 4, 0xc3]), [3, 1]);
        assert_eq!(lengths(Mode::Bits32, &[0xc5, 0xf8, 0x77, 0xc3]), [3, 1]);
        // palignr, pshufb, EVEX
        assert_eq!(lengths(Mode::Bits64, &[0x66, 0x0f, 0x3a, 0x0f, 0xc1, 4, 0xc3]), [6, 1]);
        assert_eq!(lengths(Mode::Bits64, &[0x66, 0x0f, 0x38, 0x00, 0xc1, 0xc3]), [5, 1]);
        assert_eq!(lengths(Mode::Bits64, &[0x62, 0xf1, 0x7c, 0x48, 0x28, 0x41, 1, 0xc3]), [7, 1]);
    }

    #[test]
    fn long_instructions_lose_prefixes_and_are_cut() {
        // movq $0x11111181, 0x10(%rsp); ret
        let stack = [0x48, 0xc7, 0x44, 0x24, 0x10, 0x81, 0x11, 0x11, 0x11, 0xc3];
        assert_eq!(walk(Mode::Bits64, &stack, 0), [(1, None), (8, None), (1, None)]);
        // movq $0x81, 0x1000(%rip); ret: the distance counts from the end of the immediate
        let global = [0x48, 0xc7, 0x05, 0x00, 0x10, 0, 0, 0x81, 0, 0, 0, 0xc3];
        let expected = [(1, None), (6, Some((RIP, 0x100b))), (4, None), (1, None)];
        assert_eq!(walk(Mode::Bits64, &global, 0), expected);
        // movabs $0x81c7, %rax; ret
        let movabs = [0x48, 0xb8, 0xc7, 0x81, 0, 0, 0, 0, 0x05, 0x05, 0xc3];
        assert_eq!(walk(Mode::Bits64, &movabs, 0), [(8, None), (2, None), (1, None)]);
        // data16 cs nopw 0(%rax, %rax)
        let nop = [0x66, 0x66, 0x2e, 0x0f, 0x1f, 0x84, 0, 0, 0, 0, 0];
        assert_eq!(walk(Mode::Bits64, &nop, 0), [(1, None), (1, None), (1, None), (8, None)]);
        // movl $0x05050505, 0x1000; ret
        let absolute = [0xc7, 0x05, 0x00, 0x10, 0, 0, 5, 5, 5, 5, 0xc3];
        assert_eq!(walk(Mode::Bits32, &absolute, 0), [(6, Some((ABSOLUTE, 0x1000))), (4, None), (1, None)]);
    }

    #[test]
    fn what_is_out_of_reach_is_refused() {
        for (mode, octets, target) in [
            (Mode::Bits32, &[0x74, 0x00][..], 0x1082),
            (Mode::Bits32, &[0x74, 0x00], 0xf81),
            (Mode::Bits16, &[0xe8, 0x00, 0x00], 0x9003),
        ] {
            let window = Window { behind: &[], ahead: octets, address: 0x1000 };
            assert!(!laws(mode).check_other(&window, 0x1000, target, 0), "{octets:02x?}");
        }
    }

    #[test]
    fn octets_of_another_form_are_not_read() {
        let near_8 = Form { kind: NEAR_8, partner: 0 };
        assert_eq!(read(near_8, &[0xeb, 0x10], 0, 0), Some(0x12));
        assert_eq!(read(near_8, &[0x31, 0xc0], 0, 0), None);
        let rip = Form { kind: RIP, partner: 0 };
        assert_eq!(read(rip, &[0x8b, 0x0d, 4, 0, 0, 0], 0, 0), Some(10));
        assert_eq!(read(rip, &[0x8b, 0x8d, 4, 0, 0, 0], 0, 0), None);
    }

    #[test]
    fn every_opcode_keeps_the_laws() {
        for mode in [Mode::Bits16, Mode::Bits32, Mode::Bits64] {
            for halfword in 0..=u16::MAX {
                for prefix in [&[][..], &[0x0f], &[0x66], &[0x48]] {
                    let mut octets = prefix.to_vec();
                    octets.extend(halfword.to_le_bytes());
                    octets.extend(0x8182_8384_8586_8788_u64.to_le_bytes());
                    let window = Window { behind: &[], ahead: &octets, address: 0x10_0000 };
                    laws(mode).check_other(&window, 0x10_0000, 0x10_0040, 0x1234);
                }
            }
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(50_000))]

        #[test]
        fn every_window_keeps_the_laws(
            octets in any::<[u8; 24]>(),
            behind in 0..12_usize,
            mode in prop::sample::select(&[Mode::Bits16, Mode::Bits32, Mode::Bits64][..]),
            (address, offset, near) in any::<(u32, i32, u32)>(),
            shift in 0..32_u32,
        ) {
            let (behind, ahead) = octets.split_at(behind);
            let window = Window { behind, ahead, address };
            laws(mode).check_other(&window, address, address.wrapping_add_signed(offset >> shift), near);
        }
    }

    #[test]
    fn real_code_is_covered_and_refers_into_its_image() {
        let Some(image) = corpus_image("seabios-x86") else { return };
        // Code of both modes and data are mixed, so what a walk in one mode finds is not all code.
        let rom = Region { place: 0x2_0000..0x4_0000, address: 0xe_0000 };
        let tally = BITS_32.walk(&image, &[rom]);
        std::println!("{tally}");
        assert!(tally.plausible(&[NEAR_8, NEAR_32]) >= 850, "{tally}");
        let segment = Region { place: 0x3_0000..0x4_0000, address: 0xf_0000 };
        let tally = BITS_16.walk(&image, &[segment]);
        std::println!("{tally}");
        assert!(tally.plausible(&[NEAR_8, NEAR_16, NEAR_32]) >= 800, "{tally}");
    }
}

//! Evidence of code: calls that agree with each other.
//!
//! In octets that are not code of an architecture, what looks like its calls leads anywhere. In code, functions are called
//! from several places, and most start with an instruction that makes room on the stack. So a call counts only if other calls
//! lead to the same place or a function visibly starts there.

use super::fields::{index, le16, le32};
use kedge_delta::arch::Arch;

/// Seeming calls are judged together with those within so many octets.
const NEAR: usize = 0x800;
/// Where less than one of so many seeming calls counts, it does by chance: text is full of what looks like Xtensa calls.
const SHARE: usize = 8;
/// A single one that counts among more than so many others does by chance.
const ALONE: usize = 3;

/// The calls of one architecture in an image.
pub(super) struct Calls {
    /// Where the calls stand that count, in order.
    pub(super) sites: Vec<u32>,
    /// Where they lead to, in order, each once.
    pub(super) functions: Vec<u32>,
}

/// What is to know about an architecture's calls.
struct Sort {
    /// Instructions start at multiples of this.
    step: usize,
    /// So many calls to one place are no chance, even in octets that are not code.
    agreeing: u8,
    /// The place, counted from the image's start, that an instruction calls.
    call: fn(octets: &[u8], at: usize) -> Option<i64>,
    /// Whether a function visibly starts here.
    start: fn(octets: &[u8], at: usize) -> bool,
}

/// Finds the calls of an architecture. Offsets must fit 32 bits.
pub(super) fn calls(octets: &[u8], arch: Arch) -> Calls {
    let mut calls = Calls { sites: Vec::new(), functions: Vec::new() };
    let Some(sort) = sort(arch) else { return calls };
    let mut found = Vec::new();
    for at in (0..octets.len()).step_by(sort.step) {
        let target = (sort.call)(octets, at).and_then(|target| u32::try_from(target).ok());
        if let (Some(target), Ok(site)) =
            (target.filter(|target| index(*target) < octets.len()), u32::try_from(at))
        {
            found.push((site, target));
        }
    }
    let mut times = vec![0_u8; octets.len() / sort.step + 1];
    for (_, target) in &found {
        if let Some(times) = times.get_mut(index(*target) / sort.step) {
            *times = times.saturating_add(1);
        }
    }
    let counts = |target: &u32| {
        let agreed = times.get(index(*target) / sort.step).is_some_and(|times| *times >= sort.agreeing);
        agreed || (sort.start)(octets, index(*target))
    };
    for near in found.chunk_by(|one, next| index(one.0) / NEAR == index(next.0) / NEAR) {
        let good: Vec<&(u32, u32)> = near.iter().filter(|(_, target)| counts(target)).collect();
        if good.len() * SHARE >= near.len() && (good.len() > 1 || near.len() <= ALONE) {
            calls.sites.extend(good.iter().map(|(site, _)| site));
            calls.functions.extend(good.iter().map(|(_, target)| target));
        }
    }
    calls.functions.sort_unstable();
    calls.functions.dedup();
    calls
}

fn sort(arch: Arch) -> Option<Sort> {
    let sort = |step, agreeing, call, start| Some(Sort { step, agreeing, call, start });
    match arch {
        Arch::Thumb => sort(2, 2, thumb_call, thumb_start),
        Arch::Arm => sort(4, 2, arm_call, arm_start),
        Arch::AArch64 => sort(4, 2, aarch64_call, aarch64_start),
        Arch::RiscV => sort(2, 2, riscv_call, riscv_start),
        // One octet in sixteen starts a call here, to one of a quarter of a million places: chance makes some agree.
        Arch::Xtensa => sort(1, 5, xtensa_call, xtensa_start),
        Arch::X86 => sort(1, 2, x86_call, x86_start),
        Arch::X86_64 => sort(1, 2, x86_call, x86_64_start),
        Arch::X86_16 => sort(1, 3, x86_16_call, x86_16_start),
        _ => None,
    }
}

/// A number of `bits` bits in the low end of a word, as a signed one.
fn signed(word: u32, bits: u32) -> i64 {
    let shift = 32_u32.saturating_sub(bits);
    i64::from((word << shift).cast_signed() >> shift)
}

fn from(at: usize, distance: i64) -> Option<i64> {
    i64::try_from(at).ok()?.checked_add(distance)
}

/// BL: Arm ARM v7-M §A7.7.18.
fn thumb_call(octets: &[u8], at: usize) -> Option<i64> {
    let (high, low) = (u32::from(le16(octets, at)?), u32::from(le16(octets, at + 2)?));
    if high & 0xf800 != 0xf000 || low & 0xd000 != 0xd000 {
        return None;
    }
    let sign = high >> 10 & 1;
    let bit = |at: u32| !(low >> at ^ sign) & 1;
    let distance = sign << 24 | bit(13) << 23 | bit(11) << 22 | (high & 0x3ff) << 12 | (low & 0x7ff) << 1;
    from(at, signed(distance, 25) + 4)
}

fn thumb_start(octets: &[u8], at: usize) -> bool {
    // push {.., lr}; stmdb sp!, {.., lr}
    le16(octets, at).is_some_and(|first| first & 0xff00 == 0xb500)
        || le32(octets, at).is_some_and(|both| both & 0xe000_ffff == 0x4000_e92d)
}

/// BL without a condition.
fn arm_call(octets: &[u8], at: usize) -> Option<i64> {
    let word = le32(octets, at)?;
    if word >> 24 == 0xeb { from(at, signed(word, 24) * 4 + 8) } else { None }
}

fn arm_start(octets: &[u8], at: usize) -> bool {
    // stmdb sp!, {.., lr}; str lr, [sp, #-4]!; mov ip, sp
    le32(octets, at)
        .is_some_and(|word| word & 0xffff_4000 == 0xe92d_4000 || matches!(word, 0xe52d_e004 | 0xe1a0_c00d))
}

/// BL.
fn aarch64_call(octets: &[u8], at: usize) -> Option<i64> {
    let word = le32(octets, at)?;
    if word >> 26 == 0x25 { from(at, signed(word, 26) * 4) } else { None }
}

fn aarch64_start(octets: &[u8], at: usize) -> bool {
    // stp x29, x30, [sp, #-n]!; sub sp, sp, #n; paciasp; bti c
    le32(octets, at).is_some_and(|word| {
        word & 0xffe0_7fff == 0xa9a0_7bfd
            || word & 0xff00_03ff == 0xd100_03ff
            || matches!(word, 0xd503_233f | 0xd503_245f)
    })
}

/// JAL ra.
fn riscv_call(octets: &[u8], at: usize) -> Option<i64> {
    let word = le32(octets, at)?;
    if word & 0xfff != 0x0ef {
        return None;
    }
    let distance =
        word >> 31 << 20 | (word >> 12 & 0xff) << 12 | (word >> 20 & 1) << 11 | (word >> 21 & 0x3ff) << 1;
    from(at, signed(distance, 21))
}

fn riscv_start(octets: &[u8], at: usize) -> bool {
    // c.addi sp, -n; c.addi16sp sp, -n; addi sp, sp, -n
    le16(octets, at).is_some_and(|first| matches!(first & 0xff83, 0x1101 | 0x7101))
        || le32(octets, at).is_some_and(|word| word & 0x800f_ffff == 0x8001_0113)
}

/// CALL0, CALL4, CALL8, CALL12.
fn xtensa_call(octets: &[u8], at: usize) -> Option<i64> {
    let [low, middle, high] = *octets.get(at..)?.first_chunk()?;
    let word = u32::from_le_bytes([low, middle, high, 0]);
    if low & 0x0f == 0x05 { from(at & !3, signed(word >> 6, 18) * 4 + 4) } else { None }
}

fn xtensa_start(octets: &[u8], at: usize) -> bool {
    // entry a1, n; addi a1, a1, -n
    octets.get(at..).is_some_and(|rest| {
        matches!(rest, [0x36, middle, ..] if middle & 0x0f == 1)
            || matches!(rest, [0x12, 0xc1, 0x80..=0xff, ..])
    })
}

/// CALL rel32.
fn x86_call(octets: &[u8], at: usize) -> Option<i64> {
    if octets.get(at) != Some(&0xe8) || at.checked_sub(1).and_then(|before| octets.get(before)) == Some(&0x66)
    {
        return None;
    }
    from(at, signed(le32(octets, at + 1)?, 32) + 5)
}

fn x86_start(octets: &[u8], at: usize) -> bool {
    // push ebp; mov ebp, esp, and two pushes of what a function keeps
    octets.get(at..).is_some_and(|rest| {
        matches!(rest, [0x55, 0x89, 0xe5, ..] | [0x53 | 0x55..=0x57, 0x53 | 0x55..=0x57 | 0x83 | 0x89, ..])
    })
}

fn x86_64_start(octets: &[u8], at: usize) -> bool {
    // endbr64; push rbp; mov rbp, rsp; sub rsp, n; pushes of r12 to r15
    octets.get(at..).is_some_and(|rest| {
        matches!(
            rest,
            [0xf3, 0x0f, 0x1e, 0xfa, ..]
                | [0x55, 0x48, ..]
                | [0x48, 0x83, 0xec, ..]
                | [0x41, 0x54..=0x57, ..]
                | [0x53 | 0x55, 0x41 | 0x48, ..]
        )
    })
}

/// CALL rel32 with an operand-size prefix, and CALL rel16.
fn x86_16_call(octets: &[u8], at: usize) -> Option<i64> {
    match octets.get(at..)? {
        [0x66, 0xe8, ..] => from(at, signed(le32(octets, at + 2)?, 32) + 6),
        // The distance of a 32-bit call would end in zeros or ones.
        [0xe8, _, _, _, 1..=0xfe, ..] => from(at, signed(u32::from(le16(octets, at + 1)?), 16) + 3),
        _ => None,
    }
}

fn x86_16_start(octets: &[u8], at: usize) -> bool {
    // pushes of 32-bit registers
    octets.get(at..).is_some_and(|rest| matches!(rest, [0x66, 0x53 | 0x55..=0x57, 0x66, ..]))
}

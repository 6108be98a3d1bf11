//! The writing half, for generators: ops are appended to anything that can be extended with octets.
use super::{DIFFERENCES_MAX, UNCHANGED_MAX, code};
use crate::limits::REPEAT_MAX;

/// Appends a literal; an empty one is nothing.
pub fn put_literal(out: &mut impl Extend<u8>, octets: &[u8]) {
    if put_op(out, code::LITERAL, octets.len()) {
        out.extend(octets.iter().copied());
    }
}

/// Appends a fill of `len` octets `value`; an empty one is nothing.
pub fn put_fill(out: &mut impl Extend<u8>, len: usize, value: u8) {
    if put_op(out, code::FILL, len) {
        out.extend([value]);
    }
}

/// Appends a copy of `len` octets from `distance` behind the expected source; an empty one is nothing.
pub fn put_copy(out: &mut impl Extend<u8>, len: usize, distance: i32) {
    if put_op(out, code::COPY, len) {
        put_signed(out, distance);
    }
}

/// Appends a copy from `distance` behind the expected source, to whose octets `differences` are added, as many as it
/// copies; without a difference it is a plain copy.
pub fn put_differ(out: &mut impl Extend<u8>, differences: &[u8], distance: i32) {
    if differences.iter().all(|d| *d == 0) {
        return put_copy(out, differences.len(), distance);
    }
    put_op(out, code::DIFFER, differences.len());
    put_signed(out, distance);
    let mut rest = differences;
    let mut last: &[u8] = &[];
    while !rest.is_empty() {
        let unchanged = rest.iter().take_while(|d| **d == 0).count();
        let (_, changed) = rest.split_at_checked(unchanged).unwrap_or_default();
        let (run, behind) = changed.split_at_checked(run_len(changed)).unwrap_or_default();
        // a repeated run may end in the middle of the differences that are there
        let repeated = !last.is_empty() && changed.starts_with(last);
        if repeated || run.is_empty() {
            put_run(out, unchanged, 0);
            rest = changed.get(last.len().min(changed.len())..).unwrap_or_default();
        } else {
            put_run(out, unchanged, run.len());
            out.extend(run.iter().copied());
            last = if run.len() <= REPEAT_MAX { run } else { &[] };
            rest = behind;
        }
    }
}

/// How many octets a run of differences takes: up to the next place with two unchanged octets, which pay for a new run.
fn run_len(changed: &[u8]) -> usize {
    let end = changed.windows(2).position(|pair| pair == [0, 0]).unwrap_or(changed.len());
    let run = changed.get(..end).unwrap_or_default();
    run.iter().rposition(|d| *d != 0).map_or(0, |last| last.saturating_add(1))
}

fn put_run(out: &mut impl Extend<u8>, unchanged: usize, differences: usize) {
    let few = |n: usize, max: u8| u8::try_from(n).map_or(max, |n| n.min(max));
    let (u, c) = (few(unchanged, UNCHANGED_MAX), few(differences, DIFFERENCES_MAX));
    out.extend([u << 3 | c]);
    if u == UNCHANGED_MAX {
        put_varint(out, unchanged.saturating_sub(usize::from(u)));
    }
    if c == DIFFERENCES_MAX {
        put_varint(out, differences.saturating_sub(usize::from(c)));
    }
}

fn put_op(out: &mut impl Extend<u8>, code: u32, len: usize) -> bool {
    let Some(count) = len.checked_sub(1) else { return false };
    put_varint(out, count << 2 | usize::try_from(code).unwrap_or_default());
    true
}

fn put_signed(out: &mut impl Extend<u8>, value: i32) {
    let zigzag = (value << 1 ^ value >> 31).cast_unsigned();
    put_varint(out, usize::try_from(zigzag).unwrap_or_default());
}

fn put_varint(out: &mut impl Extend<u8>, value: usize) {
    let mut rest = value;
    loop {
        let [low, ..] = rest.to_le_bytes();
        rest >>= 7;
        if rest == 0 {
            return out.extend([low & 0x7F]);
        }
        out.extend([low | 0x80]);
    }
}

//! How alike octets look: a naive Bayes classifier that learns from the image itself.
//!
//! Calls tell surely where some of the code is, and where far and wide none is. What lies between is told apart by how often
//! each octet follows which, at even and at odd places. All numbers are integers, so that every machine finds the same.

use super::path::WINDOW;

/// A context is the parity of the place and the three high bits of the octet before.
const CONTEXTS: usize = 16;
/// How much the expectation counts, in octets, against what was seen.
const PRIOR: u64 = 64;
/// Logarithms are in units of 1/16 bit.
const BIT: i32 = 16;

/// How often each octet was seen in each context.
pub(super) struct Texture {
    seen: Vec<[u32; 256]>,
    expected: [u32; 256],
}

impl Texture {
    /// Code, before any was seen: all octets alike.
    pub(super) fn code() -> Self {
        Self { seen: vec![[0; 256]; CONTEXTS], expected: [1; 256] }
    }

    /// Data, before any was seen: text, small numbers, fill.
    pub(super) fn data() -> Self {
        let mut expected = [1; 256];
        for (octet, times) in (0..=0xff_u8).zip(&mut expected) {
            *times = match octet {
                0 => 64,
                0xff => 16,
                1..=8 => 4,
                b' ' | b'a'..=b'z' => 8,
                b'!'..=b'~' => 3,
                _ => 1,
            };
        }
        Self { seen: vec![[0; 256]; CONTEXTS], expected }
    }

    /// Learns from a window.
    pub(super) fn learn(&mut self, octets: &[u8], window: usize) {
        for (context, octet) in tokens(octets, window) {
            if let Some(times) = self.seen.get_mut(context).and_then(|seen| seen.get_mut(usize::from(octet)))
            {
                *times = times.saturating_add(1);
            }
        }
    }

    /// How surprising each octet is in each context, in 1/16 bit.
    fn costs(&self) -> Vec<[i32; 256]> {
        let expected: u64 = self.expected.iter().map(|times| u64::from(*times)).sum();
        let cost = |seen: &[u32; 256]| {
            let total = log((seen.iter().map(|times| u64::from(*times)).sum::<u64>() + PRIOR) * expected);
            let mut costs = [0; 256];
            for ((cost, times), prior) in costs.iter_mut().zip(seen).zip(&self.expected) {
                *cost = total - log(u64::from(*times) * expected + PRIOR * u64::from(*prior));
            }
            costs
        };
        self.seen.iter().map(cost).collect()
    }
}

/// How a window looks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Look {
    /// By how many bits it looks more like code than like data.
    pub(super) bits: i32,
    /// By how many bits it looks more like code than like packed octets, which are all alike.
    pub(super) above_packed: i32,
    /// How many octets tell.
    pub(super) octets: i32,
}

/// How every window looks, as `code` and as `data`.
pub(super) fn compare(octets: &[u8], code: &Texture, data: &Texture) -> Vec<Look> {
    let (code, data) = (code.costs(), data.costs());
    let look = |window| {
        let mut look = Look::default();
        let (mut as_code, mut as_data) = (0, 0);
        for (context, octet) in tokens(octets, window) {
            let cost = |costs: &[[i32; 256]]| {
                costs.get(context).and_then(|costs| costs.get(usize::from(octet))).copied()
            };
            as_code += cost(&code).unwrap_or_default();
            as_data += cost(&data).unwrap_or_default();
            look.octets += 1;
        }
        let as_packed = look.octets * 8 * BIT;
        Look { bits: (as_data - as_code) / BIT, above_packed: (as_packed - as_code) / BIT, ..look }
    };
    (0..octets.len().div_ceil(WINDOW)).map(look).collect()
}

/// The octets of a window with their contexts; fill has no texture.
fn tokens(octets: &[u8], window: usize) -> impl Iterator<Item = (usize, u8)> {
    let start = window * WINDOW;
    let here = octets.get(start..).unwrap_or_default();
    let first = start.checked_sub(1).and_then(|before| octets.get(before)).copied().unwrap_or_default();
    let before = std::iter::once(first).chain(here.iter().copied());
    let tokens = here.iter().zip(before).take(WINDOW).enumerate();
    tokens.filter_map(|(at, (octet, before))| {
        let fill = *octet == before && matches!(octet, 0 | 0xff);
        (!fill).then_some((at % 2 * 8 + usize::from(before >> 5), *octet))
    })
}

/// The logarithm to the base 2 in 1/16 bit, straight between the powers of two.
fn log(number: u64) -> i32 {
    let number = number.max(1);
    let whole = number.ilog2();
    let over = number ^ 1 << whole;
    let part = if whole < 4 { over << (4 - whole) } else { over >> (whole - 4) };
    whole.cast_signed() * BIT + i32::try_from(part).unwrap_or(BIT)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn logarithms() {
        assert_eq!([log(0), log(1), log(2), log(3), log(4), log(u64::MAX)], [0, 0, 16, 24, 32, 64 * 16 - 1]);
    }

    #[test]
    fn learned_octets_are_told_apart() {
        let one: Vec<u8> = (0..16 * WINDOW).map(|at| [0x10, 0xb5, 0x04, 0x46][at % 4]).collect();
        let other: Vec<u8> = b"some words of text ".iter().copied().cycle().take(16 * WINDOW).collect();
        let (mut code, mut data) = (Texture::code(), Texture::data());
        for window in 0..8 {
            code.learn(&one, window);
            data.learn(&other, window);
        }
        assert!(compare(&one, &code, &data).iter().all(|look| look.bits > 300));
        assert!(compare(&other, &code, &data).iter().all(|look| look.bits < -300));
        assert_eq!(compare(&[0; 1000], &code, &data)[1..], [Look::default(); 3]);
        assert_eq!(compare(&[], &code, &data), []);
    }
}

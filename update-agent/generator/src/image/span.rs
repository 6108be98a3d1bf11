use kedge_delta::arch::Arch;
use std::ops::Range;

/// A part of an image, as its container describes it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Span {
    /// Its octets in the image.
    pub(super) range: Range<usize>,
    /// The address of its first octet; `None` if the container does not tell.
    pub(super) address: Option<u64>,
    pub(super) content: Content,
}

/// What a part of an image holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Content {
    /// This and nothing else.
    Known(Arch),
    /// Code of one or more of these architectures, and data.
    Mixed(&'static [Arch]),
}

/// All that has instructions.
pub(super) const ANY: &[Arch] = &[
    Arch::Thumb,
    Arch::Arm,
    Arch::AArch64,
    Arch::RiscV,
    Arch::Xtensa,
    Arch::X86,
    Arch::X86_64,
    Arch::X86_16,
];

/// Whether it has instructions.
pub(super) fn is_code(arch: Arch) -> bool {
    ANY.contains(&arch)
}

/// The same architecture as a list.
pub(super) fn only(arch: Arch) -> &'static [Arch] {
    ANY.iter().position(|one| *one == arch).and_then(|at| ANY.get(at..=at)).unwrap_or_default()
}

impl Span {
    pub(super) fn data(range: Range<usize>) -> Self {
        Self { range, address: None, content: Content::Known(Arch::Data) }
    }

    pub(super) fn mixed(range: Range<usize>, address: Option<u64>, among: &'static [Arch]) -> Self {
        Self { range, address, content: Content::Mixed(among) }
    }
}

/// Puts spans in order, takes away what overlaps or passes the end, and fills the gaps with what `gap` makes of them, so that
/// the whole image is covered.
pub(super) fn cover(mut spans: Vec<Span>, len: usize, gap: impl Fn(Range<usize>) -> Span) -> Vec<Span> {
    spans.sort_by_key(|span| (span.range.start, span.range.end));
    let mut all = Vec::with_capacity(2 * spans.len() + 1);
    let mut at = 0;
    for mut span in spans {
        span.range.end = span.range.end.min(len);
        if span.range.start < at {
            let cut = at - span.range.start;
            span.address = span.address.map(|address| address.wrapping_add(cut as u64));
            span.range.start = at;
        }
        if span.range.is_empty() {
            continue;
        }
        if span.range.start > at {
            all.push(gap(at..span.range.start));
        }
        at = span.range.end;
        all.push(span);
    }
    if at < len {
        all.push(gap(at..len));
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_cover_the_image_once() {
        let known =
            |range, address| Span { range, address: Some(address), content: Content::Known(Arch::Thumb) };
        let all = cover(
            vec![known(40..90, 40), known(10..30, 10), known(20..50, 20), known(95..200, 95)],
            100,
            Span::data,
        );
        let ranges: Vec<_> = all.iter().map(|span| (span.range.clone(), span.address)).collect();
        assert_eq!(
            ranges,
            [
                (0..10, None),
                (10..30, Some(10)),
                (30..50, Some(30)),
                (50..90, Some(50)),
                (90..95, None),
                (95..100, Some(95))
            ]
        );
        assert_eq!(cover(vec![], 5, Span::data), [Span::data(0..5)]);
        assert_eq!(cover(vec![known(7..9, 0)], 5, Span::data), [Span::data(0..5)]);
    }

    #[test]
    fn a_list_of_one() {
        assert_eq!(only(Arch::Xtensa), [Arch::Xtensa]);
        assert_eq!(only(Arch::Data), []);
    }
}

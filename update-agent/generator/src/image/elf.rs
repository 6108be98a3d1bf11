//! ELF files: sections where there are any, else segments; and the mapping symbols of ARM (AAELF32 §5.5.5).
//!
//! The file is updated as it is, not what it would become in memory: its octets keep their places, and each stands at the
//! address that its segment gives it.

use super::{
    calls::calls,
    path,
    span::{Content, Span, cover, is_code, only},
};
use kedge_delta::arch::Arch;
use object::{
    Architecture, File, Object, ObjectKind, ObjectSection, ObjectSegment, ObjectSymbol, Section,
    SectionFlags, SectionKind, SegmentFlags,
};
use std::ops::Range;

const MAGIC: &[u8] = b"\x7fELF";
/// SHF_ALLOC: a section that has a place in memory.
const ALLOCATED: u64 = 2;
/// PF_X: a segment that is run.
const EXECUTABLE: u32 = 1;

/// What has no place in memory gets addresses that nothing leads to: right behind the last segment stand variables.
const ELSEWHERE: u64 = 0xf000_0000;

/// The parts of an ELF file.
pub(super) fn spans(octets: &[u8]) -> Option<Vec<Span>> {
    if !octets.starts_with(MAGIC) {
        return None;
    }
    let file = File::parse(octets).ok()?;
    let elf = Elf { code: code(&file), data: if file.is_64() { Arch::Data64 } else { Arch::Data }, file };
    let mut spans = elf.sections(octets.len());
    if !spans.iter().any(|span| matches!(span.content, Content::Known(arch) if is_code(arch))) {
        spans = elf.segments();
    }
    let gap = |range: Range<usize>| Span {
        address: elf.address(range.start),
        content: Content::Known(elf.data),
        range,
    };
    Some(cover(spans, octets.len(), gap))
}

/// The addresses of the variables without a value, which stand behind a segment: the start and the length.
pub(super) fn variables(octets: &[u8]) -> Option<(u32, u32)> {
    let file = File::parse(octets).ok().filter(|_| octets.starts_with(MAGIC))?;
    let segments = file.segments().map(|segment| {
        let in_file = segment.file_range().1;
        (segment.address().wrapping_add(in_file), segment.size().saturating_sub(in_file))
    });
    let (start, len) = segments.max_by_key(|(_, len)| *len).filter(|(_, len)| *len > 0)?;
    Some((u32::try_from(start & 0xffff_ffff).ok()?, u32::try_from(len).ok()?))
}

struct Elf<'a> {
    file: File<'a>,
    /// What an executable section holds.
    code: Content,
    /// What the others hold.
    data: Arch,
}

impl Elf<'_> {
    fn sections(&self, len: usize) -> Vec<Span> {
        let mapping = self.mapping_symbols();
        // All sections of an object file start at 0.
        let relocatable = self.file.kind() == ObjectKind::Relocatable;
        let mut spans = Vec::new();
        for section in self.file.sections() {
            let Some((start, size)) = section.file_range() else { continue };
            let Some(range) = range(start, size) else { continue };
            let allocated =
                matches!(section.flags(), SectionFlags::Elf { sh_flags, .. } if sh_flags.0 & ALLOCATED != 0);
            let place = if relocatable { range.start as u64 } else { section.address() };
            let address = allocated.then_some(place);
            if section.kind() != SectionKind::Text {
                let address = address.unwrap_or(ELSEWHERE + range.start as u64);
                let content = Content::Known(words(&section).unwrap_or(self.data));
                spans.push(Span { range, address: Some(address), content });
            } else if range.end <= len {
                spans.extend(self.text(range, place, &mapping));
            }
        }
        spans
    }

    fn text(&self, range: Range<usize>, address: u64, mapping: &[(u64, Arch)]) -> Vec<Span> {
        let whole = Span { range: range.clone(), address: Some(address), content: self.code };
        let Some(scores) = scores(address, range.len(), mapping) else { return vec![whole] };
        let runs = path::runs(&scores, MAPPING_PENALTY);
        let place = |window: usize| (window * path::WINDOW).min(range.len());
        let part = |(windows, state): &(Range<usize>, usize)| Span {
            range: range.start + place(windows.start)..range.start + place(windows.end),
            address: Some(address + place(windows.start) as u64),
            content: Content::Known(STATES.get(*state).copied().unwrap_or(Arch::Data)),
        };
        runs.iter().map(part).collect()
    }

    fn segments(&self) -> Vec<Span> {
        let mut spans = Vec::new();
        for segment in self.file.segments() {
            let (start, size) = segment.file_range();
            let Some(range) = range(start, size) else { continue };
            let executable =
                matches!(segment.flags(), SegmentFlags::Elf { p_flags, .. } if p_flags.0 & EXECUTABLE != 0);
            let content = match self.code {
                Content::Known(arch) if executable && arch != self.data => Content::Mixed(only(arch)),
                code if executable => code,
                _ => Content::Known(self.data),
            };
            spans.push(Span { range, address: Some(segment.address()), content });
        }
        spans
    }

    /// The address of a place in the file.
    fn address(&self, at: usize) -> Option<u64> {
        self.file.segments().find_map(|segment| {
            let (start, size) = segment.file_range();
            range(start, size)?.contains(&at).then(|| segment.address().wrapping_add(at as u64 - start))
        })
    }

    /// Where ARM code changes its kind, in the order of addresses.
    fn mapping_symbols(&self) -> Vec<(u64, Arch)> {
        if self.file.architecture() != Architecture::Arm {
            return Vec::new();
        }
        let kind = |name: &str| match name.split('.').next() {
            Some("$t") => Some(Arch::Thumb),
            Some("$a") => Some(Arch::Arm),
            Some("$d") => Some(Arch::Data),
            _ => None,
        };
        let symbol = |symbol: object::Symbol<'_, '_>| Some((symbol.address(), kind(symbol.name().ok()?)?));
        let mut symbols: Vec<_> = self.file.symbols().filter_map(symbol).collect();
        symbols.sort_unstable();
        symbols
    }
}

/// Code for ARM is of one kind or the other; mostly all of a file is the same.
fn thumb_or_arm(file: &File<'_>) -> Content {
    let text =
        file.sections().filter(|section| section.kind() == SectionKind::Text).max_by_key(ObjectSection::size);
    let Some(text) = text.and_then(|text| text.data().ok()) else {
        return Content::Mixed(&[Arch::Thumb, Arch::Arm]);
    };
    let [thumb, arm] = [Arch::Thumb, Arch::Arm].map(|arch| calls(text, arch).sites.len());
    Content::Known(if thumb >= arm { Arch::Thumb } else { Arch::Arm })
}

/// What mapping symbols tell apart.
const STATES: [Arch; 3] = [Arch::Data, Arch::Thumb, Arch::Arm];
/// Octets that a part has to have beyond its share of the other kind: literal pools are not parts of their own.
const MAPPING_PENALTY: i32 = 1024;

/// How many octets of each window are of each of [`STATES`]; nothing if no symbol tells.
fn scores(address: u64, len: usize, mapping: &[(u64, Arch)]) -> Option<Vec<Vec<i32>>> {
    let end = address.checked_add(len as u64)?;
    let inside = |(from, _): &&(u64, Arch)| (address..end).contains(from);
    let marks: Vec<_> = mapping.iter().filter(inside).collect();
    let mut scores = vec![vec![0; len.div_ceil(path::WINDOW)]; STATES.len()];
    for (number, (from, arch)) in marks.iter().enumerate() {
        let until = marks.get(number + 1).map_or(end, |(next, _)| *next);
        let state = STATES.iter().position(|state| state == arch)?;
        let mut at = usize::try_from(from - address).ok()?;
        let until = usize::try_from(until - address).ok()?;
        while at < until {
            let window = at / path::WINDOW;
            let next = ((window + 1) * path::WINDOW).min(until);
            *scores.get_mut(state)?.get_mut(window)? += i32::try_from(next - at).ok()?;
            at = next;
        }
    }
    (!marks.is_empty()).then_some(scores)
}

/// What sections hold whose words are distances (Linux Standard Base, core specification §10.6).
fn words(section: &Section<'_, '_>) -> Option<Arch> {
    match section.name() {
        Ok(".eh_frame_hdr") => Some(Arch::Offsets),
        Ok(".eh_frame") => Some(Arch::Relative),
        _ => None,
    }
}

fn range(start: u64, size: u64) -> Option<Range<usize>> {
    Some(usize::try_from(start).ok()?..usize::try_from(start.checked_add(size)?).ok()?)
}

fn code(file: &File<'_>) -> Content {
    if !file.is_little_endian() {
        return Content::Known(Arch::Data);
    }
    match file.architecture() {
        Architecture::Arm => thumb_or_arm(file),
        Architecture::Aarch64 | Architecture::Aarch64_Ilp32 => Content::Known(Arch::AArch64),
        Architecture::I386 => Content::Known(Arch::X86),
        Architecture::X86_64 | Architecture::X86_64_X32 => Content::Known(Arch::X86_64),
        Architecture::Riscv32 | Architecture::Riscv64 => Content::Known(Arch::RiscV),
        Architecture::Xtensa => Content::Known(Arch::Xtensa),
        _ if file.is_64() => Content::Known(Arch::Data64),
        _ => Content::Known(Arch::Data),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: usize = 0x54;
    const TEXT_LEN: usize = 0x1800;
    const DATA_LEN: usize = 0x400;

    /// A file with one segment (code, then data, then variables), with or without sections, and the symbols of `marks`.
    fn file(machine: u16, sections: bool, marks: &[(u32, &str)]) -> Vec<u8> {
        let half = |value: usize| u16::try_from(value).unwrap().to_le_bytes();
        let word = |value: usize| u32::try_from(value).unwrap().to_le_bytes();
        let words = |values: &[usize]| values.iter().flat_map(|value| word(*value)).collect::<Vec<u8>>();
        let mut names = b"\0".to_vec();
        let mut symbols = vec![0; 16];
        for (address, name) in marks {
            symbols.extend(words(&[names.len(), usize::try_from(*address).unwrap(), 0]));
            symbols.extend([0, 0, 1, 0]);
            names.extend(name.bytes().chain([0]));
        }
        let data = TEXT + TEXT_LEN;
        let symbols_at = data + DATA_LEN;
        let names_at = symbols_at + symbols.len();
        let table = (names_at + names.len()).next_multiple_of(4);

        let mut file = b"\x7fELF\x01\x01\x01\0\0\0\0\0\0\0\0\0\x02\0".to_vec();
        file.extend(machine.to_le_bytes());
        file.extend(words(&[1, 0, 52, if sections { table } else { 0 }, 0]));
        let counts = if sections { [52, 32, 1, 40, 5, 4] } else { [52, 32, 1, 0, 0, 0] };
        file.extend(counts.into_iter().flat_map(half));
        let len = TEXT_LEN + DATA_LEN;
        file.extend(words(&[1, TEXT, 0x0800_0054, 0x0800_0054, len, len + 0x2000, 7, 4]));
        file.extend([0x5a; TEXT_LEN]);
        file.extend([0x01; DATA_LEN]);
        file.extend(symbols);
        file.extend(names);
        file.resize(table, 0);
        if sections {
            file.extend([0; 40]);
            let alloc_run = 6;
            file.extend(words(&[0, 1, alloc_run, 0x0800_0054, TEXT, TEXT_LEN, 0, 0, 4, 0]));
            file.extend(words(&[0, 1, 3, 0x0800_0054 + TEXT_LEN, data, DATA_LEN, 0, 0, 4, 0]));
            file.extend(words(&[0, 2, 0, 0, symbols_at, names_at - symbols_at, 4, 1, 4, 16]));
            file.extend(words(&[0, 3, 0, 0, names_at, table - names_at, 0, 0, 1, 0]));
        }
        file
    }

    fn parts(file: &[u8]) -> Vec<(usize, Option<u64>, Content)> {
        let all = spans(file).unwrap();
        assert_eq!(all.iter().map(|span| span.range.len()).sum::<usize>(), file.len());
        all.into_iter().map(|span| (span.range.start, span.address, span.content)).collect()
    }

    #[test]
    fn sections_tell_code_and_addresses() {
        let parts = parts(&file(243, true, &[]));
        assert_eq!(
            parts[..2],
            [(0, None, Content::Known(Arch::Data)), (TEXT, Some(0x0800_0054), Content::Known(Arch::RiscV)),]
        );
        assert_eq!(
            parts[2],
            (TEXT + TEXT_LEN, Some(0x0800_0054 + TEXT_LEN as u64), Content::Known(Arch::Data))
        );
        let symbols = TEXT + TEXT_LEN + DATA_LEN;
        assert_eq!(parts[3], (symbols, Some(ELSEWHERE + symbols as u64), Content::Known(Arch::Data)));
    }

    #[test]
    fn mapping_symbols_tell_arm_from_thumb_but_small_pools_are_not_parts() {
        let start = 0x0800_0054;
        let marks = [(start, "$t"), (start + 0x400, "$d"), (start + 0x420, "$t.1"), (start + 0xc00, "$a")];
        let parts = parts(&file(40, true, &marks));
        let code = &parts[1..3];
        assert_eq!(code[0], (TEXT, Some(u64::from(start)), Content::Known(Arch::Thumb)));
        assert_eq!(code[1], (TEXT + 0xc00, Some(u64::from(start) + 0xc00), Content::Known(Arch::Arm)));
    }

    #[test]
    fn without_sections_the_segments_tell() {
        let parts = parts(&file(94, false, &[]));
        let code = Content::Mixed(only(Arch::Xtensa));
        assert_eq!(parts[1], (TEXT, Some(0x0800_0054), code));
        assert_eq!(parts.len(), 3);
    }

    #[test]
    fn variables_stand_behind_the_segment() {
        let len = u32::try_from(TEXT_LEN + DATA_LEN).unwrap();
        assert_eq!(variables(&file(40, true, &[])), Some((0x0800_0054 + len, 0x2000)));
        assert_eq!(variables(b"\x7fELF"), None);
        assert_eq!(spans(b"no ELF"), None);
    }

    #[test]
    fn other_machines_are_data() {
        let parts = parts(&file(8, true, &[]));
        assert!(parts.iter().all(|(_, _, content)| *content == Content::Known(Arch::Data)));
    }
}

//! What a linked program tells of itself: functions, who refers to whom, stack frames, memory.
//!
//! Needs `--emit-relocs` (references) and `-Z emit-stack-sizes` (frames). Limits: a frame is known only for functions
//! compiled with that flag, and a jump through a register in a function that owns a jump table is taken for a `match`.

use anyhow::{Context, Result, anyhow};
use object::elf::{
    PT_LOAD, R_RISCV_CALL, R_RISCV_CALL_PLT, R_RISCV_JAL, R_RISCV_RVC_JUMP, SHF_ALLOC, SHF_WRITE,
    SHT_ARM_EXIDX, SHT_NOBITS,
};
use object::elf::{R_ARM_THM_JUMP19, R_ARM_THM_JUMP24, R_ARM_THM_PC9, R_ARM_THM_PC11, R_ARM_THM_PC22};
use object::read::elf::{ElfFile32, ProgramHeader, SectionHeader};
use object::{
    Architecture, Object, ObjectSection, ObjectSymbol, RelocationFlags, RelocationTarget, SymbolKind,
};
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

/// A function of the program.
#[derive(Debug)]
pub(crate) struct Function {
    /// Its name as a person writes it.
    pub(crate) name: String,
    /// Its address.
    pub(crate) address: u64,
    /// Octets of code.
    pub(crate) size: u64,
    /// Octets of stack, if recorded.
    pub(crate) frame: Option<u64>,
    /// What it calls or jumps to by name.
    pub(crate) calls: Vec<Call>,
    /// Whether it calls through a pointer.
    pub(crate) calls_pointers: bool,
}

/// A place where one function calls another.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Call {
    /// The address of the instruction.
    pub(crate) site: u64,
    /// Index into [`Program::functions`].
    pub(crate) callee: usize,
}

/// A linked program.
#[derive(Debug)]
pub(crate) struct Program {
    /// By address.
    pub(crate) functions: Vec<Function>,
    /// Functions whose address is stored or passed somewhere.
    pub(crate) address_taken: BTreeSet<usize>,
    /// Octets in flash: code, constants, initial values.
    pub(crate) flash: u64,
    /// Octets in RAM that are there all the time.
    pub(crate) ram: u64,
    /// Octets of what is in both: initial values that are not zeros.
    pub(crate) initial: u64,
}

impl Program {
    /// Reads a program from its file.
    pub(crate) fn load(path: &Path) -> Result<Self> {
        let data = std::fs::read(path).with_context(|| format!("{}", path.display()))?;
        let file = ElfFile32::parse(&*data).context("not a 32-bit ELF file")?;
        let (flash, ram, initial) = memory(&file);
        let frames = stack_frames(&file)?;
        let mut program = Self {
            functions: functions(&file, &frames),
            address_taken: BTreeSet::new(),
            flash,
            ram,
            initial,
        };
        let jump_tables = program.read_references(&file)?;
        program.find_pointer_calls(&file, &jump_tables)?;
        Ok(program)
    }

    /// The function that begins with the symbol `symbol`, as it stands in the file or demangled.
    pub(crate) fn find(&self, name: &str) -> Option<usize> {
        self.functions.iter().position(|function| function.name == name)
    }

    fn containing(&self, address: u64) -> Option<usize> {
        let next = self.functions.partition_point(|function| function.address <= address);
        let index = next.checked_sub(1)?;
        let function = self.functions.get(index)?;
        (address < function.address + function.size.max(1)).then_some(index)
    }

    /// Fills `calls` and `address_taken`; returns the functions that own a jump table.
    fn read_references(&mut self, file: &ElfFile32<'_>) -> Result<BTreeSet<usize>> {
        let mut jump_tables = BTreeSet::new();
        for section in file.sections() {
            let header = section.elf_section_header();
            let endian = file.endian();
            if (header.sh_flags(endian) & SHF_ALLOC).0 == 0 || header.sh_type(endian) == SHT_ARM_EXIDX {
                continue;
            }
            for (site, relocation) in section.relocations() {
                let RelocationTarget::Symbol(symbol) = relocation.target() else { continue };
                let symbol = file.symbol_by_index(symbol)?;
                let target = symbol.address() & !1;
                let user = self.containing(site);
                if symbol.kind() != SymbolKind::Text {
                    if user.is_none() {
                        jump_tables.extend(self.containing(target));
                    }
                    continue;
                }
                let Some(callee) = self.containing(target) else { continue };
                match user {
                    Some(user) if is_call(relocation.flags()) => {
                        self.functions[user].calls.push(Call { site, callee });
                    }
                    _ => _ = self.address_taken.insert(callee),
                }
            }
        }
        Ok(jump_tables)
    }

    fn find_pointer_calls(&mut self, file: &ElfFile32<'_>, jump_tables: &BTreeSet<usize>) -> Result<()> {
        let marks = data_marks(file);
        for section in file.sections().filter(|section| section.kind() == object::SectionKind::Text) {
            let code = section.data()?;
            for (index, function) in self.functions.iter_mut().enumerate() {
                let Some(start) = function.address.checked_sub(section.address()) else { continue };
                let Some(body) = span(code, start, function.size) else { continue };
                let jumps_are_matches = jump_tables.contains(&index);
                function.calls_pointers = match file.architecture() {
                    Architecture::Arm => thumb_calls_pointers(body, function.address, &marks),
                    _ => riscv_calls_pointers(body, jumps_are_matches),
                };
            }
        }
        Ok(())
    }
}

/// What a program looks like in memory before it starts: the octets of its segments, from the lowest address on.
pub(crate) fn image(path: &Path) -> Result<Vec<u8>> {
    let data = std::fs::read(path).with_context(|| format!("{}", path.display()))?;
    let file = ElfFile32::<object::Endianness>::parse(&*data).context("not a 32-bit ELF file")?;
    let endian = file.endian();
    let mut segments = Vec::new();
    for segment in file.elf_program_headers().iter().filter(|segment| segment.p_type(endian) == PT_LOAD) {
        let octets = segment.data(endian, &*data).map_err(|()| anyhow!("a segment lies outside the file"))?;
        if !octets.is_empty() {
            segments.push((segment.p_paddr(endian), octets));
        }
    }
    segments.sort_unstable_by_key(|&(address, _)| address);
    let start = segments.first().context("the program is empty")?.0;
    let mut image = Vec::new();
    for (address, octets) in segments {
        image.resize(usize::try_from(address - start)?, 0);
        image.extend_from_slice(octets);
    }
    Ok(image)
}

fn span(code: &[u8], start: u64, len: u64) -> Option<&[u8]> {
    code.get(usize::try_from(start).ok()?..)?.get(..usize::try_from(len).ok()?)
}

/// Octets of flash, of RAM, and of what is in both.
fn memory(file: &ElfFile32<'_>) -> (u64, u64, u64) {
    let endian = file.endian();
    let (mut flash, mut ram, mut initial) = (0, 0, 0);
    for section in file.sections() {
        let header = section.elf_section_header();
        if (header.sh_flags(endian) & SHF_ALLOC).0 == 0 {
            continue;
        }
        let size = u64::from(header.sh_size(endian));
        let (stored, writable) =
            (header.sh_type(endian) != SHT_NOBITS, (header.sh_flags(endian) & SHF_WRITE).0 != 0);
        flash += if stored { size } else { 0 };
        ram += if writable { size } else { 0 };
        initial += if stored && writable { size } else { 0 };
    }
    (flash, ram, initial)
}

fn functions(file: &ElfFile32<'_>, frames: &BTreeMap<u64, u64>) -> Vec<Function> {
    let mut by_address = BTreeMap::new();
    for symbol in file.symbols().filter(|symbol| symbol.kind() == SymbolKind::Text && symbol.is_definition())
    {
        let address = symbol.address() & !1; // the lowest bit says Thumb
        let function = by_address.entry(address).or_insert_with(|| Function {
            name: format!("{:#}", rustc_demangle::demangle(symbol.name().unwrap_or("?"))),
            address,
            size: 0,
            frame: frames.get(&address).copied(),
            calls: Vec::new(),
            calls_pointers: false,
        });
        function.size = function.size.max(symbol.size());
    }
    by_address.into_values().collect()
}

/// Section `.stack_sizes`: address (4 octets) and frame (unsigned LEB128), repeated.
fn stack_frames(file: &ElfFile32<'_>) -> Result<BTreeMap<u64, u64>> {
    let mut frames = BTreeMap::new();
    for section in file.sections().filter(|section| section.name() == Ok(".stack_sizes")) {
        let mut rest = section.data()?;
        while let Some((address, tail)) = rest.split_first_chunk::<4>() {
            let (frame, tail) = leb128(tail);
            frames.insert(u64::from(u32::from_le_bytes(*address)) & !1, frame);
            rest = tail;
        }
    }
    Ok(frames)
}

fn leb128(bytes: &[u8]) -> (u64, &[u8]) {
    let mut value = 0;
    for (index, &octet) in bytes.iter().enumerate() {
        value |= u64::from(octet & 0x7F) << (7 * index);
        if octet & 0x80 == 0 {
            return (value, &bytes[index + 1..]);
        }
    }
    (value, &[])
}

fn is_call(flags: RelocationFlags) -> bool {
    let RelocationFlags::Elf { r_type } = flags else { return false };
    // the two processors' numbers overlap only where both mean something else than a stored address
    let riscv = [R_RISCV_CALL, R_RISCV_CALL_PLT, R_RISCV_JAL, R_RISCV_RVC_JUMP];
    let arm = [R_ARM_THM_PC22, R_ARM_THM_JUMP24, R_ARM_THM_JUMP19, R_ARM_THM_PC11, R_ARM_THM_PC9];
    riscv.contains(&r_type) || arm.contains(&r_type)
}

/// Addresses where data begins (`true`) or code begins again (`false`) inside Thumb code: the symbols `$d` and `$t`.
fn data_marks(file: &ElfFile32<'_>) -> BTreeMap<u64, bool> {
    let mark = |symbol: object::read::elf::ElfSymbol32<'_, '_>| {
        let name = symbol.name().ok()?;
        let is =
            |mark: &str| name == mark || name.strip_prefix(mark).is_some_and(|rest| rest.starts_with('.'));
        (is("$d") || is("$t")).then(|| (symbol.address() & !1, is("$d")))
    };
    file.symbols().filter_map(mark).collect()
}

/// `blx Rm`, or `bx Rm` for another register than the return address.
fn thumb_calls_pointers(body: &[u8], address: u64, marks: &BTreeMap<u64, bool>) -> bool {
    let mut words =
        body.chunks_exact(2).map(|word| u16::from_le_bytes([word[0], word[1]])).zip((address..).step_by(2));
    while let Some((word, at)) = words.next() {
        if marks.range(..=at).next_back().is_some_and(|(_, data)| *data) {
            continue;
        }
        let register = word >> 3 & 0xF;
        if word & 0xFF87 == 0x4780 || (word & 0xFF87 == 0x4700 && register != 14) {
            return true;
        }
        if word >> 11 >= 0b11101 {
            words.next();
        }
    }
    false
}

/// `jalr` and `jr` through a register that is neither a return address nor was just set by `auipc`.
fn riscv_calls_pointers(body: &[u8], jumps_are_matches: bool) -> bool {
    let mut rest = body;
    let mut auipc = None; // the register an `auipc` has just set
    while let Some((low, tail)) = rest.split_first_chunk::<2>() {
        let low = u16::from_le_bytes(*low);
        rest = tail;
        let (links, register) = if low & 3 == 3 {
            let Some((high, tail)) = rest.split_first_chunk::<2>() else { return false };
            rest = tail;
            let word = u32::from(low) | u32::from(u16::from_le_bytes(*high)) << 16;
            let (opcode, rd, rs1) = (word & 0x7F, word >> 7 & 31, word >> 15 & 31);
            if opcode == 0x17 {
                auipc = Some(rd);
                continue;
            }
            if opcode != 0x67 || auipc == Some(rs1) {
                auipc = None;
                continue;
            }
            (rd != 0, rs1)
        } else {
            let (jump, rs1) = (low & 0xF07F, u32::from(low >> 7 & 31));
            auipc = None;
            if rs1 == 0 || (jump != 0x9002 && jump != 0x8002) {
                continue;
            }
            (jump == 0x9002, rs1)
        };
        let returns = !links && (register == 1 || register == 5);
        if links || !(returns || jumps_are_matches) {
            return true;
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn riscv_pointer_calls_are_told_from_returns_and_far_calls() {
        let ret = [0x82, 0x80];
        let far_call = [0x97, 0, 0, 0, 0xE7, 0x80, 0, 0]; // auipc ra; jalr ra, ra
        let c_jalr_a0 = [0x02, 0x95];
        let c_jr_a0 = [0x02, 0x85];
        let jalr_a0 = [0xE7, 0x00, 0x05, 0x00];
        assert!(!riscv_calls_pointers(&[&far_call[..], &ret].concat(), false));
        assert!(riscv_calls_pointers(&c_jalr_a0, true));
        assert!(riscv_calls_pointers(&jalr_a0, true));
        assert!(riscv_calls_pointers(&c_jr_a0, false));
        assert!(!riscv_calls_pointers(&c_jr_a0, true));
    }

    #[test]
    fn thumb_pointer_calls_are_told_from_returns_and_data() {
        let (bx_lr, blx_r3, bx_r3) = ([0x70, 0x47], [0x98, 0x47], [0x18, 0x47]);
        let none = BTreeMap::new();
        assert!(!thumb_calls_pointers(&bx_lr, 0, &none));
        assert!(thumb_calls_pointers(&blx_r3, 0, &none));
        assert!(thumb_calls_pointers(&bx_r3, 0, &none));
        assert!(!thumb_calls_pointers(&blx_r3, 8, &BTreeMap::from([(8, true)])));
        // the second half of a 32-bit instruction is no instruction
        assert!(!thumb_calls_pointers(&[&[0x00, 0xF8][..], &blx_r3].concat(), 0, &none));
    }

    #[test]
    fn leb128_takes_as_many_octets_as_it_says() {
        assert_eq!(leb128(&[0x90, 0x03, 7]), (400, &[7][..]));
    }
}

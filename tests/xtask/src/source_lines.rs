//! From addresses in a linked program to source lines, functions that were inlined included.
//!
//! Reads the debugging sections as they are: they are linked already, and applying the relocations that
//! `--emit-relocs` keeps would apply them twice.

use addr2line::gimli::{Dwarf, EndianSlice, LittleEndian};
use anyhow::Result;
use object::read::elf::ElfFile32;
use object::{Object, ObjectSection};
use std::path::Path;

/// The source lines of a program.
pub(crate) struct SourceLines<'a>(addr2line::Context<EndianSlice<'a, LittleEndian>>);

impl<'a> SourceLines<'a> {
    /// Reads them from the octets of an ELF file.
    pub(crate) fn read(elf: &'a [u8]) -> Result<Self> {
        let file = ElfFile32::<object::Endianness>::parse(elf)?;
        let dwarf = Dwarf::load(|id| -> Result<_, object::Error> {
            let data = file.section_by_name(id.name()).map(|section| section.data()).transpose()?;
            Ok(EndianSlice::new(data.unwrap_or_default(), LittleEndian))
        })?;
        Ok(Self(addr2line::Context::from_dwarf(dwarf)?))
    }

    /// The line of an address; where the code is the core library's, inlined, also the lines of ours it stands in.
    pub(crate) fn of(&self, address: u64) -> String {
        let mut lines = Vec::new();
        if let Ok(mut frames) = self.0.find_frames(address).skip_all_loads() {
            while let Ok(Some(frame)) = frames.next() {
                let Some(location) = frame.location else { continue };
                let Some(path) = location.file else { continue };
                let file = Path::new(path).file_name().map_or(path.into(), |name| name.to_string_lossy());
                lines.push(format!("{file}:{}", location.line.unwrap_or(0)));
                if !path.contains("library/") {
                    break;
                }
            }
        }
        if lines.is_empty() { format!("{address:#x}") } else { lines.join(" in ") }
    }
}

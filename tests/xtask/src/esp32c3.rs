//! `cargo xtask esp32c3`: the firmware for the ESP32-C3, as files that can be flashed.
//!
//! Builds `hil/esp32c3`, makes the partition table of its CSV file, and has Espressif's esptool make the application image and
//! read it again: what the tool says of it is printed. No chip and no emulator of one is part of this; see
//! `hil/esp32c3/README.md`.

use crate::places;
use crate::target::{Build, Target, Toolchain};
use anyhow::{Context, Result, bail, ensure};
use md5::{Digest, Md5};
use object::elf::SHF_ALLOC;
use object::read::elf::ElfFile32;
use object::{Object, ObjectSection, ObjectSymbol, SectionFlags};
use std::path::{Path, PathBuf};
use std::process::Command;

/// What to build.
#[derive(clap::Args, Debug)]
pub(crate) struct Options {
    /// Install esptool from PyPI below the build folder, if it is not there
    #[arg(long)]
    install: bool,
}

/// The package of the firmware, below the root.
const PACKAGE: &str = "hil/esp32c3";
/// Its partition table.
const TABLE: &str = "hil/esp32c3/partitions.csv";
/// The chip's RAM as data and as instructions: the same octets, seen twice.
const DATA_RAM: std::ops::Range<u64> = 0x3FC8_0000..0x3FCE_0000;
const CODE_RAM: std::ops::Range<u64> = 0x4037_C000..0x403E_0000;
/// The release of the tool.
const ESPTOOL: &str = "esptool==5.3.1";

/// Runs the command.
pub(crate) fn run(options: &Options) -> Result<()> {
    let folder = places::bare_target_dir()?.join("esp32c3");
    std::fs::create_dir_all(&folder)?;
    let csv = std::fs::read_to_string(places::root().join(TABLE)).context(TABLE)?;
    let table = partitions(&csv).context(TABLE)?;
    let slot = table.iter().find(|row| row.name == "ota_0").context("no partition ota_0")?.size;
    std::fs::write(folder.join("partitions.bin"), binary(&table)?)?;

    let build = Build { package: PACKAGE, opt_level: "s", ..Build::default() };
    let elf = match Toolchain::find(Target::Riscv32imc)?.build(&build)? {
        Ok(elf) => elf,
        Err(messages) => bail!("the firmware does not build:\n{messages}"),
    };
    let Memory { used, stack } = memory(&elf)?;
    println!("RAM: {used} octets of data, code and heap; {stack} left for the stack");
    ensure!(stack >= STACK, "{stack} octets of stack are too few, {STACK} are needed");

    let Some(tool) = esptool(options.install)? else {
        println!("no image made: esptool is not installed (pip install {ESPTOOL}, or --install)");
        return Ok(());
    };
    let image = folder.join("kedge-esp32c3.bin");
    let args = ["--flash-mode", "dio", "--flash-freq", "80m", "--flash-size", "4MB", "-o"];
    let mut make = Command::new(&tool);
    make.args(["--chip", "esp32c3", "elf2image"]).args(args).arg(&image).arg(&elf);
    let made = make.output().context("esptool")?;
    ensure!(made.status.success(), "esptool: {}", String::from_utf8_lossy(&made.stderr));
    let octets = std::fs::metadata(&image)?.len();
    println!("image: {octets} octets, {} of a slot's {slot} left", u64::from(slot).saturating_sub(octets));
    ensure!(octets <= u64::from(slot), "the image does not fit a slot");
    println!("{}", image.display());
    let read = Command::new(&tool).args(["--chip", "esp32c3", "image-info"]).arg(&image).status()?;
    ensure!(read.success(), "esptool does not read its own image");
    Ok(())
}

/// The agent's worst stack (`cargo xtask size`), and what TLS and the network take above the calls that lead to them.
const STACK: u64 = 56 * 1024;

/// What the firmware takes of the chip's RAM.
struct Memory {
    used: u64,
    stack: u64,
}

fn memory(elf: &Path) -> Result<Memory> {
    let data = std::fs::read(elf).with_context(|| format!("{}", elf.display()))?;
    let file = ElfFile32::<object::Endianness>::parse(&*data).context("not a 32-bit ELF file")?;
    let symbol = |name: &str| {
        let found = file.symbols().find(|symbol| symbol.name() == Ok(name));
        found.map(|symbol| symbol.address()).with_context(|| format!("no symbol {name}"))
    };
    // it grows downwards: `_stack_start` is its top
    let stack = symbol("_stack_start")?.saturating_sub(symbol("_stack_end")?);
    let sections = file.sections().filter(|section| {
        let alloc =
            matches!(section.flags(), SectionFlags::Elf { sh_flags, .. } if sh_flags.contains(SHF_ALLOC));
        let name = section.name().unwrap_or_default();
        let in_ram = DATA_RAM.contains(&section.address()) || CODE_RAM.contains(&section.address());
        // a place holder: the same octets, seen from the other side
        alloc && in_ram && !name.contains("dummy") && !name.contains("stack")
    });
    Ok(Memory { used: sections.map(|section| section.size()).sum(), stack })
}

/// The tool: on the path, or below the build folder.
fn esptool(install: bool) -> Result<Option<PathBuf>> {
    let own = places::target_dir()?.join("esptool");
    let program = own.join("bin/esptool");
    let there =
        |program: &Path| Command::new(program).arg("version").output().is_ok_and(|o| o.status.success());
    for candidate in [PathBuf::from("esptool"), program.clone()] {
        if there(&candidate) {
            return Ok(Some(candidate));
        }
    }
    if !install {
        return Ok(None);
    }
    let run = |command: &mut Command| -> Result<()> {
        let output = command.output().with_context(|| format!("{}", command.get_program().display()))?;
        ensure!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        Ok(())
    };
    run(Command::new("python3").args(["-m", "venv"]).arg(&own))?;
    run(Command::new(own.join("bin/pip")).args(["install", "--quiet", ESPTOOL]))?;
    ensure!(there(&program), "esptool was installed and does not run");
    Ok(Some(program))
}

/// A row of the partition table.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Partition {
    name: String,
    kind: u8,
    subtype: u8,
    offset: u32,
    size: u32,
}

/// Octets of an entry; of what applications begin at a multiple of; of what everything begins at a multiple of.
const ENTRY: usize = 32;
const APP_ALIGNMENT: u32 = 0x1_0000;
const ALIGNMENT: u32 = 0x1000;
/// Where the first partition may begin: behind boot loader and table.
const FIRST: u32 = 0x9000;
/// The part.
const FLASH: u32 = 4 << 20;

/// Reads the CSV file: names, types and subtypes as ESP-IDF spells them, offsets and sizes as numbers.
fn partitions(csv: &str) -> Result<Vec<Partition>> {
    let mut table: Vec<Partition> = Vec::new();
    for (number, line) in csv.lines().enumerate() {
        let line = line.split('#').next().unwrap_or_default().trim();
        if line.is_empty() {
            continue;
        }
        let row = partition(line).with_context(|| format!("line {}", number + 1))?;
        let from = table.last().map_or(FIRST, |before| before.offset + before.size);
        ensure!(row.offset >= from, "line {}: begins before {from:#x}", number + 1);
        let end = row.offset.checked_add(row.size).filter(|end| *end <= FLASH);
        ensure!(end.is_some() && row.size > 0, "line {}: not in the flash", number + 1);
        table.push(row);
    }
    Ok(table)
}

fn partition(line: &str) -> Result<Partition> {
    let cells: Vec<&str> = line.split(',').map(str::trim).collect();
    let [name, kind, subtype, offset, size] = cells[..] else { bail!("not five cells") };
    let (kind, alignment) = match kind {
        "app" => (0, APP_ALIGNMENT),
        "data" => (1, ALIGNMENT),
        _ => bail!("a type other than app and data"),
    };
    let subtype = match (kind, subtype) {
        (0, "ota_0") => 0x10,
        (0, "ota_1") => 0x11,
        (1, "ota") => 0,
        (1, "phy") => 1,
        (1, "nvs") => 2,
        (_, other) => u8::try_from(number(other)?)?,
    };
    let row =
        Partition { name: name.to_owned(), kind, subtype, offset: number(offset)?, size: number(size)? };
    ensure!(name.len() <= 16 && name.is_ascii(), "a name of more than 16 letters");
    ensure!(row.offset.is_multiple_of(alignment), "does not begin at a multiple of {alignment:#x}");
    ensure!(row.size.is_multiple_of(ALIGNMENT), "is not a multiple of {ALIGNMENT:#x} long");
    Ok(row)
}

fn number(text: &str) -> Result<u32> {
    let parsed = match text.strip_prefix("0x") {
        Some(digits) => u32::from_str_radix(digits, 16),
        None => text.parse(),
    };
    parsed.with_context(|| format!("{text} is no number"))
}

/// The table as it lies in flash: an entry for each partition, one with their MD5, the rest erased.
fn binary(table: &[Partition]) -> Result<Vec<u8>> {
    const LEN: usize = 0xC00;
    let mut octets = Vec::new();
    for row in table {
        octets.extend([0xAA, 0x50, row.kind, row.subtype]);
        octets.extend(row.offset.to_le_bytes());
        octets.extend(row.size.to_le_bytes());
        let mut name = [0; 16];
        name[..row.name.len()].copy_from_slice(row.name.as_bytes());
        octets.extend(name);
        octets.extend([0; 4]);
    }
    let digest = Md5::digest(&octets);
    octets.extend([0xEB, 0xEB]);
    octets.extend([0xFF; 14]);
    octets.extend(digest);
    ensure!(octets.len() + ENTRY <= LEN, "too many partitions");
    octets.resize(LEN, 0xFF);
    Ok(octets)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_firmwares_table_is_one() {
        let csv = std::fs::read_to_string(places::root().join(TABLE)).unwrap();
        let table = partitions(&csv).unwrap();
        let names: Vec<&str> = table.iter().map(|row| row.name.as_str()).collect();
        assert_eq!(names, ["nvs", "otadata", "phy_init", "ota_0", "ota_1", "package", "journal", "store"]);
        let slots: Vec<&Partition> = table.iter().filter(|row| row.kind == 0).collect();
        assert_eq!(slots[0].size, slots[1].size);
        assert_eq!(table[1].size, 0x2000, "otadata is two sectors");
    }

    #[test]
    fn tables_are_written_as_the_boot_loader_reads_them() {
        let table =
            partitions("nvs, data, nvs, 0x9000, 0x6000 # the first\n\nfactory,app,ota_0,0x10000,0x100000")
                .unwrap();
        let octets = binary(&table).unwrap();
        let first = b"\xAA\x50\x01\x02\x00\x90\x00\x00\x00\x60\x00\x00nvs\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0";
        assert_eq!(octets[..ENTRY], first[..]);
        assert_eq!(octets[64..80], *b"\xEB\xEB\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF");
        assert_eq!(octets[80..96], Md5::digest(&octets[..64])[..]);
        assert!(octets.len() == 0xC00 && octets[96..].iter().all(|octet| *octet == 0xFF));
    }

    #[test]
    fn faults_are_told_with_their_line() {
        for (csv, fault) in [
            ("nvs,data,nvs,0x9000", "line 1: not five cells"),
            ("\nnvs,file,nvs,0x9000,0x1000", "line 2: a type other than app and data"),
            ("nvs,data,nvs,0x8000,0x1000", "line 1: begins before 0x9000"),
            ("nvs,data,nvs,0x9000,0x2000\nx,data,phy,0xa000,0x1000", "line 2: begins before 0xb000"),
            ("a,app,ota_0,0x9000,0x1000", "line 1: does not begin at a multiple of 0x10000"),
            ("a,data,0x40,0x9000,0x900", "line 1: is not a multiple of 0x1000 long"),
            ("a,data,0x40,0x9000,4194304", "line 1: not in the flash"),
            ("a,data,best,0x9000,0x1000", "line 1: best is no number"),
        ] {
            let told = format!("{:#}", partitions(csv).unwrap_err());
            assert!(told.starts_with(fault), "{csv:?}: {told}");
        }
    }
}

//! `kedge delta create`.

use std::path::PathBuf;

use anyhow::Context;
use clap::{Args, ValueEnum};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use kedge_delta::arch::Arch;
use kedge_generator::image::{Firmware, Hint};
use kedge_generator::{
    Carried, Coding, Encoding, Format, Installed, Layout, Made, Release, Report, Stream, Target, create, suit,
};

use super::info::arch_name;
use super::output::Output;
use super::quantity::{Geometry, address, octets};
use super::{Exit, Surroundings, firmware, layout_name};
use crate::command::input;
use crate::command::signing::Signing;

#[derive(Args, Clone, Debug)]
pub(super) struct Create {
    /// The image that must be installed: raw, ELF, Intel HEX or UF2
    old: PathBuf,
    /// The image to install
    new: PathBuf,
    /// Where to write the package
    #[arg(short, long, value_name = "PKG")]
    output: PathBuf,
    /// The instructions in the images
    #[arg(long, value_enum, default_value_t = Code::Auto)]
    arch: Code,
    /// The address of the first octet of the images [default: what the files say, or found out]
    #[arg(long, value_name = "ADDR", value_parser = address)]
    base: Option<u32>,
    /// How devices get an image into place
    #[arg(long, value_enum, default_value_t = Place::InPlace)]
    layout: Place,
    /// The flash of the devices, like sector=4096,write=16,spare=2 (octets, octets, sectors)
    #[arg(long, value_name = "GEOMETRY", default_value = "sector=4096,write=16,spare=2")]
    flash: Geometry,
    /// RAM for the decoder, in octets: the largest profile that fits is taken, tiny (4KiB), small (16KiB), large (128KiB);
    /// what is left may unpack compressed content, in a slot
    #[arg(long, value_name = "BYTES", default_value = "16KiB", value_parser = octets)]
    ram: u32,
    #[command(flatten)]
    signing: Signing,
    /// The product it is for
    #[arg(long, default_value = "product")]
    product: String,
    /// The version that must be installed
    #[arg(long, value_name = "VERSION", default_value = "1")]
    from_version: String,
    /// The version it installs
    #[arg(long, value_name = "VERSION", default_value = "2")]
    to_version: String,
    /// Devices refuse packages with a lower one than they have confirmed
    #[arg(long, value_name = "N", default_value_t = 0)]
    security_counter: u32,
    /// One line for the prompt
    #[arg(long, value_name = "TEXT", default_value = "")]
    description: String,
    /// A text file with the release notes
    #[arg(long, value_name = "FILE")]
    notes: Option<PathBuf>,
    /// Wrap the manifest in a SUIT envelope
    #[arg(long)]
    suit: bool,
    /// In place, put the way back into the package too: a new image that is not confirmed is turned into the old one again
    #[arg(long)]
    reverse: bool,
    /// Tell what the package is made of and what applying it costs
    #[arg(long)]
    stats: bool,
}

/// What is known about the instructions in the images.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Code {
    /// Found out, region by region
    Auto,
    /// Thumb-1 and Thumb-2
    Thumb,
    /// RISC-V, 32 bits, with compressed instructions
    Riscv,
    /// Xtensa
    Xtensa,
    /// AArch64
    Aarch64,
    /// ARM
    Arm,
    /// x86, 32-bit mode
    X86,
    /// x86, 16-bit mode
    #[value(name = "x86-16")]
    X86_16,
    /// x86-64
    #[value(name = "x86-64")]
    X86_64,
    /// There are none
    None,
}

impl Code {
    const fn arch(self) -> Option<Arch> {
        Some(match self {
            Self::Auto => return None,
            Self::Thumb => Arch::Thumb,
            Self::Riscv => Arch::RiscV,
            Self::Xtensa => Arch::Xtensa,
            Self::Aarch64 => Arch::AArch64,
            Self::Arm => Arch::Arm,
            Self::X86 => Arch::X86,
            Self::X86_16 => Arch::X86_16,
            Self::X86_64 => Arch::X86_64,
            Self::None => Arch::Data,
        })
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Place {
    /// Into the other of two slots
    Slot,
    /// Over the old image
    InPlace,
}

impl Place {
    const fn layout(self) -> Layout {
        match self {
            Self::Slot => Layout::Slot,
            Self::InPlace => Layout::InPlace,
        }
    }
}

pub(super) fn run(arguments: &Create, surroundings: &mut Surroundings<'_>) -> anyhow::Result<Exit> {
    let (old, new) = (input::file(&arguments.old)?, input::file(&arguments.new)?);
    let (old, new) = (firmware(&arguments.old, &old)?, firmware(&arguments.new, &new)?);
    tell_left_out(&[(&arguments.old, &old), (&arguments.new, &new)], surroundings)?;
    let notes = match &arguments.notes {
        Some(path) => {
            String::from_utf8(input::file(path)?).with_context(|| format!("{} is no text", path.display()))?
        }
        None => String::new(),
    };
    let signer = arguments.signing.signer(surroundings)?;
    let output = Output::begin(&arguments.output)?;
    let release = Release {
        product: &arguments.product,
        version: &arguments.to_version,
        security_counter: arguments.security_counter,
        description: &arguments.description,
        notes: &notes,
        image: &new.octets,
    };
    let installed = Installed { version: &arguments.from_version, image: &old.octets };
    let layout = arguments.layout.layout();
    let target = Target { layout, block_size: arguments.flash.block(layout == Layout::InPlace) };
    let bar = progress_bar(surroundings);
    let progress = |done, all| {
        bar.set_length(all);
        bar.set_position(done);
    };
    let base = arguments.base.or(new.base).or(old.base);
    let coding = Coding {
        ram: arguments.ram,
        spare: arguments.flash.spare,
        hint: Hint { arch: arguments.arch.arch(), base },
        reverse: arguments.reverse,
        progress: &progress,
    };
    let made = create(&release, &installed, target, &coding, &signer);
    bar.finish_and_clear();
    let Made { mut package, report } = made.context("no package was made")?;
    if arguments.suit {
        package = suit(&package, &signer).context("no SUIT envelope was made")?;
    }
    output.finish(&package)?;
    let path = arguments.output.display();
    let back = match report.reverse {
        0 => String::new(),
        octets => format!(" ({octets} of them lead back)"),
    };
    writeln!(
        surroundings.out,
        "{path}: {} octets, {} of them payload{back}; the new image has {}",
        package.len(),
        report.payload,
        new.octets.len()
    )?;
    if arguments.stats {
        stats(&report, target, &old, &new, surroundings)?;
    }
    Ok(Exit::Passed)
}

/// Option words and fuses in an Intel HEX or UF2 file are not updated.
fn tell_left_out(
    files: &[(&PathBuf, &Firmware<'_>)],
    surroundings: &mut Surroundings<'_>,
) -> anyhow::Result<()> {
    for (path, firmware) in files {
        for (address, len) in &firmware.left_out {
            let path = path.display();
            writeln!(
                surroundings.err,
                "kedge: {path}: {len} octets at {address:#x} are far from the image and left out"
            )?;
        }
    }
    Ok(())
}

fn progress_bar(surroundings: &Surroundings<'_>) -> ProgressBar {
    let target = match &surroundings.term {
        Some(term) => ProgressDrawTarget::term(term.clone(), 10),
        None => ProgressDrawTarget::hidden(),
    };
    let bar = ProgressBar::with_draw_target(None, target);
    match ProgressStyle::with_template("{bar:40} {percent:>3} %  {elapsed}, {eta} left") {
        Ok(style) => bar.with_style(style),
        Err(_) => bar,
    }
}

fn stats(
    report: &Report,
    target: Target,
    old: &Firmware<'_>,
    new: &Firmware<'_>,
    surroundings: &mut Surroundings<'_>,
) -> anyhow::Result<()> {
    let out = &mut surroundings.out;
    let Report {
        payload,
        reverse,
        parts: (plan, content),
        needs,
        blocks: (made, all),
        literals: (literals, taken),
        lost,
        saves,
        rehearsal,
        ..
    } = report;
    writeln!(
        out,
        "images        {:?}, {} octets -> {:?}, {} octets",
        old.form,
        old.octets.len(),
        new.form,
        new.octets.len()
    )?;
    writeln!(out, "payload       {} octets: plan {plan}, content {content}", payload - reverse)?;
    if *reverse > 0 {
        writeln!(out, "way back      {reverse} octets more")?;
    }
    writeln!(
        out,
        "layout        {}, blocks of {} octets: {made} of {all} are made",
        layout_name(target.layout),
        target.block_size
    )?;
    writeln!(
        out,
        "needs         {} octets of RAM, {} of spare flash, 2 x {} for the decoder's state (in place, or streamed)",
        needs.memory, needs.spare, needs.state
    )?;
    writeln!(out, "literals      {literals} octets, which take {taken} of the content")?;
    writeln!(
        out,
        "overwritten   {lost} octets could not be copied any more; {saves} times something is saved"
    )?;
    writeln!(
        out,
        "applying      {} erases, {} writes, at most {} erases of a sector (package and journal included)",
        rehearsal.erases, rehearsal.programs, rehearsal.most_worn
    )?;
    streams(&report.streams, surroundings)?;
    let out = &mut surroundings.out;
    for region in &report.regions {
        let address = u64::from(region.high) << 32 | u64::from(region.new_address);
        writeln!(
            out,
            "region        from {:#010x} at {address:#010x}: {}",
            region.new_start,
            arch_name(region.arch)
        )?;
    }
    Ok(())
}

/// One line for each compressed stream.
fn streams(streams: &[Stream], surroundings: &mut Surroundings<'_>) -> anyhow::Result<()> {
    for stream in streams {
        let Stream { is_new, start, len, plain, format, carried } = stream;
        let image = if *is_new { "new" } else { "old" };
        let format = match format {
            Format::Gzip => "gzip",
            Format::Zlib => "zlib",
            Format::Zip => "zip",
            Format::Xz => "xz",
            Format::Lzma => "lzma",
            _ => "stream",
        };
        let how = match carried {
            Carried::Remade(encoding, cost) => {
                let Encoding { level, memory, gzip } = encoding;
                let encoder = if *gzip { "gzip" } else { "zlib" };
                format!("made again as {encoder} -{level} (memory {memory}), {cost} octets of corrections")
            }
            Carried::Decided(cost) => format!("made again, {cost} octets of its encoder's decisions"),
            Carried::Unpacked => "unpacked".to_owned(),
            Carried::Same => "as it is: the same in both images".to_owned(),
            Carried::InPlace => "as it is: nothing is unpacked in place".to_owned(),
            Carried::Memory => "as it is: too little memory".to_owned(),
            Carried::Unlike => "as it is: its encoder cannot be imitated".to_owned(),
            _ => "as it is: unpacked it is no smaller".to_owned(),
        };
        writeln!(
            surroundings.out,
            "{image} {format:9} from {start:#010x}, {len} octets, {plain} unpacked: {how}"
        )?;
    }
    Ok(())
}

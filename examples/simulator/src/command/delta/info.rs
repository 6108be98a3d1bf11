//! `kedge delta info`.

use std::path::PathBuf;

use clap::Args;
use kedge_delta::arch::Arch;
use kedge_delta::map::Region;
use kedge_delta::rebuild::Summary;
use kedge_package::{Image, Kind, Manifest};
use serde::Serialize;

use super::opened::Opened;
use super::speed::{ForecastFacts, Part, TYPICAL};
use super::{Exit, Surroundings, layout_name};
use crate::command::input;
use crate::hex;

#[derive(Args, Clone, Debug)]
pub(super) struct Info {
    /// The package
    package: PathBuf,
    /// Print one JSON object; its keys stay as they are
    #[arg(long)]
    json: bool,
    /// How fast a device is, for the forecast: milliseconds to erase a sector, then KiB a second
    #[arg(long, value_name = "SPEED", default_value = TYPICAL)]
    speed: Part,
    /// Blocks that the device's package region has room for behind the package, for the forecast in place
    #[arg(long, value_name = "BLOCKS", default_value_t = 0)]
    beside: u32,
}

/// What `--json` prints. Keys may be added, never changed or taken away.
#[derive(Serialize)]
struct Facts<'p> {
    package_bytes: usize,
    payload_bytes: usize,
    /// Of which so many lead back.
    payload_back_bytes: u32,
    kind: &'static str,
    envelope: &'static str,
    key_id: String,
    layout: &'static str,
    block_bytes: u32,
    decoder_ram: u32,
    spare_bytes: u32,
    state_bytes: u32,
    product: &'p str,
    from_version: Option<&'p str>,
    to_version: &'p str,
    security_counter: u32,
    old: Option<ImageFacts>,
    new: ImageFacts,
    payload_sha256: String,
    description: &'p str,
    notes: &'p str,
    regions: Vec<RegionFacts>,
    plan: Option<PlanFacts>,
    forecast: ForecastFacts,
}

/// What the plan of a coded delta amounts to.
#[derive(Serialize)]
struct PlanFacts {
    plan_bytes: u32,
    content_bytes: u32,
    blocks_made: u32,
    blocks_kept: u32,
    segments: u32,
    literal_bytes: u32,
    copied_bytes: u32,
    mapped_copies: u32,
    saves: u32,
    saved_pieces: u32,
    saved_bytes: u32,
}

#[derive(Serialize)]
struct ImageFacts {
    bytes: u32,
    sha256: String,
}

/// A stretch of the new image, and where it comes from.
#[derive(Serialize)]
struct RegionFacts {
    start: u32,
    len: u32,
    address: u64,
    arch: &'static str,
    old_start: u32,
    old_len: u32,
    old_address: u64,
}

pub(super) fn run(arguments: &Info, surroundings: &mut Surroundings<'_>) -> anyhow::Result<Exit> {
    let package = input::file(&arguments.package)?;
    let opened = match Opened::new(&package) {
        Ok(opened) => opened,
        Err(error) => {
            writeln!(surroundings.err, "kedge: broken update package: {error}")?;
            return Ok(Exit::Failed);
        }
    };
    let regions = match opened.regions() {
        Ok(regions) => regions,
        Err(error) => {
            writeln!(surroundings.err, "kedge: broken delta: {error}")?;
            return Ok(Exit::Failed);
        }
    };
    let forecast = match kedge_generator::forecast(&package, arguments.beside) {
        Ok(forecast) => forecast,
        Err(error) => {
            writeln!(surroundings.err, "kedge: no device makes anything of it: {error}")?;
            return Ok(Exit::Failed);
        }
    };
    let plan = opened.plan(&mut Nowhere)?.and_then(Result::ok);
    let facts = facts(&opened, &package, &regions, plan, arguments.speed.facts(&forecast));
    if arguments.json {
        writeln!(surroundings.out, "{}", serde_json::to_string_pretty(&facts)?)?;
    } else {
        print(&facts, surroundings)?;
        arguments.speed.print(&forecast, "applying", surroundings.out)?;
    }
    Ok(Exit::Passed)
}

/// Takes any text and keeps none.
struct Nowhere;

impl std::fmt::Write for Nowhere {
    fn write_str(&mut self, _: &str) -> std::fmt::Result {
        Ok(())
    }
}

fn facts<'p>(
    opened: &Opened<'p>,
    package: &[u8],
    regions: &[Region],
    plan: Option<Summary>,
    forecast: ForecastFacts,
) -> Facts<'p> {
    let Manifest { product, base, version, image, security_counter, payload, description, notes } =
        opened.manifest;
    Facts {
        package_bytes: package.len(),
        payload_bytes: opened.payload.len(),
        payload_back_bytes: payload.reverse,
        kind: match payload.kind {
            Kind::Full => "full",
            Kind::Delta => "plain-delta",
            Kind::Coded => "delta",
            Kind::Unpacked => "unpacked-delta",
        },
        envelope: if opened.envelope.suit().is_some() { "suit" } else { "cose-sign1" },
        key_id: hex::encode(opened.envelope.key_id.octets()),
        layout: layout_name(payload.layout),
        block_bytes: payload.block_size,
        decoder_ram: payload.needs.memory,
        spare_bytes: payload.needs.spare,
        state_bytes: payload.needs.state,
        product,
        from_version: base.map(|base| base.version),
        to_version: version,
        security_counter,
        old: base.map(|base| image_facts(&base.image)),
        new: image_facts(&image),
        payload_sha256: hex::encode(&payload.sha256),
        description,
        notes,
        regions: region_facts(regions, base.map_or(0, |base| base.image.size), image.size),
        plan: plan.map(plan_facts),
        forecast,
    }
}

fn plan_facts(plan: Summary) -> PlanFacts {
    PlanFacts {
        plan_bytes: plan.plan,
        content_bytes: plan.content,
        blocks_made: plan.made,
        blocks_kept: plan.kept,
        segments: plan.segments,
        literal_bytes: plan.literals,
        copied_bytes: plan.copied,
        mapped_copies: plan.mapped,
        saves: plan.saves,
        saved_pieces: plan.pieces,
        saved_bytes: plan.saved,
    }
}

fn image_facts(image: &Image) -> ImageFacts {
    ImageFacts { bytes: image.size, sha256: hex::encode(&image.sha256) }
}

/// A region ends where the next begins, the last at the end of the image.
fn region_facts(regions: &[Region], old_size: u32, new_size: u32) -> Vec<RegionFacts> {
    let ends =
        regions.iter().skip(1).map(|next| (next.old_start, next.new_start)).chain([(old_size, new_size)]);
    let facts = regions.iter().zip(ends).map(|(region, (old_end, new_end))| RegionFacts {
        start: region.new_start,
        len: new_end.saturating_sub(region.new_start),
        address: u64::from(region.high) << 32 | u64::from(region.new_address),
        arch: arch_name(region.arch),
        old_start: region.old_start,
        old_len: old_end.saturating_sub(region.old_start),
        old_address: u64::from(region.high) << 32 | u64::from(region.old_address),
    });
    facts.collect()
}

/// How an architecture is called.
pub(super) const fn arch_name(arch: Arch) -> &'static str {
    match arch {
        Arch::Data => "data",
        Arch::Thumb => "thumb",
        Arch::RiscV => "riscv",
        Arch::Xtensa => "xtensa",
        Arch::AArch64 => "aarch64",
        Arch::Arm => "arm",
        Arch::X86 => "x86",
        Arch::X86_16 => "x86-16",
        Arch::X86_64 => "x86-64",
        Arch::Data64 => "data64",
        Arch::Offsets => "offsets",
        Arch::Relative => "relative",
    }
}

fn print(facts: &Facts<'_>, surroundings: &mut Surroundings<'_>) -> anyhow::Result<()> {
    let out = &mut surroundings.out;
    writeln!(out, "product       {}, security counter {}", facts.product, facts.security_counter)?;
    writeln!(out, "versions      {} -> {}", facts.from_version.unwrap_or("any"), facts.to_version)?;
    if !facts.description.is_empty() {
        writeln!(out, "description   {}", facts.description)?;
    }
    if !facts.notes.is_empty() {
        writeln!(out, "notes         {}", facts.notes.trim_end().replace('\n', "\n              "))?;
    }
    writeln!(
        out,
        "package       {} octets, {} of them payload ({})",
        facts.package_bytes, facts.payload_bytes, facts.kind
    )?;
    if facts.payload_back_bytes > 0 {
        writeln!(out, "way back      {} octets of the payload", facts.payload_back_bytes)?;
    }
    writeln!(out, "envelope      {}, key {}", facts.envelope, facts.key_id)?;
    writeln!(out, "layout        {}, blocks of {} octets", facts.layout, facts.block_bytes)?;
    writeln!(
        out,
        "needs         {} octets of RAM, {} of spare flash, 2 x {} for the decoder's state (in place, or streamed)",
        facts.decoder_ram, facts.spare_bytes, facts.state_bytes
    )?;
    if let Some(old) = &facts.old {
        writeln!(out, "old image     {} octets, SHA-256 {}", old.bytes, old.sha256)?;
    }
    writeln!(out, "new image     {} octets, SHA-256 {}", facts.new.bytes, facts.new.sha256)?;
    for region in &facts.regions {
        let RegionFacts { start, len, address, arch, .. } = region;
        writeln!(out, "region        {start:#010x}, {len:>9} octets at {address:#010x}: {arch}")?;
    }
    if let Some(plan) = &facts.plan {
        writeln!(
            out,
            "plan          {} octets; {} blocks made from {} segments, {} kept",
            plan.plan_bytes, plan.blocks_made, plan.segments, plan.blocks_kept
        )?;
        writeln!(
            out,
            "content       {} octets; {} octets copied and predicted, {} literal",
            plan.content_bytes, plan.copied_bytes, plan.literal_bytes
        )?;
        writeln!(
            out,
            "saves         {}, of {} pieces and {} octets together",
            plan.saves, plan.saved_pieces, plan.saved_bytes
        )?;
    }
    Ok(())
}

//! `kedge package`.

use std::path::PathBuf;

use anyhow::Context;
use clap::{Args, Subcommand, ValueEnum};
use kedge_generator::{Installed, Layout, Release, Target, delta, full};

use super::signing::Signing;
use super::{Exit, Surroundings, input};

#[derive(Args, Clone, Debug)]
pub(super) struct Package {
    #[command(subcommand)]
    what: What,
}

#[derive(Clone, Debug, Subcommand)]
enum What {
    /// Make a signed package that updates the image OLD to the image NEW
    Create(Create),
}

#[derive(Args, Clone, Debug)]
struct Create {
    /// The image that must be installed
    old: PathBuf,
    /// The image to install
    new: PathBuf,
    /// Where to write the package
    #[arg(short, long, value_name = "FILE")]
    output: PathBuf,
    /// Put the whole new image into the package, not its differences
    #[arg(long)]
    full: bool,
    /// The product it is for
    #[arg(long, default_value = "product")]
    product: String,
    /// The version that must be installed
    #[arg(long, value_name = "VERSION", default_value = "1")]
    from: String,
    /// The version it installs
    #[arg(long, value_name = "VERSION", default_value = "2")]
    to: String,
    /// Devices refuse packages with a lower one than they have confirmed
    #[arg(long, value_name = "N", default_value_t = 0)]
    security_counter: u32,
    /// How devices get an image into place
    #[arg(long, value_enum, default_value_t = Place::Slot)]
    layout: Place,
    /// Octets written in one go: a power of two, a multiple of the devices' erase sector
    #[arg(long, value_name = "OCTETS", default_value_t = 4096)]
    block_size: u32,
    /// One line for the prompt
    #[arg(long, value_name = "TEXT", default_value = "")]
    description: String,
    /// A text file with the release notes
    #[arg(long, value_name = "FILE")]
    notes: Option<PathBuf>,
    #[command(flatten)]
    signing: Signing,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Place {
    /// Into the other of two slots
    Slot,
    /// Over the old image
    InPlace,
}

pub(super) fn run(arguments: &Package, surroundings: &mut Surroundings<'_>) -> anyhow::Result<Exit> {
    let What::Create(create) = &arguments.what;
    let (old, new) = (input::file(&create.old)?, input::file(&create.new)?);
    let notes = match &create.notes {
        Some(path) => {
            String::from_utf8(input::file(path)?).with_context(|| format!("{} is no text", path.display()))?
        }
        None => String::new(),
    };
    let release = Release {
        product: &create.product,
        version: &create.to,
        security_counter: create.security_counter,
        description: &create.description,
        notes: &notes,
        image: &new,
    };
    let installed = Installed { version: &create.from, image: &old };
    let layout = match create.layout {
        Place::Slot => Layout::Slot,
        Place::InPlace => Layout::InPlace,
    };
    let target = Target { layout, block_size: create.block_size };
    let signer = create.signing.signer(surroundings)?;
    let package = if create.full {
        full(&release, Some(&installed), target, &signer)
    } else {
        delta(&release, &installed, target, &signer)
    }
    .context("no package was made")?;
    std::fs::write(&create.output, &package)
        .with_context(|| format!("{} cannot be written", create.output.display()))?;
    let (output, octets) = (create.output.display(), package.len());
    writeln!(surroundings.out, "{output}: {octets} octets, the new image has {}", new.len())?;
    Ok(Exit::Passed)
}

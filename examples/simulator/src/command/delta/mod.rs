//! `kedge delta`: makes delta packages, looks into them, applies and checks them, compares them with other tools.

mod apply;
mod compare;
mod create;
mod decode;
mod info;
mod opened;
mod output;
mod quantity;
mod speed;
mod stream;

use std::path::Path;

use anyhow::Context;
use clap::{Args, Subcommand};
use kedge_generator::Layout;
use kedge_generator::image::{self, Firmware};

pub(super) use self::opened::show_plan;
use super::{Exit, Surroundings};

#[derive(Args, Clone, Debug)]
pub(super) struct Delta {
    #[command(subcommand)]
    what: What,
}

#[derive(Clone, Debug, Subcommand)]
enum What {
    /// Make a signed package that updates the image OLD to the image NEW
    Create(Box<create::Create>),
    /// Show what a package needs and holds
    Info(info::Info),
    /// Make the new image from a package and the old image, with the device's decoder
    Apply(apply::Apply),
    /// Check that a package makes exactly NEW from OLD on the strict flash model; exit code 1 if not
    Verify(apply::Verify),
    /// Compare with the other delta tools that are installed
    Compare(compare::Compare),
}

pub(super) fn run(arguments: &Delta, surroundings: &mut Surroundings<'_>) -> anyhow::Result<Exit> {
    match &arguments.what {
        What::Create(arguments) => create::run(arguments, surroundings),
        What::Info(arguments) => info::run(arguments, surroundings),
        What::Apply(arguments) => apply::apply(arguments, surroundings),
        What::Verify(arguments) => apply::verify(arguments, surroundings),
        What::Compare(arguments) => compare::run(arguments, surroundings),
    }
}

/// How a layout is called on the command line and in JSON.
const fn layout_name(layout: Layout) -> &'static str {
    match layout {
        Layout::Slot => "slot",
        Layout::InPlace => "in-place",
    }
}

/// The flash content that the octets of the file at `path` describe.
fn firmware<'a>(path: &Path, octets: &'a [u8]) -> anyhow::Result<Firmware<'a>> {
    image::read(octets).with_context(|| path.display().to_string())
}

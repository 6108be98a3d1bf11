//! `kedge inspect`.

use std::fmt;

use anyhow::bail;
use clap::{Args, ValueEnum};
use kedge_protocol::is683::Direction;
use kedge_protocol::wap::Coding;
use kedge_protocol::{iota, is683, syncml, wap, wbxml, wire, xml};

use super::{Exit, Surroundings, input};

#[derive(Args, Clone, Debug)]
pub(super) struct Inspect {
    /// What the bytes are
    #[arg(value_enum, value_name = "TYPE")]
    kind: Kind,
    /// A file, hexadecimal digits, or - for the standard input
    #[arg(value_name = "FILE|HEX|-")]
    source: String,
    /// An IS-683 message from the network
    #[arg(long, conflicts_with = "reverse")]
    forward: bool,
    /// An IS-683 message from the handset
    #[arg(long)]
    reverse: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Kind {
    /// Any WBXML document
    Wbxml,
    /// Any XML document
    Xml,
    /// An MMC document of IOTA, in either coding
    Mmc,
    /// A SyncML message of device management, in either coding
    Syncml,
    /// An IS-683 message; needs --forward or --reverse
    Is683,
    /// A connectionless WSP push
    Wsp,
    /// An update package
    Package,
}

impl Kind {
    const fn name(self) -> &'static str {
        match self {
            Self::Wbxml => "WBXML document",
            Self::Xml => "XML document",
            Self::Mmc => "MMC document",
            Self::Syncml => "SyncML message",
            Self::Is683 => "IS-683 message",
            Self::Wsp => "WSP push",
            Self::Package => "update package",
        }
    }
}

/// What is wrong with the bytes, and at which octet.
struct Fault {
    kind: String,
    at: usize,
}

impl From<wire::Error> for Fault {
    fn from(error: wire::Error) -> Self {
        Self { kind: error.kind.to_string(), at: error.at }
    }
}

impl From<kedge_package::Error> for Fault {
    fn from(error: kedge_package::Error) -> Self {
        Self { kind: error.kind.to_string(), at: error.at }
    }
}

pub(super) fn run(arguments: &Inspect, surroundings: &mut Surroundings<'_>) -> anyhow::Result<Exit> {
    let direction = direction(arguments)?;
    let octets = input::octets(&arguments.source)?;
    let mut text = String::new();
    let fault = decode(arguments.kind, direction, &octets, &mut text)?;
    surroundings.out.write_all(text.as_bytes())?;
    let Some(Fault { kind, at }) = fault else { return Ok(Exit::Passed) };
    let name = arguments.kind.name();
    writeln!(surroundings.err, "kedge: broken {name}: {kind} at octet {at} ({at:#x}) of {}", octets.len())?;
    Ok(Exit::Failed)
}

/// The direction of an IS-683 message; nothing else has one.
fn direction(arguments: &Inspect) -> anyhow::Result<Direction> {
    match (arguments.kind, arguments.forward, arguments.reverse) {
        (Kind::Is683, true, _) => Ok(Direction::Forward),
        (Kind::Is683, _, true) => Ok(Direction::Reverse),
        (Kind::Is683, false, false) => {
            bail!(
                "an IS-683 message needs --forward (from the network) or --reverse: both use the same numbers"
            )
        }
        (_, false, false) => Ok(Direction::Forward),
        _ => bail!("--forward and --reverse are for IS-683 messages only"),
    }
}

fn decode(
    kind: Kind,
    direction: Direction,
    octets: &[u8],
    out: &mut String,
) -> Result<Option<Fault>, fmt::Error> {
    match kind {
        Kind::Wbxml => Ok(wbxml::dump(octets, None, out)?.map(Fault::from)),
        Kind::Xml => Ok(xml::dump(octets, out)?.map(Fault::from)),
        Kind::Wsp => Ok(wap::dump(octets, out)?.map(Fault::from)),
        Kind::Mmc => {
            // Room for any inline data beside the texts: base64 decoded is shorter than the document.
            let mut scratch = vec![0; iota::mmc::SCRATCH + 2 * octets.len()];
            Ok(iota::mmc::dump(iota::mmc::guess(octets), octets, &mut scratch, out)?.map(Fault::from))
        }
        Kind::Syncml => {
            let coding = iota::mmc::guess(octets);
            let broken = match coding {
                Coding::Wbxml => wbxml::dump(octets, Some(&wbxml::pages::SYNCML_1_2), out)?,
                Coding::Xml => xml::dump(octets, out)?,
            };
            // What the message means, as far as its coding is sound.
            let fault = syncml::dump(coding, octets, out)?;
            Ok(broken.or(fault).map(Fault::from))
        }
        Kind::Is683 => Ok(is683::dump(direction, octets, out).err().map(Fault::from)),
        Kind::Package => {
            let fault = kedge_package::dump(octets, out).err().map(Fault::from);
            let broken = super::delta::show_plan(octets, out)?;
            Ok(fault.or(broken.map(|(why, at)| Fault { kind: format!("its delta: {why}; payload"), at })))
        }
    }
}

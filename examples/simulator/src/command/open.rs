//! `kedge open`: a downloaded file, handed to the table that decides on a device who takes what.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use anyhow::bail;
use clap::Args;
use kedge_agent::dispatch::{Content, Handler, Leaves, Origin, Refusal, decide};
use kedge_protocol::cp::{Coded, Fault, Nothing, OBJECT, Objects, check};
use kedge_protocol::mime::MediaType;
use kedge_protocol::wap::Coding;

use super::{Exit, Surroundings, input, register};

/// The project's own media type: an update package.
const PACKAGE: &str = "application/vnd.kedge.package";
const PROVISIONING: &str = "application/vnd.wap.connectivity-wbxml";
const PROVISIONING_XML: &str = "text/vnd.wap.connectivity-xml";

/// Stands for the user's data folder.
const USERS: &str = "~";

#[derive(Args, Clone, Debug)]
pub(super) struct Open {
    /// The file
    #[arg(required_unless_present = "register")]
    file: Option<PathBuf>,
    /// Its media type; without it, its first octets tell
    #[arg(long = "type", value_name = "TYPE")]
    media_type: Option<String>,
    /// Let the desktop open such files with this command: writes its MIME types and desktop entry below the user's data
    /// folder, or below this one
    #[arg(long, value_name = "FOLDER", num_args = 0..=1, default_missing_value = USERS)]
    #[arg(conflicts_with_all = ["file", "media_type"])]
    register: Option<PathBuf>,
}

pub(super) fn run(arguments: &Open, surroundings: &mut Surroundings<'_>) -> anyhow::Result<Exit> {
    if let Some(folder) = &arguments.register {
        let folder = Some(folder.as_path()).filter(|folder| *folder != Path::new(USERS));
        return register::run(folder, surroundings);
    }
    let Some(file) = &arguments.file else { bail!("no file is named") };
    let octets = input::file(file)?;
    let name = match (&arguments.media_type, guess(&octets)) {
        (Some(name), _) => name.as_str(),
        (None, Some(name)) => name,
        (None, None) => bail!("{}: not known by its first octets; give --type", file.display()),
    };
    let Ok(media_type) = MediaType::parse(name) else { bail!("{name:?} is no media type") };
    let mut text = String::new();
    let broken = if media_type.is(PACKAGE) {
        kedge_package::dump(&octets, &mut text).err().map(|error| error.to_string())
    } else {
        match contents(&Content { media_type: name, origin: Origin::File, body: &octets }, &mut text)? {
            Ok(fault) => fault.map(|fault| fault.to_string()),
            Err((refused, why)) => {
                writeln!(surroundings.err, "kedge: a device refuses {refused} from a file: {why}")?;
                return Ok(Exit::Failed);
            }
        }
    };
    surroundings.out.write_all(text.as_bytes())?;
    let Some(fault) = broken else { return Ok(Exit::Passed) };
    writeln!(surroundings.err, "kedge: {}: {fault}", file.display())?;
    Ok(Exit::Failed)
}

/// What a device would make of each content of a file: the first fault of its documents, or what is refused and why.
#[allow(clippy::type_complexity, reason = "the two errors are told apart in the text above")]
fn contents(
    content: &Content<'_>,
    out: &mut String,
) -> anyhow::Result<Result<Option<Fault>, (String, Refusal)>> {
    let refused = |why| Ok(Err((content.media_type.to_owned(), why)));
    let leaves = match Leaves::new(content) {
        Ok(leaves) => leaves,
        Err(why) => return refused(why),
    };
    let mut fault = None;
    for leaf in leaves {
        let leaf = match leaf {
            Ok(leaf) => leaf,
            Err(why) => return refused(why),
        };
        let name = leaf.media_type.map_or("what has no media type", |media_type| media_type.essence());
        let found = match leaf.handler {
            Ok(found) => found,
            Err(why) => return Ok(Err((name.to_owned(), why))),
        };
        writeln!(out, "{name} from a file: {}", decide(found, content.origin))?;
        if let Some(media_type) = &leaf.media_type {
            fault = fault.or(settings(found, media_type, leaf.body, out)?.err());
        }
    }
    Ok(Ok(fault))
}

/// The media type that a file's first octets tell.
fn guess(octets: &[u8]) -> Option<&'static str> {
    let start = String::from_utf8_lossy(octets.get(..octets.len().min(512)).unwrap_or_default());
    if octets.starts_with(b"KDGP") {
        Some(PACKAGE)
    } else if start.contains("<wap-provisioningdoc") {
        Some(PROVISIONING_XML)
    } else {
        // WBXML 1.1 to 1.3 with the public identifier of PROV.
        matches!(octets, [1..=3, 0x0B, ..]).then_some(PROVISIONING)
    }
}

/// What the settings of a file are, secrets left out.
fn settings(
    handler: Handler,
    media_type: &MediaType<'_>,
    octets: &[u8],
    out: &mut String,
) -> anyhow::Result<Result<(), Fault>> {
    if handler != Handler::Provisioning {
        return Ok(Ok(()));
    }
    let coding = if media_type.is(PROVISIONING_XML) { Coding::Xml } else { Coding::Wbxml };
    let source = Coded { coding, bytes: octets };
    let mut scratch = [0; OBJECT];
    let found = match check(&source, &mut Nothing, &mut scratch) {
        Ok(found) => found,
        Err(fault) => return Ok(Err(fault)),
    };
    writeln!(
        out,
        "{} objects, {} references, {} octets when stored",
        found.objects, found.references, found.octets
    )?;
    let mut objects = match Objects::new(&source) {
        Ok(objects) => objects,
        Err(fault) => return Ok(Err(fault)),
    };
    while let Ok(Some(object)) = objects.next(&mut scratch) {
        writeln!(out, "  {object:?}")?;
    }
    Ok(Ok(()))
}

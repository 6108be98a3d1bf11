//! `kedge tree`: a management tree outside of its device, shown, read and changed.
//!
//! The file is a tree's image, as a device keeps it, or a sub-tree as a document (TNDS) in either coding. An image is read by the
//! rules of the client's own objects, and changed by them; a document by nothing but its own nodes.

mod document;
mod image;

use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use clap::{Args, Subcommand};
use kedge_protocol::dm::{Query, Uri, UriLimits};
use kedge_protocol::syncml::Code;

use super::{Exit, Surroundings, input};
use document::Document;
use image::Image;

#[derive(Args, Clone, Debug)]
pub(super) struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand, Clone, Debug)]
enum Command {
    /// List a tree: nodes, formats, types, values; secrets are not shown
    Show {
        /// A tree's image or a sub-tree document
        file: PathBuf,
        /// The node to begin at
        #[arg(default_value = ".")]
        uri: String,
    },
    /// Print the value of a node, the names below it, or with ?prop= a property
    Get {
        /// A tree's image or a sub-tree document
        file: PathBuf,
        /// The node
        uri: String,
    },
    /// Give a node a value, or with ?prop= a property, and write the file anew; missing nodes are added
    Set {
        /// A tree's image or a sub-tree document
        file: PathBuf,
        /// The node
        uri: String,
        /// The value; for binary nodes hexadecimal digits
        value: String,
    },
}

/// A tree that was read.
enum Held {
    Image(Image),
    Document(Document),
}

/// A node, as it is listed.
struct Line {
    path: String,
    format: String,
    media_type: String,
    acl: String,
    /// `None`: an interior node, or a value that is not told.
    value: Option<Vec<u8>>,
}

pub(super) fn run(arguments: &Arguments, surroundings: &mut Surroundings<'_>) -> anyhow::Result<Exit> {
    let done = match &arguments.command {
        Command::Show { file, uri } => show(file, uri, surroundings)?,
        Command::Get { file, uri } => get(file, uri, surroundings)?,
        Command::Set { file, uri, value } => set(file, uri, value)?,
    };
    let Err(code) = done else { return Ok(Exit::Passed) };
    writeln!(surroundings.err, "kedge: {} {code}", code.0)?;
    Ok(Exit::Failed)
}

fn show(file: &Path, uri: &str, surroundings: &mut Surroundings<'_>) -> anyhow::Result<Result<(), Code>> {
    let root = address(uri)?.path.to_owned();
    let lines = match read(file)? {
        Held::Image(mut image) => match image.lines(&root) {
            Ok(lines) => lines,
            Err(code) => return Ok(Err(code)),
        },
        Held::Document(document) => document.lines(&root),
    };
    if lines.is_empty() {
        return Ok(Err(Code::NOT_FOUND));
    }
    for line in lines {
        let Line { path, format, media_type, acl, value } = line;
        write!(surroundings.out, "./{path}  {format}")?;
        if !media_type.is_empty() && media_type != "text/plain" {
            write!(surroundings.out, "  {media_type}")?;
        }
        if !acl.is_empty() {
            write!(surroundings.out, "  [{acl}]")?;
        }
        match value.as_deref().map(|value| (value, str::from_utf8(value))) {
            None => {}
            Some((_, Ok(text))) if format != "bin" => write!(surroundings.out, "  = {text:?}")?,
            Some((octets, _)) => write!(surroundings.out, "  = {} octets", octets.len())?,
        }
        writeln!(surroundings.out)?;
    }
    Ok(Ok(()))
}

fn get(file: &Path, uri: &str, surroundings: &mut Surroundings<'_>) -> anyhow::Result<Result<(), Code>> {
    let told = match read(file)? {
        Held::Image(mut image) => image.get(uri),
        Held::Document(document) => document.get(&address(uri)?),
    };
    let octets = match told {
        Ok(octets) => octets,
        Err(code) => return Ok(Err(code)),
    };
    surroundings.out.write_all(&octets)?;
    if !octets.ends_with(b"\n") {
        writeln!(surroundings.out)?;
    }
    Ok(Ok(()))
}

fn set(file: &Path, uri: &str, value: &str) -> anyhow::Result<Result<(), Code>> {
    let octets = match read(file)? {
        Held::Image(mut image) => image.set(uri, value).map(|()| image.octets().to_vec()),
        Held::Document(mut document) => {
            let address = address(uri)?;
            if address.query != Query::Value {
                bail!("{uri}: of a document only values can be set");
            }
            match document.set(address.path, value) {
                Ok(()) => Ok(document.write().with_context(|| file.display().to_string())?),
                Err(code) => Err(code),
            }
        }
    };
    Ok(match octets {
        Ok(octets) => Ok(replace(file, &octets)?),
        Err(code) => Err(code),
    })
}

/// Writes the file under another name first, so that a full disk leaves the old one.
fn replace(file: &Path, octets: &[u8]) -> anyhow::Result<()> {
    let mut name = file.as_os_str().to_owned();
    name.push(".new");
    let new = PathBuf::from(name);
    std::fs::write(&new, octets).with_context(|| new.display().to_string())?;
    std::fs::rename(&new, file).with_context(|| file.display().to_string())
}

fn read(file: &Path) -> anyhow::Result<Held> {
    let octets = input::file(file)?;
    if let Some(image) = Image::read(&octets) {
        return Ok(Held::Image(image));
    }
    let document = Document::read(&octets).with_context(|| file.display().to_string())?;
    Ok(Held::Document(document))
}

fn address(uri: &str) -> anyhow::Result<Uri<'_>> {
    Uri::parse(uri, &UriLimits::OWN).map_err(|code| anyhow::anyhow!("{uri:?}: {} {code}", code.0))
}

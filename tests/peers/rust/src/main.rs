//! The delta tools from the Rust registry, one way to call them all; `kedge delta compare` runs this.
//!
//! ```text
//! kedge-peers list                            a line for each: NAME ready, or NAME missing CRATE
//! kedge-peers make NAME OLD NEW PATCH ARCH    ARCH is not used
//! kedge-peers apply NAME OLD PATCH OUT
//! ```

use std::error::Error;
use std::fs;
use std::io::{Cursor, Read};
use std::process::ExitCode;

type Made = Result<Vec<u8>, Box<dyn Error>>;

/// How a difference is found.
#[derive(Clone, Copy)]
enum Differ {
    Qbsdiff,
    Bidiff,
    Aehobak,
    #[cfg(feature = "zucchini")]
    Zucchini,
}

/// What its result is compressed with.
#[derive(Clone, Copy)]
enum Packer {
    None,
    Xz,
    Zstd,
}

const PEERS: &[(&str, Differ, Packer)] = &[
    ("rs-qbsdiff", Differ::Qbsdiff, Packer::None),
    ("rs-bidiff+zstd", Differ::Bidiff, Packer::Zstd),
    ("rs-bidiff+xz", Differ::Bidiff, Packer::Xz),
    ("rs-aehobak", Differ::Aehobak, Packer::None),
    ("rs-aehobak+zstd", Differ::Aehobak, Packer::Zstd),
    ("rs-aehobak+xz", Differ::Aehobak, Packer::Xz),
    #[cfg(feature = "zucchini")]
    ("rs-zucchini+xz", Differ::Zucchini, Packer::Xz),
];

/// Of xz, with its extreme variant.
const XZ_LEVEL: u32 = 9 | 1 << 31;
const ZSTD_LEVEL: i32 = 19;

impl Differ {
    fn make(self, old: &[u8], new: &[u8]) -> Made {
        let mut patch = Vec::new();
        match self {
            Self::Qbsdiff => drop(qbsdiff::Bsdiff::new(old, new).compare(Cursor::new(&mut patch))?),
            Self::Bidiff => bidiff::simple_diff(old, new, &mut patch)?,
            Self::Aehobak => aehobak::diff(old, new, &mut patch)?,
            #[cfg(feature = "zucchini")]
            Self::Zucchini => patch = zucchini::generate(old, new)?,
        }
        Ok(patch)
    }

    fn apply(self, old: &[u8], patch: &[u8]) -> Made {
        let mut new = Vec::new();
        match self {
            Self::Qbsdiff => drop(qbsdiff::Bspatch::new(patch)?.apply(old, Cursor::new(&mut new))?),
            Self::Bidiff => drop(bipatch::Reader::new(patch, Cursor::new(old))?.read_to_end(&mut new)?),
            Self::Aehobak => {
                // it fills a buffer up to its capacity
                new.reserve_exact(4 * old.len() + (64 << 20));
                aehobak::patch(old, patch, &mut new)?;
            }
            #[cfg(feature = "zucchini")]
            Self::Zucchini => new = zucchini::apply(old, patch)?,
        }
        Ok(new)
    }
}

impl Packer {
    fn pack(self, octets: Vec<u8>) -> Made {
        let mut packed = Vec::new();
        match self {
            Self::None => packed = octets,
            Self::Xz => drop(xz2::bufread::XzEncoder::new(&octets[..], XZ_LEVEL).read_to_end(&mut packed)?),
            Self::Zstd => packed = zstd::encode_all(&octets[..], ZSTD_LEVEL)?,
        }
        Ok(packed)
    }

    fn unpack(self, packed: Vec<u8>) -> Made {
        let mut octets = Vec::new();
        match self {
            Self::None => octets = packed,
            Self::Xz => drop(xz2::bufread::XzDecoder::new(&packed[..]).read_to_end(&mut octets)?),
            Self::Zstd => octets = zstd::decode_all(&packed[..])?,
        }
        Ok(octets)
    }
}

fn peer(name: &str) -> Result<(Differ, Packer), Box<dyn Error>> {
    let found = PEERS.iter().find(|(known, ..)| *known == name);
    found.map(|(_, differ, packer)| (*differ, *packer)).ok_or_else(|| format!("no peer {name:?}").into())
}

fn run(arguments: &[&str]) -> Result<(), Box<dyn Error>> {
    match arguments {
        ["list"] => {
            for (name, ..) in PEERS {
                println!("{name} ready");
            }
            if cfg!(not(feature = "zucchini")) {
                println!("rs-zucchini+xz missing zucchini");
            }
        }
        ["make", name, old, new, patch, _] => {
            let (differ, packer) = peer(name)?;
            fs::write(patch, packer.pack(differ.make(&fs::read(old)?, &fs::read(new)?)?)?)?;
        }
        ["apply", name, old, patch, out] => {
            let (differ, packer) = peer(name)?;
            fs::write(out, differ.apply(&fs::read(old)?, &packer.unpack(fs::read(patch)?)?)?)?;
        }
        _ => return Err("usage: list | make NAME OLD NEW PATCH ARCH | apply NAME OLD PATCH OUT".into()),
    }
    Ok(())
}

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match run(&arguments) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("kedge-peers: {error}");
            ExitCode::FAILURE
        }
    }
}

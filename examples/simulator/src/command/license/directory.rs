//! A device in a directory: `device.json` with what it is, `license.nor` with its flash, `outstanding.json` with the nonce
//! of a request by file.

use std::fs;
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::{Context as _, anyhow, bail};
use clap::Args;
use kedge_agent::license::{Boot, Now};
use kedge_network::provisioning::{Policy, Provisioning};
use kedge_platform::entropy::Entropy as _;
use kedge_platform_linux::entropy::SystemEntropy;
use kedge_platform_linux::nor::{FileNor, Sync};
use kedge_protocol::license::token::capabilities;
use serde::{Deserialize, Serialize};

use crate::hex;
use crate::license::device::{Licensed, PLACE, Profile};
use crate::license::{ISSUER_SEED, NAMES};

const DEVICE: &str = "device.json";
const FLASH: &str = "license.nor";
const OUTSTANDING: &str = "outstanding.json";
/// Type octet of a random identity (RFC 9711).
const RANDOM: u8 = 1;

#[derive(Args, Clone, Debug)]
pub(super) struct New {
    /// Where requests enter
    #[arg(long, value_name = "URL", default_value = "https://localhost:8443/v1/entry")]
    server: String,
    /// The certificate authority to trust [default: those of the web]
    #[arg(long, value_name = "FILE")]
    ca: Option<PathBuf>,
    /// The server's public key [default: that of the public test key]
    #[arg(long, value_name = "HEX")]
    issuer: Option<String>,
    /// The device's model
    #[arg(long, value_name = "TEXT", default_value = "Kedge desk")]
    model: String,
    /// The device has a browser: pages are opened there, and documents come back by file
    #[arg(long)]
    browser: bool,
}

/// What `device.json` holds.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Stored {
    ueid: String,
    seed: String,
    model: String,
    browser: bool,
    entry: String,
    issuer: String,
    authority: Option<PathBuf>,
}

/// The request whose answer may come by file.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Outstanding {
    nonce: String,
}

impl Outstanding {
    pub(super) fn new(nonce: &[u8; 16]) -> Self {
        Self { nonce: hex::encode(nonce) }
    }
}

/// A device's directory.
pub(super) struct Directory {
    place: PathBuf,
    pub(super) profile: Profile,
    authority: Option<PathBuf>,
}

/// Makes a device.
pub(super) fn make(place: &Path, new: &New, out: &mut dyn Write) -> anyhow::Result<()> {
    if place.join(DEVICE).try_exists().with_context(|| place.display().to_string())? {
        bail!("{}: a device lives there already", place.display());
    }
    let mut entropy = SystemEntropy::open().context("no random numbers")?;
    let (mut identity, mut seed) = ([0; 17], [0; 32]);
    entropy.fill(&mut identity);
    entropy.fill(&mut seed);
    identity[0] = RANDOM;
    let issuer = match &new.issuer {
        Some(key) => key.clone(),
        None => hex::encode(&Provisioning::new(NAMES, Policy::default(), ISSUER_SEED).public_key()),
    };
    let authority =
        new.ca.as_ref().map(|path| path.canonicalize().with_context(|| path.display().to_string()));
    let stored = Stored {
        ueid: hex::encode(&identity),
        seed: hex::encode(&seed),
        model: new.model.clone(),
        browser: new.browser,
        entry: new.server.clone(),
        issuer,
        authority: authority.transpose()?,
    };
    let profile = profile(&stored)?;
    fs::create_dir_all(place).with_context(|| place.display().to_string())?;
    write_private(&place.join(DEVICE), &serde_json::to_vec_pretty(&stored)?)?;
    super::show::profile(&profile, out)?;
    writeln!(
        out,
        "The server must know the public key: kedge serve --register, or its administration page."
    )?;
    Ok(())
}

impl Directory {
    pub(super) fn open(place: &Path) -> anyhow::Result<Self> {
        let path = place.join(DEVICE);
        let text = fs::read(&path)
            .with_context(|| format!("{}: no device (kedge license new makes one)", path.display()))?;
        let stored: Stored = serde_json::from_slice(&text).with_context(|| path.display().to_string())?;
        let profile = profile(&stored).with_context(|| path.display().to_string())?;
        Ok(Self { place: place.to_owned(), profile, authority: stored.authority })
    }

    /// Starts the device. Only one process can.
    pub(super) fn start(&self, now: Now) -> anyhow::Result<(Licensed<'_, FileNor>, Boot)> {
        let mut flash = FileNor::new();
        let path = self.place.join(FLASH);
        flash.add_file(&path, PLACE, Sync::AtOnce).with_context(|| path.display().to_string())?;
        Licensed::start(&self.profile, flash, now).map_err(|(error, _)| anyhow!("{error}"))
    }

    /// The octets of the flash, if the device was ever started.
    pub(super) fn flash(&self) -> anyhow::Result<Option<Vec<u8>>> {
        let path = self.place.join(FLASH);
        match fs::read(&path) {
            Ok(octets) => Ok(Some(octets)),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error).with_context(|| path.display().to_string()),
        }
    }

    pub(super) fn authority(&self) -> anyhow::Result<Option<String>> {
        let read = |path: &PathBuf| fs::read_to_string(path).with_context(|| path.display().to_string());
        self.authority.as_ref().map(read).transpose()
    }

    pub(super) fn keep_outstanding(&self, outstanding: &Outstanding) -> anyhow::Result<()> {
        write_private(&self.place.join(OUTSTANDING), &serde_json::to_vec(outstanding)?)
    }

    /// The nonce of the request by file.
    pub(super) fn outstanding(&self) -> anyhow::Result<Option<[u8; 16]>> {
        let path = self.place.join(OUTSTANDING);
        let text = match fs::read(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error).with_context(|| path.display().to_string()),
        };
        let Outstanding { nonce } =
            serde_json::from_slice(&text).with_context(|| path.display().to_string())?;
        octets(&nonce).map(Some).with_context(|| path.display().to_string())
    }

    pub(super) fn forget_outstanding(&self) -> anyhow::Result<()> {
        let path = self.place.join(OUTSTANDING);
        match fs::remove_file(&path) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                Err(error).with_context(|| path.display().to_string())
            }
            _ => Ok(()),
        }
    }
}

fn profile(stored: &Stored) -> anyhow::Result<Profile> {
    let Some((scheme, rest)) = stored.entry.split_once("://") else {
        bail!("{:?} is no URL", stored.entry);
    };
    let host = rest.split(['/', ':', '?']).next().unwrap_or_default();
    let action = if stored.browser { capabilities::BROWSER } else { capabilities::USER_ACTION };
    Ok(Profile {
        names: NAMES,
        ueid: hex::decode(&stored.ueid).map_err(|error| anyhow!("{error}"))?,
        seed: octets(&stored.seed)?,
        model: stored.model.clone(),
        capabilities: action,
        issuer_key: octets(&stored.issuer)?,
        entry: stored.entry.clone(),
        hosts: vec![host.to_owned()],
        http: scheme.eq_ignore_ascii_case("http"),
        // what opens a sealed document is forgotten with the process that asked, and what a browser downloads comes later
        sealed: !stored.browser,
    })
}

fn octets<const N: usize>(text: &str) -> anyhow::Result<[u8; N]> {
    let octets = hex::decode(text).map_err(|error| anyhow!("{error}"))?;
    octets.try_into().map_err(|octets: Vec<u8>| anyhow!("{} octets instead of {N}", octets.len()))
}

/// Writes a file for its owner only, so that it is the old one or the new one after a crash.
fn write_private(path: &Path, octets: &[u8]) -> anyhow::Result<()> {
    let beside = path.with_extension("new");
    let written =
        fs::OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&beside).and_then(
            |mut file| {
                file.write_all(octets)?;
                file.sync_all()
            },
        );
    written.and_then(|()| fs::rename(&beside, path)).with_context(|| path.display().to_string())
}

/// What the system's clock shows, in seconds since 1970.
pub(super) fn wall_clock() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs())
}

//! The license of a Linux device: the table `[license]`, the device's key, and what the agent is given of both.
//!
//! Documents and journal are in the folder `license` of the state ([`kedge_platform_linux::license`]). Each start of the agent
//! counts as a start of the device; issuers of boot budgets allow for that.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, anyhow};
use kedge_agent::agent::LicenseSetup;
use kedge_agent::license::{self, Place, Plain, Server};
use kedge_platform::identity::{HardwareId, Identity as _};
use kedge_platform::license::DeviceKey;
use kedge_platform_linux::clock::WallClock;
use kedge_platform_linux::identity::MachineIdentity;
use kedge_platform_linux::license::{FileStore, Folder, RingUnsealer};
use kedge_protocol::license::accept::{IssuerKey, KeyStore, Policy};
use kedge_protocol::license::token::capabilities;
use kedge_protocol::license::url::Allowed;
use kedge_protocol::license::{KeyId, Level, roles, session};
use ring::digest::{SHA256, digest};
use ring::signature::{Ed25519KeyPair, KeyPair as _};
use serde::Deserialize;
use toml::Spanned;

use crate::config::{Fault, Source, octets};

/// Largest document on Linux (`spec/provisioning-licensing.md` 4.3).
pub const MAX_DOCUMENT: usize = 65_536;
/// When this program's licensing was written: no document is older. 2025-11-01.
const BUILT: u64 = 1_761_955_200;

/// The table `[license]`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct Written {
    entry: Spanned<String>,
    #[serde(default)]
    hosts: Vec<String>,
    vendor: String,
    product: String,
    issuers: Spanned<Vec<IssuerEntry>>,
    device_key: Option<Spanned<PathBuf>>,
    #[serde(default)]
    allow_http: bool,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct IssuerEntry {
    name: String,
    public: Spanned<String>,
    #[serde(default = "every_role")]
    roles: Vec<Role>,
}

#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Role {
    License,
    Configuration,
    Trust,
}

fn every_role() -> Vec<Role> {
    vec![Role::License, Role::Configuration]
}

/// What the service needs for the license.
#[derive(Clone, Debug)]
pub struct License {
    entry: String,
    hosts: Vec<String>,
    vendor: String,
    product: String,
    issuers: Vec<Issuer>,
    /// The seed of the device's key.
    key: Option<[u8; 32]>,
    allow_http: bool,
    user_agent: String,
}

#[derive(Clone, Debug)]
struct Issuer {
    id: KeyId,
    name: String,
    public: [u8; 32],
    roles: u8,
}

impl License {
    /// From the table.
    pub(crate) fn new(
        source: &Source<'_>,
        written: Spanned<Written>,
        identity: &MachineIdentity,
    ) -> Result<Self, Fault> {
        let Written { entry, hosts, vendor, product, issuers, device_key, allow_http } = written.into_inner();
        let host = entry.as_ref().split_once("://").map_or("", |(_, rest)| rest);
        let host = host.split(['/', ':']).next().unwrap_or_default().to_owned();
        let hosts = if hosts.is_empty() { vec![host] } else { hosts };
        let names: Vec<_> = hosts.iter().map(String::as_str).collect();
        let allowed = Allowed { hosts: &names, http: allow_http };
        if allowed.check(entry.as_ref(), None).is_err() {
            let fix = "an https URL, whose host is in hosts if that is there";
            return Err(source.bad(&entry, "not a place for license requests", fix));
        }
        if issuers.as_ref().is_empty() || issuers.as_ref().len() > 4 {
            return Err(source.bad(
                &issuers,
                "nobody, or too many, may sign licenses",
                "one to four issuers",
            ));
        }
        let one = |issuer: &IssuerEntry| {
            let fix = "the 64 hexadecimal digits of an Ed25519 public key";
            let public = octets(issuer.public.as_ref());
            let public: [u8; 32] =
                public.ok_or_else(|| source.bad(&issuer.public, "not a public key", fix))?;
            let roles = issuer.roles.iter().fold(0, |all, role| {
                all | match role {
                    Role::License => roles::LICENSE,
                    Role::Configuration => roles::CONFIGURATION,
                    Role::Trust => roles::TRUST,
                }
            });
            Ok(Issuer { id: key_id(&public), name: issuer.name.clone(), public, roles })
        };
        let issuers = issuers.as_ref().iter().map(one).collect::<Result<_, _>>()?;
        let key = device_key.map(|file| seed(source, &file)).transpose()?;
        let user_agent = format!("{product}/{}", identity.version());
        Ok(Self { entry: entry.into_inner(), hosts, vendor, product, issuers, key, allow_http, user_agent })
    }

    /// The names of the hosts, for the session.
    pub(crate) fn hosts(&self) -> Vec<&str> {
        self.hosts.iter().map(String::as_str).collect()
    }

    /// What the agent is given.
    pub(crate) fn setup<'b>(
        &'b self,
        identity: &'b MachineIdentity,
        ueid: &'b [u8],
        hosts: &'b [&'b str],
        parts: &'b mut Parts,
    ) -> LicenseSetup<'b> {
        let Parts { key, unsealer, cookies, store } = parts;
        let level = if key.is_some() { Level::Key } else { Level::Identity };
        let policy = Policy {
            vendor: &self.vendor,
            product: &self.product,
            max_document: MAX_DOCUMENT,
            level,
            build_time: BUILT,
            allow_unsolicited: false,
            allow_eddsa: false,
        };
        let config = license::Config {
            policy,
            ueid,
            model: identity.model(),
            version: identity.version(),
            capabilities: capabilities::USER_ACTION | capabilities::LOOSE_CLOCK,
            has_clock: true,
        };
        let session = session::Config {
            vendor: &self.vendor,
            user_agent: &self.user_agent,
            language: None,
            allowed: Allowed { hosts, http: self.allow_http },
            browser: false,
        };
        LicenseSetup {
            config,
            server: Server { entry: &self.entry, session },
            keys: self,
            key: key.as_mut().map(|key| -> &mut dyn DeviceKey { key }),
            unsealer: Some(unsealer),
            cookies: Some(cookies),
            place: Place::Own(store),
            clock: Some(&WallClock),
        }
    }
}

impl KeyStore for License {
    fn find(&self, id: &KeyId) -> Option<IssuerKey<'_>> {
        let issuer = self.issuers.iter().find(|issuer| issuer.id == *id)?;
        Some(IssuerKey { key: issuer.public, roles: issuer.roles, issuer: &issuer.name })
    }
}

/// What is open while the service runs.
#[derive(Debug)]
pub(crate) struct Parts {
    key: Option<FileKey>,
    unsealer: RingUnsealer,
    cookies: Vec<u8>,
    store: Plain<FileStore<Folder>>,
}

impl Parts {
    /// Opens the store in `directory`, and takes the key.
    pub(crate) fn open(license: &License, directory: &Path) -> anyhow::Result<Self> {
        let folder = directory.join("license");
        let disk = Folder::open(&folder).with_context(|| format!("license in {}", folder.display()))?;
        let key = license.key.map(|seed| FileKey::new(&seed)).transpose()?;
        let cookies = vec![0; session::COOKIE_OCTETS];
        Ok(Self { key, unsealer: RingUnsealer::new(), cookies, store: Plain(FileStore::new(disk)) })
    }
}

/// A device key from a file: as secret as the file is.
#[derive(Debug)]
struct FileKey {
    pair: Ed25519KeyPair,
    record: [u8; 32],
}

impl FileKey {
    fn new(seed: &[u8; 32]) -> anyhow::Result<Self> {
        let pair = Ed25519KeyPair::from_seed_unchecked(seed);
        let pair = pair.map_err(|error| anyhow!("device key: {error}"))?;
        Ok(Self { pair, record: hash(&[b"license records", seed]) })
    }
}

impl DeviceKey for FileKey {
    fn public_key(&self) -> [u8; 32] {
        self.pair.public_key().as_ref().try_into().unwrap_or_default()
    }

    fn sign(&self, message: &[&[u8]]) -> [u8; 64] {
        self.pair.sign(&message.concat()).as_ref().try_into().unwrap_or([0; 64])
    }

    fn record_secret(&self) -> [u8; 32] {
        self.record
    }
}

/// The device's identity (RFC 9711 form). Neither an ESN nor a MEID has a type of its own there: type 1, and 16 octets of the
/// hash of its kind and value.
pub(crate) fn ueid(hardware: HardwareId) -> [u8; 17] {
    let hash = match hardware {
        HardwareId::Esn(esn) => hash(&[b"esn", &esn.to_be_bytes()]),
        HardwareId::Meid(meid) => hash(&[b"meid", &meid]),
    };
    let mut ueid = [1; 17];
    ueid[1..].copy_from_slice(&hash[..16]);
    ueid
}

/// The seed in a file: 32 octets, or 64 hexadecimal digits.
fn seed(source: &Source<'_>, file: &Spanned<PathBuf>) -> Result<[u8; 32], Fault> {
    let path = file.as_ref();
    let content = std::fs::read(path);
    let content = content.map_err(|error| {
        source.bad(file, format!("{} cannot be read: {error}", path.display()), "a file that is there")
    })?;
    let raw = <[u8; 32]>::try_from(content.as_slice()).ok();
    let digits = || octets(std::str::from_utf8(&content).ok()?.trim());
    raw.or_else(digits).ok_or_else(|| {
        source.bad(file, format!("{} is no key", path.display()), "32 octets: head -c 32 /dev/urandom")
    })
}

fn key_id(public: &[u8; 32]) -> KeyId {
    let mut id = KeyId::default();
    id.copy_from_slice(&hash(&[public])[..8]);
    id
}

fn hash(parts: &[&[u8]]) -> [u8; 32] {
    let mut hash = [0; 32];
    hash.copy_from_slice(digest(&SHA256, &parts.concat()).as_ref());
    hash
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Config;

    const DEVICE: &str =
        "[device]\nesn = \"80A1B2C3\"\nmake = \"Acme\"\nmodel = \"A1\"\nversion = \"1.0.0\"\n";

    fn table() -> String {
        format!(
            "{DEVICE}[license]\nentry = \"https://prov.example:8443/entry\"\nvendor = \"example\"\nproduct = \"client\"\n\
             issuers = [{{ name = \"prov.example\", public = \"{}\", roles = [\"license\", \"trust\"] }}]\n",
            "0f".repeat(32)
        )
    }

    fn parse(text: &str) -> Result<Config, Fault> {
        Config::parse(Path::new("agentd.toml"), text, Path::new("/nowhere"))
    }

    #[test]
    fn the_table_says_whom_to_trust_and_where_to_ask() {
        let license = parse(&table()).unwrap().license.unwrap();
        assert_eq!((license.hosts(), license.key), (vec!["prov.example"], None));
        let id = key_id(&[0x0F; 32]);
        let found = license.find(&id).unwrap();
        assert_eq!(
            (found.key, found.roles, found.issuer),
            ([0x0F; 32], roles::LICENSE | roles::TRUST, "prov.example")
        );
        assert_eq!(license.find(&[0; 8]), None);
        for (from, to, line, what) in [
            ("https://prov", "http://prov", 7, "not a place for license requests"),
            ("vendor =", "hosts = [\"other.example\"]\nvendor =", 7, "not a place for license requests"),
            ("issuers = [{", "issuers = [] #", 10, "nobody"),
            ("0f0f", "0f0", 10, "not a public key"),
            ("\"trust\"", "\"firmware\"", 10, "unknown variant"),
            ("vendor", "device-key = \"/dev/null\"\nvendor", 8, "is no key"),
            ("vendor", "device-key = \"/nowhere/key\"\nvendor", 8, "/nowhere/key"),
        ] {
            let fault = parse(&table().replacen(from, to, 1)).expect_err(to);
            assert_eq!(fault.line, line, "{fault}");
            assert!(fault.what.contains(what) && !fault.fix.is_empty(), "{fault}");
        }
    }

    #[test]
    fn a_device_is_known_by_a_hash_of_its_number() {
        let (esn, meid) = (ueid(HardwareId::Esn(0x80A1_B2C3)), ueid(HardwareId::Meid([0xA1; 7])));
        assert_eq!((esn[0], meid[0]), (1, 1), "RFC 9711: a random one");
        assert_ne!(esn, meid);
        let key = FileKey::new(&[3; 32]).unwrap();
        assert_ne!(key.record_secret(), [3; 32]);
        let signature = key.sign(&[b"a", b"b"]);
        let public = key.public_key();
        let verified = ring::signature::UnparsedPublicKey::new(&ring::signature::ED25519, public);
        assert!(verified.verify(b"ab", &signature).is_ok());
    }
}

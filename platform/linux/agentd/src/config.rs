//! The configuration file: TOML, every key described in `agentd.toml` beside this crate.
//!
//! What is wrong is told with file, line, and what would be right; nothing is started with a configuration that is not whole.

use std::collections::BTreeMap;
use std::fmt;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use kedge_agent::limits;
use kedge_agent::objects::{Object, Stored};
use kedge_platform::identity::HardwareId;
use kedge_platform_linux::http::Options as HttpOptions;
use kedge_platform_linux::identity::{self, MachineIdentity};
use log::LevelFilter;
use serde::Deserialize;
use toml::Spanned;

use crate::connections::{self, Connections};
use crate::license::{self, License};

/// Where the service listens unless said otherwise.
pub const SOCKET: &str = "/run/kedge/agentd.sock";
/// Smallest and largest region for packages, in MiB.
const PACKAGE_MIB: std::ops::RangeInclusive<u32> = 1..=1024;

/// What the service works by.
#[derive(Clone, Debug)]
pub struct Config {
    /// Who the device is.
    pub identity: MachineIdentity,
    /// The service programming code.
    pub spc: [u8; 6],
    /// Where the state is.
    pub directory: PathBuf,
    /// How exchanges are made.
    pub http: HttpOptions,
    /// Whether updates are installed without asking.
    pub always: bool,
    /// Factory settings: MMC objects.
    pub settings: Vec<(&'static str, String)>,
    /// How firmware is updated; none: it is not.
    pub update: Option<Update>,
    /// The license; none: the device has none to care for.
    pub license: Option<License>,
    /// Where access points go that are provisioned; none: they stay in the state.
    pub connections: Option<Connections>,
    /// Where the service listens.
    pub socket: PathBuf,
    /// What is logged.
    pub log: LevelFilter,
}

/// How firmware is updated.
#[derive(Clone, Debug)]
pub struct Update {
    /// The product that packages are made for.
    pub product: String,
    /// Octets of the region for packages.
    pub package: u32,
    /// The two slots: names as the boot loader's record has them, and files or block devices.
    pub slots: [(String, PathBuf); 2],
    /// Names and public keys of those who may sign packages.
    pub keys: Vec<(String, [u8; 32])>,
    /// The program that changes the boot loader's record ([`kedge_platform_linux::handover`]).
    pub hook: PathBuf,
    /// The file that tells which slot runs.
    pub cmdline: PathBuf,
    /// The command that restarts the machine.
    pub reboot: Vec<String>,
    /// The least security counter that is taken.
    pub security_counter: u32,
}

/// What is wrong with a configuration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// The file.
    pub file: PathBuf,
    /// The line, from 1; 0: the file as a whole.
    pub line: usize,
    /// What is wrong.
    pub what: String,
    /// What would be right.
    pub fix: String,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:", self.file.display())?;
        if self.line > 0 {
            write!(f, "{}:", self.line)?;
        }
        write!(f, " {}\n  fix: {}", self.what, self.fix)
    }
}

impl std::error::Error for Fault {}

/// The file as it is written.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct Written {
    device: Spanned<Device>,
    #[serde(default)]
    storage: Storage,
    #[serde(default)]
    network: Network,
    #[serde(default)]
    user: User,
    #[serde(default)]
    settings: BTreeMap<Spanned<String>, Spanned<String>>,
    update: Option<Spanned<Updating>>,
    license: Option<Spanned<license::Written>>,
    connections: Option<connections::Written>,
    #[serde(default)]
    control: Control,
    #[serde(default)]
    log: Log,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct Device {
    meid: Option<Spanned<String>>,
    esn: Option<Spanned<String>>,
    make: Option<String>,
    model: Option<String>,
    version: Option<String>,
    version_file: Option<Spanned<PathBuf>>,
    service_code: Option<Spanned<String>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct Storage {
    directory: Option<PathBuf>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct Network {
    roots: Option<Spanned<PathBuf>>,
    client_certificate: Option<Spanned<PathBuf>>,
    client_key: Option<Spanned<PathBuf>>,
    proxy: Option<Spanned<String>>,
    timeout_seconds: Option<Spanned<u64>>,
    #[serde(default)]
    resolve: Vec<Spanned<String>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct User {
    #[serde(default)]
    consent: Consent,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Consent {
    #[default]
    Ask,
    Always,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct Updating {
    product: String,
    hook: Spanned<PathBuf>,
    slots: Spanned<Vec<SlotEntry>>,
    keys: Spanned<Vec<KeyEntry>>,
    package_mib: Option<Spanned<u32>>,
    cmdline: Option<PathBuf>,
    reboot: Option<Spanned<Vec<String>>>,
    #[serde(default)]
    security_counter: u32,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct SlotEntry {
    name: String,
    device: PathBuf,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct KeyEntry {
    name: String,
    public: Spanned<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct Control {
    socket: Option<PathBuf>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct Log {
    #[serde(default)]
    level: Level,
}

#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Level {
    Error,
    Warning,
    #[default]
    Info,
    Debug,
}

impl Config {
    /// Reads the file, and what it names.
    pub fn read(path: &Path) -> Result<Self, Fault> {
        let text = std::fs::read_to_string(path).map_err(|error| Fault {
            file: path.to_owned(),
            line: 0,
            what: format!("cannot be read: {error}"),
            fix: "name another file with --config, or write one from the example agentd.toml".to_owned(),
        })?;
        Self::parse(path, &text, Path::new("/"))
    }

    /// Reads the text of the file `path`, on a machine whose root folder is `root`.
    pub fn parse(path: &Path, text: &str, root: &Path) -> Result<Self, Fault> {
        let source = Source { path, text };
        let written: Written = toml::from_str(text).map_err(|error| source.not_toml(&error))?;
        let identity = source.identity(&written.device, root)?;
        let license = written.license.map(|license| License::new(&source, license, &identity)).transpose()?;
        let connections = written.connections.map(|table| Connections::new(&source, table)).transpose()?;
        Ok(Self {
            identity,
            license,
            connections,
            spc: source.service_code(written.device.as_ref())?,
            directory: written.storage.directory.unwrap_or_else(|| "/var/lib/kedge".into()),
            http: source.http(&written.network)?,
            always: written.user.consent == Consent::Always,
            settings: written
                .settings
                .iter()
                .map(|(name, value)| source.setting(name, value))
                .collect::<Result<_, _>>()?,
            update: written.update.map(|update| source.update(update)).transpose()?,
            socket: written.control.socket.unwrap_or_else(|| SOCKET.into()),
            log: match written.log.level {
                Level::Error => LevelFilter::Error,
                Level::Warning => LevelFilter::Warn,
                Level::Info => LevelFilter::Info,
                Level::Debug => LevelFilter::Debug,
            },
        })
    }
}

/// The file, for faults.
#[derive(Clone, Copy)]
pub(crate) struct Source<'a> {
    path: &'a Path,
    text: &'a str,
}

impl Source<'_> {
    fn fault(&self, at: usize, what: impl Into<String>, fix: impl Into<String>) -> Fault {
        let line = 1 + self.text.get(..at).unwrap_or_default().matches('\n').count();
        Fault { file: self.path.to_owned(), line, what: what.into(), fix: fix.into() }
    }

    /// A fault of something in the file.
    pub(crate) fn bad<T>(&self, what: &Spanned<T>, why: impl Into<String>, fix: impl Into<String>) -> Fault {
        self.fault(what.span().start, why, fix)
    }

    fn not_toml(&self, error: &toml::de::Error) -> Fault {
        let message = error.message();
        let fix = match message {
            _ if message.starts_with("unknown field") => {
                "remove the key, or correct its name: agentd.toml lists all"
            }
            _ if message.starts_with("missing field") => "add the key: agentd.toml describes it",
            _ if message.starts_with("unknown variant") => "one of the values that are listed",
            _ => "agentd.toml shows how it is written",
        };
        self.fault(error.span().map_or(0, |span| span.start), message, fix)
    }

    fn identity(&self, device: &Spanned<Device>, root: &Path) -> Result<MachineIdentity, Fault> {
        let hardware = self.hardware(device)?;
        let written = device.as_ref();
        let (make, model) = identity::make_and_model(root);
        let make = written.make.clone().or(make);
        let model = written.model.clone().or(model);
        let version = match (&written.version, &written.version_file) {
            (Some(version), None) => Some(version.clone()),
            (None, Some(file)) => Some(self.version(file)?),
            (None, None) => {
                let text = std::fs::read_to_string(root.join("etc/os-release")).unwrap_or_default();
                identity::version(&text)
            }
            (Some(_), Some(file)) => {
                return Err(self.bad(file, "both version and version-file are there", "remove one of them"));
            }
        };
        let needed = |text: Option<String>, key: &str| {
            let fix = format!("add {key} = \"..\" to [device]");
            text.ok_or_else(|| self.bad(device, format!("this machine does not tell its {key}"), fix))
        };
        let (make, model) = (needed(make, "make")?, needed(model, "model")?);
        let version = needed(version, "version")?;
        MachineIdentity::new(hardware, &make, &model, &version).map_err(|bad| {
            self.bad(device, bad.to_string(), "a short text, like \"Acme\", \"A1\", \"1.4.0\"")
        })
    }

    fn hardware(&self, device: &Spanned<Device>) -> Result<HardwareId, Fault> {
        let written = device.as_ref();
        match (&written.meid, &written.esn) {
            (Some(meid), None) => {
                let fix = "14 hexadecimal digits, like \"A1000000123456\"";
                octets(meid.as_ref()).map(HardwareId::Meid).ok_or_else(|| self.bad(meid, "not a MEID", fix))
            }
            (None, Some(esn)) => {
                let fix = "8 hexadecimal digits, like \"80A1B2C3\"";
                let digits = octets(esn.as_ref()).ok_or_else(|| self.bad(esn, "not an ESN", fix))?;
                Ok(HardwareId::Esn(u32::from_be_bytes(digits)))
            }
            _ => Err(self.bad(
                device,
                "the device has no identity, or two",
                "give [device] one of meid and esn",
            )),
        }
    }

    /// A file that holds nothing but the version, or an `os-release`.
    fn version(&self, file: &Spanned<PathBuf>) -> Result<String, Fault> {
        let text = self.content(file)?;
        let plain = text.trim();
        let version = if plain.contains('=') { identity::version(plain) } else { Some(plain.to_owned()) };
        version.ok_or_else(|| {
            self.bad(file, "it tells no version", "the version alone, or IMAGE_VERSION=.. in a line")
        })
    }

    fn service_code(&self, device: &Device) -> Result<[u8; 6], Fault> {
        let Some(code) = &device.service_code else { return Ok(*b"000000") };
        let digits = code.as_ref().bytes().all(|octet| octet.is_ascii_digit());
        let code_octets = <[u8; 6]>::try_from(code.as_ref().as_bytes()).ok().filter(|_| digits);
        code_octets.ok_or_else(|| self.bad(code, "not a service programming code", "six digits"))
    }

    fn content(&self, file: &Spanned<PathBuf>) -> Result<String, Fault> {
        let path = file.as_ref();
        std::fs::read_to_string(path).map_err(|error| {
            self.bad(
                file,
                format!("{} cannot be read: {error}", path.display()),
                "name a file that can be read",
            )
        })
    }

    fn http(&self, network: &Network) -> Result<HttpOptions, Fault> {
        let mut options = HttpOptions::new(self.timeout(network.timeout_seconds.as_ref())?);
        if let Some(file) = &network.roots {
            let fix = "certificates in PEM, one or more";
            options = options
                .trust_only(&self.content(file)?)
                .map_err(|error| self.bad(file, error.to_string(), fix))?;
        }
        options = match (&network.client_certificate, &network.client_key) {
            (None, None) => options,
            (Some(chain), Some(key)) => options
                .identify(&self.content(chain)?, &self.content(key)?)
                .map_err(|error| self.bad(chain, error.to_string(), "both in PEM, and belonging together"))?,
            (Some(one), None) | (None, Some(one)) => {
                let fix = "client-certificate and client-key, or none of them";
                return Err(self.bad(one, "a client needs a certificate and its key", fix));
            }
        };
        if let Some(url) = &network.proxy {
            let fix = "proxy = \"http://proxy.example:3128\"";
            options = options.proxy(url.as_ref()).map_err(|error| self.bad(url, error.to_string(), fix))?;
        }
        for entry in &network.resolve {
            let (host, port, address) = self.resolve(entry)?;
            options = options.resolve(&host, port, address);
        }
        Ok(options)
    }

    fn timeout(&self, seconds: Option<&Spanned<u64>>) -> Result<Duration, Fault> {
        match seconds {
            Some(seconds) if !(1..=600).contains(seconds.as_ref()) => {
                Err(self.bad(seconds, "not a time for one step of an exchange", "1 to 600 seconds"))
            }
            seconds => Ok(Duration::from_secs(seconds.map_or(30, |seconds| *seconds.as_ref()))),
        }
    }

    /// `HOST:PORT=ADDRESS:PORT`.
    fn resolve(&self, entry: &Spanned<String>) -> Result<(String, u16, SocketAddr), Fault> {
        let read = || {
            let (name, address) = entry.as_ref().split_once('=')?;
            let (host, port) = name.rsplit_once(':')?;
            Some((host.to_owned(), port.parse().ok()?, address.parse().ok()?))
                .filter(|(host, ..)| !host.is_empty())
        };
        read().ok_or_else(|| {
            self.bad(entry, "not a host and its address", "\"host.example:443=192.0.2.1:8443\"")
        })
    }

    fn setting(
        &self,
        name: &Spanned<String>,
        value: &Spanned<String>,
    ) -> Result<(&'static str, String), Fault> {
        const NONE: &[Stored] = &[];
        let Some(Object::Stored(object, _)) = Object::find(name.as_ref(), NONE) else {
            let fix = "an object that is kept, like \"iota/boot-url\"; agentd.toml lists them";
            return Err(self.bad(name, format!("there is no setting {:?}", name.as_ref()), fix));
        };
        let text = value.as_ref();
        if object.form.check(text.as_bytes()).is_err() || text.len() > limits::URL {
            return Err(self.bad(
                value,
                format!("not a value for {}", object.name),
                format!("{:?}", object.form),
            ));
        }
        Ok((object.name, text.clone()))
    }

    fn update(&self, update: Spanned<Updating>) -> Result<Update, Fault> {
        let whole = update.span().start;
        let update = update.into_inner();
        let at_slots = update.slots.span().start;
        let slots: Vec<_> =
            update.slots.into_inner().into_iter().map(|slot| (slot.name, slot.device)).collect();
        let slots = <[_; 2]>::try_from(slots)
            .ok()
            .filter(|[first, second]| first.0 != second.0 && first.1 != second.1);
        let slots = slots.ok_or_else(|| {
            let fix =
                "slots = [{ name = \"A\", device = \"/dev/..\" }, { name = \"B\", device = \"/dev/..\" }]";
            self.fault(at_slots, "there must be two slots, with different names and devices", fix)
        })?;
        if update.keys.as_ref().is_empty() {
            return Err(self.bad(&update.keys, "nobody may sign packages", "add a key, or remove [update]"));
        }
        let mut keys = Vec::new();
        for key in update.keys.as_ref() {
            let public = octets(key.public.as_ref());
            let fix = "the 64 hexadecimal digits of an Ed25519 public key";
            keys.push((
                key.name.clone(),
                public.ok_or_else(|| self.bad(&key.public, "not a public key", fix))?,
            ));
        }
        let package = match &update.package_mib {
            Some(mib) if !PACKAGE_MIB.contains(mib.as_ref()) => {
                return Err(self.bad(mib, "not a size for packages", "1 to 1024 MiB"));
            }
            mib => mib.as_ref().map_or(16, |mib| *mib.as_ref()) << 20,
        };
        let reboot = match update.reboot {
            Some(command) if command.as_ref().is_empty() => {
                return Err(self.bad(
                    &command,
                    "no command",
                    "reboot = [\"/usr/bin/systemctl\", \"reboot\"]",
                ));
            }
            Some(command) => command.into_inner(),
            None => vec!["/usr/bin/systemctl".to_owned(), "reboot".to_owned()],
        };
        if update.product.is_empty() {
            return Err(self.fault(
                whole,
                "the product has no name",
                "product = \"..\", as packages are made for",
            ));
        }
        if !update.hook.as_ref().is_file() {
            let what = format!("{} is not there", update.hook.as_ref().display());
            return Err(self.bad(
                &update.hook,
                what,
                "the hook for this machine's boot loader, like /usr/lib/kedge/rauc.sh",
            ));
        }
        Ok(Update {
            product: update.product,
            package,
            slots,
            keys,
            hook: update.hook.into_inner(),
            cmdline: update.cmdline.unwrap_or_else(|| "/proc/cmdline".into()),
            reboot,
            security_counter: update.security_counter,
        })
    }
}

/// `N` octets written as hexadecimal digits.
pub(crate) fn octets<const N: usize>(digits: &str) -> Option<[u8; N]> {
    if digits.len() != 2 * N || !digits.bytes().all(|digit| digit.is_ascii_hexdigit()) {
        return None;
    }
    let mut octets = [0; N];
    for (octet, digits) in octets.iter_mut().zip(digits.as_bytes().chunks(2)) {
        *octet = u8::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()?;
    }
    Some(octets)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<Config, Fault> {
        Config::parse(Path::new("agentd.toml"), text, Path::new("/nowhere"))
    }

    const DEVICE: &str =
        "[device]\nmeid = \"A1000000123456\"\nmake = \"Acme\"\nmodel = \"A1\"\nversion = \"1.0\"\n";

    #[test]
    fn a_short_file_has_honest_defaults() {
        let config = parse(DEVICE).unwrap();
        assert_eq!(config.directory, Path::new("/var/lib/kedge"));
        assert_eq!((config.always, config.spc), (false, *b"000000"));
        assert!(config.update.is_none() && config.settings.is_empty() && config.connections.is_none());
        assert_eq!((config.socket.as_path(), config.log), (Path::new(SOCKET), LevelFilter::Info));
    }

    #[test]
    fn the_example_is_good() {
        let text = include_str!("../agentd.toml");
        let config = parse(text).unwrap();
        assert!(config.update.is_none(), "it starts on a machine without slots");
        // each line that is commented out is a key of its own: with them all, only the files are missing
        let all: String =
            text.lines().map(|line| line.strip_prefix("#: ").unwrap_or(line).to_owned() + "\n").collect();
        let fault = parse(&all).unwrap_err();
        assert!(fault.what.contains("cannot be read") || fault.what.ends_with("is not there"), "{fault}");
    }

    #[test]
    fn what_is_wrong_is_told_with_line_and_fix() {
        let long = "x".repeat(300);
        for (text, line, what) in [
            ("device = 3".to_owned(), 1, "invalid type"),
            (String::new(), 1, "missing field `device`"),
            ("[device]\nmeid = \"A1\"".into(), 2, "not a MEID"),
            ("[device]\nmeid = \"+1000000123456\"".into(), 2, "not a MEID"),
            ("[device]\nesn = \"80A1B2CG\"".into(), 2, "not an ESN"),
            ("\n[device]\nmake = \"Acme\"".into(), 2, "the device has no identity, or two"),
            ("[device]\nesn = \"80A1B2C3\"\nmodel = \"x\"".into(), 1, "this machine does not tell its make"),
            (DEVICE.replace("A1\"", "A;1\""), 1, "the model is not 1 to 64 octets"),
            (format!("{DEVICE}version-file = \"x\""), 6, "both version and version-file"),
            (format!("{DEVICE}service-code = \"12345\""), 6, "not a service programming code"),
            (format!("{DEVICE}colour = \"red\""), 6, "unknown field `colour`"),
            (format!("{DEVICE}[network]\ntimeout-seconds = 0"), 7, "not a time"),
            (
                format!("{DEVICE}[network]\nresolve = [\"a:1=127.0.0.1:1\",\n \"b=c\"]"),
                8,
                "not a host and its address",
            ),
            (format!("{DEVICE}[network]\nroots = \"/nowhere/roots\""), 7, "/nowhere/roots cannot be read"),
            (format!("{DEVICE}[network]\nroots = \"/dev/null\""), 7, "no readable certificate"),
            (format!("{DEVICE}[network]\nclient-key = \"/dev/null\""), 7, "a client needs a certificate"),
            (
                format!("{DEVICE}[network]\nclient-certificate = \"/dev/null\"\nclient-key = \"/dev/null\""),
                7,
                "no certificate in the PEM texts",
            ),
            (format!("{DEVICE}[network]\n\nproxy = \"socks5://a\""), 8, "not the URL of an HTTP proxy"),
            (format!("{DEVICE}[user]\nconsent = \"maybe\""), 7, "unknown variant `maybe`"),
            (
                format!("{DEVICE}[settings]\n\"iota/boot-uri\" = \"x\""),
                7,
                "there is no setting \"iota/boot-uri\"",
            ),
            (format!("{DEVICE}[settings]\n\"dev/make\" = \"x\""), 7, "there is no setting \"dev/make\""),
            (
                format!("{DEVICE}[settings]\n\"iota/boot-url\" = \"{long}\""),
                7,
                "not a value for iota/boot-url",
            ),
            (
                format!("{DEVICE}[settings]\n\"iota/session-timeout\" = \"x\""),
                7,
                "not a value for iota/session-timeout",
            ),
            (format!("{DEVICE}[connections]\nfolder = \"/nowhere\""), 7, "/nowhere is no folder"),
            (format!("{DEVICE}[log]\nlevel = \"loud\""), 7, "unknown variant `loud`"),
            (format!("{DEVICE}[settings\n"), 6, "unclosed table"),
        ] {
            let fault = parse(&text).expect_err(&text);
            assert_eq!(fault.line, line, "{text}: {fault}");
            assert!(fault.what.contains(what), "{text}: {fault}");
            assert!(!fault.fix.is_empty() && fault.to_string().starts_with("agentd.toml:"), "{fault}");
        }
    }

    #[test]
    fn updates_need_two_slots_a_key_and_a_hook() {
        let good = format!(
            "{DEVICE}[update]\nproduct = \"a1\"\nhook = \"/bin/sh\"\npackage-mib = 2\n\
             slots = [{{ name = \"A\", device = \"/a\" }}, {{ name = \"B\", device = \"/b\" }}]\n\
             keys = [{{ name = \"k\", public = \"{}\" }}]\n",
            "0f".repeat(32)
        );
        let update = parse(&good).unwrap().update.unwrap();
        assert_eq!((update.package, update.keys[0].1), (2 << 20, [0x0F; 32]));
        assert_eq!(update.reboot, ["/usr/bin/systemctl", "reboot"]);
        for (from, to, line, what) in [
            ("/bin/sh", "/nowhere/hook", 8, "/nowhere/hook is not there"),
            ("package-mib = 2", "package-mib = 0", 9, "not a size for packages"),
            ("\"B\"", "\"A\"", 10, "two slots"),
            ("0f0f", "0f0", 11, "not a public key"),
            ("\"a1\"", "\"\"", 6, "the product has no name"),
            ("keys = [{", "keys = [] #", 11, "nobody may sign packages"),
            ("package-mib = 2", "reboot = []", 9, "no command"),
        ] {
            let fault = parse(&good.replace(from, to)).expect_err(to);
            assert_eq!(fault.line, line, "{fault}");
            assert!(fault.what.contains(what), "{fault}");
        }
    }
}

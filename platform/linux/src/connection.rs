//! Connections by NetworkManager: a keyfile for each access point that was provisioned.
//!
//! ```text
//!  /etc/NetworkManager/system-connections/kedge-<number>.nmconnection      mode 0600, owner root
//! ```
//! NetworkManager is what Linux devices with a modem have (ModemManager knows modems and holds no settings of its own), and its
//! keyfiles are a stable interface (nm-settings-keyfile(5)): no D-Bus is needed, and the settings are there before the service
//! starts. After a change it must be told to look: `nmcli connection reload`, which is the caller's, as only he knows whether the
//! service runs.
//!
//! A file is made whole under another name, synced and renamed, and its folder is synced. A file that says the same already is
//! left alone. The name and the UUID follow from the access point's id, so that a changed access point replaces itself and what the
//! user has made himself is not touched.
//!
//! Proxies are not handed over: NetworkManager has a place for a script's address only.

use std::fmt::{self, Write as _};
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use kedge_platform::connection::{AccessPoint, Bearer, Connections, Login, Method};
use ring::digest::{SHA1_FOR_LEGACY_USE_ONLY, digest};

/// Where NetworkManager looks.
pub const FOLDER: &str = "/etc/NetworkManager/system-connections";
/// Before the number in the name of a file.
const PREFIX: &str = "kedge-";
/// The namespace of the UUIDs: a random one of its own (RFC 9562 section 5.5).
const NAMESPACE: [u8; 16] =
    [0x6b, 0x65, 0x64, 0x67, 0x65, 0x2e, 0x4e, 0x41, 0x90, 0xd1, 0x2f, 0x6c, 0x8e, 0x10, 0x7b, 0x52];

/// The folder of the keyfiles.
#[derive(Clone, Debug)]
pub struct Keyfiles {
    folder: PathBuf,
    changed: bool,
}

impl Keyfiles {
    /// Keyfiles in `folder`, usually [`FOLDER`].
    pub fn new(folder: impl Into<PathBuf>) -> Self {
        Self { folder: folder.into(), changed: false }
    }

    /// Whether a file was changed since this was asked last: then NetworkManager must be told.
    pub fn take_changed(&mut self) -> bool {
        std::mem::take(&mut self.changed)
    }

    fn replace(&self, name: &str, text: &str) -> io::Result<bool> {
        let path = self.folder.join(format!("{name}.nmconnection"));
        if fs::read(&path).is_ok_and(|known| known == text.as_bytes()) {
            return Ok(false);
        }
        // NetworkManager passes over names that begin with a dot.
        let new = self.folder.join(format!(".{name}.new"));
        let mut file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&new)?;
        file.write_all(text.as_bytes())?;
        file.sync_all()?;
        fs::rename(&new, &path)?;
        sync_folder(&self.folder)?;
        Ok(true)
    }
}

impl Connections for Keyfiles {
    type Error = io::Error;

    fn set(&mut self, point: &AccessPoint<'_>) -> io::Result<()> {
        let uuid = Uuid::of(point.id);
        let changed = self.replace(&format!("{PREFIX}{:08x}", uuid.short()), &keyfile(point, uuid))?;
        self.changed |= changed;
        Ok(())
    }
}

fn sync_folder(folder: &Path) -> io::Result<()> {
    File::open(folder)?.sync_all()
}

/// The keyfile of an access point.
fn keyfile(point: &AccessPoint<'_>, uuid: Uuid) -> String {
    let mut out = String::new();
    let mut section = |name: &str, entries: &[(&str, String)]| {
        // Writing to a string does not fail.
        let _ = writeln!(out, "[{name}]");
        for (key, value) in entries.iter().filter(|(_, value)| !value.is_empty()) {
            let _ = writeln!(out, "{key}={value}");
        }
        let _ = writeln!(out);
    };
    let kind = match point.bearer {
        Bearer::Gsm => "gsm",
        Bearer::Cdma => "cdma",
    };
    let internet = point.internet.to_string();
    section(
        "connection",
        &[
            ("id", escaped(&format!("{} ({})", point.name, point.id))),
            ("uuid", uuid.to_string()),
            ("type", kind.to_owned()),
            ("autoconnect", internet),
        ],
    );
    let (user, secret) = point.login.map_or(("", ""), |login| (login.name, login.secret));
    let mut modem = vec![("username", escaped(user)), ("password", escaped(secret))];
    match point.bearer {
        Bearer::Gsm => modem.insert(0, ("apn", escaped(point.address))),
        Bearer::Cdma => modem.insert(0, ("number", "#777".to_owned())),
    }
    section(kind, &modem);
    if let Some(refused) = point.login.and_then(refused) {
        section("ppp", &refused.map(|key| (key, "true".to_owned())));
    }
    // An access point that is for one application only must not become the way to everything.
    let never = if point.internet { "" } else { "true" };
    for (name, is_own) in [("ipv4", Family::V4), ("ipv6", Family::V6)] {
        let dns =
            point.dns.iter().filter(|address| is_own.has(address)).fold(String::new(), |mut list, a| {
                let _ = write!(list, "{a};");
                list
            });
        section(name, &[("method", "auto".to_owned()), ("dns", dns), ("never-default", never.to_owned())]);
    }
    out.truncate(out.trim_end().len());
    out.push('\n');
    out
}

/// What a login must not be used with, where it is for one method.
fn refused(login: Login<'_>) -> Option<[&'static str; 4]> {
    match login.method {
        Method::Pap => Some(["refuse-eap", "refuse-chap", "refuse-mschap", "refuse-mschapv2"]),
        Method::Chap => Some(["refuse-eap", "refuse-pap", "refuse-mschap", "refuse-mschapv2"]),
        Method::Any => None,
    }
}

/// A family of addresses.
#[derive(Clone, Copy)]
enum Family {
    V4,
    V6,
}

impl Family {
    /// Whether this is an address of the family; what is none of either is left out.
    fn has(self, address: &str) -> bool {
        match self {
            Self::V4 => address.parse::<std::net::Ipv4Addr>().is_ok(),
            Self::V6 => address.parse::<std::net::Ipv6Addr>().is_ok(),
        }
    }
}

/// A value as a keyfile has it: the escapes of GKeyFile, and no other control character.
fn escaped(text: &str) -> String {
    let inside = text.trim_start_matches(' ');
    let mut out = "\\s".repeat(text.len() - inside.len());
    for c in inside.chars() {
        match c {
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            c if c.is_control() => {}
            c => out.push(c),
        }
    }
    out
}

/// A UUID that follows from a name (RFC 9562 section 5.5).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Uuid([u8; 16]);

impl Uuid {
    fn of(name: &str) -> Self {
        let hash = digest(&SHA1_FOR_LEGACY_USE_ONLY, &[&NAMESPACE, name.as_bytes()].concat());
        let mut octets = [0; 16];
        octets.iter_mut().zip(hash.as_ref()).for_each(|(to, from)| *to = *from);
        octets[6] = octets[6] & 0x0F | 0x50;
        octets[8] = octets[8] & 0x3F | 0x80;
        Self(octets)
    }

    /// Its first part.
    fn short(self) -> u32 {
        let [a, b, c, d, ..] = self.0;
        u32::from_be_bytes([a, b, c, d])
    }
}

impl fmt::Display for Uuid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (place, octet) in self.0.iter().enumerate() {
            if matches!(place, 4 | 6 | 8 | 10) {
                f.write_str("-")?;
            }
            write!(f, "{octet:02x}")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const POINT: AccessPoint<'_> = AccessPoint {
        id: "NAP",
        name: "Example",
        bearer: Bearer::Gsm,
        address: "internet.example",
        login: Some(Login { method: Method::Pap, name: " user", secret: "a\\b\nc" }),
        dns: ["192.0.2.1", "2001:db8::1"],
        internet: true,
    };

    #[test]
    fn a_keyfile_says_what_the_access_point_says() {
        let uuid = Uuid::of("NAP");
        let expected = format!(
            "[connection]\nid=Example (NAP)\nuuid={uuid}\ntype=gsm\nautoconnect=true\n\n\
             [gsm]\napn=internet.example\nusername=\\suser\npassword=a\\\\b\\nc\n\n\
             [ppp]\nrefuse-eap=true\nrefuse-chap=true\nrefuse-mschap=true\nrefuse-mschapv2=true\n\n\
             [ipv4]\nmethod=auto\ndns=192.0.2.1;\n\n[ipv6]\nmethod=auto\ndns=2001:db8::1;\n"
        );
        assert_eq!(keyfile(&POINT, uuid), expected);
        let cdma =
            AccessPoint { bearer: Bearer::Cdma, login: None, dns: ["", "x"], internet: false, ..POINT };
        let expected = format!(
            "[connection]\nid=Example (NAP)\nuuid={uuid}\ntype=cdma\nautoconnect=false\n\n[cdma]\nnumber=#777\n\n\
             [ipv4]\nmethod=auto\nnever-default=true\n\n[ipv6]\nmethod=auto\nnever-default=true\n"
        );
        assert_eq!(keyfile(&cdma, uuid), expected);
    }

    /// A value from the network cannot add a line of its own.
    #[test]
    fn no_value_leaves_its_line() {
        let hostile = AccessPoint { name: "x\n[vpn]\ny=\u{7}z", address: "a\r\nb", ..POINT };
        let text = keyfile(&hostile, Uuid::of("NAP"));
        assert!(text.lines().all(|line| line != "[vpn]" && line != "b"), "{text}");
        assert!(!text.contains('\r') && !text.contains('\u{7}'));
    }

    #[test]
    fn uuids_follow_from_the_id() {
        // The example of RFC 9562, appendix A.4, has another namespace; the form is the same.
        let text = Uuid::of("NAP").to_string();
        assert_eq!((text.len(), &text[14..15]), (36, "5"));
        assert!(matches!(text.as_bytes()[19], b'8' | b'9' | b'a' | b'b'));
        assert_ne!(Uuid::of("NAP"), Uuid::of("NAQ"));
    }

    #[test]
    fn files_are_replaced_whole_and_only_when_they_change() -> io::Result<()> {
        let folder = std::env::temp_dir().join(format!("kedge-keyfiles-{}", std::process::id()));
        fs::create_dir_all(&folder)?;
        let mut keyfiles = Keyfiles::new(&folder);
        keyfiles.set(&POINT)?;
        assert!(keyfiles.take_changed() && !keyfiles.take_changed());
        keyfiles.set(&POINT)?;
        assert!(!keyfiles.take_changed(), "the same again changes nothing");
        keyfiles.set(&AccessPoint { address: "other", ..POINT })?;
        keyfiles.set(&AccessPoint { id: "N2", ..POINT })?;
        assert!(keyfiles.take_changed());
        let mut texts = Vec::new();
        for entry in fs::read_dir(&folder)? {
            let path = entry?.path();
            assert_eq!(path.extension().and_then(|e| e.to_str()), Some("nmconnection"));
            let mode = std::os::unix::fs::PermissionsExt::mode(&fs::metadata(&path)?.permissions());
            assert_eq!(mode & 0o777, 0o600, "secrets are the owner's alone");
            texts.push(fs::read_to_string(path)?);
        }
        assert_eq!((texts.len(), texts.iter().filter(|t| t.contains("apn=other")).count()), (2, 1));
        fs::remove_dir_all(&folder)
    }
}

//! Who a Linux machine is: make and model from DMI or the device tree, the version from `os-release`.
//!
//! A hardware identity (MEID or ESN) is the modem's; a machine without one is given its identity by whoever sets it up.

use core::fmt;
use std::fs;
use std::path::Path;

use kedge_platform::identity::{HardwareId, Identity};

/// Longest text.
const TEXT_MAX: usize = 64;

/// What boards say when their maker has not filled in the field.
const BLANKS: [&str; 7] = [
    "default string",
    "none",
    "not applicable",
    "not specified",
    "o.e.m.",
    "system manufacturer",
    "system product name",
];

/// An identity put together at the start.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MachineIdentity {
    hardware: HardwareId,
    make: String,
    model: String,
    version: String,
}

/// Which text of an identity is not 1 to 64 octets of printable ASCII without `;`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BadText {
    /// The manufacturer.
    Make,
    /// The model.
    Model,
    /// The version.
    Version,
}

impl fmt::Display for BadText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let which = match self {
            Self::Make => "make",
            Self::Model => "model",
            Self::Version => "version",
        };
        write!(f, "the {which} is not 1 to {TEXT_MAX} octets of printable ASCII without `;`")
    }
}

impl core::error::Error for BadText {}

impl MachineIdentity {
    /// An identity of these texts.
    pub fn new(hardware: HardwareId, make: &str, model: &str, version: &str) -> Result<Self, BadText> {
        let checked = |text: &str, bad| if is_fit(text) { Ok(text.to_owned()) } else { Err(bad) };
        Ok(Self {
            hardware,
            make: checked(make, BadText::Make)?,
            model: checked(model, BadText::Model)?,
            version: checked(version, BadText::Version)?,
        })
    }
}

impl Identity for MachineIdentity {
    fn hardware_id(&self) -> HardwareId {
        self.hardware
    }

    fn make(&self) -> &str {
        &self.make
    }

    fn model(&self) -> &str {
        &self.model
    }

    fn version(&self) -> &str {
        &self.version
    }
}

/// Make and model of the machine whose root folder is `root` (`/`, but in tests): from DMI (`sys/class/dmi/id`), else from the
/// device tree (`proc/device-tree`: the vendor in the first `compatible`, and `model`). What its maker has not filled in is
/// none; characters that an identity may not have become `_`.
pub fn make_and_model(root: &Path) -> (Option<String>, Option<String>) {
    let text = |name: &str| fs::read(root.join(name)).ok().and_then(|octets| tidied(&octets));
    let (dmi, tree) = ("sys/class/dmi/id", "proc/device-tree");
    let vendor = || {
        let compatible = text(&format!("{tree}/compatible"))?;
        compatible.split_once(',').map(|(vendor, _)| vendor.to_owned())
    };
    let make = text(&format!("{dmi}/sys_vendor")).or_else(vendor);
    let model = text(&format!("{dmi}/product_name")).or_else(|| text(&format!("{tree}/model")));
    (make, model)
}

/// The version in the text of an `os-release`: `IMAGE_VERSION`, else `VERSION_ID`.
pub fn version(os_release: &str) -> Option<String> {
    let value = |name: &str| {
        let line = os_release.lines().find_map(|line| line.trim().strip_prefix(name)?.strip_prefix('='))?;
        tidied(line.trim_matches(['"', '\'']).as_bytes())
    };
    value("IMAGE_VERSION").or_else(|| value("VERSION_ID"))
}

/// The first of the zero-terminated texts in a property, as an identity can have it; none if it says nothing.
fn tidied(octets: &[u8]) -> Option<String> {
    let first = octets.split(|octet| *octet == 0).next()?;
    let text = String::from_utf8_lossy(first);
    let fit = |c: char| if matches!(c, ' '..='~') && c != ';' { c } else { '_' };
    let text: String = text.trim().chars().map(fit).take(TEXT_MAX).collect();
    let known = text.to_ascii_lowercase();
    let blank = BLANKS.contains(&known.as_str()) || known.starts_with("to be filled");
    (!blank && !text.is_empty()).then(|| text.trim_end().to_owned())
}

fn is_fit(text: &str) -> bool {
    (1..=TEXT_MAX).contains(&text.len())
        && text.bytes().all(|octet| matches!(octet, b' '..=b'~') && octet != b';')
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A root folder with these files.
    fn machine(name: &str, files: &[(&str, &[u8])]) -> std::path::PathBuf {
        let root = std::env::temp_dir().join(format!("kedge-identity-{name}-{}", std::process::id()));
        for (path, octets) in files {
            let path = root.join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, octets).unwrap();
        }
        root
    }

    fn told(name: &str, files: &[(&str, &[u8])]) -> (Option<String>, Option<String>) {
        let root = machine(name, files);
        let told = make_and_model(&root);
        drop(fs::remove_dir_all(root));
        told
    }

    fn some(make: &str, model: &str) -> (Option<String>, Option<String>) {
        (Some(make.to_owned()), Some(model.to_owned()))
    }

    #[test]
    fn machines_tell_make_and_model() {
        let dmi: [(&str, &[u8]); 2] = [
            ("sys/class/dmi/id/sys_vendor", b"Acme Inc.\n"),
            ("sys/class/dmi/id/product_name", b"Box; 3\xB0\n"),
        ];
        assert_eq!(told("dmi", &dmi), some("Acme Inc.", "Box_ 3_"));
        let tree: [(&str, &[u8]); 2] = [
            ("proc/device-tree/compatible", b"acme,box-4\0soc,chip\0"),
            ("proc/device-tree/model", b"Acme Box 4 Rev 1.1\0"),
        ];
        assert_eq!(told("tree", &tree), some("acme", "Acme Box 4 Rev 1.1"));
        let blank: [(&str, &[u8]); 2] = [
            ("sys/class/dmi/id/sys_vendor", b"To Be Filled By O.E.M.\n"),
            ("sys/class/dmi/id/product_name", b"\n"),
        ];
        assert_eq!(told("blank", &blank), (None, None));
        assert_eq!(make_and_model(Path::new("/nowhere/at/all")), (None, None));
    }

    #[test]
    fn the_image_version_comes_before_that_of_the_distribution() {
        let text = "NAME=x\nVERSION_ID=\"12\"\nIMAGE_VERSION=1.4.0\n";
        assert_eq!(version(text).as_deref(), Some("1.4.0"));
        assert_eq!(version("VERSION_ID='12'").as_deref(), Some("12"));
        assert_eq!(version("MY_VERSION_ID=3\nVERSION_ID=\n"), None);
    }

    #[test]
    fn texts_that_cannot_be_sent_are_refused() {
        let of = |make: &str, model: &str, version: &str| {
            MachineIdentity::new(HardwareId::Esn(0x8000_0001), make, model, version).err()
        };
        assert_eq!(of("a", "b", "c"), None);
        assert_eq!(of("", "b", "c"), Some(BadText::Make));
        assert_eq!(of("a", "b;", "c"), Some(BadText::Model));
        assert_eq!(of("a", "b", &"c".repeat(65)), Some(BadText::Version));
        assert_eq!(of("a", "b", "\u{e9}"), Some(BadText::Version));
    }
}

//! Addresses that a server may set, and what the device tells of its features (`flows.md`: brew-url, fota-client,
//! feature-activation).
//!
//! ```text
//! BREW/ServerURL                          where the application platform asks for applications
//! FOTA/  CheckURL StatusURL PackageURL    where the device asks for updates, tells of them, and fetches them
//! Features/<x>/  BootstrapURL Active      where a feature is activated, and whether it is
//! ```
//! The values are the device's, which other protocols set too: so they are not in the tree's image. What is set is staged by
//! [`SettingsPort::stage`] and counts with the transaction; a device that commits it together with the tree's image has both or
//! neither after a power cut.

use crate::dm::{Access, Chunk, MAX_WHOLE, Nodes, Object, Rule};
use crate::syncml::{Code, Format};
use crate::wire::Writer;

/// A feature that is activated by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Feature {
    /// Browsing.
    MobileWeb,
    /// Short messages.
    TextMessaging,
    /// Pictures by message.
    PictureMessaging,
    /// Videos by message.
    VideoMessaging,
    /// Push to talk.
    Touch2Talk,
}

/// A value of the device.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Setting {
    /// The server of the application platform.
    BrewUrl,
    /// Where the device asks for firmware updates.
    CheckUrl,
    /// Where the device tells how an update went.
    StatusUrl,
    /// Where an update package is.
    PackageUrl,
    /// Where a feature is activated.
    FeatureUrl(Feature),
    /// Whether a feature is active, `true` or `false`; read only.
    FeatureActive(Feature),
}

/// Every leaf and its value.
const LEAVES: [(&str, Setting); 14] = [
    ("BREW/ServerURL", Setting::BrewUrl),
    ("FOTA/CheckURL", Setting::CheckUrl),
    ("FOTA/StatusURL", Setting::StatusUrl),
    ("FOTA/PackageURL", Setting::PackageUrl),
    ("Features/MobileWeb/BootstrapURL", Setting::FeatureUrl(Feature::MobileWeb)),
    ("Features/MobileWeb/Active", Setting::FeatureActive(Feature::MobileWeb)),
    ("Features/TextMessaging/BootstrapURL", Setting::FeatureUrl(Feature::TextMessaging)),
    ("Features/TextMessaging/Active", Setting::FeatureActive(Feature::TextMessaging)),
    ("Features/PictureMessaging/BootstrapURL", Setting::FeatureUrl(Feature::PictureMessaging)),
    ("Features/PictureMessaging/Active", Setting::FeatureActive(Feature::PictureMessaging)),
    ("Features/VideoMessaging/BootstrapURL", Setting::FeatureUrl(Feature::VideoMessaging)),
    ("Features/VideoMessaging/Active", Setting::FeatureActive(Feature::VideoMessaging)),
    ("Features/Touch2Talk/BootstrapURL", Setting::FeatureUrl(Feature::Touch2Talk)),
    ("Features/Touch2Talk/Active", Setting::FeatureActive(Feature::Touch2Talk)),
];

/// The device's values.
pub trait SettingsPort {
    /// Writes the value that counts: the staged one, the committed one, or that of the factory; nothing if there is none.
    /// `NOT_FOUND` for a value that this device does not have.
    fn read(&mut self, setting: Setting, out: &mut Writer<'_>) -> Result<(), Code>;

    /// Takes a value that counts from [`Self::commit`] on: `BAD_REQUEST` for one that is none, `DEVICE_FULL`,
    /// `FORBIDDEN` where the device does not let it be set now.
    fn stage(&mut self, setting: Setting, value: &[u8]) -> Result<(), Code>;

    /// What is staged counts, all of it or none; nothing may be staged.
    fn commit(&mut self) -> Result<(), Code>;

    /// What is staged is given up.
    fn roll_back(&mut self);
}

/// The objects of these values.
pub struct Settings<'p> {
    port: &'p mut dyn SettingsPort,
}

impl core::fmt::Debug for Settings<'_> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("Settings")
    }
}

impl<'p> Settings<'p> {
    /// The objects over the device's values.
    pub const fn new(port: &'p mut dyn SettingsPort) -> Self {
        Self { port }
    }
}

fn setting(path: &str) -> Result<Setting, Code> {
    let leaf = LEAVES.iter().find(|(known, _)| *known == path);
    leaf.map(|(_, setting)| *setting).ok_or(Code::NOT_FOUND)
}

impl Object for Settings<'_> {
    fn rules(&self) -> &'static [Rule] {
        const fn group(path: &'static str) -> Rule {
            Rule::interior(path, "")
        }
        const fn url(path: &'static str) -> Rule {
            Rule::computed(path, Format::Chr, Access::GET.and(Access::REPLACE)).limited(MAX_WHOLE)
        }
        const fn active(path: &'static str) -> Rule {
            Rule::computed(path, Format::Bool, Access::GET)
        }
        const RULES: &[Rule] = &[
            Rule::interior("BREW", "urn:x-kedge:mo:brew:1.0"),
            url("BREW/ServerURL"),
            Rule::interior("FOTA", "urn:x-kedge:mo:fota:1.0"),
            url("FOTA/CheckURL"),
            url("FOTA/StatusURL"),
            url("FOTA/PackageURL"),
            Rule::interior("Features", "urn:x-kedge:mo:features:1.0"),
            group("Features/MobileWeb"),
            url("Features/MobileWeb/BootstrapURL"),
            active("Features/MobileWeb/Active"),
            group("Features/TextMessaging"),
            url("Features/TextMessaging/BootstrapURL"),
            active("Features/TextMessaging/Active"),
            group("Features/PictureMessaging"),
            url("Features/PictureMessaging/BootstrapURL"),
            active("Features/PictureMessaging/Active"),
            group("Features/VideoMessaging"),
            url("Features/VideoMessaging/BootstrapURL"),
            active("Features/VideoMessaging/Active"),
            group("Features/Touch2Talk"),
            url("Features/Touch2Talk/BootstrapURL"),
            active("Features/Touch2Talk/Active"),
        ];
        RULES
    }

    fn get(&mut self, path: &str, _: &Nodes<'_>, out: &mut Writer<'_>) -> Result<(), Code> {
        self.port.read(setting(path)?, out)
    }

    fn put(&mut self, path: &str, chunk: &Chunk<'_>) -> Result<(), Code> {
        self.port.stage(setting(path)?, chunk.octets)
    }

    fn commit(&mut self, _: &Nodes<'_>) -> Result<(), Code> {
        self.port.commit()
    }

    fn roll_back(&mut self) {
        self.port.roll_back();
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::{Ram, text};
    use super::*;
    use crate::dm::{Caller, New, Tree, UriLimits};
    use crate::syncml::Verb;
    use std::string::{String, ToString as _};
    use std::vec::Vec;

    /// Values in RAM; only URLs are taken.
    #[derive(Default)]
    struct Values {
        staged: Vec<(Setting, String)>,
        committed: Vec<(Setting, String)>,
    }

    impl SettingsPort for Values {
        fn read(&mut self, setting: Setting, out: &mut Writer<'_>) -> Result<(), Code> {
            let found = self.committed.iter().chain(&self.staged).rev().find(|(known, _)| *known == setting);
            let value = match setting {
                Setting::FeatureActive(feature) => (feature == Feature::Touch2Talk).to_string(),
                Setting::StatusUrl => return Err(Code::NOT_FOUND),
                _ => found.map_or_else(String::new, |(_, value)| value.clone()),
            };
            out.put(value.as_bytes()).map_err(|_| Code::TOO_LARGE)
        }

        fn stage(&mut self, setting: Setting, value: &[u8]) -> Result<(), Code> {
            let text = str::from_utf8(value).unwrap();
            let good = text.starts_with("https://");
            good.then(|| self.staged.push((setting, text.into()))).ok_or(Code::BAD_REQUEST)
        }

        fn commit(&mut self) -> Result<(), Code> {
            self.committed.append(&mut self.staged);
            Ok(())
        }

        fn roll_back(&mut self) {
            self.staged.clear();
        }
    }

    #[test]
    fn every_leaf_has_a_rule_and_a_value() {
        let mut values = Values::default();
        let rules = Settings::new(&mut values).rules();
        let leaves: Vec<&str> =
            rules.iter().filter(|rule| rule.format != Format::Node).map(|rule| rule.path).collect();
        assert_eq!(leaves, LEAVES.map(|(path, _)| path));
    }

    #[test]
    fn addresses_are_set_with_the_transaction_and_activity_is_told() {
        let (mut values, mut store, mut image) = (Values::default(), Ram::default(), [0; 1024]);
        let mut settings = Settings::new(&mut values);
        let mut objects: [&mut dyn Object; 1] = [&mut settings];
        let mut tree = Tree::open(&mut image, &mut objects, &mut store, UriLimits::OWN).unwrap();
        tree.replace(Caller::Device, ".?prop=ACL", &New::value(b"Add=*&Get=*&Replace=*")).unwrap();
        tree.commit().unwrap();
        let by = Caller::Server("dms");
        let set =
            |tree: &mut Tree<'_, '_>, uri, value: &str| tree.replace(by, uri, &New::value(value.as_bytes()));
        assert_eq!(set(&mut tree, "./BREW/ServerURL", "https://one.example/"), Ok(()));
        assert_eq!(text(&mut tree, "./BREW/ServerURL"), "https://one.example/");
        tree.roll_back().unwrap();
        assert_eq!(text(&mut tree, "./BREW/ServerURL"), "");
        assert_eq!(set(&mut tree, "./BREW/ServerURL", "ftp:"), Err(Code::BAD_REQUEST));
        assert_eq!(set(&mut tree, "./BREW/ServerURL", &"x".repeat(256)), Err(Code::TOO_LARGE));
        assert_eq!(set(&mut tree, "./Features/Touch2Talk/Active", "true"), Err(Code::NOT_ALLOWED));
        assert_eq!(text(&mut tree, "./Features/Touch2Talk/Active"), "true");
        assert_eq!(text(&mut tree, "./Features/MobileWeb/Active"), "false");
        assert_eq!(text(&mut tree, "./FOTA/StatusURL"), "404");
        // A short value is handed over whole, in however many pieces it comes.
        for (offset, last, part) in [(0, false, "https://"), (8, true, "two.example/")] {
            let chunk = Chunk { offset, last, ..Chunk::whole(part.as_bytes()) };
            tree.piece(by, Verb::Replace, "./FOTA/CheckURL", &New::default(), &chunk).unwrap();
        }
        tree.commit().unwrap();
        assert_eq!(values.committed, [(Setting::CheckUrl, "https://two.example/".to_string())]);
    }
}

//! The MMC objects: names, who may do what with them, what values they take, where they are kept (`spec/iota.md` B4).

mod staged;
mod value;

pub use staged::{StageError, Staged};
pub use value::Form;

use crate::store::OBJECTS;

/// What may be done with an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Access(u8);

impl Access {
    /// Read.
    pub const R: Self = Self(1);
    /// Read, write.
    pub const RW: Self = Self(3);
    /// Read, write, delete.
    pub const RWD: Self = Self(7);
    /// Write, delete; never read back.
    pub const WD: Self = Self(6);
    /// Execute.
    pub const X: Self = Self(8);

    /// May be read.
    pub const fn read(self) -> bool {
        self.0 & 1 != 0
    }
    /// May be written.
    pub const fn write(self) -> bool {
        self.0 & 2 != 0
    }
    /// May be deleted.
    pub const fn delete(self) -> bool {
        self.0 & 4 != 0
    }
    /// May be executed.
    pub const fn exec(self) -> bool {
        self.0 & 8 != 0
    }
}

/// An object that is kept in the store.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stored {
    /// Its name.
    pub name: &'static str,
    /// What may be done with it.
    pub access: Access,
    /// What values it takes.
    pub form: Form,
    /// Whether it may only be changed in a session whose transport was authenticated.
    pub guarded: bool,
}

/// The name of an object, resolved.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Object {
    /// Kept in the store at this key.
    Stored(&'static Stored, u8),
    /// `is683/msg`.
    Is683Message,
    /// `dev/esn`.
    Esn,
    /// `dev/meid`.
    Meid,
    /// `dev/make`.
    Make,
    /// `dev/model`.
    Model,
    /// `dev/version`.
    Version,
    /// `dev/mmv`: make, model and version, separated by `;`.
    MakeModelVersion,
    /// `prl/max-size`.
    PrlMaxSize,
    /// `prl/id`.
    PrlId,
    /// `fota/state`.
    FotaState,
    /// `fota/download`.
    FotaDownload,
    /// `fota/install`.
    FotaInstall,
    /// `dev/reboot`.
    Reboot,
}

impl Object {
    /// The object called `name`, `None` if there is none. `extra` are the device maker's own.
    pub fn find(name: &str, extra: &'static [Stored]) -> Option<Self> {
        let stored = STORED.iter().chain(extra).zip(OBJECTS..).find(|(object, _)| object.name == name);
        if let Some((object, key)) = stored {
            return Some(Self::Stored(object, key));
        }
        COMPUTED.iter().find(|(known, _)| *known == name).map(|(_, object)| *object)
    }

    /// What may be done with it.
    pub const fn access(self) -> Access {
        match self {
            Self::Stored(stored, _) => stored.access,
            Self::Is683Message | Self::FotaDownload | Self::FotaInstall | Self::Reboot => Access::X,
            _ => Access::R,
        }
    }
}

const COMPUTED: [(&str, Object); 13] = [
    ("is683/msg", Object::Is683Message),
    ("dev/esn", Object::Esn),
    ("dev/meid", Object::Meid),
    ("dev/make", Object::Make),
    ("dev/model", Object::Model),
    ("dev/version", Object::Version),
    ("dev/mmv", Object::MakeModelVersion),
    ("prl/max-size", Object::PrlMaxSize),
    ("prl/id", Object::PrlId),
    ("fota/state", Object::FotaState),
    ("fota/download", Object::FotaDownload),
    ("fota/install", Object::FotaInstall),
    ("dev/reboot", Object::Reboot),
];

/// Makes a table row.
const fn row(name: &'static str, access: Access, form: Form, guarded: bool) -> Stored {
    Stored { name, access, form, guarded }
}

/// The objects kept in the store. Their order is their key: append only.
pub static STORED: [Stored; 27] = [
    row("iota/boot-url", Access::RW, Form::Url(128), true),
    row("iota/boot-nai", Access::RW, Form::Text(72), false),
    row("iota/trusted-domain", Access::RW, Form::Domain(64), true),
    row("iota/connection-timeout", Access::RW, Form::Number(5, 300), false),
    row("iota/session-timeout", Access::RW, Form::Number(60, 3600), false),
    row("phn/homepage", Access::RWD, Form::Url(128), false),
    row("phn/vending-url", Access::RWD, Form::Url(128), false),
    row("phn/dls-url", Access::RWD, Form::Url(128), false),
    row("phn/brew-url", Access::RWD, Form::Url(128), false),
    row("phn/dls-lock", Access::RW, Form::Number(0, 1), false),
    row("wap/ppg/1", Access::RWD, Form::Url(128), false),
    row("wap/ppg/2", Access::RWD, Form::Url(128), false),
    row("wap/proxy/1", Access::RWD, Form::HostPort(64), false),
    row("wap/proxy/2", Access::RWD, Form::HostPort(64), false),
    row("tls/root/1", Access::WD, Form::Octets(4096), true),
    row("tls/root/2", Access::WD, Form::Octets(4096), true),
    row("tls/root/3", Access::WD, Form::Octets(4096), true),
    row("tls/root/4", Access::WD, Form::Octets(4096), true),
    row("fota/package-url", Access::RW, Form::Url(255), true),
    row("fota/status-url", Access::RW, Form::Url(255), true),
    // Where "check for software update" goes: provisionable by the flow `fota-client` step 3, without a name in the profile.
    row("x/kedge/fota-url", Access::RW, Form::Url(255), true),
    // Where the activation of a feature begins, and what the operator's gateway says before: flow `feature-activation`.
    row("x/kedge/mobile-web-url", Access::RW, Form::Url(255), true),
    row("x/kedge/text-messaging-url", Access::RW, Form::Url(255), true),
    row("x/kedge/picture-messaging-url", Access::RW, Form::Url(255), true),
    row("x/kedge/video-messaging-url", Access::RW, Form::Url(255), true),
    row("x/kedge/touch2talk-url", Access::RW, Form::Url(255), true),
    row("x/kedge/gateway-errors", Access::RW, Form::Text(64), true),
];

/// The key of a built-in stored object.
pub fn key_of(name: &str) -> Option<u8> {
    STORED.iter().zip(OBJECTS..).find(|(object, _)| object.name == name).map(|(_, key)| key)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_resolve_and_rights_are_those_of_the_profile() {
        static EXTRA: [Stored; 1] = [row("x/acme/light", Access::RWD, Form::Number(0, 9), false)];
        let access = |name| Object::find(name, &EXTRA).map(Object::access);
        assert_eq!(access("tls/root/4"), Some(Access::WD));
        assert_eq!(access("dev/mmv"), Some(Access::R));
        assert_eq!(access("is683/msg"), Some(Access::X));
        assert_eq!(access("x/acme/light"), Some(Access::RWD));
        assert_eq!(access("IOTA/boot-url"), None);
        let Some(Object::Stored(_, key)) = Object::find("x/acme/light", &EXTRA) else { panic!("stored") };
        assert_eq!(usize::from(key - OBJECTS), STORED.len());
    }
}

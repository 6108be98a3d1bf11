//! What this device is, whom it trusts, and where it is at home. A product has keys, names and servers of its own.

use kedge_agent::agent::Management;
use kedge_agent::config::Pri;
use kedge_platform_esp32::wifi::AccessPoint;
use kedge_platform_net::tls::Roots;
use kedge_protocol::is683::engine::Capability;
use kedge_protocol::wap::Coding;
use kedge_update_agent::{Device, Key, WORDS_SMALL, Workspace};

/// The product that packages must name.
pub const NAME: &str = "kedge-esp32c3";
/// Who made it.
pub const MAKE: &str = "Kedge";
/// Its model.
pub const MODEL: &str = "C3-1";

/// The memory that the applier is lent: the small profile, images of some dozens of parts.
pub type Room = Workspace<{ WORDS_SMALL + 2048 }, 32>;

/// The access point, given to the build as `KEDGE_WIFI_NAME` and `KEDGE_WIFI_PASSWORD`.
pub const ACCESS_POINT: AccessPoint = AccessPoint {
    name: match option_env!("KEDGE_WIFI_NAME") {
        Some(name) => name,
        None => "kedge",
    },
    password: match option_env!("KEDGE_WIFI_PASSWORD") {
        Some(password) => password,
        None => "",
    },
};

/// Who tells the time.
pub const TIME_SERVER: &str = "pool.ntp.org";

/// The operator's root certificate, given to the build as `KEDGE_ROOT`; without it no server is trusted.
const ROOT: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/root.der"));
/// Who vouches for servers.
pub const ROOTS: Roots = Roots(if ROOT.is_empty() { &[] } else { &[ROOT] });

/// Factory settings.
pub const PRI: Pri<'static> = Pri {
    objects: &[
        ("iota/boot-url", "https://boot.operator.example/activate"),
        ("iota/boot-nai", "provisioning@operator.example"),
        ("iota/trusted-domain", "operator.example"),
        ("x/kedge/fota-url", "https://fota.operator.example/check"),
    ],
    spc: *b"000000",
};

/// Whose packages are taken: the test key, which is no secret.
const KEYS: [Key<'static>; 1] = [Key { id: b"kedge-test", public: TEST_KEY }];
/// The public half of `kedge_generator::Signer::test_key`.
const TEST_KEY: [u8; 32] = [
    0x5d, 0xb9, 0x6a, 0xd4, 0x80, 0x33, 0x8d, 0xd8, 0xb9, 0x50, 0xa3, 0x64, 0x50, 0xe0, 0xfa, 0xec, 0x16,
    0x72, 0x16, 0xcd, 0x00, 0xfb, 0xfd, 0xdb, 0xa5, 0xd3, 0x58, 0x92, 0x5e, 0x90, 0x2b, 0xdc,
];

/// What packages are measured against.
pub const DEVICE: Device<'static> = Device {
    product: NAME,
    version: None,
    security_counter: 1,
    keys: &KEYS,
    trial_attempts: 3,
    memory: Room::MEMORY,
};

/// Device management as it is from the factory on: no account, so only provisioning brings one.
pub const MANAGEMENT: Management<'static> = Management {
    language: "en",
    device_type: "device",
    oem: MAKE,
    software: crate::VERSION,
    hardware: MODEL,
    accounts: &[],
    root_acl: "Get=*",
    coding: Coding::Wbxml,
};

/// What the device tells of itself by IS-683: a device without a cellular modem.
pub const CAPABILITY: Capability = Capability { max_prl_size: crate::phone::PRL as u16, ..Capability::PLAIN };

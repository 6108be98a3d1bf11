//! What the device knows of OMA device management from the factory on: the operator's server. The host compares this file with the
//! server it runs.

use kedge_agent::agent::Management;
use kedge_protocol::dm::account::{
    Address, AddressType, Credentials, DmAccountSettings, Hidden, Level, MAX_ADDRESSES, Scheme,
};
use kedge_protocol::wap::Coding;

/// Octets of the tree, of the work space, of accounts and what the server is told.
pub const TREE: usize = 4 * 1024;
pub const WORK: usize = 4 * 1024;
pub const TEXTS: usize = 2 * 1024;

/// The operator's server. Its passwords are those of the simulated operator, and no secrets.
const ACCOUNT: DmAccountSettings<'static> = DmAccountSettings {
    server: "operator",
    name: Some("Operator"),
    connection: None,
    preferred: None,
    addresses: {
        let mut addresses = [None; MAX_ADDRESSES];
        let address = "https://dm.operator.example/dm";
        addresses[0] = Some(Address { address, kind: AddressType::Uri, port: None });
        addresses
    },
    credentials: [
        Some(Credentials {
            level: Level::Client,
            scheme: Scheme::Digest,
            name: "device",
            secret: Hidden(b"device-secret"),
            data: Hidden(&[]),
        }),
        Some(Credentials {
            level: Level::Server,
            scheme: Scheme::Digest,
            name: "operator",
            secret: Hidden(b"server-secret"),
            data: Hidden(&[]),
        }),
        None,
    ],
};

/// The factory data.
pub const SETUP: Management<'static> = Management {
    language: "en",
    device_type: "phone",
    oem: "Kedge",
    software: "1.0",
    hardware: "A",
    accounts: &[ACCOUNT],
    bootstrap: &[],
    bootstrap_by_push: true,
    root_acl: "Add=*&Delete=*&Exec=*&Get=*&Replace=*",
    coding: Coding::Wbxml,
};

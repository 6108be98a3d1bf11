//! What the simulated handset knows of device management from the factory on.

use kedge_agent::agent::Management;
use kedge_network::{DM_DEVICE, DM_SERVER, DM_SERVER_PASSWORD, DM_URL};
use kedge_protocol::dm::account::{
    Address, AddressType, Credentials, DmAccountSettings, Hidden, Level, MAX_ADDRESSES, Scheme,
};
use kedge_protocol::wap::Coding;

/// The operator's management server.
const ACCOUNT: DmAccountSettings<'static> = DmAccountSettings {
    server: DM_SERVER,
    name: Some("Operator"),
    connection: None,
    preferred: None,
    addresses: {
        let mut addresses = [None; MAX_ADDRESSES];
        addresses[0] = Some(Address { address: DM_URL, kind: AddressType::Uri, port: None });
        addresses
    },
    credentials: [
        Some(Credentials {
            level: Level::Client,
            scheme: Scheme::Digest,
            name: DM_DEVICE.0,
            secret: Hidden(DM_DEVICE.1.as_bytes()),
            data: Hidden(&[]),
        }),
        Some(Credentials {
            level: Level::Server,
            scheme: Scheme::Digest,
            name: DM_SERVER,
            secret: Hidden(DM_SERVER_PASSWORD.as_bytes()),
            data: Hidden(&[]),
        }),
        None,
    ],
};

/// The factory data.
pub const fn setup() -> Management<'static> {
    Management {
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
    }
}

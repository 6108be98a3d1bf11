//! Licenses on the desk: a device that holds one, the flows of section 10 of its specification, and documents in words.
//!
//! | module | what |
//! |---|---|
//! | [`device`] | what a device is; a license client alone, on any NOR flash and any HTTP connection |
//! | [`explain`] | what a document says, and what a device makes of it, step by step |
//! | [`flows`] | the flows, as programs against a [`stage::Stage`] |
//! | [`stage`] | two whole handsets, provisioning server, user and time, set up for one flow |
//! | [`net`] | the server as everybody reaches it, and the date |
//! | [`user`] | what the user does on the server's pages |
//! | [`play`] | plays a flow for the desktop command, alone or with the power cut |
//!
//! The flows run the whole [agent](kedge_agent::agent::Agent) on the simulated [handset](crate::handset), against the server
//! of [`kedge_network::provisioning`], over real HTTP and TLS on loopback, or in process with the power cut. `kedge license`
//! runs the license alone.

pub mod device;
pub mod explain;
pub mod flows;
pub mod net;
pub mod play;
pub mod stage;
pub mod user;

use kedge_network::provisioning::Names;
use kedge_protocol::wire::Writer;
use kedge_protocol::xml::base64;

/// What clients and server of the simulated operator agree on.
pub const NAMES: Names = Names { vendor: "example", product: "example-client", issuer: "prov.example" };
/// The seed of the server's signing key. It is public: nothing but tests may trust it.
pub const ISSUER_SEED: [u8; 32] = *b"kedge public test key, no trust!";
/// When the simulated devices were built, in seconds since 1970; the flows begin in 2030.
pub const BUILD_TIME: u64 = 1_700_000_000;
/// Largest document that a device on the desk takes, in octets.
pub const MAX_DOCUMENT: usize = kedge_protocol::license::limits::MAX_DOCUMENT;

/// Base64 as it stands in URLs, and on the server's page for requests by file.
pub fn base64_url(octets: &[u8]) -> String {
    let mut room = vec![0; octets.len() * 2 + 4];
    let mut w = Writer::new(&mut room);
    // there is room for it
    let _ = base64::encode_url(octets, &mut w);
    String::from_utf8_lossy(w.finish()).into_owned()
}

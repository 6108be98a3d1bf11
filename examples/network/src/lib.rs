//! The operator's side of the call flows, simulated as real servers on loopback.
//!
//! It plays `one-button` and `star-code` (activation over IOTA), `prl-update` and `brew-url` (what the network wants of a
//! device), `feature-activation` (pages, consent, settings), and `fota-client` (firmware update asked for by the device) with their variants, and it is strict: whatever a device does against the specification is written down as a [`Violation`],
//! with the step of the flow. A test that plays a flow ends by requiring that there are none.
//!
//! ```text
//!  sockets ─── serve ───┐                            ┌─ activation    boot.operator.example    http, https
//!                       ├─ Operator::exchange ─ host ┼─ update        fota.operator.example    https
//!                       │                            ├─ management    dm.operator.example      https
//!  virtual time ─ InProcess                          ├─ report        status.operator.example  https
//!                       │                            ├─ services      services.operator.example  https
//!                       │                            └─ repository    repo.operator.example    http, https, ranges
//!  radio ── Operator::register ─ VLR; messages, dial, burst ─ short messages, calls, data bursts
//!                                                       each session: numbering, repeats, framing, then the script
//! ```
//!
//! [`Operator`] has no sockets, no clock and no random source: the same requests at the same times get the same octets.
//! It is written from the specification, not from the device: documents are built and read by the grammar, and every
//! reverse IS-683 message is checked octet by octet, without the device's document codec, its message parser or its
//! sessions. Only the readers and writers under them (WBXML, XML, multipart, bit fields) and the encoder of forward
//! messages are shared.
//!
//! Licenses come from a server of its own: [`provisioning`], with pages for users and for the operator's staff, and books in
//! an embedded database.
//!
//! Every exchange leaves two [`Record`]s, the request and the response, each with its flow step and its plain meaning.
//!
//! ```
//! use kedge_network::{ACTIVATION_URL, AccountState, Config, Operator, Profile, Request, Subscriber};
//! use kedge_platform::identity::HardwareId;
//! use std::time::Duration;
//!
//! let mut operator = Operator::new(Config::default());
//! let device = HardwareId::Esn(0x1234_5678);
//! let profile = Profile::new(device, Subscriber::sample(), vec![0; 18]);
//! operator.subscribe(profile, AccountState::Pending)?;
//!
//! // A request without any of the headers a device must send:
//! let url = ACTIVATION_URL.to_owned();
//! let request = Request { method: "GET".to_owned(), url, headers: Vec::new(), body: Vec::new() };
//! let response = operator.exchange(Duration::ZERO, false, &request);
//! assert_eq!(response.status, 200);
//! assert_eq!(operator.records()[0].to_string(), "[one-button 1] -> boot.operator.example \
//!     GET http://boot.operator.example/activate: activation asked for");
//! assert!(!operator.violations().is_empty());
//! # Ok::<(), kedge_network::ProfileError>(())
//! ```

#![forbid(unsafe_code)]

mod account;
mod activation;
mod air;
mod authentication;
mod body;
mod calendar;
mod caller;
pub mod client_provisioning;
mod dm;
mod errand;
mod feature;
mod http;
mod in_process;
mod log;
mod management;
mod operator;
mod order;
pub mod provisioning;
mod repository;
mod script;
mod serve;
mod session;
mod transaction;
mod update;
mod vlr;

pub use account::{Account, AccountState, Profile, ProfileError, Refusal, Subscriber};
pub use air::{FALLBACK, STAR_CODE, WELCOME};
pub use authentication::stand_in_for_cave;
pub use body::Coding;
pub use calendar::date_time;
pub use dm::{
    DmAnswer, DmBoxed, DmConversation, DmCredentials, DmEvent, DmFault, DmHeld, DmOrder, DmPackage, DmRule,
    DmSay, DmScheme, DmScript, DmScriptError, DmServer, DmValue, DmViolation,
};
pub use errand::{Errand, ErrandState, QUEUED, Task};
pub use feature::{FeatureAnswer, FeatureOrder, NOT_PROVISIONED, SERVICES_HOST, feature_url};
pub use http::{Request, Response};
pub use in_process::InProcess;
pub use log::{Direction, Flow, Record, Rule, Step, Violation};
pub use management::{
    DM_DEVICE, DM_HOST, DM_SERVER, DM_SERVER_PASSWORD, DM_URL, Managed, Management, UpdateWay,
};
pub use operator::{
    ACTIVATION_URL, BOOT_HOST, Config, FOTA_HOST, FOTA_URL, HOSTS, NoUpdate, Operator, STATUS_HOST,
    TRUSTED_DOMAIN,
};
pub use repository::{REPOSITORY_HOST, Repository, RepositoryFault, package_url};
pub use serve::{Running, Service, WallClock, Watcher, serve};
pub use transaction::{Offer, Transaction, TransactionState, UnfitUrl, state};
pub use vlr::{Vlr, VlrEntry};

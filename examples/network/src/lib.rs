//! The operator's side of the call flows, simulated as real servers on loopback.

#![forbid(unsafe_code)]

mod account;
mod activation;
mod body;
mod caller;
mod http;
mod in_process;
mod log;
mod operator;
mod order;
mod repository;
mod script;
mod serve;
mod session;
mod transaction;
mod update;
mod vlr;

pub use account::{Account, AccountState, Profile, ProfileError, Refusal, Subscriber};
pub use body::Coding;
pub use http::{Request, Response};
pub use in_process::InProcess;
pub use log::{Direction, Flow, Record, Rule, Step, Violation};
pub use operator::{
    ACTIVATION_URL, BOOT_HOST, Config, FOTA_HOST, FOTA_URL, HOSTS, NoUpdate, Operator, STATUS_HOST, TRUSTED_DOMAIN,
};
pub use repository::{REPOSITORY_HOST, Repository, RepositoryFault, package_url};
pub use serve::{Running, Watcher, serve};
pub use transaction::{Offer, Transaction, TransactionState, UnfitUrl, state};
pub use vlr::{Vlr, VlrEntry};

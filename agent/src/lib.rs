//! The agent: triggers, dispatch, sessions, store and actions composed, without I/O.
//!
//! ```text
//!  SMS/WAP push · button · star code · timer · feature error · HTTP answer
//!         └──► trigger ──► dispatch (by MIME type) ──► session ──► store ──► action ──► platform ──► device
//!                             ▲ tunnelled content ◄──────┘        staged, then committed       sim | linux | esp32 | OEM
//!  update-agent: after the reboot applies the package to NOR/NAND and reports back through the store's outbox
//! ```
//!
//! | module | what |
//! |---|---|
//! | [`agent`] | what to do next: sessions, downloads, prompts, registration, restarts |
//! | [`runner`] | the loop that lets the platform do it |
//! | [`trigger`] | what makes the agent act |
//! | [`dispatch`] | content by media type |
//! | [`feature`] | features that the user activates, and the errors that lead there |
//! | [`objects`] | the MMC objects |
//! | [`settings`] | what was provisioned, handed to the device's connections and applications |
//! | [`store`] | what is kept: records, transactions, the outbox |
//! | [`license`] | the license of the device: kept, judged, renewed |
//! | [`event`] | everything that happens, as one typed stream |
//! | [`config`], [`limits`] | what a device maker sets; what bounds everything |
#![no_std]
#![forbid(unsafe_code)]
#![cfg_attr(
    not(test),
    deny(
        clippy::unwrap_used,
        clippy::expect_used,
        clippy::panic,
        clippy::indexing_slicing,
        clippy::arithmetic_side_effects,
        clippy::cast_possible_truncation
    )
)]

#[cfg(test)]
extern crate std;

pub mod agent;
pub mod config;
pub mod dispatch;
pub mod error;
pub mod event;
pub mod feature;
pub mod license;
pub mod limits;
pub mod objects;
mod phone;
pub mod runner;
pub mod settings;
pub mod state;
pub mod store;
pub mod trigger;

//! The C interface: `include/kedge.h` is made of this crate, by `cargo xtask capi`.
//!
//! ```text
//!  firmware in C ──kedge_agent_*──► Agent ──ports──► function pointers of the firmware
//!  boot stage in C ──kedge_boot───► Update, Applier
//! ```
//! - Nothing is global and nothing is allocated: the caller lends [`KEDGE_AGENT_SIZE`] octets for an agent, and keeps every text
//!   and table of the configuration where it is for as long as the agent lives.
//! - Each port is a structure of function pointers and a context of the caller's, which is handed back to each of them.
//! - One thread at a time may be in an agent, and no port may call the agent it is a port of.
//! - Texts that go in end with a zero octet; texts that come out are [`KedgeText`], which have a length instead.
//! - Every function that can fail returns a [`KedgeStatus`]; [`kedge_status_text`] puts it into words, and
//!   [`kedge_agent_fault`] says where.
//!
//! [`KEDGE_AGENT_SIZE`]: agent::KEDGE_AGENT_SIZE
//! [`KedgeText`]: text::KedgeText
//! [`KedgeStatus`]: status::KedgeStatus
//! [`kedge_status_text`]: status::kedge_status_text
//! [`kedge_agent_fault`]: agent::kedge_agent_fault
#![no_std]
#![allow(unsafe_code, reason = "C calls in, and is called")]
#![deny(unsafe_op_in_unsafe_fn, clippy::undocumented_unsafe_blocks)]
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

/// On a host the standard library brings the handler for panics.
#[cfg(not(target_os = "none"))]
extern crate std;

pub mod agent;
pub mod boot;
pub mod cdma;
pub mod config;
pub mod event;
pub mod ports;
pub mod status;
pub mod text;

/// Nothing in the library panics (`cargo xtask no-panic`); a firmware in C has no handler for it.
#[cfg(all(not(test), target_os = "none"))]
#[panic_handler]
fn panicked(_: &core::panic::PanicInfo<'_>) -> ! {
    loop {
        core::hint::spin_loop();
    }
}

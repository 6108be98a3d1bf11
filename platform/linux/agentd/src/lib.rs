//! `kedge-agentd`: the agent as a service of a Linux device, and what `kedgectl` needs to talk to it.
//!
//! ```text
//!  kedgectl ── socket ──► door ── orders ──► service: follow the boot loader, start the agent, run it, wait
//!  signals  ────────────►   │                    │ flash (files), HTTP, clock, identity, hook: kedge-platform-linux
//!                           └─ status ◄──────────┘
//! ```
//! Two threads. The *service* does what the agent says; when that is to wait, it waits for an order or for the time that the
//! agent named, and nothing else wakes it. The *door* waits in `poll(2)` for connections and signals, so that status can be
//! asked and the service be stopped while a server keeps it waiting. A stop takes effect between two changes of the flash.
//!
//! What survives is in files that a power cut leaves old or new ([`kedge_platform_linux::nor`]); so it makes no difference to
//! them whether the service was stopped, killed, or lost its power.
#![forbid(unsafe_code)]

pub mod config;
pub mod connections;
pub mod console;
mod door;
mod hand_over;
pub mod license;
mod machine;
pub mod protocol;
mod service;
mod watch;

pub use service::serve;

//! The bearer port on a bare network card: HTTP/1.1, TLS 1.3 and TCP without heap or operating system.
//!
//! ```text
//!  Connection (embedded-svc) ◄── Http ── Stream ──┬── the device's own: a modem with sockets, a test
//!                                                 ├── Tls: TLS 1.3, certificates to pinned roots ── Stream
//!                                                 └── Lan: DHCP, DNS, the time; Tcp ── a network card (smoltcp's Device)
//! ```
//! A device picks its layers: one whose modem has sockets brings a [`Stream`] of its own, one whose modem even does TLS needs
//! [`Http`] alone. One connection at a time, one exchange a connection, as the port wants it.
//!
//! | feature | what comes with it |
//! |---|---|
//! | none | [`Http`] on any [`Stream`] |
//! | `tcp` | `tcp::Tcp`: smoltcp on a card whose address is known |
//! | `lan` | `lan::Lan`: an address by DHCP, names by DNS, the time of day by SNTP |
//! | `tls` | `tls::Tls`: embedded-tls on any [`Stream`], with certificates checked by rustls's own verifier |
#![no_std]
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

mod framing;
mod http;
#[cfg(feature = "lan")]
pub mod lan;
mod stream;
#[cfg(feature = "tcp")]
pub mod tcp;
#[cfg(feature = "tls")]
pub mod tls;

pub use http::{Body, Head, Http, HttpError};
pub use stream::{Stream, Target};

//! The real service against the simulated network, over HTTP and TLS on loopback: flows, kills, clocks that jump, full disks,
//! signals.

mod clocks;
mod connections;
mod field;
mod flows;
mod kills;
mod license;
mod losses;
mod relay;
mod rest;
mod trouble;

//! The real service against the simulated network, over HTTP and TLS on loopback: flows, kills, full disks, signals.

mod connections;
mod field;
mod flows;
mod kills;
mod license;
mod losses;
mod rest;
mod trouble;

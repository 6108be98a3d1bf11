//! The ports on bare ESP32 chips, by esp-hal and its family; no ESP-IDF but its boot loader.
//!
//! | port | module | how |
//! |---|---|---|
//! | flash | [`flash`] | esp-storage; erases sector by sector, reads back what it wrote |
//! | boot loader | [`slots`] | the partition table on flash, the slot that runs, `otadata` |
//! | HTTP | [`wifi`] | the station under smoltcp, below `kedge_platform_net::Http` and its TLS |
//! | radio | [`wifi`] | joins the access point; there is no number to register |
//! | clock, time of day | [`clock`] | the system timer; the RTC, set by SNTP |
//! | entropy | [`entropy`] | the generator, once the radio feeds it noise |
//! | identity | [`identity`] | the MAC address in the fuses |
//! | restart | [`power`] | the chip's reset |
//!
//! It was built for the ESP32-C3, never for the ESP32-C6, and nothing of it ran on silicon; the same agent runs on an emulated
//! core of the same kind (`hil/firmware`).
//!
//! # Another way: ESP-IDF with the standard library
//!
//! Chips with Xtensa cores, and products that have ESP-IDF already, take its Rust bindings (`esp-idf-svc`) instead: its HTTP client
//! has the traits of [`kedge_platform::http`], its partitions those of [`kedge_platform::flash`], and [`slots`] is replaced by
//! `kedge_update_agent::handover::otadata` on the partition `otadata`. That variant is not in the repository: its build fetches
//! the sources of ESP-IDF, so it could not be built where the rest is tested.
#![no_std]

extern crate alloc;

pub mod clock;
pub mod entropy;
pub mod flash;
pub mod identity;
pub mod power;
pub mod slots;
pub mod wifi;

//! The ports on Linux (and other hosts with `std`): HTTP and HTTPS over ureq, rustls and ring; flash on files; clock; random
//! octets; identity. The service made of them is `kedge-agentd`.
//!
//! | port | here | notes |
//! |---|---|---|
//! | [`kedge_platform::http`] | [`http::HttpClient`] | certificate roots built in or given, fixed name table for tests |
//! | [`kedge_platform::clock`] | [`clock::SystemClock`] | the monotonic clock |
//! | [`kedge_platform::entropy`] | [`entropy::SystemEntropy`] | the kernel's generator |
//! | [`kedge_platform::flash`] | [`nor::FileNor`] | files and block devices, synced so that a power cut finds old or new |
//! | [`kedge_platform::nand`] | [`nand::MtdNand`], [`nand::FileNand`] | a raw NAND part of the kernel's; a file that stands for one |
//! | [`kedge_platform::connection`] | [`connection::Keyfiles`] | NetworkManager's files, one for each access point |
//! | [`kedge_platform::identity`] | [`identity::MachineIdentity`] | make and model from DMI or the device tree |
//! | [`kedge_platform::license`] | [`license::FileStore`] | documents and journal in a folder, renamed and synced |
//! | [`kedge_platform::loader`] | [`handover::Hook`] | a program of the OEM, for RAUC, SWUpdate and U-Boot |
//!
//! ```no_run
//! use std::time::Duration;
//!
//! use kedge_platform::http::{Connection, Method, Read, Status};
//! use kedge_platform_linux::http::{HttpClient, Options};
//!
//! let mut client = HttpClient::new(Options::new(Duration::from_secs(30)));
//! client.initiate_request(Method::Get, "https://operator.example/", &[("User-Agent", "Acme A1/1.0")])?;
//! client.initiate_response()?;
//! let mut first = [0; 512];
//! let len = client.read(&mut first)?;
//! println!("{} and {len} octets", client.status());
//! # Ok::<(), kedge_platform_linux::http::Error>(())
//! ```
//!
//! Why these crates: ureq is a blocking client without an async runtime, and gives access to name resolution; rustls with
//! ring builds without CMake or assemblers and is the same TLS on a desk and on a Linux device.
#![deny(unsafe_code)] // allowed in one file: the calls of an MTD device

pub mod clock;
pub mod connection;
pub mod entropy;
pub mod handover;
pub mod http;
pub mod identity;
pub mod license;
pub mod nand;
pub mod nor;

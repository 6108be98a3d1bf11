//! The protocols of a device-management client: bytes in, bytes out.
//!
//! Nothing in this crate allocates, reads a clock, logs or does I/O. Codecs are pairs of a *view* (judges nothing
//! beyond safe access) and a *value* (`Repr`, can only be built legal); sessions are state machines that the caller
//! drives with inputs and polls for outputs.
//!
//! | module | what | facts from |
//! |---|---|---|
//! | [`wire`] | reader, writer, bit fields, open codes, the codec error | – |
//! | [`wbxml`] | WAP Binary XML 1.1..1.3: pull reader, writer, code pages as tables | WAP-192 |
//! | [`xml`] | the text form behind the same events | XML 1.0 subset |
//! | [`mime`] | media types, multipart/related | RFC 2045, 2046, 2387 |
//! | [`wap`] | WSP headers and connectionless push, SI and SL | WAP-230, 167, 168 |
//! | [`sms`] | short messages as a bearer: SMS-DELIVER, messages of CDMA, reassembly | 3GPP TS 23.040, 3GPP2 C.S0015 |
//! | [`cp`] | client provisioning: documents, their security, from characteristics to settings | OMA-WAP-ProvCont 1.1 |
//! | [`is683`] | over-the-air service provisioning messages, blocks, engine | 3GPP2 C.S0016 |
//! | [`iota`] | MMC documents and the IOTA session | 3GPP2 C.S0040, project profile 1 |
//! | [`syncml`] | SyncML messages of device management 1.1.2 and 1.2.1 | OMA RepPro, DM_RepPro |
//! | [`dm`] | OMA device management: tree, objects, authentication, session, notification, bootstrap | OMA DM 1.2.1 |
//! | [`dlota`] | download descriptors and the download session | OMA Download 1.0 |
//! | [`fumo`] | the firmware update object: states, results, completion | OMA FUMO 1.0 |
//! | [`scomo`] | the software component object: packages and components | OMA SCOMO 1.0 |
//! | [`cbor`] | CBOR in its deterministic encoding | RFC 8949 |
//! | [`license`] | provisioning over redirects, signed documents, what a license permits | RFC 8392, 9052, project profile |
//!
//! Errors are `Copy`, carry no text and name the octet where reading stopped: see [`wire::Error`].
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

pub mod cbor;
pub mod cp;
pub mod dlota;
pub mod dm;
pub mod fumo;
pub mod iota;
pub mod is683;
pub mod license;
pub mod mime;
pub mod scomo;
pub mod sms;
pub mod syncml;
pub mod wap;
pub mod wbxml;
pub mod wire;
pub mod xml;

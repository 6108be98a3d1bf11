//! What crosses crates: flows, conformance, power failures, golden texts.

pub mod oracle_is683;
pub mod oracle_iota;
pub mod oracle_wbxml;
pub mod pair;
pub mod update;

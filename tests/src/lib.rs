//! What crosses crates: flows, conformance, power failures, golden texts.

pub mod oracle_wbxml;
pub mod update;

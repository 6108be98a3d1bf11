//! What crosses crates: flows, conformance, power failures, golden texts.

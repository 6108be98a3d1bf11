//! The operator's side of the call flows, simulated as real servers on loopback.

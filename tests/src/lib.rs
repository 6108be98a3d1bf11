//! What crosses crates: flows, conformance, power failures, golden texts.

pub mod capture;
pub mod encrypted;
pub mod hostile;
pub mod life;
pub mod oracle_iota;
pub mod oracle_is683;
pub mod oracle_wbxml;
pub mod pair;
pub mod powerfail;
pub mod syncml;
pub mod update;

/// Prints a figure that belongs into the record of a test run, like `println!`, but also when the test passes (the harness
/// hides what `println!` says then).
#[macro_export]
macro_rules! figure {
    ($($text:tt)*) => {{
        use std::io::Write as _;
        let _ = writeln!(std::io::stdout(), $($text)*);
    }};
}

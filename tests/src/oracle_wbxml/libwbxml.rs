//! libwbxml's decoder, as the program `wbxml2xml`.

use std::io::Write;
use std::process::{Command, Stdio};

/// Decodes `bytes` to compact XML; otherwise the exit status (a library error number; `None` if it crashed, which is no
/// verdict).
///
/// # Panics
/// If the program cannot be started or talked to: ask [`super::installed`] before.
pub fn wbxml2xml(bytes: &[u8]) -> Result<Vec<u8>, Option<i32>> {
    let mut child = Command::new("wbxml2xml")
        .args(["-m", "0", "-o", "-", "-"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .expect("wbxml2xml starts");
    child.stdin.take().expect("has an input").write_all(bytes).expect("wbxml2xml reads");
    let output = child.wait_with_output().expect("wbxml2xml ends");
    if output.status.success() { Ok(output.stdout) } else { Err(output.status.code()) }
}

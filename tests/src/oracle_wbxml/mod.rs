//! WBXML and XML documents against independent tools: a comparable document model, the corpus, libwbxml, tshark.

mod corpus;
mod document;
mod libwbxml;
mod normal;
mod tshark;

pub use corpus::{Sample, samples};
pub use document::{Item, Label, OwnedExtension, literals, read, to_wbxml, to_xml, vocabulary_of};
pub use libwbxml::wbxml2xml;
pub use normal::{comparable, with_packed_dates};
pub use tshark::{Reading, dissect, skeleton};

/// Whether `program` can be started; otherwise says that the check is skipped for its absence.
pub fn installed(program: &str) -> bool {
    let found = std::process::Command::new(program)
        .arg("-h")
        .stdout(std::process::Stdio::null())
        .stderr(std::process::Stdio::null())
        .status()
        .is_ok();
    if !found {
        println!("SKIPPED: {program} is not installed");
    }
    found
}

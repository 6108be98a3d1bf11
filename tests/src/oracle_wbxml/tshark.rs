//! tshark's WBXML dissector: all documents in one capture, one start of the program.

use std::fs;
use std::process::Command;
use std::sync::atomic::{AtomicU32, Ordering};

use super::{Item, Label};
use crate::capture::{Dissector, exported};

/// How many captures this process wrote: its tests run side by side.
static CAPTURES: AtomicU32 = AtomicU32::new(0);

/// What tshark made of one document.
#[derive(Debug)]
pub struct Reading {
    /// Elements and attributes by name and text by content, in order: `<name`, `@name`, `=text`, `>` for an end tag.
    pub skeleton: Vec<String>,
    /// Lines that tell of trouble: malformed, unknown tokens, stray octets, warnings.
    pub complaints: Vec<String>,
    /// Whether the dissector got as far as a body.
    pub has_body: bool,
}

/// Dissects every document.
///
/// # Panics
/// If the program cannot be started (ask [`super::installed`] before), or does not give one frame for each document.
pub fn dissect(documents: &[&[u8]]) -> Vec<Reading> {
    let capture = exported(Dissector::Name("wbxml"), documents.iter().copied());
    let name =
        format!("kedge-wbxml-{}-{}.pcap", std::process::id(), CAPTURES.fetch_add(1, Ordering::Relaxed));
    let file = std::env::temp_dir().join(name);
    fs::write(&file, capture).expect("the capture can be written");
    let output = Command::new("tshark").arg("-V").arg("-r").arg(&file).output().expect("tshark starts");
    fs::remove_file(&file).expect("the capture can be removed");
    assert!(output.status.success(), "tshark: {}", String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8(output.stdout).expect("tshark writes UTF-8");
    let mut readings: Vec<Reading> = Vec::new();
    for line in text.lines() {
        if line.starts_with("Frame ") {
            readings.push(Reading { skeleton: Vec::new(), complaints: Vec::new(), has_body: false });
        } else if let Some(reading) = readings.last_mut() {
            reading.line(line);
        }
    }
    assert_eq!(readings.len(), documents.len(), "one frame for each document");
    readings
}

impl Reading {
    fn line(&mut self, line: &str) {
        let columns: Vec<_> = line.splitn(5, '|').map(str::trim).collect();
        if let [level, state, _, token, rendering] = columns[..] {
            self.has_body |= level != "Level";
            self.token(state == "Attr", token, rendering);
        }
        let lower = line.to_lowercase();
        let told_public_id = lower.contains("public id");
        if !told_public_id
            && ["malformed", "unknown", "stray", "expert info"].iter().any(|word| lower.contains(word))
        {
            self.complaints.push(line.trim().to_owned());
        }
    }

    fn token(&mut self, in_attributes: bool, token: &str, rendering: &str) {
        if token.starts_with("Known attrStart") || in_attributes && token.starts_with("LITERAL") {
            let (name, prefix) = rendering.split_once('=').unwrap_or((rendering, ""));
            // A literal attribute is rendered like an empty tag.
            self.skeleton.push(format!("@{}", bare(name)));
            push_text(&mut self.skeleton, prefix.trim_matches('\''));
        } else if token.starts_with("Known attrValue") && !rendering.starts_with('\'') {
            self.skeleton.push(rendering.to_owned());
        } else if token.starts_with("Known Tag") || token.starts_with("LITERAL") {
            self.skeleton.push(format!("<{}", bare(rendering)));
            // An element without attributes and content has no token of its own for its end.
            if rendering.ends_with("/>") {
                self.skeleton.push(">".to_owned());
            }
        } else if token.starts_with("Known attrValue") || token.starts_with("STR_") {
            let text = rendering.strip_prefix('\'').unwrap_or(rendering);
            push_text(&mut self.skeleton, text.strip_suffix('\'').unwrap_or(text));
        } else if token.starts_with("END (") && token != "END (attribute list)" {
            self.skeleton.push(">".to_owned());
        }
    }
}

/// A tag without its brackets.
fn bare(tag: &str) -> &str {
    tag.trim_start_matches('<').trim_end_matches('>').trim_end_matches('/').trim()
}

fn push_text(skeleton: &mut Vec<String>, text: &str) {
    match skeleton.last_mut() {
        _ if text.is_empty() => {}
        Some(last) if last.starts_with('=') => last.push_str(text),
        _ => skeleton.push(format!("={text}")),
    }
}

/// Our reading in the form of [`Reading::skeleton`]; octets are left out, as tshark shows only their number;
/// line feeds are escaped as it does.
pub fn skeleton(items: &[Item]) -> Vec<String> {
    let mut out = Vec::new();
    for item in items {
        match item {
            Item::Start(Label::Unknown(token)) => out.push(format!("<Tag_0x{:02X}", token.code)),
            Item::Start(Label::Named(name)) => out.push(format!("<{name}")),
            Item::Attribute(Label::Unknown(token)) => out.push(format!("@attrStart_0x{:02X}", token.code)),
            Item::Attribute(Label::Named(name)) => out.push(format!("@{name}")),
            Item::UnknownValue(token) => out.push(format!("attrValue_0x{:02X}", token.code & 0x7F)),
            Item::Text(text) => push_text(&mut out, &text.replace('\n', "\\n")),
            Item::End => out.push(">".to_owned()),
            _ => {}
        }
    }
    out
}

//! `cargo bench -p kedge-protocol --bench provisioning`: how fast provisioning documents are read, beside libwbxml in the same
//! run: the documents of the corpus, decoded to objects here and to a tree there.
//!
//! libwbxml is called by a small C program, compiled for the run, so that no start of a process is measured.

mod clock;

use std::fs;
use std::hint::black_box;
use std::path::{Path, PathBuf};
use std::process::Command;

use clock::seconds;
use kedge_protocol::cp::{Nothing, OBJECT, Objects, Wbxml, check};

/// How long each is measured, in seconds of processor time.
const SECONDS: f64 = 2.0;
/// The library, as Debian's package installs it.
const LIBRARY: &str = "/usr/lib/x86_64-linux-gnu/libwbxml2.so.1";

fn main() {
    // `cargo test --benches` starts this too
    if !std::env::args().any(|argument| argument == "--bench") {
        println!("skipped: only cargo bench runs this");
        return;
    }
    let files = documents();
    if files.is_empty() {
        println!("SKIPPED: no provisioning documents under ../shared/corpus");
        return;
    }
    let bytes: Vec<Vec<u8>> =
        files.iter().map(|path| fs::read(path).expect("a document can be read")).collect();
    let total: usize = bytes.iter().map(Vec::len).sum();
    println!("{} documents, {total} octets", bytes.len());
    let decoded = speed(&bytes, decode);
    println!("decoded to objects  {:>8.1} MB/s", decoded / 1e6);
    println!("checked as well     {:>8.1} MB/s", speed(&bytes, decode_and_check) / 1e6);
    match libwbxml(&files) {
        Some(theirs) => {
            println!("libwbxml, to a tree {:>8.1} MB/s, ratio {:.1}", theirs / 1e6, decoded / theirs);
        }
        None => println!("SKIPPED: no C compiler, or no {LIBRARY}"),
    }
}

fn documents() -> Vec<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/corpus/wbxml");
    let folders = ["prov-operators/jolla", "prov-operators/push-with-mac", "libwbxml/prov"];
    let entries =
        folders.iter().flat_map(|folder| fs::read_dir(root.join(folder)).into_iter().flatten().flatten());
    let mut files: Vec<_> = entries
        .map(|entry| entry.path())
        .filter(|path| path.extension().is_some_and(|e| e == "wbxml"))
        .collect();
    files.sort();
    files
}

/// Octets per second of processor time.
#[expect(clippy::cast_precision_loss, reason = "a figure to be read")]
fn speed(documents: &[Vec<u8>], work: fn(&[u8])) -> f64 {
    let start = seconds();
    let mut octets = 0_u64;
    while seconds() - start < SECONDS {
        for document in documents {
            work(black_box(document));
            octets += document.len() as u64;
        }
    }
    octets as f64 / (seconds() - start)
}

fn decode(document: &[u8]) {
    let mut scratch = [0; OBJECT];
    let mut objects = Objects::new(&Wbxml(document)).expect("a document");
    while let Some(object) = objects.next(&mut scratch).expect("an object") {
        black_box(object);
    }
}

fn decode_and_check(document: &[u8]) {
    black_box(check(&Wbxml(document), &mut Nothing, &mut [0; OBJECT])).expect("a sound document");
    decode(document);
}

/// The same by libwbxml; `None` if it is not there.
fn libwbxml(files: &[PathBuf]) -> Option<f64> {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("benches/libwbxml.c");
    let program = std::env::temp_dir().join(format!("kedge-libwbxml-{}", std::process::id()));
    let made = Command::new("cc").arg("-O2").arg(source).arg(LIBRARY).arg("-o").arg(&program).status();
    if !made.is_ok_and(|status| status.success()) {
        return None;
    }
    let output = Command::new(&program).arg(SECONDS.to_string()).args(files).output();
    fs::remove_file(&program).expect("the program can be removed");
    let output = output.expect("the program starts");
    assert!(output.status.success(), "libwbxml refuses a document");
    String::from_utf8_lossy(&output.stdout).trim().parse().ok()
}

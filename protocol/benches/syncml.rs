//! Reading and writing SyncML beside libwbxml, on the real messages of the corpus, in one run: octets of input per second.
//!
//! `cargo bench -p kedge-protocol --bench syncml`. Both do the same work: a whole message from one coding to the other. What
//! only this crate can do, reading a message without writing it, is shown too. The library is loaded at run time; without
//! it, or without the corpus, the bench says so.

use std::ffi::{c_char, c_int, c_ulong, c_void};
use std::hint::black_box;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use kedge_protocol::syncml::limits::SCRATCH;
use kedge_protocol::syncml::{Dialect, Element, Format, Header, Item, Message, Part, Writer};
use kedge_protocol::wap::Coding;
use kedge_protocol::wire::Error;

/// How long each measurement runs.
const PATIENCE: Duration = Duration::from_millis(700);

/// Work space, allocated once: nothing is allocated while it is measured.
struct Room {
    scratch: Vec<u8>,
    head: Vec<u8>,
    item: Vec<u8>,
    out: Vec<u8>,
}

fn main() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/corpus");
    let mut messages = Vec::new();
    collect(&folder.join("syncml"), &mut messages);
    collect(&folder.join("wbxml/aosp-dmlib"), &mut messages);
    messages.sort();
    let messages: Vec<(Coding, Vec<u8>)> = messages.iter().filter_map(|path| load(path)).collect();
    if messages.is_empty() {
        println!("SKIPPED: no messages under ../shared/corpus");
        return;
    }
    let mut room =
        Room { scratch: vec![0; 65536], head: vec![0; SCRATCH], item: vec![0; 65536], out: vec![0; 65536] };
    let library = Libwbxml::load();
    if library.is_none() {
        println!("SKIPPED: libwbxml2.so.1 is not installed; only this crate is measured");
    }
    for (from, to) in [(Coding::Wbxml, Coding::Xml), (Coding::Xml, Coding::Wbxml)] {
        let inputs: Vec<&[u8]> = messages
            .iter()
            .filter(|(coding, bytes)| {
                // Both must take it: libwbxml refuses bare ampersands.
                *coding == from
                    && library.as_ref().is_none_or(|library| library.convert(from, bytes).is_some())
            })
            .map(|(_, bytes)| bytes.as_slice())
            .collect();
        let octets: usize = inputs.iter().map(|bytes| bytes.len()).sum();
        println!("{from:?} to {to:?}: {} messages, {octets} octets", inputs.len());
        let read = measure(&inputs, |bytes| {
            black_box(read(from, bytes, &mut room)).unwrap();
        });
        let ours = measure(&inputs, |bytes| {
            black_box(convert(from, bytes, to, &mut room)).unwrap();
        });
        println!("  kedge, read          {:>8.1} MB/s", read / 1e6);
        println!("  kedge, read, written {:>8.1} MB/s", ours / 1e6);
        if let Some(library) = &library {
            let theirs = measure(&inputs, |bytes| {
                black_box(library.convert(from, bytes));
            });
            println!("  libwbxml             {:>8.1} MB/s", theirs / 1e6);
            println!("  ratio                {:>8.1}", ours / theirs);
        }
    }
}

fn collect(folder: &Path, into: &mut Vec<PathBuf>) {
    let Ok(entries) = std::fs::read_dir(folder) else { return };
    for path in entries.filter_map(|entry| entry.ok().map(|entry| entry.path())) {
        if path.is_dir() {
            collect(&path, into);
        } else if !path.to_string_lossy().ends_with(".libwbxml.xml") {
            into.push(path);
        }
    }
}

/// A message and its coding; `None` for other files.
fn load(path: &Path) -> Option<(Coding, Vec<u8>)> {
    let coding = match path.extension()?.to_str()? {
        "wbxml" => Coding::Wbxml,
        "xml" => Coding::Xml,
        _ => return None,
    };
    let bytes = std::fs::read(path).ok()?;
    Message::check(coding, &bytes, &mut vec![0; 65536]).ok()?;
    Some((coding, bytes))
}

/// Octets per second.
fn measure(inputs: &[&[u8]], mut work: impl FnMut(&[u8])) -> f64 {
    let octets: usize = inputs.iter().map(|bytes| bytes.len()).sum();
    let (start, mut rounds) = (Instant::now(), 0_u32);
    while start.elapsed() < PATIENCE {
        for bytes in inputs {
            work(bytes);
        }
        rounds += 1;
    }
    #[expect(clippy::cast_precision_loss, reason = "some ten thousand octets")]
    let total = octets as f64 * f64::from(rounds);
    total / start.elapsed().as_secs_f64()
}

/// Everything of a message, down to every item.
fn read(coding: Coding, bytes: &[u8], room: &mut Room) -> Result<usize, Error> {
    let message = Message::check(coding, bytes, &mut room.scratch)?;
    let mut parts_read = message.header(&mut room.scratch)?.message.len();
    let mut body = message.body()?;
    while let Some(element) = body.next(&mut room.head)? {
        if let Element::Command(_, mut parts) = element {
            while black_box(parts.next(&mut room.item)?).is_some() {
                parts_read += 1;
            }
        }
    }
    Ok(parts_read)
}

/// The message in the other coding.
fn convert(from: Coding, bytes: &[u8], to: Coding, room: &mut Room) -> Result<usize, Error> {
    let message = Message::of_checked(from, bytes);
    let header = message.header(&mut room.scratch)?;
    let header = Header { dtd: header.dialect().unwrap_or(Dialect::V1_2).dtd(), ..header };
    let mut writer = Writer::new(to, &mut room.out, &header)?;
    let mut body = message.body()?;
    while let Some(element) = body.next(&mut room.head)? {
        match element {
            Element::Begin(head) => writer.begin(&head)?,
            Element::End(_) => writer.end()?,
            Element::Command(head, mut parts) => {
                let mut command = writer.command(&head)?;
                while let Some(part) = parts.next(&mut room.item)? {
                    command = match part {
                        Part::TargetRef(uri) => command.target_ref(uri)?,
                        Part::SourceRef(uri) => command.source_ref(uri)?,
                        Part::Item(item) => command.item(&in_coding(item, to))?,
                    };
                }
                command.end()?;
            }
        }
    }
    let is_final = body.is_final();
    writer.finish(is_final).map(<[u8]>::len)
}

/// XML has text where WBXML may have it as octets.
fn in_coding(item: Item<'_>, to: Coding) -> Item<'_> {
    match item.data.and_then(|data| data.text()) {
        Some(text) if to == Coding::Xml && item.meta.format() != Some(Format::Bin) => item.text(text),
        _ => item,
    }
}

type Create = unsafe extern "C" fn(*mut *mut c_void) -> c_int;
type Run = unsafe extern "C" fn(*mut c_void, *const u8, c_ulong, *mut *mut u8, *mut c_ulong) -> c_int;
type Destroy = unsafe extern "C" fn(*mut c_void);

#[allow(unsafe_code, reason = "a C library is called")]
unsafe extern "C" {
    fn dlopen(name: *const c_char, flags: c_int) -> *mut c_void;
    fn dlsym(library: *mut c_void, name: *const c_char) -> *mut c_void;
    fn free(memory: *mut c_void);
}

/// The two converters of libwbxml 0.11, as its header `wbxml_conv.h` declares them.
struct Libwbxml {
    to_xml: Converter,
    to_wbxml: Converter,
}

struct Converter {
    create: Create,
    run: Run,
    destroy: Destroy,
}

impl Libwbxml {
    #[allow(unsafe_code, reason = "a C library is called")]
    fn load() -> Option<Self> {
        const NOW: c_int = 2;
        // SAFETY: the name ends with a zero; loading this library runs no code of its own.
        let library = unsafe { dlopen(c"libwbxml2.so.1".as_ptr(), NOW) };
        if library.is_null() {
            return None;
        }
        let symbol = |name: &std::ffi::CStr| {
            // SAFETY: the library was loaded and is never unloaded; the name ends with a zero.
            let address = unsafe { dlsym(library, name.as_ptr()) };
            (!address.is_null()).then_some(address)
        };
        let converter = |create: &std::ffi::CStr, run: &std::ffi::CStr, destroy: &std::ffi::CStr| {
            // SAFETY: these are functions of the types that the library's header declares.
            Some(unsafe {
                Converter {
                    create: core::mem::transmute::<*mut c_void, Create>(symbol(create)?),
                    run: core::mem::transmute::<*mut c_void, Run>(symbol(run)?),
                    destroy: core::mem::transmute::<*mut c_void, Destroy>(symbol(destroy)?),
                }
            })
        };
        Some(Self {
            to_xml: converter(
                c"wbxml_conv_wbxml2xml_create",
                c"wbxml_conv_wbxml2xml_run",
                c"wbxml_conv_wbxml2xml_destroy",
            )?,
            to_wbxml: converter(
                c"wbxml_conv_xml2wbxml_create",
                c"wbxml_conv_xml2wbxml_run",
                c"wbxml_conv_xml2wbxml_destroy",
            )?,
        })
    }

    /// How long the message is in the other coding; `None` if the library refuses it.
    #[allow(unsafe_code, reason = "a C library is called")]
    fn convert(&self, from: Coding, bytes: &[u8]) -> Option<c_ulong> {
        let Converter { create, run, destroy } =
            if from == Coding::Wbxml { &self.to_xml } else { &self.to_wbxml };
        let mut converter = core::ptr::null_mut();
        let (mut out, mut len) = (core::ptr::null_mut(), 0);
        let input_len = c_ulong::try_from(bytes.len()).ok()?;
        // SAFETY: the converter is made, used and destroyed here; the input is read only, the output is the caller's to free.
        unsafe {
            if create(&raw mut converter) != 0 {
                return None;
            }
            let status = run(converter, bytes.as_ptr(), input_len, &raw mut out, &raw mut len);
            destroy(converter);
            if !out.is_null() {
                free(out.cast());
            }
            (status == 0).then_some(len)
        }
    }
}

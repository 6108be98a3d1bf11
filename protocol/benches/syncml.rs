//! Reading and writing SyncML beside libwbxml, on the real messages of the corpus, in one run: octets of the documents per
//! second of processor time.
//!
//! `cargo bench -p kedge-protocol --bench syncml`. Decoding is from the octets to everything that is in them, once, with what is
//! wrong found on the way: read to the last item here, a tree there. *Checked* is the same after [`Message::check`], as a
//! session does it, which must know that a message is whole before it executes the first command. Encoding is from what was
//! read to the same coding. Converting is from one coding to the other, by one call there. The library is loaded at run time;
//! without it, or without the corpus, the bench says so.

mod clock;

use std::ffi::{c_char, c_int, c_ulong, c_void};
use std::hint::black_box;
use std::path::{Path, PathBuf};

use clock::seconds;
use kedge_protocol::syncml::limits::SCRATCH;
use kedge_protocol::syncml::{Dialect, Element, Format, Head, Header, Item, Message, Part, Writer};
use kedge_protocol::wap::Coding;
use kedge_protocol::wire::Error;

/// How long each measurement runs, in seconds of processor time.
const PATIENCE: f64 = 0.5;
/// Octets of the largest message, and of a libwbxml's rendering of it.
const ROOM: usize = 65536;

/// Work space, allocated once: nothing is allocated while it is measured.
struct Room {
    scratch: Vec<u8>,
    head: Vec<u8>,
    item: Vec<u8>,
    out: Vec<u8>,
}

fn main() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/corpus");
    let mut paths = Vec::new();
    collect(&folder.join("syncml"), &mut paths);
    collect(&folder.join("wbxml/aosp-dmlib"), &mut paths);
    paths.sort();
    let messages: Vec<(Coding, Vec<u8>)> = paths.iter().filter_map(|path| load(path)).collect();
    if messages.is_empty() {
        println!("SKIPPED: no messages under ../shared/corpus");
        return;
    }
    let mut room =
        Room { scratch: vec![0; ROOM], head: vec![0; SCRATCH], item: vec![0; ROOM], out: vec![0; ROOM] };
    let library = Libwbxml::load();
    if library.is_none() {
        println!("SKIPPED: libwbxml2.so.1 is not installed; only this crate is measured");
    }
    for (from, to) in [(Coding::Wbxml, Coding::Xml), (Coding::Xml, Coding::Wbxml)] {
        // Both must take it: libwbxml refuses bare ampersands.
        let taken =
            |bytes: &[u8]| library.as_ref().is_none_or(|library| library.convert(from, bytes).is_some());
        let inputs: Vec<&[u8]> = messages
            .iter()
            .filter(|(coding, bytes)| *coding == from && taken(bytes))
            .map(|(_, bytes)| bytes.as_slice())
            .collect();
        let octets: usize = inputs.iter().map(|bytes| bytes.len()).sum();
        println!("{from:?}: {} messages, {octets} octets", inputs.len());
        let ours = [
            measure(octets, &inputs, |bytes| {
                black_box(read(&Message::of_checked(from, bytes), &mut room)).unwrap();
            }),
            measure(octets, &inputs, |bytes| {
                let message = Message::check(from, bytes, &mut room.scratch).unwrap();
                black_box(read(&message, &mut room)).unwrap();
            }),
            {
                let decoded: Vec<_> = inputs.iter().map(|bytes| Decoded::of(from, bytes).unwrap()).collect();
                measure(octets, &decoded, |decoded| {
                    black_box(decoded.write(from, &mut room.out)).unwrap();
                })
            },
            measure(octets, &inputs, |bytes| {
                black_box(convert(from, bytes, to, &mut room)).unwrap();
            }),
        ];
        let theirs = library.as_ref().map(|library| {
            let trees: Vec<_> = inputs.iter().map(|bytes| library.tree(from, bytes).unwrap()).collect();
            let encoded = measure(octets, &trees, |tree| {
                black_box(library.encode(from, *tree));
            });
            for tree in trees {
                library.destroy(tree);
            }
            let decoded = measure(octets, &inputs, |bytes| {
                library.destroy(black_box(library.tree(from, bytes)).unwrap());
            });
            let converted = measure(octets, &inputs, |bytes| {
                black_box(library.convert(from, bytes));
            });
            [decoded, decoded, encoded, converted]
        });
        for (number, name) in ["decoded", "checked", "encoded", "converted"].into_iter().enumerate() {
            let ours = ours[number];
            print!("  {name:<10} kedge {:>7.1} MB/s", ours / 1e6);
            match theirs {
                Some(theirs) => {
                    let theirs = theirs[number];
                    println!(", libwbxml {:>6.1} MB/s, ratio {:>5.1}", theirs / 1e6, ours / theirs);
                }
                None => println!(),
            }
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

/// Octets per second, where one round through `inputs` stands for so many octets.
fn measure<T>(octets: usize, inputs: &[T], mut work: impl FnMut(&T)) -> f64 {
    let (start, mut rounds) = (seconds(), 0_u32);
    loop {
        inputs.iter().for_each(&mut work);
        rounds += 1;
        let took = seconds() - start;
        if took >= PATIENCE {
            #[expect(clippy::cast_precision_loss, reason = "some ten thousand octets")]
            let total = octets as f64 * f64::from(rounds);
            return total / took;
        }
    }
}

/// What is in a message, with its texts lent from wherever they are.
struct Decoded {
    header: Header<'static>,
    elements: Vec<Written>,
    is_final: bool,
}

enum Written {
    Begin(Head<'static>),
    End,
    Command(Head<'static>, Vec<Part<'static>>),
}

impl Decoded {
    fn of(coding: Coding, bytes: &[u8]) -> Result<Self, Error> {
        // Each text stays for the rest of the run.
        let room = || vec![0; ROOM].leak();
        let message = Message::check(coding, bytes.to_vec().leak(), room())?;
        let (header, mut body) = message.read(room())?;
        let header = Header { dtd: header.dialect().unwrap_or(Dialect::V1_2).dtd(), ..header };
        let mut elements = Vec::new();
        while let Some(element) = body.next(room())? {
            elements.push(match element {
                Element::Begin(head) => Written::Begin(head),
                Element::End(_) => Written::End,
                Element::Command(head, mut parts) => {
                    let mut all = Vec::new();
                    while let Some(part) = parts.next(room())? {
                        all.push(part);
                    }
                    Written::Command(head, all)
                }
            });
        }
        Ok(Self { header, elements, is_final: message.is_final() })
    }

    fn write(&self, to: Coding, out: &mut [u8]) -> Result<usize, Error> {
        let mut writer = Writer::new(to, out, &self.header)?;
        for element in &self.elements {
            match element {
                Written::Begin(head) => writer.begin(head)?,
                Written::End => writer.end()?,
                Written::Command(head, parts) => {
                    let mut command = writer.command(head)?;
                    for part in parts {
                        command = match part {
                            Part::TargetRef(uri) => command.target_ref(uri)?,
                            Part::SourceRef(uri) => command.source_ref(uri)?,
                            Part::Item(item) => command.item(&in_coding(*item, to))?,
                        };
                    }
                    command.end()?;
                }
            }
        }
        writer.finish(self.is_final).map(<[u8]>::len)
    }
}

/// Everything of a message, down to every item.
fn read(message: &Message<'_>, room: &mut Room) -> Result<usize, Error> {
    let (header, mut body) = message.read(&mut room.scratch)?;
    let mut parts_read = header.message.len();
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
    let (header, mut body) = message.read(&mut room.scratch)?;
    let header = Header { dtd: header.dialect().unwrap_or(Dialect::V1_2).dtd(), ..header };
    let mut writer = Writer::new(to, &mut room.out, &header)?;
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
type FromWbxml = unsafe extern "C" fn(*const u8, c_ulong, c_int, c_int, *mut *mut c_void) -> c_int;
type FromXml = unsafe extern "C" fn(*const u8, c_ulong, *mut *mut c_void) -> c_int;
type Encode = unsafe extern "C" fn(*mut c_void, *mut *mut u8, *mut c_ulong, *const c_void) -> c_int;

#[allow(unsafe_code, reason = "a C library is called")]
unsafe extern "C" {
    fn dlopen(name: *const c_char, flags: c_int) -> *mut c_void;
    fn dlsym(library: *mut c_void, name: *const c_char) -> *mut c_void;
    fn free(memory: *mut c_void);
}

/// The two converters of libwbxml 0.11 and what they are made of, as its headers `wbxml_conv.h` and `wbxml_tree.h` declare
/// them.
struct Libwbxml {
    to_xml: Converter,
    to_wbxml: Converter,
    from_wbxml: FromWbxml,
    from_xml: FromXml,
    as_wbxml: Encode,
    as_xml: Encode,
    destroy_tree: Destroy,
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
        // SAFETY: these are functions of the types that the library's header declares.
        let (from_wbxml, from_xml, as_wbxml, as_xml, destroy_tree) = unsafe {
            (
                core::mem::transmute::<*mut c_void, FromWbxml>(symbol(c"wbxml_tree_from_wbxml")?),
                core::mem::transmute::<*mut c_void, FromXml>(symbol(c"wbxml_tree_from_xml")?),
                core::mem::transmute::<*mut c_void, Encode>(symbol(c"wbxml_tree_to_wbxml")?),
                core::mem::transmute::<*mut c_void, Encode>(symbol(c"wbxml_tree_to_xml")?),
                core::mem::transmute::<*mut c_void, Destroy>(symbol(c"wbxml_tree_destroy")?),
            )
        };
        Some(Self {
            from_wbxml,
            from_xml,
            as_wbxml,
            as_xml,
            destroy_tree,
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

    /// The message as a tree; `None` if the library refuses it.
    #[allow(unsafe_code, reason = "a C library is called")]
    fn tree(&self, from: Coding, bytes: &[u8]) -> Option<*mut c_void> {
        let mut tree = core::ptr::null_mut();
        let len = c_ulong::try_from(bytes.len()).ok()?;
        // SAFETY: the input is read only; the tree is the caller's to destroy.
        let status = unsafe {
            match from {
                Coding::Wbxml => (self.from_wbxml)(bytes.as_ptr(), len, 0, 0, &raw mut tree),
                Coding::Xml => (self.from_xml)(bytes.as_ptr(), len, &raw mut tree),
            }
        };
        (status == 0 && !tree.is_null()).then_some(tree)
    }

    /// How long a document of the tree is.
    #[allow(unsafe_code, reason = "a C library is called")]
    fn encode(&self, to: Coding, tree: *mut c_void) -> c_ulong {
        let encode = if to == Coding::Wbxml { self.as_wbxml } else { self.as_xml };
        let (mut out, mut len) = (core::ptr::null_mut(), 0);
        // SAFETY: the tree is one of ours; without parameters the library takes its own; the output is ours to free.
        unsafe {
            assert_eq!(encode(tree, &raw mut out, &raw mut len, core::ptr::null()), 0);
            free(out.cast());
        }
        len
    }

    #[allow(unsafe_code, reason = "a C library is called")]
    fn destroy(&self, tree: *mut c_void) {
        // SAFETY: the tree is one of ours and not used again.
        unsafe { (self.destroy_tree)(tree) }
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

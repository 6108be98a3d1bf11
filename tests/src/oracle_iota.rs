//! Push and MMC vectors, and what tshark makes of pushes and of HTTP messages with several parts.

use std::fmt::Write;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicU32, Ordering};

/// A file `tests/vectors/FOLDER/NAME.txt`: `origin:`, `hex:`, and behind `text:` the golden explanation.
pub struct Vector {
    path: PathBuf,
    origin: String,
    /// The octets.
    pub bytes: Vec<u8>,
    text: String,
}

impl Vector {
    /// All vectors of a folder, in the order of their names.
    ///
    /// # Panics
    /// If a file cannot be read.
    pub fn all(folder: &str) -> Vec<Self> {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("vectors").join(folder);
        let entries = fs::read_dir(folder).expect("the vectors are there");
        let mut paths: Vec<_> = entries.map(|entry| entry.expect("a readable folder").path()).collect();
        paths.sort();
        paths.into_iter().map(Self::read).collect()
    }

    /// The vector of that name.
    ///
    /// # Panics
    /// If there is none.
    pub fn named(folder: &str, name: &str) -> Self {
        let found = Self::all(folder).into_iter().find(|vector| vector.name() == name);
        found.unwrap_or_else(|| panic!("no vector {name}"))
    }

    fn read(path: PathBuf) -> Self {
        let content = fs::read_to_string(&path).expect("a readable vector");
        let field = |name: &str| {
            let line = content.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(": "));
            line.unwrap_or_else(|| panic!("{} lacks {name}", path.display())).to_owned()
        };
        let (origin, bytes) = (field("origin"), unhex(&field("hex")));
        let text = content.split_once("\ntext:\n").map(|(_, text)| text.to_owned()).unwrap_or_default();
        Self { path, origin, bytes, text }
    }

    /// The file's name without its ending.
    pub fn name(&self) -> String {
        self.path.file_stem().unwrap_or_default().to_string_lossy().into_owned()
    }

    /// Compares `text` with the golden explanation; with `KEDGE_BLESS` in the environment it is written anew instead,
    /// to be read in the diff.
    ///
    /// # Panics
    /// If they differ.
    pub fn explain(&self, text: &str) {
        if std::env::var_os("KEDGE_BLESS").is_some() {
            let hex = hex(&self.bytes);
            let content = format!("origin: {}\nhex: {hex}\ntext:\n{text}", self.origin);
            fs::write(&self.path, content).expect("the vector can be written");
        } else {
            assert_eq!(text, self.text, "{}", self.path.display());
        }
    }
}

/// Octets as hexadecimal digits.
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, octet| {
        let _ = write!(text, "{octet:02x}");
        text
    })
}

/// Octets from hexadecimal digits; everything else is passed over.
///
/// # Panics
/// If the number of digits is odd.
pub fn unhex(text: &str) -> Vec<u8> {
    let digits: Vec<u32> = text.chars().filter_map(|c| c.to_digit(16)).collect();
    assert_eq!(digits.len() % 2, 0, "{text}");
    digits.chunks(2).filter_map(|pair| u8::try_from(pair[0] << 4 | pair[1]).ok()).collect()
}

/// How packets reach tshark's dissectors.
#[derive(Clone, Copy, Debug)]
pub enum Carrier {
    /// As UDP datagrams from port 9200 to 2948: connectionless push.
    Push,
    /// As TCP segments from port 80, one connection each: HTTP responses.
    HttpResponse,
    /// As TCP segments to port 80, one connection each: HTTP requests.
    HttpRequest,
}

/// How many captures this process wrote: its tests run side by side.
static CAPTURES: AtomicU32 = AtomicU32::new(0);

/// Dissects all packets in one capture; a line of tab-separated `fields` each. `lua` is a script that registers more.
///
/// # Panics
/// If tshark cannot be started, fails, or does not give a line for each packet.
pub fn fields(carrier: Carrier, packets: &[Vec<u8>], fields: &[&str], lua: Option<&str>) -> Vec<Vec<String>> {
    let number = CAPTURES.fetch_add(1, Ordering::Relaxed);
    let base = std::env::temp_dir().join(format!("kedge-iota-{}-{number}", std::process::id()));
    let (capture, script) = (base.with_extension("pcap"), base.with_extension("lua"));
    fs::write(&capture, pcap(carrier, packets)).expect("the capture can be written");
    let mut tshark = Command::new("tshark");
    if let Some(lua) = lua {
        fs::write(&script, lua).expect("the script can be written");
        tshark.arg("-X").arg(format!("lua_script:{}", script.display()));
    }
    tshark.arg("-r").arg(&capture).args(["-T", "fields", "-E", "aggregator=|"]);
    for field in fields {
        tshark.args(["-e", field]);
    }
    let output = tshark.output().expect("tshark starts");
    fs::remove_file(&capture).expect("the capture can be removed");
    if lua.is_some() {
        fs::remove_file(&script).expect("the script can be removed");
    }
    assert!(output.status.success(), "tshark: {}", String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8(output.stdout).expect("tshark writes UTF-8");
    let lines: Vec<Vec<String>> =
        text.lines().map(|line| line.split('\t').map(str::to_owned).collect()).collect();
    assert_eq!(lines.len(), packets.len(), "one line for each packet");
    lines
}

/// A capture file of raw IPv4 packets (link type 101), one for each payload.
fn pcap(carrier: Carrier, packets: &[Vec<u8>]) -> Vec<u8> {
    let mut capture = Vec::new();
    for field in [0xA1B2_C3D4_u32, 0x0004_0002, 0, 0, 0x0004_0000, 101] {
        capture.extend(field.to_le_bytes());
    }
    for (number, payload) in (1_u16..).zip(packets) {
        let frame = ip(carrier, number, payload);
        let len = u32::try_from(frame.len()).expect("a short packet").to_le_bytes();
        capture.extend([u32::from(number).to_le_bytes(), [0; 4], len, len].concat());
        capture.extend(frame);
    }
    capture
}

/// An IPv4 packet whose connection is told apart by its client port. Checksums are left 0, which tshark takes for
/// "not filled in".
fn ip(carrier: Carrier, number: u16, payload: &[u8]) -> Vec<u8> {
    let client = 20_000 + number;
    let (protocol, ports, header) = match carrier {
        Carrier::Push => (17, (9200, 2948), 8),
        Carrier::HttpResponse => (6, (80, client), 20),
        Carrier::HttpRequest => (6, (client, 80), 20),
    };
    let size = |header: usize| u16::try_from(payload.len() + header).expect("a short packet").to_be_bytes();
    let mut packet = vec![0x45, 0];
    packet.extend(size(20 + header));
    packet.extend([number.to_be_bytes(), [0, 0], [64, protocol], [0, 0]].concat());
    packet.extend([10, 0, 0, 1, 10, 0, 0, 2]);
    packet.extend([u16::to_be_bytes(ports.0), u16::to_be_bytes(ports.1)].concat());
    if header == 8 {
        packet.extend(size(8));
        packet.extend([0, 0]);
    } else {
        // Sequence 1, acknowledgement 1, header of 5 words, PSH and ACK, a window.
        packet.extend([0, 0, 0, 1, 0, 0, 0, 1, 0x50, 0x18, 0x20, 0, 0, 0, 0, 0]);
    }
    packet.extend(payload);
    packet
}

//! Captures of exported PDUs (link type 252), which tshark hands to a dissector that each packet names.

use std::process::{Command, Stdio};

/// Whom tshark hands the packets to.
#[derive(Clone, Copy, Debug)]
pub enum Dissector {
    /// A dissector by its name.
    Name(&'static str),
    /// The dissector that a table has for a number.
    Table(&'static str, u32),
}

/// The link type, and the tags of what stands before each packet.
const EXPORTED_PDU: u32 = 252;
const END: u16 = 0;
const NAME: u16 = 12;
const TABLE: u16 = 14;
const NUMBER: u16 = 32;

impl Dissector {
    /// What stands before each packet: tags with their lengths, each padded to whole words.
    fn head(self) -> Vec<u8> {
        let mut head = Vec::new();
        let mut tag = |tag: u16, value: &[u8]| {
            let len = value.len().next_multiple_of(4);
            head.extend(tag.to_be_bytes());
            head.extend(u16::try_from(len).expect("names are short").to_be_bytes());
            head.extend(value);
            head.resize(head.len() + len - value.len(), 0);
        };
        match self {
            Self::Name(name) => tag(NAME, name.as_bytes()),
            Self::Table(name, number) => {
                tag(TABLE, name.as_bytes());
                tag(NUMBER, &number.to_be_bytes());
            }
        }
        tag(END, &[]);
        head
    }
}

/// A capture file of these packets, in the order in which they are.
///
/// # Panics
/// If a packet is longer than a capture can tell.
pub fn exported<'p>(dissector: Dissector, packets: impl IntoIterator<Item = &'p [u8]>) -> Vec<u8> {
    let head = dissector.head();
    let mut file = Vec::new();
    for word in [0xA1B2_C3D4_u32, 0x0004_0002, 0, 0, 0xFFFF, EXPORTED_PDU] {
        file.extend(word.to_le_bytes());
    }
    for (number, packet) in (0_u32..).zip(packets) {
        let len = u32::try_from(head.len() + packet.len()).expect("packets are short");
        for word in [number, 0, len, len] {
            file.extend(word.to_le_bytes());
        }
        file.extend(&head);
        file.extend(packet);
    }
    file
}

/// Dissects a capture; for each packet the values of `fields`, of which one that occurs again is separated by `|`.
///
/// # Panics
/// If tshark cannot be started, fails, or does not give a line for each of `packets`.
pub fn read(capture: Vec<u8>, packets: usize, fields: &[&str]) -> Vec<Vec<String>> {
    let mut command = Command::new("tshark");
    command.args(["-r", "-", "-T", "fields", "-E", "aggregator=|"]);
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
    for field in fields {
        command.args(["-e", field]);
    }
    let mut tshark = command.spawn().expect("tshark starts");
    let mut input = tshark.stdin.take().expect("has an input");
    let writer = std::thread::spawn(move || std::io::Write::write_all(&mut input, &capture));
    let output = tshark.wait_with_output().expect("tshark ends");
    writer.join().expect("the writer ends").expect("tshark takes the capture");
    let text = String::from_utf8(output.stdout).expect("tshark prints text");
    let rows: Vec<Vec<String>> =
        text.lines().map(|row| row.split('\t').map(str::to_owned).collect()).collect();
    assert_eq!(rows.len(), packets, "one line for each packet");
    rows
}

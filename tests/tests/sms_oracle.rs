//! CDMA short messages read by tshark: everything that we write, it reads the same way.
//!
//! tshark does not know the header of the WAP teleservice, so the segments are compared as user data.
use std::io::Write as _;
use std::process::{Command, Stdio};

use kedge_platform_sim::random::Seeded;
use kedge_protocol::sms::Ports;
use kedge_protocol::sms::cdma::{Address, MAX_MESSAGE, Outgoing};
use kedge_tests::oracle_iota::hex;

/// What tshark is asked for, in order.
const FIELDS: [&str; 10] = [
    "ansi_637_trans.tele_id",
    "ansi_637_trans.addr_param.num_fields",
    "ansi_637_trans.addr_param.number",
    "ansi_637_tele.msg_type",
    "ansi_637_tele.msg_id",
    "ansi_637_tele.msg_header_ind",
    "ansi_637_tele.user_data.encoding",
    "ansi_637_tele.user_data.num_fields",
    "ansi_637.short_data",
    "_ws.malformed",
];

/// A message, and what it must be read as.
struct Sent {
    message: Vec<u8>,
    expected: Vec<String>,
}

fn tshark_is_there() -> bool {
    let there =
        Command::new("tshark").arg("--version").stdout(Stdio::null()).stderr(Stdio::null()).status().is_ok();
    if !there {
        println!("SKIPPED: tshark is not on the path");
    }
    there
}

/// A capture of exported PDUs (link type 252) that name the dissector of the transport layer.
fn capture(messages: &[Sent]) -> Vec<u8> {
    let mut head = vec![0, 12, 0, 16];
    head.extend(b"ansi_637_trans\0\0");
    head.extend([0; 4]);
    let mut file = Vec::new();
    for word in [0xA1B2_C3D4_u32, 2 | 4 << 16, 0, 0, 65_535, 252] {
        file.extend(word.to_le_bytes());
    }
    for Sent { message, .. } in messages {
        let len = u32::try_from(head.len() + message.len()).unwrap();
        for word in [0, 0, len, len] {
            file.extend(word.to_le_bytes());
        }
        file.extend(&head);
        file.extend(message);
    }
    file
}

fn messages() -> Vec<Sent> {
    let mut noise = Seeded::new(637);
    let mut sent = Vec::new();
    let mut buf = [0; MAX_MESSAGE];
    for n in 0..2000_usize {
        let digits: String =
            (0..=noise.below(15)).map(|_| char::from(b"0123456789*#"[noise.below(12)])).collect();
        let from = Address::new(&digits).unwrap();
        let outgoing = Outgoing { from, message_id: u16::try_from(noise.word() & 0xFFFF).unwrap() };
        let (message, teleservice, encoding, fields) = if n % 3 == 0 {
            let text: String = (0..noise.below(60))
                .map(|_| char::from(b' ' + u8::try_from(noise.below(95)).unwrap()))
                .collect();
            (outgoing.text(&text, &mut buf).unwrap().to_vec(), 4098, 2, text.len())
        } else {
            let datagram: Vec<u8> =
                (0..noise.below(400)).map(|_| u8::try_from(noise.below(256)).unwrap()).collect();
            let size = 1 + noise.below(160);
            let number = noise.below(Outgoing::segments(&datagram, size).min(255));
            let Ok(message) = outgoing.segment(Ports::PUSH, &datagram, (number, size), &mut buf) else {
                continue;
            };
            let octets = datagram.chunks(size).nth(number).map_or(0, <[u8]>::len);
            (message.to_vec(), 4100, 0, octets + if number == 0 { 7 } else { 3 })
        };
        let expected = [
            teleservice.to_string(),
            digits.len().to_string(),
            digits.clone(),
            "1".to_owned(),
            outgoing.message_id.to_string(),
            "0".to_owned(),
            encoding.to_string(),
            fields.to_string(),
            String::new(),
            String::new(),
        ];
        sent.push(Sent { message, expected: expected.to_vec() });
    }
    sent
}

#[test]
fn tshark_reads_what_is_written() {
    if !tshark_is_there() {
        return;
    }
    let sent = messages();
    let mut command = Command::new("tshark");
    command
        .args(["-r", "-", "-T", "fields"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null());
    for field in FIELDS {
        command.args(["-e", field]);
    }
    let mut tshark = command.spawn().expect("tshark starts");
    let mut input = tshark.stdin.take().expect("a pipe");
    let file = capture(&sent);
    let writer = std::thread::spawn(move || input.write_all(&file));
    let output = tshark.wait_with_output().expect("tshark runs");
    writer.join().expect("the writer ends").expect("tshark takes the capture");
    let text = String::from_utf8(output.stdout).expect("tshark prints text");
    let rows: Vec<&str> = text.lines().collect();
    assert_eq!(rows.len(), sent.len(), "one line for each message");
    let mut compared = 0;
    for (row, Sent { message, expected }) in rows.iter().zip(&sent) {
        let read: Vec<String> = row.split('\t').map(number).collect();
        assert_eq!(read, *expected, "{}", hex(message));
        compared += read.len();
    }
    kedge_tests::figure!(
        "CDMA short messages: {} messages, {compared} fields compared with tshark, 0 differences",
        sent.len()
    );
    assert!(sent.len() > 1500, "only {} messages were written", sent.len());
}

/// A number as decimal digits, whatever base tshark shows the field in; flags as 0 and 1.
fn number(text: &str) -> String {
    match text.strip_prefix("0x") {
        Some(digits) => u64::from_str_radix(digits, 16).map_or_else(|_| text.to_owned(), |n| n.to_string()),
        None => match text {
            "True" => "1".to_owned(),
            "False" => "0".to_owned(),
            other => other.to_owned(),
        },
    }
}

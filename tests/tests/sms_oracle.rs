//! Short messages read by tshark: everything that we write, it reads the same way, and puts the same datagrams together.
//!
//! tshark does not know the header of CDMA's WAP teleservice, so its segments are compared as user data.

use kedge_platform_sim::random::Seeded;
use kedge_protocol::sms::cdma::{Address, MAX_MESSAGE, Outgoing};
use kedge_protocol::sms::gsm::{
    self, Concatenation, DataCoding, Deliver, Segments, TimeStamp, UserDataHeader,
};
use kedge_protocol::sms::{Port, Ports};
use kedge_tests::capture::{Dissector, exported, read};
use kedge_tests::oracle_iota::hex;
use kedge_tests::oracle_wbxml::installed;

/// What tshark is asked for of a message of CDMA, in order.
const CDMA: [&str; 10] = [
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

/// Segments of the WAP teleservice, and texts.
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

/// Asks tshark for `fields` of each message, and compares; returns how many were compared.
fn compare(dissector: &'static str, fields: &[&str], sent: &[Sent]) -> usize {
    let capture = exported(Dissector::Name(dissector), sent.iter().map(|sent| sent.message.as_slice()));
    let rows = read(capture, sent.len(), fields);
    let mut compared = 0;
    for (row, Sent { message, expected }) in rows.iter().zip(sent) {
        let read: Vec<String> = row.iter().map(|text| number(text)).collect();
        assert_eq!(read, *expected, "{}", hex(message));
        compared += read.len();
    }
    compared
}

#[test]
fn tshark_reads_messages_of_cdma() {
    if !installed("tshark") {
        return;
    }
    let sent = messages();
    let compared = compare("ansi_637_trans", &CDMA, &sent);
    kedge_tests::figure!(
        "CDMA short messages: {} messages, {compared} fields compared with tshark, 0 differences",
        sent.len()
    );
    assert!(sent.len() > 1500, "only {} messages were written", sent.len());
}

/// What tshark is asked for of a message of GSM, in order; the length is that of a datagram which it put together.
const GSM: [&str; 13] = [
    "gsm_sms.tp-oa",
    "gsm_sms.tp-mms",
    "gsm_sms.tp-udhi",
    "gsm_sms.tp-pid",
    "gsm_sms.tp-dcs",
    "gsm_sms.scts.seconds",
    "gsm_sms.destination_port",
    "gsm_sms.originator_port",
    "gsm_sms.udh.mm.msg_id",
    "gsm_sms.udh.mm.msg_parts",
    "gsm_sms.udh.mm.msg_part",
    "gsm_sms.reassembled.length",
    "_ws.malformed",
];

/// Longest part behind a reference of 16 bits: a header of 13 octets, the length's included.
const WIDE_SEGMENT: usize = gsm::SEGMENT - 1;

/// The parts of a datagram with a reference of 8 or, if `wide`, of 16 bits.
fn parts(datagram: &[u8], ports: Ports, reference: u16, wide: bool) -> Vec<(UserDataHeader, &[u8])> {
    let Ok(narrow) = u8::try_from(reference) else { panic!("references stay small") };
    if !wide || datagram.len() <= WIDE_SEGMENT {
        return Segments::new(datagram, ports, narrow).unwrap().collect();
    }
    let total = u8::try_from(datagram.len().div_ceil(WIDE_SEGMENT)).unwrap();
    let header = |number| {
        let reference = 0x100 + reference;
        let part = Concatenation { reference, wide, total, number };
        UserDataHeader { concatenation: Some(part), ports: Some(ports) }
    };
    (1..).zip(datagram.chunks(WIDE_SEGMENT)).map(|(number, data)| (header(number), data)).collect()
}

/// Datagrams of one message to seven, of which every other one has references of 16 bits, one after the other.
fn datagrams() -> Vec<Sent> {
    let mut noise = Seeded::new(23_040);
    let mut below = |limit: usize| noise.below(limit);
    let mut sent = Vec::new();
    for n in 0..400_u16 {
        // Of fewer than three digits tshark reads a country code that is not there.
        let digits: String = (0..3 + below(13)).map(|_| char::from(b"0123456789"[below(10)])).collect();
        let from = gsm::Address::international(&digits).unwrap();
        let len = 1 + 2 * usize::from(n);
        let datagram: Vec<u8> = (0..len).map(|_| u8::try_from(below(256)).unwrap()).collect();
        // No port that tshark has a dissector for.
        let [destination, source] = [(); 2].map(|()| Port(u16::try_from(50_000 + below(9000)).unwrap()));
        let seconds = u8::try_from(below(60)).unwrap();
        let parts = parts(&datagram, Ports { destination, source }, n % 256, n % 2 == 1);
        let last = parts.len() - 1;
        for (place, (header, data)) in parts.into_iter().enumerate() {
            let time = TimeStamp([0x62, 0x11, 0x22, 0x51, 0x03, ((seconds % 10) << 4) | (seconds / 10), 0]);
            let (coding, more) = (DataCoding::OCTETS, place < last);
            let message = Deliver { from, protocol: 0, coding, time, more, header, data };
            let concatenated = |value: fn(Concatenation) -> u16| {
                header.concatenation.map_or_else(String::new, |part| value(part).to_string())
            };
            let whole = if last > 0 && place == last { len.to_string() } else { String::new() };
            let expected = vec![
                digits.clone(),
                u8::from(!more).to_string(),
                "1".to_owned(),
                "0".to_owned(),
                coding.0.to_string(),
                seconds.to_string(),
                destination.0.to_string(),
                source.0.to_string(),
                concatenated(|part| part.reference),
                concatenated(|part| part.total.into()),
                concatenated(|part| part.number.into()),
                whole,
                String::new(),
            ];
            let mut out = [0; 180];
            sent.push(Sent { message: message.emit(&mut out).unwrap().to_vec(), expected });
        }
    }
    sent
}

#[test]
fn tshark_reads_messages_of_gsm_and_puts_their_parts_together() {
    if !installed("tshark") {
        return;
    }
    let sent = datagrams();
    let compared = compare("gsm_sms", &GSM, &sent);
    let whole = sent.iter().filter(|sent| !sent.expected[11].is_empty()).count();
    kedge_tests::figure!(
        "GSM short messages: {} messages, {whole} datagrams of several, {compared} fields compared with tshark, 0 differences",
        sent.len()
    );
    assert!(sent.len() > 1000 && whole > 300, "only {} messages, {whole} datagrams", sent.len());
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

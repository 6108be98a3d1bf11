//! Short messages of GSM and CDMA as octets that another program packed or a phone received: read, written back octet by octet,
//! and put together, in every order, to the datagrams that they carry.

use core::time::Duration;

use kedge_protocol::sms::cdma::{self, MAX_DATAGRAM, MAX_MESSAGE, Outgoing, Received};
use kedge_protocol::sms::gsm::{Concatenation, DataCoding, Deliver, Outcome, Receiver, TimeStamp};
use kedge_protocol::sms::{Port, Ports};
use kedge_protocol::wap::{
    ApplicationCode, Coding, Date, Indication, MediaCode, Packet, Push, SCRATCH, Signal,
};
use kedge_tests::oracle_iota::{Vector, unhex};

/// The service loading of fact sheet 9.4.
const LOADING: &str =
    "020605b0af02801002066a0085060803687474703a2f2f70726f762e6578616d706c652e636f6d2f696f74613f733d34320001";

fn octets(name: &str) -> Vec<u8> {
    Vector::named("sms", name).bytes
}

/// What is told of a message of GSM: sender, coding, whether more wait, ports, part.
type Told = (&'static str, u8, bool, (u16, u16), Option<(u16, bool, u8, u8)>);

#[test]
fn messages_of_gsm_say_what_was_put_into_them() {
    let push = (2948, 9200);
    let cases: [(&str, Told); 10] = [
        ("gsm-ports-first-1", ("+358401234567", 0x04, true, push, Some((0x7F, false, 2, 1)))),
        ("gsm-ports-first-2", ("+358401234567", 0x04, false, push, Some((0x7F, false, 2, 2)))),
        ("gsm-concatenation-first-1", ("+358401234567", 0x04, true, push, Some((0x7F, false, 2, 1)))),
        ("gsm-concatenation-first-2", ("+358401234567", 0x04, false, push, Some((0x7F, false, 2, 2)))),
        ("gsm-16-bit-1", ("+358401234567", 0x04, true, push, Some((0x1234, true, 2, 1)))),
        ("gsm-16-bit-2", ("+358401234567", 0x04, false, push, Some((0x1234, true, 2, 2)))),
        ("gsm-ports-8", ("12345", 0x04, false, (0xF0, 0xE0), None)),
        ("gsm-unknown-element", ("+12345", 0xF5, false, push, None)),
        ("gsm-kannel-ports", ("+12345", 0x06, false, (2948, 2948), None)),
        ("gsm-mms", ("33707520030", 0x06, false, push, None)),
    ];
    for (name, (from, coding, more, (destination, source), part)) in cases {
        let bytes = octets(name);
        let message = Deliver::parse(&bytes).unwrap_or_else(|e| panic!("{name}: {e}"));
        assert_eq!(message.from.to_string(), from, "{name}");
        assert_eq!((message.coding, message.more, message.protocol), (DataCoding(coding), more, 0), "{name}");
        let ports = Ports { destination: Port(destination), source: Port(source) };
        assert_eq!(message.header.ports, Some(ports), "{name}");
        let part =
            part.map(|(reference, wide, total, number)| Concatenation { reference, wide, total, number });
        assert_eq!(message.header.concatenation, part, "{name}");
        if name != "gsm-mms" {
            // 22 November 2026, 15:30:00, one hour east of Greenwich.
            assert_eq!(message.time, TimeStamp([0x62, 0x11, 0x22, 0x51, 0x03, 0x00, 0x04]), "{name}");
        }
        for cut in 0..bytes.len() {
            assert!(Deliver::parse(&bytes[..cut]).is_err(), "{name} cut to {cut}");
        }
    }
    assert_eq!(cases.len(), Vector::all("sms").iter().filter(|v| v.name().starts_with("gsm")).count());
}

/// Our writer puts the ports first, in 16 bits, and nothing beside them: such messages it writes octet by octet.
#[test]
fn messages_of_gsm_are_written_as_they_are_read() {
    for name in [
        "gsm-ports-first-1",
        "gsm-ports-first-2",
        "gsm-16-bit-1",
        "gsm-16-bit-2",
        "gsm-kannel-ports",
        "gsm-mms",
    ] {
        let bytes = octets(name);
        let message = Deliver::parse(&bytes).unwrap();
        let mut out = [0; 180];
        assert_eq!(message.emit(&mut out).unwrap(), bytes, "{name}");
    }
}

/// What a receiver makes of messages of GSM, which come in this order.
fn received(messages: &[&str]) -> Option<Vec<u8>> {
    let mut receiver = Receiver::<2, 4>::new();
    let mut whole = None;
    for name in messages {
        let (bytes, mut out) = (octets(name), [0; 512]);
        let message = Deliver::parse(&bytes).unwrap();
        if let Outcome::Datagram(datagram) = receiver.receive(Duration::ZERO, &message, &mut out).unwrap() {
            assert!(whole.is_none(), "the same datagram twice");
            whole = Some(datagram.payload.to_vec());
        }
    }
    whole
}

/// The indication that two messages of GSM, or three of CDMA, carry.
fn is_the_indication(datagram: &[u8]) {
    let push = Push::parse(&Packet::new(datagram).unwrap()).unwrap();
    assert!(push.content_type.media.is(MediaCode::SI) && push.tid == 2);
    assert!(push.headers.application_id().unwrap().is(ApplicationCode::IOTA));
    let mut scratch = [0; SCRATCH];
    let expected = Indication {
        href: Some("http://prov.example.com/iota?session=0123456789ABCDEF"),
        si_id: Some("long@example.com"),
        action: Signal::Medium,
        created: Date::new(2026, 11, 22, 15, 30, 1),
        expires: Date::new(2026, 12, 31, 0, 0, 0),
        text: "New settings for your phone are ready. They are fetched when you agree; that takes about a minute, \
               and calls are not possible meanwhile.",
    };
    assert_eq!(Indication::read(Coding::Wbxml, push.body, &mut scratch), Ok(expected));
}

#[test]
fn parts_of_gsm_make_the_same_datagram_in_every_form_and_order() {
    for form in ["gsm-ports-first", "gsm-concatenation-first", "gsm-16-bit"] {
        let [first, second] = [1, 2].map(|number| format!("{form}-{number}"));
        for order in [[&first, &first, &second, &second], [&second, &second, &first, &first]] {
            let datagram = received(&order.map(String::as_str)).unwrap_or_else(|| panic!("{order:?}"));
            assert_eq!(datagram.len(), 248, "{order:?}");
            is_the_indication(&datagram);
        }
    }
    // References of 8 and of 16 bits, and other ports, are other datagrams: no part completes another one's.
    assert_eq!(received(&["gsm-ports-first-1", "gsm-16-bit-2"]), None);
    // Where the ports stand in the header makes no difference.
    is_the_indication(&received(&["gsm-ports-first-1", "gsm-concatenation-first-2"]).unwrap());
}

#[test]
fn single_messages_of_gsm_are_datagrams() {
    assert_eq!(received(&["gsm-ports-8"]).unwrap(), b"raw");
    assert_eq!(received(&["gsm-unknown-element"]).unwrap(), unhex(LOADING));
    assert_eq!(received(&["gsm-kannel-ports"]).unwrap(), unhex(LOADING));
    let datagram = received(&["gsm-mms"]).unwrap();
    let push = Push::parse(&Packet::new(&datagram).unwrap()).unwrap();
    assert!(push.content_type.media.is(MediaCode::MMS) && push.body.len() == 93);
}

/// What a receiver makes of messages of CDMA, which come in this order.
fn taken(receiver: &mut cdma::Receiver, messages: &[&str]) -> Option<(String, Ports, Vec<u8>)> {
    let mut whole = None;
    for name in messages {
        let mut out = [0; MAX_DATAGRAM];
        let received = receiver.receive(Duration::ZERO, &octets(name), &mut out).unwrap();
        if let Received::Datagram { from, ports, octets } = received {
            assert!(whole.is_none(), "the same datagram twice");
            whole = Some((from.as_str().to_owned(), ports, octets.to_vec()));
        }
    }
    whole
}

#[test]
fn segments_of_cdma_make_the_datagram_in_every_order() {
    let names = ["cdma-segment-1", "cdma-segment-2", "cdma-segment-3"];
    for order in [[0, 1, 2], [0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 0, 1], [2, 1, 0]] {
        let twice: Vec<_> = order.into_iter().flat_map(|n| [names[n]; 2]).collect();
        let (from, ports, datagram) = taken(&mut cdma::Receiver::new(), &twice).unwrap();
        assert_eq!((from.as_str(), ports), ("3584012345#0", Ports::PUSH));
        is_the_indication(&datagram);
        // They are what the indication's first form carries, cut elsewhere, and what our writer makes of it.
        assert_eq!(Some(&datagram), received(&["gsm-ports-first-1", "gsm-ports-first-2"]).as_ref());
        let sender = Outgoing { from: cdma::Address::new(&from).unwrap(), message_id: 0xBEEF };
        for (number, name) in names.iter().enumerate() {
            let mut out = [0; MAX_MESSAGE];
            assert_eq!(sender.segment(ports, &datagram, (number, 100), &mut out).unwrap(), octets(name));
        }
    }
    assert_eq!(taken(&mut cdma::Receiver::new(), &names[..2]), None);
}

#[test]
fn ports_that_stand_twice_are_the_networks_quirk() {
    let one = taken(&mut cdma::Receiver::new(), &["cdma-loading"]).unwrap();
    assert_eq!(one, ("1234".to_owned(), Ports::PUSH, unhex(LOADING)));
    let as_it_is = taken(&mut cdma::Receiver::new(), &["cdma-repeated-ports"]).unwrap();
    assert_eq!(as_it_is.2, [unhex("23f00b84"), unhex(LOADING)].concat());
    let mut quirky = cdma::Receiver::new().with_repeated_ports();
    assert_eq!(taken(&mut quirky, &["cdma-repeated-ports"]), Some(one));
}

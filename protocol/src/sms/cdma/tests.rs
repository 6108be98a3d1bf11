use super::*;
use crate::sms::{LIFETIME, Port, Ports, Refused};
use crate::wire::{Error, ErrorKind};
use core::time::Duration;
use proptest::prelude::*;
use std::string::String;
use std::vec::Vec;

/// `wap-push.md` section 9.8: the service loading of 9.4 in a CDMA message.
const EXAMPLE: &str = "0000021004020401048d0008430003101020013c01d00008011f805c2010302d8578140080103350042830401b43a3a3\
    81d1797b83937bb1732bc30b6b836329731b7b697b4b7ba309fb99e9a1900008";
/// Its datagram (9.4).
const PUSH: &str =
    "020605b0af02801002066a0085060803687474703a2f2f70726f762e6578616d706c652e636f6d2f696f74613f733d34320001";

fn unhex(text: &str) -> Vec<u8> {
    let digits: Vec<u32> = text.chars().filter_map(|c| c.to_digit(16)).collect();
    digits.chunks(2).map(|pair| u8::try_from(pair[0] << 4 | pair[1]).unwrap()).collect()
}

fn sender() -> Outgoing {
    Outgoing { from: Address::new("1234").unwrap(), message_id: 0x0102 }
}

#[test]
fn the_example_is_read_and_written() {
    let (mut receiver, mut out) = (Receiver::new(), [0; MAX_DATAGRAM]);
    let received = receiver.receive(Duration::ZERO, &unhex(EXAMPLE), &mut out).unwrap();
    let Received::Datagram { from, ports, octets } = received else { panic!("{received:?}") };
    assert_eq!((from.as_str(), ports, octets), ("1234", Ports::PUSH, &*unhex(PUSH)));
    let mut message = [0; MAX_MESSAGE];
    let written = sender().segment(Ports::PUSH, &unhex(PUSH), (0, 160), &mut message).unwrap();
    assert_eq!(written, unhex(EXAMPLE));
}

#[test]
fn texts_come_in_seven_and_in_sixteen_bits() {
    let (mut receiver, mut message, mut out) = (Receiver::new(), [0; MAX_MESSAGE], [0; 400]);
    let hundred = "ä".repeat(100);
    for text in ["Welcome! Your phone is being set up.", "Grüße, 電話 🎉", "", &hundred] {
        let sent = sender().text(text, &mut message).unwrap();
        let received = receiver.receive(Duration::ZERO, sent, &mut out).unwrap();
        assert_eq!(received, Received::Text { from: sender().from, text });
    }
    assert!(sender().text(&"x".repeat(256), &mut message).is_err());
    // Cut at a character, not inside one.
    let sent = sender().text("aä電", &mut message).unwrap();
    let received = receiver.receive(Duration::ZERO, sent, &mut out[..4]).unwrap();
    assert_eq!(received, Received::Text { from: sender().from, text: "aä" });
}

#[test]
fn segments_come_in_any_order_and_repeated() {
    let push = unhex(PUSH);
    let (mut receiver, mut message, mut out) = (Receiver::new(), [0; MAX_MESSAGE], [0; MAX_DATAGRAM]);
    assert_eq!(Outgoing::segments(&push, 20), 3);
    for (number, left) in [(2, 2), (0, 1)] {
        let sent = sender().segment(Ports::PUSH, &push, (number, 20), &mut message).unwrap();
        assert_eq!(receiver.receive(Duration::ZERO, sent, &mut out), Ok(Received::Waiting(left)));
        assert_eq!(receiver.receive(Duration::ZERO, sent, &mut out), Ok(Received::Duplicate));
    }
    let sent = sender().segment(Ports::PUSH, &push, (1, 20), &mut message).unwrap();
    let received = receiver.receive(Duration::ZERO, sent, &mut out).unwrap();
    assert_eq!(received, Received::Datagram { from: sender().from, ports: Ports::PUSH, octets: &push });
    receiver.cells().expire(LIFETIME);
    assert_eq!(receiver.receive(LIFETIME, sent, &mut out), Ok(Received::Waiting(2)), "a new datagram");
}

#[test]
fn two_senders_with_the_same_message_id_are_two_datagrams() {
    let (mut receiver, mut message, mut out) = (Receiver::new(), [0; MAX_MESSAGE], [0; MAX_DATAGRAM]);
    let other = Outgoing { from: Address::new("5678").unwrap(), ..sender() };
    for (sender, number) in [(sender(), 0), (other, 1)] {
        let sent = sender.segment(Ports::PUSH, b"abcd", (number, 2), &mut message).unwrap();
        assert_eq!(receiver.receive(Duration::ZERO, sent, &mut out), Ok(Received::Waiting(1)));
    }
}

#[test]
fn ports_that_stand_twice_are_skipped_only_when_told() {
    let mut datagram = Vec::from([0x23, 0xF0, 0x0B, 0x84]);
    datagram.extend(b"push");
    let (mut message, mut out) = ([0; MAX_MESSAGE], [0; MAX_DATAGRAM]);
    let sent = sender().segment(Ports::PUSH, &datagram, (0, 160), &mut message).unwrap();
    let quirky = || Receiver::new().with_repeated_ports();
    for (mut receiver, expected) in [(Receiver::new(), &*datagram), (quirky(), b"push")] {
        let received = receiver.receive(Duration::ZERO, sent, &mut out).unwrap();
        let Received::Datagram { octets, .. } = received else { panic!("{received:?}") };
        assert_eq!(octets, expected);
    }
    let sent = sender().segment(Ports::PUSH, b"push", (0, 160), &mut message).unwrap();
    let mut receiver = quirky();
    let received = receiver.receive(Duration::ZERO, sent, &mut out).unwrap();
    assert!(matches!(received, Received::Datagram { octets: b"push", .. }), "{received:?}");
}

#[test]
fn addresses_are_read_in_both_digit_modes() {
    for (value, text) in [
        ("01048d00", "1234"),
        // '0', '*' and '#'.
        ("00eaf0", "0*#"),
        // ASCII, international telephone number.
        ("88819a9a1980", "543"),
        // ASCII, an address of a data network.
        ("c00a08", "A"),
    ] {
        assert_eq!(Address::parse(&unhex(value), 0).unwrap().as_str(), text, "{value}");
    }
    // A digit that is none; digits missing; an octet too many; too many digits.
    for value in ["01040d00", "01048d", "01048d0000", "0840000000000000000000000000000000000000000000"] {
        assert!(Address::parse(&unhex(value), 0).is_err(), "{value}");
    }
    assert_eq!(Address::new("+12"), None);
    assert_eq!(Address::new(&"1".repeat(MAX_DIGITS + 1)), None);
    let longest = Address::new(&"1".repeat(MAX_DIGITS)).unwrap();
    let mut buf = [0; 20];
    assert_eq!(Address::parse(longest.emit(&mut buf).unwrap(), 0), Ok(longest));
}

#[test]
fn what_is_not_taken_says_why() {
    let good = unhex(EXAMPLE);
    let with = |at: usize, octet: u8| {
        let mut message = good.clone();
        message[at] = octet;
        message
    };
    let malformed = |kind, at| RefusedMessage::Malformed(Error::new(kind, at));
    let cases = [
        (with(0, 1), malformed(ErrorKind::Unsupported, 0)),
        (with(4, 0x01), RefusedMessage::Teleservice(Teleservice::PAGING)),
        (with(3, 0x20), RefusedMessage::Teleservice(Teleservice(0x2004))),
        // A second teleservice in place of the address.
        (with(5, 0), malformed(ErrorKind::Trailing, 9)),
        // Bearer data: submitted, with a header, in other encodings.
        (with(15, 0x20), RefusedMessage::NotDelivered(MessageType::SUBMIT)),
        (with(17, 0x28), RefusedMessage::Content(Encoding::OCTET)),
        (with(20, 0x41), RefusedMessage::Content(Encoding::LATIN)),
        (with(20, 0x29), RefusedMessage::Content(Encoding(5))),
        // WDP: another message type, no segments.
        (with(21, 0xD1), malformed(ErrorKind::Unsupported, 13)),
        (with(23, 0x00), malformed(ErrorKind::BadValue, 13)),
        // More fields than there are octets.
        (with(20, 0x07), malformed(ErrorKind::Truncated, 21)),
    ];
    let mut receiver = Receiver::new();
    let mut out = [0; MAX_DATAGRAM];
    for (message, why) in cases {
        assert_eq!(receiver.receive(Duration::ZERO, &message, &mut out), Err(why));
    }
    let mut message = [0; MAX_MESSAGE];
    let long = std::vec![7; 13 * 160];
    let sent = sender().segment(Ports::PUSH, &long, (0, 160), &mut message).unwrap();
    let refused = RefusedMessage::Segment(Refused::TooMany(1));
    assert_eq!(receiver.receive(Duration::ZERO, sent, &mut out), Err(refused));
    assert_eq!((receiver.cells().cells_in_use(), receiver.cells().incomplete()), (0, 0));
}

#[test]
fn every_shorter_message_is_refused() {
    let good = unhex(EXAMPLE);
    let mut out = [0; MAX_DATAGRAM];
    for n in 0..good.len() {
        let received = Receiver::new().receive(Duration::ZERO, &good[..n], &mut out);
        assert!(matches!(received, Err(RefusedMessage::Malformed(_))), "{n}: {received:?}");
    }
}

proptest! {
    /// Any datagram in segments of any size, in any order, is the same datagram at the other end.
    #[test]
    fn a_datagram_arrives(
        datagram in proptest::collection::vec(any::<u8>(), 0..1200),
        size in 100_usize..=160,
        id in any::<u16>(),
        source in any::<u16>(),
        digits in "[0-9*#]{0,32}",
        order in any::<prop::sample::Index>(),
    ) {
        let ports = Ports { source: Port(source), ..Ports::PUSH };
        let sender = Outgoing { from: Address::new(&digits).unwrap(), message_id: id };
        let count = Outgoing::segments(&datagram, size);
        let (mut receiver, mut message, mut out) = (Receiver::new(), [0; MAX_MESSAGE], [0; MAX_DATAGRAM]);
        for place in 0..count {
            let number = (place + order.index(count)) % count;
            let sent = sender.segment(ports, &datagram, (number, size), &mut message).unwrap();
            match receiver.receive(Duration::ZERO, sent, &mut out).unwrap() {
                Received::Waiting(left) => prop_assert_eq!(usize::from(left), count - place - 1),
                Received::Datagram { from, ports: to, octets } => {
                    prop_assert_eq!(place + 1, count);
                    prop_assert_eq!((from, to, octets), (sender.from, ports, &*datagram));
                }
                other => prop_assert!(false, "{:?}", other),
            }
        }
    }

    /// Any text that fits comes back.
    #[test]
    fn a_text_arrives(text in "\\PC{0,60}") {
        let (mut message, mut out) = ([0; MAX_MESSAGE], [0; 400]);
        let sent = sender().text(&text, &mut message).unwrap();
        let received = Receiver::new().receive(Duration::ZERO, sent, &mut out);
        prop_assert_eq!(received, Ok(Received::Text { from: sender().from, text: &text }));
    }

    /// Anything returns.
    #[test]
    fn octets_of_any_kind_return(octets in proptest::collection::vec(any::<u8>(), 0..300)) {
        let _ = Receiver::new().receive(Duration::ZERO, &octets, &mut [0; 64]);
        let mut message = std::vec![0, 0, 2, 0x10, 4, 8, u8::try_from(octets.len().min(255)).unwrap()];
        message.extend(&octets);
        let _ = Receiver::new().receive(Duration::ZERO, &message, &mut [0; 64]);
    }
}

#[test]
fn addresses_and_codes_explain_themselves() {
    assert_eq!(std::format!("{:?}", sender().from), "Address(1234)");
    let shown: String = std::format!("{}", RefusedMessage::Teleservice(Teleservice::PAGING));
    assert_eq!(shown, "teleservice 4097 (paging) is not handled");
}

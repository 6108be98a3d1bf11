use super::*;
use crate::sms::{Port, Ports, Refused};
use crate::wap::{MediaCode, Packet, Push};
use crate::wire::{Error, ErrorKind, Reader, Writer};
use core::time::Duration;
use proptest::prelude::*;
use std::string::ToString;
use std::vec::Vec;

fn hex(text: &str) -> Vec<u8> {
    let digits: Vec<u8> = text.bytes().filter(u8::is_ascii_hexdigit).collect();
    digits.chunks(2).map(|two| u8::from_str_radix(core::str::from_utf8(two).unwrap(), 16).unwrap()).collect()
}

/// The head of `wap-push.md` 9.1 (a French operator's MMS notification), the MMS part shortened.
const REAL: &str = "440BA13307570230F0000601701090041280 13 0605040B8423F0 040603BEAF84 8C8298313237";

#[test]
fn a_real_message_is_read() {
    let mut bytes = hex(REAL);
    // Seven octets of time, as in the sheet: 01 70 10 90 04 12 80; then the length of what is here.
    assert_eq!(bytes[18], 0x13);
    let message = Deliver::parse(&bytes).unwrap();
    assert_eq!(message.from.to_string(), "33707520030");
    assert!(message.coding.is_octets() && !message.more);
    assert_eq!(message.header, UserDataHeader { concatenation: None, ports: Some(Ports::PUSH) });
    let mut receiver = Receiver::<2, 4>::new();
    let mut out = [0; 140];
    let Ok(Outcome::Datagram(datagram)) = receiver.receive(Duration::ZERO, &message, &mut out) else {
        panic!("no datagram");
    };
    let push = Push::parse(&Packet::new(datagram.payload).unwrap()).unwrap();
    assert!(push.content_type.media.is(MediaCode::MMS));
    let mut copy = [0; 64];
    assert_eq!(message.emit(&mut copy).unwrap(), bytes);
    assert_eq!(message.buffer_len(), bytes.len());
    bytes.push(0);
    assert_eq!(Deliver::parse(&bytes), Err(Error::new(ErrorKind::Trailing, bytes.len() - 1)));
}

#[test]
fn addresses_are_shown_as_people_know_them() {
    let international = Address::international("33707520030").unwrap();
    assert_eq!(international.to_string(), "+33707520030");
    assert!(Address::international("12a").is_none());
    assert!(Address::international("123456789012345678901").is_none());
    // "Kedge" in 7-bit characters: 9 half octets of 5 characters.
    let alphanumeric = hex("04 09D0CB32F95C06 0004 00000000000000 00");
    assert_eq!(Deliver::parse(&alphanumeric).unwrap().from.to_string(), "Kedge");
}

#[test]
fn a_header_may_come_in_any_order_and_form() {
    let read = |text: &str| UserDataHeader::read(&mut Reader::new(&hex(text)));
    let part = Concatenation { reference: 0x7F, wide: false, total: 2, number: 1 };
    let both = UserDataHeader { concatenation: Some(part), ports: Some(Ports::PUSH) };
    assert_eq!(read("0B 05040B8423F0 00037F0201"), Ok(both));
    assert_eq!(read("0B 00037F0201 05040B8423F0"), Ok(both));
    assert_eq!(read("0E 700122 00037F0201 05040B8423F0"), Ok(both));
    assert_eq!(read("0C 05040B8423F0 0804007F0201").unwrap().concatenation.map(|c| c.wide), Some(true));
    let short = read("04 0402F0E0").unwrap().ports;
    assert_eq!(short, Some(Ports { destination: Port(0xF0), source: Port(0xE0) }));
    // The later of two counts.
    assert_eq!(read("0C 05040B8523F0 05040B8423F0").unwrap().ports, Some(Ports::PUSH));
    for (text, kind, at) in [
        ("05 00037F0200", ErrorKind::BadValue, 4),
        ("05 00037F0203", ErrorKind::BadValue, 4),
        ("05 00037F0000", ErrorKind::BadValue, 4),
        ("06 00047F020100", ErrorKind::BadLength, 2),
        ("04 00027F02", ErrorKind::Truncated, 5),
        ("05 00047F0201", ErrorKind::Truncated, 3),
        ("09 00037F0201", ErrorKind::Truncated, 1),
        ("01 00", ErrorKind::Truncated, 2),
    ] {
        assert_eq!(read(text), Err(Error::new(kind, at)), "{text}");
    }
}

#[test]
fn data_codings_of_octets_are_known() {
    let octets: Vec<u8> = (0..=255).filter(|&dcs| DataCoding(dcs).is_octets()).collect();
    assert!([0x04, 0x05, 0x06, 0xF5].iter().all(|dcs| octets.contains(dcs)));
    assert!([0x00, 0x08, 0x24, 0xC8, 0xE0, 0xF1].iter().all(|dcs| !octets.contains(dcs)));
}

#[test]
fn what_is_not_for_applications_is_left_alone() {
    let mut bytes = hex(REAL);
    let mut receiver = Receiver::<2, 4>::new();
    let mut receive = |bytes: &[u8], room: usize| {
        let mut out = [0; 140];
        receiver.receive(Duration::ZERO, &Deliver::parse(bytes).unwrap(), &mut out[..room]).err()
    };
    assert_eq!(receive(&bytes, 3), Some(Ignored::Refused(Refused::NoRoom(9))));
    bytes[10] = 0x08;
    assert_eq!(receive(&bytes, 140), Some(Ignored::NotOctets));
    bytes[10] = 0x04;
    bytes[0] = 0x04;
    assert_eq!(receive(&bytes, 140), Some(Ignored::NoPorts));
    bytes[0] = 0x45;
    assert_eq!(Deliver::parse(&bytes), Err(Error::new(ErrorKind::Unsupported, 0)));
}

#[test]
fn a_modems_prefix_is_taken_off() {
    assert_eq!(without_service_centre(&hex("07913386094000F0 44")).unwrap(), [0x44]);
    assert_eq!(without_service_centre(&[2, 1]), Err(Error::new(ErrorKind::Truncated, 1)));
}

fn message(header: UserDataHeader, data: &[u8]) -> Deliver<'_> {
    let from = Address::international("4912345").unwrap();
    let (coding, time) = (DataCoding::OCTETS, TimeStamp([0x62, 0x11, 0x22, 0, 0, 0, 0]));
    Deliver { from, protocol: 0, coding, time, more: false, header, data }
}

proptest! {
    #[test]
    fn a_datagram_arrives_whatever_the_order(
        datagram in proptest::collection::vec(any::<u8>(), 0..1500),
        reference: u8,
        order in proptest::collection::vec(any::<prop::sample::Index>(), 0..30),
    ) {
        let messages: Vec<Vec<u8>> = Segments::new(&datagram, Ports::PUSH, reference).unwrap().map(|(header, data)| {
            let message = message(header, data);
            let mut out = [0; 164];
            let bytes = message.emit(&mut out).unwrap();
            assert_eq!(bytes.len(), message.buffer_len());
            assert_eq!(Deliver::parse(bytes), Ok(message));
            bytes.to_vec()
        }).collect();
        let mut receiver = Receiver::<2, 12>::new();
        let mut whole = 0;
        for bytes in order.iter().map(|index| index.get(&messages)).chain(&messages) {
            let mut out = [0; 1500];
            match receiver.receive(Duration::ZERO, &Deliver::parse(bytes).unwrap(), &mut out) {
                Ok(Outcome::Datagram(found)) => {
                    prop_assert_eq!((found.payload, found.ports), (&datagram[..], Ports::PUSH));
                    whole += 1;
                }
                Ok(_) => {}
                Err(why) => prop_assert!(false, "{}", why),
            }
        }
        // A message of its own has no number that would tell a repeated one.
        prop_assert!(whole == 1 || messages.len() == 1);
    }

    #[test]
    fn reading_anything_returns(bytes in proptest::collection::vec(any::<u8>(), 0..180)) {
        let _ = Deliver::parse(&bytes);
        if let Ok(header) = UserDataHeader::read(&mut Reader::new(&bytes)) {
            let mut out = [0; 32];
            let mut w = Writer::new(&mut out);
            header.write(&mut w).unwrap();
            prop_assert_eq!(w.at(), header.buffer_len());
            if w.at() > 0 {
                prop_assert_eq!(UserDataHeader::read(&mut Reader::new(w.finish())), Ok(header));
            }
        }
    }
}

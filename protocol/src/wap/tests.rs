use super::*;
use crate::wire::{Error, ErrorKind, Reader, Writer};
use proptest::prelude::*;
use std::string::String;
use std::vec;
use std::vec::Vec;

fn push(bytes: &[u8]) -> Result<Push<'_>, Error> {
    Push::parse(&Packet::new(bytes)?)
}

fn headers(list: &[Header<'_>]) -> Vec<u8> {
    let mut buf = [0; 512];
    let mut w = Writer::new(&mut buf);
    for header in list {
        let before = w.at();
        header.write(&mut w).unwrap();
        assert_eq!(w.at() - before, header.buffer_len());
    }
    w.finish().to_vec()
}

#[test]
fn values_are_told_apart_by_their_first_octet() {
    type Case<'a> = (&'a [u8], Value<'a>, Option<u32>, Option<&'a str>);
    let cases: [Case<'_>; 9] = [
        (&[0x80], Value::Short(0), Some(0), None),
        (&[0xFF], Value::Short(0x7F), Some(0x7F), None),
        (b"text\0", Value::Text(b"text"), None, Some("text")),
        (b"\"quoted\0", Value::Text(b"\"quoted"), None, Some("quoted")),
        (b"\x7F\xC3\xA9\0", Value::Text(b"\xC3\xA9"), None, Some("\u{e9}")),
        (b"\x7F\0", Value::Text(b""), None, Some("")),
        (&[2, 0x80, 0x10], Value::Octets(&[0x80, 0x10]), Some(0x8010), None),
        (&[0], Value::Octets(&[]), None, None),
        (&[5, 1, 2, 3, 4, 5], Value::Octets(&[1, 2, 3, 4, 5]), None, None),
    ];
    for (bytes, value, integer, text) in cases {
        let mut reader = Reader::new(bytes);
        assert_eq!(Value::read(&mut reader), Ok(value));
        assert_eq!((value.integer(), value.text(), reader.left()), (integer, text, 0));
        let mut buf = [0; 16];
        let mut w = Writer::new(&mut buf);
        value.write(&mut w).unwrap();
        assert_eq!(w.finish(), bytes);
    }
    for bytes in [&b""[..], b"no end", &[0x1F], &[2, 1], &[0x1F, 0x80]] {
        assert_eq!(
            Value::read(&mut Reader::new(bytes)).unwrap_err().kind,
            ErrorKind::Truncated,
            "{bytes:x?}"
        );
    }
    let mut long = vec![0x1F, 40];
    long.extend([7; 40]);
    assert_eq!(Value::read(&mut Reader::new(&long)), Ok(Value::Octets(&[7; 40])));
    let mut buf = [0; 8];
    assert!(Value::Short(0x80).write(&mut Writer::new(&mut buf)).is_err());
    assert!(Value::Text(b"a\0").write(&mut Writer::new(&mut buf)).is_err());
}

#[test]
fn media_types_come_by_number_and_by_text() {
    let read = |bytes: &[u8]| {
        ContentType::read(&mut Reader::new(bytes))
            .map(|found| (found.media.is(MediaCode::MMC), found.media.is(MediaCode::SI)))
    };
    assert_eq!(read(&[3, 2, 3, 0]), Ok((true, false)));
    assert_eq!(read(b"application/iota.mmc-WBXML\0"), Ok((true, false)));
    assert_eq!(read(&[0xAE]), Ok((false, true)));
    assert_eq!(read(&[1, 0xAE]), Ok((false, true)));
    assert_eq!(read(&[2, 1, 0x2E]), Ok((false, true)));
    assert_eq!(read(&[0]).unwrap_err().kind, ErrorKind::Truncated);
    assert_eq!(read(&[6, 5, 1, 2, 3, 4, 5]).unwrap_err().kind, ErrorKind::BadValue);
    assert_eq!(read(b"\x7F\xC3\xA9\0").unwrap_err().kind, ErrorKind::BadValue);
    assert_eq!(read(&[2, 0xAE, 0x81]).unwrap_err().kind, ErrorKind::Truncated);
    assert_eq!(read(&[3, 0xAE, 0x00, 0x81]).unwrap_err().kind, ErrorKind::BadValue);
}

#[test]
fn unknown_headers_are_passed_over_by_their_encoding() {
    let list = [
        Header::Field(HeaderName::Code(HeaderCode(0x7E)), Value::Octets(&[0xAF, 0x90])),
        Header::Field(HeaderName::Text(b"X-New"), Value::Text(b"v")),
        Header::Page(2),
        Header::Field(HeaderName::Code(HeaderCode::APPLICATION_ID), Value::Short(4)),
        Header::Page(0x80),
        Header::Field(HeaderName::Code(HeaderCode::PUSH_FLAG), Value::Short(1)),
        Header::Page(1),
        Header::Field(HeaderName::Code(HeaderCode::APPLICATION_ID), Value::Octets(&[0x80, 0x10])),
        Header::Field(HeaderName::Text(b"push-flag"), Value::Short(6)),
    ];
    let octets = headers(&list);
    let headers = Headers::new(&octets).unwrap();
    assert_eq!(headers.iter().collect::<Vec<_>>(), list);
    assert!(headers.application_id().unwrap().is(ApplicationCode::IOTA));
    let flag = headers.push_flag();
    assert_eq!((flag.initiator_authenticated(), flag.content_trusted(), flag.last()), (false, true, true));
    assert!(
        Headers::new(&[0x00]).is_err() && Headers::new(&[0xAF]).is_err() && Headers::new(&[0x7F]).is_err()
    );
    let bad = [
        Header::Page(0),
        Header::Field(HeaderName::Text(b"\x90"), Value::Short(0)),
        Header::Field(HeaderName::Text(b""), Value::Short(0)),
    ];
    for header in bad {
        assert!(header.write(&mut Writer::new(&mut [0; 8])).is_err());
    }
}

#[test]
fn the_application_of_iota_has_three_spellings() {
    for (id, iota) in [
        (ApplicationId::Code(ApplicationCode(0x8010)), true),
        (ApplicationId::Text("x-wap-openwave:iota.ua"), true),
        (ApplicationId::Text("x-wap-application:iota.ua"), true),
        (ApplicationId::Text("x-wap-application:wml.ua"), false),
        (ApplicationId::Code(ApplicationCode::WML), false),
    ] {
        assert_eq!(id.is(ApplicationCode::IOTA), iota, "{id}");
    }
}

#[test]
fn broken_pushes_are_refused_where_they_break() {
    let cases: [(&[u8], ErrorKind, usize); 8] = [
        (&[], ErrorKind::Truncated, 0),
        (&[1, 6], ErrorKind::Truncated, 2),
        (&[1, 7, 1, 0xAE], ErrorKind::Unsupported, 1),
        (&[1, 6, 2, 0xAE], ErrorKind::Truncated, 3),
        (&[1, 6, 0], ErrorKind::Truncated, 3),
        (&[1, 6, 3, 0xAE, 0xAF, 0x05], ErrorKind::Truncated, 6),
        (&[1, 6, 2, 0xAE, 0x00], ErrorKind::BadValue, 4),
        (&[1, 6, 0x80, 0x80, 0x80, 0x80, 0x80, 0x01], ErrorKind::BadValue, 2),
    ];
    for (bytes, kind, at) in cases {
        assert_eq!(push(bytes), Err(Error::new(kind, at)), "{bytes:x?}");
        let mut text = String::new();
        let fault = dump(bytes, &mut text).unwrap();
        // The PDU type is no fault to a listing.
        if kind != ErrorKind::Unsupported {
            assert_eq!(fault, Some(Error::new(kind, at)));
            assert!(text.contains("FAULT"), "{text}");
        }
    }
}

#[test]
fn dates_drop_trailing_zeros() {
    let midnight = Date::new(2002, 6, 30, 0, 0, 0).unwrap();
    let full = Date::new(1999, 6, 25, 15, 23, 15).unwrap();
    for (date, octets, text) in [
        (midnight, &[0x20, 0x02, 0x06, 0x30][..], "2002-06-30T00:00:00Z"),
        (full, &[0x19, 0x99, 0x06, 0x25, 0x15, 0x23, 0x15], "1999-06-25T15:23:15Z"),
    ] {
        let mut buf = [0; 7];
        let mut w = Writer::new(&mut buf);
        date.to_binary(&mut w).unwrap();
        assert_eq!(w.finish(), octets);
        assert_eq!((Date::from_binary(octets), Date::from_text(text)), (Ok(date), Ok(date)));
        assert_eq!(std::format!("{date}"), text);
    }
    assert!(full < midnight);
    for octets in [
        &[][..],
        &[0x20],
        &[0x20, 0x02, 0x13, 0x01],
        &[0x20, 0x02, 0x0A, 0x01],
        &[0x20; 8],
        &[0x20, 0x02, 1, 1, 0x24],
    ] {
        assert!(Date::from_binary(octets).is_err(), "{octets:x?}");
    }
    for text in [
        "",
        "1999-06-25",
        "1999-06-25T15:23:15+",
        "1999-06-25 15:23:15Z",
        "1999-02-32T00:00:00Z",
        "+999-06-25T15:23:15Z",
    ] {
        assert!(Date::from_text(text).is_err(), "{text}");
    }
}

#[test]
fn documents_against_their_grammar_are_refused() {
    let si = |text: &str| {
        Indication::read(Coding::Xml, text.as_bytes(), &mut [0; SCRATCH]).map(|_| ()).map_err(|e| e.kind)
    };
    assert_eq!(
        si(
            "<?xml version='1.0'?><!DOCTYPE si PUBLIC 'a' 'b'> <si> <indication x='y'/> <info><item class='a'>b</item></info></si>"
        ),
        Ok(())
    );
    for text in [
        "<sl/>",
        "<si/>",
        "<si><indication/><indication/></si>",
        "<si>text<indication/></si>",
        "<si><indication><x/></indication></si>",
        "<si><indication action='signal'/></si>",
        "<si><indication created='yesterday'/></si>",
    ] {
        assert_eq!(si(text), Err(ErrorKind::BadValue), "{text}");
    }
    let sl = |text: &str| {
        Loading::read(Coding::Xml, text.as_bytes(), &mut [0; SCRATCH]).map(|_| ()).map_err(|e| e.kind)
    };
    assert_eq!(sl("<sl href='a'> </sl>"), Ok(()));
    for text in
        ["<si/>", "<sl/>", "<sl href='a'>x</sl>", "<sl href='a'><x/></sl>", "<sl href='a' action='now'/>"]
    {
        assert_eq!(sl(text), Err(ErrorKind::BadValue), "{text}");
    }
    let long = |n: usize| std::format!("<sl href='{}'/>", "x".repeat(n - 13));
    assert_eq!(sl(&long(MAX_DOCUMENT)), Ok(()));
    assert_eq!(sl(&long(MAX_DOCUMENT + 1)), Err(ErrorKind::LimitExceeded));
    assert_eq!(
        Loading::read(Coding::Xml, b"<sl href='abc'/>", &mut [0; 2]).map(|_| ()).unwrap_err().kind,
        ErrorKind::NoRoom
    );
}

fn value() -> impl Strategy<Value = (u8, u8, Vec<u8>)> {
    (0_u8..3, 0_u8..0x80, proptest::collection::vec(any::<u8>(), 0..40))
}

fn made((kind, short, octets): &(u8, u8, Vec<u8>)) -> Value<'_> {
    match kind {
        0 => Value::Short(*short),
        1 if !octets.contains(&0) => Value::Text(octets),
        _ => Value::Octets(octets),
    }
}

fn text() -> impl Strategy<Value = String> {
    prop_oneof![
        "[ -~]{1,30}",
        "https?://(www\\.)?[a-z]{1,8}\\.(com|edu|net|org)/[a-z&<\"']{0,9}",
        "[\u{20}-\u{D7FF}]{1,12}"
    ]
}

fn date() -> impl Strategy<Value = Option<Date>> {
    proptest::option::of((0_u16..=9999, 1_u8..=12, 1_u8..=31, 0_u8..24, 0_u8..60, 0_u8..60))
        .prop_map(|parts| parts.and_then(|(y, mo, d, h, mi, s)| Date::new(y, mo, d, h, mi, s)))
}

proptest! {
    #[test]
    fn reading_undoes_writing(
        tid: u8, code in proptest::option::of(any::<u32>()), media in "[ -~]{1,40}",
        parameters in proptest::collection::vec((any::<bool>(), 0_u8..0x80, value()), 0..4),
        fields in proptest::collection::vec((0_u8..3, any::<u8>(), "[!-~]{1,12}", value()), 0..6),
        body: Vec<u8>,
    ) {
        let (mut parameter_buf, mut field_buf) = (vec![0; 4000], vec![0; 4000]);
        let mut w = Writer::new(&mut parameter_buf);
        for (by_code, code, value) in &parameters {
            let name = if *by_code { ParameterName::Code(ParameterCode(*code)) } else { ParameterName::Text(b"x-name") };
            let parameter = Parameter { name, value: made(value) };
            let before = w.at();
            parameter.write(&mut w).unwrap();
            prop_assert_eq!(w.at() - before, parameter.buffer_len());
        }
        let media = code.map_or(Media::Text(&media), |code| Media::Code(MediaCode(code)));
        let content_type = ContentType { media, parameters: Parameters::new(w.finish()).unwrap() };
        let mut w = Writer::new(&mut field_buf);
        for (kind, number, text, value) in &fields {
            let header = match kind {
                0 => Header::Page((*number).max(1)),
                1 => Header::Field(HeaderName::Code(HeaderCode(*number & 0x7F)), made(value)),
                _ => Header::Field(HeaderName::Text(text.as_bytes()), made(value)),
            };
            header.write(&mut w).unwrap();
        }
        let headers = Headers::new(w.finish()).unwrap();
        let made = Push { tid, content_type, headers, body: &body };
        let mut out = vec![0; made.buffer_len()];
        let bytes = made.emit(&mut out).unwrap();
        prop_assert_eq!(bytes.len(), made.buffer_len());
        prop_assert_eq!(push(bytes).unwrap(), made);
        prop_assert_eq!(push(bytes).unwrap().headers.iter().count(), fields.len());
        let headers_end = bytes.len() - body.len();
        for cut in 0..headers_end {
            prop_assert!(push(&bytes[..cut]).is_err());
        }
    }

    #[test]
    fn reading_anything_returns(mut bytes in proptest::collection::vec(any::<u8>(), 0..60), good in any::<bool>()) {
        if good {
            bytes.splice(0..0, [1, 6, 5, 0xAE, 0xAF, 2, 0x80, 0x10]);
        }
        let parsed = push(&bytes);
        let mut text = String::new();
        let fault = dump(&bytes, &mut text).unwrap();
        if let Err(error) = parsed && error.kind != ErrorKind::Unsupported {
            prop_assert_eq!(fault, Some(error));
        }
        for coding in [Coding::Wbxml, Coding::Xml] {
            let _ = Indication::read(coding, &bytes, &mut [0; SCRATCH]);
            let _ = Loading::read(coding, &bytes, &mut [0; SCRATCH]);
        }
    }

    #[test]
    fn documents_survive_both_codings(
        href in proptest::option::of(text()), si_id in proptest::option::of(text()), content in proptest::option::of(text()),
        created in date(), expires in date(), signal in 0_usize..5, urgency in 0_usize..3,
    ) {
        let action = [Signal::None, Signal::Low, Signal::Medium, Signal::High, Signal::Delete][signal];
        let si = Indication {
            href: href.as_deref(), si_id: si_id.as_deref(), action, created, expires, text: content.as_deref().unwrap_or(""),
        };
        let action = [Urgency::Low, Urgency::High, Urgency::Cache][urgency];
        let sl = Loading { href: href.as_deref().unwrap_or("http://a"), action };
        for coding in [Coding::Wbxml, Coding::Xml] {
            let (mut out, mut scratch) = ([0; 2048], [0; SCRATCH]);
            let bytes = si.write(coding, &mut out).unwrap();
            prop_assert_eq!(Indication::read(coding, bytes, &mut scratch), Ok(si));
            for cut in 0..bytes.len() {
                prop_assert!(Indication::read(coding, &bytes[..cut], &mut scratch).is_err());
            }
            let bytes = sl.write(coding, &mut out).unwrap();
            prop_assert_eq!(Loading::read(coding, bytes, &mut scratch), Ok(sl));
        }
    }
}

#[test]
fn mail_notifications_and_cache_operations_in_both_codings() {
    let mail = MailNotification {
        mailbox: "imap://user@mail.example.com/inbox",
        timestamp: Date::new(2026, 11, 22, 15, 30, 0),
    };
    let invalidations = [Invalidation::Object("http://www.a.com/x"), Invalidation::Service("https://b.org/")];
    for coding in [Coding::Wbxml, Coding::Xml] {
        let (mut out, mut scratch) = ([0; 256], [0; SCRATCH]);
        let bytes = mail.write(coding, &mut out).unwrap();
        assert_eq!(MailNotification::read(coding, bytes, &mut scratch), Ok(mail));
        for cut in 0..bytes.len() {
            assert!(MailNotification::read(coding, &bytes[..cut], &mut scratch).is_err());
        }
        let mut out = [0; 256];
        let bytes = CacheOperation::write(coding, &invalidations, &mut out).unwrap();
        let mut found = std::vec::Vec::new();
        CacheOperation::read(coding, bytes, &mut scratch, |one| found.push(std::format!("{one:?}"))).unwrap();
        assert_eq!(found, invalidations.map(|one| std::format!("{one:?}")));
        for cut in 0..bytes.len() {
            let read = CacheOperation::read(coding, &bytes[..cut], &mut scratch, |one| panic!("{one:?}"));
            assert!(read.is_err());
        }
    }
    let other = br"<co><invalidate-all/></co>";
    let refused = CacheOperation::read(Coding::Xml, other, &mut [0; 64], |_| {});
    assert_eq!(refused, Err(Error::new(ErrorKind::BadValue, 4)));
    let mut scratch = [0; 64];
    let unnamed = MailNotification::read(Coding::Xml, b"<emn/>", &mut scratch);
    assert_eq!(unnamed.map_err(|e| e.kind), Err(ErrorKind::BadValue));
}

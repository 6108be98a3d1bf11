//! Golden texts, each header and token form, each quirk with its bytes, each refusal with its offset.

use super::{
    Event, Extension, Name, Pull, Quirk, Reader, Sink, Token, Version, Vocabulary, Writer, dump, pages,
};
use crate::wire::{Error, ErrorKind};
use std::string::String;
use std::vec::Vec;

/// Octets of hexadecimal digits, spaces anywhere.
fn hex(text: &str) -> Vec<u8> {
    let digits: Vec<u32> = text.chars().filter_map(|c| c.to_digit(16)).collect();
    digits.chunks(2).map(|pair| u8::try_from(pair[0] << 4 | pair[1]).unwrap()).collect()
}

fn dumped(bytes: &[u8], assumed: Option<&'static Vocabulary>) -> (String, Option<Error>) {
    let mut text = String::new();
    let fault = dump(bytes, assumed, &mut text).unwrap();
    (text, fault)
}

/// Reads to the end; the quirks, or the fault.
fn outcome(bytes: &[u8]) -> Result<Vec<Quirk>, Error> {
    let mut reader: Reader<8> = Reader::detect(bytes, pages::ALL)?;
    while reader.next()?.is_some() {}
    Ok(reader.quirks().iter().collect())
}

fn fault(kind: ErrorKind, at: usize) -> Result<Vec<Quirk>, Error> {
    Err(Error::new(kind, at))
}

#[test]
fn golden_service_indication() {
    let bytes = hex("02056a00 45 c6 0d 03 7879 00 85 0a c3 04 19990625 08 01 03 4e6577 00 02 8120 01 01");
    let expected = "\
0000  WBXML 1.2, public id 0x5, read as SI 1.0, charset UTF-8
0004  element si (0:05)
0005    element indication (0:06)
0006      attribute href (0:0D)
0006        text \"http://www.\"
0007        text \"xy\"
000B        text \".com/\"
000C      end of attribute
000C      attribute created (0:0A)
000D        4 octets 19 99 06 25
0013      end of attribute
0013      attribute action (0:08)
0013        text \"signal-high\"
0014      end of attribute
0015      text \"New\"
001A      character U+00A0 '\\u{a0}'
001D    end
001E  end
";
    assert_eq!(dumped(&bytes, None), (expected.into(), None));
}

/// String table, all four literal forms, all extension forms, a processing instruction, a reference into the middle of
/// an entry, an unknown tag, attribute start and attribute value, and page switches in both spaces.
#[test]
fn golden_every_token_form() {
    let bytes = hex("03016a0a 6c697374 00 74797065 00
         43 04 05 03 70 00 01
         c4 00 04 05 02 64 01
         04 05
         84 00 04 05 83 02 01
         44 00 40 6162 00 81 8105 c2 01
         00 07 c5 00 09 06 85 00 02 86 01
         c3 02 fffe 01
         01 43 04 00 01");
    let expected = "\
0000  WBXML 1.3, public id 0x1, read as unknown, charset UTF-8
0004  string table +0: \"list\\x00\"
0009  string table +5: \"type\\x00\"
000E  processing instruction type
0011    text \"p\"
0014  end of instruction
0015  element list
0017    attribute type
0019      character U+0064 'd'
001B    end of attribute
001C    element type
001E    end
001E    element list
0020      attribute type
0022        text \"st\"
0024      end of attribute
0025    end
0025    element list
0027      extension EXT_I_0 \"ab\"
002B      extension EXT_T_1 133
002E      extension EXT_2
002F    end
0032    element unknown 7:05
0035      attribute unknown 9:06
0036        unknown value 9:85
0039        unknown value 2:86
003A      end of attribute
003B      2 octets FF FE
003F    end
0040  end
0041  processing instruction list
0044  end of instruction
";
    let expected = expected.replace("\\x00\"", "\"");
    assert_eq!(dumped(&bytes, None), (expected, None));
}

#[test]
fn golden_broken_document() {
    let (text, fault) =
        dumped(&hex("03016a00 c5 05 07 03 4131 00 08 03 34 00 01 8d 0d 83 05"), Some(&pages::MMC));
    let expected = "\
0000  WBXML 1.3, public id 0x1, read as MMC profile 1, charset UTF-8
0004  element mmc (0:05)
0005    attribute version (0:05)
0005      text \"1.0\"
0006    end of attribute
0006    attribute session (0:07)
0007      text \"A1\"
000B    end of attribute
000B    attribute doc (0:08)
000C      text \"4\"
000F    end of attribute
0010    element disconnect (0:0D)
0011      attribute id (0:0D)
0013  FAULT: forbidden value
";
    assert_eq!(text, expected);
    assert_eq!(fault, Some(Error::new(ErrorKind::BadValue, 0x13)));
}

/// The page of tags and the page of attributes are separate, and both last until changed (oma-cp.md §2.5).
#[test]
fn code_pages_of_tags_and_attributes_are_separate() {
    let bytes = hex("020b6a00 45 c6 00 01 55 01 87 36 00 00 06 03 7732 00 01 01 01");
    let mut reader: Reader<4> = Reader::detect(&bytes, pages::ALL).unwrap();
    let mut names = Vec::new();
    while let Some(event) = reader.next().unwrap() {
        if let Event::Start(Name::Known(token, text)) | Event::Attribute(Name::Known(token, text)) = event {
            names.push((token.page, token.code, text));
        }
    }
    let expected = [
        (0, 0x05, "wap-provisioningdoc"),
        (0, 0x06, "characteristic"),
        (1, 0x55, "type"),
        (0, 0x07, "parm"),
        (1, 0x36, "name"),
        (0, 0x06, "value"),
    ];
    assert_eq!(names, expected);
}

#[test]
fn charsets() {
    let text = |charset: &str, string: &str| -> Result<Vec<Event<'static>>, Error> {
        let bytes = hex(&std::format!("0205{charset}00 45 03 {string} 00 01")).leak();
        let mut reader: Reader<2> = Reader::new(bytes, &pages::SI)?;
        let mut events = Vec::new();
        while let Some(event) = reader.next()? {
            events.push(event);
        }
        Ok(events[1..events.len() - 1].to_vec())
    };
    assert_eq!(text("6a", "61c3a4"), Ok([Event::Text("a\u{e4}")].into()));
    assert_eq!(text("6a", "61e4"), Err(Error::new(ErrorKind::BadText, 7)));
    assert_eq!(text("03", "61"), Ok([Event::Text("a")].into()));
    assert_eq!(text("03", "61e4"), Err(Error::new(ErrorKind::BadText, 7)));
    let latin = [Event::Char('\u{e4}'), Event::Text("bc"), Event::Char('\u{df}'), Event::Char('\u{ff}')];
    assert_eq!(text("04", "e4 6263 df ff"), Ok(latin.into()));
    // ISO-10646-UCS-2
    assert_eq!(text("8768", "0061"), Err(Error::new(ErrorKind::Unsupported, 2)));
}

#[test]
fn quirks_are_tolerated_and_told() {
    let literal = |id: &str, end: &str, body: &str| {
        let len = std::format!("{:02x}", id.len() + end.len() / 2);
        [hex("0200006a"), hex(&len), id.as_bytes().to_vec(), hex(end), hex(body)].concat()
    };
    let (v1_1, v1_2) = ("-//SYNCML//DTD SyncML 1.1//EN", "-//syncml//dtd syncml 1.2//en");
    for (bytes, expected) in [
        (literal(v1_1, "", "6d 7c 01 01"), &[Quirk::UnterminatedTable, Quirk::NewerToken][..]),
        (literal(v1_1, "00", "6d 01"), &[]),
        (literal(v1_2, "00", "6d 01"), &[Quirk::PublicIdCase]),
        (hex("02050000 05"), &[Quirk::UnknownCharset]),
        (hex("02056a00 00 01 00 00 05"), &[Quirk::IdlePageSwitch]),
        (hex("02056a00 45 00 00 01"), &[Quirk::IdlePageSwitch]),
        (hex("02056a00 85 0b 00 00 03 6100 01"), &[Quirk::IdlePageSwitch]),
        (hex("02056a00 00 00 05"), &[]),
    ] {
        assert_eq!(outcome(&bytes).as_deref(), Ok(expected), "{bytes:02x?}");
    }
}

#[test]
fn refusals_name_the_octet() {
    for (bytes, kind, at) in [
        ("", ErrorKind::Truncated, 0),
        ("00 05 6a 00 05", ErrorKind::Unsupported, 0),
        ("04 05 6a 00 05", ErrorKind::Unsupported, 0),
        ("03 8080808080 6a 00 05", ErrorKind::BadValue, 1),
        ("03 00 05 6a 02 6100 05", ErrorKind::BadValue, 1),
        ("03 05 6a 7f 05", ErrorKind::Truncated, 4),
        ("03 05 6a 00", ErrorKind::Truncated, 4),
        ("03 05 6a 00 01", ErrorKind::BadValue, 4),
        ("03 05 6a 00 03 6100", ErrorKind::BadValue, 4),
        ("03 05 6a 00 05 05", ErrorKind::Trailing, 5),
        ("03 05 6a 00 05 00", ErrorKind::Trailing, 5),
        ("03 05 6a 00 45 06", ErrorKind::Truncated, 6),
        ("03 05 6a 00 85 01", ErrorKind::BadValue, 5),
        ("03 05 6a 00 85 85 01", ErrorKind::BadValue, 5),
        ("03 05 6a 00 85 0b 84 00 01", ErrorKind::BadValue, 6),
        ("03 05 6a 00 85 0b 03 61", ErrorKind::Truncated, 7),
        ("03 05 6a 00 45 02 8fffffff7f 01", ErrorKind::BadValue, 5),
        ("03 05 6a 00 45 02 83b000 01", ErrorKind::BadValue, 5),
        ("03 05 6a 00 45 02 00 01", ErrorKind::BadValue, 5),
        ("03 05 6a 00 45 83 00 01", ErrorKind::BadValue, 6),
        ("03 05 6a 00 45 c3 05 61 01", ErrorKind::Truncated, 7),
        ("03 05 6a 02 0000 04 00", ErrorKind::BadValue, 6),
        ("03 05 6a 00 43 0b 01", ErrorKind::Truncated, 7),
        ("03 05 6a 00 43 85 01", ErrorKind::BadValue, 4),
        ("03 05 6a 00 43 0b 0b 01 05", ErrorKind::BadValue, 6),
        ("03 05 6a 00 45 46 46 46 46 46 46 46 46 01", ErrorKind::LimitExceeded, 12),
    ] {
        assert_eq!(outcome(&hex(bytes)), fault(kind, at), "{bytes}");
    }
    // Eight levels are within the limit.
    assert_eq!(outcome(&hex("03056a00 45 46 46 46 46 46 46 06 01 01 01 01 01 01 01")), Ok([].into()));
}

#[test]
fn a_fault_stays_and_elements_can_be_skipped() {
    let mut reader: Reader<8> = Reader::new(&[3, 5, 0x6A, 0, 0x45, 0x46, 0x83, 0], &pages::SI).unwrap();
    reader.next().unwrap();
    reader.next().unwrap();
    assert_eq!(reader.at(), 5);
    let fault = Err(Error::new(ErrorKind::BadValue, 7));
    assert_eq!((reader.next(), reader.next()), (fault, fault));

    let bytes = hex("03056a00 45 c6 0b 03 6100 01 47 03 6200 01 01 08 01");
    let mut reader: Reader<8> = Reader::new(&bytes, &pages::SI).unwrap();
    reader.next().unwrap();
    reader.next().unwrap();
    assert_eq!(reader.skip_element(), Ok(true));
    let item = Event::Start(Name::Known(Token { page: 0, code: 8 }, "item"));
    assert_eq!(reader.next(), Ok(Some(item)));
    assert_eq!(
        (reader.skip_element(), reader.skip_element(), reader.skip_element()),
        (Ok(true), Ok(true), Ok(false))
    );
}

/// libwbxml-oracle.md §7, produced there by libwbxml: ours differs in one place, `value` on page 1 as long as that is the
/// page, which saves four octets.
#[test]
fn provisioning_document_of_the_fact_sheet() {
    let mut buf = [0; 64];
    let mut w: Writer<4> = Writer::new(&mut buf, &pages::PROV, Version::V1_2, &[]).unwrap();
    w.start("wap-provisioningdoc").unwrap();
    w.attribute("version", "1.1").unwrap();
    w.start("characteristic").unwrap();
    w.attribute("type", "APPLICATION").unwrap();
    for (name, value) in [("APPID", "w7"), ("PROVIDER-ID", "srv")] {
        w.start("parm").unwrap();
        w.attribute("name", name).unwrap();
        w.attribute("value", value).unwrap();
        w.end().unwrap();
    }
    w.start("characteristic").unwrap();
    w.attribute("type", "APPAUTH").unwrap();
    w.start("parm").unwrap();
    w.attribute("name", "AAUTHTYPE").unwrap();
    w.attribute("value", "HTTP-BASIC").unwrap();
    for _ in 0..4 {
        w.end().unwrap();
    }
    let expected = hex("020b6a00 c5 45 03 312e31 00 01 c6 00 01 55 01 87 36 06 03 7737 00 01
         87 38 06 03 737276 00 01 c6 57 01 87 33 06 00 00 9c 01 01 01 01");
    assert_eq!(w.finish().unwrap(), expected);
}

/// The tables pick page, prefix and values; a text that is an entry of the string table becomes a reference.
#[test]
fn the_writer_chooses_tokens() {
    let mut buf = [0; 96];
    let mut w: Writer<4> = Writer::new(&mut buf, &pages::SI, Version::V1_3, &["odd", "extra"]).unwrap();
    w.start("si").unwrap();
    w.start("indication").unwrap();
    w.attribute("href", "https://www.a.com/b.org/").unwrap();
    w.attribute("odd", "extra").unwrap();
    w.attribute_opaque("created", &[0x19, 0x99]).unwrap();
    w.text("").unwrap();
    w.end().unwrap();
    w.start("extra").unwrap();
    w.text("odd").unwrap();
    w.piece(Event::Extension(Extension::Bare(2))).unwrap();
    w.end().unwrap();
    w.end().unwrap();
    let expected = hex("03056a0a 6f646400 657874726100
         45 86 0f 03 6100 85 03 6200 88 04 00 83 04 0a c3 02 1999 01 44 04 83 00 c2 01 01");
    assert_eq!(w.finish().unwrap(), expected);
}

#[test]
fn sync_ml_pages_follow_the_enclosing_element() {
    let mut buf = [0; 96];
    let mut w: Writer<8> = Writer::new(&mut buf, &pages::SYNCML_1_2, Version::V1_2, &[]).unwrap();
    for name in ["SyncML", "Meta", "Type"] {
        w.start(name).unwrap();
    }
    w.end().unwrap();
    w.end().unwrap();
    for name in ["Data", "MgmtTree", "Type", "Add"] {
        w.start(name).unwrap();
    }
    for _ in 0..4 {
        w.end().unwrap();
    }
    w.start("Add").unwrap();
    w.end().unwrap();
    w.end().unwrap();
    let expected = hex("02a4016a00 6d 5a 00 01 13 01 00 00 4f 00 02 60 75 07 01 01 01 00 00 05 01");
    assert_eq!(w.finish().unwrap(), expected);
}

#[test]
fn a_document_type_without_number_is_spelled_out() {
    let mut buf = [0; 64];
    let mut w: Writer<2> = Writer::new(&mut buf, &pages::DDF_1_2, Version::V1_2, &["x"]).unwrap();
    w.start("MgmtTree").unwrap();
    w.end().unwrap();
    let bytes = w.finish().unwrap();
    let expected = [&hex("0200006a1d")[..], b"-//OMA//DTD-DM-DDF 1.2//EN\0x\0", &hex("000220")].concat();
    assert_eq!(bytes, expected);
    assert!(core::ptr::eq(
        Reader::<2>::detect(bytes, pages::ALL).unwrap().vocabulary(),
        &raw const pages::DDF_1_2
    ));
}

#[test]
fn the_writer_refuses_what_would_not_read_back() {
    fn new(buf: &mut [u8]) -> Writer<'_, 2> {
        Writer::new(buf, &pages::SI, Version::V1_3, &[]).unwrap()
    }
    let mut buf = [0; 40];
    assert_eq!(
        Writer::<2>::new(&mut [0; 9], &pages::SI, Version(0), &[]).err(),
        Some(Error::new(ErrorKind::Unsupported, 0))
    );
    assert_eq!(
        Writer::<2>::new(&mut [0; 9], &pages::SI, Version::V1_1, &["a\0b"]).err(),
        Some(Error::new(ErrorKind::BadText, 4))
    );
    let mut w = new(&mut buf);
    assert_eq!(w.attribute("href", ""), Err(Error::new(ErrorKind::BadValue, 4)));
    assert_eq!(w.text("x"), Err(Error::new(ErrorKind::BadValue, 4)));
    assert_eq!(w.end(), Err(Error::new(ErrorKind::BadValue, 4)));
    w.start("si").unwrap();
    assert_eq!(w.text("a\0b").map_err(|error| error.kind), Err(ErrorKind::BadText));
    let mut w = new(&mut buf);
    w.start("si").unwrap();
    w.start("info").unwrap();
    assert_eq!(w.start("item").map_err(|error| error.kind), Err(ErrorKind::LimitExceeded));
    let mut w = new(&mut buf);
    assert_eq!(w.start("unheard-of").map_err(|error| error.kind), Err(ErrorKind::Unsupported));
    let mut w = new(&mut buf);
    w.start("si").unwrap();
    w.text("t").unwrap();
    assert_eq!(w.attribute("href", "").map_err(|error| error.kind), Err(ErrorKind::BadValue));
    assert_eq!(w.piece(Event::End).map_err(|error| error.kind), Err(ErrorKind::BadValue));
    assert_eq!(w.opaque(&[0; 64]).map_err(|error| error.kind), Err(ErrorKind::NoRoom));
    assert_eq!(w.finish().map_err(|error| error.kind), Err(ErrorKind::Truncated));
    let mut w = new(&mut buf);
    w.start("si").unwrap();
    w.end().unwrap();
    assert_eq!(w.start("si").map_err(|error| error.kind), Err(ErrorKind::BadValue));
}

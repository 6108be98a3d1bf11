//! Golden texts, what is taken and refused with its offset, and the writer's escapes.

use super::{Doctype, MAX_ATTRIBUTES, Octets, Reader, Writer, dump};
use crate::wbxml::{Event, Name, Pull, Quirk, Sink};
use crate::wire::{Error, ErrorKind};
use std::string::String;
use std::vec::Vec;

fn events(text: &[u8]) -> Result<Vec<Event<'_>>, Error> {
    let mut reader: Reader<'_, 4> = Reader::new(text)?;
    let mut events = Vec::new();
    while let Some(event) = reader.next()? {
        events.push(event);
    }
    Ok(events)
}

/// The content of `<a>`, joined.
fn content(inner: &str) -> Result<String, Error> {
    let text = std::format!("<a>{inner}</a>");
    Ok(joined(&events(text.as_bytes())?))
}

/// The value of one attribute, joined.
fn value(quoted: &str) -> Result<String, Error> {
    let text = std::format!("<a b={quoted}/>");
    Ok(joined(&events(text.as_bytes())?))
}

fn joined(events: &[Event<'_>]) -> String {
    let mut out = String::new();
    for event in events {
        match event {
            Event::Text(text) => out.push_str(text),
            Event::Char(character) => out.push(*character),
            _ => {}
        }
    }
    out
}

#[test]
fn golden_document() {
    let text = "\u{FEFF}<?xml version='1.0' encoding=\"utf-8\" standalone=\"yes\" ?>\n\
        <!DOCTYPE si PUBLIC \"-//W//DTD SI//EN\" 'si.dtd'><!-- c -->\n\
        <si xmlns=\"urn:x\"  created='1&lt;2'><?go  on ?>a&#x20AC;<![CDATA[<&]]]><x/></si>\n<?end?>";
    let expected = "\
003C  document type si \"-//W//DTD SI//EN\" \"si.dtd\"
0077  element si
007B    attribute xmlns
0082      text \"urn:x\"
0087    end of attribute
008A    attribute created
0093      text \"1\"
0094      character U+003C '<'
0098      text \"2\"
0099    end of attribute
009B    processing instruction go
00A1      text \"on \"
00A4    end of instruction
00A6    text \"a\"
00A7    character U+20AC '\u{20ac}'
00B8    text \"<&]\"
00BE    element x
00C0    end
00C2  end
00C8  processing instruction end
00CD  end of instruction
";
    let mut out = String::new();
    assert_eq!(dump(text.as_bytes(), &mut out), Ok(None));
    assert_eq!(out, expected);
}

#[test]
fn references_line_ends_and_white_space() {
    for (inner, expected) in [
        ("&amp;&lt;&gt;&quot;&apos;", "&<>\"'"),
        ("&#65;&#x42;&#x0043;&#x10348;", "ABC\u{10348}"),
        ("a\r\nb\rc\n\td", "a\nb\nc\n\td"),
        ("<![CDATA[a\r\n&amp;]]>]]", "a\n&amp;]]"),
        ("a<!-- - b -->c", "ac"),
    ] {
        assert_eq!(content(inner).as_deref(), Ok(expected), "{inner}");
    }
    for (quoted, expected) in [
        ("'a\r\nb\tc\nd'", "a b c d"),
        ("'a&#10;&#9;&#13;b'", "a\n\t\rb"),
        ("'\"'", "\""),
        ("\"'>\"", "'>"),
        ("''", ""),
    ] {
        assert_eq!(value(quoted).as_deref(), Ok(expected), "{quoted}");
    }
}

/// `<Data>MAXDT=15&DR=1</Data>` and the like from AOSP.
#[test]
fn a_bare_ampersand_is_tolerated_in_content_alone() {
    let quirk = |text: &[u8]| -> Result<bool, Error> {
        let mut reader: Reader<'_, 4> = Reader::new(text)?;
        while reader.next()?.is_some() {}
        Ok(reader.quirks().contains(Quirk::BareAmpersand))
    };
    assert_eq!(content("MAXDT=20&DR=hi!&&IT=I").as_deref(), Ok("MAXDT=20&DR=hi!&&IT=I"));
    assert_eq!(quirk(b"<a>1&2</a>"), Ok(true));
    assert_eq!(quirk(b"<a>1&amp;2</a>"), Ok(false));
    assert_eq!(quirk(b"<a>1&two;</a>"), Err(Error::new(ErrorKind::BadValue, 4)));
    assert_eq!(value("'1&2'"), Err(Error::new(ErrorKind::BadValue, 9)));
}

#[test]
fn refusals_name_the_octet() {
    use ErrorKind::{BadText, BadValue, LimitExceeded, Trailing, Truncated, Unsupported};
    for (text, kind, at) in [
        (&b""[..], Truncated, 0),
        (b"  ", Truncated, 2),
        (b"a", BadValue, 0),
        (b"<a", Truncated, 2),
        (b"<a>", Truncated, 3),
        (b"<a>t", Truncated, 4),
        (b"<a></b>", BadValue, 3),
        (b"<a><b></a>", BadValue, 6),
        (b"</a>", BadValue, 0),
        (b"<a/><b/>", Trailing, 4),
        (b"<a/>x", Trailing, 4),
        (b"<a/><!DOCTYPE a>", Trailing, 4),
        (b"<!DOCTYPE a><!DOCTYPE a><a/>", BadValue, 13),
        (b"<!DOCTYPE a [<!ENTITY b 'c'>]><a/>", Unsupported, 12),
        (b"<!DOCTYPE a PUBLIC 'x'><a/>", BadValue, 22),
        (b"<?xml version='1.1'?><a/>", Unsupported, 6),
        (b"<?xml version='1.0' encoding='ISO-8859-1'?><a/>", Unsupported, 20),
        (b" <?xml version='1.0'?><a/>", BadValue, 1),
        (b"<a><?XML x?></a>", BadValue, 3),
        (b"<a b=c/>", BadValue, 5),
        (b"<a b='1'c='2'/>", BadValue, 8),
        (b"<a b='1' b='2'/>", BadValue, 9),
        (b"<a b='<'/>", BadValue, 6),
        (b"<a b='1/>", Truncated, 9),
        (b"<1/>", BadValue, 1),
        (b"<a>]]></a>", BadValue, 3),
        (b"<a>&#0;</a>", BadValue, 3),
        (b"<a>&#xD800;</a>", BadValue, 3),
        (b"<a>&#x110000;</a>", BadValue, 3),
        (b"<a>&nbsp;</a>", BadValue, 3),
        (b"<a>b\x01</a>", BadText, 4),
        (b"<a b='\x02'/>", BadText, 6),
        (b"<a>b\xFF</a>", BadText, 4),
        (b"<a/>\xFF", BadText, 4),
        (b"<a><!-- -- --></a>", BadValue, 10),
        (b"<a><![CDATA[</a>", Truncated, 16),
        (b"<a><b><c><d><e/></d></c></b></a>", LimitExceeded, 12),
    ] {
        assert_eq!(events(text).err(), Some(Error::new(kind, at)), "{}", String::from_utf8_lossy(text));
    }
}

#[test]
fn attributes_are_limited() {
    let with = |n: usize| {
        let list = (0..n).map(|i| std::format!(" a{i}='x'")).collect::<Vec<_>>().concat();
        events(std::format!("<a{list}/>").as_bytes()).map(|_| ())
    };
    assert_eq!(with(MAX_ATTRIBUTES), Ok(()));
    assert_eq!(with(MAX_ATTRIBUTES + 1).map_err(|error| error.kind), Err(ErrorKind::LimitExceeded));
}

#[test]
fn the_writer_escapes_what_a_reader_would_change() {
    let mut buf = [0; 512];
    let mut w: Writer<4> = Writer::new(&mut buf, Octets::Base64);
    w.declaration().unwrap();
    w.doctype(&Doctype { name: "a", public: Some("p\"q"), system: Some("s'") }).unwrap();
    w.instruction("go", "on").unwrap();
    w.start("a").unwrap();
    w.attribute("b", "<\"'\n\r\t&>").unwrap();
    w.attribute_opaque("c", b"f").unwrap();
    w.start("d").unwrap();
    w.end().unwrap();
    w.text("").unwrap();
    w.text("]]>\r\n\"").unwrap();
    w.opaque(b"foo").unwrap();
    w.end().unwrap();
    let text = w.finish().unwrap();
    let expected = "<?xml version=\"1.0\" encoding=\"UTF-8\"?><!DOCTYPE a PUBLIC 'p\"q' \"s'\"><?go on?>\
        <a b=\"&lt;&quot;'&#10;&#13;&#9;&amp;&gt;\" c=\"Zg==\"><d/>]]&gt;&#13;\n\"Zm9v</a>";
    assert_eq!(str::from_utf8(text), Ok(expected));
    let read = events(text).unwrap();
    let Event::Doctype(doctype) = read[0] else { panic!("{:?}", read[0]) };
    let expected = Doctype { name: "a", public: Some("p\"q"), system: Some("s'") };
    assert_eq!(Doctype::parse(doctype), Ok(expected));
    assert_eq!(Doctype::parse(" a>"), Err(Error::new(ErrorKind::Trailing, 2)));
    assert_eq!(read[4], Event::Start(Name::Literal("a")));
    assert_eq!(joined(&read), "on<\"'\n\r\t&>Zg==]]>\r\n\"Zm9v");
}

#[test]
fn the_writer_refuses_what_would_not_read_back() {
    let mut buf = [0; 64];
    let kind = |result: Result<(), Error>| result.map_err(|error| error.kind);
    let mut w: Writer<2> = Writer::new(&mut buf, Octets::Refuse);
    assert_eq!(w.text("x"), Err(Error::new(ErrorKind::BadValue, 0)));
    assert_eq!(w.end(), Err(Error::new(ErrorKind::BadValue, 0)));
    assert_eq!(w.attribute("a", ""), Err(Error::new(ErrorKind::BadValue, 0)));
    let doctype = |public, system| Doctype { name: "a", public, system };
    assert_eq!(kind(w.doctype(&doctype(Some("p"), None))), Err(ErrorKind::BadValue));
    w.start("a").unwrap();
    assert_eq!(kind(w.declaration()), Err(ErrorKind::BadValue));
    assert_eq!(kind(w.doctype(&doctype(None, None))), Err(ErrorKind::BadValue));
    assert_eq!(kind(w.opaque(&[1])), Err(ErrorKind::Unsupported));
    assert_eq!(kind(w.text("\u{1}")), Err(ErrorKind::BadText));
    assert_eq!(kind(w.instruction("XML", "")), Err(ErrorKind::BadValue));
    assert_eq!(kind(w.instruction("x", "?>")), Err(ErrorKind::BadValue));
    assert_eq!(kind(w.start("1")), Err(ErrorKind::BadValue));
    w.start("b").unwrap();
    assert_eq!(kind(w.start("c")), Err(ErrorKind::LimitExceeded));
    assert_eq!(kind(w.text(&"x".repeat(64))), Err(ErrorKind::NoRoom));
    assert_eq!(w.finish().map_err(|error| error.kind), Err(ErrorKind::Truncated));
}

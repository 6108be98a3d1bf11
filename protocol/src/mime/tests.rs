use super::*;
use crate::wire::{Error, ErrorKind, Writer};
use proptest::prelude::*;
use std::format;
use std::string::String;
use std::vec::Vec;

fn fault(text: &str) -> Error {
    MediaType::parse(text).expect_err(text)
}

#[test]
fn media_types_compare_without_case_and_keep_parameters() {
    let text = " Multipart/RELATED ; type=\"application/iota.mmc-wbxml\"; Start=\"<m\\mc>\";boundary=mmcB ";
    let media = MediaType::parse(text).unwrap();
    assert!(media.is(MULTIPART_RELATED) && media.is_type("multipart") && !media.is("multipart/mixed"));
    assert_eq!(media.essence(), "Multipart/RELATED");
    assert_eq!(media.parameter("BOUNDARY").unwrap().plain(), Some("mmcB"));
    let start = media.parameter("start").unwrap();
    assert!(start.is("<mmc>") && start.plain().is_none());
    assert!(media.parameter("charset").is_none());
    assert_eq!(media.parameters().count(), 3);
}

#[test]
fn broken_media_types_are_refused_where_they_break() {
    let bad = [
        ("", ErrorKind::BadValue, 0),
        ("text", ErrorKind::BadValue, 4),
        ("text/", ErrorKind::BadValue, 5),
        ("text/plain charset=x", ErrorKind::BadValue, 11),
        ("text/plain;", ErrorKind::BadValue, 11),
        ("text/plain; a", ErrorKind::BadValue, 13),
        ("text/plain; a=", ErrorKind::BadValue, 14),
        ("text/plain; a=\"x", ErrorKind::Truncated, 15),
        ("text/plain; a=\"x\\\"", ErrorKind::Truncated, 15),
        ("text/plain; a=1; A=2", ErrorKind::BadValue, 17),
        ("t/p;a=1;b=1;c=1;d=1;e=1;f=1;g=1;h=1;i=1", ErrorKind::LimitExceeded, 36),
    ];
    for (text, kind, at) in bad {
        assert_eq!(fault(text), Error::new(kind, at), "{text}");
    }
}

const TYPE: &str = "multipart/related; boundary=B1; start=\"<mmc>\"";

fn read<'a>(content_type: &'a str, body: &'a [u8]) -> Result<(Shape, Vec<Part<'a>>), Error> {
    let related = Related::new(&MediaType::parse(content_type)?, body)?;
    let shape = related.check()?;
    Ok((shape, related.parts().map(|part| part.unwrap()).collect()))
}

#[test]
fn a_body_with_everything_allowed() {
    let body = b"preamble\r\n--B1 \t\r\ncontent-id:\r\n <f1>\r\nX-Other: y\r\ncontent-transfer-encoding: BASE64\r\n\r\nBg =\r\n=\r\n\
        --B1\r\nContent-Type: application/iota.mmc-xml\r\nContent-ID: <mmc>\r\n\r\n--B\r\n\r\n--B1\r\nContent-ID: <e>\r\n--B1--epilogue\r\n--B1\r\n";
    let (shape, parts) = read(TYPE, body).unwrap();
    assert_eq!(shape, Shape { parts: 3, root: 1 });
    assert_eq!((parts[0].content_id, parts[0].encoding), (Some("f1"), TransferEncoding::Base64));
    assert_eq!(parts[0].decode(&mut [0; 8]).unwrap(), [6]);
    assert!(parts[1].media_type.unwrap().is("application/iota.mmc-xml"));
    assert_eq!(parts[1].content, b"--B\r\n");
    assert_eq!(&body[parts[1].at..][..5], parts[1].content);
    assert_eq!((parts[2].content_id, parts[2].content), (Some("e"), &b""[..]));
}

#[test]
fn without_a_matching_start_the_first_part_is_the_root() {
    let body = b"--B1\r\n\r\nroot\r\n--B1\r\nContent-ID: <a>\r\n\r\n\r\n--B1--";
    for start in ["", "; start=\"<other>\""] {
        let content_type = format!("multipart/related; boundary=B1{start}");
        let (shape, parts) = read(&content_type, body).unwrap();
        assert_eq!(shape, Shape { parts: 2, root: 0 });
        assert_eq!((parts[0].content, parts[1].content), (&b"root"[..], &b""[..]));
    }
}

#[test]
fn broken_bodies_are_refused_where_they_break() {
    let bad: [(&[u8], ErrorKind, usize); 15] = [
        (b"", ErrorKind::Truncated, 0),
        (b"--B1--", ErrorKind::BadLength, 0),
        (b"--B1", ErrorKind::Truncated, 4),
        (b"--B12\r\n\r\nx\r\n--B1--", ErrorKind::BadValue, 4),
        (b"--B1\r\n\r\nx", ErrorKind::Truncated, 9),
        (b"--B1\r\n\r\nx\r\n--B1\r\n", ErrorKind::Truncated, 17),
        (b"--B1\r\nno colon\r\n\r\n\r\n--B1--", ErrorKind::BadValue, 6),
        (b"--B1\r\nContent-ID: f1\r\n\r\n\r\n--B1--", ErrorKind::BadValue, 17),
        (b"--B1\r\nContent-ID: <f 1>\r\n\r\n\r\n--B1--", ErrorKind::BadValue, 17),
        (b"--B1\r\nX:\xFF\r\n\r\n\r\n--B1--", ErrorKind::BadText, 8),
        (b"--B1\r\nContent-Type: a\r\n\r\n\r\n--B1--", ErrorKind::BadValue, 21),
        (b"--B1\r\nContent-Transfer-Encoding: 8bit\r\n\r\n\r\n--B1--", ErrorKind::Unsupported, 32),
        (b"--B1\r\nContent-Type: multipart/mixed\r\n\r\n\r\n--B1--", ErrorKind::Unsupported, 39),
        (b"--B1\r\nContent-ID: <a>\r\nContent-ID: <b>\r\n\r\n\r\n--B1--", ErrorKind::BadValue, 34),
        (b"--B1\r\n\r\n\r\n--B1\r\n\r\n\r\n--B1--", ErrorKind::BadValue, 18),
    ];
    for (body, kind, at) in bad {
        let found = read(TYPE, body).map(|(shape, _)| shape);
        assert_eq!(found, Err(Error::new(kind, at)), "{}", String::from_utf8_lossy(body));
    }
    let twice = b"--B1\r\nContent-ID: <a>\r\n\r\n\r\n--B1\r\nContent-ID: <a>\r\n\r\n\r\n--B1--";
    assert_eq!(read(TYPE, twice).map(|x| x.0), Err(Error::new(ErrorKind::BadValue, 52)));
    let many = "--B1\r\n\r\n\r\n".repeat(MAX_PARTS + 1) + "--B1--";
    assert_eq!(
        read(TYPE, many.as_bytes()).map(|x| x.0.parts),
        Err(Error::new(ErrorKind::LimitExceeded, 328))
    );
    let content_types = [
        ("text/plain; boundary=B1", ErrorKind::Unsupported),
        ("multipart/related", ErrorKind::BadValue),
        ("multipart/related; boundary=\"\"", ErrorKind::BadValue),
        ("multipart/related; boundary=\"a\\b\"", ErrorKind::BadValue),
        ("multipart/related; boundary=\"a*\"", ErrorKind::BadValue),
        ("multipart/related; boundary=\"a \"", ErrorKind::BadValue),
        ("multipart/related; boundary=B1; start=mmc", ErrorKind::BadValue),
    ];
    for (content_type, kind) in content_types {
        assert_eq!(read(content_type, b"--B1--").map(|x| x.0), Err(Error::new(kind, 0)), "{content_type}");
    }
}

#[test]
fn the_boundary_avoids_the_contents() {
    let mut storage = [0; 10];
    let contents = [&b"xkedge-0000y"[..], b"kedge-0001kedge-0002"];
    let boundary = Boundary::avoiding(contents.iter().copied(), &mut storage).unwrap();
    assert_eq!(boundary.as_str(), "kedge-0003");
    assert!(Boundary::new(&"x".repeat(71)).is_err());
}

#[test]
fn a_boundary_with_separators_is_quoted() {
    let root = Piece { media_type: "a/b", content_id: "m", content: b"" };
    let mut out = [0; 100];
    let mut w = Writer::new(&mut out);
    Boundary::new("a b").unwrap().content_type(&root, &mut w).unwrap();
    assert_eq!(w.finish(), br#"multipart/related; type="a/b"; start="<m>"; boundary="a b""#);
}

const FRAGMENTS: [&[u8]; 7] =
    [b"--B1", b"\r\n", b"--", b"Content-ID: <a>", b"Content-Type:", b"\xFF", b"x/y"];

proptest! {
    #[test]
    fn reading_undoes_writing(contents in proptest::collection::vec(any::<Vec<u8>>(), 1..6)) {
        let ids: Vec<String> = (0..contents.len()).map(|n| format!("p{n}")).collect();
        let pieces: Vec<Piece<'_>> = contents.iter().zip(&ids)
            .map(|(content, id)| Piece { media_type: OCTET_STREAM, content_id: id, content }).collect();
        let mut storage = [0; 10];
        let boundary = Boundary::avoiding(contents.iter().map(Vec::as_slice), &mut storage).unwrap();
        let room = pieces.iter().map(|p| p.content.len() + p.media_type.len() + p.content_id.len() + 10 + RelatedWriter::PIECE_OVERHEAD)
            .sum::<usize>() + 10 + RelatedWriter::CLOSING_OVERHEAD - 2; // no line end before the first delimiter
        let (mut out, mut content_type) = (std::vec![0; room], [0; 128]);
        let mut writer = RelatedWriter::new(&mut out, boundary);
        for piece in &pieces {
            writer.piece(piece).unwrap();
        }
        let body = writer.finish().unwrap();
        prop_assert_eq!(body.len(), room);
        let mut w = Writer::new(&mut content_type);
        boundary.content_type(&pieces[0], &mut w).unwrap();
        let content_type = core::str::from_utf8(w.finish()).unwrap();
        let (shape, parts) = read(content_type, body).unwrap();
        prop_assert_eq!(shape, Shape { parts: pieces.len(), root: 0 });
        for (part, piece) in parts.iter().zip(&pieces) {
            prop_assert_eq!(part.content_id, Some(piece.content_id));
            prop_assert_eq!(part.content, piece.content);
            prop_assert!(part.media_type.unwrap().is(piece.media_type));
        }
        for cut in 0..body.len() - 4 {
            prop_assert!(read(content_type, &body[..cut]).is_err());
        }
    }

    #[test]
    fn reading_anything_returns(text: String, body in proptest::collection::vec(0..FRAGMENTS.len(), 0..24)) {
        let _ = MediaType::parse(&text);
        let body = body.iter().map(|&n| FRAGMENTS[n]).collect::<Vec<_>>().concat();
        if let Ok((shape, parts)) = read(TYPE, &body) {
            prop_assert!(shape.root < shape.parts && shape.parts == parts.len());
        }
    }
}

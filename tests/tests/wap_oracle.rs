//! Multiparts in WSP's framing that we write, read by tshark, which takes them apart where a multimedia message holds one.
//! Skipped with a printed reason where tshark is missing.

use kedge_protocol::wap::{
    ContentType, Header, HeaderCode, HeaderName, Headers, MULTIPARTS, MediaCode, Multipart, Part, Push, Value,
};
use kedge_protocol::wire::Writer;
use kedge_tests::oracle_iota::{Carrier, fields};
use kedge_tests::oracle_wbxml::installed;

/// Types of parts; texts, which tshark shows as they are.
const TYPES: [MediaCode; 4] =
    [MediaCode::SI_XML, MediaCode::SL_XML, MediaCode::CO_XML, MediaCode::CONNECTIVITY_XML];
/// `X-Mms-Message-Type: m-retrieve-conf`, a transaction id, version 1.2, and Content-Type: the head of a multimedia message.
const MESSAGE: &[u8] = b"\x8C\x84\x98id\0\x8D\x92\x84";

/// A multipart of `count` parts in a multimedia message in a push; and the lengths that its parts tell.
fn sent(kind: MediaCode, count: usize) -> (Vec<u8>, Vec<String>) {
    let lengths: Vec<u8> = (0..count).map(|part| u8::try_from(part * 7 % 120).unwrap()).collect();
    let headers: Vec<[u8; 2]> = lengths
        .iter()
        .map(|length| {
            let mut room = [0; 2];
            let field = Header::Field(HeaderName::Code(HeaderCode::CONTENT_LENGTH), Value::Short(*length));
            field.write(&mut Writer::new(&mut room)).unwrap();
            room
        })
        .collect();
    let text = [b'x'; 120];
    let parts: Vec<_> = (0..count)
        .map(|part| Part {
            content_type: ContentType::code(TYPES[part % TYPES.len()]),
            headers: Headers::new(&headers[part]).unwrap(),
            body: &text[..usize::from(lengths[part])],
        })
        .collect();
    let mut room = vec![0; Multipart::buffer_len(&parts)];
    let multipart = Multipart::write(&parts, &mut room).unwrap();
    let code = u8::try_from(kind.0).unwrap() | 0x80;
    let body = [MESSAGE, &[code], multipart].concat();
    let content_type = ContentType::code(MediaCode::MMS);
    let push = Push { tid: 1, content_type, headers: Headers::default(), body: &body };
    let mut out = vec![0; push.buffer_len()];
    push.emit(&mut out).unwrap();
    (out, lengths.iter().map(u8::to_string).collect())
}

#[test]
fn tshark_takes_our_multiparts_apart() {
    if !installed("tshark") {
        return;
    }
    let sent: Vec<_> = MULTIPARTS
        .into_iter()
        .flat_map(|kind| (1..=20).map(move |count| (kind, count, sent(kind, count))))
        .collect();
    let packets: Vec<Vec<u8>> = sent.iter().map(|(_, _, (octets, _))| octets.clone()).collect();
    let names = ["wsp.header.content_type", "wsp.multipart", "wsp.header.content_length"];
    let mut compared = 0;
    for ((kind, count, (_, lengths)), read) in sent.iter().zip(fields(Carrier::Push, &packets, &names, None))
    {
        let types = (0..*count).map(|part| TYPES[part % TYPES.len()]);
        let types: Vec<_> =
            [MediaCode::MMS, *kind].into_iter().chain(types).map(|code| code.to_string()).collect();
        let numbers: Vec<_> = (1..=*count).map(|part| part.to_string()).collect();
        assert_eq!(read, [types.join("|"), numbers.join("|"), lengths.join("|")], "{kind}, {count} parts");
        compared += 3 * count;
    }
    kedge_tests::figure!("tshark: {} multiparts, {compared} fields of parts compared, 0 differ", sent.len());
}

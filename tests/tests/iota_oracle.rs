//! What we write, read by tshark: the structure of MMC documents, pushes field by field, and HTTP messages of several
//! parts, requests and responses. One capture for each kind. Skipped with a printed reason where tshark is missing.

use core::time::Duration;

use kedge_protocol::iota::mmc::{self, Answer, Command, Content, Head, OnError, Session, Verb};
use kedge_protocol::iota::session::{CommandResult, Config, Input, Output, Reason, Reply, Value};
use kedge_protocol::iota::{IS683, ResultCode};
use kedge_protocol::mime::{Boundary, Piece, RelatedWriter};
use kedge_protocol::wap::{
    Coding, ContentType, Header, HeaderCode, HeaderName, Headers, Loading, MediaCode, Push, Urgency,
    Value as WspValue, integer_value,
};
use kedge_protocol::wbxml::{Reader, pages};
use kedge_protocol::wire::Writer;
use kedge_tests::oracle_iota::{Carrier, fields};
use kedge_tests::oracle_wbxml::{dissect, installed, read, skeleton};

/// Numbers that look random and are the same in every run (xorshift).
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 % u64::try_from(limit).unwrap()).unwrap()
    }

    fn text(&mut self, longest: usize) -> String {
        let alphabet: Vec<char> = ('a'..='z').chain('0'..='9').chain(";:/?=.-_ ".chars()).collect();
        (0..self.below(longest + 1)).map(|_| alphabet[self.below(alphabet.len())]).collect()
    }

    fn octets(&mut self, longest: usize) -> Vec<u8> {
        (0..self.below(longest + 1)).map(|_| u8::try_from(self.below(256)).unwrap()).collect()
    }
}

/// A random document of the server or the device, as WBXML.
fn mmc_document(numbers: &mut Numbers) -> Vec<u8> {
    let mut out = [0; 8192];
    let doc = u16::try_from(1 + numbers.below(65_535)).unwrap();
    let next = ["https://a.example.com/x", "http://b.example/", "x"][numbers.below(3)];
    let server = numbers.below(2) == 0;
    let head = if server {
        Head::Server { session: "S-1", doc, next: (numbers.below(2) == 0).then_some(next) }
    } else {
        Head::Device { session: "S-1", re: doc }
    };
    let mut writer = mmc::Writer::new(Coding::Wbxml, &mut out, &head).unwrap();
    for id in 1..=u16::try_from(numbers.below(6)).unwrap() {
        let (text, octets) = (numbers.text(40), numbers.octets(40));
        let url = format!("http://www.example.org/{text}");
        let value =
            [Content::Text(&text), Content::Reference("cid:p1"), Content::Data(&octets), Content::Text(&url)]
                [numbers.below(4)];
        if server {
            let verb = [Verb::Write, Verb::Check, Verb::Exec, Verb::Read, Verb::Commit][numbers.below(5)];
            let mut command = Command::new(id, verb);
            if verb != Verb::Commit {
                command = command.on(["is683/msg", "phn/homepage"][numbers.below(2)]);
            }
            if matches!(verb, Verb::Write | Verb::Check | Verb::Exec) {
                command = command.with(value);
            }
            command.on_error = [OnError::Stop, OnError::Continue][numbers.below(2)];
            writer.command(&command).unwrap();
        } else {
            let code = ResultCode(u8::try_from(numbers.below(40)).unwrap());
            writer.answer(&Answer { id, code, value: Some(value) }).unwrap();
        }
    }
    writer.finish().unwrap().to_vec()
}

#[test]
fn tshark_sees_the_structure_of_our_documents() {
    if !installed("tshark") {
        return;
    }
    let mut numbers = Numbers(0x1074);
    let documents: Vec<Vec<u8>> = (0..500).map(|_| mmc_document(&mut numbers)).collect();
    let slices: Vec<&[u8]> = documents.iter().map(Vec::as_slice).collect();
    let mut items_compared = 0;
    for (number, (bytes, reading)) in documents.iter().zip(dissect(&slices)).enumerate() {
        // tshark knows no names for this profile: so neither do we here.
        let items = read(&mut Reader::<8>::new(bytes, &pages::NONE).unwrap()).unwrap();
        let ours = skeleton(&items);
        assert!(reading.has_body, "document {number}: {bytes:02x?}");
        let theirs: Vec<String> = reading.skeleton.iter().map(|item| without_high_bit(item)).collect();
        assert_eq!(ours, theirs, "document {number}: {bytes:02x?}");
        assert!(!reading.complaints.iter().any(|line| line.to_lowercase().contains("malformed")), "{number}");
        items_compared += ours.len();
    }
    kedge_tests::figure!(
        "tshark: {} MMC documents, {items_compared} items compared, 0 differ",
        documents.len()
    );
}

/// An unknown value token as [`skeleton`] spells it: tshark leaves the high bit of some.
fn without_high_bit(item: &str) -> String {
    let token = item.strip_prefix("attrValue_0x").and_then(|digits| u8::from_str_radix(digits, 16).ok());
    token.map_or(item.to_owned(), |token| format!("attrValue_0x{:02X}", token & 0x7F))
}

/// A push and what tshark must show of it.
struct Sent {
    bytes: Vec<u8>,
    /// Transaction, headers length, content type, host, content length, push flag, application.
    shown: [String; 7],
    /// The application id travels as a long integer, which tshark 4.0 misreads.
    long_id: bool,
}

fn sent(numbers: &mut Numbers) -> Sent {
    let mut storage = [0; 512];
    let mut id = [0; 4];
    let mut shown = [const { String::new() }; 7];
    let mut w = Writer::new(&mut storage);
    let mut put = |code: HeaderCode, value: WspValue<'_>| {
        Header::Field(HeaderName::Code(code), value).write(&mut w).unwrap();
    };
    if numbers.below(2) == 0 {
        let host = format!("h{}.example.com:8080", numbers.below(1000));
        put(HeaderCode::HOST, WspValue::Text(host.as_bytes()));
        shown[3] = host;
    }
    // An unknown header in between must be passed over by both.
    if numbers.below(3) == 0 {
        put(HeaderCode(0x7D), WspValue::Octets(&numbers.octets(40)));
    }
    if numbers.below(2) == 0 {
        let flag = u8::try_from(numbers.below(8)).unwrap();
        put(HeaderCode::PUSH_FLAG, WspValue::Short(flag));
        let bits = [" (Initiator URI authenticated)", " (Content trusted)", " (Last push message)"];
        shown[5] = (0..).zip(bits).filter(|(bit, _)| flag >> bit & 1 == 1).map(|(_, text)| text).collect();
    }
    let choice = numbers.below(4);
    match choice {
        0 => {
            put(HeaderCode::APPLICATION_ID, WspValue::Short(7));
            "x-wap-application:syncml.dm".clone_into(&mut shown[6]);
        }
        1 => {
            put(HeaderCode::APPLICATION_ID, WspValue::Text(b"x-wap-application:iota.ua"));
            "x-wap-application:iota.ua".clone_into(&mut shown[6]);
        }
        2 => {
            put(HeaderCode::APPLICATION_ID, integer_value(0x8010, &mut id));
            "x-wap-openwave:iota.ua".clone_into(&mut shown[6]);
        }
        _ => {}
    }
    let url = format!("http://prov.example.com/{}", numbers.below(100_000));
    let action = [Urgency::Low, Urgency::High][numbers.below(2)];
    let mut out = [0; 128];
    let body = Loading { href: &url, action }.write(Coding::Wbxml, &mut out).unwrap();
    let length = u32::try_from(body.len()).unwrap();
    put(HeaderCode::CONTENT_LENGTH, integer_value(length, &mut id));
    shown[4] = length.to_string();
    let headers = Headers::new(w.finish()).unwrap();
    let tid = u8::try_from(numbers.below(256)).unwrap();
    let content_type = ContentType::code(MediaCode::SL);
    let push = Push { tid, content_type, headers, body };
    let mut bytes = vec![0; push.buffer_len()];
    push.emit(&mut bytes).unwrap();
    shown[0] = format!("0x{tid:02x}");
    shown[1] = (1 + headers.octets().len()).to_string();
    "application/vnd.wap.slc".clone_into(&mut shown[2]);
    Sent { bytes, shown, long_id: choice == 2 }
}

#[test]
fn tshark_reads_the_fields_of_our_pushes() {
    if !installed("tshark") {
        return;
    }
    let mut numbers = Numbers(0x9200);
    let pushes: Vec<Sent> = (0..500).map(|_| sent(&mut numbers)).collect();
    let packets: Vec<Vec<u8>> = pushes.iter().map(|push| push.bytes.clone()).collect();
    let names = [
        "wsp.TID",
        "wsp.headers_length",
        "wsp.header.content_type",
        "wsp.header.host",
        "wsp.header.content_length",
        "wsp.header.push_flag",
        "wsp.header.x_wap_application_id",
        "wsp.pdu_type",
        "_ws.malformed",
    ];
    let (mut compared, mut explained) = (0, 0);
    for (push, read) in pushes.iter().zip(fields(Carrier::Push, &packets, &names, None)) {
        assert_eq!((read[7].as_str(), read[8].as_str()), ("0x06", ""), "{:02x?}", push.bytes);
        for (field, (ours, theirs)) in push.shown.iter().zip(&read).enumerate() {
            compared += 1;
            if field == 6 && push.long_id && ours != theirs {
                // tshark-oracle 8.5: the length octet is taken for the value, so 2, the browser, is shown.
                assert_eq!(theirs, "x-wap-application:wml.ua");
                explained += 1;
            } else {
                assert_eq!(ours, theirs, "{} of {:02x?}", names[field], push.bytes);
            }
        }
    }
    assert!(explained > 0, "tshark reads long application ids now: the exception is no longer needed");
    kedge_tests::figure!(
        "tshark: {} pushes, {compared} fields compared, {explained} differ, explained: \
         tshark takes the length octet of a long application id for its value",
        pushes.len()
    );
}

/// Teaches tshark the media types of this project.
const LUA: &str = r#"
local function via_table(name, num)
  local p = Proto(name, name)
  function p.dissector(tvb, pinfo, tree)
    return DissectorTable.get("ansi_map.ota"):try(num, tvb, pinfo, tree)
  end
  return p
end
local mt = DissectorTable.get("media_type")
mt:add("application/x-is683", via_table("is683_fwd", 0))
mt:add("application/x-is683-response", via_table("is683_rev", 1))
mt:add("application/iota.mmc-wbxml", Dissector.get("wbxml"))
mt:add("application/iota.mmc-xml", Dissector.get("xml"))
"#;

/// The fields of an HTTP message; content types are those of the parts.
const HTTP_FIELDS: [&str; 6] = [
    "mime_multipart.header.content-type",
    "mime_multipart.header.content-id",
    "ansi_683.for_msg_type",
    "ansi_683.rev_msg_type",
    "http.content_type",
    "_ws.malformed",
];

/// A document with so many messages, each in a part of its own, as the body of a response; and the message types.
fn response(coding: Coding, messages: &[&[u8]]) -> (String, Vec<u8>) {
    let (mut document, mut out, mut header) = ([0; 8192], vec![0; 32_768], [0; 128]);
    let head = Head::Server { session: "S", doc: 1, next: None };
    let mut writer = mmc::Writer::new(coding, &mut document, &head).unwrap();
    let ids: Vec<String> = (1..=messages.len()).map(|number| format!("f{number}")).collect();
    for (number, id) in (1..).zip(&ids) {
        let reference = format!("cid:{id}");
        let exec = Command::new(number, Verb::Exec).on("is683/msg").with(Content::Reference(&reference));
        writer.command(&exec).unwrap();
    }
    let document = writer.finish().unwrap();
    let mut storage = [0; 10];
    let contents = messages.iter().copied().chain([document]);
    let boundary = Boundary::avoiding(contents, &mut storage).unwrap();
    let mut body = RelatedWriter::new(&mut out, boundary);
    let root = Piece { media_type: mmc::media_type(coding), content_id: "mmc", content: document };
    body.piece(&root).unwrap();
    for (id, message) in ids.iter().zip(messages) {
        body.piece(&Piece { media_type: IS683, content_id: id, content: message }).unwrap();
    }
    let body = body.finish().unwrap().to_vec();
    let mut w = Writer::new(&mut header);
    boundary.content_type(&root, &mut w).unwrap();
    (String::from_utf8(w.finish().to_vec()).unwrap(), body)
}

/// What a session posts after it got `body` and every message was answered by the octet `06`'s response of that type.
fn post(content_type: &str, body: &[u8], answers: &[&[u8]]) -> (String, Vec<u8>) {
    let config = Config {
        start_url: "http://boot.example.com/",
        reason: Reason::Boot,
        make: "Acme",
        model: "DevKit",
        version: "1",
        esn: Some(1),
        meid: None,
        trusted_domain: "",
        boot_url: "http://boot.example.com/",
        connection_timeout: Duration::from_secs(30),
        session_timeout: Duration::from_secs(900),
    };
    let (mut rx, mut tx) = (vec![0; 65_536], vec![0; 32_768]);
    let mut session = Session::new(&config, &mut rx, &mut tx).unwrap();
    session.handle(Duration::ZERO, Input::Start).unwrap();
    assert!(matches!(session.poll(Duration::ZERO), Output::Send(_)));
    session.receive_buffer()[..body.len()].copy_from_slice(body);
    let content_type = Some(content_type);
    let reply = Reply { status: 200, content_type, location: None, retry_after: None, len: body.len() };
    session.handle(Duration::ZERO, Input::Reply(reply)).unwrap();
    for answer in answers {
        assert!(matches!(session.poll(Duration::ZERO), Output::Execute(_)));
        let result = CommandResult { code: ResultCode::SUCCESS, value: Some(Value::Data(answer)) };
        session.handle(Duration::ZERO, Input::Done(result)).unwrap();
    }
    let Output::Send(request) = session.poll(Duration::ZERO) else { panic!("no request") };
    let (_, content_type) = *request.headers.as_slice().last().unwrap();
    (content_type.to_owned(), request.body.to_vec())
}

/// An HTTP message with that start line.
fn http(start: &str, content_type: &str, body: &[u8]) -> Vec<u8> {
    let head = format!("{start}\r\nContent-Type: {content_type}\r\nContent-Length: {}\r\n\r\n", body.len());
    [head.as_bytes(), body].concat()
}

#[test]
fn tshark_takes_our_http_bodies_apart() {
    /// Type, forward message and its answer: capability, validation, commit, PRL download.
    const MESSAGES: [(u8, &[u8], &[u8]); 4] = [
        (6, &[0x06], &[6, 1, 2, 0x2A, 5, 0, 2, 2, 1, 2, 3, 3, 1, 4, 1, 1, 0x60]),
        (9, &[0x09, 1, 0, 3, 0, 0, 0], &[0x09, 1, 0, 0]),
        (5, &[0x05], &[0x05, 0]),
        (8, &[8, 0, 9, 1, 0, 0, 5, 1, 2, 3, 4, 5], &[8, 0, 0, 0, 0, 5]),
    ];
    if !installed("tshark") {
        return;
    }
    let mut numbers = Numbers(0x2387);
    let (mut responses, mut requests, mut expected) = (Vec::new(), Vec::new(), Vec::new());
    for round in 0..60 {
        let coding = [Coding::Wbxml, Coding::Xml][round % 2];
        let picks: Vec<_> = (0..=numbers.below(4)).map(|_| MESSAGES[numbers.below(4)]).collect();
        let forward: Vec<&[u8]> = picks.iter().map(|pick| pick.1).collect();
        let reverse: Vec<&[u8]> = picks.iter().map(|pick| pick.2).collect();
        let (content_type, body) = response(coding, &forward);
        responses.push(http("HTTP/1.1 200 OK", &content_type, &body));
        let (content_type, body) = post(&content_type, &body, &reverse);
        requests.push(http("POST / HTTP/1.1\r\nHost: boot.example.com", &content_type, &body));
        let types: Vec<String> = picks.iter().map(|pick| pick.0.to_string()).collect();
        expected.push((coding, types));
    }
    let read = [
        (fields(Carrier::HttpResponse, &responses, &HTTP_FIELDS, Some(LUA)), "f", IS683, 2),
        (
            fields(Carrier::HttpRequest, &requests, &HTTP_FIELDS, Some(LUA)),
            "r",
            "application/x-is683-response",
            3,
        ),
    ];
    let mut parts = 0;
    for (lines, prefix, part_type, message_field) in &read {
        for (line, (coding, types)) in lines.iter().zip(&expected) {
            let media: Vec<&str> =
                [mmc::media_type(*coding)].into_iter().chain(types.iter().map(|_| *part_type)).collect();
            let ids: Vec<String> = ["<mmc>".to_owned()]
                .into_iter()
                .chain((1..=types.len()).map(|number| format!("<{prefix}{number}>")))
                .collect();
            assert_eq!(line[0], media.join("|"));
            assert_eq!(line[1], ids.join("|"));
            assert_eq!(line[*message_field], types.join("|"));
            assert!(line[4].starts_with("multipart/related"), "{}", line[4]);
            assert_eq!(line[5], "", "malformed: {line:?}");
            parts += ids.len();
        }
    }
    kedge_tests::figure!(
        "tshark: {} HTTP messages, {parts} parts compared, 0 differ",
        responses.len() + requests.len()
    );
}

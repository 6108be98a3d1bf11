//! What comes as one piece: messages and documents of device management, provisioning, pushes, multipart bodies, download
//! descriptors, license documents. What is read and can be written is written, read again, and must be the same.

use std::fs;
use std::path::Path;

use kedge_protocol::cp::security::{NetworkKey, Protection, verify};
use kedge_protocol::cp::{Coded, MAX_DOCUMENT, Nothing, OBJECT, Object, Objects, check, write};
use kedge_protocol::dlota::Descriptor;
use kedge_protocol::dm::auth::{Crypto, Secret};
use kedge_protocol::dm::notification::{Notification, Packet as Proven, UiMode};
use kedge_protocol::iota::mmc::guess;
use kedge_protocol::license::accept::{Acceptance, Device, IssuerKey, KeyStore, Policy, Situation};
use kedge_protocol::license::{Configuration, KeyId, Level, Part, Serial, TrustChange, Verifier};
use kedge_protocol::mime::{MediaType, Related};
use kedge_protocol::syncml::{
    AlertCode, Code, Data, Dialect, Format, Head, Header, Item, Location, Message, Meta, Verb, Writer,
};
use kedge_protocol::wap::{
    self, CacheOperation, Coding, DocumentWriter, Indication, Loading, MailNotification, Multipart, Packet,
    Push, dump,
};
use kedge_protocol::wbxml::{Version, pages};
use kedge_protocol::wire::ErrorKind;

use super::Depth;
use crate::oracle_iota::unhex;
use crate::syncml::{ROOM, rewritten};

/// A SyncML message in either coding.
pub(super) fn message(octets: &[u8]) -> Depth {
    let coding = guess(octets);
    let mut scratch = vec![0; ROOM];
    if Message::check(coding, octets, &mut scratch).is_err() {
        return Depth::Unread;
    }
    // Only an item may still be in disorder, or something that we never write.
    let mut depth = Depth::Refused;
    for to in [Coding::Wbxml, Coding::Xml] {
        let Ok(written) = rewritten(coding, octets, to) else { continue };
        assert_eq!(rewritten(to, &written, to).as_ref(), Ok(&written), "a fixed point");
        depth = Depth::Taken;
    }
    depth
}

/// A message of a server and one of a device, in both codings.
pub(super) fn messages() -> Vec<Vec<u8>> {
    [Coding::Wbxml, Coding::Xml]
        .into_iter()
        .flat_map(|coding| [server(coding, "1", true), device(coding)])
        .collect()
}

/// Octets of a seed.
const SEED: usize = 4096;

/// What a server may want in the message of this number: every command, in a container too; or nothing more.
pub(super) fn server(coding: Coding, number: &str, wants: bool) -> Vec<u8> {
    let (device, server) = (Location::new("IMEI:1"), Location::new("http://dm.example"));
    let header = Header::new(Dialect::V1_2, "7", number, device, server);
    let mut out = [0; SEED];
    let mut writer = Writer::new(coding, &mut out, &header).expect("a header");
    let status = Head::status("1", number, "0", "SyncHdr", Code::AUTHENTICATED);
    writer.command(&status).and_then(|command| command.target_ref("http://dm.example")?.end()).expect("room");
    if !wants {
        return writer.finish(true).expect("a whole message").to_vec();
    }
    let commands = [
        (Verb::Get, Item::target("./DevInfo?list=Struct")),
        (Verb::Replace, Item::target("./Set/a/Value").text("a & b").meta(Meta::of(Format::Chr))),
        (Verb::Add, Item { data: Some(Data::Octets(&[1, 2, 3])), ..Item::target("./Set/b/Value") }),
        (Verb::Delete, Item::target("./Set/a")),
        (Verb::Exec, Item::target("./Set/Run").text("http://p.example/1")),
    ];
    for (number, (verb, item)) in (2..).zip(&commands) {
        let id = format!("{number}");
        writer.command(&Head::new(*verb, &id)).and_then(|c| c.item(item)?.end()).expect("room");
    }
    writer.begin(&Head::new(Verb::Atomic, "10")).expect("room");
    let add = Head::new(Verb::Add, "11");
    writer.command(&add).and_then(|c| c.item(&Item::target("./Set/c").text("x"))?.end()).expect("room");
    writer.end().expect("an open container");
    let ask = Head::alert("12", AlertCode(1101));
    let (options, question) = (Item::EMPTY.text("MINDT=1&MAXDT=5&DR=1"), Item::EMPTY.text("Now?"));
    writer.command(&ask).and_then(|c| c.item(&options)?.item(&question)?.end()).expect("room");
    writer.finish(true).expect("a whole message").to_vec()
}

/// What a device may tell.
fn device(coding: Coding) -> Vec<u8> {
    let header =
        Header::new(Dialect::V1_2, "7", "1", Location::new("http://dm.example"), Location::new("IMEI:1"));
    let mut out = [0; SEED];
    let mut writer = Writer::new(coding, &mut out, &header).expect("a header");
    writer
        .command(&Head::alert("1", AlertCode::CLIENT_INITIATED))
        .and_then(kedge_protocol::syncml::CommandWriter::end)
        .expect("room");
    let results = Head::results("2", "1", "4");
    let item = Item::source("./DevInfo/Man").text("Maker");
    writer.command(&results).and_then(|c| c.item(&item)?.end()).expect("room");
    writer.finish(false).expect("a whole message").to_vec()
}

/// Stands for MD5: a digest that every octet changes.
pub(super) struct Mixed(pub(super) u8);

impl Crypto for Mixed {
    fn md5(&mut self, parts: &[&[u8]]) -> [u8; 16] {
        let mut digest = [0_u8; 16];
        for (number, octet) in parts.iter().flat_map(|part| part.iter()).enumerate() {
            digest[number % 16] = digest[(number + 15) % 16].rotate_left(3) ^ octet.wrapping_mul(31);
        }
        digest
    }

    fn random(&mut self, out: &mut [u8]) {
        out.fill_with(|| {
            self.0 = self.0.wrapping_mul(167).wrapping_add(13);
            self.0
        });
    }
}

/// A notification, as it stands in a push.
pub(super) fn notification(octets: &[u8]) -> Depth {
    let Ok(packet) = Proven::new(octets) else { return Depth::Unread };
    let Ok(notification) = Notification::parse(&packet) else { return Depth::Unread };
    let (password, nonce) = (Secret::new(b"secret"), b"nonce");
    let mut room = vec![0; notification.buffer_len()];
    let Ok(written) = notification.emit(password, nonce, &mut Mixed(0), &mut room) else {
        return Depth::Failed;
    };
    assert_eq!(written.len(), notification.buffer_len());
    let again = Proven::new(written).expect("its fields");
    assert_eq!(Notification::parse(&again), Ok(notification));
    let proof = |packet| notification.verify(packet, password, nonce, &mut Mixed(0));
    assert!(proof(&again).is_some(), "our own proof");
    if proof(&packet).is_some() { Depth::Taken } else { Depth::Refused }
}

/// One with a proof and one without.
pub(super) fn notifications() -> Vec<Vec<u8>> {
    let notification = Notification {
        version: 11,
        ui_mode: UiMode::Background,
        by_server: true,
        session: 18,
        server: "dm.example.com",
        vendor: b"more",
    };
    let mut room = [0; 64];
    let proven = notification.emit(Secret::new(b"secret"), b"nonce", &mut Mixed(0), &mut room);
    let proven = proven.expect("room").to_vec();
    vec![proven, unhex("c4af87528f26aa63a7ecd754252708bf02c80000000012"), body("dm-notification")]
}

/// A provisioning document in either coding.
pub(super) fn provisioning(octets: &[u8]) -> Depth {
    let source = Coded { coding: guess(octets), bytes: octets };
    let Ok(mut objects) = Objects::new(&source) else { return Depth::Unread };
    let mut stored = Vec::new();
    let mut scratch = [0; OBJECT];
    loop {
        match objects.next(&mut scratch) {
            Ok(Some(object)) => {
                let mut room = vec![0; object.buffer_len()];
                object.write(&mut kedge_protocol::wire::Writer::new(&mut room)).expect("room");
                stored.push(room);
            }
            Ok(None) => break,
            Err(_) => return Depth::Refused,
        }
    }
    for coding in [Coding::Wbxml, Coding::Xml] {
        let Some(written) = written(coding, &stored) else { continue };
        // As much of it as a document may have.
        if written.len() <= MAX_DOCUMENT {
            assert_eq!(objects_of(&written), stored, "{coding:?}");
        }
    }
    match check(&source, &mut Nothing, &mut scratch) {
        Ok(summary) => {
            assert_eq!(summary.objects, stored.len());
            Depth::Taken
        }
        Err(_) => Depth::Failed,
    }
}

/// A document of these objects; `None` if a value has a character that the coding cannot carry.
fn written(coding: Coding, stored: &[Vec<u8>]) -> Option<Vec<u8>> {
    let mut out = vec![0; 256 * 1024];
    let mut sink: DocumentWriter<'_, 8> =
        DocumentWriter::new(coding, &mut out, &pages::PROV, Version::V1_3).expect("room");
    let objects = stored.iter().map(|octets| Object::from_octets(octets).expect("what was stored"));
    match write(&mut sink, "1.1", objects) {
        Ok(()) => Some(sink.finish().expect("a whole document").to_vec()),
        Err(error) => {
            assert_eq!(error.kind, ErrorKind::BadText);
            None
        }
    }
}

fn objects_of(octets: &[u8]) -> Vec<Vec<u8>> {
    let source = Coded { coding: guess(octets), bytes: octets };
    let mut objects = Objects::new(&source).expect("what was written can be read");
    let (mut stored, mut scratch) = (Vec::new(), [0; OBJECT]);
    while let Some(object) = objects.next(&mut scratch).expect("each object") {
        let mut room = vec![0; object.buffer_len()];
        object.write(&mut kedge_protocol::wire::Writer::new(&mut room)).expect("room");
        stored.push(room);
    }
    stored
}

/// An access point with a proxy and an account, in both codings; and the document of a vector.
pub(super) fn provisionings() -> Vec<Vec<u8>> {
    let text = br#"<wap-provisioningdoc version="1.1">
<characteristic type="NAPDEF"><parm name="NAPID" value="n"/><parm name="BEARER" value="GSM-GPRS"/>
<parm name="NAP-ADDRESS" value="internet"/><parm name="NAP-ADDRTYPE" value="APN"/>
<characteristic type="NAPAUTHINFO"><parm name="AUTHTYPE" value="PAP"/><parm name="AUTHNAME" value="a"/></characteristic>
</characteristic>
<characteristic type="PXLOGICAL"><parm name="PROXY-ID" value="p"/><parm name="NAME" value="A&amp;B"/>
<characteristic type="PXPHYSICAL"><parm name="PHYSICAL-PROXY-ID" value="1"/><parm name="PXADDR" value="10.0.0.1"/>
<parm name="TO-NAPID" value="n"/><characteristic type="PORT"><parm name="PORTNBR" value="80"/></characteristic>
</characteristic></characteristic>
<characteristic type="APPLICATION"><parm name="APPID" value="w7"/><parm name="PROVIDER-ID" value="dm"/>
<parm name="TO-PROXY" value="p"/><characteristic type="APPADDR"><parm name="ADDR" value="http://dm.example"/>
</characteristic></characteristic>
<characteristic type="VENDORCONFIG"><parm name="NAME" value="v"/><parm name="own" value="1"/></characteristic>
</wap-provisioningdoc>"#;
    let coded = written(Coding::Wbxml, &objects_of(text)).expect("plain text");
    vec![text.to_vec(), coded, body("cp-userpin")]
}

/// A connectionless push, and its body by its type.
pub(super) fn push(octets: &[u8]) -> Depth {
    let _ = dump(octets, &mut String::new());
    let Ok(packet) = Packet::new(octets) else { return Depth::Unread };
    let Ok(push) = Push::parse(&packet) else { return Depth::Unread };
    let mut room = vec![0; push.buffer_len()];
    let written = push.emit(&mut room).expect("what was read can be written");
    assert_eq!(written.len(), push.buffer_len());
    assert_eq!(Packet::new(written).and_then(|packet| Push::parse(&packet)), Ok(push));
    if let Ok(protection) = Protection::of(&push.content_type) {
        let _ = verify(&protection, push.body, Some(NetworkKey::Imsi("262011234567890")), Some("1234"));
    }
    let (coding, mut scratch) = (guess(push.body), [0; wap::SCRATCH]);
    let mut out = [0; 4 * wap::SCRATCH];
    if let Ok(indication) = Indication::read(coding, push.body, &mut scratch) {
        if let Ok(written) = indication.write(Coding::Wbxml, &mut out)
            && written.len() <= wap::MAX_DOCUMENT
        {
            let mut scratch = [0; wap::SCRATCH];
            assert_eq!(Indication::read(Coding::Wbxml, written, &mut scratch), Ok(indication));
        }
        return Depth::Taken;
    }
    if let Ok(loading) = Loading::read(coding, push.body, &mut scratch) {
        if let Ok(written) = loading.write(Coding::Xml, &mut out)
            && written.len() <= wap::MAX_DOCUMENT
        {
            let mut scratch = [0; wap::SCRATCH];
            assert_eq!(Loading::read(Coding::Xml, written, &mut scratch), Ok(loading));
        }
        return Depth::Taken;
    }
    if let Ok(mail) = MailNotification::read(coding, push.body, &mut scratch) {
        if let Ok(written) = mail.write(Coding::Wbxml, &mut out)
            && written.len() <= wap::MAX_DOCUMENT
        {
            let mut scratch = [0; wap::SCRATCH];
            assert_eq!(MailNotification::read(Coding::Wbxml, written, &mut scratch), Ok(mail));
        }
        return Depth::Taken;
    }
    // Nothing is handed out of a document that is not sound to its end.
    let mut handed = 0;
    if CacheOperation::read(coding, push.body, &mut scratch, |_| handed += 1).is_ok() {
        return Depth::Taken;
    }
    assert_eq!(handed, 0);
    Depth::Refused
}

/// The vectors of pushes.
pub(super) fn pushes() -> Vec<Vec<u8>> {
    let names = [
        "cp-userpin",
        "cp-userpinmac",
        "dm-notification",
        "kannel-si",
        "mms-by-code",
        "mms-by-text",
        "si-iota",
        "si-headers",
        "sl-iota",
        "emn",
        "co",
    ];
    names.map(vector).to_vec()
}

fn vector(name: &str) -> Vec<u8> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("vectors/wap/{name}.txt"));
    let text = fs::read_to_string(path).expect("a vector");
    unhex(text.lines().find_map(|line| line.strip_prefix("hex: ")).expect("its octets"))
}

/// The body of a vector.
fn body(name: &str) -> Vec<u8> {
    let octets = vector(name);
    Packet::new(&octets).expect("a push").body().to_vec()
}

/// A multipart body behind a line with its Content-Type.
pub(super) fn multipart(octets: &[u8]) -> Depth {
    let mut lines = octets.splitn(2, |&octet| octet == b'\n');
    let (line, body) = (lines.next().unwrap_or_default(), lines.next().unwrap_or_default());
    let Some(media) = str::from_utf8(line).ok().and_then(|line| MediaType::parse(line).ok()) else {
        return Depth::Unread;
    };
    for parameter in media.parameters().flatten() {
        assert!(parameter.1.plain().is_none_or(|text| parameter.1.is(text)));
    }
    if Multipart::is_type(&media) {
        return binary_multipart(body);
    }
    let Ok(related) = Related::new(&media, body) else { return Depth::Unread };
    let mut scratch = vec![0; body.len()];
    for part in related.parts().flatten() {
        assert!(part.content.len() <= body.len());
        let _ = part.decode(&mut scratch);
    }
    if related.check().is_ok() { Depth::Taken } else { Depth::Refused }
}

/// A multipart in WSP's framing: what is read whole is written as it was, but for the forms that its lengths may have.
fn binary_multipart(body: &[u8]) -> Depth {
    let Ok(parts) = Multipart::new(body) else { return Depth::Unread };
    let Ok(parts) = parts.map(|part| part.map(|(_, part)| part)).collect::<Result<Vec<_>, _>>() else {
        return Depth::Refused;
    };
    let mut out = vec![0; Multipart::buffer_len(&parts)];
    let Ok(written) = Multipart::write(&parts, &mut out) else { return Depth::Failed };
    let again: Vec<_> =
        Multipart::new(written).into_iter().flatten().flatten().map(|(_, part)| part).collect();
    assert_eq!(again, parts);
    Depth::Taken
}

/// A body of two parts, one whose second is base64, and one in WSP's framing.
pub(super) fn multiparts() -> Vec<Vec<u8>> {
    let plain = "multipart/related; boundary=b; start=\"<a>\"\n--b\r\nContent-Type: text/xml\r\nContent-ID: <a>\r\n\r\n\
                 <mmc/>\r\n--b\r\nContent-Type: application/octet-stream\r\nContent-ID: <c>\r\n\r\n\x01\x02\r\n--b--\r\n";
    let coded = "multipart/related; boundary=\"b c\"; type=\"text/xml\"\n--b c\r\nContent-Type: text/xml\r\n\r\n<mmc/>\
                 \r\n--b c\r\nContent-ID: <c>\r\nContent-Transfer-Encoding: base64\r\n\r\nAQID\r\n--b c--";
    let binary = b"application/vnd.wap.multipart.mixed\n\x02\x03\x02\xB0\x8D\x82ab\x0B\x00text/plain\0";
    vec![plain.as_bytes().to_vec(), coded.as_bytes().to_vec(), binary.to_vec()]
}

/// A download descriptor.
pub(super) fn descriptor(octets: &[u8]) -> Depth {
    let mut scratch = vec![0; octets.len()];
    let descriptor = match Descriptor::read(octets, &mut scratch) {
        Ok(descriptor) => descriptor,
        Err(fault) => return if fault.install_notify_uri.is_some() { Depth::Refused } else { Depth::Unread },
    };
    let mut out = vec![0; 16 * octets.len() + 1024];
    let Ok(written) = descriptor.write(&mut out) else { return Depth::Failed };
    let mut again = vec![0; written.len()];
    assert_eq!(Descriptor::read(written, &mut again).ok(), Some(descriptor));
    Depth::Taken
}

/// A descriptor with everything, one with what it needs, and one without its size.
pub(super) fn descriptors() -> Vec<Vec<u8>> {
    [
        r#"<?xml version="1.0"?><media xmlns="http://www.openmobilealliance.org/xmlns/dd"><type>application/octet-stream</type>
<type>application/vnd.example</type><size>1000</size><objectURI>http://p.example/1.kdg</objectURI><name>N &amp; M</name>
<installNotifyURI>http://p.example/n</installNotifyURI><nextURL>http://p.example/next</nextURL><vendor>V</vendor>
<description>D</description><DDVersion>1.0</DDVersion><infoURL>http://p.example/i</infoURL>
<installParam>hash=00;version=2</installParam></media>"#,
        "<media><type>a/b</type><size>1</size><objectURI>o</objectURI></media>",
        "<media><type>a/b</type><objectURI>o</objectURI><installNotifyURI>n</installNotifyURI></media>",
    ]
    .map(|text| text.as_bytes().to_vec())
    .to_vec()
}

/// One key that signs everything, and signatures that are always right: what is behind them is looked at.
struct Believer;

impl Verifier for Believer {
    fn verify(&self, _: &[u8; 32], _: &[&[u8]], _: &[u8; 64]) -> bool {
        true
    }

    fn sha256(&self, octets: &[u8]) -> [u8; 32] {
        let mut hash = [0; 32];
        hash[..16].copy_from_slice(&Mixed(0).md5(&[octets]));
        hash
    }
}

impl KeyStore for Believer {
    fn find(&self, _: &KeyId) -> Option<IssuerKey<'_>> {
        Some(IssuerKey { key: [7; 32], roles: 7, issuer: "prov.example" })
    }
}

/// A license document.
pub(super) fn license(octets: &[u8]) -> Depth {
    let policy = Policy {
        vendor: "example",
        product: "example-client",
        max_document: 3584,
        level: Level::Identity,
        build_time: 1_700_000_000,
        allow_unsolicited: true,
        allow_eddsa: true,
    };
    let ueid = unhex("030305060903080003050604030800");
    let device = Device { ueid: &ueid, key: None };
    let acceptance = Acceptance { policy, device, keys: &Believer, verifier: &Believer };
    let nonce = unhex("101112131415161718191a1b1c1d1e1f");
    let situation = Situation {
        nonce: nonce.first_chunk(),
        in_session: true,
        floor: Serial::new(1, 6),
        held: None,
        auth_floor: 1_700_000_000,
        now: 1_893_456_000,
        has_clock: true,
    };
    if acceptance.verify(octets).is_err() {
        return Depth::Unread;
    }
    let media_type = Some("application/vnd.example.provisioning+cbor");
    match acceptance.accept(octets, media_type, &situation, &mut |configuration| visited(configuration) > 0) {
        Ok(_) => Depth::Taken,
        Err(_) => Depth::Refused,
    }
}

/// How much a configuration holds.
fn visited(configuration: &Configuration<'_>) -> usize {
    let mut count = 0;
    let each = &mut |part: Part<'_>| {
        count += 1;
        if let Part::Trust(update) = part {
            update.visit(&mut |change: TrustChange<'_>| {
                count += usize::from(matches!(change, TrustChange::Revoke(_)));
            })?;
        }
        Ok(())
    };
    configuration.visit(each).expect("it was checked before");
    count
}

/// The vectors of documents, those that another encoder made and those that are wrong.
pub(super) fn licenses() -> Vec<Vec<u8>> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("vectors/license/documents.txt");
    let text = fs::read_to_string(path).expect("the vectors");
    let lines = text.lines().filter(|line| !line.starts_with('#'));
    lines.map(|line| unhex(line.split(' ').nth(2).expect("three words"))).collect()
}

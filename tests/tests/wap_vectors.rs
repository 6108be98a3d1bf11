//! Every push vector of the fact sheet: read, written back octet by octet, explained; and their documents.

use kedge_protocol::iota::TrustedDomain;
use kedge_protocol::iota::trigger::{Trigger, filter};
use kedge_protocol::wap::{
    ApplicationCode, CacheOperation, Coding, Date, HeaderCode, Indication, Invalidation, Loading,
    MailNotification, MediaCode, Packet, ParameterCode, Push, SCRATCH, SecurityMethod, Signal, Urgency, dump,
};
use kedge_tests::oracle_iota::Vector;

fn push(vector: &Vector) -> Push<'_> {
    let packet = Packet::new(&vector.bytes).unwrap_or_else(|e| panic!("{}: {e}", vector.name()));
    Push::parse(&packet).unwrap_or_else(|e| panic!("{}: {e}", vector.name()))
}

#[test]
fn pushes_round_trip_and_explain_themselves() {
    let vectors = Vector::all("wap");
    assert_eq!(vectors.len(), 16, "vectors are missing");
    for vector in &vectors {
        let push = push(vector);
        let mut out = vec![0; push.buffer_len()];
        assert_eq!(push.emit(&mut out).unwrap(), vector.bytes, "{}", vector.name());
        let mut text = String::new();
        assert_eq!(dump(&vector.bytes, &mut text).unwrap(), None, "{text}");
        vector.explain(&text);
    }
    kedge_tests::figure!("{} push vectors round-trip octet by octet", vectors.len());
}

#[test]
fn the_same_media_type_comes_by_code_and_by_text() {
    for name in ["mms-by-code", "mms-by-text"] {
        let vector = Vector::named("wap", name);
        let push = push(&vector);
        assert!(push.content_type.media.is(MediaCode::MMS));
        assert!(push.headers.application_id().unwrap().is(ApplicationCode::MMS));
    }
    let vector = Vector::named("wap", "mms-by-text");
    let flag = push(&vector).headers.push_flag();
    assert!(!flag.initiator_authenticated() && flag.content_trusted() && flag.last());
}

#[test]
fn the_gateway_manuals_indication() {
    let vector = Vector::named("wap", "kannel-si");
    let push = push(&vector);
    assert_eq!(push.headers.get(HeaderCode::HOST).unwrap().text(), Some("localhost:8080"));
    assert_eq!(push.headers.get(HeaderCode::CONTENT_LENGTH).unwrap().integer(), Some(79));
    assert_eq!(push.body.len(), 79);
    let mut scratch = [0; SCRATCH];
    let si = Indication::read(Coding::Wbxml, push.body, &mut scratch).unwrap();
    let expected = Indication {
        href: Some("http://wap.iobox.fi"),
        si_id: Some("1@wiral.com"),
        action: Signal::Medium,
        created: Date::new(1999, 6, 25, 15, 23, 15),
        expires: Date::new(2002, 6, 30, 0, 0, 0),
        text: "Want to test a fetch?",
    };
    assert_eq!(si, expected);
    // The manual spells the default action out; otherwise we write the same octets.
    let mut out = [0; 128];
    let written = si.write(Coding::Wbxml, &mut out).unwrap();
    let mut without_default = push.body.to_vec();
    let at = without_default.windows(2).position(|pair| pair == [0x07, 0x0A]).unwrap();
    without_default.remove(at);
    assert_eq!(written, without_default);
}

#[test]
fn provisioning_parameters_are_read() {
    let vector = Vector::named("wap", "cp-userpin");
    let push = push(&vector);
    assert!(push.content_type.media.is(MediaCode::CONNECTIVITY));
    let parameters = push.content_type.parameters;
    let sec = parameters.get(ParameterCode::SEC).unwrap().integer();
    assert_eq!(sec, Some(u32::from(SecurityMethod::USERPIN.0)));
    let mac = parameters.get(ParameterCode::MAC).unwrap().text();
    assert_eq!(mac, Some("56AF67A85B23E866339F5B8D27B892D8F8D3180B"));
}

#[test]
fn iota_triggers_pass_the_filter() {
    const URL: &str = "http://prov.example.com/iota?s=42";
    let trust = TrustedDomain::new("example.com", "");
    let mut scratch = [0; SCRATCH];
    let loading = Vector::named("wap", "sl-iota");
    assert_eq!(filter(&push(&loading), &trust, &mut scratch), Ok(Trigger::AtOnce(URL)));
    let sl = Loading::read(Coding::Wbxml, push(&loading).body, &mut scratch).unwrap();
    assert_eq!(sl, Loading { href: URL, action: Urgency::High });
    // Our writer uses the tokens for `http://` and `.com/`: shorter octets, the same document.
    let mut out = [0; 64];
    let written = sl.write(Coding::Wbxml, &mut out).unwrap();
    let tokens = b"\x02\x06\x6a\x00\x85\x06\x09\x03prov.example\x00\x85\x03iota?s=42\x00\x01";
    assert_eq!(written, tokens);
    let mut scratch = [0; SCRATCH];
    assert_eq!(Loading::read(Coding::Wbxml, tokens, &mut scratch), Ok(sl));

    let vector = Vector::named("wap", "si-iota");
    let mut scratch = [0; SCRATCH];
    let si = Indication::read(Coding::Wbxml, push(&vector).body, &mut scratch).unwrap();
    assert_eq!((si.href, si.si_id, si.action), (Some(URL), Some("42@example.com"), Signal::High));
    assert_eq!(si.text, "New settings");
}

/// Headers of every form (`wap-push.md` sections 2 and 4), in a length of two octets.
#[test]
fn headers_of_every_form_are_read() {
    let vector = Vector::named("wap", "si-headers");
    let push = push(&vector);
    assert!(push.tid == 0xFF && push.content_type.media.is(MediaCode::SI_XML));
    let charset = push.content_type.parameters.get(ParameterCode::CHARSET).unwrap();
    assert_eq!(charset.integer(), Some(106), "UTF-8");
    let headers = &push.headers;
    // 25 June 1999, 15:23:15, and 30 June 2002, in seconds since 1970
    assert_eq!(headers.get(HeaderCode::DATE).unwrap().integer(), Some(930_324_195));
    assert_eq!(headers.get(HeaderCode::EXPIRES).unwrap().integer(), Some(1_025_395_200));
    assert_eq!(headers.get(HeaderCode::HOST).unwrap().text(), Some("wap.example.com"));
    let uri = headers.get(HeaderCode::CONTENT_URI).unwrap().text().unwrap();
    assert_eq!(uri, format!("http://www.example.com/{}", "x".repeat(100)));
    assert_eq!(headers.get(HeaderCode::INITIATOR_URI).unwrap().text(), Some("x-initiator:one"));
    assert!(headers.application_id().unwrap().is(ApplicationCode::WML));
    let flag = headers.push_flag();
    assert!(flag.initiator_authenticated() && !flag.content_trusted() && !flag.last());
    assert_eq!(headers.iter().count(), 12, "with one by name, an unknown one and one of another code page");
    let mut scratch = [0; SCRATCH];
    let expected = Indication {
        href: Some("http://a.example/"),
        si_id: Some("7"),
        action: Signal::Low,
        created: Date::new(1999, 6, 25, 15, 23, 15),
        expires: None,
        text: "Text",
    };
    assert_eq!(Indication::read(Coding::Xml, push.body, &mut scratch), Ok(expected));
}

#[test]
fn mail_and_cache_operations_are_read() {
    let vector = Vector::named("wap", "emn");
    let mail = push(&vector);
    assert!(mail.content_type.media.is(MediaCode::EMN));
    assert!(mail.headers.application_id().unwrap().is(ApplicationCode::EMN));
    let mut scratch = [0; SCRATCH];
    let expected =
        MailNotification { mailbox: "mailat:user@mail.com", timestamp: Date::new(2026, 11, 22, 15, 30, 1) };
    assert_eq!(MailNotification::read(Coding::Wbxml, mail.body, &mut scratch), Ok(expected));

    let vector = Vector::named("wap", "co");
    let cache = push(&vector);
    assert!(cache.content_type.media.is(MediaCode::CO) && cache.headers.application_id().is_none());
    let mut all = Vec::new();
    let tell = |one: Invalidation<'_>| all.push(format!("{one:?}"));
    CacheOperation::read(Coding::Wbxml, cache.body, &mut scratch, tell).unwrap();
    let expected = [Invalidation::Object("http://www.a.com/x"), Invalidation::Service("https://b.org/")];
    assert_eq!(all, expected.map(|one| format!("{one:?}")));
}

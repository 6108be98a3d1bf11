use super::model::{AppId, Application, Napdef, PxLogical};
use super::security::{Denied, NetworkKey, Proof, Protection, Unusable, hex_of_mac, sign, verify};
use super::*;
use crate::wap::{
    Coding, ContentType, DocumentWriter, Media, MediaCode, Packet, Parameter, ParameterCode, ParameterName,
    Parameters, Push, SecurityMethod, Value,
};
use crate::wbxml::{Version, pages};
use crate::wire::{ErrorKind, Writer};
use account::{AuthLevel, DmAccount};
use proptest::prelude::*;
use std::format;
use std::string::String;
use std::vec::Vec;

/// A document with everything that refers to something.
const TEXT: &str = r#"<wap-provisioningdoc version="1.1">
  <characteristic type="BOOTSTRAP"><parm name="NAME" value="Example"/><parm name="PROXY-ID" value="P1"/></characteristic>
  <characteristic type="FUTURE"><parm name="X" value="1"/><characteristic type="PORT"><parm name="PORTNBR" value="nonsense"/></characteristic></characteristic>
  <characteristic type="NAPDEF">
    <parm name="NAPID" value="N1"/><parm name="BEARER" value="GSM-GPRS"/><parm name="BEARER" value="GSM-CSD"/>
    <parm name="NAP-ADDRESS" value="internet"/><parm name="NAP-ADDRTYPE" value="APN"/><parm name="INTERNET"/><parm name="SHOE-SIZE" value="43"/>
    <characteristic type="NAPAUTHINFO"><parm name="AUTHTYPE" value="PAP"/><parm name="AUTHNAME" value="u"/><parm name="AUTHSECRET" value="s"/></characteristic>
  </characteristic>
  <characteristic type="PXLOGICAL"><parm name="PROXY-ID" value="P1"/>
    <characteristic type="PXPHYSICAL"><parm name="PHYSICAL-PROXY-ID" value="1"/><parm name="PXADDR" value="192.0.2.1"/><parm name="TO-NAPID" value="N1"/>
      <characteristic type="PORT"><parm name="PORTNBR" value="8080"/></characteristic></characteristic>
  </characteristic>
  <characteristic type="APPLICATION"><parm name="APPID" value="w7"/><parm name="PROVIDER-ID" value="dm.example.com"/><parm name="TO-PROXY" value="P1"/>
    <parm name="TO-NAPID" value="INTERNET"/>
    <characteristic type="APPADDR"><parm name="ADDR" value="https://dm.example.com/"/><characteristic type="PORT"><parm name="PORTNBR" value="443"/></characteristic></characteristic>
    <characteristic type="APPAUTH"><parm name="AAUTHLEVEL" value="APPSRV"/><parm name="AAUTHTYPE" value="DIGEST"/><parm name="AAUTHSECRET" value="p"/></characteristic>
    <characteristic type="APPAUTH"><parm name="AAUTHLEVEL" value="CLIENT"/></characteristic>
  </characteristic>
  <characteristic type="VENDORCONFIG"><parm name="NAME" value="Maker"/><parm name="COLOUR" value="blue"/></characteristic>
</wap-provisioningdoc>"#;

fn xml(text: &str) -> Coded<'_> {
    Coded { coding: Coding::Xml, bytes: text.as_bytes() }
}

fn summary(text: &str) -> Result<Summary, Fault> {
    check(&xml(text), &mut Nothing, &mut [0; OBJECT])
}

/// The stored forms of a document's objects.
fn stored<'a>(source: &impl Source<'a>) -> Result<Vec<Vec<u8>>, Fault> {
    let mut objects = Objects::new(source)?;
    let mut scratch = [0; OBJECT];
    let mut all = Vec::new();
    while let Some(object) = objects.next(&mut scratch)? {
        let mut octets = std::vec![0; object.buffer_len()];
        object.write(&mut Writer::new(&mut octets)).unwrap();
        assert_eq!(Object::from_octets(&octets), Ok(object));
        all.push(octets);
    }
    Ok(all)
}

fn written(coding: Coding, objects: &[Vec<u8>]) -> Vec<u8> {
    let mut out = std::vec![0; 16 * 1024];
    let mut sink = DocumentWriter::<8>::new(coding, &mut out, &pages::PROV, Version::V1_2).unwrap();
    write(&mut sink, "1.1", objects.iter().map(|octets| Object::from_octets(octets).unwrap())).unwrap();
    sink.finish().unwrap().to_vec()
}

#[test]
fn a_document_becomes_typed_settings() {
    let found = summary(TEXT).unwrap();
    assert_eq!((found.objects, found.references), (5, 3));
    let all = stored(&xml(TEXT)).unwrap();
    let object = |n: usize| Object::from_octets(&all[n]).unwrap();
    let nap = Napdef::of(object(1)).unwrap();
    assert_eq!((nap.id(), nap.address(), nap.is_internet()), ("N1", Some("internet"), true));
    assert_eq!(nap.address_type(), model::AddressType::Apn);
    assert_eq!(nap.bearers().collect::<Vec<_>>(), ["GSM-GPRS", "GSM-CSD"]);
    let login = nap.logins().next().unwrap();
    assert_eq!((login.method, login.name, login.secret), ("PAP", Some("u"), Some("s")));
    let proxy = PxLogical::of(object(2)).unwrap();
    let physical = proxy.physical().next().unwrap();
    assert_eq!((physical.address(), physical.ports().next().unwrap().number()), (Some("192.0.2.1"), 8080));
    assert!(proxy.ports().next().is_none());
    assert_eq!(object(4).free("COLOUR"), Some("blue"));
    assert!(Application::of(object(1)).is_none());
    let shown = format!("{:?}", object(1));
    assert!(shown.contains("AUTHSECRET=***") && shown.contains("NAPID=\"N1\""), "{shown}");
}

#[test]
fn w7_becomes_a_dm_account() {
    let all = stored(&xml(TEXT)).unwrap();
    let application = Application::of(Object::from_octets(&all[3]).unwrap()).unwrap();
    assert_eq!(application.app_id().name(), "device management");
    let account = DmAccount::of(application).unwrap();
    assert_eq!(account.server_id(), "dm.example.com");
    assert_eq!(account.connections().collect::<Vec<_>>(), ["P1", "INTERNET"]);
    assert_eq!(account.preferred_connection(), Some("P1"));
    let address = account.addresses().next().unwrap();
    assert_eq!(
        (address.address(), address.ports().next().unwrap().number()),
        ("https://dm.example.com/", 443)
    );
    let levels: Vec<_> = account.auths().map(|(level, auth)| (level, auth.secret())).collect();
    assert_eq!(levels, [(AuthLevel::ClCred, Some("p")), (AuthLevel::SrvCred, None)]);
    assert_eq!(AppId("w9").name(), "w9");
}

#[test]
fn what_is_wrong_is_refused_with_its_place() {
    let document = |inside: &str| format!("<wap-provisioningdoc>{inside}</wap-provisioningdoc>");
    let characteristic = |kind: &str, parms: &[(&str, &str)]| {
        let parms: Vec<String> =
            parms.iter().map(|(name, value)| format!("<parm name=\"{name}\" value=\"{value}\"/>")).collect();
        let parms = parms.concat();
        format!("<characteristic type=\"{kind}\">{parms}</characteristic>")
    };
    let nap = characteristic("NAPDEF", &[("NAPID", "N")]);
    let app = |parms: &[(&str, &str)]| characteristic("APPLICATION", parms);
    let long = "x".repeat(MAX_VALUE + MAX_NAME);
    let second = "<characteristic type=\"NAPDEF\"";
    let bad = [
        (String::from("<other/>"), Why::OtherRoot, "<other"),
        (document(&characteristic("NAPDEF", &[])), Why::NoKey(Kind::Napdef, ParmName::NapId), "</char"),
        (
            document(&characteristic("NAPDEF", &[("NAPID", "")])),
            Why::NoKey(Kind::Napdef, ParmName::NapId),
            "</char",
        ),
        (document(&format!("{nap}{nap}")), Why::Duplicate(Kind::Napdef), second),
        (
            document(&app(&[("APPID", "w2"), ("APPID", "w4")])),
            Why::Repeated(ParmName::AppId),
            "<parm name=\"APPID\" value=\"w4\"",
        ),
        (document(&app(&[("APPID", "w2"), ("TO-PROXY", "P")])), Why::Unresolved(ParmName::ToProxy), "<char"),
        (document(&app(&[("APPID", "w2"), ("TO-NAPID", "N")])), Why::Unresolved(ParmName::ToNapId), "<char"),
        (
            document(&characteristic("NAPDEF", &[("NAPID", "N"), ("LINGER", "soon")])),
            Why::BadValue(ParmName::Linger),
            "<parm name=\"LINGER",
        ),
        (
            document(&characteristic("NAPDEF", &[("NAPID", &long)])),
            Why::Coding(ErrorKind::LimitExceeded),
            "value=\"x",
        ),
        (
            document(&characteristic("NAPDEF", &[("NAPID", &long.replacen('x', "&amp;", 1))])),
            Why::Coding(ErrorKind::LimitExceeded),
            "value=\"&amp;x",
        ),
        (document("<characteristic/>"), Why::Coding(ErrorKind::BadValue), "/>"),
    ];
    for (text, why, place) in &bad {
        assert_eq!(summary(text), Err(Fault::new(*why, text.rfind(*place).unwrap())), "{text}");
    }
    let many: String =
        (0..=MAX_OBJECTS).map(|n| characteristic("NAPDEF", &[("NAPID", &format!("N{n}"))])).collect();
    let fault = summary(&document(&many)).unwrap_err();
    assert_eq!(fault.why, Why::Coding(ErrorKind::LimitExceeded));
    let large = document(&" ".repeat(MAX_DOCUMENT));
    assert_eq!(summary(&large), Err(Fault::new(Why::Coding(ErrorKind::LimitExceeded), MAX_DOCUMENT)));
    // The same application of two providers is two objects.
    let two = document(
        &(app(&[("APPID", "w7"), ("PROVIDER-ID", "a")]) + &app(&[("APPID", "w7"), ("PROVIDER-ID", "b")])),
    );
    assert_eq!(summary(&two).unwrap().objects, 2);
}

#[test]
fn references_are_also_looked_up_in_the_store() {
    struct Stored;
    impl Known for Stored {
        fn has(&mut self, kind: Kind, id: &str) -> bool {
            kind == Kind::PxLogical && id == "P"
        }
    }
    let text = r#"<wap-provisioningdoc><characteristic type="APPLICATION"><parm name="APPID" value="w2"/>
        <parm name="TO-PROXY" value="P"/><parm name="TO-NAPID" value="INTERNET"/></characteristic></wap-provisioningdoc>"#;
    assert_eq!(check(&xml(text), &mut Stored, &mut [0; OBJECT]).unwrap().references, 1);
    assert!(summary(text).is_err());
}

#[test]
fn stored_octets_are_checked() {
    for (octets, kind) in [
        (&[][..], ErrorKind::Truncated),
        (&[99], ErrorKind::BadValue),
        (&[6, 0x7E], ErrorKind::BadValue),
        (&[6, 0, 3, b'a'], ErrorKind::Truncated),
        (&[6, 0, 1, 0xFF], ErrorKind::BadText),
        (&[6, 0xFE, 7], ErrorKind::Truncated),
        (&[6, 0xFF], ErrorKind::BadValue),
        (&[10, 0xFE, 11, 0xFE, 5, 0xFE, 5, 0xFF, 0xFF, 0xFF], ErrorKind::BadValue),
    ] {
        assert_eq!(Object::from_octets(octets).map_err(|e| e.kind), Err(kind), "{octets:x?}");
    }
    let mut buf = [0; 8];
    let mut writer = ObjectWriter::new(&mut buf, Kind::Napdef);
    assert_eq!(writer.close().unwrap_err().kind, ErrorKind::BadValue);
    writer.open(Kind::Validity).unwrap();
    assert_eq!(writer.finish().unwrap_err().kind, ErrorKind::Truncated);
}

/// `wap-push.md` 9.6.
const PUSH: &str = "01062f1f2db69181923536414636374138354232334538363633333946354238443237423839324438463844333138304200030b6a00c54601c65601870706034578616d706c6500010101";

#[test]
fn a_signed_push_is_verified() {
    let bytes: Vec<u8> =
        (0..PUSH.len() / 2).map(|n| u8::from_str_radix(&PUSH[2 * n..][..2], 16).unwrap()).collect();
    let push = Push::parse(&Packet::new(&bytes).unwrap()).unwrap();
    let protection = Protection::of(&push.content_type).unwrap();
    assert!(protection.needs_pin());
    let with = |pin| verify(&protection, push.body, None, pin);
    assert_eq!(with(Some("1234")), Ok(Proof::User));
    assert_eq!(with(Some("1235")), Err(Denied::Wrong));
    assert_eq!(with(Some("01234")), Err(Denied::Wrong));
    assert_eq!(with(Some("12a4")), Err(Denied::NotAPin));
    assert_eq!(with(Some("12345678901234567")), Err(Denied::NotAPin));
    assert_eq!(with(None), Err(Denied::PinNeeded));
    for at in 0..push.body.len() {
        let mut tampered = push.body.to_vec();
        tampered[at] ^= 1;
        assert_eq!(verify(&protection, &tampered, None, Some("1234")), Err(Denied::Wrong));
    }
    let found = check(&Wbxml(push.body), &mut Nothing, &mut [0; OBJECT]).unwrap();
    assert_eq!(found.objects, 1);
}

#[test]
fn security_parameters_that_cannot_be_used_are_told_apart() {
    let of = |parameters: &[(ParameterCode, Value<'_>)]| {
        let mut buf = [0; 64];
        let mut w = Writer::new(&mut buf);
        for (code, value) in parameters {
            Parameter { name: ParameterName::Code(*code), value: *value }.write(&mut w).unwrap();
        }
        let parameters = Parameters::new(w.finish()).unwrap();
        Protection::of(&ContentType { media: Media::Code(MediaCode::CONNECTIVITY), parameters })
    };
    let hex = hex_of_mac(&[0xAB; 20]);
    let mac = (ParameterCode::MAC, Value::Text(&hex));
    let sec = |method| (ParameterCode::SEC, Value::Short(method));
    assert_eq!(of(&[]), Err(Unusable::Unsigned));
    assert_eq!(of(&[mac]), Err(Unusable::NoMethod));
    assert_eq!(of(&[sec(4), mac]), Err(Unusable::UnknownMethod));
    assert_eq!(of(&[(ParameterCode::SEC, Value::Text(b"x")), mac]), Err(Unusable::UnknownMethod));
    assert_eq!(of(&[sec(1)]), Err(Unusable::BadMac));
    assert_eq!(of(&[sec(0), (ParameterCode::MAC, Value::Text(&hex[1..]))]), Err(Unusable::BadMac));
    let lower = hex.to_ascii_lowercase();
    let expected = Protection { method: SecurityMethod::NETWPIN, mac: Some([0xAB; 20]) };
    assert_eq!(of(&[(ParameterCode::MAC, Value::Text(&lower)), sec(0)]), Ok(expected));
    assert_eq!(of(&[sec(3)]), Ok(Protection { method: SecurityMethod::USERPINMAC, mac: None }));
}

#[test]
fn network_keys_fit_in_each_of_their_forms() {
    use security::{KeyForm, network_key};
    let body = b"document";
    let imsi = NetworkKey::Imsi("244050123456789");
    let mut buf = [0; 31];
    let semi = network_key(imsi, KeyForm::SemiOctets, &mut buf).unwrap();
    assert_eq!(semi, [0x29, 0x44, 0x50, 0x10, 0x32, 0x54, 0x76, 0x98]);
    let even = network_key(NetworkKey::Imsi("31012345678901"), KeyForm::SemiOctets, &mut buf).unwrap();
    assert_eq!(even, [0x31, 0x01, 0x21, 0x43, 0x65, 0x87, 0x09, 0xF1]);
    assert_eq!(network_key(NetworkKey::Esn(0x8012_ABCD), KeyForm::Esn, &mut buf), Some(&b"8012ABCD"[..]));
    assert_eq!(network_key(imsi, KeyForm::Esn, &mut buf), None);
    for form in [KeyForm::SemiOctets, KeyForm::Digits] {
        let key = network_key(imsi, form, &mut buf).unwrap();
        let protection = Protection { method: SecurityMethod::NETWPIN, mac: Some(sign(key, body)) };
        assert_eq!(verify(&protection, body, Some(imsi), None), Ok(Proof::Network(form)));
        assert_eq!(verify(&protection, body, None, None), Err(Denied::NoNetworkKey));
        let both: Vec<u8> = key.iter().copied().chain(*b"0042").collect();
        let protection = Protection { method: SecurityMethod::USERNETWPIN, mac: Some(sign(&both, body)) };
        assert_eq!(verify(&protection, body, Some(imsi), Some("0042")), Ok(Proof::Both(form)));
        assert_eq!(verify(&protection, body, Some(imsi), Some("42")), Err(Denied::Wrong));
        assert_eq!(verify(&protection, body, Some(imsi), None), Err(Denied::PinNeeded));
    }
    let bad = NetworkKey::Imsi("24405012345678x");
    let protection = Protection { method: SecurityMethod::NETWPIN, mac: Some([0; 20]) };
    assert_eq!(verify(&protection, body, Some(bad), None), Err(Denied::NoNetworkKey));
}

#[test]
fn a_pin_with_check_digits_needs_two_equal_halves() {
    let protection = Protection { method: SecurityMethod::USERPINMAC, mac: None };
    let mut check = [0; security::MAX_PIN];
    let digits = core::str::from_utf8(security::check_digits("0815", b"x", &mut check)).unwrap();
    let typed = format!("0815{digits}");
    assert_eq!(verify(&protection, b"x", None, Some(&typed)), Ok(Proof::PinWithCheck));
    assert_eq!(verify(&protection, b"y", None, Some(&typed)), Err(Denied::Wrong));
    assert_eq!(verify(&protection, b"x", None, Some(&typed[..7])), Err(Denied::NotAPin));
    assert_eq!(verify(&protection, b"x", None, Some("")), Err(Denied::NotAPin));
}

/// Values as they occur: words, tokens of PROV and their prefixes, nothing, anything.
fn value() -> impl Strategy<Value = String> {
    prop_oneof![
        "[a-zA-Z0-9.:/ -]{0,20}",
        proptest::sample::select(std::vec![
            "APN",
            "IPV4",
            "HTTP-BASIC",
            "GSM-GPRS",
            "GSM-GPRSX",
            "",
            "PAP",
            "w7"
        ])
        .prop_map(String::from),
        "[^\\x00-\\x1F\\x7F-\\x9F\u{FFFE}\u{FFFF}]{0,20}",
    ]
}

/// An application with everything in it; keys are given, so that objects differ.
fn application(place: usize) -> impl Strategy<Value = Vec<u8>> {
    (value(), proptest::collection::vec(value(), 0..3), proptest::option::of((value(), any::<u16>())))
        .prop_map(move |(name, addresses, port)| {
            let mut buf = [0; OBJECT];
            let mut w = ObjectWriter::new(&mut buf, Kind::Application);
            w.parm(ParmName::AppId, &format!("ap{place}")).unwrap().parm(ParmName::Name, &name).unwrap();
            for address in addresses {
                w.parm(ParmName::Addr, &address).unwrap();
            }
            if let Some((address, number)) = port {
                w.open(Kind::AppAddr).unwrap().parm(ParmName::Addr, &format!("h{address}")).unwrap();
                w.open(Kind::Port).unwrap().parm(ParmName::PortNbr, &format!("{number}")).unwrap();
                w.close().unwrap().close().unwrap();
            }
            let object = w.finish().unwrap();
            let mut octets = std::vec![0; object.buffer_len()];
            object.write(&mut Writer::new(&mut octets)).unwrap();
            octets
        })
}

proptest! {
    #[test]
    fn reading_undoes_writing_in_both_codings(first in application(1), second in application(2)) {
        let objects = [first, second];
        for coding in [Coding::Wbxml, Coding::Xml] {
            let bytes = written(coding, &objects);
            prop_assert_eq!(&stored(&Coded { coding, bytes: &bytes }).unwrap(), &objects);
            let source = Coded { coding, bytes: &bytes };
            prop_assert_eq!(check(&source, &mut Nothing, &mut [0; OBJECT]).map(|found| found.objects), Ok(2));
            if coding == Coding::Wbxml {
                prop_assert_eq!(&stored(&Wbxml(&bytes)).unwrap(), &objects);
            }
        }
    }

    #[test]
    fn reading_anything_returns(bytes in proptest::collection::vec(any::<u8>(), 0..200), at: prop::sample::Index, octet: u8) {
        let _ = Object::from_octets(&bytes).map(|object| format!("{object:?} {:?}", object.key()));
        let mut damaged = written(Coding::Wbxml, &stored(&xml(TEXT)).unwrap());
        let at = at.index(damaged.len());
        damaged[at] = octet;
        let _ = check(&Wbxml(&damaged), &mut Nothing, &mut [0; OBJECT]);
        let _ = check(&Wbxml(&bytes), &mut Nothing, &mut [0; OBJECT]);
    }
}

//! Client provisioning against the tables of its fact sheet: every token of both code pages, the documents that it prints, and the
//! pushes of each security method, whose MACs another implementation made.

use kedge_protocol::cp::model::{Application, Bootstrap};
use kedge_protocol::cp::security::{Denied, KeyForm, NetworkKey, Proof, Protection, verify};
use kedge_protocol::cp::{Kind, Nothing, OBJECT, Object, Objects, ParmName, Wbxml, check};
use kedge_protocol::wap::{Packet, Push};
use kedge_protocol::wbxml::{Reader, pages};
use kedge_protocol::wire::Writer;
use kedge_protocol::xml;
use kedge_tests::oracle_iota::{Vector, unhex};
use kedge_tests::oracle_wbxml::{Item, Label, comparable, installed, read, wbxml2xml};

const DEPTH: usize = 8;

/// `oma-cp.md` 2.2: tokens of `type=`, page 0.
const TYPES_0: &str = "51 PXLOGICAL 52 PXPHYSICAL 53 PORT 54 VALIDITY 55 NAPDEF 56 BOOTSTRAP 57 VENDORCONFIG 58 CLIENTIDENTITY \
    59 PXAUTHINFO 5A NAPAUTHINFO 5B ACCESS";
/// 2.2: tokens of `name=`, page 0.
const NAMES_0: &str = "07 NAME 08 NAP-ADDRESS 09 NAP-ADDRTYPE 0A CALLTYPE 0B VALIDUNTIL 0C AUTHTYPE 0D AUTHNAME 0E AUTHSECRET \
    0F LINGER 10 BEARER 11 NAPID 12 COUNTRY 13 NETWORK 14 INTERNET 15 PROXY-ID 16 PROXY-PROVIDER-ID 17 DOMAIN 18 PROVURL \
    19 PXAUTH-TYPE 1A PXAUTH-ID 1B PXAUTH-PW 1C STARTPAGE 1D BASAUTH-ID 1E BASAUTH-PW 1F PUSHENABLED 20 PXADDR \
    21 PXADDRTYPE 22 TO-NAPID 23 PORTNBR 24 SERVICE 25 LINKSPEED 26 DNLINKSPEED 27 LOCAL-ADDR 28 LOCAL-ADDRTYPE \
    29 CONTEXT-ALLOW 2A TRUST 2B MASTER 2C SID 2D SOC 2E WSP-VERSION 2F PHYSICAL-PROXY-ID 30 CLIENT-ID \
    31 DELIVERY-ERR-SDU 32 DELIVERY-ORDER 33 TRAFFIC-CLASS 34 MAX-SDU-SIZE 35 MAX-BITRATE-UPLINK 36 MAX-BITRATE-DNLINK \
    37 RESIDUAL-BER 38 SDU-ERROR-RATIO 39 TRAFFIC-HANDL-PRIO 3A TRANSFER-DELAY 3B GUARANTEED-BITRATE-UPLINK \
    3C GUARANTEED-BITRATE-DNLINK 3D PXADDR-FQDN 3E PROXY-PW 3F PPGAUTH-TYPE 47 PULLENABLED 48 DNS-ADDR 49 MAX-NUM-RETRY \
    4A FIRST-RETRY-TIMEOUT 4B REREG-THRESHOLD 4C T-BIT 4E AUTH-ENTITY 4F SPI";
/// 2.3: tokens of `type=`, page 1.
const TYPES_1: &str = "53 PORT 55 APPLICATION 56 APPADDR 57 APPAUTH 58 CLIENTIDENTITY 59 RESOURCE";
/// 2.3: tokens of `name=`, page 1.
const NAMES_1: &str = "07 NAME 14 INTERNET 1C STARTPAGE 22 TO-NAPID 23 PORTNBR 24 SERVICE 2E AACCEPT 2F AAUTHDATA 30 AAUTHLEVEL \
    31 AAUTHNAME 32 AAUTHSECRET 33 AAUTHTYPE 34 ADDR 35 ADDRTYPE 36 APPID 37 APROTOCOL 38 PROVIDER-ID 39 TO-PROXY 3A URI 3B RULE";
/// 2.4: tokens of values, page 0.
const VALUES_0: &str = "85 IPV4 86 IPV6 87 E164 88 ALPHA 89 APN 8A SCODE 8B TETRA-ITSI 8C MAN 90 ANALOG-MODEM 91 V.120 92 V.110 \
    93 X.31 94 BIT-TRANSPARENT 95 DIRECT-ASYNCHRONOUS-DATA-SERVICE 9A PAP 9B CHAP 9C HTTP-BASIC 9D HTTP-DIGEST 9E WTLS-SS \
    9F MD5 A2 GSM-USSD A3 GSM-SMS A4 ANSI-136-GUTS A5 IS-95-CDMA-SMS A6 IS-95-CDMA-CSD A7 IS-95-CDMA-PACKET \
    A8 ANSI-136-CSD A9 ANSI-136-GPRS AA GSM-CSD AB GSM-GPRS AC AMPS-CDPD AD PDC-CSD AE PDC-PACKET AF IDEN-SMS B0 IDEN-CSD \
    B1 IDEN-PACKET B2 FLEX/REFLEX B3 PHS-SMS B4 PHS-CSD B5 TETRA-SDS B6 TETRA-PACKET B7 ANSI-136-GHOST B8 MOBITEX-MPAK \
    B9 CDMA2000-1X-SIMPLE-IP BA CDMA2000-1X-MOBILE-IP C5 AUTOBAUDING CA CL-WSP CB CO-WSP CC CL-SEC-WSP CD CO-SEC-WSP \
    CE CL-SEC-WTA CF CO-SEC-WTA D0 OTA-HTTP-TO D1 OTA-HTTP-TLS-TO D2 OTA-HTTP-PO D3 OTA-HTTP-TLS-PO E0 AAA E1 HA";
/// 2.4: tokens of values, page 1.
const VALUES_1: &str = "86 IPV6 87 E164 88 ALPHA 8D APPSRV 8E OBEX 90 , 91 HTTP- 92 BASIC 93 DIGEST";

/// Token and text of each entry of a table.
fn entries(table: &'static str) -> Vec<(u8, &'static str)> {
    let words: Vec<_> = table.split_whitespace().collect();
    words.chunks(2).map(|pair| (u8::from_str_radix(pair[0], 16).unwrap(), pair[1])).collect()
}

/// A document that uses every token once, and the attributes that it has then, in order.
fn everything() -> (Vec<u8>, Vec<(&'static str, String)>) {
    // version 1.3, PROV, UTF-8, no string table; wap-provisioningdoc with version="1.0" and content
    let mut octets = unhex("03 0B 6A 00 C5 46 01");
    let mut expected = vec![("version", "1.0".to_owned())];
    for (page, types, names, values) in [(0, TYPES_0, NAMES_0, VALUES_0), (1, TYPES_1, NAMES_1, VALUES_1)] {
        // the page of attributes; it stays for the elements that follow
        octets.extend([0x86, 0x00, page]);
        octets.extend(unhex("50 03 58 00 01"));
        expected.push(("type", "X".to_owned()));
        for (token, text) in entries(types) {
            octets.extend([0x86, token, 0x01]);
            expected.push(("type", text.to_owned()));
        }
        for (token, text) in entries(names) {
            octets.extend([0x87, token, 0x06, 0x03, b'v', 0x00, 0x01]);
            expected.extend([("name", text.to_owned()), ("value", "v".to_owned())]);
        }
        for (token, text) in entries(values) {
            octets.extend([0x87, 0x05, 0x03, b'N', 0x00, 0x06, token, 0x01]);
            expected.extend([("name", "N".to_owned()), ("value", text.to_owned())]);
        }
    }
    octets.push(0x01);
    (octets, expected)
}

/// The attributes of a document, with their values.
fn attributes(items: &[Item]) -> Vec<(&str, String)> {
    let mut all = Vec::new();
    for item in items {
        match item {
            Item::Attribute(Label::Named(name)) => all.push((name.as_str(), String::new())),
            Item::Text(text) => {
                if let Some((_, value)) = all.last_mut() {
                    value.push_str(text);
                }
            }
            _ => {}
        }
    }
    all
}

#[test]
fn every_token_of_both_pages_is_what_the_sheet_says() {
    let (octets, expected) = everything();
    let ours = read(&mut Reader::<DEPTH>::new(&octets, &pages::PROV).unwrap()).unwrap();
    assert_eq!(attributes(&ours), expected);
    // Names of parms are known to the typed settings, those of characteristics too.
    for (_, name) in entries(NAMES_0).into_iter().chain(entries(NAMES_1)) {
        assert!(ParmName::find(name).is_some(), "{name}");
    }
    for (_, kind) in entries(TYPES_0).into_iter().chain(entries(TYPES_1)) {
        assert!(Kind::find(kind).is_some(), "{kind}");
    }
    kedge_tests::figure!("PROV: {} attributes and values by token, as in the sheet", expected.len());
    if installed("wbxml2xml") {
        let text = wbxml2xml(&octets).unwrap();
        let theirs = read(&mut xml::Reader::<DEPTH>::new(&text).unwrap()).unwrap();
        // It misspells the two of TETRA.
        let theirs = comparable(&theirs);
        let theirs =
            attributes(&theirs).into_iter().map(|(name, value)| (name, value.replace("TRETRA", "TETRA")));
        assert_eq!(theirs.collect::<Vec<_>>(), expected, "libwbxml");
    }
}

/// The objects of a document that is sound by itself.
fn objects(document: &[u8]) -> Vec<Vec<u8>> {
    let source = Wbxml(document);
    let found = check(&source, &mut Nothing, &mut [0; OBJECT]).unwrap();
    let (mut objects, mut scratch, mut all) = (Objects::new(&source).unwrap(), [0; OBJECT], Vec::new());
    while let Some(object) = objects.next(&mut scratch).unwrap() {
        let mut octets = vec![0; object.buffer_len()];
        object.write(&mut Writer::new(&mut octets)).unwrap();
        all.push(octets);
    }
    assert_eq!(found.objects, all.len());
    all
}

/// `libwbxml-oracle.md` section 7: both pages, and a value that is one token of the other page.
#[test]
fn the_document_of_the_oracle() {
    let document = unhex(
        "02 0B 6A 00 C5 45 03 31 2E 31 00 01 C6 00 01 55 01 87 36 00 00 06 03 77 37 00 01 87 00 01 38 00 00 06 03 73 72 76 00 01 \
         C6 00 01 57 01 87 33 00 00 06 9C 01 01 01 01",
    );
    let all = objects(&document);
    assert_eq!(all.len(), 1);
    let application = Application::of(Object::from_octets(&all[0]).unwrap()).unwrap();
    assert_eq!((application.app_id().name(), application.provider_id()), ("device management", Some("srv")));
    let methods: Vec<_> = application.auths().map(|auth| auth.method()).collect();
    assert_eq!(methods, [Some("HTTP-BASIC")]);
}

/// 2.4 and 2.5: pages of tags and of attributes are apart, and the pieces of a value are one text.
#[test]
fn values_in_pieces_are_one() {
    // APPLICATION w2 with an APPAUTH: its type is HTTP- and BASIC of page 1, its name "use" of the string table and "r".
    let document = unhex(
        "03 0B 6A 04 75 73 65 00 45 C6 00 01 55 01 87 36 00 00 06 03 77 32 00 01 \
         C6 00 01 57 01 87 33 06 91 92 01 87 31 06 83 00 03 72 00 01 01 01 01",
    );
    let all = objects(&document);
    let application = Application::of(Object::from_octets(&all[0]).unwrap()).unwrap();
    let auths: Vec<_> = application.auths().map(|auth| (auth.method(), auth.name())).collect();
    assert_eq!(auths, [(Some("HTTP-BASIC"), Some("user"))]);
}

/// What the pushes are proved by, and by nothing else.
#[test]
fn pushes_of_each_method_are_proved_by_their_secrets_alone() {
    let card = Some(NetworkKey::Imsi("244050123456789"));
    let even = Some(NetworkKey::Imsi("31012345678901"));
    let esn = Some(NetworkKey::Esn(0x80B0_2913));
    let (pin, with_check) = (Some("1234"), Some("12346538"));
    let cases = [
        ("cp-netwpin", card, None, Proof::Network(KeyForm::SemiOctets)),
        ("cp-netwpin-even-imsi", even, None, Proof::Network(KeyForm::SemiOctets)),
        ("cp-netwpin-digits", card, None, Proof::Network(KeyForm::Digits)),
        ("cp-netwpin-esn", esn, None, Proof::Network(KeyForm::Esn)),
        ("cp-userpin", None, pin, Proof::User),
        ("cp-usernetwpin", card, pin, Proof::Both(KeyForm::SemiOctets)),
        ("cp-userpinmac", None, with_check, Proof::PinWithCheck),
    ];
    for (name, network, typed, proof) in cases {
        let vector = Vector::named("wap", name);
        let push = Push::parse(&Packet::new(&vector.bytes).unwrap()).unwrap();
        let protection = Protection::of(&push.content_type).unwrap();
        assert_eq!(protection.needs_pin(), typed.is_some(), "{name}");
        assert_eq!(verify(&protection, push.body, network, typed), Ok(proof), "{name}");
        let all = objects(push.body);
        let bootstrap = Bootstrap::of(Object::from_octets(&all[0]).unwrap()).unwrap();
        assert_eq!((all.len(), bootstrap.name()), (1, Some("Example")), "{name}");
        // another card, another PIN, another document
        if network.is_some() {
            let stranger = Some(NetworkKey::Imsi("244050123456780"));
            assert_eq!(verify(&protection, push.body, stranger, typed), Err(Denied::Wrong), "{name}");
        }
        if let Some(typed) = typed {
            let mistyped = typed.replace('1', "2");
            assert_eq!(
                verify(&protection, push.body, network, Some(&mistyped)),
                Err(Denied::Wrong),
                "{name}"
            );
        }
        for bit in 0..push.body.len() * 8 {
            let mut body = push.body.to_vec();
            body[bit / 8] ^= 1 << (bit % 8);
            // Four check digits would fit one document in ten thousand; none of these.
            assert_eq!(verify(&protection, &body, network, typed), Err(Denied::Wrong), "{name}: bit {bit}");
        }
    }
    kedge_tests::figure!(
        "{} pushes of four security methods, each bit of their documents changed",
        cases.len()
    );
}

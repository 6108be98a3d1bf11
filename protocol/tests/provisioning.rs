//! The provisioning documents of the corpus: read, verified with their published PINs, and compared with what libwbxml reads
//! in them and in what we write.

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use kedge_protocol::cp::security::{
    Denied, KeyForm, MAX_PIN, NetworkKey, Proof, Protection, check_digits, hex_of_mac, network_key, sign,
    verify,
};
use kedge_protocol::cp::{Coded, Nothing, OBJECT, Object, Objects, Source, Wbxml, check, write};
use kedge_protocol::sms::gsm::{Address, DataCoding, Deliver, Outcome, Receiver, TimeStamp, UserDataHeader};
use kedge_protocol::wap::{Coding, DocumentWriter, Packet, Push, SecurityMethod};
use kedge_protocol::wbxml::{Version, pages};
use kedge_protocol::wire::{Reader, Writer};

/// The files with this ending below `wbxml` of the corpus beside the workspace; says so when it is not there.
fn files(ending: &str) -> Vec<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/corpus/wbxml");
    let mut found = Vec::new();
    for folder in ["prov-operators/jolla", "prov-operators/push-with-mac", "libwbxml/prov"] {
        for entry in fs::read_dir(root.join(folder)).into_iter().flatten().flatten() {
            if entry.path().to_string_lossy().ends_with(ending) {
                found.push(entry.path());
            }
        }
    }
    if found.is_empty() {
        println!("SKIPPED: no provisioning documents under ../shared/corpus");
    }
    found.sort();
    found
}

/// The objects of a document in their stored form.
fn objects<'a>(source: &impl Source<'a>) -> Vec<Vec<u8>> {
    let mut objects = Objects::new(source).unwrap();
    let mut scratch = [0; OBJECT];
    let mut all = Vec::new();
    while let Some(object) = objects.next(&mut scratch).unwrap() {
        let mut octets = vec![0; object.buffer_len()];
        object.write(&mut Writer::new(&mut octets)).unwrap();
        all.push(octets);
    }
    all
}

fn written(objects: &[Vec<u8>]) -> Vec<u8> {
    let mut out = vec![0; 16 * 1024];
    let mut sink = DocumentWriter::<8>::new(Coding::Wbxml, &mut out, &pages::PROV, Version::V1_2).unwrap();
    write(&mut sink, "1.0", objects.iter().map(|octets| Object::from_octets(octets).unwrap())).unwrap();
    sink.finish().unwrap().to_vec()
}

/// What the program `wbxml2xml` makes of a document; `None` if it is not installed.
fn wbxml2xml(bytes: &[u8]) -> Option<Vec<u8>> {
    let started = Command::new("wbxml2xml")
        .args(["-m", "0", "-o", "-", "-"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn();
    let Ok(mut child) = started else {
        println!("SKIPPED: wbxml2xml is not installed");
        return None;
    };
    child.stdin.take().expect("has an input").write_all(bytes).expect("wbxml2xml reads");
    let output = child.wait_with_output().expect("wbxml2xml ends");
    assert!(output.status.success());
    Some(output.stdout)
}

#[test]
fn every_document_is_taken_and_libwbxml_reads_the_same() {
    let (mut documents, mut settings, mut compared, mut rewritten) = (0, 0, 0, 0);
    for path in files(".wbxml") {
        let bytes = fs::read(&path).unwrap();
        let source = Wbxml(&bytes);
        let found = check(&source, &mut Nothing, &mut [0; OBJECT]);
        let found = found.unwrap_or_else(|fault| panic!("{}: {fault}", path.display()));
        let ours = objects(&source);
        assert_eq!(found.objects, ours.len());
        documents += 1;
        settings += ours.len();
        let opinion = PathBuf::from(format!("{}.libwbxml.xml", path.display()));
        let original =
            PathBuf::from(path.to_string_lossy().split(".xml.").next().unwrap().to_owned() + ".xml");
        for other in [opinion, original] {
            if let Ok(text) = fs::read(&other) {
                let theirs = objects(&Coded { coding: Coding::Xml, bytes: &text });
                assert_eq!(ours, theirs, "{}", other.display());
                compared += 1;
            }
        }
        let anew = written(&ours);
        assert_eq!(objects(&Wbxml(&anew)), ours);
        if let Some(text) = wbxml2xml(&anew) {
            assert_eq!(objects(&Coded { coding: Coding::Xml, bytes: &text }), ours, "{}", path.display());
            rewritten += 1;
        }
    }
    if documents > 0 {
        assert!(documents >= 17 && compared >= documents, "{documents} documents, {compared} comparisons");
    }
    println!(
        "{documents} documents, {settings} objects; {compared} compared with libwbxml's reading, {rewritten} of ours read by libwbxml"
    );
}

#[test]
fn real_pushes_are_verified_with_their_published_pin() {
    let mut genuine = 0;
    for path in files(".wsp") {
        let bytes = fs::read(&path).unwrap();
        let push = Push::parse(&Packet::new(&bytes).unwrap()).unwrap();
        let protection = Protection::of(&push.content_type).unwrap();
        assert_eq!(protection.method, SecurityMethod::USERPIN);
        let verdict = verify(&protection, push.body, None, Some("1111"));
        // One nibble of this MAC was published wrongly: the case of a forged document.
        let forged = path.to_string_lossy().contains("viettel-1");
        assert_eq!(verdict, if forged { Err(Denied::Wrong) } else { Ok(Proof::User) }, "{}", path.display());
        assert_eq!(verify(&protection, push.body, None, Some("1112")), Err(Denied::Wrong));
        genuine += usize::from(verdict.is_ok());
        let mut again = vec![0; push.buffer_len()];
        assert_eq!(push.emit(&mut again).unwrap(), bytes);
    }
    println!("{genuine} real pushes are genuine");
}

#[test]
fn all_methods_fit_the_vectors() {
    let Some(path) = files("prov_dna_1.wbxml").pop() else { return };
    let body = fs::read(path).unwrap();
    let imsi = NetworkKey::Imsi("244050123456789");
    let mut key = [0; 64];
    let network = network_key(imsi, KeyForm::SemiOctets, &mut key).unwrap();
    let both = [network, b"1234"].concat();
    for (key, mac, method, pin, proof) in [
        (
            network,
            "39529081C843602EDA8E04483D55803C84CE814C",
            SecurityMethod::NETWPIN,
            None,
            Proof::Network(KeyForm::SemiOctets),
        ),
        (
            b"1234",
            "25BC0D7B16D31D91A868B847F94B4B860EFADC03",
            SecurityMethod::USERPIN,
            Some("1234"),
            Proof::User,
        ),
        (
            &both,
            "AC07115B854CCA3C998837562865A0C787DF2D41",
            SecurityMethod::USERNETWPIN,
            Some("1234"),
            Proof::Both(KeyForm::SemiOctets),
        ),
    ] {
        let made = sign(key, &body);
        assert_eq!(hex_of_mac(&made), mac.as_bytes());
        let protection = Protection { method, mac: Some(made) };
        assert_eq!(verify(&protection, &body, Some(imsi), pin), Ok(proof));
    }
    let mut digits = [0; MAX_PIN];
    assert_eq!(check_digits("1234", &body, &mut digits), b"7833");
    let protection = Protection { method: SecurityMethod::USERPINMAC, mac: None };
    assert_eq!(verify(&protection, &body, None, Some("12347833")), Ok(Proof::PinWithCheck));
    assert_eq!(verify(&protection, &body, None, Some("12347834")), Err(Denied::Wrong));
}

/// The four messages of one operator, as user data with headers, arrive in any order as the push that was recorded.
#[test]
fn recorded_segments_make_the_recorded_push() {
    let Some(path) = files("mobifone-2.sms-segments.txt").pop() else { return };
    let text = fs::read_to_string(&path).unwrap();
    let expected = fs::read(path.with_file_name("mobifone-2.wsp")).unwrap();
    let segments: Vec<Vec<u8>> = text
        .lines()
        .filter(|line| !line.is_empty() && line.bytes().all(|c| c.is_ascii_hexdigit()))
        .map(|line| {
            (0..line.len() / 2).map(|n| u8::from_str_radix(&line[2 * n..][..2], 16).unwrap()).collect()
        })
        .collect();
    assert_eq!(segments.len(), 4);
    let from = Address::international("84900000000").unwrap();
    for turn in 0..4 {
        let mut receiver = Receiver::<1, 8>::new();
        let mut out = [0; 1024];
        let mut whole = None;
        for n in 0..4 {
            let user_data = &segments[(n * 3 + turn) % 4];
            let mut r = Reader::new(user_data);
            let header = UserDataHeader::read(&mut r).unwrap();
            let (coding, time) = (DataCoding(0xF5), TimeStamp([0; 7]));
            let message = Deliver { from, protocol: 0, coding, time, more: false, header, data: r.rest() };
            let mut pdu = [0; 180];
            let pdu = message.emit(&mut pdu).unwrap();
            let read = Deliver::parse(pdu).unwrap();
            if let Outcome::Datagram(found) =
                receiver.receive(std::time::Duration::ZERO, &read, &mut out).unwrap()
            {
                whole = Some(found.payload.to_vec());
            }
        }
        assert_eq!(whole.as_ref(), Some(&expected));
    }
}

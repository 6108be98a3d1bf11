//! Client provisioning through the agent: short messages in, settings in the store, nothing in between that a lost power or a
//! wrong PIN could leave behind.

use core::time::Duration;
use std::path::Path;

use kedge_agent::agent::{Agent, Bearer, Buffers, Context, GsmReceiver, Memory, Messages};
use kedge_agent::dispatch::{Content, Origin, Refusal};
use kedge_agent::limits;
use kedge_agent::store::{StoreError, settings};
use kedge_platform::ui::Answer;
use kedge_platform_crypto::SoftCrypto;
use kedge_platform_sim::identity::Identity;
use kedge_platform_sim::nor::{Cut, Error, Nor};
use kedge_platform_sim::random::Seeded;
use kedge_protocol::cp::security::{
    KeyForm, MAX_PIN, NetworkKey, check_digits, hex_of_mac, network_key, sign,
};
use kedge_protocol::cp::{Kind, OBJECT, Object, ObjectWriter, ParmName, write};
use kedge_protocol::is683::engine::Engine;
use kedge_protocol::sms::gsm::{Address, DataCoding, Deliver, Segments, TimeStamp};
use kedge_protocol::sms::{Ports, cdma};
use kedge_protocol::wap::{
    Coding, ContentType, DocumentWriter, Headers, Media, MediaCode, Parameter, ParameterCode, ParameterName,
    Parameters, Push, SecurityMethod, Value,
};
use kedge_protocol::wbxml::{Version, pages};
use kedge_protocol::wire::{Error as WireError, Writer};
use proptest::prelude::*;

use crate::phone::{Asked, Flash, IMSI, Log, answer, config, identity, pin, store};

/// Sectors of the store, and their size.
const STORE: (u32, u32) = (4096, 24);

/// Every way to protect a document.
const METHODS: [SecurityMethod; 4] = [
    SecurityMethod::NETWPIN,
    SecurityMethod::USERPIN,
    SecurityMethod::USERNETWPIN,
    SecurityMethod::USERPINMAC,
];

/// A device that lives from one restart to the next on the same flash.
struct Phone {
    flash: Flash,
    identity: Identity,
    entropy: Seeded,
    log: Log,
    now: Duration,
    receive: Vec<u8>,
    send: Vec<u8>,
    engine: Box<Engine<64>>,
    receiver: Box<GsmReceiver>,
    cdma: Box<cdma::Receiver>,
}

impl Phone {
    fn new() -> Self {
        Self {
            flash: Nor::new(32),
            identity: identity(),
            entropy: Seeded::new(1),
            log: Log::default(),
            now: Duration::from_secs(1),
            receive: vec![0; 8192],
            send: vec![0; 8192],
            engine: Box::new(Engine::new()),
            receiver: Box::default(),
            cdma: Box::default(),
        }
    }

    /// Starts the agent, lets `act` trigger something (`false`: the power failed), and answers until it is idle or the answers are used up. Returns what
    /// the user saw; `None`: the power failed.
    fn live(
        &mut self,
        act: impl FnOnce(&mut Agent<'_, 64>, &mut Context<'_, Flash, SoftCrypto>) -> bool,
        answers: &[Answer],
    ) -> Option<Vec<Asked>> {
        let Self { flash, identity, entropy, log, now, receive, send, engine, receiver, cdma } = self;
        let messages = Messages { cdma: Some(cdma), gsm: Some(receiver) };
        let memory = Memory { buffers: Buffers { receive, send }, engine, messages };
        let crypto = &SoftCrypto;
        let mut context = Context { now: *now, flash, crypto, identity, entropy, events: log };
        let mut agent = Agent::start(config(STORE, &[], 64), memory, &mut context).ok()?;
        if !act(&mut agent, &mut context) {
            return None;
        }
        agent.ask_about_settings();
        answer(&mut agent, &mut context, answers)
    }

    /// The push arrives in these messages of GSM, and the user answers.
    fn receive(&mut self, messages: &[Vec<u8>], answers: &[Answer]) -> Option<Vec<Asked>> {
        self.receive_by(Bearer::Gsm, messages, answers)
    }

    /// The push arrives in these messages, and the user answers.
    fn receive_by(&mut self, bearer: Bearer, messages: &[Vec<u8>], answers: &[Answer]) -> Option<Vec<Asked>> {
        self.live(
            |agent, context| {
                let mut datagram = [0; 9000];
                messages.iter().all(|message| agent.message(context, bearer, message, &mut datagram).is_ok())
            },
            answers,
        )
    }

    /// The stored objects, in the order of their octets.
    fn settings(&mut self) -> Vec<Vec<u8>> {
        self.flash.power_on();
        let mut all = Vec::new();
        let (flash, identity) = (&mut self.flash, &self.identity);
        let id = kedge_platform::identity::Identity::hardware_id(identity);
        let (kept, _) = kedge_agent::store::Store::open(flash, store(STORE.0, STORE.1), id).unwrap();
        let found: Result<(), StoreError<Error>> = settings(&kept, flash, |_, object| {
            all.push(stored(&object));
            true
        });
        found.unwrap();
        all.sort();
        all
    }

    fn logged(&self, what: &str) -> usize {
        self.log.count(what)
    }
}

fn stored(object: &Object<'_>) -> Vec<u8> {
    let mut octets = vec![0; object.buffer_len()];
    object.write(&mut Writer::new(&mut octets)).unwrap();
    octets
}

fn access_point(id: &str, apn: &str) -> Vec<u8> {
    let mut buf = [0; OBJECT];
    let mut w = ObjectWriter::new(&mut buf, Kind::Napdef);
    w.parm(ParmName::NapId, id).unwrap().parm(ParmName::NapAddress, apn).unwrap();
    w.parm(ParmName::NapAddrType, "APN").unwrap().parm(ParmName::Internet, "").unwrap();
    stored(&w.finish().unwrap())
}

fn browser(access_point: &str, page: &str) -> Vec<u8> {
    let mut buf = [0; OBJECT];
    let mut w = ObjectWriter::new(&mut buf, Kind::Application);
    w.parm(ParmName::AppId, "w2").unwrap().parm(ParmName::ToNapId, access_point).unwrap();
    w.parm(ParmName::Addr, page).unwrap();
    stored(&w.finish().unwrap())
}

fn document(coding: Coding, objects: &[Vec<u8>]) -> Vec<u8> {
    let mut out = vec![0; 8192];
    let mut sink = DocumentWriter::<8>::new(coding, &mut out, &pages::PROV, Version::V1_3).unwrap();
    write(&mut sink, "1.1", objects.iter().map(|octets| Object::from_octets(octets).unwrap())).unwrap();
    sink.finish().unwrap().to_vec()
}

fn push(coding: Coding, body: &[u8], parameters: &[(ParameterCode, Value<'_>)]) -> Vec<u8> {
    let mut buf = [0; 64];
    let mut w = Writer::new(&mut buf);
    for (code, value) in parameters {
        Parameter { name: ParameterName::Code(*code), value: *value }.write(&mut w).unwrap();
    }
    let media = match coding {
        Coding::Wbxml => MediaCode::CONNECTIVITY,
        Coding::Xml => MediaCode::CONNECTIVITY_XML,
    };
    let content_type =
        ContentType { media: Media::Code(media), parameters: Parameters::new(w.finish()).unwrap() };
    let push = Push { tid: 1, content_type, headers: Headers::default(), body };
    let mut out = vec![0; push.buffer_len()];
    push.emit(&mut out).unwrap();
    out
}

fn signed(coding: Coding, objects: &[Vec<u8>], method: SecurityMethod, key: &[u8]) -> Vec<u8> {
    let body = document(coding, objects);
    let mac = hex_of_mac(&sign(key, &body));
    let sec = (ParameterCode::SEC, Value::Short(method.0));
    push(coding, &body, &[sec, (ParameterCode::MAC, Value::Text(&mac))])
}

fn messages(push: &[u8], reference: u8) -> Vec<Vec<u8>> {
    let from = Address::international("358401234567").unwrap();
    let segments = Segments::new(push, Ports::PUSH, reference).unwrap();
    let deliver = |(header, data)| {
        let message = Deliver {
            from,
            protocol: 0,
            coding: DataCoding::OCTETS,
            time: TimeStamp([0x62, 0x11, 0x22, 0, 0, 0, 0]),
            more: false,
            header,
            data,
        };
        let mut out = [0; 180];
        message.emit(&mut out).unwrap().to_vec()
    };
    segments.map(deliver).collect()
}

/// A document of two objects that fit into no single message.
fn bootstrap() -> Vec<Vec<u8>> {
    vec![access_point("N1", "internet"), browser("N1", &format!("http://example.com/{}", "x".repeat(120)))]
}

#[test]
fn a_pin_may_be_tried_three_times_over_restarts() {
    let mut phone = Phone::new();
    let parts = messages(&signed(Coding::Wbxml, &bootstrap(), SecurityMethod::USERPIN, b"1234"), 1);
    assert_eq!(parts.len(), 3);
    assert_eq!(phone.receive(&parts, &[pin("1111")]).unwrap(), [Asked::Pin(3), Asked::Pin(2)]);
    assert_eq!(phone.receive(&[], &[pin("4321")]).unwrap(), [Asked::Pin(2), Asked::Pin(1)]);
    assert!(phone.settings().is_empty());
    // A second document must wait; it neither replaces the first nor gives new tries.
    let other =
        messages(&signed(Coding::Wbxml, &[access_point("N2", "x")], SecurityMethod::USERPIN, b"0"), 2);
    let seen = phone.receive(&other, &[pin("1234"), Answer::Yes]).unwrap();
    assert_eq!(phone.logged("Waiting"), 2, "{:?}", phone.log.0);
    assert!(matches!(&seen[..], [Asked::Pin(1), Asked::Apply(_), Asked::Applied]), "{seen:?}");
    let mut expected = bootstrap();
    expected.sort();
    assert_eq!(phone.settings(), expected);
    assert_eq!(phone.receive(&[], &[]).unwrap(), []);
}

#[test]
fn three_wrong_pins_drop_the_document() {
    let mut phone = Phone::new();
    let parts = messages(&signed(Coding::Wbxml, &bootstrap(), SecurityMethod::USERPIN, b"1234"), 1);
    let seen = phone.receive(&parts, &[pin("1"), pin("2"), pin("3")]).unwrap();
    assert_eq!(seen, [Asked::Pin(3), Asked::Pin(2), Asked::Pin(1), Asked::Refused]);
    assert!(phone.settings().is_empty());
    assert_eq!(phone.receive(&[], &[]).unwrap(), []);
}

#[test]
fn the_card_proves_what_needs_no_pin_and_the_user_sees_what_changes() {
    let mut phone = Phone::new();
    let mut buf = [0; 31];
    let key = network_key(NetworkKey::Imsi(IMSI), KeyForm::SemiOctets, &mut buf).unwrap();
    let good = signed(Coding::Wbxml, &[access_point("N1", "internet")], SecurityMethod::NETWPIN, key);
    let seen = phone.receive(&messages(&good, 1), &[Answer::Yes]).unwrap();
    assert_eq!(seen, [Asked::Apply("access point internet".to_owned()), Asked::Applied]);
    // The same access point again, changed: replaced, not added.
    let update = signed(Coding::Wbxml, &[access_point("N1", "other")], SecurityMethod::NETWPIN, key);
    assert_eq!(phone.receive(&messages(&update, 2), &[Answer::Yes]).unwrap().len(), 2);
    assert_eq!(phone.settings(), [access_point("N1", "other")]);
    // No leaves everything as it is; a forged document never gets as far as the user's consent.
    let third = signed(Coding::Wbxml, &[access_point("N3", "x")], SecurityMethod::NETWPIN, key);
    assert_eq!(phone.receive(&messages(&third, 3), &[Answer::No]).unwrap().len(), 1);
    let mac = hex_of_mac(&sign(key, &document(Coding::Wbxml, &[access_point("N3", "x")])));
    let tampered = document(Coding::Wbxml, &[access_point("N3", "y")]);
    let sec = (ParameterCode::SEC, Value::Short(SecurityMethod::NETWPIN.0));
    let forged = push(Coding::Wbxml, &tampered, &[sec, (ParameterCode::MAC, Value::Text(&mac))]);
    assert_eq!(phone.receive(&messages(&forged, 4), &[Answer::Yes]).unwrap(), [Asked::Refused]);
    let stranger = signed(Coding::Wbxml, &[access_point("N3", "x")], SecurityMethod::NETWPIN, b"other card");
    assert_eq!(phone.receive(&messages(&stranger, 5), &[Answer::Yes]).unwrap(), [Asked::Refused]);
    assert_eq!(phone.settings(), [access_point("N1", "other")]);
}

/// Rules of access have no key: the same again is not kept twice, another one is kept beside it.
#[test]
fn rules_of_access_do_not_pile_up() {
    let mut phone = Phone::new();
    let rule = |access_point: &str| {
        let mut buf = [0; OBJECT];
        let mut w = ObjectWriter::new(&mut buf, Kind::Access);
        w.parm(ParmName::AppId, "w2").unwrap().parm(ParmName::ToNapId, access_point).unwrap();
        stored(&w.finish().unwrap())
    };
    for (reference, objects, kept) in
        [(1, vec![rule("N1")], 1), (2, vec![rule("N1")], 1), (3, vec![rule("N1"), rule("N2")], 2)]
    {
        let push = signed(Coding::Wbxml, &objects, SecurityMethod::USERPIN, b"1234");
        let seen = phone.receive(&messages(&push, reference), &[pin("1234"), Answer::Yes]).unwrap();
        assert_eq!(seen.last(), Some(&Asked::Applied), "{seen:?}");
        assert!(matches!(&seen[1], Asked::Apply(text) if text.starts_with("restriction of networks for w2")));
        assert_eq!(phone.settings().len(), kept);
    }
}

#[test]
fn what_is_not_signed_or_not_sound_is_refused_at_once() {
    let mut phone = Phone::new();
    let body = document(Coding::Wbxml, &bootstrap());
    assert_eq!(phone.receive(&messages(&push(Coding::Wbxml, &body, &[]), 1), &[]).unwrap(), []);
    assert_eq!(phone.logged("Unproven(Unsigned)"), 1);
    let dangling = signed(Coding::Wbxml, &[browser("N9", "http://x/")], SecurityMethod::USERPIN, b"1");
    assert_eq!(phone.receive(&messages(&dangling, 2), &[]).unwrap(), []);
    assert_eq!(phone.logged("Unresolved(ToNapId)"), 1);
    assert!(phone.settings().is_empty());
}

#[test]
fn origins_have_the_rights_of_the_table() {
    let mut phone = Phone::new();
    let body = document(Coding::Xml, &bootstrap());
    let mut open = |origin, media_type: &'static str| {
        let mut taken = None;
        let seen = phone.live(
            |agent, context| {
                taken = Some(agent.open(context, &Content { media_type, origin, body: &body }).unwrap());
                true
            },
            &[Answer::No],
        );
        (taken.unwrap(), seen.unwrap().len())
    };
    let xml = "text/vnd.wap.connectivity-xml; charset=utf-8";
    assert_eq!(open(Origin::File, xml), (Ok(()), 1));
    assert_eq!(open(Origin::Http { authenticated: true }, xml), (Ok(()), 1));
    assert_eq!(open(Origin::Tunnel { authenticated: true }, xml), (Ok(()), 1));
    for origin in [Origin::Http { authenticated: false }, Origin::Tunnel { authenticated: false }] {
        assert_eq!(open(origin, xml), (Err(Refusal::Origin), 0));
    }
    assert_eq!(open(Origin::File, "text/plain"), (Err(Refusal::UnknownType), 0));
    assert_eq!(open(Origin::File, "nonsense"), (Err(Refusal::UnknownType), 0));
}

/// Who opens a file is told what is wrong with it and where, once; nothing waits and nothing changes.
#[test]
fn whoever_opens_a_broken_file_is_told_what_is_wrong() {
    let good = document(Coding::Wbxml, &bootstrap());
    let mut phone = Phone::new();
    let mut open = |body: &[u8], media_type: &'static str| {
        let mut opened = None;
        let seen = phone.live(
            |agent, context| {
                let content = Content { media_type, origin: Origin::File, body };
                opened = Some(agent.open(context, &content).unwrap());
                true
            },
            &[],
        );
        assert_eq!(seen.unwrap(), [], "nobody is asked about it");
        opened.unwrap()
    };
    let wbxml = "application/vnd.wap.connectivity-wbxml";
    for cut in 0..good.len() {
        let refused = open(&good[..cut], wbxml).unwrap_err();
        assert!(matches!(refused, Refusal::Settings(fault) if fault.at <= cut), "{cut}: {refused}");
    }
    let dangling = document(Coding::Xml, &[browser("N9", "http://x/")]);
    let refused = open(&dangling, "text/vnd.wap.connectivity-xml").unwrap_err();
    assert!(refused.to_string().starts_with("TO-NAPID refers to nothing at octet "), "{refused}");
    let refused = open(&good, "text/vnd.wap.connectivity-xml; charset=iso-8859-1").unwrap_err();
    assert_eq!(refused.to_string(), "character set not read");
    assert_eq!(phone.logged("SettingsRefused"), good.len() + 1);
    assert_eq!((phone.logged("ContentRefused"), phone.logged("SettingsWaiting")), (1, 0));
    assert!(phone.settings().is_empty());
}

/// Each octet of a signed push is spoilt, and each length of it comes: it is refused, or asks for a PIN that does not fit; nothing is
/// ever in use.
#[test]
fn a_spoilt_push_never_comes_into_use() {
    let good = signed(Coding::Wbxml, &bootstrap(), SecurityMethod::USERPIN, b"1234");
    let (mut dropped, mut refused) = (0, 0);
    for at in 0..good.len() {
        let mut spoilt = good.clone();
        spoilt[at] ^= 0x10;
        for push in [&spoilt[..], &good[..at]] {
            let mut phone = Phone::new();
            let seen = phone.receive(&messages(push, 1), &[pin("1234"), pin("1234"), pin("1234")]).unwrap();
            if phone.logged("SettingsProved(Ok") > 0 {
                assert_eq!(at, 0, "the transaction's number is nobody's concern, all else is: {seen:?}");
                continue;
            }
            assert!(phone.settings().is_empty(), "octet {at}");
            match seen.last() {
                Some(last) => {
                    assert_eq!(
                        (last, phone.logged("SettingsProved(Err(Wrong))")),
                        (&Asked::Refused, 3),
                        "octet {at}"
                    );
                    dropped += 1;
                }
                None => refused += 1,
            }
        }
    }
    println!("{dropped} spoilt pushes were dropped after three PINs, {refused} refused at once");
    assert!(dropped > 50 && refused > good.len() / 2, "{dropped} {refused}");
}

/// Parts of pushes that never become whole are held for their time and no longer, and displace each other: the next push that is
/// whole arrives.
#[test]
fn parts_that_never_become_whole_hold_no_memory() {
    let mut phone = Phone::new();
    let push = signed(Coding::Wbxml, &bootstrap(), SecurityMethod::USERPIN, b"1234");
    for reference in 0..200 {
        phone.receive(&messages(&push, reference)[1..], &[]).unwrap();
    }
    assert!(phone.receiver.counts().displaced > 100, "{:?}", phone.receiver.counts());
    assert!(phone.receiver.deadline().is_some());
    phone.now += kedge_protocol::sms::LIFETIME;
    assert!(phone.receiver.expire(phone.now) > 0 && phone.receiver.deadline().is_none());
    let seen = phone.receive(&messages(&push, 7), &[pin("1234"), Answer::Yes]).unwrap();
    assert_eq!(seen.last(), Some(&Asked::Applied));
}

/// The power fails in every flash operation of an update of settings: old or new, whole, and after the return of the power
/// the user can still finish what was begun.
#[test]
fn settings_are_old_or_new_at_every_cut() {
    let old = vec![access_point("N1", "old"), browser("N1", "http://old/")];
    let new = vec![access_point("N1", "new"), browser("N1", "http://new/"), access_point("N2", "more")];
    let first = messages(&signed(Coding::Wbxml, &old, SecurityMethod::USERPIN, b"1"), 1);
    let second = messages(&signed(Coding::Wbxml, &new, SecurityMethod::USERPIN, b"2"), 2);
    let (mut sorted_old, mut sorted_new) = (old, new);
    sorted_old.sort();
    sorted_new.sort();
    let (mut cuts, mut kept) = (0, 0);
    for operation in 0.. {
        let mut phone = Phone::new();
        phone.receive(&first, &[pin("1"), Answer::Yes]).unwrap();
        assert_eq!(phone.settings(), sorted_old);
        phone.flash.power_on();
        phone.flash.cut_at(operation, Cut::Torn { seed: operation });
        if phone.receive(&second, &[pin("2"), Answer::Yes]).is_some() {
            break;
        }
        cuts += 1;
        let found = phone.settings();
        assert!(found == sorted_old || found == sorted_new, "operation {operation}");
        kept += usize::from(found == sorted_old);
        *phone.receiver = GsmReceiver::default();
        let again = if found == sorted_old { &second[..] } else { &[] };
        phone.receive(again, &[pin("2"), Answer::Yes, Answer::Yes]).unwrap();
        assert_eq!(phone.settings(), sorted_new, "operation {operation}");
    }
    assert!(cuts > 3 && kept > 0 && kept < cuts, "{cuts} cuts, old {kept} times");
}

/// Every document of the corpus, as a file that the user opens: taken, agreed to, and in the store object by object.
#[test]
fn every_document_of_the_corpus_is_applied_from_a_file() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/corpus/wbxml");
    let (mut documents, mut objects) = (0, 0);
    for folder in ["prov-operators/jolla", "prov-operators/push-with-mac", "libwbxml/prov"] {
        for entry in std::fs::read_dir(root.join(folder)).into_iter().flatten().flatten() {
            let path = entry.path();
            if path.extension().is_none_or(|extension| extension != "wbxml") {
                continue;
            }
            let body = std::fs::read(&path).unwrap();
            let mut phone = Phone::new();
            let media_type = "application/vnd.wap.connectivity-wbxml";
            let open = |agent: &mut Agent<'_, 64>, context: &mut Context<'_, Flash, SoftCrypto>| {
                let content = Content { media_type, origin: Origin::File, body: &body };
                agent.open(context, &content).unwrap().is_ok()
            };
            let seen = phone.live(open, &[Answer::Yes]).unwrap();
            assert_eq!(seen.last(), Some(&Asked::Applied), "{}: {:?}", path.display(), phone.log.0);
            documents += 1;
            objects += phone.settings().len();
        }
    }
    if documents == 0 {
        println!("SKIPPED: no documents under {}", root.display());
        return;
    }
    println!("corpus: {documents} documents applied from files as {objects} objects");
    assert!(documents >= 17 && objects > documents);
}

/// The real pushes of the corpus, whose PINs are published: each arrives in messages at a device of its own, is verified by the
/// PIN and applied; what was changed on its way is refused after three tries.
#[test]
fn real_pushes_are_applied_with_their_published_pin() {
    let folder =
        Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/corpus/wbxml/prov-operators/push-with-mac");
    let mut pushes: Vec<_> = std::fs::read_dir(&folder)
        .into_iter()
        .flatten()
        .flatten()
        .map(|entry| entry.path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "wsp"))
        .collect();
    pushes.sort();
    if pushes.is_empty() {
        println!("SKIPPED: no pushes under {}", folder.display());
        return;
    }
    let (mut applied, mut refused, mut objects) = (0, 0, 0);
    for (reference, path) in (0..=u8::MAX).cycle().zip(&pushes) {
        let mut phone = Phone::new();
        let parts = messages(&std::fs::read(path).unwrap(), reference);
        let wrong = phone.receive(&parts, &[pin("1112")]).unwrap();
        assert_eq!(wrong, [Asked::Pin(3), Asked::Pin(2)], "{}", path.display());
        let seen = phone.receive(&[], &[pin("1111"), Answer::Yes]).unwrap();
        let stored = phone.settings().len();
        if seen.last() == Some(&Asked::Applied) {
            assert!(stored > 0, "{}", path.display());
            applied += 1;
            objects += stored;
        } else {
            // One nibble of its MAC was published wrongly.
            assert!(
                path.to_string_lossy().contains("viettel-1") && stored == 0,
                "{}: {seen:?}",
                path.display()
            );
            let seen = phone.receive(&[], &[pin("1111")]).unwrap();
            assert_eq!(seen.last(), Some(&Asked::Refused));
            refused += 1;
        }
    }
    println!(
        "corpus: {} real pushes, {applied} verified with their PIN and applied as {objects} objects, {refused} refused",
        pushes.len()
    );
    assert!(applied >= 1 && applied + refused == pushes.len());
}

/// A document changes the settings of its own source only; those of another are as they were, and the document is refused
/// whole.
#[test]
fn each_source_has_a_context_of_its_own() {
    let mut phone = Phone::new();
    let mut buf = [0; 31];
    let key = network_key(NetworkKey::Imsi(IMSI), KeyForm::SemiOctets, &mut buf).unwrap();
    let network = |objects: &[Vec<u8>]| signed(Coding::Wbxml, objects, SecurityMethod::NETWPIN, key);
    let user = |objects: &[Vec<u8>]| signed(Coding::Wbxml, objects, SecurityMethod::USERPIN, b"1");
    phone.receive(&messages(&network(&[access_point("N1", "internet")]), 1), &[Answer::Yes]).unwrap();
    // The user's document may bring its own access point, and not touch or use the network's.
    let touching = user(&[access_point("N2", "mine"), access_point("N1", "stolen")]);
    assert_eq!(phone.receive(&messages(&touching, 2), &[]).unwrap(), []);
    assert_eq!(phone.logged("Foreign(Napdef)"), 1);
    let using = user(&[browser("N1", "http://x/")]);
    assert_eq!(phone.receive(&messages(&using, 3), &[]).unwrap(), []);
    assert_eq!(phone.logged("Unresolved(ToNapId)"), 1);
    let own = messages(&user(&[access_point("N2", "mine")]), 4);
    assert_eq!(phone.receive(&own, &[pin("1"), Answer::Yes]).unwrap().last(), Some(&Asked::Applied));
    assert_eq!(phone.settings(), [access_point("N1", "internet"), access_point("N2", "mine")]);
    // Each goes on changing what is its own.
    phone.receive(&messages(&network(&[access_point("N1", "new")]), 5), &[Answer::Yes]).unwrap();
    assert_eq!(phone.settings(), [access_point("N1", "new"), access_point("N2", "mine")]);
}

#[test]
fn a_bootstrap_may_close_the_device() {
    let bootstrap = |allow: &str| {
        let mut buf = [0; OBJECT];
        let mut w = ObjectWriter::new(&mut buf, Kind::Bootstrap);
        w.parm(ParmName::Name, "Operator").unwrap().parm(ParmName::ContextAllow, allow).unwrap();
        stored(&w.finish().unwrap())
    };
    let mut buf = [0; 31];
    let key = network_key(NetworkKey::Imsi(IMSI), KeyForm::SemiOctets, &mut buf).unwrap();
    let user = signed(Coding::Wbxml, &[access_point("N2", "mine")], SecurityMethod::USERPIN, b"1");
    for (allow, closed) in [("0", true), ("255", false)] {
        let mut phone = Phone::new();
        let first = signed(Coding::Wbxml, &[bootstrap(allow)], SecurityMethod::NETWPIN, key);
        phone.receive(&messages(&first, 1), &[Answer::Yes]).unwrap();
        let seen = phone.receive(&messages(&user, 2), &[pin("1"), Answer::Yes]).unwrap();
        assert_eq!((seen.is_empty(), phone.logged("why: Closed")), (closed, usize::from(closed)));
        // What closed it may still change it.
        let more = signed(Coding::Wbxml, &[access_point("N1", "x")], SecurityMethod::NETWPIN, key);
        let seen = phone.receive(&messages(&more, 3), &[Answer::Yes]).unwrap();
        assert_eq!(seen.last(), Some(&Asked::Applied));
    }
}

/// An object whose parms are put in by `fill`.
fn object(kind: Kind, fill: impl FnOnce(&mut ObjectWriter<'_>) -> Result<(), WireError>) -> Vec<u8> {
    let mut buf = [0; OBJECT];
    let mut w = ObjectWriter::new(&mut buf, kind);
    fill(&mut w).unwrap();
    stored(&w.finish().unwrap())
}

/// An object of each kind that an access point is not, with every kind inside them, and `text` wherever any text may stand.
fn every_other_kind(access_point: &str, text: &str) -> Vec<Vec<u8>> {
    // what names its object may not be empty
    let key = &format!("x{text}");
    vec![
        object(Kind::Bootstrap, |w| {
            w.parm(ParmName::Name, text)?
                .parm(ParmName::ProxyId, "P")?
                .parm(ParmName::ProvUrl, text)
                .map(|_| ())
        }),
        object(Kind::ClientIdentity, |w| w.parm(ParmName::ClientId, key).map(|_| ())),
        object(Kind::PxLogical, |w| {
            w.parm(ParmName::ProxyId, "P")?.parm(ParmName::Name, text)?.parm(ParmName::Trust, "")?;
            w.open(Kind::PxAuthInfo)?.parm(ParmName::PxAuthType, "HTTP-BASIC")?;
            w.parm(ParmName::PxAuthId, text)?.parm(ParmName::PxAuthPw, text)?.close()?;
            w.open(Kind::PxPhysical)?
                .parm(ParmName::PhysicalProxyId, "1")?
                .parm(ParmName::PxAddr, "192.0.2.1")?;
            w.parm(ParmName::ToNapId, access_point)?.open(Kind::Port)?.parm(ParmName::PortNbr, "8080")?;
            w.parm(ParmName::Service, "CO-WSP")?.close()?.close().map(|_| ())
        }),
        object(Kind::VendorConfig, |w| {
            w.parm(ParmName::Name, "Maker")?.free("COLOUR", text)?.free("colour", "").map(|_| ())
        }),
        object(Kind::Application, |w| {
            w.parm(ParmName::AppId, "w7")?.parm(ParmName::ProviderId, "server")?;
            w.parm(ParmName::ToProxy, "P")?.parm(ParmName::ToNapId, "INTERNET")?;
            w.open(Kind::AppAddr)?.parm(ParmName::Addr, key)?;
            w.open(Kind::Port)?.parm(ParmName::PortNbr, "443")?.close()?.close()?;
            w.open(Kind::AppAuth)?
                .parm(ParmName::AAuthLevel, "APPSRV")?
                .parm(ParmName::AAuthSecret, text)?
                .close()?;
            w.open(Kind::Resource)?
                .parm(ParmName::Uri, key)?
                .parm(ParmName::StartPage, "")?
                .close()
                .map(|_| ())
        }),
        object(Kind::Access, |w| {
            w.parm(ParmName::AppId, "w7")?.parm(ParmName::ToNapId, access_point).map(|_| ())
        }),
        object(Kind::Napdef, |w| {
            w.parm(ParmName::NapId, "everything")?.parm(ParmName::Bearer, "GSM-GPRS")?;
            w.parm(ParmName::NapAddress, text)?
                .parm(ParmName::DnsAddr, text)?
                .parm(ParmName::Linger, "30")?;
            w.open(Kind::NapAuthInfo)?
                .parm(ParmName::AuthType, "PAP")?
                .parm(ParmName::AuthSecret, text)?
                .close()?;
            w.open(Kind::Validity)?.parm(ParmName::Country, "FI")?.parm(ParmName::ValidUntil, text)?;
            w.close().map(|_| ())
        }),
    ]
}

/// The push as messages of CDMA.
fn cdma_messages(push: &[u8], message_id: u16) -> Vec<Vec<u8>> {
    let sender = cdma::Outgoing { from: cdma::Address::new("3584012345").unwrap(), message_id };
    let message = |number| {
        let mut out = [0; cdma::MAX_MESSAGE];
        sender.segment(Ports::PUSH, push, (number, CDMA_SEGMENT), &mut out).unwrap().to_vec()
    };
    (0..cdma::Outgoing::segments(push, CDMA_SEGMENT)).map(message).collect()
}

/// Octets in a message of CDMA, and in as many as a receiver keeps.
const CDMA_SEGMENT: usize = 130;
const CDMA_MOST: usize = 12 * CDMA_SEGMENT;

/// The push that is protected in this way, and what the user types for it.
fn protected(
    coding: Coding,
    objects: &[Vec<u8>],
    method: SecurityMethod,
    digits: &str,
) -> (Vec<u8>, Option<String>) {
    let mut buf = [0; 31];
    let network = network_key(NetworkKey::Imsi(IMSI), KeyForm::SemiOctets, &mut buf).unwrap();
    match method {
        SecurityMethod::NETWPIN => (signed(coding, objects, method, network), None),
        SecurityMethod::USERPIN => {
            (signed(coding, objects, method, digits.as_bytes()), Some(digits.to_owned()))
        }
        SecurityMethod::USERNETWPIN => {
            let key = [network, digits.as_bytes()].concat();
            (signed(coding, objects, method, &key), Some(digits.to_owned()))
        }
        _ => {
            let body = document(coding, objects);
            let mut check = [0; MAX_PIN];
            let check = core::str::from_utf8(check_digits(digits, &body, &mut check)).unwrap();
            let typed = format!("{digits}{check}");
            (push(coding, &body, &[(ParameterCode::SEC, Value::Short(method.0))]), Some(typed))
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    /// Any document of our writer, protected in any way, in messages of either network that are shuffled and repeated, arrives as
    /// the same settings.
    #[test]
    fn push_to_settings(
        points in proptest::collection::btree_map("[A-Z0-9]{1,12}", "[ -~]{0,60}", 1..8),
        page in "[!-~]{0,200}",
        text in "[ -~]{0,40}",
        others: u8,
        digits in "[0-9]{1,8}",
        method in proptest::sample::select(&METHODS[..]),
        (xml, by_cdma) in any::<(bool, bool)>(),
        order in proptest::collection::vec(any::<prop::sample::Index>(), 0..20),
        reference: u8,
    ) {
        let mut objects: Vec<Vec<u8>> = points.iter().map(|(id, apn)| access_point(id, apn)).collect();
        let first = points.keys().next().unwrap();
        objects.push(browser(first, &page));
        // The last ones refer to the proxy: they come all or not at all.
        let every = every_other_kind(first, &text);
        if others & 0x80 != 0 {
            objects.extend(every);
        } else {
            objects.extend([1, 3, 6].into_iter().filter(|at| others >> at & 1 == 1).map(|at| every[at].clone()));
        }
        let coding = if xml { Coding::Xml } else { Coding::Wbxml };
        let (pushed, typed) = protected(coding, &objects, method, &digits);
        let by_cdma = by_cdma && pushed.len() <= CDMA_MOST;
        let (bearer, parts) = if by_cdma {
            (Bearer::Cdma, cdma_messages(&pushed, reference.into()))
        } else {
            (Bearer::Gsm, messages(&pushed, reference))
        };
        let mut arriving: Vec<Vec<u8>> = order.iter().map(|index| index.get(&parts).clone()).collect();
        arriving.extend(parts);
        let mut phone = Phone::new();
        let answers: Vec<Answer> = typed.iter().map(|typed| pin(typed)).chain([Answer::Yes]).collect();
        let seen = phone.receive_by(bearer, &arriving, &answers).unwrap();
        let asked = if typed.is_some() { seen.strip_prefix(&[Asked::Pin(3)]) } else { Some(&seen[..]) };
        let told = matches!(asked, Some([Asked::Apply(told), Asked::Applied]) if told.len() <= limits::SUMMARY + 300);
        prop_assert!(told, "{:?} {:?}", seen, phone.log.0);
        objects.sort();
        prop_assert_eq!(phone.settings(), objects);
    }
}

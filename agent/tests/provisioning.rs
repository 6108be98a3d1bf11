//! Client provisioning through the agent: short messages in, settings in the store, nothing in between that a lost power or a
//! wrong PIN could leave behind.

use core::time::Duration;
use std::path::Path;

use kedge_agent::agent::{Agent, Bearer, Buffers, Context, Done, GsmReceiver, Memory, Messages, Output};
use kedge_agent::config::{Config, Pri};
use kedge_agent::dispatch::{Content, Origin, Refusal};
use kedge_agent::event::{Event, Events};
use kedge_agent::limits;
use kedge_agent::store::{StoreError, settings};
use kedge_platform::flash::Region;
use kedge_platform::identity::HardwareId;
use kedge_platform::ui::{Answer, Pin, Prompt};
use kedge_platform_crypto::SoftCrypto;
use kedge_platform_sim::identity::Identity;
use kedge_platform_sim::nor::{Cut, Error, Nor};
use kedge_platform_sim::random::Seeded;
use kedge_protocol::cp::security::{KeyForm, NetworkKey, hex_of_mac, network_key, sign};
use kedge_protocol::cp::{Kind, OBJECT, Object, ObjectWriter, ParmName, write};
use kedge_protocol::is683::engine::{Capability, Engine};
use kedge_protocol::sms::Ports;
use kedge_protocol::sms::gsm::{Address, DataCoding, Deliver, Segments, TimeStamp};
use kedge_protocol::wap::{
    Coding, ContentType, DocumentWriter, Headers, Media, MediaCode, Parameter, ParameterCode, ParameterName,
    Parameters, Push, SecurityMethod, Value,
};
use kedge_protocol::wbxml::{Version, pages};
use kedge_protocol::wire::Writer;
use kedge_update_agent::{Device, Layout, Mode};
use proptest::prelude::*;

type Flash = Nor<4, 4096>;

const IMSI: &str = "244050123456789";

/// What happened, in the words of the events' debug form.
#[derive(Default)]
struct Log(Vec<String>);

impl Events for Log {
    fn event(&mut self, _: Duration, event: &Event<'_>) {
        self.0.push(format!("{event:?}"));
    }
}

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
}

/// What the user is asked or told.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Asked {
    Pin(u8),
    Apply(String),
    Applied,
    Refused,
}

impl Phone {
    fn new() -> Self {
        let mut identity = Identity::new(HardwareId::Esn(0x80B0_2913), "Make", "Model", "1").unwrap();
        identity.insert_card(IMSI);
        Self {
            flash: Nor::new(32),
            identity,
            entropy: Seeded::new(1),
            log: Log::default(),
            now: Duration::from_secs(1),
            receive: vec![0; 8192],
            send: vec![0; 8192],
            engine: Box::new(Engine::new()),
            receiver: Box::default(),
        }
    }

    /// Starts the agent, lets `act` trigger something (`false`: the power failed), and answers until it is idle or the answers are used up. Returns what
    /// the user saw; `None`: the power failed.
    fn live(
        &mut self,
        act: impl FnOnce(&mut Agent<'_, 64>, &mut Context<'_, Flash, SoftCrypto>) -> bool,
        answers: &[Answer],
    ) -> Option<Vec<Asked>> {
        let region = |sector: u32, sectors: u32| Region::new(sector * 4096, sectors * 4096);
        let config = Config {
            store: region(8, 24),
            update: Layout {
                image: region(0, 1),
                mode: Mode::InPlace { scratch: region(1, 1) },
                package: region(2, 2),
                journal: region(4, 2),
            },
            device: Device {
                product: "p",
                version: None,
                security_counter: 0,
                keys: &[],
                trial_attempts: 1,
                memory: 0,
            },
            pri: Pri { objects: &[], spc: *b"000000" },
            capability: capability(),
            objects: &[],
        };
        let Self { flash, identity, entropy, log, now, receive, send, engine, receiver } = self;
        let messages = Messages::gsm(receiver);
        let memory = Memory { buffers: Buffers { receive, send }, engine, messages };
        let crypto = &SoftCrypto;
        let mut context = Context { now: *now, flash, crypto, identity, entropy, events: log };
        let mut agent = Agent::start(config, memory, &mut context).ok()?;
        if !act(&mut agent, &mut context) {
            return None;
        }
        agent.ask_about_settings();
        let mut answers = answers.iter();
        let mut seen = Vec::new();
        loop {
            let asked = match agent.poll(&mut context).ok()? {
                Output::Idle(_) => return Some(seen),
                Output::Ask(Prompt::EnterPin { tries_left, .. }) => Asked::Pin(tries_left),
                Output::Ask(Prompt::ApplySettings { summary }) => Asked::Apply(summary.to_owned()),
                Output::Ask(Prompt::SettingsApplied) => Asked::Applied,
                Output::Ask(Prompt::SettingsRefused) => Asked::Refused,
                other => panic!("{other:?}"),
            };
            let told = matches!(asked, Asked::Applied | Asked::Refused);
            seen.push(asked);
            let answer = if told { &Answer::Yes } else { answers.next().unwrap_or(&Answer::Later) };
            agent.done(&mut context, Done::Answered(*answer)).ok()?;
        }
    }

    /// The push arrives in these messages, and the user answers.
    fn receive(&mut self, messages: &[Vec<u8>], answers: &[Answer]) -> Option<Vec<Asked>> {
        self.live(
            |agent, context| {
                let mut datagram = [0; 9000];
                messages
                    .iter()
                    .all(|message| agent.message(context, Bearer::Gsm, message, &mut datagram).is_ok())
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
        let (store, _) =
            kedge_agent::store::Store::open(flash, Region::new(8 * 4096, 24 * 4096), id).unwrap();
        let found: Result<(), StoreError<Error>> = settings(&store, flash, |_, object| {
            all.push(stored(&object));
            true
        });
        found.unwrap();
        all.sort();
        all
    }

    fn logged(&self, what: &str) -> usize {
        self.log.0.iter().filter(|event| event.contains(what)).count()
    }
}

fn capability() -> Capability {
    Capability { firmware_rev: 1, model: 1, max_prl_size: 64, max_sid_nid: 4, ..Capability::PLAIN }
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

fn pin(text: &str) -> Answer {
    Answer::Pin(Pin::new(text).unwrap())
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

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    /// Any document of our writer, signed, in messages that are shuffled and repeated, arrives as the same settings.
    #[test]
    fn push_to_settings(
        points in proptest::collection::btree_map("[A-Z0-9]{1,12}", "[ -~]{0,60}", 1..8),
        page in "[!-~]{0,200}",
        secret in "[0-9]{1,16}",
        xml: bool,
        order in proptest::collection::vec(any::<prop::sample::Index>(), 0..20),
        reference: u8,
    ) {
        let mut objects: Vec<Vec<u8>> = points.iter().map(|(id, apn)| access_point(id, apn)).collect();
        let first = points.keys().next().unwrap();
        objects.push(browser(first, &page));
        let coding = if xml { Coding::Xml } else { Coding::Wbxml };
        let pushed = signed(coding, &objects, SecurityMethod::USERPIN, secret.as_bytes());
        let parts = messages(&pushed, reference);
        let mut arriving: Vec<Vec<u8>> = order.iter().map(|index| index.get(&parts).clone()).collect();
        arriving.extend(parts);
        let mut phone = Phone::new();
        let seen = phone.receive(&arriving, &[pin(&secret), Answer::Yes]).unwrap();
        let expected = matches!(&seen[..], [Asked::Pin(3), Asked::Apply(told), Asked::Applied] if told.len() <= limits::SUMMARY + 300);
        prop_assert!(expected, "{:?} {:?}", seen, phone.log.0);
        objects.sort();
        prop_assert_eq!(phone.settings(), objects);
    }
}

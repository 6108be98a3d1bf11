//! Bootstrap by the DM profile through the agent: from the factory, the smart card and pushes, by the rules, also where the power
//! fails.

use core::time::Duration;

use kedge_agent::agent::{Agent, Buffers, Context, Kept, Management, ManagementMemory, Memory, Messages};
use kedge_agent::store::{Key, Store};
use kedge_agent::trigger::Accepted;
use kedge_platform::identity::Identity as _;
use kedge_platform::ui::Answer;
use kedge_platform_crypto::SoftCrypto;
use kedge_platform_sim::identity::Identity;
use kedge_platform_sim::nor::{Cut, Nor};
use kedge_platform_sim::random::Seeded;
use kedge_protocol::dm::bootstrap::{Keys, Method, Security};
use kedge_protocol::dm::{Nodes, StoreError};
use kedge_protocol::is683::engine::Engine;
use kedge_protocol::syncml::{Dialect, Head, Header, Item, Location, Verb, Writer as MessageWriter};
use kedge_protocol::wap::{
    Coding, ContentType, Headers, Media, MediaCode, Parameter, ParameterCode, ParameterName, Parameters,
    Push, Value,
};
use kedge_protocol::wire::Writer;

use crate::phone::{Asked, Flash, IMSI, Log, answer, config, identity, pin, store};

type Lent<'b> = Agent<'b, 64>;

/// Sectors of the store, and their size.
const STORE: (u32, u32) = (4096, 24);
const PIN: &str = "1234";
/// A device that lives from one restart to the next on the same flash, without a network.
struct Phone {
    flash: Flash,
    identity: Identity,
    entropy: Seeded,
    log: Log,
    factory: Vec<Vec<u8>>,
    by_push: bool,
}

impl Phone {
    fn new() -> Self {
        Self {
            flash: Nor::new(32),
            identity: identity(),
            entropy: Seeded::new(1),
            log: Log::default(),
            factory: Vec::new(),
            by_push: true,
        }
    }

    /// Starts the agent, lets `act` happen, and answers what the user is asked. What he saw; `None`: the power failed.
    fn live(
        &mut self,
        act: impl FnOnce(&mut Lent<'_>, &mut Context<'_, Flash, SoftCrypto>) -> Option<()>,
        answers: &[Answer],
    ) -> Option<Vec<Asked>> {
        let (mut receive, mut send, mut engine) =
            (vec![0; 8192], vec![0; 8192], Box::new(Engine::<64>::new()));
        let (mut tree, mut work, mut texts) = (vec![0; 4096], vec![0; 4096], vec![0; 2048]);
        let mut kept = Box::new(Kept::EMPTY);
        let factory: Vec<&[u8]> = self.factory.iter().map(Vec::as_slice).collect();
        let setup = Management {
            language: "en",
            device_type: "phone",
            oem: "",
            software: "1",
            hardware: "1",
            accounts: &[],
            bootstrap: &factory,
            bootstrap_by_push: self.by_push,
            root_acl: "Add=*&Get=*",
            coding: Coding::Wbxml,
        };
        let Self { flash, identity, entropy, log, .. } = self;
        let buffers = Buffers { receive: &mut receive, send: &mut send };
        let messages = Messages { cdma: None, gsm: None };
        let memory = Memory { buffers, engine: &mut engine, messages };
        let now = Duration::from_secs(1);
        let mut context = Context { now, flash, crypto: &SoftCrypto, identity, entropy, events: log };
        let mut agent = Agent::start(config(STORE, &[], 64), memory, &mut context).ok()?;
        let memory =
            ManagementMemory { tree: &mut tree, work: &mut work, texts: &mut texts, kept: &mut kept };
        agent.attach_management(setup, memory);
        act(&mut agent, &mut context)?;
        answer(&mut agent, &mut context, answers)
    }

    /// The push arrives, and the user answers.
    fn receive(&mut self, push: &[u8], answers: &[Answer]) -> Option<Vec<Asked>> {
        self.live(|agent, context| agent.push(context, push).ok(), answers)
    }

    /// The device is switched on with this card.
    fn insert(&mut self, document: &[u8]) -> Option<Accepted> {
        let mut accepted = None;
        self.live(
            |agent, context| {
                accepted = agent.smart_card(context, document).ok();
                accepted.map(drop)
            },
            &[],
        )?;
        accepted
    }

    /// A server's address in the tree, and whether a session with it is wanted.
    fn account(&mut self, server: &str) -> (Option<String>, bool) {
        let id = self.identity.hardware_id();
        let (kept, _) = Store::open(&mut self.flash, store(STORE.0, STORE.1), id).unwrap();
        let (mut image, mut buf) = (vec![0; 4096], vec![0; 4096]);
        let image = kept.bytes(&mut self.flash, Key::Tree as u8, &mut image).unwrap().unwrap_or_default();
        let nodes = Nodes::read(&mut buf, &mut Image(image)).unwrap();
        let text = |path: String| nodes.text(&path).map(str::to_owned);
        let mut names = nodes.names("DMAcc");
        let name = names.find(|name| nodes.text(&format!("DMAcc/{name}/ServerID")) == Some(server));
        let address = name.and_then(|name| text(format!("DMAcc/{name}/AppAddr/1/Addr")));
        (address, kept.len(Key::Wish as u8).is_some())
    }

    fn logged(&self, what: &str) -> usize {
        self.log.count(what)
    }
}

/// An image of the tree, to be read.
struct Image<'i>(&'i [u8]);

impl kedge_protocol::dm::Store for Image<'_> {
    fn load(&mut self, buffer: &mut [u8]) -> Result<usize, StoreError> {
        buffer.get_mut(..self.0.len()).ok_or(StoreError::Failed)?.copy_from_slice(self.0);
        Ok(self.0.len())
    }

    fn save(&mut self, _: &[u8]) -> Result<(), StoreError> {
        Err(StoreError::Failed)
    }
}

/// A document with the account of this server.
fn document(server: &str, address: &str) -> Vec<u8> {
    let mut out = [0; 2048];
    let (to, from) = (Location::new("ESN:80B02913"), Location::new("https://dm.example/"));
    let header = Header::new(Dialect::V1_2, "0", "1", to, from);
    let mut writer = MessageWriter::new(Coding::Wbxml, &mut out, &header).unwrap();
    let leaves = [("AppID", "w7"), ("ServerID", server), ("AppAddr/1/Addr", address)];
    for (number, (leaf, value)) in (1..).zip(leaves) {
        let (number, uri) = (number.to_string(), format!("./DMAcc/of-{server}/{leaf}"));
        let item = Item::target(&uri).text(value);
        writer.command(&Head::new(Verb::Add, &number)).unwrap().item(&item).unwrap().end().unwrap();
    }
    writer.finish(true).unwrap().to_vec()
}

/// A push of `body`, with parameters by name, or, without `named`, as those of client provisioning have them.
fn push(body: &[u8], method: Method, named: bool) -> Vec<u8> {
    let keys = Keys { network_id: Some(IMSI.as_bytes()), pin: Some(PIN.as_bytes()) };
    let proof = Security::make(method, body, &keys).unwrap();
    let mac = proof.mac().iter().fold(String::new(), |hex, octet| hex + &format!("{octet:02X}"));
    let mut buf = [0; 96];
    let mut w = Writer::new(&mut buf);
    let (names, sec) = if named {
        let names = [ParameterName::Text(b"SEC"), ParameterName::Text(b"MAC")];
        (names, Value::Text(method.name().as_bytes()))
    } else {
        let names = [ParameterName::Code(ParameterCode::SEC), ParameterName::Code(ParameterCode::MAC)];
        (names, Value::Short(method.number()))
    };
    for (name, value) in names.into_iter().zip([sec, Value::Text(mac.as_bytes())]) {
        Parameter { name, value }.write(&mut w).unwrap();
    }
    let parameters = Parameters::new(w.finish()).unwrap();
    let content_type = ContentType { media: Media::Code(MediaCode::DM), parameters };
    let push = Push { tid: 1, content_type, headers: Headers::default(), body };
    let mut out = vec![0; push.buffer_len()];
    push.emit(&mut out).unwrap();
    out
}

const OLD: &str = "https://old.example/";
const NEW: &str = "https://new.example/";

/// A push that the network identifier proves brings a new server, which the user sees, and cannot redirect a known one; a PIN
/// can.
#[test]
fn a_push_brings_a_server_and_only_a_pin_changes_one() {
    for named in [true, false] {
        let mut phone = Phone::new();
        let first = push(&document("dms", OLD), Method::NetworkId, named);
        let seen = phone.receive(&first, &[Answer::Yes]).unwrap();
        assert_eq!(seen, [Asked::Apply("management server dms".to_owned()), Asked::Applied]);
        assert_eq!(phone.account("dms"), (Some(OLD.to_owned()), true), "and a session is wanted");
        let again = push(&document("dms", NEW), Method::NetworkId, named);
        assert_eq!(phone.receive(&again, &[Answer::Yes]).unwrap(), []);
        assert_eq!(phone.logged("ContentRefused"), 1);
        assert_eq!(phone.account("dms").0.as_deref(), Some(OLD));
        for method in [Method::UserPin, Method::UserPinNetworkId] {
            let by_pin = push(&document("dms", NEW), method, named);
            let seen = phone.receive(&by_pin, &[pin("9999"), pin(PIN), Answer::Yes]).unwrap();
            let apply = Asked::Apply("management server dms".to_owned());
            assert_eq!(seen, [Asked::Pin(3), Asked::Pin(2), apply, Asked::Applied], "{method:?}");
            assert_eq!(phone.account("dms").0.as_deref(), Some(NEW));
        }
    }
}

#[test]
fn what_is_not_proved_not_wanted_or_switched_off_changes_nothing() {
    let mut phone = Phone::new();
    let mut changed = push(&document("dms", OLD), Method::NetworkId, true);
    *changed.last_mut().unwrap() ^= 1;
    phone.receive(&changed, &[Answer::Yes]).unwrap();
    let mut wrong = push(&document("dms", OLD), Method::NetworkId, true);
    let at = wrong.windows(3).position(|part| part == b"old").unwrap();
    wrong[at] = b'c';
    assert_eq!(phone.receive(&wrong, &[Answer::Yes]).unwrap(), [Asked::Refused]);
    let guessed = push(&document("dms", OLD), Method::UserPin, true);
    let seen = phone.receive(&guessed, &[pin("1"), pin("2"), pin("3")]).unwrap();
    assert_eq!(seen, [Asked::Pin(3), Asked::Pin(2), Asked::Pin(1), Asked::Refused]);
    let unwanted = push(&document("dms", OLD), Method::NetworkId, true);
    phone.receive(&unwanted, &[Answer::No]).unwrap();
    let nobody = push(&document("", OLD), Method::NetworkId, true);
    assert_eq!(phone.receive(&nobody, &[Answer::Yes]).unwrap(), []);
    assert_eq!(phone.account("dms"), (None, false));
    let mut closed = Phone { by_push: false, ..Phone::new() };
    let good = push(&document("dms", OLD), Method::NetworkId, true);
    assert_eq!(closed.receive(&good, &[Answer::Yes]).unwrap(), []);
    assert_eq!(closed.account("dms"), (None, false));
}

/// The factory's servers are there with the first tree; a card replaces one, and the same card again does not.
#[test]
fn factory_and_card_bring_servers() {
    let mut phone = Phone { factory: vec![document("dms", OLD), document("other", OLD)], ..Phone::new() };
    assert_eq!(phone.insert(&document("dms", NEW)), Some(Accepted::Queued));
    assert_eq!(phone.account("dms"), (Some(NEW.to_owned()), true));
    assert_eq!(phone.account("other").0.as_deref(), Some(OLD));
    assert_eq!(phone.insert(&document("dms", NEW)), Some(Accepted::Merged), "nothing is written");
    assert_eq!(phone.insert(b"no document"), Some(Accepted::Refused));
    assert_eq!(phone.insert(&document("dms", OLD)), Some(Accepted::Queued));
    assert_eq!(phone.account("dms").0.as_deref(), Some(OLD));
}

/// Before, inside and after every flash operation of a bootstrap from each origin: afterwards the device goes on, and in the end
/// the account is there whole, nothing waits any more, and the user was told.
#[test]
fn the_power_may_fail_anywhere() {
    let pushed = push(&document("dms", NEW), Method::NetworkId, true);
    let card = document("dms", NEW);
    let mut cases = 0;
    for by_card in [false, true] {
        let operations = {
            let mut phone = Phone { factory: vec![document("other", OLD)], ..Phone::new() };
            let done = if by_card {
                phone.insert(&card).map(drop)
            } else {
                phone.receive(&pushed, &[Answer::Yes]).map(drop)
            };
            done.unwrap();
            phone.flash.work().operations()
        };
        assert!(operations > 10, "{operations}");
        for at in 0..operations {
            for cut in [Cut::Before, Cut::Torn { seed: at }, Cut::After] {
                let mut phone = Phone { factory: vec![document("other", OLD)], ..Phone::new() };
                phone.flash.cut_at(at, cut);
                for _ in 0..3 {
                    // What became of it, the next life shows.
                    if by_card {
                        let _ = phone.insert(&card);
                    } else {
                        let _ = phone.receive(&pushed, &[Answer::Yes]);
                    }
                    phone.flash.power_on();
                }
                let told = phone.logged("Prompted(SettingsApplied)") > 0;
                let what = format!("card {by_card}, {cut:?} in operation {at}");
                assert_eq!(phone.account("dms").0.as_deref(), Some(NEW), "{what}");
                assert_eq!(phone.account("other").0.as_deref(), Some(OLD), "{what}");
                assert!(by_card || told, "the user was not told: {what}");
                cases += 1;
            }
        }
    }
    println!("bootstrap: {cases} power cuts, 0 violations");
}

//! The agent's IS-683 side against a plain model: random messages over the legacy bearer, with power cuts and restarts.
//!
//! The model knows nothing of flash, stages or segments: it is what the fact sheet says of lock, staging and commit, in one
//! page. Every answer must be the model's, and after every cut the device must hold what it held before, or what the message
//! that was cut would have made of it, and nothing in between.
use std::collections::BTreeMap;
use std::io::Write as _;
use std::time::Duration;

use kedge_agent::agent::{Agent, Buffers, Context, Memory, Messages};
use kedge_agent::config::Security;
use kedge_agent::store::{self, Key, Nam, Store};
use kedge_platform::identity::HardwareId;
use kedge_platform_crypto::SoftCrypto;
use kedge_platform_sim::identity::Identity;
use kedge_platform_sim::nor::{Cut, Nor};
use kedge_platform_sim::random::Seeded;
use kedge_protocol::is683::engine::{Engine, Mode, SPASM_TRIES, SPC_TRIES};
use kedge_protocol::is683::prl::crc16;
use kedge_protocol::sms::cdma::Receiver;

use crate::phone;

/// Sectors of the store, and their size.
const STORE: (u32, u32) = (512, 8);
type Flash = Nor<8, 512>;

const SEQUENCES: u64 = 600;
const STEPS: usize = 120;

/// What survives a restart.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Kept {
    spc: [u8; 6],
    failures: u8,
    /// The blocks of both number assignments, whether each is protected, and whether the second is used.
    nams: [BTreeMap<u8, Vec<u8>>; 2],
    locked: [bool; 2],
    second: bool,
    prl: Vec<u8>,
}

/// What a session knows.
#[derive(Clone, Debug)]
struct Session {
    phase: Phase,
    open: bool,
    tries: Option<u8>,
    staged: BTreeMap<u8, Vec<u8>>,
    /// Octets of the list so far, where the segment before ended, and whether the list is whole.
    list: (Vec<u8>, usize, bool),
    spc: Option<[u8; 6]>,
    lock: Option<bool>,
    /// The challenge of a protected number assignment, and whether it was answered.
    challenge: Option<u32>,
    proven: bool,
    signatures: u8,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    User,
    Waiting,
    Started,
    Stopped,
}

/// A message of the network.
#[derive(Clone, Debug)]
enum Message {
    Capability,
    Otapa(bool),
    Verify([u8; 6]),
    Change([u8; 6]),
    /// SPASM: signed rightly, wrongly or not at all, and the new protection.
    Spasm(Option<bool>, bool),
    /// Mobile directory number, with this last digit.
    Number(u8),
    /// A block that no handset keeps.
    Unknown,
    /// Segment `index` of a list with this identity, its last octet spoilt or not.
    Segment {
        id: u8,
        index: usize,
        spoilt: bool,
    },
    Commit,
}

/// Segments of a list.
const SEGMENTS: usize = 3;

/// A classic list of one system, with an identity of its own.
fn list(id: u8) -> Vec<u8> {
    let mut list = vec![0, 18, 0, id, 0x80, 0, 0x40, 1, 0x21, 0, 2, 0x80, 0, 0x50, 0, 0];
    list.extend(crc16(&list).to_be_bytes());
    list
}

fn segment(id: u8, index: usize, spoilt: bool) -> (usize, Vec<u8>, bool) {
    let list = list(id);
    let mut data: Vec<u8> = list.chunks(6).nth(index).expect("three segments of six octets").to_vec();
    if spoilt {
        *data.last_mut().expect("six octets") ^= 0x40;
    }
    (index * 6, data, index + 1 == SEGMENTS)
}

impl Message {
    fn draw(noise: &mut Seeded) -> Self {
        let spc = |noise: &mut Seeded| {
            if noise.below(3) == 0 { *b"000000" } else { [b'1' + u8::try_from(noise.below(2)).unwrap(); 6] }
        };
        let id = |noise: &mut Seeded| u8::try_from(noise.below(2)).unwrap();
        match noise.below(20) {
            0 => Self::Capability,
            1 | 2 => Self::Otapa(true),
            3 => Self::Otapa(false),
            4..=6 => Self::Verify(spc(noise)),
            7 => Self::Change(spc(noise)),
            // A protection that is on makes the network's own sessions interesting: it is put on more often than off.
            8 if noise.below(4) == 0 => Self::Spasm(None, noise.below(3) != 0),
            8 => Self::Spasm(Some(noise.below(4) != 0), noise.below(3) != 0),
            9 | 10 => Self::Number(1 + u8::try_from(noise.below(5)).unwrap()),
            11 => Self::Unknown,
            12..=16 => {
                Self::Segment { id: id(noise), index: noise.below(SEGMENTS), spoilt: noise.below(12) == 0 }
            }
            _ => Self::Commit,
        }
    }

    /// The octets; `rand` is the challenge that a signature answers.
    fn octets(&self, rand: u32) -> Vec<u8> {
        let digits = |spc: &[u8; 6]| {
            spc.chunks(2).map(|pair| (pair[0] - b'0') << 4 | (pair[1] - b'0')).collect::<Vec<u8>>()
        };
        match self {
            Self::Capability => vec![6],
            Self::Otapa(start) => vec![0x0A, u8::from(*start) << 7],
            Self::Verify(spc) => [vec![9, 1, 0, 3], digits(spc)].concat(),
            Self::Change(spc) => [vec![9, 1, 1, 3], digits(spc)].concat(),
            Self::Spasm(None, lock) => vec![9, 1, 2, 1, u8::from(*lock) << 6],
            Self::Spasm(Some(right), lock) => {
                let auth = sign(rand) ^ u32::from(!right);
                let [_, data @ ..] = (1 << 23 | auth << 5 | u32::from(*lock) << 4).to_be_bytes();
                [&[9, 1, 2, 3], &data[..]].concat()
            }
            Self::Number(digit) => vec![1, 1, 1, 1, 0x10 | digit, 0],
            Self::Unknown => vec![1, 1, 0x70, 1, 7, 0],
            Self::Segment { id, index, spoilt } => {
                let (offset, data, last) = segment(*id, *index, *spoilt);
                let (offset, size) = (u8::try_from(offset).unwrap(), u8::try_from(data.len()).unwrap());
                [vec![8, 0, size + 4, u8::from(last), 0, offset, size], data, vec![0]].concat()
            }
            Self::Commit => vec![5],
        }
    }
}

/// The model: what is kept, and the session, if there is one.
#[derive(Clone, Debug)]
struct Model {
    kept: Kept,
    session: Option<Session>,
}

impl Model {
    fn new() -> Self {
        let (nams, locked) = ([const { BTreeMap::new() }; 2], [false; 2]);
        let kept = Kept { spc: *b"000000", failures: 0, nams, locked, second: false, prl: Vec::new() };
        Self { kept, session: None }
    }

    fn begin(&mut self, mode: Mode) {
        let phase = if mode == Mode::UserInitiated { Phase::User } else { Phase::Waiting };
        let list = (Vec::new(), 0, false);
        self.session = Some(Session {
            phase,
            open: false,
            tries: None,
            staged: BTreeMap::new(),
            list,
            spc: None,
            lock: None,
            challenge: None,
            proven: false,
            signatures: SPASM_TRIES,
        });
    }

    /// The reverse message, or how it begins where a challenge that nobody can foresee follows; `None`: not told here
    /// (capabilities), but there is one.
    fn answer(&mut self, message: &Message) -> Option<Vec<u8>> {
        let session = self.session.as_mut().expect("a session");
        // The factory code leaves the lock open; looked at once, with the first message.
        if session.tries.is_none() && !session.open {
            session.open = self.kept.spc == *b"000000";
            session.tries = session.tries.or(Some(SPC_TRIES.saturating_sub(self.kept.failures).max(1)));
        }
        let refusal = match (message, session.phase) {
            (Message::Capability, _) => return None,
            (Message::Otapa(start), phase) => {
                let (result, next) = match (phase, start) {
                    (Phase::Waiting | Phase::Started, true) => (0, Phase::Started),
                    (Phase::Started | Phase::Stopped, false) => (0, Phase::Stopped),
                    (phase, _) => (6, phase),
                };
                session.phase = next;
                if result == 0 && !start {
                    session.drop_staged();
                }
                let protected = result == 0
                    && *start
                    && match phase {
                        Phase::Waiting => self.kept.locked[usize::from(self.kept.second)],
                        _ => session.challenge.is_some(),
                    };
                let mut answer = vec![0x0A, result, u8::from(protected)];
                let rand = session.challenge.filter(|_| protected).map(u32::to_be_bytes);
                answer.extend(rand.into_iter().flatten());
                return Some(answer);
            }
            (_, Phase::Waiting | Phase::Stopped) => Some(6),
            (Message::Verify(_) | Message::Change(_) | Message::Spasm(..), _) => None,
            _ if !session.open || (session.challenge.is_some() && !session.proven) => Some(0x0A),
            _ => None,
        };
        Some(match message {
            Message::Verify(spc) => {
                vec![9, 1, 0, refusal.unwrap_or_else(|| session.verify(&mut self.kept, *spc))]
            }
            Message::Change(_) if refusal.is_none() && !session.open => vec![9, 1, 1, 0x0A],
            Message::Change(spc) => {
                if refusal.is_none() {
                    session.spc = Some(*spc);
                }
                vec![9, 1, 1, refusal.unwrap_or(0)]
            }
            Message::Spasm(signed, lock) => {
                vec![9, 1, 2, refusal.unwrap_or_else(|| session.spasm(*signed, *lock))]
            }
            Message::Number(digit) => {
                if refusal.is_none() {
                    session.staged.insert(1, vec![0x10 | digit]);
                }
                vec![1, 1, 1, refusal.unwrap_or(0)]
            }
            Message::Unknown => vec![1, 1, 0x70, refusal.unwrap_or(7)],
            Message::Segment { id, index, spoilt } => {
                let (offset, data, last) = segment(*id, *index, *spoilt);
                let result = refusal.unwrap_or_else(|| session.segment(offset, &data, last));
                vec![8, 0, result, 0, u8::try_from(offset).unwrap(), u8::try_from(data.len()).unwrap()]
            }
            Message::Commit => vec![5, refusal.unwrap_or_else(|| session.commit(&mut self.kept))],
            Message::Capability | Message::Otapa(_) => unreachable!("answered above"),
        })
    }
}

impl Session {
    fn drop_staged(&mut self) {
        self.staged.clear();
        self.list = (Vec::new(), 0, false);
        (self.spc, self.lock) = (None, None);
    }

    fn spasm(&mut self, signed: Option<bool>, lock: bool) -> u8 {
        if self.phase != Phase::Started {
            return 0x0E;
        }
        if self.challenge.is_some() && !self.proven {
            if self.signatures == 0 || signed != Some(true) {
                self.signatures = self.signatures.saturating_sub(1);
                return 0x0D;
            }
            self.proven = true;
        }
        self.lock = Some(lock);
        0
    }

    fn verify(&mut self, kept: &mut Kept, spc: [u8; 6]) -> u8 {
        let tries = self.tries.expect("looked at");
        if tries == 0 {
            return 0x0B;
        }
        if spc == kept.spc {
            self.open = true;
            self.tries = Some(SPC_TRIES);
            kept.failures = 0;
            return 0;
        }
        kept.failures = kept.failures.saturating_add(1);
        self.tries = Some(tries - 1);
        0x0B
    }

    /// A segment repeats what is here, goes on where the one before ended, or starts anew; the last one decides.
    fn segment(&mut self, offset: usize, data: &[u8], last: bool) -> u8 {
        let (list, cursor, whole) = &mut self.list;
        let end = offset + data.len();
        let repeated = list.get(offset..end) == Some(data);
        let goes_on = offset == *cursor && !(*whole && *cursor == list.len());
        if !repeated && !goes_on && offset != 0 {
            return 4;
        }
        if !repeated {
            list.truncate(offset);
            list.extend(data);
            *whole = false;
        }
        *cursor = end;
        if !last {
            return 0;
        }
        let good = list[..end].len() == 18 && crc16(&list[..16]).to_be_bytes() == list[16..18];
        if good {
            list.truncate(end);
            *whole = true;
            0
        } else {
            self.list = (Vec::new(), 0, false);
            9
        }
    }

    fn commit(&mut self, kept: &mut Kept) -> u8 {
        let (list, _, whole) = &self.list;
        if !list.is_empty() && !whole {
            return 8;
        }
        let used = usize::from(kept.second);
        kept.nams[used].append(&mut self.staged);
        kept.locked[used] = self.lock.unwrap_or(kept.locked[used]);
        if *whole {
            kept.prl.clone_from(list);
        }
        kept.spc = self.spc.unwrap_or(kept.spc);
        self.drop_staged();
        0
    }
}

/// The device's memory, used again after each restart.
struct Room {
    receive: Vec<u8>,
    send: Vec<u8>,
    engine: Box<Engine<64>>,
    messages: Receiver,
}

const OBJECTS: [(&str, &str); 2] =
    [("iota/boot-url", "http://a.example/"), ("iota/trusted-domain", "a.example")];

const ID: HardwareId = HardwareId::Esn(1);

/// What the device holds, read from its store.
fn held(flash: &mut Flash) -> Kept {
    let (store, _) = Store::open(flash, phone::store(STORE.0, STORE.1), ID).expect("the store opens");
    let mut buf = [0; 64];
    let digits = store.bytes(flash, Key::Spc as u8, &mut buf).expect("readable").map(<[u8]>::to_vec);
    let spc = digits.map_or(*b"000000", |digits| core::array::from_fn(|at| b'0' + (digits[at] & 0x0F)));
    let failures =
        store.bytes(flash, Key::SpcFailures as u8, &mut buf).expect("readable").map_or(0, |count| count[0]);
    let kept = store::Nams::load(&store, flash).expect("readable");
    let second = kept.active() == Nam::Second;
    let locked = Nam::ALL.map(|nam| kept.with_active(nam).is_locked());
    let nams = Nam::ALL.map(|nam| {
        let mut buf = [0; 256];
        let mut rest = store::nam_blocks(&store, flash, nam, &mut buf).expect("readable");
        let mut blocks = BTreeMap::new();
        while let [id, len, behind @ ..] = rest {
            let (data, next) = behind.split_at(usize::from(*len));
            blocks.insert(*id, data.to_vec());
            rest = next;
        }
        blocks
    });
    let prl = store.bytes(flash, Key::Prl as u8, &mut buf).expect("readable").unwrap_or_default().to_vec();
    Kept { spc, failures, nams, locked, second, prl }
}

/// What stands for the real algorithm, 18 bits.
fn sign(rand: u32) -> u32 {
    rand.wrapping_mul(0x9E37_79B1) >> 14
}

/// Counts of one run.
#[derive(Clone, Copy, Debug, Default)]
struct Counts {
    steps: usize,
    commits: usize,
    cuts: usize,
    old: usize,
    challenges: usize,
}

/// The power is back: the device holds what it held before, or what it was about to hold, and the model follows it.
fn after_cut(flash: &mut Flash, before: &Kept, model: &mut Model, counts: &mut Counts, what: &str) {
    counts.cuts += 1;
    flash.power_on();
    let found = held(flash);
    assert!(found == *before || found == model.kept, "{what} was cut, and left {found:?}");
    counts.old += usize::from(found == *before);
    model.kept = found;
}

/// What was expected, with the challenge that came, if one had to; it is for the model to remember.
fn challenged(model: &mut Model, expected: Vec<u8>, answer: &[u8], counts: &mut Counts) -> Vec<u8> {
    match (&expected[..], answer, &mut model.session) {
        ([0x0A, 0, 1], [0x0A, 0, 1, rand @ ..], Some(session)) => {
            session.challenge = Some(u32::from_be_bytes(rand.try_into().expect("a challenge")));
            counts.challenges += 1;
            answer.to_vec()
        }
        _ => expected,
    }
}

/// The memory of one device.
fn room() -> Room {
    Room {
        receive: vec![0; 2048],
        send: vec![0; 2048],
        engine: Box::new(Engine::new()),
        messages: Receiver::new(),
    }
}

/// One device, from the factory through many sessions, restarts and cuts.
fn live(seed: u64, counts: &mut Counts) {
    let mut noise = Seeded::for_purpose(seed, 683);
    let mut flash = Flash::new(16).with_seed(seed);
    let mut model = Model::new();
    let mut room = room();
    let identity = Identity::new(ID, "Make", "Model", "1").expect("an identity");
    let mut entropy = Seeded::new(seed);
    let mut steps = 0;
    while steps < STEPS {
        flash.power_on();
        // A power session: from a start to a cut, or to a restart.
        let Room { receive, send, engine, messages } = &mut room;
        let mut now = Duration::from_secs(1);
        let memory = Memory {
            buffers: Buffers { receive, send },
            engine: &mut **engine,
            messages: Messages::cdma(messages),
        };
        macro_rules! context {
            () => {
                &mut Context {
                    now,
                    flash: &mut flash,
                    crypto: &SoftCrypto,
                    identity: &identity,
                    entropy: &mut entropy,
                    events: &mut (),
                }
            };
        }
        let mut agent =
            Agent::<64>::start(phone::config(STORE, &OBJECTS, 64), memory, context!()).expect("it starts");
        agent.set_security(Security { power: None, auth_otapa: Some(&|rand: u32| Some(sign(rand))) });
        assert_eq!(held(&mut flash), model.kept, "seed {seed}: what a start finds");
        model.session = None;
        let mut trace = Vec::new();
        while steps < STEPS {
            steps += 1;
            counts.steps += 1;
            match (noise.below(40), model.session.is_some()) {
                (0, _) => break,
                (1 | 2, true) => {
                    agent.otasp_end(context!()).expect("it ends");
                    model.session = None;
                    continue;
                }
                (1..=6, false) => {
                    let nam = Nam::ALL[noise.below(2)];
                    let before = model.kept.clone();
                    if noise.below(3) == 0 {
                        let at = flash.operations_since_power_on() + u64::try_from(noise.below(3)).unwrap();
                        flash.cut_at(at, Cut::Torn { seed: noise.word() });
                    }
                    let selected = agent.select_nam(context!(), nam);
                    model.kept.second = nam == Nam::Second;
                    if !flash.is_on() {
                        after_cut(&mut flash, &before, &mut model, counts, &format!("seed {seed}: {nam:?}"));
                        break;
                    }
                    flash.clear_cuts();
                    assert!(selected.expect("it is idle"), "seed {seed}: {nam:?} was not selected");
                    assert_eq!(held(&mut flash), model.kept, "seed {seed}: after {nam:?} was selected");
                    continue;
                }
                (_, false) => {
                    let mode = if noise.below(2) == 0 { Mode::UserInitiated } else { Mode::NetworkInitiated };
                    assert!(agent.otasp_begin(context!(), mode).expect("it begins"));
                    model.begin(mode);
                    continue;
                }
                _ => {}
            }
            let message = Message::draw(&mut noise);
            let before = model.kept.clone();
            let expected = model.answer(&message);
            trace.push((message.clone(), expected.clone()));
            let cut = noise.below(6) == 0;
            if cut {
                let at = flash.operations_since_power_on() + u64::try_from(noise.below(6)).unwrap();
                let kinds = [Cut::Before, Cut::Torn { seed: noise.word() }, Cut::After];
                flash.cut_at(at, kinds[noise.below(3)]);
            }
            let rand = model.session.as_ref().and_then(|session| session.challenge).unwrap_or_default();
            let answer = agent.otasp_message(context!(), &message.octets(rand)).map(<[u8]>::to_vec);
            if cut && !flash.is_on() {
                after_cut(&mut flash, &before, &mut model, counts, &format!("seed {seed}: {message:?}"));
                break;
            }
            flash.clear_cuts();
            let answer = answer.unwrap_or_else(|| panic!("seed {seed}: {message:?} was not answered"));
            let expected = expected.map(|expected| challenged(&mut model, expected, &answer, counts));
            assert!(
                expected.is_none() || expected == Some(answer.clone()),
                "seed {seed}: {message:?} was answered {answer:02x?}, not {expected:02x?}, after {trace:02x?}"
            );
            counts.commits += usize::from(matches!(message, Message::Commit) && answer == [5, 0]);
            assert_eq!(held(&mut flash), model.kept, "seed {seed}: after {message:?}");
            now += Duration::from_secs(1);
        }
    }
    assert!(flash.misuses().is_empty(), "seed {seed}: {:?}", flash.misuses());
}

#[test]
fn the_agent_is_its_model() {
    let mut counts = Counts::default();
    for seed in 0..SEQUENCES {
        live(seed, &mut counts);
    }
    let Counts { steps, commits, cuts, old, challenges } = counts;
    let _ = writeln!(
        std::io::stdout(),
        "agent against its model: {SEQUENCES} devices, {steps} steps, {commits} commits, {challenges} challenges, {cuts} power \
         cuts (of which {old} left the old state), 0 differences"
    );
    assert!(
        commits > 2000 && challenges > 30 && cuts > 500 && old < cuts,
        "the sequences are too tame: {counts:?}"
    );
}

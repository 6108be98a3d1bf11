//! Documents of all sorts, from an issuer that says what the test wants: sealed ones, configurations, changes of trust, files.

use kedge_agent::dispatch::{Content, Origin, Refusal};
use kedge_agent::license::Verdict;
use kedge_platform::clock::Clock as _;
use kedge_platform::license::DeviceKey as _;
use kedge_platform_sim::bearer::{Request, Response};
use kedge_platform_sim::nor::Cut;
use kedge_protocol::cbor::{Decoder, Encoder};
use kedge_protocol::license::envelope::{ED25519, Envelope, Header, emit};
use kedge_protocol::license::sealed::{INFO, Sealed, TAG};
use kedge_protocol::license::session::Outcome;
use kedge_protocol::license::token::TOKEN_MAX;
use kedge_protocol::license::{Claims, Code, Configuration, Kind, License, Op, Part, Reason, Serial, State};
use ring::aead::{Aad, CHACHA20_POLY1305, LessSafeKey, Nonce, UnboundKey};
use ring::agreement::{EphemeralPrivateKey, UnparsedPublicKey, X25519, agree_ephemeral};
use ring::digest::{SHA256, digest};
use ring::hkdf::{HKDF_SHA256, Salt};
use ring::rand::SystemRandom;
use ring::signature::{Ed25519KeyPair, KeyPair as _};

use super::handset::{Handset, Net, START, UEID, chip, go};

const TYPE: &str = "application/vnd.example.provisioning+cbor";
const SEALED: &str = "application/vnd.example.sealed+cbor";

/// What a request token says, as far as an issuer needs it.
struct Token {
    nonce: [u8; 16],
    ephemeral: Option<[u8; 32]>,
}

impl Token {
    /// That of an entry URL; `None` for other requests.
    fn of(url: &str) -> Option<Self> {
        let text = url.split("&t=").nth(1)?;
        let digit = |c: u8| match c {
            b'A'..=b'Z' => c - b'A',
            b'a'..=b'z' => c - b'a' + 26,
            b'0'..=b'9' => c - b'0' + 52,
            b'-' => 62,
            _ => 63,
        };
        let mut octets = Vec::new();
        for group in text.as_bytes().chunks(4) {
            let bits = group.iter().fold(0_u32, |bits, c| bits << 6 | u32::from(digit(*c)));
            let bits = bits << (6 * (4 - group.len()));
            octets.extend(bits.to_be_bytes()[1..group.len()].iter());
        }
        Self::read(&octets)
    }

    fn read(octets: &[u8]) -> Option<Self> {
        let envelope = Envelope::parse(octets).ok()?;
        let mut d = Decoder::new(envelope.payload);
        let (mut nonce, mut ephemeral) = (None, None);
        for _ in 0..d.map().ok()? {
            match d.integer().ok()? {
                10 => nonce = d.array_of().ok().copied(),
                -70_003 => {
                    for _ in 0..d.map().ok()? {
                        match d.unsigned().ok()? {
                            8 => ephemeral = d.array_of().ok().copied(),
                            _ => drop(d.skip().ok()?),
                        }
                    }
                }
                _ => drop(d.skip().ok()?),
            }
        }
        Some(Self { nonce: nonce?, ephemeral })
    }
}

/// An issuer's key pair; the one of seed 1 is in the image.
fn issuer(seed: u8) -> Ed25519KeyPair {
    Ed25519KeyPair::from_seed_unchecked(&[seed; 32]).expect("a seed")
}

fn key_id(pair: &Ed25519KeyPair) -> [u8; 8] {
    digest(&SHA256, pair.public_key().as_ref()).as_ref()[..8].try_into().expect("8 octets")
}

/// A full license of this number, signed by `pair`.
fn document(pair: &Ed25519KeyPair, seq: u32, nonce: [u8; 16], configuration: Option<&[u8]>) -> Vec<u8> {
    let key = chip(2).public_key();
    let mut id = [0; 16];
    id[..4].copy_from_slice(&seq.to_be_bytes());
    let license = License {
        state: State::Full,
        serial: Serial::new(1, seq),
        reason: Some(Reason::PAID),
        ..License::EMPTY
    };
    let claims = Claims {
        issuer: "prov.example",
        subject: None,
        audience: "example-client",
        expires: None,
        not_before: None,
        issued_at: START + u64::from(seq),
        id: &id,
        key: Some(&key),
        nonce: Some(&nonce),
        ueid: Some(UEID),
        license: Some(license),
        configuration: configuration.map(Configuration::new),
    };
    let (mut room, mut out) = ([0; 2048], [0; 2048]);
    let payload = claims.emit(&mut room).expect("room");
    let name = Kind::Provisioning.name("example").expect("short");
    let header = Header { algorithm: ED25519, key_id: &key_id(pair), kind: name.as_str() };
    let sign = |message: &[&[u8]]| pair.sign(&message.concat()).as_ref().try_into().expect("64 octets");
    emit(&header, payload, sign, &mut out).expect("room").to_vec()
}

/// Seals a document for a request.
fn seal(document: &[u8], token: &Token) -> Vec<u8> {
    let server = EphemeralPrivateKey::generate(&X25519, &SystemRandom::new()).expect("random octets");
    let public: [u8; 32] =
        server.compute_public_key().expect("a key").as_ref().try_into().expect("32 octets");
    let (iv, mut head) = ([3; 12], [0; 128]);
    let head = Sealed::emit(&public, &iv, document.len() + TAG, &mut head).expect("room");
    let associated = Sealed { ephemeral: public, iv, content: 0..0 }.associated();
    let device = UnparsedPublicKey::new(&X25519, token.ephemeral.expect("a key in the token"));
    let octets = agree_ephemeral(server, &device, |shared| {
        let mut octets = [0; 32];
        let secret = Salt::new(HKDF_SHA256, &token.nonce).extract(shared);
        let length = &CHACHA20_POLY1305;
        secret.expand(&[INFO], length).expect("short").fill(&mut octets).expect("32 octets");
        octets
    });
    let key = UnboundKey::new(&CHACHA20_POLY1305, &octets.expect("a point")).expect("32 octets");
    let mut content = document.to_vec();
    let nonce = Nonce::assume_unique_for_key(iv);
    LessSafeKey::new(key)
        .seal_in_place_append_tag(nonce, Aad::from(associated), &mut content)
        .expect("sealed");
    [head, &content].concat()
}

fn response(content_type: &str, body: Vec<u8>) -> Response {
    let length = body.len().to_string();
    let response = Response::new(200).with_header("Content-Type", content_type);
    Response { body, ..response.with_header("Content-Length", &length) }
}

/// A network that answers each request for a license with what `make` makes of its token, and takes every report.
fn net(mut make: impl FnMut(&Request, Token) -> Response + 'static) -> Net {
    let net = Net::new();
    *net.answer.borrow_mut() = Some(Box::new(move |request| match Token::of(&request.url) {
        Some(token) => make(request, token),
        None => Response::new(200).with_header("Content-Length", "0"),
    }));
    net
}

fn installed() -> Outcome {
    Outcome::Installed { state: State::Full, reported: true }
}

#[test]
fn a_sealed_document_is_opened_and_installed() {
    let net = net(|_, token| response(SEALED, seal(&document(&issuer(1), 1, token.nonce, None), &token)));
    let mut handset = Handset::new(&net, 2);
    assert_eq!(handset.live(), Some((Verdict::Allowed, State::Full)));
    assert_eq!(handset.log.outcomes, [installed()]);
}

#[test]
fn a_sealed_document_for_another_request_or_damaged_is_refused() {
    for bit in [0_usize, 8 * 20, 8 * 70, 8 * 90, usize::MAX] {
        let net = net(move |_, token| {
            let inner = document(&issuer(1), 1, token.nonce, None);
            let token = if bit == usize::MAX { Token { nonce: [9; 16], ..token } } else { token };
            let mut octets = seal(&inner, &token);
            if let Some(octet) = octets.get_mut(bit / 8) {
                *octet ^= 1;
            }
            response(SEALED, octets)
        });
        let mut handset = Handset::new(&net, 2);
        let unlicensed = handset.live().expect("power");
        assert_eq!(unlicensed.1, State::Unknown, "{bit}");
        let refused = handset.log.outcomes.first();
        assert!(
            matches!(refused, Some(Outcome::Refused(refusal)) if refusal.code == Code::Malformed),
            "{bit}: {refused:?}"
        );
    }
}

/// `{1: {1: host, 3: path}, 2: {1: nai}, 4: trust update, 5: {"n": n}}`, without what is not wanted.
fn configuration(endpoint: Option<(&str, &str)>, trust: Option<&[u8]>, n: u8) -> Vec<u8> {
    let mut out = [0; 512];
    let mut e = Encoder::new(&mut out);
    let mut write = || {
        e.map(2 + u64::from(endpoint.is_some()) + u64::from(trust.is_some()))?;
        if let Some((host, path)) = endpoint {
            e.unsigned(1)?.map(2)?.unsigned(1)?.text(host)?.unsigned(3)?.text(path)?;
        }
        e.unsigned(2)?.map(1)?.unsigned(1)?.text("user@service.example")?;
        if let Some(trust) = trust {
            e.unsigned(4)?.bytes(trust)?;
        }
        e.unsigned(5)?.map(1)?.text("n")?.unsigned(n.into())?;
        Ok::<_, kedge_protocol::wire::Error>(())
    };
    write().expect("room");
    e.finish().to_vec()
}

/// A trust update: `{1: [[key, roles, issuer]], 2: [key id]}`.
fn trust(add: u8, revoke: u8) -> Vec<u8> {
    let mut out = [0; 256];
    let mut e = Encoder::new(&mut out);
    let mut write = || {
        e.map(2)?.unsigned(1)?.array(1)?.array(3)?.bytes(issuer(add).public_key().as_ref())?;
        e.unsigned(7)?.text("prov.example")?.unsigned(2)?.array(1)?.bytes(&key_id(&issuer(revoke)))?;
        Ok::<_, kedge_protocol::wire::Error>(())
    };
    write().expect("room");
    e.finish().to_vec()
}

/// The number in the settings that the device keeps.
fn number(handset: &mut Handset) -> Option<i64> {
    handset.start(|agent, ports, _| {
        let mut room = [0; 1024];
        let kept = agent.license_configuration(&mut ports.flash, &mut room).expect("power")?;
        let mut number = None;
        let mut each = |part: Part<'_>| {
            if let Part::Setting("n", kedge_protocol::license::Value::Integer(n)) = part {
                number = Some(n);
            }
            Ok(())
        };
        kept.visit(&mut each).expect("a configuration");
        number
    })?
}

/// Asks once more, as the user.
fn ask_again(handset: &mut Handset) -> Option<Outcome> {
    handset.log.outcomes.clear();
    handset.start(|agent, ports, log| {
        agent.license_request(ports.clock.uptime(), Op::REFRESH);
        go(agent, ports, log)
    })?;
    handset.log.outcomes.first().copied()
}

#[test]
fn a_configuration_says_where_to_ask_and_whom_to_trust() {
    let mut seq = 0;
    let asked = std::rc::Rc::new(std::cell::RefCell::new(Vec::new()));
    let urls = asked.clone();
    let net = net(move |request, token| {
        seq += 1;
        urls.borrow_mut().push(request.url.split('?').next().unwrap_or_default().to_owned());
        let host = kedge_network::provisioning::PROVISIONING_HOST;
        // 1: elsewhere from now on; 2: key 5 instead of key 1; 3: signed by key 1, 4: by key 5, 5: to a host that is not ours
        let (pair, all) = match seq {
            1 => (issuer(1), configuration(Some((host, "/v2/entry")), None, 1)),
            2 => (issuer(1), configuration(Some((host, "/v2/entry")), Some(&trust(5, 1)), 2)),
            3 => (issuer(1), configuration(None, None, 3)),
            4 => (issuer(5), configuration(None, None, 4)),
            _ => (issuer(5), configuration(Some(("evil.example", "/")), None, 5)),
        };
        response(TYPE, document(&pair, seq, token.nonce, Some(&all)))
    });
    let mut handset = Handset::new(&net, 2);
    assert_eq!(handset.live(), Some((Verdict::Allowed, State::Full)));
    assert_eq!(number(&mut handset), Some(1));
    assert_eq!(ask_again(&mut handset), Some(installed()));
    assert!(asked.borrow()[1].ends_with("/v2/entry"), "{:?}", asked.borrow());
    assert_eq!(number(&mut handset), Some(2));

    // the document that is held was signed by the key that is trusted no longer: the device asks by itself
    let revoked = handset.live().expect("power");
    assert_eq!(
        revoked.1,
        State::Unknown,
        "a revoked key's document counts no longer, and its next one neither"
    );
    assert!(
        matches!(handset.log.outcomes.last(), Some(Outcome::Refused(refusal)) if refusal.code == Code::UnknownKey),
        "{:?}",
        handset.log.outcomes
    );
    assert_eq!(ask_again(&mut handset), Some(installed()), "the new key, also after a restart");
    assert_eq!(number(&mut handset), Some(4));
    let refused = ask_again(&mut handset);
    assert!(
        matches!(refused, Some(Outcome::Refused(refusal)) if (refusal.code, refusal.step) == (Code::BadConfig, 14)),
        "{refused:?}"
    );
    assert_eq!(
        handset.live().map(|(_, state)| state),
        Some(State::Full),
        "a failed refresh destroys nothing"
    );
    assert_eq!(number(&mut handset), Some(4));
}

#[test]
fn a_document_may_come_as_a_file_days_later() {
    let net = Net::new();
    net.down.borrow_mut().0 = true;
    let mut handset = Handset::new(&net, 2);
    let request = handset.start(|agent, ports, log| {
        let mut out = [0; TOKEN_MAX];
        let written = agent.license_export(&mut ports.context(log), Op::ACTIVATE, &mut out).expect("power");
        written.expect("a key").to_vec()
    });
    let token = Token::read(&request.expect("power")).expect("a request");
    let octets = document(&issuer(1), 1, token.nonce, Some(&configuration(None, None, 7)));
    handset.live().expect("a start in between");
    let mut open = |origin, body: &[u8]| {
        handset.start(|agent, ports, log| {
            let content = Content { media_type: TYPE, origin, body };
            let opened = agent.open(&mut ports.context(log), &content).expect("power");
            (opened, agent.verdict(ports.clock.uptime()).is_some_and(Verdict::permits))
        })
    };
    let mut turned = octets.clone();
    turned[200] ^= 1;
    let refused = open(Origin::File, &turned).expect("power");
    assert!(matches!(refused, (Err(Refusal::License(refusal)), false) if refusal.code == Code::BadSignature));
    assert_eq!(open(Origin::File, &octets), Some((Ok(()), true)));
    let again = open(Origin::Push, &octets).expect("power");
    assert!(matches!(again, (Err(Refusal::License(refusal)), true) if refusal.code == Code::StaleNonce));
    assert_eq!(number(&mut handset), Some(7));
}

/// License, settings and trust change together, wherever the power fails.
#[test]
fn no_cut_parts_a_license_from_its_configuration() {
    let life = |cut: Option<(u64, Cut)>| {
        let mut seq = 0;
        let net = net(move |_, token| {
            seq += 1;
            let all = configuration(None, Some(&trust(5, 6)), u8::try_from(seq).expect("small"));
            response(TYPE, document(&issuer(1), seq, token.nonce, Some(&all)))
        });
        let mut handset = Handset::new(&net, 2);
        handset.live().expect("the first one");
        if let Some((at, cut)) = cut {
            handset.ports.flash.cut_at(at, cut);
        }
        ask_again(&mut handset);
        handset
    };
    let operations = life(None).ports.flash.operations_since_power_on();
    let mut cases = 0;
    for at in 0..operations {
        for cut in [Cut::Before, Cut::After, Cut::Torn { seed: at }, Cut::TornAt { octet: 7, seed: at }] {
            let mut handset = life(Some((at, cut)));
            handset.ports.flash.clear_cuts();
            let number = number(&mut handset).expect("one or the other");
            let state = handset.start(|agent, ports, _| agent.license_status(ports.clock.uptime()));
            let held = state.flatten().expect("a license");
            assert_eq!(held.terms.serial.seq, u32::try_from(number).expect("small"), "{at} {cut:?}");
            assert!(held.verdict.permits() && (1..=3).contains(&number), "{at} {cut:?}");
            cases += 1;
        }
    }
    println!("{cases} cases with the power cut, 0 violations");
    assert!(cases > 50, "{cases}");
}

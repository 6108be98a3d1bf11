//! The vectors of section 15, made by an independent encoder, and each step of section 6.

use std::collections::BTreeSet;

use coset::iana::{Algorithm, EnumI64};
use coset::{CborSerializable, CoseSign1, RegisteredLabelWithPrivate, TaggedCborSerializable};
use kedge_protocol::license::accept::{Accepted, Situation, consumes_nonce};
use kedge_protocol::license::token::{Request, TOKEN_MAX};
use kedge_protocol::license::{
    Claims, Code, Configuration, Kind, Level, License, Op, Part, Reason, Refusal, Serial, State, TrustChange,
    Value, Verifier,
};

use super::support::{
    NONCE, NOW, Ring, TYPE, UEID, acceptance, document, key_id, policy, public, sign, situation, unhex,
    vector, vectors,
};

/// The handler of embedded documents that the vectors are made for.
fn known(configuration: &Configuration<'_>) -> bool {
    let mut all = true;
    let visited = configuration.visit(&mut |part| {
        if let Part::Embedded(embedded) = part {
            all &= embedded.media_type == "text/vnd.wap.connectivity-xml";
        }
        Ok(())
    });
    visited.is_ok() && all
}

fn accept(octets: &[u8], situation: &Situation<'_>) -> Result<(), Refusal> {
    acceptance(policy(), |a| a.accept(octets, Some(TYPE), situation, &mut |c| known(c)).map(drop))
}

#[test]
fn documents_of_another_encoder_are_accepted_or_refused_with_the_exact_code() {
    let vectors = vectors();
    assert!(vectors.len() > 60);
    let mut steps = BTreeSet::new();
    for (name, code, octets) in &vectors {
        let result = accept(octets, &situation());
        let found = result.map_or_else(|refusal| refusal.code.as_str(), |()| "ok");
        assert_eq!(found, code, "{name}: {result:?}");
        steps.extend(result.err().map(|refusal| refusal.step));
    }
    let all: BTreeSet<u8> = (1..=14).collect();
    assert_eq!(steps, all, "each step has a vector that it refuses");
}

#[test]
fn every_code_but_those_that_need_more_than_a_document_has_a_vector() {
    let seen: BTreeSet<String> = vectors().into_iter().map(|(_, code, _)| code).collect();
    let missing: Vec<&str> =
        Code::ALL.into_iter().map(Code::as_str).filter(|code| !seen.contains(*code)).collect();
    // the media type is the transport's, a downgrade needs a full license to start from, storage is the cache's
    assert_eq!(missing, ["wrong-type", "downgrade", "storage"]);
}

#[test]
fn the_first_vectors_are_those_of_the_specification() {
    let v1 = vector("trial-and-configuration");
    assert_eq!((v1.len(), vector("full").len()), (378, 302));
    let signed = [&b"\x84\x6ASignature1"[..], &v1[2..61], b"\x4Aprovlic-v1", &v1[62..v1.len() - 66]].concat();
    let digest = Ring.sha256(&signed);
    assert_eq!(digest[..], unhex("61b2f2883b2bb882814dee7a5cba57cdbbdc14de2bbb9542b731386a1d4d9367"));
}

#[test]
fn claims_are_what_the_document_says() {
    let octets = vector("everything");
    let claims = acceptance(policy(), |a| a.verify(&octets)).expect("accepted");
    assert_eq!((claims.issuer, claims.subject), ("prov.example", Some("acct-0042")));
    assert_eq!((claims.issued_at, claims.expires), (NOW, Some(NOW + 14 * 86_400)));
    assert_eq!((claims.nonce, claims.ueid), (Some(&NONCE), Some(&UEID[..])));
    let license = claims.license.expect("a license");
    let expected = License {
        state: State::Trial,
        serial: Serial::new(1, 7),
        refresh_at: Some(NOW + 86_400),
        grace: 600,
        any_service: false,
        features: 0b1_0010,
        usage_budget: Some(14 * 86_400),
        boot_budget: Some(280),
        reason: Some(Reason::FIRST_TRIAL),
    };
    assert_eq!(license, expected);
    let mut parts = Vec::new();
    let each = &mut |part: Part<'_>| {
        parts.push(format!("{part:?}"));
        Ok(())
    };
    claims.configuration.expect("a configuration").visit(each).expect("readable");
    assert_eq!(parts.len(), 8, "{parts:?}");
    assert!(parts[0].contains("activate.example") && parts[0].contains("/v1/entry"));
    assert!(parts[1].contains("with a secret") && !parts[1].contains("115"), "secrets are not shown");
    assert_eq!(parts[7], format!("{:?}", Part::Setting("e", Value::Integer(-7))));
}

#[test]
fn a_trust_update_names_keys() {
    let octets = vector("trust-update");
    let claims = acceptance(policy(), |a| a.verify(&octets)).expect("accepted");
    let mut changes = Vec::new();
    let configuration = claims.configuration.expect("a configuration");
    assert_eq!(configuration.covers(), (true, false));
    configuration
        .visit(&mut |part| {
            if let Part::Trust(update) = part {
                update.visit(&mut |change| changes.push(change))?;
            }
            Ok(())
        })
        .expect("readable");
    assert!(matches!(changes[0], TrustChange::Add { roles: 3, issuer: "prov.example", .. }));
    assert_eq!(changes[1], TrustChange::Revoke(&[0; 8]));
}

#[test]
fn the_media_type_must_be_named_whatever_its_case() {
    let v1 = vector("trial-and-configuration");
    let with = |media_type| {
        acceptance(policy(), |a| a.accept(&v1, media_type, &situation(), &mut |_| true).map(drop))
    };
    for good in [TYPE, "Application/VND.Example.Provisioning+CBOR; v=1"] {
        assert_eq!(with(Some(good)), Ok(()));
    }
    for bad in [None, Some(""), Some("text/html"), Some("application/vnd.other.provisioning+cbor")] {
        assert_eq!(with(bad).unwrap_err().code, Code::WrongType, "{bad:?}");
    }
}

#[test]
fn what_is_held_already_is_a_success_and_nothing_to_write() {
    let v1 = vector("trial-and-configuration");
    let floor = Serial::new(1, 7);
    let held = Situation { floor, held: Some((State::Trial, Ring.sha256(&v1))), ..situation() };
    let again = acceptance(policy(), |a| {
        matches!(a.accept(&v1, Some(TYPE), &held, &mut |_| true), Ok(Accepted::AlreadyInstalled(_)))
    });
    assert!(again);
    let other = Situation { held: Some((State::Trial, [1; 32])), ..held };
    assert_eq!(accept(&v1, &other).unwrap_err().code, Code::Replayed);
    let newer = Situation { floor: Serial::new(2, 0), ..held };
    assert_eq!(accept(&v1, &newer).unwrap_err().code, Code::Replayed);
}

#[test]
fn the_nonce_is_used_up_from_step_11_on() {
    for (name, code, octets) in vectors() {
        let used = acceptance(policy(), |a| {
            consumes_nonce(&a.accept(&octets, Some(TYPE), &situation(), &mut |c| known(c)))
        });
        let late = ["ok", "stale-nonce", "replayed", "bad-time", "bad-config"].contains(&code.as_str());
        assert_eq!(used, late, "{name}");
    }
    let v1 = vector("trial-and-configuration");
    assert_eq!(accept(&v1, &Situation { nonce: None, ..situation() }).unwrap_err().code, Code::StaleNonce);
}

#[test]
fn unasked_documents_need_an_authenticated_session_and_leave() {
    let octets = vector("no-nonce");
    let with = |allow_unsolicited, in_session| {
        let policy = kedge_protocol::license::accept::Policy { allow_unsolicited, ..policy() };
        let situation = Situation { in_session, ..situation() };
        acceptance(policy, |a| a.accept(&octets, Some(TYPE), &situation, &mut |_| true).is_ok())
    };
    assert_eq!(
        [with(false, false), with(true, false), with(false, true), with(true, true)],
        [false, false, false, true]
    );
}

#[test]
fn levels_bind_to_more_and_more() {
    let cases =
        [("no-identity", Level::Open), ("another-identity", Level::Open), ("no-key", Level::Identity)];
    for (name, highest) in cases {
        let octets = vector(name);
        for level in [Level::Open, Level::Identity, Level::Key, Level::Counter] {
            let policy = kedge_protocol::license::accept::Policy { level, ..policy() };
            let result = acceptance(policy, |a| a.verify(&octets).map(drop));
            assert_eq!(result.is_ok(), level <= highest, "{name} at {level}");
        }
    }
}

#[test]
fn the_deprecated_algorithm_needs_leave() {
    let octets = vector("deprecated-algorithm");
    let policy = kedge_protocol::license::accept::Policy { allow_eddsa: true, ..policy() };
    assert!(acceptance(policy, |a| a.verify(&octets).is_ok()));
}

/// The claims of a license of this state.
fn claims(state: State, reason: Option<Reason>) -> (License, [u8; 16], [u8; 32]) {
    let serial = Serial::new(1, 9);
    (License { state, serial, reason, usage_budget: Some(1000), ..License::EMPTY }, [7; 16], public(1))
}

fn made(parts: &(License, [u8; 16], [u8; 32])) -> Claims<'_> {
    Claims {
        issuer: "prov.example",
        subject: None,
        audience: "example-client",
        expires: None,
        not_before: None,
        issued_at: NOW,
        id: &parts.1,
        key: Some(&parts.2),
        nonce: Some(&NONCE),
        ueid: Some(&UEID),
        license: Some(parts.0),
        configuration: None,
    }
}

#[test]
fn the_only_way_down_is_a_refund_or_a_withdrawal() {
    let states = [State::Unknown, State::Trial, State::Full];
    let reasons = [None, Some(Reason::PAID), Some(Reason::REFUND), Some(Reason::WITHDRAWN)];
    for held in states {
        for state in states {
            for reason in reasons {
                let parts = claims(state, reason);
                let octets = document(&made(&parts), 0);
                let situation = Situation { held: Some((held, [0; 32])), ..situation() };
                let result = accept(&octets, &situation);
                let may = state >= held || matches!(reason, Some(Reason::REFUND | Reason::WITHDRAWN));
                assert_eq!(result.err().map(|refusal| refusal.code), (!may).then_some(Code::Downgrade));
            }
        }
    }
}

#[test]
fn a_trial_without_a_clock_needs_a_usage_budget() {
    let mut parts = claims(State::Trial, None);
    parts.0.usage_budget = None;
    let with_end = Claims { expires: Some(NOW + 1), ..made(&parts) };
    let octets = document(&with_end, 0);
    assert_eq!(accept(&octets, &situation()), Ok(()));
    let no_clock = Situation { has_clock: false, ..situation() };
    assert_eq!(accept(&octets, &no_clock).unwrap_err().code, Code::BadTime);
    assert_eq!(accept(&document(&made(&claims(State::Trial, None)), 0), &no_clock), Ok(()));
}

#[test]
fn a_configuration_alone_is_never_older_than_what_was_signed_before() {
    let octets = vector("configuration-alone");
    assert_eq!(accept(&octets, &Situation { auth_floor: NOW, ..situation() }), Ok(()));
    let late = Situation { auth_floor: NOW + 1, ..situation() };
    assert_eq!(accept(&octets, &late).unwrap_err().code, Code::Replayed);
}

#[test]
fn ours_are_read_back_and_verified_by_coset() {
    for (name, code, octets) in vectors().into_iter().filter(|(_, code, _)| code == "ok") {
        let claims = acceptance(policy(), |a| a.verify(&octets)).expect("accepted");
        let ours = document(
            &claims,
            if name.starts_with("configuration") || name.starts_with("trust") { 2 } else { 0 },
        );
        let read = acceptance(policy(), |a| a.verify(&ours).map(|read| read == claims));
        assert_eq!(read, Ok(true), "{name} {code}");
        let sign1 = CoseSign1::from_tagged_slice(&ours).expect("coset reads it");
        let header = &sign1.protected.header;
        assert_eq!(
            header.alg,
            Some(RegisteredLabelWithPrivate::Assigned(Algorithm::from_i64(-19).expect("Ed25519")))
        );
        assert_eq!(header.key_id.len(), 8);
        let key = if header.key_id == key_id(0) { public(0) } else { public(2) };
        let verified = sign1.verify_signature(b"provlic-v1", |signature, message| {
            let fits = Ring.verify(&key, &[message], signature.try_into().expect("64 octets"));
            if fits { Ok(()) } else { Err(()) }
        });
        assert_eq!(verified, Ok(()), "{name}");
        let set = coset::cwt::ClaimsSet::from_slice(&sign1.payload.expect("not detached"));
        assert_eq!(set.expect("coset reads the claims").issuer.as_deref(), Some("prov.example"));
    }
}

/// V3 of the specification, octet for octet.
#[test]
fn the_request_token_is_that_of_the_specification() {
    let request = Request {
        issued_at: NOW - 30,
        nonce: &NONCE,
        ueid: &UEID,
        uptime: 5400,
        boots: 42,
        op: Op::ACTIVATE,
        held: Serial::NONE,
        state: State::Unknown,
        model: "ExampleModel",
        version: "1.4.2",
        capabilities: 1,
        account: None,
        ephemeral: None,
        floor: None,
    };
    let mut room = [0; TOKEN_MAX];
    let token = request.emit("example", &key_id(1), |message| sign(1, message), &mut room).expect("room");
    assert_eq!(token, unhex(V3));
    let account = Some("x".repeat(64));
    let most = Request {
        issued_at: u64::MAX,
        ueid: &[3; 33],
        uptime: u64::MAX,
        boots: u32::MAX,
        held: Serial::new(u16::MAX, u32::MAX),
        model: account.as_deref().expect("text"),
        version: account.as_deref().expect("text"),
        capabilities: u32::MAX,
        account: account.as_deref(),
        ephemeral: Some(&[1; 32]),
        floor: Some(Serial::new(u16::MAX, u32::MAX)),
        ..request
    };
    assert!(most.emit(&"v".repeat(32), &key_id(1), |message| sign(1, message), &mut room).is_ok());
    let mut small = [0; 200];
    assert!(request.emit("example", &key_id(1), |message| sign(1, message), &mut small).is_err());
    assert!(Kind::Request.name(&"v".repeat(64)).is_none());
}

const V3: &str = concat!(
    "d2845834a30132044839f713d0a644253f1078246170706c69636174696f6e2f766e642e6578616d706c652e70726f76",
    "7265712b63626f72a0585ca6061a70dbd8620a50101112131415161718191a1b1c1d1e1f1901004f0303050609030800",
    "0305060403080019010519151819010b182a3a00011172a60101028200000300046c4578616d706c654d6f64656c0565",
    "312e342e3206015840fa1739610ca936d29f7f83ec06459f321bc8b50c800395e736d5b30d78e2edcdfab4d021f52b19",
    "ff269390bc74adbf7d13f5f7acf90ff1eb13b8899673b8450c",
);

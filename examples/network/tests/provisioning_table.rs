//! The table of section 9 of the license specification, row by row, and what goes with it: each case is a device that asks
//! over the server's entry, with a signed token, and the answer that it gets.

mod desk;

use desk::{Answer, DAY, Desk, START};
use kedge_network::provisioning::{Policy, Settings};

const ACTIVATE: u64 = 1;
const MY_ACCOUNT: u64 = 2;
const REFRESH: u64 = 3;
const RELEASE: u64 = 4;

/// State, reason, end.
fn issued(state: u64, reason: u64, end: Option<u64>) -> Answer {
    Answer::Document { state, reason, end }
}

#[test]
fn row_1_a_new_device_and_a_new_account_get_a_trial() {
    let mut desk = Desk::new(Policy::default());
    let mut a = desk.device(1);
    let code = match desk.ask(&mut a, ACTIVATE) {
        Answer::Action { page, code } => {
            assert_eq!(page, "activate");
            code
        }
        other => panic!("{other:?}"),
    };
    assert_eq!(desk.poll(&mut a, &code), Answer::Http(202), "the user has not acted");
    assert!(desk.server.sign_up(&code, "alice", START));
    assert_eq!(desk.poll(&mut a, &code), issued(1, 1, Some(START + 14 * DAY)));
    assert_eq!(desk.poll(&mut a, &code), Answer::Http(410), "only once");
}

#[test]
fn row_2_the_same_device_and_account_get_the_same_end() {
    let mut desk = Desk::new(Policy::default());
    let mut a = desk.activated(1, "alice");
    desk.wait(3);
    a.forget();
    assert_eq!(desk.ask(&mut a, ACTIVATE), issued(1, 3, Some(START + 14 * DAY)));
    assert!(a.issued > (1, 1), "a greater serial");
}

#[test]
fn row_3_behind_the_trial_comes_the_payment() {
    let mut desk = Desk::new(Policy::default());
    let mut a = desk.activated(1, "alice");
    desk.wait(14);
    let Answer::Action { page, code } = desk.ask(&mut a, REFRESH) else { panic!("no action") };
    assert_eq!(page, "pay");
    assert!(desk.server.pay(&code, desk.now));
    assert_eq!(desk.poll(&mut a, &code), issued(2, 2, None));
    assert_eq!(desk.ask(&mut a, REFRESH), issued(2, 5, None), "and then it is renewed");
}

#[test]
fn row_4_no_second_trial_under_another_name() {
    let mut desk = Desk::new(Policy::default());
    let mut a = desk.activated(1, "alice");
    assert_eq!(desk.ask(&mut a, RELEASE), issued(0, 7, None));
    assert_eq!(desk.ask_as(&mut a, ACTIVATE, "mallory"), Answer::Problem(1));
    // an account that has paid is welcome on any device
    desk.server.account("bob").paid = true;
    assert_eq!(desk.ask_as(&mut a, ACTIVATE, "bob"), issued(2, 2, None));
}

#[test]
fn row_5_a_paid_license_moves_and_the_old_device_keeps_its_own() {
    for (lease, expected) in [(None, issued(2, 5, None)), (Some((90, 60, 7)), Answer::Problem(2))] {
        let mut desk = Desk::new(Policy { lease, ..Policy::default() });
        desk.server.account("alice").paid = true;
        let (mut a, mut b) = (desk.activated(1, "alice"), desk.device(2));
        let end = lease.map(|_| START + 90 * DAY);
        assert_eq!(desk.ask_as(&mut b, ACTIVATE, "alice"), issued(2, 4, end));
        assert_eq!(desk.server.account("alice").moves, [START]);
        assert_eq!(desk.server.account("alice").device, Some(b.ueid.clone()));
        assert_eq!(desk.ask(&mut a, REFRESH), expected, "lease {lease:?}");
    }
}

#[test]
fn row_6_moves_are_counted_over_a_year() {
    let mut desk = Desk::new(Policy::default());
    desk.server.account("alice").paid = true;
    let (mut a, mut b) = (desk.activated(1, "alice"), desk.device(2));
    assert_eq!(desk.ask_as(&mut b, ACTIVATE, "alice"), issued(2, 4, None));
    assert_eq!(desk.ask(&mut a, ACTIVATE), issued(2, 4, None));
    assert_eq!(desk.ask(&mut b, ACTIVATE), issued(2, 4, None));
    assert_eq!(desk.ask(&mut a, ACTIVATE), Answer::Problem(3), "the fourth");
    assert_eq!(desk.server.account("alice").device, Some(b.ueid.clone()), "no change");
    desk.wait(365);
    assert_eq!(desk.ask(&mut a, ACTIVATE), issued(2, 4, None), "a year later");
}

#[test]
fn row_7_a_running_trial_moves_with_its_end() {
    let mut desk = Desk::new(Policy::default());
    let (_a, mut b) = (desk.activated(1, "alice"), desk.device(2));
    desk.wait(5);
    assert_eq!(desk.ask_as(&mut b, ACTIVATE, "alice"), issued(1, 4, Some(START + 14 * DAY)));
}

#[test]
fn row_8_an_older_license_is_let_through_once() {
    let mut desk = Desk::new(Policy::default());
    let mut a = desk.activated(1, "alice");
    let copy = a.clone();
    assert_eq!(desk.ask(&mut a, REFRESH), issued(1, 5, Some(START + 14 * DAY)));
    let mut restored = copy.clone();
    assert_eq!(desk.ask(&mut restored, REFRESH), issued(1, 5, Some(START + 14 * DAY)), "once");
    let mut restored = copy;
    assert_eq!(desk.ask(&mut restored, REFRESH), Answer::Problem(5), "and not again");
    assert_eq!(desk.server.device(&a.ueid).map(|device| device.suspicions), Some(2));
}

#[test]
fn row_8_boot_counts_do_not_go_back() {
    let mut desk = Desk::new(Policy::default());
    let mut a = desk.activated(1, "alice");
    a.boots = 40;
    assert!(matches!(desk.ask(&mut a, REFRESH), Answer::Document { .. }));
    for (boots, expected) in [(39, 1), (41, 1), (40, 2)] {
        a.boots = boots;
        desk.ask(&mut a, REFRESH);
        assert_eq!(desk.server.device(&a.ueid).map(|device| device.suspicions), Some(expected), "{boots}");
    }
}

#[test]
fn row_8_lost_storage_is_no_crime_but_for_the_eleventh_time() {
    let mut desk = Desk::new(Policy::default());
    let mut a = desk.activated(1, "alice");
    for _ in 0..10 {
        a.forget();
        assert_eq!(desk.ask(&mut a, ACTIVATE), issued(1, 3, Some(START + 14 * DAY)));
        a.boots += 1;
        assert_eq!(desk.ask(&mut a, REFRESH), issued(1, 5, Some(START + 14 * DAY)), "boots began anew");
    }
    a.forget();
    assert_eq!(desk.ask(&mut a, ACTIVATE), Answer::Problem(5));
}

#[test]
fn row_9_blocked_gets_nothing_and_withdrawn_loses_it() {
    let mut desk = Desk::new(Policy::default());
    desk.server.account("alice").paid = true;
    let mut a = desk.activated(1, "alice");
    desk.server.account("alice").blocked = true;
    assert_eq!(desk.ask(&mut a, REFRESH), Answer::Problem(5));
    desk.server.account("alice").withdrawn = true;
    assert_eq!(desk.ask(&mut a, REFRESH), issued(0, 7, None));
    let account = desk.server.account("alice");
    (account.blocked, account.withdrawn) = (false, false);
    assert_eq!(desk.ask(&mut a, ACTIVATE), issued(2, 3, None), "restored");
}

#[test]
fn row_10_a_lost_memory_begins_a_new_epoch() {
    let mut desk = Desk::new(Policy::default());
    let mut a = desk.activated(1, "alice");
    desk.server.lose_serials();
    assert_eq!(desk.ask(&mut a, REFRESH), issued(1, 5, Some(START + 14 * DAY)));
    assert_eq!(a.issued, (2, 1), "above every serial before");
}

#[test]
fn money_given_back_takes_the_license_back() {
    let mut desk = Desk::new(Policy::default());
    desk.server.account("alice").paid = true;
    let mut a = desk.activated(1, "alice");
    let account = desk.server.account("alice");
    (account.paid, account.refunded) = (false, true);
    assert_eq!(desk.ask(&mut a, REFRESH), issued(0, 6, None));
    assert!(matches!(desk.ask(&mut a, ACTIVATE), Answer::Action { page, .. } if page == "pay"));
}

#[test]
fn devices_that_must_not_or_cannot_are_told_so() {
    let policy = || Policy { trial_level: 2, oldest_client: Some("1.4"), ..Policy::default() };
    let mut desk = Desk::new(policy());
    let mut a = desk.device(1);
    a.version = "1.3.9".into();
    assert_eq!(desk.ask(&mut a, ACTIVATE), Answer::Problem(9));
    a.version = "1.10".into();
    a.capabilities = 1 | 1 << 8;
    assert_eq!(desk.ask_as(&mut a, ACTIVATE, "alice"), Answer::Problem(10));
    // nobody to show a code to
    a.capabilities = 2 << 8;
    assert_eq!(desk.ask(&mut a, ACTIVATE), Answer::Problem(2));
    desk.server.account("bob").trial_end = Some(START);
    a.capabilities |= 1;
    assert!(matches!(desk.ask_as(&mut a, ACTIVATE, "bob"), Answer::Action { page, .. } if page == "pay"));
}

#[test]
fn bad_tokens_and_a_busy_server() {
    let mut desk = Desk::new(Policy::default());
    let mut stranger = desk.stranger(9);
    assert_eq!(desk.ask(&mut stranger, ACTIVATE), Answer::Problem(8), "a key that no factory registered");
    assert_eq!(desk.get("/v1/entry?v=1&op=1&t=AAAA"), Answer::Problem(8));
    assert_eq!(desk.get("/v1/entry?v=1&op=1"), Answer::Problem(8));
    let mut a = desk.device(1);
    desk.server.set_busy(true);
    assert_eq!(desk.ask(&mut a, ACTIVATE), Answer::Later(30));
    desk.server.set_busy(false);
    assert!(matches!(desk.ask(&mut a, ACTIVATE), Answer::Action { .. }));
}

#[test]
fn plain_parameters_are_answered_without_a_device_key() {
    let mut desk = Desk::new(Policy::default());
    let query = "/v1/entry?v=1&op=1&d=AwMFBgkDCAADBQYEAwgA&n=EBESExQVFhcYGRobHB0eHw&s=0&q=0.0&m=Plain&c=1";
    let Answer::Action { code, .. } = desk.get(query) else { panic!("no action") };
    assert!(desk.server.sign_up(&code, "alice", START));
    assert_eq!(desk.get(&format!("/v1/poll?c={code}")), issued(1, 1, Some(START + 14 * DAY)));
    for bad in ["d=AwMF", "n=EBES", "q=0", "op=x"] {
        let (name, _) = bad.split_once('=').unwrap();
        let changed: Vec<_> = query
            .split('&')
            .map(|pair| if pair.split_once('=').is_some_and(|(key, _)| key == name) { bad } else { pair })
            .collect();
        let changed = changed.join("&");
        assert_eq!(desk.get(&changed), Answer::Problem(8), "{bad}");
    }
}

#[test]
fn my_account_is_shown_before_anything_is_issued() {
    let mut desk = Desk::new(Policy::default());
    let mut a = desk.activated(1, "alice");
    let Answer::Action { page, code } = desk.ask(&mut a, MY_ACCOUNT) else { panic!("no action") };
    assert_eq!(page, "account");
    assert!(desk.server.done(&code, START));
    assert_eq!(desk.poll(&mut a, &code), issued(1, 5, Some(START + 14 * DAY)));
}

#[test]
fn a_document_of_another_protocol_goes_first_and_once() {
    let mut desk = Desk::new(Policy::default());
    let mut a = desk.activated(1, "alice");
    let media_type = "application/vnd.wap.connectivity-wbxml".to_owned();
    desk.server.send_settings(&a.ueid, Settings { media_type: media_type.clone(), body: vec![1, 2, 3] });
    assert_eq!(desk.ask(&mut a, REFRESH), Answer::Other(media_type, vec![1, 2, 3]));
    assert_eq!(desk.ask(&mut a, REFRESH), issued(1, 5, Some(START + 14 * DAY)));
}

#[test]
fn reports_are_taken_again_and_strange_ones_are_not() {
    let mut desk = Desk::new(Policy::default());
    let mut a = desk.device(1);
    let Answer::Action { code, .. } = desk.ask(&mut a, ACTIVATE) else { panic!("no action") };
    desk.server.sign_up(&code, "alice", START);
    assert!(matches!(desk.poll_unreported(&mut a, &code), Answer::Document { .. }));
    assert_eq!(desk.server.reports(), (vec![], 1));
    assert_eq!((desk.report(&a), desk.report(&a)), (200, 200));
    assert_eq!(desk.server.reports(), (vec![2], 1));
    a.id = vec![9; 16];
    assert_eq!(desk.report(&a), 400);
}

#[test]
fn a_sealed_document_is_opened_by_the_requests_key() {
    use coset::cbor::value::Value;
    use coset::{CoseEncrypt0, CoseSign1, TaggedCborSerializable as _};
    use ring::aead::{Aad, CHACHA20_POLY1305, LessSafeKey, Nonce, UnboundKey};
    use ring::agreement::{EphemeralPrivateKey, UnparsedPublicKey, X25519, agree_ephemeral};
    use ring::hkdf::{HKDF_SHA256, Salt};

    let mut desk = Desk::new(Policy::default());
    let mut a = desk.activated(1, "alice");
    let private = EphemeralPrivateKey::generate(&X25519, &ring::rand::SystemRandom::new()).unwrap();
    a.ephemeral = Some(private.compute_public_key().unwrap().as_ref().to_vec());
    assert!(matches!(desk.ask(&mut a, REFRESH), Answer::Document { .. }), "not without the capability");
    a.capabilities |= 4;
    let Answer::Other(media_type, octets) = desk.ask(&mut a, REFRESH) else { panic!("not sealed") };
    assert_eq!(media_type, "application/vnd.example.sealed+cbor");
    let sealed = CoseEncrypt0::from_tagged_slice(&octets).unwrap();
    let header = &sealed.protected.header;
    let named = header.rest[0].1.as_map().unwrap();
    let server = named.iter().find(|(label, _)| *label == Value::from(-2)).unwrap().1.as_bytes().unwrap();
    let iv: [u8; 12] = header.iv.as_slice().try_into().unwrap();
    let opened = agree_ephemeral(private, &UnparsedPublicKey::new(&X25519, server), |shared| {
        let secret = Salt::new(HKDF_SHA256, &[7; 16]).extract(shared);
        let okm = secret.expand(&[b"provlic-v1 sealed"], &CHACHA20_POLY1305).unwrap();
        let key = LessSafeKey::new(UnboundKey::from(okm));
        sealed.decrypt_ciphertext(
            b"provlic-v1",
            || ring::error::Unspecified,
            |ciphertext, associated| {
                let mut octets = ciphertext.to_vec();
                let len = key
                    .open_in_place(Nonce::assume_unique_for_key(iv), Aad::from(associated), &mut octets)?
                    .len();
                octets.truncate(len);
                Ok::<_, ring::error::Unspecified>(octets)
            },
        )
    });
    let document = opened.unwrap().unwrap();
    assert!(CoseSign1::from_tagged_slice(&document).is_ok(), "signed, then sealed");
    a.ephemeral = Some(vec![1; 31]);
    assert_eq!(desk.ask(&mut a, REFRESH), Answer::Problem(8), "no key");
}

#[test]
fn tickets_end() {
    let mut desk = Desk::new(Policy::default());
    let mut a = desk.device(1);
    let Answer::Action { code, .. } = desk.ask(&mut a, ACTIVATE) else { panic!("no action") };
    desk.now += 900;
    assert!(!desk.server.sign_up(&code, "alice", desk.now));
    assert_eq!(desk.poll(&mut a, &code), Answer::Http(410));
}

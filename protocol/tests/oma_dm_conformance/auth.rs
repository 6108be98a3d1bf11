//! Credentials in both directions.

use crate::desk::*;
use kedge_protocol::dm::auth::{MAC, MD5, MacHeader, Nonce, Scheme, Secret};
use kedge_protocol::dm::session::End;
use kedge_protocol::wap::Coding;

fn cred_of(raw: &[u8]) -> Option<(String, String)> {
    with_header(Coding::Xml, raw, |header| {
        let cred = header.cred?;
        Some((cred.scheme.to_string(), cred.data.text()?.to_string()))
    })
}

fn authenticating() -> Desk {
    Desk::new().with(|desk| desk.client = Some(CLIENT))
}

/// The values of the specification and of the corpus (`auth-vectors.json`).
#[test]
fn dm_15_digests_are_those_of_the_specification() {
    let crypto = &mut TestCrypto(0);
    assert_eq!(CLIENT.md5(b"Nonce", crypto).as_str(), "Zz6EivR3yeaaENcRN6lpAQ==");
    assert_eq!(CLIENT.md5(b"", crypto).as_str(), "lEf25jyjHbCcTbj4p/1pUw==");
    assert_eq!(CLIENT.mac(b"Nonce", b"<SyncML/>", crypto).as_str(), "urdCeS3JUmjFgi8SX3webw==");
    assert_eq!(CLIENT.basic(&mut [0; 64]).unwrap(), "QnJ1Y2UyOk9oQmVoYXZl");
    let guest =
        kedge_protocol::dm::auth::Credentials { name: "guest", secret: Secret::new(b"guestpassword") };
    assert_eq!(guest.md5(&[0; 4], crypto).as_str(), "usEZhe+LM+mRpU8BJyyBsQ==");
    let trigger = [&[0x02, 0xD0, 0, 0, 0, 0x12, 0x34, 0x12][..], b"com.mgmtsrv.manage"].concat();
    let server =
        kedge_protocol::dm::auth::Credentials { name: "com.mgmtsrv.manage", secret: Secret::new(b"srvpwd") };
    let digest = server.keyed(b"Nonce", &trigger, crypto);
    assert_eq!(digest[..4], [0x10, 0x36, 0x9E, 0x83]);
}

#[test]
fn dm_15_a_challenge_is_answered_with_package_1_again() {
    for code in [401, 407] {
        let talk = authenticating()
            .step(Step::Say(challenge(code, MD5, "Tm9uY2U=") + "<Final/>"))
            .say(&replace(1, "./Lamp/Colour", "red"))
            .end()
            .talk();
        assert_eq!(cred_of(&talk.raw[0]), None);
        assert_eq!(cred_of(&talk.raw[1]), Some((MD5.into(), "Zz6EivR3yeaaENcRN6lpAQ==".into())));
        assert!(talk.sent[1].contains("1201") && talk.sent[1].contains("./DevInfo/Man"));
        assert!(talk.sent[1].starts_with("  Status 1 of 1.0 SyncHdr: 200"));
        // 212: none any more.
        assert_eq!(cred_of(&talk.raw[2]), None);
        assert_eq!((talk.outcome.end, talk.outcome.scheme), (End::Done, Some(Scheme::Md5)));
    }
}

#[test]
fn dm_15_a_stale_nonce_is_forgiven_once_more_and_then_no_longer() {
    let refuse = |nonce: &str| Step::Say(challenge(401, MD5, nonce) + "<Final/>");
    let desk = || authenticating().with(|desk| desk.scheme = Some(Scheme::Md5));
    let talk = desk().step(refuse("Tm9uY2U=")).end().talk();
    assert_eq!(cred_of(&talk.raw[0]).unwrap().1, "lEf25jyjHbCcTbj4p/1pUw==");
    assert_eq!(cred_of(&talk.raw[1]).unwrap().1, "Zz6EivR3yeaaENcRN6lpAQ==");
    assert_eq!(talk.outcome.end, End::Done);
    let talk = desk().step(refuse("Tm9uY2U=")).step(refuse("AAAA")).step(refuse("AAAB")).talk();
    assert_eq!((talk.sent.len(), talk.outcome.end), (3, End::NotAuthenticated));
}

#[test]
fn dm_15_a_challenge_that_cannot_be_met_ends_the_session() {
    let chal = |scheme| Step::Say(challenge(407, scheme, "AAAA") + "<Final/>");
    assert_eq!(Desk::new().step(chal(MD5)).talk().outcome.end, End::NotAuthenticated);
    assert_eq!(authenticating().step(chal("syncml:auth-securid")).talk().outcome.end, End::NotAuthenticated);
    let bare = Step::Say(header_status(407) + "<Final/>");
    assert_eq!(authenticating().step(bare).talk().outcome.end, End::NotAuthenticated);
}

#[test]
fn dm_15_nonces_for_the_next_session_are_handed_out() {
    let accept = challenge(212, MD5, "Tm9uY2U=") + "<Final/>";
    let talk = authenticating().with(|desk| desk.scheme = Some(Scheme::Md5)).step(Step::Say(accept)).talk();
    assert_eq!(talk.outcome.client_nonce.octets(), b"Nonce");
}

#[test]
fn dm_15_200_wants_credentials_in_every_message() {
    let accept = challenge(200, MD5, "Tm9uY2U=") + &command("Get", 4, ".", "") + "<Final/>";
    let talk =
        authenticating().with(|desk| desk.scheme = Some(Scheme::Md5)).step(Step::Say(accept)).end().talk();
    assert_eq!(cred_of(&talk.raw[1]).unwrap().1, "Zz6EivR3yeaaENcRN6lpAQ==");
}

#[test]
fn dm_16_basic_is_shown_when_asked_for() {
    let talk =
        authenticating().step(Step::Say(challenge(407, "syncml:auth-basic", "") + "<Final/>")).end().talk();
    assert_eq!(cred_of(&talk.raw[1]).unwrap(), ("syncml:auth-basic".into(), "QnJ1Y2UyOk9oQmVoYXZl".into()));
}

#[test]
fn dm_17_the_mac_goes_with_every_message_and_its_nonces() {
    let accept = challenge(200, MAC, "AAAAAA==") + &command("Get", 4, ".", "") + "<Final/>";
    let talk = authenticating()
        .step(Step::Say(challenge(407, MAC, "Tm9uY2U=") + "<Final/>"))
        .step(Step::Say(accept))
        .end()
        .talk();
    let crypto = &mut TestCrypto(0);
    assert_eq!(talk.macs[0], None);
    for (i, nonce) in [(1, &b"Nonce"[..]), (2, &[0; 4])] {
        let mac = CLIENT.mac(nonce, &talk.raw[i], crypto).as_str().to_string();
        assert_eq!((talk.macs[i].clone(), cred_of(&talk.raw[i])), (Some(("Bruce2".into(), mac)), None));
    }
}

#[test]
fn dm_17_the_header_is_taken_apart_leniently() {
    let parse = |text| MacHeader::parse(text).map(|header| (header.username, header.mac));
    let expected = Some(("Bruce2", "urdCeS3JUmjFgi8SX3webw=="));
    for text in [
        "algorithm=MD5, username=\"Bruce2\", mac=urdCeS3JUmjFgi8SX3webw==",
        "username=\"Bruce2\",mac=urdCeS3JUmjFgi8SX3webw==,new=1",
        "mac=\"urdCeS3JUmjFgi8SX3webw==\", username=Bruce2 , algorithm=md5",
    ] {
        assert_eq!(parse(text), expected, "{text}");
    }
    for text in ["", "username=\"a\"", "mac=x", "algorithm=SHA1, username=a, mac=x"] {
        assert_eq!(parse(text), None, "{text}");
    }
}

/// A server message with credentials in its header.
fn shown_by(server_cred: &str, commands: &str) -> Step {
    Step::Say(format!("{server_cred}|||{}{commands}<Final/>", header_status(212)))
}

fn md5_cred(nonce: &[u8]) -> String {
    let digest = SERVER.md5(nonce, &mut TestCrypto(0));
    format!(
        "<Cred><Meta><Format>b64</Format><Type>{MD5}</Type></Meta><Data>{}</Data></Cred>",
        digest.as_str()
    )
}

fn guarded() -> Desk {
    Desk::new().with(|desk| {
        desk.server = Some(SERVER);
        desk.server_nonce = Nonce::new(b"Nonce").unwrap();
    })
}

#[test]
fn dm_18_nothing_is_executed_for_a_server_that_did_not_show_itself() {
    let commands = replace(4, "./Lamp/Colour", "red") + &command("Get", 5, ".", "");
    // Missing: challenged, then it shows the right thing.
    let talk = guarded().say(&commands).step(shown_by(&md5_cred(&[0x41; 16]), &commands)).end().talk();
    assert!(
        talk.sent[1]
            .starts_with("  Status 1 of 1.0 SyncHdr: 407 missing credentials challenge syncml:auth-md5")
    );
    assert_eq!(codes(&talk.sent[1]), ["Replace 407", "Get 407"]);
    assert!(!talk.sent[1].contains("Results"));
    assert!(talk.sent[2].contains("SyncHdr: 212") && talk.sent[2].contains("challenge syncml:auth-md5"));
    assert_eq!(codes(&talk.sent[2]), ["Replace 200", "Get 200"]);
    assert_eq!(talk.outcome.server_nonce.octets(), [0x42; 16]);
    // Wrong, again and again.
    let wrong = || shown_by(&md5_cred(b"other"), &commands);
    let talk = guarded().step(wrong()).step(wrong()).step(wrong()).step(wrong()).talk();
    assert!(talk.sent[1].contains("SyncHdr: 401"));
    assert_eq!((talk.sent.len(), talk.outcome.end), (3, End::ServerNotAuthenticated));
    assert_eq!(stored(&talk.memory, "Lamp/Colour"), None);
    // No commands, no credentials, no challenge: not challenged back.
    let talk = guarded().end().talk();
    assert_eq!((talk.sent.len(), talk.outcome.end), (1, End::ServerNotAuthenticated));
}

#[test]
fn dm_15_a_server_that_shows_itself_is_authenticated_for_the_session() {
    let commands = replace(4, "./Lamp/Colour", "red");
    let talk = guarded().step(shown_by(&md5_cred(b"Nonce"), &commands)).say(&commands).end().talk();
    assert!(talk.sent[1].contains("SyncHdr: 212") && talk.sent[2].contains("SyncHdr: 200"));
    assert_eq!(talk.outcome.end, End::Done);
}

#[test]
fn dm_16_a_server_may_show_itself_by_basic_where_the_account_says_so() {
    let cred = "<Cred><Meta><Type>syncml:auth-basic</Type></Meta><Data>c3J2OnNydnB3ZA==</Data></Cred>";
    let desk = guarded().with(|desk| desk.server_scheme = Scheme::Basic);
    let talk = desk.step(shown_by(cred, &command("Get", 4, ".", ""))).end().talk();
    assert!(talk.sent[1].contains("SyncHdr: 212"));
    // Where digests are wanted it is not enough.
    let talk = guarded().step(shown_by(cred, &command("Get", 4, ".", ""))).step(Step::Http(0)).talk();
    assert!(talk.sent[1].contains("SyncHdr: 401"));
}

#[test]
fn dm_17_a_server_without_its_mac_is_challenged() {
    let desk = guarded().with(|desk| {
        desk.server_scheme = Scheme::Mac;
        desk.mac = Some("username=\"srv\", mac=AAAAAAAAAAAAAAAAAAAAAA==".into());
    });
    let talk = desk.say(&command("Get", 4, ".", "")).step(Step::Http(0)).talk();
    assert!(talk.sent[1].contains("SyncHdr: 401 invalid credentials challenge syncml:auth-MAC"));
    assert_eq!(codes(&talk.sent[1]), ["Get 401"]);
}

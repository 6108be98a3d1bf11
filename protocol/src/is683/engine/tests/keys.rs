//! The A-key exchange, with numbers that another implementation of the arithmetic made.
use super::*;

/// A prime of 512 bits.
const P: &str = "96b6c2b3ba93bbd9af0a6240bdc0a397df3a4dfe3c85be69123b80f66c1b09c7fc31415464fe8a21d464d1373d92c20cd079\
    be09cef27c817ec2ce9772444715";
/// A base of 160 bits.
const G: &str = "297373ad8cebefdc9f7648df22c5316809ffa1ae";
/// The phone's private number.
const PRIVATE: &str = "564932b1961477838081072cfd70d990dde897966719e6e9a66ad1583ab97fd2c6d68d566d70d3d57eb3e8169c9c3f22f52b\
    e0eb2e3107c436b6c2818dccf5e0";
/// G to the power of [`PRIVATE`].
const MS_RESULT: &str = "0024c12fe1b9479540106be074567e7844a188392e1c037aff9249a98f6fdf2507b35f32244881cb16829a3e5ad45be7d039\
    d027cc4a626f091f1be212a00982";
/// What the network made of its private number.
const BS_RESULT: &str = "3d084a3af59af200110c097c09543edeb94abe27ab42cfebb9878a47446fe02c98a2b747b0c98805cc97324a237959895066\
    5bd5ef9cf549ec09c3bdc5c970b1";
/// What both make then.
const SHARED: &str = "71cb7a150810911e087644f03b6e75b1f3572d52f1ea24eb24bb5258453842fb9baf4fe5e6510959b7797730cf7a28299e66\
    c8ce4e317cf32cddf1a822dd59c8";

fn number(hex: &str) -> Number {
    let octets = unhex(hex);
    let mut number = [0; NUMBER];
    number[NUMBER - octets.len()..].copy_from_slice(&octets);
    number
}

/// Knows the two powers of this exchange, and no others.
pub(super) fn power(base: &Number, exponent: &Number, modulus: &Number) -> Option<Number> {
    let known = [(G, MS_RESULT), (BS_RESULT, SHARED)];
    let asked = *exponent == number(PRIVATE) && *modulus == number(P);
    known.iter().find(|(b, _)| asked && number(b) == *base).map(|(_, result)| number(result))
}

fn session() -> Session {
    let mut phone = Handset::new();
    (phone.key_exchange, phone.random) = (true, unhex(PRIVATE));
    Session::new(phone)
}

fn ms_key(p_rev: u8, p: &str, g: &str) -> String {
    format!("02{p_rev:02x}{:02x}{p}{:02x}{g}", p.len() / 2, g.len() / 2)
}

fn key_generation(result: &str) -> String {
    format!("03{:02x}{result}", result.len() / 2)
}

#[test]
fn a_key_is_agreed_on_and_committed() {
    let mut session = session();
    let answer = format!("030040{MS_RESULT}");
    session.expect(&[(&key_generation(BS_RESULT), "030600"), (&ms_key(2, P, G), "0200")]);
    assert!(!session.engine.progress().a_key_staged);
    session.expect(&[(&key_generation(BS_RESULT), &answer)]);
    assert!(session.engine.progress().a_key_staged && session.phone.a_key.is_none());
    // Repeats: of the whole exchange, with another private number to be had, and of the commit.
    session.phone.random = unhex(MS_RESULT);
    session.expect(&[(&ms_key(2, P, G), "0200"), (&key_generation(BS_RESULT), &answer), ("05", "0500")]);
    assert_eq!(session.phone.a_key.as_deref(), Some(&SHARED[112..]));
    session.expect(&[("05", "0500"), (&key_generation(BS_RESULT), "030600")]);
    assert_eq!(session.phone.commits, 1);
    assert!(session.send("06").starts_with("0601022a0700020102"), "A_KEY_P_REV 2 is advertised");
}

#[test]
fn numbers_that_give_the_key_away_are_refused() {
    let mut session = session();
    let (even, short) = (format!("{}00", &P[..126]), &P[2..]);
    let long = format!("01{P}");
    let last = u8::from_str_radix(&P[126..], 16).unwrap();
    let highest = format!("{}{:02x}", &P[..126], last - 1);
    for (p, g, result) in [
        (even.as_str(), G, "0204"),
        (short, G, "0204"),
        (&long, G, "0202"),
        (P, "", "0204"),
        (P, "01", "0204"),
        (P, &highest, "0204"),
        (P, P, "0204"),
    ] {
        assert_eq!(session.send(&ms_key(2, p, g)), result, "P {p}, G {g}");
    }
    session.expect(&[(&ms_key(2, P, G), "0200")]);
    for (theirs, result) in
        [("", "04"), ("00", "04"), ("01", "04"), (&highest, "04"), (P, "04"), (&long, "02")]
    {
        assert_eq!(session.send(&key_generation(theirs)), format!("03{result}00"), "BS_RESULT {theirs}");
    }
    assert!(!session.engine.progress().a_key_staged);
    // What the device cannot compute is no key either.
    session.expect(&[(&key_generation("02"), "030100"), ("05", "0500")]);
    assert_eq!(session.phone.commits, 0);
}

#[test]
fn other_revisions_and_devices_without_arithmetic_have_no_exchange() {
    let mut session = session();
    session.expect(&[("0203", "0203"), (&ms_key(1, P, G), "0203")]);
    session.phone.key_exchange = false;
    session.expect(&[(&ms_key(2, P, G), "0203"), (&key_generation(BS_RESULT), "030300")]);
    assert!(session.send("06").starts_with("0601022a0600020201"), "nothing is advertised that is not done");
}

#[test]
fn a_new_session_begins_without_terms() {
    let mut session = session();
    session.expect(&[(&ms_key(2, P, G), "0200")]);
    session.engine.begin(Mode::UserInitiated);
    session.expect(&[(&key_generation(BS_RESULT), "030600")]);
    session.phone.spc = "123456".to_string();
    session.engine.begin(Mode::UserInitiated);
    session.expect(&[(&ms_key(2, P, G), "020a"), (&key_generation(BS_RESULT), "030a00")]);
}

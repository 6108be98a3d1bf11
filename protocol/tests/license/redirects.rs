//! Every rule of section 4.3, each against a server that breaks it.

use std::time::Duration;

use kedge_protocol::license::session::{
    COOKIE_OCTETS, Config, Input, MAX_COOKIES, Method, Outcome, Output, Reply, Session, URL_BUFFER,
};
use kedge_protocol::license::url::{Allowed, UrlFault};

pub(crate) const CONFIG: Config<'static> = Config {
    vendor: "example",
    user_agent: "example-client/1.4.2",
    language: Some("en"),
    allowed: Allowed { hosts: &["prov.example", "*.pay.example"], http: false },
    browser: false,
};
pub(crate) const ENTRY: &str = "https://prov.example/v1/entry?v=1&op=1&t=abc";

/// A reply without anything.
pub(crate) const NOTHING: Reply<'static> =
    Reply { status: 0, content_type: None, encoded: false, location: None, retry_after: None, len: 0 };

/// Follows redirects to these places with these statuses; the last one's next request, or the outcome.
fn follow(config: Config<'static>, entry: &str, hops: &[(u16, &str)]) -> Result<(Method, String), Outcome> {
    let (mut rx, mut urls) = ([0; 1024], [0; URL_BUFFER]);
    let mut session = Session::request(config, entry, Duration::ZERO, &mut rx, &mut urls).expect("good");
    let mut last = None;
    for (status, location) in hops.iter().map(Some).chain([None]).map(|hop| hop.copied().unwrap_or((0, ""))) {
        match session.poll(Duration::ZERO) {
            Output::Send(request) => last = Some((request.method, request.url.to_owned())),
            Output::End(outcome) => return Err(outcome),
            other => panic!("{other:?}"),
        }
        if status != 0 {
            let reply = Reply { status, location: Some(location), ..NOTHING };
            session.handle(Duration::ZERO, Input::Reply(reply)).expect("in order");
        }
    }
    Ok(last.expect("a request"))
}

fn goes_to(hops: &[(u16, &str)], url: &str) {
    assert_eq!(follow(CONFIG, ENTRY, hops), Ok((Method::Get, url.to_owned())), "{hops:?}");
}

fn ends(hops: &[(u16, &str)], outcome: Outcome) {
    assert_eq!(follow(CONFIG, ENTRY, hops), Err(outcome), "{hops:?}");
}

#[test]
fn the_five_codes_are_followed_and_no_other() {
    for status in [301, 302, 303, 307, 308] {
        goes_to(&[(status, "/next")], "https://prov.example/next");
    }
    for status in [300, 304, 305, 306, 309, 399] {
        ends(&[(status, "/next")], Outcome::Http { status, retry_after: None });
    }
}

#[test]
fn locations_are_relative_or_absolute_without_fragment() {
    goes_to(&[(302, "pay?x=1#top")], "https://prov.example/v1/pay?x=1");
    goes_to(&[(302, "//shop.pay.example/a")], "https://shop.pay.example/a");
    goes_to(&[(302, "https://PROV.example/b")], "https://PROV.example/b");
    goes_to(&[(302, "../c"), (307, "./d/../e")], "https://prov.example/e");
}

#[test]
fn the_token_is_in_the_entry_url_only() {
    let (_, url) = follow(CONFIG, ENTRY, &[(302, "/next")]).expect("followed");
    assert!(!url.contains("abc"));
}

#[test]
fn eight_hops_and_no_more() {
    let all: Vec<String> = (0..9).map(|n| format!("/{n}")).collect();
    let hops: Vec<(u16, &str)> = all.iter().map(|path| (302, path.as_str())).collect();
    goes_to(&hops[..8], "https://prov.example/7");
    ends(&hops, Outcome::BadRedirect);
}

#[test]
fn loops_are_noticed() {
    ends(&[(302, ENTRY)], Outcome::RedirectLoop);
    ends(&[(302, "/a"), (302, "/b"), (307, "/a")], Outcome::RedirectLoop);
    goes_to(&[(302, "/a"), (302, "/a?")], "https://prov.example/a?");
}

#[test]
fn strange_places_are_refused() {
    for (location, fault) in [
        ("https://evil.example/", UrlFault::Host),
        ("https://prov.example.evil/", UrlFault::Host),
        ("https://pay.example/", UrlFault::Host),
        ("//evil.example", UrlFault::Host),
        ("http://prov.example/", UrlFault::Scheme),
        ("https://user@prov.example/", UrlFault::Malformed),
        ("https://prov.example:x/", UrlFault::Host),
    ] {
        ends(&[(302, location)], Outcome::Url(fault));
    }
    ends(&[(302, "ftp://prov.example/")], Outcome::Url(UrlFault::Malformed));
    ends(&[(302, "javascript:alert(1)")], Outcome::BadRedirect);
}

#[test]
fn a_location_has_2048_octets_at_most() {
    let base = "https://prov.example/".len();
    let fits = format!("https://prov.example/{}", "x".repeat(2048 - base));
    goes_to(&[(302, &fits)], &fits);
    ends(&[(302, &format!("{fits}x"))], Outcome::BadRedirect);
    // relative, it would only become too long
    ends(&[(302, &format!("/{}", "x".repeat(2047)))], Outcome::Url(UrlFault::TooLong));
}

#[test]
fn http_is_for_test_networks_and_never_behind_https() {
    let config = Config { allowed: Allowed { http: true, ..CONFIG.allowed }, ..CONFIG };
    let entry = "http://prov.example/v1/entry";
    assert!(follow(config, entry, &[(302, "/a"), (302, "https://prov.example/b")]).is_ok());
    let down = [(302, "https://prov.example/b"), (302, "http://prov.example/c")];
    assert_eq!(follow(config, entry, &down), Err(Outcome::Url(UrlFault::Scheme)));
    let (mut rx, mut urls) = ([0; 1024], [0; URL_BUFFER]);
    assert!(Session::request(CONFIG, entry, Duration::ZERO, &mut rx, &mut urls).is_err());
}

#[test]
fn a_redirect_without_a_location_is_none() {
    let (mut rx, mut urls) = ([0; 1024], [0; URL_BUFFER]);
    let mut session = Session::request(CONFIG, ENTRY, Duration::ZERO, &mut rx, &mut urls).expect("good");
    assert!(matches!(session.poll(Duration::ZERO), Output::Send(_)));
    session.handle(Duration::ZERO, Input::Reply(Reply { status: 302, ..NOTHING })).expect("in order");
    assert!(matches!(session.poll(Duration::ZERO), Output::End(Outcome::BadRedirect)));
}

/// A report is a POST: 303, 301 and 302 make a GET of it, 307 and 308 repeat it with its body.
#[test]
fn methods_change_as_the_codes_say() {
    for (status, method) in
        [(301, Method::Get), (302, Method::Get), (303, Method::Get), (307, Method::Post), (308, Method::Post)]
    {
        let (mut rx, mut urls) = ([0; 1024], [0; URL_BUFFER]);
        let mut session =
            Session::report(CONFIG, ENTRY, b"signed", Duration::ZERO, &mut rx, &mut urls).expect("good");
        match session.poll(Duration::ZERO) {
            Output::Send(request) => {
                assert_eq!(request.url, "https://prov.example/v1/entry/ack");
                assert_eq!((request.method, request.body), (Method::Post, &b"signed"[..]));
            }
            other => panic!("{other:?}"),
        }
        // the answer's body does not fall on the report
        session.receive_buffer()[..4].copy_from_slice(b"gone");
        let reply = Reply { status, location: Some("/other"), len: 4, ..NOTHING };
        session.handle(Duration::ZERO, Input::Reply(reply)).expect("in order");
        match session.poll(Duration::ZERO) {
            Output::Send(request) => {
                let body: &[u8] = if method == Method::Post { b"signed" } else { b"" };
                assert_eq!((request.method, request.body), (method, body), "{status}");
            }
            other => panic!("{other:?}"),
        }
    }
}

/// What each request of a chain of redirects says in its header Cookie; each answer sets cookies and leads on.
fn cookies(room: &mut [u8], answers: &[(&[&str], &str)]) -> Vec<Option<String>> {
    let (mut rx, mut urls) = ([0; 1024], [0; URL_BUFFER]);
    let mut session = Session::request(CONFIG, ENTRY, Duration::ZERO, &mut rx, &mut urls).expect("good");
    session.cookie("early=1");
    session.keep_cookies(room);
    let mut sent = Vec::new();
    for (set, location) in answers {
        let Output::Send(request) = session.poll(Duration::ZERO) else { panic!("{answers:?}") };
        sent.push(request.cookies.map(str::to_owned));
        for cookie in *set {
            session.cookie(cookie);
        }
        let reply = Reply { status: 302, location: Some(location), ..NOTHING };
        session.handle(Duration::ZERO, Input::Reply(reply)).expect("in order");
    }
    let Output::Send(request) = session.poll(Duration::ZERO) else { panic!("{answers:?}") };
    sent.push(request.cookies.map(str::to_owned));
    assert!(session.forget_cookies().is_some_and(|room| !room.is_empty()));
    assert!(session.forget_cookies().is_none());
    sent
}

#[test]
fn cookies_go_to_the_host_that_set_them_and_end_with_the_transaction() {
    let said = |text: &str| Some(text.to_owned());
    let mut room = [0; COOKIE_OCTETS];
    let answers: [(&[&str], &str); 4] = [
        (&["s=1; Path=/; Secure", "t=2; Domain=pay.example"], "https://shop.pay.example/a"),
        (&["s=3"], "https://other.pay.example/b"),
        (&["u=4; Max-Age=0"], "https://prov.example/c"),
        (&["s=; Max-Age=0"], "https://shop.pay.example/d"),
    ];
    let sent = cookies(&mut room, &answers);
    assert_eq!(sent, [None, None, None, said("s=1; t=2"), said("s=3")]);
    // the next transaction begins with none, whatever the memory held
    assert_eq!(cookies(&mut room, &[(&[], "/next")]), [None, None]);
}

#[test]
fn a_server_that_sets_too_many_cookies_fills_no_memory() {
    let many: Vec<String> = (0..100).map(|number| format!("n{number}={}", "x".repeat(number))).collect();
    let many: Vec<&str> = many.iter().map(String::as_str).collect();
    let mut room = [0; COOKIE_OCTETS];
    let sent = cookies(&mut room, &[(&many, "/next")]);
    assert_eq!(sent[1].as_deref().map(|all| all.split("; ").count()), Some(MAX_COOKIES));
    let sent = cookies(&mut [0; 32], &[(&many, "/next")]);
    assert_eq!(sent[1].as_deref(), Some("n0=; n1=x; n2=xx"), "as many as there is room for");
    let broken = ["a=1\r\nX-Evil: 1", "a=\u{e9}", "=", ";", ""];
    assert_eq!(cookies(&mut room, &[(&broken, "/next")]), [None, None]);
}

//! The server's pages without a browser: what forms do, what is refused, and that no text becomes markup.

mod desk;

use desk::{Answer, DAY, Desk, START};
use kedge_network::provisioning::{Policy, Visitor};
use kedge_network::{Request, Response};

const PASSWORD: (&str, &str) = ("password", "correct horse");

fn text(response: &Response) -> String {
    String::from_utf8(response.body.clone()).unwrap()
}

/// A server with an administration, a device that waits, and its code.
fn waiting() -> (Desk, desk::Device, String) {
    let mut desk = Desk::new(Policy::default());
    desk.server = desk.server.with_administration("staff only");
    let mut a = desk.device(1);
    let Answer::Action { code, .. } = desk.ask(&mut a, 1) else { panic!("no action") };
    (desk, a, code)
}

fn sign_in(desk: &mut Desk, visitor: &mut Visitor, fields: &[(&str, &str)]) -> Response {
    visitor.fill(&mut desk.server, desk.now, "/activate", "/activate", fields)
}

#[test]
fn a_user_signs_up_and_pays() {
    let (mut desk, mut a, code) = waiting();
    let mut visitor = Visitor::new();
    let lower = code.to_lowercase().replace('-', " ");
    let done = sign_in(&mut desk, &mut visitor, &[("code", &lower), ("account", "alice"), PASSWORD]);
    assert!(text(&done).contains("id=\"done\""), "{}", text(&done));
    assert!(matches!(desk.poll(&mut a, &code), Answer::Document { state: 1, reason: 1, .. }));
    desk.now += 14 * DAY;
    let Answer::Action { page, code } = desk.ask(&mut a, 3) else { panic!("no action") };
    assert_eq!(page, "pay");
    for (card, wrong) in [("4242424242424241", "no card number"), ("4000 0000 0000 0002", "declined")] {
        let fields = [("code", code.as_str()), ("holder", "A"), ("card", card)];
        let shown = visitor.fill(&mut desk.server, desk.now, "/pay", "/pay", &fields);
        assert!(text(&shown).contains(wrong), "{card}");
        assert_eq!(desk.poll(&mut a, &code), Answer::Http(202), "nothing was paid");
    }
    let fields = [("code", code.as_str()), ("holder", "A"), ("card", "4242-4242-4242-4242")];
    visitor.fill(&mut desk.server, desk.now, "/pay", "/pay", &fields);
    assert_eq!(desk.poll(&mut a, &code), Answer::Document { state: 2, reason: 2, end: None });
}

#[test]
fn what_is_wrong_is_said_and_changes_nothing() {
    let (mut desk, mut a, code) = waiting();
    let mut visitor = Visitor::new();
    let long = "x".repeat(65);
    for (fields, wrong) in [
        ([("code", "BBBB-BBBB"), ("account", "alice"), PASSWORD], "not known"),
        ([("code", &code), ("account", ""), PASSWORD], "1 to 64"),
        ([("code", &code), ("account", &long), PASSWORD], "1 to 64"),
        ([("code", &code), ("account", "a\nb"), PASSWORD], "1 to 64"),
        ([("code", &code), ("account", "alice"), ("password", "short")], "at least 8"),
    ] {
        let shown = sign_in(&mut desk, &mut visitor, &fields);
        assert!(text(&shown).contains(wrong), "{fields:?}: {}", text(&shown));
    }
    // the staff's accounts have no password: nobody can sign in
    desk.server.account("bob");
    let shown = sign_in(&mut desk, &mut visitor, &[("code", &code), ("account", "bob"), PASSWORD]);
    assert!(text(&shown).contains("password is wrong"));
    assert_eq!(desk.poll(&mut a, &code), Answer::Http(202));
}

#[test]
fn passwords_cannot_be_tried_for_long() {
    let (mut desk, mut a, code) = waiting();
    desk.server.open_account("alice", PASSWORD.1);
    let mut visitor = Visitor::new();
    let wrong = [("code", code.as_str()), ("account", "alice"), ("password", "wrong horse")];
    for _ in 0..5 {
        assert!(text(&sign_in(&mut desk, &mut visitor, &wrong)).contains("password is wrong"));
    }
    let right = [("code", code.as_str()), ("account", "alice"), PASSWORD];
    assert!(text(&sign_in(&mut desk, &mut visitor, &right)).contains("Too many"));
    desk.now += 899;
    assert!(text(&sign_in(&mut desk, &mut visitor, &right)).contains("Too many"));
    desk.now += 1;
    let Answer::Action { code, .. } = desk.ask(&mut a, 1) else { panic!("no action") };
    let right = [("code", code.as_str()), ("account", "alice"), PASSWORD];
    assert!(text(&sign_in(&mut desk, &mut visitor, &right)).contains("id=\"done\""));
}

#[test]
fn the_password_of_an_account_is_asked_for_again() {
    let (mut desk, mut a, code) = waiting();
    let mut visitor = Visitor::new();
    sign_in(&mut desk, &mut visitor, &[("code", &code), ("account", "alice"), PASSWORD]);
    desk.poll(&mut a, &code);
    let mut b = desk.device(2);
    let Answer::Action { code, .. } = desk.ask(&mut b, 1) else { panic!("no action") };
    let other = [("code", code.as_str()), ("account", "alice"), ("password", "another horse")];
    assert!(text(&sign_in(&mut desk, &mut Visitor::new(), &other)).contains("password is wrong"));
    sign_in(&mut desk, &mut Visitor::new(), &[("code", &code), ("account", "alice"), PASSWORD]);
    assert!(matches!(desk.poll(&mut b, &code), Answer::Document { reason: 4, .. }), "moved");
}

/// A form as another site would send it.
fn strange_form(desk: &mut Desk, path: &str, cookie: Option<&str>, body: &str) -> Response {
    let mut headers = vec![("Accept".to_owned(), "text/html".to_owned())];
    headers.extend(cookie.map(|cookie| ("Cookie".to_owned(), cookie.to_owned())));
    let url = format!("https://prov.operator.example{path}");
    let request = Request { method: "POST".to_owned(), url, headers, body: body.as_bytes().to_vec() };
    desk.server.exchange(desk.now, &request)
}

#[test]
fn forms_of_other_sites_are_refused() {
    let (mut desk, mut a, code) = waiting();
    let body = format!("code={code}&account=mallory&password=correct+horse");
    for cookie in [None, Some("visit=1-00"), Some("visit=x"), Some("other=1")] {
        for token in ["", "&token=", "&token=00"] {
            let response = strange_form(&mut desk, "/activate", cookie, &format!("{body}{token}"));
            assert_eq!(response.status, 403, "{cookie:?} {token:?}");
        }
    }
    // the token of one visitor with the cookie of another
    let opened = Visitor::new().open(&mut desk.server, START, "/activate");
    let page = text(&opened);
    let token = page.split_once("name=\"token\" value=\"").unwrap().1.split('"').next().unwrap().to_owned();
    let own = opened.header("Set-Cookie").unwrap().split(';').next().unwrap().to_owned();
    let other = Visitor::new().open(&mut desk.server, START, "/activate");
    let other = other.header("Set-Cookie").unwrap().split(';').next().unwrap().to_owned();
    let body = format!("{body}&token={token}");
    assert_eq!(strange_form(&mut desk, "/activate", Some(&other), &body).status, 403);
    assert_eq!(desk.poll(&mut a, &code), Answer::Http(202));
    assert_eq!(strange_form(&mut desk, "/activate", Some(&own), &body).status, 200, "the genuine one");
}

#[test]
fn pages_say_what_browsers_may_do() {
    let (mut desk, _, _) = waiting();
    for path in ["/", "/activate", "/pay", "/account", "/offline", "/admin", "/nothing"] {
        let page = Visitor::new().open(&mut desk.server, START, path);
        assert!(page.header("Content-Security-Policy").unwrap().contains("default-src 'none'"), "{path}");
        assert_eq!(page.header("Referrer-Policy"), Some("no-referrer"), "{path}");
        assert_eq!(page.header("Cache-Control"), Some("no-store"), "{path}");
        let cookie = page.header("Set-Cookie").unwrap();
        assert!(cookie.contains("HttpOnly") && cookie.contains("SameSite=Lax") && cookie.ends_with("Secure"));
        assert!(!text(&page).contains("<script"), "{path}");
    }
}

#[test]
fn no_text_becomes_markup() {
    let (mut desk, mut a, code) = waiting();
    let name = "<script>alert(1)</script>\"'&";
    let mut visitor = Visitor::new();
    sign_in(&mut desk, &mut visitor, &[("code", &code), ("account", name), PASSWORD]);
    assert!(matches!(desk.poll(&mut a, &code), Answer::Document { .. }));
    let query = "/activate?c=%22%3E%3Cscript%3E";
    assert!(!text(&visitor.open(&mut desk.server, START, query)).contains("<script"));
    let page = enter(&mut desk, &mut visitor);
    assert!(page.contains("&lt;script&gt;alert(1)&lt;/script&gt;") && !page.contains("<script"), "{page}");
}

fn enter(desk: &mut Desk, visitor: &mut Visitor) -> String {
    let fields = [("password", "staff only")];
    text(&visitor.fill(&mut desk.server, desk.now, "/admin", "/admin/sign-in", &fields))
}

fn change(desk: &mut Desk, visitor: &mut Visitor, path: &str, fields: &[(&str, &str)]) -> u16 {
    visitor.fill(&mut desk.server, desk.now, "/admin", path, fields).status
}

#[test]
fn the_staff_blocks_withdraws_and_registers() {
    let (mut desk, mut a, code) = waiting();
    desk.server.sign_up(&code, "alice", START);
    desk.poll(&mut a, &code);
    let mut visitor = Visitor::new();
    let block = [("name", "alice"), ("do", "block")];
    assert_eq!(change(&mut desk, &mut visitor, "/admin/account", &block), 403, "not signed in");
    let page = enter(&mut desk, &mut visitor);
    for expected in ["alice", "Test device", "1.1", "first trial", "trial until 2030-01-15"] {
        assert!(page.contains(expected), "{expected}");
    }
    assert_eq!(change(&mut desk, &mut visitor, "/admin/account", &block), 200);
    assert_eq!(desk.ask(&mut a, 3), Answer::Problem(5));
    change(&mut desk, &mut visitor, "/admin/account", &[("name", "alice"), ("do", "unblock")]);
    let ueid = desk::hexadecimal(&a.ueid);
    change(&mut desk, &mut visitor, "/admin/device", &[("ueid", &ueid), ("do", "block")]);
    assert_eq!(desk.ask(&mut a, 3), Answer::Problem(5));
    change(&mut desk, &mut visitor, "/admin/device", &[("ueid", &ueid), ("do", "unblock")]);
    change(&mut desk, &mut visitor, "/admin/account", &[("name", "alice"), ("do", "grant")]);
    assert_eq!(desk.ask(&mut a, 3), Answer::Document { state: 2, reason: 2, end: None });
    change(&mut desk, &mut visitor, "/admin/account", &[("name", "alice"), ("do", "refund")]);
    assert!(matches!(desk.ask(&mut a, 3), Answer::Document { reason: 6, .. }));
    change(&mut desk, &mut visitor, "/admin/account", &[("name", "alice"), ("do", "withdraw")]);
    assert_eq!(desk.ask(&mut a, 3), Answer::Document { state: 0, reason: 7, end: None });
    for (path, fields) in [
        ("/admin/account", [("name", "nobody"), ("do", "block")]),
        ("/admin/account", [("name", "alice"), ("do", "nothing")]),
        ("/admin/device", [("ueid", "00"), ("do", "block")]),
        ("/admin/register", [("key", "zz"), ("do", "")]),
        ("/admin/else", [("name", "alice"), ("do", "block")]),
    ] {
        assert_eq!(change(&mut desk, &mut visitor, path, &fields), 400, "{path} {fields:?}");
    }
    let mut stranger = desk.stranger(7);
    assert_eq!(desk.ask(&mut stranger, 1), Answer::Problem(8));
    let key = desk::hexadecimal(&stranger.public_key());
    change(&mut desk, &mut visitor, "/admin/register", &[("key", &key)]);
    assert!(matches!(desk.ask(&mut stranger, 1), Answer::Action { .. }));
    change(&mut desk, &mut visitor, "/admin/sign-out", &[]);
    assert_eq!(change(&mut desk, &mut visitor, "/admin/account", &block), 403, "signed out");
}

#[test]
fn without_a_password_there_is_no_administration() {
    let mut desk = Desk::new(Policy::default());
    assert_eq!(Visitor::new().open(&mut desk.server, START, "/admin").status, 404);
    let (mut desk, _, _) = waiting();
    let mut visitor = Visitor::new();
    for _ in 0..5 {
        let wrong = [("password", "guess")];
        assert_eq!(visitor.fill(&mut desk.server, START, "/admin", "/admin/sign-in", &wrong).status, 403);
    }
    assert!(enter(&mut desk, &mut visitor).contains("wrong too often"));
    desk.now += 1000;
    assert!(enter(&mut desk, &mut visitor).contains("id=\"accounts\""));
    desk.now += 1800;
    assert!(
        !text(&visitor.open(&mut desk.server, desk.now, "/admin")).contains("id=\"accounts\""),
        "signed out by time"
    );
}

#[test]
fn requests_by_file_are_answered_on_a_page() {
    let mut desk = Desk::new(Policy::default());
    let a = desk.activated(1, "alice");
    let token = desk::base64_url(&a.token(3));
    let mut visitor = Visitor::new();
    let fields = [("request", token.as_str())];
    let answer = visitor.fill(&mut desk.server, START, "/offline", "/offline", &fields);
    assert_eq!(answer.header("Content-Type"), Some("application/vnd.example.provisioning+cbor"));
    assert!(answer.header("Content-Disposition").unwrap().contains("license.prv"));
    let posted = desk.exchange("POST", "/v1/offline", a.token(3));
    assert_eq!(posted.status, 302, "the same without a page");
    let broken = visitor.fill(&mut desk.server, START, "/offline", "/offline", &[("request", "%%%")]);
    assert_eq!(broken.status, 400);
    let strange = visitor.fill(&mut desk.server, START, "/offline", "/offline", &[("request", "AAAA")]);
    assert_eq!(strange.status, 403);
}

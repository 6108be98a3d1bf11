//! The bearer refuses what it says it refuses; faults strike where they should and do what they say.

use core::time::Duration;

use kedge_platform::clock::Clock as _;
use kedge_platform::http::{Connection, Error as _, ErrorKind, Headers, Method, Read, Status, Write};

use super::{Bearer, Error, Fault, Faulty, FaultyError, Request, Response, Server};
use crate::clock::Clock;

const URL: &str = "http://operator.example/a?b=c";

/// Answers with the method and the body it was sent, and remembers the requests.
#[derive(Clone, Debug, Default)]
struct Echo {
    seen: Vec<Request>,
}

impl Server for Echo {
    fn exchange(&mut self, request: &Request) -> Response {
        self.seen.push(request.clone());
        let body = [request.method.as_bytes(), b" ", &request.body].concat();
        Response::new(200).with_header("X-Count", &self.seen.len().to_string()).with_body("text/plain", body)
    }
}

/// One exchange to its end.
fn exchange<C: Connection>(
    connection: &mut C,
    method: Method,
    body: &[u8],
) -> Result<(u16, Vec<u8>), C::Error> {
    let length = body.len().to_string();
    let headers = [("User-Agent", "Acme A1/1.0"), ("Content-Length", length.as_str())];
    connection.initiate_request(method, URL, &headers)?;
    for piece in body.chunks(3) {
        connection.write(piece)?;
    }
    connection.initiate_response()?;
    let mut octets = Vec::new();
    let mut chunk = [0; 5];
    loop {
        match connection.read(&mut chunk)? {
            0 => return Ok((connection.status(), octets)),
            len => octets.extend_from_slice(&chunk[..len]),
        }
    }
}

/// A connection after a request with these headers and this much body.
fn after(method: Method, headers: &[(&str, &str)], body: &[u8]) -> (Bearer<Echo>, Result<(), Error>) {
    let mut bearer = Bearer::new(Echo::default());
    let result = bearer
        .initiate_request(method, URL, headers)
        .and_then(|()| bearer.write(body))
        .and_then(|_| bearer.initiate_response());
    (bearer, result)
}

#[test]
fn exchanges_follow_each_other() {
    let mut bearer = Bearer::new(Echo::default());
    assert_eq!(exchange(&mut bearer, Method::Post, b"question"), Ok((200, b"POST question".to_vec())));
    assert_eq!(bearer.header("x-count"), Some("1"), "names have no case");
    assert_eq!(bearer.header("Content-Length"), Some("13"), "added by the bearer");
    assert_eq!(exchange(&mut bearer, Method::Get, b""), Ok((200, b"GET ".to_vec())));
    let (head, body) = bearer.split();
    assert_eq!((head.status(), head.header("X-Count")), (200, Some("2")));
    assert_eq!(body.read(&mut [0; 4]), Ok(0));
    assert_eq!(bearer.exchanges(), 2);
    assert_eq!(bearer.server().seen[0].header("user-agent"), Some("Acme A1/1.0"));
    assert_eq!(bearer.server().seen[0].url, URL);
    assert!(bearer.misuses().is_empty());
}

#[test]
fn a_new_request_abandons_the_old_exchange() {
    let mut bearer = Bearer::new(Echo::default());
    bearer.initiate_request(Method::Post, URL, &[("Content-Length", "9")]).unwrap();
    bearer.write(b"part").unwrap();
    bearer.initiate_request(Method::Get, URL, &[]).unwrap();
    bearer.initiate_response().unwrap();
    bearer.read(&mut [0; 1]).unwrap();
    assert_eq!(exchange(&mut bearer, Method::Post, b"new"), Ok((200, b"POST new".to_vec())));
    assert_eq!(bearer.exchanges(), 2);
}

#[test]
fn calls_out_of_order_are_refused() {
    let mut bearer = Bearer::new(Echo::default());
    assert!(!bearer.is_request_initiated() && !bearer.is_response_initiated());
    assert_eq!(bearer.read(&mut [0; 1]), Err(Error::OutOfOrder));
    assert_eq!(bearer.write(b"x"), Err(Error::OutOfOrder));
    assert_eq!(bearer.flush(), Err(Error::OutOfOrder));
    assert_eq!(bearer.initiate_response(), Err(Error::OutOfOrder));
    assert_eq!(bearer.status(), 0);
    bearer.initiate_request(Method::Get, URL, &[]).unwrap();
    assert!(bearer.is_request_initiated());
    assert_eq!(bearer.read(&mut [0; 1]), Err(Error::OutOfOrder));
    assert!(!bearer.is_request_initiated(), "a refusal ends the exchange");
    exchange(&mut bearer, Method::Get, b"").unwrap();
    assert!(bearer.is_response_initiated());
    assert_eq!(bearer.write(b"x"), Err(Error::OutOfOrder));
    assert_eq!(bearer.raw_connection().err(), Some(Error::Raw));
    assert_eq!(bearer.misuses().len(), 7);
}

#[test]
fn the_length_must_be_right() {
    for (method, headers, body, expected) in [
        (Method::Post, &[("Content-Length", "3")][..], &b"abc"[..], Ok(())),
        (Method::Post, &[("content-length", "0")], b"", Ok(())),
        (Method::Post, &[("Content-Length", "4")], b"abc", Err(Error::Length)),
        (Method::Post, &[("Content-Length", "2")], b"abc", Err(Error::Length)),
        (Method::Post, &[("Content-Length", "-1")], b"", Err(Error::Length)),
        (Method::Post, &[], b"", Err(Error::Length)),
        (Method::Get, &[], b"", Ok(())),
        (Method::Get, &[], b"x", Err(Error::Length)),
        (Method::Get, &[("Content-Length", "1")], b"x", Err(Error::Length)),
        (Method::Post, &[("Content-Length", "1"), ("content-length", "1")], b"x", Err(Error::Header)),
    ] {
        let (bearer, result) = after(method, headers, body);
        assert_eq!(result, expected, "{method:?} {headers:?}");
        assert_eq!(bearer.exchanges(), u64::from(expected.is_ok()), "the server sees right requests only");
        assert_eq!(bearer.misuses().len(), usize::from(expected.is_err()));
    }
}

#[test]
fn urls_must_be_absolute() {
    let mut bearer = Bearer::new(Echo::default());
    for url in ["https://a.example", "HTTP://a.example:81/x?y", "http://1.2.3.4?q"] {
        assert_eq!(bearer.initiate_request(Method::Get, url, &[]), Ok(()), "{url}");
    }
    for url in [
        "/x",
        "a.example/x",
        "ftp://a.example/",
        "http:///x",
        "http://:80/",
        "http://u@a.example/",
        "http://a/b c",
        "http://a/#f",
    ] {
        assert_eq!(bearer.initiate_request(Method::Get, url, &[]), Err(Error::Url), "{url}");
    }
}

#[test]
fn headers_must_be_clean_and_leave_the_transport_alone() {
    let mut bearer = Bearer::new(Echo::default());
    for (name, value) in [
        ("Host", "a"),
        ("connection", "close"),
        ("Transfer-Encoding", "chunked"),
        ("", "a"),
        ("A B", "a"),
        ("A", "b\r\nC: d"),
        ("A", " b"),
        ("A", "ü"),
    ] {
        let result = bearer.initiate_request(Method::Get, URL, &[(name, value)]);
        assert_eq!(result, Err(Error::Header), "{name}: {value}");
    }
    assert_eq!(bearer.initiate_request(Method::Delete, URL, &[]), Err(Error::Method));
    assert_eq!(Error::Method.kind(), ErrorKind::Unsupported);
}

#[test]
fn the_servers_length_rules_what_arrives() {
    let reply = |length: &str, status| {
        let length = length.to_owned();
        Bearer::new(move |_: &Request| {
            Response::new(status)
                .with_header("Content-Length", &length)
                .with_body("text/plain", b"abcd".to_vec())
        })
    };
    assert_eq!(exchange(&mut reply("2", 200), Method::Get, b""), Ok((200, b"ab".to_vec())));
    let mut early = reply("6", 200);
    assert_eq!(exchange(&mut early, Method::Get, b""), Err(Error::Truncated));
    assert!(early.misuses().is_empty(), "not the client's mistake");
    assert_eq!(exchange(&mut reply("4", 304), Method::Get, b""), Ok((304, vec![])));
    assert_eq!(exchange(&mut reply("4", 200), Method::Head, b""), Ok((200, vec![])));
}

#[test]
fn latency_passes_on_the_clock() {
    let clock = Clock::new();
    let mut bearer = Bearer::new(Echo::default()).with_latency(clock.clone(), Duration::from_millis(150));
    exchange(&mut bearer, Method::Get, b"").unwrap();
    exchange(&mut bearer, Method::Get, b"").unwrap();
    assert_eq!(clock.uptime(), Duration::from_millis(300));
}

#[test]
fn faults_strike_at_their_exchange_and_only_there() {
    let faults = [
        (1, Fault::NoConnection),
        (2, Fault::RequestLost),
        (3, Fault::ReplyLost),
        (4, Fault::ReplyTruncated(7)),
    ];
    let mut bearer = Bearer::new(Echo::default()).with_faults(faults);
    let mut seen = Vec::new();
    let results: Vec<_> = (0..6)
        .map(|_| {
            let result = exchange(&mut bearer, Method::Post, b"question");
            seen.push(bearer.inner().exchanges());
            result
        })
        .collect();
    let whole = Ok((200, b"POST question".to_vec()));
    let fault = |fault| Err(FaultyError::Fault(fault));
    assert_eq!(results[0], whole);
    for (number, struck) in faults {
        assert_eq!(results[usize::try_from(number).unwrap()], fault(struck));
    }
    assert_eq!(results[5], whole);
    assert_eq!(seen, [1, 1, 1, 2, 3, 4], "whether the server has seen the request");
    assert_eq!((bearer.started(), bearer.faults_left()), (6, 0));
    assert!(bearer.into_inner().misuses().is_empty());
}

#[test]
fn a_truncated_reply_has_its_head_and_the_first_octets() {
    for (limit, arrives) in [(0, &b""[..]), (6, b"POST q"), (100, b"POST question")] {
        let mut bearer = Bearer::new(Echo::default()).with_faults([(0, Fault::ReplyTruncated(limit))]);
        bearer.initiate_request(Method::Post, URL, &[("Content-Length", "8")]).unwrap();
        bearer.write(b"question").unwrap();
        bearer.initiate_response().unwrap();
        assert_eq!((bearer.status(), bearer.header("Content-Length")), (200, Some("13")));
        let (head, body) = bearer.split();
        assert_eq!(head.status(), 200);
        let mut octets = vec![0; arrives.len()];
        body.read_exact(&mut octets).unwrap();
        assert_eq!(octets, arrives);
        let error = body.read(&mut [0; 1]).unwrap_err();
        assert_eq!(error, FaultyError::Fault(Fault::ReplyTruncated(limit)));
        assert_eq!(error.kind(), ErrorKind::ConnectionAborted);
    }
}

#[test]
fn faulty_connections_keep_the_order_too() {
    let mut bearer = Faulty::new(Bearer::new(Echo::default()), [(0, Fault::RequestLost)]);
    assert_eq!(bearer.write(b"x"), Err(FaultyError::OutOfOrder));
    assert_eq!(bearer.flush(), Err(FaultyError::OutOfOrder));
    assert_eq!(bearer.initiate_response(), Err(FaultyError::OutOfOrder));
    assert_eq!(bearer.read(&mut [0; 1]), Err(FaultyError::OutOfOrder));
    bearer.initiate_request(Method::Post, URL, &[("Content-Length", "1")]).unwrap();
    assert!(bearer.is_request_initiated());
    bearer.write(b"x").unwrap();
    bearer.flush().unwrap();
    assert_eq!(bearer.initiate_response(), Err(FaultyError::Fault(Fault::RequestLost)));
    assert!(!bearer.is_request_initiated() && !bearer.is_response_initiated());
    assert_eq!((bearer.status(), bearer.header("X-Count")), (0, None));
    assert_eq!(bearer.initiate_request(Method::Get, "x", &[]), Err(FaultyError::Connection(Error::Url)));
    assert_eq!(bearer.started(), 2);
}

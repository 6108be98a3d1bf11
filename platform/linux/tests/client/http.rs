//! Plain HTTP: what is sent, what is received, and what goes wrong on the way.

use std::net::{SocketAddr, TcpListener};
use std::thread;
use std::time::{Duration, Instant};

use crate::server::{Act, Server, reply};
use kedge_platform::http::{Connection, Error as _, ErrorKind, Headers, Method, Read, Status, Write};
use kedge_platform_linux::http::{Error, HttpClient, MAX_REQUEST_BODY, MAX_RESPONSE_HEAD, Options};

const URL: &str = "http://operator.example/path?query";

/// A client that finds `operator.example` at this address, and nothing else.
fn client(address: SocketAddr) -> HttpClient {
    patient(address, Duration::from_secs(5))
}

fn patient(address: SocketAddr, timeout: Duration) -> HttpClient {
    HttpClient::new(Options::new(timeout).resolve("operator.example", 80, address).without_dns())
}

fn read_all(client: &mut HttpClient) -> Result<Vec<u8>, Error> {
    let mut octets = Vec::new();
    let mut chunk = [0; 7];
    loop {
        match client.read(&mut chunk)? {
            0 => return Ok(octets),
            len => octets.extend_from_slice(&chunk[..len]),
        }
    }
}

fn get(client: &mut HttpClient, headers: &[(&str, &str)]) -> Result<(u16, Vec<u8>), Error> {
    client.initiate_request(Method::Get, URL, headers)?;
    client.initiate_response()?;
    Ok((client.status(), read_all(client)?))
}

fn post(client: &mut HttpClient, body: &[u8]) -> Result<(u16, Vec<u8>), Error> {
    let length = body.len().to_string();
    client.initiate_request(Method::Post, URL, &[("Content-Length", &length), ("X-A", "b")])?;
    for piece in body.chunks(5) {
        client.write(piece)?;
    }
    client.flush()?;
    client.initiate_response()?;
    Ok((client.status(), read_all(client)?))
}

/// The lines of a request's head, sorted, in lower case.
fn lines(head: &str) -> Vec<String> {
    let mut lines: Vec<_> = head.trim_end().lines().skip(1).map(str::to_ascii_lowercase).collect();
    lines.sort();
    lines
}

#[test]
fn a_get_sends_what_the_caller_gave_and_nothing_else() {
    let server = Server::start(vec![Act::Send(reply("200 OK", &["X-Answer: yes", "ETag: \"1\""], b"hello"))]);
    let mut client = client(server.address);
    let result = get(&mut client, &[("User-Agent", "Acme A1/1.0"), ("Accept", "a/b")]);
    assert_eq!(result, Ok((200, b"hello".to_vec())));
    assert_eq!(client.header("x-answer"), Some("yes"));
    let (head, body) = client.split();
    assert_eq!((head.status(), head.header("ETag")), (200, Some("\"1\"")));
    assert_eq!(body.read(&mut [0; 1]), Ok(0));
    let seen = server.seen();
    assert!(seen.head.starts_with("GET /path?query HTTP/1.1\r\n"), "{}", seen.head);
    assert_eq!(lines(&seen.head), ["accept: a/b", "host: operator.example", "user-agent: acme a1/1.0"]);
}

#[test]
fn a_post_sends_its_body_with_one_length() {
    let server = Server::start(vec![
        Act::Send(reply("201 Created", &[], b"made")),
        Act::Send(reply("204 No Content", &[], b"")),
    ]);
    let mut client = client(server.address);
    assert_eq!(post(&mut client, b"some question"), Ok((201, b"made".to_vec())));
    let seen = server.seen();
    assert!(seen.head.starts_with("POST /path?query HTTP/1.1\r\n"));
    assert_eq!(lines(&seen.head), ["content-length: 13", "host: operator.example", "x-a: b"]);
    assert_eq!(seen.body, b"some question");
    assert_eq!(post(&mut client, b""), Ok((204, vec![])));
    assert_eq!(lines(&server.seen().head), ["content-length: 0", "host: operator.example", "x-a: b"]);
}

#[test]
fn ranges_pass_in_both_directions() {
    let part = reply("206 Partial Content", &["Content-Range: bytes 3-6/10"], b"defg");
    let server = Server::start(vec![Act::Send(part)]);
    let mut client = client(server.address);
    assert_eq!(get(&mut client, &[("Range", "bytes=3-6")]), Ok((206, b"defg".to_vec())));
    assert_eq!(client.header("Content-Range"), Some("bytes 3-6/10"));
    assert!(lines(&server.seen().head).contains(&"range: bytes=3-6".to_owned()));
}

#[test]
fn redirects_and_refusals_are_responses() {
    for (status, code) in [
        ("301 Moved Permanently", 301),
        ("302 Found", 302),
        ("307 Temporary Redirect", 307),
        ("404 Not Found", 404),
        ("503 Service Unavailable", 503),
    ] {
        let there = "Location: http://operator.example/there";
        let server = Server::start(vec![
            Act::Send(reply(status, &[there], b"")),
            Act::Send(reply("200 OK", &[], b"")),
        ]);
        let mut client = client(server.address);
        assert_eq!(post(&mut client, b"x"), Ok((code, vec![])), "{status}");
        assert_eq!(client.header("Location"), Some("http://operator.example/there"));
        server.seen();
        assert!(server.saw_nothing_else(), "{status} was followed");
    }
}

#[test]
fn connections_are_kept_when_read_to_the_end() {
    let server = Server::start(vec![Act::Send(reply("200 OK", &[], b"a response")); 4]);
    let mut client = client(server.address);
    get(&mut client, &[]).unwrap();
    post(&mut client, b"x").unwrap();
    get(&mut client, &[]).unwrap();
    assert_eq!(server.connections(), 1);
}

#[test]
fn a_kept_connection_that_the_server_closed_is_replaced() {
    let response = reply("200 OK", &[], b"a response");
    let server = Server::start(vec![Act::SendAndClose(response.clone()), Act::Send(response)]);
    let mut client = client(server.address);
    get(&mut client, &[]).unwrap();
    thread::sleep(Duration::from_millis(50));
    assert_eq!(post(&mut client, b"x"), Ok((200, b"a response".to_vec())));
    assert_eq!(server.connections(), 2);
}

#[test]
fn the_answer_to_head_has_no_body() {
    let head = b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n";
    let server = Server::start(vec![Act::Send(head.to_vec()), Act::Send(reply("200 OK", &[], b"next"))]);
    let mut client = client(server.address);
    client.initiate_request(Method::Head, URL, &[]).unwrap();
    client.initiate_response().unwrap();
    assert_eq!((client.status(), client.header("Content-Length")), (200, Some("1000")));
    assert_eq!(read_all(&mut client), Ok(vec![]));
    assert_eq!(get(&mut client, &[]), Ok((200, b"next".to_vec())));
}

#[test]
fn an_abandoned_response_does_not_leak_into_the_next() {
    let server = Server::start(vec![
        Act::Send(reply("200 OK", &[], &[b'a'; 5000])),
        Act::Send(reply("200 OK", &[], b"second")),
    ]);
    let mut client = client(server.address);
    client.initiate_request(Method::Get, URL, &[]).unwrap();
    client.initiate_response().unwrap();
    client.read(&mut [0; 10]).unwrap();
    assert_eq!(get(&mut client, &[]), Ok((200, b"second".to_vec())));
    assert_eq!(server.connections(), 2);
}

#[test]
fn a_chunked_body_is_put_together() {
    let chunked =
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\nA\r\n0123456789\r\n0\r\n\r\n";
    let server = Server::start(vec![Act::Send(chunked.to_vec())]);
    assert_eq!(get(&mut client(server.address), &[]), Ok((200, b"abc0123456789".to_vec())));
}

#[test]
fn a_body_that_ends_early_is_an_error_after_its_octets() {
    let whole = reply("200 OK", &[], &[b'x'; 100]);
    let chunked = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n64\r\nxxxxxxxxxxxx";
    for octets in [&whole[..whole.len() - 88], chunked] {
        let server = Server::start(vec![Act::SendAndClose(octets.to_vec())]);
        let mut client = client(server.address);
        client.initiate_request(Method::Get, URL, &[]).unwrap();
        client.initiate_response().unwrap();
        let mut begin = [0; 12];
        client.read_exact(&mut begin).unwrap();
        assert_eq!(begin, [b'x'; 12]);
        let error = read_all(&mut client).unwrap_err();
        assert_eq!((error, error.kind()), (Error::Closed, ErrorKind::ConnectionAborted));
        assert_eq!(client.read(&mut [0; 1]), Err(Error::Closed), "and stays one");
    }
}

#[test]
fn a_connection_that_closes_instead_of_answering_is_an_error() {
    for octets in [&b""[..], b"HTTP/1.1 200 OK\r\nContent-Le"] {
        let server = Server::start(vec![Act::SendAndClose(octets.to_vec())]);
        let mut client = client(server.address);
        assert_eq!(post(&mut client, b"x"), Err(Error::Closed));
        assert_eq!(client.status(), 0);
        assert!(!client.is_response_initiated());
    }
}

#[test]
fn silence_times_out() {
    let begun = reply("200 OK", &[], b"1234567");
    for octets in [vec![], begun[..20].to_vec(), begun[..begun.len() - 4].to_vec()] {
        let server = Server::start(vec![Act::SendAndStall(octets)]);
        let mut client = patient(server.address, Duration::from_millis(200));
        let start = Instant::now();
        let error = get(&mut client, &[]).unwrap_err();
        assert_eq!((error, error.kind()), (Error::TimedOut, ErrorKind::TimedOut));
        assert!(start.elapsed() < Duration::from_secs(3));
    }
}

#[test]
fn hosts_that_cannot_be_reached_are_told_apart() {
    let closed = TcpListener::bind(("127.0.0.1", 0)).unwrap().local_addr().unwrap();
    let error = get(&mut client(closed), &[]).unwrap_err();
    assert_eq!((error, error.kind()), (Error::Unreachable, ErrorKind::ConnectionRefused));
    let mut client = client(closed);
    for url in ["http://other.example/", "http://operator.example:81/", "https://operator.example/"] {
        client.initiate_request(Method::Get, url, &[]).unwrap();
        let error = client.initiate_response().unwrap_err();
        assert_eq!((error, error.kind()), (Error::UnknownHost, ErrorKind::NotFound), "{url}");
    }
}

#[test]
fn a_port_in_the_url_selects_its_own_entry() {
    let server = Server::start(vec![Act::Send(reply("200 OK", &[], b"81"))]);
    let options =
        Options::new(Duration::from_secs(5)).resolve("Operator.Example", 81, server.address).without_dns();
    let mut client = HttpClient::new(options);
    client.initiate_request(Method::Get, "http://operator.example:81/", &[]).unwrap();
    client.initiate_response().unwrap();
    assert_eq!(read_all(&mut client), Ok(b"81".to_vec()));
    assert_eq!(lines(&server.seen().head), ["host: operator.example:81"]);
}

#[test]
fn what_is_not_http_is_refused() {
    let long = format!("HTTP/1.1 200 OK\r\nX: {}\r\n\r\n", "y".repeat(MAX_RESPONSE_HEAD));
    for octets in [b"SSH-2.0-server\r\n\r\n".as_slice(), b"HTTP/1.1 abc\r\n\r\n", long.as_bytes()] {
        let server = Server::start(vec![Act::SendAndClose(octets.to_vec())]);
        let error = get(&mut client(server.address), &[]).unwrap_err();
        assert_eq!((error, error.kind()), (Error::Response, ErrorKind::InvalidData));
    }
}

#[test]
fn wrong_requests_are_refused_before_anything_is_sent() {
    let server = Server::start(vec![]);
    let mut client = client(server.address);
    for url in [
        "/path",
        "operator.example/",
        "ftp://operator.example/",
        "http://",
        "http://u@operator.example/",
        "http://a/#b",
        "http://a b/",
    ] {
        assert_eq!(client.initiate_request(Method::Get, url, &[]), Err(Error::Url), "{url}");
    }
    for header in [
        ("Host", "a"),
        ("connection", "close"),
        ("Transfer-Encoding", "chunked"),
        ("A B", "c"),
        ("A", "b\r\nc: d"),
    ] {
        assert_eq!(client.initiate_request(Method::Get, URL, &[header]), Err(Error::Header), "{header:?}");
    }
    assert_eq!(client.initiate_request(Method::Delete, URL, &[]), Err(Error::Method));
    assert_eq!(client.initiate_request(Method::Post, URL, &[]), Err(Error::Length));
    assert_eq!(client.initiate_request(Method::Post, URL, &[("Content-Length", "x")]), Err(Error::Length));
    assert_eq!(client.initiate_request(Method::Get, URL, &[("Content-Length", "1")]), Err(Error::Length));
    let twice = [("Content-Length", "1"), ("content-length", "1")];
    assert_eq!(client.initiate_request(Method::Post, URL, &twice), Err(Error::Header));
    let too_long = (MAX_REQUEST_BODY + 1).to_string();
    assert_eq!(
        client.initiate_request(Method::Post, URL, &[("Content-Length", &too_long)]),
        Err(Error::TooLong)
    );
    client.initiate_request(Method::Post, URL, &[("Content-Length", "3")]).unwrap();
    assert_eq!(client.write(b"four"), Err(Error::Length));
    assert_eq!(client.write(b"ab"), Ok(2));
    assert_eq!(client.initiate_response(), Err(Error::Length));
    assert_eq!(server.connections(), 0);
}

#[test]
fn calls_out_of_order_are_refused() {
    let server = Server::start(vec![Act::Send(reply("200 OK", &[], b"hello"))]);
    let mut client = client(server.address);
    assert_eq!(client.read(&mut [0; 1]), Err(Error::OutOfOrder));
    assert_eq!(client.write(b"x"), Err(Error::OutOfOrder));
    assert_eq!(client.flush(), Err(Error::OutOfOrder));
    assert_eq!(client.initiate_response(), Err(Error::OutOfOrder));
    assert_eq!((client.status(), client.status_message()), (0, None));
    client.initiate_request(Method::Get, URL, &[]).unwrap();
    assert!(client.is_request_initiated() && !client.is_response_initiated());
    client.initiate_response().unwrap();
    assert!(!client.is_request_initiated() && client.is_response_initiated());
    assert_eq!(client.write(b"x"), Err(Error::OutOfOrder));
    assert_eq!(client.raw_connection().err(), Some(Error::Raw));
    assert_eq!(read_all(&mut client), Ok(b"hello".to_vec()));
}

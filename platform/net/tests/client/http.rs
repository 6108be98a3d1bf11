//! Where bodies end, and what is refused.

use std::time::Duration;

use kedge_platform::http::{Connection, Error as _, ErrorKind, Headers as _, Method, Write as _};
use kedge_platform_net::HttpError;

use crate::server::{Act, Server, reply};
use crate::socket::{Fault, NOW, Socket, client, get};

/// What a server that says these octets gives.
fn says(octets: &[u8]) -> Result<(u16, Vec<u8>), Fault> {
    let server = Server::start(vec![Act::SendAndClose(octets.to_vec())]);
    let socket = Socket::new(vec![("a.example", server.address)], Duration::from_secs(5));
    get(&mut client(socket, &[], NOW), "http://a.example/")
}

#[test]
fn bodies_end_where_they_say() {
    let whole = Ok((200, b"body".to_vec()));
    assert_eq!(says(b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nbody and more"), whole);
    assert_eq!(says(b"HTTP/1.1 200 OK\r\n\r\nbody"), whole);
    assert_eq!(says(b"HTTP/1.0 200 OK\r\nContent-Length:4\r\n\r\nbody"), whole);
    let chunks =
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1;x=y\r\nb\r\n03\r\nody\r\n0\r\nT: x\r\n\r\n";
    assert_eq!(says(chunks), whole);
    assert_eq!(says(b"HTTP/1.1 204 No Content\r\nContent-Length: 4\r\n\r\nbody"), Ok((204, Vec::new())));
    assert_eq!(says(b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nbody"), whole);
}

#[test]
fn bodies_that_end_early_are_no_bodies() {
    let ended = Err(HttpError::Ended);
    assert_eq!(says(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nbody"), ended);
    for cut in ["", "4", "4\r\nbo", "4\r\nbody", "4\r\nbody\r\n", "4\r\nbody\r\n0\r\n"] {
        let octets = format!("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n{cut}");
        assert_eq!(says(octets.as_bytes()), ended, "{cut:?}");
    }
    assert_eq!(says(b""), ended);
    assert_eq!(says(b"HTTP/1.1 200 OK\r\nContent-Le"), ended);
}

#[test]
fn what_is_no_answer_is_refused() {
    let long = format!("HTTP/1.1 200 OK\r\nX: {}\r\n\r\n", "x".repeat(2048));
    let many = format!("HTTP/1.1 200 OK\r\n{}\r\n", "X: y\r\n".repeat(33));
    for octets in ["SSH-2.0-x\r\n\r\n", &long, &many] {
        assert_eq!(says(octets.as_bytes()), Err(HttpError::Head));
    }
    let codings = ["Transfer-Encoding: gzip, chunked", "Content-Length: many", "Content-Length: -1"];
    for coding in codings {
        let octets = format!("HTTP/1.1 200 OK\r\n{coding}\r\n\r\nbody");
        assert_eq!(says(octets.as_bytes()), Err(HttpError::Coding), "{coding}");
    }
    for chunks in ["x\r\n", "4\r\nbody!\r\n0\r\n\r\n", "ffffffffffffffffff\r\n", "1\nb\r\n0\r\n\r\n"] {
        let octets = format!("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n{chunks}");
        assert_eq!(says(octets.as_bytes()), Err(HttpError::Coding), "{chunks:?}");
    }
    let endless =
        format!("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n{}", "T: x\r\n".repeat(99));
    assert_eq!(says(endless.as_bytes()), Err(HttpError::Coding));
}

#[test]
fn requests_say_what_they_must_and_no_more() {
    let server = Server::start(vec![Act::Send(reply("200 OK", &["X-Other: yes"], b"ok"))]);
    let socket = Socket::new(vec![("a.example", server.address)], Duration::from_secs(5));
    let mut client = client(socket, &[], NOW);
    assert_eq!(client.initiate_response(), Err(HttpError::OutOfOrder));
    assert_eq!(client.write(b"x"), Err(HttpError::OutOfOrder));
    let headers = [("Content-Length", "2"), ("X-One", "1")];
    client.initiate_request(Method::Post, "http://a.example:8080?q", &headers).unwrap();
    assert_eq!(client.write(b"hi"), Ok(2));
    client.initiate_response().unwrap();
    assert_eq!((client.header("x-other"), client.header("x-another")), (Some("yes"), None));
    let seen = server.seen();
    let head = "POST /?q HTTP/1.1\r\nHost: a.example:8080\r\nConnection: close\r\nContent-Length: 2\r\nX-One: 1\r\n\r\n";
    assert_eq!((seen.head.as_str(), seen.body.as_slice()), (head, &b"hi"[..]));

    let refused = |client: &mut crate::socket::Client, url: &str, headers: &[(&str, &str)]| {
        client.initiate_request(Method::Get, url, headers).unwrap_err()
    };
    assert_eq!(refused(&mut client, "gopher://a.example", &[]), HttpError::Url);
    assert_eq!(refused(&mut client, "http://a.example", &[("X", "1\r\nY: 2")]), HttpError::Head);
    assert_eq!(refused(&mut client, &format!("http://a.example/{}", "x".repeat(2048)), &[]), HttpError::Head);
    let stranger = refused(&mut client, "http://b.example", &[]);
    assert_eq!(stranger.kind(), ErrorKind::NotFound, "{stranger}");
    let method = client.initiate_request(Method::Put, "http://a.example", &[]);
    assert_eq!(method, Err(HttpError::Method));
    assert!(server.saw_nothing_else());
}

//! The conformance kit of the ports over this client, against a server that answers as the kit's [`Site`] says; and the kit's
//! own checks against servers that do not.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::thread;
use std::time::Duration;

use kedge_platform::conformance::{Fault, Finding, Report, Site, http};
use kedge_platform_linux::http::{HttpClient, Options};

use crate::https::{Authority, answer};
use crate::server::{Server, reply};

/// Octets of the server's text.
const LEN: usize = 700;

fn text() -> Vec<u8> {
    (0..LEN).map(|at| 0x20 + u8::try_from(at % 64).unwrap()).collect()
}

/// Answers one request: its path, its `Range` and body are all that matters. None: the connection ends.
fn respond(path: &str, range: bool, body: &[u8], wrong: &str) -> Option<Vec<u8>> {
    let text = text();
    let whole = reply("200 OK", &["X-Kedge: yes"], &text);
    Some(match path {
        "/whole" if wrong == "header" => reply("200 OK", &[], &text),
        "/whole" if wrong == "body" => reply("200 OK", &["X-Kedge: yes"], &text[..LEN - 1]),
        "/chunked" => {
            let mut octets = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n".to_vec();
            for piece in text.chunks(33) {
                octets.extend_from_slice(format!("{:x}\r\n", piece.len()).as_bytes());
                octets.extend_from_slice(piece);
                octets.extend_from_slice(b"\r\n");
            }
            octets.extend_from_slice(b"0\r\n\r\n");
            octets
        }
        "/part" if range && wrong != "range" => reply(
            "206 Partial Content",
            &[&format!("Content-Range: bytes 100-{}/{LEN}", LEN - 1)],
            &text[100..],
        ),
        "/whole" | "/part" => whole,
        "/echo" => reply("200 OK", &[], body),
        "/redirect" if wrong == "redirect" => reply("200 OK", &[], b"elsewhere"),
        "/redirect" => reply("302 Found", &["Location: http://elsewhere.invalid/"], b""),
        "/missing" => reply("404 Not Found", &[], b""),
        "/cut" if wrong == "cut" => whole,
        "/cut" => whole[..whole.len() - 300].to_vec(),
        _ => return None,
    })
}

/// A server that answers as told, but for one mistake.
fn site(wrong: &'static str) -> SocketAddr {
    let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let address = listener.local_addr().unwrap();
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            thread::spawn(move || converse(&stream, wrong));
        }
    });
    address
}

fn converse(stream: &TcpStream, wrong: &str) -> Option<()> {
    let mut reader = BufReader::new(stream);
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).ok().filter(|n| *n > 0)?;
        let path = line.split(' ').nth(1)?.to_owned();
        let (mut range, mut length) = (false, 0);
        loop {
            let mut header = String::new();
            reader.read_line(&mut header).ok()?;
            let header = header.trim_end().to_ascii_lowercase();
            match header.split_once(": ") {
                Some(("range", value)) => range = value == "bytes=100-",
                Some(("content-length", value)) => length = value.parse().ok()?,
                Some(_) => {}
                None => break,
            }
        }
        let mut body = vec![0; length];
        reader.read_exact(&mut body).ok()?;
        if path == "/silent" {
            thread::sleep(Duration::from_secs(5));
            return None;
        }
        let octets = respond(&path, range, &body, wrong)?;
        let mut writer = stream;
        writer.write_all(&octets).ok()?;
        if path == "/cut" {
            return stream.shutdown(Shutdown::Both).ok();
        }
    }
}

#[derive(Default)]
struct Lines(Vec<Finding>, u32);

impl Report for Lines {
    fn passed(&mut self, _: &'static str, _: &'static str) {
        self.1 += 1;
    }

    fn found(&mut self, finding: &Finding) {
        self.0.push(*finding);
    }
}

/// What the kit says of the client at a server with this mistake.
fn run(wrong: &'static str, all: bool) -> Lines {
    let server = Server::start_tls(answer(), Authority::new().server("operator.example"));
    let options = Options::new(Duration::from_millis(if all { 400 } else { 5000 }))
        .resolve("kit.example", 80, site(wrong))
        .resolve("operator.example", 443, server.address)
        .without_dns();
    let site = Site {
        whole: "http://kit.example/whole",
        chunked: "http://kit.example/chunked",
        part: "http://kit.example/part",
        echo: "http://kit.example/echo",
        redirect: "http://kit.example/redirect",
        missing: "http://kit.example/missing",
        cut: "http://kit.example/cut",
        silent: if all { "http://kit.example/silent" } else { "" },
        untrusted: if all { "https://operator.example/" } else { "" },
        len: LEN,
    };
    let mut lines = Lines::default();
    http(&mut HttpClient::new(options), &site, &mut lines);
    lines
}

#[test]
fn the_client_passes_the_kit() {
    let lines = run("", true);
    assert!(lines.0.is_empty(), "{}", lines.0[0]);
    assert_eq!(lines.1, 11);
}

#[test]
fn what_a_connection_does_wrong_is_found() {
    for (wrong, fault) in [
        ("header", Fault::Header),
        ("body", Fault::Body),
        ("range", Fault::Status),
        ("redirect", Fault::Redirected),
        ("cut", Fault::CutTaken),
    ] {
        let lines = run(wrong, false);
        assert!(lines.0.iter().any(|finding| finding.fault == fault), "{wrong}: {:?}", lines.0);
    }
    let told = run("redirect", false).0[0].to_string();
    let words = "HTTP, redirect: a redirect was not handed over as it came: the session's rules decide whether it is followed (200)";
    assert_eq!(told, words);
}

//! A server that answers as the conformance kit's [`Site`](kedge_platform::conformance::Site) says, but for one mistake; and what
//! the kit found. `kedge-platform-net` is tested with it too.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::thread;
use std::time::Duration;

use kedge_platform::conformance::{Finding, Report};

use crate::server::reply;

/// Octets of the server's text.
pub(crate) const LEN: usize = 700;

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
pub(crate) fn site(wrong: &'static str) -> SocketAddr {
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

/// What the kit found, and how many of its checks passed.
#[derive(Debug, Default)]
pub(crate) struct Lines(pub(crate) Vec<Finding>, pub(crate) u32);

impl Report for Lines {
    fn passed(&mut self, _: &'static str, _: &'static str) {
        self.1 += 1;
    }

    fn found(&mut self, finding: &Finding) {
        self.0.push(*finding);
    }
}

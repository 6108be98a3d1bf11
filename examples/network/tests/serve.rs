//! The operator behind real sockets, asked by hand-written HTTP.

mod support;

use core::time::Duration;
use kedge_network::{AccountState, Operator, RepositoryFault, Running, serve};
use std::io::{Read as _, Write as _};
use std::net::{Shutdown, TcpStream};
use std::sync::{Arc, Mutex};
use support::{ESN, contains, find, profile};

fn running() -> Running {
    let mut operator = Operator::default();
    operator.subscribe(profile(ESN), AccountState::Pending).unwrap();
    operator.repository().offer("p1", (0..100_000_u32).map(|n| n.to_le_bytes()[1]).collect());
    serve(Arc::new(Mutex::new(operator)), None).unwrap()
}

fn connect(server: &Running) -> TcpStream {
    let stream = TcpStream::connect(server.http).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    stream
}

/// Sends `request`, ends the sending side, and reads everything that comes.
fn talk(server: &Running, request: &[u8]) -> Vec<u8> {
    let mut stream = connect(server);
    stream.write_all(request).unwrap();
    stream.shutdown(Shutdown::Write).unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).unwrap();
    answer
}

/// Reads one response with a Content-Length: head and body.
fn response(stream: &mut TcpStream) -> (String, Vec<u8>) {
    let mut octets = Vec::new();
    let mut chunk = [0; 4096];
    loop {
        if let Some(end) = find(&octets, b"\r\n\r\n") {
            let head = String::from_utf8(octets[..end].to_vec()).unwrap().to_ascii_lowercase();
            let length: usize =
                head.split_once("content-length: ").unwrap().1.lines().next().unwrap().parse().unwrap();
            if octets.len() >= end + 4 + length {
                return (head, octets[end + 4..].to_vec());
            }
        }
        let n = stream.read(&mut chunk).unwrap();
        assert!(n > 0, "the connection ended early: {}", String::from_utf8_lossy(&octets));
        octets.extend_from_slice(&chunk[..n]);
    }
}

const HEADERS: &str = "Host: boot.operator.example\r\n\
    Accept: application/iota.mmc-wbxml, application/iota.mmc-xml, multipart/related\r\n\
    User-Agent: Acme DevKit/1.4.2\r\nX-IOTA-Version: 1\r\nX-IOTA-ESN: DEADBEEF\r\n";

#[test]
fn a_session_over_one_kept_connection() {
    let server = running();
    let mut stream = connect(&server);
    write!(stream, "GET /activate HTTP/1.1\r\n{HEADERS}X-IOTA-Reason: user\r\n\r\n").unwrap();
    let (head, body) = response(&mut stream);
    assert!(head.starts_with("http/1.1 200") && head.contains("application/iota.mmc-wbxml"), "{head}");
    assert!(find(&body, &support::hex("23640ac068e36f00c4721dc04815ffff80")).is_some());
    for (re, message) in [("1", "01010000"), ("2", "080000000012"), ("3", "0500")] {
        let message = support::hex(message);
        let length = u8::try_from(message.len()).unwrap();
        let mut document = support::hex("03016a00c505070341310009 03");
        document.extend(re.as_bytes());
        document.extend(support::hex("0001 ce 0d 033100 14 01 4f c3"));
        document.push(length);
        document.extend(message);
        document.extend([0x01, 0x01, 0x01]);
        let length = document.len();
        let kind = "application/iota.mmc-wbxml";
        write!(
            stream,
            "POST /session/A1 HTTP/1.1\r\n{HEADERS}Content-Type: {kind}\r\nContent-Length: {length}\r\n\r\n"
        )
        .unwrap();
        stream.write_all(&document).unwrap();
        assert!(response(&mut stream).0.starts_with("http/1.1 200"));
    }
    let operator = server.operator.lock().unwrap();
    assert_eq!(operator.violations(), []);
    assert_eq!(operator.account(ESN).unwrap().activations, 1);
    assert_eq!(operator.records().len(), 8);
}

#[test]
fn ranges_and_cuts() {
    let server = running();
    let host = "Host: repo.operator.example";
    let get =
        |extra: &str| talk(&server, format!("GET /packages/p1 HTTP/1.1\r\n{host}\r\n{extra}\r\n").as_bytes());
    let whole = get("");
    assert!(whole.len() > 100_000);
    let part = get("Range: bytes=99000-\r\n");
    assert!(part.starts_with(b"HTTP/1.1 206") && part.ends_with(&whole[whole.len() - 1000..]));
    assert!(find(&part.to_ascii_lowercase(), b"content-range: bytes 99000-99999/100000").is_some());
    for n in [0, 1, 30_000, 99_999] {
        server.operator.lock().unwrap().repository().play([RepositoryFault::CutAfter(n)]);
        let cut = get("");
        let body = find(&cut, b"\r\n\r\n").unwrap() + 4;
        assert!(find(&cut.to_ascii_lowercase(), b"content-length: 100000").is_some());
        assert_eq!(cut.len() - body, n, "exactly so many octets arrive");
    }
}

#[test]
fn bodies_over_the_limit_are_refused_and_hosts_are_needed() {
    let server = running();
    let mut stream = connect(&server);
    let length = 128 * 1024 + 1;
    write!(stream, "POST /session/A1 HTTP/1.1\r\n{HEADERS}Content-Length: {length}\r\n\r\n").unwrap();
    assert!(response(&mut stream).0.starts_with("http/1.1 413"), "before the body is there");
    assert!(talk(&server, b"GET /activate HTTP/1.1\r\n\r\n").starts_with(b"HTTP/1.1 400"));
    assert_eq!(server.operator.lock().unwrap().records(), [], "the operator was not asked");
}

#[test]
fn every_exchange_is_watched_and_stopping_ends_the_server() {
    let seen = Arc::new(Mutex::new(Vec::new()));
    let watcher = {
        let seen = Arc::clone(&seen);
        move |request: &kedge_network::Request, response: &kedge_network::Response| {
            seen.lock().unwrap().push((request.url.clone(), response.status));
        }
    };
    let server = serve(Arc::new(Mutex::new(Operator::default())), Some(Box::new(watcher))).unwrap();
    let address = server.http;
    talk(&server, b"GET /nothing HTTP/1.1\r\nHost: boot.operator.example:1234\r\n\r\n");
    assert_eq!(*seen.lock().unwrap(), [("http://boot.operator.example/nothing".to_owned(), 404)]);
    let mut idle = connect(&server);
    server.stop();
    assert_eq!(idle.read(&mut [0]).unwrap_or(0), 0, "kept connections end");
    assert!(TcpStream::connect(address).is_err(), "nobody listens any more");
}

#[test]
fn https_shows_a_certificate_of_its_authority() {
    let server = running();
    let mut roots = rustls_roots(&server.ca_pem);
    assert!(https_get(&server, roots.clone(), "fota.operator.example").starts_with("HTTP/1.1 404"));
    assert!(https_get(&server, roots.clone(), "elsewhere.example").contains("certificate"), "wrong name");
    roots = tokio_rustls::rustls::RootCertStore::empty();
    assert!(https_get(&server, roots, "fota.operator.example").contains("certificate"), "unknown authority");
    // Clients that leave in the handshake do no harm.
    drop(TcpStream::connect(server.https).unwrap());
    let roots = rustls_roots(&server.ca_pem);
    assert!(https_get(&server, roots, "repo.operator.example").starts_with("HTTP/1.1 404"));
}

fn rustls_roots(pem: &str) -> tokio_rustls::rustls::RootCertStore {
    use tokio_rustls::rustls::pki_types::{CertificateDer, pem::PemObject as _};
    let mut roots = tokio_rustls::rustls::RootCertStore::empty();
    roots.add(CertificateDer::from_pem_slice(pem.as_bytes()).unwrap()).unwrap();
    roots
}

/// The response to a GET over TLS, or the error in text.
fn https_get(server: &Running, roots: tokio_rustls::rustls::RootCertStore, host: &'static str) -> String {
    use tokio_rustls::rustls::{ClientConfig, ClientConnection, Stream, crypto::ring};
    let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    let mut tls = ClientConnection::new(Arc::new(config), host.try_into().unwrap()).unwrap();
    let mut socket = TcpStream::connect(server.https).unwrap();
    socket.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    let mut stream = Stream::new(&mut tls, &mut socket);
    let request = format!("GET /nothing HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n");
    let mut answer = Vec::new();
    match stream.write_all(request.as_bytes()).and_then(|()| stream.read_to_end(&mut answer)) {
        Ok(_) => String::from_utf8_lossy(&answer).into_owned(),
        Err(error) => error.to_string(),
    }
}

#[test]
fn the_document_is_the_same_in_process() {
    use kedge_platform_sim::bearer::Server as _;
    let mut operator = Operator::default();
    operator.subscribe(profile(ESN), AccountState::Pending).unwrap();
    let clock = kedge_platform_sim::clock::Clock::default();
    let mut in_process = kedge_network::InProcess::new(Arc::new(Mutex::new(operator)), clock);
    let device = support::Device::new(kedge_network::Config::default(), profile(ESN));
    let mut request = device.request("GET", kedge_network::ACTIVATION_URL);
    request.headers.push(("X-IOTA-Reason".to_owned(), "user".to_owned()));
    let direct = in_process.exchange(&request);
    let server = running();
    let mut stream = connect(&server);
    write!(stream, "GET /activate HTTP/1.1\r\n{HEADERS}X-IOTA-Reason: user\r\n\r\n").unwrap();
    assert_eq!(response(&mut stream).1, direct.body);
    assert!(contains(&direct, "23640ac068e36f00c4721dc04815ffff80"));
}

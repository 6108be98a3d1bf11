//! The HTTPS side of the client: whom it trusts, and whom not.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpListener};
use std::thread;
use std::time::Duration;

use crate::authority::Authority;
use crate::server::{Act, Server, reply};
use kedge_platform::http::{Connection, Error as _, ErrorKind, Method, Read, Status};
use kedge_platform_linux::http::{BadRoots, Error, HttpClient, Options};

const URL: &str = "https://operator.example/secret";

pub(crate) fn get(options: Options, server: &Server) -> Result<(u16, Vec<u8>), Error> {
    get_from(options, server.address)
}

pub(crate) fn get_from(options: Options, address: SocketAddr) -> Result<(u16, Vec<u8>), Error> {
    let mut client = HttpClient::new(options.resolve("operator.example", 443, address).without_dns());
    client.initiate_request(Method::Get, URL, &[])?;
    client.initiate_response()?;
    let mut octets = Vec::new();
    let mut chunk = [0; 16];
    loop {
        match client.read(&mut chunk)? {
            0 => return Ok((client.status(), octets)),
            len => octets.extend_from_slice(&chunk[..len]),
        }
    }
}

pub(crate) fn options() -> Options {
    Options::new(Duration::from_secs(5))
}

pub(crate) fn answer() -> Vec<Act> {
    vec![Act::Send(reply("200 OK", &[], b"behind TLS"))]
}

#[test]
fn dm_32_the_right_authority_and_name_are_trusted() {
    let authority = Authority::new();
    let server = Server::start_tls(answer(), authority.server("operator.example"));
    let others = Authority::new().pem() + &authority.pem();
    let result = get(options().trust_only(&others).unwrap(), &server);
    assert_eq!(result, Ok((200, b"behind TLS".to_vec())));
    assert!(server.seen().head.contains("operator.example"));
}

#[test]
fn a_wrong_authority_is_not_trusted() {
    let server = Server::start_tls(answer(), Authority::named("Operator").server("operator.example"));
    let strangers = [Authority::new(), Authority::named("Operator")].map(|authority| authority.pem());
    let strangers = strangers.map(|pem| options().trust_only(&pem).unwrap());
    for options in [options()].into_iter().chain(strangers) {
        let error = get(options, &server).unwrap_err();
        assert_eq!((error, error.kind()), (Error::UnknownRoot, ErrorKind::PermissionDenied));
    }
    assert!(server.saw_nothing_else(), "no request was sent");
}

#[test]
fn a_wrong_name_is_not_trusted() {
    let authority = Authority::new();
    let server = Server::start_tls(answer(), authority.server("other.example"));
    assert_eq!(get(options().trust_only(&authority.pem()).unwrap(), &server), Err(Error::WrongHost));
    assert!(server.saw_nothing_else(), "no request was sent");
}

#[test]
fn dm_32_a_server_without_tls_is_refused() {
    let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let address = listener.local_addr().unwrap();
    let plain = thread::spawn(move || {
        let (mut stream, _) = listener.accept().expect("a connection");
        stream.write_all(&reply("400 Bad Request", &[], b"")).expect("sent");
        stream.read_to_end(&mut Vec::new())
    });
    let trusting = options().trust_only(&Authority::new().pem()).unwrap();
    assert_eq!(get_from(trusting, address), Err(Error::Tls));
    drop(plain.join());
}

#[test]
fn a_handshake_that_is_not_answered_times_out() {
    let server = Server::start(vec![]);
    let impatient = Options::new(Duration::from_millis(200));
    assert_eq!(get(impatient, &server), Err(Error::TimedOut));
}

#[test]
fn a_tls_connection_cut_within_the_body_is_an_error() {
    let authority = Authority::new();
    let mut octets = reply("200 OK", &[], b"behind TLS");
    octets.truncate(octets.len() - 4);
    let server = Server::start_tls(vec![Act::SendAndClose(octets)], authority.server("operator.example"));
    let result = get(options().trust_only(&authority.pem()).unwrap(), &server);
    assert_eq!(result, Err(Error::Truncated));
}

#[test]
fn roots_must_be_certificates() {
    let key = rcgen::KeyPair::generate().unwrap().serialize_pem();
    for pem in ["", "no PEM", &key, "-----BEGIN CERTIFICATE-----\n!!\n-----END CERTIFICATE-----\n"] {
        assert_eq!(options().trust_only(pem).err(), Some(BadRoots), "{pem}");
    }
}

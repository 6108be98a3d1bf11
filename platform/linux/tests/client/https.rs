//! The HTTPS side of the client: whom it trusts, and whom not.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use crate::server::{Act, Server, reply};
use kedge_platform::http::{Connection, Error as _, ErrorKind, Method, Read, Status};
use kedge_platform_linux::http::{BadRoots, Error, HttpClient, Options};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair, KeyUsagePurpose};
use rustls::ServerConfig;
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};

const URL: &str = "https://operator.example/secret";

/// A certificate authority made for one test.
struct Authority {
    issuer: CertifiedIssuer<'static, KeyPair>,
}

impl Authority {
    fn new() -> Self {
        let mut params = CertificateParams::new(Vec::new()).expect("parameters");
        params.distinguished_name.push(DnType::CommonName, "Authority of a test");
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign];
        let key = KeyPair::generate().expect("a key");
        Self { issuer: CertifiedIssuer::self_signed(params, key).expect("a certificate") }
    }

    fn pem(&self) -> String {
        self.issuer.pem()
    }

    /// A server's configuration with a certificate for this name.
    fn server(&self, name: &str) -> Arc<ServerConfig> {
        let key = KeyPair::generate().expect("a key");
        let params = CertificateParams::new([name.to_owned()]).expect("parameters");
        let certificate = params.signed_by(&key, &self.issuer).expect("a certificate");
        let key = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(key.serialize_der()));
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .expect("versions")
            .with_no_client_auth()
            .with_single_cert(vec![certificate.der().clone()], key)
            .expect("certificate and key");
        Arc::new(config)
    }
}

fn get(options: Options, server: &Server) -> Result<(u16, Vec<u8>), Error> {
    get_from(options, server.address)
}

fn get_from(options: Options, address: SocketAddr) -> Result<(u16, Vec<u8>), Error> {
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

fn options() -> Options {
    Options::new(Duration::from_secs(5))
}

fn answer() -> Vec<Act> {
    vec![Act::Send(reply("200 OK", &[], b"behind TLS"))]
}

#[test]
fn the_right_authority_and_name_are_trusted() {
    let authority = Authority::new();
    let server = Server::start_tls(answer(), authority.server("operator.example"));
    let others = Authority::new().pem() + &authority.pem();
    let result = get(options().trust_only(&others).unwrap(), &server);
    assert_eq!(result, Ok((200, b"behind TLS".to_vec())));
    assert!(server.seen().head.contains("operator.example"));
}

#[test]
fn a_wrong_authority_is_not_trusted() {
    let server = Server::start_tls(answer(), Authority::new().server("operator.example"));
    for options in [options(), options().trust_only(&Authority::new().pem()).unwrap()] {
        let error = get(options, &server).unwrap_err();
        assert_eq!((error, error.kind()), (Error::Tls, ErrorKind::PermissionDenied));
    }
    assert!(server.saw_nothing_else(), "no request was sent");
}

#[test]
fn a_wrong_name_is_not_trusted() {
    let authority = Authority::new();
    let server = Server::start_tls(answer(), authority.server("other.example"));
    assert_eq!(get(options().trust_only(&authority.pem()).unwrap(), &server), Err(Error::Tls));
    assert!(server.saw_nothing_else(), "no request was sent");
}

#[test]
fn a_server_without_tls_is_refused() {
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
    assert_eq!(result, Err(Error::Closed));
}

#[test]
fn roots_must_be_certificates() {
    let key = KeyPair::generate().unwrap().serialize_pem();
    for pem in ["", "no PEM", &key, "-----BEGIN CERTIFICATE-----\n!!\n-----END CERTIFICATE-----\n"] {
        assert_eq!(options().trust_only(pem).err(), Some(BadRoots), "{pem}");
    }
}

//! Whom TLS trusts, and how each fault is told.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use kedge_platform::http::{Connection, Error as _, ErrorKind, Method, Write as _};
use kedge_platform_net::HttpError;
use kedge_platform_net::tls::{Distrust, TlsError};
use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, ExtendedKeyUsagePurpose, IsCa, KeyPair,
    PKCS_ECDSA_P384_SHA384, PKCS_ED25519,
};
use rustls::ServerConfig;
use rustls::pki_types::{CertificateDer, PrivatePkcs8KeyDer};

use crate::authority::Authority;
use crate::server::{Act, Server, reply};
use crate::socket::{At, Client, Fault, Gone, NOW, Socket, client, get};

const URL: &str = "https://operator.example/secret";

fn answer() -> Vec<Act> {
    vec![Act::Send(reply("200 OK", &[], b"behind TLS"))]
}

fn good() -> (u16, Vec<u8>) {
    (200, b"behind TLS".to_vec())
}

fn trusting(address: SocketAddr, roots: &[&Authority], time: At) -> Client {
    let socket = Socket::new(vec![("operator.example", address)], Duration::from_secs(5));
    let roots: Vec<Vec<u8>> = roots.iter().map(|root| root.issuer.der().to_vec()).collect();
    client(socket, &roots, time)
}

/// What a client that trusts this authority gets from this server, which must see no request if it is not trusted.
fn ask(server: &Server, authority: &Authority, time: At) -> Result<(u16, Vec<u8>), Fault> {
    let got = get(&mut trusting(server.address, &[authority], time), URL);
    assert!(got.is_ok() || server.saw_nothing_else(), "no request was sent");
    got
}

fn distrusted(why: Distrust) -> Result<(u16, Vec<u8>), Fault> {
    Err(HttpError::Stream(TlsError::Distrust(why)))
}

#[test]
fn one_of_the_roots_vouches_for_the_server() {
    let (authority, other) = (Authority::new(), Authority::new());
    let server = Server::start_tls(answer(), authority.server("operator.example"));
    assert_eq!(get(&mut trusting(server.address, &[&other, &authority], NOW), URL), Ok(good()));
    assert!(server.seen().head.starts_with("GET /secret HTTP/1.1\r\nHost: operator.example\r\n"));
}

#[test]
fn connections_follow_each_other() {
    let authority = Authority::new();
    let acts = [answer(), answer(), answer()].concat();
    let server = Server::start_tls(acts, authority.server("operator.example"));
    let plain = Server::start(answer());
    let hosts = vec![("operator.example", server.address), ("plain.example", plain.address)];
    let root = authority.issuer.der().to_vec();
    let mut client = client(Socket::new(hosts, Duration::from_secs(5)), &[root], NOW);
    assert_eq!(get(&mut client, URL), Ok(good()));
    assert_eq!(get(&mut client, "http://plain.example/"), Ok(good()));
    // an exchange that is given up in the middle
    client.initiate_request(Method::Post, URL, &[("Content-Length", "100000")]).unwrap();
    assert_eq!(client.write(&[b'x'; 5000]), Ok(5000));
    assert_eq!(get(&mut client, URL), Ok(good()));
    assert!(!server.seen().head.starts_with("POST"));
}

#[test]
fn long_bodies_go_both_ways() {
    let authority = Authority::new();
    let body: Vec<u8> = (0..100_000_u32).map(|n| n.to_le_bytes()[0]).collect();
    let acts = vec![Act::Send(reply("200 OK", &[], &body))];
    let server = Server::start_tls(acts, authority.server("operator.example"));
    let mut client = trusting(server.address, &[&authority], NOW);
    client.initiate_request(Method::Post, URL, &[("Content-Length", "100000")]).unwrap();
    for piece in body.chunks(777) {
        assert_eq!(client.write(piece), Ok(piece.len()));
    }
    client.initiate_response().unwrap();
    let mut got = Vec::new();
    let mut piece = [0; 5000];
    loop {
        match kedge_platform::http::Read::read(&mut client, &mut piece).unwrap() {
            0 => break,
            n => got.extend_from_slice(&piece[..n]),
        }
    }
    assert!(got == body && server.seen().body == body);
}

#[test]
fn strangers_are_not_trusted() {
    let server = Server::start_tls(answer(), Authority::named("Operator").server("operator.example"));
    assert_eq!(ask(&server, &Authority::new(), NOW), distrusted(Distrust::Unknown));
    let nobody = get(&mut trusting(server.address, &[], NOW), URL);
    assert_eq!(nobody, distrusted(Distrust::Unknown));
    let namesake = Authority::named("Operator");
    assert_eq!(
        ask(&server, &namesake, NOW),
        distrusted(Distrust::Signature),
        "the name of one, the key of another"
    );
    assert_eq!(nobody.unwrap_err().kind(), ErrorKind::PermissionDenied);
}

#[test]
fn a_wrong_name_is_not_trusted() {
    let authority = Authority::new();
    let server = Server::start_tls(answer(), authority.server("other.example"));
    assert_eq!(ask(&server, &authority, NOW), distrusted(Distrust::Name));
}

#[test]
fn certificates_have_their_time() {
    let authority = Authority::new();
    for (years, why) in [([2000, 2010], Distrust::Expired), ([3000, 4000], Distrust::NotYet)] {
        let vouched = authority.vouch("operator.example", years);
        let server = Server::start_tls(answer(), Authority::server_with(vouched));
        assert_eq!(ask(&server, &authority, NOW), distrusted(why));
    }
    let server = Server::start_tls(answer(), authority.server("operator.example"));
    assert_eq!(ask(&server, &authority, At(None)), distrusted(Distrust::NoTime));
}

#[test]
fn a_root_that_cannot_be_read_is_told() {
    let server = Server::start_tls(answer(), Authority::new().server("operator.example"));
    let socket = Socket::new(vec![("operator.example", server.address)], Duration::from_secs(5));
    let got = get(&mut client(socket, &[b"no certificate".to_vec()], NOW), URL);
    assert_eq!(got, distrusted(Distrust::Root));
}

/// A server with this chain and key.
fn server_with(chain: Vec<CertificateDer<'static>>, key: &KeyPair) -> Server {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let key = PrivatePkcs8KeyDer::from(key.serialize_der());
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(chain, key.into())
        .unwrap();
    Server::start_tls(answer(), Arc::new(config))
}

/// Somebody between an authority and a server: allowed to vouch for others, or not.
fn between(authority: &Authority, is_ca: IsCa) -> CertifiedIssuer<'static, KeyPair> {
    let mut params = CertificateParams::new(["between.example".to_owned()]).unwrap();
    params.distinguished_name.push(rcgen::DnType::CommonName, "between");
    params.is_ca = is_ca;
    CertifiedIssuer::signed_by(params, KeyPair::generate().unwrap(), &authority.issuer).unwrap()
}

#[test]
fn only_authorities_vouch_for_others() {
    let authority = Authority::new();
    let key = KeyPair::generate().unwrap();
    let made = |issuer: &CertifiedIssuer<'static, KeyPair>| {
        let params = CertificateParams::new(["operator.example".to_owned()]).unwrap();
        vec![params.signed_by(&key, issuer).unwrap().der().clone(), issuer.der().clone()]
    };
    let allowed = between(&authority, IsCa::Ca(BasicConstraints::Unconstrained));
    assert_eq!(ask(&server_with(made(&allowed), &key), &authority, NOW), Ok(good()));
    let leaf = between(&authority, IsCa::ExplicitNoCa);
    assert_eq!(ask(&server_with(made(&leaf), &key), &authority, NOW), distrusted(Distrust::Unknown));
}

#[test]
fn kinds_of_keys_and_uses() {
    let authority = Authority::new();
    let made = |key: &KeyPair, usage: Option<ExtendedKeyUsagePurpose>| {
        let mut params = CertificateParams::new(["operator.example".to_owned()]).unwrap();
        params.extended_key_usages.extend(usage);
        vec![params.signed_by(key, &authority.issuer).unwrap().der().clone()]
    };
    let ed25519 = KeyPair::generate_for(&PKCS_ED25519).unwrap();
    assert_eq!(ask(&server_with(made(&ed25519, None), &ed25519), &authority, NOW), Ok(good()));
    let key = KeyPair::generate().unwrap();
    let clients = made(&key, Some(ExtendedKeyUsagePurpose::ClientAuth));
    assert_eq!(ask(&server_with(clients, &key), &authority, NOW), distrusted(Distrust::Kind));
    let p384 = KeyPair::generate_for(&PKCS_ECDSA_P384_SHA384).unwrap();
    assert_eq!(ask(&server_with(made(&p384, None), &p384), &authority, NOW), distrusted(Distrust::Kind));
}

#[test]
fn a_certificate_without_its_key_proves_nothing() {
    // the certificate is that of one key, the server has another
    let authority = Authority::new();
    let (certificate, _) = authority.vouch("operator.example", [2000, 4000]);
    let other = KeyPair::generate().unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let key = provider.key_provider.load_private_key(PrivatePkcs8KeyDer::from(other.serialize_der()).into());
    let certified = rustls::sign::CertifiedKey::new(vec![certificate.der().clone()], key.unwrap());
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_cert_resolver(Arc::new(rustls::sign::SingleCertAndKey::from(certified)));
    let server = Server::start_tls(answer(), Arc::new(config));
    assert_eq!(ask(&server, &authority, NOW), distrusted(Distrust::Signature));
}

#[test]
fn old_protocols_are_refused() {
    let authority = Authority::new();
    let (certificate, key) = authority.vouch("operator.example", [2000, 4000]);
    let config = ServerConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_protocol_versions(&[&rustls::version::TLS12])
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(
            vec![certificate.der().clone()],
            PrivatePkcs8KeyDer::from(key.serialize_der()).into(),
        )
        .unwrap();
    let server = Server::start_tls(answer(), Arc::new(config));
    assert_eq!(ask(&server, &authority, NOW), Err(HttpError::Stream(TlsError::Refused)));
}

#[test]
fn an_end_that_is_not_announced_is_no_end() {
    let authority = Authority::new();
    let octets = b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nbehind TLS".to_vec();
    let cut =
        Server::start_tls(vec![Act::SendAndClose(octets.clone())], authority.server("operator.example"));
    let error = get(&mut trusting(cut.address, &[&authority], NOW), URL).unwrap_err();
    assert_eq!((error, error.kind()), (HttpError::Stream(TlsError::Truncated), ErrorKind::ConnectionAborted));
    let announced = Server::start_tls(vec![Act::SendAndBye(octets)], authority.server("operator.example"));
    assert_eq!(get(&mut trusting(announced.address, &[&authority], NOW), URL), Ok(good()));
}

#[test]
fn silence_and_nonsense_are_told() {
    let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let address = listener.local_addr().unwrap();
    thread::spawn(move || {
        let mut silent = Vec::new();
        for (number, stream) in listener.incoming().flatten().enumerate() {
            let mut stream = stream;
            assert!(stream.read(&mut [0; 4096]).expect("a hello") > 0);
            if number == 0 {
                stream.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n").expect("sent");
            }
            silent.push(stream);
        }
    });
    let socket = Socket::new(vec![("operator.example", address)], Duration::from_millis(300));
    let root = Authority::new().issuer.der().to_vec();
    let mut client = client(socket, &[root], NOW);
    assert_eq!(get(&mut client, URL), Err(HttpError::Stream(TlsError::Protocol)));
    let late = TlsError::Stream(Gone(ErrorKind::TimedOut));
    assert_eq!(get(&mut client, URL), Err(HttpError::Stream(late)));
}

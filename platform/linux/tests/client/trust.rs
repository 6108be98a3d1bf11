//! Each fault of TLS is refused by its own error; certificates of clients; proxies.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, channel};
use std::thread;

use kedge_platform::http::{Error as _, ErrorKind};
use kedge_platform_linux::http::{BadIdentity, BadProxy, Error};
use rcgen::KeyPair;
use rustls::server::WebPkiClientVerifier;
use rustls::{RootCertStore, ServerConfig};

use crate::authority::Authority;
use crate::https::{answer, get, get_from, options};
use crate::server::{Act, Server};

#[test]
fn certificates_out_of_their_time_are_refused() {
    let authority = Authority::new();
    for years in [[2000, 2010], [3000, 4000]] {
        let vouched = authority.vouch("operator.example", years);
        let server = Server::start_tls(answer(), Authority::server_with(vouched));
        let error = get(options().trust_only(&authority.pem()).unwrap(), &server).unwrap_err();
        assert_eq!((error, error.kind()), (Error::Expired, ErrorKind::PermissionDenied));
        assert!(server.saw_nothing_else(), "no request was sent");
    }
}

/// A server that answers the client's first octets with these.
fn says(octets: Vec<u8>) -> SocketAddr {
    let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let address = listener.local_addr().unwrap();
    thread::spawn(move || {
        let (mut stream, _) = listener.accept().expect("a connection");
        assert!(stream.read(&mut [0; 4096]).expect("a hello") > 0);
        stream.write_all(&octets).expect("sent");
        // until the client has had enough
        drop(stream.read_to_end(&mut Vec::new()));
    });
    address
}

#[test]
fn dm_32_protocols_that_are_too_weak_are_refused() {
    // a server that knows nothing later than TLS 1.1 (RFC 4346): an alert, or its hello
    let alert = |description| vec![21, 3, 1, 0, 2, 2, description];
    let mut hello = vec![22, 3, 2, 0, 42, 2, 0, 0, 38, 3, 2];
    hello.extend_from_slice(&[7; 32]);
    hello.extend_from_slice(&[0, 0, 0x2F, 0]);
    let trusting = || options().trust_only(&Authority::new().pem()).unwrap();
    // protocol_version, handshake_failure, insufficient_security
    for octets in [alert(70), alert(40), alert(71), hello] {
        let error = get_from(trusting(), says(octets.clone())).unwrap_err();
        assert_eq!((error, error.kind()), (Error::WeakProtocol, ErrorKind::PermissionDenied), "{octets:?}");
    }
    let error = get_from(trusting(), says(alert(80))).unwrap_err();
    assert_eq!(error, Error::Tls, "internal_error is no weakness");
}

#[test]
fn an_end_that_is_not_announced_is_no_end() {
    let authority = Authority::new();
    let trusting = || options().trust_only(&authority.pem()).unwrap();
    // without a length the body goes on to the end of the connection
    let octets = b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nbehind TLS".to_vec();
    let cut =
        Server::start_tls(vec![Act::SendAndClose(octets.clone())], authority.server("operator.example"));
    let error = get(trusting(), &cut).unwrap_err();
    assert_eq!((error, error.kind()), (Error::Truncated, ErrorKind::ConnectionAborted));
    let announced = Server::start_tls(vec![Act::SendAndBye(octets)], authority.server("operator.example"));
    assert_eq!(get(trusting(), &announced), Ok((200, b"behind TLS".to_vec())));
}

/// A server that wants certificates of clients, vouched for by this authority.
fn strict(authority: &Authority) -> Arc<ServerConfig> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut roots = RootCertStore::empty();
    roots.add(authority.issuer.der().clone()).unwrap();
    let verifier =
        WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider.clone()).build().unwrap();
    let (certificate, key) = authority.vouch("operator.example", [2000, 4000]);
    let key = rustls::pki_types::PrivatePkcs8KeyDer::from(key.serialize_der());
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_client_cert_verifier(verifier)
        .with_single_cert(vec![certificate.der().clone()], key.into())
        .unwrap();
    Arc::new(config)
}

#[test]
fn servers_may_want_to_know_the_client() {
    let authority = Authority::new();
    let trusting = || options().trust_only(&authority.pem()).unwrap();
    let (certificate, key) = authority.vouch("device.example", [2000, 4000]);
    let server = Server::start_tls(answer(), strict(&authority));
    let known = trusting().identify(&certificate.pem(), &key.serialize_pem()).unwrap();
    assert_eq!(get(known, &server), Ok((200, b"behind TLS".to_vec())));
    let (stranger, strangers_key) = Authority::new().vouch("device.example", [2000, 4000]);
    let stranger = trusting().identify(&stranger.pem(), &strangers_key.serialize_pem()).unwrap();
    for options in [trusting(), stranger] {
        let server = Server::start_tls(answer(), strict(&authority));
        let error = get(options, &server).unwrap_err();
        assert_eq!((error, error.kind()), (Error::NotAdmitted, ErrorKind::PermissionDenied));
    }
}

#[test]
fn a_clients_certificate_and_key_must_belong_together() {
    let authority = Authority::new();
    let (certificate, key) = authority.vouch("device.example", [2000, 4000]);
    let (pem, key) = (certificate.pem(), key.serialize_pem());
    let other = KeyPair::generate().unwrap().serialize_pem();
    for (chain, key) in [(pem.as_str(), other.as_str()), ("", &key), (&key, &key), (&pem, ""), (&pem, &pem)] {
        assert_eq!(options().identify(chain, key).err(), Some(BadIdentity));
    }
    assert!(options().identify(&pem, &key).is_ok());
}

/// A proxy that connects to `to` whatever it is asked for, or refuses; and what it was asked.
fn proxy(to: Option<SocketAddr>) -> (SocketAddr, Receiver<String>) {
    let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let address = listener.local_addr().unwrap();
    let (told, asked) = channel();
    thread::spawn(move || {
        for client in listener.incoming() {
            let mut client = client.expect("a connection");
            let mut head = Vec::new();
            while !head.ends_with(b"\r\n\r\n") {
                let mut octet = [0];
                client.read_exact(&mut octet).expect("a head");
                head.extend_from_slice(&octet);
            }
            drop(told.send(String::from_utf8(head).expect("text")));
            let Some(to) = to else {
                drop(client.write_all(b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n"));
                continue;
            };
            client.write_all(b"HTTP/1.1 200 Connected\r\n\r\n").expect("told");
            let server = TcpStream::connect(to).expect("the server");
            let pairs = [(&client, &server), (&server, &client)];
            for (from, to) in pairs.map(|(from, to)| (from.try_clone().unwrap(), to.try_clone().unwrap())) {
                thread::spawn(move || {
                    let (mut from, mut to) = (from, to);
                    drop(std::io::copy(&mut from, &mut to));
                    drop(to.shutdown(std::net::Shutdown::Write));
                });
            }
        }
    });
    (address, asked)
}

#[test]
fn a_proxy_connects_and_sees_no_more_than_the_host() {
    let authority = Authority::new();
    let server = Server::start_tls(answer(), authority.server("operator.example"));
    let (address, asked) = proxy(Some(server.address));
    let trusting = || options().trust_only(&authority.pem()).unwrap();
    let through = trusting().proxy("http://device:secret@proxy.example:3128").unwrap();
    let through = through.resolve("proxy.example", 3128, address);
    // the server's own address leads nowhere
    assert_eq!(get_from(through, "127.0.0.1:1".parse().unwrap()), Ok((200, b"behind TLS".to_vec())));
    let head = asked.recv().unwrap();
    assert!(head.starts_with("CONNECT operator.example:443 HTTP/1.1\r\n"), "{head}");
    assert!(head.to_ascii_lowercase().contains("proxy-authorization: basic zgv2awnlonnly3jlda=="), "{head}");
    assert!(server.seen().head.starts_with("GET /secret HTTP/1.1\r\n"));

    let (address, _asked) = proxy(None);
    let refused = trusting().proxy("http://proxy.example").unwrap().resolve("proxy.example", 80, address);
    let error = get_from(refused, server.address).unwrap_err();
    assert_eq!((error, error.kind()), (Error::Proxy, ErrorKind::PermissionDenied));
    for url in ["", "proxy.example:8080", "https://proxy.example", "socks5://proxy.example", "http://"] {
        assert_eq!(options().proxy(url).err(), Some(BadProxy), "{url}");
    }
}

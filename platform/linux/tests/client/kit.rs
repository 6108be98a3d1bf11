//! The conformance kit of the ports over this client, against a server that answers as the kit's [`Site`] says; and the kit's
//! own checks against servers that do not.

use std::time::Duration;

use kedge_platform::conformance::{Fault, Site, http};
use kedge_platform_linux::http::{HttpClient, Options};

use crate::authority::Authority;
use crate::https::answer;
use crate::server::Server;
use crate::site::{LEN, Lines, site};

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

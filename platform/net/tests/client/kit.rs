//! The conformance kit of the ports over this client.

use std::time::Duration;

use kedge_platform::conformance::{Site, http};

use crate::authority::Authority;
use crate::server::{Act, Server, reply};
use crate::site::{LEN, Lines, site};
use crate::socket::{NOW, Socket, client};

#[test]
fn the_client_passes_the_kit() {
    let act = Act::Send(reply("200 OK", &[], b"behind TLS"));
    let stranger = Server::start_tls(vec![act], Authority::new().server("operator.example"));
    let hosts = vec![("kit.example", site("")), ("operator.example", stranger.address)];
    let mut client = client(Socket::new(hosts, Duration::from_millis(400)), &[], NOW);
    let page = Site {
        whole: "http://kit.example/whole",
        chunked: "http://kit.example/chunked",
        part: "http://kit.example/part",
        echo: "http://kit.example/echo",
        redirect: "http://kit.example/redirect",
        missing: "http://kit.example/missing",
        cut: "http://kit.example/cut",
        silent: "http://kit.example/silent",
        untrusted: "https://operator.example/",
        len: LEN,
    };
    let mut lines = Lines::default();
    http(&mut client, &page, &mut lines);
    assert!(lines.0.is_empty(), "{}", lines.0[0]);
    assert_eq!(lines.1, 11);
}

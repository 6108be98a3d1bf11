//! HTTP and TLS against real servers on loopback, which the tests of `kedge-platform-linux` have too; the stream below is a
//! socket of this machine.

#[path = "../../../linux/tests/client/authority.rs"]
#[allow(dead_code, reason = "the other crate's tests use all of it")]
mod authority;
mod http;
mod kit;
#[path = "../../../linux/tests/client/server.rs"]
#[allow(dead_code, reason = "the other crate's tests use all of it")]
mod server;
#[path = "../../../linux/tests/client/site.rs"]
mod site;
mod socket;
mod tls;

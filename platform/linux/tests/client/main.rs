//! The HTTP client against a server whose every octet the test chooses.

mod authority;
mod http;
mod https;
mod kit;
mod server;
mod site;
mod trust;

//! The HTTP client against a server whose every octet the test chooses.

mod http;
mod https;
mod kit;
mod server;
mod trust;

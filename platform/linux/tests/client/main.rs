//! The HTTP client against a server whose every octet the test chooses.

mod http;
mod https;
mod server;

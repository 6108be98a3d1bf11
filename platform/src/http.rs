//! HTTP, by the client traits of `embedded-svc`.
//!
//! One exchange at a time: [`Connection::initiate_request`] with method, absolute URL and headers, then `write` the body
//! (its length is in the `Content-Length` header), then [`Connection::initiate_response`], [`Status::status`],
//! [`Headers::header`], and `read` the body until it returns 0.
//!
//! Where an answer has several headers of a name, [`Headers::header`] hands out the first; of `Set-Cookie`, which cannot be one
//! list, it may hand out all, a line each.
//!
//! A connection must not follow redirects (the session's rules do), must check the server's certificate chain and name on
//! `https` URLs, and must give up after the connection timeout it was made with. It may keep the transport open between
//! exchanges. Starting a request abandons whatever is left of the previous exchange.

pub use embedded_svc::http::client::Connection;
pub use embedded_svc::http::{Headers, Method, Status};
pub use embedded_svc::io::{Error, ErrorKind, ErrorType, Read, Write};

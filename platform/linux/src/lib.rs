//! The ports on Linux: HTTP over ureq, rustls and ring.

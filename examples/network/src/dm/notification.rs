//! Package 0, the server's side: the push that asks a device for a session (`oma-dm.md` section 12).

use super::credentials::encode;
use md5::{Digest as _, Md5};

/// A connectionless push PDU with a notification of version 1.1, in the background, by the server.
pub(crate) fn push(server: &str, password: &str, nonce: &[u8], session: u16) -> Vec<u8> {
    // Transaction, push, three octets of headers: the type, and the application.
    let mut pdu = vec![0x01, 0x06, 0x03, 0xC4, 0xAF, 0x87];
    pdu.extend(body(server, password, nonce, session));
    pdu
}

fn body(server: &str, password: &str, nonce: &[u8], session: u16) -> Vec<u8> {
    // Ten bits of version 11, mode 1, initiator 1, and 27 reserved ones.
    let mut trigger = vec![0x02, 0xD8, 0, 0, 0];
    trigger.extend(session.to_be_bytes());
    trigger.push(u8::try_from(server.len()).unwrap_or_default());
    trigger.extend(server.bytes());
    let pair = encode(&Md5::digest(format!("{server}:{password}")));
    let whole = [pair.as_bytes(), b":", nonce, b":", encode(&Md5::digest(&trigger)).as_bytes()].concat();
    [&Md5::digest(whole)[..], &trigger].concat()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The vector of the fact sheet's corpus: the same but for the initiator bit.
    #[test]
    fn the_fields_lie_where_they_should() {
        let body = body("com.mgmtsrv.manage", "srvpwd", b"Nonce", 0x1234);
        assert_eq!(body.len(), 16 + 8 + 18);
        assert_eq!(body[16..24], [0x02, 0xD8, 0, 0, 0, 0x12, 0x34, 18]);
        assert_eq!(&body[24..], b"com.mgmtsrv.manage");
        let other = super::body("com.mgmtsrv.manage", "srvpwd", b"Nonce2", 0x1234);
        assert_ne!(body[..16], other[..16]);
    }
}

//! Credentials by name and password, both ways (`oma-dm.md` section 8).

use super::element::Element;
use kedge_protocol::wire::Writer;
use kedge_protocol::xml::base64;
use md5::{Digest as _, Md5};

/// How one side proves itself to the other.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum DmScheme {
    /// Not at all.
    #[default]
    None,
    /// Name and password.
    Basic,
    /// A digest with a nonce.
    Md5,
}

impl DmScheme {
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::None => "",
            Self::Basic => "syncml:auth-basic",
            Self::Md5 => "syncml:auth-md5",
        }
    }
}

/// Who proves himself, and how.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DmCredentials {
    /// How.
    pub scheme: DmScheme,
    /// The name.
    pub name: String,
    /// The password.
    pub password: String,
    /// The nonce that counts next.
    pub nonce: Vec<u8>,
}

impl DmCredentials {
    /// What Data of Cred must be.
    pub(crate) fn data(&self) -> String {
        let pair = format!("{}:{}", self.name, self.password);
        match self.scheme {
            DmScheme::None => String::new(),
            DmScheme::Basic => encode(pair.as_bytes()),
            DmScheme::Md5 => {
                let mut whole = encode(&Md5::digest(pair)).into_bytes();
                whole.push(b':');
                whole.extend_from_slice(&self.nonce);
                encode(&Md5::digest(whole))
            }
        }
    }

    /// The element.
    pub(crate) fn cred(&self) -> Element {
        let meta = Element::new("Meta")
            .with(Element::text("Format", "b64"))
            .with(Element::text("Type", self.scheme.name()));
        Element::new("Cred").with(meta).with(Element::text("Data", self.data()))
    }

    /// The challenge that asks for them, with the nonce that counts next.
    pub(crate) fn chal(&self) -> Element {
        let mut meta = Element::new("Meta")
            .with(Element::text("Format", "b64"))
            .with(Element::text("Type", self.scheme.name()));
        if self.scheme == DmScheme::Md5 {
            meta = meta.with(Element::text("NextNonce", encode(&self.nonce)));
        }
        Element::new("Chal").with(meta)
    }

    /// What a message's Cred shows; `None` without one.
    pub(crate) fn judge(&self, cred: Option<&Element>) -> Option<bool> {
        let cred = cred?;
        let scheme = cred.at(&["Meta", "Type"]);
        Some(scheme == self.scheme.name() && cred.at(&["Data"]) == self.data())
    }
}

/// Base64.
pub(crate) fn encode(octets: &[u8]) -> String {
    let mut buf = vec![0; base64::encoded_len(octets.len())];
    let mut out = Writer::new(&mut buf);
    // The room is what it takes.
    let _ = base64::encode(octets, &mut out);
    String::from_utf8_lossy(out.written()).into_owned()
}

/// The octets behind base64; empty for what is none.
pub(crate) fn decode(text: &str) -> Vec<u8> {
    let mut buf = vec![0; text.len()];
    base64::decode(text.as_bytes(), &mut buf).map(<[u8]>::to_vec).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The example of the specification's text.
    #[test]
    fn digests_of_the_specification() {
        let mut bruce = DmCredentials {
            scheme: DmScheme::Md5,
            name: "Bruce2".to_owned(),
            password: "OhBehave".to_owned(),
            nonce: b"Nonce".to_vec(),
        };
        assert_eq!(bruce.data(), "Zz6EivR3yeaaENcRN6lpAQ==");
        assert_eq!(bruce.judge(Some(&bruce.cred())), Some(true));
        let cred = bruce.cred();
        bruce.nonce.push(0);
        assert_eq!((bruce.judge(Some(&cred)), bruce.judge(None)), (Some(false), None));
        bruce.scheme = DmScheme::Basic;
        assert_eq!(bruce.data(), "QnJ1Y2UyOk9oQmVoYXZl");
        assert_eq!(decode("QnJ1Y2UyOk9oQmVoYXZl"), b"Bruce2:OhBehave");
    }
}

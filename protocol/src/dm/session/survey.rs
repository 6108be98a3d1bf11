//! What the header and the Status commands of a message of the server say: who it is, how it took ours, what it can take.

use super::Config;
use super::link::Link;
use crate::dm::auth::{Crypto, MAX_BASIC, MAX_NONCE, MacHeader, Nonce, Scheme, same};
use crate::syncml::{AlertCode, Code, Element, Header, Message, Verb};
use crate::wire::Error;
use crate::xml::base64;

/// What was found in the header and the Status commands of a message.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Survey {
    /// The Status of our header.
    pub(super) header: Option<Code>,
    pub(super) challenge: Option<(Option<Scheme>, Option<Nonce>)>,
    pub(super) has_commands: bool,
    pub(super) aborted: bool,
}

/// What the device holds of the server's credentials.
#[derive(Clone, Copy, Debug)]
pub(super) struct Trust {
    /// The Status of its header.
    pub(super) code: Code,
    pub(super) chal: Option<(Scheme, Nonce)>,
}

/// Checks the server's credentials (`oma-dm.md` section 8, rules 3 to 7).
pub(super) fn server_trust(
    config: &Config<'_>,
    link: &mut Link,
    header: &Header<'_>,
    mac: Option<&str>,
    body: &[u8],
    crypto: &mut dyn Crypto,
) -> Trust {
    let Some(server) = config.account.server else { return Trust { code: Code::OK, chal: None } };
    let scheme = config.account.server_scheme;
    if link.server_known && scheme != Scheme::Mac {
        return Trust { code: Code::OK, chal: None };
    }
    let nonce = link.server_nonce;
    let mut text = [0; base64::encoded_len(MAX_NONCE)];
    let as_text = Nonce::new(nonce.base64(&mut text).as_bytes());
    let nonces = [Some(nonce), as_text.filter(|_| config.account.nonce_is_text)];
    let shown = match scheme {
        Scheme::Mac => mac.and_then(MacHeader::parse).map(|header| {
            header.username == server.name
                && nonces
                    .iter()
                    .flatten()
                    .any(|nonce| server.mac(nonce.octets(), body, crypto).is(header.mac.as_bytes()))
        }),
        Scheme::Md5 => header.cred.map(|cred| {
            Scheme::from_name(cred.scheme) == Some(Scheme::Md5)
                && nonces
                    .iter()
                    .flatten()
                    .any(|nonce| server.md5(nonce.octets(), crypto).is(cred.data.octets()))
        }),
        Scheme::Basic => header.cred.map(|cred| {
            let mut plain = [0; base64::encoded_len(MAX_BASIC)];
            let expected = server.basic(&mut plain).unwrap_or_default();
            Scheme::from_name(cred.scheme) == Some(Scheme::Basic)
                && !expected.is_empty()
                && same(expected.as_bytes(), cred.data.octets())
        }),
    };
    let next = Nonce::random(crypto);
    let code = match shown {
        Some(true) if scheme == Scheme::Mac => Code::OK,
        Some(true) => Code::AUTHENTICATED,
        Some(false) => Code::INVALID_CREDENTIALS,
        None => Code::MISSING_CREDENTIALS,
    };
    if code == Code::AUTHENTICATED {
        link.next_server_nonce = Some(next);
    } else {
        link.server_nonce = next;
    }
    link.server_known = shown == Some(true);
    Trust { code, chal: Some((scheme, next)) }
}

pub(super) fn note_sizes(link: &mut Link, header: &Header<'_>) {
    if let Some(max) = header.meta.max_message {
        link.max_message = usize::try_from(max).unwrap_or(usize::MAX);
    }
    link.max_object = header.meta.max_object.or(link.max_object);
}

/// 212: no credentials any more, the nonce is for the next session; 200: they go with every message.
pub(super) fn note_authenticated(link: &mut Link, survey: &Survey) {
    if survey.header == Some(Code::AUTHENTICATED) && link.scheme != Some(Scheme::Mac) {
        link.authenticated = true;
    }
    if let Some((_, Some(nonce))) = survey.challenge {
        link.client_nonce = nonce;
    }
}

/// Reads the Status commands of a message, and whether it has others.
pub(super) fn survey(
    config: &Config<'_>,
    link: &mut Link,
    message: &Message<'_>,
    scratch: &mut [u8],
) -> Result<Survey, Error> {
    let mut survey = Survey::default();
    let mut body = message.body()?;
    while let Some(element) = body.next(scratch)? {
        let (Element::Command(head, _) | Element::Begin(head)) = element else { continue };
        survey.aborted |= head.alert_code() == Some(AlertCode::ABORT);
        if head.verb != Verb::Status {
            survey.has_commands = true;
            continue;
        }
        link.note_answer(config, &head);
        let about_header = head.cmd_ref == Some("0") || head.cmd == Some("SyncHdr");
        if about_header && head.msg_ref.is_some_and(|message| link.is_last(message)) {
            survey.header = head.code();
            survey.challenge = head
                .chal
                .map(|chal| (Scheme::from_name(chal.scheme), chal.next_nonce.and_then(Nonce::from_base64)));
        }
    }
    Ok(survey)
}

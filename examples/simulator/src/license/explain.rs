//! What a document says, claim by claim, and what a device makes of it, step by step.

use std::fmt::Write as _;

use kedge_agent::license::Terms;
use kedge_network::date_time;
use kedge_protocol::license::envelope::Envelope;
use kedge_protocol::license::sealed::Sealed;
use kedge_protocol::license::{Claims, Code, License, Refusal, State};

use super::device::parts;
use crate::hex;

/// The fifteen steps of acceptance (section 6), in their order.
pub const STEPS: [&str; 15] = [
    "size and media type",
    "frame: tag 18, four items, signature of 64 octets",
    "protected header: deterministic, exactly three labels",
    "algorithm and kind",
    "the key is known",
    "signature",
    "claims: deterministic, well-formed, within limits",
    "the issuer owns the key, and may sign this",
    "the product",
    "the device: identity and key",
    "the nonce of the outstanding request",
    "newer than everything before",
    "times",
    "the configuration can be applied",
    "kept on flash, applied",
];

/// How the steps went: all of them, or up to the refusal.
pub fn steps(refusal: Option<Refusal>) -> String {
    let mut text = String::new();
    for (number, step) in (1_u8..).zip(STEPS) {
        let result = match refusal {
            None => "passed".to_owned(),
            Some(refusal) if number < refusal.step => "passed".to_owned(),
            Some(refusal) if number == refusal.step => format!("REFUSED: {}", told(&refusal)),
            Some(_) => "not reached".to_owned(),
        };
        let _ = writeln!(text, "  {number:>2}  {step:<54} {result}");
    }
    text
}

/// A refusal with its place, if a single octet is wrong.
pub fn told(refusal: &Refusal) -> String {
    let place = if refusal.at > 0 { format!(", octet {}", refusal.at) } else { String::new() };
    format!("{} ({}{place})", refusal.code, meaning(refusal.code))
}

/// A code in words.
pub const fn meaning(code: Code) -> &'static str {
    match code {
        Code::TooBig => "larger than this device takes",
        Code::WrongType => "no document by its media type",
        Code::Malformed => "not well-formed",
        Code::BadHeader => "another protected header",
        Code::BadAlg => "another algorithm",
        Code::WrongTyp => "a signed thing of another kind",
        Code::UnknownKey => "signed with a key that is not trusted",
        Code::BadSignature => "the signature is wrong",
        Code::Role => "the key may not sign this",
        Code::WrongProduct => "for another product",
        Code::WrongDevice => "for another device",
        Code::StaleNonce => "no answer to the outstanding request",
        Code::Replayed => "not newer than what was accepted before",
        Code::Downgrade => "takes rights away without a reason",
        Code::BadTime => "its times cannot be right",
        Code::BadConfig => "its configuration cannot be applied",
        Code::Storage => "it could not be kept",
        _ => "refused",
    }
}

/// Everything that a document says, a line each, up to what cannot be read. Nothing of it is believed.
pub fn document(octets: &[u8]) -> String {
    let mut text = format!("{} octets\n", octets.len());
    if let Some(sealed) = sealed(octets) {
        return text + &sealed;
    }
    let envelope = match Envelope::parse(octets) {
        Ok(envelope) => envelope,
        Err(error) => {
            let _ = writeln!(text, "no signed frame: {error:?}");
            return text;
        }
    };
    match envelope.header() {
        Ok(header) => {
            let _ = writeln!(text, "header 1 alg       {}", header.algorithm);
            let _ = writeln!(text, "header 4 kid       {}", hex::encode(header.key_id));
            let _ = writeln!(text, "header 16 typ      {}", header.kind);
        }
        Err(error) => _ = writeln!(text, "header unreadable: {error:?}"),
    }
    match Claims::parse(envelope.payload, envelope.payload_at()) {
        Ok(found) => claims(&found, &mut text),
        // what another kind of signed thing says, or a document that is broken
        Err(error) => {
            let _ = writeln!(text, "no claims of a document: {error:?}");
            let _ = writeln!(text, "payload {}", minicbor::display(envelope.payload));
        }
    }
    let _ = writeln!(text, "signature          {}", hex::encode(envelope.signature));
    text
}

/// What can be told of a sealed document; `None` if it is none.
pub fn sealed(octets: &[u8]) -> Option<String> {
    let sealed = Sealed::parse(octets).ok()?;
    let mut text =
        "sealed: only the process that asked for it can open it, while it waits for the answer\n".to_owned();
    let _ = writeln!(text, "server's key       {}", hex::encode(&sealed.ephemeral));
    let _ = writeln!(text, "vector             {}", hex::encode(&sealed.iv));
    let _ = writeln!(text, "ciphertext         {} octets, with its tag", sealed.content.len());
    Some(text)
}

fn claims(claims: &Claims<'_>, text: &mut String) {
    let mut line = |name: &str, value: Option<String>| {
        if let Some(value) = value {
            let _ = writeln!(text, "{name:<18} {value}");
        }
    };
    let time = |seconds: u64| Some(date_time(seconds));
    line("claim 1 iss", Some(claims.issuer.to_owned()));
    line("claim 2 sub", claims.subject.map(str::to_owned));
    line("claim 3 aud", Some(claims.audience.to_owned()));
    line("claim 4 exp", claims.expires.and_then(time));
    line("claim 5 nbf", claims.not_before.and_then(time));
    line("claim 6 iat", time(claims.issued_at));
    line("claim 7 cti", Some(hex::encode(claims.id)));
    line("claim 8 cnf", claims.key.map(|key| hex::encode(key)));
    line("claim 10 nonce", claims.nonce.map(|nonce| hex::encode(nonce)));
    line("claim 256 ueid", claims.ueid.map(hex::encode));
    if let Some(license) = &claims.license {
        line("license", Some(self::license(license)));
    }
    if let Some(configuration) = &claims.configuration {
        for part in parts(configuration) {
            line("configuration", Some(part));
        }
    }
}

/// A license in one line.
pub fn license(license: &License) -> String {
    let mut text = format!("{}, serial {}", license.state, license.serial);
    let mut add = |value: Option<String>| {
        if let Some(value) = value {
            let _ = write!(text, ", {value}");
        }
    };
    add(license.refresh_at.map(|at| format!("refresh at {}", date_time(at))));
    add((license.grace > 0).then(|| format!("grace {} s", license.grace)));
    add((license.state != State::Unknown)
        .then(|| if license.any_service { "any service" } else { "bound service" }.to_owned()));
    add((license.features > 0).then(|| format!("features {:#x}", license.features)));
    add(license.usage_budget.map(|seconds| format!("{seconds} s of use")));
    add(license.boot_budget.map(|boots| format!("{boots} starts")));
    add(license.reason.map(|reason| reason.to_string()));
    text
}

/// Terms that a device holds, in one line.
pub fn terms(terms: &Terms) -> String {
    let end = terms.expires.map_or_else(|| "for good".to_owned(), |end| format!("until {}", date_time(end)));
    match terms.state {
        State::Unknown => "none".to_owned(),
        state => format!("{state}, serial {}, {end}", terms.serial),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_steps_end_with_the_refusal() {
        let text = steps(Some(Refusal { code: Code::BadSignature, step: 6, at: 0 }));
        assert_eq!((text.matches("passed").count(), text.matches("not reached").count()), (5, 9));
        assert!(text.contains("REFUSED: bad-signature"), "{text}");
        assert_eq!(steps(None).matches("passed").count(), 15);
    }

    #[test]
    fn a_sealed_document_is_called_one() {
        let (mut head, content) = ([0; 128], [7; 40]);
        let head = Sealed::emit(&[1; 32], &[2; 12], content.len(), &mut head).expect("room");
        let octets = [head, &content].concat();
        let text = document(&octets);
        assert!(
            text.contains("sealed: only the process") && text.contains("40 octets, with its tag"),
            "{text}"
        );
        assert_eq!(sealed(&octets[1..]), None);
    }
}

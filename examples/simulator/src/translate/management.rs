//! Messages of OMA device management, in plain words: one phrase per command, addresses by their paths.

use kedge_protocol::mime::MediaType;
use kedge_protocol::syncml::{self, AlertCode, Element, Head, Item, Message, Parts, Verb};
use kedge_protocol::wap::Coding;

use super::body::Phrase;

/// Columns of a value that a phrase quotes.
const QUOTED: usize = 40;

/// The coding of a management message of this media type.
pub(super) fn coding_of(media: Option<MediaType<'_>>) -> Option<Coding> {
    media.as_ref().and_then(syncml::coding_of)
}

/// Whether a body of this type is a management message.
pub(super) fn is_message(content_type: &str) -> bool {
    coding_of(MediaType::parse(content_type).ok()).is_some()
}

/// What a message says, in order; nothing if it cannot be read.
pub(super) fn phrases(coding: Coding, octets: &[u8]) -> Vec<Phrase> {
    let room = syncml::limits::SCRATCH + 2 * octets.len();
    let (mut scratch, mut more) = (vec![0; room], vec![0; room]);
    let Ok(message) = Message::check(coding, octets, &mut scratch) else { return Vec::new() };
    let Ok(mut body) = message.body() else { return Vec::new() };
    let mut phrases = Vec::new();
    while let Ok(Some(element)) = body.next(&mut scratch) {
        let text = match element {
            Element::Command(head, parts) => command(&head, parts, &mut more),
            Element::Begin(head) => Some(format!("{}:", head.name)),
            Element::End(_) => None,
        };
        phrases.extend(text.map(|text| Phrase { text, steps: Vec::new() }));
    }
    phrases
}

fn command(head: &Head<'_>, mut parts: Parts<'_>, scratch: &mut [u8]) -> Option<String> {
    let name = head.name;
    match head.verb {
        // The header's own says nothing that the commands do not.
        Verb::Status
            if head.cmd == Some("SyncHdr")
                && head.code().is_some_and(kedge_protocol::syncml::Code::is_success) =>
        {
            None
        }
        Verb::Status => {
            let code = head.code().map_or(0, |code| code.0);
            Some(format!("{code} for {}", head.cmd.unwrap_or_default()))
        }
        Verb::Alert => {
            let code = head.alert_code()?;
            let item = parts.item(scratch).ok().flatten();
            Some(match (code, item) {
                (AlertCode::CLIENT_INITIATED, _) => "begins a management session".to_owned(),
                (AlertCode::SERVER_INITIATED, _) => {
                    "begins the management session it was called to".to_owned()
                }
                (AlertCode::NEXT_MESSAGE, _) => "asks for the next message".to_owned(),
                (_, Some(item)) => {
                    let kind = item.meta.media_type.unwrap_or_default();
                    let kind = kind.rsplit('.').next().unwrap_or_default();
                    format!("alert {} {kind} {}", code.0, value(&item))
                }
                (code, None) => format!("alert {}", code.0),
            })
        }
        _ => {
            let mut items = Vec::new();
            while let Ok(Some(item)) = parts.item(&mut *scratch) {
                items.push(about(head.verb, &item));
            }
            Some(format!("{name} {}", items.join(", ")))
        }
    }
}

/// The node of an item, and its value where that is short.
fn about(verb: Verb, item: &Item<'_>) -> String {
    let node = item.target.or(item.source).map_or("", |location| location.uri);
    match (verb, value(item)) {
        (Verb::Get | Verb::Exec | Verb::Delete, _) => node.to_owned(),
        (_, value) if value.is_empty() => node.to_owned(),
        (_, value) => format!("{node} = {value}"),
    }
}

fn value(item: &Item<'_>) -> String {
    let octets = item.data.map_or(&[][..], |data| data.octets());
    match core::str::from_utf8(octets) {
        Ok(text) if text.chars().count() <= QUOTED => text.to_owned(),
        _ => format!("({} octets)", octets.len()),
    }
}

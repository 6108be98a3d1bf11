//! A message body looked into: what it says, and all of it decoded.

use std::fmt::Write;

use kedge_protocol::iota::mmc::{self, Answer, Command, Content, Document, Element, Verb};
use kedge_protocol::iota::{IS683, IS683_OBJECT, IS683_RESPONSE, ResultCode};
use kedge_protocol::is683::{self, Direction, MsgType, Packet, Reverse};
use kedge_protocol::mime::{MediaType, Part, Related};
use kedge_protocol::syncml;

use super::management;
use super::story::Story;
use super::topic::Topic;
use crate::hex;

/// Columns of a value that a meaning quotes.
const QUOTED: usize = 60;

/// One thing a message says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Phrase {
    pub(super) text: String,
    /// Numbers of the flow's steps, without repetition.
    pub(super) steps: Vec<&'static str>,
}

impl Phrase {
    /// What the topic means, followed by `detail` if there is some.
    pub(super) fn new(story: &Story, topic: Topic<'_>, detail: Option<&str>) -> Self {
        let mut text = topic.meaning();
        if let Some(detail) = detail {
            let short: String = detail.chars().take(QUOTED).collect();
            let more = if short.len() < detail.len() { "…" } else { "" };
            let _ = write!(text, ": {short}{more}");
        }
        Self { text, steps: story.steps(topic) }
    }
}

/// The commands of the last document of the server, by their ids: an answer names nothing else.
#[derive(Clone, Debug, Default)]
pub(super) struct Asked {
    commands: Vec<(u16, Verb, String)>,
}

/// A body and its media type.
#[derive(Clone, Copy)]
pub(super) struct Body<'a> {
    pub(super) content_type: &'a str,
    pub(super) octets: &'a [u8],
}

impl<'a> Body<'a> {
    /// What the body says, in order; nothing if it holds no document that can be read.
    pub(super) fn phrases(self, story: &Story, asked: &mut Asked) -> Vec<Phrase> {
        let Some((root, parts)) = self.parts() else { return Vec::new() };
        if let Some(coding) = management::coding_of(root.media_type) {
            return management::phrases(coding, root.content);
        }
        let Some(coding) = root.media_type.and_then(|media| mmc::coding_of(&media)) else {
            return Vec::new();
        };
        let mut scratch = vec![0; mmc::SCRATCH + 2 * root.content.len()];
        let Ok(document) = Document::check(coding, root.content, &mut scratch) else { return Vec::new() };
        let mut phrases = Vec::new();
        let mut commands = Vec::new();
        for number in 0..document.len() {
            let Ok(Some(element)) = document.element(number, &mut scratch) else { break };
            match element {
                Element::Command(command) => {
                    commands.push((command.id, command.verb, command.object.unwrap_or_default().into()));
                    phrases.push(command_phrase(story, &command, &parts));
                }
                Element::Answer(answer) => {
                    let asked = asked.commands.iter().find(|(id, ..)| *id == answer.id);
                    phrases.push(answer_phrase(story, &answer, asked, &parts));
                }
            }
        }
        if !commands.is_empty() {
            asked.commands = commands;
        }
        phrases
    }

    /// All of the body as text for people, as far as it can be decoded.
    pub(super) fn decoded(self) -> String {
        let mut text = String::new();
        if self.octets.is_empty() {
            return text;
        }
        let Ok(media) = MediaType::parse(self.content_type) else { return hex::dump(self.octets) };
        match Related::new(&media, self.octets) {
            Ok(related) => {
                for part in related.parts() {
                    match part {
                        Ok(part) => tell_part(&part, &mut text),
                        Err(fault) => drop(writeln!(text, "FAULT: {fault}")),
                    }
                }
            }
            Err(_) => tell_content(Some(media), self.octets, &mut text),
        }
        text
    }

    /// The root part and all parts; a body that is no multipart is its own root.
    fn parts(self) -> Option<(Part<'a>, Vec<Part<'a>>)> {
        let media = MediaType::parse(self.content_type).ok()?;
        let Ok(related) = Related::new(&media, self.octets) else {
            let encoding = kedge_protocol::mime::TransferEncoding::Binary;
            let whole =
                Part { media_type: Some(media), content_id: None, encoding, content: self.octets, at: 0 };
            return Some((whole, Vec::new()));
        };
        let shape = related.check().ok()?;
        let parts: Vec<_> = related.parts().flatten().collect();
        parts.get(shape.root).copied().map(|root| (root, parts))
    }
}

fn command_phrase(story: &Story, command: &Command<'_>, parts: &[Part<'_>]) -> Phrase {
    let object = command.object.unwrap_or_default();
    if let Some(message) = is683_type(command.verb, object, command.value, parts, Direction::Forward) {
        return Phrase::new(story, Topic::Is683(Direction::Forward, message), None);
    }
    let detail = match command.value {
        Some(Content::Text(text)) if !object.contains("url") => Some(text),
        _ => None,
    };
    let mut phrase = Phrase::new(story, Topic::Ask(command.verb, object), detail);
    if command.reboot {
        phrase.text.push_str(" and orders a restart");
    }
    phrase
}

fn answer_phrase(
    story: &Story,
    answer: &Answer<'_>,
    asked: Option<&(u16, Verb, String)>,
    parts: &[Part<'_>],
) -> Phrase {
    let Some((_, verb, object)) = asked else {
        return Phrase { text: format!("answers command {}: {}", answer.id, answer.code), steps: vec![] };
    };
    if let Some(message) = is683_type(*verb, object, answer.value, parts, Direction::Reverse) {
        let topic = Topic::Is683(Direction::Reverse, message);
        let mut phrase = Phrase::new(story, topic, None);
        let octets = octets(answer.value, parts).unwrap_or_default();
        if let Some(code) = refusal(&octets) {
            phrase.text = format!("refuses, {code} ({message} {})", Direction::Reverse.suffix());
        }
        return phrase;
    }
    let topic = Topic::Told(*verb, object);
    match (answer.code, answer.value) {
        (ResultCode::SUCCESS, Some(Content::Text(text))) => Phrase::new(story, topic, Some(text)),
        (ResultCode::SUCCESS, _) => Phrase::new(story, topic, None),
        (code, _) => {
            let text = format!("could not do it, {code} ({verb} {object})");
            Phrase { text: text.replace(" )", ")"), steps: story.steps(topic) }
        }
    }
}

/// The message type if this is an IS-683 message that has one.
fn is683_type(
    verb: Verb,
    object: &str,
    value: Option<Content<'_>>,
    parts: &[Part<'_>],
    direction: Direction,
) -> Option<MsgType> {
    if verb != Verb::Exec || object != IS683_OBJECT {
        return None;
    }
    let octets = octets(value, parts)?;
    Packet::new_checked(direction, octets.as_slice()).ok().map(|packet| packet.msg_type())
}

/// The octets of a value, from the document or the part it refers to.
fn octets(value: Option<Content<'_>>, parts: &[Part<'_>]) -> Option<Vec<u8>> {
    match value? {
        Content::Data(octets) => Some(octets.into()),
        Content::Text(text) => Some(text.into()),
        reference @ Content::Reference(_) => {
            let id = reference.part()?.ok()?;
            let part = parts.iter().find(|part| part.content_id == Some(id))?;
            part.decode(&mut vec![0; part.content.len()]).ok().map(<[u8]>::to_vec)
        }
    }
}

/// The first result code of a reverse message that says no.
fn refusal(octets: &[u8]) -> Option<is683::ResultCode> {
    let packet = Packet::new_checked(Direction::Reverse, octets).ok()?;
    let codes: Vec<is683::ResultCode> = match Reverse::parse(&packet).ok()? {
        Reverse::DownloadResponse { results, .. } | Reverse::ValidationResponse(results) => {
            results.iter().map(|(_, code)| is683::ResultCode(code)).collect()
        }
        Reverse::ConfigurationResponse { answers, .. } => answers.iter().map(|(_, code)| code).collect(),
        Reverse::CommitResponse(code)
        | Reverse::MsKeyResponse(code)
        | Reverse::SecureModeResponse(code)
        | Reverse::KeyGenerationResponse { result: code, .. }
        | Reverse::SsprConfigurationResponse { result: code, .. }
        | Reverse::PuzlConfigurationResponse { result: code, .. }
        | Reverse::OtapaResponse { result: code, .. } => vec![code],
        Reverse::SsprDownloadResponse(segment) => vec![segment.result],
        _ => vec![],
    };
    codes.into_iter().find(|code| *code != is683::ResultCode::ACCEPTED)
}

fn tell_part(part: &Part<'_>, text: &mut String) {
    let media = part.media_type.map_or_else(|| "no media type".into(), |media| media.to_string());
    let id = part.content_id.map(|id| format!(" <{id}>")).unwrap_or_default();
    let _ = writeln!(text, "— part at octet {}:{id} {media}, {} octets", part.at, part.content.len());
    let mut scratch = vec![0; part.content.len()];
    match part.decode(&mut scratch) {
        Ok(content) => tell_content(part.media_type, content, text),
        Err(fault) => drop(writeln!(text, "FAULT: {fault}")),
    }
}

/// Decodes content by its media type; what has no decoder is shown as octets. Writing to a `String` cannot fail, and
/// a fault of the content stands in the text.
fn tell_content(media: Option<MediaType<'_>>, content: &[u8], text: &mut String) {
    let is = |name| media.is_some_and(|media| media.is(name));
    if let Some(coding) = media.and_then(|media| mmc::coding_of(&media)) {
        let mut scratch = vec![0; mmc::SCRATCH + 2 * content.len()];
        let _ = mmc::dump(coding, content, &mut scratch, text);
    } else if let Some(coding) = management::coding_of(media) {
        let _ = syncml::dump(coding, content, text);
    } else if is(IS683) {
        let _ = is683::dump(Direction::Forward, content, text);
    } else if is(IS683_RESPONSE) {
        let _ = is683::dump(Direction::Reverse, content, text);
    } else {
        text.push_str(&hex::dump(content));
    }
}

//! What WBXML and XML may say differently for the same document, brought to one form.

use kedge_protocol::wbxml::{Reader, pages};

use super::{Item, Label, read};

/// The items without what the codings may say differently for the same document:
///
/// - no document type declaration and no `xmlns` (WBXML has the public identifier and code pages instead);
/// - white space around text trimmed, so that indentation goes (libwbxml trims when it encodes);
/// - octets that are a WBXML document as that document's items (libwbxml expands them);
/// - octets as text: packed dates of SI and EMN attributes as ISO 8601, others as the characters they hold (libwbxml
///   writes them as CDATA).
pub fn comparable(items: &[Item]) -> Vec<Item> {
    let mut out: Vec<Item> = Vec::new();
    let mut attribute = None;
    for item in items {
        match item {
            Item::Attribute(label) => attribute = Some(label.text()),
            Item::Doctype(..) => continue,
            _ => {}
        }
        let dropped = attribute == Some("xmlns");
        let dated = attribute.is_some_and(is_date);
        if *item == Item::AttributeEnd {
            attribute = None;
        }
        let new = match item {
            _ if dropped => continue,
            Item::Octets(octets) if dated => vec![Item::Text(date(octets))],
            Item::Octets(octets) => nested(octets)
                .unwrap_or_else(|| vec![Item::Text(String::from_utf8_lossy(octets).into_owned())]),
            other => vec![other.clone()],
        };
        for item in new {
            match (out.last_mut(), item) {
                (Some(Item::Text(before)), Item::Text(text)) => before.push_str(&text),
                (_, item) => out.push(item),
            }
        }
    }
    for item in &mut out {
        if let Item::Text(text) = item {
            *text = String::from(text.replace("\r\n", "\n").trim());
        }
    }
    out.retain(|item| *item != Item::Text(String::new()));
    out
}

/// The items of a complete WBXML document of a known type.
fn nested(octets: &[u8]) -> Option<Vec<Item>> {
    let mut reader: Reader<32> = Reader::detect(octets, pages::ALL).ok()?;
    let known = reader.vocabulary().name != pages::NONE.name;
    let items = read(&mut reader).ok()?;
    known.then(|| comparable(&items))
}

/// Whether the attribute is a date, opaque in WBXML: SI has `created` and `si-expires`, EMN has `timestamp`.
fn is_date(attribute: &str) -> bool {
    matches!(attribute, "created" | "si-expires" | "timestamp")
}

/// The items with dates as WBXML has them.
pub fn with_packed_dates(items: &[Item]) -> Vec<Item> {
    let mut out: Vec<Item> = Vec::new();
    for item in items {
        let dated = matches!(out.last(), Some(Item::Attribute(Label::Named(name))) if is_date(name));
        out.push(match item {
            Item::Text(text) if dated => Item::Octets(packed(text)),
            other => other.clone(),
        });
    }
    out
}

/// A packed date as ISO 8601: two digits in each octet, trailing zero octets left out.
fn date(octets: &[u8]) -> String {
    let digit = |nibble: u8| char::from_digit(u32::from(nibble), 16).unwrap_or_default();
    let mut digits: String = octets.iter().flat_map(|octet| [digit(octet >> 4), digit(octet & 15)]).collect();
    digits.extend(std::iter::repeat_n('0', 14_usize.saturating_sub(digits.len())));
    let part = |from: usize, to: usize| &digits[from..to];
    let day = format!("{}-{}-{}", part(0, 4), part(4, 6), part(6, 8));
    format!("{day}T{}:{}:{}Z", part(8, 10), part(10, 12), part(12, 14))
}

/// The reverse of [`date`].
fn packed(text: &str) -> Vec<u8> {
    let digits: Vec<u8> = text.bytes().filter(u8::is_ascii_digit).map(|digit| digit - b'0').collect();
    let mut octets: Vec<u8> = digits.chunks_exact(2).map(|pair| pair[0] << 4 | pair[1]).collect();
    while octets.last() == Some(&0) {
        octets.pop();
    }
    octets
}

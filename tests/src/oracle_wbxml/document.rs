//! A document as a list of owned items, in which fragments of one value are joined: two documents are equal if their
//! items are.

use kedge_protocol::wbxml::{Event, Extension, Name, Pull, Sink, Token, Version, Vocabulary, Writer, pages};
use kedge_protocol::wire::Error;
use kedge_protocol::xml::{self, Doctype, Octets};

/// Deep enough for every document of the corpus.
const DEPTH: usize = 32;

/// How an item is named.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Label {
    /// By a name, whatever stood for it.
    Named(String),
    /// By a token that no table names.
    Unknown(Token),
}

/// An [`Extension`] that owns its text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum OwnedExtension {
    /// `EXT_I_n`.
    Inline(u8, String),
    /// `EXT_T_n`.
    Number(u8, u32),
    /// `EXT_n`.
    Bare(u8),
}

/// An event that owns its text; neighbouring texts and characters are one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Item {
    /// An element opens.
    Start(Label),
    /// An attribute opens.
    Attribute(Label),
    /// An attribute closes.
    AttributeEnd,
    /// Characters.
    Text(String),
    /// Octets.
    Octets(Vec<u8>),
    /// An application-defined token.
    Extension(OwnedExtension),
    /// A value token that no table knows.
    UnknownValue(Token),
    /// A processing instruction opens.
    Pi(Label),
    /// A processing instruction closes.
    PiEnd,
    /// The document type declaration: name, public and system identifier.
    Doctype(String, Option<String>, Option<String>),
    /// An element closes.
    End,
}

impl Label {
    fn from(name: Name<'_>) -> Self {
        match name {
            Name::Unknown(token) => Self::Unknown(token),
            Name::Known(_, text) | Name::Literal(text) => Self::Named(text.to_owned()),
        }
    }

    fn name(&self) -> Name<'_> {
        match self {
            Self::Named(text) => Name::Literal(text),
            Self::Unknown(token) => Name::Unknown(*token),
        }
    }

    /// The name in text, empty for an unknown token.
    pub fn text(&self) -> &str {
        match self {
            Self::Named(text) => text,
            Self::Unknown(_) => "",
        }
    }
}

impl Item {
    /// The fragment that this is, for the writer.
    fn fragment(&self) -> Event<'_> {
        match self {
            Self::Text(text) => Event::Text(text),
            Self::Octets(octets) => Event::Opaque(octets),
            Self::Extension(OwnedExtension::Inline(n, text)) => Event::Extension(Extension::Inline(*n, text)),
            Self::Extension(OwnedExtension::Number(n, value)) => {
                Event::Extension(Extension::Number(*n, *value))
            }
            Self::Extension(OwnedExtension::Bare(n)) => Event::Extension(Extension::Bare(*n)),
            Self::UnknownValue(token) => Event::UnknownValue(*token),
            other => panic!("{other:?} is no fragment"),
        }
    }
}

/// Reads a whole document.
pub fn read<'a>(pull: &mut impl Pull<'a>) -> Result<Vec<Item>, Error> {
    let mut items = Vec::new();
    while let Some(event) = pull.next()? {
        let item = match event {
            Event::Start(name) => Item::Start(Label::from(name)),
            Event::Attribute(name) => Item::Attribute(Label::from(name)),
            Event::AttributeEnd => Item::AttributeEnd,
            Event::Text(text) => Item::Text(text.to_owned()),
            Event::Char(character) => Item::Text(character.to_string()),
            Event::Opaque(octets) => Item::Octets(octets.to_vec()),
            Event::Extension(Extension::Inline(n, text)) => {
                Item::Extension(OwnedExtension::Inline(n, text.to_owned()))
            }
            Event::Extension(Extension::Number(n, value)) => {
                Item::Extension(OwnedExtension::Number(n, value))
            }
            Event::Extension(Extension::Bare(n)) => Item::Extension(OwnedExtension::Bare(n)),
            Event::UnknownValue(token) => Item::UnknownValue(token),
            Event::Pi(name) => Item::Pi(Label::from(name)),
            Event::PiEnd => Item::PiEnd,
            Event::Doctype(text) => {
                let Doctype { name, public, system } = Doctype::parse(text)?;
                Item::Doctype(name.to_owned(), public.map(str::to_owned), system.map(str::to_owned))
            }
            Event::End => Item::End,
        };
        match (items.last_mut(), item) {
            (Some(Item::Text(before)), Item::Text(text)) => before.push_str(&text),
            (_, item) => items.push(item),
        }
    }
    Ok(items)
}

/// The items from `i` on up to the one that closes a value, and the index behind it.
fn value(items: &[Item], i: usize) -> (&[Item], usize) {
    let len = items[i..].iter().position(|item| matches!(item, Item::AttributeEnd | Item::PiEnd));
    let end = i + len.expect("a value is closed");
    (&items[i..end], end + 1)
}

/// The names that have no token in `vocabulary`, so that they must stand in the string table.
pub fn literals<'i>(items: &'i [Item], vocabulary: &Vocabulary) -> Vec<&'i str> {
    let mut names = Vec::new();
    for (i, item) in items.iter().enumerate() {
        let name = match item {
            Item::Start(Label::Named(name)) if vocabulary.find_tag(name, 0).is_none() => name,
            Item::Attribute(Label::Named(name)) | Item::Pi(Label::Named(name)) => {
                let first = match items.get(i + 1) {
                    Some(Item::Text(text)) => text.as_str(),
                    _ => "",
                };
                if vocabulary.find_attribute(name, first, 0).is_some() {
                    continue;
                }
                name
            }
            _ => continue,
        };
        if !names.contains(&name.as_str()) {
            names.push(name.as_str());
        }
    }
    names
}

/// Writes the items as WBXML. A document type declaration has no form there and is left out.
///
/// # Panics
/// If an attribute or instruction is not closed.
pub fn to_wbxml(items: &[Item], vocabulary: &'static Vocabulary, version: Version) -> Result<Vec<u8>, Error> {
    let table = literals(items, vocabulary);
    let mut buf = vec![0; 1 << 18];
    let mut writer: Writer<DEPTH> = Writer::new(&mut buf, vocabulary, version, &table)?;
    let mut i = 0;
    while let Some(item) = items.get(i) {
        i += 1;
        match item {
            Item::Start(label) => writer.start_named(label.name())?,
            Item::Attribute(label) | Item::Pi(label) => {
                let (parts, next) = value(items, i);
                i = next;
                let parts: Vec<_> = parts.iter().map(Item::fragment).collect();
                match item {
                    Item::Pi(_) => writer.instruction(label.name(), &parts)?,
                    _ => writer.attribute_named(label.name(), &parts)?,
                }
            }
            Item::End => writer.end()?,
            Item::Doctype(..) => {}
            other => writer.piece(other.fragment())?,
        }
    }
    writer.finish().map(<[u8]>::to_vec)
}

/// Writes the items as XML, octets as base64.
///
/// # Panics
/// On what XML has no form for (unknown tokens, extensions): the caller must not hand those in.
pub fn to_xml(items: &[Item]) -> Result<Vec<u8>, Error> {
    let mut buf = vec![0; 1 << 18];
    let mut writer: xml::Writer<DEPTH> = xml::Writer::new(&mut buf, Octets::Base64);
    let mut i = 0;
    while let Some(item) = items.get(i) {
        i += 1;
        match item {
            Item::Start(label) => writer.start(label.text())?,
            Item::Attribute(label) | Item::Pi(label) => {
                let (parts, next) = value(items, i);
                i = next;
                let text = match parts {
                    [] => "",
                    [Item::Text(text)] => text.as_str(),
                    [Item::Octets(octets)] => {
                        writer.attribute_opaque(label.text(), octets)?;
                        continue;
                    }
                    other => panic!("XML has no form for {other:?}"),
                };
                match item {
                    Item::Pi(_) => writer.instruction(label.text(), text)?,
                    _ => writer.attribute(label.text(), text)?,
                }
            }
            Item::Text(text) => writer.text(text)?,
            Item::Octets(octets) => writer.opaque(octets)?,
            Item::Doctype(name, public, system) => {
                writer.doctype(&Doctype { name, public: public.as_deref(), system: system.as_deref() })?;
            }
            Item::End => writer.end()?,
            other => panic!("XML has no form for {other:?}"),
        }
    }
    writer.finish().map(<[u8]>::to_vec)
}

/// The vocabulary that an XML document's declaration, or else its root element, calls for.
pub fn vocabulary_of(items: &[Item]) -> &'static Vocabulary {
    let by_text = |text: &str| pages::ALL.iter().copied().find(|known| known.text == text);
    for (i, item) in items.iter().enumerate() {
        match item {
            Item::Doctype(_, Some(public), _) => {
                if let Some(known) = by_text(public) {
                    return known;
                }
            }
            Item::Start(root) => {
                let namespace = match items.get(i + 2) {
                    Some(Item::Text(text)) => text.as_str(),
                    _ => "",
                };
                return match (root.text(), namespace) {
                    ("SyncML", "SYNCML:SYNCML1.1") => &pages::SYNCML_1_1,
                    ("SyncML", _) => &pages::SYNCML_1_2,
                    ("wap-provisioningdoc", _) => &pages::PROV,
                    _ => &pages::NONE,
                };
            }
            _ => {}
        }
    }
    &pages::NONE
}

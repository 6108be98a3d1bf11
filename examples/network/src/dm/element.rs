//! Documents as trees of elements, in both codings: all that the server shares with the device are the readers and writers
//! of WBXML and XML under this.

use kedge_protocol::wap::Coding;
use kedge_protocol::wap::{DocumentReader, DocumentWriter};
use kedge_protocol::wbxml::{Event, Pull, Sink, Version, Vocabulary, pages};

/// Deepest element: a sub-tree inline in Data.
const DEPTH: usize = 32;
/// Largest message the server writes, in octets.
const LARGEST: usize = 64 * 1024;
/// The namespace of what stands in Meta.
const METINF: &str = "syncml:metinf";

/// An element: its name, and either elements or a value.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub(crate) struct Element {
    pub(crate) name: String,
    pub(crate) children: Vec<Element>,
    pub(crate) value: Vec<u8>,
    /// Whether the value is octets rather than text.
    pub(crate) opaque: bool,
}

impl Element {
    /// An empty element.
    pub(crate) fn new(name: &str) -> Self {
        Self { name: name.to_owned(), ..Self::default() }
    }

    /// An element with a text.
    pub(crate) fn text(name: &str, text: impl Into<String>) -> Self {
        Self { value: text.into().into_bytes(), ..Self::new(name) }
    }

    /// An element with octets, which XML carries as base64.
    pub(crate) fn octets(name: &str, octets: &[u8]) -> Self {
        Self { value: octets.to_vec(), opaque: true, ..Self::new(name) }
    }

    /// The same with one more child.
    pub(crate) fn with(mut self, child: Self) -> Self {
        self.children.push(child);
        self
    }

    /// The same with these children too.
    pub(crate) fn with_all(mut self, children: impl IntoIterator<Item = Self>) -> Self {
        self.children.extend(children);
        self
    }

    /// The first child of this name.
    pub(crate) fn child(&self, name: &str) -> Option<&Self> {
        self.children.iter().find(|child| child.name == name)
    }

    /// All children of this name.
    pub(crate) fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a Self> {
        self.children.iter().filter(move |child| child.name == name)
    }

    /// The value as text; what is no UTF-8 is replaced.
    pub(crate) fn as_text(&self) -> String {
        String::from_utf8_lossy(&self.value).into_owned()
    }

    /// The text at the end of a path of children; empty if it leads nowhere.
    pub(crate) fn at(&self, path: &[&str]) -> String {
        let end = path.iter().try_fold(self, |element, name| element.child(name));
        end.map(Self::as_text).unwrap_or_default()
    }

    /// Reads a document.
    pub(crate) fn read(coding: Coding, bytes: &[u8]) -> Result<Self, String> {
        let vocabulary: &'static Vocabulary = &pages::SYNCML_1_2;
        let mut pull = DocumentReader::<DEPTH>::new(coding, bytes, vocabulary)
            .map_err(|fault| format!("unreadable document: {fault}"))?;
        let mut open: Vec<Self> = Vec::new();
        loop {
            let event = pull.next().map_err(|fault| format!("malformed document: {fault}"))?;
            match event {
                Some(Event::Start(name)) => {
                    open.push(Self::new(name.text().ok_or("a tag that SyncML does not have")?));
                }
                Some(Event::Text(text)) => push(&mut open, text.as_bytes(), false),
                Some(Event::Char(character)) => {
                    push(&mut open, character.encode_utf8(&mut [0; 4]).as_bytes(), false);
                }
                Some(Event::Opaque(octets)) => push(&mut open, octets, true),
                // Namespaces.
                Some(Event::Attribute(_)) => {
                    while !matches!(pull.next(), Ok(Some(Event::AttributeEnd)) | Err(_)) {}
                }
                Some(Event::End) => {
                    let mut element = open.pop().ok_or("an end without a start")?;
                    if !element.children.is_empty() {
                        if !element.value.iter().all(u8::is_ascii_whitespace) {
                            return Err(format!("text beside elements in {}", element.name));
                        }
                        element.value.clear();
                    }
                    match open.last_mut() {
                        Some(parent) => parent.children.push(element),
                        None => return Ok(element),
                    }
                }
                Some(Event::Doctype(_)) => {}
                Some(other) => return Err(format!("{other:?} in a message")),
                None => return Err("a document that ends early".to_owned()),
            }
        }
    }

    /// Writes the document; `namespace` is that of the root in XML.
    pub(crate) fn write(&self, coding: Coding, namespace: &str) -> Vec<u8> {
        let mut out = vec![0; LARGEST];
        self.write_into(coding, namespace, &mut out).map(<[u8]>::to_vec).unwrap_or_default()
    }

    fn write_into<'o>(
        &self,
        coding: Coding,
        namespace: &str,
        out: &'o mut [u8],
    ) -> Result<&'o [u8], kedge_protocol::wire::Error> {
        let vocabulary: &'static Vocabulary = &pages::SYNCML_1_2;
        let mut sink = DocumentWriter::<DEPTH>::new(coding, out, vocabulary, Version::V1_2)?;
        self.put(&mut sink, coding, Some(namespace), "")?;
        sink.finish()
    }

    fn put(
        &self,
        sink: &mut impl Sink,
        coding: Coding,
        namespace: Option<&str>,
        parent: &str,
    ) -> Result<(), kedge_protocol::wire::Error> {
        sink.start(&self.name)?;
        let namespace = namespace.or((parent == "Meta").then_some(METINF));
        if let (Coding::Xml, Some(namespace)) = (coding, namespace) {
            sink.attribute("xmlns", namespace)?;
        }
        for child in &self.children {
            child.put(sink, coding, None, &self.name)?;
        }
        match str::from_utf8(&self.value) {
            Ok(text) if !self.opaque => sink.text(text)?,
            _ => sink.opaque(&self.value)?,
        }
        sink.end()
    }
}

fn push(open: &mut [Element], octets: &[u8], opaque: bool) {
    if let Some(element) = open.last_mut() {
        element.value.extend_from_slice(octets);
        element.opaque |= opaque;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn documents_survive_both_codings() {
        let meta = Element::new("Meta").with(Element::text("Format", "chr"));
        let data = Element::text("Data", "a < b & c");
        let item = Element::new("Item").with(meta).with(data);
        let document = Element::new("SyncML")
            .with(Element::new("SyncHdr").with(Element::text("VerDTD", "1.2")))
            .with(Element::new("SyncBody").with(Element::new("Get").with(item)).with(Element::new("Final")));
        for coding in [Coding::Wbxml, Coding::Xml] {
            let bytes = document.write(coding, "SYNCML:SYNCML1.2");
            assert_eq!(Element::read(coding, &bytes), Ok(document.clone()), "{coding:?}");
            for cut in 0..bytes.len() {
                assert!(Element::read(coding, &bytes[..cut]).is_err(), "{coding:?} {cut}");
            }
        }
        assert_eq!(document.at(&["SyncHdr", "VerDTD"]), "1.2");
    }
}

//! A sub-tree as a document (TNDS), by nothing but its own nodes.

use anyhow::{anyhow, bail};
use kedge_protocol::dm::{Property, Query, Uri};
use kedge_protocol::iota::mmc::guess;
use kedge_protocol::syncml::Code;
use kedge_protocol::wap::Coding;
use kedge_protocol::wbxml::{self, Event, Pull, Sink, pages};
use kedge_protocol::xml::{self, Octets};

use super::Line;

/// Deepest element of a document that is read or written.
const DEPTH: usize = 64;

/// The document: its nodes, parents before children.
pub(super) struct Document {
    nodes: Vec<Line>,
}

/// An element with what is in it.
#[derive(Default)]
struct Element {
    name: String,
    text: Vec<u8>,
    children: Vec<Element>,
}

impl Element {
    fn child(&self, name: &str) -> Option<&Self> {
        self.children.iter().find(|child| child.name == name)
    }

    fn text_of(&self, name: &str) -> String {
        self.child(name).map(|child| String::from_utf8_lossy(&child.text).into_owned()).unwrap_or_default()
    }

    /// The name, or the text, of the only thing in the child of this name: `<Format><chr/></Format>`.
    fn word_of(&self, name: &str) -> String {
        let Some(child) = self.child(name) else { return String::new() };
        match child.children.first() {
            Some(word) if word.text.is_empty() => word.name.clone(),
            Some(word) => String::from_utf8_lossy(&word.text).into_owned(),
            None => String::from_utf8_lossy(&child.text).trim().to_owned(),
        }
    }
}

impl Document {
    pub(super) fn read(octets: &[u8]) -> anyhow::Result<Self> {
        let root = match guess(octets) {
            Coding::Xml => elements(&mut xml::Reader::<DEPTH>::new(octets)?)?,
            Coding::Wbxml => elements(&mut wbxml::Reader::<DEPTH>::new(octets, &pages::DDF_1_2)?)?,
        };
        let tree = root.children.into_iter().find(|child| child.name == "MgmtTree");
        let tree = tree.ok_or_else(|| anyhow!("neither a tree's image nor a sub-tree document"))?;
        let mut nodes = Vec::new();
        for node in tree.children.iter().filter(|child| child.name == "Node") {
            flatten(node, "", &mut nodes);
        }
        Ok(Self { nodes })
    }

    /// The nodes at and below `root`.
    pub(super) fn lines(self, root: &str) -> Vec<Line> {
        let below = |path: &str| {
            root.is_empty()
                || path.strip_prefix(root).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        };
        self.nodes.into_iter().filter(|node| below(&node.path)).collect()
    }

    /// What an address asks for.
    pub(super) fn get(&self, uri: &Uri<'_>) -> Result<Vec<u8>, Code> {
        let node = self.nodes.iter().find(|node| node.path == uri.path).ok_or(Code::NOT_FOUND)?;
        let text = match uri.query {
            Query::Value if node.format == "node" => self.names(uri.path).join("/"),
            Query::Value => return Ok(node.value.clone().unwrap_or_default()),
            Query::Property(Property::Acl) => node.acl.clone(),
            Query::Property(Property::Format) => node.format.clone(),
            Query::Property(Property::Type) => node.media_type.clone(),
            Query::Property(Property::Name) => uri.name().to_owned(),
            _ => return Err(Code::NOT_SUPPORTED),
        };
        Ok(text.into_bytes())
    }

    fn names(&self, parent: &str) -> Vec<&str> {
        let split = |node: &'_ Line| node.path.rsplit_once('/').map_or(0, |(parent, _)| parent.len() + 1);
        let child = |node: &&Line| node.path.rsplit_once('/').map_or("", |(parent, _)| parent) == parent;
        self.nodes.iter().filter(child).filter_map(|node| node.path.get(split(node)..)).collect()
    }

    /// Gives a leaf a value; one that is not there is added below its parent.
    pub(super) fn set(&mut self, path: &str, value: &str) -> Result<(), Code> {
        if let Some(node) = self.nodes.iter_mut().find(|node| node.path == path) {
            if node.format == "node" {
                return Err(Code::NOT_ALLOWED);
            }
            node.value = Some(value.as_bytes().to_vec());
            return Ok(());
        }
        let parent = path.rsplit_once('/').map(|(parent, _)| parent).ok_or(Code::NOT_FOUND)?;
        let at = self.nodes.iter().position(|node| node.path == parent).ok_or(Code::NOT_FOUND)?;
        if self.nodes.get(at).is_none_or(|node| node.format != "node") {
            return Err(Code::NOT_ALLOWED);
        }
        let leaf = Line {
            path: path.to_owned(),
            format: "chr".to_owned(),
            media_type: "text/plain".to_owned(),
            acl: String::new(),
            value: Some(value.as_bytes().to_vec()),
        };
        self.nodes.insert(at + 1, leaf);
        Ok(())
    }

    /// The document as XML.
    pub(super) fn write(&self) -> anyhow::Result<Vec<u8>> {
        let octets: usize = self.nodes.iter().map(|node| node.value.as_ref().map_or(0, Vec::len)).sum();
        let mut room = vec![0; 4096 + 512 * self.nodes.len() + 6 * octets];
        let mut out: xml::Writer<'_, DEPTH> = xml::Writer::new(&mut room, Octets::Base64);
        out.start("MgmtTree")?;
        out.attribute("xmlns", "syncml:dmddf1.2")?;
        leaf(&mut out, "VerDTD", "1.2")?;
        let mut open: Vec<&str> = Vec::new();
        for node in &self.nodes {
            while open.last().is_some_and(|above| !is_below(&node.path, above)) {
                open.pop();
                out.end()?;
            }
            start(&mut out, node)?;
            open.push(&node.path);
        }
        for _ in open {
            out.end()?;
        }
        out.end()?;
        Ok(out.finish()?.to_vec())
    }
}

fn is_below(path: &str, above: &str) -> bool {
    path.strip_prefix(above).is_some_and(|rest| rest.starts_with('/'))
}

/// Opens a node, with all of it but the nodes below.
fn start(out: &mut xml::Writer<'_, DEPTH>, node: &Line) -> anyhow::Result<()> {
    out.start("Node")?;
    leaf(out, "NodeName", node.path.rsplit('/').next().unwrap_or_default())?;
    out.start("RTProperties")?;
    if !node.acl.is_empty() {
        leaf(out, "ACL", &node.acl)?;
    }
    out.start("Format")?;
    out.start(&node.format)?;
    out.end()?;
    out.end()?;
    out.start("Type")?;
    leaf(out, if node.format == "node" { "DDFName" } else { "MIME" }, &node.media_type)?;
    out.end()?;
    out.end()?;
    if let Some(value) = &node.value {
        let Ok(text) = str::from_utf8(value) else { bail!("{}: a value that is no text", node.path) };
        leaf(out, "Value", text)?;
    }
    Ok(())
}

fn leaf(out: &mut xml::Writer<'_, DEPTH>, name: &str, text: &str) -> anyhow::Result<()> {
    out.start(name)?;
    out.text(text)?;
    Ok(out.end()?)
}

/// All elements of a document, below one without a name.
fn elements<'a>(pull: &mut impl Pull<'a>) -> anyhow::Result<Element> {
    let mut open = vec![Element::default()];
    let mut aside = false;
    while let Some(event) = pull.next()? {
        let last = open.last_mut().ok_or_else(|| anyhow!("an end of nothing"))?;
        match event {
            Event::Start(name) => {
                open.push(Element { name: name.text().unwrap_or_default().to_owned(), ..Element::default() });
            }
            Event::Attribute(_) | Event::Pi(_) => aside = true,
            Event::AttributeEnd | Event::PiEnd => aside = false,
            _ if aside => {}
            Event::Text(text) => last.text.extend_from_slice(text.as_bytes()),
            Event::Char(character) => {
                last.text.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes());
            }
            Event::Opaque(octets) => last.text.extend_from_slice(octets),
            Event::End => {
                let done = open.pop().unwrap_or_default();
                open.last_mut().ok_or_else(|| anyhow!("an end of nothing"))?.children.push(done);
            }
            _ => {}
        }
    }
    open.pop().ok_or_else(|| anyhow!("an empty document"))
}

/// A node and those below it.
fn flatten(node: &Element, parent: &str, into: &mut Vec<Line>) {
    let place = node.text_of("Path");
    let parent = if place.is_empty() { parent } else { place.strip_prefix("./").unwrap_or(&place) };
    let between = if parent.is_empty() { "" } else { "/" };
    let path = format!("{parent}{between}{}", node.text_of("NodeName"));
    let unsaid = Element::default();
    let properties = node.child("RTProperties").unwrap_or(&unsaid);
    let inner = node.children.iter().any(|child| child.name == "Node");
    let format = match properties.word_of("Format") {
        said if !said.is_empty() => said,
        _ if inner => "node".to_owned(),
        _ => "chr".to_owned(),
    };
    into.push(Line {
        path: path.clone(),
        format,
        media_type: properties.word_of("Type"),
        acl: properties.text_of("ACL"),
        value: node.child("Value").map(|value| value.text.clone()),
    });
    for child in node.children.iter().filter(|child| child.name == "Node") {
        flatten(child, &path, into);
    }
}

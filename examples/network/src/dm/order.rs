//! What the server asks of a device, and what became of it.

use super::credentials::decode;
use super::element::Element;

/// One command of the server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DmOrder {
    /// Read a node.
    Get(String),
    /// Set a node.
    Replace(DmValue),
    /// Make a node.
    Add(DmValue),
    /// Remove a node.
    Delete(String),
    /// Copy one leaf to another.
    Copy {
        /// Where from.
        from: String,
        /// Where to.
        to: String,
    },
    /// Run what is behind a node.
    Exec {
        /// The node.
        uri: String,
        /// To be given back with the result.
        correlator: Option<String>,
        /// The argument; its address does not count.
        data: Option<DmValue>,
    },
    /// Something for the user: the code 1100 to 1104, then options, text, choices.
    Alert(u16, Vec<String>),
    /// All or nothing.
    Atomic(Vec<DmSay>),
    /// One after the other.
    Sequence(Vec<DmSay>),
    /// A command that device management does not have: the element's name.
    Unknown(String),
}

/// A value for a node.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DmValue {
    /// The node.
    pub uri: String,
    /// Format in Meta; empty: none.
    pub format: String,
    /// Type in Meta; empty: none.
    pub media_type: String,
    /// The value.
    pub data: Vec<u8>,
    /// Where the value is a piece of a larger one: octets of the whole, in the first piece only, and whether more follow.
    pub piece: Option<(Option<usize>, bool)>,
}

/// Octets of a value from which on it is sent in pieces, and those of a piece.
const PIECE: usize = 1024;

impl DmValue {
    /// A text without meta information.
    pub fn text(uri: &str, text: &str) -> Self {
        Self { uri: uri.to_owned(), data: text.as_bytes().to_vec(), ..Self::default() }
    }
}

/// A command and what is expected of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DmSay {
    /// The command.
    pub order: DmOrder,
    /// The statuses that are right; empty: any.
    pub statuses: Vec<u16>,
    /// The value that a Get must bring; `None`: any.
    pub value: Option<Vec<u8>>,
}

impl DmSay {
    /// A command of which any outcome is right.
    pub const fn new(order: DmOrder) -> Self {
        Self { order, statuses: Vec::new(), value: None }
    }

    /// The same with the one status that is right.
    #[must_use]
    pub fn expecting(mut self, status: u16) -> Self {
        self.statuses.push(status);
        self
    }
}

impl DmSay {
    /// The command in the pieces that it has to be sent in, one for each message; one piece of an ordinary command.
    pub(crate) fn pieces(self) -> Vec<Self> {
        let value = match &self.order {
            DmOrder::Replace(value) | DmOrder::Add(value) if value.data.len() > PIECE => value.clone(),
            _ => return vec![self],
        };
        let last = value.data.len().div_ceil(PIECE);
        let pieces = (1..).zip(value.data.chunks(PIECE)).map(|(number, data)| {
            let more = number < last;
            let piece = Some(((number == 1).then_some(value.data.len()), more));
            let value = DmValue { data: data.to_vec(), piece, ..value.clone() };
            let order = match &self.order {
                DmOrder::Add(_) => DmOrder::Add(value),
                _ => DmOrder::Replace(value),
            };
            // What is expected is expected of the last one.
            if more { Self::new(order).expecting(213) } else { Self { order, ..self.clone() } }
        });
        pieces.collect()
    }
}

/// What became of a command.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DmAnswer {
    /// Its status.
    pub status: u16,
    /// Results: address, format and value of each node.
    pub results: Vec<(String, String, Vec<u8>)>,
    /// Texts in the items of the status: what the user entered or chose.
    pub texts: Vec<String>,
}

impl DmAnswer {
    /// The value of the first result as text.
    pub fn text(&self) -> String {
        self.results
            .first()
            .map(|(_, _, value)| String::from_utf8_lossy(value).into_owned())
            .unwrap_or_default()
    }

    /// The octets of the first result, whatever they came as.
    pub fn octets(&self) -> Vec<u8> {
        match self.results.first() {
            Some((_, format, value)) if format == "b64" => decode(&String::from_utf8_lossy(value)),
            Some((_, _, value)) => value.clone(),
            None => Vec::new(),
        }
    }
}

impl DmOrder {
    /// Hands content of this type to the device's dispatcher.
    pub fn tunnel(media_type: &str, content: Vec<u8>) -> Self {
        let (format, media_type) = ("bin".to_owned(), media_type.to_owned());
        let data = Some(DmValue { format, media_type, data: content, ..DmValue::default() });
        Self::Exec { uri: "./Tunnel/Message".to_owned(), correlator: None, data }
    }

    /// The element's name.
    pub(crate) fn name(&self) -> &str {
        match self {
            Self::Get(_) => "Get",
            Self::Replace(_) => "Replace",
            Self::Add(_) => "Add",
            Self::Delete(_) => "Delete",
            Self::Copy { .. } => "Copy",
            Self::Exec { .. } => "Exec",
            Self::Alert(..) => "Alert",
            Self::Atomic(_) => "Atomic",
            Self::Sequence(_) => "Sequence",
            Self::Unknown(name) => name,
        }
    }

    /// What is asked, in plain words.
    pub fn meaning(&self) -> String {
        match self {
            Self::Get(uri) => format!("read {uri}"),
            Self::Replace(value) => format!("set {}", value.uri),
            Self::Add(value) => format!("add {}", value.uri),
            Self::Delete(uri) => format!("delete {uri}"),
            Self::Copy { from, to } => format!("copy {from} to {to}"),
            Self::Exec { uri, .. } => format!("run {uri}"),
            Self::Alert(code, texts) => format!("alert {code} {:?}", texts.get(1).map_or("", |text| text)),
            Self::Atomic(inner) => format!("{} commands, all or none", inner.len()),
            Self::Sequence(inner) => format!("{} commands in order", inner.len()),
            Self::Unknown(name) => format!("a {name}, which does not exist"),
        }
    }

    /// The element with its CmdID; `ids` counts them, `sent` takes what has to be answered.
    pub(crate) fn element(&self, ids: &mut u32, sent: &mut Vec<(String, DmSay)>, say: &DmSay) -> Element {
        *ids += 1;
        let id = ids.to_string();
        sent.push((id.clone(), say.clone()));
        let command = Element::new(self.name()).with(Element::text("CmdID", id));
        match self {
            Self::Get(uri) | Self::Delete(uri) => command.with(item(uri, None)),
            Self::Replace(value) | Self::Add(value) => command.with(item(&value.uri, Some(value))),
            Self::Copy { from, to } => {
                let source = Element::new("Source").with(Element::text("LocURI", from));
                command.with(Element::new("Item").with(target(to)).with(source))
            }
            Self::Exec { uri, correlator, data } => {
                let correlator = correlator.iter().map(|text| Element::text("Correlator", text));
                command.with_all(correlator).with(item(uri, data.as_ref()))
            }
            Self::Alert(code, texts) => {
                let items = texts.iter().map(|text| Element::new("Item").with(Element::text("Data", text)));
                command.with(Element::text("Data", code.to_string())).with_all(items)
            }
            Self::Atomic(inner) | Self::Sequence(inner) => {
                let inner: Vec<_> = inner.iter().map(|say| say.order.element(ids, sent, say)).collect();
                command.with_all(inner)
            }
            Self::Unknown(_) => command.with(item("./DevInfo/Man", None)),
        }
    }
}

fn target(uri: &str) -> Element {
    Element::new("Target").with(Element::text("LocURI", uri))
}

fn item(uri: &str, value: Option<&DmValue>) -> Element {
    let item = Element::new("Item").with(target(uri));
    let Some(value) = value else { return item };
    let size = value.piece.and_then(|(size, _)| size).map(|size| size.to_string()).unwrap_or_default();
    let meta = [("Format", &value.format), ("Type", &value.media_type), ("Size", &size)];
    let meta: Vec<_> = meta
        .into_iter()
        .filter(|(_, text)| !text.is_empty())
        .map(|(name, text)| Element::text(name, text))
        .collect();
    let item = if meta.is_empty() { item } else { item.with(Element::new("Meta").with_all(meta)) };
    let item = match str::from_utf8(&value.data) {
        Ok(text) if value.format != "bin" => item.with(Element::text("Data", text)),
        _ => item.with(Element::octets("Data", &value.data)),
    };
    let more = value.piece.is_some_and(|(_, more)| more);
    if more { item.with(Element::new("MoreData")) } else { item }
}

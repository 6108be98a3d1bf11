//! What a device says, as far as the server understands it. Strict: the document type's order and the fact sheet's rules.

use super::dtd;
use super::element::Element;
use kedge_protocol::wap::Coding;

/// A message of the device.
#[derive(Clone, Debug)]
pub(crate) struct Message {
    pub(crate) session: String,
    pub(crate) number: u32,
    pub(crate) target: String,
    pub(crate) source: String,
    pub(crate) cred: Option<Element>,
    /// The largest message that the device takes.
    pub(crate) most: Option<usize>,
    pub(crate) commands: Vec<Element>,
    pub(crate) is_final: bool,
}

impl Message {
    /// Reads a message; the faults that do not keep it from being understood go to `fault`.
    pub(crate) fn read(coding: Coding, body: &[u8], fault: &mut dyn FnMut(String)) -> Result<Self, String> {
        let root = Element::read(coding, body)?;
        dtd::check(&root)?;
        let header = root.child("SyncHdr").ok_or("no header")?;
        let body = root.child("SyncBody").ok_or("no body")?;
        for (path, expected) in [("VerDTD", "1.2"), ("VerProto", "DM/1.2")] {
            let found = header.at(&[path]);
            if found != expected {
                fault(format!("{path} is {found:?}"));
            }
        }
        let number = header.at(&["MsgID"]);
        let number = number.parse().map_err(|_| format!("MsgID is {number:?}"))?;
        let commands: Vec<_> = body.children.iter().filter(|child| child.name != "Final").cloned().collect();
        let mut ids: Vec<_> = commands.iter().map(|command| command.at(&["CmdID"])).collect();
        if ids.iter().any(|id| id.is_empty() || id == "0") {
            fault("a CmdID that is none".to_owned());
        }
        ids.sort();
        ids.dedup();
        if ids.len() != commands.len() {
            fault("a CmdID twice".to_owned());
        }
        Ok(Self {
            session: header.at(&["SessionID"]),
            number,
            target: header.at(&["Target", "LocURI"]),
            source: header.at(&["Source", "LocURI"]),
            cred: header.child("Cred").cloned(),
            most: header.at(&["Meta", "MaxMsgSize"]).parse().ok(),
            is_final: body.child("Final").is_some(),
            commands,
        })
    }

    /// The commands of this name.
    pub(crate) fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a Element> {
        self.commands.iter().filter(move |command| command.name == name)
    }
}

/// An alert of the device that tells an event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DmEvent {
    /// Type in Meta.
    pub kind: String,
    /// What it is about; empty: nothing in particular.
    pub source: String,
    /// The correlator; `None`: there was none.
    pub correlator: Option<String>,
    /// Format in Meta.
    pub format: String,
    /// How important it is.
    pub mark: String,
    /// The data.
    pub data: String,
}

/// The events of a generic alert, one for each item; what is wrong with it otherwise.
pub(crate) fn events(alert: &Element) -> Result<Vec<DmEvent>, String> {
    let correlator = alert.child("Correlator").map(Element::as_text);
    let events: Vec<_> = alert
        .all("Item")
        .map(|item| DmEvent {
            kind: item.at(&["Meta", "Type"]),
            source: item.at(&["Source", "LocURI"]),
            correlator: correlator.clone(),
            format: item.at(&["Meta", "Format"]),
            mark: item.at(&["Meta", "Mark"]),
            data: item.at(&["Data"]),
        })
        .collect();
    if events.is_empty() {
        return Err("a generic alert without an item".to_owned());
    }
    match events.iter().find(|event| event.kind.is_empty() || event.format.is_empty()) {
        Some(event) => Err(format!("a generic alert without type or format: {event:?}")),
        None => Ok(events),
    }
}

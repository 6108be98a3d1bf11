use super::{AlertCode, Code, Format, Verb};

/// Target or Source: where something is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct Location<'s> {
    /// LocURI; empty if it is missing.
    pub uri: &'s str,
    /// LocName: for people, and for the user name of credentials (`oma-dm.md` section 2.3).
    pub name: Option<&'s str>,
}

impl<'s> Location<'s> {
    /// A location without a name.
    pub const fn new(uri: &'s str) -> Self {
        Self { uri, name: None }
    }
}

/// Meta information as it stands in the document: texts that were not judged, numbers that were read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct Meta<'s> {
    /// Format of the data; [`Self::format`] reads it.
    pub format: Option<&'s str>,
    /// Media type of the data, or what kind of alert, or which scheme of authentication.
    pub media_type: Option<&'s str>,
    /// How important an alert is.
    pub mark: Option<&'s str>,
    /// Octets of the whole object as transported; in its first chunk.
    pub size: Option<u32>,
    /// Version of the media type.
    pub version: Option<&'s str>,
    /// The nonce for the next credentials, base64.
    pub next_nonce: Option<&'s str>,
    /// Largest message that the sender takes, in octets.
    pub max_message: Option<u32>,
    /// Largest object that the sender takes, in octets.
    pub max_object: Option<u32>,
    /// Experimental meta information, the last of it.
    pub experimental: Option<&'s str>,
}

impl<'s> Meta<'s> {
    /// Nothing but a format.
    pub const fn of(format: Format) -> Self {
        Self { format: Some(format.name()), ..Self::EMPTY }
    }

    /// No meta information.
    pub const EMPTY: Meta<'static> = Meta {
        format: None,
        media_type: None,
        mark: None,
        size: None,
        version: None,
        next_nonce: None,
        max_message: None,
        max_object: None,
        experimental: None,
    };

    /// Whether there is nothing in it.
    pub fn is_empty(&self) -> bool {
        *self == Self::EMPTY
    }

    /// The format, `chr` by default; `None` for a word that is none.
    pub fn format(&self) -> Option<Format> {
        self.format.map_or(Some(Format::Chr), Format::from_name)
    }

    /// The media type, `text/plain` by default.
    pub fn media_type(&self) -> &'s str {
        self.media_type.unwrap_or("text/plain")
    }

    /// What an item's meta information comes to when its command has some too: the item's wins
    /// (`oma-dm.md` section 2.4).
    #[must_use]
    pub fn or(&self, command: &Self) -> Self {
        Self {
            format: self.format.or(command.format),
            media_type: self.media_type.or(command.media_type),
            mark: self.mark.or(command.mark),
            size: self.size.or(command.size),
            version: self.version.or(command.version),
            next_nonce: self.next_nonce.or(command.next_nonce),
            max_message: self.max_message.or(command.max_message),
            max_object: self.max_object.or(command.max_object),
            experimental: self.experimental.or(command.experimental),
        }
    }
}

/// The content of Data.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Data<'s> {
    /// Text.
    Text(&'s str),
    /// Octets: WBXML only, where XML has them as base64 text.
    Octets(&'s [u8]),
    /// Elements. They are not part of the value: [`super::Parts::inline`] reads them. Cannot be written.
    Markup,
}

impl<'s> Data<'s> {
    /// The octets, those of text included; none for markup.
    pub const fn octets(&self) -> &'s [u8] {
        match self {
            Self::Text(text) => text.as_bytes(),
            Self::Octets(octets) => octets,
            Self::Markup => &[],
        }
    }

    /// The text, also of octets that are UTF-8.
    pub fn text(&self) -> Option<&'s str> {
        match self {
            Self::Text(text) => Some(text),
            Self::Octets(octets) => str::from_utf8(octets).ok(),
            Self::Markup => None,
        }
    }
}

/// Credentials (`oma-dm.md` section 8).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cred<'s> {
    /// The scheme: Type in Meta; empty if it is missing.
    pub scheme: &'s str,
    /// Format in Meta.
    pub format: Option<&'s str>,
    /// The credentials.
    pub data: Data<'s>,
}

/// A challenge: credentials of this kind are wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Chal<'s> {
    /// The scheme: Type in Meta; empty if it is missing.
    pub scheme: &'s str,
    /// Format in Meta.
    pub format: Option<&'s str>,
    /// The nonce, base64.
    pub next_nonce: Option<&'s str>,
}

/// What is known of a command without its references and items.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Head<'s> {
    /// Which command.
    pub verb: Verb,
    /// The element's name as it stands in the document: what a Status gives as Cmd.
    pub name: &'s str,
    /// CmdID; empty if it is missing.
    pub id: &'s str,
    /// NoResp, which device management does not use.
    pub no_resp: bool,
    /// Credentials; of a Status only.
    pub cred: Option<Cred<'s>>,
    /// What holds for all items.
    pub meta: Meta<'s>,
    /// Data of a Status or Alert as a number; `None` if it is missing or no number.
    pub number: Option<u16>,
    /// What ties an Exec to the alert that ends it; since 1.2.
    pub correlator: Option<&'s str>,
    /// Status, Results: the message that is answered.
    pub msg_ref: Option<&'s str>,
    /// Status, Results: the command that is answered, `0` for the header.
    pub cmd_ref: Option<&'s str>,
    /// Status: that command's element.
    pub cmd: Option<&'s str>,
    /// Status: the challenge.
    pub chal: Option<Chal<'s>>,
}

impl<'s> Head<'s> {
    /// A command of which nothing more is known.
    pub const fn new(verb: Verb, id: &'s str) -> Self {
        Self {
            verb,
            name: verb.name(),
            id,
            no_resp: false,
            cred: None,
            meta: Meta::EMPTY,
            number: None,
            correlator: None,
            msg_ref: None,
            cmd_ref: None,
            cmd: None,
            chal: None,
        }
    }

    /// An Alert.
    pub const fn alert(id: &'s str, code: AlertCode) -> Self {
        Self { number: Some(code.0), ..Self::new(Verb::Alert, id) }
    }

    /// The Status of the command `cmd` with the id `cmd_ref` in the message `msg_ref`.
    pub const fn status(id: &'s str, msg_ref: &'s str, cmd_ref: &'s str, cmd: &'s str, code: Code) -> Self {
        Self {
            msg_ref: Some(msg_ref),
            cmd_ref: Some(cmd_ref),
            cmd: Some(cmd),
            number: Some(code.0),
            ..Self::new(Verb::Status, id)
        }
    }

    /// The Results of the Get with the id `cmd_ref` in the message `msg_ref`.
    pub const fn results(id: &'s str, msg_ref: &'s str, cmd_ref: &'s str) -> Self {
        Self { msg_ref: Some(msg_ref), cmd_ref: Some(cmd_ref), ..Self::new(Verb::Results, id) }
    }

    /// What an Alert is about.
    pub fn alert_code(&self) -> Option<AlertCode> {
        self.number.filter(|_| self.verb == Verb::Alert).map(AlertCode)
    }

    /// What a Status tells.
    pub fn code(&self) -> Option<Code> {
        self.number.filter(|_| self.verb == Verb::Status).map(Code)
    }
}

/// What a command is about: one node, one event, one text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct Item<'s> {
    /// Where to.
    pub target: Option<Location<'s>>,
    /// Where from.
    pub source: Option<Location<'s>>,
    /// Since 1.2; device management does not use it.
    pub source_parent: Option<&'s str>,
    /// Since 1.2; device management does not use it.
    pub target_parent: Option<&'s str>,
    /// What the data is.
    pub meta: Meta<'s>,
    /// The data.
    pub data: Option<Data<'s>>,
    /// Whether this is a chunk and more follow.
    pub more_data: bool,
}

impl<'s> Item<'s> {
    /// An item for the node `uri` of the receiver.
    pub const fn target(uri: &'s str) -> Self {
        Self { target: Some(Location::new(uri)), ..Self::EMPTY }
    }

    /// An item about the node `uri` of the sender.
    pub const fn source(uri: &'s str) -> Self {
        Self { source: Some(Location::new(uri)), ..Self::EMPTY }
    }

    /// Nothing in it.
    pub const EMPTY: Item<'static> = Item {
        target: None,
        source: None,
        source_parent: None,
        target_parent: None,
        meta: Meta::EMPTY,
        data: None,
        more_data: false,
    };

    /// The same with text.
    #[must_use]
    pub const fn text(self, text: &'s str) -> Self {
        Self { data: Some(Data::Text(text)), ..self }
    }

    /// The same with meta information.
    #[must_use]
    pub const fn meta(self, meta: Meta<'s>) -> Self {
        Self { meta, ..self }
    }
}

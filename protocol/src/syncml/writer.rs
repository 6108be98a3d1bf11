use super::limits::MAX_NESTING;
use super::{Chal, Cred, Data, Dialect, Head, Header, Item, Location, Meta, Verb};
use crate::wap::{Coding, DocumentMark, DocumentWriter};
use crate::wbxml::pages::syncml_element as element;
use crate::wbxml::{Name, Sink, Version};
use crate::wire::{Decimal, Error, ErrorKind};

/// Deepest element that is written: SyncML, SyncBody, containers, a command, Item, Meta and a leaf.
const DEPTH: usize = 6 + MAX_NESTING;
/// Octets that the end of a message needs at most: `<Final/></SyncBody></SyncML>`.
const CLOSING: usize = 28;
/// The namespace of what stands in Meta.
const METINF: &str = "syncml:metinf";

/// Writes a message into the caller's buffer.
///
/// What the document type forbids cannot be written (`BadValue`), nor what the message's version lacks (`Unsupported`).
/// A message always keeps room for its end: a command that does not fit is `NoRoom`, and [`Self::resume`] gives it up.
/// So a message is cut at a command's border:
///
/// ```
/// use kedge_protocol::syncml::{AlertCode, Dialect, Head, Header, Location, Writer};
/// use kedge_protocol::wap::Coding;
///
/// let header = Header::new(Dialect::V1_2, "1", "1", Location::new("http://a"), Location::new("IMEI:1"));
/// let mut out = [0; 112];
/// let mut writer = Writer::new(Coding::Wbxml, &mut out, &header)?;
/// writer.command(&Head::alert("1", AlertCode::CLIENT_INITIATED))?.end()?;
/// let mark = writer.mark();
/// let more = Head { correlator: Some("does not fit any more"), ..Head::alert("2", AlertCode::GENERIC) };
/// assert!(writer.command(&more).and_then(|command| command.end()).is_err());
/// drop(writer);
/// let writer = Writer::resume(&mut out, &mark)?;
/// assert!(writer.finish(false)?.ends_with(b"1201\0\x01\x01\x01\x01"));
/// # Ok::<(), kedge_protocol::wire::Error>(())
/// ```
#[derive(Debug)]
pub struct Writer<'b> {
    sink: DocumentWriter<'b, DEPTH>,
    dialect: Dialect,
    open: [Verb; MAX_NESTING],
    depth: usize,
    /// Whether the body, or the innermost container, has a command.
    filled: bool,
}

/// A place between two commands, at which a writer can go on: later, or again.
#[derive(Clone, Copy, Debug)]
pub struct Mark {
    document: DocumentMark<DEPTH>,
    dialect: Dialect,
    open: [Verb; MAX_NESTING],
    depth: usize,
    filled: bool,
}

impl<'b> Writer<'b> {
    /// Starts a message; `Unsupported` for a header of an unknown version.
    pub fn new(coding: Coding, out: &'b mut [u8], header: &Header<'_>) -> Result<Self, Error> {
        let unsupported = Error::new(ErrorKind::Unsupported, 0);
        let dialect = header.dialect().filter(|dialect| dialect.dtd() == header.dtd).ok_or(unsupported)?;
        let sink = DocumentWriter::new(coding, out, dialect.vocabulary(), Version::V1_2)?;
        let mut writer = Self { sink, dialect, open: [Verb::Unknown; MAX_NESTING], depth: 0, filled: false };
        writer.sink.start_tag(const { element("SyncML") })?;
        if coding == Coding::Xml {
            writer.sink.attribute("xmlns", dialect.namespace())?;
        }
        writer.header(header)?;
        writer.sink.start_tag(const { element("SyncBody") })?;
        writer.keep_room()?;
        Ok(writer)
    }

    /// How the message is coded.
    pub const fn coding(&self) -> Coding {
        self.sink.coding()
    }

    /// Octets of the message if it ended now, at most.
    pub const fn len(&self) -> usize {
        self.sink.at().saturating_add(CLOSING)
    }

    /// Whether it has no command yet, so that it could not end now.
    pub const fn is_empty(&self) -> bool {
        !self.filled && self.depth == 0
    }

    /// This place.
    pub const fn mark(&self) -> Mark {
        let Self { dialect, open, depth, filled, .. } = *self;
        Mark { document: self.sink.mark(), dialect, open, depth, filled }
    }

    /// Goes on at `mark` in the message whose octets `out` holds; what was written behind it is given up. `NoRoom` if
    /// `out` is another, smaller buffer.
    pub fn resume(out: &'b mut [u8], mark: &Mark) -> Result<Self, Error> {
        let Mark { document, dialect, open, depth, filled } = mark;
        let sink = DocumentWriter::resume(out, document)?;
        Ok(Self { sink, dialect: *dialect, open: *open, depth: *depth, filled: *filled })
    }

    /// Starts a command that is no container: `BadValue` if its head has what the verb does not take, or lacks what
    /// it must have. Nothing of it counts before [`CommandWriter::end`].
    pub fn command<'w>(&'w mut self, head: &'w Head<'w>) -> Result<CommandWriter<'w, 'b>, Error> {
        if head.verb.is_container() || !is_legal(head) {
            return Err(self.bad());
        }
        self.start(head)?;
        Ok(CommandWriter { writer: self, head, stage: Stage::References, items: 0 })
    }

    /// Opens a container; a Sequence in a Sequence is `BadValue`.
    pub fn begin(&mut self, head: &Head<'_>) -> Result<(), Error> {
        let nested = head.verb == Verb::Sequence && self.innermost() == Some(Verb::Sequence);
        if !head.verb.is_container() || nested || !is_legal(head) {
            return Err(self.bad());
        }
        let limit = Error::new(ErrorKind::LimitExceeded, self.sink.at());
        *self.open.get_mut(self.depth).ok_or(limit)? = head.verb;
        self.start(head)?;
        self.depth = self.depth.saturating_add(1);
        self.filled = false;
        Ok(())
    }

    /// Closes the innermost container, which must hold a command.
    pub fn end(&mut self) -> Result<(), Error> {
        if self.depth == 0 || !self.filled {
            return Err(self.bad());
        }
        self.sink.end()?;
        self.depth = self.depth.saturating_sub(1);
        self.keep_room()
    }

    /// Ends the message, and with `is_final` its package; `BadValue` without a command or with an open container.
    pub fn finish(mut self, is_final: bool) -> Result<&'b [u8], Error> {
        if self.depth > 0 || !self.filled {
            return Err(self.bad());
        }
        if is_final {
            self.sink.start_tag(const { element("Final") })?;
            self.sink.end()?;
        }
        self.sink.end()?;
        self.sink.end()?;
        self.sink.finish()
    }

    fn innermost(&self) -> Option<Verb> {
        self.depth.checked_sub(1).and_then(|i| self.open.get(i)).copied()
    }

    fn bad(&self) -> Error {
        Error::new(ErrorKind::BadValue, self.sink.at())
    }

    fn keep_room(&self) -> Result<(), Error> {
        if self.sink.room() < CLOSING {
            return Err(Error::new(ErrorKind::NoRoom, self.sink.at()));
        }
        Ok(())
    }

    fn header(&mut self, header: &Header<'_>) -> Result<(), Error> {
        self.sink.start_tag(const { element("SyncHdr") })?;
        self.leaf(const { element("VerDTD") }, header.dtd)?;
        self.leaf(const { element("VerProto") }, header.protocol)?;
        self.needed(const { element("SessionID") }, header.session)?;
        self.needed(const { element("MsgID") }, header.message)?;
        self.location(const { element("Target") }, &header.target)?;
        self.location(const { element("Source") }, &header.source)?;
        self.optional(const { element("RespURI") }, header.respond_to)?;
        self.flag(const { element("NoResp") }, header.no_resp)?;
        if let Some(cred) = &header.cred {
            self.cred(cred)?;
        }
        self.meta(&header.meta)?;
        self.sink.end()
    }

    /// Everything of a head up to where references or items follow.
    fn start(&mut self, head: &Head<'_>) -> Result<(), Error> {
        self.sink.start_tag(head.verb.element())?;
        self.leaf(const { element("CmdID") }, head.id)?;
        self.optional(const { element("MsgRef") }, head.msg_ref)?;
        self.optional(const { element("CmdRef") }, head.cmd_ref)?;
        self.optional(const { element("Cmd") }, head.cmd)?;
        self.flag(const { element("NoResp") }, head.no_resp)?;
        if head.verb == Verb::Alert {
            self.number(head.number)?;
        }
        self.meta(&head.meta)?;
        self.since_1_2(const { element("Correlator") }, head.correlator)
    }

    /// What a Status has behind its references.
    fn tail(&mut self, head: &Head<'_>) -> Result<(), Error> {
        if head.verb != Verb::Status {
            return Ok(());
        }
        if let Some(cred) = &head.cred {
            self.cred(cred)?;
        }
        if let Some(chal) = &head.chal {
            self.chal(chal)?;
        }
        self.number(head.number)
    }

    fn item(&mut self, item: &Item<'_>) -> Result<(), Error> {
        self.sink.start_tag(const { element("Item") })?;
        if let Some(target) = &item.target {
            self.location(const { element("Target") }, target)?;
        }
        if let Some(source) = &item.source {
            self.location(const { element("Source") }, source)?;
        }
        self.parent(const { element("SourceParent") }, item.source_parent)?;
        self.parent(const { element("TargetParent") }, item.target_parent)?;
        self.meta(&item.meta)?;
        if let Some(data) = &item.data {
            self.data(data)?;
        }
        self.flag(const { element("MoreData") }, item.more_data)?;
        self.sink.end()
    }

    fn location(&mut self, name: Name<'_>, location: &Location<'_>) -> Result<(), Error> {
        self.sink.start_tag(name)?;
        self.needed(const { element("LocURI") }, location.uri)?;
        self.optional(const { element("LocName") }, location.name)?;
        self.sink.end()
    }

    fn parent(&mut self, name: Name<'_>, uri: Option<&str>) -> Result<(), Error> {
        match uri {
            None => Ok(()),
            Some(_) if self.dialect == Dialect::V1_1 => Err(self.unsupported()),
            Some(uri) => self.location(name, &Location::new(uri)),
        }
    }

    fn meta(&mut self, meta: &Meta<'_>) -> Result<(), Error> {
        if meta.is_empty() {
            return Ok(());
        }
        self.sink.start_tag(const { element("Meta") })?;
        self.meta_text(const { element("Format") }, meta.format)?;
        self.meta_text(const { element("Type") }, meta.media_type)?;
        self.meta_text(const { element("Mark") }, meta.mark)?;
        self.meta_number(const { element("Size") }, meta.size)?;
        self.meta_text(const { element("Version") }, meta.version)?;
        self.meta_text(const { element("NextNonce") }, meta.next_nonce)?;
        self.meta_number(const { element("MaxMsgSize") }, meta.max_message)?;
        self.meta_number(const { element("MaxObjSize") }, meta.max_object)?;
        self.meta_text(const { element("EMI") }, meta.experimental)?;
        self.sink.end()
    }

    fn meta_number(&mut self, name: Name<'_>, number: Option<u32>) -> Result<(), Error> {
        self.meta_text(name, number.map(Decimal::new).as_ref().map(Decimal::as_str))
    }

    fn meta_text(&mut self, name: Name<'_>, text: Option<&str>) -> Result<(), Error> {
        let Some(text) = text else { return Ok(()) };
        self.sink.start_tag(name)?;
        if self.coding() == Coding::Xml {
            self.sink.attribute("xmlns", METINF)?;
        }
        self.sink.text(text)?;
        self.sink.end()
    }

    /// `Cred = Meta? Data`
    fn cred(&mut self, cred: &Cred<'_>) -> Result<(), Error> {
        self.sink.start_tag(const { element("Cred") })?;
        let media_type = Some(cred.scheme).filter(|scheme| !scheme.is_empty());
        self.meta(&Meta { format: cred.format, media_type, ..Meta::EMPTY })?;
        self.data(&cred.data)?;
        self.sink.end()
    }

    /// `Chal = Meta`
    fn chal(&mut self, chal: &Chal<'_>) -> Result<(), Error> {
        if chal.scheme.is_empty() {
            return Err(self.bad());
        }
        let Chal { scheme, format, next_nonce } = *chal;
        self.sink.start_tag(const { element("Chal") })?;
        self.meta(&Meta { format, media_type: Some(scheme), next_nonce, ..Meta::EMPTY })?;
        self.sink.end()
    }

    fn data(&mut self, data: &Data<'_>) -> Result<(), Error> {
        self.sink.start_tag(const { element("Data") })?;
        match data {
            // A zero would end the string of WBXML.
            Data::Text(text) if self.coding() == Coding::Wbxml && text.contains(|c| c == '\0') => {
                self.sink.opaque(text.as_bytes())?;
            }
            Data::Text(text) => self.sink.text(text)?,
            Data::Octets(octets) => self.sink.opaque(octets)?,
            Data::Markup => return Err(self.bad()),
        }
        self.sink.end()
    }

    /// Data of Status and Alert.
    fn number(&mut self, number: Option<u16>) -> Result<(), Error> {
        let number = number.ok_or(self.bad())?;
        self.leaf(const { element("Data") }, Decimal::new(number.into()).as_str())
    }

    fn leaf(&mut self, name: Name<'_>, text: &str) -> Result<(), Error> {
        self.sink.start_tag(name)?;
        self.sink.text(text)?;
        self.sink.end()
    }

    fn needed(&mut self, name: Name<'_>, text: &str) -> Result<(), Error> {
        if text.is_empty() { Err(self.bad()) } else { self.leaf(name, text) }
    }

    fn optional(&mut self, name: Name<'_>, text: Option<&str>) -> Result<(), Error> {
        text.map_or(Ok(()), |text| self.leaf(name, text))
    }

    fn since_1_2(&mut self, name: Name<'_>, text: Option<&str>) -> Result<(), Error> {
        match text {
            Some(_) if self.dialect == Dialect::V1_1 => Err(self.unsupported()),
            text => self.optional(name, text),
        }
    }

    fn unsupported(&self) -> Error {
        Error::new(ErrorKind::Unsupported, self.sink.at())
    }

    fn flag(&mut self, name: Name<'_>, set: bool) -> Result<(), Error> {
        if set {
            self.sink.start_tag(name)?;
            self.sink.end()?;
        }
        Ok(())
    }
}

/// Whether a head has what its verb must have and nothing that it does not take (`oma-dm.md` section 2.1).
fn is_legal(head: &Head<'_>) -> bool {
    let (status, results) = (head.verb == Verb::Status, head.verb == Verb::Results);
    let referring = status || results;
    let numbered = status || head.verb == Verb::Alert;
    let correlated = matches!(head.verb, Verb::Alert | Verb::Exec);
    let has_meta = !numbered;
    !head.id.is_empty()
        && head.id != "0"
        && !head.verb.name().is_empty()
        && head.cmd_ref.is_some() == referring
        && (if status { head.msg_ref.is_some() } else { results || head.msg_ref.is_none() })
        && head.cmd.is_some() == status
        && head.number.is_some() == numbered
        && (status || head.cred.is_none() && head.chal.is_none())
        && (correlated || head.correlator.is_none())
        && (has_meta || head.meta.is_empty())
        && !(referring && head.no_resp)
}

/// What of a command comes next.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Stage {
    References,
    Sources,
    Items,
}

/// Writes what repeats in a command: references, then items.
#[derive(Debug)]
pub struct CommandWriter<'w, 'b> {
    writer: &'w mut Writer<'b>,
    head: &'w Head<'w>,
    stage: Stage,
    items: usize,
}

impl CommandWriter<'_, '_> {
    /// Appends a target of the command that is answered; to Status and Results only, before everything else.
    pub fn target_ref(self, uri: &str) -> Result<Self, Error> {
        self.reference(const { element("TargetRef") }, uri, Stage::References)
    }

    /// Appends a source of the command that is answered; to Status and Results only, before items.
    pub fn source_ref(self, uri: &str) -> Result<Self, Error> {
        self.reference(const { element("SourceRef") }, uri, Stage::Sources)
    }

    /// Appends an item; an Exec takes one.
    pub fn item(mut self, item: &Item<'_>) -> Result<Self, Error> {
        self.enter_items()?;
        if self.items > 0 && self.head.verb == Verb::Exec {
            return Err(self.writer.bad());
        }
        self.items = self.items.saturating_add(1);
        self.writer.item(item)?;
        Ok(self)
    }

    /// Ends the command; all but Alert and Status must have an item.
    pub fn end(mut self) -> Result<(), Error> {
        self.enter_items()?;
        if self.items == 0 && !matches!(self.head.verb, Verb::Alert | Verb::Status) {
            return Err(self.writer.bad());
        }
        self.writer.sink.end()?;
        self.writer.keep_room()?;
        self.writer.filled = true;
        Ok(())
    }

    fn reference(mut self, name: Name<'_>, uri: &str, stage: Stage) -> Result<Self, Error> {
        if self.stage > stage || !matches!(self.head.verb, Verb::Status | Verb::Results) {
            return Err(self.writer.bad());
        }
        self.stage = stage;
        self.writer.leaf(name, uri)?;
        Ok(self)
    }

    fn enter_items(&mut self) -> Result<(), Error> {
        if self.stage != Stage::Items {
            self.stage = Stage::Items;
            self.writer.tail(self.head)?;
        }
        Ok(())
    }
}

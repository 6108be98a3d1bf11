//! The pull reader.

use super::header::{self, Header, name_text, utf8_text};
use super::token::{
    ATTRIBUTES, CONTENT, END, ENTITY, EXT, EXT_I, EXT_T, IDENTITY, LITERAL, LITERAL_A, LITERAL_AC, LITERAL_C,
    OPAQUE, PI, STR_I, STR_T, SWITCH_PAGE, is_global,
};
use super::vocabulary::{at_distance, first_part};
use super::{
    AttributeStart, Charset, Event, Extension, Name, PublicId, Pull, Quirk, Quirks, Tag, Token, Vocabulary,
    pages,
};
use crate::wire::{self, Error, ErrorKind};

/// Reads a WBXML document of at most `DEPTH` nested elements, event by event, from borrowed octets.
///
/// `body = *pi element *pi` (WAP-192 §5.8). What follows is `Trailing`; an end in between is `Truncated`; a token
/// where the grammar has none is `BadValue`; more than `DEPTH` levels are `LimitExceeded`. Tolerated deviations are
/// listed in [`Quirk`].
///
/// ```
/// use kedge_protocol::wbxml::{Event, Pull, Reader, pages};
///
/// let sl = [0x02, 0x06, 0x6A, 0x00, 0x85, 0x06, 0x09, 0x03, b'a', b'.', b'b', 0, 0x01];
/// let mut reader: Reader<4> = Reader::new(&sl, &pages::SL)?;
/// assert!(reader.header().public_id.is(&pages::SL));
/// assert!(matches!(reader.next()?, Some(Event::Start(name)) if name.text() == Some("sl")));
/// assert!(matches!(reader.next()?, Some(Event::Attribute(name)) if name.text() == Some("action")));
/// assert_eq!(reader.next()?, Some(Event::Text("execute-high")));
/// # Ok::<(), kedge_protocol::wire::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct Reader<'a, const DEPTH: usize> {
    core: Core<'a>,
}

/// The reader, whose code is there once for every depth.
#[derive(Clone, Debug)]
struct Core<'a> {
    r: wire::Reader<'a>,
    header: Header<'a>,
    vocabulary: &'static Vocabulary,
    quirks: Quirks,
    tag_page: u8,
    /// What the vocabulary has of that page, or the first part of it: most tags are found there.
    tags: &'static [Tag],
    attribute_page: u8,
    /// The same of attribute starts.
    starts: &'static [AttributeStart],
    depth: usize,
    limit: usize,
    root_seen: bool,
    state: State,
    pending: Pending<'a>,
    at: usize,
    fault: Option<Error>,
}

/// Where in the grammar the next octet stands.
#[derive(Clone, Copy, Debug)]
enum State {
    /// Before or after the root element, or in content.
    Between,
    /// In an attribute list, before a start token or the END of the list; `content` follows the list or not.
    Attributes { content: bool, first: bool },
    /// In an attribute's value.
    Value { content: bool },
    /// In a processing instruction's value.
    Instruction,
    /// Behind an element without content.
    Close,
}

/// What is still to be handed out of a token that was read.
#[derive(Clone, Copy, Debug)]
enum Pending<'a> {
    Nothing,
    /// The value prefix of an attribute start.
    Prefix(&'static str),
    /// The rest of an ISO-8859-1 string.
    Latin(wire::Reader<'a>),
}

/// One step: an event, nothing yet (the token only changed the state), or the end of the document.
type Step<'a> = Result<Option<Event<'a>>, Error>;

impl<'a, const DEPTH: usize> Reader<'a, DEPTH> {
    /// Reads the header; the document is taken to be of the type `vocabulary`, whatever its public identifier says.
    ///
    /// For documents whose media type tells what they are. [`Self::header`] tells whether the document agrees.
    pub fn new(bytes: &'a [u8], vocabulary: &'static Vocabulary) -> Result<Self, Error> {
        Self::detect(bytes, &[]).map(|reader| reader.assume(vocabulary))
    }

    /// The same reader with other tables. For before the first event: names already handed out do not change.
    #[must_use]
    pub fn assume(mut self, vocabulary: &'static Vocabulary) -> Self {
        self.core.assume(vocabulary);
        self
    }

    /// Reads the header and takes from `known` the vocabulary that the public identifier names, or
    /// [`pages::NONE`], with which every token is `Unknown`.
    pub fn detect(bytes: &'a [u8], known: &[&'static Vocabulary]) -> Result<Self, Error> {
        Core::detect(bytes, known, DEPTH).map(|core| Self { core })
    }

    /// What stood before the body.
    pub const fn header(&self) -> &Header<'a> {
        &self.core.header
    }

    /// The tables in use.
    pub const fn vocabulary(&self) -> &'static Vocabulary {
        self.core.vocabulary
    }

    /// The deviations tolerated so far.
    pub const fn quirks(&self) -> Quirks {
        self.core.quirks
    }
}

impl<'a> Core<'a> {
    fn detect(bytes: &'a [u8], known: &[&'static Vocabulary], limit: usize) -> Result<Self, Error> {
        let mut r = wire::Reader::new(bytes);
        let mut quirks = Quirks::default();
        let header = header::read(&mut r, &mut quirks)?;
        let vocabulary = known.iter().copied().find(|known| header.public_id.is(known));
        let mut core = Self {
            at: r.at(),
            r,
            header,
            vocabulary: &pages::NONE,
            quirks,
            tag_page: 0,
            tags: &[],
            attribute_page: 0,
            starts: &[],
            depth: 0,
            limit,
            root_seen: false,
            state: State::Between,
            pending: Pending::Nothing,
            fault: None,
        };
        core.assume(vocabulary.unwrap_or(&pages::NONE));
        Ok(core)
    }

    fn assume(&mut self, vocabulary: &'static Vocabulary) {
        if let PublicId::Literal(text) = self.header.public_id
            && text != vocabulary.text
            && self.header.public_id.is(vocabulary)
        {
            self.quirks.note(Quirk::PublicIdCase);
        }
        self.vocabulary = vocabulary;
        self.turn_to(self.tag_page);
        self.turn_attributes_to(self.attribute_page);
    }

    /// Turns to another page of tags.
    fn turn_to(&mut self, page: u8) {
        self.tag_page = page;
        self.tags = first_part(self.vocabulary.tags, page);
    }

    /// Turns to another page of attributes.
    fn turn_attributes_to(&mut self, page: u8) {
        self.attribute_page = page;
        self.starts = first_part(self.vocabulary.starts, page);
    }

    /// [`Pull::next`]: a tag or END in content, an attribute and the end of the list are known at a glance.
    #[inline]
    fn next(&mut self) -> Result<Option<Event<'a>>, Error> {
        let plain = matches!((self.pending, self.fault), (Pending::Nothing, None)) && self.depth > 0;
        match (self.state, self.r.peek().filter(|_| plain)) {
            (State::Between, Some(END)) => {
                self.step_over()?;
                Ok(Some(self.close()))
            }
            // The element ends behind its attributes.
            (State::Attributes { content: false, first: false }, Some(END)) => {
                self.r.u8()?;
                self.at = self.r.at();
                Ok(Some(self.close()))
            }
            (State::Between, Some(octet)) if !is_global(octet) && self.depth < self.limit => {
                self.step_over()?;
                self.open(octet)?;
                Ok(Some(Event::Start(self.tag(octet))))
            }
            (State::Attributes { content, .. }, Some(octet)) if is_start(octet) => {
                self.step_over()?;
                self.state = State::Value { content };
                Ok(Some(Event::Attribute(self.attribute(octet))))
            }
            _ => self.next_of_any_kind(),
        }
    }

    /// Consumes the octet that begins an event.
    #[inline]
    fn step_over(&mut self) -> Result<(), Error> {
        self.at = self.r.at();
        self.r.u8().map(drop)
    }

    fn next_of_any_kind(&mut self) -> Result<Option<Event<'a>>, Error> {
        if let Some(fault) = self.fault {
            return Err(fault);
        }
        let event = self.step();
        if let Err(fault) = event {
            self.fault = Some(fault);
        }
        event
    }

    /// Whether a token of content is next.
    const fn is_in_content(&self) -> bool {
        self.depth > 0
            && matches!((self.state, self.pending, self.fault), (State::Between, Pending::Nothing, None))
    }

    /// [`Pull::child`]: the same of a tag without attributes and of END, which are most of what is read.
    #[inline]
    fn child(&mut self) -> Result<Option<Name<'a>>, Error> {
        loop {
            match self.r.peek().filter(|_| self.is_in_content()) {
                Some(END) => {
                    self.step_over()?;
                    self.close();
                    return Ok(None);
                }
                Some(octet) if !is_global(octet) && octet & ATTRIBUTES == 0 && self.depth < self.limit => {
                    self.step_over()?;
                    self.open(octet)?;
                    return Ok(Some(self.tag(octet)));
                }
                _ => match self.next_of_any_kind()? {
                    Some(Event::Start(name)) => return Ok(Some(name)),
                    Some(Event::End) => return Ok(None),
                    Some(_) => {}
                    None => return Err(Error::new(ErrorKind::Truncated, self.at)),
                },
            }
        }
    }

    fn step(&mut self) -> Result<Option<Event<'a>>, Error> {
        loop {
            let event = match self.pending {
                Pending::Prefix(text) => {
                    self.pending = Pending::Nothing;
                    Some(Event::Text(text))
                }
                Pending::Latin(rest) => self.latin(rest)?,
                Pending::Nothing => {
                    self.at = self.r.at();
                    match self.state {
                        State::Between if self.root_seen && self.depth == 0 && self.r.is_empty() => {
                            return Ok(None);
                        }
                        State::Between => self.between()?,
                        State::Attributes { content, first } => self.attributes(content, first)?,
                        State::Value { content } => self.value(content)?,
                        State::Instruction => self.instruction_value()?,
                        State::Close => Some(self.close()),
                    }
                }
            };
            if event.is_some() {
                return Ok(event);
            }
        }
    }

    /// [`Pull::skip_element`]: content is passed over token by token, and no text is looked at.
    fn skip_element(&mut self) -> Result<bool, Error> {
        let Some(outside) = self.depth.checked_sub(1) else { return Ok(false) };
        while self.depth > outside {
            if !self.is_in_content() || !self.pass_over(outside) {
                self.next()?;
            }
        }
        Ok(true)
    }

    /// Passes over tokens of content down to the depth `outside`, and up to one that is for [`Self::step`]; `false` if that is
    /// the first.
    fn pass_over(&mut self, outside: usize) -> bool {
        let (mut r, mut depth) = (self.r, self.depth);
        while depth > outside {
            let mut next = r;
            match next.u8() {
                Ok(END) => depth = depth.saturating_sub(1),
                Ok(STR_I) if next.take_until(0).is_ok() => {}
                Ok(OPAQUE) if take_opaque(&mut next).is_ok() => {}
                Ok(octet) if !is_global(octet) && octet & ATTRIBUTES == 0 && depth < self.limit => {
                    depth = depth.saturating_add(usize::from(octet & CONTENT != 0));
                }
                _ => break,
            }
            self.at = r.at();
            r = next;
        }
        let passed = r.at() != self.r.at();
        (self.r, self.depth) = (r, depth);
        passed
    }

    /// [`Pull::leaf`]: `STR_I` text zero `END`.
    fn leaf(&mut self) -> Option<&'a str> {
        let plain =
            matches!((self.state, self.pending, self.fault), (State::Between, Pending::Nothing, None));
        let mut r = self.r;
        if !plain || self.depth == 0 || self.header.charset == Charset::ISO_8859_1 || r.u8() != Ok(STR_I) {
            return None;
        }
        let octets = r.take_until(0).ok()?;
        let end = r.at();
        if r.u8() != Ok(END) || self.header.charset == Charset::US_ASCII && !octets.is_ascii() {
            return None;
        }
        let text = utf8_text(octets, end).ok()?;
        self.r = r;
        self.at = end;
        self.depth = self.depth.saturating_sub(1);
        Some(text)
    }

    /// [`Pull::value`]: a prefix, a string or a value token, and behind it the next attribute or the end of the list.
    fn whole_value(&mut self) -> Option<&'a str> {
        let State::Value { content } = self.state else { return None };
        let mut r = self.r;
        let text = match (self.pending, r.peek()?, self.fault) {
            (Pending::Prefix(prefix), _, None) => prefix,
            (Pending::Nothing, octet, None) if ends_value(octet) => "",
            (Pending::Nothing, octet, None) => {
                r.u8().ok()?;
                match octet {
                    STR_I => self.plain_text(r.take_until(0).ok()?)?,
                    STR_T => self.plain_text(self.header.table.get(r.mb_u32().ok()?)?.0)?,
                    _ => self.vocabulary.value(Token { page: self.attribute_page, code: octet })?,
                }
            }
            _ => return None,
        };
        if !r.peek().is_some_and(ends_value) {
            return None;
        }
        (self.r, self.at, self.pending) = (r, r.at(), Pending::Nothing);
        self.state = State::Attributes { content, first: false };
        Some(text)
    }

    /// The text of a string that is the same in every charset, or in UTF-8.
    fn plain_text(&self, octets: &'a [u8]) -> Option<&'a str> {
        let is_utf8 = !matches!(self.header.charset, Charset::US_ASCII | Charset::ISO_8859_1);
        if is_utf8 || octets.is_ascii() { str::from_utf8(octets).ok() } else { None }
    }

    /// ```text
    /// content = element | string | extension | entity | pi | opaque
    /// element = ([switchPage] stag) [1*attribute END] [*content END]
    /// ```
    fn between(&mut self) -> Step<'a> {
        let octet = self.r.u8()?;
        if octet == PI {
            return self.instruction();
        }
        if self.depth == 0 && self.root_seen {
            return Err(Error::new(ErrorKind::Trailing, self.at));
        }
        match octet {
            SWITCH_PAGE => {
                let page = self.r.u8()?;
                self.turn_to(page);
                let literal = matches!(self.r.peek(), Some(LITERAL | LITERAL_C | LITERAL_A | LITERAL_AC));
                self.note_switch(literal);
                Ok(None)
            }
            LITERAL | LITERAL_C | LITERAL_A | LITERAL_AC => {
                let name = self.literal()?;
                self.open(octet)?;
                Ok(Some(Event::Start(name)))
            }
            _ if !is_global(octet) => {
                self.open(octet)?;
                Ok(Some(Event::Start(self.tag(octet))))
            }
            _ if self.depth == 0 => Err(self.forbidden()),
            END => Ok(Some(self.close())),
            _ => self.fragment(octet),
        }
    }

    /// The name of the tag `octet`.
    #[inline]
    fn tag(&mut self, octet: u8) -> Name<'a> {
        let token = Token { page: self.tag_page, code: octet & IDENTITY };
        match at_distance(self.tags, token.code) {
            Some(tag) => Name::Known(token, tag.1),
            None => match self.named(token, Vocabulary::tag) {
                Some(name) => Name::Known(token, name),
                None => Name::Unknown(token),
            },
        }
    }

    /// Opens the element whose tag is `octet`.
    #[inline]
    fn open(&mut self, octet: u8) -> Result<(), Error> {
        if self.depth >= self.limit {
            return Err(Error::new(ErrorKind::LimitExceeded, self.at));
        }
        self.depth = self.depth.saturating_add(1);
        self.root_seen = true;
        let content = octet & CONTENT != 0;
        self.state = if octet & ATTRIBUTES != 0 {
            State::Attributes { content, first: true }
        } else {
            after_attributes(content)
        };
        Ok(())
    }

    fn close(&mut self) -> Event<'a> {
        self.depth = self.depth.saturating_sub(1);
        self.state = State::Between;
        Event::End
    }

    /// `attribute = ([switchPage] ATTRSTART | LITERAL index) *attrValue`
    fn attributes(&mut self, content: bool, first: bool) -> Step<'a> {
        let octet = self.r.u8()?;
        match octet {
            SWITCH_PAGE => self.switch_attribute_page(),
            END if !first => {
                self.state = after_attributes(content);
                Ok(None)
            }
            _ => {
                let name = self.attribute_name(octet)?;
                self.state = State::Value { content };
                Ok(Some(Event::Attribute(name)))
            }
        }
    }

    /// `attrValue = ([switchPage] ATTRVALUE) | string | extension | entity | opaque`
    fn value(&mut self, content: bool) -> Step<'a> {
        match self.r.peek() {
            Some(octet) if ends_value(octet) => {
                self.state = State::Attributes { content, first: false };
                Ok(Some(Event::AttributeEnd))
            }
            _ => self.value_piece(),
        }
    }

    /// `pi = PI attrStart *attrValue END`
    fn instruction(&mut self) -> Step<'a> {
        let mut octet = self.r.u8()?;
        while octet == SWITCH_PAGE {
            self.switch_attribute_page()?;
            octet = self.r.u8()?;
        }
        let name = self.attribute_name(octet)?;
        self.state = State::Instruction;
        Ok(Some(Event::Pi(name)))
    }

    fn instruction_value(&mut self) -> Step<'a> {
        if self.r.peek() == Some(END) {
            self.r.u8()?;
            self.state = State::Between;
            return Ok(Some(Event::PiEnd));
        }
        self.value_piece()
    }

    /// The name of the attribute or instruction that `octet` starts; its value prefix becomes pending.
    fn attribute_name(&mut self, octet: u8) -> Result<Name<'a>, Error> {
        if octet == LITERAL {
            return self.literal();
        }
        if !is_start(octet) {
            return Err(self.forbidden());
        }
        Ok(self.attribute(octet))
    }

    /// The name of the attribute start `octet`; its value prefix becomes pending.
    #[inline]
    fn attribute(&mut self, octet: u8) -> Name<'a> {
        let token = Token { page: self.attribute_page, code: octet };
        let known = at_distance(self.starts, octet).map(|start| (start.1, start.2));
        let Some((name, prefix)) = known.or_else(|| self.named(token, Vocabulary::attribute)) else {
            return Name::Unknown(token);
        };
        if !prefix.is_empty() {
            self.pending = Pending::Prefix(prefix);
        }
        Name::Known(token, name)
    }

    fn value_piece(&mut self) -> Step<'a> {
        let octet = self.r.u8()?;
        if octet == SWITCH_PAGE {
            return self.switch_attribute_page();
        }
        if octet < 0x80 || is_global(octet) {
            return self.fragment(octet);
        }
        let token = Token { page: self.attribute_page, code: octet };
        Ok(Some(self.named(token, Vocabulary::value).map_or(Event::UnknownValue(token), Event::Text)))
    }

    /// `string`, `extension`, `entity` or `opaque`, of which `octet` is the first.
    fn fragment(&mut self, octet: u8) -> Step<'a> {
        let index = octet & 3;
        match octet {
            ENTITY => {
                let character = char::from_u32(self.r.mb_u32()?).filter(|&c| c != '\0');
                character.map(|c| Some(Event::Char(c))).ok_or(self.forbidden())
            }
            STR_I => {
                let at = self.r.at();
                let octets = self.r.take_until(0)?;
                self.string(octets, at)
            }
            STR_T => {
                let (octets, at) = self.table_string()?;
                self.string(octets, at)
            }
            OPAQUE => take_opaque(&mut self.r).map(|octets| Some(Event::Opaque(octets))),
            EXT_I..PI => {
                let at = self.r.at();
                let text = name_text(self.r.take_until(0)?, self.header.charset, at)?;
                Ok(Some(Event::Extension(Extension::Inline(index, text))))
            }
            EXT_T..STR_T => Ok(Some(Event::Extension(Extension::Number(index, self.r.mb_u32()?)))),
            EXT..OPAQUE => Ok(Some(Event::Extension(Extension::Bare(index)))),
            _ => Err(self.forbidden()),
        }
    }

    /// Text in the document's charset.
    fn string(&mut self, octets: &'a [u8], at: usize) -> Step<'a> {
        if self.header.charset == Charset::ISO_8859_1 {
            self.pending = Pending::Latin(wire::Reader::with_base(octets, at));
            return Ok(None);
        }
        let text = if self.header.charset == Charset::US_ASCII {
            name_text(octets, Charset::US_ASCII, at)?
        } else {
            utf8_text(octets, at)?
        };
        Ok((!text.is_empty()).then_some(Event::Text(text)))
    }

    /// The next run of ASCII, or the next character above it, of an ISO-8859-1 string.
    fn latin(&mut self, mut rest: wire::Reader<'a>) -> Step<'a> {
        self.at = rest.at();
        let ascii = rest.rest().iter().take_while(|octet| octet.is_ascii()).count();
        let event = if ascii == 0 {
            rest.u8().ok().map(|octet| Event::Char(char::from(octet)))
        } else {
            Some(Event::Text(utf8_text(rest.take(ascii)?, self.at)?))
        };
        self.pending = if rest.is_empty() { Pending::Nothing } else { Pending::Latin(rest) };
        Ok(event)
    }

    fn literal(&mut self) -> Result<Name<'a>, Error> {
        let (octets, at) = self.table_string()?;
        match name_text(octets, self.header.charset, at)? {
            "" => Err(self.forbidden()),
            name => Ok(Name::Literal(name)),
        }
    }

    fn table_string(&mut self) -> Result<(&'a [u8], usize), Error> {
        let at = self.r.at();
        self.header.table.get(self.r.mb_u32()?).ok_or(Error::new(ErrorKind::BadValue, at))
    }

    /// Looks `token` up in the vocabulary, then in its next version.
    fn named<T>(&mut self, token: Token, look_up: impl Fn(&Vocabulary, Token) -> Option<T>) -> Option<T> {
        if let Some(found) = look_up(self.vocabulary, token) {
            return Some(found);
        }
        let found = look_up(self.vocabulary.newer?, token)?;
        self.quirks.note(Quirk::NewerToken);
        Some(found)
    }

    fn switch_attribute_page(&mut self) -> Step<'a> {
        let page = self.r.u8()?;
        self.turn_attributes_to(page);
        self.note_switch(false);
        Ok(None)
    }

    /// Notes a page switch that no token of a page follows, unless the grammar has an `exception` for what follows.
    fn note_switch(&mut self, exception: bool) {
        if !exception && self.r.peek().is_some_and(is_global) {
            self.quirks.note(Quirk::IdlePageSwitch);
        }
    }

    fn forbidden(&self) -> Error {
        Error::new(ErrorKind::BadValue, self.at)
    }
}

/// `opaque = OPAQUE length *byte`, of which the first octet was read.
fn take_opaque<'a>(r: &mut wire::Reader<'a>) -> Result<&'a [u8], Error> {
    let at = r.at();
    let len = usize::try_from(r.mb_u32()?).map_err(|_| Error::new(ErrorKind::BadLength, at))?;
    r.take(len)
}

/// Whether `octet` is an attribute start of a code page.
const fn is_start(octet: u8) -> bool {
    octet < 0x80 && !is_global(octet)
}

/// Whether an attribute's value is over before `octet`.
const fn ends_value(octet: u8) -> bool {
    octet == END || octet == LITERAL || is_start(octet)
}

/// The state behind an element's attributes.
const fn after_attributes(content: bool) -> State {
    if content { State::Between } else { State::Close }
}

impl<'a, const DEPTH: usize> Pull<'a> for Reader<'a, DEPTH> {
    fn next(&mut self) -> Result<Option<Event<'a>>, Error> {
        self.core.next()
    }

    fn at(&self) -> usize {
        self.core.at
    }

    fn skip_element(&mut self) -> Result<bool, Error> {
        self.core.skip_element()
    }

    #[inline]
    fn child(&mut self) -> Result<Option<Name<'a>>, Error> {
        self.core.child()
    }

    fn leaf(&mut self) -> Option<&'a str> {
        self.core.leaf()
    }

    fn value(&mut self) -> Option<&'a str> {
        self.core.whole_value()
    }
}

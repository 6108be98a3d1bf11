//! The pull reader.

use super::cursor::{Cursor, find, find_illegal, is_suspect};
use super::{MAX_ATTRIBUTES, doctype};
use crate::wbxml::{Event, Name, Pull, Quirk, Quirks};
use crate::wire::{Error, ErrorKind};

/// Reads an XML document of at most `DEPTH` nested elements, event by event, from borrowed octets.
///
/// All names come as [`Name::Literal`], character data in as many fragments as references and line ends cut it into;
/// white space between elements is handed out like any text. Checked: matching end tags, one root element, distinct
/// attribute names, allowed characters. Errors: `BadText` for octets that are not UTF-8 or characters that are not
/// XML, `BadValue` for what is not well formed, `Truncated`, `Trailing` for text behind the root element,
/// `Unsupported` for another encoding or XML version and for an internal DTD subset, `LimitExceeded` for more than
/// `DEPTH` levels, [`MAX_ATTRIBUTES`] attributes or 4 GiB.
///
/// ```
/// use kedge_protocol::wbxml::{Event, Name, Pull};
/// use kedge_protocol::xml::Reader;
///
/// let mut reader: Reader<4> = Reader::new(b"<sl href='a&amp;b'/>")?;
/// assert_eq!(reader.next()?, Some(Event::Start(Name::Literal("sl"))));
/// assert_eq!(reader.next()?, Some(Event::Attribute(Name::Literal("href"))));
/// assert_eq!(reader.next()?, Some(Event::Text("a")));
/// assert_eq!(reader.next()?, Some(Event::Char('&')));
/// # Ok::<(), kedge_protocol::wire::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct Reader<'a, const DEPTH: usize> {
    core: Core<'a>,
    /// Where the names of the open elements stand; readers are copied, and this is most of one.
    stack: [u32; DEPTH],
}

/// All but the stack, so that the code is there once for every depth.
#[derive(Clone, Debug)]
struct Core<'a> {
    whole: Cursor<'a>,
    c: Cursor<'a>,
    depth: usize,
    root_seen: bool,
    doctype_seen: bool,
    /// How many attributes the open start tag has so far.
    attributes: usize,
    state: State<'a>,
    quirks: Quirks,
    at: usize,
    fault: Option<Error>,
}

/// Where in the grammar the next character stands.
#[derive(Clone, Copy, Debug)]
enum State<'a> {
    /// Before or after the root element, or in content.
    Between,
    /// In a start tag, behind the name or an attribute.
    Attributes,
    /// In an attribute's value, the rest of which it holds.
    Value(Cursor<'a>),
    /// In a CDATA section, the rest of which it holds.
    Cdata(Cursor<'a>),
    /// In a processing instruction, the rest of whose data it holds.
    Instruction(Cursor<'a>),
}

/// One step: an event, nothing yet, or a fault.
type Step<'a> = Result<Option<Event<'a>>, Error>;

impl<'a, const DEPTH: usize> Reader<'a, DEPTH> {
    /// Reads the byte order mark and the XML declaration, if there are any.
    pub fn new(bytes: &'a [u8]) -> Result<Self, Error> {
        Ok(Self { core: Core::new(bytes)?, stack: [0; DEPTH] })
    }

    /// The deviations tolerated so far.
    pub const fn quirks(&self) -> Quirks {
        self.core.quirks
    }
}

impl<'a> Core<'a> {
    fn new(bytes: &'a [u8]) -> Result<Self, Error> {
        let whole = Cursor::new(bytes);
        let mut c = whole;
        c.eat("\u{FEFF}");
        let mut lead = c;
        if lead.eat("<?xml") && lead.space() {
            declaration(&mut lead)?;
            c = lead;
        }
        Ok(Self {
            whole,
            c,
            depth: 0,
            root_seen: false,
            doctype_seen: false,
            attributes: 0,
            state: State::Between,
            quirks: Quirks::default(),
            at: 0,
            fault: None,
        })
    }

    fn next(&mut self, stack: &mut [u32]) -> Step<'a> {
        if let Some(fault) = self.fault {
            return Err(fault);
        }
        let event = self.step(stack);
        if let Err(fault) = event {
            self.fault = Some(fault);
        }
        event
    }

    /// [`Pull::child`]
    #[inline]
    fn child(&mut self, stack: &mut [u32]) -> Result<Option<Name<'a>>, Error> {
        loop {
            match self.plain_child(stack).map_or_else(|| self.next(stack), |event| Ok(Some(event)))? {
                Some(Event::Start(name)) => return Ok(Some(name)),
                Some(Event::End) => return Ok(None),
                Some(_) => {}
                None => return Err(Error::new(ErrorKind::Truncated, self.at)),
            }
        }
    }

    /// A start tag, or the end of an element, if nothing but white space and at most one attribute is before it.
    #[inline]
    fn plain_child(&mut self, stack: &mut [u32]) -> Option<Event<'a>> {
        let mut c = if self.is_between() { self.c } else { self.behind_tag()? };
        c.space();
        let at = c.at();
        let event = if c.eat("</") {
            let name = c.take_to_octet(b'>');
            if !self.whole.has_name(self.innermost(stack), name) || !c.eat(">") {
                return None;
            }
            self.state = State::Between;
            self.depth = self.depth.saturating_sub(1);
            Event::End
        } else {
            let start = u32::try_from(at.saturating_add(1)).ok()?;
            let name = if c.eat("<") { c.name().ok()? } else { return None };
            *stack.get_mut(self.depth)? = start;
            self.state = State::Attributes;
            self.depth = self.depth.saturating_add(1);
            self.attributes = 0;
            Event::Start(Name::Literal(name))
        };
        (self.c, self.at) = (c, at);
        Some(event)
    }

    fn step(&mut self, stack: &mut [u32]) -> Step<'a> {
        loop {
            let event = match self.state {
                State::Between if self.depth == 0 => {
                    self.c.space();
                    self.at = self.c.at();
                    if self.root_seen && self.c.is_finished() {
                        return Ok(None);
                    }
                    self.outside(stack)?
                }
                State::Between => {
                    self.at = self.c.at();
                    self.content(stack)?
                }
                State::Attributes => self.attribute(stack)?,
                State::Value(rest) => self.value(rest)?,
                State::Cdata(rest) => self.cdata(rest)?,
                State::Instruction(rest) => self.instruction_data(rest)?,
            };
            if event.is_some() {
                return Ok(event);
            }
        }
    }

    /// Whether text or markup of content is next.
    const fn is_between(&self) -> bool {
        self.depth > 0 && matches!((self.state, self.fault), (State::Between, None))
    }

    /// [`Pull::skip_element`]: texts are passed over without a look at them.
    fn skip_element(&mut self, stack: &mut [u32]) -> Result<bool, Error> {
        let Some(outside) = self.depth.checked_sub(1) else { return Ok(false) };
        while self.depth > outside {
            let passed = self.leaf(stack).is_some()
                || self.plain_child(stack).is_some()
                || self.is_between() && !self.c.take_to_octet(b'<').is_empty();
            if !passed {
                self.next(stack)?;
            }
        }
        Ok(true)
    }

    /// What stands behind the start tag, if it was just opened, and at most one attribute is left of it, in whose value nothing
    /// needs a second look.
    #[inline]
    fn behind_tag(&self) -> Option<Cursor<'a>> {
        if !matches!((self.state, self.attributes, self.fault), (State::Attributes, 0, None)) {
            return None;
        }
        let mut c = self.c;
        if c.eat(" ") {
            c.name().ok()?;
            let value = c
                .eat("=\"")
                .then(|| c.take_to(|octet| matches!(octet, b'"' | b'<' | b'&') || is_suspect(octet)));
            if value.is_none() || !c.eat("\"") {
                return None;
            }
        }
        c.eat(">").then_some(c)
    }

    /// [`Pull::leaf`]: `'>'` text `'</'` the same name `'>'`, and in the text nothing that needs a second look.
    fn leaf(&mut self, stack: &[u32]) -> Option<&'a str> {
        let mut c = self.behind_tag()?;
        let name = self.whole.between(self.innermost(stack), &self.c);
        let text = c.take_to(|octet| matches!(octet, b'<' | b'&' | b'\r' | b']') || is_suspect(octet));
        let end = c.at();
        if !(c.eat("</") && c.eat(name) && c.eat(">")) {
            return None;
        }
        self.c = c;
        self.at = end;
        self.state = State::Between;
        self.depth = self.depth.saturating_sub(1);
        Some(text)
    }

    /// [`Pull::value`]: nothing in it needs a second look.
    fn whole_value(&mut self) -> Option<&'a str> {
        let (State::Value(mut rest), None) = (self.state, self.fault) else { return None };
        let text =
            rest.take_to(|octet| matches!(octet, b'<' | b'&' | b'\n' | b'\t' | b'\r') || is_suspect(octet));
        if !rest.is_empty() {
            return None;
        }
        self.at = rest.at();
        self.state = State::Attributes;
        Some(text)
    }

    /// `document = prolog element Misc*`, `prolog = XMLDecl? Misc* (doctypedecl Misc*)?`
    fn outside(&mut self, stack: &mut [u32]) -> Step<'a> {
        if self.c.starts_with("<!--") || self.c.starts_with("<?") {
            return self.markup(stack);
        }
        if self.root_seen {
            return Err(if self.c.is_empty() { self.c.ended() } else { self.c.error(ErrorKind::Trailing) });
        }
        if !self.doctype_seen && self.c.eat("<!DOCTYPE") {
            self.doctype_seen = true;
            return doctype::read(&mut self.c).map(|doctype| Some(Event::Doctype(doctype)));
        }
        if self.c.starts_with("</") || !self.c.starts_with("<") {
            return Err(self.c.forbidden());
        }
        self.markup(stack)
    }

    /// `content = CharData? ((element | Reference | CDSect | PI | Comment) CharData?)*`
    fn content(&mut self, stack: &mut [u32]) -> Step<'a> {
        match self.c.rest().bytes().next() {
            None => Err(self.c.ended()),
            Some(b'<') => self.markup(stack),
            Some(b'&') if !self.c.at_reference() => {
                self.c.expect("&")?;
                self.quirks.note(Quirk::BareAmpersand);
                Ok(Some(Event::Char('&')))
            }
            _ => {
                let event = character_data(&mut self.c, |octet| matches!(octet, b'<' | b'&'))?;
                if let Event::Text(text) = event
                    && let Some(i) = find(text, "]]>")
                {
                    return Err(Error::new(ErrorKind::BadValue, self.at.saturating_add(i)));
                }
                Ok(Some(event))
            }
        }
    }

    /// What starts with `<`: comment, CDATA section, processing instruction, end tag, start tag.
    fn markup(&mut self, stack: &mut [u32]) -> Step<'a> {
        if self.c.eat("</") {
            self.end_tag(stack)
        } else if self.c.eat("<!--") {
            let inside = self.c.before("--")?;
            legal(inside.rest(), inside.at())?;
            self.c.expect(">")?;
            Ok(None)
        } else if self.depth > 0 && self.c.eat("<![CDATA[") {
            self.state = State::Cdata(self.c.before("]]>")?);
            Ok(None)
        } else if self.c.eat("<?") {
            self.instruction()
        } else {
            self.start_tag(stack)
        }
    }

    /// `STag = '<' Name (S Attribute)* S? '>'`, `EmptyElemTag = '<' Name (S Attribute)* S? '/>'`
    fn start_tag(&mut self, stack: &mut [u32]) -> Step<'a> {
        self.c.expect("<")?;
        let start = self.c.at();
        let name = self.c.name()?;
        let beyond = Error::new(ErrorKind::LimitExceeded, self.at);
        *stack.get_mut(self.depth).ok_or(beyond)? = u32::try_from(start).map_err(|_| beyond)?;
        self.depth = self.depth.saturating_add(1);
        self.root_seen = true;
        self.attributes = 0;
        self.state = State::Attributes;
        Ok(Some(Event::Start(Name::Literal(name))))
    }

    /// `Attribute = Name Eq AttValue`, or the end of the start tag.
    fn attribute(&mut self, stack: &[u32]) -> Step<'a> {
        let spaced = self.c.space();
        self.at = self.c.at();
        if self.c.eat("/>") {
            self.state = State::Between;
            self.depth = self.depth.saturating_sub(1);
            return Ok(Some(Event::End));
        }
        if self.c.eat(">") {
            self.state = State::Between;
            return Ok(None);
        }
        if !spaced {
            return Err(self.c.forbidden());
        }
        let name = self.c.name()?;
        if self.has_attribute(stack, name) {
            return Err(Error::new(ErrorKind::BadValue, self.at));
        }
        if self.attributes >= MAX_ATTRIBUTES {
            return Err(Error::new(ErrorKind::LimitExceeded, self.at));
        }
        self.attributes = self.attributes.saturating_add(1);
        self.state = State::Value(self.c.equals_quoted()?);
        Ok(Some(Event::Attribute(Name::Literal(name))))
    }

    /// Whether the open start tag has an attribute called `name` already. Reads them again rather than keeping their names.
    fn has_attribute(&self, stack: &[u32], name: &str) -> bool {
        let mut tag = self.whole.behind(self.innermost(stack));
        let element = tag.name();
        element.is_err()
            || (0..self.attributes).any(|_| {
                tag.space();
                tag.name() == Ok(name) || tag.equals_quoted().is_err()
            })
    }

    /// Where the name of the innermost open element stands.
    fn innermost(&self, stack: &[u32]) -> usize {
        let start = self.depth.checked_sub(1).and_then(|depth| stack.get(depth));
        start.and_then(|start| usize::try_from(*start).ok()).unwrap_or(usize::MAX)
    }

    /// `ETag = '</' Name S? '>'`
    fn end_tag(&mut self, stack: &[u32]) -> Step<'a> {
        let name = self.c.name()?;
        if self.depth == 0 || !self.whole.has_name(self.innermost(stack), name) {
            return Err(Error::new(ErrorKind::BadValue, self.at));
        }
        self.c.space();
        self.c.expect(">")?;
        self.depth = self.depth.saturating_sub(1);
        Ok(Some(Event::End))
    }

    /// `PI = '<?' PITarget (S (Char* - (Char* '?>' Char*)))? '?>'`
    fn instruction(&mut self) -> Step<'a> {
        let target = self.c.name()?;
        let spaced = self.c.space();
        let data = self.c.before("?>")?;
        if target.eq_ignore_ascii_case("xml") || !spaced && !data.is_empty() {
            return Err(Error::new(ErrorKind::BadValue, self.at));
        }
        self.state = State::Instruction(data);
        Ok(Some(Event::Pi(Name::Literal(target))))
    }

    /// White space in attribute values is normalised to spaces (XML 1.0 §3.3.3).
    fn value(&mut self, mut rest: Cursor<'a>) -> Step<'a> {
        self.at = rest.at();
        if rest.is_empty() {
            self.state = State::Attributes;
            return Ok(Some(Event::AttributeEnd));
        }
        let event = match rest.rest().bytes().next() {
            Some(b'<') => return Err(rest.forbidden()),
            Some(b'\n' | b'\t') => {
                rest = rest.behind(1);
                Event::Char(' ')
            }
            Some(b'\r') => character_data(&mut rest, |_| false).map(|_| Event::Char(' '))?,
            _ => character_data(&mut rest, |octet| matches!(octet, b'<' | b'&' | b'\n' | b'\t'))?,
        };
        self.state = State::Value(rest);
        Ok(Some(event))
    }

    fn cdata(&mut self, mut rest: Cursor<'a>) -> Step<'a> {
        self.at = rest.at();
        if rest.is_empty() {
            self.state = State::Between;
            return Ok(None);
        }
        let event = literal_data(&mut rest, |_| false)?;
        self.state = State::Cdata(rest);
        Ok(Some(event))
    }

    fn instruction_data(&mut self, mut rest: Cursor<'a>) -> Step<'a> {
        self.at = rest.at();
        if rest.is_empty() {
            self.state = State::Between;
            return Ok(Some(Event::PiEnd));
        }
        let event = literal_data(&mut rest, |_| false)?;
        self.state = State::Instruction(rest);
        Ok(Some(event))
    }
}

/// `XMLDecl = '<?xml' VersionInfo EncodingDecl? SDDecl? S? '?>'`, of which the first word and a space were read.
fn declaration(c: &mut Cursor<'_>) -> Result<(), Error> {
    let mut at = c.at();
    c.expect("version")?;
    if c.equals_quoted()?.rest() != "1.0" {
        return Err(Error::new(ErrorKind::Unsupported, at));
    }
    let mut spaced = c.space();
    at = c.at();
    if spaced && c.eat("encoding") {
        let encoding = c.equals_quoted()?.rest();
        if !encoding.eq_ignore_ascii_case("UTF-8") && !encoding.eq_ignore_ascii_case("US-ASCII") {
            return Err(Error::new(ErrorKind::Unsupported, at));
        }
        spaced = c.space();
        at = c.at();
    }
    if spaced && c.eat("standalone") {
        if !matches!(c.equals_quoted()?.rest(), "yes" | "no") {
            return Err(Error::new(ErrorKind::BadValue, at));
        }
        c.space();
    }
    c.expect("?>")
}

/// The next fragment of text with references, which is not empty and does not start with a `stop` but `&`.
fn character_data<'a>(c: &mut Cursor<'a>, stop: impl Fn(u8) -> bool) -> Result<Event<'a>, Error> {
    if c.peek() == Some('&') { c.reference().map(Event::Char) } else { literal_data(c, stop) }
}

/// The next fragment of text without references. Line ends become one line feed (XML 1.0 §2.11).
fn literal_data<'a>(c: &mut Cursor<'a>, stop: impl Fn(u8) -> bool) -> Result<Event<'a>, Error> {
    if c.eat("\r") {
        c.eat("\n");
        return Ok(Event::Char('\n'));
    }
    let at = c.at();
    let text = c.take_to(|octet| octet == b'\r' || stop(octet));
    legal(text, at)?;
    Ok(Event::Text(text))
}

/// Refuses characters that XML text may not hold.
fn legal(text: &str, at: usize) -> Result<(), Error> {
    match find_illegal(text) {
        Some(i) => Err(Error::new(ErrorKind::BadText, at.saturating_add(i))),
        None => Ok(()),
    }
}

impl<'a, const DEPTH: usize> Pull<'a> for Reader<'a, DEPTH> {
    fn next(&mut self) -> Result<Option<Event<'a>>, Error> {
        self.core.next(&mut self.stack)
    }

    fn at(&self) -> usize {
        self.core.at
    }

    fn skip_element(&mut self) -> Result<bool, Error> {
        self.core.skip_element(&mut self.stack)
    }

    #[inline]
    fn child(&mut self) -> Result<Option<Name<'a>>, Error> {
        self.core.child(&mut self.stack)
    }

    fn leaf(&mut self) -> Option<&'a str> {
        self.core.leaf(&self.stack)
    }

    fn value(&mut self) -> Option<&'a str> {
        self.core.whole_value()
    }
}

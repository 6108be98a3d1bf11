use super::value::Value;
use super::{ApplicationCode, HeaderCode, IOTA_TEXT};
use crate::wire::{Error, ErrorKind, Reader, Writer};

/// How a header is named.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HeaderName<'a> {
    /// By number, on the code page that is in force.
    Code(HeaderCode),
    /// By text.
    Text(&'a [u8]),
}

/// A header, or a shift of the code page that numbered names belong to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Header<'a> {
    /// A name with its value.
    Field(HeaderName<'a>, Value<'a>),
    /// Numbered names from here on are of this page; 1 is the default, on which [`HeaderCode`] is defined.
    Page(u8),
}

impl<'a> Header<'a> {
    /// `Short-cut-shift | (Shift-delimiter Page) | (Short-integer | Token-text) Value`
    fn read(input: &mut Reader<'a>) -> Result<Self, Error> {
        let start = *input;
        let name = match start.peek() {
            Some(page @ 0x01..=0x1F) => {
                input.u8()?;
                return Ok(Self::Page(page));
            }
            Some(0x7F) => {
                input.u8()?;
                return input.u8().map(Self::Page);
            }
            Some(0x00) => return Err(start.error(ErrorKind::BadValue)),
            Some(0x20..0x7F) => HeaderName::Text(input.take_until(0)?),
            _ => HeaderName::Code(HeaderCode(input.u8()? & 0x7F)),
        };
        Ok(Self::Field(name, Value::read(input)?))
    }

    /// Appends the header. Collect them in a buffer for [`Headers::new`].
    ///
    /// Refuses (`BadValue`) a number above 127, a text name that does not start with a character 0x20..=0x7E or has
    /// a NUL, and page 0.
    pub fn write(&self, out: &mut Writer<'_>) -> Result<(), Error> {
        let bad = Error::new(ErrorKind::BadValue, out.at());
        match *self {
            Self::Page(0) => Err(bad),
            Self::Page(page @ 0x01..=0x1F) => out.u8(page),
            Self::Page(page) => {
                out.u8(0x7F)?;
                out.u8(page)
            }
            Self::Field(HeaderName::Code(code), value) => {
                Value::Short(code.0).write(out)?;
                value.write(out)
            }
            Self::Field(HeaderName::Text(text), value) => {
                if !matches!(text.first(), Some(0x20..0x7F)) {
                    return Err(bad);
                }
                Value::Text(text).write(out)?;
                value.write(out)
            }
        }
    }

    /// How many octets [`Self::write`] writes.
    pub fn buffer_len(&self) -> usize {
        match self {
            Self::Page(0x01..=0x1F) => 1,
            Self::Page(_) => 2,
            Self::Field(HeaderName::Code(_), value) => value.buffer_len().saturating_add(1),
            Self::Field(HeaderName::Text(text), value) => {
                Value::Text(text).buffer_len().saturating_add(value.buffer_len())
            }
        }
    }
}

/// The headers after the content type, checked octets.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct Headers<'a> {
    octets: &'a [u8],
}

impl<'a> Headers<'a> {
    /// Checks that `octets` are whole headers.
    pub fn new(octets: &'a [u8]) -> Result<Self, Error> {
        Self::read(Reader::new(octets))
    }

    pub(super) fn read(mut input: Reader<'a>) -> Result<Self, Error> {
        let headers = Self { octets: input.rest() };
        while !input.is_empty() {
            Header::read(&mut input)?;
        }
        Ok(headers)
    }

    /// The octets as they travel.
    pub const fn octets(&self) -> &'a [u8] {
        self.octets
    }

    /// Each header in order.
    pub fn iter(&self) -> impl Iterator<Item = Header<'a>> + use<'a> {
        HeaderReader::new(Reader::new(self.octets)).map_while(|(_, header)| header.ok())
    }

    /// The value of the first header with this name, by number on page 1 or by text.
    pub fn get(&self, code: HeaderCode) -> Option<Value<'a>> {
        let mut page = 1;
        self.iter().find_map(|header| match header {
            Header::Page(to) => {
                page = to;
                None
            }
            Header::Field(HeaderName::Code(own), value) => (page == 1 && own == code).then_some(value),
            Header::Field(HeaderName::Text(text), value) => {
                let name = code.name().unwrap_or_default();
                text.eq_ignore_ascii_case(name.as_bytes()).then_some(value)
            }
        })
    }

    /// Which application the push is for; `None` without the header.
    pub fn application_id(&self) -> Option<ApplicationId<'a>> {
        let value = self.get(HeaderCode::APPLICATION_ID)?;
        match (value.integer(), value.text()) {
            (Some(number), _) => Some(ApplicationId::Code(ApplicationCode(number))),
            (_, Some(text)) => Some(ApplicationId::Text(text)),
            _ => None,
        }
    }

    /// What the gateway vouches for; nothing without the header.
    pub fn push_flag(&self) -> PushFlag {
        let value = self.get(HeaderCode::PUSH_FLAG).and_then(|value| value.integer());
        PushFlag(value.and_then(|number| u8::try_from(number).ok()).unwrap_or(0))
    }
}

/// Iterates over headers with their offsets, ending after the first error.
pub(super) struct HeaderReader<'a> {
    input: Reader<'a>,
}

impl<'a> HeaderReader<'a> {
    pub(super) const fn new(input: Reader<'a>) -> Self {
        Self { input }
    }
}

impl<'a> Iterator for HeaderReader<'a> {
    type Item = (usize, Result<Header<'a>, Error>);

    fn next(&mut self) -> Option<Self::Item> {
        if self.input.is_empty() {
            return None;
        }
        let at = self.input.at();
        let header = Header::read(&mut self.input);
        if header.is_err() {
            self.input.take_rest();
        }
        Some((at, header))
    }
}

/// The application a push is addressed to, by number or by URI.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ApplicationId<'a> {
    /// By number.
    Code(ApplicationCode),
    /// By URI.
    Text(&'a str),
}

impl ApplicationId<'_> {
    /// Whether this is the application `code`, however it is spelled.
    pub fn is(&self, code: ApplicationCode) -> bool {
        match *self {
            Self::Code(own) => own == code,
            Self::Text(text) => {
                code.name() == Some(text) || (code == ApplicationCode::IOTA && text == IOTA_TEXT)
            }
        }
    }
}

impl core::fmt::Display for ApplicationId<'_> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self {
            Self::Code(code) => code.fmt(f),
            Self::Text(text) => text.fmt(f),
        }
    }
}

/// The bits of the Push-Flag header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PushFlag(pub u8);

impl PushFlag {
    /// The gateway has authenticated the initiator.
    pub const fn initiator_authenticated(self) -> bool {
        self.0 & 1 != 0
    }

    /// The gateway trusts the content.
    pub const fn content_trusted(self) -> bool {
        self.0 & 2 != 0
    }

    /// No further push follows.
    pub const fn last(self) -> bool {
        self.0 & 4 != 0
    }
}

use super::value::{Value, integer_value, length_len, read_length, write_length};
use super::{MediaCode, ParameterCode};
use crate::wire::{Error, ErrorKind, Reader, Writer};

/// Longest media type by text, with parameters in the constrained form; RFC 6838 allows 127 + 1 + 127 characters.
const MAX_MEDIA_TEXT: usize = 255;

/// A media type by number or by text; the same type arrives both ways (`wap-push.md` 9.3).
#[derive(Clone, Copy, Debug)]
pub enum Media<'a> {
    /// A well-known number.
    Code(MediaCode),
    /// `type/subtype`, ASCII.
    Text(&'a str),
}

impl<'a> Media<'a> {
    /// Whether this is the media type `code`, however it is spelled.
    pub fn is(&self, code: MediaCode) -> bool {
        match *self {
            Self::Code(own) => own == code,
            Self::Text(text) => code.name().is_some_and(|name| name.eq_ignore_ascii_case(text)),
        }
    }

    /// `type/subtype`, if it is known.
    pub fn name(&self) -> Option<&'a str> {
        match *self {
            Self::Code(code) => code.name(),
            Self::Text(text) => Some(text),
        }
    }

    fn value<'s>(&self, storage: &'s mut [u8; 4]) -> Value<'s>
    where
        'a: 's,
    {
        match *self {
            Self::Code(code) => integer_value(code.0, storage),
            Self::Text(text) => Value::Text(text.as_bytes()),
        }
    }

    fn from_value(value: Value<'a>, error: Error) -> Result<Self, Error> {
        if let Some(number) = value.integer() {
            return Ok(Self::Code(MediaCode(number)));
        }
        match value {
            Value::Text(text) if text.is_ascii() && text.len() <= MAX_MEDIA_TEXT => {
                core::str::from_utf8(text).map(Self::Text).map_err(|_| error)
            }
            _ => Err(error),
        }
    }
}

/// Equal when spelled the same way; [`Media::is`] compares meanings.
impl PartialEq for Media<'_> {
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Code(a), Self::Code(b)) => a == b,
            (Self::Text(a), Self::Text(b)) => a.eq_ignore_ascii_case(b),
            _ => false,
        }
    }
}

impl Eq for Media<'_> {}

impl core::fmt::Display for Media<'_> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self {
            Self::Code(code) => code.fmt(f),
            Self::Text(text) => text.fmt(f),
        }
    }
}

/// How a parameter is named.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ParameterName<'a> {
    /// By number.
    Code(ParameterCode),
    /// By text.
    Text(&'a [u8]),
}

/// One parameter of a content type.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Parameter<'a> {
    /// Its name.
    pub name: ParameterName<'a>,
    /// Its value; a value without content (`No-value`, a lone 0x00) is `Octets` of length 0.
    pub value: Value<'a>,
}

impl<'a> Parameter<'a> {
    fn read(input: &mut Reader<'a>) -> Result<Self, Error> {
        let start = *input;
        let name = match Value::read(input)? {
            Value::Short(code) => ParameterName::Code(ParameterCode(code)),
            Value::Text(text) => ParameterName::Text(text),
            Value::Octets(_) => return Err(start.error(ErrorKind::BadValue)),
        };
        Ok(Self { name, value: Value::read(input)? })
    }

    /// How many octets [`Self::write`] writes.
    pub fn buffer_len(&self) -> usize {
        let name = match self.name {
            ParameterName::Code(_) => 1,
            ParameterName::Text(text) => Value::Text(text).buffer_len(),
        };
        name.saturating_add(self.value.buffer_len())
    }

    /// Appends the parameter: name, then value. Collect them in a buffer for [`Parameters::new`].
    pub fn write(&self, out: &mut Writer<'_>) -> Result<(), Error> {
        match self.name {
            ParameterName::Code(code) => Value::Short(code.0).write(out)?,
            ParameterName::Text(text) => Value::Text(text).write(out)?,
        }
        self.value.write(out)
    }
}

/// The parameters of a content type, checked octets.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct Parameters<'a> {
    octets: &'a [u8],
}

impl<'a> Parameters<'a> {
    /// Checks that `octets` are whole parameters.
    pub fn new(octets: &'a [u8]) -> Result<Self, Error> {
        Self::read(Reader::new(octets))
    }

    fn read(mut input: Reader<'a>) -> Result<Self, Error> {
        let octets = input.rest();
        while !input.is_empty() {
            Parameter::read(&mut input)?;
        }
        Ok(Self { octets })
    }

    /// Each parameter in order.
    pub fn iter(&self) -> impl Iterator<Item = Parameter<'a>> + use<'a> {
        let mut input = Reader::new(self.octets);
        core::iter::from_fn(move || Parameter::read(&mut input).ok())
    }

    /// The value of the first parameter with this number.
    pub fn get(&self, code: ParameterCode) -> Option<Value<'a>> {
        self.iter().find(|p| p.name == ParameterName::Code(code)).map(|p| p.value)
    }
}

/// The content type of a push, with which its headers begin.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ContentType<'a> {
    /// The media type.
    pub media: Media<'a>,
    /// Its parameters.
    pub parameters: Parameters<'a>,
}

impl<'a> ContentType<'a> {
    /// A content type without parameters, by number.
    pub const fn code(code: MediaCode) -> Self {
        Self { media: Media::Code(code), parameters: Parameters { octets: &[] } }
    }

    /// `Constrained-media | Content-general-form`, the latter being `Value-length Media *Parameter`.
    pub fn read(input: &mut Reader<'a>) -> Result<Self, Error> {
        let start = *input;
        let bad = start.error(ErrorKind::BadValue);
        if !matches!(input.peek(), Some(0x00..=0x1F)) {
            let media = Media::from_value(Value::read(input)?, bad)?;
            return Ok(Self { media, parameters: Parameters::default() });
        }
        let length = read_length(input)?;
        let mut inside = input.sub(length)?;
        let media = Media::from_value(Value::read(&mut inside)?, bad)?;
        Ok(Self { media, parameters: Parameters::read(inside)? })
    }

    /// How many octets [`Self::write`] writes.
    pub fn buffer_len(&self) -> usize {
        let mut storage = [0; 4];
        let media = self.media.value(&mut storage);
        let inside = media.buffer_len().saturating_add(self.parameters.octets.len());
        if self.is_constrained() { inside } else { length_len(inside).saturating_add(inside) }
    }

    /// Writes the shortest form: constrained where that is possible.
    pub fn write(&self, out: &mut Writer<'_>) -> Result<(), Error> {
        let mut storage = [0; 4];
        let media = self.media.value(&mut storage);
        if !self.is_constrained() {
            write_length(media.buffer_len().saturating_add(self.parameters.octets.len()), out)?;
        }
        media.write(out)?;
        out.put(self.parameters.octets)
    }

    fn is_constrained(&self) -> bool {
        let short = match self.media {
            Media::Code(code) => code.0 < 0x80,
            Media::Text(_) => true,
        };
        short && self.parameters.octets.is_empty()
    }
}

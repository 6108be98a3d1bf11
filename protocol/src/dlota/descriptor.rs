//! The descriptor of a download (`fumo-dlota.md` 2.2).
//!
//! ```text
//! media   = { element }                     in any order; unknown elements are passed over
//! element = type+ | size | objectURI        mandatory
//!         | installNotifyURI | nextURL | name | description | vendor | infoURL | iconURI | DDVersion | installParam
//! ```

use super::limits::{MAX_DEPTH, MAX_TYPES};
use super::{Failure, NAMESPACE};
use crate::mime::{MediaType, split_at_octet};
use crate::wap::document;
use crate::wap::values::Values;
use crate::wbxml::{Event, Name, Pull, Sink};
use crate::wire::{Decimal, Error, ErrorKind};
use crate::xml::{Octets, Reader, Writer};

/// The media types that an object may have, in the order of the descriptor; at least one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct Types<'s> {
    names: [&'s str; MAX_TYPES],
    len: usize,
}

impl<'s> Types<'s> {
    /// These types; `None` for none, and for more than [`MAX_TYPES`].
    pub fn new(names: &[&'s str]) -> Option<Self> {
        let mut all = Self::default();
        names.iter().try_for_each(|name| all.push(name)).filter(|()| all.len > 0)?;
        Some(all)
    }

    /// The types.
    pub fn as_slice(&self) -> &[&'s str] {
        self.names.get(..self.len).unwrap_or_default()
    }

    fn push(&mut self, name: &'s str) -> Option<()> {
        *self.names.get_mut(self.len)? = name;
        self.len = self.len.saturating_add(1);
        Some(())
    }
}

/// What a server offers for download.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Descriptor<'s> {
    /// The types that the object may have.
    pub types: Types<'s>,
    /// Its size in octets.
    pub size: u64,
    /// Where it is.
    pub object_uri: &'s str,
    /// Where to report what became of it.
    pub install_notify_uri: Option<&'s str>,
    /// Where a browser would go afterwards.
    pub next_url: Option<&'s str>,
    /// What to call it before the user.
    pub name: Option<&'s str>,
    /// What it is.
    pub description: Option<&'s str>,
    /// Who made it.
    pub vendor: Option<&'s str>,
    /// Where more about it can be read.
    pub info_url: Option<&'s str>,
    /// A picture.
    pub icon_uri: Option<&'s str>,
    /// The version of the descriptor; `1.0` if it does not say.
    pub version: &'s str,
    /// A parameter for the installation, opaque here. Servers in the field put `key=value;key=value` there.
    pub install_param: Option<&'s str>,
}

/// Why a descriptor is not usable.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fault<'s> {
    /// What is wrong.
    pub kind: FaultKind,
    /// Where to report it, if that much could be read.
    pub install_notify_uri: Option<&'s str>,
}

/// What is wrong with a descriptor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum FaultKind {
    /// It cannot be read: not well-formed, a value that is none, an element twice, too many types.
    Malformed(Error),
    /// This element is missing.
    Missing(&'static str),
    /// Its version is not 1.x.
    Version,
}

impl FaultKind {
    /// The failure of a download that comes of it.
    pub const fn failure(self) -> Failure {
        match self {
            Self::Malformed(_) | Self::Missing(_) => Failure::Descriptor,
            Self::Version => Failure::Version,
        }
    }
}

impl core::fmt::Display for FaultKind {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self {
            Self::Malformed(error) => write!(f, "malformed descriptor: {error}"),
            Self::Missing(element) => write!(f, "descriptor without {element}"),
            Self::Version => f.write_str("descriptor of another version"),
        }
    }
}

impl core::error::Error for FaultKind {}

/// The elements with one text, in the order in which they are written.
const TEXTS: [&str; 10] = [
    "objectURI",
    "installNotifyURI",
    "nextURL",
    "name",
    "description",
    "vendor",
    "infoURL",
    "iconURI",
    "DDVersion",
    "installParam",
];

/// What was found so far.
#[derive(Default)]
struct Found<'s> {
    types: Types<'s>,
    size: Option<u64>,
    texts: [Option<&'s str>; TEXTS.len()],
}

impl<'s> Descriptor<'s> {
    /// Reads a document; `scratch` takes its texts, so as many octets as the document has are always enough.
    pub fn read(bytes: &[u8], scratch: &'s mut [u8]) -> Result<Self, Fault<'s>> {
        let mut found = Found::default();
        let read = found.read(bytes, scratch);
        let [object_uri, install_notify_uri, next_url, name, description, vendor, info_url, icon_uri, ..] =
            found.texts;
        let [.., version, install_param] = found.texts;
        let fault = |kind| Fault { kind, install_notify_uri };
        read.map_err(|error| fault(FaultKind::Malformed(error)))?;
        let missing = |element| fault(FaultKind::Missing(element));
        let version = version.unwrap_or("1.0");
        if !split_at_octet(version, b'.').is_some_and(|(major, minor)| major == "1" && is_number(minor)) {
            return Err(fault(FaultKind::Version));
        }
        if found.types.len == 0 {
            return Err(missing("type"));
        }
        Ok(Self {
            types: found.types,
            size: found.size.ok_or(missing("size"))?,
            object_uri: object_uri.ok_or(missing("objectURI"))?,
            install_notify_uri,
            next_url,
            name,
            description,
            vendor,
            info_url,
            icon_uri,
            version,
            install_param,
        })
    }

    /// The value of `key` in an `installParam` of the form `key=value;key=value`.
    pub fn param(&self, key: &str) -> Option<&'s str> {
        let mut rest = self.install_param?;
        loop {
            let (pair, after) = split_at_octet(rest, b';').unwrap_or((rest, ""));
            match split_at_octet(pair, b'=') {
                Some((name, value)) if name.trim_ascii() == key => return Some(value.trim_ascii()),
                _ if after.is_empty() => return None,
                _ => rest = after,
            }
        }
    }

    /// Writes the document; a size of more than 32 bits is `LimitExceeded`.
    pub fn write<'b>(&self, out: &'b mut [u8]) -> Result<&'b [u8], Error> {
        let size = u32::try_from(self.size).map_err(|_| Error::new(ErrorKind::LimitExceeded, 0))?;
        let mut w = Writer::<2>::new(out, Octets::Refuse);
        w.declaration()?;
        w.start("media")?;
        w.attribute("xmlns", NAMESPACE)?;
        let mut put = |name: &str, text: &str| {
            w.start(name)?;
            w.text(text)?;
            w.end()
        };
        for name in self.types.as_slice() {
            put("type", name)?;
        }
        put("size", Decimal::new(size).as_str())?;
        let values = [
            Some(self.object_uri),
            self.install_notify_uri,
            self.next_url,
            self.name,
            self.description,
            self.vendor,
            self.info_url,
            self.icon_uri,
            Some(self.version),
            self.install_param,
        ];
        for (name, value) in TEXTS.iter().zip(values) {
            if let Some(value) = value {
                put(name, value)?;
            }
        }
        w.end()?;
        w.finish()
    }
}

impl<'s> Found<'s> {
    fn read(&mut self, bytes: &[u8], scratch: &'s mut [u8]) -> Result<(), Error> {
        let mut pull = Reader::<MAX_DEPTH>::new(bytes)?;
        document::root(&mut pull, "media")?;
        let mut values = Values::new(scratch);
        loop {
            match pull.next()? {
                Some(Event::Start(name)) => self.element(&mut pull, &mut values, name)?,
                // Those of the root: namespace and schema.
                Some(Event::Attribute(_)) => values.skip_attribute(&mut pull)?,
                Some(Event::End) => return document::finish(&mut pull),
                Some(event) if document::is_ignorable(&event) => {}
                _ => return Err(pull.error(ErrorKind::BadValue)),
            }
        }
    }

    /// The element that was just opened, to its end.
    fn element<'a>(
        &mut self,
        pull: &mut impl Pull<'a>,
        values: &mut Values<'s>,
        name: Name<'_>,
    ) -> Result<(), Error> {
        let name = name.text().unwrap_or_default();
        let at = pull.at();
        let text = TEXTS.iter().zip(&mut self.texts).find(|(known, _)| **known == name);
        if text.is_none() && name != "type" && name != "size" {
            pull.skip_element()?;
            return Ok(());
        }
        let first = document::attribute_list(pull, values, |_, _| Ok(()))?;
        let value = document::content(pull, values, first)?.trim_ascii();
        let bad = Error::new(ErrorKind::BadValue, at);
        match text {
            Some((_, slot)) if slot.is_none() && !value.is_empty() => *slot = Some(value),
            None if name == "type" => {
                MediaType::parse(value).map_err(|_| bad)?;
                self.types.push(value).ok_or(Error::new(ErrorKind::LimitExceeded, at))?;
            }
            None if self.size.is_none() && is_number(value) => {
                self.size = Some(value.parse().map_err(|_| bad)?);
            }
            _ => return Err(bad),
        }
        Ok(())
    }
}

fn is_number(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|octet| octet.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dlota::Status;
    use std::format;
    use std::string::String;
    use std::vec;

    fn document(inside: &str) -> String {
        format!("<?xml version=\"1.0\"?>\n<media xmlns=\"{NAMESPACE}\">\n  {inside}\n</media>\n")
    }

    const WHOLE: &str = "<type>application/octet-stream</type><size> 123456 </size>\
        <objectURI>https://a.example/p.bin?x=1&amp;y=2</objectURI>";

    #[test]
    fn a_descriptor_reads_in_any_order_and_comes_back() {
        let text = document(
            "<DDVersion>1.0</DDVersion><name>System <![CDATA[<1.2>]]></name><x:more xmlns:x='y'><z/></x:more>\
             <installNotifyURI>https://a.example/n</installNotifyURI><type>application/octet-stream</type>\
             <installParam>MD5=00ff; updateFwV=A/B ;</installParam><size>7</size>\
             <objectURI>https://b.example/o</objectURI><type>application/x-delta</type>",
        );
        let mut scratch = vec![0; text.len()];
        let read = Descriptor::read(text.as_bytes(), &mut scratch).unwrap();
        assert_eq!(read.types.as_slice(), ["application/octet-stream", "application/x-delta"]);
        assert_eq!((read.size, read.object_uri), (7, "https://b.example/o"));
        assert_eq!(read.name, Some("System <1.2>"));
        assert_eq!((read.param("MD5"), read.param("updateFwV")), (Some("00ff"), Some("A/B")));
        assert_eq!((read.param("md5"), read.param("")), (None, None));
        let (mut out, mut again) = ([0; 1024], [0; 1024]);
        assert_eq!(Descriptor::read(read.write(&mut out).unwrap(), &mut again), Ok(read));
    }

    #[test]
    fn each_fault_has_its_status() {
        let cases = [
            (
                WHOLE.replace("<size> 123456 </size>", ""),
                Status::INVALID_DESCRIPTOR,
                "descriptor without size",
            ),
            (WHOLE.replace("123456", "12x"), Status::INVALID_DESCRIPTOR, ""),
            (WHOLE.replace("123456", "99999999999999999999"), Status::INVALID_DESCRIPTOR, ""),
            (WHOLE.replace("application/octet-stream", "octets"), Status::INVALID_DESCRIPTOR, ""),
            (WHOLE.replace("type", "kind"), Status::INVALID_DESCRIPTOR, "descriptor without type"),
            (WHOLE.replace("objectURI", "uri"), Status::INVALID_DESCRIPTOR, "descriptor without objectURI"),
            (format!("{WHOLE}<size>1</size>"), Status::INVALID_DESCRIPTOR, ""),
            (format!("{WHOLE}<name></name>"), Status::INVALID_DESCRIPTOR, ""),
            (format!("{WHOLE}<name><b/></name>"), Status::INVALID_DESCRIPTOR, ""),
            (format!("{WHOLE}<name>"), Status::INVALID_DESCRIPTOR, ""),
            (format!("{WHOLE}loose text"), Status::INVALID_DESCRIPTOR, ""),
            (format!("{WHOLE}<DDVersion>2.0</DDVersion>"), Status::INVALID_VERSION, ""),
            (format!("{WHOLE}<DDVersion>1</DDVersion>"), Status::INVALID_VERSION, ""),
            (format!("{WHOLE}<DDVersion>1.x</DDVersion>"), Status::INVALID_VERSION, ""),
            (format!("{}{WHOLE}", "<type>a/b</type>".repeat(8)), Status::INVALID_DESCRIPTOR, ""),
        ];
        for (inside, status, shown) in cases {
            let text = document(&inside);
            let mut scratch = vec![0; text.len()];
            let fault = Descriptor::read(text.as_bytes(), &mut scratch).unwrap_err();
            assert_eq!(fault.kind.failure().status(), status, "{inside}");
            assert!(format!("{}", fault.kind).contains(shown), "{inside}: {}", fault.kind);
        }
    }

    #[test]
    fn a_fault_tells_where_to_report_if_that_was_read() {
        let text = document("<installNotifyURI>https://a.example/n</installNotifyURI><size>1</size>");
        let mut scratch = vec![0; text.len()];
        let fault = Descriptor::read(text.as_bytes(), &mut scratch).unwrap_err();
        assert_eq!(fault.kind, FaultKind::Missing("type"));
        assert_eq!(fault.install_notify_uri, Some("https://a.example/n"));
    }

    #[test]
    fn as_much_scratch_as_document_is_enough_and_any_less_is_an_error_or_a_result() {
        let text = document(WHOLE);
        for size in 0..=text.len() {
            let mut scratch = vec![0; size];
            let read = Descriptor::read(text.as_bytes(), &mut scratch);
            assert!(read.is_ok() || size < text.len(), "{size}");
        }
    }

    #[test]
    fn every_prefix_and_every_changed_octet_ends() {
        let text = document(WHOLE);
        let mut scratch = vec![0; 2 * text.len()];
        for cut in 0..text.len() {
            let read = Descriptor::read(&text.as_bytes()[..cut], &mut scratch);
            assert!(read.is_err() || text[cut..].trim().is_empty(), "{cut}");
            let mut changed = text.clone().into_bytes();
            for octet in [0, b'<', b'&', b'>', 0xFF] {
                changed[cut] = octet;
                let _ = Descriptor::read(&changed, &mut scratch);
            }
        }
    }
}

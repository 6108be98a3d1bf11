use super::fields;
use super::limits::MAX_MESSAGE;
use super::source::Source;
use super::tag::Tag;
use super::{Body, Header, Location, Meta, Quirks};
use crate::wap::Coding;
use crate::wap::document;
use crate::wap::values::Values;
use crate::wbxml::Pull;
use crate::wire::{Error, ErrorKind};

/// A message that was read through as a whole.
#[derive(Clone, Copy, Debug)]
pub struct Message<'a> {
    coding: Coding,
    bytes: &'a [u8],
    is_final: bool,
    quirks: Quirks,
}

impl<'a> Message<'a> {
    /// Reads all of `bytes`: the coding, the header, the head of every command. What is wrong with one item is left to
    /// [`super::Parts::next`]: one bad item does not make a bad message.
    ///
    /// Errors of the coding; `BadValue` for a document that is no SyncML message or lacks what a header must have;
    /// `LimitExceeded` beyond [`super::limits`]; `NoRoom` if `scratch`, of [`super::limits::SCRATCH`] octets, does not
    /// hold the texts of a header or head that the document has in several pieces.
    pub fn check(coding: Coding, bytes: &'a [u8], scratch: &mut [u8]) -> Result<Self, Error> {
        if bytes.len() > MAX_MESSAGE {
            return Err(Error::new(ErrorKind::LimitExceeded, MAX_MESSAGE));
        }
        let message = Self { coding, bytes, is_final: false, quirks: Quirks::NONE };
        let (_, mut body) = message.read(scratch)?;
        while body.next(scratch)?.is_some() {}
        let (is_final, quirks) = (body.is_final(), body.quirks());
        body.finish()?;
        Ok(Self { is_final, quirks, ..message })
    }

    /// A message that passed [`Self::check`] before; whether it is final is not known then, nor its quirks.
    pub const fn of_checked(coding: Coding, bytes: &'a [u8]) -> Self {
        Self { coding, bytes, is_final: false, quirks: Quirks::NONE }
    }

    /// How the message is coded; an answer uses the same.
    pub const fn coding(&self) -> Coding {
        self.coding
    }

    /// Whether it ends its package.
    pub const fn is_final(&self) -> bool {
        self.is_final
    }

    /// The deviations of its header and heads.
    pub const fn quirks(&self) -> Quirks {
        self.quirks
    }

    /// SyncHdr.
    pub fn header<'s>(&self, scratch: &'s mut [u8]) -> Result<Header<'s>, Error>
    where
        'a: 's,
    {
        let mut source = self.open(Tag::SyncHdr)?;
        header(&mut source, &mut Values::new(scratch))
    }

    /// SyncBody, from its first command on.
    pub fn body(&self) -> Result<Body<'a>, Error> {
        self.open(Tag::SyncBody).map(Body::new)
    }

    /// Both, SyncBody behind SyncHdr as the document type has them, in one go.
    pub fn read<'s>(&self, scratch: &'s mut [u8]) -> Result<(Header<'s>, Body<'a>), Error>
    where
        'a: 's,
    {
        let mut source = self.open(Tag::SyncHdr)?;
        let header = header(&mut source, &mut Values::new(scratch))?;
        child(&mut source, Tag::SyncBody)?;
        Ok((header, Body::new(source)))
    }

    /// Reads up to the start of the root's child `tag`.
    fn open(&self, tag: Tag) -> Result<Source<'a>, Error> {
        let mut source = Source::new(self.coding, self.bytes)?;
        document::root(&mut source, "SyncML")?;
        child(&mut source, tag)?;
        Ok(source)
    }
}

/// Reads up to the start of the child `tag` of the innermost open element, others passed over.
fn child(source: &mut Source<'_>, tag: Tag) -> Result<(), Error> {
    while let Some(found) = source.next_tag()? {
        if found == tag {
            return Ok(());
        }
        fields::skip(source)?;
    }
    Err(source.error(ErrorKind::BadValue))
}

/// `SyncHdr = VerDTD VerProto SessionID MsgID Target Source RespURI? NoResp? Cred? Meta?`
fn header<'a: 's, 's>(source: &mut Source<'a>, values: &mut Values<'s>) -> Result<Header<'s>, Error> {
    let mut header = Header {
        dtd: "",
        protocol: "",
        session: "",
        message: "",
        target: Location::default(),
        source: Location::default(),
        respond_to: None,
        no_resp: false,
        cred: None,
        meta: Meta::EMPTY,
    };
    let at = source.at();
    source.children(|source, tag| {
        match tag {
            Tag::VerDTD => header.dtd = fields::text(source, values)?,
            Tag::VerProto => header.protocol = fields::text(source, values)?,
            Tag::SessionID => header.session = fields::text(source, values)?,
            Tag::MsgID => header.message = fields::text(source, values)?,
            Tag::Target => header.target = fields::location(source, values)?,
            Tag::Source => header.source = fields::location(source, values)?,
            Tag::RespURI => header.respond_to = Some(fields::text(source, values)?),
            Tag::NoResp => {
                header.no_resp = true;
                fields::skip(source)?;
            }
            Tag::Cred => header.cred = Some(fields::cred(source, values)?),
            Tag::Meta => header.meta = fields::meta(source, values)?,
            _ => fields::skip(source)?,
        }
        Ok(())
    })?;
    let needed = [header.dtd, header.protocol, header.session, header.message, header.target.uri];
    if needed.iter().any(|text| text.is_empty()) || header.source.uri.is_empty() {
        return Err(Error::new(ErrorKind::BadValue, at));
    }
    Ok(header)
}

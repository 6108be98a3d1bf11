//! protocol: media types, multipart bodies.

use crate::opaque::{any, octets, text, used};
use kedge_protocol::mime::{Boundary, Contents, MediaType, Piece, Related, RelatedWriter};
use kedge_protocol::wire::{Error, Writer};

#[inline(never)]
pub fn run() {
    used(read()).ok();
    used(write()).ok();
}

#[inline(never)]
fn read() -> Result<(), Error> {
    let media = MediaType::parse(text())?;
    used((media.essence(), media.is(text()), media.is_type(text())));
    for parameter in media.parameters() {
        let (name, value) = parameter?;
        used((name, value.plain(), value.is(text())));
        value.chars().for_each(|character| _ = used(character));
    }
    for leaf in Contents::new(&media, octets())? {
        used(leaf?);
    }
    let related = Related::new(&media, octets())?;
    used(related.check()?);
    for part in related.parts() {
        used(part?.decode(crate::room!(64))?);
    }
    Ok(())
}

#[inline(never)]
fn write() -> Result<(), Error> {
    let mut storage = [0; 10];
    let boundary = Boundary::avoiding([octets(), octets()].into_iter(), &mut storage)?;
    used(Boundary::new(text())?);
    let piece = Piece { media_type: text(), content_id: text(), content: octets() };
    boundary.content_type(&piece, &mut Writer::new(crate::room!(128)))?;
    let mut writer = RelatedWriter::new(crate::room!(256), boundary);
    while any(true) {
        writer.piece(&piece)?;
    }
    used(writer.finish()?);
    Ok(())
}

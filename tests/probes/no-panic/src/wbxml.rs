//! protocol: WBXML reader and writer, with every vocabulary of the device.

use crate::opaque::{any, octets, text, used};
use kedge_protocol::wbxml::{Event, Joined, Name, Pull, Reader, Sink, Token, Version, Writer, pages};
use kedge_protocol::wire::Error;

const DEPTH: usize = 16;

#[inline(never)]
pub fn run() {
    used(read()).ok();
    used(write()).ok();
    used(write_events()).ok();
}

#[inline(never)]
fn read() -> Result<(), Error> {
    let mut reader = Reader::<DEPTH>::detect(octets(), any(pages::ALL))?.assume(any(&pages::MMC));
    used(reader.header());
    used(reader.vocabulary());
    used(reader.quirks());
    while let Some(event) = reader.next()? {
        used((event, reader.at()));
        match event {
            Event::Attribute(name) => used((name.text(), Joined::attribute(&mut reader, crate::room!(64))?.text())).1.is_some(),
            Event::Start(_) if any(true) => used(reader.skip_element()?),
            Event::Start(_) => used(Joined::content(&mut reader, crate::room!(64))?).opaque,
            _ => false,
        };
    }
    Ok(())
}

#[inline(never)]
fn write() -> Result<(), Error> {
    let table = [text(), text()];
    let mut writer = Writer::<DEPTH>::new(crate::room!(256), any(&pages::MMC), any(Version::V1_3), any(&table[..]))?;
    elements(&mut writer)?;
    used(writer.finish()?);
    Ok(())
}

/// What every document codec does, for one coding or the other.
#[inline(never)]
pub fn elements(sink: &mut impl Sink) -> Result<(), Error> {
    while any(true) {
        sink.start(text())?;
        sink.attribute(text(), text())?;
        sink.attribute_opaque(text(), octets())?;
        sink.text(text())?;
        sink.opaque(octets())?;
        sink.end()?;
    }
    Ok(())
}

#[inline(never)]
fn write_events() -> Result<(), Error> {
    let mut writer = Writer::<DEPTH>::new(crate::room!(256), any(&pages::SI), any(Version::V1_1), &[])?;
    let name = any(Name::Unknown(Token { page: any(0), code: any(5) }));
    let value = [Event::Text(text()), any(Event::Char('x')), Event::Opaque(octets())];
    writer.start_named(name)?;
    writer.attribute_named(name, any(&value[..]))?;
    writer.instruction(name, any(&value[..]))?;
    writer.piece(any(Event::Text(text())))?;
    used(writer.finish()?);
    Ok(())
}

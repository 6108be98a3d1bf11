//! protocol: XML reader and writer, base64.

use crate::opaque::{any, octets, text, used};
use kedge_protocol::wbxml::{Event, Joined, Pull};
use kedge_protocol::wire::{self, Error};
use kedge_protocol::xml::{Octets, Reader, Writer, base64};

const DEPTH: usize = 16;

#[inline(never)]
pub fn run() {
    used(read()).ok();
    used(write()).ok();
    used(base64::decode(octets(), crate::room!(64))).ok();
    used(base64::encode(octets(), &mut wire::Writer::new(crate::room!(64)))).ok();
    used(base64::encoded_len(any(7)));
}

#[inline(never)]
fn read() -> Result<(), Error> {
    let mut reader = Reader::<DEPTH>::new(octets())?;
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
    let mut writer = Writer::<DEPTH>::new(crate::room!(256), any(Octets::Base64));
    writer.declaration()?;
    writer.instruction(text(), text())?;
    crate::wbxml::elements(&mut writer)?;
    used(writer.finish()?);
    Ok(())
}

//! protocol: WSP push with its headers, multiparts in its framing, service indication and service loading.

use crate::opaque::{any, octets, used};
use kedge_protocol::wap::{Coding, Header, Headers, Indication, Loading, Multipart, Packet, Push, SCRATCH};
use kedge_protocol::wire::{Error, Writer};

#[inline(never)]
pub fn run() {
    used(push()).ok();
    used(headers()).ok();
    used(multipart()).ok();
    used(indication()).ok();
    used(loading()).ok();
}

#[inline(never)]
fn push() -> Result<(), Error> {
    let packet = Packet::new(octets())?;
    used(packet.body());
    let push = Push::parse(&packet)?;
    used(push.buffer_len());
    used(push.emit(crate::room!(128))?);
    Ok(())
}

#[inline(never)]
fn headers() -> Result<(), Error> {
    let headers = Headers::new(octets())?;
    used((headers.application_id(), headers.push_flag()));
    for header in headers.iter() {
        if let Header::Field(_, value) = header {
            used((value.integer(), value.text()));
        }
        used(header.buffer_len());
        header.write(&mut Writer::new(crate::room!(128)))?;
    }
    Ok(())
}

#[inline(never)]
fn multipart() -> Result<(), Error> {
    for part in Multipart::new(octets())? {
        let (at, part) = part?;
        used((at, part.content_type.media.name()));
        used(Multipart::write(&[part, part], crate::room!(128))?);
    }
    Ok(())
}

#[inline(never)]
fn indication() -> Result<(), Error> {
    let document = Indication::read(any(Coding::Wbxml), octets(), crate::room!(SCRATCH))?;
    used(document.id());
    used(document.write(any(Coding::Xml), crate::room!(256))?);
    Ok(())
}

#[inline(never)]
fn loading() -> Result<(), Error> {
    let document = Loading::read(any(Coding::Wbxml), octets(), crate::room!(SCRATCH))?;
    used(document.write(any(Coding::Xml), crate::room!(256))?);
    Ok(())
}

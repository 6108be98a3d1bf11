//! update-agent/package: header, envelope, manifest, plan and blocks.

use crate::opaque::{any, octets, used};
use kedge_package::limits::{ENVELOPE_MAX, HEADER_LEN};
use kedge_package::{BlockReader, Envelope, Error, Header, Input, Manifest, Plan, ReadError};

#[inline(never)]
pub fn run() {
    used(read()).ok();
    used(blocks()).ok();
}

#[inline(never)]
fn read() -> Result<(), Error> {
    let header = Header::parse(crate::room!(HEADER_LEN))?;
    used((header.payload_at(), header.total(), header.emit()));
    let envelope = Envelope::parse(octets())?;
    used(envelope.key_id.octets());
    used(envelope.signed()?.parts());
    let manifest = Manifest::parse(envelope.manifest, envelope.manifest_at)?;
    used(manifest.payload.blocks(manifest.image.size));
    used(manifest.emit(crate::room!(ENVELOPE_MAX))?);
    Ok(())
}

/// Flash of unknown content that may fail.
struct Unknown;

impl Input for Unknown {
    type Error = u8;

    fn package(&mut self, at: u32, out: &mut [u8]) -> Result<(), u8> {
        used((at, out));
        any(Ok(()))
    }

    fn image(&mut self, at: u32, out: &mut [u8]) -> Result<(), u8> {
        self.package(at, out)
    }
}

#[inline(never)]
fn blocks() -> Result<(), ReadError<u8>> {
    let Ok(manifest) = Manifest::parse(octets(), any(0)) else { return Ok(()) };
    let plan = Plan::read(&manifest, any(0), &mut Unknown)?;
    used((plan.blocks(), plan.order()));
    let block = plan.block(any(0), &mut Unknown)?;
    let mut reader = BlockReader::new(&block);
    while used(reader.fill(&mut Unknown, crate::room!(256))?) > 0 {}
    Ok(())
}

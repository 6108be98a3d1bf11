//! protocol: readers and writers.

use crate::opaque::{any, octets, used};
use kedge_protocol::wire::{BitReader, BitWriter, Error, Reader, Writer};

#[inline(never)]
pub fn run() {
    used(read()).ok();
    used(write()).ok();
    used(read_bits()).ok();
    used(write_bits()).ok();
}

#[inline(never)]
fn read() -> Result<(), Error> {
    let mut r = Reader::with_base(octets(), any(7));
    used(r.u8()?);
    used(r.u16()?);
    used(r.u32()?);
    used(r.mb_u32()?);
    used(r.array::<6>()?);
    used(r.take(any(4))?);
    used(r.take_until(any(0))?);
    used(r.sub(any(3))?.take_rest());
    used((r.at(), r.left(), r.peek(), r.rest()));
    r.finish()
}

#[inline(never)]
fn write() -> Result<(), Error> {
    let mut w = Writer::new(crate::room!(64));
    w.u8(any(1))?;
    w.u16(any(2))?;
    w.u32(any(3))?;
    w.mb_u32(any(4))?;
    w.put(octets())?;
    w.patch(any(9), any(1))?;
    used((w.at(), w.room(), w.written()));
    used(w.finish());
    Ok(())
}

#[inline(never)]
fn read_bits() -> Result<(), Error> {
    let mut r = BitReader::new(octets(), any(1));
    used(r.take(any(3))?);
    used((r.flag()?, r.u8(any(4))?, r.u16(any(10))?, r.u32(any(24))?));
    used((r.at(), r.left()));
    r.finish_padded()
}

#[inline(never)]
fn write_bits() -> Result<(), Error> {
    let mut w = BitWriter::new(crate::room!(64));
    w.put(any(5), any(3))?;
    w.flag(any(true))?;
    used(w.bits());
    used(w.finish()?);
    Ok(())
}

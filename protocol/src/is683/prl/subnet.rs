//! What is not a number in system records: subnets of any number of bits, and the systems that a network code stands for.
use crate::is683::fields::{Fields, Show, Sink, Trace};
use crate::wire::{BitReader, BitWriter, Error, ErrorKind};

/// Up to 255 bits.
#[derive(Clone, Copy)]
pub struct BitString<'a> {
    bits: BitReader<'a>,
    len: u8,
}

impl<'a> BitString<'a> {
    /// The first `len` bits of `octets`; `None` if there are not that many.
    pub fn new(octets: &'a [u8], len: u8) -> Option<Self> {
        let bits = BitReader::new(octets, 0);
        (bits.left() >= usize::from(len)).then_some(Self { bits, len })
    }

    /// How many bits.
    pub const fn len(&self) -> u8 {
        self.len
    }

    /// Whether there are none.
    pub const fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// The bits in octets, the last one padded with zeros.
    pub fn octets(&self) -> impl Iterator<Item = u8> + use<'a> {
        let (mut bits, mut left) = (self.bits, self.len);
        core::iter::from_fn(move || {
            let n = left.min(8);
            left = left.saturating_sub(n);
            let octet = if n == 0 { None } else { bits.u8(n.into()).ok() };
            octet.and_then(|octet| octet.checked_shl(8_u32.saturating_sub(n.into())))
        })
    }

    pub(super) fn read<T: Trace>(
        f: &mut Fields<'a, '_, T>,
        name: &'static str,
        len: u8,
    ) -> Result<Self, Error> {
        let bits = f.bits();
        let mut left = len;
        while left != 0 {
            let part = left.min(64);
            f.take(name, part.into(), |_| Show::Hex)?;
            left = left.saturating_sub(part);
        }
        Ok(Self { bits, len })
    }

    pub(super) fn write<S: Sink>(&self, sink: &mut S) -> Result<(), Error> {
        let mut bits = self.bits;
        (0..self.len).try_for_each(|_| sink.put(bits.take(1)?, 1))
    }
}

impl PartialEq for BitString<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.len == other.len && self.octets().eq(other.octets())
    }
}

impl Eq for BitString<'_> {}

impl core::fmt::Debug for BitString<'_> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "BitString({self})")
    }
}

/// As hexadecimal digits, a slash, and the number of bits.
impl core::fmt::Display for BitString<'_> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        self.octets().try_for_each(|octet| write!(f, "{octet:02x}"))?;
        write!(f, "/{}", self.len)
    }
}

/// One system that an MCC-MNC record lists.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Entry<'a> {
    /// A SID (subtype 1); 16 bits wide here.
    Sid(u16),
    /// SID and NID (subtype 2).
    SidNid(u16, u16),
    /// A subnet (subtype 3).
    Subnet(BitString<'a>),
}

/// The systems that an MCC-MNC record lists.
#[derive(Clone, Copy)]
pub struct Entries<'a> {
    bits: BitReader<'a>,
    subtype: u8,
    count: u8,
}

impl<'a> Entries<'a> {
    /// No systems: the whole network.
    pub const NONE: Self = Self { bits: BitReader::new(&[], 0), subtype: 0, count: 0 };

    /// Packs systems into `buf`; refuses more than 15 (`LimitExceeded`) and those of another subtype (`BadValue`).
    pub fn pack(subtype: u8, entries: &[Entry<'_>], buf: &'a mut [u8]) -> Result<Self, Error> {
        let too_many = Error::new(ErrorKind::LimitExceeded, 0);
        let count = u8::try_from(entries.len()).ok().filter(|count| *count < 16).ok_or(too_many)?;
        let mut bits = BitWriter::new(buf);
        for entry in entries {
            match (subtype, entry) {
                (1, Entry::Sid(sid)) => bits.put(u64::from(*sid), 16)?,
                (2, Entry::SidNid(sid, nid)) => {
                    bits.put(u64::from(*sid), 16)?;
                    bits.put(u64::from(*nid), 16)?;
                }
                (3, Entry::Subnet(subnet)) => {
                    bits.put(subnet.len().into(), 8)?;
                    subnet.write(&mut bits)?;
                }
                _ => return Err(Error::new(ErrorKind::BadValue, bits.bits() >> 3)),
            }
        }
        Ok(Self { bits: BitReader::new(bits.finish()?, 0), subtype, count })
    }

    /// The systems, in order.
    pub fn iter(&self) -> impl Iterator<Item = Entry<'a>> + use<'a> {
        let (mut bits, subtype) = (self.bits, self.subtype);
        (0..self.count).map_while(move |_| next(&mut bits, subtype))
    }

    /// Subtypes other than 1 to 3 list nothing.
    pub(super) fn read<T: Trace>(f: &mut Fields<'a, '_, T>, subtype: u8) -> Result<Self, Error> {
        if !(1..=3).contains(&subtype) {
            return Ok(Self { subtype, ..Self::NONE });
        }
        f.reserved(4)?;
        let count = f.u8("NUM_ENTRIES", 4)?;
        let bits = f.bits();
        for _ in 0..count {
            if subtype == 3 {
                let length = f.u8("SUBNET_LENGTH", 8)?;
                BitString::read(f, "SUBNET_ID", length)?;
                continue;
            }
            f.u16("SID", 16)?;
            if subtype == 2 {
                f.u16("NID", 16)?;
            }
        }
        Ok(Self { bits, subtype, count })
    }

    pub(super) fn write<S: Sink>(&self, subtype: u8, sink: &mut S) -> Result<(), Error> {
        if !(1..=3).contains(&subtype) {
            return if self.count == 0 { Ok(()) } else { Err(sink.refuse(ErrorKind::BadValue)) };
        }
        sink.put(0, 4)?;
        sink.put(self.count.into(), 4)?;
        for entry in self.iter() {
            match entry {
                Entry::Sid(sid) => sink.put(sid.into(), 16)?,
                Entry::SidNid(sid, nid) => {
                    sink.put(sid.into(), 16)?;
                    sink.put(nid.into(), 16)?;
                }
                Entry::Subnet(subnet) => {
                    sink.put(subnet.len().into(), 8)?;
                    subnet.write(sink)?;
                }
            }
        }
        Ok(())
    }
}

fn next<'a>(bits: &mut BitReader<'a>, subtype: u8) -> Option<Entry<'a>> {
    match subtype {
        1 => bits.u16(16).ok().map(Entry::Sid),
        2 => Some(Entry::SidNid(bits.u16(16).ok()?, bits.u16(16).ok()?)),
        _ => {
            let len = bits.u8(8).ok()?;
            let subnet = BitString { bits: *bits, len };
            (0..len).try_for_each(|_| bits.take(1).map(drop)).ok()?;
            Some(Entry::Subnet(subnet))
        }
    }
}

impl PartialEq for Entries<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.subtype == other.subtype && self.iter().eq(other.iter())
    }
}

impl Eq for Entries<'_> {}

impl core::fmt::Debug for Entries<'_> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_list().entries(self.iter()).finish()
    }
}

//! MMS blocks (C.S0016-D; `is683.md` section 4.5): the addresses of multimedia messaging.
//!
//! The capability block (1, reverse only) stays opaque: the one source that describes it does not end on an octet.
use super::fields::{Fields, OctetString, Sink, Trace, block_codec};
use super::packet_data::{Entries, Entry};
use crate::wire::{Error, ErrorKind};

/// One address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MmsUri<'a> {
    /// MMS_URI_ENTRY_IDX, 4 bits.
    pub index: u8,
    /// The URI, at most 255 octets.
    pub uri: OctetString<'a>,
}

/// MMS URI: block 0, both directions.
#[derive(Clone, Copy)]
pub struct MmsUris<'a>(Entries<'a, MmsUri<'a>>);

block_codec!(MmsUris<'a>);

impl<'a> MmsUris<'a> {
    /// The caller's entries, at most 15.
    pub const fn new(entries: &'a [MmsUri<'a>]) -> Self {
        Self(Entries::List(entries))
    }

    /// The entries, in order.
    pub fn iter(&self) -> impl Iterator<Item = MmsUri<'a>> + 'a {
        self.0.iter()
    }

    pub(crate) fn read<T: Trace>(f: &mut Fields<'a, '_, T>) -> Result<Self, Error> {
        Entries::read(f, "NUM_MMS_URI").map(Self)
    }

    pub(crate) fn write(&self, s: &mut impl Sink) -> Result<(), Error> {
        self.0.write(s)
    }
}

impl MmsUri<'_> {
    /// Whether the address is one: visible characters of ASCII, or nothing, which takes an address away.
    pub fn is_legal(&self) -> bool {
        self.uri.iter().all(|octet| octet.is_ascii_graphic())
    }
}

impl<'a> Entry<'a> for MmsUri<'a> {
    fn read<T: Trace>(f: &mut Fields<'a, '_, T>) -> Result<Self, Error> {
        let index = f.u8("MMS_URI_ENTRY_IDX", 4)?;
        let length = f.u8("MMS_URI_LENGTH", 8)?;
        Ok(Self { index, uri: f.octets("MMS_URI", usize::from(length))? })
    }

    fn write(&self, s: &mut impl Sink) -> Result<(), Error> {
        let length = u8::try_from(self.uri.len()).map_err(|_| s.refuse(ErrorKind::LimitExceeded))?;
        s.put(u64::from(self.index), 4)?;
        s.put(u64::from(length), 8)?;
        s.octets(self.uri.iter())
    }
}

impl PartialEq for MmsUris<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.iter().eq(other.iter())
    }
}

impl Eq for MmsUris<'_> {}

impl core::fmt::Debug for MmsUris<'_> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_list().entries(self.iter()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::vec::Vec;

    /// Two addresses: by hand after the layout, 4 + 4 + 8 bits and so on.
    const BLOCK: [u8; 14] =
        [0x20, 0x07, b'm', b'm', b's', b':', b'/', b'/', b'a', 0x10, 0x36, 0xD3, 0xA6, 0x20];

    #[test]
    fn addresses_are_read_and_written_back() {
        let uris = MmsUris::parse(&BLOCK, 0).unwrap();
        let all: Vec<(u8, Vec<u8>)> = uris.iter().map(|one| (one.index, one.uri.iter().collect())).collect();
        assert_eq!(all, [(0, b"mms://a".to_vec()), (1, b"m:b".to_vec())]);
        let entries = [
            MmsUri { index: 0, uri: OctetString::new(b"mms://a") },
            MmsUri { index: 1, uri: OctetString::new(b"m:b") },
        ];
        let mine = MmsUris::new(&entries);
        assert_eq!(mine, uris);
        let mut out = [0xFF; 20];
        assert_eq!(mine.emit(&mut out).unwrap(), BLOCK);
        assert_eq!(mine.buffer_len(), BLOCK.len());
    }

    #[test]
    fn lengths_are_checked() {
        for len in 0..BLOCK.len() {
            assert!(MmsUris::parse(&BLOCK[..len], 0).is_err(), "{len}");
        }
        let mut long = BLOCK.to_vec();
        long.push(0);
        assert_eq!(MmsUris::parse(&long, 0).map_err(|e| e.kind), Err(ErrorKind::Trailing));
        let sixteen = [MmsUri { index: 0, uri: OctetString::new(b"") }; 16];
        assert!(MmsUris::new(&sixteen).emit(&mut [0; 100]).is_err());
        let control = MmsUri { index: 0, uri: OctetString::new(b"mms:\r\n") };
        assert!(!control.is_legal() && sixteen[0].is_legal());
    }
}

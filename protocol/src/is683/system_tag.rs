//! The home system tag (C.S0016-D; `is683.md` section 4.6): what the phone shows of its home system.
//!
//! Tag lists and call prompt lists are not described by any source; only this block has a layout.
use super::fields::{Fields, OctetString, Sink, Trace, block_codec};
use crate::wire::{Error, ErrorKind};

/// TAG_ENCODING of 7-bit ASCII, each character in an octet.
pub const ASCII: u8 = 2;
/// TAG_ENCODING of UTF-16.
pub const UTF_16: u8 = 4;

/// The tag: download block 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HomeTag<'a> {
    /// TAG_ENCODING, 5 bits: [`ASCII`], [`UTF_16`].
    pub encoding: u8,
    /// The tag's octets, at most 31 characters.
    pub tag: OctetString<'a>,
}

/// The tag and the call prompt that goes with it: configuration block 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HomeTagConfiguration<'a> {
    /// CALL_PRMPT, 5 bits, if there is one.
    pub call_prompt: Option<u8>,
    /// The tag.
    pub tag: HomeTag<'a>,
}

block_codec!(HomeTag<'a>);
block_codec!(HomeTagConfiguration<'a>);

impl<'a> HomeTag<'a> {
    /// Whether the encoding is one that a phone can show.
    pub const fn is_known(&self) -> bool {
        matches!(self.encoding, ASCII | UTF_16)
    }

    pub(crate) fn read<T: Trace>(f: &mut Fields<'a, '_, T>) -> Result<Self, Error> {
        f.reserved(6)?;
        Self::read_tag(f)
    }

    pub(crate) fn write(&self, s: &mut impl Sink) -> Result<(), Error> {
        s.put(0, 6)?;
        self.write_tag(s)
    }

    /// TAG_LEN counts characters: the one vector has octets for characters. Of UTF-16 a tag is also taken whose octets it counts.
    fn read_tag<T: Trace>(f: &mut Fields<'a, '_, T>) -> Result<Self, Error> {
        let encoding = f.u8("TAG_ENCODING", 5)?;
        let length = usize::from(f.u8("TAG_LEN", 5)?);
        let wide = length.saturating_mul(2);
        let octets = if encoding == UTF_16 && f.left() / 8 >= wide { wide } else { length };
        Ok(Self { encoding, tag: f.octets("TAG", octets)? })
    }

    fn write_tag(&self, s: &mut impl Sink) -> Result<(), Error> {
        let octets = self.tag.len();
        let length = if self.encoding == UTF_16 { octets / 2 } else { octets };
        let whole = self.encoding != UTF_16 || octets & 1 == 0;
        let length = u8::try_from(length).ok().filter(|length| *length < 32 && whole);
        s.put(u64::from(self.encoding), 5)?;
        s.put(u64::from(length.ok_or(s.refuse(ErrorKind::LimitExceeded))?), 5)?;
        s.octets(self.tag.iter())
    }
}

impl<'a> HomeTagConfiguration<'a> {
    pub(crate) fn read<T: Trace>(f: &mut Fields<'a, '_, T>) -> Result<Self, Error> {
        let included = f.flag("CALL_PRMPT_INCL")?;
        let prompt = f.u8("CALL_PRMPT", 5)?;
        Ok(Self { call_prompt: included.then_some(prompt), tag: HomeTag::read_tag(f)? })
    }

    pub(crate) fn write(&self, s: &mut impl Sink) -> Result<(), Error> {
        s.put(u64::from(self.call_prompt.is_some()), 1)?;
        s.put(u64::from(self.call_prompt.unwrap_or(0)), 5)?;
        self.tag.write_tag(s)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The block of the fact sheet's vector (section 13).
    const HELLO: [u8; 7] = [0x00, 0x45, b'H', b'E', b'L', b'L', b'O'];

    #[test]
    fn tags_are_read_and_written_back() {
        let hello = HomeTag { encoding: ASCII, tag: OctetString::new(b"HELLO") };
        assert_eq!(HomeTag::parse(&HELLO, 0), Ok(hello));
        assert_eq!(hello.emit(&mut [0; 7]).unwrap(), HELLO);
        // What was downloaded is a configuration without prompt as it stands.
        let reported = HomeTagConfiguration { call_prompt: None, tag: hello };
        assert_eq!(HomeTagConfiguration::parse(&HELLO, 0), Ok(reported));
        let prompted = HomeTagConfiguration { call_prompt: Some(3), tag: hello };
        let mut out = [0; 7];
        assert_eq!(prompted.emit(&mut out).unwrap()[..2], [0x8C, 0x45]);
        assert_eq!(HomeTagConfiguration::parse(&out, 0), Ok(prompted));
    }

    #[test]
    fn wide_tags_are_counted_in_characters_or_octets() {
        let wide = HomeTag { encoding: UTF_16, tag: OctetString::new(b"\0H\0I") };
        let mut out = [0; 6];
        assert_eq!(wide.emit(&mut out).unwrap(), [0x00, 0x82, 0, b'H', 0, b'I']);
        assert_eq!(HomeTag::parse(&out, 0), Ok(wide));
        assert_eq!(HomeTag::parse(&[0x00, 0x84, 0, b'H', 0, b'I'], 0), Ok(wide));
    }

    #[test]
    fn lengths_are_checked() {
        for len in 0..HELLO.len() {
            assert!(HomeTag::parse(&HELLO[..len], 0).is_err(), "{len}");
        }
        let odd = HomeTag { encoding: UTF_16, tag: OctetString::new(b"\0H\0") };
        let long = HomeTag { encoding: ASCII, tag: OctetString::new(&[b'x'; 32]) };
        for bad in [odd, long] {
            assert!(bad.emit(&mut [0; 50]).is_err(), "{bad:?}");
        }
        assert!(!HomeTag { encoding: 3, ..odd }.is_known() && odd.is_known() && long.is_known());
    }
}

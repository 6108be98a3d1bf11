//! 3GPD blocks (C.S0016 §3.3.5, §3.5.8): packet data profiles of SimpleIP, MobileIP and HRPD access authentication.
//!
//! Entries are not octet-aligned, so a profile is a view: it is checked once as a whole, and its entries are read again
//! by an iterator. Blocks that only memory vouches for (statuses, shared secrets) stay opaque octets.
use super::fields::{Cursor, Fields, OctetString, Show, Sink, Trace, block_codec, read_again};
use crate::wire::{Error, ErrorKind};

/// Download block 0, configuration block 1: operation mode. 0 SimpleIP, 1 MobileIP with SimpleIP as fallback, 2 MobileIP.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OperationMode(pub u8);

/// Configuration block 2: limits of SimpleIP.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SimpleIpCapability {
    /// Entries, 4 bits.
    pub max_num_nai: u8,
    /// Octets of an NAI.
    pub max_nai_length: u8,
    /// Octets of a shared secret, 5 bits.
    pub max_ss_length: u8,
    /// Authentication algorithms, a bit map.
    pub auth_algorithm: u8,
}

/// Configuration block 3: limits of MobileIP.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MobileIpCapability {
    /// Entries, 4 bits.
    pub max_num_nai: u8,
    /// Octets of an NAI.
    pub max_nai_length: u8,
    /// Octets of the MN-AAA secret, 5 bits, and its algorithms.
    pub mn_aaa: (u8, u8),
    /// Octets of the MN-HA secret, 5 bits, and its algorithms.
    pub mn_ha: (u8, u8),
}

/// One entry of a SimpleIP user profile.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SimpleIpEntry<'a> {
    /// NAI_ENTRY_INDEX, 4 bits.
    pub index: u8,
    /// Network access identifier.
    pub nai: OctetString<'a>,
    /// AUTH_ALGORITHM, 4 bits.
    pub auth_algorithm: u8,
}

/// Algorithm and security parameter index of a MobileIP security association.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Association {
    /// Authentication algorithm, 4 bits.
    pub algorithm: u8,
    /// Security parameter index, if one is given.
    pub spi: Option<u32>,
}

/// One entry of a MobileIP user profile.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MobileIpEntry<'a> {
    /// NAI_ENTRY_INDEX, 4 bits.
    pub index: u8,
    /// Network access identifier.
    pub nai: OctetString<'a>,
    /// Reverse tunnelling.
    pub t_bit: bool,
    /// HOME_ADDR, IPv4.
    pub home_addr: u32,
    /// PRIMARY_HA_ADDR, IPv4.
    pub primary_ha: u32,
    /// SECONDARY_HA_ADDR, IPv4.
    pub secondary_ha: u32,
    /// With the operator's AAA server.
    pub mn_aaa: Association,
    /// With the home agent.
    pub mn_ha: Association,
}

/// How often MobileIP registration is repeated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RetryInfo {
    /// MAX_NUM_RETRY, 2 bits.
    pub max_num_retry: u8,
    /// FIRST_RETRY_TIMEOUT code, 3 bits.
    pub first_retry_timeout: u8,
    /// REREG_THRESHOLD, 6 bits.
    pub rereg_threshold: u8,
}

/// An entry of a list, as its bits and as a value.
pub(super) trait Entry<'a>: Sized + Copy + 'a {
    fn read<T: Trace>(f: &mut Fields<'a, '_, T>) -> Result<Self, Error>;
    fn write(&self, s: &mut impl Sink) -> Result<(), Error>;
}

/// The entries of a list (at most 15): the caller's, or checked bits.
#[derive(Clone, Copy)]
pub(super) enum Entries<'a, E> {
    List(&'a [E]),
    Packed(Cursor<'a>, u8),
}

/// SimpleIP user profile: download block 1, configuration block 4.
#[derive(Clone, Copy)]
pub struct SimpleIpProfile<'a>(Entries<'a, SimpleIpEntry<'a>>);

/// MobileIP user profile: download block 2, configuration block 5.
#[derive(Clone, Copy)]
pub struct MobileIpProfile<'a> {
    /// Registration retries, if given.
    pub retry: Option<RetryInfo>,
    entries: Entries<'a, MobileIpEntry<'a>>,
}

/// HRPD access authentication user profile: download block 11, configuration block 12.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HrpdProfile<'a> {
    /// Network access identifier.
    pub nai: OctetString<'a>,
    /// AUTH_ALGORITHM, 4 bits.
    pub auth_algorithm: u8,
}

block_codec!(OperationMode);
block_codec!(SimpleIpCapability);
block_codec!(MobileIpCapability);
block_codec!(SimpleIpProfile<'a>);
block_codec!(MobileIpProfile<'a>);
block_codec!(HrpdProfile<'a>);

impl OperationMode {
    pub(crate) fn read<T: Trace>(f: &mut Fields<'_, '_, T>) -> Result<Self, Error> {
        let refuse = f.error(ErrorKind::BadValue);
        let mode = f.take("OPERATION_MODE", 2, |v| {
            Show::Text(match v {
                0 => Some("SimpleIP"),
                1 => Some("MobileIP, SimpleIP fallback"),
                2 => Some("MobileIP"),
                _ => None,
            })
        })?;
        u8::try_from(mode).ok().filter(|mode| *mode < 3).map(Self).ok_or(refuse)
    }

    pub(crate) fn write(self, s: &mut impl Sink) -> Result<(), Error> {
        if self.0 > 2 {
            return Err(s.refuse(ErrorKind::BadValue));
        }
        s.put(u64::from(self.0), 2)
    }
}

impl SimpleIpCapability {
    pub(crate) fn read<T: Trace>(f: &mut Fields<'_, '_, T>) -> Result<Self, Error> {
        Ok(Self {
            max_num_nai: f.u8("MAX_NUM_NAI", 4)?,
            max_nai_length: f.u8("MAX_NAI_LENGTH", 8)?,
            max_ss_length: f.u8("MAX_SS_LENGTH", 5)?,
            auth_algorithm: f.u8("AUTH_ALGORITHM", 8)?,
        })
    }

    pub(crate) fn write(self, s: &mut impl Sink) -> Result<(), Error> {
        s.put(u64::from(self.max_num_nai), 4)?;
        s.put(u64::from(self.max_nai_length), 8)?;
        s.put(u64::from(self.max_ss_length), 5)?;
        s.put(u64::from(self.auth_algorithm), 8)
    }
}

impl MobileIpCapability {
    pub(crate) fn read<T: Trace>(f: &mut Fields<'_, '_, T>) -> Result<Self, Error> {
        Ok(Self {
            max_num_nai: f.u8("MAX_NUM_NAI", 4)?,
            max_nai_length: f.u8("MAX_NAI_LENGTH", 8)?,
            mn_aaa: (f.u8("MAX_MN-AAA_SS_LENGTH", 5)?, f.u8("MN-AAA_AUTH_ALGORITHM", 8)?),
            mn_ha: (f.u8("MAX_MN-HA_SS_LENGTH", 5)?, f.u8("MN-HA_AUTH_ALGORITHM", 8)?),
        })
    }

    pub(crate) fn write(self, s: &mut impl Sink) -> Result<(), Error> {
        s.put(u64::from(self.max_num_nai), 4)?;
        s.put(u64::from(self.max_nai_length), 8)?;
        for (length, algorithm) in [self.mn_aaa, self.mn_ha] {
            s.put(u64::from(length), 5)?;
            s.put(u64::from(algorithm), 8)?;
        }
        Ok(())
    }
}

impl<'a> Entry<'a> for SimpleIpEntry<'a> {
    fn read<T: Trace>(f: &mut Fields<'a, '_, T>) -> Result<Self, Error> {
        let index = f.u8("NAI_ENTRY_INDEX", 4)?;
        let nai = read_nai(f)?;
        Ok(Self { index, nai, auth_algorithm: f.u8("AUTH_ALGORITHM", 4)? })
    }

    fn write(&self, s: &mut impl Sink) -> Result<(), Error> {
        s.put(u64::from(self.index), 4)?;
        write_nai(s, self.nai)?;
        s.put(u64::from(self.auth_algorithm), 4)
    }
}

impl<'a> Entry<'a> for MobileIpEntry<'a> {
    fn read<T: Trace>(f: &mut Fields<'a, '_, T>) -> Result<Self, Error> {
        Ok(Self {
            index: f.u8("NAI_ENTRY_INDEX", 4)?,
            nai: read_nai(f)?,
            t_bit: f.flag("T_BIT")?,
            home_addr: f.u32("HOME_ADDR", 32, Show::Ip)?,
            primary_ha: f.u32("PRIMARY_HA_ADDR", 32, Show::Ip)?,
            secondary_ha: f.u32("SECONDARY_HA_ADDR", 32, Show::Ip)?,
            mn_aaa: Association::read(f, ["MN-AAA_AUTH_ALGORITHM", "MN-AAA_SPI_INDICATOR", "MN-AAA_SPI"])?,
            mn_ha: Association::read(f, ["MN-HA_AUTH_ALGORITHM", "MN-HA_SPI_INDICATOR", "MN-HA_SPI"])?,
        })
    }

    fn write(&self, s: &mut impl Sink) -> Result<(), Error> {
        s.put(u64::from(self.index), 4)?;
        write_nai(s, self.nai)?;
        s.put(u64::from(self.t_bit), 1)?;
        for address in [self.home_addr, self.primary_ha, self.secondary_ha] {
            s.put(u64::from(address), 32)?;
        }
        self.mn_aaa.write(s)?;
        self.mn_ha.write(s)
    }
}

impl Association {
    fn read<T: Trace>(f: &mut Fields<'_, '_, T>, names: [&'static str; 3]) -> Result<Self, Error> {
        let [algorithm, indicator, spi] = names;
        let algorithm = f.u8(algorithm, 4)?;
        let given = f.flag(indicator)?;
        Ok(Self { algorithm, spi: if given { Some(f.u32(spi, 32, Show::Dec)?) } else { None } })
    }

    fn write(&self, s: &mut impl Sink) -> Result<(), Error> {
        s.put(u64::from(self.algorithm), 4)?;
        s.put(u64::from(self.spi.is_some()), 1)?;
        self.spi.map_or(Ok(()), |spi| s.put(u64::from(spi), 32))
    }
}

impl<'a, E: Entry<'a>> Entries<'a, E> {
    pub(super) fn iter(&self) -> impl Iterator<Item = E> + 'a {
        let (list, cursor, packed) = match *self {
            Self::List(list) => (list, Cursor::new(&[]), 0),
            Self::Packed(cursor, n) => (&[][..], cursor, n),
        };
        list.iter().copied().chain(read_again(cursor, u16::from(packed), E::read))
    }

    pub(super) fn read<T: Trace>(f: &mut Fields<'a, '_, T>, count: &'static str) -> Result<Self, Error> {
        let n = f.u8(count, 4)?;
        let cursor = f.cursor();
        for _ in 0..n {
            E::read(f)?;
        }
        Ok(Self::Packed(cursor, n))
    }

    pub(super) fn write(&self, s: &mut impl Sink) -> Result<(), Error> {
        s.put(self.iter().count() as u64, 4)?;
        self.iter().try_for_each(|entry| entry.write(s))
    }
}

impl<'a> SimpleIpProfile<'a> {
    /// The caller's entries, at most 15.
    pub const fn new(entries: &'a [SimpleIpEntry<'a>]) -> Self {
        Self(Entries::List(entries))
    }

    /// The entries, in order.
    pub fn iter(&self) -> impl Iterator<Item = SimpleIpEntry<'a>> + 'a {
        self.0.iter()
    }

    pub(crate) fn read<T: Trace>(f: &mut Fields<'a, '_, T>) -> Result<Self, Error> {
        Entries::read(f, NUM_NAI).map(Self)
    }

    pub(crate) fn write(&self, s: &mut impl Sink) -> Result<(), Error> {
        self.0.write(s)
    }
}

impl<'a> MobileIpProfile<'a> {
    /// The caller's entries, at most 15.
    pub const fn new(retry: Option<RetryInfo>, entries: &'a [MobileIpEntry<'a>]) -> Self {
        Self { retry, entries: Entries::List(entries) }
    }

    /// The entries, in order.
    pub fn iter(&self) -> impl Iterator<Item = MobileIpEntry<'a>> + 'a {
        self.entries.iter()
    }

    pub(crate) fn read<T: Trace>(f: &mut Fields<'a, '_, T>) -> Result<Self, Error> {
        let retry = if f.flag("RETRY_INFO_INCL")? {
            Some(RetryInfo {
                max_num_retry: f.u8("MAX_NUM_RETRY", 2)?,
                first_retry_timeout: f.u8("FIRST_RETRY_TIMEOUT", 3)?,
                rereg_threshold: f.u8("REREG_THRESHOLD", 6)?,
            })
        } else {
            None
        };
        Ok(Self { retry, entries: Entries::read(f, NUM_NAI)? })
    }

    pub(crate) fn write(&self, s: &mut impl Sink) -> Result<(), Error> {
        s.put(u64::from(self.retry.is_some()), 1)?;
        if let Some(retry) = self.retry {
            s.put(u64::from(retry.max_num_retry), 2)?;
            s.put(u64::from(retry.first_retry_timeout), 3)?;
            s.put(u64::from(retry.rereg_threshold), 6)?;
        }
        self.entries.write(s)
    }
}

impl<'a> HrpdProfile<'a> {
    pub(crate) fn read<T: Trace>(f: &mut Fields<'a, '_, T>) -> Result<Self, Error> {
        let nai = read_nai(f)?;
        Ok(Self { nai, auth_algorithm: f.u8("AUTH_ALGORITHM", 4)? })
    }

    pub(crate) fn write(&self, s: &mut impl Sink) -> Result<(), Error> {
        write_nai(s, self.nai)?;
        s.put(u64::from(self.auth_algorithm), 4)
    }
}

impl PartialEq for SimpleIpProfile<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.iter().eq(other.iter())
    }
}

impl Eq for SimpleIpProfile<'_> {}

impl core::fmt::Debug for SimpleIpProfile<'_> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_list().entries(self.iter()).finish()
    }
}

impl PartialEq for MobileIpProfile<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.retry == other.retry && self.iter().eq(other.iter())
    }
}

impl Eq for MobileIpProfile<'_> {}

impl core::fmt::Debug for MobileIpProfile<'_> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "{:?} ", self.retry)?;
        f.debug_list().entries(self.iter()).finish()
    }
}

const NUM_NAI: &str = "NUM_NAI";

fn read_nai<'a, T: Trace>(f: &mut Fields<'a, '_, T>) -> Result<OctetString<'a>, Error> {
    let length = f.u8("NAI_LENGTH", 8)?;
    f.octets("NAI", usize::from(length))
}

fn write_nai(s: &mut impl Sink, nai: OctetString<'_>) -> Result<(), Error> {
    let length = u8::try_from(nai.len()).map_err(|_| s.refuse(ErrorKind::LimitExceeded))?;
    s.put(u64::from(length), 8)?;
    s.octets(nai.iter())
}

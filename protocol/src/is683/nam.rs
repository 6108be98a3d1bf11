//! NAM parameter blocks (C.S0016 §3.3.2, §3.5.2): who the subscriber is and where the phone is at home.
//!
//! Blocks 0 and 2 have two forms: the *download* form the network sends, and the *configuration* form the handset
//! answers with, which adds what the handset can do. Blocks 1 and 3 are the same in both directions.
use super::fields::{Fields, Show, Sink, Trace, block_codec};
use super::{Imsi1112, Mcc, Mdn, Min, Nid, Sid};
use crate::wire::{BitReader, Error, ErrorKind};

/// The most SID/NID pairs whose configuration form still fits one block: (255 · 8 − 122) / 31.
pub const MAX_PAIRS: usize = 61;

/// An IMSI as a NAM holds it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Imsi {
    /// Class and, for class 1, how many digits the NMSI has.
    pub class: ImsiClass,
    /// Country.
    pub mcc: Mcc,
    /// Digits 12 and 11.
    pub imsi_11_12: Imsi1112,
    /// The last ten digits.
    pub imsi_s: Min,
}

/// IMSI_CLASS with IMSI_ADDR_NUM.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ImsiClass {
    /// 15 digits.
    Class0,
    /// Fewer: IMSI_ADDR_NUM is the number of NMSI digits minus 4 (0..=7).
    Class1(u8),
}

/// Access class and where calls are accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "four flags of the block, in its order")]
pub struct Access {
    /// Access overload class, 0..=15; normal phones use the last digit of the MIN.
    pub accolc: u8,
    /// LOCAL_CONTROL.
    pub local_control: bool,
    /// Calls on the home system.
    pub mob_term_home: bool,
    /// Calls when roaming in another system.
    pub mob_term_for_sid: bool,
    /// Calls when roaming in another network of the home system.
    pub mob_term_for_nid: bool,
}

/// SID/NID pairs, either the caller's list or packed bits.
#[derive(Clone, Copy)]
pub struct Pairs<'a>(Source<'a>);

#[derive(Clone, Copy)]
enum Source<'a> {
    List(&'a [(Sid, Nid)]),
    Packed(BitReader<'a>, u8),
}

/// Block 0, download form: CDMA/Analog NAM.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CdmaAnalogNam<'a> {
    /// First analog paging channel of the home system, 11 bits.
    pub first_chp: u16,
    /// Home system.
    pub home_sid: Sid,
    /// Extended address.
    pub ex: bool,
    /// IMSI_M.
    pub imsi: Imsi,
    /// Access class and call acceptance.
    pub access: Access,
    /// Home and non-roaming pairs, at most [`MAX_PAIRS`].
    pub pairs: Pairs<'a>,
}

/// Block 0, configuration form.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CdmaAnalogNamConfiguration<'a> {
    /// What the download form holds.
    pub nam: CdmaAnalogNam<'a>,
    /// Station class mark.
    pub scm: u8,
    /// Air interface revision.
    pub mob_p_rev: u8,
    /// How many pairs the handset can store.
    pub max_sid_nid: u8,
}

/// Block 2, download form: CDMA NAM.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CdmaNam<'a> {
    /// IMSI_M.
    pub imsi: Imsi,
    /// Access class and call acceptance.
    pub access: Access,
    /// Home and non-roaming pairs, at most [`MAX_PAIRS`].
    pub pairs: Pairs<'a>,
}

/// Block 2, configuration form.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CdmaNamConfiguration<'a> {
    /// What the download form holds.
    pub nam: CdmaNam<'a>,
    /// Whether the handset listens in slots.
    pub slotted_mode: bool,
    /// Air interface revision.
    pub mob_p_rev: u8,
    /// How many pairs the handset can store.
    pub max_sid_nid: u8,
}

/// Block 3: IMSI_T.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ImsiT(pub Imsi);

block_codec!(CdmaAnalogNam<'a>);
block_codec!(CdmaAnalogNamConfiguration<'a>);
block_codec!(CdmaNam<'a>);
block_codec!(CdmaNamConfiguration<'a>);
block_codec!(ImsiT);
block_codec!(Mdn);

impl<'a> CdmaAnalogNam<'a> {
    pub(crate) fn read<T: Trace>(f: &mut Fields<'a, '_, T>) -> Result<Self, Error> {
        let head = Head::read(f)?;
        let (imsi, access) = (Imsi::read(f)?, Access::read(f)?);
        let pairs = Pairs::read(f, "N_SID_NID")?;
        Ok(Self { first_chp: head.first_chp, home_sid: head.home_sid, ex: head.ex, imsi, access, pairs })
    }

    pub(crate) fn write(&self, s: &mut impl Sink) -> Result<(), Error> {
        self.head().write(s)?;
        self.imsi.write(s)?;
        self.access.write(s)?;
        self.pairs.write(s)
    }

    fn head(&self) -> Head {
        Head { first_chp: self.first_chp, home_sid: self.home_sid, ex: self.ex }
    }
}

impl<'a> CdmaAnalogNamConfiguration<'a> {
    pub(crate) fn read<T: Trace>(f: &mut Fields<'a, '_, T>) -> Result<Self, Error> {
        let head = Head::read(f)?;
        let scm = f.take("SCM", 8, |_| Show::Hex).map(low_octet)?;
        let mob_p_rev = f.u8("MOB_P_REV", 8)?;
        let (imsi, access) = (Imsi::read(f)?, Access::read(f)?);
        let max_sid_nid = f.u8("MAX_SID_NID", 8)?;
        let pairs = Pairs::read(f, "STORED_SID_NID")?;
        let nam = CdmaAnalogNam {
            first_chp: head.first_chp,
            home_sid: head.home_sid,
            ex: head.ex,
            imsi,
            access,
            pairs,
        };
        Ok(Self { nam, scm, mob_p_rev, max_sid_nid })
    }

    pub(crate) fn write(&self, s: &mut impl Sink) -> Result<(), Error> {
        self.nam.head().write(s)?;
        s.put(u64::from(self.scm), 8)?;
        s.put(u64::from(self.mob_p_rev), 8)?;
        self.nam.imsi.write(s)?;
        self.nam.access.write(s)?;
        s.put(u64::from(self.max_sid_nid), 8)?;
        self.nam.pairs.write(s)
    }
}

impl<'a> CdmaNam<'a> {
    pub(crate) fn read<T: Trace>(f: &mut Fields<'a, '_, T>) -> Result<Self, Error> {
        let (imsi, access) = (Imsi::read(f)?, Access::read(f)?);
        Ok(Self { imsi, access, pairs: Pairs::read(f, "N_SID_NID")? })
    }

    pub(crate) fn write(&self, s: &mut impl Sink) -> Result<(), Error> {
        self.imsi.write(s)?;
        self.access.write(s)?;
        self.pairs.write(s)
    }
}

impl<'a> CdmaNamConfiguration<'a> {
    pub(crate) fn read<T: Trace>(f: &mut Fields<'a, '_, T>) -> Result<Self, Error> {
        f.reserved(2)?;
        let slotted_mode = f.flag("SLOTTED_MODE")?;
        f.reserved(5)?;
        let mob_p_rev = f.u8("MOB_P_REV", 8)?;
        let (imsi, access) = (Imsi::read(f)?, Access::read(f)?);
        let max_sid_nid = f.u8("MAX_SID_NID", 8)?;
        let pairs = Pairs::read(f, "STORED_SID_NID")?;
        Ok(Self { nam: CdmaNam { imsi, access, pairs }, slotted_mode, mob_p_rev, max_sid_nid })
    }

    pub(crate) fn write(&self, s: &mut impl Sink) -> Result<(), Error> {
        s.put(u64::from(self.slotted_mode) << 5, 8)?;
        s.put(u64::from(self.mob_p_rev), 8)?;
        self.nam.imsi.write(s)?;
        self.nam.access.write(s)?;
        s.put(u64::from(self.max_sid_nid), 8)?;
        self.nam.pairs.write(s)
    }
}

impl ImsiT {
    pub(crate) fn read<T: Trace>(f: &mut Fields<'_, '_, T>) -> Result<Self, Error> {
        Imsi::read(f).map(Self)
    }

    pub(crate) fn write(&self, s: &mut impl Sink) -> Result<(), Error> {
        self.0.write(s)
    }
}

impl Mdn {
    pub(crate) fn read<T: Trace>(f: &mut Fields<'_, '_, T>) -> Result<Self, Error> {
        let digits = f.u8("N_DIGITS", 4)?;
        let mut mdn = Self::EMPTY;
        for _ in 0..digits {
            let refuse = f.error(ErrorKind::BadValue);
            let code = f.take("DIGIT", 4, |_| Show::Digit)?;
            mdn.push(low_octet(code)).ok_or(refuse)?;
        }
        Ok(mdn)
    }

    pub(crate) fn write(&self, s: &mut impl Sink) -> Result<(), Error> {
        s.put(self.codes().len() as u64, 4)?;
        self.codes().try_for_each(|code| s.put(u64::from(code), 4))
    }
}

impl Imsi {
    fn read<T: Trace>(f: &mut Fields<'_, '_, T>) -> Result<Self, Error> {
        let class_1 = f.take("IMSI_CLASS", 1, |_| Show::Dec)? == 1;
        let addr_num = f.u8("IMSI_ADDR_NUM", 3)?;
        let refuse = f.error(ErrorKind::BadValue);
        let mcc = f.take("MCC", 10, |_| Show::Mcc)?;
        let mcc = u16::try_from(mcc).ok().and_then(Mcc::from_code).ok_or(refuse)?;
        let refuse = f.error(ErrorKind::BadValue);
        let imsi_11_12 = f.take("IMSI_11_12", 7, |_| Show::Imsi1112)?;
        let imsi_11_12 = Imsi1112::from_code(low_octet(imsi_11_12)).ok_or(refuse)?;
        let refuse = f.error(ErrorKind::BadValue);
        let imsi_s = Min::from_code(f.take("IMSI_S", 34, |_| Show::ImsiS)?).ok_or(refuse)?;
        // Class 0 has no address length; the field is then sent as 0 and ignored on receipt, like reserved bits.
        let class = if class_1 { ImsiClass::Class1(addr_num) } else { ImsiClass::Class0 };
        Ok(Self { class, mcc, imsi_11_12, imsi_s })
    }

    fn write(&self, s: &mut impl Sink) -> Result<(), Error> {
        match self.class {
            ImsiClass::Class0 => s.put(0, 4)?,
            ImsiClass::Class1(addr_num) => {
                s.put(1, 1)?;
                s.put(u64::from(addr_num), 3)?;
            }
        }
        s.put(u64::from(self.mcc.code()), 10)?;
        s.put(u64::from(self.imsi_11_12.code()), 7)?;
        s.put(self.imsi_s.code(), 34)
    }
}

impl Access {
    fn read<T: Trace>(f: &mut Fields<'_, '_, T>) -> Result<Self, Error> {
        Ok(Self {
            accolc: f.u8("ACCOLC", 4)?,
            local_control: f.flag("LOCAL_CONTROL")?,
            mob_term_home: f.flag("MOB_TERM_HOME")?,
            mob_term_for_sid: f.flag("MOB_TERM_FOR_SID")?,
            mob_term_for_nid: f.flag("MOB_TERM_FOR_NID")?,
        })
    }

    fn write(self, s: &mut impl Sink) -> Result<(), Error> {
        s.put(u64::from(self.accolc), 4)?;
        for flag in [self.local_control, self.mob_term_home, self.mob_term_for_sid, self.mob_term_for_nid] {
            s.put(u64::from(flag), 1)?;
        }
        Ok(())
    }
}

/// What blocks of kind 0 start with.
struct Head {
    first_chp: u16,
    home_sid: Sid,
    ex: bool,
}

impl Head {
    fn read<T: Trace>(f: &mut Fields<'_, '_, T>) -> Result<Self, Error> {
        Ok(Self {
            first_chp: f.u16("FIRSTCHP", 11)?,
            home_sid: Sid::masked(f.u16("HOME_SID", 15)?),
            ex: f.flag("EX")?,
        })
    }

    fn write(&self, s: &mut impl Sink) -> Result<(), Error> {
        s.put(u64::from(self.first_chp), 11)?;
        s.put(u64::from(self.home_sid.get()), 15)?;
        s.put(u64::from(self.ex), 1)
    }
}

impl<'a> Pairs<'a> {
    /// The caller's pairs; more than [`MAX_PAIRS`] are refused when they are written.
    pub const fn new(list: &'a [(Sid, Nid)]) -> Self {
        Self(Source::List(list))
    }

    /// How many.
    pub fn len(&self) -> usize {
        match self.0 {
            Source::List(list) => list.len(),
            Source::Packed(_, n) => usize::from(n),
        }
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The pairs, in order.
    pub fn iter(&self) -> impl Iterator<Item = (Sid, Nid)> + 'a {
        let (list, mut bits, packed) = match self.0 {
            Source::List(list) => (list, BitReader::new(&[], 0), 0),
            Source::Packed(bits, n) => (&[][..], bits, n),
        };
        list.iter().copied().chain((0..packed).map_while(move |_| {
            let (sid, nid) = (bits.u16(15).ok()?, bits.u16(16).ok()?);
            Some((Sid::masked(sid), Nid(nid)))
        }))
    }

    fn read<T: Trace>(f: &mut Fields<'a, '_, T>, count: &'static str) -> Result<Self, Error> {
        let n = f.u8(count, 8)?;
        let bits = f.bits();
        for _ in 0..n {
            f.u16("SID", 15)?;
            f.u16("NID", 16)?;
        }
        Ok(Self(Source::Packed(bits, n)))
    }

    fn write(&self, s: &mut impl Sink) -> Result<(), Error> {
        if self.len() > MAX_PAIRS {
            return Err(s.refuse(ErrorKind::LimitExceeded));
        }
        s.put(self.len() as u64, 8)?;
        self.iter().try_for_each(|(sid, nid)| {
            s.put(u64::from(sid.get()), 15)?;
            s.put(u64::from(nid.0), 16)
        })
    }
}

impl PartialEq for Pairs<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.iter().eq(other.iter())
    }
}

impl Eq for Pairs<'_> {}

impl core::fmt::Debug for Pairs<'_> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_list().entries(self.iter()).finish()
    }
}

fn low_octet(value: u64) -> u8 {
    u8::try_from(value).unwrap_or(u8::MAX)
}

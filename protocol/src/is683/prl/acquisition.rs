//! Acquisition records: bands and channels to scan.
use super::PrlFormat;
use crate::is683::fields::{Fields, Show, Sink, Trace, measure_bits};
use crate::wire::{BitReader, BitWriter, Error, ErrorKind, open_code};

open_code! {
    /// ACQ_TYPE.
    pub struct AcqType(u8) {
        /// System A or B, analog.
        CELLULAR_ANALOG = 1, "cellular analog";
        /// System A or B, primary or secondary channel.
        CELLULAR_CDMA_STANDARD = 2, "cellular CDMA, standard channels";
        /// Listed channels.
        CELLULAR_CDMA_CUSTOM = 3, "cellular CDMA, custom channels";
        /// CDMA preferred, else analog.
        CELLULAR_CDMA_PREFERRED = 4, "cellular CDMA preferred";
        /// PCS blocks.
        PCS_BLOCKS = 5, "PCS CDMA, blocks";
        /// PCS channels.
        PCS_CHANNELS = 6, "PCS CDMA, channels";
        /// JTACS, primary or secondary channel.
        JTACS_STANDARD = 7, "JTACS CDMA, standard channels";
        /// JTACS channels.
        JTACS_CUSTOM = 8, "JTACS CDMA, custom channels";
        /// 2 GHz channels.
        BAND_2_GHZ = 9, "2 GHz band, channels";
        /// Any band, 1x.
        GENERIC_1X = 0x0A, "generic 1x";
        /// Any band, HRPD.
        GENERIC_HRPD = 0x0B, "generic HRPD";
        /// UMB common table.
        UMB_COMMON = 0x0F, "UMB common table";
        /// UMB.
        UMB = 0x10, "UMB";
    }
}

/// One acquisition record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AcquisitionRecord<'a> {
    /// What kind.
    pub acq_type: AcqType,
    /// What to scan.
    pub body: AcqBody<'a>,
}

/// What an acquisition record scans.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AcqBody<'a> {
    /// A_B: 0 = A, 1 = B, 3 = either.
    System(u8),
    /// A_B, and PRI_SEC: 1 = primary, 2 = secondary, 3 = either.
    Standard(u8, u8),
    /// Channels of 11 bits, PCS blocks of 3 bits (0..=5 = A..F, 7 = any), or band class (5 bits) and channel (11 bits).
    Numbers(Numbers<'a>),
    /// A type that only an extended list can carry, as octets.
    Opaque(&'a [u8]),
}

/// A list of bit-packed numbers.
#[derive(Clone, Copy)]
pub struct Numbers<'a> {
    bits: BitReader<'a>,
    width: u32,
    count: u8,
}

impl<'a> Numbers<'a> {
    /// Packs numbers of the width that `acq_type` has into `buf`; refuses types without numbers (`Unsupported`), numbers
    /// that are too large (`BadValue`) and more than the record can count (`LimitExceeded`).
    pub fn pack(acq_type: AcqType, numbers: &[u16], buf: &'a mut [u8]) -> Result<Self, Error> {
        let (width, most) = layout(acq_type).ok_or(Error::new(ErrorKind::Unsupported, 0))?;
        let too_many = Error::new(ErrorKind::LimitExceeded, 0);
        let count = u8::try_from(numbers.len()).ok().filter(|count| *count <= most).ok_or(too_many)?;
        let mut bits = BitWriter::new(buf);
        numbers.iter().try_for_each(|number| bits.put(u64::from(*number), width))?;
        Ok(Self { bits: BitReader::new(bits.finish()?, 0), width, count })
    }

    /// The numbers, in order.
    pub fn iter(&self) -> impl Iterator<Item = u16> + use<'a> {
        let (mut bits, width) = (self.bits, self.width);
        (0..self.count).map_while(move |_| bits.u16(width).ok())
    }
}

impl PartialEq for Numbers<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.width == other.width && self.iter().eq(other.iter())
    }
}

impl Eq for Numbers<'_> {}

impl core::fmt::Debug for Numbers<'_> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_list().entries(self.iter()).finish()
    }
}

impl<'a> AcquisitionRecord<'a> {
    pub(super) fn read<T: Trace>(format: PrlFormat, f: &mut Fields<'a, '_, T>) -> Result<Self, Error> {
        match format {
            PrlFormat::Classic => {
                let acq_type = read_type(f, 4)?;
                let body = read_known(acq_type, f)?.ok_or(f.error(ErrorKind::Unsupported))?;
                Ok(Self { acq_type, body })
            }
            PrlFormat::Extended => Self::read_extended(f),
        }
    }

    fn read_extended<T: Trace>(f: &mut Fields<'a, '_, T>) -> Result<Self, Error> {
        let acq_type = read_type(f, 8)?;
        let length = usize::from(f.u8("LENGTH", 8)?);
        let at = f.at();
        let octets = f.slice(length)?;
        let mut inner = f.within(octets, at);
        let known = match acq_type {
            AcqType::GENERIC_1X | AcqType::GENERIC_HRPD => Some(read_channels(&mut inner, length)?),
            _ => read_known(acq_type, &mut inner)?,
        };
        let body = if let Some(body) = known {
            inner.finish()?;
            body
        } else {
            inner.octets("DATA", length)?;
            AcqBody::Opaque(octets)
        };
        Ok(Self { acq_type, body })
    }
}

impl AcquisitionRecord<'_> {
    pub(super) fn write<S: Sink>(&self, format: PrlFormat, sink: &mut S) -> Result<(), Error> {
        let acq_type = u64::from(self.acq_type.0);
        if format == PrlFormat::Classic {
            // Without a length, a type that is not known would make the rest unreadable.
            if !(AcqType::CELLULAR_ANALOG..=AcqType::BAND_2_GHZ).contains(&self.acq_type) {
                return Err(sink.refuse(ErrorKind::Unsupported));
            }
            sink.put(acq_type, 4)?;
            return self.write_body(sink);
        }
        let bits = measure_bits(|counter| self.write_body(counter))?;
        let octets = bits.div_ceil(8);
        sink.put(acq_type, 8)?;
        sink.put(octets as u64, 8)?;
        self.write_body(sink)?;
        let padding = octets.saturating_mul(8).saturating_sub(bits);
        (0..padding).try_for_each(|_| sink.put(0, 1))
    }

    /// The body; refuses one that does not belong to the type.
    fn write_body<S: Sink>(&self, sink: &mut S) -> Result<(), Error> {
        match (self.acq_type, self.body) {
            (AcqType::CELLULAR_ANALOG | AcqType::CELLULAR_CDMA_PREFERRED, AcqBody::System(a_b)) => {
                sink.put(a_b.into(), 2)
            }
            (AcqType::CELLULAR_CDMA_STANDARD | AcqType::JTACS_STANDARD, AcqBody::Standard(a_b, pri_sec)) => {
                sink.put(a_b.into(), 2)?;
                sink.put(pri_sec.into(), 2)
            }
            (acq_type, AcqBody::Numbers(numbers))
                if layout(acq_type).is_some_and(|(width, _)| width == numbers.width) =>
            {
                match acq_type {
                    AcqType::PCS_BLOCKS => sink.put(numbers.count.into(), 3)?,
                    AcqType::GENERIC_1X | AcqType::GENERIC_HRPD => {}
                    _ => sink.put(numbers.count.into(), 5)?,
                }
                numbers.iter().try_for_each(|number| sink.put(number.into(), numbers.width))
            }
            (acq_type, AcqBody::Opaque(octets))
                if !(AcqType::CELLULAR_ANALOG..=AcqType::GENERIC_HRPD).contains(&acq_type) =>
            {
                sink.octets(octets.iter().copied())
            }
            _ => Err(sink.refuse(ErrorKind::BadValue)),
        }
    }
}

/// Bits of each number of a record that lists numbers, and how many it can count.
const fn layout(acq_type: AcqType) -> Option<(u32, u8)> {
    match acq_type {
        AcqType::PCS_BLOCKS => Some((3, 7)),
        AcqType::CELLULAR_CDMA_CUSTOM
        | AcqType::PCS_CHANNELS
        | AcqType::JTACS_CUSTOM
        | AcqType::BAND_2_GHZ => Some((11, 31)),
        AcqType::GENERIC_1X | AcqType::GENERIC_HRPD => Some((16, 127)),
        _ => None,
    }
}

fn read_type<T: Trace>(f: &mut Fields<'_, '_, T>, width: u32) -> Result<AcqType, Error> {
    let name = |v: u64| u8::try_from(v).ok().and_then(|v| AcqType(v).name());
    let value = f.take("ACQ_TYPE", width, |v| Show::Text(name(v)))?;
    Ok(AcqType(u8::try_from(value).unwrap_or(u8::MAX)))
}

/// The bodies of types 1 to 9, which both formats share.
fn read_known<'a, T: Trace>(
    acq_type: AcqType,
    f: &mut Fields<'a, '_, T>,
) -> Result<Option<AcqBody<'a>>, Error> {
    Ok(Some(match acq_type {
        AcqType::CELLULAR_ANALOG | AcqType::CELLULAR_CDMA_PREFERRED => AcqBody::System(f.u8("A_B", 2)?),
        AcqType::CELLULAR_CDMA_STANDARD | AcqType::JTACS_STANDARD => {
            AcqBody::Standard(f.u8("A_B", 2)?, f.u8("PRI_SEC", 2)?)
        }
        AcqType::PCS_BLOCKS => {
            let count = f.u8("NUM_BLOCKS", 3)?;
            read_numbers(f, "BLOCK", 3, count)?
        }
        AcqType::CELLULAR_CDMA_CUSTOM
        | AcqType::PCS_CHANNELS
        | AcqType::JTACS_CUSTOM
        | AcqType::BAND_2_GHZ => {
            let count = f.u8("NUM_CHANS", 5)?;
            read_numbers(f, "CHAN", 11, count)?
        }
        _ => return Ok(None),
    }))
}

fn read_numbers<'a, T: Trace>(
    f: &mut Fields<'a, '_, T>,
    name: &'static str,
    width: u32,
    count: u8,
) -> Result<AcqBody<'a>, Error> {
    let bits = f.bits();
    for _ in 0..count {
        f.u16(name, width)?;
    }
    Ok(AcqBody::Numbers(Numbers { bits, width, count }))
}

/// (BAND_CLASS 5, CHANNEL 11) filling `length` octets.
fn read_channels<'a, T: Trace>(f: &mut Fields<'a, '_, T>, length: usize) -> Result<AcqBody<'a>, Error> {
    let odd = f.error(ErrorKind::BadLength);
    if !length.is_multiple_of(2) {
        return Err(odd);
    }
    let bits = f.bits();
    let count = u8::try_from(length / 2).map_err(|_| odd)?;
    for _ in 0..count {
        f.u8("BAND_CLASS", 5)?;
        f.u16("CHANNEL", 11)?;
    }
    Ok(AcqBody::Numbers(Numbers { bits, width: 16, count }))
}

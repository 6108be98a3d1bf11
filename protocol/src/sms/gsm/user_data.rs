use super::super::{Port, Ports};
use crate::wire::{Error, ErrorKind, Reader, Writer};

/// Information elements (TS 23.040 section 9.2.3.24).
const CONCATENATION_8: u8 = 0x00;
const CONCATENATION_16: u8 = 0x08;
const PORTS_8: u8 = 0x04;
const PORTS_16: u8 = 0x05;

/// Which part of a longer message this is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Concatenation {
    /// The sender's number of the longer message.
    pub reference: u16,
    /// Whether the reference has 16 bits; 0x12 in 8 bits is another reference than 0x0012 in 16.
    pub wide: bool,
    /// How many parts there are, at least 1.
    pub total: u8,
    /// Which one this is, from 1.
    pub number: u8,
}

/// What a user data header tells.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct UserDataHeader {
    /// The part, of a concatenated message.
    pub concatenation: Option<Concatenation>,
    /// The ports; without them the message is for people, not for applications.
    pub ports: Option<Ports>,
}

impl UserDataHeader {
    /// Reads the header with which `input` begins, its length octet included.
    ///
    /// Elements may come in any order; of two that say the same, the later one counts; unknown ones are passed over.
    /// `Truncated` or `BadLength` where a length does not fit, `BadValue` for a part number outside its total.
    pub fn read(input: &mut Reader<'_>) -> Result<Self, Error> {
        let len = input.u8()?;
        let mut elements = input.sub(usize::from(len))?;
        let mut header = Self::default();
        while !elements.is_empty() {
            let id = elements.u8()?;
            let start = elements;
            let len = elements.u8()?;
            let mut element = elements.sub(usize::from(len))?;
            match id {
                CONCATENATION_8 | CONCATENATION_16 => {
                    header.concatenation = Some(concatenation(&mut element, id == CONCATENATION_16)?);
                }
                PORTS_8 | PORTS_16 => header.ports = Some(ports(&mut element, id == PORTS_16)?),
                _ => continue,
            }
            if !element.is_empty() {
                return Err(start.error(ErrorKind::BadLength));
            }
        }
        Ok(header)
    }

    /// Writes the header: ports in 16 bits, then concatenation; nothing at all if there is neither.
    pub fn write(&self, out: &mut Writer<'_>) -> Result<(), Error> {
        let Some(len) = self.buffer_len().checked_sub(1) else { return Ok(()) };
        out.u8(u8::try_from(len).map_err(|_| Error::new(ErrorKind::LimitExceeded, out.at()))?)?;
        if let Some(ports) = self.ports {
            out.put(&[PORTS_16, 4])?;
            out.u16(ports.destination.0)?;
            out.u16(ports.source.0)?;
        }
        if let Some(part) = self.concatenation {
            match u8::try_from(part.reference) {
                Ok(reference) if !part.wide => out.put(&[CONCATENATION_8, 3, reference])?,
                _ => {
                    out.put(&[CONCATENATION_16, 4])?;
                    out.u16(part.reference)?;
                }
            }
            out.put(&[part.total, part.number])?;
        }
        Ok(())
    }

    /// How many octets [`Self::write`] writes.
    pub fn buffer_len(&self) -> usize {
        let ports: usize = if self.ports.is_some() { 6 } else { 0 };
        let concatenation = match self.concatenation {
            None => 0,
            Some(part) if part.wide || part.reference > 0xFF => 6,
            Some(_) => 5,
        };
        match ports.saturating_add(concatenation) {
            0 => 0,
            elements => elements.saturating_add(1),
        }
    }
}

fn concatenation(element: &mut Reader<'_>, wide: bool) -> Result<Concatenation, Error> {
    let reference = if wide { element.u16()? } else { element.u8()?.into() };
    let at = *element;
    let (total, number) = (element.u8()?, element.u8()?);
    if number == 0 || number > total {
        return Err(at.error(ErrorKind::BadValue));
    }
    Ok(Concatenation { reference, wide, total, number })
}

fn ports(element: &mut Reader<'_>, wide: bool) -> Result<Ports, Error> {
    let mut port = || if wide { element.u16() } else { element.u8().map(u16::from) };
    Ok(Ports { destination: Port(port()?), source: Port(port()?) })
}

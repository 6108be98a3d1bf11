use super::{Address, Teleservice};
use crate::wire::{Error, ErrorKind, Reader, Writer};

/// PARAMETER_ID of the teleservice identifier, two octets.
const TELESERVICE: u8 = 0x00;
/// PARAMETER_ID of the address that a message comes from.
const ORIGINATING_ADDRESS: u8 = 0x02;
/// PARAMETER_ID of the teleservice layer.
const BEARER_DATA: u8 = 0x08;

/// SMS_MSG_TYPE of a point-to-point message.
const POINT_TO_POINT: u8 = 0x00;

/// A point-to-point message of the transport layer: `SMS_MSG_TYPE 8`, then `PARAMETER_ID 8, PARAMETER_LEN 8, data`,
/// repeated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Message<'a> {
    /// Who handles it.
    pub teleservice: Teleservice,
    /// Where it says it comes from; [`Address::NONE`] if it does not say.
    pub from: Address,
    /// The teleservice layer.
    pub bearer_data: &'a [u8],
    /// Offset of the bearer data in the message, for errors.
    pub bearer_data_at: usize,
}

impl<'a> Message<'a> {
    /// Reads a message; refuses broadcasts and acknowledgments (`Unsupported`), messages without teleservice or bearer data
    /// (`Truncated`), and those that have one of the three parameters twice (`BadValue`).
    pub fn parse(bytes: &'a [u8]) -> Result<Self, Error> {
        let mut reader = Reader::new(bytes);
        if reader.u8()? != POINT_TO_POINT {
            return Err(Error::new(ErrorKind::Unsupported, 0));
        }
        let (mut teleservice, mut from, mut bearer_data) = (None, None, None);
        while !reader.is_empty() {
            let refuse = reader.error(ErrorKind::BadValue);
            let [id, len] = reader.array()?;
            let mut value = reader.sub(usize::from(len))?;
            let twice = match id {
                TELESERVICE => {
                    let id = Teleservice(value.u16()?);
                    value.finish()?;
                    teleservice.replace(id).is_some()
                }
                ORIGINATING_ADDRESS => from.replace(Address::parse(value.rest(), value.at())?).is_some(),
                BEARER_DATA => bearer_data.replace(value).is_some(),
                _ => false,
            };
            if twice {
                return Err(refuse);
            }
        }
        let missing = reader.error(ErrorKind::Truncated);
        let bearer_data = bearer_data.ok_or(missing)?;
        Ok(Self {
            teleservice: teleservice.ok_or(missing)?,
            from: from.unwrap_or(Address::NONE),
            bearer_data: bearer_data.rest(),
            bearer_data_at: bearer_data.at(),
        })
    }

    /// Writes the message. The address must be a telephone number (see [`Address::new`]).
    pub fn emit<'b>(&self, out: &'b mut [u8]) -> Result<&'b [u8], Error> {
        let mut writer = Writer::new(out);
        writer.u8(POINT_TO_POINT)?;
        parameter(&mut writer, TELESERVICE, &self.teleservice.0.to_be_bytes())?;
        if self.from != Address::NONE {
            let mut address = [0; 20];
            parameter(&mut writer, ORIGINATING_ADDRESS, self.from.emit(&mut address)?)?;
        }
        parameter(&mut writer, BEARER_DATA, self.bearer_data)?;
        Ok(writer.finish())
    }
}

fn parameter(writer: &mut Writer<'_>, id: u8, value: &[u8]) -> Result<(), Error> {
    let too_long = Error::new(ErrorKind::LimitExceeded, writer.at());
    let len = u8::try_from(value.len()).map_err(|_| too_long)?;
    writer.put(&[id, len])?;
    writer.put(value)
}

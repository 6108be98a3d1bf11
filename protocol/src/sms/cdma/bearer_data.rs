use super::{MessageType, UserData};
use crate::wire::{BitReader, BitWriter, Error, ErrorKind, Reader, Writer};

/// SUBPARAMETER_ID of the message identifier.
const MESSAGE_IDENTIFIER: u8 = 0x00;
/// SUBPARAMETER_ID of the user data.
const USER_DATA: u8 = 0x01;

/// The teleservice layer: what the message is, and its user data. `SUBPARAMETER_ID 8, SUBPARAM_LEN 8, data`, repeated.
#[derive(Clone, Copy, Debug)]
pub struct BearerData<'a> {
    /// What kind of message.
    pub message_type: MessageType,
    /// MESSAGE_ID: shared by the segments of a datagram.
    pub message_id: u16,
    /// HEADER_IND: the user data begin with a header.
    pub header: bool,
    /// The user data, if there are any.
    pub user_data: Option<UserData<'a>>,
}

impl<'a> BearerData<'a> {
    /// Reads bearer data that lie at octet `at` of the whole. The message identifier is required; other parameters are
    /// skipped by their length; a second one of the two that count is refused.
    pub fn parse(bytes: &'a [u8], at: usize) -> Result<Self, Error> {
        let mut reader = Reader::with_base(bytes, at);
        let (mut identifier, mut user_data) = (None, None);
        while !reader.is_empty() {
            let refuse = reader.error(ErrorKind::BadValue);
            let [id, len] = reader.array()?;
            let value = reader.sub(usize::from(len))?;
            match id {
                MESSAGE_IDENTIFIER if identifier.is_none() => identifier = Some(read_identifier(value)?),
                USER_DATA if user_data.is_none() => {
                    user_data = Some(UserData::parse(value.rest(), value.at())?);
                }
                MESSAGE_IDENTIFIER | USER_DATA => return Err(refuse),
                _ => {}
            }
        }
        let missing = Error::new(ErrorKind::Truncated, reader.at());
        let (message_type, message_id, header) = identifier.ok_or(missing)?;
        Ok(Self { message_type, message_id, header, user_data })
    }

    /// Writes bearer data of a message to the device, whose user data parameter has this value.
    pub(super) fn emit<'b>(message_id: u16, user_data: &[u8], out: &'b mut [u8]) -> Result<&'b [u8], Error> {
        let mut writer = Writer::new(out);
        let mut identifier = [0; 3];
        let mut bits = BitWriter::new(&mut identifier);
        bits.put(MessageType::DELIVER.0.into(), 4)?;
        bits.put(message_id.into(), 16)?;
        bits.put(0, 4)?;
        writer.put(&[MESSAGE_IDENTIFIER, 3])?;
        writer.put(&identifier)?;
        let len =
            u8::try_from(user_data.len()).map_err(|_| Error::new(ErrorKind::LimitExceeded, writer.at()))?;
        writer.put(&[USER_DATA, len])?;
        writer.put(user_data)?;
        Ok(writer.finish())
    }
}

/// `MESSAGE_TYPE 4, MESSAGE_ID 16, HEADER_IND 1, RESERVED 3`.
fn read_identifier(value: Reader<'_>) -> Result<(MessageType, u16, bool), Error> {
    let mut bits = BitReader::new(value.rest(), value.at());
    let identifier = (MessageType(bits.u8(4)?), bits.u16(16)?, bits.flag()?);
    bits.finish_padded()?;
    Ok(identifier)
}

use crate::wire::open_code;

open_code! {
    /// Who handles a message on top of the transport layer.
    pub struct Teleservice(u16) {
        /// Pages.
        PAGING = 4097, "paging";
        /// Texts.
        MESSAGING = 4098, "messaging";
        /// Voice mail.
        VOICE_MAIL = 4099, "voice mail notification";
        /// Datagrams of the wireless application protocol.
        WAP = 4100, "WAP";
        /// Enhanced messaging.
        ENHANCED = 4101, "enhanced messaging";
    }
}

open_code! {
    /// MESSAGE_TYPE of the bearer data.
    pub struct MessageType(u8) {
        /// To the device.
        DELIVER = 1, "deliver";
        /// From the device.
        SUBMIT = 2, "submit";
        /// A submitted message is to be dropped.
        CANCELLATION = 3, "cancellation";
        /// A message arrived.
        DELIVERY_ACK = 4, "delivery acknowledgment";
        /// A message was read.
        USER_ACK = 5, "user acknowledgment";
        /// A message was read.
        READ_ACK = 6, "read acknowledgment";
    }
}

open_code! {
    /// MSG_ENCODING of user data.
    pub struct Encoding(u8) {
        /// Octets.
        OCTET = 0, "octets";
        /// ASCII in fields of seven bits.
        ASCII = 2, "ASCII, 7 bits";
        /// International alphabet no. 5 in fields of seven bits; read as ASCII.
        IA5 = 3, "IA5";
        /// UTF-16, big-endian.
        UTF16 = 4, "UTF-16";
        /// ISO 8859-1.
        LATIN = 8, "ISO 8859-1";
    }
}

open_code! {
    /// BURST_TYPE of a Data Burst message.
    pub struct BurstType(u8) {
        /// A short message: its octets are a transport layer message.
        SMS = 3, "short message";
        /// Over-the-air service provisioning: its octets are one IS-683 message.
        OTASP = 4, "OTASP";
    }
}

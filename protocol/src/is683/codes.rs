//! Message types, result codes, features, capability records: the numbers every message is made of.
use crate::wire::open_code;

/// Who sends: the same OTASP_MSG_TYPE is a request in one direction and its response in the other (C.S0016 §3.3, §3.5).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Direction {
    /// Network to handset: requests.
    Forward,
    /// Handset to network: responses.
    Reverse,
}

open_code! {
    /// OTASP_MSG_TYPE, the first octet of every message; request and response share it.
    pub struct MsgType(u8) {
        /// NAM configuration: read the number assignment module.
        CONFIGURATION = 0x00, "Configuration";
        /// NAM download: stage new NAM blocks.
        DOWNLOAD = 0x01, "Download";
        /// Key exchange, first half.
        MS_KEY = 0x02, "MS Key";
        /// Key exchange, second half.
        KEY_GENERATION = 0x03, "Key Generation";
        /// Check of the new key.
        RE_AUTHENTICATE = 0x04, "Re-Authenticate";
        /// Make everything staged permanent.
        COMMIT = 0x05, "Commit";
        /// What the handset can do.
        PROTOCOL_CAPABILITY = 0x06, "Protocol Capability";
        /// Read the preferred roaming list or its dimensions.
        SSPR_CONFIGURATION = 0x07, "SSPR Configuration";
        /// Stage a segment of a preferred roaming list.
        SSPR_DOWNLOAD = 0x08, "SSPR Download";
        /// Service programming code and SPASM.
        VALIDATION = 0x09, "Validation";
        /// Start or stop a network-initiated session.
        OTAPA = 0x0A, "OTAPA";
        /// Read the preferred user zone list.
        PUZL_CONFIGURATION = 0x0B, "PUZL Configuration";
        /// Change the preferred user zone list.
        PUZL_DOWNLOAD = 0x0C, "PUZL Download";
        /// Read packet data parameters.
        PACKET_DATA_CONFIGURATION = 0x0D, "3GPD Configuration";
        /// Stage packet data parameters.
        PACKET_DATA_DOWNLOAD = 0x0E, "3GPD Download";
        /// Start or stop encrypted parameters.
        SECURE_MODE = 0x0F, "Secure Mode";
        /// Answer to a capability request that asks for records; has no request of its own.
        EXTENDED_PROTOCOL_CAPABILITY = 0x10, "Extended Protocol Capability";
        /// Read multimedia domain parameters.
        MMD_CONFIGURATION = 0x11, "MMD Configuration";
        /// Stage multimedia domain parameters.
        MMD_DOWNLOAD = 0x12, "MMD Download";
        /// Read system tags.
        SYSTEM_TAG_CONFIGURATION = 0x13, "System Tag Configuration";
        /// Stage system tags.
        SYSTEM_TAG_DOWNLOAD = 0x14, "System Tag Download";
        /// Derive service keys from the root key.
        SERVICE_KEY_GENERATION = 0x15, "Service Key Generation";
        /// Read multimedia messaging parameters.
        MMS_CONFIGURATION = 0x16, "MMS Configuration";
        /// Stage multimedia messaging parameters.
        MMS_DOWNLOAD = 0x17, "MMS Download";
        /// Read multimode system selection parameters (revision D). The number is assumed, see DEVIATIONS.md.
        MMSS_CONFIGURATION = 0x18, "MMSS Configuration";
        /// Stage multimode system selection parameters (revision D). The number is assumed, see DEVIATIONS.md.
        MMSS_DOWNLOAD = 0x19, "MMSS Download";
    }
}

open_code! {
    /// RESULT_CODE (C.S0016 Table 3.5.1.2-1); 0x33..0x7F and 0xFF are reserved, 0x80..0xFE the manufacturer's.
    pub struct ResultCode(u8) {
        /// Done.
        ACCEPTED = 0x00, "accepted";
        /// No better code fits.
        REJECTED = 0x01, "rejected, unknown reason";
        /// A block or message has the wrong size.
        DATA_SIZE_MISMATCH = 0x02, "data size mismatch";
        /// The revision asked for is not supported.
        PROTOCOL_VERSION_MISMATCH = 0x03, "protocol version mismatch";
        /// A field holds a value that is not allowed.
        INVALID_PARAMETER = 0x04, "invalid parameter";
        /// More SID/NID pairs than the handset stores.
        SID_NID_LENGTH_MISMATCH = 0x05, "SID/NID length mismatch";
        /// The message does not belong here, or the session is not started.
        UNEXPECTED_MESSAGE = 0x06, "message not expected in this mode";
        /// The handset does not have this block.
        BLOCK_NOT_SUPPORTED = 0x07, "BLOCK_ID not supported";
        /// The list received is longer or shorter than it says.
        PRL_LENGTH_MISMATCH = 0x08, "PRL length mismatch";
        /// The list received has a wrong check value.
        CRC_ERROR = 0x09, "CRC error";
        /// Service programming lock or SPASM.
        LOCKED = 0x0A, "mobile station locked";
        /// Wrong service programming code.
        INVALID_SPC = 0x0B, "invalid SPC";
        /// The user keeps the old code.
        SPC_CHANGE_DENIED = 0x0C, "SPC change denied by the user";
        /// Wrong AUTH_OTAPA.
        INVALID_SPASM = 0x0D, "invalid SPASM";
        /// The block does not belong here.
        UNEXPECTED_BLOCK = 0x0E, "BLOCK_ID not expected in this mode";
        /// User zone already in the list.
        ZONE_IN_PUZL = 0x0F, "user zone already in PUZL";
        /// User zone not in the list.
        ZONE_NOT_IN_PUZL = 0x10, "user zone not in PUZL";
        /// The user zone list is empty.
        PUZL_EMPTY = 0x11, "no entries in PUZL";
        /// Packet data operation mode.
        OPERATION_MODE_MISMATCH = 0x12, "operation mode mismatch";
        /// SimpleIP: too many entries.
        SIP_MAX_NUM_NAI = 0x13, "SIP MAX_NUM_NAI mismatch";
        /// SimpleIP: NAI too long.
        SIP_MAX_NAI_LENGTH = 0x14, "SIP MAX_NAI_LENGTH mismatch";
        /// MobileIP: too many entries.
        MIP_MAX_NUM_NAI = 0x15, "MIP MAX_NUM_NAI mismatch";
        /// MobileIP: NAI too long.
        MIP_MAX_NAI_LENGTH = 0x16, "MIP MAX_NAI_LENGTH mismatch";
        /// SimpleIP PAP: secret too long.
        SIP_PAP_MAX_SS_LENGTH = 0x17, "SIP PAP MAX_SS_LENGTH mismatch";
        /// SimpleIP CHAP: secret too long.
        SIP_CHAP_MAX_SS_LENGTH = 0x18, "SIP CHAP MAX_SS_LENGTH mismatch";
        /// MobileIP MN-AAA: secret too long.
        MIP_MAX_MN_AAA_SS_LENGTH = 0x19, "MIP MAX_MN-AAA_SS_LENGTH mismatch";
        /// MobileIP MN-HA: secret too long.
        MIP_MAX_MN_HA_SS_LENGTH = 0x1A, "MIP MAX_MN-HA_SS_LENGTH mismatch";
        /// MobileIP MN-AAA: algorithm not supported.
        MIP_MN_AAA_ALGORITHM = 0x1B, "MIP MN-AAA algorithm mismatch";
        /// MobileIP MN-HA: algorithm not supported.
        MIP_MN_HA_ALGORITHM = 0x1C, "MIP MN-HA algorithm mismatch";
        /// SimpleIP: active entry unknown.
        SIP_ACT_NAI_ENTRY_INDEX = 0x1D, "SIP ACT_NAI_ENTRY_INDEX mismatch";
        /// MobileIP: active entry unknown.
        MIP_ACT_NAI_ENTRY_INDEX = 0x1E, "MIP ACT_NAI_ENTRY_INDEX mismatch";
        /// SimpleIP PAP: entry unknown.
        SIP_PAP_NAI_ENTRY_INDEX = 0x1F, "SIP PAP NAI_ENTRY_INDEX mismatch";
        /// SimpleIP CHAP: entry unknown.
        SIP_CHAP_NAI_ENTRY_INDEX = 0x20, "SIP CHAP NAI_ENTRY_INDEX mismatch";
        /// MobileIP: entry unknown.
        MIP_NAI_ENTRY_INDEX = 0x21, "MIP NAI_ENTRY_INDEX mismatch";
        /// The block id changed inside a segmented list.
        UNEXPECTED_PRL_BLOCK_CHANGE = 0x22, "unexpected PRL_BLOCK_ID change";
        /// The list is of the other format.
        PRL_FORMAT_MISMATCH = 0x23, "PRL format mismatch";
        /// HRPD access authentication: NAI too long.
        HRPD_MAX_NAI_LENGTH = 0x24, "HRPD MAX_NAI_LENGTH mismatch";
        /// HRPD access authentication: secret too long.
        HRPD_CHAP_MAX_SS_LENGTH = 0x25, "HRPD CHAP MAX_SS_LENGTH mismatch";
        /// MMD: too many public identities.
        MMD_MAX_NUM_IMPU = 0x26, "MMD MAX_NUM_IMPU mismatch";
        /// MMD: public identity too long.
        MMD_MAX_IMPU_LENGTH = 0x27, "MMD MAX_IMPU_LENGTH mismatch";
        /// MMD: too many proxies.
        MMD_MAX_NUM_P_CSCF = 0x28, "MMD MAX_NUM_P-CSCF mismatch";
        /// MMD: proxy name too long.
        MMD_MAX_P_CSCF_LENGTH = 0x29, "MMD MAX_P-CSCF_LENGTH mismatch";
        /// The block id changed inside a segmented tag list.
        UNEXPECTED_SYSTEM_TAG_BLOCK_CHANGE = 0x2A, "unexpected system tag BLOCK_ID change";
        /// Tag list of the wrong format.
        SYSTEM_TAG_FORMAT_MISMATCH = 0x2B, "system tag format mismatch";
        /// MMS: too many addresses.
        NUM_MMS_URI_MISMATCH = 0x2C, "NUM_MMS_URI mismatch";
        /// MMS: address too long.
        MMS_URI_LENGTH_MISMATCH = 0x2D, "MMS_URI_LENGTH mismatch";
        /// MMS: not an address.
        INVALID_MMS_URI = 0x2E, "invalid MMS_URI";
        /// MMSS mode settings (revision D).
        MMSS_FORMAT_MISMATCH = 0x2F, "MMSS mode settings format mismatch";
        /// MMSS location associated list (revision D).
        MLPL_FORMAT_MISMATCH = 0x30, "MLPL format mismatch";
        /// MMSS system priority list (revision D).
        MSPL_FORMAT_MISMATCH = 0x31, "MSPL format mismatch";
        /// MMSS WLAN parameters (revision D).
        WLAN_FORMAT_MISMATCH = 0x32, "MMSS WLAN parameters format mismatch";
    }
}

open_code! {
    /// FEATURE_ID (C.S0016 Table 3.5.1.7-1).
    pub struct Feature(u8) {
        /// NAM download (DATA_P_REV).
        NAM_DOWNLOAD = 0, "NAM download";
        /// Key exchange (A_KEY_P_REV).
        KEY_EXCHANGE = 1, "key exchange";
        /// Preferred roaming list (SSPR_P_REV); listed once per format.
        SSPR = 2, "SSPR";
        /// Service programming lock (SPL_P_REV).
        PROGRAMMING_LOCK = 3, "service programming lock";
        /// Network-initiated sessions (OTAPA_P_REV).
        OTAPA = 4, "OTAPA";
        /// Preferred user zone list.
        PUZL = 5, "PUZL";
        /// Packet data.
        PACKET_DATA = 6, "3GPD";
        /// Encrypted parameters.
        SECURE_MODE = 7, "Secure Mode";
        /// Multimedia domain.
        MMD = 8, "MMD";
        /// System tags.
        SYSTEM_TAG = 9, "system tag";
        /// Multimedia messaging.
        MMS = 10, "MMS";
        /// Multimode system selection (revision D).
        MMSS = 11, "MMSS";
    }
}

open_code! {
    /// CAP_RECORD_TYPE (C.S0016 Table 3.5.1.17.1-1).
    pub struct CapRecord(u8) {
        /// Operating mode information.
        OPERATING_MODE = 0, "operating mode info";
        /// CDMA band classes.
        BAND_CLASS = 1, "CDMA band class info";
        /// The device's MEID, 7 octets as printed (assumed, see DEVIATIONS.md).
        MEID = 2, "MEID";
        /// The card's ICCID.
        ICCID = 3, "ICCID";
        /// The card's extended identity.
        EXT_UIM_ID = 4, "EXT_UIM_ID";
        /// The MEID of the equipment beside a card.
        MEID_ME = 5, "MEID_ME";
    }
}

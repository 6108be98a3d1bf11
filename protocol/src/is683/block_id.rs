//! BLOCK_ID: its meaning depends on the message type; a request and its response number blocks alike.
use super::MsgType;
use crate::wire::open_code;

open_code! {
    /// Blocks of the NAM messages, both directions. 0x05..0x7F and 0xFF are reserved, 0x80..0xFE the manufacturer's.
    pub struct NamBlockId(u8) {
        /// CDMA and analog NAM.
        CDMA_ANALOG_NAM = 0, "CDMA/Analog NAM";
        /// Mobile directory number.
        MDN = 1, "Mobile Directory Number";
        /// CDMA NAM.
        CDMA_NAM = 2, "CDMA NAM";
        /// IMSI_T.
        IMSI_T = 3, "IMSI_T";
        /// IMSI for eHRPD (revision D, DATA_P_REV 3). The number is assumed and the layout unknown, see DEVIATIONS.md.
        EHRPD_IMSI = 4, "eHRPD IMSI";
    }
}

open_code! {
    /// Blocks of the Validation Request and their results.
    pub struct ValidationBlockId(u8) {
        /// Unlock.
        VERIFY_SPC = 0, "Verify SPC";
        /// New code, stored at Commit.
        CHANGE_SPC = 1, "Change SPC";
        /// Network proves itself in a network-initiated session.
        VALIDATE_SPASM = 2, "Validate SPASM";
    }
}

open_code! {
    /// Blocks that an SSPR Configuration Request asks for.
    pub struct SsprConfigurationBlockId(u8) {
        /// Dimensions of a classic list.
        DIMENSIONS = 0, "PRL Dimensions";
        /// A segment of the list.
        PRL = 1, "PRL";
        /// Dimensions of a list of either format.
        EXTENDED_DIMENSIONS = 2, "Extended PRL Dimensions";
    }
}

open_code! {
    /// Blocks of the SSPR Download.
    pub struct SsprDownloadBlockId(u8) {
        /// Segment of a classic list.
        PRL = 0, "PRL";
        /// Segment of an extended list.
        EXTENDED_PRL = 1, "Extended PRL";
    }
}

open_code! {
    /// Blocks of the 3GPD Configuration, reverse numbering.
    pub struct PacketDataConfigurationBlockId(u8) {
        /// What the handset can do.
        OPERATION_CAPABILITY = 0, "3GPD Operation Capability";
        /// SimpleIP, MobileIP or both.
        OPERATION_MODE = 1, "3GPD Operation Mode";
        /// SimpleIP limits.
        SIMPLE_IP_CAPABILITY = 2, "SimpleIP Capability";
        /// MobileIP limits.
        MOBILE_IP_CAPABILITY = 3, "MobileIP Capability";
        /// SimpleIP entries.
        SIMPLE_IP_PROFILE = 4, "SimpleIP User Profile";
        /// MobileIP entries.
        MOBILE_IP_PROFILE = 5, "MobileIP User Profile";
        /// SimpleIP active entry.
        SIMPLE_IP_STATUS = 6, "SimpleIP Status";
        /// MobileIP active entries.
        MOBILE_IP_STATUS = 7, "MobileIP Status";
        /// SimpleIP PAP secrets.
        SIMPLE_IP_PAP_SS = 8, "SimpleIP PAP SS";
        /// SimpleIP CHAP secrets.
        SIMPLE_IP_CHAP_SS = 9, "SimpleIP CHAP SS";
        /// MobileIP secrets.
        MOBILE_IP_SS = 10, "MobileIP SS";
        /// HRPD access authentication limits.
        HRPD_CAPABILITY = 11, "HRPD Access Authentication Capability";
        /// HRPD access authentication entry.
        HRPD_PROFILE = 12, "HRPD Access Authentication User Profile";
        /// HRPD access authentication secret.
        HRPD_CHAP_SS = 13, "HRPD Access Authentication CHAP SS";
    }
}

open_code! {
    /// Blocks of the 3GPD Download, forward numbering (it differs from the configuration's).
    pub struct PacketDataDownloadBlockId(u8) {
        /// SimpleIP, MobileIP or both.
        OPERATION_MODE = 0, "3GPD Operation Mode";
        /// SimpleIP entries.
        SIMPLE_IP_PROFILE = 1, "SimpleIP User Profile";
        /// MobileIP entries.
        MOBILE_IP_PROFILE = 2, "MobileIP User Profile";
        /// SimpleIP active entry.
        SIMPLE_IP_STATUS = 6, "SimpleIP Status";
        /// MobileIP active entries.
        MOBILE_IP_STATUS = 7, "MobileIP Status";
        /// SimpleIP PAP secrets.
        SIMPLE_IP_PAP_SS = 8, "SimpleIP PAP SS";
        /// SimpleIP CHAP secrets.
        SIMPLE_IP_CHAP_SS = 9, "SimpleIP CHAP SS";
        /// MobileIP secrets.
        MOBILE_IP_SS = 10, "MobileIP SS";
        /// HRPD access authentication entry.
        HRPD_PROFILE = 11, "HRPD Access Authentication User Profile";
        /// HRPD access authentication secret.
        HRPD_CHAP_SS = 12, "HRPD Access Authentication CHAP SS";
    }
}

open_code! {
    /// Blocks of the PUZL Configuration.
    pub struct PuzlConfigurationBlockId(u8) {
        /// Sizes.
        DIMENSIONS = 0, "PUZL Dimensions";
        /// Order.
        PRIORITIES = 1, "PUZL Priorities";
        /// One zone.
        USER_ZONE = 2, "User Zone";
        /// The list.
        LIST = 3, "Preferred User Zone List";
    }
}

open_code! {
    /// Blocks of the PUZL Download.
    pub struct PuzlDownloadBlockId(u8) {
        /// Insert a zone.
        INSERT = 0, "User Zone Insert";
        /// Update a zone.
        UPDATE = 1, "User Zone Update";
        /// Delete a zone.
        DELETE = 2, "User Zone Delete";
        /// Change the order.
        PRIORITY = 3, "User Zone Priority Change";
        /// Flags.
        FLAGS = 4, "PUZL Flags";
    }
}

open_code! {
    /// Blocks of the System Tag Configuration.
    pub struct SystemTagConfigurationBlockId(u8) {
        /// Home system tag.
        HOME = 0, "Home System Tag";
        /// Group tag list dimensions.
        GROUP_DIMENSIONS = 1, "Group Tag List Dimensions";
        /// Group tag list.
        GROUP = 2, "Group Tag List";
        /// Specific tag list dimensions.
        SPECIFIC_DIMENSIONS = 3, "Specific Tag List Dimensions";
        /// Specific tag list.
        SPECIFIC = 4, "Specific Tag List";
        /// Call prompt list dimensions.
        PROMPT_DIMENSIONS = 5, "Call Prompt List Dimensions";
        /// Call prompt list.
        PROMPT = 6, "Call Prompt List";
    }
}

open_code! {
    /// Blocks of the System Tag Download.
    pub struct SystemTagDownloadBlockId(u8) {
        /// Home system tag.
        HOME = 0, "Home System Tag";
        /// Group tag list.
        GROUP = 1, "Group Tag List";
        /// Specific tag list.
        SPECIFIC = 2, "Specific Tag List";
        /// Call prompt list.
        PROMPT = 3, "Call Prompt List";
    }
}

open_code! {
    /// Blocks of the MMS messages; the capability exists in the reverse direction only.
    pub struct MmsBlockId(u8) {
        /// Addresses.
        URI = 0, "MMS URI";
        /// Limits.
        URI_CAPABILITY = 1, "MMS URI Capability";
    }
}

open_code! {
    /// Blocks of the MMSS messages (revision D): one for each result code that blames a block. Numbers assumed from the
    /// order of those codes, layouts unknown, see DEVIATIONS.md.
    pub struct MmssBlockId(u8) {
        /// Mode settings.
        MODE_SETTINGS = 0, "MMSS Mode Settings";
        /// Location associated priority list.
        MLPL = 1, "MLPL";
        /// System priority list.
        MSPL = 2, "MSPL";
        /// WLAN parameters.
        WLAN = 3, "MMSS WLAN Parameters";
    }
}

/// The specification's name of a block of `msg_type`, if it has one.
///
/// Result codes name the block they answer, so a Download Response uses the numbering of its request; a Configuration
/// Request uses the numbering of its response.
pub fn block_name(msg_type: MsgType, id: u8) -> Option<&'static str> {
    match msg_type {
        MsgType::CONFIGURATION | MsgType::DOWNLOAD => NamBlockId(id).name(),
        MsgType::VALIDATION => ValidationBlockId(id).name(),
        MsgType::SSPR_CONFIGURATION => SsprConfigurationBlockId(id).name(),
        MsgType::SSPR_DOWNLOAD => SsprDownloadBlockId(id).name(),
        MsgType::PUZL_CONFIGURATION => PuzlConfigurationBlockId(id).name(),
        MsgType::PUZL_DOWNLOAD => PuzlDownloadBlockId(id).name(),
        MsgType::PACKET_DATA_CONFIGURATION => PacketDataConfigurationBlockId(id).name(),
        MsgType::PACKET_DATA_DOWNLOAD => PacketDataDownloadBlockId(id).name(),
        MsgType::MMD_CONFIGURATION | MsgType::MMD_DOWNLOAD if id == 0 => Some("MMD Application Parameters"),
        MsgType::SYSTEM_TAG_CONFIGURATION => SystemTagConfigurationBlockId(id).name(),
        MsgType::SYSTEM_TAG_DOWNLOAD => SystemTagDownloadBlockId(id).name(),
        MsgType::MMS_CONFIGURATION | MsgType::MMS_DOWNLOAD => MmsBlockId(id).name(),
        MsgType::MMSS_CONFIGURATION | MsgType::MMSS_DOWNLOAD => MmssBlockId(id).name(),
        _ => None,
    }
}

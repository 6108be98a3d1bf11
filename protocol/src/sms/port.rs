use crate::wire::open_code;

open_code! {
    /// A port of the wireless datagram protocol (`wap-push.md` section 6).
    pub struct Port(u16) {
        /// Connectionless WSP push.
        PUSH = 2948, "push";
        /// The same over WTLS.
        SECURE_PUSH = 2949, "secure push";
        /// Connectionless WSP; where most pushes come from.
        WSP = 9200, "WSP";
        /// Connection-oriented WSP.
        WSP_SESSION = 9201, "WSP session";
        /// Connectionless WSP over WTLS.
        SECURE_WSP = 9202, "secure WSP";
        /// Connection-oriented WSP over WTLS.
        SECURE_WSP_SESSION = 9203, "secure WSP session";
        /// Access point settings in the form that preceded OMA client provisioning.
        OTA_SETTINGS = 49999, "OTA settings";
        /// Synchronisation settings in that form.
        OTA_SYNC_SETTINGS = 49996, "OTA sync settings";
    }
}

/// Where a datagram goes and where it says it comes from. The source is not checked by anyone: real senders use many.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ports {
    /// The receiving application.
    pub destination: Port,
    /// The sending application.
    pub source: Port,
}

impl Ports {
    /// What almost every push uses: from 9200 to 2948.
    pub const PUSH: Self = Self { destination: Port::PUSH, source: Port::WSP };
}

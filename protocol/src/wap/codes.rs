//! The assigned numbers of WSP that this project needs (`wap-push.md` sections 2 to 4).

use crate::wire::open_code;

open_code! {
    /// A well-known media type.
    pub struct MediaCode(u32) {
        /// Several parts, each for itself, in WSP's own framing.
        MULTIPART_MIXED = 0x23, "application/vnd.wap.multipart.mixed";
        /// The fields of a form, in WSP's own framing.
        MULTIPART_FORM_DATA = 0x24, "application/vnd.wap.multipart.form-data";
        /// The same content in several forms, in WSP's own framing.
        MULTIPART_ALTERNATIVE = 0x26, "application/vnd.wap.multipart.alternative";
        /// Service indication as XML.
        SI_XML = 0x2D, "text/vnd.wap.si";
        /// Service indication as WBXML.
        SI = 0x2E, "application/vnd.wap.sic";
        /// Service loading as XML.
        SL_XML = 0x2F, "text/vnd.wap.sl";
        /// Service loading as WBXML.
        SL = 0x30, "application/vnd.wap.slc";
        /// Cache operation as XML.
        CO_XML = 0x31, "text/vnd.wap.co";
        /// Cache operation as WBXML.
        CO = 0x32, "application/vnd.wap.coc";
        /// Several parts that belong together, in WSP's own framing.
        MULTIPART_RELATED = 0x33, "application/vnd.wap.multipart.related";
        /// Session initiation application.
        SIA = 0x34, "application/vnd.wap.sia";
        /// Client provisioning document as XML.
        CONNECTIVITY_XML = 0x35, "text/vnd.wap.connectivity-xml";
        /// Client provisioning document as WBXML.
        CONNECTIVITY = 0x36, "application/vnd.wap.connectivity-wbxml";
        /// Multimedia message notification.
        MMS = 0x3E, "application/vnd.wap.mms-message";
        /// OMA DM message as WBXML.
        DM = 0x42, "application/vnd.syncml.dm+wbxml";
        /// OMA DM message as XML.
        DM_XML = 0x43, "application/vnd.syncml.dm+xml";
        /// OMA DM or data sync notification.
        DM_NOTIFICATION = 0x44, "application/vnd.syncml.notification";
        /// Rights object as XML.
        RIGHTS_XML = 0x4A, "application/vnd.oma.drm.rights+xml";
        /// Rights object as WBXML.
        RIGHTS = 0x4B, "application/vnd.oma.drm.rights+wbxml";
        /// Predecessor of the IOTA documents.
        PHONECOM_MMC = 0x020A, "application/vnd.phonecom.mmc-wbxml";
        /// E-mail notification as WBXML.
        EMN = 0x030A, "application/vnd.wap.emn+wbxml";
        /// MMC document as WBXML.
        MMC = 0x0300, "application/iota.mmc-wbxml";
        /// MMC document as XML.
        MMC_XML = 0x0301, "application/iota.mmc-xml";
    }
}

/// The media types of [`super::Multipart`]. The codes of all but the related one are from memory; tshark names them the same.
pub const MULTIPARTS: [MediaCode; 4] = [
    MediaCode::MULTIPART_MIXED,
    MediaCode::MULTIPART_RELATED,
    MediaCode::MULTIPART_FORM_DATA,
    MediaCode::MULTIPART_ALTERNATIVE,
];

open_code! {
    /// A well-known header name, without the high bit that marks it on the wire.
    pub struct HeaderCode(u8) {
        /// Octets in the body.
        CONTENT_LENGTH = 0x0D, "Content-Length";
        /// Where the body came from.
        CONTENT_LOCATION = 0x0E, "Content-Location";
        /// When the message was made.
        DATE = 0x12, "Date";
        /// When the body becomes stale.
        EXPIRES = 0x14, "Expires";
        /// The origin server.
        HOST = 0x16, "Host";
        /// Which application the push is for.
        APPLICATION_ID = 0x2F, "X-Wap-Application-Id";
        /// What the push is about.
        CONTENT_URI = 0x30, "X-Wap-Content-URI";
        /// Who started the push.
        INITIATOR_URI = 0x31, "X-Wap-Initiator-URI";
        /// What the gateway vouches for.
        PUSH_FLAG = 0x34, "Push-Flag";
        /// Whether the gateway wants the time of day.
        TOD = 0x3F, "X-Wap-Tod";
        /// Which version of the header codes is in use.
        ENCODING_VERSION = 0x43, "Encoding-Version";
        /// Security hint for the session to come.
        SECURITY = 0x46, "X-WAP-Security";
    }
}

open_code! {
    /// A well-known parameter of a content type.
    pub struct ParameterCode(u8) {
        /// Character set, an IANA number.
        CHARSET = 0x01, "charset";
        /// File name, old form.
        NAME = 0x05, "name";
        /// Type of the root part.
        TYPE = 0x09, "type";
        /// Content-ID of the root part, old form.
        START = 0x0A, "start";
        /// For the root part's application, old form.
        START_INFO = 0x0B, "start-info";
        /// Secure cookie flag.
        SECURE = 0x10, "secure";
        /// Security method of a provisioning document.
        SEC = 0x11, "SEC";
        /// Authenticator of a provisioning document.
        MAC = 0x12, "MAC";
        /// Octets.
        SIZE = 0x16, "size";
        /// File name.
        NAME_TEXT = 0x17, "name";
        /// File name to store under.
        FILENAME = 0x18, "filename";
        /// Content-ID of the root part.
        START_TEXT = 0x19, "start";
        /// For the root part's application.
        START_INFO_TEXT = 0x1A, "start-info";
    }
}

open_code! {
    /// The security method of a client provisioning document (parameter `SEC`).
    pub struct SecurityMethod(u8) {
        /// A key that network and device share.
        NETWPIN = 0, "NETWPIN";
        /// A PIN that the user types.
        USERPIN = 1, "USERPIN";
        /// Both together.
        USERNETWPIN = 2, "USERNETWPIN";
        /// A PIN that carries its own authenticator.
        USERPINMAC = 3, "USERPINMAC";
    }
}

open_code! {
    /// The application a push is addressed to.
    pub struct ApplicationCode(u32) {
        /// Any.
        ANY = 0x00, "x-wap-application:*";
        /// Session initiation.
        SIA = 0x01, "x-wap-application:push.sia";
        /// The browser.
        WML = 0x02, "x-wap-application:wml.ua";
        /// Multimedia messages.
        MMS = 0x04, "x-wap-application:mms.ua";
        /// Data synchronisation.
        SYNCML = 0x05, "x-wap-application:push.syncml";
        /// Device management.
        SYNCML_DM = 0x07, "x-wap-application:syncml.dm";
        /// Rights objects.
        DRM = 0x08, "x-wap-application:drm.ua";
        /// Mail notification.
        EMN = 0x09, "x-wap-application:emn.ua";
        /// Motorola's provisioning.
        MOTOROLA_OTAPROV = 0x8007, "x-motorola:otaprov.ua";
        /// IOTA.
        IOTA = 0x8010, "x-wap-openwave:iota.ua";
        /// NEC's provisioning.
        NEC_OTAPROV = 0x9001, "x-oma-nec:otaprov.ua";
    }
}

/// The text that phones of one maker use instead of [`ApplicationCode::IOTA`] (`iota.md` A2).
pub const IOTA_TEXT: &str = "x-wap-application:iota.ua";

//! Which errors of a service mean that the subscriber does not have it.
//!
//! An activation that nobody needs costs the user time, and perhaps money: only an error that speaks of the subscription
//! counts. What may mean anything else too (an HTTP 403 of some web site, a wrong password of Mobile IP, no service) does not,
//! even if it may mean this as well.

use core::fmt;

use super::Feature;

/// Who says it: the numbers of each are its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Service {
    /// The device itself: 0, it has no settings for the feature.
    Local,
    /// The operator's gateway, with codes of its own: those of [`super::GATEWAY_ERRORS`].
    Gateway,
    /// HTTP status.
    Http,
    /// WSP status (`wap-push.md` section 1 and what it refers to).
    Wsp,
    /// `X-Mms-Response-Status` of M-Send.conf.
    Mms,
    /// `SMS_CauseCode` of ANSI-41, in a CDMA SMS acknowledgement.
    AnsiSms,
    /// RP-Cause of a GSM short message.
    GsmSms,
    /// SM cause of a packet data context that was refused.
    GsmPacket,
    /// Code of a Mobile IP registration reply.
    MobileIp,
    /// SIP status of a REGISTER.
    SipRegister,
}

/// What a service has answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ServiceError {
    /// Who says it.
    pub service: Service,
    /// Its number.
    pub code: u16,
}

impl fmt::Display for ServiceError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?} {}", self.service, self.code)
    }
}

/// The errors that speak of the subscription, and the features that they are about.
///
/// The numbers are those of the standards named here, from memory, as none of them is among the project's facts: 3GPP TS 24.008
/// 10.5.6.6 cause 33, TS 24.011 8.2.5.4 cause 50, TIA-41 `SMS_CauseCode` 97 (origination denied), OMA-MMS-ENC statuses 130 and
/// 225 (service denied, for now and for good), RFC 3261 10.3 statuses 403 and 404 (steps 3 and 5).
pub const NOT_PROVISIONED: [(Service, u16, &[Feature]); 8] = [
    (Service::Local, 0, &Feature::ALL),
    (
        Service::GsmPacket,
        33,
        &[Feature::MobileWeb, Feature::PictureMessaging, Feature::VideoMessaging, Feature::Touch2Talk],
    ),
    (Service::GsmSms, 50, &[Feature::TextMessaging]),
    (Service::AnsiSms, 97, &[Feature::TextMessaging]),
    (Service::Mms, 130, &[Feature::PictureMessaging, Feature::VideoMessaging]),
    (Service::Mms, 225, &[Feature::PictureMessaging, Feature::VideoMessaging]),
    (Service::SipRegister, 403, &[Feature::Touch2Talk]),
    (Service::SipRegister, 404, &[Feature::Touch2Talk]),
];

/// Whether the error means that the user does not have the feature. `gateway` is the value of [`super::GATEWAY_ERRORS`].
pub fn is_not_provisioned(feature: Feature, error: ServiceError, gateway: &str) -> bool {
    let ServiceError { service, code } = error;
    if service == Service::Gateway {
        return gateway.split_ascii_whitespace().any(|known| known.parse() == Ok(code));
    }
    let mut rows = NOT_PROVISIONED.iter();
    rows.any(|(who, number, features)| *who == service && *number == code && features.contains(&feature))
}

#[cfg(test)]
mod tests {
    use super::*;

    const SERVICES: [Service; 10] = [
        Service::Local,
        Service::Gateway,
        Service::Http,
        Service::Wsp,
        Service::Mms,
        Service::AnsiSms,
        Service::GsmSms,
        Service::GsmPacket,
        Service::MobileIp,
        Service::SipRegister,
    ];

    /// Every code of every service, for every feature: those of the table and no other.
    #[test]
    fn no_other_error_begins_an_activation() {
        let rows: usize = NOT_PROVISIONED.iter().map(|(_, _, features)| features.len()).sum();
        let (mut found, mut looked_at) = (0, 0_u32);
        for feature in Feature::ALL {
            for service in SERVICES {
                for code in 0..=u16::MAX {
                    let error = ServiceError { service, code };
                    found += usize::from(is_not_provisioned(feature, error, ""));
                    looked_at += 1;
                }
            }
        }
        assert_eq!((found, looked_at), (rows, 5 * 10 * 65536));
        std::println!("service errors: {rows} of {looked_at} combinations begin an activation");
    }

    #[test]
    fn the_gateway_has_codes_of_its_own() {
        let gateway = |code, known| {
            is_not_provisioned(Feature::MobileWeb, ServiceError { service: Service::Gateway, code }, known)
        };
        assert!(gateway(4031, "4031 4032") && gateway(4032, " 4031  4032 "));
        assert!(!gateway(403, "4031 4032") && !gateway(4031, "") && !gateway(0, "x"));
    }
}

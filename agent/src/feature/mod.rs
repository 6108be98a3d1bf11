//! Features that the user activates himself: which there are, and which service errors mean that one is not activated yet.
//!
//! ```text
//! feature opened ─► service error ─► told apart ─► "activate it?" ─ no ─► nothing is sent
//!                                                        │ yes: kept in the store
//!    data call with the provisioning NAI ◄───────────────┘
//!      GET bootstrap URL, hardware identity ─► terms (page) ─► legal terms (page) ─► result: code, page, settings
//!      one commit: settings, the feature's NAI ─► data call with that NAI ─► told to the user
//! ```
//! The flow is `feature-activation`; the numbers of its steps stand beside what does them. What the network answers last has
//! the header [`RESULT`] with a code, 0 for success. With it come, in any of the codings of the dispatcher, alone or in a
//! multipart: a provisioning document, whose access point has the new NAI, and a page for the user. Everything else that has
//! status 200 is a page, which the browser shows; each URL must be in the trusted domain.
//!
//! [`Agent::service_failed`](crate::agent::Agent::service_failed) is where it begins.

mod error;

pub use error::{NOT_PROVISIONED, Service, ServiceError, is_not_provisioned};
use kedge_protocol::cp::model::AppId;

/// The header of the last answer: a decimal code, 0 for success.
pub const RESULT: &str = "X-Kedge-Result";

/// The object with the codes of the operator's gateway that mean "not provisioned": decimal numbers, with spaces between.
pub const GATEWAY_ERRORS: &str = "x/kedge/gateway-errors";

/// A feature.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Feature {
    /// The browser.
    MobileWeb = 0,
    /// Short messages.
    TextMessaging = 1,
    /// Multimedia messages with pictures.
    PictureMessaging = 2,
    /// Multimedia messages with films.
    VideoMessaging = 3,
    /// Push to talk.
    Touch2Talk = 4,
}

impl Feature {
    /// All of them, in the order of their numbers.
    pub const ALL: [Self; 5] = [
        Self::MobileWeb,
        Self::TextMessaging,
        Self::PictureMessaging,
        Self::VideoMessaging,
        Self::Touch2Talk,
    ];

    /// The feature with this number in a record.
    pub fn from_number(number: u8) -> Option<Self> {
        Self::ALL.into_iter().find(|feature| *feature as u8 == number)
    }

    /// Its name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::MobileWeb => "mobile-web",
            Self::TextMessaging => "text-messaging",
            Self::PictureMessaging => "picture-messaging",
            Self::VideoMessaging => "video-messaging",
            Self::Touch2Talk => "touch2talk",
        }
    }

    /// The object with the URL at which its activation begins.
    pub const fn bootstrap(self) -> &'static str {
        match self {
            Self::MobileWeb => "x/kedge/mobile-web-url",
            Self::TextMessaging => "x/kedge/text-messaging-url",
            Self::PictureMessaging => "x/kedge/picture-messaging-url",
            Self::VideoMessaging => "x/kedge/video-messaging-url",
            Self::Touch2Talk => "x/kedge/touch2talk-url",
        }
    }

    /// The application of client provisioning that it is; short messages have none.
    pub fn application(self) -> Option<AppId<'static>> {
        match self {
            Self::MobileWeb => Some(AppId::BROWSER),
            Self::TextMessaging => None,
            Self::PictureMessaging | Self::VideoMessaging => Some(AppId::MMS),
            Self::Touch2Talk => Some(AppId::PUSH_TO_TALK),
        }
    }
}

impl core::fmt::Display for Feature {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::objects::{Access, Object};

    #[test]
    fn every_feature_has_its_number_and_a_url_that_the_network_may_set() {
        for (number, feature) in (0..).zip(Feature::ALL) {
            assert_eq!(Feature::from_number(number), Some(feature));
            let object = Object::find(feature.bootstrap(), &[]).expect("it is kept");
            assert_eq!(object.access(), Access::RW);
            assert!(feature.bootstrap().contains(feature.name()));
        }
        assert_eq!(Feature::from_number(5), None);
        assert!(Object::find(GATEWAY_ERRORS, &[]).is_some());
    }
}

//! What messages and happenings are about, and what that means in plain words: one table for all flows.
//!
//! A meaning is what the sender does; it reads on from the sender's name.

use kedge_agent::trigger::Kind;
use kedge_protocol::iota::mmc::Verb;
use kedge_protocol::is683::{Direction, MsgType};

/// What something is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Topic<'a> {
    /// A session is asked for.
    Trigger(Kind),
    /// The data call.
    CallOpened,
    CallClosed,
    /// The first GET of a session, for this reason.
    Get(Kind),
    /// The GET that follows a redirect.
    Follow,
    /// A POST without a document that can be read.
    Post,
    Redirect,
    /// The server ends the session without a word: 204 or an empty 200.
    Nothing,
    /// Another HTTP status.
    Status,
    /// A command of an MMC document and its object; no object: empty.
    Ask(Verb, &'a str),
    /// The result of such a command.
    Told(Verb, &'a str),
    Is683(Direction, MsgType),
    /// A short message: a text, a segment of a push, the last segment of one.
    Text,
    Segment,
    PushWhole,
    /// A short message that is not taken.
    OddMessage,
    /// An OTASP call by the user, a conversation by data bursts, and the end of either.
    CallBegun,
    BurstsBegun,
    OtaspEnded,
    PackageAsked,
    /// The package from its beginning, and a later part of it.
    PackageWhole,
    PackageRest,
    Verified,
    Refused,
    Prompt(Shown),
    CommittedIs683,
    CommittedObjects,
    RestartForSettings,
    RestartIntoUpdateAgent,
    Registered,
    ReportQueued,
    Reported,
    /// Client provisioning.
    Settings,
    /// A feature is opened and does not work.
    FeatureOpened,
    /// A page is asked for, comes, and is shown; a link of it is followed.
    PageAsked,
    PageSent,
    PageShown,
    LinkFollowed,
    /// The last answer of an activation, and the feature in use.
    FeatureResult,
    FeatureActive,
}

/// What is shown to the user.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Shown {
    Notice,
    Confirm,
    Install,
    Notes,
    Disclaimer,
    NoUpdate,
    /// The update could not be taken.
    UpdateRefused,
    Activated,
    Failed,
    EnterPin,
    ApplySettings,
    SettingsApplied,
    SettingsRefused,
    ActivateFeature,
    FeatureActive,
    FeatureFailed,
}

impl Shown {
    /// Whether the user's answer counts.
    pub(super) const fn is_question(self) -> bool {
        matches!(
            self,
            Self::Confirm
                | Self::Install
                | Self::Notes
                | Self::Disclaimer
                | Self::EnterPin
                | Self::ApplySettings
                | Self::ActivateFeature
        )
    }
}

const FORWARD: Direction = Direction::Forward;
const REVERSE: Direction = Direction::Reverse;

const MEANINGS: &[(Topic<'static>, &str)] = &[
    (Topic::Trigger(Kind::Activation), "presses the activation button"),
    (Topic::Trigger(Kind::UpdateCheck), "asks for a software update"),
    (Topic::Trigger(Kind::Push), "sends a push message"),
    (Topic::Trigger(Kind::Status), "has the result of an update to report"),
    (Topic::CallOpened, "opens a data call"),
    (Topic::CallClosed, "releases the data call"),
    (Topic::Get(Kind::Activation), "asks to be activated, and says which device it is"),
    (Topic::Get(Kind::UpdateCheck), "asks for an update, and says which device it is"),
    (Topic::Get(Kind::Push), "follows the push, and says which device it is"),
    (Topic::Get(Kind::Status), "comes back to report the result"),
    (Topic::Follow, "goes to the pending transaction"),
    (Topic::Post, "answers"),
    (Topic::Redirect, "points to the pending transaction"),
    (Topic::Nothing, "has nothing more to say"),
    (Topic::Is683(FORWARD, MsgType::PROTOCOL_CAPABILITY), "asks what the handset can do"),
    (Topic::Is683(REVERSE, MsgType::PROTOCOL_CAPABILITY), "tells what it can do"),
    (Topic::Is683(REVERSE, MsgType::EXTENDED_PROTOCOL_CAPABILITY), "tells what it can do, and its MEID"),
    (Topic::Is683(FORWARD, MsgType::VALIDATION), "gives the service programming code"),
    (Topic::Is683(REVERSE, MsgType::VALIDATION), "accepts the service programming code"),
    (Topic::Is683(FORWARD, MsgType::CONFIGURATION), "asks for the number assignment"),
    (Topic::Is683(REVERSE, MsgType::CONFIGURATION), "tells its number assignment"),
    (Topic::Is683(FORWARD, MsgType::DOWNLOAD), "sends the number assignment (NAM)"),
    (Topic::Is683(REVERSE, MsgType::DOWNLOAD), "has checked and staged the number assignment"),
    (Topic::Is683(FORWARD, MsgType::SSPR_CONFIGURATION), "asks which roaming list (PRL) there is"),
    (Topic::Is683(REVERSE, MsgType::SSPR_CONFIGURATION), "tells which roaming list it has"),
    (Topic::Is683(FORWARD, MsgType::SSPR_DOWNLOAD), "sends a segment of the roaming list (PRL)"),
    (Topic::Is683(REVERSE, MsgType::SSPR_DOWNLOAD), "has staged the segment"),
    (Topic::Is683(FORWARD, MsgType::PACKET_DATA_DOWNLOAD), "sends packet data settings (3GPD)"),
    (Topic::Is683(REVERSE, MsgType::PACKET_DATA_DOWNLOAD), "has staged the packet data settings"),
    (Topic::Is683(FORWARD, MsgType::PUZL_DOWNLOAD), "sends user zones (PUZL)"),
    (Topic::Is683(REVERSE, MsgType::PUZL_DOWNLOAD), "has staged the user zones"),
    (Topic::Is683(FORWARD, MsgType::COMMIT), "orders to make all of it permanent"),
    (Topic::Is683(REVERSE, MsgType::COMMIT), "has made all of it permanent"),
    (Topic::Ask(Verb::Read, "dev/mmv"), "asks for make, model and version"),
    (Topic::Told(Verb::Read, "dev/mmv"), "tells make, model and version"),
    (Topic::Ask(Verb::Read, "dev/esn"), "asks for the ESN"),
    (Topic::Told(Verb::Read, "dev/esn"), "tells its ESN"),
    (Topic::Ask(Verb::Read, "dev/meid"), "asks for the MEID"),
    (Topic::Told(Verb::Read, "dev/meid"), "tells its MEID"),
    (Topic::Ask(Verb::Write, "fota/package-url"), "says where the package is"),
    (Topic::Told(Verb::Write, "fota/package-url"), "has noted where the package is"),
    (Topic::Ask(Verb::Exec, "fota/download"), "orders the download"),
    (Topic::Told(Verb::Exec, "fota/download"), "has downloaded and verified the package"),
    (Topic::Ask(Verb::Write, "fota/status-url"), "says where to report the final status"),
    (Topic::Told(Verb::Write, "fota/status-url"), "has noted where to report"),
    (Topic::Ask(Verb::Exec, "fota/install"), "orders the installation"),
    (Topic::Told(Verb::Exec, "fota/install"), "will install it after the session"),
    (Topic::Ask(Verb::Read, "fota/state"), "asks how the update ended"),
    (Topic::Told(Verb::Read, "fota/state"), "tells the final state"),
    (Topic::Ask(Verb::Commit, ""), "orders to make it permanent"),
    (Topic::Told(Verb::Commit, ""), "has made it permanent"),
    (Topic::Ask(Verb::Display, ""), "has a text for the user"),
    (Topic::Told(Verb::Display, ""), "has shown the text"),
    (Topic::Ask(Verb::Display, "confirm"), "has a question for the user"),
    (Topic::Told(Verb::Display, "confirm"), "says that the user agrees"),
    (Topic::Ask(Verb::Disconnect, ""), "ends the session"),
    (Topic::Trigger(Kind::Invited), "sends the push message that the user waits for"),
    (Topic::Get(Kind::Invited), "follows the push, and says which device it is"),
    (Topic::Is683(FORWARD, MsgType::OTAPA), "begins or ends parameter administration (OTAPA)"),
    (Topic::Is683(REVERSE, MsgType::OTAPA), "goes along"),
    (Topic::Ask(Verb::Write, "phn/brew-url"), "writes the BREW URL"),
    (Topic::Told(Verb::Write, "phn/brew-url"), "has staged the BREW URL"),
    (Topic::Text, "sends a text"),
    (Topic::Segment, "sends a segment of a push message"),
    (Topic::PushWhole, "sends the last segment of a push message"),
    (Topic::OddMessage, "sends a short message that is not taken"),
    (Topic::CallBegun, "dials the star code"),
    (Topic::BurstsBegun, "begins to send data bursts"),
    (Topic::OtaspEnded, "releases the call"),
    (Topic::PackageAsked, "asks for the package"),
    (Topic::PackageWhole, "sends the package from its beginning"),
    (Topic::PackageRest, "sends the rest of the package"),
    (Topic::Verified, "signature, hashes and fit of the package are right"),
    (Topic::FeatureOpened, "opens a feature"),
    (Topic::PageAsked, "asks for a page, and says which device it is"),
    (Topic::PageSent, "sends a page"),
    (Topic::PageShown, "shows the page"),
    (Topic::LinkFollowed, "follows the link"),
    (Topic::FeatureResult, "tells how it ended"),
    (Topic::FeatureActive, "uses the feature with its own NAI"),
    (Topic::Prompt(Shown::ActivateFeature), "asks whether to activate"),
    (Topic::Prompt(Shown::FeatureActive), "tells the user that he can use"),
    (Topic::Prompt(Shown::FeatureFailed), "tells the user that it was not activated:"),
    (Topic::Prompt(Shown::Notice), "shows"),
    (Topic::Prompt(Shown::Confirm), "asks"),
    (Topic::Prompt(Shown::Install), "asks whether to install version"),
    (Topic::Prompt(Shown::Notes), "shows what the update brings, asks to go on"),
    (
        Topic::Prompt(Shown::Disclaimer),
        "warns that it cannot be used, not even for emergency calls; asks to go on",
    ),
    (Topic::Prompt(Shown::NoUpdate), "says that there is no update"),
    (Topic::Prompt(Shown::UpdateRefused), "says that the update could not be taken"),
    (Topic::Prompt(Shown::Activated), "says that it is activated"),
    (Topic::Prompt(Shown::Failed), "says that it failed"),
    (Topic::Prompt(Shown::EnterPin), "asks for the PIN of settings"),
    (Topic::Prompt(Shown::ApplySettings), "asks whether to apply settings"),
    (Topic::Prompt(Shown::SettingsApplied), "says that the settings are in use"),
    (Topic::Prompt(Shown::SettingsRefused), "says that the settings were dropped"),
    (Topic::CommittedIs683, "number assignment and roaming list are permanent now, together"),
    (Topic::CommittedObjects, "the written objects are permanent now"),
    (Topic::RestartForSettings, "restarts with the new settings"),
    (Topic::RestartIntoUpdateAgent, "restarts into the update agent"),
    (Topic::Registered, "registers with its new number assignment"),
    (Topic::ReportQueued, "keeps the result until it is reported"),
    (Topic::Reported, "the result is reported, once"),
];

impl Topic<'_> {
    /// What it means; of what is not in the table, its name in the protocol.
    pub(super) fn meaning(self) -> String {
        if let Some((_, meaning)) = MEANINGS.iter().find(|(topic, _)| *topic == self) {
            return (*meaning).into();
        }
        match self {
            Self::Ask(verb, "") => format!("commands: {verb}"),
            Self::Ask(verb, object) => format!("commands: {verb} {object}"),
            Self::Told(verb, "") => format!("has done: {verb}"),
            Self::Told(verb, object) => format!("has done: {verb} {object}"),
            Self::Is683(direction, message) => format!("sends IS-683 {message} {}", direction.suffix()),
            other => format!("{other:?}"),
        }
    }
}

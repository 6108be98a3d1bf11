//! Everything that happens, as one typed stream: log, transcript, progress bars and diagrams are all made from it.
//!
//! Events borrow what they show, so emitting one costs no memory. Secrets are never in them; what the network sends and gets
//! is, because QA must see the wire: a log meant for the field leaves `body` out.

use core::time::Duration;

use kedge_platform::power::Restart;
use kedge_platform::radio::RadioError;
use kedge_platform::ui::{Answer, Page, Prompt};
use kedge_protocol::cp::Fault;
use kedge_protocol::cp::security::{Denied, Proof};
use kedge_protocol::iota::{EndReason, ResultCode};
use kedge_protocol::is683::engine::Mode;
use kedge_protocol::wap::{Invalidation, Signal};

use crate::agent::{Bearer, Contents, Unusable};
use crate::dispatch::{Origin, Refusal};
use crate::feature::{Feature, ServiceError};
use crate::license::LicenseEvent;
use crate::store::Opened;
use crate::trigger::{Accepted, Kind};

/// Where events go.
pub trait Events {
    /// Takes one event, which happened at uptime `now`.
    fn event(&mut self, now: Duration, event: &Event<'_>);
}

/// For callers that want none.
impl Events for () {
    fn event(&mut self, _: Duration, _: &Event<'_>) {}
}

/// What was committed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Committed {
    /// NAM, PRL and the like, by an IS-683 Commit Request.
    Is683,
    /// MMC objects, by an MMC commit.
    Objects,
    /// Settings of client provisioning, by the user's consent.
    Settings,
}

/// Why an HTTP exchange failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum LinkError {
    /// No connection, or it broke.
    Broken,
    /// No answer in time.
    TimedOut,
    /// The answer or a part of it is larger than its limit; it was not read.
    TooLarge,
    /// The agent did not want the rest of the answer.
    Abandoned,
}

/// Why a notification starts no management session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum NotNotified {
    /// The agent has no device management.
    Unmanaged,
    /// It is malformed.
    Malformed(kedge_protocol::wire::Error),
    /// It is a replay, or one of too many.
    Dropped(kedge_protocol::dm::notification::Dropped),
    /// A management session is being held.
    Busy,
    /// No account with a password is that server's.
    UnknownServer,
    /// The server's password and nonce do not prove it.
    Unproven,
}

/// What happened.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub enum Event<'a> {
    /// The agent started.
    Started {
        /// What the store held.
        store: Opened,
    },
    /// A trigger arrived.
    Triggered {
        /// Why a session is wanted.
        kind: Kind,
        /// Where it would start.
        url: &'a str,
        /// What became of it.
        accepted: Accepted,
    },
    /// A short message arrived.
    ShortMessage {
        /// From which kind of network.
        bearer: Bearer,
        /// The message.
        octets: &'a [u8],
        /// What it held, or why it led to nothing.
        contents: Result<Contents<'a>, Unusable>,
    },
    /// An OTASP call or a conversation by data bursts begins.
    OtaspBegun(Mode),
    /// It has ended.
    OtaspEnded {
        /// Something was committed in it.
        committed: bool,
    },
    /// Content arrived that is not handled.
    ContentRefused {
        /// Its media type.
        media_type: &'a str,
        /// How it came.
        origin: Origin,
        /// Why.
        why: Refusal,
    },
    /// Content of a known type is malformed.
    ContentMalformed {
        /// Its media type.
        media_type: &'a str,
        /// What is wrong, at which octet.
        error: kedge_protocol::wire::Error,
    },
    /// A service indication is about to be put to the user, as [`kedge_platform::ui::Prompt::Confirm`]: when it may interrupt him, and
    /// whether it may sound, is the device's to follow.
    Indicated {
        /// How it wants to be announced.
        signal: Signal,
        /// It takes the place of one that came before.
        replaces: bool,
    },
    /// A push says that there is new mail in this mailbox: for the device's mail program.
    MailArrived {
        /// The mailbox, as a URL.
        mailbox: &'a str,
    },
    /// A push says what of the browser's cache is out of date.
    CacheOutOfDate(Invalidation<'a>),
    /// A provisioning document is refused; nothing of it was kept.
    SettingsRefused(Fault),
    /// A provisioning document is in the store, and waits for the user.
    SettingsWaiting {
        /// How many objects it has.
        objects: usize,
    },
    /// The sender of the document that waits is proved, or not.
    SettingsProved(Result<Proof, Denied>),
    /// The data call was opened, or not.
    DataCall(Result<(), RadioError>),
    /// The data call was closed.
    DataCallClosed,
    /// A session begins.
    SessionStarted {
        /// Why it is held.
        kind: Kind,
        /// Where it starts.
        url: &'a str,
    },
    /// A request goes to the network.
    Request {
        /// `GET` or `POST`.
        method: &'static str,
        /// Absolute URL.
        url: &'a str,
        /// Header names and values.
        headers: &'a [(&'a str, &'a str)],
        /// The body.
        body: &'a [u8],
    },
    /// The network answered. Bodies of packages are not shown.
    Reply {
        /// HTTP status.
        status: u16,
        /// Its media type with parameters; empty: none.
        content_type: &'a str,
        /// The new URL of a redirect; empty: none.
        location: &'a str,
        /// The body.
        body: &'a [u8],
    },
    /// An exchange failed, or the agent abandoned it.
    LinkDown(LinkError),
    /// An MMC command was executed.
    Command {
        /// Its number in the document.
        id: u16,
        /// Its name.
        verb: &'static str,
        /// Its object; empty: none.
        object: &'a str,
        /// The result.
        code: ResultCode,
    },
    /// An IS-683 message was processed.
    Is683 {
        /// From the network.
        forward: &'a [u8],
        /// The answer; `None`: undecodable, no answer exists.
        reverse: Option<&'a [u8]>,
    },
    /// Staged data is now permanent.
    Committed(Committed),
    /// A session ended.
    SessionEnded {
        /// Why.
        reason: EndReason,
        /// HTTP status or MMC code behind it.
        error: u16,
    },
    /// The session will be started again after this time.
    RetryIn(Duration),
    /// The agent gave up on a session until it is triggered again.
    GaveUp {
        /// Why the last try ended.
        reason: EndReason,
        /// HTTP status or MMC code behind it.
        error: u16,
    },
    /// A descriptor of a package came.
    Descriptor {
        /// The document.
        body: &'a [u8],
    },
    /// A package download progresses.
    Downloading {
        /// Octets in flash.
        have: u32,
        /// Octets in all.
        total: u32,
    },
    /// The server does not resume: the download starts at its beginning.
    DownloadRestarted,
    /// The package is complete, and its signature, hashes and fit are verified.
    PackageVerified {
        /// The version it leads to.
        version: &'a str,
        /// Its length in octets.
        len: u32,
    },
    /// The package was refused before anything was erased.
    PackageRefused(kedge_update_agent::Refusal),
    /// A feature that the user opened does not work.
    ServiceFailed {
        /// The feature.
        feature: Feature,
        /// What its service says.
        error: ServiceError,
        /// What becomes of it; `None`: it is another error than that the user does not have the feature.
        accepted: Option<Accepted>,
    },
    /// A page of an activation is shown.
    PageShown(Page<'a>),
    /// The user follows this link of it.
    LinkFollowed(&'a str),
    /// The network has told how an activation ended.
    FeatureResult {
        /// The feature.
        feature: Feature,
        /// 0: success.
        code: u16,
    },
    /// A feature is in use with its new NAI.
    FeatureActive(Feature),
    /// The user is shown or asked something.
    Prompted(Prompt<'a>),
    /// The user's answer.
    Answered(Answer),
    /// The radio has registered with the committed assignment, or not.
    Registered(Result<(), RadioError>),
    /// A result entered the outbox.
    ReportQueued {
        /// `fota/state`.
        state: u8,
    },
    /// A result was reported, and is no longer in the outbox.
    Reported {
        /// `fota/state`.
        state: u8,
    },
    /// A management server asks for a session, and has proved itself.
    Notified {
        /// Its ServerID.
        server: &'a str,
        /// The number of the session.
        session: u16,
    },
    /// A notification starts no session.
    NotNotified(NotNotified),
    /// A bootstrap by the DM profile has brought the account of this management server.
    Bootstrapped {
        /// Its ServerID.
        server: &'a str,
    },
    /// A management session begins.
    ManagementStarted {
        /// The ServerID of the server.
        server: &'a str,
        /// The number of the session.
        session: u16,
        /// The server has asked for it.
        notified: bool,
    },
    /// No session can be held: there is no account for the server.
    ManagementImpossible {
        /// Its ServerID; empty: there is no account at all.
        server: &'a str,
    },
    /// A management session ended.
    ManagementEnded(kedge_protocol::dm::session::End),
    /// The firmware update object is now in this state.
    Operation(kedge_protocol::fumo::State),
    /// An operation of the firmware update object has ended; its server is to be told.
    AlertQueued(kedge_protocol::fumo::ResultCode),
    /// An operation of the software component object has ended; its server is to be told.
    ComponentQueued(kedge_protocol::scomo::ResultCode),
    /// A server was told of an event; it is not told again.
    AlertDelivered,
    /// Something happened to the license, or for it.
    License(LicenseEvent<'a>),
    /// The device restarts.
    Restarting(Restart),
}

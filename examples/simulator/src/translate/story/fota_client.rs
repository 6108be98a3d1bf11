//! `fota-client`: client-initiated firmware update.

use kedge_agent::trigger::Kind;
use kedge_protocol::iota::mmc::Verb;

use super::Story;
use crate::translate::topic::{Shown, Topic};

pub(super) const STORY: Story = Story {
    flow: "fota-client",
    report: Some("8"),
    passages: &[],
    steps: &[
        (Topic::Trigger(Kind::UpdateCheck), "1"),
        (Topic::CallOpened, "1"),
        (Topic::Get(Kind::UpdateCheck), "1"),
        (Topic::Redirect, "2"),
        (Topic::Follow, "2"),
        (Topic::Ask(Verb::Read, "dev/mmv"), "3"),
        (Topic::Told(Verb::Read, "dev/mmv"), "3"),
        (Topic::Ask(Verb::Write, "fota/package-url"), "4"),
        (Topic::Told(Verb::Write, "fota/package-url"), "4"),
        (Topic::Ask(Verb::Exec, "fota/download"), "4"),
        // No update: a text, or nothing at all.
        (Topic::Ask(Verb::Display, ""), "4"),
        (Topic::Told(Verb::Display, ""), "4"),
        (Topic::Prompt(Shown::Notice), "4"),
        (Topic::Prompt(Shown::NoUpdate), "4"),
        (Topic::Prompt(Shown::UpdateRefused), "6"),
        (Topic::PackageAsked, "5"),
        (Topic::PackageWhole, "5"),
        (Topic::PackageRest, "5"),
        (Topic::Verified, "5"),
        (Topic::Refused, "5"),
        (Topic::Told(Verb::Exec, "fota/download"), "5"),
        (Topic::Ask(Verb::Write, "fota/status-url"), "6"),
        (Topic::Told(Verb::Write, "fota/status-url"), "6"),
        (Topic::Ask(Verb::Disconnect, ""), "6"),
        (Topic::CallClosed, "7"),
        (Topic::Prompt(Shown::Install), "7"),
        (Topic::Prompt(Shown::Notes), "7"),
        (Topic::Prompt(Shown::Disclaimer), "7"),
        (Topic::RestartIntoUpdateAgent, "7"),
        (Topic::Trigger(Kind::Status), "8"),
        (Topic::ReportQueued, "8"),
        (Topic::Reported, "8"),
    ],
};

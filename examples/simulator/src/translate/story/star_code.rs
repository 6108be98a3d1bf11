//! `star-code`: activation that begins with a dialled code.

use kedge_agent::trigger::Kind;
use kedge_protocol::iota::mmc::Verb;
use kedge_protocol::is683::Direction::{Forward, Reverse};
use kedge_protocol::is683::MsgType;

use super::Story;
use crate::translate::topic::{Shown, Topic};

/// The numbers are those of the flow up to its push; what follows is `one-button` from its step 2 on.
pub(super) const STORY: Story = Story {
    flow: "star-code",
    report: None,
    steps: &[
        (Topic::CallBegun, "1"),
        (Topic::Is683(Forward, MsgType::PROTOCOL_CAPABILITY), "1"),
        (Topic::Is683(Reverse, MsgType::PROTOCOL_CAPABILITY), "1"),
        (Topic::OtaspEnded, "1"),
        (Topic::Text, "2"),
        (Topic::Prompt(Shown::Notice), "2"),
        (Topic::Segment, "3"),
        (Topic::PushWhole, "3"),
        (Topic::Trigger(Kind::Invited), "3"),
        (Topic::Prompt(Shown::Confirm), "3"),
        (Topic::CallOpened, "3"),
        (Topic::Get(Kind::Invited), "3"),
        (Topic::Is683(Forward, MsgType::DOWNLOAD), "3"),
        (Topic::Is683(Reverse, MsgType::DOWNLOAD), "3"),
        (Topic::Is683(Forward, MsgType::SSPR_DOWNLOAD), "3"),
        (Topic::Is683(Reverse, MsgType::SSPR_DOWNLOAD), "3"),
        (Topic::Is683(Forward, MsgType::COMMIT), "3"),
        (Topic::CommittedIs683, "3"),
        (Topic::Is683(Reverse, MsgType::COMMIT), "3"),
        (Topic::Ask(Verb::Disconnect, ""), "3"),
        (Topic::CallClosed, "3"),
        (Topic::RestartForSettings, "3"),
        (Topic::Registered, "3"),
        (Topic::Prompt(Shown::Activated), "3"),
    ],
};

//! `prl-update`: the network replaces the roaming list.

use kedge_agent::trigger::Kind;
use kedge_protocol::iota::mmc::Verb;
use kedge_protocol::is683::Direction::{Forward, Reverse};
use kedge_protocol::is683::MsgType;

use super::Story;
use crate::translate::topic::Topic;

pub(super) const STORY: Story = Story {
    flow: "prl-update",
    report: None,
    steps: &[
        (Topic::Segment, "1"),
        (Topic::PushWhole, "1"),
        (Topic::Trigger(Kind::Push), "1"),
        (Topic::CallOpened, "2"),
        (Topic::Get(Kind::Push), "2"),
        // It opens and it ends the administration; both are this message.
        (Topic::Is683(Forward, MsgType::OTAPA), "3 or 6"),
        (Topic::Is683(Reverse, MsgType::OTAPA), "3 or 6"),
        (Topic::Is683(Forward, MsgType::VALIDATION), "3"),
        (Topic::Is683(Reverse, MsgType::VALIDATION), "3"),
        (Topic::Is683(Forward, MsgType::SSPR_CONFIGURATION), "4"),
        (Topic::Is683(Reverse, MsgType::SSPR_CONFIGURATION), "4"),
        (Topic::Is683(Forward, MsgType::SSPR_DOWNLOAD), "4"),
        (Topic::Is683(Reverse, MsgType::SSPR_DOWNLOAD), "4"),
        (Topic::Is683(Forward, MsgType::COMMIT), "5"),
        (Topic::CommittedIs683, "5"),
        (Topic::Is683(Reverse, MsgType::COMMIT), "5"),
        (Topic::Ask(Verb::Disconnect, ""), "7"),
        (Topic::CallClosed, "7"),
        (Topic::OtaspEnded, "7"),
    ],
};

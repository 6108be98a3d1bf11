//! `prl-update`: the network replaces the roaming list.

use kedge_agent::trigger::Kind;
use kedge_protocol::is683::Direction::{Forward, Reverse};
use kedge_protocol::is683::MsgType;

use super::{COMMITTED, PUSHED, RELEASED, ROAMING_LIST, Story, VALIDATION};
use crate::translate::topic::Topic;

pub(super) const STORY: Story = Story {
    flow: "prl-update",
    report: None,
    passages: &[(PUSHED, "1"), (VALIDATION, "3"), (ROAMING_LIST, "4"), (COMMITTED, "5"), (RELEASED, "7")],
    steps: &[
        (Topic::Trigger(Kind::Push), "1"),
        (Topic::CallOpened, "2"),
        (Topic::Get(Kind::Push), "2"),
        // It opens and it ends the administration; both are this message.
        (Topic::Is683(Forward, MsgType::OTAPA), "3 or 6"),
        (Topic::Is683(Reverse, MsgType::OTAPA), "3 or 6"),
        (Topic::OtaspEnded, "7"),
    ],
};

//! `one-button`: user-initiated activation.

use kedge_agent::trigger::Kind;
use kedge_protocol::iota::mmc::Verb;

use super::{
    BLOCKS_SENT, BLOCKS_TAKEN, CAPABILITY, COMMITTED, KEYS, RELEASED, ROAMING_LIST, Story, VALIDATION,
};
use crate::translate::topic::{Shown, Topic};

pub(super) const STORY: Story = Story {
    flow: "one-button",
    report: None,
    passages: &[
        (CAPABILITY, "1"),
        // A locked phone is unlocked before its first download.
        (VALIDATION, "2"),
        (KEYS, "2"),
        (BLOCKS_SENT, "2"),
        (BLOCKS_TAKEN, "3"),
        (ROAMING_LIST, "4"),
        (COMMITTED, "5"),
        (RELEASED, "6"),
    ],
    steps: &[
        (Topic::Trigger(Kind::Activation), "1"),
        (Topic::CallOpened, "1"),
        (Topic::Get(Kind::Activation), "1"),
        // "Already activated" comes as a text in the first answer.
        (Topic::Ask(Verb::Display, ""), "2"),
        (Topic::Told(Verb::Display, ""), "2"),
        (Topic::Prompt(Shown::Notice), "2"),
        (Topic::Nothing, "6"),
        (Topic::RestartForSettings, "6"),
        (Topic::Registered, "7"),
        (Topic::Prompt(Shown::Activated), "7"),
    ],
};

//! `star-code`: activation that begins with a dialled code.

use kedge_agent::trigger::Kind;

use super::{
    BLOCKS_SENT, BLOCKS_TAKEN, CAPABILITY, COMMITTED, KEYS, PUSHED, RELEASED, ROAMING_LIST, Story, VALIDATION,
};
use crate::translate::topic::{Shown, Topic};

/// The numbers are those of the flow up to its push; what follows is `one-button` from its step 2 on.
pub(super) const STORY: Story = Story {
    flow: "star-code",
    report: None,
    passages: &[
        (CAPABILITY, "1"),
        (PUSHED, "3"),
        (VALIDATION, "3"),
        (KEYS, "3"),
        (BLOCKS_SENT, "3"),
        (BLOCKS_TAKEN, "3"),
        (ROAMING_LIST, "3"),
        (COMMITTED, "3"),
        (RELEASED, "3"),
    ],
    steps: &[
        (Topic::CallBegun, "1"),
        (Topic::OtaspEnded, "1"),
        (Topic::Text, "2"),
        (Topic::Prompt(Shown::Notice), "2"),
        (Topic::Trigger(Kind::Invited), "3"),
        (Topic::Prompt(Shown::Confirm), "3"),
        (Topic::CallOpened, "3"),
        (Topic::Get(Kind::Invited), "3"),
        (Topic::RestartForSettings, "3"),
        (Topic::Registered, "3"),
        (Topic::Prompt(Shown::Activated), "3"),
    ],
};

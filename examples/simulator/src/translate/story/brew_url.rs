//! `brew-url`: the network changes a setting.

use kedge_agent::trigger::Kind;
use kedge_protocol::iota::mmc::Verb;

use super::{PUSHED, RELEASED, Story};
use crate::translate::topic::Topic;

pub(super) const STORY: Story = Story {
    flow: "brew-url",
    report: None,
    passages: &[(PUSHED, "1"), (RELEASED, "4")],
    steps: &[
        (Topic::Trigger(Kind::Push), "1"),
        (Topic::CallOpened, "2"),
        (Topic::Get(Kind::Push), "2"),
        (Topic::Ask(Verb::Write, "phn/brew-url"), "3"),
        (Topic::Told(Verb::Write, "phn/brew-url"), "3"),
        (Topic::Ask(Verb::Commit, ""), "3"),
        (Topic::CommittedObjects, "3"),
        (Topic::Told(Verb::Commit, ""), "3"),
    ],
};

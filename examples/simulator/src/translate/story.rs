//! Which step of which flow something belongs to: one table per flow, with the numbers of `flows.md`.
//!
//! The flows of CDMA are made of the same passages in other places; a passage is a group of topics here, which a table puts
//! into its step.

mod brew_url;
mod feature_activation;
mod fota_client;
mod one_button;
mod prl_update;
mod star_code;

use kedge_protocol::iota::mmc::Verb;
use kedge_protocol::is683::Direction::{Forward, Reverse};
use kedge_protocol::is683::MsgType;

use super::topic::Topic;

/// A flow's table.
#[derive(Debug)]
pub(super) struct Story {
    flow: &'static str,
    /// Whole passages.
    passages: &'static [(Passage, &'static str)],
    /// What is the flow's own.
    steps: &'static [(Topic<'static>, &'static str)],
    /// The step of everything in the session that reports the final status.
    pub(super) report: Option<&'static str>,
}

/// Topics that stand together in every flow.
type Passage = &'static [Topic<'static>];

/// A push arrives in short messages.
const PUSHED: Passage = &[Topic::Segment, Topic::PushWhole];

/// The network asks what the handset can do.
const CAPABILITY: Passage = &[
    Topic::Is683(Forward, MsgType::PROTOCOL_CAPABILITY),
    Topic::Is683(Reverse, MsgType::PROTOCOL_CAPABILITY),
    Topic::Is683(Reverse, MsgType::EXTENDED_PROTOCOL_CAPABILITY),
];

/// The programming lock is opened, or the network proves itself.
const VALIDATION: Passage =
    &[Topic::Is683(Forward, MsgType::VALIDATION), Topic::Is683(Reverse, MsgType::VALIDATION)];

/// A key is agreed on.
const KEYS: Passage = &[
    Topic::Is683(Forward, MsgType::MS_KEY),
    Topic::Is683(Reverse, MsgType::MS_KEY),
    Topic::Is683(Forward, MsgType::KEY_GENERATION),
    Topic::Is683(Reverse, MsgType::KEY_GENERATION),
];

/// Number assignment, packet data and user zones are sent.
const BLOCKS_SENT: Passage = &[
    Topic::Is683(Forward, MsgType::DOWNLOAD),
    Topic::Is683(Forward, MsgType::PACKET_DATA_DOWNLOAD),
    Topic::Is683(Forward, MsgType::PUZL_DOWNLOAD),
];

/// And taken.
const BLOCKS_TAKEN: Passage = &[
    Topic::Is683(Reverse, MsgType::DOWNLOAD),
    Topic::Is683(Reverse, MsgType::PACKET_DATA_DOWNLOAD),
    Topic::Is683(Reverse, MsgType::PUZL_DOWNLOAD),
];

/// The roaming list; it may turn out to be current.
const ROAMING_LIST: Passage = &[
    Topic::Is683(Forward, MsgType::SSPR_CONFIGURATION),
    Topic::Is683(Reverse, MsgType::SSPR_CONFIGURATION),
    Topic::Is683(Forward, MsgType::SSPR_DOWNLOAD),
    Topic::Is683(Reverse, MsgType::SSPR_DOWNLOAD),
];

/// What was staged becomes permanent.
const COMMITTED: Passage =
    &[Topic::Is683(Forward, MsgType::COMMIT), Topic::CommittedIs683, Topic::Is683(Reverse, MsgType::COMMIT)];

/// The session ends.
const RELEASED: Passage = &[Topic::Ask(Verb::Disconnect, ""), Topic::CallClosed];

/// Flows without a table are shown without step numbers.
const UNKNOWN: Story = Story { flow: "", passages: &[], steps: &[], report: None };

const STORIES: [&Story; 6] = [
    &one_button::STORY,
    &star_code::STORY,
    &prl_update::STORY,
    &brew_url::STORY,
    &feature_activation::STORY,
    &fota_client::STORY,
];

impl Story {
    /// The table of the flow with this name; the names of variants (`flow/variant`) find it too.
    pub(super) fn of(name: &str) -> &'static Self {
        let flow = name.split('/').next().unwrap_or_default();
        STORIES.into_iter().find(|story| story.flow == flow).unwrap_or(&UNKNOWN)
    }

    /// The number of the step; none if the topic has no step of its own.
    pub(super) fn steps(&self, topic: Topic<'_>) -> Vec<&'static str> {
        let passages =
            self.passages.iter().filter(|(topics, _)| topics.contains(&topic)).map(|(_, step)| *step);
        let own = self.steps.iter().filter(|(known, _)| *known == topic).map(|(_, step)| *step);
        passages.chain(own).collect()
    }
}

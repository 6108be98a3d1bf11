//! `one-button`: user-initiated activation.

use kedge_agent::trigger::Kind;
use kedge_protocol::iota::mmc::Verb;
use kedge_protocol::is683::Direction::{Forward, Reverse};
use kedge_protocol::is683::MsgType;

use super::Story;
use crate::translate::topic::{Shown, Topic};

pub(super) const STORY: Story = Story {
    flow: "one-button",
    report: None,
    steps: &[
        (Topic::Trigger(Kind::Activation), "1"),
        (Topic::CallOpened, "1"),
        (Topic::Get(Kind::Activation), "1"),
        (Topic::Is683(Forward, MsgType::PROTOCOL_CAPABILITY), "1"),
        (Topic::Is683(Reverse, MsgType::PROTOCOL_CAPABILITY), "1"),
        (Topic::Is683(Reverse, MsgType::EXTENDED_PROTOCOL_CAPABILITY), "1"),
        // A locked phone is unlocked before its first download.
        (Topic::Is683(Forward, MsgType::VALIDATION), "2"),
        (Topic::Is683(Reverse, MsgType::VALIDATION), "2"),
        (Topic::Is683(Forward, MsgType::MS_KEY), "2"),
        (Topic::Is683(Reverse, MsgType::MS_KEY), "2"),
        (Topic::Is683(Forward, MsgType::KEY_GENERATION), "2"),
        (Topic::Is683(Reverse, MsgType::KEY_GENERATION), "2"),
        (Topic::Is683(Forward, MsgType::DOWNLOAD), "2"),
        (Topic::Is683(Forward, MsgType::PACKET_DATA_DOWNLOAD), "2"),
        // "Already activated" comes as a text in the first answer.
        (Topic::Ask(Verb::Display, ""), "2"),
        (Topic::Told(Verb::Display, ""), "2"),
        (Topic::Prompt(Shown::Notice), "2"),
        (Topic::Is683(Reverse, MsgType::DOWNLOAD), "3"),
        (Topic::Is683(Reverse, MsgType::PACKET_DATA_DOWNLOAD), "3"),
        // The roaming list may turn out to be current.
        (Topic::Is683(Forward, MsgType::SSPR_CONFIGURATION), "4"),
        (Topic::Is683(Reverse, MsgType::SSPR_CONFIGURATION), "4"),
        (Topic::Is683(Forward, MsgType::SSPR_DOWNLOAD), "4"),
        (Topic::Is683(Reverse, MsgType::SSPR_DOWNLOAD), "4"),
        (Topic::Is683(Forward, MsgType::COMMIT), "5"),
        (Topic::CommittedIs683, "5"),
        (Topic::Is683(Reverse, MsgType::COMMIT), "5"),
        (Topic::Ask(Verb::Disconnect, ""), "6"),
        (Topic::Nothing, "6"),
        (Topic::CallClosed, "6"),
        (Topic::RestartForSettings, "6"),
        (Topic::Registered, "7"),
        (Topic::Prompt(Shown::Activated), "7"),
    ],
};

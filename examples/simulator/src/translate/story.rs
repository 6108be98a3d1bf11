//! Which step of which flow something belongs to: one table per flow, with the numbers of `flows.md`.

mod brew_url;
mod feature_activation;
mod fota_client;
mod one_button;
mod prl_update;
mod star_code;

use super::topic::Topic;

/// A flow's table.
#[derive(Debug)]
pub(super) struct Story {
    flow: &'static str,
    steps: &'static [(Topic<'static>, &'static str)],
    /// The step of everything in the session that reports the final status.
    pub(super) report: Option<&'static str>,
}

/// Flows without a table are shown without step numbers.
const UNKNOWN: Story = Story { flow: "", steps: &[], report: None };

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
        self.steps.iter().filter(|(known, _)| *known == topic).map(|(_, step)| *step).collect()
    }
}

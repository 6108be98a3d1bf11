//! `feature-activation`: a feature that the user does not have yet.

use super::Story;
use crate::translate::topic::{Shown, Topic};

pub(super) const STORY: Story = Story {
    flow: "feature-activation",
    report: None,
    passages: &[],
    steps: &[
        (Topic::FeatureOpened, "1"),
        (Topic::Prompt(Shown::ActivateFeature), "2"),
        (Topic::CallOpened, "3"),
        (Topic::PageAsked, "3"),
        (Topic::PageSent, "4"),
        (Topic::PageShown, "4"),
        (Topic::LinkFollowed, "4"),
        (Topic::FeatureResult, "5"),
        (Topic::Settings, "5"),
        (Topic::FeatureActive, "5"),
        (Topic::Prompt(Shown::FeatureActive), "5"),
        (Topic::Prompt(Shown::FeatureFailed), "5"),
    ],
};

//! Features that the user activates: each of them with its variants, and some variants of one.

use kedge_agent::feature::Feature;
use kedge_network::FeatureAnswer;
use kedge_platform::ui::Answer;
use kedge_platform_sim::bearer::Fault;
use kedge_platform_sim::ui::PromptKind;

use super::{Scenario, require};
use crate::handset::Press;
use crate::world::Facts;

/// The exchanges of an activation that nothing disturbs: billing terms, legal terms, result.
const PAGES: [u64; 3] = [0, 1, 2];
/// The code with which the operator refuses.
const REFUSED: u16 = 17;
/// What the gateway says when it is overloaded.
const CONGESTION: u16 = 5031;

/// The scenarios of one feature, named after it.
macro_rules! variants {
    ($name:literal) => {
        [
            Scenario {
                name: concat!("feature-activation/", $name),
                title: "the user opens a feature that he does not have, and activates it",
                set: |_| {},
                check: works,
            },
            Scenario {
                name: concat!("feature-activation/", $name, "/declined"),
                title: "the user does not want it: nothing is sent",
                set: |s| s.always = vec![(PromptKind::ActivateFeature, Answer::No)],
                check: nothing_sent,
            },
            Scenario {
                name: concat!("feature-activation/", $name, "/refused"),
                title: "the operator refuses at last, with a code",
                set: |s| s.operator.feature_code = REFUSED,
                check: refused,
            },
            Scenario {
                name: concat!("feature-activation/", $name, "/terms-lost"),
                title: "the connection is lost at the billing terms",
                set: |s| s.link = vec![(PAGES[0], Fault::ReplyTruncated(30))],
                check: works,
            },
            Scenario {
                name: concat!("feature-activation/", $name, "/legal-lost"),
                title: "the connection is lost at the legal terms",
                set: |s| s.link = vec![(PAGES[1], Fault::NoConnection)],
                check: works,
            },
            Scenario {
                name: concat!("feature-activation/", $name, "/result-lost"),
                title: "the result is lost on the way: it is asked for again, and the consent counts once",
                set: |s| s.link = vec![(PAGES[2], Fault::ReplyLost)],
                check: works,
            },
            Scenario {
                name: concat!("feature-activation/", $name, "/other-error"),
                title: "the gateway is overloaded: no activation begins",
                set: |s| s.operator.gateway_fault = Some(CONGESTION),
                check: not_asked,
            },
        ]
    };
}

/// The flow `feature-activation`.
pub(super) const FLOWS: [[Scenario; 7]; 6] = [
    [
        Scenario {
            name: "feature-activation",
            title: "the user opens the browser, and activates the mobile web",
            set: |_| {},
            check: works,
        },
        Scenario {
            name: "feature-activation/wml",
            title: "the same with pages in WML",
            set: |s| s.operator.wml = true,
            check: |f| {
                let wml = |s: &kedge_platform_sim::ui::Shown| s.texts.iter().any(|t| t == "text/vnd.wap.wml");
                require(f.shown.iter().any(wml), "no page was in WML")?;
                works(f)
            },
        },
        Scenario {
            name: "feature-activation/settings-alone",
            title: "the last answer is a provisioning document without a page",
            set: |s| s.operator.feature_answer = FeatureAnswer::Settings,
            check: works,
        },
        Scenario {
            name: "feature-activation/page-alone",
            title: "the last answer is a page: the feature works with the usual NAI",
            set: |s| s.operator.feature_answer = FeatureAnswer::Page,
            check: |f| {
                require(f.settings.is_empty(), "settings came from nowhere")?;
                in_use(f)
            },
        },
        Scenario {
            name: "feature-activation/broken-settings",
            title: "the settings are not sound: nothing of them counts, and the user is told",
            set: |s| s.operator.feature_answer = FeatureAnswer::BrokenSettings,
            check: failed,
        },
        Scenario {
            name: "feature-activation/left-at-terms",
            title: "the user leaves the billing terms",
            set: |s| s.always = vec![(PromptKind::Page, Answer::No)],
            check: |f| {
                require(f.order.as_ref().is_some_and(|o| o.shown.0 > 0 && o.shown.1 == 0), "other pages")?;
                unchanged(f)
            },
        },
        Scenario {
            name: "feature-activation/left-at-legal",
            title: "the user leaves the legal terms: there is no consent",
            set: |s| {
                s.answers = vec![(PromptKind::Page, Answer::Yes)];
                s.always = vec![(PromptKind::Page, Answer::No)];
            },
            check: unchanged,
        },
    ],
    variants!("mobile-web"),
    variants!("text-messaging"),
    variants!("picture-messaging"),
    variants!("video-messaging"),
    variants!("touch2talk"),
];

/// The feature that a scenario is about.
pub(super) fn press(name: &str) -> Press {
    let named = name.split('/').nth(1).unwrap_or_default();
    let feature = Feature::ALL.into_iter().find(|feature| feature.name() == named);
    Press::Open(feature.unwrap_or(Feature::MobileWeb))
}

/// The settings are there, the new NAI is in use, and the user knows it.
fn works(f: &Facts) -> Result<(), String> {
    let nai = f.order.as_ref().map(|order| order.nai.as_str()).unwrap_or_default();
    require(!nai.is_empty() && f.calls.iter().any(|call| call == nai), "the new NAI is not in use")?;
    require(!f.settings.is_empty(), "the settings were not stored")?;
    in_use(f)
}

fn in_use(f: &Facts) -> Result<(), String> {
    let order = f.order.as_ref().ok_or("nothing was ordered")?;
    require(order.consents.len() == 1, &format!("{} consents", order.consents.len()))?;
    require(order.code == Some(0) && f.feature_works, "the feature does not work")?;
    require(told(f, PromptKind::FeatureActive), "the user was not told")
}

fn refused(f: &Facts) -> Result<(), String> {
    let code =
        |s: &kedge_platform_sim::ui::Shown| s.kind == PromptKind::FeatureFailed && s.code == Some(REFUSED);
    require(f.shown.iter().any(code), "the user was not told the code")?;
    failed(f)
}

fn failed(f: &Facts) -> Result<(), String> {
    require(told(f, PromptKind::FeatureFailed), "the user was not told")?;
    require(f.settings.is_empty() && !f.feature_active, "something was stored")
}

fn nothing_sent(f: &Facts) -> Result<(), String> {
    require(told(f, PromptKind::ActivateFeature), "the user was not asked")?;
    require(f.exchanges == 0 && f.calls.is_empty(), "something was sent")?;
    unchanged(f)
}

fn not_asked(f: &Facts) -> Result<(), String> {
    require(f.shown.is_empty() && f.calls.is_empty(), "an activation began")?;
    unchanged(f)
}

fn unchanged(f: &Facts) -> Result<(), String> {
    let consents = f.order.as_ref().map_or(0, |order| order.consents.len());
    require(consents == 0 && f.settings.is_empty() && !f.feature_works, "something changed")
}

fn told(f: &Facts, kind: PromptKind) -> bool {
    f.shown.iter().any(|shown| shown.kind == kind)
}

//! The user of the simulated device: answers by script, remembers what was shown.

use std::collections::VecDeque;

use kedge_platform::ui::{self, Answer, Page, Prompt};

/// The kinds of prompt, without their texts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PromptKind {
    /// [`Prompt::Notice`].
    Notice,
    /// [`Prompt::Confirm`].
    Confirm,
    /// [`Prompt::InstallUpdate`].
    InstallUpdate,
    /// [`Prompt::ReleaseNotes`].
    ReleaseNotes,
    /// [`Prompt::Disclaimer`].
    Disclaimer,
    /// [`Prompt::NoUpdate`].
    NoUpdate,
    /// [`Prompt::UpdateRefused`].
    UpdateRefused,
    /// [`Prompt::Activated`].
    Activated,
    /// [`Prompt::EnterPin`].
    EnterPin,
    /// [`Prompt::ApplySettings`].
    ApplySettings,
    /// [`Prompt::SettingsApplied`].
    SettingsApplied,
    /// [`Prompt::SettingsRefused`].
    SettingsRefused,
    /// [`Prompt::ActivateFeature`].
    ActivateFeature,
    /// [`Prompt::FeatureActive`].
    FeatureActive,
    /// [`Prompt::FeatureFailed`].
    FeatureFailed,
    /// A page: "yes" follows its first link, everything else leaves it.
    Page,
    /// [`Prompt::Elsewhere`].
    Elsewhere,
    /// [`Prompt::Browse`].
    Browse,
    /// [`Prompt::EnterText`].
    EnterText,
    /// [`Prompt::Choose`].
    Choose,
    /// [`Prompt::Failed`].
    Failed,
    /// A prompt that this model does not know yet.
    Unknown,
}

/// A prompt as the user saw it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shown {
    /// What was shown or asked.
    pub kind: PromptKind,
    /// Its texts, in the order of the prompt's fields.
    pub texts: Vec<String>,
    /// The code of a [`Prompt::Failed`] or [`Prompt::FeatureFailed`], the tries that a [`Prompt::EnterPin`] leaves.
    pub code: Option<u16>,
    /// What the user said.
    pub answer: Answer,
}

/// A user with a script: first the answers given for once, then the standing ones, then "later".
#[derive(Clone, Debug, Default)]
pub struct Ui {
    once: VecDeque<(PromptKind, Answer)>,
    standing: Vec<(PromptKind, Answer)>,
    fallback: Option<Answer>,
    shown: Vec<Shown>,
}

impl Ui {
    /// A user who answers "later" to everything.
    pub fn new() -> Self {
        Self::default()
    }

    /// A user who answers this to everything that the script leaves open.
    pub fn saying(answer: Answer) -> Self {
        Self { fallback: Some(answer), ..Self::default() }
    }

    /// Answers the next prompt of this kind, once; several are used in the order they were added.
    pub fn answer_once(&mut self, kind: PromptKind, answer: Answer) {
        self.once.push_back((kind, answer));
    }

    /// Answers every prompt of this kind; replaces what was said before.
    pub fn answer_always(&mut self, kind: PromptKind, answer: Answer) {
        self.standing.retain(|(standing, _)| *standing != kind);
        self.standing.push((kind, answer));
    }

    /// Everything shown, first to last.
    pub fn shown(&self) -> &[Shown] {
        &self.shown
    }

    /// The kinds of everything shown, first to last.
    pub fn kinds_shown(&self) -> Vec<PromptKind> {
        self.shown.iter().map(|shown| shown.kind).collect()
    }

    fn answer(&mut self, kind: PromptKind) -> Answer {
        if let Some(at) = self.once.iter().position(|(once, _)| *once == kind)
            && let Some((_, answer)) = self.once.remove(at)
        {
            return answer;
        }
        let standing = self.standing.iter().find(|(standing, _)| *standing == kind);
        standing.map(|(_, answer)| *answer).or(self.fallback).unwrap_or(Answer::Later)
    }
}

impl ui::Ui for Ui {
    fn prompt(&mut self, prompt: Prompt<'_>) -> Answer {
        let (kind, texts, code) = match prompt {
            Prompt::Notice(text) => (PromptKind::Notice, vec![text], None),
            Prompt::Confirm(text) => (PromptKind::Confirm, vec![text], None),
            Prompt::InstallUpdate { version } => (PromptKind::InstallUpdate, vec![version], None),
            Prompt::ReleaseNotes { description, notes } => {
                (PromptKind::ReleaseNotes, vec![description, notes], None)
            }
            Prompt::Disclaimer => (PromptKind::Disclaimer, vec![], None),
            Prompt::NoUpdate => (PromptKind::NoUpdate, vec![], None),
            Prompt::UpdateRefused => (PromptKind::UpdateRefused, vec![], None),
            Prompt::Activated => (PromptKind::Activated, vec![], None),
            Prompt::EnterPin { summary, tries_left } => {
                (PromptKind::EnterPin, vec![summary], Some(tries_left.into()))
            }
            Prompt::ApplySettings { summary } => (PromptKind::ApplySettings, vec![summary], None),
            Prompt::SettingsApplied => (PromptKind::SettingsApplied, vec![], None),
            Prompt::SettingsRefused => (PromptKind::SettingsRefused, vec![], None),
            Prompt::ActivateFeature { feature } => (PromptKind::ActivateFeature, vec![feature], None),
            Prompt::FeatureActive { feature } => (PromptKind::FeatureActive, vec![feature], None),
            Prompt::FeatureFailed { feature, code } => (PromptKind::FeatureFailed, vec![feature], Some(code)),
            Prompt::Elsewhere { url, code, text } => (PromptKind::Elsewhere, vec![url, code, text], None),
            Prompt::Browse { url } => (PromptKind::Browse, vec![url], None),
            Prompt::EnterText { text, default, .. } => (PromptKind::EnterText, vec![text, default], None),
            Prompt::Choose { text, choices, .. } => {
                (PromptKind::Choose, [text].into_iter().chain(choices.iter()).collect(), None)
            }
            Prompt::Failed(code) => (PromptKind::Failed, vec![], Some(code)),
            _ => (PromptKind::Unknown, vec![], None),
        };
        let answer = self.answer(kind);
        let texts = texts.into_iter().map(str::to_owned).collect();
        self.shown.push(Shown { kind, texts, code, answer });
        answer
    }

    /// Looks at the page as text: "yes" is its first link.
    fn browse(&mut self, page: Page<'_>, link: &mut [u8]) -> Option<usize> {
        let text = String::from_utf8_lossy(page.body);
        let answer = self.answer(PromptKind::Page);
        let texts = vec![page.url.to_owned(), page.media_type.to_owned(), text.clone().into_owned()];
        self.shown.push(Shown { kind: PromptKind::Page, texts, code: None, answer });
        let address = first_link(&text).filter(|_| answer == Answer::Yes)?;
        link.get_mut(..address.len())?.copy_from_slice(address.as_bytes());
        Some(address.len())
    }
}

/// What the first `href` of a page in HTML or WML leads to; the entities of an address are those of `&` alone.
fn first_link(page: &str) -> Option<String> {
    let (_, rest) = page.split_once("href=\"")?;
    let (address, _) = rest.split_once('"')?;
    Some(address.replace("&amp;", "&"))
}

#[cfg(test)]
mod tests {
    use kedge_platform::ui::Ui as _;

    use super::*;

    #[test]
    fn the_script_goes_before_the_standing_answer() {
        let mut user = Ui::saying(Answer::No);
        user.answer_once(PromptKind::InstallUpdate, Answer::Later);
        user.answer_once(PromptKind::Disclaimer, Answer::Later);
        user.answer_always(PromptKind::InstallUpdate, Answer::No);
        user.answer_always(PromptKind::InstallUpdate, Answer::Yes);
        let install = Prompt::InstallUpdate { version: "2.0" };
        assert_eq!(user.prompt(install), Answer::Later);
        assert_eq!(user.prompt(install), Answer::Yes);
        assert_eq!(user.prompt(install), Answer::Yes);
        assert_eq!(user.prompt(Prompt::Disclaimer), Answer::Later);
        assert_eq!(user.prompt(Prompt::Disclaimer), Answer::No);
        assert_eq!(Ui::new().prompt(Prompt::Disclaimer), Answer::Later);
    }

    #[test]
    fn a_page_is_followed_by_its_first_link_or_left() {
        let wml =
            b"<wml><card><p>Terms</p><do type=\"accept\"><go href=\"/next?a=1&amp;b=2\"/></do></card></wml>";
        let page = Page { url: "http://a/", media_type: "text/vnd.wap.wml", body: wml };
        let mut user = Ui::saying(Answer::Yes);
        user.answer_once(PromptKind::Page, Answer::No);
        let mut link = [0; 32];
        assert_eq!(user.browse(page, &mut link), None);
        let len = user.browse(page, &mut link).unwrap();
        assert_eq!(&link[..len], b"/next?a=1&b=2");
        assert_eq!(user.browse(page, &mut [0; 3]), None, "the address does not fit");
        assert_eq!(user.browse(Page { body: b"<p>The end</p>", ..page }, &mut link), None);
        assert_eq!(user.shown()[0].texts[..2], ["http://a/", "text/vnd.wap.wml"]);
    }

    #[test]
    fn what_was_shown_is_remembered() {
        let mut user = Ui::new();
        user.prompt(Prompt::ReleaseNotes { description: "short", notes: "long" });
        user.prompt(Prompt::Failed(42));
        let [notes, failed] = user.shown() else { panic!("two prompts") };
        assert_eq!(notes.texts, ["short", "long"]);
        assert_eq!((failed.kind, failed.code), (PromptKind::Failed, Some(42)));
        assert_eq!(user.kinds_shown(), [PromptKind::ReleaseNotes, PromptKind::Failed]);
    }
}

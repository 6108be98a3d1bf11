//! Asking the user about an update that is in flash and verified (flow `fota-client` steps 14 to 17): install? then the
//! release notes, then the disclaimer. Any answer but yes keeps the package, and the agent asks again later; only an update that a
//! management server commanded may be declined for good.

use kedge_platform::crypto::Crypto;
use kedge_platform::flash::NorFlash;
use kedge_platform::ui::{Answer, Prompt};
use kedge_update_agent::Update;

use super::Context;
use crate::error::AgentError;

/// What is being asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Question {
    /// Install it?
    Install,
    /// What it brings; go on?
    Notes,
    /// The device cannot be used meanwhile; go on?
    Disclaimer,
}

/// What follows from an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// Ask this next.
    Ask(Question),
    /// The user wants the update.
    Install,
    /// Not now.
    Defer,
    /// Not at all, if that is for the user to say.
    Decline,
}

impl Question {
    /// The prompt, its texts from the package's signed manifest.
    pub(super) fn prompt<'w, F: NorFlash, C: Crypto>(
        self,
        update: &Update,
        context: &mut Context<'_, F, C>,
        work: &'w mut [u8],
    ) -> Result<Prompt<'w>, AgentError<F::Error>> {
        let manifest = update.manifest(context.flash, work)?;
        Ok(match self {
            Self::Install => Prompt::InstallUpdate { version: manifest.version },
            Self::Notes => Prompt::ReleaseNotes { description: manifest.description, notes: manifest.notes },
            Self::Disclaimer => Prompt::Disclaimer,
        })
    }

    /// What follows from the answer.
    pub(super) const fn answered(self, answer: Answer) -> Verdict {
        match (self, answer) {
            (_, Answer::No) => Verdict::Decline,
            (_, Answer::Later | Answer::Pin(_) | Answer::Text(_) | Answer::Chosen(_)) => Verdict::Defer,
            (Self::Install, Answer::Yes) => Verdict::Ask(Self::Notes),
            (Self::Notes, Answer::Yes) => Verdict::Ask(Self::Disclaimer),
            (Self::Disclaimer, Answer::Yes) => Verdict::Install,
        }
    }
}

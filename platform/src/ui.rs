//! The user.

/// What is shown or asked. Wording belongs to the device maker; texts from the network are passed on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Prompt<'a> {
    /// A text from the network, only shown.
    Notice(&'a str),
    /// A question from the network.
    Confirm(&'a str),
    /// An update was downloaded and verified: install it?
    InstallUpdate {
        /// The version it leads to.
        version: &'a str,
    },
    /// What the update brings.
    ReleaseNotes {
        /// One line.
        description: &'a str,
        /// The notes.
        notes: &'a str,
    },
    /// The device cannot be used during the update, not even for emergency calls.
    Disclaimer,
    /// There is no update.
    NoUpdate,
    /// There is an update, but it could not be downloaded, or was refused.
    UpdateRefused,
    /// The device is now activated.
    Activated,
    /// Something the user asked for failed; the code is the session-end reason.
    Failed(u16),
}

/// What the user said.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answer {
    /// Yes.
    Yes,
    /// No, and do not ask again for this.
    No,
    /// Ask again later; also what a device without a user says.
    Later,
}

/// The user's side of a device.
pub trait Ui {
    /// Shows or asks; for [`Prompt::Notice`] and its like the answer is ignored. Blocks until there is one; a device that
    /// cannot wait answers [`Answer::Later`].
    fn prompt(&mut self, prompt: Prompt<'_>) -> Answer;
}

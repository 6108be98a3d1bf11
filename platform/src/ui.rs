//! The user.

use core::time::Duration;

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
    /// Settings came that a PIN protects, which the sender has told the user: which one?
    EnterPin {
        /// What the settings are.
        summary: &'a str,
        /// How often the user may still try; after that the settings are dropped.
        tries_left: u8,
    },
    /// Settings came, and their sender is known: apply them?
    ApplySettings {
        /// What they change.
        summary: &'a str,
    },
    /// The settings are in use.
    SettingsApplied,
    /// The settings were dropped: their sender could not be proved.
    SettingsRefused,
    /// The network says that the user does not have this feature yet: activate it?
    ActivateFeature {
        /// Its name, for people.
        feature: &'a str,
    },
    /// The feature is activated and can be used.
    FeatureActive {
        /// Its name, for people.
        feature: &'a str,
    },
    /// The feature was not activated.
    FeatureFailed {
        /// Its name, for people.
        feature: &'a str,
        /// The network's code for the reason; 0 if it has given none.
        code: u16,
    },
    /// The user must open an address elsewhere and enter a code there. Shown until something else is; the answer comes at
    /// once, for the agent goes on asking the server meanwhile.
    Elsewhere {
        /// The address.
        url: &'a str,
        /// The code.
        code: &'a str,
        /// What to show with it; may be empty.
        text: &'a str,
    },
    /// The device's browser must open this address, and goes on alone. The answer comes at once.
    Browse {
        /// The address.
        url: &'a str,
    },
    /// A server asks for a text: [`Answer::Text`]. Yes stands for what it proposes, no ends what it is doing.
    EnterText {
        /// What it asks.
        text: &'a str,
        /// What it proposes; may be empty.
        default: &'a str,
        /// What it wants the text to be.
        form: TextForm,
    },
    /// A server lets the user choose: [`Answer::Chosen`]. Yes stands for what it proposes, no ends what it is doing.
    Choose {
        /// What it asks.
        text: &'a str,
        /// What can be chosen.
        choices: Choices<'a>,
        /// Any number of them, else one.
        several: bool,
        /// What it proposes, the first choice the lowest bit.
        default: u32,
        /// How long the user may take; then what is proposed counts, if anything is.
        wait: Duration,
    },
    /// Something the user asked for failed; the code is the session-end reason.
    Failed(u16),
}

/// What a text that is asked for must be like. A device with a keyboard of its own for it shows that one; what was typed is
/// not judged again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TextForm {
    /// What is typed.
    pub input: Input,
    /// Most characters.
    pub most: usize,
    /// It is not shown while it is typed.
    pub hidden: bool,
    /// How long the user may take; then what is proposed counts, if anything is.
    pub wait: Duration,
}

/// What is typed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Input {
    /// Any characters.
    #[default]
    Text,
    /// Digits, sign and point.
    Number,
    /// `DDMMYYYY`.
    Date,
    /// `hhmmss`.
    Time,
    /// A telephone number.
    Phone,
    /// An IP address of four numbers.
    Address,
}

/// The texts of what can be chosen, in their order.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Choices<'a>(&'a str);

impl<'a> Choices<'a> {
    /// What ends each text: no text of a server holds one.
    pub const END: char = '\0';

    /// The choices of which each ends with [`Self::END`].
    pub const fn new(texts: &'a str) -> Self {
        Self(texts)
    }

    /// Their texts.
    pub fn iter(&self) -> impl Iterator<Item = &'a str> + use<'a> {
        self.0.split_terminator(|c| c == Self::END)
    }
}

impl core::fmt::Debug for Choices<'_> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_list().entries(self.iter()).finish()
    }
}

/// A page of the network, for the device's browser.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Page<'a> {
    /// Where it came from; its links may be relative to it.
    pub url: &'a str,
    /// Its media type with parameters: HTML or WML.
    pub media_type: &'a str,
    /// Its octets.
    pub body: &'a [u8],
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
    /// What was asked for with [`Prompt::EnterPin`].
    Pin(Pin),
    /// What was asked for with [`Prompt::EnterText`].
    Text(Typed),
    /// What was chosen with [`Prompt::Choose`], the first choice the lowest bit.
    Chosen(u32),
}

/// A text that the user typed, at most [`Typed::MAX`] octets; it may be a secret, and is not shown.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Typed {
    octets: [u8; Self::MAX],
    len: usize,
}

impl Typed {
    /// Most octets.
    pub const MAX: usize = 128;

    /// The text; `None` for one that is too long.
    pub fn new(text: &str) -> Option<Self> {
        let mut typed = Self { octets: [0; Self::MAX], len: text.len() };
        let to = typed.octets.get_mut(..text.len())?;
        to.iter_mut().zip(text.bytes()).for_each(|(to, from)| *to = from);
        Some(typed)
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        self.octets.get(..self.len).and_then(|text| core::str::from_utf8(text).ok()).unwrap_or_default()
    }
}

impl core::fmt::Debug for Typed {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("Typed(***)")
    }
}

/// Decimal digits that the user typed, at most [`Pin::MAX`]; they are not shown.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Pin {
    digits: [u8; Self::MAX],
    len: usize,
}

impl Pin {
    /// Most digits.
    pub const MAX: usize = 16;

    /// The digits; `None` for anything else, nothing, or more than [`Pin::MAX`].
    pub fn new(text: &str) -> Option<Self> {
        let legal = !text.is_empty() && text.len() <= Self::MAX && text.bytes().all(|c| c.is_ascii_digit());
        let mut pin = Self { digits: [0; Self::MAX], len: text.len() };
        for (to, from) in pin.digits.iter_mut().zip(text.bytes()) {
            *to = from;
        }
        legal.then_some(pin)
    }

    /// The digits as text.
    pub fn as_str(&self) -> &str {
        self.digits.get(..self.len).and_then(|digits| core::str::from_utf8(digits).ok()).unwrap_or_default()
    }
}

impl core::fmt::Debug for Pin {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("Pin(***)")
    }
}

/// The user's side of a device.
pub trait Ui {
    /// Shows or asks; for [`Prompt::Notice`] and its like the answer is ignored. Blocks until there is one; a device that
    /// cannot wait answers [`Answer::Later`].
    fn prompt(&mut self, prompt: Prompt<'_>) -> Answer;

    /// Shows a page in the device's browser until the user follows a link of it or leaves it. The address of the link is
    /// written to the front of `link` as it stands in the page; the answer is its length, `None` if the user has left, or if
    /// it does not fit. The browser opens nothing by itself.
    ///
    /// A device without a browser leaves every page: its users activate no features.
    fn browse(&mut self, page: Page<'_>, link: &mut [u8]) -> Option<usize> {
        let _ = (page, link);
        None
    }
}

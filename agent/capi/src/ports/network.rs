//! The modem and the user.

use core::ffi::{CStr, c_char, c_void};

use kedge_platform::radio::RadioError;
use kedge_platform::ui::{Answer, Pin, Prompt};

use crate::status::KedgeStatus;
use crate::text::KedgeText;

/// What the modem made of it.
#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KedgeRadioResult {
    /// Done.
    Ok = 0,
    /// No network in reach; what any other number means too.
    NoService = 1,
    /// The network refused.
    Refused = 2,
    /// A voice or data call is in the way.
    Busy = 3,
}

/// The modem. Functions that return a number return a `KedgeRadioResult`.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct KedgeRadio {
    /// For the functions.
    pub context: *mut c_void,
    /// Opens the data call with this network access identifier; succeeds if it is open already.
    pub open_data_call: Option<unsafe extern "C" fn(context: *mut c_void, nai: KedgeText) -> i32>,
    /// Closes the data call; nothing happens if there is none.
    pub close_data_call: Option<unsafe extern "C" fn(context: *mut c_void)>,
    /// Registers with these NAM parameter blocks, each BLOCK_ID BLOCK_LEN PARAM_DATA, and this roaming list, which may be
    /// empty.
    pub register_with:
        Option<unsafe extern "C" fn(context: *mut c_void, nam: KedgeText, prl: KedgeText) -> i32>,
}

/// The same with every function there.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Radio {
    context: *mut c_void,
    open_data_call: unsafe extern "C" fn(*mut c_void, KedgeText) -> i32,
    close_data_call: unsafe extern "C" fn(*mut c_void),
    register_with: unsafe extern "C" fn(*mut c_void, KedgeText, KedgeText) -> i32,
}

impl Radio {
    pub(crate) fn check(radio: &KedgeRadio) -> Result<Self, KedgeStatus> {
        let KedgeRadio { context, open_data_call, close_data_call, register_with } = *radio;
        let (Some(open_data_call), Some(close_data_call), Some(register_with)) =
            (open_data_call, close_data_call, register_with)
        else {
            return Err(KedgeStatus::Port);
        };
        Ok(Self { context, open_data_call, close_data_call, register_with })
    }
}

const fn radio_result(number: i32) -> Result<(), RadioError> {
    match number {
        0 => Ok(()),
        2 => Err(RadioError::Refused),
        3 => Err(RadioError::Busy),
        _ => Err(RadioError::NoService),
    }
}

impl kedge_platform::radio::Radio for Radio {
    fn open_data_call(&mut self, nai: &str) -> Result<(), RadioError> {
        // SAFETY: the identifier is there during the call.
        radio_result(unsafe { (self.open_data_call)(self.context, nai.into()) })
    }

    fn close_data_call(&mut self) {
        // SAFETY: the function has no needs.
        unsafe { (self.close_data_call)(self.context) }
    }

    fn register(&mut self, nam: &[u8], prl: &[u8]) -> Result<(), RadioError> {
        // SAFETY: the octets are there during the call.
        radio_result(unsafe { (self.register_with)(self.context, KedgeText::of(nam), KedgeText::of(prl)) })
    }
}

/// What is shown or asked. Wording is the device maker's; texts from the network are passed on.
#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KedgePromptKind {
    /// Shown: `text` from the network.
    Notice = 0,
    /// Asked: `text` from the network.
    Confirm = 1,
    /// Asked: install the update to version `text`?
    InstallUpdate = 2,
    /// Asked: the update brings `text`, and `more` are its notes.
    ReleaseNotes = 3,
    /// Asked: the device cannot be used during the update, not even for emergency calls.
    Disclaimer = 4,
    /// Shown: there is no update.
    NoUpdate = 5,
    /// Shown: there is an update, but it could not be downloaded, or was refused.
    UpdateRefused = 6,
    /// Shown: the device is activated.
    Activated = 7,
    /// Asked: the PIN of the settings that `text` sums up; `number` tries are left.
    EnterPin = 8,
    /// Asked: apply the settings that `text` sums up?
    ApplySettings = 9,
    /// Shown: the settings are in use.
    SettingsApplied = 10,
    /// Shown: the settings were dropped.
    SettingsRefused = 11,
    /// Shown: what the user asked for failed; `number` is the session-end reason.
    Failed = 12,
    /// Of a newer release: an answer of later is always right.
    Other = 13,
}

/// What is shown or asked.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct KedgePrompt {
    /// What it is about.
    pub kind: KedgePromptKind,
    /// See the kind.
    pub text: KedgeText,
    /// See the kind.
    pub more: KedgeText,
    /// See the kind.
    pub number: u32,
}

impl From<Prompt<'_>> for KedgePrompt {
    fn from(prompt: Prompt<'_>) -> Self {
        use KedgePromptKind as Kind;
        let (kind, text, more, number) = match prompt {
            Prompt::Notice(text) => (Kind::Notice, text, "", 0),
            Prompt::Confirm(text) => (Kind::Confirm, text, "", 0),
            Prompt::InstallUpdate { version } => (Kind::InstallUpdate, version, "", 0),
            Prompt::ReleaseNotes { description, notes } => (Kind::ReleaseNotes, description, notes, 0),
            Prompt::Disclaimer => (Kind::Disclaimer, "", "", 0),
            Prompt::NoUpdate => (Kind::NoUpdate, "", "", 0),
            Prompt::UpdateRefused => (Kind::UpdateRefused, "", "", 0),
            Prompt::Activated => (Kind::Activated, "", "", 0),
            Prompt::EnterPin { summary, tries_left } => (Kind::EnterPin, summary, "", tries_left.into()),
            Prompt::ApplySettings { summary } => (Kind::ApplySettings, summary, "", 0),
            Prompt::SettingsApplied => (Kind::SettingsApplied, "", "", 0),
            Prompt::SettingsRefused => (Kind::SettingsRefused, "", "", 0),
            Prompt::Failed(code) => (Kind::Failed, "", "", code.into()),
            _ => (Kind::Other, "", "", 0),
        };
        Self { kind, text: text.into(), more: more.into(), number }
    }
}

/// What the user said.
#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KedgeAnswer {
    /// Yes; also for what is only shown.
    Yes = 0,
    /// No, and do not ask again for this.
    No = 1,
    /// Ask again later: what a device without a user says, and what any other number means.
    Later = 2,
    /// What was asked for with `KEDGE_PROMPT_KIND_ENTER_PIN` is in `pin`.
    Pin = 3,
}

/// Room for a PIN and the zero octet behind it, in octets.
pub const KEDGE_PIN_ROOM: usize = 17;
const _: () = assert!(KEDGE_PIN_ROOM == Pin::MAX + 1);

/// The user.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct KedgeUi {
    /// For the functions.
    pub context: *mut c_void,
    /// Shows or asks, and waits for the answer, a `KedgeAnswer`. `pin` has room for `KEDGE_PIN_ROOM` octets: decimal digits and
    /// a zero octet.
    pub prompt: Option<
        unsafe extern "C" fn(context: *mut c_void, prompt: *const KedgePrompt, pin: *mut c_char) -> i32,
    >,
}

/// The same with its function there.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Ui {
    context: *mut c_void,
    prompt: unsafe extern "C" fn(*mut c_void, *const KedgePrompt, *mut c_char) -> i32,
}

impl Ui {
    pub(crate) fn check(ui: &KedgeUi) -> Result<Self, KedgeStatus> {
        Ok(Self { context: ui.context, prompt: ui.prompt.ok_or(KedgeStatus::Port)? })
    }
}

impl kedge_platform::ui::Ui for Ui {
    fn prompt(&mut self, prompt: Prompt<'_>) -> Answer {
        let (prompt, mut pin) = (KedgePrompt::from(prompt), [0_u8; KEDGE_PIN_ROOM]);
        // SAFETY: the prompt and the room are there during the call, and the room is as large as the type says.
        let answer = unsafe { (self.prompt)(self.context, &raw const prompt, pin.as_mut_ptr().cast()) };
        match answer {
            0 => Answer::Yes,
            1 => Answer::No,
            3 => {
                let digits = CStr::from_bytes_until_nul(&pin).ok().and_then(|digits| digits.to_str().ok());
                digits.and_then(Pin::new).map_or(Answer::Later, Answer::Pin)
            }
            _ => Answer::Later,
        }
    }
}

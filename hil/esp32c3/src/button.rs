//! The user: the button that starts the boot loader (GPIO 9), and a console that only speaks.
//!
//! Pressed shortly while nothing goes on, the device activates itself; pressed for two seconds, it looks for an update. A question
//! is answered with yes by pressing within ten seconds, else with "later"; a PIN cannot be entered.

use core::time::Duration;
use esp_hal::gpio::Input;
use esp_println::println;
use kedge_platform::ui::{Answer, Prompt, Ui};
use kedge_platform_esp32::clock::{sleep, uptime};

/// So often is looked at the button: contacts are still by then.
const LOOK: Duration = Duration::from_millis(30);
/// From when on it counts as pressed long.
const LONG: Duration = Duration::from_secs(2);
/// How long a question waits.
const PATIENCE: Duration = Duration::from_secs(10);

/// How the button was pressed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Press {
    /// Shortly.
    Short,
    /// For two seconds.
    Long,
}

/// The user's side of the device.
pub struct Button(Input<'static>);

impl Button {
    /// The button on this pin, which it pulls low.
    pub const fn new(pin: Input<'static>) -> Self {
        Self(pin)
    }

    /// Waits for the button until this uptime; for ever without one.
    pub fn wait(&mut self, until: Option<Duration>) -> Option<Press> {
        while self.0.is_high() {
            if until.is_some_and(|until| uptime() >= until) {
                return None;
            }
            sleep(LOOK);
        }
        let since = uptime();
        while self.0.is_low() {
            if uptime().saturating_sub(since) >= LONG {
                return Some(Press::Long);
            }
            sleep(LOOK);
        }
        Some(Press::Short)
    }
}

impl Ui for Button {
    fn prompt(&mut self, prompt: Prompt<'_>) -> Answer {
        println!("{prompt:?}");
        let asks = matches!(
            prompt,
            Prompt::Confirm(_)
                | Prompt::InstallUpdate { .. }
                | Prompt::Disclaimer
                | Prompt::ApplySettings { .. }
                | Prompt::ReleaseNotes { .. }
        );
        if !asks {
            return Answer::Later;
        }
        println!("press the button for yes");
        match self.wait(Some(uptime() + PATIENCE)) {
            Some(_) => Answer::Yes,
            None => Answer::Later,
        }
    }
}

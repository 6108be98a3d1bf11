//! How the power of a real board is switched: a USB hub that can switch its ports, or a relay.

use std::process::Command;

use anyhow::Context as _;

use crate::board::Trouble;

/// A power switch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Switch {
    /// A port of a USB hub, by uhubctl: the hub's location, as uhubctl lists it, and the port.
    UsbHub(String, u8),
    /// Any other way: commands for on and off, as a shell takes them.
    Relay(String, String),
}

impl Switch {
    /// A hub's port, `LOCATION:PORT`.
    pub(crate) fn usb_hub(text: &str) -> Result<Self, String> {
        let port = text.rsplit_once(':').and_then(|(hub, port)| Some((hub, port.parse().ok()?)));
        let (hub, port) = port.filter(|(hub, _)| !hub.is_empty()).ok_or("wanted: LOCATION:PORT, as 1-1:2")?;
        Ok(Self::UsbHub(hub.to_owned(), port))
    }

    /// Switches. A switch that does not obey is a board that is not reachable.
    pub(crate) fn set(&self, on: bool) -> anyhow::Result<()> {
        let mut command = self.command(on);
        let status = command.status().with_context(|| format!("{command:?}"));
        match status {
            Ok(status) if status.success() => Ok(()),
            Ok(status) => Err(Trouble::Unreachable(format!("{command:?}: {status}")).into()),
            Err(error) => Err(Trouble::Unreachable(format!("{error:#}")).into()),
        }
    }

    fn command(&self, on: bool) -> Command {
        match self {
            Self::UsbHub(hub, port) => {
                let mut command = Command::new("uhubctl");
                command.args(["-l", hub, "-p", &port.to_string(), "-a", if on { "on" } else { "off" }]);
                command
            }
            Self::Relay(switch_on, switch_off) => {
                let mut command = Command::new("sh");
                command.args(["-c", if on { switch_on } else { switch_off }]);
                command
            }
        }
    }
}

//! What the command needs of whoever plays the flows.

use std::fmt::{self, Write};
use std::path::{Path, PathBuf};
use std::str::FromStr;

use crate::feed::Observer;

/// One flow or variant that can be played.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ScenarioInfo {
    /// Its name on the command line, like `one-button` or `one-button/already-activated`.
    pub name: String,
    /// What happens in it, in one line.
    pub title: String,
    /// The call flow of `flows.md` it plays.
    pub flow: String,
    /// Whether it is played when no flow is named.
    pub by_default: bool,
}

/// Where the power of the simulated device fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PowerCut {
    /// One run per flash operation, cut there.
    Every,
    /// This many runs, each cut at an operation drawn from the seed.
    Random(u32),
    /// One run, cut at the operation with this number.
    At(u64),
}

impl fmt::Display for PowerCut {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Every => f.write_str("every"),
            Self::Random(count) => write!(f, "random:{count}"),
            Self::At(operation) => write!(f, "{operation}"),
        }
    }
}

/// Text that names no power cut.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NoPowerCut;

impl fmt::Display for NoPowerCut {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("expected `every`, `random:K` with K from 1 on, or the number of a flash operation")
    }
}

impl core::error::Error for NoPowerCut {}

impl FromStr for PowerCut {
    type Err = NoPowerCut;

    fn from_str(text: &str) -> Result<Self, NoPowerCut> {
        if text == "every" {
            return Ok(Self::Every);
        }
        if let Some(count) = text.strip_prefix("random:") {
            return count.parse().ok().filter(|count| *count > 0).map(Self::Random).ok_or(NoPowerCut);
        }
        text.parse().map(Self::At).map_err(|_| NoPowerCut)
    }
}

/// How flows are to be played.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Options {
    /// Names of scenarios, in order; none: those played by default.
    pub flows: Vec<String>,
    /// Everything random comes from it.
    pub seed: u64,
    /// The old and the new firmware image; `None`: the built-in pair.
    pub pair: Option<(PathBuf, PathBuf)>,
    /// Where the power fails.
    pub power_cut: Option<PowerCut>,
}

impl Options {
    /// The command line that plays the scenario `name` in the same way again.
    pub fn replay(&self, name: &str) -> String {
        let mut line = format!("kedge simulate {name} --seed {}", self.seed);
        if let Some((old, new)) = &self.pair {
            let _ = write!(line, " --old {} --new {}", quoted(old), quoted(new));
        }
        if let Some(power_cut) = self.power_cut {
            let _ = write!(line, " --power-cut {power_cut}");
        }
        line
    }
}

/// A path as a POSIX shell takes it.
fn quoted(path: &Path) -> String {
    let path = path.to_string_lossy();
    let harmless = |character: char| character.is_ascii_alphanumeric() || "/._-+=:,@".contains(character);
    if path.chars().all(harmless) && !path.is_empty() {
        path.into()
    } else {
        format!("'{}'", path.replace('\'', "'\\''"))
    }
}

/// What became of a flow.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verdict {
    /// Whether it ended as its description says, in all its runs.
    pub passed: bool,
    /// Why not.
    pub reason: Option<String>,
}

/// Plays flows.
pub trait Play {
    /// All that can be played, in the order of the call-flow list.
    fn scenarios(&self) -> Vec<ScenarioInfo>;

    /// Plays the scenario `name` and tells `observer` everything from its `FlowStarted` to its `FlowEnded`.
    ///
    /// An error means that it could not be played as asked (unsuitable firmware pair, no port on loopback); a flow that
    /// was played and went wrong is a [`Verdict`].
    fn play(&self, name: &str, options: &Options, observer: &mut dyn Observer) -> anyhow::Result<Verdict>;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn power_cuts_are_read_as_they_are_written() {
        for cut in [PowerCut::Every, PowerCut::Random(5), PowerCut::At(0), PowerCut::At(77)] {
            assert_eq!(cut.to_string().parse(), Ok(cut));
        }
        for text in ["", "Every", "random:", "random:0", "random:-1", "-1", "1.5"] {
            assert_eq!(text.parse::<PowerCut>(), Err(NoPowerCut), "{text}");
        }
    }

    #[test]
    fn the_replay_line_survives_a_shell() {
        let options = Options {
            flows: vec![],
            seed: 7,
            pair: Some(("a.bin".into(), "it's new.bin".into())),
            power_cut: Some(PowerCut::At(3)),
        };
        assert_eq!(
            options.replay("fota-client"),
            r"kedge simulate fota-client --seed 7 --old a.bin --new 'it'\''s new.bin' --power-cut 3"
        );
    }
}

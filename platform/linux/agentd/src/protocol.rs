//! What goes over the local socket: one JSON object in a line, and one back.
//!
//! ```text
//! > {"do":"status"}
//! < {"ok":true,"status":{"version":"1.0.0","doing":"idle","activation":{..},"update":"idle"}}
//! > {"do":"install"}
//! < {"ok":false,"error":"no update waits for an answer","fix":"kedgectl check-update looks for one"}
//! ```

use serde::{Deserialize, Serialize};

/// Longest line, in either direction.
pub const LINE_MAX: usize = 8192;

/// What may be asked of the service.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "do", rename_all = "kebab-case")]
pub enum Request {
    /// What it is doing.
    Status,
    /// The activation button.
    Activate,
    /// Look for a software update.
    CheckUpdate,
    /// Install the update that waits.
    Install,
    /// Ask about the update that waits again later.
    Defer,
    /// Answer the network's question.
    Answer {
        /// Yes, else no.
        yes: bool,
    },
    /// Ask the license's server.
    License {
        /// For this.
        want: Want,
    },
    /// Take content that came as a file: settings, a license document.
    Open {
        /// Its media type.
        media_type: String,
        /// Its octets, as hexadecimal digits.
        hex: String,
    },
    /// End the service.
    Stop,
}

/// What the user wants of the license's server.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Want {
    /// A license and its configuration.
    Activate,
    /// His account.
    MyAccount,
    /// A newer license.
    Refresh,
    /// To give the license back.
    Release,
}

/// How the license stands.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct License {
    /// What it permits.
    pub verdict: String,
    /// Unknown, trial or full.
    pub state: String,
    /// Its number.
    pub serial: String,
    /// When it expires, in seconds since 1970; none: never.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub expires: Option<u64>,
    /// The features that may be used, as bits.
    pub features: u64,
    /// The time it is judged by, in seconds since 1970.
    pub time: u64,
    /// What its state calls for.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub due: Option<String>,
    /// A report is still to be delivered.
    pub report_due: bool,
}

/// The octets that hexadecimal digits stand for.
pub fn octets(digits: &str) -> Option<Vec<u8>> {
    let nibble = |digit: &u8| char::from(*digit).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
    let pairs = digits.as_bytes().chunks(2);
    pairs.map(|pair| Some(nibble(pair.first()?)? << 4 | nibble(pair.get(1)?)?)).collect()
}

/// What it says.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reply {
    /// Whether it does as asked.
    pub ok: bool,
    /// Why not.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub error: Option<String>,
    /// What would help.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub fix: Option<String>,
    /// To [`Request::Status`].
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub status: Option<Status>,
}

impl Reply {
    /// It does as asked.
    pub fn done() -> Self {
        Self { ok: true, ..Self::default() }
    }

    /// It does not.
    pub fn refused(error: impl Into<String>, fix: impl Into<String>) -> Self {
        Self { error: Some(error.into()), fix: Some(fix.into()), ..Self::default() }
    }
}

/// What the service is doing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Doing {
    /// It starts, or brings journal and boot loader together.
    #[default]
    Starting,
    /// It waits.
    Idle,
    /// A session is held.
    Session,
    /// It waits for an answer.
    Asking,
    /// The new image is being made.
    Updating,
    /// The machine was told to restart.
    Restarting,
    /// It cannot work, and tries again after a while.
    InTrouble,
}

/// A question that waits for an answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "about", rename_all = "kebab-case")]
pub enum Question {
    /// Install an update?
    Install {
        /// The version it leads to.
        version: String,
    },
    /// The network asks.
    Network {
        /// This.
        text: String,
    },
}

/// How far the activation came.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Activation {
    /// Settings of the network were committed.
    pub committed: bool,
    /// The network knows.
    pub confirmed: bool,
    /// The radio has registered with them.
    pub registered: bool,
}

/// How things stand.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Status {
    /// The firmware that runs.
    pub version: String,
    /// What the service is doing.
    pub doing: Doing,
    /// Seconds from when this was told until the agent acts by itself; none: not before somebody asks for something.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub acts_in: Option<u64>,
    /// How far the activation came.
    pub activation: Activation,
    /// What the update agent is at.
    pub update: String,
    /// Results that wait to be reported.
    pub reports: usize,
    /// How the license stands; none: the device has none to care for.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub license: Option<License>,
    /// What the user has to do elsewhere.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub elsewhere: Option<String>,
    /// What became of the file that was opened last: taken, or why not.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub file: Option<String>,
    /// What waits for an answer.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub question: Option<Question>,
    /// How the last session ended.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub last_session: Option<String>,
    /// What is wrong.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub trouble: Option<String>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_short_and_what_they_say() {
        let line = |request| serde_json::to_string(&request).unwrap();
        assert_eq!(line(Request::CheckUpdate), r#"{"do":"check-update"}"#);
        assert_eq!(line(Request::Answer { yes: true }), r#"{"do":"answer","yes":true}"#);
        for bad in ["{}", r#"{"do":"fly"}"#, r#"{"do":"answer"}"#, "[", ""] {
            assert!(serde_json::from_str::<Request>(bad).is_err(), "{bad}");
        }
        let want = Request::License { want: Want::MyAccount };
        assert_eq!(line(want), r#"{"do":"license","want":"my-account"}"#);
        assert_eq!(octets("00fFa5"), Some(vec![0, 255, 0xA5]));
        assert_eq!((octets("0"), octets("0g"), octets("")), (None, None, Some(vec![])));
        let reply = Reply::refused("no", "yes");
        assert_eq!(serde_json::to_string(&reply).unwrap(), r#"{"ok":false,"error":"no","fix":"yes"}"#);
        let status =
            Status { question: Some(Question::Install { version: "2".into() }), ..Status::default() };
        let reply = Reply { status: Some(status), ..Reply::done() };
        let line = serde_json::to_string(&reply).unwrap();
        assert!(line.contains(r#""question":{"about":"install","version":"2"}"#), "{line}");
        assert_eq!(serde_json::from_str::<Reply>(&line).unwrap(), reply);
    }
}

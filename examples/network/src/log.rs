//! What the operator writes down: every message with its plain meaning, and every rule the device broke.

use core::fmt;
use core::time::Duration;

/// The call flow a message belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Flow {
    /// User-initiated activation.
    OneButton,
    /// Client-initiated firmware update.
    FotaClient,
    /// Activation that begins with a dialled star code.
    StarCode,
    /// Network-initiated roaming list update.
    PrlUpdate,
    /// A setting changed by the network.
    BrewUrl,
    /// A feature that the customer activates.
    FeatureActivation,
    /// What the network wants by device management.
    FotaNetwork,
    /// None: nobody plays a flow at that address.
    Stray,
}

impl fmt::Display for Flow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::OneButton => "one-button",
            Self::FotaClient => "fota-client",
            Self::StarCode => "star-code",
            Self::PrlUpdate => "prl-update",
            Self::BrewUrl => "brew-url",
            Self::FeatureActivation => "feature-activation",
            Self::FotaNetwork => "fota-network",
            Self::Stray => "stray",
        })
    }
}

/// A place in a call flow: the flow and the number of its step, 0 where none applies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Step {
    /// The flow.
    pub flow: Flow,
    /// The step's number in the flow's list.
    pub number: u8,
}

impl Step {
    pub(crate) const fn one_button(number: u8) -> Self {
        Self { flow: Flow::OneButton, number }
    }

    pub(crate) const fn fota_client(number: u8) -> Self {
        Self { flow: Flow::FotaClient, number }
    }

    pub(crate) const fn star_code(number: u8) -> Self {
        Self { flow: Flow::StarCode, number }
    }

    pub(crate) const fn prl_update(number: u8) -> Self {
        Self { flow: Flow::PrlUpdate, number }
    }

    pub(crate) const fn brew_url(number: u8) -> Self {
        Self { flow: Flow::BrewUrl, number }
    }

    pub(crate) const fn feature_activation(number: u8) -> Self {
        Self { flow: Flow::FeatureActivation, number }
    }

    pub(crate) const fn fota_network(number: u8) -> Self {
        Self { flow: Flow::FotaNetwork, number }
    }

    pub(crate) const STRAY: Self = Self { flow: Flow::Stray, number: 0 };
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.flow, self.number)
    }
}

/// Which way a message went.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// Device to network.
    ToNetwork,
    /// Network to device.
    ToDevice,
}

/// One message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// Number of the HTTP exchange, from 1; a request and its response share it. A registration has the number of the
    /// last exchange before it.
    pub exchange: u32,
    /// When it happened.
    pub at: Duration,
    /// Where in which flow.
    pub step: Step,
    /// Which way.
    pub direction: Direction,
    /// The network's end: a host name, `vlr` for a registration, `smsc` for short messages, `radio` for calls and data bursts.
    pub party: String,
    /// Request line or status line, shortened to what identifies it.
    pub line: String,
    /// What it means, in plain words.
    pub meaning: String,
    /// Media type of the body, if it has one.
    pub content_type: Option<String>,
    /// The body; package octets are left out.
    pub body: Vec<u8>,
}

impl fmt::Display for Record {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let arrow = match self.direction {
            Direction::ToNetwork => "->",
            Direction::ToDevice => "<-",
        };
        write!(f, "[{}] {arrow} {} {}: {}", self.step, self.party, self.line, self.meaning)
    }
}

/// The rule a device broke.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Rule {
    /// The URL is nobody's, is not the one the server named, or is not absolute.
    Url,
    /// The method does not fit the URL.
    Method,
    /// A request header is missing, wrong, or out of place (profile B6.1, B6.4).
    Header,
    /// The transport is not the one required (profile B4).
    Transport,
    /// A body's type or its multipart framing (profile B1).
    Framing,
    /// A document's vocabulary or coding (profile B2, B5).
    Document,
    /// Session names, document numbers, repeats (profile B2, B5, B6.5).
    Numbering,
    /// Results do not match the commands they answer (profile B2, B3).
    Results,
    /// The value of an object (profile B4).
    Value,
    /// A reverse message (C.S0016).
    Is683,
    /// More than one session, or a session longer than allowed (profile B6.6, B6.7).
    Session,
    /// A range or its conditions (RFC 9110 §14).
    Range,
    /// Stored before the commit, or not whole after it.
    Atomicity,
    /// A rule of management sessions; the detail names it.
    Management,
    /// A result was reported twice, or does not fit the device that reports it.
    Report,
}

/// A rule the device broke, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation {
    /// Number of the exchange, as in [`Record::exchange`].
    pub exchange: u32,
    /// Where in which flow.
    pub step: Step,
    /// What rule.
    pub rule: Rule,
    /// What was seen instead, in plain words.
    pub detail: String,
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "[{}] exchange {}: {:?}: {}", self.step, self.exchange, self.rule, self.detail)
    }
}

/// Everything written down so far.
#[derive(Clone, Debug, Default)]
pub(crate) struct Log {
    pub(crate) exchange: u32,
    pub(crate) records: Vec<Record>,
    pub(crate) violations: Vec<Violation>,
}

impl Log {
    pub(crate) fn violate(&mut self, step: Step, rule: Rule, detail: impl Into<String>) {
        self.violations.push(Violation { exchange: self.exchange, step, rule, detail: detail.into() });
    }

    /// Writes down a violation unless `holds`.
    pub(crate) fn require(&mut self, holds: bool, step: Step, rule: Rule, detail: impl FnOnce() -> String) {
        if !holds {
            self.violate(step, rule, detail());
        }
    }
}

/// Octets as hexadecimal digits, as they stand in what is written down.
pub(crate) fn hex(octets: &[u8]) -> String {
    let digit = |nibble: u8| char::from_digit(u32::from(nibble), 16).unwrap_or('?');
    octets.iter().flat_map(|octet| [digit(octet >> 4), digit(octet & 0xF)]).collect()
}

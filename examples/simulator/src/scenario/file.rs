//! Scenario files: a scenario on one page of TOML.
//!
//! ```toml
//! # Comments say why.
//! name = "fota-client/resumed"             # the call flow, and the variant behind a slash
//! title = "the download breaks off twice and is resumed by range"
//!
//! [given]                                  # the device, and what happened before
//! press = "check-for-update"
//!
//! [network]                                # how the operator behaves
//! package = "full"
//!
//! [faults]                                 # what goes wrong on the way
//! repository = ["cut-after 1700", "cut-after 900"]
//!
//! [expect]                                 # how it must end
//! end = "updated"
//! ranges = 1
//! ```
//! | key | values |
//! |---|---|
//! | `given.press` | `activate`, `check-for-update`, `receive`, `dial DIGITS`, `nothing` |
//! | `given.hardware` | `esn HEX`, `meid HEX` |
//! | `given.spc` | six digits |
//! | `given.before` | `nothing`, `same-list`, `activated`, `other-phone esn HEX` |
//! | `given.in-place` | one image region, rewritten in place |
//! | `given.answers` | what the user says once: `install-update later`, `enter-pin 4321`, ... |
//! | `given.pin` | what the user types whenever a PIN is asked for |
//! | `network.account` | `pending`, `commit-sent`, `committed`, `activated` |
//! | `network.coding` | `wbxml`, `xml` |
//! | `network.package` | `none`, `delta`, `full`, `unknown-key`, `bad-signature`, `other-base`, `downgrade` |
//! | `network.descriptor` | `none`, `true`, `wrong-size` |
//! | `network.no-update` | `display`, `display-after-query`, `plain-end` |
//! | `network.wants` | `roaming-list`, `brew-url` |
//! | `network.old-phone`, `network.moved-to` | hardware, as above |
//! | `network.settings` | documents that are sent: `bootstrap` or `update`, then `none`, `tampered`, `netwpin`, `userpin`, `usernetwpin`, `userpinmac` |
//! | `network.disorder` | their messages come in reverse, and twice |
//! | `network.systems`, `segment`, `lost-pushes` | numbers |
//! | `network.knows-spc`, `ask-capability`, `deactivated`, `more-blocks`, `multipart`, `strip-identity`, `unnamed-next`, `welcome`, `indication` | `true` |
//! | `faults.link` | `EXCHANGE request-lost`, `reply-lost`, `no-connection`, `reply-truncated OCTETS` |
//! | `faults.repository` | one for each request: `none`, `ignore-range`, `unavailable`, `cut-after OCTETS` |
//! | `faults.busy` | exchanges that are answered with 503 |
//! | `expect` | see [`Expect`] |
//!
//! An unknown key, a value that is none, or a missing expectation is an error with file and line.

use core::fmt;

use kedge_network::{AccountState, Coding, NoUpdate, RepositoryFault, STAR_CODE};
use kedge_platform::identity::HardwareId;
use kedge_platform::ui::{Answer, Pin};
use kedge_platform_sim::bearer::Fault;
use kedge_platform_sim::ui::PromptKind;
use serde::Deserialize;
use toml::Spanned;

use super::expect::Expect;
use super::provisioning::{Document, send};
use super::{Before, Descriptor, Package, Setup, Wanted};
use crate::handset::Press;

/// What is wrong with a scenario file, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wrong {
    /// The line, from 1.
    pub line: usize,
    /// What.
    pub what: String,
}

impl fmt::Display for Wrong {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.line, self.what)
    }
}

impl core::error::Error for Wrong {}

/// A scenario file, read.
#[derive(Clone, Debug)]
pub struct Written {
    /// The scenario's name.
    pub name: String,
    /// What happens in it.
    pub title: String,
    /// How the world is when it begins.
    pub setup: Setup,
    /// How it must end.
    pub expect: Expect,
}

impl Written {
    /// Reads a file.
    pub fn read(text: &str) -> Result<Self, Wrong> {
        let file: File = toml::from_str(text).map_err(|error| Wrong {
            line: line(text, error.span().map_or(0, |span| span.start)),
            what: error.message().to_owned(),
        })?;
        let at = |(offset, what)| Wrong { line: line(text, offset), what };
        let name = file.name.get_ref();
        let flow = name.split('/').next().unwrap_or_default();
        if !super::FLOWS.contains(&flow) {
            return Err(at((file.name.span().start, format!("{flow:?} is no call flow"))));
        }
        let setup = file.setup().map_err(at)?;
        if let Some(name) = file.expect.stray() {
            let start = text.find(name).unwrap_or_default();
            return Err(at((start, format!("{name:?} is nothing that can be shown"))));
        }
        if !file.expect.is_something() {
            return Err(at((text.len(), "nothing is expected".to_owned())));
        }
        Ok(Self { name: name.clone(), title: file.title, setup, expect: file.expect })
    }
}

/// The line of an offset, from 1.
fn line(text: &str, offset: usize) -> usize {
    1 + text.bytes().take(offset).filter(|octet| *octet == b'\n').count()
}

/// A value that is none: its offset, and why.
type Unfit = (usize, String);

/// A word or two, to be understood.
type Words = Option<Spanned<String>>;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    name: Spanned<String>,
    title: String,
    #[serde(default)]
    given: Given,
    #[serde(default)]
    network: Network,
    #[serde(default)]
    faults: Faults,
    #[serde(default)]
    expect: Expect,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
struct Given {
    press: Words,
    hardware: Words,
    spc: Words,
    before: Words,
    in_place: bool,
    answers: Vec<Spanned<String>>,
    pin: Words,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
#[expect(clippy::struct_excessive_bools, reason = "independent habits of an operator")]
struct Network {
    account: Words,
    coding: Words,
    package: Words,
    descriptor: Words,
    no_update: Words,
    wants: Words,
    old_phone: Words,
    moved_to: Words,
    systems: Option<u16>,
    segment: Option<u8>,
    lost_pushes: u32,
    settings: Vec<Spanned<String>>,
    disorder: bool,
    knows_spc: bool,
    ask_capability: bool,
    deactivated: bool,
    more_blocks: bool,
    multipart: bool,
    strip_identity: bool,
    unnamed_next: bool,
    welcome: bool,
    indication: bool,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
struct Faults {
    link: Vec<Spanned<String>>,
    repository: Vec<Spanned<String>>,
    busy: Vec<u32>,
}

impl File {
    fn setup(&self) -> Result<Setup, Unfit> {
        let press =
            self.given.press.as_ref().ok_or((self.name.span().end, "given.press is missing".to_owned()))?;
        let mut setup = Setup::new(understood(press, pressed)?);
        self.network.tell(&mut setup)?;
        self.given.tell(&mut setup)?;
        self.faults.tell(&mut setup)?;
        Ok(setup)
    }
}

impl Given {
    fn tell(&self, setup: &mut Setup) -> Result<(), Unfit> {
        set(&mut setup.hardware, &self.hardware, hardware)?;
        set(&mut setup.spc.0, &self.spc, |digits| {
            let six: [u8; 6] = digits.as_bytes().try_into().ok()?;
            six.iter().all(u8::is_ascii_digit).then_some(six)
        })?;
        set(&mut setup.before, &self.before, |words| match words {
            "nothing" => Some(Before::Nothing),
            "same-list" => Some(Before::SameList),
            "activated" => Some(Before::Activated),
            _ => hardware(words.strip_prefix("other-phone ")?).map(Before::OtherPhone),
        })?;
        setup.in_place = self.in_place;
        setup.answers = all(&self.answers, answer)?;
        if let Some(pin) = &self.pin {
            setup.pin = Some(understood(pin, |digits| Pin::new(digits).map(|_| digits.to_owned()))?);
        }
        Ok(())
    }
}

impl Network {
    fn tell(&self, setup: &mut Setup) -> Result<(), Unfit> {
        set(&mut setup.account, &self.account, |word| {
            Some(match word {
                "pending" => AccountState::Pending,
                "commit-sent" => AccountState::CommitSent,
                "committed" => AccountState::Committed,
                "activated" => AccountState::Activated,
                _ => return None,
            })
        })?;
        set(&mut setup.operator.coding, &self.coding, |word| match word {
            "wbxml" => Some(Coding::Wbxml),
            "xml" => Some(Coding::Xml),
            _ => None,
        })?;
        set(&mut setup.package, &self.package, package)?;
        set(&mut setup.descriptor, &self.descriptor, |word| match word {
            "none" => Some(Descriptor::None),
            "true" => Some(Descriptor::True),
            "wrong-size" => Some(Descriptor::WrongSize),
            _ => None,
        })?;
        set(&mut setup.operator.no_update, &self.no_update, |word| match word {
            "display" => Some(NoUpdate::Display),
            "display-after-query" => Some(NoUpdate::DisplayAfterQuery),
            "plain-end" => Some(NoUpdate::PlainEnd),
            _ => None,
        })?;
        set(&mut setup.wanted, &self.wants, |word| match word {
            "roaming-list" => Some(Some(Wanted::RoamingList)),
            "brew-url" => Some(Some(Wanted::BrewUrl)),
            _ => None,
        })?;
        set(&mut setup.old_phone, &self.old_phone, |words| hardware(words).map(Some))?;
        set(&mut setup.moved_to, &self.moved_to, |words| hardware(words).map(Some))?;
        setup.systems = self.systems.unwrap_or(setup.systems);
        setup.segment = self.segment.unwrap_or(setup.segment);
        setup.spc.1 = self.knows_spc;
        setup.ask_capability = self.ask_capability;
        setup.deactivated = self.deactivated;
        setup.more_blocks = self.more_blocks;
        setup.multipart = self.multipart;
        if !self.settings.is_empty() {
            send(setup, &all(&self.settings, Document::read)?, self.disorder);
        }
        let operator = &mut setup.operator;
        operator.lost_pages = self.lost_pushes;
        operator.strip_identity = self.strip_identity;
        operator.unnamed_next = self.unnamed_next;
        operator.welcome = self.welcome;
        operator.indication = self.indication;
        Ok(())
    }
}

impl Faults {
    fn tell(&self, setup: &mut Setup) -> Result<(), Unfit> {
        setup.link = all(&self.link, |words| {
            let (exchange, fault) = words.split_once(' ')?;
            let fault = match fault.split_once(' ') {
                None if fault == "no-connection" => Fault::NoConnection,
                None if fault == "request-lost" => Fault::RequestLost,
                None if fault == "reply-lost" => Fault::ReplyLost,
                Some(("reply-truncated", octets)) => Fault::ReplyTruncated(octets.parse().ok()?),
                _ => return None,
            };
            Some((exchange.parse().ok()?, fault))
        })?;
        setup.repository = all(&self.repository, |words| {
            Some(match words {
                "none" => RepositoryFault::None,
                "ignore-range" => RepositoryFault::IgnoreRange,
                "unavailable" => RepositoryFault::Unavailable,
                _ => RepositoryFault::CutAfter(words.strip_prefix("cut-after ")?.parse().ok()?),
            })
        })?;
        setup.operator.busy.clone_from(&self.busy);
        Ok(())
    }
}

fn pressed(words: &str) -> Option<Press> {
    Some(match words {
        "activate" => Press::Activate,
        "check-for-update" => Press::CheckForUpdate,
        "receive" => Press::Receive,
        "nothing" => Press::Nothing,
        _ => {
            return words
                .strip_prefix("dial ")
                .filter(|digits| *digits == STAR_CODE)
                .map(|_| Press::Dial(STAR_CODE));
        }
    })
}

#[expect(clippy::option_option, reason = "none is a word like the others")]
fn package(word: &str) -> Option<Option<Package>> {
    Some(match word {
        "none" => None,
        "delta" => Some(Package::Delta),
        "full" => Some(Package::Full),
        "unknown-key" => Some(Package::UnknownKey),
        "bad-signature" => Some(Package::BadSignature),
        "other-base" => Some(Package::OtherBase),
        "downgrade" => Some(Package::Downgrade),
        _ => return None,
    })
}

fn hardware(words: &str) -> Option<HardwareId> {
    match words.split_once(' ')? {
        ("esn", digits) => u32::from_str_radix(digits, 16).ok().map(HardwareId::Esn),
        ("meid", digits) if digits.len() == 14 => {
            let [_, octets @ ..] = u64::from_str_radix(digits, 16).ok()?.to_be_bytes();
            Some(HardwareId::Meid(octets))
        }
        _ => None,
    }
}

fn answer(words: &str) -> Option<(PromptKind, Answer)> {
    let (kind, said) = words.split_once(' ')?;
    let said = match said {
        "yes" => Answer::Yes,
        "no" => Answer::No,
        "later" => Answer::Later,
        digits => Answer::Pin(Pin::new(digits)?),
    };
    Some((super::expect::prompt(kind)?, said))
}

/// Reads a value if it is there.
fn set<T>(place: &mut T, words: &Words, read: impl Fn(&str) -> Option<T>) -> Result<(), Unfit> {
    if let Some(words) = words {
        *place = understood(words, read)?;
    }
    Ok(())
}

fn all<T>(list: &[Spanned<String>], read: impl Fn(&str) -> Option<T>) -> Result<Vec<T>, Unfit> {
    list.iter().map(|words| understood(words, &read)).collect()
}

fn understood<T>(words: &Spanned<String>, read: impl Fn(&str) -> Option<T>) -> Result<T, Unfit> {
    read(words.get_ref())
        .ok_or_else(|| (words.span().start, format!("{:?} means nothing here", words.get_ref())))
}

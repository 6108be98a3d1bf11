//! The call flows and their variants, as data: how the world is set up, what the user does, how it must end.
//!
//! Most are files, one page each, under `scenarios/` ([`mod@file`] tells how they are written); simulator, tests and boards play
//! the same ones. What a file cannot say yet is a [`Scenario`] in code.

use kedge_network::{
    AccountState, Config as OperatorConfig, ErrandState, Managed, RepositoryFault, STAR_CODE, Task,
    TransactionState, state,
};
use kedge_platform::identity::HardwareId;
use kedge_platform::ui::Answer;
use kedge_platform_sim::bearer::Fault;
use kedge_platform_sim::ui::PromptKind;

mod authentication;
pub mod expect;
mod feature;
pub mod file;
pub mod management;
mod provisioning;

use std::sync::LazyLock;

use anyhow::{Context as _, anyhow};

use crate::handset::Press;
use crate::world::{BREW_URL, Facts, OWN_VALUE};
use expect::Expect;
use file::Written;

/// Which package the operator offers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Package {
    /// The difference to what the handset is sold with.
    Delta,
    /// The whole image.
    Full,
    /// The same as [`Package::Delta`], signed with a key that the handset does not know.
    UnknownKey,
    /// The same, with one bit of the signature changed.
    BadSignature,
    /// The difference to another image.
    OtherBase,
    /// With a security counter below the handset's.
    Downgrade,
}

/// What happened to the handset before the scenario.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Before {
    /// It comes from the factory.
    Nothing,
    /// It was activated, and then given to a new subscriber with the same roaming list.
    SameList,
    /// It was activated.
    Activated,
    /// It was activated, and then given a second number, which is used from then on.
    SecondNumber,
    /// Its storage was filled in another phone, with this identity, and that one was activated.
    OtherPhone(HardwareId),
}

/// What the network wants of the handset by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wanted {
    /// A new roaming list.
    RoamingList,
    /// A new BREW URL.
    BrewUrl,
    /// A new value of the device maker's own object.
    OwnObject,
}

/// The phone that a subscriber had before.
const OLD_PHONE: HardwareId = HardwareId::Esn(0x4321_8765);

/// Whether the package is offered behind a descriptor (OMA Download).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Descriptor {
    /// No: the URL is that of the package.
    #[default]
    None,
    /// Yes.
    True,
    /// Yes, and it says another size than the package has.
    WrongSize,
}

/// How the world is when the flow begins.
#[derive(Clone, Debug)]
#[expect(clippy::struct_excessive_bools, reason = "independent choices of a scenario")]
pub struct Setup {
    /// The handset's identity.
    pub hardware: HardwareId,
    /// What the user presses.
    pub press: Press,
    /// The handset's service programming code, and whether the operator knows it.
    pub spc: ([u8; 6], bool),
    /// The code that the operator takes for it, where that is another.
    pub operator_spc: Option<[u8; 6]>,
    /// A new A-key is agreed on.
    pub a_key: bool,
    /// SPASM protects the number assignment.
    pub protected: bool,
    /// The operator can answer the challenge of a protected one.
    pub can_sign: bool,
    /// The user does not let the network begin by itself.
    pub otapa_off: bool,
    /// How far the operator's account of the handset is.
    pub account: AccountState,
    /// Ask for the capabilities first.
    pub ask_capability: bool,
    /// What happened before. With [`Before::SameList`] the operator asks which list there is.
    pub before: Before,
    /// The phone that the subscription was sold with; `None`: the handset.
    pub old_phone: Option<HardwareId>,
    /// The phone that the subscription then moves to.
    pub moved_to: Option<HardwareId>,
    /// The subscription is not in force.
    pub deactivated: bool,
    /// What the network wants of the handset by itself.
    pub wanted: Option<Wanted>,
    /// Packet data profiles and user zones come with the number assignment.
    pub more_blocks: bool,
    /// Systems in the roaming list.
    pub systems: u16,
    /// Octets of the roaming list in one message.
    pub segment: u8,
    /// Several IS-683 messages in one document, which then travels as a multipart.
    pub multipart: bool,
    /// How the operator behaves.
    pub operator: OperatorConfig,
    /// One slot instead of two.
    pub in_place: bool,
    /// What the operator offers.
    pub package: Option<Package>,
    /// How it is offered.
    pub descriptor: Descriptor,
    /// Faults of the repository, one for each request.
    pub repository: Vec<RepositoryFault>,
    /// Faults of the link, by number of the exchange.
    pub link: Vec<(u64, Fault)>,
    /// Answers the user gives once; then the answer is yes.
    pub answers: Vec<(PromptKind, Answer)>,
    /// What he answers instead of yes to all others of these.
    pub always: Vec<(PromptKind, Answer)>,
    /// The PIN that the user types whenever one is asked for.
    pub pin: Option<String>,
    /// What the network wants by device management.
    pub managed: Option<Managed>,
    /// The handset knows no URL to ask for updates at: it asks its management server.
    pub no_fota_url: bool,
    /// Short messages that arrive; the handset comes to rest between the groups.
    pub messages: Vec<Vec<Vec<u8>>>,
}

impl Setup {
    fn new(press: Press) -> Self {
        Self {
            hardware: HardwareId::Esn(0x80B0_2913),
            press,
            spc: (*b"000000", false),
            operator_spc: None,
            a_key: false,
            protected: false,
            can_sign: false,
            otapa_off: false,
            account: AccountState::Pending,
            ask_capability: false,
            before: Before::Nothing,
            old_phone: None,
            moved_to: None,
            deactivated: false,
            wanted: None,
            more_blocks: false,
            systems: 24,
            segment: 64,
            multipart: false,
            operator: OperatorConfig::default(),
            in_place: false,
            package: (press == Press::CheckForUpdate).then_some(Package::Delta),
            descriptor: Descriptor::None,
            repository: Vec::new(),
            link: Vec::new(),
            answers: Vec::new(),
            always: Vec::new(),
            pin: None,
            managed: None,
            no_fota_url: false,
            messages: Vec::new(),
        }
    }

    /// The phone that the subscription was sold with.
    pub fn owner(&self) -> HardwareId {
        self.old_phone.unwrap_or(self.hardware)
    }
}

/// The call flows, in the order in which they are listed.
pub const FLOWS: &[&str] = &[
    "one-button",
    "star-code",
    "prl-update",
    "brew-url",
    "esn-change",
    "cp-bootstrap",
    "cp-update",
    "feature-activation",
    "fota-client",
    "fota-network",
    "tunnel",
];

/// The name and the text of each file.
macro_rules! files {
    ($($name:literal)*) => {
        [$(($name, include_str!(concat!("../scenarios/", $name, ".toml")))),*]
    };
}

/// All files.
pub static FILES: [(&str, &str); 55] = files![
    "one-button"
    "one-button/capability"
    "one-button/multipart"
    "one-button/meid"
    "one-button/spc-locked"
    "one-button/spc-unknown"
    "one-button/prl-current"
    "one-button/already-activated"
    "one-button/link-lost"
    "one-button/xml"
    "one-button/long-prl"
    "one-button/more-blocks"
    "one-button/deactivated"
    "star-code"
    "star-code/no-welcome"
    "star-code/indication"
    "star-code/declined"
    "star-code/already-activated"
    "prl-update"
    "prl-update/spc-locked"
    "prl-update/pending"
    "prl-update/legacy"
    "brew-url"
    "brew-url/xml"
    "esn-change"
    "esn-change/star-code"
    "esn-change/cloned-storage"
    "fota-client"
    "fota-client/in-place"
    "fota-client/full-image"
    "fota-client/no-update"
    "fota-client/no-update-plain"
    "fota-client/deferred"
    "fota-client/resumed"
    "fota-client/no-ranges"
    "fota-client/unavailable"
    "fota-client/descriptor"
    "fota-client/descriptor-mismatch"
    "fota-client/descriptor-bad-signature"
    "fota-client/unknown-key"
    "fota-client/wrong-signature"
    "fota-client/wrong-base"
    "fota-client/downgrade"
    "esn-change/old-phone"
    "esn-change/clone-unknown"
    "cp-bootstrap"
    "cp-bootstrap/netwpin"
    "cp-bootstrap/usernetwpin"
    "cp-bootstrap/userpinmac"
    "cp-bootstrap/mistyped"
    "cp-bootstrap/wrong-pin"
    "cp-bootstrap/tampered"
    "cp-bootstrap/unsigned"
    "cp-bootstrap/disorder"
    "cp-update"
];

/// One flow or variant that can be played.
#[derive(Clone, Debug)]
pub struct Script {
    /// Its name on the command line.
    pub name: &'static str,
    /// What happens in it.
    pub title: &'static str,
    setup: Setup,
    end: Ends,
}

/// How a script says how it must end.
#[derive(Clone, Debug)]
enum Ends {
    Written(Expect),
    Coded(fn(&Facts) -> Result<(), String>),
}

impl Script {
    /// The call flow it belongs to: its name up to the slash.
    pub fn flow(&self) -> &'static str {
        self.name.split('/').next().unwrap_or_default()
    }

    /// Whether it is the flow itself and no variant.
    pub fn is_main(&self) -> bool {
        self.flow() == self.name
    }

    /// How the world is when it begins.
    pub fn setup(&self) -> Setup {
        self.setup.clone()
    }

    /// Whether the end is the right one; the error says what is not.
    pub fn check(&self, facts: &Facts) -> Result<(), String> {
        match &self.end {
            Ends::Written(expect) => expect.check(facts),
            Ends::Coded(check) => check(facts),
        }
    }
}

impl From<Written> for Script {
    /// Names live as long as the program: it reads a handful of files.
    fn from(Written { name, title, setup, expect }: Written) -> Self {
        Self { name: name.leak(), title: title.leak(), setup, end: Ends::Written(expect) }
    }
}

impl From<&Scenario> for Script {
    fn from(scenario: &Scenario) -> Self {
        let Scenario { name, title, check, .. } = *scenario;
        Self { name, title, setup: scenario.setup(), end: Ends::Coded(check) }
    }
}

/// Everything that can be played, in the order of [`FLOWS`].
pub fn scripts() -> &'static [Script] {
    static ALL: LazyLock<Vec<Script>> = LazyLock::new(|| {
        // a file that is wrong is left out; a test reads all of them
        let written = FILES.iter().filter_map(|(_, text)| Written::read(text).ok()).map(Script::from);
        let mut all: Vec<Script> = written.chain(SCENARIOS.iter().map(Script::from)).collect();
        all.sort_by_key(|script| FLOWS.iter().position(|flow| *flow == script.flow()));
        all
    });
    &ALL
}

/// One flow or variant that is no file.
#[derive(Clone, Copy, Debug)]
pub struct Scenario {
    /// Its name on the command line.
    pub name: &'static str,
    /// What happens in it.
    pub title: &'static str,
    /// Changes to the flow's usual setup.
    pub set: fn(&mut Setup),
    /// Whether the end is the right one; the error says what is not.
    pub check: fn(&Facts) -> Result<(), String>,
}

impl Scenario {
    fn flow(&self) -> &'static str {
        self.name.split('/').next().unwrap_or_default()
    }

    /// How the world is when it begins.
    fn setup(&self) -> Setup {
        let mut setup = Setup::new(match self.flow() {
            "one-button" | "esn-change" => Press::Activate,
            "star-code" => Press::Dial(STAR_CODE),
            "prl-update" | "brew-url" | "fota-network" | "tunnel" => Press::Nothing,
            "cp-bootstrap" | "cp-update" => Press::Receive,
            "feature-activation" => feature::press(self.name),
            _ => Press::CheckForUpdate,
        });
        match self.flow() {
            "star-code" => setup.operator.welcome = true,
            "prl-update" => (setup.before, setup.wanted) = (Before::Activated, Some(Wanted::RoamingList)),
            "brew-url" => setup.wanted = Some(Wanted::BrewUrl),
            "fota-network" => setup.package = Some(Package::Delta),
            "esn-change" => (setup.old_phone, setup.moved_to) = (Some(OLD_PHONE), Some(setup.hardware)),
            _ => {}
        }
        (self.set)(&mut setup);
        setup
    }
}

/// All that are no files.
pub static SCENARIOS: &[Scenario] = &joined();

/// How many there are.
const COUNT: usize = ONES.len() + feature::FLOWS.as_flattened().len();

/// The flows that are listed here, then those of features, of which there are many alike.
const fn joined() -> [Scenario; COUNT] {
    let mut all = [ONES[0]; COUNT];
    let parts = [ONES, feature::FLOWS.as_flattened()];
    let (mut part, mut done) = (0, 0);
    while part < parts.len() {
        let mut place = 0;
        while place < parts[part].len() {
            all[done] = parts[part][place];
            (place, done) = (place + 1, done + 1);
        }
        part += 1;
    }
    all
}

/// The flows that are listed one by one.
const ONES: &[Scenario] = &[
    authentication::FLOWS[0],
    authentication::FLOWS[1],
    authentication::FLOWS[2],
    authentication::FLOWS[3],
    authentication::FLOWS[4],
    authentication::FLOWS[5],
    Scenario {
        name: "brew-url/own-object",
        title: "the same for an object that the device maker has registered",
        set: |s| s.wanted = Some(Wanted::OwnObject),
        check: |f| {
            let errand = f.errand.as_ref().ok_or("nothing was wanted")?;
            require(
                errand.state == ErrandState::Done && errand.completions == 1,
                &format!("the change is {:?}", errand.state),
            )?;
            require(f.own_object == OWN_VALUE, &format!("the object is {:?}", f.own_object))
        },
    },
    management::FLOWS[0],
    management::FLOWS[1],
    management::FLOWS[2],
    management::FLOWS[3],
    management::FLOWS[4],
    management::FLOWS[5],
    management::FLOWS[6],
    management::FLOWS[7],
    management::FLOWS[8],
    management::FLOWS[9],
    management::FLOWS[10],
    management::FLOWS[11],
    management::FLOWS[12],
    management::FLOWS[13],
    management::FLOWS[14],
    management::FLOWS[15],
    management::FLOWS[16],
    management::FLOWS[17],
    management::FLOWS[18],
    management::FLOWS[19],
];

/// The script of that name.
pub fn find(name: &str) -> Option<&'static Script> {
    scripts().iter().find(|script| script.name == name)
}

/// Whether that is the name of a file, not of a script.
pub fn is_file(name: &str) -> bool {
    std::path::Path::new(name).extension().is_some_and(|extension| extension == "toml")
}

/// The script of that name, or the one that is written in the file of that name.
pub fn named(name: &str) -> anyhow::Result<&'static Script> {
    if !is_file(name) {
        return find(name).with_context(|| format!("no flow {name:?}; --list shows all"));
    }
    let text = std::fs::read_to_string(name).with_context(|| name.to_owned())?;
    let written = Written::read(&text).map_err(|wrong| anyhow!("{name}:{wrong}"))?;
    Ok(Box::leak(Box::new(written.into())))
}

fn require(holds: bool, otherwise: &str) -> Result<(), String> {
    if holds { Ok(()) } else { Err(otherwise.to_owned()) }
}

fn activated(f: &Facts) -> Result<(), String> {
    require(f.account.state == AccountState::Activated, &format!("the account is {:?}", f.account.state))?;
    require(f.account.activations == 1, &format!("{} activations were counted", f.account.activations))?;
    require(f.account.refusals.is_empty(), &format!("refused: {:?}", f.account.refusals))?;
    require(f.nam == f.account.nam_blocks(), "the handset holds another number assignment")?;
    require(f.prl == f.account.profile.prl, "the handset holds another roaming list")?;
    let registered = f.registration.as_ref().is_some_and(|r| r.nam == f.nam && r.prl == f.prl);
    require(registered, "the radio is not registered with what was committed")?;
    require(
        f.activation.committed && f.activation.confirmed && f.activation.registered,
        "the activation is not complete",
    )
}

/// The new list is in use, was committed once, and nobody was shown anything.
fn list_updated(f: &Facts) -> Result<(), String> {
    let errand = f.errand.as_ref().ok_or("nothing was wanted")?;
    require(errand.state == ErrandState::Done, &format!("the update is {:?}", errand.state))?;
    require(errand.completions == 1, &format!("{} updates were counted", errand.completions))?;
    require(errand.refusals.is_empty(), &format!("refused: {:?}", errand.refusals))?;
    require(
        matches!(&errand.task, Task::RoamingList(list) if *list == f.prl),
        "the handset holds another list",
    )?;
    require(f.nam == f.account.nam_blocks(), "the number assignment changed")?;
    require(
        f.registration.as_ref().is_some_and(|r| r.prl == f.prl && r.nam == f.nam),
        "the radio uses another list",
    )?;
    require(f.shown.is_empty(), &format!("the user was shown {:?}", f.shown))
}

fn brew_url_set(f: &Facts) -> Result<(), String> {
    let errand = f.errand.as_ref().ok_or("nothing was wanted")?;
    require(errand.state == ErrandState::Done, &format!("the change is {:?}", errand.state))?;
    require(errand.completions == 1, &format!("{} changes were counted", errand.completions))?;
    require(f.brew_url == BREW_URL, &format!("the BREW URL is {:?}", f.brew_url))?;
    require(f.shown.is_empty(), &format!("the user was shown {:?}", f.shown))
}

fn already_activated(f: &Facts) -> Result<(), String> {
    require(f.shown.iter().any(|s| s.kind == PromptKind::Notice), "the user was not told")?;
    unprogrammed(f)
}

fn locked_out(f: &Facts) -> Result<(), String> {
    require(!f.account.refusals.is_empty(), "the handset refused nothing")?;
    require(f.account.activations == 0, "an activation was counted")?;
    unprogrammed(f)
}

fn unprogrammed(f: &Facts) -> Result<(), String> {
    require(f.nam.is_empty() && f.prl.is_empty() && !f.activation.committed, "something was stored")
}

fn updated(f: &Facts) -> Result<(), String> {
    require(f.version == f.versions[1], &format!("version {} runs", f.version))?;
    let transaction = f.transaction.as_ref().ok_or("no transaction")?;
    let success = u16::from(kedge_agent::state::SUCCESSFUL);
    let reported =
        transaction.state == TransactionState::Reported(success) && success == state::SUCCESSFUL_NO_DATA;
    require(reported, &format!("the operator has {:?}", transaction.state))?;
    require(transaction.reports == 1, &format!("{} reports were taken", transaction.reports))?;
    require(f.reports_left == 0, "a report is still in the outbox")?;
    require(f.confirmed, "the new firmware is not confirmed")
}

/// The download was reported so at last; a session that was lost before may have said otherwise.
fn reported(f: &Facts, report: &str) -> Result<(), String> {
    let last = f.download_reports.last();
    require(last.is_some_and(|last| last == report), &format!("reported {:?}", f.download_reports))
}

fn no_update(f: &Facts) -> Result<(), String> {
    require(f.shown.iter().any(|s| s.kind == PromptKind::NoUpdate), "the user was not told")?;
    require(f.version == f.versions[0], "another version runs")
}

fn refused(f: &Facts) -> Result<(), String> {
    let transaction = f.transaction.as_ref().ok_or("no transaction")?;
    require(!transaction.downloads.is_empty(), "the package was not downloaded")?;
    require(transaction.downloads.iter().all(|code| *code != 0), "the download was called a success")?;
    require(f.version == f.versions[0], "another version runs")?;
    require(f.image_erases == 0, "the image was touched")?;
    require(f.shown.iter().any(|s| s.kind == PromptKind::UpdateRefused), "the user was not told")?;
    require(!f.shown.iter().any(|s| s.kind == PromptKind::InstallUpdate), "the user was asked to install it")
}

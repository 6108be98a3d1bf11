//! The call flows and their variants, as data: how the world is set up, what the user does, how it must end.

use kedge_network::{
    AccountState, Coding, Config as OperatorConfig, ErrandState, FALLBACK, Managed, NoUpdate,
    RepositoryFault, STAR_CODE, Task, TransactionState, WELCOME, state,
};
use kedge_platform::identity::HardwareId;
use kedge_platform::ui::Answer;
use kedge_platform_sim::bearer::Fault;
use kedge_platform_sim::ui::PromptKind;

mod authentication;
pub mod management;
mod provisioning;

use crate::handset::Press;
use crate::world::{BREW_URL, Facts, OWN_VALUE};

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

/// One flow or variant.
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
        let mut setup = Setup::new(match self.flow() {
            "one-button" | "esn-change" => Press::Activate,
            "star-code" => Press::Dial(STAR_CODE),
            "prl-update" | "brew-url" | "fota-network" | "tunnel" => Press::Nothing,
            "cp-bootstrap" | "cp-update" => Press::Receive,
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

/// All of them, in the order of the call-flow list.
pub static SCENARIOS: &[Scenario] = &[
    Scenario {
        name: "one-button",
        title: "a new handset activates itself over the air",
        set: |_| {},
        check: activated,
    },
    Scenario {
        name: "one-button/capability",
        title: "the operator asks what the handset can do, and talks XML",
        set: |s| {
            s.ask_capability = true;
            s.operator.coding = Coding::Xml;
        },
        check: activated,
    },
    Scenario {
        name: "one-button/multipart",
        title: "several IS-683 messages in one document",
        set: |s| s.multipart = true,
        check: activated,
    },
    Scenario {
        name: "one-button/meid",
        title: "a handset with an MEID behind a gateway that strips identity headers",
        set: |s| {
            s.hardware = HardwareId::Meid([0xA1, 0, 0, 0, 0xDE, 0xAD, 0xBE]);
            s.operator.strip_identity = true;
        },
        check: activated,
    },
    Scenario {
        name: "one-button/spc-locked",
        title: "the service programming lock must be opened first",
        set: |s| s.spc = (*b"123456", true),
        check: activated,
    },
    Scenario {
        name: "one-button/spc-unknown",
        title: "the operator does not know the service programming code",
        set: |s| s.spc = (*b"123456", false),
        check: locked_out,
    },
    Scenario {
        name: "one-button/prl-current",
        title: "the roaming list is the current one and is not sent again",
        set: |s| s.before = Before::SameList,
        check: |f| {
            activated(f)?;
            require(f.account.prl_current, "the operator sent the roaming list again")
        },
    },
    Scenario {
        name: "one-button/already-activated",
        title: "a handset that was activated before is told so, and stops",
        set: |s| s.account = AccountState::Activated,
        check: already_activated,
    },
    Scenario {
        name: "one-button/link-lost",
        title: "requests and answers are lost on the way",
        set: |s| s.link = vec![(0, Fault::RequestLost), (2, Fault::ReplyLost), (5, Fault::ReplyTruncated(9))],
        check: activated,
    },
    Scenario {
        name: "one-button/xml",
        title: "the same, with documents in XML",
        set: |s| s.operator.coding = Coding::Xml,
        check: activated,
    },
    Scenario {
        name: "one-button/long-prl",
        title: "a roaming list of more than 8 KiB, in segments of 251 octets",
        set: |s| (s.systems, s.segment, s.multipart) = (1900, 251, true),
        check: |f| {
            activated(f)?;
            require(f.prl.len() > 8192, &format!("the list has {} octets", f.prl.len()))
        },
    },
    Scenario {
        name: "one-button/more-blocks",
        title: "packet data profiles and user zones in the same session",
        set: |s| s.more_blocks = true,
        check: |f| {
            activated(f)?;
            let profile = &f.account.profile;
            let sent = profile.packet_data.len() + profile.zones.len();
            let kept = |(id, data): &(u8, Vec<u8>)| f.blocks.iter().any(|(_, i, d)| (i, d) == (id, data));
            let whole = profile.packet_data.iter().chain(&profile.zones).all(kept);
            require(whole && sent == 4 && f.blocks.len() == sent, "the handset holds other blocks")
        },
    },
    Scenario {
        name: "one-button/deactivated",
        title: "a subscription that is not in force is not activated",
        set: |s| s.deactivated = true,
        check: already_activated,
    },
    authentication::FLOWS[0],
    authentication::FLOWS[1],
    authentication::FLOWS[2],
    Scenario {
        name: "star-code",
        title: "the user dials *228; a text, then a push message, and the handset activates itself",
        set: |_| {},
        check: |f| {
            activated(f)?;
            let welcomed = f.shown.iter().any(|s| s.texts.iter().any(|text| text == WELCOME));
            require(welcomed, "the welcome text was not shown")
        },
    },
    Scenario {
        name: "star-code/no-welcome",
        title: "the same without a text",
        set: |s| s.operator.welcome = false,
        check: activated,
    },
    Scenario {
        name: "star-code/indication",
        title: "the push asks the user first",
        set: |s| s.operator.indication = true,
        check: activated,
    },
    Scenario {
        name: "star-code/declined",
        title: "the push asks the user first, who says no",
        set: |s| {
            s.operator.indication = true;
            s.answers = vec![(PromptKind::Confirm, Answer::No)];
        },
        check: |f| {
            require(f.exchanges == 0, "the handset went to the operator")?;
            unprogrammed(f)
        },
    },
    Scenario {
        name: "star-code/already-activated",
        title: "the voice system tells the error, and no push follows",
        set: |s| s.account = AccountState::Activated,
        check: |f| {
            require(f.exchanges == 0 && f.shown.is_empty(), "something followed the call")?;
            unprogrammed(f)
        },
    },
    Scenario {
        name: "prl-update",
        title: "the network replaces the roaming list; the user sees nothing of it",
        set: |_| {},
        check: list_updated,
    },
    Scenario {
        name: "prl-update/spc-locked",
        title: "the service programming lock must be opened first",
        set: |s| s.spc = (*b"123456", true),
        check: list_updated,
    },
    Scenario {
        name: "prl-update/pending",
        title: "two pushes are lost; the update waits until the third arrives",
        set: |s| s.operator.lost_pages = 2,
        check: |f| {
            list_updated(f)?;
            require(
                f.errand.as_ref().is_some_and(|e| e.pages == 3 && !e.legacy),
                "the third push did not do it",
            )
        },
    },
    Scenario {
        name: "prl-update/legacy",
        title: "no push arrives, and the list comes by data bursts instead",
        set: |s| s.operator.lost_pages = FALLBACK,
        check: |f| {
            list_updated(f)?;
            require(f.errand.as_ref().is_some_and(|e| e.legacy), "the legacy bearer was not used")
        },
    },
    authentication::FLOWS[3],
    authentication::FLOWS[4],
    authentication::FLOWS[5],
    Scenario {
        name: "brew-url",
        title: "the network changes the BREW URL",
        set: |_| {},
        check: brew_url_set,
    },
    Scenario {
        name: "brew-url/xml",
        title: "the same, with documents in XML",
        set: |s| s.operator.coding = Coding::Xml,
        check: brew_url_set,
    },
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
    Scenario {
        name: "esn-change",
        title: "a new phone takes over the subscription of the old one",
        set: |_| {},
        check: activated,
    },
    Scenario {
        name: "esn-change/star-code",
        title: "the same, by dialling *228",
        set: |s| s.press = Press::Dial(STAR_CODE),
        check: activated,
    },
    Scenario {
        name: "esn-change/old-phone",
        title: "the old phone gets nothing any more, and keeps what it has",
        set: |s| {
            (s.hardware, s.moved_to) = (OLD_PHONE, Some(HardwareId::Esn(0x80B0_2913)));
            s.before = Before::Activated;
        },
        check: |f| {
            require(
                f.account.new_hardware.is_some() && f.account.activations == 0,
                "the old phone was served",
            )?;
            require(f.shown.iter().any(|s| s.kind == PromptKind::Notice), "the user was not told")?;
            require(f.nam == f.account.nam_blocks() && f.registrations == 0, "its settings changed")
        },
    },
    Scenario {
        name: "esn-change/cloned-storage",
        title: "the new phone holds a copy of the old one's storage: it counts as not activated, and is",
        set: |s| s.before = Before::OtherPhone(OLD_PHONE),
        check: activated,
    },
    Scenario {
        name: "esn-change/clone-unknown",
        title: "a phone with a copied storage that nobody has sold does not come to life",
        set: |s| (s.before, s.moved_to) = (Before::OtherPhone(OLD_PHONE), None),
        check: |f| {
            require(!f.activation.committed, "the copy counts as activated")?;
            require(f.registrations == 0, "the copy has registered")?;
            require(f.shown.iter().any(|s| s.kind == PromptKind::Notice), "the user was not told")
        },
    },
    Scenario {
        name: "fota-client",
        title: "the user looks for an update and installs it, into the other slot",
        set: |_| {},
        check: updated,
    },
    Scenario {
        name: "fota-client/in-place",
        title: "the same on a handset with one slot: the image is rewritten in place",
        set: |s| s.in_place = true,
        check: updated,
    },
    Scenario {
        name: "fota-client/full-image",
        title: "the package holds the whole image",
        set: |s| s.package = Some(Package::Full),
        check: updated,
    },
    Scenario {
        name: "fota-client/no-update",
        title: "there is no update",
        set: |s| s.package = None,
        check: no_update,
    },
    Scenario {
        name: "fota-client/no-update-plain",
        title: "there is no update, and the session just ends",
        set: |s| {
            s.package = None;
            s.operator.no_update = NoUpdate::PlainEnd;
        },
        check: no_update,
    },
    Scenario {
        name: "fota-client/deferred",
        title: "the user says later at each of the three questions",
        set: |s| {
            let later = [PromptKind::InstallUpdate, PromptKind::ReleaseNotes, PromptKind::Disclaimer];
            s.answers = later.into_iter().map(|kind| (kind, Answer::Later)).collect();
        },
        check: |f| {
            updated(f)?;
            let asked = f.shown.iter().filter(|s| s.kind == PromptKind::InstallUpdate).count();
            require(asked == 4, "the user was not asked four times")
        },
    },
    Scenario {
        name: "fota-client/resumed",
        title: "the download breaks off twice and is resumed by range",
        set: |s| {
            s.package = Some(Package::Full);
            s.repository = vec![RepositoryFault::CutAfter(1700), RepositoryFault::CutAfter(900)];
        },
        check: |f| {
            updated(f)?;
            require(f.partial >= 1, "no range was asked for")
        },
    },
    Scenario {
        name: "fota-client/no-ranges",
        title: "the download breaks off and the server answers 200 instead of 206",
        set: |s| {
            s.package = Some(Package::Full);
            s.repository = vec![RepositoryFault::CutAfter(1100), RepositoryFault::IgnoreRange];
        },
        check: updated,
    },
    Scenario {
        name: "fota-client/unavailable",
        title: "the repository is down for a while",
        set: |s| s.repository = vec![RepositoryFault::Unavailable, RepositoryFault::Unavailable],
        check: updated,
    },
    Scenario {
        name: "fota-client/descriptor",
        title: "the package is offered by a descriptor, and its download is reported",
        set: |s| s.descriptor = Descriptor::True,
        check: |f| {
            updated(f)?;
            reported(f, "900 Success")
        },
    },
    Scenario {
        name: "fota-client/descriptor-mismatch",
        title: "the package has another size than its descriptor says, and is not fetched",
        set: |s| s.descriptor = Descriptor::WrongSize,
        check: |f| {
            refused(f)?;
            reported(f, "905 Attribute mismatch")
        },
    },
    Scenario {
        name: "fota-client/descriptor-bad-signature",
        title: "the package behind the descriptor is refused by its signature",
        set: |s| {
            s.descriptor = Descriptor::True;
            s.package = Some(Package::BadSignature);
        },
        check: |f| {
            refused(f)?;
            reported(f, "953 Non-Acceptable Content")
        },
    },
    Scenario {
        name: "fota-client/unknown-key",
        title: "the package is signed with an unknown key and refused",
        set: |s| s.package = Some(Package::UnknownKey),
        check: refused,
    },
    Scenario {
        name: "fota-client/wrong-signature",
        title: "the package's signature is wrong and it is refused",
        set: |s| s.package = Some(Package::BadSignature),
        check: refused,
    },
    Scenario {
        name: "fota-client/wrong-base",
        title: "the package is for another installed image and refused",
        set: |s| s.package = Some(Package::OtherBase),
        check: refused,
    },
    Scenario {
        name: "fota-client/downgrade",
        title: "the package has a lower security counter and is refused",
        set: |s| s.package = Some(Package::Downgrade),
        check: refused,
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
    provisioning::FLOWS[0],
    provisioning::FLOWS[1],
    provisioning::FLOWS[2],
    provisioning::FLOWS[3],
    provisioning::FLOWS[4],
    provisioning::FLOWS[5],
    provisioning::FLOWS[6],
    provisioning::FLOWS[7],
    provisioning::FLOWS[8],
    provisioning::FLOWS[9],
];

/// The scenario of that name.
pub fn find(name: &str) -> Option<&'static Scenario> {
    SCENARIOS.iter().find(|s| s.name == name)
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

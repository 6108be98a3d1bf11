//! The call flows and their variants, as data: how the world is set up, what the user does, how it must end.

use kedge_network::{
    AccountState, Coding, Config as OperatorConfig, NoUpdate, RepositoryFault, TransactionState, state,
};
use kedge_platform::identity::HardwareId;
use kedge_platform::ui::Answer;
use kedge_platform_sim::bearer::Fault;
use kedge_platform_sim::ui::PromptKind;

mod provisioning;

use crate::handset::Press;
use crate::world::Facts;

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
    /// How far the operator's account of the handset is.
    pub account: AccountState,
    /// Ask for the capabilities first.
    pub ask_capability: bool,
    /// The handset has the roaming list already, and the operator asks which one it has.
    pub prl_current: bool,
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
    /// Short messages that arrive; the handset comes to rest between the groups.
    pub messages: Vec<Vec<Vec<u8>>>,
}

impl Setup {
    fn new(press: Press) -> Self {
        Self {
            hardware: HardwareId::Esn(0x80B0_2913),
            press,
            spc: (*b"000000", false),
            account: AccountState::Pending,
            ask_capability: false,
            prl_current: false,
            multipart: false,
            operator: OperatorConfig::default(),
            in_place: false,
            package: (press == Press::CheckForUpdate).then_some(Package::Delta),
            descriptor: Descriptor::None,
            repository: Vec::new(),
            link: Vec::new(),
            answers: Vec::new(),
            pin: None,
            messages: Vec::new(),
        }
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
        let press = match self.flow() {
            "one-button" => Press::Activate,
            "fota-client" => Press::CheckForUpdate,
            _ => Press::Receive,
        };
        let mut setup = Setup::new(press);
        (self.set)(&mut setup);
        setup
    }
}

/// All of them, in the order of the call-flow list.
pub static SCENARIOS: [Scenario; 35] = [
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
        set: |s| s.prl_current = true,
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

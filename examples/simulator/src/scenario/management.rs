//! Device management by OMA-DM: firmware updates that the network begins, and those that the user asks for; settings, the roaming
//! list and provisioning documents, through the tree and its tunnel.

use kedge_network::client_provisioning::document;
use kedge_network::{DmOrder, DmSay, DmValue, Managed, TransactionState, UpdateWay};
use kedge_platform::ui::Answer;
use kedge_platform_sim::ui::PromptKind;

use super::provisioning::{applied, bootstrap_settings};
use super::{Package, Scenario, Setup, require};
use crate::world::{BREW_URL, Facts};

/// What the new firmware needs, in the scenarios with provisioning after the update: the name of the account.
pub const NEW_NAME: &str = "Operator, with the new service";

/// The result codes of firmware updates (`fumo-dlota.md` 1.4).
mod result {
    pub(super) const SUCCESS: u16 = 200;
    pub(super) const USER_CANCELLED: u16 = 401;
    pub(super) const MISMATCH: u16 = 403;
    pub(super) const NOT_VALIDATED: u16 = 404;
    /// Those of software components (`fumo-dlota.md` 3).
    pub(super) const COMPONENT_SUCCESS: u16 = 1200;
    pub(super) const COMPONENT_CANCELLED: u16 = 1401;
    pub(super) const COMPONENT_NOT_VALIDATED: u16 = 1407;
}

/// The flows `fota-network` and `tunnel`, and the variants of other flows over OMA-DM.
pub(super) const FLOWS: [Scenario; 20] = [
    Scenario {
        name: "fota-network",
        title: "the network offers an update by OMA-DM; the user installs it",
        set: |s| offer(s, None),
        check: updated,
    },
    Scenario {
        name: "fota-network/in-place",
        title: "the same on a handset with one slot",
        set: |s| {
            offer(s, None);
            s.in_place = true;
        },
        check: updated,
    },
    Scenario {
        name: "fota-network/deferred",
        title: "the update is optional; the user says later three times",
        set: |s| {
            offer(s, None);
            s.answers = vec![(PromptKind::InstallUpdate, Answer::Later); 3];
        },
        check: |f| {
            updated(f)?;
            require(asked(f) == 4, "the user was not asked four times")
        },
    },
    Scenario {
        name: "fota-network/declined",
        title: "the update is optional; the user says no, and the server is told so",
        set: |s| {
            offer(s, None);
            // He says it again if the power failed before his answer was kept.
            s.answers = vec![(PromptKind::InstallUpdate, Answer::No); 3];
        },
        check: |f| failed(f, result::USER_CANCELLED),
    },
    Scenario {
        name: "fota-network/mandatory",
        title: "after two deferrals the handset updates itself without asking",
        set: |s| {
            offer(s, Some(2));
            s.answers =
                vec![(PromptKind::InstallUpdate, Answer::No), (PromptKind::InstallUpdate, Answer::Later)];
        },
        check: |f| {
            updated(f)?;
            require(asked(f) == 2, "the user was not asked twice")
        },
    },
    Scenario {
        name: "fota-network/post-provisioning",
        title: "what the new firmware needs follows in the session that reports its success",
        set: |s| {
            let name = DmValue::text("./DMAcc/1/Name", NEW_NAME);
            let afterwards = vec![DmSay::new(DmOrder::Replace(name)).expecting(200)];
            let task = Managed::Update {
                transaction: 1,
                way: UpdateWay::Fetched,
                by_network: true,
                most_deferrals: None,
                afterwards,
            };
            s.managed = Some(task);
        },
        check: |f| {
            updated(f)?;
            let done = f.management.as_ref().is_some_and(|management| management.completions >= 1);
            require(
                done && f.leaf("DMAcc/1/Name").as_deref() == Some(NEW_NAME),
                "what the new firmware needs is not there",
            )
        },
    },
    Scenario {
        name: "fota-network/wrong-signature",
        title: "the package's signature is wrong: nothing is installed, and the server is told why",
        set: |s| {
            offer(s, None);
            s.package = Some(Package::BadSignature);
        },
        check: |f| failed(f, result::NOT_VALIDATED),
    },
    Scenario {
        name: "fota-network/wrong-base",
        title: "the package is for another installed image",
        set: |s| {
            offer(s, None);
            s.package = Some(Package::OtherBase);
        },
        check: |f| failed(f, result::MISMATCH),
    },
    Scenario {
        name: "fota-network/direct",
        title: "the package travels in the management session, in pieces",
        set: |s| offer_by(s, UpdateWay::Direct, None),
        check: |f| {
            updated(f)?;
            require(f.package_requests == 0, "the package was fetched")
        },
    },
    Scenario {
        name: "fota-network/component",
        title: "the update is a software component, which the server has downloaded and installed",
        set: |s| offer_by(s, UpdateWay::Component, None),
        check: |f| {
            require(f.version == f.versions[1], &format!("version {} runs", f.version))?;
            reported(f, result::COMPONENT_SUCCESS)?;
            let state = f.leaf("SCOMO/Inventory/Deployed/firmware/State");
            require(state.as_deref() == Some("20"), &format!("the component's state is {state:?}"))?;
            let id = f.leaf("SCOMO/Inventory/Deployed/firmware/ID");
            require(id.as_deref() == Some("org.example.firmware"), &format!("the component is {id:?}"))
        },
    },
    Scenario {
        name: "fota-network/component-declined",
        title: "the user does not want the component: it stays delivered, and the server is told so",
        set: |s| {
            offer_by(s, UpdateWay::Component, None);
            s.answers = vec![(PromptKind::InstallUpdate, Answer::No); 3];
        },
        check: |f| {
            failed(f, result::COMPONENT_CANCELLED)?;
            let id = f.leaf("SCOMO/Inventory/Delivered/firmware/PkgID");
            require(id.as_deref() == Some("org.example.firmware"), "the package is not delivered")?;
            require(f.leaf("SCOMO/Inventory/Deployed/firmware/State").is_none(), "it counts as installed")
        },
    },
    Scenario {
        name: "fota-network/component-wrong-signature",
        title: "the component's package is refused, and the server is told why",
        set: |s| {
            offer_by(s, UpdateWay::Component, None);
            s.package = Some(Package::BadSignature);
        },
        check: |f| {
            failed(f, result::COMPONENT_NOT_VALIDATED)?;
            let status = f.leaf("SCOMO/Download/firmware/Status");
            require(status.as_deref() == Some("20"), &format!("the status is {status:?}"))
        },
    },
    Scenario {
        name: "fota-client/oma-dm",
        title: "the user looks for an update, and the management server commands it",
        set: |s| {
            let task = Managed::Update {
                transaction: 1,
                way: UpdateWay::Fetched,
                by_network: false,
                most_deferrals: None,
                afterwards: Vec::new(),
            };
            s.managed = Some(task);
            s.no_fota_url = true;
        },
        check: updated,
    },
    Scenario {
        name: "brew-url/oma-dm",
        title: "the network changes the BREW URL by OMA-DM",
        set: |s| {
            let url = DmValue::text("./BREW/ServerURL", BREW_URL);
            command(s, DmSay::new(DmOrder::Replace(url)).expecting(200));
        },
        check: |f| {
            require(f.brew_url == BREW_URL, &format!("the BREW URL is {:?}", f.brew_url))?;
            done_unseen(f)
        },
    },
    Scenario {
        name: "prl-update/oma-dm",
        title: "the network replaces the roaming list by IS-683 messages in the tunnel",
        set: |s| {
            s.wanted = None;
            // The world knows the list.
            s.managed = Some(Managed::RoamingList(Vec::new()));
        },
        check: |f| {
            let management = f.management.as_ref().ok_or("nothing was wanted")?;
            let list = matches!(&management.task, Managed::RoamingList(list) if *list == f.prl);
            require(list, "the handset holds another list")?;
            require(f.registration.as_ref().is_some_and(|r| r.prl == f.prl), "the radio uses another list")?;
            done_unseen(f)
        },
    },
    Scenario {
        name: "tunnel",
        title: "a provisioning document travels inside a management session; the user agrees",
        set: tunnelled,
        check: |f| {
            applied(f)?;
            require(is_done(f), "the server does not know")
        },
    },
    Scenario {
        name: "tunnel/declined",
        title: "the same, and the user says no",
        set: |s| {
            tunnelled(s);
            s.answers = vec![(PromptKind::ApplySettings, Answer::No); 3];
        },
        check: |f| {
            require(is_done(f), "the server does not know")?;
            require(f.settings.is_empty(), "settings were stored")
        },
    },
    Scenario {
        name: "tunnel/unknown-type",
        title: "content that nothing handles is refused by a status, and changes nothing",
        set: |s| {
            let order = DmOrder::tunnel("application/x-nobody", b"something".to_vec());
            command(s, DmSay::new(order).expecting(415));
        },
        check: |f| {
            require(f.settings.is_empty() && f.nam.is_empty(), "something was stored")?;
            done_unseen(f)
        },
    },
    Scenario {
        name: "tunnel/questions",
        title: "the server lets the user choose, and asks for a text, of which it has a proposal and gets no other",
        set: |s| {
            let ask = |code, texts: &[&str]| {
                let texts = texts.iter().map(|text| (*text).to_owned()).collect();
                DmSay::new(DmOrder::Alert(code, texts)).expecting(200)
            };
            s.wanted = None;
            s.managed = Some(Managed::Commands(vec![
                ask(1102, &["MAXDT=30&MAXLEN=20&IT=T&DR=Jane+D%2E", "Your name?"]),
                ask(1103, &["MAXDT=30", "Which plan?", "Small", "Large"]),
                ask(1104, &["DR=1-3", "Which services?", "Mail", "Web", "Maps"]),
            ]));
            // He says so as often as he is asked: a session may be lost.
            s.always =
                vec![(PromptKind::EnterText, Answer::Later), (PromptKind::Choose, Answer::Chosen(0b10))];
        },
        check: |f| {
            require(is_done(f), "the server does not know")?;
            let told: Vec<String> = f.told.iter().map(|texts| texts.join(",")).collect();
            let right = told.ends_with(&["Jane D.", "2", "2"].map(str::to_owned));
            require(right, &format!("the server was told {told:?}"))
        },
    },
    Scenario {
        name: "tunnel/features",
        title: "the server reads which features are active",
        set: |s| {
            let active = |feature: &str| {
                let get = DmOrder::Get(format!("./Features/{feature}/Active"));
                DmSay { value: Some(b"false".to_vec()), ..DmSay::new(get).expecting(200) }
            };
            s.managed = Some(Managed::Commands(["MobileWeb", "Touch2Talk"].map(active).to_vec()));
        },
        check: done_unseen,
    },
];

/// The network commands this.
fn command(setup: &mut Setup, say: DmSay) {
    setup.wanted = None;
    setup.managed = Some(Managed::Commands(vec![say]));
}

/// The network sends a provisioning document through the tunnel.
fn tunnelled(setup: &mut Setup) {
    let document = document(&bootstrap_settings()).unwrap_or_default();
    let order = DmOrder::tunnel("application/vnd.wap.connectivity-wbxml", document);
    command(setup, DmSay::new(order).expecting(202));
}

fn is_done(f: &Facts) -> bool {
    f.management.as_ref().is_some_and(|management| management.completions >= 1)
}

fn done_unseen(f: &Facts) -> Result<(), String> {
    require(is_done(f), "the server does not know")?;
    require(f.shown.is_empty(), &format!("the user was shown {:?}", f.shown))
}

/// The network offers the update, which the user may defer so often.
fn offer(setup: &mut Setup, most_deferrals: Option<u16>) {
    offer_by(setup, UpdateWay::Fetched, most_deferrals);
}

fn offer_by(setup: &mut Setup, way: UpdateWay, most_deferrals: Option<u16>) {
    let afterwards = Vec::new();
    let task = Managed::Update { transaction: 1, way, by_network: true, most_deferrals, afterwards };
    setup.managed = Some(task);
}

fn asked(f: &Facts) -> usize {
    f.shown.iter().filter(|s| s.kind == PromptKind::InstallUpdate).count()
}

fn reported(f: &Facts, result: u16) -> Result<(), String> {
    let transaction = f.transaction.as_ref().ok_or("no transaction")?;
    let expected = TransactionState::Reported(result);
    require(transaction.state == expected, &format!("the operator has {:?}", transaction.state))?;
    require(transaction.reports == 1, &format!("{} reports were taken", transaction.reports))?;
    require(f.reports_left == 0, "a report is still in the outbox")
}

fn updated(f: &Facts) -> Result<(), String> {
    require(f.version == f.versions[1], &format!("version {} runs", f.version))?;
    reported(f, result::SUCCESS)?;
    require(f.confirmed, "the new firmware is not confirmed")
}

fn failed(f: &Facts, result: u16) -> Result<(), String> {
    reported(f, result)?;
    require(f.version == f.versions[0], "another version runs")?;
    require(f.image_erases == 0, "the image was touched")
}

//! Device management by OMA-DM: firmware updates that the network begins, and those that the user asks for.

use kedge_network::{DmOrder, DmSay, DmValue, Managed, TransactionState};
use kedge_platform::ui::Answer;
use kedge_platform_sim::ui::PromptKind;

use super::{Package, Scenario, Setup, require};
use crate::world::Facts;

/// What the new firmware needs, in the scenarios with provisioning after the update: the name of the account.
pub const NEW_NAME: &str = "Operator, with the new service";

/// The result codes of firmware updates (`fumo-dlota.md` 1.4).
mod result {
    pub(super) const SUCCESS: u16 = 200;
    pub(super) const USER_CANCELLED: u16 = 401;
    pub(super) const MISMATCH: u16 = 403;
    pub(super) const NOT_VALIDATED: u16 = 404;
}

/// The flow `fota-network`, and the variant of `fota-client` over OMA-DM.
pub(super) const FLOWS: [Scenario; 9] = [
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
            s.answers = vec![(PromptKind::InstallUpdate, Answer::No)];
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
            let task = Managed::Update { transaction: 1, by_network: true, most_deferrals: None, afterwards };
            s.managed = Some(task);
        },
        check: |f| {
            updated(f)?;
            let done = f.management.as_ref().is_some_and(|management| management.completions >= 1);
            require(done && f.account_name == NEW_NAME, "what the new firmware needs is not there")
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
        name: "fota-client/oma-dm",
        title: "the user looks for an update, and the management server commands it",
        set: |s| {
            let task = Managed::Update {
                transaction: 1,
                by_network: false,
                most_deferrals: None,
                afterwards: Vec::new(),
            };
            s.managed = Some(task);
            s.no_fota_url = true;
        },
        check: updated,
    },
];

/// The network offers the update, which the user may defer so often.
fn offer(setup: &mut Setup, most_deferrals: Option<u16>) {
    let afterwards = Vec::new();
    setup.managed = Some(Managed::Update { transaction: 1, by_network: true, most_deferrals, afterwards });
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

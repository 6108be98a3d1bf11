//! The firmware server: plays the operator's side of `fota-client`, steps 2 to 6 (the offer) and 8 (the report).
//!
//! ```text
//! offer:  read dev/mmv -> write package-url, commit, exec download -> write status-url, commit -> disconnect
//! report: read fota/state -> disconnect
//! ```

use crate::log::{Rule, Step};
use crate::operator::{NoUpdate, STATUS_HOST};
use crate::order::{Answer, Order, Payload, Verb, code};
use crate::script::{Scene, Script, Turn};
use crate::transaction::{TransactionState, state};

const QUERY: Step = Step::fota_client(3);
const OFFER: Step = Step::fota_client(4);
const FETCHED: Step = Step::fota_client(5);
const CLOSE: Step = Step::fota_client(6);
const REPORT: Step = Step::fota_client(8);

/// Paths of the transactions: this and their number.
pub(crate) const TRANSACTION: &str = "/transaction/";
/// Paths of the final reports: this and the transaction's number.
pub(crate) const REPORT_PATH: &str = "/report/";

/// How a device without an update is answered, once the version it has is known.
pub(crate) fn no_update(how: NoUpdate) -> Turn {
    match how {
        NoUpdate::PlainEnd => Turn::Hang,
        NoUpdate::Display | NoUpdate::DisplayAfterQuery => {
            Turn::Say(Order::farewell("The software of this device is up to date.", OFFER))
        }
    }
}

/// One session in which an update is offered.
#[derive(Clone, Debug)]
pub(crate) struct Update {
    /// Index of the transaction; `None` for a device that has none.
    transaction: Option<usize>,
    stage: Stage,
    otherwise: NoUpdate,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    Query,
    Offer,
    Status,
    Over,
}

impl Update {
    pub(crate) fn new(transaction: Option<usize>, no_update: NoUpdate) -> Self {
        Self { transaction, stage: Stage::Query, otherwise: no_update }
    }

    /// Judges `make;model;version` and offers the package if it fits.
    fn queried(&mut self, answer: &Answer, scene: &mut Scene<'_>) -> (Turn, String) {
        self.stage = Stage::Over;
        let Some(mmv) = text_of(answer, QUERY, scene) else {
            let turn = Turn::Say(Order::farewell("The update failed: unknown device.", OFFER));
            return (turn, format!("no version, code {}", answer.code));
        };
        let agent =
            scene.caller.agent.as_ref().map(|agent| format!("{}/{}", agent.make_model, agent.version));
        let parts: Vec<&str> = mmv.split(';').collect();
        let [make, model, version] = parts[..] else {
            scene.violate(QUERY, Rule::Value, format!("dev/mmv is not make;model;version: {mmv:?}"));
            return (no_update(self.otherwise), mmv);
        };
        let told = format!("{make} {model}/{version}");
        scene.log.require(agent.as_ref().is_none_or(|agent| *agent == told), QUERY, Rule::Value, || {
            format!("dev/mmv {mmv:?}, but User-Agent {:?}", agent.as_deref().unwrap_or_default())
        });
        let offer = self.transaction.and_then(|index| scene.books.transactions.get(index)).map(|t| &t.offer);
        let fitting =
            offer.filter(|offer| (&*offer.make, &*offer.model, &*offer.from) == (make, model, version));
        let turn = match fitting {
            None => no_update(self.otherwise),
            Some(offer) => {
                self.stage = Stage::Offer;
                Turn::Say(vec![
                    Order::write("fota/package-url", offer.package_url.clone(), OFFER),
                    Order::commit(OFFER),
                    Order::exec("fota/download", OFFER).answered_in(FETCHED),
                ])
            }
        };
        (turn, format!("{make}, {model}, version {version}"))
    }

    /// Takes the result of the download, and says where the final report goes.
    fn downloaded(&mut self, answers: &[Answer], scene: &mut Scene<'_>) -> (Turn, String) {
        self.stage = Stage::Over;
        let result = answers.last().map_or(code::NOT_EXECUTED, |answer| answer.code);
        let Some((index, transaction)) =
            self.transaction.and_then(|i| scene.books.transactions.get_mut(i).map(|t| (i, t)))
        else {
            return (Turn::Hang, String::new());
        };
        transaction.downloads.push(result);
        if result != code::SUCCESS {
            let text = "The download failed. Nothing was changed.";
            let meaning = match result {
                code::DOWNLOAD_FAILED => "download failed".to_owned(),
                code::NOT_EXECUTED => "download not started".to_owned(),
                other => format!("download failed with {other}"),
            };
            return (Turn::Say(Order::farewell(text, CLOSE)), meaning);
        }
        if transaction.state == TransactionState::Pending {
            transaction.state = TransactionState::Delivered;
        }
        self.stage = Stage::Status;
        let url = format!("https://{STATUS_HOST}{REPORT_PATH}{}", index + 1);
        let orders = vec![Order::write("fota/status-url", url, CLOSE), Order::commit(CLOSE)];
        (Turn::Say(orders), "package downloaded and verified".to_owned())
    }
}

impl Script for Update {
    fn open(&mut self, _: &mut Scene<'_>) -> Turn {
        if self.transaction.is_none() && self.otherwise == NoUpdate::Display {
            self.stage = Stage::Over;
            return no_update(self.otherwise);
        }
        Turn::Say(vec![Order::read("dev/mmv", QUERY)])
    }

    fn answered(&mut self, orders: &[Order], answers: &[Answer], scene: &mut Scene<'_>) -> (Turn, String) {
        refuse_values(orders, answers, scene);
        match (self.stage, answers) {
            (Stage::Query, [answer]) => self.queried(answer, scene),
            (Stage::Offer, _) => self.downloaded(answers, scene),
            (Stage::Status, _) => {
                self.stage = Stage::Over;
                let failed = answers.iter().find(|answer| answer.code != code::SUCCESS);
                let meaning = match failed {
                    None => "status address stored".to_owned(),
                    Some(answer) => format!("status address not stored, code {}", answer.code),
                };
                (Turn::Say(vec![Order::disconnect(false, CLOSE)]), meaning)
            }
            (Stage::Query | Stage::Over, _) => (Turn::Hang, "text shown".to_owned()),
        }
    }
}

/// One session in which the final result is reported.
#[derive(Clone, Debug)]
pub(crate) struct Report {
    transaction: usize,
    taken: bool,
}

impl Report {
    pub(crate) fn new(transaction: usize) -> Self {
        Self { transaction, taken: false }
    }

    fn take(&mut self, answer: &Answer, scene: &mut Scene<'_>) -> (Turn, String) {
        let release = Turn::Say(vec![Order::disconnect(false, REPORT)]);
        let Some(text) = text_of(answer, REPORT, scene) else {
            return (release, format!("no state, code {}", answer.code));
        };
        let value = text.parse::<u16>().ok().filter(|value| value.to_string() == text);
        let Some(value) = value else {
            scene.violate(REPORT, Rule::Value, format!("fota/state is not a decimal number: {text:?}"));
            return (release, text);
        };
        let version = scene.caller.agent.as_ref().map(|agent| agent.version.clone());
        let Some(transaction) = scene.books.transactions.get_mut(self.transaction) else {
            return (Turn::Hang, text);
        };
        let fits = match value {
            state::SUCCESSFUL_HAVE_DATA | state::SUCCESSFUL_NO_DATA => Some(&transaction.offer.to),
            state::DOWNLOAD_FAILED | state::FAILED_HAVE_DATA | state::FAILED_NO_DATA => {
                Some(&transaction.offer.from)
            }
            _ => None,
        };
        let fault = match (transaction.state, fits) {
            (_, None) => Some(format!("{value} is no final state")),
            (TransactionState::Pending, _) => Some("a result before the package was delivered".to_owned()),
            (TransactionState::Reported(before), _) if before != value => {
                Some(format!("{value} reported after {before}"))
            }
            (_, Some(expected)) if version.as_ref().is_some_and(|version| version != expected) => {
                Some(format!("{value} reported by version {}", version.unwrap_or_default()))
            }
            _ => None,
        };
        if let Some(fault) = fault {
            scene.violate(REPORT, Rule::Report, fault);
        } else if transaction.is_open() {
            transaction.reports += 1;
            transaction.state = TransactionState::Reported(value);
        } else {
            transaction.repeated_reports += 1;
        }
        (release, format!("update ended in state {value}"))
    }
}

impl Script for Report {
    fn open(&mut self, _: &mut Scene<'_>) -> Turn {
        Turn::Say(vec![Order::read("fota/state", REPORT)])
    }

    fn answered(&mut self, _: &[Order], answers: &[Answer], scene: &mut Scene<'_>) -> (Turn, String) {
        match answers {
            [answer] if !self.taken => {
                self.taken = true;
                self.take(answer, scene)
            }
            _ => (Turn::Hang, String::new()),
        }
    }
}

/// The text a read must give.
fn text_of(answer: &Answer, step: Step, scene: &mut Scene<'_>) -> Option<String> {
    match (&answer.payload, answer.code) {
        (Payload::Text(text), code::SUCCESS) => Some(text.clone()),
        (_, code::SUCCESS) => {
            scene.violate(step, Rule::Results, "a read that succeeds must give a text");
            None
        }
        _ => None,
    }
}

/// Writes, commits, runs and displays have no value to give back.
fn refuse_values(orders: &[Order], answers: &[Answer], scene: &mut Scene<'_>) {
    for (order, answer) in orders.iter().zip(answers) {
        if order.verb != Verb::Read && answer.payload != Payload::None {
            scene.violate(order.step, Rule::Results, format!("a value in the result of {}", order.meaning));
        }
    }
}

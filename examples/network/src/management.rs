//! What the operator wants of a device by OMA device management: an update, settings. A notification (package 0) calls the
//! device; the session that follows does it.
//!
//! ```text
//! Waiting --session--> Called --everything done and told--> Done
//!    ▲                   │
//!    └─ called again, as long as something is left to do
//! ```

use crate::activation::{Ask, Expect, Verdict, judge, list_id, update_plan};
use crate::caller;
use crate::dm::{
    DmAnswer, DmConversation, DmCredentials, DmEvent, DmHeld, DmOrder, DmPackage, DmSay, DmScheme, DmScript,
    DmServer, DmValue, notification,
};
use crate::http::Request;
use crate::log::{Direction, Rule, Step, Violation};
use crate::operator::Operator;
use crate::session::Outcome;
use crate::transaction::{Offer, TransactionState};
use core::time::Duration;
use kedge_platform::identity::HardwareId;
use std::collections::VecDeque;

/// Where management sessions are held.
pub const DM_HOST: &str = "dm.operator.example";
/// The address of the management server.
pub const DM_URL: &str = "https://dm.operator.example/dm";
/// The identifier of the management server.
pub const DM_SERVER: &str = "operator";
/// The password with which the management server proves itself.
pub const DM_SERVER_PASSWORD: &str = "server-secret";
/// The name and the password of devices.
pub const DM_DEVICE: (&str, &str) = ("device", "device-secret");

pub(crate) const DM_PATH: &str = "/dm";

/// What is to be done by device management.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Managed {
    /// The device gets the package of an update transaction.
    Update {
        /// Its number, from 1.
        transaction: usize,
        /// How the package gets there.
        way: UpdateWay,
        /// The network begins; else it waits until the device asks.
        by_network: bool,
        /// How often the user may defer; `None`: he may also decline.
        most_deferrals: Option<u16>,
        /// What the new firmware needs, commanded in the session in which the device tells its success.
        afterwards: Vec<DmSay>,
    },
    /// The device gets these commands, one package.
    Commands(Vec<DmSay>),
    /// The device gets this roaming list, by IS-683 messages through the tunnel.
    RoamingList(Vec<u8>),
}

/// How an update gets to a device.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum UpdateWay {
    /// The firmware update object fetches it.
    #[default]
    Fetched,
    /// It travels in the session, and the firmware update object installs it.
    Direct,
    /// It is a software component, which is fetched and installed.
    Component,
}

impl UpdateWay {
    /// The node that tells whether an update is under way.
    const fn state(self) -> &'static str {
        match self {
            Self::Fetched | Self::Direct => "./FUMO/State",
            Self::Component => "./SCOMO/Download/firmware/Status",
        }
    }

    /// Its values with which an update can be commanded (FUMO 1.0 §10.2: idle and the final ones). An item that was not made
    /// yet has none.
    const fn free(self) -> &'static [&'static str] {
        match self {
            Self::Fetched | Self::Direct => &["10", "20", "70", "80", "90", "100"],
            Self::Component => &["", "10", "20", "40", "60", "70"],
        }
    }

    fn is_free(self, state: &str) -> bool {
        self.free().contains(&state)
    }
}

/// Something that is to be done by device management.
#[derive(Clone, Debug)]
pub struct Management {
    /// The device.
    pub hardware: HardwareId,
    /// What.
    pub task: Managed,
    /// How often the device was called.
    pub calls: u16,
    /// Sessions in which it was done; more than one if a session was lost at its end.
    pub completions: u32,
}

impl Management {
    /// Whether the device is to be called for it.
    fn is_wanted(&self, transaction: Option<TransactionState>) -> bool {
        match &self.task {
            Managed::Commands(_) | Managed::RoamingList(_) => self.completions == 0,
            Managed::Update { by_network, afterwards, .. } => match transaction {
                Some(TransactionState::Pending) => *by_network,
                Some(TransactionState::Reported(SUCCESS)) => !afterwards.is_empty() && self.completions == 0,
                _ => false,
            },
        }
    }
}

/// The result code of success (FUMO 1.0 §10.2.2).
const SUCCESS: u16 = 200;
/// The same of software components.
const COMPONENT_SUCCESS: u16 = 1200;
/// The media type of IS-683 messages, and the one that ends an administration: OTAPA Request, stop.
const IS683: &str = "application/x-is683";
const OTAPA_STOP: [u8; 2] = [0x0A, 0x00];
/// The correlator of a transaction's Exec, before its number.
const CORRELATOR: &str = "update-";
/// The item of the software component that an update may be.
const COMPONENT: &str = "./SCOMO/Download/firmware";
/// The alert in which a device asks for an update.
const USER_REQUEST: &str = "org.openmobilealliance.dm.firmwareupdate.userrequest";
/// The alerts that tell the result of what is commanded here: DownloadAndUpdate, Update, an operation on a component.
const COMPLETIONS: [&str; 3] = [
    "org.openmobilealliance.dm.firmwareupdate.downloadandupdate",
    "org.openmobilealliance.dm.firmwareupdate.update",
    "urn:oma:at:scomo:1.0:OperationComplete",
];

/// What the operator remembers of device management.
#[derive(Clone, Debug)]
pub(crate) struct ManagementBooks {
    pub(crate) all: Vec<Management>,
    server: DmServer,
    /// How the two sides prove themselves in the next session.
    credentials: (DmCredentials, DmCredentials),
    /// Sessions that were looked at.
    seen: usize,
}

impl Default for ManagementBooks {
    fn default() -> Self {
        let owned = |name: &str, password: &str| DmCredentials {
            scheme: DmScheme::Md5,
            name: name.to_owned(),
            password: password.to_owned(),
            nonce: b"first nonce".to_vec(),
        };
        let client = owned(DM_DEVICE.0, DM_DEVICE.1);
        let server = DmCredentials { nonce: Vec::new(), ..owned(DM_SERVER, DM_SERVER_PASSWORD) };
        Self { all: Vec::new(), server: DmServer::new(), credentials: (client, server), seen: 0 }
    }
}

/// The conversation about what is wanted of one device.
#[derive(Clone, Debug)]
struct Talk {
    credentials: (DmCredentials, DmCredentials),
    /// The update that is to be commanded.
    offer: Option<Offered>,
    /// What follows on the success of the update.
    afterwards: Vec<DmSay>,
    commands: Vec<DmSay>,
    /// IS-683 messages that are still to be sent, and the one whose answer comes next.
    forward: VecDeque<Ask>,
    awaited: Option<Ask>,
    /// The identity and the size of the roaming list.
    list: Option<(u16, u16)>,
    /// What the device did wrong.
    faults: Vec<String>,
    stage: Stage,
}

/// An update that is to be commanded.
#[derive(Clone, Debug)]
struct Offered {
    offer: Offer,
    way: UpdateWay,
    /// How often the user may defer.
    most_deferrals: Option<u16>,
    correlator: String,
    /// The package, where it travels in the session.
    package: Vec<u8>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    Begin,
    Query,
    List,
    Over,
}

impl DmConversation for Talk {
    fn credentials(&self) -> (DmCredentials, DmCredentials) {
        self.credentials.clone()
    }

    fn next(&mut self, answers: &[(DmSay, DmAnswer)], events: &[DmEvent]) -> Option<DmPackage> {
        let get = |uri: &str| DmSay::new(DmOrder::Get(uri.to_owned())).expecting(200);
        let says = match self.stage {
            Stage::Begin => {
                self.stage = Stage::Over;
                if let Some(event) = events.iter().find(|event| is_completion(event)) {
                    let then = if result(event).is_some_and(is_success) { &self.afterwards[..] } else { &[] };
                    [&[get("./DevDetail/FwV")], then].concat()
                } else if let Some(offered) = &self.offer {
                    self.stage = Stage::Query;
                    let state = get(offered.way.state());
                    let state =
                        if offered.way == UpdateWay::Component { state.expecting(404) } else { state };
                    let rest = ["./DevDetail/FwV", "./DevInfo/Man", "./DevInfo/Mod"].map(get);
                    [state].into_iter().chain(rest).collect()
                } else if self.forward.is_empty() {
                    self.commands.clone()
                } else {
                    self.stage = Stage::List;
                    self.send()
                }
            }
            Stage::Query => {
                self.stage = Stage::Over;
                let told: Vec<String> = answers.iter().map(|(_, answer)| answer.text()).collect();
                self.order(&told)
            }
            Stage::List => {
                let reverse = answers.last().map(|(_, answer)| answer.octets()).unwrap_or_default();
                self.take(&reverse);
                self.send()
            }
            Stage::Over => Vec::new(),
        };
        (!says.is_empty()).then_some(DmPackage { says, fault: None })
    }

    fn missing(&self, _: &[DmEvent]) -> Vec<String> {
        self.faults.clone()
    }
}

impl Talk {
    /// The next IS-683 message, and the question for its answer.
    fn send(&mut self) -> Vec<DmSay> {
        self.awaited = self.forward.pop_front();
        let Some(ask) = &self.awaited else { return Vec::new() };
        vec![
            DmSay::new(DmOrder::tunnel(IS683, ask.message.clone())).expecting(200),
            DmSay::new(DmOrder::Get("./Tunnel/Answer".to_owned())).expecting(200),
        ]
    }

    /// Judges an answer. A refusal or a fault leaves nothing to be sent.
    fn take(&mut self, reverse: &[u8]) {
        let Some(ask) = self.awaited.take() else { return };
        match judge(&ask.expect, reverse) {
            // Its answer to the commit was lost.
            Verdict::Dimensions { id, size } if Some((id, size)) == self.list => {
                self.forward.retain(|ask| ask.expect == Expect::Otapa);
            }
            Verdict::Accepted | Verdict::Dimensions { .. } => {}
            verdict => {
                self.faults.push(format!("answer to {}: {verdict:?}", ask.meaning));
                self.forward.clear();
            }
        }
    }

    /// The commands of the update, if the device is the one it is for and has none under way.
    fn order(&self, told: &[String]) -> Vec<DmSay> {
        let (Some(offered), [state, version, make, model]) = (&self.offer, told) else {
            return Vec::new();
        };
        let Offered { offer, way, most_deferrals, correlator, package } = offered;
        let fits = (&offer.from, &offer.make, &offer.model) == (version, make, model);
        if !fits || !way.is_free(state) {
            return Vec::new();
        }
        let replace =
            |uri: &str, value: &str| DmSay::new(DmOrder::Replace(DmValue::text(uri, value))).expecting(200);
        let execute = |uri: &str| {
            let (uri, correlator) = (uri.to_owned(), Some(correlator.clone()));
            DmSay::new(DmOrder::Exec { uri, correlator, data: None }).expecting(202)
        };
        let most = most_deferrals.map(|most| replace("./FUMO/Ext/MaxDeferrals", &most.to_string()));
        let order = match way {
            UpdateWay::Fetched => vec![
                replace("./FUMO/DownloadAndUpdate/PkgURL", &offer.package_url),
                execute("./FUMO/DownloadAndUpdate"),
            ],
            UpdateWay::Direct => {
                let value = DmValue {
                    uri: "./FUMO/Update/PkgData".to_owned(),
                    format: "bin".to_owned(),
                    media_type: "application/octet-stream".to_owned(),
                    data: package.clone(),
                    piece: None,
                };
                vec![DmSay::new(DmOrder::Replace(value)).expecting(200), execute("./FUMO/Update")]
            }
            UpdateWay::Component => {
                let (uri, format) = (COMPONENT.to_owned(), "node".to_owned());
                let item = DmOrder::Add(DmValue { uri, format, ..DmValue::default() });
                let leaf = |leaf: &str, value: &str| replace(&format!("{COMPONENT}/{leaf}"), value);
                vec![
                    // It may be there from a session that was lost.
                    DmSay::new(item).expecting(200).expecting(418),
                    leaf("PkgID", "org.example.firmware"),
                    leaf("Name", "Firmware"),
                    leaf("Version", &offer.to),
                    leaf("PkgURL", &offer.package_url),
                    execute(&format!("{COMPONENT}/Operations/DownloadInstall")),
                ]
            }
        };
        most.into_iter().chain(order).collect()
    }
}

/// Whether an alert tells the result of what was commanded.
fn is_completion(event: &DmEvent) -> bool {
    COMPLETIONS.contains(&&*event.kind)
}

/// The result that it tells: the data, or an element of it.
fn result(event: &DmEvent) -> Option<u16> {
    let element = event.data.split_once("<ResultCode>").and_then(|(_, rest)| rest.split_once('<'));
    element.map_or(&*event.data, |(number, _)| number).parse().ok()
}

const fn is_success(result: u16) -> bool {
    matches!(result, SUCCESS | COMPONENT_SUCCESS)
}

impl Operator {
    /// Wants something of a device by device management; its number, from 1.
    pub fn manage(&mut self, hardware: HardwareId, task: Managed) -> usize {
        self.books.management.all.push(Management { hardware, task, calls: 0, completions: 0 });
        self.books.management.all.len()
    }

    /// What is wanted by device management, by its number, from 1.
    pub fn management(&self, number: usize) -> Option<&Management> {
        self.books.management.all.get(number.checked_sub(1)?)
    }

    /// Plays `script` in the next management session, with the credentials of the script.
    pub fn play_script(&mut self, script: DmScript) {
        self.books.management.server.play(script);
    }

    /// The management sessions that were held, first to last.
    pub fn managed(&self) -> &[DmHeld] {
        self.books.management.server.held()
    }

    /// A device speaks to the management server.
    pub(crate) fn manage_exchange(&mut self, request: &Request) -> Outcome {
        let talk = self.talk();
        let books = &mut self.books.management;
        books.server.expect(talk);
        let response = books.server.exchange(request);
        self.take_held();
        let step = Step::fota_network(1);
        let told = format!("a message of {} octets", response.body.len());
        Outcome::plain(step, "device management", response, told)
    }

    /// What is to be said to the next device that comes: the operator has one customer with a management account.
    fn talk(&self) -> Talk {
        let mut talk = Talk {
            credentials: self.books.management.credentials.clone(),
            offer: None,
            afterwards: Vec::new(),
            commands: Vec::new(),
            forward: VecDeque::new(),
            awaited: None,
            list: None,
            faults: Vec::new(),
            stage: Stage::Begin,
        };
        for management in &self.books.management.all {
            match &management.task {
                Managed::Commands(says) if management.completions == 0 => {
                    talk.commands.extend(says.iter().cloned());
                }
                Managed::Update { transaction, way, most_deferrals, afterwards, .. } => {
                    let Some(open) = self.transaction(*transaction) else { continue };
                    match open.state {
                        TransactionState::Reported(SUCCESS) if management.completions == 0 => {
                            talk.commands.extend(afterwards.iter().cloned());
                        }
                        state if open.is_open() => {
                            let correlator = format!("{CORRELATOR}{transaction}");
                            let pending = state == TransactionState::Pending;
                            let package = self.books.repository.package_at(&open.offer.package_url);
                            talk.offer = pending.then(|| Offered {
                                offer: open.offer.clone(),
                                way: *way,
                                most_deferrals: *most_deferrals,
                                correlator,
                                package: package.unwrap_or_default().to_vec(),
                            });
                            talk.afterwards.clone_from(afterwards);
                        }
                        _ => {}
                    }
                }
                Managed::RoamingList(list) if management.completions == 0 => {
                    let account = self.account(management.hardware);
                    let plan = account.and_then(|account| update_plan(&account.profile, list).ok());
                    talk.forward = plan.unwrap_or_default().into();
                    talk.list = list_id(list).zip(u16::try_from(list.len()).ok());
                }
                Managed::Commands(_) | Managed::RoamingList(_) => {}
            }
        }
        talk
    }

    /// Looks at the sessions that have ended.
    fn take_held(&mut self) {
        let books = &mut self.books.management;
        let news: Vec<DmHeld> = books.server.held().iter().skip(books.seen).cloned().collect();
        books.seen += news.len();
        if let Some(credentials) = books.server.credentials() {
            books.credentials = credentials;
        }
        for held in news {
            let step = Step::fota_network(1);
            for violation in &held.violations {
                let detail = format!("management session {}: {violation}", held.session);
                let exchange = self.log.exchange;
                self.log.violations.push(Violation { exchange, step, rule: Rule::Management, detail });
            }
            self.session_held(&held);
        }
    }

    /// Draws the conclusions from one session.
    fn session_held(&mut self, held: &DmHeld) {
        let step = Step::fota_network(1);
        let version = held.answers.iter().find_map(|(say, answer)| {
            matches!(&say.order, DmOrder::Get(uri) if uri == "./DevDetail/FwV").then(|| answer.text())
        });
        for event in &held.events {
            if is_completion(event) {
                self.completed(event, version.as_deref());
            } else if event.kind != USER_REQUEST {
                self.log.violate(step, Rule::Report, format!("an alert of type {}", event.kind));
            }
        }
        for management in &mut self.books.management.all {
            let says = match &management.task {
                Managed::Commands(says) => says,
                Managed::RoamingList(_) => {
                    // The plan ends with the end of the administration.
                    let ended = held.answers.iter().any(|(say, answer)| {
                        say.order == DmOrder::tunnel(IS683, OTAPA_STOP.to_vec()) && answer.status == 200
                    });
                    if held.complete && held.violations.is_empty() && ended {
                        management.completions += 1;
                    }
                    continue;
                }
                Managed::Update { transaction, way, afterwards, .. } => {
                    let index = transaction.wrapping_sub(1);
                    let Some(open) = self.books.transactions.get_mut(index) else { continue };
                    let begun = held.answers.iter().any(|(say, answer)| {
                        matches!(&say.order, DmOrder::Exec { .. }) && answer.status == 202
                    });
                    let under_way = held.answers.iter().any(|(say, answer)| {
                        matches!(&say.order, DmOrder::Get(uri) if uri == way.state())
                            && !way.is_free(&answer.text())
                    });
                    if (begun || under_way) && open.state == TransactionState::Pending {
                        open.state = TransactionState::Delivered;
                    }
                    afterwards
                }
            };
            let done = |say: &DmSay| {
                let right = |status| say.statuses.contains(&status);
                held.answers.iter().any(|(said, answer)| said == say && right(answer.status))
            };
            if held.complete && !says.is_empty() && says.iter().all(done) {
                management.completions += 1;
            }
        }
    }

    /// A device tells how an update has ended.
    fn completed(&mut self, event: &DmEvent, version: Option<&str>) {
        let step = Step::fota_network(2);
        let number = event.correlator.as_deref().and_then(|text| text.strip_prefix(CORRELATOR)?.parse().ok());
        let index = number.and_then(|number: usize| number.checked_sub(1));
        let Some(transaction) = index.and_then(|index| self.books.transactions.get_mut(index)) else {
            let detail = format!("a result with correlator {:?}", event.correlator);
            return self.log.violate(step, Rule::Report, detail);
        };
        let Some(result) = result(event) else {
            return self.log.violate(step, Rule::Value, format!("a result of {:?}", event.data));
        };
        let expected = if is_success(result) { &transaction.offer.to } else { &transaction.offer.from };
        // A session that was lost before the question has brought no version.
        let other = version.filter(|version| version != expected);
        let fault = match (transaction.state, other) {
            (_, Some(other)) => Some(format!("{result} reported by version {other}")),
            (TransactionState::Reported(before), _) if before != result => {
                Some(format!("{result} reported after {before}"))
            }
            _ => None,
        };
        match fault {
            Some(fault) => self.log.violate(step, Rule::Report, fault),
            None if transaction.is_open() => {
                transaction.reports += 1;
                transaction.state = TransactionState::Reported(result);
            }
            None => transaction.repeated_reports += 1,
        }
    }

    /// A device has registered with a roaming list that it got through the tunnel: from now on it is that of its customer.
    pub(crate) fn registered_managed(&mut self, hardware: HardwareId, prl: &[u8]) {
        let sent = |management: &Management| {
            management.hardware == hardware
                && matches!(&management.task, Managed::RoamingList(list) if list == prl)
        };
        if self.books.management.all.iter().any(sent)
            && let Some(account) = self.books.account_mut(hardware)
        {
            account.profile.prl = prl.to_vec();
        }
    }

    /// The notification for a device of which something is wanted, as a push PDU.
    pub(crate) fn notify(&mut self, now: Duration, hardware: HardwareId) -> Option<Vec<u8>> {
        // A device that can be called holds no session; what it told in one that broke off counts all the same.
        self.books.management.server.hang_up();
        self.take_held();
        let wanted = |management: &Management| {
            let transaction = match management.task {
                Managed::Update { transaction, .. } => self.transaction(transaction).map(|open| open.state),
                Managed::Commands(_) | Managed::RoamingList(_) => None,
            };
            management.hardware == hardware && management.is_wanted(transaction)
        };
        let place = self.books.management.all.iter().position(wanted)?;
        let (_, server) = &self.books.management.credentials;
        let (password, nonce) = (server.password.clone(), server.nonce.clone());
        let management = self.books.management.all.get_mut(place)?;
        management.calls += 1;
        let session = u16::try_from(place + 1).ok()?.checked_mul(0x100)?.checked_add(management.calls)?;
        let lost = u32::from(management.calls) <= self.config.lost_pages;
        let pdu = notification::push(DM_SERVER, &password, &nonce, session);
        self.note_call(now, lost, &caller::name(hardware));
        (!lost).then_some(pdu)
    }

    fn note_call(&mut self, at: Duration, lost: bool, device: &str) {
        let line = if lost { "notification, lost on the way" } else { "notification" };
        self.log.records.push(crate::log::Record {
            exchange: self.log.exchange,
            at,
            step: Step::fota_network(1),
            direction: Direction::ToDevice,
            party: "smsc".to_owned(),
            line: line.to_owned(),
            meaning: format!("a management session is wanted of {device}"),
            content_type: None,
            body: Vec::new(),
        });
    }
}

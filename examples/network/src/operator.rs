//! The operator as a whole: hosts, tables, one exchange at a time.

use crate::account::{Account, AccountState, Profile, ProfileError};
use crate::activation::{self, Activation};
use crate::air::Air;
use crate::body::Coding;
use crate::caller::{self, Caller, Kind};
use crate::errand::{Errand, ListSession, SettingSession, Task};
use crate::feature::{FeatureAnswer, FeatureOrder, SERVICES_HOST};
use crate::http::{Request, Response, Target, finish, status};
use crate::log::{Direction, Log, Record, Rule, Step, Violation};
use crate::management::{DM_HOST, DM_PATH, ManagementBooks};
use crate::repository::{REPOSITORY_HOST, Repository, Served};
use crate::script::Scene;
use crate::session::{Outcome, POST_PATH, Play, Session, Start};
use crate::transaction::{Offer, PACKAGE_URL_LIMIT, Transaction, UnfitUrl};
use crate::update::{REPORT_PATH, Report, TRANSACTION, Update};
use crate::vlr::{Vlr, VlrEntry};
use core::time::Duration;
use kedge_platform::identity::HardwareId;

/// Every URL a session may lead to is in this domain (`iota/trusted-domain`).
pub const TRUSTED_DOMAIN: &str = "operator.example";
/// Where activations are played.
pub const BOOT_HOST: &str = "boot.operator.example";
/// Where updates are offered.
pub const FOTA_HOST: &str = "fota.operator.example";
/// Where final results are reported.
pub const STATUS_HOST: &str = "status.operator.example";
/// All hosts of the operator.
pub const HOSTS: [&str; 6] = [BOOT_HOST, FOTA_HOST, STATUS_HOST, SERVICES_HOST, REPOSITORY_HOST, DM_HOST];
/// The activation URL of the factory settings.
pub const ACTIVATION_URL: &str = "http://boot.operator.example/activate";
/// The client-initiated FOTA URL of the factory settings.
pub const FOTA_URL: &str = "https://fota.operator.example/check";

const ACTIVATION_PATH: &str = "/activate";
const CHECK_PATH: &str = "/check";
/// Body sizes a device may send (profile B1).
pub(crate) const BODY_LIMIT: usize = 128 * 1024;

/// How a device is told that there is no update.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum NoUpdate {
    /// With a text in the first answer.
    Display,
    /// With a text, after its version was asked for.
    #[default]
    DisplayAfterQuery,
    /// The session just ends (204), after its version was asked for.
    PlainEnd,
}

/// How an operator behaves.
#[derive(Clone, Debug, Default)]
#[expect(clippy::struct_excessive_bools, reason = "independent habits of an operator")]
pub struct Config {
    /// Names the sessions: two operators with the same seed that are asked the same say the same, octet for octet.
    pub seed: u32,
    /// Coding of the documents.
    pub coding: Coding,
    /// How "no update" is told.
    pub no_update: NoUpdate,
    /// A gateway before the activation server takes the identity headers away, so the server has to ask.
    pub strip_identity: bool,
    /// Leave `next` out: answers go to the URL that delivered the document.
    pub unnamed_next: bool,
    /// Greet customers who dial with a text.
    pub welcome: bool,
    /// Call devices by service indication, which asks the user, instead of service loading.
    pub indication: bool,
    /// So many pushes for each errand are lost on the way.
    pub lost_pages: u32,
    /// Numbers of exchanges that are answered with 503 and a `Retry-After` of one second.
    pub busy: Vec<u32>,
    /// Pages in WML instead of HTML.
    pub wml: bool,
    /// How the activation of a feature ends; 0: well.
    pub feature_code: u16,
    /// What a good end is made of.
    pub feature_answer: FeatureAnswer,
    /// What the gateway says whenever a feature is used, whatever the customer has.
    pub gateway_fault: Option<u16>,
}

/// What the operator knows of its customers.
#[derive(Clone, Debug, Default)]
pub(crate) struct Books {
    pub(crate) accounts: Vec<Account>,
    pub(crate) transactions: Vec<Transaction>,
    pub(crate) repository: Repository,
    pub(crate) vlr: Vlr,
    pub(crate) errands: Vec<Errand>,
    pub(crate) features: Vec<FeatureOrder>,
    pub(crate) management: ManagementBooks,
}

impl Books {
    pub(crate) fn account_mut(&mut self, hardware: HardwareId) -> Option<&mut Account> {
        self.accounts.iter_mut().find(|account| account.serves(hardware))
    }

    /// The oldest open transaction of a device.
    fn open_transaction(&self, hardware: HardwareId) -> Option<usize> {
        self.transactions.iter().position(|t| t.offer.hardware == hardware && t.is_open())
    }
}

/// The simulated operator network, without sockets and without a clock.
#[derive(Clone, Debug, Default)]
pub struct Operator {
    pub(crate) config: Config,
    pub(crate) books: Books,
    sessions: Vec<Session>,
    pub(crate) log: Log,
    pub(crate) air: Air,
}

impl Operator {
    /// An operator without customers.
    pub fn new(config: Config) -> Self {
        Self { config, ..Self::default() }
    }

    /// Adds a customer whose activation has come as far as `state`: [`AccountState::Pending`] for a new one. Refuses a
    /// profile whose messages cannot be written.
    pub fn subscribe(&mut self, profile: Profile, state: AccountState) -> Result<(), ProfileError> {
        self.books.accounts.push(Account::new(profile, state)?);
        Ok(())
    }

    /// Opens an update transaction and returns its number, from 1. Refuses a package address that is no URL or longer
    /// than `fota/package-url` can hold.
    pub fn offer_update(&mut self, offer: Offer) -> Result<usize, UnfitUrl> {
        if offer.package_url.len() > PACKAGE_URL_LIMIT || Target::parse(&offer.package_url).is_none() {
            return Err(UnfitUrl);
        }
        self.books.transactions.push(Transaction::new(offer));
        Ok(self.books.transactions.len())
    }

    /// Wants something of a device, which is called from now on; its number, from 1.
    pub fn send_for(&mut self, hardware: HardwareId, task: Task) -> usize {
        self.books.errands.push(Errand::new(hardware, task));
        self.books.errands.len()
    }

    /// The errand of that number, from 1.
    pub fn errand(&self, number: usize) -> Option<&Errand> {
        self.books.errands.get(number.checked_sub(1)?)
    }

    /// A customer has another device: `new` is activated with the subscription of `old`, which gets nothing any more. Says
    /// whether there is such a customer.
    pub fn change_hardware(&mut self, old: HardwareId, new: HardwareId) -> bool {
        let account = self.books.account_mut(old);
        account.map(|account| account.change_hardware(new)).is_some()
    }

    /// A subscription is no longer in force. Says whether there is one.
    pub fn deactivate(&mut self, hardware: HardwareId) -> bool {
        let account = self.books.account_mut(hardware);
        account.map(|account| account.deactivated = true).is_some()
    }

    /// The coding of its documents.
    pub fn coding(&self) -> Coding {
        self.config.coding
    }

    /// Writes its documents in another coding from now on.
    pub fn speak(&mut self, coding: Coding) {
        self.config.coding = coding;
    }

    /// The package repository.
    pub fn repository(&mut self) -> &mut Repository {
        &mut self.books.repository
    }

    /// A customer.
    pub fn account(&self, hardware: HardwareId) -> Option<&Account> {
        self.books.accounts.iter().find(|account| account.serves(hardware))
    }

    /// All customers.
    pub fn accounts(&self) -> &[Account] {
        &self.books.accounts
    }

    /// The update transaction of that number, from 1.
    pub fn transaction(&self, number: usize) -> Option<&Transaction> {
        self.books.transactions.get(number.checked_sub(1)?)
    }

    /// The visitor location register.
    pub fn vlr(&self) -> &Vlr {
        &self.books.vlr
    }

    /// Every message so far.
    pub fn records(&self) -> &[Record] {
        &self.log.records
    }

    /// Every rule the device broke so far.
    pub fn violations(&self) -> &[Violation] {
        &self.log.violations
    }

    /// Answers one request that arrived at `now`; `tls`: over an authenticated transport.
    pub fn exchange(&mut self, now: Duration, tls: bool, request: &Request) -> Response {
        self.log.exchange += 1;
        let target = Target::parse(&request.url);
        let party = target.map_or("?", |target| target.host).to_owned();
        let outcome = match target {
            Some(_) if request.body.len() > BODY_LIMIT => {
                self.stray(Rule::Framing, format!("a body of {} octets", request.body.len()), 413)
            }
            Some(target) if target.tls == tls => self.route(now, target, request),
            Some(_) => self.stray(Rule::Transport, format!("{} over the other transport", request.url), 421),
            None => {
                self.stray(Rule::Url, format!("not an absolute http or https URL: {:?}", request.url), 400)
            }
        };
        let outcome = Outcome { response: finish(outcome.response), ..outcome };
        self.write_down(now, &party, request, &outcome);
        outcome.response
    }

    /// A device registers with its numbers and roaming list (flow `one-button`, step 7): `nam` is its NAM parameter
    /// blocks, each `BLOCK_ID BLOCK_LEN PARAM_DATA` in the download form.
    pub fn register(&mut self, now: Duration, hardware: HardwareId, nam: &[u8], prl: &[u8]) {
        self.registered_list(hardware, prl);
        self.registered_managed(hardware, prl);
        let nobody = Caller::default();
        let mut scene = Scene { books: &mut self.books, log: &mut self.log, caller: &nobody };
        let meaning = activation::registered(hardware, nam, prl, &mut scene);
        self.books.vlr.register(VlrEntry { hardware, nam: nam.to_vec(), prl: prl.to_vec() });
        self.log.records.push(Record {
            exchange: self.log.exchange,
            at: now,
            step: Step::one_button(7),
            direction: Direction::ToNetwork,
            party: "vlr".to_owned(),
            line: "registration".to_owned(),
            meaning: format!("{} {meaning}", caller::name(hardware)),
            content_type: None,
            body: nam.to_vec(),
        });
    }

    fn route(&mut self, now: Duration, target: Target<'_>, request: &Request) -> Outcome {
        if target.host == REPOSITORY_HOST {
            let Served { asked, response, meaning } =
                self.books.repository.serve(request, target.path, &mut self.log);
            return Outcome::plain(Served::STEP, asked, response, meaning);
        }
        if self.config.busy.contains(&self.log.exchange) {
            let response = status(503).with_header("Retry-After", "1");
            return Outcome::plain(Step::STRAY, request.method.clone(), response, "busy, ask again");
        }
        match (&*request.method, target.host) {
            ("POST", BOOT_HOST | FOTA_HOST | STATUS_HOST) => self.post(now, request),
            ("POST", DM_HOST) if target.path == DM_PATH && target.tls => self.manage_exchange(request),
            ("GET", BOOT_HOST) if target.path == ACTIVATION_PATH => self.activate(now, request),
            ("GET", BOOT_HOST) if self.errand_at(target.path).is_some() => {
                self.come(now, target.path, request)
            }
            ("GET", FOTA_HOST | STATUS_HOST | SERVICES_HOST) if !target.tls => {
                let secure = request.url.replacen("http", "https", 1);
                let response = status(301).with_header("Location", &secure);
                Outcome::plain(Step::fota_client(1), "without TLS", response, "come back with TLS")
            }
            ("GET", FOTA_HOST) if target.path == CHECK_PATH => self.check(now, request),
            ("GET", FOTA_HOST) => self.follow(now, target.path, request),
            ("GET", SERVICES_HOST) => self.services(now, target, request),
            ("GET", STATUS_HOST) => self.report(now, target.path, request),
            _ => self.stray(Rule::Url, format!("{} {}", request.method, request.url), 404),
        }
    }

    fn activate(&mut self, now: Duration, request: &Request) -> Outcome {
        let step = Step::one_button(1);
        let mut caller = caller::check(request, Kind::Start(&["boot", "user", "push"]), step, &mut self.log);
        let asked = match caller.hardware {
            Some(hardware) => format!("activation asked for by {}", caller::name(hardware)),
            None => "activation asked for".to_owned(),
        };
        if self.config.strip_identity {
            caller.hardware = None;
        }
        self.came(caller.hardware);
        let play = Play::Activation(Activation::new(&caller));
        self.start(now, request, caller, play, asked, step)
    }

    /// The place of the errand whose URL has this path.
    fn errand_at(&self, path: &str) -> Option<usize> {
        let (before, number) = path.rsplit_once('/')?;
        let place = number.parse::<usize>().ok()?.checked_sub(1)?;
        let known = self.books.errands.get(place)?.path();
        (known.strip_suffix('/') == Some(before)).then_some(place)
    }

    /// A device comes for what the network wants of it.
    fn come(&mut self, now: Duration, path: &str, request: &Request) -> Outcome {
        let errand = self.errand_at(path).and_then(|place| Some((place, self.books.errands.get(place)?)));
        let Some((place, errand)) = errand else { return self.stray(Rule::Url, path.to_owned(), 404) };
        let (step, wanted) = (errand.called_in(), errand.hardware);
        let list = matches!(errand.task, Task::RoamingList(_));
        let caller = caller::check(request, Kind::Start(&["push"]), step, &mut self.log);
        if caller.hardware != Some(wanted) {
            self.log.violate(step, Rule::Url, format!("{path} is not for this device"));
            return Outcome::plain(step, "follows a push", status(404), "not yours");
        }
        if errand.is_expired(now) {
            return Outcome::plain(step, "follows a push", status(410), "too late");
        }
        let play = if list {
            Play::List(ListSession::new(place))
        } else {
            Play::Setting(SettingSession::new(place))
        };
        self.start(now, request, caller, play, "follows the push".to_owned(), step)
    }

    fn check(&mut self, now: Duration, request: &Request) -> Outcome {
        let step = Step::fota_client(1);
        let caller = caller::check(request, Kind::Start(&["fota"]), step, &mut self.log);
        let pending = caller.hardware.and_then(|hardware| self.books.open_transaction(hardware));
        if pending.is_none() && self.config.no_update == NoUpdate::Display {
            let play = Play::Update(Update::new(None, self.config.no_update));
            return self.start(now, request, caller, play, "is there an update?".to_owned(), step);
        }
        let number = pending.map_or(0, |index| index + 1);
        let location = format!("https://{FOTA_HOST}{TRANSACTION}{number}");
        Outcome {
            told_in: Step::fota_client(2),
            ..Outcome::plain(
                step,
                "is there an update?",
                status(302).with_header("Location", &location),
                format!("see transaction {number}"),
            )
        }
    }

    /// A device follows the redirection to its transaction; number 0 stands for none.
    fn follow(&mut self, now: Duration, path: &str, request: &Request) -> Outcome {
        let step = Step::fota_client(2);
        let caller = caller::check(request, Kind::Start(&["fota"]), step, &mut self.log);
        let pending = caller.hardware.and_then(|hardware| self.books.open_transaction(hardware));
        match path.strip_prefix(TRANSACTION).and_then(|number| number.parse::<usize>().ok()) {
            Some(number) if number == pending.map_or(0, |index| index + 1) => {
                let play = Play::Update(Update::new(pending, self.config.no_update));
                self.start(now, request, caller, play, format!("transaction {number}"), step)
            }
            _ => {
                self.log.violate(step, Rule::Url, format!("{path} is not the transaction of this device"));
                Outcome::plain(step, "a transaction", status(404), "not yours")
            }
        }
    }

    fn report(&mut self, now: Duration, path: &str, request: &Request) -> Outcome {
        let step = Step::fota_client(8);
        let caller = caller::check(request, Kind::Start(&["status"]), step, &mut self.log);
        let number = path.strip_prefix(REPORT_PATH).and_then(|number| number.parse::<usize>().ok());
        let index = number.and_then(|number| number.checked_sub(1)).filter(|index| {
            self.books.transactions.get(*index).is_some_and(|t| Some(t.offer.hardware) == caller.hardware)
        });
        let Some(index) = index else {
            self.log.violate(step, Rule::Url, format!("{path} is not the status address of this device"));
            return Outcome::plain(step, "a result", status(404), "not yours");
        };
        let play = Play::Report(Report::new(index));
        self.start(now, request, caller, play, format!("a result of transaction {}", index + 1), step)
    }

    /// Begins a session; an older one of the same device ends here (profile B6.7: one at a time).
    fn start(
        &mut self,
        now: Duration,
        request: &Request,
        caller: Caller,
        play: Play,
        asked: String,
        step: Step,
    ) -> Outcome {
        for older in &mut self.sessions {
            if caller.hardware.is_some() && older.caller().hardware == caller.hardware {
                older.supersede();
            }
        }
        let token = self.token();
        let named = !self.config.unnamed_next;
        let origin = request.url.split('/').take(3).collect::<Vec<_>>().join("/");
        let url = if named { format!("{origin}{POST_PATH}{token}") } else { request.url.clone() };
        let start = Start { token, url: &url, named, coding: self.config.coding };
        let mut session = Session::new(start, caller, play, now);
        let outcome = session.open(&mut (&mut self.books, &mut self.log), asked, step);
        self.sessions.push(session);
        outcome
    }

    fn post(&mut self, now: Duration, request: &Request) -> Outcome {
        let mut headers = Log { exchange: self.log.exchange, ..Log::default() };
        let caller = caller::check(request, Kind::Continue, Step::STRAY, &mut headers);
        let Some(session) =
            self.sessions.iter_mut().rev().find(|session| session.takes(&request.url, &caller))
        else {
            return self.stray(Rule::Url, format!("no session takes answers at {}", request.url), 404);
        };
        let step = session.step();
        self.log.violations.extend(headers.violations.into_iter().map(|fault| Violation { step, ..fault }));
        let started_by = session.caller();
        let same = started_by.agent == caller.agent
            && (started_by.hardware.is_none() || started_by.hardware == caller.hardware);
        self.log.require(same, step, Rule::Header, || {
            "another device than the one that began the session".to_owned()
        });
        session.post(request, now, &mut (&mut self.books, &mut self.log))
    }

    /// Nobody's business.
    pub(crate) fn stray(&mut self, rule: Rule, fault: String, code: u16) -> Outcome {
        self.log.violate(Step::STRAY, rule, fault.clone());
        Outcome::plain(Step::STRAY, fault, status(code), "refused")
    }

    /// The name of the next session: letters for the seed, then a number.
    fn token(&self) -> String {
        let mut letters = String::new();
        let mut seed = self.config.seed;
        loop {
            letters.push(char::from(b'A' + u8::try_from(seed % 26).unwrap_or_default()));
            seed /= 26;
            if seed == 0 {
                break;
            }
        }
        format!("{letters}{}", self.sessions.len() + 1)
    }

    fn write_down(&mut self, now: Duration, party: &str, request: &Request, outcome: &Outcome) {
        let response = &outcome.response;
        let kept = |body: &[u8]| if party == REPOSITORY_HOST { Vec::new() } else { body.to_vec() };
        let mut record = Record {
            exchange: self.log.exchange,
            at: now,
            step: outcome.asked_in,
            direction: Direction::ToNetwork,
            party: party.to_owned(),
            line: format!("{} {}", request.method, request.url),
            meaning: outcome.asked.clone(),
            content_type: request.header("Content-Type").map(str::to_owned),
            body: kept(&request.body),
        };
        self.log.records.push(record.clone());
        record.step = outcome.told_in;
        record.direction = Direction::ToDevice;
        record.line = response.status.to_string();
        record.meaning.clone_from(&outcome.told);
        record.content_type = response.header("Content-Type").map(str::to_owned);
        record.body = kept(&response.body);
        self.log.records.push(record);
    }
}

//! The bench: a board, the network, a firmware pair; scenarios are played here.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail};
use kedge::feed::{Arrow, Feed, Flash, FlashRegion, Lane, Note};
use kedge::handset::{FlashMap, Press, Watch};
use kedge::hex;
use kedge::scenario::{Before, Script, Setup, Wanted};
use kedge::world::{Facts, Pair, Prepared, Product, Trouble};
use kedge_agent::event::{Event, Events};
use kedge_network::{
    Direction, Operator, REPOSITORY_HOST, Record, Service, TransactionState, WallClock, serve,
};
use kedge_platform_sim::identity::Identity;
use kedge_update_agent::Slot;

use crate::board::{self, Board, Moment};
use crate::cuts::{End, Life, Lives};
use crate::flash::sold_with;
use crate::owner::{License, NOW, Owner, Wish};
use crate::phone::{Kill, Phone};
use crate::product;

/// The board as a product.
pub(crate) const PRODUCT: Product = Product {
    name: product::NAME,
    model: [product::MAKE, product::MODEL],
    versions: ["1.0", "2.0"],
    security_counter: product::SECURITY_COUNTER,
};

/// The flow that the simulator plays with devices of its own, and this board with the same server: a new device signs up by
/// a short code, and gets a trial.
pub(crate) const TRIAL: &str = "license-trial";

/// A board with what scenarios take besides it.
pub(crate) struct Bench<'b> {
    board: &'b mut dyn Board,
    pair: Pair,
    prepared: BTreeMap<&'static str, Prepared>,
    /// Everything random comes from it.
    pub(crate) seed: u64,
    /// How long the board may be silent.
    patience: Duration,
}

/// A scenario that was played.
pub(crate) struct Played {
    /// What can be seen at the end; an error if it did not come to one.
    pub(crate) facts: anyhow::Result<Facts>,
    /// The image of the version that runs lies in a slot, octet by octet.
    pub(crate) whole: bool,
    /// The power failures that came.
    pub(crate) killed: Vec<(Kill, Moment)>,
    /// What the board said.
    pub(crate) log: String,
    /// How long it took.
    pub(crate) took: Duration,
    /// Messages, starts and power failures, in order.
    pub(crate) course: Vec<Feed>,
}

impl<'b> Bench<'b> {
    /// A bench with this board; where everything random comes from, and how long the board may be silent.
    pub(crate) fn new(board: &'b mut dyn Board, pair: Pair, (seed, patience): (u64, Duration)) -> Self {
        Self { board, pair, prepared: BTreeMap::new(), seed, patience }
    }

    /// Plays a scenario on a board from the factory. The error says that it could not be played.
    pub(crate) fn play(&mut self, scenario: &'static Script, kills: &[Kill]) -> anyhow::Result<Played> {
        let prepared = self.prepare(scenario)?;
        let setup = prepared.setup();
        if let Some(why) = needs_simulator(setup) {
            let why = format!("{} is played in the simulator only: {why}", scenario.name);
            return Err(board::Trouble::Script(why).into());
        }
        let operator = Arc::new(Mutex::new(prepared.operator().clone()));
        let network = serve(Arc::clone(&operator), None).context("no port on loopback")?;
        let digits = String::from_utf8_lossy(&setup.spc.0).into_owned();
        let mut straps = vec![
            format!("http={}", network.http.port()),
            format!("https={}", network.offloaded.port()),
            format!("seed={:x}", self.seed & 0xFFFF_FFFF),
            format!("spc={digits}"),
        ];
        if setup.no_fota_url {
            straps.push("updates=managed".to_owned());
        }
        if setup.in_place {
            straps.push("layout=in-place".to_owned());
        }
        let [make, model] = PRODUCT.model;
        let identity = Identity::new(setup.hardware, make, model, PRODUCT.versions[0])?;
        let device = (map(0, setup.in_place), identity);
        let mut phone = Phone::new(self.board, Arc::clone(&operator), &self.pair.old, device, straps)?;
        phone.planned.extend(kills);
        phone.patience = self.patience;
        let mut course = Course::default();
        let start = Instant::now();
        let facts = match prepared.play_on(&mut phone, &operator, &Trouble::default(), &mut course) {
            Err(error) if error.downcast_ref::<board::Trouble>().is_some() => return Err(error),
            facts => facts,
        };
        let took = start.elapsed();
        let whole = match &facts {
            Ok(facts) => holds(&mut phone, &self.pair, &facts.version)?,
            Err(_) => false,
        };
        let (killed, log) = (std::mem::take(&mut phone.killed), std::mem::take(&mut phone.log));
        let operator = operator.lock().unwrap_or_else(PoisonError::into_inner);
        Ok(Played { facts, whole, killed, log, took, course: course.with(&operator) })
    }

    /// Whether a play without power failures ended as it must.
    pub(crate) fn judge(&mut self, scenario: &'static Script, facts: Facts) -> anyhow::Result<Facts> {
        self.prepare(scenario)?.judge(facts)
    }

    /// Plays the [`TRIAL`] on a board from the factory, with these power failures.
    fn trial(&mut self, kills: &[Kill]) -> anyhow::Result<Life> {
        let owner =
            Owner::new((License::Online, &product::DEVICE_SEED), Wish::License, (kills, self.patience));
        let clock: WallClock = Box::new(|| NOW);
        let service = Service {
            provisioning: Some((owner.server(), clock)),
            ..Service::new(Arc::new(Mutex::new(Operator::default())))
        };
        let network = service.start().context("no port on loopback")?;
        let mut straps = owner.straps(self.seed);
        straps.push(format!("http={}", network.http.port()));
        straps.push(format!("https={}", network.offloaded.port()));
        let len = product::FLASH as usize;
        self.board.write_flash(&sold_with(&self.pair.old, len)?)?;
        owner.live(self.board, &straps, (&self.pair, product::layout(false), len))
    }

    /// Where everything lies in the board's flash, and how often each sector was erased.
    pub(crate) fn flash(facts: &Facts, in_place: bool) -> Flash {
        let regions = map(0, in_place).regions().into_iter().map(|(name, region)| FlashRegion {
            name: name.to_owned(),
            start: region.start,
            len: region.len,
        });
        Flash { sector_size: product::SECTOR, wear: facts.wear.clone(), regions: regions.collect() }
    }

    fn prepare(&mut self, scenario: &'static Script) -> anyhow::Result<Prepared> {
        if let Some(prepared) = self.prepared.get(scenario.name) {
            return Ok(prepared.clone());
        }
        let made = Prepared::of(scenario, (PRODUCT, &map), &self.pair, product::SECTOR, self.seed);
        let prepared = made.with_context(|| format!("{} cannot be prepared", scenario.name))?;
        self.prepared.insert(scenario.name, prepared.clone());
        Ok(prepared)
    }
}

impl Lives for Bench<'_> {
    /// An activation, an update into a slot, one in place, one over OMA-DM, a list that the network sends, a license.
    fn scenarios(&self) -> &'static [&'static str] {
        &["one-button", "fota-client", "fota-client/in-place", "fota-client/oma-dm", "prl-update", TRIAL]
    }

    fn seed(&self) -> u64 {
        self.seed
    }

    fn place(&self, offset: u32) -> &'static str {
        let layout = product::layout(false);
        let (package, journal) = (layout.package, layout.journal);
        match offset {
            _ if offset < product::IMAGE.end() => "image",
            _ if offset < package.start => "slot",
            _ if offset < package.end() => "package",
            _ if offset < journal.end() => "journal",
            _ if offset < product::STORE.end() => "store",
            _ => "license",
        }
    }

    fn live(&mut self, scenario: &'static str, kills: &[Kill]) -> anyhow::Result<Life> {
        if scenario == TRIAL {
            return self.trial(kills);
        }
        let script = script(scenario)?;
        let Played { facts, whole, killed, log, took, .. } = self.play(script, kills)?;
        let operations = facts.as_ref().map_or(0, |facts| facts.operations);
        let end = facts.and_then(|facts| end(script, &facts, whole));
        Ok(Life { end, operations, killed, log, took, measured: Vec::new() })
    }

    /// The same package and the same places in flash.
    fn simulate(&mut self, scenario: &'static str, killed: &[(Kill, Moment)]) -> anyhow::Result<()> {
        if scenario == TRIAL {
            bail!("its licenses are played by devices of its own");
        }
        let cuts = killed.iter().map(|(kill, moment)| kill.in_operation(moment)).collect();
        let trouble = Trouble { cuts, ..Trouble::default() };
        let prepared = self.prepare(script(scenario)?)?;
        prepared.play::<4, { product::SECTOR as usize }>(&trouble, &mut ()).map(drop)
    }
}

fn script(name: &str) -> anyhow::Result<&'static Script> {
    kedge::scenario::find(name).with_context(|| format!("no scenario {name}"))
}

/// Old or new, whole, and one report.
fn end(scenario: &Script, facts: &Facts, whole: bool) -> anyhow::Result<End> {
    if let Some(violation) = facts.violations.first() {
        bail!("{} violations, the first: {violation}", facts.violations.len());
    }
    if !whole {
        bail!("the image that is started is neither the old nor the new one");
    }
    let Err(why) = scenario.check(facts) else { return Ok(End::AsWithout) };
    let Some(transaction) = &facts.transaction else { bail!("{why}") };
    let failed = u16::from(kedge_agent::state::FAILED);
    let told = transaction.state == TransactionState::Reported(failed) && transaction.reports == 1;
    if told && facts.version == facts.versions[0] && facts.reports_left == 0 && facts.confirmed {
        return Ok(End::RolledBack);
    }
    bail!("{why}")
}

/// Why a scenario cannot be played on a board, if it cannot.
pub(crate) fn needs_simulator(setup: &Setup) -> Option<&'static str> {
    let of_a_menu =
        matches!(setup.press, Press::SelectNam(_) | Press::Open(_) | Press::License(_) | Press::Export(_));
    let two_numbers = setup.before == Before::SecondNumber || of_a_menu;
    let reasons = [
        (!setup.link.is_empty(), "faults of the link"),
        (two_numbers, "a menu that the board has not"),
        (setup.wanted == Some(Wanted::OwnObject), "an object of the simulated handset's maker"),
        (setup.a_key || setup.can_sign, "keys: the board has no entropy that is fit for them"),
    ];
    reasons.into_iter().find(|(needed, _)| *needed).map(|(_, why)| why)
}

/// Where everything lies: the board's own regions, whatever the size of a package.
fn map(_: u32, in_place: bool) -> FlashMap {
    FlashMap { update: product::layout(in_place), store: product::STORE, len: product::FLASH }
}

/// Whether the image of that version lies in a slot.
fn holds(phone: &mut Phone<'_>, pair: &Pair, version: &str) -> anyhow::Result<bool> {
    let image = match PRODUCT.versions.iter().position(|known| *known == version) {
        Some(0) => &pair.old,
        Some(_) => &pair.new,
        None => bail!("version {version} was never released"),
    };
    Ok(phone.slot(Slot::First)?.starts_with(image) || phone.slot(Slot::Second)?.starts_with(image))
}

/// Starts and power failures as they come.
#[derive(Default)]
struct Course(Vec<(u64, Feed)>);

impl Events for Course {
    fn event(&mut self, _: Duration, _: &Event<'_>) {}
}

impl Watch for Course {
    fn booted(&mut self, now: Duration, slot: Slot, version: &str) {
        let text = format!("starts version {version} from the {slot:?} slot");
        let note = Note { at_ms: ms(now), lane: Lane::Handset, step: None, text };
        self.0.push((ms(now), Feed::Note(note)));
    }

    fn power_failed(&mut self, now: Duration, operation: u64) {
        self.0.push((ms(now), Feed::PowerCut { at_ms: ms(now), operation }));
    }
}

impl Course {
    /// Together with what the network wrote down.
    fn with(mut self, operator: &Operator) -> Vec<Feed> {
        self.0.extend(operator.records().iter().map(|record| (ms(record.at), arrow(record))));
        self.0.sort_by_key(|(at, _)| *at);
        self.0.into_iter().map(|(_, feed)| feed).collect()
    }
}

fn arrow(record: &Record) -> Feed {
    let far = if record.party == REPOSITORY_HOST { Lane::Repository } else { Lane::Network };
    let (from, to) = match record.direction {
        Direction::ToNetwork => (Lane::Handset, far),
        Direction::ToDevice => (far, Lane::Handset),
    };
    Feed::Arrow(Arrow {
        at_ms: ms(record.at),
        from,
        to,
        step: (record.step.number > 0).then(|| record.step.number.to_string()),
        text: record.meaning.clone(),
        title: record.line.clone(),
        decoded: String::new(),
        hex: hex::encode(&record.body),
    })
}

fn ms(now: Duration) -> u64 {
    u64::try_from(now.as_millis()).unwrap_or(u64::MAX)
}

//! Whoever owns a board: he wants a license, and firmware; the host plays him at the console, and cuts the power.
//!
//! ```text
//!  board                                host
//!  license FOUND, verdict VERDICT  ──►  what was installed once stays, whatever fails
//!  idle                            ──►  license, document HEX, package, wake, off: what is still wanted
//!  request HEX                     ──►  carried to the provisioning server, signed up, the document brought back
//!  ask elsewhere - URL CODE        ──►  the code is entered there, and an account named; answer yes
//!  report PACKAGE RESULT           ──►  kept once, by the package; reported
//!  measured WHAT name=value ...    ──►  figures
//! ```

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail, ensure};
use kedge::hex;
use kedge::license::{ISSUER_SEED, NAMES, base64_url};
use kedge::world::Pair;
use kedge_network::provisioning::{Policy, Provisioning, Visitor};
use kedge_platform::license::DeviceKey as _;
use kedge_platform_crypto::SoftKey;
use kedge_update_agent::{Layout, Slot, UpdateResult};

use crate::board::{Board, Console, Heard, Moment, Trouble};
use crate::cuts::{End, Life};
use crate::phone::{Kill, MOST_STARTS, MOST_WAKES};

/// The versions of a firmware pair.
pub(crate) const VERSIONS: [&str; 2] = ["1.0", "2.0"];
/// What clocks show, in seconds since 1970.
pub(crate) const NOW: u64 = 1_893_456_000;
/// The account that the user names.
const ACCOUNT: [&str; 2] = ["alice", "correct horse"];
/// Starts that must be cut before a new image may be given up.
const TRIALS: usize = 3;

/// How a board gets its license.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum License {
    /// The owner carries request and document.
    ByFile,
    /// It asks the server itself, and reports.
    Online,
}

/// What the owner wants besides a license.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Wish {
    /// Nothing.
    License,
    /// The new firmware.
    Update,
    /// The old firmware again: the new one is broken.
    RollBack,
}

/// The owner, and what he knows of his board.
pub(crate) struct Owner {
    server: Arc<Mutex<Provisioning>>,
    license: License,
    patience: Duration,
    wanted: Wish,
    kills: VecDeque<Kill>,
    killed: Vec<(Kill, Moment)>,
    log: String,
    operations: u64,
    /// The largest of each figure.
    measured: BTreeMap<String, u64>,
    version: String,
    slot: Slot,
    /// What the license permits, as of the last start or installation.
    verdict: String,
    /// A license was installed.
    installed: bool,
    /// Since the power came on: a license was asked for, and so often was the board woken.
    asked: bool,
    wakes: u32,
    /// A document on its way to the device.
    document: Option<Vec<u8>>,
    /// How updates ended, by package.
    reports: BTreeMap<String, String>,
}

/// How a time with power ended.
enum Ended {
    Off,
    PowerLost,
}

impl Owner {
    /// The owner of a board from the factory, whose key has this seed.
    pub(crate) fn new(
        (license, seed): (License, &[u8; 32]),
        wanted: Wish,
        (kills, patience): (&[Kill], Duration),
    ) -> Self {
        let mut server = Provisioning::new(NAMES, Policy::default(), ISSUER_SEED);
        server.register(&SoftKey::new(seed, *seed).public_key());
        Self {
            server: Arc::new(Mutex::new(server)),
            license,
            patience,
            wanted,
            kills: kills.iter().copied().collect(),
            killed: Vec::new(),
            log: String::new(),
            operations: 0,
            measured: BTreeMap::new(),
            version: String::new(),
            slot: Slot::First,
            verdict: String::new(),
            installed: false,
            asked: false,
            wakes: 0,
            document: None,
            reports: BTreeMap::new(),
        }
    }

    /// The server that gives licenses.
    pub(crate) fn server(&self) -> Arc<Mutex<Provisioning>> {
        Arc::clone(&self.server)
    }

    fn lock(&self) -> MutexGuard<'_, Provisioning> {
        self.server.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What the board is told at power-on.
    pub(crate) fn straps(&self, seed: u64) -> Vec<String> {
        let issuer = hex::encode(&self.lock().public_key());
        vec![format!("seed={:x}", seed & 0xFFFF_FFFF), format!("time={NOW}"), format!("issuer={issuer}")]
    }

    /// Lives with the board until nothing is wanted any more. The error says that it could not be played.
    pub(crate) fn live(
        mut self,
        board: &mut dyn Board,
        straps: &[String],
        (pair, slots, flash): (&Pair, Layout, usize),
    ) -> anyhow::Result<Life> {
        let begun = Instant::now();
        let lived = self.power_sessions(board, straps);
        let took = begun.elapsed();
        let end = match lived {
            Err(error) if error.downcast_ref::<Trouble>().is_some() => return Err(error),
            Err(error) => Err(error),
            Ok(()) => self.judge(&board.read_flash(flash)?, pair, slots),
        };
        let Self { operations, killed, log, measured, .. } = self;
        Ok(Life { end, operations, killed, log, took, measured: measured.into_iter().collect() })
    }

    fn power_sessions(&mut self, board: &mut dyn Board, straps: &[String]) -> anyhow::Result<()> {
        for _ in 0..MOST_STARTS {
            let kill = self.kills.pop_front();
            let mut straps = straps.to_vec();
            straps.extend(kill.and_then(Kill::strap));
            let deadline = kill.and_then(Kill::deadline);
            let mut console = board.power_on(&straps)?;
            let ended = self.attend(&mut console, deadline);
            let moment = board.power_off()?.unwrap_or_default();
            self.operations += u64::from(moment.operations);
            match ended? {
                Ended::Off => return Ok(()),
                Ended::PowerLost => self.killed.extend(kill.map(|kill| (kill, moment))),
            }
        }
        bail!("no end after {MOST_STARTS} starts; it said:\n{}", self.log)
    }

    /// Listens to the board until it is off, or until the power is to be cut.
    fn attend(&mut self, console: &mut Console, deadline: Option<Instant>) -> anyhow::Result<Ended> {
        // what was asked before the power failed is forgotten: the board asks anew
        (self.document, self.asked, self.wakes) = (None, false, 0);
        let patience = self.patience;
        loop {
            let left = deadline.map_or(patience, |end| end.saturating_duration_since(Instant::now()));
            let line = match console.listen(left.min(patience)) {
                Heard::Line(line) => line,
                Heard::Silence if deadline.is_some() => return Ok(Ended::PowerLost),
                Heard::Silence => {
                    let last = self.log.lines().next_back().unwrap_or("nothing").to_owned();
                    return Err(Trouble::TimedOut(last).into());
                }
                Heard::Gone => bail!("the board went off by itself; it said:\n{}", self.log),
            };
            self.log.push_str(&line);
            self.log.push('\n');
            let (word, rest) = line.split_once(' ').unwrap_or((&line, ""));
            match word {
                "power" => return Ok(Ended::PowerLost),
                "exit" if rest == "Off" => return Ok(Ended::Off),
                "exit" if rest == "Failed" => bail!("the firmware gave up; it said:\n{}", self.log),
                "idle" => console.say(&self.next()),
                "report" => {
                    self.report(rest)?;
                    console.say("reported");
                }
                "ask" => {
                    self.act(rest)?;
                    console.say("answer yes");
                }
                "request" => self.document = Some(self.fetch(&hex::decode(rest)?)?),
                _ => self.note(word, rest)?,
            }
        }
    }

    /// What the board is told when it is idle.
    fn next(&mut self) -> String {
        let is_reported = self.license == License::ByFile || !self.lock().reports().0.is_empty();
        if let Some(document) = self.document.take() {
            return format!("document {}", hex::encode(&document));
        }
        let word = if !self.installed && !self.asked {
            self.asked = self.license == License::Online;
            "license"
        } else if !(self.installed && is_reported) && self.wakes < MOST_WAKES {
            self.wakes += 1;
            "wake"
        } else if self.wanted != Wish::License && self.reports.is_empty() && self.version == VERSIONS[0] {
            "package"
        } else {
            "off"
        };
        word.to_owned()
    }

    /// A line that wants no answer.
    fn note(&mut self, word: &str, rest: &str) -> anyhow::Result<()> {
        match (word, rest) {
            ("boot:", "run First") => self.slot = Slot::First,
            ("boot:", "run Second") => self.slot = Slot::Second,
            ("kedge", _) => rest.split(' ').nth(1).context("no version")?.clone_into(&mut self.version),
            ("installed", _) => self.installed = true,
            ("verdict", _) => {
                rest.clone_into(&mut self.verdict);
                // a license counts from when the device says so, or from a start that finds it
                self.installed |= rest == "allowed";
                let kept = !self.installed || rest == "allowed";
                ensure!(kept, "the license that was installed is {rest} now; it said:\n{}", self.log);
            }
            ("refused", _) => bail!("the document is refused: {rest}"),
            ("measured", _) => {
                let (what, figures) = rest.split_once(' ').unwrap_or((rest, ""));
                for (name, value) in figures.split(' ').filter_map(|figure| figure.split_once('=')) {
                    let most = self.measured.entry(format!("{what}, {name}")).or_default();
                    *most = value.parse::<u64>()?.max(*most);
                }
            }
            _ => {}
        }
        Ok(())
    }

    /// How an update ended: told again if the power failed before the board knew that it was heard, but never otherwise.
    fn report(&mut self, told: &str) -> anyhow::Result<()> {
        let (package, result) = told.split_once(' ').context("a report without a result")?;
        let before = self.reports.insert(package.to_owned(), result.to_owned());
        ensure!(
            before.as_deref().is_none_or(|before| before == result),
            "{package}: {before:?}, then {result}"
        );
        Ok(())
    }

    /// Opens the address that the board shows, and enters the code.
    fn act(&self, asked: &str) -> anyhow::Result<()> {
        let [kind, _, url, code] = asked.split(' ').collect::<Vec<_>>()[..] else { bail!("it asks {asked}") };
        ensure!(kind == "elsewhere", "it asks {asked}");
        let [url, code] = [hex::decode(url)?, hex::decode(code)?].map(String::from_utf8);
        let (url, code) = (url?, code?);
        let known = self.lock().sign_up(&code, ACCOUNT[0], NOW);
        ensure!(known, "{url} does not know the code {code}");
        Ok(())
    }

    /// Carries a request to the server, where the user names an account the first time.
    fn fetch(&self, request: &[u8]) -> anyhow::Result<Vec<u8>> {
        let (mut visitor, text) = (Visitor::new(), base64_url(request));
        let server = &mut *self.lock();
        let mut answer = visitor.fill(server, NOW, "/offline", "/offline", &[("request", &text)]);
        let kind = |kind: Option<&str>| kind.unwrap_or_default().ends_with(".provisioning+cbor");
        if !kind(answer.header("Content-Type")) {
            let page = String::from_utf8_lossy(&answer.body).into_owned();
            let code = page.split_once("name=\"code\" value=\"").and_then(|(_, rest)| rest.split('"').next());
            let code = code.context("the server asks for no account")?;
            let fields = [("code", code), ("account", ACCOUNT[0]), ("password", ACCOUNT[1])];
            answer = visitor.fill(server, NOW, &format!("/activate?c={code}"), "/activate", &fields);
        }
        ensure!(kind(answer.header("Content-Type")), "the server answers with {}", answer.status);
        Ok(answer.body)
    }

    /// Old or new, whole, one report, and the license as it was.
    fn judge(&self, flash: &[u8], pair: &Pair, slots: Layout) -> anyhow::Result<End> {
        ensure!(self.installed && self.verdict == "allowed", "no license: {}", self.verdict);
        let (told, documents) = self.lock().reports();
        let is_told = self.license == License::ByFile || !told.is_empty();
        ensure!(is_told, "{documents} documents were issued, and none was reported");
        let image = if self.version == VERSIONS[0] { &pair.old } else { &pair.new };
        let start = slots.slot(self.slot).start as usize;
        let whole = flash.get(start..).is_some_and(|slot| slot.starts_with(image));
        ensure!(whole, "the image that is started is neither the old nor the new one");
        if self.wanted == Wish::License {
            return Ok(End::AsWithout);
        }
        let result = match &self.reports.values().collect::<Vec<_>>()[..] {
            [one] => one.as_str(),
            all => bail!("{} reports", all.len()),
        };
        let installed = UpdateResult::Installed.to_string();
        if self.wanted == Wish::Update && result == installed && self.version == VERSIONS[1] {
            return Ok(End::AsWithout);
        }
        let given_up = result == UpdateResult::RolledBack.to_string() && self.version == VERSIONS[0];
        let may_be = self.wanted == Wish::RollBack || self.killed.len() >= TRIALS;
        ensure!(given_up && may_be, "{result}, and version {} runs", self.version);
        Ok(End::RolledBack)
    }
}

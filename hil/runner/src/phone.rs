//! A board as the device of a scenario: the host plays modem and user at its console, and cuts its power.
//!
//! ```text
//!  board                       host
//!  ask KIND CODE TEXT TEXT ──► the scenario's user ──► answer yes | no | later, pin DIGITS
//!  register NAM PRL        ──► the modem's memory, from which the operator learns it
//!  idle UPTIME             ──► what is pressed, what the network sends, wake, or off
//!  otasp true, reverse HEX ──► the far end of an OTASP call ──► otasp HEX
//!  kedge firmware VERSION, boot: run SLOT, power fails in operation N
//! ```

use std::collections::VecDeque;
use std::fmt::Write as _;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail};
use kedge::device::{Device, FlashWork};
use kedge::handset::{FlashMap, Press, Watch};
use kedge::hex;
use kedge_network::Operator;
use kedge_platform::identity::{HardwareId, Identity as _};
use kedge_platform::radio::Radio as _;
use kedge_platform::ui::{Answer, Prompt, Ui as _};
use kedge_platform_sim::identity::Identity;
use kedge_platform_sim::nor::Cut;
use kedge_platform_sim::radio::Radio;
use kedge_platform_sim::ui::Ui;
use kedge_update_agent::Slot;

use crate::board::{Board, Console, Heard, Moment, Trouble};
use crate::flash::{Content, sold_with};
use crate::product;

/// How long a board may be silent, unless something else is said.
const PATIENCE: Duration = Duration::from_secs(90);
/// More starts than this in one life are an endless loop.
pub(crate) const MOST_STARTS: usize = 200;
/// So often the board is woken to go on by itself before it counts as idle.
pub(crate) const MOST_WAKES: u32 = 100;
/// Octets of its flash that are used.
const FLASH: usize = product::FLASH as usize;

/// When the power fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kill {
    /// In the flash operation of this number, counted from power-on.
    In(u64, Cut),
    /// So long after power-on, wherever that is.
    After(Duration),
}

impl Kill {
    /// What the board is told of it at power-on, if it is told.
    pub(crate) fn strap(self) -> Option<String> {
        match self {
            Self::In(operation, cut) => Some(format!("cut={operation}:{}", name(cut))),
            Self::After(_) => None,
        }
    }

    /// When the host cuts the power of a board that is switched on now, if the host does.
    pub(crate) fn deadline(self) -> Option<Instant> {
        match self {
            Self::In(..) => None,
            Self::After(delay) => Some(Instant::now() + delay),
        }
    }

    /// The flash operation that it hit, and where in it; one between two operations comes before the next.
    pub(crate) fn in_operation(self, moment: &Moment) -> (u64, Cut) {
        let begun = u64::from(moment.operations);
        match self {
            Self::In(operation, cut) => (operation, cut),
            Self::After(_) if moment.under_way.is_some() => {
                (begun.saturating_sub(1), Cut::Torn { seed: begun })
            }
            Self::After(_) => (begun, Cut::Before),
        }
    }
}

/// A board with everything around it.
pub(crate) struct Phone<'b> {
    board: &'b mut dyn Board,
    operator: Arc<Mutex<Operator>>,
    straps: Vec<String>,
    map: FlashMap,
    content: Option<Content>,
    user: Ui,
    radio: Radio,
    identity: Identity,
    inbox: VecDeque<Vec<Vec<u8>>>,
    begun: Instant,
    work: FlashWork,
    /// How long it may be silent.
    pub(crate) patience: Duration,
    /// Power failures that begin with the scenario.
    pub(crate) planned: Vec<Kill>,
    /// Power failures to come, one for each power-on.
    kills: VecDeque<Kill>,
    /// Those that came, and what the board was doing.
    pub(crate) killed: Vec<(Kill, Moment)>,
    /// Everything it said.
    pub(crate) log: String,
}

/// How a time with power ended.
enum Ended {
    Off,
    PowerLost,
}

/// A conversation by IS-683 messages, outside of a session.
enum Talk {
    /// The user dials this.
    Dial(&'static str),
    /// The next message to the device; `None`: the call is released.
    Next(Option<Vec<u8>>),
}

/// What is under way between board and network besides HTTP.
#[derive(Default)]
struct Air {
    /// Lines for the board, one for each time that it is idle.
    queue: VecDeque<String>,
    /// The call that the board was told of.
    call: Option<Talk>,
    /// The call that is up.
    talk: Option<Talk>,
}

impl Air {
    /// What the board, which is idle, is told.
    fn next(&mut self) -> Option<String> {
        match self.talk.take() {
            Some(Talk::Next(Some(message))) => Some(format!("otasp {}", hex::encode(&message))),
            Some(_) => Some("release".to_owned()),
            None => self.queue.pop_front(),
        }
    }
}

impl<'b> Phone<'b> {
    /// A board from the factory, with `image`; `straps` besides those that tell of the scenario's device.
    pub(crate) fn new(
        board: &'b mut dyn Board,
        operator: Arc<Mutex<Operator>>,
        image: &[u8],
        (map, identity): (FlashMap, Identity),
        straps: Vec<String>,
    ) -> anyhow::Result<Self> {
        let octets = sold_with(image, FLASH)?;
        let mut phone = Self {
            board,
            operator,
            straps,
            map,
            content: Some(Content { octets, changed: true }),
            user: Ui::saying(Answer::Yes),
            radio: Radio::new(),
            identity,
            inbox: VecDeque::new(),
            begun: Instant::now(),
            work: FlashWork::default(),
            patience: PATIENCE,
            planned: Vec::new(),
            kills: VecDeque::new(),
            killed: Vec::new(),
            log: String::new(),
        };
        phone.write_back()?;
        Ok(phone)
    }

    /// The image that the first start would load from a slot.
    pub(crate) fn slot(&mut self, slot: Slot) -> anyhow::Result<&[u8]> {
        let region = self.map.update.slot(slot);
        let content = self.content()?;
        content.octets.get(region.start as usize..region.end() as usize).context("no such slot")
    }

    fn content(&mut self) -> anyhow::Result<&mut Content> {
        if self.content.is_none() {
            let octets = self.board.read_flash(FLASH)?;
            self.content = Some(Content { octets, changed: false });
        }
        self.content.as_mut().context("just read")
    }

    /// What was changed while the board was off goes into its flash.
    fn write_back(&mut self) -> anyhow::Result<()> {
        if let Some(content) = self.content.take().filter(|content| content.changed) {
            self.board.write_flash(&content.octets)?;
        }
        Ok(())
    }

    fn power_session(&mut self, press: &mut Option<Press>, watch: &mut dyn Watch) -> anyhow::Result<Ended> {
        self.write_back()?;
        let kill = self.kills.pop_front();
        let mut straps = self.straps.clone();
        straps.push(match self.identity.hardware_id() {
            HardwareId::Esn(esn) => format!("hardware=esn:{esn:08x}"),
            HardwareId::Meid(meid) => format!("hardware=meid:{}", hex::encode(&meid)),
        });
        straps.extend(self.identity.subscriber().map(|digits| format!("card={digits}")));
        straps.extend(kill.and_then(Kill::strap));
        let deadline = kill.and_then(Kill::deadline);
        let mut console = self.board.power_on(&straps)?;
        let ended = self.attend(&mut console, deadline, press, watch);
        let moment = self.board.power_off()?.unwrap_or_default();
        self.work.add(&moment, self.map);
        if matches!(ended, Ok(Ended::PowerLost)) {
            watch.power_failed(self.begun.elapsed(), u64::from(moment.operations.saturating_sub(1)));
            self.radio.drop_data_call();
            self.killed.extend(kill.map(|kill| (kill, moment)));
        }
        ended
    }

    /// Listens to the board until it is off, or until the power is to be cut.
    fn attend(
        &mut self,
        console: &mut Console,
        deadline: Option<Instant>,
        press: &mut Option<Press>,
        watch: &mut dyn Watch,
    ) -> anyhow::Result<Ended> {
        let (mut listened, mut wakes, mut slot) = (false, 0, Slot::First);
        let mut air = Air::default();
        loop {
            let left = deadline.map_or(self.patience, |end| end.saturating_duration_since(Instant::now()));
            let line = match console.listen(left.min(self.patience)) {
                Heard::Line(line) => line,
                Heard::Silence if deadline.is_some() => return Ok(Ended::PowerLost),
                Heard::Silence => return Err(Trouble::TimedOut(self.last_line()).into()),
                Heard::Gone => bail!("the board went off by itself; it said:\n{}", self.log),
            };
            let _ = writeln!(self.log, "{line}"); // writing to a String cannot fail
            let (word, rest) = line.split_once(' ').unwrap_or((&line, ""));
            match word {
                "ask" => console.say(&self.answer(rest)?),
                "register" => self.register(rest)?,
                "boot:" if rest == "run Second" => slot = Slot::Second,
                "boot:" if rest == "run First" => slot = Slot::First,
                "kedge" => {
                    let version = rest.split(' ').nth(1).context("no version")?;
                    self.identity.set_version(version)?;
                    watch.booted(self.begun.elapsed(), slot, version);
                    listened = false;
                }
                "power" => return Ok(Ended::PowerLost),
                "exit" if rest == "Off" => return Ok(Ended::Off),
                "exit" if rest == "Failed" => bail!("the firmware gave up; it said:\n{}", self.log),
                "otasp" => {
                    air.talk = air.call.take().filter(|_| rest == "true");
                    if let Some(Talk::Dial(digits)) = air.talk {
                        let id = self.identity.hardware_id();
                        let first = lock(&self.operator).dial(self.begun.elapsed(), id, digits);
                        air.talk = Some(Talk::Next(first));
                    }
                }
                "reverse" => {
                    let reverse = hex::decode(rest).ok();
                    let next = lock(&self.operator).heard(self.begun.elapsed(), reverse.as_deref());
                    air.talk = Some(Talk::Next(next));
                }
                "idle" => {
                    if let Some(line) = air.next() {
                        console.say(&line);
                    } else if let Some(pressed) = press.take() {
                        self.press(pressed, press, &mut air);
                        console.say(&air.next().unwrap_or_else(|| "listen".to_owned()));
                    } else if !listened {
                        listened = true;
                        self.listen(&mut air);
                        console.say(&air.next().unwrap_or_else(|| "listen".to_owned()));
                    } else if rest != "-" && wakes < MOST_WAKES {
                        wakes += 1;
                        console.say("wake");
                    } else {
                        console.say("off");
                    }
                }
                _ => {}
            }
        }
    }

    /// What the user does, as console lines.
    fn press(&mut self, pressed: Press, press: &mut Option<Press>, air: &mut Air) {
        match pressed {
            Press::Activate => air.queue.push_back("activate".to_owned()),
            Press::CheckForUpdate => air.queue.push_back("look".to_owned()),
            Press::Receive => {
                let group = self.inbox.pop_front().unwrap_or_default();
                air.queue.extend(group.iter().map(|message| format!("sms {}", hex::encode(message))));
                *press = (!self.inbox.is_empty()).then_some(Press::Receive);
            }
            Press::Dial(digits) => {
                air.call = Some(Talk::Dial(digits));
                air.queue.push_back("call".to_owned());
            }
            // menus of the simulated handset: the bench has refused them
            Press::SelectNam(_) | Press::Open(_) | Press::License(_) | Press::Export(_) | Press::Nothing => {}
        }
    }

    /// What the network sends now.
    fn listen(&mut self, air: &mut Air) {
        let (now, id) = (self.begun.elapsed(), self.identity.hardware_id());
        let mut operator = lock(&self.operator);
        let messages = operator.messages(now, id);
        air.queue.extend(messages.iter().map(|message| format!("message {}", hex::encode(message))));
        if let Some(first) = operator.burst(now, id) {
            air.call = Some(Talk::Next(Some(first)));
            air.queue.push_back("burst".to_owned());
        }
    }

    /// What the user says to a prompt.
    fn answer(&mut self, asked: &str) -> anyhow::Result<String> {
        let mut words = asked.split(' ');
        let (kind, code) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
        let mut text = || -> anyhow::Result<String> {
            match words.next() {
                None | Some("-") => Ok(String::new()),
                Some(digits) => Ok(String::from_utf8(hex::decode(digits)?)?),
            }
        };
        let (first, second) = (text()?, text()?);
        let number = code.parse().unwrap_or_default();
        let prompt = match kind {
            "notice" => Prompt::Notice(&first),
            "confirm" => Prompt::Confirm(&first),
            "install-update" => Prompt::InstallUpdate { version: &first },
            "release-notes" => Prompt::ReleaseNotes { description: &first, notes: &second },
            "disclaimer" => Prompt::Disclaimer,
            "no-update" => Prompt::NoUpdate,
            "update-refused" => Prompt::UpdateRefused,
            "activated" => Prompt::Activated,
            "enter-pin" => Prompt::EnterPin { summary: &first, tries_left: u8::try_from(number)? },
            "apply-settings" => Prompt::ApplySettings { summary: &first },
            "settings-applied" => Prompt::SettingsApplied,
            "settings-refused" => Prompt::SettingsRefused,
            "failed" => Prompt::Failed(number),
            _ => bail!("the board asks something unknown: {asked}"),
        };
        Ok(match self.user.prompt(prompt) {
            Answer::Yes => "answer yes".to_owned(),
            Answer::No => "answer no".to_owned(),
            Answer::Pin(pin) => format!("pin {}", pin.as_str()),
            // Boards ask for no text and no choice.
            Answer::Later | Answer::Text(_) | Answer::Chosen(_) => "answer later".to_owned(),
        })
    }

    fn register(&mut self, told: &str) -> anyhow::Result<()> {
        let (nam, prl) = told.split_once(' ').context("a registration without a list")?;
        let octets = |text: &str| if text == "-" { Ok(Vec::new()) } else { hex::decode(text) };
        let _ = self.radio.register(&octets(nam)?, &octets(prl)?); // a modem that never refuses
        Ok(())
    }

    fn last_line(&self) -> String {
        self.log.lines().next_back().unwrap_or("nothing").to_owned()
    }
}

impl Device for Phone<'_> {
    type Flash = Content;

    fn flash(&mut self) -> &mut Content {
        if let Err(error) = self.content() {
            let _ = writeln!(self.log, "the flash cannot be read: {error:#}"); // writing to a String cannot fail
        }
        self.content.get_or_insert_default()
    }

    fn map(&self) -> FlashMap {
        self.map
    }

    fn live(&mut self, press: Option<Press>, watch: &mut dyn Watch) -> anyhow::Result<()> {
        let mut press = press;
        for _ in 0..MOST_STARTS {
            if let Ended::Off = self.power_session(&mut press, watch)? {
                return Ok(());
            }
        }
        bail!("no end after {MOST_STARTS} starts; it said:\n{}", self.log)
    }

    fn user(&mut self) -> &mut Ui {
        &mut self.user
    }

    fn radio(&self) -> &Radio {
        &self.radio
    }

    fn identity(&mut self) -> &mut Identity {
        &mut self.identity
    }

    fn uptime(&self) -> Duration {
        self.begun.elapsed()
    }

    fn deliver(&mut self, messages: &[Vec<Vec<u8>>]) {
        self.inbox = messages.iter().cloned().collect();
    }

    /// Lost messages of the radio are the simulator's.
    fn begin(&mut self, trouble: &kedge::world::Trouble) {
        self.work = FlashWork::default();
        self.kills.extend(self.planned.drain(..));
        self.kills.extend(trouble.cuts.iter().map(|(operation, cut)| Kill::In(*operation, *cut)));
    }

    fn is_cut(&self) -> bool {
        !self.kills.is_empty()
    }

    fn work(&mut self) -> FlashWork {
        self.work.clone()
    }
}

/// Adds what a time with power has done.
trait Add {
    fn add(&mut self, moment: &Moment, map: FlashMap);
}

impl Add for FlashWork {
    fn add(&mut self, moment: &Moment, map: FlashMap) {
        self.operations += u64::from(moment.operations);
        self.wear.resize(moment.wear.len().max(self.wear.len()), 0);
        for (sum, erases) in self.wear.iter_mut().zip(&moment.wear) {
            *sum += erases;
        }
        self.erases = self.wear.iter().map(|erases| u64::from(*erases)).sum();
        let slots = [Slot::First, Slot::Second].map(|slot| map.update.slot(slot));
        let of_image = |offset: u32| slots.iter().any(|slot| (slot.start..slot.end()).contains(&offset));
        let starts = (0..).step_by(product::SECTOR as usize);
        let image = self.wear.iter().zip(starts).filter(|(_, start)| of_image(*start));
        self.image_erases = image.map(|(erases, _)| u64::from(*erases)).sum();
    }
}

const fn name(cut: Cut) -> &'static str {
    match cut {
        Cut::Before => "before",
        Cut::Torn { .. } | Cut::TornAt { .. } => "torn",
        Cut::After => "after",
    }
}

fn lock(operator: &Arc<Mutex<Operator>>) -> MutexGuard<'_, Operator> {
    operator.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests;

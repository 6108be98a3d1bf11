//! What the network wants of a device by itself: a new roaming list, a setting. A push calls the device; the session that
//! follows does it; over the legacy bearer the list goes without one.
//!
//! ```text
//! Waiting --session opened--> Called --Commit sent--> CommitSent --Commit Response ok--> Committed --used--> Done
//!    '--pushes without a session--> over the legacy bearer, the same from Called on
//! ```
//! A session waits for its device for [`QUEUED`], then it is taken away: the device is called no more, and comes in vain.

use crate::account::Refusal;
use crate::activation::{
    Ask, Expect, PRL_FORMAT_MISMATCH, REVERSE_TYPE, Verdict, dimensions, judge, list_id, update_plan,
    validate_spasm,
};
use crate::log::{Rule, Step};
use crate::order::{Answer, Order, Payload, code};
use crate::script::{Scene, Script, Turn};
use core::time::Duration;
use kedge_platform::identity::HardwareId;
use std::collections::VecDeque;

/// How long a session waits for the device that was called: one carrier's number (`iota.md` A5).
pub const QUEUED: Duration = Duration::from_secs(72 * 3600);

/// What is to be done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Task {
    /// This roaming list replaces the one the device has (flow `prl-update`).
    RoamingList(Vec<u8>),
    /// The object `phn/brew-url` gets this value (flow `brew-url`).
    BrewUrl(String),
    /// An object of the device maker's own gets this value, in the same way.
    Object(&'static str, String),
}

/// How far it has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum ErrandState {
    /// The device has not opened its session.
    Waiting,
    /// It has.
    Called,
    /// It may have committed: its answer is not here yet.
    CommitSent,
    /// It says that it has committed, or has it already.
    Committed,
    /// It has registered with the list, or said that the setting is permanent.
    Done,
}

/// Something the network wants of a device.
#[derive(Clone, Debug)]
pub struct Errand {
    /// The device.
    pub hardware: HardwareId,
    /// What is to be done.
    pub task: Task,
    /// How far it has come.
    pub state: ErrandState,
    /// When its session was made ready: with the first call.
    pub queued: Option<Duration>,
    /// How often the device was called by push.
    pub pages: u32,
    /// How often it was completed: at most once is right.
    pub completions: u32,
    /// What the device refused.
    pub refusals: Vec<Refusal>,
    /// Whether the legacy bearer was used.
    pub legacy: bool,
}

/// The object of [`Task::BrewUrl`].
const BREW_URL: &str = "phn/brew-url";

impl Errand {
    pub(crate) fn new(hardware: HardwareId, task: Task) -> Self {
        Self {
            hardware,
            task,
            state: ErrandState::Waiting,
            queued: None,
            pages: 0,
            completions: 0,
            refusals: Vec::new(),
            legacy: false,
        }
    }

    /// The part of its URL that stands before its number.
    pub(crate) const fn path(&self) -> &'static str {
        match self.task {
            Task::RoamingList(_) => "/otapa/",
            Task::BrewUrl(_) | Task::Object(..) => "/setting/",
        }
    }

    /// The step of its flow in which the device opens its session.
    pub(crate) const fn called_in(&self) -> Step {
        match self.task {
            Task::RoamingList(_) => Step::prl_update(2),
            Task::BrewUrl(_) | Task::Object(..) => Step::brew_url(2),
        }
    }

    /// Whether its session was taken away, because the device did not come in time. What may be committed already stays: the
    /// network has to learn of it.
    pub fn is_expired(&self, now: Duration) -> bool {
        self.state < ErrandState::CommitSent
            && self.queued.is_some_and(|since| now.saturating_sub(since) > QUEUED)
    }

    pub(crate) fn reached(&mut self, state: ErrandState) {
        if self.state < ErrandState::Committed && state >= ErrandState::Committed {
            self.completions += 1;
        }
        self.state = self.state.max(state);
    }
}

/// A roaming list on its way, by whatever bearer: the next request, and what an answer means.
#[derive(Clone, Debug)]
pub(crate) struct Delivery {
    /// Its place among the errands.
    errand: usize,
    queue: VecDeque<Ask>,
    /// How a challenge is signed.
    auth_otapa: Option<fn(u32) -> u32>,
}

impl Delivery {
    /// `None` if there is no such list, or its subscription cannot be written.
    pub(crate) fn new(errand: usize, scene: &Scene<'_>) -> Option<Self> {
        let Errand { hardware, task: Task::RoamingList(prl), .. } = scene.books.errands.get(errand)? else {
            return None;
        };
        let account = scene.books.accounts.iter().find(|account| account.serves(*hardware))?;
        let auth_otapa = account.profile.auth_otapa;
        Some(Self { errand, queue: update_plan(&account.profile, prl).ok()?.into(), auth_otapa })
    }

    /// The next request.
    pub(crate) fn next(&mut self, scene: &mut Scene<'_>) -> Option<Ask> {
        let ask = self.queue.pop_front()?;
        if ask.expect == Expect::Commit
            && let Some(errand) = scene.books.errands.get_mut(self.errand)
        {
            errand.reached(ErrandState::CommitSent);
        }
        Some(ask)
    }

    /// Acts on the answer to `ask`; what it means in plain words. A refusal or a fault leaves nothing in the queue.
    pub(crate) fn take(&mut self, ask: &Ask, reverse: &[u8], scene: &mut Scene<'_>) -> String {
        let Some(errand) = scene.books.errands.get_mut(self.errand) else { return String::new() };
        match judge(&ask.expect, reverse) {
            Verdict::Accepted => {
                if ask.expect == Expect::Commit {
                    errand.reached(ErrandState::Committed);
                }
                "accepted".to_owned()
            }
            Verdict::Dimensions { id, size } => {
                let current = matches!(&errand.task, Task::RoamingList(prl)
                    if size != 0 && Some(id) == list_id(prl) && usize::from(size) == prl.len());
                if current {
                    // Its answer to the commit was lost.
                    errand.reached(ErrandState::Committed);
                    self.queue.retain(|ask| ask.expect == Expect::Otapa);
                }
                format!("roaming list {id}, {size} octets{}", if current { ": current" } else { "" })
            }
            Verdict::Refused(PRL_FORMAT_MISMATCH) if ask.expect == Expect::Dimensions(0) => {
                let again = dimensions(2).map(|other| Ask { step: ask.step, answered_in: ask.step, ..other });
                self.queue.extend(again);
                self.queue.rotate_right(1);
                "other roaming list format".to_owned()
            }
            Verdict::Refused(code) => {
                let message = reverse.first().copied().unwrap_or_default();
                errand.refusals.push(Refusal { message, code });
                self.queue.clear();
                format!("refused with {code:#04x}")
            }
            Verdict::Challenge(rand) => {
                // A network that cannot sign goes on, and will be refused.
                if let Some(Ok(proof)) = self.auth_otapa.map(|sign| validate_spasm(sign(rand))) {
                    self.queue.push_front(proof);
                }
                "accepted, with a challenge".to_owned()
            }
            Verdict::Meid(_) | Verdict::Public(_) => "something that nobody asked for".to_owned(),
            Verdict::Wrong(fault) => {
                self.queue.clear();
                scene.violate(ask.step, Rule::Is683, format!("answer to {}: {fault}", ask.meaning));
                "not understood".to_owned()
            }
        }
    }
}

/// The session that brings a roaming list.
#[derive(Clone, Debug)]
pub(crate) struct ListSession {
    errand: usize,
    delivery: Option<Delivery>,
    awaited: Option<Ask>,
}

impl ListSession {
    pub(crate) const fn new(errand: usize) -> Self {
        Self { errand, delivery: None, awaited: None }
    }

    fn advance(&mut self, scene: &mut Scene<'_>) -> Turn {
        self.awaited = self.delivery.as_mut().and_then(|delivery| delivery.next(scene));
        match &self.awaited {
            Some(ask) => Turn::Say(vec![Order::is683(ask.message.clone(), ask.step, ask.meaning.clone())]),
            None => Turn::Say(vec![Order::disconnect(false, Step::prl_update(7))]),
        }
    }
}

impl Script for ListSession {
    fn open(&mut self, scene: &mut Scene<'_>) -> Turn {
        if !opened(self.errand, scene) {
            return Turn::Hang;
        }
        self.delivery = Delivery::new(self.errand, scene);
        self.advance(scene)
    }

    fn answered(&mut self, _: &[Order], answers: &[Answer], scene: &mut Scene<'_>) -> (Turn, String) {
        let (Some(ask), Some(delivery)) = (self.awaited.take(), &mut self.delivery) else {
            return (Turn::Hang, "the end".to_owned());
        };
        let meaning =
            if let [Answer { code: code::SUCCESS, payload: Payload::Octets(reverse), part_type, .. }] =
                answers
            {
                if part_type.as_deref().is_some_and(|kind| kind != REVERSE_TYPE) {
                    scene.violate(ask.step, Rule::Framing, format!("a reverse message as {part_type:?}"));
                }
                delivery.take(&ask, reverse, scene)
            } else {
                delivery.queue.clear();
                scene.violate(ask.step, Rule::Results, "no reverse message");
                "no message".to_owned()
            };
        let meaning = format!("{}: {meaning}", ask.meaning);
        (self.advance(scene), meaning)
    }
}

/// The session that changes a setting: write, commit, disconnect.
#[derive(Clone, Debug)]
pub(crate) struct SettingSession {
    errand: usize,
}

impl SettingSession {
    pub(crate) const fn new(errand: usize) -> Self {
        Self { errand }
    }
}

impl Script for SettingSession {
    fn open(&mut self, scene: &mut Scene<'_>) -> Turn {
        if !opened(self.errand, scene) {
            return Turn::Hang;
        }
        let Some(errand) = scene.books.errands.get_mut(self.errand) else { return Turn::Hang };
        let (object, value) = match &errand.task {
            Task::BrewUrl(url) => (BREW_URL, url.clone()),
            Task::Object(object, value) => (*object, value.clone()),
            Task::RoamingList(_) => return Turn::Hang,
        };
        let step = Step::brew_url(3);
        let orders = vec![Order::write(object, value, step), Order::commit(step)];
        errand.reached(ErrandState::CommitSent);
        Turn::Say(orders)
    }

    fn answered(&mut self, _: &[Order], answers: &[Answer], scene: &mut Scene<'_>) -> (Turn, String) {
        let Some(errand) = scene.books.errands.get_mut(self.errand) else {
            return (Turn::Hang, String::new());
        };
        let failed = answers.iter().find(|answer| answer.code != code::SUCCESS);
        let meaning = match failed {
            None => {
                errand.reached(ErrandState::Done);
                "the setting is permanent".to_owned()
            }
            Some(answer) => format!("refused with MMC code {}", answer.code),
        };
        (Turn::Say(vec![Order::disconnect(false, Step::brew_url(4))]), meaning)
    }
}

/// The device has come for an errand; whether there is still something to do.
fn opened(errand: usize, scene: &mut Scene<'_>) -> bool {
    let Some(errand) = scene.books.errands.get_mut(errand) else { return false };
    let open = errand.state < ErrandState::Committed;
    errand.reached(ErrandState::Called);
    open
}

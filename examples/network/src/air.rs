//! What the operator does without HTTP: its short message centre, the far end of an OTASP call, the legacy bearer.
//!
//! A device is called by push until it opens the session; when [`FALLBACK`] pushes had no effect, a roaming list goes over the
//! legacy bearer instead.

use crate::account::AccountState;
use crate::activation::{Ask, Verdict, judge, star_code_plan};
use crate::caller::{self, Caller};
use crate::errand::{Delivery, Errand, ErrandState, QUEUED, Task};
use crate::log::{Direction, Record, Rule, Step};
use crate::operator::{ACTIVATION_URL, BOOT_HOST, Operator};
use crate::script::Scene;
use core::time::Duration;
use kedge_platform::identity::HardwareId;
use kedge_protocol::sms::Ports;
use kedge_protocol::sms::cdma::{Address, MAX_MESSAGE, Outgoing};
use kedge_protocol::wap::{Coding, Indication, Loading, Signal, Urgency};
use std::collections::VecDeque;

/// The code that begins an activation by voice call.
pub const STAR_CODE: &str = "*228";

/// Pushes without a session until the legacy bearer is used.
pub const FALLBACK: u32 = 3;

/// The text that greets a customer who has dialled.
pub const WELCOME: &str = "Welcome! Your phone is being set up. This takes about a minute.";

/// The short message centre's number.
const CENTRE: &str = "1234";

/// Octets of a datagram in one short message: small, so that every push takes several.
const SEGMENT: usize = 40;

/// A conversation over the air.
#[derive(Clone, Debug)]
pub(crate) struct Talk {
    hardware: HardwareId,
    about: About,
    awaited: Option<Ask>,
}

#[derive(Clone, Debug)]
enum About {
    /// The customer has dialled.
    Dialled(VecDeque<Ask>),
    /// A roaming list over the legacy bearer.
    List(Delivery),
}

impl Operator {
    /// The short messages that the centre sends to a device now, as IS-637 transport layer messages; asked again, the
    /// pushes that had no effect come again.
    pub fn messages(&mut self, now: Duration, hardware: HardwareId) -> Vec<Vec<u8>> {
        let mut messages = Vec::new();
        self.air.message_id = self.air.message_id.wrapping_add(1);
        self.air.dialled.retain(|(_, since)| now.saturating_sub(*since) <= QUEUED);
        if self.air.has_dialled(hardware) {
            if self.config.welcome {
                let text = outgoing(self.air.message_id | 0x8000)
                    .text(WELCOME, &mut [0; MAX_MESSAGE])
                    .map(<[u8]>::to_vec);
                messages.extend(text);
                self.note(now, Step::star_code(2), "text", WELCOME);
            }
            self.note(now, Step::star_code(3), "push", ACTIVATION_URL);
            messages.extend(self.push(ACTIVATION_URL));
        }
        if let Some(pdu) = self.notify(now, hardware) {
            messages.extend(self.segments(&pdu));
        }
        let waiting = |errand: &Errand| {
            errand.hardware == hardware && errand.state == ErrandState::Waiting && !errand.is_expired(now)
        };
        let Some(place) = self.books.errands.iter().position(waiting) else { return messages };
        let Some(errand) = self.books.errands.get_mut(place) else { return messages };
        let listed = matches!(errand.task, Task::RoamingList(_));
        if listed && errand.pages >= FALLBACK {
            errand.legacy = true;
            return messages;
        }
        errand.queued.get_or_insert(now);
        errand.pages += 1;
        let (lost, path) = (errand.pages <= self.config.lost_pages, errand.path());
        let step = if listed { Step::prl_update(1) } else { Step::brew_url(1) };
        let url = format!("http://{BOOT_HOST}{path}{}", place + 1);
        self.note(now, step, if lost { "push, lost on the way" } else { "push" }, &url);
        if !lost {
            messages.extend(self.push(&url));
        }
        messages
    }

    /// A customer dials; the first message of the call, if the far end has one. Without one it releases the call.
    pub fn dial(&mut self, now: Duration, hardware: HardwareId, digits: &str) -> Option<Vec<u8>> {
        self.note(now, Step::star_code(1), "call", digits);
        if !digits.starts_with(STAR_CODE) {
            return None;
        }
        let about = About::Dialled(star_code_plan().ok()?.into());
        self.air.talk = Some(Talk { hardware, about, awaited: None });
        self.next(now)
    }

    /// The first message for the device over the legacy bearer, if something has to go that way.
    pub fn burst(&mut self, now: Duration, hardware: HardwareId) -> Option<Vec<u8>> {
        let due = |errand: &Errand| {
            errand.hardware == hardware
                && matches!(errand.task, Task::RoamingList(_))
                && errand.state < ErrandState::Committed
                && errand.legacy
                && !errand.is_expired(now)
        };
        let place = self.books.errands.iter().position(due)?;
        let errand = self.books.errands.get_mut(place)?;
        errand.reached(ErrandState::Called);
        let nobody = Caller::default();
        let scene = Scene { books: &mut self.books, log: &mut self.log, caller: &nobody };
        let about = About::List(Delivery::new(place, &scene)?);
        self.air.talk = Some(Talk { hardware, about, awaited: None });
        self.next(now)
    }

    /// Takes the device's answer, `None` if it has none; the next message, or `None`: the call is released.
    pub fn heard(&mut self, now: Duration, reverse: Option<&[u8]>) -> Option<Vec<u8>> {
        let mut talk = self.air.talk.take()?;
        let ask = talk.awaited.take()?;
        let Some(reverse) = reverse else {
            self.log.violate(ask.step, Rule::Is683, format!("no answer to {}", ask.meaning));
            return None;
        };
        let nobody = Caller::default();
        let mut scene = Scene { books: &mut self.books, log: &mut self.log, caller: &nobody };
        let meaning = match &mut talk.about {
            About::Dialled(_) => match judge(&ask.expect, reverse) {
                Verdict::Accepted => "accepted".to_owned(),
                other => {
                    scene.violate(ask.step, Rule::Is683, format!("answer to {}: {other:?}", ask.meaning));
                    return None;
                }
            },
            About::List(delivery) => delivery.take(&ask, reverse, &mut scene),
        };
        self.record(
            now,
            ask.answered_in,
            Direction::ToNetwork,
            ("radio", "reverse message"),
            &meaning,
            reverse,
        );
        if matches!(&talk.about, About::Dialled(queue) if queue.is_empty()) {
            self.call_answered(now, talk.hardware);
        }
        self.air.talk = Some(talk);
        self.next(now)
    }

    fn next(&mut self, now: Duration) -> Option<Vec<u8>> {
        let mut talk = self.air.talk.take()?;
        let nobody = Caller::default();
        let mut scene = Scene { books: &mut self.books, log: &mut self.log, caller: &nobody };
        let ask = match &mut talk.about {
            About::Dialled(queue) => queue.pop_front(),
            About::List(delivery) => delivery.next(&mut scene),
        }?;
        let message = ask.message.clone();
        let said = ("radio", "forward message");
        self.record(now, ask.step, Direction::ToDevice, said, &ask.meaning, &message);
        talk.awaited = Some(ask);
        self.air.talk = Some(talk);
        Some(message)
    }

    /// The IVR has what it needs: customers who have something to expect get it by push, the others hear the error.
    fn call_answered(&mut self, now: Duration, hardware: HardwareId) {
        let account = self.books.account_mut(hardware);
        let expects = account.is_some_and(|a| a.state != AccountState::Activated && !a.deactivated);
        if expects && !self.air.has_dialled(hardware) {
            self.air.dialled.push((hardware, now));
        }
    }

    /// The device has opened a session for its activation: no more pushes.
    pub(crate) fn came(&mut self, hardware: Option<HardwareId>) {
        self.air.dialled.retain(|(dialled, _)| Some(*dialled) != hardware);
    }

    fn push(&self, url: &str) -> Vec<Vec<u8>> {
        let mut body = [0; 512];
        let (media, body) = if self.config.indication {
            let text = "Your new settings are here. Fetch them now?";
            let indication = Indication {
                href: Some(url),
                si_id: None,
                action: Signal::High,
                created: None,
                expires: None,
                text,
            };
            (SI, indication.write(Coding::Wbxml, &mut body))
        } else {
            (SL, Loading { href: url, action: Urgency::High }.write(Coding::Wbxml, &mut body))
        };
        // Transaction, push, five octets of headers: the type, and application 0x8010 as a long integer.
        let mut pdu = vec![1, 6, 5, media, 0xAF, 0x02, 0x80, 0x10];
        pdu.extend(body.unwrap_or_default());
        self.segments(&pdu)
    }

    /// A push PDU in short messages, the last part first.
    fn segments(&self, pdu: &[u8]) -> Vec<Vec<u8>> {
        let outgoing = outgoing(self.air.message_id & 0x7FFF);
        let mut message = [0; MAX_MESSAGE];
        (0..Outgoing::segments(pdu, SEGMENT))
            .rev()
            .filter_map(|number| {
                outgoing.segment(Ports::PUSH, pdu, (number, SEGMENT), &mut message).ok().map(<[u8]>::to_vec)
            })
            .collect()
    }

    fn note(&mut self, now: Duration, step: Step, line: &str, meaning: &str) {
        let party = if line == "call" { "radio" } else { "smsc" };
        let direction = if line == "call" { Direction::ToNetwork } else { Direction::ToDevice };
        self.record(now, step, direction, (party, line), meaning, &[]);
    }

    fn record(
        &mut self,
        at: Duration,
        step: Step,
        direction: Direction,
        (party, line): (&str, &str),
        meaning: &str,
        body: &[u8],
    ) {
        self.log.records.push(Record {
            exchange: self.log.exchange,
            at,
            step,
            direction,
            party: party.to_owned(),
            line: line.to_owned(),
            meaning: meaning.to_owned(),
            content_type: None,
            body: body.to_vec(),
        });
    }

    /// Checks a registration against the roaming lists that were sent by the network's own wish.
    pub(crate) fn registered_list(&mut self, hardware: HardwareId, prl: &[u8]) {
        for errand in self.books.errands.iter_mut().filter(|errand| errand.hardware == hardware) {
            let Task::RoamingList(list) = &errand.task else { continue };
            let list = list.clone();
            let uses = list == prl;
            if uses && errand.state < ErrandState::CommitSent {
                let fault = "registers with a roaming list that it was never told to commit";
                self.log.violate(Step::prl_update(5), Rule::Atomicity, fault);
            } else if uses {
                errand.reached(ErrandState::Done);
                if let Some(account) = self.books.accounts.iter_mut().find(|a| a.serves(hardware)) {
                    account.profile.prl = list;
                }
            } else if errand.state >= ErrandState::Committed {
                let fault = format!(
                    "{} has committed a roaming list, and registers with another",
                    caller::name(hardware)
                );
                self.log.violate(Step::prl_update(5), Rule::Atomicity, fault);
            }
        }
    }
}

/// `application/vnd.wap.sic` and `application/vnd.wap.slc` as short integers (`wap-push.md` section 3).
const SI: u8 = 0xAE;
const SL: u8 = 0xB0;

fn outgoing(message_id: u16) -> Outgoing {
    Outgoing { from: Address::new(CENTRE).unwrap_or(Address::NONE), message_id }
}

/// What the operator's radio side remembers.
#[derive(Clone, Debug, Default)]
pub(crate) struct Air {
    /// Customers who have dialled, and whose devices have not opened their sessions; since when these wait.
    dialled: Vec<(HardwareId, Duration)>,
    talk: Option<Talk>,
    message_id: u16,
}

impl Air {
    fn has_dialled(&self, hardware: HardwareId) -> bool {
        self.dialled.iter().any(|(dialled, _)| *dialled == hardware)
    }
}

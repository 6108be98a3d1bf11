//! The activation server: plays the operator's side of `one-button` for one device.
//!
//! ```text
//! [capability] -> [verify SPC] -> NAM -> [dimensions] -> segments.. -> commit -> disconnect, restart
//! ```
//! What stands in brackets depends on the profile. A refusal or a fault anywhere ends the session with a text and without
//! a commit.

mod expect;
mod forward;

use crate::account::{Account, AccountState, Refusal};
use crate::authentication;
use crate::caller::{self, Caller};
use crate::log::{Rule, Step, hex};
use crate::order::{Answer, Order, Payload, code};
use crate::script::{Scene, Script, Turn};
pub(crate) use expect::{Expect, PRL_FORMAT_MISMATCH, Verdict, judge};
pub(crate) use forward::{
    Ask, dimensions, list_id, nam_blocks, plan, star_code_plan, update_plan, validate_spasm,
};
use kedge_platform::identity::HardwareId;
use std::collections::VecDeque;

/// Media type of a body part with a reverse message (profile B1).
pub(crate) const REVERSE_TYPE: &str = "application/x-is683-response";

/// Most messages in one body: its parts less the document (profile B1).
const MOST_PARTS: usize = 31;

const ANSWER: Step = Step::one_button(2);
const STOP: Step = Step::one_button(6);

/// One activation session.
#[derive(Clone, Debug)]
pub(crate) struct Activation {
    hardware: Option<HardwareId>,
    queue: VecDeque<Ask>,
    awaited: Vec<Expect>,
}

impl Activation {
    pub(crate) fn new(caller: &Caller) -> Self {
        Self { hardware: caller.hardware, queue: VecDeque::new(), awaited: Vec::new() }
    }

    /// Looks the device up and plans its session.
    fn identified(&mut self, hardware: HardwareId, scene: &mut Scene<'_>) -> Turn {
        self.hardware = Some(hardware);
        let Some(account) = scene.books.account_mut(hardware) else {
            return Turn::Say(Order::farewell("This device is not known to the operator.", ANSWER));
        };
        if account.deactivated {
            return Turn::Say(Order::farewell("This subscription is not in force.", ANSWER));
        }
        if account.state == AccountState::Activated {
            return Turn::Say(Order::farewell("This device was activated already.", ANSWER));
        }
        self.queue = account.plan.clone().into();
        self.advance(scene)
    }

    /// The next document: as many messages as the profile wants in one, up to the next that stands alone.
    fn advance(&mut self, scene: &mut Scene<'_>) -> Turn {
        let account = self.hardware.and_then(|hardware| scene.books.account_mut(hardware));
        let most =
            account.as_ref().map_or(1, |account| account.profile.messages_per_document.clamp(1, MOST_PARTS));
        let mut orders = Vec::new();
        self.awaited.clear();
        while orders.len() < most
            && let Some(next) = self.queue.pop_front()
        {
            let alone = next.alone || self.queue.front().is_some_and(|after| after.alone);
            self.awaited.push(next.expect);
            orders.push(Order::is683(next.message, next.step, next.meaning).answered_in(next.answered_in));
            if alone {
                break;
            }
        }
        if self.awaited.contains(&Expect::Commit)
            && let Some(account) = account
        {
            account.commit_sent();
        }
        if orders.is_empty() { Turn::Say(vec![Order::disconnect(true, STOP)]) } else { Turn::Say(orders) }
    }

    /// Acts on one reverse message; `Some` ends the session.
    fn take(
        &mut self,
        expect: &Expect,
        order: &Order,
        reverse: &[u8],
        scene: &mut Scene<'_>,
    ) -> (Option<Turn>, String) {
        match judge(expect, reverse) {
            Verdict::Accepted => {
                if *expect == Expect::Commit
                    && let Some(account) = self.account(scene)
                {
                    account.reached(AccountState::Committed);
                }
                (None, "accepted".to_owned())
            }
            Verdict::Meid(meid) => {
                let hardware = HardwareId::Meid(meid);
                (Some(self.identified(hardware, scene)), caller::name(hardware))
            }
            Verdict::Dimensions { id, size } => (None, self.compare(id, size, scene)),
            Verdict::Public(theirs) => {
                if let Some(account) = self.account(scene) {
                    account.a_key = authentication::a_key(&theirs);
                }
                (None, "an A-key is agreed on".to_owned())
            }
            Verdict::Challenge(_) => {
                scene.violate(order.step, Rule::Is683, "a challenge that nothing asked for");
                (Some(self.stop()), "not understood".to_owned())
            }
            Verdict::Refused(PRL_FORMAT_MISMATCH) if *expect == Expect::Dimensions(0) => {
                self.queue.extend(forward::dimensions(2));
                self.queue.rotate_right(1);
                (None, "other roaming list format".to_owned())
            }
            Verdict::Refused(code) => {
                let message = reverse.first().copied().unwrap_or_default();
                if let Some(account) = self.account(scene) {
                    account.refusals.push(Refusal { message, code });
                }
                (Some(self.stop()), format!("refused with {code:#04x}"))
            }
            Verdict::Wrong(fault) => {
                scene.violate(order.step, Rule::Is683, format!("answer to {}: {fault}", order.meaning));
                (Some(self.stop()), "not understood".to_owned())
            }
        }
    }

    /// Leaves the download out if the device has the list.
    fn compare(&mut self, id: u16, size: u16, scene: &mut Scene<'_>) -> String {
        let Some(account) = self.account(scene) else { return String::new() };
        account.prl_current = size != 0 && Some(id) == forward::list_id(&account.profile.prl);
        if account.prl_current {
            self.queue.retain(|ask| !matches!(ask.expect, Expect::Segment { .. }));
        }
        format!("roaming list {id}, {size} octets{}", if account.prl_current { ": current" } else { "" })
    }

    fn account<'s>(&self, scene: &'s mut Scene<'_>) -> Option<&'s mut Account> {
        self.hardware.and_then(|hardware| scene.books.account_mut(hardware))
    }

    fn stop(&mut self) -> Turn {
        self.queue.clear();
        Turn::Say(Order::farewell("The activation failed. Nothing was changed.", STOP))
    }
}

impl Script for Activation {
    fn open(&mut self, scene: &mut Scene<'_>) -> Turn {
        if let Some(hardware) = self.hardware {
            return self.identified(hardware, scene);
        }
        self.queue.extend(forward::capability_with_meid());
        self.advance(scene)
    }

    fn answered(&mut self, orders: &[Order], answers: &[Answer], scene: &mut Scene<'_>) -> (Turn, String) {
        let awaited = core::mem::take(&mut self.awaited);
        let mut meanings = Vec::new();
        let mut end = None;
        for ((order, answer), expect) in orders.iter().zip(answers).zip(&awaited) {
            let Payload::Octets(reverse) = &answer.payload else {
                // Without a message the code must say why (profile B7): not decodable, or not executed.
                if answer.code == code::SUCCESS {
                    scene.violate(order.step, Rule::Results, "success without a reverse message");
                }
                meanings.push(format!("{}: no message, code {}", order.meaning, answer.code));
                end = end.or_else(|| Some(self.stop()));
                continue;
            };
            if answer.code != code::SUCCESS {
                scene.violate(order.step, Rule::Results, format!("a message with code {}", answer.code));
            }
            if answer.part_type.as_deref().is_some_and(|kind| kind != REVERSE_TYPE) {
                let detail = format!("a reverse message as {:?}", answer.part_type);
                scene.violate(order.step, Rule::Framing, detail);
            }
            if end.is_some() {
                continue;
            }
            let (turn, meaning) = self.take(expect, order, reverse, scene);
            meanings.push(format!("{}: {meaning}", order.meaning));
            end = turn;
        }
        let turn = match end {
            Some(turn) => turn,
            None => self.advance(scene),
        };
        (turn, meanings.join(", "))
    }
}

/// Checks a registration against what the operator sent (flow step 7), and completes the activation with it.
pub(crate) fn registered(hardware: HardwareId, nam: &[u8], prl: &[u8], scene: &mut Scene<'_>) -> String {
    let step = Step::one_button(7);
    let Some(account) = scene.books.account_mut(hardware) else {
        return "registers; not a customer".to_owned();
    };
    let new_nam = nam == account.nam;
    let new_prl = prl == account.profile.prl;
    let state = account.state;
    if new_nam && state == AccountState::Pending {
        scene.violate(step, Rule::Atomicity, "registers with numbers that it was never told to commit");
        return "registers too early".to_owned();
    }
    if new_nam && !new_prl {
        let detail = format!("new numbers, but the roaming list is {} octets of another", prl.len());
        scene.violate(step, Rule::Atomicity, detail);
        return "registers with half the settings".to_owned();
    }
    if new_nam {
        account.reached(AccountState::Activated);
        return "registers with its new numbers".to_owned();
    }
    if state >= AccountState::Committed {
        let detail = format!("committed, but registers with {}", hex(nam));
        scene.violate(step, Rule::Atomicity, detail);
    }
    "registers with other numbers".to_owned()
}

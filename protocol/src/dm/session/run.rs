//! Executes a message of the server and answers it, command by command.
//!
//! A Status is written right after its command was executed. Before that it is tried whether it would fit; if not, the
//! message goes out without Final, and the run goes on in the next one. So nothing of the answer is kept but the place in
//! the message of the server, which stays in the receive buffer until then. An Atomic is run through twice: to be
//! executed, and to be reported once its end is known.

use super::io::{Config, End};
use super::link::{Link, Refs, is_full};
use super::prompt::{Kept, check};
use super::value::{Incoming, Told, Work, write_told};
use crate::dm::Tree;
use crate::dm::limits::MAX_URI;
use crate::syncml::limits::MAX_NESTING;
use crate::syncml::{
    AlertCode, Body, Code, Data, Element, Head, Item, Location, Mark, Message, Meta, Parts, Verb, Writer,
};
use crate::wire::{Decimal, Error, ErrorKind, Text};

/// Where a run stands; the message itself is in the receive buffer.
#[derive(Clone, Copy, Debug)]
pub(super) struct Run {
    /// Octets of the message.
    pub(super) len: usize,
    /// Its MsgID.
    pub(super) message: Text<{ crate::dm::limits::MAX_ID }>,
    /// Whether it ends its package.
    pub(super) is_final: bool,
    /// Every command is answered with this and none executed.
    pub(super) refuse: Option<Code>,
    /// The element at hand, counted from 0.
    at: u32,
    /// The item of it at hand.
    item: u32,
    open: [Frame; MAX_NESTING],
    depth: usize,
    /// The user does not want to go on.
    cancelled: bool,
    atomic: Option<Atomic>,
    /// Octets of the result at hand that were sent already.
    sent: usize,
    /// The node of the list at hand that was sent last.
    listed: Option<Text<MAX_URI>>,
    /// What the user said to the alert at hand.
    answer: Option<Kept>,
}

#[derive(Clone, Copy, Debug)]
struct Frame {
    verb: Verb,
    skipped: bool,
}

#[derive(Clone, Copy, Debug)]
struct Atomic {
    start: u32,
    depth: usize,
    /// The command that failed: its element, its item, its code.
    failed: Option<(u32, u32, Code)>,
    undone: bool,
    reporting: bool,
}

/// Why a run stops.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stop {
    /// Everything is answered.
    Done,
    /// The answer does not fit this message any more.
    Full,
    /// The user is to be asked.
    Ask,
}

/// What becomes of one element.
enum Step {
    Next,
    /// From the beginning of the message to the element at hand.
    Restart,
    Stop(Stop),
}

/// What a run works with, besides its own place.
pub(super) struct Hands<'x, 't, 'o> {
    pub(super) config: &'x Config<'x>,
    pub(super) link: &'x mut Link,
    pub(super) tx: &'x mut [u8],
    pub(super) draft: &'x mut Mark,
    pub(super) work: Work<'x>,
    pub(super) incoming: &'x mut Option<Incoming>,
    pub(super) tree: &'x mut Tree<'t, 'o>,
    /// The number of the last command in the message before anything of the run.
    pub(super) fresh: u32,
    /// Whether what fails is undone with an Atomic.
    pub(super) in_atomic: bool,
}

impl Run {
    pub(super) fn new(len: usize, message: &str, is_final: bool, refuse: Option<Code>) -> Self {
        Self {
            len,
            message: Text::of(&[message]).unwrap_or(Text::EMPTY),
            is_final,
            refuse,
            at: 0,
            item: 0,
            open: [Frame { verb: Verb::Unknown, skipped: false }; MAX_NESTING],
            depth: 0,
            cancelled: false,
            atomic: None,
            sent: 0,
            listed: None,
            answer: None,
        }
    }

    /// Goes on until the message is answered, the answer is full, or the user is to be asked.
    pub(super) fn advance(
        &mut self,
        message: &Message<'_>,
        hands: &mut Hands<'_, '_, '_>,
    ) -> Result<Stop, End> {
        loop {
            let mut body = self.reach(message, hands)?;
            loop {
                let head_work = core::mem::take(&mut hands.work.head);
                let step = match body.next(&mut *head_work) {
                    Ok(Some(element)) => self.element(element, hands),
                    Ok(None) => Ok(Step::Stop(Stop::Done)),
                    Err(error) => Err(End::Unreadable(error)),
                };
                hands.work.head = head_work;
                match step? {
                    Step::Next => self.forward(),
                    Step::Restart => break,
                    Step::Stop(stop) => return Ok(stop),
                }
            }
        }
    }

    /// The body, read up to the element at hand.
    fn reach<'a>(&self, message: &Message<'a>, hands: &mut Hands<'_, '_, '_>) -> Result<Body<'a>, End> {
        let mut body = message.body().map_err(End::Unreadable)?;
        for _ in 0..self.at {
            body.next(hands.work.head).map_err(End::Unreadable)?;
        }
        Ok(body)
    }

    /// The alert at hand: its head, and what repeats in it.
    pub(super) fn alert<'s>(
        &self,
        message: &Message<'s>,
        scratch: &'s mut [u8],
    ) -> Option<(Head<'s>, Parts<'s>)> {
        let mut body = message.body().ok()?;
        for _ in 0..self.at {
            body.next(&mut *scratch).ok()?;
        }
        match body.next(scratch).ok()?? {
            Element::Command(head, parts) if head.verb == Verb::Alert => Some((head, parts)),
            _ => None,
        }
    }

    pub(super) const fn set_answer(&mut self, answer: Kept) {
        self.answer = Some(answer);
    }

    const fn forward(&mut self) {
        self.at = self.at.saturating_add(1);
        self.item = 0;
    }

    fn element(&mut self, element: Element<'_>, hands: &mut Hands<'_, '_, '_>) -> Result<Step, End> {
        match element {
            Element::Begin(head) => self.begin(&head, hands),
            Element::End(_) => Ok(self.end(hands)),
            Element::Command(head, _) if matches!(head.verb, Verb::Status | Verb::Results) => Ok(Step::Next),
            Element::Command(head, parts) => self.command(&head, parts, hands),
        }
    }

    fn innermost(&self) -> Option<Frame> {
        self.depth.checked_sub(1).and_then(|i| self.open.get(i)).copied()
    }

    fn is_skipping(&self) -> bool {
        self.cancelled || self.innermost().is_some_and(|frame| frame.skipped)
    }

    fn is_executing_atomic(&self) -> bool {
        self.atomic.is_some_and(|atomic| !atomic.reporting)
    }

    /// The code that answers a command which is not looked at; `None` if it is to be executed.
    fn blanket(&self, verb: Verb) -> Option<Code> {
        match verb {
            _ if self.refuse.is_some() => self.refuse,
            _ if self.is_skipping() => Some(Code::NOT_EXECUTED),
            Verb::Foreign => Some(Code::NOT_SUPPORTED),
            Verb::Unknown => Some(Code::BAD_REQUEST),
            // It was nested too deep to be entered.
            Verb::Atomic | Verb::Sequence => Some(Code::FAILED),
            _ => None,
        }
    }

    #[inline(never)] // what one kind of command needs of the stack, the others need not
    fn begin(&mut self, head: &Head<'_>, hands: &mut Hands<'_, '_, '_>) -> Result<Step, End> {
        let refs = self.refs(head);
        let in_sequence = self.innermost().is_some_and(|frame| frame.verb == Verb::Sequence);
        let skipping = self.is_skipping() || self.refuse.is_some();
        let mut skipped = skipping;
        if let Some(atomic) = self.atomic.filter(|atomic| !atomic.reporting) {
            if head.verb == Verb::Atomic && atomic.failed.is_none() {
                self.fail(Code::FAILED);
            }
        } else {
            let code = if skipping {
                self.refuse.unwrap_or(Code::NOT_EXECUTED)
            } else if let Some(atomic) = self.atomic {
                if self.at == atomic.start { atomic.outcome() } else { atomic.code_of(self.at, 0) }
            } else if head.verb == Verb::Sequence && in_sequence {
                skipped = true;
                Code::BAD_REQUEST
            } else {
                Code::OK
            };
            if head.verb == Verb::Atomic && !skipping && self.atomic.is_none() {
                // What came before is a transaction of its own.
                hands.tree.commit().map_err(End::Storage)?;
                self.atomic = Some(Atomic {
                    start: self.at,
                    depth: self.depth,
                    failed: None,
                    undone: true,
                    reporting: false,
                });
            } else if !hands.status(&refs, code, None)? {
                return Ok(Step::Stop(hands.full()?));
            }
        }
        if let Some(slot) = self.open.get_mut(self.depth) {
            *slot = Frame { verb: head.verb, skipped };
            self.depth = self.depth.saturating_add(1);
        }
        Ok(Step::Next)
    }

    fn end(&mut self, hands: &mut Hands<'_, '_, '_>) -> Step {
        self.depth = self.depth.saturating_sub(1);
        let Some(mut atomic) = self.atomic.filter(|atomic| atomic.depth == self.depth) else {
            return Step::Next;
        };
        if atomic.reporting {
            self.atomic = None;
            return Step::Next;
        }
        if atomic.failed.is_none()
            && let Err(code) = hands.tree.commit()
        {
            atomic.failed = Some((atomic.start, 0, code));
        }
        if atomic.failed.is_some() {
            atomic.undone = hands.tree.roll_back().is_ok();
        }
        atomic.reporting = true;
        (self.at, self.item, self.atomic) = (atomic.start, 0, Some(atomic));
        Step::Restart
    }

    /// The command at hand makes its Atomic fail.
    fn fail(&mut self, code: Code) {
        if let Some(atomic) = &mut self.atomic
            && atomic.failed.is_none()
        {
            atomic.failed = Some((self.at, self.item, code));
        }
    }

    fn refs<'s>(&'s self, head: &Head<'s>) -> Refs<'s> {
        refs(&self.message, head)
    }

    fn command(
        &mut self,
        head: &Head<'_>,
        parts: Parts<'_>,
        hands: &mut Hands<'_, '_, '_>,
    ) -> Result<Step, End> {
        let blanket = self.blanket(head.verb).or(head.id.is_empty().then_some(Code::BAD_REQUEST));
        if let Some(atomic) = self.atomic {
            if !atomic.reporting && (atomic.failed.is_some() || blanket.is_some()) {
                self.fail(blanket.unwrap_or(Code::FAILED));
                return Ok(Step::Next);
            }
            if atomic.reporting && (blanket.is_some() || head.verb == Verb::Alert) {
                return self.simple(head, atomic.code_of(self.at, 0), hands);
            }
        } else if let Some(code) = blanket {
            return self.simple(head, code, hands);
        }
        hands.interrupt_large(head, parts.clone(), self.item)?;
        if head.verb == Verb::Alert {
            return self.user_alert(head, parts, hands);
        }
        self.items(head, parts, hands)
    }

    /// One Status for the command as a whole.
    fn simple(&mut self, head: &Head<'_>, code: Code, hands: &mut Hands<'_, '_, '_>) -> Result<Step, End> {
        if hands.status(&self.refs(head), code, None)? {
            Ok(Step::Next)
        } else {
            Ok(Step::Stop(hands.full()?))
        }
    }

    #[inline(never)] // what one kind of command needs of the stack, the others need not
    fn user_alert(
        &mut self,
        head: &Head<'_>,
        mut parts: Parts<'_>,
        hands: &mut Hands<'_, '_, '_>,
    ) -> Result<Step, End> {
        let code = match head.alert_code() {
            None => Err(Code::BAD_REQUEST),
            Some(AlertCode::NEXT_MESSAGE) => Ok(Kept::of(Code::OK)),
            Some(AlertCode::NO_END_OF_DATA) => {
                hands.drop_large();
                Ok(Kept::of(Code::OK))
            }
            Some(code) if (AlertCode::DISPLAY..=AlertCode::MULTIPLE_CHOICE).contains(&code) => {
                // An answer with data could not be reported once the Atomic's end is known.
                let plain = matches!(code, AlertCode::DISPLAY | AlertCode::CONFIRM);
                if !hands.config.has_user || self.is_executing_atomic() && !plain {
                    Err(Code::NOT_SUPPORTED)
                } else if let Some(answer) = self.answer {
                    Ok(answer)
                } else {
                    let mut items = 0_usize;
                    while hands.read_item(&mut parts).is_ok_and(|found| found) {
                        items = items.saturating_add(1);
                    }
                    match check(code, items) {
                        Ok(_) => return Ok(Step::Stop(Stop::Ask)),
                        Err(code) => Err(code),
                    }
                }
            }
            Some(_) => Err(Code::NOT_SUPPORTED),
        };
        let kept = code.unwrap_or_else(Kept::of);
        if self.is_executing_atomic() {
            self.answer = None;
            if kept.code != Code::OK {
                self.fail(kept.code);
            }
            self.cancelled |= kept.code == Code::CANCELLED;
            return Ok(Step::Next);
        }
        if !hands.answer(&self.refs(head), &kept)? {
            return Ok(Step::Stop(hands.full()?));
        }
        self.answer = None;
        self.cancelled |= kept.code == Code::CANCELLED;
        if kept.code == Code::NOT_MODIFIED
            && let Some(i) = self.depth.checked_sub(1)
            && let Some(frame) = self.open.get_mut(i)
        {
            frame.skipped = true;
        }
        Ok(Step::Next)
    }

    fn items(
        &mut self,
        head: &Head<'_>,
        mut parts: Parts<'_>,
        hands: &mut Hands<'_, '_, '_>,
    ) -> Result<Step, End> {
        let mut number = 0_u32;
        loop {
            let item_work = core::mem::take(&mut hands.work.item);
            let step = match parts.item(&mut *item_work) {
                Ok(None) => None,
                Ok(Some(_)) if number < self.item => Some(Ok(Step::Next)),
                Ok(Some(item)) => {
                    let item = Item { meta: item.meta.or(&head.meta), ..item };
                    Some(self.one(head, &item, &parts, hands))
                }
                Err(error) if self.is_executing_atomic() => {
                    self.fail(fault_code(&error));
                    Some(Ok(Step::Restart))
                }
                Err(error) => {
                    let code =
                        self.atomic.map_or(fault_code(&error), |atomic| atomic.code_of(self.at, number));
                    let written = hands.status(&refs(&self.message, head), code, None);
                    Some(match written {
                        Ok(true) => Ok(Step::Restart),
                        Ok(false) => hands.full().map(Step::Stop),
                        Err(end) => Err(end),
                    })
                }
            };
            hands.work.item = item_work;
            match step {
                None if number == 0 => return self.without_items(head, hands),
                Some(Ok(Step::Next)) => {}
                // Here it only means that no further item can be read.
                None | Some(Ok(Step::Restart)) => return Ok(Step::Next),
                Some(other) => return other,
            }
            number = number.saturating_add(1);
            if number > self.item {
                self.item = number;
            }
        }
    }

    /// A command that lacks what it is about.
    fn without_items(&mut self, head: &Head<'_>, hands: &mut Hands<'_, '_, '_>) -> Result<Step, End> {
        match self.atomic {
            Some(atomic) if atomic.reporting => self.simple(head, atomic.code_of(self.at, 0), hands),
            Some(_) => {
                self.fail(Code::INCOMPLETE);
                Ok(Step::Next)
            }
            None => self.simple(head, Code::INCOMPLETE, hands),
        }
    }

    /// One item of a command: executed, and answered.
    fn one(
        &mut self,
        head: &Head<'_>,
        item: &Item<'_>,
        parts: &Parts<'_>,
        hands: &mut Hands<'_, '_, '_>,
    ) -> Result<Step, End> {
        let message = self.message;
        let refs = refs(&message, head);
        let target = item.target.map(|location| location.uri);
        if self.is_executing_atomic() {
            if self.atomic.is_some_and(|atomic| atomic.failed.is_none()) {
                hands.in_atomic = true;
                let code = match head.verb {
                    Verb::Add | Verb::Replace | Verb::Delete | Verb::Copy => {
                        hands.apply(head, item, parts)?
                    }
                    // Get has no place for its results in an Atomic, Exec cannot be undone.
                    _ => Code::FAILED,
                };
                if code != Code::OK {
                    self.fail(code);
                }
            }
            return Ok(Step::Next);
        }
        if let Some(atomic) = self.atomic {
            let written = hands.status(&refs, atomic.code_of(self.at, self.item), target)?;
            return if written { Ok(Step::Next) } else { Ok(Step::Stop(hands.full()?)) };
        }
        if head.verb == Verb::Get {
            return self.get(&refs, target, hands);
        }
        if !hands.would_fit(&refs, target)? {
            return Ok(Step::Stop(hands.full()?));
        }
        hands.in_atomic = false;
        let again = head.verb == Verb::Exec && self.item > 0;
        let code = if again { Code::INCOMPLETE } else { hands.apply(head, item, parts)? };
        if !hands.status(&refs, code, target)? {
            return Ok(Step::Stop(hands.full()?));
        }
        Ok(Step::Next)
    }

    /// A Get: its Status, then its Results, in as many messages as they need.
    #[inline(never)] // what one kind of command needs of the stack, the others need not
    fn get(
        &mut self,
        refs: &Refs<'_>,
        target: Option<&str>,
        hands: &mut Hands<'_, '_, '_>,
    ) -> Result<Step, End> {
        let Some(uri) = target else {
            return if hands.status(refs, Code::INCOMPLETE, None)? {
                Ok(Step::Next)
            } else {
                Ok(Step::Stop(hands.full()?))
            };
        };
        let done = match hands.list_of(uri) {
            Ok(Some(data)) => hands.list(refs, uri, data, &mut self.listed)?,
            Ok(None) => hands.value(refs, uri, &mut self.sent)?,
            Err(code) => hands.status(refs, code, target)?,
        };
        if !done {
            return Ok(Step::Stop(hands.full()?));
        }
        (self.sent, self.listed) = (0, None);
        Ok(Step::Next)
    }
}

impl Atomic {
    /// The Status of the Atomic itself.
    fn outcome(&self) -> Code {
        if self.failed.is_some() { Code::ATOMIC_FAILED } else { Code::OK }
    }

    /// The Status of one of its commands (`oma-dm.md` section 5).
    fn code_of(&self, at: u32, item: u32) -> Code {
        match self.failed {
            None => Code::OK,
            // The commit itself failed: everything was executed and is undone.
            Some((failed, ..)) if failed == self.start => self.undone_code(),
            Some((failed, which, code)) if failed == at && which == item => code,
            Some((failed, which, _)) if (at, item) < (failed, which) => self.undone_code(),
            Some(_) => Code::NOT_EXECUTED,
        }
    }

    const fn undone_code(&self) -> Code {
        if self.undone { Code::ROLLED_BACK } else { Code::ROLL_BACK_FAILED }
    }
}

fn refs<'s>(message: &'s Text<{ crate::dm::limits::MAX_ID }>, head: &Head<'s>) -> Refs<'s> {
    // A Status must name something; `0` cannot be mistaken, since Cmd is not SyncHdr.
    let id = if head.id.is_empty() { "0" } else { head.id };
    let cmd = if head.name.is_empty() { "Unknown" } else { head.name };
    Refs { message: message.as_str(), id, cmd }
}

/// What a fault in an item means for its command.
pub(super) const fn fault_code(error: &Error) -> Code {
    match error.kind {
        ErrorKind::NoRoom => Code::TOO_LARGE,
        _ => Code::BAD_REQUEST,
    }
}

impl Hands<'_, '_, '_> {
    /// The answer is full, unless nothing of it would ever fit.
    fn full(&self) -> Result<Stop, End> {
        if self.link.command() == self.fresh { Err(End::NoRoom) } else { Ok(Stop::Full) }
    }

    /// Writes commands to the message; `false` if they do not fit, and then nothing of them is written.
    pub(super) fn write(
        &mut self,
        commands: impl FnOnce(&mut Link, &mut Writer<'_>) -> Result<(), Error>,
    ) -> Result<bool, Error> {
        let before = self.link.command();
        let room = self.link.bounded(self.tx);
        let mut writer = Writer::resume(room, self.draft)?;
        match commands(self.link, &mut writer) {
            Ok(()) => {
                *self.draft = writer.mark();
                Ok(true)
            }
            Err(error) if is_full(&error) => {
                self.link.set_command(before);
                Ok(false)
            }
            Err(error) => {
                self.link.set_command(before);
                Err(error)
            }
        }
    }

    /// Writes a Status.
    pub(super) fn status(&mut self, refs: &Refs<'_>, code: Code, target: Option<&str>) -> Result<bool, End> {
        self.write(|link, writer| write_status(link, writer, refs, code, target)).map_err(End::Unreadable)
    }

    /// Whether a Status would fit.
    fn would_fit(&mut self, refs: &Refs<'_>, target: Option<&str>) -> Result<bool, End> {
        let (draft, command) = (*self.draft, self.link.command());
        let fits = self.status(refs, Code::OK, target);
        *self.draft = draft;
        self.link.set_command(command);
        fits
    }

    /// Writes the Status of a user alert with what the user said.
    #[inline(never)]
    fn answer(&mut self, refs: &Refs<'_>, kept: &Kept) -> Result<bool, End> {
        let written = self.write(|link, writer| {
            let id = link.next_id();
            let head = Head::status(id.as_str(), refs.message, refs.id, refs.cmd, kept.code);
            let mut status = writer.command(&head)?;
            if let Some(text) = &kept.text {
                status = status.item(&Item::EMPTY.text(text.as_str()))?;
            }
            for choice in (0..u32::BITS).filter(|&i| kept.choices >> i & 1 == 1) {
                let number = Decimal::new(choice.saturating_add(1));
                status = status.item(&Item::EMPTY.text(number.as_str()))?;
            }
            status.end()
        });
        written.map_err(End::Unreadable)
    }

    /// Whether there is another item; it is not looked at.
    fn read_item(&mut self, parts: &mut Parts<'_>) -> Result<bool, Error> {
        parts.item(self.work.item).map(|item| item.is_some())
    }

    /// Writes a Status, and with it Results of one item.
    pub(super) fn results(
        &mut self,
        refs: &Refs<'_>,
        uri: &str,
        source: &str,
        told: &Told<'_>,
        with_status: bool,
    ) -> Result<bool, Error> {
        self.write(|link, writer| {
            if with_status {
                write_status(link, writer, refs, Code::OK, Some(uri))?;
            }
            write_told(link, writer, refs, source, told)
        })
    }
}

fn write_status(
    link: &mut Link,
    writer: &mut Writer<'_>,
    refs: &Refs<'_>,
    code: Code,
    target: Option<&str>,
) -> Result<(), Error> {
    let id = link.next_id();
    let head = Head::status(id.as_str(), refs.message, refs.id, refs.cmd, code);
    let status = writer.command(&head)?;
    match target.filter(|target| !target.is_empty()) {
        Some(target) => status.target_ref(target)?.end(),
        None => status.end(),
    }
}

/// An Alert 1225 about `uri`: what came of that object is given up.
pub(super) fn write_no_end(link: &mut Link, writer: &mut Writer<'_>, uri: &str) -> Result<(), Error> {
    let id = link.next_id();
    let head = Head::alert(id.as_str(), AlertCode::NO_END_OF_DATA);
    let item = Item { source: Some(Location::new(uri)), meta: Meta::EMPTY, ..Item::EMPTY };
    writer.command(&head)?.item(&Item { data: None::<Data<'_>>, ..item })?.end()
}

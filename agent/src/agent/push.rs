//! What arrives by push (`spec/iota.md` B11): a service loading starts a session, a service indication asks the user first, an
//! MMC document is the first of a session.
//!
//! An invitation waits in RAM; if the device restarts before the user answers, the network has to push again.

use kedge_platform::crypto::Crypto;
use kedge_platform::flash::NorFlash;
use kedge_platform::ui::Answer;
use kedge_protocol::dm::notification::is_notification;
use kedge_protocol::iota::TrustedDomain;
use kedge_protocol::iota::trigger::{Refused, Trigger as Pushed, filter};
use kedge_protocol::mime::MediaType;
use kedge_protocol::wap::{
    ApplicationCode, CacheOperation, Coding, Date, Invalidation, MailNotification, MediaCode, Packet, Push,
    Shelved,
};

use super::desk::Desk;
use super::dm::bootstrap;
use super::{Agent, Buffers, Context, State, provision};
use crate::dispatch::{Content, Handler, Origin, Refusal, handler, is_readable_push};
use crate::error::AgentError;
use crate::event::Event;
use crate::limits;
use crate::store::Key;
use crate::trigger::{Kind, Trigger};

/// What a service indication asks the user.
#[derive(Clone, Debug)]
pub(super) struct Invitation {
    /// Its text, cut at [`limits::INVITATION`] octets.
    pub(super) text: heapless::String<{ limits::INVITATION }>,
    trigger: Trigger,
    /// What a withdrawal must name, cut at the same length.
    id: heapless::String<{ limits::INVITATION }>,
    expires: Option<Date>,
}

impl<'b, const PRL: usize> Agent<'b, PRL> {
    /// Takes a connectionless WSP push PDU, as it came by SMS. What is malformed, unknown, or outside the trusted domain is
    /// shown as an event and changes nothing.
    pub fn push<F: NorFlash, C: Crypto>(
        &mut self,
        context: &mut Context<'_, F, C>,
        pdu: &[u8],
    ) -> Result<(), AgentError<F::Error>> {
        if let Err(count) = self.flood.admit(context.now) {
            let (origin, why) = (Origin::Push, Refusal::Flood(count));
            context.event(&Event::ContentRefused { media_type: "", origin, why });
            return Ok(());
        }
        let push = match Packet::new(pdu).and_then(|packet| Push::parse(&packet)) {
            Ok(push) => push,
            Err(error) => {
                context.event(&Event::ContentMalformed { media_type: "", error });
                return Ok(());
            }
        };
        if is_notification(&push) {
            return self.notified(context, push.body);
        }
        let name = push.content_type.media.name().unwrap_or_default();
        if MediaType::parse(name).is_ok_and(|media| handler(&media, Origin::Push) == Ok(Handler::License)) {
            let content = Content { media_type: name, origin: Origin::Push, body: push.body };
            return self.open(context, &content).map(drop);
        }
        if bootstrap::is_bootstrap(&push) {
            return self.bootstrap_pushed(context, &push);
        }
        if provision::is_provisioning(&push) {
            return self.desk.take_settings(context, &push);
        }
        match self.desk.pushed(context, &push)? {
            Some(Wanted::Session(mut trigger)) => {
                // Within an activation that the user dialled for, even a silent push is his.
                if self.desk.store.len(Key::Dialled as u8).is_some() {
                    trigger.kind = Kind::Invited;
                }
                self.trigger(context, trigger);
            }
            // The newer of two invitations counts.
            Some(Wanted::Invitation(invitation)) => self.invitation = Some(invitation),
            Some(Wanted::Withdrawal(id)) => {
                self.invitation = self.invitation.take().filter(|own| own.id != id);
            }
            Some(Wanted::Document(coding)) => self.open_document(context, coding, (name, push.body)),
            None => {}
        }
        Ok(())
    }

    /// A session that begins with a document which was pushed. Its only place is the session's buffer, so nothing else may be
    /// going on or wait, and it does not survive a restart: the network has to push again.
    fn open_document<F, C>(
        &mut self,
        context: &mut Context<'_, F, C>,
        coding: Coding,
        (media_type, document): (&str, &[u8]),
    ) {
        let waits = self.desk.store.len(Key::Resume as u8).is_some() || !self.triggers.is_empty();
        let place = match &mut self.state {
            State::Idle(buffers) if !waits => buffers.receive.get_mut(..document.len()),
            _ => None,
        };
        let Some(place) = place else {
            let (origin, why) = (Origin::Push, Refusal::PushedDocument);
            context.event(&Event::ContentRefused { media_type, origin, why });
            return;
        };
        place.iter_mut().zip(document).for_each(|(place, octet)| *place = *octet);
        self.document = Some((coding, document.len()));
        let trigger = Trigger { kind: Kind::Document, url: heapless::String::new() };
        context.event(&Event::SessionStarted { kind: trigger.kind, url: "" });
        self.enter(|buffers| State::Calling(buffers, trigger));
    }

    /// The time of day in UTC, as far as the device knows it: told when it learns it, and from time to time. What has expired by
    /// then is dropped, and what comes later is judged by it. A device that never tells keeps everything.
    pub fn time_of_day(&mut self, now: Date) {
        self.desk.date = Some(now);
        self.desk.shelf.expire(Some(now));
        self.invitation =
            self.invitation.take().filter(|own| own.expires.is_none_or(|expires| expires > now));
    }

    /// The user has answered an invitation.
    pub(super) fn invited<F: NorFlash, C: Crypto>(
        &mut self,
        context: &mut Context<'_, F, C>,
        buffers: Buffers<'b>,
        answer: Answer,
    ) {
        self.state = State::Idle(buffers);
        if let (Some(invitation), Answer::Yes) = (self.invitation.take(), answer) {
            let trigger = Trigger { kind: Kind::Invited, ..invitation.trigger };
            self.trigger(context, trigger);
        }
    }
}

/// What a push wants.
enum Wanted {
    /// A session.
    Session(Trigger),
    /// A session, if the user agrees.
    Invitation(Invitation),
    /// A session whose first document is the push's body.
    Document(Coding),
    /// That the invitation with this id is forgotten.
    Withdrawal(heapless::String<{ limits::INVITATION }>),
}

impl<const PRL: usize> Desk<'_, PRL> {
    /// What a push wants, if anything.
    fn pushed<F: NorFlash, C: Crypto>(
        &mut self,
        context: &mut Context<'_, F, C>,
        push: &Push<'_>,
    ) -> Result<Option<Wanted>, AgentError<F::Error>> {
        let name = push.content_type.media.name().unwrap_or_default();
        let found = match MediaType::parse(name) {
            _ if !is_readable_push(&push.content_type) => Err(Refusal::Charset),
            Ok(media_type) => handler(&media_type, Origin::Push),
            Err(_) => Err(Refusal::UnknownType),
        };
        let refuse = |context: &mut Context<'_, F, C>, why| {
            context.event(&Event::ContentRefused { media_type: name, origin: Origin::Push, why });
            Ok(None)
        };
        match found {
            Ok(Handler::ServiceIndication | Handler::ServiceLoading | Handler::Mmc) => {}
            Ok(told @ (Handler::Mail | Handler::Cache)) => {
                return match self.tell_device(context, push, told) {
                    Ok(()) => Ok(None),
                    Err(Refused::Malformed(error)) => {
                        context.event(&Event::ContentMalformed { media_type: name, error });
                        Ok(None)
                    }
                    Err(_) => refuse(context, Refusal::NotWanted),
                };
            }
            Ok(
                Handler::Is683
                | Handler::Provisioning
                | Handler::Bootstrap
                | Handler::License
                | Handler::Parts
                | Handler::Page,
            ) => {
                return refuse(context, Refusal::Origin);
            }
            Err(why) => return refuse(context, why),
        }
        let (mut domain, mut boot) = ([0; limits::URL], [0; limits::URL]);
        let domain = self.setting(context.flash, "iota/trusted-domain", &mut domain)?.unwrap_or_default();
        let boot = self.setting(context.flash, "iota/boot-url", &mut boot)?.unwrap_or_default();
        let trust = TrustedDomain::new(domain, boot);
        let (url, asked) = match filter(push, &trust, &mut self.answer) {
            Ok(Pushed::WhenIdle(url) | Pushed::AtOnce(url)) => (url, None),
            Ok(Pushed::Ask(indication, url)) => match self.shelf.offer(self.date, &indication) {
                shelved @ (Shelved::New | Shelved::Replaces) => {
                    let (signal, replaces) = (indication.action, shelved == Shelved::Replaces);
                    context.event(&Event::Indicated { signal, replaces });
                    (url, Some(indication))
                }
                Shelved::Expired => return refuse(context, Refusal::Expired),
                _ => return refuse(context, Refusal::NotWanted),
            },
            Ok(Pushed::Withdraw(indication)) => match self.shelf.offer(self.date, &indication) {
                Shelved::Withdraws(1..) => {
                    let id = shortened(indication.id().unwrap_or_default());
                    return Ok(Some(Wanted::Withdrawal(id)));
                }
                _ => return refuse(context, Refusal::NotWanted),
            },
            Ok(Pushed::Document(coding, _)) => return Ok(Some(Wanted::Document(coding))),
            Err(Refused::Malformed(error)) => {
                context.event(&Event::ContentMalformed { media_type: name, error });
                return Ok(None);
            }
            Err(Refused::OtherContent) => return refuse(context, Refusal::UnknownType),
            Err(_) => return refuse(context, Refusal::NotWanted),
        };
        Ok(Trigger::new(Kind::Push, url).map(|trigger| match asked {
            None => Wanted::Session(trigger),
            Some(indication) => Wanted::Invitation(Invitation {
                text: shortened(indication.text),
                trigger,
                id: shortened(indication.id().unwrap_or_default()),
                expires: indication.expires,
            }),
        }))
    }

    /// What other programs of the device are to know: mail, by the application id of mail programs; and what of the browser's
    /// cache is out of date, by its own id, that of any application, or none (`wap-push.md` section 4).
    fn tell_device<F: NorFlash, C: Crypto>(
        &mut self,
        context: &mut Context<'_, F, C>,
        push: &Push<'_>,
        handler: Handler,
    ) -> Result<(), Refused> {
        let is_for = |code| push.headers.application_id().map(|id| id.is(code));
        if handler == Handler::Mail {
            if is_for(ApplicationCode::EMN) != Some(true) {
                return Err(Refused::OtherContent);
            }
            let mail = MailNotification::read(Coding::Wbxml, push.body, &mut self.answer);
            let mailbox = mail.map_err(Refused::Malformed)?.mailbox;
            context.event(&Event::MailArrived { mailbox });
            return Ok(());
        }
        let browser = [ApplicationCode::WML, ApplicationCode::ANY].map(is_for);
        if !browser.into_iter().any(|fits| fits.unwrap_or(true)) {
            return Err(Refused::OtherContent);
        }
        let xml = push.content_type.media.is(MediaCode::CO_XML);
        let coding = if xml { Coding::Xml } else { Coding::Wbxml };
        let tell = |invalidation: Invalidation<'_>| context.event(&Event::CacheOutOfDate(invalidation));
        CacheOperation::read(coding, push.body, &mut self.answer, tell).map_err(Refused::Malformed)
    }
}

/// As much of a text as an invitation keeps.
pub(super) fn shortened(text: &str) -> heapless::String<{ limits::INVITATION }> {
    let mut kept = heapless::String::new();
    for c in text.chars() {
        if kept.push(c).is_err() {
            break;
        }
    }
    kept
}

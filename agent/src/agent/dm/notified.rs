//! Package 0: a push that asks for a management session (OMA-TS-DM_Notification).
//!
//! What cannot be proved starts nothing and answers nothing; it is shown as an event.

use kedge_platform::crypto::Crypto;
use kedge_platform::flash::NorFlash;
use kedge_platform::ui::{Answer, Prompt};
use kedge_protocol::dm::account::Level;
use kedge_protocol::dm::auth::Secret;
use kedge_protocol::dm::limits::MAX_URI;
use kedge_protocol::dm::notification::{Notification, Packet, UiMode};
use kedge_protocol::dm::objects::Accounts;

use super::super::desk::Desk;
use super::super::{Agent, Buffers, Context, State};
use super::Dm;
use super::tree::Digests;
use crate::error::AgentError;
use crate::event::{Event, NotNotified};
use crate::limits;
use crate::store::Wish;

impl<'b, const PRL: usize> Agent<'b, PRL> {
    /// Takes the body of a push that is a notification.
    pub(in super::super) fn notified<F: NorFlash, C: Crypto>(
        &mut self,
        context: &mut Context<'_, F, C>,
        body: &[u8],
    ) -> Result<(), AgentError<F::Error>> {
        let is_busy = matches!(self.state, State::Managing(_));
        let judged = match &mut self.dm {
            Some(dm) => dm.judge(&mut self.desk, context, body, is_busy)?,
            None => Err(NotNotified::Unmanaged),
        };
        match judged {
            Ok(notification) => {
                let Notification { server, session, .. } = notification;
                context.event(&Event::Notified { server, session });
                let ui = match notification.ui_mode {
                    UiMode::Unspecified | UiMode::Background => 0,
                    UiMode::Informative => 1,
                    UiMode::Interaction => 2,
                };
                let wish = Wish { server, session, notified: true, ui, for_user: false, tries: 0 };
                self.wish(context, &wish).map(|_| ())
            }
            Err(why) => {
                context.event(&Event::NotNotified(why));
                Ok(())
            }
        }
    }

    /// The user has answered about the session, or was told of it.
    pub(in super::super) fn agreed<F: NorFlash, C: Crypto>(
        &mut self,
        context: &mut Context<'_, F, C>,
        buffers: Buffers<'b>,
        (confirm, answer): (bool, Answer),
    ) -> Result<(), AgentError<F::Error>> {
        self.state = State::Idle(buffers);
        let mut buf = [0; limits::RECORD];
        let Some(wish) = self.desk.store.get::<Wish<'_>, F>(context.flash, &mut buf)? else { return Ok(()) };
        match answer {
            // Where nobody is there to ask, the network has to ask again.
            answer if confirm && answer != Answer::Yes => self.drop_wish(context.flash),
            _ => Ok(self.desk.store.put(context.flash, &Wish { ui: 0, ..wish })?),
        }
    }
}

impl<const PRL: usize> Desk<'_, PRL> {
    /// What the user is shown of the session that a notification wants: who wants it.
    pub(in super::super) fn management_prompt<'w, F: NorFlash>(
        &self,
        flash: &mut F,
        confirm: bool,
        out: &'w mut [u8],
    ) -> Result<Prompt<'w>, AgentError<F::Error>> {
        let text = self.store.get::<Wish<'_>, F>(flash, out)?.map_or("", |wish| wish.server);
        Ok(if confirm { Prompt::Confirm(text) } else { Prompt::Notice(text) })
    }
}

impl Dm<'_> {
    /// Whether a notification counts: readable, no replay, of a server with an account here, and proved by its password and
    /// nonce.
    fn judge<'n, F: NorFlash, C: Crypto, const PRL: usize>(
        &mut self,
        desk: &mut Desk<'_, PRL>,
        context: &mut Context<'_, F, C>,
        body: &'n [u8],
        is_busy: bool,
    ) -> Result<Result<Notification<'n>, NotNotified>, AgentError<F::Error>> {
        let read = Packet::new(body).and_then(|packet| Ok((Notification::parse(&packet)?, packet)));
        let (notification, packet) = match read {
            Ok(read) => read,
            Err(error) => return Ok(Err(NotNotified::Malformed(error))),
        };
        if let Err(why) = self.guard.admit(context.now, &packet) {
            return Ok(Err(NotNotified::Dropped(why)));
        }
        if is_busy {
            // The tree belongs to the session; a server that is being talked to has no need to call.
            return Ok(Err(NotNotified::Busy));
        }
        self.prepare(desk, context)?;
        let mut path = [0; MAX_URI];
        let nodes = self.nodes(&desk.store, context.flash)?;
        let account = Accounts::find(&nodes, notification.server, &mut path)
            .and_then(|path| Accounts::read(&nodes, path));
        let own = account.as_ref().and_then(|account| account.credentials(Level::Server));
        let Some(own) = own else { return Ok(Err(NotNotified::UnknownServer)) };
        let mut digests = Digests(context.entropy);
        let proof = notification.verify(&packet, Secret::new(own.secret.0), own.data.0, &mut digests);
        let Some(proof) = proof else { return Ok(Err(NotNotified::Unproven)) };
        let accepted = self.guard.accept(context.now, &packet, &notification, proof, None);
        Ok(accepted.map(|()| notification).map_err(NotNotified::Dropped))
    }
}

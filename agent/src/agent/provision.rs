//! Settings of client provisioning: kept as they came until their sender is proved and the user agrees, then committed whole.
//!
//! ```text
//! push ─► check ─► store (document, SEC, MAC) ─► PIN? ─► verify ─► apply? ─► commit: every object, and the document is gone
//!                                                 └── three wrong ones, or no: the document is dropped, nothing changed
//! ```
//! What waits is in the store, so that a restart neither loses it nor gives the user more tries. One document waits at a
//! time: a second one is refused, lest a flood of pushes could displace the one that the user expects.

use core::time::Duration;

use kedge_platform::crypto::Crypto;
use kedge_platform::flash::NorFlash;
use kedge_platform::identity::{HardwareId, Identity};
use kedge_platform::ui::{Answer, Prompt};
use kedge_protocol::cp::model::{Application, Napdef, PxLogical};
use kedge_protocol::cp::security::{Denied, NetworkKey, PIN_TRIES, Proof, Protection, verify};
use kedge_protocol::cp::{Coded, Fault, Kind, MAX_DOCUMENT, Object, Objects, ParmName, check};
use kedge_protocol::dm::bootstrap::Security;
use kedge_protocol::wap::{Coding, MediaCode, Push, SecurityMethod};
use kedge_protocol::wire::Writer;
use kedge_update_agent::banklog::Change;

use super::commit::Commit;
use super::desk::Desk;
use super::dm::bootstrap;
use super::{Agent, Buffers, Context, Notice, State};
use crate::dispatch::{Content, Decision, Handler, Leaf, Leaves, Origin, Refusal, decide, is_readable_push};
use crate::error::AgentError;
use crate::event::Event;
use crate::limits;
use crate::store::{Key, Pending, Record as _, Source, StoredSettings};

/// What the user is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Question {
    /// The PIN.
    Pin {
        /// How often it may still be tried.
        tries_left: u8,
    },
    /// Whether to apply the settings.
    Apply,
}

/// What a document that waits needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Waiting {
    /// The user.
    Ask(Question),
    /// Nothing more: it was refused and is gone.
    Refused,
}

/// Why a document would not be kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Unkept {
    /// Not now, or not at all.
    Refused(Refusal),
    /// It is not sound.
    Faulty(Fault),
}

/// Largest record of [`Pending`].
const PENDING: usize = 48;

impl Question {
    /// The prompt; its text is made in the buffers.
    pub(super) fn prompt<'w, F: NorFlash, const PRL: usize>(
        self,
        desk: &mut Desk<'_, PRL>,
        flash: &mut F,
        buffers: &'w mut Buffers<'_>,
    ) -> Result<Prompt<'w>, AgentError<F::Error>> {
        let (pending, document) = desk.waiting_document(flash, buffers.receive)?;
        let mut text = Writer::new(buffers.send);
        // The document was checked when it came; what cannot be told any more is left out.
        if pending.is_bootstrap() {
            let _ = bootstrap::tell(document.bytes, &mut desk.answer, &mut text);
        } else if let Ok(mut objects) = Objects::new(&document) {
            while let Ok(Some(object)) = objects.next(&mut desk.answer) {
                if text.at() > limits::SUMMARY || tell(&object, &mut text).is_err() {
                    break;
                }
            }
        }
        let summary = core::str::from_utf8(text.finish()).unwrap_or_default();
        Ok(match self {
            Self::Pin { tries_left } => Prompt::EnterPin { summary, tries_left },
            Self::Apply => Prompt::ApplySettings { summary },
        })
    }
}

/// What an object changes, in a few words.
fn tell(object: &Object<'_>, out: &mut Writer<'_>) -> Result<(), kedge_protocol::wire::Error> {
    let (what, which) = match object.kind() {
        Kind::Bootstrap => ("from", object.parm(ParmName::Name)),
        Kind::Napdef => {
            let nap = Napdef::of(*object);
            ("access point", nap.and_then(|nap| nap.address().or(nap.name())))
        }
        Kind::PxLogical => {
            let proxy = PxLogical::of(*object).and_then(|proxy| proxy.physical().next());
            ("proxy", proxy.and_then(|proxy| proxy.address()))
        }
        Kind::Application => {
            let application = Application::of(*object);
            let name = application.map_or("application", |application| application.app_id().name());
            (name, application.and_then(|application| application.addresses().next()))
        }
        Kind::Access => ("restriction of networks for", object.parm(ParmName::AppId).or(Some("all"))),
        Kind::VendorConfig => ("settings of", object.parm(ParmName::Name)),
        _ => return Ok(()),
    };
    if out.at() > 0 {
        out.put(b"; ")?;
    }
    out.put(what.as_bytes())?;
    if let Some(which) = which {
        out.put(b" ")?;
        out.put(which.as_bytes())?;
    }
    Ok(())
}

impl<'b, const PRL: usize> Agent<'b, PRL> {
    /// Takes content that did not come by push: a file that the user opened, an answer or a part of another protocol's
    /// session. A multipart is taken apart, and each part judged for itself. What this agent does not handle, or not from there,
    /// is refused and reported; the answer is the first refusal.
    pub fn open<F: NorFlash, C: Crypto>(
        &mut self,
        context: &mut Context<'_, F, C>,
        content: &Content<'_>,
    ) -> Result<Result<(), Refusal>, AgentError<F::Error>> {
        each_leaf(context, content, |context, leaf| match leaf.handler {
            Ok(Handler::License) => {
                let whole = leaf.body.len() == content.body.len();
                let essence = leaf.media_type.map_or("", |media_type| media_type.essence());
                let media_type = if whole { content.media_type } else { essence };
                self.take_license(context, &Content { media_type, body: leaf.body, ..*content })
            }
            _ => self.desk.take_leaf(context, leaf, content.origin),
        })
    }

    /// The user has answered about settings.
    pub(super) fn provisioned<F: NorFlash, C: Crypto>(
        &mut self,
        context: &mut Context<'_, F, C>,
        buffers: Buffers<'b>,
        question: Question,
        answer: Answer,
    ) -> Result<(), AgentError<F::Error>> {
        let done = match (question, answer) {
            (_, Answer::Later | Answer::Text(_) | Answer::Chosen(_))
            | (Question::Pin { .. }, Answer::Yes) => {
                self.provision_after = context.now.saturating_add(limits::ASK_AGAIN);
                Ok(None)
            }
            (_, Answer::No) => self.desk.drop_settings(context.flash).map(|()| None),
            (Question::Pin { .. }, Answer::Pin(pin)) => {
                self.desk.try_pin(context, pin.as_str(), buffers.receive)
            }
            (Question::Apply, Answer::Yes | Answer::Pin(_)) => {
                let committed = self.commit_waiting(context, buffers.receive, buffers.send);
                committed.map(|committed| {
                    Some(if committed { Notice::SettingsApplied } else { Notice::SettingsRefused })
                })
            }
        };
        // The buffers must find back whatever the store says.
        self.state = match &done {
            Ok(Some(notice)) => State::Telling(buffers, *notice),
            _ => State::Idle(buffers),
        };
        done.map(|_| ())
    }

    /// Makes what waits permanent, and it goes; `false`: it goes and nothing else changes.
    fn commit_waiting<F: NorFlash, C: Crypto>(
        &mut self,
        context: &mut Context<'_, F, C>,
        receive: &mut [u8],
        send: &mut [u8],
    ) -> Result<bool, AgentError<F::Error>> {
        let (pending, document) = self.desk.waiting_document(context.flash, receive)?;
        if !pending.is_bootstrap() {
            return self.desk.commit_settings(context, receive, send);
        }
        let committed = self.bootstrap_agreed(context, pending, document.bytes)?;
        if !committed {
            self.desk.drop_settings(context.flash)?;
        }
        Ok(committed)
    }

    /// Asks about settings that wait at once, whatever the user said before: the user looks for them.
    pub fn ask_about_settings(&mut self) {
        self.provision_after = Duration::ZERO;
    }
}

/// Takes each content of a body by itself, and reports what is refused; the answer is the first refusal.
fn each_leaf<F, C, E>(
    context: &mut Context<'_, F, C>,
    content: &Content<'_>,
    mut take: impl FnMut(&mut Context<'_, F, C>, &Leaf<'_>) -> Result<Result<(), Refusal>, E>,
) -> Result<Result<(), Refusal>, E> {
    let mut first = Ok(());
    let (leaves, broken) = match Leaves::new(content) {
        Ok(leaves) => (Some(leaves), None),
        Err(why) => (None, Some(Err(why))),
    };
    for leaf in leaves.into_iter().flatten().chain(broken) {
        let media_type = match &leaf {
            Ok(Leaf { media_type: Some(media_type), .. }) => media_type.essence(),
            _ => content.media_type,
        };
        let taken = match leaf {
            Ok(leaf) => take(context, &leaf)?,
            Err(why) => Err(why),
        };
        if let Err(why) = taken {
            tell_refusal(context, (media_type, content.origin), why);
            first = first.and(taken);
        }
    }
    Ok(first)
}

/// Reports why content is refused.
fn tell_refusal<F, C>(context: &mut Context<'_, F, C>, (media_type, origin): (&str, Origin), why: Refusal) {
    context.event(&match why {
        Refusal::Settings(fault) => Event::SettingsRefused(fault),
        why => Event::ContentRefused { media_type, origin, why },
    });
}

/// Whether a push is for client provisioning.
pub(super) fn is_provisioning(push: &Push<'_>) -> bool {
    let media = push.content_type.media;
    media.is(MediaCode::CONNECTIVITY) || media.is(MediaCode::CONNECTIVITY_XML)
}

impl Pending {
    /// A document of which nothing is known yet.
    const fn unproven(xml: bool) -> Self {
        let method = SecurityMethod::USERPIN.0;
        Self { xml, proven: false, method, mac: None, tries: 0, source: None, bootstrap: None }
    }

    /// Whether it brings a management server by the DM profile.
    fn is_bootstrap(&self) -> bool {
        self.bootstrap == Some(true)
    }

    /// Who vouches for it: of a push, its security method tells.
    fn source(&self) -> Source {
        let network =
            matches!(SecurityMethod(self.method), SecurityMethod::NETWPIN | SecurityMethod::USERNETWPIN);
        let by_method = if network { Source::Network } else { Source::User };
        self.source.and_then(Source::from_number).unwrap_or(by_method)
    }

    const fn protection(&self) -> Protection {
        Protection { method: SecurityMethod(self.method), mac: self.mac }
    }

    const fn tries_left(&self) -> u8 {
        PIN_TRIES.saturating_sub(self.tries)
    }
}

impl<const PRL: usize> Desk<'_, PRL> {
    /// Takes a provisioning document that came by push.
    pub(super) fn take_settings<F: NorFlash, C: Crypto>(
        &mut self,
        context: &mut Context<'_, F, C>,
        push: &Push<'_>,
    ) -> Result<(), AgentError<F::Error>> {
        let xml = push.content_type.media.is(MediaCode::CONNECTIVITY_XML);
        let protection = match decide(Handler::Provisioning, Origin::Push) {
            _ if !is_readable_push(&push.content_type) => Err(Refusal::Charset),
            Decision::Prove => Protection::of(&push.content_type).map_err(Refusal::Unproven),
            _ => Err(Refusal::Origin),
        };
        let taken = match protection {
            Ok(Protection { method, mac }) => {
                let pending = Pending { method: method.0, mac, ..Pending::unproven(xml) };
                self.keep_settings(context, pending, push.body)?
            }
            Err(why) => Err(why),
        };
        if let Err(why) = taken {
            let media_type = push.content_type.media.name().unwrap_or_default();
            tell_refusal(context, (media_type, Origin::Push), why);
        }
        Ok(())
    }

    /// Takes content that did not come by push, and is for no one session; out of a management session's tunnel, too, whose server
    /// has proved who it is, so that it waits for the user alone.
    pub(super) fn take_content<F: NorFlash, C: Crypto>(
        &mut self,
        context: &mut Context<'_, F, C>,
        content: &Content<'_>,
    ) -> Result<Result<(), Refusal>, AgentError<F::Error>> {
        each_leaf(context, content, |context, leaf| self.take_leaf(context, leaf, content.origin))
    }

    /// Takes one content of a body.
    fn take_leaf<F: NorFlash, C: Crypto>(
        &mut self,
        context: &mut Context<'_, F, C>,
        leaf: &Leaf<'_>,
        origin: Origin,
    ) -> Result<Result<(), Refusal>, AgentError<F::Error>> {
        match leaf.handler {
            Ok(Handler::Provisioning) => {
                let xml = leaf.media_type.is_some_and(|media_type| media_type.is_type("text"));
                let source = Some(Source::of(origin) as u8);
                let pending = Pending { proven: true, source, ..Pending::unproven(xml) };
                self.keep_settings(context, pending, leaf.body)
            }
            // The others belong to sessions, which take them from their own messages.
            Ok(_) => Ok(Err(Refusal::Origin)),
            Err(why) => Ok(Err(why)),
        }
    }

    /// Whether [`Self::keep_settings`] would keep a document; how many objects it has. Nothing is changed.
    pub(super) fn would_keep<F: NorFlash, C: Crypto>(
        &mut self,
        context: &mut Context<'_, F, C>,
        xml: bool,
        source: Source,
        body: &[u8],
    ) -> Result<Result<usize, Unkept>, AgentError<F::Error>> {
        if self.store.len(Key::Pending as u8).is_some() {
            return Ok(Err(Unkept::Refused(Refusal::Waiting)));
        }
        if body.len() > MAX_DOCUMENT {
            return Ok(Err(Unkept::Refused(Refusal::NoRoom)));
        }
        let coding = if xml { Coding::Xml } else { Coding::Wbxml };
        let mut known = StoredSettings::new(&self.store, context.flash, source);
        let closed = known.is_closed();
        let found = check(&Coded { coding, bytes: body }, &mut known, &mut self.answer);
        match known.error {
            Some(error) => Err(error.into()),
            None if closed => Ok(Err(Unkept::Refused(Refusal::Closed))),
            None => Ok(found.map(|summary| summary.objects).map_err(Unkept::Faulty)),
        }
    }

    /// Checks a document and keeps it for the user; nothing changes before the user agrees.
    fn keep_settings<F: NorFlash, C: Crypto>(
        &mut self,
        context: &mut Context<'_, F, C>,
        pending: Pending,
        body: &[u8],
    ) -> Result<Result<(), Refusal>, AgentError<F::Error>> {
        let objects = match self.would_keep(context, pending.xml, pending.source(), body)? {
            Ok(objects) => objects,
            Err(Unkept::Refused(why)) => return Ok(Err(why)),
            Err(Unkept::Faulty(fault)) => return Ok(Err(Refusal::Settings(fault))),
        };
        let mut buf = [0; PENDING];
        let record = pending.to_octets(&mut buf).ok_or(AgentError::Config("settings"))?;
        let document = Change::put(Key::PendingDocument as u8, body);
        self.store.commit(context.flash, &[Change::put(Key::Pending as u8, record), document])?;
        context.event(&Event::SettingsWaiting { objects });
        Ok(Ok(()))
    }

    /// Keeps a bootstrap for its proof and the user.
    pub(super) fn keep_bootstrap<F: NorFlash>(
        &mut self,
        flash: &mut F,
        security: Security,
        body: &[u8],
    ) -> Result<(), AgentError<F::Error>> {
        let (method, mac) = (security.method.number(), Some(*security.mac()));
        let pending = Pending { method, mac, bootstrap: Some(true), ..Pending::unproven(false) };
        let mut buf = [0; PENDING];
        let record = pending.to_octets(&mut buf).ok_or(AgentError::Config("settings"))?;
        let document = Change::put(Key::PendingDocument as u8, body);
        Ok(self.store.commit(flash, &[Change::put(Key::Pending as u8, record), document])?)
    }

    /// What the document that waits needs, if there is one. What the device can prove itself, it proves here.
    pub(super) fn waiting_settings<F: NorFlash, C: Crypto>(
        &mut self,
        context: &mut Context<'_, F, C>,
        receive: &mut [u8],
    ) -> Result<Option<Waiting>, AgentError<F::Error>> {
        let Some(pending) = self.store.get::<Pending, F>(context.flash, &mut [0; PENDING])? else {
            return Ok(None);
        };
        let fits = self.store.len(Key::PendingDocument as u8).is_some_and(|len| len <= receive.len());
        let needs_pin = pending.protection().needs_pin();
        let question = match pending {
            Pending { proven: true, .. } if fits => Some(Question::Apply),
            _ if fits && needs_pin && pending.tries_left() > 0 => {
                Some(Question::Pin { tries_left: pending.tries_left() })
            }
            _ if fits && !needs_pin => {
                self.prove(context, pending, None, receive)?.ok().map(|_| Question::Apply)
            }
            _ => None,
        };
        if question.is_none() {
            self.drop_settings(context.flash)?;
        }
        Ok(Some(question.map_or(Waiting::Refused, Waiting::Ask)))
    }

    /// Tries a PIN. The try counts before it is looked at, so that no loss of power gives it back.
    fn try_pin<F: NorFlash, C: Crypto>(
        &mut self,
        context: &mut Context<'_, F, C>,
        pin: &str,
        receive: &mut [u8],
    ) -> Result<Option<Notice>, AgentError<F::Error>> {
        let Some(pending) = self.store.get::<Pending, F>(context.flash, &mut [0; PENDING])? else {
            return Ok(None);
        };
        let pending = Pending { tries: pending.tries.saturating_add(1), ..pending };
        self.store.put(context.flash, &pending)?;
        let proved = self.prove(context, pending, Some(pin), receive)?;
        if proved.is_ok() || pending.tries_left() > 0 {
            return Ok(None);
        }
        self.drop_settings(context.flash)?;
        Ok(Some(Notice::SettingsRefused))
    }

    /// Checks who sent the document that waits, and remembers it.
    fn prove<F: NorFlash, C: Crypto>(
        &mut self,
        context: &mut Context<'_, F, C>,
        pending: Pending,
        pin: Option<&str>,
        receive: &mut [u8],
    ) -> Result<Result<Proof, Denied>, AgentError<F::Error>> {
        let (_, document) = self.waiting_document(context.flash, receive)?;
        let proved = if pending.is_bootstrap() {
            bootstrap::verify(&pending, document.bytes, context.identity, pin)
        } else {
            verify(&pending.protection(), document.bytes, network_key(context.identity), pin)
        };
        context.event(&Event::SettingsProved(proved));
        if proved.is_ok() {
            self.store.put(context.flash, &Pending { proven: true, ..pending })?;
        }
        Ok(proved)
    }

    /// Makes every object of the document permanent, and the document go, in one commit. `false`: it refers to what is no
    /// longer there, or there is no room for so many objects; then it goes and nothing else changes.
    fn commit_settings<F: NorFlash, C: Crypto>(
        &mut self,
        context: &mut Context<'_, F, C>,
        receive: &mut [u8],
        send: &mut [u8],
    ) -> Result<bool, AgentError<F::Error>> {
        let (pending, document) = self.waiting_document(context.flash, receive)?;
        let [record, octets] = gone();
        let beside = [record, octets, Change::put(Key::Untold as u8, &[])];
        let commit = Commit { source: pending.source(), beside: &beside };
        let committed = self.commit_objects(context, &document, &commit, send)?;
        if !committed {
            self.drop_settings(context.flash)?;
        }
        Ok(committed)
    }

    /// Gives up the document that waits.
    fn drop_settings<F: NorFlash>(&mut self, flash: &mut F) -> Result<(), AgentError<F::Error>> {
        Ok(self.store.commit(flash, &gone())?)
    }

    /// The document that waits; empty if there is none.
    fn waiting_document<'w, F: NorFlash>(
        &self,
        flash: &mut F,
        buf: &'w mut [u8],
    ) -> Result<(Pending, Coded<'w>), AgentError<F::Error>> {
        let pending = self.store.get::<Pending, F>(flash, &mut [0; PENDING])?;
        let pending = pending.unwrap_or(Pending::unproven(false));
        let bytes = self.store.bytes(flash, Key::PendingDocument as u8, buf)?.unwrap_or_default();
        let coding = if pending.xml { Coding::Xml } else { Coding::Wbxml };
        Ok((pending, Coded { coding, bytes }))
    }
}

/// The changes that drop the document.
const fn gone() -> [Change<'static>; 2] {
    [Change::remove(Key::Pending as u8), Change::remove(Key::PendingDocument as u8)]
}

/// What network and device both know: the card's identity, else the serial number.
fn network_key(identity: &dyn Identity) -> Option<NetworkKey<'_>> {
    match (identity.subscriber(), identity.hardware_id()) {
        (Some(imsi), _) => Some(NetworkKey::Imsi(imsi)),
        (None, HardwareId::Esn(esn)) => Some(NetworkKey::Esn(esn)),
        (None, HardwareId::Meid(_)) => None,
    }
}

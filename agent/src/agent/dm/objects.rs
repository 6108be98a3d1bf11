//! What the tunnel, the read-out of what the network programmed, and the settings need of the device (`flows.md`: tunnel,
//! prl-update, brew-url).
//!
//! IS-683 messages of the tunnel go to the one engine, which commits by itself; a provisioning document waits in the
//! [`Passage`] until the tree is not in use. Settings are staged as those of MMC documents, and committed with the tree's image:
//! [`super::tree::Image`] puts both into one commit.

use core::cell::RefCell;
use core::time::Duration;

use kedge_platform::entropy::Entropy;
use kedge_platform::flash::NorFlash;
use kedge_platform::identity::HardwareId;
use kedge_protocol::dm::objects::{
    Block, Delivered, Dispatch, Feature, Passage, Programmed, Setting, SettingsPort,
};
use kedge_protocol::iota::ResultCode;
use kedge_protocol::is683::engine::{Capability, EngineError, Mode};
use kedge_protocol::is683::{Engine, Family, Spc};
use kedge_protocol::mime::MediaType;
use kedge_protocol::syncml::Code;
use kedge_protocol::wire::Writer;
use kedge_update_agent::banklog::Change;

use super::super::Context;
use super::super::desk::Desk;
use super::super::enrol::feature_key;
use super::Dm;
use super::tree::Flash;
use crate::config::{Config, Security};
use crate::dispatch::{Content, Handler, Origin, Refusal, handler};
use crate::error::AgentError;
use crate::event::{Committed, Event, Events};
use crate::feature::Feature as KnownFeature;
use crate::limits;
use crate::objects::{Object, Staged};
use crate::phone::{Programming, StoredPhone, Terms, hardware_id};
use crate::store::{Key, Nam, Nams, Prl, block_key};

/// What a management session keeps of the tunnel: content and answers have the size of an IS-683 message.
#[derive(Debug)]
pub(super) struct Tunnelling {
    pub(super) passage: Passage<{ limits::IS683_MESSAGE }>,
    /// The engine is in a session of this management session.
    pub(super) engaged: bool,
}

impl Tunnelling {
    /// Before the first session.
    pub(super) const EMPTY: Self = Self { passage: Passage::EMPTY, engaged: false };

    /// Another management session begins.
    pub(super) const fn reset(&mut self) {
        self.passage.reset();
        self.engaged = false;
    }
}

/// The dispatcher, as far as it can be used with the tree.
pub(super) struct Tunnelled<'s, 'f, F, const PRL: usize> {
    pub(super) shared: &'s RefCell<Flash<'f, F>>,
    pub(super) engine: &'s mut Engine<PRL>,
    pub(super) programming: &'s mut Programming,
    pub(super) engaged: &'s mut bool,
    pub(super) factory_spc: &'s Spc,
    pub(super) config: &'s Config<'s>,
    pub(super) id: HardwareId,
    /// The server of the session proved who it is.
    pub(super) authenticated: bool,
    /// The server wanted the session.
    pub(super) notified: bool,
    pub(super) now: Duration,
    pub(super) entropy: &'s mut dyn Entropy,
    pub(super) security: Security<'s>,
    pub(super) events: &'s mut dyn Events,
}

impl<F: NorFlash, const PRL: usize> Tunnelled<'_, '_, F, PRL> {
    fn handler(&mut self, media_type: &str) -> Result<Handler, Code> {
        let origin = Origin::Tunnel { authenticated: self.authenticated };
        let parsed = MediaType::parse(media_type).map_err(|_| Refusal::UnknownType);
        parsed.and_then(|parsed| handler(&parsed, origin)).map_err(|why| {
            self.events.event(self.now, &Event::ContentRefused { media_type, origin, why });
            code_of(why)
        })
    }

    /// One forward message to the engine, its reverse message back.
    fn program(&mut self, forward: &[u8], answer: &mut [u8]) -> Result<Delivered, Code> {
        if !*self.engaged {
            let mode = if self.notified { Mode::NetworkInitiated } else { Mode::UserInitiated };
            *self.programming = Programming { mode, kind: None };
            self.engine.begin(mode);
            *self.engaged = true;
        }
        let was_committed = self.engine.committed();
        let mut shared = self.shared.try_borrow_mut().map_err(|_| Code::FAILED)?;
        let Flash { flash, store, .. } = &mut *shared;
        let capability = Capability { hardware: hardware_id(self.id), ..self.config.capability };
        let terms =
            Terms { factory_spc: self.factory_spc, security: self.security, session: *self.programming };
        let mut phone = StoredPhone::new(store, &mut **flash, self.entropy, capability, terms);
        let reverse = self.engine.handle(&mut phone, forward, answer).map_err(|error| match error {
            EngineError::NoRoom { .. } => Code::TOO_LARGE,
            EngineError::Unanswerable(_) => Code::NOT_SUPPORTED,
            _ => Code::BAD_REQUEST,
        });
        self.events.event(self.now, &Event::Is683 { forward, reverse: reverse.ok() });
        if self.engine.committed() && !was_committed {
            self.events.event(self.now, &Event::Committed(Committed::Is683));
        }
        reverse.map(|reverse| Delivered::Done(reverse.len()))
    }
}

impl<F: NorFlash, const PRL: usize> Dispatch for Tunnelled<'_, '_, F, PRL> {
    fn accepts(&mut self, media_type: &str) -> Result<(), Code> {
        self.handler(media_type).map(drop)
    }

    fn deliver(&mut self, media_type: &str, content: &[u8], answer: &mut [u8]) -> Result<Delivered, Code> {
        match self.handler(media_type)? {
            Handler::Is683 => self.program(content, answer),
            Handler::Provisioning => Ok(Delivered::Later),
            _ => Err(Code::FORBIDDEN),
        }
    }
}

/// The status of content that is refused.
const fn code_of(why: Refusal) -> Code {
    match why {
        Refusal::UnknownType => Code::UNSUPPORTED_FORMAT,
        Refusal::Settings(_) => Code::BAD_REQUEST,
        Refusal::NoRoom => Code::DEVICE_FULL,
        // The document that waits for the user comes first.
        Refusal::Waiting => Code::UNAVAILABLE,
        _ => Code::FORBIDDEN,
    }
}

impl Dm<'_> {
    /// Hands the content that waits in the tunnel to its handler, now that the tree is not in use.
    pub(super) fn hand_over<F: NorFlash, C: kedge_platform::crypto::Crypto, const PRL: usize>(
        &mut self,
        desk: &mut Desk<'_, PRL>,
        context: &mut Context<'_, F, C>,
    ) -> Result<(), AgentError<F::Error>> {
        let origin = Origin::Tunnel { authenticated: self.running.is_proven(self.memory.texts) };
        let mut done = Ok(());
        self.memory.kept.tunnelling.passage.take_waiting(|media_type, body| {
            match desk.take_content(context, &Content { media_type, origin, body }) {
                Ok(Ok(())) => Code::ACCEPTED,
                Ok(Err(why)) => code_of(why),
                Err(error) => {
                    done = Err(error);
                    Code::STORE_FAILURE
                }
            }
        });
        done
    }
}

/// What the network programmed.
pub(super) struct Numbers<'s, 'f, F> {
    pub(super) shared: &'s RefCell<Flash<'f, F>>,
    pub(super) config: &'s Config<'s>,
    /// The longest roaming list that the engine holds.
    pub(super) room: usize,
}

impl<F: NorFlash> Numbers<'_, '_, F> {
    /// The number assignment that is used.
    fn active(&self) -> Result<Nam, Code> {
        let mut shared = self.shared.try_borrow_mut().map_err(|_| Code::FAILED)?;
        let Flash { flash, store, .. } = &mut *shared;
        Nams::load(store, &mut **flash).map(Nams::active).map_err(|_| Code::STORE_FAILURE)
    }

    /// Writes a record of octets; nothing if there is none.
    fn record(&self, key: u8, out: &mut Writer<'_>) -> Result<(), Code> {
        let mut shared = self.shared.try_borrow_mut().map_err(|_| Code::FAILED)?;
        let Flash { flash, store, .. } = &mut *shared;
        let mut at = 0;
        loop {
            // In parts, so that a roaming list does not need the stack.
            let mut part = [0; 128];
            let len = store.part(&mut **flash, key, at, &mut part);
            if len == 0 {
                return Ok(());
            }
            out.put(part.get(..len).unwrap_or_default()).map_err(|_| Code::TOO_LARGE)?;
            at = at.saturating_add(len);
        }
    }
}

impl<F: NorFlash> Programmed for Numbers<'_, '_, F> {
    fn block(&mut self, block: Block, out: &mut Writer<'_>) -> Result<(), Code> {
        match block_key(self.active()?, Family::Nam, block.id()) {
            Some(key) => self.record(key, out),
            None => Ok(()),
        }
    }

    fn roaming_list(&mut self, out: &mut Writer<'_>) -> Result<(), Code> {
        self.record(Key::Prl as u8, out)
    }

    fn roaming_list_id(&mut self) -> Option<u16> {
        let mut shared = self.shared.try_borrow_mut().ok()?;
        let Flash { flash, store, .. } = &mut *shared;
        Some(store.get::<Prl, F>(&mut **flash, &mut [0; 32]).ok()??.id)
    }

    fn roaming_list_room(&mut self) -> u32 {
        let most = self.config.capability.max_prl_size;
        u32::try_from(usize::from(most).min(self.room)).unwrap_or(u32::MAX)
    }
}

/// The settings that MMC documents set too.
pub(super) struct Values<'s, 'f, F> {
    pub(super) shared: &'s RefCell<Flash<'f, F>>,
    pub(super) config: &'s Config<'s>,
}

/// The MMC object that a setting is; `None`: this device does not have it.
const fn name_of(setting: Setting) -> Option<&'static str> {
    match setting {
        Setting::BrewUrl => Some("phn/brew-url"),
        Setting::CheckUrl => Some("x/kedge/fota-url"),
        Setting::StatusUrl => Some("fota/status-url"),
        Setting::PackageUrl => Some("fota/package-url"),
        Setting::FeatureUrl(feature) => Some(known(feature).bootstrap()),
        // Its object is no text: `Values::read`.
        Setting::FeatureActive(_) => None,
    }
}

/// A feature of the tree, as the agent knows it.
const fn known(feature: Feature) -> KnownFeature {
    match feature {
        Feature::MobileWeb => KnownFeature::MobileWeb,
        Feature::TextMessaging => KnownFeature::TextMessaging,
        Feature::PictureMessaging => KnownFeature::PictureMessaging,
        Feature::VideoMessaging => KnownFeature::VideoMessaging,
        Feature::Touch2Talk => KnownFeature::Touch2Talk,
    }
}

impl<F: NorFlash> SettingsPort for Values<'_, '_, F> {
    fn read(&mut self, setting: Setting, out: &mut Writer<'_>) -> Result<(), Code> {
        if let Setting::FeatureActive(feature) = setting {
            let shared = self.shared.try_borrow_mut().map_err(|_| Code::FAILED)?;
            let is_active = shared.store.len(feature_key(known(feature))).is_some();
            return out.put(if is_active { b"true" } else { b"false" }).map_err(|_| Code::TOO_LARGE);
        }
        let name = name_of(setting).ok_or(Code::NOT_FOUND)?;
        let Some(Object::Stored(_, key)) = Object::find(name, self.config.objects) else {
            return Err(Code::NOT_FOUND);
        };
        let mut shared = self.shared.try_borrow_mut().map_err(|_| Code::FAILED)?;
        let Flash { flash, store, staged, .. } = &mut *shared;
        let mut value = [0; limits::URL];
        let octets = match staged.get(key) {
            Some(staged) => staged,
            None => store.bytes(&mut **flash, key, &mut value).map_err(|_| Code::STORE_FAILURE)?,
        };
        let factory = || self.config.pri.object(name).unwrap_or_default().as_bytes();
        out.put(octets.unwrap_or_else(factory)).map_err(|_| Code::TOO_LARGE)
    }

    fn stage(&mut self, setting: Setting, value: &[u8]) -> Result<(), Code> {
        let name = name_of(setting).ok_or(Code::NOT_FOUND)?;
        let Some(Object::Stored(stored, key)) = Object::find(name, self.config.objects) else {
            return Err(Code::NOT_FOUND);
        };
        if !value.is_empty() {
            stored.form.check(value).map_err(|code| match code {
                ResultCode::INVALID_SIZE => Code::TOO_LARGE,
                _ => Code::BAD_REQUEST,
            })?;
        }
        let mut shared = self.shared.try_borrow_mut().map_err(|_| Code::FAILED)?;
        // An empty value is none: that of the factory counts again.
        let value = Some(value).filter(|value| !value.is_empty());
        shared.staged.set(key, value).map_err(|_| Code::DEVICE_FULL)
    }

    /// Only what did not go with the tree's image.
    fn commit(&mut self) -> Result<(), Code> {
        let mut shared = self.shared.try_borrow_mut().map_err(|_| Code::FAILED)?;
        let Flash { flash, store, staged, .. } = &mut *shared;
        if staged.is_empty() {
            return Ok(());
        }
        let changes = changes(staged)?;
        store.commit(&mut **flash, &changes).map_err(|_| Code::STORE_FAILURE)?;
        drop(changes);
        staged.clear();
        Ok(())
    }

    fn roll_back(&mut self) {
        if let Ok(mut shared) = self.shared.try_borrow_mut() {
            shared.staged.clear();
        }
    }
}

/// The changes of one commit: staged settings, and room for the tree's image.
pub(super) type Changes<'c> = heapless::Vec<Change<'c>, { limits::STAGED_COUNT + 1 }>;

/// The changes that make what is staged permanent.
pub(super) fn changes(staged: &Staged) -> Result<Changes<'_>, Code> {
    let mut changes = Changes::new();
    for (key, value) in staged.iter() {
        changes.push(Change { key, value }).map_err(|_| Code::DEVICE_FULL)?;
    }
    Ok(changes)
}

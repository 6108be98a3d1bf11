//! Bootstrap by the DM profile (OMA-TS-DM_Bootstrap, `oma-dm.md` section 13): documents that bring the account of a management
//! server, from the factory, the smart card, or a push.
//!
//! ```text
//!  factory data ── with the new tree ──────────────────────────────────────────┐
//!  smart card ──── unless it is the document of before ────────────────────────┼─► tree, and the wish for a session: one commit
//!  push ─► judge ─► store (document, SEC, MAC) ─► PIN? ─► proved ─► the user? ─┘
//! ```
//! [`kedge_protocol::dm::bootstrap`] has the rule of who may bring what. A pushed document waits as one of client provisioning
//! does, in the same place: one at a time. That it waits no longer is part of the commit that applies it.

use kedge_platform::crypto::Crypto;
use kedge_platform::flash::NorFlash;
use kedge_platform::identity::Identity;
use kedge_protocol::cp::MAX_DOCUMENT;
use kedge_protocol::cp::security::{Denied, KeyForm, Proof, Unusable};
use kedge_protocol::dm::auth::Crypto as _;
use kedge_protocol::dm::bootstrap::{
    self, Decision, Document, Keys, Method, Origin, Processed, Security, Unproven, process,
};
use kedge_protocol::dm::limits::MAX_URI;
use kedge_protocol::dm::objects::Accounts;
use kedge_protocol::syncml::Code;
use kedge_protocol::wap::{Coding, ContentType, MediaCode, ParameterCode, ParameterName, Push};
use kedge_protocol::wire::Writer;

use super::super::desk::Desk;
use super::super::{Agent, Context, State};
use super::Dm;
use super::held::device_id;
use super::tree::{Digests, Way};
use crate::dispatch::{self, Refusal};
use crate::error::AgentError;
use crate::event::Event;
use crate::limits;
use crate::store::{Key, Pending, Record as _, Wish};
use crate::trigger::Accepted;

/// Whether a push brings a bootstrap.
pub(in super::super) fn is_bootstrap(push: &Push<'_>) -> bool {
    push.content_type.media.is(MediaCode::DM)
}

impl<const PRL: usize> Agent<'_, PRL> {
    /// Takes the bootstrap file of the smart card: when the device is switched on, and when a card is put in. The same file
    /// again changes nothing, so that what a server has changed since stays. Refused while something else is going on, and
    /// without device management; then the device hands it in again.
    pub fn smart_card<F: NorFlash, C: Crypto>(
        &mut self,
        context: &mut Context<'_, F, C>,
        document: &[u8],
    ) -> Result<Accepted, AgentError<F::Error>> {
        let (Some(dm), State::Idle(_)) = (&mut self.dm, &self.state) else { return Ok(Accepted::Refused) };
        let digest = Digests(&mut *context.entropy).md5(&[document]);
        if self.desk.store.bytes(context.flash, Key::Card as u8, &mut [0; 16])? == Some(&digest) {
            return Ok(Accepted::Merged);
        }
        dm.prepare(&mut self.desk, context)?;
        self.desk.staged.clear();
        let staged = self.desk.staged.set(Key::Card as u8, Some(&digest));
        staged.map_err(|_| AgentError::Misuse)?;
        let done = dm.bootstrap(&mut self.desk, context, document, Origin::SmartCard)?;
        Ok(if done == Ok(Processed::Applied) { Accepted::Queued } else { Accepted::Refused })
    }

    /// Takes a bootstrap that came by push: kept for its proof and the user, if the rule lets it in at all.
    pub(in super::super) fn bootstrap_pushed<F: NorFlash, C: Crypto>(
        &mut self,
        context: &mut Context<'_, F, C>,
        push: &Push<'_>,
    ) -> Result<(), AgentError<F::Error>> {
        let is_busy = matches!(self.state, State::Managing(_));
        let taken = match (&mut self.dm, proof(&push.content_type)) {
            (None, _) => Err(Refusal::NotWanted),
            (_, Err(why)) => Err(Refusal::Unproven(why)),
            // The tree belongs to the session.
            (Some(_), Ok(_)) if is_busy => Err(Refusal::Waiting),
            (Some(dm), Ok(security)) => dm.keep_bootstrap(&mut self.desk, context, security, push.body)?,
        };
        match taken {
            Ok(()) => context.event(&Event::SettingsWaiting { objects: 1 }),
            Err(why) => {
                let media_type = push.content_type.media.name().unwrap_or_default();
                context.event(&Event::ContentRefused { media_type, origin: dispatch::Origin::Push, why });
            }
        }
        Ok(())
    }

    /// The user has agreed to the bootstrap that waits. `false`: the rule is against it, or it does not fit; then it is to be
    /// dropped.
    pub(in super::super) fn bootstrap_agreed<F: NorFlash, C: Crypto>(
        &mut self,
        context: &mut Context<'_, F, C>,
        pending: Pending,
        document: &[u8],
    ) -> Result<bool, AgentError<F::Error>> {
        let (Some(dm), Some(method)) = (&mut self.dm, Method::from_number(pending.method)) else {
            return Ok(false);
        };
        dm.prepare(&mut self.desk, context)?;
        self.desk.staged.clear();
        let beside = [(Key::Pending, None), (Key::PendingDocument, None), (Key::Untold, Some(&[][..]))];
        for (key, value) in beside {
            self.desk.staged.set(key as u8, value).map_err(|_| AgentError::Misuse)?;
        }
        let done = dm.bootstrap(&mut self.desk, context, document, Origin::Push(method))?;
        Ok(done == Ok(Processed::Applied))
    }
}

impl Dm<'_> {
    /// Applies the factory's documents to a new tree. A server that is there already stays as it is, so that a cut between two
    /// of them does no harm.
    pub(super) fn bootstrap_from_factory<F: NorFlash, C: Crypto, const PRL: usize>(
        &mut self,
        desk: &mut Desk<'_, PRL>,
        context: &mut Context<'_, F, C>,
    ) -> Result<(), AgentError<F::Error>> {
        let documents = self.setup.bootstrap;
        for document in documents {
            let done = self.bootstrap(desk, context, document, Origin::Factory)?;
            done.map_err(|_| AgentError::Config("management bootstrap"))?;
        }
        Ok(desk.store.remove(context.flash, Key::FactoryBootstrap as u8)?)
    }

    /// Processes a document whose origin is proved, and to which the user has agreed if he is to be asked. With its account are
    /// committed what is staged and, unless the factory brings it, the wish for a session with its server; then nothing is
    /// staged any more.
    fn bootstrap<F: NorFlash, C: Crypto, const PRL: usize>(
        &mut self,
        desk: &mut Desk<'_, PRL>,
        context: &mut Context<'_, F, C>,
        octets: &[u8],
        origin: Origin,
    ) -> Result<Result<Processed, Code>, AgentError<F::Error>> {
        let (mut name, mut wished) = ([0; MAX_URI], [0; limits::RECORD]);
        let read = read(octets, &mut desk.answer, &mut name);
        let Some((document, server)) = read else {
            desk.staged.clear();
            return Ok(Err(Code::INCOMPLETE));
        };
        if origin != Origin::Factory {
            let wish = Wish { server, session: 0, notified: false, ui: 0, for_user: false, tries: 0 };
            let wish = wish.to_octets(&mut wished).ok_or(AgentError::Config("management bootstrap"))?;
            desk.staged.set(Key::Wish as u8, Some(wish)).map_err(|_| AgentError::Misuse)?;
        }
        let by_push = self.setup.bootstrap_by_push;
        let done = self.with_tree(desk, context, Way::Open, |tree, spare, _| {
            process(tree, &document, (origin, by_push, true), spare.work)
        })?;
        desk.staged.clear();
        if done == Ok(Processed::Applied) {
            context.event(&Event::Bootstrapped { server });
        }
        Ok(done)
    }

    /// Keeps a pushed document, if the rule lets it in.
    fn keep_bootstrap<F: NorFlash, C: Crypto, const PRL: usize>(
        &mut self,
        desk: &mut Desk<'_, PRL>,
        context: &mut Context<'_, F, C>,
        security: Security,
        body: &[u8],
    ) -> Result<Result<(), Refusal>, AgentError<F::Error>> {
        if desk.store.len(Key::Pending as u8).is_some() {
            return Ok(Err(Refusal::Waiting));
        }
        if body.len() > MAX_DOCUMENT {
            return Ok(Err(Refusal::NoRoom));
        }
        let (mut name, mut path) = ([0; MAX_URI], [0; MAX_URI]);
        let Some((_, server)) = read(body, &mut desk.answer, &mut name) else {
            return Ok(Err(Refusal::NotWanted));
        };
        self.prepare(desk, context)?;
        let by_push = self.setup.bootstrap_by_push;
        let nodes = self.nodes(&desk.store, context.flash)?;
        let is_known = Accounts::find(&nodes, server, &mut path).is_some();
        if bootstrap::decide(Origin::Push(security.method), is_known, by_push) != Decision::Ask {
            return Ok(Err(Refusal::Origin));
        }
        desk.keep_bootstrap(context.flash, security, body).map(Ok)
    }
}

/// Reads a document and the ServerID of its account, which is written to `name`; `None` if it has none, or cannot be read.
fn read<'d, 'n>(octets: &'d [u8], work: &mut [u8], name: &'n mut [u8]) -> Option<(Document<'d>, &'n str)> {
    let document = Document::read(Coding::Wbxml, octets, work).ok()?;
    let server = document.server(work, name).ok()??;
    Some((document, server))
}

/// Writes who a document that waits brings, for the user.
pub(in super::super) fn tell(
    octets: &[u8],
    work: &mut [u8],
    out: &mut Writer<'_>,
) -> Result<(), kedge_protocol::wire::Error> {
    let mut name = [0; MAX_URI];
    let server = read(octets, work, &mut name).map_or("", |(_, server)| server);
    out.put(b"management server ")?;
    out.put(server.as_bytes())
}

/// The proof in the parameters of a push's content type: by their names, or by the numbers of the same parameters of client
/// provisioning.
fn proof(content_type: &ContentType<'_>) -> Result<Security, Unusable> {
    let value = |code: ParameterCode, name: &[u8]| {
        let mut all = content_type.parameters.iter();
        let found = all.find(|parameter| match parameter.name {
            ParameterName::Code(known) => known == code,
            ParameterName::Text(text) => text.eq_ignore_ascii_case(name),
        });
        found.map(|parameter| parameter.value)
    };
    let (method, mac) = (value(ParameterCode::SEC, b"SEC"), value(ParameterCode::MAC, b"MAC"));
    let (method, mac) = match (method, mac) {
        (None, None) => return Err(Unusable::Unsigned),
        (None, Some(_)) => return Err(Unusable::NoMethod),
        (Some(method), mac) => (method, mac.and_then(|mac| mac.text()).ok_or(Unusable::BadMac)?),
    };
    let number = method.integer().and_then(|number| u8::try_from(number).ok());
    let name = method.text().or_else(|| number.and_then(Method::from_number).map(Method::name));
    Security::of(name.ok_or(Unusable::UnknownMethod)?, mac).map_err(|why| match why {
        Unproven::Method => Unusable::UnknownMethod,
        _ => Unusable::BadMac,
    })
}

/// Whether the document that waits is proved.
pub(in super::super) fn verify(
    pending: &Pending,
    document: &[u8],
    identity: &dyn Identity,
    pin: Option<&str>,
) -> Result<Proof, Denied> {
    let (Some(method), Some(mac)) = (Method::from_number(pending.method), pending.mac) else {
        return Err(Denied::Wrong);
    };
    if method.needs_pin() && pin.is_none() {
        return Err(Denied::PinNeeded);
    }
    let mut id = [0; 24];
    let named = device_id(identity.hardware_id(), &mut id);
    let digits = named.split_once(|c| c == ':').map_or(named, |(_, digits)| digits);
    let (network_id, form) =
        identity.subscriber().map_or((digits, KeyForm::Esn), |imsi| (imsi, KeyForm::Digits));
    let keys = Keys { network_id: Some(network_id.as_bytes()), pin: pin.map(str::as_bytes) };
    match Security::new(method, mac).verify(document, &keys) {
        Ok(()) => Ok(match method {
            Method::NetworkId => Proof::Network(form),
            Method::UserPin => Proof::User,
            Method::UserPinNetworkId => Proof::Both(form),
        }),
        Err(Unproven::NoKey) => Err(Denied::NotAPin),
        Err(_) => Err(Denied::Wrong),
    }
}

//! What becomes of a document that came: judged, kept, its configuration applied.

use kedge_platform::license::{DeviceKey, LicenseStore, Slot};
use kedge_protocol::license::accept::{Accepted, Situation, consumes_nonce};
use kedge_protocol::license::verdict::Terms;
use kedge_protocol::license::{Claims, Configuration, Refusal, State};

use super::boot::acceptance;
use super::record::{APPLIED, Entry, Kind, REFUTED, REPORT_DUE};
use super::{Held, LicenseError, Licensing, Now, Ports, seal, seal_of_next};

impl Licensing<'_> {
    /// Accepts and installs `document`. On success the state that is held.
    ///
    /// A caller whose storage is also where configurations go does the same in pieces: [`Self::judge`], [`Self::keep`],
    /// [`Self::applied`].
    pub fn install<S: LicenseStore + ?Sized>(
        &mut self,
        document: &[u8],
        media_type: Option<&str>,
        in_session: bool,
        now: Now,
        store: &mut S,
        ports: &mut Ports<'_>,
    ) -> Result<State, LicenseError<S::Error>> {
        let Ports { keys, verifier, key, configure } = ports;
        let judging = Ports { keys: *keys, verifier: *verifier, key: lent(key), configure: &mut () };
        let mut dry_run = |configuration: &Configuration<'_>| configure.dry_run(configuration);
        let accepted = self.judge(document, media_type, in_session, now, &judging, &mut dry_run)?;
        if let Accepted::New(claims) = accepted {
            self.keep(document, &claims, now, store, ports)?;
            let done = claims.configuration.is_none_or(|all| ports.configure.apply(&all));
            if claims.license.is_some() && done {
                self.applied(store, ports)?;
            } else if !done && claims.license.is_none() {
                return Err(Refusal::STORAGE.into());
            }
        }
        Ok(self.terms().state)
    }

    /// Steps 1 to 14 for a document that came: as `media_type`, and `in_session` if in an authenticated session of another
    /// protocol. Nothing is written, and `ports.configure` is not asked: `dry_run` says whether a configuration can be
    /// applied.
    pub fn judge<'d>(
        &mut self,
        document: &'d [u8],
        media_type: Option<&str>,
        in_session: bool,
        now: Now,
        ports: &Ports<'_>,
        dry_run: &mut dyn FnMut(&Configuration<'d>) -> bool,
    ) -> Result<Accepted<'d>, Refusal> {
        let key = ports.key.as_ref().map(|key| key.public_key());
        let nonce = self.nonce(now);
        let situation = Situation {
            nonce: nonce.as_ref(),
            in_session,
            floor: self.floor(),
            held: self.held.filter(|held| !held.foreign).map(|held| (held.terms.state, held.digest)),
            auth_floor: self.time.floors().auth,
            now: self.reading(now).now,
            has_clock: self.config.has_clock && now.rtc.is_some(),
        };
        let acceptance = acceptance(&self.config, ports, key.as_ref());
        let result = acceptance.accept(document, media_type, &situation, dry_run);
        if consumes_nonce(&result) {
            self.outstanding = None;
        }
        result
    }

    /// Keeps a document that [`Self::judge`] found new: from here on it counts. One without a license is not kept: its
    /// configuration is with its handlers.
    pub fn keep<S: LicenseStore + ?Sized>(
        &mut self,
        document: &[u8],
        claims: &Claims<'_>,
        now: Now,
        store: &mut S,
        ports: &mut Ports<'_>,
    ) -> Result<(), LicenseError<S::Error>> {
        let Some(terms) = Terms::of(claims) else { return Ok(()) };
        let slot = self.held.map_or(Slot::First, |held| held.slot.other());
        let held = Held {
            slot,
            generation: self.held.map_or(1, |held| held.generation.wrapping_add(1)),
            digest: ports.verifier.sha256(document),
            terms,
            id: *claims.id,
            nonce: claims.nonce.copied(),
            foreign: false,
        };
        store.put_document(slot, held.generation, document).map_err(LicenseError::Store)?;
        self.count(held, now, store, ports)
    }

    /// The configuration of the document that is held was applied, or it has none: writes that down.
    pub fn applied<S: LicenseStore + ?Sized>(
        &mut self,
        store: &mut S,
        ports: &Ports<'_>,
    ) -> Result<(), LicenseError<S::Error>> {
        let seal = seal(&self.config, ports)?;
        let state = Entry { flags: self.journal.state.flags | APPLIED, ..self.journal.state };
        self.append(state, store, &seal)
    }

    /// The document in its slot counts from now on: floor, time and budgets, in the journal. With a hardware counter the
    /// records are sealed for its next value, and it goes there when they are all written.
    pub(super) fn count<S: LicenseStore + ?Sized>(
        &mut self,
        held: Held,
        now: Now,
        store: &mut S,
        ports: &mut Ports<'_>,
    ) -> Result<(), LicenseError<S::Error>> {
        let floors =
            self.time.confirm(now.uptime, now.rtc.filter(|_| self.config.has_clock), held.terms.issued_at);
        let usage = self.usage(now);
        let serial = held.terms.serial;
        let refuted = if floors.refuted { REFUTED } else { 0 };
        let before = self.journal.state;
        let state = Entry { time: floors.soft, usage, serial, flags: REPORT_DUE | refuted, ..before };
        let installed = Entry { kind: Kind::Installed, time: floors.auth, flags: 0, ..state };
        let seal = seal_of_next(&self.config, ports)?;
        self.append(installed, store, &seal)?;
        self.append(state, store, &seal)?;
        if let Some(key) = ports.key.as_mut().filter(|key| key.counter().is_some()) {
            key.advance();
        }
        (self.held, self.below_floor, self.saved) = (Some(held), false, now.uptime);
        Ok(())
    }
}

/// A key that is lent on.
pub(crate) fn lent<'s>(key: &'s mut Option<&mut dyn DeviceKey>) -> Option<&'s mut dyn DeviceKey> {
    match key {
        Some(key) => Some(&mut **key),
        None => None,
    }
}

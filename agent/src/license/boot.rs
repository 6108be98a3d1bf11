//! What a start does: find the document that counts, count the start, go on where a power cut was.

use kedge_platform::license::{LicenseStore, Slot};
use kedge_protocol::license::accept::{Acceptance, Device};
use kedge_protocol::license::time::{Floors, Timekeeper};
use kedge_protocol::license::verdict::Terms;
use kedge_protocol::license::{Claims, Code, Level};

use super::record::{APPLIED, Entry, Kind, REFUTED, Seal};
use super::{Boot, Config, Held, Journal, LicenseError, Licensing, Now, Ports, seal, sealed};

impl<'a> Licensing<'a> {
    /// Starts: before any verdict, at every start of the device. `buffer` must hold the largest document; it is free again
    /// afterwards.
    ///
    /// The start is counted, and the time kept, before this returns, so that nothing is gained by pulling the power.
    pub fn boot<S: LicenseStore + ?Sized>(
        config: Config<'a>,
        now: Now,
        store: &mut S,
        ports: &mut Ports<'_>,
        buffer: &mut [u8],
    ) -> Result<(Self, Boot), LicenseError<S::Error>> {
        let (mut this, boot) = Self::start(config, now, store, ports, buffer)?;
        if let Some(claims) = this.unapplied(store, ports, buffer)?
            && claims.configuration.is_none_or(|configuration| ports.configure.apply(&configuration))
        {
            this.applied(store, ports)?;
        }
        Ok((this, boot))
    }

    /// [`Self::boot`] for callers that apply configurations themselves: [`Self::unapplied`] comes next.
    pub fn start<S: LicenseStore + ?Sized>(
        config: Config<'a>,
        now: Now,
        store: &mut S,
        ports: &mut Ports<'_>,
        buffer: &mut [u8],
    ) -> Result<(Self, Boot), LicenseError<S::Error>> {
        let needed = config.policy.max_document;
        if buffer.len() < needed {
            return Err(LicenseError::NoRoom { needed });
        }
        let journal = read_journal(&config, store, ports)?;
        let newest = newest(&config, &journal, store, ports, buffer)?;
        let auth = journal.installed.map_or(0, |installed| installed.time).max(config.policy.build_time);
        let issued = newest.filter(|held| !held.foreign).map_or(0, |held| held.terms.issued_at);
        let floors = Floors {
            auth: auth.max(issued),
            soft: journal.state.time.max(config.policy.build_time),
            refuted: journal.state.flags & REFUTED != 0,
        };
        let below_floor =
            newest.is_some_and(|held| !held.foreign && held.terms.serial < journal.state.serial);
        let mut this = Self {
            config,
            time: Timekeeper::new(floors, now.uptime),
            saved: now.uptime,
            journal,
            held: newest,
            below_floor,
            outstanding: None,
            told: (None, None),
        };
        this.journal.state.boots = journal.state.boots.saturating_add(1);
        let boot = this.go_on(now, store, ports)?;
        Ok((this, boot))
    }

    /// Makes certain what was found, and counts the start.
    fn go_on<S: LicenseStore + ?Sized>(
        &mut self,
        now: Now,
        store: &mut S,
        ports: &mut Ports<'_>,
    ) -> Result<Boot, LicenseError<S::Error>> {
        let Some(held) = self.held.filter(|held| !held.foreign) else {
            self.save(now, store, ports)?;
            return Ok(if self.held.is_some() { Boot::Foreign } else { Boot::Nothing });
        };
        let floor = self.journal.state.serial;
        if held.terms.serial > floor {
            self.count(held, now, store, ports)?;
            return Ok(Boot::Recovered);
        }
        self.save(now, store, ports)?;
        if !self.below_floor {
            return Ok(Boot::Whole);
        }
        if self.journal.stand_in.is_none_or(|entry| entry.serial != floor) {
            let seal = seal(&self.config, ports)?;
            let entry = Entry { kind: Kind::StandIn, time: 0, flags: 0, ..self.journal.state };
            self.append(entry, store, &seal)?;
        }
        Ok(Boot::StandIn)
    }

    /// The claims of the document that is held, in `buffer`, if its configuration has still to be applied, or, with an older
    /// document that stands in, again. After that, [`Self::applied`].
    pub fn unapplied<'o, S: LicenseStore + ?Sized>(
        &self,
        store: &mut S,
        ports: &Ports<'_>,
        buffer: &'o mut [u8],
    ) -> Result<Option<Claims<'o>>, LicenseError<S::Error>> {
        let Some(held) = self.held.filter(|held| !held.foreign) else { return Ok(None) };
        if self.journal.state.flags & APPLIED != 0 && !self.below_floor {
            return Ok(None);
        }
        let stored = store.document(held.slot, buffer).map_err(LicenseError::Store)?;
        let document = stored.and_then(|stored| buffer.get(..stored.len)).unwrap_or_default();
        let key = ports.key.as_ref().map(|key| key.public_key());
        // it was in order a moment ago: if it is not now, the next start will tell more
        Ok(acceptance(&self.config, ports, key.as_ref()).verify(document).ok())
    }
}

/// The latest record of each kind. With a hardware counter those of its present value count, or, if a document's records are
/// all there for the next one, those: then the power failed just before the counter went there, and it goes there now.
fn read_journal<S: LicenseStore + ?Sized>(
    config: &Config<'_>,
    store: &mut S,
    ports: &mut Ports<'_>,
) -> Result<Journal, LicenseError<S::Error>> {
    let counts = ports.key.as_ref().is_some_and(|key| key.counter().is_some());
    if counts && config.policy.level == Level::Counter {
        let seal = sealed(config, ports, 1)?;
        let next = latest(store, &seal)?;
        let state = next.state;
        if let Some(installed) = next.installed.filter(|installed| installed.serial == state.serial) {
            // the last record may be torn, and once the counter is there no other one is left: written afresh, it is certain
            let records = [installed.to_record(&seal), state.to_record(&seal)];
            store.append(&state.to_record(&seal), &records).map_err(LicenseError::Store)?;
            if let Some(key) = ports.key.as_mut() {
                key.advance();
            }
            return Ok(next);
        }
    }
    latest(store, &seal(config, ports)?)
}

fn latest<S: LicenseStore + ?Sized>(
    store: &mut S,
    seal: &Seal<'_>,
) -> Result<Journal, LicenseError<S::Error>> {
    let mut journal = Journal { state: Entry::FIRST, installed: None, stand_in: None };
    let mut each = |record: &_| {
        let Some(entry) = Entry::of(record, seal) else { return };
        match entry.kind {
            Kind::State => journal.state = entry,
            Kind::Installed => journal.installed = Some(entry),
            Kind::StandIn => journal.stand_in = Some(entry),
        }
    };
    store.records(&mut each).map_err(LicenseError::Store)?;
    Ok(journal)
}

/// The document with the highest generation of those that are whole and verify; one of another device is kept, but marked.
fn newest<S: LicenseStore + ?Sized>(
    config: &Config<'_>,
    journal: &Journal,
    store: &mut S,
    ports: &mut Ports<'_>,
    buffer: &mut [u8],
) -> Result<Option<Held>, LicenseError<S::Error>> {
    let key = ports.key.as_ref().map(|key| key.public_key());
    let mut newest: Option<Held> = None;
    for slot in Slot::ALL {
        let Some(stored) = store.document(slot, buffer).map_err(LicenseError::Store)? else { continue };
        let document = buffer.get(..stored.len).unwrap_or_default();
        let digest = ports.verifier.sha256(document);
        let base = Held {
            slot,
            generation: stored.generation,
            digest,
            terms: Terms::NONE,
            id: [0; 16],
            nonce: None,
            foreign: true,
        };
        let result = acceptance(config, ports, key.as_ref()).verify(document);
        let held = match result {
            Ok(claims) => of_claims(&claims, base),
            Err(refusal) if refusal.code == Code::WrongDevice => base,
            Err(_) => continue,
        };
        let named = journal.installed.is_some_and(|installed| installed.serial == held.terms.serial);
        if !stored.committed && (held.foreign || !named) {
            continue;
        }
        if newest.is_none_or(|before| held.generation.wrapping_sub(before.generation) < u32::MAX / 2) {
            newest = Some(held);
        }
    }
    Ok(newest)
}

fn of_claims(claims: &Claims<'_>, base: Held) -> Held {
    let terms = Terms::of(claims).unwrap_or(Terms::NONE);
    Held { terms, id: *claims.id, nonce: claims.nonce.copied(), foreign: false, ..base }
}

pub(super) fn acceptance<'s>(
    config: &'s Config<'_>,
    ports: &'s Ports<'_>,
    key: Option<&'s [u8; 32]>,
) -> Acceptance<'s> {
    Acceptance {
        policy: config.policy,
        device: Device { ueid: config.ueid, key },
        keys: ports.keys,
        verifier: ports.verifier,
    }
}

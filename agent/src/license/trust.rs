//! Keys that signed documents have added since the image was built, or taken away.
//!
//! A record of them is kept by the caller, in the same commit as the configuration it came with:
//! ```text
//! number of keys 1 | key 32, roles 1, length of issuer 1, issuer | ... | number of key ids 1 | key id 8 | ... | check 8
//! ```
//! The check value is that of the journal's records over the SHA-256 of what stands before it, so that from level L2 on
//! nobody but the device can write one.

use core::fmt;

use kedge_protocol::license::accept::{IssuerKey, KeyStore};
use kedge_protocol::license::{KeyId, Level, TrustChange, TrustUpdate, Verifier};
use kedge_protocol::wire::{Reader, Writer};

use super::record::Seal;
use super::{Config, Ports, key_id};
use kedge_protocol::license::limits::MAX_NAME;

/// Most keys that are added: as many as an image has at most.
const ADDED: usize = 4;
/// Most keys that are taken away: those of an image, and those that were added.
const REVOKED: usize = 8;
/// Octets of the check value.
const CHECK: usize = 8;

/// The changes to the keys of the image.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Trust {
    added: heapless::Vec<Added, ADDED>,
    revoked: heapless::Vec<KeyId, REVOKED>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Added {
    id: KeyId,
    key: [u8; 32],
    roles: u8,
    issuer: heapless::String<MAX_NAME>,
}

/// There is no room for another key, or another key id.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TrustFull;

impl fmt::Display for TrustFull {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("no room for another key")
    }
}

impl core::error::Error for TrustFull {}

/// The keys of the image as `trust` has changed them.
#[derive(Clone, Copy)]
pub struct Trusted<'t> {
    /// Those of the image.
    pub image: &'t dyn KeyStore,
    /// The changes.
    pub trust: &'t Trust,
}

impl KeyStore for Trusted<'_> {
    fn find(&self, id: &KeyId) -> Option<IssuerKey<'_>> {
        let Trust { added, revoked } = self.trust;
        if revoked.contains(id) {
            return None;
        }
        let added = added.iter().find(|added| added.id == *id);
        match added {
            Some(added) => Some(IssuerKey { key: added.key, roles: added.roles, issuer: &added.issuer }),
            None => self.image.find(id),
        }
    }
}

impl Trust {
    /// Octets of the longest record.
    pub const RECORD: usize = 2 + ADDED * (34 + MAX_NAME) + REVOKED * 8 + CHECK;

    /// No changes.
    pub const fn new() -> Self {
        Self { added: heapless::Vec::new(), revoked: heapless::Vec::new() }
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.added.is_empty() && self.revoked.is_empty()
    }

    /// Makes the changes of a signed update. Those that were made already change nothing. A key that was taken away does not
    /// come back.
    pub fn change(&mut self, update: &TrustUpdate<'_>, verifier: &dyn Verifier) -> Result<(), TrustFull> {
        let mut result = Ok(());
        let read = update.visit(&mut |change| {
            let made = match change {
                TrustChange::Add { key, roles, issuer } => self.add(*key, roles, issuer, verifier),
                TrustChange::Revoke(id) => self.revoke(*id),
            };
            result = result.and(made);
        });
        read.map_err(|_| TrustFull).and(result)
    }

    fn add(
        &mut self,
        key: [u8; 32],
        roles: u8,
        issuer: &str,
        verifier: &dyn Verifier,
    ) -> Result<(), TrustFull> {
        let id = key_id(&key, verifier);
        let issuer = heapless::String::try_from(issuer).map_err(|_| TrustFull)?;
        let added = Added { id, key, roles, issuer };
        match self.added.iter_mut().find(|known| known.id == id) {
            Some(known) => *known = added,
            None => self.added.push(added).map_err(|_| TrustFull)?,
        }
        Ok(())
    }

    fn revoke(&mut self, id: KeyId) -> Result<(), TrustFull> {
        let mut before = core::mem::take(&mut self.added);
        while let Some(added) = before.pop() {
            if added.id != id {
                // there was room for it
                self.added.push(added).unwrap_or_default();
            }
        }
        if self.revoked.contains(&id) { Ok(()) } else { self.revoked.push(id).map_err(|_| TrustFull) }
    }

    /// The record, at the front of `out`. `None` without a device key from level L2 on.
    pub fn to_octets<'o>(
        &self,
        config: &Config<'_>,
        ports: &Ports<'_>,
        out: &'o mut [u8; Self::RECORD],
    ) -> Option<&'o [u8]> {
        let mut w = Writer::new(out);
        w.u8(u8::try_from(self.added.len()).ok()?).ok()?;
        for Added { key, roles, issuer, .. } in &self.added {
            w.put(key).ok()?;
            w.put(&[*roles, u8::try_from(issuer.len()).ok()?]).ok()?;
            w.put(issuer.as_bytes()).ok()?;
        }
        w.u8(u8::try_from(self.revoked.len()).ok()?).ok()?;
        for id in &self.revoked {
            w.put(id).ok()?;
        }
        let len = w.at();
        let check = check(out.get(..len)?, config, ports)?;
        *out.get_mut(len..)?.first_chunk_mut()? = check;
        out.get(..len.checked_add(CHECK)?)
    }

    /// What a record says; `None` if it is not one that this device has written.
    pub fn from_octets(octets: &[u8], config: &Config<'_>, ports: &Ports<'_>) -> Option<Self> {
        let (body, sealed) = octets.split_last_chunk::<CHECK>()?;
        if check(body, config, ports)? != *sealed {
            return None;
        }
        let mut r = Reader::new(body);
        let mut trust = Self::new();
        for _ in 0..r.u8().ok()? {
            let key = *r.take(32).ok()?.first_chunk()?;
            let roles = r.u8().ok()?;
            let len = r.u8().ok()?;
            let issuer = str::from_utf8(r.take(len.into()).ok()?).ok()?;
            trust.add(key, roles, issuer, ports.verifier).ok()?;
        }
        for _ in 0..r.u8().ok()? {
            trust.revoke(*r.take(8).ok()?.first_chunk()?).ok()?;
        }
        r.finish().ok()?;
        Some(trust)
    }
}

/// The check value of a record.
fn check(body: &[u8], config: &Config<'_>, ports: &Ports<'_>) -> Option<[u8; CHECK]> {
    let seal = if config.policy.level < Level::Key {
        Seal::Check
    } else {
        let secret = ports.key.as_ref()?.record_secret();
        // no journal record has this count, so that none can be made of this one
        Seal::Mac { secret, counter: u64::MAX, verifier: ports.verifier }
    };
    Some(seal.of(ports.verifier.sha256(body).first_chunk()?))
}

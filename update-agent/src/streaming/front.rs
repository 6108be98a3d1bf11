//! The front of a package: header, envelope and plan, which are stored.
use kedge_delta::rebuild::{self, LENGTH_MAX};
use kedge_package::limits::HEADER_LEN;
use kedge_package::{Header, Kind};
use kedge_platform::crypto::Crypto;
use kedge_platform::flash::NorFlash;

use super::{Site, Streaming};
use crate::coded::Memory;
use crate::flash_io::read;
use crate::inbox::Intake;
use crate::record::Job;
use crate::verify::{self, Accepted, malformed};
use crate::{Error, Refusal};

/// How far the plan has come in.
pub(super) struct Front {
    /// Octets of the package that were taken.
    at: u32,
    /// The first octets of the payload, which say how long the plan is.
    lead: [u8; LENGTH_MAX],
    held: usize,
    /// Where in the payload the plan ends, once that is known.
    plan_end: Option<u32>,
    payload_at: u32,
}

impl Front {
    /// Stores header and envelope.
    fn begin<F: NorFlash, C: Crypto>(
        site: &mut Site<'_, F, C>,
        accepted: &Accepted,
        envelope: &[u8],
    ) -> Result<Self, Error<F::Error>> {
        site.update.set_job(site.flash, Job::Opening { size: accepted.size, received: 0 })?;
        site.update.intake = Intake::at(site.update.job());
        let header = Header {
            envelope: u16::try_from(envelope.len()).unwrap_or(u16::MAX),
            payload: accepted.payload.size,
        };
        let front = Self::new(accepted, accepted.payload_at);
        let end = front.end();
        site.update.take(site.flash, end, &header.emit())?;
        site.update.take(site.flash, end, envelope)?;
        Ok(front)
    }

    /// Goes on behind what is stored.
    pub(super) fn stored<F: NorFlash, C: Crypto>(
        site: &mut Site<'_, F, C>,
        accepted: &Accepted,
    ) -> Result<Self, Error<F::Error>> {
        let Job::Opening { received, .. } = site.update.job() else { return Err(Error::NotNow) };
        let mut front = Self::new(accepted, received);
        let lead = received.saturating_sub(accepted.payload_at);
        for at in (0..lead).take(LENGTH_MAX) {
            let mut octet = [0];
            let place = site.update.layout.package.start.saturating_add(accepted.payload_at);
            read(site.flash, place.saturating_add(at), &mut octet).map_err(Error::Flash)?;
            let [octet] = octet;
            front.lead(site, accepted, octet)?;
        }
        Ok(front)
    }

    const fn new(accepted: &Accepted, at: u32) -> Self {
        // a full image has no plan
        let plan_end = match accepted.payload.kind {
            Kind::Full => Some(0),
            _ => None,
        };
        Self { at, lead: [0; LENGTH_MAX], held: 0, plan_end, payload_at: accepted.payload_at }
    }

    /// Where in the package the front ends; beyond everything while that is not known.
    fn end(&self) -> u32 {
        self.plan_end.map_or(u32::MAX, |plan_end| self.payload_at.saturating_add(plan_end))
    }

    /// Where in the payload the plan ends, if all of it is stored.
    pub(super) fn whole(&self) -> Option<u32> {
        self.plan_end.filter(|_| self.at >= self.end())
    }

    /// The offset in the package of the next octet.
    pub(super) fn needs_from(&self) -> Option<u32> {
        self.whole().is_none().then_some(self.at)
    }

    /// Looks at the next octet of the payload, of which the first tell the length of the plan.
    fn lead<F: NorFlash, C: Crypto>(
        &mut self,
        site: &Site<'_, F, C>,
        accepted: &Accepted,
        octet: u8,
    ) -> Result<(), Error<F::Error>> {
        if self.plan_end.is_some() {
            return Ok(());
        }
        super::fill(&mut self.lead, &mut self.held, &mut &[octet][..]);
        let lead = self.lead.get(..self.held).unwrap_or_default();
        let at = accepted.payload_at;
        self.plan_end = rebuild::plan_end(lead, accepted.payload.size)
            .map_err(|_| Error::Refused(Refusal::Malformed { at }))?;
        if self.plan_end.is_some() {
            room_check(site, accepted, self.end())?;
        }
        Ok(())
    }

    /// Takes octets of the plan: those that tell its length one by one, then as many as there are.
    pub(super) fn push<F: NorFlash, C: Crypto>(
        &mut self,
        site: &mut Site<'_, F, C>,
        accepted: &Accepted,
        octets: &mut &[u8],
    ) -> Result<(), Error<F::Error>> {
        while let (false, Some((first, _))) = (self.whole().is_some(), octets.split_first()) {
            self.lead(site, accepted, *first)?;
            let left = match self.plan_end {
                Some(_) => self.end().saturating_sub(self.at),
                None => 1,
            };
            let n = usize::try_from(left).unwrap_or(usize::MAX).min(octets.len());
            let (piece, rest) = octets.split_at_checked(n).unwrap_or((octets, &[]));
            site.update.take(site.flash, self.end(), piece)?;
            self.at = self.at.saturating_add(u32::try_from(n).unwrap_or(u32::MAX));
            *octets = rest;
        }
        Ok(())
    }

    /// Where in the payload of a package whose front is stored the plan ends.
    pub(super) fn plan_end<F: NorFlash, C: Crypto>(
        site: &mut Site<'_, F, C>,
        accepted: &Accepted,
    ) -> Result<u32, Error<F::Error>> {
        let mut front = Self::new(accepted, accepted.payload_at);
        let mut place = site.update.layout.package.start.saturating_add(accepted.payload_at);
        loop {
            if let Some(plan_end) = front.plan_end {
                return Ok(plan_end);
            }
            let mut octet = [0];
            read(site.flash, place, &mut octet).map_err(Error::Flash)?;
            let [octet] = octet;
            front.lead(site, accepted, octet)?;
            place = place.saturating_add(1);
        }
    }
}

impl<'m, C: Crypto> Streaming<'m, C> {
    /// Stores the envelope, which was checked in memory.
    pub(super) fn store_envelope<F: NorFlash>(
        &mut self,
        site: &mut Site<'_, F, C>,
        accepted: &Accepted,
    ) -> Result<Front, Error<F::Error>> {
        let len = accepted.payload_at.saturating_sub(u32::try_from(HEADER_LEN).unwrap_or_default());
        let needed = usize::try_from(len).unwrap_or(usize::MAX);
        let Some(memory) = &mut self.memory else { return Err(Error::NotNow) };
        let envelope = memory.octets().get(..needed).ok_or(Error::NoRoom { needed })?;
        Front::begin(site, accepted, envelope)
    }

    /// Takes up a front; without a whole envelope, from its start. What was checked is checked again.
    pub(super) fn reopen<F: NorFlash>(
        site: &mut Site<'_, F, C>,
        mut memory: Memory<'m>,
    ) -> Result<Self, Error<F::Error>> {
        let Job::Opening { received, .. } = site.update.job() else { return Err(Error::NotNow) };
        site.update.intake = Intake::at(site.update.job());
        let start = site.update.layout.package.start;
        let envelope_at = u32::try_from(HEADER_LEN).unwrap_or_default();
        if received < envelope_at {
            return Self::begin(site, memory);
        }
        let mut octets = [0; HEADER_LEN];
        read(site.flash, start, &mut octets).map_err(Error::Flash)?;
        let header = Header::parse(&octets).map_err(malformed)?;
        if received < header.payload_at() {
            return Self::begin(site, memory);
        }
        let needed = usize::from(header.envelope);
        let envelope = memory.octets().get_mut(..needed).ok_or(Error::NoRoom { needed })?;
        read(site.flash, start.saturating_add(envelope_at), envelope).map_err(Error::Flash)?;
        let accepted = verify::front(site.update, site.flash, site.device, site.crypto, header, envelope)?;
        let mut this = Self::at(super::Stage::Broken, memory);
        this.accept(site, accepted)?;
        Ok(this)
    }
}

/// A front that ends at offset `end` of the package and, behind it, twice the state that the manifest tells of must fit
/// the package region.
pub(super) fn room_check<F: NorFlash, C: Crypto>(
    site: &Site<'_, F, C>,
    accepted: &Accepted,
    end: u32,
) -> Result<(), Error<F::Error>> {
    let sector = site.update.layout.package.sector_on::<F>();
    let whole = |n: u32| n.checked_next_multiple_of(sector).unwrap_or(u32::MAX);
    let needed = whole(end).saturating_add(whole(accepted.payload.needs.state).saturating_mul(2));
    match needed.checked_sub(site.update.layout.package.len) {
        None | Some(0) => Ok(()),
        Some(missing) => Err(Error::Refused(Refusal::State { missing })),
    }
}

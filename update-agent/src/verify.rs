//! Everything that is checked before the first sector of an image is erased.
//!
//! In this order, so that nothing unsigned is believed: header and envelope; the key is known; the signature; only then
//! the manifest: product, security counter, layout, sizes against the flash, installed version; the payload's SHA-256;
//! the old image's SHA-256; and a rehearsal of a delta, block by block, which finds any op that would leave its bounds.
use kedge_package::limits::HEADER_LEN;
use kedge_package::{BlockReader, Envelope, Header, Image, Kind, Layout, Manifest, Payload, Plan, ReadError};
use kedge_platform::crypto::{Crypto, Sha256};
use kedge_platform::flash::{NorFlash, Region};

use crate::beside::Beside;
use crate::coded::Ground;
use crate::flash_io::{CHUNK, Hashing, Stored, read};
use crate::record::Job;
use crate::{Error, Mode, PackageId, Refusal, Update};

/// What a package is measured against.
#[derive(Clone, Copy, Debug)]
pub struct Device<'a> {
    /// The product.
    pub product: &'a str,
    /// The installed version; none in a boot stage that does not know it, then only the installed image's hash counts.
    pub version: Option<&'a str>,
    /// The least security counter taken, whatever the journal says: what the running firmware was built with.
    pub security_counter: u32,
    /// Whose packages are taken.
    pub keys: &'a [Key<'a>],
    /// How many starts a new image gets to be confirmed (slots only): 1 to 254, anything else counts as the
    /// nearest of these.
    pub trial_attempts: u8,
    /// How many octets of memory the [`Applier`](crate::Applier) is going to be lent for tables.
    pub memory: u32,
}

/// A key that may sign packages.
#[derive(Clone, Copy, Debug)]
pub struct Key<'a> {
    /// Its name in the envelope.
    pub id: &'a [u8],
    /// The Ed25519 public key.
    pub public: [u8; 32],
}

/// What must be known of an accepted package to apply it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Accepted {
    pub(crate) id: PackageId,
    pub(crate) plan: Plan,
    pub(crate) image: Image,
    pub(crate) base: Option<Image>,
    pub(crate) security_counter: u32,
    /// With the octets that lead the way that is gone, and no others behind them unless they lead back.
    pub(crate) payload: Payload,
    /// Where they begin in the package.
    pub(crate) payload_at: u32,
    /// Octets of the whole package.
    pub(crate) size: u32,
}

impl Accepted {
    /// Octets of the image that is there, and of the one to be made.
    pub(crate) fn sizes(&self) -> (u32, u32) {
        (self.base.map_or(0, |base| base.size), self.image.size)
    }
}

/// Which of the deltas of a package.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Way {
    /// To the new image.
    There,
    /// From the new image to the old one.
    Back,
}

impl Way {
    /// That of a job.
    pub(crate) const fn of(job: Job) -> Self {
        if job.is_reverting() { Self::Back } else { Self::There }
    }
}

/// The parts of a stored package that are held in RAM.
struct Opened<'w> {
    header: Header,
    envelope: Envelope<'w>,
}

impl Update {
    /// The manifest of the package that came in or is at work, for showing it. It was verified if [`Update::job`] says so.
    pub fn manifest<'w, F: NorFlash>(
        &self,
        flash: &mut F,
        work: &'w mut [u8],
    ) -> Result<Manifest<'w>, Error<F::Error>> {
        let size = match self.job() {
            Job::Verified { size, .. }
            | Job::Ordered { size, .. }
            | Job::Applying { size, .. }
            | Job::Streaming { size, .. }
            | Job::Reverting { size, .. }
            | Job::Trial { way_back: size @ 1.., .. } => size,
            Job::Receiving { size, received } if size == received => size,
            _ => return Err(Error::NotNow),
        };
        self.open(flash, work, size)?.manifest()
    }

    fn open<'w, F: NorFlash>(
        &self,
        flash: &mut F,
        work: &'w mut [u8],
        size: u32,
    ) -> Result<Opened<'w>, Error<F::Error>> {
        let mut octets = [0; HEADER_LEN];
        let start = self.layout.package.start;
        // of a package that is streamed only the front is stored, which was made sure to fit
        let streamed = matches!(self.job(), Job::Opening { .. } | Job::Streaming { .. });
        let room = if streamed { u32::MAX } else { self.layout.package.len };
        if u32::try_from(HEADER_LEN).is_ok_and(|least| size < least) || size > room {
            return Err(Error::Refused(Refusal::WrongSize));
        }
        read(flash, start, &mut octets).map_err(Error::Flash)?;
        let header = Header::parse(&octets).map_err(malformed)?;
        if header.total() != Some(size) {
            return Err(Error::Refused(Refusal::WrongSize));
        }
        let needed = usize::from(header.envelope);
        let work = work.get_mut(..needed).ok_or(Error::NoRoom { needed })?;
        let at = start.saturating_add(u32::try_from(HEADER_LEN).unwrap_or_default());
        read(flash, at, work).map_err(Error::Flash)?;
        Ok(Opened { header, envelope: Envelope::parse(work).map_err(malformed)? })
    }

    /// What is needed to go on with a package whose job is begun; none when it is not that package any more.
    pub(crate) fn reopen<F: NorFlash, C: Crypto>(
        &self,
        flash: &mut F,
        work: &mut [u8],
        size: u32,
        package: PackageId,
        way: Way,
    ) -> Result<Option<Accepted>, Error<F::Error>> {
        match self.accepted::<F, C>(flash, work, size, way) {
            Ok(accepted) => Ok(Some(accepted).filter(|accepted| accepted.id == package)),
            Err(Error::Refused(_)) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// What the stored package says about a way, whatever package it is.
    pub(crate) fn accepted<F: NorFlash, C: Crypto>(
        &self,
        flash: &mut F,
        work: &mut [u8],
        size: u32,
        way: Way,
    ) -> Result<Accepted, Error<F::Error>> {
        self.open(flash, work, size)?.accept::<C, F>(self, flash, way)
    }

    /// What decoding needs must be there.
    fn needs_check<F: NorFlash>(&self, payload: &Payload, size: u32) -> Result<(), Error<F::Error>> {
        let Mode::InPlace { scratch } = self.layout.mode else { return Ok(()) };
        let lacks = |needed: u32, there: u32| needed.checked_sub(there).filter(|missing| *missing > 0);
        if let Some(missing) = lacks(payload.needs.spare, scratch.len) {
            return Err(Error::Refused(Refusal::Spare { missing }));
        }
        let sector = self.layout.package.sector_on::<F>();
        let (from, len) = state_place(size, payload.needs.state, sector);
        if payload.needs.state > 0
            && let Some(missing) = lacks(from.saturating_add(len.saturating_mul(2)), self.layout.package.len)
        {
            return Err(Error::Refused(Refusal::State { missing }));
        }
        Ok(())
    }

    /// Where everything stands that a coded delta works with.
    pub(crate) fn ground<F: NorFlash>(&self, accepted: &Accepted) -> Ground {
        let sector = self.layout.package.sector_on::<F>();
        let (from, len) = state_place(accepted.size, accepted.payload.needs.state, sector);
        let each = accepted.payload.block_size.checked_next_multiple_of(sector).unwrap_or(u32::MAX);
        Ground {
            payload: self.layout.package.start.saturating_add(accepted.payload_at),
            old: self.old_region(),
            new: self.new_region(),
            spare: match self.layout.mode {
                Mode::InPlace { scratch } => Some(scratch),
                Mode::Slot { .. } => None,
            },
            state: (self.layout.package.start.saturating_add(from), len),
            beside: Beside { rest: self.behind(from.saturating_add(len.saturating_mul(2))), each },
            block: accepted.payload.block_size,
        }
    }

    /// What the package region has from offset `at` on.
    fn behind(&self, at: u32) -> Region {
        let package = self.layout.package;
        let at = at.min(package.len);
        Region { start: package.start.saturating_add(at), len: package.len.saturating_sub(at), ..package }
    }

    fn place_check<F: NorFlash>(&self, manifest: &Manifest<'_>, size: u32) -> Result<(), Error<F::Error>> {
        let payload = &manifest.payload;
        let target = self.new_region().sector_on::<F>();
        // both are powers of two: the larger is a multiple of the other
        let (layout, largest_block, sector) = match self.layout.mode {
            Mode::Slot { .. } => (Layout::Slot, u32::MAX, target),
            Mode::InPlace { scratch } => (Layout::InPlace, scratch.len, target.max(scratch.sector_on::<F>())),
        };
        if payload.layout != layout {
            return Err(Error::Refused(Refusal::OtherLayout));
        }
        if payload.block_size.checked_rem(sector) != Some(0) || payload.block_size > largest_block {
            return Err(Error::Refused(Refusal::BlockSize));
        }
        self.needs_check::<F>(payload, size)?;
        let base_fits = manifest.base.is_none_or(|base| base.image.size <= self.old_region().len);
        if manifest.image.size > self.new_region().len || !base_fits {
            return Err(Error::Refused(Refusal::ImageTooLarge));
        }
        Ok(())
    }

    /// Where the image is that a package builds on.
    pub(crate) fn old_region(&self) -> Region {
        self.layout.slot(self.active())
    }

    /// Where the new image is made.
    pub(crate) fn new_region(&self) -> Region {
        match self.layout.mode {
            Mode::Slot { .. } => self.layout.slot(self.active().other()),
            Mode::InPlace { .. } => self.layout.image,
        }
    }
}

impl<'w> Opened<'w> {
    #[inline(never)]
    fn manifest<E>(&self) -> Result<Manifest<'w>, Error<E>> {
        let manifest =
            Manifest::parse(self.envelope.manifest, self.envelope.manifest_at).map_err(malformed)?;
        if let Some(suit) = self.envelope.suit() {
            suit.agrees(&manifest).map_err(malformed)?;
        }
        if manifest.payload.size == self.header.payload {
            Ok(manifest)
        } else {
            Err(Error::Refused(Refusal::WrongSize))
        }
    }

    /// Whether the package is for this device, and has room here.
    #[inline(never)] // a manifest is large: it shall not stand on the stack for longer
    fn fits<F: NorFlash>(
        &self,
        update: &Update,
        device: &Device<'_>,
        size: u32,
        way: Way,
    ) -> Result<(), Error<F::Error>> {
        let (manifest, _) = self.leading(way)?;
        manifest_check(update, device, &manifest)?;
        update.place_check::<F>(&manifest, size)
    }

    /// A signature vouches for a SUIT envelope's digest; whether that vouches for the manifest.
    fn cover_check<C: Crypto, E>(&self) -> Result<(), Error<E>> {
        let sha256 = |parts: &[&[u8]]| {
            let mut hash = C::Sha256::default();
            for part in parts {
                hash.update(part);
            }
            hash.finish()
        };
        match self.envelope.suit() {
            Some(suit) if !suit.is_covered(sha256) => Err(Error::Refused(Refusal::BadSignature)),
            _ => Ok(()),
        }
    }

    fn id<C: Crypto, E>(&self) -> Result<PackageId, Error<E>> {
        self.cover_check::<C, E>()?;
        let mut hash = C::Sha256::default();
        for part in self.envelope.signed().map_err(malformed)?.parts() {
            hash.update(part);
        }
        let hash = hash.finish();
        Ok(PackageId(hash.first_chunk().copied().unwrap_or_default()))
    }

    #[inline(never)]
    fn signature_check<C: Crypto, E>(&self, device: &Device<'_>, crypto: &C) -> Result<(), Error<E>> {
        let key = device.keys.iter().find(|key| key.id == self.envelope.key_id.octets());
        let key = key.ok_or(Error::Refused(Refusal::UnknownKey))?;
        let signed = self.envelope.signed().map_err(malformed)?;
        if crypto.verify_ed25519(&key.public, &signed.parts(), &self.envelope.signature) {
            self.cover_check::<C, E>()
        } else {
            Err(Error::Refused(Refusal::BadSignature))
        }
    }

    /// The manifest that leads this way, and how many octets of the payload stand in front of it.
    fn leading<E>(&self, way: Way) -> Result<(Manifest<'w>, u32), Error<E>> {
        let manifest = self.manifest()?;
        match way {
            Way::There => Ok((manifest, 0)),
            Way::Back => match manifest.reversed() {
                Some(back) => Ok((back, manifest.payload.forward())),
                None => Err(Error::Refused(Refusal::OtherImage)),
            },
        }
    }

    /// Checks all that the header and the envelope tell, of a package of `size` octets.
    fn check<F: NorFlash, C: Crypto>(
        &self,
        update: &Update,
        device: &Device<'_>,
        crypto: &C,
        size: u32,
        way: Way,
    ) -> Result<(), Error<F::Error>> {
        self.signature_check(device, crypto)?;
        self.fits::<F>(update, device, size, way)
    }

    #[inline(never)]
    fn accept<C: Crypto, F: NorFlash>(
        &self,
        update: &Update,
        flash: &mut F,
        way: Way,
    ) -> Result<Accepted, Error<F::Error>> {
        let (manifest, before) = self.leading(way)?;
        let payload_at = self.header.payload_at().saturating_add(before);
        let mut input = Stored { flash, package: update.layout.package, image: None };
        let plan = Plan::read(&manifest, payload_at, &mut input).map_err(unreadable)?;
        Ok(Accepted {
            id: self.id::<C, F::Error>()?,
            plan,
            image: manifest.image,
            base: manifest.base.map(|base| base.image),
            security_counter: manifest.security_counter,
            payload: manifest.payload,
            payload_at,
            size: self.header.total().unwrap_or(u32::MAX),
        })
    }
}

/// Where in the package region the state of a decoder stands: from which offset on, and how many octets each of its two
/// places has.
fn state_place(package: u32, state: u32, sector: u32) -> (u32, u32) {
    let whole = |n: u32| n.checked_next_multiple_of(sector).unwrap_or(u32::MAX);
    (whole(package), whole(state))
}

fn manifest_check<E>(update: &Update, device: &Device<'_>, manifest: &Manifest<'_>) -> Result<(), Error<E>> {
    if manifest.product != device.product {
        return Err(Error::Refused(Refusal::OtherProduct));
    }
    if manifest.security_counter < update.security_counter().max(device.security_counter) {
        return Err(Error::Refused(Refusal::Downgrade));
    }
    if let Some(missing) =
        manifest.payload.needs.memory.checked_sub(device.memory).filter(|missing| *missing > 0)
    {
        return Err(Error::Refused(Refusal::Memory { missing }));
    }
    let installed =
        |base: kedge_package::Base<'_>| device.version.is_none_or(|version| version == base.version);
    if !manifest.base.is_none_or(installed) {
        return Err(Error::Refused(Refusal::OtherVersion));
    }
    Ok(())
}

/// What the front of a package tells, all of it checked: `header`, and `envelope` as it came in.
pub(crate) fn front<F: NorFlash, C: Crypto>(
    update: &Update,
    flash: &mut F,
    device: &Device<'_>,
    crypto: &C,
    header: Header,
    envelope: &[u8],
) -> Result<Accepted, Error<F::Error>> {
    let opened = Opened { header, envelope: Envelope::parse(envelope).map_err(malformed)? };
    opened.check::<F, C>(update, device, crypto, header.total().unwrap_or(u32::MAX), Way::There)?;
    match opened.manifest()?.payload.kind {
        // table and ops of the one, recipe and delta of the other are read here and there
        Kind::Delta | Kind::Unpacked => Err(Error::Refused(Refusal::OtherLayout)),
        Kind::Full | Kind::Coded => opened.accept::<C, F>(update, flash, Way::There),
    }
}

/// Checks a package in bounded steps; keeps nothing on the flash, so it starts over after a power cut.
pub(crate) struct Verifier<C: Crypto> {
    accepted: Accepted,
    /// Octets of the payload, both ways.
    payload: u32,
    package: Region,
    image: Region,
    stage: Stage<C>,
}

enum Stage<C: Crypto> {
    Payload(Hashing<C::Sha256>),
    Base(Hashing<C::Sha256>, [u8; 32]),
    Rehearsal(u32),
    Done,
}

impl<C: Crypto> Verifier<C> {
    /// Checks all that the header and the envelope tell, for going a way.
    pub(crate) fn open<F: NorFlash>(
        update: &Update,
        flash: &mut F,
        device: &Device<'_>,
        crypto: &C,
        work: &mut [u8],
        size: u32,
        way: Way,
    ) -> Result<Self, Error<F::Error>> {
        let opened = update.open(flash, work, size)?;
        opened.check::<F, C>(update, device, crypto, size, way)?;
        let accepted = opened.accept::<C, F>(update, flash, way)?;
        let (package, payload) = (update.layout.package, opened.header.payload);
        let start = package.start.saturating_add(opened.header.payload_at());
        let stage = Stage::Payload(Hashing::new(start, payload));
        Ok(Self { accepted, payload, package, image: update.old_region(), stage })
    }

    pub(crate) const fn accepted(&self) -> &Accepted {
        &self.accepted
    }

    /// How much is done of how much, in octets looked at.
    pub(crate) fn progress(&self) -> (u32, u32) {
        let (payload, new) = (self.payload, self.accepted.image.size);
        let base = self.accepted.base.map_or(0, |base| base.size);
        let all = [payload, base, new].into_iter().fold(0, u32::saturating_add);
        let left = match &self.stage {
            Stage::Payload(hashing) => hashing.left().saturating_add(base).saturating_add(new),
            Stage::Base(hashing, _) => hashing.left().saturating_add(new),
            Stage::Rehearsal(step) => {
                new.saturating_sub(step.saturating_mul(self.accepted.payload.block_size))
            }
            Stage::Done => 0,
        };
        (all.saturating_sub(left), all)
    }

    /// Checks some more; true when all is checked and good.
    pub(crate) fn step<F: NorFlash>(&mut self, flash: &mut F) -> Result<bool, Error<F::Error>> {
        self.stage = match core::mem::replace(&mut self.stage, Stage::Done) {
            Stage::Payload(mut hashing) => {
                if !hashing.step(flash).map_err(Error::Flash)? {
                    Stage::Payload(hashing)
                } else if hashing.finish() != self.accepted.payload.sha256 {
                    return Err(Error::Refused(Refusal::BadPayload));
                } else if let Some(base) = self.accepted.base {
                    Stage::Base(Hashing::new(self.image.start, base.size), base.sha256)
                } else {
                    Stage::Rehearsal(0)
                }
            }
            Stage::Base(mut hashing, sha256) => {
                if !hashing.step(flash).map_err(Error::Flash)? {
                    Stage::Base(hashing, sha256)
                } else if hashing.finish() == sha256 {
                    Stage::Rehearsal(0)
                } else {
                    return Err(Error::Refused(Refusal::OtherImage));
                }
            }
            Stage::Rehearsal(step) if step < self.accepted.plan.blocks() && self.is_delta() => {
                self.rehearse(flash, step)?;
                Stage::Rehearsal(step.saturating_add(1))
            }
            Stage::Rehearsal(_) | Stage::Done => Stage::Done,
        };
        Ok(matches!(self.stage, Stage::Done))
    }

    fn is_delta(&self) -> bool {
        Kind::Delta.is_known() && self.accepted.payload.kind == Kind::Delta
    }

    /// Goes through the ops of a block without the old image's octets.
    fn rehearse<F: NorFlash>(&self, flash: &mut F, step: u32) -> Result<(), Error<F::Error>> {
        let mut input = Stored { flash, package: self.package, image: None };
        let block = self.accepted.plan.block(step, &mut input).map_err(unreadable)?;
        let mut reader = BlockReader::new(&block);
        let mut buffer = [0; CHUNK];
        while reader.fill(&mut input, &mut buffer).map_err(unreadable)? == buffer.len() {}
        Ok(())
    }
}

pub(crate) fn malformed<E>(error: kedge_package::Error) -> Error<E> {
    Error::Refused(Refusal::Malformed { at: u32::try_from(error.at).unwrap_or(u32::MAX) })
}

fn unreadable<E>(error: ReadError<E>) -> Error<E> {
    match error {
        ReadError::Input(error) => Error::Flash(error),
        ReadError::Format(error) => malformed(error),
        _ => Error::Refused(Refusal::Malformed { at: 0 }),
    }
}

//! A package applied on the desk with the device's decoders, the whole old image at hand.

use kedge_delta::plan::Step;
use kedge_delta::rebuild::{Input, Rebuild};
use kedge_generator::RingCrypto;
use kedge_package::{BlockReader, Kind, Plan};
use kedge_platform::crypto::{Crypto, Sha256};
use kedge_platform_crypto::SoftSha256;
use kedge_repack::remake::Remake;
use kedge_update_agent::{Failure, Refusal, UpdateResult};

use super::opened::{Opened, OutOfBounds, copy};

/// The new image, from the package and the old one, as a device with the key makes it: signature, old image and payload
/// are checked before, the new image after.
pub(super) fn decode(
    opened: &Opened<'_>,
    old: &[u8],
    key: Option<[u8; 32]>,
) -> Result<Vec<u8>, UpdateResult> {
    let refused = UpdateResult::Refused;
    signature(opened, key).map_err(refused)?;
    let manifest = &opened.manifest;
    if manifest
        .base
        .is_some_and(|base| base.image.size as usize != old.len() || base.image.sha256 != sha256(old))
    {
        return Err(refused(Refusal::OtherImage));
    }
    if sha256(opened.payload) != manifest.payload.sha256 {
        return Err(refused(Refusal::BadPayload));
    }
    let undecodable = UpdateResult::Failed(Failure::BadBlock);
    let new = match manifest.payload.kind {
        Kind::Coded => coded(opened, old).ok_or(undecodable)?,
        Kind::Unpacked => unpacked(opened, old).ok_or(undecodable)?,
        Kind::Full | Kind::Delta => plain(opened, old).ok_or(undecodable)?,
    };
    if new.len() == manifest.image.size as usize && sha256(&new) == manifest.image.sha256 {
        Ok(new)
    } else {
        Err(UpdateResult::Failed(Failure::WrongImage))
    }
}

/// Whether the package was signed with this key.
fn signature(opened: &Opened<'_>, key: Option<[u8; 32]>) -> Result<(), Refusal> {
    let key = key.ok_or(Refusal::UnknownKey)?;
    let envelope = &opened.envelope;
    let signed = envelope
        .signed()
        .map_err(|error| Refusal::Malformed { at: error.at.try_into().unwrap_or(u32::MAX) })?;
    let covered = envelope.suit().is_none_or(|suit| suit.is_covered(|parts| sha256(&parts.concat())));
    if covered && RingCrypto.verify_ed25519(&key, &signed.parts(), &envelope.signature) {
        Ok(())
    } else {
        Err(Refusal::BadSignature)
    }
}

/// What a coded delta makes. The old image stays whole here, so what a plan saves is still in its place.
fn coded(opened: &Opened<'_>, old: &[u8]) -> Option<Vec<u8>> {
    let outline = opened.outline();
    let (mut words, mut regions) = opened.memory()?;
    let mut input = Desk { payload: opened.payload, old };
    let mut rebuild = Rebuild::open(outline, &mut words, &mut regions, &mut input).ok()?;
    let mut new = vec![0; outline.new_size as usize];
    let mut left = outline.blocks();
    while left > 0 {
        let step = rebuild.step(&mut input).ok()?;
        let (Step::Make(block) | Step::Keep(block)) = step else {
            while rebuild.piece(&mut input).ok()?.is_some() {}
            continue;
        };
        let (start, len) = outline.extent(block);
        let place = new.get_mut(start as usize..)?.get_mut(..len as usize)?;
        match step {
            Step::Make(_) => {
                (rebuild.fill(&mut input, place).ok()? == place.len()).then_some(())?;
                rebuild.placed(block);
            }
            _ => copy(old, start, place).ok()?,
        }
        left -= 1;
    }
    Some(new)
}

/// What a delta of unpacked content makes.
fn unpacked(opened: &Opened<'_>, old: &[u8]) -> Option<Vec<u8>> {
    let outline = opened.outline();
    let (mut words, mut regions) = opened.memory()?;
    let mut input = Desk { payload: opened.payload, old };
    let mut remake = Remake::open(outline, &mut words, &mut regions, &mut input).ok()?;
    let mut new = vec![0; outline.new_size as usize];
    remake.fill(&mut input, &mut new).ok()?;
    Some(new)
}

/// What a full image or a delta without entropy coding makes.
fn plain(opened: &Opened<'_>, old: &[u8]) -> Option<Vec<u8>> {
    let mut input = Desk { payload: opened.payload, old };
    let plan = Plan::read(&opened.manifest, 0, &mut input).ok()?;
    let mut new = vec![0; opened.manifest.image.size as usize];
    for step in 0..plan.blocks() {
        let block = plan.block(step, &mut input).ok()?;
        let place = new.get_mut(block.start as usize..)?.get_mut(..block.len as usize)?;
        (BlockReader::new(&block).fill(&mut input, place).ok()? == place.len()).then_some(())?;
    }
    Some(new)
}

fn sha256(octets: &[u8]) -> [u8; 32] {
    let mut hash = SoftSha256::default();
    hash.update(octets);
    hash.finish()
}

/// A payload and the old image.
struct Desk<'a> {
    payload: &'a [u8],
    old: &'a [u8],
}

impl Input for Desk<'_> {
    type Error = OutOfBounds;

    fn payload(&mut self, at: u32, out: &mut [u8]) -> Result<(), OutOfBounds> {
        copy(self.payload, at, out)
    }

    fn old(&mut self, at: u32, out: &mut [u8]) -> Result<(), OutOfBounds> {
        copy(self.old, at, out)
    }

    fn saved(&mut self, at: u32, out: &mut [u8]) -> Result<(), OutOfBounds> {
        copy(self.old, at, out)
    }
}

/// The payload stands at offset 0 here.
impl kedge_package::Input for Desk<'_> {
    type Error = OutOfBounds;

    fn package(&mut self, at: u32, out: &mut [u8]) -> Result<(), OutOfBounds> {
        copy(self.payload, at, out)
    }

    fn image(&mut self, at: u32, out: &mut [u8]) -> Result<(), OutOfBounds> {
        copy(self.old, at, out)
    }
}

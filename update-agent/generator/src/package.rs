use kedge_package::limits::{ENVELOPE_MAX, IMAGE_MAX};
use kedge_package::{Base, Header, Image, KeyId, Kind, Layout, Manifest, Payload, emit_envelope};

use crate::check::rehearse;
use crate::crypto::sha256;
use crate::matcher::Matcher;
use crate::{Error, Signer};

/// What a package brings.
#[derive(Clone, Copy, Debug)]
pub struct Release<'a> {
    /// Product, 1 to 32 printable ASCII characters.
    pub product: &'a str,
    /// Version, likewise.
    pub version: &'a str,
    /// Devices refuse packages with a smaller one than they have confirmed: raise it when a release closes a hole.
    pub security_counter: u32,
    /// One line for the prompt, at most 128 octets.
    pub description: &'a str,
    /// Release notes, at most 1024 octets.
    pub notes: &'a str,
    /// The firmware image.
    pub image: &'a [u8],
}

/// What must be installed for a package to apply.
#[derive(Clone, Copy, Debug)]
pub struct Installed<'a> {
    /// Its version.
    pub version: &'a str,
    /// Its firmware image, as it stands on the flash.
    pub image: &'a [u8],
}

/// What the devices are like.
#[derive(Clone, Copy, Debug)]
pub struct Target {
    /// How they get an image into place.
    pub layout: Layout,
    /// Octets written in one go: a power of two from 256 on, a multiple of the erase sector, in place no more than the
    /// scratch region.
    pub block_size: u32,
}

/// A package that holds how the release differs from what is installed.
///
/// # Errors
///
/// See [`Error`].
pub fn delta(
    release: &Release<'_>,
    installed: &Installed<'_>,
    target: Target,
    signer: &Signer,
) -> Result<Vec<u8>, Error> {
    image(installed.image)?;
    image(release.image)?;
    let matcher = Matcher::new(installed.image);
    let block_size = usize::try_from(target.block_size).ok().filter(|n| *n > 0).ok_or(BAD_BLOCK_SIZE)?;
    let payload = crate::delta::payload(&matcher, release.image, target.layout, block_size);
    assemble(release, Some(installed), target, Kind::Delta, &payload, signer)
}

/// A package that holds the whole image; if `installed` is given, it applies only there.
///
/// # Errors
///
/// See [`Error`].
pub fn full(
    release: &Release<'_>,
    installed: Option<&Installed<'_>>,
    target: Target,
    signer: &Signer,
) -> Result<Vec<u8>, Error> {
    assemble(release, installed, target, Kind::Full, release.image, signer)
}

const BAD_BLOCK_SIZE: Error = Error::Format(kedge_package::Error::new(kedge_package::ErrorKind::BadValue, 0));

fn assemble(
    release: &Release<'_>,
    installed: Option<&Installed<'_>>,
    target: Target,
    kind: Kind,
    payload: &[u8],
    signer: &Signer,
) -> Result<Vec<u8>, Error> {
    let base = match installed {
        Some(installed) => Some(Base { version: installed.version, image: image(installed.image)? }),
        None => None,
    };
    let manifest = Manifest {
        product: release.product,
        base,
        version: release.version,
        image: image(release.image)?,
        security_counter: release.security_counter,
        payload: Payload {
            kind,
            layout: target.layout,
            block_size: target.block_size,
            size: u32::try_from(payload.len()).map_err(|_| Error::ImageSize)?,
            sha256: sha256(payload),
        },
        description: release.description,
        notes: release.notes,
    };
    let mut buffer = [0; ENVELOPE_MAX];
    let len = manifest.emit(&mut buffer)?;
    let mut envelope = [0; ENVELOPE_MAX];
    let key_id = KeyId::new(signer.id())?;
    let sign = |signed: &kedge_package::SigStructure<'_>| signer.sign(&signed.parts().concat());
    let envelope_len = emit_envelope(key_id, &buffer[..len], sign, &mut envelope)?;
    let header = Header {
        envelope: u16::try_from(envelope_len).map_err(|_| Error::ImageSize)?,
        payload: manifest.payload.size,
    };
    let package = [&header.emit(), &envelope[..envelope_len], payload].concat();
    rehearse(&package, installed.map_or(&[], |installed| installed.image), release.image, signer)?;
    Ok(package)
}

fn image(octets: &[u8]) -> Result<Image, Error> {
    match u32::try_from(octets.len()) {
        Ok(size) if (1..=IMAGE_MAX).contains(&size) => Ok(Image { size, sha256: sha256(octets) }),
        _ => Err(Error::ImageSize),
    }
}

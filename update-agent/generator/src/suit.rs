use kedge_package::limits::{ENVELOPE_MAX, HEADER_LEN};
use kedge_package::suit::emit_suit;
use kedge_package::{Envelope, Error as FormatError, ErrorKind, Header, KeyId, Manifest};

use crate::crypto::sha256;
use crate::{Error, Signer};

/// The same package with a SUIT envelope, signed again: the form that tools of the IETF SUIT manifest read
/// ([`kedge_package::suit`]). Devices take either.
///
/// # Errors
///
/// [`Error::Format`] if `package` is none.
pub fn suit(package: &[u8], signer: &Signer) -> Result<Vec<u8>, Error> {
    let (header, envelope, payload) = parts(package)?;
    let envelope = Envelope::parse(envelope)?;
    let manifest = Manifest::parse(envelope.manifest, envelope.manifest_at)?;
    let hash = |parts: &[&[u8]]| sha256(&parts.concat());
    let sign = |signed: &kedge_package::SigStructure<'_>| signer.sign(&signed.parts().concat());
    let mut out = [0; ENVELOPE_MAX];
    let len = emit_suit(KeyId::new(signer.id())?, &manifest, hash, sign, &mut out)?;
    let too_long = FormatError::new(ErrorKind::LimitExceeded, ENVELOPE_MAX);
    let header = Header { envelope: u16::try_from(len).map_err(|_| too_long)?, ..header };
    Ok([&header.emit(), &out[..len], payload].concat())
}

/// The `SUIT_Envelope` in a package made by [`suit`], for other tools: one CBOR item, the payload in it.
///
/// # Errors
///
/// [`Error::Format`] if `package` is none, or has a plain envelope.
pub fn suit_envelope(package: &[u8]) -> Result<&[u8], Error> {
    let (_, envelope, _) = parts(package)?;
    match Envelope::parse(envelope)?.suit() {
        Some(_) => Ok(&package[HEADER_LEN..]),
        None => Err(FormatError::new(ErrorKind::Unsupported, HEADER_LEN).into()),
    }
}

fn parts(package: &[u8]) -> Result<(Header, &[u8], &[u8]), Error> {
    let truncated = FormatError::new(ErrorKind::Truncated, package.len());
    let (octets, rest) = package.split_first_chunk().ok_or(truncated)?;
    let header = Header::parse(octets)?;
    let (envelope, payload) = rest.split_at_checked(usize::from(header.envelope)).ok_or(truncated)?;
    if payload.len() != header.payload as usize {
        return Err(FormatError::new(ErrorKind::BadLength, 8).into());
    }
    Ok((header, envelope, payload))
}

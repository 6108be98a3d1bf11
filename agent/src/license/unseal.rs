//! Sealed documents: opened in their place, by the key of the request that they answer.

use core::ops::Range;

use kedge_platform::license::{Seal, Unsealer};
use kedge_protocol::license::Refusal;
use kedge_protocol::license::sealed::{INFO, Sealed};

/// Opens a sealed document in its place; where what was inside stands. Refused without an unsealer or without the `nonce` of an
/// outstanding request: nobody has asked for it.
pub(crate) fn unseal(
    unsealer: &mut Option<&mut dyn Unsealer>,
    nonce: Option<[u8; 16]>,
    octets: Option<&mut [u8]>,
) -> Result<Range<usize>, Refusal> {
    let (Some(unsealer), Some(salt)) = (unsealer, nonce) else {
        return Err(Refusal::NOT_ASKED);
    };
    let octets = octets.unwrap_or_default();
    let sealed = Sealed::parse(octets).map_err(|error| Refusal { at: error.at, ..Refusal::SEALED })?;
    let associated = sealed.associated();
    let seal = Seal {
        ephemeral: &sealed.ephemeral,
        salt: &salt,
        info: INFO,
        iv: &sealed.iv,
        associated: &associated,
    };
    let start = sealed.content.start;
    let content = octets.get_mut(sealed.content).unwrap_or_default();
    let len = unsealer.open(&seal, content).ok_or(Refusal::SEALED)?;
    Ok(start..start.saturating_add(len))
}

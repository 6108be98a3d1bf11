//! An MCUboot image: header, firmware, TLVs. Checked here before it is handed over, so that a package that MCUboot would
//! throw away is not staged.
//!
//! ```text
//!  header 32, padded to hdr_size │ firmware │ protected TLVs (optional) │ TLVs
//!  └────────────── SHA-256 of TLV 0x10 covers this ───────────────────┘
//! ```
//! All integers little-endian (MCUboot `docs/design.md`, "Image Format"). The signature is not checked: its key is
//! MCUboot's, and the package's own signature vouches for the same octets.
use core::fmt;

use kedge_platform::crypto::Crypto;
use kedge_platform::flash::{NorFlash, Region};

use crate::flash_io::{Hashing, read};
use crate::handover::take;

const MAGIC: u32 = 0x96F3_B83D;
const HEADER_LEN: u32 = 32;
/// Flags of images that are stored encrypted or compressed; their hash is not over the octets in the slot.
const NOT_PLAIN: u32 = 0x0000_0004 | 0x0000_0008 | 0x0000_0200 | 0x0000_0400;
const TLV_MAGIC: u16 = 0x6907;
const PROTECTED_MAGIC: u16 = 0x6908;
const TLV_SHA256: u16 = 0x10;
const TLV_SECURITY_COUNTER: u16 = 0x50;

/// A version as MCUboot orders them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Version {
    /// Major.
    pub major: u8,
    /// Minor.
    pub minor: u8,
    /// Revision.
    pub revision: u16,
    /// Build number.
    pub build: u32,
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { major, minor, revision, build } = self;
        write!(f, "{major}.{minor}.{revision}+{build}")
    }
}

/// What an image says about itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ImageInfo {
    /// Its version.
    pub version: Version,
    /// Flags of the header.
    pub flags: u32,
    /// Octets of header, firmware and all TLVs.
    pub size: u32,
    /// The counter that MCUboot compares with the device's; only in the protected TLVs it counts.
    pub security_counter: Option<u32>,
    /// The hash that the image claims.
    pub sha256: [u8; 32],
}

/// Why MCUboot would not take an image.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum WrongImage<E> {
    /// The flash driver failed.
    Flash(E),
    /// It does not begin with the magic number and a header of at least 32 octets.
    Header,
    /// It is encrypted or compressed, so its hash cannot be checked here.
    NotPlain,
    /// It is longer than the slot.
    TooLong,
    /// The TLVs do not begin with their magic, or their lengths do not add up.
    Tlvs {
        /// Offset in the slot.
        at: u32,
    },
    /// There is no SHA-256 among the TLVs.
    NoHash,
    /// The image does not have the SHA-256 that it claims.
    WrongHash,
}

impl<E: fmt::Debug> fmt::Display for WrongImage<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Flash(error) => write!(f, "flash: {error:?}"),
            Self::Header => f.write_str("no MCUboot image header"),
            Self::NotPlain => f.write_str("encrypted or compressed image"),
            Self::TooLong => f.write_str("image longer than its slot"),
            Self::Tlvs { at } => write!(f, "malformed TLVs at {at:#x}"),
            Self::NoHash => f.write_str("image without SHA-256"),
            Self::WrongHash => f.write_str("image is not what its SHA-256 says"),
        }
    }
}

impl<E: fmt::Debug> core::error::Error for WrongImage<E> {}

impl ImageInfo {
    /// Reads header and TLVs of the image in `slot`; also returns how many octets its hash covers.
    fn read<F: NorFlash>(flash: &mut F, slot: Region) -> Result<(Self, u32), WrongImage<F::Error>> {
        let header: [u8; 32] = field(flash, slot, 0)?;
        let mut rest = header.as_slice();
        let [magic, _load] = [u32::from_le_bytes(take(&mut rest)), u32::from_le_bytes(take(&mut rest))];
        let header_len = u32::from(u16::from_le_bytes(take(&mut rest)));
        let protected = u32::from(u16::from_le_bytes(take(&mut rest)));
        let firmware = u32::from_le_bytes(take(&mut rest));
        let flags = u32::from_le_bytes(take(&mut rest));
        let [major] = take(&mut rest);
        let [minor] = take(&mut rest);
        let revision = u16::from_le_bytes(take(&mut rest));
        let build = u32::from_le_bytes(take(&mut rest));
        if magic != MAGIC || header_len < HEADER_LEN {
            return Err(WrongImage::Header);
        }
        if flags & NOT_PLAIN != 0 {
            return Err(WrongImage::NotPlain);
        }
        let mut info = Self {
            version: Version { major, minor, revision, build },
            flags,
            size: 0,
            security_counter: None,
            sha256: [0; 32],
        };
        let protected_at = header_len.checked_add(firmware).ok_or(WrongImage::TooLong)?;
        let mut hash = None;
        let mut at = protected_at;
        if protected != 0 {
            at = each_tlv(flash, slot, at, (PROTECTED_MAGIC, Some(protected)), |flash, kind, len, at| {
                if (kind, len) == (TLV_SECURITY_COUNTER, 4) {
                    info.security_counter = Some(u32::from_le_bytes(field(flash, slot, at)?));
                }
                Ok(())
            })?;
        }
        let covered = at;
        info.size = each_tlv(flash, slot, at, (TLV_MAGIC, None), |flash, kind, len, at| {
            if (kind, len) == (TLV_SHA256, 32) {
                hash = Some(field(flash, slot, at)?);
            }
            Ok(())
        })?;
        info.sha256 = hash.ok_or(WrongImage::NoHash)?;
        Ok((info, covered))
    }
}

/// A check of an image in bounded steps; reads only.
pub struct Checking<C: Crypto> {
    info: ImageInfo,
    hashing: Hashing<C::Sha256>,
}

impl<C: Crypto> Checking<C> {
    /// Checks header and TLVs of the image in `slot`.
    pub fn begin<F: NorFlash>(flash: &mut F, slot: Region) -> Result<Self, WrongImage<F::Error>> {
        let (info, covered) = ImageInfo::read(flash, slot)?;
        Ok(Self { info, hashing: Hashing::new(slot.start, covered) })
    }

    /// Hashes some more; `Some` when all was hashed and is right.
    pub fn step<F: NorFlash>(&mut self, flash: &mut F) -> Result<Option<ImageInfo>, WrongImage<F::Error>> {
        if !self.hashing.step(flash).map_err(WrongImage::Flash)? {
            return Ok(None);
        }
        let hashing = core::mem::replace(&mut self.hashing, Hashing::new(0, 0));
        if hashing.finish() == self.info.sha256 { Ok(Some(self.info)) } else { Err(WrongImage::WrongHash) }
    }
}

/// Calls `each` with type, length and offset of every TLV of the area at `at`; returns the offset behind the area.
fn each_tlv<F: NorFlash>(
    flash: &mut F,
    slot: Region,
    at: u32,
    (magic, len): (u16, Option<u32>),
    mut each: impl FnMut(&mut F, u16, u16, u32) -> Result<(), WrongImage<F::Error>>,
) -> Result<u32, WrongImage<F::Error>> {
    let (found, area) = pair(flash, slot, at)?;
    let end = at.checked_add(u32::from(area)).ok_or(WrongImage::TooLong)?;
    if found != magic || area < 4 || len.is_some_and(|len| len != u32::from(area)) {
        return Err(WrongImage::Tlvs { at });
    }
    if end > slot.len {
        return Err(WrongImage::TooLong);
    }
    let mut at = at.saturating_add(4);
    while at < end {
        let (kind, len) = pair(flash, slot, at)?;
        let value = at.saturating_add(4);
        let behind = value.saturating_add(u32::from(len));
        if behind > end {
            return Err(WrongImage::Tlvs { at });
        }
        each(flash, kind, len, value)?;
        at = behind;
    }
    Ok(end)
}

fn pair<F: NorFlash>(flash: &mut F, slot: Region, at: u32) -> Result<(u16, u16), WrongImage<F::Error>> {
    let [a, b, c, d] = field(flash, slot, at)?;
    Ok((u16::from_le_bytes([a, b]), u16::from_le_bytes([c, d])))
}

/// The octets from offset `at` of the slot on.
fn field<F: NorFlash, const N: usize>(
    flash: &mut F,
    slot: Region,
    at: u32,
) -> Result<[u8; N], WrongImage<F::Error>> {
    let end = u32::try_from(N).ok().and_then(|n| at.checked_add(n));
    if end.is_none_or(|end| end > slot.len) {
        return Err(WrongImage::TooLong);
    }
    let mut out = [0; N];
    read(flash, slot.start.saturating_add(at), &mut out).map_err(WrongImage::Flash)?;
    Ok(out)
}

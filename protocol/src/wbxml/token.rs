//! The global tokens of WBXML, the same on every code page (WAP-192 §7.1).

pub(super) const SWITCH_PAGE: u8 = 0x00;
pub(super) const END: u8 = 0x01;
pub(super) const ENTITY: u8 = 0x02;
pub(super) const STR_I: u8 = 0x03;
pub(super) const LITERAL: u8 = 0x04;
/// `EXT_I_0`; 1 and 2 follow.
pub(super) const EXT_I: u8 = 0x40;
pub(super) const PI: u8 = 0x43;
pub(super) const LITERAL_C: u8 = 0x44;
/// `EXT_T_0`; 1 and 2 follow.
pub(super) const EXT_T: u8 = 0x80;
pub(super) const STR_T: u8 = 0x83;
pub(super) const LITERAL_A: u8 = 0x84;
/// `EXT_0`; 1 and 2 follow.
pub(super) const EXT: u8 = 0xC0;
pub(super) const OPAQUE: u8 = 0xC3;
pub(super) const LITERAL_AC: u8 = 0xC4;

/// Flag of a tag octet: content follows.
pub(super) const CONTENT: u8 = 0x40;
/// Flag of a tag octet: attributes follow.
pub(super) const ATTRIBUTES: u8 = 0x80;
/// The identity part of a tag octet.
pub(super) const IDENTITY: u8 = 0x3F;

/// Whether `octet` is a global token, and so never a name or a value of a code page.
pub(super) const fn is_global(octet: u8) -> bool {
    octet & 0x3F <= 0x04
}

//! In the place of an instruction set that this build leaves out: plain octets. A delta that needs it is refused
//! ([`Arch::is_known`](super::Arch::is_known)).
use super::{Form, Unit, Window};

/// In the place of the modes of x86.
#[cfg(not(feature = "x86"))]
#[derive(Clone, Copy, Debug)]
pub(super) enum Mode {
    Bits16,
    Bits32,
    Bits64,
}

#[cfg(not(all(
    feature = "aarch64",
    feature = "arm",
    feature = "riscv",
    feature = "thumb",
    feature = "xtensa"
)))]
pub(super) fn unit(window: &Window<'_>) -> Unit {
    super::plain(window, 4)
}

#[cfg(not(feature = "x86"))]
pub(super) fn unit_in(window: &Window<'_>, _: Mode) -> Unit {
    super::plain(window, 4)
}

pub(super) const fn emit(_: Form, _: &mut [u8], _: u32, _: u32) -> bool {
    false
}

pub(super) const fn read(_: Form, _: &[u8], _: u32, _: u32) -> Option<u32> {
    None
}

pub(super) const fn scale(_: Form) -> u8 {
    0
}

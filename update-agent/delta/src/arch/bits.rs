//! Arithmetic on operands: fields of a few bits that stand for offsets and parts of addresses.

/// The low `bits` (1 to 32) of `value`, the highest of them being the sign.
pub(super) const fn signed(value: u32, bits: u32) -> u32 {
    let unused = 32_u32.wrapping_sub(bits);
    value.wrapping_shl(unused).cast_signed().wrapping_shr(unused).cast_unsigned()
}

/// Whether a signed field of so many bits holds `value`.
pub(super) const fn fits(value: u32, bits: u32) -> bool {
    signed(value, bits) == value
}

#[cfg(any(feature = "aarch64", feature = "arm", feature = "riscv", feature = "thumb"))]
/// The address nearest to `near` whose low `bits` are those of `low`.
pub(super) const fn nearest(near: u32, low: u32, bits: u32) -> u32 {
    near.wrapping_add(signed(low.wrapping_sub(near), bits))
}

#[cfg(test)]
mod tests {
    use super::{fits, nearest, signed};

    #[test]
    fn sign_is_the_highest_bit_of_the_field() {
        assert_eq!(signed(0x7ff, 12), 0x7ff);
        assert_eq!(signed(0x1_0800, 12), 0xffff_f800);
        assert_eq!(signed(0x8000_0000, 32), 0x8000_0000);
        assert_eq!(signed(1, 1), u32::MAX);
    }

    #[test]
    fn a_field_holds_both_its_borders_and_no_more() {
        assert!(fits(0xff, 9) && fits(0xffff_ff00, 9));
        assert!(!fits(0x100, 9) && !fits(0xffff_feff, 9));
    }

    #[test]
    fn the_nearest_address_may_lie_on_the_next_page() {
        assert_eq!(nearest(0x1ff0, 0x004, 12), 0x2004);
        assert_eq!(nearest(0x2004, 0xff0, 12), 0x1ff0);
        assert_eq!(nearest(0x2004, 0x010, 12), 0x2010);
        assert_eq!(nearest(0, 0xfff, 12), u32::MAX);
    }
}

//! Numbers modulo the order of the base point.

/// The order of the base point, 2^252 + 27742317777372353535851937790883648493, least word first.
const ORDER: [u32; 8] = [0x5cf5_d3ed, 0x5812_631a, 0xa2f7_9cd6, 0x14de_f9de, 0, 0, 0, 0x1000_0000];

/// Whether a number, least octet first, is below the order.
pub(super) fn is_below(number: &[u8; 32]) -> bool {
    let mut words = [0; 8];
    for (word, octets) in words.iter_mut().zip(number.as_chunks::<4>().0) {
        *word = u32::from_le_bytes(*octets);
    }
    less_order(&words).is_none()
}

/// What is left of a number of 64 octets, least first, when it is divided by the order; least octet first.
pub(super) fn reduce(number: &[u8; 64]) -> [u8; 32] {
    let mut rest = [0_u32; 8];
    for octet in number.iter().rev() {
        for bit in (0..8).rev() {
            // below twice the order, so that nothing goes over the last word
            let mut carry = u32::from(octet >> bit & 1);
            for word in &mut rest {
                (*word, carry) = (*word << 1 | carry, *word >> 31);
            }
            rest = less_order(&rest).unwrap_or(rest);
        }
    }
    let mut octets = [0; 32];
    for (octets, word) in octets.as_chunks_mut::<4>().0.iter_mut().zip(rest) {
        *octets = word.to_le_bytes();
    }
    octets
}

/// A number less the order; `None` if it is below it.
fn less_order(number: &[u32; 8]) -> Option<[u32; 8]> {
    let mut less = *number;
    let mut borrow = false;
    for (word, order) in less.iter_mut().zip(ORDER) {
        let (difference, first) = word.overflowing_sub(order);
        let (difference, second) = difference.overflowing_sub(u32::from(borrow));
        (*word, borrow) = (difference, first || second);
    }
    (!borrow).then_some(less)
}

#[cfg(test)]
mod tests {
    use super::*;
    use curve25519_dalek::Scalar;
    use proptest::prelude::*;

    /// The order and its neighbours: the number, and whether it is below.
    #[test]
    fn the_order_is_the_first_that_is_not_below() {
        let mut order = [0; 32];
        for (octets, word) in order.as_chunks_mut::<4>().0.iter_mut().zip(ORDER) {
            *octets = word.to_le_bytes();
        }
        let mut before = order;
        before[0] -= 1;
        assert!(is_below(&before) && !is_below(&order) && !is_below(&[0xff; 32]) && is_below(&[0; 32]));
        assert_eq!(before, (-Scalar::ONE).to_bytes());
    }

    proptest! {
        #[test]
        fn rests_are_those_of_dalek(low: [u8; 32], high: [u8; 32]) {
            let mut number = [0; 64];
            number[..32].copy_from_slice(&low);
            number[32..].copy_from_slice(&high);
            prop_assert_eq!(reduce(&number), Scalar::from_bytes_mod_order_wide(&number).to_bytes());
            prop_assert_eq!(is_below(&low), bool::from(Scalar::from_canonical_bytes(low).is_some()));
        }
    }
}

//! The arithmetic of the A-key exchange (C.S0016): powers of 512-bit numbers, by `crypto-bigint` (pure Rust, no heap, constant
//! time in the exponent).

use crypto_bigint::modular::{FixedMontyForm, FixedMontyParams};
use crypto_bigint::{Odd, U512};

/// A number of 512 bits, most significant octet first.
pub type Number = [u8; 64];

/// `base` to the power of `exponent`, modulo `modulus`; `None` if the modulus is even. Which exponent it is does not show in the
/// time this takes.
pub fn power(base: &Number, exponent: &Number, modulus: &Number) -> Option<Number> {
    let modulus: Odd<U512> = Odd::new(U512::from_be_slice(modulus)).into_option()?;
    let parameters = FixedMontyParams::new(modulus);
    let base = FixedMontyForm::new(&U512::from_be_slice(base), &parameters);
    let result = base.pow(&U512::from_be_slice(exponent)).retrieve();
    result.to_be_bytes().as_ref().try_into().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A prime of 512 bits; these numbers were made with another implementation.
    const P: &str = "96b6c2b3ba93bbd9af0a6240bdc0a397df3a4dfe3c85be69123b80f66c1b09c7fc31415464fe8a21d464d1373d92c20cd079\
        be09cef27c817ec2ce9772444715";
    /// A base of 160 bits.
    const G: &str = "0000000000000000000000000000000000000000000000000000000000000000000000000000000000000000297373ad8ceb\
        efdc9f7648df22c5316809ffa1ae";
    /// An exponent.
    const X: &str = "564932b1961477838081072cfd70d990dde897966719e6e9a66ad1583ab97fd2c6d68d566d70d3d57eb3e8169c9c3f22f52b\
        e0eb2e3107c436b6c2818dccf5e0";
    /// G to the power of X.
    const G_X: &str = "0024c12fe1b9479540106be074567e7844a188392e1c037aff9249a98f6fdf2507b35f32244881cb16829a3e5ad45be7d039\
        d027cc4a626f091f1be212a00982";
    /// Another base.
    const Y: &str = "3d084a3af59af200110c097c09543edeb94abe27ab42cfebb9878a47446fe02c98a2b747b0c98805cc97324a237959895066\
        5bd5ef9cf549ec09c3bdc5c970b1";
    /// Its power.
    const Y_X: &str = "71cb7a150810911e087644f03b6e75b1f3572d52f1ea24eb24bb5258453842fb9baf4fe5e6510959b7797730cf7a28299e66\
        c8ce4e317cf32cddf1a822dd59c8";

    fn number(hex: &str) -> Number {
        let octet = |at: usize| u8::from_str_radix(&hex[2 * at..2 * at + 2], 16).unwrap();
        core::array::from_fn(octet)
    }

    #[test]
    fn powers_are_those_of_another_implementation() {
        let [p, x] = [P, X].map(number);
        assert_eq!(power(&number(G), &x, &p), Some(number(G_X)));
        assert_eq!(power(&number(Y), &x, &p), Some(number(Y_X)));
    }

    #[test]
    fn edges() {
        let (p, mut one) = (number(P), [0; 64]);
        one[63] = 1;
        assert_eq!(power(&number(G), &[0; 64], &p), Some(one));
        assert_eq!(power(&[0; 64], &number(X), &p), Some([0; 64]));
        // Fermat: a prime's own power minus one.
        let mut order = p;
        order[63] -= 1;
        assert_eq!(power(&number(G), &order, &p), Some(one));
        let mut even = p;
        even[63] &= !1;
        assert_eq!(power(&number(G), &number(X), &even), None);
        assert_eq!(power(&number(G), &number(X), &[0; 64]), None);
    }
}

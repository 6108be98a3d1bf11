//! Strict verification of Ed25519 signatures (RFC 8032 §5.1.7).
//!
//! RFC 8032 leaves some freedom; this takes none of it, so that no signature has a second form and no key accepts
//! everything. Refused are, besides wrong signatures:
//!
//! - `s` not below the order of the group (§5.1.7 step 1),
//! - a key whose `y` is not below the field's prime (§5.1.3 step 1), which would be a second name of the same key,
//! - a key, or an `R` in the signature, of small order.
//!
//! `R` needs no check of its form, as it is compared in its encoded form with a computed one. All inputs are public, so
//! nothing here takes care to run in constant time.
//!
//! A number of salty's takes 128 octets of the stack and a point 512, so what holds several of them is a function of its own
//! that is not inlined: frames that are not needed at the same time do not add up.

use core::cmp::Ordering;

use salty::{CompressedY, EdwardsPoint, Scalar, Sha512};

/// The order of the base point, 2^252 + 27742317777372353535851937790883648493, least octet first.
const ORDER: [u8; 32] = [
    0xed, 0xd3, 0xf5, 0x5c, 0x1a, 0x63, 0x12, 0x58, 0xd6, 0x9c, 0xf7, 0xa2, 0xde, 0xf9, 0xde, 0x14, 0, 0, 0,
    0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x10,
];

/// The prime of the field, 2^255 - 19, least octet first.
const PRIME: [u8; 32] = {
    let mut prime = [0xff; 32];
    prime[0] = 0xed;
    prime[31] = 0x7f;
    prime
};

/// The neutral element's encoding.
const NEUTRAL: [u8; 32] = {
    let mut neutral = [0; 32];
    neutral[0] = 1;
    neutral
};

/// Whether `signature` (`R` and `s`, 32 octets each) over the pieces of `message`, one behind the other, was made with the
/// key behind `public_key`.
pub fn verify(public_key: &[u8; 32], message: &[&[u8]], signature: &[u8; 64]) -> bool {
    let (Some(r), Some(s)) = (signature.first_chunk::<32>(), signature.last_chunk::<32>()) else {
        return false;
    };
    if !is_below(s, &ORDER) {
        return false;
    }
    let challenge = challenge(r, public_key, message);
    let Some(key) = point_of(public_key) else { return false };
    is_sum(r, &Scalar(*s), &challenge, &key)
}

/// The point that a key encodes, if it is the only encoding of one of great order.
#[inline(never)]
fn point_of(public_key: &[u8; 32]) -> Option<EdwardsPoint> {
    let canonical = is_below(&without_sign(public_key), &PRIME);
    let point = decoded(public_key)?;
    (canonical && !is_small_order(&point)).then_some(point)
}

#[inline(never)]
fn decoded(octets: &[u8; 32]) -> Option<EdwardsPoint> {
    CompressedY(*octets).decompressed().ok()
}

#[inline(never)]
fn encoded(point: &EdwardsPoint) -> [u8; 32] {
    point.compressed().0
}

/// Whether `r` encodes `s * base - challenge * key`, and is of great order.
#[inline(never)]
#[allow(clippy::arithmetic_side_effects)] // negation in the group has a result for all operands
fn is_sum(r: &[u8; 32], s: &Scalar, challenge: &Scalar, key: &EdwardsPoint) -> bool {
    let expected = sum_of_products(s, &EdwardsPoint::basepoint(), challenge, &-key);
    encoded(&expected) == *r && !is_small_order(&expected)
}

/// The hash of `R`, the key and the message, as a number below the order.
#[inline(never)]
fn challenge(r: &[u8; 32], public_key: &[u8; 32], message: &[&[u8]]) -> Scalar {
    let mut hash = Sha512::new().updated(r).updated(public_key);
    for piece in message {
        hash.update(piece);
    }
    Scalar::from_u512_le(&hash.finalize())
}

/// `a * p + b * q`, with one doubling for both factors' bits: half the work of two products.
#[inline(never)]
fn sum_of_products(a: &Scalar, p: &EdwardsPoint, b: &Scalar, q: &EdwardsPoint) -> EdwardsPoint {
    let both = sum(p, q);
    let mut total = EdwardsPoint::neutral_element();
    for (a, b) in a.0.iter().zip(&b.0).rev() {
        for bit in (0..8).rev() {
            total = sum(&total, &total);
            let next = match (a >> bit & 1, b >> bit & 1) {
                (0, 0) => continue,
                (_, 0) => p,
                (0, _) => q,
                _ => &both,
            };
            total = sum(&total, next);
        }
    }
    total
}

#[inline(never)]
#[allow(clippy::arithmetic_side_effects)] // group operations, which have a result for all operands
fn sum(p: &EdwardsPoint, q: &EdwardsPoint) -> EdwardsPoint {
    p + q
}

/// Whether eight times the point is the neutral element.
#[inline(never)]
fn is_small_order(point: &EdwardsPoint) -> bool {
    let mut times = sum(point, point);
    times = sum(&times, &times);
    times = sum(&times, &times);
    encoded(&times) == NEUTRAL
}

/// A point's encoding without the bit for the sign of `x`.
fn without_sign(encoded: &[u8; 32]) -> [u8; 32] {
    let mut y = *encoded;
    if let Some(top) = y.last_mut() {
        *top &= 0x7f;
    }
    y
}

/// Compares two numbers given least octet first.
fn is_below(number: &[u8; 32], limit: &[u8; 32]) -> bool {
    number.iter().rev().cmp(limit.iter().rev()) == Ordering::Less
}

#[cfg(test)]
mod tests {
    use std::vec::Vec;

    use ed25519_dalek::{Signature, Signer, SigningKey, VerifyingKey};
    use proptest::prelude::*;

    use super::*;

    fn hex<const N: usize>(text: &str) -> [u8; N] {
        vec(text).try_into().expect("length")
    }

    fn vec(text: &str) -> Vec<u8> {
        (0..text.len()).step_by(2).map(|at| u8::from_str_radix(&text[at..at + 2], 16).expect("hex")).collect()
    }

    /// RFC 8032 §7.1, tests 1, 2, 3 and SHA(abc): public key, message, signature.
    fn vectors() -> [([u8; 32], Vec<u8>, [u8; 64]); 4] {
        [
            (
                hex("d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a"),
                vec(""),
                hex(
                    "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b",
                ),
            ),
            (
                hex("3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c"),
                vec("72"),
                hex(
                    "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00",
                ),
            ),
            (
                hex("fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025"),
                vec("af82"),
                hex(
                    "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a",
                ),
            ),
            (
                hex("ec172b93ad5e563bf4932c70e1245034c35467ef2efd4d64ebf819683467e2bf"),
                vec(
                    "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f",
                ),
                hex(
                    "dc2a4459e7369633a52b1bf277839a00201009a3efbf3ecb69bea2186c26b58909351fc9ac90b3ecfdfbc7c66431e0303dca179c138ac17ad9bef1177331a704",
                ),
            ),
        ]
    }

    /// The eight points of small order, in their canonical encodings (`x` sign bits included).
    fn small_order() -> [[u8; 32]; 8] {
        [
            "0100000000000000000000000000000000000000000000000000000000000000",
            "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
            "0000000000000000000000000000000000000000000000000000000000000000",
            "0000000000000000000000000000000000000000000000000000000000000080",
            "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
            "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc85",
            "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
            "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa",
        ]
        .map(hex)
    }

    fn dalek(public_key: &[u8; 32], message: &[u8], signature: &[u8; 64]) -> bool {
        VerifyingKey::from_bytes(public_key)
            .is_ok_and(|key| key.verify_strict(message, &Signature::from_bytes(signature)).is_ok())
    }

    #[test]
    fn the_vectors_of_the_rfc_verify_in_any_pieces() {
        for (key, message, signature) in vectors() {
            assert!(verify(&key, &[&message], &signature), "{} octets", message.len());
            for at in 0..=message.len() {
                let (head, tail) = message.split_at(at);
                assert!(verify(&key, &[head, &[], tail], &signature));
            }
        }
    }

    #[test]
    fn any_changed_bit_is_refused() {
        let (key, message, signature) = vectors()[2].clone();
        for bit in 0..512 {
            let mut changed = signature;
            changed[bit / 8] ^= 1 << (bit % 8);
            assert!(!verify(&key, &[&message], &changed), "signature bit {bit}");
        }
        for bit in 0..256 {
            let mut changed = key;
            changed[bit / 8] ^= 1 << (bit % 8);
            assert!(!verify(&changed, &[&message], &signature), "key bit {bit}");
        }
        for bit in 0..16 {
            let mut changed = message.clone();
            changed[bit / 8] ^= 1 << (bit % 8);
            assert!(!verify(&key, &[&changed], &signature), "message bit {bit}");
        }
        assert!(!verify(&key, &[&message, &[0]], &signature));
        assert!(!verify(&key, &[], &signature));
    }

    #[test]
    fn s_plus_the_order_is_refused_though_it_fulfils_the_equation() {
        for (key, message, signature) in vectors() {
            let mut second = signature;
            let mut carry = 0_u16;
            for (octet, order) in second[32..].iter_mut().zip(ORDER) {
                carry += u16::from(*octet) + u16::from(order);
                *octet = carry.to_le_bytes()[0];
                carry >>= 8;
            }
            assert_eq!(carry, 0, "s plus the order fits 256 bits");
            assert!(!verify(&key, &[&message], &second));
        }
    }

    #[test]
    fn keys_of_small_order_are_refused_though_they_fulfil_the_equation() {
        // With R = s * base, the equation holds whenever the challenge is a multiple of the key's order, which is 8 at most.
        let s = Scalar::from(5);
        let r = (&s * &EdwardsPoint::basepoint()).compressed().0;
        let mut forged = [0; 64];
        forged[..32].copy_from_slice(&r);
        forged[32..].copy_from_slice(&s.0);
        let neutral = EdwardsPoint::neutral_element().compressed();
        for key in small_order() {
            let point = CompressedY(key).decompressed().expect("on the curve");
            assert!(is_small_order(&point));
            let holds =
                |message: &u8| (&challenge(&r, &key, &[&[*message]]) * &point).compressed() == neutral;
            let message = (0..=255).find(holds).expect("one message in eight");
            assert!(!verify(&key, &[&[message]], &forged));
        }
        assert!(!is_small_order(&EdwardsPoint::basepoint()));
    }

    #[test]
    fn r_of_small_order_is_refused() {
        // s = challenge * secret gives R = neutral element: the signer can do that, so only strictness forbids it.
        let signer = SigningKey::from_bytes(&[7; 32]);
        let key = signer.verifying_key().to_bytes();
        let mut signature = [0; 64];
        signature[0] = 1;
        let r = *signature.first_chunk::<32>().expect("32 octets");
        let mut secret = signer.to_scalar_bytes();
        secret[0] &= 0b1111_1000;
        secret[31] = secret[31] & 0b0111_1111 | 0b0100_0000;
        let secret = Scalar::from_u256_le(&secret);
        let s = &challenge(&r, &key, &[b"m"]) * &secret;
        signature[32..].copy_from_slice(&s.0);
        let negated = -&CompressedY(key).decompressed().expect("a key");
        let sum = &(&s * &EdwardsPoint::basepoint()) + &(&challenge(&r, &key, &[b"m"]) * &negated);
        assert_eq!(sum.compressed().0, r, "the equation holds");
        assert!(!verify(&key, &[b"m"], &signature));
    }

    #[test]
    fn keys_with_a_second_name_are_refused() {
        // y + p for the small y that fit: encodings of p to 2^255 - 1. Some are of points that make good keys.
        let mut good_points = 0;
        for low in 0xed..=0xff_u8 {
            for top in [0x7f, 0xff] {
                let mut key = [0xff; 32];
                key[0] = low;
                key[31] = top;
                let point = CompressedY(key).decompressed();
                good_points += usize::from(point.is_ok_and(|point| !is_small_order(&point)));
                assert!(point_of(&key).is_none());
                assert!(!verify(&key, &[b"m"], &vectors()[0].2));
            }
        }
        assert!(good_points > 4, "only {good_points}");
        assert!(point_of(&vectors()[0].0).is_some());
    }

    #[test]
    fn what_is_no_point_is_refused() {
        let mut no_points = 0;
        for y in 2..40_u8 {
            let mut key = [0; 32];
            key[0] = y;
            no_points += usize::from(CompressedY(key).decompressed().is_err());
            assert!(!verify(&key, &[b"m"], &vectors()[0].2));
        }
        assert!(no_points > 5);
    }

    #[test]
    fn sums_of_products_are_those_of_the_library() {
        let base = EdwardsPoint::basepoint();
        let point = CompressedY(vectors()[1].0).decompressed().expect("on the curve");
        let mut octets = [0x5a; 32];
        octets[31] = 0x0f;
        let scalars = [Scalar([0; 32]), Scalar::one(), Scalar(octets), Scalar::from(u64::MAX)];
        for a in &scalars {
            for b in &scalars {
                let expected = &(a * &base) + &(b * &point);
                assert!(sum_of_products(a, &base, b, &point) == expected);
            }
        }
    }

    proptest! {
        #[test]
        fn what_dalek_signs_verifies(seed: [u8; 32], message: Vec<u8>, cut: usize) {
            let signer = SigningKey::from_bytes(&seed);
            let signature = signer.sign(&message).to_bytes();
            let (head, tail) = message.split_at(cut.checked_rem(message.len()).unwrap_or(0));
            prop_assert!(verify(signer.verifying_key().as_bytes(), &[head, tail], &signature));
        }

        #[test]
        fn it_agrees_with_dalek_on_changed_signatures(
            seed: [u8; 32], message: Vec<u8>, at in 0_usize..96, change: u8,
        ) {
            let signer = SigningKey::from_bytes(&seed);
            let mut signature = signer.sign(&message).to_bytes();
            let mut key = signer.verifying_key().to_bytes();
            match signature.get_mut(at) {
                Some(octet) => *octet ^= change,
                None => key[at - 64] ^= change,
            }
            let verdict = verify(&key, &[&message], &signature);
            prop_assert_eq!(verdict, dalek(&key, &message, &signature));
            prop_assert_eq!(verdict, change == 0);
        }

        #[test]
        fn arbitrary_input_returns(key: [u8; 32], message: Vec<u8>, r: [u8; 32], s: [u8; 32]) {
            let mut signature = [0; 64];
            signature[..32].copy_from_slice(&r);
            signature[32..].copy_from_slice(&s);
            signature[63] &= 0x0f;
            prop_assert!(!verify(&key, &[&message], &signature));
        }
    }
}

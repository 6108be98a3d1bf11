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
//! nothing here takes care to run in constant time, and none of it is fit to sign with.
//!
//! | module | what |
//! |---|---|
//! | `field` | numbers modulo 2^255 - 19, in eight words |
//! | `point` | the curve and the sum of its points |
//! | `order` | numbers modulo the order of the base point |
//!
//! Each of them is compared with curve25519-dalek in the tests, and the whole with ed25519-dalek's `verify_strict`.

mod field;
mod order;
mod point;

use field::Field;
use point::Point;
use sha2::{Digest as _, Sha512};

/// Whether `signature` (`R` and `s`, 32 octets each) over the pieces of `message`, one behind the other, was made with the
/// key behind `public_key`.
pub fn verify(public_key: &[u8; 32], message: &[&[u8]], signature: &[u8; 64]) -> bool {
    let (Some(r), Some(s)) = (signature.first_chunk::<32>(), signature.last_chunk::<32>()) else {
        return false;
    };
    if !order::is_below(s) {
        return false;
    }
    // before the points are there, as both take room on the stack
    let challenge = challenge(r, public_key, message);
    let Some(key) = point_of(public_key) else { return false };
    let expected = Point::base().sum_of_products(s, &key.neg(), &challenge);
    expected.encode() == *r && !expected.is_small_order()
}

/// The point that a key encodes, if it is the only encoding of one of great order.
fn point_of(public_key: &[u8; 32]) -> Option<Point> {
    let mut y = *public_key;
    let [.., last] = &mut y;
    *last &= 0x7f;
    let canonical = Field::from_octets(&y).to_octets() == y;
    let point = Point::decode(public_key)?;
    (canonical && !point.is_small_order()).then_some(point)
}

/// The hash of `R`, the key and the message, as a number below the order.
#[inline(never)]
fn challenge(r: &[u8; 32], public_key: &[u8; 32], message: &[&[u8]]) -> [u8; 32] {
    let mut hash = Sha512::new();
    hash.update(r);
    hash.update(public_key);
    for piece in message {
        hash.update(piece);
    }
    order::reduce(&hash.finalize().into())
}

#[cfg(test)]
mod tests {
    use std::vec::Vec;

    use curve25519_dalek::Scalar;
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
        let order = {
            let mut order = (-Scalar::ONE).to_bytes();
            order[0] += 1;
            order
        };
        for (key, message, signature) in vectors() {
            let mut second = signature;
            let mut carry = 0_u16;
            for (octet, order) in second[32..].iter_mut().zip(order) {
                carry += u16::from(*octet) + u16::from(order);
                *octet = carry.to_le_bytes()[0];
                carry >>= 8;
            }
            assert_eq!(carry, 0, "s plus the order fits 256 bits");
            assert!(!verify(&key, &[&message], &second));
        }
    }

    /// `factor * base`.
    fn times_base(factor: &[u8; 32]) -> Point {
        Point::base().sum_of_products(factor, &Point::NEUTRAL, &[0; 32])
    }

    #[test]
    fn keys_of_small_order_are_refused_though_they_fulfil_the_equation() {
        // With R = s * base, the equation holds whenever the challenge is a multiple of the key's order, which is 8 at most.
        let mut s = [0; 32];
        s[0] = 5;
        let r = times_base(&s).encode();
        let mut forged = [0; 64];
        forged[..32].copy_from_slice(&r);
        forged[32..].copy_from_slice(&s);
        for key in small_order() {
            let point = Point::decode(&key).expect("on the curve");
            assert!(point.is_small_order());
            let holds = |message: &u8| {
                let challenge = challenge(&r, &key, &[&[*message]]);
                let product = point.sum_of_products(&challenge, &Point::NEUTRAL, &[0; 32]);
                product.encode() == Point::NEUTRAL.encode()
            };
            let message = (0..=255).find(holds).expect("one message in eight");
            assert!(!verify(&key, &[&[message]], &forged));
        }
        assert!(!Point::base().is_small_order());
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
        let challenge = challenge(&r, &key, &[b"m"]);
        let s = Scalar::from_bytes_mod_order(challenge) * Scalar::from_bytes_mod_order(secret);
        let s = s.to_bytes();
        signature[32..].copy_from_slice(&s);
        let negated = Point::decode(&key).expect("a key").neg();
        let sum = Point::base().sum_of_products(&s, &negated, &challenge);
        assert_eq!(sum.encode(), r, "the equation holds");
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
                let point = Point::decode(&key);
                good_points += usize::from(point.is_some_and(|point| !point.is_small_order()));
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
            no_points += usize::from(Point::decode(&key).is_none());
            assert!(!verify(&key, &[b"m"], &vectors()[0].2));
        }
        assert!(no_points > 5);
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

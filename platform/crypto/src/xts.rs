//! AES-XTS (IEEE 1619) as the cipher of flash, with the offset as the tweak.
//!
//! A data unit is [`DATA_UNIT`] octets, as in the flash encryption of ESP32 parts; its number is its offset divided by that.
//! A block of 16 octets inside it is reached by doubling the encrypted number, at most seven times, so any block is read
//! alone. There is never less than a block, so no ciphertext is stolen.
use core::convert::Infallible;
use core::fmt;

use aes::cipher::{BlockCipherDecrypt, BlockCipherEncrypt, KeyInit};
use aes::{Aes128, Aes256, Block};
use kedge_platform::cipher::{FlashCipher, UNIT};

/// Octets of a data unit.
pub const DATA_UNIT: u32 = 128;

/// What the field's polynomial adds when a bit is shifted out: x^7 + x^2 + x + 1.
const OVERFLOW: u128 = 0x87;

/// AES-XTS with two keys of 128 bits.
pub type AesXts128 = AesXts<Aes128>;
/// AES-XTS with two keys of 256 bits.
pub type AesXts256 = AesXts<Aes256>;

/// The cipher, with its keys expanded; they are wiped when it is dropped.
pub struct AesXts<B> {
    data: B,
    tweak: B,
}

/// Both halves of a key are the same, which the standard forbids: the tweaks would tell about the data.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EqualKeys;

impl fmt::Display for EqualKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the two keys of XTS are equal")
    }
}

impl core::error::Error for EqualKeys {}

impl<B> fmt::Debug for AesXts<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("AesXts(..)")
    }
}

impl AesXts128 {
    /// The cipher of the key for data and the key for tweaks.
    pub fn new(data: &[u8; 16], tweak: &[u8; 16]) -> Result<Self, EqualKeys> {
        if data == tweak {
            return Err(EqualKeys);
        }
        Ok(Self { data: Aes128::new(data.into()), tweak: Aes128::new(tweak.into()) })
    }
}

impl AesXts256 {
    /// The cipher of the key for data and the key for tweaks.
    pub fn new(data: &[u8; 32], tweak: &[u8; 32]) -> Result<Self, EqualKeys> {
        if data == tweak {
            return Err(EqualKeys);
        }
        Ok(Self { data: Aes256::new(data.into()), tweak: Aes256::new(tweak.into()) })
    }
}

impl<B: BlockCipherEncrypt<BlockSize = BlockSize> + BlockCipherDecrypt> AesXts<B> {
    /// Changes each block from block `first` of the device on, which is masked before and after.
    fn each(&self, first: u128, octets: &mut [u8], change: impl Fn(&B, &mut Block)) {
        let mut mask = None;
        for (number, block) in (first..).zip(octets.as_chunks_mut::<UNIT>().0) {
            let (unit, inside) = (number / BLOCKS, number % BLOCKS);
            let current = match mask {
                Some(mask) if inside > 0 => double(mask),
                _ => (0..inside).fold(self.encrypted(unit), |mask, _| double(mask)),
            };
            mask = Some(current);
            let mut changed = Block::from((u128::from_le_bytes(*block) ^ current).to_le_bytes());
            change(&self.data, &mut changed);
            *block = (u128::from_le_bytes(changed.into()) ^ current).to_le_bytes();
        }
    }

    /// The mask of a data unit's first block.
    fn encrypted(&self, unit: u128) -> u128 {
        let mut block = Block::from(unit.to_le_bytes());
        self.tweak.encrypt_block(&mut block);
        u128::from_le_bytes(block.into())
    }
}

type BlockSize = <Aes128 as aes::cipher::BlockSizeUser>::BlockSize;

/// Octets of a block.
const BLOCK: u128 = UNIT as u128;
/// Blocks of a data unit.
const BLOCKS: u128 = DATA_UNIT as u128 / BLOCK;

/// The mask of the next block.
const fn double(mask: u128) -> u128 {
    let overflow = if mask >> 127 == 0 { 0 } else { OVERFLOW };
    mask << 1 ^ overflow
}

/// The number of the block at an offset.
fn block_at(at: u32) -> u128 {
    u128::from(at) / BLOCK
}

impl<B: BlockCipherEncrypt<BlockSize = BlockSize> + BlockCipherDecrypt> FlashCipher for AesXts<B> {
    type Error = Infallible;

    fn encrypt(&mut self, at: u32, octets: &mut [u8]) -> Result<(), Infallible> {
        self.each(block_at(at), octets, B::encrypt_block);
        Ok(())
    }

    fn decrypt(&mut self, at: u32, octets: &mut [u8]) -> Result<(), Infallible> {
        self.each(block_at(at), octets, B::decrypt_block);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::vec::Vec;

    use proptest::prelude::*;
    use xts_mode::{Xts128, get_tweak_default};

    use super::*;

    fn hex(text: &str) -> Vec<u8> {
        (0..text.len() / 2)
            .map(|at| u8::from_str_radix(&text[2 * at..2 * at + 2], 16).expect("hex"))
            .collect()
    }

    /// IEEE 1619-2007 annex B, vectors 2 and 3 (AES-128) and 10 (AES-256): the beginnings that are within our data unit.
    #[test]
    fn the_vectors_of_the_standard() {
        let unit = |number: u128| number * BLOCKS;
        let mut octets = [0x44; 32];
        let second = AesXts128::new(&[0x11; 16], &[0x22; 16]).expect("two keys");
        second.each(unit(0x33_3333_3333), &mut octets, BlockCipherEncrypt::encrypt_block);
        assert_eq!(octets[..], hex("c454185e6a16936e39334038acef838bfb186fff7480adc4289382ecd6d394f0"));
        let mut octets = [0x44; 32];
        let data = hex("fffefdfcfbfaf9f8f7f6f5f4f3f2f1f0");
        let third = AesXts128::new(data[..].try_into().expect("16"), &[0x22; 16]).expect("two keys");
        third.each(unit(0x33_3333_3333), &mut octets, BlockCipherEncrypt::encrypt_block);
        assert_eq!(octets[..], hex("af85336b597afc1a900b2eb21ec949d292df4c047e0b21532186a5971a227a89"));
        let data = hex("2718281828459045235360287471352662497757247093699959574966967627");
        let tweak = hex("3141592653589793238462643383279502884197169399375105820974944592");
        let tenth = AesXts256::new(data[..].try_into().expect("32"), tweak[..].try_into().expect("32"))
            .expect("two keys");
        let plain: Vec<u8> = (0..=127).collect();
        let mut octets = plain.clone();
        tenth.each(unit(0xFF), &mut octets, BlockCipherEncrypt::encrypt_block);
        assert_eq!(octets[..32], hex("1c3b3a102f770386e4836c99e370cf9bea00803f5e482357a4ae12d414a3e63b"));
        tenth.each(unit(0xFF), &mut octets, BlockCipherDecrypt::decrypt_block);
        assert_eq!(octets, plain);
    }

    #[test]
    fn equal_keys_are_refused() {
        assert_eq!(AesXts128::new(&[7; 16], &[7; 16]).err(), Some(EqualKeys));
        assert_eq!(AesXts256::new(&[7; 32], &[7; 32]).err(), Some(EqualKeys));
        let shown = std::format!("{:?}", AesXts128::new(&[7; 16], &[8; 16]));
        assert_eq!(shown, "Ok(AesXts(..))", "keys are not shown");
    }

    proptest! {
        /// The same as another implementation makes of whole data units, read in any pieces.
        #[test]
        fn as_another_implementation(
            keys in any::<([u8; 16], [u8; 16])>(),
            plain in prop::collection::vec(any::<u8>(), 1024),
            first in 0_u32..(1 << 25) - 8,
            pieces in prop::collection::vec((0_usize..64, 1_usize..65), 8),
        ) {
            prop_assume!(keys.0 != keys.1);
            let mut expected = plain.clone();
            let other = Xts128::new(Aes128::new(&keys.0.into()), Aes128::new(&keys.1.into()));
            other.encrypt_area(&mut expected, DATA_UNIT as usize, u128::from(first), get_tweak_default);
            let mut ours = AesXts128::new(&keys.0, &keys.1).expect("two keys");
            let mut stored = plain.clone();
            let start = first * DATA_UNIT;
            prop_assert!(ours.encrypt(start, &mut stored).is_ok());
            prop_assert_eq!(&stored, &expected);
            for (block, blocks) in pieces {
                let (from, to) = (block * UNIT, ((block + blocks) * UNIT).min(1024));
                let mut piece = stored[from..to].to_vec();
                let at = start + u32::try_from(from).expect("small");
                prop_assert!(ours.decrypt(at, &mut piece).is_ok());
                prop_assert_eq!(&piece[..], &plain[from..to]);
                prop_assert!(ours.encrypt(at, &mut piece).is_ok());
                prop_assert_eq!(&piece[..], &stored[from..to]);
            }
        }
    }
}

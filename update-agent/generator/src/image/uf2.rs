//! UF2, the files that boards take as a disk drive (github.com/microsoft/uf2, README: "File format").

use super::{
    Error, Uf2Fault,
    fields::{index, le32},
    pieces::Pieces,
};

const BLOCK: usize = 512;
const FIRST_MAGIC: u32 = 0x0a32_4655;
const SECOND_MAGIC: u32 = 0x9e5d_5157;
const LAST_MAGIC: u32 = 0x0ab1_6f30;
/// Flags of blocks that are not for the main flash: comments, and files of a container.
const NOT_FLASH: u32 = 0x0001 | 0x1000;
/// What a block can hold between its head and its last magic word.
const ROOM: u32 = 476;

/// Whether a file starts with a block.
pub(super) fn is(file: &[u8]) -> bool {
    le32(file, 0) == Some(FIRST_MAGIC) && le32(file, 4) == Some(SECOND_MAGIC)
}

/// The flash content of a file.
pub(super) fn read(file: &[u8]) -> Result<Pieces, Error> {
    let mut pieces = Pieces::default();
    for (number, block) in file.chunks(BLOCK).enumerate() {
        apply(block, &mut pieces).map_err(|fault| Error::Uf2 { block: number, fault })?;
    }
    Ok(pieces)
}

fn apply(block: &[u8], pieces: &mut Pieces) -> Result<(), Uf2Fault> {
    let word = |at| le32(block, at).ok_or(Uf2Fault::Truncated);
    if (word(0)?, word(4)?, word(BLOCK - 4)?) != (FIRST_MAGIC, SECOND_MAGIC, LAST_MAGIC) {
        return Err(Uf2Fault::Magic);
    }
    let (flags, address, len) = (word(8)?, word(12)?, word(16)?);
    if len > ROOM {
        return Err(Uf2Fault::Length);
    }
    let content = block.get(32..32 + index(len)).ok_or(Uf2Fault::Length)?;
    if flags & NOT_FLASH == 0 && !pieces.push(address, content) {
        return Err(Uf2Fault::Address);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn block(flags: u32, address: u32, content: &[u8]) -> Vec<u8> {
        let len = u32::try_from(content.len()).unwrap();
        let head = [FIRST_MAGIC, SECOND_MAGIC, flags, address, len, 0, 1, 0];
        let mut block: Vec<u8> = head.iter().flat_map(|word| word.to_le_bytes()).collect();
        block.extend_from_slice(content);
        block.resize(BLOCK - 4, 0);
        block.extend_from_slice(&LAST_MAGIC.to_le_bytes());
        block
    }

    #[test]
    fn blocks_are_put_together() {
        let file =
            [block(0x2000, 0x1000_0100, &[2; 256]), block(1, 0, &[9; 9]), block(0, 0x1000_0000, &[1; 256])]
                .concat();
        assert!(is(&file));
        let flat = read(&file).unwrap().flatten().unwrap();
        assert_eq!(flat.address, 0x1000_0000);
        assert_eq!(flat.octets, [[1; 256], [2; 256]].concat());
        assert!(flat.left_out.is_empty());
    }

    #[test]
    fn faults_are_named_with_their_block() {
        let good = block(0, 0, &[1; 256]);
        let fault = |second: &[u8]| read(&[good.as_slice(), second].concat()).err();
        let expect = |fault| Some(Error::Uf2 { block: 1, fault });
        assert_eq!(fault(&good[..511]), expect(Uf2Fault::Truncated));
        assert_eq!(fault(&[0; BLOCK]), expect(Uf2Fault::Magic));
        assert_eq!(fault(&block(0, 0xffff_ffff, &[1, 2])), expect(Uf2Fault::Address));
        let mut long = good.clone();
        long[16..20].copy_from_slice(&477_u32.to_le_bytes());
        assert_eq!(fault(&long), expect(Uf2Fault::Length));
    }
}

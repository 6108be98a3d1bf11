use crate::{Error, ErrorKind, Input, Kind, Layout, Manifest, Payload, ReadError};

/// Octets of a delta payload before its block table.
const TABLE_AT: u32 = 4;
/// Octets of a block's entry in the table.
const ENTRY: u32 = 8;

/// Which block is made first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order {
    /// The first.
    Ascending,
    /// The last.
    Descending,
}

/// How the new image is made from the payload, block by block.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Plan {
    payload: Payload,
    payload_at: u32,
    old_size: u32,
    new_size: u32,
    order: Order,
    blocks: u32,
}

/// One block of the new image and where its octets come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Block {
    /// Its place among the blocks of the image.
    pub index: u32,
    /// Its offset in the image.
    pub start: u32,
    /// Its octets.
    pub len: u32,
    /// Where its octets come from.
    pub content: Content,
    /// CRC-32 of its octets; a full image has none.
    pub check: Option<u32>,
}

/// Where the octets of a block come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Content {
    /// From the package at this offset.
    Stored(u32),
    /// The old image at the same place.
    Unchanged,
    /// From ops.
    Ops {
        /// Package offsets of the first octet of the stream and behind its last.
        stream: (u32, u32),
        /// The octets of the old image that may be used: the first, and the one behind the last.
        sources: (u32, u32),
    },
}

impl Plan {
    /// The plan of a package with this manifest whose payload stands at offset `payload_at`.
    pub fn read<I: Input>(
        manifest: &Manifest<'_>,
        payload_at: u32,
        input: &mut I,
    ) -> Result<Self, ReadError<I::Error>> {
        let payload = manifest.payload;
        let mut order = Order::Ascending;
        if !payload.kind.is_known() {
            return Err(error(ErrorKind::Unsupported, payload_at));
        }
        if payload.kind == Kind::Delta {
            let mut head = [0; 4];
            input.package(payload_at, &mut head).map_err(ReadError::Input)?;
            order = match head {
                [0, 0, 0, 0] => Order::Ascending,
                [1, 0, 0, 0] => Order::Descending,
                _ => return Err(error(ErrorKind::BadValue, payload_at)),
            };
        }
        Ok(Self {
            payload,
            payload_at,
            old_size: manifest.base.map_or(0, |base| base.image.size),
            new_size: manifest.image.size,
            order,
            blocks: payload.blocks(manifest.image.size),
        })
    }

    /// How many blocks there are.
    pub const fn blocks(&self) -> u32 {
        self.blocks
    }

    /// Octets of each block but the last.
    pub const fn block_size(&self) -> u32 {
        self.payload.block_size
    }

    /// Which block is made first.
    pub const fn order(&self) -> Order {
        self.order
    }

    /// The block that is made as number `step` (from 0); beyond the last: an error.
    pub fn block<I: Input>(&self, step: u32, input: &mut I) -> Result<Block, ReadError<I::Error>> {
        let index = match self.order {
            _ if step >= self.blocks => return Err(error(ErrorKind::BadValue, self.payload_at)),
            Order::Ascending => step,
            Order::Descending => self.blocks.saturating_sub(step).saturating_sub(1),
        };
        let start = index.saturating_mul(self.payload.block_size);
        let len = self.new_size.saturating_sub(start).min(self.payload.block_size);
        match self.payload.kind {
            Kind::Full | Kind::Coded | Kind::Unpacked => {
                let content = Content::Stored(self.payload_at.saturating_add(start));
                Ok(Block { index, start, len, content, check: None })
            }
            Kind::Delta if Kind::Delta.is_known() => self.delta_block(index, start, len, input),
            Kind::Delta => Err(error(ErrorKind::Unsupported, self.payload_at)),
        }
    }

    /// Where in the package the table entry of a delta's block stands.
    pub(crate) fn entry_at(&self, index: u32) -> u32 {
        self.payload_at.saturating_add(TABLE_AT).saturating_add(index.saturating_mul(ENTRY))
    }

    fn delta_block<I: Input>(
        &self,
        index: u32,
        start: u32,
        len: u32,
        input: &mut I,
    ) -> Result<Block, ReadError<I::Error>> {
        let entry_at = self.entry_at(index);
        let mut entry = [0; 12];
        input.package(entry_at, &mut entry).map_err(ReadError::Input)?;
        let [f0, f1, f2, f3, c0, c1, c2, c3, b0, b1, b2, b3] = entry;
        let streams_at = self.payload_at.saturating_add(streams_at(self.blocks));
        let place = |octets| streams_at.checked_add(u32::from_be_bytes(octets));
        let behind_last = self.payload_at.saturating_add(self.payload.size);
        let stream = match (place([f0, f1, f2, f3]), place([b0, b1, b2, b3])) {
            (Some(first), Some(behind)) if first <= behind && behind <= behind_last => (first, behind),
            _ => return Err(error(ErrorKind::BadLength, entry_at)),
        };
        // nothing may hide before the first stream or behind the last
        let (first_index, last_index) = (index == 0, index.saturating_add(1) == self.blocks);
        if (first_index && stream.0 != streams_at) || (last_index && stream.1 != behind_last) {
            return Err(error(ErrorKind::BadLength, entry_at));
        }
        let content = match self.sources(start, len) {
            sources if stream.0 < stream.1 => Content::Ops { stream, sources },
            _ if start.saturating_add(len) <= self.old_size => Content::Unchanged,
            _ => return Err(error(ErrorKind::BadSource, entry_at)),
        };
        Ok(Block { index, start, len, content, check: Some(u32::from_be_bytes([c0, c1, c2, c3])) })
    }

    /// The octets of the old image that are still there when the block at `start` is made.
    fn sources(&self, start: u32, len: u32) -> (u32, u32) {
        let end = start.saturating_add(len);
        match (self.payload.layout, self.order) {
            (Layout::Slot, _) => (0, self.old_size),
            (Layout::InPlace, Order::Ascending) => (start, self.old_size),
            // behind the last block nothing was overwritten, but only the block's own sectors are promised
            (Layout::InPlace, Order::Descending) => (0, self.old_size.min(end)),
        }
    }
}

/// Offset in a delta payload of the op streams of `blocks` blocks.
pub(crate) fn streams_at(blocks: u32) -> u32 {
    blocks.saturating_mul(ENTRY).saturating_add(TABLE_AT).saturating_add(4)
}

/// Appends everything of a delta payload that stands before the op streams. `blocks` yields each block's length of the
/// op stream and CRC-32, in image order.
pub fn write_table(out: &mut impl Extend<u8>, order: Order, blocks: impl Iterator<Item = (u32, u32)>) {
    out.extend([u8::from(order == Order::Descending), 0, 0, 0]);
    let mut offset = 0u32;
    for (len, check) in blocks {
        out.extend(offset.to_be_bytes());
        out.extend(check.to_be_bytes());
        offset = offset.saturating_add(len);
    }
    out.extend(offset.to_be_bytes());
}

fn error<E>(kind: ErrorKind, at: u32) -> ReadError<E> {
    ReadError::Format(Error::new(kind, usize::try_from(at).unwrap_or(usize::MAX)))
}

#[cfg(test)]
mod tests {
    use std::vec::Vec;

    use super::*;
    use crate::{Base, Image, Needs};

    /// A package that is only a payload.
    struct Alone(Vec<u8>);

    impl Input for Alone {
        type Error = ();

        fn package(&mut self, at: u32, out: &mut [u8]) -> Result<(), ()> {
            out.copy_from_slice(self.0.get(at as usize..at as usize + out.len()).ok_or(())?);
            Ok(())
        }

        fn image(&mut self, _: u32, _: &mut [u8]) -> Result<(), ()> {
            Err(())
        }
    }

    const STREAMS: [u8; 7] = [1, 2, 3, 4, 5, 6, 7];

    /// Three blocks: 3 octets of ops, unchanged, 4 octets of ops; old image 700 octets, new one 600.
    fn payload(order: Order) -> Vec<u8> {
        let mut payload = Vec::new();
        write_table(&mut payload, order, [(3, 0xA), (0, 0xB), (4, 0xC)].into_iter());
        payload.extend(STREAMS);
        payload
    }

    fn plan(payload: &[u8], layout: Layout, old_size: u32) -> Result<Plan, ReadError<()>> {
        let size = u32::try_from(payload.len()).unwrap();
        let manifest = Manifest {
            product: "p",
            base: Some(Base { version: "1", image: Image { size: old_size, sha256: [0; 32] } }),
            version: "2",
            image: Image { size: 600, sha256: [0; 32] },
            security_counter: 0,
            payload: Payload {
                kind: Kind::Delta,
                layout,
                block_size: 256,
                size,
                sha256: [0; 32],
                needs: Needs::default(),
                reverse: 0,
            },
            description: "",
            notes: "",
        };
        Plan::read(&manifest, 0, &mut Alone(payload.to_vec()))
    }

    fn blocks(payload: &[u8], layout: Layout, old_size: u32) -> Result<Vec<Block>, ReadError<()>> {
        let plan = plan(payload, layout, old_size)?;
        (0..plan.blocks()).map(|step| plan.block(step, &mut Alone(payload.to_vec()))).collect()
    }

    #[test]
    fn blocks_come_in_their_order_with_what_they_may_use() {
        let ops = |stream, sources| Content::Ops { stream, sources };
        let block =
            |index: u32, len, content, check| Block { index, start: index * 256, len, content, check };
        assert_eq!(
            blocks(&payload(Order::Ascending), Layout::Slot, 700).unwrap(),
            [
                block(0, 256, ops((32, 35), (0, 700)), Some(0xA)),
                block(1, 256, Content::Unchanged, Some(0xB)),
                block(2, 88, ops((35, 39), (0, 700)), Some(0xC)),
            ]
        );
        assert_eq!(
            blocks(&payload(Order::Ascending), Layout::InPlace, 700).unwrap(),
            [
                block(0, 256, ops((32, 35), (0, 700)), Some(0xA)),
                block(1, 256, Content::Unchanged, Some(0xB)),
                block(2, 88, ops((35, 39), (512, 700)), Some(0xC)),
            ]
        );
        assert_eq!(
            blocks(&payload(Order::Descending), Layout::InPlace, 550).unwrap(),
            [
                block(2, 88, ops((35, 39), (0, 550)), Some(0xC)),
                block(1, 256, Content::Unchanged, Some(0xB)),
                block(0, 256, ops((32, 35), (0, 256)), Some(0xA)),
            ]
        );
    }

    #[test]
    fn tables_that_do_not_add_up_are_refused() {
        let good = payload(Order::Ascending);
        let fault = |kind, at| Err(ReadError::Format(Error::new(kind, at)));
        let altered = |at: usize, value: u8| {
            let mut bad = good.clone();
            bad[at] = value;
            blocks(&bad, Layout::Slot, 700)
        };
        assert_eq!(altered(0, 2), fault(ErrorKind::BadValue, 0));
        assert_eq!(altered(3, 1), fault(ErrorKind::BadValue, 0));
        assert_eq!(altered(7, 1), fault(ErrorKind::BadLength, 4), "an octet before the first stream");
        assert_eq!(altered(15, 4), fault(ErrorKind::BadLength, 12), "a stream that ends before it starts");
        assert_eq!(altered(15, 8), fault(ErrorKind::BadLength, 4), "a stream behind the payload");
        assert_eq!(altered(12, 0xFF), fault(ErrorKind::BadLength, 4), "an offset near the end of 32 bits");
        assert_eq!(altered(31, 6), fault(ErrorKind::BadLength, 20), "an octet behind the last stream");
        assert_eq!(
            blocks(&good, Layout::Slot, 500),
            fault(ErrorKind::BadSource, 12),
            "unchanged beyond the old image"
        );
        let past = plan(&good, Layout::Slot, 700).unwrap().block(3, &mut Alone(good.clone()));
        assert_eq!(past, Err(ReadError::Format(Error::new(ErrorKind::BadValue, 0))));
    }
}

//! What applying a package may cost, whatever it says: the bounds in the documentation of the update agent ("What a
//! package can cost at most"), written as a test.
use kedge_delta::rebuild::SAVED_MOST;
use kedge_package::{Kind, Manifest};
use kedge_update_agent::{Layout, Mode};

use super::counted::Work;

/// Octets read for each octet of payload, old and new image.
const READ: u64 = 512;
/// What the journal takes for each block and for the rest of an update: records, and sectors that are used in turn.
const RECORDS: u64 = 2;
const RECORD: u64 = 128;
/// Records beside those of blocks.
const MORE: u64 = 32;
/// Octets that a saved list and each program operation are filled up with.
const PADDING: u64 = 96;

/// What noting a verdict may cost: a few records.
pub(super) fn verdict(sector: u32) -> Work {
    Work { read: 0, written: 4 * RECORD, erased: 4 * u64::from(sector) }
}

/// The most that a device with this layout and sectors of `sector` octets does from the order on.
pub(super) fn applying(layout: &Layout, sector: u32, manifest: &Manifest<'_>) -> Work {
    let payload = &manifest.payload;
    let old = u64::from(manifest.base.map_or(0, |base| base.image.size));
    let new = u64::from(manifest.image.size);
    let block = u64::from(payload.block_size);
    let blocks = new.div_ceil(block.max(1));
    let records = RECORDS * blocks + MORE;
    let state = u64::from(payload.needs.state.next_multiple_of(sector));
    let room = match layout.mode {
        Mode::InPlace { scratch } if payload.kind == Kind::Coded => {
            u64::from(scratch.len).saturating_sub(block)
        }
        _ => 0,
    };
    let copies = if matches!(layout.mode, Mode::InPlace { .. }) { 2 } else { 1 };
    Work {
        read: READ * (old + new + u64::from(payload.size)) + records * 4096,
        written: blocks * (copies * block + state + PADDING) + SAVED_MOST * (old + new) + records * RECORD,
        erased: blocks * (copies * block + state + room) + records * u64::from(sector),
    }
}

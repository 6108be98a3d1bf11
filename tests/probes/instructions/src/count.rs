//! Instructions of what is counted apart.

use crate::board;
use core::sync::atomic::{AtomicU32, Ordering};

/// What is counted.
#[derive(Clone, Copy)]
pub enum Of {
    Hash,
    Signature,
}

static COUNTS: [AtomicU32; 2] = [const { AtomicU32::new(0) }; 2];

/// Does `work` and counts its instructions.
pub fn during<T>(of: Of, work: impl FnOnce() -> T) -> T {
    let start = board::instructions();
    let done = work();
    let count = &COUNTS[of as usize];
    let so_far = count.load(Ordering::Relaxed);
    let taken = u32::try_from(board::instructions() - start).unwrap_or(u32::MAX);
    count.store(so_far.saturating_add(taken), Ordering::Relaxed);
    done
}

/// The instructions so far.
pub fn get(of: Of) -> u32 {
    COUNTS[of as usize].load(Ordering::Relaxed)
}

/// Begins anew.
pub fn reset() {
    COUNTS.iter().for_each(|count| count.store(0, Ordering::Relaxed));
}

/// All that is counted apart so far.
pub fn apart() -> u64 {
    u64::from(get(Of::Hash)) + u64::from(get(Of::Signature))
}

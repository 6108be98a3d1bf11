//! Parts with sectors of three sizes, in the order of an STM32F4: small ones, one of half the size of the rest, large ones.
use kedge_platform::flash::{Region, Run, Sectors};
use kedge_platform_sim::nor::Nor;
use kedge_update_agent::{Layout, Mode};

use crate::update::Case;

/// Octets that half of a journal has at least.
const HALF: u32 = 1024;

/// Moves the journal of `case`, which is laid out in sectors of `large` octets, to small sectors in front of all else; returns
/// the sectors of the part.
fn move_journal(case: &mut Case, small: u32, large: u32) -> [Run; 3] {
    let (middle, half) = (large / 2, HALF.next_multiple_of(small));
    let front = (2 * half + middle).next_multiple_of(large);
    // the journal was the last region
    let count = case.layout.journal.start / large;
    let runs = [Run::new((front - middle) / small, small), Run::new(1, middle), Run::new(count, large)];
    let part = Sectors(&runs);
    let region = |start, len| part.region(start, len).expect("whole sectors");
    let moved = |old: Region| region(front + old.start, old.len);
    case.layout = Layout {
        image: moved(case.layout.image),
        mode: match case.layout.mode {
            Mode::Slot { standby } => Mode::Slot { standby: moved(standby) },
            Mode::InPlace { scratch } => Mode::InPlace { scratch: moved(scratch) },
        },
        package: moved(case.layout.package),
        journal: region(0, 2 * half),
    };
    runs
}

/// Lays `case` out on such a part, and puts its old image there.
///
/// # Panics
///
/// If the small sectors are not `SMALL`, or the case was not made for the large ones.
pub(super) fn device<const WRITE: usize, const SMALL: usize>(
    case: &mut Case,
    large: usize,
) -> Nor<WRITE, SMALL> {
    let octets = |n: usize| u32::try_from(n).expect("sectors are small");
    let runs = move_journal(case, octets(SMALL), octets(large));
    let mut flash = Nor::mixed(Sectors(&runs)).with_seed(1);
    flash.load(case.layout.image.start, &case.old).expect("whole sectors");
    flash
}

//! The matrix of power failures: every kind of flash, both layouts, every kind of image pair, the power failing at every
//! operation of the update, again in the recovery, and once more in the recovery from that.
//!
//! ```text
//!   flash (NOR, NAND) × setting (layout, content, spare) × pair (made up, cut from real firmware)  =  a scenario
//!   scenario × first cut (operation, way) [× second cut [× third cut]]                             =  a case, one number
//! ```
//! NOR comes with equal sectors and mixed ones, and with images that are kept encrypted.
//!
//! A scenario is lived through undisturbed first, which tells how many operations there are to cut. Each first cut then
//! begins a chain of up to [`DEPTH`] cases: that cut alone; the same and one drawn from the recovery; both and one drawn
//! from that recovery. All that is drawn follows from the [`Number`], so a number alone replays its case.
mod bench;
mod flash;
mod mixed;
mod number;
mod pairs;
mod scenario;
mod sweep;

pub use bench::{Bench, Prepared};
pub use flash::{FLASHES, Flash};
pub use number::{DEPTH, Number, Strike, Way};
pub use pairs::{PAIRS, Pair};
pub use scenario::{SETTINGS, Scenario};
pub use sweep::{Extent, Report, Totals, sweep};

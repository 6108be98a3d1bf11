//! The flash as a map: a cell per erase sector with its erase count, region by region.

use maud::{Markup, html};

use crate::feed::{Flash, FlashRegion};
use crate::present::text::grouped;

/// Cells of a region; above this, several sectors share one, which shows the largest count of them.
const MAX_CELLS: usize = 1024;
/// Shades of wear, the lightest for sectors never erased.
const SHADES: u64 = 5;

/// The map of all regions.
pub(super) fn map(flash: &Flash) -> Markup {
    let most = flash.wear.iter().copied().max().unwrap_or(0);
    let total: u64 = flash.wear.iter().copied().map(u64::from).sum();
    let sectors = flash.wear.len() as u64;
    html! {
        section.flash {
            h3 { "Flash" }
            p.meta {
                (grouped(sectors)) " sectors of " (grouped(flash.sector_size.into())) " octets; "
                (grouped(total)) " erases, at most " (grouped(most.into())) " of one sector"
            }
            @for region in &flash.regions { (self::region(flash, region, most)) }
        }
    }
}

fn region(flash: &Flash, region: &FlashRegion, most: u32) -> Markup {
    let sector = flash.sector_size.max(1);
    let first = usize::try_from(region.start / sector).unwrap_or(usize::MAX);
    let count = usize::try_from(region.len.div_ceil(sector)).unwrap_or(usize::MAX);
    let wear: Vec<u32> = flash.wear.iter().skip(first).take(count).copied().collect();
    let share = wear.len().div_ceil(MAX_CELLS).max(1);
    html! {
        div.region {
            h4 {
                (region.name) " "
                span.meta { (format!("{:#x}", region.start)) " + " (grouped(region.len.into())) " octets" }
            }
            @if share > 1 { p.meta { "one cell is " (share) " sectors and shows the largest count" } }
            div.cells {
                @for (place, sectors) in wear.chunks(share).enumerate() {
                    @let erases = sectors.iter().copied().max().unwrap_or(0);
                    @let at = u64::from(region.start) + (place * share) as u64 * u64::from(sector);
                    span.cell data-wear=(shade(erases, most)) title={ (format!("{at:#x}")) ": " (erases) " erases" } {
                        @if erases > 0 { (erases) }
                    }
                }
            }
        }
    }
}

/// The shade of a count, from 0 to [`SHADES`] - 1; only 0 is the lightest, and a few erases are never the darkest.
fn shade(erases: u32, most: u32) -> u64 {
    match u64::from(erases) * (SHADES - 1) {
        0 => 0,
        scaled => scaled.div_ceil(u64::from(most).max(SHADES * 2)),
    }
}

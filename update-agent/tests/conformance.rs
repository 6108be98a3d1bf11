//! A volume over NAND is a NOR flash like any other, says the conformance kit of the ports.
use kedge_platform::conformance::{Tally, nor, nor_find, nor_leave, nor_twice};
use kedge_platform::flash::Region;
use kedge_platform::nand::Geometry;
use kedge_platform_sim::nand::Nand;
use kedge_update_agent::nand::{Options, Volume};

const PAGE: usize = 2048;
const BLOCK: u32 = 64 * 2048;
/// Blocks that replace bad ones.
const RESERVE: usize = 6;
type Part<'b> = Volume<'b, Nand, { BLOCK as usize }, RESERVE>;

#[test]
fn a_volume_passes_also_over_bad_blocks_and_a_restart() {
    let geometry = Geometry { page: PAGE, spare: 64, pages_per_block: 64, blocks: 40 };
    let part = Nand::new(geometry).with_bad_block(9).with_bad_block(11);
    // in ordinary regions, and in a stream, where pieces wait in RAM for the rest of their page
    let stream = [Region::new(8 * BLOCK, 8 * BLOCK)];
    let options = Options { streams: &stream, refresh_from: 3 };
    let mut buffer = vec![0; 2 * PAGE];
    let mut volume = Part::format(part, options, &mut buffer).unwrap();
    for lent in [Region::new(0, 3 * BLOCK), Region::new(9 * BLOCK, 3 * BLOCK)] {
        let mut tally = Tally::default();
        nor(&mut volume, lent, 4, &mut tally);
        nor_twice(&mut volume, lent, 4, &mut tally);
        nor_leave(&mut volume, lent, 4, &mut tally);
        volume.flush().unwrap();
        let mut part = volume.nand().clone();
        part.power_off();
        part.power_on();
        let mut buffer = vec![0; 2 * PAGE];
        nor_find(&mut Part::mount(part, options, &mut buffer).unwrap(), lent, 4, &mut tally);
        assert_eq!((tally.found, tally.passed), (0, 11), "{}", tally.first.unwrap());
    }
}

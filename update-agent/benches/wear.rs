//! `cargo bench -p kedge-update-agent --bench wear`: what applying costs a device, and what the way back costs a package,
//! over the firmware pairs of the developer set, in place, small profile. All of it is counted on the strict flash model by
//! the device's own code; times are for the part that `Speed::TYPICAL` describes. Erases and seconds stand for a device that
//! has just the flash that the package needs, and for one with room for fifteen blocks more.

use kedge_generator::{
    Coding, Installed, Layout, Made, Release, Report, Signer, Target, Trip, create, rehearse,
};
use kedge_update_agent::Speed;

mod corpus;

use corpus::{Pair, cell, geometric_mean, pairs};

/// A sector of most NOR parts.
const BLOCK: u32 = 4096;
/// Blocks that a roomier device makes in a row besides the first.
const BESIDE: u32 = 15;
/// An image whose content is compressed changes everywhere; it would say nothing about deltas.
const COMPRESSED: &str = "zimage";

fn main() {
    // `cargo test --benches` starts this too
    if !std::env::args().any(|argument| argument == "--bench") {
        println!("skipped: only cargo bench runs this");
        return;
    }
    let Some(pairs) = pairs() else { return };
    println!(
        "{:20} {:>8} {:>8} {:>7}  {:>7} {:>7} {:>7} {:>7} {:>7} {:>7} {:>5} {:>8} {:>8} {:>7} {:>8}",
        "in place, small",
        "there",
        "back",
        "/ there",
        "change",
        "image",
        "/change",
        "all",
        "/change",
        "journal",
        "worn",
        "seconds",
        "roomy",
        "/change",
        "seconds"
    );
    let rows: Vec<Row> = pairs.iter().filter(|pair| !pair.name.contains(COMPRESSED)).map(Row::new).collect();
    let mean = |of: fn(&Row) -> f64| cell(geometric_mean(rows.iter().map(of)));
    println!(
        "{:20} {:>8} {:>8} {:>7}  {:>7} {:>7} {:>7} {:>7} {:>7} {:>7} {:>5} {:>8} {:>8} {:>7}",
        "geometric mean",
        "",
        "",
        mean(|row| row.both),
        "",
        "",
        mean(|row| row.image),
        "",
        mean(|row| row.all),
        "",
        "",
        "",
        "",
        mean(|row| row.roomy)
    );
}

/// Ratios of a pair: both deltas to the first, sectors erased to sectors that change, in the image, in all, and in all on a
/// device with more room.
struct Row {
    both: f64,
    image: f64,
    all: f64,
    roomy: f64,
}

impl Row {
    fn new(pair: &Pair) -> Self {
        let Made { package, report: Report { payload, reverse, rehearsal, .. } } = make(pair);
        let roomy = rehearse(&package, &pair.old, &pair.new, &Signer::test_key(), BESIDE);
        let roomy = roomy.expect("it works with more room too").there;
        let Trip { forecast, tally } = rehearsal.there;
        let there = payload - reverse;
        let (changed, journal) = (f64::from(rehearsal.changed), tally.journal.erases);
        let all = tally.total().erases - journal;
        let less = roomy.tally.total().erases - roomy.tally.journal.erases;
        let row = Self {
            both: ratio(payload, there),
            image: f64::from(tally.image.erases) / changed,
            all: f64::from(all) / changed,
            roomy: f64::from(less) / changed,
        };
        println!(
            "{:20} {there:>8} {reverse:>8} {:>7.3}  {:>7} {:>7} {:>7.3} {all:>7} {:>7.3} {journal:>7} {:>5} {:>8} {less:>8} {:>7.3} {:>8}",
            pair.name,
            row.both,
            rehearsal.changed,
            tally.image.erases,
            row.image,
            row.all,
            forecast.most_worn,
            forecast.micros(&Speed::TYPICAL) / 1_000_000,
            row.roomy,
            roomy.forecast.micros(&Speed::TYPICAL) / 1_000_000
        );
        row
    }
}

fn make(pair: &Pair) -> Made {
    let release = Release {
        product: "bench",
        version: "2",
        security_counter: 0,
        description: "",
        notes: "",
        image: &pair.new,
    };
    let installed = Installed { version: "1", image: &pair.old };
    let target = Target { layout: Layout::InPlace, block_size: BLOCK };
    let coding = Coding { reverse: true, ..Coding::default() };
    create(&release, &installed, target, &coding, &Signer::test_key()).expect("a package is made")
}

#[expect(clippy::cast_precision_loss, reason = "sizes are far below 2^52")]
fn ratio(part: usize, whole: usize) -> f64 {
    part as f64 / whole as f64
}

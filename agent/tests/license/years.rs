//! Ten years of devices with random power, clocks that are set to anything, and contacts now and then.

use std::time::Duration;

use kedge_agent::license::{Now, Verdict};
use kedge_platform_sim::nor::Nor;
use kedge_platform_sim::random::Seeded;
use kedge_protocol::license::verdict::Denial;
use kedge_protocol::license::{Level, License};

use super::bench::{Bench, DAY, Order, START};

/// A clock that may be wrong: its offset from the truth, or none at all.
#[derive(Clone, Copy, Debug)]
struct Rtc(Option<i64>);

impl Rtc {
    fn at(self, truth: u64) -> Option<u64> {
        self.0.map(|offset| truth.saturating_add_signed(offset))
    }

    /// Another fault, or none.
    fn drawn(noise: &mut Seeded) -> Self {
        let days = |n: usize| i64::try_from(n).expect("small") * 86_400;
        match noise.below(8) {
            0 => Self(None),
            1 => Self(Some(-days(30))),
            2 => Self(Some(days(8 * 365))),
            3 => Self(Some(days(noise.below(300)))),
            4 => Self(Some(-days(noise.below(4000)))),
            _ => Self(Some(0)),
        }
    }
}

struct Tally {
    sessions: u64,
    contacts: u64,
    wear: u32,
    saved_too_late: u64,
}

/// A leased full license for ten years. `honest`: the clock is always right.
fn lease(seed: u64, honest: bool) -> Tally {
    let mut noise = Seeded::new(seed);
    let mut bench = Bench::<4>::new(Level::Key);
    let (mut truth, mut seq, mut rtc) = (START, 0, Rtc(Some(0)));
    let (mut end, mut paid_until_contact) = (0, false);
    // powered-on seconds in which it was permitted since the last contact
    let (mut granted, mut lost) = (0_u64, 0_u64);
    let mut tally = Tally { sessions: 0, contacts: 0, wear: 0, saved_too_late: 0 };
    while truth < START + 10 * 365 * DAY {
        if !honest {
            rtc = Rtc::drawn(&mut noise);
            paid_until_contact &= matches!(rtc, Rtc(Some(0)));
        }
        bench.start(rtc.at(truth)).expect("starts");
        tally.sessions += 1;
        let session = 600 + noise.below(3 * 86_400) as u64;
        let mut uptime = 0;
        let mut last_saved = 0;
        while uptime < session {
            let now = Now { uptime: Duration::from_secs(uptime), rtc: rtc.at(truth) };
            if noise.below(40) == 0 {
                // a contact: 90 days, refreshed at 60, as the server's default lease
                seq += 1;
                let order = Order::full(seq, truth);
                let license =
                    License { refresh_at: Some(truth + 60 * DAY), grace: 7 * 86_400, ..order.license };
                end = truth + 90 * DAY;
                bench.contact(&Order { license, expires: Some(end), ..order }, now).expect("accepted");
                tally.contacts += 1;
                (granted, lost, last_saved, paid_until_contact) = (0, 0, uptime, true);
                assert!(bench.verdict(now).permits(), "one contact repairs everything: {rtc:?}");
            }
            let verdict = bench.verdict(now);
            let step = 600;
            if seq > 0 {
                if verdict.permits() {
                    granted += step;
                }
                let most = 97 * DAY + lost + step;
                assert!(granted <= most, "never more than the document says: {granted} of {most}");
                if honest || paid_until_contact {
                    let known = rtc.at(truth).is_some();
                    if known && truth < end {
                        assert!(verdict.permits(), "{verdict} {} days before the end", (end - truth) / DAY);
                    }
                    if honest && truth >= end + 7 * DAY {
                        assert_eq!(verdict, Verdict::Denied(Denial::Expired));
                    }
                }
            }
            bench.tick(now).expect("kept");
            if uptime - last_saved >= 6 * 3600 {
                last_saved = uptime;
            }
            (uptime, truth) = (uptime + step, truth + step);
        }
        // half of the time the power is pulled: what was not saved counts as lost
        if noise.below(2) == 0 {
            let now = Now { uptime: Duration::from_secs(uptime), rtc: rtc.at(truth) };
            bench.save(now).expect("kept");
        } else {
            lost += uptime - last_saved + 600;
            tally.saved_too_late += 1;
        }
        truth += 60 + noise.below(6 * 86_400) as u64;
    }
    assert!(bench.flash().misuses().is_empty());
    tally.wear = bench.flash().wear().iter().copied().max().unwrap_or_default();
    tally
}

#[test]
fn ten_years_with_a_good_clock_and_no_good_one() {
    for seed in 0..4 {
        for honest in [true, false] {
            let tally = lease(seed, honest);
            let Tally { sessions, contacts, wear, saved_too_late } = tally;
            println!(
                "seed {seed}, honest {honest}: {sessions} starts ({saved_too_late} ended by pulling the power), \
                 {contacts} contacts, at most {wear} erases of a sector"
            );
            assert!(sessions > 500 && contacts > 20);
        }
    }
}

/// A perpetual license is never denied after its one contact, whatever the clock does.
#[test]
fn what_is_paid_for_good_is_never_denied() {
    for seed in 0..4 {
        let mut noise = Seeded::new(seed + 100);
        let mut bench = Bench::<4>::new(Level::Key);
        bench.start(Some(START)).expect("starts");
        let now = Now { uptime: Duration::ZERO, rtc: Some(START) };
        bench.contact(&Order::full(1, START), now).expect("accepted");
        let mut truth = START;
        while truth < START + 10 * 365 * DAY {
            let rtc = Rtc::drawn(&mut noise);
            bench.start(rtc.at(truth)).expect("starts");
            for hour in 0..noise.below(100) as u64 {
                let now = Now { uptime: Duration::from_secs(hour * 3600), rtc: rtc.at(truth + hour * 3600) };
                assert!(bench.verdict(now).permits());
                bench.tick(now).expect("kept");
            }
            truth += noise.below(10 * 86_400) as u64;
        }
    }
}

/// Four saves and twenty starts a day, as the specification counts: how often each sector is erased in a year.
#[test]
fn wear_of_a_year() {
    for sectors in [4, 8, 32] {
        let wear = year(sectors);
        let (documents, journal) = wear.split_at(2);
        let most = journal.iter().max().copied().unwrap_or_default();
        println!(
            "{sectors} sectors, 20 starts and 4 saves a day: {documents:?} and at most {most} erases in a year"
        );
        assert!(documents.iter().all(|erases| *erases <= 1), "documents are written when they come");
        let starts = 366 * 20 / u32::try_from(journal.len()).expect("few");
        assert!(most <= starts + 2, "one for each start, shared: {wear:?}");
    }
}

fn year(sectors: usize) -> Vec<u32> {
    let mut bench = Bench::<4>::on(Nor::new(sectors), Level::Key);
    bench.start(Some(START)).expect("starts");
    let now = Now { uptime: Duration::ZERO, rtc: Some(START) };
    bench.contact(&Order::full(1, START), now).expect("accepted");
    for day in 0..365_u64 {
        for start in 0..20 {
            let truth = START + day * DAY + start * 4000;
            bench.start(Some(truth)).expect("starts");
            if start % 5 == 0 {
                let uptime = Duration::from_secs(6 * 3600);
                bench.tick(Now { uptime, rtc: Some(truth) }).expect("kept");
            }
        }
    }
    bench.flash().wear().to_vec()
}

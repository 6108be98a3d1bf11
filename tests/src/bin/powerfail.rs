//! Runs the matrix of power failures; `cargo xtask powerfail` builds and calls it.
use clap::Parser;
use kedge_tests::powerfail::{Extent, FLASHES, Number, Report, SETTINGS, Scenario, Totals, sweep};
use std::io::Write as _;
use std::process::ExitCode;
use std::time::{Duration, Instant};

/// Cuts the power at every flash operation of updates, in recoveries too, and checks that each ends well.
#[derive(Parser)]
#[command(name = "cargo xtask powerfail")]
struct Arguments {
    /// Each operation of each scenario, cut in each way
    #[arg(long, conflicts_with_all = ["cases", "replay"])]
    all: bool,
    /// About so many cases, spread evenly
    #[arg(long, value_name = "N", default_value_t = 100_000, conflicts_with = "replay")]
    cases: usize,
    /// Only on flashes whose name contains this, such as NAND
    #[arg(long, value_name = "TEXT", default_value = "", conflicts_with = "replay")]
    flash: String,
    /// Only this case
    #[arg(long, value_name = "NUMBER")]
    replay: Option<Number>,
    /// Threads
    #[arg(long, default_value_t = std::thread::available_parallelism().map_or(1, usize::from))]
    threads: usize,
}

/// Time between two lines of progress.
const PROGRESS: Duration = Duration::from_secs(5);

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    if let Some(number) = arguments.replay {
        return replay(number);
    }
    let named = |scenario: &Scenario| FLASHES[scenario.flash].name().contains(&arguments.flash);
    let scenarios: Vec<Scenario> = Scenario::all().filter(named).collect();
    let extent = if arguments.all { Extent::All } else { Extent::Cases(arguments.cases) };
    let (started, mut told) = (Instant::now(), Instant::now());
    let report = sweep(&scenarios, extent, arguments.threads, |through, report| {
        if told.elapsed() > PROGRESS {
            told = Instant::now();
            let (cases, violations) = (report.total.all(), report.total.violations);
            let rate = rate(cases, started.elapsed());
            eprintln!(
                "{through} of {} scenarios, {cases} cases, {violations} violations, {rate} cases/s",
                scenarios.len()
            );
        }
    });
    print(&report, started.elapsed(), arguments.threads);
    if report.total.violations == 0 && report.total.all() > 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn replay(number: Number) -> ExitCode {
    println!("{number}: {}", number.scenario);
    for (n, strike) in (1..).zip(number.strikes()) {
        println!("cut {n}: operation {} since the power-on, {:?}", strike.at, strike.way);
    }
    // told before it is tried, in case it does not return
    drop(std::io::stdout().flush());
    let result = match number.scenario.prepare() {
        Ok(Some(bench)) => bench.replay(number),
        Ok(None) => Err("the firmware corpus is not there".to_owned()),
        Err(what) => Err(format!("undisturbed: {what}")),
    };
    match result {
        Ok(operations) => {
            println!("ended well, after {operations} operations more");
            ExitCode::SUCCESS
        }
        Err(what) => {
            println!("VIOLATION: {what}");
            ExitCode::FAILURE
        }
    }
}

fn rate(cases: u64, time: Duration) -> u128 {
    u128::from(cases) * 1000 / time.as_millis().max(1)
}

fn print(report: &Report, time: Duration, threads: usize) {
    println!(
        "{:>9} {:>10} {:>9} {:>9} {:>9} {:>10}",
        "scenarios", "operations", "1 cut", "2 cuts", "3 cuts", "violations"
    );
    for (flash, totals) in &report.flashes {
        row(totals, &FLASHES[*flash].name());
    }
    for (setting, totals) in &report.settings {
        let (layout, content, spare, beside) = SETTINGS[*setting];
        row(totals, &format!("{layout:?}, {content:?}, {spare} spare blocks, {beside} beside"));
    }
    row(&report.total, "everything");
    for (number, what) in &report.violations {
        println!("VIOLATION {number}: {what}\n  {}", number.scenario);
    }
    if report.left_out > 0 {
        println!(
            "{} scenarios left out: no firmware corpus at ../shared/corpus/firmware beside the workspace",
            report.left_out
        );
    }
    println!(
        "power failures: {} cases, {} violations, {} s on {threads} threads, {} cases/s",
        report.total.all(),
        report.total.violations,
        time.as_secs(),
        rate(report.total.all(), time)
    );
}

fn row(totals: &Totals, name: &str) {
    let [once, twice, thrice] = totals.cases;
    println!(
        "{:>9} {:>10} {once:>9} {twice:>9} {thrice:>9} {:>10}  {name}",
        totals.scenarios, totals.operations, totals.violations
    );
}

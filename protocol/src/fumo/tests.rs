use super::*;
use std::format;
use std::string::String;
use std::vec::Vec;

const URL: &str = "https://repo.example/p";

/// A machine in `state`, with both URLs, in the middle of a DownloadAndUpdate where an operation is under way.
fn machine(state: State) -> Machine {
    let busy = matches!(state, State::DOWNLOADING | State::DOWNLOADED | State::UPDATING);
    Machine::resume(&Memo {
        state,
        operation: if busy { Operation::DownloadAndUpdate.number() } else { 0 },
        correlator: busy.then_some("c1"),
        server: "dms",
        url: URL,
    })
    .unwrap()
}

fn exec(operation: Operation) -> Event<'static> {
    Event::Exec { operation, url: URL, correlator: Some("c2"), server: "dms" }
}

const STATES: [State; 10] = [
    State::IDLE,
    State::DOWNLOAD_FAILED,
    State::DOWNLOADING,
    State::DOWNLOADED,
    State::READY,
    State::UPDATING,
    State::FAILED_WITH_DATA,
    State::FAILED,
    State::SUCCESSFUL_WITH_DATA,
    State::SUCCESSFUL,
];

/// Every state with every event: the state it leads to, or `-` where it is refused.
#[test]
fn every_pair_of_state_and_event() {
    let updated = |result, kept| Event::Updated { result, kept };
    let rows: [(&str, Event<'_>, [&str; 10]); 12] = [
        //                                           10    20    30    40    50    60    70    80    90    100
        ("url", Event::Url, ["10", "10", "-", "-", "10", "-", "10", "10", "10", "10"]),
        ("data", Event::Data, ["50", "50", "-", "-", "50", "-", "50", "50", "50", "50"]),
        ("download", exec(Operation::Download), ["30", "30", "-", "-", "-", "-", "30", "30", "30", "30"]),
        ("update", exec(Operation::Update), ["-", "-", "-", "-", "60", "-", "-", "-", "-", "-"]),
        (
            "both",
            exec(Operation::DownloadAndUpdate),
            ["30", "30", "-", "-", "60", "-", "30", "30", "30", "30"],
        ),
        ("downloaded", Event::Downloaded, ["-", "-", "40", "-", "-", "-", "-", "-", "-", "-"]),
        ("accepted", Event::Accepted, ["-", "-", "-", "60", "-", "-", "-", "-", "-", "-"]),
        (
            "failed",
            Event::DownloadFailed(ResultCode::NETWORK),
            ["-", "-", "20", "20", "-", "-", "-", "-", "-", "-"],
        ),
        (
            "done, kept",
            updated(ResultCode::SUCCESS, true),
            ["-", "-", "-", "-", "-", "90", "-", "-", "-", "-"],
        ),
        ("done", updated(ResultCode(250), false), ["-", "-", "-", "-", "-", "100", "-", "-", "-", "-"]),
        (
            "undone, kept",
            updated(ResultCode::USER_CANCELLED, true),
            ["-", "-", "-", "-", "-", "70", "-", "-", "-", "-"],
        ),
        ("clean-up", Event::CleanedUp, ["-", "10", "-", "-", "-", "-", "80", "10", "100", "10"]),
    ];
    for (name, event, expected) in rows {
        for (state, expected) in STATES.into_iter().zip(expected) {
            let mut machine = machine(state);
            let before = format!("{machine:?}");
            let taken = machine.handle(event).is_ok();
            let shown = if taken { format!("{}", machine.state().0) } else { "-".into() };
            assert_eq!(shown, expected, "{name} in {state}");
            if !taken {
                assert_eq!(format!("{machine:?}"), before, "{name} in {state}: unchanged");
            }
        }
    }
}

/// The same after a restart before each event: nothing is lost, and each operation has one result.
fn run(events: &[Event<'_>]) -> (Vec<String>, State) {
    let mut machine = Machine::IDLE;
    let mut reports = Vec::new();
    for event in events {
        let mut again = Machine::resume(&machine.memo()).unwrap();
        if let Action::Report(done) = again.handle(*event).unwrap() {
            let correlator = done.correlator.unwrap_or("none");
            let name = done.operation.node();
            reports.push(format!("{name} {} {correlator} to {} {}", done.result.0, done.server, done.mark()));
        }
        machine = again;
    }
    (reports, machine.state())
}

#[test]
fn each_operation_ends_with_one_completion() {
    let ok = Event::Updated { result: ResultCode::SUCCESS, kept: false };
    let both = [Event::Url, exec(Operation::DownloadAndUpdate), Event::Downloaded, Event::Accepted, ok];
    assert_eq!(
        run(&both),
        (std::vec!["DownloadAndUpdate 200 c2 to dms informational".into()], State::SUCCESSFUL)
    );
    let plain = |operation| Event::Exec { operation, url: URL, correlator: None, server: "s" };
    let failed = Event::Updated { result: ResultCode::UPDATE_FAILED, kept: true };
    let apart = [
        Event::Url,
        plain(Operation::Download),
        Event::Downloaded,
        Event::Accepted,
        exec(Operation::Update),
        failed,
        Event::CleanedUp,
        Event::CleanedUp,
    ];
    assert_eq!(
        run(&apart),
        (
            std::vec!["Download 200 none to s informational".into(), "Update 410 c2 to dms critical".into()],
            State::IDLE
        )
    );
    let direct = [Event::Data, exec(Operation::Update), ok];
    assert_eq!(run(&direct), (std::vec!["Update 200 c2 to dms informational".into()], State::SUCCESSFUL));
    let refused = [Event::Url, plain(Operation::Download), Event::DownloadFailed(ResultCode::USER_CANCELLED)];
    assert_eq!(run(&refused), (std::vec!["Download 401 none to s warning".into()], State::DOWNLOAD_FAILED));
}

#[test]
fn a_restart_goes_on_where_it_was() {
    for (state, pending) in [
        (State::DOWNLOADING, Action::Download(URL)),
        (State::DOWNLOADED, Action::Check),
        (State::UPDATING, Action::Update),
        (State::READY, Action::None),
        (State::FAILED_WITH_DATA, Action::None),
    ] {
        assert_eq!(machine(state).pending(), pending, "{state}");
    }
}

#[test]
fn new_work_discards_the_package_that_is_there() {
    for state in [State::READY, State::FAILED_WITH_DATA, State::SUCCESSFUL_WITH_DATA] {
        assert_eq!(machine(state).handle(Event::Url), Ok(Action::Discard), "{state}");
        assert_eq!(machine(state).handle(Event::Data), Ok(Action::None), "{state}");
    }
}

#[test]
fn refusals_have_a_status() {
    let mut machine = Machine::IDLE;
    let exec = |url, correlator| Event::Exec {
        operation: Operation::Download,
        url,
        correlator: Some(correlator),
        server: "s",
    };
    assert_eq!(machine.handle(exec("", "c")).map_err(Refused::status), Err(500));
    let long = "x".repeat(MAX_URL + 1);
    assert_eq!(machine.handle(exec(&long, "c")).map_err(Refused::status), Err(413));
    assert_eq!(machine.handle(exec(URL, &long)), Err(Refused::TooLong));
    assert_eq!(machine.state(), State::IDLE);
    let update = Event::Exec { operation: Operation::Update, url: "", correlator: None, server: "s" };
    assert_eq!(machine.handle(update).map_err(Refused::status), Err(405));
}

//! A hand-made run that has one of everything, and texts that are as hostile as a network can be.
#![allow(dead_code, reason = "each test program uses a part of it")]

use std::ffi::OsString;

use kedge::command::{Exit, Surroundings, run as run_command};
use kedge::feed::{
    Arrow, Feed, Figures, Flash, FlashRegion, FlowEnded, Lane, Level, Note, Observer, Progress,
};
use kedge::play::{Options, Play, ScenarioInfo, Verdict};

/// What a network may try to put on a page or a terminal.
pub(crate) const HOSTILE: &str =
    "</pre><script>alert('1')</script>\u{1b}[2J&\"'<img src=x onerror=alert(2)>\u{202e}";

fn arrow(at_ms: u64, from: Lane, to: Lane, step: &str, text: &str, title: &str, hex: &str) -> Feed {
    Feed::Arrow(Arrow {
        at_ms,
        from,
        to,
        step: (!step.is_empty()).then(|| step.into()),
        text: text.into(),
        title: title.into(),
        decoded: if hex.is_empty() {
            String::new()
        } else {
            format!("{} octets decoded\nline two", hex.len() / 2)
        },
        hex: hex.into(),
    })
}

/// A short activation that passes.
pub(crate) fn activation() -> Vec<Feed> {
    use Lane::{Handset, Network, User};
    vec![
        Feed::FlowStarted { name: "one-button".into(), title: "activation by one button".into(), seed: 1 },
        arrow(0, User, Handset, "1", "presses the activation button", "", ""),
        arrow(
            20,
            Handset,
            Network,
            "1",
            "asks for its settings and names its ESN",
            "GET http://boot.operator.example/iota",
            "",
        ),
        arrow(
            140,
            Network,
            Handset,
            "2",
            "sends the number assignment; its text is longer than a row of the diagram has room for",
            "200, 30 octets",
            "03016a00c50507034131000833310001",
        ),
        arrow(150, Handset, Network, "3", "accepts it", "POST /iota", "01010000"),
        arrow(300, Network, Handset, "4, 5", "sends the roaming list", "200", "080016"),
        Feed::Note(Note {
            at_ms: 310,
            lane: Handset,
            step: Some("5".into()),
            text: "number and roaming list are permanent now".into(),
        }),
        Feed::Log { at_ms: 311, level: Level::Info, text: "committed".into() },
        Feed::Log {
            at_ms: 312,
            level: Level::Warning,
            text: "the reply was lost; sending the same again".into(),
        },
        Feed::Flash(Flash {
            sector_size: 4096,
            wear: vec![3, 1, 0, 0],
            regions: vec![
                FlashRegion { name: "store".into(), start: 0, len: 8192 },
                FlashRegion { name: "package".into(), start: 8192, len: 8192 },
            ],
        }),
        Feed::FlowEnded(FlowEnded {
            name: "one-button".into(),
            passed: true,
            reason: None,
            figures: Figures { messages: 4, octets: 23, erases: 4, took_ms: 1310, more: vec![] },
            replay: "kedge simulate one-button --seed 1".into(),
        }),
    ]
}

/// An update with progress and a power cut, which fails.
pub(crate) fn update() -> Vec<Feed> {
    use Lane::{Handset, Network, Repository, UpdateAgent, User};
    let progress = |at_ms, have| {
        Feed::Progress(Progress {
            at_ms,
            task: "download".into(),
            unit: "octets".into(),
            have,
            total: 40_000,
        })
    };
    vec![
        Feed::FlowStarted {
            name: "fota-client".into(),
            title: "firmware update, chosen by the user".into(),
            seed: 1,
        },
        arrow(0, User, Handset, "1", "asks for a software update", "", ""),
        arrow(10, Handset, Repository, "5", "asks for the package", "GET /package", ""),
        progress(20, 0),
        progress(30, 9_000),
        progress(40, 12_000),
        progress(50, 40_000),
        arrow(60, Repository, Handset, "5", "sends it", "206, 40 000 octets", ""),
        arrow(70, Handset, UpdateAgent, "7", "restarts into the update agent", "", ""),
        Feed::PowerCut { at_ms: 80, operation: 123 },
        Feed::Note(Note {
            at_ms: 90,
            lane: UpdateAgent,
            step: Some("7".into()),
            text: "goes on where it stopped".into(),
        }),
        arrow(95, Network, Handset, "", HOSTILE, HOSTILE, "3c2f707265"),
        Feed::Note(Note { at_ms: 96, lane: Network, step: None, text: "counts one report".into() }),
        Feed::FlowEnded(FlowEnded {
            name: "fota-client".into(),
            passed: false,
            reason: Some("the new image does not start".into()),
            figures: Figures {
                messages: 3,
                octets: 1_234_567,
                erases: 20,
                took_ms: 61_005,
                more: vec![("power-cut cases".into(), "1".into())],
            },
            replay: "kedge simulate fota-client --seed 1 --power-cut 123".into(),
        }),
    ]
}

/// Everything, in the order of a run.
pub(crate) fn run() -> Vec<Feed> {
    [activation(), update()].concat()
}

/// Plays the two, and one that cannot be played.
pub(crate) struct Player;

impl Play for Player {
    fn scenarios(&self) -> Vec<ScenarioInfo> {
        let scenario = |name: &str, title: &str, by_default| ScenarioInfo {
            name: name.into(),
            title: title.into(),
            flow: name.into(),
            by_default,
        };
        vec![
            scenario("one-button", "activation by one button", true),
            scenario("fota-client", "firmware update, chosen by the user", false),
            scenario("unplayable", "needs what is not there", false),
        ]
    }

    fn play(&self, name: &str, _: &Options, observer: &mut dyn Observer) -> anyhow::Result<Verdict> {
        let feeds = match name {
            "one-button" => activation(),
            "fota-client" => update(),
            _ => anyhow::bail!("there is no radio"),
        };
        for feed in &feeds {
            observer.feed(feed);
        }
        let passed = name == "one-button";
        Ok(Verdict { passed, reason: None })
    }
}

/// What a command answered.
pub(crate) struct Answer {
    pub(crate) exit: Exit,
    pub(crate) out: String,
    pub(crate) err: String,
}

/// Runs the command with the flows of [`Player`].
pub(crate) fn kedge(arguments: &[&str]) -> Answer {
    let (mut out, mut err) = (Vec::new(), Vec::new());
    let mut surroundings = Surroundings { out: &mut out, err: &mut err, term: None, colour: false };
    let arguments = std::iter::once("kedge").chain(arguments.iter().copied()).map(OsString::from);
    let exit = run_command(arguments, &Player, &mut surroundings);
    Answer { exit, out: String::from_utf8(out).unwrap(), err: String::from_utf8(err).unwrap() }
}

/// Compares with the file `tests/golden/NAME`; with the environment variable `KEDGE_BLESS` set, writes it instead.
pub(crate) fn golden(name: &str, text: &str) {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden").join(name);
    if std::env::var_os("KEDGE_BLESS").is_some() {
        std::fs::write(&path, text).unwrap();
    }
    let expected = std::fs::read_to_string(&path).unwrap();
    assert!(text == expected, "{name} differs; is now:\n{text}");
}

use super::*;
use crate::dlota::Failure;
use crate::dm::objects::tests::{Ram, text};
use crate::dm::{Caller, Chunk, New, Object, Tree, UriLimits};
use crate::fumo::{self, Refused};
use crate::syncml::Code;
use std::format;
use std::string::{String, ToString as _};
use std::vec::Vec;

const URL: &str = "https://repo.example/p";
const SERVER: Caller<'_> = Caller::Server("dms");

/// A device's packages in RAM.
#[derive(Default)]
struct Packages {
    stored: Vec<(String, Vec<u8>)>,
    kept: Option<(u8, u8, String)>,
}

impl Port for Packages {
    fn store(&mut self, name: &str, chunk: &Chunk<'_>) -> Result<(), Code> {
        if chunk.octets == b"bad" {
            return Err(Code::UNSUPPORTED_FORMAT);
        }
        self.stored.push((name.to_string(), chunk.octets.to_vec()));
        Ok(())
    }

    fn keep(&mut self, memo: &Memo<'_>) -> Result<(), Code> {
        self.kept = Some((memo.operation, memo.step, memo.name.to_string()));
        Ok(())
    }
}

/// What of a device stays over a restart.
#[derive(Default)]
struct Device {
    store: Ram,
    machine: Machine,
    packages: Packages,
}

impl Device {
    /// A device on which everybody may do everything.
    fn new() -> Self {
        let mut device = Self::default();
        device.with_tree(|tree| {
            let all = New::value(b"Add=*&Delete=*&Exec=*&Get=*&Replace=*");
            tree.replace(Caller::Device, ".?prop=ACL", &all).unwrap();
        });
        device
    }

    fn with_tree<T>(&mut self, work: impl FnOnce(&mut Tree<'_, '_>) -> T) -> T {
        // A restart lies between each two uses.
        self.machine = Machine::resume(&self.machine.memo()).unwrap();
        let mut staged = Staged::NOTHING;
        let mut scomo = Scomo::new(&mut self.machine, &mut staged, &mut self.packages);
        let mut objects: [&mut dyn Object; 1] = [&mut scomo];
        let mut image = [0; 4096];
        let mut tree = Tree::open(&mut image, &mut objects, &mut self.store, UriLimits::OWN).unwrap();
        let result = work(&mut tree);
        tree.commit().unwrap();
        result
    }

    /// A server offers package `x`.
    fn offer(&mut self) {
        self.with_tree(|tree| {
            tree.add(SERVER, "./SCOMO/Download/x", &New::INTERIOR).unwrap();
            for (leaf, value) in [("PkgID", "pkg<1>"), ("Name", "Lamp"), ("Version", "2"), ("PkgURL", URL)] {
                tree.replace(SERVER, &format!("./SCOMO/Download/x/{leaf}"), &New::value(value.as_bytes()))
                    .unwrap();
            }
        });
    }

    fn exec(&mut self, operation: Operation) -> Result<Code, Code> {
        let uri = format!("./{}/x/Operations/{}", operation.folder().path(), operation.node());
        self.with_tree(|tree| tree.exec(SERVER, &uri, &New::default(), Some("c1")))
    }

    /// Something happens; the completion is recorded, twice, as after a power cut.
    fn happens(&mut self, event: Event<'_>) -> Option<Completion> {
        let Action::Report(done) = self.machine.handle(event).unwrap() else { return None };
        for _ in 0..2 {
            self.with_tree(|tree| record(tree, &done).unwrap());
        }
        Some(done)
    }

    /// Statuses and states: of the download, of the package, of the component; `-` for what is not there.
    fn shown(&mut self) -> String {
        self.with_tree(|tree| {
            let mut number = |path: &str| {
                let told = text(tree, &format!("./SCOMO/{path}"));
                if told == "404" { "-".into() } else { told }
            };
            [
                number("Download/x/Status"),
                number("Inventory/Delivered/x/Status"),
                number("Inventory/Delivered/x/State"),
                number("Inventory/Deployed/x/Status"),
                number("Inventory/Deployed/x/State"),
            ]
            .join(" ")
        })
    }
}

#[test]
fn a_package_is_fetched_installed_and_its_component_managed() {
    let mut device = Device::new();
    device.offer();
    assert_eq!(device.shown(), "10 - - - -");
    assert_eq!(device.exec(Operation::Download), Ok(Code::ACCEPTED));
    assert_eq!(device.machine.pending(), Action::Download(URL));
    assert_eq!(device.shown(), "30 - - - -");
    assert_eq!(device.happens(Event::Downloaded), None);
    assert_eq!(device.shown(), "40 - - - -");
    let done = device.happens(Event::Accepted).unwrap();
    assert_eq!((done.result, done.correlator(), done.server()), (ResultCode::SUCCESS, Some("c1"), "dms"));
    assert_eq!(device.shown(), "40 10 10 - -");
    for (operation, during, after) in [
        (Operation::InstallInactive, "40 40 10 - -", "40 10 20 10 10"),
        (Operation::Activate, "40 10 20 50 10", "40 10 20 10 20"),
        (Operation::Deactivate, "40 10 20 70 20", "40 10 20 10 10"),
        (Operation::RemoveComponent, "40 10 20 30 10", "40 10 10 - -"),
        (Operation::Install, "40 40 10 - -", "40 10 20 10 20"),
        (Operation::RemovePackage, "40 30 20 10 20", "10 - - 10 20"),
    ] {
        assert_eq!(device.exec(operation), Ok(Code::ACCEPTED), "{operation:?}");
        assert_eq!(device.machine.pending(), Action::Do(operation, "x"));
        assert_eq!(device.shown(), during, "during {operation:?}");
        let done = device.happens(Event::Done).unwrap();
        assert_eq!((done.operation, done.result), (operation, ResultCode::SUCCESS));
        assert_eq!(device.shown(), after, "after {operation:?}");
        assert_eq!(device.machine.pending(), Action::None);
    }
    device.with_tree(|tree| {
        assert_eq!(text(tree, "./SCOMO/Inventory/Deployed/x/ID"), "pkg<1>");
        assert_eq!(text(tree, "./SCOMO/Inventory/Deployed/x/Version"), "2");
    });
}

#[test]
fn both_ways_to_fetch_and_install_at_once() {
    for (operation, after) in [
        (Operation::DownloadInstall, "40 10 20 10 20"),
        (Operation::DownloadInstallInactive, "40 10 20 10 10"),
    ] {
        let mut device = Device::new();
        device.offer();
        device.exec(operation).unwrap();
        device.happens(Event::Downloaded);
        assert_eq!(device.happens(Event::Accepted), None);
        assert_eq!(device.shown(), "50 - - - -");
        assert!(device.happens(Event::Done).is_some());
        assert_eq!(device.shown(), after);
    }
}

#[test]
fn every_operation_can_fail_and_says_where() {
    let failed = |result, kept| Event::Failed { result, kept };
    let mut device = Device::new();
    device.offer();
    device.exec(Operation::DownloadInstall).unwrap();
    device.happens(failed(download_failed(Failure::LinkDown), false)).unwrap();
    assert_eq!(device.shown(), "20 - - - -");
    for (kept, shown) in [(false, "70 - - - -"), (true, "60 10 10 - -")] {
        device.exec(Operation::DownloadInstall).unwrap();
        device.happens(Event::Downloaded);
        device.happens(Event::Accepted);
        let done = device.happens(failed(installed(fumo::ResultCode::UPDATE_FAILED), kept)).unwrap();
        assert_eq!((done.result, done.mark()), (ResultCode::INSTALL_FAILED, "critical"));
        assert_eq!(device.shown(), shown);
    }
    for (kept, shown) in [(true, "60 50 10 - -"), (false, "60 70 10 - -")] {
        device.exec(Operation::Install).unwrap();
        device.happens(failed(ResultCode::NO_ROOM_TO_INSTALL, kept)).unwrap();
        assert_eq!(device.shown(), shown);
    }
    device.exec(Operation::InstallInactive).unwrap();
    device.happens(Event::Done).unwrap();
    for (operation, shown) in [
        (Operation::RemovePackage, "60 20 20 10 10"),
        (Operation::Activate, "60 20 20 40 10"),
        (Operation::RemoveComponent, "60 20 20 20 10"),
    ] {
        device.exec(operation).unwrap();
        device.happens(failed(ResultCode::UNDEFINED, true)).unwrap();
        assert_eq!(device.shown(), shown, "{operation:?}");
    }
    device.exec(Operation::Activate).unwrap();
    device.happens(Event::Done).unwrap();
    device.exec(Operation::Deactivate).unwrap();
    let done = device.happens(failed(ResultCode::USER_CANCELLED, true)).unwrap();
    assert_eq!((device.shown().as_str(), done.mark()), ("60 20 20 60 20", "warning"));
}

/// Every operation with the machine in every step, and every event: taken, or refused without a change.
#[test]
fn every_pair_of_step_and_event() {
    let machine = |operation: Operation, step: Step| {
        let memo = Memo {
            operation: operation.number(),
            step: step.number(),
            name: "x",
            url: URL,
            ..Memo::default()
        };
        Machine::resume(&memo).unwrap()
    };
    let exec = Event::Exec {
        operation: Operation::Install,
        name: "x",
        id: "",
        url: "",
        correlator: None,
        server: "s",
    };
    let failed = Event::Failed { result: ResultCode::UNDEFINED, kept: false };
    let rows = [
        (exec, [false, false, false, true]),
        (Event::Downloaded, [true, false, false, false]),
        (Event::Accepted, [false, true, false, false]),
        (Event::Done, [false, false, true, false]),
        (failed, [true, true, true, false]),
        // A failure that says that all went well is none.
        (Event::Failed { result: ResultCode::SUCCESS, kept: true }, [false; 4]),
    ];
    for operation in Operation::ALL {
        for (event, taken) in rows {
            let steps = [Step::Downloading, Step::Checking, Step::Working, Step::Over];
            for (step, taken) in steps.into_iter().zip(taken) {
                let mut machine = machine(operation, step);
                let before = format!("{machine:?}");
                assert_eq!(machine.handle(event).is_ok(), taken, "{operation:?} {step:?} {event:?}");
                assert!(taken || format!("{machine:?}") == before, "{operation:?} {step:?} {event:?}");
            }
        }
    }
    assert_eq!((Operation::from_number(0), Operation::from_number(10)), (None, None));
    assert_eq!(
        Operation::ALL.map(|operation| Operation::from_number(operation.number())),
        Operation::ALL.map(Some)
    );
}

#[test]
fn what_makes_no_sense_is_refused() {
    let mut device = Device::new();
    device.offer();
    device.with_tree(|tree| {
        for (uri, code) in [
            ("./SCOMO/Download/x/Operations", Code::NOT_ALLOWED),
            ("./SCOMO/Download/x/Operations/Remove", Code::NOT_FOUND),
            ("./SCOMO/Download/y/Operations/Download", Code::NOT_FOUND),
            ("./SCOMO/Inventory/Deployed/x/Operations/Activate", Code::NOT_FOUND),
        ] {
            assert_eq!(tree.exec(SERVER, uri, &New::default(), None), Err(code), "{uri}");
        }
        let empty = New::value(b"");
        tree.replace(SERVER, "./SCOMO/Download/x/PkgURL", &empty).unwrap();
        let exec = tree.exec(SERVER, "./SCOMO/Download/x/Operations/Download", &New::default(), None);
        assert_eq!(exec, Err(Code::FAILED), "no URL");
        tree.roll_back().unwrap();
        assert_eq!(tree.replace(SERVER, "./SCOMO/Download/x/Status", &empty), Err(Code::NOT_ALLOWED));
        assert_eq!(tree.add(SERVER, "./SCOMO/Inventory/Deployed/y", &New::INTERIOR), Err(Code::NOT_ALLOWED));
    });
    device.exec(Operation::Download).unwrap();
    assert_eq!(device.packages.kept, Some((1, 1, "x".into())));
    assert_eq!(device.exec(Operation::DownloadInstall), Err(Code::NOT_ALLOWED), "one at a time");
    device.with_tree(|tree| {
        let other = New::value(b"other");
        assert_eq!(tree.replace(SERVER, "./SCOMO/Download/x/PkgURL", &other), Err(Code::FORBIDDEN), "in use");
    });
    let long = "x".repeat(fumo::MAX_CORRELATOR + 1);
    let event = Event::Exec {
        operation: Operation::Install,
        name: "x",
        id: "",
        url: "",
        correlator: Some(&long),
        server: "",
    };
    let mut machine = Machine::IDLE;
    assert_eq!(machine.handle(event), Err(Refused::TooLong));
}

#[test]
fn an_exec_that_is_rolled_back_has_not_begun() {
    let mut device = Device::new();
    device.offer();
    device.with_tree(|tree| {
        let uri = "./SCOMO/Download/x/Operations/Download";
        assert_eq!(tree.exec(SERVER, uri, &New::default(), None), Ok(Code::ACCEPTED));
        tree.roll_back().unwrap();
    });
    assert_eq!((device.machine.pending(), &device.packages.kept), (Action::None, &None));
}

#[test]
fn a_package_may_come_in_the_tree() {
    let mut device = Device::new();
    device.with_tree(|tree| {
        tree.add(SERVER, "./SCOMO/Inventory/Delivered/x", &New::INTERIOR).unwrap();
        let data = "./SCOMO/Inventory/Delivered/x/Data";
        assert_eq!(tree.replace(SERVER, data, &New::value(b"bad")), Err(Code::UNSUPPORTED_FORMAT));
        tree.replace(SERVER, data, &New::value(b"package")).unwrap();
        assert_eq!(text(tree, data), "405", "it cannot be read");
        assert_eq!(tree.delete(SERVER, "./SCOMO/Inventory/Delivered/x"), Err(Code::NOT_ALLOWED));
    });
    assert_eq!(device.packages.stored, [("x".to_string(), b"package".to_vec())]);
    device.exec(Operation::Install).unwrap();
    device.with_tree(|tree| {
        let data = "./SCOMO/Inventory/Delivered/x/Data";
        assert_eq!(tree.replace(SERVER, data, &New::value(b"p")), Err(Code::NOT_ALLOWED));
    });
    device.happens(Event::Done).unwrap();
    assert_eq!(device.shown(), "- 10 20 10 20");
}

#[test]
fn the_alert_tells_node_result_and_identifier() {
    let mut device = Device::new();
    device.offer();
    device.exec(Operation::Download).unwrap();
    device.happens(Event::Downloaded);
    let done = device.happens(Event::Accepted).unwrap();
    assert_eq!(done.source(&mut [0; Completion::SOURCE]), Some("./SCOMO/Download/x/Operations/Download"));
    assert_eq!(
        done.data(&mut [0; Completion::DATA]),
        Some("<ResultCode>1200</ResultCode><Identifier>pkg&lt;1&gt;</Identifier>")
    );
    assert_eq!((done.mark(), done.data(&mut [0; 20])), ("informational", None));
}

//! An A/B Linux device from the finished image to the report: the update agent's journal, the hook, and a boot loader that
//! keeps its record in a file and falls back after one start.
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use kedge_generator::Layout;
use kedge_platform::loader::Loader;
use kedge_platform_linux::handover::Hook;
use kedge_platform_sim::nor::Nor;
use kedge_tests::update::{Case, Content, TRIAL_ATTEMPTS, image_pair};
use kedge_update_agent::handover::{Next, Runs};
use kedge_update_agent::{Job, Progress, Slot, Update, UpdateResult};

type Flash = Nor<8, 256>;

/// What an OEM's program may look like: the record is one word in a file.
const HOOK: &str = "#!/bin/sh
case $1 in
status) echo \"standing=$(cat \"$RECORD\")\" ;;
stage) [ \"$KEDGE_SLOT\" = B ] && echo pending >\"$RECORD\" ;;
confirm | reject) echo \"$1\" >>\"$RECORD.told\"; echo settled >\"$RECORD\" ;;
esac
";

struct Machine {
    directory: PathBuf,
    runs: Runs,
}

impl Machine {
    fn new(name: &str) -> Self {
        let directory = std::env::temp_dir().join(format!("kedge-ab-{name}-{}", std::process::id()));
        fs::create_dir_all(&directory).unwrap();
        fs::write(directory.join("hook"), HOOK).unwrap();
        fs::set_permissions(directory.join("hook"), fs::Permissions::from_mode(0o755)).unwrap();
        fs::write(directory.join("record"), "settled").unwrap();
        Self { directory, runs: Runs::Old }
    }

    fn record(&self) -> PathBuf {
        self.directory.join("record")
    }

    fn hook(&self) -> Hook {
        // started through the shell: nothing here depends on when the file was last written
        Hook::new(Path::new("/bin/sh"), "B", Duration::from_secs(20))
            .unwrap()
            .arg(self.directory.join("hook"))
            .env("RECORD", self.record())
    }

    /// The boot loader: what is pending gets one start, what was on trial and not confirmed goes.
    fn restart(&mut self) {
        let (runs, record) = match fs::read_to_string(self.record()).unwrap().trim() {
            "pending" => (Runs::New, "on-trial"),
            "on-trial" => (Runs::Old, "settled"),
            _ => (self.runs, "settled"),
        };
        self.runs = runs;
        fs::write(self.record(), record).unwrap();
    }
}

impl Drop for Machine {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.directory);
    }
}

/// A device whose new image stands complete in the other slot.
fn applied(case: &Case) -> Flash {
    let mut flash: Flash = case.device(1);
    let mut update = Update::mount(&mut flash, case.layout).unwrap();
    case.receive(&mut update, &mut flash, 1000).unwrap();
    assert_eq!(case.apply(&mut update, &mut flash), Ok(Progress::Complete));
    flash
}

fn case() -> Case {
    let (old, new) = image_pair(1200, 256, 11);
    Case::new(&old, &new, Content::Full, Layout::Slot, 256, 256)
}

#[test]
fn a_healthy_image_is_staged_tried_and_kept() {
    let case = case();
    let mut flash = applied(&case);
    let mut machine = Machine::new("healthy");
    let mut hook = machine.hook();
    let mut update = Update::mount(&mut flash, case.layout).unwrap();
    assert_eq!(update.follow(&mut flash, &mut hook, machine.runs), Ok(Next::Restart));
    machine.restart();
    assert_eq!(machine.runs, Runs::New);
    let mut update = Update::mount(&mut flash, case.layout).unwrap();
    assert_eq!(update.follow(&mut flash, &mut hook, machine.runs), Ok(Next::Prove));
    update.prove(&mut flash, &mut hook).unwrap();
    assert_eq!(update.outcome().map(|outcome| outcome.result), Some(UpdateResult::Installed));
    assert_eq!((update.active(), update.security_counter()), (Slot::Second, 2));
    machine.restart();
    assert_eq!(machine.runs, Runs::New);
    assert_eq!(fs::read_to_string(machine.directory.join("record.told")).unwrap(), "confirm\n");
}

#[test]
fn a_sick_image_is_tried_as_often_as_it_may_and_rolled_back() {
    let case = case();
    let mut flash = applied(&case);
    let mut machine = Machine::new("sick");
    let mut hook = machine.hook();
    let mut tries = 0;
    let update = loop {
        let mut update = Update::mount(&mut flash, case.layout).unwrap();
        match update.follow(&mut flash, &mut hook, machine.runs).unwrap() {
            Next::Run => break update,
            Next::Restart => {}
            Next::Prove => {
                tries += 1;
                hook.reject(&mut flash).unwrap();
                machine.runs = Runs::Old;
            }
            Next::Update => panic!("the image is made"),
        }
        machine.restart();
    };
    assert_eq!(tries, TRIAL_ATTEMPTS);
    assert_eq!(update.outcome().map(|outcome| outcome.result), Some(UpdateResult::RolledBack));
    assert_eq!((update.active(), update.security_counter(), update.job()), (Slot::First, 0, Job::Idle));
}

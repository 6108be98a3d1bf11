//! The Linux hook: the contract, what happens when a hook does not keep it, and the two hooks that come with it, against
//! stand-ins for `rauc`, `fw_printenv` and `fw_setenv` that keep their state in files.
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use kedge_platform::loader::{Loader, Standing};
use kedge_platform_linux::handover::{Hook, HookError};

/// One test at a time: a program that another thread's fork still holds open for writing cannot be started.
static TURN: Mutex<()> = Mutex::new(());

/// A directory of its own, removed at the end.
struct Directory(PathBuf, #[expect(dead_code, reason = "held")] MutexGuard<'static, ()>);

impl Directory {
    fn new(name: &str) -> Self {
        let turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
        let path = std::env::temp_dir().join(format!("kedge-hook-{name}-{}", std::process::id()));
        let _ = fs::remove_dir_all(&path);
        fs::create_dir_all(&path).unwrap();
        Self(path, turn)
    }

    fn script(&self, name: &str, text: &str) -> PathBuf {
        let path = self.0.join(name);
        fs::write(&path, format!("#!/bin/sh\n{text}")).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
        path
    }

    fn read(&self, name: &str) -> String {
        fs::read_to_string(self.0.join(name)).unwrap()
    }
}

impl Drop for Directory {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

const TIME: Duration = Duration::from_secs(20);

fn hook(program: &Path) -> Hook {
    Hook::new(program, "B", TIME).unwrap()
}

fn standing(hook: &mut Hook) -> Result<Standing, HookError> {
    hook.standing(&mut ())
}

#[test]
fn a_hook_gets_the_verb_and_nothing_it_was_not_given() {
    let directory = Directory::new("contract");
    let log = directory.0.join("log");
    let text =
        "{ pwd; echo \"$#:$*\"; env | grep -v -e ^PWD= -e ^_= -e ^SHLVL= -e ^OLDPWD= | sort; } >>\"$LOG\"";
    let program = directory.script("hook", text);
    let mut hook = hook(&program).arg("a b; $(exit 3)").env("LOG", &log).env("LC_ALL", "POSIX");
    hook.confirm(&mut (), true).unwrap();
    let expected = format!(
        "/\n2:a b; $(exit 3) confirm\nKEDGE_AGAIN=1\nKEDGE_HOOK=1\nKEDGE_SLOT=B\nLC_ALL=POSIX\nLOG={}\n\
         PATH=/usr/sbin:/usr/bin:/sbin:/bin\n",
        log.display()
    );
    assert_eq!(directory.read("log"), expected);
    fs::remove_file(&log).unwrap();
    hook.stage(&mut ()).unwrap();
    hook.reject(&mut ()).unwrap();
    let log = directory.read("log");
    assert!(log.contains(" stage\nKEDGE_AGAIN=0\n") && log.contains(" reject\n"), "{log}");
}

#[test]
fn slots_have_plain_names() {
    for bad in ["", "a b", "a;b", "$(x)", "a\nb", "ä", "a/b", "a=b", &"x".repeat(65)] {
        assert_eq!(Hook::new("/bin/true", bad, TIME).unwrap_err(), HookError::SlotName, "{bad:?}");
    }
    for good in ["A", "rootfs.1", "system_b", "-1", &"x".repeat(64)] {
        assert!(Hook::new("/bin/true", good, TIME).is_ok(), "{good:?}");
    }
}

#[test]
fn the_standing_is_told_on_one_line() {
    let directory = Directory::new("standing");
    let told = |printed: &str| standing(&mut hook(&directory.script("hook", &format!("printf '{printed}'"))));
    assert_eq!(told("standing=settled\\n"), Ok(Standing::Settled));
    assert_eq!(told("running=A\\nstanding=pending\\nnote=x"), Ok(Standing::Pending));
    assert_eq!(told("standing=on-trial"), Ok(Standing::OnTrial));
    for unclear in
        ["", "standing=", "standing=on trial", "standing=settled\\nstanding=pending\\n", " standing=settled"]
    {
        assert_eq!(told(unclear), Err(HookError::Unclear), "{unclear:?}");
    }
}

#[test]
fn a_hook_that_fails_is_told_by_how() {
    let directory = Directory::new("failing");
    let run = |text: &str| standing(&mut hook(&directory.script("hook", text)));
    assert_eq!(run("echo standing=settled; echo it broke >&2; exit 3"), Err(HookError::Exit(3)));
    assert_eq!(run("kill -TERM $$"), Err(HookError::Signal(15)));
    assert_eq!(run("head -c 5000 /dev/zero; echo standing=settled"), Err(HookError::TooLong));
    let missing = standing(&mut hook(&directory.0.join("none")));
    assert_eq!(missing, Err(HookError::Start(std::io::ErrorKind::NotFound)));
    fs::write(directory.0.join("plain"), "text").unwrap();
    let plain = standing(&mut hook(&directory.0.join("plain")));
    assert_eq!(plain, Err(HookError::Start(std::io::ErrorKind::PermissionDenied)));
}

#[test]
fn a_hook_that_hangs_is_ended_with_all_that_it_started() {
    let directory = Directory::new("hanging");
    let begun = Instant::now();
    // the second one ends at once, but leaves somebody behind who holds its output
    for text in ["sleep 60 & echo $! >\"$CHILD\"; wait", "sleep 60 & echo $! >\"$CHILD\""] {
        let program = directory.script("hook", text);
        let hook = Hook::new(&program, "B", Duration::from_millis(300)).unwrap();
        let mut hook = hook.env("CHILD", directory.0.join("child"));
        assert_eq!(standing(&mut hook), Err(HookError::TimedOut));
        let child = directory.read("child");
        let gone = || match fs::read_to_string(format!("/proc/{}/stat", child.trim())) {
            Ok(stat) => stat.contains(") Z "),
            Err(_) => true,
        };
        let patience = Instant::now() + Duration::from_secs(10);
        while !gone() {
            assert!(Instant::now() < patience, "process {child} lives on");
            std::thread::sleep(Duration::from_millis(5));
        }
    }
    assert!(begun.elapsed() < Duration::from_secs(30));
}

fn shipped(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("handover").join(name)
}

/// A hook that comes with the crate, which finds the stand-ins in `directory` before the system's programs.
fn shipped_hook(directory: &Directory, name: &str) -> Hook {
    hook(&shipped(name)).env("PATH", format!("{}:/usr/bin:/bin", directory.0.display()))
}

/// `rauc` for slots A and B; `booted` and `primary` are files with boot names.
const RAUC: &str = r#"
cd "$(dirname "$0")"
other() { if [ "$1" = A ]; then echo B; else echo A; fi; }
echo "$*" >>calls
which=$(cat booted)
[ "${3:-}" != other ] || which=$(other "$which")
case $1-$2 in
status---output-format=shell)
    name=rootfs.0; [ "$(cat primary)" = A ] || name=rootfs.1
    echo "RAUC_SYSTEM_BOOTED_BOOTNAME='$(cat booted)'"
    echo "RAUC_BOOT_PRIMARY='$name'"
    echo "RAUC_SYSTEM_SLOTS='rootfs.1 boot.0 rootfs.0'"
    echo "RAUC_SLOTS='1 2 3'"
    echo "RAUC_SLOT_BOOTNAME_1='B'"
    echo "RAUC_SLOT_BOOTNAME_2=''"
    echo "RAUC_SLOT_BOOTNAME_3='A'"
    ;;
status-mark-active) echo "$which" >primary ;;
status-mark-good) ;;
status-mark-bad) ;;
*) exit 1 ;;
esac
"#;

fn rauc() -> (Directory, Hook) {
    let directory = Directory::new("rauc");
    directory.script("rauc", RAUC);
    fs::write(directory.0.join("booted"), "A\n").unwrap();
    fs::write(directory.0.join("primary"), "A\n").unwrap();
    let hook = shipped_hook(&directory, "rauc.sh").env("KEDGE_STATE", directory.0.join("state"));
    (directory, hook)
}

#[test]
fn rauc_takes_a_slot_on_trial_and_keeps_it() {
    let (directory, mut hook) = rauc();
    assert_eq!(standing(&mut hook), Ok(Standing::Settled));
    hook.stage(&mut ()).unwrap();
    hook.stage(&mut ()).unwrap();
    assert_eq!(standing(&mut hook), Ok(Standing::Pending));
    fs::write(directory.0.join("booted"), "B\n").unwrap();
    assert_eq!(standing(&mut hook), Ok(Standing::OnTrial));
    assert_eq!(hook.stage(&mut ()), Err(HookError::Exit(1)), "the slot runs");
    hook.confirm(&mut (), false).unwrap();
    hook.confirm(&mut (), true).unwrap();
    assert_eq!(standing(&mut hook), Ok(Standing::Settled));
    assert_eq!(directory.read("primary"), "B\n");
    assert!(directory.read("calls").contains("status mark-good booted\n"));
}

#[test]
fn rauc_goes_back_when_told_and_when_its_loader_did() {
    let (directory, mut hook) = rauc();
    hook.stage(&mut ()).unwrap();
    fs::write(directory.0.join("booted"), "B\n").unwrap();
    hook.reject(&mut ()).unwrap();
    assert_eq!(directory.read("primary"), "A\n");
    fs::write(directory.0.join("booted"), "A\n").unwrap();
    assert_eq!(standing(&mut hook), Ok(Standing::Settled));
    // the loader fell back by itself: A runs and is the next one again
    hook.stage(&mut ()).unwrap();
    fs::write(directory.0.join("primary"), "A\n").unwrap();
    assert_eq!(standing(&mut hook), Ok(Standing::Settled));
    fs::write(directory.0.join("booted"), "\n").unwrap();
    assert_eq!(standing(&mut hook), Err(HookError::Exit(1)));
}

#[test]
fn a_cut_between_the_trial_file_and_rauc_changes_nothing() {
    let (directory, mut hook) = rauc();
    hook.stage(&mut ()).unwrap();
    fs::write(directory.0.join("primary"), "A\n").unwrap();
    assert_eq!(standing(&mut hook), Ok(Standing::Settled), "RAUC was not told yet");
    hook.stage(&mut ()).unwrap();
    fs::write(directory.0.join("booted"), "B\n").unwrap();
    let trial = directory.read("state/trial");
    hook.confirm(&mut (), false).unwrap();
    fs::write(directory.0.join("state/trial"), trial).unwrap();
    assert_eq!(standing(&mut hook), Ok(Standing::OnTrial), "told, but the file was not removed yet");
    hook.confirm(&mut (), true).unwrap();
    assert_eq!(standing(&mut hook), Ok(Standing::Settled));
}

/// `fw_printenv -n NAME` and `fw_setenv -s -`, the environment being a file of lines "name value".
const FW_PRINTENV: &str = r#"
cd "$(dirname "$0")"
[ "$1" = -n ] && grep -q "^$2 " environment && sed -n "s/^$2 //p" environment
"#;
const FW_SETENV: &str = r#"
cd "$(dirname "$0")"
[ "$1-$2" = -s-- ] || exit 1
cp environment new
while read -r name value; do
    grep -v "^$name " new >newer || true
    echo "$name $value" >>newer
    mv newer new
done
mv new environment
echo write >>writes
"#;

#[test]
fn a_uboot_environment_takes_a_slot_on_trial() {
    let directory = Directory::new("uboot");
    directory.script("fw_printenv", FW_PRINTENV);
    directory.script("fw_setenv", FW_SETENV);
    fs::write(directory.0.join("environment"), "boot_slot A\nbootlimit 3\n").unwrap();
    let base = shipped_hook(&directory, "uboot-env.sh");
    let on = |slot: &str| base.clone().env("KEDGE_RUNNING", slot).env("KEDGE_USTATE", "1");
    assert_eq!(standing(&mut on("A")), Ok(Standing::Settled));
    assert_eq!(on("A").reject(&mut ()), Err(HookError::Exit(1)), "nowhere to go back to");
    on("A").stage(&mut ()).unwrap();
    assert_eq!(directory.read("writes").lines().count(), 1, "one write for one decision");
    let environment = directory.read("environment");
    for line in ["boot_slot B", "upgrade_available 1", "bootcount 0", "ustate 1", "bootlimit 3"] {
        assert!(environment.lines().any(|found| found == line), "{line} is not in {environment}");
    }
    assert_eq!(standing(&mut on("A")), Ok(Standing::Pending));
    assert_eq!(standing(&mut on("B")), Ok(Standing::OnTrial));
    assert_eq!(on("B").stage(&mut ()), Err(HookError::Exit(1)), "the slot runs");
    on("B").reject(&mut ()).unwrap();
    assert!(directory.read("environment").contains("boot_slot A\n"));
    assert_eq!(standing(&mut on("A")), Ok(Standing::Settled));
    on("A").stage(&mut ()).unwrap();
    on("B").confirm(&mut (), false).unwrap();
    on("B").confirm(&mut (), true).unwrap();
    assert_eq!(standing(&mut on("B")), Ok(Standing::Settled));
    assert!(directory.read("environment").contains("upgrade_available 0\n"));
    // beyond the boot limit, altbootcmd set the slot back
    on("B").env("KEDGE_SLOT", "A").stage(&mut ()).unwrap();
    fs::write(directory.0.join("environment"), "boot_slot B\nupgrade_available 0\n").unwrap();
    assert_eq!(standing(&mut on("B")), Ok(Standing::Settled));
    // the slot that runs is not known: no kedge.slot= on this machine's command line
    assert_eq!(standing(&mut base.clone()), Err(HookError::Exit(1)));
}

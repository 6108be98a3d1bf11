//! At rest: nothing wakes the service, and it takes little memory.

use std::fs;
use std::thread;
use std::time::Duration;

use kedge_agentd::protocol::Doing;

use crate::field::Field;

/// Resident memory that is allowed at rest, in KiB; the test's own build is not made for size.
const RESIDENT: u64 = 8 << 10;

/// A number of `/proc/PID/..status`.
fn number(status: &str, name: &str) -> u64 {
    let line = status.lines().find(|line| line.starts_with(name)).unwrap_or_default();
    let digits: String = line.chars().filter(char::is_ascii_digit).collect();
    digits.parse().unwrap_or_else(|_| panic!("{name} is not in {status}"))
}

/// Voluntary switches of all threads.
fn switches(pid: i32) -> u64 {
    let threads = fs::read_dir(format!("/proc/{pid}/task")).unwrap();
    threads
        .map(|thread| fs::read_to_string(thread.unwrap().path().join("status")).unwrap())
        .map(|status| {
            number(&status, "voluntary_ctxt_switches") + number(&status, "nonvoluntary_ctxt_switches")
        })
        .sum()
}

#[test]
fn nothing_wakes_a_service_that_has_nothing_to_do() {
    let mut field = Field::new("rest", "ask");
    field.start();
    field.until("idle", |_, status| status.is_some_and(|s| s.doing == Doing::Idle && s.acts_in.is_none()));
    let pid = field.pid().as_raw_nonzero().get();
    // what the question just asked has set going comes to rest
    let mut last = switches(pid);
    loop {
        thread::sleep(Duration::from_millis(200));
        let now = switches(pid);
        if now == last {
            break;
        }
        last = now;
    }
    thread::sleep(Duration::from_secs(3));
    assert_eq!(switches(pid), last, "something woke it within three seconds");
    let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let resident = number(&status, "VmRSS:");
    println!("at rest: {resident} KiB resident, {} threads, 0 wake-ups in 3 s", number(&status, "Threads:"));
    assert!(resident <= RESIDENT, "{resident} KiB resident");
}

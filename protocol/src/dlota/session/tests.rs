use super::*;
use crate::dlota::{DESCRIPTOR_2, NAMESPACE, Plan};
use std::format;
use std::string::{String, ToString as _};
use std::vec::Vec;

const URL: &str = "https://fota.example/offer";
const OBJECT: &str = "https://repo.example/p.bin";
const SECOND: Duration = Duration::from_secs(1);

fn config(confirm: bool) -> Config<'static> {
    Config {
        accepts: &["application/octet-stream", "application/x-package"],
        room: 1000,
        confirm,
        plan: Plan { first: SECOND, longest: 8 * SECOND, tries: 3 },
        patience: 30 * SECOND,
    }
}

fn offer(size: &str, more: &str) -> String {
    format!(
        "<media xmlns='{NAMESPACE}'><type>image/png</type><type>application/octet-stream</type>\
         <size>{size}</size><objectURI>{OBJECT}</objectURI>{more}</media>"
    )
}

const NOTIFY: &str = "<installNotifyURI>/done</installNotifyURI><name>System</name>";

/// A download with its time and what a device would store of it.
struct Bench {
    session: Session<'static>,
    now: Duration,
    stored: Option<Stored>,
}

impl Bench {
    fn new(confirm: bool) -> Self {
        let mut session = Session::new(&config(confirm), URL).unwrap();
        session.handle(Duration::ZERO, Input::Start).unwrap();
        Self { session, now: Duration::ZERO, stored: None }
    }

    /// The device restarts, and goes on with what the memo and the storage hold.
    fn restarted(self) -> Self {
        let Self { session: old, now, stored } = self;
        let mut session = Session::resume(&config(true), &old.memo(), stored).unwrap();
        session.handle(now, Input::Start).unwrap();
        Self { session, now, stored }
    }

    /// The next thing to do, pauses passed over, as text.
    fn next(&mut self) -> String {
        loop {
            let shown = match self.session.poll(self.now) {
                Output::Wait(until) if until < Duration::MAX => {
                    self.now = until;
                    continue;
                }
                Output::Send(_) => return self.issued(),
                Output::Confirm(offer) => format!("ask {} {}", offer.name, offer.size),
                Output::Check => "check".to_string(),
                Output::Wait(_) => "wait".to_string(),
                Output::End(outcome) => format!("{:?} {:?}", outcome.end, outcome.reported),
            };
            return shown;
        }
    }

    /// The request that was handed out, asked for once more.
    fn issued(&mut self) -> String {
        let Some(Output::Send(request)) = self.session.outstanding() else { return String::new() };
        if request.post {
            return format!("POST {} {}", request.url, str::from_utf8(request.body).unwrap().trim());
        }
        let range = request.range.map(|range| format!(" {range}")).unwrap_or_default();
        let if_range = request.if_range.map(|tag| format!(" if {tag}")).unwrap_or_default();
        format!("GET {}{range}{if_range}", request.url)
    }

    /// An answer whose object comes up to `have` octets of what is stored.
    fn answer(&mut self, head: &Head<'_>, have: u32) -> Take {
        let take = self.session.head(head).unwrap();
        match (take, &mut self.stored) {
            (Take::Object(total), stored) => *stored = Some(Stored { have, total }),
            (Take::Rest, Some(stored)) => stored.have = have,
            _ => {}
        }
        self.session.handle(self.now, Input::Ended { stored: self.stored, random: 0 }).unwrap();
        take
    }

    fn descriptor(&mut self, text: &str) {
        let take = self.session.head(&descriptor_head()).unwrap();
        assert_eq!(take, Take::Descriptor);
        self.session.descriptor(self.now, text.as_bytes(), &mut [0; 1024]).unwrap();
    }

    fn status(&mut self, status: u16) {
        assert_eq!(self.answer(&Head { status, ..Head::default() }, 0), Take::Nothing);
    }

    fn input(&mut self, input: Input) {
        self.session.handle(self.now, input).unwrap();
    }
}

fn descriptor_head() -> Head<'static> {
    Head { status: 200, content_type: Some("application/vnd.oma.dd+xml; charset=utf-8"), ..Head::default() }
}

fn whole(length: u64) -> Head<'static> {
    Head {
        status: 200,
        content_type: Some("application/octet-stream"),
        content_length: Some(length),
        etag: Some("\"v1\""),
        ..Head::default()
    }
}

fn part(range: &'static str) -> Head<'static> {
    Head { status: 206, content_range: Some(range), ..whole(0) }
}

#[test]
fn descriptor_consent_object_check_report() {
    let mut bench = Bench::new(true);
    assert_eq!(bench.next(), format!("GET {URL}"));
    bench.descriptor(&offer("600", NOTIFY));
    assert_eq!(bench.next(), "ask System 600");
    assert_eq!(bench.session.memo().object, "", "nothing is kept before the user agrees");
    bench.input(Input::Answered(Choice::Yes));
    assert!(bench.session.unsaved());
    assert_eq!(bench.next(), format!("GET {OBJECT}"));
    assert_eq!(bench.answer(&whole(600), 600), Take::Object(600));
    assert_eq!(bench.next(), "check");
    bench.input(Input::Checked(true));
    assert_eq!(bench.session.memo().status, 900);
    assert_eq!(bench.next(), "POST https://fota.example/done 900 Success");
    bench.status(200);
    assert_eq!(bench.next(), "Complete Some(true)");
    assert_eq!(bench.session.memo().status, 0);
}

#[test]
fn the_object_itself_needs_no_consent_and_is_not_reported() {
    let mut bench = Bench::new(true);
    bench.next();
    assert_eq!(bench.answer(&whole(10), 4), Take::Object(10));
    assert_eq!(bench.next(), format!("GET {URL} bytes=4- if \"v1\""));
    assert_eq!(bench.answer(&part("bytes 4-9/10"), 10), Take::Rest);
    assert_eq!(bench.next(), "check");
    bench.input(Input::Checked(true));
    assert_eq!(bench.next(), "Complete None");
}

#[test]
fn an_interrupted_object_goes_on_after_a_restart_at_every_octet() {
    for have in 0..600 {
        let mut bench = Bench::new(true);
        bench.next();
        bench.descriptor(&offer("600", NOTIFY));
        bench.next();
        bench.input(Input::Answered(Choice::Yes));
        bench.next();
        bench.answer(&whole(600), have);
        let mut bench = bench.restarted();
        let range = if have == 0 { String::new() } else { format!(" bytes={have}- if \"v1\"") };
        assert_eq!(bench.next(), format!("GET {OBJECT}{range}"));
    }
}

#[test]
fn a_restart_with_the_whole_object_checks_it_and_one_with_a_status_reports_it() {
    let mut bench = Bench::new(false);
    bench.next();
    bench.descriptor(&offer("600", NOTIFY));
    bench.next();
    bench.answer(&whole(600), 600);
    let mut bench = bench.restarted();
    assert_eq!(bench.next(), "check");
    bench.input(Input::Checked(false));
    assert_eq!(bench.next(), "POST https://fota.example/done 953 Non-Acceptable Content");
    let mut bench = bench.restarted();
    assert_eq!(bench.next(), "POST https://fota.example/done 953 Non-Acceptable Content");
    bench.status(204);
    assert_eq!(bench.next(), "Failed(Refused) Some(true)");
}

#[test]
fn what_the_descriptor_says_is_judged_before_anything_is_fetched() {
    let cases = [
        (offer("1001", NOTIFY), "901 Insufficient memory"),
        (offer("99999999999", NOTIFY), "901 Insufficient memory"),
        (offer("600", NOTIFY).replace("octet-stream", "zip"), "953 Non-Acceptable Content"),
        (offer("600", NOTIFY).replace("</size>", "</size><size>1</size>"), "no report"),
        (offer("x", NOTIFY), "no report"),
        (offer("600", &format!("{NOTIFY}<size>7</size>")), "906 Invalid descriptor"),
        (offer("600", &format!("{NOTIFY}<DDVersion>2.0</DDVersion>")), "951 Invalid DDVersion"),
        (offer("600", NOTIFY).replace(OBJECT, "ftp://repo.example/p"), "954 Loader Error"),
        (offer("600", NOTIFY).replace(OBJECT, &"/x".repeat(128)), "954 Loader Error"),
    ];
    for (text, expected) in cases {
        let mut bench = Bench::new(true);
        bench.next();
        bench.descriptor(&text);
        // A report is possible only where its URL stands before the fault.
        let expected = match expected {
            "no report" => "Failed(Descriptor) None".to_string(),
            status => format!("POST https://fota.example/done {status}"),
        };
        assert_eq!(bench.next(), expected, "{text}");
    }
}

#[test]
fn an_object_other_than_described_is_reported() {
    let cases: [(Head<'_>, &str); 6] = [
        (whole(599), "905 Attribute mismatch"),
        (Head { content_type: Some("image/png"), ..whole(600) }, "905 Attribute mismatch"),
        (Head { content_type: None, ..whole(600) }, "905 Attribute mismatch"),
        (Head { status: 404, ..Head::default() }, "954 Loader Error"),
        (Head { status: 302, location: Some("http://repo.example/"), ..Head::default() }, "954 Loader Error"),
        (Head { status: 302, ..Head::default() }, "954 Loader Error"),
    ];
    for (head, expected) in cases {
        let mut bench = Bench::new(false);
        bench.next();
        bench.descriptor(&offer("600", NOTIFY));
        bench.next();
        assert_eq!(bench.answer(&head, 0), Take::Nothing);
        assert_eq!(bench.next(), format!("POST https://fota.example/done {expected}"));
    }
}

#[test]
fn a_lost_link_is_taken_up_again_with_growing_pauses_and_given_up_in_the_end() {
    let mut bench = Bench::new(false);
    bench.next();
    bench.descriptor(&offer("600", NOTIFY));
    bench.next();
    bench.answer(&whole(600), 100);
    assert_eq!(bench.next(), format!("GET {OBJECT} bytes=100- if \"v1\""));
    assert_eq!(bench.now, SECOND);
    bench.input(Input::Ended { stored: bench.stored, random: 0 });
    assert_eq!(bench.next(), format!("GET {OBJECT} bytes=100- if \"v1\""));
    assert_eq!(bench.now, 3 * SECOND);
    bench.status(503);
    assert_eq!(bench.next(), "POST https://fota.example/done 954 Loader Error");
    for pause in [1, 2] {
        let before = bench.now;
        bench.status(500);
        assert_eq!(bench.next(), "POST https://fota.example/done 954 Loader Error");
        assert_eq!(bench.now, before + pause * SECOND);
    }
    bench.status(500);
    assert_eq!(bench.next(), "Failed(Http(503)) Some(false)");
}

#[test]
fn another_entity_starts_over() {
    for head in [
        part("bytes 99-599/600"),
        part("bytes 100-599/601"),
        Head { content_range: None, ..part("") },
        Head { status: 416, ..Head::default() },
    ] {
        let mut bench = Bench::new(false);
        bench.next();
        bench.descriptor(&offer("600", ""));
        bench.next();
        bench.answer(&whole(600), 100);
        bench.next();
        assert_eq!(bench.answer(&head, 100), Take::Nothing);
        assert_eq!(bench.next(), format!("GET {OBJECT}"), "{head:?}");
        assert_eq!(bench.session.memo().etag, "");
    }
}

#[test]
fn only_strong_validators_resume() {
    let (modified, date) = ("Tue, 17 Nov 2026 08:00:00 GMT", "Sun, 22 Nov 2026 15:00:00 GMT");
    let head = |etag, date| Head { etag, modified: Some(modified), date, ..whole(10) };
    for (head, expected) in [
        (head(Some("W/\"v1\""), Some(date)), format!("GET {URL} bytes=4- if {modified}")),
        (head(None, Some(modified)), format!("GET {URL}")),
        (head(None, None), format!("GET {URL}")),
        (head(Some("\"v1\""), None), format!("GET {URL} bytes=4- if \"v1\"")),
    ] {
        let mut bench = Bench::new(true);
        bench.next();
        bench.answer(&head, 4);
        assert_eq!(bench.next(), expected);
    }
}

#[test]
fn redirects_are_followed_five_times() {
    let mut bench = Bench::new(true);
    bench.next();
    for n in 1..=5 {
        bench.answer(&Head { status: 302, location: Some("/next"), ..Head::default() }, 0);
        assert_eq!(bench.next(), "GET https://fota.example/next", "{n}");
    }
    bench.answer(&Head { status: 302, location: Some("/next"), ..Head::default() }, 0);
    assert_eq!(bench.next(), "Failed(Url) None");
}

#[test]
fn no_and_later_are_told_apart() {
    for (choice, expected) in
        [(Choice::No, "POST https://fota.example/done 902 User Cancelled"), (Choice::Later, "Deferred None")]
    {
        let mut bench = Bench::new(true);
        bench.next();
        bench.descriptor(&offer("600", NOTIFY));
        bench.next();
        bench.input(Input::Answered(choice));
        assert_eq!(bench.next(), expected);
    }
}

#[test]
fn a_device_without_room_and_a_descriptor_of_version_2_end_it() {
    let mut bench = Bench::new(true);
    bench.next();
    assert_eq!(bench.session.head(&whole(900)), Ok(Take::Object(900)));
    bench.input(Input::NotStored(Failure::NoRoom));
    bench.input(Input::Ended { stored: None, random: 0 });
    assert_eq!(bench.next(), "Failed(NoRoom) None");
    let mut bench = Bench::new(true);
    bench.next();
    bench.answer(&Head { content_type: Some(DESCRIPTOR_2), ..whole(5) }, 0);
    assert_eq!(bench.next(), "Failed(Version) None");
}

#[test]
fn silence_is_noticed_and_retry_after_is_honoured() {
    let mut bench = Bench::new(true);
    bench.next();
    assert!(matches!(bench.session.poll(30 * SECOND), Output::Wait(until) if until == 31 * SECOND));
    bench.now = 30 * SECOND;
    bench.input(Input::Ended { stored: None, random: 0 });
    assert_eq!(bench.next(), format!("GET {URL}"));
    bench.answer(&Head { status: 503, retry_after: Some(300), ..Head::default() }, 0);
    bench.next();
    assert_eq!(bench.now, 331 * SECOND);
    bench.answer(&Head { status: 503, retry_after: Some(301), ..Head::default() }, 0);
    assert_eq!(bench.next(), "Failed(Http(503)) None");
}

/// A way to reach a state.
type Reach = fn() -> Bench;

/// Every input in every state: taken, ignored or refused as the diagram says.
#[test]
fn every_pair_of_state_and_input() {
    let reach: [(&str, Reach); 7] = [
        ("idle", || Bench {
            session: Session::new(&config(true), URL).unwrap(),
            now: Duration::ZERO,
            stored: None,
        }),
        ("to send", || Bench::new(true)),
        ("sent", || {
            let mut bench = Bench::new(true);
            bench.next();
            bench
        }),
        ("object", || {
            let mut bench = Bench::new(true);
            bench.next();
            bench.session.head(&whole(5)).unwrap();
            bench
        }),
        ("confirm", || {
            let mut bench = Bench::new(true);
            bench.next();
            bench.descriptor(&offer("600", NOTIFY));
            bench.next();
            bench
        }),
        ("check", || {
            let mut bench = Bench::new(true);
            bench.next();
            bench.answer(&whole(5), 5);
            bench.next();
            bench
        }),
        ("over", || {
            let mut bench = Bench::new(true);
            bench.next();
            bench.status(404);
            bench
        }),
    ];
    let inputs = [
        ("start", Input::Start),
        ("ended", Input::Ended { stored: None, random: 0 }),
        ("not stored", Input::NotStored(Failure::NoRoom)),
        ("answered", Input::Answered(Choice::Yes)),
        ("checked", Input::Checked(true)),
        ("tick", Input::Tick),
        ("abort", Input::Abort),
    ];
    let allowed = [
        ("idle", "start tick abort"),
        ("to send", "tick abort"),
        ("sent", "ended tick abort"),
        ("object", "ended not stored tick abort"),
        ("confirm", "answered tick abort"),
        ("check", "checked tick abort"),
        ("over", "ended tick abort"),
    ];
    for ((state, make), (_, allowed)) in reach.iter().zip(allowed) {
        for (name, input) in inputs {
            let mut bench = make();
            let before = format!("{:?}", bench.session);
            let taken = bench.session.handle(bench.now, input);
            let expected = allowed.contains(name) && !(name == "start" && *state != "idle");
            let expected = if expected { Ok(()) } else { Err(SessionError::Misuse) };
            assert_eq!(taken, expected, "{state}, {name}");
            if taken.is_err() {
                assert_eq!(before, format!("{:?}", bench.session), "{state}, {name}: unchanged");
            }
            // Whatever happened, polling goes on to something that can be done or waited for.
            let _ = bench.next();
        }
    }
}

/// Answers by chance: whatever the server says, the download ends, within the tries it has.
#[test]
fn any_server_comes_to_an_end() {
    let heads: [Head<'_>; 8] = [
        descriptor_head(),
        whole(600),
        part("bytes 100-599/600"),
        Head { status: 302, location: Some("/x"), ..Head::default() },
        Head { status: 416, ..Head::default() },
        Head { status: 503, ..Head::default() },
        Head { status: 200, ..Head::default() },
        Head { status: 0, ..Head::default() },
    ];
    let mut seed = 0x2545_F491_4F6C_DD1D_u64;
    let mut random = |n: usize| {
        seed ^= seed << 13;
        seed ^= seed >> 7;
        seed ^= seed << 17;
        usize::try_from(seed % n as u64).unwrap()
    };
    for _ in 0..2000 {
        let mut bench = Bench::new(true);
        let mut steps = Vec::new();
        loop {
            assert!(steps.len() < 100, "{steps:?}");
            let next = bench.next();
            steps.push(next.clone());
            if next.starts_with("ask") {
                bench.input(Input::Answered(Choice::Yes));
            } else if next == "check" {
                bench.input(Input::Checked(random(2) == 0));
            } else if next.starts_with("Complete") || next.starts_with("Failed") {
                break;
            } else {
                let head = heads[random(heads.len())];
                match bench.session.head(&head).unwrap() {
                    Take::Descriptor => {
                        let text = offer("600", NOTIFY);
                        let cut = random(text.len() + 1).max(text.len() * random(2));
                        bench.session.descriptor(bench.now, &text.as_bytes()[..cut], &mut [0; 1024]).unwrap();
                    }
                    take => {
                        let have = u32::try_from(random(600)).unwrap();
                        let have = if random(3) == 0 { 600 } else { have };
                        match (take, &mut bench.stored) {
                            (Take::Object(total), stored) => *stored = Some(Stored { have, total }),
                            (Take::Rest, Some(stored)) => stored.have = stored.have.max(have),
                            _ => {}
                        }
                        bench.input(Input::Ended { stored: bench.stored, random: 0 });
                    }
                }
            }
        }
    }
}

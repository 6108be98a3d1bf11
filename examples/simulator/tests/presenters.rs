//! What each presenter makes of a hand-made run.

mod sample;

use kedge::feed::{Feed, Observer};
use kedge::present::{Json, Live, Plain, Recording, Terminal, junit, report, summary};
use quick_xml::events::Event;

fn recording() -> Recording {
    let mut recording = Recording::default();
    for feed in &sample::run() {
        recording.feed(feed);
    }
    recording.abort("unplayable", 1, "there is no <radio>".into());
    recording
}

/// What `present` writes about the run.
fn shown<'a>(out: &'a mut Vec<u8>, present: impl FnOnce(&'a mut Vec<u8>) -> Box<dyn Live + 'a>) {
    let mut live = present(out);
    for feed in &sample::run() {
        live.feed(feed);
    }
    live.finish().unwrap();
}

fn text(out: Vec<u8>) -> String {
    String::from_utf8(out).unwrap()
}

#[test]
fn terminal_text_is_as_agreed_and_fits_80_columns() {
    let mut out = Vec::new();
    shown(&mut out, |out| Box::new(Terminal::new(out, false, None)));
    let text = text(out);
    sample::golden("terminal.txt", &text);
    assert!(text.lines().all(|line| unicode_width::UnicodeWidthStr::width(line) <= 80));
}

#[test]
fn colour_changes_nothing_but_colour() {
    let (mut plain, mut coloured) = (Vec::new(), Vec::new());
    shown(&mut plain, |out| Box::new(Terminal::new(out, false, None)));
    shown(&mut coloured, |out| Box::new(Terminal::new(out, true, None)));
    let (plain, coloured) = (text(plain), text(coloured));
    assert_ne!(plain, coloured);
    assert_eq!(console::strip_ansi_codes(&coloured), plain);
}

#[test]
fn plain_text_is_as_agreed_and_steers_no_terminal() {
    let mut out = Vec::new();
    shown(&mut out, |out| Box::new(Plain::new(out)));
    let text = text(out);
    sample::golden("plain.txt", &text);
    assert!(!text.chars().any(|character| character.is_control() && character != '\n'));
}

#[test]
fn json_lines_are_as_agreed_and_read_back() {
    let mut out = Vec::new();
    shown(&mut out, |out| Box::new(Json::new(out)));
    let text = text(out);
    sample::golden("feed.jsonl", &text);
    let back: Vec<Feed> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(back, sample::run());
}

#[test]
fn the_summary_tells_every_flow() {
    sample::golden("summary.txt", &summary(&recording(), false));
}

#[test]
fn junit_is_well_formed_and_counts_right() {
    let text = junit(&recording()).unwrap();
    sample::golden("junit.xml", &text);
    let mut reader = quick_xml::Reader::from_str(&text);
    let (mut cases, mut failures, mut errors, mut totals) = (0, 0, 0, Vec::new());
    loop {
        match reader.read_event().unwrap() {
            Event::Start(element) | Event::Empty(element) => match element.name().as_ref() {
                b"testcase" => cases += 1,
                b"failure" => failures += 1,
                b"error" => errors += 1,
                b"testsuites" => {
                    for attribute in element.attributes() {
                        let attribute = attribute.unwrap();
                        totals.push(format!(
                            "{}={}",
                            String::from_utf8_lossy(attribute.key.as_ref()),
                            String::from_utf8_lossy(&attribute.value)
                        ));
                    }
                }
                _ => {}
            },
            Event::Eof => break,
            _ => {}
        }
    }
    assert_eq!((cases, failures, errors), (3, 1, 1));
    for total in ["tests=3", "failures=1", "errors=1"] {
        assert!(totals.contains(&total.into()), "{totals:?}");
    }
}

#[test]
fn the_page_escapes_everything_and_loads_nothing() {
    let page = report(&recording());
    assert_eq!(page.matches("<script").count(), 1, "only our own script");
    assert!(!page.contains("<img"));
    assert!(page.contains("&lt;/pre&gt;&lt;script&gt;"));
    for reference in ["src=", "url(", "@import", "<link", "<iframe", "fetch(", "import("] {
        let outside_text = page.replace("&lt;img src=x", "");
        assert!(!outside_text.contains(reference), "{reference}");
    }
    // The only links lead into the page itself.
    for link in page.split("href=\"").skip(1) {
        assert!(link.starts_with('#'), "{}", &link[..link.len().min(40)]);
    }
    assert!(page.contains("default-src 'none'"));
}

#[test]
fn the_page_has_every_message_once_and_a_link_to_it() {
    let page = report(&recording());
    let arrows = sample::run().iter().filter(|feed| matches!(feed, Feed::Arrow(_))).count();
    assert_eq!(page.matches("<article class=\"message\"").count(), arrows);
    let links: Vec<&str> =
        page.split("data-message=\"").skip(1).filter_map(|rest| rest.split('"').next()).collect();
    assert_eq!(links.len(), arrows);
    for anchor in links {
        assert_eq!(page.matches(&format!("id=\"{anchor}\"")).count(), 1, "{anchor}");
    }
    for expected in
        ["0000  03 01 6a 00", "kedge simulate one-button --seed 1", "8 192 octets", "0x1000: 1 erases"]
    {
        assert!(page.contains(expected), "{expected}");
    }
}

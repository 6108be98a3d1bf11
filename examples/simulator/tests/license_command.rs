//! `kedge serve` and `kedge license`, as processes of their own: a device in a directory against servers on loopback, also
//! servers that are killed.

use std::io::{BufRead as _, BufReader, Lines};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Output, Stdio};
use std::time::Duration;

use kedge_platform::http::{Connection as _, Headers as _, Method, Read as _, Status as _, Write as _};
use kedge_platform_linux::http::{HttpClient, Options};
use kedge_protocol::license::sealed::Sealed;

/// A directory of this test, empty.
fn scratch(name: &str) -> PathBuf {
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("license-{name}-{}", std::process::id()));
    let _ = std::fs::remove_dir_all(&path); // of an earlier run
    std::fs::create_dir_all(&path).unwrap();
    path
}

fn kedge(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_kedge")).args(arguments).output().unwrap()
}

fn out(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// A network that runs; killed at its end if it was not stopped.
struct Network {
    process: Child,
    origin: String,
}

impl Network {
    fn start(directory: &Path, more: &[&str]) -> Self {
        let mut process = Command::new(env!("CARGO_BIN_EXE_kedge"))
            .args([
                "serve",
                "--port",
                "0",
                "--http-port",
                "0",
                "--admin-password",
                "staff only",
                "--directory",
            ])
            .arg(directory)
            .args(more)
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let told = BufReader::new(process.stdout.take().unwrap());
        let mut origin = String::new();
        for line in told.lines().map_while(Result::ok) {
            if let Some(entry) = line.strip_prefix("provisioning") {
                entry.trim().trim_end_matches("/v1/entry").clone_into(&mut origin);
            }
            if line.contains("Ctrl-C") {
                break;
            }
        }
        assert!(!origin.is_empty(), "kedge serve told no address");
        Self { process, origin }
    }

    /// As Ctrl-C does: its exit code.
    fn interrupt(mut self) -> Option<i32> {
        let pid = rustix::process::Pid::from_child(&self.process);
        rustix::process::kill_process(pid, rustix::process::Signal::INT).unwrap();
        self.process.wait().unwrap().code()
    }
}

impl Drop for Network {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// The value of a line of output.
fn field<'o>(output: &'o str, name: &str) -> &'o str {
    let line =
        output.lines().find(|line| line.starts_with(name)).unwrap_or_else(|| panic!("no {name}: {output}"));
    line[name.len()..].trim()
}

/// Somebody at the pages, over real HTTP.
struct Web {
    http: HttpClient,
    origin: String,
    cookie: String,
}

impl Web {
    /// `authority`: the certificates to trust; empty: there is no TLS.
    fn new(origin: &str, authority: &str) -> Self {
        let options = Options::new(Duration::from_secs(20));
        let options = if authority.is_empty() { options } else { options.trust_only(authority).unwrap() };
        Self { http: HttpClient::new(options), origin: origin.to_owned(), cookie: String::new() }
    }

    fn exchange(&mut self, method: Method, path: &str, body: &str) -> (u16, Option<String>, Vec<u8>) {
        let (url, length) = (format!("{}{path}", self.origin), body.len().to_string());
        let mut headers = vec![("Accept", "text/html"), ("Cookie", self.cookie.as_str())];
        if method == Method::Post {
            headers.push(("Content-Length", &length));
        }
        self.http.initiate_request(method, &url, &headers).unwrap();
        let mut rest = body.as_bytes();
        while !rest.is_empty() {
            let n = self.http.write(rest).unwrap();
            rest = &rest[n..];
        }
        self.http.flush().unwrap();
        self.http.initiate_response().unwrap();
        let status = self.http.status();
        let (head, incoming) = self.http.split();
        if let Some(set) = head.header("Set-Cookie") {
            self.cookie = set.split(';').next().unwrap().to_owned();
        }
        let location = head.header("Location").map(str::to_owned);
        let (mut octets, mut chunk) = (Vec::new(), [0; 4096]);
        loop {
            match incoming.read(&mut chunk).unwrap() {
                0 => return (status, location, octets),
                n => octets.extend_from_slice(&chunk[..n]),
            }
        }
    }

    /// Fills the form of a page and sends it; redirects are followed.
    fn fill(&mut self, page: &str, action: &str, fields: &[(&str, &str)]) -> (u16, Vec<u8>) {
        let text = String::from_utf8(self.exchange(Method::Get, page, "").2).unwrap();
        let token = text.split_once("name=\"token\" value=\"").unwrap().1.split('"').next().unwrap();
        let mut form = form_urlencoded::Serializer::new(String::new());
        form.append_pair("token", token).extend_pairs(fields);
        let mut answer = self.exchange(Method::Post, action, &form.finish());
        while let Some(location) = answer.1.filter(|_| (300..400).contains(&answer.0)) {
            answer = self.exchange(Method::Get, &location, "");
        }
        (answer.0, answer.2)
    }
}

/// Signs up as alice with the code.
fn sign_up(origin: &str, authority: &str, code: &str) {
    let fields = [("code", code), ("account", "alice"), ("password", "correct horse")];
    let (status, page) = Web::new(origin, authority).fill("/activate", "/activate", &fields);
    assert!(status == 200 && String::from_utf8_lossy(&page).contains("id=\"done\""), "{status}");
}

/// A device that asks; its output is read to the end, for it would stop at a closed pipe.
struct Asking {
    process: Child,
    lines: Lines<BufReader<ChildStdout>>,
}

impl Asking {
    fn start(device: &str) -> Self {
        let mut process = Command::new(env!("CARGO_BIN_EXE_kedge"))
            .args(["license", "--device", device, "request"])
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let lines = BufReader::new(process.stdout.take().unwrap()).lines();
        Self { process, lines }
    }

    /// The code that it shows.
    fn code(&mut self) -> String {
        let mut lines = self.lines.by_ref().map_while(Result::ok);
        lines.find_map(|line| Some(line.split_once("enter the code ")?.1.to_owned())).expect("a code")
    }

    /// What it says from now on, to a good end.
    fn rest(mut self) -> Vec<String> {
        let rest: Vec<String> = self.lines.map_while(Result::ok).collect();
        assert!(self.process.wait().unwrap().success(), "{rest:?}");
        rest
    }
}

#[test]
fn a_device_in_a_directory_gets_keeps_and_returns_its_license() {
    let place = scratch("life");
    let (network, device) = (place.join("network"), place.join("device"));
    let device = device.to_str().unwrap();
    let run = |arguments: &[&str]| kedge(&[&["license", "--device", device], arguments].concat());
    assert_eq!(run(&["status"]).status.code(), Some(2), "no device yet");

    // a device, known to the server
    let authority = network.join("ca.pem");
    let probe = Network::start(&network, &[]);
    let (origin, pem) = (probe.origin.clone(), authority.to_str().unwrap().to_owned());
    let entry = format!("{origin}/v1/entry");
    let made = run(&["new", "--server", &entry, "--ca", &pem]);
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    let key = field(&out(&made), "public key").to_owned();
    assert_eq!(run(&["new"]).status.code(), Some(2), "not twice");
    let refused = run(&["request"]);
    assert_eq!(refused.status.code(), Some(1), "not known");
    assert!(out(&refused).contains("problem 8 bad-token"), "{}", out(&refused));
    let trusted = std::fs::read_to_string(&authority).unwrap();
    let mut staff = Web::new(&origin, &trusted);
    assert_eq!(staff.fill("/admin", "/admin/sign-in", &[("password", "staff only")]).0, 200);
    assert_eq!(staff.fill("/admin", "/admin/register", &[("key", &key)]).0, 200);

    // it shows a code; the user signs up while it polls
    let mut asking = Asking::start(device);
    sign_up(&origin, &trusted, &asking.code());
    let rest = asking.rest();
    assert!(rest.iter().any(|line| line == "installed: trial, reported"), "{rest:?}");
    assert!(rest.iter().any(|line| line.contains("sealed+cbor")), "nobody on the way reads it: {rest:?}");

    let status = run(&["status"]);
    assert!(status.status.success());
    assert_eq!(field(&out(&status), "verdict"), "allowed");
    assert!(field(&out(&status), "license").starts_with("trial, serial 1.1"));

    // by file: request out, license in
    let (request, license) = (place.join("a.prq"), place.join("a.prv"));
    let (request, license) = (request.to_str().unwrap(), license.to_str().unwrap());
    let written = run(&["request", "--file", request]);
    assert!(written.status.success());
    let text = field(&out(&written), "as text:").to_owned();
    let (status, document) = staff.fill("/offline", "/offline", &[("request", &text)]);
    assert_eq!(status, 200);
    std::fs::write(license, &document).unwrap();
    let explained = run(&["explain", license]);
    assert!(explained.status.success(), "{}", out(&explained));
    assert_eq!(out(&explained).matches("passed").count(), 15);
    assert!(out(&explained).contains("claim 2 sub        alice"));
    // a forged one: refused with its code, and the genuine one is still good
    let mut forged = document.clone();
    let last = forged.len() - 1;
    forged[last] ^= 1;
    std::fs::write(place.join("forged.prv"), &forged).unwrap();
    let forged = place.join("forged.prv");
    let opened = run(&["open", forged.to_str().unwrap()]);
    assert_eq!(opened.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&opened.stderr).contains("step 6: bad-signature"));
    assert!(out(&run(&["explain", forged.to_str().unwrap()])).contains("REFUSED: bad-signature"));
    let opened = run(&["open", license]);
    assert!(out(&opened).starts_with("installed: trial, serial 1.2"), "{}", out(&opened));
    let again = run(&["open", license]);
    assert!(String::from_utf8_lossy(&again.stderr).contains("stale-nonce"), "the nonce is used");

    // given back
    let released = run(&["release"]);
    assert!(released.status.success(), "{}", out(&released));
    let status = run(&["status"]);
    assert_eq!((status.status.code(), field(&out(&status), "verdict")), (Some(1), "denied(unknown)"));
    assert_eq!(probe.interrupt(), Some(0), "stopped in order");
    std::fs::remove_dir_all(place).unwrap();
}

#[test]
fn what_a_browser_downloads_is_opened() {
    let place = scratch("browser");
    let (network, device) = (place.join("network"), place.join("device"));
    let device = device.to_str().unwrap();
    let run = |arguments: &[&str]| kedge(&[&["license", "--device", device], arguments].concat());
    // the key is made before the server that must know it
    assert!(run(&["new", "--browser", "--server", "http://localhost/v1/entry"]).status.success());
    let key = field(&out(&run(&["status"])), "public key").to_owned();
    let running = Network::start(&network, &["--no-tls", "--register", &key]);
    move_device(device, &format!("{}/v1/entry", running.origin));

    let asked = run(&["request"]);
    assert!(asked.status.success(), "{}", out(&asked));
    let code = out(&asked).split_once("/activate?c=").expect("a page").1[..9].to_owned();
    let fields = [("code", code.as_str()), ("account", "alice"), ("password", "correct horse")];
    let page = format!("/activate?c={code}");
    let (status, document) = Web::new(&running.origin, "").fill(&page, "/activate", &fields);
    assert_eq!(status, 200);
    let license = place.join("license.prv");
    std::fs::write(&license, &document).unwrap();
    let opened = run(&["open", license.to_str().unwrap()]);
    assert!(out(&opened).starts_with("installed: trial, serial 1.1"), "{}", out(&opened));
    assert_eq!(field(&out(&run(&["status"])), "verdict"), "allowed");

    // one that was sealed for somebody's request is told apart from a broken one
    let (mut head, content) = ([0; 128], [7; 40]);
    let head = Sealed::emit(&[1; 32], &[2; 12], content.len(), &mut head).expect("room");
    std::fs::write(&license, [head, &content].concat()).unwrap();
    for what in ["open", "explain"] {
        let told = run(&[what, license.to_str().unwrap()]);
        let all = out(&told) + &String::from_utf8_lossy(&told.stderr);
        assert!(told.status.code() == Some(1) && all.contains("sealed: only the process"), "{what}: {all}");
    }
    drop(running);
    std::fs::remove_dir_all(place).unwrap();
}

#[test]
fn a_killed_server_finds_its_books() {
    let place = scratch("killed");
    let (network, device) = (place.join("network"), place.join("device"));
    let device = device.to_str().unwrap();
    let run = |arguments: &[&str]| kedge(&[&["license", "--device", device], arguments].concat());
    let mut serials = Vec::new();
    let mut key = String::new();
    for round in 0..6 {
        let more: Vec<&str> =
            if key.is_empty() { vec!["--no-tls"] } else { vec!["--no-tls", "--register", &key] };
        let running = Network::start(&network, &more);
        // the port is another one each time
        if round == 0 {
            let made = run(&["new", "--server", &format!("{}/v1/entry", running.origin)]);
            key = field(&out(&made), "public key").to_owned();
            continue; // killed before anything was asked
        }
        move_device(device, &format!("{}/v1/entry", running.origin));
        if round == 1 {
            let mut asking = Asking::start(device);
            sign_up(&running.origin, "", &asking.code());
            asking.rest();
        } else {
            let asked = run(&["request", "--op", "refresh"]);
            assert!(asked.status.success(), "round {round}: {}", out(&asked));
        }
        let status = out(&run(&["status"]));
        serials.push(field(&status, "floor").to_owned());
        // killed in the middle of whatever it does: dropping sends SIGKILL
        drop(running);
    }
    assert_eq!(serials, ["1.1", "1.2", "1.3", "1.4", "1.5"], "serials go on after each kill");
    // the books are lost, their epoch is not
    std::fs::remove_file(network.join("books.redb")).unwrap();
    let running = Network::start(&network, &["--no-tls", "--register", &key]);
    move_device(device, &format!("{}/v1/entry", running.origin));
    let mut asking = Asking::start(device);
    sign_up(&running.origin, "", &asking.code());
    asking.rest();
    assert_eq!(field(&out(&run(&["status"])), "floor"), "2.1");
    drop(running);
    std::fs::remove_dir_all(place).unwrap();
}

/// The server has another address.
fn move_device(device: &str, entry: &str) {
    let path = Path::new(device).join("device.json");
    let mut stored: serde_json::Value = serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap();
    stored["entry"] = entry.into();
    std::fs::write(path, stored.to_string()).unwrap();
}

/// What the desktop files promise is what the command takes.
#[test]
fn the_desktop_files_name_the_type_of_documents() {
    let entry = include_str!("../desktop/kedge-license.desktop");
    let info = include_str!("../desktop/kedge-license.xml");
    let media_type = format!("application/vnd.{}.provisioning+cbor", kedge::license::NAMES.vendor);
    assert!(
        entry.contains(&format!("MimeType={media_type};")) && entry.contains("Exec=kedge license open %f")
    );
    assert!(info.contains(&format!("type=\"{media_type}\"")) && info.contains("*.prv"));
}

#[test]
fn wrong_use_of_serve_is_named() {
    let place = scratch("wrong");
    let directory = place.to_str().unwrap();
    let wrong =
        kedge(&["serve", "--port", "0", "--http-port", "0", "--directory", directory, "--register", "12"]);
    assert_eq!(wrong.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&wrong.stderr).contains("64 hexadecimal digits"));
    std::fs::write(place.join("epoch"), "many").unwrap();
    let wrong = kedge(&["serve", "--port", "0", "--http-port", "0", "--directory", directory]);
    assert!(String::from_utf8_lossy(&wrong.stderr).contains("no epoch"));
    std::fs::remove_dir_all(place).unwrap();
}

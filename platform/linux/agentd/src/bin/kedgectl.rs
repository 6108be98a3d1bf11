//! `kedgectl [--socket PATH] [--json] COMMAND`

use std::io::{BufRead as _, BufReader, Write as _};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use kedge_agentd::config::SOCKET;
use kedge_agentd::protocol::{License, Question, Reply, Request, Status, Want};

const USAGE: &str = "\
usage: kedgectl [--socket PATH] [--json] COMMAND

  status         what the device management service is doing
  activate       activate the device with the network
  check-update   look for a software update
  install        install the update that waits
  defer          ask about the update that waits again later
  answer yes|no  answer the network's question
  license [status]
                 what the license permits
  license request activate|my-account|refresh
                 ask the license's server
  license release
                 give the license back
  license open FILE
                 take a license document
  open FILE      take settings (.provbin, .prov) or a license document (.prv); they ask before they change anything
  stop           end the service

  --vendor NAME  the vendor in the media type of license documents; example without it
  --type TYPE    the media type of the file to open; without it, its name tells
  --socket PATH  where the service listens; /run/kedge/agentd.sock without it
  --json         print the service's reply as it is

Exit codes: 0 done, 1 the service refused, 2 wrong command line, 3 the service could not be reached.";

/// How long the service may take: it answers at once, whatever it is doing.
const PATIENCE: Duration = Duration::from_secs(10);

fn main() -> ExitCode {
    let (mut socket, mut json, mut words) = (PathBuf::from(SOCKET), false, Vec::new());
    let (mut vendor, mut media_type) = ("example".to_owned(), None);
    let mut arguments = std::env::args().skip(1);
    while let Some(argument) = arguments.next() {
        match argument.as_str() {
            "--socket" => match arguments.next() {
                Some(path) => socket = path.into(),
                None => return wrong("--socket needs a path"),
            },
            "--vendor" => match arguments.next() {
                Some(name) => vendor = name,
                None => return wrong("--vendor needs a name"),
            },
            "--type" => match arguments.next() {
                Some(name) => media_type = Some(name),
                None => return wrong("--type needs a media type"),
            },
            "--json" => json = true,
            "--help" | "-h" => {
                println!("{USAGE}");
                return ExitCode::SUCCESS;
            }
            _ => words.push(argument),
        }
    }
    let words: Vec<_> = words.iter().map(String::as_str).collect();
    let license_type = format!("application/vnd.{vendor}.provisioning+cbor");
    let license = matches!(words[..], ["license"] | ["license", "status"]);
    let request = match words[..] {
        ["license", "request", "activate"] => Request::License { want: Want::Activate },
        ["license", "request", "my-account"] => Request::License { want: Want::MyAccount },
        ["license", "request", "refresh"] => Request::License { want: Want::Refresh },
        ["license", "release"] => Request::License { want: Want::Release },
        ["license", "open", file] => match open(file, license_type) {
            Ok(request) => request,
            Err(error) => return wrong(&error),
        },
        ["open", file] => {
            let by_name = media_type.or_else(|| type_of(file, license_type));
            let opened = by_name.ok_or(format!("{file}: not known by its name; give --type"));
            match opened.and_then(|media_type| open(file, media_type)) {
                Ok(request) => request,
                Err(error) => return wrong(&error),
            }
        }
        ["status" | "license"] | ["license", "status"] => Request::Status,
        ["activate"] => Request::Activate,
        ["check-update"] => Request::CheckUpdate,
        ["install"] => Request::Install,
        ["defer"] => Request::Defer,
        ["answer", "yes"] => Request::Answer { yes: true },
        ["answer", "no"] => Request::Answer { yes: false },
        ["stop"] => Request::Stop,
        [] => return wrong("no command"),
        _ => return wrong(&format!("unknown command {:?}", words.join(" "))),
    };
    match ask(&socket, &request) {
        Ok((line, reply)) => {
            if json {
                println!("{line}");
            } else {
                show(&reply, license);
            }
            ExitCode::from(u8::from(!reply.ok))
        }
        Err(error) => {
            eprintln!(
                "kedgectl: {}: {error}\n  fix: start it: systemctl start kedge-agentd",
                socket.display()
            );
            ExitCode::from(3)
        }
    }
}

fn wrong(what: &str) -> ExitCode {
    eprintln!("kedgectl: {what}\n\n{USAGE}");
    ExitCode::from(2)
}

/// The media type of a file, by its name.
fn type_of(file: &str, license_type: String) -> Option<String> {
    match Path::new(file).extension()?.to_str()? {
        "provbin" => Some("application/vnd.wap.connectivity-wbxml".to_owned()),
        "prov" => Some("text/vnd.wap.connectivity-xml".to_owned()),
        "prv" => Some(license_type),
        _ => None,
    }
}

/// The request to take a file.
fn open(file: &str, media_type: String) -> Result<Request, String> {
    let document = std::fs::read(file).map_err(|error| format!("{file}: {error}"))?;
    let nibbles = document.iter().flat_map(|octet| [octet >> 4, octet & 15]);
    let hex = nibbles.filter_map(|nibble| char::from_digit(nibble.into(), 16)).collect();
    Ok(Request::Open { media_type, hex })
}

fn ask(socket: &Path, request: &Request) -> std::io::Result<(String, Reply)> {
    let mut stream = UnixStream::connect(socket)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    let mut line = serde_json::to_string(request)?;
    line.push('\n');
    stream.write_all(line.as_bytes())?;
    line.clear();
    BufReader::new(stream).read_line(&mut line)?;
    let line = line.trim_end().to_owned();
    let reply = serde_json::from_str(&line)?;
    Ok((line, reply))
}

fn show(reply: &Reply, license: bool) {
    if let Some(error) = &reply.error {
        eprintln!("kedgectl: {error}");
    }
    if let Some(fix) = &reply.fix {
        eprintln!("  fix: {fix}");
    }
    match &reply.status {
        Some(status) if license => show_license(status.license.as_ref()),
        Some(status) => show_status(status),
        None => {}
    }
}

fn show_license(license: Option<&License>) {
    let Some(license) = license else {
        println!("this device has no license to care for");
        return;
    };
    let line = |name: &str, value: &str| println!("{name:<13} {value}");
    line("verdict", &license.verdict);
    line("license", &format!("{}, number {}", license.state, license.serial));
    line("expires", &license.expires.map_or("never".to_owned(), |at| format!("{at} s since 1970")));
    line("time", &format!("{} s since 1970", license.time));
    line("features", &format!("{:#b}", license.features));
    if let Some(due) = &license.due {
        line("due", due);
    }
    if license.report_due {
        line("report", "not delivered yet");
    }
}

fn show_status(status: &Status) {
    let line = |name: &str, value: &str| println!("{name:<13} {value}");
    line("version", &status.version);
    let doing = serde_json::to_string(&status.doing).unwrap_or_default();
    line("doing", doing.trim_matches('"'));
    if let Some(seconds) = status.acts_in {
        line("acts in", &format!("{seconds} s"));
    }
    let steps = [
        (status.activation.committed, "committed"),
        (status.activation.confirmed, "confirmed"),
        (status.activation.registered, "registered"),
    ];
    let steps: Vec<_> = steps.iter().filter(|(done, _)| *done).map(|(_, step)| *step).collect();
    line("activation", &if steps.is_empty() { "not begun".to_owned() } else { steps.join(", ") });
    line("update", &status.update);
    if let Some(license) = &status.license {
        line("license", &license.verdict);
    }
    line("reports", &status.reports.to_string());
    match &status.question {
        Some(Question::Install { version }) => line("question", &format!("install version {version}?")),
        Some(Question::Network { text }) => line("question", text),
        None => {}
    }
    if let Some(elsewhere) = &status.elsewhere {
        line("elsewhere", elsewhere);
    }
    if let Some(file) = &status.file {
        line("file", file);
    }
    if let Some(session) = &status.last_session {
        line("last session", session);
    }
    if let Some(trouble) = &status.trouble {
        line("trouble", trouble);
    }
}

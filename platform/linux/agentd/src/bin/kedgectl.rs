//! `kedgectl [--socket PATH] [--json] COMMAND`

use std::io::{BufRead as _, BufReader, Write as _};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use kedge_agentd::config::SOCKET;
use kedge_agentd::protocol::{Question, Reply, Request, Status};

const USAGE: &str = "\
usage: kedgectl [--socket PATH] [--json] COMMAND

  status         what the device management service is doing
  activate       activate the device with the network
  check-update   look for a software update
  install        install the update that waits
  defer          ask about the update that waits again later
  answer yes|no  answer the network's question
  stop           end the service

  --socket PATH  where the service listens; /run/kedge/agentd.sock without it
  --json         print the service's reply as it is

Exit codes: 0 done, 1 the service refused, 2 wrong command line, 3 the service could not be reached.";

/// How long the service may take: it answers at once, whatever it is doing.
const PATIENCE: Duration = Duration::from_secs(10);

fn main() -> ExitCode {
    let (mut socket, mut json, mut words) = (PathBuf::from(SOCKET), false, Vec::new());
    let mut arguments = std::env::args().skip(1);
    while let Some(argument) = arguments.next() {
        match argument.as_str() {
            "--socket" => match arguments.next() {
                Some(path) => socket = path.into(),
                None => return wrong("--socket needs a path"),
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
    let request = match words[..] {
        ["status"] => Request::Status,
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
    match ask(&socket, request) {
        Ok((line, reply)) => {
            if json {
                println!("{line}");
            } else {
                show(&reply);
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

fn ask(socket: &Path, request: Request) -> std::io::Result<(String, Reply)> {
    let mut stream = UnixStream::connect(socket)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    let mut line = serde_json::to_string(&request)?;
    line.push('\n');
    stream.write_all(line.as_bytes())?;
    line.clear();
    BufReader::new(stream).read_line(&mut line)?;
    let line = line.trim_end().to_owned();
    let reply = serde_json::from_str(&line)?;
    Ok((line, reply))
}

fn show(reply: &Reply) {
    if let Some(error) = &reply.error {
        eprintln!("kedgectl: {error}");
    }
    if let Some(fix) = &reply.fix {
        eprintln!("  fix: {fix}");
    }
    if let Some(status) = &reply.status {
        show_status(status);
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
    line("reports", &status.reports.to_string());
    match &status.question {
        Some(Question::Install { version }) => line("question", &format!("install version {version}?")),
        Some(Question::Network { text }) => line("question", text),
        None => {}
    }
    if let Some(session) = &status.last_session {
        line("last session", session);
    }
    if let Some(trouble) = &status.trouble {
        line("trouble", trouble);
    }
}

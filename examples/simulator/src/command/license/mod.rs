//! `kedge license`: the license of a device that lives in a directory.
//!
//! Every command is a start of the device: it is counted, and what was outstanding is forgotten, but for a request by file.

mod directory;
mod show;

use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context as _, bail};
use clap::{Args, Subcommand, ValueEnum};
use kedge_agent::license::runner::Watch;
use kedge_agent::license::{Boot, LicenseError, Now};
use kedge_platform::clock::Clock as _;
use kedge_platform::entropy::Entropy as _;
use kedge_platform::http::Method;
use kedge_platform_linux::clock::SystemClock;
use kedge_platform_linux::entropy::SystemEntropy;
use kedge_platform_linux::http::{HttpClient, Options as HttpOptions};
use kedge_protocol::license::answer::UserAction;
use kedge_protocol::license::session::Outcome;
use kedge_protocol::license::{Op, Refusal};

use self::directory::{Directory, New, Outstanding, wall_clock};
use super::{Exit, Surroundings, input};
use crate::license::device::Way;
use crate::license::{NAMES, base64_url, explain};

/// How long one step of an exchange may take.
const PATIENCE: Duration = Duration::from_secs(30);

#[derive(Args, Clone, Debug)]
pub(super) struct License {
    /// The directory that the device lives in
    #[arg(long, value_name = "DIR", default_value = "kedge-device", global = true)]
    device: PathBuf,
    #[command(subcommand)]
    what: What,
}

#[derive(Clone, Debug, Subcommand)]
enum What {
    /// Make a device: its key, its identity, and whom it trusts
    New(New),
    /// Show what the license is, and what it permits now
    Status,
    /// Ask the server for a license, or write the request to a file
    Request(Request),
    /// Give the license back
    Release,
    /// Install a document that came by file
    Open(File),
    /// Show what a document says, and what the device would make of it, step by step; nothing is changed
    Explain(File),
}

#[derive(Args, Clone, Debug)]
struct Request {
    /// What is asked for [default: what the state of the license calls for]
    #[arg(long, value_enum)]
    op: Option<Purpose>,
    /// Write the signed request to this file (`.prq`), and show it as text for the server's page
    #[arg(long, value_name = "FILE")]
    file: Option<PathBuf>,
}

/// The operations of section 4.1 that ask for a license.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Purpose {
    /// There is no valid configuration
    Activate,
    /// The user wants to see the account
    MyAccount,
    /// The license is to be renewed
    Refresh,
}

#[derive(Args, Clone, Debug)]
struct File {
    /// The document (`.prv`)
    file: PathBuf,
}

pub(super) fn run(arguments: &License, surroundings: &mut Surroundings<'_>) -> anyhow::Result<Exit> {
    let place = &arguments.device;
    match &arguments.what {
        What::New(new) => directory::make(place, new, surroundings.out).map(|()| Exit::Passed),
        What::Status => status(&Directory::open(place)?, surroundings.out),
        What::Request(request) => ask_or_write(&Directory::open(place)?, request, surroundings),
        What::Release => ask(&Directory::open(place)?, Op::RELEASE, surroundings),
        What::Open(file) => open(&Directory::open(place)?, &file.file, surroundings),
        What::Explain(file) => show::explain(place, &file.file, surroundings.out),
    }
}

fn status(directory: &Directory, out: &mut dyn Write) -> anyhow::Result<Exit> {
    let now = at_start();
    let (mut device, boot) = directory.start(now)?;
    let licensing = device.licensing();
    if boot == Boot::Foreign {
        writeln!(out, "the document here is that of another device: it counts for nothing")?;
    }
    show::profile(&directory.profile, out)?;
    writeln!(out, "license         {}", explain::terms(&licensing.terms()))?;
    writeln!(out, "verdict         {}", licensing.verdict(now))?;
    writeln!(out, "features        {:#x}", licensing.features(now))?;
    let due = licensing.refresh_due(now).map_or_else(|| "no".to_owned(), |op| format!("yes, {op}"));
    writeln!(out, "request due     {due}")?;
    writeln!(out, "report due      {}", if licensing.report().is_some() { "yes" } else { "no" })?;
    writeln!(out, "floor           {}", licensing.floor())?;
    writeln!(out, "starts          {}", licensing.boots())?;
    let reading = licensing.reading(now);
    let doubt = reading.doubt.map_or_else(String::new, |doubt| format!(" (the clock is doubted: {doubt:?})"));
    writeln!(out, "time            {}{doubt}", kedge_network::date_time(reading.now))?;
    let permits = licensing.verdict(now).permits();
    device.save(now).map_err(|error| anyhow::anyhow!("{error}"))?;
    Ok(if permits { Exit::Passed } else { Exit::Failed })
}

fn ask_or_write(
    directory: &Directory,
    request: &Request,
    surroundings: &mut Surroundings<'_>,
) -> anyhow::Result<Exit> {
    let op = match request.op {
        Some(Purpose::Activate) => Op::ACTIVATE,
        Some(Purpose::MyAccount) => Op::MY_ACCOUNT,
        Some(Purpose::Refresh) => Op::REFRESH,
        None => {
            let (device, _) = directory.start(at_start())?;
            device.licensing().refresh_due(at_start()).unwrap_or(Op::REFRESH)
        }
    };
    match &request.file {
        Some(path) => write_request(directory, op, path, surroundings.out),
        None => ask(directory, op, surroundings),
    }
}

fn write_request(directory: &Directory, op: Op, path: &Path, out: &mut dyn Write) -> anyhow::Result<Exit> {
    let now = at_start();
    let (mut device, _) = directory.start(now)?;
    let nonce = nonce()?;
    let request = device.request(op, nonce, now);
    // the nonce first: a request whose answer nobody can take is of no use
    directory.keep_outstanding(&Outstanding::new(&nonce))?;
    std::fs::write(path, &request).with_context(|| path.display().to_string())?;
    writeln!(out, "{}: {} octets, asks for: {op}", path.display(), request.len())?;
    writeln!(out, "as text: {}", base64_url(&request))?;
    Ok(Exit::Passed)
}

fn ask(directory: &Directory, op: Op, surroundings: &mut Surroundings<'_>) -> anyhow::Result<Exit> {
    let (mut device, _) = directory.start(at_start())?;
    let options = HttpOptions::new(PATIENCE);
    let options = match directory.authority()? {
        Some(pem) => options.trust_only(&pem).context("the certificate authority")?,
        None => options,
    };
    let mut http = HttpClient::new(options);
    let mut clock = SystemClock::new();
    let mut watch = Told { out: surroundings.out, failed: None };
    let rtc = || Some(wall_clock());
    let way = Way { http: &mut http, clock: &mut clock, rtc: &rtc, watch: &mut watch };
    let nonce = nonce()?;
    let outcome = device.ask(op, nonce, way).map_err(|error| anyhow::anyhow!("{error}"))?;
    if let Some(error) = watch.failed {
        return Err(error.into());
    }
    if outcome == Outcome::HandedOver {
        // the document comes by file
        directory.keep_outstanding(&Outstanding::new(&nonce))?;
    } else {
        directory.forget_outstanding()?;
    }
    let licensing = device.licensing();
    show::outcome(&outcome, surroundings.out)?;
    writeln!(surroundings.out, "license         {}", explain::terms(&licensing.terms()))?;
    let done = matches!(
        outcome,
        Outcome::Installed { .. } | Outcome::NothingToDo | Outcome::HandedOver | Outcome::Dispatched
    );
    Ok(if done { Exit::Passed } else { Exit::Failed })
}

fn open(directory: &Directory, path: &Path, surroundings: &mut Surroundings<'_>) -> anyhow::Result<Exit> {
    let document = input::file(path)?;
    if let Some(sealed) = explain::sealed(&document) {
        write!(surroundings.err, "kedge: {}: {sealed}", path.display())?;
        return Ok(Exit::Failed);
    }
    let now = at_start();
    let (mut device, _) = directory.start(now)?;
    let outstanding = directory.outstanding()?;
    if let Some(nonce) = outstanding {
        device.restore_nonce(nonce, now);
    }
    let result = device.install(&document, &document_type(), now);
    let used = !matches!(&result, Err(LicenseError::Refused(Refusal { step: ..=10, .. })));
    if used && outstanding.is_some() {
        directory.forget_outstanding()?;
    }
    match result {
        Ok(_) => {
            let terms = explain::terms(&device.licensing().terms());
            writeln!(surroundings.out, "installed: {terms}")?;
            Ok(Exit::Passed)
        }
        Err(LicenseError::Refused(refusal)) => {
            let told = explain::told(&refusal);
            writeln!(
                surroundings.err,
                "kedge: {}: refused in step {}: {told}",
                path.display(),
                refusal.step
            )?;
            Ok(Exit::Failed)
        }
        Err(error) => bail!("{error}"),
    }
}

/// Tells what happens in a session, a line each.
struct Told<'s> {
    out: &'s mut dyn Write,
    failed: Option<std::io::Error>,
}

impl Told<'_> {
    fn line(&mut self, text: &str) {
        let written = writeln!(self.out, "{text}").and_then(|()| self.out.flush());
        if let Err(error) = written {
            self.failed.get_or_insert(error);
        }
    }
}

impl Watch for Told<'_> {
    fn asked(&mut self, method: Method, url: &str) {
        self.line(&format!("-> {method:?} {url}"));
    }

    fn answered(&mut self, status: u16, media_type: Option<&str>, octets: usize) {
        self.line(&format!("<- {status} {} {octets} octets", media_type.unwrap_or_default()));
    }

    fn show(&mut self, action: &UserAction<'_>) {
        let text = action.text.unwrap_or_default();
        self.line(&format!("{text}\nOpen {} and enter the code {}", action.url, action.code));
    }

    fn browse(&mut self, url: &str) {
        self.line(&format!("open this page in a browser: {url}"));
    }

    fn dispatch(&mut self, media_type: &str, body: &[u8]) {
        self.line(&format!("{media_type}, {} octets: for the content dispatcher", body.len()));
    }
}

/// The time as a device that has just started knows it.
fn at_start() -> Now {
    Now { uptime: SystemClock::new().uptime(), rtc: Some(wall_clock()) }
}

fn nonce() -> anyhow::Result<[u8; 16]> {
    let mut nonce = [0; 16];
    SystemEntropy::open().context("no random numbers")?.fill(&mut nonce);
    Ok(nonce)
}

fn document_type() -> String {
    format!("application/vnd.{}.provisioning+cbor", NAMES.vendor)
}

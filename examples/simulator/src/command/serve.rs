//! `kedge serve`: the simulated network as real servers, until it is told to stop.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::{Context as _, bail};
use clap::Args;
use kedge_network::provisioning::{Database, InMemory, Ledger, Policy, Provisioning, Site};
use kedge_network::{AccountState, HOSTS, Operator, Profile, Running, Service, Subscriber};
use kedge_platform::identity::HardwareId;
use ring::rand::{SecureRandom as _, SystemRandom};
use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::iterator::Signals;

use super::{Exit, Surroundings};
use crate::hex;
use crate::license::{ISSUER_SEED, NAMES};

/// The handset that the operator has sold.
const HANDSET: HardwareId = HardwareId::Esn(0x80B0_2913);
/// A lease: 90 days, a refresh after 60, 7 days of grace.
const LEASE: (u64, u64, u64) = (90, 60, 7);
const BOOKS: &str = "books.redb";
const EPOCH: &str = "epoch";
const AUTHORITY: &str = "ca.pem";

#[derive(Args, Clone, Debug)]
pub(super) struct Serve {
    /// Port of https on the loopback interface; 0: a free one
    #[arg(long, value_name = "N", default_value_t = 8443)]
    port: u16,
    /// Port of http
    #[arg(long, value_name = "N", default_value_t = 8080)]
    http_port: u16,
    /// Where the books of the provisioning server are kept, and the certificate authority is written
    #[arg(long, value_name = "DIR", default_value = "kedge-network")]
    directory: PathBuf,
    /// Keep nothing
    #[arg(long)]
    memory: bool,
    /// Provision over plain http
    #[arg(long)]
    no_tls: bool,
    /// The password of the administration page [default: drawn, and shown]
    #[arg(long, value_name = "TEXT")]
    admin_password: Option<String>,
    /// Register a device's public key, as its factory does; may be given again
    #[arg(long, value_name = "HEX")]
    register: Vec<String>,
    /// Days of a trial
    #[arg(long, value_name = "N", default_value_t = 14)]
    trial_days: u64,
    /// Full licenses are leases of 90 days, so that moves can be enforced
    #[arg(long)]
    lease: bool,
}

pub(super) fn run(arguments: &Serve, surroundings: &mut Surroundings<'_>) -> anyhow::Result<Exit> {
    // before anything is announced: whoever reads the announcement may stop us
    let mut signals = Signals::new([SIGINT, SIGTERM])?;
    let password = match &arguments.admin_password {
        Some(password) => password.clone(),
        None => hex::encode(&drawn::<8>()?),
    };
    let running = start(arguments, &password)?;
    if !arguments.memory {
        let path = arguments.directory.join(AUTHORITY);
        fs::write(&path, &running.ca_pem).with_context(|| path.display().to_string())?;
    }
    announce(arguments, &running, &password, surroundings.out)?;
    signals.forever().next();
    running.stop();
    writeln!(surroundings.out, "stopped")?;
    Ok(Exit::Passed)
}

fn start(arguments: &Serve, password: &str) -> anyhow::Result<Running> {
    let policy = Policy {
        trial_days: arguments.trial_days,
        lease: arguments.lease.then_some(LEASE),
        ..Policy::default()
    };
    let (ledger, epoch) = books(arguments)?;
    let server = Provisioning::open(NAMES, policy, ISSUER_SEED, ledger, epoch)
        .with_context(|| format!("the books in {}", arguments.directory.display()))?;
    let mut server = server.with_secret(&drawn()?).with_administration(password);
    for key in &arguments.register {
        match hex::decode(key) {
            Ok(key) if key.len() == 32 => server.register(&key),
            _ => bail!("{key:?} is no public key: 64 hexadecimal digits"),
        }
    }
    let mut operator = Operator::default();
    let profile = Profile::new(HANDSET, Subscriber::sample(), vec![0; 18]);
    operator.subscribe(profile, AccountState::Pending)?;
    let server = Arc::new(Mutex::new(server));
    let service = Service {
        provisioning: Some((Arc::clone(&server), Box::new(now))),
        ports: (arguments.http_port, arguments.port),
        ..Service::new(Arc::new(Mutex::new(operator)))
    };
    let running = service.start().context("the ports cannot be opened")?;
    // known only now, if a free port was asked for
    let origin = origin(arguments, &running);
    server
        .lock()
        .map_err(|_| anyhow::anyhow!("the server has ended"))?
        .move_to(Site { origin, http: arguments.no_tls });
    Ok(running)
}

/// The books, and the epoch that new ones begin with: above that of books that were lost.
fn books(arguments: &Serve) -> anyhow::Result<(Box<dyn Ledger>, u64)> {
    if arguments.memory {
        return Ok((Box::new(InMemory::default()), 1));
    }
    let directory = &arguments.directory;
    let place = || directory.display().to_string();
    fs::create_dir_all(directory).with_context(place)?;
    let (books, epoch) = (directory.join(BOOKS), directory.join(EPOCH));
    let before = match fs::read_to_string(&epoch) {
        Ok(text) => text.trim().parse().with_context(|| format!("{}: no epoch", epoch.display()))?,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => 0_u64,
        Err(error) => return Err(error).with_context(|| epoch.display().to_string()),
    };
    let is_new = !books.try_exists().with_context(place)?;
    let number = before + u64::from(is_new);
    if is_new {
        // first, so that books without their epoch are never found
        replace(&epoch, &format!("{number}\n"))?;
    }
    let ledger = Database::open(&books).with_context(|| books.display().to_string())?;
    Ok((Box::new(ledger), number))
}

/// Writes a file so that it is the old one or the new one after a crash.
fn replace(path: &Path, text: &str) -> anyhow::Result<()> {
    let beside = path.with_extension("new");
    let written = fs::File::create(&beside).and_then(|mut file| {
        file.write_all(text.as_bytes())?;
        file.sync_all()
    });
    written.and_then(|()| fs::rename(&beside, path)).with_context(|| path.display().to_string())
}

fn announce(
    arguments: &Serve,
    running: &Running,
    password: &str,
    out: &mut dyn Write,
) -> std::io::Result<()> {
    let origin = origin(arguments, running);
    let trust = if arguments.memory || arguments.no_tls {
        String::new()
    } else {
        format!(" --ca {}", arguments.directory.join(AUTHORITY).display())
    };
    writeln!(out, "provisioning    {origin}/v1/entry")?;
    writeln!(out, "pages           {origin}/")?;
    writeln!(out, "administration  {origin}/admin    password {password}")?;
    writeln!(out, "operator        http {}, https {}: {}", running.http, running.https, HOSTS.join(" "))?;
    if !arguments.memory {
        writeln!(out, "books           {}", arguments.directory.join(BOOKS).display())?;
        writeln!(out, "authority       {}", arguments.directory.join(AUTHORITY).display())?;
    }
    writeln!(out, "a device        kedge license new --server {origin}/v1/entry{trust}")?;
    writeln!(out, "Documents are signed with the public test key. Ctrl-C stops.")?;
    out.flush()
}

fn origin(arguments: &Serve, running: &Running) -> String {
    if arguments.no_tls {
        format!("http://localhost:{}", running.http.port())
    } else {
        format!("https://localhost:{}", running.https.port())
    }
}

fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs())
}

fn drawn<const N: usize>() -> anyhow::Result<[u8; N]> {
    let mut octets = [0; N];
    SystemRandom::new().fill(&mut octets).map_err(|_| anyhow::anyhow!("no random numbers"))?;
    Ok(octets)
}

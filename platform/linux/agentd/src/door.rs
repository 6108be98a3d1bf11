//! The local socket and the signals: answers at once, whatever the service is doing.

use std::fs::{self, Permissions};
use std::io::{self, ErrorKind, Read as _, Write as _};
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::sync::mpsc::Sender;

use anyhow::{Context as _, bail};
use kedge_agent::dispatch::{Handler, Origin, handler};
use kedge_platform::ui::Answer;
use kedge_protocol::license::Op;
use kedge_protocol::mime::MediaType;
use rustix::event::{PollFd, PollFlags, poll};
use signal_hook::consts::{SIGINT, SIGTERM, SIGXFSZ};

use crate::protocol::{LINE_MAX, Question, Reply, Request, Want, octets};
use crate::watch::Shared;

/// Connections at once; the oldest makes room for one more.
const CLIENTS_MAX: usize = 8;

/// What the service is told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Order {
    /// The activation button.
    Activate,
    /// Look for an update.
    CheckUpdate,
    /// Ask the license's server.
    License(Op),
    /// Content that came as a file: its media type and octets.
    Open(Box<(String, Vec<u8>)>),
    /// The user answers.
    Answer(Answer),
}

/// A file that may not grow becomes an error of the write, where it would be the end of the process.
pub(crate) fn bear_file_limits() -> io::Result<()> {
    signal_hook::flag::register(SIGXFSZ, Arc::new(AtomicBool::new(false))).map(drop)
}

/// The socket, open.
#[derive(Debug)]
pub(crate) struct Door {
    path: PathBuf,
    listener: UnixListener,
    signals: UnixStream,
    clients: Vec<Client>,
    shared: Shared,
    orders: Sender<Order>,
}

#[derive(Debug)]
struct Client {
    stream: UnixStream,
    /// The beginning of a line.
    line: Vec<u8>,
}

/// What is left of a client after it was heard.
enum Heard {
    Stays,
    Gone,
    /// It asked for the end.
    Stop,
}

impl Door {
    /// Opens the socket at `path`, in a folder that is there, for its owner and group; and takes the signals.
    pub(crate) fn open(path: &Path, shared: Shared, orders: Sender<Order>) -> anyhow::Result<Self> {
        let about = || format!("socket {}", path.display());
        match UnixStream::connect(path) {
            Ok(_) => bail!("{}: another service listens there", about()),
            // what a service left behind that was killed
            Err(error) if error.kind() == ErrorKind::ConnectionRefused => {
                fs::remove_file(path).with_context(about)?;
            }
            Err(_) => {}
        }
        let listener = UnixListener::bind(path).with_context(about)?;
        fs::set_permissions(path, Permissions::from_mode(0o660)).with_context(about)?;
        listener.set_nonblocking(true)?;
        let (signals, told) = UnixStream::pair()?;
        signals.set_nonblocking(true)?;
        for signal in [SIGTERM, SIGINT] {
            signal_hook::low_level::pipe::register(signal, told.try_clone()?)?;
        }
        Ok(Self { path: path.to_owned(), listener, signals, clients: Vec::new(), shared, orders })
    }

    /// Answers until it is told to stop, and then ends the process.
    pub(crate) fn attend(mut self) {
        loop {
            if let Err(error) = self.round() {
                log::error!("socket: {error}");
                self.stop("the socket is gone");
            }
        }
    }

    /// Waits until somebody wants something, and serves them.
    fn round(&mut self) -> io::Result<()> {
        let mut waiting: Vec<_> =
            [PollFd::new(&self.signals, PollFlags::IN), PollFd::new(&self.listener, PollFlags::IN)]
                .into_iter()
                .chain(self.clients.iter().map(|client| PollFd::new(&client.stream, PollFlags::IN)))
                .collect();
        match poll(&mut waiting, None) {
            Err(rustix::io::Errno::INTR) => return Ok(()),
            other => other?,
        };
        let ready: Vec<_> = waiting.iter().map(|waiting| !waiting.revents().is_empty()).collect();
        drop(waiting);
        if ready[0] {
            self.stop("signal");
        }
        let mut heard = ready[2..].iter();
        let (shared, orders) = (&self.shared, &self.orders);
        let mut stop = false;
        self.clients.retain_mut(|client| {
            if heard.next() != Some(&true) {
                return true;
            }
            match client.hear(shared, orders) {
                Heard::Stays => true,
                Heard::Gone => false,
                Heard::Stop => {
                    stop = true;
                    false
                }
            }
        });
        if stop {
            self.stop("asked to");
        }
        if ready[1] {
            self.let_in()?;
        }
        Ok(())
    }

    fn let_in(&mut self) -> io::Result<()> {
        let stream = match self.listener.accept() {
            Ok((stream, _)) => stream,
            // gone again, or too many files: nothing to answer
            Err(error) => {
                log::debug!("socket: {error}");
                return Ok(());
            }
        };
        stream.set_nonblocking(true)?;
        if self.clients.len() == CLIENTS_MAX {
            self.clients.remove(0);
        }
        self.clients.push(Client { stream, line: Vec::new() });
        Ok(())
    }

    /// Ends the process, between two changes of the flash.
    fn stop(&self, why: &str) -> ! {
        let _closed = self.shared.gate();
        log::info!("stopped: {why}");
        // if it cannot be removed, the next start does it
        let _ = fs::remove_file(&self.path);
        std::process::exit(0)
    }
}

impl Client {
    /// Takes what has arrived, and answers each line that is complete.
    fn hear(&mut self, shared: &Shared, orders: &Sender<Order>) -> Heard {
        let (mut octets, mut after) = ([0; 512], Heard::Stays);
        loop {
            match self.stream.read(&mut octets) {
                Ok(0) => {
                    // it may still listen
                    after = Heard::Gone;
                    break;
                }
                Ok(n) => self.line.extend_from_slice(&octets[..n]),
                Err(error) if error.kind() == ErrorKind::WouldBlock => break,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(_) => return Heard::Gone,
            }
            if self.line.len() > LINE_MAX {
                let _ =
                    self.say(&Reply::refused("the line is too long", format!("at most {LINE_MAX} octets")));
                return Heard::Gone;
            }
        }
        while let Some(end) = self.line.iter().position(|octet| *octet == b'\n') {
            let line: Vec<_> = self.line.drain(..=end).collect();
            let request = serde_json::from_slice(&line);
            let reply = match &request {
                Ok(request) => answer(request, shared, orders),
                Err(error) => Reply::refused(format!("not a request: {error}"), r#"{"do":"status"} is one"#),
            };
            if self.say(&reply).is_err() {
                return Heard::Gone;
            }
            if matches!(request, Ok(Request::Stop)) {
                return Heard::Stop;
            }
        }
        after
    }

    /// A reply fits the socket's buffer; a client that lets them pile up is let go.
    fn say(&mut self, reply: &Reply) -> io::Result<()> {
        let mut line = serde_json::to_vec(reply)?;
        line.push(b'\n');
        self.stream.write_all(&line)
    }
}

/// Whether a request is about the license, which not every device has.
fn is_for_license(request: &Request) -> bool {
    match request {
        Request::License { .. } => true,
        Request::Open { media_type, .. } => {
            let media_type = MediaType::parse(media_type);
            media_type.is_ok_and(|media_type| handler(&media_type, Origin::File) == Ok(Handler::License))
        }
        _ => false,
    }
}

/// What a request comes to.
fn answer(request: &Request, shared: &Shared, orders: &Sender<Order>) -> Reply {
    let question = shared.status().question;
    let order = match (request, question) {
        (Request::Status, _) => return Reply { status: Some(shared.status()), ..Reply::done() },
        (Request::Stop, _) => return Reply::done(),
        (Request::Activate | Request::CheckUpdate, Some(_)) => {
            return Reply::refused("a question waits for its answer", "kedgectl status shows it");
        }
        (request, _) if is_for_license(request) && shared.status().license.is_none() => {
            return Reply::refused("this device has no license to care for", "add [license] to agentd.toml");
        }
        (Request::License { want }, _) => Order::License(match want {
            Want::Activate => Op::ACTIVATE,
            Want::MyAccount => Op::MY_ACCOUNT,
            Want::Refresh => Op::REFRESH,
            Want::Release => Op::RELEASE,
        }),
        (Request::Open { media_type, hex }, _) => match octets(hex) {
            Some(document) => Order::Open(Box::new((media_type.clone(), document))),
            None => return Reply::refused("the document is not hexadecimal", "kedgectl open FILE"),
        },
        (Request::Activate, None) => Order::Activate,
        (Request::CheckUpdate, None) => Order::CheckUpdate,
        (Request::Install, Some(Question::Install { .. })) => Order::Answer(Answer::Yes),
        (Request::Defer, Some(Question::Install { .. })) => Order::Answer(Answer::Later),
        (Request::Answer { yes }, Some(Question::Network { .. })) => {
            Order::Answer(if *yes { Answer::Yes } else { Answer::No })
        }
        (Request::Install | Request::Defer, _) => {
            return Reply::refused("no update waits for an answer", "kedgectl check-update looks for one");
        }
        (Request::Answer { .. }, _) => {
            return Reply::refused("the network asks nothing", "kedgectl status shows what waits");
        }
    };
    if let Order::Answer(_) = order {
        // it is answered, once
        shared.tell(|status| status.question = None);
    }
    match orders.send(order) {
        Ok(()) => Reply::done(),
        Err(_) => Reply::refused("the service is ending", "ask again in a moment"),
    }
}

//! The operator as real servers: http and https on loopback, HTTP/1.1 with keep-alive.
//!
//! hyper with tokio does the HTTP and rustls (on ring) the TLS: the lighter servers alive on the registry either lack
//! TLS or bring a rustls of years ago. One thread runs everything.
//!
//! Host names are the operator's own; a client reaches them by resolving every one of [`crate::HOSTS`] to the address of
//! the scheme's port, and by trusting the certificate authority that was made at the start. Every other host is the
//! provisioning server's, if there is one.

mod body;
mod tls;

use crate::http::Target;
use crate::http::{Request, Response};
use crate::operator::{BODY_LIMIT, Operator};
use crate::provisioning::{PROVISIONING_HOST, Provisioning};
use body::Played;
use http_body_util::{BodyExt, Limited};
use hyper::body::{Body as _, Incoming};
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio_rustls::TlsAcceptor;

/// How long a client may take for the head of a request, and for the TLS handshake.
const PATIENCE: Duration = Duration::from_secs(30);

/// How long an exchange under way may take once the server is stopping.
const GRACE: Duration = Duration::from_secs(2);

/// How a browser on the same machine reaches the provisioning server; the certificate names it too.
const LOCAL: &str = "localhost";

/// What is told of every exchange: the request, and the response as it goes out.
pub type Watcher = Box<dyn Fn(&Request, &Response) + Send + Sync>;

/// An operator that is reachable. Dropping it stops the servers and waits for the exchanges under way.
#[derive(Debug)]
pub struct Running {
    /// Where http is answered.
    pub http: SocketAddr,
    /// Where https is answered.
    pub https: SocketAddr,
    /// Where what a modem has decrypted is answered: plain HTTP that counts as https, for boards without TLS of their own.
    pub offloaded: SocketAddr,
    /// The certificate authority to trust, in PEM.
    pub ca_pem: String,
    /// The operator; do not hold the lock while an exchange is under way.
    pub operator: Arc<Mutex<Operator>>,
    stop: watch::Sender<bool>,
    thread: Option<JoinHandle<()>>,
}

/// How requests arrive at a port.
#[derive(Clone)]
enum Transport {
    Plain,
    Tls(TlsAcceptor),
    /// TLS ended at a modem.
    Offloaded,
}

/// Starts the servers on three free ports of the loopback interface.
pub fn serve(operator: Arc<Mutex<Operator>>, watcher: Option<Watcher>) -> io::Result<Running> {
    Service { watcher, ..Service::new(operator) }.start()
}

/// The time, in seconds since 1970.
pub type WallClock = Box<dyn Fn() -> u64 + Send + Sync>;

/// Servers that are to be started.
pub struct Service {
    /// The operator.
    pub operator: Arc<Mutex<Operator>>,
    /// The provisioning server, and its clock.
    pub provisioning: Option<(Arc<Mutex<Provisioning>>, WallClock)>,
    /// Ports of http and https on the loopback interface; 0: a free one.
    pub ports: (u16, u16),
    /// What is told of every exchange.
    pub watcher: Option<Watcher>,
}

impl Service {
    /// The operator alone, on free ports.
    pub fn new(operator: Arc<Mutex<Operator>>) -> Self {
        Self { operator, provisioning: None, ports: (0, 0), watcher: None }
    }

    /// Starts the servers.
    pub fn start(self) -> io::Result<Running> {
        let hosts: Vec<&str> = crate::HOSTS.into_iter().chain([PROVISIONING_HOST, LOCAL]).collect();
        let identity = tls::Identity::make(&hosts).map_err(io::Error::other)?;
        let runtime = tokio::runtime::Builder::new_current_thread().enable_io().enable_time().build()?;
        let bind = |port| runtime.block_on(TcpListener::bind((Ipv4Addr::LOCALHOST, port)));
        let (plain, secure, decrypted) = (bind(self.ports.0)?, bind(self.ports.1)?, bind(0)?);
        let (http, https) = (plain.local_addr()?, secure.local_addr()?);
        let offloaded = decrypted.local_addr()?;
        let operator = Arc::clone(&self.operator);
        let shared = Arc::new(Shared { service: self, begun: Instant::now() });
        let acceptor = identity.acceptor().map_err(io::Error::other)?;
        let (stop, stopped) = watch::channel(false);
        let thread = std::thread::Builder::new().name("operator".to_owned()).spawn(move || {
            let plain = accept(plain, Transport::Plain, Arc::clone(&shared), stopped.clone());
            let secure = accept(secure, Transport::Tls(acceptor), Arc::clone(&shared), stopped.clone());
            let decrypted = accept(decrypted, Transport::Offloaded, shared, stopped);
            runtime.block_on(async { tokio::join!(plain, secure, decrypted) });
        })?;
        Ok(Running { http, https, offloaded, ca_pem: identity.ca_pem, operator, stop, thread: Some(thread) })
    }
}

impl Running {
    /// Stops the servers and waits for the exchanges under way. Dropping does the same.
    pub fn stop(mut self) {
        self.halt();
    }

    fn halt(&mut self) {
        let _ = self.stop.send(true); // fails when the thread is gone already
        if let Some(thread) = self.thread.take() {
            let _ = thread.join(); // a panic there has been printed there
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.halt();
    }
}

struct Shared {
    service: Service,
    begun: Instant,
}

impl Shared {
    fn exchange(&self, tls: bool, request: &Request) -> Response {
        let Service { operator, provisioning, watcher, .. } = &self.service;
        let own = Target::parse(&request.url).is_some_and(|target| crate::HOSTS.contains(&target.host));
        let response = match provisioning {
            Some((server, now)) if !own => {
                let mut server = server.lock().unwrap_or_else(PoisonError::into_inner);
                server.exchange(now(), request)
            }
            _ => {
                let mut operator = operator.lock().unwrap_or_else(PoisonError::into_inner);
                operator.exchange(self.begun.elapsed(), tls, request)
            }
        };
        if let Some(watcher) = watcher {
            watcher(request, &response);
        }
        response
    }
}

/// Accepts connections until stopped, then lets each finish the exchange it is in.
async fn accept(
    listener: TcpListener,
    transport: Transport,
    shared: Arc<Shared>,
    mut stopped: watch::Receiver<bool>,
) {
    let mut connections = tokio::task::JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => {
                let Ok((stream, _)) = accepted else { continue };
                connections.spawn(connection(stream, transport.clone(), Arc::clone(&shared), stopped.clone()));
            }
            Some(_) = connections.join_next() => {}
            _ = stopped.changed() => break,
        }
    }
    while connections.join_next().await.is_some() {}
}

async fn connection(
    stream: TcpStream,
    transport: Transport,
    shared: Arc<Shared>,
    mut stopped: watch::Receiver<bool>,
) {
    let _ = stream.set_nodelay(true); // only slower without
    match transport {
        Transport::Plain => talk(stream, false, shared, stopped).await,
        Transport::Offloaded => talk(stream, true, shared, stopped).await,
        Transport::Tls(acceptor) => {
            let handshake = tokio::time::timeout(PATIENCE, acceptor.accept(stream));
            tokio::select! {
                // A client that refuses the certificate has nothing to say here.
                done = handshake => if let Ok(Ok(stream)) = done { talk(stream, true, shared, stopped).await },
                _ = stopped.changed() => {}
            }
        }
    }
}

async fn talk<S>(stream: S, tls: bool, shared: Arc<Shared>, mut stopped: watch::Receiver<bool>)
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let service = service_fn(|request| answer(request, tls, &shared));
    let mut server = hyper::server::conn::http1::Builder::new();
    server
        .timer(TokioTimer::new())
        // A client may end its side as soon as it has asked.
        .half_close(true)
        .header_read_timeout(PATIENCE);
    let mut connection = core::pin::pin!(server.serve_connection(TokioIo::new(stream), service));
    // Errors of a connection end it: the client has gone, or a cut was played.
    tokio::select! {
        _ = connection.as_mut() => return,
        _ = stopped.wait_for(|stop| *stop) => connection.as_mut().graceful_shutdown(),
    }
    let _ = tokio::time::timeout(GRACE, connection).await;
}

async fn answer(
    request: hyper::Request<Incoming>,
    tls: bool,
    shared: &Shared,
) -> Result<hyper::Response<Played>, hyper::http::Error> {
    let response = match whole(request, tls).await {
        Ok(request) => shared.exchange(tls, &request),
        Err(status) => Response::new(status),
    };
    let mut built = hyper::Response::builder().status(response.status);
    for (name, value) in &response.headers {
        built = built.header(name, value);
    }
    let announced = response.header("Content-Length").and_then(|length| length.parse().ok());
    built.body(Played::new(response.body, announced))
}

/// Reads a request to its end; refuses one without a host and one whose body is too large.
async fn whole(request: hyper::Request<Incoming>, tls: bool) -> Result<Request, u16> {
    let (head, body) = request.into_parts();
    let authority = head.headers.get("Host").and_then(|host| host.to_str().ok()).ok_or(400_u16)?;
    let path = head.uri.path_and_query().map_or("/", |path| path.as_str());
    let scheme = if tls { "https" } else { "http" };
    // The operator's URLs have no ports; the loopback ports are the transport's affair.
    let host = authority.split(':').next().unwrap_or_default();
    let url = format!("{scheme}://{host}{path}");
    if body.size_hint().lower() > BODY_LIMIT as u64 {
        return Err(413);
    }
    let body = Limited::new(body, BODY_LIMIT).collect().await.map_err(|_| 413_u16)?.to_bytes().to_vec();
    let text = |value: &hyper::header::HeaderValue| String::from_utf8_lossy(value.as_bytes()).into_owned();
    let headers = head.headers.iter().map(|(name, value)| (name.to_string(), text(value))).collect();
    Ok(Request { method: head.method.to_string(), url, headers, body })
}

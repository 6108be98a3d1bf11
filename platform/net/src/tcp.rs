//! TCP on a network card, by smoltcp: one connection at a time.
//!
//! Nothing runs in between: frames go in and out while a call waits, and only then.

use core::fmt;
use core::time::Duration;

use kedge_platform::http::{Error, ErrorKind};
use smoltcp::iface::{Config, Interface, SocketHandle, SocketSet, SocketStorage};
use smoltcp::phy::Device;
use smoltcp::socket::AnySocket;
use smoltcp::socket::tcp::{RecvError, Socket, SocketBuffer, State};
use smoltcp::time::Instant;
use smoltcp::wire::{EthernetAddress, HardwareAddress, IpAddress, IpCidr, Ipv4Cidr};

/// The first port that connections are made from (RFC 6335: the dynamic ones); each has the next one.
const FIRST_PORT: u16 = 49152;
/// Octets that a connection takes in before they are read, and keeps until they are acknowledged.
const RECEIVE: usize = 8 * 1024;
const SEND: usize = 4 * 1024;
/// Sockets at most: the connection, and the three of a [`Lan`](crate::lan::Lan).
const SOCKETS: usize = 4;

/// Why there is no connection, or no more of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Broken {
    /// The card is missing, or it failed.
    NoCard,
    /// The network gave no address.
    NoAddress,
    /// Nobody knows the name.
    NoName,
    /// The other side refused, or ended it.
    Closed,
    /// Nothing came in time.
    TimedOut,
}

impl fmt::Display for Broken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NoCard => "no network card that works",
            Self::NoAddress => "the network gave no address",
            Self::NoName => "nobody knows the name",
            Self::Closed => "the other side closed the connection",
            Self::TimedOut => "nothing came in time",
        })
    }
}

impl core::error::Error for Broken {}

impl Error for Broken {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::NoCard | Self::NoAddress => ErrorKind::NotConnected,
            Self::NoName => ErrorKind::NotFound,
            Self::Closed => ErrorKind::ConnectionReset,
            Self::TimedOut => ErrorKind::TimedOut,
        }
    }
}

/// Memory of the sockets, which is larger than a stack should bear.
#[derive(Debug)]
pub struct Memory {
    receive: [u8; RECEIVE],
    send: [u8; SEND],
    sockets: [SocketStorage<'static>; SOCKETS],
}

impl Memory {
    /// Fresh memory.
    pub const fn new() -> Self {
        Self { receive: [0; RECEIVE], send: [0; SEND], sockets: [SocketStorage::EMPTY; SOCKETS] }
    }
}

impl Default for Memory {
    fn default() -> Self {
        Self::new()
    }
}

/// What a network is made with, besides card and memory.
#[derive(Clone, Copy, Debug)]
pub struct Settings {
    /// The card's own address.
    pub hardware: [u8; 6],
    /// Random: where port numbers and sequence numbers begin.
    pub seed: u64,
    /// The uptime.
    pub now: fn() -> Duration,
    /// How long the other side may be silent.
    pub patience: Duration,
}

/// The card, the protocols on it, and the one connection.
pub struct Tcp<D> {
    card: D,
    interface: Interface,
    sockets: SocketSet<'static>,
    socket: SocketHandle,
    port: u16,
    settings: Settings,
}

impl<D> fmt::Debug for Tcp<D> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tcp").field("settings", &self.settings).finish_non_exhaustive()
    }
}

impl<D: Device> Tcp<D> {
    /// A network on this card, without an address of its own.
    pub fn new(mut card: D, memory: &'static mut Memory, settings: Settings) -> Self {
        let Memory { receive, send, sockets } = memory;
        let mut config = Config::new(HardwareAddress::Ethernet(EthernetAddress(settings.hardware)));
        config.random_seed = settings.seed;
        let interface = Interface::new(config, &mut card, instant(settings.now));
        let mut sockets = SocketSet::new(&mut sockets[..]);
        let buffers = (SocketBuffer::new(&mut receive[..]), SocketBuffer::new(&mut send[..]));
        let socket = sockets.add(Socket::new(buffers.0, buffers.1));
        let [low, high, ..] = settings.seed.to_le_bytes();
        // somewhere in the first quarter of the dynamic ports
        let port = FIRST_PORT.saturating_add(u16::from_le_bytes([low, high]) >> 4);
        Self { card, interface, sockets, socket, port, settings }
    }

    /// Gives it an address in a network, in place of the one it had, and the router out of that network.
    pub fn set_address(&mut self, own: Ipv4Cidr, router: Option<[u8; 4]>) {
        self.interface.update_ip_addrs(|addresses| {
            addresses.clear();
            // there is room for two
            let _ = addresses.push(IpCidr::Ipv4(own));
        });
        let routes = self.interface.routes_mut();
        routes.remove_default_ipv4_route();
        if let Some(router) = router {
            // the only route there is
            let _ = routes.add_default_ipv4_route(router.into());
        }
    }

    /// Connects to an address; what was connected before is dropped.
    pub fn connect_to(&mut self, address: IpAddress, port: u16) -> Result<(), Broken> {
        self.hang_up();
        self.port = self.port.checked_add(1).unwrap_or(FIRST_PORT);
        let own = self.port;
        let context = self.interface.context();
        let socket = self.sockets.get_mut::<Socket<'_>>(self.socket);
        socket.connect(context, (address, port), own).map_err(|_| Broken::NoAddress)?;
        self.wait(self.socket, |socket: &mut Socket<'_>| match socket.state() {
            State::SynSent | State::SynReceived => None,
            State::Established | State::CloseWait => Some(Ok(())),
            _ => Some(Err(Broken::Closed)),
        })
    }

    /// Sends all of `octets`.
    pub fn send_all(&mut self, octets: &[u8]) -> Result<(), Broken> {
        let mut rest = octets;
        while !rest.is_empty() {
            let sent = self.wait(self.socket, |socket: &mut Socket<'_>| match socket.send_slice(rest) {
                Ok(0) => None,
                Ok(n) => Some(Ok(n)),
                Err(_) => Some(Err(Broken::Closed)),
            })?;
            rest = rest.get(sent..).unwrap_or_default();
        }
        Ok(())
    }

    /// Takes what has come, waiting for it; 0: the other side has ended well.
    pub fn take(&mut self, octets: &mut [u8]) -> Result<usize, Broken> {
        self.wait(self.socket, |socket: &mut Socket<'_>| match socket.recv_slice(octets) {
            Ok(0) => None,
            Ok(n) => Some(Ok(n)),
            Err(RecvError::Finished) => Some(Ok(0)),
            Err(RecvError::InvalidState) => Some(Err(Broken::Closed)),
        })
    }

    /// Ends the connection at once.
    pub fn hang_up(&mut self) {
        self.sockets.get_mut::<Socket<'_>>(self.socket).abort();
        self.poll();
    }

    /// The card.
    pub const fn card(&mut self) -> &mut D {
        &mut self.card
    }

    /// Adds a socket.
    #[cfg(feature = "lan")]
    pub(crate) fn add<T: AnySocket<'static>>(&mut self, socket: T) -> SocketHandle {
        self.sockets.add(socket)
    }

    /// A socket that was added, and what it is used with.
    #[cfg(feature = "lan")]
    pub(crate) fn get<T: AnySocket<'static>>(
        &mut self,
        handle: SocketHandle,
    ) -> (&mut T, &mut smoltcp::iface::Context) {
        (self.sockets.get_mut::<T>(handle), self.interface.context())
    }

    /// Lets frames go in and out until `ready` says something.
    pub(crate) fn wait<S: AnySocket<'static>, T>(
        &mut self,
        socket: SocketHandle,
        mut ready: impl FnMut(&mut S) -> Option<Result<T, Broken>>,
    ) -> Result<T, Broken> {
        let end = (self.settings.now)().saturating_add(self.settings.patience);
        loop {
            self.poll();
            if let Some(done) = ready(self.sockets.get_mut::<S>(socket)) {
                self.poll();
                return done;
            }
            if (self.settings.now)() > end {
                return Err(Broken::TimedOut);
            }
        }
    }

    /// Lets frames go in and out once.
    pub(crate) fn poll(&mut self) {
        self.interface.poll(instant(self.settings.now), &mut self.card, &mut self.sockets);
    }
}

fn instant(now: fn() -> Duration) -> Instant {
    Instant::from_micros(i64::try_from(now().as_micros()).unwrap_or(i64::MAX))
}

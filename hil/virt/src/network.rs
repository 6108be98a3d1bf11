//! The network: the machine's virtio card under smoltcp, one TCP connection at a time.
//!
//! The emulator's user-mode network gives every guest the same addresses, so none are asked for.

use crate::clock::since_power_on;
use core::cell::UnsafeCell;
use core::ptr::NonNull;
use core::sync::atomic::{AtomicUsize, Ordering};
use core::time::Duration;
use smoltcp::iface::{Config, Interface, SocketHandle, SocketSet, SocketStorage};
use smoltcp::phy::{self, DeviceCapabilities, Medium};
use smoltcp::socket::tcp::{Socket, SocketBuffer, State};
use smoltcp::time::Instant;
use smoltcp::wire::{EthernetAddress, HardwareAddress, IpAddress, IpCidr};
use virtio_drivers::device::net::VirtIONetRaw;
use virtio_drivers::transport::mmio::{MmioTransport, VirtIOHeader};
use virtio_drivers::transport::{DeviceType, Transport};
use virtio_drivers::{BufferDirection, Hal, PAGE_SIZE, PhysAddr};

/// Where the machine has its virtio devices, and how many.
const DEVICES: usize = 0x1000_1000;
const DEVICE: usize = 0x1000;
const MOST_DEVICES: usize = 8;

/// The addresses of the emulator's user-mode network: the guest's, and the host's.
const OWN: IpAddress = IpAddress::v4(10, 0, 2, 15);
const HOST: IpAddress = IpAddress::v4(10, 0, 2, 2);

/// The first port that connections are made from; each has the next one.
const FIRST_PORT: u16 = 49152;

/// Descriptors of each of the card's queues.
const QUEUE: usize = 16;
/// Octets of a frame, with room for the card's own head.
const FRAME: usize = 1600;
/// Frames that may wait to be taken.
const WAITING: usize = 4;
/// Octets that a connection takes in before they are read, and keeps until they are acknowledged.
const RECEIVE: usize = 8 * 1024;
const SEND: usize = 4 * 1024;

/// Why there is no connection, or no more of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Broken {
    /// The card is missing or failed.
    NoCard,
    /// The other side refused, or ended it.
    Closed,
    /// Nothing came in time.
    TimedOut,
}

/// Memory of a network, which is larger than a stack should bear.
pub struct Memory {
    receive: [u8; RECEIVE],
    send: [u8; SEND],
    frames: [[u8; FRAME]; WAITING],
    sockets: [SocketStorage<'static>; 1],
}

impl Memory {
    /// Fresh memory.
    pub const fn new() -> Self {
        Self {
            receive: [0; RECEIVE],
            send: [0; SEND],
            frames: [[0; FRAME]; WAITING],
            sockets: [SocketStorage::EMPTY],
        }
    }
}

impl Default for Memory {
    fn default() -> Self {
        Self::new()
    }
}

/// The card, the protocols on it, and the one connection.
pub struct Network {
    card: Card,
    interface: Interface,
    sockets: SocketSet<'static>,
    socket: SocketHandle,
    port: u16,
}

impl Network {
    /// Finds the card and starts it.
    pub fn start(memory: &'static mut Memory) -> Result<Self, Broken> {
        let Memory { receive, send, frames, sockets } = memory;
        let mut card = Card::find(frames).ok_or(Broken::NoCard)?;
        let address = HardwareAddress::Ethernet(EthernetAddress(card.net.mac_address()));
        let mut interface = Interface::new(Config::new(address), &mut card, now());
        interface.update_ip_addrs(|addresses| {
            // there is room for two
            let _ = addresses.push(IpCidr::new(OWN, 24));
        });
        let mut sockets = SocketSet::new(&mut sockets[..]);
        let socket =
            sockets.add(Socket::new(SocketBuffer::new(&mut receive[..]), SocketBuffer::new(&mut send[..])));
        Ok(Self { card, interface, sockets, socket, port: FIRST_PORT })
    }

    /// Connects to a port of the host; what was connected before is dropped.
    pub fn connect(&mut self, port: u16, patience: Duration) -> Result<(), Broken> {
        self.hang_up();
        self.port = self.port.checked_add(1).unwrap_or(FIRST_PORT);
        let own = self.port;
        let context = self.interface.context();
        let socket = self.sockets.get_mut::<Socket<'_>>(self.socket);
        socket.connect(context, (HOST, port), own).map_err(|_| Broken::Closed)?;
        self.wait(patience, |socket| match socket.state() {
            State::SynSent | State::SynReceived => None,
            State::Established | State::CloseWait => Some(Ok(())),
            _ => Some(Err(Broken::Closed)),
        })
    }

    /// Sends all of `octets`.
    pub fn send(&mut self, octets: &[u8], patience: Duration) -> Result<(), Broken> {
        let mut rest = octets;
        while !rest.is_empty() {
            let sent = self.wait(patience, |socket| match socket.send_slice(rest) {
                Ok(0) => None,
                Ok(n) => Some(Ok(n)),
                Err(_) => Some(Err(Broken::Closed)),
            })?;
            rest = &rest[sent..];
        }
        Ok(())
    }

    /// Takes what has come, waiting for it; 0: the other side has ended well.
    pub fn receive(&mut self, octets: &mut [u8], patience: Duration) -> Result<usize, Broken> {
        use smoltcp::socket::tcp::RecvError;
        self.wait(patience, |socket| match socket.recv_slice(octets) {
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

    /// Lets frames go in and out until `ready` says something.
    fn wait<T>(
        &mut self,
        patience: Duration,
        mut ready: impl FnMut(&mut Socket<'_>) -> Option<Result<T, Broken>>,
    ) -> Result<T, Broken> {
        let end = since_power_on() + patience;
        loop {
            self.poll();
            if let Some(done) = ready(self.sockets.get_mut::<Socket<'_>>(self.socket)) {
                self.poll();
                return done;
            }
            if since_power_on() > end {
                return Err(Broken::TimedOut);
            }
        }
    }

    fn poll(&mut self) {
        self.interface.poll(now(), &mut self.card, &mut self.sockets);
    }
}

fn now() -> Instant {
    Instant::from_micros(i64::try_from(since_power_on().as_micros()).unwrap_or(i64::MAX))
}

/// The card. Frames that it is to fill are its own until it says so.
struct Card {
    net: VirtIONetRaw<Pages, MmioTransport<'static>, QUEUE>,
    frames: &'static mut [[u8; FRAME]; WAITING],
    /// Which request fills which frame.
    tokens: [u16; WAITING],
    send: [u8; FRAME],
}

impl Card {
    fn find(frames: &'static mut [[u8; FRAME]; WAITING]) -> Option<Self> {
        let headers = (0..MOST_DEVICES)
            .map(|n| core::ptr::with_exposed_provenance_mut::<VirtIOHeader>(DEVICES + n * DEVICE));
        let mut transports = headers.filter_map(|header| {
            // SAFETY: the registers of one of the machine's virtio places; each is looked at once.
            unsafe { MmioTransport::new(NonNull::new(header)?, DEVICE) }.ok()
        });
        let transport = transports.find(|transport| transport.device_type() == DeviceType::Network)?;
        let mut net = VirtIONetRaw::new(transport).ok()?;
        let mut tokens = [0; WAITING];
        for (token, frame) in tokens.iter_mut().zip(frames.iter_mut()) {
            // SAFETY: the frame is not looked at before the request is complete (`receive`).
            *token = unsafe { net.receive_begin(frame) }.ok()?;
        }
        Some(Self { net, frames, tokens, send: [0; FRAME] })
    }
}

impl phy::Device for Card {
    type RxToken<'a> = Received;
    type TxToken<'a> = Sending<'a>;

    fn receive(&mut self, _: Instant) -> Option<(Received, Sending<'_>)> {
        let token = self.net.poll_receive()?;
        let at = self.tokens.iter().position(|known| *known == token)?;
        let frame = self.frames.get_mut(at)?;
        // SAFETY: the frame that this request was begun with.
        let (head, len) = unsafe { self.net.receive_complete(token, frame) }.ok()?;
        let mut octets = [0; FRAME];
        octets.get_mut(..len)?.copy_from_slice(frame.get(head..head + len)?);
        // SAFETY: as in `find`; what the frame held was copied.
        *self.tokens.get_mut(at)? = unsafe { self.net.receive_begin(frame) }.ok()?;
        Some((Received { octets, len }, Sending { net: &mut self.net, octets: &mut self.send }))
    }

    fn transmit(&mut self, _: Instant) -> Option<Sending<'_>> {
        self.net.can_send().then_some(Sending { net: &mut self.net, octets: &mut self.send })
    }

    fn capabilities(&self) -> DeviceCapabilities {
        let mut capabilities = DeviceCapabilities::default();
        capabilities.medium = Medium::Ethernet;
        capabilities.max_transmission_unit = 1514;
        capabilities.max_burst_size = Some(WAITING);
        capabilities
    }
}

/// A frame that came.
struct Received {
    octets: [u8; FRAME],
    len: usize,
}

impl phy::RxToken for Received {
    fn consume<R, F: FnOnce(&[u8]) -> R>(self, take: F) -> R {
        take(self.octets.get(..self.len).unwrap_or_default())
    }
}

/// Room for a frame that goes out.
struct Sending<'c> {
    net: &'c mut VirtIONetRaw<Pages, MmioTransport<'static>, QUEUE>,
    octets: &'c mut [u8; FRAME],
}

impl phy::TxToken for Sending<'_> {
    fn consume<R, F: FnOnce(&mut [u8]) -> R>(self, len: usize, fill: F) -> R {
        let frame = &mut self.octets[..len];
        let result = fill(frame);
        // a frame that the card does not take is lost, as on any network
        let _ = self.net.send(frame);
        result
    }
}

/// Pages that the card reads and writes: queues take two or three each, and are never given back.
struct Pages;

const PAGES: usize = 8;

#[repr(C, align(4096))]
struct Pool(UnsafeCell<[[u8; PAGE_SIZE]; PAGES]>);

// SAFETY: one processor without interrupts, and each page is handed out once (`TAKEN`).
unsafe impl Sync for Pool {}

static POOL: Pool = Pool(UnsafeCell::new([[0; PAGE_SIZE]; PAGES]));
static TAKEN: AtomicUsize = AtomicUsize::new(0);

// SAFETY: pages are handed out once, aligned and zero as they were at the start; addresses are physical ones here.
unsafe impl Hal for Pages {
    fn dma_alloc(pages: usize, _: BufferDirection) -> (PhysAddr, NonNull<u8>) {
        let first = TAKEN.load(Ordering::Relaxed);
        if first + pages > PAGES {
            return (0, NonNull::dangling());
        }
        TAKEN.store(first + pages, Ordering::Relaxed);
        let start = POOL.0.get().cast::<u8>().wrapping_add(first * PAGE_SIZE);
        NonNull::new(start)
            .map_or((0, NonNull::dangling()), |start| (start.as_ptr().expose_provenance() as PhysAddr, start))
    }

    unsafe fn dma_dealloc(_: PhysAddr, _: NonNull<u8>, _: usize) -> i32 {
        0
    }

    unsafe fn mmio_phys_to_virt(address: PhysAddr, _: usize) -> NonNull<u8> {
        NonNull::new(core::ptr::with_exposed_provenance_mut(address as usize)).unwrap_or(NonNull::dangling())
    }

    unsafe fn share(buffer: NonNull<[u8]>, _: BufferDirection) -> PhysAddr {
        buffer.as_ptr().cast::<u8>().expose_provenance() as PhysAddr
    }

    unsafe fn unshare(_: PhysAddr, _: NonNull<[u8]>, _: BufferDirection) {}
}

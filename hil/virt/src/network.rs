//! The network: the machine's virtio card under `kedge-platform-net`.
//!
//! The emulator's user-mode network gives every guest the same addresses, so none are asked for.

use crate::clock::since_power_on;
use core::cell::UnsafeCell;
use core::ptr::NonNull;
use core::sync::atomic::{AtomicUsize, Ordering};
use core::time::Duration;
pub use kedge_platform_net::tcp::Broken;
use kedge_platform_net::tcp::{self, Settings, Tcp};
use kedge_platform_net::{Stream, Target};
use smoltcp::phy::{self, DeviceCapabilities, Medium};
use smoltcp::time::Instant;
use smoltcp::wire::{IpAddress, Ipv4Address, Ipv4Cidr};
use virtio_drivers::device::net::VirtIONetRaw;
use virtio_drivers::transport::mmio::{MmioTransport, VirtIOHeader};
use virtio_drivers::transport::{DeviceType, Transport};
use virtio_drivers::{BufferDirection, Hal, PAGE_SIZE, PhysAddr};

/// Where the machine has its virtio devices, and how many.
const DEVICES: usize = 0x1000_1000;
const DEVICE: usize = 0x1000;
const MOST_DEVICES: usize = 8;

/// The addresses of the emulator's user-mode network: the guest's, and the host's.
const OWN: Ipv4Cidr = Ipv4Cidr::new(Ipv4Address::new(10, 0, 2, 15), 24);
const HOST: IpAddress = IpAddress::v4(10, 0, 2, 2);

/// Descriptors of each of the card's queues.
const QUEUE: usize = 16;
/// Octets of a frame, with room for the card's own head.
const FRAME: usize = 1600;
/// Frames that may wait to be taken.
const WAITING: usize = 4;
/// How long the other side may be silent.
const PATIENCE: Duration = Duration::from_secs(20);

/// Memory of a network, which is larger than a stack should bear.
pub struct Memory {
    tcp: tcp::Memory,
    frames: [[u8; FRAME]; WAITING],
}

impl Memory {
    /// Fresh memory.
    pub const fn new() -> Self {
        Self { tcp: tcp::Memory::new(), frames: [[0; FRAME]; WAITING] }
    }
}

impl Default for Memory {
    fn default() -> Self {
        Self::new()
    }
}

/// The card, and TCP on it. Names are not looked up: the host answers for all of them, at one port for `http` and another for
/// `https`, behind which it stands for a modem that ends TLS. The board has none.
pub struct Network {
    tcp: Tcp<Card>,
    ports: (Option<u16>, Option<u16>),
}

impl Network {
    /// Finds the card and starts it; `ports` are the host's, for `http` and `https`.
    pub fn start(
        memory: &'static mut Memory,
        ports: (Option<u16>, Option<u16>),
        seed: u32,
    ) -> Result<Self, Broken> {
        let Memory { tcp, frames } = memory;
        let card = Card::find(frames).ok_or(Broken::NoCard)?;
        let hardware = card.net.mac_address();
        let settings = Settings { hardware, seed: seed.into(), now: since_power_on, patience: PATIENCE };
        let mut tcp = Tcp::new(card, tcp, settings);
        tcp.set_address(OWN, None);
        Ok(Self { tcp, ports })
    }
}

impl Stream for Network {
    type Error = Broken;

    fn connect(&mut self, target: &Target<'_>) -> Result<(), Broken> {
        let port = if target.secure { self.ports.1 } else { self.ports.0 };
        self.tcp.connect_to(HOST, port.ok_or(Broken::NoName)?)
    }

    fn send(&mut self, octets: &[u8]) -> Result<(), Broken> {
        self.tcp.send_all(octets)
    }

    fn flush(&mut self) -> Result<(), Broken> {
        Ok(())
    }

    fn receive(&mut self, octets: &mut [u8]) -> Result<usize, Broken> {
        self.tcp.take(octets)
    }
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

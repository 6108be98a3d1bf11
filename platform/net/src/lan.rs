//! A network that tells its members what they need: an address by DHCP, the addresses of names by DNS, the time by SNTP.

use core::fmt;

use smoltcp::iface::SocketHandle;
use smoltcp::phy::Device;
use smoltcp::socket::dhcpv4::Event;
use smoltcp::socket::dns::{DnsQuery, GetQueryResultError};
use smoltcp::socket::udp::{PacketBuffer, PacketMetadata};
use smoltcp::socket::{dhcpv4, dns, udp};
use smoltcp::wire::{DnsQueryType, IpAddress, Ipv4Address};

use crate::stream::{Stream, Target};
use crate::tcp::{self, Broken, Settings, Tcp};

/// Octets of an SNTP message (RFC 4330 §4), and its port.
const SNTP: usize = 48;
const SNTP_PORT: u16 = 123;
/// Leap indicator 0, version 4, mode 3: a client's request.
const SNTP_REQUEST: u8 = 0b00_100_011;
/// The mode of a server's answer.
const SNTP_SERVER: u8 = 4;
/// Seconds from 1900, where SNTP begins to count, to 1970.
const FROM_1900: u32 = 2_208_988_800;
/// Name servers that are asked at most.
const SERVERS: usize = 3;

/// Memory of the sockets.
#[derive(Debug)]
pub struct Memory {
    tcp: tcp::Memory,
    queries: [Option<DnsQuery>; 1],
    datagrams: [([PacketMetadata; 1], [u8; SNTP]); 2],
}

impl Memory {
    /// Fresh memory.
    pub const fn new() -> Self {
        let datagram = ([PacketMetadata::EMPTY], [0; SNTP]);
        Self { tcp: tcp::Memory::new(), queries: [const { None }; 1], datagrams: [datagram; 2] }
    }
}

impl Default for Memory {
    fn default() -> Self {
        Self::new()
    }
}

/// A network with what it told.
pub struct Lan<D> {
    tcp: Tcp<D>,
    dhcp: SocketHandle,
    dns: SocketHandle,
    time: SocketHandle,
    has_address: bool,
}

impl<D> fmt::Debug for Lan<D> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Lan")
            .field("tcp", &self.tcp)
            .field("has_address", &self.has_address)
            .finish_non_exhaustive()
    }
}

impl<D: Device> Lan<D> {
    /// A network on this card, which has no address yet.
    pub fn new(card: D, memory: &'static mut Memory, settings: Settings) -> Self {
        let Memory { tcp, queries, datagrams: [(from, received), (to, sent)] } = memory;
        let mut tcp = Tcp::new(card, tcp, settings);
        let dhcp = tcp.add(dhcpv4::Socket::new());
        let dns = tcp.add(dns::Socket::new(&[], &mut queries[..]));
        let received = PacketBuffer::new(&mut from[..], &mut received[..]);
        let sent = PacketBuffer::new(&mut to[..], &mut sent[..]);
        let time = tcp.add(udp::Socket::new(received, sent));
        Self { tcp, dhcp, dns, time, has_address: false }
    }

    /// The card.
    pub const fn card(&mut self) -> &mut D {
        self.tcp.card()
    }

    /// Makes sure of an address, asking for one if there is none or if the lease is over.
    pub fn join(&mut self) -> Result<(), Broken> {
        self.tcp.poll();
        self.listen_to_dhcp();
        while !self.has_address {
            // any event ends the wait; what it is, is looked at outside
            let told = self.tcp.wait(self.dhcp, |socket: &mut dhcpv4::Socket<'_>| {
                let event = socket.poll()?;
                Some(Ok(Told::of(&event)))
            });
            match told {
                Ok(told) => self.apply(told),
                Err(_) => return Err(Broken::NoAddress),
            }
        }
        Ok(())
    }

    /// Drops the address: the card has left the network.
    pub fn leave(&mut self) {
        self.tcp.get::<dhcpv4::Socket<'_>>(self.dhcp).0.reset();
        self.has_address = false;
    }

    /// The address of a name; addresses in digits are taken as they are.
    pub fn look_up(&mut self, name: &str) -> Result<IpAddress, Broken> {
        if let Ok(address) = name.parse::<Ipv4Address>() {
            return Ok(IpAddress::Ipv4(address));
        }
        let (socket, context) = self.tcp.get::<dns::Socket<'_>>(self.dns);
        let query = socket.start_query(context, name, DnsQueryType::A).map_err(|_| Broken::NoName)?;
        let found =
            self.tcp.wait(self.dns, |socket: &mut dns::Socket<'_>| match socket.get_query_result(query) {
                Ok(addresses) => Some(addresses.first().copied().ok_or(Broken::NoName)),
                Err(GetQueryResultError::Pending) => None,
                Err(GetQueryResultError::Failed) => Some(Err(Broken::NoName)),
            });
        if found == Err(Broken::TimedOut) {
            self.tcp.get::<dns::Socket<'_>>(self.dns).0.cancel_query(query);
        }
        found
    }

    /// The time of day that a server tells (SNTP, RFC 4330), in seconds since 1970. The answer is not authenticated: whoever
    /// controls the network sets the clock. `token` is random; an answer must repeat it.
    pub fn time(&mut self, server: &str, token: [u8; 8]) -> Result<u64, Broken> {
        self.join()?;
        let address = self.look_up(server)?;
        let mut request = [0; SNTP];
        for (to, from) in request.iter_mut().zip([SNTP_REQUEST]) {
            *to = from;
        }
        // the transmit timestamp, which the server gives back as the originate timestamp
        for (to, from) in request.iter_mut().skip(40).zip(token) {
            *to = from;
        }
        let (socket, _) = self.tcp.get::<udp::Socket<'_>>(self.time);
        socket.close();
        let own = u16::from_be_bytes([token[0] | 0xC0, token[1]]);
        socket.bind(own).map_err(|_| Broken::NoAddress)?;
        socket.send_slice(&request, (address, SNTP_PORT)).map_err(|_| Broken::NoAddress)?;
        let told = self.tcp.wait(self.time, |socket: &mut udp::Socket<'_>| {
            let (answer, from) = socket.recv().ok()?;
            (from.endpoint.addr == address).then(|| read_time(answer, token)).flatten().map(Ok)
        });
        self.tcp.get::<udp::Socket<'_>>(self.time).0.close();
        told
    }

    /// Takes what the network told meanwhile: leases end.
    fn listen_to_dhcp(&mut self) {
        let event = self.tcp.get::<dhcpv4::Socket<'_>>(self.dhcp).0.poll();
        if let Some(told) = event.map(|event| Told::of(&event)) {
            self.apply(told);
        }
    }

    fn apply(&mut self, told: Told) {
        self.has_address = false;
        if let Told::Address { own, router, servers } = told {
            self.tcp.set_address(own, router);
            let known = servers.map(|server| IpAddress::Ipv4(server.unwrap_or(Ipv4Address::UNSPECIFIED)));
            let count = servers.iter().take_while(|server| server.is_some()).count();
            let (socket, _) = self.tcp.get::<dns::Socket<'_>>(self.dns);
            socket.update_servers(known.get(..count).unwrap_or_default());
            self.has_address = true;
        }
    }
}

impl<D: Device> Stream for Lan<D> {
    type Error = Broken;

    /// Connects over plain TCP, whatever the scheme: encryption is the layer above.
    fn connect(&mut self, target: &Target<'_>) -> Result<(), Broken> {
        self.join()?;
        let address = self.look_up(target.host)?;
        self.tcp.connect_to(address, target.port)
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

/// What DHCP told.
#[derive(Clone, Copy, Debug)]
enum Told {
    /// There is no address any more.
    Nothing,
    /// The address, the router, name servers.
    Address { own: smoltcp::wire::Ipv4Cidr, router: Option<[u8; 4]>, servers: [Option<Ipv4Address>; SERVERS] },
}

impl Told {
    fn of(event: &Event<'_>) -> Self {
        let Event::Configured(config) = event else { return Self::Nothing };
        let mut servers = [None; SERVERS];
        for (to, from) in servers.iter_mut().zip(&config.dns_servers) {
            *to = Some(*from);
        }
        Self::Address { own: config.address, router: config.router.map(|router| router.octets()), servers }
    }
}

/// The time in a server's answer, if it is one to this request.
fn read_time(answer: &[u8], token: [u8; 8]) -> Option<u64> {
    let (&head, _) = answer.split_first().filter(|_| answer.len() >= SNTP)?;
    let unsynchronized = head >> 6 == 3 || answer.get(1) == Some(&0);
    let ours = answer.get(24..32)? == token;
    if head & 7 != SNTP_SERVER || unsynchronized || !ours {
        return None;
    }
    let since_1900 = u32::from_be_bytes(answer.get(40..44)?.try_into().ok()?);
    // the count begins anew in 2036: what is before 1968 is after that (RFC 4330 §3)
    let era = if since_1900 & 0x8000_0000 == 0 { 1 << 32 } else { 0 };
    (u64::from(since_1900).checked_add(era)?).checked_sub(u64::from(FROM_1900))
}

#[cfg(test)]
mod tests {
    use super::*;

    const TOKEN: [u8; 8] = *b"8 octets";

    fn answer(seconds: u32) -> [u8; SNTP] {
        let mut octets = [0; SNTP];
        (octets[0], octets[1]) = (0b00_100_100, 2);
        octets[24..32].copy_from_slice(&TOKEN);
        octets[40..44].copy_from_slice(&seconds.to_be_bytes());
        octets
    }

    #[test]
    fn the_time_is_read() {
        assert_eq!(read_time(&answer(FROM_1900 + 1_893_456_000), TOKEN), Some(1_893_456_000), "2030");
        assert_eq!(
            read_time(&answer(0), TOKEN),
            Some(2_085_978_496),
            "February 2036, when the count begins anew"
        );
    }

    #[test]
    fn other_answers_tell_no_time() {
        let whole = answer(FROM_1900 + 1_893_456_000);
        assert_eq!(read_time(&whole[..47], TOKEN), None);
        assert_eq!(read_time(&whole, *b"others'."), None, "an answer to somebody else");
        for (at, octet) in [(0, 0b00_100_011), (0, 0b11_100_100), (1, 0)] {
            let mut wrong = whole;
            wrong[at] = octet;
            assert_eq!(read_time(&wrong, TOKEN), None, "octet {at}: {octet:#b}");
        }
        assert_eq!(read_time(&[], TOKEN), None);
    }
}

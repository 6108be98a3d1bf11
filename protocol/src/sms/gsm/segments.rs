use super::super::Ports;
use super::user_data::{Concatenation, UserDataHeader};

/// Most octets of user data in one message, its header included.
pub const USER_DATA: usize = 140;
/// Most octets of a datagram in one of several messages: 140 less ports and an 8-bit concatenation.
pub const SEGMENT: usize = 128;
/// Most octets of a datagram in a message of its own.
const SINGLE: usize = 133;

/// The sender's side: what the messages of one datagram carry, in order.
///
/// `None` at construction means that the datagram needs more than 255 messages.
#[derive(Clone, Debug)]
pub struct Segments<'a> {
    rest: &'a [u8],
    ports: Ports,
    reference: u8,
    total: u8,
    next: u8,
}

impl<'a> Segments<'a> {
    /// The messages of `datagram`; `reference` tells them from those of the sender's other datagrams.
    pub fn new(datagram: &'a [u8], ports: Ports, reference: u8) -> Option<Self> {
        let total = if datagram.len() <= SINGLE { 1 } else { datagram.len().div_ceil(SEGMENT) };
        let total = u8::try_from(total).ok()?;
        Some(Self { rest: datagram, ports, reference, total, next: 1 })
    }
}

impl<'a> Iterator for Segments<'a> {
    type Item = (UserDataHeader, &'a [u8]);

    fn next(&mut self) -> Option<Self::Item> {
        if self.next > self.total {
            return None;
        }
        let len = if self.total == 1 { SINGLE } else { SEGMENT };
        let (data, rest) = self.rest.split_at_checked(len).unwrap_or((self.rest, &[]));
        let concatenation = (self.total > 1).then_some(Concatenation {
            reference: self.reference.into(),
            wide: false,
            total: self.total,
            number: self.next,
        });
        self.rest = rest;
        self.next = self.next.checked_add(1)?;
        Some((UserDataHeader { concatenation, ports: Some(self.ports) }, data))
    }
}

//! What goes over the air in a play, counted from the handset's events.

use std::time::Duration;

use kedge_agent::event::{Event, Events};

use crate::handset::Watch;

/// Octets of bodies and messages; HTTP heads and everything below are not counted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Traffic {
    /// HTTP requests and answers.
    pub messages: u64,
    /// HTTP requests alone.
    pub exchanges: u64,
    /// Octets of their bodies, without packages.
    pub bodies: u64,
    /// Octets of update packages.
    pub packages: u64,
    /// Octets of IS-683 messages by themselves, both ways, however they travel.
    pub is683: u64,
    /// Octets of short messages.
    pub short_messages: u64,
}

impl Events for Traffic {
    fn event(&mut self, _: Duration, event: &Event<'_>) {
        let octets = |bytes: &[u8]| bytes.len() as u64;
        match event {
            Event::Request { body, .. } => {
                self.messages += 1;
                self.exchanges += 1;
                self.bodies += octets(body);
            }
            Event::Reply { body, .. } => {
                self.messages += 1;
                self.bodies += octets(body);
            }
            Event::Is683 { forward, reverse } => {
                self.is683 += octets(forward) + reverse.map_or(0, octets);
            }
            Event::ShortMessage { octets: message, .. } => self.short_messages += octets(message),
            Event::PackageVerified { len, .. } => self.packages += u64::from(*len),
            _ => {}
        }
    }
}

impl Watch for Traffic {}

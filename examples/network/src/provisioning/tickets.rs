//! Requests under way: those that wait for their user, and documents that wait for their download.
//!
//! They live in memory only. A device whose ticket is lost is told 410 and asks again; what its user did meanwhile is in the
//! books.

use std::collections::BTreeMap;

use super::decide::Asked;

/// How long a ticket is good for, in seconds: as long as the device is told to poll.
pub(super) const LIFETIME: u64 = 900;
/// Most tickets at a time; beyond, the oldest goes. A person takes minutes, so this is hundreds of requests a second.
const MOST: usize = 65_536;

/// A request under way.
#[derive(Clone, Debug)]
pub(super) struct Ticket {
    pub(super) asked: Asked,
    /// The device's public key; empty: the request was not signed.
    pub(super) key: Vec<u8>,
    /// The account that it is for, once that is known.
    pub(super) account: Option<String>,
    /// The user has done what the page was for.
    pub(super) acted: bool,
    /// The request was decided before.
    pub(super) again: bool,
    /// The user is at the device, in its browser: the answer goes there.
    pub(super) browser: bool,
    /// What is to be downloaded: media type and octets.
    pub(super) document: Option<(String, Vec<u8>)>,
    /// When it ends.
    pub(super) until: u64,
}

/// All tickets, by their codes.
#[derive(Clone, Debug, Default)]
pub(super) struct Tickets(BTreeMap<String, Ticket>);

impl Tickets {
    /// The ticket, if it is still good.
    pub(super) fn get(&self, code: &str, now: u64) -> Option<&Ticket> {
        self.0.get(code).filter(|ticket| now < ticket.until)
    }

    /// The same, to be changed.
    pub(super) fn edit(&mut self, code: &str, now: u64) -> Option<&mut Ticket> {
        self.0.get_mut(code).filter(|ticket| now < ticket.until)
    }

    /// Takes it out.
    pub(super) fn take(&mut self, code: &str, now: u64) -> Option<Ticket> {
        self.0.remove(code).filter(|ticket| now < ticket.until)
    }

    /// Puts it in; those whose time is over go.
    pub(super) fn put(&mut self, code: String, ticket: Ticket, now: u64) {
        if self.0.len() >= MOST {
            self.0.retain(|_, ticket| now < ticket.until);
        }
        if self.0.len() >= MOST {
            let oldest = self.0.iter().min_by_key(|(_, ticket)| ticket.until).map(|(code, _)| code.clone());
            oldest.map(|code| self.0.remove(&code));
        }
        self.0.insert(code, ticket);
    }
}

//! The license of the simulated handset: its key and its clock, and what comes and goes by file.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};

use kedge_agent::agent::{Agent, Context, LicenseSetup, LicenseStatus};
use kedge_agent::dispatch::{Content, Origin};
use kedge_agent::error::AgentError;
use kedge_agent::license::{Place, Server};
use kedge_platform::clock::TimeOfDay;
use kedge_platform::crypto::Crypto;
use kedge_platform::flash::{NorFlash, Region};
use kedge_platform::license::Unsealer;
use kedge_platform_linux::license::RingUnsealer;
use kedge_protocol::license::session::COOKIE_OCTETS;
use kedge_protocol::license::token::TOKEN_MAX;
use kedge_protocol::license::url::Allowed;
use kedge_protocol::license::{Kind, Op};

use super::PRL;
use crate::license::device::{Key, PLACE, Profile, Trusted, config, session};

/// Documents that wait to be opened, oldest first: what the browser has downloaded, or what was carried here.
#[derive(Clone, Debug, Default)]
pub struct Files(Arc<Mutex<VecDeque<Vec<u8>>>>);

impl Files {
    /// A file for the handset.
    pub fn put(&self, document: Vec<u8>) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push_back(document);
    }

    fn next(&self) -> Option<Vec<u8>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).pop_front()
    }

    fn is_empty(&self) -> bool {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).is_empty()
    }
}

/// What a handset with a license has besides.
pub struct Wallet {
    /// What it is, and whom it trusts.
    pub profile: Profile,
    /// What its clock shows.
    pub clock: Box<dyn TimeOfDay>,
    /// Documents that wait to be opened.
    pub files: Files,
    /// The last request that was written to a file.
    pub exported: Vec<u8>,
    /// How the license stood at the end of the last power session.
    pub standing: Option<LicenseStatus>,
    key: Key,
    place: Region,
    unsealer: RingUnsealer,
    cookies: Vec<u8>,
}

impl Wallet {
    /// That of a handset with this profile and clock; the license is kept at `start` of the flash, on [`PLACE`] octets.
    pub fn new(profile: Profile, clock: Box<dyn TimeOfDay>, start: u32) -> Self {
        Self {
            key: Key::of(&profile.seed),
            profile,
            clock,
            files: Files::default(),
            exported: Vec::new(),
            standing: None,
            place: Region::new(start, PLACE),
            unsealer: RingUnsealer::new(),
            cookies: vec![0; COOKIE_OCTETS],
        }
    }

    /// What the agent works with, and what the user does.
    pub(super) fn lend(&mut self) -> (Lent<'_>, Papers<'_>) {
        let Self { profile, clock, files, exported, standing, key, place, unsealer, cookies } = self;
        let lent = Lent {
            hosts: profile.hosts.iter().map(String::as_str).collect(),
            user_agent: profile.user_agent(),
            trusted: Trusted(profile),
            profile,
            clock: &**clock,
            key,
            place: *place,
            unsealer,
            cookies,
        };
        (lent, Papers { vendor: profile.names.vendor, files, exported, standing })
    }
}

/// What the agent works with in one power session.
pub(super) struct Lent<'w> {
    profile: &'w Profile,
    trusted: Trusted<'w>,
    hosts: Vec<&'w str>,
    user_agent: String,
    clock: &'w dyn TimeOfDay,
    key: &'w mut Key,
    place: Region,
    unsealer: &'w mut RingUnsealer,
    cookies: &'w mut [u8],
}

impl Lent<'_> {
    /// The agent takes up the license. What is wrong with it is an event: the handset works on without.
    pub(super) fn begin<'b, F: NorFlash, C: Crypto>(
        &'b mut self,
        agent: &mut Agent<'b, PRL>,
        context: &mut Context<'_, F, C>,
    ) -> Result<(), AgentError<F::Error>> {
        let Self { profile, trusted, hosts, user_agent, clock, key, place, unsealer, cookies } = self;
        let allowed = Allowed { hosts, http: profile.http };
        let setup = LicenseSetup {
            config: config(profile),
            server: Server { entry: &profile.entry, session: session(profile, user_agent, allowed) },
            keys: trusted,
            key: Some(*key),
            unsealer: profile.sealed.then_some(*unsealer as &mut dyn Unsealer),
            cookies: Some(cookies),
            place: Place::Flash(*place),
            clock: Some(*clock),
        };
        agent.license_begin(context, setup).map(|_| ())
    }
}

/// What comes and goes by file, and what is written down at the end of a power session.
pub(super) struct Papers<'w> {
    vendor: &'w str,
    files: &'w Files,
    exported: &'w mut Vec<u8>,
    pub(super) standing: &'w mut Option<LicenseStatus>,
}

impl Papers<'_> {
    /// Whether a file waits.
    pub(super) fn wait(&self) -> bool {
        !self.files.is_empty()
    }

    /// Opens the next file.
    pub(super) fn open<F: NorFlash, C: Crypto>(
        &mut self,
        agent: &mut Agent<'_, PRL>,
        context: &mut Context<'_, F, C>,
    ) -> Result<(), AgentError<F::Error>> {
        let (Some(document), Some(name)) = (self.files.next(), Kind::Provisioning.name(self.vendor)) else {
            return Ok(());
        };
        let content = Content { media_type: name.as_str(), origin: Origin::File, body: &document };
        // what becomes of it is an event
        agent.open(context, &content).map(|_| ())
    }

    /// Writes a request to a file.
    pub(super) fn export<F: NorFlash, C: Crypto>(
        &mut self,
        agent: &mut Agent<'_, PRL>,
        context: &mut Context<'_, F, C>,
        op: Op,
    ) -> Result<(), AgentError<F::Error>> {
        let mut out = [0; TOKEN_MAX];
        let written = agent.license_export(context, op, &mut out)?;
        self.exported.clear();
        self.exported.extend_from_slice(written.unwrap_or_default());
        Ok(())
    }
}

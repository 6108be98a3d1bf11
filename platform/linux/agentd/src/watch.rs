//! What door and service share, and the events of the agent as log lines.

use std::fmt::Write as _;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use kedge_agent::event::{Committed, Event, Events};
use kedge_agent::license::LicenseEvent;

use crate::protocol::{Doing, Status};

/// What door and service share.
#[derive(Clone, Debug, Default)]
pub(crate) struct Shared(Arc<Inner>);

#[derive(Debug, Default)]
struct Inner {
    status: Mutex<Status>,
    /// When the agent acts by itself.
    acts_at: Mutex<Option<Instant>>,
    /// Settings were committed, and nobody has asked since.
    new_settings: AtomicBool,
    gate: Mutex<()>,
}

impl Shared {
    /// Changes the status.
    pub(crate) fn tell(&self, change: impl FnOnce(&mut Status)) {
        change(&mut lock(&self.0.status));
    }

    /// The agent acts by itself at this time, if ever.
    pub(crate) fn acts_at(&self, at: Option<Instant>) {
        *lock(&self.0.acts_at) = at;
    }

    /// The status now.
    pub(crate) fn status(&self) -> Status {
        let acts_at = *lock(&self.0.acts_at);
        let acts_in = acts_at.map(|at| at.saturating_duration_since(Instant::now()).as_secs());
        Status { acts_in, ..lock(&self.0.status).clone() }
    }

    /// Whether settings were committed since this was asked last.
    pub(crate) fn take_new_settings(&self) -> bool {
        self.0.new_settings.swap(false, Ordering::Relaxed)
    }

    /// Held while the flash is changed; who holds it may end the process between two changes.
    pub(crate) fn gate(&self) -> MutexGuard<'_, ()> {
        lock(&self.0.gate)
    }
}

/// A thread that panicked has told so; what it guarded is as good as ever.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Logs what happens, bodies left out, and keeps the status.
#[derive(Clone, Debug)]
pub(crate) struct Journal(pub(crate) Shared);

impl Events for Journal {
    fn event(&mut self, _: Duration, event: &Event<'_>) {
        match event {
            Event::Started { store } => log::info!("agent started, store: {store:?}"),
            Event::Triggered { kind, url, accepted } => log::info!("{kind:?} wanted at {url}: {accepted:?}"),
            Event::SessionStarted { kind, url } => {
                self.0.tell(|status| status.doing = Doing::Session);
                log::info!("session {kind:?} begins at {url}");
            }
            Event::Request { method, url, body, .. } => {
                log::debug!("{method} {url}, {} octets", body.len());
            }
            Event::Reply { status, content_type, body, .. } => {
                log::debug!("{status} {content_type}, {} octets", body.len());
            }
            Event::LinkDown(error) => log::warn!("exchange failed: {error:?}"),
            Event::SessionEnded { reason, error } => {
                let mut text = format!("reason {}", reason.0);
                if *error != 0 {
                    // a String takes everything
                    let _ = write!(text, ", error {error}");
                }
                log::info!("session ended, {text}");
                self.0.tell(|status| status.last_session = Some(text));
            }
            Event::RetryIn(pause) => log::info!("session again in {} s", pause.as_secs()),
            Event::GaveUp { reason, error } => log::warn!("gave up: reason {}, error {error}", reason.0),
            Event::Downloading { have, total } => {
                log::debug!("package: {have} of {total} octets");
                self.0.tell(|status| status.update = format!("receiving, {have} of {total} octets"));
            }
            Event::DownloadRestarted => log::info!("download from the beginning"),
            Event::PackageVerified { version, len } => {
                log::info!("package for version {version} verified, {len} octets");
            }
            Event::PackageRefused(why) => log::warn!("package refused: {why}"),
            Event::Committed(what) => {
                log::info!("committed: {what:?}");
                if *what == Committed::Settings {
                    self.0.0.new_settings.store(true, Ordering::Relaxed);
                }
            }
            Event::Registered(result) => log::info!("registration: {result:?}"),
            Event::ReportQueued { state } => log::info!("result {state} is to be reported"),
            Event::Reported { state } => log::info!("result {state} reported"),
            Event::ContentRefused { media_type, why, .. } => {
                log::warn!("content {media_type} refused: {why}");
            }
            Event::SettingsRefused(fault) => log::warn!("settings refused: {fault}"),
            Event::ContentMalformed { media_type, error } => {
                log::warn!("content {media_type} is malformed: {error}");
            }
            Event::License(LicenseEvent::Trouble(why)) => log::warn!("license: {why}"),
            Event::License(LicenseEvent::Elsewhere { url, code }) => {
                log::info!("license: open {url} and enter {code}");
                let text = format!("open {url}, enter {code}");
                self.0.tell(|status| status.elsewhere = Some(text));
            }
            Event::License(LicenseEvent::Ended(outcome)) => {
                log::info!("license: session ended, {outcome:?}");
                self.0.tell(|status| status.elsewhere = None);
            }
            Event::License(event) => log::info!("license: {event:?}"),
            Event::Restarting(why) => log::info!("restart: {why:?}"),
            other => log::debug!("{other:?}"),
        }
    }
}

//! What becomes of a license document in the agent: judged, kept, and its configuration put where it belongs.
//!
//! | part of the configuration | where it goes |
//! |---|---|
//! | entry endpoint | kept; requests go there from then on |
//! | service identity, settings | kept, for the host application |
//! | embedded documents | to the dispatcher, with the rights of an authenticated tunnel |
//! | trust update | kept sealed, in the same commit |
//!
//! A configuration replaces the one before as a whole; one that only says which keys to trust leaves it alone.

use kedge_platform::crypto::Crypto;
use kedge_platform::flash::NorFlash;
use kedge_protocol::license::accept::Accepted;
use kedge_protocol::license::url::Allowed;
use kedge_protocol::license::{Configuration, Endpoint, Part, Refusal as Unfit, State};
use kedge_protocol::mime::MediaType;
use kedge_protocol::wire::{Error, ErrorKind};
use kedge_update_agent::banklog::Change;

use super::super::desk::Desk;
use super::{LicenseFault, Wallet, tell_trouble};
use crate::agent::{Agent, Context};
use crate::dispatch::{Content, Decision, Handler, Origin, Refusal, decide, handler};
use crate::error::AgentError;
use crate::event::Event;
use crate::license::{ByCrypto, LicenseError, LicenseEvent, Ports, Trust, Trusted, lent};
use crate::store::{Key, Source};

/// How embedded documents come.
const INNER: Origin = Origin::Tunnel { authenticated: true };

/// Longest entry URL: what a session keeps of it for reports.
pub(super) const ENTRY: usize = 256;

impl<const PRL: usize> Agent<'_, PRL> {
    /// Takes a license document that came by push, file or tunnel.
    pub(in crate::agent) fn take_license<F: NorFlash, C: Crypto>(
        &mut self,
        context: &mut Context<'_, F, C>,
        content: &Content<'_>,
    ) -> Result<Result<(), Refusal>, AgentError<F::Error>> {
        let Some(wallet) = &mut self.license else { return Ok(Err(Refusal::UnknownType)) };
        // The nonce of a request that was exported is good until it is used, also after restarts.
        let mut nonce = [0; 16];
        let exported = self.desk.store.bytes(context.flash, Key::LicenseNonce as u8, &mut nonce)?.is_some();
        let now = wallet.now(context.now);
        if exported && !wallet.licensing.is_asking(now) {
            wallet.licensing.restore_nonce(nonce, now);
        }
        let in_session = content.origin == INNER;
        let done = wallet.take(&mut self.desk, context, (content.media_type, content.body), in_session);
        if exported && !wallet.licensing.is_asking(now) {
            self.desk.store.remove(context.flash, Key::LicenseNonce as u8)?;
        }
        Ok(match done {
            Ok(_) => Ok(()),
            Err(LicenseError::Refused(refusal)) => Err(Refusal::License(refusal)),
            Err(_) => Err(Refusal::License(Unfit::STORAGE)),
        })
    }
}

impl Wallet<'_> {
    /// Judges a document, keeps it, and applies its configuration.
    pub(super) fn take<F: NorFlash, C: Crypto, const PRL: usize>(
        &mut self,
        desk: &mut Desk<'_, PRL>,
        context: &mut Context<'_, F, C>,
        (media_type, document): (&str, &[u8]),
        in_session: bool,
    ) -> Result<State, LicenseFault> {
        let done = self.install(desk, context, (media_type, document), in_session);
        context.event(&Event::License(LicenseEvent::Document(done)));
        self.tell_changes(context);
        done
    }

    fn install<F: NorFlash, C: Crypto, const PRL: usize>(
        &mut self,
        desk: &mut Desk<'_, PRL>,
        context: &mut Context<'_, F, C>,
        (media_type, document): (&str, &[u8]),
        in_session: bool,
    ) -> Result<State, LicenseFault> {
        let now = self.now(context.now);
        let verifier = ByCrypto(context.crypto);
        let Self { licensing, image, trust, key, server, .. } = self;
        let keys = Trusted { image: *image, trust };
        let ports = Ports { keys: &keys, verifier: &verifier, key: lent(key), configure: &mut () };
        let mut dry_run = |configuration: &Configuration<'_>| {
            is_applicable(configuration, desk, context, trust, (server.entry, server.session.allowed))
        };
        let accepted = licensing.judge(document, Some(media_type), in_session, now, &ports, &mut dry_run)?;
        if let Accepted::New(claims) = accepted {
            self.with(context, |licensing, now, store, ports| {
                licensing.keep(document, &claims, now, store, ports)
            })?;
            let done = claims.configuration.is_none_or(|all| self.apply(&all, desk, context));
            if claims.license.is_some() && done {
                self.with(context, |licensing, _, store, ports| licensing.applied(store, ports))?;
            } else if !done && claims.license.is_none() {
                return Err(Unfit::STORAGE.into());
            }
        }
        Ok(self.licensing.terms().state)
    }

    /// After a start: applies the configuration of the document that is held, if that was not finished.
    pub(super) fn apply_again<F: NorFlash, C: Crypto, const PRL: usize>(
        &mut self,
        desk: &mut Desk<'_, PRL>,
        context: &mut Context<'_, F, C>,
        buffer: &mut [u8],
    ) -> Result<(), LicenseFault> {
        let left = self.with(context, |licensing, _, store, ports| {
            Ok(licensing.unapplied(store, ports, buffer)?.map(|claims| claims.configuration))
        })?;
        let Some(configuration) = left else { return Ok(()) };
        if configuration.is_none_or(|all| self.apply(&all, desk, context)) {
            self.with(context, |licensing, _, store, ports| licensing.applied(store, ports))?;
        }
        Ok(())
    }

    /// Applies a configuration; the same one may come again after a power cut. `false`: the store failed, or the user has
    /// still to decide about other settings; it is tried again at the next start.
    fn apply<F: NorFlash, C: Crypto, const PRL: usize>(
        &mut self,
        configuration: &Configuration<'_>,
        desk: &mut Desk<'_, PRL>,
        context: &mut Context<'_, F, C>,
    ) -> bool {
        let verifier = ByCrypto(context.crypto);
        let (changes_trust, other) = configuration.covers();
        let mut trust = self.trust.clone();
        let mut room = [0; Trust::RECORD];
        let mut changes = heapless::Vec::<Change<'_>, 2>::new();
        let mut put = |key: Key, value| changes.push(Change::put(key as u8, value)).unwrap_or_default();
        if other || !changes_trust {
            put(Key::LicenseConfiguration, configuration.octets());
        }
        if changes_trust {
            let mut change = |part: Part<'_>| match part {
                Part::Trust(update) => trust.change(&update, &verifier).map_err(|_| REFUSED),
                _ => Ok(()),
            };
            let changed = configuration.visit(&mut change).is_ok();
            let ports =
                Ports { keys: self.image, verifier: &verifier, key: lent(&mut self.key), configure: &mut () };
            match trust.to_octets(self.licensing.config(), &ports, &mut room).filter(|_| changed) {
                Some(record) => put(Key::LicenseTrust, record),
                None => return false,
            }
        }
        let committed = desk.store.commit(context.flash, &changes).is_ok();
        drop(changes);
        if committed {
            self.trust = trust;
        }
        let mut hand_over = |part: Part<'_>| match part {
            Part::Embedded(inner) => {
                let content = Content { media_type: inner.media_type, origin: INNER, body: inner.body };
                match desk.take_content(context, &content) {
                    Ok(Ok(())) => Ok(()),
                    _ => Err(REFUSED),
                }
            }
            _ => Ok(()),
        };
        committed && configuration.visit(&mut hand_over).is_ok()
    }

    /// The entry URL: the one that the server has given last, else the one of the image.
    pub(super) fn entry_url<F: NorFlash, const PRL: usize>(
        &self,
        desk: &Desk<'_, PRL>,
        flash: &mut F,
        buffer: &mut [u8],
    ) -> heapless::String<ENTRY> {
        let mut url = None;
        let kept = desk.store.bytes(flash, Key::LicenseConfiguration as u8, buffer);
        if let Ok(Some(octets)) = kept {
            let mut each = |part: Part<'_>| {
                if let Part::Endpoint(endpoint) = part {
                    url = endpoint_url(&endpoint, self.server.entry);
                }
                Ok(())
            };
            // it was checked before it was kept
            Configuration::new(octets).visit(&mut each).unwrap_or_default();
        }
        url.or_else(|| heapless::String::try_from(self.server.entry).ok()).unwrap_or_default()
    }

    /// The server has the report.
    pub(super) fn reported<F: NorFlash, C: Crypto>(&mut self, context: &mut Context<'_, F, C>) {
        let done = self.with(context, |licensing, _, store, ports| licensing.reported(store, ports));
        tell_trouble(context, done.err());
    }
}

/// Ends the visit of a configuration.
const REFUSED: Error = Error::new(ErrorKind::Unsupported, 0);

/// Whether everything in a configuration could be applied. Nothing is changed.
fn is_applicable<F: NorFlash, C: Crypto, const PRL: usize>(
    configuration: &Configuration<'_>,
    desk: &mut Desk<'_, PRL>,
    context: &mut Context<'_, F, C>,
    trust: &Trust,
    (entry, allowed): (&str, Allowed<'_>),
) -> bool {
    let verifier = ByCrypto(context.crypto);
    let mut trust = trust.clone();
    let mut each = |part: Part<'_>| {
        let fits = match part {
            Part::Endpoint(endpoint) => {
                endpoint_url(&endpoint, entry).is_some_and(|url| allowed.check(&url, None).is_ok())
            }
            Part::Identity(_) | Part::Setting(..) => true,
            Part::Embedded(inner) => is_taken(
                &Content { media_type: inner.media_type, origin: INNER, body: inner.body },
                desk,
                context,
            ),
            Part::Trust(update) => trust.change(&update, &verifier).is_ok(),
        };
        if fits { Ok(()) } else { Err(REFUSED) }
    };
    configuration.visit(&mut each).is_ok()
}

/// Whether the dispatcher would take a document from inside a configuration.
fn is_taken<F: NorFlash, C: Crypto, const PRL: usize>(
    content: &Content<'_>,
    desk: &mut Desk<'_, PRL>,
    context: &mut Context<'_, F, C>,
) -> bool {
    let Ok(media_type) = MediaType::parse(content.media_type) else { return false };
    match handler(&media_type, content.origin) {
        Ok(Handler::Provisioning) if decide(Handler::Provisioning, INNER) != Decision::Refuse => desk
            .would_keep(context, media_type.is_type("text"), Source::of(content.origin), content.body)
            .is_ok_and(|fits| fits.is_ok()),
        _ => false,
    }
}

/// The URL of an endpoint, with the scheme of the image's entry URL; `None` if it is too long.
fn endpoint_url(endpoint: &Endpoint<'_>, entry: &str) -> Option<heapless::String<ENTRY>> {
    use core::fmt::Write as _;
    let scheme = if entry.starts_with("http:") { "http" } else { "https" };
    let slash = if endpoint.path.starts_with('/') { "" } else { "/" };
    let mut url = heapless::String::new();
    write!(url, "{scheme}://{}:{}{slash}{}", endpoint.host, endpoint.port, endpoint.path).ok()?;
    Some(url)
}

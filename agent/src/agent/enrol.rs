//! The browser session in which a feature is activated: pages to the user, the last answer to the store.
//!
//! ```text
//!  Asking ─ yes ─► Calling ─► Fetching ◄── link ──┐            Connecting (the new NAI) ─► Telling
//!                    ▲           │ page ──► Showing             ▲
//!                    │ later     │ result ─► commit ─► Showing ─┴► Hanging
//!                    └─ Hanging ◄┘ link lost, server busy
//! ```
//! The page to go on with is in the store before it is asked for, so that a restart or a lost connection leads back to it; what
//! the server has been told by then, it knows by the page's URL. Only the commit changes settings, and it changes them all.

use core::fmt::Write as _;

use kedge_platform::crypto::Crypto;
use kedge_platform::flash::NorFlash;
use kedge_platform::identity::HardwareId;
use kedge_platform::ui::{Page, Prompt};
use kedge_protocol::iota::TrustedDomain;
use kedge_protocol::license::url::resolve;

use super::answer::Answering;
use super::desk::Desk;
use super::{Buffers, Context, Head, HttpRequest, MAX_HEADERS, Output};
use crate::error::AgentError;
use crate::event::{Event, LinkError};
use crate::feature::Feature;
use crate::limits;
use crate::store::{Enrolment, FEATURE_NAIS, Key};

/// What the browser session takes (`flows.md` feature-activation): pages, and settings with them.
const ACCEPT: &str = "text/html, application/xhtml+xml, text/vnd.wap.wml, application/vnd.wap.wmlc, multipart/mixed, \
                      application/vnd.wap.connectivity-wbxml, text/vnd.wap.connectivity-xml";

/// A feature that is being activated, while something is done about it.
#[derive(Debug)]
pub(super) struct Enrol<'b> {
    pub(super) buffers: Buffers<'b>,
    pub(super) feature: Feature,
    pub(super) doing: Doing,
    /// The page, and how many redirections led to it.
    pub(super) url: heapless::String<{ limits::URL }>,
    pub(super) hops: u8,
    caller: Caller,
}

/// What is being done.
#[derive(Debug)]
pub(super) enum Doing {
    /// The user is asked whether to activate it.
    Asking,
    /// The data call is being opened with the provisioning NAI.
    Calling,
    /// The page is asked for.
    Fetching(Answering),
    /// A page is shown: its octets in the receive buffer, its media type, and whether it is the last one.
    Showing {
        at: (usize, usize),
        media_type: heapless::String<{ limits::CONTENT_TYPE }>,
        last: Option<Ending>,
        followed: bool,
    },
    /// The data call is being closed.
    Hanging(Ending),
    /// The data call is being opened with the feature's own NAI.
    Connecting,
    /// The user is told: activated, or the network's code.
    Telling(Result<(), u16>),
}

/// How the browser session ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ending {
    /// The settings are committed.
    Committed,
    /// The feature is in use.
    Connected,
    /// The user has left, or it is tried again later.
    Quiet,
    /// It failed with this code.
    Failed(u16),
}

/// The request headers that say who is calling.
#[derive(Clone, Debug, Default)]
struct Caller {
    agent: heapless::String<96>,
    esn: heapless::String<8>,
    meid: heapless::String<14>,
}

impl<'b> Enrol<'b> {
    pub(super) fn new(buffers: Buffers<'b>, feature: Feature, doing: Doing) -> Self {
        let (url, caller) = (heapless::String::new(), Caller::default());
        Self { buffers, feature, doing, url, hops: 0, caller }
    }

    /// What the device has to do.
    pub(super) fn output<'o, F: NorFlash, C: Crypto, const PRL: usize>(
        &'o mut self,
        desk: &'o Desk<'_, PRL>,
        context: &mut Context<'_, F, C>,
    ) -> Result<Output<'o>, AgentError<F::Error>> {
        let feature = self.feature;
        match &mut self.doing {
            Doing::Asking => Ok(ask(context, Prompt::ActivateFeature { feature: feature.name() })),
            Doing::Telling(Ok(())) => Ok(ask(context, Prompt::FeatureActive { feature: feature.name() })),
            Doing::Telling(Err(code)) => {
                Ok(ask(context, Prompt::FeatureFailed { feature: feature.name(), code: *code }))
            }
            Doing::Calling => {
                let nai = desk.setting(context.flash, "iota/boot-nai", self.buffers.send)?;
                Ok(Output::OpenCall { nai: nai.unwrap_or_default() })
            }
            Doing::Connecting => {
                let own = desk.store.len(feature_key(feature)).is_some_and(|len| len > 0);
                let nai = if own {
                    desk.feature_nai(context.flash, feature, self.buffers.send)?
                } else {
                    desk.setting(context.flash, "iota/boot-nai", self.buffers.send)?
                };
                Ok(Output::OpenCall { nai: nai.unwrap_or_default() })
            }
            Doing::Hanging(_) => Ok(Output::CloseCall),
            Doing::Fetching(_) => {
                self.caller = Caller::of(context.identity).ok_or(AgentError::Config("identity"))?;
                Ok(self.caller.get(&self.url, context))
            }
            Doing::Showing { at: (at, len), media_type, .. } => {
                let body = self.buffers.receive.get(*at..).and_then(|rest| rest.get(..*len));
                let page = Page { url: &self.url, media_type, body: body.unwrap_or_default() };
                context.event(&Event::PageShown(page));
                Ok(Output::Browse(page))
            }
        }
    }

    /// Takes the head of the page's answer; `None` if none was asked for.
    pub(super) fn head(&mut self, head: &Head<'_>) -> Option<Result<(), LinkError>> {
        let Doing::Fetching(answering) = &mut self.doing else { return None };
        Some(answering.head(head, self.buffers.receive.len()))
    }

    /// Takes a part of the page; `None` if none was asked for.
    pub(super) fn body(&mut self, part: &[u8]) -> Option<Result<(), LinkError>> {
        let Doing::Fetching(answering) = &mut self.doing else { return None };
        Some(answering.part(self.buffers.receive, part))
    }

    /// Goes to the page that `link` means on this one: it must be in the trusted domain. The page is kept in the store before it
    /// is asked for, unless it is only where a redirection leads. `false`: there is no such page.
    pub(super) fn go<F: NorFlash, C: Crypto, const PRL: usize>(
        &mut self,
        desk: &mut Desk<'_, PRL>,
        context: &mut Context<'_, F, C>,
        link: &str,
    ) -> Result<bool, AgentError<F::Error>> {
        let (mut domain, mut boot, mut url) = ([0; limits::URL], [0; limits::URL], [0; limits::URL]);
        let domain = desk.setting(context.flash, "iota/trusted-domain", &mut domain)?.unwrap_or_default();
        let boot = desk.setting(context.flash, "iota/boot-url", &mut boot)?.unwrap_or_default();
        let resolved = if self.url.is_empty() { Some(link) } else { resolve(&self.url, link, &mut url) };
        let trusted = resolved.filter(|url| TrustedDomain::new(domain, boot).allows(url));
        let next = trusted.and_then(|url| heapless::String::try_from(url).ok());
        let Some(next) = next else { return Ok(false) };
        self.url = next;
        if self.hops == 0 {
            let feature = self.feature as u8;
            desk.store.put(context.flash, &Enrolment { feature, url: &self.url, tries: 0 })?;
        }
        Ok(true)
    }

    /// Takes up an activation that waits in the store.
    pub(super) fn resume(buffers: Buffers<'b>, feature: Feature, enrolment: &Enrolment<'_>) -> Self {
        let doing = if enrolment.url.is_empty() { Doing::Connecting } else { Doing::Calling };
        // What was kept has fitted.
        let url = heapless::String::try_from(enrolment.url).unwrap_or_default();
        Self { url, ..Self::new(buffers, feature, doing) }
    }
}

impl Caller {
    /// `None` if make, model and version are too long for a header.
    fn of(identity: &dyn kedge_platform::identity::Identity) -> Option<Self> {
        let mut caller = Self::default();
        let (make, model, version) = (identity.make(), identity.model(), identity.version());
        write!(caller.agent, "{make} {model}/{version}").ok()?;
        match identity.hardware_id() {
            HardwareId::Esn(esn) => write!(caller.esn, "{esn:08X}"),
            HardwareId::Meid(meid) => meid.iter().try_for_each(|octet| write!(caller.meid, "{octet:02X}")),
        }
        .ok()?;
        Some(caller)
    }

    /// The request for a page: hardware identity as in IOTA sessions (step 3).
    fn get<'o, F, C>(&'o self, url: &'o str, context: &mut Context<'_, F, C>) -> Output<'o> {
        let mut headers = heapless::Vec::<(&str, &str), MAX_HEADERS>::new();
        let named = [
            ("Accept", ACCEPT),
            ("User-Agent", self.agent.as_str()),
            ("X-IOTA-ESN", self.esn.as_str()),
            ("X-IOTA-MEID", self.meid.as_str()),
        ];
        for header in named.into_iter().filter(|(_, value)| !value.is_empty()) {
            // Four fit.
            headers.push(header).unwrap_or_default();
        }
        context.http(HttpRequest { post: false, url, headers, body: &[] })
    }
}

/// Shows or asks something.
fn ask<'o, F, C>(context: &mut Context<'_, F, C>, prompt: Prompt<'o>) -> Output<'o> {
    context.event(&Event::Prompted(prompt));
    Output::Ask(prompt)
}

impl<const PRL: usize> Desk<'_, PRL> {
    /// The NAI of a feature that is activated, empty if it is the usual one; `None`: it is not.
    pub(super) fn feature_nai<'o, F: NorFlash>(
        &self,
        flash: &mut F,
        feature: Feature,
        buf: &'o mut [u8],
    ) -> Result<Option<&'o str>, AgentError<F::Error>> {
        let nai = self.store.bytes(flash, feature_key(feature), buf)?;
        Ok(nai.and_then(|nai| core::str::from_utf8(nai).ok()))
    }

    /// Forgets the activation under way.
    pub(super) fn end_enrolment<F: NorFlash>(&mut self, flash: &mut F) -> Result<(), AgentError<F::Error>> {
        Ok(self.store.remove(flash, Key::Enrolment as u8)?)
    }
}

/// Where the NAI of a feature is kept.
pub(super) const fn feature_key(feature: Feature) -> u8 {
    FEATURE_NAIS.start().saturating_add(feature as u8)
}

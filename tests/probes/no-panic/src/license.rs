//! protocol and agent: documents, acceptance, the session, and the license cache on NOR flash.

use crate::crypto::{Fake, FakeHash};
use crate::flash::{Failed, Flash};
use crate::opaque::{any, octets, text, used};
use core::time::Duration;
use kedge_agent::license::{
    ByCrypto, Config, Configure, LicenseError, Licensing, NorError, NorStore, Now, Ports, key_id,
};
use kedge_platform::flash::Region;
use kedge_platform::license::DeviceKey;
use kedge_protocol::license::accept::{IssuerKey, KeyStore, Policy};
use kedge_protocol::license::report::REPORT_MAX;
use kedge_protocol::license::session::{self, Input, Output, Reply, Session, SessionError, URL_BUFFER};
use kedge_protocol::license::token::TOKEN_MAX;
use kedge_protocol::license::url::Allowed;
use kedge_protocol::license::{Configuration, KeyId, Level, Op, Part, Refusal, State};
use kedge_protocol::license::{limits::MAX_DOCUMENT, retry};

/// Keys of which nothing is known.
struct Keys;

impl KeyStore for Keys {
    fn find(&self, id: &KeyId) -> Option<IssuerKey<'_>> {
        used(id);
        any(Some(IssuerKey { key: [0; 32], roles: 3, issuer: text() }))
    }
}

struct Key;

impl DeviceKey for Key {
    fn public_key(&self) -> [u8; 32] {
        any([0; 32])
    }

    fn sign(&self, message: &[&[u8]]) -> [u8; 64] {
        used(message);
        any([0; 64])
    }

    fn record_secret(&self) -> [u8; 32] {
        any([0; 32])
    }

    fn counter(&self) -> Option<u64> {
        any(Some(1))
    }
}

struct Settings;

impl Configure for Settings {
    fn dry_run(&mut self, configuration: &Configuration<'_>) -> bool {
        configuration.check().is_ok()
    }

    fn apply(&mut self, configuration: &Configuration<'_>) -> bool {
        let each = &mut |part: Part<'_>| {
            if let Part::Trust(update) = part {
                update.visit(&mut |change| _ = used(change))?;
            }
            Ok(())
        };
        configuration.visit(each).is_ok()
    }
}

#[inline(never)]
pub fn run() {
    used(cache()).ok();
    used(session()).ok();
    used((retry::pause(any(1), any(2)), retry::Pace::default().timer(any(Duration::ZERO))));
}

#[inline(never)]
fn cache() -> Result<(), LicenseError<NorError<Failed>>> {
    let policy = Policy {
        vendor: text(),
        product: text(),
        max_document: MAX_DOCUMENT,
        level: any(Level::Counter),
        build_time: any(1),
        allow_unsolicited: any(false),
        allow_eddsa: any(false),
    };
    let config = Config {
        policy,
        ueid: octets(),
        model: text(),
        version: text(),
        capabilities: any(1),
        has_clock: any(true),
    };
    let (mut settings, mut key) = (Settings, Key);
    let verifier = ByCrypto(&Fake);
    let mut ports =
        Ports { keys: &Keys, verifier: &verifier, key: any(Some(&mut key)), configure: &mut settings };
    let region = Region::new(any(0), any(16_384));
    let mut store = NorStore::<_, FakeHash>::new(Flash, region).map_err(LicenseError::Store)?;
    let now = || Now { uptime: any(Duration::ZERO), rtc: any(Some(1)) };
    let (mut licensing, boot) =
        Licensing::boot(config, now(), &mut store, &mut ports, crate::room!(MAX_DOCUMENT))?;
    used(boot);
    while any(true) {
        used((licensing.verdict(now()), licensing.features(now()), licensing.refresh_due(now())));
        licensing.check(now(), &mut |change| _ = used(change));
        licensing.tick(now(), &mut store, &mut ports)?;
        let sign = |message: &[&[u8]]| {
            used(message);
            any([0; 64])
        };
        let id = key_id(&any([0; 32]), &verifier);
        let request = licensing.request(Op::REFRESH, any([0; 16]), now());
        used(request.emit(text(), &id, sign, crate::room!(TOKEN_MAX))).ok();
        let result =
            licensing.install(octets(), any(Some(text())), any(false), now(), &mut store, &mut ports);
        used(result).ok();
        if let Some(report) = licensing.report() {
            used(report.emit(text(), &id, sign, crate::room!(REPORT_MAX))).ok();
            licensing.reported(&mut store, &mut ports)?;
        }
        if any(false) {
            licensing.factory_reset(now(), &mut store, &mut ports)?;
        }
    }
    used(licensing.save(now(), &mut store, &mut ports))
}

#[inline(never)]
fn session() -> Result<(), SessionError> {
    let config = session::Config {
        vendor: text(),
        user_agent: text(),
        language: any(Some(text())),
        allowed: Allowed { hosts: any(&["a.example", "*.b.example"][..]), http: any(false) },
        browser: any(true),
    };
    let now = || any(Duration::ZERO);
    let (rx, urls) = (crate::room!(MAX_DOCUMENT), crate::room!(URL_BUFFER));
    let session = if any(true) {
        Session::request(config, text(), now(), rx, urls)
    } else {
        Session::report(config, text(), octets(), now(), rx, urls)
    };
    let mut session = session.map_err(|(error, _)| error)?;
    session.keep_cookies(crate::room!(session::COOKIE_OCTETS));
    while any(true) {
        used(session.receive_buffer());
        let reply = Reply {
            status: any(200),
            content_type: any(Some(text())),
            encoded: any(false),
            location: any(Some(text())),
            retry_after: any(Some(7)),
            len: any(100),
        };
        let input = match any(0_u8) {
            0 => Input::Reply(reply),
            1 => Input::LinkDown,
            2 => Input::Tick,
            3 => Input::Installed { state: any(State::Full), report: octets() },
            4 => Input::Refused(Refusal::STORAGE),
            5 => Input::Unsealed { at: any(1), len: any(1) },
            _ => Input::Abort,
        };
        used(session.handle(now(), input)).ok();
        match session.poll(now()) {
            Output::Send(request) => {
                _ = used((request.url, request.accept, request.cookies, request.body));
                session.cookie(text());
            }
            output => _ = used(output),
        }
    }
    used(session.forget_cookies());
    Ok(())
}

//! What the device sends, and when: the entry URL with its request, and the report of what became of a document.

use core::time::Duration;

use kedge_protocol::license::limits::{MAX_URL, NEXT_REFRESH};
use kedge_protocol::license::report::REPORT_MAX;
use kedge_protocol::license::retry::pause;
use kedge_protocol::license::session::{self, Outcome, SessionError};
use kedge_protocol::license::token::{Request, TOKEN_MAX, capabilities};
use kedge_protocol::license::{Level, Op};
use kedge_protocol::wire::Writer;
use kedge_protocol::xml::base64;

use super::{LicenseError, Licensing, Now, Ports, key_id};

/// Where to ask, and how.
#[derive(Clone, Copy, Debug)]
pub struct Server<'a> {
    /// The entry URL, without a query.
    pub entry: &'a str,
    /// What the session needs to know.
    pub session: session::Config<'a>,
}

/// The entry URL of `server` with a new request for `op`: its token, or, for a device without a key below level L2, plain
/// parameters. A signed request is never left out for plain ones. `ephemeral` is the key for sealed documents, if they are
/// taken.
pub fn entry<'o, E>(
    licensing: &mut Licensing<'_>,
    (op, nonce, ephemeral): (Op, [u8; 16], Option<&[u8; 32]>),
    now: Now,
    server: &str,
    ports: &Ports<'_>,
    out: &'o mut [u8; MAX_URL],
) -> Result<&'o str, LicenseError<E>> {
    let vendor = licensing.config().policy.vendor;
    let level = licensing.config().policy.level;
    let mut room = [0; TOKEN_MAX];
    let request = licensing.request(op, nonce, now);
    let sealed = if ephemeral.is_some() { capabilities::SEALED } else { 0 };
    let request = Request { ephemeral, capabilities: request.capabilities | sealed, ..request };
    let token = match &ports.key {
        Some(_) => Some(sign_request(&request, vendor, ports, &mut room)?),
        None if level < Level::Key => None,
        None => return Err(LicenseError::NoKey),
    };
    let mut w = Writer::new(out);
    let written = (|| {
        w.put(server.as_bytes())?;
        w.put(b"?v=1&op=")?;
        w.u8(op.0.wrapping_add(b'0'))?;
        let Some(token) = token else { return request.emit_plain(&mut w) };
        w.put(b"&t=")?;
        base64::encode_url(token, &mut w)
    })();
    let no_room = LicenseError::NoRoom { needed: MAX_URL };
    written.ok().and_then(|()| str::from_utf8(w.finish()).ok()).ok_or(no_room)
}

/// The token of a request, for the entry URL or for a file.
pub fn sign_request<'o, E>(
    request: &Request<'_>,
    vendor: &str,
    ports: &Ports<'_>,
    out: &'o mut [u8; TOKEN_MAX],
) -> Result<&'o [u8], LicenseError<E>> {
    let key = ports.key.as_ref().ok_or(LicenseError::NoKey)?;
    let id = key_id(&key.public_key(), ports.verifier);
    let token = request.emit(vendor, &id, |message| key.sign(message), out);
    token.map_err(|_| LicenseError::NoRoom { needed: TOKEN_MAX })
}

/// The signed report that is due; empty: none is, or there is no key to sign it.
pub fn signed_report<'o>(
    licensing: &Licensing<'_>,
    ports: &Ports<'_>,
    out: &'o mut [u8; REPORT_MAX],
) -> &'o [u8] {
    let vendor = licensing.config().policy.vendor;
    let signed = licensing.report().zip(ports.key.as_ref()).and_then(|(report, key)| {
        let id = key_id(&key.public_key(), ports.verifier);
        report.emit(vendor, &id, |message| key.sign(message), out).ok()
    });
    signed.unwrap_or_default()
}

/// A session that could not be made: a buffer that is too small, or a URL or text of the configuration that is not legal.
pub(crate) fn misfit<E>(error: SessionError) -> LicenseError<E> {
    match error {
        SessionError::NoRoom { needed } => LicenseError::NoRoom { needed },
        _ => LicenseError::BadServer,
    }
}

/// How long to wait before asking again after `outcome`, on the try of this number; `None`: not before something changes.
pub fn retry_in(outcome: &Outcome, tries: u8, random: u8) -> Option<Duration> {
    match outcome {
        Outcome::NothingToDo => Some(NEXT_REFRESH),
        Outcome::Problem { retry_after, .. } | Outcome::Http { retry_after, .. } => {
            Some(retry_after.unwrap_or(pause(tries, random)))
        }
        Outcome::LinkDown | Outcome::TimedOut | Outcome::TooBig | Outcome::BadAnswer | Outcome::Aborted => {
            Some(pause(tries, random))
        }
        _ => None,
    }
}

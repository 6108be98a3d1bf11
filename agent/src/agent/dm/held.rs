//! What a session is held with: the account of the server and the alerts for it, copied out of tree and store into the
//! management memory, because both change while it is held.

use kedge_protocol::dm::account::{DmAccountSettings, Level};
use kedge_protocol::dm::auth::{Credentials, Nonce, Scheme, Secret};
use kedge_protocol::dm::session::{Account, Config, Initiator, Notice};
use kedge_protocol::syncml::{AlertCode, Dialect, Format};
use kedge_protocol::wap::Coding;
use kedge_protocol::wire::Writer;
use minicbor::{Decode, Encode};

use crate::limits;
use crate::store::{ALERTS, Alert, Record as _};

/// Most alerts of one session: as many as are kept.
pub(super) const MOST_ALERTS: usize = 4;
const _: () = assert!(*ALERTS.end() - *ALERTS.start() + 1 == 4, "as many as are kept");

/// The session being held, as far as it is not in the protocol's own memory.
#[derive(Debug, Default)]
pub(super) struct Running {
    /// Octets of the account at the front of the texts.
    account: usize,
    /// The alerts behind it: key in the store, octets.
    alerts: heapless::Vec<(u8, usize), MOST_ALERTS>,
    pub(super) number: u16,
    pub(super) doing: Doing,
    /// The alerts that the server took so far, one bit each.
    pub(super) taken: u32,
}

/// What the session waits for.
#[derive(Debug, Default)]
pub(super) enum Doing {
    /// Nothing: the session machine says what comes next.
    #[default]
    Session,
    /// The answer to its request.
    Exchange(Answering),
    /// The user, who is asked the question of this alert.
    Asking(AlertCode),
    /// Nobody can be asked that.
    Unaskable,
}

/// The answer that is being received.
#[derive(Debug, Default)]
pub(super) struct Answering {
    pub(super) status: u16,
    pub(super) content_type: heapless::String<{ limits::CONTENT_TYPE }>,
    /// The header with the server's digest.
    pub(super) mac: heapless::String<{ limits::CONTENT_TYPE }>,
    pub(super) len: usize,
}

/// The account, as it stands in the texts. It holds secrets, and shows nothing.
#[derive(Clone, Copy, Encode, Decode)]
#[cbor(map)]
struct Held<'a> {
    #[cbor(b(0))]
    server: &'a str,
    #[cbor(b(1))]
    url: &'a str,
    #[cbor(b(2))]
    device: &'a str,
    #[n(3)]
    session: u16,
    #[n(4)]
    notified: bool,
    /// The scheme to begin with, by its place.
    #[n(5)]
    scheme: Option<u8>,
    #[cbor(b(6))]
    client: Option<Login<'a>>,
    #[cbor(b(7))]
    own: Option<Login<'a>>,
}

/// Credentials of one side, and its nonce.
#[derive(Clone, Copy, Encode, Decode)]
#[cbor(map)]
struct Login<'a> {
    #[cbor(b(0))]
    name: &'a str,
    #[cbor(b(1), with = "minicbor::bytes")]
    secret: &'a [u8],
    #[cbor(b(2), with = "minicbor::bytes")]
    nonce: &'a [u8],
    #[n(3)]
    scheme: u8,
}

const SCHEMES: [Scheme; 3] = [Scheme::Basic, Scheme::Md5, Scheme::Mac];

fn number_of(scheme: Scheme) -> u8 {
    SCHEMES.iter().zip(0..).find(|(known, _)| **known == scheme).map_or(0, |(_, number)| number)
}

fn scheme_of(number: u8) -> Scheme {
    SCHEMES.get(usize::from(number)).copied().unwrap_or_default()
}

/// What a session is with, besides the account.
#[derive(Clone, Copy, Debug)]
pub(super) struct Terms<'a> {
    pub(super) device: &'a str,
    pub(super) session: u16,
    pub(super) notified: bool,
}

impl Running {
    /// Writes account and terms to the front of `texts`; `None` if they do not fit, or the account has no address.
    pub(super) fn begin(
        &mut self,
        settings: &DmAccountSettings<'_>,
        terms: &Terms<'_>,
        texts: &mut [u8],
    ) -> Option<()> {
        let account = settings.of_session()?;
        let secret = |level| settings.credentials(level).map_or(&[][..], |one| one.secret.0);
        let login = |name, level, nonce, scheme| Login {
            name,
            secret: secret(level),
            nonce,
            scheme: number_of(scheme),
        };
        let (client, own) = (account.client, account.server);
        let (client_nonce, own_nonce) = (account.client_nonce.octets(), account.server_nonce.octets());
        let held = Held {
            server: account.server_id,
            url: account.url,
            device: terms.device,
            session: terms.session,
            notified: terms.notified,
            scheme: account.scheme.map(number_of),
            client: client.map(|one| login(one.name, Level::Client, client_nonce, Scheme::default())),
            own: own.map(|one| login(one.name, Level::Server, own_nonce, account.server_scheme)),
        };
        let room = texts.len();
        let mut rest = &mut *texts;
        minicbor::encode(held, &mut rest).ok()?;
        self.account = room.checked_sub(rest.len())?;
        self.alerts.clear();
        self.number = terms.session;
        self.doing = Doing::Session;
        self.taken = 0;
        Some(())
    }

    /// Where the next alert goes.
    pub(super) fn room<'t>(&self, texts: &'t mut [u8]) -> &'t mut [u8] {
        texts.get_mut(self.used()..).unwrap_or_default()
    }

    /// The alert of this key, of so many octets, was put there.
    pub(super) fn add(&mut self, key: u8, len: usize) {
        // As many as there are keys.
        let _ = self.alerts.push((key, len));
    }

    fn used(&self) -> usize {
        self.alerts.iter().fold(self.account, |used, (_, len)| used.saturating_add(*len))
    }

    /// The keys of the alerts that `bits` name.
    pub(super) fn keys(&self, bits: u32) -> impl Iterator<Item = u8> {
        self.alerts.iter().zip(0_u32..).filter(move |(_, n)| bits >> n & 1 == 1).map(|((key, _), _)| *key)
    }

    /// The alerts, as the session takes them.
    pub(super) fn notices<'t>(&self, texts: &'t [u8]) -> heapless::Vec<Notice<'t>, MOST_ALERTS> {
        let mut notices = heapless::Vec::new();
        let mut at = self.account;
        for (_, len) in &self.alerts {
            let end = at.saturating_add(*len);
            let alert = texts.get(at..end).and_then(Alert::from_octets);
            at = end;
            let Some(alert) = alert else { continue };
            let format = Format::ALL.into_iter().find(|format| format.name() == alert.format);
            // As many as there are keys.
            let _ = notices.push(Notice {
                code: AlertCode::GENERIC,
                correlator: alert.correlator,
                source: alert.source,
                kind: alert.kind,
                format: format.unwrap_or(Format::Chr),
                mark: alert.mark,
                data: alert.data,
            });
        }
        notices
    }

    /// The configuration of the session; `None` if there is none.
    pub(super) fn config<'t>(
        &self,
        texts: &'t [u8],
        notices: &'t [Notice<'t>],
        coding: Coding,
    ) -> Option<Config<'t>> {
        let held: Held<'t> = minicbor::decode(texts.get(..self.account)?).ok()?;
        let proof = |login: &Login<'t>| Credentials { name: login.name, secret: Secret::new(login.secret) };
        let nonce = |login: Option<Login<'t>>| {
            login.and_then(|login| Nonce::new(login.nonce)).unwrap_or(Nonce::EMPTY)
        };
        Some(Config {
            account: Account {
                server_id: held.server,
                url: held.url,
                client: held.client.as_ref().map(proof),
                scheme: held.scheme.map(scheme_of),
                client_nonce: nonce(held.client),
                nonce_is_text: false,
                server: held.own.as_ref().map(proof),
                server_scheme: held.own.map_or(Scheme::Md5, |login| scheme_of(login.scheme)),
                server_nonce: nonce(held.own),
            },
            device: held.device,
            session_id: held.session,
            initiator: if held.notified { Initiator::Server } else { Initiator::Client },
            dialect: Dialect::V1_2,
            coding,
            notices,
            has_user: true,
            max_object: 0,
            exchange_timeout: limits::MANAGEMENT_EXCHANGE,
            prompt_timeout: limits::MANAGEMENT_PROMPT,
            session_timeout: limits::MANAGEMENT_SESSION,
        })
    }

    /// The ServerID of the session's server.
    pub(super) fn server<'t>(&self, texts: &'t [u8]) -> &'t str {
        let held: Option<Held<'t>> =
            texts.get(..self.account).and_then(|octets| minicbor::decode(octets).ok());
        held.map_or("", |held| held.server)
    }

    /// Whether what the session executes comes from a server that proved who it is: by its credentials, without which nothing is
    /// executed, or by TLS.
    pub(super) fn is_proven(&self, texts: &[u8]) -> bool {
        let held: Option<Held<'_>> =
            texts.get(..self.account).and_then(|octets| minicbor::decode(octets).ok());
        held.is_some_and(|held| held.own.is_some() || held.url.starts_with("https://"))
    }

    /// Whether the server wanted the session.
    pub(super) fn is_notified(&self, texts: &[u8]) -> bool {
        let held: Option<Held<'_>> =
            texts.get(..self.account).and_then(|octets| minicbor::decode(octets).ok());
        held.is_some_and(|held| held.notified)
    }

    /// Forgets the account, and wipes it out of the texts.
    pub(super) fn clear(&mut self, texts: &mut [u8]) {
        let used = self.used();
        texts.iter_mut().take(used).for_each(|octet| *octet = 0);
        *self = Self::default();
    }
}

/// A node's identifier as text: `ESN:80B02913`, `MEID:A1000000DEADBE` (`oma-dm.md` section 11).
pub(super) fn device_id(id: kedge_platform::identity::HardwareId, out: &mut [u8]) -> &str {
    use kedge_platform::identity::HardwareId;
    let mut w = Writer::new(out);
    let esn;
    let (scheme, octets): (&[u8], &[u8]) = match &id {
        HardwareId::Esn(number) => {
            esn = number.to_be_bytes();
            (b"ESN:", &esn)
        }
        HardwareId::Meid(octets) => (b"MEID:", octets),
    };
    // The room is that of the longest.
    let _ = w.put(scheme);
    for octet in octets {
        for nibble in [octet >> 4, octet & 0xF] {
            let digit = char::from_digit(u32::from(nibble), 16).unwrap_or('0').to_ascii_uppercase();
            let _ = w.put(digit.encode_utf8(&mut [0; 4]).as_bytes());
        }
    }
    core::str::from_utf8(w.finish()).unwrap_or_default()
}

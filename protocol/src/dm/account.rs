//! The account of a management server: how to reach it, and who proves what to whom (`oma-dm.md` section 11, DMAcc).
//!
//! It comes from the factory, from a bootstrap by either profile, or from a server that manages it. The w7 application of a
//! Client Provisioning document becomes one by way of [`DmAccount`].

use core::fmt;

use super::auth::{self, Nonce, Secret};
use super::session::Account;
use crate::cp::account::{AuthLevel, DmAccount};

/// Most addresses of a server that are kept; they are tried in this order.
pub const MAX_ADDRESSES: usize = 3;
/// Most sets of credentials: those of the client, of the server, and of HTTP.
pub const MAX_CREDENTIALS: usize = 3;

/// A password, key or nonce: it is never shown.
#[derive(Clone, Copy, PartialEq, Eq, Default)]
pub struct Hidden<'a>(pub &'a [u8]);

impl fmt::Debug for Hidden<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Hidden({} octets)", self.0.len())
    }
}

/// How an address is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum AddressType {
    /// A URL.
    #[default]
    Uri,
    /// An IPv4 address.
    Ipv4,
    /// An IPv6 address.
    Ipv6,
}

impl AddressType {
    const ALL: [Self; 3] = [Self::Uri, Self::Ipv4, Self::Ipv6];

    /// Its word in AddrType.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Uri => "URI",
            Self::Ipv4 => "IPv4",
            Self::Ipv6 => "IPv6",
        }
    }

    /// The type that a word in AddrType or in a parameter ADDRTYPE means.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name().eq_ignore_ascii_case(name))
    }
}

/// Where a server is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct Address<'a> {
    /// The address.
    pub address: &'a str,
    /// How it is written.
    pub kind: AddressType,
    /// The port; `None`: the one of the URL's scheme.
    pub port: Option<u16>,
}

/// Whose credentials they are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Level {
    /// The client proves itself to the server.
    Client,
    /// The server proves itself to the client.
    Server,
    /// For HTTP.
    Http,
    /// For OBEX; kept, not used.
    Obex,
}

impl Level {
    const ALL: [Self; 4] = [Self::Client, Self::Server, Self::Http, Self::Obex];

    /// Its word in AAuthLevel.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Client => "CLCRED",
            Self::Server => "SRVCRED",
            Self::Http => "HTTP",
            Self::Obex => "OBEX",
        }
    }

    /// The level that a word in AAuthLevel means.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|level| level.name() == name)
    }
}

impl From<AuthLevel> for Level {
    fn from(level: AuthLevel) -> Self {
        match level {
            AuthLevel::ClCred => Self::Client,
            AuthLevel::SrvCred => Self::Server,
            AuthLevel::Obex => Self::Obex,
        }
    }
}

/// How credentials are made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scheme {
    /// Name and password as they are.
    Basic,
    /// A digest of them and a nonce.
    Digest,
    /// A digest of them, a nonce and the message, in an HTTP header.
    Hmac,
    /// Basic authentication of HTTP.
    HttpBasic,
    /// Digest authentication of HTTP.
    HttpDigest,
    /// A certificate of the transport.
    X509,
    /// Whatever the transport does.
    Transport,
}

impl Scheme {
    const ALL: [Self; 7] = [
        Self::Basic,
        Self::Digest,
        Self::Hmac,
        Self::HttpBasic,
        Self::HttpDigest,
        Self::X509,
        Self::Transport,
    ];

    /// Its word in AAuthType.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Basic => "BASIC",
            Self::Digest => "DIGEST",
            Self::Hmac => "HMAC",
            Self::HttpBasic => "HTTP-BASIC",
            Self::HttpDigest => "HTTP-DIGEST",
            Self::X509 => "X509",
            Self::Transport => "TRANSPORT",
        }
    }

    /// How credentials of this kind are made in a session; `None` for those that are not the session's business.
    pub const fn of_session(self) -> Option<auth::Scheme> {
        match self {
            Self::Basic => Some(auth::Scheme::Basic),
            Self::Digest => Some(auth::Scheme::Md5),
            Self::Hmac => Some(auth::Scheme::Mac),
            Self::HttpBasic | Self::HttpDigest | Self::X509 | Self::Transport => None,
        }
    }

    /// The scheme that a word in AAuthType, or in a parameter AAUTHTYPE, means. Schemes with devices of their own
    /// (SECURID, SAFEWORD, DIGIPASS) are not supported.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|scheme| scheme.name() == name)
    }
}

/// One set of credentials.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Credentials<'a> {
    /// Whose they are.
    pub level: Level,
    /// How they are made.
    pub scheme: Scheme,
    /// The name.
    pub name: &'a str,
    /// The password.
    pub secret: Hidden<'a>,
    /// The nonce that counts next.
    pub data: Hidden<'a>,
}

/// Everything that an account holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct DmAccountSettings<'a> {
    /// ServerID: names the account, and is what access rights and notifications go by.
    pub server: &'a str,
    /// What the user is shown.
    pub name: Option<&'a str>,
    /// The connection that is preferred.
    pub connection: Option<&'a str>,
    /// The scheme that the client uses before it is challenged.
    pub preferred: Option<Scheme>,
    /// Where the server is, the preferred address first.
    pub addresses: [Option<Address<'a>>; MAX_ADDRESSES],
    /// The credentials.
    pub credentials: [Option<Credentials<'a>>; MAX_CREDENTIALS],
}

/// What keeps settings from being an account.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Incomplete {
    /// No ServerID, or one that cannot stand in an access control list (`oma-dm.md` 9.4).
    Server,
    /// No address.
    Address,
    /// Two sets of credentials of one level.
    Credentials,
}

impl fmt::Display for Incomplete {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Server => "no usable server identifier",
            Self::Address => "no address",
            Self::Credentials => "credentials of one level twice",
        })
    }
}

impl core::error::Error for Incomplete {}

/// What there is more of than an account keeps is left out; credentials that do not say how they are made are digests, which
/// every client has to be able to make.
impl<'a> From<&DmAccount<'a>> for DmAccountSettings<'a> {
    fn from(account: &DmAccount<'a>) -> Self {
        let mut settings = Self {
            server: account.server_id(),
            name: account.name(),
            connection: account.preferred_connection(),
            ..Self::default()
        };
        for (slot, address) in settings.addresses.iter_mut().zip(account.addresses()) {
            *slot = Some(Address {
                address: address.address(),
                kind: address.address_type().and_then(AddressType::from_name).unwrap_or_default(),
                port: address.ports().next().map(|port| port.number()),
            });
        }
        for (slot, (level, auth)) in settings.credentials.iter_mut().zip(account.auths()) {
            *slot = Some(Credentials {
                level: level.into(),
                scheme: auth.method().and_then(Scheme::from_name).unwrap_or(Scheme::Digest),
                name: auth.name().unwrap_or_default(),
                secret: Hidden(auth.secret().unwrap_or_default().as_bytes()),
                data: Hidden(auth.data().unwrap_or_default().as_bytes()),
            });
        }
        settings
    }
}

impl<'a> DmAccountSettings<'a> {
    /// Whether a session can be held with this.
    pub fn check(&self) -> Result<(), Incomplete> {
        if !Self::is_server(self.server) {
            return Err(Incomplete::Server);
        }
        if !self.addresses.iter().flatten().any(|address| !address.address.is_empty()) {
            return Err(Incomplete::Address);
        }
        let twice = |one: &Credentials<'_>| self.all_of(one.level).nth(1).is_some();
        if self.credentials.iter().flatten().any(twice) {
            return Err(Incomplete::Credentials);
        }
        Ok(())
    }

    /// Whether a text can name a server: it must be able to stand in an access control list.
    pub fn is_server(text: &str) -> bool {
        let odd = |octet: u8| !octet.is_ascii_graphic() || matches!(octet, b'=' | b'&' | b'*' | b'+');
        !text.is_empty() && !text.bytes().any(odd)
    }

    /// The account as a session takes it, with the address at the front; `None` if there is none. Credentials for HTTP or the
    /// transport are not part of it. A nonce that is longer than nonces are counts as none.
    pub fn of_session(&self) -> Option<Account<'a>> {
        let of_level = |level| {
            let one = self.credentials(level)?;
            Some((one, one.scheme.of_session()?))
        };
        let proof =
            |one: &Credentials<'a>| auth::Credentials { name: one.name, secret: Secret::new(one.secret.0) };
        let nonce = |one: &Credentials<'a>| Nonce::new(one.data.0).unwrap_or(Nonce::EMPTY);
        let (client, server) = (of_level(Level::Client), of_level(Level::Server));
        // A server that has no name of its own there goes by its identifier.
        let named = |one: auth::Credentials<'a>| auth::Credentials {
            name: if one.name.is_empty() { self.server } else { one.name },
            ..one
        };
        Some(Account {
            server_id: self.server,
            url: self.addresses.iter().flatten().next()?.address,
            client: client.map(|(one, _)| proof(one)),
            scheme: self.preferred.and_then(Scheme::of_session),
            client_nonce: client.map_or(Nonce::EMPTY, |(one, _)| nonce(one)),
            nonce_is_text: false,
            server: server.map(|(one, _)| named(proof(one))),
            server_scheme: server.map_or(auth::Scheme::Md5, |(_, scheme)| scheme),
            server_nonce: server.map_or(Nonce::EMPTY, |(one, _)| nonce(one)),
        })
    }

    /// The credentials of a level.
    pub fn credentials(&self, level: Level) -> Option<&Credentials<'a>> {
        self.all_of(level).next()
    }

    fn all_of(&self, level: Level) -> impl Iterator<Item = &Credentials<'a>> {
        self.credentials.iter().flatten().filter(move |one| one.level == level)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::format;

    fn sample() -> DmAccountSettings<'static> {
        let address = Address { address: "https://dm.example/dm", ..Address::default() };
        let client = Credentials {
            level: Level::Client,
            scheme: Scheme::Digest,
            name: "device",
            secret: Hidden(b"hush-1"),
            data: Hidden(b"nonce"),
        };
        let server = Credentials { level: Level::Server, name: "dm.example", ..client };
        DmAccountSettings {
            server: "dm.example",
            addresses: [Some(address), None, None],
            credentials: [Some(client), Some(server), None],
            ..DmAccountSettings::default()
        }
    }

    #[test]
    fn what_makes_an_account() {
        let good = sample();
        assert_eq!(good.check(), Ok(()));
        assert_eq!(good.credentials(Level::Server).map(|one| one.name), Some("dm.example"));
        assert_eq!(good.credentials(Level::Http), None);
        let session = good.of_session().unwrap();
        assert_eq!((session.server_id, session.url), ("dm.example", "https://dm.example/dm"));
        assert_eq!(session.client.map(|client| client.name), Some("device"));
        assert_eq!(session.server_nonce, Nonce::new(b"nonce").unwrap());
        let unnamed = good.credentials(Level::Server).map(|own| Credentials { name: "", ..*own });
        let unnamed = DmAccountSettings { credentials: [unnamed, None, None], ..good };
        assert_eq!(unnamed.of_session().unwrap().server.map(|own| own.name), Some("dm.example"));
        for server in ["", "a b", "a=b", "a&b", "a*", "a+b", "\u{e9}"] {
            assert_eq!(DmAccountSettings { server, ..good }.check(), Err(Incomplete::Server), "{server}");
        }
        let nowhere = DmAccountSettings { addresses: [None; MAX_ADDRESSES], ..good };
        assert_eq!(nowhere.check(), Err(Incomplete::Address));
        let [client, ..] = good.credentials;
        let twice = DmAccountSettings { credentials: [client, client, None], ..good };
        assert_eq!(twice.check(), Err(Incomplete::Credentials));
    }

    #[test]
    fn secrets_are_not_shown() {
        let shown = format!("{:?}", sample());
        assert!(!shown.contains("hush-1") && !shown.contains(&format!("{:?}", b"hush-1")), "{shown}");
        assert!(shown.contains("Hidden(6 octets)"));
    }

    #[test]
    fn a_w7_application_becomes_an_account() {
        let text = br#"<wap-provisioningdoc><characteristic type="APPLICATION">
            <parm name="APPID" value="w7"/><parm name="PROVIDER-ID" value="dm.example"/><parm name="NAME" value="DM"/>
            <characteristic type="APPADDR"><parm name="ADDR" value="https://dm.example/dm"/>
            <characteristic type="PORT"><parm name="PORTNBR" value="8443"/></characteristic></characteristic>
            <characteristic type="APPAUTH"><parm name="AAUTHLEVEL" value="APPSRV"/><parm name="AAUTHTYPE" value="BASIC"/>
            <parm name="AAUTHNAME" value="device"/><parm name="AAUTHSECRET" value="pw"/></characteristic>
            <characteristic type="APPAUTH"><parm name="AAUTHLEVEL" value="CLIENT"/></characteristic>
            </characteristic></wap-provisioningdoc>"#;
        let coded = crate::cp::Coded { coding: crate::wap::Coding::Xml, bytes: text };
        let mut scratch = [0; 4096];
        let mut objects = crate::cp::Objects::new(&coded).unwrap();
        let application =
            crate::cp::model::Application::of(objects.next(&mut scratch).unwrap().unwrap()).unwrap();
        let account = DmAccountSettings::from(&DmAccount::of(application).unwrap());
        assert_eq!(account.check(), Ok(()));
        assert_eq!((account.server, account.name), ("dm.example", Some("DM")));
        let address = account.addresses[0].unwrap();
        assert_eq!(
            (address.address, address.kind, address.port),
            ("https://dm.example/dm", AddressType::Uri, Some(8443))
        );
        let client = account.credentials(Level::Client).unwrap();
        assert_eq!((client.scheme, client.name, client.secret), (Scheme::Basic, "device", Hidden(b"pw")));
        assert_eq!(account.credentials(Level::Server).unwrap().scheme, Scheme::Digest);
    }

    #[test]
    fn words_of_both_profiles() {
        for level in Level::ALL {
            assert_eq!(Level::from_name(level.name()), Some(level));
        }
        for scheme in Scheme::ALL {
            assert_eq!(Scheme::from_name(scheme.name()), Some(scheme));
        }
        assert_eq!(Scheme::from_name("SECURID"), None);
        assert_eq!(AddressType::from_name("IPV6"), Some(AddressType::Ipv6));
    }
}

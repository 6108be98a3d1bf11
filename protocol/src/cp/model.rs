//! Typed views of objects: what a device reads from its settings.
//!
//! A view judges nothing: it is an [`Object`] of the right kind with names for its parms. What has no method of its own here
//! (the quality of service of packet data, say) is read with [`Object::parm`] and [`Object::number`].

use super::{Kind, Object, ParmName};

/// Declares a view of one kind of object.
macro_rules! view {
    ($(#[$meta:meta])* $name:ident = $kind:ident) => {
        $(#[$meta])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub struct $name<'s>(Object<'s>);

        impl<'s> $name<'s> {
            /// The view; `None` for objects of another kind.
            pub fn of(object: Object<'s>) -> Option<Self> {
                (object.kind() == Kind::$kind).then_some(Self(object))
            }

            /// The object behind it.
            pub const fn object(&self) -> Object<'s> {
                self.0
            }
        }
    };
}

view! {
    /// NAPDEF: an access point.
    Napdef = Napdef
}

impl<'s> Napdef<'s> {
    /// NAPID, its key.
    pub fn id(&self) -> &'s str {
        self.0.parm(ParmName::NapId).unwrap_or_default()
    }

    /// NAME.
    pub fn name(&self) -> Option<&'s str> {
        self.0.parm(ParmName::Name)
    }

    /// BEARER; none: any.
    pub fn bearers(&self) -> impl Iterator<Item = &'s str> + use<'s> {
        self.0.parms(ParmName::Bearer)
    }

    /// Whether it leads to the Internet.
    pub fn is_internet(&self) -> bool {
        self.0.has(ParmName::Internet)
    }

    /// NAP-ADDRESS: with type APN the access point name.
    pub fn address(&self) -> Option<&'s str> {
        self.0.parm(ParmName::NapAddress)
    }

    /// NAP-ADDRTYPE; without it a telephone number.
    pub fn address_type(&self) -> AddressType {
        AddressType::of(self.0.parm(ParmName::NapAddrType), AddressType::E164)
    }

    /// DNS-ADDR.
    pub fn dns(&self) -> impl Iterator<Item = &'s str> + use<'s> {
        self.0.parms(ParmName::DnsAddr)
    }

    /// How to log in, one entry for each partner.
    pub fn logins(&self) -> impl Iterator<Item = Login<'s>> + use<'s> {
        self.0.children(Kind::NapAuthInfo).map(|auth| Login {
            method: auth.parm(ParmName::AuthType).unwrap_or_default(),
            name: auth.parm(ParmName::AuthName),
            secret: auth.parm(ParmName::AuthSecret),
        })
    }
}

view! {
    /// PXLOGICAL: a proxy as applications refer to it.
    PxLogical = PxLogical
}

impl<'s> PxLogical<'s> {
    /// PROXY-ID, its key.
    pub fn id(&self) -> &'s str {
        self.0.parm(ParmName::ProxyId).unwrap_or_default()
    }

    /// NAME.
    pub fn name(&self) -> Option<&'s str> {
        self.0.parm(ParmName::Name)
    }

    /// Whether provisioning documents through this proxy are trusted.
    pub fn is_trusted(&self) -> bool {
        self.0.has(ParmName::Trust)
    }

    /// How to log in.
    pub fn logins(&self) -> impl Iterator<Item = Login<'s>> + use<'s> {
        self.0.children(Kind::PxAuthInfo).map(|auth| Login {
            method: auth.parm(ParmName::PxAuthType).unwrap_or_default(),
            name: auth.parm(ParmName::PxAuthId),
            secret: auth.parm(ParmName::PxAuthPw),
        })
    }

    /// The machines behind it, in the order of priority.
    pub fn physical(&self) -> impl Iterator<Item = PxPhysical<'s>> + use<'s> {
        self.0.children(Kind::PxPhysical).map(PxPhysical)
    }

    /// Ports of all of them, for those that have none of their own.
    pub fn ports(&self) -> impl Iterator<Item = Endpoint<'s>> + use<'s> {
        endpoints(self.0)
    }
}

view! {
    /// PXPHYSICAL: a proxy as the network knows it.
    PxPhysical = PxPhysical
}

impl<'s> PxPhysical<'s> {
    /// PHYSICAL-PROXY-ID, its key within the logical proxy.
    pub fn id(&self) -> &'s str {
        self.0.parm(ParmName::PhysicalProxyId).unwrap_or_default()
    }

    /// PXADDR, else PXADDR-FQDN.
    pub fn address(&self) -> Option<&'s str> {
        self.0.parm(ParmName::PxAddr).or_else(|| self.0.parm(ParmName::PxAddrFqdn))
    }

    /// PXADDRTYPE; without it IPV4.
    pub fn address_type(&self) -> AddressType {
        AddressType::of(self.0.parm(ParmName::PxAddrType), AddressType::Ipv4)
    }

    /// TO-NAPID: the access points by which it is reached; `INTERNET` is any that leads there.
    pub fn access_points(&self) -> impl Iterator<Item = &'s str> + use<'s> {
        self.0.parms(ParmName::ToNapId)
    }

    /// Its ports.
    pub fn ports(&self) -> impl Iterator<Item = Endpoint<'s>> + use<'s> {
        endpoints(self.0)
    }
}

view! {
    /// APPLICATION: the settings of a program.
    Application = Application
}

impl<'s> Application<'s> {
    /// APPID: which program.
    pub fn app_id(&self) -> AppId<'s> {
        AppId(self.0.parm(ParmName::AppId).unwrap_or_default())
    }

    /// PROVIDER-ID; with APPID the key.
    pub fn provider_id(&self) -> Option<&'s str> {
        self.0.parm(ParmName::ProviderId)
    }

    /// NAME.
    pub fn name(&self) -> Option<&'s str> {
        self.0.parm(ParmName::Name)
    }

    /// TO-PROXY, in the order of priority.
    pub fn proxies(&self) -> impl Iterator<Item = &'s str> + use<'s> {
        self.0.parms(ParmName::ToProxy)
    }

    /// TO-NAPID, in the order of priority; `INTERNET` is any that leads there.
    pub fn access_points(&self) -> impl Iterator<Item = &'s str> + use<'s> {
        self.0.parms(ParmName::ToNapId)
    }

    /// Addresses, whether they stand in an APPADDR or, as real documents have it, directly in the application.
    pub fn addresses(&self) -> impl Iterator<Item = &'s str> + use<'s> {
        let direct = self.0.parms(ParmName::Addr);
        direct.chain(self.app_addrs().filter_map(|addr| addr.0.parm(ParmName::Addr)))
    }

    /// Addresses with their types and ports.
    pub fn app_addrs(&self) -> impl Iterator<Item = AppAddr<'s>> + use<'s> {
        self.0.children(Kind::AppAddr).map(AppAddr)
    }

    /// How to log in, and how the server proves itself.
    pub fn auths(&self) -> impl Iterator<Item = AppAuth<'s>> + use<'s> {
        self.0.children(Kind::AppAuth).map(AppAuth)
    }

    /// Bookmarks and other resources.
    pub fn resources(&self) -> impl Iterator<Item = Resource<'s>> + use<'s> {
        self.0.children(Kind::Resource).map(Resource)
    }
}

view! {
    /// APPADDR: an address of a program's server.
    AppAddr = AppAddr
}

impl<'s> AppAddr<'s> {
    /// ADDR.
    pub fn address(&self) -> &'s str {
        self.0.parm(ParmName::Addr).unwrap_or_default()
    }

    /// ADDRTYPE as it is.
    pub fn address_type(&self) -> Option<&'s str> {
        self.0.parm(ParmName::AddrType)
    }

    /// Its ports.
    pub fn ports(&self) -> impl Iterator<Item = Endpoint<'s>> + use<'s> {
        endpoints(self.0)
    }
}

view! {
    /// APPAUTH: a program's credentials.
    AppAuth = AppAuth
}

impl<'s> AppAuth<'s> {
    /// AAUTHLEVEL: APPSRV, CLIENT, OBEX.
    pub fn level(&self) -> Option<&'s str> {
        self.0.parm(ParmName::AAuthLevel)
    }

    /// AAUTHTYPE.
    pub fn method(&self) -> Option<&'s str> {
        self.0.parm(ParmName::AAuthType)
    }

    /// AAUTHNAME.
    pub fn name(&self) -> Option<&'s str> {
        self.0.parm(ParmName::AAuthName)
    }

    /// AAUTHSECRET.
    pub fn secret(&self) -> Option<&'s str> {
        self.0.parm(ParmName::AAuthSecret)
    }

    /// AAUTHDATA.
    pub fn data(&self) -> Option<&'s str> {
        self.0.parm(ParmName::AAuthData)
    }
}

view! {
    /// RESOURCE: a bookmark or the like.
    Resource = Resource
}

impl<'s> Resource<'s> {
    /// URI.
    pub fn uri(&self) -> &'s str {
        self.0.parm(ParmName::Uri).unwrap_or_default()
    }

    /// NAME.
    pub fn name(&self) -> Option<&'s str> {
        self.0.parm(ParmName::Name)
    }

    /// Whether the program begins here.
    pub fn is_start(&self) -> bool {
        self.0.has(ParmName::StartPage)
    }
}

view! {
    /// BOOTSTRAP: whose document this is, and who may send the next.
    Bootstrap = Bootstrap
}

impl<'s> Bootstrap<'s> {
    /// NAME, for the user.
    pub fn name(&self) -> Option<&'s str> {
        self.0.parm(ParmName::Name)
    }

    /// PROVURL: the server from which documents are trusted from now on.
    pub fn provisioning_url(&self) -> Option<&'s str> {
        self.0.parm(ParmName::ProvUrl)
    }

    /// PROXY-ID: the default proxies.
    pub fn proxies(&self) -> impl Iterator<Item = &'s str> + use<'s> {
        self.0.parms(ParmName::ProxyId)
    }

    /// CONTEXT-ALLOW: how many further contexts may be made; `None`: any number.
    pub fn contexts_allowed(&self) -> Option<u32> {
        self.0.number(ParmName::ContextAllow)
    }
}

/// How an address is to be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum AddressType {
    /// An access point name.
    Apn,
    /// A telephone number.
    E164,
    /// Dotted decimal; real documents pad with zeros.
    Ipv4,
    /// Of RFC 4291.
    Ipv6,
    /// A name.
    Alpha,
    /// Something that handsets of other networks know.
    Other,
}

impl AddressType {
    fn of(text: Option<&str>, default: Self) -> Self {
        match text {
            None | Some("") => default,
            Some("APN") => Self::Apn,
            Some("E164") => Self::E164,
            Some("IPV4") => Self::Ipv4,
            Some("IPV6") => Self::Ipv6,
            Some("ALPHA") => Self::Alpha,
            Some(_) => Self::Other,
        }
    }
}

/// How to log in at an access point or proxy.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Login<'s> {
    /// PAP, CHAP, MD5; HTTP-BASIC, HTTP-DIGEST, WTLS-SS.
    pub method: &'s str,
    /// As whom.
    pub name: Option<&'s str>,
    /// With what.
    pub secret: Option<&'s str>,
}

/// Without the secret.
impl core::fmt::Debug for Login<'_> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Login")
            .field("method", &self.method)
            .field("name", &self.name)
            .finish_non_exhaustive()
    }
}

/// A port with the protocols that are spoken there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Endpoint<'s>(Object<'s>);

impl<'s> Endpoint<'s> {
    /// PORTNBR.
    pub fn number(&self) -> u16 {
        self.0.number(ParmName::PortNbr).and_then(|number| u16::try_from(number).ok()).unwrap_or(0)
    }

    /// SERVICE: CL-WSP, CO-WSP, ...; none: as the number tells.
    pub fn services(&self) -> impl Iterator<Item = &'s str> + use<'s> {
        self.0.parms(ParmName::Service)
    }
}

fn endpoints(object: Object<'_>) -> impl Iterator<Item = Endpoint<'_>> + use<'_> {
    object.children(Kind::Port).map(Endpoint)
}

/// Which program an APPLICATION is for (`oma-cp.md` section 4). Upper and lower case count as written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AppId<'s>(pub &'s str);

/// The registered application ids.
const APPS: [(&str, &str); 22] = [
    ("w2", "browser"),
    ("w4", "multimedia messages"),
    ("w5", "data synchronisation"),
    ("w7", "device management"),
    ("wA", "instant messages"),
    ("25", "outgoing mail (SMTP)"),
    ("110", "incoming mail (POP3)"),
    ("143", "incoming mail (IMAP)"),
    ("554", "streaming"),
    ("ap0001", "push to talk"),
    ("ap0002", "presence"),
    ("ap0003", "document management"),
    ("ap0004", "location"),
    ("ap0005", "multimedia messages 1.3"),
    ("ap0006", "push to talk 2"),
    ("ap0007", "document management 2"),
    ("ap0008", "instant messages 2"),
    ("ap0009", "presence 2"),
    ("ap2001", "IMS"),
    ("ap2002", "RCS"),
    ("ap2003", "voice over LTE"),
    ("ap2004", "voice over Wi-Fi"),
];

impl<'s> AppId<'s> {
    /// The DM client.
    pub const DM: AppId<'static> = AppId("w7");
    /// The browser.
    pub const BROWSER: AppId<'static> = AppId("w2");
    /// Multimedia messages.
    pub const MMS: AppId<'static> = AppId("w4");
    /// Push to talk.
    pub const PUSH_TO_TALK: AppId<'static> = AppId("ap0001");

    /// What it is, for people; the id itself if it is not registered.
    pub fn name(&self) -> &'s str {
        APPS.iter().find(|(id, _)| *id == self.0).map_or(self.0, |(_, name)| name)
    }
}

//! The names of characteristics and parms, and their numbers in stored objects.

use crate::wire::Names;

/// Declares names with stable numbers: the position in the list. The number after `of` is what [`Names`] needs. Append only: stored settings use the numbers.
macro_rules! names {
    ($(#[$meta:meta])* $name:ident of $room:literal { $($variant:ident = $text:literal,)* }) => {
        $(#[$meta])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[repr(u8)]
        pub enum $name {
            $(#[doc = concat!("`", $text, "`")] $variant,)*
        }

        impl $name {
            /// Every name, in the order of the numbers.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)*];

            /// The name as it is spelled.
            pub const fn text(self) -> &'static str {
                match self {
                    $(Self::$variant => $text,)*
                }
            }

            /// What is spelled like this; upper and lower case differ.
            pub fn find(text: &str) -> Option<Self> {
                static NAMES: Names<$room> = Names::new(&[$($text,)*]);
                Self::ALL.get(NAMES.find(text)?).copied()
            }

            /// What has this number.
            pub fn from_number(number: u8) -> Option<Self> {
                Self::ALL.get(usize::from(number)).copied()
            }

            /// Its number.
            pub const fn number(self) -> u8 {
                self as u8
            }
        }

        impl core::fmt::Display for $name {
            fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
                f.write_str(self.text())
            }
        }
    };
}

names! {
    /// The type of a characteristic (`oma-cp.md` section 3).
    Kind of 32 {
        Bootstrap = "BOOTSTRAP",
        ClientIdentity = "CLIENTIDENTITY",
        PxLogical = "PXLOGICAL",
        PxAuthInfo = "PXAUTHINFO",
        PxPhysical = "PXPHYSICAL",
        Port = "PORT",
        Napdef = "NAPDEF",
        NapAuthInfo = "NAPAUTHINFO",
        Validity = "VALIDITY",
        VendorConfig = "VENDORCONFIG",
        Application = "APPLICATION",
        AppAddr = "APPADDR",
        AppAuth = "APPAUTH",
        Resource = "RESOURCE",
        Access = "ACCESS",
    }
}

names! {
    /// The name of a parm (`oma-cp.md` sections 2.2, 2.3 and 3).
    ParmName of 256 {
        Name = "NAME",
        NapAddress = "NAP-ADDRESS",
        NapAddrType = "NAP-ADDRTYPE",
        CallType = "CALLTYPE",
        ValidUntil = "VALIDUNTIL",
        AuthType = "AUTHTYPE",
        AuthName = "AUTHNAME",
        AuthSecret = "AUTHSECRET",
        Linger = "LINGER",
        Bearer = "BEARER",
        NapId = "NAPID",
        Country = "COUNTRY",
        Network = "NETWORK",
        Internet = "INTERNET",
        ProxyId = "PROXY-ID",
        ProxyProviderId = "PROXY-PROVIDER-ID",
        Domain = "DOMAIN",
        ProvUrl = "PROVURL",
        PxAuthType = "PXAUTH-TYPE",
        PxAuthId = "PXAUTH-ID",
        PxAuthPw = "PXAUTH-PW",
        StartPage = "STARTPAGE",
        BasAuthId = "BASAUTH-ID",
        BasAuthPw = "BASAUTH-PW",
        PushEnabled = "PUSHENABLED",
        PxAddr = "PXADDR",
        PxAddrType = "PXADDRTYPE",
        ToNapId = "TO-NAPID",
        PortNbr = "PORTNBR",
        Service = "SERVICE",
        LinkSpeed = "LINKSPEED",
        DnLinkSpeed = "DNLINKSPEED",
        LocalAddr = "LOCAL-ADDR",
        LocalAddrType = "LOCAL-ADDRTYPE",
        ContextAllow = "CONTEXT-ALLOW",
        Trust = "TRUST",
        Master = "MASTER",
        Sid = "SID",
        Soc = "SOC",
        WspVersion = "WSP-VERSION",
        PhysicalProxyId = "PHYSICAL-PROXY-ID",
        ClientId = "CLIENT-ID",
        DeliveryErrSdu = "DELIVERY-ERR-SDU",
        DeliveryOrder = "DELIVERY-ORDER",
        TrafficClass = "TRAFFIC-CLASS",
        MaxSduSize = "MAX-SDU-SIZE",
        MaxBitrateUplink = "MAX-BITRATE-UPLINK",
        MaxBitrateDnlink = "MAX-BITRATE-DNLINK",
        ResidualBer = "RESIDUAL-BER",
        SduErrorRatio = "SDU-ERROR-RATIO",
        TrafficHandlPrio = "TRAFFIC-HANDL-PRIO",
        TransferDelay = "TRANSFER-DELAY",
        GuaranteedBitrateUplink = "GUARANTEED-BITRATE-UPLINK",
        GuaranteedBitrateDnlink = "GUARANTEED-BITRATE-DNLINK",
        PxAddrFqdn = "PXADDR-FQDN",
        ProxyPw = "PROXY-PW",
        PpgAuthType = "PPGAUTH-TYPE",
        PullEnabled = "PULLENABLED",
        DnsAddr = "DNS-ADDR",
        MaxNumRetry = "MAX-NUM-RETRY",
        FirstRetryTimeout = "FIRST-RETRY-TIMEOUT",
        ReregThreshold = "REREG-THRESHOLD",
        TBit = "T-BIT",
        AuthEntity = "AUTH-ENTITY",
        Spi = "SPI",
        AAccept = "AACCEPT",
        AAuthData = "AAUTHDATA",
        AAuthLevel = "AAUTHLEVEL",
        AAuthName = "AAUTHNAME",
        AAuthSecret = "AAUTHSECRET",
        AAuthType = "AAUTHTYPE",
        Addr = "ADDR",
        AddrType = "ADDRTYPE",
        AppId = "APPID",
        AProtocol = "APROTOCOL",
        ProviderId = "PROVIDER-ID",
        ToProxy = "TO-PROXY",
        Uri = "URI",
        Rule = "RULE",
    }
}

impl ParmName {
    /// Whether the value is a secret, which is shown to nobody.
    pub const fn is_secret(self) -> bool {
        matches!(
            self,
            Self::AuthSecret
                | Self::PxAuthPw
                | Self::BasAuthPw
                | Self::ProxyPw
                | Self::AAuthSecret
                | Self::AAuthData
        )
    }

    /// Whether the value is a number, which must be decimal and fit into 32 bits. The speeds are not: AUTOBAUDING is one.
    pub const fn is_number(self) -> bool {
        matches!(self, Self::Linger | Self::MaxNumRetry | Self::Spi)
    }
}

//! What a characteristic may contain, as a table (`oma-cp.md` section 3).

use super::{Kind, ParmName};
use ParmName as P;

/// What a characteristic may contain.
#[derive(Debug)]
pub(super) struct Shape {
    pub(super) kind: Kind,
    /// The characteristics it stands in; none: at the top.
    pub(super) inside: &'static [Kind],
    /// The parm that must be there.
    pub(super) key: Option<ParmName>,
    /// The parms that may be there once.
    pub(super) once: &'static [ParmName],
    /// The parms that may be there several times, in the order of their priority.
    pub(super) many: &'static [ParmName],
}

impl Shape {
    pub(super) fn of(kind: Kind) -> &'static Self {
        // They stand in the order of the kinds.
        SHAPES.get(usize::from(kind.number())).filter(|shape| shape.kind == kind).unwrap_or(&NONE)
    }

    /// Whether the characteristic may stand in `parent`, `None` being the root element.
    pub(super) fn fits(&self, parent: Option<Kind>) -> bool {
        match parent {
            None => self.inside.is_empty(),
            Some(parent) => self.inside.contains(&parent),
        }
    }

    /// Whether the parm belongs here: `Some(true)` if it may be repeated.
    pub(super) fn takes(&self, parm: ParmName) -> Option<bool> {
        if self.many.contains(&parm) {
            Some(true)
        } else {
            (self.once.contains(&parm) || self.key == Some(parm)).then_some(false)
        }
    }
}

/// A shape that takes nothing.
static NONE: Shape = Shape { kind: Kind::Access, inside: &[Kind::Access], key: None, once: &[], many: &[] };

static SHAPES: [Shape; Kind::ALL.len()] = [
    Shape {
        kind: Kind::Bootstrap,
        inside: &[],
        key: None,
        once: &[P::Name, P::Country, P::ProvUrl, P::ContextAllow],
        many: &[P::Network, P::ProxyId],
    },
    Shape { kind: Kind::ClientIdentity, inside: &[], key: Some(P::ClientId), once: &[], many: &[] },
    Shape {
        kind: Kind::PxLogical,
        inside: &[],
        key: Some(P::ProxyId),
        once: &[
            P::ProxyPw,
            P::PpgAuthType,
            P::ProxyProviderId,
            P::Name,
            P::Trust,
            P::Master,
            P::StartPage,
            P::BasAuthId,
            P::BasAuthPw,
            P::WspVersion,
            P::PushEnabled,
            P::PullEnabled,
        ],
        many: &[P::Domain],
    },
    Shape {
        kind: Kind::PxAuthInfo,
        inside: &[Kind::PxLogical],
        key: Some(P::PxAuthType),
        once: &[P::PxAuthId, P::PxAuthPw],
        many: &[],
    },
    Shape {
        kind: Kind::PxPhysical,
        inside: &[Kind::PxLogical],
        key: Some(P::PhysicalProxyId),
        once: &[P::PxAddr, P::PxAddrType, P::PxAddrFqdn, P::WspVersion, P::PushEnabled, P::PullEnabled],
        many: &[P::Domain, P::ToNapId],
    },
    Shape {
        kind: Kind::Port,
        inside: &[Kind::PxLogical, Kind::PxPhysical, Kind::AppAddr],
        key: Some(P::PortNbr),
        once: &[],
        many: &[P::Service],
    },
    Shape {
        kind: Kind::Napdef,
        inside: &[],
        key: Some(P::NapId),
        once: &[
            P::Name,
            P::Internet,
            P::NapAddress,
            P::NapAddrType,
            P::CallType,
            P::LocalAddr,
            P::LocalAddrType,
            P::LinkSpeed,
            P::DnLinkSpeed,
            P::Linger,
            P::DeliveryErrSdu,
            P::DeliveryOrder,
            P::TrafficClass,
            P::MaxSduSize,
            P::MaxBitrateUplink,
            P::MaxBitrateDnlink,
            P::ResidualBer,
            P::SduErrorRatio,
            P::TrafficHandlPrio,
            P::TransferDelay,
            P::GuaranteedBitrateUplink,
            P::GuaranteedBitrateDnlink,
            P::MaxNumRetry,
            P::FirstRetryTimeout,
            P::ReregThreshold,
            P::TBit,
        ],
        many: &[P::Bearer, P::DnsAddr],
    },
    Shape {
        kind: Kind::NapAuthInfo,
        inside: &[Kind::Napdef],
        key: Some(P::AuthType),
        once: &[P::AuthName, P::AuthSecret, P::Spi],
        many: &[P::AuthEntity],
    },
    Shape {
        kind: Kind::Validity,
        inside: &[Kind::Napdef],
        key: None,
        once: &[P::Country, P::Network, P::Sid, P::Soc, P::ValidUntil],
        many: &[],
    },
    Shape { kind: Kind::VendorConfig, inside: &[], key: Some(P::Name), once: &[], many: &[] },
    Shape {
        kind: Kind::Application,
        inside: &[],
        key: Some(P::AppId),
        once: &[P::ProviderId, P::Name, P::AAccept, P::AProtocol],
        many: &[P::ToProxy, P::ToNapId, P::Addr],
    },
    Shape {
        kind: Kind::AppAddr,
        inside: &[Kind::Application],
        key: Some(P::Addr),
        once: &[P::AddrType],
        many: &[],
    },
    Shape {
        kind: Kind::AppAuth,
        inside: &[Kind::Application],
        key: None,
        once: &[P::AAuthLevel, P::AAuthType, P::AAuthName, P::AAuthSecret, P::AAuthData],
        many: &[],
    },
    Shape {
        kind: Kind::Resource,
        inside: &[Kind::Application],
        key: Some(P::Uri),
        once: &[P::Name, P::AAccept, P::AAuthType, P::AAuthName, P::AAuthSecret, P::AAuthData, P::StartPage],
        many: &[],
    },
    Shape {
        kind: Kind::Access,
        inside: &[],
        key: None,
        once: &[],
        many: &[P::Rule, P::AppId, P::ProviderId, P::Domain, P::ToNapId, P::ToProxy, P::PortNbr],
    },
];

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn every_kind_has_a_shape_and_every_parm_a_place() {
        for &kind in Kind::ALL {
            assert_eq!(Shape::of(kind).kind, kind);
        }
        let placed: BTreeSet<_> =
            SHAPES.iter().flat_map(|s| s.once.iter().chain(s.many).copied().chain(s.key)).collect();
        assert_eq!(placed.len(), ParmName::ALL.len());
        for shape in &SHAPES {
            let all: Vec<_> = shape.once.iter().chain(shape.many).copied().chain(shape.key).collect();
            assert_eq!(all.iter().collect::<BTreeSet<_>>().len(), all.len(), "{:?}", shape.kind);
        }
    }

    use std::vec::Vec;
}

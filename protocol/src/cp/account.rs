//! From an APPLICATION of `w7` to the DM account it sets up (`oma-cp.md` section 6, OMA DM 1.2.1 STDOBJ).

use super::model::{AppAddr, AppAuth, AppId, Application};

/// A DM account in the terms of the DMAcc management object. The tree's owner chooses node names for what is numbered here
/// and gives the server named in `server_id` Get, Replace and Delete on what it makes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DmAccount<'s> {
    application: Application<'s>,
}

/// Whom credentials identify: DMAcc's AAuthLevel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AuthLevel {
    /// The client to the server.
    ClCred,
    /// The server to the client.
    SrvCred,
    /// Over OBEX.
    Obex,
}

impl AuthLevel {
    /// The value of AAuthLevel.
    pub const fn text(self) -> &'static str {
        match self {
            Self::ClCred => "CLCRED",
            Self::SrvCred => "SRVCRED",
            Self::Obex => "OBEX",
        }
    }

    /// What an AAUTHLEVEL of client provisioning stands for. The names cross: APPSRV is what the client shows the
    /// *application server*.
    pub fn of(level: &str) -> Option<Self> {
        match level {
            "APPSRV" => Some(Self::ClCred),
            "CLIENT" => Some(Self::SrvCred),
            "OBEX" => Some(Self::Obex),
            _ => None,
        }
    }
}

impl<'s> DmAccount<'s> {
    /// The account of an application; `None` for other programs' ones, and without the server's id.
    pub fn of(application: Application<'s>) -> Option<Self> {
        let named = application.provider_id().is_some_and(|id| !id.is_empty());
        (application.app_id() == AppId::DM && named).then_some(Self { application })
    }

    /// ServerID.
    pub fn server_id(&self) -> &'s str {
        self.application.provider_id().unwrap_or_default()
    }

    /// Name.
    pub fn name(&self) -> Option<&'s str> {
        self.application.name()
    }

    /// PrefConRef: the first proxy, else the first access point.
    pub fn preferred_connection(&self) -> Option<&'s str> {
        self.connections().next()
    }

    /// ToConRef/n/ConRef: proxies, then access points.
    pub fn connections(&self) -> impl Iterator<Item = &'s str> + use<'s> {
        self.application.proxies().chain(self.application.access_points())
    }

    /// AppAddr/n: address, type and ports.
    pub fn addresses(&self) -> impl Iterator<Item = AppAddr<'s>> + use<'s> {
        self.application.app_addrs()
    }

    /// AppAuth/n with its level; entries of unknown level are left out.
    pub fn auths(&self) -> impl Iterator<Item = (AuthLevel, AppAuth<'s>)> + use<'s> {
        self.application.auths().filter_map(|auth| AuthLevel::of(auth.level()?).map(|level| (level, auth)))
    }
}

use super::{Cred, Location, Meta};
use crate::wbxml::{Vocabulary, pages};

/// The version of the protocol, by which everything else of a message goes (`oma-dm.md` section 0).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Dialect {
    /// DM 1.1.2: no Correlator, no generic alert, no parents in items.
    V1_1,
    /// DM 1.2 and 1.2.1.
    #[default]
    V1_2,
}

impl Dialect {
    /// VerDTD.
    pub const fn dtd(self) -> &'static str {
        match self {
            Self::V1_1 => "1.1",
            Self::V1_2 => "1.2",
        }
    }

    /// VerProto.
    pub const fn protocol(self) -> &'static str {
        match self {
            Self::V1_1 => "DM/1.1",
            Self::V1_2 => "DM/1.2",
        }
    }

    /// The namespace of the root element.
    pub(super) const fn namespace(self) -> &'static str {
        match self {
            Self::V1_1 => "SYNCML:SYNCML1.1",
            Self::V1_2 => "SYNCML:SYNCML1.2",
        }
    }

    /// The tables of its WBXML.
    pub(super) const fn vocabulary(self) -> &'static Vocabulary {
        match self {
            Self::V1_1 => &pages::SYNCML_1_1,
            Self::V1_2 => &pages::SYNCML_1_2,
        }
    }
}

/// SyncHdr.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header<'s> {
    /// VerDTD as it stands there.
    pub dtd: &'s str,
    /// VerProto as it stands there.
    pub protocol: &'s str,
    /// SessionID, an opaque text (`oma-dm.md` section 2.3).
    pub session: &'s str,
    /// MsgID.
    pub message: &'s str,
    /// Whom it is for.
    pub target: Location<'s>,
    /// Whom it is from.
    pub source: Location<'s>,
    /// Where the next message goes.
    pub respond_to: Option<&'s str>,
    /// NoResp, which device management does not use.
    pub no_resp: bool,
    /// Credentials.
    pub cred: Option<Cred<'s>>,
    /// MaxMsgSize and MaxObjSize, mainly.
    pub meta: Meta<'s>,
}

impl<'s> Header<'s> {
    /// A header with what it must have.
    pub const fn new(
        dialect: Dialect,
        session: &'s str,
        message: &'s str,
        target: Location<'s>,
        source: Location<'s>,
    ) -> Self {
        Self {
            dtd: dialect.dtd(),
            protocol: dialect.protocol(),
            session,
            message,
            target,
            source,
            respond_to: None,
            no_resp: false,
            cred: None,
            meta: Meta::EMPTY,
        }
    }

    /// The version that VerProto names; it counts whatever the public identifier says (`oma-dm.md` section 3.1).
    pub fn dialect(&self) -> Option<Dialect> {
        [Dialect::V1_1, Dialect::V1_2].into_iter().find(|dialect| dialect.protocol() == self.protocol)
    }
}

/// A deviation from the document type that real peers commit; read all the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Quirk {
    /// Children of a command stand in another order than the document type's.
    ///
    /// Seen from the webOS update server: `<Status>..<Data>212</Data><TargetRef>http://..</TargetRef>`, in WBXML
    /// `4F 03 "212" 00 01 6F 03 ..`.
    Order,
    /// A command has a child that the document type does not give it; it is passed over.
    ///
    /// Seen from Windows clients: `<Results>..<Cmd>Get</Cmd>`, in WBXML `4A 03 "Get" 00 01` in `62`.
    ForeignChild,
    /// A text came as octets: libwbxml writes base64 text of Cred and NextNonce as `C3 18 "Lx7C.."`.
    OpaqueText,
}

impl Quirk {
    /// Every quirk, in the order of the enum.
    pub const ALL: [Self; 3] = [Self::Order, Self::ForeignChild, Self::OpaqueText];

    const fn bit(self) -> u8 {
        match self {
            Self::Order => 1,
            Self::ForeignChild => 2,
            Self::OpaqueText => 4,
        }
    }
}

impl core::fmt::Display for Quirk {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str(match self {
            Self::Order => "children in another order",
            Self::ForeignChild => "child that does not belong there",
            Self::OpaqueText => "text as octets",
        })
    }
}

/// The quirks met so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Quirks(u8);

impl Quirks {
    /// None.
    pub const NONE: Self = Self(0);

    /// Whether there were none.
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// Whether `quirk` was met.
    pub const fn contains(self, quirk: Quirk) -> bool {
        self.0 & quirk.bit() != 0
    }

    /// Those that were met, in the order of the enum.
    pub fn iter(self) -> impl Iterator<Item = Quirk> {
        Quirk::ALL.into_iter().filter(move |&quirk| self.contains(quirk))
    }

    pub(super) const fn note(&mut self, quirk: Quirk) {
        self.0 |= quirk.bit();
    }
}

//! What the readers tolerate beyond the specifications, each item because real senders do it.

/// A tolerated deviation. Everything else that the specification forbids is an error.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Quirk {
    /// The last entry of the string table has no terminating zero; it ends with the table.
    ///
    /// Seen in AOSP device-management messages: `02 00 00 6A 1D "-//SYNCML//DTD SyncML 1.1//EN"`, 29 characters and
    /// nothing after them, then the body.
    UnterminatedTable,
    /// The charset is 0, "unknown"; read as UTF-8: `02 05 00 00 ..`.
    UnknownCharset,
    /// A literal public identifier differs from the registered text in upper and lower case:
    /// `.. "-//syncml//dtd syncml 1.2//en"`.
    PublicIdCase,
    /// A token that only a newer version of the announced document type has: Correlator (`7C`) in a document that
    /// calls itself SyncML 1.1. AOSP messages announce 1.1 and speak DM/1.2; what counts is their VerDTD.
    NewerToken,
    /// A SWITCH_PAGE that no tag and no attribute token follows directly, where the grammar has none:
    /// `00 01 00 00 6D`, or one before END.
    IdlePageSwitch,
    /// XML: in content, an ampersand that begins no reference stands for itself: `<Data>MAXDT=15&DR=1</Data>`, as AOSP
    /// device-management messages write the options of a user alert. `&name;` with an unknown name stays an error.
    BareAmpersand,
}

impl Quirk {
    /// Every quirk, in the order of the enum.
    pub const ALL: [Self; 6] = [
        Self::UnterminatedTable,
        Self::UnknownCharset,
        Self::PublicIdCase,
        Self::NewerToken,
        Self::IdlePageSwitch,
        Self::BareAmpersand,
    ];

    const fn bit(self) -> u8 {
        match self {
            Self::UnterminatedTable => 1,
            Self::UnknownCharset => 2,
            Self::PublicIdCase => 4,
            Self::NewerToken => 8,
            Self::IdlePageSwitch => 16,
            Self::BareAmpersand => 32,
        }
    }
}

impl core::fmt::Display for Quirk {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str(match self {
            Self::UnterminatedTable => "string table without a final zero",
            Self::UnknownCharset => "charset 0, read as UTF-8",
            Self::PublicIdCase => "public identifier in other upper and lower case",
            Self::NewerToken => "token of a newer version of the document type",
            Self::IdlePageSwitch => "page switch without a token after it",
            Self::BareAmpersand => "ampersand that begins no reference",
        })
    }
}

/// The quirks met so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Quirks(u8);

impl Quirks {
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

    pub(crate) const fn note(&mut self, quirk: Quirk) {
        self.0 |= quirk.bit();
    }
}

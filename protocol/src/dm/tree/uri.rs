use crate::dm::limits::{MAX_DEPTH, MAX_SEGMENT, MAX_URI};
use crate::syncml::Code;

/// A property of a node (`oma-dm.md` section 9.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Property {
    /// The access control list.
    Acl,
    /// The format.
    Format,
    /// The name; overwriting it renames the node.
    Name,
    /// Octets of a leaf's value.
    Size,
    /// A title for people.
    Title,
    /// When the node was changed last.
    Stamp,
    /// The media type, or the management object identifier.
    Type,
    /// How often the node was changed, modulo 65536.
    Version,
}

impl Property {
    /// All of them, in the order of TNDS.
    pub const ALL: [Self; 8] = [
        Self::Acl,
        Self::Format,
        Self::Name,
        Self::Size,
        Self::Title,
        Self::Stamp,
        Self::Type,
        Self::Version,
    ];

    /// The word.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Acl => "ACL",
            Self::Format => "Format",
            Self::Name => "Name",
            Self::Size => "Size",
            Self::Title => "Title",
            Self::Stamp => "TStamp",
            Self::Type => "Type",
            Self::Version => "VerNo",
        }
    }

    /// The property that a word names.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|property| property.name() == name)
    }
}

/// What of a node is meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Query<'a> {
    /// Its value.
    Value,
    /// `?prop=`
    Property(Property),
    /// `?list=Struct`, or with the values `?list=StructData`.
    Struct {
        /// Whether leaves come with their values.
        data: bool,
    },
    /// `?list=TNDS`, with the list of properties behind it.
    Tnds(&'a str),
}

/// The bounds of addresses, as DevDetail tells them (`oma-dm.md` section 11); 0 is the bound of [`crate::dm::limits`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UriLimits {
    /// MaxDepth.
    pub depth: u16,
    /// MaxTotLen, in characters.
    pub total: u16,
    /// MaxSegLen, in characters.
    pub segment: u16,
}

impl UriLimits {
    /// What this implementation bears: what DevDetail should tell.
    #[expect(clippy::cast_possible_truncation, reason = "the bounds are small")]
    pub const OWN: Self =
        Self { depth: MAX_DEPTH as u16, total: MAX_URI as u16, segment: MAX_SEGMENT as u16 };

    fn allow(self, path: &str) -> bool {
        let bound = |limit: u16, own: usize| if limit == 0 { own } else { own.min(limit.into()) };
        let depth = path.split(|c| c == '/').filter(|name| !name.is_empty()).count();
        path.len() <= bound(self.total, MAX_URI)
            && depth <= bound(self.depth, MAX_DEPTH)
            && path.split(|c| c == '/').all(|name| name.len() <= bound(self.segment, MAX_SEGMENT))
    }
}

impl Default for UriLimits {
    fn default() -> Self {
        Self::OWN
    }
}

/// The address of a node, taken apart (`oma-dm.md` section 9.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Uri<'a> {
    /// The node without `./`; empty for the root.
    pub path: &'a str,
    /// What of it.
    pub query: Query<'a>,
}

impl<'a> Uri<'a> {
    /// Reads an address: `BAD_REQUEST` for a text that is none, `URI_TOO_LONG` beyond the limits, `NOT_SUPPORTED` for an
    /// unknown property or list.
    pub fn parse(text: &'a str, limits: &UriLimits) -> Result<Self, Code> {
        let (path, query) = text.split_once(|c| c == '?').unwrap_or((text, ""));
        let path = if path == "." { "" } else { path.strip_prefix("./").unwrap_or(path) };
        // `./` is taken for the root: nothing else can be meant.
        let names = path.split(|c| c == '/');
        if !path.is_empty() && !names.clone().all(|name| !matches!(name, "" | "." | "..")) {
            return Err(Code::BAD_REQUEST);
        }
        if !limits.allow(path) {
            return Err(Code::URI_TOO_LONG);
        }
        Ok(Self { path, query: read_query(query)? })
    }

    /// The last segment; empty for the root.
    pub fn name(&self) -> &'a str {
        name_of(self.path)
    }
}

/// The last segment of a path.
pub(in crate::dm) fn name_of(path: &str) -> &str {
    path.rsplit_once(|c| c == '/').map_or(path, |(_, name)| name)
}

/// The path of the parent, and `None` for that of the root.
pub(super) fn parent_of(path: &str) -> Option<&str> {
    if path.is_empty() {
        return None;
    }
    Some(path.rsplit_once(|c| c == '/').map_or("", |(parent, _)| parent))
}

/// Whether `path` is `root` or below it.
pub(in crate::dm) fn is_within(path: &str, root: &str) -> bool {
    root.is_empty()
        || path.strip_prefix(root).is_some_and(|rest| rest.is_empty() || rest.starts_with(|c| c == '/'))
}

fn read_query(query: &str) -> Result<Query<'_>, Code> {
    if query.is_empty() {
        return Ok(Query::Value);
    }
    let (key, value) = query.split_once(|c| c == '=').unwrap_or((query, ""));
    match (key, value) {
        ("prop", name) => Property::from_name(name).map(Query::Property).ok_or(Code::NOT_SUPPORTED),
        ("list", "Struct") => Ok(Query::Struct { data: false }),
        ("list", "StructData") => Ok(Query::Struct { data: true }),
        ("list", list) => list.strip_prefix("TNDS").map(Query::Tnds).ok_or(Code::NOT_SUPPORTED),
        _ => Err(Code::NOT_SUPPORTED),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::vec;

    #[test]
    fn addresses_are_taken_apart() {
        let parse = |text| Uri::parse(text, &UriLimits::OWN);
        for (text, path, query) in [
            (".", "", Query::Value),
            ("./", "", Query::Value),
            ("./DevInfo/Man", "DevInfo/Man", Query::Value),
            ("DevInfo/Man", "DevInfo/Man", Query::Value),
            ("./A?prop=ACL", "A", Query::Property(Property::Acl)),
            (".?list=Struct", "", Query::Struct { data: false }),
            ("A?list=StructData", "A", Query::Struct { data: true }),
            ("A?list=TNDS+Value+ACL", "A", Query::Tnds("+Value+ACL")),
        ] {
            assert_eq!(parse(text), Ok(Uri { path, query }), "{text}");
        }
        for text in ["/DevInfo", "./A/", "A//B", "../A", "./A/./B", "./A/../B", "././A"] {
            assert_eq!(parse(text), Err(Code::BAD_REQUEST), "{text}");
        }
        for text in ["A?prop=Colour", "A?list=Sturct", "A?x", "A?prop"] {
            assert_eq!(parse(text), Err(Code::NOT_SUPPORTED), "{text}");
        }
    }

    #[test]
    fn limits_are_those_that_devdetail_tells() {
        let tight = UriLimits { depth: 2, total: 9, segment: 4 };
        for (text, expected) in [
            ("ABCD/EFGH", true),
            ("./ABCD/EFGH", true),
            ("A/B/C", false),
            ("ABCDE", false),
            ("ABCD/EFGHI", false),
        ] {
            assert_eq!(Uri::parse(text, &tight).is_ok(), expected, "{text}");
        }
        let deep = vec!["a"; MAX_DEPTH + 1].join("/");
        assert_eq!(Uri::parse(&deep, &UriLimits::default()), Err(Code::URI_TOO_LONG));
        let unlimited = UriLimits { depth: 0, total: 0, segment: 0 };
        assert_eq!(Uri::parse(&"a".repeat(MAX_SEGMENT + 1), &unlimited), Err(Code::URI_TOO_LONG));
    }

    #[test]
    fn families() {
        assert_eq!((name_of("A/B"), name_of("A"), name_of("")), ("B", "A", ""));
        assert_eq!((parent_of("A/B"), parent_of("A"), parent_of("")), (Some("A"), Some(""), None));
        assert!(is_within("A/B", "A") && is_within("A", "A") && is_within("A", "") && !is_within("AB", "A"));
    }
}

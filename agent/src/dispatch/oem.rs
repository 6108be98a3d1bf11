//! Content types of the device maker's own: registered in a table, guarded like ours.
//!
//! ```
//! use kedge_agent::dispatch::{Content, Decision, OemType, Origin, Refusal, check_types, offer};
//!
//! fn theme(content: &Content<'_>) -> Result<(), Refusal> {
//!     if content.body.starts_with(b"theme") { Ok(()) } else { Err(Refusal::NotWanted) }
//! }
//! use Decision::{Refuse, Take};
//! const TYPES: [OemType; 1] = [OemType {
//!     media_type: "application/vnd.example.theme",
//!     decisions: [Refuse, Refuse, Take, Take, Refuse, Take],
//!     take: theme,
//! }];
//! assert_eq!(check_types(&TYPES), Ok(()));
//! let content = |origin| Content { media_type: "application/vnd.example.theme; v=1", origin, body: b"theme 7" };
//! assert_eq!(offer(&TYPES, &content(Origin::File)), Ok(()));
//! assert_eq!(offer(&TYPES, &content(Origin::Push)), Err(Refusal::Origin));
//! ```

use kedge_protocol::mime::MediaType;

use super::rules::cell;
use super::{Decision, ORIGINS, Origin, Refusal, TYPES};

/// Content as it arrives.
#[derive(Clone, Copy, Debug)]
pub struct Content<'a> {
    /// Its media type, with parameters.
    pub media_type: &'a str,
    /// How it came.
    pub origin: Origin,
    /// The octets.
    pub body: &'a [u8],
}

/// A content type of the device maker's own.
#[derive(Clone, Copy, Debug)]
pub struct OemType {
    /// `type/subtype`.
    pub media_type: &'static str,
    /// What becomes of it, for each of [`ORIGINS`]. [`Decision::Ask`] and [`Decision::Prove`] are not for these types:
    /// their handlers ask for themselves.
    pub decisions: [Decision; ORIGINS.len()],
    /// Takes it, or says why not.
    pub take: fn(&Content<'_>) -> Result<(), Refusal>,
}

/// Why a table of types cannot be used: the type and what is wrong with it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unfit {
    /// Registered twice, or one of the agent's own.
    Twice(&'static str),
    /// Not `type/subtype`.
    NoType(&'static str),
    /// With a decision that is not for these types.
    Decision(&'static str),
}

impl core::fmt::Display for Unfit {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self {
            Self::Twice(name) => write!(f, "{name} is registered already"),
            Self::NoType(name) => write!(f, "{name} is no media type"),
            Self::Decision(name) => write!(f, "{name} has a decision that its handler must make"),
        }
    }
}

impl core::error::Error for Unfit {}

/// Checks a table of types, once at start-up or in a test.
pub fn check_types(types: &[OemType]) -> Result<(), Unfit> {
    for (place, one) in types.iter().enumerate() {
        let name = one.media_type;
        if !MediaType::parse(name).is_ok_and(|parsed| parsed.essence() == name) {
            return Err(Unfit::NoType(name));
        }
        let own = TYPES.iter().map(|(own, _)| *own);
        let mut others = own.chain(types.iter().take(place).map(|other| other.media_type));
        if others.any(|other| other.eq_ignore_ascii_case(name)) {
            return Err(Unfit::Twice(name));
        }
        if one.decisions.iter().any(|decision| matches!(decision, Decision::Ask | Decision::Prove)) {
            return Err(Unfit::Decision(name));
        }
    }
    Ok(())
}

/// Offers content to the device maker's handlers; [`Refusal::UnknownType`] if it is none of theirs.
pub fn offer(types: &[OemType], content: &Content<'_>) -> Result<(), Refusal> {
    let media_type = MediaType::parse(content.media_type).map_err(|_| Refusal::UnknownType)?;
    let one = types.iter().find(|one| media_type.is(one.media_type)).ok_or(Refusal::UnknownType)?;
    match cell(one.decisions, content.origin) {
        Decision::Take => (one.take)(content),
        Decision::Ask | Decision::Prove | Decision::Refuse => Err(Refusal::Origin),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn named(media_type: &'static str) -> OemType {
        OemType { media_type, decisions: [Decision::Take; 6], take: |_| Ok(()) }
    }

    #[test]
    fn a_type_is_registered_once_and_rightly() {
        assert_eq!(check_types(&[named("a/b"), named("a/c")]), Ok(()));
        assert_eq!(check_types(&[named("a/b"), named("A/B")]), Err(Unfit::Twice("A/B")));
        let ours = "application/vnd.wap.connectivity-wbxml";
        assert_eq!(check_types(&[named(ours)]), Err(Unfit::Twice(ours)));
        assert_eq!(check_types(&[named("a/b; c=d")]), Err(Unfit::NoType("a/b; c=d")));
        let asking = OemType { decisions: [Decision::Ask; 6], ..named("a/b") };
        assert_eq!(check_types(&[asking]), Err(Unfit::Decision("a/b")));
    }

    #[test]
    fn unknown_types_are_refused() {
        let content = |media_type| Content { media_type, origin: Origin::File, body: &[] };
        assert_eq!(offer(&[named("a/b")], &content("a/b;x=y")), Ok(()));
        assert_eq!(offer(&[named("a/b")], &content("a/c")), Err(Refusal::UnknownType));
        assert_eq!(offer(&[named("a/b")], &content("a")), Err(Refusal::UnknownType));
    }
}

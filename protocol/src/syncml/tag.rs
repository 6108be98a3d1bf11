//! The elements of a message as one octet each: a reader compares these, in whichever coding the message came.

use crate::wbxml::pages::syncml_element as element;
use crate::wbxml::{Name, Token};
use crate::wire::Names;

/// Numbers the elements, called as in the document type.
macro_rules! tags {
    ($($tag:ident),* $(,)?) => {
        /// An element that readers of messages know.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        #[expect(clippy::upper_case_acronyms, reason = "names of the document type")]
        pub(super) enum Tag {
            $($tag,)*
            /// Any other.
            Other,
        }

        impl Tag {
            const ALL: &[Self] = &[$(Self::$tag,)*];
            /// Their names.
            const NAMES: &[&str] = &[$(stringify!($tag),)*];
        }
    };
}

tags! {
    Add,
    Alert,
    Archive,
    Atomic,
    Chal,
    Cmd,
    CmdID,
    CmdRef,
    Copy,
    Correlator,
    Cred,
    Data,
    Delete,
    EMI,
    Exec,
    Final,
    Format,
    Get,
    Item,
    Lang,
    LocName,
    LocURI,
    Map,
    Mark,
    MaxMsgSize,
    MaxObjSize,
    Meta,
    MetInf,
    MoreData,
    Move,
    MsgID,
    MsgRef,
    NextNonce,
    NoResp,
    Put,
    Replace,
    RespURI,
    Results,
    Search,
    Sequence,
    SessionID,
    SftDel,
    Size,
    Source,
    SourceParent,
    SourceRef,
    Status,
    Sync,
    SyncBody,
    SyncHdr,
    SyncML,
    Target,
    TargetParent,
    TargetRef,
    Type,
    VerDTD,
    VerProto,
    Version,
}

impl Tag {
    /// Which element it is that is called `name`.
    pub(super) fn of(name: Name<'_>) -> Self {
        match name {
            Name::Known(token, _) => place(token).and_then(|place| BY_TOKEN.get(place)),
            Name::Literal(text) => BY_NAME.find(text).and_then(|number| Self::ALL.get(number)),
            Name::Unknown(_) => None,
        }
        .copied()
        .unwrap_or(Self::Other)
    }
}

static BY_NAME: Names<0x80> = Names::new(Tag::NAMES);

/// The elements of code pages 0 and 1 by their tokens.
#[expect(clippy::indexing_slicing, reason = "while it compiles: what is out of range would not")]
static BY_TOKEN: [Tag; 0x80] = {
    let mut table = [Tag::Other; 0x80];
    let mut number = 0;
    while number < Tag::ALL.len() {
        if let Name::Known(token, _) = element(Tag::NAMES[number])
            && let Some(place) = place(token)
        {
            table[place] = Tag::ALL[number];
        }
        number += 1;
    }
    table
};

/// Where in [`BY_TOKEN`] the element with this token stands.
const fn place(token: Token) -> Option<usize> {
    match (token.page, token.code) {
        (page @ 0..=1, code @ 0..=0x3F) => Some((page as usize) << 6 | code as usize),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wbxml::pages;

    #[test]
    fn every_element_is_known_by_its_token_and_by_its_name() {
        for (tag, text) in Tag::ALL.iter().zip(Tag::NAMES) {
            let name = element(text);
            assert!(matches!(name, Name::Known(..)), "{tag:?}");
            assert_eq!(Tag::of(name), *tag);
            assert_eq!(Tag::of(Name::Literal(text)), *tag);
        }
    }

    #[test]
    fn others_are_others() {
        for name in ["", "A", "Ad", "add", "Adds", "Itme", "Nonsense", "Filter", "NumberOfChanges"] {
            assert_eq!(Tag::of(Name::Literal(name)), Tag::Other, "{name}");
        }
        // Add is also an access type of the device description.
        let described = pages::SYNCML_1_2.find_tag("Add", 2).unwrap();
        assert_eq!(described.page, 2);
        assert_eq!(Tag::of(Name::Known(described, "Add")), Tag::Other);
        assert_eq!(Tag::of(Name::Unknown(Token { page: 0, code: 0x30 })), Tag::Other);
    }
}

//! The document type, as a list of who may stand where (`oma-dm.md` section 2.1). A device has to keep this order.

use super::element::Element;

/// How often a child may stand there.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Times {
    /// Exactly once.
    One,
    /// Once or not.
    Maybe,
    /// Any number of times.
    Any,
    /// Once at least.
    Some,
}

use Times::{Any, Maybe, One, Some};

type Children = &'static [(&'static str, Times)];

/// The commands of a body, which stand in any order.
const COMMANDS: [&str; 12] = [
    "Add", "Alert", "Atomic", "Copy", "Delete", "Exec", "Get", "Replace", "Results", "Sequence", "Status",
    "Put",
];

const ELEMENTS: [(&str, Children); 17] = [
    ("SyncML", &[("SyncHdr", One), ("SyncBody", One)]),
    (
        "SyncHdr",
        &[
            ("VerDTD", One),
            ("VerProto", One),
            ("SessionID", One),
            ("MsgID", One),
            ("Target", One),
            ("Source", One),
            ("RespURI", Maybe),
            ("NoResp", Maybe),
            ("Cred", Maybe),
            ("Meta", Maybe),
        ],
    ),
    ("Target", &[("LocURI", One), ("LocName", Maybe), ("Filter", Maybe)]),
    ("Source", &[("LocURI", One), ("LocName", Maybe)]),
    (
        "Item",
        &[
            ("Target", Maybe),
            ("Source", Maybe),
            ("SourceParent", Maybe),
            ("TargetParent", Maybe),
            ("Meta", Maybe),
            ("Data", Maybe),
            ("MoreData", Maybe),
        ],
    ),
    ("Cred", &[("Meta", Maybe), ("Data", One)]),
    ("Chal", &[("Meta", One)]),
    ("Add", &[("CmdID", One), ("NoResp", Maybe), ("Cred", Maybe), ("Meta", Maybe), ("Item", Some)]),
    ("Copy", &[("CmdID", One), ("NoResp", Maybe), ("Cred", Maybe), ("Meta", Maybe), ("Item", Some)]),
    ("Replace", &[("CmdID", One), ("NoResp", Maybe), ("Cred", Maybe), ("Meta", Maybe), ("Item", Some)]),
    (
        "Delete",
        &[
            ("CmdID", One),
            ("NoResp", Maybe),
            ("Archive", Maybe),
            ("SftDel", Maybe),
            ("Cred", Maybe),
            ("Meta", Maybe),
            ("Item", Some),
        ],
    ),
    (
        "Get",
        &[
            ("CmdID", One),
            ("NoResp", Maybe),
            ("Lang", Maybe),
            ("Cred", Maybe),
            ("Meta", Maybe),
            ("Item", Some),
        ],
    ),
    (
        "Exec",
        &[
            ("CmdID", One),
            ("NoResp", Maybe),
            ("Cred", Maybe),
            ("Meta", Maybe),
            ("Correlator", Maybe),
            ("Item", One),
        ],
    ),
    (
        "Alert",
        &[
            ("CmdID", One),
            ("NoResp", Maybe),
            ("Cred", Maybe),
            ("Data", Maybe),
            ("Correlator", Maybe),
            ("Item", Any),
        ],
    ),
    (
        "Results",
        &[
            ("CmdID", One),
            ("MsgRef", Maybe),
            ("CmdRef", One),
            ("Meta", Maybe),
            ("TargetRef", Maybe),
            ("SourceRef", Maybe),
            ("Item", Some),
        ],
    ),
    (
        "Status",
        &[
            ("CmdID", One),
            ("MsgRef", One),
            ("CmdRef", One),
            ("Cmd", One),
            ("TargetRef", Any),
            ("SourceRef", Any),
            ("Cred", Maybe),
            ("Chal", Maybe),
            ("Data", One),
            ("Item", Any),
        ],
    ),
    (
        "Meta",
        &[
            ("Format", Maybe),
            ("Type", Maybe),
            ("Mark", Maybe),
            ("Size", Maybe),
            ("Anchor", Maybe),
            ("Version", Maybe),
            ("NextNonce", Maybe),
            ("MaxMsgSize", Maybe),
            ("MaxObjSize", Maybe),
            ("EMI", Any),
            ("Mem", Maybe),
        ],
    ),
];

/// The first thing in `root` that the document type forbids, in plain words.
pub(crate) fn check(root: &Element) -> Result<(), String> {
    if root.name != "SyncML" {
        return Err(format!("the root is {}", root.name));
    }
    element(root)
}

fn element(found: &Element) -> Result<(), String> {
    // What is in Data is the application's.
    if found.name == "Data" {
        return Ok(());
    }
    if found.name == "SyncBody" {
        body(found)?;
    } else if let Option::Some((_, children)) = ELEMENTS.iter().find(|(name, _)| *name == found.name) {
        sequence(found, children)?;
    } else if !found.children.is_empty() {
        return Err(format!("{} has elements", found.name));
    }
    found.children.iter().try_for_each(element)
}

/// Commands in any order, then Final or not.
fn body(found: &Element) -> Result<(), String> {
    let mut rest = found.children.iter().peekable();
    while rest.next_if(|child| COMMANDS.contains(&&*child.name)).is_some() {}
    rest.next_if(|child| child.name == "Final");
    rest.next().map_or(Ok(()), |child| Err(format!("{} out of place in SyncBody", child.name)))
}

fn sequence(found: &Element, children: Children) -> Result<(), String> {
    let mut rest = found.children.iter().peekable();
    for (name, times) in children {
        let mut count = 0;
        while rest.next_if(|child| child.name == *name).is_some() {
            count += 1;
        }
        let right = match times {
            One => count == 1,
            Maybe => count <= 1,
            Any => true,
            Some => count >= 1,
        };
        if !right {
            return Err(format!("{} has {name} {count} times", found.name));
        }
    }
    rest.next().map_or(Ok(()), |child| Err(format!("{} out of place in {}", child.name, found.name)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn order_and_number_are_checked() {
        let text = |name| Element::text(name, "1");
        let status = |names: &[&'static str]| {
            let inside = names.iter().map(|name| text(name));
            let body = Element::new("SyncBody").with(Element::new("Status").with_all(inside));
            element(&body)
        };
        assert_eq!(status(&["CmdID", "MsgRef", "CmdRef", "Cmd", "TargetRef", "Data"]), Ok(()));
        let swapped = status(&["CmdID", "MsgRef", "CmdRef", "Cmd", "Data", "TargetRef"]);
        assert_eq!(swapped, Err("TargetRef out of place in Status".to_owned()));
        assert_eq!(status(&["CmdID", "CmdRef", "Cmd", "Data"]), Err("Status has MsgRef 0 times".to_owned()));
        let body = Element::new("SyncBody").with(Element::new("Final")).with(Element::new("Get"));
        assert_eq!(element(&body), Err("Get out of place in SyncBody".to_owned()));
    }
}

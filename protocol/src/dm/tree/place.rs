//! What exists, in which order, and who may do what with it.

use super::nodes::Field;
use super::uri::{is_within, name_of, parent_of};
use super::{Acl, Caller, Right, Tree};
use crate::dm::object::covers;
use crate::dm::{Access, Rule};
use crate::syncml::Code;
use crate::wire::Writer;

/// A node that exists, or could.
#[derive(Clone, Copy, Debug)]
pub(super) struct Place<'p> {
    pub(super) path: &'p str,
    /// Whose rule it is; the root is nobody's.
    pub(super) object: usize,
    pub(super) rule: &'static Rule,
}

/// The root: its children come from rules.
static ROOT: Rule = Rule::interior("", "");

impl<'t, 'o> Tree<'t, 'o> {
    /// The first rule that collides with another or has no parent.
    pub(super) fn bad_rule(&self) -> Option<(usize, usize)> {
        for (i, object) in self.objects.iter().enumerate() {
            for (j, rule) in object.rules().iter().enumerate() {
                let orphan = parent_of(rule.path).is_none_or(|parent| self.rule_at(parent).is_none());
                if orphan || self.rules().filter(|(_, other)| other.path == rule.path).count() != 1 {
                    return Some((i, j));
                }
            }
        }
        None
    }

    fn rules(&self) -> impl Iterator<Item = (usize, &'static Rule)> {
        self.objects
            .iter()
            .enumerate()
            .flat_map(|(i, object)| object.rules().iter().map(move |rule| (i, rule)))
    }

    /// The rule with exactly this path, `*` included.
    fn rule_at(&self, path: &str) -> Option<&'static Rule> {
        if path.is_empty() {
            return Some(&ROOT);
        }
        self.rules().map(|(_, rule)| rule).find(|rule| rule.path == path)
    }

    /// The rule that a node at `path` has or would have; one with a fixed name before one with `*`.
    pub(super) fn rule<'p>(&self, path: &'p str) -> Option<Place<'p>> {
        if path.is_empty() {
            return Some(Place { path, object: usize::MAX, rule: &ROOT });
        }
        let covering = || self.rules().filter(|(_, rule)| rule.covers(path));
        let fixed = covering().find(|(_, rule)| name_of(rule.path) == name_of(path));
        let (object, rule) = fixed.or_else(|| covering().next())?;
        Some(Place { path, object, rule })
    }

    /// The node at `path`; `NOT_FOUND` if it does not exist.
    pub(super) fn place<'p>(&self, path: &'p str) -> Result<Place<'p>, Code> {
        let place = self.rule(path).ok_or(Code::NOT_FOUND)?;
        let mut at = Some(path);
        while let Some(here) = at {
            let there = self.rule(here).is_some_and(|place| is_permanent(place.rule)) || self.nodes.has(here);
            if !there {
                return Err(Code::NOT_FOUND);
            }
            at = parent_of(here);
        }
        Ok(place)
    }

    /// Refuses what the access type (405) or the access control list (425) forbids.
    pub(super) fn permit(
        &self,
        by: Caller<'_>,
        place: &Place<'_>,
        access: Access,
        right: Right,
    ) -> Result<(), Code> {
        if by != Caller::Device && !place.rule.access.has(access) {
            return Err(Code::NOT_ALLOWED);
        }
        if self.has_right(by, place.path, right) { Ok(()) } else { Err(Code::PERMISSION_DENIED) }
    }

    /// Whether the list that holds for `path`, its own or inherited, gives `right`.
    pub(super) fn has_right(&self, by: Caller<'_>, path: &str, right: Right) -> bool {
        match by {
            Caller::Device => true,
            Caller::Server(server) => self.acl(path).allows(right, server),
        }
    }

    /// The list that holds for `path`: inherited as a whole from the nearest node that has one.
    fn acl(&self, path: &str) -> Acl<'_> {
        let mut at = Some(path);
        while let Some(here) = at {
            if let Some(own) = self.nodes.text_field(here, Field::Acl).filter(|own| !own.is_empty()) {
                return Acl::new(own);
            }
            at = parent_of(here);
        }
        Acl::ROOT
    }

    pub(super) fn root_acl(&self) -> Acl<'_> {
        self.acl("")
    }

    /// The name of the first child of `parent`, or that of the one after `name`.
    pub(super) fn child_after(&self, parent: &str, name: Option<&str>) -> Option<&str> {
        let mut children = self.children(parent);
        if let Some(name) = name {
            children.find(|child| *child == name)?;
        }
        children.next()
    }

    /// The names of a node's children: first those that are always there, in the order of the rules.
    fn children<'c, 'q>(&'c self, parent: &'q str) -> impl Iterator<Item = &'c str> + use<'c, 'q, 't, 'o> {
        let permanent = self.rules().map(|(_, rule)| rule).filter(move |rule| {
            is_permanent(rule) && parent_of(rule.path).is_some_and(|pattern| covers(pattern, parent))
        });
        let added = self.nodes.paths().filter(move |path| {
            parent_of(path) == Some(parent) && self.rule(path).is_some_and(|place| !is_permanent(place.rule))
        });
        permanent.map(|rule| name_of(rule.path)).chain(added.map(name_of))
    }

    /// Writes the path of the node after `current` in the sub-tree of `root` to `buffer` and returns its length. Without
    /// `enter` what is below `current` is left out.
    pub(super) fn step(&self, root: &str, current: &str, enter: bool, buffer: &mut [u8]) -> Option<usize> {
        if enter && let Some(child) = self.child_after(current, None) {
            return join(current, child, buffer);
        }
        let mut at = current;
        while at != root && is_within(at, root) {
            let parent = parent_of(at)?;
            if let Some(sibling) = self.child_after(parent, Some(name_of(at))) {
                return join(parent, sibling, buffer);
            }
            at = parent;
        }
        None
    }
}

/// Whether a rule's node is there whenever its parent is.
pub(super) fn is_permanent(rule: &Rule) -> bool {
    rule.permanent && name_of(rule.path) != "*"
}

/// Writes `parent/name` and returns its length.
pub(super) fn join(parent: &str, name: &str, buffer: &mut [u8]) -> Option<usize> {
    let mut w = Writer::new(buffer);
    let between = if parent.is_empty() { "" } else { "/" };
    for text in [parent, between, name] {
        w.put(text.as_bytes()).ok()?;
    }
    Some(w.at())
}

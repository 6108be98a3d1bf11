//! What a conversation is made of: a script that says the next thing, given what was answered.

use crate::caller::Caller;
use crate::log::{Log, Rule, Step};
use crate::operator::Books;
use crate::order::{Answer, Order};

/// What the operator says next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Turn {
    /// A document with these orders.
    Say(Vec<Order>),
    /// Nothing more: the session ends with an empty answer.
    Hang,
}

/// What a script may look at and change while it decides.
pub(crate) struct Scene<'a> {
    pub(crate) books: &'a mut Books,
    pub(crate) log: &'a mut Log,
    pub(crate) caller: &'a Caller,
}

impl Scene<'_> {
    pub(crate) fn violate(&mut self, step: Step, rule: Rule, detail: impl Into<String>) {
        self.log.violate(step, rule, detail);
    }
}

/// A conversation's content. Numbering, repeats, framing and headers are the session's business, not the script's.
pub(crate) trait Script {
    /// The first turn.
    fn open(&mut self, scene: &mut Scene<'_>) -> Turn;

    /// The turn after `answers`, which are as many as `orders` (less a final disconnect) and in their order; with it,
    /// what the answers mean.
    fn answered(&mut self, orders: &[Order], answers: &[Answer], scene: &mut Scene<'_>) -> (Turn, String);
}

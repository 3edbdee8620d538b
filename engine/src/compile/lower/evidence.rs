//! What a condition can find in texts: what a redaction would replace.

use grammar::ast::Quantity;

use super::Lowering;
use crate::program::ir::{Node, NodeId, TextRef};

impl Lowering {
    /// Whether matches can come of a condition: somewhere it looks for patterns in texts, and not to deny them.
    pub(super) fn finds_text(&self, node: NodeId) -> bool {
        let any = |nodes: &[NodeId]| nodes.iter().any(|node| self.finds_text(*node));
        let every =
            |nodes: &[NodeId]| nodes.iter().all(|node| !self.looks_at_text(*node) || self.finds_text(*node));
        match self.arena.nodes.get(node.index()) {
            Some(Node::Has(TextRef::Texts(_) | TextRef::Element(_), _)) => true,
            Some(Node::And(sides)) => any(sides),
            // Whichever side holds must find what is to be replaced, if it looks at texts at all.
            Some(Node::Or(sides)) => any(sides) && every(sides),
            Some(Node::If(_, then, otherwise)) => any(&[*then, *otherwise]) && every(&[*then, *otherwise]),
            Some(Node::Compare(_, a, b)) => [a, b].into_iter().any(|side| {
                matches!(self.arena.nodes.get(side.index()), Some(Node::Score(_))) && self.finds_text(*side)
            }),
            Some(Node::Quantifier { quantity: Quantity::Any | Quantity::All, body, .. }) => {
                self.finds_text(*body)
            }
            Some(Node::Score(id)) => self.scores.get(id.0 as usize).is_some_and(|score| {
                score.terms.iter().any(|(_, condition)| condition.is_some_and(|node| self.finds_text(node)))
            }),
            _ => false,
        }
    }

    /// Whether a condition looks for patterns in texts anywhere, in whatever way.
    fn looks_at_text(&self, node: NodeId) -> bool {
        let Some(node) = self.arena.nodes.get(node.index()) else { return false };
        let mut looks = matches!(node, Node::Has(TextRef::Texts(_) | TextRef::Element(_), _));
        node.children(|child| looks = looks || self.looks_at_text(child));
        looks
    }
}

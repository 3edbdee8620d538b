//! The arena in the making: nodes, equal ones once, constants folded as they are added.

use std::collections::HashMap;

use super::index;
use crate::matcher::glob;
use crate::program::ir::{Node, NodeId, TextRef};
use crate::program::ops;
use crate::value::Value;

/// Nodes so far.
pub(super) struct Arena {
    pub(super) nodes: Vec<Node>,
    ids: HashMap<Node, NodeId>,
    /// Whether the sides of `and` and `or` may change places.
    reorder: bool,
}

impl Arena {
    pub(super) fn new(reorder: bool) -> Self {
        Self { nodes: Vec::new(), ids: HashMap::new(), reorder }
    }

    /// The node, made once.
    pub(super) fn add(&mut self, node: Node) -> NodeId {
        if let Some(id) = self.ids.get(&node) {
            return *id;
        }
        let id = NodeId(index(self.nodes.len()));
        self.ids.insert(node.clone(), id);
        self.nodes.push(node);
        id
    }

    /// The node, or its value when everything in it is constant.
    pub(super) fn make(&mut self, node: Node) -> NodeId {
        match self.fold(&node) {
            Some(value) => self.add(Node::Const(value)),
            None => self.add(node),
        }
    }

    fn fold(&self, node: &Node) -> Option<Value> {
        let constant = |node: &NodeId| self.constant(*node);
        Some(match node {
            Node::Compare(op, a, b) => Value::Bool(ops::compare(*op, constant(a)?, constant(b)?)),
            Node::Arith(op, a, b) => ops::arithmetic(*op, constant(a)?, constant(b)?),
            Node::Test(test, a, b) => Value::Bool(ops::text_test(*test, constant(a)?, constant(b)?)),
            Node::In(value, list) => Value::Bool(ops::contains(constant(list)?, constant(value)?)),
            Node::Glob(text, pattern) => Value::Bool(glob::fits(pattern, constant(text)?.as_str()?)),
            Node::Within(address, networks) => Value::Bool(ops::within(constant(address)?, networks)),
            Node::Present(inner) => Value::Bool(*constant(inner)? != Value::Absent),
            Node::Coalesce(a, b) => match constant(a)? {
                Value::Absent => constant(b)?.clone(),
                value => value.clone(),
            },
            Node::Call(function, inner) => ops::call(*function, constant(inner)?),
            _ => return None,
        })
    }

    pub(super) fn constant(&self, node: NodeId) -> Option<&Value> {
        match self.nodes.get(node.index()) {
            Some(Node::Const(value)) => Some(value),
            _ => None,
        }
    }

    /// Whether a condition always has that value, whatever it may still find on the way.
    pub(super) fn is_const(&self, node: NodeId, value: bool) -> bool {
        match self.nodes.get(node.index()) {
            Some(Node::Const(known)) => *known == Value::Bool(value),
            Some(Node::Not(inner)) => self.is_const(*inner, !value),
            Some(Node::And(sides)) if !value => sides.iter().any(|side| self.is_const(*side, false)),
            Some(Node::Or(sides)) if value => sides.iter().any(|side| self.is_const(*side, true)),
            _ => false,
        }
    }

    /// What a condition always is, if it is always the same.
    pub(super) fn truth(&self, node: NodeId) -> Option<bool> {
        [true, false].into_iter().find(|value| self.is_const(node, *value))
    }

    pub(super) fn not(&mut self, inner: NodeId) -> NodeId {
        match self.nodes.get(inner.index()) {
            Some(Node::Const(Value::Bool(value))) => {
                let value = Value::Bool(!value);
                self.add(Node::Const(value))
            }
            Some(Node::Not(twice)) => *twice,
            _ => self.add(Node::Not(inner)),
        }
    }

    pub(super) fn and(&mut self, sides: Vec<NodeId>) -> NodeId {
        self.junction(sides, true)
    }

    pub(super) fn or(&mut self, sides: Vec<NodeId>) -> NodeId {
        self.junction(sides, false)
    }

    /// `and` (neutral `true`) or `or` (neutral `false`): nested ones flattened, constants folded, cheap sides first.
    ///
    /// A side that is always true settles an `or`, but not what the other sides find: those that look for patterns stay,
    /// so that a rule reports and redacts the same whether or not it was simplified. Likewise an `and` that is denied.
    fn junction(&mut self, sides: Vec<NodeId>, neutral: bool) -> NodeId {
        let mut flat = Vec::new();
        for side in sides {
            match self.nodes.get(side.index()) {
                Some(Node::And(inner)) if neutral => flat.extend(inner.iter().copied()),
                Some(Node::Or(inner)) if !neutral => flat.extend(inner.iter().copied()),
                _ => flat.push(side),
            }
        }
        flat.retain(|side| self.constant(*side) != Some(&Value::Bool(neutral)));
        if flat.iter().any(|side| self.is_const(*side, !neutral)) {
            flat.retain(|side| self.finds(*side, !neutral));
            flat.push(self.add(Node::Const(Value::Bool(!neutral))));
        }
        if self.reorder {
            flat.sort_by_key(|node| (self.cost(*node), *node));
            flat.dedup();
        }
        match flat.as_slice() {
            [] => self.add(Node::Const(Value::Bool(neutral))),
            [one] => *one,
            _ if neutral => self.add(Node::And(flat.into())),
            _ => self.add(Node::Or(flat.into())),
        }
    }

    /// Whether a match of a pattern can be evidence for it, or with `wanted` false against it.
    fn finds(&self, node: NodeId, wanted: bool) -> bool {
        let Some(node) = self.nodes.get(node.index()) else { return false };
        match node {
            Node::Not(inner) => self.finds(*inner, !wanted),
            Node::And(sides) | Node::Or(sides) => sides.iter().any(|side| self.finds(*side, wanted)),
            Node::If(_, then, otherwise) => self.finds(*then, wanted) || self.finds(*otherwise, wanted),
            Node::Has(..) | Node::Score(_) => wanted,
            Node::Compare(_, a, b) => self.finds(*a, wanted) || self.finds(*b, wanted),
            Node::Quantifier { body, .. } => wanted && self.finds(*body, wanted),
            _ => false,
        }
    }

    /// A rough rank: facts before lists, lists before texts, scripts last.
    fn cost(&self, node: NodeId) -> u8 {
        let Some(node) = self.nodes.get(node.index()) else { return 0 };
        let own = match node {
            Node::Script(..) | Node::Language(..) => 4,
            Node::Score(_) => 3,
            Node::Has(TextRef::Texts(_), _) | Node::Model(..) => 2,
            Node::Quantifier { .. } | Node::Has(..) => 1,
            _ => 0,
        };
        let mut cost = own;
        node.children(|child| cost = cost.max(self.cost(child)));
        cost
    }
}

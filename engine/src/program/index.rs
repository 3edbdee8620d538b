//! An index of the rules whose conditions compare a plain value to constants: one look at the value says which of them
//! can hold at all.
//!
//! A rule that is passed over is one whose condition has a part, joined by `and`, that is false. Parts are read in the
//! order in which conditions are evaluated, up to the first that may fail, so that what is passed over could neither
//! hold nor fail.

use std::collections::HashMap;
use std::sync::Arc;

use super::Rule;
use super::ir::{Comparison, Node, NodeId};
use crate::value::Value;

/// By value that rules compare, the rules that compare it.
#[derive(Debug, Default)]
pub(crate) struct Index {
    subjects: Vec<Subject>,
    /// By rule, the subject that it hangs on.
    of_rule: Vec<Option<usize>>,
}

/// A value that rules compare.
#[derive(Debug)]
struct Subject {
    node: NodeId,
    /// Rules by a string that the value must equal.
    equal: HashMap<Arc<str>, Vec<usize>>,
    /// Lower bounds, sorted, with the rules that ask for them.
    at_least: Vec<(f64, usize)>,
}

/// What a rule asks of a value.
enum Asked {
    OneOf(Vec<Arc<str>>),
    AtLeast(f64),
}

impl Index {
    /// The index of a program's rules.
    pub(crate) fn new(nodes: &[Node], rules: &[Rule]) -> Self {
        let plain = plain_nodes(nodes);
        let mut index = Self { subjects: Vec::new(), of_rule: vec![None; rules.len()] };
        for (rule, slot) in rules.iter().zip(0..) {
            let Some((node, asked)) = hinge(nodes, &plain, rule.condition) else { continue };
            let at = index.subject(node);
            if let Some(subject) = index.subjects.get_mut(at) {
                subject.add(slot, asked);
            }
            if let Some(of) = index.of_rule.get_mut(slot) {
                *of = Some(at);
            }
        }
        for subject in &mut index.subjects {
            subject.at_least.sort_by(|a, b| a.0.total_cmp(&b.0));
        }
        index
    }

    fn subject(&mut self, node: NodeId) -> usize {
        if let Some(at) = self.subjects.iter().position(|subject| subject.node == node) {
            return at;
        }
        self.subjects.push(Subject { node, equal: HashMap::new(), at_least: Vec::new() });
        self.subjects.len() - 1
    }

    /// The values to look at, in order.
    pub(crate) fn subjects(&self) -> impl Iterator<Item = NodeId> {
        self.subjects.iter().map(|subject| subject.node)
    }

    /// Whether each rule can hold, given the values of the subjects in order.
    pub(crate) fn possible(&self, values: &[Value]) -> Vec<bool> {
        let mut possible: Vec<bool> = self.of_rule.iter().map(Option::is_none).collect();
        for (subject, value) in self.subjects.iter().zip(values) {
            for rule in subject.holding(value) {
                if let Some(slot) = possible.get_mut(rule) {
                    *slot = true;
                }
            }
        }
        possible
    }
}

impl Subject {
    fn add(&mut self, rule: usize, asked: Asked) {
        match asked {
            Asked::OneOf(texts) => {
                for text in texts {
                    self.equal.entry(text).or_default().push(rule);
                }
            }
            Asked::AtLeast(bound) => self.at_least.push((bound, rule)),
        }
    }

    /// The rules that a value lets pass.
    fn holding(&self, value: &Value) -> impl Iterator<Item = usize> {
        let equal = value.as_str().and_then(|text| self.equal.get(text)).into_iter().flatten().copied();
        let upto =
            value.as_float().map_or(0, |number| self.at_least.partition_point(|(bound, _)| *bound <= number));
        equal.chain(self.at_least.iter().take(upto).map(|(_, rule)| *rule))
    }
}

/// The first part of a condition that an index can answer, if no part before it can fail or be dear.
fn hinge(nodes: &[Node], plain: &[bool], condition: NodeId) -> Option<(NodeId, Asked)> {
    let alone = [condition];
    let parts: &[NodeId] = match nodes.get(condition.index())? {
        Node::And(sides) => sides,
        _ => &alone,
    };
    let is_plain = |part: &&NodeId| plain.get(part.index()) == Some(&true);
    parts.iter().take_while(is_plain).find_map(|part| asked(nodes, *part))
}

/// What a part asks of a value; the part is plain, and so is all that is in it.
fn asked(nodes: &[Node], part: NodeId) -> Option<(NodeId, Asked)> {
    let constant = |id: &NodeId| match nodes.get(id.index()) {
        Some(Node::Const(value)) => Some(value),
        _ => None,
    };
    let text = |value: &Value| match value {
        Value::Str(text) => Some(Arc::clone(text)),
        _ => None,
    };
    match nodes.get(part.index())? {
        Node::Compare(Comparison::Eq, a, b) => {
            let of_b = constant(b).map(|value| (a, value));
            let (subject, value) = of_b.or_else(|| constant(a).map(|value| (b, value)))?;
            Some((*subject, Asked::OneOf(vec![text(value)?])))
        }
        Node::In(subject, list) => {
            let items = constant(list)?.as_list()?;
            Some((*subject, Asked::OneOf(items.iter().map(text).collect::<Option<_>>()?)))
        }
        // Whole numbers beyond what a float tells apart only let a rule pass too often.
        Node::Compare(Comparison::Ge | Comparison::Gt, subject, bound) => {
            Some((*subject, Asked::AtLeast(constant(bound)?.as_float()?)))
        }
        _ => None,
    }
}

/// Per node, whether its value comes of fields and constants alone: it is cheap, and cannot fail. Children come first in
/// the arena.
fn plain_nodes(nodes: &[Node]) -> Vec<bool> {
    let mut all: Vec<bool> = Vec::with_capacity(nodes.len());
    for node in nodes {
        let mut plain = match node {
            Node::Element(..)
            | Node::Has(..)
            | Node::Quantifier { .. }
            | Node::Score(_)
            | Node::Language(..)
            | Node::Script(..)
            | Node::Model(..) => false,
            Node::Const(_)
            | Node::Field(_)
            | Node::Header(_)
            | Node::Label(_)
            | Node::Not(_)
            | Node::And(_)
            | Node::Or(_)
            | Node::Compare(..)
            | Node::Arith(..)
            | Node::Test(..)
            | Node::Glob(..)
            | Node::Within(..)
            | Node::In(..)
            | Node::Coalesce(..)
            | Node::Present(_)
            | Node::If(..)
            | Node::Call(..) => true,
        };
        node.children(|child| plain &= all.get(child.index()) == Some(&true));
        all.push(plain);
    }
    all
}

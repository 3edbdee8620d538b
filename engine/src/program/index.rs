//! An index of the rules whose conditions compare a plain value to constants: one look at the value says which of them
//! can hold at all. Beside it, which rules need a match: where a scan finds nothing of their patterns, they need not be asked.
//!
//! A rule that is passed over is one whose condition has a part, joined by `and`, that is false. Parts are read in the
//! order in which conditions are evaluated, up to the first that may fail, so that what is passed over could neither
//! hold nor fail.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use grammar::ast::Quantity;

use super::Rule;
use super::ir::{Comparison, DetectorId, ListField, Node, NodeId, Score, TextRef, TextTest};
use crate::value::Value;

/// By value that rules compare, the rules that compare it.
#[derive(Debug)]
pub(crate) struct Index {
    subjects: Vec<Subject>,
    /// The rules that hang on no subject.
    free: Vec<usize>,
    /// By rule, detectors of which one must match in some text.
    sought: Vec<Option<Box<[DetectorId]>>>,
}

/// A value that rules compare.
#[derive(Debug)]
struct Subject {
    node: NodeId,
    /// Rules by a string that the value must equal.
    equal: HashMap<Arc<str>, Vec<usize>>,
    /// Lower bounds, sorted, with the rules that ask for them.
    at_least: Vec<(f64, usize)>,
    /// Rules by how the value must begin, by the length of that.
    begins: BTreeMap<usize, HashMap<Arc<str>, Vec<usize>>>,
}

/// What a rule asks of a value.
enum Asked {
    OneOf(Vec<Arc<str>>),
    AtLeast(f64),
    Begins(Arc<str>),
}

impl Index {
    /// The index of a program's rules.
    pub(crate) fn new(nodes: &[Node], scores: &[Score], rules: &[Rule]) -> Self {
        let (plain, safe) = (plain_nodes(nodes), safe_nodes(nodes, scores));
        let sought = rules.iter().map(|rule| sought(nodes, &safe, rule.condition).map(Vec::into_boxed_slice));
        let mut index = Self { subjects: Vec::new(), free: Vec::new(), sought: sought.collect() };
        for (rule, slot) in rules.iter().zip(0..) {
            let Some((node, asked)) = hinge(nodes, &plain, rule.condition) else {
                index.free.push(slot);
                continue;
            };
            let at = index.subject(node);
            if let Some(subject) = index.subjects.get_mut(at) {
                subject.add(slot, asked);
            }
        }
        for subject in &mut index.subjects {
            subject.at_least.sort_by(|a, b| a.0.total_cmp(&b.0));
        }
        index
    }

    /// The index of so many rules that knows nothing of them.
    pub(crate) fn blank(rules: usize) -> Self {
        Self { subjects: Vec::new(), free: (0..rules).collect(), sought: Vec::new() }
    }

    fn subject(&mut self, node: NodeId) -> usize {
        if let Some(at) = self.subjects.iter().position(|subject| subject.node == node) {
            return at;
        }
        self.subjects.push(Subject {
            node,
            equal: HashMap::new(),
            at_least: Vec::new(),
            begins: BTreeMap::new(),
        });
        self.subjects.len() - 1
    }

    /// The values to look at, in order.
    pub(crate) fn subjects(&self) -> impl Iterator<Item = NodeId> {
        self.subjects.iter().map(|subject| subject.node)
    }

    /// Detectors of which one must match in some text of the request for a rule to hold, where there are such.
    pub(crate) fn sought(&self, rule: usize) -> Option<&[DetectorId]> {
        self.sought.get(rule)?.as_deref()
    }

    /// The rules that can hold, in order, given the values of the subjects in order.
    pub(crate) fn possible(&self, values: &[Value]) -> Vec<usize> {
        let mut possible = self.free.clone();
        for (subject, value) in self.subjects.iter().zip(values) {
            subject.holding(value, &mut possible);
        }
        possible.sort_unstable();
        possible.dedup();
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
            Asked::Begins(text) => {
                let of_length = self.begins.entry(text.len()).or_default();
                of_length.entry(text).or_default().push(rule);
            }
        }
    }

    /// Adds the rules that a value lets pass.
    fn holding(&self, value: &Value, out: &mut Vec<usize>) {
        if let Some(text) = value.as_str() {
            out.extend(self.equal.get(text).into_iter().flatten());
            for (length, of_length) in &self.begins {
                let beginning = text.get(..*length);
                out.extend(beginning.and_then(|beginning| of_length.get(beginning)).into_iter().flatten());
            }
        }
        if let Some(number) = value.as_float() {
            let upto = self.at_least.partition_point(|(bound, _)| *bound <= number);
            out.extend(self.at_least.iter().take(upto).map(|(_, rule)| *rule));
        }
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
        Node::Test(TextTest::StartsWith, subject, beginning) => {
            Some((*subject, Asked::Begins(text(constant(beginning)?)?)))
        }
        // Whole numbers beyond what a float tells apart only let a rule pass too often.
        Node::Compare(Comparison::Ge | Comparison::Gt, subject, bound) => {
            Some((*subject, Asked::AtLeast(constant(bound)?.as_float()?)))
        }
        _ => None,
    }
}

/// Detectors of which one must match for a condition to hold, if no part that is asked before them can fail.
fn sought(nodes: &[Node], safe: &[bool], condition: NodeId) -> Option<Vec<DetectorId>> {
    let is_safe = |part: &&NodeId| safe.get(part.index()) == Some(&true);
    match nodes.get(condition.index())? {
        Node::Has(TextRef::Texts(_) | TextRef::Element(_), detectors) => Some(detectors.to_vec()),
        Node::And(sides) => sides.iter().take_while(is_safe).find_map(|side| sought(nodes, safe, *side)),
        Node::Or(sides) => {
            let each = sides.iter().map(|side| sought(nodes, safe, *side).filter(|_| is_safe(&side)));
            Some(each.collect::<Option<Vec<_>>>()?.into_iter().flatten().collect())
        }
        Node::Quantifier { quantity: Quantity::Any, list: ListField::Messages, body, .. } => {
            sought(nodes, safe, *body).filter(|_| is_safe(&body))
        }
        _ => None,
    }
}

/// Per node, whether it cannot fail: no script is called for it. Children come first in the arena.
fn safe_nodes(nodes: &[Node], scores: &[Score]) -> Vec<bool> {
    let mut all: Vec<bool> = Vec::with_capacity(nodes.len());
    for node in nodes {
        let is_safe = |child: NodeId| all.get(child.index()) == Some(&true);
        let mut safe = match node {
            Node::Script(..) => false,
            Node::Score(score) => scores.get(score.0 as usize).is_some_and(|score| {
                score
                    .terms
                    .iter()
                    .all(|(weight, condition)| is_safe(*weight) && condition.is_none_or(is_safe))
            }),
            _ => true,
        };
        node.children(|child| safe &= is_safe(child));
        all.push(safe);
    }
    all
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
